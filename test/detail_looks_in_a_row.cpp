//
// test/detail_looks_in_a_row.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many looks a turn of a nested selector makes.
//

#include <cstddef>
#include <vector>

#include <boost/test/unit_test.hpp>

#include <mioext/detail/async/looks_in_a_row.hpp>

BOOST_AUTO_TEST_SUITE(detail_looks_in_a_row)

namespace {

using mioext::detail::looks_in_a_row;

/// How many looks a turn makes in which they find this, and nothing after that.
std::size_t looks_of_turn(looks_in_a_row& looks, std::vector<std::size_t> const& found) {
  looks.begin();
  std::size_t count = 0;
  for (;;) {
    std::size_t const calls = count < found.size() ? found[count] : 0;
    ++count;
    if (!looks.is_another_worthwhile(calls)) {
      return count;
    }
  }
}

/// How many turns with one event, of which the last has made a second look.
std::size_t turns_until_second_look(looks_in_a_row& looks) {
  std::size_t turns = 1;
  while (looks_of_turn(looks, {1}) == 1) {
    ++turns;
  }
  return turns;
}

} // namespace

BOOST_AUTO_TEST_CASE(a_turn_that_finds_nothing_makes_one_look) {
  looks_in_a_row looks;
  BOOST_TEST(looks_of_turn(looks, {}) == 1u);
  BOOST_TEST(looks_of_turn(looks, {1}) == 2u); // the one before was not in vain
}

BOOST_AUTO_TEST_CASE(a_turn_goes_on_while_it_finds_something_up_to_sixteen_looks) {
  looks_in_a_row looks;
  BOOST_TEST(looks_of_turn(looks, {1, 1, 1}) == 4u);
  looks = looks_in_a_row();
  BOOST_TEST(looks_of_turn(looks, std::vector<std::size_t>(100, 1)) == 16u);
  BOOST_TEST(looks_of_turn(looks, std::vector<std::size_t>(100, 1)) == 16u);
}

BOOST_AUTO_TEST_CASE(a_turn_ends_when_it_has_made_sixty_four_calls) {
  looks_in_a_row looks;
  BOOST_TEST(looks_of_turn(looks, {64, 1}) == 1u);
  BOOST_TEST(looks_of_turn(looks, {63, 1, 1}) == 2u);
  BOOST_TEST(looks_of_turn(looks, {30, 30, 30, 30}) == 3u);
}

BOOST_AUTO_TEST_CASE(where_calls_are_queued_only_they_are_counted) {
  looks_in_a_row looks;
  for (std::size_t const each : {1u, 3u, 40u}) {
    looks.begin();
    std::size_t calls = each;
    while (looks.is_another_worthwhile_of_calls(each)) {
      calls += each;
    }
    BOOST_TEST(calls >= 64u);
    BOOST_TEST(calls < 64u + each);
  }
}

BOOST_AUTO_TEST_CASE(looks_in_vain_become_rare_where_events_come_one_by_one) {
  looks_in_a_row looks;
  for (std::size_t const turns : {1u, 2u, 4u, 8u, 16u, 32u, 64u, 128u, 128u, 128u}) {
    BOOST_TEST(turns_until_second_look(looks) == turns);
  }
}

BOOST_AUTO_TEST_CASE(a_look_that_finds_something_makes_the_next_turn_look_again) {
  looks_in_a_row looks;
  for (int count = 0; count != 9; ++count) {
    turns_until_second_look(looks);
  }
  for (int turn = 0; turn != 127; ++turn) {
    BOOST_TEST(looks_of_turn(looks, {1}) == 1u);
  }
  BOOST_TEST(looks_of_turn(looks, {1, 1}) == 3u); // the third one was in vain
  BOOST_TEST(looks_of_turn(looks, {1}) == 1u);
  BOOST_TEST(looks_of_turn(looks, {1}) == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
