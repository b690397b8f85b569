//
// test/async_accept.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <mioext/async_accept.hpp>

#include <algorithm>
#include <fstream>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#endif

#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "contexts.hpp"
#include "handles.hpp"

namespace {

namespace error = boost::asio::error;
using boost::asio::ip::tcp;
using boost::asio::local::stream_protocol;
using boost::system::error_code;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::poll_all;
using contexts::run;
using contexts::run_until;
using mioext::async_accept;
using support::tested_context;

/// A listener that the kernel gives an address, and what connects to it.
struct tcp_listener {
  using protocol_type = tcp;
  using socket_type = mioext::tcp_socket;
  using asio_socket = tcp::socket;
  using asio_acceptor = tcp::acceptor;

  mioext::tcp_acceptor acceptor{test::loopback()};

  socket_type connected() const {
    socket_type socket;
    test::connect(socket, acceptor.local_endpoint());
    return socket;
  }
};

struct unix_listener {
  using protocol_type = stream_protocol;
  using socket_type = mioext::unix_socket;
  using asio_socket = stream_protocol::socket;
  using asio_acceptor = stream_protocol::acceptor;

  unix_listener() : acceptor(stream_protocol()) {
    support::bind_to_any(acceptor);
    acceptor.listen();
  }

  mioext::unix_acceptor acceptor;

