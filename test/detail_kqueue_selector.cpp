//
// test/detail_kqueue_selector.cpp
// -------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What only kqueue can show: what it is asked, user data and flags, the two filters of a
// descriptor, and which of its answers are errors.
//

#include <mioext/detail/polling/selector.hpp>

#ifdef MIOEXT_USE_KQUEUE

#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/event.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mioext/poller.hpp>

#include "handles.hpp"

using mioext::interest;
using mioext::trigger;
using mioext::detail::kqueue_selector;
using mioext::detail::kqueue_waker;

namespace {

using native_event = kqueue_selector::native_event;

constexpr std::chrono::nanoseconds at_once(0);

native_event event_of(int filter, int flags = 0, unsigned filter_flags = 0,
                      kqueue_selector::user_data data = 0) {
  return mioext::detail::kernel_queue_changes::make(3, filter, flags, data, filter_flags);
}

struct sockets {
  sockets() {
    int fds[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    near.reset(fds[0]);
    far.reset(fds[1]);
  }

  void send() const { BOOST_REQUIRE(::write(far.get(), "x", 1) == 1); }

  mioext::detail::file_descriptor near;
  mioext::detail::file_descriptor far;
};

struct opened {
  opened() { BOOST_REQUIRE(selector.open() == 0); }

  /// What is reported at once: the filters, in the order of their events.
  std::vector<int> filters() {
    native_event events[8];
    int const count = selector.wait(events, 8, at_once);
    BOOST_REQUIRE(count >= 0);
    std::vector<int> result;
    for (int index = 0; index != count; ++index) {
      result.push_back(static_cast<int>(events[index].filter));
    }
    return result;
  }

