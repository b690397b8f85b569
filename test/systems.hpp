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

#include <boost/asio/version.hpp>
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

/// Whether the contexts of this test wait in io_uring, as Asio calls it when it is to do without epoll.
#if defined(BOOST_ASIO_HAS_IO_URING) && defined(BOOST_ASIO_DISABLE_EPOLL) &&                       \
    !defined(MIOEXT_TEST_SELECTOR_CONTEXT)
constexpr bool is_asio_over_io_uring = true;
#else
constexpr bool is_asio_over_io_uring = false;
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

/// For a process that forks and goes on with its contexts. Over io_uring Asio's own descriptors do not survive
/// that either: its notify_fork() completes a wait that was pending for a ring that both processes share, in one
/// of them only, and a child that destroys its context asks its parent's ring to cancel.
inline boost::unit_test::precondition needs_asio_that_forks() {
  return needs(!is_asio_over_io_uring, "Asio's contexts over io_uring do not survive a fork");
}

/// For a test with many waits of which many are cancelled. Asio before 1.27 gives some entries of the ring no
/// data of their own (its pull request 1215); once 16384 have been used, what the entry had before is taken for
/// it, and operations end that have not, or the program.
inline boost::unit_test::precondition needs_ring_that_may_wrap() {
  return needs(!is_asio_over_io_uring || BOOST_ASIO_VERSION >= 102700,
               "Asio before 1.27 mistakes entries of a ring that has been used up once");
}

/// For a test that counts what run_one() and the like do. Over io_uring Asio counts, also for its own
/// operations, when it hands what was begun to the kernel.
inline boost::unit_test::precondition needs_asio_that_counts_handlers() {
  return needs(!is_asio_over_io_uring, "over io_uring Asio counts its own work as handlers");
}

/// For what Asio's own objects do over io_uring and nowhere else.
inline boost::unit_test::precondition needs_io_uring_of_asio() {
  return needs(is_asio_over_io_uring, "Asio does not wait in io_uring");
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
