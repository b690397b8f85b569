//
// mioext/detail/async/watch_operation.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A watcher's descriptor and callback, as an operation that waits again after each event.
//

#ifndef MIOEXT_DETAIL_ASYNC_WATCH_OPERATION_HPP
#define MIOEXT_DETAIL_ASYNC_WATCH_OPERATION_HPP

#include <mioext/detail/system.hpp>

#include <memory>
#include <utility>

#include <poll.h>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/error.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/optional/optional.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/function_memory.hpp>
#include <mioext/detail/async/handler_executor.hpp>
#include <mioext/detail/async/handler_operation.hpp>
#include <mioext/detail/async/lasting_wait.hpp>
#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/polling/registration_rules.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// All of a watch but the callback.
///
/// It is used on the executor only, by its watcher and by what arrives there; between its start and its
/// arrival, the reactor and the executor have it. It is destroyed by whoever of these leaves it last:
/// the watcher with abandon(), the others with arrive() or destroy().
template <class Executor> class watch_operation : public executed_operation {
public:
  /// @param how what watch_mode_of() says of the handle
  watch_operation(std::shared_ptr<selector_reactor> const& reactor, Executor const& executor,
                  int fd, watch_mode how)
      : executed_operation(interest::none, on_dispatch_of<Executor>::value,
                           native_scheduler_of(executor) != nullptr),
        reactor_(reactor), executor_(executor), fd_(fd),
        is_heard_(how != watch_mode::per_operation_unheard) {
    is_lasting = true;
  }

  // --- For the watcher -----------------------------------------------------------------------------

  int fd() const noexcept { return fd_; }

  bool has_ended() const noexcept { return place_ == place::ended || is_reporting_end_; }

  /// Watches for that from now on; with interest::none, for nothing until the next call. After an error
  /// nothing has changed, except after bad_descriptor: then the watch has ended, and the callback is
  /// destroyed.
  boost::system::error_code watch(interest interest_now) {
    if (interest_now != interest::none) {
      if (int const error = check_registration(interest_now, trigger::level)) {
        return system_error_code(error);
      }
    }
    switch (place_) {
    case place::resting:
      return interest_now == interest::none ? boost::system::error_code()
                                            : go_on_after_rest(interest_now);
    case place::waiting:
      return change(interest_now);
    case place::called:
      if (is_reporting_end_) {
        break;
      }
      interest_after_call_ = interest_now;
      return boost::system::error_code();
    case place::ended:
      break;
    }
    return boost::asio::error::bad_descriptor;
  }

  /// What it watches for.
  interest wanted_now() const noexcept {
    return has_ended()               ? interest::none
           : place_ == place::called ? interest_after_call_
                                     : wanted_or_due();
  }

  /// The watcher leaves it; the callback is not called any more. The callback is destroyed, here or, if
  /// this is called by it, when it returns.
  void abandon() {
    has_watcher_ = false;
    switch (place_) {
    case place::waiting:
      if (!reactor_->take_back(wait_, *this)) { // it is still to arrive
        reactor_->end_waiting(wait_);
        drop_callback();
        return;
      }
      place_ = place::resting;
      reactor_->end_waiting(wait_);
      delete this;
      return;
    case place::resting:
    case place::ended:
      delete this;
      return;
    case place::called:
      return;
    }
  }

  // --- For the reactor and the executor --------------------------------------------------------------

  void complete(completion how) override {
    scheduler* const native = work_->native_scheduler();
    if (native) {
      if (how == completion::dispatched) {
        arrive();
      } else {
        native->post(*this);
      }
    } else if (how == completion::dispatched) {
      work_->dispatch(function());
    } else {
      work_->post(function());
    }
  }

  void executed(execution_place) override { arrive(); }

  /// The context goes, or an executor has dropped it.
  void destroy() noexcept override {
    bool const is_last = !has_watcher_;
    place_ = place::ended;
    work_.reset();
    drop_callback_and(is_last);
  }

  watch_operation(watch_operation const&) = delete;
  watch_operation& operator=(watch_operation const&) = delete;

protected:
  virtual ~watch_operation() = default;

  /// Calls the callback.
  virtual void call(boost::system::error_code const& ec, interest ready) = 0;

  /// Destroys the callback, and before that this operation if `is_last`. The callback may own the watcher.
  virtual void drop_callback_and(bool is_last) noexcept = 0;

private:
  enum class place : unsigned char {
    /// Nothing is watched for.
    resting,
    /// The reactor has it, or it is on its way to the executor.
    waiting,
    /// The callback is being called.
    called,
    /// Nothing will be watched for any more.
    ended
  };

  io_status do_perform(int fd, boost::system::error_code&) noexcept override {
    // Nobody asks for the report where reading alone is wanted.
    ready_ = wanted() == interest::readable ? interest::readable : wait_.state->reported & wanted();
    if (!selector::reports_together() && ready_ != wanted()) {
      // Otherwise the one that is always reported first would keep the other from its turn.
      ready_ = ready_ | (ready_now(fd) & wanted());
    }
    return io_status::done;
  }

  static interest ready_now(int fd) noexcept {
    ::pollfd asked = {fd, POLLIN | POLLOUT, 0};
    if (::poll(&asked, 1, 0) != 1 || (asked.revents & POLLNVAL)) {
      return interest::none;
    }
    bool const has_failed = (asked.revents & (POLLERR | POLLHUP)) != 0;
    return (has_failed || (asked.revents & POLLIN) ? interest::readable : interest::none) |
           (has_failed || (asked.revents & POLLOUT) ? interest::writable : interest::none);
  }

  operation_function_in<execution_place::io, 96> function() noexcept { return {*this, memory_}; }

  void drop_callback() noexcept { drop_callback_and(false); }

  boost::system::error_code begin(interest wanted) {
    if (reactor_->is_shut_down()) {
      return boost::asio::error::operation_aborted;
    }
    descriptor_state* const state = reactor_->state_of(fd_);
    if (!state) {
      return boost::asio::error::bad_descriptor;
    }
    want(wanted);
    work_.emplace(executor_, native_scheduler_of(executor_));
    // Where the callback is queued behind what comes meanwhile, each event would be reported again.
    io_on_dispatch = work_->kind();
    wait_.is_level = is_called_on_the_spot();
    may_end_unheard = !is_heard_;
    place_ = place::waiting;
    int error = 0;
    BOOST_TRY { error = reactor_->begin_waiting(fd_, *state, wait_, *this); }
    BOOST_CATCH(...) {
      rest();
      BOOST_RETHROW
    }
    BOOST_CATCH_END
    if (error != 0) {
      rest();
    }
    return system_error_code(error);
  }

  boost::system::error_code go_on_after_rest(interest wanted) {
    boost::system::error_code const ec = begin(wanted);
    if (ec == boost::asio::error::bad_descriptor) {
      place_ = place::ended;
      drop_callback();
    }
    return ec;
  }

  void rest() noexcept {
    place_ = place::resting;
    want(interest::none);
    work_.reset();
  }

  /// While it waits.
  boost::system::error_code change(interest interest_now) {
    if (interest_now == wanted_or_due()) {
      return boost::system::error_code();
    }
    if (!reactor_->take_back(wait_, *this)) { // it is still to arrive
      interest_on_arrival_ = interest_now;
      is_changed_on_its_way_ = true;
      return boost::system::error_code();
    }
    if (interest_now == interest::none) {
      reactor_->end_waiting(wait_);
      rest();
      return boost::system::error_code();
    }
    interest const before = wanted();
    want(interest_now);
    int error = reactor_->wait_again(wait_, *this);
    if (error == 0) {
      return boost::system::error_code();
    }
    boost::system::error_code const refused = system_error_code(error);
    want(before);
    error = error == EBADF ? error : reactor_->wait_again(wait_, *this);
    if (error != 0) {
      reactor_->end_waiting(wait_);
      place_ = place::ended;
      work_.reset();
      drop_callback();
    }
    return refused;
  }

  interest wanted_or_due() const noexcept {
    return is_changed_on_its_way_ ? interest_on_arrival_ : wanted();
  }

  /// On the executor.
  void arrive() {
    memory_.reuse();
    if (!has_watcher_) {
      delete this;
      return;
    }
    interest_after_call_ = wanted_or_due();
    is_changed_on_its_way_ = false;
    if (ec_ && interest_after_call_ != interest::none) {
      end();
      return;
    }
    ec_.clear();
    ready_ = ready_ & interest_after_call_;
    if (ready_ == interest::none) { // what it is no longer watched for
      go_on();
      return;
    }
    place_ = place::called;
    BOOST_TRY { call(boost::system::error_code(), ready_); }
    BOOST_CATCH(...) {
      has_returned();
      BOOST_RETHROW
    }
    BOOST_CATCH_END
    has_returned();
  }

  void has_returned() {
    if (has_watcher_) {
      go_on();
    } else {
      reactor_->end_waiting(wait_);
      place_ = place::resting;
      delete this;
    }
  }

  void go_on() {
    want(interest_after_call_);
    if (wanted() == interest::none) {
      reactor_->end_waiting(wait_);
      rest();
      return;
    }
    place_ = place::waiting;
    if (int const error = reactor_->wait_again(wait_, *this)) {
      if (reactor_->is_shut_down()) {
        destroy();
        return;
      }
      end_with(system_error_code(error));
      complete(completion::posted);
    }
  }

  /// The descriptor was closed, or cannot be waited for any more. It is reported once.
  void end() {
    reactor_->end_waiting(wait_);
    place_ = place::called;
    boost::system::error_code const ec =
        ec_ == boost::asio::error::operation_aborted
            ? boost::asio::error::make_error_code(boost::asio::error::bad_descriptor)
            : ec_;
    is_reporting_end_ = true;
    BOOST_TRY { call(ec, interest::none); }
    BOOST_CATCH(...) {
      has_reported_end();
      BOOST_RETHROW
    }
    BOOST_CATCH_END
    has_reported_end();
  }

  void has_reported_end() {
    if (!has_watcher_) {
      delete this;
      return;
    }
    is_reporting_end_ = false;
    place_ = place::ended;
    work_.reset();
    drop_callback();
  }

  std::shared_ptr<selector_reactor> const reactor_;
  Executor const executor_;
  int const fd_;
  bool const is_heard_;
  bool has_watcher_ = true;
  bool is_changed_on_its_way_ = false;
  bool is_reporting_end_ = false;
  place place_ = place::resting;
  interest ready_ = interest::none;
  interest interest_after_call_ = interest::none;
  interest interest_on_arrival_ = interest::none;
  lasting_wait wait_{};
  boost::optional<tracked_executor<Executor>> work_{}; // while it waits or is called
  function_memory<96> memory_{};
};

/// One with its callback.
template <class Executor, class Callback>
class watch_operation_with final : public watch_operation<Executor> {
public:
  template <class Given>
  watch_operation_with(std::shared_ptr<selector_reactor> const& reactor, Executor const& executor,
                       int fd, watch_mode how, Given&& callback)
      : watch_operation<Executor>(reactor, executor, fd, how),
        callback_(std::forward<Given>(callback)) {}

private:
  void call(boost::system::error_code const& ec, interest ready) override {
    (*callback_)(ec, ready);
  }

  void drop_callback_and(bool is_last) noexcept override {
    boost::optional<Callback> const dropped(std::move(callback_));
    callback_ = boost::none;
    if (is_last) {
      delete this;
    }
  }

  boost::optional<Callback> callback_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_WATCH_OPERATION_HPP
