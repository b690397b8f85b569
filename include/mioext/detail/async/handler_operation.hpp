//
// mioext/detail/async/handler_operation.hpp
// -----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An asynchronous operation with its completion handler: the handler's executor, allocator,
// cancellation slot and immediate executor are honoured here.
//

#ifndef MIOEXT_DETAIL_ASYNC_HANDLER_OPERATION_HPP
#define MIOEXT_DETAIL_ASYNC_HANDLER_OPERATION_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/assert.hpp>
#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#ifdef MIOEXT_DETAIL_HAS_IMMEDIATE_EXECUTORS
#include <boost/asio/associated_immediate_executor.hpp>
#endif

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/function_memory.hpp>
#include <mioext/detail/async/handler_executor.hpp>
#include <mioext/detail/async/operation_allocator.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// For a handler without an immediate executor: an operation that is complete at once is queued
/// like any other.
struct no_immediate_executor {
  template <class Handler, class IoExecutor>
  no_immediate_executor(Handler const&, IoExecutor const&) noexcept {}
};

#ifdef MIOEXT_DETAIL_HAS_IMMEDIATE_EXECUTORS

template <class Handler, class IoExecutor> struct own_immediate_executor {
  own_immediate_executor(Handler const& completion_handler, IoExecutor const& io_executor)
      : executor(boost::asio::get_associated_immediate_executor(completion_handler, io_executor)) {}

  typename boost::asio::associated_immediate_executor<Handler, IoExecutor>::type executor;
};

struct plain_handler {};

/// The type tells whether a handler has an immediate executor of its own. Asio's default one queues
/// as well, so it counts as none.
template <class Handler, class IoExecutor>
using immediate_executor = typename std::conditional<
    std::is_same<typename boost::asio::associated_immediate_executor<Handler, IoExecutor>::type,
                 typename boost::asio::associated_immediate_executor<plain_handler,
                                                                     IoExecutor>::type>::value,
    no_immediate_executor, own_immediate_executor<Handler, IoExecutor>>::type;

#else

template <class, class> using immediate_executor = no_immediate_executor;

#endif

/// Where an operation is when an executor has called it.
enum class execution_place {
  /// The I/O executor: the handler is called, or the operation goes on to the handler's own one.
  io,
  /// Where the handler may be called.
  handler,
  /// Where the handler's immediate executor calls: likewise unless the handler has another one.
  immediate
};

/// One that executors call.
class executed_operation : public descriptor_operation {
public:
  virtual void executed(execution_place where) = 0;

protected:
  using descriptor_operation::descriptor_operation;
  ~executed_operation() = default;
};

/// The function that an executor gets: owns the operation until it is called. Its type does not depend on
/// the operation's, so that a program instantiates what Asio does with it once.
template <execution_place Place, std::size_t MemorySize> class operation_function {
public:
  using allocator_type = function_allocator<void, MemorySize>;

  operation_function(executed_operation& operation, function_memory<MemorySize>& memory) noexcept
      : operation_(&operation), memory_(&memory) {}
  operation_function(operation_function&& other) noexcept
      : operation_(other.operation_), memory_(other.memory_) {
    other.operation_ = nullptr;
  }
  operation_function(operation_function const&) = delete;
  operation_function& operator=(operation_function const&) = delete;

  ~operation_function() {
    if (operation_) {
      operation_->destroy();
    }
  }

  allocator_type get_allocator() const noexcept { return allocator_type(*memory_); }

  void operator()() {
    executed_operation& called = *operation_;
    operation_ = nullptr;
    called.executed(Place);
  }

private:
  executed_operation* operation_;
  function_memory<MemorySize>* memory_;
};

/// The same, and tells a watcher when the operation's handler has returned.
template <std::size_t MemorySize>
class watched_function : public operation_function<execution_place::io, MemorySize> {
  using base = operation_function<execution_place::io, MemorySize>;

public:
  watched_function(executed_operation& operation, function_memory<MemorySize>& memory,
                   handler_watcher& watcher) noexcept
      : base(operation, memory), watcher_(&watcher) {}

  void operator()() {
    BOOST_TRY { base::operator()(); }
    BOOST_CATCH(...) {
      watcher_->handler_has_thrown();
      BOOST_RETHROW
    }
    BOOST_CATCH_END
    watcher_->handler_has_returned();
  }

private:
  handler_watcher* watcher_;
};

/// True for an action that most likely finds nothing on a descriptor that was never waited for.
template <class Action> struct is_likely_in_vain_at_first : std::false_type {};

