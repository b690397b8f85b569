//
// test/event_loop_hostile.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Hostile and unlucky peers, as an event loop tells of them.
//

#include <mioext/event_loop.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>

#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "handles.hpp"
#include "hostile.hpp"
#include "support.hpp"
#include "systems.hpp"

BOOST_AUTO_TEST_SUITE(event_loop_hostile)

namespace {

namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::asio::ip::tcp;
using boost::system::error_code;
using mioext::interest;
using mioext::read_hint;
using mioext::trigger;
using std::chrono::milliseconds;
using namespace support;

constexpr interest both = interest::readable | interest::writable;

/// Delivers what is there, until nothing comes any more.
template <class Loop, class Handler> void settle(Loop& loop, Handler& handler) {
  run_all(loop, handler);
  handler.calls.clear();
}

/// True if the loop goes on: what is sent through it arrives.
template <class Loop> bool still_works(Loop& loop) {
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(99), interest::readable);
  pair.send();
  bool const works = run_until(loop, handler, [&] {
    return std::count(handler.calls.begin(), handler.calls.end(), "readable token(99) data") == 1;
  });
  loop.deregister_handle(pair.near.get());
  return works;
}

/// What of the loop's own can be asked for.
struct registration {
  interest wanted;
  trigger how;
};

std::ostream& operator<<(std::ostream& stream, registration const& printed) {
  return stream << printed.wanted << ", " << printed.how;
}

std::vector<registration> all_registrations() {
  std::vector<registration> all;
  for (interest const wanted : {interest::readable, interest::writable, both}) {
    for (trigger const how : {trigger::edge, trigger::level, trigger::edge | trigger::oneshot}) {
      all.push_back({wanted, how});
    }
  }
  return all;
}

/// What the peer did before its reset.
enum class stage { nothing, sent_something, shut_down, got_something, left_no_room };

constexpr stage all_stages[] = {stage::nothing, stage::sent_something, stage::shut_down,
                                stage::got_something, stage::left_no_room};

char const* name(stage printed) {
  static char const* const names[] = {"nothing", "sent something", "shut down", "got something",
                                      "left no room"};
  return names[static_cast<int>(printed)];
}

void reach(stage wanted, mioext::tcp_socket& socket, mioext::tcp_socket& peer) {
  switch (wanted) {
  case stage::nothing:
    break;
  case stage::sent_something:
    peer.write_some(buffer("x", 1));
    test::wait_for(socket, POLLIN);
    break;
  case stage::shut_down:
    peer.shutdown(boost::asio::socket_base::shutdown_send);
    test::wait_for(socket, POLLIN);
    break;
  case stage::got_something:
    socket.write_some(buffer("x", 1));
    test::wait_for(peer, POLLIN);
    break;
  case stage::left_no_room:
    hostile::fill(socket);
    break;
  }
}

/// Reads what is there, and returns the error that comes after it: none while the connection lives.
error_code read_to_error(mioext::tcp_socket& socket) {
  char data[256];
  error_code ec;
  while (!ec) {
    socket.read_some(buffer(data), ec);
  }
  return ec == error::would_block || ec == error::eof ? socket.take_error() : ec;
}

} // namespace

