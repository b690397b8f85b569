//
// bench/messages/work.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the message benchmark sends, who sends it, and what becomes of it.
//

#ifndef BENCH_MESSAGES_WORK_HPP
#define BENCH_MESSAGES_WORK_HPP

#include <cstddef>
#include <cstdint>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include <sys/eventfd.h>
#include <unistd.h>

#include "../system.hpp"

namespace messages {

struct message {
  std::uint32_t producer;
  std::uint32_t number;
};

struct work {
  std::uint32_t producers;
  std::uint32_t per_producer;
  bool is_answered; // each producer waits for an answer before it sends the next
};

/// What the loop's thread knows of the messages that came.
class ledger {
public:
  explicit ledger(work const& wanted) : work_(wanted), next_(wanted.producers) {
    for (std::uint32_t index = 0; index != wanted.producers; ++index) {
      answers_.push_back(bench::checked(::eventfd(0, EFD_CLOEXEC), "eventfd"));
    }
  }

  ~ledger() {
    for (int fd : answers_) {
      ::close(fd);
    }
  }

  ledger(ledger const&) = delete;
  ledger& operator=(ledger const&) = delete;

  /// Each producer's messages must come in order, and each once.
  void receive(message const& received) {
    bench::check(received.number == next_[received.producer]++, "a message is missing");
    ++count_;
    if (work_.is_answered) {
      std::uint64_t const one = 1;
      bench::checked(::write(answers_[received.producer], &one, sizeof one), "eventfd");
    }
  }

  bool is_complete() const { return count_ == total(); }
  std::uint64_t total() const { return std::uint64_t(work_.producers) * work_.per_producer; }

  /// Called by a producer.
  void wait_for_answer(std::uint32_t producer) const {
    std::uint64_t count;
    bench::checked(::read(answers_[producer], &count, sizeof count), "eventfd");
  }

private:
  work work_;
  std::vector<std::uint32_t> next_;
  std::vector<int> answers_;
  std::uint64_t count_ = 0;
};

/// Lets the producers go, each with a `send` of its own, which takes a message; runs the loop with
/// `run` until all has come.
/// @returns messages per second.
template <class Send, class Run>
double messages_per_second(work const& wanted, ledger const& received, Send send, Run run) {
  std::promise<void> all_may_go;
  std::shared_future<void> const gate = all_may_go.get_future().share();
  std::vector<std::thread> producers;
  for (std::uint32_t index = 0; index != wanted.producers; ++index) {
    producers.emplace_back([=, &received] {
      bench::pin_to_other_cores();
      gate.wait();
      for (std::uint32_t number = 0; number != wanted.per_producer; ++number) {
        send(message{index, number});
        if (wanted.is_answered) {
          received.wait_for_answer(index);
        }
      }
    });
  }
  bench::pin_to_core(0);
  double const begin = bench::wall_seconds();
  all_may_go.set_value();
  run();
  double const seconds = bench::wall_seconds() - begin;
  for (std::thread& each : producers) {
    each.join();
  }
  bench::check(received.is_complete(), "not all messages have come");
  return static_cast<double>(received.total()) / seconds;
}

/// Messages that go round: some are under way, and the loop sends another for each that comes. It is
/// never asleep, and does the same each time, so that what that costs can be counted.
class circle {
public:
  explicit circle(std::uint64_t messages) : left_(messages) {}

  template <class Send> void start(Send const& send) const {
    for (std::uint32_t number = 0; number != under_way; ++number) {
      send(message{0, number});
    }
  }

  template <class Send> void receive(message const& received, Send const& send) {
    if (left_-- > under_way) {
      send(message{0, received.number + under_way});
    }
  }

  bool is_complete() const { return left_ == 0; }

private:
  static constexpr std::uint32_t under_way = 500;

  std::uint64_t left_;
};

using contender = double(work const& wanted);
using circling_contender = void(std::uint64_t messages);

contender hand_written;
contender event_loop;
contender async_event_loop;
contender selector_context_loop;
contender asio;
contender libuv;

circling_contender hand_written_circle;
circling_contender event_loop_circle;
circling_contender async_event_loop_circle;
circling_contender selector_context_circle;
circling_contender libuv_circle;

} // namespace messages

#endif // BENCH_MESSAGES_WORK_HPP
