//
// example/command_line.hpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How every example begins and ends: its usage, its errors and its status.
//

#ifndef EXAMPLE_COMMAND_LINE_HPP
#define EXAMPLE_COMMAND_LINE_HPP

#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

/// The program was called in a wrong way.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What main returns: what `program(arguments)` does; after a usage_error, which is told with the
/// usage, 2; after another exception, which is told, EXIT_FAILURE. With `--help` or `-h` for the
/// first argument the usage is printed and nothing else done.
///
/// @param usage what follows "usage: ", without a newline at its end.
template <class Program>
int run_program(int argc, char* argv[], std::string const& usage, Program program) {
  std::string const name = usage.substr(0, usage.find_first_of(" \n"));
  try {
    std::vector<std::string> const arguments(argv + 1, argv + argc);
    if (!arguments.empty() && (arguments[0] == "--help" || arguments[0] == "-h")) {
      std::cout << "usage: " << usage << std::endl;
      return EXIT_SUCCESS;
    }
    return program(arguments);
  } catch (usage_error const& error) {
    std::cerr << name << ": " << error.what() << "\nusage: " << usage << std::endl;
    return 2;
  } catch (std::exception const& error) {
    std::cerr << name << ": " << error.what() << std::endl;
    return EXIT_FAILURE;
  }
}

#endif // EXAMPLE_COMMAND_LINE_HPP
