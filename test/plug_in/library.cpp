//
// test/plug_in/library.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A shared library that is compiled with mioext's headers by itself, and hides all that it need not
// show, to be loaded by a running program.
//

#include "library.hpp"

#include <boost/asio/post.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/selector_service.hpp>

#pragma GCC visibility push(default)

void test_plug_in_close(mioext::pipe_reader* reader) { reader->close(); }

int test_plug_in_take_signal(int number) {
  mioext::event_loop loop;
  boost::system::error_code ec;
  loop.register_signal(number, ec);
  return ec.value();
}

void test_plug_in_wait(boost::asio::io_context* context, int fd, std::atomic<int>* calls) {
  mioext::async_wait(*context, fd, mioext::interest::writable,
                     [calls](boost::system::error_code const& ec) { *calls += !ec; });
}

void test_plug_in_wait_and_post(mioext::selector_context* context, int fd,
                                std::atomic<int>* calls) {
  mioext::async_wait(*context, fd, mioext::interest::writable,
                     [calls](boost::system::error_code const& ec) { *calls += !ec; });
  boost::asio::post(*context, [calls] { ++*calls; });
}

void const* test_plug_in_service(boost::asio::io_context* context) {
  return &boost::asio::use_service<mioext::selector_service>(*context);
}

#pragma GCC visibility pop
