//
// mioext/detail/event_loop/handle_ops.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Prepares a socket of any kind for connect or listen: opens it if it is closed and can be opened,
// and makes it non-blocking.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_HANDLE_OPS_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_HANDLE_OPS_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <boost/system/error_code.hpp>
#include <boost/type_traits/detected_or.hpp>
#include <boost/type_traits/is_detected.hpp>

#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

template <class Socket, class Endpoint>
using opening = decltype(static_cast<void>(static_cast<bool>(std::declval<Socket&>().is_open())),
                         static_cast<void>(std::declval<Socket&>().open(
                             std::declval<Endpoint const&>().protocol(),
                             std::declval<boost::system::error_code&>())));

/// Has is_open() and open(protocol, ec), as Asio's and mioext's sockets have.
template <class Socket, class Endpoint>
using can_open = boost::is_detected<opening, Socket, Endpoint>;

template <class Handle>
using setting_non_blocking = decltype(std::declval<Handle&>().non_blocking(
    true, std::declval<boost::system::error_code&>()));

/// True if the handle has non_blocking(bool, ec), as Asio's sockets have, which sets whether
/// synchronous operations wait.
template <class Handle> using has_non_blocking = boost::is_detected<setting_non_blocking, Handle>;

template <class Handle>
using setting_native_non_blocking = decltype(std::declval<Handle&>().native_non_blocking(
    true, std::declval<boost::system::error_code&>()));

/// True if the handle has native_non_blocking(bool, ec), as Asio's sockets have, which sets the
/// mode of the descriptor alone: the user still decides whether synchronous operations wait.
template <class Handle>
using has_native_non_blocking = boost::is_detected<setting_native_non_blocking, Handle>;

template <class Handle>
using declared_to_decide_itself = typename Handle::decides_itself_whether_to_wait;

/// True for a stream: its user decides whether its synchronous operations wait, and a loop must not
/// change that.
template <class Handle>
using decides_itself_whether_to_wait =
    boost::detected_or_t<std::false_type, declared_to_decide_itself, Handle>;

template <class Handle> using declared_always_non_blocking = typename Handle::always_non_blocking;

/// True for handles that are always non-blocking, as mioext's are.
template <class Handle>
using is_always_non_blocking =
    boost::detected_or_t<std::false_type, declared_always_non_blocking, Handle>;

/// True for Asio's sockets and descriptors, and for types with the same interface. False for a
/// stream, which takes care of its handle itself.
template <class Handle>
struct is_of_asio
    : std::integral_constant<bool, has_native_non_blocking<Handle>::value &&
                                       !decides_itself_whether_to_wait<Handle>::value> {};

/// Opens a socket, and makes it close-on-exec if its own open() does not, as with Asio's sockets.
/// (A program that another thread executes between the two calls inherits the descriptor.)
template <class Socket, class Protocol>
typename std::enable_if<is_of_asio<Socket>::value>::type
open_handle(Socket& socket, Protocol const& protocol, boost::system::error_code& ec) {
  socket.open(protocol, ec);
  if (ec) {
    return;
  }
  ec = system_error_code(make_close_on_exec(native_handle(socket)));
  if (ec) {
    boost::system::error_code ignored;
    socket.close(ignored);
  }
}

template <class Socket, class Protocol>
typename std::enable_if<!is_of_asio<Socket>::value>::type
open_handle(Socket& socket, Protocol const& protocol, boost::system::error_code& ec) {
  socket.open(protocol, ec);
}

/// Opens a closed socket for the endpoint's protocol, as Asio's connect does.
template <class Socket, class Endpoint>
typename std::enable_if<can_open<Socket, Endpoint>::value>::type
open_if_closed(Socket& socket, Endpoint const& endpoint, boost::system::error_code& ec) {
  ec.clear();
  if (!socket.is_open()) {
    open_handle(socket, endpoint.protocol(), ec);
  }
}

template <class Socket, class Endpoint>
typename std::enable_if<!can_open<Socket, Endpoint>::value>::type
open_if_closed(Socket&, Endpoint const&, boost::system::error_code& ec) {
  ec.clear();
}

/// Sets whether the descriptor is non-blocking, and changes nothing else about the handle. If a
/// handle keeps a mode of its own for synchronous operations, as Asio's do, these behave as before.
template <class Handle>
typename std::enable_if<has_native_non_blocking<Handle>::value>::type
set_native_non_blocking(Handle& handle, bool mode, boost::system::error_code& ec) {
  handle.native_non_blocking(mode, ec);
}

template <class Handle>
typename std::enable_if<!has_native_non_blocking<Handle>::value>::type
set_native_non_blocking(Handle& handle, bool mode, boost::system::error_code& ec) {
  ec = system_error_code(set_non_blocking_mode(native_handle(handle), mode));
}

/// Makes sure that the descriptor is non-blocking, for an operation that waits without blocking.
template <class Handle>
typename std::enable_if<!is_always_non_blocking<Handle>::value>::type
set_native_non_blocking(Handle& handle, boost::system::error_code& ec) {
  set_native_non_blocking(handle, true, ec);
}

template <class Handle>
typename std::enable_if<is_always_non_blocking<Handle>::value>::type
set_native_non_blocking(Handle&, boost::system::error_code& ec) {
  ec.clear();
}

/// Makes the handle non-blocking for an event loop's handler, which does the I/O itself until it
/// would have to wait. With one of Asio's sockets, this also makes its synchronous operations fail
/// with would_block instead of waiting.
template <class Handle>
typename std::enable_if<has_non_blocking<Handle>::value &&
                        !decides_itself_whether_to_wait<Handle>::value>::type
set_non_blocking(Handle& handle, boost::system::error_code& ec) {
  handle.non_blocking(true, ec);
}

template <class Handle>
typename std::enable_if<!has_non_blocking<Handle>::value ||
                        decides_itself_whether_to_wait<Handle>::value>::type
set_non_blocking(Handle& handle, boost::system::error_code& ec) {
  set_native_non_blocking(handle, ec);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_HANDLE_OPS_HPP
