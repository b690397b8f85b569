//
// mioext/detail/async/selector_reactor.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Waits for readiness of any number of descriptors inside an execution context: a selector, nested
// in the context's own reactor, and the operations that wait for it.
//

#ifndef MIOEXT_DETAIL_ASYNC_SELECTOR_REACTOR_HPP
#define MIOEXT_DETAIL_ASYNC_SELECTOR_REACTOR_HPP

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/descriptor_table.hpp>
#include <mioext/detail/async/function_memory.hpp>
#include <mioext/detail/async/inline_executor.hpp>
#include <mioext/detail/async/nested_descriptor.hpp>
#include <mioext/detail/closing_listeners.hpp>
#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/fork_mark.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
namespace detail {

/// How the selector watches a descriptor.
enum class watch_mode : unsigned char {
  /// Not at all.
  none,
  /// For what its operations wait for, once, and again when the next one comes: a descriptor of
  /// somebody else, who may do with it what he likes in between.
  per_operation,
  /// The same for one that is not a mioext handle's: when it is closed, nobody says so.
  per_operation_unheard,
  /// From its first operation that had to wait until its end: a stream's own. For reading, and for
  /// writing once that had to wait, too.
  persistent
};

/// What the reactor keeps for a descriptor number. Made when the number is first used and never
/// removed, so that an event can be matched with it at any time; the generation says whether it
/// is one of the registration that exists now.
struct descriptor_state {
  std::mutex mutex{};
  operation_queue operations{};
  std::uint32_t generation = 0;
  watch_mode watched = watch_mode::none;
  /// What it is watched for.
  interest watched_for = interest::none;
  /// It is among those that are looked at now and then, because they may be closed unheard.
  bool is_looked_at = false;
  /// It was read until nothing was left, and the selector has not reported anything new since.
  bool is_drained = false;
  /// Its end was reported, an error or urgent data: what follows is not all reported anew.
  bool has_ended = false;
  /// By which the reactor hears that a handle of this number is closed, while it is watched.
  closing_entry closing{};
  /// For the list of those that are looked at.
  descriptor_state* next_looked_at = nullptr;
  int fd = -1;
};

// std::enable_shared_from_this has no virtual destructor, which -Weffc++ takes for a mistake.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

/// Shared by the context's selector_service and the objects that use it, so that these may outlive
/// the context.
///
/// The selector's descriptor is watched by the context's reactor while operations wait, which is
/// also what keeps the context's run() from returning. When it is readable, one batch of events is
/// fetched; then the reactor is asked to wait again, and only then are handlers called: the first
/// of them on the spot, all others through their executors' queues, so that each of the context's
/// threads can take one and none waits for the end of another.
///
/// Thread-safe. A state's mutex is held while its operations try their I/O, and while its handle is
/// closed (handle_closing()), so that no I/O reaches a number that means another file by then. No
/// handler is called and none destroyed under a lock.
///
/// A descriptor that is closed behind our back is removed from the selector by the system, without
/// a word. While operations of the kind `per_operation_unheard` wait, their descriptors are looked at twice a
/// second. An alarm in the selector says when: it is not called off when the last of them has ended,
/// but goes off once more, so that waiting costs no alarm of its own.
///
/// The context counts what is called by its thread: so an operation that ends is told, where that is
/// possible, by the very wait that ended it, or that was cancelled because it was the last one.
class selector_reactor final : public closing_listener {
public:
  static std::shared_ptr<selector_reactor> make(boost::asio::execution_context& context,
                                                std::size_t event_capacity) {
    if (event_capacity == 0 || event_capacity > selector::most_events()) {
      throw_error(boost::asio::error::make_error_code(boost::asio::error::invalid_argument),
                  "selector_service");
    }
    auto const made = std::make_shared<selector_reactor>(context, event_capacity);
    made->self_ = made;
    return made;
  }

  selector_reactor(boost::asio::execution_context& context, std::size_t event_capacity)
      : closing_(closing_listeners::instance()), executor_(context),
        event_capacity_(event_capacity), batch_(new selector::native_event[event_capacity]),
        pending_(0), looked_at_(nullptr), is_alarm_set_(false), is_shut_down_(false),
        is_armed_(false) {
    throw_error(system_error_code(fork_count::begin()), "selector_service");
    throw_error(system_error_code(selector_.open()), "selector_service");
    throw_error(system_error_code(alarm_.open(selector_, alarm_data())), "selector_service");
    nested_.reset(new nested(executor_));
    boost::system::error_code ec;
    nested_->selector.add(selector_.native_handle(), ec);
    throw_error(ec, "selector_service");
  }

