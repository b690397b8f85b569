//
// mioext/detail/signalfd_signals.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Signals as events on Linux: signalfd. See detail/selector.hpp for the set of functions.
//

#ifndef MIOEXT_DETAIL_SIGNALFD_SIGNALS_HPP
#define MIOEXT_DETAIL_SIGNALFD_SIGNALS_HPP

#include <cerrno>

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <mioext/detail/epoll_selector.hpp>
#include <mioext/detail/file_descriptor.hpp>
#include <mioext/detail/signal_claims.hpp>
#include <mioext/interest.hpp>
#include <mioext/signal_info.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
namespace detail {

/// A signal is taken by blocking it in the calling thread, so that it stays pending, and reading it
/// from a signalfd. Level-triggered, so that signals left unread by an exception are reported
/// again.
class signalfd_signals {
public:
  signalfd_signals() noexcept {
    ::sigemptyset(&taken_);
    ::sigemptyset(&unblock_later_);
  }

  signalfd_signals(signalfd_signals const&) = delete;
  signalfd_signals& operator=(signalfd_signals const&) = delete;

  /// Restores the calling thread's mask as far as add() changed it.
  ~signalfd_signals() {
    for (int number = 1; number < NSIG; ++number) {
      if (::sigismember(&taken_, number) == 1) {
        signal_claims::release(number);
      }
    }
    if (signals_) {
      unblock(unblock_later_);
    }
  }

  /// EINVAL for what is no signal or cannot be taken (SIGKILL, SIGSTOP), EEXIST if it is taken
  /// here, EBUSY if another loop has it.
  int add(epoll_selector& selector, epoll_selector::user_data data, int number) noexcept {
    sigset_t one;
    ::sigemptyset(&one);
    if (number == SIGKILL || number == SIGSTOP || ::sigaddset(&one, number) != 0) {
      return EINVAL;
    }
    if (::sigismember(&taken_, number) == 1) {
      return EEXIST;
    }
    if (!signal_claims::claim(number)) {
      return EBUSY;
    }
    sigset_t before;
    ::pthread_sigmask(SIG_BLOCK, &one, &before);
    bool const was_blocked = ::sigismember(&before, number) == 1;
    ::sigaddset(&taken_, number);
    if (int const error = update(selector, data)) {
      ::sigdelset(&taken_, number);
      signal_claims::release(number);
      if (!was_blocked) {
        ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
      }
      return error;
    }
    if (!was_blocked) {
      ::sigaddset(&unblock_later_, number);
    }
    return 0;
  }

  /// EINVAL for what is no signal, ENOENT if it is not taken here.
  int remove(int number) noexcept {
    int const taken = ::sigismember(&taken_, number);
    if (taken != 1) {
      return taken < 0 ? EINVAL : ENOENT;
    }
    ::sigdelset(&taken_, number);
    // Changing an existing signalfd takes no memory and cannot fail.
    ::signalfd(signals_.get(), &taken_, 0);
    signal_claims::release(number);
    if (::sigismember(&unblock_later_, number) == 1) {
      ::sigdelset(&unblock_later_, number);
      sigset_t one;
      ::sigemptyset(&one);
      ::sigaddset(&one, number);
      unblock(one);
    }
    return 0;
  }

  int read(signal_info& info) noexcept {
    ::signalfd_siginfo raw;
    ::ssize_t size;
    do {
      size = ::read(signals_.get(), &raw, sizeof raw);
    } while (size < 0 && errno == EINTR);
    if (size < 0) {
      return errno;
    }
    info.number = static_cast<int>(raw.ssi_signo);
    info.code = raw.ssi_code;
    info.pid = static_cast<::pid_t>(raw.ssi_pid);
    info.uid = raw.ssi_uid;
    info.status = raw.ssi_code == SI_QUEUE ? raw.ssi_int : raw.ssi_status;
    return 0;
  }

  /// The inherited descriptor is the parent's, too, and sits in the parent's epoll instance. It is
  /// given up only when there is a new one.
  int reopen(epoll_selector& selector, epoll_selector::user_data data) noexcept {
    if (!signals_) {
      return 0;
    }
    file_descriptor inherited = static_cast<file_descriptor&&>(signals_);
    int const error = update(selector, data);
    if (error != 0) {
      signals_ = static_cast<file_descriptor&&>(inherited);
    }
    return error;
  }

private:
  /// A signal that came while it was the loop's, and was not read, must not have its usual effect
  /// now: a second SIGTERM during a clean exit would end the process.
  static void unblock(sigset_t const& signals) noexcept {
    ::timespec const at_once = {0, 0};
    while (::sigtimedwait(&signals, nullptr, &at_once) > 0 || errno == EINTR) {
    }
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  }

  int update(epoll_selector& selector, epoll_selector::user_data data) noexcept {
    file_descriptor made(::signalfd(signals_.get(), &taken_, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!made) {
      return errno;
    }
    if (signals_) {
      made.release(); // the same one, changed
      return 0;
    }
    if (int const error = selector.add(made.get(), interest::readable, trigger::level, data)) {
      return error;
    }
    signals_ = static_cast<file_descriptor&&>(made);
    return 0;
  }

  file_descriptor signals_;
  sigset_t taken_;
  sigset_t unblock_later_;
};

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_SIGNALFD_SIGNALS_HPP
