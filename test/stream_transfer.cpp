//
// test/stream_transfer.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What goes through a stream, and how the handlers of its operations are called: with every kind of
// completion token, on their executors, with their allocators and cancellation slots.
//

#include <mioext/stream.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#endif
// Boost 1.80: these, which were experimental before.
#if BOOST_ASIO_VERSION >= 102400
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#endif
#ifdef MIOEXT_DETAIL_HAS_IMMEDIATE_EXECUTORS
#include <boost/asio/bind_immediate_executor.hpp>
#include <boost/asio/system_executor.hpp>
#endif
#ifdef BOOST_ASIO_HAS_CO_AWAIT
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#endif

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "contexts.hpp"
#include "handles.hpp"
#include "systems.hpp"

namespace {

namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::system::error_code;
using contexts::counting_allocator;
using contexts::counts;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::poll_all;
using contexts::run;
using support::tested_context;

using unix_stream = mioext::stream<mioext::unix_socket>;
using tcp_stream = mioext::stream<mioext::tcp_socket>;

/// A stream, and the peer's socket.
struct connection {
  explicit connection(tested_context& context) : connection(context, mioext::unix_socket::pair()) {}
  connection(tested_context& context, std::pair<mioext::unix_socket, mioext::unix_socket> sockets)
      : stream(context, std::move(sockets.first)), peer(std::move(sockets.second)) {}

  template <class Token> void read(Token&& token) {
    stream.async_read_some(buffer(&byte, 1), std::forward<Token>(token));
  }

  void send() { peer.write_some(buffer("x", 1)); }

