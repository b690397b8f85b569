//
// mioext/detail/async/nested_host.hpp
// -----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The reactor for a context that already has a reactor of its own: a host that nests the selector
// in the context's reactor.
//

#ifndef MIOEXT_DETAIL_ASYNC_NESTED_HOST_HPP
#define MIOEXT_DETAIL_ASYNC_NESTED_HOST_HPP

#include <mioext/detail/system.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/concurrency_hint.hpp>
#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/function_memory.hpp>
#include <mioext/detail/async/handler_executor.hpp>
#include <mioext/detail/async/inline_executor.hpp>
#include <mioext/detail/async/nested_selector.hpp>
#include <mioext/detail/async/optional_mutex.hpp>
#include <mioext/detail/async/reactor_host.hpp>
#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/async/shared_alarm.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/detail/scope_exit.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// While operations wait, the context's reactor watches the selector's descriptor; this also keeps
/// the context's run() from returning. When the descriptor is readable, one batch of events is
/// fetched, and the reactor is asked to wait again. Only then are handlers called: the first of
/// them directly, all others through their executors' queues, so that each of the context's threads
/// can take one and no handler waits for the end of another.
///
/// The context counts the handlers that its threads call. So, where possible, an operation's
/// handler is called by the completion of the wait in the context's reactor that ended the
/// operation, or of the wait that was cancelled because this was the last operation.
///
/// If one thread at a time runs the context, the selector is looked at again after a handler, before the
/// reactor is asked to wait: a turn. What is found is queued as ever, behind the context's other work. The
/// last operation stays with the host, which queues itself instead: it completes the operation when it is
/// called, and goes on with the turn, until nothing is found or looks_in_a_row ends it. (With several
/// threads the reactor must be waiting while a handler is called, which may block until another thread has
/// called one.) Meanwhile the host counts as listening.
///
/// Thread-safe, unless it is told to lock nothing.
class nested_host final : public reactor_host {
public:
  /// @throws boost::system::system_error
  nested_host(boost::asio::execution_context& context, std::size_t event_capacity,
              concurrency threads)
      : is_run_by_one_thread_(threads.is_run_by_one), reactor_(*this, event_capacity),
        nested_(*this, inline_executor(context)) {
    if (!threads.needs_locks) {
      reactor_.lock_nothing();
      alarm_.lock_nothing();
      mutex_.disable();
    }
    throw_error(system_error_code(alarm_.open(reactor_.native_selector(), alarm_data())),
                "selector_service");
    boost::system::error_code ec;
    nested_.enter(reactor_.native_selector().native_handle(), ec);
    throw_error(ec, "selector_service");
  }

  nested_host(nested_host const&) = delete;
  nested_host& operator=(nested_host const&) = delete;

  /// The reactor of `host`. The returned pointer keeps the host alive.
  static std::shared_ptr<selector_reactor> reactor_of(std::shared_ptr<nested_host> const& host) {
    std::shared_ptr<selector_reactor> const reactor(host, &host->reactor_);
    reactor->become_shared(reactor);
    return reactor;
  }

  void listen() override {
    operation_queue failed;
    {
      std::lock_guard<optional_mutex> const lock(mutex_);
      if (nested_.can_wait() && !reactor_.is_listening() && reactor_.pending() != 0) {
        wait_for_events(failed);
      }
    }
    failed.complete_all(completion::posted);
  }

  /// If no operation waits any more, the wait in the context's reactor is cancelled, and the end of
  /// that wait completes the operations in `ended`. None of them is missed: operations are counted
  /// down before the lock is taken here, and wake() takes what has ended and checks the count while
  /// it holds the lock.
  void finish(operation_queue& ended) override {
    if (reactor_.pending() == 0) {
      std::lock_guard<optional_mutex> const lock(mutex_);
      if (nested_.can_wait() && reactor_.is_listening() && !is_in_turn_ &&
          reactor_.pending() == 0) {
        ended_.append(ended);
        if (!is_called_off_) {
          is_called_off_ = true;
          nested_.call_off();
        }
        return;
      }
    }
    ended.complete_all(completion::posted);
  }

  void wake_in(std::chrono::milliseconds time) noexcept override {
    alarm_.look_at(shared_alarm::clock::now() + time, reactor_.is_left_behind());
  }

  void wake_at(shared_alarm::clock::time_point due) noexcept override {
    alarm_.wake_at(due, reactor_.is_left_behind());
  }

  bool is_usable_here() const noexcept override { return true; }
  bool is_running_here() const noexcept override { return true; }
  void notice_closed() noexcept override {}

  int renew_selector() override {
    operation_queue lost;
    int error = 0;
    {
      std::lock_guard<optional_mutex> const lock(mutex_);
      if (reactor_.is_left_behind()) {
        error = replace_selector(lost);
      }
    }
    lost.complete_all(completion::posted);
    return error;
  }

