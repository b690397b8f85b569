//
// test/cancel_after.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Limits of time for operations of mioext's, of Asio's and of a program's own, in both kinds of
// context; beside Asio's cancel_after where the Boost version has it.
//

#include <mioext/cancel_after.hpp>

#include <boost/test/unit_test.hpp>

// Boost 1.77: cancellation slots.
#ifndef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

BOOST_AUTO_TEST_CASE(there_is_nothing_to_cancel_through) {}

#else

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include "allocations.hpp"
#include "contexts.hpp"
#include "handles.hpp"
#include "support.hpp"
#include "systems.hpp"

// Boost 1.80: more tokens.
#if BOOST_ASIO_VERSION >= 102400
#define TEST_HAS_DEFERRED
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#endif
// Boost 1.86: time limits.
#if BOOST_ASIO_VERSION >= 103200
#define TEST_HAS_CANCEL_AFTER
#include <boost/asio/cancel_after.hpp>
#include <boost/asio/cancel_at.hpp>
#endif
#ifdef BOOST_ASIO_HAS_CO_AWAIT
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
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
using mioext::interest;
using mioext::selector_context;
using std::chrono::hours;
using std::chrono::milliseconds;
using clock_type = std::chrono::steady_clock;

/// Whose limits are tested.
struct our_limits {
  template <class... Arguments>
  static auto after(Arguments&&... arguments)
      -> decltype(mioext::cancel_after(std::forward<Arguments>(arguments)...)) {
    return mioext::cancel_after(std::forward<Arguments>(arguments)...);
  }
  template <class... Arguments>
  static auto at(Arguments&&... arguments)
      -> decltype(mioext::cancel_at(std::forward<Arguments>(arguments)...)) {
    return mioext::cancel_at(std::forward<Arguments>(arguments)...);
  }
};

#ifdef TEST_HAS_CANCEL_AFTER
struct asios_limits {
  template <class... Arguments>
  static auto after(Arguments&&... arguments)
      -> decltype(asio::cancel_after(std::forward<Arguments>(arguments)...)) {
    return asio::cancel_after(std::forward<Arguments>(arguments)...);
  }
  template <class... Arguments>
  static auto at(Arguments&&... arguments)
      -> decltype(asio::cancel_at(std::forward<Arguments>(arguments)...)) {
    return asio::cancel_at(std::forward<Arguments>(arguments)...);
  }
};
#endif

template <class Context, class Limits> struct in {
  using context = Context;
  using limits = Limits;
};

using ours = std::tuple<in<io_context, our_limits>, in<selector_context, our_limits>>;

#ifdef TEST_HAS_CANCEL_AFTER
using all = std::tuple<in<io_context, our_limits>, in<selector_context, our_limits>,
                       in<io_context, asios_limits>, in<selector_context, asios_limits>>;
#else
using all = ours;
#endif

/// Without Asio's limits in a selector_context: its timers expire in a thread of Asio's, which cancels
/// there if the handler's executor, such as a future's, calls on the spot. The I/O objects of a
/// selector_context must not be used in another thread.
#ifdef TEST_HAS_CANCEL_AFTER
using in_the_contexts_thread =
    std::tuple<in<io_context, our_limits>, in<selector_context, our_limits>,
               in<io_context, asios_limits>>;
#else
using in_the_contexts_thread = ours;
#endif

/// Asio's timer, except where a selector_context that has had one may hang when it goes.
template <class Context>
using timer_of_asio = typename std::conditional<test::is_asio_over_io_uring &&
                                                    std::is_same<Context, selector_context>::value,
                                                mioext::steady_timer, asio::steady_timer>::type;

/// Runs until nothing is left to do; returns how many handlers that were.
template <class Context> std::size_t run(Context& context) {
  context.restart();
  std::size_t const calls = context.run_for(support::patience);
  BOOST_REQUIRE_MESSAGE(context.stopped(), "the context waits for something that never happens");
  return calls;
}

ended aborted() { return ended(asio::error::operation_aborted); }

bool is_aborted(boost::system::system_error const& error) {
  return error.code() == asio::error::operation_aborted;
}

template <class Executor> struct executor_with_default : Executor {
  using default_completion_token_type = asio::use_future_t<>;
  executor_with_default(Executor const& executor) : Executor(executor) {}
};

/// A stream that waits for what is written to it.
template <class Context> struct reading {
  explicit reading(Context& context) : reading(context, mioext::pipe()) {}
  reading(Context& context, std::pair<mioext::pipe_reader, mioext::pipe_writer> ends)
      : stream(context, std::move(ends.first)), writer(std::move(ends.second)) {}

  void write(std::string const& text) { writer.write_some(asio::buffer(text)); }

  mioext::stream<mioext::pipe_reader> stream;
  mioext::pipe_writer writer;
  char data[16];
};

