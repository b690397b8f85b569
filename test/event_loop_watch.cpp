//
// test/event_loop_watch.cpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// watch(), and deregistering under a token: for descriptors whose owner says only what he wants from
// now on, and perhaps closes them first. (That nothing to change makes no system call is shown in
// system_call_faults.cpp.)
//

#include <mioext/event_loop.hpp>

#include <climits>
#include <cstddef>
#include <functional>

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>

#include "handles.hpp"
#include "support.hpp"
#include "systems.hpp"

BOOST_AUTO_TEST_SUITE(event_loop_watch)

namespace {

namespace errc = boost::system::errc;
using boost::system::error_code;
using mioext::interest;
using mioext::read_hint;
using mioext::trigger;
using std::chrono::seconds;
using namespace support;

constexpr interest both = interest::readable | interest::writable;

/// Puts `fresh` in the place of what has the number of `closed`, which is closed by that behind the
/// loop's back.
void reuse_number(mioext::detail::file_descriptor const& closed, int fresh) {
  BOOST_REQUIRE(::dup2(fresh, closed.get()) == closed.get());
}

#define CHECK_CALLS(handler, ...)                                                                  \
  BOOST_TEST((handler).calls == (strings{__VA_ARGS__}), boost::test_tools::per_element())

} // namespace

// --- What it does --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(watch_registers_changes_and_forgets) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  int const fd = pair.near.get();
  pair.send();
  loop.watch(fd, token(1), interest::readable);
  loop.run_once(handler, seconds(0));
  CHECK_CALLS(handler, "readable token(1) data");
  handler.calls.clear();
  loop.watch(fd, token(1), interest::writable);
  loop.run_once(handler, seconds(0));
  CHECK_CALLS(handler, "writable token(1)");
  handler.calls.clear();
  loop.watch(fd, token(1), interest::none);
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
  loop.register_handle(fd, token(2), interest::readable); // so it was not registered any more
}

BOOST_AUTO_TEST_CASE(watching_is_level_triggered_unless_told_otherwise) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  pair.send();
  loop.watch(pair.near.get(), token(1), interest::readable);
  for (int tick = 0; tick != 3; ++tick) {
    BOOST_TEST(loop.run_once(handler, seconds(0)) == 1u);
  }
  loop.watch(pair.near.get(), token(1), interest::readable, trigger::edge);
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 1u); // what is there is reported anew
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
  loop.watch(pair.near.get(), token(1), interest::readable, trigger::edge);
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u); // nothing has changed
}

BOOST_AUTO_TEST_CASE(a_oneshot_whose_event_has_come_is_armed_again) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  pair.send();
  for (int round = 0; round != 3; ++round) {
    loop.watch(pair.near.get(), token(1), interest::readable, trigger::oneshot);
    loop.watch(pair.near.get(), token(1), interest::readable, trigger::oneshot);
    BOOST_TEST(loop.run_once(handler, seconds(0)) == 1u);
    BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(an_exclusive_registration_can_be_changed_by_watch,
                     *test::needs_epoll("kqueue has no exclusive")) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  pair.send();
  loop.watch(pair.near.get(), token(1), interest::readable, trigger::exclusive);
  loop.watch(pair.near.get(), token(1), interest::readable, trigger::exclusive);
  loop.run_once(handler, seconds(0));
  loop.watch(pair.near.get(), token(2), interest::readable, trigger::exclusive);
  loop.run_once(handler, seconds(0));
  loop.watch(pair.near.get(), token(3), interest::writable);
  loop.run_once(handler, seconds(0));
  loop.watch(pair.near.get(), token(4), interest::readable, trigger::exclusive);
  loop.run_once(handler, seconds(0));
  CHECK_CALLS(handler, "readable token(1) data", "readable token(2) data", "writable token(3)",
              "readable token(4) data");
}

BOOST_AUTO_TEST_CASE(handles_of_every_kind_can_be_watched) {
  boost::asio::io_context context;
  socket_pair pair;
  boost::asio::posix::stream_descriptor descriptor(context, ::dup(pair.near.get()));
  auto ends = mioext::pipe();
  ends.second.write_some(boost::asio::buffer("x", 1));
  pair.send();
  loop_under_test<> loop;
  recorder<> handler;
  loop.watch(descriptor, token(1), interest::readable);
  loop.watch(ends.first, token(2), interest::readable);
  loop.watch(ends.second, token(3), interest::writable);
  loop.run_once(handler, seconds(0));
  BOOST_TEST(handler.calls.size() == 3u);
  loop.watch(descriptor, token(1), interest::none);
  BOOST_TEST(loop.deregister_handle(ends.first, token(2)));
  loop.watch(ends.second, token(3), interest::none);
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
}

