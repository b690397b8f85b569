//
// test/stream.cpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The object: what it is made of, what it has, how it ends. What goes through it is tested in
// stream_transfer.cpp.
//

#include <mioext/stream.hpp>

#include <cstddef>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>

#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "child.hpp"
#include "contexts.hpp"
#include "handles.hpp"
#include "systems.hpp"

namespace {

namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::asio::ip::tcp;
using boost::asio::local::stream_protocol;
using boost::system::error_code;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::poll_all;
using contexts::run;
using support::socket_pair;
using support::tested_context;

using unix_stream = mioext::stream<mioext::unix_socket>;
using tcp_stream = mioext::stream<mioext::tcp_socket>;
using native_stream = mioext::stream<mioext::tcp_socket, tested_context::executor_type>;

// --- Types ---------------------------------------------------------------------------------------

template <class Stream> constexpr bool is_move_only() {
  return !std::is_copy_constructible<Stream>::value && !std::is_copy_assignable<Stream>::value &&
         std::is_move_constructible<Stream>::value && std::is_move_assignable<Stream>::value &&
         std::is_nothrow_destructible<Stream>::value;
}

static_assert(is_move_only<unix_stream>(), "");
static_assert(is_move_only<native_stream>(), "");
static_assert(is_move_only<mioext::stream<int>>(), "");
static_assert(is_move_only<mioext::stream<mioext::pipe_reader>>(), "");
static_assert(is_move_only<mioext::stream<tcp::socket>>(), "");

// As Asio's, and as the handle.
static_assert(std::is_nothrow_move_constructible<unix_stream>::value, "");
static_assert(std::is_nothrow_move_assignable<unix_stream>::value, "");
static_assert(std::is_nothrow_move_constructible<mioext::stream<int>>::value, "");
static_assert(std::is_nothrow_move_constructible<mioext::stream<tcp::socket>>::value ==
                  std::is_nothrow_move_constructible<tcp::socket>::value,
              "");

static_assert(std::is_same<tcp_stream::executor_type, boost::asio::any_io_executor>::value, "");
static_assert(std::is_same<native_stream::executor_type, tested_context::executor_type>::value, "");
static_assert(std::is_same<tcp_stream::next_layer_type, mioext::tcp_socket>::value, "");
static_assert(std::is_same<tcp_stream::lowest_layer_type, tcp_stream>::value, "");
static_assert(std::is_same<tcp_stream::native_handle_type, int>::value, "");
static_assert(std::is_same<tcp_stream::rebind_executor<tested_context::executor_type>::other,
                           native_stream>::value,
              "");

static_assert(std::is_constructible<tcp_stream, tested_context&>::value, "");
static_assert(std::is_constructible<tcp_stream, tested_context&, mioext::tcp_socket>::value, "");
static_assert(std::is_constructible<tcp_stream, boost::asio::any_io_executor>::value, "");
static_assert(!std::is_convertible<tested_context&, tcp_stream>::value, "it is explicit");
static_assert(!std::is_convertible<boost::asio::any_io_executor, tcp_stream>::value, "");
static_assert(std::is_convertible<tcp::socket, tcp_stream>::value,
              "as in a handler of async_accept");
static_assert(!std::is_constructible<tcp_stream, tcp::socket&>::value, "it would be moved from");
static_assert(!std::is_constructible<tcp_stream, stream_protocol::socket>::value, "");
static_assert(std::is_convertible<native_stream, tcp_stream>::value, "to an executor of any type");
static_assert(!std::is_constructible<native_stream, tcp_stream>::value, "and not back");

// --- What most tests need ------------------------------------------------------------------------

/// A stream, and the peer's socket.
struct connection {
  explicit connection(tested_context& context) : connection(context, mioext::unix_socket::pair()) {}
  connection(tested_context& context, std::pair<mioext::unix_socket, mioext::unix_socket> sockets)
      : stream(context, std::move(sockets.first)), peer(std::move(sockets.second)) {}

  void read(outcome& written) { stream.async_read_some(buffer(&byte, 1), into(written)); }

  /// More than fits, so that it waits.
  void write(outcome& written) {
    support::fill(stream.native_handle());
    stream.async_write_some(buffer(&byte, 1), into(written));
  }

  void send() { peer.write_some(buffer("x", 1)); }

