//
// test/interest.cpp
// -----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The bitmask of the kinds of readiness.
//

#include <mioext/interest.hpp>

#include <sstream>
#include <string>
#include <type_traits>

#include <boost/test/unit_test.hpp>

using mioext::contains;
using mioext::interest;

namespace {

std::string printed(interest wanted) {
  std::ostringstream stream;
  stream << wanted;
  return stream.str();
}

/// The set whose bits are those of `number`.
interest set_of(unsigned number) { return static_cast<interest>(number); }

unsigned const all = 7;

enum class unrelated { one = 1, two = 2 };

template <class Enum, class = void> struct has_or : std::false_type {};
template <class Enum>
struct has_or<Enum, decltype(static_cast<void>(Enum() | Enum()))> : std::true_type {};

} // namespace

BOOST_AUTO_TEST_SUITE(interests)

BOOST_AUTO_TEST_CASE(every_set_prints_its_names) {
  BOOST_TEST(printed(interest::none) == "none");
  BOOST_TEST(printed(interest::readable) == "readable");
  BOOST_TEST(printed(interest::writable) == "writable");
  BOOST_TEST(printed(interest::priority) == "priority");
  BOOST_TEST(printed(interest::writable | interest::readable) == "readable|writable");
  BOOST_TEST(printed(interest::priority | interest::readable) == "readable|priority");
  BOOST_TEST(printed(interest::priority | interest::writable) == "writable|priority");
  BOOST_TEST(printed(interest::readable | interest::writable | interest::priority) ==
             "readable|writable|priority");
}

BOOST_AUTO_TEST_CASE(the_operators_are_those_of_sets) {
  for (unsigned left = 0; left <= all; ++left) {
    BOOST_TEST(~set_of(left) == set_of(all & ~left));
    for (unsigned right = 0; right <= all; ++right) {
      BOOST_TEST_CONTEXT(set_of(left) << " and " << set_of(right)) {
        BOOST_TEST((set_of(left) | set_of(right)) == set_of(left | right));
        BOOST_TEST((set_of(left) & set_of(right)) == set_of(left & right));
        BOOST_TEST((set_of(left) ^ set_of(right)) == set_of(left ^ right));
        BOOST_TEST(contains(set_of(left), set_of(right)) == ((left & right) == right));
        interest changed = set_of(left);
        BOOST_TEST(&(changed |= set_of(right)) == &changed);
        BOOST_TEST(changed == set_of(left | right));
        changed = set_of(left);
        BOOST_TEST(&(changed &= set_of(right)) == &changed);
        BOOST_TEST(changed == set_of(left & right));
        changed = set_of(left);
        BOOST_TEST(&(changed ^= set_of(right)) == &changed);
        BOOST_TEST(changed == set_of(left ^ right));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_set_can_be_known_when_compiling) {
  constexpr interest both = interest::readable | interest::writable;
  static_assert(contains(both, interest::readable), "");
  static_assert(!contains(both, interest::priority), "");
  static_assert((both & ~interest::writable) == interest::readable, "");
  static_assert((both ^ interest::readable) == interest::writable, "");
  static_assert(!contains(interest::readable, both), "all of them are wanted");
}

BOOST_AUTO_TEST_CASE(a_set_is_no_number) {
  static_assert(!std::is_convertible<interest, int>::value, "");
  static_assert(!std::is_convertible<int, interest>::value, "");
  static_assert(has_or<interest>::value, "");
  static_assert(!has_or<unrelated>::value, "the operators are for mioext's own sets");
  BOOST_TEST(sizeof(interest) == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
