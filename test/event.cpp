//
// test/event.cpp
// --------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What an event says of pipes, of Unix sockets and of TCP connections.
//

#include <mioext/event.hpp>

#include <chrono>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <mioext/poller.hpp>
#include <mioext/tcp.hpp>

#include "handles.hpp"

using mioext::interest;
using mioext::trigger;

namespace {

mioext::token const name(3);

mioext::interest const all = interest::readable | interest::writable | interest::priority;

std::string printed(mioext::event const& event) {
  std::ostringstream stream;
  stream << event;
  return stream.str();
}

/// Waits for one handle.
class watcher {
public:
  template <class Handle> explicit watcher(Handle&& handle, interest wanted = all) : events_(4) {
    poller_.registry().register_handle(handle, name, wanted, trigger::level);
  }

  /// The first event of which `wanted` holds.
  template <class Predicate> mioext::event const& wait_for(Predicate wanted) {
    for (;;) {
      std::size_t const count = poller_.poll(events_, std::chrono::seconds(30));
      BOOST_REQUIRE_MESSAGE(count == 1, "nothing, or more than one handle, was reported");
      BOOST_TEST(events_[0].token() == name);
      if (wanted(events_[0])) {
        return events_[0];
      }
    }
  }

  /// What is reported at this moment.
  mioext::event const& look() {
    BOOST_REQUIRE_MESSAGE(poller_.poll(events_, std::chrono::seconds(0)) == 1, "nothing reported");
    return events_[0];
  }

  bool sees_nothing() { return poller_.poll(events_, std::chrono::seconds(0)) == 0; }

private:
  mioext::poller poller_;
  mioext::events events_;
};

/// Two stream sockets that are connected to each other; what one does, the other sees at once.
struct socket_pair {
  socket_pair() : near(context), far(context) { boost::asio::local::connect_pair(near, far); }

  boost::asio::io_context context;
  boost::asio::local::stream_protocol::socket near;
  boost::asio::local::stream_protocol::socket far;
};

void send_byte(int fd, int flags = 0) { BOOST_REQUIRE(::send(fd, "x", 1, flags) == 1); }

} // namespace

BOOST_AUTO_TEST_SUITE(event_values)

BOOST_AUTO_TEST_CASE(an_event_that_no_poll_made_reports_nothing) {
  mioext::event const event;
  BOOST_TEST(event.token() == mioext::token());
  BOOST_TEST(!event.is_readable());
  BOOST_TEST(!event.is_writable());
  BOOST_TEST(!event.is_error());
  BOOST_TEST(!event.is_read_closed());
  BOOST_TEST(!event.is_write_closed());
  BOOST_TEST(!event.is_priority());
  BOOST_TEST(printed(event) == "event(token(0):)");
  static_assert(std::is_trivially_copyable<mioext::event>::value, "it can be kept");
}

// A pipe.

BOOST_AUTO_TEST_CASE(a_pipe_with_data_is_readable) {
  test::raw_pipe pipe;
  watcher reader(pipe.reader());
  BOOST_TEST(reader.sees_nothing());
  BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  BOOST_TEST(printed(reader.look()) == "event(token(3): readable)");
  char byte;
  BOOST_REQUIRE(::read(pipe.reader(), &byte, 1) == 1);
  BOOST_TEST(reader.sees_nothing());
}

BOOST_AUTO_TEST_CASE(a_pipe_with_room_is_writable) {
  test::raw_pipe pipe;
  watcher writer(pipe.writer());
  BOOST_TEST(printed(writer.look()) == "event(token(3): writable)");
  BOOST_REQUIRE(::fcntl(pipe.writer(), F_SETFL, O_NONBLOCK) == 0);
  char const block[4096] = {};
  while (::write(pipe.writer(), block, sizeof block) > 0) {
  }
  BOOST_TEST(writer.sees_nothing());
}

BOOST_AUTO_TEST_CASE(a_pipe_whose_writer_is_gone_is_read_closed) {
  test::raw_pipe pipe;
  watcher reader(pipe.reader());
  BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  pipe.close_writer();
  BOOST_TEST(reader.look().is_readable());
  BOOST_TEST(reader.look().is_read_closed());
  BOOST_TEST(!reader.look().is_error());
  char byte;
  BOOST_REQUIRE(::read(pipe.reader(), &byte, 1) == 1);
  BOOST_TEST(!reader.look().is_readable());
  BOOST_TEST(reader.look().is_read_closed());
}

BOOST_AUTO_TEST_CASE(a_pipe_whose_reader_is_gone_is_write_closed_and_in_error) {
  test::raw_pipe pipe;
  watcher writer(pipe.writer());
  pipe.close_reader();
  BOOST_TEST(printed(writer.look()) == "event(token(3): writable|error|write_closed)");
}

BOOST_AUTO_TEST_CASE(errors_and_hang_ups_are_reported_whatever_the_interest) {
  test::raw_pipe read_end_closed;
  watcher writer(read_end_closed.writer(), interest::readable);
  BOOST_TEST(writer.sees_nothing());
  read_end_closed.close_reader();
  BOOST_TEST(printed(writer.look()) == "event(token(3): error|write_closed)");

  test::raw_pipe write_end_closed;
  watcher reader(write_end_closed.reader(), interest::writable);
  BOOST_TEST(reader.sees_nothing());
  write_end_closed.close_writer();
  BOOST_TEST(reader.look().is_read_closed());
}

// A pair of Unix sockets.

