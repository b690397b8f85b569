//
// mioext/selector_context.hpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An execution context whose blocking wait is mioext's selector: one reactor in the place of two.
//

#ifndef MIOEXT_SELECTOR_CONTEXT_HPP
#define MIOEXT_SELECTOR_CONTEXT_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>

#include <mioext/detail/async/handler_operation.hpp>
#include <mioext/detail/async/scheduler.hpp>
#include <mioext/detail/duration.hpp>

namespace mioext {

class selector_context : public boost::asio::execution_context {
public:
  template <class Allocator, unsigned Flags> class basic_executor_type;

  using executor_type = basic_executor_type<std::allocator<void>, 0>;
  using count_type = std::size_t;

  selector_context() = default;

  ~selector_context() {
    shutdown();
    destroy();
  }

  executor_type get_executor() noexcept;

  count_type run() { return scheduler_.run(all, clock::time_point::max()); }
  count_type run_one() { return scheduler_.run(1, clock::time_point::max()); }
  count_type poll() { return scheduler_.run(all, clock::time_point::min()); }
  count_type poll_one() { return scheduler_.run(1, clock::time_point::min()); }

  template <class Rep, class Period>
  count_type run_for(std::chrono::duration<Rep, Period> const& limit) {
    return scheduler_.run(all, after(limit));
  }
  template <class Rep, class Period>
  count_type run_one_for(std::chrono::duration<Rep, Period> const& limit) {
    return scheduler_.run(1, after(limit));
  }
  template <class Clock, class Duration>
  count_type run_until(std::chrono::time_point<Clock, Duration> const& point) {
    count_type calls = 0;
    while (run_one_until(point) != 0) {
      ++calls;
    }
    return calls;
  }
  template <class Clock, class Duration>
  count_type run_one_until(std::chrono::time_point<Clock, Duration> const& point) {
    // The point of a clock that may be set is looked at again, as in Asio.
    auto now = Clock::now();
    while (now < point) {
      auto const left = std::min<std::chrono::nanoseconds>(detail::ceil_nanoseconds(point - now),
                                                           std::chrono::seconds(1));
      if (count_type const calls =
              scheduler_.run(1, detail::saturated_sum<clock>(clock::now(), left))) {
        return calls;
      }
      if (stopped()) {
        return 0;
      }
      now = Clock::now();
    }
    return 0;
  }
  void stop() { scheduler_.stop(); }
  bool stopped() const { return scheduler_.is_stopped(); }
  void restart() { scheduler_.restart(); }

private:
  using clock = detail::scheduler::clock;
  static constexpr std::size_t all = static_cast<std::size_t>(-1);

  template <class Rep, class Period>
  static clock::time_point after(std::chrono::duration<Rep, Period> const& limit) {
    return detail::saturated_sum<clock>(clock::now(), detail::ceil_nanoseconds(limit));
  }

