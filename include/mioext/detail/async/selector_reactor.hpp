//
// mioext/detail/async/selector_reactor.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Waits for the readiness of any number of descriptors: a selector, and the operations that wait
// for what it reports. The host decides where the selector is waited for. (This file is long
// because everything that locks the mutex of a descriptor's state is here.)
//

#ifndef MIOEXT_DETAIL_ASYNC_SELECTOR_REACTOR_HPP
#define MIOEXT_DETAIL_ASYNC_SELECTOR_REACTOR_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/error.hpp>
#include <boost/assert.hpp>
#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/descriptor_state.hpp>
#include <mioext/detail/async/descriptor_table.hpp>
#include <mioext/detail/async/lasting_wait.hpp>
#include <mioext/detail/async/optional_mutex.hpp>
#include <mioext/detail/async/pending_operations.hpp>
#include <mioext/detail/async/reactor_host.hpp>
#include <mioext/detail/async/timer_queue.hpp>
#include <mioext/detail/async/unheard_descriptors.hpp>
#include <mioext/detail/closing_listeners.hpp>
#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/fork_mark.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/event_loop_config.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Shared by the context's selector_service and the objects that use it, so that these may outlive
/// the context.
///
/// The host waits for the selector, fetches events in batches, and completes the operations that
/// they end.
///
/// Thread-safe. A state's mutex is held while its operations try their I/O, and while its handle is
/// closed (handle_closing()), so that no I/O is done on a number that refers to another file by
/// then. No handler is called or destroyed under a lock.
///
/// If a descriptor is closed without notification, the system removes it from the selector and
/// reports nothing. So while operations of the kind `per_operation_unheard` wait, their descriptors
/// are checked twice a second. The host is asked to make the next check. This request is not
/// cancelled when the last such operation has ended, so that not every wait has to set an alarm of
/// its own.
class selector_reactor final : public closing_listener {
public:
  /// @param host must live as long as the reactor; the pointer that is passed to become_shared()
  /// keeps both alive.
  /// @param is_locked false for a host whose thread alone uses the reactor, and which always
  /// listens: then nothing is locked, and pending() is not counted.
  selector_reactor(reactor_host& host, std::size_t event_capacity, bool is_locked = true,
                   event_loop_config const& timer_config = event_loop_config())
      : closing_(closing_listeners::instance()), host_(host), event_capacity_(event_capacity),
        states_(is_locked ? &with_lock : &without_lock), is_locked_(is_locked), pending_(is_locked),
        timers_(host, pending_, is_locked, timer_config), is_shut_down_(false) {
    if (event_capacity == 0 || event_capacity > selector::most_events()) {
      throw_error(boost::asio::error::make_error_code(boost::asio::error::invalid_argument),
                  "selector_service");
    }
    throw_error(system_error_code(fork_count::begin()), "selector_service");
    throw_error(system_error_code(selector_.open()), "selector_service");
    batch_.reset(new selector::native_event[event_capacity]);
  }

  selector_reactor(selector_reactor const&) = delete;
  selector_reactor& operator=(selector_reactor const&) = delete;

  ~selector_reactor() {
    states_.for_each([this](int fd, descriptor_state& state) {
      if (state.is_watched()) {
        stop_watching(fd, state);
      }
    });
  }

  /// For a nested selector that one thread uses at a time: like that of a scheduler, but it is listened
  /// for only while something waits. Before any operation is started.
  void lock_nothing() noexcept {
    states_.prepare_by(&without_lock);
    timers_.lock_nothing();
  }

  /// To be called before any operation is started.
  void become_shared(std::shared_ptr<selector_reactor> const& self) noexcept { self_ = self; }

  // --- For I/O objects ---------------------------------------------------------------------------

  /// True if the context's own reactor asks the selector for events, too.
  bool is_nested() const noexcept { return is_locked_; }

  /// True if this thread may start operations now, whoever runs the context: always so with locks.
  bool is_used_by_this_thread() const noexcept { return is_locked_ || host_.is_running_here(); }

  /// True when the context is destroyed or being destroyed: its executors must not be used any
  /// more.
  bool is_shut_down() const noexcept { return is_shut_down_.load(); }

  /// The state of `fd`, whose address never changes; null if `fd` is not an open descriptor. The
  /// system is asked before a state is made, because otherwise any number that a program passes
  /// would make the table that large.
  descriptor_state* state_of(int fd) {
    descriptor_state* const known = states_.find(fd);
    return known || not_registered_error(fd) == EBADF ? known : &states_.make(fd);
  }

