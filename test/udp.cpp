//
// test/udp.cpp
// ------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// UDP sockets, and what holds for every datagram socket.
//

#include <mioext/udp.hpp>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <net/if.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/address_v6.hpp>

#include "handles.hpp"
#include "systems.hpp"

namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::asio::ip::udp;
using boost::system::error_code;

// Only has to compile: every overload, once. What all sockets share is in tcp.cpp.
namespace compile {

void every_overload_of_a_datagram_socket(boost::asio::io_context& context);

void every_overload_of_a_datagram_socket(boost::asio::io_context& context) {
  error_code ec;
  char data[8];
  boost::asio::mutable_buffer const in = buffer(data);
  boost::asio::const_buffer const out = buffer("x", 1);
  std::array<boost::asio::mutable_buffer, 2> const ins = {{in, in}};
  std::array<boost::asio::const_buffer, 2> const outs = {{out, out}};
  udp::endpoint endpoint;

  mioext::udp_socket socket1;
  mioext::udp_socket socket2(udp::v4());
  mioext::udp_socket socket3(endpoint);
  mioext::udp_socket socket4(-1);
  mioext::udp_socket socket5(udp::v4(), -1);
  mioext::udp_socket socket6(udp::socket{context});
  mioext::udp_socket socket7(std::move(socket1));
  socket1 = std::move(socket7);

  socket1.open(udp::v6());
  socket1.open(udp::v6(), ec);
  socket1.assign(-1);
  socket1.assign(-1, ec);
  socket1.assign(udp::v4(), -1);
  socket1.assign(udp::v4(), -1, ec);
  socket1.assign(udp::socket(context));
  socket1.assign(udp::socket(context), ec);
  udp::socket into1 = socket1.into_asio(context);
  udp::socket into2 = socket1.into_asio(context, ec);
  udp::socket into3 = socket1.into_asio(context.get_executor());
  udp::socket into4 = socket1.into_asio(context.get_executor(), ec);
  socket1.lowest_layer().connect(endpoint, ec);

  mioext::udp_socket::message_flags const flags = mioext::udp_socket::message_peek;
  std::size_t size = socket1.send(out);
  size = socket1.send(outs);
  size = socket1.send(out, flags);
  size = socket1.send(outs, flags);
  size = socket1.send(out, flags, ec);
  size = socket1.send(outs, flags, ec);
  size = socket1.send_to(out, endpoint);
  size = socket1.send_to(outs, endpoint);
  size = socket1.send_to(out, endpoint, flags);
  size = socket1.send_to(outs, endpoint, flags);
  size = socket1.send_to(out, endpoint, flags, ec);
  size = socket1.send_to(outs, endpoint, flags, ec);
  size = socket1.receive(in);
  size = socket1.receive(ins);
  size = socket1.receive(in, flags);
  size = socket1.receive(ins, flags);
  size = socket1.receive(in, flags, ec);
  size = socket1.receive(ins, flags, ec);
  size = socket1.receive_from(in, endpoint);
  size = socket1.receive_from(ins, endpoint);
  size = socket1.receive_from(in, endpoint, flags);
  size = socket1.receive_from(ins, endpoint, flags);
  size = socket1.receive_from(in, endpoint, flags, ec);
  size = socket1.receive_from(ins, endpoint, flags, ec);
  (void)size;
}

} // namespace compile

namespace {

udp::endpoint any_port() { return udp::endpoint(boost::asio::ip::address_v4::loopback(), 0); }

/// Two sockets connected to each other.
std::pair<mioext::udp_socket, mioext::udp_socket> udp_pair() {
  std::pair<mioext::udp_socket, mioext::udp_socket> sockets{mioext::udp_socket(any_port()),
                                                            mioext::udp_socket(any_port())};
  sockets.first.connect(sockets.second.local_endpoint());
  sockets.second.connect(sockets.first.local_endpoint());
  return sockets;
}

} // namespace

BOOST_AUTO_TEST_SUITE(udp_handles)

BOOST_AUTO_TEST_CASE(a_datagram_arrives_with_its_senders_address) {
  mioext::udp_socket sender(any_port());
  mioext::udp_socket receiver(any_port());
  BOOST_TEST(test::is_prepared(sender.native_handle()));
  BOOST_TEST(sender.send_to(buffer("hello", 5), receiver.local_endpoint()) == 5u);
  test::wait_for(receiver, POLLIN);
  char data[16];
  udp::endpoint from;
  BOOST_TEST(receiver.receive_from(buffer(data), from) == 5u);
  BOOST_TEST(test::text(data, 5) == "hello");
  BOOST_TEST(from == sender.local_endpoint());
}

