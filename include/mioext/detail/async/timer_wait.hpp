//
// mioext/detail/async/timer_wait.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Begins an asynchronous wait of a steady_timer.
//

#ifndef MIOEXT_DETAIL_ASYNC_TIMER_WAIT_HPP
#define MIOEXT_DETAIL_ASYNC_TIMER_WAIT_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <mioext/detail/async/cancellation.hpp>
#include <mioext/detail/async/handler_operation.hpp>
#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/async/timer_queue.hpp>
#include <mioext/detail/async/wait_op.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// What a handler's cancellation slot calls. Its address is the key of the operation. The wheel knows
/// whether the timer by which it finds the operation is still the same, so the timer may have been
/// moved or destroyed.
class cancel_timer_wait {
public:
  explicit cancel_timer_wait(std::shared_ptr<selector_reactor> const& reactor)
      : reactor_(reactor) {}

  void operator()() const { reactor_->timers().cancel(place_, this); }

  /// Where the queue writes the timer's place when the wait begins, which is after this was made.
  timer_id* place() const noexcept { return &place_; }

private:
  std::shared_ptr<selector_reactor> reactor_;
  mutable timer_id place_{};
};

template <class Handler, class IoExecutor>
void start_timer_wait(std::shared_ptr<selector_reactor> const& reactor, timer_waits& timer,
                      timer_queue::clock::time_point expiry, bool may_be_past,
                      IoExecutor const& executor, Handler& completion_handler) {
  if (reactor->is_shut_down()) {
    return; // the handler is dropped, as are those that wait when a context goes
  }
  cancel_timer_wait const* const key = install_cancellation<total_cancellation, cancel_timer_wait>(
      get_cancellation_slot(completion_handler), reactor);
  auto& operation = handler_operation<wait_action, Handler, IoExecutor>::make(
      interest::none, wait_action(), completion_handler, executor);
  operation.set_cancellation_key(key);
  reactor->timers().start(timer, expiry, may_be_past, operation, key ? key->place() : nullptr);
}

/// @tparam Timer a basic_steady_timer
template <class Timer> class initiate_timer_wait {
public:
  using executor_type = typename Timer::executor_type;

  explicit initiate_timer_wait(Timer& timer) noexcept : timer_(&timer) {}

  executor_type get_executor() const noexcept { return timer_->get_executor(); }

  template <class Handler> void operator()(Handler&& completion_handler) const {
    typename std::decay<Handler>::type owned(std::forward<Handler>(completion_handler));
    timer_->begin_wait(owned);
  }

private:
  Timer* timer_;
};

/// What only mioext's own operations do with a timer.
struct timer_access {
  /// Destroys the handlers of all pending waits. Returns how many.
  template <class Timer> static std::size_t drop_waits(Timer& timer) { return timer.drop_waits(); }
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_TIMER_WAIT_HPP
