//
// mioext/detail/async/handler_executor.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How an operation completes: through the executor of its I/O object, and from there through the
// executor that its handler is associated with. Until then both executors have outstanding work.
//

#ifndef MIOEXT_DETAIL_ASYNC_HANDLER_EXECUTOR_HPP
#define MIOEXT_DETAIL_ASYNC_HANDLER_EXECUTOR_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <typeinfo>
#include <utility>

#include <functional>
#include <memory>
#include <new>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/strand.hpp>
#include <boost/config.hpp>
#include <boost/optional/optional.hpp>

#include <mioext/detail/async/inline_executor.hpp>
#include <mioext/detail/async/scheduler_executor.hpp>
#include <mioext/detail/inlining.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

// --- Schedulers' executors -----------------------------------------------------------------------

/// The scheduler whose executor it is; null for all others.
template <class Executor> scheduler* native_scheduler_of(Executor const&) noexcept {
  return nullptr;
}

template <class Allocator, unsigned Flags>
scheduler* native_scheduler_of(scheduler_executor<Allocator, Flags> const& executor) noexcept {
  return &executor.owner();
}

/// The executor that `executor` holds, if it is of that type. Asio's own function did not always check
/// the type: in Boost 1.74 it takes any other executor for it.
template <class Target>
Target const* target_of(boost::asio::any_io_executor const& executor) noexcept {
#ifndef MIOEXT_DETAIL_HAS_CHECKED_TARGETS
#ifdef BOOST_ASIO_NO_TYPEID
  return nullptr;
#else
  if (executor.target_type() != typeid(Target)) {
    return nullptr;
  }
#endif
#endif
  return executor.target<Target>();
}

inline scheduler* native_scheduler_of(boost::asio::any_io_executor const& executor) noexcept {
  auto const* const known = target_of<scheduler_executor<std::allocator<void>, 0>>(executor);
  return known ? &known->owner() : nullptr;
}

/// Whether the type of an executor tells that it is a scheduler's, that it is not, or neither.
enum class nativeness { certain, impossible, possible };

template <class Executor>
struct nativeness_of : std::integral_constant<nativeness, nativeness::impossible> {};

template <class Allocator, unsigned Flags>
struct nativeness_of<scheduler_executor<Allocator, Flags>>
    : std::integral_constant<nativeness, nativeness::certain> {};

template <>
struct nativeness_of<boost::asio::any_io_executor>
    : std::integral_constant<nativeness, nativeness::possible> {};

/// What native_scheduler_of() says, looked up once where the type does not tell it.
template <class Executor, nativeness = nativeness_of<Executor>::value> class known_native {
public:
  explicit known_native(Executor const&) noexcept {}

  scheduler* get(Executor const& executor) const noexcept { return native_scheduler_of(executor); }
};

template <class Executor> class known_native<Executor, nativeness::possible> {
public:
  explicit known_native(Executor const& executor) noexcept
      : scheduler_(native_scheduler_of(executor)) {}

  scheduler* get(Executor const&) const noexcept { return scheduler_; }

private:
  scheduler* scheduler_;
};

// --- One executor --------------------------------------------------------------------------------

/// An executor, and outstanding work with it for as long as this lives.
template <class Executor, bool IsStandard = boost::asio::execution::is_executor<Executor>::value>
class work_tracker {
  using work = typename std::decay<decltype(boost::asio::prefer(
      std::declval<Executor const&>(), boost::asio::execution::outstanding_work.tracked))>::type;
  using untracked = typename std::decay<decltype(boost::asio::prefer(
      std::declval<work const&>(), boost::asio::execution::outstanding_work.untracked))>::type;

public:
  explicit work_tracker(Executor const& executor)
      : work_(boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked)) {}

  /// A copy, without work of its own. Only one of the two is kept: an any_io_executor is large.
  untracked get() const {
    return boost::asio::prefer(work_, boost::asio::execution::outstanding_work.untracked);
  }

private:
  work work_;
};

