//
// test/selector_context.cpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A selector_context as an execution context: running, posting, executors, work, exceptions. Everything is
// done once with an io_context and once with a selector_context, which has to behave alike.
//

#include <mioext/selector_context.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <pthread.h>
#include <signal.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include "support.hpp"

// Boost 1.81: executors for completion handlers whose type is erased.
#if BOOST_ASIO_VERSION >= 102600
#include <boost/asio/any_completion_executor.hpp>
#endif

namespace {

namespace asio = boost::asio;
namespace execution = boost::asio::execution;
using boost::system::error_code;

using contexts = std::tuple<asio::io_context, mioext::selector_context>;

/// The work of a thread that is joined in any case.
class helper {
public:
  template <class Function> explicit helper(Function function) : thread_(std::move(function)) {}
  ~helper() { thread_.join(); }
  helper(helper const&) = delete;
  helper& operator=(helper const&) = delete;

private:
  std::thread thread_;
};

} // namespace

// --- Running -----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(running)

BOOST_AUTO_TEST_CASE_TEMPLATE(run_calls_what_was_posted_and_counts_it, Context, contexts) {
  Context context;
  std::vector<int> order;
  for (int number : {1, 2, 3}) {
    asio::post(context, [&order, number] { order.push_back(number); });
  }
  BOOST_TEST(order.empty());
  BOOST_TEST(context.run() == 3u);
  BOOST_TEST(order == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_without_work_returns_and_has_stopped, Context, contexts) {
  Context context;
  BOOST_TEST(!context.stopped());
  BOOST_TEST(context.run() == 0u);
  BOOST_TEST(context.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_posted_after_the_end_waits_for_a_restart, Context, contexts) {
  Context context;
  context.run();
  int calls = 0;
  asio::post(context, [&calls] { ++calls; });
  BOOST_TEST(context.run() == 0u);
  BOOST_TEST(context.poll_one() == 0u);
  BOOST_TEST(calls == 0);
  context.restart();
  BOOST_TEST(!context.stopped());
  BOOST_TEST(context.run() == 1u);
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_run_without_time_looks_at_nothing, Context, contexts) {
  Context context;
  BOOST_TEST(context.run_for(std::chrono::seconds(0)) == 0u);
  BOOST_TEST(context.run_one_for(std::chrono::seconds(-1)) == 0u);
  BOOST_TEST(!context.stopped());
  int calls = 0;
  asio::post(context, [&calls] { ++calls; });
  BOOST_TEST(context.run() == 1u);
  BOOST_TEST(calls == 1);
}

// What is queued when a run ends is called by the next one, before what that one posts.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_posted_between_two_runs_keeps_its_place, Context, contexts) {
  Context context;
  std::vector<int> order;
  auto const note = [&order](int number) { return [&order, number] { order.push_back(number); }; };
  asio::post(context, note(1));
  asio::post(context, [&] {
    order.push_back(2);
    asio::post(context, note(4));
  });
  BOOST_TEST(context.run_one() == 1u);
  asio::post(context, note(3));
  BOOST_TEST(context.run() == 3u);
  BOOST_TEST(order == (std::vector<int>{1, 2, 3, 4}), boost::test_tools::per_element());
}

// As a mutex would do.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_written_before_stop_is_read_after_run, Context, contexts) {
  Context context;
  auto const guard = asio::make_work_guard(context);
  int result = 0;
  helper const stops([&] {
    result = 42;
    context.stop();
  });
  context.run();
  BOOST_TEST(result == 42);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_one_and_poll_one_call_one, Context, contexts) {
  Context context;
  int calls = 0;
  for (int number = 0; number != 4; ++number) {
    asio::post(context, [&calls] { ++calls; });
  }
  BOOST_TEST(context.run_one() == 1u);
  BOOST_TEST(context.poll_one() == 1u);
  BOOST_TEST(context.run_one_for(std::chrono::hours(1)) == 1u);
  BOOST_TEST(calls == 3);
  BOOST_TEST(context.poll() == 1u);
  BOOST_TEST(calls == 4);
  BOOST_TEST(context.poll() == 0u);
  BOOST_TEST(context.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_a_function_posts_is_called_by_the_same_run, Context, contexts) {
  Context context;
  int calls = 0;
  std::function<void()> const again = [&] {
    if (++calls != 1000) {
      asio::post(context, again);
    }
  };
  asio::post(context, again);
  BOOST_TEST(context.run() == 1000u);
  BOOST_TEST(calls == 1000);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(poll_does_not_wait, Context, contexts) {
  Context context;
  auto const work = asio::make_work_guard(context);
  BOOST_TEST(context.poll() == 0u);
  BOOST_TEST(context.poll_one() == 0u);
  BOOST_TEST(!context.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_limited_run_ends_without_having_stopped, Context, contexts) {
  Context context;
  auto const work = asio::make_work_guard(context);
  auto const begin = std::chrono::steady_clock::now();
  BOOST_TEST(context.run_for(std::chrono::milliseconds(20)) == 0u);
  BOOST_TEST((std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(20)));
  BOOST_TEST(context.run_one_for(std::chrono::milliseconds(1)) == 0u);
  BOOST_TEST(context.run_until(std::chrono::steady_clock::now()) == 0u);
  BOOST_TEST(context.run_one_until(std::chrono::system_clock::now()) == 0u);
  BOOST_TEST(!context.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_run_whose_time_is_over_calls_nothing, Context, contexts) {
  Context context;
  int calls = 0;
  asio::post(context, [&calls] { ++calls; });
  auto const past = std::chrono::steady_clock::now() - std::chrono::hours(1);
  std::size_t const counted = context.run_one_until(past);
  BOOST_TEST(static_cast<int>(counted) == calls);
  BOOST_TEST(calls == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_leaves_the_rest_for_the_next_run, Context, contexts) {
  Context context;
  int calls = 0;
  asio::post(context, [&] {
    ++calls;
    context.stop();
  });
  asio::post(context, [&calls] { ++calls; });
  BOOST_TEST(context.run() == 1u);
  BOOST_TEST(context.stopped());
  BOOST_TEST(calls == 1);
  context.restart();
  BOOST_TEST(context.run() == 1u);
  BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_wakes_a_run_from_another_thread, Context, contexts) {
  Context context;
  auto const work = asio::make_work_guard(context);
  helper const stopper([&context] { context.stop(); });
  BOOST_TEST(context.run_for(support::patience) == 0u);
  BOOST_TEST(context.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_function_of_another_thread_wakes_a_run, Context, contexts) {
  Context context;
  auto const work = asio::make_work_guard(context);
  bool is_called = false;
  helper const poster([&] {
    asio::post(context, [&] {
      is_called = true;
      context.stop();
    });
  });
  context.run_for(support::patience);
  BOOST_TEST(is_called);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(many_threads_post_and_nothing_is_lost, Context, contexts) {
  Context context;
  auto work = asio::make_work_guard(context);
  constexpr int threads = 4;
  constexpr int each = 2000;
  int calls = 0;
  std::vector<std::vector<int>> seen(threads);
  std::vector<std::thread> posters;
  for (int thread = 0; thread != threads; ++thread) {
    posters.emplace_back([&, thread] {
      for (int number = 0; number != each; ++number) {
        asio::post(context, [&, thread, number] {
          seen[static_cast<std::size_t>(thread)].push_back(number);
          if (++calls == threads * each) {
            work.reset();
          }
        });
      }
    });
  }
  context.run_for(support::patience);
  for (std::thread& poster : posters) {
    poster.join();
  }
  BOOST_TEST(calls == threads * each);
  for (std::vector<int> const& numbers : seen) {
    BOOST_TEST(std::is_sorted(numbers.begin(), numbers.end()));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_function_may_run_the_context_itself, Context, contexts) {
  Context context;
  std::vector<int> order;
  asio::post(context, [&] {
    order.push_back(1);
    BOOST_TEST(context.poll_one() == 1u);
    order.push_back(3);
  });
  asio::post(context, [&order] { order.push_back(2); });
  asio::post(context, [&order] { order.push_back(4); });
  context.run();
  BOOST_TEST(order == (std::vector<int>{1, 2, 3, 4}), boost::test_tools::per_element());
}

// A function that is being called is work.
BOOST_AUTO_TEST_CASE_TEMPLATE(what_a_function_runs_does_not_stop_the_run_around_it, Context,
                              contexts) {
  Context context;
  int calls = 0;
  asio::post(context, [&] {
    BOOST_TEST(context.poll() == 0u);
    BOOST_TEST(context.run_for(std::chrono::milliseconds(1)) == 0u);
    BOOST_TEST(!context.stopped());
    asio::post(context, [&calls] { ++calls; });
    asio::post(context, [&calls] { ++calls; });
    BOOST_TEST(context.run_one() == 1u);
    BOOST_TEST(!context.stopped());
  });
  BOOST_TEST(context.run() == 2u);
  BOOST_TEST(calls == 2);
  BOOST_TEST(context.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_ends_the_runs_that_functions_began, Context, contexts) {
  Context context;
  asio::post(context, [&] {
    asio::post(context, [&context] { context.stop(); });
    BOOST_TEST(context.run() == 2u);
    asio::post(context, [] {});
  });
  asio::post(context, [] {});
  BOOST_TEST(context.run() == 1u);
  BOOST_TEST(context.stopped());
  context.restart();
  BOOST_TEST(context.run() == 1u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_last_function_of_all_stops_even_what_calls_one, Context,
                              contexts) {
  Context context;
  asio::post(context, [] {});
  asio::post(context, [] {});
  asio::post(context, [] { throw std::runtime_error("last"); });
  BOOST_TEST(context.run_one() == 1u);
  BOOST_TEST(!context.stopped());
  BOOST_TEST(context.poll_one() == 1u);
  BOOST_TEST(!context.stopped());
  BOOST_CHECK_THROW(context.run_one(), std::runtime_error);
  BOOST_TEST(context.stopped());
  asio::post(context, [] {});
  BOOST_TEST(context.run_one() == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_limited_run_ends_while_functions_go_on_coming, Context, contexts) {
  Context context;
  std::size_t calls = 0;
  std::function<void()> const again = [&] {
    ++calls;
    asio::post(context, again);
  };
  asio::post(context, again);
  BOOST_TEST(context.run_for(std::chrono::seconds(0)) == 0u);
  BOOST_TEST(context.run_one_for(std::chrono::seconds(-1)) == 0u);
  BOOST_TEST(context.run_for(std::chrono::milliseconds(1)) == calls);
  BOOST_TEST(context.run_until(std::chrono::system_clock::now() + std::chrono::milliseconds(1)) !=
             0u);
  BOOST_TEST(!context.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_signal_does_not_end_a_wait, Context, contexts) {
  struct ::sigaction ignore = {};
  ignore.sa_handler = [](int) {};
  struct ::sigaction before = {};
  BOOST_REQUIRE(::sigaction(SIGUSR1, &ignore, &before) == 0); // without SA_RESTART
  Context context;
  auto const work = asio::make_work_guard(context);
  ::pthread_t const waiting = ::pthread_self();
  {
    helper const signaller([&context, waiting] {
      for (int count = 0; count != 3; ++count) {
        ::pthread_kill(waiting, SIGUSR1);
        std::this_thread::yield();
      }
      asio::post(context, [] {});
    });
    BOOST_TEST(context.run_one_for(support::patience) == 1u);
  }
  BOOST_TEST(context.run_one_for(std::chrono::milliseconds(1)) == 0u);
  ::sigaction(SIGUSR1, &before, nullptr);
}

/// A context inside another's function is a place of its own.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_function_may_run_another_context, Context, contexts) {
  Context outer;
  Context inner;
  std::vector<int> order;
  asio::post(outer, [&] {
    asio::post(inner, [&] {
      BOOST_TEST(inner.get_executor().running_in_this_thread());
      BOOST_TEST(outer.get_executor().running_in_this_thread());
      order.push_back(1);
      asio::post(outer, [&order] { order.push_back(3); });
      asio::dispatch(outer, [&order] { order.push_back(2); });
    });
    inner.run();
    BOOST_TEST(!inner.get_executor().running_in_this_thread());
  });
  outer.run();
  BOOST_TEST(order == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

// --- Work --------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(work)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_run_ends_when_another_thread_gives_up_the_last_work, Context,
                              contexts) {
  Context context;
  auto work = asio::make_work_guard(context);
  helper const finisher([&work] { work.reset(); });
  BOOST_TEST(context.run_for(support::patience) == 0u);
  BOOST_TEST(context.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_tracking_executor_is_work_for_as_long_as_it_lives, Context,
                              contexts) {
  Context context;
  {
    auto tracking = asio::require(context.get_executor(), execution::outstanding_work.tracked);
    auto copy = tracking;
    auto moved = std::move(tracking);
    auto assigned = copy;
    assigned = moved;
    if (BOOST_ASIO_VERSION >= 102400 || !std::is_same<Context, asio::io_context>::value) {
      assigned = std::move(copy); // after that an io_context of Boost 1.74 has work for ever
    }
    context.poll();
    BOOST_TEST(!context.stopped());
    asio::any_io_executor const erased = moved;
    auto const untracked = asio::require(moved, execution::outstanding_work.untracked);
    BOOST_TEST((untracked == context.get_executor()));
  }
  context.poll();
  BOOST_TEST(context.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(timers_and_sockets_of_asio_work_in_it, Context, contexts) {
  Context context;
  asio::steady_timer timer(context, std::chrono::milliseconds(1));
  bool has_fired = false;
  std::thread::id thread;
  timer.async_wait([&](error_code const& ec) {
    has_fired = !ec;
    thread = std::this_thread::get_id();
  });
  using asio::ip::tcp;
  tcp::acceptor acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  tcp::socket near(context);
  tcp::socket far(context);
  bool is_connected = false;
  bool is_accepted = false;
  near.async_connect(acceptor.local_endpoint(), [&](error_code const& ec) { is_connected = !ec; });
  acceptor.async_accept(far, [&](error_code const& ec) { is_accepted = !ec; });
  context.run_for(support::patience);
  BOOST_TEST(context.stopped());
  BOOST_TEST(has_fired);
  BOOST_TEST(is_connected);
  BOOST_TEST(is_accepted);
  BOOST_TEST((thread == std::this_thread::get_id()));
}

BOOST_AUTO_TEST_SUITE_END()

// --- Executors ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(executors)

BOOST_AUTO_TEST_CASE_TEMPLATE(dispatch_calls_on_the_spot_inside_and_queues_outside, Context,
                              contexts) {
  Context context;
  std::vector<int> order;
  BOOST_TEST(!context.get_executor().running_in_this_thread());
  asio::dispatch(context, [&] {
    BOOST_TEST(context.get_executor().running_in_this_thread());
    asio::post(context, [&order] { order.push_back(3); });
    asio::defer(context, [&order] { order.push_back(4); });
    asio::dispatch(context, [&order] { order.push_back(1); });
    order.push_back(2);
  });
  BOOST_TEST(order.empty());
  context.run();
  BOOST_TEST(order == (std::vector<int>{1, 2, 3, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(its_properties_are_those_of_an_io_context, Context, contexts) {
  Context context;
  auto const executor = context.get_executor();
  BOOST_TEST((&asio::query(executor, execution::context) == &context));
  BOOST_TEST((asio::query(executor, execution::blocking) == execution::blocking.possibly));
  BOOST_TEST((asio::query(executor, execution::relationship) == execution::relationship.fork));
  BOOST_TEST((asio::query(executor, execution::outstanding_work) ==
              execution::outstanding_work.untracked));
  BOOST_TEST((asio::query(executor, execution::mapping) == execution::mapping.thread));

  auto const never = asio::require(executor, execution::blocking.never);
  BOOST_TEST((asio::query(never, execution::blocking) == execution::blocking.never));
  BOOST_TEST((asio::require(never, execution::blocking.possibly) == executor));
  auto const continues = asio::prefer(executor, execution::relationship.continuation);
  BOOST_TEST(
      (asio::query(continues, execution::relationship) == execution::relationship.continuation));
  auto const tracked = asio::prefer(executor, execution::outstanding_work.tracked);
  BOOST_TEST(
      (asio::query(tracked, execution::outstanding_work) == execution::outstanding_work.tracked));

  bool is_called = false;
  asio::post(context, [&] {
    never.execute([&is_called] { is_called = true; });
    BOOST_TEST(!is_called);
    executor.execute([&is_called] { is_called = true; });
    BOOST_TEST(is_called);
  });
  BOOST_TEST(context.poll() == 2u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(executors_of_one_context_are_equal, Context, contexts) {
  Context one;
  Context other;
  BOOST_TEST((one.get_executor() == one.get_executor()));
  BOOST_TEST((one.get_executor() != other.get_executor()));
  auto executor = one.get_executor();
  executor = other.get_executor();
  BOOST_TEST((executor == other.get_executor()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(its_type_can_be_erased, Context, contexts) {
  Context context;
  asio::any_io_executor const erased = context.get_executor();
  BOOST_TEST((erased == asio::any_io_executor(context.get_executor())));
  BOOST_TEST((&asio::query(erased, execution::context) == &context));
  std::vector<int> order;
  asio::post(erased, [&] {
    asio::post(erased, [&order] { order.push_back(2); });
    asio::dispatch(erased, [&order] { order.push_back(1); });
  });
  auto work = asio::make_work_guard(erased);
  context.poll();
  BOOST_TEST(!context.stopped());
  work.reset();
  context.run();
  BOOST_TEST(order == (std::vector<int>{1, 2}), boost::test_tools::per_element());
#if BOOST_ASIO_VERSION >= 102600
  asio::any_completion_executor const of_handlers = context.get_executor();
  context.restart();
  int calls = 0;
  asio::dispatch(of_handlers, [&calls] { ++calls; });
  context.run();
  BOOST_TEST(calls == 1);
#endif
}

BOOST_AUTO_TEST_CASE_TEMPLATE(strands_keep_their_order, Context, contexts) {
  Context context;
  auto const strand = asio::make_strand(context);
  std::vector<int> order;
  asio::post(strand, [&] {
    BOOST_TEST(strand.running_in_this_thread());
    asio::post(strand, [&order] { order.push_back(3); });
    asio::dispatch(strand, [&order] { order.push_back(1); });
    order.push_back(2);
  });
  asio::post(context, [&strand] { BOOST_TEST(!strand.running_in_this_thread()); });
  context.run();
  BOOST_TEST(order == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(futures_hear_of_results_and_exceptions, Context, contexts) {
  Context context;
  auto result = asio::post(context, asio::use_future([] { return 7; }));
  auto failed =
      asio::post(context, asio::use_future([]() -> int { throw std::runtime_error("no"); }));
  BOOST_TEST(context.run() == 2u);
  BOOST_TEST(result.get() == 7);
  BOOST_CHECK_THROW(failed.get(), std::runtime_error);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(functions_may_be_movable_only, Context, contexts) {
  Context context;
  struct movable {
    void operator()() { *called = true; }
    std::unique_ptr<int> owned;
    bool* called;
  };
  bool is_called = false;
  context.get_executor().execute(movable{std::unique_ptr<int>(new int(1)), &is_called});
  context.run();
  BOOST_TEST(is_called);
}

template <class T> struct counting {
  using value_type = T;
  explicit counting(std::size_t& count_used) noexcept : count(&count_used) {}
  template <class U> counting(counting<U> const& other) noexcept : count(other.count) {}
  T* allocate(std::size_t size) {
    ++*count;
    return std::allocator<T>().allocate(size);
  }
  void deallocate(T* memory, std::size_t size) noexcept {
    std::allocator<T>().deallocate(memory, size);
  }
  friend bool operator==(counting const& left, counting const& right) noexcept {
    return left.count == right.count;
  }
  friend bool operator!=(counting const& left, counting const& right) noexcept {
    return !(left == right);
  }

  std::size_t* count;
};

BOOST_AUTO_TEST_CASE_TEMPLATE(an_allocator_is_used_for_what_is_queued, Context, contexts) {
  Context context;
  std::size_t count = 0;
  auto const executor =
      asio::require(context.get_executor(), execution::allocator(counting<void>(count)));
  executor.execute([] {});
  BOOST_TEST(count == 1u);
  context.run();
  auto const usual = asio::require(executor, execution::allocator);
  context.restart();
  usual.execute([] {});
  context.run();
  BOOST_TEST(count == 1u);
}

#ifndef BOOST_ASIO_NO_TS_EXECUTORS
BOOST_AUTO_TEST_CASE_TEMPLATE(functions_may_be_over_aligned, Context, contexts) {
  struct alignas(64) aligned {
    explicit aligned(int& written) : misaligned(&written) {}
    void operator()() const {
      *misaligned += reinterpret_cast<std::uintptr_t>(static_cast<void const*>(padding)) % 64 != 0;
    }
    unsigned char padding[64] = {};
    int* misaligned;
  };
  Context context;
  int misaligned = 0;
  for (int index = 0; index != 20; ++index) {
    boost::asio::post(context, aligned(misaligned));
    boost::asio::post(context, [] {});
  }
  context.run();
  BOOST_TEST(misaligned == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_is_an_executor_of_the_networking_ts_too, Context, contexts) {
  Context context;
  auto const executor = context.get_executor();
  std::allocator<void> const allocator;
  std::vector<int> order;
  BOOST_TEST((&executor.context() == &context));
  executor.on_work_started();
  executor.post(
      [&] {
        executor.post([&order] { order.push_back(2); }, allocator);
        executor.defer([&order] { order.push_back(3); }, allocator);
        executor.dispatch([&order] { order.push_back(1); }, allocator);
      },
      allocator);
  context.poll();
  BOOST_TEST(!context.stopped());
  executor.on_work_finished();
  context.poll();
  BOOST_TEST(context.stopped());
  BOOST_TEST(order == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
}
#endif

BOOST_AUTO_TEST_SUITE_END()

// --- Exceptions and ends -----------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(ends)

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_leaves_the_run_and_the_next_run_goes_on, Context,
                              contexts) {
  Context context;
  int calls = 0;
  asio::post(context, [] { throw std::runtime_error("first"); });
  asio::post(context, [&calls] { ++calls; });
  BOOST_CHECK_THROW(context.run(), std::runtime_error);
  BOOST_TEST(calls == 0);
  BOOST_TEST(!context.stopped());
  BOOST_TEST(!context.get_executor().running_in_this_thread());
  BOOST_TEST(context.run() == 1u);
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_of_a_call_on_the_spot_leaves_the_run, Context,
                              contexts) {
  Context context;
  bool has_returned = false;
  asio::post(context, [&] {
    context.get_executor().execute([] { throw std::runtime_error("inside"); });
    has_returned = true;
  });
  BOOST_CHECK_THROW(context.run(), std::runtime_error);
  BOOST_TEST(has_returned);
  BOOST_TEST(context.run() == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(several_exceptions_of_calls_on_the_spot_leave_as_one, Context,
                              contexts) {
  Context context;
  asio::post(context, [&] {
    for (int count = 0; count != 3; ++count) {
      context.get_executor().execute([count] { throw count; });
    }
  });
  int first = -1;
  try {
    context.run();
  } catch (asio::multiple_exceptions const& thrown) {
    try {
      std::rethrow_exception(thrown.first_exception());
    } catch (int number) {
      first = number;
    }
  }
  BOOST_TEST(first == 0);
  context.restart();
  asio::post(context, [&] { context.get_executor().execute([] { throw 7; }); });
  BOOST_CHECK_THROW(context.run(), int);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_finds_its_context_through_another, Context, contexts) {
  Context outer;
  Context inner;
  bool has_left_inner = false;
  asio::post(outer, [&] {
    asio::post(inner,
               [&] { outer.get_executor().execute([] { throw std::runtime_error("outer"); }); });
    BOOST_TEST(inner.run() == 1u);
    has_left_inner = true;
  });
  BOOST_CHECK_THROW(outer.run(), std::runtime_error);
  BOOST_TEST(has_left_inner);
}

/// Sets a flag when it goes.
struct flag_setter {
  explicit flag_setter(int& flag) : set(flag) {}
  ~flag_setter() { ++set; }
  int& set;
};

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_pending_at_the_end_is_dropped_uncalled, Context, contexts) {
  int dropped = 0;
  int calls = 0;
  {
    Context context;
    auto const held = std::make_shared<flag_setter>(dropped);
    asio::post(context, [held, &calls] { ++calls; });
    asio::steady_timer timer(context, std::chrono::hours(1));
    auto const kept = std::make_shared<flag_setter>(dropped);
    timer.async_wait([kept, &calls](error_code const&) { ++calls; });
  }
  BOOST_TEST(calls == 0);
  BOOST_TEST(dropped == 2);
}

/// Posts once more when it is dropped.
struct poster {
  ~poster() {
    if (left != 0) {
      auto const next = std::make_shared<poster>(poster{context, left - 1, dropped});
      asio::post(context, [next] {});
    }
    ++dropped;
  }
  poster(asio::any_io_executor used, int count, int& counted)
      : context(std::move(used)), left(count), dropped(counted) {}
  poster(poster&& other) noexcept
      : context(other.context), left(other.left), dropped(other.dropped) {
    other.left = 0;
    --dropped;
  }
  asio::any_io_executor context;
  int left;
  int& dropped;
};

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_posted_by_what_is_dropped_is_dropped_too, Context, contexts) {
  int dropped = 0;
  {
    Context context;
    auto const first = std::make_shared<poster>(poster{context.get_executor(), 3, dropped});
    asio::post(context, [first] {});
  }
  BOOST_TEST(dropped == 4);
}

BOOST_AUTO_TEST_SUITE_END()
