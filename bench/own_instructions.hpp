//
// bench/own_instructions.hpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// For a program that calls itself under valgrind and counts its own instructions, in user space. Unlike
// times, these counts do not depend on what else the machine does.
//

#ifndef BENCH_OWN_INSTRUCTIONS_HPP
#define BENCH_OWN_INSTRUCTIONS_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>

#include <sys/types.h>
#include <unistd.h>

namespace bench {

inline std::string own_path() {
  char path[4096];
  ::ssize_t const size = ::readlink("/proc/self/exe", path, sizeof path);
  if (size <= 0) {
    throw std::runtime_error("this program does not know where it is");
  }
  return std::string(path, static_cast<std::size_t>(size));
}

// Of this program with these arguments.
inline double own_instructions(std::string const& arguments) {
  std::string const command = "valgrind --tool=callgrind --callgrind-out-file=/dev/null '" +
                              own_path() + "' " + arguments + " 2>&1";
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

// Of one of many repetitions, whose number is the last argument: the difference between a longer and a
// shorter run, so that what does not repeat drops out.
inline double own_instructions_each(std::string const& arguments, std::uint64_t less,
                                    std::uint64_t more) {
  double const from = own_instructions(arguments + ' ' + std::to_string(less));
  double const to = own_instructions(arguments + ' ' + std::to_string(more));
  return (to - from) / static_cast<double>(more - less);
}

} // namespace bench

#endif // BENCH_OWN_INSTRUCTIONS_HPP
