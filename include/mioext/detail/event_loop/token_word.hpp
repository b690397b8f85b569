//
// mioext/detail/event_loop/token_word.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A token as a word. The loop keeps words, so that it does the same with tokens of every type.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_TOKEN_WORD_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_TOKEN_WORD_HPP

#include <mioext/detail/system.hpp>

#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Holds any token: see token_conversion.
using token_word = std::uintptr_t;

/// True if a word can hold a Token.
template <class Token>
using fits_token_word = std::integral_constant<bool, std::is_trivially_copyable<Token>::value &&
                                                         sizeof(Token) <= sizeof(token_word)>;

/// Converts a Token to a word, and that word back to the same Token.
template <class Token> class token_conversion {
public:
  static token_word to_word(Token token) noexcept {
    token_word word = 0;
    std::memcpy(&word, std::addressof(token), sizeof(Token));
    return word;
  }

  static Token to_token(token_word word) noexcept {
    token_place place;
    std::memcpy(static_cast<void*>(std::addressof(place.token)), &word, sizeof(Token));
    return place.token;
  }

private:
  /// A place for a token, which need not have a default constructor.
  union token_place {
    token_place() noexcept : none() {}

    unsigned char none;
    Token token;
  };
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_TOKEN_WORD_HPP
