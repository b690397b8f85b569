//
// mioext/detail/async/service_members.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The I/O objects that have a selector of their own in a context: whom the service tells of the
// context's end, and of a fork.
//

#ifndef MIOEXT_DETAIL_ASYNC_SERVICE_MEMBERS_HPP
#define MIOEXT_DETAIL_ASYNC_SERVICE_MEMBERS_HPP

#include <algorithm>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <boost/asio/execution_context.hpp>

namespace mioext {
namespace detail {

/// A member of the service.
class service_member {
public:
  service_member() noexcept = default;
  service_member(service_member const&) = delete;
  service_member& operator=(service_member const&) = delete;

  /// The context goes.
  virtual void shutdown() = 0;

  /// The process forks, or has forked.
  virtual void notify_fork(boost::asio::execution_context::fork_event event) = 0;

protected:
  ~service_member() = default;
};

/// The members that live now. Thread-safe.
class service_members {
public:
  void add(std::shared_ptr<service_member> const& member) {
    std::lock_guard<std::mutex> const lock(mutex_);
    members_.erase(
        std::remove_if(members_.begin(), members_.end(),
                       [](std::weak_ptr<service_member> const& known) { return known.expired(); }),
        members_.end());
    members_.push_back(member);
  }

  void shutdown() {
    for (std::shared_ptr<service_member> const& member : living()) {
      member->shutdown();
    }
  }

  void notify_fork(boost::asio::execution_context::fork_event event) {
    for (std::shared_ptr<service_member> const& member : living()) {
      member->notify_fork(event);
    }
  }

private:
  std::vector<std::shared_ptr<service_member>> living() {
    std::vector<std::shared_ptr<service_member>> found;
    std::lock_guard<std::mutex> const lock(mutex_);
    for (std::weak_ptr<service_member> const& known : members_) {
      if (std::shared_ptr<service_member> member = known.lock()) {
        found.push_back(std::move(member));
      }
    }
    return found;
  }

  std::mutex mutex_{};
  std::vector<std::weak_ptr<service_member>> members_{};
};

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_SERVICE_MEMBERS_HPP
