//
// mioext/detail/bitmask.hpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The operators of an enumeration whose enumerators are bits, written once for all of them.
//

#ifndef MIOEXT_DETAIL_BITMASK_HPP
#define MIOEXT_DETAIL_BITMASK_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <ostream>
#include <type_traits>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Specialised for an enumeration that is a bitmask, as a std::true_type with the names of its bits,
/// lowest first: a static function `names()` that returns an array of `count` strings.
template <class Enum> struct bitmask_names : std::false_type {};

template <class Enum, class Result = Enum>
using if_bitmask = typename std::enable_if<bitmask_names<Enum>::value, Result>::type;

} // namespace detail

/// All bits of both.
template <class Enum> constexpr detail::if_bitmask<Enum> operator|(Enum left, Enum right) noexcept {
  return static_cast<Enum>(static_cast<unsigned>(left) | static_cast<unsigned>(right));
}

/// What the two have in common.
template <class Enum> constexpr detail::if_bitmask<Enum> operator&(Enum left, Enum right) noexcept {
  return static_cast<Enum>(static_cast<unsigned>(left) & static_cast<unsigned>(right));
}

/// What exactly one of the two has.
template <class Enum> constexpr detail::if_bitmask<Enum> operator^(Enum left, Enum right) noexcept {
  return static_cast<Enum>(static_cast<unsigned>(left) ^ static_cast<unsigned>(right));
}

/// All bits that `value` has not; `set & ~bit` takes one away.
template <class Enum> constexpr detail::if_bitmask<Enum> operator~(Enum value) noexcept {
  return static_cast<Enum>(~static_cast<unsigned>(value) &
                           ((1u << detail::bitmask_names<Enum>::count) - 1u));
}

/// Adds the bits of `right` to `left`.
template <class Enum>
inline detail::if_bitmask<Enum, Enum&> operator|=(Enum& left, Enum right) noexcept {
  return left = left | right;
}

/// Leaves in `left` what `right` has too.
template <class Enum>
inline detail::if_bitmask<Enum, Enum&> operator&=(Enum& left, Enum right) noexcept {
  return left = left & right;
}

/// Inverts in `left` the bits of `right`.
template <class Enum>
inline detail::if_bitmask<Enum, Enum&> operator^=(Enum& left, Enum right) noexcept {
  return left = left ^ right;
}

/// True if `set` has every bit of `wanted`.
template <class Enum>
constexpr detail::if_bitmask<Enum, bool> contains(Enum set, Enum wanted) noexcept {
  return (set & wanted) == wanted;
}

/// Prints the names of the bits joined by `|`, for instance `readable|writable`; `none` for none.
template <class Enum>
detail::if_bitmask<Enum, std::ostream&> operator<<(std::ostream& stream, Enum printed) {
  char const* const* const names = detail::bitmask_names<Enum>::names();
  char const* separator = "";
  for (std::size_t bit = 0; bit != detail::bitmask_names<Enum>::count; ++bit) {
    if (static_cast<unsigned>(printed) & (1u << bit)) {
      stream << separator << names[bit];
      separator = "|";
    }
  }
  return *separator ? stream : stream << "none";
}

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_BITMASK_HPP
