//
// test/event_loop_threads.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What other threads may do to a loop and to a poller, at any moment: to be run under
// ThreadSanitizer too.
//

#include <mioext/event_loop.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <poll.h>

#include <mioext/poller.hpp>
#include <mioext/waker.hpp>

#include "held_message.hpp"
#include "support.hpp"
#include "systems.hpp"

BOOST_AUTO_TEST_SUITE(event_loop_threads)

namespace {

namespace errc = boost::system::errc;
using boost::system::error_code;
using mioext::interest;
using mioext::read_hint;
using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace support;

/// Threads that are joined at the end. Declare it after what they use and before the loop that they
/// send to: when a test is left early, the loop goes first, and they see that.
class thread_group {
public:
  thread_group() = default;
  ~thread_group() { join(); }

  thread_group(thread_group const&) = delete;
  thread_group& operator=(thread_group const&) = delete;

  template <class Function> void start(Function function) {
    threads_.emplace_back(std::move(function));
  }

  void join() {
    for (std::thread& each : threads_) {
      each.join();
    }
    threads_.clear();
  }

private:
  std::vector<std::thread> threads_;
};

/// Passes a few moments, to meet another thread at another point of its way.
void dawdle(std::mt19937::result_type moments) {
  for (std::mt19937::result_type moment = 0; moment != moments; ++moment) {
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
}

/// Sends until there is room. False if the loop is gone.
template <class Message> bool insist(mioext::sender<Message> const& sender, Message message) {
  error_code ec;
  while (!sender.send(std::move(message), ec)) {
    if (ec != errc::no_buffer_space) {
      return false;
    }
    std::this_thread::yield();
  }
  return true;
}

/// What the messages are counted by: how many of them exist.
class counted {
public:
  counted(std::atomic<int>& living, int value) noexcept : living_(&living), value_(value) {
    ++*living_;
  }
  counted(counted&& other) noexcept : living_(other.living_), value_(other.value_) { ++*living_; }
  counted& operator=(counted&&) = delete;
  ~counted() { --*living_; }

  int value() const noexcept { return value_; }

private:
  std::atomic<int>* living_;
  int value_;
};

using loop_type = mioext::basic_event_loop<mioext::token, int>;
using tested_loop = loop_under_test<mioext::token, int>;

/// Adds up what it is sent; the time of its timer comes only if nobody ended run() before.
struct adder final : mioext::basic_handler<mioext::token, int> {
  void notify(mioext::basic_event_loop<mioext::token, int>&, int message) override {
    ++count;
    sum += message;
  }

  void timer(mioext::basic_event_loop<mioext::token, int>& loop, mioext::token) override {
    overdue = true;
    loop.shutdown();
  }

  int count = 0;
  long sum = 0;
  bool overdue = false;
};

} // namespace

// --- Messages ------------------------------------------------------------------------------------

/// Ends a round when it has a message of each sender, and lets the next one begin.
struct round_keeper final : mioext::basic_handler<mioext::token, int> {
  explicit round_keeper(int of_senders) : senders(of_senders) {}

  void notify(mioext::basic_event_loop<mioext::token, int>& loop, int) override {
    if (++count % senders == 0) {
      bool const is_last = std::chrono::steady_clock::now() > end;
      round = is_last ? -1 : count / senders;
      dawdle(random() % 512); // to fall asleep before, while or after they send
      if (is_last) {
        loop.shutdown();
      }
    }
  }

  void timer(mioext::basic_event_loop<mioext::token, int>& loop, mioext::token) override {
    is_overdue = true;
    round = -1;
    loop.shutdown();
  }