  /// Takes ownership of `operation` and tries it. If it would have to wait, keeps it until it is
  /// done.
  ///
  /// @tparam IsOwn true if it is known that the reactor is a scheduler's own, which has no locks and
  /// always listens.
  /// @param operation passed by its own type, so that the compiler knows which functions are called
  /// here.
  /// @param state of `fd`
  /// @param tries_first false for an operation that is a wait and nothing else: it ends when the
  /// selector reports what it waits for, which may be at once.
  template <bool IsOwn, class Operation>
  MIOEXT_DETAIL_FORCEINLINE void start(int fd, descriptor_state& state, Operation& operation,
                                       watch_mode how, bool tries_first) {
    assert_usable();
    if (!IsOwn) {
      state.mutex.lock();
    }
    if (BOOST_LIKELY(tries_first) && !is_shut_down_.load(std::memory_order_relaxed) &&
        ((!IsOwn && is_locked_) || !operation.is_likely_in_vain() ||
         state.is_watched(watch_mode::persistent))) {
      bool const is_in_vain = state.must_wait(operation) && operation.may_wait();
      io_status const tried = is_in_vain ? io_status::must_wait : operation.perform(fd);
      if (tried != io_status::must_wait) {
        state.note(tried);
        if (!IsOwn) {
          state.mutex.unlock();
        }
        operation.complete(completion::immediate);
        return;
      }
      if (state.will_be_reported(operation)) {
        if (IsOwn) {
          state.operations.push(operation);
          return;
        }
        keep_and_unlock(state, operation);
        return;
      }
    }
    if (!(BOOST_LIKELY(!tries_first) && watch_once_more<IsOwn>(fd, state, operation, how)) &&
        !watch_alone<IsOwn>(fd, state, operation, how)) {
      start_watching(fd, state, operation, how,
                     std::unique_lock<optional_mutex>(state.mutex, std::adopt_lock));
    }
  }

  /// The same for a caller that does not know the state, or if `fd` may not be an open descriptor.
  template <bool IsOwn, class Operation>
  MIOEXT_DETAIL_FORCEINLINE void start(int fd, Operation& operation, watch_mode how,
                                       bool tries_first) {
    descriptor_state* state = states_.find(fd);
    if (BOOST_UNLIKELY(!state)) {
      state = state_for(fd, operation);
    }
    if (BOOST_LIKELY(state != nullptr)) {
      start<IsOwn>(fd, *state, operation, how, tries_first);
    } else {
      refuse(operation);
    }
  }

  /// Ends all operations that wait for `fd` with operation_aborted, but no lasting waits.
  void cancel(int fd) {
    cancel_if(fd, [](descriptor_operation const& operation) { return !operation.is_lasting; });
  }

  /// Ends the one operation with that key, if it still waits.
  void cancel(int fd, void const* cancellation_key) {
    cancel_if(fd, [cancellation_key](descriptor_operation const& operation) {
      return operation.cancellation_key() == cancellation_key;
    });
  }

  /// Ends all operations that wait for `fd` with operation_aborted and stops watching it, because
  /// it is about to be closed or given away.
  /// @param is_closed_next true if the former is certain
  void remove(int fd, bool is_closed_next = false) {
    assert_usable();
    if (descriptor_state* const state = states_.find(fd)) {
      operation_queue aborted;
      {
        std::lock_guard<optional_mutex> const lock(state->mutex);
        if (state->is_watched() && !(is_closed_next && is_left_to_close(*state)) &&
            !owner_.is_left_behind()) {
          selector_.remove(fd);
        }
        drop(fd, *state, boost::asio::error::operation_aborted, aborted);
      }
      finish(aborted);
    }
  }

  /// Called by any thread, which may know nothing of the context. Therefore close() below waits
  /// until the operations that end here have been passed to their executors; after close() none
  /// ends here. An operation for which its executor has no memory is dropped: whoever closes the
  /// handle cannot be told, and may be closing it in order to free memory.
  ///
  /// Without locks, the operations are left to the thread that fetches events, unless it is this one.
  void handle_closing(int fd) noexcept override {
    std::lock_guard<std::recursive_mutex> const lock(closing_mutex_);
    if (is_shut_down()) {
      return;
    }
    if (!is_locked_ && !host_.is_running_here()) {
      leave_to_host(*states_.find(fd));
    } else {
      BOOST_TRY { remove(fd); }
      BOOST_CATCH(...) {} // the operations were destroyed on the way here
      BOOST_CATCH_END
    }
  }

  std::shared_ptr<closing_listener> this_listener() noexcept override { return self_.lock(); }

  // --- For operations that wait again after each event -------------------------------------------

  /// Begins a lasting wait for `fd`, which must be an open descriptor with that state: has the selector
  /// watch it for what `operation` wants. Then the operation is the reactor's until it is completed or
  /// taken back; its owner keeps it, and passes it to wait_again() after that.
  ///
  /// @return an errno value; after an error nothing has begun.
  int begin_waiting(int fd, descriptor_state& state, lasting_wait& wait,
                    descriptor_operation& operation) {
    assert_usable();
    std::unique_lock<optional_mutex> lock(state.mutex);
    operation_queue lost;
    if (int const refused = make_ready(lock, lost)) {
      return refused;
    }
    if (!state.is_watched()) {
      closing_.enter(fd, *this);
    }
    watch_mode const how = mode_for(state, wait);
    int const error = watch(fd, state, wanted_with(state, operation, how), how, lost);
    bool must_listen = false;
    if (error == 0) {
      wait.state = &state;
      wait.registration = state.registration;
      ++state.lasting_waits;
      must_listen = keep_lasting(state, operation);
    }
    lock.unlock();
    if (must_listen) {
      host_.listen();
    }
    finish(lost);
    return error;
  }