BOOST_AUTO_TEST_CASE(connected_sockets_need_no_address) {
  auto sockets = udp_pair();
  BOOST_TEST(sockets.first.remote_endpoint() == sockets.second.local_endpoint());
  BOOST_TEST(sockets.first.send(buffer("hello", 5)) == 5u);
  test::wait_for(sockets.second, POLLIN);
  char data[16];
  BOOST_TEST(sockets.second.receive(buffer(data)) == 5u);
}

BOOST_AUTO_TEST_CASE(no_datagram_would_block_and_leaves_the_sender_alone) {
  mioext::udp_socket socket(any_port());
  char data[4];
  error_code ec;
  BOOST_TEST(socket.receive(buffer(data), 0, ec) == 0u);
  BOOST_TEST(ec == error::would_block);
  udp::endpoint from(boost::asio::ip::address_v4::loopback(), 9);
  BOOST_TEST(socket.receive_from(buffer(data), from, 0, ec) == 0u);
  BOOST_TEST(ec == error::would_block);
  BOOST_TEST(from.port() == 9);
  BOOST_TEST(test::error_of([&] { socket.receive(buffer(data)); }) == error::would_block);
  BOOST_TEST(test::error_of([&] { socket.receive_from(buffer(data), from); }) ==
             error::would_block);
}

BOOST_AUTO_TEST_CASE(an_empty_datagram_is_a_success_and_not_the_end) {
  auto sockets = udp_pair();
  BOOST_TEST(sockets.first.send(boost::asio::const_buffer()) == 0u);
  BOOST_TEST(sockets.first.send(buffer("x", 1)) == 1u);
  test::wait_for(sockets.second, POLLIN);
  char data[4];
  error_code ec = error::fault;
  BOOST_TEST(sockets.second.receive(buffer(data), 0, ec) == 0u);
  BOOST_TEST(!ec);
  BOOST_TEST(sockets.second.receive(buffer(data), 0, ec) == 1u);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_cut_off_and_gone) {
  auto sockets = udp_pair();
  sockets.first.send(buffer("long datagram", 13));
  sockets.first.send(buffer("next", 4));
  sockets.first.send(buffer("lost", 4));
  test::wait_for(sockets.second, POLLIN);
  char data[4];
  error_code ec;
  BOOST_TEST(sockets.second.receive(buffer(data), 0, ec) == 4u);
  BOOST_TEST(!ec);
  BOOST_TEST(test::text(data, 4) == "long");
  BOOST_TEST(sockets.second.receive(buffer(data), MSG_TRUNC, ec) == 4u);
  BOOST_TEST(test::text(data, 4) == "next");
  BOOST_TEST(sockets.second.receive(boost::asio::mutable_buffer(), 0, ec) == 0u);
  BOOST_TEST(!ec);
  sockets.second.receive(buffer(data), 0, ec);
  BOOST_TEST(ec == error::would_block);
}

BOOST_AUTO_TEST_CASE(the_true_length_of_a_datagram_can_be_asked_for) {
  auto sockets = udp_pair();
  sockets.first.send(buffer("long datagram", 13));
  test::wait_for(sockets.second, POLLIN);
  BOOST_TEST(sockets.second.available() == 13u);
  char data[4];
  BOOST_TEST(sockets.second.receive(buffer(data), MSG_TRUNC) == 13u);
}

BOOST_AUTO_TEST_CASE(a_peek_leaves_the_datagram) {
  auto sockets = udp_pair();
  sockets.first.send(buffer("abc", 3));
  test::wait_for(sockets.second, POLLIN);
  char data[8];
  udp::endpoint from;
  BOOST_TEST(sockets.second.receive(buffer(data), mioext::udp_socket::message_peek) == 3u);
  BOOST_TEST(sockets.second.receive_from(buffer(data), from, mioext::udp_socket::message_peek) ==
             3u);
  BOOST_TEST(from == sockets.first.local_endpoint());
  BOOST_TEST(sockets.second.receive(buffer(data)) == 3u);
}

BOOST_AUTO_TEST_CASE(a_datagram_is_gathered_and_scattered) {
  auto sockets = udp_pair();
  std::string const source(64, 'x');
  std::vector<boost::asio::const_buffer> out;
  for (char const& byte : source) {
    out.push_back(buffer(&byte, 1));
    out.push_back(boost::asio::const_buffer());
  }
  BOOST_TEST(sockets.first.send(out) == 64u);
  test::wait_for(sockets.second, POLLIN);
  char head[10];
  char tail[100];
  std::array<boost::asio::mutable_buffer, 2> const in = {{buffer(head), buffer(tail)}};
  BOOST_TEST(sockets.second.receive(in) == 64u);
}

