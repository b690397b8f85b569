//
// doc/snippets/in_a_context.cpp
// -----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the guide shows of mioext inside an io_context, as test cases. The parts between `tag::` and
// `end::` are what is shown.
//

#include <mioext/async_event_loop.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/system/error_code.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/happy_eyeballs.hpp>
#include <mioext/pipe.hpp>
#include <mioext/selector_service.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>
#include <mioext/watcher.hpp>
#include <mioext/watcher_set.hpp>

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#endif

#ifdef BOOST_ASIO_HAS_CO_AWAIT
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#endif

#include "../../test/systems.hpp"

using boost::asio::buffer;
using boost::asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

tcp::endpoint any_port() { return tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0); }

} // namespace

BOOST_AUTO_TEST_SUITE(guide_in_a_context)

// --- The event loop as an I/O object -------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_loop_beside_a_timer_of_asio) {
  struct counter final : mioext::handler {
    void timer(loop_type& loop, mioext::token name) override {
      ++calls;
      loop.timer(milliseconds(1), name);
    }
    int calls = 0;
  };
  // tag::async_run[]
  boost::asio::io_context context;

  mioext::async_event_loop loop(context);
  counter handler; // the same handlers as for an event_loop
  loop.timer(milliseconds(1), mioext::token(0));
  bool is_complete = false;
  loop.async_run(handler, [&](error_code ec) { is_complete = !ec; });

  boost::asio::steady_timer other_work(context, milliseconds(20));
  other_work.async_wait([&](error_code) { loop.shutdown(); });

  context.run(); // returns when nothing is left to do
  // end::async_run[]
  BOOST_TEST(is_complete);
  BOOST_TEST(handler.calls >= 1);
}

BOOST_AUTO_TEST_CASE(a_service_of_another_size) {
  // tag::service[]
  boost::asio::io_context context;
  boost::asio::make_service<mioext::selector_service>(context, 512); // events in one go
  // end::service[]
  BOOST_TEST(boost::asio::has_service<mioext::selector_service>(context));
}

BOOST_AUTO_TEST_CASE(a_service_for_one_thread) {
  // tag::one_thread[]
  boost::asio::io_context context(1);
  boost::asio::make_service<mioext::selector_service>(context, 128, 1); // 1: the context's hint
  // end::one_thread[]
  BOOST_TEST(boost::asio::has_service<mioext::selector_service>(context));
}

BOOST_AUTO_TEST_CASE(a_loop_on_a_strand) {
  // tag::strand[]
  using executor = boost::asio::strand<boost::asio::io_context::executor_type>;
  using loop_type = mioext::basic_async_event_loop<mioext::token, mioext::no_message, executor>;

  struct ender final : mioext::handler {
    void timer(loop_type& loop, mioext::token) override { loop.shutdown(); }
  } handler;

  boost::asio::io_context context;
  loop_type loop(boost::asio::make_strand(context));
  loop.async_run(handler, boost::asio::detached);
  boost::asio::post(loop.get_executor(), [&] { // where handlers are called: no race with them
    loop.timer(milliseconds(1), mioext::token(0));
  });

  std::thread second([&] { context.run(); });
  context.run();
  second.join();
  // end::strand[]
  BOOST_TEST(context.stopped());
}

