//
// mioext/detail/file_identity.hpp
// -------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Which open file a descriptor stands for, because its number may be another's by and by.
//

#ifndef MIOEXT_DETAIL_FILE_IDENTITY_HPP
#define MIOEXT_DETAIL_FILE_IDENTITY_HPP

#include <cerrno>

#include <sys/stat.h>
#include <sys/types.h>

namespace mioext {
namespace detail {

/// Tells one open file from the next that gets its descriptor's number.
struct file_identity {
  ::dev_t device = 0;
  ::ino_t inode = 0;

  friend bool operator==(file_identity const& left, file_identity const& right) noexcept {
    return left.device == right.device && left.inode == right.inode;
  }
};

inline int identify(int fd, file_identity& identity) noexcept {
  struct ::stat status;
  if (::fstat(fd, &status) != 0) {
    return errno;
  }
  identity.device = status.st_dev;
  identity.inode = status.st_ino;
  return 0;
}

/// False if `fd` is closed, or stands for another file by now. True if the system cannot tell: what a
/// shortage hides is most likely what it was.
inline bool is_still(int fd, file_identity const& known) noexcept {
  file_identity now;
  int const error = identify(fd, now);
  return error == 0 ? now == known : error != EBADF;
}

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_FILE_IDENTITY_HPP
