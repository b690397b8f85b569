//
// test/timeout.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Timers of the event loop: never early, none lost, and a stale timeout is recognised.
//

#include <mioext/timeout.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <stdexcept>
#include <vector>

#include <mioext/event_loop.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(timeout)

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using clock_type = std::chrono::steady_clock;
using namespace support;

} // namespace

BOOST_AUTO_TEST_CASE(a_timer_fires_once_and_never_early) {
  loop_under_test<> loop;
  recorder<> handler;
  for (auto after :
       {std::chrono::microseconds(0), std::chrono::microseconds(1), std::chrono::microseconds(999),
        std::chrono::microseconds(1001), std::chrono::microseconds(7777)}) {
    auto const start = clock_type::now();
    loop.timer(after, token(1));
    BOOST_TEST(loop.run_once(handler) == 1u);
    BOOST_TEST((clock_type::now() - start >= after));
    BOOST_TEST(loop.run_once(handler, milliseconds(3)) == 0u);
  }
  BOOST_TEST(handler.calls.size() == 5u);
}

BOOST_AUTO_TEST_CASE(hundreds_of_random_timers_fire_in_order_and_none_early) {
  loop_under_test<> loop;
  recorder<> handler;
  std::mt19937 random(1);
  std::uniform_int_distribution<int> any(0, 60000);
  // When each is due: not before that and not after that, between which it was set.
  std::vector<clock_type::time_point> due(500);
  std::vector<clock_type::time_point> latest(due.size());
  std::vector<bool> fired(due.size());
  int early = 0;
  clock_type::time_point latest_due;
  int disorder = 0;
  handler.on_timer = [&](mioext::event_loop&, mioext::token called) {
    auto const point = due[called.value()];
    early += clock_type::now() < point ? 1 : 0;
    // In order, but for what falls into one tick.
    disorder += latest[called.value()] + milliseconds(1) < latest_due ? 1 : 0;
    latest_due = std::max(latest_due, point);
    fired[called.value()] = true;
  };
  for (std::size_t index = 0; index != due.size(); ++index) {
    std::chrono::microseconds const after(any(random));
    due[index] = clock_type::now() + after;
    loop.timer(after, token(index));
    latest[index] = clock_type::now() + after;
  }
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() == due.size(); }));
  BOOST_TEST(early == 0);
  BOOST_TEST(disorder == 0);
  BOOST_TEST((std::find(fired.begin(), fired.end(), false) == fired.end()));
}

BOOST_AUTO_TEST_CASE(clearing_says_whether_the_timer_was_pending) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::timeout const set = loop.timer(milliseconds(1), token(1));
  BOOST_TEST(loop.clear_timer(set));
  BOOST_TEST(!loop.clear_timer(set));
  mioext::timeout const fired = loop.timer(milliseconds(1), token(2));
  loop.run_once(handler);
  BOOST_TEST(!loop.clear_timer(fired));
  // Its place is taken by another, which is not the one that it names.
  mioext::timeout const next = loop.timer(milliseconds(1), token(3));
  BOOST_TEST(!loop.clear_timer(fired));
  BOOST_TEST(!loop.clear_timer(set));
  BOOST_TEST(!loop.clear_timer(mioext::timeout()));
  loop.run_once(handler);
  BOOST_TEST(handler.calls == (strings{"timer token(2)", "timer token(3)"}),
             boost::test_tools::per_element());
  BOOST_TEST(!loop.clear_timer(next));
}