BOOST_AUTO_TEST_CASE(a_context_after_fork,
                     *test::needs_kernel("libkqueue does not survive a fork")) {
  // tag::fork[]
  struct ender final : mioext::handler {
    void timer(loop_type& loop, mioext::token) override { loop.shutdown(); }
  } handler;

  boost::asio::io_context context;
  mioext::async_event_loop loop(context);
  loop.timer(milliseconds(1), mioext::token(0));
  loop.async_run(handler, boost::asio::detached);

  context.notify_fork(boost::asio::io_context::fork_prepare);
  pid_t const child = ::fork();
  if (child == 0) {
    context.notify_fork(boost::asio::io_context::fork_child); // tells mioext, too
    context.run();
    ::_exit(0);
  }
  context.notify_fork(boost::asio::io_context::fork_parent);
  context.run();
  // end::fork[]
  int status = -1;
  BOOST_TEST(::waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
}

// --- One readiness notification ------------------------------------------------------------------

// tag::library[]
// Stands for a C library: it has a descriptor of its own, tells its number, and closes it.
class library {
public:
  int descriptor() const { return ends_.first.native_handle(); }

  // What such a library wants to be called for when its descriptor is readable.
  std::size_t process() {
    char block[64];
    error_code ec;
    return ends_.first.read_some(buffer(block), ec);
  }

  // What makes it readable, in this example.
  void feed() { ends_.second.write_some(buffer("12345", 5)); }

private:
  std::pair<mioext::pipe_reader, mioext::pipe_writer> ends_ = mioext::pipe();
};
// end::library[]

BOOST_AUTO_TEST_CASE(a_library_with_its_own_descriptor) {
  boost::asio::io_context context;
  library used;
  std::size_t received = 0;
  used.feed();
  // tag::async_wait[]
  std::function<void(error_code)> on_ready = [&](error_code ec) {
    if (ec) {
      return; // cancelled, or the library has closed it
    }
    received += used.process();
    if (received < 10) {
      mioext::async_wait(context, used.descriptor(), mioext::interest::readable, on_ready);
    }
  };
  mioext::async_wait(context, used.descriptor(), mioext::interest::readable, on_ready);
  // end::async_wait[]
  boost::asio::steady_timer later(context, milliseconds(5));
  later.async_wait([&](error_code) { used.feed(); });
  context.run_for(seconds(20));
  BOOST_TEST(received == 10u);
}

BOOST_AUTO_TEST_CASE(a_library_and_its_watcher) {
  boost::asio::io_context context;
  library used;
  std::size_t received = 0;
  used.feed();
  // tag::watcher[]
  mioext::watcher watcher(context);
  watcher.watch(used.descriptor(), mioext::interest::readable,
                [&](error_code ec, mioext::interest) {
                  // Called again as long as it is readable: the library may leave something unread.
                  if (!ec) {
                    received += used.process();
                  }
                  if (received == 10) {
                    watcher.stop(); // before the library closes it
                  }
                });
  // end::watcher[]
  boost::asio::steady_timer later(context, milliseconds(5));
  later.async_wait([&](error_code) { used.feed(); });
  context.run_for(seconds(20));
  BOOST_TEST(received == 10u);
}

BOOST_AUTO_TEST_CASE(the_descriptors_of_a_library_by_number) {
  boost::asio::io_context context;
  library first;
  library second;
  std::size_t received = 0;
  first.feed();
  second.feed();
  // tag::watcher_set[]
  mioext::watcher_set sockets(context, [&](error_code ec, int descriptor, mioext::interest ready) {
    if (!ec && contains(ready, mioext::interest::readable)) {
      received += (descriptor == first.descriptor() ? first : second).process();
      sockets.watch(descriptor, mioext::interest::none); // forgets it
    }
  });
  sockets.watch(first.descriptor(), mioext::interest::readable);
  sockets.watch(second.descriptor(), mioext::interest::readable | mioext::interest::writable);
  sockets.watch(second.descriptor(), mioext::interest::readable); // what was said last holds
  // end::watcher_set[]
  context.run_for(seconds(20));
  BOOST_TEST(received == 10u);
  BOOST_TEST(sockets.empty());
}

BOOST_AUTO_TEST_CASE(a_library_watched_by_a_loop) {
  library used;
  used.feed();
  // tag::watched[]
  struct user final : mioext::handler {
    explicit user(library& watched) : of(watched) {}

    void readable(loop_type& loop, mioext::token, mioext::read_hint) override {
      received += of.process();
      if (received == 5) {
        loop.deregister_handle(of.descriptor()); // before the library closes it
        loop.shutdown();
      }
    }

    library& of;
    std::size_t received = 0;
  };

  boost::asio::io_context context;
  mioext::async_event_loop loop(context);
  user handler(used);
  // Level: the library may leave something unread, and is called again then.
  loop.register_handle(used.descriptor(), mioext::token(0), mioext::interest::readable,
                       mioext::trigger::level);
  loop.async_run(handler, boost::asio::detached);
  context.run();
  // end::watched[]
  BOOST_TEST(handler.received == 5u);
}

// --- Asio's own sockets --------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(sockets_go_to_asio_and_back) {
  boost::asio::io_context context;
  auto ends = mioext::unix_socket::pair();
  // tag::into_asio[]
  boost::asio::local::stream_protocol::socket asio_socket = ends.first.into_asio(context);
  mioext::unix_socket back(std::move(asio_socket)); // closed afterwards
  // end::into_asio[]
  ends.second.write_some(buffer("x", 1));
  char block[4];
  BOOST_TEST(back.read_some(buffer(block)) == 1u);
  BOOST_TEST(!ends.first.is_open());
}

