//
// mioext/poller.hpp
// -----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The portable epoll: a poller waits for events, its registry holds the handles to watch, and an
// events object holds what was reported.
//

#ifndef MIOEXT_POLLER_HPP
#define MIOEXT_POLLER_HPP

#include <mioext/detail/system.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <utility>

#include <boost/system/error_code.hpp>
#include <boost/throw_exception.hpp>

#include <mioext/detail/duration.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/detail/polling/argument_checks.hpp>
#include <mioext/detail/polling/registration_rules.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/event.hpp>
#include <mioext/interest.hpp>
#include <mioext/token.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// Room for the events of one poll, used again by the next.
///
/// A container of `event const` with random access. The capacity is the largest number of events
/// that one poll returns; the rest is returned by the next poll, so a small capacity loses nothing.
/// Not thread-safe; threads that poll one poller at the same time need a buffer each.
class events {
public:
  /// What it contains.
  using value_type = event;
  /// The type of sizes and indices.
  using size_type = std::size_t;
  /// Of random access.
  using const_iterator = event const*;
  /// The same: events cannot be changed.
  using iterator = const_iterator;

  /// Makes room for `capacity` events, at least one. The only allocation.
  /// @throws std::invalid_argument for a capacity of zero, with which a poll could never return
  /// one.
  explicit events(size_type capacity)
      : storage_(new event[at_most_for_one_wait(capacity)]),
        capacity_(at_most_for_one_wait(capacity)), size_(0) {
    if (capacity == 0) {
      boost::throw_exception(std::invalid_argument("mioext::events: a capacity of zero"));
    }
  }

  /// Takes over the room and the events of `other`, which is left with neither: a poll with it
  /// answers invalid_argument.
  events(events&& other) noexcept : capacity_(0), size_(0) { swap(other); }

  /// The same; what this one held is gone.
  events& operator=(events&& other) noexcept {
    events moved(std::move(other));
    swap(moved);
    return *this;
  }

  events(events const&) = delete;
  events& operator=(events const&) = delete;

  /// Exchanges two of them.
  void swap(events& other) noexcept {
    storage_.swap(other.storage_);
    std::swap(capacity_, other.capacity_);
    std::swap(size_, other.size_);
  }

  /// The first event of the last poll.
  const_iterator begin() const noexcept { return storage_.get(); }
  /// Behind the last one.
  const_iterator end() const noexcept { return storage_.get() + size_; }

  /// The event at `index`, which is less than size().
  event const& operator[](size_type index) const noexcept { return storage_[index]; }

  /// How many events the last poll returned.
  size_type size() const noexcept { return size_; }

  /// True if the last poll returned none, because its time was up or because it failed.
  bool empty() const noexcept { return size_ == 0; }

  /// How many events one poll can return.
  size_type capacity() const noexcept { return capacity_; }

  /// Forgets the events.
  void clear() noexcept { size_ = 0; }

  /// Prints the events, in brackets, as each of them prints itself.
  friend std::ostream& operator<<(std::ostream& stream, events const& printed) {
    char const* separator = "";
    stream << '[';
    for (event const& each : printed) {
      stream << separator << each;
      separator = ", ";
    }
    return stream << ']';
  }

private:
  friend class poller;

  /// The events as the system sees them; event.hpp asserts that they are laid out alike.
  detail::selector::native_event* native() noexcept {
    return reinterpret_cast<detail::selector::native_event*>(storage_.get());
  }

  static size_type at_most_for_one_wait(size_type capacity) noexcept {
    return capacity < detail::selector::most_events() ? capacity : detail::selector::most_events();
  }

  std::unique_ptr<event[]> storage_{};
  size_type capacity_;
  size_type size_;
};

/// Exchanges two of them.
inline void swap(events& left, events& right) noexcept { left.swap(right); }