// --- Resets ----------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_reset_at_any_stage_is_told_to_every_registration) {
  for (stage const reached : all_stages) {
    for (registration const& registered : all_registrations()) {
      BOOST_TEST_CONTEXT(name(reached) << "; " << registered) {
        loop_under_test<> loop;
        recorder<> handler;
        auto sockets = test::tcp_pair();
        loop.register_handle(sockets.first, token(1), registered.wanted, registered.how);
        reach(reached, sockets.first, sockets.second);
        if (registered.how == trigger::level) {
          loop.run_once(handler, milliseconds(0)); // which would not end by itself
          handler.calls.clear();
        } else {
          settle(loop, handler);
        }
        if ((registered.how & trigger::oneshot) == trigger::oneshot) {
          loop.reregister_handle(sockets.first, token(1), registered.wanted, registered.how);
        }
        hostile::reset(sockets.second);
        // There may be calls for what came before the reset, too.
        error_code ec;
        BOOST_TEST(run_until(loop, handler, [&] {
          if (handler.calls.empty()) {
            return false;
          }
          ec = read_to_error(sockets.first);
          if (!ec && (registered.how & trigger::oneshot) == trigger::oneshot) {
            loop.reregister_handle(sockets.first, token(1), registered.wanted, registered.how);
          }
          handler.calls.clear();
          return !!ec;
        }));
        // After its end a reset is told as what it means for those who write.
        BOOST_TEST(ec ==
                   (reached == stage::shut_down ? error::broken_pipe : error::connection_reset));
        sockets.first.close();
        BOOST_TEST(still_works(loop));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_reset_comes_with_the_hint_of_an_error) {
  loop_under_test<> loop;
  recorder<> handler;
  auto sockets = test::tcp_pair();
  loop.register_handle(sockets.first, token(1), interest::readable);
  hostile::reset(sockets.second);
  BOOST_TEST(run_until(loop, handler, [&] { return !handler.calls.empty(); }));
  BOOST_TEST(handler.calls == (strings{"readable token(1) error"}),
             boost::test_tools::per_element());
  BOOST_TEST(sockets.first.take_error() == error::connection_reset);
}

BOOST_AUTO_TEST_CASE(one_that_resets_before_it_is_accepted_does_not_hold_up_the_next) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(test::loopback());
  loop.listen(acceptor, 16, token(1));
  mioext::tcp_socket impatient;
  test::connect(impatient, acceptor.local_endpoint());
  hostile::reset(impatient);
  mioext::tcp_socket patient;
  test::connect(patient, acceptor.local_endpoint());
  patient.write_some(buffer("hello", 5));

  // Some systems hand out a connection that is none any more, others pass it over.
  std::vector<mioext::tcp_socket> accepted;
  std::string received;
  std::size_t gone = 0;
  handler.on_readable = [&](mioext::event_loop& called, mioext::token from, read_hint) {
    if (from == token(1)) {
      error_code ec;
      for (;;) {
        mioext::tcp_socket next = acceptor.accept(ec);
        if (ec == error::would_block) {
          return;
        }
        if (!ec) {
          accepted.push_back(std::move(next));
          called.register_handle(accepted.back(), token(1 + accepted.size()), interest::readable);
        }
      }
    }
    char data[16];
    error_code ec;
    std::size_t const size = accepted[from.value() - 2].read_some(buffer(data), ec);
    received.append(data, size);
    gone += ec == error::connection_reset;
  };
  BOOST_TEST(run_until(loop, handler, [&] { return received == "hello"; }));
  BOOST_TEST(gone + 1 == accepted.size());
}

// --- Gone without a word ---------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(one_that_vanished_is_noticed_by_what_is_sent_to_it) {
  loop_under_test<> loop;
  recorder<> handler;
  auto sockets = test::tcp_pair();
  loop.register_handle(sockets.first, token(1), interest::readable);
  if (!hostile::vanish(sockets.second)) {
    BOOST_TEST_MESSAGE("not checked: only root on Linux can close a connection without a word");
    return;
  }
  BOOST_TEST(loop.run_once(handler, milliseconds(50)) == 0u); // the connection is half-open
  BOOST_TEST(sockets.first.write_some(buffer("are you there?", 14)) == 14u);
  BOOST_TEST(run_until(loop, handler, [&] { return !handler.calls.empty(); }));
  BOOST_TEST(handler.calls == (strings{"readable token(1) error"}),
             boost::test_tools::per_element());
  BOOST_TEST(sockets.first.take_error() == error::connection_reset);
}

// --- Slow ones -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(bytes_that_come_one_at_a_time_are_all_told_of_by_every_trigger) {
  std::string const sent(500, 'x');
  for (trigger const how : {trigger::edge, trigger::level, trigger::edge | trigger::oneshot}) {
    BOOST_TEST_CONTEXT(how) {
      loop_under_test<> loop;
      recorder<> handler;
      auto sockets = test::tcp_pair();
      sockets.second.set_option(tcp::no_delay(true));
      loop.register_handle(sockets.first, token(1), interest::readable, how);
      std::string received;
      handler.on_readable = [&](mioext::event_loop& called, mioext::token, read_hint) {
        received += drain(sockets.first.native_handle());
        if ((how & trigger::oneshot) == trigger::oneshot) {
          called.reregister_handle(sockets.first, token(1), interest::readable, how);
        }
      };
      for (std::size_t count = 1; count <= sent.size(); ++count) {
        sockets.second.write_some(buffer("x", 1));
        BOOST_REQUIRE(run_until(loop, handler, [&] { return received.size() == count; }));
      }
      BOOST_TEST(received == sent);
      BOOST_TEST(handler.calls.size() == sent.size()); // one byte, one call
    }
  }
}

BOOST_AUTO_TEST_CASE(one_that_does_not_read_for_long_costs_no_wake_up_and_gets_all_in_the_end) {
  loop_under_test<> loop;
  recorder<> handler;
  auto sockets = test::tcp_pair();
  std::size_t sent = hostile::fill(sockets.first);
  loop.register_handle(sockets.first, token(1), interest::writable);
  settle(loop, handler);
  // The system goes on asking the peer for room by itself.
  loop.timer(std::chrono::seconds(1), token(2));
  BOOST_TEST(run_until(loop, handler, [&] { return !handler.calls.empty(); }));
  BOOST_TEST(handler.calls == (strings{"timer token(2)"}), boost::test_tools::per_element());
  handler.calls.clear();

  std::size_t received = drain(sockets.second.native_handle()).size();
  BOOST_TEST(run_until(loop, handler, [&] {
    received += drain(sockets.second.native_handle()).size();
    return !handler.calls.empty();
  }));
  BOOST_TEST(handler.calls.front() == "writable token(1)");
  sent += sockets.first.write_some(buffer("end", 3));
  sockets.first.shutdown(boost::asio::socket_base::shutdown_send);
  char data[16384];
  for (error_code ec; ec != error::eof;) {
    test::wait_for(sockets.second, POLLIN);
    received += sockets.second.read_some(buffer(data), ec);
    BOOST_REQUIRE((!ec || ec == error::would_block || ec == error::eof));
  }
  BOOST_TEST(received == sent);
}