// Handlers that are no lambdas of the cases below, because all of an operation would be instantiated anew
// for each of them and for each kind of context.

/// Shares something, which tells whether it has been destroyed: one that is moved from keeps its share.
struct owning_handler {
  void operator()(error_code const& ec, std::size_t = 0) const { into{*told}(ec); }

  outcome* told;
  std::shared_ptr<int> const owned;
};

struct throwing_handler {
  void operator()(error_code const&, std::size_t) const { throw std::runtime_error("handler"); }
};

/// Is called when its memory has been given back.
struct allocating_handler {
  using allocator_type = counting_allocator<char>;
  allocator_type get_allocator() const noexcept { return allocator_type(*memory); }
  void operator()(error_code const& ec, std::size_t) const {
    BOOST_TEST(memory->outstanding == 0u);
    into{*read}(ec);
  }

  counts* memory;
  outcome* read;
};

/// Counts its calls in that thread.
struct handler_of_thread {
  using allocator_type = counting_allocator<char>;
  allocator_type get_allocator() const noexcept { return allocator_type(*memory); }
  void operator()(error_code const& ec, std::size_t bytes) const {
    *calls += std::this_thread::get_id() == thread;
    into{*end}(ec, bytes);
  }

  counts* memory;
  std::atomic<int>* calls;
  std::thread::id thread;
  outcome* end;
};

using any_strand = asio::strand<asio::any_io_executor>;

/// Counts its calls in that strand.
struct handler_of_strand {
  void operator()(error_code const&, std::size_t) const {
    *calls += strand->running_in_this_thread();
  }

  int* calls;
  any_strand const* strand;
};

/// What a handler does with an operation of the test's own.
template <class Executor> struct initiate_with_executor {
  using executor_type = Executor;
  executor_type get_executor() const noexcept { return executor; }
  Executor executor;
};

/// Drops its handler.
template <class Executor> struct initiate_nothing : initiate_with_executor<Executor> {
  explicit initiate_nothing(Executor const& used) : initiate_with_executor<Executor>{used} {}
  template <class Handler> void operator()(Handler&& handler) const {
    typename std::decay<Handler>::type const dropped(std::forward<Handler>(handler));
    static_cast<void>(dropped);
  }
};

/// Throws and drops its handler.
template <class Executor> struct initiate_failure : initiate_with_executor<Executor> {
  explicit initiate_failure(Executor const& used) : initiate_with_executor<Executor>{used} {}
  template <class Handler> void operator()(Handler&&) const {
    throw std::runtime_error("cannot begin");
  }
};

/// Ends with a view of a text that is gone afterwards.
template <class Executor> struct initiate_text : initiate_with_executor<Executor> {
  explicit initiate_text(Executor const& used) : initiate_with_executor<Executor>{used} {}
  template <class Handler> void operator()(Handler&& handler) const {
    auto const kept =
        std::make_shared<typename std::decay<Handler>::type>(std::forward<Handler>(handler));
    asio::post(this->executor, [kept] {
      std::string text(100, 'a');
      std::move (*kept)(error_code(), static_cast<char const*>(text.c_str()));
      text.assign(100, 'x');
    });
  }
};

/// Ends at a point in time, and only tells that it is cancelled.
template <class Executor> struct initiate_until : initiate_with_executor<Executor> {
  initiate_until(Executor const& used, clock_type::time_point until, std::function<void()> told)
      : initiate_with_executor<Executor>{used}, end(until), cancelled(std::move(told)) {}

  template <class Handler> void operator()(Handler&& handler, bool is_dropped = false) const {
    using timer_type = mioext::basic_steady_timer<Executor>;
    auto const timer = std::make_shared<timer_type>(this->executor, end);
    auto const kept = std::make_shared<std::unique_ptr<typename std::decay<Handler>::type>>();
    auto const tell = cancelled;
    asio::get_associated_cancellation_slot(handler).assign(
        [tell](asio::cancellation_type_t) { tell(); });
    kept->reset(new typename std::decay<Handler>::type(std::forward<Handler>(handler)));
    timer->async_wait([timer, kept, is_dropped](error_code const& ec) {
      auto const called = std::move(*kept);
      if (!is_dropped) {
        std::move (*called)(ec);
      }
    });
  }

  clock_type::time_point end;
  std::function<void()> cancelled;
};

/// A result that cannot be moved.
struct throwing_result {
  throwing_result() = default;
  throwing_result(throwing_result&&) { throw std::runtime_error("cannot be kept"); }
};

