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

#include <cstddef>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
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
