//
// mioext/detail/duration.hpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Durations of any kind brought to the one that the system calls and clocks use.
//

#ifndef MIOEXT_DETAIL_DURATION_HPP
#define MIOEXT_DETAIL_DURATION_HPP

#include <mioext/detail/system.hpp>

#include <chrono>
#include <type_traits>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// `duration` in nanoseconds: rounded up, so that nothing is ever early; negative ones (and
/// not-a-number) become zero; what does not fit, from some 292 years on, becomes the largest value.
///
/// Whole seconds and the rest are converted separately, because an intermediate product could
/// overflow otherwise: from 97 years on when converting 60ths of a second to nanoseconds, for
/// instance. Floating-point durations are computed at least as double, because a float represents
/// ten hours only to within 4 milliseconds.
template <class Rep, class Period>
std::chrono::nanoseconds ceil_nanoseconds(std::chrono::duration<Rep, Period> duration) noexcept {
  using std::chrono::nanoseconds;
  using std::chrono::seconds;
  using approximate_seconds = std::chrono::duration<double>;
  double const approximate = approximate_seconds(duration).count();
  if (!(approximate > 0)) {
    return nanoseconds::zero();
  }
  // Some parts in 2^53 below the limit, because `approximate` is rounded.
  if (approximate >= approximate_seconds(nanoseconds::max()).count() * (1 - 1e-15)) {
    return nanoseconds::max();
  }
  using precise_rep =
      typename std::conditional<std::chrono::treat_as_floating_point<Rep>::value,
                                std::common_type<Rep, double>, std::common_type<Rep>>::type::type;
  std::chrono::duration<precise_rep, Period> const precise = duration;
  seconds const whole = std::chrono::duration_cast<seconds>(precise);
  auto const rest = precise - whole;
  nanoseconds const truncated = std::chrono::duration_cast<nanoseconds>(rest);
  return whole + truncated + nanoseconds(truncated < rest ? 1 : 0);
}

/// `point + duration`, or the clock's last point where that would overflow.
template <class Clock>
typename Clock::time_point saturated_sum(typename Clock::time_point point,
                                         std::chrono::nanoseconds duration) noexcept {
  using time_point = typename Clock::time_point;
  return duration < time_point::max() - point
             ? point + std::chrono::duration_cast<typename Clock::duration>(duration)
             : time_point::max();
}

/// `point` in the clock's own duration: rounded up; what does not fit becomes the clock's last point;
/// points before the clock's epoch, which are past, become the epoch.
template <class Clock, class Duration>
typename Clock::time_point
ceil_time_point(std::chrono::time_point<Clock, Duration> const& point) noexcept {
  using time_point = typename Clock::time_point;
  return saturated_sum<Clock>(time_point(), ceil_nanoseconds(point.time_since_epoch()));
}

/// What needs no conversion.
inline std::chrono::steady_clock::time_point
ceil_time_point(std::chrono::steady_clock::time_point const& point) noexcept {
  return point;
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_DURATION_HPP
