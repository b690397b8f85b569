//
// test/event_loop_connect.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The loop's connect and listen: one truthful notification, always.
//

#include <mioext/event_loop.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <netinet/tcp.h>
#include <sys/resource.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/udp.hpp>
#include <mioext/unix.hpp>

#include "handles.hpp"
#include "support.hpp"
#include "systems.hpp"

BOOST_AUTO_TEST_SUITE(event_loop_connect)

namespace {

namespace errc = boost::system::errc;
using boost::asio::ip::tcp;
using boost::system::error_code;
using local = boost::asio::local::stream_protocol;
using mioext::interest;
using mioext::read_hint;
using mioext::trigger;
using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace support;

tcp::endpoint loopback(unsigned short port = 0) {
  return {boost::asio::ip::address_v4::loopback(), port};
}

/// An address at which nobody listens: bound, so that nobody else can.
struct refusing_peer {
  refusing_peer() : socket(loopback()), endpoint(socket.local_endpoint()) {}

  mioext::tcp_socket socket;
  tcp::endpoint endpoint;
};

int socket_error(int fd) {
  int error = -1;
  ::socklen_t size = sizeof error;
  BOOST_REQUIRE(::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0);
  return error;
}

template <class Loop> bool is_registered(Loop& loop, int fd) {
  error_code ec;
  loop.deregister_handle(fd, ec);
  return !ec;
}

template <class Loop, class Handler>
bool wait_for_calls(Loop& loop, Handler& handler, std::size_t count) {
  return run_until(loop, handler, [&] { return handler.calls.size() >= count; });
}

/// Long enough for several retries of a connect that waits.
template <class Loop, class Handler> void let_it_retry(Loop& loop, Handler& handler) {
  auto const end = std::chrono::steady_clock::now() + milliseconds(40);
  while (std::chrono::steady_clock::now() < end) {
    loop.run_once(handler, end - std::chrono::steady_clock::now());
  }
}

strings const one_outcome{"writable token(1)"};

} // namespace

// --- What the system reports by itself -----------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_tcp_connect_is_reported_once_from_run_and_is_made) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(loopback());
  mioext::tcp_socket socket;
  loop.connect(socket, acceptor.local_endpoint(), token(1)); // opens it
  BOOST_TEST(handler.calls.empty());
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(!socket.take_error());
  BOOST_TEST(socket.remote_endpoint() == acceptor.local_endpoint());
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_refused_tcp_connect_is_reported_once_and_take_error_says_why) {
  loop_under_test<> loop;
  recorder<> handler;
  refusing_peer peer;
  mioext::tcp_socket socket;
  error_code outcome;
  handler.on_writable = [&](mioext::event_loop&, mioext::token) { outcome = socket.take_error(); };
  error_code ec;
  loop.connect(socket, peer.endpoint, token(1), ec);
  BOOST_REQUIRE(!ec);
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(outcome == errc::connection_refused);
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_unix_connect_that_succeeds_at_once_is_reported_from_run,
                     *test::needs_linux("only there are addresses abstract")) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::unix_acceptor acceptor(
      local::endpoint(std::string("\0mioext connect", 15) + std::to_string(::getpid())));
  mioext::unix_socket socket;
  loop.connect(socket, acceptor.local_endpoint(), token(1));
  BOOST_TEST(handler.calls.empty());
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
  BOOST_TEST(!socket.take_error());
}

BOOST_AUTO_TEST_CASE(a_connect_that_fails_at_once_says_so_and_registers_nothing) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::unix_socket socket;
  error_code ec;
  loop.connect(socket, local::endpoint("/nonexistent/mioext"), token(1), ec);
  BOOST_TEST(ec == errc::no_such_file_or_directory);
  BOOST_TEST(!is_registered(loop, socket.native_handle()));
  BOOST_CHECK_THROW(loop.connect(socket, local::endpoint("/nonexistent/mioext"), token(1)),
                    boost::system::system_error);
  loop.connect(-1, loopback(1), token(1), ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
  run_all(loop, handler);
  BOOST_TEST(handler.calls.empty());
}

BOOST_AUTO_TEST_CASE(a_second_connect_fails_and_leaves_the_first_alone) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(loopback());
  mioext::tcp_socket socket;
  loop.connect(socket, acceptor.local_endpoint(), token(1));
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  error_code ec;
  loop.connect(socket, acceptor.local_endpoint(), token(2), ec);
  BOOST_TEST(ec == errc::already_connected);
  mioext::tcp_socket peer = acceptor.accept();
  handler.calls.clear();
  run_all(loop, handler);
  handler.calls.clear();
  peer.write_some(boost::asio::buffer("x", 1));
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(handler.calls[0] == "readable token(1) data");
}

