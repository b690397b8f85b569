//
// bench/echo/servers.hpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The servers that are compared: each sends back what it gets, and returns when its last client has
// gone.
//

#ifndef BENCH_ECHO_SERVERS_HPP
#define BENCH_ECHO_SERVERS_HPP

#include <cstddef>
#include <cstdint>

namespace echo {

/// What a server can read at once of a connection. It has room for every message of the load and
/// more, so that a read that leaves room has taken all there was.
constexpr std::size_t buffer_size = 32768;

/// Takes over `listener`, non-blocking and listening; serves until `clients` have come and gone.
/// @returns how many bytes were sent back.
using serve = std::uint64_t(int listener, std::size_t clients);

serve hand_written;
serve event_loop;
serve async_event_loop;
serve asio;
serve libuv;
serve libevent;
serve libev;

} // namespace echo

#endif // BENCH_ECHO_SERVERS_HPP
