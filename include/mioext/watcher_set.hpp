//
// mioext/watcher_set.hpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Watches the descriptors of a library that has many of them, by number, with one callback.
//

#ifndef MIOEXT_WATCHER_SET_HPP
#define MIOEXT_WATCHER_SET_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/handles/is_execution_context.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/interest.hpp>
#include <mioext/watcher.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// What a watcher_set and the callbacks of its watchers share: it lives until the set is gone and none of
/// them is being called.
template <class Executor> class watcher_set_core {
public:
  explicit watcher_set_core(Executor const& executor) : idle(executor) {}

  watcher_set_core(watcher_set_core const&) = delete;
  watcher_set_core& operator=(watcher_set_core const&) = delete;

  virtual ~watcher_set_core() = default;

  /// Calls the set's callback.
  virtual void call(boost::system::error_code const& ec, int fd, interest ready) = 0;

  /// What the others are made of. (The context may be gone by then, and cannot be asked for its service.)
  basic_watcher<Executor> const idle;
  std::unordered_map<int, basic_watcher<Executor>> watchers{};
};

template <class Executor, class Callback>
class watcher_set_core_with final : public watcher_set_core<Executor> {
public:
  template <class Given>
  watcher_set_core_with(Executor const& executor, Given&& callback)
      : watcher_set_core<Executor>(executor), callback_(std::forward<Given>(callback)) {}

  void call(boost::system::error_code const& ec, int fd, interest ready) override {
    callback_(ec, fd, ready);
  }

private:
  Callback callback_;
};

/// The callback of one of a set's watchers.
template <class Executor> struct watcher_set_callback {
  void operator()(boost::system::error_code const& ec, interest ready) const {
    if (ec) {
      core->watchers.erase(fd);
    }
    core->call(ec, fd, ready);
  }

  std::shared_ptr<watcher_set_core<Executor>> core;
  int fd;
};

} // namespace detail

