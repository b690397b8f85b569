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

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/descriptor_operation.hpp>
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

/// The system calls for sockets, and those for any descriptor.
struct socket_calls {
  static std::size_t receive(int fd, iovec* buffers, std::size_t count,
                             boost::system::error_code& ec) noexcept {
    return socket_ops::receive(fd, buffers, count, 0, ec);
  }

  static std::size_t send(int fd, iovec* buffers, std::size_t count,
                          boost::system::error_code& ec) noexcept {
    return socket_ops::send(fd, buffers, count, 0, ec);
  }
};

struct file_calls {
  static std::size_t receive(int fd, iovec* buffers, std::size_t count,
                             boost::system::error_code& ec) noexcept {
    return pipe_ops::read(fd, buffers, count, ec);
  }

  static std::size_t send(int fd, iovec* buffers, std::size_t count,
                          boost::system::error_code& ec) noexcept {
    return pipe_ops::write(fd, buffers, count, ec);
  }
};

/// True for handles whose read leaves nothing behind if it fills less than the buffers (epoll(7),
/// question 9), except at the end, after an error and around urgent data: TCP's. What comes through a
/// Unix socket or a pipe may have seams, at which a read stops: descriptors that were sent along, a
/// pipe in packet mode.
template <class Handle> struct reads_all_there_is {
  template <class H>
  static std::is_same<typename H::protocol_type, boost::asio::ip::tcp>
  test(typename H::protocol_type const*);
  template <class> static std::false_type test(...);

  static constexpr bool value = decltype(test<Handle>(nullptr))::value;
};

/// By the descriptor's number, because a stream can be moved while an operation is pending.
template <class Handle> struct stream_io {
  using calls =
      typename std::conditional<is_socket_handle<Handle>::value, socket_calls, file_calls>::type;

  template <class MutableBufferSequence>
  static std::size_t read_some(int fd, MutableBufferSequence const& buffers,
                               boost::system::error_code& ec) {
    bool is_short;
    return read_some(fd, buffers, ec, is_short);
  }

  /// @param is_short whether it filled less than the buffers.
  template <class MutableBufferSequence>
  static std::size_t read_some(int fd, MutableBufferSequence const& buffers,
                               boost::system::error_code& ec, bool& is_short) {
    is_short = false;
    return stream_ops::read_some(
        fd, buffers, ec,
        [fd, &is_short](iovec* vector, std::size_t count, boost::system::error_code& error) {
          std::size_t const bytes = calls::receive(fd, vector, count, error);
          is_short = count == 1 && bytes < vector->iov_len;
          return bytes;
        });
  }

  template <class ConstBufferSequence>
  static std::size_t write_some(int fd, ConstBufferSequence const& buffers,
                                boost::system::error_code& ec) {
    return stream_ops::write_some(
        fd, buffers, ec, [fd](iovec* vector, std::size_t count, boost::system::error_code& error) {
          return calls::send(fd, vector, count, error);
        });
  }

  static attempt outcome(boost::system::error_code const& ec, bool is_short) noexcept {
    if (would_block(ec)) {
      return attempt::must_wait;
    }
    return reads_all_there_is<Handle>::value && is_short && !ec ? attempt::done_and_drained
                                                                : attempt::done;
  }
};

/// Reads what is there into `Buffers`.
template <class Io, class Buffers> struct read_action {
  explicit read_action(Buffers const& used) : buffers(used) {}

  bool may_wait() const noexcept { return boost::asio::buffer_size(buffers) != 0; }

  attempt perform(int fd, boost::system::error_code& ec) noexcept {
    bool is_short;
    bytes = Io::read_some(fd, buffers, ec, is_short);
    return Io::outcome(ec, is_short);
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

  bool may_wait() const noexcept { return boost::asio::buffer_size(buffers) != 0; }

  attempt perform(int fd, boost::system::error_code& ec) noexcept {
    bytes = Io::write_some(fd, buffers, ec);
    return Io::outcome(ec, false);
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