// Linux answers one call after a connect that went on with success, whoever made it.
BOOST_AUTO_TEST_CASE(a_connected_socket_is_refused_and_stays_registered_whoever_connected_it) {
  mioext::tcp_acceptor acceptor(loopback());
  boost::asio::io_context context;
  enum class way { by_the_user, by_the_user_and_asked_again, by_asio_which_waited };
  for (way how : {way::by_the_user, way::by_the_user_and_asked_again, way::by_asio_which_waited}) {
    loop_under_test<> loop;
    recorder<> handler;
    mioext::tcp_socket socket;
    error_code ec;
    if (how == way::by_asio_which_waited) {
      tcp::socket asio_socket(context);
      asio_socket.connect(acceptor.local_endpoint());
      socket.assign(std::move(asio_socket));
    } else {
      test::connect(socket, acceptor.local_endpoint());
    }
    if (how == way::by_the_user_and_asked_again) {
      socket.connect(acceptor.local_endpoint(), ec);
      BOOST_TEST(ec == errc::already_connected);
    }
    loop.register_handle(socket, token(7), interest::readable);
    loop.connect(socket, acceptor.local_endpoint(), token(1), ec);
    BOOST_TEST(ec == errc::already_connected);
    loop.connect(socket, refusing_peer().endpoint, token(2), ec);
    BOOST_TEST(ec == errc::already_connected);
    run_all(loop, handler);
    BOOST_TEST(handler.calls.empty());
    mioext::tcp_socket peer = acceptor.accept();
    peer.write_some(boost::asio::buffer("x", 1));
    BOOST_TEST(wait_for_calls(loop, handler, 1));
    BOOST_TEST(handler.calls == strings{"readable token(7) data"},
               boost::test_tools::per_element());
  }
}

