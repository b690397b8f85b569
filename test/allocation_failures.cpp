//
// test/allocation_failures.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Every allocation fails, one after the other. What a function was called for did not happen then, and
// nothing else did: called again, it works, and what was there before is there still.
//

#include <mioext.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <boost/test/unit_test.hpp>

#include "handles.hpp"
#include "support.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
// clang's sanitizers bring an operator new of their own, which cannot be replaced; what is shown
// here is shown by every other build.
#define MIOEXT_TEST_CANNOT_FAIL
#endif
#endif

namespace {

/// What the allocations of a scenario do.
struct allocations_under_test {
  bool are_counted = false;
  std::size_t count = 0;   ///< so far
  std::size_t failing = 0; ///< the one with this number
  std::size_t failed = 0;
  std::ptrdiff_t outstanding = 0; ///< of all

  /// False if this one is to fail.
  bool next() noexcept {
    bool const is_made = next_aligned();
    outstanding += is_made;
    return is_made;
  }

  /// The same for one that is freed like any other, and so not counted as outstanding.
  bool next_aligned() noexcept {
    bool const fails = are_counted && count++ == failing;
    failed += fails;
    return !fails;
  }
};

allocations_under_test memory;

} // namespace

#ifndef MIOEXT_TEST_CANNOT_FAIL

[[gnu::noinline]] void* operator new(std::size_t size) {
  if (memory.next()) {
    if (void* const made = std::malloc(size ? size : 1)) {
      return made;
    }
  }
  throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* freed) noexcept {
  memory.outstanding -= freed != nullptr;
  std::free(freed);
}

[[gnu::noinline]] void operator delete(void* freed, std::size_t) noexcept {
  ::operator delete(freed);
}

#endif

// Where handlers' memory comes from in Asio. ld sends the calls here (--wrap).

#ifdef MIOEXT_TEST_WRAPS_ALIGNED_ALLOCATION
extern "C" {
int __real_posix_memalign(void**, std::size_t, std::size_t);
int __wrap_posix_memalign(void**, std::size_t, std::size_t);
void* __real_aligned_alloc(std::size_t, std::size_t);
void* __wrap_aligned_alloc(std::size_t, std::size_t);
}

int __wrap_posix_memalign(void** made, std::size_t alignment, std::size_t size) {
  return memory.next_aligned() ? __real_posix_memalign(made, alignment, size) : ENOMEM;
}

void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
  return memory.next_aligned() ? __real_aligned_alloc(alignment, size) : nullptr;
}
#endif

namespace {

using boost::asio::buffer;
using boost::asio::io_context;
using boost::asio::ip::tcp;
using boost::system::error_code;
using mioext::interest;
using std::chrono::milliseconds;
using support::token;

/// Something did not come about, and nothing said so.
struct broken_promise {
  char const* promise;
};

/// What a test does itself has memory.
template <class Function> auto with_memory(Function function) -> decltype(function()) {
  struct restore {
    ~restore() { memory.are_counted = before; }
    bool before = memory.are_counted;
  } const restored;
  memory.are_counted = false;
  return function();
}

/// Calls `function`, and if there was no memory, once more: nothing has happened.
template <class Function> void at_last(Function function) {
  try {
    function();
  } catch (std::bad_alloc const&) {
    with_memory(function);
  }
}

/// Writes down what comes, in memory that is there.
struct quiet_handler final : mioext::basic_handler<mioext::token, std::unique_ptr<int>> {
  void readable(loop_type&, mioext::token name, mioext::read_hint) override { note(name); }
  void writable(loop_type&, mioext::token name) override { note(name); }
  void timer(loop_type&, mioext::token name) override { note(name); }
  void notify(loop_type&, std::unique_ptr<int> message) override {
    note(token(static_cast<std::size_t>(*message)));
  }
  void signal(loop_type&, mioext::signal_info const&) override { note(token(999)); }

  void note(mioext::token name) {
    if (name.value() < 1000) {
      ++calls[name.value()];
      ++count;
    }
  }

  int calls[1000] = {};
  int count = 0;
};

using loop = mioext::basic_event_loop<mioext::token, std::unique_ptr<int>>;

template <class Loop, class Condition>
void run_until(Loop& looping, quiet_handler& handler, Condition condition) {
  auto const deadline = std::chrono::steady_clock::now() + support::patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw broken_promise{"what is waited for does not come"};
    }
    looping.run_once(handler, milliseconds(20));
  }
}

