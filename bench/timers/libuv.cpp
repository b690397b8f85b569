//
// bench/timers/libuv.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Timers of libuv.
//

#include "work.hpp"

#include <deque>

#include <uv.h>

namespace {

class loop {
public:
  explicit loop(std::size_t timers) : timers_(timers) {
    bench::check(uv_loop_init(&loop_) == 0, "uv_loop_init");
    for (uv_timer_t& each : timers_) {
      uv_timer_init(&loop_, &each);
      each.data = this;
    }
  }

  loop(loop const&) = delete;
  loop& operator=(loop const&) = delete;

  void set(std::size_t index, timers::milliseconds after) {
    uv_timer_start(&timers_[index], on_timer, static_cast<std::uint64_t>(after.count()), 0);
  }

  void cancel(std::size_t index) { uv_timer_stop(&timers_[index]); }
  void run() { uv_run(&loop_, UV_RUN_DEFAULT); } // until nothing is pending
  void turn() { uv_run(&loop_, UV_RUN_NOWAIT); }

  template <class OnEvent> void run_io(timers::ring& bytes, OnEvent on_event) {
    std::deque<io<OnEvent>> all;
    for (std::size_t index = 0; index != bytes.size(); ++index) {
      all.push_back({{}, bytes, on_event, index});
      io<OnEvent>& made = all.back();
      bench::check(uv_poll_init(&loop_, &made.poll, bytes.reader(index)) == 0, "uv_poll_init");
      made.poll.data = &made;
      uv_poll_start(&made.poll, UV_READABLE, io<OnEvent>::on_readable);
    }
    uv_run(&loop_, UV_RUN_DEFAULT);
  }

  std::size_t fired = 0;

private:
  template <class OnEvent> struct io {
    static void on_readable(uv_poll_t* poll, int, int) {
      io& ready = *static_cast<io*>(poll->data);
      if (!ready.bytes.pass_on(ready.index)) {
        uv_stop(poll->loop);
      }
      ready.on_event(ready.index);
    }

    uv_poll_t poll;
    timers::ring& bytes;
    OnEvent& on_event;
    std::size_t index;
  };

  static void on_timer(uv_timer_t* timer) { ++static_cast<loop*>(timer->data)->fired; }

  uv_loop_t loop_;
  std::vector<uv_timer_t> timers_;
};

} // namespace

timers::contender timers::libuv() { return contender_of<loop>(); }
