//
// test/ends_and_errors.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Every way in which something ends or fails, on every kind of handle: what an event of a poller says
// of it, and what a handler is told. Who looks at readable and writable only must miss none of it, and
// what is reported as closed for writing must be.
//

#include <mioext/event.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/write_hint.hpp>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>
#ifdef __linux__
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <sys/eventfd.h>
#endif

#include <mioext/detail/handles/sigpipe_guard.hpp>
#include <mioext/pipe.hpp>
#include <mioext/poller.hpp>
#include <mioext/tcp.hpp>
#include <mioext/udp.hpp>
#include <mioext/unix.hpp>

#include "handles.hpp"
#include "support.hpp"
#include "systems.hpp"

BOOST_AUTO_TEST_SUITE(ends_and_errors)

namespace {

using boost::asio::buffer;
using boost::system::error_code;
using mioext::interest;
using mioext::read_hint;
using mioext::trigger;
using mioext::write_hint;
using std::chrono::seconds;
using namespace support;

interest const reading = interest::readable;
interest const writing = interest::writable;

/// A handle, and something that happens to it. What keeps the handle open lives as long as this.
struct subject {
  std::shared_ptr<void> kept;
  int fd;
  std::function<void()> happen;
};

// --- What can happen -----------------------------------------------------------------------------

using pipe_ends = std::pair<mioext::pipe_reader, mioext::pipe_writer>;
using connection = std::pair<mioext::tcp_socket, mioext::tcp_socket>;

void fill_pipe(mioext::pipe_writer& writer) {
  char const block[4096] = {};
  error_code ec;
  while (!ec) {
    writer.write_some(buffer(block), ec);
  }
}

subject pipe_without_writers() {
  auto const ends = std::make_shared<pipe_ends>(mioext::pipe());
  return {ends, ends->first.native_handle(), [ends] { ends->second.close(); }};
}

subject pipe_without_writers_and_with_data() {
  auto const ends = std::make_shared<pipe_ends>(mioext::pipe());
  return {ends, ends->first.native_handle(), [ends] {
            ends->second.write_some(buffer("x", 1));
            ends->second.close();
          }};
}

subject pipe_without_readers() {
  auto const ends = std::make_shared<pipe_ends>(mioext::pipe());
  return {ends, ends->second.native_handle(), [ends] { ends->first.close(); }};
}

subject full_pipe_without_readers() {
  auto const ends = std::make_shared<pipe_ends>(mioext::pipe());
  fill_pipe(ends->second);
  return {ends, ends->second.native_handle(), [ends] { ends->first.close(); }};
}

subject half_closed_tcp() {
  auto const sockets = std::make_shared<connection>(test::tcp_pair());
  return {sockets, sockets->second.native_handle(), [sockets] {
            sockets->first.shutdown(boost::asio::socket_base::shutdown_send);
            test::wait_for(sockets->second, POLLIN);
          }};
}

subject half_closed_here() {
  auto const sockets = std::make_shared<connection>(test::tcp_pair());
  return {sockets, sockets->second.native_handle(),
          [sockets] { sockets->second.shutdown(boost::asio::socket_base::shutdown_send); }};
}

subject closed_tcp() {
  auto const sockets = std::make_shared<connection>(test::tcp_pair());
  return {sockets, sockets->second.native_handle(), [sockets] {
            sockets->second.shutdown(boost::asio::socket_base::shutdown_send);
            sockets->first.shutdown(boost::asio::socket_base::shutdown_send);
            test::wait_for(sockets->second, POLLIN);
          }};
}

subject reset_tcp() {
  auto const sockets = std::make_shared<connection>(test::tcp_pair());
  return {sockets, sockets->second.native_handle(), [sockets] {
            sockets->first.set_option(boost::asio::socket_base::linger(true, 0));
            sockets->first.close();
            test::wait_for(sockets->second, POLLIN);
          }};
}

subject refused_tcp() {
  auto const nobody = mioext::tcp_acceptor(test::loopback()).local_endpoint();
  auto const socket = std::make_shared<mioext::tcp_socket>();
  error_code ec;
  socket->connect(nobody, ec);
  return {socket, socket->native_handle(), [socket] { test::wait_for(*socket, POLLOUT); }};
}

mioext::udp_socket::endpoint_type any_udp_address() {
  return mioext::udp_socket::endpoint_type(boost::asio::ip::address_v4::loopback(), 0);
}

/// Nobody was there, and the system has heard so (ICMP).
subject refused_udp() {
  auto const socket = std::make_shared<mioext::udp_socket>(any_udp_address());
  {
    mioext::udp_socket const nobody(any_udp_address());
    socket->connect(nobody.local_endpoint());
  }
  return {socket, socket->native_handle(), [socket] {
            socket->send(buffer("x", 1));
            test::wait_for(*socket, 0);
          }};
}

subject closed_unix() {
  auto const sockets = std::make_shared<std::pair<mioext::unix_socket, mioext::unix_socket>>(
      mioext::unix_socket::pair());
  return {sockets, sockets->second.native_handle(), [sockets] { sockets->first.close(); }};
}

/// The peer had not read everything.
subject reset_unix() {
  auto const sockets = std::make_shared<std::pair<mioext::unix_socket, mioext::unix_socket>>(
      mioext::unix_socket::pair());
  return {sockets, sockets->second.native_handle(), [sockets] {
            sockets->second.write_some(buffer("x", 1));
            sockets->first.close();
          }};
}

#ifdef __linux__
/// The system says when a datagram has left, in the error queue (SO_TIMESTAMPING).
subject udp_with_a_notice() {
  auto const socket = std::make_shared<mioext::udp_socket>(any_udp_address());
  auto const peer = std::make_shared<mioext::udp_socket>(any_udp_address());
  socket->connect(peer->local_endpoint());
  int const flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  BOOST_REQUIRE(::setsockopt(socket->native_handle(), SOL_SOCKET, SO_TIMESTAMPING, &flags,
                             sizeof flags) == 0);
  return {socket, socket->native_handle(), [socket, peer] {
            socket->send(buffer("x", 1));
            test::wait_for(*socket, 0);
          }};
}

subject tcp_with_a_notice() {
  auto const sockets = std::make_shared<connection>(test::tcp_pair());
  int const flags = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  BOOST_REQUIRE(::setsockopt(sockets->second.native_handle(), SOL_SOCKET, SO_TIMESTAMPING, &flags,
                             sizeof flags) == 0);
  return {sockets, sockets->second.native_handle(), [sockets] {
            sockets->second.write_some(buffer("x", 1));
            test::wait_for(sockets->second, 0);
          }};
}

/// Takes the notice out of the queue; false if there is none.
bool take_notice(int fd) {
  char control[512];
  char data[64];
  ::iovec part = {data, sizeof data};
  ::msghdr message = ::msghdr();
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  return ::recvmsg(fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0;
}
#endif

// --- What is seen of it --------------------------------------------------------------------------

/// What a poller reports at once, of one event or of two.
std::string reported(int fd, interest wanted, trigger how) {
  mioext::poller poller;
  mioext::events events(4);
  poller.registry().register_handle(fd, token(1), wanted, how);
  poller.poll(events, seconds(0));
  std::string text;
  auto const add = [&](bool (mioext::event::*holds)() const, char const* name) {
    for (mioext::event const& event : events) {
      if ((event.*holds)()) {
        text += (text.empty() ? "" : "|") + std::string(name);
        return;
      }
    }
  };
  add(&mioext::event::is_readable, "readable");
  add(&mioext::event::is_writable, "writable");
  add(&mioext::event::is_error, "error");
  add(&mioext::event::is_read_closed, "read_closed");
  add(&mioext::event::is_write_closed, "write_closed");
  add(&mioext::event::is_priority, "priority");
  return text;
}

/// What it is with epoll, and with kqueue.
std::string either(std::string const& with_epoll, std::string const& with_kqueue) {
  return test::has_epoll ? with_epoll : with_kqueue;
}

/// Writes down what it is told of.
struct told final : mioext::handler {
  void readable(loop_type&, mioext::token, read_hint hint) override {
    calls.push_back("readable " + to_string(hint));
  }
  void writable(loop_type&, mioext::token) override { calls.push_back("writable"); }
  void write_failing(loop_type&, mioext::token, write_hint hint) override {
    calls.push_back("write_failing " + to_string(hint));
  }

  strings calls;
};

/// The same, without an interest in why a write fails.
struct told_the_least final : mioext::handler {
  void readable(loop_type&, mioext::token, read_hint) override { calls.push_back("readable"); }
  void writable(loop_type&, mioext::token) override { calls.push_back("writable"); }

  strings calls;
};

/// The same, called through the base.
struct told_by_base : mioext::handler {
  void writable(loop_type&, mioext::token) override { calls.push_back("writable"); }

  strings calls;
};

std::string joined(strings const& calls) {
  std::string text;
  for (std::string const& call : calls) {
    text += (text.empty() ? "" : ", ") + call;
  }
  return text;
}

/// What is reported of something that was made and has happened, for one interest and every trigger.
struct expectation {
  char const* what;
  subject (*make)();
  interest wanted;
  std::string event;
  std::string calls;
};

void check(expectation const& expected) {
  BOOST_TEST_CONTEXT(expected.what << ", " << expected.wanted) {
    for (trigger how : {trigger::edge, trigger::level, trigger::oneshot}) {
      {
        subject const given = expected.make();
        given.happen();
        BOOST_TEST(reported(given.fd, expected.wanted, how) == expected.event);
      }
      {
        subject const given = expected.make();
        given.happen();
        loop_under_test<> loop;
        told handler;
        loop.register_handle(given.fd, token(1), expected.wanted, how);
        loop.run_once(handler, seconds(0));
        BOOST_TEST(joined(handler.calls) == expected.calls);
      }
    }
  }
}

std::string const all_over = "readable|writable|read_closed|write_closed";
std::string const failed = "readable|writable|error|read_closed|write_closed";
std::string const pending = "readable|writable|error";

} // namespace

// --- Every end and every error -------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_end_of_a_pipe_is_readable) {
  check({"a pipe without writers", pipe_without_writers, reading,
         either(all_over, "readable|read_closed"), "readable hup"});
  check({"a pipe without writers, with data", pipe_without_writers_and_with_data, reading,
         either(all_over, "readable|read_closed"), "readable hup"});
}

