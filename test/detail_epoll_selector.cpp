//
// test/detail_epoll_selector.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What only Linux can show: which timeouts epoll is given, user data and flags, a selector made
// anew for after a fork, and a waker whose counter is full.
//

#include <mioext/detail/polling/selector.hpp>

#ifdef MIOEXT_USE_EPOLL

#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <limits>
#include <ratio>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mioext/poller.hpp>
#include <mioext/waker.hpp>

#include "handles.hpp"

using mioext::interest;
using mioext::token;
using mioext::trigger;
using mioext::detail::epoll_selector;

namespace {

/// What epoll_wait is to do as long as one exists: note the timeout, and answer the next of
/// `answers`. The kernel is an old one then, without epoll_pwait2.
struct scripted_epoll_wait {
  explicit scripted_epoll_wait(std::vector<int> what) : answers(std::move(what)) { current = this; }
  ~scripted_epoll_wait() { current = nullptr; }

  int next(int timeout) {
    timeouts.push_back(timeout);
    if (timeouts.size() > answers.size()) {
      BOOST_ERROR("epoll_wait is called once too often");
      return 1; // which is the end of any poll
    }
    int const answer = answers[timeouts.size() - 1];
    errno = answer < 0 ? -answer : errno;
    return answer < 0 ? -1 : answer;
  }

  std::vector<int> answers;
  std::vector<int> timeouts;
  static scripted_epoll_wait* current;
};

scripted_epoll_wait* scripted_epoll_wait::current = nullptr;

/// Notes what epoll_pwait2 is given as long as one exists; then it reports a time-out.
struct scripted_epoll_pwait2 {
  scripted_epoll_pwait2() { current = this; }
  ~scripted_epoll_pwait2() { current = nullptr; }

  std::vector<std::int64_t> timeouts;
  static scripted_epoll_pwait2* current;
};

scripted_epoll_pwait2* scripted_epoll_pwait2::current = nullptr;

/// What epoll_create1 is to fail with, if not zero.
int epoll_create1_error = 0;

} // namespace

// In the place of the C library's.

extern "C" int epoll_create1(int flags) {
  errno = epoll_create1_error;
  return epoll_create1_error != 0 ? -1 : static_cast<int>(::syscall(SYS_epoll_create1, flags));
}

extern "C" int epoll_wait(int fd, epoll_event* events, int capacity, int timeout) {
  return scripted_epoll_wait::current != nullptr
             ? scripted_epoll_wait::current->next(timeout)
             : static_cast<int>(
                   ::syscall(SYS_epoll_pwait, fd, events, capacity, timeout, nullptr, 0));
}

#ifdef MIOEXT_DETAIL_HAS_EPOLL_PWAIT2
extern "C" int epoll_pwait2(int fd, epoll_event* events, int capacity, timespec const* timeout,
                            sigset_t const* mask) {
  if (scripted_epoll_pwait2::current != nullptr) {
    scripted_epoll_pwait2::current->timeouts.push_back(std::int64_t(timeout->tv_sec) * 1000000000 +
                                                       timeout->tv_nsec);
    return 0;
  }
  if (scripted_epoll_wait::current != nullptr) {
    errno = ENOSYS;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_epoll_pwait2, fd, events, capacity, timeout, mask, 8));
}
#endif

namespace {

/// The timeout in milliseconds that a poll of `limit` gives to the system.
template <class Duration> int timeout_of(Duration limit) {
  mioext::poller poller;
  mioext::events events(1);
  scripted_epoll_wait script({1});
  poller.poll(events, limit);
  return script.timeouts.at(0);
}

epoll_selector::native_event event_of(std::uint64_t data) {
  epoll_selector::native_event event = {};
  event.data.u64 = data;
  return event;
}

/// A copy, because no reference can be bound to a member of a packed structure.
std::uint32_t flags_of(epoll_selector::native_event const& event) { return event.events; }

} // namespace

BOOST_AUTO_TEST_SUITE(epoll_selectors)

#ifdef MIOEXT_DETAIL_HAS_EPOLL_PWAIT2
// Before the others, after which the kernel counts as an old one.
BOOST_AUTO_TEST_CASE(a_timeout_is_exact_where_the_system_can_be) {
  using namespace std::chrono;
  auto const exact_timeout_of = [](nanoseconds limit) {
    epoll_selector selector;
    BOOST_REQUIRE(selector.open() == 0);
    epoll_selector::native_event event;
    scripted_epoll_pwait2 script;
    BOOST_TEST(selector.wait(&event, 1, limit) == 0);
    return script.timeouts.at(0);
  };
  BOOST_TEST(exact_timeout_of(nanoseconds(1)) == 1);
  BOOST_TEST(exact_timeout_of(nanoseconds(1000001)) == 1000001);
  BOOST_TEST(exact_timeout_of(seconds(3) + nanoseconds(7)) == 3000000007);
  BOOST_TEST(exact_timeout_of(nanoseconds::max()) == std::int64_t(INT_MAX) * 1000000);
}
#endif

