//
// mioext/read_readiness.hpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Remembers whether a handle may have something to read.
//

#ifndef MIOEXT_READ_READINESS_HPP
#define MIOEXT_READ_READINESS_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/polling/selector.hpp>
#include <mioext/interest.hpp>
#include <mioext/read_hint.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// Whether a handle may have something to read: true from a report until a read has shown that
/// nothing is left. A handler with edge-triggered registrations keeps one for each handle.
///
/// In general only `would_block` shows that. A TCP socket shows it earlier: a read that did not fill
/// its buffers has taken everything, and what comes later is reported. That saves the read that could
/// only say `would_block`, which is one of two where messages are small. Three things break this rule,
/// and after a report of one of them only `would_block` counts: the end of the stream, an error, and
/// urgent data, in front of which a read stops. So that urgent data is reported, register the handle
/// with wanted(); otherwise what is behind it may be read only when something new arrives.
///
/// Unix sockets and pipes have seams, at which a read stops although there is more: descriptors that
/// were sent along, the packets of a pipe. With them, only `would_block` counts.
///
/// @par Thread safety
/// That of an int: distinct objects can be used by different threads at the same time, one object
/// cannot.
///
/// @par Example
/// @code
/// loop.register_handle(socket, id, mioext::read_readiness::wanted() | mioext::interest::writable);
/// mioext::read_readiness can_read(socket.local_endpoint().protocol()); // tcp::v4() or tcp::v6()
///
/// void readable(loop_type& loop, token id, mioext::read_hint hint) override {
///   can_read.report(hint);
///   while (can_read) {
///     std::size_t const size = can_read.read_some(socket, buffer(bytes), ec);
///     if (ec) { ... } // would_block has been noted
///   }
/// }
/// @endcode
///
/// @par Source
/// epoll(7), question 9; tokio's `PollEvented`, which clears its readiness after such a read, too.
class read_readiness {
public:
  /// What a handle has to be registered for, beside `writable` where that is wanted: `readable`, and
  /// `priority` where the selector knows it. (kqueue does not, so that there only `would_block`
  /// counts.)
  static constexpr interest wanted() noexcept {
    return interest::readable | (detail::selector::all_interests() & interest::priority);
  }

  /// Nothing has been reported. Only `would_block` will end the readiness: for any handle and any
  /// registration.
  read_readiness() noexcept = default;

  /// Nothing has been reported.
  /// @param protocol the protocol of a stream that is registered with wanted(): one of Asio's, such as
  /// tcp::v4(), or generic::stream_protocol. If it is TCP, a read that does not fill its buffers ends
  /// the readiness, too. Not for TCP sockets in which a protocol of the kernel's takes the data apart
  /// (TCP_ULP of Linux, such as TLS): a read of those stops at the end of a record.
  template <class Protocol>
  explicit read_readiness(Protocol const& protocol) noexcept
      : ends_when_short_(contains(wanted(), interest::priority) && is_tcp(protocol)) {}

  /// To be called by readable(), with its hint: from now on there may be something to read.
  void report(read_hint hint) noexcept {
    is_ready_ = true;
    ends_when_short_ = ends_when_short_ && hint == read_hint::data;
  }

  /// Whether there may be something to read.
  explicit operator bool() const noexcept { return is_ready_; }

  /// Reads what is there into `buffers`: `handle.read_some(buffers, ec)`. Notes whether something may
  /// be left. After the end or an error the readiness stays, so that the next read tells it again.
  /// @return how many bytes were read
  /// @param handle what was registered: mioext's or Asio's, or a type whose reads stop early only where
  /// the system's do
  /// @param ec that of `handle.read_some()`, such as `would_block`, or `eof` at the end
  template <class Handle, class MutableBufferSequence>
  std::size_t read_some(Handle& handle, MutableBufferSequence const& buffers,
                        boost::system::error_code& ec) {
    std::size_t const bytes = handle.read_some(buffers, ec);
    if (ec ? ec == boost::asio::error::would_block
           : ends_when_short_ && bytes < boost::asio::buffer_size(buffers) && uses_all(buffers)) {
      is_ready_ = false;
    }
    return bytes;
  }

private:
  /// A stream reads into 64 buffers at most, as Asio's do, so a read with more is short by itself.
  template <class MutableBufferSequence>
  static bool uses_all(MutableBufferSequence const& buffers) noexcept {
    std::size_t room = 65;
    auto const end = boost::asio::buffer_sequence_end(buffers);
    for (auto each = boost::asio::buffer_sequence_begin(buffers); each != end && room != 0;
         ++each) {
      --room;
    }
    return room != 0;
  }

  template <class Protocol> static bool is_tcp(Protocol const& protocol) noexcept {
    using tcp = boost::asio::ip::tcp;
    // Zero is what a generic protocol has that was made of an endpoint: the usual one of the family.
    return (protocol.family() == tcp::v4().family() || protocol.family() == tcp::v6().family()) &&
           protocol.type() == tcp::v4().type() &&
           (protocol.protocol() == tcp::v4().protocol() || protocol.protocol() == 0);
  }

  bool is_ready_ = false;
  bool ends_when_short_ = false;
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_READ_READINESS_HPP