// A loop that looked at is_readable() alone turned for ever, and never read.
BOOST_AUTO_TEST_CASE(who_looks_only_for_readable_finds_the_end_of_a_pipe) {
  subject const given = pipe_without_writers();
  mioext::poller poller;
  mioext::events events(4);
  poller.registry().register_handle(given.fd, token(1), reading, trigger::level);
  given.happen();
  BOOST_REQUIRE(poller.poll(events, seconds(30)) == 1u);
  BOOST_REQUIRE(events[0].is_readable());
  char byte;
  BOOST_TEST(::read(given.fd, &byte, 1) == 0);
}

BOOST_AUTO_TEST_CASE(a_pipe_without_readers_is_writable_and_its_writer_is_told_why) {
  bool const has_kernel_queue = !test::has_epoll && !test::has_libkqueue; // which makes it EPIPE
  std::string const event =
      either(pending, has_kernel_queue ? "writable|write_closed" : "writable|error|write_closed");
  std::string const calls = has_kernel_queue ? "write_failing hup" : "write_failing error";
  check({"a pipe without readers", pipe_without_readers, writing, event, calls});
  check({"a full pipe without readers", full_pipe_without_readers, writing, event, calls});
}

BOOST_AUTO_TEST_CASE(a_half_close_is_told_to_the_reader_and_not_to_the_writer) {
  check({"reader", half_closed_tcp, reading, "readable|read_closed", "readable hup"});
  check({"writer", half_closed_tcp, writing, "writable", "writable"});
}