  ~selector_reactor() {
    states_.for_each([this](int fd, descriptor_state& state) {
      if (state.watched != watch_mode::none) {
        stop_watching(fd, state);
      }
    });
  }

  /// True when the context is gone, or going: its executors must not be used any more.
  bool is_shut_down() const noexcept { return is_shut_down_.load(); }

  /// The state of `fd`, which stays where it is; null if `fd` is no descriptor. The system is asked
  /// before there is one, because whatever a program takes for a number would make the table as large.
  descriptor_state* state_of(int fd) {
    descriptor_state* const known = states_.find(fd);
    return known || not_registered_error(fd) == EBADF ? known : &states_.make(fd);
  }

  /// Tries `operation`, which it owns from now on, and keeps it until it is done if it would have to
  /// wait.
  ///
  /// @param operation of its own type, so that the compiler knows what it calls here.
  /// @param state of `fd`
  /// @param tries_first false for an operation that is a wait and nothing else: it ends when the
  /// selector reports what it waits for, which may be at once.
  template <class Operation>
  BOOST_FORCEINLINE void start(int fd, descriptor_state& state, Operation& operation,
                               watch_mode how, bool tries_first) {
    state.mutex.lock();
    if (tries_first && !is_shut_down_.load(std::memory_order_relaxed)) {
      bool const is_in_vain = must_wait(state, operation) && operation.may_wait();
      io_status const tried = is_in_vain ? io_status::must_wait : operation.perform(fd);
      if (tried != io_status::must_wait) {
        note(state, tried);
        state.mutex.unlock();
        operation.complete(completion::immediate);
        return;
      }
      if (state.watched == watch_mode::persistent &&
          contains(state.watched_for, operation.wanted())) {
        // Edge-triggered, and found not ready a moment ago: what comes now is reported.
        bool const must_settle = keep(state, operation);
        state.mutex.unlock();
        if (must_settle) {
          settle();
        }
        return;
      }
    }
    start_watching(fd, state, operation, how,
                   std::unique_lock<std::mutex>(state.mutex, std::adopt_lock));
  }

  /// The same for a descriptor whose state is not known, or that is none.
  template <class Operation>
  void start(int fd, Operation& operation, watch_mode how, bool tries_first) {
    operation_queue owner;
    owner.push(operation);
    descriptor_state* const state = state_of(fd);
    owner.pop();
    if (state) {
      start(fd, *state, operation, how, tries_first);
    } else {
      operation.end_with(boost::asio::error::bad_descriptor);
      operation.complete(completion::immediate);
    }
  }

  /// Ends what waits for `fd` with operation_aborted.
  void cancel(int fd) {
    cancel_if(fd, [](descriptor_operation const&) { return true; });
  }

  /// Ends the one operation with that key, if it still waits.
  void cancel(int fd, void const* cancellation_key) {
    cancel_if(fd, [cancellation_key](descriptor_operation const& operation) {
      return operation.cancellation_key == cancellation_key;
    });
  }

  /// The same, and `fd` is not watched any more: it is about to be closed, or given away.
  void remove(int fd) {
    if (descriptor_state* const state = states_.find(fd)) {
      operation_queue aborted;
      {
        std::lock_guard<std::mutex> const lock(state->mutex);
        if (state->watched != watch_mode::none && !owner_.is_left_behind()) {
          selector_.remove(fd);
        }
        drop(fd, *state, boost::asio::error::operation_aborted, aborted);
      }
      finish(aborted);
    }
  }

  /// In any thread, which knows nothing of the context: shutdown() waits until what ends here has reached
  /// its executor, and nothing does after it. What an executor has no memory for is dropped: whoever closes
  /// cannot be told, and may be giving memory back just now.
  void handle_closing(int fd) noexcept override {
    std::lock_guard<std::recursive_mutex> const lock(closing_mutex_);
    if (!is_shut_down()) {
      BOOST_TRY { remove(fd); }
      BOOST_CATCH(...) {} // the operations were destroyed on the way here
      BOOST_CATCH_END
    }
  }

