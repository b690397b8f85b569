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

#include <mioext/detail/system.hpp>

#include <mioext/detail/async/asio_features.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/wait_op.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/interest.hpp>
#include <mioext/selector_service.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// Waits until `handle` is ready, once, and never closes it.
///
/// Completes at once (not from inside this function) if it is ready already. Any number of waits
/// for the same descriptor may be pending, in the same or in different directions, and a new one
/// may be started at once. It does no harm if somebody else reads or writes meanwhile: readiness is
/// a hint, here as everywhere.
///
/// When a mioext handle is closed, by any thread, or released, the waits for it end before its
/// number is free. The system does not report that the owner of any other descriptor closes it.
/// Waits for such a descriptor end within half a second, or as soon as its number is waited for
/// again; they never complete with events of another file that gets the number next. (While waits
/// for such descriptors are pending, the context wakes up twice a second to check them, which
/// run_one() counts as a handler.)
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
/// Some kernel files look like regular ones, such as `/proc/self/mounts`. A change of such a file
/// is reported as interest::priority, and the kernel reports it only once. The file is waited for
/// through the context's own reactor and a duplicate of the descriptor, which keeps the file open
/// until the wait ends: closing the original does not end the wait. If several such waits for one
/// file are pending, only one is completed. A change at the very moment when the wait begins may be
/// missed, so read the file after the wait has begun. (The `register_handle` of an async_event_loop
/// does not report these changes; a loop or a poller outside of a context does.)
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

/// The same for a handle that has an executor, such as Asio's own sockets and descriptors. (Their
/// cancel() and close(), which end Asio's operations on them, do not end this one; see above for
/// what happens when they are closed.)
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

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_ASYNC_WAIT_HPP
