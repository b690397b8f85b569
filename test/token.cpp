//
// test/token.cpp
// --------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The strong type that names a registration.
//

#include <mioext/token.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <map>
#include <sstream>
#include <type_traits>
#include <unordered_set>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

using mioext::token;

namespace {

// Which expressions compile.

template <class...> struct always_void { using type = void; };

#define MIOEXT_TEST_DETECT(name, expression)                                                       \
  template <class Left, class Right, class = void> struct name : std::false_type {};               \
  template <class Left, class Right>                                                               \
  struct name<Left, Right, typename always_void<decltype(expression)>::type> : std::true_type {}

MIOEXT_TEST_DETECT(has_plus, std::declval<Left>() + std::declval<Right>());
MIOEXT_TEST_DETECT(has_minus, std::declval<Left>() - std::declval<Right>());
MIOEXT_TEST_DETECT(has_times, std::declval<Left>() * std::declval<Right>());
MIOEXT_TEST_DETECT(has_division, std::declval<Left>() / std::declval<Right>());
MIOEXT_TEST_DETECT(has_remainder, std::declval<Left>() % std::declval<Right>());
MIOEXT_TEST_DETECT(has_shift, std::declval<Left>() << std::declval<Right>());
MIOEXT_TEST_DETECT(has_or, std::declval<Left>() | std::declval<Right>());
MIOEXT_TEST_DETECT(has_and, std::declval<Left>() & std::declval<Right>());
MIOEXT_TEST_DETECT(has_equality, std::declval<Left>() == std::declval<Right>());
MIOEXT_TEST_DETECT(has_order, std::declval<Left>() < std::declval<Right>());
MIOEXT_TEST_DETECT(has_assignment, std::declval<Left&>() = std::declval<Right>());
MIOEXT_TEST_DETECT(has_addition, std::declval<Left&>() += std::declval<Right>());
MIOEXT_TEST_DETECT(has_increment, (std::declval<Right>(), ++std::declval<Left&>()));
MIOEXT_TEST_DETECT(has_sign, (std::declval<Right>(), -std::declval<Left>()));
MIOEXT_TEST_DETECT(has_complement, (std::declval<Right>(), ~std::declval<Left>()));
MIOEXT_TEST_DETECT(is_index, std::declval<Left>()[std::declval<Right>()]);

#undef MIOEXT_TEST_DETECT

template <class Left, class Right> struct has_arithmetic {
  static constexpr bool value = has_plus<Left, Right>::value || has_minus<Left, Right>::value ||
                                has_times<Left, Right>::value || has_division<Left, Right>::value ||
                                has_remainder<Left, Right>::value ||
                                has_shift<Left, Right>::value || has_or<Left, Right>::value ||
                                has_and<Left, Right>::value || has_addition<Left, Right>::value;
};

constexpr token server{0};
constexpr token client{1};

char const* name_of(token name) {
  switch (name) {
  case server:
    return "server";
  case client:
    return "client";
  case token{std::numeric_limits<std::size_t>::max()}:
    return "largest";
  default:
    return "another";
  }
}

} // namespace

BOOST_AUTO_TEST_SUITE(tokens)

BOOST_AUTO_TEST_CASE(a_token_costs_no_more_than_its_number) {
  static_assert(sizeof(token) == sizeof(std::size_t), "");
  static_assert(std::is_trivially_copyable<token>::value, "an event carries its bytes");
  static_assert(std::is_standard_layout<token>::value, "");
  static_assert(std::is_nothrow_default_constructible<token>::value, "");
  static_assert(std::is_same<token::value_type, std::size_t>::value, "");
  BOOST_TEST(token().value() == 0u);
}

BOOST_AUTO_TEST_CASE(a_token_can_be_a_case_label) {
  BOOST_TEST(name_of(token(0)) == "server");
  BOOST_TEST(name_of(token(1)) == "client");
  BOOST_TEST(name_of(token(2)) == "another");
  BOOST_TEST(name_of(token(std::numeric_limits<std::size_t>::max())) == "largest");
}

