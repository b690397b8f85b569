//
// mioext/detail/epoll_event_ops.hpp
// ---------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How an event of epoll is read. See detail/polling/selector_contract.hpp for what its members
// promise.
//

#ifndef MIOEXT_DETAIL_EPOLL_EVENT_OPS_HPP
#define MIOEXT_DETAIL_EPOLL_EVENT_OPS_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <cstdint>

#include <sys/epoll.h>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The events of epoll, and the user data that they carry, which identifies their registration.
class epoll_event_ops {
public:
  using native_event = ::epoll_event;
  using user_data = std::uint64_t;

  static user_data token_data(std::size_t token) noexcept { return token; }

  static user_data tag_data(int fd, std::uint32_t tag) noexcept {
    return (static_cast<std::uint64_t>(tag) << 32) | static_cast<std::uint32_t>(fd);
  }

  static user_data internal_data(std::uint32_t number) noexcept { return tag_data(-1, number); }

  static std::size_t token(native_event const& event) noexcept {
    return static_cast<std::size_t>(event.data.u64);
  }

  static std::uint32_t descriptor(native_event const& event) noexcept {
    return static_cast<std::uint32_t>(event.data.u64);
  }

  static std::uint32_t tag(native_event const& event) noexcept {
    return static_cast<std::uint32_t>(event.data.u64 >> 32);
  }

  // EPOLLERR and EPOLLHUP concern both directions: the end of a pipe is reported as EPOLLHUP alone,
  // and a pipe without readers as EPOLLERR, which comes alone if there is no room. A test of
  // EPOLLIN or EPOLLOUT only would miss them. (Go's runtime/netpoll_epoll.go, libev and Asio treat
  // them in this way, too; mio does not.)

  static bool is_readable(native_event const& event) noexcept {
    return event.events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLERR | EPOLLHUP);
  }

  static bool is_writable(native_event const& event) noexcept {
    return event.events & (EPOLLOUT | EPOLLERR | EPOLLHUP);
  }

  static bool is_error(native_event const& event) noexcept { return event.events & EPOLLERR; }

  /// Both directions are shut down, or the peer has shut down its sending side; there may be unread
  /// data.
  static bool is_read_closed(native_event const& event) noexcept {
    return event.events & (EPOLLRDHUP | EPOLLHUP);
  }

  /// Both directions are shut down. EPOLLERR does not count. For a pipe it means that the readers
  /// are gone; for a socket it means only that there is an error to be fetched or a notice in its
  /// error queue, after which writing goes on. An event does not tell whether it concerns a pipe or
  /// a socket.
  static bool is_write_closed(native_event const& event) noexcept {
    return event.events & EPOLLHUP;
  }

  static bool is_priority(native_event const& event) noexcept { return event.events & EPOLLPRI; }

  static bool is_only_priority(native_event const& event) noexcept {
    return (event.events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLERR | EPOLLHUP)) == EPOLLPRI;
  }

  static bool concerns_reading(native_event const& event) noexcept { return is_readable(event); }

  static bool concerns_writing(native_event const& event) noexcept { return is_writable(event); }

  /// There is something to read, and nothing else.
  static bool is_only_data(native_event const& event) noexcept { return event.events == EPOLLIN; }

  static bool is_only_writable(native_event const& event) noexcept {
    constexpr std::uint32_t ends = EPOLLERR | EPOLLHUP;
    constexpr std::uint32_t others = EPOLLIN | EPOLLPRI | EPOLLRDHUP;
    return !(event.events & (others | ends | (ends << dropped_shift)));
  }

  /// The other flags are moved to bits that the system does not set, so that a writer can still be
  /// told of an end or an error.
  static void drop_reading(native_event& event) noexcept {
    event.events = EPOLLOUT | (event.events << dropped_shift);
  }

  static void drop_writing(native_event& event) noexcept {
    bool const closed = event.events & (EPOLLHUP | EPOLLERR);
    event.events &= EPOLLIN | EPOLLPRI | EPOLLRDHUP;
    if (closed) {
      event.events |= EPOLLIN | EPOLLRDHUP;
    }
  }

  /// Prints the event for a log. The stream may be any std::ostream.
  template <class Stream> static void print_details(Stream& stream, native_event const& event) {
    struct {
      std::uint32_t flag;
      char const* name;
    } const all[] = {{EPOLLIN, "EPOLLIN"},   {EPOLLPRI, "EPOLLPRI"}, {EPOLLOUT, "EPOLLOUT"},
                     {EPOLLERR, "EPOLLERR"}, {EPOLLHUP, "EPOLLHUP"}, {EPOLLRDHUP, "EPOLLRDHUP"}};
    std::uint32_t left = event.events;
    char const* separator = "";
    for (auto const& known : all) {
      if (left & known.flag) {
        stream << separator << known.name;
        separator = "|";
        left &= ~known.flag;
      }
    }
    if (left != 0 || event.events == 0) {
      stream << separator << left;
    }
  }

  /// Events of epoll carry no errno; SO_ERROR has it.
  static int error(native_event const&) noexcept { return 0; }

protected:
  /// Above the flags that epoll_wait(2) reports, of which EPOLLRDHUP is the highest.
  static constexpr int dropped_shift = 16;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EPOLL_EVENT_OPS_HPP
