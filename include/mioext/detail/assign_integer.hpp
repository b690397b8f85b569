//
// mioext/detail/assign_integer.hpp
// --------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Assigns to members of the system's structures, whose integers differ from system to system.
//

#ifndef MIOEXT_DETAIL_ASSIGN_INTEGER_HPP
#define MIOEXT_DETAIL_ASSIGN_INTEGER_HPP

#include <mioext/detail/system.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Assigns `value`, which must fit, to `target`. It casts only if the types differ on this system:
/// -Wuseless-cast warns of a cast between equal types, and -Wconversion of a missing cast between
/// different ones.
template <class Integer> void assign_integer(Integer& target, Integer value) noexcept {
  target = value;
}

/// \overload
template <class Integer, class Other> void assign_integer(Integer& target, Other value) noexcept {
  target = static_cast<Integer>(value);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASSIGN_INTEGER_HPP
