//
// mioext/detail/async/context_listeners.hpp
// -----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The I/O objects that have a selector of their own in a context. The service notifies them of the
// context's end and of a fork.
//

#ifndef MIOEXT_DETAIL_ASYNC_CONTEXT_LISTENERS_HPP
#define MIOEXT_DETAIL_ASYNC_CONTEXT_LISTENERS_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/execution_context.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Is notified of events that concern its context.
class context_listener {
public:
  context_listener() noexcept = default;
  context_listener(context_listener const&) = delete;
  context_listener& operator=(context_listener const&) = delete;

  /// The context goes.
  virtual void shutdown() = 0;

  /// The process forks, or has forked.
  virtual void notify_fork(boost::asio::execution_context::fork_event event) = 0;

protected:
  ~context_listener() = default;
};

/// The listeners that live now. Thread-safe.
class context_listeners {
public:
  void add(std::shared_ptr<context_listener> const& listener) {
    std::lock_guard<std::mutex> const lock(mutex_);
    listeners_.erase(std::remove_if(listeners_.begin(), listeners_.end(),
                                    [](std::weak_ptr<context_listener> const& known) {
                                      return known.expired();
                                    }),
                     listeners_.end());
    listeners_.push_back(listener);
  }

  void shutdown() {
    for (std::shared_ptr<context_listener> const& listener : living()) {
      listener->shutdown();
    }
  }

  void notify_fork(boost::asio::execution_context::fork_event event) {
    for (std::shared_ptr<context_listener> const& listener : living()) {
      listener->notify_fork(event);
    }
  }

private:
  std::vector<std::shared_ptr<context_listener>> living() {
    std::vector<std::shared_ptr<context_listener>> found;
    std::lock_guard<std::mutex> const lock(mutex_);
    for (std::weak_ptr<context_listener> const& known : listeners_) {
      if (std::shared_ptr<context_listener> listener = known.lock()) {
        found.push_back(std::move(listener));
      }
    }
    return found;
  }

  std::mutex mutex_{};
  std::vector<std::weak_ptr<context_listener>> listeners_{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_CONTEXT_LISTENERS_HPP
