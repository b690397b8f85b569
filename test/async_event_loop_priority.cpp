//
// test/async_event_loop_priority.cpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Descriptors of which an asynchronous loop wants to hear of priority events. In a selector_context they
// are in the context's selector, which others use, too, and not in the loop's.
//

#include <mioext/async_event_loop.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/detail/file_descriptor.hpp>
#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>

#include "child.hpp"
#include "handles.hpp"
#include "support.hpp"
#include "systems.hpp"
#include "tested_context.hpp"
#ifdef __linux__
#include "host_name.hpp"
#endif

BOOST_AUTO_TEST_SUITE(async_event_loop_priority, *test::needs_epoll("kqueue has no priority"))

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using mioext::interest;
using mioext::read_hint;
using mioext::trigger;
using namespace support;

constexpr interest all = interest::readable | interest::priority;

/// Runs what there is to run without waiting.
void poll_all(tested_context& context) {
  context.restart();
  while (context.poll() != 0) {
  }
}

template <class Condition> bool drive_until(tested_context& context, Condition condition) {
  auto const deadline = std::chrono::steady_clock::now() + patience;
  context.restart();
  while (!condition()) {
    if (context.run_one_until(deadline) == 0) {
      return condition();
    }
  }
  return true;
}

struct connected {
  void send_urgent() { pair.second.send(asio::buffer("!", 1), MSG_OOB); }
  void send() { pair.second.send(asio::buffer("x", 1)); }
  mioext::tcp_socket& near() { return pair.first; }

  std::pair<mioext::tcp_socket, mioext::tcp_socket> pair = test::tcp_pair();
};

/// A loop with a run that is pending, and whose handler takes what is urgent.
struct running {
  running() : loop(new mioext::async_event_loop(context)) { start(); }

  void start() {
    ended = false;
    loop->async_run(handler, [this](error_code ec) {
      ended = true;
      result = ec;
    });
  }

  std::size_t calls() const { return handler.calls.size(); }
  bool has_calls(std::size_t count) {
    return drive_until(context, [&] { return calls() >= count; });
  }

  tested_context context;
  recorder<> handler;
  std::unique_ptr<mioext::async_event_loop> loop;
  bool ended = false;
  error_code result;
};

std::string const urgent_1 = "readable token(1) unknown";
std::string const data_1 = "readable token(1) data";

} // namespace

BOOST_AUTO_TEST_CASE(urgent_data_and_other_data_are_told) {
  running test;
  connected sockets;
  test.loop->register_handle(sockets.near(), token(1), all);
  poll_all(test.context);
  BOOST_TEST(test.calls() == 0u);
  sockets.send_urgent();
  BOOST_TEST(test.has_calls(1));
  poll_all(test.context);
  BOOST_TEST(test.calls() == 1u);
  char taken = 0;
  BOOST_TEST(::recv(sockets.near().native_handle(), &taken, 1, MSG_OOB) == 1);
  sockets.send();
  BOOST_TEST(test.has_calls(2));
  poll_all(test.context);
  BOOST_TEST(test.calls() == 2u);
}

BOOST_AUTO_TEST_CASE(the_interest_may_come_and_go) {
  running test;
  connected sockets;
  test.loop->register_handle(sockets.near(), token(1), interest::readable);
  for (std::size_t round = 0; round != 3; ++round) {
    poll_all(test.context);
    test.handler.calls.clear();
    test.loop->reregister_handle(sockets.near(), token(1), interest::priority);
    sockets.send_urgent();
    BOOST_TEST(test.has_calls(1));
    BOOST_TEST(test.handler.calls == strings{urgent_1});
    test.loop->reregister_handle(sockets.near(), token(2), interest::readable);
    sockets.send();
    BOOST_TEST(test.has_calls(2));
    poll_all(test.context);
    BOOST_TEST(test.handler.calls.back().find("readable token(2)") == 0u);
  }
  test.loop->deregister_handle(sockets.near());
  poll_all(test.context);
  test.handler.calls.clear();
  sockets.send_urgent();
  sockets.send();
  poll_all(test.context);
  BOOST_TEST(test.calls() == 0u);
  error_code ec;
  test.loop->deregister_handle(sockets.near(), ec);
  BOOST_TEST(ec == boost::system::errc::no_such_file_or_directory);
}