  int const senders;
  int count = 0;
  bool is_overdue = false;
  std::atomic<int> round{0};
  std::mt19937 random{4};
  // As many rounds as there is time for: on a busy machine each can cost several changes of
  // threads.
  std::chrono::steady_clock::time_point const end =
      std::chrono::steady_clock::now() + milliseconds(600);
};

/// The loop falls asleep after each round while the senders begin the next. Each sends one message
/// and waits, so nothing but their sends ever wakes the loop, and a wake-up that is lost stays
/// lost.
void check_wake_ups(int senders) {
  round_keeper handler(senders);
  thread_group threads;
  tested_loop loop;
  auto const sender = loop.channel();
  for (int thread = 0; thread != senders; ++thread) {
    threads.start([&handler, sender, thread] {
      std::mt19937 random(static_cast<std::mt19937::result_type>(thread));
      for (int sent = 0; handler.round != -1; ++sent) {
        dawdle(random() % 512);
        insist(sender, 1);
        wait_until([&handler, sent] { return handler.round != sent; });
      }
    });
  }
  loop.timer(patience, token(1));
  loop.run(handler);
  threads.join();
  BOOST_TEST(!handler.is_overdue);
  BOOST_TEST(handler.count % senders == 0);
}

BOOST_AUTO_TEST_CASE(a_message_to_a_loop_that_is_falling_asleep_wakes_it) { check_wake_ups(1); }

BOOST_AUTO_TEST_CASE(of_many_senders_one_wakes_the_loop_for_all) { check_wake_ups(4); }

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
BOOST_AUTO_TEST_CASE(
    a_loop_that_another_one_waits_for_shows_every_message,
    *test::needs_kernel("libkqueue's queue is a pipe's writing end, which nobody can wait for")) {
  constexpr int messages = 3000;
  std::atomic<int> arrived(0);
  thread_group threads;
  tested_loop loop;
  adder handler;
  auto const sender = loop.channel();
  threads.start([&arrived, sender] {
    std::mt19937 random(2);
    for (int sent = 0; sent < messages; ++sent) {
      dawdle(random() % 512);
      insist(sender, 1);
      wait_until([&arrived, sent] { return arrived != sent; });
    }
  });
  bool was_shown = true;
  while (was_shown && handler.count != messages) {
    ::pollfd polled = {loop.native_handle(), POLLIN, 0};
    was_shown = ::poll(&polled, 1, static_cast<int>(milliseconds(patience).count())) == 1;
    loop.run_once(handler, seconds(0));
    arrived = handler.count;
  }
  arrived = messages;
  BOOST_TEST(was_shown);
}
#endif

BOOST_AUTO_TEST_CASE(many_senders_come_and_go_and_every_message_arrives) {
  constexpr int threads_made = 8;
  constexpr int messages = 1000;
  thread_group threads;
  tested_loop loop;
  adder handler;
  {
    auto const sender = loop.channel();
    for (int thread = 0; thread != threads_made; ++thread) {
      threads.start([sender] {
        for (int message = 1; message <= messages; ++message) {
          mioext::sender<int> const copy = sender;
          insist(copy, message);
        }
      });
    }
  }
  BOOST_TEST(run_until(loop, handler, [&] { return handler.count == threads_made * messages; }));
  BOOST_TEST(handler.sum == long(threads_made) * messages * (messages + 1) / 2);
}

// --- Shutdown ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_shutdown_at_any_moment_ends_one_run_and_loses_no_message) {
  constexpr int rounds = 500;
  tested_loop loop;
  adder handler;
  auto const sender = loop.channel();
  mioext::timeout const limit = loop.timer(patience, token(1));
  std::mt19937 random(3);
  long expected = 0;
  for (int round = 0; round != rounds && !handler.overdue; ++round) {
    // Before run(), while it begins, while it falls asleep, and after.
    auto const delay_of_shutdown = random() % 2000;
    auto const delay_of_run = random() % 2000;
    int const messages = static_cast<int>(random() % 100);
    std::thread other([&] {
      dawdle(delay_of_shutdown);
      for (int message = 0; message != messages; ++message) {
        insist(sender, 1);
      }
      loop.shutdown();
    });
    dawdle(delay_of_run);
    loop.run(handler);
    other.join();
    expected += messages;
    BOOST_REQUIRE(handler.sum == expected);
    BOOST_REQUIRE(!loop.shutdown_requested());
  }
  BOOST_TEST(!handler.overdue);
  loop.clear_timer(limit);
}

