//
// mioext/read_hint.hpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a read is likely to find.
//

#ifndef MIOEXT_READ_HINT_HPP
#define MIOEXT_READ_HINT_HPP

#include <mioext/detail/system.hpp>

#include <ostream>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// What a read is likely to find when `readable` is called. A hint and never a promise: only the
/// read tells.
///
/// A stream whose peer wrote and then closed is reported as `hup` while data may still be there, so
/// read until the end of the stream, whatever the hint. The hint is good for statistics, and for
/// choosing what to do first.
///
/// @par Source
/// mio's first `ReadHint`.
enum class read_hint : unsigned char {
  /// Data, or a connection to accept.
  data,
  /// The end of the stream, perhaps after remaining data: the other side has closed, or will write
  /// no more.
  hup,
  /// An error; SO_ERROR or the read itself says which. If neither does, it is a notice in the error
  /// queue of a Linux socket (recvmsg(2), MSG_ERRQUEUE), or a change of a file in /proc. kqueue
  /// reports a pending error after which the socket stays usable, such as a refused datagram, as
  /// `data`.
  error,
  /// Something else: out-of-band data, which an ordinary read does not return, or another
  /// exceptional condition. Reported only if the interest includes `priority`. There may be
  /// ordinary data as well.
  unknown
};

/// Prints the name.
inline std::ostream& operator<<(std::ostream& stream, read_hint printed) {
  switch (printed) {
  case read_hint::data:
    return stream << "data";
  case read_hint::hup:
    return stream << "hup";
  case read_hint::error:
    return stream << "error";
  case read_hint::unknown:
    break;
  }
  return stream << "unknown";
}

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_READ_HINT_HPP
