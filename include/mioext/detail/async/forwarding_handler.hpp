//
// mioext/detail/async/forwarding_handler.hpp
// ------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A handler that is called where the I/O is done, and has another one called elsewhere.
//

#ifndef MIOEXT_DETAIL_ASYNC_FORWARDING_HANDLER_HPP
#define MIOEXT_DETAIL_ASYNC_FORWARDING_HANDLER_HPP

#include <mioext/detail/system.hpp>

#include <tuple>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/mp11/tuple.hpp>

#include <mioext/detail/async/handler_executor.hpp>
#include <mioext/detail/async/operation_results.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A handler and what it will be called with, a tuple.
template <class Handler, class Results> class bound_handler {
public:
  using allocator_type = typename boost::asio::associated_allocator<Handler>::type;

  template <class... Given>
  explicit bound_handler(Handler&& completion_handler, Given&&... results)
      : handler_(std::move(completion_handler)), results_(std::forward<Given>(results)...) {}

  allocator_type get_allocator() const noexcept {
    return boost::asio::get_associated_allocator(handler_);
  }

  void operator()() { boost::mp11::tuple_apply(std::move(handler_), std::move(results_)); }

private:
  Handler handler_;
  Results results_;
};

/// Its executor is the I/O executor; where the program's handler is called by another one, the results
/// are dispatched to that. Until then that one has outstanding work.
///
/// The allocator and the cancellation slot are the program's handler's. It has no immediate executor:
/// that would be another place where it is called.
template <class Handler, class IoExecutor, class... Signatures> class forwarding_handler {
  using own_executor = typename boost::asio::associated_executor<Handler, IoExecutor>::type;

public:
  using executor_type = IoExecutor;
  using allocator_type = typename boost::asio::associated_allocator<Handler>::type;
  using cancellation_slot_type = typename boost::asio::associated_cancellation_slot<Handler>::type;

  forwarding_handler(Handler& completion_handler, IoExecutor const& io_executor)
      : io_executor_(io_executor),
        own_(boost::asio::get_associated_executor(completion_handler, io_executor)),
        handler_(std::move(completion_handler)) {}

  executor_type get_executor() const noexcept { return io_executor_; }

  allocator_type get_allocator() const noexcept {
    return boost::asio::get_associated_allocator(handler_);
  }

  cancellation_slot_type get_cancellation_slot() const noexcept {
    return boost::asio::get_associated_cancellation_slot(handler_);
  }

  template <class... Results> void operator()(Results&&... results) {
    own_.dispatch(bound_handler<Handler, kept_results<std::tuple<Results...>, Signatures...>>(
        std::move(handler_), std::forward<Results>(results)...));
  }

private:
  IoExecutor io_executor_;
  tracked_executor<own_executor> own_;
  Handler handler_;
};

/// False if it is certainly no executor of a selector_context, and no strand of one.
template <class Executor> struct may_be_of_selector_context : std::true_type {};
template <>
struct may_be_of_selector_context<boost::asio::io_context::executor_type> : std::false_type {};
template <>
struct may_be_of_selector_context<boost::asio::thread_pool::executor_type> : std::false_type {};
template <class Executor>
struct may_be_of_selector_context<boost::asio::strand<Executor>>
    : may_be_of_selector_context<Executor> {};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_FORWARDING_HANDLER_HPP
