//
// bench/context_instructions.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many instructions, in the program, the work of a server costs in a selector_context, with mioext in
// an io_context, and with Asio's sockets in an io_context: round trips of four bytes with async_read and
// async_write at both ends of Unix sockets, waits for a bare descriptor, connections that are made, used
// once and closed, functions that are posted by functions and by another thread.
//
// The program calls itself under valgrind: context_instructions do WORK CONTEXT
// CONNECTIONS REPETITIONS.
//

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <mioext/selector_context.hpp>

#include "context_work.hpp"
#include "harness.hpp"
#include "own_instructions.hpp"

namespace {

// --- The program -------------------------------------------------------------------------------------

struct kind {
  char const* name;
  work* in_io_context;
  work* in_selector_context;
  work* as_guest;
  work* as_guest_of_one;
  work* as_bare_guest = nullptr;
  work* as_bare_guest_of_one = nullptr;
};

kind const kinds[] = {
    {"round_typed", go_round<io_context, io_context::executor_type>,
     go_round<selector_context, selector_context::executor_type>,
     go_round<guest_context, io_context::executor_type>,
     go_round<guest_of_one, io_context::executor_type>},
    {"round_any", go_round<io_context, boost::asio::any_io_executor>,
     go_round<selector_context, boost::asio::any_io_executor>,
     go_round<guest_context, boost::asio::any_io_executor>,
     go_round<guest_of_one, boost::asio::any_io_executor>},
    {"wait", wait_among_thousand<io_context, void>, wait_among_thousand<selector_context, void>,
     wait_among_thousand<guest_context, void>, wait_among_thousand<guest_of_one, void>,
     wait_among_thousand<bare_guest, void>, wait_among_thousand<bare_guest_of_one, void>},
    {"visit", visit<io_context, void>, visit<selector_context, void>, visit<guest_context, void>,
     visit<guest_of_one, void>, bare_visit<bare_guest, void>, bare_visit<bare_guest_of_one, void>},
    {"post", post_inside<io_context, void>, post_inside<selector_context, void>, nullptr, nullptr},
    {"post_from_thread", post_from_thread<io_context, void>,
     post_from_thread<selector_context, void>, nullptr, nullptr},
};

int do_work(std::string const& name, std::string const& context, std::string const& connections,
            std::string const& repetitions) {
  if (!bench::allow_descriptors(4096)) {
    return 2;
  }
  for (kind const& each : kinds) {
    if (name == each.name) {
      work* const chosen = context == "io"         ? each.in_io_context
                           : context == "guest"    ? each.as_guest
                           : context == "one"      ? each.as_guest_of_one
                           : context == "bare"     ? each.as_bare_guest
                           : context == "bare_one" ? each.as_bare_guest_of_one
                                                   : each.in_selector_context;
      chosen(std::stoul(connections), std::stoull(repetitions));
      return 0;
    }
  }
  return 2;
}

void add_instructions(bench::comparison& all, std::string const& contender,
                      std::string const& done_as, std::string const& connections) {
  all.add(contender, [=] {
    return bench::own_instructions_each("do " + done_as + ' ' + connections, 2000, 6000);
  });
}

bench::comparison compare(std::string const& setting, std::string const& name,
                          std::string const& connections, bench::limit const& limit) {
  bench::comparison all(setting, "instructions", bench::better::less);
  add_instructions(all, "Asio, io_context", name + " io", connections);
  add_instructions(all, "mioext, selector_context", name + " selector", connections);
  return all.require("mioext, selector_context", limit).exact();
}

// The same beside mioext in an io_context, which is judged where the service knows that one thread runs it.
bench::comparison compare_guest(std::string const& setting, std::string const& name,
                                std::string const& connections, bench::limit const& limit,
                                bench::limit const& guest_limit) {
  bench::comparison all = compare(setting, name, connections, limit);
  add_instructions(all, "mioext, io_context", name + " guest", connections);
  add_instructions(all, "mioext, io_context, one thread", name + " one", connections);
  return all.require("mioext, io_context, one thread", guest_limit);
}

// Beside them what no guest can do with less, which is not judged.
bench::comparison with_bare_guest(bench::comparison all, std::string const& name,
                                  std::string const& connections) {
  add_instructions(all, "bare guest, io_context", name + " bare", connections);
  add_instructions(all, "bare guest, io_context, one thread", name + " bare_one", connections);
  return all;
}

bench::comparison compare_waits(std::string const& active, bench::limit const& guest_limit) {
  return with_bare_guest(compare_guest("async_wait, " + active + " of 1,000 active, an event",
                                       "wait", active, bench::at_most_ratio(0.6), guest_limit),
                         "wait", active);
}

bench::comparison compare_visits() {
  return with_bare_guest(compare_guest("accept, connect, one byte, close", "visit", "1",
                                       bench::at_most_ratio(0.61), bench::at_most_ratio(0.93)),
                         "visit", "1");
}

// --- The time that posting takes, which is shown and not judged --------------------------------------

double nanoseconds_each(work* posts, std::size_t functions, std::uint64_t repetitions) {
  auto const begin = std::chrono::steady_clock::now();
  posts(functions, repetitions);
  std::chrono::duration<double, std::nano> const taken = std::chrono::steady_clock::now() - begin;
  return taken.count() / static_cast<double>(repetitions);
}

bench::comparison compare_time(std::string const& setting, work* in_io_context,
                               work* in_selector_context, std::size_t functions,
                               std::uint64_t repetitions) {
  bench::comparison all(setting, "ns", bench::better::less);
  all.add("Asio, io_context",
          [=] { return nanoseconds_each(in_io_context, functions, repetitions); });
  all.add("mioext, selector_context",
          [=] { return nanoseconds_each(in_selector_context, functions, repetitions); });
  return all;
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 6 && std::string(argv[1]) == "do") {
    return do_work(argv[2], argv[3], argv[4], argv[5]);
  }
  bench::run run("context_instructions", argc, argv);
  using bench::at_most_ratio;
  run.compare(compare_guest("round trip, 1 connection", "round_typed", "1", at_most_ratio(0.4),
                            at_most_ratio(0.78)));
  run.compare(compare_guest("round trip, 100 connections", "round_typed", "100", at_most_ratio(0.4),
                            at_most_ratio(0.7)));
  run.compare(
      compare("round trip, any_io_executor, 1 connection", "round_any", "1", at_most_ratio(0.55)));
  run.compare(compare("round trip, any_io_executor, 100 connections", "round_any", "100",
                      at_most_ratio(0.55)));
  // With room for what looking at the 1,000 descriptors twice a second adds where the machine is busy.
  run.compare(compare_waits("1", at_most_ratio(1.1)));
  run.compare(compare_waits("10", at_most_ratio(1)));
  run.compare(compare_waits("100", at_most_ratio(0.97)));
  run.compare(compare_visits());
  run.compare(compare("post from inside", "post", "1", at_most_ratio(1 / 3.0)));
  run.compare(compare("post from inside, 100 at a time", "post", "100", at_most_ratio(1 / 3.0)));
  run.compare(compare("post from another thread, 500 at a time", "post_from_thread", "500",
                      at_most_ratio(0.5)));
  std::uint64_t const posts = run.quick() ? 100000 : 5000000;
  run.compare(compare_time("post from inside: time", post_inside<io_context, void>,
                           post_inside<selector_context, void>, 100, posts));
  run.compare(compare_time("post from another thread, 500 at a time: time",
                           post_from_thread<io_context, void>,
                           post_from_thread<selector_context, void>, 500, posts));
  return run.finish();
}
