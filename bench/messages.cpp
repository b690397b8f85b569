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
// the producers have the others: on a machine with two cores they share one.
//

#include <string>

#include "harness.hpp"
#include "messages/work.hpp"

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
  all.require("mioext async_event_loop", bench::ahead_of("asio::post"));
  return all;
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("messages", argc, argv);
  for (bool const is_answered : {false, true}) {
    std::uint32_t const messages =
        is_answered ? (run.quick() ? 1600 : 8000) : (run.quick() ? 400000 : 2000000);
    for (std::uint32_t const producers : {1u, 2u, 4u}) {
      run.compare(compare(messages::work{producers, messages / producers, is_answered}));
    }
  }
  return run.finish();
}
