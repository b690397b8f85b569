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

#include <chrono>
#include <cstddef>

namespace mioext {

/// How an event loop is made; the defaults suit a server of some thousand connections.
///
/// @par Source
/// mio's first `EventLoopConfig`.
struct event_loop_config {
  /// How many events one system call fetches at the most. What does not fit comes with the next, so
  /// that this bounds how long a batch keeps messages and timers waiting.
  std::size_t event_capacity = 256;

  /// How many messages can be under way to the handler; a sender is told when there are more.
  std::size_t message_capacity = 1024;

  /// How many messages one tick delivers at the most before I/O gets its turn.
  std::size_t messages_per_tick = 64;

  /// What timers are rounded up to. A millisecond, because that is what the system can wait for,
  /// and a coarser tick would save nothing: the loop sleeps until the next timer, not from tick to
  /// tick. From a millisecond upwards.
  std::chrono::nanoseconds timer_tick = std::chrono::milliseconds(1);

  /// How many slots each level of the timing wheel has: rounded up to a power of two, from 64 to
  /// 4096. More slots mean fewer moves of a timer that is set far ahead, and more memory.
  std::size_t timer_wheel_size = 64;

  /// For how many timers memory is taken with the first one. More can be set; then memory grows.
  std::size_t timer_capacity = 1024;

  /// The longest that the loop may sleep at a time, for programs that must look at something else
  /// now and then; max() for as long as nothing happens. Waking up for this calls no handler.
  std::chrono::nanoseconds longest_sleep = std::chrono::nanoseconds::max();
};

} // namespace mioext

#endif // MIOEXT_EVENT_LOOP_CONFIG_HPP
