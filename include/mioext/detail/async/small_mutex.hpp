//
// mioext/detail/async/small_mutex.hpp
// -----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A mutex in four bytes, where the system has what it takes: for what there is one of for each descriptor.
//

#ifndef MIOEXT_DETAIL_ASYNC_SMALL_MUTEX_HPP
#define MIOEXT_DETAIL_ASYNC_SMALL_MUTEX_HPP

#include <mioext/detail/inlining.hpp>
#include <mioext/detail/system.hpp>

#ifdef __linux__

#include <atomic>
#include <cerrno>
#include <cstdint>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/config.hpp>

#else

#include <mutex>

#endif

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

#ifdef __linux__

/// Like the mutexes of the C library, of which the smallest has 40 bytes. (The second mutex of Ulrich
/// Drepper's "Futexes Are Tricky".)
class small_mutex {
public:
  small_mutex() noexcept : state_(unlocked) {}

  small_mutex(small_mutex const&) = delete;
  small_mutex& operator=(small_mutex const&) = delete;

  MIOEXT_DETAIL_FORCEINLINE void lock() noexcept {
    std::uint32_t found = unlocked;
    if (BOOST_UNLIKELY(!state_.compare_exchange_strong(found, locked, std::memory_order_acquire,
                                                       std::memory_order_relaxed))) {
      wait_and_lock();
    }
  }

  MIOEXT_DETAIL_FORCEINLINE void unlock() noexcept {
    if (BOOST_UNLIKELY(state_.exchange(unlocked, std::memory_order_release) != locked)) {
      wake_one();
    }
  }

private:
  enum : std::uint32_t { unlocked, locked, locked_and_waited_for };

  static_assert(sizeof(std::atomic<std::uint32_t>) == 4, "the system waits for 32 bits");

  BOOST_NOINLINE void wait_and_lock() noexcept {
    int const before = errno;
    while (state_.exchange(locked_and_waited_for, std::memory_order_acquire) != unlocked) {
      static_cast<void>(call(FUTEX_WAIT_PRIVATE, locked_and_waited_for));
    }
    errno = before;
  }

  BOOST_NOINLINE void wake_one() noexcept {
    int const before = errno;
    static_cast<void>(call(FUTEX_WAKE_PRIVATE, 1));
    errno = before;
  }

  long call(int operation, std::uint32_t value) noexcept {
    // Where time has 64 bits and a word has 32, the system knows it by another name; without a time
    // to wait until they are the same.
#ifdef SYS_futex
    return ::syscall(SYS_futex, &state_, operation, value, nullptr, nullptr, 0);
#else
    return ::syscall(SYS_futex_time64, &state_, operation, value, nullptr, nullptr, 0);
#endif
  }

  std::atomic<std::uint32_t> state_;
};

#else

using small_mutex = std::mutex;

#endif

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_SMALL_MUTEX_HPP
