//
// test/detail_alarm.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The alarm that each selector has.
//

#include <mioext/detail/polling/selector.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>

#include <boost/test/unit_test.hpp>

using mioext::detail::selector;
using mioext::detail::selector_alarm;
using std::chrono::milliseconds;

namespace {

struct alarmed {
  alarmed() {
    BOOST_REQUIRE(watching.open() == 0);
    BOOST_REQUIRE(alarm.open(watching, selector::internal_data(2)) == 0);
  }

  /// How often it has gone off until `limit`, or the first time before.
  int count(std::chrono::nanoseconds limit) {
    selector::native_event events[4];
    int const fetched = watching.wait(events, 4, limit);
    for (int index = 0; index < fetched; ++index) {
      BOOST_TEST(selector::descriptor(events[index]) == 0xffffffffu);
      BOOST_TEST(selector::tag(events[index]) == 2u);
    }
    return fetched;
  }

  selector watching;
  selector_alarm alarm;
};

constexpr milliseconds patience(20000);

} // namespace

BOOST_AUTO_TEST_CASE(it_goes_off_once_each_time_it_is_set) {
  alarmed test;
  BOOST_TEST(test.count(milliseconds(0)) == 0);
  for (int round = 0; round != 3; ++round) {
    BOOST_TEST(test.alarm.set(milliseconds(1)) == 0);
    BOOST_TEST(test.count(patience) == 1);
    BOOST_TEST(test.count(milliseconds(5)) == 0);
  }
}

BOOST_AUTO_TEST_CASE(it_is_set_anew_before_it_goes_off) {
  alarmed test;
  BOOST_TEST(test.alarm.set(milliseconds(100000)) == 0);
  BOOST_TEST(test.alarm.set(milliseconds(1)) == 0);
  BOOST_TEST(test.count(patience) == 1);
  BOOST_TEST(test.count(milliseconds(5)) == 0);
}

BOOST_AUTO_TEST_CASE(it_goes_off_at_once_if_the_time_is_over) {
  alarmed test;
  for (std::chrono::nanoseconds over : {milliseconds(0), milliseconds(-5), milliseconds(-90000)}) {
    BOOST_TEST(test.alarm.set(over) == 0);
    BOOST_TEST(test.count(patience) == 1);
  }
}

BOOST_AUTO_TEST_CASE(nobody_need_fetch_it_before_it_is_set_again) {
  alarmed test;
  for (int round = 0; round != 3; ++round) {
    BOOST_TEST(test.alarm.set(milliseconds(1)) == 0);
  }
  BOOST_TEST(test.count(patience) == 1);
  BOOST_TEST(test.alarm.set(milliseconds(1)) == 0);
  BOOST_TEST(test.count(patience) == 1);
}

BOOST_AUTO_TEST_CASE(one_that_has_no_selector_says_so) {
  selector closed;
  selector_alarm alarm;
  BOOST_TEST(alarm.open(closed, selector::internal_data(2)) == EBADF);
  BOOST_TEST(alarm.set(milliseconds(1)) == EBADF);
}