// Of such a Unix socket, Linux says first what there is to say of the address.
BOOST_AUTO_TEST_CASE(a_connected_unix_socket_does_not_wait_for_room_and_stays_registered) {
  loop_under_test<> loop;
  recorder<> handler;
  auto sockets = mioext::unix_socket::pair();
  loop.register_handle(sockets.first, token(7), interest::readable);
  error_code ec;
  loop.connect(sockets.first, local::endpoint("/nonexistent/mioext"), token(1), ec);
  BOOST_TEST(ec == errc::already_connected);
  mioext::unix_acceptor acceptor;
  acceptor.open();
  bind_to_any(acceptor);
  acceptor.listen(4);
  loop.connect(sockets.first, acceptor.local_endpoint(), token(1), ec);
  BOOST_TEST(ec == errc::already_connected);
  if (test::has_linux) {
    full_listener const full;
    loop.connect(sockets.first, full.endpoint, token(1), ec);
    BOOST_TEST(ec == errc::already_connected);
  }
  let_it_retry(loop, handler);
  BOOST_TEST(handler.calls.empty());
  sockets.second.write_some(boost::asio::buffer("x", 1));
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(handler.calls == strings{"readable token(7) data"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_listener_cannot_be_connected_and_stays_registered) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor other(loopback());
  mioext::tcp_acceptor acceptor(loopback());
  mioext::unix_acceptor unix_acceptor;
  unix_acceptor.open();
  bind_to_any(unix_acceptor);
  loop.listen(acceptor, 4, token(1));
  loop.listen(unix_acceptor, 4, token(2));
  error_code ec;
  loop.connect(acceptor, other.local_endpoint(), token(8), ec);
  BOOST_TEST(ec);
  loop.connect(unix_acceptor, local::endpoint("/nonexistent/mioext"), token(8), ec);
  BOOST_TEST(ec);
  if (test::has_linux) {
    full_listener const full;
    loop.connect(unix_acceptor, full.endpoint, token(8), ec);
    BOOST_TEST(ec == errc::invalid_argument);
  }
  let_it_retry(loop, handler);
  BOOST_TEST(handler.calls.empty());
  mioext::tcp_socket client;
  mioext::unix_socket unix_client;
  client.connect(acceptor.local_endpoint(), ec);
  unix_client.connect(unix_acceptor.local_endpoint(), ec);
  BOOST_TEST(wait_for_calls(loop, handler, 2));
  std::sort(handler.calls.begin(), handler.calls.end());
  BOOST_TEST(handler.calls == (strings{"readable token(1) data", "readable token(2) data"}),
             boost::test_tools::per_element());
}

// What the user began is the user's; what it could not begin, the loop does.
BOOST_AUTO_TEST_CASE(a_connect_that_the_user_began_is_left_alone,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  mioext::unix_socket socket;
  error_code ec;
  socket.connect(listener.endpoint, ec);
  BOOST_TEST(ec == boost::asio::error::would_block);
  loop.connect(socket, listener.endpoint, token(1));
  let_it_retry(loop, handler);
  BOOST_TEST(handler.calls.empty());
  listener.drain();
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
  BOOST_TEST(!socket.take_error());
  loop.connect(socket, listener.endpoint, token(2), ec);
  BOOST_TEST(ec == errc::already_connected);
}

BOOST_AUTO_TEST_CASE(a_datagram_socket_is_connected_again) {
  loop_under_test<> loop;
  recorder<> handler;
  using udp = boost::asio::ip::udp;
  mioext::udp_socket first(udp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  mioext::udp_socket second(udp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  mioext::udp_socket socket;
  loop.connect(socket, first.local_endpoint(), token(9));
  loop.connect(socket, second.local_endpoint(), token(1));
  BOOST_TEST((socket.remote_endpoint() == second.local_endpoint()));
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
}

#ifdef TCP_FASTOPEN_CONNECT
// The connect waits for the first write, which the notification is for.
BOOST_AUTO_TEST_CASE(with_fast_open_the_first_write_is_what_connects,
                     *test::needs_linux("elsewhere fast open is another call")) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(loopback());
  mioext::tcp_socket socket(tcp::v4());
  int const on = 1;
  int const no_cookie = 34; // TCP_FASTOPEN_NO_COOKIE, which not every C library names
  if (::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof on) !=
          0 ||
      ::setsockopt(socket.native_handle(), IPPROTO_TCP, no_cookie, &on, sizeof on) != 0) {
    BOOST_TEST_MESSAGE("this system has no fast open");
    return;
  }
  loop.connect(socket, acceptor.local_endpoint(), token(1));
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
  BOOST_TEST(!socket.take_error());
  error_code ec;
  socket.write_some(boost::asio::buffer("x", 1), ec);
  BOOST_TEST((!ec || ec == boost::asio::error::in_progress));
  BOOST_TEST(wait_for_calls(loop, handler, 2)); // now it is known
  BOOST_TEST(!socket.take_error());
  BOOST_TEST((socket.remote_endpoint() == acceptor.local_endpoint()));
}
#endif

BOOST_AUTO_TEST_CASE(the_outcome_comes_before_data_that_arrived_with_it) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(loopback());
  mioext::tcp_socket socket;
  loop.connect(socket, acceptor.local_endpoint(), token(1));
  error_code ec;
  mioext::tcp_socket peer;
  while (!peer.is_open()) {
    peer = acceptor.accept(ec);
  }
  peer.write_some(boost::asio::buffer("hello", 5));
  peer.close();
  BOOST_TEST(wait_for_calls(loop, handler, 2));
  run_all(loop, handler);
  BOOST_REQUIRE(handler.calls.size() >= 2u);
  BOOST_TEST(handler.calls[0] == "writable token(1)");
  BOOST_TEST(handler.calls[1].substr(0, 17) == "readable token(1)");
  BOOST_TEST(std::count(handler.calls.begin(), handler.calls.end(), "writable token(1)") == 1);
  BOOST_TEST(drain(socket.native_handle()) == "hello");
}

BOOST_AUTO_TEST_CASE(a_handle_registered_before_its_connect_hears_nothing_before_the_outcome) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(loopback());
  mioext::tcp_socket socket(tcp::v4());
  // The kernel reports an unconnected TCP socket as hung up; that event is waiting already.
  loop.register_handle(socket, token(9), interest::readable | interest::writable);
  loop.connect(socket, acceptor.local_endpoint(), token(1));
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(!socket.take_error());
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_connect_from_a_handler_drops_the_hang_up_of_the_same_batch) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(loopback());
  mioext::tcp_socket sockets[2] = {mioext::tcp_socket(tcp::v4()), mioext::tcp_socket(tcp::v4())};
  loop.register_handle(sockets[0], token(0), interest::readable);
  loop.register_handle(sockets[1], token(1), interest::readable);
  std::size_t other = 2;
  handler.on_readable = [&](mioext::event_loop& in, mioext::token called, read_hint) {
    if (other == 2) {
      other = 1 - called.value();
      in.connect(sockets[other], acceptor.local_endpoint(), token(5));
    }
  };
  BOOST_TEST(wait_for_calls(loop, handler, 2));
  run_all(loop, handler);
  BOOST_REQUIRE(handler.calls.size() == 2u);
  BOOST_TEST(handler.calls[1] == "writable token(5)");
  BOOST_TEST(!sockets[other].take_error());
}

