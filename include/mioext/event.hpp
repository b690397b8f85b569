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

#include <ostream>
#include <type_traits>

#include <mioext/detail/selector.hpp>
#include <mioext/token.hpp>

namespace mioext {

/// One report of readiness: which registration, and what for.
///
/// What the predicates say is a hint: a handle may be found not ready all the same (then the I/O
/// says would_block), because someone else was faster or because the system reported more than it
/// knew. A handle may show several of them in one event, but reading and writing are two events with
/// kqueue.
///
/// A value, as small as the system's own; an event is made by poller::poll().
///
/// @par Source
/// mio's `Event` and its table of what each system's flags mean.
class event {
public:
  /// An event of token zero that reports nothing.
  event() noexcept : native_() {}

  /// The token that the handle was registered with.
  mioext::token token() const noexcept { return mioext::token(detail::selector::token(native_)); }

  /// A read is likely to find something: data, the end, out-of-band data.
  bool is_readable() const noexcept { return detail::selector::is_readable(native_); }

  /// A write is likely to be taken.
  bool is_writable() const noexcept { return detail::selector::is_writable(native_); }

  /// The handle has an error (on a socket: SO_ERROR). Reported whatever the interest was; by kqueue
  /// for sockets, with what was asked for.
  bool is_error() const noexcept { return detail::selector::is_error(native_); }

  /// There is nothing more to read after what is there. For a connection this may be the peer's
  /// half of a close; where the interest was not readable, a half close is not reported.
  bool is_read_closed() const noexcept { return detail::selector::is_read_closed(native_); }

  /// Nothing more can be written.
  bool is_write_closed() const noexcept { return detail::selector::is_write_closed(native_); }

  /// There is out-of-band data or another exceptional condition.
  bool is_priority() const noexcept { return detail::selector::is_priority(native_); }

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
  detail::selector::native_event native_;
};

static_assert(std::is_standard_layout<event>::value &&
                  sizeof(event) == sizeof(detail::selector::native_event),
              "an array of events is handed to the system as it is");

} // namespace mioext

#endif // MIOEXT_EVENT_HPP
