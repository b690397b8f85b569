//
// test/selector_service.cpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <mioext/selector_service.hpp>
#include <mioext/steady_timer.hpp>

#include <array>
#include <atomic>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "child.hpp"
#include "contexts.hpp"
#include "handles.hpp"
#include "systems.hpp"

namespace {

namespace error = boost::asio::error;
using boost::system::error_code;
using contexts::ended;
using contexts::gate;
using contexts::into;
using contexts::outcome;
using contexts::poll_all;
using contexts::run;
using mioext::async_wait;
using mioext::interest;
using mioext::selector_service;
using support::socket_pair;
using support::tested_context;
using reader_stream = mioext::stream<mioext::pipe_reader>;

std::vector<socket_pair> ready_pairs(std::size_t count) {
  std::vector<socket_pair> pairs(count);
  for (socket_pair const& each : pairs) {
    each.send();
  }
  return pairs;
}

/// A stream over a pipe, and where to write what it reads.
struct piped {
  template <class Context> explicit piped(Context& context) : piped(context, mioext::pipe()) {}
  template <class Context>
  piped(Context& context, std::pair<mioext::pipe_reader, mioext::pipe_writer> ends)
      : stream(context, std::move(ends.first)), writer(std::move(ends.second)) {}

  void read(outcome& written) {
    stream.async_read_some(boost::asio::buffer(&byte, 1), into(written));
  }

  void write(char text) { writer.write_some(boost::asio::buffer(&text, 1)); }

  reader_stream stream;
  mioext::pipe_writer writer;
  char byte = 0;
};

} // namespace

#ifndef MIOEXT_TEST_SELECTOR_CONTEXT // which has one from the beginning
BOOST_AUTO_TEST_SUITE(making_it)

BOOST_AUTO_TEST_CASE(a_context_has_one_from_its_first_use) {
  tested_context context;
  BOOST_TEST(!boost::asio::has_service<selector_service>(context));
  selector_service& made = boost::asio::use_service<selector_service>(context);
  BOOST_TEST(boost::asio::has_service<selector_service>(context));
  BOOST_TEST(&boost::asio::use_service<selector_service>(context) == &made);
  tested_context other;
  BOOST_TEST(&boost::asio::use_service<selector_service>(other) != &made);
}

BOOST_AUTO_TEST_CASE(the_first_operation_makes_it) {
  tested_context context;
  socket_pair pair;
  outcome writable;
  async_wait(context, pair.near.get(), interest::writable, into(writable));
  BOOST_TEST(boost::asio::has_service<selector_service>(context));
  run(context);
  BOOST_TEST(writable == ended());
}

BOOST_AUTO_TEST_CASE(it_can_be_made_with_a_capacity) {
  tested_context context;
  boost::asio::make_service<selector_service>(context, 1u);
  BOOST_CHECK_THROW(boost::asio::make_service<selector_service>(context, 2u),
                    boost::asio::service_already_exists);
  std::vector<socket_pair> const pairs = ready_pairs(5);
  int told = 0;
  for (socket_pair const& each : pairs) {
    async_wait(context, each.near.get(), interest::readable,
               [&](error_code const& ec) { told += !ec; });
  }
  run(context);
  BOOST_TEST(told == 5);
}

BOOST_AUTO_TEST_CASE(a_capacity_that_cannot_be_is_refused) {
  tested_context context;
  for (std::size_t const capacity : {std::size_t(0), std::numeric_limits<std::size_t>::max()}) {
    BOOST_TEST((test::error_of([&] {
                  boost::asio::make_service<selector_service>(context, capacity);
                }) == error::invalid_argument));
    BOOST_TEST(!boost::asio::has_service<selector_service>(context));
  }
  outcome writable;
  socket_pair pair;
  async_wait(context, pair.near.get(), interest::writable, into(writable));
  run(context);
  BOOST_TEST(writable == ended());
}

