//
// bench/timers/work.hpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the timer benchmark does with every loop. A loop has:
//
//   Loop(std::size_t timers)                    room for so many
//   void set(std::size_t, milliseconds after)   one of them, that is not pending
//   void cancel(std::size_t)                    one that is
//   void run()                                  until `fired` is as many as there are
//   void turn()                                 once, without waiting
//   std::size_t fired
//   void run_io(ring&, OnEvent)                the ring, with on_event(index) after each event
//

#ifndef BENCH_TIMERS_WORK_HPP
#define BENCH_TIMERS_WORK_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "../system.hpp"
#include "ring.hpp"

namespace timers {

using std::chrono::milliseconds;

struct io_work {
  std::size_t pending;
  std::uint64_t events;
  bool sets_anew; // with each event a timer, as for a connection that is not idle
};

/// The same for all, and in no order.
inline std::vector<milliseconds> durations(std::size_t count, int least, int most) {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> some(least, most);
  std::vector<milliseconds> all;
  for (std::size_t index = 0; index != count; ++index) {
    all.emplace_back(some(random));
  }
  return all;
}

/// Nanoseconds for each of `count`, since the process had used `begin` seconds.
inline double nanoseconds_each(double begin, std::uint64_t count) {
  return 1e9 * (bench::cpu_seconds() - begin) / static_cast<double>(count);
}

template <class Loop> double set_all(Loop& loop, std::vector<milliseconds> const& after) {
  double const begin = bench::cpu_seconds();
  for (std::size_t index = 0; index != after.size(); ++index) {
    loop.set(index, after[index]);
  }
  return nanoseconds_each(begin, after.size());
}

/// Cancels all, in another order than they were set: a prime that does not divide their number
/// reaches every index.
template <class Loop> double cancel_all(Loop& loop, std::size_t count) {
  double const begin = bench::cpu_seconds();
  std::size_t index = 0;
  for (std::size_t left = count; left != 0; --left) {
    index = (index + 7919) % count;
    loop.cancel(index);
  }
  loop.turn(); // some have only begun to cancel
  return nanoseconds_each(begin, count);
}

/// Nanoseconds for each timer, when it is not the first time: in a program that has run for a
/// while, memory is there.
template <class Loop> double set(std::size_t count) {
  Loop loop(count);
  std::vector<milliseconds> const after = durations(count, 10000, 60000);
  set_all(loop, after);
  cancel_all(loop, count);
  double const result = set_all(loop, after);
  bench::check(loop.fired == 0, "a timer has fired too early");
  return result;
}

/// Nanoseconds for each timer.
template <class Loop> double cancel(std::size_t count) {
  Loop loop(count);
  set_all(loop, durations(count, 10000, 60000));
  double const result = cancel_all(loop, count);
  bench::check(loop.fired == 0, "a cancelled timer has fired");
  return result;
}

/// Nanoseconds for each timer: all, those for setting it, those from then on.
template <class Loop> std::vector<double> set_and_fire(std::size_t count) {
  Loop loop(count);
  double const setting = set_all(loop, durations(count, 1, 300));
  double const begin = bench::cpu_seconds();
  loop.run();
  double const firing = nanoseconds_each(begin, count);
  bench::check(loop.fired == count, "not every timer has fired once");
  return {setting + firing, setting, firing};
}

/// Nanoseconds for each event.
template <class Loop> double io_beside(io_work const& work) {
  constexpr std::size_t pairs = 100;
  std::vector<milliseconds> const after = durations(work.pending, 10000, 60000);
  Loop loop(work.pending);
  set_all(loop, after);
  ring bytes(pairs, 10, work.events);
  double const begin = bench::cpu_seconds();
  loop.run_io(bytes, [&](std::size_t index) {
    if (work.sets_anew) {
      loop.cancel(index);
      loop.set(index, after[index]);
    }
  });
  double const result = nanoseconds_each(begin, work.events);
  bench::check(loop.fired == 0, "a timer has fired too early");
  return result;
}

struct contender {
  double (*set)(std::size_t count);
  double (*cancel)(std::size_t count);
  std::vector<double> (*set_and_fire)(std::size_t count);
  double (*io_beside)(io_work const& work);
};

template <class Loop> contender contender_of() {
  return {&set<Loop>, &cancel<Loop>, &set_and_fire<Loop>, &io_beside<Loop>};
}

contender event_loop();
contender event_loop_by_point(); // timer_at(now() + ...)
contender async_event_loop();
contender asio();
contender mioext_in_io_context(); // steady_timer
contender mioext_in_selector_context();
contender libuv();
contender libevent();
contender libev();

} // namespace timers

#endif // BENCH_TIMERS_WORK_HPP
