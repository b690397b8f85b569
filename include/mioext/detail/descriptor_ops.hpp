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

#include <cerrno>
#include <cstddef>

#include <fcntl.h>
#include <sys/ioctl.h>

#include <boost/system/error_code.hpp>

#include <mioext/detail/throw_error.hpp>

namespace mioext {
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

/// Makes a descriptor that came from elsewhere non-blocking and close-on-exec. Calls the kernel
/// only for what it is not yet.
inline void prepare(int fd, boost::system::error_code& ec) noexcept {
  int const descriptor_flags = checked(::fcntl(fd, F_GETFD), ec);
  if (ec) {
    return;
  }
  int const status_flags = checked(::fcntl(fd, F_GETFL), ec);
  if (ec) {
    return;
  }
  if ((descriptor_flags & FD_CLOEXEC) == 0) {
    checked(::fcntl(fd, F_SETFD, descriptor_flags | FD_CLOEXEC), ec);
    if (ec) {
      return;
    }
  }
  if ((status_flags & O_NONBLOCK) == 0) {
    checked(::fcntl(fd, F_SETFL, status_flags | O_NONBLOCK), ec);
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

} // namespace descriptor_ops
} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_DESCRIPTOR_OPS_HPP