using held_loop = mioext::basic_event_loop<mioext::token, held_message>;
using held_recorder = recorder<mioext::token, held_message>;

BOOST_AUTO_TEST_CASE(what_was_sent_before_shutdown_arrives_although_another_send_is_under_way) {
  hold by;
  {
    loop_under_test<mioext::token, held_message> loop;
    held_recorder handler;
    int arrived = 0;
    handler.on_notify = [&](held_loop&, held_message message) {
      arrived += message.is_held() ? 0 : 1;
    };
    auto const sender = loop.channel();
    held_send under_way(by, sender);
    sender.send(held_message(by, false)); // behind the one that is under way
    loop.shutdown();
    // Goes on when run() has returned, which would be too early, or has had the time to.
    thread_group threads;
    threads.start([&] {
      auto const end = std::chrono::steady_clock::now() + milliseconds(30);
      wait_until(
          [&] { return !loop.shutdown_requested() || std::chrono::steady_clock::now() > end; });
      under_way.go_on();
    });
    loop.run(handler);
    BOOST_TEST(arrived == 1);
    threads.join();
  }
  BOOST_TEST(!by.is_overdue);
  BOOST_TEST(by.living == 0);
}

BOOST_AUTO_TEST_CASE(io_and_timers_go_on_while_a_shutdown_waits_for_a_send_that_is_under_way) {
  hold by;
  loop_under_test<mioext::token, held_message> loop;
  held_recorder handler;
  auto const sender = loop.channel();
  held_send under_way(by, sender);
  sender.send(held_message(by, false)); // has been sent, and stands behind it
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable);
  loop.timer(milliseconds(1), token(2));
  int reads = 0;
  int expiries = 0;
  strings arrived;
  // The first tick of all may do what is expected of any run; the others are behind the shutdown.
  handler.on_readable = [&](held_loop&, mioext::token, read_hint) {
    drain(pair.near.get());
    BOOST_TEST(arrived.empty());
    if (++reads != 5) {
      pair.send();
    }
  };
  handler.on_timer = [&](held_loop& in, mioext::token name) {
    BOOST_TEST(in.shutdown_requested());
    BOOST_TEST(arrived.empty());
    if (++expiries != 5) {
      in.timer(milliseconds(1), name);
    } else {
      BOOST_TEST(reads == 5);
      in.shutdown();     // again: it is one more to be done
      under_way.go_on(); // and nothing else happens, so the end of the send must wake the loop
    }
  };
  handler.on_notify = [&](held_loop&, held_message message) {
    arrived.push_back(message.is_held() ? "held" : "behind it");
  };
  pair.send();
  loop.shutdown();
  loop.run(handler);
  BOOST_TEST(expiries == 5);
  BOOST_TEST(arrived == (strings{"held", "behind it"}), boost::test_tools::per_element());
  BOOST_TEST(!loop.shutdown_requested());
  BOOST_TEST(!by.is_overdue);
}