BOOST_AUTO_TEST_CASE(a_connecting_socket_can_be_deregistered_or_closed) {
  for (bool closed : {false, true}) {
    loop_under_test<> loop;
    recorder<> handler;
    mioext::tcp_acceptor acceptor(loopback());
    mioext::tcp_socket socket;
    loop.connect(socket, acceptor.local_endpoint(), token(1));
    if (closed) {
      socket.close();
    } else {
      loop.deregister_handle(socket);
    }
    loop.run_once(handler, milliseconds(20));
    BOOST_TEST(handler.calls.empty());
  }
}

BOOST_AUTO_TEST_CASE(the_interest_asked_for_applies_after_the_outcome) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(loopback());
  mioext::tcp_socket socket;
  loop.connect(socket, acceptor.local_endpoint(), token(1), interest::readable, trigger::level);
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
  mioext::tcp_socket peer = acceptor.accept();
  peer.write_some(boost::asio::buffer("x", 1));
  BOOST_TEST(wait_for_calls(loop, handler, 3)); // level: again and again
  BOOST_TEST(handler.calls[1] == "readable token(1) data");
  BOOST_TEST(handler.calls[2] == "readable token(1) data");
}

BOOST_AUTO_TEST_CASE(with_oneshot_the_outcome_is_the_one_event) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(loopback());
  mioext::tcp_socket socket;
  loop.connect(socket, acceptor.local_endpoint(), token(1), interest::readable | interest::writable,
               trigger::oneshot);
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  mioext::tcp_socket peer = acceptor.accept();
  peer.close();
  loop.run_once(handler, milliseconds(20));
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
  loop.reregister_handle(socket, token(2), interest::readable, trigger::oneshot);
  BOOST_TEST(wait_for_calls(loop, handler, 2));
  BOOST_TEST(handler.calls[1] == "readable token(2) hup");
}

BOOST_AUTO_TEST_CASE(exclusive_and_no_interest_are_refused) {
  loop_under_test<> loop;
  mioext::tcp_acceptor acceptor(loopback());
  mioext::tcp_socket socket;
  error_code ec;
  loop.connect(socket, acceptor.local_endpoint(), token(1), interest::writable, trigger::exclusive,
               ec);
  BOOST_TEST(ec == errc::invalid_argument);
  loop.connect(socket, acceptor.local_endpoint(), token(1), interest::none, trigger::edge, ec);
  BOOST_TEST(ec == errc::invalid_argument);
  BOOST_TEST(!socket.is_open());
}

BOOST_AUTO_TEST_CASE(a_datagram_socket_connects_too) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::udp_socket peer(
      boost::asio::ip::udp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  mioext::udp_socket socket;
  loop.connect(socket, peer.local_endpoint(), token(1));
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_datagram_socket_whose_peer_has_no_room_connects_too,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_datagram_peer peer;
  // The kernel says nothing of it before the peer reads: it is connected, and not writable.
  mioext::unix_datagram socket;
  loop.connect(socket, peer.socket.local_endpoint(), token(1));
#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
  BOOST_TEST((loop.time_to_next_timer() == std::chrono::nanoseconds::zero()));
#endif
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
  BOOST_TEST(!socket.take_error());
  peer.make_room();
  BOOST_TEST(wait_for_calls(loop, handler, 2)); // now it is writable
}

BOOST_AUTO_TEST_CASE(with_oneshot_that_is_the_one_event_too,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_datagram_peer peer;
  mioext::unix_datagram socket;
  loop.connect(socket, peer.socket.local_endpoint(), token(1), interest::writable,
               trigger::oneshot);
  run_all(loop, handler);
  peer.make_room(); // makes room
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
  loop.reregister_handle(socket, token(2), interest::writable, trigger::oneshot);
  run_all(loop, handler);
  BOOST_REQUIRE(handler.calls.size() == 2u);
  BOOST_TEST(handler.calls[1] == "writable token(2)");
  loop.deregister_handle(socket);
}

