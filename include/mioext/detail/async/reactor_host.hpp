//
// mioext/detail/async/reactor_host.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a selector_reactor asks of the execution context that it works in.
//

#ifndef MIOEXT_DETAIL_ASYNC_REACTOR_HOST_HPP
#define MIOEXT_DETAIL_ASYNC_REACTOR_HOST_HPP

#include <chrono>

#include <boost/asio/execution_context.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/system.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The context, as a selector_reactor knows it. The reactor knows nothing else of it: it keeps the
/// operations and the selector, and the host says when the selector is looked at and where outcomes are
/// told. A host lives at least as long as its reactor (but may be shut down before).
///
/// What a host owes:
///
/// - *Fetching.* While operations wait (selector_reactor::pending() is not zero) and the selector has
///   events, it calls selector_reactor::fetch(), one thread at a time, and completes what that yields:
///   each operation once, in their order, when it holds no lock. A host that fetches whenever there is
///   something says so once, by selector_reactor::set_listening(true), and listen() is never called. One
///   that fetches on demand says false before it looks at pending(), and then either goes on listening or
///   leaves it to listen().
/// - *Work.* The context's run() does not return while pending() is not zero or outcomes are not told
///   yet. Operations that end without an event come to finish().
/// - *Time.* After wake_in(), it calls selector_reactor::look_for_closed() once, and completes what that
///   yields. To do it too early does no harm. It does not count as work.
/// - *The selector's other sources.* What else the host lets the selector watch (with
///   selector::internal_data) it finds in what fetch() returns, and adds it anew in renew_selector().
/// - *Fork.* Between notify_fork(fork_prepare) and the call that follows it nothing is fetched. In the
///   child, notify_fork(fork_child) and renew_selector() replace the selector.
/// - *The end.* shutdown() calls selector_reactor::close(), takes the context's hands off the selector, and
///   then calls selector_reactor::drop_all(). None of the other functions uses the context after that.
///
/// Which locks there are is up to the host: the reactor calls listen(), finish() and renew_selector() without any of
/// its own, except the one that handle_closing() holds, which comes before all others.
class reactor_host {
public:
  reactor_host(reactor_host const&) = delete;
  reactor_host& operator=(reactor_host const&) = delete;

  /// An operation waits, where none did, and the host has said that it does not listen. It is not lost if
  /// another thread has made the host listen meanwhile, or if nothing waits any more.
  virtual void listen() = 0;

  /// Tells those that have ended without an event, which do not count in pending() any more: through
  /// their executors' queues, never from inside this call. There is at least one. Those that are left in
  /// `ended` after an exception are dropped.
  virtual void finish(operation_queue& ended) = 0;

  /// Calls look_for_closed() after that time. In any thread, with a lock of the reactor's held.
  virtual void wake_in(std::chrono::milliseconds time) noexcept = 0;

  /// In the child of a process that had the selector: replaces it by one of the child's own, unless that
  /// was done already. Returns an errno value; after an error nothing has changed.
  virtual int renew_selector() = 0;

  /// The context goes: drops what waits, without calling it.
  virtual void shutdown() = 0;

  /// The process forks, or has forked. After an error, which is thrown, the call can be repeated.
  virtual void notify_fork(boost::asio::execution_context::fork_event event) = 0;

protected:
  reactor_host() noexcept = default;
  ~reactor_host() = default;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_REACTOR_HOST_HPP