/// Which handles a poller watches, and what for.
///
/// Obtained from poller::registry(). A copy is cheap and refers to the same poller. It may be
/// handed to another thread, and may outlive the poller; registering then still works, but nobody
/// receives the events.
///
/// Handles are descriptors (`int`) or anything with `native_handle()`. They are watched, never
/// owned, changed or closed. A handle that is closed is deregistered by the system, unless another
/// descriptor still refers to the same open file (after dup or fork): then deregister it first.
///
/// After fork(), parent and child share one epoll instance, and what one of them registers or
/// deregisters takes effect for both. So a child must make a poller of its own. (A kqueue does not
/// exist in the child.) An event loop does this by itself.
///
/// Thread safety: all members may be called from any thread, also while others poll.
///
/// Errors of registering. All of them leave everything as it was, except the one marked (*):
/// | error (boost::system::errc) | when |
/// | --- | --- |
/// | file_exists | the handle is registered already |
/// | no_such_file_or_directory | the handle to change or to remove is not registered |
/// | bad_file_descriptor | the handle is closed, or negative |
/// | operation_not_permitted | the kind cannot be waited for, such as a regular file or a directory |
/// | invalid_argument | no interest; `edge` with `level`; `exclusive` with `oneshot`, with `priority`, for another poller, in or after a reregistration; the poller itself |
/// | too_many_symbolic_link_levels | pollers that watch one another in a circle, or in a chain of more than five |
/// | operation_not_supported | `exclusive` or `priority` with kqueue |
/// | broken_pipe (*) | the end of a pipe to write to, when all readers are gone, with some kqueues; otherwise an event says so. A registration that was to be changed may be gone then: it cannot be made again either |
/// | no_space_on_device, not_enough_memory | the system's limits (fs.epoll.max_user_watches) |
///
/// @par Source
/// mio's `Registry`; epoll_ctl(2), kqueue(2).
class registry {
public:
  // Declared, so that there is no move: a registry always refers to a poller.
  /// A copy refers to the same poller.
  registry(registry const&) noexcept = default;
  /// Refers to the other's poller from now on.
  registry& operator=(registry const&) noexcept = default;

  /// Starts watching `handle`.
  ///
  /// A temporary object that owns its descriptor (that is, has close() and cannot be copied) does
  /// not compile, because it would be closed at once. A temporary object that refers to somebody
  /// else's descriptor does compile.
  ///
  /// If it is ready already, the next poll reports that, whatever the trigger.
  /// Complexity: one system call.
  template <class Handle>
  void register_handle(Handle&& handle, token name, interest wanted,
                       trigger how = trigger::edge) const {
    boost::system::error_code ec;
    register_handle(std::forward<Handle>(handle), name, wanted, how, ec);
    detail::throw_error(ec, "register_handle");
  }

