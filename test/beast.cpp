//
// test/beast.cpp
// --------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What Beast calls to end the connection below a WebSocket, by itself. (Conversations through Beast
// are in stream_layers.cpp.)
//

#include <memory>
#include <string>
#include <utility>

#include <mioext/beast.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/beast/core/stream_traits.hpp>
#include <boost/beast/websocket/teardown.hpp>
#include <boost/system/error_code.hpp>
#include <boost/test/unit_test.hpp>

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#endif

#include <mioext/pipe.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include "both_contexts.hpp"
#include "handles.hpp"
#include "support.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

using tcp_stream = mioext::stream<mioext::tcp_socket>;

struct torn_down {
  int calls = 0;
  error_code ec;
};

struct note_in {
  void operator()(error_code const& ec) const {
    ++result->calls;
    result->ec = ec;
  }

  torn_down* result;
};

template <class Context> struct half_torn_down {
  half_torn_down() : sockets(test::tcp_pair()), stream(context, std::move(sockets.second)) {}

  // The peer does not answer, so it cannot come to its end.
  void start() {
    async_teardown(beast::role_type::server, stream, note_in{&result});
    context.poll();
    BOOST_TEST(result.calls == 0);
    test::wait_for(sockets.first, POLLIN);
    char byte;
    error_code ec;
    sockets.first.read_some(asio::buffer(&byte, 1), ec);
    BOOST_TEST(ec == asio::error::eof);
  }

  Context context;
  std::pair<mioext::tcp_socket, mioext::tcp_socket> sockets;
  tcp_stream stream;
  torn_down result;
};