BOOST_AUTO_TEST_CASE(four_threads_make_one) {
  for (int round = 0; round != 20; ++round) {
    tested_context context;
    std::array<selector_service*, 4> made = {{}};
    std::vector<std::thread> threads;
    for (selector_service*& each : made) {
      threads.emplace_back(
          [&each, &context] { each = &boost::asio::use_service<selector_service>(context); });
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
    for (selector_service* each : made) {
      BOOST_TEST(each == made[0]);
    }
  }
}

// Whichever descriptor it is that cannot be had: the error says so, nothing is left over, and when
// there are descriptors again the service can be made.
// Threads remember where they have found one.
BOOST_AUTO_TEST_CASE(a_context_at_the_address_of_one_that_has_gone_has_its_own) {
  typename std::aligned_storage<sizeof(tested_context), alignof(tested_context)>::type place;
  socket_pair pair;
  outcome in_this_thread;
  outcome in_the_other;
  gate is_begun;
  gate is_replaced;
  auto const wait_in = [&pair](tested_context& context, outcome& told) {
    async_wait(context, pair.near.get(), interest::writable, into(told));
    run(context);
  };
  auto* const first = ::new (static_cast<void*>(&place)) tested_context;
  std::thread other([&] {
    wait_in(*first, in_the_other);
    is_begun.open();
    is_replaced.wait();
    auto& second = *reinterpret_cast<tested_context*>(&place);
    second.restart();
    wait_in(second, in_the_other);
  });
  is_begun.wait();
  BOOST_TEST(in_the_other == ended());
  first->restart();
  wait_in(*first, in_this_thread);
  BOOST_TEST(in_this_thread == ended());
  first->~tested_context();
  auto* const second = ::new (static_cast<void*>(&place)) tested_context;
  BOOST_TEST(!boost::asio::has_service<selector_service>(*second));
  in_this_thread = outcome();
  in_the_other = outcome();
  wait_in(*second, in_this_thread);
  BOOST_TEST(in_this_thread == ended());
  BOOST_TEST(boost::asio::has_service<selector_service>(*second));
  is_replaced.open();
  other.join();
  BOOST_TEST(in_the_other == ended());
  second->~tested_context();
}

BOOST_AUTO_TEST_CASE(without_descriptors_it_says_so_and_can_be_made_later) {
  tested_context context;
  boost::asio::steady_timer const has_made_asios_reactor(context);
  // To look at the first exception of its kind, UndefinedBehaviorSanitizer needs a descriptor.
  BOOST_CHECK_THROW(boost::asio::make_service<selector_service>(context, 0u),
                    boost::system::system_error);
  rlimit saved;
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &saved) == 0);
  std::size_t const open = test::open_descriptors();
  std::vector<std::exception_ptr> failures;
  for (::rlim_t number = 0; !boost::asio::has_service<selector_service>(context); ++number) {
    BOOST_REQUIRE(number != 1024u);
    rlimit few = saved;
    few.rlim_cur = number;
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    try {
      boost::asio::use_service<selector_service>(context);
    } catch (...) {
      failures.push_back(std::current_exception());
    }
    ::setrlimit(RLIMIT_NOFILE, &saved);
    if (!boost::asio::has_service<selector_service>(context)) {
      BOOST_TEST(test::open_descriptors() == open);
    }
  }
  BOOST_TEST(!failures.empty());
  for (std::exception_ptr const& each : failures) {
    BOOST_TEST((test::error_of([&] { std::rethrow_exception(each); }) == error::no_descriptors));
  }
  outcome writable;
  socket_pair pair;
  async_wait(context, pair.near.get(), interest::writable, into(writable));
  run(context);
  BOOST_TEST(writable == ended());
}

BOOST_AUTO_TEST_SUITE_END()
#endif

BOOST_AUTO_TEST_SUITE(running)

BOOST_AUTO_TEST_CASE(the_service_alone_does_not_keep_the_context_running) {
  tested_context context;
  boost::asio::use_service<selector_service>(context);
  BOOST_TEST(!poll_all(context));
  piped idle(context);
  BOOST_TEST(!poll_all(context)); // nor does a stream with nothing to do
}

BOOST_AUTO_TEST_CASE(run_does_not_return_while_something_is_pending_and_does_when_nothing_is) {
  tested_context context;
  auto ends = mioext::pipe();
  outcome readable;
  async_wait(context, ends.first, interest::readable, into(readable));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(context.run_one_for(std::chrono::milliseconds(1)) == 0u);
  BOOST_TEST(!context.stopped());
  ends.first.close();
  BOOST_TEST(!poll_all(context));
  BOOST_TEST(readable == ended(error::operation_aborted));
}

BOOST_AUTO_TEST_CASE(again_and_again) {
  tested_context context;
  piped pipe(context);
  for (int round = 0; round != 100; ++round) {
    outcome read;
    pipe.read(read);
    BOOST_REQUIRE(poll_all(context));
    pipe.write('x');
    run(context);
    BOOST_REQUIRE(read == ended());
    BOOST_REQUIRE(!poll_all(context));
  }
}

BOOST_AUTO_TEST_CASE(with_a_concurrency_hint_of_one) {
  boost::asio::io_context context(1);
  piped pipe(context);
  outcome read;
  outcome writable;
  pipe.read(read);
  async_wait(context, pipe.writer, interest::writable, into(writable));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(writable == ended());
  pipe.write('x');
  run(context);
  BOOST_TEST(read == ended());
}

