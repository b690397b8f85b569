//
// mioext/detail/handles/sigpipe_guard.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Keeps a write to a pipe without reader from raising SIGPIPE.
//

#ifndef MIOEXT_DETAIL_HANDLES_SIGPIPE_GUARD_HPP
#define MIOEXT_DETAIL_HANDLES_SIGPIPE_GUARD_HPP

#include <mioext/detail/system.hpp>

#include <pthread.h>
#include <signal.h>

#include <mioext/detail/polling/pending_signal.hpp>
#include <mioext/signal_info.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Blocks SIGPIPE in the calling thread for as long as the guard lives, and leaves the thread's
/// signal mask and its pending signals as they were.
///
/// A call that sends on a socket can suppress the signal with MSG_NOSIGNAL; write(2) to a pipe has
/// no such flag. The signal is sent to the writing thread (POSIX, write: "a SIGPIPE signal shall
/// also be sent to the thread"), so the thread can block it, check errno, and remove the pending
/// signal with sigtimedwait(2) or sigwait(2). Changing the signal's disposition instead would
/// change it for the whole program.
class sigpipe_guard {
public:
  sigpipe_guard() noexcept
      : sigpipe_(set_of_sigpipe()), was_blocked_(block(sigpipe_)),
        was_pending_(was_blocked_ && is_pending()) {}

  sigpipe_guard(sigpipe_guard const&) = delete;
  sigpipe_guard& operator=(sigpipe_guard const&) = delete;

  ~sigpipe_guard() {
    if (!was_blocked_) {
      pthread_sigmask(SIG_UNBLOCK, &sigpipe_, nullptr);
    }
  }

  /// To be called once after a write that failed with EPIPE: removes the signal that it raised. A
  /// SIGPIPE that was pending before is not removed: a signal that is already pending is not queued
  /// a second time (POSIX, 2.4.1), so the write has added nothing to it.
  void consume() noexcept {
    if (was_pending_) {
      return;
    }
    signal_info ignored;
    take_pending_signal(sigpipe_, ignored);
  }

private:
  static sigset_t set_of_sigpipe() noexcept {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
  }

  // True if it was blocked before.
  static bool block(sigset_t const& sigpipe) noexcept {
    sigset_t previous;
    sigemptyset(&previous);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &previous);
    return sigismember(&previous, SIGPIPE) == 1;
  }

  // Only a blocked signal can be pending, so the question costs a program that does not block
  // SIGPIPE nothing.
  static bool is_pending() noexcept {
    sigset_t pending;
    sigemptyset(&pending);
    sigpending(&pending);
    return sigismember(&pending, SIGPIPE) == 1;
  }

  sigset_t sigpipe_;
  bool was_blocked_;
  bool was_pending_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLES_SIGPIPE_GUARD_HPP
