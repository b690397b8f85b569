//
// mioext/detail/polling/epoll_selector.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The selector of Linux: epoll. See detail/polling/selector_contract.hpp for what its members
// promise.
//

#ifndef MIOEXT_DETAIL_POLLING_EPOLL_SELECTOR_HPP
#define MIOEXT_DETAIL_POLLING_EPOLL_SELECTOR_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>

#include <fcntl.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <mioext/detail/assign_integer.hpp>
#include <mioext/detail/epoll_event_ops.hpp>
#include <mioext/detail/file_descriptor.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/interest.hpp>
#include <mioext/read_hint.hpp>
#include <mioext/trigger.hpp>
#include <mioext/write_hint.hpp>

#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 35)
#define MIOEXT_DETAIL_HAS_EPOLL_PWAIT2
#endif
#endif

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

class epoll_selector : public epoll_event_ops {
public:
  static read_hint hint(native_event const& event) noexcept {
    if (!(event.events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP | EPOLLPRI))) {
      return read_hint::data;
    }
    if (event.events & EPOLLERR) {
      return read_hint::error;
    }
    return event.events & (EPOLLHUP | EPOLLRDHUP) ? read_hint::hup : read_hint::unknown;
  }

  static write_hint failing_write_hint(native_event const& event) noexcept {
    constexpr std::uint32_t flag = EPOLLERR;
    return event.events & (flag | (flag << dropped_shift)) ? write_hint::error : write_hint::hup;
  }

  static constexpr interest all_interests() noexcept {
    return interest::readable | interest::writable | interest::priority;
  }

  static constexpr bool reports_together() noexcept { return true; }

  /// The kernel's EP_MAX_EVENTS; it refuses to fetch more in one go.
  static constexpr std::size_t most_events() noexcept { return INT_MAX / sizeof(native_event); }

  /// epoll_wait(2) takes milliseconds as an int, some 24 days. A longer timeout is cut to this one.
  static std::chrono::nanoseconds longest_wait() noexcept {
    return std::chrono::milliseconds(INT_MAX);
  }

  int open() noexcept {
    int const fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) {
      return errno;
    }
    epoll_.reset(fd);
    return 0;
  }

  void close() noexcept { epoll_.reset(); }

  /// Puts `fresh` in the place of this instance, under the old descriptor number, so that nobody
  /// who waits on that number need be told. For a child after fork(2), which shares its epoll
  /// instance with its parent.
  int replace_with(epoll_selector const& fresh) noexcept {
    return ::dup3(fresh.epoll_.get(), epoll_.get(), O_CLOEXEC) >= 0 ? 0 : errno;
  }

  /// True if `fd`, whose number may have been closed and used again, is still what was added. Only
  /// adding it again tells: epoll refuses what is already there. The instance may be shared with a
  /// parent, so `probe` is user data that nobody owns, and the instance is left as it was.
  bool has(int fd, user_data probe) noexcept {
    int const error = control(EPOLL_CTL_ADD, fd, EPOLLONESHOT, probe);
    if (error == 0) {
      remove(fd);
    }
    return error == EEXIST;
  }

  int native_handle() const noexcept { return epoll_.get(); }

  int add(int fd, interest wanted, trigger how, user_data data) noexcept {
    return control(EPOLL_CTL_ADD, fd, flags(wanted, how), data);
  }

  MIOEXT_DETAIL_FORCEINLINE int modify(int fd, interest wanted, trigger how,
                                       user_data data) noexcept {
    return control(EPOLL_CTL_MOD, fd, flags(wanted, how), data);
  }

  int remove(int fd) noexcept { return control(EPOLL_CTL_DEL, fd, 0, 0); }

  MIOEXT_DETAIL_FORCEINLINE int wait(native_event* events, std::size_t capacity,
                                     std::chrono::nanoseconds timeout) noexcept {
    int const most = static_cast<int>(capacity);
    int const count = timeout > std::chrono::nanoseconds::zero()
                          ? wait_limited(events, most, timeout)
                          : ::epoll_wait(epoll_.get(), events, most, timeout.count() < 0 ? -1 : 0);
    return count < 0 ? -errno : count;
  }

private:
  /// epoll_pwait2(2) has a resolution of nanoseconds, so that timeouts need not be rounded to
  /// milliseconds. It exists since Linux 5.11 and glibc 2.35; an older kernel answers ENOSYS, and a
  /// sandbox that does not know it answers EPERM.
  int wait_limited(native_event* events, int most, std::chrono::nanoseconds timeout) noexcept {
#ifdef MIOEXT_DETAIL_HAS_EPOLL_PWAIT2
    static std::atomic<bool> is_missing(false);
    if (!is_missing.load(std::memory_order_relaxed)) {
      std::int64_t const limit = (timeout < longest_wait() ? timeout : longest_wait()).count();
      ::timespec exact;
      assign_integer(exact.tv_sec, limit / 1000000000);
      assign_integer(exact.tv_nsec, limit % 1000000000);
      int const count = ::epoll_pwait2(epoll_.get(), events, most, &exact, nullptr);
      if (count >= 0 || (errno != ENOSYS && errno != EPERM)) {
        return count;
      }
      is_missing.store(true, std::memory_order_relaxed);
    }
#endif
    return ::epoll_wait(epoll_.get(), events, most, whole_milliseconds(timeout));
  }

  /// Rounded up, so that the wait never ends early.
  static int whole_milliseconds(std::chrono::nanoseconds timeout) noexcept {
    std::int64_t const rounded = (timeout.count() - 1) / 1000000 + 1;
    return rounded < INT_MAX ? static_cast<int>(rounded) : INT_MAX;
  }

  MIOEXT_DETAIL_FORCEINLINE static std::uint32_t flags(interest wanted, trigger how) noexcept {
    // For each combination of interests. Who waits for urgent data wants to know that none will come.
    static constexpr std::uint32_t reading = EPOLLIN | EPOLLRDHUP;
    static constexpr std::uint32_t urgent = EPOLLPRI | EPOLLRDHUP;
    static std::uint32_t const of_interest[] = {
        0,      reading,          EPOLLOUT,          reading | EPOLLOUT,
        urgent, reading | urgent, EPOLLOUT | urgent, reading | EPOLLOUT | urgent};
    std::uint32_t result = of_interest[static_cast<unsigned>(wanted) & 7u];
    if (!contains(how, trigger::level)) {
      result |= static_cast<std::uint32_t>(EPOLLET);
    }
    if (contains(how, trigger::oneshot)) {
      result |= EPOLLONESHOT;
    }
    if (contains(how, trigger::exclusive)) {
      // The kernel refuses EPOLLRDHUP here; EPOLLIN still reports the end.
      if (!contains(wanted, interest::priority)) {
        result &= ~static_cast<std::uint32_t>(EPOLLRDHUP);
      }
      result |= EPOLLEXCLUSIVE;
    }
    return result;
  }

  MIOEXT_DETAIL_FORCEINLINE int control(int operation, int fd, std::uint32_t events,
                                        user_data data) noexcept {
    native_event event;
    event.events = events;
    event.data.u64 = data;
    return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? 0 : errno;
  }

  file_descriptor epoll_{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_EPOLL_SELECTOR_HPP
