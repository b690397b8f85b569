//
// test/tested_context.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The kind of context that a test of the asynchronous loop or operations uses. Such a test is built
// twice: a unit that defines MIOEXT_TEST_SELECTOR_CONTEXT includes it again. One that defines
// MIOEXT_TEST_ONE_THREAD does it in an io_context of which the service knows that one thread runs it.
//

#ifndef TEST_TESTED_CONTEXT_HPP
#define TEST_TESTED_CONTEXT_HPP

#ifdef MIOEXT_TEST_SELECTOR_CONTEXT
#include <mioext/selector_context.hpp>
#else
#include <boost/asio/io_context.hpp>
#endif

#ifdef MIOEXT_TEST_ONE_THREAD
#include <boost/asio/execution_context.hpp>

#include <mioext/selector_service.hpp>
#endif

namespace support {

#ifdef MIOEXT_TEST_SELECTOR_CONTEXT
using tested_context = mioext::selector_context;
#elif defined(MIOEXT_TEST_ONE_THREAD)
struct tested_context : boost::asio::io_context {
  tested_context() : boost::asio::io_context(1) {
    boost::asio::make_service<mioext::selector_service>(*this, 128u, 1);
  }
};
#else
using tested_context = boost::asio::io_context;
#endif

} // namespace support

#endif // TEST_TESTED_CONTEXT_HPP
