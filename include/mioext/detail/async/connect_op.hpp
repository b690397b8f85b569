//
// mioext/detail/async/connect_op.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Connecting a socket to one endpoint, as a composed operation: the steps of async_connect.
//

#ifndef MIOEXT_DETAIL_ASYNC_CONNECT_OP_HPP
#define MIOEXT_DETAIL_ASYNC_CONNECT_OP_HPP

#include <mioext/detail/system.hpp>

#include <memory>
#include <type_traits>
#include <utility>

#include <sys/socket.h>

#include <mioext/detail/async/asio_features.hpp>
#include <mioext/detail/file_identity.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>
#include <boost/type_traits/detected_or.hpp>
#include <boost/type_traits/is_detected.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/cancellation.hpp>
#include <mioext/detail/async/connect_delay.hpp>
#include <mioext/detail/async/wait_op.hpp>
#include <mioext/detail/event_loop/handle_ops.hpp>
#include <mioext/detail/handles/socket_ops.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/detail/polling/connect_backoff.hpp>
#include <mioext/detail/polling/connection_ops.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

template <class Socket>
using async_wait_result = decltype(std::declval<Socket&>().async_wait(
    boost::asio::socket_base::wait_write, std::declval<void (*)(boost::system::error_code)>()));

/// True for Asio's sockets: such a socket waits through its own reactor, so that its cancel() and
/// close() end the wait.
template <class Socket>
struct has_own_wait
    : std::integral_constant<bool, boost::is_detected<async_wait_result, Socket>::value &&
                                       has_native_non_blocking<Socket>::value> {};

/// Keeps the socket of a connect in an initiating function: a reference to a socket object, but a
/// copy of a bare descriptor's number, which need not be in a variable of the caller.
template <class Socket> class connect_target {
public:
  explicit connect_target(Socket& socket) noexcept : socket_(&socket) {}
  Socket& get() const noexcept { return *socket_; }

private:
  Socket* socket_;
};

template <> class connect_target<int> {
public:
  explicit connect_target(int fd) noexcept : fd_(fd) {}
  int& get() noexcept { return fd_; }

private:
  int fd_;
};

template <> class connect_target<int const> : public connect_target<int> {
public:
  using connect_target<int>::connect_target;
};

template <class T>
using endpoint_members = decltype(static_cast<void>(std::declval<T const&>().data()),
                                  static_cast<void>(std::declval<T const&>().size()),
                                  static_cast<void>(std::declval<T const&>().protocol()));

/// An address, as connect(2) takes it.
template <class T> using is_endpoint = boost::is_detected<endpoint_members, T>;

template <class Endpoint> socket_address address_of(Endpoint const& endpoint) noexcept {
  return {reinterpret_cast<::sockaddr const*>(endpoint.data()),
          static_cast<::socklen_t>(endpoint.size())};
}

/// A connect after its first step, which tells whether there is another one.
struct begun_connect {
  bool is_pending() const noexcept {
    return progress == connect_progress::started || progress == connect_progress::no_room;
  }

  connect_progress progress = connect_progress::failed;
  boost::system::error_code outcome{}; // if it is known
  int fd = -1;
  file_identity identity{};
};

template <class Handle> using next_layer_of = typename Handle::next_layer_type;

/// The handle in a stream; any other handle itself.
template <class Handle>
using innermost_handle = boost::detected_or_t<Handle, next_layer_of, Handle>;

/// True if the rest of a connect that has started is a single operation, because the reactor hears of the
/// closing: then the file needs not be recognised afterwards.
template <class Socket>
struct is_one_operation
    : std::integral_constant<bool, is_heard_closing<innermost_handle<Socket>>::value> {};

/// The first step: opens the socket if need be, and calls connect(2).
template <class Socket, class Endpoint>
begun_connect begin_connect(Socket& socket, Endpoint const& endpoint) {
  begun_connect begun;
  open_if_closed(socket, endpoint, begun.outcome);
  if (!begun.outcome) {
    set_native_non_blocking(socket, begun.outcome);
  }
  if (!begun.outcome) {
    begun.fd = detail::native_handle(socket);
    if (!is_one_operation<Socket>::value) {
      begun.outcome = system_error_code(identify(begun.fd, begun.identity));
    }
  }
  if (!begun.outcome) {
    connect_result const attempt = start_connect(begun.fd, address_of(endpoint));
    begun.progress = attempt.progress;
    begun.outcome = system_error_code(attempt.error);
    if (attempt.progress == connect_progress::no_room && is_one_operation<Socket>::value) {
      // Nothing watches it until there is room.
      begun.outcome = system_error_code(identify(begun.fd, begun.identity));
      if (begun.outcome) {
        begun.progress = connect_progress::failed;
      }
    }
  }
  return begun;
}

