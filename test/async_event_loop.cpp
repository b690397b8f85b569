//
// test/async_event_loop.cpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What only the asynchronous loop has: its life in a context, how a run ends, executors and completion
// tokens. That it keeps the promises of the blocking loop is shown by async_event_loop_promises.cpp.
//

#include <mioext/async_event_loop.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#endif
#if BOOST_ASIO_VERSION >= 102400
#include <boost/asio/deferred.hpp>
#endif
#ifdef BOOST_ASIO_HAS_CO_AWAIT
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#endif

#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/unix.hpp>

#include "allocations.hpp"
#include "child.hpp"
#include "handles.hpp"
#include "held_message.hpp"
#include "support.hpp"
#include "systems.hpp"
#include "tested_context.hpp"

BOOST_AUTO_TEST_SUITE(async_event_loop)

namespace {

namespace asio = boost::asio;
namespace errc = boost::system::errc;
using boost::system::error_code;
using mioext::interest;
using mioext::read_hint;
using mioext::trigger;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using clock_type = std::chrono::steady_clock;
using namespace support;

using numbers_loop = mioext::basic_async_event_loop<mioext::token, int>;
using numbers_recorder = recorder<mioext::token, int>;
using strand_type = asio::strand<tested_context::executor_type>;

/// What became of a run.
struct outcome {
  struct completion_handler {
    void operator()(error_code got) const {
      ++to->count;
      to->ec = got;
    }
    outcome* to;
  };

  outcome() = default;
  outcome(outcome const&) = delete;

  completion_handler here() { return completion_handler{this}; }

  bool is_success() const { return count == 1 && !ec; }
  bool is_aborted() const { return count == 1 && ec == asio::error::operation_aborted; }

  int count = 0;
  error_code ec;
};

/// Runs the context until `condition` holds, the work is done or patience ends. True if it holds.
template <class Condition> bool drive_until(tested_context& context, Condition condition) {
  auto const deadline = clock_type::now() + patience;
  context.restart();
  while (!condition()) {
    if (context.run_one_until(deadline) == 0) {
      return condition();
    }
  }
  return true;
}

/// Runs the context until no work is left. False if patience ends before.
bool runs_out(tested_context& context) {
  context.restart();
  context.run_for(patience);
  return context.stopped();
}

/// A context in which the loop's run is pending.
template <class Loop = mioext::async_event_loop, class Recorder = recorder<>> struct running {
  running() : loop(new Loop(context)) {
    loop->async_run(handler, result.here());
    context.poll();
    BOOST_REQUIRE(result.count == 0);
  }

  tested_context context;
  Recorder handler;
  outcome result;
  std::unique_ptr<Loop> loop;
};

/// Handles that are all ready, so that they come in one batch.
template <class Loop> struct ready_pairs {
  explicit ready_pairs(Loop& loop, std::size_t count = 5) : pairs(count) {
    for (std::size_t index = 0; index != count; ++index) {
      loop.register_handle(pairs[index].near.get(), token(index), interest::readable);
      pairs[index].send();
    }
  }

  std::vector<socket_pair> pairs;
};

} // namespace

// --- The object ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(it_has_what_an_io_object_has) {
  using loop_type = mioext::async_event_loop;
  static_assert(std::is_same<loop_type::executor_type, asio::any_io_executor>::value, "");
  static_assert(std::is_same<loop_type::loop_type, mioext::event_loop>::value, "");
  static_assert(std::is_same<loop_type::handler_type, mioext::handler>::value, "");
  static_assert(
      std::is_same<
          loop_type::rebind_executor<strand_type>::other,
          mioext::basic_async_event_loop<mioext::token, mioext::no_message, strand_type>>::value,
      "");
  static_assert(
      std::is_same<numbers_loop::rebind_executor<strand_type>::other::message_type, int>::value,
      "");
  static_assert(std::is_nothrow_move_constructible<loop_type>::value, "");
  static_assert(std::is_nothrow_move_assignable<loop_type>::value, "");
  static_assert(!std::is_copy_constructible<loop_type>::value, "");
  static_assert(!std::is_copy_assignable<loop_type>::value, "");
  static_assert(!std::is_convertible<tested_context&, loop_type>::value, "");
  static_assert(!std::is_convertible<asio::any_io_executor, loop_type>::value, "");

  tested_context context;
  loop_type const of_context(context);
  BOOST_TEST((of_context.get_executor() == context.get_executor()));
  loop_type const of_executor(context.get_executor());
  BOOST_TEST((of_executor.get_executor() == context.get_executor()));
  strand_type const strand(context.get_executor());
  loop_type::rebind_executor<strand_type>::other const of_strand(strand);
  BOOST_TEST((of_strand.get_executor() == strand));
  loop_type const of_any_strand(strand);
  BOOST_TEST((of_any_strand.get_executor() == strand));
  asio::thread_pool pool(1);
  loop_type const of_pool(pool);
  BOOST_TEST((of_pool.get_executor() == pool.get_executor()));
}

BOOST_AUTO_TEST_CASE(a_configuration_applies_and_one_without_sense_is_refused) {
  tested_context context;
  mioext::event_loop_config config;
  config.message_capacity = 3;
  numbers_loop loop(context.get_executor(), config);
  auto const sender = loop.channel();
  error_code ec;
  int taken = 0;
  while (taken != 10 && sender.send(1, ec)) {
    ++taken;
  }
  BOOST_TEST(taken == 3);
  config.event_capacity = 0;
  BOOST_TEST(test::error_of([&] { numbers_loop(context, config); }) == errc::invalid_argument);
  BOOST_TEST(runs_out(context));
}

BOOST_AUTO_TEST_CASE(a_loop_is_moved_with_its_run_pending) {
  running<> test;
  socket_pair pair;
  test.loop->register_handle(pair.near.get(), token(1), interest::readable);
  mioext::async_event_loop moved(std::move(*test.loop));
  test.loop.reset();
  BOOST_TEST((moved.get_executor() == test.context.get_executor()));
  pair.send();
  BOOST_TEST(drive_until(test.context, [&] { return !test.handler.calls.empty(); }));
  BOOST_TEST(test.result.count == 0);
  moved.shutdown();
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.result.is_success());
}

BOOST_AUTO_TEST_CASE(assignment_ends_the_run_of_the_one_and_keeps_that_of_the_other) {
  running<> test;
  tested_context other_context;
  mioext::async_event_loop loop(other_context);
  recorder<> ended_handler;
  outcome ended;
  loop.async_run(ended_handler, ended.here());
  other_context.poll();

  socket_pair pair;
  test.loop->register_handle(pair.near.get(), token(1), interest::readable);
  loop = std::move(*test.loop);
  test.loop.reset();
  BOOST_TEST((loop.get_executor() == test.context.get_executor()));
  BOOST_TEST(runs_out(other_context));
  BOOST_TEST(ended.is_aborted());
  pair.send();
  BOOST_TEST(drive_until(test.context, [&] { return !test.handler.calls.empty(); }));

  mioext::async_event_loop& itself = loop;
  loop = std::move(itself);
  BOOST_TEST(test.result.count == 0);
  loop.shutdown();
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.result.is_success());
}

BOOST_AUTO_TEST_CASE(a_loop_that_never_runs_is_no_work_and_leaves_no_descriptor) {
  std::size_t before = 0;
  tested_context context;
  mioext::async_event_loop first(context); // with all that the context makes once
  before = test::open_descriptors();
  {
    mioext::async_event_loop loop(context);
    loop.timer(hours(1), token(1));
    BOOST_TEST(runs_out(context));
  }
  BOOST_TEST(test::open_descriptors() == before);
}

// --- How a run ends ------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(shutdown_in_a_handler_ends_the_run_after_the_tick) {
  running<> test;
  ready_pairs<mioext::async_event_loop> ready(*test.loop);
  test.handler.on_readable = [](mioext::event_loop& in, mioext::token, read_hint) {
    in.shutdown();
  };
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.handler.calls.size() == 5u);
  BOOST_TEST(test.result.is_success());
  BOOST_TEST(!test.loop->shutdown_requested());
}

BOOST_AUTO_TEST_CASE(shutdown_from_another_thread_ends_the_run) {
  for (int round = 0; round != 100; ++round) {
    running<> test;
    std::thread other([&test] { test.loop->shutdown(); });
    BOOST_TEST(runs_out(test.context));
    other.join();
    BOOST_REQUIRE(test.result.is_success());
  }
}

BOOST_AUTO_TEST_CASE(shutdown_before_a_run_counts_once_and_delivers_what_was_sent) {
  tested_context context;
  numbers_loop loop(context);
  numbers_recorder handler;
  auto const sender = loop.channel();
  for (int message = 0; message != 500; ++message) { // many ticks' worth
    sender.send(message);
  }
  loop.shutdown();
  outcome first;
  loop.async_run(handler, first.here());
  BOOST_TEST(runs_out(context));
  BOOST_TEST(first.is_success());
  BOOST_TEST(handler.calls.size() == 500u);

  outcome second;
  loop.async_run(handler, second.here());
  context.restart();
  context.poll();
  BOOST_TEST(second.count == 0); // runs normally
  sender.send(1);
  loop.shutdown();
  BOOST_TEST(runs_out(context));
  BOOST_TEST(second.is_success());
  BOOST_TEST(handler.calls.size() == 501u);
}