  /// Lets the operation wait again, for what it wants now: without a system call if the selector still
  /// watches for that, level-triggered.
  ///
  /// @return an errno value, EBADF if the descriptor was closed, and perhaps belongs to another file by
  /// now; after an error the operation does not wait.
  int wait_again(lasting_wait& wait, descriptor_operation& operation) {
    assert_usable();
    descriptor_state& state = *wait.state;
    std::unique_lock<optional_mutex> lock(state.mutex);
    operation_queue lost;
    if (int const refused = make_ready(lock, lost)) {
      return refused;
    }
    int error = state.is_watched() && state.registration == wait.registration ? 0 : EBADF;
    bool must_listen = false;
    if (error == 0) {
      wait.is_level = wait.is_level && state.is_watched(watch_mode::level);
      watch_mode const how = mode_for(state, wait);
      interest const wanted = wanted_with(state, operation, how);
      if (how != watch_mode::level || wanted != state.watched_for) {
        error = watch_still(state, wanted, how, lost);
      }
    }
    if (error == 0) {
      must_listen = keep_lasting(state, operation);
    }
    lock.unlock();
    if (must_listen) {
      host_.listen();
    }
    finish(lost);
    return error;
  }

  /// True if the operation waited; it is its owner's again. False if it is on its way to be completed.
  bool take_back(lasting_wait& wait, descriptor_operation& operation) noexcept {
    std::lock_guard<optional_mutex> const lock(wait.state->mutex);
    operation_queue taken;
    take_if(*wait.state, taken,
            [&operation](descriptor_operation const& waiting) { return &waiting == &operation; });
    bool const has_waited = !taken.empty();
    taken.clear();
    return has_waited;
  }

  /// Ends a lasting wait, whose operation does not wait or was taken back. The selector stops watching
  /// the descriptor unless somebody else waits for it.
  void end_waiting(lasting_wait& wait) {
    assert_usable();
    descriptor_state& state = *wait.state;
    wait.state = nullptr;
    operation_queue ended;
    {
      std::lock_guard<optional_mutex> const lock(state.mutex);
      if (state.is_watched() && state.registration == wait.registration) {
        --state.lasting_waits;
        if (state.lasting_waits == 0 && !state.is_watched(watch_mode::persistent) &&
            !owner_.is_left_behind()) {
          if (state.operations.empty()) {
            selector_.remove(state.fd);
            stop_watching(state.fd, state);
          } else if (state.is_watched(watch_mode::level)) {
            watch_again(state.fd, state, ended);
          }
        }
      }
    }
    // Even if nothing has ended: perhaps nothing is left for which the context would wait.
    if (!is_shut_down()) {
      host_.finish(ended);
    }
  }

  /// The operations that wait for points in time.
  timer_queue& timers() noexcept { return timers_; }

  // --- For the host: fetching --------------------------------------------------------------------

  /// How many operations wait, for descriptors and for points in time.
  std::size_t pending() const noexcept { return pending_.count(); }

  /// True if the host is certain to fetch the events that come. No operation is missed: keep()
  /// first counts an operation and then checks this; the host first sets this to false and then
  /// checks pending(). These accesses are sequentially consistent, so at least one side sees what
  /// the other one did.
  bool is_listening() const noexcept { return pending_.is_listening(); }

  void set_listening(bool is_listening) noexcept { pending_.set_listening(is_listening); }

  /// Takes one batch of events from the selector, and adds the operations that it completes to
  /// `done`. To be called by one thread at a time.
  ///
  /// @param timeout how long to wait if the selector has no events; without limit if it is
  /// negative.
  /// @return true if there was an event of a source that the host has added.
  BOOST_NOINLINE bool fetch(std::chrono::nanoseconds timeout, operation_queue& done) noexcept {
    int const events = selector_.wait(batch_.get(), event_capacity_, timeout);
    return is_locked_ ? deliver_all<true>(events, done) : deliver_all<false>(events, done);
  }

  /// The same for a host that does not wait here, and whose reactor has locks.
  MIOEXT_DETAIL_FORCEINLINE bool fetch(operation_queue& done) noexcept {
    return deliver_all<true>(
        selector_.wait(batch_.get(), event_capacity_, std::chrono::nanoseconds::zero()), done);
  }

  /// Whether end_closed_elsewhere() has anything to do.
  bool has_closed_elsewhere() const noexcept { return closed_elsewhere_.load() != nullptr; }

  /// Ends the operations whose handles were closed by other threads, or while the host fetched no
  /// events.
  BOOST_NOINLINE void end_closed_elsewhere(operation_queue& aborted) noexcept {
    descriptor_state* closed = closed_elsewhere_.exchange(nullptr);
    while (closed) {
      descriptor_state& state = *closed;
      closed = state.next_closed_elsewhere;
      drop(state.fd, state, boost::asio::error::operation_aborted, aborted);
    }
  }

  /// Adds the operations to `lost` whose descriptors were closed without notification.
  BOOST_NOINLINE void look_for_closed(operation_queue& lost) noexcept {
    unheard_.take_all([this, &lost](descriptor_state& state) {
      if (state.operations.any_may_end_unheard()) {
        if (is_really_watched(state.fd)) {
          look_at(state);
        } else {
          drop(state.fd, state, boost::asio::error::bad_descriptor, lost);
        }
      }
    });
  }

