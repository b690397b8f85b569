//
// mioext/detail/async/unheard_descriptors.hpp
// -------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The descriptors that may be closed without notification, and are therefore checked from time to
// time.
//

#ifndef MIOEXT_DETAIL_ASYNC_UNHEARD_DESCRIPTORS_HPP
#define MIOEXT_DETAIL_ASYNC_UNHEARD_DESCRIPTORS_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <mutex>

#include <boost/config.hpp>

#include <mioext/detail/async/descriptor_state.hpp>
#include <mioext/detail/inlining.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A list of their states. A state whose operations have all ended stays in the list until the next
/// check, so that successive waits do not add and remove it each time. Thread-safe.
class unheard_descriptors {
public:
  unheard_descriptors() noexcept : first_(nullptr), is_look_due_(false) {}

  unheard_descriptors(unheard_descriptors const&) = delete;
  unheard_descriptors& operator=(unheard_descriptors const&) = delete;

  /// To be called with the state's mutex held.
  MIOEXT_DETAIL_FORCEINLINE void add(descriptor_state& state) noexcept {
    if (BOOST_UNLIKELY(!state.is_looked_at)) {
      add_new(state);
    }
  }

  bool empty() const noexcept { return first_.load() == nullptr; }

  /// True if the next check was requested and has not begun yet.
  bool is_look_due() const noexcept { return is_look_due_.load(); }

  /// Sets that, and returns the previous value.
  bool set_look_due(bool is_due) noexcept { return is_look_due_.exchange(is_due); }

  /// Empties the list, and calls `look(state)` for each state that was in it, with the state's
  /// mutex held. `look` may add the state again. Whoever adds a state meanwhile finds that no check
  /// is requested, and requests one.
  template <class Look> void take_all(Look look) noexcept {
    is_look_due_.store(false);
    descriptor_state* next = first_.exchange(nullptr);
    while (next) {
      descriptor_state& state = *next;
      std::lock_guard<optional_mutex> const lock(state.mutex);
      next = state.next_looked_at;
      state.is_looked_at = false;
      look(state);
    }
  }

private:
  BOOST_NOINLINE void add_new(descriptor_state& state) noexcept {
    state.is_looked_at = true;
    state.next_looked_at = first_.load();
    while (!first_.compare_exchange_weak(state.next_looked_at, &state)) {
    }
  }

  std::atomic<descriptor_state*> first_;
  std::atomic<bool> is_look_due_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_UNHEARD_DESCRIPTORS_HPP
