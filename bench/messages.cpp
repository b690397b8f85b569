//
// bench/messages.cpp
// ------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many messages a second other threads can send to a loop. "busy": 1, 2 and 4 producers send as
// fast as they can. "asleep": each waits for an answer before it sends the next, so that with one
// producer every message finds the loop asleep, and with more most do. The loop has the first core,
// the producers have the others: on a machine with two cores they share one. And what a message costs
// while the loop is busy, in instructions and in system calls, which are counted in one thread.
//
// The program calls itself under valgrind: messages circle CONTENDER MESSAGES.
//

#include <cstddef>
#include <cstdint>
#include <string>

#include "harness.hpp"
#include "messages/work.hpp"
#include "own_instructions.hpp"
#include "system_calls.hpp"

namespace {

bench::comparison compare(messages::work const& work) {
  std::string const producers = work.producers == 1 ? " producer" : " producers";
  bench::comparison all((work.is_answered ? "asleep, " : "busy, ") +
                            std::to_string(work.producers) + producers,
                        "messages/s", bench::better::more);
  auto const add = [&](std::string const& name, messages::contender& measured) {
    all.add(name, [&measured, work] { return measured(work); });
  };
  add("eventfd, locked queue", messages::hand_written);
  add("mioext event_loop", messages::event_loop);
  add("mioext async_event_loop", messages::async_event_loop);
  add("mioext async_event_loop in a selector_context", messages::selector_context_loop);
  add("asio::post", messages::asio);
  add("uv_async, locked queue", messages::libuv);
  all.require("mioext event_loop", bench::ahead_of_all());
  for (char const* in_context :
       {"mioext async_event_loop", "mioext async_event_loop in a selector_context"}) {
    all.require(in_context,
                work.is_answered ? bench::ahead_of("asio::post") : bench::ahead_of_all());
  }
  return all;
}

// --- Counts --------------------------------------------------------------------------------------

struct circling {
  char const* name;
  messages::circling_contender* run;
};

circling const all_circling[] = {
    {"eventfd, locked queue", messages::hand_written_circle},
    {"mioext event_loop", messages::event_loop_circle},
    {"mioext async_event_loop", messages::async_event_loop_circle},
    {"mioext async_event_loop in a selector_context", messages::selector_context_circle},
    {"uv_async, locked queue", messages::libuv_circle},
};

int run_circle(char const* index, char const* count) {
  all_circling[std::stoul(index)].run(std::stoull(count));
  return 0;
}

double calls_per_thousand(messages::circling_contender* run) {
  bench::system_calls const less = bench::system_calls_of([run] { run(20000); });
  bench::system_calls const more = bench::system_calls_of([run] { run(60000); });
  return (more.all() - less.all()) / 40;
}

bench::comparison compare_instructions() {
  bench::comparison all("busy: instructions, sender and loop", "instructions a message",
                        bench::better::less);
  std::size_t index = 0;
  for (circling const& each : all_circling) {
    std::string const arguments = "circle " + std::to_string(index++);
    all.add(each.name, [=] { return bench::own_instructions_each(arguments, 20000, 60000); });
  }
  for (char const* own : {"mioext event_loop", "mioext async_event_loop",
                          "mioext async_event_loop in a selector_context"}) {
    all.require(own, bench::ahead_of_all());
  }
  return all.exact();
}

// The others' depend on how many messages are under way: here 500. mioext's do not.
bench::comparison compare_system_calls() {
  bench::comparison all("busy: system calls", "system calls for 1,000 messages",
                        bench::better::less);
  for (circling const& each : all_circling) {
    all.add(each.name, [run = each.run] { return calls_per_thousand(run); });
  }
  return all.require("mioext event_loop", bench::at_most(4))
      .require("mioext async_event_loop", bench::at_most(8))
      .require("mioext async_event_loop in a selector_context", bench::at_most(4))
      .exact();
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "circle") {
    return run_circle(argv[2], argv[3]);
  }
  bench::run run("messages", argc, argv);
  for (bool const is_answered : {false, true}) {
    std::uint32_t const messages =
        is_answered ? (run.quick() ? 1600 : 8000) : (run.quick() ? 400000 : 2000000);
    for (std::uint32_t const producers : {1u, 2u, 4u}) {
      run.compare(compare(messages::work{producers, messages / producers, is_answered}));
    }
  }
  run.compare(compare_instructions());
  run.compare(compare_system_calls());
  return run.finish();
}