BOOST_AUTO_TEST_CASE(a_shutdown_that_waits_for_a_send_leaves_the_context_idle) {
  using held_loop = mioext::basic_async_event_loop<mioext::token, held_message>;
  for (bool is_cancelled : {false, true}) {
    BOOST_TEST_CONTEXT("cancelled meanwhile: " << is_cancelled) {
      hold by;
      running<held_loop, recorder<mioext::token, held_message>> test;
      auto const sender = test.loop->channel();
      held_send under_way(by, sender);
      sender.send(held_message(by, false)); // is to be delivered
      test.loop->shutdown();
      // Others get their turn, and then nothing is left to do at once; also after another request.
      for (int requests = 1; requests != 3; ++requests) {
        bool is_posted = false;
        asio::post(test.context, [&] { is_posted = true; });
        int polls = 0;
        while (polls != 100 && test.context.poll() != 0) {
          ++polls;
        }
        BOOST_TEST(polls < 100);
        BOOST_TEST(is_posted);
        test.loop->shutdown();
      }
      test.context.poll();
      BOOST_TEST(test.result.count == 0);
      BOOST_TEST(test.handler.calls.empty());
      outcome second;
      if (is_cancelled) {
        test.loop->cancel();
        BOOST_TEST(drive_until(test.context, [&] { return test.result.count != 0; }));
        BOOST_TEST(test.result.is_aborted());
        BOOST_TEST(test.loop->shutdown_requested());
        test.loop->async_run(test.handler, second.here()); // heeds the same request
        test.context.restart();
        test.context.poll();
        BOOST_TEST(second.count == 0);
      }
      under_way.finish();
      BOOST_TEST(!by.is_overdue);
      BOOST_TEST(runs_out(test.context));
      BOOST_TEST((is_cancelled ? second : test.result).is_success());
      BOOST_TEST(test.handler.calls.size() == 2u);
    }
  }
}

BOOST_AUTO_TEST_CASE(cancel_ends_the_run_and_another_one_goes_on) {
  running<> test;
  socket_pair pair;
  test.loop->register_handle(pair.near.get(), token(1), interest::readable);
  test.loop->timer(hours(1), token(2));
  test.context.poll(); // it waits, also for the timer
  asio::post(test.context, [&] {
    error_code ec;
    test.loop->cancel(ec);
    BOOST_TEST(!ec);
    BOOST_TEST(test.result.count == 0); // not from inside cancel()
  });
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.result.is_aborted());
  test.loop->cancel(); // nothing to cancel

  pair.send();
  outcome second;
  test.loop->async_run(test.handler, second.here());
  BOOST_TEST(drive_until(test.context, [&] { return !test.handler.calls.empty(); }));
  test.loop->shutdown();
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(second.is_success());
  BOOST_TEST(test.result.count == 1);
}

BOOST_AUTO_TEST_CASE(a_run_that_is_cancelled_and_begun_again_at_once_misses_nothing) {
  running<> test;
  socket_pair pair;
  test.loop->register_handle(pair.near.get(), token(1), interest::readable);
  test.loop->timer(hours(1), token(2));
  for (std::size_t round = 1; round != 20; ++round) {
    test.loop->cancel();
    outcome next;
    test.loop->async_run(test.handler, next.here());
    pair.send();
    BOOST_REQUIRE(drive_until(test.context, [&] { return test.handler.calls.size() == round; }));
    BOOST_REQUIRE(next.count == 0);
    test.loop->timer(seconds(0), token(3));
    test.handler.on_timer = [](mioext::event_loop& in, mioext::token) { in.shutdown(); };
    BOOST_REQUIRE(runs_out(test.context));
    BOOST_REQUIRE(next.is_success());
    test.handler.calls.resize(round);
  }
  BOOST_TEST(test.result.is_aborted());
}

BOOST_AUTO_TEST_CASE(cancel_in_a_handler_ends_the_run_after_the_tick) {
  running<> test;
  ready_pairs<mioext::async_event_loop> ready(*test.loop);
  test.handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) {
    test.loop->cancel();
    BOOST_TEST(test.result.count == 0);
  };
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.handler.calls.size() == 5u);
  BOOST_TEST(test.result.is_aborted());
}

BOOST_AUTO_TEST_CASE(cancel_from_another_thread_ends_the_run_at_any_moment) {
  for (int round = 0; round != 100; ++round) {
    running<> test;
    socket_pair pair; // keeps the loop busy
    test.loop->register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
    pair.send();
    std::thread other([&test] { test.loop->cancel(); });
    BOOST_TEST(runs_out(test.context));
    other.join();
    BOOST_REQUIRE(test.result.is_aborted());
  }
}

BOOST_AUTO_TEST_CASE(a_second_run_is_refused_and_the_first_goes_on) {
  running<> test;
  outcome second;
  test.loop->async_run(test.handler, second.here());
  BOOST_TEST(second.count == 0); // not from inside async_run()
  BOOST_TEST(drive_until(test.context, [&] { return second.count != 0; }));
  BOOST_TEST((second.ec == asio::error::already_started));
  BOOST_TEST(test.result.count == 0);
  test.loop->shutdown();
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.result.is_success());
  BOOST_TEST(second.count == 1);
}

BOOST_AUTO_TEST_CASE(no_run_is_completed_from_inside_async_run) {
  tested_context context;
  mioext::async_event_loop loop(context);
  recorder<> handler;
  outcome first;
  outcome second;
  asio::post(context, [&] {
    loop.shutdown();
    loop.async_run(handler, first.here());
    loop.async_run(handler, second.here());
    BOOST_TEST(first.count == 0);
    BOOST_TEST(second.count == 0);
  });
  BOOST_TEST(runs_out(context));
  BOOST_TEST(first.is_success());
  BOOST_TEST((second.ec == asio::error::already_started));
}

BOOST_AUTO_TEST_CASE(the_next_run_may_be_begun_by_the_completion_of_the_last) {
  tested_context context;
  mioext::async_event_loop loop(context);
  recorder<> handler;
  int left = 5;
  std::function<void(error_code)> again = [&](error_code ec) {
    BOOST_TEST(!ec);
    if (--left != 0) {
      loop.shutdown();
      loop.async_run(handler, [&](error_code next) { again(next); });
    }
  };
  loop.shutdown();
  loop.async_run(handler, [&](error_code ec) { again(ec); });
  BOOST_TEST(runs_out(context));
  BOOST_TEST(left == 0);
}

// --- Destruction ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_loop_that_goes_ends_its_run) {
  running<numbers_loop, numbers_recorder> test;
  ready_pairs<numbers_loop> ready(*test.loop);
  auto const sender = test.loop->channel();
  sender.send(1);
  test.loop->timer(seconds(0), token(1));
  asio::post(test.context, [&] {
    test.handler.calls.clear(); // of a tick that came first
    test.loop.reset();
    BOOST_TEST(test.result.count == 0); // not from inside the destructor
  });
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.result.is_aborted());
  BOOST_TEST(test.handler.calls.empty());
}

BOOST_AUTO_TEST_CASE(a_loop_that_goes_in_a_handler_delivers_nothing_more_of_the_batch,
                     *::test::needs_real_time_signals()) {
  for (std::string const last : {"readable", "notify", "timer", "signal"}) {
    BOOST_TEST_CONTEXT("destroyed in " << last) {
      running<numbers_loop, numbers_recorder> test;
      test.loop->register_signal(::test::real_time_signal());
      for (int count = 0; count != 3; ++count) {
        BOOST_REQUIRE(::test::send_value(::test::real_time_signal(), 0));
      }
      ready_pairs<numbers_loop> ready(*test.loop);
      auto const sender = test.loop->channel();
      for (std::size_t index = 0; index != 3; ++index) {
        test.loop->timer(seconds(0), token(index));
        sender.send(1);
      }
      // The timers are due in the tick that brings everything else.
      auto const start = clock_type::now();
      while (clock_type::now() - start < milliseconds(5)) {
      }
      std::size_t calls = 0;
      auto const go = [&](std::string const& kind) {
        if (kind == last) {
          calls = test.handler.calls.size();
          test.loop.reset();
        }
      };
      test.handler.on_readable = [&](mioext::basic_event_loop<mioext::token, int>&, mioext::token,
                                     read_hint) { go("readable"); };
      test.handler.on_notify = [&](mioext::basic_event_loop<mioext::token, int>&, int) {
        go("notify");
      };
      test.handler.on_timer = [&](mioext::basic_event_loop<mioext::token, int>&, mioext::token) {
        go("timer");
      };
      test.handler.on_signal = [&](mioext::basic_event_loop<mioext::token, int>&,
                                   mioext::signal_info const&) { go("signal"); };
      BOOST_TEST(runs_out(test.context));
      BOOST_TEST(!test.loop);
      BOOST_TEST(test.handler.calls.size() == calls);
      BOOST_TEST(test.result.is_aborted());
    }
  }
}

