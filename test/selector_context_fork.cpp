//
// test/selector_context_fork.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A process that forks with a selector_context: both go on with what is queued and pending, as with an
// io_context; and a child that is not told of the fork leaves its parent alone.
//

#include <mioext/selector_context.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/mpl/list.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/unix.hpp>

#include "child.hpp"
#include "contexts.hpp"
#include "handles.hpp"
#include "support.hpp"
#include "systems.hpp"

namespace {

namespace asio = boost::asio;
using asio::execution_context;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::poll_all;
using mioext::selector_context;
using test::in_child;

using both_contexts = boost::mpl::list<asio::io_context, selector_context>;

template <class Context> bool comes_to_its_end(Context& context) {
  context.restart();
  context.run_for(support::patience);
  return context.stopped();
}

/// Something of each kind that is pending in a context.
struct pending {
  pending() {
    stream.reset(new mioext::stream<mioext::pipe_reader>(*context, std::move(ends.first)));
    stream->async_read_some(asio::buffer(&byte, 1), into(read));
    timer.reset(new mioext::steady_timer(*context, std::chrono::milliseconds(5)));
    timer->async_wait(into(waited));
    asio::post(*context, [this] { ++calls; });
  }

  /// Brings it all about. False if anything of it does not come, or comes in part.
  bool goes_on() {
    if (read.calls != 0 || waited.calls > 1) {
      return false;
    }
    ends.second.write_some(asio::buffer("x", 1));
    return comes_to_its_end(*context) && read == ended() && byte == 'x' && waited == ended() &&
           calls == 1;
  }

  std::unique_ptr<selector_context> context{new selector_context};
  std::pair<mioext::pipe_reader, mioext::pipe_writer> ends = mioext::pipe();
  std::unique_ptr<mioext::stream<mioext::pipe_reader>> stream;
  std::unique_ptr<mioext::steady_timer> timer;
  char byte = 0;
  int calls = 0;
  outcome read;
  outcome waited;
};

/// A thread that runs a context, which has work. It sleeps from the moment when it was made.
class sleeping_runner {
public:
  explicit sleeping_runner(selector_context& context) {
    std::atomic<long> number{0};
    asio::post(context, [&number] { number = number_of_this_thread(); });
    thread_ = std::thread([this, &context] { calls_ = context.run(); });
    while (number == 0 || !sleeps(number)) {
      std::this_thread::yield();
    }
  }

  ~sleeping_runner() { BOOST_TEST(!thread_.joinable()); }

  /// How much it has called.
  std::size_t join() {
    thread_.join();
    return calls_;
  }

private:
  static long number_of_this_thread() {
#ifdef __linux__
    return ::syscall(SYS_gettid);
#else
    return 1;
#endif
  }

  /// See proc(5): the state comes after the name, which is in parentheses.
  static bool sleeps(long number) {
    std::ifstream stat("/proc/self/task/" + std::to_string(number) + "/stat");
    std::string word;
    while (stat >> word && word.back() != ')') {
    }
    stat >> word;
    return word == "S";
  }

  std::size_t calls_ = 0;
  std::thread thread_;
};

/// The undefined behaviour sanitizer needs a descriptor to see the type of an exception, the first time.
void throw_an_error() {
  BOOST_TEST(test::error_of([] { mioext::unix_socket().local_endpoint(); }) ==
             asio::error::bad_descriptor);
}

boost::unit_test::precondition needs_fork() {
  return test::needs_kernel("libkqueue supports no child that goes on without exec");
}

} // namespace

BOOST_AUTO_TEST_SUITE(selector_context_fork)

// --- A child that is told of the fork --------------------------------------------------------------

