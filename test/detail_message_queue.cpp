//
// test/detail_message_queue.cpp
// -----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Checks the message queue in one thread, and with many producers (run it under ThreadSanitizer).
//

#include <mioext/detail/event_loop/message_queue.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "child.hpp"

// clang links its sanitizers' operator new into the program and accepts no other; and that one
// ends the program when too much is asked for.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS
#endif
#endif

#ifndef MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS
namespace {

std::atomic<std::size_t> allocations(0);

} // namespace

// Not inlined, because gcc would see only one of a pair and warn that they do not match.
[[gnu::noinline]] void* operator new(std::size_t size) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif // MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS

namespace {

using mioext::detail::message_queue;

bool push(message_queue<int>& queue, int value) { return queue.try_push(std::move(value)); }

// The next message, or -1.
int pop(message_queue<int>& queue) {
  int result = -1;
  queue.try_pop([&](int&& value) { result = value; });
  return result;
}

// Counts how many of its kind exist, those that were moved from included.
class counted {
public:
  explicit counted(int& alive) noexcept : alive_(alive) { ++alive_; }
  counted(counted&& other) noexcept : alive_(other.alive_) { ++alive_; }
  counted(counted const&) = delete;
  counted& operator=(counted const&) = delete;
  ~counted() { --alive_; }

private:
  int& alive_;
};

struct numbered {
  unsigned producer;
  std::uint32_t number;
};

// Takes what any producer sends and checks that each one's messages come in order.
class order_check {
public:
  explicit order_check(unsigned producers) : next_(producers, 0), received_(0) {}

  void operator()(numbered const& message) {
    if (message.number != next_[message.producer]) {
      BOOST_FAIL("a message was lost, doubled or overtaken");
    }
    ++next_[message.producer];
    ++received_;
  }

  std::size_t received() const { return received_; }

private:
  std::vector<std::uint32_t> next_;
  std::size_t received_;
};

// Threads that push `count` numbered messages each by calling `send`; joined at the end.
class producers {
public:
  template <class Send> producers(unsigned threads, std::uint32_t count, Send send) {
    for (unsigned producer = 0; producer != threads; ++producer) {
      threads_.emplace_back([=] {
        for (std::uint32_t number = 0; number != count; ++number) {
          send(numbered{producer, number});
        }
      });
    }
  }