BOOST_AUTO_TEST_CASE(a_socket_of_asio_in_a_loop) {
  struct watcher final : mioext::handler {
    void readable(loop_type& loop, mioext::token, mioext::read_hint) override { loop.shutdown(); }
  } handler;
  boost::asio::io_context context;
  auto ends = mioext::unix_socket::pair();
  auto asio_socket = ends.first.into_asio(context);
  ends.second.write_some(buffer("x", 1));
  // tag::asio_socket[]
  mioext::event_loop loop;
  loop.register_handle(asio_socket, mioext::token(1), mioext::interest::readable);
  loop.run(handler);
  loop.deregister_handle(asio_socket); // before close(): the loop does not hear of that
  asio_socket.close();
  // end::asio_socket[]
  BOOST_TEST(!asio_socket.is_open());
}

// --- Connecting and accepting --------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(asio_sockets_connect_and_are_accepted) {
  // tag::async_connect[]
  boost::asio::io_context context;
  mioext::tcp_acceptor acceptor(any_port());
  tcp::socket socket(context); // Asio's, or a stream, or any other handle behind an executor

  error_code connected, accepted;
  mioext::async_accept(context, acceptor, [&](error_code ec, mioext::tcp_socket peer) {
    accepted = ec;
    peer.write_some(buffer("welcome", 7));
  });
  mioext::async_connect(socket, acceptor.local_endpoint(), [&](error_code ec) { connected = ec; });
  context.run();
  // end::async_connect[]
  BOOST_TEST(!connected);
  BOOST_TEST(!accepted);
}

BOOST_AUTO_TEST_CASE(endpoints_race) {
  boost::asio::io_context context;
  mioext::tcp_acceptor acceptor(any_port());
  mioext::tcp_socket const deaf(any_port());
  error_code result;
  tcp::endpoint winner;
  // tag::race[]
  std::vector<tcp::endpoint> const endpoints = {deaf.local_endpoint(), acceptor.local_endpoint()};
  mioext::happy_eyeballs how;
  how.connection_attempt_delay = milliseconds(100);

  mioext::stream<mioext::tcp_socket> stream(context);
  mioext::async_connect(stream, endpoints, how, [&](error_code ec, tcp::endpoint const& taken) {
    result = ec;
    winner = taken;
  });
  // end::race[]
  context.run_for(seconds(20));
  BOOST_TEST(!result);
  BOOST_TEST(winner == acceptor.local_endpoint());
}

// --- Completion tokens ---------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_future) {
  auto ends = mioext::pipe();
  ends.second.write_some(buffer("x", 1));
  // tag::future[]
  boost::asio::io_context context;
  std::future<void> ready =
      mioext::async_wait(context, ends.first, mioext::interest::readable, boost::asio::use_future);
  std::thread thread([&] { context.run(); });
  ready.get();
  thread.join();
  // end::future[]
  BOOST_TEST(context.stopped());
}

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

