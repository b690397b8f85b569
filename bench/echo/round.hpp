//
// bench/echo/round.hpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// One measurement of a server under load.
//

#ifndef BENCH_ECHO_ROUND_HPP
#define BENCH_ECHO_ROUND_HPP

#include <string>
#include <vector>

#include "load.hpp"
#include "servers.hpp"

namespace echo {

/// What the numbers of a round are that follow the round trips per second.
std::vector<std::string> further_columns();

/// Runs `server` on one core, under `wanted` from a process on another.
/// @throws unless every byte that was sent came back.
std::vector<double> round(serve& server, load const& wanted);

} // namespace echo

#endif // BENCH_ECHO_ROUND_HPP
