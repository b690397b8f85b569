//
// mioext/async_connect.hpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Connects sockets of any kind: to one endpoint, to the first of several that accepts when they are
// tried in turn, or to the one that accepts first in a race. Reports success only if the socket is
// connected.
//

#ifndef MIOEXT_ASYNC_CONNECT_HPP
#define MIOEXT_ASYNC_CONNECT_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/system/error_code.hpp>
#include <boost/type_traits/is_detected_exact.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/connect_each.hpp>
#include <mioext/detail/async/connect_op.hpp>
#include <mioext/detail/async/connect_race.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/happy_eyeballs.hpp>
#include <mioext/selector_service.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

template <class Condition, class Endpoint>
using condition_result = decltype(std::declval<Condition&>()(
    std::declval<boost::system::error_code const&>(), std::declval<Endpoint const&>()));

/// A condition returns exactly bool, not a type that merely converts to it; so it is told from a
/// handler, as in Asio.
template <class Condition, class Endpoint>
using is_connect_condition =
    boost::is_detected_exact<bool, condition_result, typename std::decay<Condition>::type,
                             Endpoint>;

/// The same for an argument before the token. Token is void if the token is left out and there is
/// no default; then no argument is a condition, and none is examined.
template <class Condition, class Endpoint, class Token>
struct is_condition_before
    : std::integral_constant<bool, is_connect_condition<Condition, Endpoint>::value> {};

template <class Condition, class Endpoint>
struct is_condition_before<Condition, Endpoint, void> : std::false_type {};

/// True if the argument in the token's place is a token, and neither options nor a condition. If
/// the executor has no default token, the token cannot be left out; the argument is then not
/// examined as a condition, because a generic handler that takes iterators need not compile for an
/// endpoint.
template <class Token, class Endpoint, class DefaultToken>
struct is_connect_token
    : std::integral_constant<
          bool, !is_connect_condition<Token, Endpoint>::value &&
                    !std::is_same<typename std::decay<Token>::type, happy_eyeballs>::value> {};

template <class Token, class Endpoint>
struct is_connect_token<Token, Endpoint, void>
    : std::integral_constant<
          bool, !std::is_same<typename std::decay<Token>::type, happy_eyeballs>::value> {};

} // namespace detail

/// Connects `socket` to `endpoint`, and completes when the outcome is known: with success only if
/// the socket is connected.
///
/// The socket may be any of Asio's, a stream or, with an executor or a context as the first
/// argument, any mioext handle or a bare descriptor. A closed socket that has open() is opened for
/// the endpoint's protocol, as in Asio. The descriptor becomes non-blocking. Whether the
/// synchronous operations of an Asio socket or a stream wait is not changed, except in a race.
///
/// This function handles a case that Asio's async_connect does not: if the backlog of a Unix
/// listener is full, connect(2) answers EAGAIN, and the kernel reports nothing afterwards
/// (connect(2)). Asio then completes with no_buffer_space (1.18) or with success (1.24 to 1.38; its
/// issues 1014 and 1365). mioext tries again, first after a millisecond and then at growing
/// intervals (at most 64 milliseconds), until the connection is made or refused.
///
/// Also, connecting a stream socket that is already connected, whoever connected it, fails with
/// already_connected, where Linux, and Asio with it, answers the first attempt with success.
///
/// With TCP_FASTOPEN_CONNECT (Linux) and a cookie from the peer, the first write makes the
/// connection. Completion then means that this write may be made, as with Asio.
///
/// @param socket need not stay where it is: it may be moved, closed or destroyed before completion.
/// @param token a completion token for `void(boost::system::error_code)`:
/// | error | when |
/// | --- | --- |
/// | none | the socket is connected |
/// | already_connected | a stream socket was connected before |
/// | operation_aborted | cancelled (all types are supported), or the socket was closed |
/// | bad_descriptor | a bare descriptor is not open when this is called |
/// | what connect(2) or SO_ERROR reports | in all other cases |
///
/// The closing of a bare descriptor is noticed within half a second. While a Unix connect waits for
/// room in the backlog, cancellation through the slot works at once, closing the socket is noticed
/// at the next try, within 64 milliseconds, and Asio's cancel() member is not noticed.
///
/// @par Thread safety
/// Distinct sockets: safe. Shared: unsafe.
///
/// @par Source
/// Boost.Asio's basic_socket::async_connect and async_connect; connect(2), POSIX connect().
template <class Socket, class Endpoint,
          class Token = detail::default_token<typename Socket::executor_type>,
          detail::enable_if<detail::is_io_object<Socket>::value &&
                            detail::is_endpoint<Endpoint>::value> = 0>
