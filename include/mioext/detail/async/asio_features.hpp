//
// mioext/detail/async/asio_features.hpp
// -------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the version of Boost.Asio at hand offers beyond that of Boost 1.74, the oldest that is
// supported.
//

#ifndef MIOEXT_DETAIL_ASYNC_ASIO_FEATURES_HPP
#define MIOEXT_DETAIL_ASYNC_ASIO_FEATURES_HPP

// Asio 1.18 (Boost 1.74 to 1.76) uses std::exchange without including this, as C++20 notices.
#include <utility>

#include <boost/asio/version.hpp>

// Boost 1.77: cancellation slots.
#if BOOST_ASIO_VERSION >= 102000
#define MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#endif

// Boost 1.79: the allocator that Asio's own operations use, as recycling_allocator.
#if BOOST_ASIO_VERSION >= 102201
#define MIOEXT_DETAIL_HAS_RECYCLING_ALLOCATOR
#endif

// Boost 1.80, at the latest: any_io_executor::target() checks the type.
#if BOOST_ASIO_VERSION >= 102400
#define MIOEXT_DETAIL_HAS_CHECKED_TARGETS
#endif

// Boost 1.82: immediate executors.
#if BOOST_ASIO_VERSION >= 102800
#define MIOEXT_DETAIL_HAS_IMMEDIATE_EXECUTORS
#endif

// Boost 1.87: config, which tells how a context was configured.
#if BOOST_ASIO_VERSION >= 103200
#define MIOEXT_DETAIL_HAS_CONFIG
#endif

#endif // MIOEXT_DETAIL_ASYNC_ASIO_FEATURES_HPP
