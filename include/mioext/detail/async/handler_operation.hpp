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
#include <mioext/detail/inlining.hpp>
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
  function_memory<96> memory{}; // the operation's own executor stays meanwhile
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

  /// An executor has called it, and it goes on to another one.
  void may_be_posted() noexcept { place_use_ = place_use::none; }
};

/// The associated allocator of a function that owns an operation which waits no more.
template <class T> class posting_allocator {
public:
  using value_type = T;

  explicit posting_allocator(posting_place& place) noexcept : place_(&place) {}

  template <class U> struct rebind { using other = posting_allocator<U>; };

  template <class U>
  posting_allocator(posting_allocator<U> const& other) noexcept : place_(other.place_) {}

  MIOEXT_DETAIL_FORCEINLINE T* allocate(std::size_t count) {
    static_assert(alignof(T) <= alignof(std::max_align_t), "no room for over-aligned types");
    return static_cast<T*>(count == 1 ? place_->allocate_posting<sizeof(T), alignof(T)>()
                                      : ::operator new(count * sizeof(T)));
  }

  MIOEXT_DETAIL_FORCEINLINE void deallocate(T* pointer, std::size_t) noexcept {
    place_->deallocate_posting(pointer);
  }

  template <class U> bool operator==(posting_allocator<U> const& other) const noexcept {
    return place_ == other.place_;
  }
  template <class U> bool operator!=(posting_allocator<U> const& other) const noexcept {
    return place_ != other.place_;
  }

private:
  template <class> friend class posting_allocator;

  posting_place* place_;
};

/// The function that an executor gets: owns the operation until it is called. Its type does not depend on
/// the operation's, so that a program instantiates what Asio does with it once. It is as small as can be,
/// so that there is room for it where the operation waited.
template <execution_place Place> class operation_function {
public:
  using allocator_type = posting_allocator<void>;

  explicit operation_function(executed_operation& operation) noexcept : operation_(&operation) {}
  operation_function(operation_function&& other) noexcept : operation_(other.operation_) {
    other.operation_ = nullptr;
  }
  operation_function(operation_function const&) = delete;
  operation_function& operator=(operation_function const&) = delete;

  ~operation_function() {
    if (operation_) {
      operation_->destroy();
    }
  }

  allocator_type get_allocator() const noexcept { return allocator_type(*operation_); }

  void operator()() {
    executed_operation& called = *operation_;
    operation_ = nullptr;
    called.executed(Place);
  }

private:
  executed_operation* operation_;
};

/// A function that owns an operation, and that has memory of its own.
template <execution_place Place, std::size_t MemorySize>
class operation_function_in : public operation_function<Place> {
public:
  using allocator_type = function_allocator<void, MemorySize>;

  operation_function_in(executed_operation& operation, function_memory<MemorySize>& memory) noexcept
      : operation_function<Place>(operation), memory_(&memory) {}
  operation_function_in(operation_function_in&&) noexcept = default;
  operation_function_in(operation_function_in const&) = delete;
  operation_function_in& operator=(operation_function_in const&) = delete;

  allocator_type get_allocator() const noexcept { return allocator_type(*memory_); }

private:
  function_memory<MemorySize>* memory_;
};

/// The place of an executor that has none in an operation's `storage_`.
template <class Tracked, bool IsSmall> class place_of_executor {
protected:
  void* of(unsigned char (&)[3 * sizeof(void*)]) noexcept { return bytes_; }

private:
  alignas(Tracked) unsigned char bytes_[sizeof(Tracked)];
};

template <class Tracked> class place_of_executor<Tracked, true> {
protected:
  static void* of(unsigned char (&small)[3 * sizeof(void*)]) noexcept { return small; }
};

