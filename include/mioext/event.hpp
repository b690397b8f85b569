//
// mioext/event.hpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// One report of readiness, as a poller hands it out.
//

#ifndef MIOEXT_EVENT_HPP
#define MIOEXT_EVENT_HPP

#include <mioext/detail/system.hpp>

#include <ostream>
#include <type_traits>

#include <mioext/detail/event_ops.hpp>
#include <mioext/token.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

class event_details;

/// One report of readiness: which registration, and what for.
///
/// The predicates are hints: the I/O may still fail with would_block, because someone else was
/// faster or because the system reported more than it knew. Several predicates may hold for one
/// event, but kqueue reports reading and writing as two events.
///
/// A loop needs to check only is_readable() and is_writable(): they also hold at the end of a
/// stream and on an error, which the read or the write then reports. The other predicates say in
/// advance what the I/O will find.
///
/// | what happened | with epoll | with kqueue |
/// | --- | --- | --- |
/// | a pipe's writers are gone | readable, writable, read_closed, write_closed | readable, read_closed |
/// | a pipe's readers are gone | readable, writable, error | writable, write_closed |
/// | the peer shut down its writing | readable, read_closed | the same |
/// | a connection is over in both directions | readable, writable, read_closed, write_closed | the same, by direction |
/// | a connection was reset, or refused | all of these, and error | the same, by direction |
/// | a socket that is not connected yet, or never | readable, writable, read_closed, write_closed | nothing |
/// | a pending error of a socket that goes on | readable, writable, error | readable, writable |
/// | a notice in a socket's error queue (MSG_ERRQUEUE) | readable, writable, error | there is none |
///
/// epoll reports errors, and the end of both directions, whatever the interest was, and an event
/// does not record the interest. So is_writable() may hold although nobody asked for it. kqueue
/// reports only what was asked for. (A handle that has room for a write is writable in addition to
/// what the table says.)
///
/// A value type as small as the system's own event structure. Events are made by poller::poll().
///
/// @par Source
/// mio's `Event` and its table of what each system's flags mean, with other rules for ends and
/// errors (see the guide, Porting): those of Go's netpoll, of libev and of Asio's reactor.
class event {
public:
  /// An event of token zero that reports nothing.
  event() noexcept : native_() {}

  /// The token that the handle was registered with.
  mioext::token token() const noexcept { return mioext::token(detail::event_ops::token(native_)); }

  /// A read or an accept is unlikely to fail with would_block: there is data, a connection, the end
  /// of the stream, or an error. Also true for out-of-band data, which must be read with MSG_OOB.
  bool is_readable() const noexcept { return detail::event_ops::is_readable(native_); }

  /// A write is unlikely to fail with would_block: there is room, or the write fails for another
  /// reason, because the reading side is gone or there is an error.
  bool is_writable() const noexcept { return detail::event_ops::is_writable(native_); }

  /// There is an error: a socket's take_error() (SO_ERROR) or the next read or write says which. If
  /// neither does, the error is in the socket's error queue (recvmsg(2), MSG_ERRQUEUE); a level
  /// trigger reports it until that queue is empty. kqueue reports only an error that has ended a
  /// connection.
  bool is_error() const noexcept { return detail::event_ops::is_error(native_); }

  /// No more data will follow what is there now. For a connection this may mean only that the peer
  /// shut down its sending side; such a half close is reported only if the interest includes
  /// readable or priority. (A named pipe may get another writer later, and epoll reports a socket
  /// that is not connected in the same way.)
  bool is_read_closed() const noexcept { return detail::event_ops::is_read_closed(native_); }

  /// Nothing more can be written: the connection is over in both directions. Not reported in every
  /// such case: epoll reports a pipe whose readers are gone only as is_error(), because that looks
  /// the same as an error of a socket that can still be written to. With kqueue, also true after
  /// this side's own shutdown. (epoll reports a socket that is not connected yet in the same way.)
  bool is_write_closed() const noexcept { return detail::event_ops::is_write_closed(native_); }

  /// There is out-of-band data or another exceptional condition, and `priority` was asked for.
  bool is_priority() const noexcept { return detail::event_ops::is_priority(native_); }

  /// The event as the system reported it, for logging only; do not rely on the format. It prints,
  /// for instance, `EPOLLIN|EPOLLRDHUP`, or `EVFILT_READ|EV_EOF|EV_CLEAR fflags 0 data 5`.
  event_details details() const noexcept;

  /// Prints, for instance, `event(token(3): readable|read_closed)`.
  friend std::ostream& operator<<(std::ostream& stream, event const& printed) {
    stream << "event(" << printed.token() << ':';
    char separator = ' ';
    auto const print = [&](bool holds, char const* name) {
      if (holds) {
        stream << separator << name;
        separator = '|';
      }
    };
    print(printed.is_readable(), "readable");
    print(printed.is_writable(), "writable");
    print(printed.is_error(), "error");
    print(printed.is_read_closed(), "read_closed");
    print(printed.is_write_closed(), "write_closed");
    print(printed.is_priority(), "priority");
    return stream << ')';
  }

private:
  detail::event_ops::native_event native_;
};

/// What event::details() returns; printed with `<<`.
class event_details {
public:
  /// Prints the system's names of the event's flags; flags without a name are printed as a number.
  friend std::ostream& operator<<(std::ostream& stream, event_details const& printed) {
    detail::event_ops::print_details(stream, printed.native_);
    return stream;
  }

private:
  friend class event;

  explicit event_details(detail::event_ops::native_event const& native) noexcept
      : native_(native) {}

  detail::event_ops::native_event native_;
};

inline event_details event::details() const noexcept { return event_details(native_); }

static_assert(std::is_standard_layout<event>::value &&
                  sizeof(event) == sizeof(detail::event_ops::native_event),
              "an array of events is handed to the system as it is");

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_EVENT_HPP