// --- Many ------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_thousand_that_say_nothing_are_no_work_and_each_end_is_told_once) {
  constexpr std::size_t count = 1000;
  if (!hostile::allow_descriptors(2 * count + 100)) {
    BOOST_TEST_MESSAGE("not checked: no process may have so many descriptors here");
    return;
  }
  std::size_t const before = test::open_descriptors();
  {
    loop_under_test<> loop;
    recorder<> handler;
    mioext::tcp_acceptor acceptor(test::loopback());
    loop.listen(acceptor, 16, token(0));
    std::vector<mioext::tcp_socket> accepted;
    std::vector<int> ends(count + 1);
    handler.on_readable = [&](mioext::event_loop& called, mioext::token from, read_hint) {
      if (from == token(0)) {
        error_code ec;
        for (;;) {
          mioext::tcp_socket next = acceptor.accept(ec);
          if (ec) {
            return;
          }
          accepted.push_back(std::move(next));
          called.register_handle(accepted.back(), token(accepted.size()), interest::readable);
        }
      }
      ++ends[from.value()];
      accepted[from.value() - 1].close();
    };
    std::vector<mioext::tcp_socket> silent(count);
    for (std::size_t index = 0; index != count; ++index) {
      test::connect(silent[index], acceptor.local_endpoint());
      BOOST_REQUIRE(run_until(loop, handler, [&] { return accepted.size() == index + 1; }));
    }
    run_all(loop, handler);
    BOOST_TEST(is_idle(loop));
    handler.calls.clear();

    for (std::size_t index = 0; index != count; ++index) {
      index % 2 ? hostile::reset(silent[index]) : silent[index].close();
    }
    BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() >= count; }));
    run_all(loop, handler);
    BOOST_TEST(std::count(ends.begin() + 1, ends.end(), 1) == std::ptrdiff_t(count));
    BOOST_TEST(still_works(loop));
  }
  BOOST_TEST(test::open_descriptors() == before);
}

// --- Unlucky connects ------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_backlog_that_is_full_for_seconds_is_waited_for,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  full_listener listener;
  std::vector<mioext::unix_socket> waiting(20);
  for (std::size_t index = 0; index != waiting.size(); ++index) {
    loop.connect(waiting[index], listener.endpoint, token(index));
  }
  loop.timer(std::chrono::seconds(2), token(99));
  BOOST_TEST(run_until(loop, handler, [&] { return !handler.calls.empty(); }));
  BOOST_TEST(handler.calls == (strings{"timer token(99)"}), boost::test_tools::per_element());
  handler.calls.clear();
  BOOST_TEST(run_until(loop, handler, [&] {
    listener.drain();
    return handler.calls.size() >= waiting.size();
  }));
  strings expected;
  for (std::size_t index = 0; index != waiting.size(); ++index) {
    expected.push_back("writable " + to_string(token(index)));
    BOOST_TEST(!waiting[index].take_error());
  }
  std::sort(handler.calls.begin(), handler.calls.end());
  std::sort(expected.begin(), expected.end());
  BOOST_TEST(handler.calls == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_listener_whose_process_is_killed_refuses_those_who_wait,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  loop_under_test<> loop;
  recorder<> handler;
  hostile::listener_elsewhere listener;
  mioext::unix_socket socket;
  loop.connect(socket, listener.endpoint(), token(1));
  loop.timer(milliseconds(100), token(2));
  handler.on_timer = [&](mioext::event_loop&, mioext::token) { listener.kill(); };
  error_code outcome;
  handler.on_writable = [&](mioext::event_loop&, mioext::token) { outcome = socket.take_error(); };
  BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() >= 2; }));
  BOOST_TEST(handler.calls == (strings{"timer token(2)", "writable token(1)"}),
             boost::test_tools::per_element());
  BOOST_TEST(outcome == error::connection_refused);
}

BOOST_AUTO_TEST_CASE(a_connect_that_finds_no_port_says_so_and_can_be_tried_again) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(test::loopback());
  hostile::last_port ports(acceptor.local_endpoint());
  mioext::tcp_socket socket = ports.socket();
  error_code ec;
  loop.connect(socket, acceptor.local_endpoint(), token(1), interest::writable, trigger::edge, ec);
  BOOST_TEST((ec == boost::system::errc::address_not_available || ec == error::address_in_use));
  loop.deregister_handle(socket, ec);
  BOOST_TEST(ec == boost::system::errc::no_such_file_or_directory); // nothing is registered
  run_all(loop, handler);
  BOOST_TEST(handler.calls.empty());

  ports.give_back();
  loop.connect(socket, acceptor.local_endpoint(), token(1));
  BOOST_TEST(run_until(loop, handler, [&] { return !handler.calls.empty(); }));
  BOOST_TEST(handler.calls == (strings{"writable token(1)"}), boost::test_tools::per_element());
  BOOST_TEST(!socket.take_error());
}

BOOST_AUTO_TEST_SUITE_END()
