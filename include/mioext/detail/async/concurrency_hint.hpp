//
// mioext/detail/async/concurrency_hint.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many threads use a context at once, as far as a concurrency hint of Asio's tells.
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

/// What is known of the threads that use a context.
struct concurrency {
  /// Several may use its I/O objects at once.
  bool needs_locks;
  /// One at a time runs it.
  bool is_run_by_one;
};

/// What a hint of Asio's means; see its documentation, "Concurrency Hints".
inline concurrency concurrency_of(int hint) noexcept {
  bool const is_unsafe =
      hint == BOOST_ASIO_CONCURRENCY_HINT_UNSAFE || hint == BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO;
  return {!is_unsafe, is_unsafe || hint == 1};
}

/// By what the context was made with, where Asio tells that. Who runs it is only believed to those who say
/// it to mioext, because more follows from it than in Asio; see nested_host.
inline concurrency concurrency_of(boost::asio::execution_context& context) {
#ifdef MIOEXT_DETAIL_HAS_CONFIG
  return {boost::asio::config(context).get("reactor", "io_locking", true), false};
#else
  static_cast<void>(context);
  return {true, false};
#endif
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_CONCURRENCY_HINT_HPP