BOOST_AUTO_TEST_CASE(an_idle_connection_is_writable_only) {
  socket_pair pair;
  watcher near(pair.near);
  BOOST_TEST(printed(near.look()) == "event(token(3): writable)");
}

BOOST_AUTO_TEST_CASE(one_event_can_be_of_both_kinds) {
  socket_pair pair;
  watcher near(pair.near);
  send_byte(pair.far.native_handle());
  BOOST_TEST(printed(near.look()) == "event(token(3): readable|writable)");
}

BOOST_AUTO_TEST_CASE(only_what_was_asked_for_is_reported) {
  socket_pair pair;
  watcher reading(pair.near, interest::readable);
  watcher writing(pair.near, interest::writable);
  BOOST_TEST(reading.sees_nothing());
  send_byte(pair.far.native_handle());
  BOOST_TEST(printed(reading.look()) == "event(token(3): readable)");
  BOOST_TEST(printed(writing.look()) == "event(token(3): writable)");
}

BOOST_AUTO_TEST_CASE(a_half_close_is_read_closed) {
  socket_pair pair;
  watcher near(pair.near);
  pair.far.shutdown(boost::asio::socket_base::shutdown_send);
  BOOST_TEST(printed(near.look()) == "event(token(3): readable|writable|read_closed)");
}

BOOST_AUTO_TEST_CASE(a_half_close_is_nothing_to_who_only_writes) {
  socket_pair pair;
  watcher near(pair.near, interest::writable);
  pair.far.shutdown(boost::asio::socket_base::shutdown_send);
  BOOST_TEST(printed(near.look()) == "event(token(3): writable)");
}

BOOST_AUTO_TEST_CASE(a_closed_peer_closes_both_directions) {
  socket_pair pair;
  watcher near(pair.near);
  pair.far.close();
  BOOST_TEST(near.look().is_readable());
  BOOST_TEST(near.look().is_read_closed());
  BOOST_TEST(near.look().is_write_closed());
}

// TCP.

BOOST_AUTO_TEST_CASE(a_listener_with_someone_to_accept_is_readable) {
  mioext::tcp_acceptor acceptor(test::loopback());
  watcher listener(acceptor);
  BOOST_TEST(listener.sees_nothing());
  mioext::tcp_socket client;
  test::connect(client, acceptor.local_endpoint());
  auto const readable = [](mioext::event const& event) { return event.is_readable(); };
  BOOST_TEST(printed(listener.wait_for(readable)) == "event(token(3): readable)");
}

BOOST_AUTO_TEST_CASE(out_of_band_data_is_priority_and_readable) {
  auto sockets = test::tcp_pair();
  watcher receiver(sockets.second, interest::priority);
  BOOST_TEST(receiver.sees_nothing());
  send_byte(sockets.first.native_handle(), MSG_OOB);
  auto const urgent = [](mioext::event const& event) { return event.is_priority(); };
  BOOST_TEST(printed(receiver.wait_for(urgent)) == "event(token(3): readable|priority)");
  char byte = 0;
  BOOST_TEST(::recv(sockets.second.native_handle(), &byte, 1, MSG_OOB) == 1);
  BOOST_TEST(byte == 'x');
  BOOST_TEST(receiver.sees_nothing());
}

BOOST_AUTO_TEST_CASE(out_of_band_data_is_no_priority_to_who_did_not_ask) {
  auto sockets = test::tcp_pair();
  watcher receiver(sockets.second, interest::readable);
  send_byte(sockets.first.native_handle(), MSG_OOB);
  send_byte(sockets.first.native_handle());
  auto const readable = [](mioext::event const& event) { return event.is_readable(); };
  BOOST_TEST(!receiver.wait_for(readable).is_priority());
}

BOOST_AUTO_TEST_CASE(a_finished_tcp_peer_is_read_closed_and_can_still_be_written_to) {
  auto sockets = test::tcp_pair();
  watcher receiver(sockets.second);
  sockets.first.shutdown(boost::asio::socket_base::shutdown_send);
  auto const ended = [](mioext::event const& event) { return event.is_read_closed(); };
  BOOST_TEST(printed(receiver.wait_for(ended)) == "event(token(3): readable|writable|read_closed)");
}

BOOST_AUTO_TEST_CASE(a_tcp_connection_that_is_shut_both_ways_is_write_closed) {
  auto sockets = test::tcp_pair();
  watcher receiver(sockets.second);
  sockets.second.shutdown(boost::asio::socket_base::shutdown_send);
  sockets.first.shutdown(boost::asio::socket_base::shutdown_send);
  auto const ended = [](mioext::event const& event) { return event.is_write_closed(); };
  mioext::event const& event = receiver.wait_for(ended);
  BOOST_TEST(event.is_read_closed());
  BOOST_TEST(!event.is_error());
}

BOOST_AUTO_TEST_CASE(a_reset_tcp_connection_is_in_error_and_closed) {
  auto sockets = test::tcp_pair();
  watcher receiver(sockets.second);
  sockets.first.set_option(boost::asio::socket_base::linger(true, 0));
  sockets.first.close();
  auto const failed = [](mioext::event const& event) { return event.is_error(); };
  mioext::event const& event = receiver.wait_for(failed);
  BOOST_TEST(event.is_readable());
  BOOST_TEST(event.is_read_closed());
  BOOST_TEST(event.is_write_closed());
  BOOST_TEST(sockets.second.take_error() == boost::asio::error::connection_reset);
}

BOOST_AUTO_TEST_SUITE_END()