  /// @copydoc register_handle
  template <class Handle>
  void register_handle(Handle&& handle, token name, interest wanted, trigger how,
                       boost::system::error_code& ec) const {
    MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Handle);
    int error = detail::check_registration(wanted, how);
    if (error == 0) {
      error = selector_->add(detail::native_handle(handle), wanted, how,
                             detail::selector::token_data(name.value()));
    }
    ec = detail::system_error_code(error);
  }

  /// The same, edge-triggered.
  template <class Handle>
  void register_handle(Handle&& handle, token name, interest wanted,
                       boost::system::error_code& ec) const {
    register_handle(std::forward<Handle>(handle), name, wanted, trigger::edge, ec);
  }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class Handle, class Given, class... Rest,
            class Arguments = detail::registering_arguments<token, Given, Rest...>,
            detail::if_wrong<Arguments> = 0>
  void register_handle(Handle&&, Given&&, Rest&&...) const {
    MIOEXT_DETAIL_CHECK_TOKEN(Arguments::have_token);
    MIOEXT_DETAIL_CHECK_INTEREST(Arguments::have_interest);
  }

  /// Replaces the token, interest and trigger of a registered handle. This also arms a `oneshot`
  /// again. Readiness that exists at this moment is reported again. Complexity: one system call.
  template <class Handle>
  void reregister_handle(Handle&& handle, token name, interest wanted,
                         trigger how = trigger::edge) const {
    boost::system::error_code ec;
    reregister_handle(std::forward<Handle>(handle), name, wanted, how, ec);
    detail::throw_error(ec, "reregister_handle");
  }

  /// @copydoc reregister_handle
  template <class Handle>
  void reregister_handle(Handle&& handle, token name, interest wanted, trigger how,
                         boost::system::error_code& ec) const {
    MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Handle);
    int error = detail::check_reregistration(wanted, how);
    if (error == 0) {
      error = selector_->modify(detail::native_handle(handle), wanted, how,
                                detail::selector::token_data(name.value()));
    }
    ec = detail::system_error_code(error);
  }

  /// The same, edge-triggered.
  template <class Handle>
  void reregister_handle(Handle&& handle, token name, interest wanted,
                         boost::system::error_code& ec) const {
    reregister_handle(std::forward<Handle>(handle), name, wanted, trigger::edge, ec);
  }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class Handle, class Given, class... Rest,
            class Arguments = detail::registering_arguments<token, Given, Rest...>,
            detail::if_wrong<Arguments> = 0>
  void reregister_handle(Handle&&, Given&&, Rest&&...) const {
    MIOEXT_DETAIL_CHECK_TOKEN(Arguments::have_token);
    MIOEXT_DETAIL_CHECK_INTEREST(Arguments::have_interest);
  }

  /// Stops watching `handle`. Events of it that a poll has already returned are not taken back; at
  /// this layer the caller must handle them. Complexity: one system call.
  template <class Handle> void deregister_handle(Handle&& handle) const {
    boost::system::error_code ec;
    deregister_handle(handle, ec);
    detail::throw_error(ec, "deregister_handle");
  }

  /// @copydoc deregister_handle
  template <class Handle>
  void deregister_handle(Handle&& handle, boost::system::error_code& ec) const {
    MIOEXT_DETAIL_CHECK_HANDLE(Handle);
    ec = detail::system_error_code(selector_->remove(detail::native_handle(handle)));
  }

  /// The poller's own descriptor, the same as poller::native_handle(). So a registry is a handle,
  /// too, and can be watched by another poller. Do not close the descriptor. -1 if there is none.
  int native_handle() const noexcept { return selector_->native_handle(); }

private:
  friend class poller;
  friend class waker;

  explicit registry(std::shared_ptr<detail::selector> selector) noexcept
      : selector_(std::move(selector)) {}

  std::shared_ptr<detail::selector> selector_;
};

/// Waits for readiness of any number of handles: the portable epoll.
///
/// One poll is one system call and nothing beside it; the program looks at the events itself. For
/// handlers, timers, messages and the promises about connecting, see event_loop.
///
/// Thread safety: several threads may poll one poller at the same time, each with `events` of its
/// own; each event goes to one of them. Moving or destroying it at the same time is not safe.
///
/// @par Example
/// @code
/// mioext::poller poller;
/// mioext::events events(128);
/// poller.registry().register_handle(listener, server, mioext::interest::readable);
/// for (;;) {
///   poller.poll(events, std::chrono::milliseconds(100));
///   for (mioext::event const& event : events) {
///     ...
///   }
/// }
/// @endcode
///
/// @par Source
/// mio's `Poll`; epoll(7), kqueue(2).
class poller {
public:
  /// Makes the system's selector, close-on-exec.
  /// @throws boost::system::system_error too_many_files_open and the like.
  poller() : registry_(std::make_shared<detail::selector>()) {
    detail::throw_error(detail::system_error_code(registry_.selector_->open()), "poller");
  }

  /// The same; after an error the poller can only be destroyed or assigned to, and every call
  /// answers bad_file_descriptor.
  explicit poller(boost::system::error_code& ec) : registry_(std::make_shared<detail::selector>()) {
    ec = detail::system_error_code(registry_.selector_->open());
  }

  /// Takes over `other` with all that is registered; `other` then answers bad_file_descriptor.
  poller(poller&& other) noexcept : registry_(closed_selector()) { swap(other); }

  /// The same; what this one watched is watched no longer by it.
  poller& operator=(poller&& other) noexcept {
    poller moved(std::move(other));
    swap(moved);
    return *this;
  }

  poller(poller const&) = delete;
  poller& operator=(poller const&) = delete;