BOOST_TEST_DECORATOR(*needs_fork())
BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_queued_is_called_once_in_each, Context, both_contexts) {
  Context context;
  int calls = 0;
  asio::post(context, [&] { ++calls; });
  context.notify_fork(execution_context::fork_prepare);
  asio::post(context, [&] { ++calls; });
  BOOST_TEST(in_child([&] {
               context.notify_fork(execution_context::fork_child);
               asio::post(context, [&] { ++calls; });
               return context.run() == 3 && calls == 3 ? 0 : 1;
             }) == 0);
  context.notify_fork(execution_context::fork_parent);
  BOOST_TEST(context.run() == 2u);
  BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE(what_is_pending_ends_in_each, *needs_fork()) {
  pending test;
  test.context->notify_fork(execution_context::fork_prepare);
  BOOST_TEST(in_child([&] {
               test.context->notify_fork(execution_context::fork_child);
               return test.goes_on() ? 0 : 1;
             }) == 0);
  test.context->notify_fork(execution_context::fork_parent);
  BOOST_TEST(test.goes_on());
}

BOOST_AUTO_TEST_CASE(a_function_may_fork, *needs_fork()) {
  pending test;
  int result = -1;
  bool parent_goes_on = false;
  asio::post(*test.context, [&] {
    test.context->notify_fork(execution_context::fork_prepare);
    result = in_child([&] {
      test.context->notify_fork(execution_context::fork_child);
      asio::post(*test.context, [&] { ++result; });
      test.ends.second.write_some(asio::buffer("x", 1));
      contexts::run_until(*test.context,
                          [&] { return test.read.calls == 1 && test.waited.calls == 1; });
      return test.byte == 'x' && result == 0 ? 0 : 1;
    });
    test.context->notify_fork(execution_context::fork_parent);
    asio::post(*test.context, [&] { parent_goes_on = true; });
  });
  test.context->poll();
  BOOST_TEST(result == 0);
  BOOST_TEST(parent_goes_on);
  BOOST_TEST(test.goes_on());
}

// It sleeps in the parent. In the child there is no such thread, and another one runs the context.
BOOST_AUTO_TEST_CASE(the_thread_that_runs_it_is_not_in_the_child,
                     *needs_fork() *
                         test::needs_linux("only /proc tells that another thread sleeps")) {
  selector_context context;
  auto guard = asio::make_work_guard(context);
  sleeping_runner runner(context);
  int calls = 0;
  context.notify_fork(execution_context::fork_prepare);
  BOOST_TEST(in_child([&] {
               context.notify_fork(execution_context::fork_child);
               asio::post(context, [&] { ++calls; });
               guard.reset(); // the last work
               return context.run_for(support::patience) == 1 && context.stopped() && calls == 1
                          ? 0
                          : 1;
             }) == 0);
  context.notify_fork(execution_context::fork_parent);
  asio::post(context, [&] { ++calls; });
  guard.reset();
  BOOST_TEST(runner.join() == 2u);
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(a_notify_fork_that_fails_can_be_repeated, *needs_fork()) {
  throw_an_error();
  pending test;
  test.context->notify_fork(execution_context::fork_prepare);
  BOOST_TEST(in_child([&] {
               {
                 test::no_descriptors_left const none;
                 if (test::error_of([&] {
                       test.context->notify_fork(execution_context::fork_child);
                     }) != boost::system::errc::too_many_files_open) {
                   return 1;
                 }
               }
               test.context->notify_fork(execution_context::fork_child);
               return test.goes_on() ? 0 : 2;
             }) == 0);
  test.context->notify_fork(execution_context::fork_parent);
  BOOST_TEST(test.goes_on());
}

// --- One that is not -------------------------------------------------------------------------------

// The selector that it makes anew while it goes to sleep must not make others think that it is awake.
BOOST_AUTO_TEST_CASE(a_child_that_sleeps_without_notify_fork_is_woken,
                     *needs_fork() *
                         test::needs_linux("only /proc tells that another thread sleeps")) {
  selector_context context;
  auto const guard = asio::make_work_guard(context);
  BOOST_TEST(in_child([&] {
               ::alarm(60); // rather than sleep for ever
               sleeping_runner runner(context);
               context.stop();
               return runner.join() == 1 ? 0 : 1;
             }) == 0);
}

BOOST_AUTO_TEST_CASE(a_child_that_runs_it_without_notify_fork_has_all_of_it, *needs_fork()) {
  throw_an_error();
  pending test;
  BOOST_TEST(in_child([&] {
               {
                 test::no_descriptors_left const none;
                 if (test::error_of([&] { test.context->run(); }) !=
                     boost::system::errc::too_many_files_open) {
                   return 1; // what was queued has been called by now
                 }
               }
               return test.goes_on() ? 0 : 2;
             }) == 0);
  BOOST_TEST(test.goes_on());
}

BOOST_AUTO_TEST_CASE(a_child_that_gives_up_what_it_has_leaves_the_parent_alone, *needs_fork()) {
  using act = void (*)(pending&);
  act const acts[] = {
      [](pending& test) { test.stream->close(); },
      [](pending& test) { test.stream->cancel(); },
      [](pending& test) { test.timer->cancel(); },
      [](pending& test) { test.context->stop(); },
      [](pending& test) { asio::post(*test.context, [] {}); },
      [](pending& test) {
        test.stream.reset();
        test.timer.reset();
        test.context.reset();
      },
      [](pending& test) { test.context.reset(); },
  };
  for (act const each : acts) {
    pending test;
    BOOST_TEST(in_child([&] {
                 each(test);
                 return 0;
               }) == 0);
    BOOST_TEST(test.goes_on());
    pending other;
    int result = -1;
    asio::post(*other.context, [&] {
      result = in_child([&] {
        if (each != acts[5] && each != acts[6]) { // a function does not destroy what calls it
          each(other);
        }
        return 0;
      });
    });
    other.context->poll();
    BOOST_TEST(result == 0);
    BOOST_TEST(other.goes_on());
  }
}

// Its parent's thread sleeps in the selector that the child has a copy of.
BOOST_AUTO_TEST_CASE(a_child_that_posts_and_stops_does_not_stop_the_parent,
                     *needs_fork() *
                         test::needs_linux("only /proc tells that another thread sleeps")) {
  selector_context context;
  auto guard = asio::make_work_guard(context);
  sleeping_runner runner(context);
  BOOST_TEST(in_child([&] {
               asio::post(context, [] {});
               guard.reset();
               context.stop();
               return 0;
             }) == 0);
  BOOST_TEST(!context.stopped());
  asio::post(context, [] {}); // wakes it still
  guard.reset();
  BOOST_TEST(runner.join() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
