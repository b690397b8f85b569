//
// mioext/detail/async/scheduled_selector.hpp
// ------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A selector that is nested in the selector of a selector_context, and what wakes its owner there.
//

#ifndef MIOEXT_DETAIL_ASYNC_SCHEDULED_SELECTOR_HPP
#define MIOEXT_DETAIL_ASYNC_SCHEDULED_SELECTOR_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <new>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/function_memory.hpp>
#include <mioext/detail/async/handler_executor.hpp>
#include <mioext/detail/async/lent_selector.hpp>
#include <mioext/detail/async/nested_selector.hpp>
#include <mioext/detail/async/scheduler.hpp>
#include <mioext/detail/async/scheduler_sources.hpp>
#include <mioext/detail/async/selector_service_access.hpp>
#include <mioext/detail/event_loop/loop_core.hpp>
#include <mioext/detail/event_loop/selector_lender.hpp>
#include <mioext/detail/fork_mark.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The counterpart of nested_selector for a selector_context: the same members with the same
/// meaning, but the scheduler itself waits, so that Asio's reactor is not needed and no thread of
/// its own is started. One object is what is queued, for whatever wakes the owner.
///
/// All of it is used in the thread that runs the context, so the owner's mutex locks nothing. Only
/// hand_over_cancel() may be called by any thread.
///
/// @tparam Owner,Pointer,Executor as of nested_selector; and the owner has
///   void cancel_handed_over()   called in the context's thread after hand_over_cancel()
template <class Owner, class Pointer, class Executor>
class scheduled_selector final : private scheduler_source {
public:
  /// Locks nothing.
  struct mutex_type {
    void lock() noexcept {}
    void unlock() noexcept {}
  };

  using remains = Pointer;

  scheduled_selector(Owner& owner, Executor const& executor)
      : owner_(owner), executor_(executor),
        scheduler_(selector_service_access::native_scheduler(context_of(executor))),
        is_called_here_(native_scheduler_of(executor) != nullptr), cancel_(owner), lodging_(*this) {
    if (is_called_here_) {
      owner.core().handles().borrow_from(&lodging_);
    }
  }

  scheduled_selector(scheduled_selector const&) = delete;
  scheduled_selector& operator=(scheduled_selector const&) = delete;

  ~scheduled_selector() {
    owner_.core().handles().borrow_from(nullptr);
    scheduler_->lent().remove_all(lodging_);
    scheduler_->sources().remove(*this, scheduler_->is_left_behind());
  }

  // --- In and out of the context -------------------------------------------------------------------

  bool has_context() const noexcept { return has_context_; }

  bool is_left_behind() const noexcept { return has_context_ && added_in_.is_left_behind(); }

  bool can_wait() const noexcept {
    return has_context_ && is_in_reactor_ && !added_in_.is_left_behind();
  }

  void enter(int selector_descriptor, boost::system::error_code& ec) {
    ec = system_error_code(scheduler_->sources().add(*this, selector_descriptor));
    added_in_.renew();
    is_in_reactor_ = !ec;
  }

  void suspend() noexcept {
    is_in_reactor_ = false;
    ask_before_repeating();
    scheduler_->sources().remove(*this, scheduler_->is_left_behind());
  }

  remains leave() noexcept {
    has_context_ = false;
    scheduler_->sources().remove(*this, scheduler_->is_left_behind());
    return this->is_queued() ? Pointer() : std::move(held_); // else the queue drops it
  }

  // --- Waking the owner ----------------------------------------------------------------------------

  bool is_waiting(wake_source) const noexcept { return this->is_awaited(); }

  void woken(wake_source) noexcept {}

  void wait_for_events() {
    hold();
    if (int const error = scheduler_->sources().await(*this)) {
      failure_ = system_error_code(error);
      post();
    }
  }

  void wait_until(clock::time_point due) {
    hold();
    scheduler_->sources().await_until(*this, due);
  }

  void post() {
    hold();
    scheduler_->queue(*this);
  }

  void call_off() noexcept {
    scheduler_->sources().call_off(*this);
    if (!this->is_queued()) {
      Pointer const released(std::move(held_));
    }
  }

  void begin_turn() noexcept {}

