//
// mioext/detail/async/io_context_of.hpp
// -------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The io_context of an executor, where its type tells it.
//

#ifndef MIOEXT_DETAIL_ASYNC_IO_CONTEXT_OF_HPP
#define MIOEXT_DETAIL_ASYNC_IO_CONTEXT_OF_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/type_traits/detected_or.hpp>

#include <mioext/detail/async/handler_executor.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

template <class Executor>
using queried_context =
    decltype(boost::asio::query(std::declval<Executor const&>(), boost::asio::execution::context));

/// True for the executors of an io_context, and for strands and others that pass on what they are of.
template <class Executor>
struct names_io_context : std::is_convertible<boost::detected_or_t<void, queried_context, Executor>,
                                              boost::asio::io_context&> {};

/// Null for all others.
template <class Executor>
auto io_context_of(Executor const& executor) noexcept ->
    typename std::enable_if<names_io_context<Executor>::value, boost::asio::io_context*>::type {
  return &static_cast<boost::asio::io_context&>(
      boost::asio::query(executor, boost::asio::execution::context));
}

template <class Executor>
auto io_context_of(Executor const&) noexcept ->
    typename std::enable_if<!names_io_context<Executor>::value, boost::asio::io_context*>::type {
  return nullptr;
}

/// That of the executor in it, if this one is an io_context's own.
inline boost::asio::io_context*
io_context_of(boost::asio::any_io_executor const& executor) noexcept {
  auto const* const own = target_of<boost::asio::io_context::executor_type>(executor);
  return own ? io_context_of(*own) : nullptr;
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_IO_CONTEXT_OF_HPP
