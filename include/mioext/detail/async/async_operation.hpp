//
// mioext/detail/async/async_operation.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Starts an operation of the context's selector_reactor, and ties it to the handler's cancellation
// slot.
//

#ifndef MIOEXT_DETAIL_ASYNC_ASYNC_OPERATION_HPP
#define MIOEXT_DETAIL_ASYNC_ASYNC_OPERATION_HPP

#include <mioext/detail/system.hpp>

#include <memory>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/is_executor.hpp>
#include <boost/asio/query.hpp>
#include <boost/config.hpp>
#include <boost/type_traits/is_detected.hpp>

#include <mioext/detail/async/cancellation.hpp>
#include <mioext/detail/async/handler_operation.hpp>
#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/async/selector_service_access.hpp>
#include <mioext/detail/handles/basic_handle.hpp>
#include <mioext/detail/handles/is_execution_context.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// For use in the last template parameter, which the compiler checks before the return type.
template <bool Condition> using enable_if = typename std::enable_if<Condition, int>::type;

// --- Executors -----------------------------------------------------------------------------------

template <class T>
struct is_executor
    : std::integral_constant<bool, boost::asio::is_executor<T>::value ||
                                       boost::asio::execution::is_executor<T>::value> {};

/// An executor, or a context that has one.
template <class T>
struct is_executor_or_context
    : std::integral_constant<
          bool, is_executor<typename std::decay<T>::type>::value ||
                    is_execution_context<typename std::remove_reference<T>::type>::value> {};

template <class Executor>
auto executor_of(Executor const& executor) ->
    typename std::enable_if<is_executor<Executor>::value, Executor>::type {
  return executor;
}

template <class Context>
auto executor_of(Context& context) ->
    typename std::enable_if<is_execution_context<Context>::value,
                            typename Context::executor_type>::type {
  return context.get_executor();
}

template <class T> using executor_of_type = decltype(executor_of(std::declval<T&>()));

template <class Executor>
using default_token = typename boost::asio::default_completion_token<Executor>::type;

/// The default token of an executor, or of a context's.
template <class ExecutorOrContext>
using default_token_of =
    default_token<typename std::decay<executor_of_type<ExecutorOrContext>>::type>;

template <class Executor>
auto context_of(Executor const& executor) ->
    typename std::enable_if<boost::asio::execution::is_executor<Executor>::value,
                            boost::asio::execution_context&>::type {
  return boost::asio::query(executor, boost::asio::execution::context);
}

template <class Executor>
auto context_of(Executor const& executor) ->
    typename std::enable_if<!boost::asio::execution::is_executor<Executor>::value,
                            boost::asio::execution_context&>::type {
  return executor.context();
}

template <class T> using get_executor_result = decltype(std::declval<T&>().get_executor());

/// True for an object that has an executor and a native handle, such as one of Asio's sockets or a
/// stream.
template <class T>
struct is_io_object
    : std::integral_constant<bool, boost::is_detected<get_executor_result, T>::value &&
                                       has_native_handle<T>::value> {};

/// A handle, and nothing that knows an executor.
template <class T>
struct has_no_executor
    : std::integral_constant<bool, is_handle<T>::value && !is_io_object<T>::value &&
                                       !is_executor_or_context<T>::value> {};

// --- Starting ------------------------------------------------------------------------------------

/// What a handler's cancellation slot calls. Its address is the key of the operation.
class cancel_operation {
public:
  cancel_operation(std::shared_ptr<selector_reactor> const& reactor, int fd)
      : reactor_(reactor), fd_(fd) {}

  void operator()() const { reactor_->cancel(fd_, this); }

private:
  std::shared_ptr<selector_reactor> reactor_;
  int fd_;
};

/// True for the types of handle that notify closing_listeners when they are closed: mioext's own.
template <class Handle>
struct is_heard_closing
    : std::integral_constant<bool, std::is_base_of<basic_handle, Handle>::value> {};

/// The watch mode for an operation on a handle that is not a stream's. (A stream's handle is
/// watched persistently.)
template <class Handle> constexpr watch_mode watch_mode_of() noexcept {
  return is_heard_closing<typename std::decay<Handle>::type>::value
             ? watch_mode::per_operation
             : watch_mode::per_operation_unheard;
}

/// Where an operation is started. An I/O object keeps these values, so that they need not be looked
/// up.
struct operation_place {
  std::shared_ptr<selector_reactor> const& reactor;
  int fd;
  descriptor_state* state; // null if it is not known
  watch_mode how;
};

