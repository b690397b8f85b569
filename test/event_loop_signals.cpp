//
// test/event_loop_signals.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Signals as calls of the handler.
//

#include <mioext/event_loop.hpp>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <vector>

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "child.hpp"
#include "support.hpp"
#include "systems.hpp"

BOOST_AUTO_TEST_SUITE(event_loop_signals)

namespace {

namespace errc = boost::system::errc;
using boost::system::error_code;
using std::chrono::seconds;
using namespace support;

bool is_blocked(int number) {
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, number) == 1;
}

struct signals {
  signals() {
    handler.on_signal = [this](mioext::event_loop&, mioext::signal_info const& info) {
      infos.push_back(info);
    };
  }

  bool wait_for(std::size_t count) {
    return run_until(loop, handler, [&] { return infos.size() >= count; });
  }

  loop_under_test<> loop;
  recorder<> handler;
  std::vector<mioext::signal_info> infos;
};

} // namespace

BOOST_AUTO_TEST_CASE(
    a_signal_arrives_with_its_sender,
    *test::needs_kernel("libkqueue takes the signal, and its sender, for itself")) {
  signals test;
  test.loop.register_signal(SIGTERM);
  test.loop.register_signal(SIGINT);
  BOOST_REQUIRE(::kill(::getpid(), SIGTERM) == 0);
  BOOST_TEST(test.wait_for(1));
  BOOST_TEST(test.infos[0].number == SIGTERM);
  BOOST_TEST(test.infos[0].code == SI_USER);
  BOOST_TEST(test.infos[0].pid == ::getpid());
  BOOST_TEST(test.infos[0].uid == ::getuid());
  BOOST_REQUIRE(::kill(::getpid(), SIGINT) == 0);
  BOOST_TEST(test.wait_for(2));
  BOOST_TEST(test.infos[1].number == SIGINT);
}

BOOST_AUTO_TEST_CASE(
    the_end_of_a_child_arrives_with_its_status,
    *test::needs_kernel("libkqueue takes the signal, and its sender, for itself")) {
  signals test;
  test.loop.register_signal(SIGCHLD);
  ::pid_t const exits = ::fork();
  if (exits == 0) {
    ::_exit(42);
  }
  BOOST_TEST(test.wait_for(1));
  BOOST_TEST(test.infos[0].number == SIGCHLD);
  BOOST_TEST(test.infos[0].code == CLD_EXITED);
  BOOST_TEST(test.infos[0].pid == exits);
  BOOST_TEST(test.infos[0].status == 42);
  BOOST_REQUIRE(::waitpid(exits, nullptr, 0) == exits);

  ::pid_t const killed = ::fork();
  if (killed == 0) {
    for (;;) {
      ::pause();
    }
  }
  BOOST_REQUIRE(::kill(killed, SIGKILL) == 0);
  BOOST_TEST(test.wait_for(2));
  BOOST_TEST(test.infos[1].code == CLD_KILLED);
  BOOST_TEST(test.infos[1].status == SIGKILL);
  BOOST_REQUIRE(::waitpid(killed, nullptr, 0) == killed);
}

BOOST_AUTO_TEST_CASE(
    real_time_signals_are_counted_and_carry_a_value,
    *test::needs_real_time_signals() *
        test::needs_kernel("libkqueue takes the signal, and its value, for itself")) {
  signals test;
  test.loop.register_signal(test::real_time_signal());
  for (int value = 0; value != 10; ++value) {
    BOOST_REQUIRE(test::send_value(test::real_time_signal(), value));
  }
  BOOST_TEST(test.wait_for(10));
  BOOST_REQUIRE(test.infos.size() == 10u);
  for (int value = 0; value != 10; ++value) {
    BOOST_TEST(test.infos[static_cast<std::size_t>(value)].status == value);
    BOOST_TEST(test.infos[static_cast<std::size_t>(value)].code == SI_QUEUE);
  }
}

BOOST_AUTO_TEST_CASE(a_burst_of_one_ordinary_signal_arrives_at_least_once) {
  signals test;
  test.loop.register_signal(SIGUSR1);
  for (int count = 0; count != 100; ++count) {
    BOOST_REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
  }
  BOOST_TEST(test.wait_for(1));
  run_all(test.loop, test.handler);
  BOOST_TEST(test.infos.size() <= 100u);
}

BOOST_AUTO_TEST_CASE(more_signals_than_a_batch_holds_are_all_delivered,
                     *test::needs_real_time_signals()) {
  mioext::event_loop_config config;
  config.event_capacity = 2;
  loop_under_test<> loop(config);
  recorder<> handler;
  loop.register_signal(test::real_time_signal(1));
  for (int count = 0; count != 7; ++count) {
    BOOST_REQUIRE(test::send_value(test::real_time_signal(1), 0));
  }
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() >= 7; }));
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 7u);
}

BOOST_AUTO_TEST_CASE(an_exception_keeps_the_signals_that_were_pending,
                     *test::needs_real_time_signals()) {
  loop_under_test<> loop;
  recorder<> handler;
  loop.register_signal(test::real_time_signal(1));
  for (int count = 0; count != 3; ++count) {
    BOOST_REQUIRE(test::send_value(test::real_time_signal(1), 0));
  }
  handler.on_signal = [](mioext::event_loop&, mioext::signal_info const&) {
    throw std::runtime_error("signal");
  };
  for (int count = 0; count != 3; ++count) {
    BOOST_CHECK_THROW(loop.run(handler), std::runtime_error);
  }
  handler.on_signal = nullptr;
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 3u);
}

