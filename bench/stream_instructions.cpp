//
// bench/stream_instructions.cpp
// -----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many instructions, in the program, one round trip through streams costs: 64 bytes that go
// from one end of a TCP connection to the other and back, with async_read_some and async_write at both
// ends.
//
// The program calls itself under valgrind: stream_instructions bounce KIND PAIRS ROUND_TRIPS.
//

#include <cstddef>
#include <string>
#include <vector>

#include "harness.hpp"
#include "own_instructions.hpp"
#include "stream/bounce.hpp"

namespace {

struct kind {
  std::string name;
  stream::bounces* work;
};

std::vector<kind> const& kinds() {
  static std::vector<kind> const all = {
      {"Asio, any_io_executor", stream::asio_any_executor},
      {"mioext, any_io_executor", stream::mioext_any_executor},
      {"Asio, io_context", stream::asio_context_executor},
      {"mioext, io_context", stream::mioext_context_executor},
  };
  return all;
}

int bounce(std::string const& index, std::string const& pairs, std::string const& round_trips) {
  kinds().at(std::stoul(index)).work(std::stoul(pairs), std::stoul(round_trips));
  return 0;
}

double instructions_per_round_trip(std::size_t index, std::size_t pairs) {
  return bench::own_instructions_each(
      "bounce " + std::to_string(index) + ' ' + std::to_string(pairs), 2000, 6000);
}

bench::comparison compare(std::size_t pairs) {
  bench::comparison all(pairs == 1 ? "1 connection" : std::to_string(pairs) + " connections",
                        "instructions/round trip", bench::better::less);
  for (std::size_t index = 0; index != kinds().size(); ++index) {
    all.add(kinds()[index].name, [=] { return instructions_per_round_trip(index, pairs); });
  }
  all.require("mioext, any_io_executor", bench::ahead_of("Asio, any_io_executor"));
  all.require("mioext, io_context", bench::ahead_of("Asio, io_context"));
  // One connection alone shares a turn of the context's reactor with nobody: a known loss.
  all.exact(pairs != 1);
  return all;
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::string(argv[1]) == "bounce") {
    return bounce(argv[2], argv[3], argv[4]);
  }
  bench::run run("stream_instructions", argc, argv);
  run.compare(compare(1));
  run.compare(compare(100));
  run.note(
      "With one connection every message takes a turn of the context's reactor, which waits for "
      "mioext's selector, and then one of the selector: by design that is more than one.");
  return run.finish();
}
