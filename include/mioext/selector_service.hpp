//
// mioext/selector_service.hpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The service that brings mioext's selector into an execution context.
//

#ifndef MIOEXT_SELECTOR_SERVICE_HPP
#define MIOEXT_SELECTOR_SERVICE_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <cstddef>
#include <memory>

#include <boost/asio/execution_context.hpp>
#include <boost/config.hpp>

#include <mioext/detail/async/concurrency_hint.hpp>
#include <mioext/detail/async/context_listeners.hpp>
#include <mioext/detail/async/nested_host.hpp>
#include <mioext/detail/async/scheduler.hpp>
#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/async/selector_service_access.hpp>
#include <mioext/detail/inlining.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

class selector_service;

namespace detail {

/// What a selector_context brings with it.
struct service_host {
  std::shared_ptr<reactor_host> host;
  std::shared_ptr<selector_reactor> reactor;
  std::shared_ptr<scheduler> native;
};

/// Raised by each service that goes. A shared library has its own, for the services that it has made; it is
/// never freed, because others look at it when the library may be gone.
inline std::atomic<std::size_t>& count_of_services_gone() {
  static std::atomic<std::size_t>& services_gone = *new std::atomic<std::size_t>(0);
  return services_gone;
}

/// Where a thread has found the reactor of a context. While none of those services has gone that the same
/// library has made, no other context can have come to that address. (Whoever uses a context knows of all
/// that have ended at its address before; so nothing is ordered here.)
struct known_reactor {
  boost::asio::execution_context const* context;
  std::shared_ptr<selector_reactor> const* reactor;
  std::atomic<std::size_t> const* count_of_services_gone;
  std::size_t services_gone;

  bool is_of(boost::asio::execution_context const& used) const noexcept {
    return context == &used &&
           count_of_services_gone->load(std::memory_order_relaxed) == services_gone;
  }
};

template <class Service> struct service_id {
  /// What Asio finds the service by.
  static boost::asio::execution_context::id id;

protected:
  ~service_id() = default;
};

template <class Service> boost::asio::execution_context::id service_id<Service>::id;

} // namespace detail

