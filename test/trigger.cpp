//
// test/trigger.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The bitmask of triggers, and how each of them reports a handle.
//

#include <mioext/trigger.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <sstream>
#include <string>
#include <thread>

#include <sys/socket.h>
#include <unistd.h>

#include <mioext/poller.hpp>
#include <mioext/waker.hpp>

#include "handles.hpp"
#include "systems.hpp"

using mioext::contains;
using mioext::interest;
using mioext::trigger;

namespace {

mioext::token const name(3);
mioext::token const stop(99);

std::string printed(trigger how) {
  std::ostringstream stream;
  stream << how;
  return stream.str();
}

/// The set whose bits are those of `number`.
trigger set_of(unsigned number) { return static_cast<trigger>(number); }

unsigned const all = 15;

/// A pipe and a poller that watches its reading end. All in one thread, so that what is written is
/// seen by the very next look.
struct watched_pipe {
  explicit watched_pipe(trigger how) : events(4) {
    poller.registry().register_handle(pipe.reader(), name, interest::readable, how);
  }

  void write() { BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1); }

  void read() {
    char byte;
    BOOST_REQUIRE(::read(pipe.reader(), &byte, 1) == 1);
  }

  /// Whether a poll reports it at this moment.
  bool is_reported() {
    std::size_t const count = poller.poll(events, std::chrono::seconds(0));
    BOOST_REQUIRE(count <= 1);
    return count == 1 && events[0].token() == name && events[0].is_readable();
  }

  void rearm(trigger how) {
    poller.registry().reregister_handle(pipe.reader(), name, interest::readable, how);
  }

  bool is_registered() {
    boost::system::error_code ec;
    poller.registry().register_handle(pipe.reader(), name, interest::readable, ec);
    return ec == boost::system::errc::file_exists;
  }

  test::raw_pipe pipe;
  mioext::poller poller;
  mioext::events events;
};

} // namespace

BOOST_AUTO_TEST_SUITE(triggers)

BOOST_AUTO_TEST_CASE(every_set_prints_its_names) {
  char const* const names[] = {"edge", "level", "oneshot", "exclusive"};
  BOOST_TEST(printed(trigger()) == "none");
  for (unsigned set = 1; set <= all; ++set) {
    std::string expected;
    for (unsigned bit = 0; bit != 4; ++bit) {
      if (set & (1u << bit)) {
        expected += (expected.empty() ? "" : "|") + std::string(names[bit]);
      }
    }
    BOOST_TEST(printed(set_of(set)) == expected);
  }
  BOOST_TEST(printed(trigger::oneshot | trigger::level) == "level|oneshot");
}

BOOST_AUTO_TEST_CASE(the_operators_are_those_of_sets) {
  for (unsigned left = 0; left <= all; ++left) {
    BOOST_TEST(~set_of(left) == set_of(all & ~left));
    for (unsigned right = 0; right <= all; ++right) {
      BOOST_TEST_CONTEXT(set_of(left) << " and " << set_of(right)) {
        BOOST_TEST((set_of(left) | set_of(right)) == set_of(left | right));
        BOOST_TEST((set_of(left) & set_of(right)) == set_of(left & right));
        BOOST_TEST((set_of(left) ^ set_of(right)) == set_of(left ^ right));
        BOOST_TEST(contains(set_of(left), set_of(right)) == ((left & right) == right));
      }
    }
  }
}

// Edge.

BOOST_AUTO_TEST_CASE(edge_reports_once_and_again_when_more_comes) {
  for (trigger how : {trigger::edge, trigger()}) {
    watched_pipe watched(how);
    BOOST_TEST(!watched.is_reported());
    watched.write();
    BOOST_TEST(watched.is_reported());
    BOOST_TEST(!watched.is_reported());
    watched.write();
    BOOST_TEST(watched.is_reported());
    BOOST_TEST(!watched.is_reported());
  }
}

BOOST_AUTO_TEST_CASE(edge_reports_what_was_there_before_the_registration) {
  test::raw_pipe pipe;
  BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1);
  mioext::poller poller;
  mioext::events events(4);
  poller.registry().register_handle(pipe.reader(), name, interest::readable);
  BOOST_TEST(poller.poll(events, std::chrono::seconds(0)) == 1u);
  BOOST_TEST(poller.poll(events, std::chrono::seconds(0)) == 0u);
}