  socket_type connected() const {
    socket_type socket{stream_protocol()};
    support::bind_to_any(socket); // so that it has an address that the listener can be told
    test::connect(socket, acceptor.local_endpoint());
    return socket;
  }
};

/// True if `first` and `second` are the ends of one connection.
template <class First, class Second> bool are_connected(First& first, Second& second) {
  first.write_some(boost::asio::buffer("ping", 4));
  test::wait_for(second, POLLIN);
  char text[8];
  return test::text(text, second.read_some(boost::asio::buffer(text))) == "ping";
}

template <class Listener> void test_every_overload(bool connects_first) {
  using socket_type = typename Listener::socket_type;
  using endpoint_type = typename Listener::protocol_type::endpoint;
  using stream_type = mioext::stream<socket_type>;

  tested_context context;
  Listener listener;
  socket_type client;
  auto const connect = [&] { client = listener.connected(); };
  auto const check = [&](outcome const& accepted) {
    BOOST_TEST(accepted.calls == 0); // not from inside
    if (!connects_first) {
      BOOST_TEST(poll_all(context));
      BOOST_TEST(accepted.calls == 0);
      connect();
    }
    run(context);
    BOOST_TEST(accepted == ended());
  };
  auto const begin = [&] {
    if (connects_first) {
      connect();
    }
  };

  {
    begin();
    outcome accepted;
    socket_type peer;
    async_accept(context, listener.acceptor, [&](error_code const& ec, socket_type socket) {
      into{accepted}(ec);
      peer = std::move(socket);
    });
    check(accepted);
    BOOST_TEST(are_connected(client, peer));
    BOOST_TEST(test::is_prepared(peer.native_handle()));
  }
  {
    begin();
    outcome accepted;
    endpoint_type endpoint;
    socket_type peer;
    async_accept(context.get_executor(), listener.acceptor, endpoint,
                 [&](error_code const& ec, socket_type socket) {
                   into{accepted}(ec);
                   peer = std::move(socket);
                 });
    check(accepted);
    BOOST_TEST(are_connected(client, peer));
    BOOST_TEST((endpoint == client.local_endpoint()));
  }
  {
    begin();
    outcome accepted;
    socket_type peer;
    async_accept(context, listener.acceptor, peer, into(accepted));
    check(accepted);
    BOOST_TEST(are_connected(client, peer));
  }
  {
    begin();
    outcome accepted;
    endpoint_type endpoint;
    socket_type peer;
    async_accept(context, listener.acceptor, peer, endpoint, into(accepted));
    check(accepted);
    BOOST_TEST(are_connected(client, peer));
    BOOST_TEST((endpoint == client.local_endpoint()));
  }
  {
    begin();
    outcome accepted;
    stream_type peer(context);
    async_accept(context, listener.acceptor, peer, into(accepted));
    check(accepted);
    BOOST_TEST(are_connected(client, peer));
  }
  {
    begin();
    outcome accepted;
    endpoint_type endpoint;
    stream_type peer(context);
    async_accept(context, listener.acceptor, peer, endpoint, into(accepted));
    check(accepted);
    BOOST_TEST(are_connected(client, peer));
    BOOST_TEST((endpoint == client.local_endpoint()));
    outcome read;
    char byte;
    peer.async_read_some(boost::asio::buffer(&byte, 1), into(read));
    client.write_some(boost::asio::buffer("x", 1));
    run(context);
    BOOST_TEST(read == ended());
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(every_overload)

BOOST_AUTO_TEST_CASE(of_tcp_with_a_connection_that_waits) {
  test_every_overload<tcp_listener>(true);
}

BOOST_AUTO_TEST_CASE(of_tcp_with_one_that_comes_later) { test_every_overload<tcp_listener>(false); }

BOOST_AUTO_TEST_CASE(of_unix_with_a_connection_that_waits) {
  test_every_overload<unix_listener>(true);
}

BOOST_AUTO_TEST_CASE(of_unix_with_one_that_comes_later) {
  test_every_overload<unix_listener>(false);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(refused)

BOOST_AUTO_TEST_CASE(a_peer_that_is_open_is_left_alone) {
  tested_context context;
  tcp_listener listener;
  mioext::tcp_socket const client = listener.connected();
  mioext::tcp_socket open(tcp::v4());
  mioext::stream<mioext::tcp_socket> open_stream(context, tcp::v4());
  int const fd = open.native_handle();
  outcome into_socket;
  outcome into_stream;
  async_accept(context, listener.acceptor, open, into(into_socket));
  async_accept(context, listener.acceptor, open_stream, into(into_stream));
  BOOST_TEST(into_socket.calls + into_stream.calls == 0);
  BOOST_TEST(!poll_all(context));
  BOOST_TEST(into_socket == ended(error::already_open));
  BOOST_TEST(into_stream == ended(error::already_open));
  BOOST_TEST(open.native_handle() == fd);
  BOOST_TEST(listener.acceptor.accept().is_open()); // the connection is still there
}

BOOST_AUTO_TEST_CASE(a_closed_acceptor_and_one_that_does_not_listen) {
  tested_context context;
  mioext::tcp_acceptor closed;
  mioext::tcp_acceptor deaf(tcp::v4());
  outcome from_closed;
  outcome from_deaf;
  async_accept(context, closed, into(from_closed));
  async_accept(context, deaf, into(from_deaf));
  BOOST_TEST(from_closed.calls + from_deaf.calls == 0);
  BOOST_TEST(!poll_all(context));
  BOOST_TEST(from_closed == ended(error::bad_descriptor));
  BOOST_TEST(from_deaf == ended(error::invalid_argument));
}

// What accept(2) says is told once to each that asks, and the connection is still there afterwards.
BOOST_AUTO_TEST_CASE(without_descriptors_each_call_says_so_once_and_nothing_is_lost) {
  tested_context context;
  tcp_listener listener;
  outcome pending;
  outcome at_once;
  outcome at_last;
  mioext::tcp_socket client(tcp::v4());
  tcp::endpoint const endpoint = listener.acceptor.local_endpoint();
  async_accept(context, listener.acceptor, into(pending));
  BOOST_TEST(poll_all(context));
  bool is_waiting_still = true;
  {
    test::no_descriptors_left const none;
    error_code ignored;
    client.connect(endpoint, ignored);
    while (pending.calls == 0 && context.run_one_for(support::patience) != 0) {
    }
    async_accept(context, listener.acceptor, into(at_once));
    is_waiting_still = poll_all(context);
  }
  BOOST_TEST(!is_waiting_still);
  BOOST_TEST(pending == ended(error::no_descriptors));
  BOOST_TEST(at_once == ended(error::no_descriptors));
  mioext::tcp_socket peer;
  async_accept(context, listener.acceptor, peer, into(at_last));
  run(context);
  BOOST_TEST(at_last == ended());
  BOOST_TEST(are_connected(client, peer));
}

BOOST_AUTO_TEST_CASE(a_connection_that_was_reset_in_the_queue_does_no_harm) {
  tested_context context;
  tcp_listener listener;
  {
    mioext::tcp_socket reset = listener.connected();
    reset.set_option(boost::asio::socket_base::linger(true, 0));
  }
  mioext::tcp_socket good = listener.connected();
  // Linux hands out a connection that was reset all the same; elsewhere it is passed over.
  mioext::tcp_socket peer;
  tcp::endpoint endpoint;
  for (int count = 0; count != 2 && endpoint != good.local_endpoint(); ++count) {
    outcome accepted;
    peer.close();
    async_accept(context, listener.acceptor, peer, endpoint, into(accepted));
    run(context);
    BOOST_TEST(accepted == ended());
  }
  BOOST_TEST(are_connected(good, peer));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(many)

namespace {

/// Accepts one after the other.
struct acceptor_session {
  void accept() {
    async_accept(context, acceptor, [this](error_code const& ec, mioext::tcp_socket peer) {
      failures += ec || !peer.is_open();
      if (++count != wanted) {
        accept();
      }
    });
  }

  tested_context& context;
  mioext::tcp_acceptor& acceptor;
  int wanted;
  int count;
  int failures;
};

/// How many connections the system lets wait.
int longest_queue() {
  int limit = 128;
  std::ifstream("/proc/sys/net/core/somaxconn") >> limit;
  return limit;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_burst_of_thousands_is_accepted_by_one_that_is_started_again) {
  tested_context context;
  mioext::tcp_acceptor acceptor(tcp::v4());
  acceptor.bind(test::loopback());
  int const portion = std::min(longest_queue(), 2000);
  acceptor.listen(portion);
  for (int left = 2000; left > 0; left -= portion) {
    int const connections = std::min(left, portion);
    for (int index = 0; index != connections; ++index) {
      // Closed by us, it waits in the queue nevertheless.
      mioext::tcp_socket socket;
      test::connect(socket, acceptor.local_endpoint());
    }
    acceptor_session session = {context, acceptor, connections, 0, 0};
    session.accept();
    run(context);
    BOOST_TEST(session.count == connections);
    BOOST_TEST(session.failures == 0);
  }
}

BOOST_AUTO_TEST_CASE(four_threads_accept_while_others_connect) {
  tested_context context;
  tcp_listener listener;
  acceptor_session session = {context, listener.acceptor, 500, 0, 0};
  session.accept();
  tcp::endpoint const endpoint = listener.acceptor.local_endpoint();
  std::thread connecting([endpoint] {
    tested_context unused;
    for (int index = 0; index != 500; ++index) {
      error_code ignored;
      tcp::socket(unused).connect(endpoint, ignored);
    }
  });
  run(context, 4);
  connecting.join();
  BOOST_TEST(session.count == 500);
  BOOST_TEST(session.failures == 0);
}

BOOST_AUTO_TEST_CASE(several_wait_for_one_connection_each) {
  tested_context context;
  tcp_listener listener;
  std::vector<outcome> accepted(3);
  for (outcome& each : accepted) {
    async_accept(context, listener.acceptor, into(each));
  }
  BOOST_TEST(poll_all(context));
  std::vector<mioext::tcp_socket> clients;
  for (std::size_t count = 1; count <= accepted.size(); ++count) {
    clients.push_back(listener.connected());
    auto const how_many = [&] {
      return static_cast<std::size_t>(std::count_if(
          accepted.begin(), accepted.end(), [](outcome const& each) { return each == ended(); }));
    };
    run_until(context, [&] { return how_many() >= count; });
    BOOST_TEST(poll_all(context) == (count != accepted.size()));
    BOOST_TEST(how_many() == count);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(ended_early)

BOOST_AUTO_TEST_CASE(the_acceptor_is_closed) {
  tested_context context;
  tcp_listener listener;
  outcome result;
  outcome into_socket;
  mioext::tcp_socket peer;
  async_accept(context, listener.acceptor, into(result));
  async_accept(context, listener.acceptor, peer, into(into_socket));
  BOOST_TEST(poll_all(context));
  listener.acceptor.close();
  BOOST_TEST(result.calls + into_socket.calls == 0);
  BOOST_TEST(!poll_all(context)); // at once
  BOOST_TEST(result == ended(error::operation_aborted));
  BOOST_TEST(into_socket == ended(error::operation_aborted));
  BOOST_TEST(!peer.is_open());
}

BOOST_AUTO_TEST_CASE(the_acceptor_is_moved_and_nothing_ends) {
  tested_context context;
  tcp_listener listener;
  outcome accepted;
  async_accept(context, listener.acceptor, into(accepted));
  BOOST_TEST(poll_all(context));
  tcp_listener moved;
  moved.acceptor = std::move(listener.acceptor);
  mioext::tcp_socket const client = moved.connected();
  run(context);
  BOOST_TEST(accepted == ended());
}

BOOST_AUTO_TEST_CASE(a_socket_that_nobody_takes_is_closed) {
  tcp_listener listener;
  mioext::tcp_socket client;
  {
    tested_context context;
    async_accept(context, listener.acceptor, [](error_code const&, mioext::tcp_socket) {});
    client = listener.connected();
    // The connection is accepted, and the context goes before the handler is called.
    async_accept(context, listener.acceptor, [](error_code const&, mioext::tcp_socket) {});
    BOOST_TEST(poll_all(context));
  }
  test::wait_for(client, POLLIN);
  char byte;
  error_code ec;
  client.read_some(boost::asio::buffer(&byte, 1), ec);
  BOOST_TEST((ec == error::eof));
}

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
BOOST_AUTO_TEST_CASE(by_every_type_of_cancellation) {
  using types = boost::asio::cancellation_type;
  for (auto const type : {types::terminal, types::partial, types::total}) {
    tested_context context;
    tcp_listener listener;
    boost::asio::cancellation_signal signal;
    outcome cancelled;
    outcome accepted;
    async_accept(context, listener.acceptor,
                 boost::asio::bind_cancellation_slot(signal.slot(), into(cancelled)));
    async_accept(context, listener.acceptor, into(accepted));
    BOOST_TEST(poll_all(context));
    signal.emit(type);
    BOOST_TEST(cancelled.calls == 0);
    BOOST_TEST(poll_all(context));
    BOOST_TEST(cancelled == ended(error::operation_aborted));
    mioext::tcp_socket const client = listener.connected();
    run(context);
    BOOST_TEST(accepted == ended());
  }
}
#endif

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(where_handlers_are_called)

BOOST_AUTO_TEST_CASE(on_the_executor_that_the_handler_is_bound_to) {
  tested_context waiting;
  tested_context called;
  tcp_listener listener;
  outcome accepted;
  mioext::tcp_socket peer;
  async_accept(waiting, listener.acceptor, peer,
               boost::asio::bind_executor(called.get_executor(), into(accepted)));
  mioext::tcp_socket client = listener.connected();
  BOOST_TEST(poll_all(called)); // it waits for this
  run(waiting);
  BOOST_TEST(accepted.calls == 0);
  BOOST_TEST(!peer.is_open()); // it is touched where the handler is called, and nowhere else
  run(called);
  BOOST_TEST(accepted == ended());
  BOOST_TEST(are_connected(client, peer));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(acceptors_of_asio)

BOOST_AUTO_TEST_CASE(take_the_same_arguments) {
  tested_context context;
  tcp::acceptor acceptor(context, test::loopback());
  std::vector<mioext::tcp_socket> clients;
  auto const connect = [&] {
    clients.emplace_back();
    test::connect(clients.back(), acceptor.local_endpoint());
  };
  outcome result;
  outcome with_endpoint;
  outcome into_socket;
  tcp::endpoint endpoint;
  tcp::socket peer(context);
  async_accept(acceptor, into(result));
  connect();
  run(context);
  BOOST_TEST(result == ended());
  async_accept(acceptor, endpoint, into(with_endpoint));
  connect();
  run(context);
  BOOST_TEST(with_endpoint == ended());
  BOOST_TEST((endpoint == clients.back().local_endpoint()));
  async_accept(acceptor, peer, into(into_socket));
  connect();
  run(context);
  BOOST_TEST(into_socket == ended());
  BOOST_TEST(are_connected(peer, clients.back()));
}

BOOST_AUTO_TEST_CASE(hand_their_socket_to_a_handler_that_takes_a_stream) {
  using stream_type = mioext::stream<mioext::tcp_socket>;
  tested_context context;
  tcp::acceptor acceptor(context, test::loopback());
  mioext::tcp_socket client;
  std::unique_ptr<stream_type> stream;
  outcome accepted;
  async_accept(acceptor, [&](error_code const& ec, stream_type peer) {
    into{accepted}(ec);
    stream.reset(new stream_type(std::move(peer)));
  });
  test::connect(client, acceptor.local_endpoint());
  run(context);
  BOOST_TEST(accepted == ended());
  BOOST_TEST(are_connected(client, *stream));
  outcome failed;
  async_accept(acceptor, [&](error_code const& ec, stream_type peer) {
    into{failed}(ec);
    BOOST_TEST(!peer.is_open()); // made of a closed socket
  });
  acceptor.close();
  run(context);
  BOOST_TEST(failed == ended(error::operation_aborted));
}

BOOST_AUTO_TEST_SUITE_END()
