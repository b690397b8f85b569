//
// mioext/selector_context.hpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An execution context whose blocking wait is mioext's selector: one reactor in the place of two.
//

#ifndef MIOEXT_SELECTOR_CONTEXT_HPP
#define MIOEXT_SELECTOR_CONTEXT_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>

#include <mioext/detail/async/scheduler.hpp>
#include <mioext/detail/async/scheduler_executor.hpp>
#include <mioext/detail/duration.hpp>
#include <mioext/event_loop_config.hpp>
#include <mioext/selector_service.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// Runs functions and asynchronous operations, as an io_context does. It waits for mioext's selector
/// itself, where an io_context waits for a reactor of Asio's in which the selector is nested.
/// @code
/// mioext::selector_context context;
/// mioext::tcp_stream stream(context);
/// mioext::async_connect(stream, endpoint, [](boost::system::error_code const& ec) { ... });
/// context.run();
/// @endcode
///
/// mioext's streams, operations and event loops take it wherever they take an io_context. The same is
/// true of everything in Asio that asks for an execution context or an executor: timers, sockets,
/// resolvers, strands, coroutines, channels. But Asio's own I/O objects and timers have a reactor of
/// Asio's, for which Asio adds a thread to the first of them, as in a thread_pool: each of their
/// operations wakes that thread, and then this context.
///
/// What the members mean, what they count, and when they throw is as with an io_context, unless it says
/// otherwise here. In particular:
///
/// - The functions that are queued or being called, the operations that have not completed, and
///   executors that track outstanding work (executor_work_guard) are its work. The members that run it
///   stop it when there is none left; then it calls nothing until restart(). (An io_context also stops
///   when its last work ends while nobody runs it. A selector_context is stopped by the next call that
///   runs it.)
/// - Those members count the functions that they call: one for each function that was posted, and one
///   for each operation. They never count more, whatever the selector reports.
/// - An exception of such a function leaves the member that runs the context. Nothing else is lost, and
///   the next call goes on with what comes after that, without a restart().
/// - Such a function may run the context itself, which then does not stop for want of work, because the
///   function is work.
/// - The destructor destroys what is queued, and the handlers of what is pending, without calling them.
///   Streams and other objects may outlive the context, but then they can only be closed and destroyed.
///
/// @par Fairness
/// What one thread posts is called in its order. What several threads post may be called in another
/// order than it was queued in. The selector is looked at, without waiting, after each 64 calls, and whenever nothing is
/// queued. The operations that it ends, one batch of event_loop_config::event_capacity events at the
/// most, go to the end of the queue. So, however many functions are posted and however busy one
/// descriptor is, an operation on a descriptor that is ready completes after at most 64 calls and what
/// was in the queue by then.
///
/// @par Thread safety
/// One thread at a time runs it, which need not always be the same; a second one that runs it at the
/// same time is stopped by an assertion (BOOST_ASSERT). Any thread may stop() it, ask whether it is
/// stopped(), take and use its executors: post, dispatch, defer, begin and end outstanding work. To post
/// takes no lock, and no system call while the context is awake.
///
/// Streams and what else does I/O in it belong to the thread that runs it, as with Asio's unsafe
/// concurrency hints. While nobody runs it, they may be used by the thread that will run it next. An
/// assertion stops another one. A plain handle (tcp_socket, for instance) that was waited for
/// here, and the descriptor of a stream that has been released, may be used and closed by any thread:
/// that is how connections are moved from one context to another. While an async_accept or an
/// async_connect of such a handle is pending, though, only the thread of the context may close it,
/// because the operation uses the descriptor.
///
/// @par Fork
/// As in an io_context: `notify_fork(fork_prepare)` before, then `notify_fork(fork_parent)` and
/// `notify_fork(fork_child)`. The child has a selector of its own after that, and its operations wait
/// there. A child that was never notified disturbs its parent by nothing that it does with the context:
/// closing, cancelling and destroying touch nothing of the parent's, and what runs the context makes the
/// selector anew. If a call throws, nothing is lost, and it can be repeated. Asio's own I/O objects and
/// timers do not work in the child: the thread of their reactor exists in the parent alone.
///
/// @par Source
/// Boost.Asio, `io_context`.
class selector_context : public boost::asio::execution_context {
public:
  /// Has the properties of an io_context's executor (blocking, relationship, outstanding_work,
  /// allocator, context, mapping) and is as small as a pointer.
  using executor_type = detail::scheduler_executor<std::allocator<void>, 0>;

  /// How many functions were called.
  using count_type = std::size_t;

  /// Makes one whose event_capacity is 32: of so few reads, what was read is still in the processor's
  /// cache when the last one's handler is called. (With 256, a server that sends back 16 KiB on each of
  /// 400 connections was a third slower.)
  selector_context() : selector_context(config_with(32)) {}

