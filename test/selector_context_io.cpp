//
// test/selector_context_io.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What descriptors and timers are promised by a selector_context alone: their turn beside everything
// else, other threads that close and take over what it has watched, events that are reported only once.
//

#include <mioext/selector_context.hpp>

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/async_connect.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "contexts.hpp"
#include "handles.hpp"
#include "support.hpp"

namespace {

namespace asio = boost::asio;
namespace error = boost::asio::error;
using boost::system::error_code;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::poll_all;
using contexts::run;
using mioext::async_wait;
using mioext::interest;
using mioext::selector_context;
using support::socket_pair;
using unix_stream = mioext::stream<mioext::unix_socket>;

/// How many calls there are between two looks at the selector, as selector_context.hpp says.
constexpr std::size_t calls_between_looks = 64;

/// Posts itself again and again until it has called `is_done` with true.
class storm {
public:
  storm(selector_context& context, std::function<bool(std::size_t)> is_done)
      : context_(&context), is_done_(std::move(is_done)) {}

  void blow() {
    asio::post(*context_, [this] {
      if (!is_done_(++calls)) {
        blow();
      }
    });
  }

  std::size_t calls = 0;

private:
  selector_context* context_;
  std::function<bool(std::size_t)> is_done_;
};

/// Reads a byte at a time from a socket in which there is always another one.
class busy_reader {
public:
  explicit busy_reader(selector_context& context)
      : busy_reader(context, mioext::unix_socket::pair()) {}

  void read() {
    stream_.async_read_some(asio::buffer(&byte_, 1), [this](error_code const& ec, std::size_t) {
      if (!ec) {
        ++count;
        if (on_byte) {
          on_byte();
        }
        support::fill(peer_.native_handle());
        read();
      }
    });
  }

  void end() { stream_.close(); }

  std::size_t count = 0;
  std::function<void()> on_byte;

private:
  busy_reader(selector_context& context,
              std::pair<mioext::unix_socket, mioext::unix_socket> sockets)
      : stream_(context, std::move(sockets.first)), peer_(std::move(sockets.second)) {
    support::fill(peer_.native_handle());
  }

  unix_stream stream_;
  mioext::unix_socket peer_;
  char byte_ = 0;
};

} // namespace

// --- Turns -------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(turns)

BOOST_AUTO_TEST_CASE(a_storm_of_functions_holds_up_a_descriptor_for_64_calls_at_the_most) {
  selector_context context;
  socket_pair pair;
  bool is_told = false;
  async_wait(context, pair.near.get(), interest::readable,
             [&is_told](error_code const& ec) { is_told = !ec; });
  std::size_t const at = 1000;
  storm functions(context, [&](std::size_t calls) {
    if (calls == at) {
      pair.send();
    }
    return is_told || calls == 10 * at;
  });
  functions.blow();
  run(context);
  BOOST_TEST(is_told);
  BOOST_TEST(functions.calls <= at + calls_between_looks + 1);
}

BOOST_AUTO_TEST_CASE(a_storm_of_functions_holds_up_no_timer) {
  selector_context context;
  mioext::steady_timer timer(context, std::chrono::milliseconds(1));
  bool has_fired = false;
  timer.async_wait([&has_fired](error_code const& ec) { has_fired = !ec; });
  // From the moment that it is due.
  std::size_t due_at = 0;
  storm functions(context, [&](std::size_t calls) {
    if (due_at == 0 && std::chrono::steady_clock::now() >= timer.expiry()) {
      due_at = calls;
    }
    return has_fired;
  });
  functions.blow();
  run(context);
  BOOST_TEST(has_fired);
}

BOOST_AUTO_TEST_CASE(a_storm_from_another_thread_holds_up_nothing) {
  selector_context context;
  socket_pair pair;
  std::atomic<bool> is_told(false);
  std::atomic<std::size_t> queued(0);
  mioext::steady_timer timer(context, std::chrono::milliseconds(1));
  int left = 2;
  auto const told = [&](error_code const& ec) {
    BOOST_TEST(!ec);
    is_told = --left == 0;
  };
  async_wait(context, pair.near.get(), interest::readable, told);
  timer.async_wait(told);
  std::thread poster([&] {
    for (std::size_t calls = 0; !is_told; ++calls) {
      if (queued < 1000) { // memory is not endless
        ++queued;
        asio::post(context, [&queued] { --queued; });
      }
      if (calls == 1000) {
        ::send(pair.far.get(), "x", 1, support::no_sigpipe);
      }
    }
  });
  run(context);
  poster.join();
  BOOST_TEST(left == 0);
}