BOOST_AUTO_TEST_CASE(more_buffers_than_one_call_takes_are_refused_and_not_cut) {
  auto sockets = udp_pair();
  char bytes[65] = {};
  std::vector<boost::asio::mutable_buffer> buffers;
  for (char& byte : bytes) {
    buffers.push_back(buffer(&byte, 1));
  }
  error_code ec;
  udp::endpoint endpoint = sockets.second.local_endpoint();
  BOOST_TEST(sockets.first.send(buffers, 0, ec) == 0u);
  BOOST_TEST(ec == error::message_size);
  BOOST_TEST(sockets.first.send_to(buffers, endpoint, 0, ec) == 0u);
  BOOST_TEST(ec == error::message_size);
  BOOST_TEST(sockets.first.receive(buffers, 0, ec) == 0u);
  BOOST_TEST(ec == error::message_size);
  BOOST_TEST(sockets.first.receive_from(buffers, endpoint, 0, ec) == 0u);
  BOOST_TEST(ec == error::message_size);
  mioext::udp_socket closed;
  closed.send(buffers, 0, ec);
  BOOST_TEST(ec == error::bad_descriptor);
}

BOOST_AUTO_TEST_CASE(a_datagram_longer_than_udp_allows_is_refused) {
  auto sockets = udp_pair();
  std::vector<char> const data(70000);
  BOOST_TEST(test::error_of([&] { sockets.first.send(buffer(data)); }) == error::message_size);
  BOOST_TEST(test::error_of([&] {
               sockets.first.send_to(buffer(data), sockets.second.local_endpoint());
             }) == error::message_size);
}

