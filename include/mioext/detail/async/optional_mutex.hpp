//
// mioext/detail/async/optional_mutex.hpp
// --------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A mutex that can be told to lock nothing, for contexts that a single thread uses.
//

#ifndef MIOEXT_DETAIL_ASYNC_OPTIONAL_MUTEX_HPP
#define MIOEXT_DETAIL_ASYNC_OPTIONAL_MUTEX_HPP

#include <mioext/detail/system.hpp>

#include <mutex>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Asio has the same inside its io_context, for its concurrency hints.
class optional_mutex {
public:
  optional_mutex() noexcept : is_disabled_(false) {}

  optional_mutex(optional_mutex const&) = delete;
  optional_mutex& operator=(optional_mutex const&) = delete;

  /// Locks nothing from now on. Before it is used.
  void disable() noexcept { is_disabled_ = true; }

  void lock() {
    if (!is_disabled_) {
      mutex_.lock();
    }
  }

  void unlock() {
    if (!is_disabled_) {
      mutex_.unlock();
    }
  }

private:
  std::mutex mutex_{};
  bool is_disabled_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_OPTIONAL_MUTEX_HPP