BOOST_AUTO_TEST_CASE(a_message_that_is_being_sent_while_the_loop_goes_in_a_handler_is_not_delivered,
                     *::test::needs_real_time_signals()) {
  using held_loop = mioext::basic_async_event_loop<mioext::token, held_message>;
  using loop_type = held_loop::loop_type;
  // In the tick; and in what follows a shutdown, when a tick has taken its one message.
  for (std::string const last : {"readable", "writable", "signal", "notify", "last notify"}) {
    for (bool is_assigned_to : {false, true}) {
      BOOST_TEST_CONTEXT("gone in " << last << ", by assignment: " << is_assigned_to) {
        hold by;
        tested_context context;
        mioext::event_loop_config config;
        config.messages_per_tick = 1;
        std::unique_ptr<held_loop> loop(new held_loop(context, config));
        recorder<mioext::token, held_message> handler;
        outcome result;
        outcome of_asio;
        std::unique_ptr<asio::steady_timer> timer(new asio::steady_timer(context, hours(1)));
        timer->async_wait(of_asio.here());
        auto const sender = loop->channel();
        std::unique_ptr<held_send> under_way;
        bool has_gone = false;
        std::size_t calls = 0;
        auto const go = [&](std::string const& kind) {
          if (kind != last) {
            return;
          }
          has_gone = true;
          calls = handler.calls.size();
          timer.reset();
          if (is_assigned_to) {
            *loop = held_loop(context);
          } else {
            loop.reset();
          }
          BOOST_TEST(result.count == of_asio.count); // none from inside the destructors
          under_way->finish();                       // from now on the message could be delivered
          if (handler.calls.back() != "notify") {    // else what it was given exists still
            BOOST_TEST(by.living == 0);
          }
        };
        socket_pair pair;
        bool const is_of_io = last == "readable" || last == "writable";
        if (is_of_io) {
          pair.send();
          loop->register_handle(pair.near.get(), token(1),
                                last == "readable" ? interest::readable : interest::writable);
        } else if (last == "signal") {
          loop->register_signal(::test::real_time_signal());
          BOOST_REQUIRE(::test::send_value(::test::real_time_signal(), 0));
        } else if (last == "notify") {
          sender.send(held_message(by, false));
        } else {
          sender.send(held_message(by, false));
          sender.send(held_message(by, false));
          loop->shutdown();
        }
        under_way.reset(new held_send(by, sender));
        handler.on_readable = [&](loop_type&, mioext::token, read_hint) { go("readable"); };
        handler.on_writable = [&](loop_type&, mioext::token) { go("writable"); };
        handler.on_signal = [&](loop_type&, mioext::signal_info const&) { go("signal"); };
        int notified = 0;
        handler.on_notify = [&](loop_type&, held_message) {
          ++notified;
          go(notified == 2 ? "last notify" : "notify");
        };
        loop->async_run(handler, result.here());
        BOOST_TEST(runs_out(context));
        BOOST_TEST(has_gone);
        BOOST_TEST(handler.calls.size() == calls);
        BOOST_TEST(result.is_aborted());
        BOOST_TEST(of_asio.is_aborted());
        BOOST_TEST(by.living == 0);
        BOOST_TEST(!by.is_overdue);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_handler_that_has_destroyed_the_loop_may_use_it_and_nothing_comes_of_that) {
  running<numbers_loop, numbers_recorder> test;
  socket_pair pair;
  socket_pair ready;
  full_datagram_peer peer;
  mioext::unix_datagram socket;
  test.loop->register_handle(pair.near.get(), token(1), interest::readable);
  pair.send();
  ready.send();
  test.handler.on_readable = [&](mioext::basic_event_loop<mioext::token, int>& in, mioext::token,
                                 read_hint) {
    auto const sender = test.loop->channel();
    sender.send(1);
    test.loop.reset();
    in.timer(seconds(0), token(2));
    in.register_handle(ready.near.get(), token(3), interest::readable);
    in.connect(socket, peer.socket.local_endpoint(), token(4)); // has an outcome without an event
    error_code ec;
    in.channel().send(1, ec);
    BOOST_TEST(ec == errc::broken_pipe);
    in.shutdown(); // which would deliver what was sent
    auto const start = clock_type::now();
    while (clock_type::now() - start < milliseconds(5)) { // the timer is due then
    }
    BOOST_TEST(in.run_once(test.handler, seconds(0)) == 0u);
  };
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.handler.calls.size() == 1u);
  BOOST_TEST(test.result.is_aborted());
}

BOOST_AUTO_TEST_CASE(an_exception_of_a_handler_that_has_destroyed_the_loop_leaves_the_context) {
  running<numbers_loop, numbers_recorder> test;
  ready_pairs<numbers_loop> ready(*test.loop);
  auto const sender = test.loop->channel();
  sender.send(1);
  test.handler.on_readable = [&](mioext::basic_event_loop<mioext::token, int>&, mioext::token,
                                 read_hint) {
    test.loop.reset();
    throw std::runtime_error("readable");
  };
  BOOST_CHECK_THROW(test.context.run_for(patience), std::runtime_error);
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.handler.calls.size() == 1u);
  BOOST_TEST(test.result.is_aborted());
}

BOOST_AUTO_TEST_CASE(a_loop_that_goes_gives_back_its_channel_and_its_signals_at_once) {
  for (bool from_handler : {false, true}) {
    BOOST_TEST_CONTEXT("from a handler: " << from_handler) {
      running<numbers_loop, numbers_recorder> test;
      auto const sender = test.loop->channel();
      test.loop->register_signal(SIGUSR1);
      mioext::event_loop other;
      error_code ec;
      auto const go = [&] {
        test.loop.reset();
        BOOST_TEST(!sender.send(1, ec));
        BOOST_TEST(ec == errc::broken_pipe);
        sigset_t mask;
        ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
        BOOST_TEST(sigismember(&mask, SIGUSR1) == 0);
        other.register_signal(SIGUSR1, ec);
        BOOST_REQUIRE_MESSAGE(!ec, "the signal is not free: " << ec.message());
      };
      if (from_handler) {
        test.handler.on_notify = [&](mioext::basic_event_loop<mioext::token, int>&, int) { go(); };
        sender.send(1);
      } else {
        go();
      }
      BOOST_TEST(runs_out(test.context));
      BOOST_TEST(test.result.is_aborted());
      // Still the other loop's.
      BOOST_REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
      recorder<> handler;
      BOOST_TEST(other.run_once(handler, seconds(0)) == 1u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_context_that_goes_drops_the_run_and_the_loop_may_outlive_it) {
  auto const witness = std::make_shared<int>(0);
  bool is_called = false;
  recorder<> handler;
  socket_pair pair;
  std::unique_ptr<tested_context> context(new tested_context);
  mioext::async_event_loop loop(*context);
  loop.register_handle(pair.near.get(), token(1), interest::readable);
  loop.timer(hours(1), token(2));
  loop.async_run(handler, [witness, &is_called](error_code) { is_called = true; });
  context->poll();
  BOOST_TEST(witness.use_count() == 2);
  context.reset();
  BOOST_TEST(witness.use_count() == 1);

  loop.cancel();
  loop.shutdown();
  loop.timer(seconds(0), token(3));
  loop.deregister_handle(pair.near.get());
  loop.async_run(handler, [witness, &is_called](error_code) { is_called = true; });
  BOOST_TEST(witness.use_count() == 1);
  BOOST_TEST(!is_called);
  BOOST_TEST(handler.calls.empty());
}

BOOST_AUTO_TEST_CASE(a_context_that_goes_may_take_the_loop_with_it) {
  // The loop is owned by what its own completion handler holds, as in a session object.
  struct session {
    explicit session(tested_context& context) : loop(context) {}
    mioext::async_event_loop loop;
    recorder<> handler;
  };
  std::weak_ptr<session> watched;
  for (bool has_begun : {false, true}) {
    tested_context context;
    auto const made = std::make_shared<session>(context);
    watched = made;
    made->loop.async_run(made->handler, [made](error_code) {});
    if (has_begun) {
      context.poll();
    }
  }
  BOOST_TEST(watched.expired());
}

// --- Exceptions, and the context's own life ------------------------------------------------------

BOOST_AUTO_TEST_CASE(an_exception_leaves_the_context_and_the_rest_follows_in_order) {
  running<numbers_loop, numbers_recorder> test;
  using loop_type = mioext::basic_event_loop<mioext::token, int>;
  ready_pairs<numbers_loop> ready(*test.loop, 3);
  auto const sender = test.loop->channel();
  for (std::size_t index = 0; index != 2; ++index) {
    test.loop->timer(seconds(0), token(index));
    sender.send(1);
  }
  auto const start = clock_type::now();
  while (clock_type::now() - start < milliseconds(5)) {
  }
  test.handler.on_readable = [](loop_type&, mioext::token, read_hint) {
    throw std::runtime_error("readable");
  };
  test.handler.on_notify = [](loop_type&, int) { throw std::runtime_error("notify"); };
  test.handler.on_timer = [](loop_type&, mioext::token) { throw std::runtime_error("timer"); };
  for (std::size_t count = 1; count != 8; ++count) {
    BOOST_CHECK_THROW(test.context.run_for(patience), std::runtime_error);
    BOOST_REQUIRE(test.handler.calls.size() == count);
    BOOST_REQUIRE(test.result.count == 0);
  }
  BOOST_TEST((test.handler.calls[2].substr(0, 8) == "readable"));
  BOOST_TEST((strings(test.handler.calls.begin() + 3, test.handler.calls.end())) ==
                 (strings{"notify", "notify", "timer token(0)", "timer token(1)"}),
             boost::test_tools::per_element());
  test.loop->shutdown();
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.result.is_success());
  BOOST_TEST(test.handler.calls.size() == 7u);
}

BOOST_AUTO_TEST_CASE(an_exception_after_shutdown_keeps_the_rest_of_the_batch_and_the_shutdown) {
  running<> test;
  ready_pairs<mioext::async_event_loop> ready(*test.loop, 3);
  test.handler.on_readable = [&](mioext::event_loop& in, mioext::token, read_hint) {
    if (test.handler.calls.size() == 1) {
      in.shutdown();
      throw std::runtime_error("readable");
    }
  };
  BOOST_CHECK_THROW(test.context.run_for(patience), std::runtime_error);
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.result.is_success());
  BOOST_TEST(test.handler.calls.size() == 3u);
}

BOOST_AUTO_TEST_CASE(after_an_exception_a_run_can_be_cancelled_and_the_next_one_has_the_rest) {
  running<> test;
  ready_pairs<mioext::async_event_loop> ready(*test.loop, 3);
  test.handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) {
    if (test.handler.calls.size() == 1) {
      throw std::runtime_error("readable");
    }
  };
  BOOST_CHECK_THROW(test.context.run_for(patience), std::runtime_error);
  test.loop->cancel();
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.result.is_aborted());
  BOOST_TEST(test.handler.calls.size() == 1u);
  outcome second;
  test.loop->async_run(test.handler, second.here());
  BOOST_TEST(drive_until(test.context, [&] { return test.handler.calls.size() == 3; }));
  BOOST_TEST(second.count == 0);
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_completion_handler_leaves_the_context) {
  tested_context context;
  mioext::async_event_loop loop(context);
  recorder<> handler;
  loop.shutdown();
  loop.async_run(handler, [](error_code) { throw std::runtime_error("completion"); });
  BOOST_CHECK_THROW(context.run_for(patience), std::runtime_error);
  outcome second;
  loop.shutdown();
  loop.async_run(handler, second.here());
  BOOST_TEST(runs_out(context));
  BOOST_TEST(second.is_success());
}

BOOST_AUTO_TEST_CASE(the_context_has_work_for_as_long_as_a_run_is_pending) {
  running<> test; // nothing is registered
  for (int look = 0; look != 3; ++look) {
    test.context.poll();
    BOOST_TEST(!test.context.stopped());
  }
  // What is registered, and a timer for later, are no work once the run has ended.
  socket_pair pair;
  test.loop->register_handle(pair.near.get(), token(1), interest::readable);
  test.loop->timer(hours(1), token(2));
  test.context.poll();
  BOOST_TEST(!test.context.stopped());
  test.loop->shutdown();
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.result.is_success());
}