BOOST_FIXTURE_TEST_CASE_TEMPLATE(teardown_reads_what_is_left_and_waits_for_the_end, Context,
                                 support::both_contexts, half_torn_down<Context>) {
  std::string const rest(100000, 'x');
  this->sockets.first.write_some(asio::buffer(rest));
  this->start();
  this->sockets.first.shutdown(mioext::tcp_socket::shutdown_send);
  this->context.run();
  BOOST_TEST(this->result.calls == 1);
  BOOST_TEST(!this->result.ec, this->result.ec.message());
  BOOST_TEST(!this->stream.is_open());
  // No reset, which is what closing with something unread would send.
  BOOST_TEST(!this->sockets.first.take_error());
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(teardown_ends_when_beast_closes_the_lowest_layer, Context,
                                 support::both_contexts, half_torn_down<Context>) {
  this->start();
  beast::close_socket(beast::get_lowest_layer(this->stream));
  this->context.run();
  BOOST_TEST(this->result.calls == 1);
  BOOST_TEST(this->result.ec == asio::error::operation_aborted, this->result.ec.message());
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(teardown_ends_when_beast_closes_the_stream, Context,
                                 support::both_contexts, half_torn_down<Context>) {
  this->start();
  beast::close_socket(this->stream);
  this->context.run();
  BOOST_TEST(this->result.calls == 1);
  BOOST_TEST(this->result.ec == asio::error::operation_aborted, this->result.ec.message());
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(teardown_leaves_the_stream_as_blocking_as_it_was, Context,
                                 support::both_contexts, half_torn_down<Context>) {
  this->start();
  BOOST_TEST(!this->stream.non_blocking());
  this->sockets.first.close();
  this->context.run();
  BOOST_TEST(this->result.calls == 1);
  BOOST_TEST(!this->stream.non_blocking());
}

// A closed one has no peer to say anything to; and that is told later, not from inside.
BOOST_FIXTURE_TEST_CASE_TEMPLATE(teardown_of_a_closed_stream_fails_from_the_context, Context,
                                 support::both_contexts, half_torn_down<Context>) {
  this->stream.close();
  async_teardown(beast::role_type::server, this->stream, note_in{&this->result});
  BOOST_TEST(this->result.calls == 0);
  this->context.run();
  BOOST_TEST(this->result.calls == 1);
  BOOST_TEST(this->result.ec == asio::error::bad_descriptor, this->result.ec.message());

  async_teardown(beast::role_type::client, this->stream, note_in{&this->result});
  BOOST_TEST(this->result.calls == 1);
  this->context.restart();
  this->context.run();
  BOOST_TEST(this->result.calls == 2);
  BOOST_TEST(this->result.ec == asio::error::bad_descriptor, this->result.ec.message());

  error_code ec;
  teardown(beast::role_type::client, this->stream, ec);
  BOOST_TEST(ec == asio::error::bad_descriptor, ec.message());
}

BOOST_FIXTURE_TEST_CASE_TEMPLATE(teardown_is_dropped_with_the_context, Context,
                                 support::both_contexts, half_torn_down<Context>) {
  auto const token = std::make_shared<int>(0);
  {
    Context other;
    auto pair = test::tcp_pair();
    tcp_stream dropped(other, std::move(pair.first));
    async_teardown(beast::role_type::client, dropped, [token](error_code const&) {});
    other.poll();
    BOOST_TEST(token.use_count() == 2);
  }
  BOOST_TEST(token.use_count() == 1);
}

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

BOOST_FIXTURE_TEST_CASE_TEMPLATE(teardown_can_be_cancelled_in_every_way, Context,
                                 support::both_contexts, half_torn_down<Context>) {
  for (asio::cancellation_type type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    asio::cancellation_signal signal;
    this->result = torn_down();
    this->context.restart();
    async_teardown(beast::role_type::server, this->stream,
                   asio::bind_cancellation_slot(signal.slot(), note_in{&this->result}));
    this->context.poll();
    BOOST_TEST(this->result.calls == 0);
    signal.emit(type);
    this->context.run();
    BOOST_TEST(this->result.calls == 1);
    BOOST_TEST(this->result.ec == asio::error::operation_aborted, this->result.ec.message());
    BOOST_TEST(this->stream.is_open());
  }
}

#endif

// Somebody else's descriptor cannot be shut down here; then the end is that the stream lets go of it.
BOOST_AUTO_TEST_CASE_TEMPLATE(teardown_of_what_cannot_be_shut_down_closes_it, Context,
                              support::both_contexts) {
  support::socket_pair sockets;
  for (beast::role_type role : {beast::role_type::client, beast::role_type::server}) {
    Context context;
    mioext::stream<int> stream(context, sockets.near.get());
    torn_down result;
    async_teardown(role, stream, note_in{&result});
    BOOST_TEST(result.calls == 0);
    context.run();
    BOOST_TEST(result.calls == 1);
    BOOST_TEST(!result.ec, result.ec.message());
    BOOST_TEST(!stream.is_open());
    BOOST_TEST(test::is_descriptor(sockets.near.get()));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(beast_closes_what_is_no_socket, Context, support::both_contexts) {
  Context context;
  auto ends = mioext::pipe();
  mioext::stream<mioext::pipe_writer> stream(context, std::move(ends.second));
  beast::close_socket(beast::get_lowest_layer(stream));
  BOOST_TEST(!stream.is_open());
}

// Beast has overloads for every type, which do not compile; those for streams are preferred to them.
BOOST_FIXTURE_TEST_CASE_TEMPLATE(teardown_is_found_as_beast_calls_it, Context,
                                 support::both_contexts, half_torn_down<Context>) {
  using beast::websocket::async_teardown;
  using beast::websocket::teardown;
  error_code ec;
  this->sockets.first.shutdown(mioext::tcp_socket::shutdown_send);
  teardown(beast::role_type::server, this->stream, ec);
  BOOST_TEST(!ec, ec.message());
  BOOST_TEST(!this->stream.is_open());
  async_teardown(beast::role_type::client, this->stream, note_in{&this->result});
  this->context.run();
  BOOST_TEST(this->result.ec == asio::error::bad_descriptor, this->result.ec.message());
}

} // namespace
