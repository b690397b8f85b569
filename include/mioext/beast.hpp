//
// mioext/beast.hpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The functions that Boost.Beast calls for a stream type that is not its own: to end a WebSocket
// connection over the stream, and to close the stream after a timeout.
//
// <mioext/stream.hpp> includes this. It includes only role_type from Beast, and is empty if Beast
// is not installed.
//

#ifndef MIOEXT_BEAST_HPP
#define MIOEXT_BEAST_HPP

#ifdef __has_include
#if !__has_include(<boost/beast/core/role.hpp>)
#define MIOEXT_DETAIL_HAS_NO_BEAST
#endif
#endif

#ifndef MIOEXT_DETAIL_HAS_NO_BEAST

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/compose.hpp>
#include <boost/beast/core/role.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/teardown_op.hpp>
#include <mioext/detail/handles/basic_handle.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

template <class Handle, class Executor> class stream;

/// Ends the connection below a boost::beast::websocket::stream, whose close() and read() call this.
///
/// A server first shuts down its sending side. Then what the peer still sends is read to its end,
/// and the stream is closed. A handle without shutdown(), such as a pipe, is only closed.
///
/// @param role which of the two sides this is.
/// @param ended must be connected.
/// @param ec no error if the stream is closed and the peer has ended the connection, too; otherwise
/// what shutdown() or read_some() of the stream reports, such as bad_descriptor if it is closed.
///
/// @par Thread safety
/// Distinct streams: safe. Shared: unsafe.
///
/// @par Source
/// boost::beast::websocket::teardown; RFC 6455, section 7.1.1.
template <class Handle, class Executor>
void teardown(boost::beast::role_type role, stream<Handle, Executor>& ended,
              boost::system::error_code& ec) {
  detail::teardown_steps<stream<Handle, Executor>> steps(ended,
                                                         role == boost::beast::role_type::server);
  if (steps.begin(ec)) {
    while (steps.read_rest(ec)) {
    }
    steps.end(ec);
  }
}

/// The same without blocking: websocket::stream's async_close() and async_read() call this.
///
/// @param ended must stay where it is until completion.
/// @param completion_handler for `void(boost::system::error_code)`. Cancellation of all types is
/// supported.
template <class Handle, class Executor, class Handler>
void async_teardown(boost::beast::role_type role, stream<Handle, Executor>& ended,
                    Handler&& completion_handler) {
  using handler_type = typename std::decay<Handler>::type;
  handler_type owned(std::forward<Handler>(completion_handler));
  detail::teardown_steps<stream<Handle, Executor>> steps(ended,
                                                         role == boost::beast::role_type::server);
  boost::system::error_code ec;
  if (steps.begin(ec)) {
    boost::asio::async_compose<handler_type, void(boost::system::error_code)>(
        detail::teardown_op<stream<Handle, Executor>>(steps), owned, ended);
  } else {
    detail::complete_at_once(ended.get_executor(), detail::outcome_action<>{ec}, owned);
  }
}

/// Closes a stream, for boost::beast::close_socket, which a WebSocket calls when its timeout has
/// expired.
template <class Handle, class Executor> void beast_close_socket(stream<Handle, Executor>& closed) {
  boost::system::error_code ignored;
  closed.close(ignored);
}

namespace detail {

/// Called by boost::beast::close_socket with the handle that boost::beast::get_lowest_layer finds
/// below a stream. The stream is notified of it, and its operations end with operation_aborted.
inline void beast_close_socket(basic_handle& handle) noexcept {
  boost::system::error_code ignored;
  handle.close(ignored);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HAS_NO_BEAST

#endif // MIOEXT_BEAST_HPP