/// True for an action whose perform() does nothing: the readiness itself is the outcome.
template <class Action> struct is_only_wait_action : std::false_type {};

/// `Action` is what is done and what comes of it: a movable class with
///   bool may_wait() const noexcept                   false if perform() never has to
///   io_status perform(int fd, error_code& ec) noexcept
///   void call(Handler& handler, error_code const& ec)   calls the handler, with the results
template <class Action, class Handler, class IoExecutor>
class handler_operation final : public executed_operation {
  using executor_type = handler_executor<Handler, IoExecutor>;
  using handler_allocator = typename boost::asio::associated_allocator<Handler>::type;

  /// Where its memory comes from if its I/O executor is a scheduler's, and if it is not.
  template <bool IsOfScheduler>
  using allocator = operation_allocator<handler_allocator, IsOfScheduler>;
  template <bool IsOfScheduler>
  using memory_of =
      operation_memory<typename allocator<IsOfScheduler>::template rebind<handler_operation>>;

  static constexpr nativeness is_known_native = nativeness_of<IoExecutor>::value;

  /// A scheduler takes the operation itself, which then needs no memory to be posted in, unless it goes
  /// on to another executor.
  static constexpr bool goes_through_asio =
      is_known_native != nativeness::certain || has_own_executor<Handler>::value ||
      !std::is_same<immediate_executor<Handler, IoExecutor>, no_immediate_executor>::value;
  static constexpr std::size_t memory_size = goes_through_asio ? 96 : 0;

public:
  handler_operation(handler_operation const&) = delete;
  handler_operation& operator=(handler_operation const&) = delete;

  /// Makes one with the handler's allocator. If that throws, `handler` is as it was.
  static handler_operation& make(interest wanted, Action&& action, Handler& completion_handler,
                                 IoExecutor const& executor) {
    return make(wanted, std::move(action), completion_handler, executor,
                native_scheduler_of(executor));
  }

  /// @param native the scheduler whose executor `executor` is, if it is one's.
  BOOST_FORCEINLINE static handler_operation& make(interest wanted, Action&& action,
                                                   Handler& completion_handler,
                                                   IoExecutor const& executor, scheduler* native) {
    return is_native(native)
               ? make_in<true>(wanted, std::move(action), completion_handler, executor, native)
               : make_in<false>(wanted, std::move(action), completion_handler, executor, native);
  }

  /// False if it never has to wait, whatever the descriptor is ready for.
  bool may_wait() const noexcept { return action_.may_wait(); }

  /// True if it is better not tried before the selector watches its descriptor for reading.
  bool is_likely_in_vain() const noexcept {
    return is_likely_in_vain_at_first<Action>::value && may_wait();
  }

  /// The same as the base's perform() but without a virtual call, for the reactor that starts the
  /// operation and knows its type.
  BOOST_FORCEINLINE io_status perform(int fd) noexcept { return action_.perform(fd, ec_); }

  void complete(completion how) override {
    if (how == completion::posted) {
      post();
    } else if (how == completion::dispatched) {
      dispatch();
    } else {
      complete_immediately();
    }
  }

  void executed(execution_place where) override {
    if (!goes_through_asio) {
      BOOST_ASSERT_MSG(false, "only its scheduler calls it");
    } else {
      arrive(where);
    }
  }

  bool complete_watched(handler_watcher& watcher) override {
    bool const is_certain = goes_through_asio && executor_.is_io_contexts();
    if (is_certain) {
      executor_.post_to_io(watched_function<memory_size>(*this, memory_, watcher));
    } else {
      post();
    }
    return is_certain;
  }

  void destroy() noexcept override {
    // The handler is destroyed last, after the operation's memory has been given back to the
    // handler's allocator.
    Handler completion_handler(std::move(handler_));
    deallocate(completion_handler);
  }

private:
  /// Constant where the type of the executor tells it.
  static bool is_native(scheduler const* known) noexcept {
    return is_known_native == nativeness::certain ||
           (is_known_native == nativeness::possible && known != nullptr);
  }

  template <bool IsOfScheduler>
  BOOST_FORCEINLINE static handler_operation&
  make_in(interest wanted, Action&& action, Handler& completion_handler, IoExecutor const& executor,
          scheduler* native) {
    memory_of<IsOfScheduler> memory(allocator_of<IsOfScheduler>(completion_handler));
    handler_operation* const made = ::new (memory.get())
        handler_operation(wanted, std::move(action), completion_handler, executor, native);
    memory.release();
    return *made;
  }

