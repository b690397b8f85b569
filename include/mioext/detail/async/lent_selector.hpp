//
// mioext/detail/async/lent_selector.hpp
// -------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The descriptors that event loops have in the selector of a selector_context, and whose they are.
//

#ifndef MIOEXT_DETAIL_ASYNC_LENT_SELECTOR_HPP
#define MIOEXT_DETAIL_ASYNC_LENT_SELECTOR_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <cstddef>
#include <new>
#include <vector>

#include <boost/core/no_exceptions_support.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Whose a descriptor can be.
class lodger {
public:
  /// Called for each event of a descriptor of its own. What is to be called for it goes to `done`.
  virtual void take_event(selector::native_event const& event, operation_queue& done) noexcept = 0;

  /// Called when an operation of the context's is to wait for `fd`: the lodger removes it.
  virtual void give_way(int fd) noexcept = 0;

  /// Called in a child process: adds `fd` to the child's own selector, unless it is not to be watched.
  /// Returns an errno value.
  virtual int copy_to(selector& fresh, int fd) noexcept = 0;

protected:
  lodger() noexcept = default;
  ~lodger() = default;
};

/// Used in the thread that runs the context. If the reactor watches a descriptor, it is nobody else's:
/// whoever had its number before did not notice that it was closed.
///
/// Functions that return an int return an errno value.
class lent_selector {
public:
  explicit lent_selector(selector_reactor& reactor) noexcept : reactor_(reactor) {}

  lent_selector(lent_selector const&) = delete;
  lent_selector& operator=(lent_selector const&) = delete;

  /// Null if the descriptor is nobody's.
  lodger* owner(int fd) const noexcept {
    std::size_t const index = static_cast<std::size_t>(fd);
    return index < owners_.size() && !reactor_.is_watching(fd) ? owners_[index] : nullptr;
  }

  /// @param done gets the operations that waited for another file with that number, which was closed
  int add(lodger& owner, int fd, interest wanted, trigger how, selector::user_data data,
          operation_queue& done) noexcept {
    std::size_t const index = static_cast<std::size_t>(fd);
    if (fd < 0) {
      return EBADF;
    }
    if (index >= owners_.size()) {
      BOOST_TRY { owners_.resize(index + 1); }
      BOOST_CATCH(std::bad_alloc const&) { return ENOMEM; }
      BOOST_CATCH_END
    }
    int const error = reactor_.native_selector().add(fd, wanted, how, data);
    if (error == 0) {
      reactor_.note_reused(fd, done);
      owners_[index] = &owner;
    }
    return error;
  }

  int modify(int fd, interest wanted, trigger how, selector::user_data data) noexcept {
    return reactor_.native_selector().modify(fd, wanted, how, data);
  }

  int remove(int fd) noexcept {
    owners_[static_cast<std::size_t>(fd)] = nullptr;
    return reactor_.is_left_behind() ? 0 : reactor_.native_selector().remove(fd);
  }

  bool has_still(int fd) noexcept { return reactor_.is_in_selector(fd); }

  /// Removes all that it has.
  void remove_all(lodger const& leaving) noexcept {
    for (std::size_t index = 0; index != owners_.size(); ++index) {
      if (owners_[index] == &leaving) {
        int const fd = static_cast<int>(index);
        if (owner(fd)) {
          remove(fd);
        }
        owners_[index] = nullptr;
      }
    }
  }

  /// For a child process: adds everything to its own selector that the one of the parent still has.
  int copy_to(selector& fresh) noexcept {
    int error = 0;
    for (std::size_t index = 0; error == 0 && index != owners_.size(); ++index) {
      int const fd = static_cast<int>(index);
      if (lodger* const copied = owner(fd)) {
        error = copied->copy_to(fresh, fd);
      }
    }
    return error;
  }

private:
  selector_reactor& reactor_;
  std::vector<lodger*> owners_{}; // by descriptor
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_LENT_SELECTOR_HPP