BOOST_AUTO_TEST_CASE(a_busy_descriptor_holds_up_neither_others_nor_functions) {
  selector_context context;
  busy_reader busy(context);
  socket_pair pair;
  outcome readable;
  std::size_t told_at = 0;
  std::size_t called_at = 0;
  std::size_t const at = 1000;
  busy.on_byte = [&] {
    if (busy.count == at) {
      pair.send();
      asio::post(context, [&] { called_at = busy.count; });
    }
    if ((told_at != 0 && called_at != 0) || busy.count == 10 * at) {
      busy.end();
    }
  };
  async_wait(context, pair.near.get(), interest::readable, [&](error_code const& ec) {
    into{readable}(ec);
    told_at = busy.count;
  });
  busy.read();
  run(context);
  BOOST_TEST(readable == ended());
  BOOST_TEST(told_at <= at + calls_between_looks + 1);
  BOOST_TEST(called_at <= at + 1);
}

BOOST_AUTO_TEST_CASE(many_busy_descriptors_all_get_their_turn) {
  selector_context context;
  std::vector<std::unique_ptr<busy_reader>> readers;
  std::size_t const each = 200;
  std::size_t const count = 20;
  std::size_t most_ahead = 0;
  for (std::size_t index = 0; index != count; ++index) {
    readers.emplace_back(new busy_reader(context));
  }
  for (auto const& reader : readers) {
    busy_reader* const self = reader.get();
    self->on_byte = [&, self] {
      std::size_t least = self->count;
      for (auto const& other : readers) {
        least = std::min(least, other->count);
      }
      most_ahead = std::max(most_ahead, self->count - least);
      if (self->count == each) {
        context.stop();
      }
    };
    self->read();
  }
  context.run();
  BOOST_TEST(most_ahead <= 2u); // each read goes to the end of one queue
}

BOOST_AUTO_TEST_SUITE_END()

// --- Other threads -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(other_threads)

/// Runs a context in a thread of its own.
class running {
public:
  running() : thread_([this] { context.run(); }) {}
  ~running() {
    work_.reset();
    thread_.join();
  }
  running(running const&) = delete;
  running& operator=(running const&) = delete;

  selector_context context;

private:
  asio::executor_work_guard<selector_context::executor_type> work_{context.get_executor()};
  std::thread thread_;
};

// ThreadSanitizer sees if that touches what the context's thread uses.
BOOST_AUTO_TEST_CASE(a_handle_that_one_context_has_waited_for_is_closed_by_another_thread) {
  running used;
  for (int round = 0; round != 200; ++round) {
    auto ends = mioext::pipe();
    std::atomic<bool> is_told(false);
    asio::post(used.context, [&] {
      async_wait(used.context, ends.second, interest::writable,
                 [&is_told](error_code const&) { is_told = true; });
    });
    while (!is_told) {
      std::this_thread::yield();
    }
    ends.second.close(); // its number is used again in the next round
    ends.first.close();
  }
}

BOOST_AUTO_TEST_CASE(what_waits_for_a_handle_that_another_thread_closes_is_aborted) {
  running used;
  for (int round = 0; round != 100; ++round) {
    auto ends = mioext::pipe();
    std::atomic<bool> is_waiting(false);
    std::atomic<bool> is_told(false);
    error_code result;
    asio::post(used.context, [&] {
      async_wait(used.context, ends.first, interest::readable, [&](error_code const& ec) {
        result = ec;
        is_told = true;
      });
      is_waiting = true;
    });
    while (!is_waiting) {
      std::this_thread::yield();
    }
    ends.first.close();
    auto const next = mioext::pipe(); // has the number, perhaps
    while (!is_told) {
      std::this_thread::yield();
    }
    BOOST_TEST(result == error::operation_aborted);
  }
}

// A stream of this context gets the number of one that was closed while nobody ran it.
BOOST_AUTO_TEST_CASE(a_number_is_used_again_before_the_next_run) {
  selector_context context;
  for (int round = 0; round != 3; ++round) {
    char byte = 0;
    outcome first;
    outcome second;
    auto sockets = mioext::unix_socket::pair();
    int const number = sockets.first.native_handle();
    unix_stream stream(context, std::move(sockets.first));
    stream.async_read_some(asio::buffer(&byte, 1), into(first));
    BOOST_TEST(poll_all(context));
    stream.close();
    sockets.second.close();
    auto fresh = mioext::unix_socket::pair();
    BOOST_REQUIRE(fresh.first.native_handle() == number);
    unix_stream other(context, std::move(fresh.first));
    other.async_read_some(asio::buffer(&byte, 1), into(second));
    poll_all(context);
    BOOST_TEST(first == ended(error::operation_aborted));
    BOOST_TEST(second.calls == 0);
    fresh.second.write_some(asio::buffer("x", 1));
    run(context);
    BOOST_TEST(second == ended());
    BOOST_TEST(byte == 'x');
  }
}