/// Watches any number of descriptors that somebody else owns, and calls one callback with the number of
/// the one that is ready: for libraries that tell which of their descriptors to wait for, and for what,
/// with a call for each change (libcurl's CURLMOPT_SOCKETFUNCTION, c-ares' sock_state_cb).
///
/// Each descriptor is watched as by a watcher: level-triggered, never closed, and with what is said
/// there of descriptors that are closed, of the cost and of the context's end. The callback is a
/// function object for
/// `void(boost::system::error_code ec, int descriptor, mioext::interest ready)`. It is called on the
/// set's executor, never from inside a function of the set, and never for a descriptor that is not
/// watched any more. With an error, `descriptor` has left the set already. It may do with the set what it
/// likes, and destroy it.
///
/// @par Thread safety
/// As of basic_watcher: distinct objects safe (in a selector_context, in its thread), shared ones unsafe,
/// and the callback counts as a user.
///
/// @tparam Executor where the callback is called.
///
/// @par Example
/// @code
/// mioext::watcher_set sockets(context, [&](boost::system::error_code ec, int descriptor,
///                                          mioext::interest ready) {
///   int const events = ec ? CURL_CSELECT_ERR
///                         : (contains(ready, mioext::interest::readable) ? CURL_CSELECT_IN : 0) |
///                               (contains(ready, mioext::interest::writable) ? CURL_CSELECT_OUT : 0);
///   curl_multi_socket_action(multi, descriptor, events, &running);
/// });
/// ... in CURLMOPT_SOCKETFUNCTION: sockets.watch(descriptor, what == CURL_POLL_IN ? ...);
/// @endcode
template <class Executor = boost::asio::any_io_executor> class basic_watcher_set {
public:
  /// The type of get_executor().
  using executor_type = Executor;

  /// The same set with another type of executor, as Asio's I/O objects have it.
  template <class OtherExecutor> struct rebind_executor {
    /// That type.
    using other = basic_watcher_set<OtherExecutor>;
  };

  /// Makes a set that watches nothing.
  /// @param executor where the callback is called.
  /// @param callback for `void(boost::system::error_code, int, interest)`; it is moved or copied.
  template <class Callback>
  basic_watcher_set(executor_type const& executor, Callback&& callback)
      : core_(std::make_shared<
              detail::watcher_set_core_with<Executor, typename std::decay<Callback>::type>>(
            executor, std::forward<Callback>(callback))) {}

  /// The same with the executor of `context`.
  template <class ExecutionContext, class Callback,
            detail::enable_if<detail::is_execution_context<ExecutionContext>::value> = 0>
  basic_watcher_set(ExecutionContext& context, Callback&& callback)
      : basic_watcher_set(executor_type(context.get_executor()), std::forward<Callback>(callback)) {
  }

  /// Takes over all that `other` watches, and its callback. `other` may only be destroyed or assigned to.
  basic_watcher_set(basic_watcher_set&& other) noexcept : core_(std::move(other.core_)) {}

  /// The same; what this one watched is stopped.
  basic_watcher_set& operator=(basic_watcher_set&& other) noexcept {
    if (this != &other) {
      std::shared_ptr<core> const stopped = std::move(core_);
      core_ = std::move(other.core_);
      stop_all(stopped);
    }
    return *this;
  }

  basic_watcher_set(basic_watcher_set const&) = delete;
  basic_watcher_set& operator=(basic_watcher_set const&) = delete;

  /// Stops. May be called by the callback.
  ~basic_watcher_set() { stop_all(core_); }

  /// Where the callback is called.
  executor_type get_executor() const noexcept { return core_->idle.get_executor(); }

  /// Makes it so: from now on `descriptor` is watched for this, whether it was watched before or not, and
  /// with interest::none it is forgotten. Where nothing changes, there is no system call. To forget what
  /// is not watched does nothing.
  ///
  /// @throws boost::system::system_error, with the errors of basic_watcher::watch(); std::bad_alloc. After
  /// bad_descriptor it is not watched; after another error nothing has changed.
  void watch(int descriptor, interest wanted) {
    boost::system::error_code ec;
    watch(descriptor, wanted, ec);
    detail::throw_error(ec, "watch");
  }

  /// @copydoc watch
  void watch(int descriptor, interest wanted, boost::system::error_code& ec) {
    ec.clear();
    auto const known = core_->watchers.find(descriptor);
    if (wanted == interest::none) {
      if (known != core_->watchers.end()) {
        core_->watchers.erase(known);
      }
      return;
    }
    if (known != core_->watchers.end()) {
      known->second.watch(wanted, ec);
      if (ec != boost::asio::error::bad_descriptor) {
        return;
      }
      core_->watchers.erase(known); // it was closed, and the number belongs to another one, perhaps
    }
    basic_watcher<Executor> made(core_->idle, nullptr);
    made.watch(descriptor, wanted, detail::watcher_set_callback<Executor>{core_, descriptor}, ec);
    if (!ec) {
      core_->watchers.emplace(descriptor, std::move(made));
    }
  }

  /// Watches nothing any more; the callback is kept, and not called for any of them again.
  void stop() { stop_all(core_); }

  /// What `descriptor` is watched for.
  interest wanted(int descriptor) const {
    auto const known = core_->watchers.find(descriptor);
    return known == core_->watchers.end() ? interest::none : known->second.wanted();
  }

  /// How many are watched.
  std::size_t size() const noexcept { return core_->watchers.size(); }

  /// True if none is watched.
  bool empty() const noexcept { return core_->watchers.empty(); }

private:
  using core = detail::watcher_set_core<Executor>;

  static void stop_all(std::shared_ptr<core> const& stopped) {
    if (stopped) {
      // Not in place: a callback that is destroyed here may come back to the set.
      auto watchers = std::move(stopped->watchers);
      stopped->watchers.clear();
    }
  }

  std::shared_ptr<core> core_;
};

/// A set for any executor.
using watcher_set = basic_watcher_set<>;

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_WATCHER_SET_HPP
