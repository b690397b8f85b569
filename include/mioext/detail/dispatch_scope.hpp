//
// mioext/detail/dispatch_scope.hpp
// --------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How a handle and an event loop that is calling a handler inform each other. Handles are bound to
// no loop. In this way a loop nevertheless learns, without a system call, that a handler closed
// one, and take_error() learns why a connect that the loop retried was refused.
//

#ifndef MIOEXT_DETAIL_DISPATCH_SCOPE_HPP
#define MIOEXT_DETAIL_DISPATCH_SCOPE_HPP

#include <mioext/detail/system.hpp>

#include <boost/config.hpp>

#include <mioext/detail/closing_listeners.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// On the stack of a thread for as long as a loop calls handlers there. Scopes may be inside each
/// other, because a handler of one loop may run another. Visible, so that a handle that is closed
/// in one shared library finds the loop that runs in another.
class BOOST_SYMBOL_VISIBLE dispatch_scope {
public:
  dispatch_scope(dispatch_scope const&) = delete;
  dispatch_scope& operator=(dispatch_scope const&) = delete;

  /// The innermost scope of this thread, or null outside of every handler.
  static dispatch_scope*& innermost() noexcept {
    static thread_local dispatch_scope* scope = nullptr;
    return scope;
  }

  dispatch_scope* outer() const noexcept { return outer_; }

  /// The descriptor is about to be closed by its owner.
  virtual void handle_closing(int fd) noexcept = 0;

  /// The errno with which a retried connect of `fd` failed, once; zero if there was none.
  virtual int take_connect_error(int fd) noexcept = 0;

protected:
  dispatch_scope() noexcept : outer_(innermost()) { innermost() = this; }
  ~dispatch_scope() { innermost() = outer_; }

private:
  dispatch_scope* outer_;
};

/// Every handle calls this right before it closes its descriptor. It is told to the loops that are
/// calling handlers on this thread, and to the selectors in contexts that watch it.
inline void handle_closing(int fd) noexcept {
  for (dispatch_scope* scope = dispatch_scope::innermost(); scope; scope = scope->outer()) {
    scope->handle_closing(fd);
  }
  closing_listeners::tell(fd);
}

/// See dispatch_scope::take_connect_error; asks every loop that dispatches on this thread.
inline int take_connect_error(int fd) noexcept {
  for (dispatch_scope* scope = dispatch_scope::innermost(); scope; scope = scope->outer()) {
    if (int const error = scope->take_connect_error(fd)) {
      return error;
    }
  }
  return 0;
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_DISPATCH_SCOPE_HPP
