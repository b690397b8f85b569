//
// bench/closing_instructions.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many instructions, in the program, it costs to close handles beside contexts that watch others: a
// pipe that is made and closed, which no context ever sees; and one over which a stream waits before
// it is closed, in the first of the contexts. Each context waits for a descriptor of its own meanwhile.
//
// What cannot be counted so is what threads share. A close reads three words, which are written when a
// number is used for the first time; it takes a lock only if somebody watches that number, and that
// lock is the number's own, in cache lines of its own (detail/closing_listeners.hpp).
//
// The program calls itself under valgrind: closing_instructions unseen|waited CONTEXTS PIPES.
//

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/stream.hpp>

#include "harness.hpp"
#include "own_instructions.hpp"

namespace {

using boost::asio::io_context;
using boost::system::error_code;

/// One that watches a pipe to which nobody writes.
struct waiting_context {
  waiting_context() : context(1), ends(mioext::pipe()) {
    mioext::async_wait(context, ends.first, mioext::interest::readable, [](error_code const&) {});
    context.poll();
  }

  io_context context;
  std::pair<mioext::pipe_reader, mioext::pipe_writer> ends;
};

void close_unseen(std::uint64_t pipes) {
  for (std::uint64_t count = 0; count != pipes; ++count) {
    auto const ends = mioext::pipe();
  }
}

void close_waited(io_context& context, std::uint64_t pipes) {
  std::uint64_t aborted = 0;
  char byte = 0;
  for (std::uint64_t count = 0; count != pipes; ++count) {
    auto ends = mioext::pipe();
    mioext::stream<mioext::pipe_reader, io_context::executor_type> stream(context,
                                                                          std::move(ends.first));
    stream.async_read_some(boost::asio::buffer(&byte, 1),
                           [&aborted](error_code const& ec, std::size_t) { aborted += !!ec; });
    stream.close();
    context.poll();
  }
  if (aborted != pipes) {
    throw std::runtime_error("a read was not told that its stream was closed");
  }
}

int close_pipes(std::string const& kind, std::string const& contexts, std::string const& pipes) {
  std::vector<std::unique_ptr<waiting_context>> all(std::stoul(contexts));
  for (auto& each : all) {
    each.reset(new waiting_context);
  }
  if (kind == "unseen") {
    close_unseen(std::stoull(pipes));
  } else {
    close_waited(all.at(0)->context, std::stoull(pipes));
  }
  return 0;
}

bench::comparison compare(std::string const& setting, std::string const& kind,
                          std::vector<std::string> const& counts) {
  bench::comparison all(setting, "instructions/pipe", bench::better::less);
  for (std::string const& count : counts) {
    std::string const name = count + (count == "1" ? " context" : " contexts");
    all.add(name, [=] {
      return bench::own_instructions_each("close " + kind + ' ' + count, 2000, 6000);
    });
    if (count != counts.front()) {
      all.require(name, bench::at_most_ratio(1.01));
    }
  }
  return all.exact();
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::string(argv[1]) == "close") {
    return close_pipes(argv[2], argv[3], argv[4]);
  }
  bench::run run("closing_instructions", argc, argv);
  bench::allow_descriptors(1000);
  run.compare(compare("pipes that no context sees", "unseen", {"1", "0", "64"}));
  run.compare(compare("pipes that a stream waits for", "waited", {"1", "64"}));
  return run.finish();
}
