//
// mioext/trigger.hpp
// ------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// When, and how often, a registration reports the readiness that it asked for.
//

#ifndef MIOEXT_TRIGGER_HPP
#define MIOEXT_TRIGGER_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <type_traits>

#include <mioext/detail/bitmask.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// How readiness is reported; a bitmask with `|`, `&`, `^`, `~`, contains() and `<<`.
///
/// One of `edge` and `level` applies, and `edge` where neither is named, so that `oneshot` alone
/// means `oneshot | edge`. Naming both is an error (invalid_argument).
///
/// @par Source
/// mio's first `PollOpt`; epoll(7), kqueue(2).
enum class trigger : unsigned char {
  /// Reported when it begins, and when more comes; after an event, read or write until would_block
  /// before waiting for the next. The default, as in mio.
  edge = 1,
  /// Reported by every poll for as long as it lasts.
  level = 2,
  /// Reported once; then nothing until reregistered. The handle stays registered in between. (With
  /// kqueue, reading and writing that begin at the same time are two events.)
  oneshot = 4,
  /// Where several pollers watch one handle, not all of them are woken (EPOLLEXCLUSIVE, Linux 4.5).
  /// Only for `readable` and `writable`, and not with `oneshot`. A registration cannot be changed
  /// to `exclusive`, and an `exclusive` one cannot be changed: the kernel refuses all of this
  /// (invalid_argument). A half close by the peer is reported as readable but not as read_closed,
  /// because the kernel refuses EPOLLRDHUP here. On systems without such a mode:
  /// operation_not_supported.
  exclusive = 8
};

namespace detail {

template <> struct bitmask_names<trigger> : std::true_type {
  static constexpr std::size_t count = 4;

  static char const* const* names() noexcept {
    static char const* const list[count] = {"edge", "level", "oneshot", "exclusive"};
    return list;
  }
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_TRIGGER_HPP