  unix_stream stream;
  mioext::unix_socket peer;
  char byte = 0;
};

/// Checks that `stream` is connected to `peer`, both ways.
template <class Stream, class Peer>
void check_connected(tested_context& context, Stream& stream, Peer& peer) {
  outcome read;
  outcome written;
  char in = 0;
  char back = 0;
  BOOST_TEST(stream.is_open());
  stream.async_read_some(buffer(&in, 1), into(read));
  BOOST_TEST(read.calls == 0);
  peer.write_some(buffer("a", 1));
  stream.async_write_some(buffer("b", 1), into(written));
  BOOST_TEST(written.calls == 0);
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(written == ended());
  BOOST_TEST(in == 'a');
  test::wait_for(peer, POLLIN);
  BOOST_TEST(peer.read_some(buffer(&back, 1)) == 1u);
  BOOST_TEST(back == 'b');
}

} // namespace

BOOST_AUTO_TEST_SUITE(made_of)

BOOST_AUTO_TEST_CASE(nothing_it_is_closed) {
  tested_context context;
  tcp_stream from_context(context);
  tcp_stream from_executor(context.get_executor());
  native_stream native(context.get_executor());
  BOOST_TEST(!from_context.is_open());
  BOOST_TEST(!from_executor.is_open());
  BOOST_TEST(!native.is_open());
  BOOST_TEST(from_context.native_handle() == -1);
  BOOST_TEST((from_context.get_executor() == context.get_executor()));
  outcome read;
  outcome written;
  char byte = 0;
  from_context.async_read_some(buffer(&byte, 1), into(read));
  from_context.async_write_some(buffer(&byte, 1), into(written));
  BOOST_TEST(read.calls + written.calls == 0);
  run(context);
  BOOST_TEST(read == ended(error::bad_descriptor));
  BOOST_TEST(written == ended(error::bad_descriptor));
  error_code ec;
  BOOST_TEST(from_context.read_some(buffer(&byte, 1), ec) == 0u);
  BOOST_TEST((ec == error::bad_descriptor));
  BOOST_TEST(from_context.write_some(buffer(&byte, 1), ec) == 0u);
  BOOST_TEST((ec == error::bad_descriptor));
  from_context.cancel(ec);
  BOOST_TEST((ec == error::bad_descriptor));
  BOOST_TEST(from_context.release(ec) == -1);
  BOOST_TEST((ec == error::bad_descriptor));
  from_context.close(ec);
  BOOST_TEST(!ec);
  BOOST_TEST((test::error_of([&] { from_context.cancel(); }) == error::bad_descriptor));
  BOOST_TEST((test::error_of([&] { from_context.release(); }) == error::bad_descriptor));
}

BOOST_AUTO_TEST_CASE(a_handle_that_is_moved) {
  tested_context context;
  auto sockets = mioext::unix_socket::pair();
  int const fd = sockets.first.native_handle();
  unix_stream stream(context, std::move(sockets.first));
  BOOST_TEST(stream.native_handle() == fd);
  BOOST_TEST(stream.next_layer().native_handle() == fd);
  BOOST_TEST(&stream.lowest_layer() == &stream);
  BOOST_TEST(!sockets.first.is_open());
  check_connected(context, stream, sockets.second);
}

// It would wait in the first read, and the context with it.
BOOST_AUTO_TEST_CASE(a_pipe_end_that_was_made_blocking) {
  tested_context context;
  auto ends = mioext::pipe();
  ends.first.native_non_blocking(false);
  mioext::stream<mioext::pipe_reader> reader(context, std::move(ends.first));
  outcome read;
  char byte = 0;
  reader.async_read_some(buffer(&byte, 1), into(read));
  context.poll();
  BOOST_TEST(read.calls == 0);
  ends.second.write_some(buffer("x", 1));
  context.restart();
  run(context);
  BOOST_TEST(read.calls == 1);
  BOOST_TEST(byte == 'x');
}

BOOST_AUTO_TEST_CASE(a_protocol_an_endpoint_and_a_descriptor) {
  tested_context context;
  tcp_stream const opened(context, tcp::v4());
  tcp_stream const bound(context.get_executor(), test::loopback());
  BOOST_TEST(opened.is_open());
  BOOST_TEST(bound.local_endpoint().port() != 0);
  auto sockets = mioext::unix_socket::pair();
  unix_stream adopted(context, sockets.first.release());
  check_connected(context, adopted, sockets.second);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_had_throws_and_the_handle_is_left_alone) {
  tested_context context;
  BOOST_TEST((test::error_of([&] { unix_stream(context, -5); }) == error::bad_descriptor));
}

