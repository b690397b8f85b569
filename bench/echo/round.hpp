//
// bench/echo/round.hpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Measurements of servers under load.
//

#ifndef BENCH_ECHO_ROUND_HPP
#define BENCH_ECHO_ROUND_HPP

#include <string>
#include <vector>

#include "../harness.hpp"
#include "load.hpp"
#include "servers.hpp"

namespace echo {

/// All loads of a run: few and many connections, small and large messages.
std::vector<load> loads(bool is_quick);

/// A comparison of servers, still without them.
bench::comparison comparison_under(load const& wanted);

/// Adds one that runs on one core, under `wanted` from a process on another. Its rounds fail unless
/// every byte that was sent came back.
void add(bench::comparison& to, std::string const& name, serve& server, load const& wanted);

} // namespace echo

#endif // BENCH_ECHO_ROUND_HPP
