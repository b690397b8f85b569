//
// test/detail_optional_mutex.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A mutex that locks nothing where that is needless, and everything where it is not.
//

#include <atomic>
#include <mutex>
#include <thread>

#include <boost/test/unit_test.hpp>

#include <mioext/detail/async/optional_mutex.hpp>

#include "child.hpp"

BOOST_AUTO_TEST_SUITE(detail_optional_mutex)

namespace {

using mioext::detail::is_only_thread;
using mioext::detail::optional_mutex;

/// Whether another thread waits while this one has the lock. Two who do not exclude each other count too
/// little, sooner or later; and a sanitizer says so at once.
bool excludes(optional_mutex& mutex) {
  int count = 0;
  std::atomic<int> arrived(0);
  auto const work = [&] {
    ++arrived;
    while (arrived != 2) {
      std::this_thread::yield();
    }
    for (int left = 100000; left != 0; --left) {
      std::lock_guard<optional_mutex> const lock(mutex);
      int volatile& seen = count;
      seen = seen + 1;
    }
  };
  std::thread other(work);
  work();
  other.join();
  return count == 200000;
}

} // namespace

// These two are the first, and in children, because whoever has had a thread may not be spared again.

BOOST_AUTO_TEST_CASE(two_threads_exclude_each_other_also_if_one_of_them_was_alone_before) {
  BOOST_TEST(test::in_child([] {
               optional_mutex mutex;
               mutex.lock(); // most likely spared
               mutex.unlock();
               return excludes(mutex) ? 0 : 1;
             }) == 0);
}

BOOST_AUTO_TEST_CASE(a_thread_that_is_begun_while_it_is_locked_waits) {
  BOOST_TEST(test::in_child([] {
               optional_mutex mutex;
               int written = 0;
               std::atomic<bool> has_begun(false);
               std::atomic<bool> is_through(false);
               std::unique_lock<optional_mutex> lock(mutex); // most likely spared
               int seen = 0;
               std::thread other([&] {
                 has_begun = true;
                 std::lock_guard<optional_mutex> const own(mutex);
                 seen = written;
                 is_through = true;
               });
               while (!has_begun) {
                 std::this_thread::yield();
               }
               for (int left = 1000; left != 0; --left) {
                 std::this_thread::yield();
               }
               bool const was_early = is_through;
               written = 1;
               lock.unlock();
               other.join();
               return !was_early && seen == 1 && excludes(mutex) ? 0 : 1;
             }) == 0);
}

BOOST_AUTO_TEST_CASE(a_thread_with_another_one_beside_it_is_not_the_only_one) {
  std::atomic<bool> may_end(false);
  std::atomic<bool> believes_so(false);
  std::thread other([&] {
    believes_so = is_only_thread();
    while (!may_end) {
      std::this_thread::yield();
    }
  });
  BOOST_TEST(!is_only_thread());
  may_end = true;
  other.join();
  BOOST_TEST(!believes_so);
}

BOOST_AUTO_TEST_CASE(one_that_is_disabled_locks_nothing) {
  optional_mutex mutex;
  mutex.disable();
  std::atomic<bool> is_through(false);
  mutex.lock();
  std::thread([&] { // would wait for ever
    mutex.lock();
    mutex.unlock();
    is_through = true;
  })
      .join();
  mutex.unlock();
  BOOST_TEST(is_through);
}

BOOST_AUTO_TEST_SUITE_END()