// The system says nothing of it: the write does.
BOOST_AUTO_TEST_CASE(a_half_close_of_ones_own_is_no_news,
                     *test::needs_epoll("kqueue reports an end to the writer")) {
  check({"reader", half_closed_here, reading, "", ""});
  check({"writer", half_closed_here, writing, "writable", "writable"});
}

BOOST_AUTO_TEST_CASE(a_connection_that_is_over_is_told_to_reader_and_writer) {
  for (auto make : {closed_tcp, closed_unix}) {
    check({"reader", make, reading, either(all_over, "readable|read_closed"), "readable hup"});
    check(
        {"writer", make, writing, either(all_over, "writable|write_closed"), "write_failing hup"});
  }
}

BOOST_AUTO_TEST_CASE(a_reset_connection_is_told_to_reader_and_writer,
                     *test::needs_kernel("libkqueue takes the error off the socket")) {
  for (auto make : {reset_tcp, refused_tcp}) {
    check(
        {"reader", make, reading, either(failed, "readable|error|read_closed"), "readable error"});
    check({"writer", make, writing, either(failed, "writable|error|write_closed"),
           "write_failing error"});
  }
}

BOOST_AUTO_TEST_CASE(a_unix_peer_that_had_not_read_all_is_an_error,
                     *test::needs_linux("elsewhere it is an ordinary end")) {
  if (test::has_epoll) {
    check({"reader", reset_unix, reading, failed, "readable error"});
    check({"writer", reset_unix, writing, failed, "write_failing error"});
  }
}

