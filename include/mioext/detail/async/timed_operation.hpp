//
// mioext/detail/async/timed_operation.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An operation of any kind beside a timer that cancels it.
//

#ifndef MIOEXT_DETAIL_ASYNC_TIMED_OPERATION_HPP
#define MIOEXT_DETAIL_ASYNC_TIMED_OPERATION_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associator.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/mp11/tuple.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/operation_allocator.hpp>
#include <mioext/detail/async/operation_results.hpp>
#include <mioext/detail/async/timer_wait.hpp>
#include <mioext/detail/scope_exit.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

// --- A result that is kept -----------------------------------------------------------------------

template <std::size_t... Sizes> struct largest : std::integral_constant<std::size_t, 1> {};
template <std::size_t Size, std::size_t... Sizes>
struct largest<Size, Sizes...>
    : std::integral_constant<std::size_t,
                             (Size > largest<Sizes...>::value) ? Size : largest<Sizes...>::value> {
};

// --- The operation -------------------------------------------------------------------------------

/// Whose handler it is: the operation's, or that of the timer's wait, which nobody else can cancel.
enum class timed_part { operation, wait };

template <class Timed, timed_part Part> class timed_handler;

/// What the two handlers share: that of the operation, and that of the timer's wait. It is in memory
/// of the handler's allocator, which is given back before the handler is called. So it ends when both
/// are gone.
///
/// When the operation ends first, the timer's wait is dropped, and takes no way through any executor.
/// Only if the wait has ended already, and is on its way to its handler, the result is kept until it
/// arrives.
///
/// Both handlers have the executor of the program's one, so whatever is done here is done there, one
/// at a time.
template <class Handler, class Timer, class... Signatures> class timed_operation {
  using handler_allocator = typename boost::asio::associated_allocator<Handler>::type;
  using allocator = operation_allocator<handler_allocator>;

  /// To be used where the class is complete.
  template <class Operation>
  using memory_of = operation_memory<typename allocator::template rebind<Operation>>;

  using operation_part = std::integral_constant<timed_part, timed_part::operation>;
  using wait_part = std::integral_constant<timed_part, timed_part::wait>;

public:
  using handler_type = Handler;

  /// @param limit a duration or a point in time
  template <class Executor, class Limit, class Initiation, class... Arguments>
  static void start(Handler& completion_handler, Executor const& executor, Limit const& limit,
                    boost::asio::cancellation_type_t type, Initiation&& initiation,
                    Arguments&&... arguments) {
    timed_operation& made = make(completion_handler, executor, limit, type);
    timed_handler<timed_operation, timed_part::operation> handler(made);
    {
      timed_handler<timed_operation, timed_part::wait> wait(made);
      auto slot = boost::asio::get_associated_cancellation_slot(made.handler_);
      if (slot.is_connected()) {
        made.forwarded_ = &slot.template emplace<forward_cancellation>(made);
      }
      made.timer_.async_wait(std::move(wait));
    }
    std::forward<Initiation>(initiation)(std::move(handler), std::forward<Arguments>(arguments)...);
  }

  timed_operation(timed_operation const&) = delete;
  timed_operation& operator=(timed_operation const&) = delete;

  Handler const& handler() const noexcept { return handler_; }

  // --- For the operation's handler -----------------------------------------------------------------

  boost::asio::cancellation_slot slot(operation_part) noexcept { return signal_.slot(); }

  template <class... Results> void ended(operation_part, Results&&... results) {
    has_ended_ = true;
    leave_slot();
    timer_access::drop_waits(timer_);
    if (is_waiting_) {
      keep<kept_results<std::tuple<Results...>, Signatures...>>(std::forward<Results>(results)...);
      return;
    }
    Handler completion_handler(take());
    std::move(completion_handler)(std::forward<Results>(results)...);
  }

  void dropped(operation_part) noexcept {
    has_ended_ = true;
    leave_slot();
    timer_access::drop_waits(timer_);
    release();
  }

  // --- For the timer's handler ---------------------------------------------------------------------

  boost::asio::cancellation_slot slot(wait_part) noexcept { return {}; }

  /// An operation that has ended is not cancelled any more: what its slot calls may refer to what lived
  /// only as long.
  void ended(wait_part, boost::system::error_code const& ec) {
    if (!ec && !has_ended_) {
      BOOST_TRY { signal_.emit(type_); }
      BOOST_CATCH(...) {
        wait_ended();
        BOOST_RETHROW
      }
      BOOST_CATCH_END
    }
    wait_ended();
  }

  void dropped(wait_part) noexcept {
    is_waiting_ = false;
    release();
  }

private:
  /// What the slot of the program's handler calls. The slot owns it, and may destroy it before the
  /// operation has ended: when its signal is destroyed, or when it is given to another operation.
  struct forward_cancellation {
    explicit forward_cancellation(timed_operation& forwarded_to) noexcept : to(&forwarded_to) {}
    forward_cancellation(forward_cancellation const&) = delete;
    forward_cancellation& operator=(forward_cancellation const&) = delete;

    ~forward_cancellation() {
      if (to) {
        to->forwarded_ = nullptr;
      }
    }

    void operator()(boost::asio::cancellation_type_t type) const {
      if (to) {
        to->signal_.emit(type);
      }
    }

    timed_operation* to;
  };

  template <class Executor, class Limit>
  timed_operation(Handler& completion_handler, Executor const& executor, Limit const& limit,
                  boost::asio::cancellation_type_t type)
      : users_(2), timer_(executor, limit), type_(type), handler_(std::move(completion_handler)) {}

  ~timed_operation() = default;

  template <class Executor, class Limit>
  static timed_operation& make(Handler& completion_handler, Executor const& executor,
                               Limit const& limit, boost::asio::cancellation_type_t type) {
    memory_of<timed_operation> memory(allocator_of(completion_handler));
    timed_operation* const made =
        ::new (memory.get()) timed_operation(completion_handler, executor, limit, type);
    memory.release();
    return *made;
  }

  static typename allocator::type allocator_of(Handler const& completion_handler) noexcept {
    return allocator::get(boost::asio::get_associated_allocator(completion_handler));
  }

  void leave_slot() noexcept {
    if (forwarded_) {
      forwarded_->to = nullptr;
      forwarded_ = nullptr;
    }
  }

  /// The timer's handler has been called and does nothing more.
  void wait_ended() {
    is_waiting_ = false;
    if (call_kept_) {
      call_kept_(*this);
    } else {
      release();
    }
  }

  void release() noexcept {
    if (--users_ == 0) {
      Handler const destroyed(take());
      static_cast<void>(destroyed);
    }
  }

  /// The handler, after this was destroyed.
  Handler take() {
    Handler taken(std::move(handler_));
    typename allocator::type const given = allocator_of(taken);
    this->~timed_operation();
    memory_of<timed_operation>::give_back(given, this);
    return taken;
  }

  /// If the results cannot be kept, the handler is destroyed with the timer's, without being called.
  template <class Tuple, class... Results> void keep(Results&&... results) {
    auto const released = make_scope_exit([this] { release(); });
    ::new (static_cast<void*>(&kept_)) Tuple(std::forward<Results>(results)...);
    call_kept_ = [](timed_operation& self) {
      Tuple* const kept = reinterpret_cast<Tuple*>(&self.kept_);
      Tuple results_now(std::move(*kept));
      kept->~Tuple();
      Handler completion_handler(self.take());
      boost::mp11::tuple_apply(std::move(completion_handler), std::move(results_now));
    };
  }

  std::atomic<int> users_;
  bool is_waiting_ = true; // false when the timer's handler was called or dropped
  bool has_ended_ = false; // the operation, whose handler was called or dropped
  Timer timer_;
  boost::asio::cancellation_signal signal_{};
  boost::asio::cancellation_type_t type_;
  forward_cancellation* forwarded_ = nullptr;
  Handler handler_;
  void (*call_kept_)(timed_operation&) = nullptr; // null if there is no result yet
  typename std::aligned_storage<
      largest<sizeof(typename results_of_signature<Signatures>::type)...>::value,
      largest<alignof(typename results_of_signature<Signatures>::type)...>::value>::type kept_{};
};

