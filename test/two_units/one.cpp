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

#include <string>
#include <type_traits>
#include <typeinfo>

#include <boost/config.hpp>
#include <boost/test/unit_test.hpp>

mioext::token token_made_elsewhere(std::size_t value);

BOOST_AUTO_TEST_CASE(two_units_that_include_everything_link_and_share_its_types) {
  BOOST_TEST((token_made_elsewhere(7) == mioext::token(7)));
}

/// Units that were compiled for different selectors have different types behind mioext's names. The
/// linker must see that, so the choice is a part of each name.
BOOST_AUTO_TEST_CASE(the_selector_is_a_part_of_every_types_name) {
  std::string const choice = BOOST_STRINGIZE(MIOEXT_SYSTEM);
  BOOST_TEST_REQUIRE(choice.compare(0, 3, "on_") == 0);
  for (std::type_info const* type :
       {&typeid(mioext::event), &typeid(mioext::poller), &typeid(mioext::event_loop),
        &typeid(mioext::handler), &typeid(mioext::sender<int>), &typeid(mioext::selector_service),
        &typeid(mioext::async_event_loop), &typeid(mioext::stream<mioext::tcp_socket>)}) {
    BOOST_TEST_CONTEXT(type->name()) {
      BOOST_TEST(std::string(type->name()).find(choice) != std::string::npos);
    }
  }
  static_assert(std::is_same<mioext::MIOEXT_SYSTEM::poller, mioext::poller>::value,
                "users need not name it");
}
