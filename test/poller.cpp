//
// test/poller.cpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The poller: registering, waiting, time limits, and every error that the registry documents.
//

#include <mioext/poller.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <list>
#include <memory>
#include <ratio>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <mioext/pipe.hpp>

#include "handles.hpp"
#include "systems.hpp"

namespace errc = boost::system::errc;
using boost::system::error_code;
using mioext::interest;
using mioext::token;
using mioext::trigger;

namespace {

token const name(3);
std::chrono::seconds const no_time(0);
std::chrono::seconds const a_while(30); // a broken build shall fail and not hang

/// Something that any successful call must clear.
error_code old_error() { return errc::make_error_code(errc::address_in_use); }

void write_to(test::raw_pipe const& pipe) { BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1); }

void read_from(test::raw_pipe const& pipe) {
  char byte;
  BOOST_REQUIRE(::read(pipe.reader(), &byte, 1) == 1);
}

/// A descriptor number that nothing has.
int closed_descriptor() {
  test::raw_pipe const pipe;
  return pipe.reader();
}

/// A poller that watches a pipe, and calls of which each must fail in both forms, alike, and leave
/// it as usable as before.
class refusals {
public:
  refusals() : events_(4) {
    poller_.registry().register_handle(pipe_.reader(), token(77), interest::readable);
  }

  mioext::poller& poller() { return poller_; }
  mioext::registry const& registry() const { return poller_.registry(); }

  template <class Handle>
  error_code of_registering(Handle&& handle, interest wanted = interest::readable,
                            trigger how = trigger::edge) {
    error_code ec;
    registry().register_handle(handle, name, wanted, how, ec);
    return same(ec, "register_handle",
                [&] { registry().register_handle(handle, name, wanted, how); });
  }

  template <class Handle>
  error_code of_reregistering(Handle&& handle, interest wanted = interest::readable,
                              trigger how = trigger::edge) {
    error_code ec;
    registry().reregister_handle(handle, name, wanted, how, ec);
    return same(ec, "reregister_handle",
                [&] { registry().reregister_handle(handle, name, wanted, how); });
  }

  template <class Handle> error_code of_deregistering(Handle&& handle) {
    error_code ec;
    registry().deregister_handle(handle, ec);
    return same(ec, "deregister_handle", [&] { registry().deregister_handle(handle); });
  }

private:
  template <class Throwing>
  error_code same(error_code const& ec, std::string const& where, Throwing call) {
    BOOST_TEST((ec.category() == boost::system::system_category()));
    bool thrown = false;
    try {
      call();
    } catch (boost::system::system_error const& error) {
      thrown = true;
      BOOST_TEST(error.code() == ec);
      BOOST_TEST(std::string(error.what()).find(where) == 0u);
    }
    BOOST_TEST(thrown == static_cast<bool>(ec));
    check_that_the_poller_works();
    return ec;
  }

  void check_that_the_poller_works() {
    BOOST_TEST(poller_.poll(events_, no_time) == 0u);
    write_to(pipe_);
    BOOST_TEST(poller_.poll(events_, no_time) == 1u);
    BOOST_TEST(events_[0].token() == token(77));
    read_from(pipe_);
  }

  test::raw_pipe pipe_;
  mioext::poller poller_;
  mioext::events events_;
};

/// SIGALRM every millisecond, with a handler that does nothing and system calls that it interrupts.
/// As it comes again and again, none can be missed by coming before the call.
class repeated_alarm {
public:
  repeated_alarm() {
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    BOOST_REQUIRE(::sigaction(SIGALRM, &action, nullptr) == 0);
    start(1000);
  }
  ~repeated_alarm() {
    start(0);
    ::signal(SIGALRM, SIG_IGN); // valgrind may still have one, of which the program would die
  }

  repeated_alarm(repeated_alarm const&) = delete;
  repeated_alarm& operator=(repeated_alarm const&) = delete;

private:
  static void start(int microseconds) {
    itimerval timer = {};
    timer.it_interval.tv_usec = timer.it_value.tv_usec = microseconds;
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }
};

struct own_handle {
  int fd;
  int native_handle() const { return fd; }
};

struct own_mutable_handle {
  int fd;
  int& native_handle() { return fd; }
};

struct own_pointer_handle {
  void* native_handle() const { return nullptr; }
};

} // namespace

// Only has to compile: every overload, once.
namespace compile {

void every_overload_of_a_poller();

void every_overload_of_a_poller() {
  error_code ec;
  mioext::poller poller;
  mioext::poller poller2(ec);
  mioext::poller poller3(std::move(poller2));
  poller2 = std::move(poller3);
  poller2.swap(poller3);
  swap(poller2, poller3);
  mioext::events events(1);
  mioext::events events2(std::move(events));
  events = std::move(events2);
  events.swap(events2);
  swap(events, events2);
  std::size_t count = poller.poll(events);
  count = poller.poll(events, ec);
  count = poller.poll(events, no_time);
  count = poller.poll(events, no_time, ec);
  (void)count;
  mioext::registry registry = poller.registry();
  registry = poller.registry();
  registry.register_handle(0, name, interest::readable);
  registry.register_handle(0, name, interest::readable, ec);
  registry.register_handle(0, name, interest::readable, trigger::level);
  registry.register_handle(0, name, interest::readable, trigger::level, ec);
  registry.reregister_handle(0, name, interest::readable);
  registry.reregister_handle(0, name, interest::readable, ec);
  registry.reregister_handle(0, name, interest::readable, trigger::level);
  registry.reregister_handle(0, name, interest::readable, trigger::level, ec);
  registry.deregister_handle(0);
  registry.deregister_handle(0, ec);
}

} // namespace compile

BOOST_AUTO_TEST_SUITE(event_storage)