BOOST_AUTO_TEST_CASE(another_token_takes_the_handle_over) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  int const fd = pair.near.get();
  pair.send();
  loop.register_handle(fd, token(1), interest::readable);
  loop.watch(fd, token(2), interest::readable, trigger::edge);
  loop.watch(fd, token(1), interest::none); // is not its any more
  run_all(loop, handler);
  CHECK_CALLS(handler, "readable token(2) data");
  loop.watch(fd, token(2), interest::none);
  pair.send();
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
}

BOOST_AUTO_TEST_CASE(each_mistake_in_watching_has_its_error_and_does_no_harm) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  int const fd = pair.near.get();
  loop.watch(fd, token(1), interest::readable);
  error_code ec;
  loop.watch(fd, token(2), static_cast<interest>(8), ec);
  BOOST_TEST(ec == errc::invalid_argument);
  loop.watch(fd, token(2), interest::readable, trigger::edge | trigger::level, ec);
  BOOST_TEST(ec == errc::invalid_argument);
  BOOST_CHECK_THROW(loop.watch(-1, token(2), interest::readable), boost::system::system_error);
  mioext::detail::file_descriptor const file(::open("/bin/sh", O_RDONLY | O_CLOEXEC));
  loop.watch(file.get(), token(2), interest::readable, ec);
  BOOST_TEST(ec == errc::operation_not_permitted);
  loop.watch(pair.far.get(), token(2), interest::readable, ec);
  BOOST_TEST(!ec); // is cleared
  pair.send();
  loop.run_once(handler, seconds(0));
  CHECK_CALLS(handler, "readable token(1) data");
}

BOOST_AUTO_TEST_CASE(to_forget_what_is_not_there_is_no_error) {
  loop_under_test<> loop;
  socket_pair pair;
  error_code ec = errc::make_error_code(errc::io_error);
  for (int fd : {pair.near.get(), -1, INT_MAX, INT_MIN}) {
    loop.watch(fd, token(1), interest::none);
    loop.watch(fd, token(1), interest::none, ec);
    BOOST_TEST(!ec);
    BOOST_TEST(!loop.deregister_handle(fd, token(1)));
  }
  loop.watch(pair.near.get(), token(1), interest::readable);
  int const closed = pair.near.get();
  pair.near.reset();
  loop.watch(closed, token(1), interest::none);
  BOOST_TEST(!loop.deregister_handle(closed, token(1)));
}

// --- From inside a handler -----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(watching_alike_in_readable_leaves_its_writable) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  pair.send();
  handler.on_readable = [&](mioext::event_loop& inner, mioext::token name, read_hint) {
    inner.watch(pair.near.get(), name, both);
  };
  loop.watch(pair.near.get(), token(1), both);
  loop.run_once(handler, seconds(0));
#ifdef MIOEXT_TEST_ASYNC_EVENT_LOOP
  handler.calls.resize(2); // which may make several ticks
#endif
  CHECK_CALLS(handler, "readable token(1) data", "writable token(1)");
}

BOOST_AUTO_TEST_CASE(watching_for_less_in_readable_prevents_its_writable) {
  for (interest left : {interest::readable, interest::none}) {
    loop_under_test<> loop;
    recorder<> handler;
    socket_pair pair;
    pair.send();
    handler.on_readable = [&](mioext::event_loop& inner, mioext::token name, read_hint) {
      drain(pair.near.get());
      inner.watch(pair.near.get(), name, left);
    };
    loop.watch(pair.near.get(), token(1), both);
    run_all(loop, handler);
    CHECK_CALLS(handler, "readable token(1) data");
  }
}

BOOST_AUTO_TEST_CASE(who_is_taken_over_in_a_batch_gets_no_old_event) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pairs[2];
  for (std::size_t index = 0; index != 2; ++index) {
    pairs[index].send();
    loop.watch(pairs[index].near.get(), token(index), interest::readable, trigger::edge);
  }
  handler.on_readable = [&](mioext::event_loop& inner, mioext::token called, read_hint) {
    if (handler.calls.size() == 1) {
      std::size_t const other = 1 - called.value();
      inner.watch(pairs[other].near.get(), token(7), interest::readable, trigger::edge);
    }
  };
  run_all(loop, handler);
  BOOST_REQUIRE(handler.calls.size() == 2u);
  BOOST_TEST(handler.calls[1] == "readable token(7) data");
}

