//
// test/plug_in.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A plug-in closes handles that the program's loops watch. Where the program exports its symbols, the two
// share what mioext keeps for a process, and the loops hear of it; where it does not, each has its own, and
// they do not. Linked for both; the first argument says which it is, "shares" or not, the second is the
// path of the plug-in.
//

#include <atomic>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <dlfcn.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/selector_service.hpp>

#include "child.hpp"
#include "contexts.hpp"
#include "plug_in/library.hpp"
#include "support.hpp"

namespace {

using namespace support;
using mioext::interest;

std::string argument(int index) {
  auto const& suite = boost::unit_test::framework::master_test_suite();
  BOOST_REQUIRE(suite.argc == 3);
  return suite.argv[index];
}

bool shares() { return argument(1) == "shares"; }

/// Loaded once, by itself.
template <class Function> Function* loaded(char const* name) {
  static void* const library = ::dlopen(argument(2).c_str(), RTLD_NOW | RTLD_LOCAL);
  BOOST_REQUIRE_MESSAGE(library, ::dlerror());
  void* const found = ::dlsym(library, name);
  BOOST_REQUIRE_MESSAGE(found, ::dlerror());
  return reinterpret_cast<Function*>(found);
}

void close_in_plug_in(mioext::pipe_reader& reader) {
  loaded<decltype(test_plug_in_close)>("test_plug_in_close")(&reader);
}

/// Runs until nothing is left to do and there were so many calls. (A plug-in that has a service of its own has a
/// reactor of its own, too, and that one's thread calls the handlers.)
void run_until_called(boost::asio::io_context& context, std::atomic<int> const& calls,
                      int expected) {
  contexts::run(context);
  auto const deadline = std::chrono::steady_clock::now() + patience;
  while (calls.load() != expected && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::yield();
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(plug_in)

// Both are ready in one batch, and the first to be told of closes the other.
BOOST_AUTO_TEST_CASE(a_handle_that_a_plug_in_closes_in_a_handler_is_heard_of_where_it_can_be) {
  mioext::event_loop loop;
  recorder<> handler;
  auto first = mioext::pipe();
  auto second = mioext::pipe();
  loop.register_handle(first.first, token(1), interest::readable);
  loop.register_handle(second.first, token(2), interest::readable);
  first.second.write_some(boost::asio::buffer("x", 1));
  second.second.write_some(boost::asio::buffer("x", 1));
  handler.on_readable = [&](mioext::event_loop&, mioext::token told, mioext::read_hint) {
    mioext::pipe_reader& other = told == token(1) ? second.first : first.first;
    if (other.is_open()) {
      close_in_plug_in(other);
    }
  };
  run_all(loop, handler);
  // The second event is stale: a token that is a pointer would lead nowhere.
  BOOST_TEST(handler.calls.size() == (shares() ? 1u : 2u));
}

BOOST_AUTO_TEST_CASE(a_wait_for_a_handle_that_a_plug_in_closes_ends_where_that_is_heard_of) {
  boost::asio::io_context context;
  auto ends = mioext::pipe();
  contexts::outcome readable;
  mioext::async_wait(context, ends.first, interest::readable, contexts::into(readable));
  BOOST_TEST(contexts::poll_all(context));
  close_in_plug_in(ends.first);
  if (shares()) {
    contexts::run(context);
    BOOST_TEST(readable == contexts::ended(boost::asio::error::operation_aborted));
  } else {
    BOOST_TEST(contexts::poll_all(context)); // and would wait for ever
    BOOST_TEST(readable.calls == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_signal_is_taken_once_where_that_can_be_known) {
  mioext::event_loop loop;
  loop.register_signal(SIGUSR1);
  int const error = loaded<decltype(test_plug_in_take_signal)>("test_plug_in_take_signal")(SIGUSR1);
  BOOST_TEST(error == (shares() ? EBUSY : 0));
}

// What the service is found by is its type. Where the standard library goes by the type's name, the plug-in's
// code uses what the program's has made, and the other way round: both go by what belongs to the one that
// made it. libc++ goes by the address of what describes the type; then each has a service of its own.
BOOST_AUTO_TEST_CASE(a_context_of_the_program_serves_a_plug_in_too) {
  auto const begin_in_plug_in = loaded<decltype(test_plug_in_wait)>("test_plug_in_wait");
  std::atomic<int> calls(0);
  // Each context comes to the address of the one before, and its service must not: who then still looks
  // there finds this.
  std::vector<std::vector<char>> where_services_were;
  for (int round = 0; round != 3; ++round) {
    for (int copy = 0; copy != 8; ++copy) {
      where_services_were.emplace_back(sizeof(mioext::selector_service), '\0');
    }
    boost::asio::io_context context;
    auto const& own = boost::asio::use_service<mioext::selector_service>(context);
    void const* const of_plug_in =
        loaded<decltype(test_plug_in_service)>("test_plug_in_service")(&context);
#ifdef _LIBCPP_VERSION
    BOOST_TEST_MESSAGE("one service for both: " << (of_plug_in == &own));
#else
    BOOST_TEST(of_plug_in == &own);
#endif
    auto first = mioext::pipe();
    auto second = mioext::pipe();
    begin_in_plug_in(&context, first.second.native_handle(), &calls);
    mioext::async_wait(context, second.second, interest::writable,
                       [&calls](boost::system::error_code const& ec) { calls += !ec; });
    run_until_called(context, calls, 3 * round + 2);
    // Each is closed by the other one.
    close_in_plug_in(second.first);
    first.second.close();
    begin_in_plug_in(&context, second.second.native_handle(), &calls);
    run_until_called(context, calls, 3 * round + 3);
    second.second.close();
  }
  BOOST_TEST(calls == 9);
}

// The plug-in's code need not know which thread runs the context: it is the context that knows.
BOOST_AUTO_TEST_CASE(a_selector_context_of_the_program_serves_a_plug_in_too) {
  auto const begin_in_plug_in =
      loaded<decltype(test_plug_in_wait_and_post)>("test_plug_in_wait_and_post");
  mioext::selector_context context;
  auto ends = mioext::pipe();
  std::atomic<int> calls(0);
  begin_in_plug_in(&context, ends.second.native_handle(), &calls); // while nobody runs it
  contexts::run(context);
  BOOST_TEST(calls == 2);
  boost::asio::post(context, [&] { // and in a function of its own
    begin_in_plug_in(&context, ends.second.native_handle(), &calls);
  });
  contexts::run(context);
  BOOST_TEST(calls == 4);
}

BOOST_AUTO_TEST_CASE(a_child_serves_a_plug_in_too) {
  boost::asio::io_context context;
  boost::asio::use_service<mioext::selector_service>(context);
  context.notify_fork(boost::asio::io_context::fork_prepare);
  BOOST_TEST(test::in_child(
                 [&] {
                   context.notify_fork(boost::asio::io_context::fork_child);
                   std::atomic<int> calls(0);
                   auto ends = mioext::pipe();
                   loaded<decltype(test_plug_in_wait)>("test_plug_in_wait")(
                       &context, ends.second.native_handle(), &calls);
                   run_until_called(context, calls, 1);
                   return calls == 1 ? 0 : 1;
                 },
                 [&] { context.notify_fork(boost::asio::io_context::fork_parent); }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