BOOST_AUTO_TEST_CASE(the_mask_is_as_it_was_when_the_loop_goes) {
  sigset_t usr2;
  sigemptyset(&usr2);
  sigaddset(&usr2, SIGUSR2);
  BOOST_REQUIRE(::pthread_sigmask(SIG_BLOCK, &usr2, nullptr) == 0);
  {
    loop_under_test<> loop;
    loop.register_signal(SIGUSR1);
    loop.register_signal(SIGUSR2);
    loop.register_signal(SIGTERM);
    BOOST_TEST(is_blocked(SIGUSR1));
    BOOST_TEST(is_blocked(SIGTERM));
    loop.deregister_signal(SIGUSR1);
    BOOST_TEST(!is_blocked(SIGUSR1));
    BOOST_TEST(is_blocked(SIGTERM));
  }
  BOOST_TEST(!is_blocked(SIGUSR1));
  BOOST_TEST(!is_blocked(SIGTERM));
  BOOST_TEST(is_blocked(SIGUSR2)); // not the loop's doing
  BOOST_REQUIRE(::pthread_sigmask(SIG_UNBLOCK, &usr2, nullptr) == 0);
}

BOOST_AUTO_TEST_CASE(a_signal_that_is_pending_when_the_loop_goes_has_no_effect) {
  {
    loop_under_test<> loop;
    loop.register_signal(SIGUSR1);
    loop.register_signal(SIGTERM);
    BOOST_REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
    BOOST_REQUIRE(::kill(::getpid(), SIGTERM) == 0);
    loop.deregister_signal(SIGUSR1);
  }
  sigset_t pending;
  BOOST_REQUIRE(::sigpending(&pending) == 0); // we are alive, and will be
  BOOST_TEST(sigismember(&pending, SIGUSR1) == 0);
  BOOST_TEST(sigismember(&pending, SIGTERM) == 0);
}

BOOST_AUTO_TEST_CASE(each_mistake_has_its_error) {
  loop_under_test<> loop;
  loop_under_test<> other;
  error_code ec;
  for (int number : {0, -1, 65, 1000, SIGKILL, SIGSTOP}) {
    loop.register_signal(number, ec);
    BOOST_TEST(ec == errc::invalid_argument, number);
  }
  BOOST_CHECK_THROW(loop.register_signal(SIGKILL), boost::system::system_error);
  loop.deregister_signal(0, ec);
  BOOST_TEST(ec == errc::invalid_argument);
  loop.deregister_signal(SIGUSR1, ec);
  BOOST_TEST(ec == errc::no_such_file_or_directory);
  BOOST_CHECK_THROW(loop.deregister_signal(SIGUSR1), boost::system::system_error);

  loop.register_signal(SIGUSR1);
  loop.register_signal(SIGUSR1, ec);
  BOOST_TEST(ec == errc::file_exists);
  other.register_signal(SIGUSR1, ec);
  BOOST_TEST(ec == errc::device_or_resource_busy);
  BOOST_TEST(is_blocked(SIGUSR1));
  loop.deregister_signal(SIGUSR1);
  other.register_signal(SIGUSR1, ec);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(a_loop_that_goes_gives_its_signals_to_the_next) {
  for (int round = 0; round != 3; ++round) {
    signals test;
    test.loop.register_signal(SIGUSR1);
    BOOST_REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
    BOOST_TEST(test.wait_for(1));
  }
}

BOOST_AUTO_TEST_CASE(signals_are_registered_and_deregistered_inside_calls) {
  loop_under_test<> loop;
  recorder<> handler;
  loop.register_signal(SIGUSR1);
  handler.on_signal = [](mioext::event_loop& in, mioext::signal_info const& info) {
    in.deregister_signal(info.number);
    if (info.number == SIGUSR1) {
      in.register_signal(SIGUSR2);
      BOOST_REQUIRE(::kill(::getpid(), SIGUSR2) == 0);
    }
  };
  BOOST_REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() == 2; }));
  BOOST_TEST(!is_blocked(SIGUSR1));
  BOOST_TEST(!is_blocked(SIGUSR2));
}

BOOST_AUTO_TEST_CASE(threads_started_after_registering_leave_the_signal_to_the_loop) {
  signals test;
  test.loop.register_signal(SIGUSR1);
  std::thread other([] { ::kill(::getpid(), SIGUSR1); });
  other.join();
  BOOST_TEST(test.wait_for(1));
}

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
BOOST_AUTO_TEST_CASE(a_child_after_fork_takes_its_own_signals,
                     *test::needs_kernel("libkqueue supports no child that goes on without exec")) {
  loop_under_test<> loop;
  loop.register_signal(SIGUSR1);
  BOOST_TEST(test::in_child([&] {
               enum fork_event { fork_child };
               recorder<> handler;
               loop.notify_fork(fork_child);
               ::kill(::getpid(), SIGUSR1);
               return loop.run_once(handler, patience) == 1 && handler.calls.size() == 1 ? 0 : 1;
             }) == 0);
  recorder<> handler;
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u); // the child's was the child's
}
#endif

BOOST_AUTO_TEST_SUITE_END()