BOOST_AUTO_TEST_CASE(a_number_becomes_a_token_only_explicitly) {
  static_assert(std::is_constructible<token, std::size_t>::value, "");
  static_assert(std::is_constructible<token, int>::value, "");
  static_assert(!std::is_convertible<std::size_t, token>::value, "");
  static_assert(!std::is_convertible<int, token>::value, "");
  static_assert(!std::is_convertible<bool, token>::value, "");
  static_assert(!has_assignment<token, std::size_t>::value, "");
  static_assert(!has_assignment<token, int>::value, "");
  constexpr token name(7);
  BOOST_TEST(name.value() == 7u);
}

BOOST_AUTO_TEST_CASE(a_token_becomes_a_number_only_explicitly) {
  static_assert(!std::is_convertible<token, std::size_t>::value, "");
  static_assert(!std::is_convertible<token, int>::value, "");
  static_assert(!std::is_convertible<token, bool>::value, "");
  static_assert(!is_index<int*, token>::value, "");
  static_assert(static_cast<std::size_t>(token(7)) == 7u, "");
  std::size_t const number(token(8));
  BOOST_TEST(number == 8u);
}

BOOST_AUTO_TEST_CASE(a_token_takes_part_in_no_arithmetic) {
  static_assert(has_arithmetic<int, int>::value, "the detection itself works");
  static_assert(!has_arithmetic<token, token>::value, "");
  static_assert(!has_arithmetic<token, int>::value, "");
  static_assert(!has_arithmetic<int, token>::value, "");
  static_assert(!has_arithmetic<token, std::size_t>::value, "");
  static_assert(!has_arithmetic<std::size_t, token>::value, "");
  static_assert(has_increment<int, token>::value, "the detection itself works");
  static_assert(!has_increment<token, token>::value, "");
  static_assert(!has_sign<token, token>::value, "");
  static_assert(!has_complement<token, token>::value, "");
  static_assert(has_equality<token, token>::value, "");
  static_assert(!has_equality<token, int>::value, "");
  static_assert(!has_equality<std::size_t, token>::value, "");
  static_assert(has_order<token, token>::value, "");
  static_assert(!has_order<token, int>::value, "");
  static_assert(!has_order<std::size_t, token>::value, "");
}

BOOST_AUTO_TEST_CASE(tokens_compare_as_their_numbers) {
  std::size_t const numbers[] = {0, 1, 2, std::numeric_limits<std::size_t>::max()};
  for (std::size_t left : numbers) {
    for (std::size_t right : numbers) {
      BOOST_TEST_CONTEXT(left << " and " << right) {
        BOOST_TEST((token(left) == token(right)) == (left == right));
        BOOST_TEST((token(left) != token(right)) == (left != right));
        BOOST_TEST((token(left) < token(right)) == (left < right));
        BOOST_TEST((token(left) > token(right)) == (left > right));
        BOOST_TEST((token(left) <= token(right)) == (left <= right));
        BOOST_TEST((token(left) >= token(right)) == (left >= right));
      }
    }
  }
  static_assert(token(1) == token(1) && token(1) != token(2) && token(1) < token(2) &&
                    token(2) > token(1) && token(1) <= token(1) && token(1) >= token(1),
                "known when compiling");
}

BOOST_AUTO_TEST_CASE(tokens_sort) {
  std::vector<token> names = {token(3), token(1), token(2)};
  std::sort(names.begin(), names.end());
  std::vector<token> const sorted = {token(1), token(2), token(3)};
  BOOST_TEST(names == sorted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(tokens_are_keys) {
  static_assert(noexcept(std::hash<token>()(token())), "");
  BOOST_TEST(std::hash<token>()(token(5)) == std::hash<token>()(token(5)));
  std::unordered_set<token> hashed;
  std::map<token, std::size_t> ordered;
  for (std::size_t number = 0; number != 1000; ++number) {
    BOOST_TEST(hashed.insert(token(number)).second);
    ordered[token(number)] = number;
  }
  BOOST_TEST(!hashed.insert(token(999)).second);
  BOOST_TEST(hashed.count(token(500)) == 1u);
  BOOST_TEST(hashed.count(token(1000)) == 0u);
  BOOST_TEST(ordered.at(token(500)) == 500u);
}

BOOST_AUTO_TEST_CASE(a_token_prints_its_number) {
  std::ostringstream stream;
  stream << token(7) << token(std::numeric_limits<unsigned short>::max());
  BOOST_TEST(stream.str() == "token(7)token(65535)");
}

BOOST_AUTO_TEST_SUITE_END()
