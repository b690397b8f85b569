//
// test/stream_hostile.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Hostile and unlucky peers, as streams and the asynchronous functions tell of them.
//

#include <mioext/stream.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/write.hpp>
#include <boost/mpl/list.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "contexts.hpp"
#include "handles.hpp"
#include "hostile.hpp"
#include "support.hpp"
#include "systems.hpp"

namespace {

namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::asio::ip::tcp;
using boost::system::error_code;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::poll_all;
using contexts::run;
using contexts::run_until;
using std::chrono::milliseconds;
using support::tested_context;

using tcp_stream = mioext::stream<mioext::tcp_socket>;

/// A stream, and the peer's socket.
struct connection {
  explicit connection(tested_context& context) : connection(context, test::tcp_pair()) {}
  connection(tested_context& context, std::pair<mioext::tcp_socket, mioext::tcp_socket> sockets)
      : stream(context, std::move(sockets.first)), peer(std::move(sockets.second)) {
    // How much the systems of both take is not theirs to decide.
    stream.set_option(boost::asio::socket_base::send_buffer_size(65536));
    peer.set_option(boost::asio::socket_base::receive_buffer_size(65536));
  }

  tcp_stream stream;
  mioext::tcp_socket peer;
};

/// More than anybody takes who does not read.
std::vector<char> large() { return std::vector<char>(4000000, 'x'); }

/// The context goes on: what is sent through it arrives.
bool still_works(tested_context& context) {
  connection made(context);
  char byte = 0;
  outcome read;
  made.stream.async_read_some(buffer(&byte, 1), into(read));
  made.peer.write_some(buffer("y", 1));
  run(context);
  return read == ended() && byte == 'y';
}

} // namespace

BOOST_AUTO_TEST_SUITE(stream_hostile)

// --- Resets ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_reset_ends_a_read_that_waits) {
  tested_context context;
  connection made(context);
  char data[16];
  outcome read;
  made.stream.async_read_some(buffer(data), into(read));
  BOOST_TEST(poll_all(context));
  hostile::reset(made.peer);
  run(context);
  BOOST_TEST(read == ended(error::connection_reset));
  BOOST_TEST(still_works(context));
}

BOOST_AUTO_TEST_CASE(a_reset_ends_a_read_that_has_half_of_what_it_wants) {
  tested_context context;
  connection made(context);
  char data[16];
  outcome read;
  boost::asio::async_read(made.stream, buffer(data), into(read));
  made.peer.write_some(buffer("hello", 5));
  run_until(context, [&] { return made.stream.available() == 0; });
  hostile::reset(made.peer);
  run(context);
  BOOST_TEST(read == ended(error::connection_reset));
  BOOST_TEST(read.bytes == 5u);
}

BOOST_AUTO_TEST_CASE(a_reset_ends_a_write_that_waits_for_room_and_the_read_beside_it) {
  tested_context context;
  connection made(context);
  std::vector<char> const sent = large();
  char data[16];
  outcome read;
  outcome written;
  boost::asio::async_write(made.stream, buffer(sent), into(written));
  made.stream.async_read_some(buffer(data), into(read));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(written.calls == 0);
  hostile::reset(made.peer);
  run(context);
  // Whoever comes first hears of the reset, the other one of what it means.
  BOOST_TEST((written.error == error::connection_reset || written.error == error::broken_pipe));
  BOOST_TEST((read.error == error::connection_reset || read.error == error::eof));
  BOOST_TEST((written.error == error::connection_reset || read.error == error::connection_reset));
  BOOST_TEST(written.bytes < sent.size());
}

BOOST_AUTO_TEST_CASE(a_reset_after_its_end_ends_a_write) {
  tested_context context;
  connection made(context);
  std::vector<char> const sent = large();
  char data[16];
  outcome read;
  outcome written;
  made.peer.shutdown(boost::asio::socket_base::shutdown_send);
  made.stream.async_read_some(buffer(data), into(read));
  boost::asio::async_write(made.stream, buffer(sent), into(written));
  run_until(context, [&] { return read.calls != 0; });
  BOOST_TEST(read == ended(error::eof));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(written.calls == 0);
  hostile::reset(made.peer);
  run(context);
  BOOST_TEST(written == ended(error::broken_pipe));
}

BOOST_AUTO_TEST_CASE(a_reset_ends_waits_for_either_direction) {
  tested_context context;
  connection made(context);
  hostile::fill(made.stream.next_layer());
  outcome readable;
  outcome writable;
  made.stream.async_wait(mioext::interest::readable, into(readable));
  made.stream.async_wait(mioext::interest::writable, into(writable));
  BOOST_TEST(poll_all(context));
  hostile::reset(made.peer);
  run(context);
  BOOST_TEST(readable == ended());
  BOOST_TEST(writable == ended());
  BOOST_TEST(made.stream.take_error() == error::connection_reset);
}

