//
// mioext/detail/async/connect_each.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Connecting to the first of several endpoints that accepts, as a composed operation.
//

#ifndef MIOEXT_DETAIL_ASYNC_CONNECT_EACH_HPP
#define MIOEXT_DETAIL_ASYNC_CONNECT_EACH_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/cancellation.hpp>
#include <mioext/detail/async/connect_op.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The condition that accepts every endpoint.
struct any_endpoint {
  template <class Endpoint>
  bool operator()(boost::system::error_code const&, Endpoint const&) const noexcept {
    return true;
  }
};

/// A copy of a sequence, and a position in it. The result of the connect is the connected endpoint,
/// or a default-constructed one.
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

/// A position in a sequence that belongs to the caller. The result of the connect is the connected
/// endpoint's iterator, or the end iterator.
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

/// Tries one endpoint after the other. As in Asio, the socket is closed before each attempt, and
/// the socket object must not be moved or destroyed before completion.
template <class Socket, class Endpoints, class Condition, class Executor> class connect_each_op {
public:
  connect_each_op(Socket& socket, Endpoints const& endpoints, Condition const& condition,
                  Executor const& executor)
      : socket_(socket), endpoints_(endpoints), condition_(condition), executor_(executor),
        outcome_(boost::asio::error::not_found) {}

  /// Tries endpoints until there is one whose outcome is not known at once. Returns false if there
  /// is none: the socket is connected, or the last endpoint has failed.
  bool begin_next() {
    for (;; endpoints_.advance()) {
      // Before the first attempt the condition gets no error: `not_found`, which says that nothing
      // was tried, is for the caller only.
      while (
          !endpoints_.at_end() &&
          !condition_(has_tried_ ? outcome_ : boost::system::error_code(), endpoints_.current())) {
        endpoints_.advance();
      }
      if (endpoints_.at_end()) {
        return false;
      }
      has_tried_ = true;
      boost::system::error_code ignored;
      socket_.close(ignored);
      begun_ = begin_connect(socket_, endpoints_.current());
      if (begun_.is_pending()) {
        return true;
      }
      outcome_ = begun_.outcome;
      if (!outcome_) {
        return false;
      }
    }
  }

  outcome_action<typename Endpoints::result_type> outcome() const {
    return {outcome_, endpoints_.result(!outcome_)};
  }

  template <class Self> void operator()(Self& self) {
    // In an earlier attempt a connection may have been made and closed, which others have seen;
    // so total cancellation is not supported.
    enable_cancellation<partial_cancellation>(self);
    wait(self);
  }

  /// An attempt that was waited for has ended. During the wait somebody else may have closed the
  /// socket.
  template <class Self> void operator()(Self& self, boost::system::error_code const& ec) {
    outcome_ = ec;
    if (!socket_.is_open() || (ec && is_cancelled(self))) {
      outcome_ = boost::asio::error::operation_aborted;
    } else if (ec) {
      endpoints_.advance();
      if (begin_next()) {
        wait(self);
        return;
      }
    }
    self.complete(outcome_, endpoints_.result(!outcome_));
  }

private:
  template <class Self> void wait(Self& self) {
    // These are copies, because the members are moved away with `self`.
    Socket& socket = socket_;
    begun_connect const begun = begun_;
    auto const endpoint = endpoints_.current();
    Executor const executor = executor_;
    finish_connect(socket, begun, endpoint, executor, self);
  }

  Socket& socket_;
  Endpoints endpoints_;
  Condition condition_;
  Executor executor_;
  bool has_tried_ = false;
  begun_connect begun_{};
  boost::system::error_code outcome_{};
};

template <class Socket, class Executor> class initiate_connect_each {
public:
  using executor_type = Executor;

  initiate_connect_each(Socket& socket, Executor const& executor)
      : socket_(socket), executor_(executor) {}

  executor_type get_executor() const noexcept { return executor_; }

  template <class Handler, class Endpoints, class Condition>
  void operator()(Handler&& completion_handler, Endpoints const& endpoints,
                  Condition const& condition) const {
    using handler_type = typename std::decay<Handler>::type;
    using result_type = typename Endpoints::result_type;
    handler_type owned(std::forward<Handler>(completion_handler));
    connect_each_op<Socket, Endpoints, Condition, Executor> operation(socket_, endpoints, condition,
                                                                      executor_);
    if (operation.begin_next()) {
      boost::asio::async_compose<handler_type, void(boost::system::error_code, result_type)>(
          std::move(operation), owned, executor_);
    } else {
      complete_at_once(executor_, operation.outcome(), owned);
    }
  }

private:
  Socket& socket_;
  Executor executor_;
};

template <class T>
struct is_endpoint_range
    : std::integral_constant<
          bool, boost::asio::is_endpoint_sequence<typename std::decay<T>::type>::value> {};

template <class Socket, class Range>
typename std::enable_if<is_endpoint_range<Range>::value,
                        endpoint_sequence<Range, typename Socket::endpoint_type>>::type
endpoints_of(Range const& range) {
  return endpoint_sequence<Range, typename Socket::endpoint_type>(range);
}

template <class Socket, class Iterator>
endpoint_iterators<Iterator, typename Socket::endpoint_type> endpoints_of(Iterator begin,
                                                                          Iterator end) {
  return endpoint_iterators<Iterator, typename Socket::endpoint_type>(begin, end);
}

template <class Token, class Socket, class Endpoints, class Condition, class Executor>
auto start_connect_each(Socket& socket, Endpoints const& endpoints, Condition const& condition,
                        Executor const& executor,
                        typename std::remove_reference<Token>::type& token)
    -> decltype(boost::asio::async_initiate<Token, void(boost::system::error_code,
                                                        typename Endpoints::result_type)>(
        std::declval<initiate_connect_each<Socket, Executor>>(), token, endpoints, condition)) {
  return boost::asio::async_initiate<Token, void(boost::system::error_code,
                                                 typename Endpoints::result_type)>(
      initiate_connect_each<Socket, Executor>(socket, executor), token, endpoints, condition);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_CONNECT_EACH_HPP
