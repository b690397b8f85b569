//
// mioext/detail/event_loop/loop_core.hpp
// --------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The part of an event loop that does not depend on the types of its tokens, its messages and its
// handler: it keeps time, sleeps and fetches events.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_LOOP_CORE_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_LOOP_CORE_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/dispatch_scope.hpp>
#include <mioext/detail/duration.hpp>
#include <mioext/detail/event_loop/divider.hpp>
#include <mioext/detail/event_loop/event_batch.hpp>
#include <mioext/detail/event_loop/mailbox.hpp>
#include <mioext/detail/event_loop/pending_connects.hpp>
#include <mioext/detail/event_loop/registrations.hpp>
#include <mioext/detail/event_loop/timer_wheel.hpp>
#include <mioext/detail/event_loop/token_word.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/detail/polling/connection_ops.hpp>
#include <mioext/detail/polling/registration_rules.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/event_loop_config.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The one class behind the event loops of all types. It calls no handler. basic_event_loop does
/// that, and takes from this class what is to be delivered.
///
/// Functions that are not needed for every event are not inlined, here and in the members, because
/// they would make run() too large to be inlined itself.
class loop_core {
public:
  using clock = std::chrono::steady_clock;

  class handler_scope;

  /// @param mailbox the parts of the loop that other threads may use.
  loop_core(event_loop_config const& config, std::shared_ptr<mailbox_base> mailbox)
      : config_(config), mailbox_(std::move(mailbox)), handles_(*mailbox_), connects_(handles_),
        timers_(config_.timer_wheel_size, config_.timer_capacity), first_tick_(clock::now()),
        tick_length_(static_cast<std::uint64_t>(config_.timer_tick.count())) {}

  ~loop_core() { mailbox_->close(); }

  loop_core(loop_core const&) = delete;
  loop_core& operator=(loop_core const&) = delete;

  /// Returns an errno value; throws std::bad_alloc.
  int open();

  /// To be called when the program does not need the loop any more, perhaps inside a handler:
  /// nothing more is delivered, and what the loop shares with others is released. The handler still
  /// has a reference to the loop and may call its members until it returns, so every function that
  /// delivers checks whether the loop is closed.
  void close() noexcept;

  bool is_closed() const noexcept { return is_closed_; }

  event_loop_config const& config() const noexcept { return config_; }
  std::shared_ptr<mailbox_base> const& mailbox() const noexcept { return mailbox_; }
  event_batch& batch() noexcept { return batch_; }
  registrations& handles() noexcept { return handles_; }
  registrations const& handles() const noexcept { return handles_; }
  pending_connects& connects() noexcept { return connects_; }
  timer_wheel<token_word>& timers() noexcept { return timers_; }

  // --- What the program asks for -----------------------------------------------------------------

  /// Returns an errno value.
  int connect(int fd, socket_address address, token_word name, interest wanted, trigger how) {
    int const error = connects_.start(fd, address, name, wanted, how);
    if (error == 0) {
      wake_outer_loop(connects_.next());
    }
    return error;
  }

  /// Returns an errno value.
  int listen(int fd, int backlog, token_word name, trigger how);

  /// The point of time that is `after` from now. Reads the clock.
  template <class Rep, class Period>
  static clock::time_point from_now(std::chrono::duration<Rep, Period> const& after) noexcept {
    return saturated_sum<clock>(clock::now(), ceil_nanoseconds(after));
  }

  /// Reads no clock. Throws std::bad_alloc and std::length_error.
  timer_id set_timer(clock::time_point due, token_word name);

  /// The same, but if memory runs out, sets `ec` to not_enough_memory and returns an id that names
  /// no timer.
  timer_id set_timer(clock::time_point due, token_word name, boost::system::error_code& ec);

  /// Returns false if the id names no pending timer. Reads no clock.
  bool reset_timer(timer_id set, clock::time_point due) noexcept;

  // --- Running -----------------------------------------------------------------------------------

  static std::chrono::nanoseconds no_limit() noexcept { return std::chrono::nanoseconds(-1); }
  static std::chrono::nanoseconds at_once() noexcept { return std::chrono::nanoseconds(0); }

  bool is_running() const noexcept { return is_running_; }