template <class Timed, timed_part Part> class timed_handler {
public:
  using cancellation_slot_type = boost::asio::cancellation_slot;

  explicit timed_handler(Timed& timed) noexcept : timed_(&timed) {}
  timed_handler(timed_handler&& other) noexcept : timed_(other.timed_) { other.timed_ = nullptr; }
  timed_handler(timed_handler const&) = delete;
  timed_handler& operator=(timed_handler const&) = delete;

  ~timed_handler() {
    if (timed_) {
      timed_->dropped(part());
    }
  }

  cancellation_slot_type get_cancellation_slot() const noexcept { return timed_->slot(part()); }

  template <class... Results> void operator()(Results&&... results) {
    Timed& timed = *timed_;
    timed_ = nullptr;
    timed.ended(part(), std::forward<Results>(results)...);
  }

  typename Timed::handler_type const& handler() const noexcept { return timed_->handler(); }

private:
  using part = std::integral_constant<timed_part, Part>;

  Timed* timed_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

namespace boost {
namespace asio {

// Everything but the slot that is associated with these handlers is what is associated with the
// program's handler.

template <template <class, class> class Associator, class Timed, mioext::detail::timed_part Part,
          class Default>
struct associator<Associator, mioext::detail::timed_handler<Timed, Part>, Default>
    : Associator<typename Timed::handler_type, Default> {
  static typename Associator<typename Timed::handler_type, Default>::type
  get(mioext::detail::timed_handler<Timed, Part> const& given) noexcept {
    return Associator<typename Timed::handler_type, Default>::get(given.handler());
  }

  static auto get(mioext::detail::timed_handler<Timed, Part> const& given,
                  Default const& otherwise) noexcept
      -> decltype(Associator<typename Timed::handler_type, Default>::get(given.handler(),
                                                                         otherwise)) {
    return Associator<typename Timed::handler_type, Default>::get(given.handler(), otherwise);
  }
};

} // namespace asio
} // namespace boost

#endif // MIOEXT_DETAIL_ASYNC_TIMED_OPERATION_HPP
