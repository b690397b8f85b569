//
// mioext/detail/async/lasting_wait.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a selector_reactor keeps for an operation that waits again after each event, for as long as
// its descriptor is watched.
//

#ifndef MIOEXT_DETAIL_ASYNC_LASTING_WAIT_HPP
#define MIOEXT_DETAIL_ASYNC_LASTING_WAIT_HPP

#include <mioext/detail/system.hpp>

#include <cstdint>

#include <mioext/detail/async/descriptor_state.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Between two events the selector goes on watching, level-triggered, so that the operation waits again
/// without a system call. What is reported while the operation is away (on the way to its callback, or
/// in it) is in vain. Where that happens, because another thread runs the callback or fetches the
/// events, the selector is asked anew after each event instead.
struct lasting_wait {
  /// Of the descriptor that is watched; null if none is.
  descriptor_state* state = nullptr;
  /// Which of the files that had this number is meant: descriptor_state::registration.
  std::uint32_t registration = 0;
  /// False if the selector is asked anew after each event.
  bool is_level = true;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_LASTING_WAIT_HPP
