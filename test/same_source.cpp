//
// test/same_source.cpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Programs written for Asio's socket run over a stream when that one name changes, and whoever talks
// to them sees no difference.
//

#include "same_source.hpp"

#include <string>
#include <thread>

#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include "both_contexts.hpp"
#include "contexts.hpp"

namespace {

namespace error = boost::asio::error;
using contexts::run;
using contexts::run_until;
using support::strings;

using asio_socket = boost::asio::ip::tcp::socket;
using stream = mioext::stream<mioext::tcp_socket>;

// A short line, one that is longer than the server's buffer, several at once.
template <class Context, class Socket, class ClientSocket> void check_echo() {
  Context context;
  same_source::echo_server<Socket> server(context);
  same_source::client<ClientSocket> client(context, server.endpoint());
  run_until(context, [&] { return client.is_connected || client.how_it_connected; });
  BOOST_TEST(!client.how_it_connected);
  std::string const longer = std::string(100000, 'x') + '\n';
  client.send("hello\n");
  run_until(context, [&] { return client.lines.size() == 1u; });
  client.send(longer);
  run_until(context, [&] { return client.lines.size() == 2u; });
  client.send("one\ntwo\n");
  run_until(context, [&] { return client.lines.size() == 4u; });
  client.shut_down();
  server.stop();
  run(context); // the server closes its end, and nothing is left
  BOOST_TEST((client.lines == strings{"hello\n", longer, "one\n", "two\n"}));
  BOOST_TEST((client.how_it_ended == error::eof));
}

template <class Context, class Socket, class ClientSocket> void check_chat() {
  using client_type = same_source::client<ClientSocket>;
  Context context;
  same_source::chat_server<Socket> server(context);
  client_type alice(context, server.endpoint());
  run_until(context, [&] { return server.participants() == 1u && alice.is_connected; });
  alice.send("1\n2\n");
  alice.send("3\n4\n");
  run_until(context, [&] { return alice.lines.size() == 4u; });
  client_type bob(context, server.endpoint());
  run_until(context, [&] { return bob.lines.size() == 3u; }); // what was said last
  bob.send("bob\n");
  run_until(context, [&] { return alice.lines.size() == 5u && bob.lines.size() == 4u; });
  bob.close();
  run_until(context, [&] { return server.participants() == 1u; });
  alice.send("gone?\n");
  run_until(context, [&] { return alice.lines.size() == 6u; });
  alice.close();
  server.stop();
  run(context);
  BOOST_TEST(server.participants() == 0u);
  BOOST_TEST((alice.lines == strings{"1\n", "2\n", "3\n", "4\n", "bob\n", "gone?\n"}));
  BOOST_TEST((bob.lines == strings{"2\n", "3\n", "4\n", "bob\n"}));
  BOOST_TEST((alice.how_it_ended == error::operation_aborted));
  BOOST_TEST((bob.how_it_ended == error::operation_aborted));
}

template <class Context, class Socket, class ClientSocket> void check_waiting_echo() {
  Context context;
  boost::asio::ip::tcp::acceptor acceptor(context, same_source::loopback());
  std::thread server([&acceptor] { same_source::serve_one<Socket>(acceptor); });
  std::string const text(1000, 'x');
  std::string const answer =
      same_source::ask<ClientSocket>(context, acceptor.local_endpoint(), text);
  server.join();
  BOOST_TEST(answer == text);
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(an_echo_server_that_waits_and_a_client_that_waits, Context,
                              support::both_contexts) {
  check_waiting_echo<Context, asio_socket, asio_socket>();
  check_waiting_echo<Context, stream, asio_socket>();
  check_waiting_echo<Context, asio_socket, stream>();
  check_waiting_echo<Context, stream, stream>();
}

BOOST_AUTO_TEST_SUITE(an_echo_server)

BOOST_AUTO_TEST_CASE_TEMPLATE(over_the_socket_of_asio, Context, support::both_contexts) {
  check_echo<Context, asio_socket, asio_socket>();
}
BOOST_AUTO_TEST_CASE_TEMPLATE(over_a_stream, Context, support::both_contexts) {
  check_echo<Context, stream, asio_socket>();
}
BOOST_AUTO_TEST_CASE_TEMPLATE(over_a_stream_with_a_client_over_one, Context,
                              support::both_contexts) {
  check_echo<Context, stream, stream>();
}
BOOST_AUTO_TEST_CASE_TEMPLATE(over_the_socket_of_asio_with_a_client_over_a_stream, Context,
                              support::both_contexts) {
  check_echo<Context, asio_socket, stream>();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_chat_server)

BOOST_AUTO_TEST_CASE_TEMPLATE(over_the_socket_of_asio, Context, support::both_contexts) {
  check_chat<Context, asio_socket, asio_socket>();
}
BOOST_AUTO_TEST_CASE_TEMPLATE(over_a_stream, Context, support::both_contexts) {
  check_chat<Context, stream, asio_socket>();
}
BOOST_AUTO_TEST_CASE_TEMPLATE(over_a_stream_with_a_client_over_one, Context,
                              support::both_contexts) {
  check_chat<Context, stream, stream>();
}
BOOST_AUTO_TEST_CASE_TEMPLATE(over_the_socket_of_asio_with_a_client_over_a_stream, Context,
                              support::both_contexts) {
  check_chat<Context, asio_socket, stream>();
}

BOOST_AUTO_TEST_SUITE_END()
