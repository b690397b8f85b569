//
// mioext/detail/handles/socket_ops.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// System calls on sockets, one function for each call. Differences between the systems are handled
// here.
//

#ifndef MIOEXT_DETAIL_HANDLES_SOCKET_OPS_HPP
#define MIOEXT_DETAIL_HANDLES_SOCKET_OPS_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <boost/system/error_code.hpp>

#include <mioext/detail/assign_integer.hpp>
#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/descriptor_ops.hpp>
#include <mioext/detail/file_descriptor.hpp>
#include <mioext/detail/polling/connection_ops.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {
namespace socket_ops {

/// The flag with which each call that writes suppresses SIGPIPE. On systems without it, an option
/// of the socket does the same (descriptor_ops::silence_sigpipe).
#ifdef MSG_NOSIGNAL
constexpr int no_sigpipe = MSG_NOSIGNAL;
#else
constexpr int no_sigpipe = 0;
#endif

/// A new socket, or -1. macOS has no flags to make one non-blocking and close-on-exec.
inline int open(int family, int type, int protocol, boost::system::error_code& ec) noexcept {
#ifdef SOCK_CLOEXEC
  return checked(::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol), ec);
#else
  return descriptor_ops::adopt_new(::socket(family, type, protocol), ec);
#endif
}

/// Two sockets, connected to each other.
inline void open_pair(int family, int type, int protocol, int (&fds)[2],
                      boost::system::error_code& ec) noexcept {
#ifdef SOCK_CLOEXEC
  checked(::socketpair(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol, fds), ec);
#else
  if (checked(::socketpair(family, type, protocol, fds), ec) == 0) {
    descriptor_ops::adopt_pair(fds, ec);
  }
#endif
}

/// accept(2); the new socket is non-blocking and close-on-exec.
inline int accept_non_blocking(int fd, sockaddr* address, socklen_t* length,
                               boost::system::error_code& ec) noexcept {
#ifdef SOCK_CLOEXEC
  return checked(::accept4(fd, address, length, SOCK_NONBLOCK | SOCK_CLOEXEC), ec);
#else
  return descriptor_ops::adopt_new(::accept(fd, address, length), ec);
#endif
}

/// How much of an address was stored. The kernel reports the length of the whole address, which can
/// exceed the capacity: a Unix path that fills sun_path is one byte longer than sockaddr_un,
/// because its terminator counts (unix(7), "Pathname sockets").
inline std::size_t stored_size(socklen_t size, std::size_t capacity) noexcept {
  return (std::min)(static_cast<std::size_t>(size), capacity);
}

/// Accepts a connection from a listener's queue; returns -1 on an error. If `address` is not null,
/// stores the peer's address there; `size` is the capacity before the call and the address's size
/// after it.
///
/// A connection that was aborted while it waited in the queue (ECONNABORTED, and EPROTO on older
/// systems) is skipped, as in Asio. The loop ends, because each attempt removes an entry from the
/// queue.
inline int accept(int fd, sockaddr* address, std::size_t* size,
                  boost::system::error_code& ec) noexcept {
  for (;;) {
    socklen_t length = address ? static_cast<socklen_t>(*size) : 0;
    int const peer = accept_non_blocking(fd, address, address ? &length : nullptr, ec);
    if (peer >= 0 && address) {
      *size = stored_size(length, *size);
    }
    int const error = ec.value();
    if (error != EINTR && error != ECONNABORTED && error != EPROTO) {
      return peer;
    }
  }
}

inline void bind(int fd, sockaddr const* address, std::size_t size,
                 boost::system::error_code& ec) noexcept {
  checked(::bind(fd, address, static_cast<socklen_t>(size)), ec);
}

inline void listen(int fd, int backlog, boost::system::error_code& ec) noexcept {
  checked(::listen(fd, backlog), ec);
}