BOOST_AUTO_TEST_CASE(a_context_that_is_stopped_and_restarted_goes_on) {
  running<> test;
  ready_pairs<mioext::async_event_loop> ready(*test.loop);
  test.handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) {
    test.context.stop();
  };
  test.context.run_for(patience);
  std::size_t const first = test.handler.calls.size();
  BOOST_TEST(first == 5u); // the tick is not torn apart
  ready.pairs[2].send();
  test.context.run_for(patience);
  BOOST_TEST(test.handler.calls.size() == first); // stopped is stopped
  BOOST_TEST(drive_until(test.context, [&] { return test.handler.calls.size() > first; }));
  test.loop->shutdown();
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.result.is_success());
}

// --- Beside other work of the context ------------------------------------------------------------

namespace {

/// Whatever keeps the loop busy without end, a timer of Asio's and posts get their turn.
void check_turn_of_others(std::function<void(numbers_loop&, numbers_recorder&)> const& keep_busy) {
  running<numbers_loop, numbers_recorder> test;
  keep_busy(*test.loop, test.handler);
  bool is_starved = false;
  auto const deadline = clock_type::now() + patience;
  auto const look = [&](mioext::basic_event_loop<mioext::token, int>& in) {
    if (clock_type::now() > deadline) {
      is_starved = true;
      in.shutdown();
    }
    test.handler.calls.clear();
  };
  std::function<void(mioext::basic_event_loop<mioext::token, int>&, mioext::token)> const timer =
      test.handler.on_timer;
  std::function<void(mioext::basic_event_loop<mioext::token, int>&, int)> const notify =
      test.handler.on_notify;
  test.handler.on_readable = [&](mioext::basic_event_loop<mioext::token, int>& in, mioext::token,
                                 read_hint) { look(in); };
  test.handler.on_timer = [&](mioext::basic_event_loop<mioext::token, int>& in,
                              mioext::token called) {
    look(in);
    timer(in, called);
  };
  test.handler.on_notify = [&](mioext::basic_event_loop<mioext::token, int>& in, int sent) {
    look(in);
    if (!in.shutdown_requested()) { // else the shutdown would come to no end
      notify(in, sent);
    }
  };
  int posts = 0;
  int expiries = 0;
  asio::steady_timer beside(test.context);
  std::function<void()> const work = [&] {
    if (++posts < 20) {
      asio::post(test.context, work);
    } else if (expiries == 3) {
      test.loop->shutdown();
    }
  };
  std::function<void(error_code)> const expired = [&](error_code) {
    if (++expiries != 3) {
      beside.expires_after(milliseconds(1));
      beside.async_wait(expired);
    } else {
      asio::post(test.context, work);
    }
  };
  beside.expires_after(milliseconds(1));
  beside.async_wait(expired);
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(!is_starved);
  BOOST_TEST(posts == 20);
  BOOST_TEST(expiries == 3);
  BOOST_TEST(test.result.is_success());
}

} // namespace

BOOST_AUTO_TEST_CASE(a_timer_and_posts_get_their_turn_beside_io_that_never_ends) {
  socket_pair pair;
  pair.send();
  check_turn_of_others([&](numbers_loop& loop, numbers_recorder&) {
    loop.register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
  });
}

BOOST_AUTO_TEST_CASE(a_timer_and_posts_get_their_turn_beside_messages_that_never_end) {
  mioext::sender<int> sender;
  check_turn_of_others([&](numbers_loop& loop, numbers_recorder& handler) {
    sender = loop.channel();
    sender.send(1);
    handler.on_notify = [&sender](mioext::basic_event_loop<mioext::token, int>&, int sent) {
      sender.send(sent);
    };
  });
}

BOOST_AUTO_TEST_CASE(a_timer_and_posts_get_their_turn_beside_timers_that_never_end) {
  check_turn_of_others([](numbers_loop& loop, numbers_recorder& handler) {
    loop.timer(seconds(0), token(1));
    handler.on_timer = [](mioext::basic_event_loop<mioext::token, int>& in, mioext::token called) {
      in.timer(seconds(0), called);
    };
  });
}

#ifndef MIOEXT_TEST_SELECTOR_CONTEXT // which looks whether others want their turn

