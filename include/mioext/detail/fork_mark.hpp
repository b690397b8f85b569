//
// mioext/detail/fork_mark.hpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Tells whether something was made by this process or by the one that it was forked from.
//

#ifndef MIOEXT_DETAIL_FORK_MARK_HPP
#define MIOEXT_DETAIL_FORK_MARK_HPP

#include <mioext/detail/inlining.hpp>
#include <mioext/detail/system.hpp>

#include <atomic>

#include <pthread.h>

#include <boost/config.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// How often this process and its ancestors were forked, as far as that was counted. Visible, so
/// that all shared libraries of the process share it.
///
/// Counted by a handler of pthread_atfork(3), so that a check costs no system call. The handler
/// runs for fork() and for what calls it (daemon(), forkpty()). It does not run for vfork() and
/// posix_spawn(), whose child does not use a loop, nor for a bare clone() and _Fork(), which run no
/// handlers.
class BOOST_SYMBOL_VISIBLE fork_count {
public:
  /// Starts to count. Returns an errno value. Not inlined, so that the handler belongs to the
  /// library that has the count, and is unloaded together with it.
  BOOST_NOINLINE static int begin() noexcept {
    static std::atomic<bool> has_begun(false);
    if (!has_begun.load(std::memory_order_acquire)) {
      // If two threads come here at once, the handler is registered twice. Then each fork counts
      // twice, which does no harm.
      if (int const error = ::pthread_atfork(&count_children, nullptr, &count_up)) {
        return error;
      }
      has_begun.store(true, std::memory_order_release);
    }
    return 0;
  }

  static std::atomic<unsigned>& count() noexcept {
    static std::atomic<unsigned> forks(0);
    return forks;
  }

  /// How often this process has begun to fork, and its ancestors before they made it: what was opened
  /// before the last time may be open in a child, too.
  static std::atomic<unsigned>& children() noexcept {
    static std::atomic<unsigned> begun(0);
    return begun;
  }

private:
  static void count_up() { count().fetch_add(1, std::memory_order_relaxed); }
  static void count_children() { children().fetch_add(1, std::memory_order_relaxed); }
};

/// Marks the process that an object belongs to. The mark uses the fork count of the shared library
/// in which it was made, even when it is checked in a library that has a count of its own.
class fork_mark {
public:
  /// The object belongs to this process.
  fork_mark() noexcept : forks_(fork_count::count()) { renew(); }

  fork_mark(fork_mark const&) = delete;
  fork_mark& operator=(fork_mark const&) = delete;

  /// From now on, the object belongs to this process.
  void renew() noexcept {
    count_.store(forks_.load(std::memory_order_relaxed), std::memory_order_release);
  }

  /// True in a child of the process that the object belongs to: what the object has in the system
  /// is the parent's, too.
  MIOEXT_DETAIL_FORCEINLINE bool is_left_behind() const noexcept {
    return count_.load(std::memory_order_acquire) != forks_.load(std::memory_order_relaxed);
  }

private:
  std::atomic<unsigned> const& forks_;
  std::atomic<unsigned> count_{0};
};

/// Marks a moment: has the process begun to fork since then? The shared library in which the mark was made
/// counts, as for a fork_mark.
class forks_since {
public:
  forks_since() noexcept
      : children_(fork_count::children()), before_(children_.load(std::memory_order_relaxed)) {}

  forks_since(forks_since const&) = delete;
  forks_since& operator=(forks_since const&) = delete;

  /// True if a child may have what was opened since then; so in the child, too.
  MIOEXT_DETAIL_FORCEINLINE bool has_any() const noexcept {
    return children_.load(std::memory_order_relaxed) != before_;
  }

private:
  std::atomic<unsigned> const& children_;
  unsigned const before_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_FORK_MARK_HPP
