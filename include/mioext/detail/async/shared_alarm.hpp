//
// mioext/detail/async/shared_alarm.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// One alarm of a nested selector for two purposes: timers, and looking for closed descriptors.
//

#ifndef MIOEXT_DETAIL_ASYNC_SHARED_ALARM_HPP
#define MIOEXT_DETAIL_ASYNC_SHARED_ALARM_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include <mioext/detail/async/optional_mutex.hpp>
#include <mioext/detail/polling/selector.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// It is only ever set to an earlier time. When the timer for which it was set is cancelled, it goes
/// off nevertheless, and is then set for the next one: that is one system call now and then instead
/// of one for each timer.
///
/// Thread-safe. Its lock is the innermost of all.
class shared_alarm {
public:
  using clock = std::chrono::steady_clock;

  /// From now on one thread at a time uses it.
  void lock_nothing() noexcept { mutex_.disable(); }

  int open(selector& watching, selector::user_data data) noexcept {
    return alarm_.open(watching, data);
  }

  /// Makes it go off at `due`, when it will be time to look.
  /// @param is_parents true in a child process that still has its parent's alarm, which is left
  /// alone until it is replaced
  void look_at(clock::time_point due, bool is_parents) noexcept {
    std::lock_guard<optional_mutex> const lock(mutex_);
    look_ = std::min(look_, due);
    set(due, is_parents);
  }

  /// Makes it go off at `due` or earlier.
  void wake_at(clock::time_point due, bool is_parents) noexcept {
    std::lock_guard<optional_mutex> const lock(mutex_);
    set(due, is_parents);
  }

  /// To be called when it has gone off. True if it was for look_at(), too.
  bool is_time_to_look() noexcept {
    std::lock_guard<optional_mutex> const lock(mutex_);
    goes_off_ = clock::time_point::max();
    bool const is_time = look_ <= clock::now();
    if (is_time) {
      look_ = clock::time_point::max();
    }
    set(look_, false);
    return is_time;
  }

  /// `fresh` goes off when this one would have.
  void replace_by(selector_alarm&& fresh) noexcept {
    std::lock_guard<optional_mutex> const lock(mutex_);
    alarm_ = std::move(fresh);
    clock::time_point const due = goes_off_;
    goes_off_ = clock::time_point::max();
    set(due, false);
  }

private:
  void set(clock::time_point due, bool is_parents) noexcept {
    if (due < goes_off_) {
      goes_off_ = due;
      if (!is_parents) {
        alarm_.set(due - clock::now());
      }
    }
  }

  optional_mutex mutex_{};
  selector_alarm alarm_{};
  clock::time_point goes_off_ = clock::time_point::max();
  clock::time_point look_ = clock::time_point::max();
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_SHARED_ALARM_HPP