  detail::scheduler scheduler_{};
};

namespace detail {

enum : unsigned { never_blocks = 1, is_continuation = 2, tracks_work = 4 };

} // namespace detail

template <class Allocator, unsigned Flags> class selector_context::basic_executor_type : Allocator {
  template <unsigned Set, unsigned Cleared>
  using with = basic_executor_type<Allocator, (Flags | Set) & ~Cleared>;
  using blocking_t = boost::asio::execution::blocking_t;
  using relationship_t = boost::asio::execution::relationship_t;
  using outstanding_work_t = boost::asio::execution::outstanding_work_t;

  enum : unsigned { never_blocks = 1, is_continuation = 2, tracks_work = 4 };

public:
  basic_executor_type(basic_executor_type const& other) noexcept
      : Allocator(other), context_(other.context_) {
    start_work();
  }
  basic_executor_type(basic_executor_type&& other) noexcept
      : Allocator(std::move(other)), context_(other.context_) {
    if (Flags & tracks_work) {
      other.context_ = nullptr;
    }
  }
  ~basic_executor_type() { finish_work(); }

  basic_executor_type& operator=(basic_executor_type other) noexcept {
    std::swap(context_, other.context_);
    static_cast<Allocator&>(*this) = static_cast<Allocator&>(other);
    return *this;
  }

  // Properties.

  with<0, never_blocks> require(blocking_t::possibly_t) const noexcept {
    return copy<0, never_blocks>();
  }
  with<never_blocks, 0> require(blocking_t::never_t) const noexcept {
    return copy<never_blocks, 0>();
  }
  with<is_continuation, 0> require(relationship_t::continuation_t) const noexcept {
    return copy<is_continuation, 0>();
  }
  with<0, is_continuation> require(relationship_t::fork_t) const noexcept {
    return copy<0, is_continuation>();
  }
  with<tracks_work, 0> require(outstanding_work_t::tracked_t) const noexcept {
    return copy<tracks_work, 0>();
  }
  with<0, tracks_work> require(outstanding_work_t::untracked_t) const noexcept {
    return copy<0, tracks_work>();
  }

  template <class Other>
  basic_executor_type<Other, Flags>
  require(boost::asio::execution::allocator_t<Other> wanted) const noexcept {
    return basic_executor_type<Other, Flags>(*context_, wanted.value());
  }
  basic_executor_type<std::allocator<void>, Flags>
  require(boost::asio::execution::allocator_t<void>) const noexcept {
    return basic_executor_type<std::allocator<void>, Flags>(*context_, std::allocator<void>());
  }

  static constexpr boost::asio::execution::mapping_t
  query(boost::asio::execution::mapping_t) noexcept {
    return boost::asio::execution::mapping_t::thread_t();
  }
  selector_context& query(boost::asio::execution::context_t) const noexcept { return *context_; }
  static constexpr blocking_t query(blocking_t) noexcept {
    return Flags & never_blocks ? blocking_t(blocking_t::never_t())
                                : blocking_t(blocking_t::possibly_t());
  }
  static constexpr relationship_t query(relationship_t) noexcept {
    return Flags & is_continuation ? relationship_t(relationship_t::continuation_t())
                                   : relationship_t(relationship_t::fork_t());
  }
  static constexpr outstanding_work_t query(outstanding_work_t) noexcept {
    return Flags & tracks_work ? outstanding_work_t(outstanding_work_t::tracked_t())
                               : outstanding_work_t(outstanding_work_t::untracked_t());
  }
  template <class Other>
  Allocator query(boost::asio::execution::allocator_t<Other>) const noexcept {
    return *this;
  }

  bool running_in_this_thread() const noexcept { return context_->scheduler_.is_running_here(); }

  friend bool operator==(basic_executor_type const& left,
                         basic_executor_type const& right) noexcept {
    return left.context_ == right.context_ &&
           static_cast<Allocator const&>(left) == static_cast<Allocator const&>(right);
  }
  friend bool operator!=(basic_executor_type const& left,
                         basic_executor_type const& right) noexcept {
    return !(left == right);
  }

  template <class Function> void execute(Function&& function) const {
    if (!(Flags & never_blocks) && running_in_this_thread()) {
      typename std::decay<Function>::type called(std::forward<Function>(function));
      BOOST_TRY { std::move(called)(); }
      BOOST_CATCH(...) { context_->scheduler_.capture_exception(); }
      BOOST_CATCH_END
      return;
    }
    post_with(std::forward<Function>(function), static_cast<Allocator const&>(*this));
  }

#ifndef BOOST_ASIO_NO_TS_EXECUTORS
  selector_context& context() const noexcept { return *context_; }
  void on_work_started() const noexcept { context_->scheduler_.start_work(); }
  void on_work_finished() const noexcept { context_->scheduler_.finish_work(); }

  template <class Function, class Other>
  void dispatch(Function&& function, Other const& allocator) const {
    if (running_in_this_thread()) {
      typename std::decay<Function>::type called(std::forward<Function>(function));
      std::move(called)();
      return;
    }
    post_with(std::forward<Function>(function), allocator);
  }
  template <class Function, class Other>
  void post(Function&& function, Other const& allocator) const {
    post_with(std::forward<Function>(function), allocator);
  }
  template <class Function, class Other>
  void defer(Function&& function, Other const& allocator) const {
    post_with(std::forward<Function>(function), allocator);
  }
#endif

private:
  friend class selector_context;
  template <class, unsigned> friend class basic_executor_type;

  basic_executor_type(selector_context& context, Allocator const& allocator) noexcept
      : Allocator(allocator), context_(&context) {
    start_work();
  }

  template <unsigned Set, unsigned Cleared> with<Set, Cleared> copy() const noexcept {
    return with<Set, Cleared>(*context_, *this);
  }

  template <class Function, class Other>
  void post_with(Function&& function, Other const& allocator) const {
    using memory = detail::operation_allocator<Other>;
    context_->scheduler_.post(
        detail::function_operation<typename std::decay<Function>::type,
                                   typename memory::type>::make(std::forward<Function>(function),
                                                                memory::get(allocator)));
  }

  void start_work() noexcept {
    if (Flags & tracks_work) {
      if (context_) {
        context_->scheduler_.start_work();
      }
    }
  }
  void finish_work() noexcept {
    if (Flags & tracks_work) {
      if (context_) {
        context_->scheduler_.finish_work();
      }
    }
  }

  selector_context* context_;
};

inline selector_context::executor_type selector_context::get_executor() noexcept {
  return executor_type(*this, std::allocator<void>());
}

} // namespace mioext

#endif // MIOEXT_SELECTOR_CONTEXT_HPP