// It was reported as closed for writing.
BOOST_AUTO_TEST_CASE(a_refused_datagram_does_not_close_the_socket,
                     *test::needs_epoll("kqueue does not say that there is an error")) {
  check({"reader", refused_udp, reading, pending, "readable error"});
  check({"writer", refused_udp, writing, pending, "write_failing error"});

  subject const given = refused_udp();
  given.happen();
  auto& socket = *static_cast<mioext::udp_socket*>(given.kept.get());
  mioext::udp_socket const late(socket.remote_endpoint());
  BOOST_TEST(socket.take_error() == boost::asio::error::connection_refused);
  BOOST_TEST(socket.send(buffer("x", 1)) == 1u);
  BOOST_TEST(reported(given.fd, writing, trigger::edge) == "writable");
}

#ifdef __linux__
BOOST_AUTO_TEST_CASE(a_counter_is_readable_and_writable_and_never_over) {
  mioext::detail::file_descriptor const counter(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  BOOST_TEST(reported(counter.get(), reading | writing, trigger::level) == "writable");
  ::eventfd_write(counter.get(), 0xfffffffffffffffe); // the most that it holds
  BOOST_TEST(reported(counter.get(), reading | writing, trigger::level) == "readable");
}

BOOST_AUTO_TEST_CASE(a_notice_in_the_error_queue_does_not_close_the_socket,
                     *test::needs_epoll("kqueue does not say that there is an error")) {
  for (auto make : {udp_with_a_notice, tcp_with_a_notice}) {
    check({"reader", make, reading, pending, "readable error"});
    check({"writer", make, writing, pending, "write_failing error"});

    subject const given = make();
    given.happen();
    BOOST_TEST(!mioext::detail::socket_ops::take_error(given.fd));
    BOOST_TEST(::send(given.fd, "x", 1, no_sigpipe) == 1);
    while (take_notice(given.fd)) {
    }
    BOOST_TEST(reported(given.fd, reading, trigger::edge) == "");
  }
}
#endif

BOOST_AUTO_TEST_CASE(what_is_not_over_is_not_reported_as_closed) {
  auto const streams = mioext::unix_socket::pair();
  auto const datagrams = mioext::unix_datagram::pair();
  auto const connected = test::tcp_pair();
  mioext::udp_socket const udp(any_udp_address());
  for (int fd : {streams.first.native_handle(), datagrams.first.native_handle(),
                 connected.first.native_handle(), udp.native_handle()}) {
    BOOST_TEST(reported(fd, reading | writing, trigger::level) == "writable");
  }
}

BOOST_AUTO_TEST_CASE(a_unix_datagram_whose_peer_is_gone_learns_it_by_writing,
                     *test::needs_epoll("kqueue's sockets differ here")) {
  auto datagrams = mioext::unix_datagram::pair();
  datagrams.second.close();
  BOOST_TEST(reported(datagrams.first.native_handle(), reading | writing, trigger::level) ==
             "writable");
  error_code ec;
  datagrams.first.send(buffer("x", 1), 0, ec);
  BOOST_TEST(ec == boost::asio::error::connection_refused);
}

// What the event says is true: nothing that is reported as closed for writing takes a write.
BOOST_AUTO_TEST_CASE(what_is_reported_as_closed_for_writing_takes_no_write,
                     *test::needs_kernel("libkqueue makes every error an end")) {
  for (auto make : {pipe_without_writers, pipe_without_writers_and_with_data, pipe_without_readers,
                    full_pipe_without_readers, half_closed_tcp, half_closed_here, closed_tcp,
                    reset_tcp, refused_tcp, refused_udp, closed_unix, reset_unix
#ifdef __linux__
                    ,
                    udp_with_a_notice, tcp_with_a_notice
#endif
       }) {
    for (interest wanted : {reading, writing, reading | writing}) {
      subject const given = make();
      given.happen();
      std::string const event = reported(given.fd, wanted, trigger::edge);
      bool const is_closed = event.find("write_closed") != std::string::npos;
      mioext::detail::sigpipe_guard signal;
      ::ssize_t const written = ::write(given.fd, "x", 1);
      if (written < 0 && errno == EPIPE) {
        signal.consume();
      }
      BOOST_TEST((!is_closed || written < 0));
    }
  }
}

// --- Handlers ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_reader_is_told_first_and_the_writer_then_with_its_hint) {
  for (auto make : {closed_tcp, closed_unix}) {
    subject const given = make();
    given.happen();
    loop_under_test<> loop;
    told handler;
    loop.register_handle(given.fd, token(1), reading | writing);
    loop.run_once(handler, seconds(0));
    if (test::has_epoll) {
      BOOST_TEST(handler.calls == (strings{"readable hup", "write_failing hup"}),
                 boost::test_tools::per_element());
    } else {
      BOOST_TEST(handler.calls.size() == 2u);
    }
  }
}

