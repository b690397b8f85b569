//
// mioext/tcp.hpp
// --------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// TCP sockets and acceptors.
//

#ifndef MIOEXT_TCP_HPP
#define MIOEXT_TCP_HPP

#include <mioext/detail/system.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/unicast.hpp> // options
#include <boost/asio/ip/v6_only.hpp>

#include <mioext/basic_socket_acceptor.hpp>
#include <mioext/basic_stream_socket.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// A TCP socket; endpoints are `boost::asio::ip::tcp::endpoint`, for IPv4 and IPv6.
using tcp_socket = basic_stream_socket<boost::asio::ip::tcp>;

/// Accepts TCP connections.
using tcp_acceptor = basic_socket_acceptor<boost::asio::ip::tcp>;

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_TCP_HPP