BOOST_AUTO_TEST_CASE(a_socket_of_asio_with_its_executor) {
  tested_context context;
  stream_protocol::socket socket(context);
  stream_protocol::socket peer(context);
  boost::asio::local::connect_pair(socket, peer);
  int const fd = socket.native_handle();
  unix_stream stream = std::move(socket);
  BOOST_TEST(stream.native_handle() == fd);
  BOOST_TEST(!socket.is_open());
  BOOST_TEST((stream.get_executor() == peer.get_executor()));
  mioext::unix_socket other(std::move(peer));
  check_connected(context, stream, other);
}

BOOST_AUTO_TEST_CASE(a_closed_socket_of_asio_it_is_closed) {
  tested_context context;
  tcp_stream stream = tcp::socket(context);
  BOOST_TEST(!stream.is_open());
  BOOST_TEST((stream.get_executor() == context.get_executor()));
}

BOOST_AUTO_TEST_CASE(a_stream_with_another_executor) {
  tested_context context;
  auto sockets = test::tcp_pair();
  native_stream native(context, std::move(sockets.first));
  tcp_stream stream = std::move(native);
  BOOST_TEST(!native.is_open());
  check_connected(context, stream, sockets.second);
}

BOOST_AUTO_TEST_CASE(the_ends_of_a_pipe) {
  tested_context context;
  auto ends = mioext::pipe();
  mioext::stream<mioext::pipe_reader> reader(context, std::move(ends.first));
  mioext::stream<mioext::pipe_writer> writer(context, std::move(ends.second));
  outcome read;
  outcome written;
  char text[8];
  boost::asio::async_read(reader, buffer(text, 5), into(read));
  BOOST_TEST(poll_all(context));
  boost::asio::async_write(writer, buffer("hello", 5), into(written));
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(written == ended());
  BOOST_TEST(test::text(text, 5) == "hello");
}

BOOST_AUTO_TEST_CASE(a_socket_of_asio_as_the_handle) {
  tested_context context;
  auto sockets = test::tcp_pair();
  mioext::stream<tcp::socket> stream(context.get_executor(), sockets.first.into_asio(context));
  check_connected(context, stream, sockets.second);
  stream.close();
  BOOST_TEST(!stream.next_layer().is_open());
}

BOOST_AUTO_TEST_CASE(a_descriptor_of_asio_as_the_handle) {
  tested_context context;
  socket_pair pair;
  mioext::stream<boost::asio::posix::stream_descriptor> stream(
      context.get_executor(), boost::asio::posix::stream_descriptor(context, pair.near.release()));
  mioext::unix_socket peer(pair.far.release());
  check_connected(context, stream, peer);
}

// No more than what the class comment asks for.
class copyable_handle {
public:
  explicit copyable_handle(int fd) noexcept : fd_(fd) {}
  int native_handle() const noexcept { return fd_; }
  void close(error_code& ec) {
    ec = ::close(release(ec)) == 0 ? error_code() : error_code(error::bad_descriptor);
  }
  int release(error_code& ec) {
    ec.clear();
    int const fd = fd_;
    fd_ = -1;
    return fd;
  }

private:
  int fd_;
};

class move_only_handle {
public:
  explicit move_only_handle(int fd) : owned_(fd) {}
  int native_handle() const noexcept { return owned_.native_handle(); }
  void close(error_code& ec) { owned_.close(ec); }
  int release(error_code& ec) { return owned_.release(ec); }

private:
  mioext::unix_socket owned_;
};

template <class Handle> void check_handle_of_a_user() {
  tested_context context;
  socket_pair pair;
  mioext::stream<Handle> first(context, Handle(pair.near.release()));
  mioext::unix_socket peer(pair.far.release());
  check_connected(context, first, peer);
  outcome read;
  char byte = 0;
  first.async_read_some(buffer(&byte, 1), into(read));
  BOOST_TEST(poll_all(context));
  int const fd = first.native_handle();
  {
    mioext::stream<Handle> moved(std::move(first));
    BOOST_TEST(!first.is_open());
    BOOST_TEST(moved.native_handle() == fd);
    first = std::move(moved);
    BOOST_TEST(!moved.is_open());
  }
  BOOST_TEST(peer.write_some(buffer("y", 1)) == 1u);
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(byte == 'y');
  BOOST_TEST(first.write_some(buffer("z", 1)) == 1u);
  BOOST_TEST(boost::asio::read(peer, buffer(&byte, 1)) == 1u);
  BOOST_TEST(byte == 'z');
  first.close();
  BOOST_TEST(!test::is_descriptor(fd));
}

