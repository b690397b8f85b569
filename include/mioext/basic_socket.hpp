//
// mioext/basic_socket.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What stream and datagram sockets have in common.
//

#ifndef MIOEXT_BASIC_SOCKET_HPP
#define MIOEXT_BASIC_SOCKET_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>

#include <boost/system/error_code.hpp>

#include <mioext/detail/descriptor_ops.hpp>
#include <mioext/detail/handles/protocol_handle.hpp>
#include <mioext/detail/handles/socket_ops.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// A socket that can have a peer. Use basic_stream_socket or basic_datagram_socket, which derive
/// from this.
///
/// All sockets of mioext are move-only owners of a descriptor, bound to no loop and no executor,
/// and non-blocking: an operation that would have to wait fails with
/// `boost::asio::error::would_block`. Names and overloads are Asio's. Every function that can fail
/// has a form that throws boost::system::system_error and one with a trailing error_code, which
/// it clears on success.
///
/// A socket whose SO_LINGER time is not zero makes close() and the destructor wait, non-blocking
/// or not; that is how Linux does it (socket(7)).
///
/// Thread safety: distinct objects: safe. Shared objects: unsafe, except that functions that only
/// transfer data may run in two threads, one receiving and one sending, as with the descriptor
/// itself.
///
/// @par Source
/// Boost.Asio's basic_socket; connect(2), shutdown(2), getpeername(2).
template <class Protocol> class basic_socket : public detail::protocol_handle<Protocol> {
  using base = detail::protocol_handle<Protocol>;

public:
  using typename base::endpoint_type;
  using typename base::native_handle_type;
  using typename base::protocol_type;
  using typename boost::asio::socket_base::shutdown_type;

  /// A basic_socket is always the lowest layer.
  using lowest_layer_type = basic_socket;

  /// Itself, as layers above a socket expect it.
  lowest_layer_type& lowest_layer() noexcept { return *this; }

  /// \overload
  lowest_layer_type const& lowest_layer() const noexcept { return *this; }

  /// The number of bytes that can be read at once; for a UDP socket, of the next datagram.
  ///
  /// Errors: what ioctl(2) reports; `bad_descriptor` if closed. The second form returns 0 then.
  std::size_t available() const {
    boost::system::error_code ec;
    std::size_t const bytes = available(ec);
    detail::throw_error(ec, "available");
    return bytes;
  }

  /// \overload
  std::size_t available(boost::system::error_code& ec) const noexcept {
    return detail::descriptor_ops::available(this->native_handle(), ec);
  }

  /// Whether the next byte to be read is the urgent one of the stream, as Asio's socket says it.
  ///
  /// Errors: what sockatmark(3) reports; `bad_descriptor` if closed. The second form returns false
  /// then.
  bool at_mark() const {
    boost::system::error_code ec;
    bool const is_there = at_mark(ec);
    detail::throw_error(ec, "at_mark");
    return is_there;
  }

  /// \overload
  bool at_mark(boost::system::error_code& ec) const noexcept {
    return detail::socket_ops::at_mark(this->native_handle(), ec);
  }

  /// Starts to connect the socket, without waiting. A closed socket is opened first.
  ///
  /// Success means that the socket is connected; a Unix or datagram socket often is at once. Two
  /// errors mean that the outcome is still open:
  /// - `in_progress`: the socket becomes writable when the outcome is known, and take_error()
  ///   returns it. Also the error if a signal interrupted the call, which does not stop the attempt
  ///   (POSIX, connect).
  /// - `would_block` (a Unix socket): the listener's queue is full. Nothing is in progress then,
  ///   and no event will follow (connect(2), EAGAIN): call connect() again later.
  ///
  /// basic_event_loop::connect() takes care of all of these; use that in a loop.
  ///
  /// Other errors: what connect(2) reports, such as `connection_refused`, `network_unreachable`,
  /// `already_started` if a connect is in progress, and `no_such_file_or_directory` for a Unix path
  /// that does not exist. A stream socket that has a peer fails with `already_connected`, even
  /// where Linux answers success (the first call after one that was in progress); a datagram socket
  /// gets the new peer. A socket that was opened here stays open after an error.
  void connect(endpoint_type const& peer_endpoint) {
    boost::system::error_code ec;
    connect(peer_endpoint, ec);
    detail::throw_error(ec, "connect");
  }

  /// \overload
  void connect(endpoint_type const& peer_endpoint, boost::system::error_code& ec) {
    if (!this->is_open()) {
      this->open(peer_endpoint.protocol(), ec);
      if (ec) {
        return;
      }
    }
    detail::socket_ops::connect(this->native_handle(), peer_endpoint.data(), peer_endpoint.size(),
                                ec);
  }

  /// The address of the connected peer; an empty path if that is a Unix socket without a name.
  ///
  /// Errors: `not_connected`; what else getpeername(2) reports; `bad_descriptor` if closed. The
  /// second form returns a default-constructed endpoint then.
  endpoint_type remote_endpoint() const {
    boost::system::error_code ec;
    endpoint_type const endpoint = remote_endpoint(ec);
    detail::throw_error(ec, "remote_endpoint");
    return endpoint;
  }

  /// \overload
  endpoint_type remote_endpoint(boost::system::error_code& ec) const {
    endpoint_type endpoint;
    std::size_t size = endpoint.capacity();
    detail::socket_ops::remote_address(this->native_handle(), endpoint.data(), size, ec);
    if (ec) {
      return endpoint_type();
    }
    endpoint.resize(size);
    return endpoint;
  }

  /// Ends sending, receiving or both, for every descriptor of this socket.
  ///
  /// Errors: `not_connected`; what else shutdown(2) reports; `bad_descriptor` if closed.
  void shutdown(shutdown_type what) {
    boost::system::error_code ec;
    shutdown(what, ec);
    detail::throw_error(ec, "shutdown");
  }

  /// \overload
  void shutdown(shutdown_type what, boost::system::error_code& ec) noexcept {
    detail::socket_ops::shutdown(this->native_handle(), what, ec);
  }

protected:
  /// For the classes that derive from this, which document what these do.
  basic_socket() noexcept = default;

  /// \overload
  explicit basic_socket(protocol_type const& protocol) : base(protocol) {}

  /// \overload
  explicit basic_socket(endpoint_type const& endpoint) : base(endpoint.protocol()) {
    this->bind(endpoint);
  }

  /// \overload
  explicit basic_socket(native_handle_type fd) : base(fd) {}

  /// \overload
  basic_socket(basic_socket&& other) noexcept = default;

  /// Closes what this one held; `other` is closed afterwards.
  basic_socket& operator=(basic_socket&& other) noexcept = default;
  ~basic_socket() = default;
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_BASIC_SOCKET_HPP