  std::shared_ptr<closing_listener> this_listener() noexcept override { return self_.lock(); }

  /// The context goes: drops what waits, without calling it, and leaves the context's reactor.
  void shutdown() {
    operation_queue dropped;
    std::unique_ptr<nested> left;
    {
      std::lock_guard<std::recursive_mutex> const closing_lock(closing_mutex_);
      std::lock_guard<std::mutex> const lock(pump_mutex_);
      is_shut_down_.store(true, std::memory_order_relaxed);
      if (owner_.is_left_behind()) {
        // Leaving the reactor of a child that never became one would take the parent's selector out
        // of the parent's reactor: by its number, which means nothing any more when it is closed.
        selector_.close();
      }
      left = std::move(nested_);
      dropped.append(ended_);
    }
    states_.for_each([this, &dropped](int, descriptor_state& state) {
      std::lock_guard<std::mutex> const lock(state.mutex);
      take_if(state, dropped, [](descriptor_operation const&) { return true; });
    });
  }

  /// Leaves the context's reactor while the process forks, because a kqueue does not exist in the
  /// child and Asio's reactor cannot watch it anew there. In the child a selector of its own, with
  /// all that this one really watches, takes the place of the one that the parent has.
  ///
  /// What is started meanwhile waits until the reactor is entered again; so does all else after an
  /// error, which is thrown, until the call is repeated.
  void notify_fork(boost::asio::execution_context::fork_event event) {
    operation_queue lost;
    boost::system::error_code failed;
    {
      std::lock_guard<std::mutex> const lock(pump_mutex_);
      if (!nested_) {
        return;
      }
      is_suspended_ = true;
      nested_->selector.remove();
      if (event == boost::asio::execution_context::fork_prepare) {
        return;
      }
      boost::system::error_code ec;
      if (event == boost::asio::execution_context::fork_child) {
        ec = system_error_code(rebuild(lost));
      }
      if (!ec) {
        nested_->selector.add(selector_.native_handle(), ec);
      }
      if (!ec) {
        is_suspended_ = false;
      }
      failed = ec;
    }
    lost.complete_all(completion::posted);
    settle();
    throw_error(failed, "notify_fork");
  }

private:
  struct nested {
    explicit nested(inline_executor const& executor) : selector(executor) {}

    nested_descriptor<inline_executor> selector;
  };

  static constexpr std::size_t wait_memory_size = 192;

  /// What Asio calls when the selector has events, or the wait was cancelled.
  struct wait_handler {
    using allocator_type = function_allocator<void, wait_memory_size>;
    // Asio wants to know one; it has no use for it, as long as the descriptor is open.
    using immediate_executor_type = inline_executor;

    allocator_type get_allocator() const noexcept { return allocator_type(*memory); }
    immediate_executor_type get_immediate_executor() const noexcept { return reactor->executor_; }

    void operator()(boost::system::error_code const& ec) { reactor->pump(ec); }

    std::shared_ptr<selector_reactor> reactor;
    function_memory<wait_memory_size>* memory;
  };

  // --- Operations that wait. All of this with the state's mutex held. ------------------------------

  /// What a stream is read with.
  static constexpr interest persistently_wanted() noexcept {
    return selector::all_interests() & ~interest::writable;
  }

  /// Whether it would be in vain to try it now: there is nothing to read; or others wait for the same,
  /// which come first.
  static bool must_wait(descriptor_state const& state,
                        descriptor_operation const& operation) noexcept {
    return (state.is_drained && operation.wanted() == interest::readable) ||
           (!state.operations.empty() &&
            (state.operations.wanted() & operation.wanted()) != interest::none);
  }

  /// Remembers what an attempt has found. Later it is found out by the selector alone, which reports
  /// whatever is new, because it is edge-triggered and was watching before the attempt. A selector
  /// that does not tell of urgent data says too little for that. (tokio's PollEvented and its
  /// clear_readiness() do the same after a short read.)
  static void note(descriptor_state& state, io_status tried) noexcept {
    if (tried == io_status::done_and_drained && state.watched == watch_mode::persistent &&
        !state.has_ended && contains(selector::all_interests(), interest::priority)) {
      state.is_drained = true;
    }
  }

