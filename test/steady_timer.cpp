//
// test/steady_timer.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Timers: each case with Asio's timer and with mioext's, in an io_context and in a selector_context.
//

#include <mioext/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/pipe.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/stream.hpp>

#include "allocations.hpp"
#include "child.hpp"
#include "contexts.hpp"
#include "support.hpp"
#include "systems.hpp"

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#endif

namespace {

namespace asio = boost::asio;
using asio::io_context;
using boost::system::error_code;
using contexts::counting_allocator;
using contexts::counts;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using mioext::selector_context;
using std::chrono::hours;
using std::chrono::milliseconds;
using clock_type = std::chrono::steady_clock;

/// A context, and a timer in it.
template <class Context, class Timer> struct in {
  using context = Context;
  using timer = Timer;
};

using asios_in_io_context = in<io_context, asio::steady_timer>;
using ours_in_io_context = in<io_context, mioext::steady_timer>;
using ours_in_selector_context = in<selector_context, mioext::steady_timer>;

/// Asio's timers in a selector_context expire in a thread of Asio's.
using asios_in_selector_context = in<selector_context, asio::steady_timer>;

using ours = std::tuple<ours_in_io_context, ours_in_selector_context>;
using in_the_contexts_thread =
    std::tuple<asios_in_io_context, ours_in_io_context, ours_in_selector_context>;
using all = std::conditional<
    test::is_asio_over_io_uring,
    in_the_contexts_thread, // a selector_context with a timer of Asio's may hang when it goes
    std::tuple<asios_in_io_context, ours_in_io_context, ours_in_selector_context,
               asios_in_selector_context>>::type;
/// Contexts over io_uring do not survive a fork.
using with_forks =
    std::conditional<test::is_asio_over_io_uring, std::tuple<ours_in_selector_context>,
                     in_the_contexts_thread>::type;

/// What run() and the like return: how many handlers were called. Over io_uring Asio counts more than those.
struct handler_count {
  std::size_t told;
};

inline bool operator==(handler_count actual, std::size_t expected) {
  return test::is_asio_over_io_uring ? actual.told >= expected : actual.told == expected;
}

inline std::ostream& operator<<(std::ostream& stream, handler_count printed) {
  return stream << printed.told;
}

/// Runs until nothing is left to do.
template <class Context> handler_count run(Context& context) {
  context.restart();
  handler_count const called{context.run_for(support::patience)};
  BOOST_REQUIRE_MESSAGE(context.stopped(), "the context waits for something that never happens");
  return called;
}

ended aborted() { return ended(asio::error::operation_aborted); }

/// Says when it is destroyed.
class witness {
public:
  explicit witness(int& count) : count_(&count) {}
  witness(witness&& other) noexcept : count_(other.count_) { other.count_ = nullptr; }
  witness(witness const&) = delete;
  ~witness() {
    if (count_) {
      ++*count_;
    }
  }

private:
  int* count_;
};

} // namespace