  unix_stream stream;
  mioext::unix_socket peer;
  char byte = 0;
};

/// Bytes that differ from place to place.
std::string pattern(std::size_t size, unsigned seed) {
  std::string made(size, '\0');
  std::uint32_t state = seed;
  for (char& each : made) {
    state = state * 1664525u + 1013904223u;
    each = static_cast<char>(state >> 24);
  }
  return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(reading_and_writing)

BOOST_AUTO_TEST_CASE(a_read_before_the_data_and_after_it) {
  tested_context context;
  connection made(context);
  outcome before;
  outcome after;
  made.read(into(before));
  BOOST_TEST(poll_all(context));
  made.send();
  run(context);
  BOOST_TEST(before == ended());
  BOOST_TEST(before.bytes == 1u);
  made.send();
  made.read(into(after));
  BOOST_TEST(after.calls == 0);
  run(context);
  BOOST_TEST(after == ended());
  BOOST_TEST(after.bytes == 1u);
}

BOOST_AUTO_TEST_CASE(a_read_takes_what_is_there_and_no_more) {
  tested_context context;
  connection made(context);
  made.peer.write_some(buffer("hello", 5));
  outcome read;
  char text[64];
  made.stream.async_read_some(buffer(text), into(read));
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(test::text(text, read.bytes) == "hello");
}

BOOST_AUTO_TEST_CASE(a_write_waits_until_there_is_room) {
  tested_context context;
  connection made(context);
  support::fill(made.stream.native_handle());
  outcome written;
  made.stream.async_write_some(buffer("last", 4), into(written));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(written.calls == 0);
  support::drain(made.peer.native_handle());
  run(context);
  BOOST_TEST(written == ended());
  BOOST_TEST(written.bytes == 4u);
  BOOST_TEST(support::drain(made.peer.native_handle()) == "last");
}

BOOST_AUTO_TEST_CASE(buffers_without_a_byte_complete_at_once_and_not_from_inside) {
  tested_context context;
  connection made(context);
  support::fill(made.stream.native_handle());
  outcome read;
  outcome written;
  std::array<boost::asio::mutable_buffer, 2> const none = {{}};
  made.stream.async_read_some(boost::asio::mutable_buffer(), into(read));
  made.stream.async_write_some(none, into(written));
  BOOST_TEST(read.calls + written.calls == 0);
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(read.bytes == 0u);
  BOOST_TEST(written == ended());
  BOOST_TEST(written.bytes == 0u);
}

BOOST_AUTO_TEST_CASE(several_buffers_are_filled_and_written_in_order) {
  tested_context context;
  connection made(context);
  unix_stream peer(context, std::move(made.peer));
  std::string const sent = pattern(1000, 1);
  std::string received(sent.size(), '\0');
  std::vector<boost::asio::const_buffer> out;
  std::vector<boost::asio::mutable_buffer> in;
  for (std::size_t place = 0; place != sent.size(); place += 5) { // more than the system takes
    out.push_back(buffer(&sent[place], 5));
    in.push_back(buffer(&received[place], 5));
  }
  outcome read;
  outcome written;
  boost::asio::async_read(peer, in, into(read));
  boost::asio::async_write(made.stream, out, into(written));
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(written == ended());
  BOOST_TEST(read.bytes == sent.size());
  BOOST_TEST((received == sent));
}

namespace {

/// Reads all that comes, in pieces of an odd size.
template <class Stream> struct piecewise_reader {
  void read() {
    stream.async_read_some(buffer(piece), [this](error_code const& ec, std::size_t bytes) {
      received.append(piece.data(), bytes);
      if (!ec) {
        read();
      } else {
        how_it_ended = ec;
      }
    });
  }

  Stream& stream;
  std::array<char, 997> piece;
  std::string received;
  error_code how_it_ended;
};

/// Sends 20 MB to both sides at the same time, with a greedy reader on one and a small one on the
/// other.
template <class Handle>
void check_large_transfers(std::pair<Handle, Handle> sockets, std::size_t threads) {
  using stream_type = mioext::stream<Handle>;
  tested_context context;
  auto const first_strand = boost::asio::make_strand(context);
  auto const second_strand = boost::asio::make_strand(context);
  stream_type first(first_strand, std::move(sockets.first));
  stream_type second(second_strand, std::move(sockets.second));
  std::string const forth = pattern(20000000, 1);
  std::string const back = pattern(20000000, 2);
  piecewise_reader<stream_type> reader = {second, {{}}, std::string(), error_code()};
  std::string received(back.size(), '\0');
  outcome written_forth;
  outcome written_back;
  outcome read_back;
  boost::asio::post(first_strand, [&] {
    boost::asio::async_write(first, buffer(forth), [&](error_code const& ec, std::size_t bytes) {
      into{written_forth}(ec, bytes);
      first.shutdown(boost::asio::socket_base::shutdown_send);
    });
    boost::asio::async_read(first, buffer(&received[0], received.size()), into(read_back));
  });
  boost::asio::post(second_strand, [&] {
    reader.read();
    boost::asio::async_write(second, buffer(back), into(written_back));
  });
  run(context, threads);
  BOOST_TEST(written_forth == ended());
  BOOST_TEST(written_back == ended());
  BOOST_TEST(read_back == ended());
  BOOST_TEST((reader.how_it_ended == error::eof));
  BOOST_TEST((reader.received == forth));
  BOOST_TEST((received == back));
}

} // namespace

BOOST_AUTO_TEST_CASE(twenty_megabytes_both_ways_over_tcp) {
  check_large_transfers(test::tcp_pair(), 1);
}

BOOST_AUTO_TEST_CASE(twenty_megabytes_both_ways_over_unix_sockets_in_four_threads,
                     *test::needs_ring_that_may_wrap()) {
  check_large_transfers(mioext::unix_socket::pair(), 4);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(the_end_is_told_again_and_again) {
  tested_context context;
  connection made(context);
  made.send();
  outcome data;
  made.read(into(data));
  run(context);
  BOOST_TEST(data == ended());
  outcome pending;
  made.read(into(pending));
  BOOST_TEST(poll_all(context));
  made.peer.close();
  run(context);
  BOOST_TEST(pending == ended(error::eof));
  for (int count = 0; count != 3; ++count) {
    outcome again;
    made.read(into(again));
    run(context);
    BOOST_TEST(again == ended(error::eof));
    BOOST_TEST(again.bytes == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_reset_connection) {
  tested_context context;
  auto sockets = test::tcp_pair();
  tcp_stream stream(context, std::move(sockets.first));
  outcome read;
  char byte;
  stream.async_read_some(buffer(&byte, 1), into(read));
  BOOST_TEST(poll_all(context));
  sockets.second.set_option(boost::asio::socket_base::linger(true, 0));
  sockets.second.close();
  run(context);
  BOOST_TEST(read == ended(error::connection_reset));
}

BOOST_AUTO_TEST_CASE(reads_are_served_in_the_order_in_which_they_began) {
  tested_context context;
  connection made(context);
  std::array<char, 3> bytes = {};
  std::vector<std::size_t> order;
  auto const read = [&](std::size_t index) {
    made.stream.async_read_some(buffer(&bytes[index], 1),
                                [&, index](error_code const& ec, std::size_t) {
                                  BOOST_TEST(!ec);
                                  order.push_back(index);
                                });
  };
  read(0);
  BOOST_TEST(poll_all(context));
  made.peer.write_some(buffer("abc", 3));
  read(1); // while the first one waits, and there is something to read
  read(2);
  run(context);
  BOOST_TEST(test::text(bytes.data(), 3) == "abc");
  BOOST_TEST((order == std::vector<std::size_t>{0, 1, 2}));
}

BOOST_AUTO_TEST_CASE(a_write_that_nobody_can_read_breaks_without_a_signal) {
  tested_context context;
  connection made(context);
  auto ends = mioext::pipe();
  mioext::stream<mioext::pipe_writer> writer(context, std::move(ends.second));
  test::raw_pipe raw;
  mioext::stream<int> bare(context, raw.writer());
  made.peer.close();
  ends.first.close();
  raw.close_reader();
  outcome to_socket;
  outcome to_pipe;
  outcome to_number;
  made.stream.async_write_some(buffer("x", 1), into(to_socket));
  writer.async_write_some(buffer("x", 1), into(to_pipe));
  bare.async_write_some(buffer("x", 1), into(to_number));
  run(context);
  BOOST_TEST(to_socket == ended(error::broken_pipe));
  BOOST_TEST(to_pipe == ended(error::broken_pipe));
  BOOST_TEST(to_number == ended(error::broken_pipe));
}

BOOST_AUTO_TEST_CASE(a_write_that_waits_for_room_breaks_when_the_peer_goes) {
  tested_context context;
  connection made(context);
  support::fill(made.stream.native_handle());
  outcome written;
  made.stream.async_write_some(buffer("x", 1), into(written));
  BOOST_TEST(poll_all(context));
  made.peer.close();
  run(context);
  BOOST_TEST(written.calls == 1);
  BOOST_TEST((written.error == error::broken_pipe || written.error == error::connection_reset));
}

BOOST_AUTO_TEST_SUITE_END()

// After a read that found less than it could take, the next one is not tried before the selector has
// reported something new. So whatever comes must be reported, and what is not must be tried.
BOOST_AUTO_TEST_SUITE(after_a_read_that_left_nothing)

namespace {

/// A TCP stream that has been read from while there was less than the buffer takes.
struct drained {
  drained() : drained(test::tcp_pair()) {}

  explicit drained(std::pair<mioext::tcp_socket, mioext::tcp_socket> sockets)
      : stream(context, std::move(sockets.first)), peer(std::move(sockets.second)) {
    outcome first;
    stream.async_read_some(buffer(bytes), into(first));
    BOOST_TEST(poll_all(context)); // it waits, so that the stream is watched
    send("first");
    run(context);
    BOOST_TEST(first.bytes == 5u);
  }

  /// What the next read gets.
  std::string read() {
    outcome read;
    stream.async_read_some(buffer(bytes), into(read));
    run(context);
    BOOST_TEST(read.calls == 1);
    last = read.error;
    return test::text(bytes.data(), read.bytes);
  }

  void send(std::string const& text) { peer.write_some(buffer(text)); }

  /// Waits until that much has arrived.
  void arrive(std::size_t size) {
    while (stream.next_layer().available() < size) {
      std::this_thread::yield();
    }
  }

  /// Waits until the peer has nothing left to send, where the system says so of a socket.
  void arrive() {
    int left = 1;
    while (::ioctl(peer.native_handle(), TIOCOUTQ, &left) == 0 && left != 0) {
      std::this_thread::yield();
    }
  }

  tested_context context;
  tcp_stream stream;
  mioext::tcp_socket peer;
  std::array<char, 64> bytes = {};
  error_code last;
};

} // namespace

BOOST_AUTO_TEST_CASE(what_comes_next_is_read) {
  drained test;
  for (char const* const text : {"one", "two", "three", "four"}) {
    test.send(text);
    test.arrive(std::string(text).size());
    BOOST_TEST(test.read() == text);
  }
}

BOOST_AUTO_TEST_CASE(the_end_that_had_come_with_the_data_is_told) {
  drained test;
  test.send("last");
  test.peer.shutdown(boost::asio::socket_base::shutdown_send);
  test::wait_for_end(
      test.stream); // so that both are there when the stream looks for the first time
  BOOST_TEST(test.read() == "last");
  BOOST_TEST(test.read() == "");
  BOOST_TEST((test.last == error::eof));
  BOOST_TEST(test.read() == "");
  BOOST_TEST((test.last == error::eof));
}

BOOST_AUTO_TEST_CASE(the_end_that_comes_later_is_told) {
  drained test;
  test.send("more");
  BOOST_TEST(test.read() == "more");
  test.peer.close();
  BOOST_TEST(test.read() == "");
  BOOST_TEST((test.last == error::eof));
}

BOOST_AUTO_TEST_CASE(a_reset_that_comes_later_is_told) {
  drained test;
  test.send("more");
  BOOST_TEST(test.read() == "more");
  test.peer.set_option(boost::asio::socket_base::linger(true, 0));
  test.peer.close();
  BOOST_TEST(test.read() == "");
  BOOST_TEST((test.last == error::connection_reset));
}

// A read stops in front of the place where an urgent byte was, with more behind it.
BOOST_AUTO_TEST_CASE(what_is_behind_an_urgent_byte_is_read) {
  drained test;
  test.send("ab");
  BOOST_REQUIRE(::send(test.peer.native_handle(), "!", 1, MSG_OOB) == 1);
  test.send("cde");
  test.arrive();
  std::string got = test.read();
  while (got.size() < 5) {
    std::string const more = test.read();
    BOOST_REQUIRE(!more.empty());
    got += more;
  }
  BOOST_TEST(got == "abcde");
}

BOOST_AUTO_TEST_CASE(what_a_read_without_waiting_has_left_is_read) {
  drained test;
  test.send("one");
  BOOST_TEST(test.read() == "one");
  test.send("three");
  test.arrive(5);
  char first = 0;
  BOOST_TEST(test.stream.read_some(buffer(&first, 1)) == 1u);
  BOOST_TEST(test.read() == "hree");
}

BOOST_AUTO_TEST_CASE(more_than_the_buffers_take_is_read_on) {
  drained test;
  std::string const text = pattern(1000, 1);
  test.send(text);
  test.arrive(text.size());
  std::string got;
  while (got.size() < text.size()) {
    got += test.read();
  }
  BOOST_TEST(got == text);
}

BOOST_AUTO_TEST_SUITE_END()

// The data arrives between a read that found none and the wait for it, or just before, or just
// after: whichever it is, it must be heard of.
BOOST_AUTO_TEST_SUITE(no_wake_up_is_lost, *test::needs_ring_that_may_wrap())

namespace {

/// Answers each byte from a thread of its own, in the system's blocking way.
class blocking_echo {
public:
  explicit blocking_echo(mioext::unix_socket peer)
      : thread_(&blocking_echo::run, this, std::move(peer)) {}
  ~blocking_echo() { thread_.join(); }

private:
  void run(mioext::unix_socket const& peer) {
    int const fd = peer.native_handle();
    char byte;
    for (;;) {
      ::pollfd readable = {fd, POLLIN, 0};
      ::poll(&readable, 1, -1);
      ::ssize_t const size = ::read(fd, &byte, 1);
      if (size == 0 || (size == 1 && ::write(fd, &byte, 1) != 1)) {
        return;
      }
    }
  }

  std::thread thread_;
};

struct ping_pong {
  void write() {
    stream.async_write_some(buffer(&byte, 1), [this](error_code const& ec, std::size_t) {
      failures += bool(ec);
      read();
    });
  }

  void read() {
    stream.async_read_some(buffer(&byte, 1), [this](error_code const& ec, std::size_t) {
      failures += bool(ec);
      if (++rounds != wanted && !ec) {
        write();
      }
    });
  }

  unix_stream stream;
  int wanted;
  int rounds;
  int failures;
  char byte;
};

void check_ping_pongs(std::size_t pairs, int rounds, std::size_t threads) {
  tested_context context;
  std::vector<std::unique_ptr<blocking_echo>> echoes;
  std::vector<std::unique_ptr<ping_pong>> games;
  for (std::size_t index = 0; index != pairs; ++index) {
    auto sockets = mioext::unix_socket::pair();
    echoes.emplace_back(new blocking_echo(std::move(sockets.second)));
    games.emplace_back(
        new ping_pong{unix_stream(context, std::move(sockets.first)), rounds, 0, 0, 'x'});
    games.back()->write();
  }
  run(context, threads);
  for (auto& game : games) {
    BOOST_TEST(game->rounds == rounds);
    BOOST_TEST(game->failures == 0);
    game->stream.close();
  }
}

} // namespace

BOOST_AUTO_TEST_CASE(in_many_rounds_with_a_peer_in_another_thread) {
  check_ping_pongs(1, 20000, 1);
}

BOOST_AUTO_TEST_CASE(in_many_rounds_and_four_threads) { check_ping_pongs(4, 8000, 4); }

// The peer does not wait: a read finds nothing just when something comes.
BOOST_AUTO_TEST_CASE(of_bytes_that_trickle_in) {
  for (std::size_t const threads : {1u, 4u}) {
    tested_context context;
    connection made(context);
    std::size_t const wanted = 50000;
    std::thread trickling([&] {
      for (std::size_t sent = 0; sent != wanted;) {
        sent += ::send(made.peer.native_handle(), "x", 1, MSG_NOSIGNAL) == 1;
        if (sent % 64 == 0) {
          std::this_thread::yield();
        }
      }
    });
    std::size_t received = 0;
    char piece[512];
    std::function<void()> const read = [&] {
      made.stream.async_read_some(buffer(piece), [&](error_code const& ec, std::size_t bytes) {
        received += bytes;
        if (!ec && received != wanted) {
          read();
        }
      });
    };
    read();
    run(context, threads);
    trickling.join();
    BOOST_TEST(received == wanted);
  }
}

// The same for room: a peer that reads just when there is none.
BOOST_AUTO_TEST_CASE(of_room_that_comes_and_goes) {
  for (std::size_t const threads : {1u, 4u}) {
    tested_context context;
    connection made(context);
    made.stream.set_option(boost::asio::socket_base::send_buffer_size(4096));
    std::string const block(3000, 'x');
    std::size_t const wanted = 4000 * block.size();
    std::size_t drained = 0;
    std::thread draining([&] {
      std::vector<char> piece(2048);
      while (drained != wanted) {
        ::ssize_t const size = ::read(made.peer.native_handle(), piece.data(), piece.size());
        if (size == 0) {
          return;
        }
        drained += size > 0 ? static_cast<std::size_t>(size) : 0;
      }
    });
    int blocks = 0;
    std::function<void()> const write = [&] {
      boost::asio::async_write(made.stream, buffer(block), [&](error_code const& ec, std::size_t) {
        if (!ec && ++blocks != 4000) {
          write();
        }
      });
    };
    write();
    run(context, threads);
    made.stream.close(); // the thread ends, whatever has happened
    draining.join();
    BOOST_TEST(blocks == 4000);
    BOOST_TEST(drained == wanted);
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(tokens)

BOOST_AUTO_TEST_CASE(a_future) {
  tested_context context;
  connection made(context);
  std::future<std::size_t> read =
      made.stream.async_read_some(buffer(&made.byte, 1), boost::asio::use_future);
  std::future<std::size_t> written =
      made.stream.async_write_some(buffer("y", 1), boost::asio::use_future);
  made.send();
  run(context);
  BOOST_TEST(read.get() == 1u);
  BOOST_TEST(written.get() == 1u);
  std::future<std::size_t> aborted =
      made.stream.async_read_some(buffer(&made.byte, 1), boost::asio::use_future);
  made.stream.cancel();
  run(context);
  BOOST_TEST((test::error_of([&] { aborted.get(); }) == error::operation_aborted));
}

BOOST_AUTO_TEST_CASE(nothing_that_hears_of_it) {
  tested_context context;
  connection made(context);
  made.stream.async_write_some(buffer("y", 1), boost::asio::detached);
  run(context);
  BOOST_TEST(support::drain(made.peer.native_handle()) == "y");
}

#if BOOST_ASIO_VERSION >= 102400
BOOST_AUTO_TEST_CASE(deferred_it_starts_when_it_is_called) {
  tested_context context;
  connection made(context);
  auto read = made.stream.async_read_some(buffer(&made.byte, 1), boost::asio::deferred);
  made.send();
  BOOST_TEST(!poll_all(context));
  outcome ended_first;
  std::move(read)(into(ended_first));
  BOOST_TEST(ended_first.calls == 0);
  run(context);
  BOOST_TEST(ended_first == ended());
}

BOOST_AUTO_TEST_CASE(a_tuple) {
  tested_context context;
  connection made(context);
  made.send();
  outcome read;
  made.stream.async_read_some(buffer(&made.byte, 1),
                              boost::asio::as_tuple([&](std::tuple<error_code, std::size_t> told) {
                                into{read}(std::get<0>(told), std::get<1>(told));
                              }));
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(read.bytes == 1u);
}
#endif

#ifdef BOOST_ASIO_HAS_CO_AWAIT
BOOST_AUTO_TEST_CASE(a_coroutine) {
  tested_context context;
  mioext::tcp_acceptor acceptor(test::loopback());
  std::string echoed;
  auto const server = [](tested_context& used,
                         mioext::tcp_acceptor& listener) -> boost::asio::awaitable<void> {
    tcp_stream peer(used,
                    co_await mioext::async_accept(used, listener, boost::asio::use_awaitable));
    char text[5];
    std::size_t const size =
        co_await boost::asio::async_read(peer, buffer(text), boost::asio::use_awaitable);
    co_await boost::asio::async_write(peer, buffer(text, size), boost::asio::use_awaitable);
  };
  auto const client = [](tested_context& used, mioext::tcp_acceptor& listener,
                         std::string& answer) -> boost::asio::awaitable<void> {
    tcp_stream stream(used);
    co_await mioext::async_connect(stream, listener.local_endpoint(), boost::asio::use_awaitable);
    co_await mioext::async_wait(stream, mioext::interest::writable, boost::asio::use_awaitable);
    co_await boost::asio::async_write(stream, buffer("hello", 5), boost::asio::use_awaitable);
    answer.resize(5);
    co_await boost::asio::async_read(stream, buffer(&answer[0], 5), boost::asio::use_awaitable);
    char byte;
    error_code at_end;
    try {
      co_await stream.async_read_some(buffer(&byte, 1), boost::asio::use_awaitable);
    } catch (boost::system::system_error const& ended_with) {
      at_end = ended_with.code();
    }
    BOOST_TEST((at_end == error::eof));
  };
  int finished = 0;
  auto const done = [&](std::exception_ptr failure) { finished += !failure; };
  boost::asio::co_spawn(context, server(context, acceptor), done);
  boost::asio::co_spawn(context, client(context, acceptor, echoed), done);
  run(context);
  BOOST_TEST(finished == 2);
  BOOST_TEST(echoed == "hello");
}
#endif

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(handlers)

BOOST_AUTO_TEST_CASE(that_can_only_be_moved) {
  tested_context context;
  connection made(context);
  struct move_only {
    void operator()(error_code const& ec, std::size_t bytes) { into{*written}(ec, bytes + *added); }
    outcome* written;
    std::unique_ptr<std::size_t> added;
  };
  outcome read;
  made.read(move_only{&read, std::unique_ptr<std::size_t>(new std::size_t(10))});
  BOOST_TEST(poll_all(context));
  made.send();
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(read.bytes == 11u);
}

namespace {

struct called_once_and_for_all {
  void operator()(error_code const& ec, std::size_t bytes) && { into{*written}(ec, bytes); }
  outcome* written;
};

struct called_const {
  void operator()(error_code const& ec, std::size_t bytes) const { into{*written}(ec, bytes); }
  outcome* written;
};

/// Knows when it was moved from.
struct noted_move {
  explicit noted_move(outcome& result) : written(&result) {}
  noted_move(noted_move const&) = default;
  noted_move(noted_move&& other) noexcept : written(other.written) { other.written = nullptr; }

  void operator()(error_code const& ec, std::size_t bytes) const { into{*written}(ec, bytes); }

  outcome* written;
};

} // namespace

BOOST_AUTO_TEST_CASE(that_are_called_as_rvalues_or_const) {
  tested_context context;
  connection made(context);
  outcome as_rvalue;
  outcome as_const;
  made.read(called_once_and_for_all{&as_rvalue});
  made.stream.async_write_some(buffer("x", 1), called_const{&as_const});
  made.send();
  run(context);
  BOOST_TEST(as_rvalue == ended());
  BOOST_TEST(as_const == ended());
}

BOOST_AUTO_TEST_CASE(that_are_lvalues_are_copied_and_not_moved_from) {
  tested_context context;
  connection made(context);
  outcome read;
  outcome written;
  noted_move reading(read);
  noted_move const writing(written);
  made.read(reading);
  made.stream.async_write_some(buffer("x", 1), writing);
  BOOST_TEST((reading.written == &read));
  made.send();
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(written == ended());
}

BOOST_AUTO_TEST_CASE(are_called_on_their_strand) {
  tested_context context;
  connection made(context);
  auto const strand = boost::asio::make_strand(context);
  int on_strand = 0;
  auto handler = boost::asio::bind_executor(strand, [&](error_code const& ec, std::size_t) {
    on_strand += !ec && strand.running_in_this_thread();
  });
  made.read(handler); // waits
  made.send();
  made.stream.async_write_some(buffer("x", 1), handler); // does not
  run(context);
  BOOST_TEST(on_strand == 2);
}

BOOST_AUTO_TEST_CASE(are_called_in_their_context_which_waits_for_them) {
  tested_context context;
  tested_context other;
  connection made(context);
  outcome read;
  made.read(boost::asio::bind_executor(other.get_executor(), into(read)));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(poll_all(other));
  made.send();
  run(context);
  BOOST_TEST(read.calls == 0);
  run(other);
  BOOST_TEST(read == ended());
}

namespace {

/// Takes its operation's memory from an allocator that counts, and looks whether that was given back.
struct counting_handler {
  using allocator_type = counting_allocator<char>;

  allocator_type get_allocator() const noexcept { return allocator_type(*used); }

  void operator()(error_code const& ec) const {
    *outstanding = used->outstanding;
    into{*written}(ec);
  }
  template <class Result> void operator()(error_code const& ec, Result&&) const { (*this)(ec); }

  counts* used;
  std::size_t* outstanding;
  outcome* written;
};

/// `start` gets a handler and starts an operation with it; `finish` makes it end.
template <class Start, class Finish>
void check_memory(tested_context& context, Start start, Finish finish) {
  counts used;
  outcome told;
  std::size_t outstanding = 1000;
  start(counting_handler{&used, &outstanding, &told});
  BOOST_TEST(used.allocations > 0u);
  BOOST_TEST(used.outstanding > 0u);
  finish();
  run(context);
  BOOST_TEST(told == ended());
  BOOST_TEST(outstanding == 0u); // inside the handler
  BOOST_TEST(used.outstanding == 0u);
}

} // namespace

BOOST_AUTO_TEST_CASE(lend_their_allocator_and_have_it_back_when_they_are_called) {
  tested_context context;
  connection made(context);
  mioext::tcp_acceptor acceptor(test::loopback());
  mioext::tcp_socket peer;
  mioext::tcp_socket client;
  auto const nothing = [] {};
  auto const send = [&] { made.send(); };
  auto const connect = [&] {
    client.close();
    test::connect(client, acceptor.local_endpoint());
  };
  check_memory(
      context, [&](counting_handler handler) { made.read(handler); }, send);
  check_memory(
      context,
      [&](counting_handler handler) {
        made.stream.async_write_some(buffer("x", 1), handler); // completes at once
      },
      nothing);
  check_memory(
      context,
      [&](counting_handler handler) {
        mioext::async_wait(context, made.stream, mioext::interest::readable, handler);
      },
      send);
  check_memory(
      context, [&](counting_handler handler) { mioext::async_accept(context, acceptor, handler); },
      connect);
  check_memory(
      context,
      [&](counting_handler handler) { mioext::async_accept(context, acceptor, peer, handler); },
      connect);
  tcp_stream connecting(context);
  check_memory(
      context,
      [&](counting_handler handler) {
        mioext::async_connect(connecting, acceptor.local_endpoint(), handler);
      },
      nothing);
}

BOOST_AUTO_TEST_CASE(give_their_memory_back_when_they_are_destroyed_uncalled) {
  counts used;
  outcome told;
  std::size_t outstanding = 0;
  {
    tested_context context;
    connection made(context);
    made.read(counting_handler{&used, &outstanding, &told});
    made.stream.async_write_some(buffer("x", 1), counting_handler{&used, &outstanding, &told});
    BOOST_TEST(used.outstanding >= 2u);
  }
  BOOST_TEST(used.outstanding == 0u);
  BOOST_TEST(told.calls == 0);
}

BOOST_AUTO_TEST_CASE(are_not_called_from_inside_a_thread_of_the_context) {
  tested_context context;
  connection made(context);
  outcome read;
  outcome written;
  made.send();
  bool inside = false;
  boost::asio::post(context, [&] {
    made.read(into(read));
    made.stream.async_write_some(buffer("x", 1), into(written));
    inside = read.calls + written.calls != 0;
  });
  run(context);
  BOOST_TEST(!inside);
  BOOST_TEST(read == ended());
  BOOST_TEST(written == ended());
}

#ifdef MIOEXT_DETAIL_HAS_IMMEDIATE_EXECUTORS
BOOST_AUTO_TEST_CASE(are_called_from_inside_if_their_immediate_executor_does_that) {
  tested_context context;
  connection made(context);
  auto const inline_executor = boost::asio::system_executor();
  outcome waits;
  made.read(boost::asio::bind_immediate_executor(inline_executor, into(waits)));
  BOOST_TEST(waits.calls == 0); // it is not immediate
  BOOST_TEST(poll_all(context));
  made.send();
  run(context);
  BOOST_TEST(waits == ended());

  outcome read;
  made.send();
  made.read(boost::asio::bind_immediate_executor(inline_executor, into(read)));
  BOOST_TEST(read == ended());

  outcome refused;
  mioext::async_wait(context, -1, mioext::interest::readable,
                     boost::asio::bind_immediate_executor(inline_executor, into(refused)));
  BOOST_TEST(refused == ended(error::bad_descriptor));

  // The executor that a handler is bound to has the last word.
  outcome bound;
  tested_context other;
  made.send();
  made.read(boost::asio::bind_immediate_executor(
      inline_executor, boost::asio::bind_executor(other.get_executor(), into(bound))));
  BOOST_TEST(bound.calls == 0);
  BOOST_TEST(!poll_all(context));
  BOOST_TEST(bound.calls == 0);
  run(other);
  BOOST_TEST(bound == ended());
}
#endif

BOOST_AUTO_TEST_SUITE_END()

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

BOOST_AUTO_TEST_SUITE(cancellation)

BOOST_AUTO_TEST_CASE(of_every_type_ends_a_read_and_a_write) {
  using types = boost::asio::cancellation_type;
  for (auto const type : {types::terminal, types::partial, types::total, types::all}) {
    tested_context context;
    connection made(context);
    boost::asio::cancellation_signal reading;
    boost::asio::cancellation_signal writing;
    outcome read;
    outcome written;
    support::fill(made.stream.native_handle());
    made.read(boost::asio::bind_cancellation_slot(reading.slot(), into(read)));
    made.stream.async_write_some(
        buffer("x", 1), boost::asio::bind_cancellation_slot(writing.slot(), into(written)));
    BOOST_TEST(poll_all(context));
    reading.emit(types::none);
    writing.emit(types::none);
    BOOST_TEST(poll_all(context));
    reading.emit(type);
    writing.emit(type);
    BOOST_TEST(read.calls + written.calls == 0);
    BOOST_TEST(!poll_all(context));
    BOOST_TEST(read == ended(error::operation_aborted));
    BOOST_TEST(written == ended(error::operation_aborted));
  }
}

BOOST_AUTO_TEST_CASE(of_one_operation_lets_the_other_go_on) {
  tested_context context;
  connection made(context);
  boost::asio::cancellation_signal signal;
  outcome read;
  outcome written;
  support::fill(made.stream.native_handle());
  made.read(boost::asio::bind_cancellation_slot(signal.slot(), into(read)));
  made.stream.async_write_some(buffer("x", 1), into(written));
  BOOST_TEST(poll_all(context));
  signal.emit(boost::asio::cancellation_type::total);
  BOOST_TEST(poll_all(context));
  BOOST_TEST(read == ended(error::operation_aborted));
  BOOST_TEST(written.calls == 0);
  support::drain(made.peer.native_handle());
  run(context);
  BOOST_TEST(written == ended());
  // What comes after the cancellation hears of what came before it.
  made.send();
  outcome next;
  made.read(into(next));
  run(context);
  BOOST_TEST(next == ended());
}

BOOST_AUTO_TEST_CASE(finds_the_operation_after_the_stream_was_moved) {
  tested_context context;
  connection made(context);
  boost::asio::cancellation_signal signal;
  outcome read;
  made.read(boost::asio::bind_cancellation_slot(signal.slot(), into(read)));
  unix_stream const moved(std::move(made.stream));
  signal.emit(boost::asio::cancellation_type::terminal);
  run(context);
  BOOST_TEST(read == ended(error::operation_aborted));
}

BOOST_AUTO_TEST_CASE(that_comes_too_late_cancels_nothing_else) {
  tested_context context;
  connection made(context);
  boost::asio::cancellation_signal signal;
  outcome done;
  outcome next;
  made.send();
  made.read(boost::asio::bind_cancellation_slot(signal.slot(), into(done)));
  signal.emit(boost::asio::cancellation_type::terminal); // it has read, and was not told yet
  run(context);
  BOOST_TEST(done == ended());
  made.read(into(next));
  signal.emit(boost::asio::cancellation_type::terminal);
  BOOST_TEST(poll_all(context));
  BOOST_TEST(next.calls == 0);
  made.send();
  run(context);
  BOOST_TEST(next == ended());
}

BOOST_AUTO_TEST_CASE(of_a_composed_read_leaves_what_was_read) {
  tested_context context;
  connection made(context);
  boost::asio::cancellation_signal signal;
  outcome read;
  char text[8];
  boost::asio::async_read(made.stream, buffer(text),
                          boost::asio::bind_cancellation_slot(signal.slot(), into(read)));
  made.send();
  BOOST_TEST(poll_all(context));
  signal.emit(boost::asio::cancellation_type::partial);
  run(context);
  BOOST_TEST(read == ended(error::operation_aborted));
  BOOST_TEST(read.bytes == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

#endif