/// One selector for an execution context, nested in the context's own reactor.
///
/// Made by the first operation that needs it; there is no need to name it, except to make it early
/// or with another size:
/// @code
/// boost::asio::make_service<mioext::selector_service>(context, 512);
/// @endcode
///
/// The functions that begin an operation throw std::bad_alloc if there is no memory for it; it has
/// not begun then.
///
/// It works in any context that can host a `posix::stream_descriptor`: an io_context that one or
/// many threads run, a thread_pool. It adds no thread, and uses nothing but Asio's public
/// interface. The context's run() does not return while an operation waits through the service, and
/// returns when none is left. After a fork, calling the context's `notify_fork` is enough: in the
/// child the selector is made anew. Operations that are started between the calls of notify_fork
/// wait, and are served after the last call. If a call throws, it can be repeated, and nothing is
/// lost. Before that call, or without it, a child may close and cancel what it has, and destroy the
/// context, without disturbing the parent. (If another thread of the parent held a lock at the
/// fork, to begin, end or close something for a descriptor, that lock is never released in the
/// child; closing that number or using the context may then hang there. Other threads that the
/// child starts must not use the context until notify_fork has returned.)
///
/// When the context is destroyed, the handlers of pending operations are destroyed without being
/// called. Objects that used the service may outlive the context; their operations end at that
/// point.
///
/// Closing a mioext handle ends the operations that wait for it; they complete through their I/O
/// executor. If that executor needs memory to queue a completion (an io_context does not) and there
/// is none, the handlers are destroyed without being called, because a close, which may happen in a
/// destructor, throws nothing.
///
/// As with Asio's own objects, run(), run_one() and poll_one() count one handler of the program for
/// each operation. They count more only if the context wakes up for nothing that the program is
/// waiting for: when something arrives for a stream that has no pending read or an acceptor that has no
/// pending accept, and when the service checks descriptors that may have been closed without its
/// knowledge (see async_wait()).
///
/// @par Thread safety
/// All of it is thread-safe, unless the context was made for one thread at a time: with Asio's
/// BOOST_ASIO_CONCURRENCY_HINT_UNSAFE or BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO, or `io_locking` set to
/// false in its configuration. From Boost 1.87 on the service knows that by itself; with earlier
/// versions it can be told when it is made. Operations lock nothing then. Nor do they, whatever the context,
/// while the process has only one thread (where the C library tells: glibc from 2.32 on).
///
/// @par Source
/// Boost.Asio, "Services".
class selector_service : public boost::asio::execution_context::service,
                         public detail::service_id<selector_service> {
public:
  /// What use_service, has_service and make_service know it by.
  using key_type = selector_service;

  /// Makes the selector.
  ///
  /// @param event_capacity how many events are fetched in one go at the most; then the context's
  /// other work gets its turn. At least one; what does not fit comes with the next.
  /// @throws boost::system::system_error when the system has no descriptor left, for instance;
  /// invalid_argument for a capacity that cannot be.
  explicit selector_service(boost::asio::execution_context& context,
                            std::size_t event_capacity = 128)
      : selector_service(context,
                         nested_in(context, event_capacity, detail::concurrency_of(context))) {}

  /// The same for a context that was made with that hint, which not all versions of Asio tell.
  ///
  /// With 1 and with the two hints below, one thread at a time runs the context, and no handler runs it.
  /// Then after a handler has returned, the selector may be looked at again before the context is asked
  /// to wait for it. That saves system calls where little is ready at a time; what is found is queued
  /// behind the context's other work, and after 64 handlers the context is asked. Then run(), run_one() and
  /// poll_one() may count more than the program's handlers: also what comes between two looks.
  ///
  /// @param concurrency_hint as for an io_context. With BOOST_ASIO_CONCURRENCY_HINT_UNSAFE and
  /// BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO operations lock nothing, and what Asio asks of its own I/O objects
  /// holds of what mioext does in the context, too: only one thread at a time may use it, and may close
  /// the handles that it waits for. Other values than these three change nothing.
  selector_service(boost::asio::execution_context& context, std::size_t event_capacity,
                   int concurrency_hint)
      : selector_service(context, nested_in(context, event_capacity,
                                            detail::concurrency_of(concurrency_hint))) {}

  /// For a context that is a host of its own.
  selector_service(boost::asio::execution_context& context, detail::service_host const& host)
      : boost::asio::execution_context::service(context), host_(host.host), reactor_(host.reactor),
        native_(host.native) {
    if (native_) {
      native_->set_reactor(&reactor_);
    }
  }

  ~selector_service() override {
    count_of_services_gone_.fetch_add(1, std::memory_order_relaxed);
    if (native_) {
      native_->set_reactor(nullptr);
    }
  }

private:
  friend struct detail::selector_service_access;

  static detail::service_host nested_in(boost::asio::execution_context& context,
                                        std::size_t event_capacity, detail::concurrency threads) {
    auto const nested = std::make_shared<detail::nested_host>(context, event_capacity, threads);
    return {nested, detail::nested_host::reactor_of(nested), nullptr};
  }

  void shutdown() override {
    listeners_.shutdown();
    host_->shutdown();
  }

  void notify_fork(boost::asio::execution_context::fork_event event) override {
    host_->notify_fork(event);
    listeners_.notify_fork(event);
  }

  std::shared_ptr<detail::reactor_host> host_;
  std::shared_ptr<detail::selector_reactor> reactor_; // which keeps the host alive, too
  std::shared_ptr<detail::scheduler> native_{};       // the host of a selector_context
  detail::context_listeners listeners_{};
  std::atomic<std::size_t>& count_of_services_gone_ = detail::count_of_services_gone();
};

namespace detail {

BOOST_NOINLINE inline void
selector_service_access::look_up_reactor(boost::asio::execution_context& context,
                                         known_reactor& known) {
  selector_service const& service = boost::asio::use_service<selector_service>(context);
  known.reactor = &service.reactor_;
  known.count_of_services_gone = &service.count_of_services_gone_;
  known.services_gone = service.count_of_services_gone_.load(std::memory_order_relaxed);
  known.context = &context;
}

MIOEXT_DETAIL_FORCEINLINE std::shared_ptr<selector_reactor> const&
selector_service_access::reactor(boost::asio::execution_context& context) {
  // Most threads run one context. (Looking a service up takes a lock of the context's.)
  static thread_local known_reactor known;
  if (BOOST_UNLIKELY(!known.is_of(context))) {
    look_up_reactor(context, known);
  }
  return *known.reactor;
}

MIOEXT_DETAIL_FORCEINLINE std::shared_ptr<selector_reactor> const&
selector_service_access::reactor(boost::asio::execution_context& context, scheduler* native) {
  if (native) {
    if (std::shared_ptr<selector_reactor> const* const known = native->reactor()) {
      return *known;
    }
  }
  return reactor(context);
}

inline context_listeners&
selector_service_access::listeners(boost::asio::execution_context& context) {
  return boost::asio::use_service<selector_service>(context).listeners_;
}

inline std::shared_ptr<scheduler> const&
selector_service_access::native_scheduler(boost::asio::execution_context& context) {
  return boost::asio::use_service<selector_service>(context).native_;
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_SELECTOR_SERVICE_HPP
