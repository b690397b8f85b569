//
// mioext/detail/async/accept_op.hpp
// ---------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Accepting a connection as an asynchronous operation: the initiation of async_accept.
//

#ifndef MIOEXT_DETAIL_ASYNC_ACCEPT_OP_HPP
#define MIOEXT_DETAIL_ASYNC_ACCEPT_OP_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>
#include <boost/type_traits/is_detected.hpp>

#include <mioext/basic_stream_socket.hpp>
#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/selector_service_access.hpp>
#include <mioext/detail/async/stream_io.hpp>
#include <mioext/detail/handles/basic_handle.hpp>
#include <mioext/detail/handles/socket_ops.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Accepts into a socket that is passed to the handler.
template <class Protocol> struct accept_action {
  using endpoint_type = typename Protocol::endpoint;

  explicit accept_action(endpoint_type* endpoint) : peer_endpoint(endpoint), peer() {}
  accept_action(accept_action const&) = delete;
  accept_action(accept_action&&) = default;
  accept_action& operator=(accept_action const&) = delete;

  bool may_wait() const noexcept { return true; }

  io_status perform(int fd, boost::system::error_code& ec) noexcept {
    int const accepted =
        peer_endpoint ? accept_from(fd, ec) : socket_ops::accept(fd, nullptr, nullptr, ec);
    if (ec) {
      return would_block(ec) ? io_status::must_wait : io_status::done;
    }
    handle_access::reset(peer, accepted);
    return io_status::done;
  }

  template <class Handler>
  void call(Handler& completion_handler, boost::system::error_code const& ec) {
    std::move(completion_handler)(ec, std::move(peer));
  }

  endpoint_type* peer_endpoint;
  basic_stream_socket<Protocol> peer;

private:
  int accept_from(int fd, boost::system::error_code& ec) noexcept {
    endpoint_type endpoint;
    std::size_t size = endpoint.capacity();
    int const accepted = socket_ops::accept(fd, endpoint.data(), &size, ec);
    if (!ec) {
      endpoint.resize(size);
      *peer_endpoint = endpoint;
    }
    return accepted;
  }
};

/// Accepts into a socket or a stream that belongs to the caller.
template <class Protocol, class Peer> struct accept_into_action {
  using endpoint_type = typename Protocol::endpoint;

  accept_into_action(Peer& into, endpoint_type* endpoint) : accepted(endpoint), peer(&into) {}
  accept_into_action(accept_into_action const&) = delete;
  accept_into_action(accept_into_action&&) = default;
  accept_into_action& operator=(accept_into_action const&) = delete;

  bool may_wait() const noexcept { return true; }

  io_status perform(int fd, boost::system::error_code& ec) noexcept {
    return accepted.perform(fd, ec);
  }

  template <class Handler>
  void call(Handler& completion_handler, boost::system::error_code const& ec) {
    if (!ec) {
      put(accepted.peer, *peer);
    }
    std::move(completion_handler)(ec);
  }

  accept_action<Protocol> accepted;
  Peer* peer;

private:
  static void put(basic_stream_socket<Protocol>& from, basic_stream_socket<Protocol>& to) noexcept {
    to = std::move(from);
  }

  template <class Stream> static void put(basic_stream_socket<Protocol>& from, Stream& to) {
    to = Stream(to.get_executor(), std::move(from));
  }
};

/// `is_peer` is true for what can be accepted into: a socket or a stream. `is_accept_token` is true
/// for an argument that is neither a handle nor an endpoint, and so must be the token.
template <class T> using is_peer = std::integral_constant<bool, is_handle<T>::value>;
template <class T, class Protocol>
using is_accept_token = std::integral_constant<
    bool, !is_handle<T>::value &&
              !std::is_same<typename std::decay<T>::type, typename Protocol::endpoint>::value>;

/// The type of a Peer that is constructed from a Peer's executor and a socket.
template <class Peer, class Protocol>
using made_for_accepted = decltype(Peer(std::declval<Peer&>().get_executor(),
                                        std::declval<basic_stream_socket<Protocol>>()));

/// True if accept_into_action::put() works for a Peer.
template <class Peer, class Protocol>
struct can_be_accepted_into
    : std::integral_constant<bool,
                             std::is_same<Peer, basic_stream_socket<Protocol>>::value ||
                                 (std::is_move_assignable<Peer>::value &&
                                  boost::is_detected<made_for_accepted, Peer, Protocol>::value)> {};

template <class Executor> class initiate_async_accept {
public:
  using executor_type = Executor;

  explicit initiate_async_accept(Executor const& executor) : executor_(executor) {}

  executor_type get_executor() const noexcept { return executor_; }

  template <class Handler, class Protocol>
  void operator()(Handler&& completion_handler, int fd, accept_action<Protocol>&& action) const {
    typename std::decay<Handler>::type owned(std::forward<Handler>(completion_handler));
    start(fd, std::move(action), owned);
  }

  template <class Handler, class Protocol, class Peer>
  void operator()(Handler&& completion_handler, int fd,
                  accept_into_action<Protocol, Peer>&& action) const {
    typename std::decay<Handler>::type owned(std::forward<Handler>(completion_handler));
    if (action.peer->is_open()) {
      complete_at_once(
          executor_,
          outcome_action<>{boost::asio::error::make_error_code(boost::asio::error::already_open)},
          owned);
      return;
    }
    start(fd, std::move(action), owned);
  }

private:
  template <class Action, class Handler> void start(int fd, Action action, Handler& owned) const {
    scheduler* const native = native_scheduler_of(executor_);
    auto const& reactor = selector_service_access::reactor(context_of(executor_), native);
    // An acceptor stays watched, as Asio's does: that saves a system call for each wait.
    start_operation(operation_place{reactor, fd, nullptr, watch_mode::persistent}, executor_,
                    native, interest::readable, true, std::move(action), owned);
  }

  Executor executor_;
};

template <class Token, class Executor, class Protocol>
auto start_async_accept(Executor const& executor, int fd, typename Protocol::endpoint* endpoint,
                        typename std::remove_reference<Token>::type& token)
    -> decltype(boost::asio::async_initiate<Token, void(boost::system::error_code,
                                                        basic_stream_socket<Protocol>)>(
        std::declval<initiate_async_accept<Executor>>(), token, fd,
        std::declval<accept_action<Protocol>>())) {
  return boost::asio::async_initiate<Token, void(boost::system::error_code,
                                                 basic_stream_socket<Protocol>)>(
      initiate_async_accept<Executor>(executor), token, fd, accept_action<Protocol>(endpoint));
}

template <class Token, class Executor, class Protocol, class Peer,
          enable_if<can_be_accepted_into<Peer, Protocol>::value> = 0>
auto start_async_accept_into(Executor const& executor, int fd, Peer& peer,
                             typename Protocol::endpoint* endpoint,
                             typename std::remove_reference<Token>::type& token)
    -> decltype(boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        std::declval<initiate_async_accept<Executor>>(), token, fd,
        std::declval<accept_into_action<Protocol, Peer>>())) {
  return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
      initiate_async_accept<Executor>(executor), token, fd,
      accept_into_action<Protocol, Peer>(peer, endpoint));
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_ACCEPT_OP_HPP