auto async_connect(Socket& socket, Endpoint const& endpoint,
                   Token&& token = detail::default_token<typename Socket::executor_type>())
    -> decltype(detail::start_connect_one<Token>(socket, endpoint, socket.get_executor(), token)) {
  return detail::start_connect_one<Token>(socket, endpoint, socket.get_executor(), token);
}

/// The same for a socket that has no executor of its own.
/// @param executor an executor or a context.
template <class ExecutorOrContext, class Socket, class Endpoint,
          class Token = detail::default_token_of<ExecutorOrContext>,
          detail::enable_if<detail::is_executor_or_context<ExecutorOrContext>::value &&
                            detail::is_endpoint<Endpoint>::value> = 0>
auto async_connect(ExecutorOrContext&& executor, Socket&& socket, Endpoint const& endpoint,
                   Token&& token = detail::default_token_of<ExecutorOrContext>())
    -> decltype(detail::start_connect_one<Token>(socket, endpoint, detail::executor_of(executor),
                                                 token)) {
  MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Socket);
  return detail::start_connect_one<Token>(socket, endpoint, detail::executor_of(executor), token);
}

/// Connects `socket` to the first endpoint of `endpoints` that accepts, trying one after the other:
/// boost::asio::async_connect, with the promise of the first overload for each of them.
///
/// @param socket is closed before each attempt, and must stay where it is until completion.
/// @param endpoints a sequence such as resolver results; copied.
/// @param token for `void(boost::system::error_code, endpoint_type)`: the endpoint that the socket
/// is connected to. Otherwise the error of the last attempt, not_found if there was none, or
/// operation_aborted (cancellation: terminal and partial; or the socket was closed), and a
/// default-constructed endpoint.
template <
    class Socket, class Range, class Token = detail::default_token<typename Socket::executor_type>,
    detail::enable_if<
        detail::is_io_object<Socket>::value && detail::is_endpoint_range<Range>::value &&
        detail::is_connect_token<Token, typename Socket::endpoint_type,
                                 detail::default_token<typename Socket::executor_type>>::value> = 0>
auto async_connect(Socket& socket, Range const& endpoints,
                   Token&& token = detail::default_token<typename Socket::executor_type>())
    -> decltype(detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(endpoints),
                                                  detail::any_endpoint(), socket.get_executor(),
                                                  token)) {
  return detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(endpoints),
                                           detail::any_endpoint(), socket.get_executor(), token);
}

/// The same for a socket that has no executor of its own.
template <class ExecutorOrContext, class Socket, class Range,
          class Token = detail::default_token_of<ExecutorOrContext>,
          detail::enable_if<
              detail::is_executor_or_context<ExecutorOrContext>::value &&
              detail::is_endpoint_range<Range>::value &&
              detail::is_connect_token<Token, typename Socket::endpoint_type,
                                       detail::default_token_of<ExecutorOrContext>>::value> = 0>
auto async_connect(ExecutorOrContext&& executor, Socket& socket, Range const& endpoints,
                   Token&& token = detail::default_token_of<ExecutorOrContext>())
    -> decltype(detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(endpoints),
                                                  detail::any_endpoint(),
                                                  detail::executor_of(executor), token)) {
  return detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(endpoints),
                                           detail::any_endpoint(), detail::executor_of(executor),
                                           token);
}

