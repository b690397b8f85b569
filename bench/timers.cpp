//
// bench/timers.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What timers cost, in processor time, those of the event loops and steady_timer: a million that are set and fire, within 300 milliseconds; a
// million that are set, and cancelled in another order; and the events of other descriptors beside
// 100,000 pending timers, of which in the second of these settings each event cancels one and sets
// it anew.
//
// Processor time, because how long it takes until a timer fires is the same for all. The ratio is
// to Asio: a loop written by hand has no timers of its own.
//

#include <string>
#include <vector>

#include "harness.hpp"
#include "timers/work.hpp"

namespace {

char const by_point[] = "mioext event_loop, timer_at(now() + ...)";
char const in_io_context[] = "mioext steady_timer, io_context";
char const in_selector_context[] = "mioext steady_timer, selector_context";

struct named_contender {
  std::string name;
  timers::contender does;
};

std::vector<named_contender> contenders() {
  return {
      {"Asio", timers::asio()},
      {"mioext event_loop", timers::event_loop()},
      {by_point, timers::event_loop_by_point()},
      {"mioext async_event_loop", timers::async_event_loop()},
      {in_io_context, timers::mioext_in_io_context()},
      {in_selector_context, timers::mioext_in_selector_context()},
      {"libuv", timers::libuv()},
      {"libevent", timers::libevent()},
      {"libev", timers::libev()},
  };
}

/// Adds all contenders; `measure` takes one of them.
template <class Measure> bench::comparison with_all(bench::comparison compared, Measure measure) {
  for (named_contender const& each : contenders()) {
    timers::contender const does = each.does;
    compared.add(each.name, [=] { return measure(does); });
  }
  return compared;
}

bench::comparison judged(bench::comparison compared) {
  return compared.require("mioext event_loop", bench::ahead_of_all())
      .require(by_point, bench::ahead_of_all())
      .require("mioext async_event_loop", bench::ahead_of_all());
}

// timer(duration) reads the clock, which costs more than all that libev does in setting a timer. libevent
// is the fastest of those that read it, too.
bench::comparison judged_as_setting(bench::comparison compared) {
  return compared.require("mioext event_loop", bench::ahead_of("libevent"))
      .require(by_point, bench::ahead_of_all())
      .require("mioext async_event_loop", bench::ahead_of("libevent"));
}

// A steady_timer calls a handler, also when it is cancelled, which the libraries in C do not.
bench::comparison judged_as_operations(bench::comparison compared) {
  return compared.require(in_io_context, bench::at_least_as("Asio"))
      .require(in_selector_context, bench::ahead_of_all());
}

} // namespace

int main(int argc, char** argv) {
  using timers::contender;
  constexpr bench::better less = bench::better::less;
  bench::run run("timers", argc, argv);
  std::size_t const count = run.quick() ? 200000 : 1000000;
  std::uint64_t const events = run.quick() ? 20000 : 100000;
  std::string const number = run.quick() ? "200,000 " : "1,000,000 ";

  run.compare(judged_as_setting(with_all(bench::comparison(number + "set", "ns/timer", less),
                                         [=](contender const& does) { return does.set(count); })));
  run.compare(judged_as_operations(
      judged(with_all(bench::comparison(number + "cancelled", "ns/timer", less),
                      [=](contender const& does) { return does.cancel(count); }))));
  run.compare(judged_as_operations(
      with_all(bench::comparison(number + "set and fired", "ns/timer", less, {"set ns", "fire ns"}),
               [=](contender const& does) { return does.set_and_fire(count); })));
  for (bool const sets_anew : {false, true}) {
    std::string const setting =
        std::string("I/O beside 100,000 pending") + (sets_anew ? ", one set anew each time" : "");
    timers::io_work const work = {100000, events, sets_anew};
    run.compare(with_all(bench::comparison(setting, "ns/event", less),
                         [=](contender const& does) { return does.io_beside(work); }));
  }
  return run.finish();
}
