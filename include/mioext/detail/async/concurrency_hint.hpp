//
// mioext/detail/async/concurrency_hint.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Whether the I/O objects of a context may be used by several threads at once, as far as a concurrency
// hint of Asio's tells.
//

#ifndef MIOEXT_DETAIL_ASYNC_CONCURRENCY_HINT_HPP
#define MIOEXT_DETAIL_ASYNC_CONCURRENCY_HINT_HPP

#include <mioext/detail/system.hpp>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>

#ifdef MIOEXT_DETAIL_HAS_CONFIG
#include <boost/asio/config.hpp>
#endif

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// False for the hints with which Asio's own I/O objects lock nothing.
inline bool needs_locks(int concurrency_hint) noexcept {
  return concurrency_hint != BOOST_ASIO_CONCURRENCY_HINT_UNSAFE &&
         concurrency_hint != BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO;
}

/// By what the context was made with, where Asio tells that; true otherwise.
inline bool needs_locks(boost::asio::execution_context& context) {
#ifdef MIOEXT_DETAIL_HAS_CONFIG
  return boost::asio::config(context).get("reactor", "io_locking", true);
#else
  static_cast<void>(context);
  return true;
#endif
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_CONCURRENCY_HINT_HPP
