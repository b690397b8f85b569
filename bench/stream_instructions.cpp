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
// ends. Counted by callgrind, as the difference between a longer and a shorter run, so that what
// does not repeat drops out. Unlike times, these counts do not depend on what else the machine
// does.
//
// The program calls itself under valgrind: stream_instructions bounce KIND PAIRS ROUND_TRIPS.
//

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "harness.hpp"
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

std::string own_path() {
  char path[4096];
  ::ssize_t const size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) {
    throw std::runtime_error("this program does not know where it is");
  }
  return std::string(path, static_cast<std::size_t>(size));
}

double instructions(std::size_t index, std::size_t pairs, std::uint64_t round_trips) {
  std::string const command = "valgrind --tool=callgrind --callgrind-out-file=/dev/null '" +
                              own_path() + "' bounce " + std::to_string(index) + ' ' +
                              std::to_string(pairs) + ' ' + std::to_string(round_trips) + " 2>&1";
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  std::string last_line = "no output";
  char line[4096];
  while (output && std::fgets(line, sizeof line, output.get())) {
    last_line = line;
    std::size_t const at = last_line.find("Collected : ");
    if (at != std::string::npos) {
      return std::stod(last_line.substr(at + 12));
    }
  }
  throw std::runtime_error("valgrind has counted nothing: " + last_line);
}

double instructions_per_round_trip(std::size_t index, std::size_t pairs) {
  constexpr std::uint64_t less = 2000;
  constexpr std::uint64_t more = 6000;
  double const from = instructions(index, pairs, less);
  return (instructions(index, pairs, more) - from) / static_cast<double>(more - less);
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