BOOST_AUTO_TEST_CASE(a_handle_registered_as_exclusive_connects_and_listens,
                     *test::needs_epoll("kqueue has no exclusive")) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(tcp::v4());
  acceptor.bind(loopback());
  loop.register_handle(acceptor, token(8), interest::readable, trigger::exclusive);
  loop.listen(acceptor, 16, token(9));
  mioext::tcp_socket socket(tcp::v4());
  loop.register_handle(socket, token(8), interest::writable, trigger::exclusive);
  loop.connect(socket, acceptor.local_endpoint(), token(1));
  BOOST_TEST(wait_for_calls(loop, handler, 2));
  std::sort(handler.calls.begin(), handler.calls.end());
  BOOST_TEST(handler.calls == (strings{"readable token(9) data", "writable token(1)"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(asio_sockets_and_plain_descriptors_connect_and_become_non_blocking) {
  loop_under_test<> loop;
  recorder<> handler;
  boost::asio::io_context context;
  tcp::acceptor acceptor(context, loopback());
  tcp::socket socket(context);
  loop.connect(socket, acceptor.local_endpoint(), token(1)); // opens it
  BOOST_TEST(socket.non_blocking());
  mioext::detail::file_descriptor const plain(::socket(AF_INET, SOCK_STREAM, 0));
  loop.connect(plain.get(), acceptor.local_endpoint(), token(2));
  BOOST_TEST((::fcntl(plain.get(), F_GETFL) & O_NONBLOCK) != 0);
  BOOST_TEST(wait_for_calls(loop, handler, 2));
  run_all(loop, handler);
  std::sort(handler.calls.begin(), handler.calls.end());
  BOOST_TEST(handler.calls == (strings{"writable token(1)", "writable token(2)"}),
             boost::test_tools::per_element());
  BOOST_TEST((socket.remote_endpoint() == acceptor.local_endpoint()));
  BOOST_TEST(socket_error(plain.get()) == 0);
}

// A handler that does the I/O of Asio's socket wants it to say would_block. A stream's user said
// beforehand what its synchronous reads do.
BOOST_AUTO_TEST_CASE(a_stream_that_connects_goes_on_to_wait_or_not_to_wait) {
  using stream = mioext::stream<mioext::tcp_socket>;
  using stream_of_asio = mioext::stream<tcp::socket>;
  loop_under_test<> loop;
  recorder<> handler;
  boost::asio::io_context context;
  mioext::tcp_acceptor acceptor(loopback());
  stream waits(context);
  stream_of_asio waits_too(context);
  stream does_not(context, tcp::v4());
  does_not.non_blocking(true);
  stream was_blocking(context, tcp::v4());
  was_blocking.native_non_blocking(false);
  loop.connect(waits, acceptor.local_endpoint(), token(1));
  loop.connect(waits_too, acceptor.local_endpoint(), token(2));
  loop.connect(does_not, acceptor.local_endpoint(), token(3));
  loop.connect(was_blocking, acceptor.local_endpoint(), token(4));
  BOOST_TEST(wait_for_calls(loop, handler, 4));
  BOOST_TEST(!waits.non_blocking());
  BOOST_TEST(!waits_too.non_blocking());
  BOOST_TEST(does_not.non_blocking());
  BOOST_TEST(was_blocking.native_non_blocking());
  char byte = 0;
  error_code ec;
  does_not.read_some(boost::asio::buffer(&byte, 1), ec);
  BOOST_TEST(ec == boost::asio::error::would_block);
  std::vector<mioext::tcp_socket> peers;
  while (peers.size() != 4) {
    mioext::tcp_socket peer = acceptor.accept(ec);
    if (!ec) {
      peer.write_some(boost::asio::buffer("x", 1));
      peers.push_back(std::move(peer));
    }
  }
  BOOST_TEST(waits.read_some(boost::asio::buffer(&byte, 1)) == 1u);
  BOOST_TEST(waits_too.read_some(boost::asio::buffer(&byte, 1)) == 1u);
  BOOST_TEST(was_blocking.read_some(boost::asio::buffer(&byte, 1)) == 1u);
}

// --- A Unix listener without room ----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(unix_connect_with_full_backlog_reports_the_truth,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  mioext::unix_socket socket;
  loop.connect(socket, listener.endpoint, token(1));
  let_it_retry(loop, handler);
  BOOST_TEST(handler.calls.empty()); // above all no hang-up
  BOOST_TEST(listener.drain() > 0u);
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(!socket.take_error());
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());

  BOOST_TEST(listener.drain() == 1u);
  BOOST_TEST(socket.write_some(boost::asio::buffer("hello", 5)) == 5u);
  BOOST_TEST(drain(listener.accepted.back().native_handle()) == "hello");
  listener.accepted.back().write_some(boost::asio::buffer("x", 1));
  BOOST_TEST(wait_for_calls(loop, handler, 2));
  BOOST_TEST(handler.calls[1] == "readable token(1) data");
}

BOOST_AUTO_TEST_CASE(unix_connect_refused_after_waiting_reports_the_truth,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  mioext::unix_socket socket;
  loop.connect(socket, listener.endpoint, token(1));
  let_it_retry(loop, handler);
  listener.acceptor.close();
  error_code outcome;
  handler.on_writable = [&](mioext::event_loop&, mioext::token) { outcome = socket.take_error(); };
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(outcome == errc::connection_refused);
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
  BOOST_TEST(!socket.take_error()); // taken
}

BOOST_AUTO_TEST_CASE(a_refusal_after_waiting_is_told_to_every_kind_of_handle_and_later_too,
                     *test::needs_linux("only there does a Unix socket wait for room") *
                         test::needs_kernel("libkqueue takes SO_ERROR for itself")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  boost::asio::io_context context;
  mioext::unix_socket socket;
  local::socket asio_socket(context);
  mioext::detail::file_descriptor const plain(::socket(AF_UNIX, SOCK_STREAM, 0));
  loop.connect(socket, listener.endpoint, token(1));
  loop.connect(asio_socket, listener.endpoint, token(2));
  loop.connect(plain.get(), listener.endpoint, token(3));
  listener.acceptor.close();
  BOOST_TEST(wait_for_calls(loop, handler, 3));
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 3u);
  BOOST_TEST(socket.take_error() == errc::connection_reset); // the system's only word for it
  BOOST_TEST(socket_error(asio_socket.native_handle()) == ECONNRESET);
  BOOST_TEST(socket_error(plain.get()) == ECONNRESET);
}

