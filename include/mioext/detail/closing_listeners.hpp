//
// mioext/detail/closing_listeners.hpp
// -----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Who in this process wants to hear that a handle is about to be closed, whichever thread closes
// it.
//

#ifndef MIOEXT_DETAIL_CLOSING_LISTENERS_HPP
#define MIOEXT_DETAIL_CLOSING_LISTENERS_HPP

#include <atomic>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include <boost/config.hpp>

namespace mioext {
namespace detail {

/// Hears of every mioext handle that is closed, before its number is free.
class BOOST_SYMBOL_VISIBLE closing_listener {
public:
  virtual void handle_closing(int fd) noexcept = 0;

protected:
  closing_listener() noexcept = default;
  closing_listener(closing_listener const&) = default;
  closing_listener& operator=(closing_listener const&) = default;
  ~closing_listener() = default;
};

/// The listeners of a process: the selectors that are nested in contexts. (Blocking loops need not
/// listen here; see detail/dispatch_scope.hpp.) Thread-safe; visible, so that all shared libraries
/// of the process share them.
class BOOST_SYMBOL_VISIBLE closing_listeners {
public:
  static void add(std::shared_ptr<closing_listener> const& added) {
    closing_listeners& all = instance();
    std::lock_guard<std::mutex> const lock(all.mutex_);
    ++count(); // first: the listener counts itself down, also if there is no memory below
    // Places are never moved, so that tell(), which does not keep the lock, passes nobody over.
    for (std::weak_ptr<closing_listener>& place : all.places_) {
      if (place.expired()) {
        place = added;
        return;
      }
    }
    all.places_.push_back(added);
  }

  /// To be called by each listener's destructor.
  static void remove_one() noexcept { --count(); }

  /// Calls all listeners, without a lock: what they do may close handles again.
  static void tell(int fd) noexcept {
    if (count().load(std::memory_order_acquire) != 0) {
      tell_all(fd);
    }
  }

private:
  closing_listeners() = default;

  BOOST_NOINLINE static void tell_all(int fd) noexcept {
    closing_listeners& all = instance();
    for (std::size_t index = 0; index != all.size(); ++index) {
      if (std::shared_ptr<closing_listener> const listener = all.at(index)) {
        listener->handle_closing(fd);
      }
    }
  }

  std::size_t size() noexcept {
    std::lock_guard<std::mutex> const lock(mutex_);
    return places_.size();
  }

  std::shared_ptr<closing_listener> at(std::size_t index) noexcept {
    std::lock_guard<std::mutex> const lock(mutex_);
    return places_[index].lock();
  }

  /// Initialised before any code runs, and looked at by every close.
  static std::atomic<std::size_t>& count() noexcept {
    static std::atomic<std::size_t> listeners(0);
    return listeners;
  }

  /// Never destroyed: a context with static storage duration may go later than any static here.
  static closing_listeners& instance() {
    static closing_listeners& all = *new closing_listeners;
    return all;
  }

  std::mutex mutex_;
  std::vector<std::weak_ptr<closing_listener>> places_;
};

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_CLOSING_LISTENERS_HPP
