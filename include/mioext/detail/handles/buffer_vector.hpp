//
// mioext/detail/handles/buffer_vector.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An Asio buffer sequence as the array of iovec that readv, sendmsg and their kin take.
//

#ifndef MIOEXT_DETAIL_HANDLES_BUFFER_VECTOR_HPP
#define MIOEXT_DETAIL_HANDLES_BUFFER_VECTOR_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>

#include <boost/asio/buffer.hpp>

#include <sys/uio.h>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The array is a member, so nothing is allocated. `Buffer` is boost::asio::mutable_buffer for a
/// sequence to read into and boost::asio::const_buffer for one to write from.
///
/// At most 64 buffers are used, as in Asio. If there are more, a stream transfers less in one call,
/// which it may do at any time. Empty buffers are left out: if they counted, 64 of them before the
/// data would make a call transfer nothing, and a caller that repeats the call until everything is
/// transferred would never finish.
template <class Buffer> class buffer_vector {
public:
  template <class BufferSequence>
  explicit buffer_vector(BufferSequence const& buffers) : size_(0), complete_(true) {
    auto const end = boost::asio::buffer_sequence_end(buffers);
    for (auto iterator = boost::asio::buffer_sequence_begin(buffers); iterator != end; ++iterator) {
      Buffer const buffer(*iterator);
      if (buffer.size() == 0) {
        continue;
      }
      if (size_ == capacity) {
        complete_ = false;
        break;
      }
      // readv and writev share one type, so that what is only read loses its const here.
      elements_[size_].iov_base = const_cast<void*>(static_cast<void const*>(buffer.data()));
      elements_[size_].iov_len = buffer.size();
      ++size_;
    }
  }

  iovec* data() noexcept { return elements_; }
  std::size_t size() const noexcept { return size_; }

  /// No buffer, or none with room for a byte.
  bool empty() const noexcept { return size_ == 0; }

  /// Whether all of the sequence is here.
  bool complete() const noexcept { return complete_; }

private:
  enum : std::size_t { capacity = 64 };

  iovec elements_[capacity]; // uninitialised beyond size_: a kilobyte that costs nothing
  std::size_t size_;
  bool complete_;
};

using read_buffers = buffer_vector<boost::asio::mutable_buffer>;
using write_buffers = buffer_vector<boost::asio::const_buffer>;

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLES_BUFFER_VECTOR_HPP