BOOST_AUTO_TEST_CASE(one_that_resets_before_it_is_accepted_does_not_hold_up_the_next) {
  tested_context context;
  mioext::tcp_acceptor acceptor(test::loopback());
  mioext::tcp_socket impatient;
  test::connect(impatient, acceptor.local_endpoint());
  hostile::reset(impatient);
  mioext::tcp_socket patient;
  test::connect(patient, acceptor.local_endpoint());
  patient.write_some(buffer("hello", 5));

  // Some systems hand out a connection that is none any more, others pass it over.
  std::string received;
  std::size_t gone = 0;
  while (received.empty()) {
    mioext::tcp_socket accepted;
    outcome of_accept;
    mioext::async_accept(context, acceptor, accepted, into(of_accept));
    run(context);
    BOOST_REQUIRE(of_accept == ended());
    tcp_stream stream(context, std::move(accepted));
    char data[16];
    outcome read;
    stream.async_read_some(buffer(data), into(read));
    run(context);
    received.append(data, read.bytes);
    gone += read.error == error::connection_reset;
    BOOST_REQUIRE(gone <= 1u);
  }
  BOOST_TEST(received == "hello");
}

// --- Gone without a word ---------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(one_that_vanished_is_noticed_by_what_is_sent_to_it) {
  tested_context context;
  connection made(context);
  char data[16];
  outcome read;
  outcome written;
  made.stream.async_read_some(buffer(data), into(read));
  if (!hostile::vanish(made.peer)) {
    BOOST_TEST_MESSAGE("not checked: only root on Linux can close a connection without a word");
    made.stream.close();
    run(context);
    return;
  }
  BOOST_TEST(poll_all(context));
  BOOST_TEST(read.calls == 0); // the connection is half-open
  boost::asio::async_write(made.stream, buffer("are you there?", 14), into(written));
  run(context);
  BOOST_TEST(written == ended());
  BOOST_TEST(read == ended(error::connection_reset));
}

BOOST_AUTO_TEST_CASE(a_half_open_connection_can_be_given_up) {
  tested_context context;
  connection made(context);
  hostile::fill(made.stream.next_layer());
  char data[16];
  outcome read;
  outcome written;
  made.stream.async_read_some(buffer(data), into(read));
  made.stream.async_write_some(buffer("x", 1), into(written));
  BOOST_TEST(contexts::poll_all(context)); // it waits
  BOOST_TEST(read.calls == 0);
  BOOST_TEST(written.calls == 0);
  made.stream.close();
  run(context);
  BOOST_TEST(read == ended(error::operation_aborted));
  BOOST_TEST(written == ended(error::operation_aborted));
}

// --- Slow ones -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(bytes_that_come_one_at_a_time_fill_a_read) {
  tested_context context;
  connection made(context);
  made.peer.set_option(tcp::no_delay(true));
  std::string received(500, '\0');
  outcome read;
  boost::asio::async_read(made.stream, buffer(&received[0], received.size()), into(read));
  for (std::size_t count = 0; count != received.size(); ++count) {
    BOOST_TEST(read.calls == 0);
    made.peer.write_some(buffer("x", 1));
    run_until(context, [&] { return received[count] == 'x'; });
  }
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(received == std::string(received.size(), 'x'));
}

BOOST_AUTO_TEST_CASE(one_that_does_not_read_for_long_gets_all_in_the_end) {
  tested_context context;
  connection made(context);
  std::vector<char> const sent = large();
  outcome written;
  boost::asio::async_write(made.stream, buffer(sent), into(written));
  context.run_for(std::chrono::seconds(1)); // meanwhile the system asks the peer for room
  BOOST_TEST(written.calls == 0);

  std::size_t received = 0;
  std::vector<char> data(65536);
  error_code ec;
  while (received != sent.size()) {
    poll_all(context);
    received += made.peer.read_some(buffer(data), ec);
    BOOST_REQUIRE((!ec || ec == error::would_block));
    if (ec) {
      test::wait_for(made.peer, POLLIN);
    }
  }
  run(context);
  BOOST_TEST(written == ended());
}

// --- Many ------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_thousand_that_say_nothing_are_no_work_and_each_end_is_told_once) {
  constexpr std::size_t count = 1000;
  if (!hostile::allow_descriptors(2 * count + 100)) {
    BOOST_TEST_MESSAGE("not checked: no process may have so many descriptors here");
    return;
  }
  std::size_t const before = test::open_descriptors();
  {
    tested_context context;
    std::vector<std::unique_ptr<connection>> silent;
    std::vector<outcome> reads(count);
    char byte;
    for (outcome& each : reads) {
      silent.emplace_back(new connection(context));
      silent.back()->stream.async_read_some(buffer(&byte, 1), into(each));
    }
    BOOST_TEST(poll_all(context));
    for (std::size_t index = 0; index != count; ++index) {
      index % 2 ? hostile::reset(silent[index]->peer) : silent[index]->peer.close();
    }
    run(context);
    for (std::size_t index = 0; index != count; ++index) {
      BOOST_TEST(reads[index] == (index % 2 ? ended(error::connection_reset) : ended(error::eof)));
    }
    silent.clear();
    BOOST_TEST(still_works(context));
  }
  BOOST_TEST(test::open_descriptors() == before);
}

