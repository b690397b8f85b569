//
// test/spawn.cpp
// --------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Stackful coroutines wait for the operations. Needs Boost.Context, which is a library: the Jamfile
// builds this where it finds it. spawn() takes a completion token since Boost 1.80.
//

#include <mioext/detail/async/asio_features.hpp>

#if BOOST_ASIO_VERSION >= 102400

#include <exception>
#include <memory>
#include <string>

#include <boost/asio/read.hpp>
#include <boost/asio/spawn.hpp>
#include <boost/asio/write.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include "both_contexts.hpp"
#include "contexts.hpp"
#include "handles.hpp"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MIOEXT_TEST_CANNOT_SWITCH_STACKS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define MIOEXT_TEST_CANNOT_SWITCH_STACKS
#endif
#endif

namespace {

namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::asio::yield_context;
using boost::system::error_code;
using tcp_stream = mioext::stream<mioext::tcp_socket>;

/// These sanitizers take another stack for an error, unless Boost.Context was built for them. What
/// they would look at is tested by others; here it is compiled.
bool can_switch_stacks() {
#ifdef MIOEXT_TEST_CANNOT_SWITCH_STACKS
  BOOST_TEST_MESSAGE("left out under this sanitizer");
  return false;
#else
  return true;
#endif
}

/// Starts one, and counts it when it has ended without an exception.
template <class Context, class Function>
void spawn(Context& context, int& finished, Function function) {
  boost::asio::spawn(
      context,
      [function, &finished](yield_context yield) {
        function(yield);
        ++finished;
      },
      [](std::exception_ptr failure) { BOOST_TEST(!failure); });
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_server_and_a_client_as_coroutines, Context,
                              support::both_contexts) {
  if (!can_switch_stacks()) {
    return;
  }
  Context context;
  mioext::tcp_acceptor acceptor(test::loopback());
  std::string answer(5, '\0');
  int finished = 0;
  spawn(context, finished, [&](yield_context yield) {
    tcp_stream peer(context, mioext::async_accept(context, acceptor, yield));
    char text[5];
    std::size_t const size = boost::asio::async_read(peer, buffer(text), yield);
    boost::asio::async_write(peer, buffer(text, size), yield);
  });
  spawn(context, finished, [&](yield_context yield) {
    tcp_stream stream(context);
    mioext::async_connect(stream, acceptor.local_endpoint(), yield);
    mioext::async_wait(stream, mioext::interest::writable, yield);
    boost::asio::async_write(stream, buffer("hello", 5), yield);
    boost::asio::async_read(stream, buffer(&answer[0], 5), yield);
    error_code ec;
    char byte;
    BOOST_TEST(stream.async_read_some(buffer(&byte, 1), yield[ec]) == 0u);
    BOOST_TEST((ec == error::eof));
  });
  contexts::run(context);
  BOOST_TEST(finished == 2);
  BOOST_TEST(answer == "hello");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_error_is_thrown_where_it_is_waited_for, Context,
                              support::both_contexts) {
  if (!can_switch_stacks()) {
    return;
  }
  Context context;
  int finished = 0;
  spawn(context, finished, [&](yield_context yield) {
    tcp_stream closed(context);
    char byte;
    BOOST_TEST((test::error_of([&] { closed.async_read_some(buffer(&byte, 1), yield); }) ==
                error::bad_descriptor));
    BOOST_TEST((test::error_of([&] {
                  mioext::async_wait(context, -1, mioext::interest::readable, yield);
                }) == error::bad_descriptor));
  });
  contexts::run(context);
  BOOST_TEST(finished == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_context_that_goes_unwinds_a_coroutine_that_waits, Context,
                              support::both_contexts) {
  if (!can_switch_stacks()) {
    return;
  }
  auto const owned = std::make_shared<int>();
  auto sockets = test::tcp_pair();
  bool has_returned = false;
  {
    Context context;
    std::shared_ptr<int> const held = owned;
    boost::asio::spawn(
        context,
        [&context, &sockets, &has_returned, held](yield_context yield) {
          tcp_stream stream(context, std::move(sockets.first));
          char byte;
          stream.async_read_some(buffer(&byte, 1), yield);
          has_returned = true;
        },
        [](std::exception_ptr) {});
    BOOST_TEST(contexts::poll_all(context));
  }
  BOOST_TEST(!has_returned);
  BOOST_TEST(owned.use_count() == 1);
}

#else

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_CASE(nothing_is_tested_with_the_spawn_of_this_boost) { BOOST_TEST(true); }

#endif
