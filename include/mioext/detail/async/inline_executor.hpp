//
// mioext/detail/async/inline_executor.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An executor that calls what it is given on the spot: for handlers of the library's own, which the
// context's reactor may call wherever it runs.
//

#ifndef MIOEXT_DETAIL_ASYNC_INLINE_EXECUTOR_HPP
#define MIOEXT_DETAIL_ASYNC_INLINE_EXECUTOR_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// An I/O object with this executor uses the reactor of its context, whatever kind of context that
/// is, and has its handlers called by the thread that runs the reactor. A service is given a
/// context and no executor; this stands in for one.
class inline_executor {
public:
  explicit inline_executor(boost::asio::execution_context& context) noexcept : context_(&context) {}

  boost::asio::execution_context& query(boost::asio::execution::context_t) const noexcept {
    return *context_;
  }

  template <class Function> void execute(Function&& function) const {
    typename std::decay<Function>::type called(std::forward<Function>(function));
    called();
  }

  friend bool operator==(inline_executor const& left, inline_executor const& right) noexcept {
    return left.context_ == right.context_;
  }
  friend bool operator!=(inline_executor const& left, inline_executor const& right) noexcept {
    return !(left == right);
  }

private:
  boost::asio::execution_context* context_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_INLINE_EXECUTOR_HPP