  /// Ends all waiting operations with `ec`. For a host that cannot wait for the selector, so that
  /// they would wait in vain.
  void fail_all(boost::system::error_code const& ec, operation_queue& done) noexcept {
    states_.for_each([this, &ec, &done](int, descriptor_state& state) {
      std::lock_guard<optional_mutex> const lock(state.mutex);
      end_all(state, ec, done);
    });
    timers_.take_all(ec, done);
  }

  // --- For the host: fork and end ----------------------------------------------------------------

  /// The selector, whose descriptor the host needs, and to which it may add sources of its own.
  selector& native_selector() noexcept { return selector_; }

  bool is_watching(int fd) const noexcept {
    descriptor_state const* const state = states_.find(fd);
    return state && state->is_watched();
  }

  /// True if `fd` refers to the file that the selector watches under that number.
  bool is_in_selector(int fd) noexcept { return is_really_watched(fd); }

  /// To be called when the host has added `fd` to the selector. Operations that waited for a file with
  /// that number, which was closed without notification, are added to `lost`.
  void note_reused(int fd, operation_queue& lost) noexcept {
    descriptor_state* const state = states_.find(fd);
    if (state && state->is_watched()) {
      drop(fd, *state, boost::asio::error::bad_descriptor, lost);
    }
  }

  /// True in a child process that still has its parent's selector. That selector is not touched: a
  /// descriptor that the child removed from it would be removed for the parent, too.
  bool is_left_behind() const noexcept { return owner_.is_left_behind(); }

  /// Opens `fresh`, and adds everything to it that the selector really watches. Returns an errno
  /// value.
  int copy_selector_to(selector& fresh) noexcept {
    int error = fresh.open();
    states_.for_each([this, &fresh, &error](int fd, descriptor_state& state) {
      if (error == 0) {
        error = add_to(fresh, fd, state);
      }
    });
    return error;
  }

  /// To be called after the selector was replaced by the one that copy_selector_to() made.
  /// Operations whose descriptors the new one does not watch are added to `lost`.
  void selector_was_replaced(operation_queue& lost) noexcept {
    unheard_.set_look_due(false);
    if (!unheard_.empty()) {
      ask_for_look();
    }
    // After all that, because other threads of the child check this to see whether they must renew
    // the selector.
    owner_.renew();
    states_.for_each([this, &lost](int fd, descriptor_state& state) {
      std::lock_guard<optional_mutex> const lock(state.mutex);
      if (state.is_watched() && !is_really_watched(fd)) {
        drop(fd, state, boost::asio::error::bad_descriptor, lost);
      }
    });
  }

  /// To be called when the context is destroyed. After that no operation starts to wait, and
  /// closing a handle ends none.
  void close() noexcept {
    std::lock_guard<std::recursive_mutex> const lock(closing_mutex_);
    is_shut_down_.store(true, std::memory_order_relaxed);
    if (owner_.is_left_behind()) {
      // In a child that was never notified of the fork, leaving the reactor would remove the
      // parent's selector from the parent's reactor. It is removed by its number, which refers to
      // nothing after the selector is closed here.
      selector_.close();
    }
  }

  /// Moves all waiting operations to `dropped`.
  void drop_all(operation_queue& dropped) noexcept {
    states_.for_each([this, &dropped](int, descriptor_state& state) {
      std::lock_guard<optional_mutex> const lock(state.mutex);
      take_if(state, dropped, [](descriptor_operation const&) { return true; });
    });
    timers_.take_all(boost::system::error_code(), dropped);
  }

  /// The first number that is free for selector::internal_data of the host's sources.
  static constexpr std::uint32_t first_free_source = 2;

private:
  static constexpr std::uint32_t probe_source = 1;

  static void with_lock(int fd, descriptor_state& made) noexcept { made.fd = fd; }
  static void without_lock(int fd, descriptor_state& made) noexcept {
    made.fd = fd;
    made.mutex.disable();
  }

  void assert_usable() const noexcept {
    BOOST_ASSERT_MSG(host_.is_usable_here(),
                     "the I/O objects of a selector_context belong to the thread that runs it");
  }

  /// True if the close that follows is enough to end the watching. A stream's descriptor has no duplicates,
  /// as far as that can be known: none in a child process, if none was forked since this was made. (One that
  /// the program has made itself, or has sent to another process, goes on waking the selector, once for each
  /// new event, which concerns nobody. So it is with Asio's sockets, which never tell epoll. In a
  /// scheduler's selector it might concern a loop's descriptor.)
  MIOEXT_DETAIL_FORCEINLINE bool is_left_to_close(descriptor_state const& state) const noexcept {
    return state.is_spent() || (state.is_watched(watch_mode::persistent) && is_locked_ &&
                                selector::reports_together() && !forks_since_made_.has_any());
  }

  // --- Operations that wait (all with the state's mutex held) ------------------------------------

  BOOST_NOINLINE static void refuse(descriptor_operation& operation) {
    operation.end_with(boost::asio::error::bad_descriptor);
    operation.complete(completion::immediate);
  }

  /// state_of(), for a number that is seen for the first time. The operation is destroyed if that throws.
  BOOST_NOINLINE descriptor_state* state_for(int fd, descriptor_operation& operation) {
    operation_queue owner;
    owner.push(operation);
    descriptor_state* const state = state_of(fd);
    owner.pop();
    return state;
  }

