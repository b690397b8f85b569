//
// test/selector_context_asio.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Asio's own objects in a selector_context, beside mioext's: sockets, descriptors, timers, resolvers,
// signals, strands, coroutines, channels, parallel groups. Their handlers are called by run().
//

#include <mioext/selector_context.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>

#include <signal.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/pipe.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include "contexts.hpp"
#include "handles.hpp"

#ifdef BOOST_ASIO_HAS_CO_AWAIT
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#endif
// Boost 1.81: operations that begin later; C++17 for channels.
#if BOOST_ASIO_VERSION >= 102600 && __cplusplus >= 201703L
#define TEST_HAS_GROUPS
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#endif
// Boost 1.86: time limits.
#if BOOST_ASIO_VERSION >= 103200
#define TEST_HAS_CANCEL_AFTER
#include <boost/asio/cancel_after.hpp>
#endif

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::run;

// Each of them once in an io_context, for comparison.
using both = std::tuple<asio::io_context, mioext::selector_context>;

/// A handler that also sees to it that run() has called it.
template <class Handler> struct in_this_thread_handler {
  template <class... Results> void operator()(error_code const& ec, Results&&...) {
    BOOST_TEST((std::this_thread::get_id() == thread));
    handler(ec);
  }

  Handler handler;
  std::thread::id thread;
};

in_this_thread_handler<into> here(outcome& written) {
  return in_this_thread_handler<into>{into(written), std::this_thread::get_id()};
}

/// Sends what it has read, again and again.
struct echo {
  explicit echo(tcp::socket accepted) : socket(std::move(accepted)) {}

  static void begin(std::shared_ptr<echo> const& self) {
    self->socket.async_read_some(asio::buffer(self->data),
                                 [self](error_code const& ec, std::size_t size) {
                                   if (!ec) {
                                     send(self, size);
                                   }
                                 });
  }

  static void send(std::shared_ptr<echo> const& self, std::size_t size) {
    asio::async_write(self->socket, asio::buffer(self->data, size),
                      [self](error_code const& ec, std::size_t) {
                        if (!ec) {
                          begin(self);
                        }
                      });
  }

  tcp::socket socket;
  std::array<char, 100> data;
};

/// Sends a byte and waits for it, `rounds` times.
template <class Stream> struct pings {
  void begin() {
    asio::async_write(stream, asio::buffer(&byte, 1), [this](error_code const& ec, std::size_t) {
      if (!ec) {
        read();
      }
    });
  }

  void read() {
    asio::async_read(stream, asio::buffer(&byte, 1), [this](error_code const& ec, std::size_t) {
      if (!ec && ++done != rounds) {
        begin();
      } else {
        stream.close();
      }
    });
  }

  Stream& stream;
  int rounds;
  int done;
  char byte;
};

} // namespace

