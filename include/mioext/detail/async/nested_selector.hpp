//
// mioext/detail/async/nested_selector.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A selector that is nested in an execution context: what its owner is woken by there.
//

#ifndef MIOEXT_DETAIL_ASYNC_NESTED_SELECTOR_HPP
#define MIOEXT_DETAIL_ASYNC_NESTED_SELECTOR_HPP

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>
#include <mioext/detail/system.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/wait_traits.hpp>
#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/function_memory.hpp>
#include <mioext/detail/async/inline_executor.hpp>
#include <mioext/detail/async/nested_descriptor.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// What wakes the owner of a nested selector.
enum class wake_source : unsigned char { events, timer, queue };

/// What Asio calls to wake it, by `Pointer`.
template <class Pointer, class Executor> struct waking_handler { Pointer owner; };

/// Asio wants to know an immediate executor. It has no use for it, as long as the descriptor is open.
template <class Pointer> struct waking_handler<Pointer, inline_executor> {
  using immediate_executor_type = inline_executor;

  immediate_executor_type get_immediate_executor() const noexcept { return owner->get_executor(); }

  Pointer owner;
};

/// Has its owner woken by the context: when the selector has events, at a point in time, or as soon as it
/// is the owner's turn in the executor's queue. Each of the three is asked for anew every time, counts as
/// work of the context until it has come, and allocates nothing.
///
/// Not thread-safe: the owner calls all of it with a mutex of its own held. Asio calls nothing from inside
/// these functions, as long as the selector was shown to its reactor without an error: newer versions
/// complete at once only what they cannot wait for.
///
/// @tparam Owner a class with
///   void wake(wake_source, error_code const&)   called without a lock, on the executor. It says woken()
///                                               first, with its mutex held.
///   Pointer pointer_for_context()               to itself
///   Executor get_executor() const noexcept      if that is an inline_executor
/// @tparam Pointer what the context keeps for it: one that shares it, unless it lives as long as the
/// context.
template <class Owner, class Pointer, class Executor> class nested_selector {
  using clock = std::chrono::steady_clock;

  using timer_type =
      boost::asio::basic_waitable_timer<clock, boost::asio::wait_traits<clock>, Executor>;

  struct io_objects {
    explicit io_objects(Executor const& executor) : descriptor(executor) {}

    nested_descriptor<Executor> descriptor;
    // Made when it is first needed: what needs none costs the context nothing.
    std::unique_ptr<timer_type> timer{};
  };

public:
  /// What is left over when a context goes, to be destroyed without a lock.
  using remains = std::unique_ptr<io_objects>;

  /// The context's reactor does not know of the selector before enter().
  nested_selector(Owner& owner, Executor const& executor)
      : owner_(owner), executor_(executor), objects_(new io_objects(executor)) {}

  nested_selector(nested_selector const&) = delete;
  nested_selector& operator=(nested_selector const&) = delete;

  Executor const& executor() const noexcept { return executor_; }

  // --- In and out of the context ------------------------------------------------------------------

  /// False after leave().
  bool has_context() const noexcept { return objects_ != nullptr; }

  /// True in a child of the process whose reactor the selector was shown to: that is the parent's, too.
  bool is_left_behind() const noexcept { return objects_ && objects_->descriptor.is_left_behind(); }

  /// False when the context is gone; from before a fork until the reactor is entered again after it; and
  /// in a child that does not know yet that it is one.
  bool can_wait() const noexcept {
    return objects_ && is_in_reactor_ && !objects_->descriptor.is_left_behind();
  }

  /// Shows the selector, by its descriptor, to the context's reactor. After an error it is not shown.
  void enter(int selector_descriptor, boost::system::error_code& ec) {
    objects_->descriptor.add(selector_descriptor, ec);
    is_in_reactor_ = !ec;
  }

  /// Takes it out of the reactor, until enter(); what waits for events wakes with operation_aborted. It
  /// does so while the process forks, because a kqueue does not exist in the child, and Asio's reactor
  /// cannot watch it anew there.
  void suspend() {
    is_in_reactor_ = false;
    objects_->descriptor.remove();
  }

  /// The context goes. Nothing but has_context(), can_wait(), is_left_behind() and woken() may be called
  /// any more.
  remains leave() noexcept { return std::move(objects_); }

  // --- Waking the owner ---------------------------------------------------------------------------

  /// True from when it was asked for until woken().
  bool is_waiting(wake_source source) const noexcept {
    return is_waiting_[static_cast<std::size_t>(source)];
  }

  /// It has come.
  void woken(wake_source source) noexcept { is_waiting_[static_cast<std::size_t>(source)] = false; }

  /// When the selector has events, or has some already. Must not wait for that already.
  /// @throws std::bad_alloc if Asio needs more memory for a wait than it is given. Nothing waits then.
  void wait_for_events() {
    begin<wake_source::events>([this](wake_up<wake_source::events>&& woken) {
      objects_->descriptor.async_wait(std::move(woken));
    });
  }

  /// At `due`, or too early: one that is due earlier is left as it is, which is cheaper than to set it anew
  /// whenever the next point in time has moved to a later one. @throws std::bad_alloc
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

  /// In its turn. If it is in the queue already, nothing happens. @throws std::bad_alloc
  BOOST_NOINLINE void post() {
    if (!is_waiting(wake_source::queue)) {
      begin<wake_source::queue>([this](wake_up<wake_source::queue>&& woken) {
        boost::asio::post(executor_, std::move(woken));
      });
    }
  }

  /// What waits for events or a point in time wakes with operation_aborted.
  void call_off() {
    if (is_waiting(wake_source::events)) {
      objects_->descriptor.cancel();
    }
    if (is_waiting(wake_source::timer)) {
      objects_->timer->cancel();
    }
  }

private:
  static constexpr std::size_t sources = 3;
  static constexpr std::size_t memory_size = 192;

  template <wake_source Source> struct wake_up : waking_handler<Pointer, Executor> {
    using allocator_type = function_allocator<void, memory_size>;

    wake_up(Owner& woken, function_memory<memory_size>& used)
        : waking_handler<Pointer, Executor>{woken.pointer_for_context()}, memory(&used) {}

    allocator_type get_allocator() const noexcept { return allocator_type(*memory); }

    void operator()(boost::system::error_code const& ec = boost::system::error_code()) {
      this->owner->wake(Source, ec);
    }

    function_memory<memory_size>* memory;
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
  bool is_in_reactor_ = false;
  bool is_waiting_[sources] = {false, false, false};
  // Outlives what is left over: Asio may hold what is in it until the context is gone.
  function_memory<memory_size> memory_[sources];
  remains objects_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_NESTED_SELECTOR_HPP
