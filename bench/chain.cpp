//
// bench/chain.cpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Runs the chain of chain.hpp once, by one kind of loop, for programs that count what it does.
//

#include "chain.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

struct contender {
  char const* name;
  double (*run)(chain_work const&);
};

constexpr contender contenders[] = {
#ifdef MIOEXT_USE_EPOLL
    {"hand_written", run_hand_written},
#endif
    {"poller", run_poller},
    {"event_loop", run_event_loop},
    {"async_event_loop", run_async_event_loop},
    {"selector_context_loop", run_selector_context_loop},
    {"mioext_wait", run_mioext_wait},
    {"asio_wait", run_asio_wait},
#ifdef BENCH_HAS_LIBRARIES
    {"libuv", run_libuv},
    {"libevent", run_libevent},
    {"libev", run_libev},
#endif
};

} // namespace

int main(int argc, char** argv) {
  std::string const kind = argc > 4 ? argv[1] : "";
  chain_work work = {};
  work.pairs = argc > 4 ? std::strtoul(argv[2], nullptr, 10) : 0;
  work.active = argc > 4 ? std::strtoul(argv[3], nullptr, 10) : 0;
  work.events = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 0;
  for (contender const& each : contenders) {
    if (kind == each.name && work.active != 0 && work.active <= work.pairs && work.events != 0) {
      each.run(work);
      return 0;
    }
  }
  bool const is_asked =
      argc == 2 && (std::string(argv[1]) == "--help" || std::string(argv[1]) == "-h");
  std::FILE* const output = is_asked ? stdout : stderr;
  std::fprintf(output, "usage: chain KIND PAIRS ACTIVE EVENTS, where KIND is one of\n");
  for (contender const& each : contenders) {
    std::fprintf(output, "  %s\n", each.name);
  }
  return is_asked ? 0 : 2;
}
