//
// test/faults.hpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// System calls that fail when a test says so. The linker sends each call of the functions below to
// faults.cpp (ld's --wrap), which lets it through or does not.
//
// Only what mioext calls is counted and fails; Asio's own calls do not, and have their own authors. Whose
// a call is tells the name of the function that it returns to, which takes a build without inlining.
//

#ifndef TEST_FAULTS_HPP
#define TEST_FAULTS_HPP

#include <cstddef>

/// All system calls that mioext makes on Linux.
#define TEST_FAULTS_ALL(X)                                                                         \
  X(accept4)                                                                                       \
  X(bind)                                                                                          \
  X(close)                                                                                         \
  X(connect)                                                                                       \
  X(dup3)                                                                                          \
  X(epoll_create1)                                                                                 \
  X(epoll_ctl)                                                                                     \
  X(epoll_pwait2)                                                                                  \
  X(epoll_wait)                                                                                    \
  X(eventfd)                                                                                       \
  X(fcntl)                                                                                         \
  X(fstat)                                                                                         \
  X(getpeername)                                                                                   \
  X(getsockname)                                                                                   \
  X(getsockopt)                                                                                    \
  X(ioctl)                                                                                         \
  X(listen)                                                                                        \
  X(pipe2)                                                                                         \
  X(poll)                                                                                          \
  X(pthread_sigmask)                                                                               \
  X(read)                                                                                          \
  X(readv)                                                                                         \
  X(recv)                                                                                          \
  X(recvmsg)                                                                                       \
  X(send)                                                                                          \
  X(sendmsg)                                                                                       \
  X(setsockopt)                                                                                    \
  X(shutdown)                                                                                      \
  X(signalfd)                                                                                      \
  X(socket)                                                                                        \
  X(socketpair)                                                                                    \
  X(write)                                                                                         \
  X(writev)

namespace faults {

enum class call : std::size_t {
#define TEST_FAULTS_NAME(function) function,
  TEST_FAULTS_ALL(TEST_FAULTS_NAME)
#undef TEST_FAULTS_NAME
      count
};

char const* name(call of) noexcept;

/// Which call is to fail, and how.
struct fault {
  call of;
  std::size_t index; ///< the first one is zero
  int error;         ///< errno
  bool from_then_on; ///< and not only once
};

/// From now on calls are counted, and the one that `planned` names fails; with null, none.
void begin(fault const* planned) noexcept;

/// From now on all calls go through.
void end() noexcept;

/// While it lives, all calls go through and none is counted: for what a test does itself.
class pause {
public:
  pause() noexcept;
  ~pause();
  pause(pause const&) = delete;
  pause& operator=(pause const&) = delete;

private:
  bool const was_counting_;
};

/// How often mioext has called the function since begin().
std::size_t calls(call of) noexcept;

/// How many of them have failed.
std::size_t injected() noexcept;

} // namespace faults

#endif // TEST_FAULTS_HPP
