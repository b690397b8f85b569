//
// bench/churn/contenders.hpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Who connects and who accepts in the connect churn: the client connects, writes a byte and waits
// for the end; the server accepts, reads the byte and closes; then the client closes, too.
//
// Over TCP each client closes with SO_LINGER 0, so that no port stays behind in TIME_WAIT: there
// would soon be none left.
//

#ifndef BENCH_CHURN_CONTENDERS_HPP
#define BENCH_CHURN_CONTENDERS_HPP

#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

namespace churn {

enum class transport { tcp, local };

struct work {
  transport over;
  std::uint16_t port; // for tcp
  std::string path;   // for local
  std::size_t connections;
};

/// How many connections a client has under way: fewer than the listener's backlog takes.
constexpr std::size_t at_a_time = 16;

/// Takes over `listener`, non-blocking and listening.
/// @returns how many bytes came.
using accepting = std::size_t(int listener, work const& wanted);

/// @returns how many connections the server closed.
using connecting = std::size_t(work const& wanted);

accepting serve_hand_written;
accepting serve_event_loop;
accepting serve_mioext_async;
accepting serve_selector_context;
accepting serve_asio;
accepting serve_libuv;

connecting connect_hand_written;
connecting connect_event_loop;
connecting connect_mioext_async;
connecting connect_selector_context;
connecting connect_asio;
connecting connect_libuv;

/// Where the server is, for those who use Asio's protocols.
template <class Protocol> typename Protocol::endpoint endpoint_of(work const& wanted);

template <>
inline boost::asio::ip::tcp::endpoint endpoint_of<boost::asio::ip::tcp>(work const& wanted) {
  return {boost::asio::ip::address_v4::loopback(), wanted.port};
}

template <>
inline boost::asio::local::stream_protocol::endpoint
endpoint_of<boost::asio::local::stream_protocol>(work const& wanted) {
  return {wanted.path};
}

/// What is to happen when a client's socket is closed.
template <class Socket> void set_ending(Socket& socket, boost::asio::ip::tcp) {
  socket.set_option(boost::asio::socket_base::linger(true, 0));
}

template <class Socket> void set_ending(Socket&, boost::asio::local::stream_protocol) {}

} // namespace churn

#endif // BENCH_CHURN_CONTENDERS_HPP