BOOST_AUTO_TEST_SUITE(objects)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_server_with_clients_of_both_libraries, Context, both) {
  Context context;
  tcp::acceptor acceptor(context, test::loopback());
  std::function<void()> accept;
  int left = 2;
  accept = [&] {
    acceptor.async_accept([&](error_code const& ec, tcp::socket peer) {
      if (!ec) {
        echo::begin(std::make_shared<echo>(std::move(peer)));
        if (--left != 0) {
          accept();
        }
      }
    });
  };
  accept();
  tcp::socket asios(context);
  mioext::stream<mioext::tcp_socket> ours(context);
  pings<tcp::socket> of_asio{asios, 100, 0, 'a'};
  pings<mioext::stream<mioext::tcp_socket>> of_ours{ours, 100, 0, 'b'};
  asios.async_connect(acceptor.local_endpoint(), [&](error_code const& ec) {
    BOOST_TEST(!ec);
    of_asio.begin();
  });
  ours.async_connect(acceptor.local_endpoint(), [&](error_code const& ec) {
    BOOST_TEST(!ec);
    of_ours.begin();
  });
  run(context);
  BOOST_TEST(of_asio.done == 100);
  BOOST_TEST(of_ours.done == 100);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(datagrams_descriptors_resolvers_and_timers, Context, both) {
  Context context;
  udp::socket receiver(context, udp::endpoint(asio::ip::address_v4::loopback(), 0));
  udp::socket sender(context, udp::v4());
  char byte = 0;
  udp::endpoint from;
  outcome received;
  outcome sent;
  receiver.async_receive_from(asio::buffer(&byte, 1), from, here(received));
  sender.async_send_to(asio::buffer("x", 1), receiver.local_endpoint(), here(sent));

  auto ends = mioext::pipe();
  asio::posix::stream_descriptor descriptor(context, ends.first.release());
  outcome readable;
  descriptor.async_wait(asio::posix::descriptor_base::wait_read, here(readable));
  ends.second.write_some(asio::buffer("x", 1));

  tcp::resolver resolver(context);
  outcome resolved;
  resolver.async_resolve("127.0.0.1", "80",
                         tcp::resolver::numeric_host | tcp::resolver::numeric_service,
                         here(resolved));

  asio::steady_timer fires(context, std::chrono::milliseconds(1));
  asio::steady_timer is_cancelled(context, std::chrono::hours(1));
  outcome fired;
  outcome cancelled;
  fires.async_wait(here(fired));
  is_cancelled.async_wait(here(cancelled));
  asio::post(context, [&is_cancelled] { is_cancelled.cancel(); });

  run(context);
  BOOST_TEST(received == ended());
  BOOST_TEST(byte == 'x');
  BOOST_TEST(sent == ended());
  BOOST_TEST(readable == ended());
  BOOST_TEST(resolved == ended());
  BOOST_TEST(fired == ended());
  BOOST_TEST(cancelled == ended(asio::error::operation_aborted));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(signals, Context, both) {
  Context context;
  asio::signal_set set(context, SIGUSR2);
  outcome told;
  set.async_wait(here(told));
  ::raise(SIGUSR2);
  run(context);
  BOOST_TEST(told == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_strand_keeps_handlers_of_both_libraries_apart, Context, both) {
  Context context;
  auto const strand = asio::make_strand(context);
  tcp::acceptor acceptor(strand, test::loopback());
  mioext::stream<mioext::tcp_socket> stream(strand);
  asio::steady_timer timer(strand, std::chrono::milliseconds(1));
  int called = 0;
  auto const inside = [&](error_code const& ec) {
    BOOST_TEST(!ec);
    BOOST_TEST(strand.running_in_this_thread());
    ++called;
  };
  tcp::socket peer(context);
  acceptor.async_accept(peer, inside);
  stream.async_connect(acceptor.local_endpoint(), inside);
  timer.async_wait(inside);
  asio::steady_timer other(context, std::chrono::milliseconds(1));
  other.async_wait(asio::bind_executor(strand, inside));
  run(context);
  BOOST_TEST(called == 4);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_of_their_handlers_leaves_run, Context, both) {
  Context context;
  asio::steady_timer timer(context, std::chrono::milliseconds(1));
  timer.async_wait([](error_code const&) { throw std::runtime_error("timer"); });
  BOOST_CHECK_THROW(context.run(), std::runtime_error);
  context.run(); // until Asio's thread has let go of its work, after it has handed over the handler
  BOOST_TEST(context.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_pending_at_the_end_is_dropped_uncalled, Context, both) {
  auto const held = std::make_shared<int>(0);
  auto const counts = [held](error_code const&) { ++*held; };
  {
    Context context;
    asio::steady_timer timer(context, std::chrono::hours(1));
    timer.async_wait(counts);
    asio::signal_set set(context, SIGUSR2);
    set.async_wait([held](error_code const&, int) { ++*held; });
    tcp::acceptor acceptor(context, test::loopback());
    tcp::socket peer(context);
    acceptor.async_accept(peer, counts);
    mioext::tcp_acceptor ours(test::loopback());
    mioext::async_accept(context, ours, [held](error_code const&, mioext::tcp_socket) { ++*held; });
    context.poll();
    BOOST_TEST(held.use_count() > 2);
  }
  BOOST_TEST(held.use_count() == 2);
  BOOST_TEST(*held == 0);
}

#ifdef TEST_HAS_GROUPS
BOOST_AUTO_TEST_CASE_TEMPLATE(the_first_of_a_group_ends_the_others, Context, both) {
  Context context;
  auto sockets = test::tcp_pair();
  mioext::stream<mioext::tcp_socket> stream(context, std::move(sockets.first));
  asio::steady_timer timer(context, std::chrono::milliseconds(1));
  char byte = 0;
  std::array<std::size_t, 2> order = {{9, 9}};
  error_code read;
  error_code fired = asio::error::fault;
  asio::experimental::make_parallel_group(
      [&](auto token) { return stream.async_read_some(asio::buffer(&byte, 1), std::move(token)); },
      [&](auto token) { return timer.async_wait(std::move(token)); })
      .async_wait(asio::experimental::wait_for_one(),
                  [&](std::array<std::size_t, 2> told, error_code const& first, std::size_t,
                      error_code const& second) {
                    order = told;
                    read = first;
                    fired = second;
                  });
  run(context);
  BOOST_TEST(order[0] == 1u);
  BOOST_TEST(read == asio::error::operation_aborted);
  BOOST_TEST(fired == error_code());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(channels, Context, both) {
  Context context;
  asio::experimental::channel<void(error_code, int)> channel(context, 1);
  asio::experimental::concurrent_channel<void(error_code, int)> shared(context);
  int sum = 0;
  int sent = 0;
  auto const receives = [&sum](error_code const& ec, int value) { sum += ec ? 100 : value; };
  auto const sends = [&sent](error_code const& ec) { sent += ec ? 100 : 1; };
  channel.async_receive(receives);
  channel.async_receive(receives);
  shared.async_receive(receives);
  channel.async_send(error_code(), 1, sends);
  std::thread other([&] { shared.async_send(error_code(), 4, sends); });
  channel.async_send(error_code(), 2, sends);
  other.join();
  run(context);
  BOOST_TEST(sum == 7);
  BOOST_TEST(sent == 3);
}
#endif

#ifdef TEST_HAS_CANCEL_AFTER
BOOST_AUTO_TEST_CASE_TEMPLATE(a_time_limit_of_asios, Context, both) {
  Context context;
  auto sockets = test::tcp_pair();
  mioext::stream<mioext::tcp_socket> stream(context, std::move(sockets.first));
  char byte = 0;
  outcome read;
  stream.async_read_some(asio::buffer(&byte, 1),
                         asio::cancel_after(std::chrono::milliseconds(1), here(read)));
  run(context);
  BOOST_TEST(read == ended(asio::error::operation_aborted));
}
#endif

#ifdef BOOST_ASIO_HAS_CO_AWAIT
BOOST_AUTO_TEST_CASE_TEMPLATE(coroutines, Context, both) {
  Context context;
  mioext::tcp_acceptor acceptor(test::loopback());
  auto const server = [](Context& used, mioext::tcp_acceptor& listener) -> asio::awaitable<void> {
    mioext::stream<mioext::tcp_socket> peer(
        used, co_await mioext::async_accept(used, listener, asio::use_awaitable));
    char data[3];
    asio::steady_timer pause(used, std::chrono::milliseconds(1));
    co_await asio::async_read(peer, asio::buffer(data), asio::use_awaitable);
    co_await pause.async_wait(asio::use_awaitable);
    co_await asio::async_write(peer, asio::buffer(data), asio::use_awaitable);
  };
  auto const client = [](Context& used, tcp::endpoint endpoint,
                         std::string& answer) -> asio::awaitable<std::size_t> {
    tcp::socket socket(used);
    co_await socket.async_connect(endpoint, asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer("abc", 3), asio::use_awaitable);
    answer.resize(3);
    co_return co_await asio::async_read(socket, asio::buffer(&answer[0], 3), asio::use_awaitable);
  };
  std::string answer;
  std::size_t size = 0;
  asio::co_spawn(context, server(context, acceptor), asio::detached);
  asio::co_spawn(context, client(context, acceptor.local_endpoint(), answer),
                 [&size](std::exception_ptr thrown, std::size_t read) {
                   BOOST_TEST(!thrown);
                   size = read;
                 });
  run(context);
  BOOST_TEST(size == 3u);
  BOOST_TEST(answer == "abc");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_of_a_coroutine_leaves_run, Context, both) {
  Context context;
  asio::co_spawn(
      context,
      [](Context& used) -> asio::awaitable<void> {
        co_await asio::post(used, asio::use_awaitable);
        throw std::runtime_error("coroutine");
      }(context),
      [](std::exception_ptr thrown) {
        if (thrown) {
          std::rethrow_exception(thrown);
        }
      });
  BOOST_CHECK_THROW(context.run(), std::runtime_error);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
