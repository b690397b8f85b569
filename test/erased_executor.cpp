//
// test/erased_executor.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <mioext/stream.hpp>
#include <mioext/unix.hpp>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/require.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/strand.hpp>
#include <boost/system/error_code.hpp>
#include <boost/test/unit_test.hpp>

#include "both_contexts.hpp"

/// Boost 1.74's any_io_executor gives its target as whatever it is asked for, and a strand begins with
/// an io_context's executor: the handler was called outside of the strand.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_strand_whose_type_is_erased_is_not_taken_for_its_contexts_executor,
                              Context, support::both_contexts) {
  Context context;
  auto const strand = boost::asio::make_strand(context);
  auto ends = mioext::unix_socket::pair();
  mioext::stream<mioext::unix_socket> stream(boost::asio::any_io_executor(strand),
                                             std::move(ends.first));
  bool is_called = false;
  bool is_inside = false;
  char data[1];
  stream.async_read_some(boost::asio::buffer(data),
                         [&](boost::system::error_code const&, std::size_t) {
                           is_called = true;
                           is_inside = strand.running_in_this_thread();
                         });
  boost::system::error_code ec;
  ends.second.write_some(boost::asio::buffer("x", 1), ec);
  BOOST_TEST(!ec);
  context.run();
  BOOST_TEST(is_called);
  BOOST_TEST(is_inside);
}

namespace {

template <class Executor>
void check_that_what_is_queued_goes(Executor (*executor)(boost::asio::io_context&)) {
  std::unique_ptr<boost::asio::io_context> context(new boost::asio::io_context);
  auto ends = mioext::unix_socket::pair();
  auto const kept = std::make_shared<int>();
  bool is_called = false;
  {
    mioext::stream<mioext::unix_socket, Executor> stream(executor(*context), std::move(ends.first));
    for (int times = 0; times != 2; ++times) {
      stream.async_wait(boost::asio::socket_base::wait_read,
                        [&is_called, kept](boost::system::error_code const&) { is_called = true; });
      BOOST_TEST(kept.use_count() == 2);
      boost::system::error_code ec;
      stream.cancel(ec);
      if (times == 0) {
        context->poll();
        BOOST_TEST(is_called);
        BOOST_TEST(kept.use_count() == 1);
        is_called = false;
        context->restart();
      }
    }
  }
  context.reset();
  BOOST_TEST(!is_called);
  BOOST_TEST(kept.use_count() == 1);
}

boost::asio::strand<boost::asio::io_context::executor_type>
strand_of(boost::asio::io_context& context) {
  return boost::asio::make_strand(context);
}

boost::asio::any_io_executor erased_strand_of(boost::asio::io_context& context) {
  return strand_of(context);
}

} // namespace

/// The strand gives back the memory of what it has queued when the operation is gone already.
BOOST_AUTO_TEST_CASE(what_is_queued_to_a_strand_goes_with_its_context) {
  check_that_what_is_queued_goes(&strand_of);
  check_that_what_is_queued_goes(&erased_strand_of);
}

/// An io_context keeps what is posted as a continuation from other threads until the handler that posts it
/// has returned.
BOOST_AUTO_TEST_CASE(handlers_whose_executor_says_continuation_do_not_wait_for_each_other) {
  boost::asio::io_context context;
  boost::asio::any_io_executor const continuation = boost::asio::require(
      context.get_executor(), boost::asio::execution::relationship.continuation);
  std::mutex mutex;
  std::condition_variable has_begun;
  int begun = 0;
  int met = 0;
  auto const wait_for_other = [&](boost::system::error_code const& ec) {
    std::unique_lock<std::mutex> lock(mutex);
    ++begun;
    has_begun.notify_all();
    bool const has_met =
        has_begun.wait_for(lock, std::chrono::seconds(10), [&] { return begun == 2; });
    met += !ec && has_met;
  };
  auto first = mioext::unix_socket::pair();
  auto second = mioext::unix_socket::pair();
  mioext::stream<mioext::unix_socket> one(continuation, std::move(first.first));
  mioext::stream<mioext::unix_socket> another(continuation, std::move(second.first));
  one.async_wait(boost::asio::socket_base::wait_read, wait_for_other);
  another.async_wait(boost::asio::socket_base::wait_read, wait_for_other);
  first.second.write_some(boost::asio::buffer("x", 1));
  second.second.write_some(boost::asio::buffer("x", 1));
  std::thread other([&] { context.run(); });
  context.run();
  other.join();
  BOOST_TEST(met == 2);
}