/// A connect that a signal interrupts continues in the background (POSIX, connect: "the connection
/// request shall not be aborted, and the connection shall be established asynchronously"), so it is
/// reported as EINPROGRESS. A second call would fail with EALREADY.
inline void connect(int fd, sockaddr const* address, std::size_t size,
                    boost::system::error_code& ec) noexcept {
  connect_result const attempt =
      start_connect(fd, socket_address{address, static_cast<socklen_t>(size)});
  if (attempt.progress == connect_progress::started) {
    ec = system_error_code(EINPROGRESS);
  } else {
    ec = system_error_code(attempt.error);
  }
}

inline void shutdown(int fd, int what, boost::system::error_code& ec) noexcept {
  checked(::shutdown(fd, what), ec);
}

/// getsockname(2); `size` is the capacity before and the address's size after.
inline void local_address(int fd, sockaddr* address, std::size_t& size,
                          boost::system::error_code& ec) noexcept {
  socklen_t length = static_cast<socklen_t>(size);
  checked(::getsockname(fd, address, &length), ec);
  size = stored_size(length, size);
}

/// getpeername(2); `size` is the capacity before and the address's size after.
inline void remote_address(int fd, sockaddr* address, std::size_t& size,
                           boost::system::error_code& ec) noexcept {
  socklen_t length = static_cast<socklen_t>(size);
  checked(::getpeername(fd, address, &length), ec);
  size = stored_size(length, size);
}

inline void set_option(int fd, int level, int name, void const* data, std::size_t size,
                       boost::system::error_code& ec) noexcept {
  checked(::setsockopt(fd, level, name, data, static_cast<socklen_t>(size)), ec);
}

/// getsockopt(2); `size` is the capacity before and the value's size after.
inline void get_option(int fd, int level, int name, void* data, std::size_t& size,
                       boost::system::error_code& ec) noexcept {
  socklen_t length = static_cast<socklen_t>(size);
  checked(::getsockopt(fd, level, name, data, &length), ec);
  if (ec) {
    return;
  }
  size = length;
#ifdef __linux__
  // Linux doubles the buffer sizes that it is given, to have room for its own bookkeeping, and
  // reports the doubled ones (socket(7)). They are halved here, as in Asio, so that a program reads
  // the value that it has set.
  if (level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_SNDBUF) && length == sizeof(int)) {
    int value = 0;
    std::memcpy(&value, data, sizeof(value));
    value /= 2;
    std::memcpy(data, &value, sizeof(value));
  }
#endif
}

/// True if the next byte to be read is the urgent one (sockatmark(3)).
inline bool at_mark(int fd, boost::system::error_code& ec) noexcept {
  return checked(::sockatmark(fd), ec) == 1;
}

/// Returns and clears the socket's pending error, or returns the reason why it could not be read.
inline boost::system::error_code take_error(int fd) noexcept {
  return system_error_code(take_pending_error(fd));
}

/// If `address` is not null, stores the sender's address there; `address_size` is its capacity
/// before the call and its size after it.
inline std::size_t receive(int fd, iovec* buffers, std::size_t count, int flags, sockaddr* address,
                           std::size_t* address_size, boost::system::error_code& ec) noexcept {
  ssize_t bytes;
  if (count == 1 && !address) {
    // The frequent case, and the system's shortest path.
    bytes =
        retry_interrupted([=] { return ::recv(fd, buffers->iov_base, buffers->iov_len, flags); });
  } else {
    msghdr message = msghdr();
    message.msg_iov = buffers;
    assign_integer(message.msg_iovlen, count);
    bytes = retry_interrupted([&] {
      message.msg_name = address;
      message.msg_namelen = address ? static_cast<socklen_t>(*address_size) : 0;
      return ::recvmsg(fd, &message, flags);
    });
    if (bytes >= 0 && address) {
      *address_size = stored_size(message.msg_namelen, *address_size);
    }
  }
  return checked(bytes, ec) < 0 ? 0 : static_cast<std::size_t>(bytes);
}

inline std::size_t receive(int fd, iovec* buffers, std::size_t count, int flags,
                           boost::system::error_code& ec) noexcept {
  return receive(fd, buffers, count, flags, nullptr, nullptr, ec);
}

