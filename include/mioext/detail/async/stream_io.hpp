//
// mioext/detail/async/stream_io.hpp
// ---------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Reading and writing on a descriptor, for streams: with the system calls for sockets where the
// handle is one, else with those for any descriptor.
//

#ifndef MIOEXT_DETAIL_ASYNC_STREAM_IO_HPP
#define MIOEXT_DETAIL_ASYNC_STREAM_IO_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <cstddef>
#include <type_traits>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/descriptor_base.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/config.hpp>
#include <boost/system/error_code.hpp>
#include <boost/type_traits/is_detected.hpp>
#include <boost/type_traits/is_detected_exact.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/handles/pipe_ops.hpp>
#include <mioext/detail/handles/sigpipe_guard.hpp>
#include <mioext/detail/handles/socket_ops.hpp>
#include <mioext/detail/handles/stream_ops.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

template <class Handle> using protocol_of = typename Handle::protocol_type;

/// True for handles that know their protocol, as mioext's and Asio's sockets do.
template <class Handle> using is_socket_handle = boost::is_detected<protocol_of, Handle>;

template <class Handle> using protocols_socket = typename Handle::protocol_type::socket;
template <class Handle>
using read_some_result = decltype(std::declval<protocols_socket<Handle>&>().read_some(
    std::declval<boost::asio::mutable_buffer const&>()));

/// True for sockets that keep messages apart. No stream can be made of them, because it would lose
/// what a read leaves. The protocol's own type of socket has no read_some() then.
template <class Handle>
using keeps_messages_apart =
    std::integral_constant<bool, boost::is_detected<protocols_socket, Handle>::value &&
                                     !boost::is_detected<read_some_result, Handle>::value>;

/// Has no type for handles that are no sockets: a pipe, for example, takes no flags. (The compiler
/// shows this name in its message.)
template <class Handle, bool IsSocket = is_socket_handle<Handle>::value>
struct only_sockets_have_this {};

template <class Handle> struct only_sockets_have_this<Handle, true> { using type = int; };

template <class Handle> using only_for_sockets = typename only_sockets_have_this<Handle>::type;

/// What is waited for, in mioext's words or in Asio's.
struct awaited {
  awaited(mioext::interest named) noexcept : wanted(named) {}
  awaited(boost::asio::socket_base::wait_type named) noexcept
      : wanted(named == boost::asio::socket_base::wait_read    ? mioext::interest::readable
               : named == boost::asio::socket_base::wait_write ? mioext::interest::writable
                                                               : mioext::interest::priority) {}
  awaited(boost::asio::posix::descriptor_base::wait_type named) noexcept
      : wanted(named == boost::asio::posix::descriptor_base::wait_read ? mioext::interest::readable
               : named == boost::asio::posix::descriptor_base::wait_write
                   ? mioext::interest::writable
                   : mioext::interest::priority) {}

  /// The events for poll(2) that correspond to what the selector reports; zero for interests that
  /// could never be reported.
  short events() const noexcept {
    return static_cast<short>(
        (contains(wanted, mioext::interest::readable) ? POLLIN : 0) |
        (contains(wanted, mioext::interest::writable) ? POLLOUT : 0) |
        (contains(wanted, mioext::interest::priority) ? priority_events() : 0));
  }

  mioext::interest wanted;

private:
  /// These include the end of what the peer writes, as a registration for priority does.
  static int priority_events() noexcept {
#ifdef POLLRDHUP
    return POLLPRI | POLLRDHUP;
#else
    return POLLPRI;
#endif
  }
};

/// True for the system's two errors for "not now", which may be the same one. (This is asked for
/// each transfer, and comparing with Asio's enumerators would make an error_code of each first.)
inline bool would_block(boost::system::error_code const& ec) noexcept {
  return (ec.value() == EAGAIN || ec.value() == EWOULDBLOCK) &&
         ec.category() == boost::system::system_category();
}

/// True for what Asio takes for a sequence of one buffer.
template <class Buffers>
using is_one_buffer = std::is_convertible<Buffers, boost::asio::const_buffer>;

/// The system calls for sockets, and those for any descriptor. The ones with `_one` take a single
/// buffer, and set errno.
struct socket_calls {
  static ssize_t receive_one(int fd, void* data, std::size_t size) noexcept {
    return ::recv(fd, data, size, 0);
  }

  static ssize_t send_one(int fd, void const* data, std::size_t size) noexcept {
    return ::send(fd, data, size, socket_ops::no_sigpipe);
  }

  static std::size_t receive(int fd, iovec* buffers, std::size_t count,
                             boost::system::error_code& ec) noexcept {
    return socket_ops::receive(fd, buffers, count, 0, ec);
  }

  static std::size_t send(int fd, iovec* buffers, std::size_t count,
                          boost::system::error_code& ec) noexcept {
    return socket_ops::send(fd, buffers, count, 0, ec);
  }
};

struct descriptor_calls {
  static ssize_t receive_one(int fd, void* data, std::size_t size) noexcept {
    return ::read(fd, data, size);
  }

  static ssize_t send_one(int fd, void const* data, std::size_t size) noexcept {
    sigpipe_guard guard;
    ssize_t const bytes = ::write(fd, data, size);
    if (bytes < 0 && errno == EPIPE) {
      guard.consume();
      errno = EPIPE;
    }
    return bytes;
  }

  static std::size_t receive(int fd, iovec* buffers, std::size_t count,
                             boost::system::error_code& ec) noexcept {
    return pipe_ops::read(fd, buffers, count, ec);
  }

  static std::size_t send(int fd, iovec* buffers, std::size_t count,
                          boost::system::error_code& ec) noexcept {
    return pipe_ops::write(fd, buffers, count, ec);
  }
};