BOOST_AUTO_TEST_CASE(edge_reports_again_after_a_reregistration) {
  watched_pipe watched(trigger::edge);
  watched.write();
  BOOST_TEST(watched.is_reported());
  BOOST_TEST(!watched.is_reported());
  watched.rearm(trigger::edge);
  BOOST_TEST(watched.is_reported());
  BOOST_TEST(!watched.is_reported());
}

BOOST_AUTO_TEST_CASE(edge_does_not_report_what_was_read_before_the_poll) {
  watched_pipe watched(trigger::edge);
  watched.write();
  watched.read();
  BOOST_TEST(!watched.is_reported());
}

// Level.

BOOST_AUTO_TEST_CASE(level_reports_for_as_long_as_it_lasts) {
  watched_pipe watched(trigger::level);
  BOOST_TEST(!watched.is_reported());
  watched.write();
  BOOST_TEST(watched.is_reported());
  BOOST_TEST(watched.is_reported());
  BOOST_TEST(watched.is_reported());
  watched.read();
  BOOST_TEST(!watched.is_reported());
}

BOOST_AUTO_TEST_CASE(a_reregistration_changes_from_edge_to_level_and_back) {
  watched_pipe watched(trigger::edge);
  watched.write();
  BOOST_TEST(watched.is_reported());
  watched.rearm(trigger::level);
  BOOST_TEST(watched.is_reported());
  BOOST_TEST(watched.is_reported());
  watched.rearm(trigger::edge);
  BOOST_TEST(watched.is_reported());
  BOOST_TEST(!watched.is_reported());
}

// Oneshot.

BOOST_AUTO_TEST_CASE(oneshot_reports_once_until_reregistered) {
  for (trigger how :
       {trigger::oneshot, trigger::oneshot | trigger::edge, trigger::oneshot | trigger::level}) {
    BOOST_TEST_CONTEXT(how) {
      watched_pipe watched(how);
      BOOST_TEST(!watched.is_reported());
      watched.write();
      BOOST_TEST(watched.is_reported());
      BOOST_TEST(!watched.is_reported());
      watched.write();
      BOOST_TEST(!watched.is_reported());
      watched.rearm(how);
      BOOST_TEST(watched.is_reported());
      BOOST_TEST(!watched.is_reported());
    }
  }
}

BOOST_AUTO_TEST_CASE(oneshot_stays_registered_after_its_event) {
  watched_pipe watched(trigger::oneshot);
  watched.write();
  BOOST_TEST(watched.is_reported());
  BOOST_TEST(watched.is_registered());
  watched.poller.registry().deregister_handle(watched.pipe.reader());
  BOOST_TEST(!watched.is_registered());
}

BOOST_AUTO_TEST_CASE(a_spent_oneshot_reports_no_hang_up_until_reregistered) {
  watched_pipe watched(trigger::oneshot);
  watched.write();
  BOOST_TEST(watched.is_reported());
  watched.pipe.close_writer();
  BOOST_TEST(!watched.is_reported());
  watched.rearm(trigger::oneshot);
  BOOST_TEST(watched.is_reported());
  BOOST_TEST(watched.events[0].is_read_closed());
}

BOOST_AUTO_TEST_CASE(oneshot_spends_itself_on_either_kind) {
  int fds[2];
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  mioext::detail::file_descriptor const near(fds[0]);
  mioext::detail::file_descriptor const far(fds[1]);
  mioext::poller poller;
  mioext::events events(4);
  poller.registry().register_handle(near.get(), name, interest::readable | interest::writable,
                                    trigger::oneshot);
  BOOST_TEST(poller.poll(events, std::chrono::seconds(0)) == 1u);
  BOOST_REQUIRE(::send(far.get(), "x", 1, 0) == 1);
  BOOST_TEST(poller.poll(events, std::chrono::seconds(0)) == 0u);
}

// Exclusive.

BOOST_AUTO_TEST_CASE(exclusive_reports_as_edge_or_level_do,
                     *test::needs_epoll("kqueue has no exclusive")) {
  for (trigger how : {trigger::exclusive, trigger::exclusive | trigger::edge}) {
    watched_pipe watched(how);
    BOOST_TEST(!watched.is_reported());
    watched.write();
    BOOST_TEST(watched.is_reported());
    BOOST_TEST(!watched.is_reported());
    watched.write();
    BOOST_TEST(watched.is_reported());
  }
  watched_pipe watched(trigger::exclusive | trigger::level);
  watched.write();
  BOOST_TEST(watched.is_reported());
  BOOST_TEST(watched.is_reported());
  watched.read();
  BOOST_TEST(!watched.is_reported());
}