/// The same with a condition, which is asked before each attempt.
/// @param condition `bool(boost::system::error_code const& last, endpoint_type const& next)`:
/// whether `next` is to be tried; `last` is how the attempt before it ended.
template <
    class Socket, class Range, class Condition,
    class Token = detail::default_token<typename Socket::executor_type>,
    detail::enable_if<
        detail::is_io_object<Socket>::value && detail::is_endpoint_range<Range>::value &&
        detail::is_condition_before<Condition, typename Socket::endpoint_type, Token>::value> = 0>
auto async_connect(Socket& socket, Range const& endpoints, Condition condition,
                   Token&& token = detail::default_token<typename Socket::executor_type>())
    -> decltype(detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(endpoints),
                                                  condition, socket.get_executor(), token)) {
  return detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(endpoints),
                                           condition, socket.get_executor(), token);
}

/// The same for a socket that has no executor of its own.
template <class ExecutorOrContext, class Socket, class Range, class Condition,
          class Token = detail::default_token_of<ExecutorOrContext>,
          detail::enable_if<detail::is_executor_or_context<ExecutorOrContext>::value &&
                            detail::is_endpoint_range<Range>::value &&
                            detail::is_condition_before<Condition, typename Socket::endpoint_type,
                                                        Token>::value> = 0>
auto async_connect(ExecutorOrContext&& executor, Socket& socket, Range const& endpoints,
                   Condition condition,
                   Token&& token = detail::default_token_of<ExecutorOrContext>())
    -> decltype(detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(endpoints),
                                                  condition, detail::executor_of(executor),
                                                  token)) {
  return detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(endpoints),
                                           condition, detail::executor_of(executor), token);
}

/// The same for the endpoints from `begin` to `end`, which must stay valid until completion.
/// @param token for `void(boost::system::error_code, Iterator)`: where the socket is connected to,
/// else `end`.
template <
    class Socket, class Iterator,
    class Token = detail::default_token<typename Socket::executor_type>,
    detail::enable_if<
        detail::is_io_object<Socket>::value && !detail::is_endpoint_range<Iterator>::value &&
        detail::is_connect_token<Token, typename Socket::endpoint_type,
                                 detail::default_token<typename Socket::executor_type>>::value> = 0>
auto async_connect(Socket& socket, Iterator begin, Iterator end,
                   Token&& token = detail::default_token<typename Socket::executor_type>())
    -> decltype(detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(begin, end),
                                                  detail::any_endpoint(), socket.get_executor(),
                                                  token)) {
  return detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(begin, end),
                                           detail::any_endpoint(), socket.get_executor(), token);
}

/// The same for a socket that has no executor of its own.
template <class ExecutorOrContext, class Socket, class Iterator,
          class Token = detail::default_token_of<ExecutorOrContext>,
          detail::enable_if<
              detail::is_executor_or_context<ExecutorOrContext>::value &&
              !detail::is_endpoint_range<Iterator>::value &&
              detail::is_connect_token<Token, typename Socket::endpoint_type,
                                       detail::default_token_of<ExecutorOrContext>>::value> = 0>
auto async_connect(ExecutorOrContext&& executor, Socket& socket, Iterator begin, Iterator end,
                   Token&& token = detail::default_token_of<ExecutorOrContext>())
    -> decltype(detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(begin, end),
                                                  detail::any_endpoint(),
                                                  detail::executor_of(executor), token)) {
  return detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(begin, end),
                                           detail::any_endpoint(), detail::executor_of(executor),
                                           token);
}

/// The same with a condition, as above.
template <
    class Socket, class Iterator, class Condition,
    class Token = detail::default_token<typename Socket::executor_type>,
    detail::enable_if<
        detail::is_io_object<Socket>::value && !detail::is_endpoint_range<Iterator>::value &&
        detail::is_condition_before<Condition, typename Socket::endpoint_type, Token>::value> = 0>
