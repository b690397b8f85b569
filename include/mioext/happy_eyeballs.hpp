//
// mioext/happy_eyeballs.hpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How async_connect races the endpoints of a host, as RFC 8305 says.
//

#ifndef MIOEXT_HAPPY_EYEBALLS_HPP
#define MIOEXT_HAPPY_EYEBALLS_HPP

#include <mioext/detail/system.hpp>

#include <chrono>
#include <cstddef>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// Tells async_connect to try several endpoints at the same time: the next one is started when the
/// last has not succeeded after a while, or at once when it has failed; the first connection that
/// is made is taken, and all others are closed. The families of the addresses take turns.
///
/// The time is measured as by a steady_timer of the same context: in an io_context, a race that ends
/// early may leave behind one wake-up, which run_one() counts as a handler.
///
/// @par Source
/// RFC 8305, "Happy Eyeballs Version 2", sections 4, 5 and 8.
struct happy_eyeballs {
  /// How long an attempt has to succeed before the next one is started beside it. The RFC
  /// recommends 250 milliseconds and at most 2 seconds, and forbids less than 10 milliseconds; a
  /// shorter delay is raised to 10 milliseconds.
  std::chrono::steady_clock::duration connection_attempt_delay = std::chrono::milliseconds(250);

  /// How many endpoints of the first one's family come before the families take turns. At least 1.
  std::size_t first_address_family_count = 1;
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_HAPPY_EYEBALLS_HPP
