//
// mioext/detail/async/optional_mutex.hpp
// --------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A mutex that locks nothing where that is known to be needless: because it was told so, or because the
// process has only one thread.
//

#ifndef MIOEXT_DETAIL_ASYNC_OPTIONAL_MUTEX_HPP
#define MIOEXT_DETAIL_ASYNC_OPTIONAL_MUTEX_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <thread>

#include <boost/config.hpp>

#include <mioext/detail/async/small_mutex.hpp>
#include <mioext/detail/inlining.hpp>

#if defined(__GLIBC_PREREQ)
#if __GLIBC_PREREQ(2, 32)
#define MIOEXT_DETAIL_KNOWS_SINGLE_THREAD
#include <sys/single_threaded.h>
#endif
#endif

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// True if the thread that asks is the only one of the process. False if that is not so or not known.
inline bool is_only_thread() noexcept {
#ifdef MIOEXT_DETAIL_KNOWS_SINGLE_THREAD
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

/// Asio has the same inside its io_context, for its concurrency hints. The number of threads is the C
/// library's to tell; the C++ library counts the references of a shared_ptr by the same rule.
///
/// Both are right at any time: what locked it, the mutex or a flag, also unlocks it, however many threads
/// there are by then; and a thread that was begun while the flag was set waits for its end.
class optional_mutex {
public:
  optional_mutex() noexcept : is_disabled_(false), is_spared_(false) {}

  optional_mutex(optional_mutex const&) = delete;
  optional_mutex& operator=(optional_mutex const&) = delete;

  /// Locks nothing from now on. Before it is used.
  void disable() noexcept { is_disabled_ = true; }

  MIOEXT_DETAIL_FORCEINLINE void lock() {
    if (is_disabled_) {
      return;
    }
    if (is_only_thread()) {
      is_spared_.store(true, std::memory_order_relaxed);
    } else {
      lock_among_threads();
    }
  }

  MIOEXT_DETAIL_FORCEINLINE void unlock() {
    if (is_disabled_) {
      return;
    }
    if (is_spared_.load(std::memory_order_relaxed)) {
      is_spared_.store(false, std::memory_order_release);
    } else {
      mutex_.unlock();
    }
  }

  /// A lock_guard that is always inlined.
  class guard {
  public:
    MIOEXT_DETAIL_FORCEINLINE explicit guard(optional_mutex& locked) : locked_(locked) {
      locked.lock();
    }
    MIOEXT_DETAIL_FORCEINLINE ~guard() { locked_.unlock(); }

    guard(guard const&) = delete;
    guard& operator=(guard const&) = delete;

  private:
    optional_mutex& locked_;
  };

private:
  MIOEXT_DETAIL_FORCEINLINE void lock_among_threads() {
    mutex_.lock();
    // Hardly ever: no function of the program is called while it is locked, which could begin a thread.
    while (BOOST_UNLIKELY(is_spared_.load(std::memory_order_acquire))) {
      std::this_thread::yield();
    }
  }

  small_mutex mutex_{};
  bool is_disabled_;
  std::atomic<bool> is_spared_; // true if it was locked without the mutex
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_OPTIONAL_MUTEX_HPP