BOOST_AUTO_TEST_CASE(what_is_registered_is_not_registered_twice) {
  running test;
  connected sockets;
  error_code ec;
  for (interest const first : {interest::readable, interest::priority}) {
    test.loop->register_handle(sockets.near(), token(1), first);
    for (interest const second : {interest::readable, interest::priority}) {
      test.loop->register_handle(sockets.near(), token(1), second, ec);
      BOOST_TEST(ec == boost::system::errc::file_exists);
    }
    test.loop->deregister_handle(sockets.near());
  }
}

BOOST_AUTO_TEST_CASE(oneshot_tells_once_and_is_armed_again) {
  running test;
  connected sockets;
  test.loop->register_handle(sockets.near(), token(1), interest::priority, trigger::oneshot);
  sockets.send_urgent();
  BOOST_TEST(test.has_calls(1));
  sockets.send_urgent();
  poll_all(test.context);
  BOOST_TEST(test.calls() == 1u);
  test.loop->reregister_handle(sockets.near(), token(1), interest::priority, trigger::oneshot);
  BOOST_TEST(test.has_calls(2));
  poll_all(test.context);
  BOOST_TEST(test.calls() == 2u);
}

BOOST_AUTO_TEST_CASE(level_tells_once_in_each_tick_for_as_long_as_it_lasts) {
  running test;
  connected sockets;
  test.loop->register_handle(sockets.near(), token(1), interest::priority, trigger::level);
  sockets.send_urgent();
  BOOST_TEST(test.has_calls(3));
  char taken = 0;
  BOOST_TEST(::recv(sockets.near().native_handle(), &taken, 1, MSG_OOB) == 1);
  test.context.poll_one(); // what was fetched before
  test.context.poll_one();
  test.handler.calls.clear();
  poll_all(test.context);
  BOOST_TEST(test.calls() == 0u);
}

BOOST_AUTO_TEST_CASE(a_closed_handle_is_forgotten_and_its_number_may_be_used_again) {
  running test;
  for (int round = 0; round != 3; ++round) {
    connected sockets; // with the same numbers
    test.loop->register_handle(sockets.near(), token(1), all);
    sockets.send_urgent();
    sockets.near().close();
    test.handler.calls.clear();
    poll_all(test.context);
    BOOST_TEST(test.calls() == 0u);
  }
  connected sockets;
  test.loop->register_handle(sockets.near(), token(1), all);
  sockets.send();
  BOOST_TEST(test.has_calls(1));
}

BOOST_AUTO_TEST_CASE(an_event_that_was_fetched_is_not_told_after_the_end_of_its_registration) {
  running test;
  connected sockets;
  connected others;
  poll_all(test.context);
  test.loop->register_handle(sockets.near(), token(1), interest::priority);
  test.loop->register_handle(others.near(), token(2), interest::priority);
  sockets.send_urgent();
  others.send_urgent();
  test.handler.on_readable = [&](mioext::event_loop& loop, mioext::token called, read_hint) {
    loop.deregister_handle(called == token(1) ? others.near() : sockets.near());
  };
  BOOST_TEST(test.has_calls(1));
  poll_all(test.context);
  BOOST_TEST(test.calls() == 1u);
}

// The context's selector knows a descriptor once.
BOOST_AUTO_TEST_CASE(others_may_wait_for_the_same_descriptor) {
  for (bool const waits_first : {false, true}) {
    running test;
    connected sockets;
    std::size_t waits = 0;
    auto const wait = [&] {
      mioext::async_wait(test.context, sockets.near(), interest::priority, [&](error_code ec) {
        BOOST_TEST(!ec);
        ++waits;
      });
      poll_all(test.context);
    };
    if (waits_first) {
      wait();
    }
    test.loop->register_handle(sockets.near(), token(1), interest::priority);
    poll_all(test.context);
    if (!waits_first) {
      wait();
    }
    BOOST_TEST(waits == 0u);
    test.handler.calls.clear();
    sockets.send_urgent();
    BOOST_TEST(drive_until(test.context, [&] { return waits == 1 && test.calls() >= 1; }));
    test.loop->deregister_handle(sockets.near());
    wait();
    BOOST_TEST(waits == 2u);
    test.handler.calls.clear();
    test.loop->register_handle(sockets.near(), token(1), interest::priority);
    BOOST_TEST(test.has_calls(1));
  }
}

