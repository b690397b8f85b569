//
// mioext/token.hpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The word that a program gives a handle when it registers it, and gets back with each event.
//

#ifndef MIOEXT_TOKEN_HPP
#define MIOEXT_TOKEN_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <functional>
#include <ostream>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// Names a registered handle: the program chooses it, events carry it back.
///
/// A strong type over std::size_t. It can be compared, ordered, hashed and printed, and used as a
/// `case` label. It takes part in no arithmetic, and a number converts to it only explicitly, so
/// that a descriptor or a count cannot be mistaken for a token. Any value may be used, zero and the
/// largest included: mioext reserves none.
///
/// @par Example
/// @code
/// constexpr mioext::token server{0};
/// switch (event.token()) {
///   case server: accept_all(); break;
///   default: serve(connections[event.token().value()]);
/// }
/// @endcode
///
/// @par Source
/// mio's `Token(pub usize)`.
class token {
  enum class switchable : std::size_t {};

public:
  /// The type of value().
  using value_type = std::size_t;

  /// The token zero.
  constexpr token() noexcept : value_(0) {}

  /// The token of a number, most often an index into the program's own table.
  constexpr explicit token(value_type value) noexcept : value_(value) {}

  /// The number that the token was made of.
  constexpr value_type value() const noexcept { return value_; }

  /// The same as value(), for static_cast.
  constexpr explicit operator value_type() const noexcept { return value_; }

  /// What makes a token usable in a `switch`. A scoped enumeration, because that converts to
  /// nothing else.
  constexpr operator switchable() const noexcept { return static_cast<switchable>(value_); }

  /// True if the numbers are equal.
  friend constexpr bool operator==(token left, token right) noexcept {
    return left.value_ == right.value_;
  }
  /// True if they are not.
  friend constexpr bool operator!=(token left, token right) noexcept {
    return left.value_ != right.value_;
  }
  /// Orders tokens as their numbers.
  friend constexpr bool operator<(token left, token right) noexcept {
    return left.value_ < right.value_;
  }
  /// The same order.
  friend constexpr bool operator>(token left, token right) noexcept { return right < left; }
  /// The same order.
  friend constexpr bool operator<=(token left, token right) noexcept { return !(right < left); }
  /// The same order.
  friend constexpr bool operator>=(token left, token right) noexcept { return !(left < right); }

  /// Prints `token(7)`.
  friend std::ostream& operator<<(std::ostream& stream, token const& printed) {
    return stream << "token(" << printed.value_ << ')';
  }

private:
  value_type value_;
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

namespace std {

/// Tokens as keys of unordered containers.
template <> struct hash<mioext::token> {
  /// The hash of its number.
  std::size_t operator()(mioext::token const& hashed) const noexcept {
    return std::hash<std::size_t>()(hashed.value());
  }
};

} // namespace std

#endif // MIOEXT_TOKEN_HPP