BOOST_AUTO_TEST_CASE(a_timeout_is_rounded_up_to_milliseconds) {
  using namespace std::chrono;
  BOOST_TEST(timeout_of(nanoseconds(0)) == 0);
  BOOST_TEST(timeout_of(nanoseconds(-1)) == 0);
  BOOST_TEST(timeout_of(hours(-1)) == 0);
  BOOST_TEST(timeout_of(nanoseconds(1)) == 1);
  BOOST_TEST(timeout_of(nanoseconds(999999)) == 1);
  BOOST_TEST(timeout_of(nanoseconds(1000000)) == 1);
  BOOST_TEST(timeout_of(nanoseconds(1000001)) == 2);
  BOOST_TEST(timeout_of(microseconds(1500)) == 2);
  BOOST_TEST(timeout_of(milliseconds(100)) == 100);
  BOOST_TEST(timeout_of(duration<double>(0.0025)) == 3);
  BOOST_TEST(timeout_of(duration<std::int64_t, std::pico>(1)) == 1);
  BOOST_TEST(timeout_of(seconds(60)) == 60000);
}

BOOST_AUTO_TEST_CASE(no_timeout_overflows_an_int) {
  using namespace std::chrono;
  BOOST_TEST(timeout_of(milliseconds(INT_MAX)) == INT_MAX);
  BOOST_TEST(timeout_of(milliseconds(INT_MAX) + nanoseconds(1)) == INT_MAX);
  BOOST_TEST(timeout_of(milliseconds(std::int64_t(INT_MAX) + 1)) == INT_MAX);
  BOOST_TEST(timeout_of(hours::max()) == INT_MAX);
  BOOST_TEST(timeout_of(nanoseconds::max()) == INT_MAX);
  BOOST_TEST(timeout_of(duration<double>(std::numeric_limits<double>::infinity())) == INT_MAX);
}

BOOST_AUTO_TEST_CASE(a_poll_without_limit_gives_none) {
  mioext::poller poller;
  mioext::events events(1);
  scripted_epoll_wait script({1});
  BOOST_TEST(poller.poll(events) == 1u);
  BOOST_TEST(script.timeouts.at(0) == -1);
}

