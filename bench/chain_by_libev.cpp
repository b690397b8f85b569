//
// bench/chain_by_libev.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The chain, kept going by libev; see chain_in_libraries.cpp.
//

#include "chain.hpp"

#include <cstddef>
#include <vector>

#include <ev.h>

namespace {

struct ev_watch {
  ::ev_io io;
  chain* bytes;
  std::size_t index;
};

void ev_readable(struct ::ev_loop* loop, ::ev_io* io, int) {
  ev_watch* const watch = static_cast<ev_watch*>(io->data);
  if (!watch->bytes->pass_on(watch->index)) {
    ::ev_break(loop, EVBREAK_ALL);
  }
}

} // namespace

double run_libev(chain_work const& work) {
  chain bytes(work);
  struct ::ev_loop* const loop = ::ev_loop_new(EVFLAG_AUTO);
  std::vector<ev_watch> watches(bytes.size());
  for (std::size_t index = 0; index != bytes.size(); ++index) {
    ev_watch& watch = watches[index];
    watch.bytes = &bytes;
    watch.index = index;
    watch.io.data = &watch;
    ev_io_init(&watch.io, ev_readable, bytes.reader(index), EV_READ);
    ::ev_io_start(loop, &watch.io);
  }
  ::ev_run(loop, 0);
  for (ev_watch& watch : watches) {
    ::ev_io_stop(loop, &watch.io);
  }
  ::ev_loop_destroy(loop);
  return bytes.cost_of_event();
}