  /// After a tick that has made that many calls: whether the owner's selector is to be looked at
  /// once more at once, instead of first by the scheduler's. That saves half of the system calls
  /// while the owner is busy. If it has looked in vain, it will not do so after the next ticks; each
  /// time twice as many, so that it costs next to nothing where events come one by one.
  ///
  /// To be called only if repeats_in() has not said so already.
  bool wants_another_tick(std::size_t calls) noexcept {
    if (calls != 0 && repeats_in_) {
      return false; // the scheduler was asked
    }
    repeats_in_ = may_repeat(calls) ? scheduler_.get() : nullptr;
    return repeats_in_ != nullptr;
  }

  /// Null, or the one to ask first (goes_on()) after a tick that has made calls. That is the frequent
  /// case.
  scheduler* const& repeats_in() const noexcept { return repeats_in_; }

  /// To be called when something has changed that wants_another_tick() heeds and the scheduler does
  /// not know.
  void ask_before_repeating() noexcept { repeats_in_ = nullptr; }

  // --- Cancelling from any thread ------------------------------------------------------------------

  /// If another thread may be running the context: makes that one cancel, and returns true.
  bool hand_over_cancel() {
    if (!has_context_ || scheduler_->is_running_here()) {
      return false;
    }
    cancel_.ask(*scheduler_);
    return true;
  }

  /// True if a cancellation was handed over and has not arrived yet. Then it does not arrive any
  /// more.
  bool take_cancel() noexcept { return cancel_.take(); }

private:
  static constexpr std::size_t memory_size = 192;

  /// What another thread queues.
  class cancel_request final : public descriptor_operation {
  public:
    explicit cancel_request(Owner& owner) noexcept
        : descriptor_operation(interest::none), owner_(owner), is_asked_(false), is_queued_(false) {
    }

    void ask(scheduler& where) {
      is_asked_.store(true);
      if (!is_queued_.exchange(true)) {
        held_ = owner_.pointer_for_context();
        where.post(*this);
      }
    }

    bool take() noexcept {
      return is_asked_.load(std::memory_order_relaxed) && is_asked_.exchange(false);
    }

    void complete(completion) override {
      Pointer const held(leave_queue());
      if (is_asked_.exchange(false)) {
        owner_.cancel_handed_over();
      }
    }

    void destroy() noexcept override { Pointer const held(leave_queue()); }

  private:
    io_status do_perform(int, boost::system::error_code&) noexcept override {
      return io_status::done;
    }

    Pointer leave_queue() noexcept {
      Pointer held(std::move(held_));
      held_ = Pointer();
      is_queued_.store(false);
      return held;
    }

    Owner& owner_;
    Pointer held_{};
    std::atomic<bool> is_asked_;
    std::atomic<bool> is_queued_;
  };

  /// The descriptors that the owner has in the context's selector. Its loop takes their events into its
  /// batch until a tick delivers them. If no tick is to come, because no run is pending, it watches them
  /// itself, as it does if it has no room: then nothing is reported twice or is lost.
  class lodging final : public lodger, public selector_lender {
  public:
    explicit lodging(scheduled_selector& self) noexcept : self_(self) {}

    // For the scheduler.

    void take_event(selector::native_event const& event, operation_queue& done) noexcept override {
      int const fd = static_cast<int>(selector::descriptor(event));
      if (core().is_closed()) {
        core().handles().remove(fd);
      } else if (!core().keep_event(event) ||
                 !(scheduler_sources::note_event(self_, done) || self_.owner_.is_ticking_)) {
        give_way(fd);
      }
    }

    void give_way(int fd) noexcept override {
      if (int const error = core().handles().take_back(fd)) {
        self_.failure_ = system_error_code(error);
        self_.post();
      }
    }

    int copy_to(selector& fresh, int fd) noexcept override {
      return core().handles().copy_borrowed(fresh, fd);
    }

    // For the loop.

    bool has(int fd) const noexcept override { return self_.scheduler_->lent().owner(fd) == this; }

    bool has_still(int fd) noexcept override {
      return has(fd) && self_.scheduler_->lent().has_still(fd);
    }

    int add(int fd, interest wanted, trigger how, selector::user_data data) noexcept override {
      operation_queue lost;
      int const error = self_.scheduler_->lent().add(*this, fd, wanted, how, data, lost);
      self_.scheduler_->finish(lost);
      return error;
    }

