//
// mioext/detail/polling/pending_signal.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Taking a signal that is blocked and pending, so that it has no other effect.
//

#ifndef MIOEXT_DETAIL_POLLING_PENDING_SIGNAL_HPP
#define MIOEXT_DETAIL_POLLING_PENDING_SIGNAL_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <mioext/detail/polling/signal_claims.hpp>
#include <mioext/signal_info.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Converts what the system tells of a signal; what it does not tell stays zero.
inline signal_info to_signal_info(::siginfo_t const& told) noexcept {
  signal_info info;
  info.number = told.si_signo;
  info.code = told.si_code;
  info.pid = told.si_pid;
  info.uid = told.si_uid;
  if (told.si_code == SI_QUEUE) {
    info.status = told.si_value.sival_int;
  } else if (told.si_signo == SIGCHLD) {
    info.status = told.si_status; // for others no member, or another's bytes
  }
  return info;
}

/// The same with POSIX's older functions, which tell only the number. sigwait() does not wait,
/// because the signal is pending, unless another thread that blocks the signal takes it at the same
/// moment. That is no thread of mioext's; signal_claims ensures this.
inline bool take_pending_signal_by_number(sigset_t const& wanted, signal_info& info) noexcept {
  sigset_t pending;
  if (::sigpending(&pending) != 0) {
    return false;
  }
  for (int number = 1; number < signal_limit; ++number) {
    if (sigismember(&wanted, number) == 1 && sigismember(&pending, number) == 1) {
      sigset_t one;
      sigemptyset(&one);
      sigaddset(&one, number);
      info = signal_info();
      return ::sigwait(&one, &info.number) == 0;
    }
  }
  return false;
}

/// Takes one pending signal that is in `wanted`; the calling thread must block all signals in
/// `wanted`. False if none is pending. sigtimedwait() belongs to an option of POSIX that macOS and
/// OpenBSD do not have.
inline bool take_pending_signal(sigset_t const& wanted, signal_info& info) noexcept {
#if defined(_POSIX_REALTIME_SIGNALS) && _POSIX_REALTIME_SIGNALS > 0
  ::timespec const at_once = {0, 0};
  ::siginfo_t told;
  int number;
  do {
    number = ::sigtimedwait(&wanted, &told, &at_once);
  } while (number < 0 && errno == EINTR);
  if (number < 0) {
    return false;
  }
  info = to_signal_info(told);
  return true;
#else
  return take_pending_signal_by_number(wanted, info);
#endif
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_PENDING_SIGNAL_HPP
