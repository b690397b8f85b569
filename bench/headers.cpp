//
// bench/headers.cpp
// -----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What does a header cost those who include it? For a file with nothing else in it: the compiler's
// processor time, and how many lines it gets to see. The compiler is $CXX, or g++. One of the headers is
// there to show what mioext/poller.hpp cannot be without: errors are Boost.System's.
//

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "harness.hpp"

namespace {

// A directory that goes with what is in it.
class scratch {
public:
  scratch() {
    char name[] = "/tmp/mioext-headers-XXXXXX";
    if (!::mkdtemp(name)) {
      throw std::runtime_error("no directory for temporary files");
    }
    path_ = name;
  }

  scratch(scratch const&) = delete;
  scratch& operator=(scratch const&) = delete;

  ~scratch() {
    std::remove((path_ + "/includes.cpp").c_str());
    std::remove((path_ + "/output").c_str());
    ::rmdir(path_.c_str());
  }

  std::string const& path() const { return path_; }

private:
  std::string path_;
};

void compile(std::string const& header, std::string const& options, scratch const& in) {
  std::string const source = in.path() + "/includes.cpp";
  std::ofstream(source) << "#include <" << header << ">\n";
  char const* const compiler = std::getenv("CXX");
  // Both directories are the Jamfile's; the second one is empty where the compiler finds Boost itself.
  std::string const boost = BENCH_BOOST;
  std::string const command = std::string(compiler ? compiler : "g++") +
                              " -std=c++11 -pthread -DBOOST_ASIO_NO_DEPRECATED -I'" BENCH_INCLUDE
                              "' " +
                              (boost.empty() ? "" : "-isystem '" + boost + "' ") + options +
                              " -o '" + in.path() + "/output' '" + source + "'";
  if (std::system(command.c_str()) != 0) {
    throw std::runtime_error("does not compile: " + command);
  }
}

double seconds(std::string const& header) {
  scratch const temporary;
  compile(header, "-c", temporary);
  ::rusage used = {};
  ::getrusage(RUSAGE_CHILDREN, &used); // of this round alone, whose process this is
  return static_cast<double>(used.ru_utime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec) * 1e-6;
}

double lines(std::string const& header) {
  scratch const temporary;
  compile(header, "-E -P", temporary);
  std::ifstream file(temporary.path() + "/output");
  double count = 0;
  for (std::string line; std::getline(file, line);) {
    count += line.find_first_not_of(" \t") != std::string::npos;
  }
  return count;
}

void compare(bench::run& run, bench::comparison comparison,
             double (*measured)(std::string const&)) {
  for (char const* header : {"boost/asio.hpp", "boost/system/error_code.hpp", "mioext/poller.hpp",
                             "mioext/event_loop.hpp", "mioext.hpp", "uv.h"}) {
    comparison.add(header, [measured, header] { return measured(header); });
  }
  run.compare(comparison.require("mioext/poller.hpp", bench::at_most_ratio(0.20)));
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("headers", argc, argv);
  compare(run,
          bench::comparison("time to compile", "s of user time", bench::better::less).rounds(5),
          seconds);
  compare(
      run,
      bench::comparison("lines after the preprocessor", "lines", bench::better::less).exact(false),
      lines);
  return run.finish();
}
