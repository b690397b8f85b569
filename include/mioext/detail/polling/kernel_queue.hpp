//
// mioext/detail/polling/kernel_queue.hpp
// --------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A kqueue's descriptor: how it is made, who closes it, what fork does to it.
//

#ifndef MIOEXT_DETAIL_POLLING_KERNEL_QUEUE_HPP
#define MIOEXT_DETAIL_POLLING_KERNEL_QUEUE_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include <sys/event.h>
#include <sys/types.h>
#include <unistd.h>

#include <mioext/detail/descriptor_flags.hpp>

#ifndef EVFILT_USER
#error "mioext needs EVFILT_USER in <sys/event.h>, which NetBSD has from 10 and OpenBSD from 7.8 on"
#endif

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Shared by a selector and its wakers and signals, which pass the queue to their system calls and
/// may outlive the selector.
///
/// A child does not inherit it (kqueue(2): "the queue is not inherited by a child created with
/// fork(2)"): in the child, the number is free or belongs to something else.
class kernel_queue {
public:
  /// If is_open() is false afterwards, errno says why.
  kernel_queue() noexcept : fd_(::kqueue()), owner_(::getpid()), next_waker_(1) {
    // Close-on-exec is set in a second step, because not every system can make such a queue in one.
    // There is no race with a fork and an exec in another thread, because a child does not inherit
    // the queue.
    if (fd_ >= 0) {
      make_close_on_exec(fd_);
    }
  }

  kernel_queue(kernel_queue const&) = delete;
  kernel_queue& operator=(kernel_queue const&) = delete;

  ~kernel_queue() {
    if (is_open() && !is_left_behind()) {
      int const saved = errno;
      ::close(fd_);
      errno = saved;
    }
  }

  int get() const noexcept { return fd_; }
  bool is_open() const noexcept { return fd_ >= 0; }

  /// True in a child of the process that made the queue.
  bool is_left_behind() const noexcept { return ::getpid() != owner_; }

  /// Takes over the descriptor number of `other`, which then has no descriptor.
  int take_number_of(kernel_queue& other) noexcept {
#ifdef LIBKQUEUE
    // libkqueue identifies a queue only by its number (kqueue_lookup in its src/common/kqueue.c),
    // so a duplicate of the descriptor is not a queue.
    static_cast<void>(other);
#else
    if (other.is_left_behind()) {
      bool const is_free = other.fd_ == fd_ || not_registered_error(other.fd_) == EBADF;
      if (!is_free) {
        return 0; // the number is in use by now, so this queue keeps its own
      }
    }
    if (other.fd_ != fd_) {
      if (::dup2(fd_, other.fd_) < 0) {
        return errno;
      }
      make_close_on_exec(other.fd_);
      ::close(fd_);
      fd_ = other.fd_;
    }
    other.fd_ = -1;
#endif
    return 0;
  }

  /// A number for one more EVFILT_USER.
  std::uintptr_t next_waker() noexcept { return next_waker_++; }

private:
  int fd_;
  ::pid_t const owner_;
  std::atomic<std::uintptr_t> next_waker_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_KERNEL_QUEUE_HPP
