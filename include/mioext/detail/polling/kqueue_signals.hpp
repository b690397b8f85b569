//
// mioext/detail/polling/kqueue_signals.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Signals as events of a kqueue. See detail/polling/selector_contract.hpp for what its members
// promise.
//

#ifndef MIOEXT_DETAIL_POLLING_KQUEUE_SIGNALS_HPP
#define MIOEXT_DETAIL_POLLING_KQUEUE_SIGNALS_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <memory>
#include <utility>

#include <signal.h>
#include <sys/event.h>

#include <mioext/detail/polling/blocked_signals.hpp>
#include <mioext/detail/polling/kernel_queue.hpp>
#include <mioext/detail/polling/kernel_queue_changes.hpp>
#include <mioext/detail/polling/kqueue_selector.hpp>
#include <mioext/detail/polling/kqueue_waker.hpp>
#include <mioext/detail/polling/pending_signal.hpp>
#include <mioext/detail/polling/signal_claims.hpp>
#include <mioext/signal_info.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// EVFILT_SIGNAL reports how often a signal was sent, whether or not it is blocked or ignored
/// (kqueue(2)). The signal is blocked, so that it has no other effect. It is also taken from the
/// pending signals, which tells its sender on systems that report it. Several signals of the same
/// number that are pending as one are reported as often as they were sent, but only one of them
/// with a sender.
class kqueue_signals {
public:
  kqueue_signals() noexcept = default;

  kqueue_signals(kqueue_signals const&) = delete;
  kqueue_signals& operator=(kqueue_signals const&) = delete;

  /// Deletes the filters, because a waker may keep the queue alive.
  ~kqueue_signals() {
    if (queue_ && !queue_->is_left_behind()) {
      for (int number = 1; number != signal_limit; ++number) {
        if (taken_.contains(number)) {
          change(number, EV_DELETE, 0);
        }
      }
    }
  }

  int add(kqueue_selector& selector, kqueue_selector::user_data data, int number) noexcept {
    if (int const error = taken_.take(number)) {
      return error;
    }
    int error = open(selector, data);
    if (error == 0) {
      error = change(number, EV_ADD, data);
    }
    if (error != 0) {
      taken_.give_back(number);
    }
    return error;
  }

  int remove(int number) noexcept {
    if (int const error = taken_.check_taken(number)) {
      return error;
    }
    if (!queue_->is_left_behind()) {
      change(number, EV_DELETE, 0);
    }
    left_[number] = 0;
    taken_.give_back(number);
    return 0;
  }

  /// Gives all of them back.
  void clear() noexcept {
    for (int number = 1; number < signal_limit; ++number) {
      remove(number);
    }
  }

  /// The event's data is the number of signals that are still to be read.
  int read(kqueue_selector::native_event& event, signal_info& info) noexcept {
    bool const is_reminder =
        event.filter == static_cast<kernel_queue_changes::filter_type>(EVFILT_USER);
    int const number = is_reminder ? next_left() : static_cast<int>(event.ident);
    if (!taken_.contains(number) || (!is_reminder && event.data <= 0)) {
      return EAGAIN;
    }
    if (is_reminder) {
      --left_[number];
    } else {
      --event.data;
    }
    take_sender(number, info);
    return 0;
  }

  /// EVFILT_SIGNAL does not report an event again (it sets EV_CLEAR), so the number of unread
  /// signals is kept here, and a reminder is sent.
  void put_back(kqueue_selector::native_event const& event) noexcept {
    bool const is_reminder =
        event.filter == static_cast<kernel_queue_changes::filter_type>(EVFILT_USER);
    if (!is_reminder && event.data > 0) {
      left_[event.ident] += static_cast<unsigned>(event.data);
    }
    if (next_left() != 0) {
      reminder_.wake();
    }
  }

  /// In a child after fork, with a queue of its own.
  int reopen(kqueue_selector& selector, kqueue_selector::user_data data) noexcept {
    if (!queue_) {
      return 0;
    }
    std::shared_ptr<kernel_queue> inherited = std::move(queue_);
    int error = open(selector, data);
    for (int number = 1; error == 0 && number != signal_limit; ++number) {
      if (taken_.contains(number)) {
        error = change(number, EV_ADD, data);
      }
    }
    if (error != 0) {
      queue_ = std::move(inherited);
    }
    return error;
  }

private:
  int open(kqueue_selector& selector, kqueue_selector::user_data data) noexcept {
    if (queue_) {
      return 0;
    }
    int const error = reminder_.open(selector, data);
    if (error == 0) {
      queue_ = selector.queue();
    }
    return error;
  }

  int change(int number, int flags, kqueue_selector::user_data data) noexcept {
    kernel_queue_changes changes;
    changes.push(static_cast<std::uintptr_t>(number), EVFILT_SIGNAL, flags, data);
    int const error = changes.apply(*queue_);
    return error ? error : changes.first_error();
  }

  static void take_sender(int number, signal_info& info) noexcept {
    info = signal_info();
    info.number = number;
#ifndef LIBKQUEUE // which takes what is pending itself, in order to count it
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, number);
    take_pending_signal(one, info);
#endif
  }

  /// The first signal of which something was put back, or zero.
  int next_left() const noexcept {
    for (int number = 1; number != signal_limit; ++number) {
      if (left_[number] != 0) {
        return number;
      }
    }
    return 0;
  }

  blocked_signals taken_;
  std::shared_ptr<kernel_queue> queue_;
  kqueue_waker reminder_;
  unsigned left_[signal_limit] = {};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_KQUEUE_SIGNALS_HPP
