//
// mioext/detail/handles/pipe_ops.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// System calls on pipes.
//

#ifndef MIOEXT_DETAIL_HANDLES_PIPE_OPS_HPP
#define MIOEXT_DETAIL_HANDLES_PIPE_OPS_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <cstddef>

#include <fcntl.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <boost/system/error_code.hpp>

#include <mioext/detail/descriptor_ops.hpp>
#include <mioext/detail/handles/sigpipe_guard.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {
namespace pipe_ops {

/// Makes a pipe: reads from the first descriptor what was written to the second.
inline void open(int (&fds)[2], boost::system::error_code& ec) noexcept {
#ifndef __APPLE__
  checked(::pipe2(fds, O_NONBLOCK | O_CLOEXEC), ec);
#else // has no pipe2
  if (checked(::pipe(fds), ec) == 0) {
    descriptor_ops::adopt_pair(fds, ec);
  }
#endif
}

inline std::size_t read(int fd, iovec* buffers, std::size_t count,
                        boost::system::error_code& ec) noexcept {
  ssize_t const bytes = retry_interrupted([=] {
    return count == 1 ? ::read(fd, buffers->iov_base, buffers->iov_len)
                      : ::readv(fd, buffers, static_cast<int>(count));
  });
  return checked(bytes, ec) < 0 ? 0 : static_cast<std::size_t>(bytes);
}

inline std::size_t write(int fd, iovec* buffers, std::size_t count,
                         boost::system::error_code& ec) noexcept {
  sigpipe_guard guard;
  ssize_t const bytes = retry_interrupted([=] {
    return count == 1 ? ::write(fd, buffers->iov_base, buffers->iov_len)
                      : ::writev(fd, buffers, static_cast<int>(count));
  });
  if (checked(bytes, ec) >= 0) {
    return static_cast<std::size_t>(bytes);
  }
  if (ec.value() == EPIPE) {
    guard.consume();
  }
  return 0;
}

} // namespace pipe_ops
} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLES_PIPE_OPS_HPP