  void shutdown() override {
    reactor_.close();
    operation_queue dropped;
    nested_type::remains left;
    {
      std::lock_guard<optional_mutex> const lock(mutex_);
      left = nested_.leave();
      dropped.append(ended_);
      if (last_found_) {
        dropped.push(*last_found_);
      }
    }
    reactor_.drop_all(dropped);
  }

  /// Operations that are started meanwhile wait until the selector is in the context's reactor
  /// again. After an error all operations wait for that.
  void notify_fork(boost::asio::execution_context::fork_event event) override {
    operation_queue lost;
    boost::system::error_code ec;
    {
      std::lock_guard<optional_mutex> const lock(mutex_);
      if (!nested_.has_context()) {
        return;
      }
      nested_.suspend();
      if (event == boost::asio::execution_context::fork_prepare) {
        return;
      }
      if (event == boost::asio::execution_context::fork_child) {
        ec = system_error_code(replace_selector(lost));
      }
      if (!ec) {
        nested_.enter(reactor_.native_selector().native_handle(), ec);
      }
    }
    lost.complete_all(completion::posted);
    listen();
    throw_error(ec, "notify_fork");
  }

private:
  // A plain pointer is enough, because the service keeps this object until everything that the
  // context keeps is gone.
  using nested_type = nested_selector<nested_host, nested_host*, inline_executor>;
  friend nested_type;
  friend waking_handler<nested_host*, inline_executor>;

  nested_host* pointer_for_context() noexcept { return this; }

  inline_executor get_executor() const noexcept { return nested_.executor(); }

  /// To be called with the lock held. If there is no memory for a wait, all waiting operations end
  /// with no_memory.
  MIOEXT_DETAIL_FORCEINLINE void wait_for_events(operation_queue& failed) {
    reactor_.set_listening(true);
    is_called_off_ = false;
    BOOST_TRY { nested_.wait_for_events(); }
    BOOST_CATCH(std::bad_alloc const&) { fail_for_want_of_memory(failed); }
    BOOST_CATCH_END
  }

  BOOST_NOINLINE void fail_for_want_of_memory(operation_queue& failed) noexcept {
    reactor_.set_listening(false);
    do { // again for those that came meanwhile: they rely on an earlier call of listen()
      reactor_.fail_all(boost::asio::error::no_memory, failed);
    } while (reactor_.pending() != 0);
  }

  /// Called when the wait ends: the selector has events, or the wait was cancelled, and operations
  /// may have come meanwhile. While the reactor is listening, only one thread at a time is here.
  void wake(wake_source source, boost::system::error_code const& ec) {
    operation_queue done;
    bool const has_failed = ec && ec != boost::asio::error::operation_aborted;
    if (has_failed) {
      reactor_.fail_all(ec, done);
    } else if (reactor_.pending() != 0 && !reactor_.is_left_behind()) {
      fetch(done);
    }
    bool begins_turn = false;
    {
      optional_mutex::guard const lock(mutex_);
      nested_.woken(source);
      done.append(ended_);
      if (is_run_by_one_thread_ && !has_failed && nested_.can_wait()) {
        nested_.begin_turn();
        begins_turn = nested_.is_another_look_worthwhile(done.count());
        is_in_turn_ = begins_turn;
      }
      if (!begins_turn) {
        wait_again(done);
      }
    }
    if (!begins_turn && done.only() && done.front().is_called_on_the_spot()) {
      done.pop()->complete(completion::dispatched);
    } else if (!done.empty()) {
      complete(begins_turn, done);
    }
  }

  BOOST_NOINLINE void complete(bool begins_turn, operation_queue& done) {
    operation_queue first; // unless its executor would queue it behind the others
    if (done.front().is_called_on_the_spot()) {
      first.push(*done.pop());
    }
    if (begins_turn) {
      complete_in_turn(first, done);
      return;
    }
    done.complete_all(completion::posted);
    first.complete_all(completion::dispatched);
  }

  MIOEXT_DETAIL_FORCEINLINE void fetch(operation_queue& done) noexcept {
    bool const has_alarm_gone_off = reactor_.fetch(done);
    if (BOOST_UNLIKELY(has_alarm_gone_off)) {
      note_alarm(done);
    }
  }

  BOOST_NOINLINE void note_alarm(operation_queue& done) noexcept {
    if (alarm_.is_time_to_look()) {
      reactor_.look_for_closed(done);
    }
    reactor_.timers().take_due(done);
  }

  /// To be called with the lock held, when no wait is pending.
  void wait_again(operation_queue& failed) {
    reactor_.set_listening(false);
    if (reactor_.pending() != 0 && nested_.can_wait()) {
      wait_for_events(failed);
    }
  }

  // --- Turns: only if one thread at a time runs the context --------------------------------------

  /// What the context calls: goes on with the turn. Nothing is to be done if it is destroyed instead: then
  /// the context goes.
  class next_in_turn {
  public:
    using allocator_type = function_allocator<void, 64>;

    explicit next_in_turn(nested_host& host) noexcept : host_(&host) {}