// --- Numbers that are used again -----------------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_registration_of_a_closed_file_is_not_taken_for_the_new_ones) {
  for (bool is_kept_open : {false, true}) {
    for (bool has_own_token : {false, true}) {
      loop_under_test<> loop;
      recorder<> handler;
      socket_pair old;
      socket_pair fresh;
      int const fd = old.near.get();
      loop.watch(fd, token(1), interest::readable, trigger::edge);
      mioext::detail::file_descriptor const copy(is_kept_open ? ::dup(fd) : -1);
      reuse_number(old.near, fresh.near.get());
      loop.watch(fd, token(has_own_token ? 2 : 1), has_own_token ? interest::readable : both,
                 trigger::edge);
      if (is_kept_open) {
        old.send(); // nobody is told
      }
      fresh.send();
      run_all(loop, handler);
      if (has_own_token) {
        CHECK_CALLS(handler, "readable token(2) data");
      } else {
        CHECK_CALLS(handler, "readable token(1) data", "writable token(1)");
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_oneshot_of_a_closed_file_is_armed_for_the_new_one) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair old;
  socket_pair fresh;
  old.send();
  loop.watch(old.near.get(), token(1), interest::readable, trigger::oneshot);
  run_all(loop, handler);
  reuse_number(old.near, fresh.near.get());
  fresh.send();
  loop.watch(old.near.get(), token(1), interest::readable, trigger::oneshot);
  run_all(loop, handler);
  CHECK_CALLS(handler, "readable token(1) data", "readable token(1) data");
}

BOOST_AUTO_TEST_CASE(a_number_that_cannot_be_watched_any_more_is_not_registered) {
  loop_under_test<> loop;
  error_code ec;
  mioext::detail::file_descriptor const file(::open("/bin/sh", O_RDONLY | O_CLOEXEC));
  for (bool is_watching : {false, true}) {
    socket_pair pair;
    int const fd = pair.near.get();
    loop.register_handle(fd, token(1), interest::readable);
    reuse_number(pair.near, file.get());
    if (is_watching) {
      loop.watch(fd, token(1), interest::writable, ec);
    } else {
      loop.reregister_handle(fd, token(1), interest::writable, ec);
    }
    BOOST_TEST(ec == errc::operation_not_permitted);
    BOOST_TEST(!loop.deregister_handle(fd, token(1)));
  }
  socket_pair pair;
  int const fd = pair.near.get();
  loop.watch(fd, token(1), interest::readable);
  pair.near.reset();
  loop.watch(fd, token(1), interest::writable, ec);
  BOOST_TEST(ec == errc::bad_file_descriptor);
  BOOST_TEST(!loop.deregister_handle(fd, token(1)));
}

BOOST_AUTO_TEST_CASE(who_closes_first_and_tells_afterwards_does_not_harm_the_next_owner) {
  for (bool by_watch : {false, true}) {
    loop_under_test<> loop;
    recorder<> handler;
    socket_pair old;
    socket_pair fresh;
    int const fd = old.near.get();
    loop.register_handle(fd, token(1), interest::readable);
    reuse_number(old.near, fresh.near.get());
    loop.register_handle(fd, token(2), interest::readable);
    if (by_watch) {
      loop.watch(fd, token(1), interest::none);
    } else {
      BOOST_TEST(!loop.deregister_handle(fd, token(1)));
    }
    fresh.send();
    run_all(loop, handler);
    CHECK_CALLS(handler, "readable token(2) data");
    BOOST_TEST(loop.deregister_handle(fd, token(2)));
    BOOST_TEST(!loop.deregister_handle(fd, token(2)));
  }
}

BOOST_AUTO_TEST_CASE(deregistering_under_a_token_takes_back_a_fetched_event) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pairs[2];
  for (std::size_t index = 0; index != 2; ++index) {
    pairs[index].send();
    loop.register_handle(pairs[index].near.get(), token(index), interest::readable);
  }
  handler.on_readable = [&](mioext::event_loop& inner, mioext::token called, read_hint) {
    std::size_t const other = 1 - called.value();
    BOOST_TEST(!inner.deregister_handle(pairs[other].near.get(), called));
    BOOST_TEST(inner.deregister_handle(pairs[other].near.get(), token(other)));
  };
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_pointer_names_the_owner_of_a_number) {
  struct client {
  } first, second;
  loop_under_test<client*> loop;
  recorder<client*> handler;
  socket_pair pair;
  loop.watch(pair.near.get(), &first, interest::readable);
  BOOST_TEST(!loop.deregister_handle(pair.near.get(), &second));
  BOOST_TEST(!loop.deregister_handle(pair.near.get(), nullptr));
  BOOST_TEST(loop.deregister_handle(pair.near.get(), &first));
}