  ~producers() {
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

private:
  std::vector<std::thread> threads_;
};

constexpr unsigned producer_threads = 4;

void pass_messages(std::size_t capacity, std::uint32_t messages_each) {
  message_queue<numbered> queue(capacity);
  order_check check(producer_threads);
  {
    producers sending(producer_threads, messages_each, [&](numbered message) {
      while (!queue.try_push(std::move(message))) {
        std::this_thread::yield();
      }
    });
    while (check.received() != producer_threads * messages_each) {
      if (!queue.try_pop([&](numbered&& message) { check(message); })) {
        std::this_thread::yield();
      }
    }
  }
  BOOST_TEST(queue.empty());
}

} // namespace

BOOST_AUTO_TEST_SUITE(detail_message_queue)

BOOST_AUTO_TEST_CASE(a_new_queue_is_empty) {
  message_queue<int> queue(4);
  BOOST_TEST(queue.empty());
  BOOST_TEST(pop(queue) == -1);
}

BOOST_AUTO_TEST_CASE(messages_come_out_in_the_order_in_which_they_went_in) {
  message_queue<int> queue(4);
  BOOST_TEST(push(queue, 1));
  BOOST_TEST(push(queue, 2));
  BOOST_TEST(push(queue, 3));
  BOOST_TEST(!queue.empty());
  BOOST_TEST(pop(queue) == 1);
  BOOST_TEST(pop(queue) == 2);
  BOOST_TEST(pop(queue) == 3);
  BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(exactly_as_many_messages_fit_as_were_asked_for_however_often_it_goes_round) {
  for (std::size_t capacity : {1u, 2u, 3u, 4u, 5u, 7u, 8u, 9u, 1000u, 1023u, 1024u, 1025u}) {
    message_queue<int> queue(capacity);
    BOOST_TEST(queue.capacity() == capacity);
    int pushed = 0;
    int popped = 0;
    for (std::size_t round = 0; round != 100; ++round) {
      while (push(queue, pushed)) {
        ++pushed;
      }
      BOOST_REQUIRE_EQUAL(static_cast<std::size_t>(pushed - popped), capacity);
      BOOST_REQUIRE_EQUAL(pop(queue), popped);
      ++popped;
      BOOST_REQUIRE(push(queue, pushed)); // one out, exactly one in
      ++pushed;
      BOOST_REQUIRE(!push(queue, pushed));
      for (std::size_t taken = 0; taken != round * 7 % capacity + 1; ++taken) {
        BOOST_REQUIRE_EQUAL(pop(queue), popped);
        ++popped;
      }
    }
    while (popped != pushed) {
      BOOST_REQUIRE_EQUAL(pop(queue), popped);
      ++popped;
    }
    BOOST_TEST(queue.empty());
    BOOST_TEST(pop(queue) == -1);
  }
}

BOOST_AUTO_TEST_CASE(any_mixture_of_pushing_and_taking_is_that_of_a_plain_queue) {
  std::uint32_t random = 1;
  for (std::size_t capacity = 1; capacity != 40; ++capacity) {
    message_queue<int> queue(capacity);
    int pushed = 0;
    int popped = 0;
    for (unsigned step = 0; step != 5000; ++step) {
      random = random * 1664525u + 1013904223u;
      // Long runs of either kind, so that the queue is often full and often empty.
      if (((random >> 20) % 64 < 20) != ((step / 97) % 2 == 0)) {
        bool const fits = static_cast<std::size_t>(pushed - popped) < capacity;
        BOOST_REQUIRE_EQUAL(push(queue, pushed), fits);
        pushed += fits ? 1 : 0;
      } else {
        BOOST_REQUIRE_EQUAL(queue.empty(), pushed == popped);
        BOOST_REQUIRE_EQUAL(pop(queue), pushed == popped ? -1 : popped);
        popped += pushed == popped ? 0 : 1;
      }
    }
    BOOST_REQUIRE(popped > 500);
  }
}

BOOST_AUTO_TEST_CASE(a_capacity_of_zero_counts_as_one) {
  message_queue<int> queue(0);
  BOOST_TEST(queue.capacity() == 1u);
  BOOST_TEST(push(queue, 1));
  BOOST_TEST(!push(queue, 2));
  BOOST_TEST(pop(queue) == 1);
}

BOOST_AUTO_TEST_CASE(a_message_that_does_not_fit_is_left_as_it_was) {
  message_queue<std::unique_ptr<int>> queue(1);
  std::unique_ptr<int> first(new int(1));
  std::unique_ptr<int> second(new int(2));
  BOOST_TEST(queue.try_push(std::move(first)));
  BOOST_TEST(!first);
  BOOST_TEST(!queue.try_push(std::move(second)));
  BOOST_REQUIRE(second);
  BOOST_TEST(*second == 2);

  std::unique_ptr<int> received;
  BOOST_TEST(queue.try_pop([&](std::unique_ptr<int>&& message) { received = std::move(message); }));
  BOOST_REQUIRE(received);
  BOOST_TEST(*received == 1);
  BOOST_TEST(queue.try_push(std::move(second)));
  BOOST_TEST(!second);
}

BOOST_AUTO_TEST_CASE(messages_that_nobody_took_are_destroyed_with_the_queue) {
  int alive = 0;
  {
    message_queue<counted> queue(5);
    for (int i = 0; i != 7; ++i) {
      queue.try_push(counted(alive));
    }
    BOOST_TEST(alive == 5);
    queue.try_pop([&](counted&&) { BOOST_TEST(alive == 5); });
    BOOST_TEST(alive == 4);
    queue.try_pop([](counted&&) {});
    BOOST_TEST(alive == 3);
    queue.try_push(counted(alive));
    BOOST_TEST(alive == 4);
  }
  BOOST_TEST(alive == 0);
}

BOOST_AUTO_TEST_CASE(an_exception_from_the_receiver_costs_no_other_message) {
  message_queue<int> queue(2);
  push(queue, 1);
  push(queue, 2);
  BOOST_CHECK_THROW(queue.try_pop([](int&&) { throw std::runtime_error("received"); }),
                    std::runtime_error);
  BOOST_TEST(push(queue, 3)); // its place is free
  BOOST_TEST(pop(queue) == 2);
  BOOST_TEST(pop(queue) == 3);
  BOOST_TEST(queue.empty());
}

BOOST_AUTO_TEST_CASE(the_receiver_may_push_and_take) {
  message_queue<int> queue(1);
  push(queue, 1);
  int inner = 0;
  BOOST_TEST(queue.try_pop([&](int&& value) {
    BOOST_TEST(value == 1);
    BOOST_TEST(queue.empty());
    BOOST_TEST(push(queue, 2));
    inner = pop(queue);
    BOOST_TEST(push(queue, 3));
  }));
  BOOST_TEST(inner == 2);
  BOOST_TEST(pop(queue) == 3);
}

#ifndef MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS
// An optimising clang leaves out an allocation whose memory nobody else sees, as it may, and then
// counts the cells that there are not.
#if !(defined(__clang__) && defined(__OPTIMIZE__))
BOOST_AUTO_TEST_CASE(a_capacity_beyond_all_memory_is_refused) {
  std::size_t const largest = std::numeric_limits<std::size_t>::max();
  BOOST_CHECK_THROW(message_queue<int> queue(largest), std::bad_alloc);
}
#endif

BOOST_AUTO_TEST_CASE(nothing_is_allocated_after_construction) {
  message_queue<std::unique_ptr<int>> queue(10);
  std::unique_ptr<int> message(new int(1));
  std::size_t const before = allocations;
  for (unsigned i = 0; i != 10000; ++i) {
    queue.try_push(std::move(message));
    queue.try_pop([&](std::unique_ptr<int>&& received) { message = std::move(received); });
  }
  std::size_t const after = allocations;
  BOOST_TEST(after == before);
  BOOST_REQUIRE(message);
}
#endif // MIOEXT_TEST_CANNOT_COUNT_ALLOCATIONS

BOOST_AUTO_TEST_CASE(each_producers_messages_arrive_once_and_in_order_with_room_for_1) {
  pass_messages(1, 20000);
}

BOOST_AUTO_TEST_CASE(each_producers_messages_arrive_once_and_in_order_with_room_for_3) {
  pass_messages(3, 20000);
}

BOOST_AUTO_TEST_CASE(each_producers_messages_arrive_once_and_in_order_with_room_for_1000) {
  pass_messages(1000, 100000);
}

BOOST_AUTO_TEST_CASE(each_producers_messages_arrive_once_and_in_order_with_room_for_1024) {
  pass_messages(1024, 100000);
}

// What the queue promises to an owner that sleeps: see empty(). A lost wake-up would let the
// consumer sleep although something has been sent, and the deadline, far beyond what any machine
// needs, tells it.
BOOST_AUTO_TEST_CASE(a_consumer_that_sleeps_when_the_queue_is_empty_misses_no_message) {
  message_queue<numbered> queue(16);
  std::atomic<bool> sleeping(false);
  std::mutex mutex;
  std::condition_variable wake_up;
  bool woken = false;
  std::size_t wake_ups = 0;
  order_check check(2);
  bool missed = false;
  {
    producers sending(2, 20000, [&](numbered message) {
      while (!queue.try_push(std::move(message))) {
        std::this_thread::yield();
      }
      if (sleeping.load() && sleeping.exchange(false)) {
        std::lock_guard<std::mutex> const lock(mutex);
        woken = true;
        ++wake_ups;
        wake_up.notify_one();
      }
    });
    while (check.received() != 2 * 20000) {
      if (queue.try_pop([&](numbered&& message) { check(message); }) || missed) {
        continue;
      }
      sleeping.store(true);
      if (queue.empty()) {
        std::unique_lock<std::mutex> lock(mutex);
        missed = !wake_up.wait_for(lock, std::chrono::seconds(60), [&] { return woken; });
        woken = false;
      }
      sleeping.store(false);
    }
  }
  BOOST_TEST(!missed);
  BOOST_TEST_MESSAGE("the consumer was woken " << wake_ups << " times");
}

// A child after fork finds places that were claimed by threads which it does not have. Here the one
// thread forks in the middle of a push: in the constructor of the message in its place.
struct forking {
  explicit forking(int number) noexcept : value(number), forks(false) {}
  forking(forking&& other) noexcept : value(other.value), forks(false) {
    if (other.forks) {
      child = ::fork();
      if (child == 0) {
        test::exit_child(check_in_child());
      }
    }
  }

  static int check_in_child() {
    message_queue<forking>& queue = *under_test;
    queue.drop_unfilled();
    int expected = 0;
    while (queue.try_pop([&](forking&& message) { expected += message.value == expected; })) {
    }
    if (expected != 2 || !queue.empty()) {
      return 1; // 0 and 1 had arrived, and nothing else did
    }
    // And it works on, over several rounds of the ring, with its exact capacity.
    for (int round = 0; round != 20; ++round) {
      for (int value = 0; value != 3; ++value) {
        if (!queue.try_push(forking(value))) {
          return 2;
        }
      }
      if (queue.try_push(forking(3))) {
        return 3;
      }
      for (int value = 0; value != 3; ++value) {
        bool is_same = false;
        if (!queue.try_pop([&](forking&& message) { is_same = message.value == value; }) ||
            !is_same) {
          return 4;
        }
      }
    }
    return 0;
  }

  int value;
  bool forks;
  static ::pid_t child;
  static message_queue<forking>* under_test;
};

::pid_t forking::child = -1;
message_queue<forking>* forking::under_test = nullptr;

BOOST_AUTO_TEST_CASE(what_was_being_pushed_at_a_fork_is_dropped_in_the_child) {
  message_queue<forking> queue(3);
  forking::under_test = &queue;
  for (int round = 0; round != 5; ++round) { // so that places have been used before
    BOOST_REQUIRE(queue.try_push(forking(0)));
    BOOST_REQUIRE(queue.try_pop([](forking&&) {}));
  }
  BOOST_REQUIRE(queue.try_push(forking(0)));
  BOOST_REQUIRE(queue.try_push(forking(1)));
  forking last(2);
  last.forks = true;
  BOOST_REQUIRE(queue.try_push(std::move(last)));
  int status = -1;
  BOOST_REQUIRE(::waitpid(forking::child, &status, 0) == forking::child);
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_SUITE_END()
