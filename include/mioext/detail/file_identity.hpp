//
// mioext/detail/file_identity.hpp
// -------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Which open file a descriptor refers to, because its number may later be reused for another file.
//

#ifndef MIOEXT_DETAIL_FILE_IDENTITY_HPP
#define MIOEXT_DETAIL_FILE_IDENTITY_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>

#include <sys/stat.h>
#include <sys/types.h>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Distinguishes an open file from another one that gets the same descriptor number later.
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

/// False if `fd` is closed or refers to another file now. True if the system cannot tell, for
/// instance for lack of memory: then the file is most likely still the same.
inline bool is_still(int fd, file_identity const& known) noexcept {
  file_identity now;
  int const error = identify(fd, now);
  return error == 0 ? now == known : error != EBADF;
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_FILE_IDENTITY_HPP