BOOST_AUTO_TEST_CASE(send_needs_a_peer_and_a_closed_socket_is_a_bad_descriptor) {
  mioext::udp_socket socket(any_port());
  error_code ec;
  socket.send(buffer("x", 1), 0, ec);
  BOOST_TEST(ec == boost::system::errc::destination_address_required);
  char data[4];
  udp::endpoint endpoint = any_port();
  mioext::udp_socket closed;
  closed.send(buffer("x", 1), 0, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  closed.send_to(buffer("x", 1), endpoint, 0, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  closed.receive(buffer(data), 0, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  closed.receive_from(buffer(data), endpoint, 0, ec);
  BOOST_TEST(ec == error::bad_descriptor);
}

BOOST_AUTO_TEST_CASE(a_refused_datagram_is_reported_to_a_connected_sender) {
  udp::endpoint nobody;
  mioext::udp_socket sender;
  {
    mioext::udp_socket gone(any_port());
    nobody = gone.local_endpoint();
    sender.connect(nobody);
  }
  sender.send(buffer("x", 1));
  test::wait_for(sender, POLLIN);
  BOOST_TEST(sender.take_error() == error::connection_refused);
  BOOST_TEST(!sender.take_error());
}

BOOST_AUTO_TEST_CASE(broadcast_is_an_option) {
  mioext::udp_socket socket(udp::v4());
  mioext::udp_socket::broadcast broadcast(true);
  socket.set_option(mioext::udp_socket::broadcast(true));
  socket.get_option(broadcast);
  BOOST_TEST(broadcast.value());
  // 127.255.255.255 is the loopback's own broadcast address.
  mioext::udp_socket receiver(udp::endpoint(udp::v4(), 0));
  udp::endpoint const everyone(boost::asio::ip::address_v4(0x7fffffffu),
                               receiver.local_endpoint().port());
  error_code ec;
  socket.send_to(buffer("all", 3), everyone, 0, ec);
  BOOST_TEST(!ec);
  test::wait_for(receiver, POLLIN);
  char data[8];
  BOOST_TEST(receiver.receive(buffer(data)) == 3u);

  socket.set_option(mioext::udp_socket::broadcast(false));
  socket.send_to(buffer("all", 3), everyone, 0, ec);
  BOOST_TEST(ec == error::access_denied);
}

// Nothing but <mioext/udp.hpp> is included for them, nor for those of multicast.
BOOST_AUTO_TEST_CASE(options_of_ip_come_with_the_header) {
  mioext::udp_socket socket(boost::asio::ip::udp::v4());
  socket.set_option(boost::asio::ip::unicast::hops(9));
  boost::asio::ip::unicast::hops hops;
  socket.get_option(hops);
  BOOST_TEST(hops.value() == 9);
  socket.set_option(boost::asio::socket_base::broadcast(true));
  boost::asio::socket_base::broadcast broadcast;
  socket.get_option(broadcast);
  BOOST_TEST(broadcast.value());
  error_code ec;
  boost::asio::ip::v6_only only;
  socket.get_option(only, ec);
  BOOST_TEST(ec); // of IPv4
}

BOOST_AUTO_TEST_CASE(a_multicast_group_is_joined_and_left) {
  namespace multicast = boost::asio::ip::multicast;
  auto const loopback = boost::asio::ip::address_v4::loopback();
  auto const group = boost::asio::ip::address_v4(0xefff0102u); // 239.255.1.2, of local scope
  mioext::udp_socket receiver(udp::endpoint(udp::v4(), 0));
  mioext::udp_socket sender(any_port());
  error_code ec;
  receiver.set_option(multicast::join_group(group, loopback), ec);
  if (ec) {
    BOOST_TEST_MESSAGE("not tested: no multicast on the loopback interface: " << ec.message());
    return;
  }
  sender.set_option(multicast::outbound_interface(loopback));
  sender.set_option(multicast::hops(0)); // stays on this machine
  sender.set_option(multicast::enable_loopback(true));
  multicast::enable_loopback looped(false);
  sender.get_option(looped);
  BOOST_TEST(looped.value());
  udp::endpoint const destination(group, receiver.local_endpoint().port());
  sender.send_to(buffer("group", 5), destination, 0, ec);
  if (ec == error::network_unreachable) {
    BOOST_TEST_MESSAGE("not tested: no multicast on the loopback interface: " << ec.message());
    return;
  }
  BOOST_REQUIRE(!ec);
  test::wait_for(receiver, POLLIN);
  char data[8];
  udp::endpoint from;
  BOOST_TEST(receiver.receive_from(buffer(data), from) == 5u);
  BOOST_TEST(from == sender.local_endpoint());

  receiver.set_option(multicast::leave_group(group, loopback));
  receiver.set_option(multicast::leave_group(group, loopback), ec);
  BOOST_TEST(ec == boost::system::errc::address_not_available);
}

BOOST_AUTO_TEST_CASE(a_multicast_group_of_ipv6_is_joined_and_left) {
  namespace multicast = boost::asio::ip::multicast;
  namespace ip = boost::asio::ip;
  unsigned const loopback = ::if_nametoindex(test::has_linux ? "lo" : "lo0");
  ip::address_v6 group = ip::make_address_v6("ff01::1:2"); // of the interface alone
  group.scope_id(loopback);
  error_code ec;
  mioext::udp_socket receiver;
  receiver.open(udp::v6(), ec);
  if (!ec) {
    receiver.bind(udp::endpoint(udp::v6(), 0), ec);
  }
  if (!ec) {
    receiver.set_option(multicast::join_group(group, loopback), ec);
  }
  if (ec) {
    BOOST_TEST_MESSAGE("not tested: no multicast of IPv6 on this machine: " << ec.message());
    return;
  }
  receiver.set_option(multicast::join_group(group, loopback), ec);
  BOOST_TEST(ec == boost::system::errc::address_in_use);

  mioext::udp_socket sender(udp::v6());
  sender.set_option(multicast::outbound_interface(loopback));
  sender.set_option(multicast::enable_loopback(true));
  multicast::enable_loopback looped(false);
  sender.get_option(looped);
  BOOST_TEST(looped.value());
  sender.send_to(buffer("group", 5), udp::endpoint(group, receiver.local_endpoint().port()), 0, ec);
  if (ec) {
    BOOST_TEST_MESSAGE("nothing is sent to a group of IPv6 here: " << ec.message());
  } else {
    test::wait_for(receiver, POLLIN);
    char data[8];
    udp::endpoint from;
    BOOST_TEST(receiver.receive_from(buffer(data), from) == 5u);
    BOOST_TEST(from.port() == sender.local_endpoint().port());
  }

  receiver.set_option(multicast::leave_group(group, loopback));
  receiver.set_option(multicast::leave_group(group, loopback), ec);
  BOOST_TEST(ec == boost::system::errc::address_not_available);
}

BOOST_AUTO_TEST_CASE(a_socket_goes_to_asio_and_back) {
  boost::asio::io_context context;
  auto sockets = udp_pair();
  sockets.second.send(buffer("one", 3));
  udp::socket asio_socket = sockets.first.into_asio(context);
  BOOST_TEST(!sockets.first.is_open());
  char data[8];
  std::size_t received = 0;
  asio_socket.async_receive(buffer(data), [&](error_code ec, std::size_t bytes) {
    BOOST_TEST(!ec);
    received = bytes;
  });
  context.run();
  BOOST_TEST(received == 3u);
  mioext::udp_socket back(std::move(asio_socket));
  sockets.second.send(buffer("four", 4));
  test::wait_for(back, POLLIN);
  BOOST_TEST(back.receive(buffer(data)) == 4u);
}

BOOST_AUTO_TEST_SUITE_END()