BOOST_AUTO_TEST_CASE(
    a_refusal_is_told_even_when_descriptors_are_short,
    *test::needs_kernel("libkqueue waits with ppoll(2), which then refuses even one descriptor")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  mioext::unix_socket socket;
  loop.connect(socket, listener.endpoint, token(1));
  listener.acceptor.close();
  ::rlimit before;
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  ::rlimit none = before;
  none.rlim_cur = 0;
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  let_it_retry(loop, handler);
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  BOOST_TEST(handler.calls.empty());
  error_code outcome;
  handler.on_writable = [&](mioext::event_loop&, mioext::token) { outcome = socket.take_error(); };
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(outcome == errc::connection_refused);
}

BOOST_AUTO_TEST_CASE(a_waiting_connect_whose_path_goes_away_says_so,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  std::string const path = "/tmp/mioext-connect-" + std::to_string(::getpid());
  std::remove(path.c_str());
  mioext::unix_acceptor acceptor;
  acceptor.open(local());
  acceptor.bind(local::endpoint(path));
  acceptor.listen(0);
  std::vector<mioext::unix_socket> queued;
  error_code ec;
  while (!ec) {
    queued.emplace_back();
    queued.back().connect(local::endpoint(path), ec);
  }
  mioext::unix_socket socket;
  loop.connect(socket, local::endpoint(path), token(1));
  BOOST_REQUIRE(std::remove(path.c_str()) == 0);
  error_code outcome;
  handler.on_writable = [&](mioext::event_loop&, mioext::token) { outcome = socket.take_error(); };
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(outcome == errc::no_such_file_or_directory);
}

BOOST_AUTO_TEST_CASE(a_handle_registered_before_may_have_to_wait_too,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  mioext::unix_socket socket{local()};
  loop.register_handle(socket, token(9), interest::readable | interest::writable);
  loop.connect(socket, listener.endpoint, token(1));
  let_it_retry(loop, handler);
  BOOST_TEST(handler.calls.empty());
  listener.drain();
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_waiting_connect_can_be_deregistered,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  mioext::unix_socket socket;
  loop.connect(socket, listener.endpoint, token(1));
  error_code ec;
  loop.register_handle(socket, token(2), interest::readable, ec);
  BOOST_TEST(ec == errc::file_exists);
  loop.deregister_handle(socket);
  loop.deregister_handle(socket, ec);
  BOOST_TEST(ec == errc::no_such_file_or_directory);
  std::size_t const queued = listener.drain();
  BOOST_TEST(queued == listener.queued.size());
  let_it_retry(loop, handler);
  BOOST_TEST(handler.calls.empty());
  BOOST_TEST(listener.drain() == 0u);
}

