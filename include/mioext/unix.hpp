//
// mioext/unix.hpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Unix sockets, and how they carry descriptors.
//

#ifndef MIOEXT_UNIX_HPP
#define MIOEXT_UNIX_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>

#include <boost/asio/error.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/basic_datagram_socket.hpp>
#include <mioext/basic_socket_acceptor.hpp>
#include <mioext/basic_stream_socket.hpp>
#include <mioext/detail/file_descriptor.hpp>
#include <mioext/detail/handles/buffer_vector.hpp>
#include <mioext/detail/handles/socket_ops.hpp>
#include <mioext/detail/handles/stream_ops.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// A Unix stream socket. Endpoints are `boost::asio::local::stream_protocol::endpoint`: a path in
/// the file system or, on Linux, a name in the abstract namespace, which is written as a path that
/// begins with a NUL character (unix(7)) and leaves no file behind.
using unix_socket = basic_stream_socket<boost::asio::local::stream_protocol>;

/// Accepts connections of Unix stream sockets.
using unix_acceptor = basic_socket_acceptor<boost::asio::local::stream_protocol>;

/// A Unix datagram socket. Datagrams are neither lost nor reordered: sending to a socket whose
/// queue is full fails with `would_block`.
using unix_datagram = basic_datagram_socket<boost::asio::local::datagram_protocol>;

/// Sends as much of `buffers` as fits and, with its first byte, a duplicate of `handle`: a
/// descriptor, or anything with native_handle(). The sender's own descriptor stays open. Returns
/// the number of bytes sent; if that is not zero, the descriptor has been sent.
///
/// Errors: as unix_socket::send(); `invalid_argument` for buffers without a byte, because a
/// descriptor cannot be sent without data; `bad_descriptor` also if `handle` is closed.
///
/// @par Source
/// unix(7), SCM_RIGHTS.
template <class ConstBufferSequence, class Handle>
std::size_t send_with_descriptor(unix_socket& socket, ConstBufferSequence const& buffers,
                                 Handle&& handle, boost::system::error_code& ec) {
  MIOEXT_DETAIL_CHECK_HANDLE(Handle);
  detail::write_buffers vector(buffers);
  if (vector.empty()) {
    ec = boost::asio::error::invalid_argument;
    return 0;
  }
  return detail::socket_ops::send_with_descriptor(socket.native_handle(), vector.data(),
                                                  vector.size(), detail::native_handle(handle), ec);
}

/// \overload
template <class ConstBufferSequence, class Handle>
std::size_t send_with_descriptor(unix_socket& socket, ConstBufferSequence const& buffers,
                                 Handle&& handle) {
  boost::system::error_code ec;
  std::size_t const bytes = send_with_descriptor(socket, buffers, handle, ec);
  detail::throw_error(ec, "send_with_descriptor");
  return bytes;
}

/// Receives what is there, and the descriptor that came with it. `fd` is -1 if none did; otherwise
/// it belongs to the caller, who closes it or gives it to a handle. If the peer sent several at
/// once, the first is received and the system closes the others.
///
/// The descriptor is close-on-exec. Whether it is blocking is left as its sender set it, because
/// that belongs to the open file description, which the sender still uses. A handle that adopts the
/// descriptor makes it non-blocking.
///
/// Errors: as unix_socket::receive(); `fd` is -1 then. (receive() itself would discard the
/// descriptor.)
///
/// @par Source
/// unix(7), SCM_RIGHTS.
template <class MutableBufferSequence>
std::size_t receive_with_descriptor(unix_socket& socket, MutableBufferSequence const& buffers,
                                    int& fd, boost::system::error_code& ec) {
  int const from = socket.native_handle();
  detail::file_descriptor descriptor;
  std::size_t const bytes = detail::stream_ops::read_some(
      from, buffers, ec, [&](iovec* vector, std::size_t count, boost::system::error_code& error) {
        return detail::socket_ops::receive_with_descriptor(from, vector, count, descriptor, error);
      });
  fd = descriptor.release();
  return bytes;
}

/// \overload
template <class MutableBufferSequence>
std::size_t receive_with_descriptor(unix_socket& socket, MutableBufferSequence const& buffers,
                                    int& fd) {
  boost::system::error_code ec;
  std::size_t const bytes = receive_with_descriptor(socket, buffers, fd, ec);
  detail::throw_error(ec, "receive_with_descriptor");
  return bytes;
}

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_UNIX_HPP
