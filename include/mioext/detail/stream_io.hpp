//
// mioext/detail/stream_io.hpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Reading and writing on a descriptor, for streams: with the system calls for sockets where the
// handle is one, else with those for any descriptor.
//

#ifndef MIOEXT_DETAIL_STREAM_IO_HPP
#define MIOEXT_DETAIL_STREAM_IO_HPP

#include <cerrno>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <sys/uio.h>

#include <boost/system/error_code.hpp>

#include <mioext/detail/pipe_ops.hpp>
#include <mioext/detail/socket_ops.hpp>
#include <mioext/detail/stream_ops.hpp>

namespace mioext {
namespace detail {

/// True for handles that know their protocol, as mioext's and Asio's sockets do.
template <class Handle> struct is_socket_handle {
  template <class H> static std::true_type test(typename H::protocol_type const*);
  template <class> static std::false_type test(...);

  static constexpr bool value = decltype(test<Handle>(nullptr))::value;
};

/// Of what a system call has said: its two errors for "not now", which may be one. (Asked for each
/// transfer; comparing with Asio's enumerators would make an error_code of each first.)
inline bool would_block(boost::system::error_code const& ec) noexcept {
  return (ec.value() == EAGAIN || ec.value() == EWOULDBLOCK) &&
         ec.category() == boost::system::system_category();
}

/// By the descriptor's number, because a stream can be moved while an operation is pending.
template <bool IsSocket> struct stream_io {
  template <class MutableBufferSequence>
  static std::size_t read_some(int fd, MutableBufferSequence const& buffers,
                               boost::system::error_code& ec) {
    return stream_ops::read_some(
        fd, buffers, ec, [fd](iovec* vector, std::size_t count, boost::system::error_code& error) {
          return socket_ops::receive(fd, vector, count, 0, error);
        });
  }

  template <class ConstBufferSequence>
  static std::size_t write_some(int fd, ConstBufferSequence const& buffers,
                                boost::system::error_code& ec) {
    return stream_ops::write_some(
        fd, buffers, ec, [fd](iovec* vector, std::size_t count, boost::system::error_code& error) {
          return socket_ops::send(fd, vector, count, 0, error);
        });
  }
};

template <> struct stream_io<false> {
  template <class MutableBufferSequence>
  static std::size_t read_some(int fd, MutableBufferSequence const& buffers,
                               boost::system::error_code& ec) {
    return stream_ops::read_some(
        fd, buffers, ec, [fd](iovec* vector, std::size_t count, boost::system::error_code& error) {
          return pipe_ops::read(fd, vector, count, error);
        });
  }

  template <class ConstBufferSequence>
  static std::size_t write_some(int fd, ConstBufferSequence const& buffers,
                                boost::system::error_code& ec) {
    return stream_ops::write_some(
        fd, buffers, ec, [fd](iovec* vector, std::size_t count, boost::system::error_code& error) {
          return pipe_ops::write(fd, vector, count, error);
        });
  }
};

/// Reads what is there into `Buffers`.
template <class Io, class Buffers> struct read_action {
  explicit read_action(Buffers const& used) : buffers(used) {}

  bool perform(int fd, boost::system::error_code& ec) noexcept {
    bytes = Io::read_some(fd, buffers, ec);
    return !would_block(ec);
  }

  template <class Handler>
  void call(Handler& completion_handler, boost::system::error_code const& ec) {
    std::move(completion_handler)(ec, bytes);
  }

  Buffers buffers;
  std::size_t bytes = 0;
};

/// Writes what fits.
template <class Io, class Buffers> struct write_action {
  explicit write_action(Buffers const& used) : buffers(used) {}

  bool perform(int fd, boost::system::error_code& ec) noexcept {
    bytes = Io::write_some(fd, buffers, ec);
    return !would_block(ec);
  }

  template <class Handler>
  void call(Handler& completion_handler, boost::system::error_code const& ec) {
    std::move(completion_handler)(ec, bytes);
  }

  Buffers buffers;
  std::size_t bytes = 0;
};

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_STREAM_IO_HPP
