//
// mioext/detail/descriptor_ops.hpp
// --------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// System calls on any descriptor, whatever is behind it.
//

#ifndef MIOEXT_DETAIL_DESCRIPTOR_OPS_HPP
#define MIOEXT_DETAIL_DESCRIPTOR_OPS_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <cstddef>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/system/error_code.hpp>

#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Sets `ec` from errno if `result` says that the system call failed, clears it otherwise; returns
/// `result`.
template <class Result> Result checked(Result result, boost::system::error_code& ec) noexcept {
  if (result < 0) {
    ec = system_error_code(errno);
  } else {
    ec.clear();
  }
  return result;
}

/// Repeats a system call for as long as a signal handler interrupts it. The descriptors are
/// non-blocking, so there is no wait that somebody might have wanted to interrupt.
template <class SystemCall>
auto retry_interrupted(SystemCall system_call) -> decltype(system_call()) {
  for (;;) {
    auto const result = system_call();
    if (result >= 0 || errno != EINTR) {
      return result;
    }
  }
}

namespace descriptor_ops {

/// Prevents SIGPIPE for writes to a socket, on systems that have no flag for this in each call:
/// macOS has SO_NOSIGPIPE instead of MSG_NOSIGNAL. A descriptor that is no socket does not have the
/// option (ENOTSOCK), and macOS does not allow it on a connection that has already ended (EINVAL;
/// sosetoptlock in XNU's uipc_socket.c). An accepted socket has the setting of its listener.
inline void silence_sigpipe(int fd, boost::system::error_code& ec) noexcept {
#ifdef MSG_NOSIGNAL
  static_cast<void>(fd);
  static_cast<void>(ec);
#else
  int const yes = 1;
  if (::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &yes, sizeof yes) != 0 && errno != ENOTSOCK &&
      errno != EINVAL) {
    ec = system_error_code(errno);
  }
#endif
}

/// Makes a descriptor that came from elsewhere non-blocking and close-on-exec. Calls the kernel
/// only for what it is not yet.
inline void adopt(int fd, boost::system::error_code& ec) noexcept {
  int error = make_close_on_exec(fd);
  if (error == 0) {
    error = set_non_blocking_mode(fd, true);
  }
  ec = system_error_code(error);
  if (!ec) {
    silence_sigpipe(fd, ec);
  }
}

/// The same for a descriptor that was just made by a system that cannot set these flags at the same
/// time: a process that another thread forks and executes in between inherits the descriptor.
/// Returns `fd`. If `fd` is -1, the call that was to make it has failed: sets `ec` from errno, and
/// returns -1. If the flags cannot be set, closes `fd` and returns -1.
inline int adopt_new(int fd, boost::system::error_code& ec) noexcept {
  if (checked(fd, ec) < 0) {
    return fd;
  }
  adopt(fd, ec);
  if (ec) {
    ::close(fd);
    return -1;
  }
  return fd;
}

/// Both of a pair, or neither.
inline void adopt_pair(int (&fds)[2], boost::system::error_code& ec) noexcept {
  fds[0] = adopt_new(fds[0], ec);
  if (ec) {
    ::close(fds[1]);
    return;
  }
  fds[1] = adopt_new(fds[1], ec);
  if (ec) {
    ::close(fds[0]);
  }
}

/// ioctl(2) with a pointer to the command's data.
inline void io_control(int fd, int command, void* data, boost::system::error_code& ec) noexcept {
  checked(::ioctl(fd, static_cast<unsigned long>(command), data), ec);
}

/// The number of bytes that a read would find.
inline std::size_t available(int fd, boost::system::error_code& ec) noexcept {
  int bytes = 0;
  io_control(fd, FIONREAD, &bytes, ec);
  return ec ? 0 : static_cast<std::size_t>(bytes);
}

/// Blocks until poll(2) reports any of `events`, an error or a hang-up. False if it cannot.
inline bool wait(int fd, short events, boost::system::error_code& ec) noexcept {
  ::pollfd request = {fd, events, 0};
  checked(retry_interrupted([&request] { return ::poll(&request, 1, -1); }), ec);
  return !ec;
}

inline bool wait_readable(int fd, boost::system::error_code& ec) noexcept {
  return wait(fd, POLLIN, ec);
}

inline bool wait_writable(int fd, boost::system::error_code& ec) noexcept {
  return wait(fd, POLLOUT, ec);
}

/// The same for any readiness; without blocking it says `would_block` if there is none now.
inline void wait_for(int fd, short events, bool blocks, boost::system::error_code& ec) noexcept {
  if (fd < 0) {
    ec = system_error_code(EBADF);
    return;
  }
  ::pollfd request = {fd, events, 0};
  int const timeout = blocks ? -1 : 0;
  int const ready =
      checked(retry_interrupted([&request, timeout] { return ::poll(&request, 1, timeout); }), ec);
  if (ready == 0) {
    ec = system_error_code(EWOULDBLOCK);
  }
}

} // namespace descriptor_ops
} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_DESCRIPTOR_OPS_HPP