  /// Keeps the operation, after the selector was asked to report what it waits for; which it does,
  /// whenever it is asked anew, also of what is there already. Not after shutdown().
  void start_watching(int fd, descriptor_state& state, descriptor_operation& operation,
                      watch_mode how, std::unique_lock<std::mutex> lock) {
    if (is_shut_down_.load(std::memory_order_relaxed)) {
      lock.unlock();
      operation.destroy();
      return;
    }
    if (owner_.is_left_behind()) {
      lock.unlock();
      int const error = own_selector();
      lock.lock();
      if (error != 0) {
        lock.unlock();
        operation.end_with(system_error_code(error));
        operation.complete(completion::immediate);
        return;
      }
    }
    if (state.watched == watch_mode::none) {
      hear_of_closing(fd, state, operation, lock);
    }
    if (state.watched == watch_mode::persistent) {
      how = watch_mode::persistent;
    }
    operation.may_end_unheard = how == watch_mode::per_operation_unheard;
    if (how == watch_mode::per_operation_unheard) {
      how = watch_mode::per_operation;
    }
    interest wanted = state.operations.wanted() | operation.wanted();
    if (how == watch_mode::persistent) {
      wanted = wanted | state.watched_for | persistently_wanted();
    }
    operation_queue lost;
    int const error = watch(fd, state, wanted, how, lost);
    if (error == 0 && operation.may_end_unheard) {
      look_at(fd, state);
    }
    bool const must_settle = error == 0 && keep(state, operation);
    operation_queue refused;
    if (error != 0) {
      operation.end_with(system_error_code(error));
      refused.push(operation);
    }
    lock.unlock();
    if (must_settle) {
      settle();
    }
    finish(lost);
    refused.complete_all(completion::immediate);
  }

  /// From before the selector watches `fd`, so that no close is missed. If there is no memory for that,
  /// the operation does not wait, and is destroyed: its initiating function throws.
  void hear_of_closing(int fd, descriptor_state& state, descriptor_operation& operation,
                       std::unique_lock<std::mutex>& lock) {
    BOOST_TRY { closing_.enter(fd, state.closing, *this); }
    BOOST_CATCH(...) {
      lock.unlock();
      operation.destroy();
      BOOST_RETHROW
    }
    BOOST_CATCH_END
  }

  /// True if settle() must be called.
  bool keep(descriptor_state& state, descriptor_operation& operation) noexcept {
    state.operations.push(operation);
    bool const is_first = pending_.fetch_add(1) == 0;
    return is_first && !is_armed_.load();
  }

  /// Asks the selector for what is wanted; everything reported before is stale. Where it turns out
  /// that the number means another file by now, those that wait for the old one are told.
  int watch(int fd, descriptor_state& state, interest wanted, watch_mode how,
            operation_queue& lost) noexcept {
    trigger const trigger_of =
        how == watch_mode::per_operation ? trigger::edge | trigger::oneshot : trigger::edge;
    selector::user_data const data = selector::tag_data(fd, next_generation(state));
    bool is_watched = state.watched != watch_mode::none;
    int error = is_watched ? selector_.modify(fd, wanted, trigger_of, data)
                           : selector_.add(fd, wanted, trigger_of, data);
    if (!is_watched && error == EEXIST) {
      // Closed while a duplicate kept its file open, and here again under its old number.
      error = selector_.modify(fd, wanted, trigger_of, data);
    } else if (is_watched && (error == ENOENT || error == EBADF)) {
      is_watched = false;
      end_all(state, boost::asio::error::bad_descriptor, lost);
      state.generation = next_generation(state);
      if (error == ENOENT) {
        error =
            selector_.add(fd, wanted, trigger_of, selector::tag_data(fd, next_generation(state)));
      }
    }
    if (error == 0) {
      state.generation = next_generation(state);
      state.watched = how;
      state.watched_for = wanted;
      state.is_drained = false;
      state.has_ended = false;
    } else if (!is_watched) {
      stop_watching(fd, state);
    } else if (!selector_.has(fd, selector::internal_data(probe_source))) {
      // A kqueue that could not leave it as it was.
      drop(fd, state, system_error_code(error), lost);
    }
    return error;
  }

  static std::uint32_t next_generation(descriptor_state const& state) noexcept {
    return (state.generation + 1) & 0x7fffffffu;
  }