/// An operation with the executor of its I/O object, until it is passed to that.
///
/// @tparam MayBePassed false if it never is
template <class Tracked, bool MayBePassed>
class io_operation : public executed_operation,
                     private place_of_executor<Tracked, sizeof(Tracked) <= 3 * sizeof(void*) &&
                                                            alignof(Tracked) <= alignof(void*)> {
public:
  io_operation(io_operation const&) = delete;
  io_operation& operator=(io_operation const&) = delete;

protected:
  template <class IoExecutor>
  io_operation(interest wanted, on_dispatch kind, IoExecutor const& executor, scheduler* native,
               bool is_schedulers, bool only_waits)
      : executed_operation(wanted, kind, is_schedulers, only_waits) {
    ::new (io_place()) Tracked(executor, native);
  }

  MIOEXT_DETAIL_FORCEINLINE ~io_operation() {
    if (has_io()) {
      io().~Tracked();
    }
  }

  bool has_io() const noexcept { return !MayBePassed || place_use_ == place_use::waiting; }

  Tracked& io() noexcept { return *static_cast<Tracked*>(io_place()); }

  /// The operation does not have it afterwards, and may be passed to that.
  Tracked take_io() noexcept(std::is_nothrow_move_constructible<Tracked>::value) {
    Tracked taken(std::move(io()));
    io().~Tracked();
    place_use_ = place_use::none;
    return taken;
  }

  /// Queues it to its executor. What is queued is outstanding work as well. The executor is moved away
  /// first, because the operation may be called at once in another thread, and because what is queued may
  /// be made in its place. A program needs it once for each type of executor, and so what Asio does is
  /// inlined in it, which the compiler would not do by itself.
  BOOST_NOINLINE MIOEXT_DETAIL_FLATTEN void post_to_io() {
    Tracked const executor(take_io());
    executor.post(operation_function<execution_place::io>(*this));
  }

private:
  void* io_place() noexcept { return this->of(storage_.waiting.executor); }
};

/// True for an action that most likely finds nothing on a descriptor that was never waited for.
template <class Action> struct is_likely_in_vain_at_first : std::false_type {};

/// True for an action whose perform() does nothing: the readiness itself is the outcome.
template <class Action> struct is_only_wait_action : std::false_type {};

/// Whether an operation may be passed to an executor: a scheduler takes the operation itself, unless it
/// goes on to another executor.
template <class Handler, class IoExecutor>
struct goes_through_asio
    : std::integral_constant<bool, nativeness_of<IoExecutor>::value != nativeness::certain ||
                                       has_own_executor<Handler>::value ||
                                       !std::is_same<immediate_executor<Handler, IoExecutor>,
                                                     no_immediate_executor>::value> {};