/// The rest of a connect that has started, while the reactor hears of the closing.
struct connect_action {
  bool may_wait() const noexcept { return true; }

  io_status perform(int fd, boost::system::error_code& ec) noexcept {
    if (!is_writable_now(fd)) {
      // The event was for something else, from before connect(2).
      return io_status::must_wait;
    }
    ec = socket_ops::take_error(fd);
    return io_status::done;
  }

  template <class Handler>
  void call(Handler& completion_handler, boost::system::error_code const& ec) {
    if (ec == boost::asio::error::bad_descriptor) { // it was closed
      std::move(completion_handler)(
          boost::system::error_code(boost::asio::error::operation_aborted));
    } else {
      std::move(completion_handler)(ec);
    }
  }
};

/// Completes when the socket is connected or the system has refused the connect, whatever
/// connect(2) returned at first.
///
/// Once the first wait has begun, the socket object is not used any more, because it may have been
/// moved or destroyed. Each later step checks that the descriptor still refers to the same file.
///
/// The steps are called where the handler will be. Where that is not the thread that runs a
/// selector_context, the next wait begins there nevertheless.
template <class Socket, class Endpoint, class Executor> class connect_op {
public:
  /// Continues a connect that begin_connect() has begun and that is still pending.
  connect_op(Socket& socket, begun_connect const& begun, Endpoint const& endpoint,
             Executor const& executor)
      : target_(socket), endpoint_(endpoint), executor_(executor), fd_(begun.fd),
        identity_(begun.identity), has_room_(begun.progress == connect_progress::started) {}

  /// Begins to wait.
  template <class Self> void operator()(Self& self) {
    // A connect that is cancelled has had no effect on others.
    enable_cancellation<total_cancellation>(self);
    if (has_room_) {
      wait_in_own_way(self, std::integral_constant<bool, has_own_wait<Socket>::value>());
    } else {
      delay_.reset(new connect_delay(selector_service_access::reactor(context_of(executor_))));
      retry_later(self);
    }
  }

  /// The socket is writable, or it is time to try again.
  template <class Self> void operator()(Self& self, boost::system::error_code const& ec) {
    if (ec == boost::asio::error::bad_descriptor || (!ec && !is_still(fd_, identity_))) {
      self.complete(boost::asio::error::operation_aborted); // it was closed
    } else if (ec) {
      self.complete(ec);
    } else if (!has_room_) {
      try_again(self);
    } else if (!is_writable_now(fd_)) {
      // The event was for something else, from before connect(2).
      go_on(self);
    } else {
      self.complete(socket_ops::take_error(fd_));
    }
  }

  /// What was posted to where the next wait begins.
  struct in_context {};
  template <class Self> void operator()(Self& self, in_context) {
    if (is_cancelled(self)) {
      abort(self);
    } else if (has_room_) {
      wait(self);
    } else {
      retry_later(self);
    }
  }

private:
  template <class Self> struct next_wait {
    using executor_type = Executor;
    using allocator_type = typename boost::asio::associated_allocator<Self>::type;
    executor_type get_executor() const noexcept { return executor; }
    allocator_type get_allocator() const noexcept {
      return boost::asio::get_associated_allocator(self);
    }
    void operator()() { self(in_context()); }
    Executor executor;
    Self self;
  };

  /// Begins the next wait in a step that was called through the handler's executor.
  template <class Self> void go_on(Self& self) {
    if (selector_service_access::reactor(context_of(executor_))->is_used_by_this_thread()) {
      (*this)(self, in_context());
    } else {
      Executor const executor = executor_;
      boost::asio::post(executor, next_wait<Self>{executor, std::move(self)});
    }
  }

  /// Completes through the handler's executor, which need not be where this is called.
  template <class Self> void abort(Self& self) {
    Executor const executor = executor_;
    handler_operation<outcome_action<>, Self, Executor>::make(
        interest::none,
        outcome_action<>{
            boost::asio::error::make_error_code(boost::asio::error::operation_aborted)},
        self, executor)
        .complete(completion::dispatched);
  }

  template <class Self> void wait_in_own_way(Self& self, std::true_type) {
    Socket& socket = target_.get();
    socket.async_wait(boost::asio::socket_base::wait_write, std::move(self));
  }

  template <class Self> void wait_in_own_way(Self& self, std::false_type) { wait(self); }

  template <class Self> void wait(Self& self) {
    initiate_async_wait<Executor> const initiate(executor_, watch_mode_of<Socket>());
    int const fd = fd_;
    initiate(std::move(self), fd, interest::writable);
  }

  /// A Unix listener's backlog is full, and the kernel does not report when there is room again.
  template <class Self> void retry_later(Self& self) {
    connect_delay& delay = *delay_;
    delay.async_wait(backoff_.next(), executor_, std::move(self));
  }

  template <class Self> void try_again(Self& self) {
    if (is_cancelled(self)) {
      self.complete(boost::asio::error::operation_aborted);
      return;
    }
    connect_result const attempt = start_connect(fd_, address_of(endpoint_));
    switch (attempt.progress) {
    case connect_progress::no_room:
      go_on(self);
      return;
    case connect_progress::started:
      has_room_ = true;
      go_on(self);
      return;
    case connect_progress::made:
    case connect_progress::failed:
      self.complete(system_error_code(attempt.error));
      return;
    }
  }

  connect_target<Socket> target_; // not touched after the first wait has begun
  Endpoint endpoint_;
  Executor executor_;
  int fd_;
  file_identity identity_{};
  bool has_room_; // false while connect(2) has to be called again
  connect_backoff backoff_{};
  std::unique_ptr<connect_delay> delay_{}; // while there may be no room
};

