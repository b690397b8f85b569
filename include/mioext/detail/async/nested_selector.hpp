//
// mioext/detail/async/nested_selector.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A selector that is nested in an execution context, and what wakes its owner there.
//

#ifndef MIOEXT_DETAIL_ASYNC_NESTED_SELECTOR_HPP
#define MIOEXT_DETAIL_ASYNC_NESTED_SELECTOR_HPP

#include <mioext/detail/system.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/wait_traits.hpp>
#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/function_memory.hpp>
#include <mioext/detail/async/inline_executor.hpp>
#include <mioext/detail/async/io_context_of.hpp>
#include <mioext/detail/async/looks_in_a_row.hpp>
#include <mioext/detail/async/nested_descriptor.hpp>
#include <mioext/detail/async/optional_mutex.hpp>
#include <mioext/detail/inlining.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

class scheduler;

/// What wakes the owner of a nested selector.
enum class wake_source : unsigned char { events, timer, queue };

/// The part of a wake-up that Asio calls: it keeps the owner by `Pointer`.
template <class Pointer, class Executor> struct waking_handler { Pointer owner; };

/// Offers the immediate executor that newer versions of Asio ask for. They do not use it as long as
/// the descriptor is open.
template <class Pointer> struct waking_handler<Pointer, inline_executor> {
  using immediate_executor_type = inline_executor;

  immediate_executor_type get_immediate_executor() const noexcept { return owner->get_executor(); }

  Pointer owner;
};

