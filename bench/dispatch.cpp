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
// many descriptors active: in each event one byte is read and one written, which is the same for all.
//

#include <cstddef>
#include <string>

#include "chain.hpp"
#include "harness.hpp"

namespace {

void compare(bench::run& run, std::size_t pairs, std::size_t active) {
  chain_work work = {};
  work.pairs = pairs;
  work.active = active;
  work.events = run.quick() ? 20000 : 60000;
  work.warm_up = 2 * pairs; // each descriptor has had its turn, and each buffer its size

  std::string const setting =
      std::to_string(active) + " of " + std::to_string(pairs) + " descriptors active";
  auto const with = [work](double (*contender)(chain_work const&)) {
    return [work, contender] {
      bench::pin_to_core(1); // moving to another one would cost more than what is looked for
      return contender(work);
    };
  };
  bench::comparison comparison(setting, "ns of processor time an event", bench::better::less);
  comparison.rounds(9)
      .add("hand-written", with(run_hand_written))
      .add("mioext poller", with(run_poller))
      .add("mioext event_loop", with(run_event_loop))
      .add("mioext async_event_loop", with(run_async_event_loop))
      .add("Asio async_wait", with(run_asio_wait))
      .add("libuv", with(run_libuv))
      .add("libevent", with(run_libevent))
      .add("libev", with(run_libev))
      .require("mioext poller", bench::at_most_ratio(1.02))
      .require("mioext event_loop", bench::at_most_ratio(1.05));
  // With one active, a turn of the context has one event to share its cost.
  if (active == 100) {
    comparison.require("mioext async_event_loop", bench::at_most_ratio(1.10));
  }
  for (char const* own : {"mioext poller", "mioext event_loop", "mioext async_event_loop"}) {
    comparison.require(own, bench::ahead_of_peers());
  }
  run.compare(comparison);
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("dispatch", argc, argv);
  for (std::size_t pairs : {100, 1000, 8000}) {
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
  return run.finish();
}
