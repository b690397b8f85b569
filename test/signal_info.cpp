//
// test/signal_info.cpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the system says of a signal: the values that none has, and how it prints.
//

#include <mioext/signal_info.hpp>

#include <sstream>
#include <type_traits>

#include <boost/test/unit_test.hpp>

BOOST_AUTO_TEST_SUITE(signal_infos)

BOOST_AUTO_TEST_CASE(one_that_nobody_filled_in_is_all_zero) {
  mioext::signal_info const info;
  BOOST_TEST(info.number == 0);
  BOOST_TEST(info.code == 0);
  BOOST_TEST(info.pid == 0);
  BOOST_TEST(info.uid == 0u);
  BOOST_TEST(info.status == 0);
  static_assert(std::is_trivially_copyable<mioext::signal_info>::value, "");
}

BOOST_AUTO_TEST_CASE(it_prints_all_that_it_knows) {
  mioext::signal_info info;
  info.number = 15;
  info.code = -1;
  info.pid = 4711;
  info.uid = 1000;
  info.status = 3;
  std::ostringstream stream;
  stream << info;
  BOOST_TEST(stream.str() == "signal(15, code -1, pid 4711, uid 1000, status 3)");
}

BOOST_AUTO_TEST_SUITE_END()
