//
// bench/dispatch.cpp
// ------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What does it cost to be told that a descriptor is ready? The chain of chain.hpp with a few or all of
// many descriptors active: in each event one byte is read and one written, which is the same for all. And the same by waiting anew
// after each event, with Asio in an io_context and with mioext in either context.
//

#include <cstddef>
#include <functional>
#include <string>

#include "chain.hpp"
#include "harness.hpp"

namespace {

std::function<double()> with(chain_work const& work, double (*contender)(chain_work const&)) {
  return [work, contender] {
    bench::pin_to_core(1); // moving to another one would cost more than what is looked for
    return contender(work);
  };
}

chain_work work_with(bench::run const& run, std::size_t pairs, std::size_t active) {
  chain_work work = {};
  work.pairs = pairs;
  work.active = active;
  work.events = run.quick() ? 20000 : 60000;
  work.warm_up = 2 * pairs; // each descriptor has had its turn, and each buffer its size
  return work;
}

void compare(bench::run& run, std::size_t pairs, std::size_t active) {
  chain_work const work = work_with(run, pairs, active);
  std::string const setting =
      std::to_string(active) + " of " + std::to_string(pairs) + " descriptors active";
  bench::comparison comparison(setting, "ns of processor time an event", bench::better::less);
  comparison.rounds(9)
      .add("hand-written", with(work, run_hand_written))
      .add("mioext poller", with(work, run_poller))
      .add("mioext event_loop", with(work, run_event_loop))
      .add("mioext async_event_loop", with(work, run_async_event_loop))
      .add("mioext selector_context loop", with(work, run_selector_context_loop))
      .add("Asio async_wait", with(work, run_asio_wait))
      .add("libuv", with(work, run_libuv))
      .add("libevent", with(work, run_libevent))
      .add("libev", with(work, run_libev))
      .require("mioext poller", bench::at_most_ratio(1.02))
      .require("mioext event_loop", bench::at_most_ratio(1.05));
  // With one active, a turn of the context has one event to share its cost.
  if (active == 100) {
    comparison.require("mioext async_event_loop", bench::at_most_ratio(1.10));
  }
  for (char const* own : {"mioext poller", "mioext event_loop", "mioext async_event_loop",
                          "mioext selector_context loop"}) {
    comparison.require(own, bench::ahead_of_peers());
  }
  run.compare(comparison);
}

void compare_waits(bench::run& run, std::size_t active) {
  chain_work const work = work_with(run, 1000, active);
  run.compare(
      bench::comparison("async_wait, " + std::to_string(active) + " of 1000 descriptors active",
                        "ns of processor time an event", bench::better::less)
          .rounds(9)
          .add("Asio, io_context", with(work, run_asio_wait))
          .add("mioext, io_context", with(work, run_mioext_wait))
          .add("mioext, selector_context", with(work, run_selector_context_wait))
          .require("mioext, selector_context", bench::ahead_of("Asio, io_context")));
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("dispatch", argc, argv);
  for (std::size_t pairs : {100u, 1000u, 8000u}) {
    if (!bench::allow_descriptors(2 * pairs + 100)) {
      run.note(std::to_string(pairs) + " pairs are left out: the system does not allow so many "
                                       "descriptors (ulimit -Hn)");
      continue;
    }
    compare(run, pairs, 100);
    if (run.quick() && pairs == 8000) {
      continue; // most of the time goes into making so many
    }
    compare(run, pairs, 1);
    if (pairs != 100) {
      compare(run, pairs, pairs);
    }
  }
  if (bench::allow_descriptors(2100)) {
    for (std::size_t active : {1u, 10u, 100u}) {
      compare_waits(run, active);
    }
  }
  return run.finish();
}
