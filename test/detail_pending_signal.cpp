//
// test/detail_pending_signal.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Both ways of taking a pending signal: the one that tells its sender, and the one for systems that
// have only POSIX's older functions.
//

#include <mioext/detail/polling/pending_signal.hpp>

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

namespace {

/// Blocked for as long as it lives.
struct blocked {
  blocked(int first, int second) {
    sigemptyset(&set);
    sigaddset(&set, first);
    sigaddset(&set, second);
    BOOST_REQUIRE(::pthread_sigmask(SIG_BLOCK, &set, &before) == 0);
  }
  ~blocked() { ::pthread_sigmask(SIG_SETMASK, &before, nullptr); }

  sigset_t set;
  sigset_t before;
};

using take_function = bool (*)(sigset_t const&, mioext::signal_info&);

void takes_each_signal_once(take_function take) {
  blocked const signals(SIGUSR1, SIGUSR2);
  mioext::signal_info info;
  info.number = -1;
  BOOST_TEST(!take(signals.set, info));
  BOOST_TEST(info.number == -1);
  BOOST_REQUIRE(::kill(::getpid(), SIGUSR2) == 0);
  BOOST_TEST(take(signals.set, info));
  BOOST_TEST(info.number == SIGUSR2);
  BOOST_TEST(!take(signals.set, info));
  BOOST_REQUIRE(::kill(::getpid(), SIGUSR2) == 0);
  BOOST_REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
  int sum = 0;
  while (take(signals.set, info)) {
    sum += info.number;
  }
  BOOST_TEST(sum == SIGUSR1 + SIGUSR2);
}

void leaves_what_it_is_not_asked_for(take_function take) {
  blocked const signals(SIGUSR1, SIGUSR2);
  sigset_t first;
  sigemptyset(&first);
  sigaddset(&first, SIGUSR1);
  mioext::signal_info info;
  BOOST_REQUIRE(::kill(::getpid(), SIGUSR2) == 0);
  BOOST_TEST(!take(first, info));
  BOOST_TEST(take(signals.set, info));
  BOOST_TEST(info.number == SIGUSR2);
}

} // namespace

BOOST_AUTO_TEST_SUITE(pending_signals)

BOOST_AUTO_TEST_CASE(each_is_taken_once) {
  takes_each_signal_once(mioext::detail::take_pending_signal);
  takes_each_signal_once(mioext::detail::take_pending_signal_by_number);
}

BOOST_AUTO_TEST_CASE(others_stay_pending) {
  leaves_what_it_is_not_asked_for(mioext::detail::take_pending_signal);
  leaves_what_it_is_not_asked_for(mioext::detail::take_pending_signal_by_number);
}

BOOST_AUTO_TEST_CASE(its_sender_is_told_where_the_system_does) {
  blocked const signals(SIGUSR1, SIGUSR2);
  mioext::signal_info info;
  BOOST_REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
  BOOST_REQUIRE(mioext::detail::take_pending_signal(signals.set, info));
#if defined(_POSIX_REALTIME_SIGNALS) && _POSIX_REALTIME_SIGNALS > 0
  BOOST_TEST(info.code == SI_USER);
  BOOST_TEST(info.pid == ::getpid());
  BOOST_TEST(info.uid == ::getuid());
  BOOST_TEST(info.status == 0);
#else
  BOOST_TEST(info.pid == 0);
#endif
}

BOOST_AUTO_TEST_SUITE_END()
