//
// test/driven_loop.hpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An asynchronous loop with a context of its own, driven step by step, so that the tests of the
// blocking loop can be run against it word for word.
//

#ifndef TEST_DRIVEN_LOOP_HPP
#define TEST_DRIVEN_LOOP_HPP

#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <utility>

#include <mioext/async_event_loop.hpp>
#include <mioext/selector_context.hpp>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include "tested_context.hpp"

namespace support {

/// A base, so that it is there before the loop, and goes after it.
template <class Context> struct own_context { Context context; };

/// run() and run_once() as of basic_event_loop. One async_run() is pending from the first of them
/// to the end of a run(), across exceptions and through all the calls of run_once(); between those
/// nobody runs the context.
template <class Token = mioext::token, class Message = mioext::no_message,
          class Context = tested_context>
class driven_loop : private own_context<Context>,
                    public mioext::basic_async_event_loop<Token, Message> {
  using base = mioext::basic_async_event_loop<Token, Message>;
  using own_context<Context>::context;

public:
  using loop_type = typename base::loop_type;
  using handler_type = typename base::handler_type;

  explicit driven_loop(mioext::event_loop_config const& config = mioext::event_loop_config())
      : base(context, config) {}

  void run(handler_type& handler) {
    begin(handler);
    while (is_pending_ && context.run_one() != 0) {
    }
    if (is_pending_) { // no BOOST_REQUIRE, which one thread at a time may use
      throw std::logic_error("the context has no work left, and the run has not ended");
    }
    if (outcome_) {
      throw boost::system::system_error(outcome_);
    }
  }

  /// Until a tick has called the handler, which may have been several times. One tick, not a turn.
  template <class Rep, class Period>
  std::size_t run_once(handler_type& handler, std::chrono::duration<Rep, Period> limit) {
    return run_until_called(handler, std::chrono::steady_clock::now() + limit);
  }

  std::size_t run_once(handler_type& handler) {
    return run_until_called(handler, std::chrono::steady_clock::time_point::max());
  }

  void notify_fork(boost::asio::execution_context::fork_event event) { context.notify_fork(event); }

  /// True if nothing keeps the context busy.
  bool is_idle() {
    context.restart();
    return context.poll() == 0;
  }

private:
  /// Stands between the loop and the handler of each run() and run_once(), and counts the calls.
  struct counting_handler final : handler_type {
    using loop_type = typename handler_type::loop_type;

    void readable(loop_type& loop, Token token, mioext::read_hint hint) override {
      count();
      receiver->readable(loop, token, hint);
    }
    void writable(loop_type& loop, Token token) override {
      count();
      receiver->writable(loop, token);
    }
    void write_failing(loop_type& loop, Token token, mioext::write_hint hint) override {
      count();
      receiver->write_failing(loop, token, hint);
    }
    void timer(loop_type& loop, Token token) override {
      count();
      receiver->timer(loop, token);
    }
    void notify(loop_type& loop, Message message) override {
      count();
      receiver->notify(loop, std::move(message));
    }
    void signal(loop_type& loop, mioext::signal_info const& info) override {
      count();
      receiver->signal(loop, info);
    }

    void count() {
      ++calls;
      if (to_end) {
        end_turn(*to_end);
      }
    }

    handler_type* receiver = nullptr;
    std::size_t calls = 0;
    Context* to_end = nullptr; // if this is to be the last tick of a turn
  };

  /// In an io_context several ticks may follow one another in a turn, which a stopped context ends.
  static void end_turn(boost::asio::io_context& running) { running.stop(); }
  static void end_turn(mioext::selector_context&) {}

  void begin(handler_type& handler) {
    counted_.receiver = &handler;
    counted_.to_end = nullptr;
    if (!is_pending_) {
      is_pending_ = true;
      this->async_run(counted_, [this](boost::system::error_code ec) {
        is_pending_ = false;
        outcome_ = ec;
      });
    }
    context.restart();
  }

  template <class TimePoint>
  std::size_t run_until_called(handler_type& handler, TimePoint const& deadline) {
    std::size_t const before = counted_.calls;
    begin(handler);
    counted_.to_end = &context;
    while (counted_.calls == before && (context.poll_one() != 0 || run_one_until(deadline) != 0)) {
    }
    return counted_.calls - before;
  }

  /// An io_context wakes up every second when there is a limit, however far.
  template <class TimePoint> std::size_t run_one_until(TimePoint const& deadline) {
    return deadline == TimePoint::max() ? context.run_one() : context.run_one_until(deadline);
  }

  counting_handler counted_;
  bool is_pending_ = false;
  boost::system::error_code outcome_;
};

} // namespace support

#endif // TEST_DRIVEN_LOOP_HPP