    int modify(int fd, interest wanted, trigger how, selector::user_data data) noexcept override {
      return self_.scheduler_->lent().modify(fd, wanted, how, data);
    }

    int remove(int fd) noexcept override { return self_.scheduler_->lent().remove(fd); }

    int renew() noexcept override { return self_.scheduler_->renew_selector(); }

  private:
    loop_core& core() const noexcept { return self_.owner_.core(); }

    scheduled_selector& self_;
  };

  /// What is given to an executor that is not the scheduler's own, such as a strand.
  struct wake_up {
    using allocator_type = function_allocator<void, memory_size>;

    allocator_type get_allocator() const noexcept { return allocator; }

    void operator()() {
      self->is_with_executor_ = false;
      self->wake();
    }

    Pointer owner;
    scheduled_selector* self;
    allocator_type allocator;
  };

  /// Keeps the owner while it is woken; and after that, if something is still to wake it. So the
  /// pointer is not copied for each wake-up.
  struct held_while_woken {
    explicit held_while_woken(scheduled_selector& used) noexcept
        : self(used), owner(std::move(used.held_)), was_woken(used.is_woken_) {
      self.held_ = Pointer();
      self.is_woken_ = true;
    }

    ~held_while_woken() {
      self.is_woken_ = was_woken;
      if (owner && !self.held_ && self.is_expected()) {
        self.held_ = std::move(owner);
      }
    }

    held_while_woken(held_while_woken const&) = delete;
    held_while_woken& operator=(held_while_woken const&) = delete;

    scheduled_selector& self;
    Pointer owner;
    bool const was_woken;
  };

  void hold() {
    if (!held_ && !is_woken_) {
      held_ = owner_.pointer_for_context();
    }
  }

  void complete(completion) override {
    this->leave_queue();
    held_while_woken const held(*this);
    if (is_called_here_) {
      wake();
    } else if (!is_with_executor_) {
      give_to_executor();
    }
  }

  void destroy() noexcept override {
    this->leave_queue();
    Pointer const dropped(std::move(held_));
  }

  /// The same for a tick that was not such a look itself, or was one in vain.
  BOOST_NOINLINE bool may_repeat(std::size_t calls) noexcept {
    if (calls == 0) {
      if (repeats_in_) {
        pause_ = std::min<unsigned>(2 * pause_ + 1, 127);
        pause_left_ = pause_;
      }
      return false;
    }
    if (pause_left_ != 0) {
      --pause_left_;
      return false;
    }
    return is_called_here_ && is_in_reactor_ && scheduler_->may_go_on(calls);
  }

  void wake() {
    boost::system::error_code const ec = failure_;
    failure_.clear();
    if (repeats_in_) { // and not in vain
      repeats_in_ = nullptr;
      pause_ = 0;
    }
    owner_.wake(wake_source::queue, ec);
  }

  BOOST_NOINLINE void give_to_executor() {
    memory_.reuse();
    is_with_executor_ = true;
    BOOST_TRY {
      boost::asio::dispatch(executor_, wake_up{owner_.pointer_for_context(), this,
                                               typename wake_up::allocator_type(memory_)});
    }
    BOOST_CATCH(std::bad_alloc const&) {
      is_with_executor_ = false;
      failure_ = boost::system::errc::make_error_code(boost::system::errc::not_enough_memory);
      wake(); // which calls no handler, but ends the run
    }
    BOOST_CATCH_END
  }

  Owner& owner_;
  Executor const executor_;
  std::shared_ptr<scheduler> const scheduler_;
  fork_mark added_in_{};
  bool const is_called_here_; // the executor is the scheduler's own
  bool has_context_ = true;
  bool is_in_reactor_ = false;
  bool is_with_executor_ = false;
  bool is_woken_ = false;
  scheduler* repeats_in_ = nullptr; // while the tick that is under way is such a look
  unsigned pause_ = 0;
  unsigned pause_left_ = 0;
  boost::system::error_code failure_{};
  Pointer held_{}; // while something is to wake the owner
  cancel_request cancel_;
  lodging lodging_;
  function_memory<memory_size> memory_{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_SCHEDULED_SELECTOR_HPP