// --- What the loop connects, and where it listens ------------------------------------------------

BOOST_AUTO_TEST_CASE(a_connect_that_is_watched_tells_its_outcome_once) {
  enum class how { alike, by_another, for_reading, not_at_all };
  for (how watched : {how::alike, how::by_another, how::for_reading, how::not_at_all}) {
    loop_under_test<> loop;
    recorder<> handler;
    mioext::tcp_acceptor acceptor(test::loopback());
    acceptor.listen(1);
    mioext::tcp_socket socket;
    loop.connect(socket, acceptor.local_endpoint(), token(1), both, trigger::edge);
    switch (watched) {
    case how::alike:
      loop.watch(socket, token(1), both, trigger::edge);
      break;
    case how::by_another:
      loop.watch(socket, token(2), both, trigger::edge);
      break;
    case how::for_reading:
      loop.watch(socket, token(1), interest::readable);
      break;
    case how::not_at_all:
      loop.watch(socket, token(1), interest::none);
      break;
    }
    if (watched == how::not_at_all) {
      test::wait_for(socket, POLLOUT);
      BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
      continue;
    }
    BOOST_TEST(run_until(loop, handler, [&] { return !handler.calls.empty(); }));
    run_all(loop, handler);
    CHECK_CALLS(handler, watched == how::by_another ? "writable token(2)" : "writable token(1)");
    BOOST_TEST(!socket.take_error());
  }
}

BOOST_AUTO_TEST_CASE(a_connect_that_waits_for_room_can_be_watched) {
  full_listener listener;
  loop_under_test<> loop;
  recorder<> handler;
  mioext::unix_socket sockets[3];
  for (std::size_t index = 0; index != 3; ++index) {
    loop.connect(sockets[index], listener.endpoint, token(index), both, trigger::edge);
  }
  loop.watch(sockets[0], token(0), both, trigger::edge);
  loop.watch(sockets[1], token(7), both, trigger::edge);
  loop.watch(sockets[2], token(2), interest::none);
  listener.drain();
  BOOST_TEST(run_until(loop, handler, [&] {
    listener.drain();
    return handler.calls.size() == 2;
  }));
  BOOST_TEST((handler.calls == strings{"writable token(0)", "writable token(7)"} ||
              handler.calls == strings{"writable token(7)", "writable token(0)"}));
}

BOOST_AUTO_TEST_CASE(a_number_of_a_connect_that_waits_for_room_is_used_again) {
  full_listener listener;
  loop_under_test<> loop;
  recorder<> handler;
  mioext::unix_socket socket;
  loop.connect(socket, listener.endpoint, token(1), both, trigger::edge);
  socket_pair fresh;
  BOOST_REQUIRE(::dup2(fresh.near.get(), socket.native_handle()) == socket.native_handle());
  loop.watch(socket.native_handle(), token(2), interest::writable, trigger::edge);
  run_all(loop, handler);
  CHECK_CALLS(handler, "writable token(2)");
}

BOOST_AUTO_TEST_CASE(a_listener_can_be_watched) {
  loop_under_test<> loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(test::loopback());
  loop.listen(acceptor, 16, token(1));
  loop.watch(acceptor, token(2), interest::readable);
  mioext::tcp_socket socket;
  error_code ec;
  socket.connect(acceptor.local_endpoint(), ec);
  BOOST_TEST(run_until(loop, handler, [&] { return !handler.calls.empty(); }));
  BOOST_TEST(handler.calls.front() == "readable token(2) data");
  BOOST_TEST(loop.deregister_handle(acceptor, token(2)));
}

BOOST_AUTO_TEST_SUITE_END()