// --- Unlucky connects ------------------------------------------------------------------------------

namespace {

// What async_connect() can be given; each can be opened with the context.

struct asio_kind {
  using unix_socket = boost::asio::local::stream_protocol::socket;
  using tcp_socket = tcp::socket;

  template <class Socket> static Socket made(tested_context& context) { return Socket(context); }
  template <class Socket, class Endpoint>
  static void connect(tested_context&, Socket& socket, Endpoint const& endpoint, outcome& written) {
    mioext::async_connect(socket, endpoint, into(written));
  }
  static void take(tcp::socket& socket, mioext::tcp_socket& from) {
    socket.assign(tcp::v4(), from.release());
  }
};

struct mioext_kind {
  using unix_socket = mioext::unix_socket;
  using tcp_socket = mioext::tcp_socket;

  template <class Socket> static Socket made(tested_context&) { return Socket(); }
  template <class Socket, class Endpoint>
  static void connect(tested_context& context, Socket& socket, Endpoint const& endpoint,
                      outcome& written) {
    mioext::async_connect(context, socket, endpoint, into(written));
  }
  static void take(mioext::tcp_socket& socket, mioext::tcp_socket& from) {
    socket = std::move(from);
  }
};

struct stream_kind {
  using unix_socket = mioext::stream<mioext::unix_socket>;
  using tcp_socket = tcp_stream;

  template <class Socket> static Socket made(tested_context& context) { return Socket(context); }
  template <class Socket, class Endpoint>
  static void connect(tested_context&, Socket& socket, Endpoint const& endpoint, outcome& written) {
    mioext::async_connect(socket, endpoint, into(written));
  }
  static void take(tcp_stream& socket, mioext::tcp_socket& from) {
    socket = tcp_stream(socket.get_executor(), std::move(from));
  }
};

using kinds = boost::mpl::list<asio_kind, mioext_kind, stream_kind>;

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_backlog_that_is_full_for_seconds_is_waited_for, Kind, kinds) {
  if (!test::has_linux) {
    return; // only there does a Unix socket wait for room
  }
  tested_context context;
  support::full_listener listener;
  std::vector<typename Kind::unix_socket> waiting;
  std::vector<outcome> outcomes(20);
  for (outcome& each : outcomes) {
    static_cast<void>(each);
    waiting.push_back(Kind::template made<typename Kind::unix_socket>(context));
  }
  for (std::size_t index = 0; index != waiting.size(); ++index) {
    Kind::connect(context, waiting[index], listener.endpoint, outcomes[index]);
  }
  context.run_for(std::chrono::seconds(2));
  for (outcome const& each : outcomes) {
    BOOST_TEST(each.calls == 0);
  }
  run_until(context, [&] {
    listener.drain();
    return std::all_of(outcomes.begin(), outcomes.end(),
                       [](outcome const& each) { return each == ended(); });
  });
  run(context);
  BOOST_TEST(still_works(context));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_listener_whose_process_is_killed_refuses_those_who_wait, Kind,
                              kinds) {
  if (!test::has_linux) {
    return; // only there does a Unix socket wait for room
  }
  tested_context context;
  hostile::listener_elsewhere listener;
  auto socket = Kind::template made<typename Kind::unix_socket>(context);
  outcome connected;
  Kind::connect(context, socket, listener.endpoint(), connected);
  context.run_for(milliseconds(100));
  BOOST_TEST(connected.calls == 0);
  listener.kill();
  run(context);
  BOOST_TEST(connected == ended(error::connection_refused));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_connect_that_finds_no_port_says_so_and_can_be_tried_again, Kind,
                              kinds) {
  tested_context context;
  mioext::tcp_acceptor acceptor(test::loopback());
  hostile::last_port ports(acceptor.local_endpoint());
  auto socket = Kind::template made<typename Kind::tcp_socket>(context);
  mioext::tcp_socket bound = ports.socket();
  Kind::take(socket, bound);
  outcome first;
  Kind::connect(context, socket, acceptor.local_endpoint(), first);
  run(context);
  BOOST_TEST(first.calls == 1);
  BOOST_TEST((first.error == boost::system::errc::address_not_available ||
              first.error == error::address_in_use));

  ports.give_back();
  outcome second;
  Kind::connect(context, socket, acceptor.local_endpoint(), second);
  run(context);
  BOOST_TEST(second == ended());
}

BOOST_AUTO_TEST_SUITE_END()
