//
// mioext/detail/async/async_loop.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An event loop inside an execution context: its selector is nested in the context's reactor, the
// context waits for its next timer, and its ticks run on an executor.
//

#ifndef MIOEXT_DETAIL_ASYNC_ASYNC_LOOP_HPP
#define MIOEXT_DETAIL_ASYNC_ASYNC_LOOP_HPP

#include <mioext/detail/system.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/context_listeners.hpp>
#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/nested_selector.hpp>
#include <mioext/detail/async/scheduled_selector.hpp>
#include <mioext/detail/async/scheduler.hpp>
#include <mioext/detail/async/selector_service_access.hpp>
#include <mioext/detail/duration.hpp>
#include <mioext/detail/event_loop/loop_core.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/event_loop_config.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Asked after a tick that has made that many calls: whether another one is to follow at once.
struct step_repetition {
  MIOEXT_DETAIL_FORCEINLINE bool operator()(std::size_t calls) const {
    scheduler* const where = repeats_in;
    return (where && calls != 0 && where->goes_on(calls)) || is_wanted(owner, calls);
  }

  scheduler* const& repeats_in; // changes during the tick
  bool (*is_wanted)(void* owner, std::size_t calls);
  void* owner;
};

/// How a loop calls a handler whose type only its run() knows: see basic_event_loop::run_step(). It
/// throws what the handler throws.
template <class Loop> struct handler_calls {
  bool (*step)(Loop& loop, void* receiver, step_repetition repeat, boost::system::error_code& ec);
  void* receiver;
};

/// What the I/O object knows of it, whatever the kind of context.
template <class Token, class Message> class async_loop_base : public context_listener {
public:
  using loop_type = basic_event_loop<Token, Message>;

  /// A number for a new run, by which its handler's cancellation slot identifies it. Zero if the
  /// context is gone, so that its executors can do nothing any more.
  virtual unsigned next_run() = 0;

  /// Begins a run; its outcome is passed to `completion`.
  ///
  /// @param run the run's number. Each number is used for one run only, even if that run is
  /// refused.
  virtual void start(unsigned run, descriptor_operation& completion,
                     handler_calls<loop_type> const& calls) = 0;

  /// Ends the pending run with operation_aborted, after its current tick if one is under way.
  /// Thread-safe.
  virtual void cancel() = 0;

  /// The same if it is that run.
  virtual void cancel(unsigned run) = 0;

  /// To be called when the I/O object is destroyed: whatever was not delivered yet is dropped, and
  /// no tick begins any more. If a tick is under way, its handler is what calls this function.
  virtual void close() = 0;

  loop_type loop;

protected:
  explicit async_loop_base(event_loop_config const& config) : loop(config) {}
  ~async_loop_base() = default;
};

// std::enable_shared_from_this has no virtual destructor, which -Weffc++ takes for a mistake.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