  /// Takes those that the event concerns and that are done by it.
  void deliver(int fd, descriptor_state& state, selector::native_event const& event,
               operation_queue& done) noexcept {
    if (state.watched == watch_mode::none || state.generation != selector::tag(event)) {
      return;
    }
    interest ready = interest::none;
    if (selector::concerns_reading(event) && !selector::is_only_priority(event)) {
      ready = ready | interest::readable;
    }
    if (selector::concerns_writing(event)) {
      ready = ready | interest::writable;
    }
    if (selector::is_priority(event) || selector::is_error(event) ||
        selector::is_read_closed(event)) {
      ready = ready | interest::priority;
    }
    if (contains(ready, interest::readable)) {
      state.is_drained = false;
    }
    if (contains(ready, interest::priority)) {
      state.has_ended = true;
    }
    take_if(state, done, [fd, ready, &state](descriptor_operation& operation) {
      if ((operation.wanted() & ready) == interest::none) {
        return false;
      }
      io_status const tried = operation.perform(fd);
      note(state, tried);
      return tried != io_status::must_wait;
    });
    if (state.watched == watch_mode::per_operation && !state.operations.empty()) {
      watch_again(fd, state, done);
    }
  }

  /// After an event, for those that still wait.
  void watch_again(int fd, descriptor_state& state, operation_queue& done) noexcept {
    interest const wanted = state.operations.wanted();
    int const error = selector_.modify(fd, wanted, trigger::edge | trigger::oneshot,
                                       selector::tag_data(fd, next_generation(state)));
    if (error == 0) {
      state.generation = next_generation(state);
      state.watched_for = wanted;
    } else {
      // ENOENT: it was closed, and the number means another file by now.
      drop(fd, state, system_error_code(error == ENOENT ? EBADF : error), done);
    }
  }

  /// All that wait end with `error`, and nothing is watched.
  void drop(int fd, descriptor_state& state, boost::system::error_code const& error,
            operation_queue& done) noexcept {
    end_all(state, error, done);
    stop_watching(fd, state);
  }

  /// All that wait end with `error`.
  void end_all(descriptor_state& state, boost::system::error_code const& error,
               operation_queue& done) noexcept {
    take_if(state, done, [&error](descriptor_operation& operation) {
      operation.end_with(error);
      return true;
    });
  }

  /// Nothing is watched, as far as the selector is not asked.
  void stop_watching(int fd, descriptor_state& state) noexcept {
    closing_.leave(fd, state.closing);
    state.generation = next_generation(state);
    state.watched = watch_mode::none;
    state.watched_for = interest::none;
    state.is_drained = false;
    state.has_ended = false;
  }

  template <class Predicate>
  void take_if(descriptor_state& state, operation_queue& taken, Predicate is_taken) noexcept {
    if (std::size_t const count = state.operations.move_if(taken, is_taken)) {
      pending_.fetch_sub(count);
    }
  }

  // --- Operations that have ended -----------------------------------------------------------------

