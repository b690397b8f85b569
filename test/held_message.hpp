//
// test/held_message.hpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A message that stops on its way into the queue, as if the system had taken the processor away from
// the thread that sends it: between claiming a place there and filling it.
//

#ifndef TEST_HELD_MESSAGE_HPP
#define TEST_HELD_MESSAGE_HPP

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

#include <boost/system/error_code.hpp>

#include <mioext/sender.hpp>

#include "support.hpp"

namespace support {

/// Waits for a condition that another thread brings about soon: at first without giving the
/// processor away, so as to go on in the same moment.
template <class Condition> void wait_until(Condition condition) {
  for (int tries = 0; !condition(); ++tries) {
    if (tries >= 2000) {
      std::this_thread::yield();
    }
  }
}

/// Where a send that is held up has got to. How many messages exist is counted.
struct hold {
  enum stage : int { waits_to_move, is_moving, may_go_on };

  std::atomic<int> stage_now{waits_to_move};
  std::atomic<bool> is_overdue{false}; // it went on because nobody said so in time
  std::atomic<int> living{0};
};

/// Stops in its first move, which takes it into the queue, if `holds`.
class held_message {
public:
  held_message(hold& by, bool holds) noexcept : by_(&by), holds_(holds) { ++by_->living; }

  held_message(held_message&& other) noexcept
      : reply(std::move(other.reply)), by_(other.by_), holds_(other.holds_) {
    ++by_->living;
    int expected = hold::waits_to_move;
    if (holds_ && by_->stage_now.compare_exchange_strong(expected, hold::is_moving)) {
      auto const deadline = std::chrono::steady_clock::now() + patience;
      wait_until([&] {
        by_->is_overdue = std::chrono::steady_clock::now() > deadline;
        return by_->stage_now == hold::may_go_on || by_->is_overdue;
      });
    }
  }

  held_message& operator=(held_message&&) = delete;
  ~held_message() { --by_->living; }

  bool is_held() const noexcept { return holds_; }

  mioext::sender<held_message> reply; // whatever the test puts there

private:
  hold* by_;
  bool holds_;
};

/// The thread in which such a message is being sent.
class held_send {
public:
  /// Returns when the message has its place in the queue.
  held_send(hold& by, mioext::sender<held_message> const& sender, bool has_reply = false)
      : by_(by), thread_([&by, sender, has_reply] {
          held_message sent(by, true);
          if (has_reply) {
            sent.reply = sender;
          }
          boost::system::error_code ignored;
          sender.send(std::move(sent), ignored);
        }) {
    wait_until([&by] { return by.stage_now != hold::waits_to_move; });
  }

  ~held_send() {
    if (thread_.joinable()) {
      finish();
    }
  }

  held_send(held_send const&) = delete;
  held_send& operator=(held_send const&) = delete;

  void go_on() { by_.stage_now = hold::may_go_on; }

  /// Goes on, and returns when the message has been sent.
  void finish() {
    go_on();
    thread_.join();
  }

private:
  hold& by_;
  std::thread thread_;
};

} // namespace support

#endif // TEST_HELD_MESSAGE_HPP