#ifndef BOOST_ASIO_NO_TS_EXECUTORS
/// The same for executors of the Networking TS, which Asio can be told to do without.
template <class Executor> class work_tracker<Executor, false> {
public:
  explicit work_tracker(Executor const& executor) : work_(executor) {}

  Executor get() const noexcept { return work_.get_executor(); }

private:
  boost::asio::executor_work_guard<Executor> work_;
};
#endif

/// True for a strand, which queues whatever is dispatched to it from outside the strand.
template <class Executor> struct is_strand : std::false_type {};
template <class Executor> struct is_strand<boost::asio::strand<Executor>> : std::true_type {};

/// As far as the type of an executor tells.
template <class Executor>
struct on_dispatch_of
    : std::integral_constant<on_dispatch,
                             is_strand<Executor>::value ? on_dispatch::queues
                             : std::is_same<Executor, boost::asio::io_context::executor_type>::value
                                 ? on_dispatch::calls_in_io_context
                                 : on_dispatch::calls> {};

template <class Executor, class Function>
void post_to(Executor const& executor, Function&& function) {
  boost::asio::post(executor, std::forward<Function>(function));
}

/// What Asio's post() does for an io_context, without what it does for the sake of other executors.
template <class Function>
void post_to(boost::asio::io_context::executor_type const& executor, Function&& function) {
  auto const allocator = boost::asio::get_associated_allocator(function);
  boost::asio::prefer(boost::asio::require(executor, boost::asio::execution::blocking.never),
                      boost::asio::execution::relationship.fork,
                      boost::asio::execution::allocator(allocator))
      .execute(std::forward<Function>(function));
}

/// A work_tracker with post() and dispatch(). The constructor with a scheduler is for the executor of an
/// I/O object, of which the scheduler is known, if it has one. Only the executor of an I/O object is posted to,
/// because other executors need not be able to queue (Asio's inline_executor and
/// any_completion_executor are not).
template <class Executor> class tracked_executor {
public:
  explicit tracked_executor(Executor const& executor) : executor_(executor) {}
  tracked_executor(Executor const& executor, scheduler*) : executor_(executor) {}

  // The executor is copied first: a function that is posted may run at once in another thread and
  // destroy this object.

  template <class Function> void post(Function&& function) const {
    auto const executor = executor_.get();
    post_to(executor, std::forward<Function>(function));
  }

  template <class Function> void dispatch(Function&& function) const {
    auto const executor = executor_.get();
    boost::asio::dispatch(executor, std::forward<Function>(function));
  }

  static constexpr on_dispatch kind() noexcept { return on_dispatch_of<Executor>::value; }

  /// The scheduler whose executor it is, which takes operations as they are; null for all others.
  scheduler* native_scheduler() const noexcept { return nullptr; }

  /// Ends the work, in a function that the scheduler has called.
  void finish_work_here() noexcept {}

private:
  work_tracker<Executor> executor_;
};

struct of_io_object {};

/// Work of a scheduler; nothing if it is null.
class scheduler_work {
public:
  explicit scheduler_work(scheduler* owner) noexcept : scheduler_(owner) {
    if (owner) {
      owner->start_work();
    }
  }

  /// For an I/O object, which only the scheduler's own thread uses.
  scheduler_work(scheduler* owner, of_io_object) noexcept : scheduler_(owner) {
    if (owner) {
      owner->start_work_here();
    }
  }

  scheduler_work(scheduler_work&& other) noexcept : scheduler_(other.scheduler_) {
    other.scheduler_ = nullptr;
  }
  scheduler_work(scheduler_work const&) = delete;
  scheduler_work& operator=(scheduler_work const&) = delete;

  MIOEXT_DETAIL_FORCEINLINE ~scheduler_work() {
    if (BOOST_UNLIKELY(scheduler_ != nullptr)) { // an operation that has ended has no work
      finish();
    }
  }

  /// The same in a function that the scheduler has called.
  void finish_here() noexcept {
    scheduler_->finish_work_here();
    scheduler_ = nullptr;
  }

