//
// test/tcp.cpp
// ------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// TCP sockets and acceptors, and what holds for every stream.
//

#include <mioext/tcp.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include "handles.hpp"

namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::asio::ip::tcp;
using boost::system::error_code;

// Only has to compile: every overload, once.
namespace compile {

void every_overload_of_a_stream_socket(boost::asio::io_context& context);
void every_overload_of_an_acceptor(boost::asio::io_context& context);

void every_overload_of_a_stream_socket(boost::asio::io_context& context) {
  error_code ec;
  char data[8];
  boost::asio::mutable_buffer const in = buffer(data);
  boost::asio::const_buffer const out = buffer("x", 1);
  std::array<boost::asio::mutable_buffer, 2> const ins = {{in, in}};
  std::array<boost::asio::const_buffer, 2> const outs = {{out, out}};
  tcp::endpoint const endpoint;

  mioext::tcp_socket socket1;
  mioext::tcp_socket socket2(tcp::v4());
  mioext::tcp_socket socket3(endpoint);
  mioext::tcp_socket socket4(-1);
  mioext::tcp_socket socket5(tcp::v4(), -1);
  mioext::tcp_socket socket6(tcp::socket{context});
  mioext::tcp_socket socket7(std::move(socket1));
  socket1 = std::move(socket7);

  mioext::tcp_socket::lowest_layer_type& lowest = socket1.lowest_layer();
  mioext::tcp_socket const& constant = socket1;
  mioext::tcp_socket::lowest_layer_type const& constant_lowest = constant.lowest_layer();
  (void)lowest;
  (void)constant_lowest;

  socket1.open(tcp::v6());
  socket1.open(tcp::v6(), ec);
  socket1.assign(-1);
  socket1.assign(-1, ec);
  socket1.assign(tcp::v4(), -1);
  socket1.assign(tcp::v4(), -1, ec);
  socket1.assign(tcp::socket(context));
  socket1.assign(tcp::socket(context), ec);
  tcp::socket into1 = socket1.into_asio(context);
  tcp::socket into2 = socket1.into_asio(context, ec);
  tcp::socket into3 = socket1.into_asio(context.get_executor());
  tcp::socket into4 = socket1.into_asio(context.get_executor(), ec);
  tcp::socket into5 = socket1.into_asio(into1.get_executor());
  bool const open = constant.is_open();
  (void)open;
  socket1.close();
  socket1.close(ec);
  mioext::tcp_socket::native_handle_type released = socket1.release();
  released = socket1.release(ec);
  released = constant.native_handle();
  (void)released;
  socket1.bind(endpoint);
  socket1.bind(endpoint, ec);
  socket1.connect(endpoint);
  socket1.connect(endpoint, ec);
  socket1.set_option(mioext::tcp_socket::keep_alive(true));
  socket1.set_option(mioext::tcp_socket::keep_alive(true), ec);
  mioext::tcp_socket::keep_alive option;
  constant.get_option(option);
  constant.get_option(option, ec);
  mioext::tcp_socket::bytes_readable command;
  socket1.io_control(command);
  socket1.io_control(command, ec);
  mioext::tcp_socket::endpoint_type address = constant.local_endpoint();
  address = constant.local_endpoint(ec);
  address = constant.remote_endpoint();
  address = constant.remote_endpoint(ec);
  std::size_t size = constant.available();
  size = constant.available(ec);
  socket1.shutdown(mioext::tcp_socket::shutdown_both);
  socket1.shutdown(mioext::tcp_socket::shutdown_both, ec);
  ec = socket1.take_error();

  mioext::tcp_socket::message_flags const flags = mioext::tcp_socket::message_peek;
  size = socket1.send(out);
  size = socket1.send(in);
  size = socket1.send(outs);
  size = socket1.send(ins);
  size = socket1.send(out, flags);
  size = socket1.send(outs, flags);
  size = socket1.send(out, flags, ec);
  size = socket1.send(outs, flags, ec);
  size = socket1.receive(in);
  size = socket1.receive(ins);
  size = socket1.receive(in, flags);
  size = socket1.receive(ins, flags);
  size = socket1.receive(in, flags, ec);
  size = socket1.receive(ins, flags, ec);
  size = socket1.write_some(out);
  size = socket1.write_some(outs);
  size = socket1.write_some(boost::asio::const_buffer(), ec);
  size = socket1.write_some(outs, ec);
  size = socket1.read_some(in);
  size = socket1.read_some(ins);
  size = socket1.read_some(in, ec);
  size = socket1.read_some(ins, ec);
  (void)size;
}

void every_overload_of_an_acceptor(boost::asio::io_context& context) {
  error_code ec;
  tcp::endpoint endpoint;

  mioext::tcp_acceptor acceptor1;
  mioext::tcp_acceptor acceptor2(tcp::v4());
  mioext::tcp_acceptor acceptor3(endpoint);
  mioext::tcp_acceptor acceptor4(endpoint, false);
  mioext::tcp_acceptor acceptor5(-1);
  mioext::tcp_acceptor acceptor6(tcp::v4(), -1);
  mioext::tcp_acceptor acceptor7(tcp::acceptor{context});
  mioext::tcp_acceptor acceptor8(std::move(acceptor1));
  acceptor1 = std::move(acceptor8);
  mioext::tcp_acceptor const& constant = acceptor1;

  acceptor1.open(tcp::v6());
  acceptor1.open(tcp::v6(), ec);
  acceptor1.assign(-1);
  acceptor1.assign(-1, ec);
  acceptor1.assign(tcp::v4(), -1);
  acceptor1.assign(tcp::v4(), -1, ec);
  acceptor1.assign(tcp::acceptor(context));
  acceptor1.assign(tcp::acceptor(context), ec);
  tcp::acceptor into1 = acceptor1.into_asio(context);
  tcp::acceptor into2 = acceptor1.into_asio(context, ec);
  tcp::acceptor into3 = acceptor1.into_asio(context.get_executor());
  tcp::acceptor into4 = acceptor1.into_asio(context.get_executor(), ec);
  bool const open = constant.is_open();
  (void)open;
  acceptor1.close();
  acceptor1.close(ec);
  mioext::tcp_acceptor::native_handle_type released = acceptor1.release();
  released = acceptor1.release(ec);
  released = constant.native_handle();
  (void)released;
  acceptor1.bind(endpoint);
  acceptor1.bind(endpoint, ec);
  acceptor1.set_option(mioext::tcp_acceptor::reuse_address(true));
  acceptor1.set_option(mioext::tcp_acceptor::reuse_address(true), ec);
  mioext::tcp_acceptor::reuse_address option;
  constant.get_option(option);
  constant.get_option(option, ec);
  mioext::tcp_acceptor::bytes_readable command;
  acceptor1.io_control(command);
  acceptor1.io_control(command, ec);
  endpoint = constant.local_endpoint();
  endpoint = constant.local_endpoint(ec);
  ec = acceptor1.take_error();
  acceptor1.listen();
  acceptor1.listen(5);
  acceptor1.listen(mioext::tcp_acceptor::max_listen_connections, ec);
  mioext::tcp_acceptor::socket_type peer = acceptor1.accept();
  mioext::tcp_socket peer2 = acceptor1.accept(ec);
  mioext::tcp_socket peer3 = acceptor1.accept(endpoint);
  mioext::tcp_socket peer4 = acceptor1.accept(endpoint, ec);
  acceptor1.accept(peer);
  acceptor1.accept(peer, ec);
  acceptor1.accept(peer, endpoint);
  acceptor1.accept(peer, endpoint, ec);
}

} // namespace compile

