//
// bench/echo.cpp
// --------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many messages a TCP echo server sends back, and how long one takes: 1, 50 and 500
// connections, each of which sends the next message when it has the last one back. Server and
// client are two processes, each on a core of its own; the client is the same for all servers.
//
// "server CPU us" is what the server's process spends on one round trip, in the program and in the
// system. Where the client is the slower of the two, servers differ only there.
//

#include <string>

#include "echo/round.hpp"
#include "echo/servers.hpp"
#include "harness.hpp"

namespace {

bench::comparison compare(echo::load const& load) {
  bench::comparison all = echo::comparison_under(load);
  auto const add = [&](std::string const& name, echo::serve& server) {
    echo::add(all, name, server, load);
  };
  add("hand-written", echo::hand_written);
  add("mioext event_loop", echo::event_loop);
  add("mioext async_event_loop", echo::async_event_loop);
  add("Asio", echo::asio);
  add("libuv", echo::libuv);
  add("libevent", echo::libevent);
  add("libev", echo::libev);
  for (char const* name : {"mioext event_loop", "mioext async_event_loop"}) {
    all.require(name, bench::at_least_ratio(0.97))
        .require(name, bench::ahead_of("Asio"))
        .require(name, bench::ahead_of("libuv"));
  }
  return all;
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("echo", argc, argv);
  for (echo::load const& load : echo::loads(run.quick())) {
    run.compare(compare(load));
  }
  return run.finish();
}