  /// True if time may bring something to deliver.
  bool has_deadlines() const noexcept { return !timers_.empty() || !handles_.retries().empty(); }

  /// Fetches events. Does not wait if there is something else to do; otherwise waits until `limit`
  /// or the next timer, or without end if there is neither (a negative limit stands for none). To
  /// be called only when everything that was fetched before has been delivered. Returns an errno
  /// value.
  int fetch(std::chrono::nanoseconds limit) noexcept;

  /// Keeps an event that others have fetched, until it is delivered. Returns false if there is no room.
  bool keep_event(selector::native_event const& event) noexcept {
    return batch_.push_back(event, config_.event_capacity);
  }

  /// Removes the outcome of a connect from the front event, which tells it. If the event reports
  /// something else, too, it stays in the batch with that; otherwise it is taken out.
  void take_outcome(registration const& connecting, selector::native_event& event) noexcept;

  /// To be called when a tick begins: now() reads the clock anew.
  void begin_tick() noexcept { read_in_tick_ = clock::time_point(); }

  /// While the loop runs, the clock as it was first read in this tick: by this function or at the
  /// end of a wait. Otherwise the clock.
  clock::time_point now() const noexcept {
    if (read_in_tick_ != clock::time_point() && is_running_) {
      return read_in_tick_;
    }
    return read_in_tick_ = clock::now();
  }

  /// Whole ticks from the first one to `point`, which is not before it.
  std::uint64_t ticks_until(clock::time_point point) const noexcept {
    std::chrono::nanoseconds const since_first = point - first_tick_;
    return tick_length_.quotient(static_cast<std::uint64_t>(since_first.count()));
  }

  // --- Inside another loop -----------------------------------------------------------------------

  /// How long the loop around this one may sleep: zero if not at all, max() if without limit. The
  /// answer is remembered, for wake_outer_loop().
  std::chrono::nanoseconds time_to_next_timer() noexcept;

private:
  std::uint64_t deadline_at(clock::time_point due) const noexcept;
  void forget_closed() noexcept;
  clock::time_point next_wake_up() noexcept;
  void wake_outer_loop(clock::time_point wake_up) noexcept;
  clock::time_point sleep_deadline(std::chrono::nanoseconds limit) noexcept;
  int wait_until_due(std::chrono::nanoseconds limit) noexcept;

  bool sleeps_without_limit() const noexcept {
    return !has_deadlines() && !connects_.has_known_outcome() &&
           config_.longest_sleep == std::chrono::nanoseconds::max();
  }

  int wait(std::chrono::nanoseconds timeout) noexcept {
    return handles_.system_selector().wait(batch_.storage(), config_.event_capacity, timeout);
  }

  event_loop_config const config_;
  std::shared_ptr<mailbox_base> const mailbox_;
  registrations handles_;
  pending_connects connects_;
  timer_wheel<token_word> timers_;
  clock::time_point const first_tick_;
  divider const tick_length_;
  event_batch batch_{};

  // The time until which the outer loop may sleep, as it was last told; min() if it was not told,
  // or has been woken since.
  clock::time_point outer_wake_up_ = clock::time_point::min();

  // What now() says for the rest of this tick; the clock's epoch if it has not been asked.
  mutable clock::time_point read_in_tick_{};

  bool is_running_ = false;
  bool is_closed_ = false;
};

/// On the stack while the loop runs: keeps run() from being entered twice, and is notified of the
/// handles that the handler closes.
class loop_core::handler_scope final : public dispatch_scope {
public:
  explicit handler_scope(loop_core& core) noexcept : core_(core), is_inner_(core.is_running_) {
    core_.is_running_ = true;
    core_.outer_wake_up_ = clock::time_point::min();
    if (!is_inner_ && !core_.batch_.empty()) {
      core_.forget_closed();
    }
  }

  ~handler_scope() {
    if (!is_inner_) {
      core_.is_running_ = false;
      if (is_asked_next_) {
        core_.mailbox_->leave_to_driver();
      } else {
        core_.mailbox_->leave();
      }
    }
  }

  /// Whoever drives the loop calls time_to_next_timer() afterwards, unless it ends the run.
  void is_asked_next() noexcept { is_asked_next_ = true; }

