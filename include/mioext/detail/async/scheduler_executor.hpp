//
// mioext/detail/async/scheduler_executor.hpp
// ------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The executor of a selector_context.
//

#ifndef MIOEXT_DETAIL_ASYNC_SCHEDULER_EXECUTOR_HPP
#define MIOEXT_DETAIL_ASYNC_SCHEDULER_EXECUTOR_HPP

#include <mioext/detail/system.hpp>

#include <memory>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/core/no_exceptions_support.hpp>

#include <mioext/detail/async/function_operation.hpp>
#include <mioext/detail/async/scheduler.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

enum : unsigned { never_blocks = 1, is_continuation = 2, tracks_work = 4 };

/// As small as a pointer, unless the allocator is larger. It has the properties of an io_context's
/// executor: blocking (possibly, never), relationship, outstanding_work, allocator, context, mapping.
///
/// Like that one, it must not be used after its context is gone. A moved-from executor that tracks work
/// can only be destroyed or assigned to.
///
/// @tparam Flags which properties differ from the usual ones
template <class Allocator, unsigned Flags> class scheduler_executor : Allocator {
  using blocking_t = boost::asio::execution::blocking_t;
  using relationship_t = boost::asio::execution::relationship_t;
  using outstanding_work_t = boost::asio::execution::outstanding_work_t;

  template <unsigned Set, unsigned Cleared = 0>
  using with = scheduler_executor<Allocator, (Flags | Set) & ~Cleared>;

public:
  scheduler_executor(scheduler& owner, Allocator const& used_allocator) noexcept
      : Allocator(used_allocator), scheduler_(&owner) {
    start_work();
  }

  scheduler_executor(scheduler_executor const& other) noexcept
      : Allocator(other), scheduler_(other.scheduler_) {
    start_work();
  }

  scheduler_executor(scheduler_executor&& other) noexcept
      : Allocator(std::move(other)), scheduler_(other.scheduler_) {
    if (Flags & tracks_work) {
      other.scheduler_ = nullptr;
    }
  }

  ~scheduler_executor() {
    if ((Flags & tracks_work) && scheduler_) {
      scheduler_->finish_work();
    }
  }

  scheduler_executor& operator=(scheduler_executor other) noexcept {
    static_cast<Allocator&>(*this) = std::move(static_cast<Allocator&>(other));
    std::swap(scheduler_, other.scheduler_);
    return *this;
  }

  // --- Properties ----------------------------------------------------------------------------------

  with<0, never_blocks> require(blocking_t::possibly_t) const noexcept {
    return {*scheduler_, *this};
  }
  with<never_blocks> require(blocking_t::never_t) const noexcept { return {*scheduler_, *this}; }

  with<0, is_continuation> require(relationship_t::fork_t) const noexcept {
    return {*scheduler_, *this};
  }
  with<is_continuation> require(relationship_t::continuation_t) const noexcept {
    return {*scheduler_, *this};
  }

  with<0, tracks_work> require(outstanding_work_t::untracked_t) const noexcept {
    return {*scheduler_, *this};
  }
  with<tracks_work> require(outstanding_work_t::tracked_t) const noexcept {
    return {*scheduler_, *this};
  }

  template <class Other>
  scheduler_executor<Other, Flags>
  require(boost::asio::execution::allocator_t<Other> wanted) const noexcept {
    return {*scheduler_, wanted.value()};
  }
  scheduler_executor<std::allocator<void>, Flags>
  require(boost::asio::execution::allocator_t<void>) const noexcept {
    return {*scheduler_, std::allocator<void>()};
  }

  static constexpr boost::asio::execution::mapping_t
  query(boost::asio::execution::mapping_t) noexcept {
    return boost::asio::execution::mapping_t::thread_t();
  }

  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept {
    return scheduler_->context();
  }

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

  // --- Executing -----------------------------------------------------------------------------------

  bool running_in_this_thread() const noexcept { return scheduler_->calls_this_thread(); }

  /// On the spot in the context's thread, if blocking is possible. An exception then leaves the
  /// context's run(), not this call, as an io_context has it.
  template <class Function> void execute(Function&& function) const {
    if (!(Flags & never_blocks) && running_in_this_thread()) {
      typename std::decay<Function>::type called(std::forward<Function>(function));
      BOOST_TRY { std::move(called)(); }
      BOOST_CATCH(...) { scheduler_->capture_exception(); }
      BOOST_CATCH_END
    } else {
      queue(std::forward<Function>(function), static_cast<Allocator const&>(*this));
    }
  }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored                                                                     \
    "-Wnull-dereference" // Asio's any_executor has one of this type to compare

  friend bool operator==(scheduler_executor const& left, scheduler_executor const& right) noexcept {
    return left.scheduler_ == right.scheduler_ &&
           static_cast<Allocator const&>(left) == static_cast<Allocator const&>(right);
  }

#pragma GCC diagnostic pop

  friend bool operator!=(scheduler_executor const& left, scheduler_executor const& right) noexcept {
    return !(left == right);
  }

  /// For the operations of the context's own reactor.
  scheduler& owner() const noexcept { return *scheduler_; }

#ifndef BOOST_ASIO_NO_TS_EXECUTORS
  // --- As an executor of the Networking TS ---------------------------------------------------------

  boost::asio::execution_context& context() const noexcept { return scheduler_->context(); }

  void on_work_started() const noexcept { scheduler_->start_work(); }
  void on_work_finished() const noexcept { scheduler_->finish_work(); }

  template <class Function, class Other>
  void dispatch(Function&& function, Other const& used_allocator) const {
    if (running_in_this_thread()) {
      typename std::decay<Function>::type called(std::forward<Function>(function));
      std::move(called)();
    } else {
      queue(std::forward<Function>(function), used_allocator);
    }
  }

  template <class Function, class Other>
  void post(Function&& function, Other const& used_allocator) const {
    queue(std::forward<Function>(function), used_allocator);
  }

  template <class Function, class Other>
  void defer(Function&& function, Other const& used_allocator) const {
    queue(std::forward<Function>(function), used_allocator);
  }
#endif

private:
  void start_work() const noexcept {
    if ((Flags & tracks_work) && scheduler_) {
      scheduler_->start_work();
    }
  }

  template <class Function, class Other>
  void queue(Function&& function, Other const& used_allocator) const {
    using memory = operation_allocator<Other, true>;
    using operation = function_operation<typename std::decay<Function>::type, memory>;
    if (scheduler_->calls_this_thread()) {
      scheduler_->post_here(
          operation::make(std::forward<Function>(function), memory::get(used_allocator)));
    } else {
      scheduler_->post_from_outside(operation::make_outside(
          std::forward<Function>(function), memory::get(used_allocator), scheduler_->memory()));
    }
  }

  scheduler* scheduler_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_SCHEDULER_EXECUTOR_HPP
