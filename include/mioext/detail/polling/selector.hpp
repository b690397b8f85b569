//
// mioext/detail/polling/selector.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The selector of the chosen system, and what goes with it. detail/polling/selector_contract.hpp
// describes what each of these classes offers, and checks it.
//

#ifndef MIOEXT_DETAIL_POLLING_SELECTOR_HPP
#define MIOEXT_DETAIL_POLLING_SELECTOR_HPP

#include <mioext/detail/system.hpp>

#include <mioext/detail/polling/selector_contract.hpp>

#if defined(MIOEXT_USE_EPOLL)
#include <mioext/detail/polling/epoll_selector.hpp>
#include <mioext/detail/polling/epoll_waker.hpp>
#include <mioext/detail/polling/signalfd_signals.hpp>
#else
#include <mioext/detail/polling/kqueue_selector.hpp>
#include <mioext/detail/polling/kqueue_signals.hpp>
#include <mioext/detail/polling/kqueue_waker.hpp>
#endif

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

#if defined(MIOEXT_USE_EPOLL)
using selector = epoll_selector;
using selector_waker = epoll_waker;
using selector_alarm = epoll_alarm;
using selector_signals = signalfd_signals;
#else
using selector = kqueue_selector;
using selector_waker = kqueue_waker;
using selector_alarm = kqueue_alarm;
using selector_signals = kqueue_signals;
#endif

static_assert(sizeof(check_selector<selector, selector_waker, selector_alarm, selector_signals>) !=
                  0,
              "a selector meets its contract");

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_SELECTOR_HPP
