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

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <mioext/poller.hpp>
#include <mioext/tcp.hpp>

#include "handles.hpp"
#include "systems.hpp"

using mioext::interest;
using mioext::trigger;

namespace {

mioext::token const name(3);

mioext::interest const all = interest::readable | interest::writable |
                             (test::has_epoll ? interest::priority : interest::none);

template <class Printed> std::string printed(Printed const& value) {
  std::ostringstream stream;
  stream << value;
  return stream.str();
}

/// What was reported of one handle: by one event, or by two, where reading and writing have one
/// each.
class report {
public:
  bool is_readable() const { return any(&mioext::event::is_readable); }
  bool is_writable() const { return any(&mioext::event::is_writable); }
  bool is_error() const { return any(&mioext::event::is_error); }
  bool is_read_closed() const { return any(&mioext::event::is_read_closed); }
  bool is_write_closed() const { return any(&mioext::event::is_write_closed); }
  bool is_priority() const { return any(&mioext::event::is_priority); }

  void add(mioext::event const& event) {
    BOOST_TEST(event.token() == name);
    events_.push_back(event);
  }

  bool is_empty() const { return events_.empty(); }

  /// As one event prints it.
  friend std::string printed(report const& told) {
    std::string text = "event(token(3):";
    for (auto const& word :
         {std::make_pair(told.is_readable(), "readable"),
          std::make_pair(told.is_writable(), "writable"), std::make_pair(told.is_error(), "error"),
          std::make_pair(told.is_read_closed(), "read_closed"),
          std::make_pair(told.is_write_closed(), "write_closed"),
          std::make_pair(told.is_priority(), "priority")}) {
      if (word.first) {
        text += (text.back() == ':' ? ' ' : '|');
        text += word.second;
      }
    }
    text += ')';
    if (told.events_.size() == 1) {
      BOOST_TEST(printed(told.events_[0]) == text);
    }
    return text;
  }

private:
  bool any(bool (mioext::event::*holds)() const) const {
    return std::any_of(events_.begin(), events_.end(),
                       [=](mioext::event const& event) { return (event.*holds)(); });
  }

  std::vector<mioext::event> events_;
};

/// Waits for one handle.
class watcher {
public:
  template <class Handle> explicit watcher(Handle&& handle, interest wanted = all) : events_(4) {
    poller_.registry().register_handle(handle, name, wanted, trigger::level);
  }

  /// The first report of which `wanted` holds.
  template <class Predicate> report wait_for(Predicate wanted) {
    for (;;) {
      report const told = poll(std::chrono::seconds(30));
      BOOST_REQUIRE_MESSAGE(!told.is_empty(), "nothing was reported");
      if (wanted(told)) {
        return told;
      }
    }
  }

  /// What is reported at this moment.
  report look() {
    report const told = poll(std::chrono::seconds(0));
    BOOST_REQUIRE_MESSAGE(!told.is_empty(), "nothing was reported");
    return told;
  }