BOOST_AUTO_TEST_CASE(without_locks_in_the_context) {
  boost::asio::io_context context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE);
  piped pipe(context);
  outcome read;
  pipe.read(read);
  BOOST_TEST(poll_all(context));
  pipe.write('x');
  run(context);
  BOOST_TEST(read == ended());
}

BOOST_AUTO_TEST_CASE(a_thread_pool_is_joined_when_nothing_is_pending) {
  boost::asio::thread_pool pool(3);
  std::vector<socket_pair> pairs(20);
  std::atomic<int> told(0);
  for (socket_pair const& each : pairs) {
    async_wait(pool, each.near.get(), interest::readable,
               [&](error_code const& ec) { told += !ec; });
  }
  for (socket_pair const& each : pairs) {
    each.send();
  }
  pool.join();
  BOOST_TEST(told == 20);
}

// One that locks nothing must do all the same.
BOOST_AUTO_TEST_CASE(it_is_made_with_the_concurrency_hint_of_its_context) {
  for (int const hint : {1, BOOST_ASIO_CONCURRENCY_HINT_UNSAFE,
                         BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO, BOOST_ASIO_CONCURRENCY_HINT_SAFE}) {
    boost::asio::io_context context(hint);
    boost::asio::make_service<selector_service>(context, 16u, hint);
    socket_pair pair;
    int told = 0;
    int expired = 0;
    mioext::steady_timer timer(context, std::chrono::milliseconds(1));
    timer.async_wait([&](error_code const& ec) {
      BOOST_TEST(!ec);
      ++expired;
      pair.send();
    });
    for (int waits = 0; waits != 2; ++waits) {
      async_wait(context, pair.near.get(), interest::readable, [&](error_code const& ec) {
        BOOST_TEST(!ec);
        ++told;
      });
    }
    run(context);
    BOOST_TEST(told == 2);
    BOOST_TEST(expired == 1);
  }
}

// Fifty are ready, and two are fetched at a time.
BOOST_AUTO_TEST_CASE(more_than_a_batch_is_delivered_and_other_work_gets_its_turn) {
  boost::asio::io_context context;
  boost::asio::make_service<selector_service>(context, 2u);
  std::vector<socket_pair> const pairs = ready_pairs(50);
  int told = 0;
  int told_before_the_post = -1;
  for (socket_pair const& each : pairs) {
    async_wait(context, each.near.get(), interest::readable, [&](error_code const& ec) {
      BOOST_TEST(!ec);
      if (++told == 1) {
        boost::asio::post(context, [&] { told_before_the_post = told; });
      }
    });
  }
  run(context);
  BOOST_TEST(told == 50);
  BOOST_TEST(told_before_the_post >= 1);
  BOOST_TEST(told_before_the_post <= 6);
}

BOOST_AUTO_TEST_CASE(an_exception_from_a_handler_leaves_run_and_nothing_is_lost) {
  tested_context context;
  std::vector<socket_pair> const pairs = ready_pairs(10);
  socket_pair later;
  outcome waiting;
  int told = 0;
  int thrown = 0;
  async_wait(context, later.near.get(), interest::readable, into(waiting));
  for (socket_pair const& each : pairs) {
    async_wait(context, each.near.get(), interest::readable, [&](error_code const& ec) {
      BOOST_TEST(!ec);
      // The first of the batch is called in a way of its own.
      if (++told == 1 || told == 5 || told == 10) {
        throw std::runtime_error("the test's");
      }
    });
  }
  while (told != 10) {
    int const before = told;
    try {
      context.run_one_for(support::patience);
    } catch (std::runtime_error const&) {
      ++thrown;
      continue;
    }
    BOOST_REQUIRE(told >= before);
    BOOST_REQUIRE(!context.stopped());
  }
  BOOST_TEST(thrown == 3);
  BOOST_TEST(waiting.calls == 0);
  BOOST_TEST(poll_all(context));
  later.send();
  run(context);
  BOOST_TEST(waiting == ended());
}

BOOST_AUTO_TEST_CASE(the_only_handler_throws) {
  tested_context context;
  socket_pair pair;
  async_wait(context, pair.near.get(), interest::writable,
             [](error_code const&) { throw std::runtime_error("the test's"); });
  BOOST_CHECK_THROW(context.run_for(support::patience), std::runtime_error);
  outcome next;
  async_wait(context, pair.near.get(), interest::writable, into(next));
  run(context);
  BOOST_TEST(next == ended());
}

BOOST_AUTO_TEST_CASE(a_stopped_context_goes_on_after_restart) {
  tested_context context;
  std::vector<socket_pair> const pairs = ready_pairs(10);
  int told = 0;
  for (socket_pair const& each : pairs) {
    async_wait(context, each.near.get(), interest::readable, [&](error_code const& ec) {
      BOOST_TEST(!ec);
      if (++told == 3) {
        context.stop();
      }
    });
  }
  context.run_for(support::patience);
  BOOST_TEST(told == 3);
  run(context);
  BOOST_TEST(told == 10);
}

