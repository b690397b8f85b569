//
// test/detail_small_mutex.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <mioext/detail/async/small_mutex.hpp>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <thread>
#include <vector>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(detail_small_mutex)

using mioext::detail::small_mutex;

BOOST_AUTO_TEST_CASE(many_threads_exclude_each_other) {
  constexpr int thread_count = 8, times = 20000;
  small_mutex mutex;
  int count = 0; // two at a time count too little, and a sanitizer says so at once
  std::vector<std::thread> threads;
  for (int index = 0; index != thread_count; ++index) {
    threads.emplace_back([&] {
      for (int left = times; left != 0; --left) {
        std::lock_guard<small_mutex> const lock(mutex);
        int volatile& seen = count;
        seen = seen + 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  BOOST_TEST(count == thread_count * times);
}

// None stays asleep: each is woken by the one that was there before.
BOOST_AUTO_TEST_CASE(all_that_wait_for_a_long_time_get_their_turn) {
  constexpr int thread_count = 4;
  small_mutex mutex;
  std::atomic<int> arrived(0);
  std::atomic<int> through(0);
  std::atomic<int> spoilt(0); // errno
  std::vector<std::thread> threads;
  mutex.lock();
  for (int index = 0; index != thread_count; ++index) {
    threads.emplace_back([&] {
      errno = ENOTTY;
      ++arrived;
      mutex.lock();
      ++through;
      mutex.unlock();
      if (errno != ENOTTY) {
        ++spoilt;
      }
    });
  }
  while (arrived != thread_count) {
    std::this_thread::yield();
  }
  for (int left = 1000; left != 0; --left) {
    std::this_thread::yield(); // most likely they sleep now
  }
  BOOST_TEST(through == 0);
  mutex.unlock();
  for (std::thread& thread : threads) {
    thread.join();
  }
  BOOST_TEST(through == thread_count);
  BOOST_TEST(spoilt == 0);
}

BOOST_AUTO_TEST_SUITE_END()
