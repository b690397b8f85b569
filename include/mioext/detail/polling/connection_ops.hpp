//
// mioext/detail/polling/connection_ops.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Connecting and listening with any descriptor, for event loops, sockets and streams.
//

#ifndef MIOEXT_DETAIL_POLLING_CONNECTION_OPS_HPP
#define MIOEXT_DETAIL_POLLING_CONNECTION_OPS_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <mioext/detail/file_descriptor.hpp>
#include <mioext/detail/polling/connect_backoff.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// True for errors that go away when somebody else frees the resource.
inline bool is_shortage(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
         error == ENOSPC;
}

/// An address as connect(2) takes it.
struct socket_address {
  ::sockaddr const* data;
  ::socklen_t size;
};

enum class connect_progress {
  /// The socket is connected.
  made,
  /// It goes on: the selector will report the outcome.
  started,
  /// A Unix listener's backlog is full. The kernel has forgotten the call and will report nothing.
  no_room,
  failed
};

struct connect_result {
  connect_progress progress;
  int error;
};

/// True if the socket has a peer. (A TCP socket in SYN_SENT has none yet.)
inline bool has_peer(int fd) noexcept {
  ::sockaddr_storage address;
  ::socklen_t size = sizeof address;
  return ::getpeername(fd, reinterpret_cast<::sockaddr*>(&address), &size) == 0;
}

/// True if the socket can be connected only once, unlike a datagram socket, which merely gets
/// another peer.
inline bool connects_once(int fd) noexcept {
  int type = 0;
  ::socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
         (type == SOCK_STREAM || type == SOCK_SEQPACKET);
}