BOOST_AUTO_TEST_CASE(any_duration_will_do) {
  loop_under_test<> loop;
  recorder<> handler;
  std::vector<mioext::timeout> far = {
      loop.timer(std::chrono::hours(24 * 365 * 100), token(9)),
      loop.timer(std::chrono::hours::max(), token(9)),
      loop.timer(std::chrono::nanoseconds::max(), token(9)),
      loop.timer(std::chrono::duration<double>(1e300), token(9)),
      loop.timer(std::chrono::minutes(1), token(9)),
  };
  loop.timer(std::chrono::duration<float, std::milli>(0.5f), token(1));
  loop.timer(std::chrono::nanoseconds(1), token(1));
  loop.timer(std::chrono::hours::min(), token(1));
  loop.timer(seconds(-1), token(1));
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() == 4; }));
  BOOST_TEST(loop.run_once(handler, milliseconds(5)) == 0u);
  BOOST_TEST(handler.calls == strings(4, "timer token(1)"), boost::test_tools::per_element());
  for (mioext::timeout const& each : far) {
    BOOST_TEST(loop.clear_timer(each));
  }
}

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
BOOST_AUTO_TEST_CASE(a_timer_for_never_lets_the_loop_sleep_without_end) {
  loop_under_test<> loop;
  loop.timer(std::chrono::nanoseconds::max(), token(1));
  BOOST_TEST((loop.time_to_next_timer() == std::chrono::nanoseconds::max()));
}
#endif

BOOST_AUTO_TEST_CASE(a_timer_set_again_by_its_own_call_fires_in_another_tick) {
  loop_under_test<> loop;
  recorder<> handler;
  handler.on_timer = [](mioext::event_loop& in, mioext::token called) {
    in.timer(seconds(0), called);
  };
  loop.timer(seconds(0), token(1));
  for (std::size_t tick = 1; tick != 20; ++tick) {
    BOOST_TEST(loop.run_once(handler) == 1u);
  }
}

BOOST_AUTO_TEST_CASE(timers_are_set_and_cleared_inside_calls) {
  loop_under_test<> loop;
  recorder<> handler;
  std::vector<mioext::timeout> set;
  handler.on_timer = [&](mioext::event_loop& in, mioext::token called) {
    if (called == token(0)) {
      // Clears every second of those that are due in this very tick, too.
      for (std::size_t index = 1; index < set.size(); index += 2) {
        BOOST_TEST(in.clear_timer(set[index]));
      }
    }
  };
  for (std::size_t index = 0; index != 1000; ++index) {
    set.push_back(loop.timer(milliseconds(2), token(index)));
  }
  auto const start = clock_type::now();
  while (clock_type::now() - start < milliseconds(10)) { // busy for many ticks
  }
  run_until(loop, handler, [&] { return handler.calls.size() >= 500; });
  BOOST_TEST(loop.run_once(handler, milliseconds(5)) == 0u);
  BOOST_TEST(handler.calls.size() == 500u);
}

BOOST_AUTO_TEST_CASE(more_timers_than_the_capacity_are_kept) {
  mioext::event_loop_config config;
  config.timer_capacity = 2;
  loop_under_test<> loop(config);
  recorder<> handler;
  for (std::size_t index = 0; index != 5000; ++index) {
    loop.timer(milliseconds(1), token(index));
  }
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() == 5000u; }));
}

BOOST_AUTO_TEST_CASE(a_coarser_tick_makes_timers_later_and_never_earlier) {
  mioext::event_loop_config config;
  config.timer_tick = milliseconds(20);
  loop_under_test<> loop(config);
  recorder<> handler;
  for (int round = 0; round != 3; ++round) {
    auto const start = clock_type::now();
    loop.timer(milliseconds(7), token(1));
    BOOST_TEST(loop.run_once(handler) == 1u);
    BOOST_TEST((clock_type::now() - start >= milliseconds(7)));
  }
}

BOOST_AUTO_TEST_CASE(an_exception_keeps_the_timers_that_were_due) {
  loop_under_test<> loop;
  recorder<> handler;
  handler.on_timer = [](mioext::event_loop&, mioext::token) { throw std::runtime_error("timer"); };
  for (std::size_t index = 0; index != 3; ++index) {
    loop.timer(milliseconds(1), token(index));
  }
  for (std::size_t index = 0; index != 3; ++index) {
    BOOST_CHECK_THROW(loop.run(handler), std::runtime_error);
  }
  BOOST_TEST(handler.calls.size() == 3u);
}

BOOST_AUTO_TEST_SUITE_END()
