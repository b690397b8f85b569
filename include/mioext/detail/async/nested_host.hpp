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
#include <boost/asio/execution_context.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/inline_executor.hpp>
#include <mioext/detail/async/nested_selector.hpp>
#include <mioext/detail/async/optional_mutex.hpp>
#include <mioext/detail/async/reactor_host.hpp>
#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/async/shared_alarm.hpp>
#include <mioext/detail/polling/selector.hpp>
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
/// Thread-safe, unless it is told to lock nothing.
class nested_host final : public reactor_host {
public:
  /// @param is_locked false if one thread at a time uses the context and all its I/O objects
  /// @throws boost::system::system_error
  nested_host(boost::asio::execution_context& context, std::size_t event_capacity, bool is_locked)
      : reactor_(*this, event_capacity), nested_(*this, inline_executor(context)) {
    if (!is_locked) {
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
      if (nested_.can_wait() && reactor_.is_listening() && reactor_.pending() == 0) {
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
  void wait_for_events(operation_queue& failed) {
    reactor_.set_listening(true);
    is_called_off_ = false;
    BOOST_TRY { nested_.wait_for_events(); }
    BOOST_CATCH(std::bad_alloc const&) {
      reactor_.set_listening(false);
      do { // again for those that came meanwhile: they rely on an earlier call of listen()
        reactor_.fail_all(boost::asio::error::no_memory, failed);
      } while (reactor_.pending() != 0);
    }
    BOOST_CATCH_END
  }

  /// Called when the wait ends: the selector has events, or the wait was cancelled, and operations
  /// may have come meanwhile. While the reactor is listening, only one thread at a time is here.
  void wake(wake_source source, boost::system::error_code const& ec) {
    operation_queue done;
    if (ec && ec != boost::asio::error::operation_aborted) {
      reactor_.fail_all(ec, done);
    } else if (reactor_.pending() != 0 && !reactor_.is_left_behind()) {
      bool const has_alarm_gone_off = reactor_.fetch(std::chrono::nanoseconds::zero(), done);
      if (has_alarm_gone_off) {
        if (alarm_.is_time_to_look()) {
          reactor_.look_for_closed(done);
        }
        reactor_.timers().take_due(done);
      }
    }
    {
      std::lock_guard<optional_mutex> const lock(mutex_);
      nested_.woken(source);
      done.append(ended_);
      reactor_.set_listening(false);
      if (reactor_.pending() != 0 && nested_.can_wait()) {
        wait_for_events(done);
      }
    }
    operation_queue first; // unless its executor would queue it behind the others
    if (!done.empty() && done.front().is_called_on_the_spot) {
      first.push(*done.pop());
    }
    done.complete_all(completion::posted);
    first.complete_all(completion::dispatched);
  }

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

  selector_reactor reactor_;
  shared_alarm alarm_{};

  optional_mutex mutex_{};     // protects what follows, and set_listening()
  bool is_called_off_ = false; // true if the wait was cancelled
  operation_queue ended_{};    // completed by the end of the wait that was cancelled
  nested_type nested_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_NESTED_HOST_HPP