BOOST_AUTO_TEST_CASE(exclusive_reports_hang_ups, *test::needs_epoll("kqueue has no exclusive")) {
  watched_pipe watched(trigger::exclusive);
  watched.write();
  watched.pipe.close_writer();
  BOOST_TEST(watched.is_reported());
  BOOST_TEST(watched.events[0].is_read_closed());
}

BOOST_AUTO_TEST_CASE(exclusive_reports_a_half_close_as_readable,
                     *test::needs_epoll("kqueue has no exclusive")) {
  auto sockets = test::tcp_pair();
  mioext::poller poller;
  mioext::events events(4);
  poller.registry().register_handle(sockets.second, name, interest::readable, trigger::exclusive);
  sockets.first.shutdown(boost::asio::socket_base::shutdown_send);
  BOOST_REQUIRE(poller.poll(events, std::chrono::seconds(30)) == 1u);
  BOOST_TEST(events[0].is_readable());
  BOOST_TEST(!events[0].is_read_closed());
}

namespace {

/// A thread that polls a poller of its own, which watches what all of them watch.
class waiting_thread {
public:
  waiting_thread(int shared, trigger how) : events_(4), waker_(poller_.registry(), stop) {
    poller_.registry().register_handle(shared, name, interest::readable, how);
  }

  /// Polls until woken by the waker, and counts whether the shared handle was reported.
  void start() {
    told_ = false;
    polling_ = false;
    thread_ = std::thread([this] {
      for (bool stopped = false; !stopped;) {
        polling_ = true;
        poller_.poll(events_);
        for (mioext::event const& event : events_) {
          (event.token() == stop ? stopped : told_) = true;
        }
      }
    });
  }

  bool is_polling() const { return polling_; }

  /// Whether the shared handle was reported.
  bool finish() {
    waker_.wake();
    thread_.join();
    return told_;
  }

private:
  mioext::poller poller_;
  mioext::events events_;
  mioext::waker waker_;
  std::thread thread_;
  std::atomic<bool> polling_;
  bool told_ = false;
};

/// Lets two threads wait for one handle, makes it ready, and returns how many of them were told.
template <class MakeReady> int how_many_are_told(int shared, trigger how, MakeReady make_ready) {
  waiting_thread first(shared, how);
  waiting_thread second(shared, how);
  first.start();
  second.start();
  while (!first.is_polling() || !second.is_polling()) {
    std::this_thread::yield();
  }
  // They are about to poll; the more often they are let go first, the likelier they are in it.
  for (int turn = 0; turn != 100; ++turn) {
    std::this_thread::yield();
  }
  make_ready();
  int const told = first.finish();
  return told + second.finish();
}

} // namespace

// Who is not waiting at that moment is told when it polls, so one round may show two who are told.
BOOST_AUTO_TEST_CASE(exclusive_pollers_of_one_pipe_are_not_all_woken,
                     *test::needs_epoll("kqueue has no exclusive")) {
  bool one_was_spared = false;
  for (int round = 0; round != 2000 && !one_was_spared; ++round) {
    test::raw_pipe pipe;
    int const told = how_many_are_told(pipe.reader(), trigger::exclusive,
                                       [&] { BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1); });
    BOOST_REQUIRE_MESSAGE(told >= 1, "nobody was told");
    one_was_spared = told == 1;
  }
  BOOST_TEST(one_was_spared);
}

BOOST_AUTO_TEST_CASE(exclusive_pollers_of_one_listener_are_not_all_woken,
                     *test::needs_epoll("kqueue has no exclusive")) {
  bool one_was_spared = false;
  for (int round = 0; round != 2000 && !one_was_spared; ++round) {
    mioext::tcp_acceptor acceptor(test::loopback());
    mioext::tcp_socket client;
    int const told =
        how_many_are_told(acceptor.native_handle(), trigger::exclusive | trigger::level,
                          [&] { test::connect(client, acceptor.local_endpoint()); });
    BOOST_REQUIRE_MESSAGE(told >= 1, "nobody was told");
    one_was_spared = told == 1;
  }
  BOOST_TEST(one_was_spared);
}

BOOST_AUTO_TEST_CASE(without_exclusive_all_are_woken) {
  for (int round = 0; round != 20; ++round) {
    test::raw_pipe pipe;
    int const told = how_many_are_told(pipe.reader(), trigger::edge,
                                       [&] { BOOST_REQUIRE(::write(pipe.writer(), "x", 1) == 1); });
    BOOST_TEST(told == 2);
  }
}

BOOST_AUTO_TEST_SUITE_END()
