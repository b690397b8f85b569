//
// bench/echo/load.hpp
// -------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The load of the echo benchmarks: on every connection one message goes there and back, over and
// over.
//

#ifndef BENCH_ECHO_LOAD_HPP
#define BENCH_ECHO_LOAD_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

namespace echo {

struct load {
  std::size_t connections;
  std::size_t message_size;
  double seconds; // measured, after as many round trips to warm up as fit in a fifth of that
  std::uint64_t round_trips = 0; // if not 0: it ends after so many, however long they take
};

/// Puts `wanted` on the server that listens on `port`.
/// @returns round trips per second; their median, 99th and 99.9th percentile in microseconds; how
/// many there were, and how many bytes came back, warm-up included.
std::vector<double> put_load(std::uint16_t port, load const& wanted);

} // namespace echo

#endif // BENCH_ECHO_LOAD_HPP
