//
// mioext/signal_info.hpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the system says of a signal that arrived.
//

#ifndef MIOEXT_SIGNAL_INFO_HPP
#define MIOEXT_SIGNAL_INFO_HPP

#include <mioext/detail/system.hpp>

#include <ostream>

#include <sys/types.h>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// A signal, with what the system told of it.
///
/// @par Source
/// sigaction(2), signalfd(2): the fields of `siginfo_t` with the same names. macOS and OpenBSD tell
/// the number only.
struct signal_info {
  /// Which signal, for instance SIGTERM.
  int number = 0;
  /// Why it was sent: SI_USER for kill(2), SI_QUEUE for sigqueue(3), CLD_EXITED and the like for
  /// SIGCHLD.
  int code = 0;
  /// The process that sent the signal, or for SIGCHLD the child; zero if the kernel itself sent it,
  /// or if the system does not say.
  pid_t pid = 0;
  /// The real user of that process.
  uid_t uid = 0;
  /// For SIGCHLD the exit status, or the signal that ended or stopped the child; for a signal of
  /// sigqueue(3) the integer sent with it; otherwise zero.
  int status = 0;

  /// Prints, for instance, `signal(15, code 0, pid 4711, uid 1000, status 0)`.
  friend std::ostream& operator<<(std::ostream& stream, signal_info const& printed) {
    return stream << "signal(" << printed.number << ", code " << printed.code << ", pid "
                  << printed.pid << ", uid " << printed.uid << ", status " << printed.status << ')';
  }
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_SIGNAL_INFO_HPP
