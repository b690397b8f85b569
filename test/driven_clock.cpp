//
// test/driven_clock.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The clock of driven_clock.hpp, and the system calls that wait for it.
//

#include "driven_clock.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

extern "C" {
int __real_epoll_wait(int epoll, ::epoll_event* events, int most, int timeout);
int __real_timerfd_create(::clockid_t clock, int flags);
int __real_timerfd_settime(int fd, int flags, ::itimerspec const* value, ::itimerspec* before);

int __wrap_epoll_wait(int epoll, ::epoll_event* events, int most, int timeout);
int __wrap_epoll_pwait2(int epoll, ::epoll_event* events, int most, ::timespec const* timeout,
                        ::sigset_t const* mask);
int __wrap_timerfd_create(::clockid_t clock, int flags);
int __wrap_timerfd_settime(int fd, int flags, ::itimerspec const* value, ::itimerspec* before);
}

namespace driven_clock {
namespace {

constexpr nanoseconds without_end = nanoseconds::max();

struct state {
  nanoseconds now = std::chrono::hours(50);
  /// Of the system's own timers, which goes on when the other one stands still.
  nanoseconds systems_now = std::chrono::hours(50);
  std::map<int, nanoseconds> timers; // that are set, on the system's clock
  std::function<nanoseconds(nanoseconds)> passes;
  std::size_t waits = 0;
};

/// Never destroyed: whatever ends after it may still ask for the time.
state& shared() {
  static state* const made = new state;
  return *made;
}

nanoseconds to_nanoseconds(::timespec const& time) noexcept {
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

/// Returns when it can be read.
void set_off(int timer) {
  ::itimerspec at_once = ::itimerspec();
  at_once.it_value.tv_nsec = 1;
  if (__real_timerfd_settime(timer, TFD_TIMER_ABSTIME, &at_once, nullptr) == 0) {
    ::pollfd polled = {timer, POLLIN, 0};
    ::poll(&polled, 1, -1);
  }
}

void set_off_due() {
  state& clocks = shared();
  for (auto timer = clocks.timers.begin(); timer != clocks.timers.end();) {
    if (timer->second <= clocks.systems_now) {
      int const due = timer->first;
      timer = clocks.timers.erase(timer);
      set_off(due);
    } else {
      ++timer;
    }
  }
}

nanoseconds to_next_timer() {
  nanoseconds next = without_end;
  for (std::pair<int const, nanoseconds> const& timer : shared().timers) {
    next = std::min(next, timer.second - shared().systems_now);
  }
  return next;
}

void pass(nanoseconds asked) {
  state& clocks = shared();
  ++clocks.waits;
  nanoseconds const passed = clocks.passes ? clocks.passes(asked) : asked;
  clocks.now += passed;
  clocks.systems_now += std::max(asked, passed);
}

int wait(int epoll, ::epoll_event* events, int most, nanoseconds limit) {
  for (;;) {
    set_off_due();
    int const count = __real_epoll_wait(epoll, events, most, 0);
    if (count != 0 || limit == nanoseconds::zero()) {
      return count;
    }
    nanoseconds const next = std::min(limit, to_next_timer());
    if (next == without_end) {
      std::fputs("driven_clock: nothing would ever end this wait\n", stderr);
      std::abort();
    }
    bool const is_last = next == limit;
    pass(next);
    if (is_last) {
      limit = nanoseconds::zero();
    } else if (limit != without_end) {
      limit -= next;
    }
  }
}

} // namespace

void reset() { shared() = state(); }

void advance(nanoseconds by) noexcept {
  shared().now += by;
  shared().systems_now += by;
}

void on_wait(std::function<nanoseconds(nanoseconds)> passes) {
  shared().passes = std::move(passes);
}

std::size_t waits() noexcept { return shared().waits; }

} // namespace driven_clock

std::chrono::steady_clock::time_point std::chrono::steady_clock::now() noexcept {
  return time_point(driven_clock::shared().now);
}

extern "C" {

int __wrap_epoll_wait(int epoll, ::epoll_event* events, int most, int timeout) {
  return driven_clock::wait(epoll, events, most,
                            timeout < 0 ? driven_clock::without_end
                                        : std::chrono::milliseconds(timeout));
}

int __wrap_epoll_pwait2(int epoll, ::epoll_event* events, int most, ::timespec const* timeout,
                        ::sigset_t const*) {
  return driven_clock::wait(epoll, events, most,
                            timeout ? driven_clock::to_nanoseconds(*timeout)
                                    : driven_clock::without_end);
}

int __wrap_timerfd_create(::clockid_t clock, int flags) {
  int const fd = __real_timerfd_create(clock, flags);
  driven_clock::shared().timers.erase(fd); // of another one that had this number
  return fd;
}

/// Which becomes readable when the driven clock says so.
int __wrap_timerfd_settime(int fd, int flags, ::itimerspec const* value, ::itimerspec*) {
  ::itimerspec const stopped = ::itimerspec();
  int const result = __real_timerfd_settime(fd, 0, &stopped, nullptr);
  if (result == 0) {
    driven_clock::state& clocks = driven_clock::shared();
    driven_clock::nanoseconds const due = driven_clock::to_nanoseconds(value->it_value);
    clocks.timers.erase(fd);
    if (due != driven_clock::nanoseconds::zero()) {
      clocks.timers[fd] = (flags & TFD_TIMER_ABSTIME)
                              ? due
                              : clocks.systems_now + due; // of what epoll_reactor asks
    }
  }
  return result;
}

} // extern "C"
