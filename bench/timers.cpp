//
// bench/timers.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What timers cost, in processor time: a million that are set and fire, within 300 milliseconds; a million
// that are set and cancelled again in another order; and the events of other descriptors beside 100,000
// pending timers, of which in the second of these settings each event cancels one and sets it anew.
//
// Processor time, because how long it takes until a timer fires is the same for all.
//

#include <string>
#include <vector>

#include "harness.hpp"
#include "timers/work.hpp"

namespace {

struct named_contender {
  std::string name;
  timers::contender does;
};

std::vector<named_contender> contenders() {
  return {
      {"hand-written", timers::hand_written()},
      {"mioext event_loop", timers::event_loop()},
      {"mioext async_event_loop", timers::async_event_loop()},
      {"Asio", timers::asio()},
      {"libuv", timers::libuv()},
      {"libevent", timers::libevent()},
      {"libev", timers::libev()},
  };
}

/// `measure` takes a contender and returns a round's numbers.
template <class Measure>
bench::comparison compare(std::string const& setting, std::string const& unit,
                          std::vector<std::string> const& columns, Measure measure) {
  bench::comparison all(setting, unit, bench::better::less, columns);
  for (named_contender const& each : contenders()) {
    timers::contender const does = each.does;
    all.add(each.name, [=] { return std::vector<double>(measure(does)); });
  }
  return all;
}

bench::comparison ahead_of_peers(bench::comparison compared) {
  for (char const* name : {"mioext event_loop", "mioext async_event_loop"}) {
    compared.require(name, bench::ahead_of_peers());
  }
  return compared;
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("timers", argc, argv);
  std::size_t const count = run.quick() ? 200000 : 1000000;
  std::uint64_t const events = run.quick() ? 20000 : 200000;
  std::string const number = run.quick() ? "200,000 " : "1,000,000 ";

  run.compare(ahead_of_peers(compare(number + "set", "ns/timer", {},
                                     [=](timers::contender const& does) -> std::vector<double> {
                                       return {does.set_and_cancel(count).set};
                                     })));
  run.compare(ahead_of_peers(compare(number + "cancelled", "ns/timer", {"set and cancelled"},
                                     [=](timers::contender const& does) -> std::vector<double> {
                                       timers::costs const costs = does.set_and_cancel(count);
                                       return {costs.end, costs.set + costs.end};
                                     })));
  run.compare(ahead_of_peers(compare(number + "set and fired", "ns/timer", {"set", "fire"},
                                     [=](timers::contender const& does) -> std::vector<double> {
                                       timers::costs const costs = does.set_and_fire(count);
                                       return {costs.set + costs.end, costs.set, costs.end};
                                     })));
  for (bool const sets_anew : {false, true}) {
    run.compare(compare(std::string("I/O beside 100,000 pending") +
                            (sets_anew ? ", one set anew each time" : ""),
                        "ns/event", {}, [=](timers::contender const& does) -> std::vector<double> {
                          return {does.io_beside(timers::io_work{100000, events, sets_anew})};
                        }));
  }
  return run.finish();
}