inline bool is_listening(int fd) noexcept {
  int listens = 0;
  ::socklen_t size = sizeof listens;
  return ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

/// True if the socket cannot be connected now, because it is already connected or is listening.
inline bool is_in_use(int fd) noexcept {
  return (has_peer(fd) && connects_once(fd)) || is_listening(fd);
}

/// connect(2) returned 0. On Linux, this call need not have made the connection: the first call
/// after a non-blocking connect has ended returns 0, whatever address it is given, and only the
/// next one fails with EISCONN (SS_CONNECTING in __inet_stream_connect of net/ipv4/af_inet.c). A
/// call that begins a TCP connect on a non-blocking socket never returns 0, because the socket is
/// locked until that call returns. The exception is TCP_FASTOPEN_CONNECT, and then the socket has
/// no peer yet. So the check costs nothing except for datagram sockets and in the cases that it is
/// made for.
inline connect_result made_or_made_before(int fd, socket_address address) noexcept {
#ifdef __linux__
  int const family = address.data->sa_family;
  if ((family == AF_INET || family == AF_INET6) && connects_once(fd) && has_peer(fd)) {
    return {connect_progress::failed, EISCONN};
  }
#else
  static_cast<void>(fd);
  static_cast<void>(address);
#endif
  return {connect_progress::made, 0};
}

/// connect(2) failed with `error`. For a Unix socket that is connected or listens, Linux first
/// reports problems of the address: that nobody listens there, or that there is no room
/// (unix_stream_connect in net/unix/af_unix.c). Such a socket must not wait for room, nor be
/// treated as one whose connect failed.
inline connect_result failed_or_no_room(int fd, socket_address address, int error) noexcept {
  // EAGAIN means a full backlog only for AF_UNIX, and only on Linux; for AF_INET it means that no
  // port is left.
  if (address.data->sa_family != AF_UNIX) {
    return {connect_progress::failed, error};
  }
  if (has_peer(fd) && connects_once(fd)) {
    return {connect_progress::failed, EISCONN};
  }
  if (error != EAGAIN) {
    return {connect_progress::failed, error};
  }
  if (is_listening(fd)) {
    return {connect_progress::failed, EINVAL}; // what it says where there is room
  }
  return {connect_progress::no_room, EAGAIN};
}

/// Calls connect(2) on a non-blocking socket. A socket that is already connected, whoever connected
/// it, is not changed: EISCONN.
inline connect_result start_connect(int fd, socket_address address) noexcept {
  if (::connect(fd, address.data, address.size) == 0) {
    return made_or_made_before(fd, address);
  }
  // After EINTR the connection goes on to be made, as after EINPROGRESS (POSIX, connect()).
  if (errno == EINPROGRESS || errno == EINTR) {
    return {connect_progress::started, 0};
  }
  return failed_or_no_room(fd, address, errno);
}

/// The error that is pending on the socket, which then is pending no longer (SO_ERROR), or why it
/// could not be asked for. Returns an errno value.
inline int take_pending_error(int fd) noexcept {
  int error = 0;
  ::socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

/// The outcome of a connect that goes on, when that is known. Returns an errno value.
inline int wait_for_outcome(int fd) noexcept {
  ::pollfd asked = {fd, POLLOUT, 0};
  while (::poll(&asked, 1, -1) < 0) {
    if (errno != EINTR) {
      return errno;
    }
  }
  return take_pending_error(fd);
}

/// Connects a non-blocking socket, and blocks until that has come to its end, as a blocking
/// connect(2) does. If a Unix listener's backlog is full, it tries again at the same intervals as
/// an event loop. Returns an errno value.
inline int connect_and_wait(int fd, socket_address address) noexcept {
  for (connect_backoff backoff;;) {
    connect_result const attempt = start_connect(fd, address);
    switch (attempt.progress) {
    case connect_progress::no_room:
      // A wait in milliseconds; a signal makes it shorter.
      ::poll(nullptr, 0, static_cast<int>(backoff.next().count()));
      break;
    case connect_progress::started:
      return wait_for_outcome(fd);
    case connect_progress::made:
    case connect_progress::failed:
      return attempt.error;
    }
  }
}

/// True if the selector would report it as writable.
inline bool is_writable_now(int fd) noexcept {
  ::pollfd asked = {fd, POLLOUT, 0};
  return ::poll(&asked, 1, 0) == 1;
}

inline int start_listen(int fd, int backlog) noexcept {
  return ::listen(fd, backlog) == 0 ? 0 : errno;
}

/// Makes an unconnected Unix socket report an error: SO_ERROR becomes ECONNRESET, and the
/// selector reports it.
///
/// Why this is needed: if connect(2) on a Unix socket fails, it reports that once, to its caller,
/// and leaves SO_ERROR zero. If the caller is the loop, which tried again after a full backlog,
/// then code that asks the socket for its error, as after a TCP connect, would be told of success.
/// How it works: the kernel sets this error on a socket when the listener that it is connected to
/// is closed without having accepted it (unix_release_sock in Linux's net/unix/af_unix.c). The
/// listener is our own, at an address that the kernel picks (autobind, unix(7)), and is closed at
/// once. A socket that came from another network namespace cannot reach it and stays unmarked.
///
/// Only on Linux does a connect wait for room. The others answer ECONNREFUSED at once (unp_connect
/// in the BSDs' uipc_usrreq.c: sonewconn finds the queue full), so there is nothing to mark.
inline int mark_connect_failed(int fd) noexcept {
#ifdef __linux__
  int type = 0;
  ::socklen_t type_size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) != 0) {
    return errno;
  }
  file_descriptor const listener(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) {
    return errno;
  }
  ::sockaddr_un address;
  std::memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  ::sockaddr* const data = reinterpret_cast<::sockaddr*>(&address);
  ::socklen_t size = sizeof address;
  if (::bind(listener.get(), data, sizeof address.sun_family) != 0 ||
      ::getsockname(listener.get(), data, &size) != 0 || ::listen(listener.get(), 1) != 0 ||
      ::connect(fd, data, size) != 0) {
    return errno;
  }
#else
  static_cast<void>(fd);
#endif
  return 0;
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_CONNECTION_OPS_HPP
