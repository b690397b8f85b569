//
// mioext/detail/scope_exit.hpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Calls a function at the end of a scope, also when an exception leaves it.
//

#ifndef MIOEXT_DETAIL_SCOPE_EXIT_HPP
#define MIOEXT_DETAIL_SCOPE_EXIT_HPP

#include <mioext/detail/system.hpp>

#include <utility>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Calls `function`, which must not throw, when it is destroyed, unless release() was called.
///
/// Boost.Scope has the same class, but only since Boost 1.85.
template <class Function> class scope_exit {
public:
  explicit scope_exit(Function function) noexcept
      : function_(std::move(function)), is_active_(true) {}

  scope_exit(scope_exit&& other) noexcept
      : function_(std::move(other.function_)), is_active_(other.is_active_) {
    other.release();
  }

  scope_exit(scope_exit const&) = delete;
  scope_exit& operator=(scope_exit const&) = delete;

  ~scope_exit() {
    if (is_active_) {
      function_();
    }
  }

  /// The function is not called any more.
  void release() noexcept { is_active_ = false; }

private:
  Function function_;
  bool is_active_;
};

template <class Function> scope_exit<Function> make_scope_exit(Function function) noexcept {
  return scope_exit<Function>(std::move(function));
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_SCOPE_EXIT_HPP
