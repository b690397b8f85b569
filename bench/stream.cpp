//
// bench/stream.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The TCP echo of echo.cpp with the same code, async_read_some and async_write, over mioext's
// stream and over Boost.Asio's socket; each with any_io_executor, the default, and with the
// io_context's own executor. The hand-written server is there to compare with.
//

#include <string>

#include "echo/round.hpp"
#include "harness.hpp"
#include "stream/servers.hpp"

namespace {

bench::comparison compare(echo::load const& load) {
  bench::comparison all = echo::comparison_under(load);
  auto const add = [&](std::string const& name, echo::serve& server) {
    echo::add(all, name, server, load);
  };
  add("hand-written", echo::hand_written);
  add("mioext, any_io_executor", echo::mioext_any_executor);
  add("Asio, any_io_executor", echo::asio_any_executor);
  add("mioext, io_context", echo::mioext_context_executor);
  add("Asio, io_context", echo::asio_context_executor);
  all.require("mioext, any_io_executor", bench::at_least_as("Asio, any_io_executor"));
  all.require("mioext, io_context", bench::at_least_as("Asio, io_context"));
  return all;
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("stream", argc, argv);
  for (echo::load const& load : echo::loads(run.quick())) {
    run.compare(compare(load));
  }
  return run.finish();
}
