//
// test/detail_token_word.cpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A token of any type is the same after it was a word.
//

#include <mioext/detail/event_loop/token_word.hpp>

#include <cstdint>
#include <limits>

#include <boost/test/unit_test.hpp>

#include <mioext/token.hpp>

namespace {

template <class Token> Token there_and_back(Token token) {
  using conversion = mioext::detail::token_conversion<Token>;
  return conversion::to_token(conversion::to_word(token));
}

struct place {
  place(std::uint16_t r, std::uint8_t c) : row(r), column(c) {}

  std::uint16_t row;
  std::uint8_t column;
};

struct addressless {
  explicit addressless(int n) : number(n) {}
  void operator&() const = delete;

  int number;
};

} // namespace

BOOST_AUTO_TEST_SUITE(detail_token_word)

BOOST_AUTO_TEST_CASE(a_token_that_fills_the_word_keeps_all_its_bits) {
  auto const largest = std::numeric_limits<std::size_t>::max();
  BOOST_TEST(there_and_back(mioext::token(largest)) == mioext::token(largest));
  BOOST_TEST(there_and_back(mioext::token(0)) == mioext::token(0));
}

BOOST_AUTO_TEST_CASE(a_pointer_is_the_same_pointer) {
  int object = 0;
  BOOST_TEST(there_and_back(&object) == &object);
  BOOST_TEST(there_and_back(static_cast<int*>(nullptr)) == static_cast<int*>(nullptr));
}

BOOST_AUTO_TEST_CASE(a_small_or_negative_number_keeps_its_value) {
  BOOST_TEST(there_and_back(static_cast<signed char>(-7)) == -7);
  BOOST_TEST(there_and_back(std::numeric_limits<int>::min()) == std::numeric_limits<int>::min());
  BOOST_TEST(there_and_back(true));
}

BOOST_AUTO_TEST_CASE(a_token_needs_no_default_constructor) {
  place const back = there_and_back(place(513, 7));
  BOOST_TEST(back.row == 513);
  BOOST_TEST(int(back.column) == 7);
}

BOOST_AUTO_TEST_CASE(a_token_need_not_give_its_address_away) {
  BOOST_TEST(there_and_back(addressless(8)).number == 8);
}

BOOST_AUTO_TEST_SUITE_END()
