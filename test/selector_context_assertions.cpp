//
// test/selector_context_assertions.cpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A selector_context notices when a second thread runs it, or uses its streams while it is run. Here its
// assertions are counted in the place of ending the program.
//

#define BOOST_ENABLE_ASSERT_HANDLER

#include <mioext/selector_context.hpp>

#include <atomic>
#include <thread>

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/stream.hpp>
#include <mioext/unix.hpp>

namespace {

std::atomic<int> failed_assertions(0);

/// Does it in another thread, while this one waits inside a function of the context's. Returns how many
/// assertions have failed.
template <class Function> int in_another_thread(mioext::selector_context& context, Function act) {
  failed_assertions = 0;
  boost::asio::post(context, [&act] { std::thread(act).join(); });
  context.restart();
  context.run_one();
  return failed_assertions;
}

} // namespace

namespace boost {

void assertion_failed(char const*, char const*, char const*, long) { ++failed_assertions; }
void assertion_failed_msg(char const*, char const*, char const*, char const*, long) {
  ++failed_assertions;
}

} // namespace boost

BOOST_AUTO_TEST_CASE(a_second_thread_that_runs_it_fails_an_assertion) {
  mioext::selector_context context;
  BOOST_TEST(in_another_thread(context, [&context] { context.poll(); }) == 1);
  BOOST_TEST(in_another_thread(context, [&context] { context.poll_one(); }) == 1);
}

BOOST_AUTO_TEST_CASE(another_thread_that_uses_its_streams_fails_an_assertion) {
  mioext::selector_context context;
  auto sockets = mioext::unix_socket::pair();
  mioext::stream<mioext::unix_socket> stream(context, std::move(sockets.first));
  char byte = 0;
  BOOST_TEST(in_another_thread(context, [&] {
               stream.async_read_some(boost::asio::buffer(&byte, 1),
                                      [](boost::system::error_code const&, std::size_t) {});
             }) >= 1);
  BOOST_TEST(in_another_thread(context, [&] { stream.cancel(); }) >= 1);
}

BOOST_AUTO_TEST_CASE(what_any_thread_may_do_fails_none) {
  mioext::selector_context context;
  auto sockets = mioext::unix_socket::pair();
  mioext::stream<mioext::unix_socket> stream(context, std::move(sockets.first));
  char byte = 0;
  BOOST_TEST(in_another_thread(context, [&context] {
               boost::asio::post(context, [] {});
               context.stop();
               static_cast<void>(context.stopped());
             }) == 0);
  // While nobody runs it, and in its own thread.
  auto const reads = [&] {
    stream.async_read_some(boost::asio::buffer(&byte, 1),
                           [](boost::system::error_code const&, std::size_t) {});
  };
  std::thread(reads).join();
  stream.cancel();
  context.restart();
  boost::asio::post(context, reads);
  boost::asio::post(context, [&] {
    context.poll_one();
    stream.cancel();
  });
  context.run();
  // One thread after the other.
  context.restart();
  std::thread([&context] { context.run(); }).join();
  BOOST_TEST(failed_assertions == 0);
}
