//
// mioext/detail/async/wait_op.hpp
// -------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A wait for readiness as an asynchronous operation: the initiation of async_wait.
//

#ifndef MIOEXT_DETAIL_ASYNC_WAIT_OP_HPP
#define MIOEXT_DETAIL_ASYNC_WAIT_OP_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/reactor_wait.hpp>
#include <mioext/detail/polling/registration_rules.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Does no I/O: the readiness itself is the outcome.
struct wait_action {
  bool may_wait() const noexcept { return true; }
  io_status perform(int, boost::system::error_code&) noexcept { return io_status::done; }

  template <class Handler>
  void call(Handler& completion_handler, boost::system::error_code const& ec) {
    std::move(completion_handler)(ec);
  }
};

template <> struct is_only_wait_action<wait_action> : std::true_type {};

template <class Executor> class initiate_async_wait {
public:
  using executor_type = Executor;

  /// @param how what watch_mode_of() says of the handle
  initiate_async_wait(Executor const& executor, watch_mode how) : executor_(executor), how_(how) {}

  executor_type get_executor() const noexcept { return executor_; }

  template <class Handler>
  void operator()(Handler&& completion_handler, int fd, interest wanted) const {
    movable_handler<Handler> owned(completion_handler);
    if (int const error = check_registration(wanted, trigger::edge)) {
      complete_at_once(executor_, outcome_action<>{system_error_code(error)}, owned);
      return;
    }
    scheduler* const native = native_scheduler_of(executor_);
    auto const& reactor = selector_service_access::reactor(context_of(executor_), native);
    start_operation(operation_place{reactor, fd, nullptr, how_}, executor_, native, wanted, false,
                    wait_action(), owned);
  }

private:
  Executor executor_;
  watch_mode how_;
};

/// The wait for users of the library: the same, but it also handles events that a nested selector
/// cannot report, and what a file reports only to whoever asks first.
template <class Executor> class initiate_any_wait : private initiate_async_wait<Executor> {
  using through_selector = initiate_async_wait<Executor>;

public:
  using through_selector::get_executor;
  using through_selector::through_selector;
  using typename through_selector::executor_type;

  template <class Handler>
  void operator()(Handler&& completion_handler, int fd, interest wanted) const {
    if (!is_missed_by_nested(fd, wanted)) {
      through_selector::operator()(std::forward<Handler>(completion_handler), fd, wanted);
      return;
    }
    boost::system::error_code ec;
    bool const has_priority = has_priority_now(fd);
    if (!has_priority &&
        !selector_service_access::reactor(context_of(get_executor()))->is_nested()) {
      through_selector::operator()(std::forward<Handler>(completion_handler), fd, wanted);
      return;
    }
    typename std::decay<Handler>::type owned(std::forward<Handler>(completion_handler));
    if (!has_priority) {
      start_reactor_wait(get_executor(), fd, owned, ec);
      if (!ec) {
        return;
      }
    }
    complete_at_once(get_executor(), outcome_action<>{ec}, owned);
  }
};

/// `token` is forwarded as it was passed: it is moved if it was a temporary.
template <class Token, class Executor>
auto start_async_wait(Executor const& executor, int fd, watch_mode how, interest wanted,
                      typename std::remove_reference<Token>::type& token)
    -> decltype(boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        std::declval<initiate_any_wait<Executor>>(), token, fd, wanted)) {
  return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
      initiate_any_wait<Executor>(executor, how), token, fd, wanted);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_WAIT_OP_HPP
