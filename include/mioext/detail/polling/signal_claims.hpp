//
// mioext/detail/polling/signal_claims.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Which signals are already taken by a loop of this process: each signal goes to one loop only.
//

#ifndef MIOEXT_DETAIL_POLLING_SIGNAL_CLAIMS_HPP
#define MIOEXT_DETAIL_POLLING_SIGNAL_CLAIMS_HPP

#include <mioext/detail/system.hpp>

#include <atomic>

#include <signal.h>

#include <boost/config.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Signals are the numbers from one up to, but not including, this one. FreeBSD and DragonFly leave
/// their real-time signals out of NSIG (signal.h of both).
#ifdef _SIG_MAXSIG
constexpr int signal_limit = _SIG_MAXSIG + 1;
#else
constexpr int signal_limit = NSIG;
#endif

/// The claims of a process. Thread-safe. Visible, so that all shared libraries of the process share
/// them, whatever they hide.
class BOOST_SYMBOL_VISIBLE signal_claims {
public:
  /// False if another loop has `number`, which is valid.
  static bool claim(int number) noexcept { return !flag(number).exchange(true); }

  static void release(int number) noexcept { flag(number).store(false); }

private:
  static std::atomic<bool>& flag(int number) noexcept {
    static std::atomic<bool> flags[signal_limit];
    return flags[number];
  }
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_SIGNAL_CLAIMS_HPP