BOOST_AUTO_TEST_SUITE_END()

#ifndef MIOEXT_TEST_SELECTOR_CONTEXT // which one thread runs
BOOST_AUTO_TEST_SUITE(in_four_threads, *test::needs_ring_that_may_wrap())

// Each handler of the batch waits until all have been called, which takes a thread for each.
BOOST_AUTO_TEST_CASE(handlers_of_one_batch_are_called_beside_each_other) {
  tested_context context;
  std::vector<socket_pair> const pairs = ready_pairs(4);
  std::atomic<int> called(0);
  std::atomic<int> met(0);
  gate all_called;
  for (socket_pair const& each : pairs) {
    async_wait(context, each.near.get(), interest::readable, [&](error_code const&) {
      if (++called == 4) {
        all_called.open();
      }
      met += all_called.wait();
    });
  }
  run(context, 4);
  BOOST_TEST(met == 4);
}

// While a handler blocks, the next batch is fetched and delivered by others.
BOOST_AUTO_TEST_CASE(a_handler_that_blocks_holds_up_no_other_batch) {
  tested_context context;
  boost::asio::make_service<selector_service>(context, 1u);
  piped pipe(context);
  socket_pair pair;
  gate read;
  bool was_let_go = false;
  async_wait(context, pair.near.get(), interest::writable, [&](error_code const&) {
    pipe.write('x');
    was_let_go = read.wait();
  });
  pipe.stream.async_read_some(boost::asio::buffer(&pipe.byte, 1),
                              [&](error_code const&, std::size_t) { read.open(); });
  run(context, 2);
  BOOST_TEST(was_let_go);
}

BOOST_AUTO_TEST_CASE(the_last_operation_ends_while_the_next_one_starts) {
  tested_context context;
  struct session {
    explicit session(tested_context& used) : context(&used), pipe(used) {}
    void read() {
      pipe.stream.async_read_some(boost::asio::buffer(&pipe.byte, 1),
                                  [this](error_code const& ec, std::size_t) {
                                    failures += bool(ec);
                                    if (++count != 2000) {
                                      // Nothing is pending for a moment.
                                      boost::asio::post(*context, [this] {
                                        read();
                                        pipe.write('x');
                                      });
                                    }
                                  });
    }
    tested_context* context;
    piped pipe;
    int count = 0;
    int failures = 0;
  };
  session first(context);
  session second(context);
  for (session* each : {&first, &second}) {
    each->read();
    each->pipe.write('x');
  }
  run(context, 4);
  for (session* each : {&first, &second}) {
    BOOST_TEST(each->count == 2000);
    BOOST_TEST(each->failures == 0);
  }
}

BOOST_AUTO_TEST_CASE(operations_are_started_from_outside_while_it_runs) {
  tested_context context;
  auto work = boost::asio::make_work_guard(context);
  std::vector<std::thread> threads;
  for (int index = 0; index != 4; ++index) {
    threads.emplace_back([&] { context.run(); });
  }
  std::atomic<int> told(0);
  std::vector<socket_pair> const pairs = ready_pairs(50);
  for (int round = 0; round != 40; ++round) {
    for (socket_pair const& each : pairs) {
      async_wait(context, each.near.get(), interest::readable,
                 [&](error_code const& ec) { told += !ec; });
    }
  }
  work.reset();
  for (std::thread& thread : threads) {
    thread.join();
  }
  BOOST_TEST(told == 2000);
}

BOOST_AUTO_TEST_SUITE_END()
#endif

BOOST_AUTO_TEST_SUITE(the_context_goes_first)

