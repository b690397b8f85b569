//
// test/async_overloads.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Only has to compile: every overload of every asynchronous operation, with every kind of completion
// token. What calls them is inline and is not called, so that compilers instantiate everything, but
// generate nothing.
//

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/async_event_loop.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/happy_eyeballs.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/stream.hpp>

#include <future>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
// Boost 1.80: these, which were experimental before.
#if BOOST_ASIO_VERSION >= 102400
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#endif
#ifdef BOOST_ASIO_HAS_CO_AWAIT
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>
#endif

#include <boost/test/unit_test.hpp>

#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

namespace compile {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;
using boost::system::error_code;
using mioext::interest;
using tcp_stream = mioext::stream<mioext::tcp_socket>;
using unix_stream = mioext::stream<mioext::unix_socket>;

/// What the overloads are called with.
struct objects {
  asio::io_context context;
  asio::thread_pool pool{1};
  asio::io_context::executor_type executor = context.get_executor();
  asio::any_io_executor any = executor;
  asio::strand<asio::io_context::executor_type> strand = asio::make_strand(context);

  int fd = -1;
  mioext::tcp_socket tcp_socket;
  mioext::unix_socket unix_socket;
  mioext::tcp_acceptor tcp_acceptor;
  mioext::unix_acceptor unix_acceptor;
  mioext::pipe_reader reader;
  tcp::socket asio_socket{context};
  stream_protocol::socket asio_unix_socket{context};
  tcp::acceptor asio_acceptor{context};
  tcp_stream tcp_peer{context};
  unix_stream unix_peer{context};
  mioext::stream<int> number{context};
  mioext::stream<mioext::tcp_socket, asio::io_context::executor_type> native{context};
  mioext::async_event_loop loop{context};
  mioext::selector_context own;
  mioext::selector_context::executor_type own_executor = own.get_executor();
  mioext::stream<mioext::tcp_socket, mioext::selector_context::executor_type> own_native{own};
  mioext::handler handler;

