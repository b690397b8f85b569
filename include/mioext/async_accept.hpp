//
// mioext/async_accept.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Accepts a connection, when there is one.
//

#ifndef MIOEXT_ASYNC_ACCEPT_HPP
#define MIOEXT_ASYNC_ACCEPT_HPP

#include <mioext/detail/system.hpp>

#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/basic_socket_acceptor.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/basic_socket_acceptor.hpp>
#include <mioext/detail/async/accept_op.hpp>
#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/selector_service.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// Accepts a connection that waits in `acceptor`'s queue, or the next one that comes.
///
/// Connections that were aborted while they waited are skipped, as in Asio. Other errors are
/// reported, and nothing is lost by them: after no_descriptors (EMFILE) the connection stays in the
/// queue, and the program decides when to try again.
///
/// The acceptor is watched from the first accept that has to wait until it is closed or released, so
/// that the next ones need not ask for that again. While none is pending, a connection that comes may
/// wake the context, but nothing is called; as with Asio's acceptors in an io_context.
///
/// @param executor an executor or a context.
/// @param acceptor open and listening; only its descriptor's number is kept. When it is closed, the
/// operation ends with operation_aborted.
/// @param token a completion token for `void(boost::system::error_code, socket_type peer)`: the
/// peer's socket, closed on an error. Cancellation of all types is supported.
///
/// @par Thread safety
/// Distinct acceptors: safe. Shared: unsafe.
///
/// @par Source
/// Boost.Asio's basic_socket_acceptor::async_accept; accept(2).
template <class ExecutorOrContext, class Protocol,
          class Token = detail::default_token_of<ExecutorOrContext>,
          detail::enable_if<detail::is_executor_or_context<ExecutorOrContext>::value &&
                            detail::is_accept_token<Token, Protocol>::value> = 0>
auto async_accept(ExecutorOrContext&& executor, basic_socket_acceptor<Protocol>& acceptor,
                  Token&& token = detail::default_token_of<ExecutorOrContext>())
    -> decltype(detail::start_async_accept<Token, detail::executor_of_type<ExecutorOrContext>,
                                           Protocol>(detail::executor_of(executor), 0, nullptr,
                                                     token)) {
  return detail::start_async_accept<Token, detail::executor_of_type<ExecutorOrContext>, Protocol>(
      detail::executor_of(executor), acceptor.native_handle(), nullptr, token);
}

/// The same, and stores the peer's address in `peer_endpoint`, which must stay valid until
/// completion.
template <class ExecutorOrContext, class Protocol,
          class Token = detail::default_token_of<ExecutorOrContext>,
          detail::enable_if<detail::is_executor_or_context<ExecutorOrContext>::value> = 0>
auto async_accept(ExecutorOrContext&& executor, basic_socket_acceptor<Protocol>& acceptor,
                  typename Protocol::endpoint& peer_endpoint,
                  Token&& token = detail::default_token_of<ExecutorOrContext>())
    -> decltype(detail::start_async_accept<Token, detail::executor_of_type<ExecutorOrContext>,
                                           Protocol>(detail::executor_of(executor), 0, nullptr,
                                                     token)) {
  return detail::start_async_accept<Token, detail::executor_of_type<ExecutorOrContext>, Protocol>(
      detail::executor_of(executor), acceptor.native_handle(), &peer_endpoint, token);
}

/// Accepts a connection into `peer`, a socket or a stream. It must be closed (otherwise the error
/// is already_open), and must stay where it is until completion.
/// @param token for `void(boost::system::error_code)`.
template <class ExecutorOrContext, class Protocol, class Peer,
          class Token = detail::default_token_of<ExecutorOrContext>,
          detail::enable_if<detail::is_executor_or_context<ExecutorOrContext>::value &&
                            detail::is_peer<Peer>::value &&
                            detail::is_accept_token<Token, Protocol>::value> = 0>
auto async_accept(ExecutorOrContext&& executor, basic_socket_acceptor<Protocol>& acceptor,
                  Peer& peer, Token&& token = detail::default_token_of<ExecutorOrContext>())
    -> decltype(detail::start_async_accept_into<Token, detail::executor_of_type<ExecutorOrContext>,
                                                Protocol>(detail::executor_of(executor), 0, peer,
                                                          nullptr, token)) {
  return detail::start_async_accept_into<Token, detail::executor_of_type<ExecutorOrContext>,
                                         Protocol>(detail::executor_of(executor),
                                                   acceptor.native_handle(), peer, nullptr, token);
}

/// The same, and stores the peer's address in `peer_endpoint`.
template <class ExecutorOrContext, class Protocol, class Peer,
          class Token = detail::default_token_of<ExecutorOrContext>,
          detail::enable_if<detail::is_executor_or_context<ExecutorOrContext>::value &&
                            detail::is_peer<Peer>::value> = 0>
auto async_accept(ExecutorOrContext&& executor, basic_socket_acceptor<Protocol>& acceptor,
                  Peer& peer, typename Protocol::endpoint& peer_endpoint,
                  Token&& token = detail::default_token_of<ExecutorOrContext>())
    -> decltype(detail::start_async_accept_into<Token, detail::executor_of_type<ExecutorOrContext>,
                                                Protocol>(detail::executor_of(executor), 0, peer,
                                                          nullptr, token)) {
  return detail::start_async_accept_into<Token, detail::executor_of_type<ExecutorOrContext>,
                                         Protocol>(
      detail::executor_of(executor), acceptor.native_handle(), peer, &peer_endpoint, token);
}

/// For handles that cannot be accepted into, so that the compiler says what is wrong.
template <class ExecutorOrContext, class Protocol, class Peer, class... Arguments,
          detail::enable_if<detail::is_executor_or_context<ExecutorOrContext>::value &&
                            detail::is_handle<Peer>::value &&
                            !detail::can_be_accepted_into<Peer, Protocol>::value> = 0>
void async_accept(ExecutorOrContext&&, basic_socket_acceptor<Protocol>&, Peer&, Arguments&&...) {
  static_assert(
      detail::can_be_accepted_into<Peer, Protocol>::value,
      "mioext: a connection is accepted into a socket or stream of mioext's of the "
      "acceptor's protocol; for one of Asio's, accept with a handler that takes the socket");
}

/// For Asio's own acceptors, calls their async_accept() with the remaining arguments; it keeps the
/// same promises.
template <class Protocol, class Executor, class... Arguments>
auto async_accept(boost::asio::basic_socket_acceptor<Protocol, Executor>& acceptor,
                  Arguments&&... arguments)
    -> decltype(acceptor.async_accept(std::forward<Arguments>(arguments)...)) {
  return acceptor.async_accept(std::forward<Arguments>(arguments)...);
}

/// An acceptor of mioext's needs an executor in front; without this overload the compiler would not
/// say so.
template <class Protocol, class... Arguments>
void async_accept(basic_socket_acceptor<Protocol>&, Arguments&&...) {
  MIOEXT_DETAIL_ASK_FOR_EXECUTOR(basic_socket_acceptor<Protocol>,
                                 "async_accept(context, acceptor, ...)");
}

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_ASYNC_ACCEPT_HPP
