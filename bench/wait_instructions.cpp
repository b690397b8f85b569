//
// bench/wait_instructions.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many instructions, in the program, it costs to wait in an io_context for a descriptor that somebody
// else owns and that is ready: one with a small number, and one with a large number. (Each such wait may
// have to be looked for now and then, because its descriptor can be closed unheard; it must not cost a
// look at all numbers below.)
//
// The program calls itself under valgrind: wait_instructions wait NUMBER WAITS.
//

#include <cstdint>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>

#include "harness.hpp"
#include "own_instructions.hpp"

namespace {

using boost::system::error_code;

int wait_often(std::string const& number, std::string const& waits) {
  auto const ends = mioext::pipe();
  int const fd = ::fcntl(ends.second.native_handle(), F_DUPFD_CLOEXEC, std::stoi(number));
  if (fd < 0) {
    throw std::runtime_error("there is no such descriptor to be had");
  }
  boost::asio::io_context context(1);
  std::uint64_t const count = std::stoull(waits);
  std::uint64_t ready = 0;
  for (std::uint64_t begun = 0; begun != count; ++begun) {
    mioext::async_wait(context, fd, mioext::interest::writable,
                       [&ready](error_code const& ec) { ready += !ec; });
    context.run();
    context.restart();
  }
  ::close(fd);
  if (ready != count) {
    throw std::runtime_error("a wait for what is ready did not end");
  }
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "wait") {
    return wait_often(argv[2], argv[3]);
  }
  bench::run run("wait_instructions", argc, argv);
  bench::comparison all("waits for a descriptor that is ready", "instructions/wait",
                        bench::better::less);
  for (std::string const number : {"20", "900"}) {
    all.add("descriptor " + number,
            [=] { return bench::own_instructions_each("wait " + number, 2000, 6000); });
  }
  all.require("descriptor 900", bench::at_most_ratio(1.05));
  run.compare(all.exact());
  return run.finish();
}
