//
// test/read_hint.cpp
// ------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a read is likely to find: the names.
//

#include <mioext/read_hint.hpp>

#include <sstream>
#include <string>

#include <boost/test/unit_test.hpp>

using mioext::read_hint;

namespace {

std::string printed(read_hint hint) {
  std::ostringstream stream;
  stream << hint;
  return stream.str();
}

} // namespace

BOOST_AUTO_TEST_SUITE(read_hints)

BOOST_AUTO_TEST_CASE(every_hint_prints_its_name) {
  BOOST_TEST(printed(read_hint::data) == "data");
  BOOST_TEST(printed(read_hint::hup) == "hup");
  BOOST_TEST(printed(read_hint::error) == "error");
  BOOST_TEST(printed(read_hint::unknown) == "unknown");
}

BOOST_AUTO_TEST_CASE(a_hint_that_no_version_knows_prints_as_unknown) {
  BOOST_TEST(printed(static_cast<read_hint>(200)) == "unknown");
}

BOOST_AUTO_TEST_SUITE_END()