// The time does not pass here, so what is left after the first wait is still too long for one.
BOOST_AUTO_TEST_CASE(a_poll_longer_than_epoll_can_wait_goes_on_waiting) {
  std::chrono::milliseconds const limit(std::int64_t(3) * INT_MAX);
  mioext::poller poller;
  mioext::events events(1);
  scripted_epoll_wait script({0, 0, 0, 1});
  BOOST_TEST(poller.poll(events, limit) == 1u);
  BOOST_TEST(script.timeouts == std::vector<int>(4, INT_MAX), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_long_poll_ends_with_an_error_at_once) {
  mioext::poller poller;
  mioext::events events(1);
  scripted_epoll_wait script({0, -EINTR});
  boost::system::error_code ec;
  BOOST_TEST(poller.poll(events, std::chrono::hours::max(), ec) == 0u);
  BOOST_TEST(ec == boost::system::errc::interrupted);
  BOOST_TEST(script.timeouts.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_poll_that_epoll_can_wait_for_is_one_call) {
  mioext::poller poller;
  mioext::events events(1);
  scripted_epoll_wait script({0});
  BOOST_TEST(poller.poll(events, std::chrono::hours(24)) == 0u);
  BOOST_TEST(script.timeouts.size() == 1u);
}

BOOST_AUTO_TEST_CASE(user_data_comes_back) {
  using selector = epoll_selector;
  for (std::size_t number : {std::size_t(0), std::numeric_limits<std::size_t>::max()}) {
    BOOST_TEST(selector::token(event_of(selector::token_data(number))) == number);
  }
  for (int fd : {0, 1, INT_MAX}) {
    for (std::uint32_t tag : {0u, 1u, 0x7fffffffu}) {
      auto const event = event_of(selector::tag_data(fd, tag));
      BOOST_TEST(selector::descriptor(event) == static_cast<std::uint32_t>(fd));
      BOOST_TEST(selector::tag(event) == tag);
    }
  }
  auto const event = event_of(selector::internal_data(7));
  BOOST_TEST(selector::descriptor(event) > static_cast<std::uint32_t>(INT_MAX));
  BOOST_TEST(selector::tag(event) == 7u);
}

BOOST_AUTO_TEST_CASE(an_event_is_divided_into_reading_and_writing) {
  using selector = epoll_selector;
  for (std::uint32_t flags : {EPOLLERR | 0u, EPOLLHUP | 0u, EPOLLERR | EPOLLHUP | 0u}) {
    auto event = event_of(0);
    event.events = flags;
    BOOST_TEST(selector::concerns_reading(event));
    BOOST_TEST(selector::concerns_writing(event));
    selector::drop_reading(event);
    BOOST_TEST(!selector::concerns_reading(event));
    BOOST_TEST(selector::concerns_writing(event));
    event.events = flags;
    selector::drop_writing(event);
    BOOST_TEST(selector::concerns_reading(event));
    BOOST_TEST(!selector::concerns_writing(event));
    BOOST_TEST(selector::is_readable(event));
    BOOST_TEST(selector::is_read_closed(event));
  }
  auto event = event_of(0);
  event.events = EPOLLIN | EPOLLOUT;
  selector::drop_writing(event);
  BOOST_TEST(flags_of(event) == static_cast<std::uint32_t>(EPOLLIN));
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
  selector::drop_reading(event);
  BOOST_TEST(!selector::concerns_reading(event));
  BOOST_TEST(selector::concerns_writing(event));
  BOOST_TEST(selector::is_only_writable(event));
}

// Of an event that concerns both, the reader is told first; the writer must still hear why.
BOOST_AUTO_TEST_CASE(a_failing_write_is_known_after_the_reading_is_dropped) {
  using mioext::write_hint;
  using selector = epoll_selector;
  auto const dropped = [](std::uint32_t flags) {
    auto event = event_of(0);
    event.events = flags;
    selector::drop_reading(event);
    return event;
  };
  for (std::uint32_t others :
       {0u, EPOLLOUT | 0u, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | 0u}) {
    BOOST_TEST(selector::is_only_writable(dropped(others | EPOLLOUT)));
    BOOST_TEST(!selector::is_only_writable(dropped(others | EPOLLHUP)));
    BOOST_TEST((selector::failing_write_hint(dropped(others | EPOLLHUP)) == write_hint::hup));
    for (std::uint32_t error : {EPOLLERR | 0u, EPOLLERR | EPOLLHUP | 0u}) {
      BOOST_TEST(!selector::is_only_writable(dropped(others | error)));
      BOOST_TEST((selector::failing_write_hint(dropped(others | error)) == write_hint::error));
    }
  }
}

BOOST_AUTO_TEST_CASE(a_write_that_finds_room_and_nothing_else_is_told_apart) {
  using mioext::write_hint;
  using selector = epoll_selector;
  auto event = event_of(0);
  event.events = EPOLLOUT;
  BOOST_TEST(selector::is_only_writable(event));
  for (std::uint32_t other :
       {EPOLLIN | 0u, EPOLLPRI | 0u, EPOLLRDHUP | 0u, EPOLLERR | 0u, EPOLLHUP | 0u}) {
    event.events = EPOLLOUT | other;
    BOOST_TEST(!selector::is_only_writable(event));
  }
  event.events = EPOLLOUT | EPOLLHUP;
  BOOST_TEST((selector::failing_write_hint(event) == write_hint::hup));
  event.events = EPOLLERR | EPOLLHUP;
  BOOST_TEST((selector::failing_write_hint(event) == write_hint::error));
}

BOOST_AUTO_TEST_CASE(a_hint_follows_from_the_flags) {
  using mioext::read_hint;
  auto const hint_of = [](std::uint32_t flags) {
    auto event = event_of(0);
    event.events = flags;
    return epoll_selector::hint(event);
  };
  BOOST_TEST(hint_of(EPOLLIN) == read_hint::data);
  BOOST_TEST(hint_of(EPOLLIN | EPOLLPRI) == read_hint::unknown);
  BOOST_TEST(hint_of(EPOLLPRI | EPOLLERR) == read_hint::error);
  BOOST_TEST(hint_of(EPOLLPRI | EPOLLHUP) == read_hint::hup);
  BOOST_TEST(hint_of(EPOLLIN | EPOLLRDHUP) == read_hint::hup);
  BOOST_TEST(hint_of(EPOLLHUP) == read_hint::hup);
  BOOST_TEST(hint_of(EPOLLERR) == read_hint::error);
  BOOST_TEST(hint_of(EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP) == read_hint::error);
  BOOST_TEST(hint_of(EPOLLPRI) == read_hint::unknown);
}

BOOST_AUTO_TEST_CASE(a_selector_can_take_the_place_and_the_number_of_another) {
  test::raw_pipe pipe;
  test::raw_pipe other;
  BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  BOOST_REQUIRE(::write(other.writer(), "x", 1) == 1);
  epoll_selector selector;
  BOOST_REQUIRE(selector.open() == 0);
  int const number = selector.native_handle();
  BOOST_REQUIRE(selector.add(pipe.reader(), interest::readable, trigger::level, 1) == 0);
  std::size_t const before = test::open_descriptors();
  {
    epoll_selector fresh;
    BOOST_REQUIRE(fresh.open() == 0);
    BOOST_REQUIRE(fresh.add(other.reader(), interest::readable, trigger::level, 2) == 0);
    BOOST_TEST(selector.replace_with(fresh) == 0);
  }
  BOOST_TEST(test::open_descriptors() == before);
  BOOST_TEST(selector.native_handle() == number);
  BOOST_TEST((::fcntl(number, F_GETFD) & FD_CLOEXEC) != 0);
  epoll_selector::native_event events[2];
  BOOST_REQUIRE(selector.wait(events, 2, std::chrono::nanoseconds(0)) == 1);
  BOOST_TEST(epoll_selector::token(events[0]) == 2u);
  BOOST_TEST(selector.remove(pipe.reader()) == ENOENT);
}

BOOST_AUTO_TEST_CASE(a_selector_knows_whether_it_has_a_descriptor_and_changes_nothing_by_it) {
  test::raw_pipe pipe;
  epoll_selector selector;
  BOOST_REQUIRE(selector.open() == 0);
  BOOST_TEST(!selector.has(pipe.reader(), 9));
  BOOST_TEST(!selector.has(pipe.reader(), 9)); // asking has not added it
  BOOST_TEST(!selector.has(-1, 9));
  BOOST_REQUIRE(selector.add(pipe.reader(), interest::readable, trigger::edge, 1) == 0);
  BOOST_TEST(selector.has(pipe.reader(), 9));
  BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  epoll_selector::native_event events[2];
  BOOST_REQUIRE(selector.wait(events, 2, std::chrono::nanoseconds(0)) == 1);
  BOOST_TEST(epoll_selector::token(events[0]) == 1u);
}

BOOST_AUTO_TEST_CASE(a_selector_that_cannot_be_made_is_an_exception_of_the_poller) {
  for (int error : {EMFILE, ENFILE, ENOMEM}) {
    boost::system::error_code ec;
    epoll_create1_error = error;
    boost::system::error_code const thrown = test::error_of([] { mioext::poller(); });
    mioext::poller const none(ec);
    epoll_create1_error = 0;
    BOOST_TEST(thrown == ec);
    BOOST_TEST(ec.value() == error);
    BOOST_TEST(none.native_handle() == -1);
  }
}

BOOST_AUTO_TEST_CASE(what_fails_says_why) {
  epoll_selector closed;
  epoll_selector::native_event event;
  BOOST_TEST(closed.native_handle() == -1);
  BOOST_TEST(closed.wait(&event, 1, std::chrono::nanoseconds(0)) == -EBADF);
  BOOST_TEST(closed.add(0, interest::readable, trigger::edge, 0) == EBADF);
  epoll_selector fresh;
  BOOST_REQUIRE(fresh.open() == 0);
  BOOST_TEST(closed.replace_with(fresh) == EBADF);
  BOOST_TEST(!closed.has(0, 0));
  test::no_descriptors_left const none;
  BOOST_TEST(closed.open() == EMFILE);
}

// The kernel counts no further than 2^64 - 2. Nobody wakes as often; the test writes the count
// itself.
BOOST_AUTO_TEST_CASE(a_waker_whose_counter_is_full_wakes_all_the_same) {
  mioext::poller poller;
  mioext::events events(1);
  // The lowest free number is given first (POSIX), so the next is the waker's.
  int const next = ::dup(0);
  BOOST_REQUIRE(next >= 0);
  ::close(next);
  mioext::waker const waker(poller.registry(), token(3));
  BOOST_TEST(test::is_prepared(next));
  std::uint64_t const full = std::numeric_limits<std::uint64_t>::max() - 1;
  BOOST_REQUIRE(::write(next, &full, sizeof full) == static_cast<ssize_t>(sizeof full));
  BOOST_TEST(poller.poll(events, std::chrono::seconds(0)) == 1u);

  std::uint64_t const one = 1;
  BOOST_REQUIRE(::write(next, &one, sizeof one) == -1);
  BOOST_REQUIRE(errno == EAGAIN);
  BOOST_TEST(poller.poll(events, std::chrono::seconds(0)) == 0u);
  for (int round = 0; round != 3; ++round) {
    waker.wake();
    BOOST_TEST(poller.poll(events, std::chrono::seconds(0)) == 1u);
    BOOST_TEST(events[0].token() == token(3));
    BOOST_TEST(events[0].is_readable());
    BOOST_TEST(poller.poll(events, std::chrono::seconds(0)) == 0u);
  }
}

BOOST_AUTO_TEST_SUITE_END()

#else

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_CASE(another_selector_is_in_use) {}

#endif // MIOEXT_USE_EPOLL
