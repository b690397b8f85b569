//
// mioext/detail/handles/stream_ops.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What SyncReadStream and SyncWriteStream ask for beyond a system call that transfers bytes.
//

#ifndef MIOEXT_DETAIL_HANDLES_STREAM_OPS_HPP
#define MIOEXT_DETAIL_HANDLES_STREAM_OPS_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <type_traits>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/handles/buffer_vector.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {
namespace stream_ops {

/// The result of a transfer of no bytes: success without a system call, unless there is no
/// descriptor.
inline std::size_t transfer_nothing(int fd, boost::system::error_code& ec) noexcept {
  if (fd < 0) {
    ec = boost::asio::error::bad_descriptor;
  } else {
    ec.clear();
  }
  return 0;
}

/// Asio's sockets take null_buffers as a request to wait; here it would only be an empty sequence.
template <class BufferSequence> void check_buffers() {
  static_assert(
      !std::is_same<BufferSequence, boost::asio::null_buffers>::value,
      "mioext: null_buffers is Asio's deprecated way to wait: use wait() or async_wait()");
}

/// Reads with `read(iovec*, count, ec)`, which returns the number of bytes, zero at the end.
template <class MutableBufferSequence, class Read>
std::size_t read_some(int fd, MutableBufferSequence const& buffers, boost::system::error_code& ec,
                      Read read) {
  check_buffers<MutableBufferSequence>();
  read_buffers vector(buffers);
  if (vector.empty()) {
    return transfer_nothing(fd, ec);
  }
  std::size_t const transferred = read(vector.data(), vector.size(), ec);
  if (transferred == 0 && !ec) {
    ec = boost::asio::error::eof;
  }
  return transferred;
}

/// Writes with `write(iovec*, count, ec)`, which returns the number of bytes.
template <class ConstBufferSequence, class Write>
std::size_t write_some(int fd, ConstBufferSequence const& buffers, boost::system::error_code& ec,
                       Write write) {
  check_buffers<ConstBufferSequence>();
  write_buffers vector(buffers);
  if (vector.empty()) {
    return transfer_nothing(fd, ec);
  }
  return write(vector.data(), vector.size(), ec);
}

} // namespace stream_ops
} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLES_STREAM_OPS_HPP
