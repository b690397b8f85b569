//
// test/handler.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Handlers of every shape are called.
//

#include <mioext/handler.hpp>

#include <mioext/event_loop.hpp>

#include <csignal>

#include <unistd.h>

#include "support.hpp"

namespace {

using namespace support;

int calls = 0;

// Each of these is a natural way to write a handler, and each hides or forbids a plain call.

class with_private_members : public mioext::handler {
  void readable(loop_type&, mioext::token, mioext::read_hint) override { ++calls; }
};

class final_with_private_members final : public mioext::handler {
  void readable(loop_type&, mioext::token, mioext::read_hint) override { ++calls; }
};

struct with_a_data_member_of_that_name final : mioext::handler {
  void readable(loop_type&, mioext::token, mioext::read_hint) override { ++calls; }

  mioext::timeout timer;
};

struct final_and_plain final : mioext::handler {
  void readable(loop_type&, mioext::token, mioext::read_hint) override { ++calls; }
};

struct of_two_loops : mioext::handler, mioext::basic_handler<int*> {
  void readable(mioext::event_loop&, mioext::token, mioext::read_hint) override { ++calls; }
  void readable(mioext::basic_event_loop<int*>&, int*, mioext::read_hint) override { ++calls; }
};

template <class Handler, class Token = mioext::token> void check_called(Token name = Token()) {
  mioext::basic_event_loop<Token> loop;
  socket_pair pair;
  loop.register_handle(pair.near.get(), name, mioext::interest::readable);
  pair.send();
  calls = 0;
  Handler handler;
  BOOST_TEST(loop.run_once(handler) == 1u);
  BOOST_TEST(calls == 1);
}

} // namespace

BOOST_AUTO_TEST_SUITE(handlers)

BOOST_AUTO_TEST_CASE(a_handler_is_called_however_it_arranges_its_members) {
  check_called<with_private_members>();
  check_called<final_with_private_members>();
  check_called<with_a_data_member_of_that_name>();
  check_called<final_and_plain>();
  check_called<of_two_loops>();
  check_called<of_two_loops, int*>(nullptr);
}

BOOST_AUTO_TEST_CASE(a_private_member_for_failing_writes_is_called) {
  struct failing final : mioext::handler {
  private:
    void write_failing(loop_type&, mioext::token, mioext::write_hint) override { ++calls; }
  };
  mioext::event_loop loop;
  socket_pair pair;
  pair.far.reset();
  loop.register_handle(pair.near.get(), token(1), mioext::interest::writable);
  calls = 0;
  failing handler;
  BOOST_TEST(loop.run_once(handler) == 1u);
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(a_handler_that_overrides_nothing_does_nothing) {
  mioext::event_loop loop;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), mioext::interest::readable);
  loop.register_handle(pair.far.get(), token(2), mioext::interest::writable);
  pair.send();
  loop.timer(std::chrono::seconds(0), token(3));
  loop.register_signal(SIGUSR1);
  ::kill(::getpid(), SIGUSR1);
  mioext::handler handler;
  BOOST_TEST(run_until(
      loop, handler, [&] { return loop.time_to_next_timer() == std::chrono::nanoseconds::max(); }));
  BOOST_TEST(loop.run_once(mioext::handler(), std::chrono::seconds(0)) == 0u); // a temporary
}

BOOST_AUTO_TEST_SUITE_END()
