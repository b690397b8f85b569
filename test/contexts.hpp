//
// test/contexts.hpp
// -----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the tests of the asynchronous operations share: contexts that are run with a limit, handlers
// that write down how an operation ended, an allocator that counts.
//

#ifndef TEST_CONTEXTS_HPP
#define TEST_CONTEXTS_HPP

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <ostream>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <boost/test/unit_test.hpp>

#include "support.hpp"
#include "tested_context.hpp"

namespace contexts {

using boost::system::error_code;

/// Runs until nothing is left to do.
template <class Context> void run(Context& context) {
  context.restart();
  context.run_for(support::patience);
  BOOST_REQUIRE_MESSAGE(context.stopped(), "the context waits for something that never happens");
}

/// Runs until `condition` holds, which something that the context still does must bring about.
template <class Context, class Condition> void run_until(Context& context, Condition condition) {
  while (!condition()) {
    context.restart();
    BOOST_REQUIRE_MESSAGE(context.run_one_for(support::patience) != 0,
                          "what the test waits for does not happen");
  }
}

/// Does what can be done at once. True if the context waits for something after that.
template <class Context> bool poll_all(Context& context) {
  context.restart();
  context.poll();
  return !context.stopped();
}

/// Runs until nothing is left to do, in that many threads.
inline void run(boost::asio::io_context& context, std::size_t count) {
  context.restart();
  std::vector<std::thread> threads;
  for (std::size_t index = 0; index != count; ++index) {
    threads.emplace_back([&context] { context.run_for(support::patience); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  BOOST_REQUIRE_MESSAGE(context.stopped(), "the context waits for something that never happens");
}

#if defined(MIOEXT_TEST_SELECTOR_CONTEXT) || defined(MIOEXT_TEST_ONE_THREAD)
/// One thread does it all.
inline void run(support::tested_context& context, std::size_t) { run(context); }
#endif

/// Something that several threads wait for. Opened once.
class gate {
public:
  void open() {
    std::lock_guard<std::mutex> const lock(mutex_);
    is_open_ = true;
    condition_.notify_all();
  }

  /// False if it was not opened in time.
  bool wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    return condition_.wait_for(lock, support::patience, [this] { return is_open_; });
  }

private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool is_open_ = false;
};

/// How an operation ended, as its handler was told.
struct outcome {
  int calls = 0;
  error_code error;
  std::size_t bytes = 0;
};

/// To compare an outcome with: its handler was called once, with that.
struct ended {
  explicit ended(error_code const& error_expected = error_code()) : error(error_expected) {}
  template <class Error> explicit ended(Error error_expected) : error(error_expected) {}

  error_code error;
};

inline bool operator==(outcome const& actual, ended const& expected) {
  return actual.calls == 1 && actual.error == expected.error;
}

inline std::ostream& operator<<(std::ostream& stream, outcome const& printed) {
  if (printed.calls == 0) {
    return stream << "still pending";
  }
  if (printed.calls != 1) {
    stream << "called " << printed.calls << " times, the last time with ";
  }
  return stream << '"' << printed.error.message() << '"';
}

inline std::ostream& operator<<(std::ostream& stream, ended const& printed) {
  return stream << '"' << printed.error.message() << '"';
}

/// A handler for operations of any signature that begins with an error.
class into {
public:
  explicit into(outcome& written) : written_(&written) {}

  void operator()(error_code const& error) const {
    ++written_->calls;
    written_->error = error;
  }

  void operator()(error_code const& error, std::size_t bytes) const {
    (*this)(error);
    written_->bytes = bytes;
  }

  template <class Result> void operator()(error_code const& error, Result&&) const {
    (*this)(error);
  }

private:
  outcome* written_;
};

/// Memory that is counted.
struct counts {
  std::atomic<std::size_t> allocations{0};
  std::atomic<std::size_t> outstanding{0};
};

/// An allocator that writes down what is taken from it and not given back.
template <class T> class counting_allocator {
public:
  using value_type = T;

  explicit counting_allocator(counts& written) noexcept : written_(&written) {}

  template <class U>
  counting_allocator(counting_allocator<U> const& other) noexcept : written_(other.written_) {}

  T* allocate(std::size_t count) {
    ++written_->allocations;
    ++written_->outstanding;
    return static_cast<T*>(::operator new(count * sizeof(T)));
  }

  void deallocate(T* pointer, std::size_t) noexcept {
    --written_->outstanding;
    ::operator delete(pointer);
  }

  template <class U> bool operator==(counting_allocator<U> const& other) const noexcept {
    return written_ == other.written_;
  }
  template <class U> bool operator!=(counting_allocator<U> const& other) const noexcept {
    return written_ != other.written_;
  }

private:
  template <class> friend class counting_allocator;

  counts* written_;
};

} // namespace contexts

#endif // TEST_CONTEXTS_HPP