  /// Deregisters the handle instead of only forgetting it: while a duplicate keeps the file open,
  /// closing the handle does not remove it from the selector, which would go on reporting events of
  /// a number that nobody can deregister any more.
  void handle_closing(int fd) noexcept override {
    registration const* const known = core_.handles_.find(fd);
    if (known && !known->is_vacant()) {
      core_.handles_.remove(fd);
    }
  }

  int take_connect_error(int fd) noexcept override {
    return core_.handles_.retries().take_told_error(fd);
  }

private:
  loop_core& core_;
  bool const is_inner_;
  bool is_asked_next_ = false;
};

BOOST_NOINLINE inline int loop_core::open() {
  if (config_.event_capacity == 0 || config_.event_capacity > selector::most_events() ||
      config_.message_capacity == 0 || config_.messages_per_tick == 0 ||
      config_.timer_tick < std::chrono::milliseconds(1) ||
      config_.longest_sleep <= std::chrono::nanoseconds::zero()) {
    return EINVAL;
  }
  batch_.allocate(config_.event_capacity);
  return handles_.open();
}

BOOST_NOINLINE inline void loop_core::close() noexcept {
  is_closed_ = true;
  batch_.clear();
  connects_.drop_known_outcomes();
  handles_.signals().clear();
  mailbox_->close();
}

BOOST_NOINLINE inline int loop_core::listen(int fd, int backlog, token_word name, trigger how) {
  int error = check_registration(interest::readable, how);
  if (error == 0) {
    error = start_listen(fd, backlog);
  }
  if (error == 0) {
    // The socket listens before it is registered: a selector reports at registration what is ready
    // already, but it would report a socket that does not listen yet as hung up.
    error = handles_.add(fd, name, interest::readable, how);
    if (error == EEXIST) {
      handles_.remove(fd);
      error = handles_.add(fd, name, interest::readable, how);
    }
  }
  return error;
}

/// The tick, rounded up, at which `due` has come: zero if it came before the first one, and the last
/// one, which is never reached, if it never comes.
inline std::uint64_t loop_core::deadline_at(clock::time_point due) const noexcept {
  if (due <= first_tick_) {
    return 0;
  }
  return due == clock::time_point::max() ? std::numeric_limits<std::uint64_t>::max()
                                         : ticks_until(due - clock::duration(1)) + 1;
}

inline timer_id loop_core::set_timer(clock::time_point due, token_word name) {
  timer_id const set = timers_.insert(deadline_at(due), name);
  wake_outer_loop(due);
  return set;
}

inline timer_id loop_core::set_timer(clock::time_point due, token_word name,
                                     boost::system::error_code& ec) {
  ec.clear();
  BOOST_TRY { return set_timer(due, name); }
  BOOST_CATCH(std::bad_alloc const&) {}
  BOOST_CATCH(std::length_error const&) {}
  BOOST_CATCH_END
  ec = system_error_code(ENOMEM);
  return timer_id();
}

inline bool loop_core::reset_timer(timer_id set, clock::time_point due) noexcept {
  bool const was_pending = timers_.move(set, deadline_at(due));
  if (was_pending) {
    wake_outer_loop(due);
  }
  return was_pending;
}

/// An exception has left events undelivered, and between two runs the loop is not notified when
/// handles are closed. So the registrations of descriptors that are not in the selector any more
/// are forgotten, and their events are not delivered.
BOOST_NOINLINE inline void loop_core::forget_closed() noexcept {
  if (handles_.own_selector() != 0) {
    return; // the tick reports this
  }
  for (selector::native_event const& left : batch_) {
    int const fd = static_cast<int>(selector::descriptor(left));
    registration const* const known = handles_.find(fd);
    if (known && known->owns(selector::tag(left))) {
      handles_.forget_if_closed(fd);
    }
  }
}

/// When the loop must wake up for a timer or a connect that is to be tried again.
inline loop_core::clock::time_point loop_core::next_wake_up() noexcept {
  clock::time_point const retry = handles_.retries().next();
  std::uint64_t const deadline = timers_.next_deadline();
  if (deadline >= ticks_until(clock::time_point::max())) {
    return retry; // no timer, or only such as never expire
  }
  return std::min(retry, first_tick_ + config_.timer_tick * static_cast<std::int64_t>(deadline));
}