BOOST_AUTO_TEST_CASE(two_loops_may_watch_the_same_descriptor) {
  running test;
  connected sockets;
  recorder<> others_handler;
  bool has_ended = false;
  std::unique_ptr<mioext::async_event_loop> other(new mioext::async_event_loop(test.context));
  other->async_run(others_handler, [&](error_code) { has_ended = true; });
  test.loop->register_handle(sockets.near(), token(1), interest::priority);
  other->register_handle(sockets.near(), token(2), interest::priority);
  sockets.send_urgent();
  BOOST_TEST(drive_until(test.context,
                         [&] { return test.calls() == 1 && others_handler.calls.size() == 1; }));
  test.loop.reset();
  char taken = 0;
  BOOST_TEST(::recv(sockets.near().native_handle(), &taken, 1, MSG_OOB) == 1);
  sockets.send_urgent();
  BOOST_TEST(drive_until(test.context, [&] { return others_handler.calls.size() == 2; }));
  other->shutdown();
  BOOST_TEST(drive_until(test.context, [&] { return has_ended; }));
}

BOOST_AUTO_TEST_CASE(a_number_that_was_closed_unheard_may_be_anothers) {
  running test;
  std::unique_ptr<connected> sockets(new connected);
  int const number = sockets->near().native_handle();
  test.loop->register_handle(number, token(1), interest::priority);
  poll_all(test.context);
  connected later;
  BOOST_TEST_REQUIRE(::dup2(later.near().native_handle(), number) == number); // closes it
  std::size_t waits = 0;
  mioext::async_wait(test.context, number, interest::priority, [&](error_code ec) {
    BOOST_TEST(!ec);
    ++waits;
  });
  poll_all(test.context);
  error_code ec;
  test.loop->deregister_handle(number, ec);
  BOOST_TEST(ec == boost::system::errc::no_such_file_or_directory);
  later.send_urgent();
  BOOST_TEST(drive_until(test.context, [&] { return waits == 1; }));
  BOOST_TEST(test.calls() == 0u);
}

BOOST_AUTO_TEST_CASE(between_runs_nothing_spins_and_nothing_is_lost) {
  for (trigger const how : {trigger::edge, trigger::level}) {
    running test;
    connected sockets;
    test.loop->register_handle(sockets.near(), token(1), interest::priority, how);
    poll_all(test.context);
    test.loop->cancel();
    BOOST_TEST(drive_until(test.context, [&] { return test.ended; }));
    BOOST_TEST(test.result == asio::error::operation_aborted);
    sockets.send_urgent();
    for (int turn = 0; turn != 3; ++turn) {
      asio::post(test.context, [] {});
      poll_all(test.context);
    }
    BOOST_TEST(test.calls() == 0u);
    test.start();
    BOOST_TEST(test.has_calls(1));
    BOOST_TEST(test.handler.calls.front() == urgent_1);
  }
}

BOOST_AUTO_TEST_CASE(a_batch_that_is_too_small_makes_nothing_disappear) {
  mioext::event_loop_config config;
  config.event_capacity = 1;
  running test;
  test.loop.reset();
  poll_all(test.context);
  test.loop.reset(new mioext::async_event_loop(test.context, config));
  test.start();
  std::vector<connected> sockets(5);
  for (std::size_t index = 0; index != sockets.size(); ++index) {
    test.loop->register_handle(sockets[index].near(), token(index), interest::priority);
    sockets[index].send_urgent();
  }
  std::vector<bool> told(sockets.size());
  test.handler.on_readable = [&](mioext::event_loop&, mioext::token called, read_hint) {
    told[static_cast<std::size_t>(called)] = true;
  };
  BOOST_TEST(
      drive_until(test.context, [&] { return told == std::vector<bool>(told.size(), true); }));
}