BOOST_AUTO_TEST_SUITE(tcp_handles)

BOOST_AUTO_TEST_CASE(a_connection_carries_bytes_both_ways) {
  auto sockets = test::tcp_pair();
  BOOST_TEST(sockets.first.remote_endpoint() == sockets.second.local_endpoint());
  BOOST_TEST(sockets.second.remote_endpoint() == sockets.first.local_endpoint());

  char data[16];
  BOOST_TEST(sockets.first.write_some(buffer("ping", 4)) == 4u);
  test::wait_for(sockets.second, POLLIN);
  BOOST_TEST(sockets.second.available() == 4u);
  mioext::tcp_socket::bytes_readable readable;
  sockets.second.io_control(readable);
  BOOST_TEST(readable.get() == 4u);
  BOOST_TEST(sockets.second.read_some(buffer(data)) == 4u);
  BOOST_TEST(test::text(data, 4) == "ping");
  BOOST_TEST(sockets.second.send(buffer("pong", 4)) == 4u);
  test::wait_for(sockets.first, POLLIN);
  BOOST_TEST(sockets.first.receive(buffer(data)) == 4u);
  BOOST_TEST(test::text(data, 4) == "pong");
}

BOOST_AUTO_TEST_CASE(every_descriptor_is_non_blocking_and_close_on_exec) {
  mioext::tcp_acceptor acceptor(test::loopback());
  BOOST_TEST(test::is_prepared(acceptor.native_handle()));
  mioext::tcp_socket client;
  test::connect(client, acceptor.local_endpoint());
  BOOST_TEST(test::is_prepared(client.native_handle()));
  test::wait_for(acceptor, POLLIN);
  mioext::tcp_socket const server = acceptor.accept();
  BOOST_TEST(test::is_prepared(server.native_handle()));
}

