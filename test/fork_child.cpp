//
// test/fork_child.cpp
// -------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a child does with its copy of a loop before notify_fork(), or without ever calling it, is its own
// business: the parent hears of nothing and misses nothing.
//

#include <mioext/event_loop.hpp>

#include <algorithm>
#include <csignal>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>

#include <mioext/pipe.hpp>

#include "child.hpp"
#include "handles.hpp"
#include "support.hpp"
#include "systems.hpp"

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace support;
using boost::asio::io_context;
using mioext::interest;
using mioext::trigger;
using test::in_child;

/// A loop with something of each kind.
struct parent {
  using loop_type = loop_under_test<mioext::token, int>;
  using handler_type = recorder<mioext::token, int>;

  parent() {
    for (std::size_t index = 0; index != sizeof pipes / sizeof *pipes; ++index) {
      loop->register_handle(pipes[index].first, token(index), interest::readable,
                            index == 2 ? trigger::oneshot : trigger::edge);
    }
    loop->register_signal(SIGUSR1);
    sender.reset(new mioext::sender<int>(loop->channel()));
    run_all(*loop, handler);
  }

  ~parent() { loop.reset(); }

  void write(std::size_t index) const {
    BOOST_TEST(::write(pipes[index].second.native_handle(), "x", 1) == 1);
  }

  /// Everything is as if there had been no child.
  void hears_all() {
    handler.on_timer = nullptr;
    handler.calls.clear();
    BOOST_TEST(is_idle(*loop));
    for (std::size_t index = 0; index != sizeof pipes / sizeof *pipes; ++index) {
      handler.calls.clear();
      write(index);
      run_all(*loop, handler);
      BOOST_TEST(handler.calls == strings{"readable token(" + std::to_string(index) + ") data"},
                 boost::test_tools::per_element());
      drain(pipes[index].first.native_handle());
    }
    handler.calls.clear();
    sender->send(1);
    run_all(*loop, handler);
    BOOST_TEST(handler.calls == strings{"notify"}, boost::test_tools::per_element());
    handler.calls.clear();
    ::raise(SIGUSR1);
    run_all(*loop, handler);
    BOOST_TEST(handler.calls == strings{"signal " + std::to_string(SIGUSR1)},
               boost::test_tools::per_element());
    boost::system::error_code ec;
    loop->reregister_handle(pipes[0].first, token(0), interest::readable, ec);
    BOOST_TEST(!ec);
  }

  /// The child is made outside of a handler, and then one inside.
  template <class Act> void outlives(Act act) {
    BOOST_TEST(in_child(act) == 0);
    hears_all();
    loop->reregister_handle(pipes[2].first, token(2), interest::readable, trigger::oneshot);
    int result = -1;
    handler.on_timer = [&](typename handler_type::loop_type&, mioext::token) {
      result = in_child(act);
    };
    loop->timer(seconds(0), token(9));
    BOOST_TEST(run_until(*loop, handler, [&] { return result != -1; }));
    BOOST_TEST(result == 0);
    hears_all();
  }

  std::pair<mioext::pipe_reader, mioext::pipe_writer> pipes[3] = {mioext::pipe(), mioext::pipe(),
                                                                  mioext::pipe()};
  handler_type handler;
  std::unique_ptr<loop_type> loop{new loop_type};
  std::unique_ptr<mioext::sender<int>> sender;
};

boost::unit_test::precondition needs_fork() {
#ifdef MIOEXT_TEST_ASYNC_EVENT_LOOP
  if (test::is_asio_over_io_uring) {
    return test::needs_asio_that_forks();
  }
#endif
  return test::needs_kernel("libkqueue supports no child that goes on without exec");
}

} // namespace

#ifdef MIOEXT_TEST_ASYNC_EVENT_LOOP
BOOST_AUTO_TEST_SUITE(async_fork_child)
#else
BOOST_AUTO_TEST_SUITE(fork_child)
#endif

// --- A child that never calls notify_fork() ------------------------------------------------------

BOOST_AUTO_TEST_CASE(closes_its_copies_of_handles, *needs_fork()) {
  parent test;
  test.outlives([&] {
    for (auto& ends : test.pipes) {
      ends.first.close();
      ends.second.close();
    }
    return 0;
  });
}

BOOST_AUTO_TEST_CASE(deregisters_and_is_told_the_truth, *needs_fork()) {
  parent test;
  test.outlives([&] {
    boost::system::error_code ec;
    test.loop->deregister_handle(test.pipes[0].first, ec);
    if (ec) {
      return 1;
    }
    test.loop->deregister_handle(test.pipes[0].first, ec);
    if (ec != boost::system::errc::no_such_file_or_directory) {
      return 2;
    }
    int const number = test.pipes[1].first.release();
    ::close(number);
    test.loop->deregister_handle(number, ec);
    return ec == boost::system::errc::bad_file_descriptor ? 0 : 3;
  });
}

