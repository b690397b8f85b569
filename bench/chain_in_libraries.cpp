//
// bench/chain_in_libraries.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The chain, kept going by libuv and libevent: by what each has for watching a descriptor of the
// program's own, set up once, with memory that the program has already. libev is in chain_by_libev.cpp,
// because it and libevent give the same names (EV_READ) to different numbers.
//

#include "chain.hpp"

#include <cstddef>
#include <vector>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <uv.h>

namespace {

// --- libuv ----------------------------------------------------------------------------------------

struct uv_watch {
  ::uv_poll_t poll;
  chain* bytes;
  std::size_t index;
};

void uv_readable(::uv_poll_t* poll, int, int) {
  uv_watch* const watch = static_cast<uv_watch*>(poll->data);
  if (!watch->bytes->pass_on(watch->index)) {
    ::uv_stop(poll->loop);
  }
}

// --- libevent -------------------------------------------------------------------------------------

struct event_watch {
  ::event event;
  ::event_base* base;
  chain* bytes;
  std::size_t index;
};

void event_readable(evutil_socket_t, short, void* data) {
  event_watch* const watch = static_cast<event_watch*>(data);
  if (!watch->bytes->pass_on(watch->index)) {
    ::event_base_loopbreak(watch->base);
  }
}

} // namespace

double run_libuv(chain_work const& work) {
  chain bytes(work);
  ::uv_loop_t loop;
  ::uv_loop_init(&loop);
  std::vector<uv_watch> watches(bytes.size());
  for (std::size_t index = 0; index != bytes.size(); ++index) {
    uv_watch& watch = watches[index];
    watch.bytes = &bytes;
    watch.index = index;
    watch.poll.data = &watch;
    ::uv_poll_init(&loop, &watch.poll, bytes.reader(index));
    ::uv_poll_start(&watch.poll, UV_READABLE, uv_readable);
  }
  ::uv_run(&loop, UV_RUN_DEFAULT);
  for (uv_watch& watch : watches) {
    ::uv_close(reinterpret_cast<::uv_handle_t*>(&watch.poll), nullptr);
  }
  ::uv_run(&loop, UV_RUN_DEFAULT);
  ::uv_loop_close(&loop);
  return bytes.cost_of_event();
}

double run_libevent(chain_work const& work) {
  chain bytes(work);
  ::event_base* const base = ::event_base_new();
  std::vector<event_watch> watches(bytes.size());
  for (std::size_t index = 0; index != bytes.size(); ++index) {
    event_watch& watch = watches[index];
    watch.base = base;
    watch.bytes = &bytes;
    watch.index = index;
    ::event_assign(&watch.event, base, bytes.reader(index), EV_READ | EV_PERSIST | EV_ET,
                   event_readable, &watch);
    ::event_add(&watch.event, nullptr);
  }
  ::event_base_dispatch(base);
  for (event_watch& watch : watches) {
    ::event_del(&watch.event);
  }
  ::event_base_free(base);
  return bytes.cost_of_event();
}