inline std::chrono::nanoseconds loop_core::time_to_next_timer() noexcept {
  if (!batch_.empty() || connects_.has_known_outcome() || mailbox_->has_news()) {
    return std::chrono::nanoseconds::zero();
  }
  clock::time_point const wake_up = next_wake_up();
  outer_wake_up_ = wake_up;
  if (wake_up == clock::time_point::max()) {
    return std::chrono::nanoseconds::max();
  }
  return std::max(clock::duration::zero(), wake_up - clock::now());
}

/// Another loop may be waiting for this one until the time that time_to_next_timer() gave it. If
/// this loop must wake up earlier, it makes its descriptor readable, so that the other loop comes
/// and asks again.
inline void loop_core::wake_outer_loop(clock::time_point wake_up) noexcept {
  if (!is_running_ && wake_up < outer_wake_up_) {
    outer_wake_up_ = clock::time_point::min();
    mailbox_->wake();
  }
}

MIOEXT_DETAIL_FORCEINLINE int loop_core::fetch(std::chrono::nanoseconds limit) noexcept {
  if (int const error = handles_.own_selector()) {
    return error;
  }
  int count = -EINTR;
  if (limit < std::chrono::nanoseconds::zero() && sleeps_without_limit()) {
    count = wait(mailbox_->fall_asleep() ? no_limit() : at_once());
  }
  if (limit == at_once()) {
    count = wait(limit);
  } else if (count == -EINTR) {
    count = wait_until_due(limit);
  }
  mailbox_->stay_awake();
  if (count < 0) {
    return count == -EINTR ? 0 : -count;
  }
  batch_.refill(static_cast<std::size_t>(count));
  return 0;
}

/// If the connection was made and there is something to read, that is delivered afterwards as an
/// event of its own. A selector that reports reading and writing in separate events may have
/// fetched both at once. If the event for reading comes first and so tells the outcome, the event
/// for writing is removed, because it would tell the outcome again.
BOOST_NOINLINE inline void loop_core::take_outcome(registration const& connecting,
                                                   selector::native_event& event) noexcept {
  if (!selector::concerns_writing(event)) {
    batch_.remove_after_front([&event](selector::native_event const& other) {
      return selector::descriptor(other) == selector::descriptor(event) &&
             selector::tag(other) == selector::tag(event) && selector::concerns_writing(other);
    });
  }
  if (connecting.wants_writing() && connecting.wants_reading() && !selector::is_error(event) &&
      selector::concerns_reading(event)) {
    selector::drop_writing(event);
  } else {
    batch_.pop_front();
  }
}

/// The part of fetch() for loops that must wake up at a certain time, and for waits that a signal
/// handler has interrupted.
BOOST_NOINLINE inline int loop_core::wait_until_due(std::chrono::nanoseconds limit) noexcept {
  if (limit == at_once() || connects_.has_known_outcome() || !mailbox_->fall_asleep()) {
    return wait(at_once());
  }
  clock::time_point const deadline = sleep_deadline(limit);
  bool const is_limited = deadline != clock::time_point::max();
  // Waits again if the system ends a wait too early: because a signal handler ran, or because the
  // system cannot wait so long in one call.
  for (;;) {
    std::chrono::nanoseconds remaining = no_limit();
    if (is_limited) {
      remaining = std::max(clock::duration::zero(), deadline - clock::now());
    }
    int const count = wait(remaining);
    if (count != 0 && count != -EINTR) {
      return count;
    }
    if (is_limited) {
      clock::time_point const woken = clock::now();
      if (woken >= deadline) {
        read_in_tick_ = woken;
        return 0;
      }
    }
  }
}

inline loop_core::clock::time_point
loop_core::sleep_deadline(std::chrono::nanoseconds limit) noexcept {
  if (limit < std::chrono::nanoseconds::zero() || limit > config_.longest_sleep) {
    limit = config_.longest_sleep;
  }
  clock::time_point const next = next_wake_up();
  return limit == std::chrono::nanoseconds::max()
             ? next
             : std::min(next, saturated_sum<clock>(clock::now(), limit));
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_LOOP_CORE_HPP