  tcp::endpoint endpoint;
  stream_protocol::endpoint unix_endpoint;
  std::vector<tcp::endpoint> endpoints;
  std::vector<tcp::endpoint> const constant_endpoints;
  std::vector<stream_protocol::endpoint> unix_endpoints;
  tcp::resolver::results_type resolved;
  std::string text;
  char data[8];
};

struct any_endpoint {
  template <class Endpoint> bool operator()(error_code const&, Endpoint const&) const {
    return true;
  }
};

template <class Token> void every_async_wait(objects& o, Token token) {
  interest const wanted = interest::readable | interest::priority;
  static_cast<void>(mioext::async_wait(o.context, o.fd, wanted, token));
  static_cast<void>(mioext::async_wait(o.context, 0, wanted, token));
  static_cast<void>(mioext::async_wait(o.pool, o.fd, wanted, token));
  static_cast<void>(mioext::async_wait(o.executor, o.tcp_socket, wanted, token));
  static_cast<void>(mioext::async_wait(o.any, o.reader, wanted, token));
  static_cast<void>(mioext::async_wait(o.strand, o.unix_acceptor, wanted, token));
  static_cast<void>(mioext::async_wait(asio::make_strand(o.context), o.fd, wanted, token));
  static_cast<void>(mioext::async_wait(o.context.get_executor(), o.asio_socket, wanted, token));
  static_cast<void>(mioext::async_wait(o.asio_socket, wanted, token));
  static_cast<void>(mioext::async_wait(o.asio_acceptor, wanted, token));
  static_cast<void>(mioext::async_wait(o.tcp_peer, wanted, token));
  static_cast<void>(mioext::async_wait(o.own, o.fd, wanted, token));
  static_cast<void>(mioext::async_wait(o.own_executor, o.reader, wanted, token));
  static_cast<void>(mioext::async_wait(o.own_native, wanted, token));
  static_cast<void>(mioext::async_wait(o.number, wanted, std::move(token)));
}

template <class Token> void every_async_accept(objects& o, Token token) {
  static_cast<void>(mioext::async_accept(o.context, o.tcp_acceptor, token));
  static_cast<void>(mioext::async_accept(o.executor, o.unix_acceptor, token));
  static_cast<void>(mioext::async_accept(o.any, o.tcp_acceptor, o.endpoint, token));
  static_cast<void>(mioext::async_accept(o.pool, o.unix_acceptor, o.unix_endpoint, token));
  static_cast<void>(mioext::async_accept(o.context, o.tcp_acceptor, o.tcp_socket, token));
  static_cast<void>(mioext::async_accept(o.executor, o.unix_acceptor, o.unix_socket, token));
  static_cast<void>(mioext::async_accept(o.strand, o.tcp_acceptor, o.tcp_peer, token));
  static_cast<void>(mioext::async_accept(o.context, o.tcp_acceptor, o.native, token));
  static_cast<void>(mioext::async_accept(o.own, o.tcp_acceptor, token));
  static_cast<void>(mioext::async_accept(o.own_executor, o.tcp_acceptor, o.own_native, token));
  static_cast<void>(
      mioext::async_accept(o.context, o.tcp_acceptor, o.tcp_socket, o.endpoint, token));
  static_cast<void>(mioext::async_accept(o.context, o.tcp_acceptor, o.tcp_peer, o.endpoint, token));
  static_cast<void>(
      mioext::async_accept(o.executor, o.unix_acceptor, o.unix_peer, o.unix_endpoint, token));
}

template <class Token> void every_async_accept_of_asio(objects& o, Token token) {
  static_cast<void>(mioext::async_accept(o.asio_acceptor, token));
  static_cast<void>(mioext::async_accept(o.asio_acceptor, o.endpoint, token));
  static_cast<void>(mioext::async_accept(o.asio_acceptor, o.asio_socket, token));
  static_cast<void>(
      mioext::async_accept(o.asio_acceptor, o.asio_socket, o.endpoint, std::move(token)));
}

template <class Token> void every_async_connect(objects& o, Token token) {
  mioext::happy_eyeballs const how;
  any_endpoint const condition{};
  auto const begin = o.endpoints.begin();
  auto const end = o.endpoints.end();

  static_cast<void>(mioext::async_connect(o.asio_socket, o.endpoint, token));
  static_cast<void>(mioext::async_connect(o.asio_unix_socket, o.unix_endpoint, token));
  static_cast<void>(mioext::async_connect(o.tcp_peer, o.endpoint, token));
  static_cast<void>(mioext::async_connect(o.context, o.tcp_socket, o.endpoint, token));
  static_cast<void>(mioext::async_connect(o.executor, o.unix_socket, o.unix_endpoint, token));
  static_cast<void>(mioext::async_connect(o.any, o.fd, o.endpoint, token));
  static_cast<void>(mioext::async_connect(o.pool, o.tcp_socket, o.endpoint, token));
  static_cast<void>(mioext::async_connect(o.own, o.tcp_socket, o.endpoint, token));
  static_cast<void>(mioext::async_connect(o.own_executor, o.fd, o.endpoint, token));
  static_cast<void>(mioext::async_connect(o.own_native, o.endpoint, token));

  static_cast<void>(mioext::async_connect(o.asio_socket, o.endpoints, token));
  static_cast<void>(mioext::async_connect(o.asio_socket, o.resolved, token));
  static_cast<void>(mioext::async_connect(o.tcp_peer, o.constant_endpoints, token));
  static_cast<void>(mioext::async_connect(o.unix_peer, o.unix_endpoints, token));
  static_cast<void>(mioext::async_connect(o.context, o.tcp_socket, o.endpoints, token));
  static_cast<void>(mioext::async_connect(o.executor, o.unix_socket, o.unix_endpoints, token));
  static_cast<void>(mioext::async_connect(o.own, o.tcp_socket, o.endpoints, token));

  static_cast<void>(mioext::async_connect(o.asio_socket, o.resolved, condition, token));
  static_cast<void>(mioext::async_connect(o.tcp_peer, o.endpoints, condition, token));
  static_cast<void>(mioext::async_connect(o.context, o.tcp_socket, o.endpoints, condition, token));
  static_cast<void>(
      mioext::async_connect(o.strand, o.unix_socket, o.unix_endpoints, condition, token));

  static_cast<void>(mioext::async_connect(o.asio_socket, begin, end, token));
  static_cast<void>(mioext::async_connect(o.tcp_peer, begin, end, token));
  static_cast<void>(mioext::async_connect(o.tcp_peer, o.resolved.begin(), o.resolved.end(), token));
  static_cast<void>(mioext::async_connect(o.context, o.tcp_socket, begin, end, token));

  static_cast<void>(mioext::async_connect(o.asio_socket, begin, end, condition, token));
  static_cast<void>(mioext::async_connect(o.tcp_peer, begin, end, condition, token));
  static_cast<void>(mioext::async_connect(o.executor, o.tcp_socket, begin, end, condition, token));

  static_cast<void>(mioext::async_connect(o.asio_socket, o.resolved, how, token));
  static_cast<void>(mioext::async_connect(o.tcp_peer, o.endpoints, how, token));
  static_cast<void>(mioext::async_connect(o.own_native, o.endpoints, how, token));
  static_cast<void>(
      mioext::async_connect(o.tcp_peer, o.endpoints, mioext::happy_eyeballs(), token));
  static_cast<void>(
      mioext::async_connect(o.context, o.tcp_socket, o.endpoints, how, std::move(token)));
}

template <class Token> void every_member_of_a_stream(objects& o, Token token) {
  auto const in = asio::buffer(o.data);
  auto const out = asio::buffer("x", 1);
  std::vector<asio::const_buffer> const several(2, out);

  static_cast<void>(o.tcp_peer.async_read_some(in, token));
  static_cast<void>(o.unix_peer.async_write_some(out, token));
  static_cast<void>(o.number.async_read_some(in, token));
  static_cast<void>(o.native.async_write_some(several, token));
  static_cast<void>(o.own_native.async_read_some(in, token));
  static_cast<void>(o.tcp_peer.async_wait(interest::writable, token));
  static_cast<void>(o.tcp_peer.async_wait(asio::socket_base::wait_error, token));
  static_cast<void>(o.tcp_peer.async_receive(in, token));
  static_cast<void>(o.tcp_peer.async_receive(in, 0, token));
  static_cast<void>(o.tcp_peer.async_send(in, token));
  static_cast<void>(o.unix_peer.async_send(several, 0, token));
  static_cast<void>(o.tcp_peer.async_connect(o.endpoint, token));
  static_cast<void>(o.unix_peer.async_connect(o.unix_endpoint, token));

  static_cast<void>(asio::async_read(o.tcp_peer, in, token));
  static_cast<void>(asio::async_write(o.native, several, token));
  static_cast<void>(
      asio::async_read_until(o.unix_peer, asio::dynamic_buffer(o.text), '\n', std::move(token)));
}

template <class Token> void every_async_run(objects& o, Token token) {
  static_cast<void>(o.loop.async_run(o.handler, token));
  static_cast<void>(o.loop.async_run(o.handler, std::move(token)));
}

template <class Token> void every_overload(objects& o, Token token) {
  every_async_wait(o, token);
  every_async_accept(o, token);
  every_async_connect(o, token);
  every_member_of_a_stream(o, token);
  every_async_run(o, token);
}

/// One overload of each, for tokens that take long to compile: that they are honoured does not depend
/// on the overload.
template <class Token> void every_operation(objects& o, Token token) {
  static_cast<void>(mioext::async_wait(o.context, o.fd, interest::readable, token));
  static_cast<void>(mioext::async_accept(o.context, o.tcp_acceptor, token));
  static_cast<void>(mioext::async_accept(o.context, o.tcp_acceptor, o.tcp_peer, token));
  static_cast<void>(mioext::async_accept(o.asio_acceptor, token));
  static_cast<void>(mioext::async_connect(o.tcp_peer, o.endpoint, token));
  static_cast<void>(mioext::async_connect(o.asio_socket, o.resolved, token));
  static_cast<void>(
      mioext::async_connect(o.tcp_peer, o.endpoints, mioext::happy_eyeballs(), token));
  static_cast<void>(o.tcp_peer.async_read_some(asio::buffer(o.data), token));
  static_cast<void>(o.tcp_peer.async_write_some(asio::buffer(o.data), token));
  static_cast<void>(o.tcp_peer.async_receive(asio::buffer(o.data), 0, token));
  static_cast<void>(o.tcp_peer.async_send(asio::buffer(o.data), 0, token));
  static_cast<void>(o.loop.async_run(o.handler, token));
}

struct any_handler {
  template <class... Results> void operator()(error_code const&, Results&&...) const {}
};

struct any_tuple_handler {
  template <class Tuple> void operator()(Tuple&&) const {}
};

inline void every_token(objects& o) {
  every_overload(o, any_handler());
  every_async_accept_of_asio(o, any_handler());
  every_operation(o, asio::bind_executor(asio::system_executor(), any_handler()));
  every_operation(o, asio::detached);
  every_operation(o, asio::use_future);
#if BOOST_ASIO_VERSION >= 102400
  every_overload(o, asio::deferred); // which Boost 1.81's own acceptor does not take
  every_operation(o, asio::as_tuple(any_tuple_handler()));
#endif
#ifdef BOOST_ASIO_HAS_CO_AWAIT
  every_operation(o, asio::use_awaitable);
#endif
}

// --- Results ---------------------------------------------------------------------------------------

template <class Result, class Actual> void has_type(Actual&&) {
  static_assert(std::is_same<std::future<Result>, Actual>::value, "");
}

inline void results(objects& o) {
  auto const future = asio::use_future;
  auto const end = o.endpoints.end();
  any_endpoint const condition{};
  has_type<void>(mioext::async_wait(o.context, o.fd, interest::readable, future));
  has_type<mioext::tcp_socket>(mioext::async_accept(o.context, o.tcp_acceptor, future));
  has_type<mioext::unix_socket>(
      mioext::async_accept(o.context, o.unix_acceptor, o.unix_endpoint, future));
  has_type<void>(mioext::async_accept(o.context, o.tcp_acceptor, o.tcp_socket, future));
  has_type<tcp::socket>(mioext::async_accept(o.asio_acceptor, future));
  has_type<void>(mioext::async_connect(o.tcp_peer, o.endpoint, future));
  has_type<tcp::endpoint>(mioext::async_connect(o.asio_socket, o.resolved, future));
  has_type<tcp::endpoint>(mioext::async_connect(o.tcp_peer, o.endpoints, condition, future));
  has_type<std::vector<tcp::endpoint>::iterator>(
      mioext::async_connect(o.tcp_peer, o.endpoints.begin(), end, future));
  has_type<std::vector<tcp::endpoint>::iterator>(
      mioext::async_connect(o.context, o.tcp_socket, o.endpoints.begin(), end, condition, future));
  has_type<tcp::endpoint>(
      mioext::async_connect(o.tcp_peer, o.endpoints, mioext::happy_eyeballs(), future));
  has_type<std::size_t>(o.tcp_peer.async_read_some(asio::buffer(o.data), future));
  has_type<std::size_t>(o.tcp_peer.async_write_some(asio::buffer(o.data), future));
  has_type<std::size_t>(o.tcp_peer.async_receive(asio::buffer(o.data), 0, future));
  has_type<std::size_t>(o.tcp_peer.async_send(asio::buffer(o.data), 0, future));
  has_type<void>(o.tcp_peer.async_wait(interest::readable, future));
  has_type<void>(o.tcp_peer.async_connect(o.endpoint, future));
  has_type<void>(o.loop.async_run(o.handler, future));
}

// --- What is a handler and what is a condition ---------------------------------------------------------

struct handler_that_returns_a_number {
  int operator()(error_code const&, tcp::endpoint const&) const { return 1; }
};

/// As a generic lambda, whose body cannot be compiled for an endpoint.
struct generic_handler_of_iterators {
  template <class Iterator> void operator()(error_code const&, Iterator place) const {
    static_cast<void>(*place);
  }
};

inline void handlers_like_conditions(objects& o) {
  auto const begin = o.endpoints.begin();
  auto const end = o.endpoints.end();
  static_assert(std::is_void<decltype(mioext::async_connect(
                    o.tcp_peer, o.endpoints, handler_that_returns_a_number()))>::value,
                "it is called, and no condition");
  static_assert(std::is_void<decltype(mioext::async_connect(
                    o.context, o.tcp_socket, o.endpoints, handler_that_returns_a_number()))>::value,
                "it is called, and no condition");
#if BOOST_ASIO_VERSION < 103000 // which looks at it as mioext does, when it has a default token
  mioext::async_connect(o.tcp_peer, begin, end, generic_handler_of_iterators());
  mioext::async_connect(o.context, o.tcp_socket, begin, end, generic_handler_of_iterators());
#endif
  mioext::async_connect(o.tcp_peer, begin, end, any_endpoint(), generic_handler_of_iterators());
}

// --- Default tokens --------------------------------------------------------------------------------

template <class Stream, class Socket, class Loop> void without_a_token(objects& o) {
  typename Stream::executor_type const executor(o.executor);
  Stream stream(executor);
  Socket socket(executor);
  Loop loop(executor);
  static_cast<void>(stream.async_read_some(asio::buffer(o.data)));
  static_cast<void>(stream.async_write_some(asio::buffer(o.data)));
  // Beside a token, and beside flags.
  static_cast<void>(stream.async_receive(asio::buffer(o.data)));
  static_cast<void>(stream.async_receive(asio::buffer(o.data), Stream::message_peek));
  static_cast<void>(stream.async_send(asio::buffer(o.data)));
  static_cast<void>(stream.async_send(asio::buffer(o.data), 0));
  static_cast<void>(stream.async_wait(interest::readable));
  static_cast<void>(stream.async_wait(asio::socket_base::wait_read));
  static_cast<void>(stream.async_connect(o.endpoint));
  static_cast<void>(mioext::async_connect(stream, o.endpoint));
  static_cast<void>(mioext::async_connect(stream, o.endpoints));
  static_cast<void>(mioext::async_connect(socket, o.endpoint));
  static_cast<void>(mioext::async_connect(socket, o.resolved));
  auto const begin = o.endpoints.begin();
  auto const end = o.endpoints.end();
  mioext::happy_eyeballs const how;
  any_endpoint const condition{};
  static_cast<void>(mioext::async_connect(stream, o.endpoints, condition));
  static_cast<void>(mioext::async_connect(stream, begin, end));
  static_cast<void>(mioext::async_connect(socket, begin, end, condition));
  static_cast<void>(mioext::async_connect(stream, o.endpoints, how));
  static_cast<void>(mioext::async_connect(socket, o.resolved, how));
  static_cast<void>(mioext::async_connect(executor, o.tcp_socket, o.endpoint));
  static_cast<void>(mioext::async_connect(executor, 0, o.endpoint));
  static_cast<void>(mioext::async_connect(executor, o.tcp_socket, o.endpoints));
  static_cast<void>(mioext::async_connect(executor, o.tcp_socket, o.endpoints, condition));
  static_cast<void>(mioext::async_connect(executor, o.tcp_socket, begin, end));
  static_cast<void>(mioext::async_connect(executor, o.tcp_socket, begin, end, condition));
  static_cast<void>(mioext::async_connect(executor, o.tcp_socket, o.endpoints, how));
  static_cast<void>(mioext::async_wait(stream, interest::readable));
  static_cast<void>(mioext::async_wait(socket, interest::readable));
  static_cast<void>(mioext::async_wait(executor, 0, interest::readable));
  static_cast<void>(mioext::async_wait(executor, o.tcp_acceptor, interest::readable));
  tcp_stream peer(o.context);
  static_cast<void>(mioext::async_accept(executor, o.tcp_acceptor));
  static_cast<void>(mioext::async_accept(executor, o.tcp_acceptor, o.endpoint));
  static_cast<void>(mioext::async_accept(executor, o.tcp_acceptor, o.tcp_socket));
  static_cast<void>(mioext::async_accept(executor, o.tcp_acceptor, peer));
  static_cast<void>(mioext::async_accept(executor, o.tcp_acceptor, peer, o.endpoint));
  static_cast<void>(loop.async_run(o.handler));
}

inline void with_default_tokens(objects& o) {
#if BOOST_ASIO_VERSION >= 102400
  without_a_token<asio::deferred_t::as_default_on_t<tcp_stream>,
                  asio::deferred_t::as_default_on_t<tcp::socket>,
                  asio::deferred_t::as_default_on_t<mioext::async_event_loop>>(o);
#endif
#ifdef BOOST_ASIO_HAS_CO_AWAIT
  without_a_token<asio::use_awaitable_t<>::as_default_on_t<tcp_stream>,
                  asio::use_awaitable_t<>::as_default_on_t<tcp::socket>,
                  asio::use_awaitable_t<>::as_default_on_t<mioext::async_event_loop>>(o);
#endif
  static_cast<void>(o);
}

} // namespace compile

BOOST_AUTO_TEST_CASE(every_overload_compiles_with_every_token) { BOOST_TEST(true); }
