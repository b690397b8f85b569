//
// mioext/detail/polling/kqueue_waker.hpp
// --------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Wakes a thread that waits for a kqueue: EVFILT_USER at once, EVFILT_TIMER after a while. See
// detail/polling/selector_contract.hpp for what its members promise.
//

#ifndef MIOEXT_DETAIL_POLLING_KQUEUE_WAKER_HPP
#define MIOEXT_DETAIL_POLLING_KQUEUE_WAKER_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include <sys/event.h>

#include <mioext/detail/polling/kernel_queue.hpp>
#include <mioext/detail/polling/kernel_queue_changes.hpp>
#include <mioext/detail/polling/kqueue_selector.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// An EVFILT_USER with EV_CLEAR: each trigger is a new edge, and triggers before the event are one.
class kqueue_waker {
public:
  kqueue_waker() noexcept : ident_(0), data_(0) {}

  kqueue_waker(kqueue_waker&& other) noexcept : ident_(0), data_(0) { swap(other); }

  kqueue_waker& operator=(kqueue_waker&& other) noexcept {
    kqueue_waker moved(std::move(other));
    swap(moved);
    return *this;
  }

  kqueue_waker(kqueue_waker const&) = delete;
  kqueue_waker& operator=(kqueue_waker const&) = delete;

  ~kqueue_waker() {
    if (queue_ && !queue_->is_left_behind()) {
      kernel_queue_changes changes;
      changes.push(ident_, EVFILT_USER, EV_DELETE, data_);
      changes.apply(*queue_);
    }
  }

  int open(kqueue_selector& selector, kqueue_selector::user_data data) noexcept {
    if (!selector.queue()) {
      return EBADF;
    }
    kqueue_waker made;
    made.ident_ = selector.queue()->next_waker();
    made.data_ = data;
    kernel_queue_changes changes;
    changes.push(made.ident_, EVFILT_USER, EV_ADD | EV_CLEAR, data);
    int error = changes.apply(*selector.queue());
    if (error == 0) {
      error = changes.first_error();
    }
    if (error == 0) {
      made.queue_ = selector.queue();
      swap(made);
    }
    return error;
  }

  /// With the user data once more, because every change replaces it.
  int wake() const noexcept {
    if (!queue_) {
      return EBADF;
    }
    kernel_queue_changes changes;
    changes.push(ident_, EVFILT_USER, 0, data_, NOTE_TRIGGER);
    int const error = changes.apply(*queue_);
    return error ? error : changes.first_error();
  }

private:
  void swap(kqueue_waker& other) noexcept {
    queue_.swap(other.queue_);
    std::swap(ident_, other.ident_);
    std::swap(data_, other.data_);
  }

  std::shared_ptr<kernel_queue> queue_;
  std::uintptr_t ident_;
  kqueue_selector::user_data data_;
};

/// An EVFILT_TIMER with EV_ONESHOT, which is made anew each time.
class kqueue_alarm {
public:
  int open(kqueue_selector& selector, kqueue_selector::user_data data) noexcept {
    if (!selector.queue()) {
      return EBADF;
    }
    queue_ = selector.queue();
    data_ = data;
    return 0;
  }

  int set(std::chrono::nanoseconds delay) const noexcept {
    if (!queue_) {
      return EBADF;
    }
    // There is one alarm for each queue, and no other timer, so one identifier is enough. By
    // default, EVFILT_TIMER counts in milliseconds on all systems. They are rounded up.
    kqueue_selector::native_event change =
        kernel_queue_changes::make(1, EVFILT_TIMER, EV_ADD | EV_ONESHOT, data_, 0);
    std::int64_t const rounded = delay.count() > 0 ? (delay.count() - 1) / 1000000 + 1 : 1;
    change.data = static_cast<decltype(change.data)>(rounded);
    return ::kevent(queue_->get(), &change, 1, nullptr, 0, nullptr) == 0 ? 0 : errno;
  }

private:
  std::shared_ptr<kernel_queue> queue_{};
  kqueue_selector::user_data data_ = 0;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_KQUEUE_WAKER_HPP
