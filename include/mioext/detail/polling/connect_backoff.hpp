//
// mioext/detail/polling/connect_backoff.hpp
// -----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How long a connect waits before it is tried again, when a Unix listener's backlog was full.
//

#ifndef MIOEXT_DETAIL_POLLING_CONNECT_BACKOFF_HPP
#define MIOEXT_DETAIL_POLLING_CONNECT_BACKOFF_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <chrono>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The kernel reports nothing when room appears in a Unix listener's backlog, so a connect is tried
/// again: first after a millisecond, and then each time after twice as long, up to 64 milliseconds.
class connect_backoff {
public:
  /// How long to wait before the next try.
  std::chrono::milliseconds next() noexcept {
    std::chrono::milliseconds const delay = next_;
    next_ = std::min<std::chrono::milliseconds>(2 * delay, std::chrono::milliseconds(64));
    return delay;
  }

private:
  std::chrono::milliseconds next_ = std::chrono::milliseconds(1);
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_CONNECT_BACKOFF_HPP