/// A handler that an initiation was given, as something that can be moved from: itself if it was a
/// temporary object, otherwise a copy.
template <class Handler>
using movable_handler =
    typename std::conditional<std::is_same<Handler, typename std::decay<Handler>::type>::value,
                              Handler&, typename std::decay<Handler>::type>::type;

/// Ties the operation to the handler's slot. While an operation waits, nothing has happened yet.
/// Not inlined, because most handlers have no slot.
template <class Slot>
BOOST_NOINLINE void const*
make_cancellable(Slot const& slot, std::shared_ptr<selector_reactor> const& reactor, int fd) {
  return install_cancellation<total_cancellation, cancel_operation>(slot, reactor, fd);
}

/// @param native the scheduler whose executor `executor` is, if it is one's
/// @param tries_first false for an operation that only waits
template <class Action, class Handler, class IoExecutor>
MIOEXT_DETAIL_FORCEINLINE void
start_operation(operation_place const& place, IoExecutor const& executor, scheduler* native,
                interest wanted, bool tries_first, Action&& action, Handler& completion_handler) {
  selector_reactor& reactor = *place.reactor;
  if (reactor.is_shut_down()) {
    return; // the handler is dropped, as are those that wait when a context goes
  }
  auto const slot = get_cancellation_slot(completion_handler);
  void const* const key =
      slot.is_connected() ? make_cancellable(slot, place.reactor, place.fd) : nullptr;
  auto& operation = handler_operation<typename std::decay<Action>::type, Handler, IoExecutor>::make(
      wanted, std::move(action), completion_handler, executor, native);
  if (key) {
    operation.set_cancellation_key(key);
  }
  constexpr bool is_own = nativeness_of<IoExecutor>::value == nativeness::certain;
  if (place.state) {
    reactor.start<is_own>(place.fd, *place.state, operation, place.how, tries_first);
  } else {
    reactor.start<is_own>(place.fd, operation, place.how, tries_first);
  }
}

/// The same for a caller that does not know whether the executor is a scheduler's.
template <class Action, class Handler, class IoExecutor>
void start_operation(operation_place const& place, IoExecutor const& executor, interest wanted,
                     bool tries_first, Action&& action, Handler& completion_handler) {
  start_operation(place, executor, native_scheduler_of(executor), wanted, tries_first,
                  std::move(action), completion_handler);
}

// --- Outcomes that are known at once -------------------------------------------------------------

/// Does no I/O: the initiating function already knew the outcome.
template <class Result = void> struct outcome_action {
  bool may_wait() const noexcept { return false; }
  io_status perform(int, boost::system::error_code&) noexcept { return io_status::done; }

  template <class Handler>
  void call(Handler& completion_handler, boost::system::error_code const&) {
    std::move(completion_handler)(static_cast<boost::system::error_code const&>(outcome),
                                  std::move(result));
  }

  boost::system::error_code outcome;
  Result result;
};

template <> struct outcome_action<void> {
  bool may_wait() const noexcept { return false; }
  io_status perform(int, boost::system::error_code&) noexcept { return io_status::done; }

  template <class Handler>
  void call(Handler& completion_handler, boost::system::error_code const&) {
    std::move(completion_handler)(static_cast<boost::system::error_code const&>(outcome));
  }

  boost::system::error_code outcome;
};

/// Completes through the I/O executor's queue, or through the handler's immediate executor if it
/// has one. For an initiating function that already knows the outcome.
template <class Result, class Handler, class IoExecutor>
void complete_at_once(IoExecutor const& executor, outcome_action<Result> outcome,
                      Handler& completion_handler) {
  auto& made = handler_operation<outcome_action<Result>, Handler, IoExecutor>::make(
      interest::none, std::move(outcome), completion_handler, executor);
  made.complete(completion::immediate);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

/// The compiler's error message when a handle without an executor is passed without an executor or
/// a context.
#define MIOEXT_DETAIL_ASK_FOR_EXECUTOR(Handle, Form)                                               \
  static_assert(                                                                                   \
      !::mioext::detail::has_no_executor<Handle>::value,                                           \
      "mioext: this handle has no executor of its own, so an executor or a context comes "         \
      "first: " Form)

#endif // MIOEXT_DETAIL_ASYNC_ASYNC_OPERATION_HPP
