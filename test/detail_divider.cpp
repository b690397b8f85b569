//
// test/detail_divider.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Dividing without a division gives the quotients of a division.
//

#include <mioext/detail/event_loop/divider.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

BOOST_AUTO_TEST_SUITE(detail_divider)

namespace {

using mioext::detail::divider;

constexpr std::uint64_t largest = (std::uint64_t(1) << 63) - 1;

std::size_t wrong_quotients(std::uint64_t divisor, std::vector<std::uint64_t> const& dividends) {
  divider const divides(divisor);
  std::size_t wrong = 0;
  for (std::uint64_t const each : dividends) {
    wrong += divides.quotient(each) != each / divisor ? 1 : 0;
  }
  return wrong;
}

// What lies around multiples, where a quotient changes.
std::vector<std::uint64_t> around_multiples(std::uint64_t divisor) {
  std::vector<std::uint64_t> all = {0, 1, largest - 1, largest};
  std::mt19937_64 random(1);
  for (int count = 0; count != 1000; ++count) {
    std::uint64_t const any = (random() >> (1 + random() % 63)) / divisor * divisor;
    all.push_back(any);
    all.push_back(any + 1 <= largest ? any + 1 : any);
    all.push_back(any != 0 ? any - 1 : any);
  }
  std::uint64_t const last = largest / divisor * divisor;
  all.push_back(last);
  all.push_back(last - 1);
  return all;
}

} // namespace

BOOST_AUTO_TEST_CASE(quotients_are_exact_for_the_ticks_that_a_loop_may_have) {
  std::uint64_t const millisecond = 1000000;
  for (std::uint64_t const divisor :
       {millisecond, millisecond + 1, 7 * millisecond, 20 * millisecond, 3600000 * millisecond}) {
    BOOST_TEST(wrong_quotients(divisor, around_multiples(divisor)) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(quotients_are_exact_for_any_divisor) {
  std::mt19937_64 random(2);
  std::vector<std::uint64_t> divisors = {1, 2, 3, 5, largest / 2, largest - 1, largest};
  for (int count = 0; count != 200; ++count) {
    divisors.push_back((random() >> (1 + random() % 62)) | 1);
  }
  for (std::uint64_t const divisor : divisors) {
    BOOST_TEST(wrong_quotients(divisor, around_multiples(divisor)) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_divisor_of_zero_counts_as_one) { BOOST_TEST(divider(0).quotient(7) == 7u); }

BOOST_AUTO_TEST_SUITE_END()
