//
// mioext/detail/connect_op.hpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Connecting a socket to one endpoint or to the first of several that accepts, as composed
// operations: the steps of async_connect.
//

#ifndef MIOEXT_DETAIL_CONNECT_OP_HPP
#define MIOEXT_DETAIL_CONNECT_OP_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

#include <sys/socket.h>

#include <mioext/detail/asio_features.hpp>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/wait_traits.hpp>
#include <boost/system/error_code.hpp>

#ifdef MIOEXT_DETAIL_HAS_IMMEDIATE_EXECUTORS
#include <boost/asio/associated_immediate_executor.hpp>
#endif

#include <mioext/async_wait.hpp>
#include <mioext/detail/connection_ops.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/detail/prepare_handle.hpp>
#include <mioext/detail/socket_ops.hpp>
#include <mioext/interest.hpp>

namespace mioext {
namespace detail {

// --- What composed operations have in common --------------------------------------------------------

/// Goes on with `self` from the queue, or wherever its handler's immediate executor says: the way
/// out of an initiating function that knows the outcome already.
template <class Self, class Executor> void resume_later(Self& self, Executor const& executor) {
#ifdef MIOEXT_DETAIL_HAS_IMMEDIATE_EXECUTORS
  auto const immediate = boost::asio::get_associated_immediate_executor(self, executor);
  boost::asio::dispatch(immediate, std::move(self));
#else
  Executor const queue = executor;
  boost::asio::post(queue, std::move(self));
#endif
}

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

template <class Self> bool is_cancelled(Self& self) {
  return self.cancelled() != boost::asio::cancellation_type::none;
}

/// Nothing has happened to others by a connect that is cancelled, so every type will do.
template <class Self> void enable_all_cancellation(Self& self) {
  self.reset_cancellation_state(boost::asio::enable_total_cancellation());
}

/// Between two endpoints a connection may have been made and closed: others have seen that.
template <class Self> void enable_partial_cancellation(Self& self) {
  self.reset_cancellation_state(boost::asio::enable_partial_cancellation());
}

#else

template <class Self> bool is_cancelled(Self&) { return false; }
template <class Self> void enable_all_cancellation(Self&) {}
template <class Self> void enable_partial_cancellation(Self&) {}

#endif

/// One of Asio's sockets: waits through its own reactor, so that its cancel() and close() end the
/// wait.
template <class Socket> struct has_own_wait {
  template <class S>
  static auto test(int)
      -> decltype(static_cast<void>(std::declval<S&>().async_wait(
                      boost::asio::socket_base::wait_write,
                      std::declval<void (*)(boost::system::error_code)>())),
                  std::integral_constant<bool, has_native_non_blocking<S>::value>());
  template <class> static std::false_type test(...);

  static constexpr bool value = decltype(test<Socket>(0))::value;
};

/// The socket of a connect that has not begun. Of a bare descriptor, the number is all there is.
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

// --- One endpoint -----------------------------------------------------------------------------------

/// Keeps the promise about connecting: completes when the socket is connected or the system has
/// refused, whatever connect(2) said at first.
///
/// After the first step the socket object is not touched any more, which may have been moved or be
/// gone; its descriptor is checked to be still the same file.
template <class Socket, class Endpoint, class Executor> class connect_op {
public:
  connect_op(Socket& socket, Endpoint const& endpoint, Executor const& executor)
      : target_(socket), endpoint_(endpoint), executor_(executor) {}

  /// The first step; and the last one of a connect whose outcome was known at once.
  template <class Self> void operator()(Self& self) {
    if (has_begun_) {
      self.complete(outcome_);
      return;
    }
    has_begun_ = true;
    enable_all_cancellation(self);
    auto& socket = target_.get();
    open_if_closed(socket, endpoint_, outcome_);
    if (!outcome_) {
      set_native_non_blocking(socket, outcome_);
    }
    if (!outcome_) {
      fd_ = detail::native_handle(socket);
      outcome_ = system_error_code(identify(fd_, identity_));
    }
    if (outcome_) {
      finish_later(self);
      return;
    }
    connect_attempt const attempt = start_connect(fd_, address());
    switch (attempt.progress) {
    case connect_progress::started:
      wait_in_own_way(self, std::integral_constant<bool, has_own_wait<Socket>::value>());
      return;
    case connect_progress::no_room:
      retry_later(self);
      return;
    case connect_progress::made:
    case connect_progress::failed:
      outcome_ = system_error_code(attempt.error);
      finish_later(self);
      return;
    }
  }

  /// The socket is writable, or it is time to try again.
  template <class Self> void operator()(Self& self, boost::system::error_code const& ec) {
    if (ec) {
      self.complete(ec);
    } else if (!is_still(fd_, identity_)) {
      self.complete(boost::asio::error::operation_aborted); // it was closed
    } else if (timer_) {
      try_again(self);
    } else if (!is_writable_now(fd_)) {
      // It was another's event, from before connect(2).
      wait(self);
    } else {
      self.complete(socket_ops::take_error(fd_));
    }
  }

private:
  using timer = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

  socket_address address() const noexcept {
    return {reinterpret_cast<::sockaddr const*>(endpoint_.data()),
            static_cast<::socklen_t>(endpoint_.size())};
  }

  template <class Self> void wait_in_own_way(Self& self, std::true_type) {
    Socket& socket = target_.get();
    socket.async_wait(boost::asio::socket_base::wait_write, std::move(self));
  }

  template <class Self> void wait_in_own_way(Self& self, std::false_type) { wait(self); }

  template <class Self> void wait(Self& self) {
    initiate_async_wait<Executor> const initiate(executor_, watching_of<Socket>());
    int const fd = fd_;
    initiate(std::move(self), fd, interest::writable);
  }

  /// A Unix listener's backlog is full, of which the kernel says nothing more.
  template <class Self> void retry_later(Self& self) {
    if (!timer_) {
      timer_.reset(new timer(executor_));
    }
    timer& delay = *timer_;
    delay.expires_after(delay_);
    delay_ = std::min<std::chrono::milliseconds>(2 * delay_, std::chrono::milliseconds(64));
    delay.async_wait(std::move(self));
  }

  template <class Self> void try_again(Self& self) {
    if (is_cancelled(self)) {
      self.complete(boost::asio::error::operation_aborted);
      return;
    }
    connect_attempt const attempt = start_connect(fd_, address());
    switch (attempt.progress) {
    case connect_progress::no_room:
      retry_later(self);
      return;
    case connect_progress::started:
      timer_.reset();
      wait(self);
      return;
    case connect_progress::made:
    case connect_progress::failed:
      self.complete(system_error_code(attempt.error));
      return;
    }
  }

  template <class Self> void finish_later(Self& self) {
    Executor const executor = executor_;
    resume_later(self, executor);
  }

  connect_target<Socket> target_; // not touched after the first step
  bool has_begun_ = false;
  Endpoint endpoint_;
  Executor executor_;
  boost::system::error_code outcome_{};
  int fd_ = -1;
  file_identity identity_{};
  std::chrono::milliseconds delay_ = std::chrono::milliseconds(1);
  std::unique_ptr<timer> timer_{};
};

/// Starts it with `handler`, which is moved from.
template <class Socket, class Endpoint, class Executor, class Handler>
void connect_one(Socket& socket, Endpoint const& endpoint, Executor const& executor,
                 Handler& completion_handler) {
  boost::asio::async_compose<Handler, void(boost::system::error_code)>(
      connect_op<Socket, Endpoint, Executor>(socket, endpoint, executor), completion_handler,
      executor);
}

// --- Several endpoints ------------------------------------------------------------------------------

/// Takes every endpoint.
struct any_endpoint {
  template <class Endpoint>
  bool operator()(boost::system::error_code const&, Endpoint const&) const noexcept {
    return true;
  }
};

/// A copy of a sequence, and a place in it. The result is the endpoint, or a default one.
template <class Sequence, class Endpoint> class endpoint_sequence {
public:
  using result_type = Endpoint;

  explicit endpoint_sequence(Sequence const& sequence) : sequence_(sequence), index_(0) {}

  bool at_end() const { return at(index_) == sequence_.end(); }
  Endpoint current() const { return *at(index_); }
  void advance() { ++index_; }

  result_type result(bool is_connected) const { return is_connected ? current() : Endpoint(); }

private:
  auto at(std::size_t index) const -> decltype(std::declval<Sequence const&>().begin()) {
    return std::next(sequence_.begin(), static_cast<std::ptrdiff_t>(index));
  }

  Sequence sequence_;
  std::size_t index_;
};

/// A place in a sequence of the caller's. The result is the iterator, or the end.
template <class Iterator, class Endpoint> class endpoint_iterators {
public:
  using result_type = Iterator;

  endpoint_iterators(Iterator begin, Iterator end) : current_(begin), end_(end) {}

  bool at_end() const { return current_ == end_; }
  Endpoint current() const { return *current_; }
  void advance() { ++current_; }

  result_type result(bool is_connected) const { return is_connected ? current_ : end_; }

private:
  Iterator current_;
  Iterator end_;
};

/// Tries one endpoint after the other. As in Asio, the socket is closed before each, and must stay
/// where it is until completion.
template <class Socket, class Endpoints, class Condition, class Executor> class connect_each_op {
public:
  connect_each_op(Socket& socket, Endpoints const& endpoints, Condition const& condition,
                  Executor const& executor)
      : socket_(socket), endpoints_(endpoints), condition_(condition), executor_(executor) {}

  template <class Self> void operator()(Self& self) {
    if (has_ended_) {
      self.complete(outcome_, endpoints_.result(false));
      return;
    }
    enable_partial_cancellation(self);
    skip_unwanted();
    if (endpoints_.at_end()) {
      outcome_ = boost::asio::error::not_found;
      has_ended_ = true;
      Executor const executor = executor_;
      resume_later(self, executor);
      return;
    }
    connect(self);
  }

  template <class Self> void operator()(Self& self, boost::system::error_code const& ec) {
    outcome_ = ec;
    if (ec && (is_cancelled(self) || !socket_.is_open())) {
      outcome_ = boost::asio::error::operation_aborted;
    } else if (ec) {
      endpoints_.advance();
      skip_unwanted();
      if (!endpoints_.at_end()) {
        connect(self);
        return;
      }
    }
    self.complete(outcome_, endpoints_.result(!outcome_));
  }

private:
  void skip_unwanted() {
    while (!endpoints_.at_end() && !condition_(outcome_, endpoints_.current())) {
      endpoints_.advance();
    }
  }

  template <class Self> void connect(Self& self) {
    boost::system::error_code ignored;
    socket_.close(ignored);
    auto const endpoint = endpoints_.current();
    Executor const executor = executor_;
    connect_one(socket_, endpoint, executor, self);
  }

  Socket& socket_;
  Endpoints endpoints_;
  Condition condition_;
  Executor executor_;
  boost::system::error_code outcome_{};
  bool has_ended_ = false;
};

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_CONNECT_OP_HPP
