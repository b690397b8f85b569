//
// mioext/steady_timer.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A timer in the shape of Asio's, on mioext's timer wheel.
//

#ifndef MIOEXT_STEADY_TIMER_HPP
#define MIOEXT_STEADY_TIMER_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/async/timer_queue.hpp>
#include <mioext/detail/async/timer_wait.hpp>
#include <mioext/detail/duration.hpp>
#include <mioext/detail/handles/is_execution_context.hpp>
#include <mioext/selector_service.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// Waits until a point in time of the steady clock, or for a duration.
///
/// It is used like Asio's steady_timer, and does the same: counts, completion, cancellation. What
/// differs:
///
/// - Expiry times are rounded up to milliseconds (counted from the creation of the context's service).
///   So a wait never ends early, and ends at most a millisecond late, plus the time for which the
///   context is busy. Waits that end in the same millisecond, or for a time that is past, end in the
///   order in which they began.
/// - To begin a wait and to cancel it takes constant time however many there are, and once as many
///   have been pending at the same time no more memory is allocated for them. (The operation itself
///   uses memory of the handler's allocator, as every operation does.) The first wait in a context
///   allocates some 50 KiB.
/// - In a selector_context the blocking wait of the context ends when the first timer expires, with no
///   system call to set or cancel one. In an io_context the context's reactor is told by the service's
///   alarm, which is only ever set to an earlier time: a timer that is cancelled may leave behind one
///   wake-up, which run_one() counts as a handler.
///
/// When the context is destroyed, the handlers of pending waits are destroyed without being called.
/// A timer may outlive its context, and does nothing then.
///
/// @par Thread safety
/// Distinct objects: safe in an io_context; in a selector_context all of them are used in the thread
/// that runs it. Shared objects: unsafe.
///
/// @tparam Executor where handlers are called by default.
///
/// @par Example
/// @code
/// mioext::steady_timer timer(context, std::chrono::seconds(5));
/// timer.async_wait([](boost::system::error_code ec) { ... });
/// @endcode
///
/// @par Source
/// Boost.Asio's basic_waitable_timer.
template <class Executor = boost::asio::any_io_executor> class basic_steady_timer {
public:
  /// The type of get_executor().
  using executor_type = Executor;
  /// The clock.
  using clock_type = std::chrono::steady_clock;
  /// A duration of the clock.
  using duration = clock_type::duration;
  /// A point in time of the clock.
  using time_point = clock_type::time_point;

  /// The same timer with another type of executor, as Asio's I/O objects have it.
  template <class OtherExecutor> struct rebind_executor {
    /// That type.
    using other = basic_steady_timer<OtherExecutor>;
  };

  /// Makes a timer whose handlers are called on `executor`. It has expired: its expiry time is
  /// `time_point()`.
  /// @throws boost::system::system_error when the context's service has to be made and cannot be.
  explicit basic_steady_timer(executor_type const& executor)
      : executor_(executor),
        reactor_(detail::selector_service_access::reactor(detail::context_of(executor_))) {}

  /// The same with an expiry time, as of expires_at().
  basic_steady_timer(executor_type const& executor, time_point const& expiry_time)
      : basic_steady_timer(executor) {
    expires_at(expiry_time);
  }

  /// The same with an expiry time, as of expires_after().
  basic_steady_timer(executor_type const& executor, duration const& expiry_time)
      : basic_steady_timer(executor) {
    expires_after(expiry_time);
  }

  /// Makes a timer whose handlers are called on the executor of `context`.
  template <class ExecutionContext,
            detail::enable_if<detail::is_execution_context<ExecutionContext>::value> = 0>
  explicit basic_steady_timer(ExecutionContext& context)
      : basic_steady_timer(executor_type(context.get_executor())) {}

  /// \overload
  template <class ExecutionContext,
            detail::enable_if<detail::is_execution_context<ExecutionContext>::value> = 0>
  basic_steady_timer(ExecutionContext& context, time_point const& expiry_time)
      : basic_steady_timer(executor_type(context.get_executor()), expiry_time) {}

  /// \overload
  template <class ExecutionContext,
            detail::enable_if<detail::is_execution_context<ExecutionContext>::value> = 0>
  basic_steady_timer(ExecutionContext& context, duration const& expiry_time)
      : basic_steady_timer(executor_type(context.get_executor()), expiry_time) {}

  /// Takes over the expiry time of `other` and its pending waits, which go on. `other` is as if made
  /// without an expiry time, on its executor.
  basic_steady_timer(basic_steady_timer&& other) noexcept
      : executor_(other.executor_), reactor_(other.reactor_) {
    take_over(other);
  }

  /// The same for a timer whose executor converts to this one's type.
  template <class OtherExecutor,
            detail::enable_if<std::is_convertible<OtherExecutor, Executor>::value &&
                              !std::is_same<OtherExecutor, Executor>::value> = 0>
  basic_steady_timer(basic_steady_timer<OtherExecutor>&& other)
      : executor_(other.executor_), reactor_(other.reactor_) {
    take_over(other);
  }

  /// The same; this timer's own pending waits end with operation_aborted.
  basic_steady_timer& operator=(basic_steady_timer&& other) {
    if (this != &other) {
      cancel();
      executor_ = other.executor_;
      reactor_ = other.reactor_;
      take_over(other);
    }
    return *this;
  }

  /// \overload
  template <class OtherExecutor>
  auto operator=(basic_steady_timer<OtherExecutor>&& other) ->
      typename std::enable_if<std::is_convertible<OtherExecutor, Executor>::value,
                              basic_steady_timer&>::type {
    return *this = basic_steady_timer(std::move(other));
  }

  basic_steady_timer(basic_steady_timer const&) = delete;
  basic_steady_timer& operator=(basic_steady_timer const&) = delete;

  /// Pending waits end with operation_aborted. Handlers for which their executor has no memory are
  /// destroyed without being called.
  ~basic_steady_timer() { reactor_->timers().cancel_or_drop(waits_); }

  /// Where handlers are called by default.
  executor_type get_executor() const noexcept { return executor_; }

  /// Ends pending waits with operation_aborted. A wait whose time has come, and which is only not
  /// called yet, is not pending any more.
  /// @return how many
  std::size_t cancel() { return cancel_some(detail::timer_queue::all); }

  /// Ends the wait with operation_aborted that began first among those that are pending.
  /// @return how many: none or one
  std::size_t cancel_one() { return cancel_some(1); }

  /// The expiry time, whether it is past or not.
  time_point expiry() const noexcept { return expiry_; }

  /// Sets the expiry time, and ends pending waits with operation_aborted.
  /// @return how many
  std::size_t expires_at(time_point const& expiry_time) {
    std::size_t const cancelled = cancel();
    expiry_ = expiry_time;
    may_be_past_ = true;
    return cancelled;
  }

  /// Sets the expiry time to a duration from now, and ends pending waits with operation_aborted.
  /// @return how many
  std::size_t expires_after(duration const& expiry_time) {
    std::size_t const cancelled = cancel();
    expiry_ = detail::saturated_sum<clock_type>(clock_type::now(), expiry_time);
    may_be_past_ = expiry_time < std::chrono::milliseconds(1);
    return cancelled;
  }

  /// Blocks the thread until the expiry time. Nothing can interrupt that.
  void wait() {
    // Not sleep_until(), whose difference of times may overflow (libc++).
    for (time_point now = clock_type::now(); now < expiry_; now = clock_type::now()) {
      std::this_thread::sleep_for(std::min<duration>(expiry_ - now, std::chrono::hours(1)));
    }
  }

  /// The same. `ec` says that there was no error.
  void wait(boost::system::error_code& ec) {
    wait();
    ec.clear();
  }

  /// Waits until the expiry time, and completes at once (not from inside this function) if that is
  /// past. Any number of waits may be pending.
  ///
  /// @param token a completion token for `void(boost::system::error_code)`:
  /// | error | when |
  /// | --- | --- |
  /// | none | the expiry time has come |
  /// | operation_aborted | cancelled, by this timer's functions or through the handler's cancellation slot |
  /// | no_memory | in an io_context: there is none to wait in its reactor |
  ///
  /// Cancellation of all types is supported.
  template <class Token = detail::default_token<Executor>>
  auto async_wait(Token&& token = detail::default_token<Executor>())
      -> decltype(boost::asio::async_initiate<Token, void(boost::system::error_code)>(
          std::declval<detail::initiate_timer_wait<basic_steady_timer>>(), token)) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        detail::initiate_timer_wait<basic_steady_timer>(*this), token);
  }

private:
  template <class> friend class basic_steady_timer;
  template <class> friend class detail::initiate_timer_wait;
  friend struct detail::timer_access;

  std::size_t cancel_some(std::size_t most) { return reactor_->timers().cancel(waits_, most); }

  template <class OtherExecutor> void take_over(basic_steady_timer<OtherExecutor>& other) noexcept {
    reactor_->timers().move(other.waits_, waits_);
    expiry_ = other.expiry_;
    may_be_past_ = other.may_be_past_;
    other.expiry_ = time_point();
    other.may_be_past_ = false;
  }

  template <class Handler> void begin_wait(Handler& completion_handler) {
    detail::start_timer_wait(reactor_, waits_, expiry_, may_be_past_, executor_,
                             completion_handler);
  }

  std::size_t drop_waits() { return reactor_->timers().drop(waits_); }

  Executor executor_;
  std::shared_ptr<detail::selector_reactor> reactor_;
  detail::timer_waits waits_{};
  time_point expiry_{};
  bool may_be_past_ = false;
};

/// A timer for any executor.
using steady_timer = basic_steady_timer<>;

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_STEADY_TIMER_HPP
