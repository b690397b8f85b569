//
// mioext/detail/kqueue_event_ops.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How an event of a kqueue is read. See detail/polling/selector_contract.hpp for what its members
// promise.
//

#ifndef MIOEXT_DETAIL_KQUEUE_EVENT_OPS_HPP
#define MIOEXT_DETAIL_KQUEUE_EVENT_OPS_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include <sys/event.h>
#include <sys/types.h>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The events of a kqueue, and the user data that they carry, which identifies their registration.
class kqueue_event_ops {
public:
  using native_event = struct ::kevent;
  using user_data = std::uintptr_t;

  static user_data token_data(std::size_t token) noexcept { return token; }

  /// The event itself contains its descriptor, so the user data holds only the tag, which fits in
  /// 32 bits.
  static user_data tag_data(int, std::uint32_t tag) noexcept { return tag; }

  static user_data internal_data(std::uint32_t number) noexcept { return internal_mark | number; }

  static std::size_t token(native_event const& event) noexcept {
    decltype(native_event::udata) const data = event.udata;
    std::size_t result;
    std::memcpy(&result, &data, sizeof result);
    return result;
  }

  static std::uint32_t descriptor(native_event const& event) noexcept {
    bool const is_internal = token(event) & internal_mark;
    return static_cast<std::uint32_t>(event.ident) | (is_internal ? 0xffffffffu : 0u);
  }

  static std::uint32_t tag(native_event const& event) noexcept {
    return static_cast<std::uint32_t>(token(event)) & ~internal_mark;
  }

  // The predicates follow mio's sys/unix/selector/kqueue.rs. An event concerns one direction only,
  // also when it reports an end. A pending error after which the socket stays usable is an event
  // without a flag (filt_soread and filt_sowrite in the BSDs' uipc_socket.c).

  /// EVFILT_USER is a waker.
  static bool is_readable(native_event const& event) noexcept {
    return is_of(event, EVFILT_READ) || is_of(event, EVFILT_USER);
  }

  static bool is_writable(native_event const& event) noexcept { return is_of(event, EVFILT_WRITE); }

  /// A socket's error comes with its end, in fflags (kqueue(2), EV_EOF).
  static bool is_error(native_event const& event) noexcept {
    return (event.flags & EV_EOF) && event.fflags != 0;
  }

  static bool is_read_closed(native_event const& event) noexcept {
    return (event.flags & EV_EOF) && is_of(event, EVFILT_READ);
  }

  static bool is_write_closed(native_event const& event) noexcept {
    return (event.flags & EV_EOF) && is_of(event, EVFILT_WRITE);
  }

  static bool is_priority(native_event const&) noexcept { return false; }
  static bool is_only_priority(native_event const&) noexcept { return false; }

  static bool concerns_reading(native_event const& event) noexcept {
    return !concerns_writing(event);
  }

  static bool concerns_writing(native_event const& event) noexcept { return is_writable(event); }

  /// There is something to read, and nothing else.
  static bool is_only_data(native_event const& event) noexcept {
    return is_of(event, EVFILT_READ) && !(event.flags & (EV_EOF | EV_ERROR));
  }

  static bool is_only_writable(native_event const& event) noexcept {
    return is_writable(event) && !(event.flags & EV_EOF);
  }

  // No event concerns both directions.
  static void drop_reading(native_event&) noexcept {}
  static void drop_writing(native_event&) noexcept {}

  /// Prints the event for a log. The stream may be any std::ostream.
  template <class Stream> static void print_details(Stream& stream, native_event const& event) {
    if (is_of(event, EVFILT_READ)) {
      stream << "EVFILT_READ";
    } else if (is_of(event, EVFILT_WRITE)) {
      stream << "EVFILT_WRITE";
    } else if (is_of(event, EVFILT_USER)) {
      stream << "EVFILT_USER";
    } else {
      stream << "filter " << event.filter;
    }
    struct {
      unsigned flag;
      char const* name;
    } const all[] = {{EV_EOF, "EV_EOF"},
                     {EV_ERROR, "EV_ERROR"},
                     {EV_CLEAR, "EV_CLEAR"},
                     {EV_DISPATCH, "EV_DISPATCH"}};
    for (auto const& known : all) {
      if (event.flags & known.flag) {
        stream << '|' << known.name;
      }
    }
    stream << " fflags " << event.fflags << " data " << event.data;
  }

  static int error(native_event const& event) noexcept {
    return is_error(event) ? static_cast<int>(event.fflags) : 0;
  }

protected:
  /// Marks internal data. Tags have 31 bits, so none of them contains this bit.
  static constexpr std::uint32_t internal_mark = 0x80000000u;

  static bool is_of(native_event const& event, int filter) noexcept {
    return event.filter == static_cast<decltype(native_event::filter)>(filter);
  }
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_KQUEUE_EVENT_OPS_HPP
