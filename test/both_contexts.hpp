//
// test/both_contexts.hpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Both kinds of context, for a short test that is done in each of them by one program.
//

#ifndef TEST_BOTH_CONTEXTS_HPP
#define TEST_BOTH_CONTEXTS_HPP

#include <tuple>

#include <mioext/selector_context.hpp>

#include <boost/asio/io_context.hpp>

namespace support {

/// For BOOST_AUTO_TEST_CASE_TEMPLATE.
using both_contexts = std::tuple<boost::asio::io_context, mioext::selector_context>;

} // namespace support

#endif // TEST_BOTH_CONTEXTS_HPP