/// To the connected peer if `address` is null.
inline std::size_t send(int fd, iovec* buffers, std::size_t count, int flags,
                        sockaddr const* address, std::size_t address_size,
                        boost::system::error_code& ec) noexcept {
  flags |= no_sigpipe;
  ssize_t bytes;
  if (count == 1 && !address) {
    bytes =
        retry_interrupted([=] { return ::send(fd, buffers->iov_base, buffers->iov_len, flags); });
  } else {
    msghdr message = msghdr();
    message.msg_name = const_cast<sockaddr*>(address); // recvmsg and sendmsg share one type
    message.msg_namelen = static_cast<socklen_t>(address_size);
    message.msg_iov = buffers;
    assign_integer(message.msg_iovlen, count);
    bytes = retry_interrupted([&] { return ::sendmsg(fd, &message, flags); });
  }
  return checked(bytes, ec) < 0 ? 0 : static_cast<std::size_t>(bytes);
}

inline std::size_t send(int fd, iovec* buffers, std::size_t count, int flags,
                        boost::system::error_code& ec) noexcept {
  return send(fd, buffers, count, flags, nullptr, 0, ec);
}

/// Room for one descriptor beside the data, aligned as cmsg(3) demands.
struct descriptor_message {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))];
};

/// Also has room for the sender's credentials, which come before the descriptor if the program has
/// requested them (SO_PASSCRED, Linux).
struct descriptor_and_credentials_message {
#ifdef SO_PASSCRED
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(int))];
#else
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))];
#endif
};

/// Makes received descriptors close-on-exec. macOS has no flag for this; there the mode is set
/// right after a descriptor is received.
#ifdef MSG_CMSG_CLOEXEC
constexpr int receive_close_on_exec = MSG_CMSG_CLOEXEC;
#else
constexpr int receive_close_on_exec = 0;
#endif

/// Takes the first descriptor that was received, and closes any others that the peer sent.
inline void take_descriptors(msghdr& message, file_descriptor& descriptor) noexcept {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    std::size_t const count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t index = 0; index != count; ++index) {
      int received = -1;
      std::memcpy(&received, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
      file_descriptor taken(received);
      if (receive_close_on_exec == 0) {
        make_close_on_exec(received);
      }
      if (!descriptor) {
        descriptor = static_cast<file_descriptor&&>(taken);
      }
    }
  }
}

/// The descriptor goes with the first byte (unix(7), SCM_RIGHTS).
inline std::size_t send_with_descriptor(int fd, iovec* buffers, std::size_t count, int descriptor,
                                        boost::system::error_code& ec) noexcept {
  descriptor_message control;
  std::memset(&control, 0, sizeof(control));
  msghdr message = msghdr();
  message.msg_iov = buffers;
  assign_integer(message.msg_iovlen, count);
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  assign_integer(header->cmsg_len, CMSG_LEN(sizeof(int)));
  std::memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
  ssize_t const bytes = retry_interrupted([&] { return ::sendmsg(fd, &message, no_sigpipe); });
  return checked(bytes, ec) < 0 ? 0 : static_cast<std::size_t>(bytes);
}

inline std::size_t receive_with_descriptor(int fd, iovec* buffers, std::size_t count,
                                           file_descriptor& descriptor,
                                           boost::system::error_code& ec) noexcept {
  descriptor_and_credentials_message control;
  msghdr message = msghdr();
  message.msg_iov = buffers;
  assign_integer(message.msg_iovlen, count);
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof(control.bytes);
  ssize_t const bytes =
      retry_interrupted([&] { return ::recvmsg(fd, &message, receive_close_on_exec); });
  if (checked(bytes, ec) < 0) {
    return 0;
  }
  take_descriptors(message, descriptor);
  return static_cast<std::size_t>(bytes);
}

} // namespace socket_ops
} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLES_SOCKET_OPS_HPP