BOOST_AUTO_TEST_CASE(deregisters_a_signal, *needs_fork()) {
  parent test;
  test.outlives([&] {
    test.loop->deregister_signal(SIGUSR1);
    return 0;
  });
}

BOOST_AUTO_TEST_CASE(registers_and_changes_registrations, *needs_fork()) {
  parent test;
  test.outlives([&] {
    auto other = mioext::pipe();
    test.loop->register_handle(other.first, token(7), interest::readable);
    test.loop->reregister_handle(test.pipes[0].first, token(8), interest::readable);
    test.loop->register_signal(SIGUSR2);
    boost::system::error_code ec;
    test.loop->register_handle(test.pipes[1].first, token(8), interest::readable, ec);
    return ec == boost::system::errc::file_exists ? 0 : 1;
  });
}

BOOST_AUTO_TEST_CASE(watches_changes_and_forgets, *needs_fork()) {
  parent test;
  test.outlives([&] {
    auto other = mioext::pipe();
    test.loop->watch(test.pipes[0].first, token(0), interest::none);
    if (test.loop->deregister_handle(test.pipes[0].first, token(0))) {
      return 1;
    }
    if (!test.loop->deregister_handle(test.pipes[1].first, token(1))) {
      return 2;
    }
    test.loop->watch(other.first, token(7), interest::readable);
    test.loop->watch(test.pipes[2].first, token(8), interest::readable);
    test.loop->watch(test.pipes[1].first, token(1), interest::readable);
    return test.loop->deregister_handle(test.pipes[2].first, token(8)) ? 0 : 3;
  });
}

BOOST_AUTO_TEST_CASE(connects_and_listens, *needs_fork()) {
  parent test;
  test.outlives([&] {
    mioext::tcp_acceptor acceptor(test::loopback());
    mioext::tcp_socket socket;
    test.loop->listen(acceptor, 8, token(7));
    test.loop->connect(socket, acceptor.local_endpoint(), token(8));
    return 0;
  });
}

BOOST_AUTO_TEST_CASE(sends_sets_timers_and_shuts_down, *needs_fork()) {
  parent test;
  test.outlives([&] {
    test.sender->send(1);
    test.loop->timer(milliseconds(1), token(7));
    test.loop->shutdown();
    return test.loop->shutdown_requested() ? 0 : 1;
  });
}

BOOST_AUTO_TEST_CASE(destroys_the_loop, *needs_fork()) {
  parent test;
  BOOST_TEST(in_child([&] {
               test.loop.reset();
               return 0;
             }) == 0);
  test.hears_all();
}

// --- One that goes on ----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(what_it_began_before_notify_fork_works_after_it, *needs_fork()) {
  parent test;
  BOOST_TEST(
      in_child([&] {
        auto other = mioext::pipe();
        test.pipes[0].first.close();
        test.loop->register_handle(other.first, token(7), interest::readable);
        test.loop->reregister_handle(test.pipes[1].first, token(8), interest::readable);
        test.loop->register_signal(SIGUSR2);
        test.loop->deregister_signal(SIGUSR1);
        test.loop->timer(milliseconds(1), token(9));
        test.sender->send(1);
        test.loop->notify_fork(io_context::fork_child);
        ::raise(SIGUSR2);
        if (::write(other.second.native_handle(), "x", 1) != 1 ||
            ::write(test.pipes[1].second.native_handle(), "x", 1) != 1 ||
            ::write(test.pipes[2].second.native_handle(), "x", 1) != 1) {
          return 1;
        }
        if (!run_until(*test.loop, test.handler, [&] { return test.handler.calls.size() >= 6; })) {
          return 2;
        }
        std::sort(test.handler.calls.begin(), test.handler.calls.end());
        return test.handler.calls == strings{"notify",
                                             "readable token(2) data",
                                             "readable token(7) data",
                                             "readable token(8) data",
                                             "signal " + std::to_string(SIGUSR2),
                                             "timer token(9)"}
                   ? 0
                   : 3;
      }) == 0);
  drain(test.pipes[1].first.native_handle());
  drain(test.pipes[2].first.native_handle());
  run_all(*test.loop, test.handler);
  test.loop->reregister_handle(test.pipes[2].first, token(2), interest::readable, trigger::oneshot);
  run_all(*test.loop, test.handler);
  test.hears_all();
}

BOOST_AUTO_TEST_CASE(its_shutdown_from_before_notify_fork_is_not_lost, *needs_fork()) {
  parent test;
  BOOST_TEST(in_child([&] {
               test.sender->send(1);
               test.loop->shutdown();
               test.loop->notify_fork(io_context::fork_child);
               test.loop->run(test.handler);
               return test.handler.calls == strings{"notify"} ? 0 : 1;
             }) == 0);
  test.hears_all();
}

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP // which runs where Asio's own reactor has to know of the fork

