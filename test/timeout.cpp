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

#include <boost/system/error_code.hpp>

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

// --- At a point of time --------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_timer_at_a_point_fires_once_and_never_before_it) {
  loop_under_test<> loop;
  recorder<> handler;
  clock_type::time_point due;
  int early = 0;
  handler.on_timer = [&](mioext::event_loop& in, mioext::token) {
    early += in.now() < due || clock_type::now() < due ? 1 : 0;
  };
  for (auto after :
       {std::chrono::microseconds(0), std::chrono::microseconds(1), std::chrono::microseconds(999),
        std::chrono::microseconds(1001), std::chrono::microseconds(7777)}) {
    due = loop.now() + after;
    loop.timer_at(due, token(1));
    BOOST_TEST(loop.run_once(handler) == 1u);
    BOOST_TEST(loop.run_once(handler, milliseconds(3)) == 0u);
  }
  BOOST_TEST(handler.calls.size() == 5u);
  BOOST_TEST(early == 0);
}

BOOST_AUTO_TEST_CASE(any_point_of_time_will_do) {
  using hours_point = std::chrono::time_point<clock_type, std::chrono::hours>;
  using seconds_point = std::chrono::time_point<clock_type, std::chrono::duration<double>>;
  loop_under_test<> loop;
  recorder<> handler;
  std::vector<mioext::timeout> const far = {
      loop.timer_at(clock_type::time_point::max(), token(9)),
      loop.timer_at(clock_type::time_point::max() - std::chrono::nanoseconds(1), token(9)),
      loop.timer_at(hours_point::max(), token(9)),
      loop.timer_at(seconds_point(std::chrono::duration<double>(1e300)), token(9)),
      loop.timer_at(std::chrono::time_point_cast<std::chrono::hours>(loop.now()) +
                        std::chrono::hours(2),
                    token(9)),
  };
  loop.timer_at(clock_type::time_point::min(), token(1));
  loop.timer_at(hours_point::min(), token(1));
  loop.timer_at(seconds_point(std::chrono::duration<double>(-1e300)), token(1));
  loop.timer_at(clock_type::time_point(), token(1));
  boost::system::error_code ec =
      boost::system::errc::make_error_code(boost::system::errc::io_error);
  loop.timer_at(loop.now() + std::chrono::duration<double, std::milli>(0.5), token(1), ec);
  BOOST_TEST(!ec);
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() == 5; }));
  BOOST_TEST(loop.run_once(handler, milliseconds(5)) == 0u);
  BOOST_TEST(handler.calls == strings(5, "timer token(1)"), boost::test_tools::per_element());
  for (mioext::timeout const& each : far) {
    BOOST_TEST(loop.clear_timer(each));
  }
}

BOOST_AUTO_TEST_CASE(points_that_have_passed_fire_in_one_tick_in_the_order_in_which_they_were_set) {
  loop_under_test<> loop;
  recorder<> handler;
  for (int round = 0; round != 2; ++round) {
    // What the loop's own time has not passed yet would come in the order of these points.
    auto const passed = loop.now() - std::chrono::hours(1);
    loop.timer_at(passed, token(1));
    loop.timer_at(clock_type::time_point::min(), token(2));
    loop.timer_at(passed - seconds(1), token(3));
    BOOST_TEST(loop.run_once(handler) == 3u);
    BOOST_TEST(handler.calls == (strings{"timer token(1)", "timer token(2)", "timer token(3)"}),
               boost::test_tools::per_element());
    handler.calls.clear();
  }
}

BOOST_AUTO_TEST_CASE(a_timer_at_a_point_that_has_passed_never_fires_in_the_tick_of_its_setter) {
  loop_under_test<> loop;
  recorder<> handler;
  handler.on_timer = [](mioext::event_loop& in, mioext::token called) {
    in.timer_at(in.now() - seconds(1), called);
  };
  loop.timer_at(loop.now(), token(1));
  for (std::size_t tick = 1; tick != 20; ++tick) {
    BOOST_TEST(loop.run_once(handler) == 1u);
  }
}

BOOST_AUTO_TEST_CASE(timers_at_points_fire_in_order_whatever_sets_them) {
  loop_under_test<> loop;
  recorder<> handler;
  auto const base = loop.now() + milliseconds(3);
  loop.timer_at(base + milliseconds(4), token(5));
  loop.timer_at(base, token(1));
  loop.timer_at(base + milliseconds(2), token(3));
  loop.timer_at(base, token(2));
  loop.timer_at(base + milliseconds(2), token(4));
  loop.timer(std::chrono::hours(1), token(9));
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() == 5; }));
  BOOST_TEST(handler.calls == (strings{"timer token(1)", "timer token(2)", "timer token(3)",
                                       "timer token(4)", "timer token(5)"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(more_timers_at_points_than_the_capacity_are_kept_and_reset) {
  mioext::event_loop_config config;
  config.timer_capacity = 2;
  loop_under_test<> loop(config);
  recorder<> handler;
  std::vector<mioext::timeout> set;
  for (std::size_t index = 0; index != 3000; ++index) {
    set.push_back(loop.timer_at(clock_type::time_point::max(), token(index)));
  }
  std::size_t reset = 0;
  for (mioext::timeout const& each : set) {
    reset += loop.reset_timer(each, loop.now()) ? 1u : 0u;
  }
  BOOST_TEST(reset == 3000u);
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() == 3000u; }));
}

