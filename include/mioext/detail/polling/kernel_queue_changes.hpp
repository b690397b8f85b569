//
// mioext/detail/polling/kernel_queue_changes.hpp
// ----------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Changes to a kqueue: what is to be watched, and what became of each of them.
//

#ifndef MIOEXT_DETAIL_POLLING_KERNEL_QUEUE_CHANGES_HPP
#define MIOEXT_DETAIL_POLLING_KERNEL_QUEUE_CHANGES_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include <sys/event.h>
#include <sys/types.h>

#include <mioext/detail/polling/kernel_queue.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Changes to be made to a queue in one system call, and then what became of each.
///
/// With EV_RECEIPT each change is answered by an event in its place, whose data is an errno value
/// or zero, and nothing else is fetched (kqueue(2)).
class kernel_queue_changes {
public:
  using native_event = struct ::kevent;
  using filter_type = decltype(native_event::filter); // short; unsigned on NetBSD
  using flags_type = decltype(native_event::flags);

  /// One change, or an event as the system reports it.
  static native_event make(std::uintptr_t ident, int filter, int flags, std::uintptr_t data,
                           unsigned filter_flags) noexcept {
    native_event made = native_event();
    made.ident = ident;
    made.filter = static_cast<filter_type>(filter);
    made.flags = static_cast<flags_type>(flags);
    made.fflags = filter_flags;
    // udata is a pointer, but an integer on NetBSD before 10 (sys/event.h). It is copied by value,
    // because Apple's structure is packed.
    decltype(native_event::udata) user_data;
    static_assert(sizeof user_data == sizeof data, "user data is as large as a pointer");
    std::memcpy(&user_data, &data, sizeof user_data);
    made.udata = user_data;
    return made;
  }

  bool is_full() const noexcept { return size_ == capacity; }
  void clear() noexcept { size_ = 0; }

  void push(std::uintptr_t ident, int filter, int flags, std::uintptr_t data,
            unsigned filter_flags = 0) noexcept {
    list_[size_++] = make(ident, filter, flags | EV_RECEIPT, data, filter_flags);
  }

  /// Makes them. Returns an errno value if that was not even tried.
  int apply(kernel_queue const& queue) noexcept {
    if (size_ == 0) {
      return 0;
    }
    errno = 0; // what libkqueue reports for a change that fails without a reason
    int const count = static_cast<int>(size_);
    return ::kevent(queue.get(), list_, count, list_, count, nullptr) < 0 ? errno : 0;
  }

  std::size_t size() const noexcept { return size_; }

  /// The first error of the changes from `first` on; zero if there is none.
  int first_error(std::size_t first = 0) const noexcept {
    for (std::size_t index = first; index != size_; ++index) {
      if (int const found = error(index)) {
        return found;
      }
    }
    return 0;
  }

  /// True if at least one was made.
  bool any_done() const noexcept { return any_done(size_); }

  /// The same, of those before `last`.
  bool any_done(std::size_t last) const noexcept {
    for (std::size_t index = 0; index != last; ++index) {
      if (error(index) == 0) {
        return true;
      }
    }
    return false;
  }

private:
  static constexpr std::size_t capacity = 16;

  int error(std::size_t index) const noexcept {
    return list_[index].flags & EV_ERROR ? static_cast<int>(list_[index].data) : 0;
  }

  native_event list_[capacity];
  std::size_t size_ = 0;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_KERNEL_QUEUE_CHANGES_HPP
