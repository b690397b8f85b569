//
// mioext/detail/async/reactor_host.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a selector_reactor needs from the execution context in which it works.
//

#ifndef MIOEXT_DETAIL_ASYNC_REACTOR_HOST_HPP
#define MIOEXT_DETAIL_ASYNC_REACTOR_HOST_HPP

#include <mioext/detail/system.hpp>

#include <chrono>
#include <cstdint>

#include <boost/asio/execution_context.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/polling/selector.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// All that a selector_reactor knows of the context. The reactor keeps the operations and the
/// selector; the host decides when events are fetched from the selector, and where operations are
/// completed. A host lives at least as long as its reactor (but may be shut down earlier).
///
/// What a host must do:
///
/// - *Fetching.* While operations wait (selector_reactor::pending() is not zero) and the selector
///   has events, the host calls selector_reactor::fetch(), in one thread at a time. It completes
///   the operations that this yields, each once and in their order, while it holds no lock. A host
///   that fetches whenever there are events calls selector_reactor::set_listening(true) once; then
///   listen() is never called. A host that fetches only on request sets this to false before it
///   checks pending(). After that it either listens again or leaves it to a call of listen().
/// - *Work.* The context's run() does not return while pending() is not zero or an operation that
///   has ended is not completed yet. Operations that end without an event are passed to finish().
/// - *Time.* After wake_in(), the host calls selector_reactor::look_for_closed() once, and
///   completes the operations that this yields. Calling it too early does no harm. This does not
///   count as work.
/// - *Timers.* While timers are pending, the host calls timer_queue::take_due() at the point that
///   the last call of wake_at() has named, or earlier, and completes the operations that this
///   yields. (A host whose queue is not locked asks the queue itself.)
/// - *The selector's other sources.* The host may add sources of its own to the selector, with
///   selector::internal_data. fetch() calls note_event() for each event of theirs, and its result
///   says whether there was one. renew_selector() must add them to the new selector. A host whose
///   reactor has no locks may also add descriptors that the reactor does not watch.
/// - *Fork.* Nothing is fetched between notify_fork(fork_prepare) and the call that follows it. In
///   the child, notify_fork(fork_child) and renew_selector() replace the selector.
/// - *The end.* shutdown() calls selector_reactor::close(), takes the selector out of the context,
///   and then calls selector_reactor::drop_all(). None of the other functions uses the context
///   after that.
///
/// The host decides which locks it uses. The reactor holds none of its own when it calls listen(),
/// finish() and renew_selector(), except the one of handle_closing(), which is locked before all
/// others.
class reactor_host {
public:
  reactor_host(reactor_host const&) = delete;
  reactor_host& operator=(reactor_host const&) = delete;

  /// Called when an operation begins to wait while no other does, and the host has said that it
  /// does not listen. By then another thread may have made the host listen, or the operation may
  /// have ended; neither does any harm.
  virtual void listen() = 0;

  /// Completes operations that have ended without an event and do not count in pending() any more:
  /// through their executors' queues, never from inside this call. There is at least one, unless
  /// the last operation that waited was dropped.
  /// Operations that are left in `ended` after an exception are dropped.
  virtual void finish(operation_queue& ended) = 0;

  /// Makes the host call look_for_closed() after `time`. Called by any thread, while it holds a
  /// lock of the reactor.
  virtual void wake_in(std::chrono::milliseconds time) noexcept = 0;

  /// Whether this thread may use the reactor now, for assertions. Always so for a host whose reactor
  /// has locks.
  virtual bool is_usable_here() const noexcept = 0;

  /// Whether this thread is the one that fetches events, and has called what calls this. For a
  /// reactor without locks; always so for a host whose reactor has locks.
  virtual bool is_running_here() const noexcept = 0;

  /// Called by another thread, which has closed a handle while is_running_here() was false: makes the
  /// host call selector_reactor::end_closed_elsewhere().
  virtual void notice_closed() noexcept = 0;

  /// Makes the host call timer_queue::take_due() at `due` or earlier. Called by any thread, while it
  /// holds the lock of the timers.
  virtual void wake_at(std::chrono::steady_clock::time_point due) noexcept = 0;

  /// Called by fetch() for an event of one of the host's sources or, without locks, of a descriptor
  /// that the reactor does not watch. What it ends goes to `done`.
  virtual void note_event(selector::native_event const& event, operation_queue& done) noexcept {
    static_cast<void>(event);
    static_cast<void>(done);
  }

  /// Called when the selector has a file that the reactor is to watch and does not know. Returns true
  /// if the host had added it and has removed it now.
  virtual bool give_way(int fd) noexcept {
    static_cast<void>(fd);
    return false;
  }

  /// In a child process that has its parent's selector: replaces it by one of the child's own,
  /// unless that has been done already. Returns an errno value; after an error nothing has changed.
  virtual int renew_selector() = 0;

  /// Called when the context is destroyed: drops the waiting operations without calling their
  /// handlers.
  virtual void shutdown() = 0;

  /// Called before the process forks, and after it has forked. After an error, which is thrown, the
  /// call can be repeated.
  virtual void notify_fork(boost::asio::execution_context::fork_event event) = 0;

protected:
  reactor_host() noexcept = default;
  ~reactor_host() = default;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_REACTOR_HOST_HPP