    allocator_type get_allocator() const noexcept {
      return allocator_type(host_->memory_for_turn_);
    }

    void operator()() const {
      descriptor_operation& last = *host_->last_found_;
      host_->last_found_ = nullptr;
      host_->complete_and_look(last);
    }

  private:
    nested_host* host_;
  };

  /// Completes what begins the turn.
  /// @param first the one that is called directly, if there is one
  /// @param others those that follow it, if there are any
  MIOEXT_DETAIL_FORCEINLINE void complete_in_turn(operation_queue& first, operation_queue& others) {
    if (others.empty()) {
      complete_and_look(*first.pop());
    } else {
      post_in_turn(others);
      first.complete_all(completion::dispatched);
    }
  }

  /// Completes one operation, and then looks again.
  BOOST_NOINLINE void complete_and_look(descriptor_operation& one) {
    auto end = make_scope_exit([this] { end_turn(); });
    one.complete(completion::dispatched);
    end.release();
    if (!can_look()) {
      end_turn();
      return;
    }
    descriptor_operation* only = nullptr;
    {
      operation_queue found;
      fetch(found);
      only = found.only();
      if (BOOST_UNLIKELY(!only || !is_io_contexts(*only))) {
        go_on_with(found);
        return;
      }
      found.clear();
    }
    // The frequent case: what go_on_with() does, without a queue (34 instructions less for an event).
    if (nested_.is_another_look_worthwhile(1)) {
      go_on_after(*only);
    } else {
      end_turn();
      only->complete(completion::posted);
    }
  }

  BOOST_NOINLINE void go_on_with(operation_queue& found) {
    if (nested_.is_another_look_worthwhile(found.count())) {
      post_in_turn(found);
    } else {
      end_turn();
      found.complete_all(completion::posted);
    }
  }

  /// Posts all of `found`, at least one, and has the turn go on after the last one if that is possible.
  void post_in_turn(operation_queue& found) {
    auto end = make_scope_exit([this] { end_turn(); });
    while (descriptor_operation* const operation = found.pop()) {
      if (found.empty() && is_io_contexts(*operation)) {
        end.release();
        go_on_after(*operation);
      } else {
        operation->complete(completion::posted);
      }
    }
  }

  static bool is_io_contexts(descriptor_operation const& operation) noexcept {
    return operation.io_on_dispatch == on_dispatch::calls_in_io_context;
  }

  /// Posts what completes the last one that was found, and then looks again. The memory for that is here.
  BOOST_NOINLINE MIOEXT_DETAIL_FLATTEN void go_on_after(descriptor_operation& last) {
    last_found_ = &last;
    memory_for_turn_.reuse();
    auto& context = static_cast<boost::asio::io_context&>(
        get_executor().query(boost::asio::execution::context));
    post_to(context.get_executor(), next_in_turn(*this));
  }

  /// From now on the context's reactor waits.
  BOOST_NOINLINE void end_turn() noexcept {
    operation_queue failed;
    {
      std::lock_guard<optional_mutex> const lock(mutex_);
      is_in_turn_ = false;
      wait_again(failed);
    }
    BOOST_TRY { failed.complete_all(completion::posted); }
    BOOST_CATCH(...) {} // the operations were destroyed on the way here
    BOOST_CATCH_END
  }

  /// Not locked: what this asks for changes only while no handler is called, at a fork and at the end. (In a
  /// process where the selector is in the context's reactor, it was not left behind.)
  bool can_look() const noexcept { return reactor_.pending() != 0 && nested_.can_wait(); }

  /// Makes a new selector that watches everything that the old one really watches, and then
  /// replaces the old one. Returns an errno value; after an error nothing has changed. To be called
  /// with the lock held.
  int replace_selector(operation_queue& lost) noexcept {
    selector fresh;
    selector_alarm alarm;
    int error = reactor_.copy_selector_to(fresh);
    if (error == 0) {
      error = alarm.open(fresh, alarm_data());
    }
    if (error == 0) {
      error = reactor_.native_selector().replace_with(fresh);
    }
    if (error == 0) {
      alarm_.replace_by(std::move(alarm));
      reactor_.selector_was_replaced(lost);
    }
    return error;
  }

  static selector::user_data alarm_data() noexcept {
    return selector::internal_data(selector_reactor::first_free_source);
  }

  bool const is_run_by_one_thread_;
  selector_reactor reactor_;
  shared_alarm alarm_{};

  optional_mutex mutex_{}; // protects what follows, and set_listening()
  // True while no wait is pending, but a handler or next_in_turn goes on with it.
  bool is_in_turn_ = false;
  bool is_called_off_ = false; // true if the wait was cancelled
  operation_queue ended_{};    // completed by the end of the wait that was cancelled
  nested_type nested_;

  // Only used by the thread that runs the context.
  descriptor_operation* last_found_ = nullptr; // the one that next_in_turn is to complete
  function_memory<64> memory_for_turn_{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_NESTED_HOST_HPP