/// A duplicate with a large number, so that a table that has a place for each must grow.
struct far_descriptor {
  far_descriptor(int of, int least) : fd(::fcntl(of, F_DUPFD_CLOEXEC, least)) {}
  ~far_descriptor() { ::close(fd); }
  far_descriptor(far_descriptor const&) = delete;
  far_descriptor& operator=(far_descriptor const&) = delete;
  int const fd;
};

void poller_and_waker() {
  std::unique_ptr<mioext::poller> poller;
  at_last([&] { poller.reset(new mioext::poller); });
  std::unique_ptr<mioext::events> events;
  at_last([&] { events.reset(new mioext::events(100)); });
  std::unique_ptr<mioext::waker> waker;
  at_last([&] { waker.reset(new mioext::waker(poller->registry(), token(1))); });
  waker->wake();
  poller->poll(*events);
  if (events->size() != 1) {
    throw broken_promise{"a wake is reported"};
  }
}

void registrations() {
  auto pair = mioext::unix_socket::pair();
  far_descriptor const far(pair.first.native_handle(), 300);
  far_descriptor const farther(pair.first.native_handle(), 700);
  std::unique_ptr<loop> looping;
  at_last([&] { looping.reset(new loop); });
  at_last([&] { looping->register_handle(pair.first, token(1), interest::readable); });
  at_last([&] { looping->register_handle(far.fd, token(2), interest::readable); });
  at_last([&] { looping->register_handle(farther.fd, token(3), interest::readable); });
  at_last([&] { looping->register_signal(SIGUSR1); });
  pair.second.write_some(buffer("x", 1));
  ::raise(SIGUSR1);
  quiet_handler handler;
  run_until(*looping, handler, [&] {
    return handler.calls[1] == 1 && handler.calls[2] == 1 && handler.calls[3] == 1 &&
           handler.calls[999] == 1;
  });
}

void timers_and_messages() {
  std::unique_ptr<loop> looping;
  at_last([&] { looping.reset(new loop); });
  for (std::size_t number = 0; number != 600; ++number) {
    at_last([&] {
      if (number % 2 == 0) {
        looping->timer(milliseconds(number % 10), token(number));
      } else {
        looping->timer_at(looping->now() + milliseconds(number % 10), token(number));
      }
    });
  }
  auto const channel = looping->channel();
  std::unique_ptr<int> message;
  at_last([&] { message.reset(new int(700)); });
  channel.send(std::move(message));
  quiet_handler handler;
  run_until(*looping, handler, [&] { return handler.count == 601; });
  if (std::count(handler.calls, handler.calls + 600, 1) != 600 || handler.calls[700] != 1) {
    throw broken_promise{"each timer fires once, and each message comes"};
  }
}

void connects() {
  std::unique_ptr<loop> looping;
  at_last([&] { looping.reset(new loop); });
  mioext::tcp_acceptor acceptor(test::loopback());
  at_last([&] { looping->listen(acceptor, 16, token(1)); });
  mioext::tcp_socket socket;
  at_last([&] {
    socket.close(); // connect() may have been called
    looping->connect(socket, acceptor.local_endpoint(), token(2));
  });
  quiet_handler handler;
  run_until(*looping, handler, [&] { return handler.calls[1] != 0 && handler.calls[2] == 1; });
  if (socket.take_error()) {
    throw broken_promise{"the connect is made"};
  }
}

void connects_that_wait() {
  auto const listener = with_memory(
      [] { return std::unique_ptr<support::full_listener>(new support::full_listener); });
  std::unique_ptr<loop> looping;
  at_last([&] { looping.reset(new loop); });
  mioext::unix_socket sockets[6];
  std::size_t number = 0;
  for (mioext::unix_socket& each : sockets) {
    at_last([&] { looping->connect(each, listener->endpoint, token(number)); });
    ++number;
  }
  quiet_handler handler;
  run_until(*looping, handler, [&] {
    with_memory([&] { return listener->drain(); });
    return handler.count == 6;
  });
  if (std::count(handler.calls, handler.calls + 6, 1) != 6) {
    throw broken_promise{"each of those who wait is told once"};
  }
}

// --- In a context ----------------------------------------------------------------------------------

