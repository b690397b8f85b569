//
// mioext/detail/async/operation_allocator.hpp
// -------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Which allocator an operation takes its memory from.
//

#ifndef MIOEXT_DETAIL_ASYNC_OPERATION_ALLOCATOR_HPP
#define MIOEXT_DETAIL_ASYNC_OPERATION_ALLOCATOR_HPP

#include <mioext/detail/system.hpp>

#include <memory>

#include <mioext/detail/async/asio_features.hpp>

#ifdef MIOEXT_DETAIL_HAS_RECYCLING_ALLOCATOR
#include <boost/asio/recycling_allocator.hpp>
#endif

#include <mioext/detail/async/scheduler_frame.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The allocator for an operation: the handler's own. For a handler that has none: the one of the
/// scheduler, in whose thread the operation ends; in other contexts the one that Asio's own
/// operations use.
template <class Allocator, bool IsOfScheduler = false> struct operation_allocator {
  using type = Allocator;
  static type const& get(Allocator const& allocator) noexcept { return allocator; }
};

template <class T> struct operation_allocator<std::allocator<T>, true> {
  using type = recycled_allocator<void>;
  static type get(std::allocator<T> const&) noexcept { return type(); }
};

#ifdef MIOEXT_DETAIL_HAS_RECYCLING_ALLOCATOR
template <class T> struct operation_allocator<std::allocator<T>, false> {
  using type = boost::asio::recycling_allocator<void>;
  static type get(std::allocator<T> const&) noexcept { return type(); }
};
#endif

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_OPERATION_ALLOCATOR_HPP