/// Ends when it is cancelled, with that result.
template <class Executor> struct initiate_throwing_result : initiate_with_executor<Executor> {
  explicit initiate_throwing_result(Executor const& used)
      : initiate_with_executor<Executor>{used} {}

  template <class Handler> void operator()(Handler&& handler) const {
    auto const kept =
        std::make_shared<typename std::decay<Handler>::type>(std::forward<Handler>(handler));
    asio::get_associated_cancellation_slot(*kept).assign(
        [kept](asio::cancellation_type_t) { std::move (*kept)(throwing_result()); });
  }
};

/// Is only ended by being cancelled, and then calls its handler from inside.
template <class Executor> struct initiate_until_cancelled : initiate_with_executor<Executor> {
  explicit initiate_until_cancelled(Executor const& used)
      : initiate_with_executor<Executor>{used} {}

  template <class Handler> void operator()(Handler&& handler) const {
    using handler_type = typename std::decay<Handler>::type;
    auto const kept = std::make_shared<std::unique_ptr<handler_type>>(
        new handler_type(std::forward<Handler>(handler)));
    asio::get_associated_cancellation_slot(**kept).assign([kept](asio::cancellation_type_t) {
      std::unique_ptr<handler_type> const called(std::move(*kept));
      std::move (*called)(asio::error::make_error_code(asio::error::operation_aborted),
                          std::unique_ptr<int>(new int(7)));
    });
  }
};

} // namespace

