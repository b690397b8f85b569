//
// test/two_units/one.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// One of two units of a program that both include everything: they link, and agree on what they
// share.
//

#include <mioext.hpp>

#include <boost/test/unit_test.hpp>

mioext::token token_made_elsewhere(std::size_t value);

BOOST_AUTO_TEST_CASE(two_units_that_include_everything_link_and_share_its_types) {
  BOOST_TEST((token_made_elsewhere(7) == mioext::token(7)));
}
