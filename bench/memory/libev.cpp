//
// bench/memory/libev.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// libev, apart from libevent, which gives other numbers to the same names.
//

#include "contenders.hpp"

#include <cstddef>
#include <vector>

#include <ev.h>

#include "heap.hpp"

namespace {

double each(double before, std::size_t count) {
  return (heap::bytes() - before) / static_cast<double>(count);
}

void nothing(struct ::ev_loop*, ::ev_io*, int) {}
void no_time(struct ::ev_loop*, ::ev_timer*, int) {}

} // namespace

double libev_descriptors(descriptors const& idle) {
  struct ::ev_loop* const loop = ::ev_loop_new(EVFLAG_AUTO);
  double const before = heap::bytes();
  std::vector<::ev_io> watches(idle.size());
  for (std::size_t index = 0; index != idle.size(); ++index) {
    ev_io_init(&watches[index], nothing, idle[index], EV_READ);
    ::ev_io_start(loop, &watches[index]);
  }
  ::ev_run(loop, EVRUN_NOWAIT); // only now it tells the system of them
  return each(before, idle.size());
}

double libev_timers(std::size_t count) {
  struct ::ev_loop* const loop = ::ev_loop_new(EVFLAG_AUTO);
  double const before = heap::bytes();
  std::vector<::ev_timer> timers(count);
  for (std::size_t index = 0; index != count; ++index) {
    ev_timer_init(&timers[index], no_time, static_cast<double>(3600 + index % 1000), 0.);
    ::ev_timer_start(loop, &timers[index]);
  }
  return each(before, count);
}
