//
// test/faults.cpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The wrappers of the system calls, and what they are told to do.
//

#include "faults.hpp"

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <initializer_list>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace faults {
namespace {

constexpr std::size_t call_count = static_cast<std::size_t>(call::count);

std::atomic<bool> is_counting{false};
std::atomic<std::size_t> counts[call_count];
std::atomic<std::size_t> injections{0};
fault plan;
bool has_plan = false;

/// A function in namespace mioext, by its mangled name.
bool is_mioext(void* caller) noexcept {
  ::Dl_info info;
  if (::dladdr(caller, &info) == 0 || !info.dli_sname) {
    return false;
  }
  for (char const* prefix : {"_ZN6mioext", "_ZNK6mioext", "_ZZN6mioext", "_ZZNK6mioext"}) {
    if (std::strncmp(info.dli_sname, prefix, std::strlen(prefix)) == 0) {
      return true;
    }
  }
  return false;
}

/// The error with which this call is to fail; zero if it is not.
int next(call of, void* caller) noexcept {
  if (!is_counting.load(std::memory_order_relaxed)) {
    return 0;
  }
  int const saved = errno;
  bool const is_ours = is_mioext(caller);
  errno = saved;
  if (!is_ours) {
    return 0;
  }
  std::size_t const index = counts[static_cast<std::size_t>(of)]++;
  if (!has_plan || plan.of != of || index < plan.index ||
      (index > plan.index && !plan.from_then_on)) {
    return 0;
  }
  ++injections;
  return plan.error;
}

} // namespace

char const* name(call of) noexcept {
  static char const* const names[] = {
#define TEST_FAULTS_NAME(function) #function,
      TEST_FAULTS_ALL(TEST_FAULTS_NAME)
#undef TEST_FAULTS_NAME
  };
  return names[static_cast<std::size_t>(of)];
}

void begin(fault const* planned) noexcept {
  has_plan = planned != nullptr;
  if (planned) {
    plan = *planned;
  }
  for (auto& each : counts) {
    each = 0;
  }
  injections = 0;
  is_counting = true;
}

void end() noexcept { is_counting = false; }

pause::pause() noexcept : was_counting_(is_counting.exchange(false)) {}

pause::~pause() { is_counting = was_counting_; }

std::size_t calls(call of) noexcept { return counts[static_cast<std::size_t>(of)]; }

std::size_t injected() noexcept { return injections; }

} // namespace faults

// ld sends calls of `function` to __wrap_function, and calls of __real_function to `function`.

#define TEST_FAULTS_WRAP(result, function, parameters, arguments)                                  \
  extern "C" result __real_##function parameters;                                                  \
  extern "C" result __wrap_##function parameters;                                                  \
  result __wrap_##function parameters {                                                            \
    if (int const error = faults::next(faults::call::function, __builtin_return_address(0))) {     \
      errno = error;                                                                               \
      return -1;                                                                                   \
    }                                                                                              \
    return __real_##function arguments;                                                            \
  }

TEST_FAULTS_WRAP(int, accept4, (int fd, ::sockaddr* address, ::socklen_t* size, int flags),
                 (fd, address, size, flags))
TEST_FAULTS_WRAP(int, bind, (int fd, ::sockaddr const* address, ::socklen_t size),
                 (fd, address, size))
TEST_FAULTS_WRAP(int, dup3, (int from, int to, int flags), (from, to, flags))
TEST_FAULTS_WRAP(int, epoll_create1, (int flags), (flags))
TEST_FAULTS_WRAP(int, epoll_pwait2,
                 (int epoll, ::epoll_event* events, int most, ::timespec const* limit,
                  ::sigset_t const* mask),
                 (epoll, events, most, limit, mask))
TEST_FAULTS_WRAP(int, epoll_wait, (int epoll, ::epoll_event* events, int most, int limit),
                 (epoll, events, most, limit))
TEST_FAULTS_WRAP(int, eventfd, (unsigned value, int flags), (value, flags))
TEST_FAULTS_WRAP(int, fstat, (int fd, struct ::stat* found), (fd, found))
TEST_FAULTS_WRAP(int, getpeername, (int fd, ::sockaddr* address, ::socklen_t* size),
                 (fd, address, size))
TEST_FAULTS_WRAP(int, getsockname, (int fd, ::sockaddr* address, ::socklen_t* size),
                 (fd, address, size))
TEST_FAULTS_WRAP(int, getsockopt, (int fd, int level, int name, void* value, ::socklen_t* size),
                 (fd, level, name, value, size))
TEST_FAULTS_WRAP(int, listen, (int fd, int backlog), (fd, backlog))
TEST_FAULTS_WRAP(int, pipe2, (int* fds, int flags), (fds, flags))
TEST_FAULTS_WRAP(int, poll, (::pollfd * fds, ::nfds_t count, int limit), (fds, count, limit))
TEST_FAULTS_WRAP(::ssize_t, read, (int fd, void* data, std::size_t size), (fd, data, size))
TEST_FAULTS_WRAP(::ssize_t, readv, (int fd, ::iovec const* parts, int count), (fd, parts, count))
TEST_FAULTS_WRAP(::ssize_t, recv, (int fd, void* data, std::size_t size, int flags),
                 (fd, data, size, flags))