// --- Members -----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(members)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_new_timer_has_expired, In, all) {
  typename In::context context;
  typename In::timer timer(context);
  BOOST_TEST((timer.expiry() == clock_type::time_point()));
  BOOST_TEST((timer.get_executor() == context.get_executor()));
  BOOST_TEST(timer.cancel() == 0u);
  BOOST_TEST(timer.cancel_one() == 0u);
  timer.wait();
  outcome waited;
  timer.async_wait(into(waited));
  BOOST_TEST(waited.calls == 0);
  BOOST_TEST(run(context) == 1u);
  BOOST_TEST(waited == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(it_is_made_of_an_executor_or_a_context_and_a_time, In, all) {
  using timer = typename In::timer;
  typename In::context context;
  auto const executor = context.get_executor();
  auto const point = clock_type::now() + hours(1);
  BOOST_TEST((timer(context, point).expiry() == point));
  BOOST_TEST((timer(executor, point).expiry() == point));
  BOOST_TEST((timer(executor).expiry() == clock_type::time_point()));
  BOOST_TEST((timer(context, hours(2)).expiry() > point));
  BOOST_TEST((timer(executor, milliseconds(1)).expiry() < point));
  static_assert(!std::is_copy_constructible<timer>::value && !std::is_copy_assignable<timer>::value,
                "one timer is one");
  static_assert(!std::is_convertible<typename In::context&, timer>::value, "explicit");
  static_assert(std::is_same<typename timer::clock_type, clock_type>::value &&
                    std::is_same<typename timer::duration, clock_type::duration>::value &&
                    std::is_same<typename timer::time_point, clock_type::time_point>::value &&
                    std::is_same<typename timer::executor_type, asio::any_io_executor>::value,
                "Asio's types");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_duration_that_is_no_point_in_time_ends_with_the_clock, In, all) {
  typename In::context context;
  typename In::timer timer(context, clock_type::duration::max());
  BOOST_TEST((timer.expiry() == clock_type::time_point::max()));
  timer.expires_after(clock_type::duration::min());
  BOOST_TEST((timer.expiry() < clock_type::now()));
  outcome waited;
  timer.async_wait(into(waited));
  run(context);
  BOOST_TEST(waited == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_new_expiry_time_cancels_what_waits_and_counts_it, In, all) {
  typename In::context context;
  typename In::timer timer(context, hours(1));
  outcome first, second, third;
  timer.async_wait(into(first));
  timer.async_wait(into(second));
  auto const point = clock_type::now() + hours(2);
  BOOST_TEST(timer.expires_at(point) == 2u);
  BOOST_TEST((timer.expiry() == point));
  BOOST_TEST(first.calls == 0);
  timer.async_wait(into(third));
  BOOST_TEST(timer.expires_after(milliseconds(0)) == 1u);
  BOOST_TEST(timer.expires_after(milliseconds(0)) == 0u);
  BOOST_TEST((timer.expiry() < point));
  BOOST_TEST(run(context) == 3u);
  BOOST_TEST(first == aborted());
  BOOST_TEST(second == aborted());
  BOOST_TEST(third == aborted());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(cancel_counts_what_waits_and_leaves_the_expiry_time, In, all) {
  typename In::context context;
  typename In::timer timer(context, hours(1));
  auto const point = timer.expiry();
  std::vector<outcome> waits(5);
  for (outcome& wait : waits) {
    timer.async_wait(into(wait));
  }
  BOOST_TEST(timer.cancel() == 5u);
  BOOST_TEST(timer.cancel() == 0u);
  BOOST_TEST((timer.expiry() == point));
  for (outcome const& wait : waits) {
    BOOST_TEST(wait.calls == 0);
  }
  BOOST_TEST(run(context) == 5u);
  for (outcome const& wait : waits) {
    BOOST_TEST(wait == aborted());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(cancel_one_ends_the_wait_that_began_first, In, all) {
  typename In::context context;
  typename In::timer timer(context, hours(1));
  std::vector<int> order;
  for (int number : {1, 2, 3}) {
    timer.async_wait([&order, number](error_code const& ec) {
      order.push_back(ec == asio::error::operation_aborted ? number : -1);
    });
  }
  BOOST_TEST(timer.cancel_one() == 1u);
  contexts::run_until(context, [&] { return !order.empty(); });
  BOOST_TEST(order == std::vector<int>{1}, boost::test_tools::per_element());
  BOOST_TEST(timer.cancel_one() == 1u);
  BOOST_TEST(timer.cancel_one() == 1u);
  BOOST_TEST(timer.cancel_one() == 0u);
  run(context);
  BOOST_TEST(order == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_that_is_past_can_be_cancelled_until_the_context_runs, In,
                              in_the_contexts_thread) {
  typename In::context context;
  typename In::timer timer(context);
  outcome waited;
  timer.async_wait(into(waited));
  BOOST_TEST(timer.cancel() == 1u);
  run(context);
  BOOST_TEST(waited == aborted());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_whose_time_has_come_is_not_cancelled_any_more, In,
                              in_the_contexts_thread) {
  typename In::context context;
  typename In::timer first(context, clock_type::now());
  typename In::timer second(context, clock_type::now());
  outcome waited;
  std::size_t cancelled = 7;
  first.async_wait([&](error_code const&) { cancelled = second.cancel(); });
  second.async_wait(into(waited));
  BOOST_TEST(run(context) == 2u);
  BOOST_TEST(cancelled == 0u);
  BOOST_TEST(waited == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_destructor_cancels, In, all) {
  typename In::context context;
  outcome first, second;
  {
    typename In::timer timer(context, hours(1));
    timer.async_wait(into(first));
    timer.async_wait(into(second));
  }
  BOOST_TEST(first.calls == 0);
  BOOST_TEST(run(context) == 2u);
  BOOST_TEST(first == aborted());
  BOOST_TEST(second == aborted());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_blocking_wait_ends_after_the_expiry_time, In, all) {
  typename In::context context;
  typename In::timer timer(context, milliseconds(3));
  timer.wait();
  BOOST_TEST((clock_type::now() >= timer.expiry()));
  timer.expires_after(milliseconds(3));
  error_code ec = asio::error::would_block;
  timer.wait(ec);
  BOOST_TEST(!ec);
  BOOST_TEST((clock_type::now() >= timer.expiry()));
  timer.expires_at(clock_type::time_point::min());
  timer.wait();
}

BOOST_AUTO_TEST_SUITE_END()

// --- Moving ------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(moving)

BOOST_AUTO_TEST_CASE_TEMPLATE(waits_move_with_their_timer, In, all) {
  typename In::context context;
  typename In::timer from(context, hours(1));
  auto const point = from.expiry();
  outcome first, second;
  from.async_wait(into(first));
  from.async_wait(into(second));
  typename In::timer to(std::move(from));
  BOOST_TEST((to.expiry() == point));
  BOOST_TEST(to.cancel_one() == 1u);
  typename In::timer assigned(context, hours(2));
  outcome own;
  assigned.async_wait(into(own));
  assigned = std::move(to);
  BOOST_TEST((assigned.expiry() == point));
  BOOST_TEST(assigned.cancel() == 1u);
  run(context);
  BOOST_TEST(first == aborted());
  BOOST_TEST(second == aborted());
  BOOST_TEST(own == aborted());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_moved_from_timer_is_as_new, In, all) {
  typename In::context context;
  typename In::timer from(context, hours(1));
  outcome first, second;
  from.async_wait(into(first));
  typename In::timer const to(std::move(from));
  BOOST_TEST((from.expiry() == clock_type::time_point()));
  BOOST_TEST((from.get_executor() == context.get_executor()));
  BOOST_TEST(from.cancel() == 0u);
  from.async_wait(into(second));
  contexts::run_until(context, [&] { return second.calls != 0; });
  BOOST_TEST(second == ended());
  BOOST_TEST(first.calls == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_moved_timer_expires_where_it_is_now, In, all) {
  typename In::context context;
  outcome waited;
  std::vector<typename In::timer> timers;
  timers.emplace_back(context, milliseconds(5));
  timers.back().async_wait(into(waited));
  for (int number = 0; number != 20; ++number) {
    timers.emplace_back(context); // which moves the first one now and then
  }
  BOOST_TEST(run(context) == 1u);
  BOOST_TEST(waited == ended());
  BOOST_TEST(timers.front().cancel() == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timer_moves_to_another_context, In, all) {
  typename In::context one, other;
  typename In::timer timer(one, hours(1));
  outcome first, second;
  timer.async_wait(into(first));
  typename In::timer taken(other, milliseconds(1));
  taken.async_wait(into(second));
  timer = std::move(taken);
  BOOST_TEST((timer.get_executor() == other.get_executor()));
  run(one);
  BOOST_TEST(first == aborted());
  run(other);
  BOOST_TEST(second == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timer_converts_to_one_of_a_wider_executor, In, all) {
  using context_type = typename In::context;
  using typed =
      typename In::timer::template rebind_executor<typename context_type::executor_type>::other;
  static_assert(
      std::is_same<typename typed::executor_type, typename context_type::executor_type>::value,
      "rebound");
  context_type context;
  typed from(context, hours(1));
  outcome waited;
  from.async_wait(into(waited));
  typename In::timer to(std::move(from));
  BOOST_TEST((from.expiry() == clock_type::time_point()));
  BOOST_TEST(to.cancel() == 1u);
  to.async_wait(into(waited));
  typed again(context, hours(3));
  auto const point = again.expiry();
  to = std::move(again);
  BOOST_TEST((to.expiry() == point));
  run(context);
  BOOST_TEST(waited.calls == 2);
  BOOST_TEST(waited.error == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_SUITE_END()

// --- Time --------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(points_in_time)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_never_ends_early, In, all) {
  typename In::context context;
  std::vector<std::unique_ptr<typename In::timer>> timers;
  std::size_t early = 0;
  std::size_t calls = 0;
  for (int number = 0; number != 100; ++number) {
    timers.emplace_back(new
                        typename In::timer(context, std::chrono::microseconds(number * 97 + 1)));
    typename In::timer& timer = *timers.back();
    timer.async_wait([&](error_code const& ec) {
      early += clock_type::now() < timer.expiry() ? 1 : 0;
      calls += ec ? 0 : 1;
    });
  }
  BOOST_TEST(run(context) == 100u);
  BOOST_TEST(calls == 100u);
  BOOST_TEST(early == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(timers_end_in_the_order_of_their_times, In, all) {
  typename In::context context;
  std::vector<std::unique_ptr<typename In::timer>> timers;
  std::vector<int> order;
  std::vector<int> expected;
  auto head_start = milliseconds(50);
  auto begin = clock_type::time_point::min();
  while (begin <= clock_type::now()) { // again if the first one expired before the last one was set
    timers.clear();
    run(context);
    order.clear();
    expected.clear();
    begin = clock_type::now() + head_start;
    head_start *= 2;
    for (int number = 0; number != 60; ++number) {
      int const after = number * 37 % 60; // each number once
      timers.emplace_back(new typename In::timer(context, begin + milliseconds(after)));
      timers.back()->async_wait([&order, after](error_code const&) { order.push_back(after); });
      expected.push_back(number);
    }
  }
  BOOST_TEST(run(context) == 60u);
  BOOST_TEST(order == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_waits_of_one_timer_end_in_their_order, In, all) {
  typename In::context context;
  typename In::timer timer(context, milliseconds(2));
  std::vector<int> order;
  for (int number : {1, 2, 3, 4}) {
    timer.async_wait([&order, number](error_code const& ec) { order.push_back(ec ? -1 : number); });
  }
  BOOST_TEST(run(context) == 4u);
  BOOST_TEST(order == (std::vector<int>{1, 2, 3, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(poll_finds_what_is_past, In, in_the_contexts_thread) {
  typename In::context context;
  typename In::timer first(context, milliseconds(0));
  typename In::timer second(context, clock_type::now());
  typename In::timer third(context, clock_type::time_point::min());
  typename In::timer later(context, hours(1));
  outcome waited[4];
  first.async_wait(into(waited[0]));
  second.async_wait(into(waited[1]));
  third.async_wait(into(waited[2]));
  later.async_wait(into(waited[3]));
  std::this_thread::sleep_for(milliseconds(2));
  typename In::timer fourth(context, clock_type::now());
  outcome another;
  fourth.async_wait(into(another));
  BOOST_TEST(handler_count{context.poll()} == 4u);
  BOOST_TEST(waited[0] == ended());
  BOOST_TEST(waited[1] == ended());
  BOOST_TEST(waited[2] == ended());
  BOOST_TEST(waited[3].calls == 0);
  BOOST_TEST(another == ended());
  BOOST_TEST(!context.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_expired_timer_can_be_waited_for_again, In, all) {
  typename In::context context;
  typename In::timer timer(context, milliseconds(1));
  for (int round = 0; round != 3; ++round) {
    outcome waited;
    timer.async_wait(into(waited));
    BOOST_TEST(waited.calls == 0);
    BOOST_TEST(run(context) == 1u);
    BOOST_TEST(waited == ended());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_end_of_time_is_waited_for_and_cancelled, In, all) {
  typename In::context context;
  typename In::timer timer(context, clock_type::time_point::max());
  typename In::timer soon(context, milliseconds(2));
  outcome waited;
  timer.async_wait(into(waited));
  std::size_t cancelled = 0;
  soon.async_wait([&](error_code const&) { cancelled = timer.cancel(); });
  BOOST_TEST(run(context) == 2u);
  BOOST_TEST(cancelled == 1u);
  BOOST_TEST(waited == aborted());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(only_the_end_of_time_is_pending_and_another_thread_stops, In, all) {
  typename In::context context;
  typename In::timer timer(context, clock_type::time_point::max());
  outcome waited;
  timer.async_wait(into(waited));
  auto const stopping = std::async(
      std::launch::async, [&context] { asio::post(context, [&context] { context.stop(); }); });
  BOOST_TEST(handler_count{context.run_for(support::patience)} == 1u);
  BOOST_TEST(context.stopped());
  BOOST_TEST(waited.calls == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timer_set_while_the_context_sleeps_wakes_it, In, all) {
  typename In::context context;
  typename In::timer far(context, hours(1));
  typename In::timer near(context);
  outcome first, second;
  far.async_wait(into(first));
  auto const setting = std::async(std::launch::async, [&] {
    asio::post(context, [&] {
      near.expires_after(milliseconds(1));
      near.async_wait([&](error_code const& ec) {
        into{second}(ec);
        far.cancel();
      });
    });
  });
  run(context);
  BOOST_TEST(first == aborted());
  BOOST_TEST(second == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timer_that_is_cancelled_while_others_wait_delays_none, In,
                              in_the_contexts_thread) {
  typename In::context context;
  typename In::timer first(context, milliseconds(1));
  typename In::timer second(context, milliseconds(20));
  outcome waited[2];
  first.async_wait(into(waited[0]));
  second.async_wait(into(waited[1]));
  first.cancel();
  run(context);
  BOOST_TEST(waited[0] == aborted());
  BOOST_TEST(waited[1] == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(ten_thousand_timers_end_once_each, In, all) {
  typename In::context context;
  std::vector<typename In::timer> timers;
  timers.reserve(10000);
  std::size_t in_time = 0;
  std::size_t cancelled = 0;
  for (int number = 0; number != 10000; ++number) {
    timers.emplace_back(context, milliseconds(number % 3 == 0 ? number % 50 : 1000 * 3600));
    timers.back().async_wait([&](error_code const& ec) { ++(ec ? cancelled : in_time); });
  }
  for (std::size_t number = 0; number != 10000; ++number) {
    if (number % 3 != 0) {
      BOOST_REQUIRE(timers[number].cancel() == 1u);
    }
  }
  BOOST_TEST(run(context).told >= 10000u);
  BOOST_TEST(in_time == 3334u);
  BOOST_TEST(cancelled == 6666u);
}

BOOST_AUTO_TEST_SUITE_END()

// --- Completion --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(completion)

BOOST_AUTO_TEST_CASE_TEMPLATE(the_handler_is_called_through_its_executor, In, all) {
  typename In::context context, other;
  auto const strand = asio::make_strand(other.get_executor());
  typename In::timer timer(context, milliseconds(1));
  bool was_in_strand = false;
  outcome waited;
  timer.async_wait(asio::bind_executor(strand, [&](error_code const& ec) {
    was_in_strand = strand.running_in_this_thread();
    into{waited}(ec);
  }));
  run(context);
  BOOST_TEST(waited.calls == 0);
  run(other);
  BOOST_TEST(waited == ended());
  BOOST_TEST(was_in_strand);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_timers_executor_may_be_a_strand, In, all) {
  typename In::context context;
  using strand_type = asio::strand<typename In::context::executor_type>;
  using timer_type = typename In::timer::template rebind_executor<strand_type>::other;
  strand_type const strand(context.get_executor());
  timer_type timer(strand, milliseconds(1));
  bool was_in_strand = false;
  timer.async_wait([&](error_code const&) { was_in_strand = strand.running_in_this_thread(); });
  run(context);
  BOOST_TEST(was_in_strand);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_operation_is_in_memory_of_the_handlers_allocator, In, all) {
  struct handler {
    using allocator_type = counting_allocator<char>;
    allocator_type get_allocator() const noexcept { return allocator_type(*memory); }
    void operator()(error_code const& ec) const {
      BOOST_TEST(memory->outstanding == 0u); // given back before
      into{*waited}(ec);
    }
    counts* memory;
    outcome* waited;
  };
  typename In::context context;
  counts memory;
  outcome waited;
  typename In::timer timer(context, milliseconds(1));
  timer.async_wait(handler{&memory, &waited});
  BOOST_TEST(memory.allocations == 1u);
  BOOST_TEST(memory.outstanding == 1u);
  run(context);
  BOOST_TEST(waited == ended());
  BOOST_TEST(memory.outstanding == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_future_is_a_token, In, all) {
  typename In::context context;
  typename In::timer timer(context, milliseconds(1));
  std::future<void> waited = timer.async_wait(asio::use_future);
  run(context);
  waited.get();
  timer.expires_after(hours(1));
  std::future<void> cancelled = timer.async_wait(asio::use_future);
  timer.cancel();
  run(context);
  BOOST_CHECK_THROW(cancelled.get(), boost::system::system_error);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_that_can_only_be_moved_sets_the_timer_again, In, all) {
  typename In::context context;
  typename In::timer timer(context, milliseconds(1));
  int destroyed = 0;
  outcome again;
  struct handler {
    void operator()(error_code const&) {
      timer->expires_after(milliseconds(1));
      timer->async_wait(into(*again));
    }
    typename In::timer* timer;
    outcome* again;
    witness seen;
  };
  timer.async_wait(handler{&timer, &again, witness(destroyed)});
  BOOST_TEST(run(context) == 2u);
  BOOST_TEST(again == ended());
  BOOST_TEST(destroyed == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_leaves_run_and_the_others_come_later, In, all) {
  typename In::context context;
  typename In::timer timer(context, milliseconds(1));
  outcome second;
  timer.async_wait([](error_code const&) { throw std::runtime_error("from a handler"); });
  timer.async_wait(into(second));
  BOOST_CHECK_THROW(context.run_for(support::patience), std::runtime_error);
  BOOST_TEST(second.calls == 0);
  BOOST_TEST(run(context) == 1u);
  BOOST_TEST(second == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_stopped_context_goes_on_where_it_was, In, all) {
  typename In::context context;
  typename In::timer first(context, milliseconds(1));
  typename In::timer second(context, milliseconds(3));
  outcome waited;
  first.async_wait([&context](error_code const&) { context.stop(); });
  second.async_wait(into(waited));
  BOOST_TEST(handler_count{context.run_for(support::patience)} == 1u);
  BOOST_TEST(context.stopped());
  BOOST_TEST(context.run() == 0u);
  BOOST_TEST(waited.calls == 0);
  BOOST_TEST(run(context) == 1u);
  BOOST_TEST(waited == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(run_for_does_not_wait_for_a_timer_that_is_later, In, all) {
  typename In::context context;
  typename In::timer timer(context, hours(1));
  outcome waited;
  timer.async_wait(into(waited));
  BOOST_TEST(handler_count{context.run_for(milliseconds(2))} == 0u);
  BOOST_TEST(!context.stopped());
  BOOST_TEST(handler_count{context.run_one_for(milliseconds(2))} == 0u);
  BOOST_TEST(handler_count{context.poll()} == 0u);
  BOOST_TEST(!context.stopped());
  BOOST_TEST(waited.calls == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_storm_of_functions_does_not_starve_a_timer, In, all) {
  typename In::context context;
  typename In::timer timer(context, milliseconds(2));
  bool has_expired = false;
  std::function<void()> const again = [&] {
    if (!has_expired) {
      asio::post(context, again);
    }
  };
  timer.async_wait([&](error_code const&) { has_expired = true; });
  asio::post(context, again);
  run(context);
  BOOST_TEST(has_expired);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(reads_and_timers_are_served_together, In, all) {
  typename In::context context;
  auto ends = mioext::pipe();
  mioext::stream<mioext::pipe_reader> reader(context, std::move(ends.first));
  mioext::pipe_writer writer = std::move(ends.second);
  char byte = 0;
  outcome read;
  reader.async_read_some(asio::buffer(&byte, 1), into(read));
  typename In::timer timer(context, milliseconds(2));
  timer.async_wait([&](error_code const&) { writer.write_some(asio::buffer("x", 1)); });
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(byte == 'x');
}

BOOST_AUTO_TEST_SUITE_END()

// --- Cancellation slots ------------------------------------------------------------------------------

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
BOOST_AUTO_TEST_SUITE(slots)

BOOST_AUTO_TEST_CASE_TEMPLATE(every_type_cancels_the_one_wait, In, all) {
  typename In::context context;
  for (asio::cancellation_type type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    typename In::timer timer(context, hours(1));
    asio::cancellation_signal signal;
    outcome before, waited, after;
    timer.async_wait(into(before));
    timer.async_wait(asio::bind_cancellation_slot(signal.slot(), into(waited)));
    timer.async_wait(into(after));
    signal.emit(asio::cancellation_type::none);
    signal.emit(type);
    BOOST_TEST(waited.calls == 0);
    contexts::run_until(context, [&] { return waited.calls != 0; });
    BOOST_TEST(waited == aborted());
    BOOST_TEST(before.calls == 0);
    BOOST_TEST(after.calls == 0);
    signal.emit(type);
    BOOST_TEST(timer.cancel() == 2u);
    run(context);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_slot_of_a_wait_that_has_ended_does_nothing, In, all) {
  typename In::context context;
  asio::cancellation_signal signal;
  typename In::timer timer(context, milliseconds(1));
  outcome first, second;
  timer.async_wait(asio::bind_cancellation_slot(signal.slot(), into(first)));
  run(context);
  BOOST_TEST(first == ended());
  timer.expires_after(milliseconds(2));
  timer.async_wait(into(second));
  signal.emit(asio::cancellation_type::all);
  run(context);
  BOOST_TEST(second == ended());
}

// With Asio's timer the slot would look into the old place.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_slot_finds_its_wait_after_the_timer_was_moved, In, ours) {
  typename In::context context;
  asio::cancellation_signal signal;
  outcome waited, other;
  std::unique_ptr<typename In::timer> from(new typename In::timer(context, hours(1)));
  from->async_wait(into(other));
  from->async_wait(asio::bind_cancellation_slot(signal.slot(), into(waited)));
  typename In::timer to(std::move(*from));
  from.reset();
  signal.emit(asio::cancellation_type::terminal);
  BOOST_TEST(to.cancel() == 1u);
  run(context);
  BOOST_TEST(waited == aborted());
  BOOST_TEST(other == aborted());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_slot_may_outlive_timer_and_context, In, ours) {
  asio::cancellation_signal signal;
  outcome waited;
  {
    typename In::context context;
    typename In::timer timer(context, hours(1));
    timer.async_wait(asio::bind_cancellation_slot(signal.slot(), into(waited)));
  }
  signal.emit(asio::cancellation_type::terminal);
  BOOST_TEST(waited.calls == 0);
}

BOOST_AUTO_TEST_SUITE_END()
#endif

// --- The end of the context, fork, threads, memory ---------------------------------------------------

BOOST_AUTO_TEST_SUITE(beyond)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_context_that_ends_destroys_the_handlers, In, all) {
  int destroyed = 0;
  int calls = 0;
  struct handler {
    void operator()(error_code const&) { ++*calls; }
    int* calls;
    witness seen;
    std::shared_ptr<typename In::timer> owner;
  };
  {
    typename In::context context;
    for (milliseconds after : {milliseconds(0), milliseconds(5), milliseconds(5000000)}) {
      auto const timer = std::make_shared<typename In::timer>(context, after);
      timer->async_wait(handler{&calls, witness(destroyed), timer});
      timer->async_wait(handler{&calls, witness(destroyed), timer});
    }
    auto const cancelled = std::make_shared<typename In::timer>(context, hours(1));
    cancelled->async_wait(handler{&calls, witness(destroyed), cancelled});
    cancelled->cancel();
  }
  BOOST_TEST(destroyed == 7);
  BOOST_TEST(calls == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timer_that_outlives_its_context_does_nothing, In, ours) {
  std::unique_ptr<typename In::timer> timer;
  int destroyed = 0;
  outcome waited;
  {
    typename In::context context;
    timer.reset(new typename In::timer(context, hours(1)));
    timer->async_wait(into(waited));
  }
  BOOST_TEST(timer->cancel() == 0u);
  BOOST_TEST(timer->expires_after(milliseconds(0)) == 0u);
  struct handler {
    void operator()(error_code const&) {}
    witness seen;
  };
  timer->async_wait(handler{witness(destroyed)});
  BOOST_TEST(destroyed == 1);
  timer.reset();
  BOOST_TEST(waited.calls == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(timers_go_on_in_the_child_and_in_the_parent, In, with_forks) {
  typename In::context context;
  typename In::timer first(context, milliseconds(5));
  typename In::timer second(context, milliseconds(10));
  outcome waited[2];
  first.async_wait(into(waited[0]));
  second.async_wait(into(waited[1]));
  context.poll();
  auto const rest = [&] {
    context.restart();
    context.run_for(support::patience);
    typename In::timer third(context, milliseconds(1));
    outcome another;
    third.async_wait(into(another));
    context.restart();
    context.run_for(support::patience);
    return waited[0] == ended() && waited[1] == ended() && another == ended();
  };
  context.notify_fork(asio::execution_context::fork_prepare);
  int const status = test::in_child(
      [&] {
        context.notify_fork(asio::execution_context::fork_child);
        return rest() ? 0 : 1;
      },
      [&] {
        context.notify_fork(asio::execution_context::fork_parent);
        BOOST_TEST(rest());
      });
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_child_that_is_not_told_may_cancel_and_leave, In, ours) {
  typename In::context context;
  typename In::timer timer(context, milliseconds(30));
  outcome waited;
  timer.async_wait(into(waited));
  context.poll();
  int const status = test::in_child([&] {
    typename In::timer another(context, milliseconds(1));
    outcome never;
    another.async_wait(into(never)); // which must not set the parent's alarm
    another.cancel();
    return timer.cancel() == 1 ? 0 : 1;
  });
  BOOST_TEST(status == 0);
  run(context);
  BOOST_TEST(waited == ended());
}

using in_an_io_context = std::tuple<asios_in_io_context, ours_in_io_context>;

BOOST_AUTO_TEST_CASE_TEMPLATE(several_threads_set_and_cancel_and_run, In, in_an_io_context) {
  io_context context;
  std::atomic<std::size_t> in_time(0), cancelled(0);
  auto work = asio::make_work_guard(context);
  std::vector<std::thread> threads;
  for (int number = 0; number != 2; ++number) {
    threads.emplace_back([&context] { context.run_for(support::patience); });
  }
  std::atomic<int> setting(2);
  for (int number = 0; number != 2; ++number) {
    threads.emplace_back([&] {
      for (int round = 0; round != 1000; ++round) {
        typename In::timer timer(context, std::chrono::microseconds(round % 40 * 50));
        for (int wait = 0; wait != 3; ++wait) {
          timer.async_wait([&](error_code const& ec) { ++(ec ? cancelled : in_time); });
        }
        if (round % 16 == 0) {
          timer.wait();
        }
        if (round % 2 == 0) {
          timer.cancel_one();
        }
      }
      if (--setting == 0) {
        work.reset();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  BOOST_TEST(context.stopped());
  BOOST_TEST(in_time + cancelled == 6000u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(timers_of_several_threads_expire_in_a_context_that_waits, In,
                              in_an_io_context) {
  io_context context;
  auto work = asio::make_work_guard(context);
  std::thread running([&context] { context.run_for(support::patience); });
  std::vector<std::thread> threads;
  std::atomic<int> setting(3);
  std::atomic<std::size_t> in_time(0);
  for (int number = 0; number != 3; ++number) {
    threads.emplace_back([&] {
      for (int round = 0; round != 20; ++round) {
        std::promise<void> expired;
        typename In::timer timer(context, std::chrono::microseconds(300 * (round % 5)));
        timer.async_wait([&](error_code const& ec) {
          in_time += ec ? 0 : 1;
          expired.set_value();
        });
        if (expired.get_future().wait_for(support::patience) != std::future_status::ready) {
          break;
        }
      }
      if (--setting == 0) {
        work.reset();
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  running.join();
  BOOST_TEST(in_time == 60u);
}

#ifndef MIOEXT_TEST_CANNOT_COUNT
/// A handler in memory that it always finds again.
struct frugal {
  template <class T> struct allocator {
    using value_type = T;
    explicit allocator(void* used) noexcept : memory(used) {}
    template <class U> allocator(allocator<U> const& other) noexcept : memory(other.memory) {}
    T* allocate(std::size_t) { return static_cast<T*>(memory); }
    void deallocate(T*, std::size_t) noexcept {}
    template <class U> bool operator==(allocator<U> const& other) const noexcept {
      return memory == other.memory;
    }
    template <class U> bool operator!=(allocator<U> const& other) const noexcept {
      return memory != other.memory;
    }
    void* memory;
  };

  using allocator_type = allocator<char>;
  allocator_type get_allocator() const noexcept { return allocator_type(memory); }
  void operator()(error_code const&) const { ++*calls; }

  void* memory;
  int* calls;
};

BOOST_AUTO_TEST_CASE_TEMPLATE(in_steady_state_nothing_is_allocated, In, ours) {
  typename In::context context;
  typename In::timer timer(context);
  alignas(std::max_align_t) unsigned char memory[1024];
  int calls = 0;
  std::size_t before = 0;
  for (int round = 0; round != 40; ++round) {
    if (round == 20) {
      before = allocations;
    }
    timer.expires_after(hours(1));
    timer.async_wait(frugal{memory, &calls});
    timer.cancel();
    context.restart();
    context.run();
    timer.expires_after(std::chrono::microseconds(round % 2 * 100));
    timer.async_wait(frugal{memory, &calls});
    context.restart();
    context.run();
  }
  BOOST_TEST(calls == 80);
  BOOST_TEST(allocations - before == 0u);
}
#endif

BOOST_AUTO_TEST_SUITE_END()