BOOST_AUTO_TEST_CASE(nothing_to_read_would_block) {
  auto sockets = test::tcp_pair();
  char data[4];
  error_code ec;
  BOOST_TEST(sockets.first.read_some(buffer(data), ec) == 0u);
  BOOST_TEST(ec == error::would_block);
  BOOST_TEST(test::error_of([&] { sockets.first.read_some(buffer(data)); }) == error::would_block);
  BOOST_TEST(test::error_of([&] { sockets.first.receive(buffer(data)); }) == error::would_block);
}

BOOST_AUTO_TEST_CASE(no_room_to_write_would_block_and_a_success_clears_the_error) {
  auto sockets = test::tcp_pair();
  std::vector<char> const data(1 << 20);
  error_code ec;
  while (!ec) {
    std::size_t const sent = sockets.first.write_some(buffer(data), ec);
    BOOST_TEST((sent > 0) == !ec);
  }
  BOOST_TEST(ec == error::would_block);
  BOOST_TEST(test::error_of([&] { sockets.first.write_some(buffer(data)); }) == error::would_block);
  BOOST_TEST(test::error_of([&] { sockets.first.send(buffer(data)); }) == error::would_block);
  std::vector<char> sink(1 << 20);
  test::wait_for(sockets.second, POLLIN);
  BOOST_TEST(sockets.second.read_some(buffer(sink), ec) > 0u);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(a_sequence_without_a_byte_transfers_nothing_with_success) {
  auto sockets = test::tcp_pair();
  error_code ec = error::fault;
  BOOST_TEST(sockets.first.read_some(boost::asio::mutable_buffer(), ec) == 0u);
  BOOST_TEST(!ec);
  ec = error::fault;
  BOOST_TEST(sockets.first.write_some(boost::asio::const_buffer(), ec) == 0u);
  BOOST_TEST(!ec);
  std::vector<boost::asio::const_buffer> const none;
  BOOST_TEST(sockets.first.write_some(none) == 0u);
  std::vector<boost::asio::mutable_buffer> const empty(100);
  BOOST_TEST(sockets.first.read_some(empty) == 0u);

  mioext::tcp_socket closed;
  closed.read_some(empty, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  closed.write_some(none, ec);
  BOOST_TEST(ec == error::bad_descriptor);
}

BOOST_AUTO_TEST_CASE(a_closed_socket_transfers_nothing_and_says_bad_descriptor) {
  mioext::tcp_socket closed;
  char data[4] = {};
  error_code ec;
  BOOST_TEST(closed.read_some(buffer(data), ec) == 0u);
  BOOST_TEST(ec == error::bad_descriptor);
  BOOST_TEST(closed.write_some(buffer(data), ec) == 0u);
  BOOST_TEST(ec == error::bad_descriptor);
}

BOOST_AUTO_TEST_CASE(many_buffers_are_gathered_and_scattered) {
  auto sockets = test::tcp_pair();
  // Two hundred bytes, one in each buffer, with empty ones between them.
  std::string source;
  for (int i = 0; i < 200; ++i) {
    source.push_back(static_cast<char>('a' + i % 26));
  }
  std::vector<boost::asio::const_buffer> out;
  for (char const& byte : source) {
    out.push_back(buffer(&byte, 1));
    out.push_back(boost::asio::const_buffer());
  }
  BOOST_TEST(sockets.first.write_some(out) == 64u);
  BOOST_TEST(boost::asio::write(sockets.first, out) == 200u);

  std::string sink(264, ' ');
  std::vector<boost::asio::mutable_buffer> in(70); // more empty ones than one call takes
  for (char& byte : sink) {
    in.push_back(buffer(&byte, 1));
  }
  std::size_t received = 0;
  while (received < sink.size()) {
    test::wait_for(sockets.second, POLLIN);
    std::size_t const count = sockets.second.read_some(in);
    BOOST_REQUIRE(count > 0u);
    BOOST_REQUIRE(count <= 64u);
    received += count;
    in.erase(in.begin() + 70, in.begin() + 70 + static_cast<std::ptrdiff_t>(count));
  }
  BOOST_TEST(sink == source.substr(0, 64) + source);
}

BOOST_AUTO_TEST_CASE(asio_reads_and_writes_composed) {
  auto sockets = test::tcp_pair();
  BOOST_TEST(boost::asio::write(sockets.first, buffer("one\ntwo\n", 8)) == 8u);
  sockets.first.shutdown(mioext::tcp_socket::shutdown_send);
  boost::asio::streambuf input;
  test::wait_for(sockets.second, POLLIN);
  BOOST_TEST(boost::asio::read_until(sockets.second, input, '\n') == 4u);
  std::string text;
  error_code ec;
  boost::asio::read(sockets.second, boost::asio::dynamic_buffer(text), ec);
  BOOST_TEST(ec == error::eof);
  BOOST_TEST(input.size() + text.size() == 8u);
}

BOOST_AUTO_TEST_CASE(a_large_message_arrives_whole) {
  auto sockets = test::tcp_pair();
  std::vector<unsigned char> source(5 * 1000 * 1000);
  unsigned value = 1;
  for (auto& byte : source) {
    value = value * 1103515245u + 12345u;
    byte = static_cast<unsigned char>(value >> 16);
  }
  std::vector<unsigned char> sink(source.size());
  std::size_t sent = 0;
  std::size_t received = 0;
  error_code ec;
  while (received < sink.size()) {
    if (sent < source.size()) {
      sent += sockets.first.write_some(buffer(source) + sent, ec);
      BOOST_REQUIRE((!ec || ec == error::would_block));
    }
    received += sockets.second.read_some(buffer(sink) + received, ec);
    BOOST_REQUIRE((!ec || ec == error::would_block));
    if (ec) {
      test::wait_for(sockets.second, POLLIN);
    }
  }
  BOOST_TEST((sink == source));
}

BOOST_AUTO_TEST_CASE(a_peek_leaves_the_bytes) {
  auto sockets = test::tcp_pair();
  sockets.first.send(buffer("abc", 3));
  test::wait_for(sockets.second, POLLIN);
  char data[8];
  BOOST_TEST(sockets.second.receive(buffer(data), mioext::tcp_socket::message_peek) == 3u);
  BOOST_TEST(sockets.second.available() == 3u);
  BOOST_TEST(sockets.second.receive(buffer(data)) == 3u);
  BOOST_TEST(test::text(data, 3) == "abc");
}

BOOST_AUTO_TEST_CASE(the_end_of_the_stream_is_eof_after_the_data_and_the_other_way_stays_open) {
  auto sockets = test::tcp_pair();
  sockets.first.send(buffer("last", 4));
  sockets.first.shutdown(mioext::tcp_socket::shutdown_send);
  char data[8];
  error_code ec;
  test::wait_for(sockets.second, POLLIN);
  BOOST_TEST(sockets.second.read_some(buffer(data), ec) == 4u);
  BOOST_TEST(!ec);
  test::wait_for(sockets.second, POLLIN);
  BOOST_TEST(sockets.second.read_some(buffer(data), ec) == 0u);
  BOOST_TEST(ec == error::eof);
  BOOST_TEST(test::error_of([&] { sockets.second.read_some(buffer(data)); }) == error::eof);

  BOOST_TEST(sockets.second.send(buffer("reply", 5)) == 5u);
  test::wait_for(sockets.first, POLLIN);
  BOOST_TEST(sockets.first.read_some(buffer(data)) == 5u);
}

BOOST_AUTO_TEST_CASE(a_reset_by_the_peer_is_connection_reset) {
  auto sockets = test::tcp_pair();
  sockets.first.set_option(mioext::tcp_socket::linger(true, 0));
  sockets.first.close();
  test::wait_for(sockets.second, POLLIN);
  char data[8];
  error_code ec;
  BOOST_TEST(sockets.second.read_some(buffer(data), ec) == 0u);
  BOOST_TEST(ec == error::connection_reset);
}

BOOST_AUTO_TEST_CASE(writing_to_a_connection_that_ended_is_broken_pipe_without_the_signal) {
  struct sigaction act = {};
  struct sigaction previous;
  act.sa_handler = SIG_DFL;
  BOOST_REQUIRE(::sigaction(SIGPIPE, &act, &previous) == 0);
  auto sockets = test::tcp_pair();
  sockets.first.shutdown(mioext::tcp_socket::shutdown_send);
  std::array<boost::asio::const_buffer, 2> const two = {{buffer("x", 1), buffer("y", 1)}};
  error_code ec;
  BOOST_TEST(sockets.first.write_some(buffer("x", 1), ec) == 0u);
  BOOST_TEST(ec == error::broken_pipe);
  BOOST_TEST(sockets.first.write_some(two, ec) == 0u);
  BOOST_TEST(ec == error::broken_pipe);
  ::sigaction(SIGPIPE, &previous, nullptr);
}

BOOST_AUTO_TEST_CASE(a_refused_connect_is_known_to_take_error_once) {
  // Bound and not listening: nobody else can get the port, and nobody answers there.
  mioext::tcp_socket silent(test::loopback());
  mioext::tcp_socket socket;
  error_code ec;
  socket.connect(silent.local_endpoint(), ec);
  BOOST_TEST(socket.is_open());
  if (ec == error::in_progress) {
    test::wait_for(socket, POLLOUT);
    ec = socket.take_error();
  }
  BOOST_TEST(ec == error::connection_refused);
  BOOST_TEST(!socket.take_error());
}

BOOST_AUTO_TEST_CASE(connect_opens_a_socket_of_the_endpoints_family_and_refuses_a_connected_one) {
  mioext::tcp_acceptor acceptor(test::loopback());
  mioext::tcp_socket socket;
  test::connect(socket, acceptor.local_endpoint());
  BOOST_TEST((socket.local_endpoint().protocol() == tcp::v4()));
  // Linux answers the first connect after one in progress with success.
  error_code ec;
  socket.connect(acceptor.local_endpoint(), ec);
  BOOST_TEST(ec == error::already_connected);
}

BOOST_AUTO_TEST_CASE(a_socket_without_peer_has_no_remote_endpoint) {
  mioext::tcp_socket socket(test::loopback());
  error_code ec;
  BOOST_TEST(socket.remote_endpoint(ec) == tcp::endpoint());
  BOOST_TEST(ec == error::not_connected);
  socket.shutdown(mioext::tcp_socket::shutdown_both, ec);
  BOOST_TEST(ec == error::not_connected);
  BOOST_TEST(socket.local_endpoint().port() != 0);
}

BOOST_AUTO_TEST_CASE(accept_without_anyone_would_block) {
  mioext::tcp_acceptor acceptor(test::loopback());
  error_code ec;
  BOOST_TEST(!acceptor.accept(ec).is_open());
  BOOST_TEST(ec == error::would_block);
  BOOST_TEST(test::error_of([&] { acceptor.accept(); }) == error::would_block);
  tcp::endpoint endpoint(boost::asio::ip::address_v4::loopback(), 9);
  BOOST_TEST(!acceptor.accept(endpoint, ec).is_open());
  BOOST_TEST(ec == error::would_block);
  BOOST_TEST(endpoint.port() == 9);
}

BOOST_AUTO_TEST_CASE(accept_says_who_it_is) {
  mioext::tcp_acceptor acceptor(test::loopback());
  mioext::tcp_socket clients[2];
  tcp::endpoint endpoint;
  test::connect(clients[0], acceptor.local_endpoint());
  test::wait_for(acceptor, POLLIN);
  mioext::tcp_socket first = acceptor.accept(endpoint);
  BOOST_TEST(endpoint == clients[0].local_endpoint());
  test::connect(clients[1], acceptor.local_endpoint());
  test::wait_for(acceptor, POLLIN);
  mioext::tcp_socket second;
  acceptor.accept(second, endpoint);
  BOOST_TEST(endpoint == clients[1].local_endpoint());
  BOOST_TEST(second.remote_endpoint() == endpoint);
}

BOOST_AUTO_TEST_CASE(accepting_into_an_open_socket_is_refused_and_the_connection_waits) {
  mioext::tcp_acceptor acceptor(test::loopback());
  mioext::tcp_socket client;
  test::connect(client, acceptor.local_endpoint());
  test::wait_for(acceptor, POLLIN);
  mioext::tcp_socket busy(tcp::v4());
  int const fd = busy.native_handle();
  error_code ec;
  acceptor.accept(busy, ec);
  BOOST_TEST(ec == error::already_open);
  BOOST_TEST(busy.native_handle() == fd);
  acceptor.accept(ec);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(accept_without_descriptors_leaves_the_connection_in_the_queue) {
  mioext::tcp_acceptor acceptor(test::loopback());
  mioext::tcp_socket client;
  test::connect(client, acceptor.local_endpoint());
  test::wait_for(acceptor, POLLIN);
  error_code ec;
  {
    test::no_descriptors_left limit;
    acceptor.accept(ec);
  }
  BOOST_TEST(ec == error::no_descriptors);
  test::wait_for(acceptor, POLLIN);
  BOOST_TEST(acceptor.accept(ec).is_open());
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(accept_fails_on_a_socket_that_does_not_listen) {
  mioext::tcp_acceptor acceptor;
  error_code ec;
  acceptor.accept(ec);
  BOOST_TEST(ec == error::bad_descriptor);
  acceptor.listen(1, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  acceptor.open(tcp::v4());
  acceptor.accept(ec);
  BOOST_TEST(ec == error::invalid_argument);
  acceptor.bind(test::loopback());
  acceptor.listen();
  acceptor.accept(ec);
  BOOST_TEST(ec == error::would_block);
}

BOOST_AUTO_TEST_CASE(an_acceptor_reuses_its_address_unless_told_otherwise) {
  mioext::tcp_acceptor::reuse_address reuse;
  mioext::tcp_acceptor(test::loopback()).get_option(reuse);
  BOOST_TEST(reuse.value());
  mioext::tcp_acceptor(test::loopback(), false).get_option(reuse);
  BOOST_TEST(!reuse.value());
}

// Nothing but <mioext/tcp.hpp> is included for them.
BOOST_AUTO_TEST_CASE(options_of_ip_come_with_the_header) {
  mioext::tcp_acceptor acceptor(boost::asio::ip::tcp::v4());
  acceptor.set_option(boost::asio::ip::unicast::hops(9));
  int hops = 0;
  ::socklen_t size = sizeof hops;
  BOOST_TEST(::getsockopt(acceptor.native_handle(), IPPROTO_IP, IP_TTL, &hops, &size) == 0);
  BOOST_TEST(hops == 9);
  boost::asio::ip::unicast::hops read;
  acceptor.get_option(read);
  BOOST_TEST(read.value() == 9);
  error_code ec;
  boost::asio::ip::v6_only only;
  acceptor.get_option(only, ec);
  BOOST_TEST(ec); // of IPv4
}

BOOST_AUTO_TEST_CASE(ipv6_works_like_ipv4) {
  mioext::tcp_acceptor acceptor;
  error_code ec;
  acceptor.open(tcp::v6(), ec);
  if (!ec) {
    acceptor.set_option(boost::asio::ip::v6_only(true));
    acceptor.bind(tcp::endpoint(boost::asio::ip::address_v6::loopback(), 0), ec);
  }
  if (ec == error::address_family_not_supported ||
      ec == boost::system::errc::address_not_available) {
    BOOST_TEST_MESSAGE("not tested: this system has no IPv6 loopback: " << ec.message());
    return;
  }
  BOOST_REQUIRE(!ec);
  acceptor.listen();
  mioext::tcp_socket client;
  test::connect(client, acceptor.local_endpoint());
  test::wait_for(acceptor, POLLIN);
  BOOST_TEST(acceptor.accept().remote_endpoint() == client.local_endpoint());
  BOOST_TEST((client.remote_endpoint().protocol() == tcp::v6()));
}

BOOST_AUTO_TEST_CASE(a_live_connection_goes_to_asio_and_back) {
  boost::asio::io_context context;
  auto sockets = test::tcp_pair();
  int const fd = sockets.first.native_handle();
  sockets.second.send(buffer("before", 6));

  tcp::socket asio_socket = sockets.first.into_asio(context);
  BOOST_TEST(!sockets.first.is_open());
  BOOST_TEST(asio_socket.native_handle() == fd);
  char data[16];
  std::size_t received = 0;
  asio_socket.async_read_some(buffer(data), [&](error_code ec, std::size_t bytes) {
    BOOST_TEST(!ec);
    received = bytes;
  });
  context.run();
  BOOST_TEST(test::text(data, received) == "before");

  mioext::tcp_socket back(std::move(asio_socket));
  BOOST_TEST(back.native_handle() == fd);
  BOOST_TEST(!asio_socket.is_open());
  BOOST_TEST(test::is_prepared(fd));
  sockets.second.send(buffer("after", 5));
  test::wait_for(back, POLLIN);
  BOOST_TEST(back.read_some(buffer(data)) == 5u);
}

BOOST_AUTO_TEST_CASE(into_asio_takes_an_executor_and_gives_a_socket_of_its_type) {
  boost::asio::io_context context;
  auto sockets = test::tcp_pair();
  auto with_executor = sockets.first.into_asio(context.get_executor());
  static_assert(
      std::is_same<decltype(with_executor)::executor_type, decltype(context.get_executor())>::value,
      "the executor that was given, not a wrapper");
  BOOST_TEST(with_executor.is_open());
  mioext::tcp_socket back;
  error_code ec = error::fault;
  back.assign(std::move(with_executor), ec);
  BOOST_TEST(!ec);
  BOOST_TEST(back.is_open());
  BOOST_TEST(!with_executor.is_open());
}

BOOST_AUTO_TEST_CASE(a_blocking_socket_of_asio_becomes_non_blocking) {
  boost::asio::io_context context;
  tcp::socket asio_socket(context, tcp::v4());
  BOOST_TEST(!asio_socket.native_non_blocking());
  mioext::tcp_socket socket(std::move(asio_socket));
  BOOST_TEST(test::is_prepared(socket.native_handle()));
}

BOOST_AUTO_TEST_CASE(a_socket_of_asio_that_cannot_be_adopted_is_kept) {
  boost::asio::io_context context;
  mioext::tcp_socket socket(tcp::v4());
  tcp::socket asio_socket(context, tcp::v4());
  error_code ec;
  socket.assign(std::move(asio_socket), ec);
  BOOST_TEST(ec == error::already_open);
  BOOST_TEST(asio_socket.is_open());
  tcp::socket closed(context);
  BOOST_TEST(test::error_of([&] { mioext::tcp_socket adopted(std::move(closed)); }) ==
             error::bad_descriptor);
}

BOOST_AUTO_TEST_CASE(what_asio_refuses_is_kept) {
  // Asio's epoll knows this descriptor already and refuses it a second time.
  boost::asio::io_context context;
  mioext::tcp_socket socket(tcp::v4());
  int const fd = socket.native_handle();
  tcp::socket first(context);
  first.assign(tcp::v4(), fd);
  error_code ec;
  tcp::socket const second = socket.into_asio(context, ec);
  BOOST_TEST(ec == error::make_error_code(static_cast<error::basic_errors>(EEXIST)));
  BOOST_TEST(!second.is_open());
  BOOST_TEST(socket.native_handle() == fd);
  first.release();
}

BOOST_AUTO_TEST_CASE(an_acceptor_goes_to_asio_and_back_while_someone_waits) {
  boost::asio::io_context context;
  mioext::tcp_acceptor acceptor(test::loopback());
  mioext::tcp_socket clients[2];
  test::connect(clients[0], acceptor.local_endpoint());
  test::connect(clients[1], acceptor.local_endpoint());

  tcp::acceptor asio_acceptor = acceptor.into_asio(context);
  BOOST_TEST(!acceptor.is_open());
  tcp::socket const first = asio_acceptor.accept();
  BOOST_TEST(first.is_open());

  mioext::tcp_acceptor back(std::move(asio_acceptor));
  BOOST_TEST(test::is_prepared(back.native_handle()));
  test::wait_for(back, POLLIN);
  BOOST_TEST(back.accept().is_open());
}

BOOST_AUTO_TEST_SUITE_END()