// The sanitizers see whether that thread touches what is gone.
BOOST_AUTO_TEST_CASE(a_context_goes_while_the_thread_that_ended_its_run_is_on_its_way_back) {
  for (int round = 0; round != 300; ++round) {
    std::unique_ptr<selector_context> context(new selector_context);
    std::unique_ptr<asio::executor_work_guard<selector_context::executor_type>> work(
        new asio::executor_work_guard<selector_context::executor_type>(context->get_executor()));
    auto const executor = context->get_executor();
    std::thread ends([&work, executor, round] {
      if (round % 2 == 0) {
        work.reset();
      } else {
        asio::post(executor, [&work] { work.reset(); });
      }
    });
    context->run();
    context.reset();
    ends.join();
  }
}

/// Reads a byte in one context, and hands the socket on to the next one.
struct relay {
  void read(std::size_t at) {
    stream.reset(new unix_stream(places[at]->context, std::move(socket)));
    stream->async_read_some(asio::buffer(&byte, 1), [this, at](error_code const& ec, std::size_t) {
      failures += ec ? 1 : 0;
      socket = mioext::unix_socket();
      socket.assign(asio::local::stream_protocol(), stream->release());
      stream.reset();
      if (++hops == 500 || ec) {
        is_done = true;
        return;
      }
      std::size_t const next = (at + 1) % places.size();
      peer.write_some(asio::buffer("x", 1));
      asio::post(places[next]->context, [this, next] { read(next); });
    });
  }

  std::vector<running*> places;
  mioext::unix_socket socket;
  mioext::unix_socket peer;
  std::unique_ptr<unix_stream> stream;
  char byte = 0;
  int hops = 0;
  int failures = 0;
  std::atomic<bool> is_done{false};
};

BOOST_AUTO_TEST_CASE(streams_are_moved_from_one_contexts_thread_to_anothers) {
  running first;
  running second;
  std::vector<std::unique_ptr<relay>> relays;
  for (std::size_t index = 0; index != 4; ++index) {
    relays.emplace_back(new relay);
    relay& made = *relays.back();
    made.places = {&first, &second};
    auto sockets = mioext::unix_socket::pair();
    made.socket = std::move(sockets.first);
    made.peer = std::move(sockets.second);
    made.peer.write_some(asio::buffer("x", 1));
    asio::post(first.context, [&made] { made.read(0); });
  }
  for (auto const& each : relays) {
    while (!each->is_done) {
      std::this_thread::yield();
    }
    BOOST_TEST(each->hops == 500);
    BOOST_TEST(each->failures == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()

// --- The end -----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(end)

BOOST_AUTO_TEST_CASE(streams_that_outlive_the_context_can_be_closed_and_destroyed) {
  std::unique_ptr<selector_context> context(new selector_context);
  auto sockets = mioext::unix_socket::pair();
  auto others = mioext::unix_socket::pair();
  std::unique_ptr<unix_stream> closed(new unix_stream(*context, std::move(sockets.first)));
  unix_stream destroyed(*context, std::move(others.first));
  auto const held = std::make_shared<int>(0);
  char bytes[2];
  closed->async_read_some(asio::buffer(bytes, 1),
                          [held](error_code const&, std::size_t) { ++*held; });
  destroyed.async_read_some(asio::buffer(bytes + 1, 1),
                            [held](error_code const&, std::size_t) { ++*held; });
  BOOST_TEST(poll_all(*context));
  context.reset();
  BOOST_TEST(held.use_count() == 1);
  BOOST_TEST(*held == 0);
  closed->close();
  closed.reset();
}

BOOST_AUTO_TEST_CASE(a_context_that_never_ran_drops_what_was_begun) {
  auto const held = std::make_shared<int>(0);
  socket_pair pair;
  pair.send();
  {
    selector_context context;
    async_wait(context, pair.near.get(), interest::readable,
               [held](error_code const&) { ++*held; });
    async_wait(context, pair.near.get(), interest::priority,
               [held](error_code const&) { ++*held; });
  }
  BOOST_TEST(held.use_count() == 1);
  BOOST_TEST(*held == 0);
}

BOOST_AUTO_TEST_CASE(a_capacity_that_cannot_be_is_refused) {
  mioext::event_loop_config config;
  config.event_capacity = 0;
  error_code const ec = test::error_of([&config] { selector_context const refused(config); });
  BOOST_TEST(ec == error::invalid_argument);
}

BOOST_AUTO_TEST_CASE(with_room_for_one_event_everything_is_told) {
  mioext::event_loop_config config;
  config.event_capacity = 1;
  selector_context context(config);
  std::vector<socket_pair> pairs(10);
  std::vector<outcome> told(pairs.size());
  for (std::size_t index = 0; index != pairs.size(); ++index) {
    pairs[index].send();
    async_wait(context, pairs[index].near.get(), interest::readable, into(told[index]));
  }
  run(context);
  for (outcome const& each : told) {
    BOOST_TEST(each == ended());
  }
}

BOOST_AUTO_TEST_SUITE_END()
