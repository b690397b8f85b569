//
// mioext/detail/async/pending_operations.hpp
// ------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many operations wait in a reactor, and whether its host listens for what ends them.
//

#ifndef MIOEXT_DETAIL_ASYNC_PENDING_OPERATIONS_HPP
#define MIOEXT_DETAIL_ASYNC_PENDING_OPERATIONS_HPP

#include <mioext/detail/inlining.hpp>
#include <mioext/detail/system.hpp>

#include <atomic>
#include <cstddef>

#include <boost/config.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Whoever begins to wait first counts the operation and then checks is_listening(); the host first
/// says that it does not listen and then checks count(). These accesses are sequentially
/// consistent, so at least one side sees what the other one did.
class pending_operations {
public:
  /// @param is_counted false for a host that always listens and never asks
  explicit pending_operations(bool is_counted) noexcept
      : is_counted_(is_counted), count_(0), is_listening_(false) {}

  /// Zero if they are not counted.
  std::size_t count() const noexcept { return count_.load(); }

  /// Counts one more. Returns true if the host must be asked to listen.
  MIOEXT_DETAIL_FORCEINLINE bool add() noexcept {
    return is_counted_ && BOOST_UNLIKELY(count_.fetch_add(1) == 0) && !is_listening_.load();
  }

  /// The same for a host that is known to ask.
  void remove_counted(std::size_t ended) noexcept { count_.fetch_sub(ended); }

  void remove(std::size_t ended) noexcept {
    if (is_counted_) {
      count_.fetch_sub(ended);
    }
  }

  bool is_listening() const noexcept { return is_listening_.load(); }
  void set_listening(bool is_listening) noexcept { is_listening_.store(is_listening); }

private:
  bool const is_counted_;
  std::atomic<std::size_t> count_;
  std::atomic<bool> is_listening_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_PENDING_OPERATIONS_HPP
