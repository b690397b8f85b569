//
// test/detail_timer_wheel_month.cpp
// ---------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A month of a wheel that holds a million timers, on a clock of the test's own, which also stands still,
// sleeps for hours and skips a century. MIOEXT_MONTHS says how many months: one, if it is not set.
//

#include <mioext/detail/event_loop/timer_wheel.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace {

using mioext::detail::timer_id;
using wheel_type = mioext::detail::timer_wheel<std::uint32_t>;

constexpr std::uint64_t second = 1000; // of milliseconds
constexpr std::uint64_t hour = 3600 * second;
constexpr std::uint64_t day = 24 * hour;
constexpr std::uint64_t month = 31 * day;
constexpr std::uint64_t century = 36525 * day;
constexpr std::uint64_t last_tick = std::numeric_limits<std::uint64_t>::max();

/// The model is a list of what each timer was last told. It needs no order, because four questions that
/// are asked of each timer when it comes leave no other order, no other time and no other number: is it
/// pending; is it due, and was it not yet when the wheel was emptied before; is it behind the one that
/// came before it.
class simulation {
public:
  static constexpr std::uint32_t timers = 1000000;

  simulation(std::size_t slots_per_level, std::uint64_t start, unsigned seed)
      : wheel_(slots_per_level, timers), random_(seed), now_(start), emptied_(start),
        told_(timers) {
    require(!wheel_.pop_due(start, [](std::uint32_t) {}), "a new wheel has nothing due");
    for (std::uint32_t index = 0; index != timers; ++index) {
      set(index);
    }
  }

  void run() {
    std::uint64_t const end = now_ + month;
    while (now_ < end) {
      std::uint64_t const choice = below(1 << 18);
      if (choice < 2) {
        advance(now_ + below(12 * hour)); // the machine was suspended
      } else if (choice < 256) {
        advance(now_ + below(second)); // its owner was busy
      } else if (choice < 512) {
        std::size_t const before = came_;
        advance(now_); // the clock stands still
        require(came_ == before, "nothing comes while the clock stands still");
      } else {
        sleep();
      }
    }
  }

  /// Lets everything come that will.
  void end() {
    is_ending_ = true;
    advance(now_ + century);
    sleep(); // those that were set for never do not wake anybody
    require(wheel_.size() == set_for_never(), "what was set for a time has come");
    for (std::uint32_t index = 0; index != timers; ++index) {
      if (told_[index].is_pending) {
        require(told_[index].deadline == last_tick, "nothing is left but what never comes");
        erase(index);
      }
    }
    require(wheel_.empty(), "nothing is left");
  }

  std::size_t came() const { return came_; }
  std::size_t moved() const { return moved_; }
  std::size_t erased() const { return erased_; }
  std::size_t woken_for_nothing() const { return woken_for_nothing_; }

private:
  struct told {
    std::uint64_t deadline = 0;
    std::uint64_t order = 0; // of all that was told
    timer_id id{};
    bool is_pending = false;
  };

