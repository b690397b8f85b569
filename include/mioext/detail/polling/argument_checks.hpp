//
// mioext/detail/polling/argument_checks.hpp
// -----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// For arguments that no overload takes, makes the compiler print one line that says which of them
// is wrong, instead of a list of all overloads.
//

#ifndef MIOEXT_DETAIL_POLLING_ARGUMENT_CHECKS_HPP
#define MIOEXT_DETAIL_POLLING_ARGUMENT_CHECKS_HPP

#include <mioext/detail/system.hpp>

#include <chrono>
#include <type_traits>

#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// True if an argument of type Given, as deduced for a forwarding reference, can be passed as a
/// Token. (A null pointer written as 0 or NULL is deduced as a number; so if tokens are pointers,
/// every number is let through.)
template <class Token, class Given> struct is_token_argument {
  static constexpr bool value =
      std::is_convertible<Given, Token>::value ||
      (std::is_pointer<Token>::value &&
       std::is_integral<typename std::remove_reference<Given>::type>::value);
};

/// True if an interest comes first in what is left of the arguments.
template <class... Rest> struct begins_with_interest : std::false_type {};

template <class First, class... Rest>
struct begins_with_interest<First, Rest...> : std::is_convertible<First, interest> {};

/// True for what timer() can deduce as a duration, which does not include a class that merely
/// converts to one.
template <class Given> struct is_duration {
  template <class Rep, class Period>
  static std::true_type test(std::chrono::duration<Rep, Period> const*);
  static std::false_type test(void const*);

  static constexpr bool value =
      decltype(test(static_cast<typename std::remove_reference<Given>::type*>(nullptr)))::value;
};

/// The same for a point of time of the loop's clock.
template <class Given> struct is_time_point {
  template <class Duration>
  static std::true_type test(std::chrono::time_point<std::chrono::steady_clock, Duration> const*);
  static std::false_type test(void const*);

  static constexpr bool value =
      decltype(test(static_cast<typename std::remove_reference<Given>::type*>(nullptr)))::value;
};

/// Finds what is wrong with the arguments (handle, token, interest, ...). Only the first fault is
/// reported.
template <class Token, class Given, class... Rest> struct registering_arguments {
  static constexpr bool have_token = is_token_argument<Token, Given>::value;
  static constexpr bool have_interest = !have_token || begins_with_interest<Rest...>::value;
  static constexpr bool are_right = have_token && have_interest;
};

/// The same for the arguments (duration, token, ...).
template <class Token, class After, class Given> struct timer_arguments {
  static constexpr bool have_duration = is_duration<After>::value;
  static constexpr bool have_token = !have_duration || is_token_argument<Token, Given>::value;
  static constexpr bool are_right = have_duration && have_token;
};

/// The same for the arguments (time point, token, ...).
template <class Token, class Due, class Given> struct timer_at_arguments {
  static constexpr bool have_time_point = is_time_point<Due>::value;
  static constexpr bool have_token = !have_time_point || is_token_argument<Token, Given>::value;
  static constexpr bool are_right = have_time_point && have_token;
};

/// The same for the last argument of reset_timer().
template <class When> struct reset_arguments {
  static constexpr bool are_right = is_duration<When>::value || is_time_point<When>::value;
};

/// Enables the overloads that report wrong arguments.
template <class Arguments>
using if_wrong = typename std::enable_if<!Arguments::are_right, int>::type;

template <class Token, class Given>
using if_no_token = typename std::enable_if<!is_token_argument<Token, Given>::value, int>::type;

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

// The compiler's messages. (No macro uses another one, because the compiler would print an
// additional note for each.)

#define MIOEXT_DETAIL_CHECK_TOKEN(is_right)                                                        \
  static_assert(is_right,                                                                          \
                "mioext: this is no token, which is a mioext::token unless the loop has another "  \
                "type for it, and to which no number converts: write mioext::token(1) for 1; it "  \
                "comes before the interest")

#define MIOEXT_DETAIL_CHECK_INTEREST(is_right)                                                     \
  static_assert(is_right,                                                                          \
                "mioext: after handle and token comes the interest, mioext::interest::readable "   \
                "for instance, and then the trigger")

#define MIOEXT_DETAIL_CHECK_DURATION(is_right)                                                     \
  static_assert(is_right,                                                                          \
                "mioext: how long a timer takes is a std::chrono::duration, to which no number "   \
                "converts: write std::chrono::milliseconds(1) for 1; the token comes after it")

#define MIOEXT_DETAIL_CHECK_TIME_POINT(is_right)                                                   \
  static_assert(is_right,                                                                          \
                "mioext: when a timer is due is a std::chrono::steady_clock::time_point, "         \
                "loop.now() + std::chrono::seconds(1) for instance; the token comes after it")

#endif // MIOEXT_DETAIL_POLLING_ARGUMENT_CHECKS_HPP