  /// start_watching() in the frequent case: nothing else waits for the descriptor. Returns false if it has
  /// not begun to wait, for start_watching() to try; otherwise the state's mutex is not held any more.
  template <bool IsOwn>
  BOOST_NOINLINE bool watch_alone(int fd, descriptor_state& state, descriptor_operation& operation,
                                  watch_mode how) {
    if (!state.operations.empty() || is_shut_down_.load(std::memory_order_relaxed) ||
        owner_.is_left_behind() || has_closed_elsewhere()) {
      return false;
    }
    bool const is_kept = how == watch_mode::persistent || state.is_watched(watch_mode::persistent);
    interest const wanted =
        is_kept ? operation.wanted() | state.watched_for | descriptor_state::persistently_wanted()
                : operation.wanted();
    trigger const trigger_of = is_kept ? trigger::edge : trigger::edge | trigger::oneshot;
    selector::user_data const data = selector::tag_data(fd, state.next_generation());
    if (state.is_watched()) {
      if (selector_.modify(fd, wanted, trigger_of, data) != 0) {
        return false;
      }
    } else {
      std::unique_lock<optional_mutex> lock(state.mutex, std::adopt_lock);
      hear_of_closing(fd, operation, lock);
      lock.release();
      if (selector_.add(fd, wanted, trigger_of, data) != 0) {
        return false;
      }
    }
    state.begin();
    has_begun_alone<IsOwn>(state, operation,
                           is_kept ? watch_mode::persistent : watch_mode::per_operation, wanted,
                           !is_kept && how == watch_mode::per_operation_unheard);
    return true;
  }

  /// watch_alone() where the same wait has been made before, and nothing else.
  template <bool IsOwn>
  MIOEXT_DETAIL_FORCEINLINE bool watch_once_more(int fd, descriptor_state& state,
                                                 descriptor_operation& operation, watch_mode how) {
    if (BOOST_UNLIKELY(how == watch_mode::persistent ||
                       !state.is_watched(watch_mode::per_operation) || !state.operations.empty() ||
                       is_shut_down_.load(std::memory_order_relaxed) || owner_.is_left_behind() ||
                       has_closed_elsewhere())) {
      return false;
    }
    interest const wanted = operation.wanted();
    // If that fails, nobody has waited for what the selector still reports by the earlier tag.
    if (BOOST_UNLIKELY(selector_.modify(fd, wanted, trigger::edge | trigger::oneshot,
                                        selector::tag_data(fd, state.begin())) != 0)) {
      return false;
    }
    has_begun_alone<IsOwn>(state, operation, watch_mode::per_operation, wanted,
                           how == watch_mode::per_operation_unheard);
    return true;
  }

  /// The selector watches for the operation, which is the only one of its descriptor, since state.begin().
  template <bool IsOwn>
  MIOEXT_DETAIL_FORCEINLINE void has_begun_alone(descriptor_state& state,
                                                 descriptor_operation& operation, watch_mode how,
                                                 interest wanted, bool may_end_unheard) {
    state.has_begun_at_last(how, wanted);
    operation.may_end_unheard = may_end_unheard;
    if (may_end_unheard) {
      look_at(state);
    }
    if (IsOwn) {
      state.operations.push(operation);
    } else {
      keep_and_unlock(state, operation);
    }
  }

  /// In a child process that has not been notified of the fork yet: makes its selector. The lock, a
  /// state's, is given up meanwhile. Returns an errno value.
  int renew_if_left_behind(std::unique_lock<optional_mutex>& lock) {
    if (!owner_.is_left_behind()) {
      return 0;
    }
    lock.unlock();
    int const error = host_.renew_selector();
    lock.lock();
    return error;
  }

  /// Before the selector is asked for a lasting wait. What had the number before is added to `lost`.
  /// Returns an errno value.
  int make_ready(std::unique_lock<optional_mutex>& lock, operation_queue& lost) {
    if (is_shut_down_.load(std::memory_order_relaxed)) {
      return ECANCELED;
    }
    int const error = renew_if_left_behind(lock);
    if (error == 0 && has_closed_elsewhere()) {
      end_closed_elsewhere(lost);
    }
    return error;
  }