  /// Exchanges two pollers, with all that is registered.
  void swap(poller& other) noexcept { registry_.selector_.swap(other.registry_.selector_); }

  /// Where handles are registered with this poller.
  mioext::registry const& registry() const noexcept { return registry_; }

  /// The selector's own descriptor: readable when a poll would find events, so that another poller,
  /// poll(2) or an Asio descriptor can wait on it.
  int native_handle() const noexcept { return registry_.selector_->native_handle(); }

  /// Waits until at least one registered handle is ready, and stores up to `ready.capacity()`
  /// events.
  /// @returns ready.size()
  /// @throws boost::system::system_error `interrupted` when a signal handler ran meanwhile (the
  /// program decides whether to go on); bad_file_descriptor for a moved-from poller.
  std::size_t poll(events& ready) { return succeed(ready, wait(ready, no_limit())); }

  /// @copydoc poll(events&)
  std::size_t poll(events& ready, boost::system::error_code& ec) {
    return report(ready, wait(ready, no_limit()), ec);
  }

  /// The same, but waits at most for `timeout`, which may be any std::chrono duration; no length
  /// overflows. It is rounded up to the system's resolution (a nanosecond; a millisecond before
  /// Linux 5.11), so the wait never ends early. With zero or less, poll() checks without waiting.
  /// When the time is up, `ready` is empty and there is no error.
  template <class Rep, class Period>
  std::size_t poll(events& ready, std::chrono::duration<Rep, Period> timeout) {
    return succeed(ready, wait_for(ready, detail::ceil_nanoseconds(timeout)));
  }

  /// @copydoc poll
  template <class Rep, class Period>
  std::size_t poll(events& ready, std::chrono::duration<Rep, Period> timeout,
                   boost::system::error_code& ec) {
    return report(ready, wait_for(ready, detail::ceil_nanoseconds(timeout)), ec);
  }

private:
  /// The selector that a moved-from poller is left with. It is never opened, all moved-from pollers
  /// share it, and it is not allocated, so that moving cannot fail.
  static std::shared_ptr<detail::selector> closed_selector() noexcept {
    static detail::selector closed;
    return std::shared_ptr<detail::selector>(std::shared_ptr<detail::selector>(), &closed);
  }

  static std::chrono::nanoseconds no_limit() noexcept { return std::chrono::nanoseconds(-1); }

  // What follows returns how many events there are, or an errno value, negated.

  int wait(events& ready, std::chrono::nanoseconds limit) noexcept {
    return registry_.selector_->wait(ready.native(), ready.capacity(), limit);
  }

  int wait_for(events& ready, std::chrono::nanoseconds limit) noexcept {
    return limit <= detail::selector::longest_wait() ? wait(ready, limit) : wait_long(ready, limit);
  }

  /// Longer than the system can wait in one go.
  int wait_long(events& ready, std::chrono::nanoseconds limit) noexcept {
    using clock = std::chrono::steady_clock;
    clock::time_point const deadline = detail::saturated_sum<clock>(clock::now(), limit);
    std::chrono::nanoseconds const longest = detail::selector::longest_wait();
    for (;;) {
      int const count = wait(ready, limit < longest ? limit : longest);
      limit = deadline - clock::now();
      if (count != 0 || limit <= std::chrono::nanoseconds::zero()) {
        return count;
      }
    }
  }

  static std::size_t succeed(events& ready, int count) {
    return count < 0 ? fail(ready, -count) : (ready.size_ = static_cast<std::size_t>(count));
  }

  /// Apart from the fast path, which is inlined thereby.
  static std::size_t fail(events& ready, int error) {
    ready.clear();
    detail::throw_error(detail::system_error_code(error), "poll");
    return 0;
  }

  static std::size_t report(events& ready, int count, boost::system::error_code& ec) noexcept {
    ec = detail::system_error_code(count < 0 ? -count : 0);
    return ready.size_ = static_cast<std::size_t>(count < 0 ? 0 : count);
  }

  mioext::registry registry_;
};

/// Exchanges two pollers.
inline void swap(poller& left, poller& right) noexcept { left.swap(right); }

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_POLLER_HPP
