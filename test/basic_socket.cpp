//
// test/basic_socket.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Ownership, options and addresses: what holds for every socket and acceptor.
//

#include <mioext/basic_socket.hpp>
#include <mioext/tcp.hpp>
#include <mioext/udp.hpp>
#include <mioext/unix.hpp>

#include <type_traits>
#include <utility>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/unicast.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include "handles.hpp"

namespace error = boost::asio::error;
using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using boost::system::error_code;

BOOST_AUTO_TEST_SUITE(basic_socket)

template <class Handle> void check_shape() {
  static_assert(sizeof(Handle) == sizeof(int), "the descriptor is all that a handle stores");
  static_assert(!std::is_copy_constructible<Handle>::value, "handles own");
  static_assert(!std::is_copy_assignable<Handle>::value, "handles own");
  static_assert(std::is_nothrow_default_constructible<Handle>::value, "");
  static_assert(std::is_nothrow_move_constructible<Handle>::value, "");
  static_assert(std::is_nothrow_move_assignable<Handle>::value, "");
  static_assert(std::is_nothrow_destructible<Handle>::value, "");
  static_assert(!std::is_convertible<int, Handle>::value, "adopting is written out");
  Handle handle;
  BOOST_TEST(!handle.is_open());
  BOOST_TEST(handle.native_handle() == -1);
}

BOOST_AUTO_TEST_CASE(a_handle_is_a_descriptor_and_nothing_else) {
  check_shape<mioext::tcp_socket>();
  check_shape<mioext::tcp_acceptor>();
  check_shape<mioext::udp_socket>();
  check_shape<mioext::unix_socket>();
  check_shape<mioext::unix_acceptor>();
  check_shape<mioext::unix_datagram>();
}