  /// Asks the selector to report what the operation waits for, and keeps the operation. A selector
  /// that is asked anew also reports what is ready already. After close() the operation is
  /// destroyed.
  void start_watching(int fd, descriptor_state& state, descriptor_operation& operation,
                      watch_mode how, std::unique_lock<optional_mutex> lock) {
    if (is_shut_down_.load(std::memory_order_relaxed)) {
      lock.unlock();
      operation.destroy();
      return;
    }
    if (int const error = renew_if_left_behind(lock)) {
      lock.unlock();
      operation.end_with(system_error_code(error));
      operation.complete(completion::immediate);
      return;
    }
    operation_queue lost;
    if (has_closed_elsewhere()) { // what had this number, perhaps
      end_closed_elsewhere(lost);
    }
    if (!state.is_watched()) {
      hear_of_closing(fd, operation, lock);
    }
    if (state.is_watched(watch_mode::persistent)) {
      how = watch_mode::persistent;
    }
    operation.may_end_unheard = how == watch_mode::per_operation_unheard;
    if (how == watch_mode::per_operation_unheard) {
      how = watch_mode::per_operation;
    }
    interest wanted = state.operations.wanted() | operation.wanted();
    if (how == watch_mode::persistent) {
      wanted = wanted | state.watched_for | descriptor_state::persistently_wanted();
    }
    int const error = watch(fd, state, wanted, how, lost);
    if (error == 0 && operation.may_end_unheard) {
      look_at(state);
    }
    bool const must_listen = error == 0 && keep(state, operation);
    operation_queue refused;
    if (error != 0) {
      operation.end_with(system_error_code(error));
      refused.push(operation);
    }
    lock.unlock();
    if (must_listen) {
      host_.listen();
    }
    finish(lost);
    refused.complete_all(completion::immediate);
  }

  // --- Lasting waits (all with the state's mutex held) -------------------------------------------

  /// How the selector watches for one more lasting wait.
  static watch_mode mode_for(descriptor_state const& state, lasting_wait const& wait) noexcept {
    return state.is_watched(watch_mode::persistent) ? watch_mode::persistent
           : wait.is_level                          ? watch_mode::level
                                                    : watch_mode::per_operation;
  }

  /// What it then watches for.
  static interest wanted_with(descriptor_state const& state, descriptor_operation const& operation,
                              watch_mode how) noexcept {
    interest const wanted = state.operations.wanted() | operation.wanted();
    return how == watch_mode::persistent
               ? wanted | state.watched_for | descriptor_state::persistently_wanted()
               : wanted;
  }

  static trigger trigger_of(watch_mode how) noexcept {
    return how == watch_mode::level        ? trigger::level
           : how == watch_mode::persistent ? trigger::edge
                                           : trigger::edge | trigger::oneshot;
  }

  /// Keeps it, and has its descriptor checked from time to time if need be.
  bool keep_lasting(descriptor_state& state, descriptor_operation& operation) noexcept {
    state.vain_reports = 0;
    if (operation.may_end_unheard) {
      look_at(state);
    }
    return keep(state, operation);
  }

  /// Asks the selector anew for a file that it watches. Unlike watch(), does not go on to another file
  /// that has the number by now, but ends what waits for the old one, and returns EBADF.
  int watch_still(descriptor_state& state, interest wanted, watch_mode how,
                  operation_queue& lost) noexcept {
    int const fd = state.fd;
    int const error = selector_.modify(fd, wanted, trigger_of(how),
                                       selector::tag_data(fd, state.next_generation()));
    if (error == 0) {
      state.has_begun(how, wanted);
      return 0;
    }
    bool const is_gone = error == ENOENT || error == EBADF;
    if (is_gone || !is_really_watched(fd)) {
      drop(fd, state,
           is_gone ? boost::asio::error::make_error_code(boost::asio::error::bad_descriptor)
                   : system_error_code(error),
           lost);
    }
    return is_gone ? EBADF : error;
  }

  /// To be called after an event that nobody in the queue has waited for: those who want it are away.
  /// If this goes on, each event is reported once from now on.
  void note_vain_report(int fd, descriptor_state& state, operation_queue& done) noexcept {
    // In a context with one thread those who are away come back in the next round.
    unsigned char const most = is_locked_ ? 0 : 8;
    if (state.vain_reports != most) {
      ++state.vain_reports;
    } else if (state.operations.empty()) {
      // It reports once more.
      interest const wanted = state.watched_for;
      if (selector_.modify(fd, wanted, trigger::edge | trigger::oneshot,
                           selector::tag_data(fd, state.next_generation())) == 0) {
        state.has_begun(watch_mode::per_operation, wanted);
      } else {
        drop(fd, state, boost::asio::error::bad_descriptor, done);
      }
    } else {
      watch_again(fd, state, done);
    }
  }

  /// Adds the operation to those that wait. Returns true if the host must be asked to listen.
  MIOEXT_DETAIL_FORCEINLINE bool keep(descriptor_state& state,
                                      descriptor_operation& operation) noexcept {
    state.operations.push(operation);
    return pending_.add();
  }

  /// The same, and asks the host to listen if it must be asked.
  MIOEXT_DETAIL_FORCEINLINE void keep_and_unlock(descriptor_state& state,
                                                 descriptor_operation& operation) {
    bool const must_listen = keep(state, operation);
    state.mutex.unlock();
    if (must_listen) {
      host_.listen();
    }
  }

  /// For a handle that is being closed where the operations must not be touched. The descriptor is not
  /// watched from now on; so the next operation with its number ends these ones first, and its entry
  /// here is the only one.
  void leave_to_host(descriptor_state& state) noexcept {
    if (!owner_.is_left_behind()) {
      selector_.remove(state.fd);
    }
    state.has_stopped_elsewhere();
    state.next_closed_elsewhere = closed_elsewhere_.load();
    while (!closed_elsewhere_.compare_exchange_weak(state.next_closed_elsewhere, &state)) {
    }
    host_.notice_closed();
  }