  handler_operation(interest wanted, Action&& action, Handler& completion_handler,
                    IoExecutor const& executor, scheduler* native)
      : executed_operation(wanted, !is_strand<IoExecutor>::value, is_native(native),
                           is_only_wait_action<Action>::value),
        executor_(completion_handler, executor, native), immediate_(completion_handler, executor),
        action_(std::move(action)), handler_(std::move(completion_handler)) {
    // NOLINTBEGIN(clang-analyzer-optin.cplusplus.UninitializedObject): a queue sets its own link
    if (is_known_native == nativeness::possible) {
      is_called_on_the_spot = executor_.calls_on_the_spot();
    }
    // NOLINTEND(clang-analyzer-optin.cplusplus.UninitializedObject)
  }

  ~handler_operation() = default;

  template <bool IsOfScheduler>
  static typename allocator<IsOfScheduler>::type
  allocator_of(Handler const& completion_handler) noexcept {
    return allocator<IsOfScheduler>::get(boost::asio::get_associated_allocator(completion_handler));
  }

  io_status do_perform(int fd, boost::system::error_code& ec) noexcept override {
    return action_.perform(fd, ec);
  }

  void deallocate(Handler const& completion_handler) noexcept {
    if (is_known_native == nativeness::possible ? is_of_scheduler : is_native(nullptr)) {
      deallocate_in<true>(completion_handler);
    } else {
      deallocate_in<false>(completion_handler);
    }
  }

  template <bool IsOfScheduler> void deallocate_in(Handler const& completion_handler) noexcept {
    typename allocator<IsOfScheduler>::type const own =
        allocator_of<IsOfScheduler>(completion_handler);
    this->~handler_operation();
    memory_of<IsOfScheduler>::give_back(own, this);
  }

  /// Whether the handler is called by another executor than the one that has called this.
  bool goes_on_from(execution_place where) const noexcept {
    return (where == execution_place::io && !executor_.is_handlers_own()) ||
           (where == execution_place::immediate && has_own_executor<Handler>::value);
  }

  /// An executor has called it.
  BOOST_FORCEINLINE void arrive(execution_place where) {
    if (goes_on_from(where)) {
      memory_.reuse();
      go_to_handler();
    } else {
      call();
    }
  }

  /// Called by the scheduler itself. Calls the handler, or goes on to the handler's own executor if it
  /// has one. Its work has ended: the scheduler looks for work when the handler has returned.
  BOOST_FORCEINLINE void arrive_from_scheduler() {
    if (executor_.is_handlers_own()) {
      executor_.finish_work_here();
      call_handler();
      return;
    }
    go_to_handler();
  }

  /// Dispatches to the handler's executor. From now on the operation is outstanding work of that
  /// executor only, as in Asio.
  void go_to_handler() {
    executor_type const executor(std::move(executor_));
    executor.dispatch_to_handler(function<execution_place::handler>());
  }

  /// The memory is released before the handler is called, so that what it starts can use it.
  BOOST_FORCEINLINE void call() {
    executor_type const work(std::move(executor_));
    static_cast<void>(work); // clang misses a use of what an executor without work is
    call_handler();
  }

  BOOST_FORCEINLINE void call_handler() {
    Action action(std::move(action_));
    Handler completion_handler(std::move(handler_));
    boost::system::error_code const ec = ec_;
    deallocate(completion_handler);
    action.call(completion_handler, ec);
  }

  /// The handler may be called on the spot if its executor is one that a thread of the context is in.
  BOOST_NOINLINE void dispatch() {
    if (is_native(executor_.native_scheduler())) {
      arrive_from_scheduler();
    } else if (executor_.is_handlers_own() && executor_.is_io_contexts()) {
      call(); // as the io_context would
    } else {
      go_to_handler();
    }
  }

  void post() {
    scheduler* const native = executor_.native_scheduler();
    if (is_native(native)) {
      native->post(*this);
    } else {
      executor_.post_to_io(function<execution_place::io>());
    }
  }

  void complete_immediately() { complete_immediately(immediate_); }

  void complete_immediately(no_immediate_executor const&) { post(); }

  template <class Executor> void complete_immediately(Executor const& immediate) {
    auto const executor = immediate.executor;
    boost::asio::dispatch(executor, function<execution_place::immediate>());
  }

  template <execution_place Place> operation_function<Place, memory_size> function() noexcept {
    return {*this, memory_};
  }

  executor_type executor_;
  immediate_executor<Handler, IoExecutor> immediate_;
  Action action_;
  Handler handler_;
  function_memory<memory_size> memory_{}; // the last: what is always used stays together
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_HANDLER_OPERATION_HPP
