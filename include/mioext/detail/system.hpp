//
// mioext/detail/system.hpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The one place where the system's selector is chosen: epoll or kqueue.
//

#ifndef MIOEXT_DETAIL_SYSTEM_HPP
#define MIOEXT_DETAIL_SYSTEM_HPP

// The system's own selector is chosen unless MIOEXT_USE_EPOLL or MIOEXT_USE_KQUEUE is defined.
// kqueue on Linux means libkqueue, whose header and library must be supplied, too.

#if !defined(MIOEXT_USE_EPOLL) && !defined(MIOEXT_USE_KQUEUE)
#if defined(__linux__)
#define MIOEXT_USE_EPOLL
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \
    defined(__DragonFly__)
#define MIOEXT_USE_KQUEUE
#endif
#endif

#if defined(MIOEXT_USE_EPOLL) == defined(MIOEXT_USE_KQUEUE)
#error                                                                                             \
    "mioext needs epoll or kqueue: Linux, macOS, FreeBSD, NetBSD, OpenBSD and DragonFly are supported"
#endif

// Everything is in an inline namespace that is named after the choice. Programs need not know it.
// But if parts of one program were compiled with different choices and one hands an object of
// mioext to another, the program does not link.
#if defined(MIOEXT_USE_EPOLL)
#define MIOEXT_SYSTEM on_epoll
#else
#define MIOEXT_SYSTEM on_kqueue
#endif

#endif // MIOEXT_DETAIL_SYSTEM_HPP