/// Of a completion: that it came, and without an error.
struct count_calls {
  void operator()(error_code const& ec) const { ec ? ++*failures : ++*calls; }
  template <class Result> void operator()(error_code const& ec, Result&&) const { (*this)(ec); }
  int* calls;
  int* failures;
};

/// Runs until nothing is left to do. Memory may run out in a step of a composed operation: that is
/// thrown, and the operation is gone, as it is with Asio's own.
template <class Context> void run(Context& context) {
  context.restart();
  context.run_for(support::patience);
  if (!context.stopped()) {
    throw broken_promise{"the context waits for something that never happens"};
  }
}

template <class Context> std::unique_ptr<Context> made_context() {
  return with_memory([] { return std::unique_ptr<Context>(new Context); });
}

template <class Context> void waits() {
  auto const context = made_context<Context>();
  auto pair = mioext::unix_socket::pair();
  far_descriptor const far(pair.first.native_handle(), 500);
  int calls = 0;
  int failures = 0;
  count_calls const handler{&calls, &failures};
  at_last([&] { mioext::async_wait(*context, pair.first, interest::readable, handler); });
  at_last([&] { mioext::async_wait(*context, far.fd, interest::readable, handler); });
  at_last([&] { mioext::async_wait(*context, pair.second, interest::writable, handler); });
  pair.second.write_some(buffer("x", 1));
  run(*context);
  if (calls != 3 || failures != 0) {
    throw broken_promise{"each wait is completed once"};
  }
}

/// Each time another one, for which the process keeps nothing yet that hears of its being closed.
template <class Context> void waits_for_a_new_number() {
  static int least = 512;
  least += 64;
  auto const context = made_context<Context>();
  auto pair = mioext::unix_socket::pair();
  far_descriptor const far(pair.first.native_handle(), least);
  with_memory([&] { boost::asio::use_service<mioext::selector_service>(*context); });
  int calls = 0;
  int failures = 0;
  at_last([&] {
    mioext::async_wait(*context, far.fd, interest::writable, count_calls{&calls, &failures});
  });
  run(*context);
  if (calls != 1 || failures != 0) {
    throw broken_promise{"the wait is completed once"};
  }
}

/// Of a descriptor that is known and of two that are not, by a watcher and by a set.
template <class Context> void watches() {
  auto const context = made_context<Context>();
  auto pair = mioext::unix_socket::pair();
  far_descriptor const far(pair.first.native_handle(), 600);
  int calls = 0;
  int failures = 0;
  count_calls const count{&calls, &failures};
  std::unique_ptr<mioext::watcher> watching;
  at_last([&] { watching.reset(new mioext::watcher(*context)); });
  at_last([&] {
    watching->watch(pair.first, interest::readable, [&](error_code const& ec, interest) {
      count(ec);
      watching->stop();
    });
  });
  std::unique_ptr<mioext::watcher_set> set;
  at_last([&] {
    set.reset(new mioext::watcher_set(
        *context, [&](error_code const& ec, int descriptor, interest ready) {
          count(ec);
          set->watch(descriptor, ready == interest::readable ? interest::writable : interest::none);
        }));
  });
  at_last([&] { set->watch(far.fd, interest::readable); });
  at_last([&] { set->watch(pair.second.native_handle(), interest::writable); });
  pair.second.write_some(buffer("x", 1));
  run(*context);
  if (calls != 4 || failures != 0 || !set->empty()) {
    throw broken_promise{"each of them is watched, and nothing else"};
  }
}

template <class Context> void streams() {
  using stream = mioext::stream<mioext::unix_socket>;
  auto const context = made_context<Context>();
  auto pair = mioext::unix_socket::pair();
  std::unique_ptr<stream> near;
  std::unique_ptr<stream> far;
  at_last([&] { near.reset(new stream(*context, std::move(pair.first))); });
  at_last([&] { far.reset(new stream(*context, std::move(pair.second))); });
  int calls = 0;
  int failures = 0;
  count_calls const handler{&calls, &failures};
  char received[5];
  at_last([&] { near->async_read_some(buffer(received), handler); });
  at_last([&] { boost::asio::async_write(*far, buffer("hello", 5), handler); });
  run(*context);
  at_last([&] { near->async_wait(interest::writable, handler); });
  run(*context);
  if (calls != 3 || failures != 0) {
    throw broken_promise{"each operation is completed once"};
  }
}

