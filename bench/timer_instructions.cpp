//
// bench/timer_instructions.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many instructions, in the program, a steady_timer costs that is set and cancelled, as a limit of
// time is that is not reached, and one that is set and fires: mioext's in an io_context and in a
// selector_context, and Asio's in an io_context. The handler's call is part of it. Beside those that
// are counted 1,000 timers are pending.
//
// The program calls itself under valgrind: timer_instructions do WORK CONTEXT REPETITIONS.
//

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>

#ifdef BENCH_HAS_LIBEV
#include <ev.h>
#endif

#include <mioext/event_loop.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>

#include "harness.hpp"
#include "own_instructions.hpp"

namespace {

using boost::asio::any_io_executor;
using boost::asio::io_context;
using boost::system::error_code;
using mioext::selector_context;
using std::chrono::milliseconds;

template <class Executor>
using asio_timer = boost::asio::basic_waitable_timer<
    std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

// Not one that is told of one thread: then Asio's own lock would be counted on one side only.
template <class Context, class Timer> class timers {
public:
  timers(std::size_t count, std::uint64_t left) : left_(left) {
    for (std::size_t index = 0; index != count; ++index) {
      all_.emplace_back(context_);
    }
  }

  // One of them over and over.
  void set_and_cancel() {
    for (Timer& each : all_) {
      each.expires_after(std::chrono::seconds(some(3600, 7200)));
      each.async_wait([](error_code) {});
    }
    next_to_cancel();
    context_.run();
  }

  // Each anew when it has fired.
  void set_and_fire() {
    for (Timer& each : all_) {
      next_to_fire(each);
    }
    context_.run();
  }

private:
  void next_to_cancel() {
    Timer& used = all_[all_.size() / 2];
    used.expires_after(std::chrono::seconds(3700));
    used.async_wait([this](error_code) {
      if (--left_ == 0) {
        context_.stop();
      } else {
        next_to_cancel();
      }
    });
    used.cancel();
  }

  void next_to_fire(Timer& used) {
    used.expires_after(milliseconds(some(1, 20)));
    used.async_wait([this, &used](error_code) {
      if (--left_ == 0) {
        context_.stop();
      } else {
        next_to_fire(used);
      }
    });
  }

  int some(int least, int most) {
    return least + static_cast<int>(random_() % static_cast<unsigned>(most - least + 1));
  }

  Context context_{};
  std::vector<Timer> all_;
  std::uint64_t left_;
  std::minstd_rand random_{1};
};

template <class Context, class Timer> void cancel(std::uint64_t repetitions) {
  timers<Context, Timer>(1000, repetitions).set_and_cancel();
}

template <class Context, class Timer> void fire(std::uint64_t repetitions) {
  timers<Context, Timer>(1000, repetitions).set_and_fire();
}

// --- In the loop -----------------------------------------------------------------------------------

// How far ahead one is set: each time another time, in the order in which nothing is the nearest.
std::chrono::seconds far_ahead(std::uint64_t left) {
  return std::chrono::seconds(3600 + static_cast<int>(left * 7919 % 3600));
}

// The limit of idle connections, of which one after the other has something to do: each time a
// millisecond later than the one before.
milliseconds ahead_anew(std::uint64_t left) {
  return milliseconds(60000 + 100000 - static_cast<int>(left));
}

std::size_t any_of_a_thousand(std::uint64_t left) {
  return static_cast<std::size_t>(left * 7919 % 1000);
}

enum class way { timer, timer_at, reset_timer, reset_timer_at };

// Does all of it in one call of the handler.
template <way Way> class loop_timers final : public mioext::handler {
public:
  explicit loop_timers(std::uint64_t repetitions) : left_(repetitions) {}

  void run() {
    mioext::event_loop loop;
    for (std::uint64_t index = 0; index != 1000; ++index) {
      set_.push_back(loop.timer(far_ahead(index), mioext::token(1)));
    }
    loop.timer(milliseconds(1), mioext::token(0));
    loop.run(*this);
  }

  void timer(loop_type& loop, mioext::token) override {
    for (; left_ != 0; --left_) {
      step(loop);
    }
    loop.shutdown();
  }

private:
  void step(loop_type& loop) {
    std::chrono::seconds const after = far_ahead(left_);
    switch (Way) {
    case way::timer:
      loop.clear_timer(loop.timer(after, mioext::token(1)));
      break;
    case way::timer_at:
      loop.clear_timer(loop.timer_at(loop.now() + after, mioext::token(1)));
      break;
    case way::reset_timer:
      loop.reset_timer(another(), ahead_anew(left_));
      break;
    case way::reset_timer_at:
      loop.reset_timer(another(), loop.now() + ahead_anew(left_));
      break;
    }
  }

  mioext::timeout& another() { return set_[any_of_a_thousand(left_)]; }

  std::uint64_t left_;
  std::vector<mioext::timeout> set_{};
};

template <way Way> void in_loop(std::uint64_t repetitions) { loop_timers<Way>(repetitions).run(); }

#ifdef BENCH_HAS_LIBEV
template <bool SetsAnew> class libev_timers {
public:
  explicit libev_timers(std::uint64_t repetitions) : left_(repetitions), pending_(1000) {}

  void run() {
    struct ev_loop* const loop = ev_loop_new(EVBACKEND_EPOLL);
    std::uint64_t index = 0;
    for (ev_timer& each : pending_) {
      ev_timer_init(&each, ignore, seconds(index++), 0.);
      ev_timer_start(loop, &each);
    }
    ev_timer_init(&used_, ignore, 0., 0.);
    ev_timer_init(&first_, begin, 1e-3, 0.);
    first_.data = this;
    ev_timer_start(loop, &first_);
    ev_run(loop, 0);
    ev_loop_destroy(loop);
  }

private:
  static double seconds(std::uint64_t left) { return static_cast<double>(far_ahead(left).count()); }

  static void ignore(struct ev_loop*, ev_timer*, int) {}

  static void begin(struct ev_loop* loop, ev_timer* timer, int) {
    static_cast<libev_timers*>(timer->data)->repeat(loop);
  }

  void repeat(struct ev_loop* loop) {
    for (; left_ != 0; --left_) {
      if (SetsAnew) {
        ev_timer& another = pending_[any_of_a_thousand(left_)];
        another.repeat = 1e-3 * static_cast<double>(ahead_anew(left_).count());
        ev_timer_again(loop, &another);
      } else {
        ev_timer_set(&used_, seconds(left_), 0.);
        ev_timer_start(loop, &used_);
        ev_timer_stop(loop, &used_);
      }
    }
    ev_break(loop, EVBREAK_ALL);
  }

  std::uint64_t left_;
  std::vector<ev_timer> pending_;
  ev_timer used_{};
  ev_timer first_{};
};

template <bool SetsAnew> void in_libev(std::uint64_t repetitions) {
  libev_timers<SetsAnew>(repetitions).run();
}
#endif

using work = void(std::uint64_t repetitions);

struct kind {
  char const* name;
  char const* contender;
  work* does;
};

using in_io = io_context::executor_type;
using in_selector = selector_context::executor_type;

kind const kinds[] = {
    {"cancel_typed", "asio", cancel<io_context, asio_timer<in_io>>},
    {"cancel_typed", "io", cancel<io_context, mioext::basic_steady_timer<in_io>>},
    {"cancel_typed", "selector", cancel<selector_context, mioext::basic_steady_timer<in_selector>>},
    {"cancel_any", "asio", cancel<io_context, asio_timer<any_io_executor>>},
    {"cancel_any", "io", cancel<io_context, mioext::steady_timer>},
    {"cancel_any", "selector", cancel<selector_context, mioext::steady_timer>},
    {"fire_typed", "asio", fire<io_context, asio_timer<in_io>>},
    {"fire_typed", "io", fire<io_context, mioext::basic_steady_timer<in_io>>},
    {"fire_typed", "selector", fire<selector_context, mioext::basic_steady_timer<in_selector>>},
    {"fire_any", "asio", fire<io_context, asio_timer<any_io_executor>>},
    {"fire_any", "io", fire<io_context, mioext::steady_timer>},
    {"fire_any", "selector", fire<selector_context, mioext::steady_timer>},
    {"loop_set", "timer", in_loop<way::timer>},
    {"loop_set", "timer_at", in_loop<way::timer_at>},
    {"loop_reset", "reset_timer", in_loop<way::reset_timer>},
    {"loop_reset", "reset_timer_at", in_loop<way::reset_timer_at>},
#ifdef BENCH_HAS_LIBEV
    {"loop_set", "libev", in_libev<false>},
    {"loop_reset", "libev", in_libev<true>},
#endif
};

int do_work(std::string const& name, std::string const& contender, std::string const& repetitions) {
  for (kind const& each : kinds) {
    if (name == each.name && contender == each.contender) {
      each.does(std::stoull(repetitions));
      return 0;
    }
  }
  return 2;
}

bench::comparison compare(std::string const& setting, std::string const& name,
                          bench::limit const& in_io_context) {
  bench::comparison all(setting, "instructions", bench::better::less);
  auto const add = [&](std::string const& contender, std::string const& shown) {
    all.add(shown, [=] {
      return bench::own_instructions_each("do " + name + ' ' + contender, 2000, 10000);
    });
  };
  add("asio", "Asio, io_context");
  add("io", "mioext, io_context");
  add("selector", "mioext, selector_context");
  return all.require("mioext, selector_context", bench::ahead_of("Asio, io_context"))
      .require("mioext, io_context", in_io_context)
      .exact();
}

struct shown_as {
  char const* contender;
  char const* name;
};

bench::comparison compare_in_loop(std::string const& setting, std::string const& name,
                                  shown_as reading, shown_as judged) {
  bench::comparison all(setting, "instructions", bench::better::less);
  auto const add = [&](shown_as each) {
    all.add(each.name, [=] {
      return bench::own_instructions_each("do " + name + ' ' + each.contender, 2000, 10000);
    });
  };
  add(reading);
  add(judged);
#ifdef BENCH_HAS_LIBEV
  add({"libev", "libev"});
  all.require(judged.name, bench::ahead_of("libev"));
#endif
  return all.exact();
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::string(argv[1]) == "do") {
    return do_work(argv[2], argv[3], argv[4]);
  }
  bench::run run("timer_instructions", argc, argv);
  bench::limit const ahead = bench::ahead_of("Asio, io_context");
  // In an any_io_executor an operation has to find out whose it is.
  bench::limit const near = bench::at_most_ratio(1.1);
  run.compare(compare("set and cancelled", "cancel_typed", ahead));
  run.compare(compare("set and cancelled, any_io_executor", "cancel_any", near));
  run.compare(compare("set and fired", "fire_typed", ahead));
  run.compare(compare("set and fired, any_io_executor", "fire_any", near));
  run.compare(compare_in_loop("event_loop: set and cleared", "loop_set",
                              {"timer", "timer(duration)"}, {"timer_at", "timer_at(now() + ...)"}));
  run.compare(compare_in_loop("event_loop: set anew", "loop_reset",
                              {"reset_timer", "reset_timer(duration)"},
                              {"reset_timer_at", "reset_timer(now() + ...)"}));
  return run.finish();
}
