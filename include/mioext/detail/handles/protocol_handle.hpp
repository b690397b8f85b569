//
// mioext/detail/handles/protocol_handle.hpp
// -----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What sockets and acceptors have in common.
//

#ifndef MIOEXT_DETAIL_HANDLES_PROTOCOL_HANDLE_HPP
#define MIOEXT_DETAIL_HANDLES_PROTOCOL_HANDLE_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <cstddef>

#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/descriptor_ops.hpp>
#include <mioext/detail/dispatch_scope.hpp>
#include <mioext/detail/handles/basic_handle.hpp>
#include <mioext/detail/handles/socket_ops.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A handle to a socket, connected or listening. `Protocol` is one of Asio's protocol classes: it
/// names the endpoint type, and its objects know the address family, the socket type and the
/// protocol number.
///
/// If `Protocol` stands for several protocols (IPv4 and IPv6), a socket does not store which of
/// them it uses; it asks the system. So an adopted descriptor works like any other, and a socket is
/// no larger than an int.
template <class Protocol>
class protocol_handle : public basic_handle, public boost::asio::socket_base {
public:
  /// Asio's protocol type.
  using protocol_type = Protocol;

  /// Asio's endpoint type of this protocol.
  using endpoint_type = typename Protocol::endpoint;

  /// Opens a new socket, non-blocking and close-on-exec. The argument can be omitted only if the
  /// protocol class stands for a single protocol, as the local ones do.
  ///
  /// Errors: `already_open` if this handle holds a socket; what socket(2) reports, for example
  /// `no_descriptors` (EMFILE) and `address_family_not_supported`.
  void open(protocol_type const& protocol = protocol_type()) {
    boost::system::error_code ec;
    open(protocol, ec);
    throw_error(ec, "open");
  }

  /// \overload
  void open(protocol_type const& protocol, boost::system::error_code& ec) {
    if (is_open()) {
      ec = boost::asio::error::already_open;
      return;
    }
    int const fd = socket_ops::open(protocol.family(), protocol.type(), protocol.protocol(), ec);
    if (!ec) {
      handle_access::reset(*this, fd);
    }
  }

  using basic_handle::assign;

  /// Asio's form of assign(fd). The `protocol` argument is ignored: the descriptor has a protocol
  /// already.
  void assign(protocol_type const& protocol, native_handle_type fd) {
    boost::system::error_code ec;
    assign(protocol, fd, ec);
    throw_error(ec, "assign");
  }

  /// \overload
  void assign(protocol_type const&, native_handle_type fd, boost::system::error_code& ec) noexcept {
    basic_handle::assign(fd, ec);
  }

  /// Gives the socket its local address.
  ///
  /// Errors: what bind(2) reports, for example `address_in_use` (for a Unix path: the file exists,
  /// perhaps left over from an earlier run; unlink it first), `access_denied`, and `bad_descriptor`
  /// if closed.
  void bind(endpoint_type const& endpoint) {
    boost::system::error_code ec;
    bind(endpoint, ec);
    throw_error(ec, "bind");
  }

  /// \overload
  void bind(endpoint_type const& endpoint, boost::system::error_code& ec) {
    socket_ops::bind(native_handle(), endpoint.data(), endpoint.size(), ec);
  }

  /// Sets a socket option: one of Asio's, or any type that meets its SettableSocketOption. First
  /// asks the system for the socket's address family, because the number of an option can depend on
  /// it. Asio's `enable_connection_aborted` is an option of Asio and not of the socket, and is
  /// refused here.
  ///
  /// Errors: what setsockopt(2) reports, among it `no_protocol_option`, and `bad_descriptor` if
  /// closed.
  template <class SettableSocketOption> void set_option(SettableSocketOption const& option) {
    boost::system::error_code ec;
    set_option(option, ec);
    throw_error(ec, "set_option");
  }

  /// \overload
  template <class SettableSocketOption>
  void set_option(SettableSocketOption const& option, boost::system::error_code& ec) {
    protocol_type const protocol = local_endpoint(ec).protocol();
    if (!ec) {
      socket_ops::set_option(native_handle(), option.level(protocol), option.name(protocol),
                             option.data(protocol), option.size(protocol), ec);
    }
  }

  /// Reads a socket option: one of Asio's, or any type that meets its GettableSocketOption. Buffer
  /// sizes read as they were set, as in Asio, although Linux reports twice that.
  ///
  /// Errors: what getsockopt(2) reports; `bad_descriptor` if closed.
  template <class GettableSocketOption> void get_option(GettableSocketOption& option) const {
    boost::system::error_code ec;
    get_option(option, ec);
    throw_error(ec, "get_option");
  }

  /// \overload
  template <class GettableSocketOption>
  void get_option(GettableSocketOption& option, boost::system::error_code& ec) const {
    protocol_type const protocol = local_endpoint(ec).protocol();
    if (ec) {
      return;
    }
    std::size_t size = option.size(protocol);
    socket_ops::get_option(native_handle(), option.level(protocol), option.name(protocol),
                           option.data(protocol), size, ec);
    if (!ec) {
      option.resize(protocol, size);
    }
  }

  /// Executes an I/O control command: Asio's `bytes_readable`, or any type that meets its
  /// IoControlCommand.
  ///
  /// Errors: what ioctl(2) reports; `bad_descriptor` if closed.
  template <class IoControlCommand> void io_control(IoControlCommand& command) {
    boost::system::error_code ec;
    io_control(command, ec);
    throw_error(ec, "io_control");
  }

  /// \overload
  template <class IoControlCommand>
  void io_control(IoControlCommand& command, boost::system::error_code& ec) {
    descriptor_ops::io_control(native_handle(), command.name(), command.data(), ec);
  }

  /// The address that the socket is bound to. The path is empty for a Unix socket without a name,
  /// such as a client or one of a pair; the path of an abstract address begins with a NUL
  /// character.
  ///
  /// Errors: what getsockname(2) reports; `bad_descriptor` if closed. The second form returns a
  /// default-constructed endpoint then.
  endpoint_type local_endpoint() const {
    boost::system::error_code ec;
    endpoint_type const endpoint = local_endpoint(ec);
    throw_error(ec, "local_endpoint");
    return endpoint;
  }

  /// \overload
  endpoint_type local_endpoint(boost::system::error_code& ec) const {
    endpoint_type endpoint;
    std::size_t size = endpoint.capacity();
    socket_ops::local_address(native_handle(), endpoint.data(), size, ec);
    if (ec) {
      return endpoint_type();
    }
    endpoint.resize(size);
    return endpoint;
  }

  /// Returns and clears the socket's pending error (SO_ERROR). After a connect this is the outcome:
  /// no error if the socket is connected. If the event loop had to repeat the connect, this is what
  /// the last attempt returned; call it from the handler that gets the notification.
  ///
  /// If the query itself fails, returns the reason for that: `bad_descriptor` if closed.
  boost::system::error_code take_error() noexcept {
    boost::system::error_code const kept = socket_ops::take_error(native_handle());
    int const refusal = take_connect_error(native_handle());
    return refusal != 0 && kept.value() != EBADF ? system_error_code(refusal) : kept;
  }

protected:
  protocol_handle() noexcept = default;
  explicit protocol_handle(protocol_type const& protocol) { open(protocol); }
  explicit protocol_handle(native_handle_type fd) : basic_handle(fd) {}
  protocol_handle(protocol_handle&& other) noexcept = default;
  protocol_handle& operator=(protocol_handle&& other) noexcept = default;
  ~protocol_handle() = default;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLES_PROTOCOL_HANDLE_HPP
