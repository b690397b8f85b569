//
// doc/snippets/selector_context.cpp
// ---------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the guide shows of a selector_context, as test cases. The parts between `tag::` and `end::` are
// what is shown.
//

#include <mioext/selector_context.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/cancel_after.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#ifdef BOOST_ASIO_HAS_CO_AWAIT
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#endif

using boost::asio::buffer;
using boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

tcp::endpoint any_port() { return tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0); }

} // namespace

BOOST_AUTO_TEST_SUITE(guide_selector_context)

BOOST_AUTO_TEST_CASE(a_client_and_a_server) {
  // tag::context[]
  mioext::selector_context context;

  mioext::tcp_acceptor acceptor(any_port());
  mioext::async_accept(context, acceptor, [](error_code ec, mioext::tcp_socket peer) {
    if (!ec) {
      peer.write_some(buffer("hello\n", 6));
    }
  });

  mioext::stream<mioext::tcp_socket> client(context);
  std::string line;
  client.async_connect(acceptor.local_endpoint(), [&](error_code ec) {
    if (!ec) {
      boost::asio::async_read_until(client, boost::asio::dynamic_buffer(line), '\n',
                                    [](error_code, std::size_t) {});
    }
  });
  context.run();
  // end::context[]
  BOOST_TEST(line == "hello\n");
}

namespace {

// tag::names[]
using context_type = mioext::selector_context;          // was boost::asio::io_context
using socket_type = mioext::stream<mioext::tcp_socket>; // was boost::asio::ip::tcp::socket
using timer_type = mioext::steady_timer;                // was boost::asio::steady_timer
// end::names[]

} // namespace

BOOST_AUTO_TEST_CASE(the_names_of_a_program_that_was_moved) {
  context_type context;
  socket_type socket(context);
  timer_type timer(context, milliseconds(1));
  bool has_fired = false;
  timer.async_wait([&](error_code ec) { has_fired = !ec; });
  context.run_for(seconds(20));
  BOOST_TEST(has_fired);
  BOOST_TEST(!socket.is_open());
}

BOOST_AUTO_TEST_CASE(a_timer) {
  // tag::timer[]
  mioext::selector_context context;
  mioext::steady_timer timer(context, milliseconds(5));
  bool has_fired = false;
  timer.async_wait([&](error_code ec) { has_fired = !ec; });
  context.run();
  // end::timer[]
  BOOST_TEST(has_fired);
}

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

BOOST_AUTO_TEST_CASE(a_read_with_a_limit) {
  auto ends = mioext::unix_socket::pair();
  error_code result;
  // tag::limit[]
  mioext::selector_context context;
  mioext::stream<mioext::unix_socket> stream(context, std::move(ends.first));
  char block[64];
  stream.async_read_some(buffer(block),
                         mioext::cancel_after(milliseconds(5), [&](error_code ec, std::size_t) {
                           result = ec; // operation_aborted: nobody sends anything
                         }));
  context.run();
  // end::limit[]
  BOOST_TEST(result == boost::asio::error::operation_aborted);
}

#endif

BOOST_AUTO_TEST_CASE(its_own_type_of_executor) {
  auto ends = mioext::unix_socket::pair();
  // tag::typed[]
  using executor = mioext::selector_context::executor_type;

  mioext::selector_context context;
  mioext::stream<mioext::unix_socket, executor> stream(context, std::move(ends.first));
  mioext::basic_steady_timer<executor> timer(context);
  // end::typed[]
  BOOST_TEST(stream.is_open());
}

BOOST_AUTO_TEST_CASE(a_connection_moves_to_another_context) {
  auto ends = mioext::unix_socket::pair();
  std::string received(5, '\0');
  // tag::hand_over[]
  mioext::selector_context second;
  auto work = boost::asio::make_work_guard(second);
  std::thread thread([&] { second.run(); });

  // A plain handle belongs to no context. What posts it may be in another one's thread.
  auto const socket = std::make_shared<mioext::unix_socket>(std::move(ends.first));
  boost::asio::post(second, [&second, socket] {
    auto const stream =
        std::make_shared<mioext::stream<mioext::unix_socket>>(second, std::move(*socket));
    boost::asio::async_write(*stream, buffer("hello", 5), [stream](error_code, std::size_t) {});
  });

  work.reset(); // it ends when that is done
  thread.join();
  // end::hand_over[]
  BOOST_TEST(ends.second.read_some(buffer(&received[0], 5)) == 5u);
  BOOST_TEST(received == "hello");
}

#if defined(BOOST_ASIO_HAS_CO_AWAIT) && defined(MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS)

namespace {

// tag::coroutine[]
using socket_stream = mioext::stream<mioext::tcp_socket>;

boost::asio::awaitable<void> echo(socket_stream stream) {
  char block[1024];
  for (;;) { // ends with an exception: the end of the connection, or 30 seconds without a byte
    std::size_t const size = co_await stream.async_read_some(
        buffer(block), mioext::cancel_after(seconds(30), boost::asio::use_awaitable));
    co_await boost::asio::async_write(stream, buffer(block, size), boost::asio::use_awaitable);
  }
}

boost::asio::awaitable<void> serve(mioext::tcp_acceptor& acceptor) {
  auto const executor = co_await boost::asio::this_coro::executor;
  while (acceptor.is_open()) {
    mioext::tcp_socket socket =
        co_await mioext::async_accept(executor, acceptor, boost::asio::use_awaitable);
    boost::asio::co_spawn(executor, echo(socket_stream(executor, std::move(socket))),
                          boost::asio::detached);
  }
}
// end::coroutine[]

} // namespace

BOOST_AUTO_TEST_CASE(coroutines) {
  mioext::selector_context context;
  mioext::tcp_acceptor acceptor(any_port());
  boost::asio::co_spawn(context, serve(acceptor), boost::asio::detached);
  socket_stream client(context);
  std::string line;
  client.async_connect(acceptor.local_endpoint(), [&](error_code) {
    client.write_some(buffer("hello\n", 6));
    boost::asio::async_read_until(client, boost::asio::dynamic_buffer(line), '\n',
                                  [&](error_code, std::size_t) {
                                    client.close();
                                    acceptor.close();
                                  });
  });
  context.run_for(seconds(20));
  BOOST_TEST(context.stopped());
  BOOST_TEST(line == "hello\n");
}

#endif

BOOST_AUTO_TEST_SUITE_END()