  bool sees_nothing() { return poller_.poll(events_, std::chrono::seconds(0)) == 0; }

private:
  report poll(std::chrono::seconds limit) {
    poller_.poll(events_, limit);
    BOOST_REQUIRE_MESSAGE(events_.size() <= (test::has_epoll ? 1u : 2u), "more than one handle");
    report told;
    for (mioext::event const& event : events_) {
      told.add(event);
    }
    return told;
  }

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

BOOST_AUTO_TEST_CASE(the_details_are_the_names_that_the_system_has) {
  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::events events(4);
  BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  poller.registry().register_handle(pipe.reader(), name, interest::readable);
  BOOST_REQUIRE(poller.poll(events, std::chrono::seconds(0)) == 1u);
  if (test::has_epoll) {
    BOOST_TEST(printed(events[0].details()) == "EPOLLIN");
    BOOST_TEST(printed(mioext::event().details()) == "0");
  } else {
    std::string const text = printed(events[0].details());
    BOOST_TEST(text.find("EVFILT_READ") == 0u);
    BOOST_TEST(text.find("EV_CLEAR") != std::string::npos);
    BOOST_TEST(text.find(" data 1") != std::string::npos);
  }
  char byte;
  BOOST_REQUIRE(::read(pipe.reader(), &byte, 1) == 1);
  pipe.close_writer();
  BOOST_REQUIRE(poller.poll(events, std::chrono::seconds(0)) == 1u);
  BOOST_TEST(printed(events[0].details()).find(test::has_epoll ? "EPOLLHUP" : "EV_EOF") !=
             std::string::npos);
}

BOOST_AUTO_TEST_CASE(events_print_all_that_came) {
  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::events events(4);
  BOOST_TEST(printed(events) == "[]");
  BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  poller.registry().register_handle(pipe.reader(), name, interest::readable);
  poller.registry().register_handle(pipe.writer(), mioext::token(4), interest::writable);
  BOOST_REQUIRE(poller.poll(events, std::chrono::seconds(0)) == 2u);
  std::string const one = "event(token(3): readable)";
  std::string const other = "event(token(4): writable)";
  bool const is_first = events[0].token() == name;
  BOOST_TEST(printed(events) ==
             (is_first ? '[' + one + ", " + other + ']' : '[' + other + ", " + one + ']'));
}

// A pipe.

BOOST_AUTO_TEST_CASE(a_pipe_with_data_is_readable) {
  test::raw_pipe pipe;
  watcher reader(pipe.reader(), interest::readable);
  BOOST_TEST(reader.sees_nothing());
  BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  BOOST_TEST(printed(reader.look()) == "event(token(3): readable)");
  char byte;
  BOOST_REQUIRE(::read(pipe.reader(), &byte, 1) == 1);
  BOOST_TEST(reader.sees_nothing());
}

BOOST_AUTO_TEST_CASE(a_pipe_with_room_is_writable) {
  test::raw_pipe pipe;
  watcher writer(pipe.writer(), interest::writable);
  BOOST_TEST(printed(writer.look()) == "event(token(3): writable)");
  BOOST_REQUIRE(::fcntl(pipe.writer(), F_SETFL, O_NONBLOCK) == 0);
  char const block[4096] = {};
  while (::write(pipe.writer(), block, sizeof block) > 0) {
  }
  BOOST_TEST(writer.sees_nothing());
}

BOOST_AUTO_TEST_CASE(a_pipe_whose_writer_is_gone_is_read_closed) {
  test::raw_pipe pipe;
  watcher reader(pipe.reader(), interest::readable);
  BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  pipe.close_writer();
  BOOST_TEST(reader.look().is_readable());
  BOOST_TEST(reader.look().is_read_closed());
  BOOST_TEST(!reader.look().is_error());
  char byte;
  BOOST_REQUIRE(::read(pipe.reader(), &byte, 1) == 1);
  BOOST_TEST(reader.look().is_readable());
  BOOST_TEST(reader.look().is_read_closed());
}

BOOST_AUTO_TEST_CASE(a_pipe_whose_reader_is_gone_is_in_error_or_write_closed) {
  test::raw_pipe pipe;
  watcher writer(pipe.writer(), interest::writable);
  pipe.close_reader();
  BOOST_TEST(writer.look().is_writable());
  BOOST_TEST(writer.look().is_error() == (test::has_epoll || test::has_libkqueue));
  BOOST_TEST(writer.look().is_write_closed() == !test::has_epoll);
}

BOOST_AUTO_TEST_CASE(errors_and_hang_ups_are_reported_whatever_the_interest,
                     *test::needs_epoll("kqueue reports them with what was asked for")) {
  test::raw_pipe read_end_closed;
  watcher writer(read_end_closed.writer(), interest::readable);
  BOOST_TEST(writer.sees_nothing());
  read_end_closed.close_reader();
  BOOST_TEST(printed(writer.look()) == "event(token(3): readable|writable|error)");

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
  auto const readable = [](report const& told) { return told.is_readable(); };
  BOOST_TEST(printed(listener.wait_for(readable)) == "event(token(3): readable)");
}

BOOST_AUTO_TEST_CASE(out_of_band_data_is_priority_and_readable,
                     *test::needs_epoll("kqueue has no priority")) {
  auto sockets = test::tcp_pair();
  watcher receiver(sockets.second, interest::priority);
  BOOST_TEST(receiver.sees_nothing());
  send_byte(sockets.first.native_handle(), MSG_OOB);
  auto const urgent = [](report const& told) { return told.is_priority(); };
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
  auto const readable = [](report const& told) { return told.is_readable(); };
  BOOST_TEST(!receiver.wait_for(readable).is_priority());
}

BOOST_AUTO_TEST_CASE(a_finished_tcp_peer_is_read_closed_and_can_still_be_written_to) {
  auto sockets = test::tcp_pair();
  watcher receiver(sockets.second);
  sockets.first.shutdown(boost::asio::socket_base::shutdown_send);
  auto const ended = [](report const& told) { return told.is_read_closed(); };
  BOOST_TEST(printed(receiver.wait_for(ended)) == "event(token(3): readable|writable|read_closed)");
}

BOOST_AUTO_TEST_CASE(a_tcp_connection_that_is_shut_both_ways_is_write_closed) {
  auto sockets = test::tcp_pair();
  watcher receiver(sockets.second);
  sockets.second.shutdown(boost::asio::socket_base::shutdown_send);
  sockets.first.shutdown(boost::asio::socket_base::shutdown_send);
  auto const ended = [](report const& told) { return told.is_write_closed(); };
  report const event = receiver.wait_for(ended);
  BOOST_TEST(event.is_read_closed());
  BOOST_TEST(!event.is_error());
}

BOOST_AUTO_TEST_CASE(a_reset_tcp_connection_is_in_error_and_closed) {
  auto sockets = test::tcp_pair();
  watcher receiver(sockets.second);
  sockets.first.set_option(boost::asio::socket_base::linger(true, 0));
  sockets.first.close();
  auto const failed = [](report const& told) { return told.is_error(); };
  report const event = receiver.wait_for(failed);
  BOOST_TEST(event.is_readable());
  BOOST_TEST(event.is_read_closed());
  BOOST_TEST(event.is_write_closed());
  if (!test::has_libkqueue) { // which takes SO_ERROR for itself
    BOOST_TEST(sockets.second.take_error() == boost::asio::error::connection_reset);
  }
}

BOOST_AUTO_TEST_SUITE_END()
