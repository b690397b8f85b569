//
// bench/memory/libraries.cpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// libuv and libevent.
//

#include "contenders.hpp"

#include <cstddef>
#include <vector>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <uv.h>

#include "heap.hpp"

namespace {

double each(double before, std::size_t count) {
  return (heap::bytes() - before) / static_cast<double>(count);
}

} // namespace

double libuv_descriptors(descriptors const& idle) {
  ::uv_loop_t loop;
  ::uv_loop_init(&loop);
  double const before = heap::bytes();
  std::vector<::uv_poll_t> watches(idle.size());
  for (std::size_t index = 0; index != idle.size(); ++index) {
    ::uv_poll_init(&loop, &watches[index], idle[index]);
    ::uv_poll_start(&watches[index], UV_READABLE, [](::uv_poll_t*, int, int) {});
  }
  ::uv_run(&loop, UV_RUN_NOWAIT); // only now it tells the system of them
  return each(before, idle.size());
}

double libevent_descriptors(descriptors const& idle) {
  ::event_base* const base = ::event_base_new();
  double const before = heap::bytes();
  std::vector<::event> watches(idle.size());
  for (std::size_t index = 0; index != idle.size(); ++index) {
    ::event_assign(
        &watches[index], base, idle[index], EV_READ | EV_PERSIST | EV_ET,
        [](evutil_socket_t, short, void*) {}, nullptr);
    ::event_add(&watches[index], nullptr);
  }
  ::event_base_loop(base, EVLOOP_NONBLOCK);
  return each(before, idle.size());
}

double libuv_timers(std::size_t count) {
  ::uv_loop_t loop;
  ::uv_loop_init(&loop);
  double const before = heap::bytes();
  std::vector<::uv_timer_t> timers(count);
  for (std::size_t index = 0; index != count; ++index) {
    ::uv_timer_init(&loop, &timers[index]);
    ::uv_timer_start(
        &timers[index], [](::uv_timer_t*) {}, 1000 * (3600 + index % 1000), 0);
  }
  return each(before, count);
}

double libevent_timers(std::size_t count) {
  ::event_base* const base = ::event_base_new();
  double const before = heap::bytes();
  std::vector<::event> timers(count);
  for (std::size_t index = 0; index != count; ++index) {
    evtimer_assign(
        &timers[index], base, [](evutil_socket_t, short, void*) {}, nullptr);
    ::timeval after = {};
    after.tv_sec = static_cast<time_t>(3600 + index % 1000);
    evtimer_add(&timers[index], &after);
  }
  return each(before, count);
}
