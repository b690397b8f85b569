//
// bench/memory.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How much memory is taken from the heap: for each descriptor that is watched, for each socket
// that is read, for each timer that is pending, and, in steady state, for each event?
//

#include <cerrno>
#include <cstddef>
#include <string>
#include <system_error>

#include <sys/eventfd.h>
#include <sys/socket.h>

#include "chain.hpp"
#include "harness.hpp"
#include "memory/contenders.hpp"
#include "memory/heap.hpp"

namespace {

// Each a file of its own: the system refuses a nested selector too many names of the same one.
descriptors idle_descriptors(std::size_t count) {
  descriptors made;
  made.reserve(count);
  while (made.size() != count) {
    made.push_back(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (made.back() < 0) {
      throw std::system_error(errno, std::system_category(), "eventfd");
    }
  }
  return made;
}

// Pairs, both ends of them.
descriptors connected_sockets(std::size_t count) {
  descriptors made;
  made.reserve(count);
  while (made.size() < count) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
      throw std::system_error(errno, std::system_category(), "socketpair");
    }
    made.insert(made.end(), ends, ends + 2);
  }
  return made;
}

// The object, what it keeps elsewhere, and the read that is pending.
void compare_streams(bench::run& run) {
  constexpr std::size_t count = 10000;
  if (!bench::allow_descriptors(count + 100)) {
    return; // as compare_descriptors() has said
  }
  auto const with = [](double (*contender)(descriptors const&)) {
    return [contender] { return contender(connected_sockets(count)); };
  };
  run.compare(
      bench::comparison("10000 sockets, one read pending", "bytes a socket", bench::better::less)
          .exact()
          .add("Asio", with(asio_sockets))
          .add("mioext stream", with(context_streams))
          .add("mioext stream in a selector_context", with(selector_context_streams))
          .require("mioext stream", bench::at_most_ratio(1))
          .require("mioext stream in a selector_context", bench::at_most_ratio(1)));
  run.compare(
      bench::comparison("the same, executor's type known", "bytes a socket", bench::better::less)
          .exact()
          .add("Asio", with(typed_asio_sockets))
          .add("mioext stream", with(typed_context_streams))
          .add("mioext stream in a selector_context", with(typed_selector_context_streams))
          .require("mioext stream", bench::at_most_ratio(1))
          .require("mioext stream in a selector_context", bench::at_most_ratio(1)));
}

void compare_descriptors(bench::run& run) {
  constexpr std::size_t count = 10000;
  if (!bench::allow_descriptors(count + 100)) {
    run.note("descriptors are left out: the system does not allow so many (ulimit -Hn)");
    return;
  }
  auto const with = [](double (*contender)(descriptors const&)) {
    return [contender] { return contender(idle_descriptors(count)); };
  };
  run.compare(
      bench::comparison("10000 descriptors watched", "bytes a descriptor", bench::better::less)
          .exact()
          .add("mioext poller", with(poller_descriptors))
          .add("mioext event_loop", with(event_loop_descriptors))
          .add("mioext async_event_loop", with(async_event_loop_descriptors))
          .add("mioext async_wait", with(async_wait_descriptors))
          .add("mioext stream", with(stream_descriptors))
          .add("Asio stream_descriptor", with(asio_descriptors))
          .add("libuv", with(libuv_descriptors))
          .add("libevent", with(libevent_descriptors))
          .add("libev", with(libev_descriptors))
          .require("mioext poller", bench::at_most(0))
          .require("mioext event_loop", bench::at_most(32))
          .require("mioext async_event_loop", bench::at_most(32)));
}

void compare_timers(bench::run& run) {
  auto const with = [](double (*contender)(std::size_t)) {
    return [contender] { return contender(100000); };
  };
  run.compare(bench::comparison("100000 timers pending", "bytes a timer", bench::better::less)
                  .exact()
                  .add("mioext event_loop", with(event_loop_timers))
                  .add("Asio steady_timer", with(asio_timers))
                  .add("libuv", with(libuv_timers))
                  .add("libevent", with(libevent_timers))
                  .add("libev", with(libev_timers)));
}

void compare_events(bench::run& run) {
  chain_work work = {};
  work.pairs = 1000;
  work.active = 100;
  work.warm_up = 10000;
  work.events = 20000;
  work.meter = heap::allocations;
  auto const with = [work](double (*contender)(chain_work const&)) {
    return [work, contender] { return contender(work); };
  };
  bench::comparison comparison("100 of 1000 descriptors active", "allocations an event",
                               bench::better::less);
  comparison.exact()
      .add("hand-written", with(run_hand_written))
      .add("mioext poller", with(run_poller))
      .add("mioext event_loop", with(run_event_loop))
      .add("mioext async_event_loop", with(run_async_event_loop))
      .add("mioext async_wait", with(run_mioext_wait))
      .add("Asio async_wait", with(run_asio_wait))
      .add("libuv", with(run_libuv))
      .add("libevent", with(run_libevent))
      .add("libev", with(run_libev));
  for (char const* own :
       {"mioext poller", "mioext event_loop", "mioext async_event_loop", "mioext async_wait"}) {
    comparison.require(own, bench::at_most(0));
  }
  run.compare(comparison);
  run.compare(
      bench::comparison("bytes between two streams", "allocations a byte", bench::better::less)
          .exact()
          .add("Asio stream", asio_stream_allocations)
          .add("mioext stream", stream_allocations)
          .require("mioext stream", bench::at_most(0)));
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("memory", argc, argv);
  compare_descriptors(run);
  compare_streams(run);
  compare_timers(run);
  compare_events(run);
  return run.finish();
}