// A program that turns itself into a daemon after it has made its loop, for one.
BOOST_AUTO_TEST_CASE(it_runs_the_loop_without_notify_fork, *needs_fork()) {
  parent test;
  test.outlives([&] {
    test.handler.calls.clear();
    auto other = mioext::pipe();
    test.sender->send(1);
    if (test.loop->run_once(test.handler, patience) != 1 ||
        test.handler.calls != strings{"notify"}) {
      return 1;
    }
    test.loop->register_handle(other.first, token(7), interest::readable);
    ::raise(SIGUSR1);
    if (::write(other.second.native_handle(), "x", 1) != 1 ||
        !run_until(*test.loop, test.handler, [&] { return test.handler.calls.size() >= 3; })) {
      return 2;
    }
    return 0;
  });
}

// The event of a oneshot is in the batch that the child has inherited, and is to come once.
BOOST_AUTO_TEST_CASE(a_oneshot_in_its_batch_is_delivered_once, *needs_fork()) {
  mioext::event_loop loop;
  recorder<> handler;
  socket_pair first;
  socket_pair second;
  loop.register_handle(first.near.get(), token(1), interest::readable, trigger::oneshot);
  loop.register_handle(second.near.get(), token(1), interest::readable, trigger::oneshot);
  first.send();
  second.send();
  int result = -1;
  handler.on_readable = [&](mioext::event_loop&, mioext::token, mioext::read_hint) {
    if (result != -1) {
      return;
    }
    result = 0;
    result = in_child([&] {
      loop.notify_fork(io_context::fork_child);
      try {
        loop.run_once(handler, seconds(0)); // what is left of the batch
        loop.run_once(handler, seconds(0));
        loop.run_once(handler, seconds(0));
      } catch (...) {
        return 1;
      }
      return handler.calls.size() == 2 ? 0 : 2;
    });
  };
  run_all(loop, handler);
  BOOST_TEST(result == 0);
  BOOST_TEST(handler.calls.size() == 2u);
}

// It is for both directions, and half of its event has been delivered when the process forks.
BOOST_AUTO_TEST_CASE(a_oneshot_that_is_half_delivered_can_be_armed_again, *needs_fork()) {
  mioext::event_loop loop;
  recorder<> handler;
  socket_pair pair;
  interest const both = interest::readable | interest::writable;
  loop.register_handle(pair.near.get(), token(1), both, trigger::oneshot);
  pair.send();
  int result = -1;
  boost::system::error_code armed = boost::asio::error::not_found;
  handler.on_writable = [&](mioext::event_loop& in, mioext::token name) {
    if (armed) { // once
      in.reregister_handle(pair.near.get(), name, both, trigger::oneshot, armed);
    }
  };
  handler.on_readable = [&](mioext::event_loop&, mioext::token, mioext::read_hint) {
    if (result != -1) {
      return;
    }
    result = 0;
    result = in_child([&] {
      loop.notify_fork(io_context::fork_child);
      boost::system::error_code ec;
      loop.run_once(handler, seconds(0), ec); // the other half
      return armed || ec ? 1 : 0;
    });
  };
  run_all(loop, handler);
  BOOST_TEST(result == 0);
  BOOST_TEST(armed == boost::system::error_code());
}

BOOST_AUTO_TEST_CASE(without_descriptors_it_can_be_tried_again, *needs_fork()) {
  parent test;
  BOOST_TEST(in_child([&] {
               auto other = mioext::pipe();
               boost::system::error_code ec;
               {
                 test::no_descriptors_left const none;
                 test.loop->register_handle(other.first, token(7), interest::readable, ec);
                 if (ec != boost::system::errc::too_many_files_open) {
                   return 1;
                 }
                 test.loop->run_once(test.handler, seconds(0), ec);
                 if (ec != boost::system::errc::too_many_files_open) {
                   return 2;
                 }
                 test.loop->notify_fork(io_context::fork_child, ec);
                 if (ec != boost::system::errc::too_many_files_open) {
                   return 3;
                 }
               }
               test.loop->notify_fork(io_context::fork_child);
               test.loop->register_handle(other.first, token(7), interest::readable);
               if (::write(test.pipes[0].second.native_handle(), "x", 1) != 1) {
                 return 4;
               }
               return run_until(*test.loop, test.handler,
                                [&] { return test.handler.calls.size() == 1; })
                          ? 0
                          : 5;
             }) == 0);
  drain(test.pipes[0].first.native_handle());
  run_all(*test.loop, test.handler);
  test.hears_all();
}

#endif

BOOST_AUTO_TEST_SUITE_END()
