//
// test/read_readiness.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A read that did not fill its buffers is the last one where that proves that nothing is left, and
// nowhere else; and whatever comes after it is reported.
//

#include <mioext/read_readiness.hpp>

#include <mioext/event_loop.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "handles.hpp"
#include "support.hpp"
#include "systems.hpp"

BOOST_AUTO_TEST_SUITE(read_readiness)

namespace {

using boost::asio::buffer;
using boost::asio::ip::tcp;
using boost::system::error_code;
using mioext::interest;
using mioext::read_hint;
using namespace support;
namespace error = boost::asio::error;

/// True where a short read ends the readiness of a TCP socket.
bool knows_short_reads() {
  return mioext::contains(mioext::read_readiness::wanted(), interest::priority);
}

/// Reads all it is told of, in small pieces, and counts the reads that found nothing.
template <class Handle> struct reader final : mioext::handler {
  reader(Handle& used, mioext::read_readiness initially) : handle(used), can_read(initially) {}

  void readable(loop_type&, mioext::token, read_hint hint) override {
    can_read.report(hint);
    while (can_read && !has_ended) {
      std::array<char, 8> bytes;
      error_code ec;
      std::size_t const size = can_read.read_some(handle, buffer(bytes), ec);
      got.append(bytes.data(), size);
      reads += 1;
      in_vain += ec == error::would_block ? 1 : 0;
      has_ended = ec && ec != error::would_block;
      last = ec;
    }
  }

  Handle& handle;
  mioext::read_readiness can_read;
  std::string got;
  int reads = 0;
  int in_vain = 0;
  bool has_ended = false;
  error_code last;
};

/// A handle whose next read ends as it was told.
struct told_handle {
  template <class Buffers> std::size_t read_some(Buffers const&, error_code& ec) {
    ec = outcome;
    return size;
  }

  std::size_t size;
  error_code outcome;
};

bool is_ready_after(mioext::read_readiness& can_read, std::size_t size, error_code outcome = {},
                    std::size_t room = 8) {
  std::array<char, 8> bytes;
  told_handle handle = {size, outcome};
  error_code ec;
  BOOST_TEST(can_read.read_some(handle, buffer(bytes.data(), room), ec) == size);
  BOOST_TEST((ec == outcome));
  return static_cast<bool>(can_read);
}

/// A socket that is watched for what a read_readiness wants, and read from by a handler.
template <class Socket> struct connection {
  template <class Protocol>
  connection(std::pair<Socket, Socket> sockets, Protocol const& protocol)
      : near(std::move(sockets.first)), far(std::move(sockets.second)),
        handler(near, mioext::read_readiness(protocol)) {}

  void watch() { loop.register_handle(near, token(1), mioext::read_readiness::wanted()); }

  void send(std::string const& text) { far.write_some(buffer(text)); }

  /// Waits until the peer has nothing left to send, where the system says so of a socket.
  void arrive() {
    int left = 1;
    while (::ioctl(far.native_handle(), TIOCOUTQ, &left) == 0 && left != 0) {
      std::this_thread::yield();
    }
  }

  /// What the handler got until that was `text`, or until patience ended.
  std::string got(std::string const& text) {
    run_until(loop, handler, [&] { return handler.got.size() >= text.size(); });
    return handler.got;
  }

  error_code end() {
    run_until(loop, handler, [&] { return handler.has_ended; });
    return handler.last;
  }

  loop_under_test<> loop;
  Socket near;
  Socket far;
  reader<Socket> handler;
};

struct tcp_connection : connection<mioext::tcp_socket> {
  tcp_connection() : connection<mioext::tcp_socket>(test::tcp_pair(), tcp::v4()) {}
};

} // namespace

// --- What ends it ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(nothing_can_be_read_before_a_report) {
  BOOST_TEST(!mioext::read_readiness());
  BOOST_TEST(!mioext::read_readiness(tcp::v4()));
}

BOOST_AUTO_TEST_CASE(a_read_that_would_block_ends_it_with_any_handle) {
  for (mioext::read_readiness can_read :
       {mioext::read_readiness(), mioext::read_readiness(tcp::v6()),
        mioext::read_readiness(boost::asio::local::stream_protocol())}) {
    can_read.report(read_hint::data);
    BOOST_TEST(static_cast<bool>(can_read));
    BOOST_TEST(is_ready_after(can_read, 8));
    BOOST_TEST(!is_ready_after(can_read, 0, error::would_block));
    can_read.report(read_hint::data);
    BOOST_TEST(static_cast<bool>(can_read));
  }
}

