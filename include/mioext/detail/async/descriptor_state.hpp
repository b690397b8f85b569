//
// mioext/detail/async/descriptor_state.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a selector_reactor keeps for a descriptor number.
//

#ifndef MIOEXT_DETAIL_ASYNC_DESCRIPTOR_STATE_HPP
#define MIOEXT_DETAIL_ASYNC_DESCRIPTOR_STATE_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <cstdint>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/optional_mutex.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// How the selector watches a descriptor.
enum class watch_mode : unsigned char {
  /// Not at all.
  none,
  /// Once for each wait, for what its operations wait for: a descriptor that somebody else owns and
  /// may use in any way between the waits.
  per_operation,
  /// The same for a descriptor that is not held by a mioext handle: nobody notifies the reactor
  /// when it is closed.
  per_operation_unheard,
  /// Level-triggered, while an operation that waits again after each event waits or is away. See
  /// lasting_wait.
  level,
  /// All the time, from the first operation that had to wait until the descriptor is closed or
  /// released: a stream's own descriptor. It is watched for reading, and also for writing once a
  /// write had to wait.
  persistent
};

/// What the reactor keeps for a descriptor number. It is made when the number is first used and
/// never removed, so that an event can be matched with it at any time. The generation tells whether
/// an event belongs to the current registration.
///
/// All members are read and changed with the mutex held, except next_looked_at, which belongs to
/// whoever has the list, and next_closed_elsewhere likewise.
struct descriptor_state {
  /// What a stream is watched for from its first wait: reading.
  static constexpr interest persistently_wanted() noexcept {
    return selector::all_interests() & ~interest::writable;
  }

  bool is_watched() const noexcept { return !is_watched(watch_mode::none); }

  bool is_watched(watch_mode how) const noexcept {
    return watched_.load(std::memory_order_relaxed) == how;
  }

  /// True if the operation must not be tried now: there is nothing to read, or other operations
  /// wait for the same, and they come first.
  MIOEXT_DETAIL_FORCEINLINE bool must_wait(descriptor_operation const& operation) const noexcept {
    return (is_drained && operation.wanted() == interest::readable) ||
           (!operations.empty() && (operations.wanted() & operation.wanted()) != interest::none);
  }

  /// True if the selector reports what the operation wants without being asked anew: it watches for
  /// that edge-triggered, and the operation has just been tried in vain.
  MIOEXT_DETAIL_FORCEINLINE bool
  will_be_reported(descriptor_operation const& operation) const noexcept {
    return is_watched(watch_mode::persistent) && contains(watched_for, operation.wanted());
  }

  /// Remembers that an attempt has left nothing to read. From then on reads wait until the selector
  /// reports something new, which it does because it is edge-triggered and was watching before the
  /// attempt. This is not done if the selector does not report urgent data, because it then reports
  /// too little. (tokio's PollEvented and its clear_readiness() do the same after a short read.)
  MIOEXT_DETAIL_FORCEINLINE void note(io_status tried) noexcept {
    if (tried == io_status::done_and_drained && is_watched(watch_mode::persistent) && !has_ended &&
        contains(selector::all_interests(), interest::priority)) {
      is_drained = true;
    }
  }

  /// True if nothing is reported any more, even if a duplicate keeps the file open, until the selector is
  /// asked anew: it was to report once, and has done so. So it need not be told when this is closed. (A
  /// selector that reports reading and writing apart may still have the other.) As with Asio's sockets, the
  /// selector has it until the last duplicate is closed.
  bool is_spent() const noexcept {
    return has_reported && is_watched(watch_mode::per_operation) && selector::reports_together();
  }

  /// The tag of the next registration.
  std::uint32_t next_generation() const noexcept { return (generation + 1) & 0x7fffffffu; }

  /// To be called after the selector was asked anew, with the next generation.
  void has_begun(watch_mode how, interest wanted) noexcept {
    begin();
    has_begun_at_last(how, wanted);
  }

  /// The first half of that. What is reported by an earlier tag is nobody's from now on.
  std::uint32_t begin() noexcept {
    generation = next_generation();
    return generation;
  }

  /// The second half.
  void has_begun_at_last(watch_mode how, interest wanted) noexcept { change(how, wanted); }

  /// To be called when the selector does not watch the descriptor any more.
  void has_stopped() noexcept {
    begin();
    change(watch_mode::none, interest::none);
    file_has_changed();
  }

  /// The number has another file, or none.
  void file_has_changed() noexcept {
    ++registration;
    lasting_waits = 0;
  }

  /// To be called after the selector was asked anew, once for those who still wait.
  void is_watched_again(interest wanted) noexcept {
    begin();
    watched_.store(watch_mode::per_operation, std::memory_order_relaxed);
    watched_for = wanted;
    has_reported = false;
  }

  /// The same in a thread that may change nothing else, because the reactor has no locks.
  void has_stopped_elsewhere() noexcept {
    watched_.store(watch_mode::none, std::memory_order_relaxed);
  }

  bool is_concerned(selector::native_event const& event) const noexcept {
    return is_watched() && is_of_this_generation(event);
  }

  /// Enough where all that ends the watching changes the generation: unless other threads do it without locks.
  bool is_of_this_generation(selector::native_event const& event) const noexcept {
    return generation == selector::tag(event);
  }

  /// Remembers what the event reports, and returns the interests of the operations that it
  /// concerns.
  interest take_note_of(selector::native_event const& event) noexcept {
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
      is_drained = false;
    }
    if (contains(ready, interest::priority)) {
      has_ended = true;
    }
    return ready;
  }

  // In 64 bytes, without a gap.

  optional_mutex mutex{};
  operation_queue operations{};
  /// For the list of descriptors that are checked: the next state in it.
  descriptor_state* next_looked_at = nullptr;
  /// The same for those whose handles other threads have closed.
  descriptor_state* next_closed_elsewhere = nullptr;
  /// The descriptor, which never changes.
  int fd = -1;
  std::uint32_t generation = 0;
  /// Counts how often watching it has ended, and so tells the files apart that have this number one
  /// after the other.
  std::uint32_t registration = 0;
  /// How many lasting waits there are for it, waiting or away.
  std::uint32_t lasting_waits = 0;
  /// What the descriptor is watched for.
  interest watched_for = interest::none;
  /// What the event said that is being delivered.
  interest reported = interest::none;
  /// How often the selector has reported in vain, one report after the other, what only operations want
  /// that are away.
  unsigned char vain_reports = 0;
  /// True if it is in the list of descriptors that are checked from time to time, because they may
  /// be closed without notification.
  bool is_looked_at = false;
  /// True if it was read until nothing was left, and the selector has not reported anything new
  /// since.
  bool is_drained = false;
  /// True if its end, an error or urgent data was reported. After that not everything new is
  /// reported.
  bool has_ended = false;
  /// True if the selector has reported something since it was asked last.
  bool has_reported = false;

private:
  void change(watch_mode how, interest wanted) noexcept {
    watched_.store(how, std::memory_order_relaxed);
    watched_for = wanted;
    is_drained = false;
    has_ended = false;
    has_reported = false;
  }

  std::atomic<watch_mode> watched_{watch_mode::none}; // atomic for has_stopped_elsewhere() alone
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_DESCRIPTOR_STATE_HPP