  /// Requests notification when `fd` is closed, before the selector watches it, so that no close is
  /// missed. If there is no memory for that, the operation is destroyed, and its initiating
  /// function throws.
  MIOEXT_DETAIL_FORCEINLINE void hear_of_closing(int fd, descriptor_operation& operation,
                                                 std::unique_lock<optional_mutex>& lock) {
    BOOST_TRY { closing_.enter(fd, *this); }
    BOOST_CATCH(...) {
      if (lock.owns_lock()) {
        lock.unlock();
      }
      operation.destroy();
      BOOST_RETHROW
    }
    BOOST_CATCH_END
  }

  /// Makes the selector watch `fd` for `wanted`; everything that it reported before is stale. If it
  /// turns out that the number does not refer to the old file any more, the operations that wait
  /// for the old file end with bad_descriptor.
  int watch(int fd, descriptor_state& state, interest wanted, watch_mode how,
            operation_queue& lost) noexcept {
    trigger const when = trigger_of(how);
    selector::user_data const data = selector::tag_data(fd, state.next_generation());
    bool is_watched = state.is_watched();
    int error = is_watched ? selector_.modify(fd, wanted, when, data)
                           : selector_.add(fd, wanted, when, data);
    if (!is_watched && error == EEXIST && host_.give_way(fd)) {
      error = selector_.add(fd, wanted, when, data);
    }
    if (!is_watched && error == EEXIST) {
      // The descriptor was closed while a duplicate kept its file open, and the same file has its
      // old number again.
      error = selector_.modify(fd, wanted, when, data);
    } else if (is_watched && (error == ENOENT || error == EBADF)) {
      is_watched = false;
      end_all(state, boost::asio::error::bad_descriptor, lost);
      state.begin();
      state.file_has_changed();
      if (error == ENOENT) {
        error = selector_.add(fd, wanted, when, selector::tag_data(fd, state.next_generation()));
      }
    }
    if (error == 0) {
      state.has_begun(how, wanted);
    } else if (!is_watched) {
      stop_watching(fd, state);
    } else if (!is_really_watched(fd)) {
      // A kqueue failed and could not keep the earlier registration.
      drop(fd, state, system_error_code(error), lost);
    }
    return error;
  }

  /// Moves the operations to `done` that the first so many events of the batch complete. Returns what
  /// fetch() does.
  /// @tparam IsLocked is_locked_
  template <bool IsLocked>
  MIOEXT_DETAIL_FORCEINLINE bool deliver_all(int events, operation_queue& done) noexcept {
    bool has_others = false;
    std::size_t ended = 0; // that are still counted as pending
    selector::native_event const* event = batch_.get();
    for (int left = events; left > 0; --left, ++event) {
      std::uint32_t const fd = selector::descriptor(*event);
      descriptor_state* const state = states_.find(fd);
      if (BOOST_UNLIKELY(!state)) {
        has_others = true; // no descriptor has the number of a source
        host_.note_event(*event, done);
      } else if (IsLocked) {
        state->mutex.lock();
        ended += deliver<true>(static_cast<int>(fd), *state, *event, done);
        state->mutex.unlock();
      } else {
        deliver<false>(static_cast<int>(fd), *state, *event, done);
      }
    }
    if (IsLocked) { // they are not counted otherwise
      pending_.remove_counted(ended);
    }
    return has_others;
  }

  /// Moves the operations that the event completes to `done`. Returns how many of them its caller is to
  /// count down.
  /// @tparam IsLocked false in a scheduler, whose descriptors mostly stay watched when they have reported
  template <bool IsLocked>
  MIOEXT_DETAIL_FORCEINLINE std::size_t deliver(int fd, descriptor_state& state,
                                                selector::native_event const& event,
                                                operation_queue& done) noexcept {
    if (BOOST_UNLIKELY(IsLocked ? !state.is_of_this_generation(event)
                                : !state.is_concerned(event))) {
      note_foreign(event, done);
      return 0;
    }
    if (IsLocked) {
      state.has_reported = true;
    }
    descriptor_operation* const only = state.operations.only();
    if (only && selector::is_only_data(event) && only->wanted() == interest::readable) {
      // The frequent case.
      state.is_drained = false;
      io_status const tried = only->is_only_wait ? io_status::done : only->perform(fd);
      if (BOOST_LIKELY(tried != io_status::must_wait)) {
        state.note(tried);
        state.operations.clear();
        done.push(*only);
        return 1;
      }
    }
    deliver_to_all(fd, state, event, done);
    return 0;
  }

  BOOST_NOINLINE void note_foreign(selector::native_event const& event,
                                   operation_queue& done) noexcept {
    if (!is_locked_) {
      host_.note_event(event, done);
    }
  }

  BOOST_NOINLINE void deliver_to_all(int fd, descriptor_state& state,
                                     selector::native_event const& event,
                                     operation_queue& done) noexcept {
    interest const ready = state.take_note_of(event);
    state.reported = ready;
    bool const is_in_vain = state.is_watched(watch_mode::level) &&
                            !contains(state.operations.wanted(), ready & state.watched_for);
    take_if(state, done, [fd, ready, &state](descriptor_operation& operation) {
      if ((operation.wanted() & ready) == interest::none) {
        return false;
      }
      io_status const tried = operation.perform(fd);
      state.note(tried);
      return tried != io_status::must_wait;
    });
    if (is_in_vain) {
      note_vain_report(fd, state, done);
    } else if (state.is_watched(watch_mode::per_operation) && !state.operations.empty()) {
      watch_again(fd, state, done);
    }
  }

