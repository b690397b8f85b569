//
// bench/stream.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The TCP echo of echo.cpp with the same code, async_read_some and async_write, over Boost.Asio's
// socket in an io_context and over mioext's stream in an io_context and in a selector_context; each with
// any_io_executor, the default, and with the context's own executor. The hand-written server is there to
// compare with. And how many system calls a round trip takes of the server.
//

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "echo/round.hpp"
#include "harness.hpp"
#include "stream/servers.hpp"
#include "system.hpp"
#include "system_calls.hpp"

namespace {

bench::comparison compare(echo::load const& load) {
  bench::comparison all = echo::comparison_under(load);
  auto const add = [&](std::string const& name, echo::serve& server) {
    echo::add(all, name, server, load);
  };
  add("hand-written", echo::hand_written);
  add("Asio, any_io_executor", echo::asio_any_executor);
  add("mioext, any_io_executor", echo::mioext_any_executor);
  add("selector_context, any_io_executor", echo::selector_any_executor);
  add("Asio, io_context", echo::asio_context_executor);
  add("mioext, io_context", echo::mioext_context_executor);
  add("selector_context", echo::selector_context_executor);
  all.require("mioext, any_io_executor", bench::at_least_as("Asio, any_io_executor"));
  all.require("mioext, io_context", bench::at_least_as("Asio, io_context"));
  all.require("selector_context, any_io_executor", bench::ahead_of("Asio, any_io_executor"));
  all.require("selector_context", bench::ahead_of("Asio, io_context"));
  return all;
}

struct counted_round_trips {
  double round_trips;
  std::vector<double> calls; // all, receiving, sending, waiting, changing what is watched
};

counted_round_trips count(echo::serve& server, echo::load const& wanted) {
  int const listener = bench::listen_on_loopback();
  std::uint16_t const port = bench::port_of(listener);
  bench::helper_process client(20, [&] {
    ::close(listener);
    return echo::put_load(port, wanted);
  });
  bench::system_calls const calls =
      bench::system_calls_of([&] { server(listener, wanted.connections); });
  ::close(listener);
  std::vector<double> const numbers = client.numbers();
  bench::check(numbers.size() == 6, "the client has not told all");
  return {numbers[4],
          {calls.all(), calls.of({SYS_read, SYS_readv, SYS_recvfrom, SYS_recvmsg}),
           calls.of({SYS_write, SYS_writev, SYS_sendto, SYS_sendmsg}),
           calls.of({SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_pwait2}),
           calls.of({SYS_epoll_ctl})}};
}

// Of the server for each round trip: the difference between a longer and a shorter load, so that what
// does not repeat drops out. Their lengths are numbers of round trips: how many fit into a time is a matter of
// where the tracer runs.
std::vector<double> system_calls(echo::serve& server, std::size_t connections) {
  bench::check(bench::allow_descriptors(connections + 64), "too few descriptors");
  std::uint64_t const few = 300 + connections;
  counted_round_trips const shorter = count(server, {connections, 64, 0, few});
  counted_round_trips longer = count(server, {connections, 64, 0, 4 * few});
  double const more = longer.round_trips - shorter.round_trips;
  for (std::size_t index = 0; index != longer.calls.size(); ++index) {
    longer.calls[index] = (longer.calls[index] - shorter.calls[index]) / more;
  }
  return longer.calls;
}

bench::comparison compare_system_calls(std::size_t connections) {
  bench::comparison all("system calls, " + std::to_string(connections) +
                            (connections == 1 ? " connection" : " connections"),
                        "system calls a round trip", bench::better::less,
                        {"recv", "send", "epoll_wait", "epoll_ctl"});
  auto const add = [&](std::string const& name, echo::serve& server) {
    all.add(name, [&server, connections] { return system_calls(server, connections); });
  };
  add("Asio, io_context", echo::asio_context_executor);
  add("mioext, io_context", echo::mioext_context_executor);
  add("selector_context", echo::selector_context_executor);
  // One read, one write, and at most one wait: how many of many connections one wait fetches depends on
  // how fast the other process is.
  return all.require("selector_context", bench::at_most(3.1)).exact();
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("stream", argc, argv);
  double const seconds = run.quick() ? 0.05 : 0.2;
  for (std::size_t size : {64u, 16384u}) {
    for (std::size_t connections : {1u, 50u, 400u}) {
      run.compare(compare({connections, size, seconds}));
    }
  }
  if (!bench::may_count_system_calls()) {
    std::puts("system calls: not counted, because this process must not trace another one");
    return run.finish();
  }
  for (std::size_t connections : {1u, 50u, 400u}) {
    run.compare(compare_system_calls(connections));
  }
  return run.finish();
}