  /// Makes one, and its selector.
  ///
  /// @param config of which event_capacity is used: how many events the selector reports at once at the
  /// most, 256 if nothing else was said. (The context has its selector_service from the beginning; make_service cannot give it one of
  /// another size.)
  /// @throws boost::system::system_error when the system has no descriptor left, for instance;
  /// invalid_argument for a capacity that cannot be.
  explicit selector_context(event_loop_config const& config)
      : scheduler_(std::make_shared<detail::scheduler>(*this, config)) {
    boost::asio::make_service<selector_service>(
        *this,
        detail::service_host{scheduler_, detail::scheduler::reactor_of(scheduler_), scheduler_});
  }

  selector_context(selector_context const&) = delete;
  selector_context& operator=(selector_context const&) = delete;

  /// Destroys what is queued and pending without calling it. What that posts meanwhile is destroyed,
  /// too. No thread may run the context, and none may use its executors from now on. (One that has
  /// posted what was called, or has given up the last work, may still be on its way back.)
  ~selector_context() {
    scheduler_->wait_for_visitors();
    shutdown();
    scheduler_->drop_queued();
    destroy();
  }

  /// An executor that calls functions where the context is run.
  executor_type get_executor() noexcept { return {*scheduler_, std::allocator<void>()}; }

  /// Calls functions until there is no work left or stop() is called.
  ///
  /// @return how many it has called; 0 at once if the context is stopped.
  count_type run() { return scheduler_->run(all, clock::time_point::max()); }

  /// Waits until there is a function to call, and calls that one.
  ///
  /// @return 1; or 0 if there is no work, or if the context is stopped.
  count_type run_one() { return scheduler_->run(1, clock::time_point::max()); }

  /// The same as run(), for a limited time. The time is looked at before each call, so that functions
  /// that keep coming do not hold it up, and with no time nothing is called.
  ///
  /// @param limit of any unit; what the system cannot measure is rounded up.
  template <class Rep, class Period>
  count_type run_for(std::chrono::duration<Rep, Period> const& limit) {
    return scheduler_->run(all, after(limit));
  }

  /// The same as run(), until a point in time at the most.
  ///
  /// @param point of any clock. The time of one that may be set is looked at again each second.
  template <class Clock, class Duration>
  count_type run_until(std::chrono::time_point<Clock, Duration> const& point) {
    count_type calls = 0;
    while (run_one_until(point) != 0) {
      ++calls;
    }
    return calls;
  }

  /// The same as run_until(), without looking at the time again.
  template <class Duration>
  count_type run_until(std::chrono::time_point<std::chrono::steady_clock, Duration> const& point) {
    auto const now = clock::now();
    return now < point ? run_for(point - now) : 0;
  }

  /// The same as run_one(), for a limited time.
  ///
  /// @return 1; or 0 if nothing came in time, if there is no work, or if the context is stopped.
  template <class Rep, class Period>
  count_type run_one_for(std::chrono::duration<Rep, Period> const& limit) {
    return scheduler_->run(1, after(limit));
  }

  /// The same as run_one(), until a point in time at the most; see run_until().
  template <class Clock, class Duration>
  count_type run_one_until(std::chrono::time_point<Clock, Duration> const& point) {
    auto now = Clock::now();
    while (now < point) {
      auto const left = std::min<std::chrono::nanoseconds>(detail::ceil_nanoseconds(point - now),
                                                           std::chrono::seconds(1));
      count_type const calls = run_one_for(left);
      if (calls != 0 || stopped()) {
        return calls;
      }
      now = Clock::now();
    }
    return 0;
  }

  /// Calls what can be called without waiting, and what that posts.
  ///
  /// @return how many functions it has called.
  count_type poll() { return scheduler_->run(all, clock::time_point::min()); }

  /// Calls one function, if there is one that can be called without waiting.
  ///
  /// @return 1; or 0 if there is none, or if the context is stopped.
  count_type poll_one() { return scheduler_->run(1, clock::time_point::min()); }

  /// Makes the members that run the context return as soon as the function returns that they are
  /// calling, and makes later calls return at once, until restart(). What is queued and pending stays.
  void stop() noexcept { scheduler_->stop(); }

  /// Whether stop() was called or the work has run out, and restart() was not called since.
  bool stopped() const noexcept { return scheduler_->is_stopped(); }

  /// Ends that. Not to be called while the context is run.
  void restart() noexcept { scheduler_->restart(); }

private:
  using clock = detail::scheduler::clock;
  static constexpr std::size_t all = detail::scheduler::all;

  static event_loop_config config_with(std::size_t event_capacity) {
    event_loop_config config;
    config.event_capacity = event_capacity;
    return config;
  }

  template <class Rep, class Period>
  static clock::time_point after(std::chrono::duration<Rep, Period> const& limit) {
    return detail::saturated_sum<clock>(clock::now(), detail::ceil_nanoseconds(limit));
  }

  std::shared_ptr<detail::scheduler> const scheduler_;
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_SELECTOR_CONTEXT_HPP
