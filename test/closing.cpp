//
// test/closing.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Who hears that a mioext handle is closed: the contexts that watch its number, whichever thread closes
// it, and nobody else.
//

#include <mioext/detail/closing_listeners.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/require.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/stream.hpp>

#include "allocations.hpp"
#include "contexts.hpp"
#include "handles.hpp"

namespace {

namespace error = boost::asio::error;
using boost::system::error_code;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::run;
using mioext::async_wait;
using mioext::interest;
using mioext::detail::closing_listener;
using mioext::detail::closing_listeners;
using support::tested_context;

/// Numbers of descriptors that this process has not, in places of the table that are far apart.
constexpr int some_number = 1000;
constexpr int next_number = 1001;
constexpr int far_number = 1000000;
constexpr int greatest_number = 2147483647;

/// Notes what it hears.
class listener final : public closing_listener {
public:
  static std::shared_ptr<listener> make() {
    auto const made = std::make_shared<listener>();
    made->self_ = made;
    return made;
  }

  listener() = default;
  listener(listener const&) = delete;
  listener& operator=(listener const&) = delete;

  ~listener() {
    if (closes_at_its_end) {
      closing_listeners::tell(some_number);
      leave(some_number);
    }
  }

  void enter(int fd) { closing_listeners::instance().enter(fd, *this); }
  void leave(int fd) { closing_listeners::instance().leave(fd, *this); }

  void handle_closing(int fd) noexcept override {
    heard = fd;
    ++count;
    if (enters_again) {
      enters_again = false;
      enter(fd);
    }
  }

  int heard = -1;
  int count = 0;
  bool enters_again = false;
  bool closes_at_its_end = false;

  std::shared_ptr<closing_listener> this_listener() noexcept override { return self_.lock(); }

private:
  std::weak_ptr<listener> self_;
};

/// Completes with the outcome of a wait in another context.
struct waiting {
  explicit waiting(mioext::pipe_reader const& reader) {
    async_wait(context, reader, interest::readable, into(result));
    context.poll();
  }

  tested_context context;
  outcome result;
};

} // namespace

BOOST_AUTO_TEST_SUITE(closing)

// --- The table -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_listener_hears_of_its_number_and_of_no_other) {
  for (int const number : {0, some_number, far_number, greatest_number}) {
    auto const heard = listener::make();
    heard->enter(number);
    for (int const other : {1, next_number, far_number + 1, greatest_number - 1}) {
      closing_listeners::tell(other);
    }
    BOOST_TEST(heard->count == 0);
    closing_listeners::tell(number);
    BOOST_TEST(heard->count == 1);
    BOOST_TEST(heard->heard == number);
    closing_listeners::tell(number);
    BOOST_TEST(heard->count == 1); // it did not enter again
  }
}

#ifndef MIOEXT_TEST_CANNOT_COUNT
// Who enters once more has nothing to gain, and must not fail for want of memory.
BOOST_AUTO_TEST_CASE(to_enter_once_more_allocates_nothing) {
  auto const first = listener::make();
  auto const other = listener::make();
  for (auto const& each : {first, other}) {
    each->enter(some_number);
    std::size_t const before = allocations;
    each->enter(some_number);
    BOOST_TEST(allocations == before);
  }
  closing_listeners::tell(some_number);
  BOOST_TEST(first->count == 1);
  BOOST_TEST(other->count == 1);
}
#endif

BOOST_AUTO_TEST_CASE(all_that_are_entered_hear_of_it_but_those_that_have_left) {
  std::vector<std::shared_ptr<listener>> listeners;
  for (int count = 0; count != 5; ++count) {
    listeners.push_back(listener::make());
    listeners.back()->enter(some_number);
    listeners.back()->enter(some_number); // once is all
  }
  for (std::size_t const index : {4u, 0u, 2u}) { // the last, the first and one between
    listeners[index]->leave(some_number);
    listeners[index]->leave(some_number);
  }
  closing_listeners::tell(some_number);
  for (std::size_t index = 0; index != listeners.size(); ++index) {
    BOOST_TEST_CONTEXT("listener " << index) {
      BOOST_TEST(listeners[index]->count == (index % 2 == 1 ? 1 : 0));
    }
  }
}

// The first to enter has a place of its own, which another one gets when it leaves.
BOOST_AUTO_TEST_CASE(those_that_come_and_go_in_any_order_leave_nothing_behind) {
  auto const first = listener::make(), second = listener::make(), third = listener::make();
  first->enter(some_number);
  second->enter(some_number);
  first->leave(some_number);
  second->enter(some_number); // once is all, wherever it is
  third->enter(some_number);
  first->enter(some_number);
  third->leave(some_number);
  closing_listeners::tell(some_number);
  BOOST_TEST(first->count == 1);
  BOOST_TEST(second->count == 1);
  BOOST_TEST(third->count == 0);
}

BOOST_AUTO_TEST_CASE(one_that_is_being_destroyed_is_passed_over) {
  auto const heard = listener::make();
  heard->enter(some_number);
  {
    auto const gone = listener::make();
    gone->enter(some_number);
    gone->closes_at_its_end = true;
  }
  BOOST_TEST(heard->count == 1);
}

BOOST_AUTO_TEST_CASE(one_that_enters_again_hears_again) {
  auto const heard = listener::make();
  heard->enters_again = true;
  heard->enter(some_number);
  closing_listeners::tell(some_number);
  BOOST_TEST(heard->count == 2);
}

