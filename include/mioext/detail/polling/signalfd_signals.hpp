//
// mioext/detail/polling/signalfd_signals.hpp
// ------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Signals as events on Linux: signalfd. See detail/polling/selector_contract.hpp for what its
// members promise.
//

#ifndef MIOEXT_DETAIL_POLLING_SIGNALFD_SIGNALS_HPP
#define MIOEXT_DETAIL_POLLING_SIGNALFD_SIGNALS_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <mioext/detail/file_descriptor.hpp>
#include <mioext/detail/fork_mark.hpp>
#include <mioext/detail/polling/blocked_signals.hpp>
#include <mioext/detail/polling/epoll_selector.hpp>
#include <mioext/interest.hpp>
#include <mioext/signal_info.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A signal is taken by blocking it in the calling thread, so that it stays pending, and reading it
/// from a signalfd. Level-triggered, so that signals left unread by an exception are reported
/// again.
class signalfd_signals {
public:
  int add(epoll_selector& selector, epoll_selector::user_data data, int number) noexcept {
    if (int const error = taken_.take(number)) {
      return error;
    }
    int const error = update(selector, data);
    if (error != 0) {
      taken_.give_back(number);
    }
    return error;
  }

  int remove(int number) noexcept {
    if (int const error = taken_.check_taken(number)) {
      return error;
    }
    taken_.forget(number);
    // Changing an existing signalfd takes no memory and cannot fail. It is not done in a child
    // after fork, where the signalfd is shared with the parent.
    if (!owner_.is_left_behind()) {
      ::signalfd(signals_.get(), &taken_.set(), 0);
    }
    taken_.give_back(number);
    return 0;
  }

  /// Gives all of them back.
  void clear() noexcept {
    for (int number = 1; number < signal_limit; ++number) {
      remove(number);
    }
  }

  int read(epoll_selector::native_event const&, signal_info& info) noexcept {
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

  /// Nothing to do: unread signals are still there, and reported again because of the level
  /// trigger.
  void put_back(epoll_selector::native_event const&) noexcept {}

  /// The inherited descriptor is shared with the parent and registered in the parent's epoll
  /// instance. It is closed only when a new one has been made.
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
  int update(epoll_selector& selector, epoll_selector::user_data data) noexcept {
    file_descriptor made(::signalfd(signals_.get(), &taken_.set(), SFD_CLOEXEC | SFD_NONBLOCK));
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
    owner_.renew();
    return 0;
  }

  blocked_signals taken_{};
  file_descriptor signals_{};
  fork_mark owner_{}; // of the descriptor
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_SIGNALFD_SIGNALS_HPP