TEST_FAULTS_WRAP(::ssize_t, recvmsg, (int fd, ::msghdr* message, int flags), (fd, message, flags))
TEST_FAULTS_WRAP(::ssize_t, send, (int fd, void const* data, std::size_t size, int flags),
                 (fd, data, size, flags))
TEST_FAULTS_WRAP(::ssize_t, sendmsg, (int fd, ::msghdr const* message, int flags),
                 (fd, message, flags))
TEST_FAULTS_WRAP(int, setsockopt,
                 (int fd, int level, int name, void const* value, ::socklen_t size),
                 (fd, level, name, value, size))
TEST_FAULTS_WRAP(int, shutdown, (int fd, int how), (fd, how))
TEST_FAULTS_WRAP(int, signalfd, (int fd, ::sigset_t const* set, int flags), (fd, set, flags))
TEST_FAULTS_WRAP(int, socket, (int family, int type, int protocol), (family, type, protocol))
TEST_FAULTS_WRAP(int, socketpair, (int family, int type, int protocol, int* fds),
                 (family, type, protocol, fds))
TEST_FAULTS_WRAP(::ssize_t, write, (int fd, void const* data, std::size_t size), (fd, data, size))
TEST_FAULTS_WRAP(::ssize_t, writev, (int fd, ::iovec const* parts, int count), (fd, parts, count))

// pthread_sigmask returns its error.
extern "C" int __real_pthread_sigmask(int, ::sigset_t const*, ::sigset_t*);
extern "C" int __wrap_pthread_sigmask(int, ::sigset_t const*, ::sigset_t*);
int __wrap_pthread_sigmask(int how, ::sigset_t const* set, ::sigset_t* before) {
  int const error = faults::next(faults::call::pthread_sigmask, __builtin_return_address(0));
  return error ? error : __real_pthread_sigmask(how, set, before);
}

// Linux closes the descriptor whatever close(2) then says: one that is closed a second time for that
// may be somebody else's.
extern "C" int __real_close(int);
extern "C" int __wrap_close(int);
int __wrap_close(int fd) {
  int const error = faults::next(faults::call::close, __builtin_return_address(0));
  int const result = __real_close(fd);
  if (error) {
    errno = error;
    return -1;
  }
  return result;
}

// The kernel looks whether it is there already before it takes memory for it (do_epoll_ctl in its
// fs/eventpoll.c).
extern "C" int __real_epoll_ctl(int, int, int, ::epoll_event*);
extern "C" int __wrap_epoll_ctl(int, int, int, ::epoll_event*);
int __wrap_epoll_ctl(int epoll, int operation, int fd, ::epoll_event* event) {
  int const error = faults::next(faults::call::epoll_ctl, __builtin_return_address(0));
  if (error == 0 || operation == EPOLL_CTL_ADD) {
    int const result = __real_epoll_ctl(epoll, operation, fd, event);
    if (error == 0 || result < 0) {
      return result;
    }
    __real_epoll_ctl(epoll, EPOLL_CTL_DEL, fd, event);
  }
  errno = error;
  return -1;
}

// A connect that is interrupted goes on by itself (connect(2), EINTR). One whose outcome is known at
// once is not interrupted.
extern "C" int __real_connect(int, ::sockaddr const*, ::socklen_t);
extern "C" int __wrap_connect(int, ::sockaddr const*, ::socklen_t);
int __wrap_connect(int fd, ::sockaddr const* address, ::socklen_t size) {
  int const error = faults::next(faults::call::connect, __builtin_return_address(0));
  if (error == 0 || error == EINTR) {
    int const result = __real_connect(fd, address, size);
    if (error == 0 || result == 0 || errno != EINPROGRESS) {
      return result;
    }
  }
  errno = error;
  return -1;
}

extern "C" int __real_fcntl(int, int, ...);
extern "C" int __wrap_fcntl(int, int, ...);
int __wrap_fcntl(int fd, int command, ...) {
  std::va_list arguments;
  va_start(arguments, command);
  long const argument = va_arg(arguments, long);
  va_end(arguments);
  if (int const error = faults::next(faults::call::fcntl, __builtin_return_address(0))) {
    errno = error;
    return -1;
  }
  return __real_fcntl(fd, command, argument);
}

extern "C" int __real_ioctl(int, unsigned long, ...);
extern "C" int __wrap_ioctl(int, unsigned long, ...);
int __wrap_ioctl(int fd, unsigned long command, ...) {
  std::va_list arguments;
  va_start(arguments, command);
  void* const argument = va_arg(arguments, void*);
  va_end(arguments);
  if (int const error = faults::next(faults::call::ioctl, __builtin_return_address(0))) {
    errno = error;
    return -1;
  }
  return __real_ioctl(fd, command, argument);
}