// --- Contexts --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(every_context_that_waits_hears_of_a_close_in_another_thread) {
  auto ends = mioext::pipe();
  waiting first(ends.first);
  waiting second(ends.first);
  std::thread closes([&ends] { ends.first.close(); });
  run(first.context);
  run(second.context);
  closes.join();
  BOOST_TEST(first.result == ended(error::operation_aborted));
  BOOST_TEST(second.result == ended(error::operation_aborted));
}

// What was watched stays watched between two waits; so does the wish to hear of its end.
BOOST_AUTO_TEST_CASE(one_wait_after_another_for_a_number_that_is_closed_in_between) {
  tested_context context;
  for (int round = 0; round != 3; ++round) {
    auto ends = mioext::pipe();
    outcome writable;
    async_wait(context, ends.second, interest::writable, into(writable));
    run(context);
    BOOST_TEST(writable == ended());
    ends.first.close();
    ends.second.close();
  }
  auto ends = mioext::pipe();
  outcome readable;
  async_wait(context, ends.first, interest::readable, into(readable));
  context.restart();
  context.poll();
  ends.first.close();
  run(context);
  BOOST_TEST(readable == ended(error::operation_aborted));
}

BOOST_AUTO_TEST_CASE(a_stream_that_was_released_hears_no_more_of_its_number) {
  tested_context context;
  auto ends = mioext::pipe();
  mioext::stream<mioext::pipe_reader> stream(context, std::move(ends.first));
  char byte = 0;
  outcome read;
  stream.async_read_some(boost::asio::buffer(&byte, 1), into(read));
  mioext::pipe_reader released;
  released.assign(stream.release());
  run(context);
  BOOST_TEST(read == ended(error::operation_aborted));
  waiting other(released);
  released.close();
  run(other.context);
  BOOST_TEST(other.result == ended(error::operation_aborted));
}

namespace {

/// The context's, with a queue that needs memory.
struct queueing_executor {
  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept {
    return *context;
  }
  queueing_executor require(boost::asio::execution::blocking_t::never_t) const noexcept {
    return *this;
  }
  template <class Function> void execute(Function&& function) const {
    if (*is_out_of_memory) {
      throw std::bad_alloc();
    }
    boost::asio::require(context->get_executor(), boost::asio::execution::blocking.never)
        .execute(std::forward<Function>(function));
  }
  bool operator==(queueing_executor const& other) const noexcept {
    return context == other.context;
  }
  bool operator!=(queueing_executor const& other) const noexcept { return !(*this == other); }

  tested_context* context;
  bool const* is_out_of_memory;
};

} // namespace

// It ended in std::terminate().
BOOST_AUTO_TEST_CASE(what_an_executor_has_no_memory_for_is_dropped_by_a_close) {
  tested_context context;
  bool is_out_of_memory = false;
  queueing_executor const executor{&context, &is_out_of_memory};
  auto ends = mioext::pipe();
  auto other_ends = mioext::pipe();
  auto const owned = std::make_shared<int>(0);
  outcome other;
  async_wait(executor, ends.first, interest::readable, [owned](error_code const&) { ++*owned; });
  async_wait(executor, ends.first, interest::readable, [owned](error_code const&) { ++*owned; });
  async_wait(executor, other_ends.first, interest::readable, into(other));
  context.poll();
  BOOST_TEST(owned.use_count() == 3);
  is_out_of_memory = true;
  ends.first.close();
  is_out_of_memory = false;
#ifdef MIOEXT_TEST_SELECTOR_CONTEXT
  BOOST_TEST(owned.use_count() == 3); // they wait for the next run
#else
  BOOST_TEST(owned.use_count() == 1);
#endif
  BOOST_TEST(*owned == 0);
  other_ends.first.close();
  run(context);
  BOOST_TEST(other == ended(error::operation_aborted));
}

// A context may go in one thread while what it watches is closed in another.
BOOST_AUTO_TEST_CASE(contexts_go_while_handles_are_closed) {
  for (int round = 0; round != 200; ++round) {
    std::vector<std::pair<mioext::pipe_reader, mioext::pipe_writer>> pipes(4);
    std::unique_ptr<tested_context> context(new tested_context);
    int calls = 0;
    for (auto& ends : pipes) {
      ends = mioext::pipe();
      async_wait(*context, ends.first, interest::readable, [&calls](error_code) { ++calls; });
    }
    std::thread closes([&pipes] { pipes.clear(); });
    context.reset();
    closes.join();
    BOOST_TEST(calls == 0);
  }
}

// One context a thread, each with descriptors of its own, whose numbers wander from one to the other.
BOOST_AUTO_TEST_CASE(each_thread_closes_what_its_own_context_watches) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int count = 0; count != 4; ++count) {
    threads.emplace_back([&wrong] {
      tested_context context;
      for (int round = 0; round != 300; ++round) {
        auto ends = mioext::pipe();
        mioext::stream<mioext::pipe_reader> stream(context, std::move(ends.first));
        outcome read;
        outcome writable;
        char byte = 0;
        stream.async_read_some(boost::asio::buffer(&byte, 1), into(read));
        async_wait(context, ends.second, interest::writable, into(writable));
        context.restart();
        while (writable.calls == 0 && context.run_one_for(support::patience) != 0) {
        }
        ends.second.close();
        if (round % 2 == 0) {
          stream.close();
        }
        context.restart();
        context.run_for(support::patience);
        wrong += read.calls != 1 || writable.calls != 1 || writable.error;
      }
    });
  }
  for (std::thread& each : threads) {
    each.join();
  }
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_SUITE_END()
