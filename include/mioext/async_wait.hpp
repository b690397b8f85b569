//
// mioext/async_wait.hpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Waits for readiness of a descriptor that somebody else owns.
//

#ifndef MIOEXT_ASYNC_WAIT_HPP
#define MIOEXT_ASYNC_WAIT_HPP

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/wait_op.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/interest.hpp>
#include <mioext/selector_service.hpp>

namespace mioext {

/// Waits until `handle` is ready, once, and never closes it.
///
/// Completes at once (not from inside this function) if it is ready already. The same descriptor
/// can be waited for by any number of waiters, in the same or in different directions, and again at
/// once. That somebody else reads or writes meanwhile does no harm: readiness is a hint here as
/// everywhere.
///
/// Where a mioext handle is closed, by any thread, or released, what waits for it ends before its
/// number is free. Of any other descriptor that its owner closes, the system says nothing; what waits for
/// that ends within half a second, or as soon as the number is waited for again, and never with
/// what happens to a file that gets the number next. (While waits for such a descriptor are pending
/// the context wakes up twice a second for this, which run_one() counts as a handler.)
///
/// @param executor an executor, or an execution context, of which the service is used and where the
/// handler is called unless it has an executor of its own.
/// @param handle a descriptor, or anything with `native_handle()`; only its number is kept.
/// @param wanted what to wait for, any of several.
/// @param token a completion token for `void(boost::system::error_code)`:
/// | error | when |
/// | --- | --- |
/// | none | it is ready, or has an error or a hang-up, which the next I/O tells; with `interest::priority` (not with Asio's wait_error) also when the peer has written its last |
/// | operation_aborted | cancelled through the handler's cancellation slot; a mioext handle was closed or released |
/// | bad_descriptor | it is no open descriptor, or was closed |
/// | operation_not_permitted | its kind cannot be waited for, such as a regular file |
/// | invalid_argument | `wanted` is empty |
/// | operation_not_supported | `interest::priority` with kqueue |
/// | no_memory | there is none to wait in the context's reactor |
///
/// Of a file of the kernel's that looks like a regular one, such as `/proc/self/mounts`, a change is
/// told as interest::priority, and by the kernel only once. It is waited for through the context's own
/// reactor and a duplicate of the descriptor, which keeps the file open until the wait ends: closing
/// the original does not end it. Of several such waits for one file one is told; and what changes in the
/// instant in which the wait begins may be missed, so read such a file when the wait has begun. (A
/// `register_handle` of an async_event_loop does not hear of these changes; a loop or a poller that no
/// context is around does.)
///
/// Cancellation of all types is supported.
///
/// @par Thread safety
/// May be called from any thread.
///
/// @par Example
/// @code
/// mioext::async_wait(context, PQsocket(connection), mioext::interest::readable,
///                    [&](boost::system::error_code ec) { ... PQconsumeInput(connection) ... });
/// @endcode
///
/// @par Source
/// Boost.Asio's basic_descriptor::async_wait; epoll_ctl(2), kqueue(2).
template <class ExecutorOrContext, class Handle,
          class Token = detail::default_token_of<ExecutorOrContext>,
          detail::enable_if<detail::is_executor_or_context<ExecutorOrContext>::value> = 0>
auto async_wait(ExecutorOrContext&& executor, Handle&& handle, interest wanted,
                Token&& token = detail::default_token_of<ExecutorOrContext>())
    -> decltype(detail::start_async_wait<Token>(detail::executor_of(executor), 0,
                                                detail::watch_mode::per_operation, wanted, token)) {
  MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Handle);
  return detail::start_async_wait<Token>(detail::executor_of(executor),
                                         detail::native_handle(handle),
                                         detail::watch_mode_of<Handle>(), wanted, token);
}

/// The same for a handle that has an executor, such as Asio's own sockets and descriptors. (What
/// cancels Asio's operations on them, their cancel() and close(), does not know of this one; see
/// above for what happens when they are closed.)
template <class Handle, class Token = detail::default_token<typename Handle::executor_type>>
auto async_wait(Handle& handle, interest wanted,
                Token&& token = detail::default_token<typename Handle::executor_type>())
    -> decltype(detail::start_async_wait<Token>(handle.get_executor(), 0,
                                                detail::watch_mode::per_operation, wanted, token)) {
  MIOEXT_DETAIL_CHECK_HANDLE(Handle);
  return detail::start_async_wait<Token>(handle.get_executor(), detail::native_handle(handle),
                                         detail::watch_mode_of<Handle>(), wanted, token);
}

/// A handle that has no executor needs one in front; without this overload the compiler would not
/// say so.
template <class Handle, class... Token,
          detail::enable_if<detail::has_no_executor<Handle>::value> = 0>
void async_wait(Handle&&, interest, Token&&...) {
  MIOEXT_DETAIL_ASK_FOR_EXECUTOR(Handle, "async_wait(context, handle, interest, token)");
}

} // namespace mioext

#endif // MIOEXT_ASYNC_WAIT_HPP
