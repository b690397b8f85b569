//
// bench/messages/locked_queue.hpp
// -------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The queue that a program writes for itself where its loop has none: a vector and a mutex.
//

#ifndef BENCH_MESSAGES_LOCKED_QUEUE_HPP
#define BENCH_MESSAGES_LOCKED_QUEUE_HPP

#include <mutex>
#include <vector>

#include "work.hpp"

namespace messages {

class locked_queue {
public:
  /// True if the queue was empty: then the loop has to be woken.
  bool push(message const& sent) {
    std::lock_guard<std::mutex> const lock(mutex_);
    messages_.push_back(sent);
    return messages_.size() == 1;
  }

  /// Exchanges what is there for `taken`, which is empty and keeps the memory going round.
  void take_all(std::vector<message>& taken) {
    std::lock_guard<std::mutex> const lock(mutex_);
    messages_.swap(taken);
  }

private:
  std::mutex mutex_;
  std::vector<message> messages_;
};

} // namespace messages

#endif // BENCH_MESSAGES_LOCKED_QUEUE_HPP
