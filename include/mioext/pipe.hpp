//
// mioext/pipe.hpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The two ends of a pipe.
//

#ifndef MIOEXT_PIPE_HPP
#define MIOEXT_PIPE_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <utility>

#include <sys/uio.h>

#include <boost/system/error_code.hpp>

#include <mioext/detail/handles/basic_handle.hpp>
#include <mioext/detail/handles/pipe_end.hpp>
#include <mioext/detail/handles/pipe_ops.hpp>
#include <mioext/detail/handles/stream_ops.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// The reading end of a pipe. A move-only owner, non-blocking and bound to no loop; meets Asio's
/// SyncReadStream.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @par Source
/// mio's `unix::pipe::Receiver`; pipe(7), readv(2).
class pipe_reader : public detail::pipe_end {
public:
  /// A closed end.
  pipe_reader() noexcept = default;

  /// Adopts a descriptor: one end of a pipe, or anything else that read(2) and write(2) know.
  ///
  /// Throws boost::system::system_error: as assign(); the descriptor is then still the caller's.
  explicit pipe_reader(native_handle_type fd) : detail::pipe_end(fd) {}

  /// `other` is closed afterwards.
  pipe_reader(pipe_reader&& other) noexcept = default;

  /// Closes what this one held, as close() does; `other` is closed afterwards.
  pipe_reader& operator=(pipe_reader&& other) noexcept = default;

  /// Closes the end, as close() does.
  ~pipe_reader() = default;

  /// Reads available data into the buffers, at most 64 non-empty ones, and returns the number of
  /// bytes read. If the buffers have no room for a byte, it succeeds and returns 0.
  ///
  /// Errors: `would_block` if nothing is there now; `eof` if nothing will be, because every writer
  /// is closed and everything was read; what else readv(2) reports; `bad_descriptor` if closed.
  template <class MutableBufferSequence>
  std::size_t read_some(MutableBufferSequence const& buffers) {
    boost::system::error_code ec;
    std::size_t const bytes = read_some(buffers, ec);
    detail::throw_error(ec, "read_some");
    return bytes;
  }

  /// \overload
  template <class MutableBufferSequence>
  std::size_t read_some(MutableBufferSequence const& buffers, boost::system::error_code& ec) {
    int const fd = native_handle();
    return detail::stream_ops::read_some(
        fd, buffers, ec, [=](iovec* vector, std::size_t count, boost::system::error_code& error) {
          return detail::pipe_ops::read(fd, vector, count, error);
        });
  }
};

/// The writing end of a pipe. A move-only owner, non-blocking and bound to no loop; meets Asio's
/// SyncWriteStream.
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe.
///
/// @par Source
/// mio's `unix::pipe::Sender`; pipe(7), writev(2).
class pipe_writer : public detail::pipe_end {
public:
  /// A closed end.
  pipe_writer() noexcept = default;

  /// Adopts a descriptor: one end of a pipe, or anything else that read(2) and write(2) know.
  ///
  /// Throws boost::system::system_error: as assign(); the descriptor is then still the caller's.
  explicit pipe_writer(native_handle_type fd) : detail::pipe_end(fd) {}

  /// `other` is closed afterwards.
  pipe_writer(pipe_writer&& other) noexcept = default;

  /// Closes what this one held, as close() does; `other` is closed afterwards.
  pipe_writer& operator=(pipe_writer&& other) noexcept = default;

  /// Closes the end, as close() does.
  ~pipe_writer() = default;

  /// Writes as much from the buffers as fits, at most 64 non-empty ones, and returns the number of
  /// bytes written. If the buffers contain no byte, it succeeds and returns 0. Up to PIPE_BUF bytes
  /// (4096 on Linux) are written as a whole or not at all (pipe(7)).
  ///
  /// Errors: `would_block` if nothing fits now; `broken_pipe` if every reader is closed, and
  /// SIGPIPE is not raised; what else writev(2) reports; `bad_descriptor` if closed.
  template <class ConstBufferSequence> std::size_t write_some(ConstBufferSequence const& buffers) {
    boost::system::error_code ec;
    std::size_t const bytes = write_some(buffers, ec);
    detail::throw_error(ec, "write_some");
    return bytes;
  }

  /// \overload
  template <class ConstBufferSequence>
  std::size_t write_some(ConstBufferSequence const& buffers, boost::system::error_code& ec) {
    int const fd = native_handle();
    return detail::stream_ops::write_some(
        fd, buffers, ec, [=](iovec* vector, std::size_t count, boost::system::error_code& error) {
          return detail::pipe_ops::write(fd, vector, count, error);
        });
  }
};

/// Makes a pipe: what is written to `second` can be read from `first`.
///
/// Errors: what pipe2(2) reports, among it `no_descriptors`; the form with an error_code then
/// returns two closed ends.
inline std::pair<pipe_reader, pipe_writer> pipe(boost::system::error_code& ec) {
  std::pair<pipe_reader, pipe_writer> ends;
  int fds[2];
  detail::pipe_ops::open(fds, ec);
  if (!ec) {
    detail::handle_access::reset(ends.first, fds[0]);
    detail::handle_access::reset(ends.second, fds[1]);
  }
  return ends;
}

/// \overload
inline std::pair<pipe_reader, pipe_writer> pipe() {
  boost::system::error_code ec;
  std::pair<pipe_reader, pipe_writer> ends = pipe(ec);
  detail::throw_error(ec, "pipe");
  return ends;
}

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_PIPE_HPP