BOOST_AUTO_TEST_CASE(a_short_read_ends_it_with_tcp) {
  using generic = boost::asio::generic::stream_protocol;
  tcp::endpoint const endpoint(tcp::v6(), 0);
  for (mioext::read_readiness can_read :
       {mioext::read_readiness(tcp::v4()), mioext::read_readiness(tcp::v6()),
        mioext::read_readiness(generic(tcp::v4())),
        mioext::read_readiness(generic::endpoint(endpoint).protocol())}) {
    can_read.report(read_hint::data);
    BOOST_TEST(is_ready_after(can_read, 8));
    BOOST_TEST(is_ready_after(can_read, 7) == !knows_short_reads());
  }
}

BOOST_AUTO_TEST_CASE(a_short_read_proves_nothing_with_other_handles) {
  using generic = boost::asio::generic::stream_protocol;
  boost::asio::local::stream_protocol const local;
  for (mioext::read_readiness can_read :
       {mioext::read_readiness(), mioext::read_readiness(local),
        mioext::read_readiness(generic(local)), mioext::read_readiness(boost::asio::ip::udp::v4()),
        mioext::read_readiness(generic(tcp::v4().family(), 132))}) { // SCTP
    can_read.report(read_hint::data);
    BOOST_TEST(is_ready_after(can_read, 7));
  }
}

BOOST_AUTO_TEST_CASE(after_the_end_an_error_or_urgent_data_a_short_read_proves_nothing) {
  for (read_hint hint : {read_hint::hup, read_hint::error, read_hint::unknown}) {
    mioext::read_readiness can_read(tcp::v4());
    can_read.report(hint);
    BOOST_TEST(is_ready_after(can_read, 7));
    can_read.report(read_hint::data); // it may be an urgent byte that was passed
    BOOST_TEST(is_ready_after(can_read, 7));
  }
}

BOOST_AUTO_TEST_CASE(the_end_and_errors_can_be_read_again) {
  for (error_code outcome : {error_code(error::eof), error_code(error::connection_reset)}) {
    mioext::read_readiness can_read(tcp::v4());
    can_read.report(read_hint::data);
    BOOST_TEST(is_ready_after(can_read, 0, outcome));
  }
}

BOOST_AUTO_TEST_CASE(a_read_into_more_buffers_than_a_read_uses_proves_nothing) {
  mioext::read_readiness can_read(tcp::v4());
  can_read.report(read_hint::data);
  char byte = 0;
  told_handle handle = {64, {}};
  error_code ec;
  std::vector<boost::asio::mutable_buffer> buffers(65, buffer(&byte, 1));
  can_read.read_some(handle, buffers, ec);
  BOOST_TEST(static_cast<bool>(can_read));
  buffers.pop_back();
  can_read.read_some(handle, buffers, ec);
  BOOST_TEST(static_cast<bool>(can_read));
  handle.size = 63;
  can_read.read_some(handle, buffers, ec);
  BOOST_TEST(static_cast<bool>(can_read) == !knows_short_reads());
}

BOOST_AUTO_TEST_CASE(a_read_into_nothing_proves_nothing) {
  mioext::read_readiness can_read(tcp::v4());
  can_read.report(read_hint::data);
  BOOST_TEST(is_ready_after(can_read, 0, {}, 0));
}

// --- With a loop -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(small_messages_are_read_without_a_read_in_vain) {
  tcp_connection test;
  test.watch();
  std::string all;
  for (int times = 0; times != 10; ++times) {
    all += "small";
    test.send("small");
    BOOST_TEST(test.got(all) == all);
  }
  BOOST_TEST(test.handler.reads == (knows_short_reads() ? 10 : 20));
  BOOST_TEST(test.handler.in_vain == (knows_short_reads() ? 0 : 10));
}

