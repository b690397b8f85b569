//
// mioext/basic_socket_acceptor.hpp
// --------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Listens for connections and accepts them.
//

#ifndef MIOEXT_BASIC_SOCKET_ACCEPTOR_HPP
#define MIOEXT_BASIC_SOCKET_ACCEPTOR_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <utility>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/basic_socket.hpp>
#include <mioext/basic_stream_socket.hpp>
#include <mioext/detail/handles/asio_conversions.hpp>
#include <mioext/detail/handles/basic_handle.hpp>
#include <mioext/detail/handles/local_protocol.hpp>
#include <mioext/detail/handles/protocol_handle.hpp>
#include <mioext/detail/handles/socket_ops.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// An acceptor, as `tcp_acceptor` and `unix_acceptor`. See basic_socket for what it shares with
/// sockets.
///
/// Binding an acceptor to a Unix path creates a file, which outlives the acceptor. Unlink it when
/// done, and before another acceptor binds to the same path.
///
/// @par Source
/// Boost.Asio's basic_socket_acceptor; listen(2), accept(2).
template <class Protocol>
class basic_socket_acceptor
    : public detail::protocol_handle<Protocol>,
      public detail::asio_conversions<basic_socket_acceptor<Protocol>,
                                      boost::asio::basic_socket_acceptor, Protocol> {
  using base = detail::protocol_handle<Protocol>;
  using conversions =
      detail::asio_conversions<basic_socket_acceptor, boost::asio::basic_socket_acceptor, Protocol>;

public:
  using typename base::endpoint_type;
  using typename base::native_handle_type;
  using typename base::protocol_type;

  /// What accept() returns.
  using socket_type = basic_stream_socket<Protocol>;

  /// A closed acceptor. Costs nothing and cannot fail.
  basic_socket_acceptor() noexcept = default;

  /// Opens an acceptor, which does not listen yet.
  ///
  /// Throws boost::system::system_error: as open().
  explicit basic_socket_acceptor(protocol_type const& protocol) : base(protocol) {}

  /// Opens an acceptor of the endpoint's protocol, binds it and listens.
  ///
  /// `reuse_addr` sets SO_REUSEADDR, without which an address stays taken for a while after its
  /// last connection ended. It has no meaning for a Unix path, and is not set there.
  ///
  /// Throws boost::system::system_error: as open(), set_option(), bind() and listen().
  explicit basic_socket_acceptor(endpoint_type const& endpoint, bool reuse_addr = true)
      : base(endpoint.protocol()) {
    if (reuse_addr && !detail::is_local_protocol<Protocol>::value) {
      this->set_option(boost::asio::socket_base::reuse_address(true));
    }
    this->bind(endpoint);
    listen();
  }

  /// Adopts a descriptor.
  ///
  /// Throws boost::system::system_error: as assign(); the descriptor is then still the caller's.
  explicit basic_socket_acceptor(native_handle_type fd) : base(fd) {}

  /// \overload
  basic_socket_acceptor(protocol_type const&, native_handle_type fd) : base(fd) {}

  /// Adopts one of Asio's acceptors, which must have no operation outstanding and is closed
  /// afterwards.
  ///
  /// Throws boost::system::system_error: as assign(); `other` has then kept it.
  template <class Executor>
  explicit basic_socket_acceptor(boost::asio::basic_socket_acceptor<Protocol, Executor>&& other) {
    assign(std::move(other));
  }

  /// `other` is closed afterwards.
  basic_socket_acceptor(basic_socket_acceptor&& other) noexcept = default;

  /// Closes what this one held, as close() does; `other` is closed afterwards.
  basic_socket_acceptor& operator=(basic_socket_acceptor&& other) noexcept = default;

  /// Closes the acceptor, as close() does.
  ~basic_socket_acceptor() = default;

  // Also from Asio's acceptor; into_asio() is the way to it. Both are documented in
  // detail/handles/asio_conversions.hpp.
  using base::assign;
  using conversions::assign;

  /// Makes the acceptor listen. At most `backlog` connections wait in the queue to be accepted. The
  /// system has a limit of its own (Linux: net.core.somaxconn).
  ///
  /// Errors: what listen(2) reports; `bad_descriptor` if closed.
  void listen(int backlog = boost::asio::socket_base::max_listen_connections) {
    boost::system::error_code ec;
    listen(backlog, ec);
    detail::throw_error(ec, "listen");
  }

  /// \overload
  void listen(int backlog, boost::system::error_code& ec) noexcept {
    detail::socket_ops::listen(this->native_handle(), backlog, ec);
  }

  /// Accepts a connection, and returns its socket, non-blocking and close-on-exec.
  ///
  /// A connection that was aborted while it waited is passed over, as in Asio. Errors:
  /// - `would_block`: there is none, now;
  /// - `no_descriptors` (EMFILE), `too_many_files_open_in_system` (ENFILE): the connection stays in
  ///   the queue, and the acceptor readable;
  /// - what else accept(2) reports; `bad_descriptor` if closed.
  ///
  /// The form with an error_code returns a closed socket then.
  socket_type accept() {
    boost::system::error_code ec;
    socket_type peer = accept(ec);
    detail::throw_error(ec, "accept");
    return peer;
  }

  /// \overload
  socket_type accept(boost::system::error_code& ec) {
    socket_type peer;
    accept(peer, ec);
    return peer;
  }

  /// The same, and says in `peer_endpoint` who it is, which is left alone on an error.
  socket_type accept(endpoint_type& peer_endpoint) {
    boost::system::error_code ec;
    socket_type peer = accept(peer_endpoint, ec);
    detail::throw_error(ec, "accept");
    return peer;
  }

  /// \overload
  socket_type accept(endpoint_type& peer_endpoint, boost::system::error_code& ec) {
    socket_type peer;
    accept(peer, peer_endpoint, ec);
    return peer;
  }

  /// Accepts a connection into `peer`, which must be closed.
  ///
  /// Errors: `already_open` if it is not; otherwise as above, and `peer` is closed as before.
  void accept(socket_type& peer) {
    boost::system::error_code ec;
    accept(peer, ec);
    detail::throw_error(ec, "accept");
  }

  /// \overload
  void accept(socket_type& peer, boost::system::error_code& ec) {
    accept_into(peer, nullptr, nullptr, ec);
  }

  /// The same, and says in `peer_endpoint` who it is, which is left alone on an error.
  void accept(socket_type& peer, endpoint_type& peer_endpoint) {
    boost::system::error_code ec;
    accept(peer, peer_endpoint, ec);
    detail::throw_error(ec, "accept");
  }

  /// \overload
  void accept(socket_type& peer, endpoint_type& peer_endpoint, boost::system::error_code& ec) {
    endpoint_type endpoint;
    std::size_t size = endpoint.capacity();
    accept_into(peer, endpoint.data(), &size, ec);
    if (!ec) {
      endpoint.resize(size);
      peer_endpoint = endpoint;
    }
  }

private:
  void accept_into(socket_type& peer, sockaddr* address, std::size_t* size,
                   boost::system::error_code& ec) noexcept {
    if (peer.is_open()) {
      ec = boost::asio::error::already_open;
      return;
    }
    int const fd = detail::socket_ops::accept(this->native_handle(), address, size, ec);
    if (!ec) {
      detail::handle_access::reset(peer, fd);
    }
  }
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_BASIC_SOCKET_ACCEPTOR_HPP