BOOST_AUTO_TEST_CASE(a_waiting_connect_can_be_reregistered,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  mioext::unix_socket socket;
  loop.connect(socket, listener.endpoint, token(9));
  loop.reregister_handle(socket, token(1), interest::readable);
  listener.drain();
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_waiting_connect_can_be_begun_anew,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener first;
  full_listener second;
  mioext::unix_socket socket;
  loop.connect(socket, first.endpoint, token(9));
  loop.connect(socket, second.endpoint, token(1));
  let_it_retry(loop, handler);
  first.drain();
  second.drain();
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
  BOOST_TEST(first.drain() == 0u);
  BOOST_TEST(second.drain() == 1u);
}

BOOST_AUTO_TEST_CASE(a_connect_that_fails_at_once_ends_the_wait_of_an_earlier_one,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  mioext::unix_socket socket;
  loop.connect(socket, listener.endpoint, token(9));
  error_code ec;
  loop.connect(socket, local::endpoint("/nonexistent/mioext"), token(1), ec);
  BOOST_TEST(ec == errc::no_such_file_or_directory);
  BOOST_TEST(!is_registered(loop, socket.native_handle()));
  listener.drain();
  let_it_retry(loop, handler);
  BOOST_TEST(handler.calls.empty());
  BOOST_TEST(listener.drain() == 0u);
}

BOOST_AUTO_TEST_CASE(a_refusal_is_told_to_the_socket_that_was_refused_and_to_no_other,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  mioext::detail::file_descriptor plain(::socket(AF_UNIX, SOCK_STREAM, 0));
  loop.connect(plain.get(), listener.endpoint, token(1));
  listener.acceptor.close();
  BOOST_TEST(wait_for_calls(loop, handler, 1)); // which does not ask
  int const number = plain.release();
  mioext::udp_socket const source(boost::asio::ip::udp::v4());
  BOOST_REQUIRE(::dup2(source.native_handle(), number) == number); // closes the old one
  mioext::udp_socket stranger(number);
  error_code told = boost::asio::error::fault;
  handler.on_timer = [&](mioext::event_loop&, mioext::token) { told = stranger.take_error(); };
  loop.timer(seconds(0), token(2));
  BOOST_TEST(wait_for_calls(loop, handler, 2));
  BOOST_TEST(!told);
}