/// Makes the context wake the owner: when the selector has events, at a point in time, or when it
/// is the owner's turn in the executor's queue. Each of these three wake-ups is requested anew
/// every time, counts as work of the context until it has arrived, and allocates nothing.
///
/// Not thread-safe: the owner holds a mutex of its own whenever it calls a member. Asio calls
/// nothing from inside these functions if enter() succeeded: newer versions of Asio complete an
/// operation at once only if they cannot wait for it.
///
/// @tparam Owner a class with
///   void wake(wake_source, error_code const&)   called without a lock, on the executor; must first
///                                               call woken(), with its mutex held
///   Pointer pointer_for_context()               a pointer to the owner itself
///   Executor get_executor() const noexcept      only if Executor is an inline_executor
/// @tparam Pointer what the context keeps to reach the owner: a pointer that shares ownership,
/// unless the owner lives as long as the context.
template <class Owner, class Pointer, class Executor> class nested_selector {
  using clock = std::chrono::steady_clock;

  using timer_type =
      boost::asio::basic_waitable_timer<clock, boost::asio::wait_traits<clock>, Executor>;

  struct io_objects {
    explicit io_objects(Executor const& executor) : descriptor(executor) {}

    nested_descriptor<Executor> descriptor;
    // Made when it is first needed, so that an owner without a deadline costs the context no timer.
    std::unique_ptr<timer_type> timer{};
  };

public:
  /// What the owner locks.
  using mutex_type = optional_mutex;

  /// What remains when the context is destroyed. It must be destroyed while no lock is held.
  using remains = std::unique_ptr<io_objects>;

  /// The context's reactor does not know of the selector before enter().
  nested_selector(Owner& owner, Executor const& executor)
      : owner_(owner), executor_(executor), context_(io_context_of(executor)),
        objects_(new io_objects(executor)) {}

  nested_selector(nested_selector const&) = delete;
  nested_selector& operator=(nested_selector const&) = delete;

  Executor const& executor() const noexcept { return executor_; }

  // --- In and out of the context -----------------------------------------------------------------

  /// False after leave().
  bool has_context() const noexcept { return objects_ != nullptr; }

  /// True in a child process after a fork, if the selector was added to the reactor before: what
  /// the child has is its parent's, too.
  bool is_left_behind() const noexcept { return objects_ && objects_->descriptor.is_left_behind(); }

  /// False when the context is gone, from before a fork until enter() is called after it, and in a
  /// child process that has not been notified of the fork yet.
  MIOEXT_DETAIL_FORCEINLINE bool can_wait() const noexcept {
    return is_in_reactor_ && !objects_->descriptor.is_left_behind();
  }

  /// Adds the selector's descriptor to the context's reactor. After an error it is not in the
  /// reactor.
  void enter(int selector_descriptor, boost::system::error_code& ec) {
    objects_->descriptor.add(selector_descriptor, ec);
    is_in_reactor_ = !ec;
  }

  /// Takes the selector out of the reactor until enter(). A wait for events wakes the owner with
  /// operation_aborted. The owner does this while the process forks, because a kqueue does not
  /// exist in the child, and Asio's reactor cannot watch it anew there.
  void suspend() {
    is_in_reactor_ = false;
    objects_->descriptor.remove();
  }

  /// To be called when the context is destroyed. After that only has_context(), can_wait(),
  /// is_left_behind() and woken() may be called.
  remains leave() noexcept {
    is_in_reactor_ = false;
    return std::move(objects_);
  }

  // --- Waking the owner --------------------------------------------------------------------------

  /// True from the request for this wake-up until woken().
  bool is_waiting(wake_source source) const noexcept {
    return is_waiting_[static_cast<std::size_t>(source)];
  }

  /// Records that the wake-up has arrived.
  void woken(wake_source source) noexcept { is_waiting_[static_cast<std::size_t>(source)] = false; }

  /// Wakes the owner when the selector has events, which may be at once. Must not be called while
  /// such a wait is pending.
  /// @throws std::bad_alloc if Asio needs more memory for a wait than this class provides. Then no
  /// wait is pending.
  void wait_for_events() {
    begin<wake_source::events>([this](wake_up<wake_source::events>&& woken) {
      objects_->descriptor.async_wait(std::move(woken));
    });
  }

  /// Wakes the owner at `due` or earlier. A pending wait that ends earlier is left as it is,
  /// because that is cheaper than setting the timer anew whenever the next deadline has moved to a
  /// later time.
  /// @throws std::bad_alloc as wait_for_events()
  BOOST_NOINLINE void wait_until(clock::time_point due) {
    if (!objects_->timer) {
      objects_->timer.reset(new timer_type(executor_));
    }
    timer_type& timer = *objects_->timer;
    if (is_waiting(wake_source::timer)) {
      if (timer.expiry() > due) {
        timer.cancel(); // which wakes the owner, too
      }
      return;
    }
    timer.expires_at(due);
    begin<wake_source::timer>(
        [&timer](wake_up<wake_source::timer>&& woken) { timer.async_wait(std::move(woken)); });
  }

  /// Queues a wake-up to the executor, unless one is queued already.
  /// @throws std::bad_alloc as wait_for_events()
  BOOST_NOINLINE void post() {
    if (!is_waiting(wake_source::queue)) {
      begin<wake_source::queue>([this](wake_up<wake_source::queue>&& woken) {
        boost::asio::post(executor_, std::move(woken));
      });
    }
  }

  /// Cancels the waits for events and for a point in time: they wake the owner with
  /// operation_aborted.
  void call_off() {
    if (is_waiting(wake_source::events)) {
      objects_->descriptor.cancel();
    }
    if (is_waiting(wake_source::timer)) {
      objects_->timer->cancel();
    }
  }

  // --- Looking again before the context waits --------------------------------------------------

  /// To be called when a turn of the owner begins.
  void begin_turn() noexcept { looks_.begin(); }

  /// To be called after each look at the selector in this turn: whether it is to be looked at once more
  /// before the context waits for it; see looks_in_a_row. Not if the context was stopped meanwhile, nor if
  /// it is not known whether it was.
  /// @param calls how many calls the last look has led to
  bool wants_another_tick(std::size_t calls) {
    return context_ && looks_.is_another_worthwhile(calls) && can_wait() && !context_->stopped();
  }

  /// The same for an owner that queues what it has found: so the context's other work has its turn after each
  /// look, and only the number of calls is bounded.
  bool is_another_look_worthwhile(std::size_t found) noexcept {
    return looks_.is_another_worthwhile_of_calls(found);
  }

  scheduler* const& repeats_in() const noexcept { return repeats_in_; }
  void ask_before_repeating() noexcept {}

  // --- Cancelling from any thread ----------------------------------------------------------------

  // Whoever cancels locks the owner's mutex, so nothing need be handed over to another thread.

  bool hand_over_cancel() noexcept { return false; }
  bool take_cancel() noexcept { return false; }

private:
  static constexpr std::size_t sources = 3;
  static constexpr std::size_t memory_size = 192;

  template <wake_source Source> struct wake_up : waking_handler<Pointer, Executor> {
    using allocator_type = function_allocator<void, memory_size>;

    wake_up(Owner& woken, function_memory<memory_size>& used)
        : waking_handler<Pointer, Executor>{woken.pointer_for_context()}, allocator(used) {}

    allocator_type get_allocator() const noexcept { return allocator; }

    void operator()(boost::system::error_code const& ec = boost::system::error_code()) {
      this->owner->wake(Source, ec);
    }

    allocator_type allocator;
  };

  template <wake_source Source, class HandOver> void begin(HandOver hand_over) {
    constexpr std::size_t index = static_cast<std::size_t>(Source);
    is_waiting_[index] = true;
    memory_[index].reuse();
    BOOST_TRY { hand_over(wake_up<Source>(owner_, memory_[index])); }
    BOOST_CATCH(...) {
      is_waiting_[index] = false;
      BOOST_RETHROW
    }
    BOOST_CATCH_END
  }

  Owner& owner_;
  Executor const executor_;
  boost::asio::io_context* const context_; // null if it is not known to be one
  looks_in_a_row looks_{};
  scheduler* const repeats_in_ = nullptr;
  bool is_in_reactor_ = false; // only while there are objects_
  bool is_waiting_[sources] = {false, false, false};
  // These outlive the remains: Asio may keep handlers in them until the context is gone.
  function_memory<memory_size> memory_[sources];
  remains objects_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_NESTED_SELECTOR_HPP