auto async_connect(Socket& socket, Iterator begin, Iterator end, Condition condition,
                   Token&& token = detail::default_token<typename Socket::executor_type>())
    -> decltype(detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(begin, end),
                                                  condition, socket.get_executor(), token)) {
  return detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(begin, end),
                                           condition, socket.get_executor(), token);
}

/// The same for a socket that has no executor of its own.
template <class ExecutorOrContext, class Socket, class Iterator, class Condition,
          class Token = detail::default_token_of<ExecutorOrContext>,
          detail::enable_if<detail::is_executor_or_context<ExecutorOrContext>::value &&
                            !detail::is_endpoint_range<Iterator>::value &&
                            detail::is_condition_before<Condition, typename Socket::endpoint_type,
                                                        Token>::value> = 0>
auto async_connect(ExecutorOrContext&& executor, Socket& socket, Iterator begin, Iterator end,
                   Condition condition,
                   Token&& token = detail::default_token_of<ExecutorOrContext>())
    -> decltype(detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(begin, end),
                                                  condition, detail::executor_of(executor),
                                                  token)) {
  return detail::start_connect_each<Token>(socket, detail::endpoints_of<Socket>(begin, end),
                                           condition, detail::executor_of(executor), token);
}

/// Connects `socket` to whichever of `endpoints` accepts first, as RFC 8305 says: attempts are
/// started one after the other, each when the last one has failed or has not succeeded for a while,
/// and go on beside each other. Completes when the losers are closed.
///
/// Each attempt has a socket of its own, made with the executor; the winner is moved into `socket`,
/// whose former content is closed, its options included.
///
/// @param socket must stay where it is until completion, and not be used.
/// @param endpoints as a resolver gives them, best first; copied.
/// @param how the delay between attempts, and how the address families alternate.
/// @param token as for a sequence. Cancellation: terminal and partial.
template <class Socket, class Range,
          class Token = detail::default_token<typename Socket::executor_type>,
          detail::enable_if<detail::is_io_object<Socket>::value &&
                            detail::is_endpoint_range<Range>::value> = 0>
auto async_connect(Socket& socket, Range const& endpoints, happy_eyeballs const& how,
                   Token&& token = detail::default_token<typename Socket::executor_type>())
    -> decltype(detail::start_connect_race<Token>(socket, endpoints, how, socket.get_executor(),
                                                  token)) {
  return detail::start_connect_race<Token>(socket, endpoints, how, socket.get_executor(), token);
}

/// The same for a socket that has no executor of its own.
template <class ExecutorOrContext, class Socket, class Range,
          class Token = detail::default_token_of<ExecutorOrContext>,
          detail::enable_if<detail::is_executor_or_context<ExecutorOrContext>::value &&
                            detail::is_endpoint_range<Range>::value> = 0>
auto async_connect(ExecutorOrContext&& executor, Socket& socket, Range const& endpoints,
                   happy_eyeballs const& how,
                   Token&& token = detail::default_token_of<ExecutorOrContext>())
    -> decltype(detail::start_connect_race<Token>(socket, endpoints, how,
                                                  detail::executor_of(executor), token)) {
  return detail::start_connect_race<Token>(socket, endpoints, how, detail::executor_of(executor),
                                           token);
}

/// A socket must stay where it is until completion, which a temporary object does not; without this
/// overload the compiler would not say so.
template <
    class ExecutorOrContext, class Socket, class First, class... Arguments,
    detail::enable_if<detail::is_executor_or_context<ExecutorOrContext>::value &&
                      !detail::is_endpoint<First>::value && !detail::is_kept<Socket>::value> = 0>
void async_connect(ExecutorOrContext&&, Socket&&, First const&, Arguments&&...) {
  MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Socket);
}

/// A socket that has no executor needs one in front; without this overload the compiler would not
/// say so.
template <class Socket, class... Arguments,
          detail::enable_if<detail::has_no_executor<Socket>::value> = 0>
void async_connect(Socket&&, Arguments&&...) {
  MIOEXT_DETAIL_ASK_FOR_EXECUTOR(Socket, "async_connect(context, socket, ...)");
}

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_ASYNC_CONNECT_HPP
