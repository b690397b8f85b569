//
// mioext/detail/async/teardown_op.hpp
// -----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Ends a connection that both sides have agreed to end, such as the one below a WebSocket.
//

#ifndef MIOEXT_DETAIL_ASYNC_TEARDOWN_OP_HPP
#define MIOEXT_DETAIL_ASYNC_TEARDOWN_OP_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>
#include <boost/type_traits/is_detected.hpp>

#include <mioext/detail/async/cancellation.hpp>
#include <mioext/detail/async/stream_io.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

template <class Stream>
using shutdown_result = decltype(std::declval<Stream&>().shutdown(
    boost::asio::socket_base::shutdown_send, std::declval<boost::system::error_code&>()));

/// True for a stream that can end sending and go on receiving, as a socket can.
template <class Stream>
using can_shut_down =
    std::integral_constant<bool, boost::is_detected<shutdown_result, Stream>::value>;

/// Ends a connection after its two sides have agreed to end it. The server shuts down sending
/// first, and the client does so after it has read the server's end. So the server is the side that
/// stays in TIME_WAIT, as RFC 6455, section 7.1.1, requires. Everything is read, because the system
/// sends a reset if something is left unread.
template <class Stream> class teardown_steps {
public:
  teardown_steps(Stream& stream, bool is_server) noexcept
      : stream_(stream), is_server_(is_server) {}

  Stream& stream() const noexcept { return stream_; }

  /// The first step. True if the peer's end is to be read then.
  bool begin(boost::system::error_code& ec) { return begin(ec, can_shut_down<Stream>()); }

  /// Reads a part of what the peer has still sent. True if there may be more.
  bool read_rest(boost::system::error_code& ec) {
    char rest[2048];
    stream_.read_some(boost::asio::buffer(rest), ec);
    return !ec;
  }

  /// The last step, after reading has ended with `ec`. Sets `ec` to the outcome of the whole
  /// teardown.
  void end(boost::system::error_code& ec) { end(ec, can_shut_down<Stream>()); }

private:
  bool begin(boost::system::error_code& ec, std::true_type) {
    ec.clear();
    if (is_server_) {
      stream_.shutdown(boost::asio::socket_base::shutdown_send, ec);
    }
    return !ec;
  }

  /// Such a stream can tell the peer only by closing; otherwise both sides would wait for each
  /// other.
  bool begin(boost::system::error_code& ec, std::false_type) {
    stream_.close(ec);
    return false;
  }

  void end(boost::system::error_code& ec, std::true_type) {
    if (ec != boost::asio::error::eof) {
      return;
    }
    ec.clear();
    if (!is_server_) {
      stream_.shutdown(boost::asio::socket_base::shutdown_send, ec);
    }
    if (!ec) {
      stream_.close(ec);
    }
  }

  void end(boost::system::error_code&, std::false_type) {}

  Stream& stream_;
  bool is_server_;
};

/// The steps after the first one, waiting in between.
template <class Stream> class teardown_op {
public:
  explicit teardown_op(teardown_steps<Stream> const& steps) noexcept : steps_(steps) {}

  template <class Self> void operator()(Self& self) {
    enable_cancellation<total_cancellation>(self);
    wait(self);
  }

  template <class Self> void operator()(Self& self, boost::system::error_code ec) {
    if (!ec && read_without_waiting(ec)) {
      wait(self); // One piece at a time, so that others have their turn and it can be cancelled.
      return;
    }
    steps_.end(ec);
    self.complete(ec);
  }

private:
  template <class Self> void wait(Self& self) {
    Stream& stream = steps_.stream();
    stream.async_wait(interest::readable, std::move(self));
  }

  /// True if there may be more.
  bool read_without_waiting(boost::system::error_code& ec) {
    Stream& stream = steps_.stream();
    bool const mode = stream.non_blocking();
    stream.non_blocking(true);
    bool const is_there_more = steps_.read_rest(ec);
    stream.non_blocking(mode);
    return is_there_more || would_block(ec);
  }

  teardown_steps<Stream> steps_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_TEARDOWN_OP_HPP