  kqueue_selector selector;
};

std::vector<int> const none;
std::vector<int> const reading{EVFILT_READ};
std::vector<int> const writing{EVFILT_WRITE};
std::vector<int> const both{EVFILT_READ, EVFILT_WRITE};

} // namespace

BOOST_AUTO_TEST_SUITE(kqueue_selectors)

BOOST_AUTO_TEST_CASE(user_data_comes_back) {
  using selector = kqueue_selector;
  auto const with = [](selector::user_data data) { return event_of(EVFILT_READ, 0, 0, data); };
  for (std::size_t number : {std::size_t(0), std::numeric_limits<std::size_t>::max()}) {
    BOOST_TEST(selector::token(with(selector::token_data(number))) == number);
  }
  for (int fd : {0, 1, INT_MAX}) {
    for (std::uint32_t tag : {0u, 1u, 0x7fffffffu}) {
      native_event event = with(selector::tag_data(fd, tag));
      event.ident = static_cast<std::uintptr_t>(fd);
      BOOST_TEST(selector::descriptor(event) == static_cast<std::uint32_t>(fd));
      BOOST_TEST(selector::tag(event) == tag);
    }
  }
  native_event const event = with(selector::internal_data(7));
  BOOST_TEST(selector::descriptor(event) > static_cast<std::uint32_t>(INT_MAX));
  BOOST_TEST(selector::tag(event) == 7u);
}

BOOST_AUTO_TEST_CASE(an_event_concerns_reading_or_writing) {
  using selector = kqueue_selector;
  for (int flags : {0, EV_EOF}) {
    native_event const read = event_of(EVFILT_READ, flags);
    BOOST_TEST(selector::is_readable(read));
    BOOST_TEST(!selector::is_writable(read));
    BOOST_TEST(selector::concerns_reading(read));
    BOOST_TEST(!selector::concerns_writing(read));
    BOOST_TEST(selector::is_read_closed(read) == (flags != 0));
    BOOST_TEST(!selector::is_write_closed(read));
    native_event const write = event_of(EVFILT_WRITE, flags);
    BOOST_TEST(!selector::is_readable(write));
    BOOST_TEST(selector::is_writable(write));
    BOOST_TEST(!selector::concerns_reading(write));
    BOOST_TEST(selector::concerns_writing(write));
    BOOST_TEST(!selector::is_read_closed(write));
    BOOST_TEST(selector::is_write_closed(write) == (flags != 0));
  }
  native_event const woken = event_of(EVFILT_USER);
  BOOST_TEST(selector::is_readable(woken));
  BOOST_TEST(!selector::is_writable(woken));
}

BOOST_AUTO_TEST_CASE(an_error_comes_with_the_end) {
  using selector = kqueue_selector;
  for (int filter : {EVFILT_READ, EVFILT_WRITE}) {
    BOOST_TEST(selector::is_error(event_of(filter, EV_EOF, ECONNRESET)));
    BOOST_TEST(!selector::is_error(event_of(filter, EV_EOF)));
    BOOST_TEST(!selector::is_error(event_of(filter)));
    BOOST_TEST(selector::error(event_of(filter, EV_EOF, ECONNRESET)) == ECONNRESET);
    BOOST_TEST(selector::error(event_of(filter, EV_EOF)) == 0);
    BOOST_TEST(selector::error(event_of(filter)) == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_hint_follows_from_the_flags) {
  using mioext::read_hint;
  using selector = kqueue_selector;
  BOOST_TEST(selector::hint(event_of(EVFILT_READ)) == read_hint::data);
  BOOST_TEST(selector::hint(event_of(EVFILT_READ, EV_EOF)) == read_hint::hup);
  BOOST_TEST(selector::hint(event_of(EVFILT_READ, EV_EOF, EPIPE)) == read_hint::error);
  BOOST_TEST(selector::hint(event_of(EVFILT_WRITE)) == read_hint::unknown);
}

BOOST_AUTO_TEST_CASE(a_write_is_failing_at_an_end) {
  using mioext::write_hint;
  using selector = kqueue_selector;
  BOOST_TEST(selector::is_only_writable(event_of(EVFILT_WRITE)));
  BOOST_TEST(!selector::is_only_writable(event_of(EVFILT_WRITE, EV_EOF)));
  BOOST_TEST(!selector::is_only_writable(event_of(EVFILT_READ)));
  BOOST_TEST((selector::failing_write_hint(event_of(EVFILT_WRITE, EV_EOF)) == write_hint::hup));
  BOOST_TEST(
      (selector::failing_write_hint(event_of(EVFILT_WRITE, EV_EOF, EPIPE)) == write_hint::error));
}

BOOST_AUTO_TEST_CASE(each_interest_is_a_filter) {
  opened test;
  sockets pair;
  pair.send();
  BOOST_REQUIRE(test.selector.add(pair.near.get(), interest::readable, trigger::level, 1) == 0);
  BOOST_TEST(test.filters() == reading, boost::test_tools::per_element());
  BOOST_REQUIRE(test.selector.modify(pair.near.get(), interest::writable, trigger::level, 1) == 0);
  BOOST_TEST(test.filters() == writing, boost::test_tools::per_element());
  BOOST_REQUIRE(test.selector.modify(pair.near.get(), interest::readable | interest::writable,
                                     trigger::level, 1) == 0);
  BOOST_TEST(test.filters() == both, boost::test_tools::per_element());
  BOOST_REQUIRE(test.selector.remove(pair.near.get()) == 0);
  BOOST_TEST(test.filters() == none, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_trigger_can_be_changed) {
  opened test;
  sockets pair;
  pair.send();
  int const fd = pair.near.get();
  BOOST_REQUIRE(test.selector.add(fd, interest::readable, trigger::edge, 1) == 0);
  BOOST_TEST(test.filters() == reading, boost::test_tools::per_element());
  BOOST_TEST(test.filters() == none, boost::test_tools::per_element());
  BOOST_REQUIRE(test.selector.modify(fd, interest::readable, trigger::level, 1) == 0);
  BOOST_TEST(test.filters() == reading, boost::test_tools::per_element());
  BOOST_TEST(test.filters() == reading, boost::test_tools::per_element());
  BOOST_REQUIRE(test.selector.modify(fd, interest::readable, trigger::oneshot, 1) == 0);
  BOOST_TEST(test.filters() == reading, boost::test_tools::per_element());
  pair.send();
  BOOST_TEST(test.filters() == none, boost::test_tools::per_element());
  BOOST_REQUIRE(test.selector.modify(fd, interest::readable, trigger::edge, 1) == 0);
  BOOST_TEST(test.filters() == reading, boost::test_tools::per_element());
  pair.send();
  BOOST_TEST(test.filters() == reading, boost::test_tools::per_element());
}

// Two filters are two registrations to the system; oneshot means both.
BOOST_AUTO_TEST_CASE(a_oneshot_event_of_one_filter_silences_the_other) {
  opened test;
  sockets pair;
  int const fd = pair.near.get();
  interest const all = interest::readable | interest::writable;
  for (trigger how : {trigger::oneshot, trigger::oneshot | trigger::level}) {
    BOOST_REQUIRE(test.selector.add(fd, all, how, 1) == 0);
    BOOST_TEST(test.filters() == writing, boost::test_tools::per_element());
    pair.send();
    BOOST_TEST(test.filters() == none, boost::test_tools::per_element());
    BOOST_REQUIRE(test.selector.modify(fd, all, how, 1) == 0);
    BOOST_TEST(test.filters() == both, boost::test_tools::per_element());
    BOOST_TEST(test.filters() == none, boost::test_tools::per_element());
    BOOST_TEST(test.selector.add(fd, all, how, 1) == EEXIST); // registered all the while
    BOOST_REQUIRE(test.selector.remove(fd) == 0);
    char byte;
    BOOST_REQUIRE(::read(fd, &byte, 1) == 1);
  }
}

BOOST_AUTO_TEST_CASE(many_oneshot_events_at_once_are_each_the_only_one) {
  opened test;
  std::vector<sockets> pairs(40);
  for (sockets const& pair : pairs) {
    BOOST_REQUIRE(test.selector.add(pair.near.get(), interest::readable | interest::writable,
                                    trigger::oneshot, 1) == 0);
  }
  std::vector<native_event> events(64);
  BOOST_TEST(test.selector.wait(events.data(), events.size(), at_once) == 40);
  for (sockets const& pair : pairs) {
    pair.send();
  }
  BOOST_TEST(test.selector.wait(events.data(), events.size(), at_once) == 0);
}

BOOST_AUTO_TEST_CASE(what_kqueue_has_not_is_refused) {
  opened test;
  sockets pair;
  int const fd = pair.near.get();
  BOOST_TEST(test.selector.add(fd, interest::readable, trigger::exclusive, 1) == EOPNOTSUPP);
  BOOST_TEST(test.selector.add(fd, interest::priority, trigger::edge, 1) == EOPNOTSUPP);
  BOOST_TEST(test.selector.add(fd, interest::readable | interest::priority, trigger::edge, 1) ==
             EOPNOTSUPP);
  BOOST_TEST(test.selector.remove(fd) == ENOENT);
  BOOST_REQUIRE(test.selector.add(fd, interest::writable, trigger::level, 1) == 0);
  BOOST_TEST(test.selector.modify(fd, interest::priority, trigger::edge, 1) == EOPNOTSUPP);
  BOOST_TEST(test.filters() == writing, boost::test_tools::per_element()); // as it was
}

BOOST_AUTO_TEST_CASE(what_kqueue_has_not_is_an_exception_of_the_registry) {
  mioext::poller const poller;
  test::raw_pipe pipe;
  auto const error_of = [&](interest wanted, trigger how) {
    return test::error_of(
        [&] { poller.registry().register_handle(pipe.reader(), mioext::token(1), wanted, how); });
  };
  BOOST_TEST(error_of(interest::readable, trigger::exclusive) ==
             boost::system::errc::operation_not_supported);
  BOOST_TEST(error_of(interest::priority, trigger::edge) ==
             boost::system::errc::operation_not_supported);
}

BOOST_AUTO_TEST_CASE(each_mistake_has_its_error) {
  opened test;
  sockets pair;
  int const fd = pair.near.get();
  BOOST_TEST(test.selector.modify(fd, interest::readable, trigger::edge, 1) == ENOENT);
  BOOST_TEST(test.selector.remove(fd) == ENOENT);
  BOOST_REQUIRE(test.selector.add(fd, interest::readable, trigger::edge, 1) == 0);
  BOOST_TEST(test.selector.add(fd, interest::writable, trigger::edge, 1) == EEXIST);
  BOOST_REQUIRE(test.selector.remove(fd) == 0);
  BOOST_TEST(test.selector.remove(fd) == ENOENT);
  pair.near.reset();
  for (int closed : {fd, -1, 1 << 24}) {
    BOOST_TEST(test.selector.add(closed, interest::readable, trigger::edge, 1) == EBADF);
    BOOST_TEST(test.selector.modify(closed, interest::readable, trigger::edge, 1) == EBADF);
    BOOST_TEST(test.selector.remove(closed) == EBADF);
  }
}

BOOST_AUTO_TEST_CASE(a_question_about_what_is_registered_changes_nothing) {
  opened test;
  sockets pair;
  int const fd = pair.near.get();
  BOOST_REQUIRE(test.selector.add(fd, interest::readable, trigger::edge, 5) == 0);
  BOOST_TEST(test.selector.add(fd, interest::readable, trigger::level, 6) == EEXIST);
  BOOST_TEST(test.selector.has(fd, 7));
  pair.send();
  native_event events[2];
  BOOST_REQUIRE(test.selector.wait(events, 2, at_once) == 1);
  BOOST_TEST(kqueue_selector::token(events[0]) == 5u);
}

BOOST_AUTO_TEST_CASE(a_number_that_was_closed_and_used_again_is_new) {
  opened test;
  sockets first;
  int const fd = first.near.get();
  BOOST_REQUIRE(test.selector.add(fd, interest::readable, trigger::edge, 1) == 0);
  first.near.reset();
  sockets second;
  BOOST_REQUIRE(second.near.get() == fd); // the lowest free number is given first (POSIX)
  BOOST_TEST(!test.selector.has(fd, 9));
  BOOST_TEST(test.selector.add(fd, interest::readable, trigger::edge, 2) == 0);
  second.send();
  native_event events[2];
  BOOST_REQUIRE(test.selector.wait(events, 2, at_once) == 1);
  BOOST_TEST(kqueue_selector::token(events[0]) == 2u);
}

BOOST_AUTO_TEST_CASE(a_selector_can_take_the_place_of_another) {
  sockets one;
  sockets other;
  one.send();
  other.send();
  opened test;
  int const number = test.selector.native_handle();
  BOOST_REQUIRE(test.selector.add(one.near.get(), interest::readable, trigger::level, 1) == 0);
  {
    opened fresh;
    BOOST_REQUIRE(fresh.selector.add(other.near.get(), interest::readable, trigger::level, 2) == 0);
    BOOST_TEST(test.selector.replace_with(fresh.selector) == 0);
  }
#ifndef LIBKQUEUE // which cannot duplicate a queue
  BOOST_TEST(test.selector.native_handle() == number);
#else
  static_cast<void>(number);
#endif
  BOOST_TEST((::fcntl(test.selector.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
  native_event events[2];
  BOOST_REQUIRE(test.selector.wait(events, 2, at_once) == 1);
  BOOST_TEST(kqueue_selector::token(events[0]) == 2u);
  BOOST_TEST(test.selector.remove(one.near.get()) == ENOENT);
  BOOST_TEST(test.selector.remove(other.near.get()) == 0);
}

BOOST_AUTO_TEST_CASE(a_selector_that_was_never_opened_says_so) {
  kqueue_selector closed;
  native_event event;
  BOOST_TEST(closed.native_handle() == -1);
  BOOST_TEST(closed.wait(&event, 1, at_once) == -EBADF);
  BOOST_TEST(closed.add(0, interest::readable, trigger::edge, 0) == EBADF);
  BOOST_TEST(closed.modify(0, interest::readable, trigger::edge, 0) == EBADF);
  BOOST_TEST(closed.remove(0) == EBADF);
  BOOST_TEST(!closed.has(0, 0));
  opened fresh;
  BOOST_TEST(closed.replace_with(fresh.selector) == EBADF);
  kqueue_waker waker;
  BOOST_TEST(waker.open(closed, 1) == EBADF);
  BOOST_TEST(waker.wake() == EBADF);
  test::no_descriptors_left const none_left;
  BOOST_TEST(closed.open() == EMFILE);
}

BOOST_AUTO_TEST_CASE(wakers_are_told_apart) {
  opened test;
  kqueue_waker first;
  kqueue_waker second;
  BOOST_REQUIRE(first.open(test.selector, 1) == 0);
  BOOST_REQUIRE(second.open(test.selector, 2) == 0);
  BOOST_TEST(test.filters() == none, boost::test_tools::per_element());
  native_event events[4];
  for (int round = 0; round != 3; ++round) {
    BOOST_REQUIRE(second.wake() == 0);
    BOOST_REQUIRE(second.wake() == 0);
    BOOST_REQUIRE(test.selector.wait(events, 4, at_once) == 1);
    BOOST_TEST(kqueue_selector::token(events[0]) == 2u);
    BOOST_TEST(kqueue_selector::is_readable(events[0]));
  }
  kqueue_waker moved(std::move(first));
  BOOST_TEST(first.wake() == EBADF);
  BOOST_REQUIRE(moved.wake() == 0);
  BOOST_REQUIRE(test.selector.wait(events, 4, at_once) == 1);
  BOOST_TEST(kqueue_selector::token(events[0]) == 1u);
}

BOOST_AUTO_TEST_CASE(a_waker_that_goes_is_deregistered_and_one_may_outlive_its_selector) {
  opened test;
  {
    kqueue_waker waker;
    BOOST_REQUIRE(waker.open(test.selector, 1) == 0);
    BOOST_REQUIRE(waker.wake() == 0);
  }
  BOOST_TEST(test.filters() == none, boost::test_tools::per_element());
  kqueue_waker survivor;
  {
    opened gone;
    BOOST_REQUIRE(survivor.open(gone.selector, 1) == 0);
  }
  BOOST_TEST(survivor.wake() == 0);
}

BOOST_AUTO_TEST_CASE(no_wait_is_longer_than_all_systems_can_count) {
  BOOST_TEST((kqueue_selector::longest_wait() < std::chrono::seconds(100000000)));
  BOOST_TEST((kqueue_selector::longest_wait() < std::chrono::milliseconds(INT_MAX)));
}

BOOST_AUTO_TEST_SUITE_END()

#else

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_CASE(another_selector_is_in_use) {}

#endif // MIOEXT_USE_KQUEUE