// --- The clock as the loop has read it -----------------------------------------------------------

namespace {

void wait_for_another_time() {
  auto const start = clock_type::now();
  while (clock_type::now() - start < milliseconds(2)) {
  }
}

} // namespace

BOOST_AUTO_TEST_CASE(in_one_tick_now_stays_and_in_the_next_one_it_is_later) {
  loop_under_test<mioext::token, int> loop;
  recorder<mioext::token, int> handler;
  std::vector<socket_pair> pairs(2);
  std::vector<clock_type::time_point> asked;
  using in_loop = mioext::basic_event_loop<mioext::token, int>;
  auto const ask = [&](in_loop& in) {
    asked.push_back(in.now());
    wait_for_another_time();
    asked.push_back(in.now());
  };
  handler.on_readable = [&](in_loop& in, mioext::token called, mioext::read_hint) {
    ask(in);
    drain(pairs[called.value()].near.get());
  };
  handler.on_timer = [&](in_loop& in, mioext::token) { ask(in); };
  for (std::size_t index = 0; index != pairs.size(); ++index) {
    loop.register_handle(pairs[index].near.get(), token(index), mioext::interest::readable);
  }
  auto last = loop.now();
  for (int round = 0; round != 2; ++round) {
    auto const due = loop.now();
    loop.timer_at(due, token(5));
    loop.timer_at(due, token(6));
    wait_for_another_time(); // so that both are due
    for (socket_pair& pair : pairs) {
      pair.send();
    }
    auto const before = clock_type::now();
    BOOST_TEST(loop.run_once(handler, seconds(0)) == 4u);
    BOOST_TEST_REQUIRE(asked.size() == 8u);
    BOOST_TEST((asked.front() >= before));
    BOOST_TEST((asked.front() > last));
    BOOST_TEST((std::count(asked.begin(), asked.end(), asked.front()) == 8));
    last = asked.back();
    asked.clear();
  }
  BOOST_TEST((loop.now() > last)); // no tick is under way
}

BOOST_AUTO_TEST_CASE(outside_of_ticks_every_call_of_now_reads_the_clock) {
  loop_under_test<> loop;
  recorder<> handler;
  auto const before = clock_type::now();
  auto const first = loop.now();
  BOOST_TEST((first >= before));
  wait_for_another_time();
  BOOST_TEST((loop.now() > first));
  clock_type::time_point inside;
  handler.on_timer = [&](mioext::event_loop& in, mioext::token) {
    inside = in.now();
    throw std::runtime_error("timer");
  };
  loop.timer_at(first, token(1));
  BOOST_CHECK_THROW(loop.run(handler), std::runtime_error);
  BOOST_TEST((inside > first));
  wait_for_another_time();
  BOOST_TEST((loop.now() > inside));
}

BOOST_AUTO_TEST_CASE(now_does_not_go_back_around_a_tick_inside_a_call) {
  loop_under_test<> loop;
  recorder<> handler;
  recorder<> inner;
  clock_type::time_point inside;
  inner.on_timer = [&](mioext::event_loop& in, mioext::token) { inside = in.now(); };
  bool is_in_order = false;
  handler.on_timer = [&](mioext::event_loop& in, mioext::token) {
    auto const outer = in.now();
    in.timer_at(outer, token(2));
    in.run_once(inner);
    auto const after = in.now();
    is_in_order = outer < inside && inside <= after;
  };
  loop.timer_at(loop.now(), token(1));
  BOOST_TEST(loop.run_once(handler) == 1u);
  BOOST_TEST(inner.calls == strings{"timer token(2)"}, boost::test_tools::per_element());
  BOOST_TEST(is_in_order);
}

// --- Setting anew --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_timer_that_is_reset_fires_once_at_its_new_time_and_is_the_same_timer) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::timeout nearer = loop.timer(std::chrono::hours(1), token(1));
  mioext::timeout const copy = nearer;
  mioext::timeout later = loop.timer(seconds(0), token(2));
  mioext::timeout never = loop.timer_at(loop.now(), token(3));
  BOOST_TEST(loop.reset_timer(nearer, milliseconds(1)));
  BOOST_TEST(loop.reset_timer(later, std::chrono::hours(1)));
  BOOST_TEST(loop.reset_timer(never, std::chrono::hours::max()));
  BOOST_TEST(loop.run_once(handler) == 1u);
  BOOST_TEST(loop.run_once(handler, milliseconds(5)) == 0u);
  BOOST_TEST(handler.calls == strings{"timer token(1)"}, boost::test_tools::per_element());
  BOOST_TEST(!loop.clear_timer(copy));
  BOOST_TEST(loop.clear_timer(later));
  BOOST_TEST(loop.reset_timer(never, clock_type::time_point::min()));
  BOOST_TEST(loop.run_once(handler) == 1u);
  BOOST_TEST(!loop.clear_timer(never));
  BOOST_TEST(handler.calls.back() == "timer token(3)");
}