BOOST_AUTO_TEST_CASE(what_is_pending_is_destroyed_and_not_called) {
  auto const owned = std::make_shared<int>();
  std::weak_ptr<int> const observed = owned;
  bool was_called = false;
  auto ends = mioext::pipe();
  mioext::tcp_acceptor acceptor(test::loopback());
  std::unique_ptr<tested_context> context(new tested_context);
  std::unique_ptr<piped> pipe(new piped(*context));
  {
    std::shared_ptr<int> const held = owned;
    async_wait(*context, ends.first, interest::readable,
               [held, &was_called](error_code const&) { was_called = true; });
    mioext::async_accept(
        *context, acceptor,
        [held, &was_called](error_code const&, mioext::tcp_socket) { was_called = true; });
    pipe->stream.async_read_some(
        boost::asio::buffer(&pipe->byte, 1),
        [held, &was_called](error_code const&, std::size_t) { was_called = true; });
    // One that has ended and has not been told.
    async_wait(*context, ends.second, interest::writable,
               [held, &was_called](error_code const&) { was_called = true; });
  }
  context->poll_one();
  was_called = false;
  BOOST_TEST(owned.use_count() >= 4);
  context.reset();
  BOOST_TEST(owned.use_count() == 1);
  BOOST_TEST(!was_called);
  // The objects are still there, and what needs no context works.
  pipe->write('x');
  BOOST_TEST(pipe->stream.read_some(boost::asio::buffer(&pipe->byte, 1)) == 1u);
  pipe->stream.cancel();
  reader_stream moved(std::move(pipe->stream));
  BOOST_TEST(moved.is_open());
  moved.close();
  BOOST_TEST(!moved.is_open());
  pipe.reset();
  ends.first.close();
  acceptor.close();
  BOOST_TEST(!was_called);
}

BOOST_AUTO_TEST_CASE(handlers_that_own_each_others_streams_are_all_destroyed) {
  std::vector<std::weak_ptr<piped>> observed;
  {
    tested_context context;
    std::vector<std::shared_ptr<piped>> streams;
    for (int index = 0; index != 5; ++index) {
      streams.push_back(std::make_shared<piped>(context));
      observed.push_back(streams.back());
    }
    for (std::size_t index = 0; index != streams.size(); ++index) {
      std::shared_ptr<piped> const self = streams[index];
      std::shared_ptr<piped> const other = streams[(index + 1) % streams.size()];
      self->stream.async_read_some(boost::asio::buffer(&self->byte, 1),
                                   [self, other](error_code const&, std::size_t) {});
    }
    streams.clear();
    BOOST_TEST(poll_all(context));
    BOOST_TEST(!observed[0].expired());
  }
  for (std::weak_ptr<piped> const& each : observed) {
    BOOST_TEST(each.expired());
  }
}

// What the destructor of a handler does to others must find everything in order.
BOOST_AUTO_TEST_CASE(the_destructor_of_a_handler_closes_cancels_and_destroys_others) {
  struct on_destruction {
    explicit on_destruction(std::function<void()> function) : action(std::move(function)) {}
    ~on_destruction() { action(); }
    std::function<void()> action;
  };
  auto ends = mioext::pipe();
  auto others = mioext::pipe();
  int destroyed = 0;
  bool was_called = false;
  std::unique_ptr<tested_context> context(new tested_context);
  std::unique_ptr<piped> closed(new piped(*context));
  std::unique_ptr<piped> removed(new piped(*context));
  {
    auto const closing = std::make_shared<on_destruction>([&] {
      ++destroyed;
      ends.first.close();
      others.first.close();
      closed->stream.cancel();
      closed->stream.close();
      removed.reset();
    });
    async_wait(*context, ends.first, interest::readable,
               [closing, &was_called](error_code const&) { was_called = true; });
  }
  async_wait(*context, others.first, interest::readable,
             [&was_called](error_code const&) { was_called = true; });
  for (piped* each : {closed.get(), removed.get()}) {
    each->stream.async_read_some(
        boost::asio::buffer(&each->byte, 1),
        [&was_called](error_code const&, std::size_t) { was_called = true; });
  }
  BOOST_TEST(poll_all(*context));
  context.reset();
  BOOST_TEST(destroyed == 1);
  BOOST_TEST(!was_called);
  BOOST_TEST(!removed);
  BOOST_TEST(!ends.first.is_open());
}