template <class Context> void asynchronous_connects() {
  using stream = mioext::stream<mioext::tcp_socket>;
  auto const context = made_context<Context>();
  mioext::tcp_acceptor acceptor(test::loopback());
  std::unique_ptr<stream> connecting;
  at_last([&] { connecting.reset(new stream(*context)); });
  int calls = 0;
  int failures = 0;
  count_calls const handler{&calls, &failures};
  mioext::tcp_socket accepted;
  at_last([&] { mioext::async_accept(*context, acceptor, accepted, handler); });
  at_last([&] {
    connecting->close(); // a part of it may have been done
    mioext::async_connect(*connecting, acceptor.local_endpoint(), handler);
  });
  run(*context);
  if (calls != 2 || failures != 0) {
    throw broken_promise{"connect and accept are completed once"};
  }
}

template <class Context> void loops_in_context() {
  using async_loop = mioext::basic_async_event_loop<mioext::token, std::unique_ptr<int>>;
  auto const context = made_context<Context>();
  std::unique_ptr<async_loop> looping;
  at_last([&] { looping.reset(new async_loop(*context)); });
  auto pair = mioext::unix_socket::pair();
  at_last([&] { looping->register_handle(pair.first, token(1), interest::readable); });
  at_last([&] { looping->timer(milliseconds(1), token(2)); });
  pair.second.write_some(buffer("x", 1));
  quiet_handler handler;
  int calls = 0;
  int failures = 0;
  auto const begin = [&] { looping->async_run(handler, count_calls{&calls, &failures}); };
  at_last(begin);
  auto const deadline = std::chrono::steady_clock::now() + support::patience;
  while (handler.count != 2 && std::chrono::steady_clock::now() < deadline) {
    context->run_one_for(milliseconds(20));
    if (failures == 1) { // the run has ended because of that, and the next one goes on
      ++failures;
      with_memory(begin);
    }
    context->restart();
  }
  looping->shutdown();
  run(*context);
  if (calls != 1 || handler.calls[1] != 1 || handler.calls[2] != 1) {
    throw broken_promise{"data, a timer and the end are told"};
  }
}

template <class Context> void functions_and_timers() {
  auto const context = made_context<Context>();
  int posted = 0;
  for (int number = 0; number != 100; ++number) { // more than memory is kept for
    at_last([&] { boost::asio::post(*context, [&posted] { ++posted; }); });
  }
  std::unique_ptr<mioext::steady_timer> timer;
  at_last([&] { timer.reset(new mioext::steady_timer(*context, milliseconds(1))); });
  int calls = 0;
  int failures = 0;
  at_last([&] { timer->async_wait(count_calls{&calls, &failures}); });
  at_last([&] {
    boost::asio::post(*context, [&] {
      at_last([&] { boost::asio::post(*context, [&posted] { ++posted; }); });
      at_last([&] { boost::asio::dispatch(*context, [&posted] { ++posted; }); });
    });
  });
  run(*context);
  if (posted != 102 || calls != 1 || failures != 0) {
    throw broken_promise{"each function is called once, and the timer's end is told once"};
  }
}

// --- Contexts themselves -----------------------------------------------------------------------

void selector_contexts() {
  std::unique_ptr<mioext::selector_context> context;
  at_last([&] { context.reset(new mioext::selector_context); });
  int posted = 0;
  at_last([&] { boost::asio::post(*context, [&posted] { ++posted; }); });
  run(*context);
  if (posted != 1) {
    throw broken_promise{"a function is called"};
  }
}

// --- What must hold --------------------------------------------------------------------------------

#ifndef MIOEXT_TEST_CANNOT_FAIL
std::size_t total = 0;
#endif

void check(void (*scenario)()) {
#ifdef MIOEXT_TEST_CANNOT_FAIL
  scenario();
#else
  scenario(); // for what is made once and for all
  for (std::size_t failing = 0;; ++failing) {
    BOOST_TEST_CONTEXT("the allocation with number " << failing << " fails") {
      std::ptrdiff_t const outstanding = memory.outstanding;
      std::size_t const descriptors = test::open_descriptors();
      memory.failing = failing;
      memory.count = memory.failed = 0;
      memory.are_counted = true;
      char const* broken = nullptr;
      try {
        scenario();
        memory.are_counted = false;
      } catch (std::bad_alloc const&) {
        memory.are_counted = false; // where it cannot be tried again
      } catch (broken_promise const& error) {
        memory.are_counted = false;
        broken = error.promise;
      }
      std::ptrdiff_t const leaked = memory.outstanding - outstanding;
      BOOST_CHECK_MESSAGE(!broken, "broken is: " << broken);
      BOOST_TEST(leaked == 0);
      BOOST_TEST(test::open_descriptors() == descriptors);
    }
    if (memory.failed == 0) {
      BOOST_TEST_MESSAGE(failing << " allocations failed");
      BOOST_TEST(failing > 0u); // or nothing was shown
      total += failing;
      return;
    }
  }
#endif
}

} // namespace

