//
// bench/echo/round.cpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Measurements of servers under load.
//

#include "round.hpp"

#include <cstdint>

#include <unistd.h>

#include "../system.hpp"

namespace {

std::vector<double> round(echo::serve& server, echo::load const& wanted) {
  bench::check(bench::allow_descriptors(wanted.connections + 64), "too few descriptors");
  int const listener = bench::listen_on_loopback();
  std::uint16_t const port = bench::port_of(listener);
  bench::helper_process client(20, [&] {
    ::close(listener);
    bench::pin_to_core(1);
    return echo::put_load(port, wanted);
  });
  bench::pin_to_core(0);
  double const begin = bench::cpu_seconds();
  std::uint64_t const bytes = server(listener, wanted.connections);
  double const spent = bench::cpu_seconds() - begin;

  std::vector<double> numbers = client.numbers();
  bench::check(numbers.size() == 6, "the client has not told all");
  double const round_trips = numbers[4];
  double const expected = round_trips * static_cast<double>(wanted.message_size);
  bench::check(numbers[5] == expected, "the client has not got back what it sent");
  bench::check(static_cast<double>(bytes) == expected, "the server has not sent back all it got");
  numbers.resize(4);
  numbers.push_back(1e6 * spent / round_trips);
  return numbers;
}

} // namespace

std::vector<echo::load> echo::loads(bool is_quick) {
  double const seconds = is_quick ? 0.05 : 0.2;
  return {{1, 64, seconds},    {50, 64, seconds},    {500, 64, seconds},
          {1, 16384, seconds}, {50, 16384, seconds}, {500, 16384, seconds}};
}

bench::comparison echo::comparison_under(load const& wanted) {
  return bench::comparison(
      std::to_string(wanted.message_size) + " B, " + std::to_string(wanted.connections) +
          (wanted.connections == 1 ? " connection" : " connections"),
      "round trips/s", bench::better::more, {"p50 us", "p99 us", "p99.9 us", "server CPU us"});
}

void echo::add(bench::comparison& to, std::string const& name, serve& server, load const& wanted) {
  to.add(name, [&server, wanted] { return round(server, wanted); });
}