namespace {

/// The calls that each run_one() makes, for which there is always something to deliver.
template <class Executor>
std::vector<std::size_t> calls_of_turns(tested_context& context, Executor const& executor,
                                        std::size_t ready, std::size_t turns) {
  mioext::basic_async_event_loop<mioext::token, mioext::no_message, Executor> loop(executor);
  recorder<> handler;
  outcome result;
  std::vector<socket_pair> pairs(ready);
  for (socket_pair& pair : pairs) {
    loop.register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
    pair.send();
  }
  loop.async_run(handler, result.here());
  std::vector<std::size_t> calls;
  while (calls.size() != turns) {
    handler.calls.clear();
    BOOST_REQUIRE(context.run_one_for(patience) == 1u);
    if (!handler.calls.empty()) { // else the strand only got its turn
      calls.push_back(handler.calls.size());
    }
  }
  loop.cancel();
  BOOST_TEST(runs_out(context));
  BOOST_TEST(result.is_aborted());
  return calls;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_turn_in_an_io_context_is_at_most_sixteen_looks) {
  tested_context context;
  std::vector<std::size_t> const expected(3, 16);
  BOOST_TEST(calls_of_turns(context, context.get_executor(), 1, 3) == expected,
             boost::test_tools::per_element());
  context.restart();
  BOOST_TEST(calls_of_turns(context, strand_type(context.get_executor()), 1, 3) == expected,
             boost::test_tools::per_element());
  context.restart();
  BOOST_TEST(calls_of_turns(context, asio::any_io_executor(context.get_executor()), 1, 3) ==
                 expected,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_turn_in_an_io_context_ends_with_the_look_that_brings_it_to_64_calls) {
  tested_context context;
  std::vector<std::size_t> const expected(3, 80);
  BOOST_TEST(calls_of_turns(context, context.get_executor(), 20, 3) == expected,
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(
    a_context_that_does_not_tell_whether_it_was_stopped_is_asked_after_each_batch) {
  tested_context context;
  // Whatever this executor is of, it is no io_context's by its type.
  asio::any_io_executor const hidden(strand_type(context.get_executor()));
  std::vector<std::size_t> const expected(3, 1);
  BOOST_TEST(calls_of_turns(context, hidden, 1, 3) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_handler_that_stops_the_context_is_called_for_the_rest_of_the_batch_only) {
  running<> test;
  socket_pair pair;
  test.loop->register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
  pair.send();
  test.handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) {
    test.context.stop();
  };
  test.context.run_for(patience);
  BOOST_TEST(test.handler.calls.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_handler_that_takes_the_loop_away_is_not_called_again_in_its_turn) {
  running<> test;
  socket_pair pair;
  test.loop->register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
  pair.send();
  test.handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) {
    test.loop.reset();
  };
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.handler.calls.size() == 1u);
  BOOST_TEST(test.result.is_aborted());
}

BOOST_AUTO_TEST_CASE(a_run_that_is_cancelled_in_its_turn_looks_at_nothing_more) {
  running<> test;
  socket_pair pair;
  test.loop->register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
  pair.send();
  test.handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) {
    test.loop->cancel();
  };
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(test.handler.calls.size() == 1u);
  BOOST_TEST(test.result.is_aborted());
}

#endif

BOOST_AUTO_TEST_CASE(a_timer_set_outside_of_a_handler_fires) {
  for (bool has_later_one : {false, true}) {
    BOOST_TEST_CONTEXT("with a later one: " << has_later_one) {
      running<> test;
      if (has_later_one) {
        test.loop->timer(hours(1), token(9));
      }
      test.context.poll(); // it waits
      // By Asio's timer, while the run is pending.
      asio::steady_timer beside(test.context);
      beside.expires_after(milliseconds(1));
      mioext::timeout set;
      mioext::timeout cleared;
      beside.async_wait([&](error_code) {
        cleared = test.loop->timer(milliseconds(1), token(1));
        set = test.loop->timer(milliseconds(2), token(2));
        BOOST_TEST(test.loop->clear_timer(cleared));
      });
      BOOST_TEST(drive_until(test.context, [&] { return !test.handler.calls.empty(); }));
      BOOST_TEST(test.handler.calls == strings{"timer token(2)"}, boost::test_tools::per_element());
      BOOST_TEST(!test.loop->clear_timer(set));
      // And where nobody runs the context at that moment.
      test.context.poll();
      test.loop->timer(milliseconds(1), token(3));
      BOOST_TEST(drive_until(test.context, [&] { return test.handler.calls.size() == 2; }));
      BOOST_TEST(test.handler.calls[1] == "timer token(3)");
    }
  }
}

BOOST_AUTO_TEST_CASE(timers_set_before_and_between_runs_fire_in_the_next) {
  tested_context context;
  mioext::async_event_loop loop(context);
  recorder<> handler;
  handler.on_timer = [](mioext::event_loop& in, mioext::token) { in.shutdown(); };
  for (std::size_t round = 0; round != 5; ++round) {
    loop.timer(milliseconds(2), token(round));
    loop.timer(hours(1), token(9));
    outcome result;
    loop.async_run(handler, result.here());
    BOOST_TEST(runs_out(context));
    BOOST_TEST(result.is_success());
    BOOST_TEST(handler.calls.size() == round + 1);
  }
}

BOOST_AUTO_TEST_CASE(a_connect_begun_outside_of_a_handler_waits_for_room_and_is_made) {
  running<> test;
  full_listener listener;
  mioext::unix_socket socket;
  asio::steady_timer beside(test.context);
  beside.expires_after(milliseconds(1));
  beside.async_wait([&](error_code) {
    test.loop->connect(socket, listener.endpoint, token(1));
    beside.expires_after(milliseconds(5)); // time for some retries
    beside.async_wait([&](error_code) {
      BOOST_TEST(test.handler.calls.empty());
      listener.drain();
    });
  });
  BOOST_TEST(drive_until(test.context, [&] { return !test.handler.calls.empty(); }));
  BOOST_TEST(test.handler.calls == strings{"writable token(1)"}, boost::test_tools::per_element());
  BOOST_TEST(!socket.take_error());
  BOOST_TEST(listener.drain() == 1u);
}

BOOST_AUTO_TEST_CASE(a_connect_of_which_the_system_reports_nothing_is_told_during_the_run) {
  running<> test;
  mioext::unix_datagram peer;
  peer.open();
  bind_to_any(peer);
  mioext::unix_datagram filler;
  filler.connect(peer.local_endpoint());
  error_code ec;
  while (!ec) {
    filler.send(asio::buffer("x", 1), 0, ec);
  }
  mioext::unix_datagram socket;
  test.loop->connect(socket, peer.local_endpoint(), token(1));
  BOOST_TEST(drive_until(test.context, [&] { return !test.handler.calls.empty(); }));
  BOOST_TEST(test.handler.calls == strings{"writable token(1)"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(signals_are_registered_and_arrive_during_the_run) {
  running<> test;
  mioext::signal_info got = mioext::signal_info();
  test.handler.on_signal = [&](mioext::event_loop&, mioext::signal_info const& info) {
    got = info;
  };
  test.loop->register_signal(SIGUSR1);
  BOOST_REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
  BOOST_TEST(drive_until(test.context, [&] { return !test.handler.calls.empty(); }));
  BOOST_TEST(got.number == SIGUSR1);
  BOOST_TEST(got.pid == ::getpid());
  test.loop->deregister_signal(SIGUSR1);
}

BOOST_AUTO_TEST_CASE(two_loops_live_in_one_context_and_hand_messages_around) {
  tested_context context;
  numbers_loop loops[2] = {numbers_loop(context), numbers_loop(context)};
  numbers_recorder handlers[2];
  outcome results[2];
  mioext::sender<int> const senders[2] = {loops[0].channel(), loops[1].channel()};
  for (std::size_t index = 0; index != 2; ++index) {
    handlers[index].on_notify = [&senders, index](mioext::basic_event_loop<mioext::token, int>& in,
                                                  int left) {
      if (left != 0) {
        senders[1 - index].send(left - 1);
      }
      if (left <= 1) {
        in.shutdown();
      }
    };
    loops[index].async_run(handlers[index], results[index].here());
  }
  senders[0].send(999);
  BOOST_TEST(runs_out(context));
  for (std::size_t index = 0; index != 2; ++index) {
    BOOST_TEST(handlers[index].calls.size() == 500u);
    BOOST_TEST(results[index].is_success());
  }
}

BOOST_AUTO_TEST_CASE(loops_and_waits_that_are_never_idle_take_turns) {
  tested_context context;
  mioext::async_event_loop loops[2] = {mioext::async_event_loop(context),
                                       mioext::async_event_loop(context)};
  recorder<> handlers[2];
  outcome results[2];
  socket_pair pairs[3];
  std::size_t calls[3] = {0, 0, 0};
  std::size_t last = 0;
  std::size_t in_a_row = 0;
  std::size_t most_in_a_row = 0;
  auto const count = [&](std::size_t who) {
    in_a_row = who == last ? in_a_row + 1 : 1;
    last = who;
    most_in_a_row = std::max(most_in_a_row, in_a_row);
    ++calls[who];
    bool const is_over = std::min({calls[0], calls[1], calls[2]}) > 300 || calls[who] > 100000;
    if (is_over) {
      loops[0].shutdown();
      loops[1].shutdown();
    }
    return !is_over;
  };
  for (std::size_t index = 0; index != 2; ++index) {
    loops[index].register_handle(pairs[index].near.get(), token(index), interest::readable,
                                 trigger::level);
    handlers[index].on_readable = [&, index](mioext::event_loop&, mioext::token, read_hint) {
      handlers[index].calls.clear();
      count(index);
    };
    loops[index].async_run(handlers[index], results[index].here());
  }
  std::function<void(error_code)> const waited = [&](error_code ec) {
    BOOST_TEST(!ec);
    if (count(2)) {
      mioext::async_wait(context, pairs[2].near.get(), interest::readable, waited);
    }
  };
  mioext::async_wait(context, pairs[2].near.get(), interest::readable, waited);
  for (socket_pair const& pair : pairs) {
    pair.send();
  }
  BOOST_TEST(runs_out(context));
  for (std::size_t index = 0; index != 3; ++index) {
    BOOST_TEST(calls[index] > 300u);
  }
  BOOST_TEST(most_in_a_row <= 65u);
  BOOST_TEST(results[0].is_success());
  BOOST_TEST(results[1].is_success());
}

BOOST_AUTO_TEST_CASE(what_is_posted_waits_for_few_calls_of_a_loop_that_is_never_idle) {
  running<> test;
  socket_pair pair;
  std::size_t calls = 0;
  std::size_t calls_at_post = 0;
  std::size_t most = 0;
  std::size_t posts = 0;
  std::function<void()> const function = [&] {
    most = std::max(most, calls - calls_at_post);
    calls_at_post = calls;
    if (++posts != 300) {
      asio::post(test.context, function);
    } else {
      test.loop->shutdown();
    }
  };
  test.handler.on_readable = [&](mioext::event_loop& in, mioext::token, read_hint) {
    test.handler.calls.clear();
    if (++calls == 100) { // the loop is busy by now
      calls_at_post = calls;
      asio::post(test.context, function);
    } else if (calls == 200000) {
      in.shutdown();
    }
  };
  test.loop->register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
  pair.send();
  BOOST_TEST(runs_out(test.context));
  BOOST_TEST(posts == 300u);
  BOOST_TEST(most <= 65u);
  BOOST_TEST(test.result.is_success());
}

/// How often a handler is called with one event at a time before whoever asked for a single function or
/// for a limited time gets control back. An io_context does not tell what it was asked for.
#ifdef MIOEXT_TEST_SELECTOR_CONTEXT
constexpr std::size_t calls_of_limited_turn = 1;
#else
constexpr std::size_t calls_of_limited_turn = 16;
#endif

BOOST_AUTO_TEST_CASE(run_one_ends_after_a_turn_of_a_loop_that_is_never_idle,
                     *test::needs_asio_that_counts_handlers()) {
  running<> test;
  socket_pair pair;
  test.loop->register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
  pair.send();
  for (std::size_t round = 1; round != 10; ++round) {
    BOOST_TEST(test.context.run_one_for(patience) == 1u);
    BOOST_TEST(test.handler.calls.size() == round * calls_of_limited_turn);
  }
}

// A context that goes from one call of such a loop to the next looks at the time in between.
BOOST_AUTO_TEST_CASE(a_run_ends_in_time_although_a_loop_is_never_idle) {
  running<> test;
  socket_pair pair;
  auto const deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
  std::size_t late_calls = 0;
  test.handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) {
    test.handler.calls.clear();
    if (std::chrono::steady_clock::now() >= deadline) {
      ++late_calls;
    }
  };
  test.loop->register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
  pair.send();
  BOOST_TEST(test.context.run_until(deadline) > 0u);
  BOOST_TEST(late_calls <= calls_of_limited_turn);
}

// --- Threads -------------------------------------------------------------------------------------

namespace {

/// Uses all that a loop has, and counts how many of its calls are under way at once.
struct crowded final : mioext::basic_handler<mioext::token, int> {
  static constexpr std::size_t pairs_used = 4;

  struct visit {
    explicit visit(crowded& in) : visited(in) {
      visited.most = std::max(visited.most.load(), ++visited.inside);
    }
    ~visit() { --visited.inside; }
    crowded& visited;
  };

  template <class Loop> explicit crowded(Loop& loop) : pairs(pairs_used) {
    for (std::size_t index = 0; index != pairs.size(); ++index) {
      loop.register_handle(pairs[index].near.get(), token(index), interest::readable);
      pairs[index].send();
    }
    loop.timer(milliseconds(1), token(0));
    deadline = clock_type::now() + patience;
  }

  void readable(loop_type& loop, mioext::token called, read_hint) override {
    visit const here(*this);
    drain(pairs[called.value()].near.get());
    ++reads;
    std::this_thread::yield(); // so that another may come
    pairs[(called.value() + 1) % pairs.size()].send();
    finish(loop);
  }

  void timer(loop_type& loop, mioext::token called) override {
    visit const here(*this);
    ++timers;
    loop.timer(milliseconds(1), called);
    finish(loop);
  }

  void notify(loop_type& loop, int message) override {
    visit const here(*this);
    std::size_t const from = static_cast<std::size_t>(message) / each;
    disorder += next.at(from)++ == message % each ? 0 : 1;
    ++messages;
    finish(loop);
  }

  void finish(loop_type& loop) {
    bool const is_late = clock_type::now() > deadline;
    if ((messages == wanted && timers >= 5 && reads >= 100) || is_late) {
      loop.shutdown();
    }
  }

  static constexpr int each = 2000;
  std::vector<socket_pair> pairs;
  std::vector<int> next = std::vector<int>(4);
  int wanted = 0;
  int messages = 0;
  int disorder = 0;
  int timers = 0;
  int reads = 0;
  clock_type::time_point deadline;
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
};

constexpr int crowded::each;

void check_crowded(crowded const& handler) {
  BOOST_TEST(handler.most == 1);
  BOOST_TEST(handler.messages == handler.wanted);
  BOOST_TEST(handler.disorder == 0);
  BOOST_TEST(handler.timers >= 5);
  BOOST_TEST(handler.reads >= 100);
}

/// Threads that send to the loop.
std::vector<std::thread> start_senders(mioext::sender<int> const& sender, int count) {
  std::vector<std::thread> threads;
  for (int from = 0; from != count; ++from) {
    threads.emplace_back([sender, from] {
      for (int sent = 0; sent != crowded::each; ++sent) {
        error_code ec;
        while (!sender.send(from * crowded::each + sent, ec) && ec == errc::no_buffer_space) {
          std::this_thread::yield();
        }
      }
    });
  }
  return threads;
}

template <class Loop> void run_crowded(tested_context& context, Loop& loop, int threads) {
  for (int senders : {1, 2, 4}) {
    BOOST_TEST_CONTEXT("senders: " << senders) {
      crowded handler(loop);
      handler.wanted = senders * crowded::each;
      std::promise<error_code> result;
      loop.async_run(handler, [&](error_code ec) { result.set_value(ec); });
      context.restart();
      auto sending = start_senders(loop.channel(), senders);
      std::vector<std::thread> running_threads;
      for (int thread = 0; thread != threads; ++thread) {
        running_threads.emplace_back([&context] { context.run(); });
      }
      error_code const ec = result.get_future().get();
      for (std::thread& each : running_threads) {
        each.join(); // run() returns, for there is nothing left
      }
      for (std::thread& each : sending) {
        each.join();
      }
      BOOST_TEST(!ec);
      check_crowded(handler);
      for (socket_pair const& pair : handler.pairs) {
        loop.deregister_handle(pair.near.get());
      }
    }
  }
}

} // namespace

BOOST_AUTO_TEST_CASE(one_thread_runs_it) {
#ifdef MIOEXT_TEST_SELECTOR_CONTEXT
  tested_context context;
#else
  tested_context context(1); // where Asio saves its locks
#endif
  numbers_loop loop(context);
  run_crowded(context, loop, 1);
}

#ifndef MIOEXT_TEST_SELECTOR_CONTEXT // which one thread runs
BOOST_AUTO_TEST_CASE(four_threads_run_the_context_and_no_two_calls_are_at_once,
                     *test::needs_ring_that_may_wrap()) {
  tested_context context;
  numbers_loop loop(context);
  run_crowded(context, loop, 4);
}

BOOST_AUTO_TEST_CASE(four_threads_run_the_context_and_a_strand_serializes_all_that_uses_the_loop,
                     *test::needs_ring_that_may_wrap()) {
  tested_context context;
  strand_type const strand(context.get_executor());
  numbers_loop::rebind_executor<strand_type>::other loop(strand);
  crowded handler(loop);
  handler.wanted = 2 * crowded::each;
  socket_pair pair;
  int used = 0;
  bool is_on_strand = true;
  // Uses the loop outside of its handlers, again and again: on the strand.
  std::function<void()> const use = [&] {
    crowded::visit const here(handler);
    is_on_strand = is_on_strand && strand.running_in_this_thread();
    loop.register_handle(pair.near.get(), token(1), interest::readable);
    loop.clear_timer(loop.timer(milliseconds(0), token(1)));
    loop.deregister_handle(pair.near.get());
    if (++used < 300) {
      asio::post(strand, use);
    }
  };
  asio::post(strand, use);
  error_code result = asio::error::fault;
  loop.async_run(handler, [&](error_code ec) {
    is_on_strand = is_on_strand && strand.running_in_this_thread();
    result = ec;
  });
  auto sending = start_senders(loop.channel(), 2);
  std::vector<std::thread> threads;
  for (int thread = 0; thread != 4; ++thread) {
    threads.emplace_back([&context] { context.run(); });
  }
  for (std::thread& each : threads) {
    each.join();
  }
  for (std::thread& each : sending) {
    each.join();
  }
  BOOST_TEST(!result);
  BOOST_TEST(is_on_strand);
  BOOST_TEST(used == 300);
  check_crowded(handler);
}

BOOST_AUTO_TEST_CASE(a_thread_pool_runs_it) {
  asio::thread_pool pool(4);
  numbers_loop loop(pool);
  crowded handler(loop);
  handler.wanted = 2 * crowded::each;
  auto sending = start_senders(loop.channel(), 2);
  std::promise<error_code> result;
  loop.async_run(handler, [&](error_code ec) { result.set_value(ec); });
  error_code const ec = result.get_future().get();
  pool.join(); // nothing is left to do
  for (std::thread& each : sending) {
    each.join();
  }
  BOOST_TEST(!ec);
  check_crowded(handler);
}

BOOST_AUTO_TEST_CASE(cancel_and_shutdown_come_from_any_thread_at_any_moment) {
  tested_context context;
  auto work = asio::make_work_guard(context);
  std::vector<std::thread> threads;
  for (int thread = 0; thread != 2; ++thread) {
    threads.emplace_back([&context] { context.run(); });
  }
  numbers_loop loop(context);
  numbers_recorder handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
  pair.send();
  int wrong = 0;
  for (int round = 0; round != 200; ++round) {
    std::promise<error_code> result;
    loop.async_run(handler, [&](error_code ec) { result.set_value(ec); });
    bool const is_cancelled = round % 2 == 0;
    is_cancelled ? loop.cancel() : loop.shutdown();
    error_code const ec = result.get_future().get();
    wrong +=
        ec == (is_cancelled ? error_code(asio::error::operation_aborted) : error_code()) ? 0 : 1;
  }
  work.reset();
  for (std::thread& each : threads) {
    each.join();
  }
  BOOST_TEST(wrong == 0);
}

#else
BOOST_AUTO_TEST_CASE(cancel_and_shutdown_come_from_any_thread_at_any_moment) {
  tested_context context;
  numbers_loop loop(context);
  numbers_recorder handler;
  socket_pair pair; // keeps the loop busy
  loop.register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
  pair.send();
  auto work = asio::make_work_guard(context);
  std::thread running_thread([&context] { context.run(); });
  int wrong = 0;
  for (int round = 0; round != 400; ++round) {
    std::promise<void> begun;
    std::promise<error_code> result;
    asio::post(context, [&] {
      handler.calls.clear();
      loop.async_run(handler, [&](error_code ec) { result.set_value(ec); });
      begun.set_value();
    });
    begun.get_future().wait();
    bool const is_cancelled = round % 2 == 0;
    is_cancelled ? loop.cancel() : loop.shutdown();
    if (round % 3 == 0) {
      loop.cancel(); // the same run once more, or none
    }
    error_code const ec = result.get_future().get();
    bool const may_be_aborted = is_cancelled || round % 3 == 0;
    wrong += ec == asio::error::operation_aborted ? !may_be_aborted : ec || is_cancelled;
    if (loop.shutdown_requested()) { // the cancellation came first
      std::promise<void> ended;
      asio::post(context, [&] { loop.async_run(handler, [&](error_code) { ended.set_value(); }); });
      ended.get_future().wait();
    }
  }
  work.reset();
  running_thread.join();
  BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_CASE(a_run_whose_cancellation_is_under_way_makes_room_for_the_next) {
  running<> test;
  socket_pair pair;
  test.loop->register_handle(pair.near.get(), token(1), interest::readable);
  std::thread([&test] { test.loop->cancel(); }).join();
  BOOST_TEST(test.result.count == 0);
  outcome second;
  test.loop->async_run(test.handler, second.here());
  pair.send();
  BOOST_TEST(drive_until(test.context, [&] { return !test.handler.calls.empty(); }));
  BOOST_TEST(test.result.is_aborted());
  BOOST_TEST(second.count == 0);
}

BOOST_AUTO_TEST_CASE(a_cancellation_under_way_keeps_the_loop_and_goes_with_the_context) {
  auto const witness = std::make_shared<int>(0);
  {
    tested_context context;
    recorder<> handler;
    mioext::async_event_loop loop(context);
    loop.async_run(handler, [witness](error_code) {});
    context.poll();
    std::thread([&loop] { loop.cancel(); }).join();
  }
  BOOST_TEST(witness.use_count() == 1);
}

// Neither a reactor of Asio's, for which it would start a thread here, nor a timer of Asio's.
BOOST_AUTO_TEST_CASE(a_loop_with_a_timer_has_no_more_descriptors_than_a_blocking_one) {
  std::size_t own = test::open_descriptors();
  {
    mioext::event_loop const alone;
    own = test::open_descriptors() - own;
  }
  tested_context context;
  std::size_t const before = test::open_descriptors();
  mioext::async_event_loop loop(context);
  loop.timer(milliseconds(1), token(1));
  recorder<> handler;
  handler.on_timer = [](mioext::event_loop& in, mioext::token) { in.shutdown(); };
  outcome result;
  loop.async_run(handler, result.here());
  BOOST_TEST(runs_out(context));
  BOOST_TEST(result.is_success());
  BOOST_TEST(test::open_descriptors() - before == own);
}
#endif

// --- fork ----------------------------------------------------------------------------------------

namespace {

/// A loop with something of each kind, to be taken through a fork.
struct forked {
  forked() : loop(context), sender(loop.channel()) {
    loop.register_handle(pipes[0].first, token(0), interest::readable);
    loop.register_handle(pipes[1].first, token(1), interest::readable);
    loop.timer(milliseconds(20), token(2));
    loop.async_run(handler, result.here());
    context.poll();
  }

  /// Gives up the other's pipe and uses its own, the timer and the sender. Zero if all is well.
  int live(std::size_t own) {
    loop.deregister_handle(pipes[1 - own].first);
    if (::write(pipes[own].second.native_handle(), "x", 1) != 1) {
      return 1;
    }
    sender.send(1);
    if (!drive_until(context, [this] { return handler.calls.size() >= 3; })) {
      return 2;
    }
    std::sort(handler.calls.begin(), handler.calls.end());
    if (handler.calls !=
        strings{"notify", "readable token(" + std::to_string(own) + ") data", "timer token(2)"}) {
      return 3;
    }
    loop.shutdown();
    return runs_out(context) && result.is_success() ? 0 : 4;
  }

  tested_context context;
  std::pair<mioext::pipe_reader, mioext::pipe_writer> pipes[2] = {mioext::pipe(), mioext::pipe()};
  numbers_recorder handler;
  outcome result;
  numbers_loop loop;
  mioext::sender<int> sender;
};

} // namespace

BOOST_AUTO_TEST_CASE(after_fork_the_run_goes_on_in_both_processes, *test::needs_asio_that_forks()) {
  forked test;
  test.context.notify_fork(tested_context::fork_prepare);
  BOOST_TEST(test::in_child(
                 [&] {
                   test.context.notify_fork(tested_context::fork_child);
                   return test.live(0);
                 },
                 [&] { test.context.notify_fork(tested_context::fork_parent); }) == 0);
  BOOST_TEST(test.live(1) == 0); // the child took nothing of it away
}

BOOST_AUTO_TEST_CASE(a_handler_may_fork, *test::needs_asio_that_forks()) {
  forked test;
  int status = -1;
  ::pid_t child = -1;
  test.handler.on_timer = [&](mioext::basic_event_loop<mioext::token, int>&, mioext::token called) {
    if (called != token(3)) {
      return;
    }
    // Not token(2)'s, which may have been called already if this is late.
    strings& calls = test.handler.calls;
    calls.erase(std::remove(calls.begin(), calls.end(), "timer token(3)"), calls.end());
    test.context.notify_fork(tested_context::fork_prepare);
    child = ::fork();
    if (child == 0) {
      test.context.notify_fork(tested_context::fork_child);
      return;
    }
    test.context.notify_fork(tested_context::fork_parent);
    ::waitpid(child, &status, 0);
  };
  test.loop.timer(seconds(0), token(3));
  bool const has_forked = drive_until(test.context, [&] { return child != -1; });
  if (child == 0) {
    test::exit_child(test.live(0));
  }
  BOOST_TEST(has_forked);
  BOOST_REQUIRE(child > 0);
  BOOST_TEST(status == 0);
  // What the child has written for itself may have been seen by the rest of the turn that forked.
  strings& calls = test.handler.calls;
  calls.erase(std::remove(calls.begin(), calls.end(), "readable token(0) data"), calls.end());
  BOOST_TEST(test.live(1) == 0);
}

BOOST_AUTO_TEST_CASE(a_run_that_begins_after_fork_prepare_goes_on_in_both_processes,
                     *test::needs_asio_that_forks()) {
  tested_context context;
  auto ends = mioext::pipe();
  recorder<> handler;
  outcome result;
  mioext::async_event_loop loop(context);
  loop.register_handle(ends.first, token(1), interest::readable);
  context.notify_fork(tested_context::fork_prepare);
  loop.async_run(handler, result.here());
  context.poll(); // the first tick, after which it would wait
  auto const goes_on = [&] {
    if (result.count != 0 || ::write(ends.second.native_handle(), "x", 1) != 1 ||
        !drive_until(context, [&] { return !handler.calls.empty(); })) {
      return 1;
    }
    char drained;
    ends.first.read_some(asio::buffer(&drained, 1));
    loop.shutdown();
    return runs_out(context) && result.is_success() ? 0 : 2;
  };
  BOOST_TEST(test::in_child([&] {
               context.notify_fork(tested_context::fork_child);
               return goes_on();
             }) == 0);
  context.notify_fork(tested_context::fork_parent);
  BOOST_TEST(goes_on() == 0);
}

BOOST_AUTO_TEST_CASE(a_thread_that_runs_the_context_around_a_fork_does_not_end_the_run,
                     *test::needs_asio_that_forks()) {
  forked test;
  test.context.notify_fork(tested_context::fork_prepare);
  std::thread runs([&test] { test.context.run_one_for(milliseconds(5)); });
  runs.join();
  BOOST_TEST(test.result.count == 0);
  BOOST_TEST(test::in_child(
                 [&] {
                   test.context.notify_fork(tested_context::fork_child);
                   return test.live(0);
                 },
                 [&] { test.context.notify_fork(tested_context::fork_parent); }) == 0);
  BOOST_TEST(test.live(1) == 0);
}

BOOST_AUTO_TEST_CASE(a_notify_fork_that_fails_can_be_repeated_and_the_run_goes_on,
                     *test::needs_asio_that_forks()) {
  forked test;
  test.context.notify_fork(tested_context::fork_prepare);
  ::pid_t const child = ::fork();
  if (child == 0) {
    // Asio's reactor finds the places of what it closes; there is no more.
    ::rlimit before;
    ::getrlimit(RLIMIT_NOFILE, &before);
    ::rlimit full = before;
    int const free = ::dup(0);
    ::close(free);
    full.rlim_cur = static_cast<::rlim_t>(free);
    ::setrlimit(RLIMIT_NOFILE, &full);
    bool has_failed = false;
    try {
      test.context.notify_fork(tested_context::fork_child);
    } catch (boost::system::system_error const&) {
      has_failed = true;
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    test.context.poll();
    if (!has_failed || test.result.count != 0) {
      test::exit_child(10);
    }
    test.context.notify_fork(tested_context::fork_child);
    test::exit_child(test.live(0));
  }
  BOOST_REQUIRE(child > 0);
  test.context.notify_fork(tested_context::fork_parent);
  int status = -1;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
  BOOST_TEST(test.live(1) == 0);
}

BOOST_AUTO_TEST_CASE(a_child_may_destroy_the_context_and_use_the_loop_on,
                     *test::needs_asio_that_forks()) {
  std::unique_ptr<tested_context> context(new tested_context);
  auto ends = mioext::pipe();
  recorder<> handler;
  outcome result;
  mioext::async_event_loop loop(*context);
  loop.register_handle(ends.first, token(1), interest::readable);
  loop.async_run(handler, result.here());
  context->poll();
  BOOST_TEST(test::in_child([&] {
               context.reset();
               loop.reregister_handle(ends.first, token(2), interest::readable);
               loop.deregister_handle(ends.first);
               return 0;
             }) == 0);
  BOOST_TEST(::write(ends.second.native_handle(), "x", 1) == 1);
  BOOST_TEST(drive_until(*context, [&] { return !handler.calls.empty(); }));
  BOOST_TEST(handler.calls == strings{"readable token(1) data"}, boost::test_tools::per_element());
  loop.shutdown();
  BOOST_TEST(runs_out(*context));
  BOOST_TEST(result.is_success());
}

// --- Completion tokens and what is associated with a completion handler --------------------------

BOOST_AUTO_TEST_CASE(a_future_tells_the_outcome) {
  tested_context context;
  mioext::async_event_loop loop(context);
  recorder<> handler;
  std::future<void> success = loop.async_run(handler, asio::use_future);
  loop.shutdown();
  BOOST_TEST(runs_out(context));
  BOOST_CHECK_NO_THROW(success.get());
  // Not as an exception: ThreadSanitizer does not see how std::exception_ptr, in a library that is
  // not instrumented, counts those who share one.
  std::future<error_code> aborted =
      loop.async_run(handler, asio::use_future([](error_code ec) { return ec; }));
  loop.cancel();
  BOOST_TEST(runs_out(context));
  BOOST_TEST((aborted.get() == asio::error::operation_aborted));
}

BOOST_AUTO_TEST_CASE(detached_needs_no_completion_and_can_be_the_default) {
  tested_context context;
  recorder<> handler;
  handler.on_timer = [](mioext::event_loop& in, mioext::token) { in.shutdown(); };
  mioext::async_event_loop loop(context);
  loop.timer(seconds(0), token(1));
  loop.async_run(handler, asio::detached);
  asio::detached_t::as_default_on_t<mioext::async_event_loop> other(context);
  other.timer(seconds(0), token(2));
  other.async_run(handler);
  BOOST_TEST(runs_out(context));
  BOOST_TEST(handler.calls.size() == 2u);
}

#if BOOST_ASIO_VERSION >= 102400
BOOST_AUTO_TEST_CASE(a_deferred_run_begins_when_it_is_launched) {
  tested_context context;
  mioext::async_event_loop loop(context);
  recorder<> handler;
  auto deferred = loop.async_run(handler, asio::deferred);
  loop.shutdown();
  BOOST_TEST(runs_out(context));
  BOOST_TEST(loop.shutdown_requested()); // nobody has run it
  outcome result;
  std::move(deferred)(result.here());
  BOOST_TEST(result.count == 0);
  BOOST_TEST(runs_out(context));
  BOOST_TEST(result.is_success());
}
#endif

#ifdef BOOST_ASIO_HAS_CO_AWAIT
BOOST_AUTO_TEST_CASE(a_coroutine_awaits_the_run) {
  tested_context context;
  mioext::async_event_loop loop(context);
  recorder<> handler;
  handler.on_timer = [](mioext::event_loop& in, mioext::token) { in.shutdown(); };
  loop.timer(seconds(0), token(1));
  bool is_done = false;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        co_await loop.async_run(handler, asio::use_awaitable);
        is_done = true;
      },
      asio::detached);
  BOOST_TEST(runs_out(context));
  BOOST_TEST(is_done);
  BOOST_TEST(handler.calls.size() == 1u);
}
#endif

BOOST_AUTO_TEST_CASE(the_completion_is_called_on_its_own_executor) {
  tested_context context;
  tested_context other_context;
  mioext::async_event_loop loop(context);
  recorder<> handler;
  outcome result;
  loop.async_run(handler, asio::bind_executor(other_context.get_executor(), result.here()));
  context.poll();
  other_context.poll();
  BOOST_TEST(!other_context.stopped()); // the run is work of both
  loop.shutdown();
  BOOST_TEST(runs_out(context));
  BOOST_TEST(result.count == 0);
  BOOST_TEST(runs_out(other_context));
  BOOST_TEST(result.is_success());
}

namespace {

struct memory_balance {
  std::size_t taken = 0;
  std::size_t held = 0;
};

template <class T> class counting_allocator {
public:
  using value_type = T;

  explicit counting_allocator(memory_balance& balance) noexcept : balance_(&balance) {}
  template <class U>
  counting_allocator(counting_allocator<U> const& other) noexcept : balance_(other.balance_) {}

  T* allocate(std::size_t count) {
    ++balance_->taken;
    ++balance_->held;
    return static_cast<T*>(::operator new(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t) noexcept {
    --balance_->held;
    ::operator delete(memory);
  }

  template <class U> bool operator==(counting_allocator<U> const& other) const noexcept {
    return balance_ == other.balance_;
  }
  template <class U> bool operator!=(counting_allocator<U> const& other) const noexcept {
    return balance_ != other.balance_;
  }

private:
  template <class> friend class counting_allocator;

  memory_balance* balance_;
};

struct allocating_completion {
  using allocator_type = counting_allocator<char>;

  allocator_type get_allocator() const noexcept { return allocator_type(*balance); }

  void operator()(error_code) const { *held_when_called = balance->held; }

  memory_balance* balance;
  std::size_t* held_when_called;
};

} // namespace

BOOST_AUTO_TEST_CASE(the_memory_comes_from_the_completions_allocator_and_is_back_before_the_call) {
  memory_balance balance;
  std::size_t held_when_called = 99;
  tested_context context;
  {
    mioext::async_event_loop loop(context);
    recorder<> handler;
    loop.async_run(handler, allocating_completion{&balance, &held_when_called});
    BOOST_TEST(balance.held == 1u);
    context.poll();
    loop.shutdown();
    BOOST_TEST(runs_out(context));
    BOOST_TEST(held_when_called == 0u);
    loop.async_run(handler, allocating_completion{&balance, &held_when_called});
    BOOST_TEST(balance.taken == 2u);
  }
  held_when_called = 99;
  BOOST_TEST(runs_out(context)); // aborted
  BOOST_TEST(held_when_called == 0u);
  BOOST_TEST(balance.held == 0u);
}

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
BOOST_AUTO_TEST_CASE(a_cancellation_slot_ends_the_run_if_it_means_terminal_or_partial) {
  tested_context context;
  mioext::async_event_loop loop(context);
  recorder<> handler;
  for (auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial}) {
    asio::cancellation_signal signal;
    outcome result;
    loop.async_run(handler, asio::bind_cancellation_slot(signal.slot(), result.here()));
    context.restart();
    context.poll();
    signal.emit(asio::cancellation_type::total); // what was delivered has had its effects
    context.poll();
    BOOST_TEST(result.count == 0);
    signal.emit(type);
    BOOST_TEST(result.count == 0);
    BOOST_TEST(runs_out(context));
    BOOST_TEST(result.is_aborted());
  }
}

BOOST_AUTO_TEST_CASE(a_cancellation_slot_in_a_handler_ends_the_run_after_the_tick) {
  tested_context context;
  mioext::async_event_loop loop(context);
  ready_pairs<mioext::async_event_loop> ready(loop);
  recorder<> handler;
  asio::cancellation_signal signal;
  outcome result;
  handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) {
    signal.emit(asio::cancellation_type::terminal);
  };
  loop.async_run(handler, asio::bind_cancellation_slot(signal.slot(), result.here()));
  BOOST_TEST(runs_out(context));
  BOOST_TEST(handler.calls.size() == 5u);
  BOOST_TEST(result.is_aborted());
}

BOOST_AUTO_TEST_CASE(the_cancellation_slot_of_a_run_that_has_ended_does_not_hurt_the_next) {
  tested_context context;
  recorder<> handler;
  asio::cancellation_signal of_first;
  asio::cancellation_signal of_refused;
  outcome first;
  outcome refused;
  outcome second;
  {
    mioext::async_event_loop loop(context);
    loop.async_run(handler, asio::bind_cancellation_slot(of_first.slot(), first.here()));
    loop.async_run(handler, asio::bind_cancellation_slot(of_refused.slot(), refused.here()));
    BOOST_TEST(drive_until(context, [&] { return refused.count != 0; }));
    BOOST_TEST((refused.ec == asio::error::already_started));
    of_refused.emit(asio::cancellation_type::terminal);
    context.poll();
    BOOST_TEST(first.count == 0);
    loop.shutdown();
    BOOST_TEST(runs_out(context));
    BOOST_TEST(first.is_success());

    loop.async_run(handler, second.here());
    context.restart();
    context.poll();
    of_first.emit(asio::cancellation_type::terminal);
    of_refused.emit(asio::cancellation_type::terminal);
    context.poll();
    BOOST_TEST(second.count == 0);
  }
  BOOST_TEST(runs_out(context));
  BOOST_TEST(second.is_aborted());
  of_first.emit(asio::cancellation_type::terminal); // the loop is gone
}
#endif

#ifdef MIOEXT_DETAIL_HAS_IMMEDIATE_EXECUTORS
namespace {

/// Calls what it is given on the spot, and counts that.
struct counting_executor {
  asio::execution_context& query(asio::execution::context_t) const noexcept { return *context; }
  template <class Function> void execute(Function&& function) const {
    ++*executed;
    typename std::decay<Function>::type called(std::forward<Function>(function));
    called();
  }
  bool operator==(counting_executor const& other) const noexcept {
    return executed == other.executed;
  }
  bool operator!=(counting_executor const& other) const noexcept { return !(*this == other); }

  tested_context* context;
  int* executed;
};

struct immediate_completion : outcome::completion_handler {
  using immediate_executor_type = counting_executor;

  immediate_completion(outcome& result, counting_executor const& used)
      : outcome::completion_handler(result.here()), executor(used) {}

  immediate_executor_type get_immediate_executor() const noexcept { return executor; }

  counting_executor executor;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_refusal_goes_through_the_completions_immediate_executor) {
  running<> test;
  int executed = 0;
  outcome refused;
  asio::post(test.context, [&] {
    test.loop->async_run(
        test.handler, immediate_completion(refused, counting_executor{&test.context, &executed}));
    BOOST_TEST(executed > 0);
    BOOST_TEST(refused.count == 1); // as the handler allows
  });
  test.context.poll();
  BOOST_TEST((refused.ec == asio::error::already_started));
  BOOST_TEST(test.result.count == 0);
}

BOOST_AUTO_TEST_CASE(a_run_is_never_immediate) {
  tested_context context;
  mioext::async_event_loop loop(context);
  recorder<> handler;
  int executed = 0;
  outcome result;
  loop.shutdown();
  loop.async_run(handler, immediate_completion(result, counting_executor{&context, &executed}));
  BOOST_TEST(runs_out(context));
  BOOST_TEST(executed == 0);
  BOOST_TEST(result.is_success());
}
#endif

// --- Steady state --------------------------------------------------------------------------------

namespace {

/// False where a timer of Asio's allocates: on a strand, in Boost 1.74.
template <class Loop> constexpr bool has_lean_timers() {
  return BOOST_ASIO_VERSION >= 102400 ||
         !std::is_same<typename Loop::executor_type, strand_type>::value;
}

/// A byte goes round in a pair of sockets, a timer and a message are renewed, and a timer of Asio's
/// is, too; in a selector_context one of this library's.
template <class Loop> struct busy final : mioext::basic_handler<mioext::token, int> {
  using loop_type = mioext::basic_event_loop<mioext::token, int>;

  explicit busy(Loop& used) : outer(used), sender(used.channel()), beside(used.get_executor()) {
    used.register_handle(pair.near.get(), token(0), interest::readable);
    used.register_handle(pair.far.get(), token(1), interest::readable);
    pair.send();
    used.timer(milliseconds(1), token(0));
    sender.send(1);
    if (has_lean_timers<Loop>()) {
      wait();
    }
  }

  void readable(loop_type&, mioext::token called, read_hint) override {
    ++reads;
    int const fd = called == token(0) ? pair.near.get() : pair.far.get();
    char byte;
    if (::read(fd, &byte, 1) != 1 || ::write(fd, &byte, 1) != 1) {
      outer.cancel();
    }
  }

  void timer(loop_type& loop, mioext::token called) override {
    ++timers;
    loop.timer(milliseconds(1), called);
#ifndef MIOEXT_TEST_CANNOT_COUNT
    if (timers == 5) {
      before = allocations;
    }
    after = allocations;
#endif
    if (timers >= 50 && reads >= 100 && messages >= 100) { // however long each takes
      is_done = true;
      loop.shutdown();
    }
  }

  void notify(loop_type&, int message) override {
    ++messages;
    if (!is_done) {
      sender.send(message + 1);
    }
  }

  void wait() {
    beside.expires_after(milliseconds(1));
    beside.async_wait([this](error_code) {
      outer.clear_timer(outer.timer(milliseconds(0), token(9)));
      if (!is_done) {
        wait();
      }
    });
  }

  Loop& outer;
  mioext::sender<int> sender;
#ifdef MIOEXT_TEST_SELECTOR_CONTEXT // where a timer of Asio's is another thread's
  mioext::basic_steady_timer<typename Loop::executor_type> beside;
#else
  asio::basic_waitable_timer<clock_type, asio::wait_traits<clock_type>,
                             typename Loop::executor_type>
      beside;
#endif
  socket_pair pair;
  bool is_done = false;
  std::size_t before = 0;
  std::size_t after = 0;
  int reads = 0;
  int timers = 0;
  int messages = 0;
};

template <class Loop> void check_steady_state(tested_context& context, Loop& loop) {
  busy<Loop> handler(loop);
  outcome result;
  loop.async_run(handler, result.here());
  BOOST_TEST(runs_out(context));
  BOOST_TEST(result.is_success());
  BOOST_TEST(handler.reads >= 100);
  BOOST_TEST(handler.messages >= 100);
#ifndef MIOEXT_TEST_CANNOT_COUNT
  BOOST_TEST(handler.before > 0u); // the counter counts
  BOOST_TEST(handler.after == handler.before);
#endif
}

} // namespace

BOOST_AUTO_TEST_CASE(a_busy_loop_in_a_context_allocates_nothing) {
  tested_context context;
  numbers_loop loop(context);
  check_steady_state(context, loop);
}

BOOST_AUTO_TEST_CASE(a_busy_loop_with_the_contexts_own_executor_allocates_nothing) {
  tested_context context;
  numbers_loop::rebind_executor<tested_context::executor_type>::other loop(context);
  check_steady_state(context, loop);
}

BOOST_AUTO_TEST_CASE(a_busy_loop_on_a_strand_allocates_nothing) {
  tested_context context;
  strand_type const strand(context.get_executor());
  numbers_loop::rebind_executor<strand_type>::other loop(strand);
  check_steady_state(context, loop);
}

BOOST_AUTO_TEST_SUITE_END()