  scheduler* owner() const noexcept { return scheduler_; }

  scheduler_executor<std::allocator<void>, 0> executor() const noexcept {
    return {*scheduler_, std::allocator<void>()};
  }

private:
  BOOST_NOINLINE void finish() noexcept { scheduler_->finish_work(); }

  scheduler* scheduler_;
};

template <class Allocator, unsigned Flags>
class tracked_executor<scheduler_executor<Allocator, Flags>> {
public:
  explicit tracked_executor(scheduler_executor<Allocator, Flags> const& executor) noexcept
      : work_(&executor.owner()) {}
  tracked_executor(scheduler_executor<Allocator, Flags> const& executor, scheduler*) noexcept
      : work_(&executor.owner(), of_io_object()) {}

  // The executor made here is a copy, as above.

  template <class Function> void post(Function&& function) const {
    boost::asio::post(work_.executor(), std::forward<Function>(function));
  }

  template <class Function> void dispatch(Function&& function) const {
    boost::asio::dispatch(work_.executor(), std::forward<Function>(function));
  }

  static constexpr on_dispatch kind() noexcept { return on_dispatch::calls; }

  scheduler* native_scheduler() const noexcept { return work_.owner(); }
  void finish_work_here() noexcept { work_.finish_here(); }

private:
  scheduler_work work_;
};

/// In most programs an any_io_executor holds an io_context's executor or a scheduler's, which is
/// unwrapped here. That executor is cheap to copy and uses the allocator of a function, while the
/// type-erased one allocates in its own way.
template <> class tracked_executor<boost::asio::any_io_executor> {
public:
  explicit tracked_executor(boost::asio::any_io_executor const& executor) {
    if (scheduler* const known = native_scheduler_of(executor)) {
      ::new (static_cast<void*>(&schedulers_)) scheduler_work(known);
    } else {
      track_others(executor);
    }
  }

  MIOEXT_DETAIL_FORCEINLINE tracked_executor(boost::asio::any_io_executor const& executor,
                                             scheduler* known) {
    if (BOOST_LIKELY(known != nullptr)) {
      ::new (static_cast<void*>(&schedulers_)) scheduler_work(known, of_io_object());
    } else {
      track_others(executor);
    }
  }

  MIOEXT_DETAIL_FORCEINLINE tracked_executor(tracked_executor&& other) noexcept
      : held_(other.held_) {
    if (BOOST_LIKELY(held_ == held::schedulers)) {
      ::new (static_cast<void*>(&schedulers_)) scheduler_work(std::move(other.schedulers_));
    } else {
      take_others(other);
    }
  }

  tracked_executor(tracked_executor const&) = delete;
  tracked_executor& operator=(tracked_executor const&) = delete;

  MIOEXT_DETAIL_FORCEINLINE ~tracked_executor() {
    if (BOOST_LIKELY(held_ == held::schedulers)) {
      schedulers_.~scheduler_work();
    } else {
      destroy_others();
    }
  }

  template <class Function> void post(Function&& function) const {
    switch (held_) {
    case held::schedulers:
      boost::asio::post(schedulers_.executor(), std::forward<Function>(function));
      return;
    case held::io_contexts:
      io_contexts_.post(std::forward<Function>(function));
      return;
    case held::of_another:
      boost::asio::post(others_.get(), std::forward<Function>(function));
      return;
    }
  }

  template <class Function> void dispatch(Function&& function) const {
    switch (held_) {
    case held::schedulers:
      boost::asio::dispatch(schedulers_.executor(), std::forward<Function>(function));
      return;
    case held::io_contexts:
      io_contexts_.dispatch(std::forward<Function>(function));
      return;
    case held::of_another:
      boost::asio::dispatch(others_.get(), std::forward<Function>(function));
      return;
    }
  }

  /// Any other one than an io_context's executor and a scheduler's may be a strand.
  on_dispatch kind() const noexcept {
    return held_ == held::io_contexts  ? on_dispatch::calls_in_io_context
           : held_ == held::schedulers ? on_dispatch::calls
                                       : on_dispatch::queues;
  }

  scheduler* native_scheduler() const noexcept {
    return held_ == held::schedulers ? schedulers_.owner() : nullptr;
  }
  void finish_work_here() noexcept { schedulers_.finish_here(); }

private:
  using native = boost::asio::io_context::executor_type;

  using of_another_type = work_tracker<boost::asio::any_io_executor>;

  enum class held : unsigned char { schedulers, io_contexts, of_another };

  BOOST_NOINLINE void track_others(boost::asio::any_io_executor const& executor) {
    if (native const* const io_contexts = target_of<native>(executor)) {
      ::new (static_cast<void*>(&io_contexts_)) tracked_executor<native>(*io_contexts);
      held_ = held::io_contexts;
    } else {
      ::new (static_cast<void*>(&others_)) of_another_type(executor);
      held_ = held::of_another;
    }
  }

  BOOST_NOINLINE void take_others(tracked_executor& other) noexcept {
    if (held_ == held::io_contexts) {
      ::new (static_cast<void*>(&io_contexts_))
          tracked_executor<native>(std::move(other.io_contexts_));
    } else {
      ::new (static_cast<void*>(&others_)) of_another_type(std::move(other.others_));
    }
  }

  BOOST_NOINLINE void destroy_others() noexcept {
    if (held_ == held::io_contexts) {
      io_contexts_.~tracked_executor<native>();
    } else {
      others_.~of_another_type();
    }
  }

  held held_ = held::schedulers;
  union {
    scheduler_work schedulers_;
    tracked_executor<native> io_contexts_;
    of_another_type others_;
  };
};