BOOST_AUTO_TEST_CASE(a_shutdown_does_not_wait_for_a_send_that_has_not_returned) {
  hold by;
  loop_under_test<mioext::token, held_message> loop;
  held_recorder handler;
  strings arrived;
  handler.on_notify = [&](held_loop&, held_message message) {
    arrived.push_back(message.is_held() ? "held" : "before it");
  };
  auto const sender = loop.channel();
  sender.send(held_message(by, false));
  held_send under_way(by, sender);
  loop.shutdown();
  loop.run(handler); // ends, although the send cannot
  BOOST_TEST(!by.is_overdue);
  BOOST_TEST(arrived == (strings{"before it"}), boost::test_tools::per_element());
  under_way.finish();
  run_all(loop, handler);
  BOOST_TEST(arrived == (strings{"before it", "held"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_shutdown_that_was_put_off_and_left_by_an_exception_is_done_by_the_next_run) {
  hold by;
  loop_under_test<mioext::token, held_message> loop;
  held_recorder handler;
  auto const sender = loop.channel();
  held_send under_way(by, sender);
  sender.send(held_message(by, false));
  loop.timer(milliseconds(1), token(1));
  handler.on_timer = [](held_loop&, mioext::token) { throw std::runtime_error("timer"); };
  loop.shutdown();
  BOOST_CHECK_THROW(loop.run(handler), std::runtime_error);
  BOOST_TEST(loop.shutdown_requested());
  loop.timer(milliseconds(1), token(2));
  handler.on_timer = [&](held_loop&, mioext::token) { under_way.go_on(); };
  loop.run(handler);
  BOOST_TEST(handler.calls == (strings{"timer token(1)", "timer token(2)", "notify", "notify"}),
             boost::test_tools::per_element());
  BOOST_TEST(!by.is_overdue);
}

BOOST_AUTO_TEST_CASE(many_threads_may_ask_for_the_same_shutdown) {
  for (int round = 0; round != 50; ++round) {
    thread_group threads;
    tested_loop loop;
    adder handler;
    loop.timer(patience, token(1));
    for (int thread = 0; thread != 4; ++thread) {
      threads.start([&loop] {
        loop.shutdown();
        static_cast<void>(loop.shutdown_requested());
      });
    }
    loop.run(handler);
    threads.join();
    BOOST_REQUIRE(!handler.overdue);
  }
}

// --- Loops that go -------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_loop_may_go_while_others_send) {
  std::atomic<int> living(0);
  for (int round = 0; round != 60; ++round) {
    using counting_loop = loop_under_test<mioext::token, counted>;
    recorder<mioext::token, counted> handler;
    std::atomic<int> sent(0);
    std::atomic<int> wrong(0);
    thread_group threads;
    {
      mioext::event_loop_config config;
      config.message_capacity = 16;
      counting_loop loop(config);
      auto const sender = loop.channel();
      for (int thread = 0; thread != 3; ++thread) {
        threads.start([&, sender] {
          error_code ec;
          while (ec != errc::broken_pipe) {
            if (sender.send(counted(living, 1), ec)) {
              ++sent;
            } else if (ec == errc::no_buffer_space) {
              std::this_thread::yield();
            }
          }
          // And so it stays.
          wrong += sender.send(counted(living, 1), ec) ? 1 : 0;
          wrong += ec != errc::broken_pipe ? 1 : 0;
        });
      }
      for (int tick = 0; tick != round % 8; ++tick) {
        loop.run_once(handler, patience);
      }
    }
    threads.join();
    BOOST_TEST(wrong == 0);
    BOOST_TEST(handler.calls.size() <= static_cast<std::size_t>(sent));
  }
  BOOST_TEST(living == 0); // the undelivered ones are gone with the loop and its senders
}

BOOST_AUTO_TEST_CASE(a_message_that_is_being_sent_when_its_loop_goes_goes_at_the_end_of_the_send) {
  for (bool has_sender : {false, true}) {
    BOOST_TEST_CONTEXT("and it has a sender of its own: " << has_sender) {
      hold by;
      std::unique_ptr<held_send> under_way;
      {
        loop_under_test<mioext::token, held_message> loop;
        auto const sender = loop.channel();
        sender.send(held_message(by, false));
        under_way.reset(new held_send(by, sender, has_sender));
        sender.send(held_message(by, false));
      } // does not wait for it
      BOOST_TEST(!by.is_overdue);
      under_way->finish();
      BOOST_TEST(by.living == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_loop_may_be_run_by_one_thread_after_another_and_go_on_a_third) {
  for (int round = 0; round != 30; ++round) {
    std::atomic<int> taken(0);
    thread_group senders;
    adder handler;
    auto loop = std::unique_ptr<tested_loop>(new tested_loop);
    socket_pair pair;
    loop->register_handle(pair.near.get(), token(1), interest::readable);
    loop->timer(std::chrono::hours(1), token(2));
    auto const sender = loop->channel();
    senders.start([&taken, sender] {
      while (insist(sender, 1)) {
        ++taken;
      }
    });
    for (int thread = 0; thread != 2; ++thread) {
      std::thread([&] {
        int const before = handler.count;
        run_until(*loop, handler, [&] { return handler.count >= before + 10; });
      }).join();
    }
    std::thread([&] { loop.reset(); }).join();
    senders.join();
    BOOST_TEST(handler.count >= 20);
    BOOST_TEST(handler.count <= taken);
  }
}

// --- Several loops -------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(loops_in_threads_of_their_own_hand_messages_around) {
  constexpr std::size_t loops = 4;
  constexpr int laps = 500;
  // Each loop sends on what it gets, one less, and ends after the last lap.
  struct runner final : mioext::basic_handler<mioext::token, int> {
    void notify(loop_type& loop, int hops_left) override {
      ++count;
      if (hops_left > 0) {
        next.send(hops_left - 1);
      }
      if (hops_left < static_cast<int>(loops)) {
        loop.shutdown(); // each loop gets one of the last messages
      }
    }
    void readable(loop_type&, mioext::token, mioext::read_hint) override { ++events; }
    void timer(loop_type& loop, mioext::token name) override {
      if (name == token(1)) {
        loop.timer(milliseconds(1), token(1));
      } else {
        overdue = true;
        loop.shutdown();
      }
    }

    mioext::sender<int> next;
    int count = 0;
    int events = 0;
    bool overdue = false;
  };
  std::array<tested_loop, loops> ring;
  std::array<runner, loops> runners;
  std::array<socket_pair, loops> pairs;
  for (std::size_t index = 0; index != loops; ++index) {
    runners[index].next = ring[(index + 1) % loops].channel();
    ring[index].timer(milliseconds(1), token(1));
    ring[index].timer(patience, token(2));
    ring[index].register_handle(pairs[index].near.get(), token(3), interest::readable);
    pairs[index].send();
  }
  {
    thread_group threads;
    for (std::size_t index = 0; index != loops; ++index) {
      threads.start([&, index] { ring[index].run(runners[index]); });
    }
    ring[0].channel().send(static_cast<int>(loops) * laps - 1);
  }
  for (runner const& each : runners) {
    BOOST_TEST(each.count == laps);
    BOOST_TEST(each.events == 1);
    BOOST_TEST(!each.overdue);
  }
}

BOOST_AUTO_TEST_CASE(loops_are_made_and_go_in_many_threads_at_once) {
  std::atomic<int> fired(0);
  {
    thread_group threads;
    for (int thread = 0; thread != 4; ++thread) {
      threads.start([&fired] {
        for (int round = 0; round != 50; ++round) {
          tested_loop loop;
          adder handler;
          loop.channel().send(1);
          loop.shutdown();
          loop.run(handler);
          fired += handler.count;
        }
      });
    }
  }
  BOOST_TEST(fired == 4 * 50);
}

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
// --- The poller: more of it with threads is in poller.cpp and waker.cpp --------------------------

BOOST_AUTO_TEST_CASE(
    a_registry_and_a_waker_outlive_their_poller_in_another_thread,
    *test::needs_kernel(
        "libkqueue ends a wait without an event when what was ready is deleted meanwhile")) {
  for (int round = 0; round != 50; ++round) {
    socket_pair pair;
    std::atomic<bool> is_gone(false);
    std::atomic<int> failures(0);
    thread_group threads;
    {
      mioext::poller poller;
      mioext::registry const registry = poller.registry();
      auto const waker = std::make_shared<mioext::waker>(registry, token(1));
      threads.start([&failures, &is_gone, &pair, registry, waker] {
        for (int after = 0; after != 10; after += is_gone ? 1 : 0) {
          error_code ec;
          registry.register_handle(pair.near.get(), token(2), interest::writable, ec);
          failures += ec ? 1 : 0;
          waker->wake(ec);
          failures += ec ? 1 : 0;
          registry.deregister_handle(pair.near.get(), ec);
          failures += ec ? 1 : 0;
        }
      });
      mioext::events events(4);
      BOOST_TEST(poller.poll(events, patience) >= 1u);
    }
    is_gone = true;
    threads.join();
    BOOST_TEST(failures == 0);
  }
}
#endif

BOOST_AUTO_TEST_SUITE_END()