BOOST_AUTO_TEST_CASE(any_class_with_native_handle_close_and_release_is_a_stream) {
  check_handle_of_a_user<copyable_handle>();
  check_handle_of_a_user<move_only_handle>();
}

// Somebody else's, blocking as they come.
BOOST_AUTO_TEST_CASE(a_number_that_is_not_closed_in_the_end) {
  tested_context context;
  test::raw_pipe pipe;
  {
    mioext::stream<int> reader(context, pipe.reader());
    mioext::stream<int> writer(context, pipe.writer());
    BOOST_TEST(reader.native_handle() == pipe.reader());
    outcome read;
    char byte = 0;
    reader.async_read_some(buffer(&byte, 1), into(read));
    BOOST_TEST(poll_all(context));
    BOOST_TEST(writer.write_some(buffer("x", 1)) == 1u);
    run(context);
    BOOST_TEST(read == ended());
    BOOST_TEST(byte == 'x');
    writer.close();
    BOOST_TEST(!writer.is_open());
    BOOST_TEST(reader.release() == pipe.reader());
    BOOST_TEST(!reader.is_open());
  }
  { mioext::stream<int> const destroyed(context, pipe.reader()); }
  BOOST_TEST(test::is_descriptor(pipe.reader()));
  BOOST_TEST(test::is_descriptor(pipe.writer()));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(synchronous)

BOOST_AUTO_TEST_CASE(a_read_waits_for_data_and_a_write_for_room) {
  tested_context context;
  connection made(context);
  std::string const sent(1 << 20, 'x');
  std::string received(sent.size(), '\0');
  std::thread peer([&] {
    unix_stream other(context, std::move(made.peer));
    boost::asio::read(other, buffer(&received[0], received.size()));
    boost::asio::write(other, buffer("done", 4));
  });
  BOOST_TEST(boost::asio::write(made.stream, buffer(sent)) == sent.size());
  char text[4];
  BOOST_TEST(boost::asio::read(made.stream, buffer(text)) == 4u);
  peer.join();
  BOOST_TEST(received == sent);
  error_code ec;
  BOOST_TEST(made.stream.read_some(buffer(text), ec) == 0u);
  BOOST_TEST((ec == error::eof));
  BOOST_TEST((test::error_of([&] { made.stream.read_some(buffer(text)); }) == error::eof));
  BOOST_TEST((test::error_of([&] { made.stream.write_some(buffer(text)); }) == error::broken_pipe));
}

BOOST_AUTO_TEST_CASE(they_say_would_block_if_asked_to) {
  tested_context context;
  connection made(context);
  BOOST_TEST(!made.stream.non_blocking());
  made.stream.non_blocking(true);
  BOOST_TEST(made.stream.non_blocking());
  error_code ec;
  made.stream.read_some(buffer(&made.byte, 1), ec);
  BOOST_TEST((ec == error::would_block));
  support::fill(made.stream.native_handle());
  made.stream.write_some(buffer(&made.byte, 1), ec);
  BOOST_TEST((ec == error::would_block));
  // What is asynchronous waits all the same.
  outcome read;
  made.read(read);
  BOOST_TEST(poll_all(context));
  made.send();
  run(context);
  BOOST_TEST(read == ended());
  made.stream.non_blocking(false, ec);
  BOOST_TEST(!ec);
  BOOST_TEST(!made.stream.non_blocking());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(members_of_the_handle)

BOOST_AUTO_TEST_CASE(options_endpoints_and_shutdown) {
  tested_context context;
  auto sockets = test::tcp_pair();
  tcp_stream stream(context, std::move(sockets.first));
  stream.set_option(tcp::no_delay(true));
  tcp::no_delay no_delay;
  stream.get_option(no_delay);
  BOOST_TEST(no_delay.value());
  BOOST_TEST((stream.local_endpoint() == sockets.second.remote_endpoint()));
  BOOST_TEST((stream.remote_endpoint() == sockets.second.local_endpoint()));
  error_code ec;
  BOOST_TEST((stream.remote_endpoint(ec) == sockets.second.local_endpoint()));
  sockets.second.write_some(buffer("xyz", 3));
  test::wait_for(stream, POLLIN);
  BOOST_TEST(stream.available() == 3u);
  BOOST_TEST(!stream.take_error());
  stream.shutdown(boost::asio::socket_base::shutdown_send);
  test::wait_for(sockets.second, POLLIN);
  char byte;
  sockets.second.read_some(buffer(&byte, 1), ec);
  BOOST_TEST((ec == error::eof));
  stream.shutdown(boost::asio::socket_base::shutdown_both, ec);
}

BOOST_AUTO_TEST_CASE(open_bind_and_connect) {
  tested_context context;
  mioext::tcp_acceptor acceptor(test::loopback());
  tcp_stream stream(context);
  stream.open(tcp::v4());
  stream.bind(test::loopback());
  BOOST_TEST(stream.local_endpoint().port() != 0);
  outcome connected;
  stream.async_connect(acceptor.local_endpoint(), into(connected));
  BOOST_TEST(connected.calls == 0);
  run(context);
  BOOST_TEST(connected == ended());
  mioext::tcp_socket peer = acceptor.accept();
  check_connected(context, stream, peer);
  error_code ec;
  stream.open(tcp::v4(), ec);
  BOOST_TEST((ec == error::already_open));
}

BOOST_AUTO_TEST_CASE(a_closed_one_is_opened_by_connecting_it) {
  tested_context context;
  mioext::tcp_acceptor acceptor(test::loopback());
  tcp_stream stream(context);
  outcome connected;
  stream.async_connect(acceptor.local_endpoint(), into(connected));
  run(context);
  BOOST_TEST(connected == ended());
  mioext::tcp_socket peer = acceptor.accept();
  check_connected(context, stream, peer);
}

BOOST_AUTO_TEST_CASE(a_socket_of_asio_that_it_opens_becomes_non_blocking) {
  tested_context context;
  mioext::stream<tcp::socket> stream(context.get_executor(), tcp::socket(context));
  stream.open(tcp::v4());
  BOOST_TEST((::fcntl(stream.native_handle(), F_GETFL) & O_NONBLOCK) != 0);
}

BOOST_AUTO_TEST_CASE(it_is_waited_for_in_either_vocabulary) {
  tested_context context;
  connection made(context);
  outcome readable;
  outcome writable;
  outcome read_ready;
  outcome write_ready;
  made.stream.async_wait(mioext::interest::readable, into(readable));
  made.stream.async_wait(mioext::interest::writable, into(writable));
  made.stream.async_wait(boost::asio::socket_base::wait_read, into(read_ready));
  made.stream.async_wait(boost::asio::socket_base::wait_write, into(write_ready));
  BOOST_TEST(writable.calls == 0);
  BOOST_TEST(poll_all(context));
  BOOST_TEST(writable == ended());
  BOOST_TEST(write_ready == ended());
  BOOST_TEST(readable.calls + read_ready.calls == 0);
  made.send();
  run(context);
  BOOST_TEST(readable == ended());
  BOOST_TEST(read_ready == ended());
}

// A wait beside reads and writes: they share a registration, which reports each edge once.
BOOST_AUTO_TEST_CASE(waits_and_reads_do_not_steal_each_others_events) {
  tested_context context;
  connection made(context);
  for (int round = 0; round != 100; ++round) {
    outcome read;
    outcome waited;
    outcome ready;
    made.read(read);
    BOOST_REQUIRE(poll_all(context));
    made.stream.async_wait(mioext::interest::readable, into(waited));
    made.peer.write_some(buffer("xy", 2));
    run(context);
    BOOST_REQUIRE(read == ended());
    BOOST_REQUIRE(waited == ended());
    // A byte is left, of which no edge will tell again.
    made.stream.async_wait(mioext::interest::readable, into(ready));
    run(context);
    BOOST_REQUIRE(ready == ended());
    outcome rest;
    made.read(rest);
    run(context);
    BOOST_REQUIRE(rest == ended());
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(its_end)

namespace {

/// A read and a write pend; `end` is what happens to the stream.
template <class End> void check_aborted_by(End end) {
  tested_context context;
  connection made(context);
  outcome read;
  outcome written;
  outcome waited;
  made.read(read);
  made.write(written);
  made.stream.async_wait(mioext::interest::priority, into(waited));
  BOOST_TEST(poll_all(context));
  end(made);
  BOOST_TEST(read.calls + written.calls + waited.calls == 0); // not from inside
  BOOST_TEST(!poll_all(context));                             // and at once
  BOOST_TEST(read == ended(error::operation_aborted));
  BOOST_TEST(written == ended(error::operation_aborted));
  BOOST_TEST(waited == ended(error::operation_aborted));
}

} // namespace

BOOST_AUTO_TEST_CASE(close_ends_what_is_pending) {
  check_aborted_by([](connection& made) {
    made.stream.close();
    BOOST_TEST(!made.stream.is_open());
    made.stream.close(); // again is no error
    char byte;
    error_code ec;
    made.peer.read_some(buffer(&byte, 1), ec);
  });
}

// The selector may still have it, if it was to report once and has done so.
BOOST_AUTO_TEST_CASE(a_closed_one_of_which_there_is_a_duplicate_wakes_nobody,
                     *test::needs_asio_that_counts_handlers()) {
  tested_context context;
  connection made(context);
  connection other(context);
  outcome waited;
  made.stream.async_wait(boost::asio::socket_base::wait_read, into(waited));
  made.send();
  run(context);
  BOOST_TEST(waited == ended());
  int const number = made.stream.native_handle();
  int const duplicate = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
  made.stream.close();
  made.send();
  outcome read;
  other.read(read);
  context.restart();
  BOOST_TEST(context.poll() == 0u);

  // The same file comes back under the same number.
  mioext::unix_socket returned(::fcntl(duplicate, F_DUPFD_CLOEXEC, number));
  BOOST_TEST(returned.native_handle() == number);
  ::close(duplicate);
  unix_stream again(context, std::move(returned));
  outcome ready;
  again.async_wait(boost::asio::socket_base::wait_read, into(ready));
  other.send();
  run(context);
  BOOST_TEST(ready == ended());
  BOOST_TEST(read == ended());
}

// The selector may go on reporting what comes for it.
BOOST_AUTO_TEST_CASE(what_comes_for_a_duplicate_of_a_closed_one_concerns_nobody) {
  tested_context context;
  connection made(context);
  auto other = mioext::unix_socket::pair();
  outcome read;
  made.read(read);
  BOOST_TEST(poll_all(context));
  int const number = made.stream.native_handle();
  int const duplicate = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
  made.stream.close();
  poll_all(context);
  BOOST_TEST(read == ended(error::operation_aborted));
  made.send();
  poll_all(context);

  // Another file gets the number.
  {
    connection next(context, {mioext::unix_socket(
                                  ::fcntl(other.first.native_handle(), F_DUPFD_CLOEXEC, number)),
                              std::move(other.second)});
    BOOST_TEST(next.stream.native_handle() == number);
    outcome late;
    next.read(late);
    for (int count = 0; count != 3; ++count) {
      made.send();
      BOOST_TEST(poll_all(context));
      BOOST_TEST(late.calls == 0);
    }
    next.send();
    run(context);
    BOOST_TEST(late == ended());
  }

  // The same file comes back under the same number.
  mioext::unix_socket returned(::fcntl(duplicate, F_DUPFD_CLOEXEC, number));
  BOOST_TEST(returned.native_handle() == number);
  ::close(duplicate);
  unix_stream again(context, std::move(returned));
  char all[4];
  outcome ready;
  boost::asio::async_read(again, buffer(all), into(ready));
  run(context);
  BOOST_TEST(ready == ended());
  BOOST_TEST(std::string(all, 4) == "xxxx");
}

#ifdef __linux__
namespace {

/// How many epoll instances of this process have something under that number.
std::size_t epolls_with(int number) {
  std::size_t count = 0;
  for (int fd = 0; fd != 1024; ++fd) {
    std::ifstream info("/proc/self/fdinfo/" + std::to_string(fd));
    for (std::string word; info >> word;) {
      int found = -1;
      count += word == "tfd:" && info >> found && found == number ? 1u : 0u;
    }
  }
  return count;
}

} // namespace

// It is told to the selector, because its file stays open: what comes for the child would wake this process.
BOOST_AUTO_TEST_CASE(a_closed_one_that_a_child_has_too_is_in_no_selector) {
  tested_context context;
  connection made(context);
  outcome read;
  made.read(read);
  BOOST_TEST(poll_all(context));
  int const number = made.stream.native_handle();
  auto end = mioext::pipe();
  BOOST_TEST(test::in_child(
                 [&] {
                   end.second.close();
                   test::wait_for(end.first, POLLIN);
                   return 0;
                 },
                 [&] {
                   made.stream.close();
                   BOOST_TEST(epolls_with(number) == 0u);
                   end.second.close();
                 }) == 0);
  run(context);
  BOOST_TEST(read == ended(error::operation_aborted));
}
#endif

BOOST_AUTO_TEST_CASE(closing_the_next_layer_ends_what_is_pending) {
  check_aborted_by([](connection& made) { made.stream.next_layer().close(); });
}

BOOST_AUTO_TEST_CASE(cancel_ends_what_is_pending_and_the_stream_goes_on) {
  check_aborted_by([](connection& made) {
    made.stream.cancel();
    BOOST_TEST(made.stream.is_open());
  });
  tested_context context;
  connection made(context);
  for (int round = 0; round != 10; ++round) {
    outcome read;
    made.read(read);
    made.stream.cancel();
    run(context);
    BOOST_TEST(read == ended(error::operation_aborted));
    check_connected(context, made.stream, made.peer);
  }
}

BOOST_AUTO_TEST_CASE(release_ends_what_is_pending_and_gives_the_descriptor) {
  mioext::unix_socket released;
  check_aborted_by([&released](connection& made) {
    int const fd = made.stream.native_handle();
    BOOST_TEST(made.stream.release() == fd);
    BOOST_TEST(!made.stream.is_open());
    released.assign(fd);
  });
  BOOST_TEST(test::is_descriptor(released.native_handle()));
}

BOOST_AUTO_TEST_CASE(the_destructor_ends_what_is_pending) {
  check_aborted_by([](connection& made) { unix_stream const destroyed(std::move(made.stream)); });
}

BOOST_AUTO_TEST_CASE(assignment_ends_what_is_pending) {
  check_aborted_by([](connection& made) {
    made.stream = unix_stream(made.stream.get_executor(), stream_protocol());
    BOOST_TEST(made.stream.is_open());
  });
}

BOOST_AUTO_TEST_CASE(a_move_ends_nothing) {
  tested_context context;
  connection made(context);
  outcome read;
  outcome written;
  made.read(read);
  made.write(written);
  BOOST_TEST(poll_all(context));
  unix_stream constructed(std::move(made.stream));
  BOOST_TEST(!made.stream.is_open());
  BOOST_TEST(poll_all(context));
  unix_stream assigned(context);
  assigned = std::move(constructed);
  BOOST_TEST(!constructed.is_open());
  BOOST_TEST(poll_all(context));
  BOOST_TEST(read.calls + written.calls == 0);
  made.send();
  support::drain(made.peer.native_handle());
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(written == ended());
  support::drain(made.peer.native_handle());
  check_connected(context, assigned, made.peer);
  // What was moved from can be used again.
  auto sockets = mioext::unix_socket::pair();
  made.stream = unix_stream(context, std::move(sockets.first));
  check_connected(context, made.stream, sockets.second);
}

BOOST_AUTO_TEST_CASE(assignment_to_another_context_takes_its_service_along) {
  tested_context first;
  tested_context second;
  connection made(first);
  connection other(second);
  outcome aborted;
  made.read(aborted);
  made.stream = std::move(other.stream);
  run(first);
  BOOST_TEST(aborted == ended(error::operation_aborted));
  check_connected(second, made.stream, other.peer);
}

BOOST_AUTO_TEST_CASE(in_a_handler_of_its_own) {
  using action = std::function<void(connection&)>;
  std::vector<action> const actions = {
      [](connection& made) { made.stream.close(); },
      [](connection& made) { made.stream.cancel(); },
      [](connection& made) { ::close(made.stream.release()); },
      [](connection& made) { unix_stream const destroyed(std::move(made.stream)); },
      [](connection& made) { made.stream = unix_stream(made.stream.get_executor()); },
  };
  for (action const& act : actions) {
    tested_context context;
    connection made(context);
    outcome written;
    bool was_called = false;
    made.write(written);
    made.stream.async_read_some(buffer(&made.byte, 1), [&](error_code const& ec, std::size_t) {
      BOOST_TEST(!ec);
      was_called = true;
      act(made);
      BOOST_TEST(written.calls == 0);
    });
    made.send();
    run(context);
    BOOST_TEST(was_called);
    BOOST_TEST(written == ended(error::operation_aborted));
  }
}

BOOST_AUTO_TEST_CASE(the_handler_owns_the_stream) {
  tested_context context;
  std::weak_ptr<connection> observed;
  {
    auto const made = std::make_shared<connection>(context);
    observed = made;
    made->stream.async_read_some(buffer(&made->byte, 1), [made](error_code const&, std::size_t) {});
    made->send();
  }
  run(context);
  BOOST_TEST(observed.expired());
}

// A number that is used again right away is a new stream's and nothing of the old one's is left.
BOOST_AUTO_TEST_CASE(a_reused_number_starts_afresh) {
  tested_context context;
  for (int round = 0; round != 50; ++round) {
    connection made(context);
    outcome read;
    made.read(read);
    BOOST_REQUIRE(poll_all(context));
    BOOST_REQUIRE(read.calls == 0);
    if (round % 2 == 0) {
      made.send();
      run(context);
      BOOST_REQUIRE(read == ended());
    } else {
      made.stream.close();
      run(context);
      BOOST_REQUIRE(read == ended(error::operation_aborted));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_next_layer_that_is_replaced_is_registered_anew) {
  tested_context context;
  connection made(context);
  outcome aborted;
  made.read(aborted);
  auto sockets = mioext::unix_socket::pair();
  made.stream.next_layer() = std::move(sockets.first);
  run(context);
  BOOST_TEST(aborted == ended(error::operation_aborted));
  check_connected(context, made.stream, sockets.second);
}

// Handles are owned by one strand, which closes them while the context's other threads deliver.
BOOST_AUTO_TEST_CASE(from_a_strand_while_four_threads_deliver) {
  for (int round = 0; round != 100; ++round) {
    tested_context context;
    auto const strand = boost::asio::make_strand(context);
    auto sockets = mioext::unix_socket::pair();
    mioext::unix_socket peer = std::move(sockets.second);
    unix_stream stream(strand, std::move(sockets.first));
    char byte = 0;
    int calls = 0;
    std::function<void()> const read = [&] {
      stream.async_read_some(buffer(&byte, 1), [&](error_code const& ec, std::size_t) {
        ++calls;
        if (!ec) {
          read();
        }
      });
    };
    boost::asio::post(strand, read);
    for (int index = 0; index != 20; ++index) {
      boost::asio::post(context, [&] {
        error_code ignored;
        peer.write_some(buffer("x", 1), ignored);
      });
      if (index == 10) {
        int const how = round % 3;
        boost::asio::post(strand, [&stream, how] {
          if (how == 0) {
            stream.close();
          } else if (how == 1) {
            unix_stream const destroyed(std::move(stream));
          } else {
            stream = unix_stream(stream.get_executor());
          }
        });
      }
    }
    run(context, 4);
    BOOST_TEST(calls >= 1);
    BOOST_TEST(!stream.is_open());
  }
}

BOOST_AUTO_TEST_CASE(after_the_context) {
  auto sockets = mioext::unix_socket::pair();
  std::unique_ptr<tested_context> context(new tested_context);
  unix_stream pending(*context, std::move(sockets.first));
  unix_stream idle(*context, std::move(sockets.second));
  unix_stream assigned(*context);
  char byte;
  bool was_called = false;
  pending.async_read_some(buffer(&byte, 1),
                          [&](error_code const&, std::size_t) { was_called = true; });
  context.reset();
  pending.cancel();
  assigned = std::move(pending);
  unix_stream const constructed(std::move(assigned));
  BOOST_TEST(constructed.is_open());
  BOOST_TEST(idle.write_some(buffer("x", 1)) == 1u);
  mioext::unix_socket const released(idle.release());
  BOOST_TEST(test::is_descriptor(released.native_handle()));
  BOOST_TEST(!was_called);
}

BOOST_AUTO_TEST_SUITE_END()