/// True for handles on which a read that fills less than the buffers leaves nothing to read
/// (epoll(7), question 9), except at the end, after an error and around urgent data: TCP sockets.
/// With a Unix socket or a pipe, a read may stop before the end of the data: at descriptors that
/// were sent along, or at the end of a packet of a pipe in packet mode.
template <class Handle>
using reads_all_there_is = boost::is_detected_exact<boost::asio::ip::tcp, protocol_of, Handle>;

/// How a descriptor of a `Handle` is read and written. The functions take its number, because a
/// stream can be moved while an operation is pending.
template <class Handle> struct stream_io {
  using calls = typename std::conditional<is_socket_handle<Handle>::value, socket_calls,
                                          descriptor_calls>::type;

  static constexpr bool is_of_tcp = reads_all_there_is<Handle>::value;

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

  /// With flags, for sockets only.
  template <class MutableBufferSequence>
  static std::size_t receive(int fd, MutableBufferSequence const& buffers, int flags,
                             boost::system::error_code& ec) {
    return stream_ops::read_some(
        fd, buffers, ec,
        [fd, flags](iovec* vector, std::size_t count, boost::system::error_code& error) {
          return socket_ops::receive(fd, vector, count, flags, error);
        });
  }

  template <class ConstBufferSequence>
  static std::size_t send(int fd, ConstBufferSequence const& buffers, int flags,
                          boost::system::error_code& ec) {
    return stream_ops::write_some(
        fd, buffers, ec,
        [fd, flags](iovec* vector, std::size_t count, boost::system::error_code& error) {
          return socket_ops::send(fd, vector, count, flags, error);
        });
  }

  static io_status outcome(boost::system::error_code const& ec, bool is_short) noexcept {
    return would_block(ec) ? io_status::must_wait : outcome(is_short && !ec);
  }

  // --- Attempts of an operation ------------------------------------------------------------------

  /// Reads what is there. `ec` is success before, and is only changed by an error other than the
  /// two for "not now", for which the result of this function stands.
  template <class Buffers>
  MIOEXT_DETAIL_FORCEINLINE static io_status try_read(int fd, Buffers const& buffers,
                                                      std::size_t& bytes,
                                                      boost::system::error_code& ec) noexcept {
    return try_read(fd, buffers, bytes, ec, is_one_buffer<Buffers>());
  }

  /// Writes what fits.
  template <class Buffers>
  MIOEXT_DETAIL_FORCEINLINE static io_status try_write(int fd, Buffers const& buffers,
                                                       std::size_t& bytes,
                                                       boost::system::error_code& ec) noexcept {
    return try_write(fd, buffers, bytes, ec, is_one_buffer<Buffers>());
  }

private:
  static io_status outcome(bool is_drained) noexcept {
    return reads_all_there_is<Handle>::value && is_drained ? io_status::done_and_drained
                                                           : io_status::done;
  }

  static bool is_not_now(int error) noexcept {
#if EAGAIN == EWOULDBLOCK
    return error == EAGAIN;
#else
    return error == EAGAIN || error == EWOULDBLOCK;
#endif
  }

  /// With an errno value, or at the end of what can be read.
  BOOST_NOINLINE static io_status ended(int error, boost::system::error_code& ec) noexcept {
    ec = error == 0 ? boost::asio::error::make_error_code(boost::asio::error::eof)
                    : system_error_code(error);
    return io_status::done;
  }

  // With retry_interrupted() in these two a round trip takes 6 % more instructions.

  template <class Buffers>
  MIOEXT_DETAIL_FORCEINLINE static io_status
  try_read(int fd, Buffers const& buffers, std::size_t& bytes, boost::system::error_code& ec,
           std::true_type) noexcept {
    stream_ops::check_buffers<Buffers>();
    boost::asio::mutable_buffer const room(buffers);
    if (room.size() == 0) {
      bytes = stream_ops::transfer_nothing(fd, ec);
      return io_status::done;
    }
    for (;;) {
      ssize_t const count = calls::receive_one(fd, room.data(), room.size());
      if (count > 0) {
        bytes = static_cast<std::size_t>(count);
        return outcome(bytes < room.size());
      }
      int const error = count == 0 ? 0 : errno;
      if (error != EINTR) {
        return is_not_now(error) ? io_status::must_wait : ended(error, ec);
      }
    }
  }

  template <class Buffers>
  static io_status try_read(int fd, Buffers const& buffers, std::size_t& bytes,
                            boost::system::error_code& ec, std::false_type) noexcept {
    bool is_short;
    bytes = read_some(fd, buffers, ec, is_short);
    return outcome(ec, is_short);
  }

  template <class Buffers>
  MIOEXT_DETAIL_FORCEINLINE static io_status
  try_write(int fd, Buffers const& buffers, std::size_t& bytes, boost::system::error_code& ec,
            std::true_type) noexcept {
    stream_ops::check_buffers<Buffers>();
    boost::asio::const_buffer const data(buffers);
    if (data.size() == 0) {
      bytes = stream_ops::transfer_nothing(fd, ec);
      return io_status::done;
    }
    for (;;) {
      ssize_t const count = calls::send_one(fd, data.data(), data.size());
      if (count >= 0) {
        bytes = static_cast<std::size_t>(count);
        return io_status::done;
      }
      int const error = errno;
      if (error != EINTR) {
        return is_not_now(error) ? io_status::must_wait : ended(error, ec);
      }
    }
  }

  template <class Buffers>
  static io_status try_write(int fd, Buffers const& buffers, std::size_t& bytes,
                             boost::system::error_code& ec, std::false_type) noexcept {
    bytes = write_some(fd, buffers, ec);
    return outcome(ec, false);
  }
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_STREAM_IO_HPP