BOOST_AUTO_TEST_CASE(a_timer_that_is_not_pending_is_not_reset) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::timeout empty;
  BOOST_TEST(!loop.reset_timer(empty, milliseconds(1)));
  mioext::timeout cleared = loop.timer(milliseconds(1), token(1));
  loop.clear_timer(cleared);
  BOOST_TEST(!loop.reset_timer(cleared, milliseconds(1)));
  bool was_pending_in_its_call = true;
  mioext::timeout fired = loop.timer(milliseconds(1), token(2));
  handler.on_timer = [&](mioext::event_loop& in, mioext::token called) {
    if (called == token(2)) {
      was_pending_in_its_call = in.reset_timer(fired, milliseconds(1));
    }
  };
  BOOST_TEST(loop.run_once(handler) == 1u);
  BOOST_TEST(!was_pending_in_its_call);
  BOOST_TEST(!loop.reset_timer(fired, loop.now()));
  // Its place is taken by another, which is not the one that they name.
  mioext::timeout const next = loop.timer(std::chrono::hours(1), token(3));
  BOOST_TEST(!loop.reset_timer(cleared, seconds(0)));
  BOOST_TEST(!loop.reset_timer(fired, seconds(0)));
  mioext::timeout const copy = next;
  BOOST_TEST(loop.run_once(handler, milliseconds(5)) == 0u);
  BOOST_TEST(loop.reset_timer(copy, seconds(0)));
  BOOST_TEST(loop.run_once(handler) == 1u);
  BOOST_TEST(handler.calls == (strings{"timer token(2)", "timer token(3)"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_timer_that_is_reset_when_it_is_due_already_is_not_called_in_that_tick) {
  loop_under_test<> loop;
  recorder<> handler;
  std::vector<mioext::timeout> set;
  std::vector<clock_type::time_point> called_at;
  handler.on_timer = [&](mioext::event_loop& in, mioext::token called) {
    called_at.push_back(in.now());
    if (called == token(0)) {
      BOOST_TEST(in.reset_timer(set[1], clock_type::time_point::min()));
      BOOST_TEST(in.reset_timer(set[3], std::chrono::hours(1)));
    }
  };
  auto const due = loop.now();
  for (std::size_t index = 0; index != 4; ++index) {
    set.push_back(loop.timer_at(due, token(index)));
  }
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() == 3; }));
  BOOST_TEST(handler.calls == (strings{"timer token(0)", "timer token(2)", "timer token(1)"}),
             boost::test_tools::per_element());
  BOOST_TEST((called_at[0] == called_at[1]));
  BOOST_TEST((called_at[1] < called_at[2])); // in another tick
  BOOST_TEST(loop.clear_timer(set[3]));
}

BOOST_AUTO_TEST_CASE(a_reset_timer_comes_last_in_its_tick_unless_it_was_in_that_one_before) {
  loop_under_test<> loop;
  recorder<> handler;
  auto const due = loop.now() + milliseconds(3);
  std::vector<mioext::timeout> set;
  for (std::size_t index = 0; index != 4; ++index) {
    set.push_back(loop.timer_at(due, token(index)));
  }
  BOOST_TEST(loop.reset_timer(set[0], due)); // stays the first
  BOOST_TEST(loop.reset_timer(set[1], std::chrono::hours(1)));
  BOOST_TEST(loop.reset_timer(set[1], due));
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() == 4; }));
  BOOST_TEST(handler.calls ==
                 (strings{"timer token(0)", "timer token(2)", "timer token(3)", "timer token(1)"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_timer_is_set_nearer_from_outside_while_the_loop_may_sleep) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::timeout const set = loop.timer(std::chrono::hours(1), token(1));
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u); // an asynchronous run waits from now on
  BOOST_TEST(loop.reset_timer(set, milliseconds(1)));
  BOOST_TEST(loop.run_once(handler, patience) == 1u);
  loop.timer_at(loop.now() + std::chrono::hours(1), token(2));
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
  loop.timer_at(clock_type::time_point::min(), token(3));
  BOOST_TEST(loop.run_once(handler, patience) == 1u);
  BOOST_TEST(handler.calls == (strings{"timer token(1)", "timer token(3)"}),
             boost::test_tools::per_element());
}

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
BOOST_AUTO_TEST_CASE(a_timer_reset_to_never_lets_the_loop_sleep_without_end) {
  loop_under_test<> loop;
  mioext::timeout const set = loop.timer(milliseconds(1), token(1));
  BOOST_TEST(loop.reset_timer(set, clock_type::time_point::max()));
  BOOST_TEST((loop.time_to_next_timer() == std::chrono::nanoseconds::max()));
}
#endif

BOOST_AUTO_TEST_SUITE_END()
