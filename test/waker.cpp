//
// test/waker.cpp
// --------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The waker: every wake is seen by a poll, whoever made it and whenever.
//

#include <mioext/waker.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <mioext/poller.hpp>

#include "handles.hpp"
#include "systems.hpp"

namespace errc = boost::system::errc;
using boost::system::error_code;
using mioext::token;
using mioext::waker;

namespace {

token const name(3);
std::chrono::seconds const no_time(0);
std::chrono::seconds const a_while(30); // a broken build shall fail and not hang

error_code old_error() { return errc::make_error_code(errc::address_in_use); }

} // namespace

BOOST_AUTO_TEST_SUITE(wakers)

BOOST_AUTO_TEST_CASE(a_waker_is_move_only) {
  static_assert(!std::is_copy_constructible<waker>::value, "");
  static_assert(!std::is_copy_assignable<waker>::value, "");
  static_assert(std::is_nothrow_move_constructible<waker>::value, "");
  static_assert(std::is_nothrow_move_assignable<waker>::value, "");
  mioext::poller poller;
  error_code ec = old_error();
  waker const made(poller.registry(), name, ec);
  BOOST_TEST(!ec);
  ec = old_error();
  made.wake(ec);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(nothing_is_reported_before_a_wake) {
  mioext::poller poller;
  mioext::events events(4);
  waker const silent(poller.registry(), name);
  BOOST_TEST(poller.poll(events, no_time) == 0u);
}

BOOST_AUTO_TEST_CASE(a_wake_before_the_poll_is_reported_by_it) {
  mioext::poller poller;
  mioext::events events(4);
  waker const waker(poller.registry(), name);
  waker.wake();
  BOOST_TEST(poller.poll(events) == 1u);
  BOOST_TEST(events[0].token() == name);
  BOOST_TEST(events[0].is_readable());
  BOOST_TEST(!events[0].is_writable());
  BOOST_TEST(!events[0].is_error());
  BOOST_TEST(poller.poll(events, no_time) == 0u);
}

BOOST_AUTO_TEST_CASE(it_needs_no_reading_and_no_rearming) {
  mioext::poller poller;
  mioext::events events(4);
  waker const waker(poller.registry(), name);
  for (int round = 0; round != 1000; ++round) {
    waker.wake();
    BOOST_REQUIRE(poller.poll(events, no_time) == 1u);
    BOOST_REQUIRE(poller.poll(events, no_time) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(many_wakes_may_be_one_event) {
  mioext::poller poller;
  mioext::events events(4);
  waker const waker(poller.registry(), name);
  for (int count = 0; count != 1000; ++count) {
    waker.wake();
  }
  BOOST_TEST(poller.poll(events) == 1u);
  BOOST_TEST(poller.poll(events, no_time) == 0u);
}

BOOST_AUTO_TEST_CASE(a_wake_from_another_thread_ends_a_poll_without_limit) {
  mioext::poller poller;
  mioext::events events(4);
  waker const waker(poller.registry(), name);
  for (int round = 0; round != 100; ++round) {
    std::thread other([&] { waker.wake(); });
    std::size_t const count = poller.poll(events);
    other.join();
    BOOST_REQUIRE(count == 1u);
    BOOST_REQUIRE(events[0].token() == name);
  }
}

BOOST_AUTO_TEST_CASE(a_wake_ends_a_poll_with_the_longest_limit) {
  mioext::poller poller;
  mioext::events events(4);
  waker const waker(poller.registry(), name);
  std::thread other([&] { waker.wake(); });
  BOOST_TEST(poller.poll(events, std::chrono::hours::max()) == 1u);
  other.join();
}

BOOST_AUTO_TEST_CASE(no_wake_is_lost_when_many_threads_wake) {
  int const threads = 4;
  int const wakes = 2000;
  mioext::poller poller;
  mioext::events events(4);
  waker const waker(poller.registry(), name);
  std::atomic<int> made(0);
  std::vector<std::thread> wakers;
  for (int index = 0; index != threads; ++index) {
    wakers.emplace_back([&] {
      for (int count = 0; count != wakes; ++count) {
        ++made;
        waker.wake();
      }
    });
  }
  // A wake that got lost leaves the count short with nothing left to wait for.
  std::size_t polls = 0;
  bool timed_out = false;
  while (made != threads * wakes && !timed_out) {
    timed_out = poller.poll(events, a_while) == 0;
    ++polls;
  }
  for (std::thread& thread : wakers) {
    thread.join();
  }
  BOOST_TEST(!timed_out);
  BOOST_TEST(polls <= static_cast<std::size_t>(threads * wakes));
}

// One thread waits for each answer of the other: a single lost wake stops both.
BOOST_AUTO_TEST_CASE(two_threads_can_wake_one_another_in_turns) {
  int const rounds = 2000;
  mioext::poller near;
  mioext::poller far;
  waker const wake_near(near.registry(), token(1));
  waker const wake_far(far.registry(), token(2));
  std::atomic<int> answered(0);
  std::thread other([&] {
    mioext::events events(1);
    for (int round = 0; round != rounds && far.poll(events, a_while) == 1; ++round) {
      ++answered;
      wake_near.wake();
    }
  });
  mioext::events events(1);
  int round = 0;
  while (round != rounds) {
    wake_far.wake();
    if (near.poll(events, a_while) != 1) {
      break;
    }
    ++round;
    if (answered != round) {
      break;
    }
  }
  other.join();
  BOOST_TEST(round == rounds);
}

// Relaxed: the order comes from wake() alone. Atomic at all only for ThreadSanitizer, which does
// not know that an event comes after the write to its eventfd.
BOOST_AUTO_TEST_CASE(what_was_written_before_the_wake_is_seen_after_the_event) {
  mioext::poller poller;
  mioext::events events(1);
  waker const waker(poller.registry(), name);
  for (int round = 1; round <= 200; ++round) {
    std::atomic<int> written(0);
    std::thread other([&] {
      written.store(round, std::memory_order_relaxed);
      waker.wake();
    });
    poller.poll(events);
    int const seen = written.load(std::memory_order_relaxed);
    other.join();
    BOOST_REQUIRE(seen == round);
  }
}

BOOST_AUTO_TEST_CASE(several_wakers_are_told_apart_by_their_tokens) {
  mioext::poller poller;
  mioext::events events(4);
  waker const first(poller.registry(), token(1));
  waker const second(poller.registry(), token(2));
  second.wake();
  BOOST_TEST(poller.poll(events) == 1u);
  BOOST_TEST(events[0].token() == token(2));
  first.wake();
  BOOST_TEST(poller.poll(events) == 1u);
  BOOST_TEST(events[0].token() == token(1));
  first.wake();
  second.wake();
  BOOST_TEST(poller.poll(events) == 2u);
}

BOOST_AUTO_TEST_CASE(two_wakers_may_have_one_token) {
  mioext::poller poller;
  mioext::events events(4);
  waker const first(poller.registry(), name);
  waker const second(poller.registry(), name);
  first.wake();
  second.wake();
  BOOST_TEST(poller.poll(events) == 2u);
  BOOST_TEST(events[0].token() == name);
  BOOST_TEST(events[1].token() == name);
}

BOOST_AUTO_TEST_CASE(a_moved_waker_wakes_as_before) {
  mioext::poller poller;
  mioext::events events(4);
  waker source(poller.registry(), name);
  waker target(std::move(source));
  target.wake();
  BOOST_TEST(poller.poll(events) == 1u);
  BOOST_TEST(events[0].token() == name);

  error_code ec;
  source.wake(ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
  BOOST_TEST(test::error_of([&] { source.wake(); }) == errc::bad_file_descriptor);

  source = std::move(target);
  source.wake();
  BOOST_TEST(poller.poll(events) == 1u);
  source.wake(ec);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(a_wake_is_kept_when_its_waker_moves) {
  mioext::poller poller;
  mioext::events events(4);
  waker source(poller.registry(), name);
  source.wake();
  waker const target(std::move(source));
  BOOST_TEST(poller.poll(events) == 1u);
}

BOOST_AUTO_TEST_CASE(a_destroyed_waker_is_deregistered) {
  mioext::poller poller;
  mioext::events events(4);
  std::size_t const before = test::open_descriptors();
  {
    waker const gone(poller.registry(), token(1));
    gone.wake();
  }
  BOOST_TEST(poller.poll(events, no_time) == 0u);
  BOOST_TEST(test::open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(an_assigned_waker_deregisters_what_it_was) {
  mioext::poller poller;
  mioext::events events(4);
  waker assigned(poller.registry(), token(1));
  assigned.wake();
  assigned = waker(poller.registry(), token(2));
  BOOST_TEST(poller.poll(events, no_time) == 0u);
  assigned.wake();
  BOOST_TEST(poller.poll(events, no_time) == 1u);
  BOOST_TEST(events[0].token() == token(2));
}

BOOST_AUTO_TEST_CASE(a_waker_may_outlive_its_poller) {
  std::unique_ptr<mioext::poller> poller(new mioext::poller);
  waker const waker(poller->registry(), name);
  poller.reset();
  error_code ec = old_error();
  waker.wake(ec);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(a_waker_follows_a_poller_that_moves) {
  mioext::poller source;
  mioext::events events(4);
  waker const waker(source.registry(), name);
  mioext::poller target(std::move(source));
  waker.wake();
  BOOST_TEST(target.poll(events) == 1u);
}

BOOST_AUTO_TEST_CASE(a_poller_that_was_moved_from_gets_no_waker) {
  mioext::poller poller;
  mioext::poller const taken(std::move(poller));
  std::size_t const before = test::open_descriptors();
  BOOST_TEST(test::error_of([&] { waker(poller.registry(), name); }) == errc::bad_file_descriptor);
  error_code ec;
  waker const none(poller.registry(), name, ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
  BOOST_TEST(test::open_descriptors() == before);
  ec.clear();
  none.wake(ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
}

BOOST_AUTO_TEST_CASE(without_descriptors_left_there_is_no_waker,
                     *test::needs_epoll("kqueue needs no descriptor for a waker")) {
  mioext::poller poller;
  error_code ec;
  std::unique_ptr<waker> none;
  {
    test::no_descriptors_left const left;
    none.reset(new waker(poller.registry(), name, ec));
  }
  BOOST_TEST(ec == errc::too_many_files_open);
  none->wake(ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
}

BOOST_AUTO_TEST_SUITE_END()
