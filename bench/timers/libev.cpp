//
// bench/timers/libev.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Timers of libev.
//

#include "work.hpp"

#include <deque>

#include <ev.h>

namespace {

class loop {
public:
  explicit loop(std::size_t timers) : loop_(ev_loop_new(EVBACKEND_EPOLL)), timers_(timers) {
    for (ev_timer& each : timers_) {
      ev_init(&each, on_timer);
      each.data = this;
    }
  }

  loop(loop const&) = delete;
  loop& operator=(loop const&) = delete;

  void set(std::size_t index, timers::milliseconds after) {
    ev_timer_set(&timers_[index], 1e-3 * static_cast<double>(after.count()), 0.);
    ev_timer_start(loop_, &timers_[index]);
  }

  void cancel(std::size_t index) { ev_timer_stop(loop_, &timers_[index]); }
  void run() { ev_run(loop_, 0); } // until nothing is pending
  void turn() { ev_run(loop_, EVRUN_NOWAIT); }

  template <class OnEvent> void run_io(timers::ring& bytes, OnEvent on_event) {
    std::deque<io<OnEvent>> all;
    for (std::size_t index = 0; index != bytes.size(); ++index) {
      all.push_back({{}, bytes, on_event, index});
      io<OnEvent>& made = all.back();
      ev_io_init(&made.watcher, io<OnEvent>::on_readable, bytes.reader(index), EV_READ);
      made.watcher.data = &made;
      ev_io_start(loop_, &made.watcher);
    }
    ev_run(loop_, 0);
  }

  std::size_t fired = 0;

private:
  template <class OnEvent> struct io {
    static void on_readable(struct ev_loop* used, ev_io* watcher, int) {
      io& ready = *static_cast<io*>(watcher->data);
      if (!ready.bytes.pass_on(ready.index)) {
        ev_break(used, EVBREAK_ALL);
      }
      ready.on_event(ready.index);
    }

    ev_io watcher;
    timers::ring& bytes;
    OnEvent& on_event;
    std::size_t index;
  };

  static void on_timer(struct ev_loop*, ev_timer* timer, int) {
    ++static_cast<loop*>(timer->data)->fired;
  }

  struct ev_loop* loop_;
  std::vector<ev_timer> timers_;
};

} // namespace

timers::contender timers::libev() { return contender_of<loop>(); }
