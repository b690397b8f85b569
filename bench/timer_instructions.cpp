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
  return run.finish();
}