BOOST_AUTO_TEST_CASE(a_cancelled_wait) {
  auto ends = mioext::pipe();
  boost::asio::io_context context;
  error_code result;
  // tag::cancel[]
  boost::asio::cancellation_signal signal;
  mioext::async_wait(
      context, ends.first, mioext::interest::readable,
      boost::asio::bind_cancellation_slot(signal.slot(), [&](error_code ec) { result = ec; }));
  boost::asio::steady_timer patience(context, milliseconds(5));
  patience.async_wait([&](error_code) { signal.emit(boost::asio::cancellation_type::terminal); });
  // end::cancel[]
  context.run_for(seconds(20));
  BOOST_TEST(result == boost::asio::error::operation_aborted);
}

#endif

#ifdef BOOST_ASIO_HAS_CO_AWAIT

namespace {

// tag::coroutine[]
boost::asio::awaitable<std::size_t> count(mioext::pipe_reader& source) {
  auto const executor = co_await boost::asio::this_coro::executor;
  std::size_t received = 0;
  for (;;) {
    co_await mioext::async_wait(executor, source, mioext::interest::readable,
                                boost::asio::use_awaitable);
    char block[64];
    error_code ec;
    received += source.read_some(buffer(block), ec);
    if (ec == boost::asio::error::eof) {
      co_return received;
    }
  }
}
// end::coroutine[]

} // namespace

BOOST_AUTO_TEST_CASE(a_coroutine_waits) {
  auto ends = mioext::pipe();
  ends.second.write_some(buffer("12345", 5));
  ends.second.close();
  boost::asio::io_context context;
  std::size_t result = 0;
  boost::asio::co_spawn(context, count(ends.first),
                        [&](std::exception_ptr, std::size_t received) { result = received; });
  context.run_for(seconds(20));
  BOOST_TEST(result == 5u);
}

#endif

// --- Porting from Asio ---------------------------------------------------------------------------

namespace before {

// tag::before_wait[]
// Asio closes what it was given, so it gets a duplicate; each event takes a new wait.
class watcher {
public:
  watcher(boost::asio::io_context& context, library& watched)
      : of_(watched), descriptor_(context, ::dup(watched.descriptor())) {
    wait();
  }

  std::size_t received = 0;

private:
  void wait() {
    descriptor_.async_wait(boost::asio::posix::stream_descriptor::wait_read, [this](error_code ec) {
      if (!ec) {
        received += of_.process();
        if (received < 10) {
          wait();
        }
      }
    });
  }

  library& of_;
  boost::asio::posix::stream_descriptor descriptor_;
};
// end::before_wait[]

} // namespace before

namespace after {

// tag::after_wait[]
// The number is enough, and one registration lasts until it is taken back.
class watcher final : public mioext::handler {
public:
  watcher(boost::asio::io_context& context, library& watched) : of_(watched), loop_(context) {
    loop_.register_handle(watched.descriptor(), mioext::token(0), mioext::interest::readable,
                          mioext::trigger::level);
    loop_.async_run(*this, boost::asio::detached);
  }

  std::size_t received = 0;

private:
  void readable(loop_type& loop, mioext::token, mioext::read_hint) override {
    received += of_.process();
    if (received == 10) {
      loop.shutdown();
    }
  }

  library& of_;
  mioext::async_event_loop loop_;
};
// end::after_wait[]

} // namespace after

namespace {

template <class Watcher> std::size_t received_by() {
  boost::asio::io_context context;
  library used;
  used.feed();
  Watcher watcher(context, used);
  boost::asio::steady_timer later(context, milliseconds(5));
  later.async_wait([&](error_code) { used.feed(); });
  context.run_for(seconds(20));
  return watcher.received;
}

} // namespace

BOOST_AUTO_TEST_CASE(before_and_after) {
  BOOST_TEST(received_by<before::watcher>() == 10u);
  BOOST_TEST(received_by<after::watcher>() == 10u);
}

BOOST_AUTO_TEST_SUITE_END()