BOOST_AUTO_TEST_CASE(data_that_comes_with_room_is_no_failing_write) {
  auto streams = mioext::unix_socket::pair();
  streams.second.write_some(buffer("x", 1));
  loop_under_test<> loop;
  told handler;
  loop.register_handle(streams.first, token(1), reading | writing);
  loop.run_once(handler, seconds(0));
  std::sort(handler.calls.begin(), handler.calls.end()); // with kqueue in any order
  BOOST_TEST(handler.calls == (strings{"readable data", "writable"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_half_closed_peer_may_be_written_to) {
  auto streams = mioext::unix_socket::pair();
  streams.second.shutdown(boost::asio::socket_base::shutdown_send);
  loop_under_test<> loop;
  told handler;
  loop.register_handle(streams.first, token(1), reading | writing);
  loop.run_once(handler, seconds(0));
  std::sort(handler.calls.begin(), handler.calls.end());
  BOOST_TEST(handler.calls == (strings{"readable hup", "writable"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_handler_without_a_hint_for_writing_is_told_by_writable) {
  for (auto make : {pipe_without_readers, closed_tcp, closed_unix, refused_udp}) {
    for (trigger how : {trigger::edge, trigger::level, trigger::oneshot}) {
      subject const given = make();
      given.happen();
      loop_under_test<> loop;
      loop.register_handle(given.fd, token(1), writing, how);
      told_the_least handler;
      loop.run_once(handler, seconds(0));
      BOOST_TEST(handler.calls == strings{"writable"}, boost::test_tools::per_element());
      if (how == trigger::level) {
        told_by_base other;
        loop.run_once(other, seconds(0));
        BOOST_TEST(other.calls == strings{"writable"}, boost::test_tools::per_element());
      }
    }
  }
}

// It would be told the outcome by another member, or twice.
BOOST_AUTO_TEST_CASE(the_outcome_of_a_connect_is_told_by_writable_though_it_failed) {
  auto const nobody = mioext::tcp_acceptor(test::loopback()).local_endpoint();
  loop_under_test<> loop;
  told handler;
  mioext::tcp_socket socket;
  loop.connect(socket, nobody, token(1), writing, trigger::edge);
  BOOST_TEST(run_until(loop, handler, [&] { return !handler.calls.empty(); }));
  run_all(loop, handler);
  BOOST_TEST(handler.calls == strings{"writable"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(deregistering_in_readable_prevents_the_failing_write_of_the_same_event,
                     *test::needs_epoll("kqueue has an event for each")) {
  struct closing final : mioext::handler {
    void readable(loop_type& loop, mioext::token, read_hint) override {
      calls.push_back("readable");
      loop.deregister_handle(fd);
    }
    void write_failing(loop_type&, mioext::token, write_hint) override {
      calls.push_back("write_failing");
    }
    int fd;
    strings calls;
  };
  subject const given = closed_unix();
  given.happen();
  loop_under_test<> loop;
  closing handler;
  handler.fd = given.fd;
  loop.register_handle(given.fd, token(1), reading | writing);
  loop.run_once(handler, seconds(0));
  BOOST_TEST(handler.calls == strings{"readable"}, boost::test_tools::per_element());
}

// Beside ordinary data it was hinted as data only, and the handler could not know.
BOOST_AUTO_TEST_CASE(out_of_band_data_beside_ordinary_data_is_told_by_the_hint,
                     *test::needs_epoll("kqueue has no priority")) {
  for (interest wanted : {interest::priority | reading, reading}) {
    auto sockets = test::tcp_pair();
    BOOST_REQUIRE(::send(sockets.first.native_handle(), "x", 1, 0) == 1);
    BOOST_REQUIRE(::send(sockets.first.native_handle(), "!", 1, MSG_OOB) == 1);
    test::wait_for(sockets.second, POLLPRI);
    loop_under_test<> loop;
    told handler;
    loop.register_handle(sockets.second, token(1), wanted);
    loop.run_once(handler, seconds(0));
    BOOST_TEST(joined(handler.calls) == (wanted == reading ? "readable data" : "readable unknown"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
