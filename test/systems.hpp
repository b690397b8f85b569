//
// test/systems.hpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a test needs of the system, and why it is passed over where the system has it not:
//
//   BOOST_AUTO_TEST_CASE(name, *test::needs_epoll("the reason")) { ... }
//

#ifndef MIOEXT_TEST_SYSTEMS_HPP
#define MIOEXT_TEST_SYSTEMS_HPP

#include <signal.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include <mioext/detail/polling/selector.hpp>

namespace test {

#ifdef MIOEXT_USE_EPOLL
constexpr bool has_epoll = true;
#else
constexpr bool has_epoll = false;
#endif

#ifdef LIBKQUEUE
constexpr bool has_libkqueue = true;
#else
constexpr bool has_libkqueue = false;
#endif

#ifdef __linux__
constexpr bool has_linux = true;
#else
constexpr bool has_linux = false;
#endif

/// Real-time signals are queued, each with a value. Where there are none, an ordinary one stands in
/// for what is to compile.
#ifdef SIGRTMIN
constexpr bool has_real_time_signals = true;
inline int real_time_signal(int offset = 0) { return SIGRTMIN + offset; }
inline bool send_value(int number, int value) {
  ::sigval sent = ::sigval(); // the other part of it goes along
  sent.sival_int = value;
  return ::sigqueue(::getpid(), number, sent) == 0;
}
#else
constexpr bool has_real_time_signals = false;
inline int real_time_signal(int = 0) { return SIGUSR1; }
inline bool send_value(int number, int) { return ::kill(::getpid(), number) == 0; }
#endif

inline boost::unit_test::precondition needs(bool is_there, char const* reason) {
  return boost::unit_test::precondition([=](boost::unit_test::test_unit_id) {
    boost::test_tools::assertion_result result(is_there);
    result.message() << reason;
    return result;
  });
}

/// For what kqueue does otherwise, or not at all.
inline boost::unit_test::precondition needs_epoll(char const* reason) {
  return needs(has_epoll, reason);
}

/// For what libkqueue cannot show of a kqueue.
inline boost::unit_test::precondition needs_kernel(char const* reason) {
  return needs(!has_libkqueue, reason);
}

/// For what only Linux's sockets or signals do, whichever the selector.
inline boost::unit_test::precondition needs_linux(char const* reason) {
  return needs(has_linux, reason);
}

inline boost::unit_test::precondition needs_real_time_signals() {
  return needs(has_real_time_signals, "the system has no signals that are queued");
}

} // namespace test

#endif // MIOEXT_TEST_SYSTEMS_HPP