  static void require(bool condition, char const* what) {
    if (!condition) {
      BOOST_FAIL(what);
    }
  }

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }

  /// Most lie anywhere in the next two months, some at a full hour or at once, and a few at any
  /// distance, a century away, or never.
  std::uint64_t any_deadline() {
    std::uint64_t const choice = below(1024);
    if (choice < 128) {
      return (now_ + below(2 * month)) / hour * hour;
    }
    if (choice < 160) {
      return now_ + (random_() >> (64 - 1 - below(31)));
    }
    if (choice == 160) {
      return last_tick;
    }
    if (choice == 161) {
      return now_ + century - below(day);
    }
    if (choice < 166) {
      return now_ - below(hour); // which has passed
    }
    return now_ + below(2 * month);
  }

  void note(std::uint32_t index, std::uint64_t deadline) {
    told_[index].deadline = deadline > now_ ? deadline : now_ + 1;
    told_[index].order = ++orders_;
  }

  void set(std::uint32_t index) {
    std::uint64_t const deadline = any_deadline();
    timer_id const stale = told_[index].id;
    told_[index].id = wheel_.insert(deadline, index);
    told_[index].is_pending = true;
    note(index, deadline);
    require(!wheel_.find(stale) && !wheel_.erase(stale) && !wheel_.move(stale, deadline),
            "a stale id names no timer");
  }

  void erase(std::uint32_t index) {
    require(wheel_.erase(told_[index].id), "a pending timer can be erased");
    told_[index].is_pending = false;
    ++erased_;
  }

  void move(std::uint32_t index) {
    std::uint64_t const deadline = any_deadline();
    std::uint64_t const before = told_[index].deadline;
    require(wheel_.move(told_[index].id, deadline), "a pending timer can be moved");
    if ((deadline > now_ ? deadline : now_ + 1) != before) {
      note(index, deadline);
    }
    ++moved_;
  }

  void take(std::uint32_t index) {
    told& taken = told_[index];
    require(taken.is_pending, "a timer comes once");
    require(taken.deadline <= now_, "no timer comes before its time");
    require(taken.deadline > emptied_, "no timer is left for later");
    require(taken.deadline > last_deadline_ ||
                (taken.deadline == last_deadline_ && taken.order > last_order_),
            "timers come in the order of their times, and those of one time as they were set");
    last_deadline_ = taken.deadline;
    last_order_ = taken.order;
    taken.is_pending = false;
    ++came_;
    if (is_ending_) {
      return;
    }
    set(index);
    auto const other = static_cast<std::uint32_t>(below(timers));
    if (below(4) == 0) {
      if (told_[other].is_pending) {
        erase(other);
        set(other);
      }
    } else if (told_[other].is_pending) {
      move(other);
    }
  }

  void advance(std::uint64_t now) {
    now_ = now;
    while (wheel_.pop_due(now, [this](std::uint32_t index) { take(index); })) {
    }
    emptied_ = now;
    require(wheel_.elapsed() == now, "the wheel stands where the clock does");
    require(wheel_.next_deadline() > now, "nothing that is due is left");
  }

  /// Until the wheel says that a timer is due; which then must be due at that very time.
  void sleep() {
    std::uint64_t const next = wheel_.next_deadline();
    if (next == last_tick) {
      require(is_ending_, "something waits");
      return;
    }
    emptied_ = next - 1;
    std::size_t const before = came_;
    advance(next);
    woken_for_nothing_ += came_ == before ? 1u : 0u;
  }

  std::size_t set_for_never() const {
    std::size_t count = 0;
    for (told const& each : told_) {
      count += each.is_pending && each.deadline == last_tick ? 1u : 0u;
    }
    return count;
  }

  wheel_type wheel_;
  std::mt19937_64 random_;
  std::uint64_t now_;
  std::uint64_t emptied_; // when nothing was left that was due
  std::vector<told> told_;
  std::uint64_t orders_ = 0;
  std::uint64_t last_deadline_ = 0;
  std::uint64_t last_order_ = 0;
  std::size_t came_ = 0;
  std::size_t moved_ = 0;
  std::size_t erased_ = 0;
  std::size_t woken_for_nothing_ = 0;
  bool is_ending_ = false;
};

constexpr std::uint32_t simulation::timers;

} // namespace

BOOST_AUTO_TEST_CASE(a_million_timers_of_a_month_come_in_order_and_on_time) {
  char const* const told = std::getenv("MIOEXT_MONTHS");
  int const months = told ? std::stoi(told) : 1;
  // In the first month the milliseconds leave 32 bits.
  std::uint64_t start = (std::uint64_t(1) << 32) - month / 2;
  std::size_t const slots_per_level[] = {256, 64, 4096};
  for (int index = 0; index != months; ++index) {
    simulation simulated(slots_per_level[index % 3], start, static_cast<unsigned>(index));
    simulated.run();
    BOOST_TEST(simulated.came() > simulation::timers / 2);
    BOOST_TEST(simulated.moved() > simulation::timers / 4);
    BOOST_TEST(simulated.erased() > simulation::timers / 16);
    // Which happens when the earliest timer of a crowded slot was erased or moved.
    BOOST_TEST(simulated.woken_for_nothing() < simulated.came() / 4);
    simulated.end();
    BOOST_TEST_MESSAGE("month " << index + 1 << ": " << simulated.came() << " timers came, "
                                << simulated.moved() << " were moved, " << simulated.erased()
                                << " erased, and " << simulated.woken_for_nothing()
                                << " times the wheel woke its owner for nothing");
    start += month + century;
  }
}