#ifndef MIOEXT_TEST_LENDS_SOCKETS
BOOST_AUTO_TEST_CASE(sockets_that_stay_ready_leave_the_rest_its_turn) {
  running test;
  std::vector<std::unique_ptr<connected>> sockets;
  for (std::size_t index = 0; index != 10; ++index) {
    sockets.emplace_back(new connected);
    sockets.back()->send();
    test.loop->register_handle(sockets.back()->near(), token(index), all, trigger::level);
  }
  auto ends = mioext::pipe();
  test.loop->register_handle(ends.first, token(99), interest::readable);
  bool is_over = false;
  std::function<void()> const again = [&] {
    if (!is_over) {
      boost::asio::post(test.context, again); // there is always something else to do
    }
  };
  again();
  auto const told = [&] {
    return std::count(test.handler.calls.begin(), test.handler.calls.end(),
                      "readable token(99) data");
  };
  test.context.restart();
  for (int round = 1; round != 4; ++round) {
    for (int step = 0; step != 600; ++step) {
      test.context.run_one(); // in which nothing else is ready
    }
    ends.second.write_some(boost::asio::buffer("x", 1));
    for (int step = 0; step != 200; ++step) {
      test.context.run_one();
    }
    BOOST_TEST(told() == round);
  }
  is_over = true;
}
#endif

BOOST_AUTO_TEST_CASE(an_exception_keeps_the_rest) {
  running test;
  connected sockets[3];
  for (std::size_t index = 0; index != 3; ++index) {
    test.loop->register_handle(sockets[index].near(), token(index), interest::priority);
    sockets[index].send_urgent();
  }
  test.handler.on_readable = [](mioext::event_loop&, mioext::token, read_hint) {
    throw std::runtime_error("of the handler");
  };
  for (std::size_t count = 1; count != 4; ++count) {
    BOOST_CHECK_THROW(test.has_calls(count), std::runtime_error);
    BOOST_TEST(test.calls() == count);
  }
}

BOOST_AUTO_TEST_CASE(a_loop_that_goes_in_its_handler_leaves_nothing_behind) {
  running test;
  connected sockets[2];
  for (std::size_t index = 0; index != 2; ++index) {
    test.loop->register_handle(sockets[index].near(), token(index), interest::priority);
    sockets[index].send_urgent();
  }
  test.handler.on_readable = [&](mioext::event_loop& in, mioext::token, read_hint) {
    test.loop.reset();
    in.reregister_handle(sockets[0].near(), token(7), interest::priority);
  };
  BOOST_TEST(drive_until(test.context, [&] { return test.ended; }));
  BOOST_TEST(test.result == asio::error::operation_aborted);
  BOOST_TEST(test.calls() == 1u);
  poll_all(test.context);
  BOOST_TEST(test.calls() == 1u);
  std::size_t waits = 0;
  for (connected& each : sockets) {
    mioext::async_wait(test.context, each.near(), interest::priority, [&](error_code ec) {
      BOOST_TEST(!ec);
      ++waits;
    });
  }
  BOOST_TEST(drive_until(test.context, [&] { return waits == 2; }));
}

BOOST_AUTO_TEST_CASE(a_handler_may_wait_in_the_loop_itself) {
  running test;
  auto ends = mioext::pipe();
  connected sockets;
  test.loop->register_handle(ends.first, token(2), interest::readable);
  test.loop->register_handle(sockets.near(), token(1), interest::priority);
  poll_all(test.context);
  ends.second.write_some(asio::buffer("x", 1));
  std::size_t inner = 0;
  test.handler.on_readable = [&](mioext::event_loop& loop, mioext::token called, read_hint) {
    if (called == token(2)) {
      sockets.send_urgent();
      inner = loop.run_once(test.handler, patience);
    }
  };
  BOOST_TEST(test.has_calls(2));
  BOOST_TEST(inner == 1u);
  BOOST_TEST(test.handler.calls.back() == urgent_1);
}

