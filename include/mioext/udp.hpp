//
// mioext/udp.hpp
// --------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// UDP sockets.
//

#ifndef MIOEXT_UDP_HPP
#define MIOEXT_UDP_HPP

#include <mioext/detail/system.hpp>

#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/ip/unicast.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include <mioext/basic_datagram_socket.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// A UDP socket; endpoints are `boost::asio::ip::udp::endpoint`, for IPv4 and IPv6.
using udp_socket = basic_datagram_socket<boost::asio::ip::udp>;

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_UDP_HPP
