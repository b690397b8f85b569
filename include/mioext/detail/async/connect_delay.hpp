//
// mioext/detail/async/connect_delay.hpp
// -------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The time that a connect lets pass before it tries again, or before it tries another endpoint.
//

#ifndef MIOEXT_DETAIL_ASYNC_CONNECT_DELAY_HPP
#define MIOEXT_DETAIL_ASYNC_CONNECT_DELAY_HPP

#include <mioext/detail/system.hpp>

#include <memory>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/async/timer_queue.hpp>
#include <mioext/detail/async/timer_wait.hpp>
#include <mioext/detail/duration.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A timer of the context's own, so that a connect needs nothing of Asio's reactor.
///
/// The handler of its wait keeps it. So nothing waits any more when it is destroyed, which may be in
/// any thread.
class connect_delay {
public:
  explicit connect_delay(std::shared_ptr<selector_reactor> const& reactor) : reactor_(reactor) {}

  connect_delay(connect_delay const&) = delete;
  connect_delay& operator=(connect_delay const&) = delete;

  /// Waits for that long. No other wait is pending.
  /// @param executor a copy, because the original may be where `handler` is moved from
  template <class Executor, class Handler>
  void async_wait(timer_queue::clock::duration duration, Executor executor, Handler&& handler) {
    typename std::decay<Handler>::type owned(std::forward<Handler>(handler));
    has_begun_ = true;
    start_timer_wait(reactor_, waits_,
                     saturated_sum<timer_queue::clock>(timer_queue::clock::now(), duration), false,
                     executor, owned);
  }

  /// Ends a pending wait with operation_aborted.
  void cancel() {
    if (has_begun_) {
      reactor_->timers().cancel(waits_, timer_queue::all);
    }
  }

private:
  std::shared_ptr<selector_reactor> reactor_;
  timer_waits waits_{};
  bool has_begun_ = false;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_CONNECT_DELAY_HPP
