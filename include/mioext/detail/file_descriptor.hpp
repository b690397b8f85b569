//
// mioext/detail/file_descriptor.hpp
// ---------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The move-only owner of one descriptor.
//

#ifndef MIOEXT_DETAIL_FILE_DESCRIPTOR_HPP
#define MIOEXT_DETAIL_FILE_DESCRIPTOR_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>

#include <unistd.h>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Owns a descriptor and closes it when it goes; -1 stands for none.
class file_descriptor {
public:
  file_descriptor() noexcept : fd_(-1) {}
  explicit file_descriptor(int fd) noexcept : fd_(fd) {}

  file_descriptor(file_descriptor&& other) noexcept : fd_(other.release()) {}

  file_descriptor& operator=(file_descriptor&& other) noexcept {
    if (this != &other) {
      reset(other.release());
    }
    return *this;
  }

  file_descriptor(file_descriptor const&) = delete;
  file_descriptor& operator=(file_descriptor const&) = delete;

  ~file_descriptor() {
    if (fd_ >= 0) {
      reset();
    }
  }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

  /// Gives the descriptor up without closing it.
  int release() noexcept {
    int const fd = fd_;
    fd_ = -1;
    return fd;
  }

  /// Closes what is held and takes `fd` instead. Returns close(2)'s errno or zero. The descriptor
  /// is gone in either case, also after EINTR (close(2) on Linux), so the call is never repeated.
  /// errno is left as it was, because owners are often destroyed on the way out of a failure.
  int reset(int fd = -1) noexcept {
    int error = 0;
    if (fd_ >= 0) {
      int const saved = errno;
      if (::close(fd_) != 0) {
        error = errno;
      }
      errno = saved;
    }
    fd_ = fd;
    return error;
  }

private:
  int fd_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_FILE_DESCRIPTOR_HPP
