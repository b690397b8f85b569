//
// mioext/detail/async/timer_queue.hpp
// -----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The operations of a context that wait for points in time.
//

#ifndef MIOEXT_DETAIL_ASYNC_TIMER_QUEUE_HPP
#define MIOEXT_DETAIL_ASYNC_TIMER_QUEUE_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/error.hpp>
#include <boost/assert.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/optional_mutex.hpp>
#include <mioext/detail/async/pending_operations.hpp>
#include <mioext/detail/async/reactor_host.hpp>
#include <mioext/detail/event_loop/timer_wheel.hpp>
#include <mioext/event_loop_config.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The operations that wait for one timer, which all wait for the same point in time. It is in the
/// wheel as long as there are any. It must stay where it is, or be moved by timer_queue::move().
struct timer_waits {
  operation_queue operations{};
  timer_id place{};

  /// Whether there are any, for who has not got the lock. When another thread has ended the last one,
  /// that is its last access to this object.
  std::atomic<bool> are_any{false};
};

/// A wheel whose tick is a millisecond, which deadlines are rounded up to. Timers within one tick end
/// in the order in which they were started.
///
/// Operations end when the host takes out what is due, or when they are cancelled; none is called or
/// destroyed under the lock. Thread-safe if it is locked, except for two threads that use the same
/// timer_waits.
class timer_queue {
public:
  using clock = std::chrono::steady_clock;

  static constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

  /// @param is_locked false if one thread uses it at a time, which before it sleeps asks for
  /// next_deadline(); then the host is not asked to wake up
  timer_queue(reactor_host& host, pending_operations& pending, bool is_locked,
              event_loop_config const& config) noexcept
      : host_(host), pending_(pending), first_tick_(clock::now()),
        wheel_(config.timer_wheel_size, config.timer_capacity), wakes_at_(is_locked ? never : 0) {
    if (!is_locked) {
      mutex_.disable();
    }
  }

  timer_queue(timer_queue const&) = delete;
  timer_queue& operator=(timer_queue const&) = delete;

  /// One thread uses it at a time, but the host is asked to wake up nevertheless. Before it is used.
  void lock_nothing() noexcept { mutex_.disable(); }

  // --- For timers ----------------------------------------------------------------------------------

  /// Takes ownership of `operation`, which waits for `expiry` from now on. If there is no memory for
  /// that, destroys it and throws.
  ///
  /// @param may_be_past true if `expiry` is to be compared with the clock. Otherwise a point in the
  /// past may be found only with the next tick.
  /// @param place if not null, is told what to cancel it by, before it can end
  void start(timer_waits& timer, clock::time_point expiry, bool may_be_past,
             descriptor_operation& operation, timer_id* place) {
    assert_usable();
    operation_queue owner; // whose destructor comes after that of the lock
    owner.push(operation);
    bool must_listen = false;
    {
      std::lock_guard<optional_mutex> const lock(mutex_);
      if (timer.operations.empty()) {
        enter(timer, expiry, may_be_past);
      }
      if (place) {
        *place = timer.place;
      }
      timer.operations.push(*owner.pop());
      timer.are_any.store(true, std::memory_order_relaxed);
      must_listen = pending_.add();
    }
    if (must_listen) {
      host_.listen();
    }
  }

  /// Ends the first `most` operations of the timer with operation_aborted. Returns how many.
  std::size_t cancel(timer_waits& timer, std::size_t most) {
    if (!has_any(timer)) {
      return 0;
    }
    operation_queue aborted;
    std::size_t const count = take(timer, most, aborted);
    if (count != 0) {
      host_.finish(aborted);
    }
    return count;
  }

  /// The same for all of them, for a timer that is destroyed. An operation for which its executor has no
  /// memory is dropped: a destructor cannot say so, and may be called in order to free memory.
  void cancel_or_drop(timer_waits& timer) noexcept {
    if (!has_any(timer)) {
      return;
    }
    BOOST_TRY { cancel(timer, all); }
    BOOST_CATCH(...) {} // the operations were destroyed on the way here
    BOOST_CATCH_END
  }

  /// Ends the one operation with that key, if it still waits.
  void cancel(timer_id place, void const* cancellation_key) {
    assert_usable();
    operation_queue aborted;
    {
      std::lock_guard<optional_mutex> const lock(mutex_);
      if (timer_waits* const* const timer = wheel_.find(place)) {
        take_if(**timer, aborted, [cancellation_key](descriptor_operation const& operation) {
          return operation.cancellation_key() == cancellation_key;
        });
      }
    }
    if (!aborted.empty()) {
      host_.finish(aborted);
    }
  }

  /// Destroys all operations of the timer. Returns how many.
  std::size_t drop(timer_waits& timer) {
    if (!has_any(timer)) {
      return 0;
    }
    operation_queue dropped;
    std::size_t const count = take(timer, all, dropped);
    if (count != 0 && pending_.count() == 0) {
      operation_queue none;
      host_.finish(none); // which may be listening for nothing now
    }
    return count;
  }