BOOST_AUTO_TEST_CASE(a_full_buffer_is_read_on) {
  tcp_connection test;
  test.send("exactly8exactly8");
  test.arrive();
  test.watch();
  BOOST_TEST(test.got("exactly8exactly8") == "exactly8exactly8");
  BOOST_TEST(test.handler.in_vain == 1);
}

BOOST_AUTO_TEST_CASE(the_end_that_came_with_the_data_is_told) {
  tcp_connection test;
  test.send("last");
  test.far.shutdown(boost::asio::socket_base::shutdown_send);
  test::wait_for_end(test.near); // so that both are there when the loop looks for the first time
  test.watch();
  BOOST_TEST((test.end() == error::eof));
  BOOST_TEST(test.handler.got == "last");
}

BOOST_AUTO_TEST_CASE(the_end_that_comes_later_is_told) {
  tcp_connection test;
  test.watch();
  test.send("last");
  BOOST_TEST(test.got("last") == "last");
  test.far.close();
  BOOST_TEST((test.end() == error::eof));
}

BOOST_AUTO_TEST_CASE(a_reset_that_comes_later_is_told,
                     *test::needs_kernel("libkqueue takes the error off the socket")) {
  tcp_connection test;
  test.watch();
  test.send("last");
  BOOST_TEST(test.got("last") == "last");
  test.far.set_option(boost::asio::socket_base::linger(true, 0));
  test.far.close();
  BOOST_TEST((test.end() == error::connection_reset));
}

// A read stops in front of the place where an urgent byte was, with more behind it.
BOOST_AUTO_TEST_CASE(what_is_behind_an_urgent_byte_is_read) {
  tcp_connection test;
  test.send("ab");
  BOOST_REQUIRE(::send(test.far.native_handle(), "!", 1, MSG_OOB) == 1);
  test.send("cde");
  test.arrive();
  test.watch();
  BOOST_TEST(test.got("abcde") == "abcde");
}

// It arrives after what was reported, and before that is read.
BOOST_AUTO_TEST_CASE(what_is_behind_an_urgent_byte_that_comes_after_the_report_is_read) {
  tcp_connection test;
  struct sends_first final : mioext::handler {
    explicit sends_first(tcp_connection& used) : of(used) {}

    void readable(loop_type& loop, mioext::token name, read_hint hint) override {
      if (!has_sent) {
        has_sent = true;
        BOOST_TEST(::send(of.far.native_handle(), "!", 1, MSG_OOB) == 1);
        of.send("cde");
        of.arrive();
      }
      of.handler.readable(loop, name, hint);
    }

    tcp_connection& of;
    bool has_sent = false;
  } handler(test);
  test.send("ab");
  test.watch();
  run_until(test.loop, handler, [&] { return test.handler.got.size() >= 5; });
  BOOST_TEST(test.handler.got == "abcde");
}

// A read of a Unix socket stops behind a descriptor that was sent along.
BOOST_AUTO_TEST_CASE(what_is_behind_a_descriptor_is_read) {
  connection<mioext::unix_socket> test(mioext::unix_socket::pair(),
                                       boost::asio::local::stream_protocol());
  ::iovec data = {const_cast<char*>("ab"), 2};
  alignas(::cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  ::msghdr message = {};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ::cmsghdr* const head = CMSG_FIRSTHDR(&message);
  head->cmsg_level = SOL_SOCKET;
  head->cmsg_type = SCM_RIGHTS;
  head->cmsg_len = CMSG_LEN(sizeof(int));
  int const sent = test.far.native_handle();
  std::memcpy(CMSG_DATA(head), &sent, sizeof sent);
  BOOST_REQUIRE(::sendmsg(test.far.native_handle(), &message, 0) == 2);
  test.send("cd");
  test.watch();
  BOOST_TEST(test.got("abcd") == "abcd");
}

BOOST_AUTO_TEST_CASE(a_pipe_is_read_until_nothing_is_left) {
  auto ends = mioext::pipe();
  reader<mioext::pipe_reader> handler(ends.first, mioext::read_readiness());
  loop_under_test<> loop;
  ends.second.write_some(buffer("small", 5));
  loop.register_handle(ends.first, token(1), interest::readable);
  run_until(loop, handler, [&] { return handler.in_vain == 1; });
  BOOST_TEST(handler.got == "small");
}

BOOST_AUTO_TEST_SUITE_END()