  template <class Predicate> void cancel_if(int fd, Predicate is_cancelled) {
    if (descriptor_state* const state = states_.find(fd)) {
      operation_queue aborted;
      {
        std::lock_guard<std::mutex> const lock(state->mutex);
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

  /// Those that have ended without the selector's doing are told from the queue. The last of them come
  /// with the wait in the context's reactor, which is cancelled because of them.
  void finish(operation_queue& ended) {
    if (ended.empty()) {
      return;
    }
    {
      std::lock_guard<std::mutex> const lock(pump_mutex_);
      if (can_wait() && is_armed_.load() && pending_.load() == 0) {
        ended_.append(ended);
        if (!is_cancelled_) {
          is_cancelled_ = true;
          nested_->selector.cancel();
        }
        return;
      }
    }
    ended.complete_all(completion::posted);
  }

  // --- The context's reactor ----------------------------------------------------------------------

  /// Waits in the context's reactor, now that an operation waits here. Nothing is lost between those who
  /// count operations up without the lock and look whether the wait is on, and pump(), which says that
  /// it is off and then looks at the count: both are sequentially consistent. Nor between those who
  /// count down and then, with the lock, look whether the wait is on (finish()), and this.
  void settle() {
    operation_queue failed;
    {
      std::lock_guard<std::mutex> const lock(pump_mutex_);
      if (can_wait() && !is_armed_.load() && pending_.load() != 0) {
        arm(failed);
      }
    }
    failed.complete_all(completion::posted);
  }

  /// False when the context is gone; from before a fork until the reactor is entered again after it; and
  /// in a child that does not know yet that it is one, whose reactor is its parent's, too.
  bool can_wait() const noexcept {
    return nested_ && !is_suspended_ && !nested_->selector.is_left_behind();
  }

  /// With pump_mutex_ held, which what Asio calls takes, too: so Asio must have nothing to complete at
  /// once, which it has, as newer versions do it, where the descriptor is not open or the reactor
  /// refuses it. It is open where can_wait() holds, and add() was not refused. Where Asio needs more
  /// memory for a wait than it is given, and there is none, nobody may go on waiting.
  void arm(operation_queue& failed) {
    is_armed_.store(true);
    is_cancelled_ = false;
    selector_memory_.reuse();
    BOOST_TRY { nested_->selector.async_wait(wait_handler{self_.lock(), &selector_memory_}); }
    BOOST_CATCH(std::bad_alloc const&) {
      is_armed_.store(false);
      do { // until it has met those, too, that came meanwhile: they count on the first
        fail_all(boost::asio::error::no_memory, failed);
      } while (pending_.load() != 0);
    }
    BOOST_CATCH_END
  }

  /// The selector has events; or the wait was cancelled, and operations may have come meanwhile. One
  /// thread at a time is here as long as is_armed_ is true.
  void pump(boost::system::error_code const& ec) {
    operation_queue done;
    if (ec && ec != boost::asio::error::operation_aborted) {
      fail_all(ec, done);
    } else if (pending_.load() != 0 && !owner_.is_left_behind()) {
      fetch(done);
    }
    {
      std::lock_guard<std::mutex> const lock(pump_mutex_);
      done.append(ended_);
      is_armed_.store(false);
      if (pending_.load() != 0 && can_wait()) {
        arm(done);
      }
    }
    operation_queue first; // unless it would find itself behind the others in its executor's queue
    if (!done.empty() && done.front().is_called_on_the_spot) {
      first.push(*done.pop());
    }
    done.complete_all(completion::posted);
    first.complete_all(completion::dispatched);
  }

  /// The context's reactor cannot wait for the selector, now or ever: those who wait must not do so
  /// for nothing.
  void fail_all(boost::system::error_code const& ec, operation_queue& done) noexcept {
    states_.for_each([this, &ec, &done](int, descriptor_state& state) {
      std::lock_guard<std::mutex> const lock(state.mutex);
      end_all(state, ec, done);
    });
  }

  void fetch(operation_queue& done) noexcept {
    int const count =
        selector_.wait(batch_.get(), event_capacity_, std::chrono::nanoseconds::zero());
    std::size_t const size = count > 0 ? static_cast<std::size_t>(count) : 0;
    bool is_time_to_look = false;
    for (std::size_t index = 0; index != size; ++index) {
      std::uint32_t const fd = selector::descriptor(batch_[index]);
      if (descriptor_state* const state = states_.find(fd)) {
        std::lock_guard<std::mutex> const lock(state->mutex);
        deliver(static_cast<int>(fd), *state, batch_[index], done);
      } else {
        is_time_to_look = true; // no descriptor has the number of the alarm
      }
    }
    if (is_time_to_look) {
      look_for_closed(done);
    }
  }

  // --- Looking for descriptors that were closed unheard -------------------------------------------

  /// With the state's mutex held. Those that have nobody waiting any more stay in the list until the
  /// next look, so that a wait after the other is not put in and taken out each time.
  void look_at(int fd, descriptor_state& state) noexcept {
    if (!state.is_looked_at) {
      state.is_looked_at = true;
      state.fd = fd;
      state.next_looked_at = looked_at_.load();
      while (!looked_at_.compare_exchange_weak(state.next_looked_at, &state)) {
      }
    }
    // Whoever goes through the list says first that the alarm is off.
    if (!is_alarm_set_.load()) {
      set_alarm();
    }
  }

  BOOST_NOINLINE void set_alarm() noexcept {
    if (!is_alarm_set_.exchange(true)) {
      alarm_.set(std::chrono::milliseconds(500));
    }
  }

  /// Tells those who wait for a descriptor that was closed behind our back.
  BOOST_NOINLINE void look_for_closed(operation_queue& lost) noexcept {
    is_alarm_set_.store(false);
    descriptor_state* next = looked_at_.exchange(nullptr);
    while (next) {
      descriptor_state& state = *next;
      std::lock_guard<std::mutex> const lock(state.mutex);
      next = state.next_looked_at;
      state.is_looked_at = false;
      if (state.operations.any_may_end_unheard()) {
        if (selector_.has(state.fd, selector::internal_data(probe_source))) {
          look_at(state.fd, state);
        } else {
          drop(state.fd, state, boost::asio::error::bad_descriptor, lost);
        }
      }
    }
  }

  // --- After a fork -------------------------------------------------------------------------------

  /// In a child the selector is the parent's, too, and is not touched: removing a descriptor there would
  /// make the parent deaf. An operation that has to wait gets a selector that is the child's own.
  /// Returns an errno value.
  BOOST_NOINLINE int own_selector() {
    operation_queue lost;
    int error = 0;
    {
      std::lock_guard<std::mutex> const lock(pump_mutex_);
      if (owner_.is_left_behind()) {
        error = rebuild(lost);
      }
    }
    lost.complete_all(completion::posted);
    return error;
  }

  /// Makes a new selector, with all that the old one really watches, and only then takes it. Returns an
  /// errno value; after an error nothing has changed. With pump_mutex_ held.
  int rebuild(operation_queue& lost) noexcept {
    selector fresh;
    int error = fresh.open();
    states_.for_each([this, &fresh, &error](int fd, descriptor_state& state) {
      if (error == 0) {
        error = add_to(fresh, fd, state);
      }
    });
    selector_alarm alarm;
    if (error == 0) {
      error = alarm.open(fresh, alarm_data());
    }
    if (error == 0) {
      error = selector_.replace_with(fresh);
    }
    if (error != 0) {
      return error;
    }
    alarm_ = std::move(alarm);
    is_alarm_set_.store(false);
    if (looked_at_.load()) {
      set_alarm();
    }
    owner_.renew(); // last, for threads of the child that look whether they must come here
    states_.for_each([this, &lost](int fd, descriptor_state& state) {
      std::lock_guard<std::mutex> const lock(state.mutex);
      if (state.watched != watch_mode::none &&
          !selector_.has(fd, selector::internal_data(probe_source))) {
        drop(fd, state, boost::asio::error::bad_descriptor, lost);
      }
    });
    return 0;
  }

  int add_to(selector& fresh, int fd, descriptor_state& state) noexcept {
    std::lock_guard<std::mutex> const lock(state.mutex);
    bool const is_once = state.watched == watch_mode::per_operation;
    if (state.watched == watch_mode::none || (is_once && state.operations.empty()) ||
        !selector_.has(fd, selector::internal_data(probe_source))) {
      return 0;
    }
    interest const wanted = is_once ? state.operations.wanted() : state.watched_for;
    return fresh.add(fd, wanted, is_once ? trigger::edge | trigger::oneshot : trigger::edge,
                     selector::tag_data(fd, state.generation));
  }

  static constexpr std::uint32_t probe_source = 1;
  static constexpr std::uint32_t alarm_source = 2;

  static selector::user_data alarm_data() noexcept { return selector::internal_data(alarm_source); }

  std::weak_ptr<selector_reactor> self_{};
  closing_listeners& closing_;
  inline_executor const executor_;
  std::size_t const event_capacity_;
  selector selector_{};
  fork_mark owner_{}; // of the selector

  descriptor_table<descriptor_state> states_{};
  std::unique_ptr<selector::native_event[]> batch_; // what pump() fetches

  std::atomic<std::size_t> pending_; // how many operations wait

  std::atomic<descriptor_state*> looked_at_;
  std::atomic<bool> is_alarm_set_;
  selector_alarm alarm_{};

  // Before all others. Recursive, because what is dropped with an operation may close handles.
  std::recursive_mutex closing_mutex_{};
  std::mutex pump_mutex_{};
  std::atomic<bool> is_shut_down_;
  std::atomic<bool> is_armed_; // from the start of a wait until what it reported was fetched
  bool is_cancelled_ = false;
  bool is_suspended_ = false; // around a fork
  operation_queue ended_{};   // what the wait tells that was cancelled because of them
  // Outlives nested_: Asio may hold what is in it until the context is gone.
  function_memory<wait_memory_size> selector_memory_{};
  std::unique_ptr<nested> nested_{};
};

#pragma GCC diagnostic pop

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_SELECTOR_REACTOR_HPP
