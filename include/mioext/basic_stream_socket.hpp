//
// mioext/basic_stream_socket.hpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A connected, ordered, reliable stream of bytes: TCP and Unix stream sockets.
//

#ifndef MIOEXT_BASIC_STREAM_SOCKET_HPP
#define MIOEXT_BASIC_STREAM_SOCKET_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

#include <sys/uio.h>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/basic_socket.hpp>
#include <mioext/detail/handles/asio_conversions.hpp>
#include <mioext/detail/handles/basic_handle.hpp>
#include <mioext/detail/handles/local_protocol.hpp>
#include <mioext/detail/handles/protocol_handle.hpp>
#include <mioext/detail/handles/socket_ops.hpp>
#include <mioext/detail/handles/stream_ops.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// A stream socket, as `tcp_socket` and `unix_socket`. Meets Asio's SyncReadStream and
/// SyncWriteStream, so that boost::asio::read, write and read_until work with it. See
/// basic_socket for what all sockets promise.
///
/// Transfers take any of Asio's buffer sequences, up to 64 non-empty buffers at once, without
/// copying them together and without allocation. They fail with
/// - `would_block` if there is nothing to read, or no room to write, now;
/// - `eof` (receiving) after the peer ended its side and everything was read;
/// - `broken_pipe` (sending) after the connection ended; SIGPIPE is never raised;
/// - `connection_reset`, `not_connected` and what else recvmsg(2) and sendmsg(2) report;
/// - `bad_descriptor` if closed.
///
/// A sequence without a single byte transfers nothing, successfully. A call that a signal
/// interrupts is repeated.
///
/// @par Source
/// Boost.Asio's basic_stream_socket; sendmsg(2), recvmsg(2), socketpair(2).
template <class Protocol>
class basic_stream_socket
    : public basic_socket<Protocol>,
      public detail::asio_conversions<basic_stream_socket<Protocol>,
                                      boost::asio::basic_stream_socket, Protocol> {
  using base = basic_socket<Protocol>;
  using conversions =
      detail::asio_conversions<basic_stream_socket, boost::asio::basic_stream_socket, Protocol>;

public:
  using typename base::endpoint_type;
  using typename base::native_handle_type;
  using typename base::protocol_type;
  using typename boost::asio::socket_base::message_flags;

  /// A closed socket. Costs nothing and cannot fail.
  basic_stream_socket() noexcept = default;

  /// Opens a socket.
  ///
  /// Throws boost::system::system_error: as open().
  explicit basic_stream_socket(protocol_type const& protocol) : base(protocol) {}

  /// Opens a socket of the endpoint's protocol and binds it.
  ///
  /// Throws boost::system::system_error: as open() and bind().
  explicit basic_stream_socket(endpoint_type const& endpoint) : base(endpoint) {}

  /// Adopts a descriptor.
  ///
  /// Throws boost::system::system_error: as assign(); the descriptor is then still the caller's.
  explicit basic_stream_socket(native_handle_type fd) : base(fd) {}

  /// \overload
  basic_stream_socket(protocol_type const&, native_handle_type fd) : base(fd) {}

  /// Adopts the socket of one of Asio's, which must have no operation outstanding and is closed
  /// afterwards.
  ///
  /// Throws boost::system::system_error: as assign(); `other` has then kept it.
  template <class Executor>
  explicit basic_stream_socket(boost::asio::basic_stream_socket<Protocol, Executor>&& other) {
    assign(std::move(other));
  }

  /// `other` is closed afterwards.
  basic_stream_socket(basic_stream_socket&& other) noexcept = default;

  /// The same from a socket whose protocol converts to this one's, as every stream protocol does to
  /// boost::asio::generic::stream_protocol.
  template <class OtherProtocol,
            typename std::enable_if<!std::is_same<OtherProtocol, Protocol>::value &&
                                        std::is_convertible<OtherProtocol, Protocol>::value,
                                    int>::type = 0>
  basic_stream_socket(basic_stream_socket<OtherProtocol>&& other) noexcept {
    if (other.is_open()) {
      detail::handle_access::reset(*this, other.release());
    }
  }

  /// Closes what this one held, as close() does; `other` is closed afterwards.
  basic_stream_socket& operator=(basic_stream_socket&& other) noexcept = default;

  /// Closes the socket, as close() does.
  ~basic_stream_socket() = default;

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
                              std::pair<basic_stream_socket, basic_stream_socket>>::type {
    boost::system::error_code ec;
    auto sockets = pair(ec);
    detail::throw_error(ec, "pair");
    return sockets;
  }

  /// \overload
  template <class P = Protocol>
  static auto pair(boost::system::error_code& ec) ->
      typename std::enable_if<detail::is_local_protocol<P>::value,
                              std::pair<basic_stream_socket, basic_stream_socket>>::type {
    P const protocol;
    std::pair<basic_stream_socket, basic_stream_socket> sockets;
    int fds[2];
    detail::socket_ops::open_pair(protocol.family(), protocol.type(), protocol.protocol(), fds, ec);
    if (!ec) {
      detail::handle_access::reset(sockets.first, fds[0]);
      detail::handle_access::reset(sockets.second, fds[1]);
    }
    return sockets;
  }

  /// Sends what fits, and returns how many bytes that were: at least one, unless the sequence is
  /// empty or an error occurred. `flags` are those of boost::asio::socket_base.
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
    int const fd = this->native_handle();
    return detail::stream_ops::write_some(
        fd, buffers, ec, [=](iovec* vector, std::size_t count, boost::system::error_code& error) {
          return detail::socket_ops::send(fd, vector, count, flags, error);
        });
  }

  /// Receives what is there, and returns how many bytes that were. With `message_peek` the next
  /// call finds the same bytes again.
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
    int const fd = this->native_handle();
    return detail::stream_ops::read_some(
        fd, buffers, ec, [=](iovec* vector, std::size_t count, boost::system::error_code& error) {
          return detail::socket_ops::receive(fd, vector, count, flags, error);
        });
  }

  /// Sends what fits: send() by the name that SyncWriteStream has for it.
  template <class ConstBufferSequence> std::size_t write_some(ConstBufferSequence const& buffers) {
    boost::system::error_code ec;
    std::size_t const bytes = write_some(buffers, ec);
    detail::throw_error(ec, "write_some");
    return bytes;
  }

  /// \overload
  template <class ConstBufferSequence>
  std::size_t write_some(ConstBufferSequence const& buffers, boost::system::error_code& ec) {
    return send(buffers, 0, ec);
  }

  /// Receives what is there: receive() by the name that SyncReadStream has for it.
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
    return receive(buffers, 0, ec);
  }
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_BASIC_STREAM_SOCKET_HPP
