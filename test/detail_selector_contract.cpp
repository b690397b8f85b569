//
// test/detail_selector_contract.cpp
// ---------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The contract of a selector is checked member by member: one that is missing, or of another type, is found.
//

#include <mioext/detail/polling/selector_contract.hpp>

#ifdef __linux__ // also where kqueue is chosen, which is libkqueue's there; before the choice is made
#include <mioext/detail/polling/epoll_selector.hpp>
#include <mioext/detail/polling/epoll_waker.hpp>
#include <mioext/detail/polling/signalfd_signals.hpp>
#endif

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>

#include <boost/test/unit_test.hpp>

#include <mioext/detail/polling/selector.hpp>

namespace {

using mioext::interest;
using mioext::read_hint;
using mioext::signal_info;
using mioext::trigger;
using mioext::write_hint;
using mioext::detail::alarm_contract;
using mioext::detail::selector_contract;
using mioext::detail::signals_contract;
using mioext::detail::waker_contract;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

/// A selector as the contract has it. Nothing of it is ever called.
struct whole {
  struct native_event {};
  using user_data = std::uint64_t;

  static user_data token_data(std::size_t) noexcept;
  static user_data tag_data(int, std::uint32_t) noexcept;
  static user_data internal_data(std::uint32_t) noexcept;
  static std::size_t token(native_event const&) noexcept;
  static std::uint32_t descriptor(native_event const&) noexcept;
  static std::uint32_t tag(native_event const&) noexcept;
  static bool is_readable(native_event const&) noexcept;
  static bool is_writable(native_event const&) noexcept;
  static bool is_error(native_event const&) noexcept;
  static bool is_read_closed(native_event const&) noexcept;
  static bool is_write_closed(native_event const&) noexcept;
  static bool is_priority(native_event const&) noexcept;
  static bool is_only_priority(native_event const&) noexcept;
  static bool concerns_reading(native_event const&) noexcept;
  static bool concerns_writing(native_event const&) noexcept;
  static bool is_only_writable(native_event const&) noexcept;
  static void drop_reading(native_event&) noexcept;
  static void drop_writing(native_event&) noexcept;
  static read_hint hint(native_event const&) noexcept;
  static write_hint failing_write_hint(native_event const&) noexcept;
  static void print_details(std::ostream&, native_event const&);
  static int error(native_event const&) noexcept;
  static interest all_interests() noexcept;
  static bool reports_together() noexcept;
  static std::size_t most_events() noexcept;
  static nanoseconds longest_wait() noexcept;
  int open() noexcept;
  void close() noexcept;
  int replace_with(whole&) noexcept;
  bool has(int, user_data) noexcept;
  int native_handle() const noexcept;
  int add(int, interest, trigger, user_data) noexcept;
  int modify(int, interest, trigger, user_data) noexcept;
  int remove(int) noexcept;
  int wait(native_event*, std::size_t, nanoseconds) noexcept;
};

struct whole_waker {
  int open(whole&, whole::user_data) noexcept;
  int wake() const noexcept;
};

struct whole_alarm {
  int open(whole&, whole::user_data) noexcept;
  int set(nanoseconds) const noexcept;
};

struct whole_signals {
  int add(whole&, whole::user_data, int) noexcept;
  int remove(int) noexcept;
  void clear() noexcept;
  int read(whole::native_event&, signal_info&) noexcept;
  void put_back(whole::native_event const&) noexcept;
  int reopen(whole&, whole::user_data) noexcept;
};

template <class Waker> using waker_of_whole = waker_contract<Waker, whole>;
template <class Alarm> using alarm_of_whole = alarm_contract<Alarm, whole>;
template <class Signals> using signals_of_whole = signals_contract<Signals, whole>;

/// What derives from Whole and hides one of its members is found by that member's check, and by the
/// check of all of them.
template <template <class> class Contract, class Whole, class Changed>
bool is_found(bool has_changed_member) {
  return Contract<Whole>::is_met && !Contract<Changed>::is_met && !has_changed_member;
}

#define CHECK_CHANGED(contract, whole_one, member, declaration)                                    \
  {                                                                                                \
    struct changed : whole_one {                                                                   \
      declaration;                                                                                 \
    };                                                                                             \
    BOOST_TEST((is_found<contract, whole_one, changed>(contract<changed>::has_##member)),          \
               #member);                                                                           \
  }

template <class Subject> using selector_alone = selector_contract<Subject>;

} // namespace

BOOST_AUTO_TEST_SUITE(detail_selector_contract)

BOOST_AUTO_TEST_CASE(the_chosen_selector_meets_it) {
  using namespace mioext::detail;
  constexpr bool is_met = selector_contract<selector>::is_met &&
                          waker_contract<selector_waker, selector>::is_met &&
                          alarm_contract<selector_alarm, selector>::is_met &&
                          signals_contract<selector_signals, selector>::is_met;
  BOOST_TEST(is_met);
}

#ifdef __linux__
BOOST_AUTO_TEST_CASE(epoll_meets_it) {
  using namespace mioext::detail;
  BOOST_TEST(
      (sizeof(check_selector<epoll_selector, epoll_waker, epoll_alarm, signalfd_signals>) != 0));
}
#endif

BOOST_AUTO_TEST_CASE(a_member_of_a_selector_that_is_missing_is_found) {
  CHECK_CHANGED(selector_alone, whole, native_event, private : using native_event = int);
  CHECK_CHANGED(selector_alone, whole, user_data, private : using user_data = int);
  CHECK_CHANGED(selector_alone, whole, token_data, int token_data);
  CHECK_CHANGED(selector_alone, whole, tag_data, int tag_data);
  CHECK_CHANGED(selector_alone, whole, internal_data, int internal_data);
  CHECK_CHANGED(selector_alone, whole, token, int token);
  CHECK_CHANGED(selector_alone, whole, descriptor, int descriptor);
  CHECK_CHANGED(selector_alone, whole, tag, int tag);
  CHECK_CHANGED(selector_alone, whole, is_readable, int is_readable);
  CHECK_CHANGED(selector_alone, whole, is_writable, int is_writable);
  CHECK_CHANGED(selector_alone, whole, is_error, int is_error);
  CHECK_CHANGED(selector_alone, whole, is_read_closed, int is_read_closed);
  CHECK_CHANGED(selector_alone, whole, is_write_closed, int is_write_closed);
  CHECK_CHANGED(selector_alone, whole, is_priority, int is_priority);
  CHECK_CHANGED(selector_alone, whole, is_only_priority, int is_only_priority);
  CHECK_CHANGED(selector_alone, whole, concerns_reading, int concerns_reading);
  CHECK_CHANGED(selector_alone, whole, concerns_writing, int concerns_writing);
  CHECK_CHANGED(selector_alone, whole, is_only_writable, int is_only_writable);
  CHECK_CHANGED(selector_alone, whole, drop_reading, int drop_reading);
  CHECK_CHANGED(selector_alone, whole, drop_writing, int drop_writing);
  CHECK_CHANGED(selector_alone, whole, hint, int hint);
  CHECK_CHANGED(selector_alone, whole, failing_write_hint, int failing_write_hint);
  CHECK_CHANGED(selector_alone, whole, error, int error);
  CHECK_CHANGED(selector_alone, whole, all_interests, int all_interests);
  CHECK_CHANGED(selector_alone, whole, reports_together, int reports_together);
  CHECK_CHANGED(selector_alone, whole, most_events, int most_events);
  CHECK_CHANGED(selector_alone, whole, longest_wait, int longest_wait);
  CHECK_CHANGED(selector_alone, whole, open, int open);
  CHECK_CHANGED(selector_alone, whole, close, int close);
  CHECK_CHANGED(selector_alone, whole, replace_with, int replace_with);
  CHECK_CHANGED(selector_alone, whole, has, int has);
  CHECK_CHANGED(selector_alone, whole, native_handle, int native_handle);
  CHECK_CHANGED(selector_alone, whole, add, int add);
  CHECK_CHANGED(selector_alone, whole, modify, int modify);
  CHECK_CHANGED(selector_alone, whole, remove, int remove);
  CHECK_CHANGED(selector_alone, whole, wait, int wait);
}

BOOST_AUTO_TEST_CASE(a_member_of_a_waker_an_alarm_or_signals_that_is_missing_is_found) {
  CHECK_CHANGED(waker_of_whole, whole_waker, move, changed(changed const&) = delete);
  CHECK_CHANGED(waker_of_whole, whole_waker, open, int open);
  CHECK_CHANGED(waker_of_whole, whole_waker, wake, int wake);
  CHECK_CHANGED(alarm_of_whole, whole_alarm, open, int open);
  CHECK_CHANGED(alarm_of_whole, whole_alarm, set, int set);
  CHECK_CHANGED(signals_of_whole, whole_signals, add, int add);
  CHECK_CHANGED(signals_of_whole, whole_signals, remove, int remove);
  CHECK_CHANGED(signals_of_whole, whole_signals, clear, int clear);
  CHECK_CHANGED(signals_of_whole, whole_signals, read, int read);
  CHECK_CHANGED(signals_of_whole, whole_signals, put_back, int put_back);
  CHECK_CHANGED(signals_of_whole, whole_signals, reopen, int reopen);
}

BOOST_AUTO_TEST_CASE(another_signature_is_found) {
  // what it is given,
  CHECK_CHANGED(selector_alone, whole, remove, int remove(std::size_t) noexcept);
  CHECK_CHANGED(selector_alone, whole, add, int add(int, trigger, interest, user_data) noexcept);
  CHECK_CHANGED(selector_alone, whole, has, bool has(int, int) noexcept);
  CHECK_CHANGED(selector_alone, whole, token, static std::size_t token(native_event&) noexcept);
  CHECK_CHANGED(selector_alone, whole, wait,
                int wait(native_event*, std::size_t, std::chrono::duration<double>) noexcept);
  CHECK_CHANGED(alarm_of_whole, whole_alarm, set, int set(milliseconds) const noexcept);
  // what it returns,
  CHECK_CHANGED(selector_alone, whole, open, bool open() noexcept);
  CHECK_CHANGED(selector_alone, whole, tag, static std::uint64_t tag(native_event const&) noexcept);
  CHECK_CHANGED(signals_of_whole, whole_signals, clear, int clear() noexcept);
  // that it throws, and that it needs an object, or one that can be changed.
  CHECK_CHANGED(selector_alone, whole, modify, int modify(int, interest, trigger, user_data));
  CHECK_CHANGED(selector_alone, whole, hint, read_hint hint(native_event const&) noexcept);
  CHECK_CHANGED(selector_alone, whole, native_handle, int native_handle() noexcept);
  CHECK_CHANGED(waker_of_whole, whole_waker, wake, int wake() noexcept);
}

BOOST_AUTO_TEST_SUITE_END()