  /// Watches again after an event, for the operations that still wait: once for each of them.
  void watch_again(int fd, descriptor_state& state, operation_queue& done) noexcept {
    interest const wanted = state.operations.wanted();
    int const error = selector_.modify(fd, wanted, trigger::edge | trigger::oneshot,
                                       selector::tag_data(fd, state.next_generation()));
    if (error == 0) {
      state.is_watched_again(wanted);
    } else {
      // ENOENT: the descriptor was closed, and its number refers to another file by now; or another
      // thread is closing the handle.
      drop(fd, state,
           error != ENOENT      ? system_error_code(error)
           : state.is_watched() ? boost::system::error_code(boost::asio::error::bad_descriptor)
                                : boost::asio::error::operation_aborted,
           done);
    }
  }

  /// Ends all operations that wait for `fd` with `error`, and records that it is not watched any
  /// more.
  MIOEXT_DETAIL_FORCEINLINE void drop(int fd, descriptor_state& state,
                                      boost::system::error_code const& error,
                                      operation_queue& done) noexcept {
    if (!state.operations.empty()) {
      end_all(state, error, done);
    }
    stop_watching(fd, state);
  }

  /// Ends all operations that wait for the descriptor with `error`.
  void end_all(descriptor_state& state, boost::system::error_code const& error,
               operation_queue& done) noexcept {
    take_if(state, done, [&error](descriptor_operation& operation) {
      operation.end_with(error);
      return true;
    });
  }

  /// Records that nothing is watched any more, without calling the selector.
  void stop_watching(int fd, descriptor_state& state) noexcept {
    closing_.leave(fd, *this);
    state.has_stopped();
  }

  template <class Predicate>
  void take_if(descriptor_state& state, operation_queue& taken, Predicate is_taken) noexcept {
    if (std::size_t const count = state.operations.move_if(taken, is_taken)) {
      pending_.remove(count);
    }
  }

  // --- Operations that have ended ----------------------------------------------------------------

  template <class Predicate> void cancel_if(int fd, Predicate is_cancelled) {
    assert_usable();
    if (descriptor_state* const state = states_.find(fd)) {
      operation_queue aborted;
      {
        std::lock_guard<optional_mutex> const lock(state->mutex);
        take_if(*state, aborted, [&is_cancelled](descriptor_operation& operation) {
          bool const is_one = is_cancelled(operation);
          if (is_one) {
            operation.end_with(boost::asio::error::operation_aborted);
          }
          return is_one;
        });
      }
      finish(aborted);
    }
  }

  void finish(operation_queue& ended) {
    if (!ended.empty()) {
      host_.finish(ended);
    }
  }

  /// Has the descriptor checked from time to time. To be called with the state's mutex held.
  MIOEXT_DETAIL_FORCEINLINE void look_at(descriptor_state& state) noexcept {
    unheard_.add(state);
    if (!unheard_.is_look_due()) {
      ask_for_look();
    }
  }

  BOOST_NOINLINE void ask_for_look() noexcept {
    if (!unheard_.set_look_due(true)) {
      host_.wake_in(std::chrono::milliseconds(500));
    }
  }

  bool is_really_watched(int fd) noexcept {
    return selector_.has(fd, selector::internal_data(probe_source));
  }

  int add_to(selector& fresh, int fd, descriptor_state& state) noexcept {
    std::lock_guard<optional_mutex> const lock(state.mutex);
    bool const is_once = state.is_watched(watch_mode::per_operation);
    // A lasting wait whose operation is with its executor comes back, and finds it watched.
    bool const is_wanted_later = is_once && state.operations.empty();
    if (!state.is_watched() || (is_wanted_later && state.lasting_waits == 0) ||
        !is_really_watched(fd)) {
      return 0;
    }
    interest const wanted =
        is_once && !is_wanted_later ? state.operations.wanted() : state.watched_for;
    state.has_reported = false;
    return fresh.add(fd, wanted,
                     is_once                               ? trigger::edge | trigger::oneshot
                     : state.is_watched(watch_mode::level) ? trigger::level
                                                           : trigger::edge,
                     selector::tag_data(fd, state.generation));
  }

  std::weak_ptr<selector_reactor> self_{};
  closing_listeners& closing_;
  reactor_host& host_;
  std::size_t const event_capacity_;
  selector selector_{};
  fork_mark owner_{}; // of the selector

  descriptor_table<descriptor_state> states_;
  std::unique_ptr<selector::native_event[]> batch_{}; // what fetch() takes

  unheard_descriptors unheard_{};
  bool const is_locked_; // the states' mutexes
  std::atomic<descriptor_state*> closed_elsewhere_{nullptr};
  pending_operations pending_;
  timer_queue timers_;

  // Locked before all other mutexes. Recursive, because destroying an operation may close handles.
  std::recursive_mutex closing_mutex_{};
  std::atomic<bool> is_shut_down_;
  forks_since forks_since_made_{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_SELECTOR_REACTOR_HPP
