//
// mioext/detail/event_ops.hpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How an event of the chosen selector is read: epoll or kqueue.
//

#ifndef MIOEXT_DETAIL_EVENT_OPS_HPP
#define MIOEXT_DETAIL_EVENT_OPS_HPP

#include <mioext/detail/system.hpp>

#if defined(MIOEXT_USE_EPOLL)
#include <mioext/detail/epoll_event_ops.hpp>
#else
#include <mioext/detail/kqueue_event_ops.hpp>
#endif

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

#if defined(MIOEXT_USE_EPOLL)
using event_ops = epoll_event_ops;
#else
using event_ops = kqueue_event_ops;
#endif

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_OPS_HPP