/// Shared by the I/O object and by its pending operations in the context, so that they may be
/// destroyed in any order.
///
/// While a run is pending, the context waits for the loop's descriptor and, if the loop has a
/// timer, for that timer. When either wait ends, it is the loop's turn on the executor: a tick, and
/// others at once for as long as that is worthwhile. Two waits may end at once in two threads; the
/// second then does nothing, because new waits are started after each turn. Then the context's
/// other work gets its turn.
///
/// @tparam Nesting nested_selector, or scheduled_selector in a selector_context
template <class Token, class Message, class Executor, template <class, class, class> class Nesting>
class async_loop final
    : public async_loop_base<Token, Message>,
      public std::enable_shared_from_this<async_loop<Token, Message, Executor, Nesting>> {
  using base = async_loop_base<Token, Message>;

public:
  using loop_type = typename base::loop_type;
  using base::loop;

  async_loop(Executor const& executor, event_loop_config const& config)
      : base(config), nested_(*this, executor) {
    boost::system::error_code ec;
    nested_.enter(loop.native_handle(), ec);
    throw_error(ec, "async_event_loop");
  }

  ~async_loop() {
    if (nested_.is_left_behind()) {
      loop.core_.handles().close_inherited_selector();
    }
  }

  async_loop(async_loop const&) = delete;
  async_loop& operator=(async_loop const&) = delete;

  unsigned next_run() override {
    std::lock_guard<mutex_type> const lock(mutex_);
    return nested_.has_context() ? ++last_named_run_ : 0;
  }

  void start(unsigned run, descriptor_operation& completion,
             handler_calls<loop_type> const& calls) override {
    operation_queue owner;
    owner.push(completion);
    if (nested_.take_cancel()) {
      cancel_here();
    }
    {
      std::lock_guard<mutex_type> const lock(mutex_);
      if (!nested_.has_context()) {
        return; // the context is gone
      }
      if (completion_.empty()) {
        begin(run, owner, calls);
        return;
      }
    }
    completion.end_with(boost::asio::error::already_started);
    owner.complete_all(completion::immediate);
  }

  void cancel() override {
    if (!nested_.hand_over_cancel()) {
      cancel_here();
    }
  }

  void cancel(unsigned run) override {
    std::unique_lock<mutex_type> lock(mutex_);
    if (run_ == run) {
      cancel(lock);
    }
  }

  void close() override {
    cancel_here();
    loop.core_.close();
  }

  void shutdown() override {
    operation_queue dropped;
    typename nested_type::remains left{};
    std::lock_guard<mutex_type> const lock(mutex_);
    if (descriptor_operation* const completion = completion_.pop()) {
      dropped.push(*completion);
    }
    if (nested_.is_left_behind() && loop.core_.handles().own_selector() != 0) {
      loop.core_.handles().close_inherited_selector();
    }
    left = nested_.leave();
  }

  /// Leaves the context's reactor while the process forks, as the service does. A run that is
  /// pending or begins meanwhile continues when the loop has entered the reactor again. If that
  /// fails, the error is thrown, and the run continues after the call was repeated with success.
  void notify_fork(boost::asio::execution_context::fork_event event) override {
    std::lock_guard<mutex_type> const lock(mutex_);
    if (!nested_.has_context()) {
      return;
    }
    nested_.suspend();
    loop.notify_fork(event);
    if (event != boost::asio::execution_context::fork_prepare) {
      boost::system::error_code ec;
      nested_.enter(loop.native_handle(), ec);
      throw_error(ec, "notify_fork");
      if (!completion_.empty()) {
        nested_.post(); // what ended before this call has not begun to wait anew
      }
    }
  }

private:
  using clock = std::chrono::steady_clock;

  using nested_type = Nesting<async_loop, std::shared_ptr<async_loop>, Executor>;
  using mutex_type = typename nested_type::mutex_type;
  friend nested_type;

  std::shared_ptr<async_loop> pointer_for_context() { return this->shared_from_this(); }

  loop_core& core() noexcept { return loop.core_; }

  void cancel_here() {
    std::unique_lock<mutex_type> lock(mutex_);
    cancel(lock);
  }

  void cancel_handed_over() { cancel_here(); }

  // Everything below is called with the mutex locked, and unlocks it while others are called.

  /// What is posted does not begin while this is locked or, without a lock, in this thread.
  void begin(unsigned run, operation_queue& owner, handler_calls<loop_type> const& calls) {
    completion_.push(*owner.pop());
    calls_ = calls;
    run_ = run;
    BOOST_TRY { nested_.post(); }
    BOOST_CATCH(...) {
      owner.push(*completion_.pop());
      BOOST_RETHROW
    }
    BOOST_CATCH_END
  }

  void cancel(std::unique_lock<mutex_type>& lock) {
    if (!completion_.empty()) {
      is_cancelled_ = true;
      nested_.ask_before_repeating();
      if (!is_ticking_) {
        end(boost::asio::error::operation_aborted, completion::posted, lock);
      }
    }
  }

  /// Called by the context, without the mutex.
  void wake(wake_source source, boost::system::error_code const& ec) {
    std::unique_lock<mutex_type> lock(mutex_);
    nested_.woken(source);
    if (nested_.take_cancel()) {
      cancel(lock);
      return;
    }
    if (completion_.empty() || !nested_.has_context()) {
      return;
    }
    if (is_ticking_) {
      return; // which looks for what comes next when it ends
    }
    if (is_cancelled_) {
      end(boost::asio::error::operation_aborted, completion::dispatched, lock);
    } else if (ec && ec != boost::asio::error::operation_aborted) {
      end(ec, completion::dispatched, lock); // the context's reactor cannot wait for the loop
    } else {
      tick(lock);
    }
  }

  /// Called in a turn, without the mutex.
  static bool wants_another_tick(void* self, std::size_t calls) {
    async_loop& ticking = *static_cast<async_loop*>(self);
    std::lock_guard<mutex_type> const lock(ticking.mutex_);
    return ticking.nested_.wants_another_tick(calls) && !ticking.is_cancelled_;
  }

  /// One turn: a tick, others at once if that is worthwhile, and what follows from them.
  void tick(std::unique_lock<mutex_type>& lock) {
    is_ticking_ = true;
    nested_.begin_turn();
    boost::system::error_code ec;
    bool has_finished = false;
    {
      unlocked_tick scope(*this, lock);
      handler_calls<loop_type> const calls = calls_;
      has_finished =
          calls.step(loop, calls.receiver, {nested_.repeats_in(), &wants_another_tick, this}, ec);
      scope.has_returned = true;
    }
    if (loop.core_.is_closed()) {
      has_finished = false; // what was sent before a shutdown was dropped
    }
    if (!ec && !has_finished && is_cancelled_) {
      ec = boost::asio::error::operation_aborted;
    }
    if (!ec && !has_finished && nested_.can_wait()) {
      BOOST_TRY { wait(); }
      BOOST_CATCH(std::bad_alloc const&) {
        ec = boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
      }
      BOOST_CATCH_END
    }
    if (ec || has_finished) {
      end(ec, completion::dispatched, lock);
    }
  }

  /// Unlocks the mutex while the handler may be called. If the handler throws, another tick is
  /// posted, which delivers the rest when the context is run again.
  struct unlocked_tick {
    unlocked_tick(async_loop& ticking, std::unique_lock<mutex_type>& used)
        : loop(ticking), lock(used), has_returned(false) {
      lock.unlock();
    }

    ~unlocked_tick() {
      lock.lock();
      loop.is_ticking_ = false;
      if (!has_returned && loop.nested_.has_context()) {
        // If there is no memory for that, the rest is delivered when something else wakes the loop.
        BOOST_TRY { loop.nested_.post(); }
        BOOST_CATCH(std::bad_alloc const&) {}
        BOOST_CATCH_END
      }
    }

    async_loop& loop;
    std::unique_lock<mutex_type>& lock;
    bool has_returned;
  };

  /// Waits for what comes next.
  void wait() {
    std::chrono::nanoseconds const left = loop.time_to_next_timer();
    if (left == std::chrono::nanoseconds::zero()) {
      nested_.post();
      return;
    }
    if (!nested_.is_waiting(wake_source::events)) {
      nested_.wait_for_events();
    }
    if (left != std::chrono::nanoseconds::max()) {
      nested_.wait_until(saturated_sum<clock>(clock::now(), left));
    }
  }

  /// Ends the run. Cancels the waits that are still pending, because they would keep the context
  /// running.
  void end(boost::system::error_code const& ec, completion how,
           std::unique_lock<mutex_type>& lock) {
    operation_queue ended;
    if (descriptor_operation* const completion = completion_.pop()) {
      completion->end_with(ec);
      ended.push(*completion);
    }
    is_cancelled_ = false;
    loop.core_.mailbox()->renew_requests(); // the next run heeds anew what this one did not
    if (nested_.has_context()) {
      nested_.call_off();
    }
    lock.unlock();
    ended.complete_all(how);
  }

  mutex_type mutex_{};
  operation_queue completion_{}; // of the run that is pending, if there is one
  handler_calls<loop_type> calls_ = handler_calls<loop_type>();
  unsigned run_ = 0;
  unsigned last_named_run_ = 0;
  bool is_ticking_ = false;
  bool is_cancelled_ = false;
  nested_type nested_;
};

#pragma GCC diagnostic pop

/// The loop that suits the executor's context.
template <class Token, class Message, class Executor>
std::shared_ptr<async_loop_base<Token, Message>> make_async_loop(Executor const& executor,
                                                                 event_loop_config const& config) {
  if (selector_service_access::native_scheduler(context_of(executor))) {
    return std::make_shared<async_loop<Token, Message, Executor, scheduled_selector>>(executor,
                                                                                      config);
  }
  return std::make_shared<async_loop<Token, Message, Executor, nested_selector>>(executor, config);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_ASYNC_LOOP_HPP
