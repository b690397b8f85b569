//
// mioext/detail/event_loop/divider.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Divides many numbers by the same one, faster than the processor does.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_DIVIDER_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_DIVIDER_HPP

#include <mioext/detail/system.hpp>

#include <cstdint>
#include <limits>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Divides by multiplying with the reciprocal. A division of 64 bits takes some processors longer
/// than everything else in setting a timer.
///
/// The reciprocal, floor((2^64 - 1) / d), is less than 1 + 1/d below 2^64 / d. So for a number n
/// below 2^63 the upper half of n times the reciprocal is the quotient or one less, and one
/// comparison tells which (Granlund and Montgomery, "Division by Invariant Integers using
/// Multiplication", 1994).
class divider {
public:
  /// Zero counts as one.
  explicit divider(std::uint64_t divisor) noexcept
      : divisor_(divisor == 0 ? 1 : divisor),
        reciprocal_(std::numeric_limits<std::uint64_t>::max() / divisor_) {}

  /// `dividend` divided by the divisor, rounded down.
  /// @param dividend less than 2^63
  std::uint64_t quotient(std::uint64_t dividend) const noexcept {
#ifdef __SIZEOF_INT128__
    __extension__ using product = unsigned __int128;
    std::uint64_t const estimate =
        static_cast<std::uint64_t>((static_cast<product>(dividend) * reciprocal_) >> 64);
    return estimate + (dividend - estimate * divisor_ >= divisor_ ? 1 : 0);
#else
    return dividend / divisor_;
#endif
  }

private:
  std::uint64_t divisor_;
  std::uint64_t reciprocal_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_DIVIDER_HPP