BOOST_AUTO_TEST_SUITE(allocation_failures)

template <class Function> std::size_t allocations_of(Function function) {
  memory.failing = static_cast<std::size_t>(-1);
  memory.count = memory.failed = 0;
  memory.are_counted = true;
  function();
  memory.are_counted = false;
  return memory.count;
}

struct as_it_is {
  count_calls operator()(count_calls const& handler) const { return handler; }
};

struct bound_to {
  boost::asio::executor_binder<count_calls, io_context::executor_type>
  operator()(count_calls const& handler) const {
    return boost::asio::bind_executor(other.get_executor(), handler);
  }
  io_context& other;
};

/// Ends many reads, because something has come, and then because their streams are closed. Where what an
/// executor queues is made, nothing may be missing then: who closes may do so for want of memory.
template <class Executor, class Bind> void end_many(Bind bind, io_context& other) {
  using stream = mioext::stream<mioext::unix_socket, Executor>;
  constexpr int count = 100;
  io_context context;
  std::vector<stream> streams;
  std::vector<mioext::unix_socket> peers;
  for (int number = 0; number != count; ++number) {
    auto pair = mioext::unix_socket::pair();
    streams.emplace_back(context, std::move(pair.first));
    peers.push_back(std::move(pair.second));
  }
  int calls = 0;
  int failures = 0;
  char received;
  auto const poll = [&] {
    context.restart();
    context.poll();
    other.restart();
    other.poll();
  };
  auto const begin = [&] {
    for (stream& each : streams) {
      each.async_read_some(buffer(&received, 1), bind(count_calls{&calls, &failures}));
    }
    poll();
  };
  begin();
  for (mioext::unix_socket& each : peers) {
    each.write_some(buffer("x", 1));
  }
  BOOST_TEST(allocations_of(poll) == 0u);
  BOOST_TEST(calls == count);
  begin();
  BOOST_TEST(allocations_of([&] {
               for (stream& each : streams) {
                 each.close();
               }
               poll();
             }) == 0u);
  BOOST_TEST(failures == count);
}

BOOST_AUTO_TEST_CASE(what_ends_in_an_io_context_needs_no_memory) {
  io_context other;
  end_many<io_context::executor_type>(as_it_is(), other);
  end_many<boost::asio::any_io_executor>(as_it_is(), other);
  end_many<io_context::executor_type>(bound_to{other}, other);
  end_many<boost::asio::any_io_executor>(bound_to{other}, other);
}

#define CHECK_IN_BOTH_CONTEXTS(function)                                                           \
  BOOST_AUTO_TEST_CASE(in_##function) { check(function<io_context>); }                             \
  BOOST_AUTO_TEST_CASE(in_##function##_in_selector_context) {                                      \
    check(function<mioext::selector_context>);                                                     \
  }

BOOST_AUTO_TEST_CASE(in_poller_and_waker) { check(poller_and_waker); }
BOOST_AUTO_TEST_CASE(in_registrations) { check(registrations); }
BOOST_AUTO_TEST_CASE(in_timers_and_messages) { check(timers_and_messages); }
BOOST_AUTO_TEST_CASE(in_connects) { check(connects); }
BOOST_AUTO_TEST_CASE(in_connects_that_wait) { check(connects_that_wait); }
CHECK_IN_BOTH_CONTEXTS(waits)
CHECK_IN_BOTH_CONTEXTS(waits_for_a_new_number)
CHECK_IN_BOTH_CONTEXTS(watches)
CHECK_IN_BOTH_CONTEXTS(streams)
CHECK_IN_BOTH_CONTEXTS(asynchronous_connects)
CHECK_IN_BOTH_CONTEXTS(loops_in_context)
CHECK_IN_BOTH_CONTEXTS(functions_and_timers)
BOOST_AUTO_TEST_CASE(in_selector_contexts) { check(selector_contexts); }

BOOST_AUTO_TEST_SUITE_END()