BOOST_AUTO_TEST_CASE(a_thread_pool_with_operations_pending_is_stopped_and_destroyed) {
  auto const owned = std::make_shared<int>();
  std::atomic<bool> was_called(false);
  auto ends = mioext::pipe();
  {
    boost::asio::thread_pool pool(2);
    std::shared_ptr<int> const held = owned;
    async_wait(pool, ends.first, interest::readable,
               [held, &was_called](error_code const&) { was_called = true; });
  }
  BOOST_TEST(owned.use_count() == 1);
  BOOST_TEST(!was_called);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(after_a_fork, *test::needs_asio_that_forks())

namespace {

/// Runs `child` in a child process, with the context in both of them told of the fork.
template <class Child> int in_child(tested_context& context, Child child) {
  context.notify_fork(tested_context::fork_prepare);
  return test::in_child(
      [&] {
        context.notify_fork(tested_context::fork_child);
        return child();
      },
      [&] { context.notify_fork(tested_context::fork_parent); });
}

bool run_in_child(tested_context& context) {
  context.restart();
  context.run_for(support::patience);
  return context.stopped();
}

} // namespace

BOOST_AUTO_TEST_CASE(both_processes_wait_through_it) {
  tested_context context;
  boost::asio::use_service<selector_service>(context);
  auto const waits_for_its_own = [&context] {
    auto ends = mioext::pipe();
    outcome readable;
    async_wait(context, ends.first, interest::readable, into(readable));
    if (!poll_all(context)) {
      return 1;
    }
    ends.second.write_some(boost::asio::buffer("x", 1));
    return run_in_child(context) && readable == ended() ? 0 : 2;
  };
  BOOST_TEST(in_child(context, waits_for_its_own) == 0);
  BOOST_TEST(waits_for_its_own() == 0);
}

// The child reads what was written for it, closes its copy, which must not disturb the parent, and
// the parent reads what was written afterwards.
BOOST_AUTO_TEST_CASE(operations_that_are_pending_go_on_in_both_processes) {
  tested_context context;
  piped pipe(context);
  auto ends = mioext::pipe();
  outcome read;
  outcome readable;
  pipe.read(read);
  async_wait(context, ends.first, interest::readable, into(readable));
  BOOST_TEST(poll_all(context));
  int const result = in_child(context, [&] {
    if (!poll_all(context) || read.calls + readable.calls != 0) {
      return 1;
    }
    pipe.write('c');
    contexts::run_until(context, [&] { return read.calls != 0; });
    if (!(read == ended()) || pipe.byte != 'c' || readable.calls != 0) {
      return 2;
    }
    pipe.stream.close();
    ends.first.close();
    if (!run_in_child(context) || !(readable == ended(error::operation_aborted))) {
      return 3;
    }
    return 0;
  });
  BOOST_TEST(result == 0);
  BOOST_TEST(poll_all(context));
  BOOST_TEST(read.calls + readable.calls == 0);
  pipe.write('p');
  ends.second.write_some(boost::asio::buffer("x", 1));
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(pipe.byte == 'p');
  BOOST_TEST(readable == ended());
}

BOOST_AUTO_TEST_CASE(what_was_ready_at_the_fork_is_told_in_both) {
  tested_context context;
  socket_pair pair;
  outcome readable;
  async_wait(context, pair.near.get(), interest::readable, into(readable));
  BOOST_TEST(poll_all(context));
  pair.send();
  BOOST_TEST(
      in_child(context, [&] { return run_in_child(context) && readable == ended() ? 0 : 1; }) == 0);
  run(context);
  BOOST_TEST(readable == ended());
}

BOOST_AUTO_TEST_CASE(a_descriptor_that_was_closed_before_is_told_of_in_the_child) {
  tested_context context;
  socket_pair pair;
  outcome readable;
  async_wait(context, pair.near.get(), interest::readable, into(readable));
  BOOST_TEST(poll_all(context));
  pair.near.reset();
  BOOST_TEST(in_child(context, [&] {
               return run_in_child(context) && readable == ended(error::bad_descriptor) ? 0 : 1;
             }) == 0);
  run(context);
  BOOST_TEST(readable == ended(error::bad_descriptor));
}

BOOST_AUTO_TEST_CASE(the_child_forks_again) {
  tested_context context;
  piped pipe(context);
  outcome read;
  pipe.read(read);
  BOOST_TEST(in_child(context, [&] {
               return in_child(context, [&] {
                 pipe.write('g');
                 return run_in_child(context) && read == ended() && pipe.byte == 'g' ? 0 : 1;
               });
             }) == 0);
  pipe.write('p');
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(pipe.byte == 'p');
}

// --- What a child does before notify_fork(), or without ever calling it ---------------------------

namespace {

/// Something that waits, of each kind, and an acceptor of Asio's.
struct waiting_parent {
  waiting_parent() {
    stream.reset(new reader_stream(*context, std::move(streamed.first)));
    stream->async_read_some(boost::asio::buffer(&byte, 1), into(read));
    async_wait(*context, waited.first, interest::readable, into(readable));
    async_wait(*context, bare.near.get(), interest::readable, into(bare_readable));
    acceptor.reset(new boost::asio::ip::tcp::acceptor(*context, test::loopback()));
    acceptor->async_accept(*peer, into(accepted));
    mioext::async_accept(*context, own_acceptor, [this](error_code const& ec, mioext::tcp_socket) {
      into{own_accepted}(ec);
    });
    BOOST_TEST(poll_all(*context));
  }

  /// Ends each of them, in the way that its caller expects.
  void goes_on() {
    BOOST_TEST(poll_all(*context));
    BOOST_TEST(read.calls + readable.calls + bare_readable.calls + accepted.calls +
                   own_accepted.calls ==
               0);
    streamed.second.write_some(boost::asio::buffer("r", 1));
    waited.second.write_some(boost::asio::buffer("x", 1));
    bare.send();
    boost::asio::ip::tcp::socket client(*context);
    client.connect(acceptor->local_endpoint());
    boost::asio::ip::tcp::socket other_client(*context);
    other_client.connect(own_acceptor.local_endpoint());
    run(*context);
    BOOST_TEST(read == ended());
    BOOST_TEST(byte == 'r');
    BOOST_TEST(readable == ended());
    BOOST_TEST(bare_readable == ended());
    BOOST_TEST(accepted == ended());
    BOOST_TEST(own_accepted == ended());
  }

  std::unique_ptr<tested_context> context{new tested_context};
  std::pair<mioext::pipe_reader, mioext::pipe_writer> streamed = mioext::pipe();
  std::pair<mioext::pipe_reader, mioext::pipe_writer> waited = mioext::pipe();
  socket_pair bare;
  mioext::tcp_acceptor own_acceptor{test::loopback()};
  std::unique_ptr<reader_stream> stream;
  std::unique_ptr<boost::asio::ip::tcp::acceptor> acceptor;
  std::unique_ptr<boost::asio::ip::tcp::socket> peer{new boost::asio::ip::tcp::socket(*context)};
  char byte = 0;
  outcome read;
  outcome readable;
  outcome bare_readable;
  outcome accepted;
  outcome own_accepted;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_child_that_gives_up_what_it_has_leaves_the_parent_alone) {
  using act = void (*)(waiting_parent&);
  act const acts[] = {
      [](waiting_parent& test) { test.stream->close(); },
      [](waiting_parent& test) { test.stream->cancel(); },
      [](waiting_parent& test) { test.stream->release(); },
      [](waiting_parent& test) { test.waited.first.close(); },
      [](waiting_parent& test) { test.own_acceptor.close(); },
      [](waiting_parent& test) { test.own_acceptor.release(); },
      [](waiting_parent& test) { test.acceptor->close(); }, // Asio's, to compare with
      [](waiting_parent& test) {
        test.stream.reset();
        test.waited.first.close();
        test.acceptor.reset();
        test.peer.reset();
        test.context.reset();
      },
      [](waiting_parent& test) {
        test.acceptor.reset();
        test.peer.reset();
        test.context.reset();
        test.stream.reset();
        test.waited.first.close();
      },
  };
  for (std::size_t index = 0; index != sizeof acts / sizeof *acts; ++index) {
    BOOST_TEST_CONTEXT("act " << index) {
      waiting_parent test;
      BOOST_TEST(test::in_child([&] {
                   acts[index](test);
                   return 0;
                 }) == 0);
      test.goes_on();
    }
  }
}

BOOST_AUTO_TEST_CASE(a_child_that_gives_up_what_it_has_in_a_handler_leaves_the_parent_alone) {
  waiting_parent test;
  int result = -1;
  boost::asio::post(*test.context, [&] {
    result = test::in_child([&] {
      test.stream->close();
      test.waited.first.close();
      return 0;
    });
  });
  contexts::run_until(*test.context, [&result] { return result != -1; });
  BOOST_TEST(result == 0);
  test.goes_on();
}

BOOST_AUTO_TEST_CASE(what_a_child_begins_before_notify_fork_is_served_after_it) {
  waiting_parent test;
  BOOST_TEST(test::in_child([&] {
               tested_context& context = *test.context;
               test.waited.first.close();
               auto stream_ends = mioext::pipe();
               auto wait_ends = mioext::pipe();
               reader_stream stream(context, std::move(stream_ends.first));
               char byte = 0;
               outcome read;
               outcome readable;
               outcome cancelled;
               stream.async_read_some(boost::asio::buffer(&byte, 1), into(read));
               async_wait(context, wait_ends.first, interest::readable, into(readable));
               reader_stream other(context, mioext::pipe().first);
               other.async_wait(interest::writable, into(cancelled));
               other.close();
               context.notify_fork(tested_context::fork_child);
               if (!poll_all(context) || read.calls + readable.calls != 0 ||
                   !(cancelled == ended(error::operation_aborted)) ||
                   !(test.readable == ended(error::operation_aborted))) {
                 return 1;
               }
               stream_ends.second.write_some(boost::asio::buffer("c", 1));
               wait_ends.second.write_some(boost::asio::buffer("x", 1));
               contexts::run_until(context, [&] { return read.calls != 0 && readable.calls != 0; });
               return read == ended() && byte == 'c' && readable == ended() ? 0 : 2;
             }) == 0);
  test.goes_on();
}

// --- What is begun, or goes on, between fork_prepare and what follows it --------------------------

BOOST_AUTO_TEST_CASE(what_is_begun_after_fork_prepare_waits_and_is_served_in_both) {
  waiting_parent test;
  tested_context& context = *test.context;
  auto stream_ends = mioext::pipe();
  auto wait_ends = mioext::pipe();
  auto asio_ends = mioext::pipe();
  reader_stream stream(context, std::move(stream_ends.first));
  boost::asio::posix::stream_descriptor asio(context, asio_ends.first.release());
  char byte = 0;
  outcome read;
  outcome readable;
  outcome asio_readable;
  context.notify_fork(tested_context::fork_prepare);
  stream.async_read_some(boost::asio::buffer(&byte, 1), into(read));
  async_wait(context, wait_ends.first, interest::readable, into(readable));
  asio.async_wait(asio.wait_read, into(asio_readable));
  BOOST_TEST(poll_all(context));
  auto const serves = [&] {
    stream_ends.second.write_some(boost::asio::buffer("w", 1));
    wait_ends.second.write_some(boost::asio::buffer("x", 1));
    contexts::run_until(context, [&] { return read.calls != 0 && readable.calls != 0; });
    char drained;
    wait_ends.first.read_some(boost::asio::buffer(&drained, 1));
    return read == ended() && byte == 'w' && readable == ended();
  };
  auto const serves_asio = [&] {
    asio_ends.second.write_some(boost::asio::buffer("x", 1));
    contexts::run_until(context, [&] { return asio_readable.calls != 0; });
    char drained;
    asio.read_some(boost::asio::buffer(&drained, 1));
    return asio_readable == ended();
  };
#ifdef MIOEXT_TEST_SELECTOR_CONTEXT // where Asio's reactor has a thread, which a child has not
  bool const is_asio_served_in_child = false;
#else
  bool const is_asio_served_in_child = true;
#endif
  BOOST_TEST(test::in_child([&] {
               context.notify_fork(tested_context::fork_child);
               return serves() && (!is_asio_served_in_child || serves_asio()) ? 0 : 1;
             }) == 0);
  context.notify_fork(tested_context::fork_parent);
  BOOST_TEST(serves());
  BOOST_TEST(serves_asio());
  test.goes_on();
}

BOOST_AUTO_TEST_CASE(a_thread_that_runs_the_context_meanwhile_ends_nothing) {
  waiting_parent test;
  test.context->notify_fork(tested_context::fork_prepare);
  std::thread runs([&test] { test.context->run_one_for(std::chrono::milliseconds(20)); });
  runs.join();
  BOOST_TEST(test::in_child([&] {
               test.context->notify_fork(tested_context::fork_child);
               return test.read.calls + test.readable.calls + test.bare_readable.calls;
             }) == 0);
  test.context->notify_fork(tested_context::fork_parent);
  test.goes_on();
}

BOOST_AUTO_TEST_CASE(a_notify_fork_that_fails_loses_nothing_and_can_be_repeated) {
  waiting_parent test;
  test.context->notify_fork(tested_context::fork_prepare);
  BOOST_TEST(
      test::in_child([&] {
        auto ends = mioext::pipe();
        outcome readable;
        async_wait(*test.context, ends.first, interest::readable, into(readable));
        test.bare.near.reset(); // told of in the child, also if it is not at the first time
        {
          // Asio's reactor finds the places of what it closes; there is no more.
          rlimit before;
          ::getrlimit(RLIMIT_NOFILE, &before);
          rlimit full = before;
          int const free = ::dup(0);
          ::close(free);
          full.rlim_cur = static_cast<::rlim_t>(free);
          ::setrlimit(RLIMIT_NOFILE, &full);
          error_code const ec =
              test::error_of([&] { test.context->notify_fork(tested_context::fork_child); });
          ::setrlimit(RLIMIT_NOFILE, &before);
          if (ec != boost::system::errc::too_many_files_open) {
            return 1;
          }
        }
        test.context->poll();
        if (test.read.calls + test.readable.calls + readable.calls + test.bare_readable.calls !=
            0) {
          return 2;
        }
        test.context->notify_fork(tested_context::fork_child);
        ends.second.write_some(boost::asio::buffer("x", 1));
        test.waited.second.write_some(boost::asio::buffer("x", 1));
        contexts::run_until(*test.context, [&] {
          return readable.calls != 0 && test.readable.calls != 0 && test.bare_readable.calls != 0;
        });
        char drained;
        test.waited.first.read_some(boost::asio::buffer(&drained, 1));
        return readable == ended() && test.readable == ended() &&
                       test.bare_readable == ended(error::bad_descriptor)
                   ? 0
                   : 3;
      }) == 0);
  test.context->notify_fork(tested_context::fork_parent);
  test.goes_on();
}

BOOST_AUTO_TEST_SUITE_END()
