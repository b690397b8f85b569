//
// mioext/detail/polling/epoll_waker.hpp
// -------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Wakes a thread that waits for an epoll instance: an eventfd at once, a timerfd after a while. See
// detail/polling/selector_contract.hpp for what its members promise.
//

#ifndef MIOEXT_DETAIL_POLLING_EPOLL_WAKER_HPP
#define MIOEXT_DETAIL_POLLING_EPOLL_WAKER_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>

#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <mioext/detail/assign_integer.hpp>
#include <mioext/detail/file_descriptor.hpp>
#include <mioext/detail/polling/epoll_selector.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// An eventfd that is watched edge-triggered and never read: each write to it is a new edge.
class epoll_waker {
public:
  int open(epoll_selector& selector, epoll_selector::user_data data) noexcept {
    file_descriptor event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!event) {
      return errno;
    }
    if (int const error = selector.add(event.get(), interest::readable, trigger::edge, data)) {
      return error;
    }
    event_ = static_cast<file_descriptor&&>(event);
    return 0;
  }

  int wake() const noexcept {
    std::uint64_t const one = 1;
    while (::write(event_.get(), &one, sizeof one) < 0) {
      if (errno == EAGAIN) {
        // The counter is full after 2^64 - 2 wakes; emptying it makes room for the next.
        std::uint64_t emptied;
        if (::read(event_.get(), &emptied, sizeof emptied) < 0 && errno != EAGAIN &&
            errno != EINTR) {
          return errno;
        }
      } else if (errno != EINTR) {
        return errno;
      }
    }
    return 0;
  }

private:
  file_descriptor event_{};
};

/// A timerfd that is watched edge-triggered and never read: that it goes off again is a new edge.
class epoll_alarm {
public:
  int open(epoll_selector& selector, epoll_selector::user_data data) noexcept {
    file_descriptor timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!timer) {
      return errno;
    }
    if (int const error = selector.add(timer.get(), interest::readable, trigger::edge, data)) {
      return error;
    }
    timer_ = static_cast<file_descriptor&&>(timer);
    return 0;
  }

  int set(std::chrono::nanoseconds delay) const noexcept {
    std::int64_t const after = delay.count() > 1 ? delay.count() : 1; // zero would stop the timer
    ::itimerspec expiry = ::itimerspec();
    assign_integer(expiry.it_value.tv_sec, after / 1000000000);
    assign_integer(expiry.it_value.tv_nsec, after % 1000000000);
    return ::timerfd_settime(timer_.get(), 0, &expiry, nullptr) == 0 ? 0 : errno;
  }

private:
  file_descriptor timer_{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_EPOLL_WAKER_HPP
