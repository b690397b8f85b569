//
// bench/timers/mioext.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Timers of an event loop, alone and in an io_context.
//

#include "work.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <mioext/async_event_loop.hpp>
#include <mioext/event_loop.hpp>

namespace {

template <class OnEvent> class io_handler final : public mioext::handler {
public:
  io_handler(timers::ring& bytes, OnEvent on_event, std::size_t& fired)
      : bytes_(bytes), on_event_(on_event), fired_(fired) {}

  void readable(loop_type& loop, mioext::token name, mioext::read_hint) override {
    if (!bytes_.pass_on(name.value())) {
      loop.shutdown();
    }
    on_event_(name.value());
  }

  void timer(loop_type&, mioext::token) override { ++fired_; }

private:
  timers::ring& bytes_;
  OnEvent on_event_;
  std::size_t& fired_;
};

class timer_handler final : public mioext::handler {
public:
  timer_handler(std::size_t total, std::size_t& fired) : total_(total), fired_(fired) {}

  void timer(loop_type& loop, mioext::token) override {
    if (++fired_ == total_) {
      loop.shutdown();
    }
  }

private:
  std::size_t total_;
  std::size_t& fired_;
};

mioext::event_loop_config with_room_for(std::size_t timers) {
  mioext::event_loop_config config;
  config.timer_capacity = timers;
  return config;
}

/// `Driver` has the loop and runs it.
// Counts from the call.
struct by_duration {
  template <class Loop>
  mioext::timeout set(Loop& loop, timers::milliseconds after, mioext::token name) const {
    return loop.timer(after, name);
  }

  template <class Loop> void begin_handlers(Loop const&) {}
};

// Counts from the clock as the loop has read it, as libev does: outside of handlers, where the loop
// would read it with each call, from one reading for all.
struct by_point {
  template <class Loop>
  mioext::timeout set(Loop& loop, timers::milliseconds after, mioext::token name) const {
    return loop.timer_at((in_handlers ? loop.now() : begin) + after, name);
  }

  template <class Loop> void begin_handlers(Loop const&) { in_handlers = true; }

  mioext::event_loop::time_point begin = mioext::event_loop::clock_type::now();
  bool in_handlers = false;
};

template <class Driver, class Setting = by_duration> class loop {
public:
  explicit loop(std::size_t timers) : driver_(with_room_for(timers)), timeouts_(timers) {}

  void set(std::size_t index, timers::milliseconds after) {
    timeouts_[index] = setting_.set(driver_.loop, after, mioext::token(index));
  }

  void cancel(std::size_t index) { driver_.loop.clear_timer(timeouts_[index]); }

  void run() {
    timer_handler handler(timeouts_.size(), fired);
    driver_.run(handler);
  }

  void turn() {
    timer_handler handler(timeouts_.size(), fired);
    driver_.turn(handler);
  }

  template <class OnEvent> void run_io(timers::ring& bytes, OnEvent on_event) {
    for (std::size_t index = 0; index != bytes.size(); ++index) {
      driver_.loop.register_handle(bytes.reader(index), mioext::token(index),
                                   mioext::interest::readable);
    }
    setting_.begin_handlers(driver_.loop);
    io_handler<OnEvent> handler(bytes, on_event, fired);
    driver_.run(handler);
  }

  std::size_t fired = 0;

private:
  Driver driver_;
  std::vector<mioext::timeout> timeouts_;
  Setting setting_{};
};

struct alone {
  explicit alone(mioext::event_loop_config const& config) : loop(config) {}

  template <class Handler> void run(Handler& handler) { loop.run(handler); }

  template <class Handler> void turn(Handler& handler) {
    loop.run_once(handler, std::chrono::seconds(0));
  }

  mioext::event_loop loop;
};

struct in_context {
  explicit in_context(mioext::event_loop_config const& config) : loop(context, config) {}

  template <class Handler> void run(Handler& handler) {
    loop.async_run(handler, boost::asio::detached);
    context.run();
  }

  template <class Handler> void turn(Handler& handler) {
    loop.async_run(handler, boost::asio::detached);
    context.poll();
    loop.cancel();
    context.poll();
    context.restart();
  }

  boost::asio::io_context context{1};
  mioext::basic_async_event_loop<mioext::token, mioext::no_message,
                                 boost::asio::io_context::executor_type>
      loop;
};

} // namespace

timers::contender timers::event_loop() { return contender_of<loop<alone>>(); }
timers::contender timers::event_loop_by_point() { return contender_of<loop<alone, by_point>>(); }
timers::contender timers::async_event_loop() { return contender_of<loop<in_context>>(); }