BOOST_AUTO_TEST_CASE(deregistering_a_waiting_socket_that_was_closed_says_so,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  full_listener listener;
  mioext::unix_socket socket;
  loop.connect(socket, listener.endpoint, token(1));
  int const number = socket.native_handle();
  socket.close();
  error_code ec;
  loop.deregister_handle(number, ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
}

BOOST_AUTO_TEST_CASE(a_connecting_socket_can_be_reregistered) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(loopback());
  mioext::tcp_socket socket;
  loop.connect(socket, acceptor.local_endpoint(), token(9));
  loop.reregister_handle(socket, token(1), interest::readable);
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  run_all(loop, handler);
  BOOST_TEST(handler.calls == one_outcome, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_loop_never_connects_what_took_the_number_of_a_closed_socket,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  mioext::unix_socket socket;
  loop.connect(socket, listener.endpoint, token(1));
  // Behind the loop's back: close(2), and an unconnected Unix socket under the same number.
  int const number = socket.release();
  mioext::unix_socket stranger{local()};
  BOOST_REQUIRE(::dup2(stranger.native_handle(), number) == number);
  mioext::detail::file_descriptor const owner(number);
  listener.drain();
  let_it_retry(loop, handler);
  BOOST_TEST(handler.calls.empty());
  BOOST_TEST(listener.drain() == 0u);
  loop.register_handle(number, token(2), interest::writable);
  loop.deregister_handle(number);
}

BOOST_AUTO_TEST_CASE(a_waiting_socket_closed_by_a_handler_is_forgotten,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  mioext::unix_socket socket;
  loop.connect(socket, listener.endpoint, token(1));
  int const number = socket.native_handle();
  loop.timer(seconds(0), token(2));
  handler.on_timer = [&](mioext::event_loop&, mioext::token) { socket.close(); };
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  listener.drain();
  let_it_retry(loop, handler);
  BOOST_TEST(handler.calls == strings{"timer token(2)"}, boost::test_tools::per_element());
  BOOST_TEST(!is_registered(loop, number));
  BOOST_TEST(is_idle(loop));
#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
  BOOST_TEST((loop.time_to_next_timer() == std::chrono::nanoseconds::max()));
#endif
}

BOOST_AUTO_TEST_CASE(every_one_of_many_waiting_connects_is_reported_once,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  std::vector<mioext::unix_socket> sockets(100);
  for (std::size_t index = 0; index != sockets.size(); ++index) {
    loop.connect(sockets[index], listener.endpoint, token(index));
  }
  std::size_t accepted = 0;
  BOOST_TEST(run_until(loop, handler, [&] {
    accepted += listener.drain();
    return handler.calls.size() == sockets.size();
  }));
  accepted += listener.drain();
  run_all(loop, handler);
  BOOST_TEST(accepted == sockets.size() + listener.queued.size());
  std::sort(handler.calls.begin(), handler.calls.end());
  BOOST_TEST((std::unique(handler.calls.begin(), handler.calls.end()) == handler.calls.end()));
  for (mioext::unix_socket& socket : sockets) {
    BOOST_TEST(!socket.take_error());
  }
}

BOOST_AUTO_TEST_CASE(a_loop_may_go_while_a_connect_waits,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  full_listener listener;
  mioext::unix_socket socket;
  {
    loop_under_test<> loop;
    loop.connect(socket, listener.endpoint, token(1));
  }
  BOOST_TEST(socket.is_open());
}

// --- Listening -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_connection_that_is_there_before_run_is_reported) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(tcp::v4());
  acceptor.bind(loopback());
  loop.listen(acceptor, 16, token(1));
  mioext::tcp_socket client;
  error_code ec;
  client.connect(acceptor.local_endpoint(), ec);
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(handler.calls == strings{"readable token(1) data"}, boost::test_tools::per_element());
  BOOST_TEST(acceptor.accept().is_open());
}

BOOST_AUTO_TEST_CASE(a_connection_from_between_listening_and_registering_is_reported) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(loopback()); // listens
  mioext::tcp_socket client;
  error_code ec;
  client.connect(acceptor.local_endpoint(), ec);
  loop.listen(acceptor, 16, token(1));
  BOOST_TEST(wait_for_calls(loop, handler, 1));
  BOOST_TEST(handler.calls == strings{"readable token(1) data"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(listening_again_replaces_the_registration) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(tcp::v4());
  acceptor.bind(loopback());
  loop.register_handle(acceptor, token(8), interest::readable);
  loop.listen(acceptor, 16, token(9));
  loop.listen(acceptor, 16, token(1), trigger::level);
  mioext::tcp_socket client;
  error_code ec;
  client.connect(acceptor.local_endpoint(), ec);
  BOOST_TEST(wait_for_calls(loop, handler, 2));
  BOOST_TEST(handler.calls == (strings{"readable token(1) data", "readable token(1) data"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(asio_acceptors_and_plain_descriptors_listen_and_become_non_blocking) {
  loop_under_test<> loop;
  recorder<> handler;
  boost::asio::io_context context;
  tcp::acceptor acceptor(context, tcp::v4());
  acceptor.bind(loopback());
  loop.listen(acceptor, 16, token(1));
  error_code ec;
  acceptor.accept(ec); // blocks for ever if it is blocking
  BOOST_TEST(ec == boost::asio::error::would_block);
  mioext::detail::file_descriptor const plain(::socket(AF_INET, SOCK_STREAM, 0));
  loop.listen(plain.get(), 16, token(2));
  BOOST_TEST((::fcntl(plain.get(), F_GETFL) & O_NONBLOCK) != 0);
}

BOOST_AUTO_TEST_CASE(a_listen_that_fails_registers_nothing) {
  loop_under_test<> loop;
  error_code ec;
  mioext::udp_socket udp(boost::asio::ip::udp::v4());
  loop.listen(udp, 16, token(1), ec);
  BOOST_TEST(ec == errc::operation_not_supported);
  BOOST_TEST(!is_registered(loop, udp.native_handle()));
  mioext::tcp_acceptor closed;
  loop.listen(closed, 16, token(1), ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
  loop.listen(-1, 16, token(1), ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
  BOOST_CHECK_THROW(loop.listen(closed, 16, token(1)), boost::system::system_error);
}

BOOST_AUTO_TEST_SUITE_END()
