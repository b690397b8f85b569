//
// test/no_allocation.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// In steady state the event loop allocates nothing: neither for I/O, nor for timers, messages and
// signals.
//

#include <mioext/event_loop.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <new>
#include <vector>

#include <unistd.h>

#include "allocations.hpp"
#include "support.hpp"
#include "systems.hpp"

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace support;
using loop_type = mioext::basic_event_loop<mioext::token, int>;

// Everything goes round: a byte, a timer, a message, a registration, a signal now and then.
struct busy final : mioext::basic_handler<mioext::token, int> {
  explicit busy(loop_type& loop) : sender(loop.channel()) {
    for (std::size_t index = 0; index != pairs.size(); ++index) {
      loop.register_handle(pairs[index].near.get(), token(index), mioext::interest::readable);
      pairs[index].send();
    }
    sender.send(0);
    loop.timer(milliseconds(1), token(0));
    loop.register_signal(SIGUSR1);
  }

  void readable(loop_type& loop, mioext::token called, mioext::read_hint) override {
    ++reads;
    socket_pair& pair = pairs[called.value()];
    char byte;
    if (::read(pair.near.get(), &byte, 1) == 1 && ::write(pair.far.get(), &byte, 1) == 1) {
      loop.deregister_handle(pair.near.get());
      loop.register_handle(pair.near.get(), called, mioext::interest::readable);
    }
  }

  void timer(loop_type& loop, mioext::token called) override {
    ++timers;
    loop.clear_timer(loop.timer(seconds(60), called));
    mioext::timeout const set = loop.timer_at(loop.now() + milliseconds(2), called);
    loop.reset_timer(set, seconds(60));
    loop.reset_timer(set, loop.now() + milliseconds(1));
    ::kill(::getpid(), SIGUSR1);
  }

  void notify(loop_type&, int count) override {
    ++messages;
    sender.send(count + 1);
  }

  void signal(loop_type&, mioext::signal_info const&) override { ++signals; }

  mioext::sender<int> sender;
  std::vector<socket_pair> pairs{10};
  std::size_t reads = 0;
  std::size_t timers = 0;
  std::size_t messages = 0;
  std::size_t signals = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_busy_loop_allocates_nothing) {
  loop_type loop;
  busy handler(loop);
  auto const run_until_timers = [&](std::size_t count) {
    while (handler.timers < count) {
      loop.run_once(handler);
    }
  };
  run_until_timers(3);
#ifndef MIOEXT_TEST_CANNOT_COUNT
  std::size_t const before = allocations;
  run_until_timers(50);
  std::size_t const after = allocations;
  BOOST_TEST(after == before);
  BOOST_TEST(before > 0u); // the counter counts
#else
  run_until_timers(50);
#endif
  BOOST_TEST(handler.reads >= 100u);
  BOOST_TEST(handler.messages >= 100u);
  // libkqueue takes them in a thread of its own first, and several may be one by then.
  BOOST_TEST(handler.signals >= (test::has_libkqueue ? 1u : 40u));
}
