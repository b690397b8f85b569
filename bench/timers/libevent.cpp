//
// bench/timers/libevent.cpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Timers of libevent, without locks.
//

#include "work.hpp"

#include <deque>

#include <event2/event.h>
#include <event2/event_struct.h>

namespace {

class loop {
public:
  explicit loop(std::size_t timers) : timers_(timers) {
    event_config* const config = event_config_new();
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    base_ = event_base_new_with_config(config);
    event_config_free(config);
    for (event& each : timers_) {
      evtimer_assign(&each, base_, on_timer, this);
    }
  }

  loop(loop const&) = delete;
  loop& operator=(loop const&) = delete;

  void set(std::size_t index, timers::milliseconds after) {
    ::timeval time;
    time.tv_sec = static_cast<::time_t>(after.count() / 1000);
    time.tv_usec = static_cast<::suseconds_t>(after.count() % 1000 * 1000);
    evtimer_add(&timers_[index], &time);
  }

  void cancel(std::size_t index) { evtimer_del(&timers_[index]); }
  void run() { event_base_dispatch(base_); } // until nothing is pending
  void turn() { event_base_loop(base_, EVLOOP_NONBLOCK); }

  template <class OnEvent> void run_io(timers::ring& bytes, OnEvent on_event) {
    std::deque<io<OnEvent>> all;
    for (std::size_t index = 0; index != bytes.size(); ++index) {
      all.push_back({{}, base_, bytes, on_event, index});
      io<OnEvent>& made = all.back();
      event_assign(&made.reading, base_, bytes.reader(index), EV_READ | EV_PERSIST | EV_ET,
                   io<OnEvent>::on_readable, &made);
      event_add(&made.reading, nullptr);
    }
    event_base_dispatch(base_);
  }

  std::size_t fired = 0;

private:
  template <class OnEvent> struct io {
    static void on_readable(evutil_socket_t, short, void* data) {
      io& ready = *static_cast<io*>(data);
      if (!ready.bytes.pass_on(ready.index)) {
        event_base_loopbreak(ready.base);
      }
      ready.on_event(ready.index);
    }

    event reading;
    event_base* base;
    timers::ring& bytes;
    OnEvent& on_event;
    std::size_t index;
  };

  static void on_timer(evutil_socket_t, short, void* data) { ++static_cast<loop*>(data)->fired; }

  event_base* base_;
  std::vector<event> timers_;
};

} // namespace

timers::contender timers::libevent() { return contender_of<loop>(); }
