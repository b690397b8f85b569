//
// test/close_on_exec.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// No descriptor that the library makes reaches a program that is started meanwhile. The program itself
// is asked.
//

#include <mioext.hpp>

#include <csignal>
#include <cstdio>
#include <set>
#include <string>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/datagram_protocol.hpp>

#include <boost/test/unit_test.hpp>

#include "both_contexts.hpp"
#include "contexts.hpp"
#include "handles.hpp"
#include "support.hpp"

namespace {

using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using boost::system::error_code;
using contexts::into;
using contexts::outcome;
using mioext::interest;
using support::token;

/// The descriptors that a program has which is started now, as it says itself: a line each, the number
/// and, where the system tells, what it is.
std::set<std::string> seen_by_a_program() {
  int fds[2];
  BOOST_REQUIRE(::pipe(fds) == 0);
  ::pid_t const child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(fds[1], STDOUT_FILENO);
    ::close(fds[0]);
    ::close(fds[1]);
    char const script[] = "for fd in /dev/fd/*; do echo \"$fd $(readlink \"$fd\")\"; done";
    ::execl("/bin/sh", "sh", "-c", script, static_cast<char*>(nullptr));
    ::_exit(127);
  }
  ::close(fds[1]);
  std::string said;
  char data[4096];
  for (::ssize_t size; (size = ::read(fds[0], data, sizeof data)) > 0;) {
    said.append(data, static_cast<std::size_t>(size));
  }
  ::close(fds[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  BOOST_REQUIRE((WIFEXITED(status) && WEXITSTATUS(status) == 0));

  std::set<std::string> lines;
  for (std::size_t begin = 0, end; (end = said.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    std::string const line = said.substr(begin, end - begin);
    // Standard output is this pipe, another one each time.
    if (line.compare(0, 10, "/dev/fd/1 ") != 0) {
      lines.insert(line);
    }
  }
  return lines;
}

/// What a program sees now that it did not see before, as text; empty if nothing.
std::string new_since(std::set<std::string> const& before) {
  std::string all;
  for (std::string const& line : seen_by_a_program()) {
    if (before.count(line) == 0) {
      all += line + '\n';
    }
  }
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(close_on_exec)

BOOST_AUTO_TEST_CASE(the_check_sees_what_is_left_open) {
  auto const before = seen_by_a_program();
  test::raw_pipe inherited;
  BOOST_TEST(new_since(before) != "");
}

BOOST_AUTO_TEST_CASE(nothing_of_a_poller_is_inherited) {
  auto const before = seen_by_a_program();
  mioext::poller poller;
  mioext::waker waker(poller.registry(), token(1));
  BOOST_TEST(new_since(before) == "");
}

BOOST_AUTO_TEST_CASE(nothing_of_an_event_loop_is_inherited) {
  auto const before = seen_by_a_program();
  mioext::event_loop loop;
  support::recorder<> handler;
  auto const channel = loop.channel();
  loop.register_signal(SIGUSR1);
  loop.timer(std::chrono::milliseconds(1), token(1));
  loop.run_once(handler);
  BOOST_TEST(new_since(before) == "");
}

BOOST_AUTO_TEST_CASE(no_handle_is_inherited) {
  auto const before = seen_by_a_program();
  auto connected = test::tcp_pair(); // one of them accepted
  mioext::tcp_acceptor acceptor(test::loopback());
  mioext::udp_socket datagrams(udp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  auto local = mioext::unix_socket::pair();
  auto local_datagrams = mioext::unix_datagram::pair();
  mioext::unix_acceptor local_acceptor;
  local_acceptor.open();
  mioext::unix_socket opened;
  opened.open();
  mioext::pipe_reader reader;
  mioext::pipe_writer writer;
  std::tie(reader, writer) = mioext::pipe();
  BOOST_TEST(new_since(before) == "");
}

BOOST_AUTO_TEST_CASE(nothing_is_inherited_while_a_loop_connects) {
  boost::asio::io_context context;
  tcp::socket of_asio(context);
  auto const before = seen_by_a_program();
  mioext::event_loop loop;
  support::recorder<> handler;
  mioext::tcp_acceptor acceptor(test::loopback());
  loop.listen(acceptor, 16, token(1));
  mioext::tcp_socket socket; // which the loop opens
  loop.connect(socket, acceptor.local_endpoint(), token(2));
  loop.connect(of_asio, acceptor.local_endpoint(), token(3));
  BOOST_TEST(support::run_until(loop, handler, [&] { return handler.calls.size() >= 3; }));
  mioext::tcp_socket const accepted = acceptor.accept();
  BOOST_TEST(new_since(before) == "");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_in_a_context_is_inherited, Context, support::both_contexts) {
  auto const before = seen_by_a_program();
  Context context;
  mioext::async_event_loop loop(context);
  support::recorder<> handler;
  outcome run;
  loop.async_run(handler, into(run));

  mioext::tcp_acceptor acceptor(test::loopback());
  mioext::tcp_socket accepted;
  outcome of_accept;
  mioext::async_accept(context, acceptor, accepted, into(of_accept));
  mioext::stream<mioext::tcp_socket> stream(context);
  outcome of_connect;
  mioext::async_connect(stream, acceptor.local_endpoint(), into(of_connect));
  tcp::socket of_asio(context);
  outcome of_other_connect;
  mioext::stream<tcp::socket> opened(context.get_executor(), tcp::socket(context));
  opened.open(tcp::v4());
  mioext::async_connect(of_asio, acceptor.local_endpoint(), into(of_other_connect));
  contexts::run_until(context, [&] {
    return of_accept.calls != 0 && of_connect.calls != 0 && of_other_connect.calls != 0;
  });
  char byte;
  outcome read;
  stream.async_read_some(boost::asio::buffer(&byte, 1), into(read));
  outcome wait;
  mioext::async_wait(context, accepted, interest::readable, into(wait));
  contexts::poll_all(context);
  BOOST_TEST(new_since(before) == "");
}

BOOST_AUTO_TEST_SUITE_END()
