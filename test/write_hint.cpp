//
// test/write_hint.cpp
// -------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The names of the hints. When each is given, ends_and_errors.cpp checks.
//

#include <mioext/write_hint.hpp>

#include <sstream>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_CASE(each_write_hint_prints_its_name) {
  std::ostringstream printed;
  printed << mioext::write_hint::hup << ' ' << mioext::write_hint::error;
  BOOST_TEST(printed.str() == "hup error");
}