/// `Action` is what is done and what comes of it: a movable class with
///   bool may_wait() const noexcept                   false if perform() never has to
///   io_status perform(int fd, error_code& ec) noexcept
///   void call(Handler& handler, error_code const& ec)   calls the handler, with the results
template <class Action, class Handler, class IoExecutor>
class handler_operation final : public io_operation<tracked_executor<IoExecutor>,
                                                    goes_through_asio<Handler, IoExecutor>::value>,
                                private handler_executor<Handler, IoExecutor>,
                                private immediate_executor<Handler, IoExecutor> {
  using io_executor = tracked_executor<IoExecutor>;
  using base = io_operation<io_executor, goes_through_asio<Handler, IoExecutor>::value>;
  using own_executor = handler_executor<Handler, IoExecutor>;
  using immediate = immediate_executor<Handler, IoExecutor>;
  using handler_allocator = typename boost::asio::associated_allocator<Handler>::type;

  /// Where its memory comes from if its I/O executor is a scheduler's, and if it is not.
  template <bool IsOfScheduler>
  using allocator = operation_allocator<handler_allocator, IsOfScheduler>;
  template <bool IsOfScheduler>
  using memory_of =
      operation_memory<typename allocator<IsOfScheduler>::template rebind<handler_operation>>;

  static constexpr nativeness is_known_native = nativeness_of<IoExecutor>::value;
  static constexpr bool is_passed_to_asio = goes_through_asio<Handler, IoExecutor>::value;

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
  MIOEXT_DETAIL_FORCEINLINE static handler_operation& make(interest wanted, Action&& action,
                                                           Handler& completion_handler,
                                                           IoExecutor const& executor,
                                                           scheduler* native) {
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
  MIOEXT_DETAIL_FORCEINLINE io_status perform(int fd) noexcept {
    return action_.perform(fd, this->ec_);
  }

  void complete(completion how) override {
    switch (how) {
    case completion::immediate:
      complete_immediately();
      return;
    case completion::posted:
      post();
      return;
    case completion::dispatched:
      if (is_native(this->io().native_scheduler())) {
        arrive_from_scheduler();
      } else {
        dispatch();
      }
      return;
    }
  }

  void executed(execution_place where) override {
    if (!is_passed_to_asio) {
      BOOST_ASSERT_MSG(false, "only its scheduler calls it");
    } else {
      arrive(where);
    }
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
  MIOEXT_DETAIL_FORCEINLINE static handler_operation&
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
      : base(wanted, on_dispatch_of<IoExecutor>::value, executor, native, is_native(native),
             is_only_wait_action<Action>::value),
        own_executor(completion_handler, executor, native), immediate(completion_handler, executor),
        action_(std::move(action)), handler_(std::move(completion_handler)) {
    // NOLINTBEGIN(clang-analyzer-optin.cplusplus.UninitializedObject): a queue sets its own link
    if (is_known_native == nativeness::possible) {
      this->io_on_dispatch = this->io().kind();
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
    if (is_known_native == nativeness::possible ? this->is_of_scheduler : is_native(nullptr)) {
      deallocate_in<true>(completion_handler);
    } else {
      deallocate_in<false>(completion_handler);
    }
  }

  template <bool IsOfScheduler> void deallocate_in(Handler const& completion_handler) noexcept {
    typename allocator<IsOfScheduler>::type const own =
        allocator_of<IsOfScheduler>(completion_handler);
    this->~handler_operation();
    // Where there is little else, the compiler rather inlines the handler.
    if (std::is_empty<Action>::value) {
      memory_of<IsOfScheduler>::give_back(own, this);
    } else {
      memory_of<IsOfScheduler>::give_back_inlined(own, this);
    }
  }

  /// An executor has called it. The one of the I/O object is still here only if it was not that one that
  /// the operation was queued to.
  MIOEXT_DETAIL_FORCEINLINE void arrive(execution_place where) {
    if (where == execution_place::immediate && has_immediate_executor) {
      arrive_at_once();
    } else if (where == execution_place::io && !own_executor::is_io_executor()) {
      this->may_be_posted();
      own_executor const own(std::move(static_cast<own_executor&>(*this)));
      own.dispatch(operation_function<execution_place::handler>(*this));
    } else {
      call_handler();
    }
  }

  void arrive_at_once() {
    if (has_own_executor<Handler>::value) {
      go_to_handler();
    } else {
      io_executor const work(this->take_io());
      static_cast<void>(work); // for clang, where it is trivial
      call_handler();
    }
  }

  /// Called by the scheduler itself. Calls the handler, or goes on to the handler's own executor if it
  /// has one. Its work has ended: the scheduler looks for work when the handler has returned.
  MIOEXT_DETAIL_FORCEINLINE void arrive_from_scheduler() {
    if (own_executor::is_io_executor()) {
      this->io().finish_work_here();
      call_handler();
      return;
    }
    go_to_handler();
  }

  /// Dispatches to the handler's executor. From now on the operation is outstanding work of that
  /// executor only, as in Asio.
  void go_to_handler() {
    io_executor const io(this->take_io());
    own_executor const own(std::move(static_cast<own_executor&>(*this)));
    if (own.is_io_executor()) {
      io.dispatch(operation_function<execution_place::handler>(*this));
    } else {
      own.dispatch(operation_function<execution_place::handler>(*this));
    }
  }

  /// The memory is released before the handler is called, so that what it starts can use it.
  MIOEXT_DETAIL_FORCEINLINE void call_handler() {
    Action action(std::move(action_));
    Handler completion_handler(std::move(handler_));
    boost::system::error_code const ec = this->ec_;
    deallocate(completion_handler);
    action.call(completion_handler, ec);
  }

  /// Not of a scheduler. The handler may be called on the spot if its executor is one that a thread of the
  /// context is in.
  BOOST_NOINLINE void dispatch() {
    if (own_executor::is_io_executor() && this->io().kind() == on_dispatch::calls_in_io_context) {
      call_handler(); // as the io_context would
    } else {
      go_to_handler();
    }
  }

  void post() {
    scheduler* const native = this->io().native_scheduler();
    if (is_native(native)) {
      native->post(*this);
    } else {
      this->post_to_io();
    }
  }

  void complete_immediately() { complete_immediately(static_cast<immediate&>(*this)); }

  void complete_immediately(no_immediate_executor&) { post(); }

  template <class Immediate> void complete_immediately(Immediate& immediately) {
    auto const executor = immediately.executor;
    boost::asio::dispatch(
        executor, operation_function_in<execution_place::immediate, 96>(*this, immediately.memory));
  }

  static constexpr bool has_immediate_executor =
      !std::is_same<immediate, no_immediate_executor>::value;

  Action action_;
  Handler handler_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_HANDLER_OPERATION_HPP