/// Waits for the outcome of a connect that begin_connect() has begun and that is still pending.
/// `completion_handler` is moved from.
template <class Socket, class Endpoint, class Executor, class Handler>
void finish_connect(Socket& socket, begun_connect const& begun, Endpoint const& endpoint,
                    Executor const& executor, Handler& completion_handler) {
  if (is_one_operation<Socket>::value && begun.progress == connect_progress::started) {
    scheduler* const native = native_scheduler_of(executor);
    auto const& reactor = selector_service_access::reactor(context_of(executor), native);
    start_operation(operation_place{reactor, begun.fd, nullptr, watch_mode::per_operation},
                    executor, native, interest::writable, false, connect_action(),
                    completion_handler);
    return;
  }
  boost::asio::async_compose<Handler, void(boost::system::error_code)>(
      connect_op<Socket, Endpoint, Executor>(socket, begun, endpoint, executor), completion_handler,
      executor);
}

/// Connects to one endpoint. `completion_handler` is moved from.
template <class Socket, class Endpoint, class Executor, class Handler>
void connect_one(Socket& socket, Endpoint const& endpoint, Executor const& executor,
                 Handler& completion_handler) {
  begun_connect const begun = begin_connect(socket, endpoint);
  if (begun.is_pending()) {
    finish_connect(socket, begun, endpoint, executor, completion_handler);
  } else {
    complete_at_once(executor, outcome_action<>{begun.outcome}, completion_handler);
  }
}

template <class Socket, class Executor> class initiate_connect_one {
public:
  using executor_type = Executor;

  initiate_connect_one(Socket& socket, Executor const& executor)
      : target_(socket), executor_(executor) {}

  executor_type get_executor() const noexcept { return executor_; }

  template <class Handler, class Endpoint>
  void operator()(Handler&& completion_handler, Endpoint const& endpoint) const {
    typename std::decay<Handler>::type owned(std::forward<Handler>(completion_handler));
    connect_target<Socket> target(target_);
    connect_one(target.get(), endpoint, executor_, owned);
  }

private:
  connect_target<Socket> target_;
  Executor executor_;
};

/// `token` is passed on as it was given: it is moved if it was a temporary object.
template <class Token, class Socket, class Endpoint, class Executor>
auto start_connect_one(Socket& socket, Endpoint const& endpoint, Executor const& executor,
                       typename std::remove_reference<Token>::type& token)
    -> decltype(boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        std::declval<initiate_connect_one<Socket, Executor>>(), token, endpoint)) {
  return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
      initiate_connect_one<Socket, Executor>(socket, executor), token, endpoint);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_CONNECT_OP_HPP
