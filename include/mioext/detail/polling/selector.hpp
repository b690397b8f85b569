//
// mioext/detail/polling/selector.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The selector of the system that was chosen, and the set of functions that each of them offers.
//

#ifndef MIOEXT_DETAIL_POLLING_SELECTOR_HPP
#define MIOEXT_DETAIL_POLLING_SELECTOR_HPP

// A selector is a class with these members; `waker` is its companion. They report errors as errno
// values (zero for success) and throw nothing, so that this layer needs the standard library alone.
//
//   native_event                            what the system fills in for one event
//   user_data                               what the system hands back with an event
//   static user_data token_data(size_t)     user data that carries a token
//   static user_data tag_data(fd, tag)      user data that carries a descriptor and a 31-bit tag
//   static user_data internal_data(n)       user data of the owner's own sources, n from 1 to 15
//   static size_t token(event)              what token_data was given
//   static uint32_t descriptor(event)       what tag_data was given; for internal_data a number
//   static uint32_t tag(event)              larger than any descriptor, with n as the tag
//   static bool is_readable(event), and is_writable, is_error, is_read_closed, is_write_closed,
//                                           is_priority
//   static bool is_only_priority(event)     an ordinary read would find nothing
//   static bool concerns_reading(event)     anything that a reader would want to hear of
//   static bool concerns_writing(event)     likewise a writer
//   static void drop_reading(event&)        leaves only what concerns writing, of an event that
//   static void drop_writing(event&)        concerns both; and the other way round
//   static read_hint hint(event)            what a read is likely to find
//   static bool is_only_writable(event)     there is room for a write, and neither an end nor an error,
//                                             which drop_reading leaves
//   static write_hint failing_write_hint(event)
//                                           of an event that concerns writing and is not only that
//   static void print_details(stream, event)
//                                           what the system's flags are
//   static int error(event)                 the errno that comes with it, and may have been taken off
//                                             the socket thereby; zero if none does
//   static interest all_interests()         what can be watched
//   static size_t most_events()             no more can be fetched in one go
//   static nanoseconds longest_wait()       a longer timeout is cut to this one
//
//   int open()                              makes the selector; close-on-exec
//   void close()                            nothing but closing it and opening it again may follow
//   int replace_with(selector&)             that one in the place of this; after fork
//   bool has(fd, user_data)                 whether it watches fd; user data that nobody owns
//   int native_handle() const               a descriptor that is readable when there are events
//   int add(fd, interest, trigger, user_data)
//   int modify(fd, interest, trigger, user_data)
//   int remove(fd)
//   int wait(events*, capacity, timeout)    how many, or -errno; negative timeout: no limit;
//                                             capacity from 1 to most_events()
//
// A waker has
//
//   int open(selector&, user_data)          makes it, or makes it anew
//   int wake() const                        from any thread
//
// an alarm has
//
//   int open(selector&, user_data)          makes it, or makes it anew
//   int set(milliseconds) const             has it reported once, after that time; from any thread
//
// and signals have
//
//   int add(selector&, user_data, number)   starts taking a signal
//   int remove(number)                      gives it back to its usual course, as the destructor does
//   void clear()                            gives all of them back
//   int read(event&, signal_info&)          the next one that came; EAGAIN if there is none
//   void put_back(event)                    reports again what was not read
//   int reopen(selector&, user_data)        after fork

#include <mioext/detail/system.hpp>

#if defined(MIOEXT_USE_EPOLL)
#include <mioext/detail/polling/epoll_selector.hpp>
#include <mioext/detail/polling/epoll_waker.hpp>
#include <mioext/detail/polling/signalfd_signals.hpp>

namespace mioext {
namespace detail {

using selector = epoll_selector;
using selector_waker = epoll_waker;
using selector_alarm = epoll_alarm;
using selector_signals = signalfd_signals;

} // namespace detail
} // namespace mioext
#else
#include <mioext/detail/polling/kqueue_selector.hpp>
#include <mioext/detail/polling/kqueue_signals.hpp>
#include <mioext/detail/polling/kqueue_waker.hpp>

namespace mioext {
namespace detail {

using selector = kqueue_selector;
using selector_waker = kqueue_waker;
using selector_alarm = kqueue_alarm;
using selector_signals = kqueue_signals;

} // namespace detail
} // namespace mioext
#endif

#endif // MIOEXT_DETAIL_POLLING_SELECTOR_HPP
