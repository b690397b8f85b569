//
// mioext/detail/async/looks_in_a_row.hpp
// --------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Decides whether a selector that is nested in a context is looked at once more before the context is asked
// to wait for it.
//

#ifndef MIOEXT_DETAIL_ASYNC_LOOKS_IN_A_ROW_HPP
#define MIOEXT_DETAIL_ASYNC_LOOKS_IN_A_ROW_HPP

#include <mioext/detail/inlining.hpp>
#include <mioext/detail/system.hpp>

#include <algorithm>
#include <cstddef>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A wait in the context costs two system calls more than a look. So after a look that has found something
/// another one follows in the same turn, until one finds nothing, or the context's other work is to have its
/// turn: after `most_looks`, or as soon as `most_calls` calls have been made. (Where calls are queued behind
/// the other work, that has its turn anyway, and the looks are not counted.)
///
/// Where events come one by one, a second look is made in vain. After such a turn the next ones make only
/// one look: one turn at first, and each time twice as many, up to 127. So looks in vain cost next to
/// nothing.
class looks_in_a_row {
public:
  static constexpr std::size_t most_looks = 16;
  static constexpr std::size_t most_calls = 64;

  /// To be called when a turn begins.
  void begin() noexcept {
    looks_ = 0;
    calls_ = 0;
  }

  /// To be called after each look of the turn, until it returns false.
  /// @param calls how many calls the look has led to
  bool is_another_worthwhile(std::size_t calls) noexcept {
    return is_another_worthwhile_of_calls(calls) && looks_ < most_looks;
  }

  /// The same where the context's other work has its turn after each look: only the calls are bounded.
  MIOEXT_DETAIL_FORCEINLINE bool is_another_worthwhile_of_calls(std::size_t calls) noexcept {
    bool const is_first = looks_++ == 0;
    if (calls == 0) {
      if (!is_first) {
        pause_ = std::min<unsigned>(2 * pause_ + 1, 127);
        pause_left_ = pause_;
      }
      return false;
    }
    if (!is_first) {
      pause_ = 0;
    } else if (pause_left_ != 0) {
      --pause_left_;
      return false;
    }
    calls_ += calls;
    return calls_ < most_calls;
  }

private:
  std::size_t looks_ = 0;
  std::size_t calls_ = 0;
  unsigned pause_ = 0;      // for how many turns it pauses after the last look in vain
  unsigned pause_left_ = 0; // for how many of them it is still to pause
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_LOOKS_IN_A_ROW_HPP
