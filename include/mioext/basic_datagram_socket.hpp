//
// mioext/basic_datagram_socket.hpp
// --------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Messages that keep their boundaries: UDP and Unix datagram sockets.
//

#ifndef MIOEXT_BASIC_DATAGRAM_SOCKET_HPP
#define MIOEXT_BASIC_DATAGRAM_SOCKET_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

#include <boost/asio/basic_datagram_socket.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/basic_socket.hpp>
#include <mioext/detail/handles/asio_conversions.hpp>
#include <mioext/detail/handles/basic_handle.hpp>
#include <mioext/detail/handles/buffer_vector.hpp>
#include <mioext/detail/handles/local_protocol.hpp>
#include <mioext/detail/handles/protocol_handle.hpp>
#include <mioext/detail/handles/socket_ops.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// A datagram socket, as `udp_socket` and `unix_datagram`. See basic_socket for what all sockets
/// promise.
///
/// Each call transfers one datagram, which may be spread over up to 64 non-empty buffers. With more
/// buffers the call fails with `message_size`, because a datagram cannot be transferred in part. A
/// datagram may be empty: that is success with 0 bytes, not `eof`. If a datagram is longer than the
/// buffers, the rest of it is lost without an error, as in Asio on POSIX systems; on Linux the flag
/// MSG_TRUNC makes receive return the true length.
///
/// They fail with
/// - `would_block` if there is no datagram, or no room for one, now;
/// - `message_size` if the datagram is longer than the protocol allows;
/// - `connection_refused` (a connected UDP socket) once an earlier datagram was refused;
/// - what else recvmsg(2) and sendmsg(2) report; `bad_descriptor` if closed.
///
/// Multicast and broadcast are options: boost::asio::ip::multicast and socket_base::broadcast.
///
/// @par Source
/// Boost.Asio's basic_datagram_socket; sendmsg(2), recvmsg(2).
template <class Protocol>
class basic_datagram_socket
    : public basic_socket<Protocol>,
      public detail::asio_conversions<basic_datagram_socket<Protocol>,
                                      boost::asio::basic_datagram_socket, Protocol> {
  using base = basic_socket<Protocol>;
  using conversions =
      detail::asio_conversions<basic_datagram_socket, boost::asio::basic_datagram_socket, Protocol>;

public:
  using typename base::endpoint_type;
  using typename base::native_handle_type;
  using typename base::protocol_type;
  using typename boost::asio::socket_base::message_flags;

  /// A closed socket. Costs nothing and cannot fail.
  basic_datagram_socket() noexcept = default;

  /// Opens a socket.
  ///
  /// Throws boost::system::system_error: as open().
  explicit basic_datagram_socket(protocol_type const& protocol) : base(protocol) {}

  /// Opens a socket of the endpoint's protocol and binds it.
  ///
  /// Throws boost::system::system_error: as open() and bind().
  explicit basic_datagram_socket(endpoint_type const& endpoint) : base(endpoint) {}

  /// Adopts a descriptor.
  ///
  /// Throws boost::system::system_error: as assign(); the descriptor is then still the caller's.
  explicit basic_datagram_socket(native_handle_type fd) : base(fd) {}

  /// \overload
  basic_datagram_socket(protocol_type const&, native_handle_type fd) : base(fd) {}

  /// Adopts the socket of one of Asio's, which must have no operation outstanding and is closed
  /// afterwards.
  ///
  /// Throws boost::system::system_error: as assign(); `other` has then kept it.
  template <class Executor>
  explicit basic_datagram_socket(boost::asio::basic_datagram_socket<Protocol, Executor>&& other) {
    assign(std::move(other));
  }

  /// `other` is closed afterwards.
  basic_datagram_socket(basic_datagram_socket&& other) noexcept = default;

  /// Closes what this one held, as close() does; `other` is closed afterwards.
  basic_datagram_socket& operator=(basic_datagram_socket&& other) noexcept = default;

  /// Closes the socket, as close() does.
  ~basic_datagram_socket() = default;

  // Also from Asio's socket; into_asio() is the way to it. Both are documented in
  // detail/handles/asio_conversions.hpp.
  using base::assign;
  using conversions::assign;

  /// Two sockets connected to each other (socketpair(2)). For local protocols only.
  ///
  /// Errors: what socketpair(2) reports, among it `no_descriptors`; the second form then returns
  /// two closed ones.
  template <class P = Protocol>
  static auto pair() ->
      typename std::enable_if<detail::is_local_protocol<P>::value,
                              std::pair<basic_datagram_socket, basic_datagram_socket>>::type {
    boost::system::error_code ec;
    auto sockets = pair(ec);
    detail::throw_error(ec, "pair");
    return sockets;
  }

  /// \overload
  template <class P = Protocol>
  static auto pair(boost::system::error_code& ec) ->
      typename std::enable_if<detail::is_local_protocol<P>::value,
                              std::pair<basic_datagram_socket, basic_datagram_socket>>::type {
    P const protocol;
    std::pair<basic_datagram_socket, basic_datagram_socket> sockets;
    int fds[2];
    detail::socket_ops::open_pair(protocol.family(), protocol.type(), protocol.protocol(), fds, ec);
    if (!ec) {
      detail::handle_access::reset(sockets.first, fds[0]);
      detail::handle_access::reset(sockets.second, fds[1]);
    }
    return sockets;
  }

  /// Sends a datagram to the connected peer and returns its size. `flags` are those of
  /// boost::asio::socket_base.
  ///
  /// Errors: also `destination_address_required` or `not_connected` without a peer.
  template <class ConstBufferSequence> std::size_t send(ConstBufferSequence const& buffers) {
    return send(buffers, 0);
  }

  /// \overload
  template <class ConstBufferSequence>
  std::size_t send(ConstBufferSequence const& buffers, message_flags flags) {
    boost::system::error_code ec;
    std::size_t const bytes = send(buffers, flags, ec);
    detail::throw_error(ec, "send");
    return bytes;
  }

  /// \overload
  template <class ConstBufferSequence>
  std::size_t send(ConstBufferSequence const& buffers, message_flags flags,
                   boost::system::error_code& ec) {
    detail::write_buffers vector(buffers);
    if (!vector.complete()) {
      return refuse(ec);
    }
    return detail::socket_ops::send(this->native_handle(), vector.data(), vector.size(), flags, ec);
  }

  /// Sends a datagram to `destination` and returns its size.
  template <class ConstBufferSequence>
  std::size_t send_to(ConstBufferSequence const& buffers, endpoint_type const& destination) {
    return send_to(buffers, destination, 0);
  }

  /// \overload
  template <class ConstBufferSequence>
  std::size_t send_to(ConstBufferSequence const& buffers, endpoint_type const& destination,
                      message_flags flags) {
    boost::system::error_code ec;
    std::size_t const bytes = send_to(buffers, destination, flags, ec);
    detail::throw_error(ec, "send_to");
    return bytes;
  }

  /// \overload
  template <class ConstBufferSequence>
  std::size_t send_to(ConstBufferSequence const& buffers, endpoint_type const& destination,
                      message_flags flags, boost::system::error_code& ec) {
    detail::write_buffers vector(buffers);
    if (!vector.complete()) {
      return refuse(ec);
    }
    return detail::socket_ops::send(this->native_handle(), vector.data(), vector.size(), flags,
                                    destination.data(), destination.size(), ec);
  }

  /// Receives a datagram and returns how many of its bytes were stored: from the peer if the socket
  /// is connected, from anyone otherwise. With `message_peek` the next call finds the same datagram
  /// again.
  template <class MutableBufferSequence> std::size_t receive(MutableBufferSequence const& buffers) {
    return receive(buffers, 0);
  }

  /// \overload
  template <class MutableBufferSequence>
  std::size_t receive(MutableBufferSequence const& buffers, message_flags flags) {
    boost::system::error_code ec;
    std::size_t const bytes = receive(buffers, flags, ec);
    detail::throw_error(ec, "receive");
    return bytes;
  }

  /// \overload
  template <class MutableBufferSequence>
  std::size_t receive(MutableBufferSequence const& buffers, message_flags flags,
                      boost::system::error_code& ec) {
    detail::read_buffers vector(buffers);
    if (!vector.complete()) {
      return refuse(ec);
    }
    return detail::socket_ops::receive(this->native_handle(), vector.data(), vector.size(), flags,
                                       ec);
  }

  /// Receives a datagram as receive() does, and says in `sender` where it came from: an empty path
  /// if that is a Unix socket without a name. `sender` is left alone on an error.
  template <class MutableBufferSequence>
  std::size_t receive_from(MutableBufferSequence const& buffers, endpoint_type& sender) {
    return receive_from(buffers, sender, 0);
  }

  /// \overload
  template <class MutableBufferSequence>
  std::size_t receive_from(MutableBufferSequence const& buffers, endpoint_type& sender,
                           message_flags flags) {
    boost::system::error_code ec;
    std::size_t const bytes = receive_from(buffers, sender, flags, ec);
    detail::throw_error(ec, "receive_from");
    return bytes;
  }

  /// \overload
  template <class MutableBufferSequence>
  std::size_t receive_from(MutableBufferSequence const& buffers, endpoint_type& sender,
                           message_flags flags, boost::system::error_code& ec) {
    detail::read_buffers vector(buffers);
    if (!vector.complete()) {
      return refuse(ec);
    }
    endpoint_type endpoint;
    std::size_t size = endpoint.capacity();
    std::size_t const bytes = detail::socket_ops::receive(
        this->native_handle(), vector.data(), vector.size(), flags, endpoint.data(), &size, ec);
    if (!ec) {
      endpoint.resize(size);
      sender = endpoint;
    }
    return bytes;
  }

private:
  /// POSIX says EMSGSIZE of a message in more pieces than the system takes (sendmsg, IOV_MAX).
  std::size_t refuse(boost::system::error_code& ec) const noexcept {
    if (this->is_open()) {
      ec = boost::asio::error::message_size;
    } else {
      ec = boost::asio::error::bad_descriptor;
    }
    return 0;
  }
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_BASIC_DATAGRAM_SOCKET_HPP
