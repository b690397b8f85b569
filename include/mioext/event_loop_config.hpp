//
// mioext/event_loop_config.hpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The sizes and times that an event loop is made with.
//

#ifndef MIOEXT_EVENT_LOOP_CONFIG_HPP
#define MIOEXT_EVENT_LOOP_CONFIG_HPP

#include <mioext/detail/system.hpp>

#include <chrono>
#include <cstddef>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// How an event loop is made; the defaults suit a server of some thousand connections.
///
/// @par Source
/// mio's first `EventLoopConfig`.
struct event_loop_config {
  /// The largest number of events that one system call fetches; the rest is fetched by the next
  /// call. This limits how long a batch delays messages and timers.
  std::size_t event_capacity = 256;

  /// How many messages can be under way to the handler; a sender is told when there are more.
  std::size_t message_capacity = 1024;

  /// How many messages one tick delivers at the most before I/O gets its turn, and, where the loop is
  /// one of many in a context, before the context's other work does. The default is mio's.
  std::size_t messages_per_tick = 256;

  /// The unit that timers are rounded up to, at least a millisecond. The default is a millisecond,
  /// because that is what the system can wait for, and a coarser tick would save nothing: the loop
  /// sleeps until the next timer, not from tick to tick.
  std::chrono::nanoseconds timer_tick = std::chrono::milliseconds(1);

  /// How many slots each level of the timing wheel has: rounded up to a power of two, from 64 to
  /// 4096. More slots mean fewer moves of a timer that is set far ahead, and more memory.
  std::size_t timer_wheel_size = 64;

  /// The number of timers for which memory is allocated when the first one is set. If more are set,
  /// the memory grows.
  std::size_t timer_capacity = 1024;

  /// The longest time that the loop may sleep at once, for programs that must check something else
  /// now and then; max() means no limit. A wake-up for this calls no handler.
  std::chrono::nanoseconds longest_sleep = std::chrono::nanoseconds::max();
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_EVENT_LOOP_CONFIG_HPP