BOOST_AUTO_TEST_CASE(a_context_that_goes_leaves_a_loop_that_can_be_destroyed) {
  connected sockets;
  std::unique_ptr<mioext::async_event_loop> loop;
  recorder<> handler;
  {
    tested_context context;
    loop.reset(new mioext::async_event_loop(context));
    loop->register_handle(sockets.near(), token(1), interest::priority);
    loop->async_run(handler, [](error_code) { BOOST_ERROR("the context is gone"); });
    sockets.send_urgent();
  }
  loop->reregister_handle(sockets.near(), token(1), interest::readable);
  loop->deregister_handle(sockets.near());
}

namespace {

/// Zero if the loop in this process is told of urgent data, and deregisters for itself alone.
int live_on(running& test, connected& own, connected& others) {
  test.loop->deregister_handle(others.near());
  own.send_urgent();
  if (!test.has_calls(1)) {
    return 1;
  }
  if (test.handler.calls.front().find("readable token(") != 0) {
    return 2;
  }
  test.loop->shutdown();
  return drive_until(test.context, [&] { return test.ended; }) && !test.result ? 0 : 3;
}

} // namespace

BOOST_AUTO_TEST_CASE(after_fork_both_processes_go_on, *test::needs_asio_that_forks()) {
  for (bool const runs_first : {false, true}) {
    running test;
    connected sockets[2];
    test.loop->register_handle(sockets[0].near(), token(0), interest::priority);
    test.loop->register_handle(sockets[1].near(), token(1), interest::priority);
    poll_all(test.context);
    test.context.notify_fork(tested_context::fork_prepare);
    BOOST_TEST(test::in_child(
                   [&] {
                     test.context.notify_fork(tested_context::fork_child);
                     if (runs_first) {
                       poll_all(test.context);
                     }
                     return live_on(test, sockets[0], sockets[1]);
                   },
                   [&] { test.context.notify_fork(tested_context::fork_parent); }) == 0);
    BOOST_TEST(live_on(test, sockets[1], sockets[0]) == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_child_that_gives_all_up_takes_nothing_from_its_parent,
                     *test::needs_asio_that_forks()) {
  std::unique_ptr<running> test(new running);
  connected sockets;
  connected others;
  test->loop->register_handle(sockets.near(), token(1), interest::priority);
  poll_all(test->context);
  BOOST_TEST(test::in_child([&] {
               test->loop->deregister_handle(sockets.near());
               test.reset();
               return 0;
             }) == 0);
  BOOST_TEST(live_on(*test, sockets, sockets) == 1); // which deregisters it first
}

// Not in an io_context, whose own reactor looks first and uses the change up.
#if defined(__linux__) && defined(MIOEXT_TEST_SELECTOR_CONTEXT)

namespace {

template <class Loop, class Turn>
int hear_of_host_name(Loop& loop, recorder<>& handler, Turn turn, trigger how) {
  mioext::detail::file_descriptor const file(test::own_host_name::open());
  loop.register_handle(file.get(), token(1), interest::priority, how);
  for (std::size_t round = 1; round != 4; ++round) {
    test::own_host_name::change();
    turn([&] { return handler.calls.size() >= round; });
    if (handler.calls.size() != round) {
      return 2;
    }
  }
  loop.deregister_handle(file.get());
  return 0;
}

/// Returns the number of what is wrong.
int hear_of_host_name() {
  for (trigger const how : {trigger::edge, trigger::level}) {
    mioext::event_loop alone;
    recorder<> handler;
    if (int const wrong = hear_of_host_name(
            alone, handler,
            [&](std::function<bool()> const& condition) {
              BOOST_TEST(support::run_until(alone, handler, condition));
            },
            how)) {
      return wrong;
    }
    running test;
    if (int const wrong = hear_of_host_name(
            *test.loop, test.handler,
            [&](std::function<bool()> const& condition) { drive_until(test.context, condition); },
            how)) {
      return wrong + 10;
    }
  }
  return 0;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_change_of_a_file_of_the_kernels_is_told_as_a_loop_of_its_own_tells_it) {
  test::check_with_own_host_name([] { return hear_of_host_name(); });
}

#endif

BOOST_AUTO_TEST_SUITE_END()
