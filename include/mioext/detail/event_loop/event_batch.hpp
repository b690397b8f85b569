//
// mioext/detail/event_loop/event_batch.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The events that a loop has fetched last, and which of them are still to be delivered.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_EVENT_BATCH_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_EVENT_BATCH_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>

#include <mioext/detail/polling/selector.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// An event is taken out before the call that delivers it or, if several calls deliver it, before
/// the last of them. So if a call throws or enters the loop again, the batch contains exactly the
/// events that are still to be delivered.
class event_batch {
public:
  using native_event = selector::native_event;

  event_batch() noexcept : next_(nullptr), end_(nullptr) {}

  event_batch(event_batch const&) = delete;
  event_batch& operator=(event_batch const&) = delete;

  /// Allocates the memory. To be called once. Throws std::bad_alloc.
  void allocate(std::size_t capacity) {
    events_.reset(new native_event[capacity]);
    next_ = end_ = events_.get();
  }

  /// True if all events have been delivered.
  bool empty() const noexcept { return next_ == end_; }

  /// The event to be delivered next. There must be one.
  native_event& front() noexcept { return *next_; }

  void pop_front() noexcept { ++next_; }

  /// Drops what is still to be delivered.
  void clear() noexcept { next_ = end_; }

  /// Where the selector writes events.
  native_event* storage() noexcept { return events_.get(); }

  /// To be called after the selector has written `count` events, which replace all others.
  void refill(std::size_t count) noexcept {
    next_ = events_.get();
    end_ = next_ + count;
  }

  /// Adds an event that is to be delivered last. Returns false if there is no room.
  bool push_back(native_event const& event, std::size_t capacity) noexcept {
    native_event* const first = events_.get();
    if (end_ == first + capacity) {
      end_ = std::copy(next_, end_, first);
      next_ = first;
    }
    if (end_ == first + capacity) {
      return false;
    }
    *end_++ = event;
    return true;
  }

  /// Drops the events after the front one for which `is_dropped` holds.
  template <class Predicate> void remove_after_front(Predicate is_dropped) noexcept {
    end_ = std::remove_if(next_ + 1, end_, is_dropped);
  }

  native_event const* begin() const noexcept { return next_; }
  native_event const* end() const noexcept { return end_; }

private:
  // `events_` stands between the two pointers on purpose. If they were side by side, gcc would join
  // the two stores to them, which costs one more instruction for each wait (measured).
  native_event* next_;
  std::unique_ptr<native_event[]> events_{};
  native_event* end_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_EVENT_BATCH_HPP