template <class Handle> void check_closed() {
  Handle handle;
  error_code ec;
  handle.bind(typename Handle::endpoint_type(), ec);
  BOOST_TEST(ec == error::bad_descriptor);
  handle.local_endpoint(ec);
  BOOST_TEST(ec == error::bad_descriptor);
  handle.set_option(boost::asio::socket_base::reuse_address(true), ec);
  BOOST_TEST(ec == error::bad_descriptor);
  boost::asio::socket_base::reuse_address option;
  handle.get_option(option, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  boost::asio::socket_base::bytes_readable command;
  handle.io_control(command, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  BOOST_TEST(handle.take_error() == error::bad_descriptor);
  BOOST_TEST(handle.release(ec) == -1);
  BOOST_TEST(ec == error::bad_descriptor);
  boost::asio::io_context context;
  BOOST_TEST(!handle.into_asio(context, ec).is_open());
  BOOST_TEST(ec == error::bad_descriptor);
  handle.close(ec);
  BOOST_TEST(!ec);

  BOOST_TEST(test::error_of([&] { handle.local_endpoint(); }) == error::bad_descriptor);
  BOOST_TEST(test::error_of([&] { handle.release(); }) == error::bad_descriptor);
  BOOST_TEST(test::error_of([&] { handle.into_asio(context); }) == error::bad_descriptor);
  handle.close();
}

BOOST_AUTO_TEST_CASE(a_closed_handle_says_bad_descriptor_and_closes_with_success) {
  check_closed<mioext::tcp_socket>();
  check_closed<mioext::tcp_acceptor>();
  check_closed<mioext::udp_socket>();
  check_closed<mioext::unix_socket>();
  check_closed<mioext::unix_acceptor>();
  check_closed<mioext::unix_datagram>();
}

BOOST_AUTO_TEST_CASE(a_closed_socket_has_neither_peer_nor_data) {
  mioext::tcp_socket socket;
  error_code ec;
  socket.remote_endpoint(ec);
  BOOST_TEST(ec == error::bad_descriptor);
  BOOST_TEST(socket.available(ec) == 0u);
  BOOST_TEST(ec == error::bad_descriptor);
  socket.shutdown(mioext::tcp_socket::shutdown_both, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  BOOST_TEST(test::error_of([&] { socket.remote_endpoint(); }) == error::bad_descriptor);
  BOOST_TEST(test::error_of([&] { socket.available(); }) == error::bad_descriptor);
}

template <class Handle, class Protocol> void check_open(Protocol const& protocol) {
  Handle handle(protocol);
  BOOST_TEST(handle.is_open());
  BOOST_TEST(test::is_prepared(handle.native_handle()));
  error_code ec;
  handle.open(protocol, ec);
  BOOST_TEST(ec == error::already_open);
  BOOST_TEST(test::error_of([&] { handle.open(protocol); }) == error::already_open);

  int const fd = handle.native_handle();
  handle.close();
  BOOST_TEST(!handle.is_open());
  BOOST_TEST(!test::is_descriptor(fd));
  handle.close(ec);
  BOOST_TEST(!ec);
  handle.open(protocol, ec);
  BOOST_TEST(!ec);
  BOOST_TEST(test::is_prepared(handle.native_handle()));
}

BOOST_AUTO_TEST_CASE(open_makes_it_non_blocking_and_close_on_exec_and_refuses_a_second_time) {
  check_open<mioext::tcp_socket>(tcp::v4());
  check_open<mioext::tcp_acceptor>(tcp::v4());
  check_open<mioext::udp_socket>(udp::v4());
  check_open<mioext::unix_socket>(boost::asio::local::stream_protocol());
  check_open<mioext::unix_acceptor>(boost::asio::local::stream_protocol());
  check_open<mioext::unix_datagram>(boost::asio::local::datagram_protocol());
}

BOOST_AUTO_TEST_CASE(open_without_descriptors_says_so_and_stays_closed) {
  mioext::tcp_socket socket;
  error_code ec;
  {
    test::no_descriptors_left limit;
    socket.open(tcp::v4(), ec);
  }
  BOOST_TEST(ec == error::no_descriptors);
  BOOST_TEST(!socket.is_open());
}

BOOST_AUTO_TEST_CASE(the_destructor_closes) {
  int fd;
  {
    mioext::udp_socket socket(udp::v4());
    fd = socket.native_handle();
    BOOST_TEST(test::is_descriptor(fd));
  }
  BOOST_TEST(!test::is_descriptor(fd));
}

BOOST_AUTO_TEST_CASE(a_constructor_that_throws_leaves_no_descriptor) {
  mioext::tcp_acceptor taken(test::loopback());
  std::size_t const before = test::open_descriptors();
  BOOST_TEST(test::error_of([&] { mioext::tcp_socket socket(taken.local_endpoint()); }) ==
             error::address_in_use);
  BOOST_TEST(test::error_of([&] { mioext::tcp_acceptor acceptor(taken.local_endpoint()); }) ==
             error::address_in_use);
  BOOST_TEST(test::open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(a_moved_from_socket_is_closed_and_can_be_opened_again) {
  mioext::tcp_socket first(tcp::v4());
  int const fd = first.native_handle();
  mioext::tcp_socket second(std::move(first));
  BOOST_TEST(second.native_handle() == fd);
  BOOST_TEST(!first.is_open());
  first.open(tcp::v4());
  BOOST_TEST(first.is_open());
  BOOST_TEST(first.native_handle() != fd);
}

BOOST_AUTO_TEST_CASE(move_assignment_closes_what_was_held) {
  mioext::tcp_socket first(tcp::v4());
  mioext::tcp_socket second(tcp::v4());
  int const held = first.native_handle();
  int const taken = second.native_handle();
  first = std::move(second);
  BOOST_TEST(!test::is_descriptor(held));
  BOOST_TEST(first.native_handle() == taken);
  BOOST_TEST(!second.is_open());
  first = mioext::tcp_socket();
  BOOST_TEST(!first.is_open());
  BOOST_TEST(!test::is_descriptor(taken));
}

BOOST_AUTO_TEST_CASE(a_socket_moved_onto_itself_is_unchanged) {
  mioext::tcp_socket socket(tcp::v4());
  int const fd = socket.native_handle();
  mioext::tcp_socket& same = socket;
  socket = std::move(same);
  BOOST_TEST(socket.native_handle() == fd);
  BOOST_TEST(test::is_descriptor(fd));
}

BOOST_AUTO_TEST_CASE(a_released_descriptor_stays_open_and_can_be_adopted) {
  mioext::udp_socket socket(udp::v4());
  int const fd = socket.release();
  BOOST_TEST(!socket.is_open());
  BOOST_TEST(test::is_descriptor(fd));
  mioext::udp_socket adopted(fd);
  BOOST_TEST(adopted.native_handle() == fd);
}

BOOST_AUTO_TEST_CASE(an_adopted_descriptor_becomes_non_blocking_and_close_on_exec) {
  int const fd = ::socket(AF_INET, SOCK_STREAM, 0);
  BOOST_REQUIRE(fd >= 0);
  BOOST_TEST(!test::is_prepared(fd));
  mioext::tcp_socket socket;
  error_code ec = error::fault;
  socket.assign(tcp::v4(), fd, ec);
  BOOST_TEST(!ec);
  BOOST_TEST(socket.native_handle() == fd);
  BOOST_TEST(test::is_prepared(fd));
}

BOOST_AUTO_TEST_CASE(adopting_by_an_open_socket_is_refused_and_the_caller_keeps_the_descriptor) {
  mioext::tcp_socket socket(tcp::v4());
  mioext::tcp_socket other(tcp::v4());
  int const held = socket.native_handle();
  error_code ec;
  socket.assign(other.native_handle(), ec);
  BOOST_TEST(ec == error::already_open);
  BOOST_TEST(socket.native_handle() == held);
  BOOST_TEST(test::is_descriptor(other.native_handle()));
  BOOST_TEST(test::error_of([&] { socket.assign(other.native_handle()); }) == error::already_open);
}

BOOST_AUTO_TEST_CASE(adopting_no_descriptor_is_refused_and_leaves_the_socket_closed) {
  int closed;
  {
    mioext::tcp_socket gone(tcp::v4());
    closed = gone.native_handle();
  }
  mioext::tcp_socket socket;
  error_code ec;
  socket.assign(closed, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  BOOST_TEST(!socket.is_open());
  socket.assign(-1, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  BOOST_TEST(!socket.is_open());
  BOOST_TEST(test::error_of([&] { mioext::tcp_socket adopted(closed); }) == error::bad_descriptor);
  BOOST_TEST(test::error_of([&] { mioext::tcp_socket adopted(tcp::v4(), -1); }) ==
             error::bad_descriptor);
}

BOOST_AUTO_TEST_CASE(the_loop_hears_of_every_descriptor_before_it_is_closed) {
  test::recording_scope scope;
  mioext::tcp_socket socket(tcp::v4());
  int const first = socket.native_handle();
  socket.close();
  BOOST_TEST(scope.closed == first);
  BOOST_TEST(scope.was_open);
  BOOST_TEST(scope.count == 1);

  socket.close();
  BOOST_TEST(scope.count == 1);

  int destroyed;
  {
    mioext::tcp_acceptor acceptor(tcp::v4());
    destroyed = acceptor.native_handle();
  }
  BOOST_TEST(scope.closed == destroyed);
  BOOST_TEST(scope.was_open);
  BOOST_TEST(scope.count == 2);

  socket.open(tcp::v4());
  int const assigned = socket.native_handle();
  socket = mioext::tcp_socket(tcp::v4());
  BOOST_TEST(scope.closed == assigned);
  BOOST_TEST(scope.was_open);
  BOOST_TEST(scope.count == 3);

  mioext::tcp_socket moved(std::move(socket));
  ::close(moved.release());
  BOOST_TEST(scope.count == 3);
}

BOOST_AUTO_TEST_CASE(take_error_prefers_what_the_loop_knows_and_reports_it_once) {
  mioext::unix_socket socket{boost::asio::local::stream_protocol()};
  test::recording_scope scope;
  scope.refused = socket.native_handle();
  scope.connect_error = ECONNREFUSED;
  BOOST_TEST(socket.take_error() == error::connection_refused);
  BOOST_TEST(!socket.take_error());
}

BOOST_AUTO_TEST_CASE(options_are_set_and_read) {
  mioext::tcp_socket socket(tcp::v4());
  socket.set_option(tcp::no_delay(true));
  tcp::no_delay no_delay;
  socket.get_option(no_delay);
  BOOST_TEST(no_delay.value());

  socket.set_option(boost::asio::socket_base::reuse_address(true));
  boost::asio::socket_base::reuse_address reuse_address;
  socket.get_option(reuse_address);
  BOOST_TEST(reuse_address.value());

  socket.set_option(boost::asio::socket_base::linger(true, 7));
  boost::asio::socket_base::linger linger;
  socket.get_option(linger);
  BOOST_TEST(linger.enabled());
  BOOST_TEST(linger.timeout() == 7);
  socket.set_option(boost::asio::socket_base::linger(false, 0));

  socket.set_option(boost::asio::ip::unicast::hops(9));
  boost::asio::ip::unicast::hops hops;
  socket.get_option(hops);
  BOOST_TEST(hops.value() == 9);
}

BOOST_AUTO_TEST_CASE(a_buffer_size_is_read_as_it_was_set) {
  mioext::tcp_socket socket(tcp::v4());
  socket.set_option(boost::asio::socket_base::receive_buffer_size(8192));
  socket.set_option(boost::asio::socket_base::send_buffer_size(16384));
  boost::asio::socket_base::receive_buffer_size receive_size;
  boost::asio::socket_base::send_buffer_size send_size;
  socket.get_option(receive_size);
  socket.get_option(send_size);
  BOOST_TEST(receive_size.value() == 8192);
  BOOST_TEST(send_size.value() == 16384);
}

BOOST_AUTO_TEST_CASE(an_option_that_depends_on_the_family_works_for_an_adopted_socket) {
  mioext::udp_socket original;
  error_code ec;
  original.open(udp::v6(), ec);
  if (ec == error::address_family_not_supported) {
    BOOST_TEST_MESSAGE("not tested: this system has no IPv6");
    return;
  }
  BOOST_REQUIRE(!ec);
  mioext::udp_socket socket(original.release()); // nobody says here that it is IPv6
  socket.set_option(boost::asio::ip::v6_only(true));
  boost::asio::ip::v6_only v6_only;
  socket.get_option(v6_only);
  BOOST_TEST(v6_only.value());
  socket.set_option(boost::asio::ip::multicast::hops(3));
  int hops = 0;
  socklen_t size = sizeof(hops);
  BOOST_TEST(
      ::getsockopt(socket.native_handle(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, &size) == 0);
  BOOST_TEST(hops == 3);
}

BOOST_AUTO_TEST_CASE(an_option_that_the_socket_does_not_have_is_refused) {
  mioext::unix_socket socket{boost::asio::local::stream_protocol()};
  error_code ec;
  socket.set_option(tcp::no_delay(true), ec);
  BOOST_TEST(ec == error::operation_not_supported);
  BOOST_TEST(test::error_of([&] { socket.set_option(tcp::no_delay(true)); }) == ec);
  mioext::tcp_acceptor acceptor(tcp::v4());
  acceptor.set_option(boost::asio::socket_base::enable_connection_aborted(true), ec);
  BOOST_TEST(ec == error::no_protocol_option);
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_is_no_socket_says_so) {
  test::raw_pipe pipe;
  mioext::tcp_socket socket(pipe.release_reader());
  error_code ec;
  socket.local_endpoint(ec);
  BOOST_TEST(ec == error::not_socket);
  socket.set_option(tcp::no_delay(true), ec);
  BOOST_TEST(ec == error::not_socket);
  BOOST_TEST(socket.take_error() == error::not_socket);
}

BOOST_AUTO_TEST_CASE(a_generic_protocol_without_default_constructor_works) {
  using generic = boost::asio::generic::stream_protocol;
  mioext::basic_stream_socket<generic> socket;
  error_code ec;
  socket.open(generic(tcp::v4()), ec);
  BOOST_TEST(!ec);
  mioext::tcp_acceptor acceptor(test::loopback());
  test::connect(socket, generic::endpoint(acceptor.local_endpoint()));
  socket.set_option(tcp::no_delay(true), ec);
  BOOST_TEST(!ec);
  BOOST_TEST((socket.remote_endpoint() == generic::endpoint(acceptor.local_endpoint())));
}

BOOST_AUTO_TEST_SUITE_END()
