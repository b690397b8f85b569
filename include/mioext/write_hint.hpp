//
// mioext/write_hint.hpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Why a write is likely to fail.
//

#ifndef MIOEXT_WRITE_HINT_HPP
#define MIOEXT_WRITE_HINT_HPP

#include <mioext/detail/system.hpp>

#include <ostream>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// Why a write is likely to fail when `write_failing` is called. A hint and never a promise: only
/// the write tells.
///
/// A pipe whose readers are gone is `error` with epoll and `hup` with kqueue. A pending error after
/// which the socket stays usable, such as a refused datagram, is `error` with epoll; kqueue reports
/// it without a hint. kqueue also reports `hup` after this side's own shutdown.
///
/// @par Source
/// The hang-up and the error of mio's first `ReadHint` and `EventSet`.
enum class write_hint : unsigned char {
  /// The connection is over in both directions.
  hup,
  /// An error: take_error() or the write itself says which. Unless the error ended the connection,
  /// writing can go on after it.
  error
};

/// Prints the name.
inline std::ostream& operator<<(std::ostream& stream, write_hint printed) {
  return stream << (printed == write_hint::hup ? "hup" : "error");
}

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_WRITE_HINT_HPP