BOOST_AUTO_TEST_CASE(new_events_are_empty) {
  mioext::events const events(7);
  BOOST_TEST(events.capacity() == 7u);
  BOOST_TEST(events.size() == 0u);
  BOOST_TEST(events.empty());
  BOOST_TEST((events.begin() == events.end()));
}

BOOST_AUTO_TEST_CASE(a_capacity_of_zero_is_refused) {
  BOOST_CHECK_THROW(mioext::events(0), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(events_are_a_range_of_what_the_last_poll_returned) {
  mioext::poller poller;
  mioext::events events(8);
  test::raw_pipe pipes[3];
  for (std::size_t index = 0; index != 3; ++index) {
    poller.registry().register_handle(pipes[index].reader(), token(index), interest::readable,
                                      trigger::level);
    write_to(pipes[index]);
  }
  BOOST_TEST(poller.poll(events) == 3u);
  BOOST_TEST(events.size() == 3u);
  BOOST_TEST(!events.empty());
  BOOST_TEST(events.end() - events.begin() == 3);
  std::size_t sum = 0;
  for (mioext::event const& event : events) {
    sum += event.token().value();
  }
  BOOST_TEST(sum == 3u);
  BOOST_TEST(&events[2] == events.begin() + 2);
  BOOST_TEST(events.capacity() == 8u);

  events.clear();
  BOOST_TEST(events.empty());
  BOOST_TEST(events.capacity() == 8u);

  BOOST_TEST(poller.poll(events) == 3u);
  for (auto const& pipe : pipes) {
    read_from(pipe);
  }
  BOOST_TEST(poller.poll(events, no_time) == 0u);
  BOOST_TEST(events.empty());
}

BOOST_AUTO_TEST_CASE(moved_events_take_the_room_and_the_events_along) {
  static_assert(std::is_nothrow_move_constructible<mioext::events>::value, "");
  static_assert(std::is_nothrow_move_assignable<mioext::events>::value, "");
  static_assert(!std::is_copy_constructible<mioext::events>::value, "");
  mioext::poller poller;
  test::raw_pipe pipe;
  poller.registry().register_handle(pipe.reader(), name, interest::readable, trigger::level);
  write_to(pipe);
  mioext::events source(5);
  poller.poll(source);
  mioext::events target(std::move(source));
  BOOST_TEST(target.size() == 1u);
  BOOST_TEST(target.capacity() == 5u);
  BOOST_TEST(target[0].token() == name);

  BOOST_TEST(source.empty());
  BOOST_TEST(source.capacity() == 0u);
  BOOST_TEST((source.begin() == source.end()));
  error_code ec;
  BOOST_TEST(poller.poll(source, ec) == 0u);
  BOOST_TEST(ec == errc::invalid_argument);

  source = mioext::events(2);
  BOOST_TEST(poller.poll(source, ec) == 1u);
  BOOST_TEST(!ec);
  swap(source, target);
  BOOST_TEST(source.capacity() == 5u);
  BOOST_TEST(target.capacity() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(polling)

BOOST_AUTO_TEST_CASE(a_poller_is_move_only) {
  static_assert(!std::is_copy_constructible<mioext::poller>::value, "");
  static_assert(!std::is_copy_assignable<mioext::poller>::value, "");
  static_assert(std::is_nothrow_move_constructible<mioext::poller>::value, "");
  static_assert(std::is_nothrow_move_assignable<mioext::poller>::value, "");
  static_assert(std::is_nothrow_copy_constructible<mioext::registry>::value, "");
  static_assert(!std::is_default_constructible<mioext::registry>::value, "of which poller?");
  int number;
  {
    mioext::poller const poller;
    number = poller.native_handle();
    BOOST_TEST(test::is_descriptor(number));
  }
  BOOST_TEST(!test::is_descriptor(number));
}

BOOST_AUTO_TEST_CASE(its_descriptor_is_close_on_exec) {
  mioext::poller const poller;
  BOOST_TEST((::fcntl(poller.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
  error_code ec = old_error();
  mioext::poller const other(ec);
  BOOST_TEST(!ec);
  BOOST_TEST((::fcntl(other.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
}

// The form that throws is in detail_epoll_selector.cpp.
BOOST_AUTO_TEST_CASE(without_descriptors_left_there_is_no_poller) {
  std::size_t const before = test::open_descriptors();
  error_code ec;
  std::unique_ptr<mioext::poller> poller;
  {
    test::no_descriptors_left const none;
    poller.reset(new mioext::poller(ec));
  }
  BOOST_TEST(ec == errc::too_many_files_open);
  BOOST_TEST(test::open_descriptors() == before);

  mioext::events events(1);
  poller->poll(events, ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
  poller->registry().register_handle(0, name, interest::readable, ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
  *poller = mioext::poller();
  BOOST_TEST(poller->poll(events, no_time, ec) == 0u);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(success_clears_the_error_of_before) {
  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::events events(1);
  error_code ec = old_error();
  poller.registry().register_handle(pipe.reader(), name, interest::readable, ec);
  BOOST_TEST(!ec);
  ec = old_error();
  poller.registry().reregister_handle(pipe.reader(), name, interest::readable, ec);
  BOOST_TEST(!ec);
  ec = old_error();
  poller.registry().reregister_handle(pipe.reader(), name, interest::readable, trigger::level, ec);
  BOOST_TEST(!ec);
  ec = old_error();
  BOOST_TEST(poller.poll(events, no_time, ec) == 0u);
  BOOST_TEST(!ec);
  write_to(pipe);
  ec = old_error();
  BOOST_TEST(poller.poll(events, ec) == 1u);
  BOOST_TEST(!ec);
  ec = old_error();
  poller.registry().deregister_handle(pipe.reader(), ec);
  BOOST_TEST(!ec);
  ec = old_error();
  poller.registry().register_handle(pipe.reader(), name, interest::readable, trigger::level, ec);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(every_token_comes_back_as_it_was_given) {
  mioext::poller poller;
  mioext::events events(1);
  for (std::size_t number :
       {std::size_t(0), std::size_t(1), std::size_t(0xffffffffu),
        std::numeric_limits<std::size_t>::max() - 1, std::numeric_limits<std::size_t>::max()}) {
    test::raw_pipe pipe;
    poller.registry().register_handle(pipe.reader(), token(number), interest::readable);
    write_to(pipe);
    BOOST_REQUIRE(poller.poll(events, a_while) == 1u);
    BOOST_TEST(events[0].token() == token(number));
  }
}

BOOST_AUTO_TEST_CASE(two_handles_may_have_one_token) {
  test::raw_pipe first;
  test::raw_pipe second;
  mioext::poller poller;
  mioext::events events(4);
  poller.registry().register_handle(first.reader(), name, interest::readable);
  poller.registry().register_handle(second.reader(), name, interest::readable);
  write_to(first);
  write_to(second);
  BOOST_TEST(poller.poll(events, a_while) == 2u);
  BOOST_TEST(events[0].token() == name);
  BOOST_TEST(events[1].token() == name);
}

BOOST_AUTO_TEST_CASE(a_registry_names_its_pollers_descriptor) {
  mioext::poller poller;
  mioext::registry const copy = poller.registry();
  BOOST_TEST(copy.native_handle() == poller.native_handle());
  BOOST_TEST(copy.native_handle() >= 0);
  mioext::poller const moved(std::move(poller));
  BOOST_TEST(poller.registry().native_handle() == -1);
  BOOST_TEST(moved.registry().native_handle() == copy.native_handle());
}

BOOST_AUTO_TEST_CASE(a_registry_is_a_handle_that_another_poller_watches,
                     *test::needs_kernel("libkqueue's queues cannot be nested")) {
  mioext::poller inner;
  mioext::poller outer;
  mioext::events events(4);
  test::raw_pipe pipe;
  inner.registry().register_handle(pipe.reader(), token(1), interest::readable);
  outer.registry().register_handle(inner.registry(), token(2), interest::readable);
  BOOST_TEST(outer.poll(events, no_time) == 0u);
  write_to(pipe);
  BOOST_TEST(outer.poll(events, a_while) == 1u);
  BOOST_TEST(events[0].token() == token(2));
}

BOOST_AUTO_TEST_CASE(a_reregistration_replaces_token_interest_and_trigger) {
  boost::asio::io_context context;
  boost::asio::local::stream_protocol::socket near(context);
  boost::asio::local::stream_protocol::socket far(context);
  boost::asio::local::connect_pair(near, far);
  mioext::poller poller;
  mioext::events events(4);
  poller.registry().register_handle(near, token(1), interest::writable, trigger::level);
  BOOST_TEST(poller.poll(events, no_time) == 1u);
  BOOST_TEST(events[0].token() == token(1));
  poller.registry().reregister_handle(near, token(2), interest::readable);
  BOOST_TEST(poller.poll(events, no_time) == 0u);
  far.send(boost::asio::buffer("x", 1));
  BOOST_TEST(poller.poll(events, no_time) == 1u);
  BOOST_TEST(events[0].token() == token(2));
  BOOST_TEST(!events[0].is_writable());
  BOOST_TEST(poller.poll(events, no_time) == 0u);
}

BOOST_AUTO_TEST_CASE(a_deregistered_handle_is_not_reported) {
  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::events events(4);
  poller.registry().register_handle(pipe.reader(), name, interest::readable);
  write_to(pipe);
  poller.registry().deregister_handle(pipe.reader());
  BOOST_TEST(poller.poll(events, no_time) == 0u);
  poller.registry().register_handle(pipe.reader(), name, interest::readable);
  BOOST_TEST(poller.poll(events, no_time) == 1u);
}

BOOST_AUTO_TEST_CASE(closing_a_handle_deregisters_it) {
  mioext::poller poller;
  mioext::events events(4);
  test::raw_pipe pipe;
  int const number = pipe.reader();
  poller.registry().register_handle(number, name, interest::readable, trigger::level);
  write_to(pipe);
  pipe.close_reader();
  BOOST_TEST(poller.poll(events, no_time) == 0u);

  test::raw_pipe other;
  BOOST_REQUIRE_MESSAGE(other.reader() == number, "the lowest number is given first (POSIX)");
  write_to(other);
  BOOST_TEST(poller.poll(events, no_time) == 0u);
  error_code ec;
  poller.registry().deregister_handle(number, ec);
  BOOST_TEST(ec == errc::no_such_file_or_directory);
}

// The reason for the advice to deregister first.
BOOST_AUTO_TEST_CASE(closing_a_handle_that_was_duplicated_does_not_deregister_it) {
  mioext::poller poller;
  mioext::events events(4);
  test::raw_pipe pipe;
  mioext::detail::file_descriptor const duplicate(::dup(pipe.reader()));
  poller.registry().register_handle(pipe.reader(), name, interest::readable, trigger::level);
  pipe.close_reader();
  write_to(pipe);
  BOOST_TEST(poller.poll(events, no_time) == 1u);
}

BOOST_AUTO_TEST_CASE(a_poller_leaves_its_handles_as_they_are) {
  test::raw_pipe pipe;
  int const status = ::fcntl(pipe.reader(), F_GETFL);
  int const flags = ::fcntl(pipe.reader(), F_GETFD);
  {
    mioext::poller poller;
    poller.registry().register_handle(pipe.reader(), name, interest::readable);
  }
  BOOST_TEST(test::is_descriptor(pipe.reader()));
  BOOST_TEST(::fcntl(pipe.reader(), F_GETFL) == status);
  BOOST_TEST(::fcntl(pipe.reader(), F_GETFD) == flags);
}

BOOST_AUTO_TEST_CASE(one_handle_can_be_watched_by_several_pollers) {
  test::raw_pipe pipe;
  mioext::poller first;
  mioext::poller second;
  mioext::events events(4);
  first.registry().register_handle(pipe.reader(), token(1), interest::readable);
  second.registry().register_handle(pipe.reader(), token(2), interest::readable);
  write_to(pipe);
  BOOST_TEST(first.poll(events, no_time) == 1u);
  BOOST_TEST(events[0].token() == token(1));
  BOOST_TEST(second.poll(events, no_time) == 1u);
  BOOST_TEST(events[0].token() == token(2));
}

BOOST_AUTO_TEST_CASE(more_ready_handles_than_room_lose_nothing) {
  for (std::size_t capacity : {std::size_t(1), std::size_t(7), std::size_t(50)}) {
    BOOST_TEST_CONTEXT("capacity " << capacity) {
      mioext::poller poller;
      mioext::events events(capacity);
      std::vector<std::unique_ptr<test::raw_pipe>> pipes;
      for (std::size_t index = 0; index != 50; ++index) {
        pipes.emplace_back(new test::raw_pipe);
        poller.registry().register_handle(pipes.back()->reader(), token(index), interest::readable);
        write_to(*pipes.back());
      }
      std::vector<int> seen(pipes.size());
      for (std::size_t left = pipes.size(); left != 0;) {
        std::size_t const count = poller.poll(events, no_time);
        BOOST_REQUIRE(count == std::min(left, capacity));
        left -= count;
        for (mioext::event const& event : events) {
          ++seen.at(event.token().value());
        }
      }
      BOOST_TEST(poller.poll(events, no_time) == 0u);
      BOOST_TEST(seen == std::vector<int>(pipes.size(), 1), boost::test_tools::per_element());
    }
  }
}

BOOST_AUTO_TEST_CASE(with_little_room_no_level_triggered_handle_starves) {
  mioext::poller poller;
  mioext::events events(1);
  test::raw_pipe pipes[5];
  for (std::size_t index = 0; index != 5; ++index) {
    poller.registry().register_handle(pipes[index].reader(), token(index), interest::readable,
                                      trigger::level);
    write_to(pipes[index]);
  }
  std::vector<int> seen(5);
  for (int turn = 0; turn != 10; ++turn) {
    BOOST_REQUIRE(poller.poll(events, no_time) == 1u);
    ++seen.at(events[0].token().value());
  }
  BOOST_TEST(seen == std::vector<int>(5, 2), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(
    a_poller_can_be_watched_by_another,
    *test::needs_kernel("libkqueue's queue is a pipe's writing end, which nobody can wait for")) {
  test::raw_pipe pipe;
  mioext::poller inner;
  mioext::poller outer;
  mioext::events events(4);
  inner.registry().register_handle(pipe.reader(), token(1), interest::readable, trigger::level);
  outer.registry().register_handle(inner, token(2), interest::readable, trigger::level);
  BOOST_TEST(outer.poll(events, no_time) == 0u);
  write_to(pipe);
  BOOST_TEST(outer.poll(events, no_time) == 1u);
  BOOST_TEST(events[0].token() == token(2));
  BOOST_TEST(events[0].is_readable());
  BOOST_TEST(inner.poll(events, no_time) == 1u);
  BOOST_TEST(events[0].token() == token(1));
  read_from(pipe);
  BOOST_TEST(outer.poll(events, no_time) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(kinds_of_handle)

BOOST_AUTO_TEST_CASE(anything_with_a_descriptor_is_a_handle) {
  boost::asio::io_context context;
  boost::asio::local::stream_protocol::socket near(context);
  boost::asio::local::stream_protocol::socket far(context);
  boost::asio::local::connect_pair(near, far);
  test::raw_pipe pipe;
  boost::asio::posix::stream_descriptor descriptor(context, ::dup(pipe.writer()));
  auto ends = mioext::pipe();
  mioext::poller poller;
  mioext::events events(8);
  mioext::registry const& registry = poller.registry();

  int const constant = far.native_handle();
  own_handle const own = {::dup(pipe.writer())};
  mioext::detail::file_descriptor const owner(own.fd);
  int number = pipe.writer();
  registry.register_handle(near, token(0), interest::writable);
  registry.register_handle(descriptor, token(1), interest::writable);
  registry.register_handle(constant, token(2), interest::writable);
  registry.register_handle(number, token(3), interest::writable);
  registry.register_handle(own, token(4), interest::writable);
  registry.register_handle(ends.second, token(5), interest::writable);
  BOOST_TEST(poller.poll(events, no_time) == 6u);

  registry.reregister_handle(near, token(10), interest::writable);
  registry.reregister_handle(descriptor, token(11), interest::writable);
  registry.reregister_handle(constant, token(12), interest::writable);
  registry.reregister_handle(pipe.writer(), token(13), interest::writable);
  registry.reregister_handle(own_mutable_handle{own.fd}, token(14), interest::writable);
  registry.reregister_handle(ends.second.native_handle(), token(15), interest::writable);
  BOOST_TEST(poller.poll(events, no_time) == 6u);

  registry.deregister_handle(near);
  registry.deregister_handle(descriptor);
  registry.deregister_handle(constant);
  registry.deregister_handle(static_cast<int&&>(number));
  registry.deregister_handle(own_handle{own.fd});
  registry.deregister_handle(ends.second);
  BOOST_TEST(poller.poll(events, no_time) == 0u);
}

// What the compiler says of the others is the text of MIOEXT_DETAIL_CHECK_HANDLE.
BOOST_AUTO_TEST_CASE(anything_else_is_none) {
  using mioext::detail::is_handle;
  static_assert(is_handle<int>::value && is_handle<int const&>::value, "");
  static_assert(is_handle<boost::asio::ip::udp::socket&>::value, "");
  static_assert(is_handle<boost::asio::posix::stream_descriptor>::value, "");
  static_assert(is_handle<mioext::pipe_reader const&>::value, "");
  static_assert(is_handle<own_handle const>::value, "");
  static_assert(is_handle<own_mutable_handle>::value, "");
  static_assert(is_handle<mioext::poller&>::value, "");
  static_assert(!is_handle<own_mutable_handle const&>::value, "its native_handle() is not const");
  static_assert(!is_handle<own_pointer_handle>::value, "");
  static_assert(!is_handle<bool>::value && !is_handle<bool&>::value, "");
  static_assert(!is_handle<char>::value && !is_handle<unsigned>::value, "");
  static_assert(!is_handle<long>::value && !is_handle<std::size_t>::value, "");
  static_assert(!is_handle<double>::value, "");
  static_assert(!is_handle<token&>::value, "");
  static_assert(!is_handle<std::string>::value, "");
  static_assert(!is_handle<int*>::value, "");
  static_assert(!is_handle<std::FILE*>::value, "");
  static_assert(!is_handle<std::thread&>::value,
                "its native_handle() is a number and no descriptor");
  BOOST_TEST(mioext::detail::native_handle(7) == 7);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(refused)

BOOST_AUTO_TEST_CASE(a_second_registration_is_refused_with_file_exists) {
  refusals refused;
  test::raw_pipe pipe;
  refused.registry().register_handle(pipe.reader(), name, interest::readable);
  BOOST_TEST(refused.of_registering(pipe.reader()) == errc::file_exists);
  BOOST_TEST(refused.of_registering(own_handle{pipe.reader()}) == errc::file_exists);
}

BOOST_AUTO_TEST_CASE(an_unknown_handle_is_refused_with_no_such_file_or_directory) {
  refusals refused;
  test::raw_pipe pipe;
  BOOST_TEST(refused.of_reregistering(pipe.reader()) == errc::no_such_file_or_directory);
  BOOST_TEST(refused.of_deregistering(pipe.reader()) == errc::no_such_file_or_directory);
  refused.registry().register_handle(pipe.reader(), name, interest::readable);
  refused.registry().deregister_handle(pipe.reader());
  BOOST_TEST(refused.of_reregistering(pipe.reader()) == errc::no_such_file_or_directory);
  BOOST_TEST(refused.of_deregistering(pipe.reader()) == errc::no_such_file_or_directory);
}

BOOST_AUTO_TEST_CASE(a_regular_file_is_refused_with_operation_not_permitted) {
  refusals refused;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::tmpfile(), &std::fclose);
  BOOST_REQUIRE(file != nullptr);
  int const fd = ::fileno(file.get());
  BOOST_TEST(refused.of_registering(fd) == errc::operation_not_permitted);
  BOOST_TEST(refused.of_reregistering(fd) == errc::operation_not_permitted);
  BOOST_TEST(refused.of_deregistering(fd) == errc::operation_not_permitted);
}

BOOST_AUTO_TEST_CASE(a_directory_is_refused_with_operation_not_permitted) {
  refusals refused;
  mioext::detail::file_descriptor const directory(::open("/", O_RDONLY | O_DIRECTORY));
  BOOST_REQUIRE(directory.get() >= 0);
  BOOST_TEST(refused.of_registering(directory.get()) == errc::operation_not_permitted);
}

BOOST_AUTO_TEST_CASE(a_closed_descriptor_is_refused_with_bad_file_descriptor) {
  refusals refused;
  int const fd = closed_descriptor();
  BOOST_TEST(refused.of_registering(fd) == errc::bad_file_descriptor);
  BOOST_TEST(refused.of_reregistering(fd) == errc::bad_file_descriptor);
  BOOST_TEST(refused.of_deregistering(fd) == errc::bad_file_descriptor);
}

BOOST_AUTO_TEST_CASE(a_negative_descriptor_is_refused_with_bad_file_descriptor) {
  refusals refused;
  for (int fd : {-1, -2, std::numeric_limits<int>::min()}) {
    BOOST_TEST(refused.of_registering(fd) == errc::bad_file_descriptor);
    BOOST_TEST(refused.of_reregistering(fd) == errc::bad_file_descriptor);
    BOOST_TEST(refused.of_deregistering(fd) == errc::bad_file_descriptor);
  }
  mioext::pipe_reader const closed;
  BOOST_TEST(refused.of_registering(closed) == errc::bad_file_descriptor);
}

BOOST_AUTO_TEST_CASE(the_poller_itself_is_refused_with_invalid_argument,
                     *test::needs_epoll("kqueues may watch one another in any way")) {
  refusals refused;
  BOOST_TEST(refused.of_registering(refused.poller()) == errc::invalid_argument);
}

BOOST_AUTO_TEST_CASE(a_circle_of_pollers_is_refused_with_too_many_symbolic_link_levels,
                     *test::needs_epoll("kqueues may watch one another in any way")) {
  refusals refused;
  mioext::poller other;
  refused.registry().register_handle(other, name, interest::readable);
  error_code ec;
  other.registry().register_handle(refused.poller(), name, interest::readable, ec);
  BOOST_TEST(ec == errc::too_many_symbolic_link_levels);
  BOOST_TEST(refused.of_registering(other) == errc::file_exists);
}

BOOST_AUTO_TEST_CASE(a_long_chain_of_pollers_is_refused_with_too_many_symbolic_link_levels,
                     *test::needs_epoll("kqueues may watch one another in any way")) {
  std::list<mioext::poller> chain(1);
  error_code ec;
  for (;;) {
    mioext::poller outer;
    outer.registry().register_handle(chain.back(), name, interest::readable, ec);
    if (ec || chain.size() == 10) {
      break;
    }
    chain.push_back(std::move(outer));
  }
  BOOST_TEST(chain.size() == 5u);
  BOOST_TEST(ec == errc::too_many_symbolic_link_levels);
}

BOOST_AUTO_TEST_CASE(no_interest_is_refused_with_invalid_argument) {
  refusals refused;
  test::raw_pipe pipe;
  BOOST_TEST(refused.of_registering(pipe.reader(), interest::none) == errc::invalid_argument);
  refused.registry().register_handle(pipe.reader(), name, interest::readable);
  BOOST_TEST(refused.of_reregistering(pipe.reader(), interest::none) == errc::invalid_argument);
}

BOOST_AUTO_TEST_CASE(edge_with_level_is_refused_with_invalid_argument) {
  refusals refused;
  test::raw_pipe pipe;
  trigger const both = trigger::edge | trigger::level;
  for (trigger how : {both, both | trigger::oneshot, both | trigger::exclusive}) {
    BOOST_TEST(refused.of_registering(pipe.reader(), interest::readable, how) ==
               errc::invalid_argument);
  }
  refused.registry().register_handle(pipe.reader(), name, interest::readable);
  BOOST_TEST(refused.of_reregistering(pipe.reader(), interest::readable, both) ==
             errc::invalid_argument);
}

BOOST_AUTO_TEST_CASE(exclusive_with_what_it_excludes_is_refused_with_invalid_argument,
                     *test::needs_epoll("kqueue has no exclusive")) {
  refusals refused;
  test::raw_pipe pipe;
  BOOST_TEST(refused.of_registering(pipe.reader(), interest::readable,
                                    trigger::exclusive | trigger::oneshot) ==
             errc::invalid_argument);
  BOOST_TEST(refused.of_registering(pipe.reader(), interest::readable | interest::priority,
                                    trigger::exclusive) == errc::invalid_argument);
  mioext::poller other;
  BOOST_TEST(refused.of_registering(other, interest::readable, trigger::exclusive) ==
             errc::invalid_argument);
  BOOST_TEST(refused.of_deregistering(pipe.reader()) == errc::no_such_file_or_directory);
}

// Seen by what is said of a descriptor for which the system has an error of its own.
BOOST_AUTO_TEST_CASE(what_cannot_be_is_refused_before_the_system_is_asked) {
  refusals refused;
  struct {
    interest wanted;
    trigger how;
  } const impossible[] = {{interest::none, trigger::edge},
                          {interest::readable, trigger::edge | trigger::level},
                          {interest::readable, trigger::exclusive | trigger::oneshot},
                          {interest::priority, trigger::exclusive}};
  for (auto const& each : impossible) {
    BOOST_TEST(refused.of_registering(-1, each.wanted, each.how) == errc::invalid_argument);
    BOOST_TEST(refused.of_reregistering(-1, each.wanted, each.how) == errc::invalid_argument);
  }
  BOOST_TEST(refused.of_reregistering(-1, interest::readable, trigger::exclusive) ==
             errc::invalid_argument);
}

BOOST_AUTO_TEST_CASE(exclusive_in_or_after_a_reregistration_is_refused_with_invalid_argument,
                     *test::needs_epoll("kqueue has no exclusive")) {
  refusals refused;
  test::raw_pipe shared;
  refused.registry().register_handle(shared.reader(), name, interest::readable);
  BOOST_TEST(refused.of_reregistering(shared.reader(), interest::readable, trigger::exclusive) ==
             errc::invalid_argument);
  refused.registry().deregister_handle(shared.reader());
  refused.registry().register_handle(shared.reader(), name, interest::readable, trigger::exclusive);
  BOOST_TEST(refused.of_reregistering(shared.reader()) == errc::invalid_argument);
  BOOST_TEST(refused.of_reregistering(shared.reader(), interest::readable, trigger::exclusive) ==
             errc::invalid_argument);

  // And it is registered as before.
  BOOST_TEST(refused.of_registering(shared.reader()) == errc::file_exists);
  mioext::events events(4);
  write_to(shared);
  BOOST_TEST(refused.poller().poll(events, no_time) == 1u);
  BOOST_TEST(events[0].token() == name);
}

BOOST_AUTO_TEST_CASE(a_refused_reregistration_changes_nothing) {
  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::events events(4);
  poller.registry().register_handle(pipe.reader(), token(1), interest::readable);
  error_code ec;
  poller.registry().reregister_handle(pipe.reader(), token(2), interest::none, ec);
  BOOST_TEST(ec == errc::invalid_argument);
  write_to(pipe);
  BOOST_TEST(poller.poll(events, no_time) == 1u);
  BOOST_TEST(events[0].token() == token(1));
  BOOST_TEST(poller.poll(events, no_time) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(time_limits)

template <class Duration> void check_that_it_is_not_early(Duration timeout) {
  using clock = std::chrono::steady_clock;
  mioext::poller poller;
  mioext::events events(1);
  error_code ec = old_error();
  auto start = clock::now();
  BOOST_TEST(poller.poll(events, timeout, ec) == 0u);
  bool in_time = clock::now() - start >= timeout;
  BOOST_TEST(in_time);
  BOOST_TEST(!ec);
  BOOST_TEST(events.empty());
  start = clock::now();
  BOOST_TEST(poller.poll(events, timeout) == 0u);
  in_time = clock::now() - start >= timeout;
  BOOST_TEST(in_time);
}

BOOST_AUTO_TEST_CASE(a_poll_is_never_early) {
  using std::chrono::duration;
  for (int turn = 0; turn != 5; ++turn) {
    check_that_it_is_not_early(std::chrono::nanoseconds(1));
    check_that_it_is_not_early(std::chrono::nanoseconds(1000001));
    check_that_it_is_not_early(std::chrono::microseconds(1));
    check_that_it_is_not_early(std::chrono::microseconds(999));
    check_that_it_is_not_early(std::chrono::microseconds(1500));
    check_that_it_is_not_early(std::chrono::milliseconds(1));
    check_that_it_is_not_early(std::chrono::milliseconds(5));
    check_that_it_is_not_early(duration<double>(0.0021));
    check_that_it_is_not_early(duration<float, std::milli>(1.1f));
    check_that_it_is_not_early(duration<int, std::ratio<1, 300>>(1));
  }
}

BOOST_AUTO_TEST_CASE(zero_and_less_only_look) {
  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::events events(1);
  poller.registry().register_handle(pipe.reader(), name, interest::readable, trigger::level);
  for (std::size_t ready : {std::size_t(0), std::size_t(1)}) {
    BOOST_TEST(poller.poll(events, std::chrono::nanoseconds(0)) == ready);
    BOOST_TEST(poller.poll(events, std::chrono::nanoseconds(-1)) == ready);
    BOOST_TEST(poller.poll(events, std::chrono::milliseconds(-1)) == ready);
    BOOST_TEST(poller.poll(events, std::chrono::nanoseconds::min()) == ready);
    BOOST_TEST(poller.poll(events, std::chrono::hours::min()) == ready);
    BOOST_TEST(poller.poll(events, std::chrono::duration<double>(-1e300)) == ready);
    error_code ec = old_error();
    BOOST_TEST(poller.poll(events, std::chrono::seconds(-1), ec) == ready);
    BOOST_TEST(!ec);
    if (ready == 0) {
      write_to(pipe);
    }
  }
}

/// A poll that overflowed would be over at once, without an error.
template <class Duration> void check_that_it_waits(Duration timeout) {
  mioext::poller poller;
  mioext::events events(1);
  error_code ec;
  {
    repeated_alarm const alarm;
    BOOST_TEST(poller.poll(events, timeout, ec) == 0u);
  }
  BOOST_TEST(ec == errc::interrupted);

  test::raw_pipe pipe;
  poller.registry().register_handle(pipe.reader(), name, interest::readable);
  write_to(pipe);
  BOOST_TEST(poller.poll(events, timeout, ec) == 1u);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(no_length_overflows) {
  using std::chrono::duration;
  check_that_it_waits(std::chrono::hours::max());
  check_that_it_waits(std::chrono::nanoseconds::max());
  check_that_it_waits(std::chrono::nanoseconds::max() - std::chrono::nanoseconds(1));
  check_that_it_waits(std::chrono::milliseconds::max());
  check_that_it_waits(std::chrono::milliseconds(std::numeric_limits<int>::max()));
  check_that_it_waits(std::chrono::milliseconds(std::int64_t(1) << 31));
  check_that_it_waits(std::chrono::milliseconds(std::int64_t(1) << 32));
  check_that_it_waits(std::chrono::hours(24 * 25));
  check_that_it_waits(duration<int, std::ratio<31556952>>(100));
  check_that_it_waits(duration<double>(std::numeric_limits<double>::infinity()));
  check_that_it_waits(duration<double>::max());
  check_that_it_waits(duration<float>(1e10f));
}

BOOST_AUTO_TEST_CASE(an_event_ends_a_long_poll) {
  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::events events(1);
  poller.registry().register_handle(pipe.reader(), name, interest::readable);
  ssize_t written = 0;
  std::thread writer([&] { written = ::write(pipe.writer(), "x", 1); });
  std::size_t const count = poller.poll(events, std::chrono::hours::max());
  writer.join(); // before any check, for Boost.Test is not thread-safe
  BOOST_TEST(written == 1);
  BOOST_TEST(count == 1u);
  BOOST_TEST(events[0].token() == name);
}

BOOST_AUTO_TEST_CASE(a_signal_ends_a_poll_with_interrupted) {
  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::events events(1);
  poller.registry().register_handle(pipe.reader(), name, interest::readable);
  error_code ec;
  {
    repeated_alarm const alarm;
    poller.poll(events, ec);
    BOOST_TEST(ec == errc::interrupted);
    ec.clear();
    poller.poll(events, a_while, ec);
    BOOST_TEST(ec == errc::interrupted);
    BOOST_TEST(test::error_of([&] { poller.poll(events); }) == errc::interrupted);
    BOOST_TEST(test::error_of([&] { poller.poll(events, a_while); }) == errc::interrupted);
    BOOST_TEST(test::error_of([&] { poller.poll(events, std::chrono::hours::max()); }) ==
               errc::interrupted);
  }
  write_to(pipe);
  BOOST_TEST(poller.poll(events, ec) == 1u);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(a_poll_that_fails_leaves_no_events) {
  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::events events(1);
  poller.registry().register_handle(pipe.reader(), name, interest::readable);
  for (bool throwing : {false, true}) {
    write_to(pipe);
    BOOST_TEST(poller.poll(events) == 1u);
    repeated_alarm const alarm;
    if (throwing) {
      BOOST_TEST(test::error_of([&] { poller.poll(events); }) == errc::interrupted);
    } else {
      error_code ec;
      BOOST_TEST(poller.poll(events, ec) == 0u);
      BOOST_TEST(ec == errc::interrupted);
    }
    BOOST_TEST(events.empty());
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(ownership)

BOOST_AUTO_TEST_CASE(a_moved_poller_takes_its_registrations_along) {
  test::raw_pipe pipe;
  mioext::poller source;
  mioext::events events(4);
  source.registry().register_handle(pipe.reader(), name, interest::readable, trigger::level);
  int const number = source.native_handle();
  write_to(pipe);

  mioext::poller constructed(std::move(source));
  BOOST_TEST(constructed.native_handle() == number);
  BOOST_TEST(constructed.poll(events) == 1u);

  mioext::poller assigned;
  int const given_up = assigned.native_handle();
  assigned = std::move(constructed);
  BOOST_TEST(assigned.native_handle() == number);
  BOOST_TEST(!test::is_descriptor(given_up));
  BOOST_TEST(assigned.poll(events) == 1u);

  mioext::poller& itself = assigned;
  assigned = std::move(itself);
  BOOST_TEST(assigned.poll(events) == 1u);
}

BOOST_AUTO_TEST_CASE(a_moved_from_poller_answers_bad_file_descriptor) {
  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::poller const taken(std::move(poller));
  mioext::events events(4);
  BOOST_TEST(poller.native_handle() == -1);
  error_code ec;
  BOOST_TEST(poller.poll(events, ec) == 0u);
  BOOST_TEST(ec == errc::bad_file_descriptor);
  ec.clear();
  poller.poll(events, a_while, ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
  BOOST_TEST(test::error_of([&] { poller.poll(events); }) == errc::bad_file_descriptor);
  BOOST_TEST(test::error_of([&] { poller.poll(events, std::chrono::hours::max()); }) ==
             errc::bad_file_descriptor);
  mioext::registry const registry = poller.registry();
  BOOST_TEST(test::error_of([&] {
               registry.register_handle(pipe.reader(), name, interest::readable);
             }) == errc::bad_file_descriptor);
  BOOST_TEST(test::error_of([&] {
               registry.reregister_handle(pipe.reader(), name, interest::readable);
             }) == errc::bad_file_descriptor);
  BOOST_TEST(test::error_of([&] { registry.deregister_handle(pipe.reader()); }) ==
             errc::bad_file_descriptor);

  poller = mioext::poller();
  poller.registry().register_handle(pipe.reader(), name, interest::readable);
  write_to(pipe);
  BOOST_TEST(poller.poll(events, a_while) == 1u);
}

BOOST_AUTO_TEST_CASE(swapped_pollers_exchange_their_registrations) {
  test::raw_pipe pipe;
  mioext::poller left;
  mioext::poller right;
  mioext::events events(4);
  left.registry().register_handle(pipe.reader(), name, interest::readable, trigger::level);
  write_to(pipe);
  left.swap(right);
  BOOST_TEST(left.poll(events, no_time) == 0u);
  BOOST_TEST(right.poll(events, no_time) == 1u);
  swap(left, right);
  BOOST_TEST(left.poll(events, no_time) == 1u);
  BOOST_TEST(right.poll(events, no_time) == 0u);
}

BOOST_AUTO_TEST_CASE(
    a_registry_outlives_its_poller,
    *test::needs_kernel("libkqueue closes its descriptors later, in a thread of its own")) {
  test::raw_pipe pipe;
  std::size_t const before = test::open_descriptors();
  {
    std::unique_ptr<mioext::poller> poller(new mioext::poller);
    mioext::registry const registry = poller->registry();
    poller.reset();
    registry.register_handle(pipe.reader(), name, interest::readable);
    registry.reregister_handle(pipe.reader(), name, interest::readable);
    registry.deregister_handle(pipe.reader());
  }
  BOOST_TEST(test::open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(a_registry_that_was_moved_from_still_refers_to_its_poller) {
  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::registry source = poller.registry();
  mioext::registry const target(std::move(source));
  source.register_handle(pipe.reader(), name, interest::readable);
  target.deregister_handle(pipe.reader());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(threads)

BOOST_AUTO_TEST_CASE(a_registry_can_be_used_while_another_thread_polls) {
  int const rounds = 500;
  mioext::poller poller;
  mioext::events events(4);
  std::atomic<int> seen(0);
  std::thread registrar(
      [&](mioext::registry registry) {
        for (int round = 0; round != rounds; ++round) {
          auto ends = mioext::pipe();
          registry.register_handle(ends.first, token(1), interest::readable, trigger::oneshot);
          registry.reregister_handle(ends.first, token(2), interest::readable, trigger::oneshot);
          ends.second.write_some(boost::asio::buffer("x", 1));
          while (seen <= round) {
            std::this_thread::yield();
          }
          if (round % 2 == 0) {
            registry.deregister_handle(ends.first);
          }
        }
      },
      poller.registry());
  for (int round = 0; round != rounds; ++round) {
    if (poller.poll(events, a_while) != 1 || events[0].token() != token(2)) {
      BOOST_ERROR("what was registered is not reported");
      seen = rounds;
      break;
    }
    ++seen;
  }
  registrar.join();
  BOOST_TEST(seen == rounds);
}

BOOST_AUTO_TEST_CASE(each_event_goes_to_one_of_the_threads_that_poll) {
  mioext::poller poller;
  std::vector<std::unique_ptr<test::raw_pipe>> pipes;
  for (std::size_t index = 0; index != 100; ++index) {
    pipes.emplace_back(new test::raw_pipe);
    poller.registry().register_handle(pipes.back()->reader(), token(index), interest::readable);
    write_to(*pipes.back());
  }
  std::vector<std::atomic<int>> seen(pipes.size());
  for (auto& count : seen) {
    count = 0;
  }
  std::vector<std::thread> threads;
  for (int index = 0; index != 4; ++index) {
    threads.emplace_back([&] {
      mioext::events events(3);
      while (poller.poll(events, no_time) != 0) {
        for (mioext::event const& event : events) {
          ++seen[event.token().value()];
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (auto const& count : seen) {
    BOOST_TEST(count == 1);
  }
}

BOOST_AUTO_TEST_SUITE_END()
