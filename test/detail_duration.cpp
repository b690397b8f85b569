//
// test/detail_duration.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Durations of any kind brought to nanoseconds, and deadlines made of them.
//

#include <mioext/detail/duration.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>

#include <boost/test/unit_test.hpp>

using mioext::detail::ceil_nanoseconds;
using mioext::detail::saturated_sum;
using std::chrono::duration;
using std::chrono::nanoseconds;

namespace {

using picoseconds = duration<std::int64_t, std::pico>;
using years = duration<std::int64_t, std::ratio<31556952>>;
using sixtieths = duration<std::int64_t, std::ratio<1, 60>>;

template <class Duration> std::int64_t count(Duration value) {
  return ceil_nanoseconds(value).count();
}

std::int64_t const largest = nanoseconds::max().count();

/// A clock whose present and whose range the test chooses.
struct short_clock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = std::chrono::nanoseconds;
  using time_point = std::chrono::time_point<short_clock>;
};

short_clock::time_point at(std::int64_t when) { return short_clock::time_point(nanoseconds(when)); }

} // namespace

BOOST_AUTO_TEST_SUITE(durations)

BOOST_AUTO_TEST_CASE(whole_nanoseconds_stay_what_they_are) {
  for (std::int64_t value : {std::int64_t(1), std::int64_t(999), std::int64_t(1000001),
                             std::int64_t(3600) * 1000000000 + 1, std::int64_t(1) << 60}) {
    BOOST_TEST(count(nanoseconds(value)) == value);
  }
  BOOST_TEST(count(std::chrono::microseconds(3)) == 3000);
  BOOST_TEST(count(std::chrono::milliseconds(3)) == 3000000);
  BOOST_TEST(count(std::chrono::hours(2)) == 7200000000000);
  BOOST_TEST(count(years(100)) == 3155695200000000000);
  BOOST_TEST(count(duration<unsigned char, std::milli>(255)) == 255000000);
  BOOST_TEST(count(duration<std::uint64_t>(5)) == 5000000000);
}

BOOST_AUTO_TEST_CASE(what_is_finer_than_a_nanosecond_is_rounded_up) {
  BOOST_TEST(count(picoseconds(1)) == 1);
  BOOST_TEST(count(picoseconds(1000)) == 1);
  BOOST_TEST(count(picoseconds(1001)) == 2);
  BOOST_TEST(count(picoseconds(std::numeric_limits<std::int64_t>::max())) == 9223372036854776);
  BOOST_TEST(count(duration<std::int64_t, std::atto>(1)) == 1);
  BOOST_TEST(count(duration<int, std::ratio<1, 3>>(1)) == 333333334);
  BOOST_TEST(count(duration<int, std::ratio<2, 3>>(1)) == 666666667);
  BOOST_TEST(count(duration<double, std::nano>(0.25)) == 1);
  BOOST_TEST(count(duration<double, std::nano>(1.25)) == 2);
  BOOST_TEST(count(duration<double>(1e-12)) == 1);
}

BOOST_AUTO_TEST_CASE(fractions_of_seconds_are_exact) {
  BOOST_TEST(count(duration<double>(0.0025)) == 2500000);
  BOOST_TEST(count(duration<double>(2.5)) == 2500000000);
  BOOST_TEST(count(duration<float>(2.5f)) == 2500000000);
  BOOST_TEST(count(duration<long double, std::milli>(2.5L)) == 2500000);
}

// In float, the nearest count of nanoseconds of this one is two milliseconds less.
BOOST_AUTO_TEST_CASE(a_float_of_many_hours_is_not_cut_short) {
  float const seconds = 36001.0039f;
  BOOST_TEST(static_cast<long double>(count(duration<float>(seconds))) / 1e9L >=
             static_cast<long double>(seconds));
}

BOOST_AUTO_TEST_CASE(zero_and_less_are_zero) {
  BOOST_TEST(count(nanoseconds(0)) == 0);
  BOOST_TEST(count(nanoseconds(-1)) == 0);
  BOOST_TEST(count(nanoseconds::min()) == 0);
  BOOST_TEST(count(std::chrono::hours(-1)) == 0);
  BOOST_TEST(count(std::chrono::hours::min()) == 0);
  BOOST_TEST(count(picoseconds(-1)) == 0);
  BOOST_TEST(count(duration<double>(-1e-12)) == 0);
  BOOST_TEST(count(duration<double>(-std::numeric_limits<double>::infinity())) == 0);
}

BOOST_AUTO_TEST_CASE(what_is_not_a_number_is_zero) {
  BOOST_TEST(count(duration<double>(std::numeric_limits<double>::quiet_NaN())) == 0);
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_the_largest) {
  BOOST_TEST(count(nanoseconds::max()) == largest);
  BOOST_TEST(count(std::chrono::microseconds::max()) == largest);
  BOOST_TEST(count(std::chrono::milliseconds::max()) == largest);
  BOOST_TEST(count(std::chrono::hours::max()) == largest);
  BOOST_TEST(count(years(293)) == largest);
  BOOST_TEST(count(years::max()) == largest);
  BOOST_TEST(count(sixtieths::max()) == largest);
  BOOST_TEST(count(duration<std::uint64_t>(std::numeric_limits<std::uint64_t>::max())) == largest);
  BOOST_TEST(count(duration<double>::max()) == largest);
  BOOST_TEST(count(duration<double>(std::numeric_limits<double>::infinity())) == largest);
  BOOST_TEST(count(duration<float>(std::numeric_limits<float>::infinity())) == largest);
  BOOST_TEST(count(duration<double>(9223372037.0)) == largest);
}

// UndefinedBehaviorSanitizer watches this one: the plain duration_cast overflows on the way.
BOOST_AUTO_TEST_CASE(what_just_fits_does_not_overflow_on_the_way) {
  BOOST_TEST(count(years(292)) == years(292).count() * years::period::num * 1000000000);
  BOOST_TEST(count(sixtieths(std::int64_t(60) * 9000000000 + 1)) == 9000000000016666667);
  BOOST_TEST(count(duration<std::int64_t, std::ratio<1, 3>>(std::int64_t(3) * 9000000000 + 1)) ==
             9000000000333333334);
  // The nearest float below, whose nanoseconds round to 2^63 as a float.
  BOOST_TEST(count(duration<float>(9223371776.0f)) == 9223371776000000000);
  BOOST_TEST(count(duration<double>(9223372036.0)) == 9223372036000000000);
}

BOOST_AUTO_TEST_CASE(a_deadline_is_the_sum) {
  bool const sum = saturated_sum<short_clock>(at(100), nanoseconds(23)) == at(123);
  BOOST_TEST(sum);
  bool const unchanged = saturated_sum<short_clock>(at(100), nanoseconds(0)) == at(100);
  BOOST_TEST(unchanged);
  bool const last = saturated_sum<short_clock>(at(100), nanoseconds(largest - 100)) == at(largest);
  BOOST_TEST(last);
}

BOOST_AUTO_TEST_CASE(a_deadline_past_the_end_of_the_clock_is_its_end) {
  bool const just = saturated_sum<short_clock>(at(100), nanoseconds(largest - 99)) == at(largest);
  BOOST_TEST(just);
  bool const far = saturated_sum<short_clock>(at(largest), nanoseconds::max()) == at(largest);
  BOOST_TEST(far);
  using steady = std::chrono::steady_clock;
  bool const real =
      saturated_sum<steady>(steady::now(), nanoseconds::max()) == steady::time_point::max();
  BOOST_TEST(real);
}

BOOST_AUTO_TEST_SUITE_END()