// --- In time and too late ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(an_operation_that_takes_too_long_is_cancelled, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  reading<typename In::context> one(context), two(context);
  mioext::tcp_acceptor acceptor(test::loopback());
  timer_of_asio<typename In::context> asios(context, hours(1));
  mioext::steady_timer timer(context, hours(1));
  outcome read, all_read, accepted, waited, asios_expired, expired;
  auto const limit = milliseconds(2);
  one.stream.async_read_some(asio::buffer(one.data), limits::after(limit, into(read)));
  asio::async_read(two.stream, asio::buffer(two.data), limits::after(limit, into(all_read)));
  mioext::async_accept(context, acceptor, limits::after(limit, into(accepted)));
  mioext::async_wait(context, acceptor, interest::readable, limits::after(limit, into(waited)));
  asios.async_wait(limits::after(limit, into(asios_expired)));
  timer.async_wait(limits::at(clock_type::now() + limit, into(expired)));
  BOOST_TEST(read.calls == 0);
  run(context);
  for (outcome const& each : {read, all_read, accepted, waited, asios_expired, expired}) {
    BOOST_TEST(each == aborted());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_operation_in_time_completes_and_leaves_no_timer, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  reading<typename In::context> input(context);
  outcome read, expired;
  input.stream.async_read_some(asio::buffer(input.data), limits::after(hours(1), into(read)));
  input.write("abc");
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(read.bytes == 3u);
  mioext::steady_timer timer(context, milliseconds(1));
  timer.async_wait(limits::at(clock_type::now() + hours(1), into(expired)));
  run(context);
  BOOST_TEST(expired == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_operation_in_time_is_one_function_of_the_context, In, ours) {
  typename In::context context;
  reading<typename In::context> input(context);
  mioext::steady_timer other(context, hours(1)); // so that something waits
  outcome never, read;
  other.async_wait(into(never));
  input.stream.async_read_some(asio::buffer(input.data),
                               mioext::cancel_after(hours(1), into(read)));
  input.write("abc");
  if (test::is_asio_over_io_uring) { // where Asio counts more than handlers
    contexts::run_until(context, [&] { return read.calls != 0; });
  } else {
    context.run_one_for(support::patience);
    BOOST_TEST(context.poll() == 0u);
  }
  BOOST_TEST(read == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_limit_that_is_past_cancels_when_the_context_runs, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  reading<typename In::context> one(context), two(context), three(context);
  outcome ends[3];
  one.stream.async_read_some(asio::buffer(one.data), limits::after(hours(0), into(ends[0])));
  two.stream.async_read_some(asio::buffer(two.data), limits::after(hours(-1), into(ends[1])));
  three.stream.async_read_some(asio::buffer(three.data),
                               limits::at(clock_type::time_point::min(), into(ends[2])));
  for (outcome const& each : ends) {
    BOOST_TEST(each.calls == 0);
  }
  run(context);
  for (outcome const& each : ends) {
    BOOST_TEST(each == aborted());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_result_that_comes_with_the_end_of_the_time_is_kept, In,
                              in_the_contexts_thread) {
  using limits = typename In::limits;
  typename In::context context;
  reading<typename In::context> input(context);
  outcome read;
  input.stream.async_read_some(asio::buffer(input.data),
                               limits::after(milliseconds(1), into(read)));
  input.write("abcd");
  std::this_thread::sleep_for(milliseconds(4));
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(read.bytes == 4u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_type_of_cancellation_is_chosen, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  for (asio::cancellation_type type :
       {asio::cancellation_type::terminal, asio::cancellation_type::partial,
        asio::cancellation_type::total}) {
    reading<typename In::context> input(context);
    outcome read, in_time;
    input.stream.async_read_some(asio::buffer(input.data),
                                 limits::after(milliseconds(1), type, into(read)));
    run(context);
    BOOST_TEST(read == aborted());
    mioext::steady_timer timer(context, milliseconds(1));
    timer.async_wait(limits::at(clock_type::now() + hours(1), type, into(in_time)));
    run(context);
    BOOST_TEST(in_time == ended());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_operation_that_does_not_know_the_type_goes_on, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  reading<typename In::context> input(context);
  outcome read;
  asio::async_read(input.stream,
                   asio::buffer(input.data, 4), // which knows only terminal and partial
                   limits::after(milliseconds(1), asio::cancellation_type::total, into(read)));
  context.run_for(milliseconds(10));
  BOOST_TEST(read.calls == 0);
  input.write("abcd");
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(read.bytes == 4u);
}

// --- Tokens ------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(the_tokens_own_slot_cancels_as_well, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  reading<typename In::context> input(context);
  asio::cancellation_signal signal;
  outcome read, in_time;
  input.stream.async_read_some(
      asio::buffer(input.data),
      limits::after(hours(1), asio::bind_cancellation_slot(signal.slot(), into(read))));
  signal.emit(asio::cancellation_type::terminal);
  BOOST_TEST(read.calls == 0);
  run(context);
  BOOST_TEST(read == aborted());
  signal.emit(asio::cancellation_type::terminal);
  mioext::steady_timer timer(context, milliseconds(1));
  timer.async_wait(
      limits::after(hours(1), asio::bind_cancellation_slot(signal.slot(), into(in_time))));
  run(context);
  BOOST_TEST(in_time == ended());
  signal.emit(asio::cancellation_type::all);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_tokens_slot_may_be_gone_before_the_operation_ends, In, ours) {
  outcome in_time, too_late, never;
  auto const owned = std::make_shared<int>(1);
  {
    typename In::context context;
    std::unique_ptr<asio::cancellation_signal> signals[3];
    reading<typename In::context> one(context), two(context), three(context);
    for (auto& signal : signals) {
      signal.reset(new asio::cancellation_signal);
    }
    one.stream.async_read_some(
        asio::buffer(one.data),
        mioext::cancel_after(hours(1),
                             asio::bind_cancellation_slot(signals[0]->slot(), into(in_time))));
    two.stream.async_read_some(
        asio::buffer(two.data),
        mioext::cancel_after(milliseconds(1),
                             asio::bind_cancellation_slot(signals[1]->slot(), into(too_late))));
    for (auto& signal : signals) {
      signal.reset();
    }
    one.write("abc");
    run(context);
    BOOST_TEST(in_time == ended());
    BOOST_TEST(too_late == aborted());
    signals[2].reset(new asio::cancellation_signal);
    three.stream.async_read_some(
        asio::buffer(three.data),
        mioext::cancel_after(hours(1), asio::bind_cancellation_slot(
                                           signals[2]->slot(), owning_handler{&never, owned})));
    signals[2].reset();
  } // the context's end destroys the handler
  BOOST_TEST(never.calls == 0);
  BOOST_TEST(owned.use_count() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_tokens_slot_may_pass_to_another_operation, In, ours) {
  typename In::context context;
  reading<typename In::context> one(context), two(context), three(context);
  asio::cancellation_signal signal;
  outcome first, second, third;
  one.stream.async_read_some(
      asio::buffer(one.data),
      mioext::cancel_after(hours(1), asio::bind_cancellation_slot(signal.slot(), into(first))));
  two.stream.async_read_some(
      asio::buffer(two.data),
      mioext::cancel_after(hours(1), asio::bind_cancellation_slot(signal.slot(), into(second))));
  one.write("ab");
  while (first.calls == 0 && context.run_one_for(support::patience) != 0) {
  }
  BOOST_TEST(first == ended());
  BOOST_TEST(second.calls == 0);
  three.stream.async_read_some(asio::buffer(three.data),
                               asio::bind_cancellation_slot(signal.slot(), into(third)));
  two.write("abc");
  while (second.calls == 0 && context.run_one_for(support::patience) != 0) {
  }
  BOOST_TEST(second == ended());
  BOOST_TEST(third.calls == 0);
  signal.emit(asio::cancellation_type::terminal);
  run(context);
  BOOST_TEST(third == aborted());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(limits_can_be_nested, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  reading<typename In::context> one(context), two(context);
  outcome first, second;
  one.stream.async_read_some(asio::buffer(one.data),
                             limits::after(hours(1), limits::after(milliseconds(1), into(first))));
  two.stream.async_read_some(asio::buffer(two.data),
                             limits::after(milliseconds(1), limits::after(hours(1), into(second))));
  run(context);
  BOOST_TEST(first == aborted());
  BOOST_TEST(second == aborted());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_future_is_a_token, In, in_the_contexts_thread) {
  using limits = typename In::limits;
  typename In::context context;
  reading<typename In::context> one(context), two(context);
  std::future<std::size_t> late = one.stream.async_read_some(
      asio::buffer(one.data), limits::after(milliseconds(1), asio::use_future));
  auto const token = limits::after(hours(1), asio::use_future); // one that is used twice
  std::future<std::size_t> in_time = two.stream.async_read_some(asio::buffer(two.data), token);
  two.write("ab");
  run(context);
  BOOST_CHECK_EXCEPTION(late.get(), boost::system::system_error, is_aborted);
  BOOST_TEST(in_time.get() == 2u);
  in_time = two.stream.async_read_some(asio::buffer(two.data), token);
  two.write("abc");
  run(context);
  BOOST_TEST(in_time.get() == 3u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_limit_without_a_token_takes_the_default_one, In,
                              in_the_contexts_thread) {
  using limits = typename In::limits;
  using executor_type = executor_with_default<typename In::context::executor_type>;
  typename In::context context;
  mioext::basic_steady_timer<executor_type> timer(executor_type(context.get_executor()), hours(1));
  auto late = timer.async_wait(limits::after(milliseconds(1)));
  auto late_too = timer.async_wait(limits::at(clock_type::now() + milliseconds(1)));
  static_assert(std::is_same<decltype(late), std::future<void>>::value, "the default token");
  run(context);
  BOOST_CHECK_EXCEPTION(late.get(), boost::system::system_error, is_aborted);
  BOOST_CHECK_EXCEPTION(late_too.get(), boost::system::system_error, is_aborted);
  outcome adapted;
  timer.async_wait(limits::after(milliseconds(1))(into(adapted)));
  run(context);
  BOOST_TEST(adapted == aborted());
}

#ifdef TEST_HAS_DEFERRED
namespace {

using results = std::tuple<error_code, std::size_t>;

struct handler_of_results {
  void operator()(results const& all_results) const { *error = std::get<0>(all_results); }

  error_code* error;
};

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(deferred_and_tuples_are_tokens, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  reading<typename In::context> input(context);
  auto deferred = input.stream.async_read_some(asio::buffer(input.data),
                                               limits::after(milliseconds(1), asio::deferred));
  outcome read;
  std::move(deferred)(into(read));
  run(context);
  BOOST_TEST(read == aborted());
  error_code inside, outside;
  input.stream.async_read_some(
      asio::buffer(input.data),
      limits::after(milliseconds(1), asio::as_tuple(handler_of_results{&inside})));
  run(context);
  BOOST_TEST(inside == asio::error::operation_aborted);
  input.stream.async_read_some(
      asio::buffer(input.data),
      asio::as_tuple(limits::after(
          milliseconds(1), asio::bind_executor(asio::any_io_executor(context.get_executor()),
                                               handler_of_results{&outside}))));
  run(context);
  BOOST_TEST(outside == asio::error::operation_aborted);
}
#endif

#ifdef BOOST_ASIO_HAS_CO_AWAIT
BOOST_AUTO_TEST_CASE_TEMPLATE(a_coroutine_awaits_with_a_limit, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  reading<typename In::context> input(context);
  std::future<std::size_t> read = asio::co_spawn(
      context,
      [&input]() -> asio::awaitable<std::size_t> {
        input.write("abc");
        std::size_t const bytes = co_await input.stream.async_read_some(
            asio::buffer(input.data), limits::after(hours(1), asio::use_awaitable));
        try {
          co_await input.stream.async_read_some(
              asio::buffer(input.data), limits::after(milliseconds(1), asio::use_awaitable));
        } catch (boost::system::system_error const& error) {
          co_return is_aborted(error) ? bytes : 0;
        }
        co_return 0;
      },
      asio::use_future);
  run(context);
  BOOST_TEST(read.get() == 3u);
}
#endif

// --- The handler -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(the_handler_is_called_on_its_executor, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  any_strand const strand(context.get_executor());
  reading<typename In::context> one(context), two(context);
  int in_strand = 0;
  auto const handler = asio::bind_executor(strand, handler_of_strand{&in_strand, &strand});
  one.stream.async_read_some(asio::buffer(one.data), limits::after(milliseconds(1), handler));
  two.stream.async_read_some(asio::buffer(two.data), limits::after(hours(1), handler));
  two.write("ab");
  run(context);
  BOOST_TEST(in_strand == 2);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_handler_may_be_called_in_another_context, In,
                              in_the_contexts_thread) {
  using limits = typename In::limits;
  typename In::context context;
  asio::thread_pool pool(1);
  std::thread::id const thread = asio::post(pool, asio::use_future(std::this_thread::get_id)).get();
  reading<typename In::context> late(context), in_time(context), at_once(context);
  asio::cancellation_signal signal;
  outcome ends[3];
  std::atomic<int> in_the_pool{0};
  counts memory;
  late.stream.async_read_some(
      asio::buffer(late.data),
      limits::after(
          milliseconds(1),
          asio::bind_executor(pool, handler_of_thread{&memory, &in_the_pool, thread, &ends[0]})));
  in_time.stream.async_read_some(
      asio::buffer(in_time.data),
      limits::after(hours(1), asio::bind_executor(pool, handler_of_thread{&memory, &in_the_pool,
                                                                          thread, &ends[1]})));
  at_once.stream.async_read_some(
      asio::buffer(at_once.data),
      limits::after(hours(1), asio::bind_executor(
                                  pool, asio::bind_cancellation_slot(
                                            signal.slot(), handler_of_thread{&memory, &in_the_pool,
                                                                             thread, &ends[2]}))));
  in_time.write("ab");
  signal.emit(asio::cancellation_type::terminal);
  run(context);
  pool.join();
  BOOST_TEST(ends[0] == aborted());
  BOOST_TEST(ends[1] == ended());
  BOOST_TEST(ends[1].bytes == 2u);
  BOOST_TEST(ends[2] == aborted());
  BOOST_TEST(in_the_pool.load() == 3);
  BOOST_TEST(memory.outstanding.load() == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_passed_on_is_what_the_signature_says) {
  selector_context context;
  io_context elsewhere;
  std::string result;
  auto const handler = [&result](error_code const&, std::string const& text) { result = text; };
  auto token = mioext::cancel_after(hours(1), asio::bind_executor(elsewhere, handler));
  asio::async_initiate<decltype(token), void(error_code, std::string)>(
      initiate_text<selector_context::executor_type>(context.get_executor()), token);
  run(context);
  run(elsewhere);
  BOOST_TEST(result == std::string(100, 'a'));
}

template <class Executor>
void wait_and_be_called_elsewhere(Executor const& executor, selector_context& elsewhere,
                                  outcome& late, outcome& in_time) {
  auto const timer = std::make_shared<mioext::basic_steady_timer<Executor>>(executor, hours(1));
  timer->async_wait(mioext::cancel_after(
      milliseconds(1), asio::bind_executor(elsewhere.get_executor(), into(late))));
  auto const soon =
      std::make_shared<mioext::basic_steady_timer<Executor>>(executor, milliseconds(1));
  soon->async_wait(mioext::cancel_after(
      hours(1), asio::bind_executor(asio::any_io_executor(asio::make_strand(elsewhere)),
                                    [soon, timer, &in_time](error_code const& ec) {
                                      into{in_time}(ec);
                                      // The two belong to the other context's thread.
                                      asio::post(soon->get_executor(), [soon, timer] {});
                                    })));
}

BOOST_AUTO_TEST_CASE(an_operation_in_any_executor_of_a_selector_context_stays_there) {
  selector_context context, elsewhere;
  outcome late[3], in_time[3];
  auto const executor = context.get_executor();
  wait_and_be_called_elsewhere(executor, elsewhere, late[0], in_time[0]);
  wait_and_be_called_elsewhere(asio::any_io_executor(executor), elsewhere, late[1], in_time[1]);
  wait_and_be_called_elsewhere(asio::make_strand(executor), elsewhere, late[2], in_time[2]);
  std::thread other([&elsewhere] { elsewhere.run_for(support::patience); });
  run(context);
  other.join();
  BOOST_TEST(elsewhere.stopped());
  run(context); // what destroys the timers
  for (int index = 0; index != 3; ++index) {
    BOOST_TEST(late[index] == aborted());
    BOOST_TEST(in_time[index] == ended());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_context_that_ends_is_no_work_elsewhere, In, all) {
  using limits = typename In::limits;
  auto const owned = std::make_shared<int>(1);
  outcome never;
  io_context elsewhere;
  {
    typename In::context context;
    reading<typename In::context> input(context);
    input.stream.async_read_some(
        asio::buffer(input.data),
        limits::after(hours(1), asio::bind_executor(elsewhere, owning_handler{&never, owned})));
    elsewhere.poll();
    BOOST_TEST(!elsewhere.stopped());
    elsewhere.restart();
  }
  BOOST_TEST(owned.use_count() == 1);
  BOOST_TEST(never.calls == 0);
  elsewhere.poll();
  BOOST_TEST(elsewhere.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(all_memory_is_the_allocators_and_given_back_before, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  counts memory;
  reading<typename In::context> input(context);
  for (milliseconds limit : {milliseconds(1), milliseconds(1000000)}) {
    outcome read;
    input.stream.async_read_some(asio::buffer(input.data),
                                 limits::after(limit, allocating_handler{&memory, &read}));
    BOOST_TEST(memory.outstanding == 3u); // both operations, and what they share
    if (limit != milliseconds(1)) {
      input.write("a");
    }
    run(context);
    BOOST_TEST(read.calls == 1);
    BOOST_TEST(memory.outstanding == 0u);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_exception_leaves_run, In, all) {
  using limits = typename In::limits;
  typename In::context context;
  reading<typename In::context> one(context), two(context);
  one.stream.async_read_some(asio::buffer(one.data),
                             limits::after(milliseconds(1), throwing_handler()));
  BOOST_CHECK_THROW(run(context), std::runtime_error);
  two.stream.async_read_some(asio::buffer(two.data), limits::after(hours(1), throwing_handler()));
  two.write("ab");
  BOOST_CHECK_THROW(run(context), std::runtime_error);
  run(context);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_context_that_ends_destroys_the_handler, In, all) {
  using limits = typename In::limits;
  auto const owned = std::make_shared<int>(1);
  outcome read;
  {
    typename In::context context;
    reading<typename In::context> one(context), two(context), three(context);
    owning_handler const handler = {&read, owned};
    one.stream.async_read_some(asio::buffer(one.data), limits::after(hours(1), handler));
    two.stream.async_read_some(asio::buffer(two.data), limits::after(hours(0), handler));
    three.stream.async_read_some(asio::buffer(three.data), limits::after(hours(1), handler));
    three.stream.cancel(); // queued, and never called
    BOOST_TEST(owned.use_count() > 4);
  }
  BOOST_TEST(owned.use_count() == 1);
  BOOST_TEST(read.calls == 0);
}

// --- Operations of a program's own -------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(an_operation_that_drops_its_handler_leaves_no_timer, In, ours) {
  using executor = typename In::context::executor_type;
  typename In::context context;
  auto const owned = std::make_shared<int>(1);
  outcome never;
  auto token = mioext::cancel_after(hours(1), owning_handler{&never, owned});
  asio::async_initiate<decltype(token), void(error_code)>(
      initiate_nothing<executor>(context.get_executor()), token);
  BOOST_TEST(owned.use_count() == 2);
  BOOST_TEST(never.calls == 0);
  run(context);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_operation_that_cannot_begin_leaves_no_timer, In, ours) {
  using executor = typename In::context::executor_type;
  typename In::context context;
  auto const owned = std::make_shared<int>(1);
  outcome never;
  auto token = mioext::cancel_after(hours(1), owning_handler{&never, owned});
  auto const begin = [&] {
    asio::async_initiate<decltype(token), void(error_code)>(
        initiate_failure<executor>(context.get_executor()), token);
  };
  BOOST_CHECK_THROW(begin(), std::runtime_error);
  BOOST_TEST(owned.use_count() == 2);
  BOOST_TEST(never.calls == 0);
  run(context);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_operation_may_complete_while_it_is_cancelled, In, ours) {
  using executor = typename In::context::executor_type;
  typename In::context context;
  outcome done;
  int result = 0;
  auto token =
      mioext::cancel_after(milliseconds(1), [&](error_code const& ec, std::unique_ptr<int> number) {
        into{done}(ec);
        result = *number;
      });
  asio::async_initiate<decltype(token), void(error_code, std::unique_ptr<int>)>(
      initiate_until_cancelled<executor>(context.get_executor()), token);
  run(context);
  BOOST_TEST(done == aborted());
  BOOST_TEST(result == 7);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_operation_that_has_ended_is_not_cancelled_any_more, In, ours) {
  using executor = typename In::context::executor_type;
  using initiate = initiate_until<executor>;
  auto head_start = milliseconds(1);
  for (bool is_dropped : {false, true}) {
    bool were_set_in_time = false;
    while (!were_set_in_time) { // which a context that makes its first ring may not be
      typename In::context context;
      outcome done;
      int told = 0;
      auto const now = clock_type::now();
      auto token = mioext::cancel_at(now + head_start + milliseconds(3), into(done));
      asio::async_initiate<decltype(token), void(error_code)>(
          initiate(context.get_executor(), now + head_start, [&] { ++told; }), token,
          bool(is_dropped));
      were_set_in_time = clock_type::now() < now + head_start;
      std::this_thread::sleep_until(now + head_start + milliseconds(7)); // it finds both at once
      run(context);
      if (were_set_in_time) {
        BOOST_TEST(done.calls == (is_dropped ? 0 : 1));
        BOOST_TEST(!done.error);
        BOOST_TEST(told == 0);
      }
      head_start *= 2;
    }
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_operation_goes_on_after_an_exception_of_its_slot, In, ours) {
  using executor = typename In::context::executor_type;
  typename In::context context;
  outcome done;
  auto const now = clock_type::now();
  auto token = mioext::cancel_at(now + milliseconds(1), into(done));
  asio::async_initiate<decltype(token), void(error_code)>(
      initiate_until<executor>(context.get_executor(), now + milliseconds(20),
                               [] { throw std::runtime_error("slot"); }),
      token);
  BOOST_CHECK_THROW(run(context), std::runtime_error);
  BOOST_TEST(done.calls == 0);
  run(context);
  BOOST_TEST(done == ended());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_result_that_cannot_be_kept_destroys_the_handler, In, ours) {
  using executor = typename In::context::executor_type;
  typename In::context context;
  auto const owned = std::make_shared<int>(1);
  {
    auto token = mioext::cancel_after(milliseconds(1),
                                      [owned](throwing_result const&) { BOOST_ERROR("called"); });
    asio::async_initiate<decltype(token), void(throwing_result)>(
        initiate_throwing_result<executor>(context.get_executor()), token);
  }
  BOOST_CHECK_THROW(run(context), std::runtime_error);
  BOOST_TEST(owned.use_count() == 1);
  run(context);
}

#if BOOST_ASIO_VERSION >= 102200
namespace {

/// Has two ways to end, and ends with the end of the time.
template <class Executor> struct initiate_either : initiate_with_executor<Executor> {
  explicit initiate_either(Executor const& used) : initiate_with_executor<Executor>{used} {}

  template <class Handler> void operator()(Handler&& handler, bool is_text, bool is_kept) const {
    auto const slot = asio::get_associated_cancellation_slot(handler);
    auto const kept =
        std::make_shared<typename std::decay<Handler>::type>(std::forward<Handler>(handler));
    auto const end = [kept, is_text] {
      if (is_text) {
        std::move (*kept)(std::string("text"));
      } else {
        std::move (*kept)(error_code(), 5);
      }
    };
    if (is_kept) {
      auto cancelled = slot;
      cancelled.assign([end](asio::cancellation_type_t) { end(); });
    } else {
      asio::post(this->executor, end);
    }
  }
};

struct either_handler {
  void operator()(error_code const&, int given) const { *number = given; }
  void operator()(std::string const& given) const { *text = given; }

  int* number;
  std::string* text;
};

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(an_operation_may_have_several_kinds_of_result, In, ours) {
  using executor = typename In::context::executor_type;
  typename In::context context;
  for (bool is_text : {false, true}) {
    for (bool is_kept : {false, true}) {
      int number = 0;
      std::string text;
      auto token = mioext::cancel_after(milliseconds(1), either_handler{&number, &text});
      asio::async_initiate<decltype(token), void(error_code, int), void(std::string)>(
          initiate_either<executor>(context.get_executor()), token, is_text, is_kept);
      run(context);
      BOOST_TEST(number == (is_text ? 0 : 5));
      BOOST_TEST(text == (is_text ? "text" : ""));
    }
  }
}
#endif

// --- Memory ------------------------------------------------------------------------------------------

#if !defined(MIOEXT_TEST_CANNOT_COUNT) && defined(MIOEXT_DETAIL_HAS_RECYCLING_ALLOCATOR)
BOOST_AUTO_TEST_CASE_TEMPLATE(in_steady_state_nothing_is_allocated, In, ours) {
  using timer_type = mioext::basic_steady_timer<typename In::context::executor_type>;
  typename In::context context;
  timer_type timer(context);
  struct loop {
    void operator()(error_code const&) const {
      if (++*rounds == 50) {
        *before = allocations;
      }
      if (*rounds != 100) {
        timer->expires_after(std::chrono::microseconds(*rounds % 3));
        timer->async_wait(mioext::cancel_after(hours(1), loop(*this)));
      }
    }
    timer_type* timer;
    int* rounds;
    std::size_t* before;
  };
  int rounds = 0;
  std::size_t before = 0;
  asio::post(context, [&] { loop{&timer, &rounds, &before}(error_code()); });
  run(context);
  BOOST_TEST(rounds == 100);
  BOOST_TEST(allocations - before == 0u);
}
#endif

#endif // MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
