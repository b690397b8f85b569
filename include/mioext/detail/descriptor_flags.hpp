//
// mioext/detail/descriptor_flags.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What fcntl(2) reports and changes: whether a descriptor is open, whether it blocks, and whether a
// program that is executed inherits it.
//

#ifndef MIOEXT_DETAIL_DESCRIPTOR_FLAGS_HPP
#define MIOEXT_DETAIL_DESCRIPTOR_FLAGS_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>

#include <fcntl.h>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

// Functions that can fail return an errno value, or zero. Those that set a flag call the kernel a
// second time only if the flag does not have the wanted value yet.

/// Reads the flags with `get`, gives those in `mask` the values that they have in `wanted`, and
/// writes them with `set`.
inline int change_descriptor_flags(int fd, int get, int set, int mask, int wanted) noexcept {
  int const flags = ::fcntl(fd, get);
  if (flags < 0) {
    return errno;
  }
  return (flags & mask) == wanted || ::fcntl(fd, set, (flags & ~mask) | wanted) == 0 ? 0 : errno;
}

/// Makes the descriptor and all its duplicates non-blocking or, with false, blocking.
inline int set_non_blocking_mode(int fd, bool mode) noexcept {
  return change_descriptor_flags(fd, F_GETFL, F_SETFL, O_NONBLOCK, mode ? O_NONBLOCK : 0);
}

inline int make_close_on_exec(int fd) noexcept {
  return change_descriptor_flags(fd, F_GETFD, F_SETFD, FD_CLOEXEC, FD_CLOEXEC);
}

/// True if reads and writes fail with EAGAIN where they would have to wait. False if `fd` is
/// closed.
inline bool is_non_blocking(int fd) noexcept {
  int const flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

inline bool is_open_descriptor(int fd) noexcept { return ::fcntl(fd, F_GETFD) >= 0; }

/// Why the selector knows nothing of `fd`: ENOENT for a descriptor that is merely not registered,
/// EBADF for one that is closed.
inline int not_registered_error(int fd) noexcept {
  return ::fcntl(fd, F_GETFD) < 0 ? errno : ENOENT;
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_DESCRIPTOR_FLAGS_HPP
