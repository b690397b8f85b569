//
// test/detail_timer_wheel.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Checks the timing wheel by single behaviours and against a sorted map.
//

#include <mioext/detail/event_loop/timer_wheel.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <map>
#include <new>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

// clang links its sanitizers' operator new into the program and accepts no other.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS
#endif
#endif

#ifndef MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS
namespace {

std::size_t allocations = 0;
std::size_t allocated_bytes = 0;
bool allocation_fails = false;

void* count_and_allocate(std::size_t size) {
  ++allocations;
  allocated_bytes += size;
  void* const memory = allocation_fails ? nullptr : std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

} // namespace

// Not inlined, because gcc would see only one of a pair and warn that they do not match.
[[gnu::noinline]] void* operator new(std::size_t size) { return count_and_allocate(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif // MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS

namespace {

using mioext::detail::timer_id;
using wheel_type = mioext::detail::timer_wheel<std::uint64_t>;
using values = std::vector<std::uint64_t>;

constexpr std::uint64_t last_tick = std::numeric_limits<std::uint64_t>::max();

values pop_all(wheel_type& wheel, std::uint64_t now) {
  values result;
  while (wheel.pop_due(now, [&](std::uint64_t value) { result.push_back(value); })) {
  }
  return result;
}

std::size_t count_due(wheel_type& wheel, std::uint64_t now) {
  std::size_t count = 0;
  while (wheel.pop_due(now, [&](std::uint64_t) { ++count; })) {
  }
  return count;
}

// Does to a wheel and to a sorted map the same at random, and compares everything that can be seen.
class comparison {
public:
  comparison(std::size_t slots_per_level, std::uint64_t start, unsigned seed)
      : wheel_(slots_per_level, 100), random_(seed), elapsed_(start), next_value_(0),
        most_pending_(0) {
    require(!wheel_.pop_due(start, [](std::uint64_t) {}), "a new wheel has nothing due");
  }

  void run(unsigned steps) {
    for (unsigned step = 0; step != steps; ++step) {
      unsigned const choice = below(16);
      if (choice < 6) {
        insert();
      } else if (choice < 8) {
        move();
      } else if (choice < 11) {
        erase();
      } else if (choice < 13) {
        require(!wheel_.erase(any(stale_)), "a stale id names no timer");
        require(!wheel_.move(any(stale_), any_deadline()), "a stale id moves no timer");
      } else {
        pop(forward(any_pause()));
      }
      check();
      most_pending_ = std::max(most_pending_, model_.size());
    }
    while (!model_.empty() && model_.begin()->first != last_tick) {
      pop(model_.begin()->first);
      check();
    }
  }

  std::size_t most_pending() const { return most_pending_; }

private:
  struct pending {
    timer_id id;
    std::uint64_t value;
  };
  using model = std::multimap<std::uint64_t, std::size_t>; // deadline and index into pending_

  static void require(bool condition, char const* what) {
    if (!condition) {
      BOOST_FAIL(what);
    }
  }

  unsigned below(std::size_t bound) { return static_cast<unsigned>(random_() % bound); }

  timer_id any(std::vector<timer_id> const& ids) {
    return ids.empty() ? timer_id() : ids[below(ids.size())];
  }

  // Mostly near, sometimes as far as there are ticks.
  std::uint64_t any_distance() {
    static unsigned const bits[] = {0, 1, 3, 6, 6, 8, 8, 10, 12, 12, 13, 16, 18, 20, 24, 40};
    unsigned const width = below(2000) == 0 ? 64 : bits[below(16)];
    return width == 0 ? 0 : random_() >> (64 - width);
  }

  // Mostly short, so that timers pile up at all distances.
  std::uint64_t any_pause() {
    std::uint64_t const pause = any_distance() & 0xffffffffff;
    return below(1000) == 0 ? pause : pause % 300;
  }

  std::uint64_t forward(std::uint64_t distance) const {
    return distance > last_tick - 1 - elapsed_ ? last_tick - 1 : elapsed_ + distance;
  }

  std::uint64_t any_deadline() {
    std::uint64_t deadline = forward(any_distance());
    unsigned const choice = below(8);
    if (choice < 2 && !model_.empty()) {
      model::const_iterator const near = model_.lower_bound(deadline);
      deadline = near == model_.end() ? model_.rbegin()->first : near->first;
    } else if (choice == 2) {
      deadline = elapsed_ - (elapsed_ < 3 ? 0 : below(3));
    } else if (below(3000) == 0) {
      deadline = last_tick;
    }
    return deadline;
  }

  void insert() {
    std::uint64_t const deadline = any_deadline();
    timer_id const id = wheel_.insert(deadline, next_value_);
    model_.emplace(deadline > elapsed_ ? deadline : elapsed_ + 1, pending_.size());
    pending_.push_back(pending{id, next_value_});
    ++next_value_;
  }

  // Often the earliest, which next_deadline() must notice.
  model::iterator any_pending() {
    model::iterator victim = model_.begin();
    if (below(2) == 0) {
      victim = model_.lower_bound(forward(any_distance()));
      if (victim == model_.end()) {
        --victim;
      }
    }
    return victim;
  }

  // Behind what has the new deadline already, unless it is the one that the timer has.
  void move() {
    if (model_.empty()) {
      return;
    }
    model::iterator const moved = any_pending();
    std::size_t const index = moved->second;
    std::uint64_t const given = below(8) == 0 ? moved->first : any_deadline();
    std::uint64_t const deadline = given > elapsed_ ? given : elapsed_ + 1;
    require(wheel_.move(pending_[index].id, given), "a pending timer can be moved");
    if (deadline != moved->first) {
      model_.erase(moved);
      model_.emplace(deadline, index);
    }
  }

  void erase() {
    if (model_.empty()) {
      return;
    }
    model::iterator const victim = any_pending();
    forget(pending_[victim->second].id);
    require(wheel_.erase(pending_[victim->second].id), "a pending timer can be erased");
    model_.erase(victim);
  }

  void forget(timer_id id) {
    if (stale_.size() < 1000) {
      stale_.push_back(id);
    } else {
      stale_[below(1000)] = id;
    }
  }

  void pop(std::uint64_t now) {
    elapsed_ = now;
    bool more = true;
    while (more) {
      bool const expected = !model_.empty() && model_.begin()->first <= now;
      more = wheel_.pop_due(now, [&](std::uint64_t value) {
        require(expected, "nothing is due before its deadline");
        pending const& first = pending_[model_.begin()->second];
        require(first.value == value, "timers come in order");
        forget(first.id);
        model_.erase(model_.begin());
        unsigned const choice = below(8);
        if (choice == 0) {
          insert();
        } else if (choice == 1) {
          erase();
        } else if (choice == 2) {
          move();
        }
        check();
      });
      require(more == expected, "what is due is taken out");
    }
  }

  void check() {
    require(wheel_.size() == model_.size(), "size");
    require(wheel_.empty() == model_.empty(), "empty");
    require(wheel_.elapsed() == elapsed_, "elapsed");
    std::uint64_t const deadline = wheel_.next_deadline();
    if (model_.size() <= 64) {
      require(deadline == (model_.empty() ? last_tick : model_.begin()->first),
              "the next deadline is exact");
    } else {
      require(deadline <= model_.begin()->first, "the next deadline is never late");
      require(deadline > elapsed_ || deadline == model_.begin()->first,
              "the next deadline makes the owner busy only when something is due");
    }
  }

  wheel_type wheel_;
  model model_;
  std::vector<pending> pending_;
  std::vector<timer_id> stale_;
  std::mt19937_64 random_;
  std::uint64_t elapsed_;
  std::uint64_t next_value_;
  std::size_t most_pending_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(detail_timer_wheel)

BOOST_AUTO_TEST_CASE(the_lowest_and_the_highest_bit_of_a_word_are_found) {
  for (unsigned low = 0; low != 64; ++low) {
    for (unsigned high = low; high != 64; ++high) {
      std::uint64_t const word = (std::uint64_t(1) << low) | (std::uint64_t(1) << high);
      BOOST_REQUIRE_EQUAL(mioext::detail::lowest_bit(word), low);
      BOOST_REQUIRE_EQUAL(mioext::detail::highest_bit(word), high);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_new_wheel_has_nothing_to_wait_for) {
  wheel_type wheel(256, 16);
  BOOST_TEST(wheel.empty());
  BOOST_TEST(wheel.size() == 0u);
  BOOST_TEST(wheel.elapsed() == 0u);
  BOOST_TEST(wheel.next_deadline() == last_tick);
  BOOST_TEST(!wheel.erase(timer_id()));
  BOOST_TEST(!wheel.erase(timer_id(0, 0)));
  BOOST_TEST(count_due(wheel, 1000) == 0u);
  BOOST_TEST(wheel.elapsed() == 1000u);
}

BOOST_AUTO_TEST_CASE(a_timer_is_due_at_its_deadline_and_not_before) {
  for (std::uint64_t deadline = 1; deadline < last_tick / 7; deadline = deadline * 7 + 3) {
    wheel_type wheel(64, 16);
    wheel.insert(deadline, 42);
    BOOST_TEST(wheel.next_deadline() == deadline);
    BOOST_TEST(count_due(wheel, deadline - 1) == 0u);
    BOOST_TEST(wheel.next_deadline() == deadline);
    BOOST_TEST(pop_all(wheel, deadline) == values{42}, boost::test_tools::per_element());
    BOOST_TEST(wheel.empty());
    BOOST_TEST(wheel.next_deadline() == last_tick);
  }
}

BOOST_AUTO_TEST_CASE(timers_come_in_order_of_their_deadlines_and_then_as_they_were_set) {
  wheel_type wheel(64, 16);
  wheel.insert(100000, 7);
  wheel.insert(5, 1);
  wheel.insert(500, 4);
  wheel.insert(70, 3);
  wheel.insert(5, 2);
  wheel.insert(500, 5);
  wheel.insert(501, 6);
  values const expected{1, 2, 3, 4, 5, 6, 7};
  BOOST_TEST(pop_all(wheel, 200000) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(equal_deadlines_keep_their_order_at_whatever_distance_they_were_set) {
  std::uint64_t const deadline = 1000000;
  wheel_type wheel(64, 16);
  values expected;
  for (std::uint64_t now = 0; now < deadline; now += (deadline - now) / 3 + 1) {
    BOOST_TEST(count_due(wheel, now) == 0u);
    wheel.insert(deadline, now);
    expected.push_back(now);
  }
  BOOST_TEST(pop_all(wheel, deadline) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_deadline_that_has_passed_becomes_the_next_tick) {
  wheel_type wheel(256, 16);
  BOOST_TEST(count_due(wheel, 500) == 0u);
  wheel.insert(501, 1);
  wheel.insert(0, 2);
  wheel.insert(500, 3);
  BOOST_TEST(wheel.next_deadline() == 501u);
  BOOST_TEST(count_due(wheel, 500) == 0u);
  values const expected{1, 2, 3};
  BOOST_TEST(pop_all(wheel, 501) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_timer_set_again_while_the_due_ones_are_taken_out_waits_for_the_next_tick) {
  wheel_type wheel(256, 16);
  wheel.insert(10, 1);
  wheel.insert(20, 2);
  unsigned calls = 0;
  std::uint64_t const now = 1000;
  while (wheel.pop_due(now, [&](std::uint64_t value) {
    ++calls;
    BOOST_REQUIRE(calls < 10);
    wheel.insert(0, value);        // at once
    wheel.insert(now, value + 10); // later than what is being taken out, but not than now
  })) {
  }
  BOOST_TEST(calls == 2u);
  BOOST_TEST(count_due(wheel, now) == 0u);
  values const expected{1, 11, 2, 12};
  BOOST_TEST(wheel.next_deadline() == now + 1);
  BOOST_TEST(pop_all(wheel, now + 1) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_clock_that_stands_still_or_goes_back_does_no_harm) {
  wheel_type wheel(256, 16);
  wheel.insert(1010, 1);
  BOOST_TEST(count_due(wheel, 1000) == 0u);
  BOOST_TEST(count_due(wheel, 1000) == 0u);
  BOOST_TEST(count_due(wheel, 3) == 0u);
  BOOST_TEST(wheel.elapsed() == 1000u);
  wheel.insert(4, 2);
  BOOST_TEST(wheel.next_deadline() == 1001u);
  values const expected{2, 1};
  BOOST_TEST(pop_all(wheel, 1010) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_timer_set_as_due_comes_behind_what_is_due_and_before_what_is_not) {
  wheel_type wheel(64, 16);
  wheel.insert(5, 50);
  wheel.insert(300, 3000);
  timer_id const due = wheel.insert_due(10, 100);
  wheel.insert_due(10, 101);
  BOOST_TEST(wheel.next_deadline() <= 10u);
  BOOST_TEST(wheel.elapsed() == 10u);
  BOOST_TEST(wheel.size() == 4u);
  BOOST_TEST(pop_all(wheel, 10) == (values{50, 100, 101}), boost::test_tools::per_element());
  BOOST_TEST(!wheel.erase(due));
  BOOST_TEST(wheel.next_deadline() == 300u);
}

BOOST_AUTO_TEST_CASE(a_timer_set_as_due_can_be_erased) {
  wheel_type wheel(64, 16);
  timer_id const first = wheel.insert_due(0, 1);
  wheel.insert_due(0, 2);
  BOOST_TEST(wheel.erase(first));
  BOOST_TEST(pop_all(wheel, 0) == values{2}, boost::test_tools::per_element());
  BOOST_TEST(wheel.empty());
}

BOOST_AUTO_TEST_CASE(a_value_can_be_found_and_replaced_while_its_timer_is_pending) {
  wheel_type wheel(64, 16);
  timer_id const id = wheel.insert(7, 70);
  BOOST_REQUIRE(wheel.find(id));
  BOOST_TEST(*wheel.find(id) == 70u);
  *wheel.find(id) = 71;
  BOOST_TEST(!wheel.find(timer_id()));
  BOOST_TEST(pop_all(wheel, 7) == values{71}, boost::test_tools::per_element());
  BOOST_TEST(!wheel.find(id));
}

BOOST_AUTO_TEST_CASE(a_wheel_of_which_all_was_taken_works_on) {
  wheel_type wheel(64, 16);
  wheel.insert_due(3, 1);
  for (std::uint64_t const deadline : {5u, 70u, 70u, 5000u, 9000000u}) {
    wheel.insert(deadline, deadline);
  }
  timer_id const last = wheel.insert(last_tick, 2);
  values taken;
  wheel.take_all([&taken](std::uint64_t value) { taken.push_back(value); });
  BOOST_TEST(taken == (values{1, 5, 70, 70, 5000, 9000000, 2}), boost::test_tools::per_element());
  BOOST_TEST(wheel.empty());
  BOOST_TEST(wheel.next_deadline() == last_tick);
  BOOST_TEST(!wheel.erase(last));
  wheel.insert(71, 710);
  wheel.insert(4, 40);
  BOOST_TEST(wheel.next_deadline() == 4u);
  BOOST_TEST(pop_all(wheel, 100) == (values{40, 710}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_erased_timer_is_not_due) {
  wheel_type wheel(64, 16);
  timer_id const near = wheel.insert(10, 1);
  timer_id const middle = wheel.insert(10, 2);
  wheel.insert(10, 3);
  timer_id const far = wheel.insert(100000, 4);
  BOOST_TEST(wheel.erase(middle));
  BOOST_TEST(wheel.erase(far));
  BOOST_TEST(wheel.size() == 2u);
  BOOST_TEST(wheel.erase(near));
  BOOST_TEST(wheel.next_deadline() == 10u);
  BOOST_TEST(pop_all(wheel, 1000000) == values{3}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_stale_id_is_recognised_also_when_its_place_is_used_again) {
  wheel_type wheel(64, 16);
  timer_id const erased = wheel.insert(10, 1);
  BOOST_TEST(wheel.erase(erased));
  BOOST_TEST(!wheel.erase(erased));

  timer_id const fired = wheel.insert(20, 2);
  BOOST_TEST(fired.index == erased.index);
  BOOST_TEST(!wheel.erase(erased));
  BOOST_TEST(count_due(wheel, 20) == 1u);
  BOOST_TEST(!wheel.erase(fired));

  timer_id const pending = wheel.insert(30, 3);
  BOOST_TEST(pending.index == fired.index);
  BOOST_TEST(!wheel.erase(erased));
  BOOST_TEST(!wheel.erase(fired));
  BOOST_TEST(wheel.size() == 1u);
  BOOST_TEST(wheel.erase(pending));
}

BOOST_AUTO_TEST_CASE(a_timer_is_no_longer_pending_while_it_is_received) {
  wheel_type wheel(64, 16);
  timer_id const id = wheel.insert(10, 1);
  wheel.pop_due(10, [&](std::uint64_t) {
    BOOST_TEST(wheel.empty());
    BOOST_TEST(!wheel.erase(id));
  });
}

BOOST_AUTO_TEST_CASE(due_timers_can_be_erased_until_they_are_taken_out) {
  wheel_type wheel(64, 16);
  std::vector<timer_id> ids;
  for (std::uint64_t value = 0; value != 6; ++value) {
    ids.push_back(wheel.insert(10 + 40 * value, value));
  }
  values received;
  while (wheel.pop_due(1000, [&](std::uint64_t value) {
    received.push_back(value);
    if (value == 0) {
      BOOST_TEST(wheel.erase(ids[1])); // the first one left
      BOOST_TEST(wheel.erase(ids[3])); // one in the middle
      BOOST_TEST(wheel.erase(ids[5])); // the last one
      BOOST_TEST(!wheel.erase(ids[5]));
      BOOST_TEST(wheel.size() == 2u);
    }
  })) {
  }
  values const expected{0, 2, 4};
  BOOST_TEST(received == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_moved_timer_keeps_its_id_and_comes_behind_those_of_its_new_deadline) {
  wheel_type wheel(64, 10);
  timer_id const moved = wheel.insert(1000, 1);
  wheel.insert(10, 2);
  wheel.insert(5000, 3);
  BOOST_TEST(wheel.move(moved, 10)); // earlier
  wheel.insert(10, 4);
  BOOST_TEST(wheel.size() == 4u);
  BOOST_TEST(pop_all(wheel, 9) == values(), boost::test_tools::per_element());
  BOOST_TEST(wheel.move(moved, 5000)); // later
  BOOST_TEST(pop_all(wheel, 4999) == (values{2, 4}), boost::test_tools::per_element());
  BOOST_TEST(wheel.next_deadline() == 5000u);
  BOOST_TEST(wheel.move(moved, 5000)); // not at all
  BOOST_TEST(pop_all(wheel, 5000) == (values{3, 1}), boost::test_tools::per_element());
  BOOST_TEST(!wheel.move(moved, 6000));
  BOOST_TEST(!wheel.move(timer_id(), 6000));
  BOOST_TEST(wheel.empty());
}

BOOST_AUTO_TEST_CASE(a_timer_moved_to_the_deadline_that_it_has_keeps_its_place) {
  wheel_type wheel(64, 10);
  timer_id const first = wheel.insert(100, 1);
  wheel.insert(100, 2);
  BOOST_TEST(wheel.move(first, 100));
  BOOST_TEST(pop_all(wheel, 100) == (values{1, 2}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_due_timer_that_is_moved_before_it_is_taken_out_is_late_again) {
  wheel_type wheel(64, 10);
  timer_id ids[4];
  for (std::uint64_t value = 0; value != 4; ++value) {
    ids[value] = wheel.insert(10, value);
  }
  values received;
  while (wheel.pop_due(20, [&](std::uint64_t value) {
    received.push_back(value);
    if (value == 0) {
      BOOST_TEST(!wheel.move(ids[0], 30)); // itself
      BOOST_TEST(wheel.move(ids[1], 30));
      BOOST_TEST(wheel.move(ids[3], 5)); // which has passed
    }
  })) {
  }
  BOOST_TEST(received == (values{0, 2}), boost::test_tools::per_element());
  BOOST_TEST(wheel.next_deadline() == 21u);
  BOOST_TEST(pop_all(wheel, 30) == (values{3, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_exception_leaves_the_other_due_timers_for_the_next_call) {
  wheel_type wheel(64, 16);
  wheel.insert(10, 1);
  wheel.insert(500, 2);
  wheel.insert(100000, 3);
  BOOST_CHECK_THROW(
      wheel.pop_due(1000, [](std::uint64_t) { throw std::runtime_error("received"); }),
      std::runtime_error);
  BOOST_TEST(wheel.size() == 2u);
  BOOST_TEST(wheel.next_deadline() == 500u);
  BOOST_TEST(pop_all(wheel, 1000) == values{2}, boost::test_tools::per_element());
  BOOST_TEST(wheel.next_deadline() == 100000u);
}

BOOST_AUTO_TEST_CASE(due_timers_can_be_taken_out_from_within_with_a_later_tick) {
  wheel_type wheel(64, 16);
  for (std::uint64_t deadline = 10; deadline <= 60; deadline += 10) {
    wheel.insert(deadline, deadline);
  }
  values inner;
  values outer;
  while (wheel.pop_due(30, [&](std::uint64_t value) {
    outer.push_back(value);
    if (value == 10) {
      wheel.pop_due(50, [&](std::uint64_t next) { inner.push_back(next); });
    }
  })) {
  }
  values const expected_outer{10, 30};
  values const expected_rest{40, 50};
  BOOST_TEST(inner == values{20}, boost::test_tools::per_element());
  BOOST_TEST(outer == expected_outer, boost::test_tools::per_element());
  BOOST_TEST(wheel.next_deadline() == 40u);
  BOOST_TEST(pop_all(wheel, 50) == expected_rest, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_owner_that_sleeps_until_the_next_deadline_wakes_for_timers_only) {
  wheel_type wheel(64, 16);
  std::mt19937_64 random(1);
  std::map<std::uint64_t, std::size_t> expected;
  for (unsigned i = 0; i != 5000; ++i) {
    std::uint64_t const deadline = 1 + (random() >> (24 + random() % 40));
    wheel.insert(deadline, i);
    ++expected[deadline];
  }
  for (std::pair<std::uint64_t const, std::size_t> const& due : expected) {
    BOOST_REQUIRE_EQUAL(wheel.next_deadline(), due.first);
    BOOST_REQUIRE_EQUAL(count_due(wheel, due.first), due.second);
  }
  BOOST_TEST(wheel.empty());
}

BOOST_AUTO_TEST_CASE(the_next_deadline_is_exact_after_the_earliest_of_a_few_was_erased) {
  wheel_type wheel(64, 200);
  std::vector<timer_id> ids;
  for (std::uint64_t i = 0; i != 65; ++i) {
    ids.push_back(wheel.insert(64 * 64 + 40 * i + 7, i)); // all in one slot of the third level
  }
  for (std::uint64_t i = 0; i != 64; ++i) {
    BOOST_TEST(wheel.erase(ids[static_cast<std::size_t>(i)]));
    BOOST_REQUIRE_EQUAL(wheel.next_deadline(), 64 * 64 + 40 * (i + 1) + 7);
  }
}

BOOST_AUTO_TEST_CASE(the_next_deadline_is_early_once_after_the_earliest_of_many_was_erased) {
  wheel_type wheel(64, 200);
  timer_id const earliest = wheel.insert(64 * 64 + 7, 0);
  for (std::uint64_t i = 1; i != 70; ++i) {
    wheel.insert(64 * 64 + 40 * i + 7, i);
  }
  BOOST_TEST(wheel.next_deadline() == 64 * 64 + 7u);
  BOOST_TEST(wheel.erase(earliest));
  BOOST_TEST(wheel.next_deadline() == 64 * 64u);
  BOOST_TEST(count_due(wheel, 64 * 64) == 0u);
  BOOST_TEST(wheel.next_deadline() == 64 * 64 + 40 + 7u);
  BOOST_TEST(count_due(wheel, 64 * 64 + 40 + 7) == 1u);
}

BOOST_AUTO_TEST_CASE(a_deadline_may_be_years_away) {
  std::uint64_t const year = std::uint64_t(365) * 24 * 3600 * 1000; // of milliseconds
  wheel_type wheel(256, 16);
  wheel.insert(last_tick, 4);
  wheel.insert(last_tick - 1, 3);
  wheel.insert(100 * year, 2);
  wheel.insert(year, 1);
  BOOST_TEST(wheel.next_deadline() == year);
  BOOST_TEST(pop_all(wheel, year) == values{1}, boost::test_tools::per_element());
  BOOST_TEST(wheel.next_deadline() == 100 * year);
  BOOST_TEST(count_due(wheel, 100 * year - 1) == 0u);
  BOOST_TEST(pop_all(wheel, 100 * year) == values{2}, boost::test_tools::per_element());
  BOOST_TEST(wheel.next_deadline() == last_tick - 1);
  BOOST_TEST(pop_all(wheel, last_tick - 1) == values{3}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_last_tick_is_never_reached) {
  wheel_type wheel(256, 16);
  timer_id const id = wheel.insert(last_tick, 1);
  BOOST_TEST(wheel.next_deadline() == last_tick);
  BOOST_TEST(count_due(wheel, last_tick) == 0u);
  BOOST_TEST(wheel.elapsed() == last_tick - 1);
  wheel.insert(0, 2);
  BOOST_TEST(count_due(wheel, last_tick) == 0u);
  BOOST_TEST(wheel.size() == 2u);
  BOOST_TEST(wheel.erase(id));
  BOOST_TEST(!wheel.erase(id));
}

BOOST_AUTO_TEST_CASE(a_jump_over_many_ticks_finds_everything_in_order) {
  for (std::size_t slots_per_level = 64; slots_per_level <= 4096; slots_per_level *= 2) {
    wheel_type wheel(slots_per_level, 64);
    values expected;
    for (unsigned bit = 0; bit != 63; ++bit) {
      expected.push_back(std::uint64_t(1) << bit);
    }
    for (std::size_t i = expected.size(); i != 0; --i) {
      wheel.insert(expected[i - 1], expected[i - 1]);
    }
    BOOST_TEST(pop_all(wheel, last_tick) == expected, boost::test_tools::per_element());
    BOOST_TEST(wheel.empty());
  }
}

BOOST_AUTO_TEST_CASE(ten_thousand_timers_in_one_tick_are_taken_out_as_they_were_set) {
  wheel_type wheel(256, 16);
  values expected;
  for (std::uint64_t value = 0; value != 10000; ++value) {
    wheel.insert(54321, value);
    expected.push_back(value);
  }
  BOOST_TEST(wheel.next_deadline() == 54321u);
  BOOST_TEST(count_due(wheel, 54320) == 0u);
  BOOST_TEST((pop_all(wheel, 54321) == expected));
}

#ifndef MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS
BOOST_AUTO_TEST_CASE(nothing_is_allocated_before_the_first_timer_and_up_to_the_capacity) {
  std::size_t const before = allocations;
  wheel_type wheel(256, 1000);
  BOOST_TEST(wheel.next_deadline() == last_tick);
  BOOST_TEST(!wheel.pop_due(100, [](std::uint64_t) {}));
  BOOST_TEST(allocations == before);

  timer_id const first = wheel.insert(200, 0);
  BOOST_TEST(allocations != before);
  std::size_t const reserved = allocations;
  std::size_t received = 0;
  for (std::uint64_t round = 0; round != 20; ++round) {
    while (wheel.size() != 1000) {
      wheel.insert(wheel.elapsed() + wheel.size() * 977 % 100000, 0);
    }
    while (wheel.pop_due(wheel.elapsed() + 30000, [&](std::uint64_t) { ++received; })) {
      if (wheel.size() < 300) {
        break;
      }
    }
    wheel.move(first, round * 7919); // the wheel may be full
    wheel.erase(first);
  }
  std::size_t const after = allocations;
  BOOST_TEST(received > 5000u);
  BOOST_TEST(after == reserved);
}

BOOST_AUTO_TEST_CASE(memory_is_reserved_as_documented) {
  struct expectation {
    std::size_t slots_per_level;
    std::size_t bytes;
  };
  // Sixteen bytes per slot and one bit to find it.
  expectation const expectations[] = {
      {0, (10 * 64 + 16) * 16 + 11 * 8},          {64, (10 * 64 + 16) * 16 + 11 * 8},
      {65, (9 * 128 + 2) * 16 + 9 * 16 + 8},      {256, 8 * 256 * 16 + 8 * 32},
      {4096, (5 * 4096 + 16) * 16 + 5 * 512 + 8}, {1000000, (5 * 4096 + 16) * 16 + 5 * 512 + 8},
  };
  for (expectation const& expected : expectations) {
    wheel_type wheel(expected.slots_per_level, 100);
    std::size_t const before = allocated_bytes;
    wheel.insert(1, 0);
    BOOST_TEST(allocated_bytes - before == expected.bytes + 100 * 32);
  }
}
#endif // MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS

BOOST_AUTO_TEST_CASE(a_wheel_grows_past_its_capacity) {
  wheel_type wheel(256, 2);
  std::vector<timer_id> ids;
  for (std::uint64_t value = 0; value != 1000; ++value) {
    ids.push_back(wheel.insert(1000 - value, value));
  }
  BOOST_TEST(wheel.size() == 1000u);
  BOOST_TEST(wheel.erase(ids[0]));
  BOOST_TEST(wheel.erase(ids[999]));
  BOOST_TEST(wheel.next_deadline() == 2u);
  BOOST_TEST(count_due(wheel, 2000) == 998u);
}

BOOST_AUTO_TEST_CASE(a_wheel_without_capacity_grows_from_nothing) {
  wheel_type wheel(64, 0);
  wheel.insert(7, 1);
  wheel.insert(6, 2);
  values const expected{2, 1};
  BOOST_TEST(pop_all(wheel, 7) == expected, boost::test_tools::per_element());
}

#ifndef MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS
BOOST_AUTO_TEST_CASE(a_failed_allocation_leaves_the_wheel_as_it_was) {
  wheel_type wheel(64, 2);
  auto const insert_fails = [&] {
    bool failed = false;
    allocation_fails = true;
    try {
      wheel.insert(5, 9);
    } catch (std::bad_alloc const&) {
      failed = true;
    }
    allocation_fails = false;
    return failed;
  };
  BOOST_TEST(insert_fails());
  BOOST_TEST(wheel.empty());
  BOOST_TEST(wheel.next_deadline() == last_tick);
  timer_id const first = wheel.insert(10, 1);
  wheel.insert(20, 2);
  BOOST_TEST(insert_fails());
  BOOST_TEST(wheel.size() == 2u);
  BOOST_TEST(wheel.next_deadline() == 10u);
  BOOST_TEST(wheel.erase(first));
  BOOST_TEST(pop_all(wheel, 100) == values{2}, boost::test_tools::per_element());
}
#endif // MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS

BOOST_AUTO_TEST_CASE(a_value_needs_no_default_constructor) {
  struct place {
    explicit place(int n) : number(n) {}
    int number;
  };
  mioext::detail::timer_wheel<place> wheel(64, 1);
  wheel.insert(2, place(7));
  wheel.insert(1, place(6));
  int received = 0;
  while (wheel.pop_due(5, [&](place const& value) { received = received * 10 + value.number; })) {
  }
  BOOST_TEST(received == 67);
}

BOOST_AUTO_TEST_CASE(a_wheel_of_64_slots_behaves_like_a_sorted_map) {
  comparison both(64, 0, 1);
  both.run(1500000);
  BOOST_TEST(both.most_pending() > 500u);
}

BOOST_AUTO_TEST_CASE(a_wheel_of_256_slots_behaves_like_a_sorted_map) {
  comparison both(256, 0, 2);
  both.run(1500000);
  BOOST_TEST(both.most_pending() > 500u);
}

BOOST_AUTO_TEST_CASE(a_wheel_of_4096_slots_behaves_like_a_sorted_map) {
  comparison both(4096, 0, 3);
  both.run(1500000);
  BOOST_TEST(both.most_pending() > 500u);
}

BOOST_AUTO_TEST_CASE(a_wheel_behaves_like_a_sorted_map_wherever_its_clock_stands) {
  for (unsigned seed = 0; seed != 60; ++seed) {
    std::size_t const slots_per_level = std::size_t(64) << (seed % 7);
    std::uint64_t const digit = std::uint64_t(1) << (seed + 4);
    comparison both(slots_per_level, digit - 3, seed);
    both.run(8000);
    BOOST_TEST(both.most_pending() > 64u);
  }
  comparison at_the_end(256, last_tick - 5000, 4);
  at_the_end.run(20000);
  BOOST_TEST(at_the_end.most_pending() > 64u);
}

BOOST_AUTO_TEST_SUITE_END()