  /// `to`, for which nothing waits, takes over what waits for `from`.
  void move(timer_waits& from, timer_waits& to) noexcept {
    if (!has_any(from)) {
      return;
    }
    assert_usable();
    std::lock_guard<optional_mutex> const lock(mutex_);
    if (!from.operations.empty()) {
      to.operations.append(from.operations);
      to.are_any.store(true, std::memory_order_relaxed);
      to.place = from.place;
      *wheel_.find(to.place) = &to;
      from.are_any.store(false, std::memory_order_relaxed);
    }
  }

  // --- For the host --------------------------------------------------------------------------------

  /// True if nothing waits.
  bool empty() const noexcept { return wheel_.empty(); }

  /// Adds the operations whose time has come to `done`.
  void take_due(operation_queue& done) noexcept {
    std::uint64_t const now = whole_ticks(clock::now());
    std::lock_guard<optional_mutex> const lock(mutex_);
    while (wheel_.pop_due(now, [this, &done](timer_waits* timer) { end(*timer, {}, done); })) {
    }
    if (wakes_at_ != 0) {
      wakes_at_ = never;
      wake_at(wheel_.next_deadline());
    }
  }

  /// When the next operation ends, or earlier; max() if none waits.
  clock::time_point next_deadline() noexcept { return point_of(wheel_.next_deadline()); }

  /// Adds all operations to `taken`, with `outcome`.
  void take_all(boost::system::error_code const& outcome, operation_queue& taken) noexcept {
    std::lock_guard<optional_mutex> const lock(mutex_);
    wheel_.take_all([this, &outcome, &taken](timer_waits* timer) { end(*timer, outcome, taken); });
  }

private:
  using tick = std::chrono::milliseconds;

  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

  /// How many ticks have passed at `point`.
  std::uint64_t whole_ticks(clock::time_point point) const noexcept {
    return point <= first_tick_ ? 0 : static_cast<std::uint64_t>((point - first_tick_) / tick(1));
  }

  /// How many ticks must have passed so that it is not before `point`.
  std::uint64_t ticks_until(clock::time_point point) const noexcept {
    return point <= first_tick_ ? 0 : whole_ticks(point - clock::duration(1)) + 1;
  }

  clock::time_point point_of(std::uint64_t deadline) const noexcept {
    return deadline >= whole_ticks(clock::time_point::max())
               ? clock::time_point::max()
               : first_tick_ + tick(static_cast<std::int64_t>(deadline));
  }

  void assert_usable() const noexcept {
    BOOST_ASSERT_MSG(host_.is_usable_here(),
                     "the timers of a selector_context belong to the thread that runs it");
  }

  void enter(timer_waits& timer, clock::time_point expiry, bool may_be_past) {
    std::uint64_t deadline = ticks_until(expiry);
    bool is_past = deadline <= wheel_.elapsed();
    std::uint64_t now = wheel_.elapsed();
    if (!is_past && may_be_past) {
      clock::time_point const time = clock::now();
      is_past = expiry <= time;
      now = whole_ticks(time);
    }
    if (is_past) {
      timer.place = wheel_.insert_due(now, &timer);
      deadline = 0;
    } else {
      timer.place = wheel_.insert(deadline, &timer);
    }
    wake_at(deadline);
  }

  /// Asks the host to wake up, unless it does that early enough.
  void wake_at(std::uint64_t deadline) noexcept {
    if (deadline < wakes_at_) {
      wakes_at_ = deadline == 0 ? 1 : deadline; // zero is for a host that need not be asked
      host_.wake_at(point_of(deadline));
    }
  }

  std::size_t take(timer_waits& timer, std::size_t most, operation_queue& taken) noexcept {
    assert_usable();
    std::lock_guard<optional_mutex> const lock(mutex_);
    return take_if(timer, taken, [most](descriptor_operation const&) mutable {
      return most != 0 && most-- != 0;
    });
  }

  template <class Predicate>
  std::size_t take_if(timer_waits& timer, operation_queue& aborted, Predicate is_taken) noexcept {
    if (timer.operations.empty()) {
      return 0;
    }
    std::size_t const count =
        timer.operations.move_if(aborted, [&is_taken](descriptor_operation& operation) {
          bool const is_one = is_taken(operation);
          if (is_one) {
            operation.end_with(boost::asio::error::operation_aborted);
          }
          return is_one;
        });
    if (timer.operations.empty()) {
      wheel_.erase(timer.place);
      timer.are_any.store(false, std::memory_order_release);
    }
    pending_.remove(count);
    return count;
  }

  /// All operations of a timer that is not in the wheel any more.
  void end(timer_waits& timer, boost::system::error_code const& outcome,
           operation_queue& ended) noexcept {
    pending_.remove(timer.operations.move_if(ended, [&outcome](descriptor_operation& operation) {
      operation.end_with(outcome);
      return true;
    }));
    timer.are_any.store(false, std::memory_order_release);
  }

  /// Spares the lock. False also if another thread has just ended the last one.
  static bool has_any(timer_waits const& timer) noexcept {
    return timer.are_any.load(std::memory_order_acquire);
  }

  reactor_host& host_;
  pending_operations& pending_;
  clock::time_point const first_tick_;
  optional_mutex mutex_{}; // protects what follows, and all timer_waits
  timer_wheel<timer_waits*> wheel_;
  std::uint64_t wakes_at_; // by then the host calls take_due(); zero if it need not be asked
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_TIMER_QUEUE_HPP
