//
// test/sender.cpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Messages from other threads: bounded, in order, none lost, and a sender may outlive its loop.
//

#include <mioext/sender.hpp>

#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <poll.h>

#include <mioext/event_loop.hpp>

#include "support.hpp"
#include "systems.hpp"

BOOST_AUTO_TEST_SUITE(sender)

namespace {

namespace errc = boost::system::errc;
using boost::system::error_code;
using std::chrono::seconds;
using namespace support;

using message = std::unique_ptr<int>; // move-only
using loop_type = mioext::basic_event_loop<mioext::token, message>;
using tested_loop = loop_under_test<mioext::token, message>;
using recorder_type = recorder<mioext::token, message>;

message make(int value) { return message(new int(value)); }

} // namespace

BOOST_AUTO_TEST_CASE(messages_arrive_in_order_and_are_moved) {
  tested_loop loop;
  recorder_type handler;
  std::vector<int> got;
  handler.on_notify = [&](loop_type&, message sent) { got.push_back(*sent); };
  mioext::sender<message> const sender = loop.channel();
  mioext::sender<message> const copy = sender;
  sender.send(make(1));
  copy.send(make(2));
  sender.send(make(3));
  run_all(loop, handler);
  BOOST_TEST(got == (std::vector<int>{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(copyable_messages_are_sent_as_copies) {
  loop_under_test<mioext::token, std::string> loop;
  recorder<mioext::token, std::string> handler;
  std::string const sent = "a message that is too long for the small string optimisation";
  auto const sender = loop.channel();
  sender.send(sent);
  error_code ec;
  BOOST_TEST(sender.send(sent, ec));
  std::vector<std::string> got;
  handler.on_notify = [&](mioext::basic_event_loop<mioext::token, std::string>&,
                          std::string received) { got.push_back(received); };
  run_all(loop, handler);
  BOOST_TEST(got == (std::vector<std::string>{sent, sent}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_full_queue_says_so_and_leaves_the_message_with_the_sender) {
  mioext::event_loop_config config;
  config.message_capacity = 3;
  tested_loop loop(config);
  recorder_type handler;
  auto const sender = loop.channel();
  for (int value = 0; value != 3; ++value) {
    sender.send(make(value));
  }
  message fourth = make(3);
  error_code ec;
  BOOST_TEST(!sender.send(std::move(fourth), ec));
  BOOST_TEST(ec == errc::no_buffer_space);
  BOOST_REQUIRE(fourth);
  BOOST_TEST(*fourth == 3);
  BOOST_CHECK_THROW(sender.send(std::move(fourth)), boost::system::system_error);
  BOOST_REQUIRE(fourth);
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 3u);
  BOOST_TEST(sender.send(std::move(fourth), ec));
  BOOST_TEST(!ec);
  BOOST_TEST(!fourth);
}

BOOST_AUTO_TEST_CASE(the_default_capacity_is_1024) {
  tested_loop loop;
  auto const sender = loop.channel();
  error_code ec;
  int taken = 0;
  while (sender.send(make(taken), ec)) {
    ++taken;
  }
  BOOST_TEST(taken == 1024);
}

BOOST_AUTO_TEST_CASE(a_sender_outlives_its_loop_and_says_so) {
  mioext::sender<message> sender;
  error_code ec;
  message kept = make(7);
  BOOST_TEST(!sender.send(std::move(kept), ec));
  BOOST_TEST(ec == errc::broken_pipe);
  {
    tested_loop loop;
    sender = loop.channel();
    sender.send(make(1)); // destroyed, undelivered
  }
  BOOST_TEST(!sender.send(std::move(kept), ec));
  BOOST_TEST(ec == errc::broken_pipe);
  BOOST_REQUIRE(kept);
  BOOST_TEST(*kept == 7);
}

BOOST_AUTO_TEST_CASE(one_tick_takes_no_more_messages_than_configured) {
  mioext::event_loop_config config;
  config.messages_per_tick = 10;
  tested_loop loop(config);
  recorder_type handler;
  auto const sender = loop.channel();
  for (int value = 0; value != 25; ++value) {
    sender.send(make(value));
  }
  BOOST_TEST(loop.run_once(handler) == 10u);
  BOOST_TEST(loop.run_once(handler) == 10u);
  BOOST_TEST(loop.run_once(handler) == 5u);
}

BOOST_AUTO_TEST_CASE(io_gets_its_turn_between_messages_that_never_end) {
  tested_loop loop;
  recorder_type handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), mioext::interest::readable);
  auto const sender = loop.channel();
  handler.on_notify = [&](loop_type&, message sent) { sender.send(std::move(sent)); };
  handler.on_readable = [](loop_type& in, mioext::token, mioext::read_hint) { in.shutdown(); };
  sender.send(make(1));
  loop.run_once(handler);
  pair.send();
  handler.on_timer = [&](loop_type&, mioext::token) {
    handler.on_notify = nullptr; // lets the shutdown come to an end
  };
  handler.on_readable = [&](loop_type& in, mioext::token, mioext::read_hint) {
    handler.on_notify = nullptr;
    in.shutdown();
  };
  loop.run(handler);
  BOOST_TEST(handler.calls.size() >= 3u);
}

BOOST_AUTO_TEST_CASE(what_was_sent_before_shutdown_is_delivered_first) {
  tested_loop loop;
  recorder_type handler;
  auto const sender = loop.channel();
  for (int value = 0; value != 1000; ++value) { // many ticks' worth
    sender.send(make(value));
  }
  loop.shutdown();
  loop.run(handler);
  BOOST_TEST(handler.calls.size() == 1000u);
}

BOOST_AUTO_TEST_CASE(an_exception_in_the_last_messages_keeps_the_rest_and_the_shutdown) {
  tested_loop loop;
  recorder_type handler;
  auto const sender = loop.channel();
  for (int value = 0; value != 100; ++value) {
    sender.send(make(value));
  }
  loop.shutdown();
  handler.on_notify = [&](loop_type&, message) {
    if (handler.calls.size() == 80) {
      throw std::runtime_error("notify");
    }
  };
  BOOST_CHECK_THROW(loop.run(handler), std::runtime_error);
  BOOST_TEST(handler.calls.size() == 80u);
  loop.run(handler);
  BOOST_TEST(handler.calls.size() == 100u);
}

BOOST_AUTO_TEST_CASE(what_is_sent_before_a_second_shutdown_is_delivered_too) {
  tested_loop loop;
  recorder_type handler;
  auto const sender = loop.channel();
  handler.on_notify = [&](loop_type& in, message sent) {
    if (*sent == 1) { // delivered on the way out
      sender.send(make(2));
      in.shutdown();
    }
  };
  for (int value = 0; value != 100; ++value) {
    sender.send(make(value == 99 ? 1 : 0));
  }
  loop.shutdown();
  loop.run(handler);
  BOOST_TEST(handler.calls.size() == 101u);
  BOOST_TEST(!loop.shutdown_requested());
}

BOOST_AUTO_TEST_CASE(undelivered_messages_go_with_the_loop_even_if_they_hold_a_sender) {
  struct request;
  using requests = loop_under_test<mioext::token, std::unique_ptr<request>>;
  struct request {
    mioext::sender<std::unique_ptr<request>> reply;
    std::shared_ptr<int> witness;
  };
  auto const witness = std::make_shared<int>(0);
  mioext::sender<std::unique_ptr<request>> sender;
  {
    requests loop;
    sender = loop.channel();
    std::unique_ptr<request> sent(new request{sender, witness});
    sender.send(std::move(sent));
  }
  BOOST_TEST(witness.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(a_handler_may_send_to_its_own_loop) {
  tested_loop loop;
  recorder_type handler;
  auto const sender = loop.channel();
  int left = 500;
  handler.on_notify = [&](loop_type& in, message) {
    if (--left != 0) {
      sender.send(make(left));
    } else {
      in.shutdown();
    }
  };
  sender.send(make(0));
  loop.run(handler);
  BOOST_TEST(handler.calls.size() == 500u);
}

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
// The waker is the only thing that makes an idle loop's descriptor readable, so that shows whether a
// send made a system call.
BOOST_AUTO_TEST_CASE(
    only_the_first_send_to_a_sleeping_loop_wakes_it,
    *test::needs_kernel("libkqueue's queue is a pipe's writing end, which nobody can wait for")) {
  loop_type loop;
  recorder_type handler;
  auto const sender = loop.channel();
  auto const is_woken = [&] {
    ::pollfd polled = {loop.native_handle(), POLLIN, 0};
    return ::poll(&polled, 1, 0) == 1;
  };
  BOOST_TEST(!is_woken());
  sender.send(make(1)); // nobody runs the loop: it sleeps
  BOOST_TEST(is_woken());
  handler.on_notify = [&](loop_type&, message sent) {
    if (*sent != 0) {
      sender.send(make(*sent - 1)); // awake now
      BOOST_TEST(!is_woken());
    }
  };
  sender.send(make(5));
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 8u);
  BOOST_TEST(!is_woken());
}
#endif

BOOST_AUTO_TEST_CASE(many_threads_send_and_nothing_is_lost_or_out_of_order) {
  constexpr int senders = 4;
  constexpr int each = 5000;
  using numbered = mioext::basic_event_loop<mioext::token, std::pair<int, int>>;
  mioext::event_loop_config config;
  config.message_capacity = 64; // often full
  loop_under_test<mioext::token, std::pair<int, int>> loop(config);
  recorder<mioext::token, std::pair<int, int>> handler;
  std::vector<int> next(senders);
  int disorder = 0;
  handler.on_notify = [&](numbered&, std::pair<int, int> sent) {
    disorder += next[static_cast<std::size_t>(sent.first)]++ != sent.second ? 1 : 0;
  };
  std::vector<std::thread> threads;
  auto const sender = loop.channel();
  for (int thread = 0; thread != senders; ++thread) {
    threads.emplace_back([thread, sender] {
      for (int count = 0; count != each; ++count) {
        error_code ec;
        while (!sender.send(std::make_pair(thread, count), ec)) {
          std::this_thread::yield();
        }
      }
    });
  }
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() == senders * each; }));
  for (std::thread& thread : threads) {
    thread.join();
  }
  BOOST_TEST(disorder == 0);
}

BOOST_AUTO_TEST_SUITE_END()
