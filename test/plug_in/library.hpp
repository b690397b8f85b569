//
// test/plug_in/library.hpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the plug-in offers, and what it is handed.
//

#ifndef TEST_PLUG_IN_LIBRARY_HPP
#define TEST_PLUG_IN_LIBRARY_HPP

#include <atomic>

#include <boost/asio/io_context.hpp>

#include <mioext/pipe.hpp>
#include <mioext/selector_context.hpp>

/// Closes the reader, as the plug-in's own code would.
extern "C" void test_plug_in_close(mioext::pipe_reader* reader);

/// The errno value with which a loop of the plug-in's takes the signal, zero if it does, for as long as
/// the call takes.
extern "C" int test_plug_in_take_signal(int number);

/// Waits in the plug-in's code until `fd` is writable, and then counts one call.
extern "C" void test_plug_in_wait(boost::asio::io_context* context, int fd,
                                  std::atomic<int>* calls);

/// The same in a selector_context, in which the plug-in also posts a function that counts another call.
extern "C" void test_plug_in_wait_and_post(mioext::selector_context* context, int fd,
                                           std::atomic<int>* calls);

/// The address of the context's selector_service, as the plug-in finds it.
extern "C" void const* test_plug_in_service(boost::asio::io_context* context);

#endif // TEST_PLUG_IN_LIBRARY_HPP