// --- The two of an operation ---------------------------------------------------------------------

/// Whether a handler is associated with an executor of its own. A handler without one runs on
/// whichever executor it is offered.
template <class Handler>
struct has_own_executor
    : std::integral_constant<
          bool,
          !std::is_same<typename boost::asio::associated_executor<Handler, inline_executor>::type,
                        inline_executor>::value> {};

/// Where an operation completes, by the rules of Asio ("Requirements on asynchronous operations").
/// An operation that ends in its initiating function is posted to the I/O executor; any other ends
/// in a thread of the I/O executor's context. Then the function is dispatched to the executor that
/// the handler is associated with: this one, if that is another than the I/O executor.
template <class Handler, class IoExecutor, bool HasOwn = has_own_executor<Handler>::value>
class handler_executor {
public:
  handler_executor(Handler const&, IoExecutor const&, scheduler*) noexcept {}

  /// True if the handler may be called directly from a function that the I/O executor has called.
  static constexpr bool is_io_executor() noexcept { return true; }

  template <class Function> void dispatch(Function&&) const noexcept {}
};

template <class Handler, class IoExecutor> class handler_executor<Handler, IoExecutor, true> {
  using own_executor = typename boost::asio::associated_executor<Handler, IoExecutor>::type;

public:
  handler_executor(Handler const& completion_handler, IoExecutor const& io_executor,
                   scheduler* native) {
    own_executor const own = boost::asio::get_associated_executor(completion_handler, io_executor);
    if (!is_same(own, io_executor, native)) {
      own_.emplace(own);
    }
  }

  bool is_io_executor() const noexcept { return !own_; }

  /// Calls `function` where the handler may be called, if that is another executor.
  template <class Function> void dispatch(Function&& function) const {
    own_->dispatch(std::forward<Function>(function));
  }

private:
  static bool is_same(IoExecutor const& own, IoExecutor const& io_executor, scheduler* native) {
    return native ? native_scheduler_of(own) == native : own == io_executor;
  }
  template <class Other> static bool is_same(Other const&, IoExecutor const&, scheduler*) {
    return false;
  }

  boost::optional<tracked_executor<own_executor>> own_{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_HANDLER_EXECUTOR_HPP
