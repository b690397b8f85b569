//
// mioext/interest.hpp
// -------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The kinds of readiness that a registration asks for.
//

#ifndef MIOEXT_INTEREST_HPP
#define MIOEXT_INTEREST_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <type_traits>

#include <mioext/detail/bitmask.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// What a registration wants to be told of; a bitmask with `|`, `&`, `^`, `~`, contains() and `<<`.
///
/// Errors and hang-ups need not be asked for: epoll reports them always, kqueue with what was asked
/// for.
///
/// @par Source
/// mio's `Interest`; epoll_ctl(2), kqueue(2).
enum class interest : unsigned char {
  /// Nothing. A registration wants at least one of the others.
  none = 0,
  /// A read is likely to find data, the end of the stream or an error; a listener has someone to
  /// accept.
  readable = 1,
  /// A write is likely to be taken; a connect has come to its end.
  writable = 2,
  /// There is out-of-band data, or whatever else the system counts as exceptional (EPOLLPRI). With
  /// kqueue: operation_not_supported.
  priority = 4
};

namespace detail {

template <> struct bitmask_names<interest> : std::true_type {
  static constexpr std::size_t count = 3;

  static char const* const* names() noexcept {
    static char const* const list[count] = {"readable", "writable", "priority"};
    return list;
  }
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_INTEREST_HPP
