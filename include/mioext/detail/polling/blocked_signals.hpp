//
// mioext/detail/polling/blocked_signals.hpp
// -----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The signals that a loop takes: blocked in its thread, so that they have no other effect.
//

#ifndef MIOEXT_DETAIL_POLLING_BLOCKED_SIGNALS_HPP
#define MIOEXT_DETAIL_POLLING_BLOCKED_SIGNALS_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>

#include <pthread.h>
#include <signal.h>

#include <mioext/detail/polling/pending_signal.hpp>
#include <mioext/detail/polling/signal_claims.hpp>
#include <mioext/signal_info.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The signals that one loop takes. They are claimed in this process, and blocked in the thread
/// that took them. Every kind of selector treats its signals in this way. (The functions on sets
/// are macros on macOS, and cannot be called by a qualified name.)
class blocked_signals {
public:
  blocked_signals() noexcept {
    sigemptyset(&taken_);
    sigemptyset(&unblock_later_);
  }

  blocked_signals(blocked_signals const&) = delete;
  blocked_signals& operator=(blocked_signals const&) = delete;

  /// Restores the calling thread's mask as far as take() changed it.
  ~blocked_signals() {
    bool has_any = false;
    for (int number = 1; number < signal_limit; ++number) {
      if (contains(number)) {
        has_any = true;
        signal_claims::release(number);
      }
    }
    if (has_any) {
      unblock(unblock_later_);
    }
  }

  bool contains(int number) const noexcept { return sigismember(&taken_, number) == 1; }

  sigset_t const& set() const noexcept { return taken_; }

  /// Claims a signal and blocks it in the calling thread. Returns EINVAL for a number that is no
  /// signal or cannot be taken (SIGKILL, SIGSTOP), EEXIST if it is taken here, EBUSY if another
  /// loop has it.
  int take(int number) noexcept {
    sigset_t one;
    if (number == SIGKILL || number == SIGSTOP || !make_set(number, one)) {
      return EINVAL;
    }
    if (contains(number)) {
      return EEXIST;
    }
    if (!signal_claims::claim(number)) {
      return EBUSY;
    }
    sigset_t before;
    sigemptyset(&before);
    ::pthread_sigmask(SIG_BLOCK, &one, &before);
    sigaddset(&taken_, number);
    if (sigismember(&before, number) != 1) {
      sigaddset(&unblock_later_, number);
    }
    return 0;
  }

  /// Returns EINVAL for a number that is no signal, ENOENT if it is not taken here.
  int check_taken(int number) const noexcept {
    sigset_t one;
    if (!make_set(number, one)) {
      return EINVAL;
    }
    return contains(number) ? 0 : ENOENT;
  }

  /// Takes a signal out of the set. Its claim and mask stay as they are until give_back().
  void forget(int number) noexcept { sigdelset(&taken_, number); }

  /// Undoes take(). A signal that came while the loop had it, and was not read, must not have its
  /// usual effect now: a second SIGTERM during a clean exit would end the process.
  void give_back(int number) noexcept {
    forget(number);
    signal_claims::release(number);
    sigset_t one;
    if (sigismember(&unblock_later_, number) == 1 && make_set(number, one)) {
      sigdelset(&unblock_later_, number);
      unblock(one);
    }
  }

private:
  /// Returns false for a number that is no signal. Not every sigaddset() checks the number.
  static bool make_set(int number, sigset_t& one) noexcept {
    sigemptyset(&one);
    return number > 0 && number < signal_limit && sigaddset(&one, number) == 0;
  }

  static void unblock(sigset_t const& signals) noexcept {
    signal_info ignored;
    while (take_pending_signal(signals, ignored)) {
    }
    ::pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  }

  sigset_t taken_{};
  sigset_t unblock_later_{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_BLOCKED_SIGNALS_HPP
