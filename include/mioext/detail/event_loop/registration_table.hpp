//
// mioext/detail/event_loop/registration_table.hpp
// -----------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What an event loop knows of each descriptor: its token, as a word, and which events are its own.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_REGISTRATION_TABLE_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_REGISTRATION_TABLE_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>

#include <mioext/detail/event_loop/token_word.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Where a descriptor is in its life with a loop.
enum class registration_state : unsigned char {
  /// Not registered.
  vacant,
  /// Registered: events go straight to the handler.
  watched,
  /// Registered with `oneshot`, the one event still to come.
  armed,
  /// Registered with `oneshot`, and the event has come.
  disarmed,
  /// The same, but the selector does not know the descriptor: the selector was made anew after
  /// fork, or the event came from the loop and not from the selector.
  unlisted,
  /// A connect is under way: the first event is its outcome.
  connecting,
  /// A connect could not begin, because the listener's backlog is full; the selector does not know
  /// the descriptor, and connect_retries tries again.
  waiting
};

/// One descriptor's registration. The generation, a 31-bit number, distinguishes its events from
/// those of earlier registrations: it is passed to the system with the descriptor, and incremented
/// whenever older events become stale.
class registration {
public:
  registration() noexcept
      : name_(), key_(special), state_(registration_state::vacant), wanted_(), how_() {}

  registration_state state() const noexcept { return state_; }
  bool is_vacant() const noexcept { return state_ == registration_state::vacant; }

  /// The generation of the events that are its own.
  std::uint32_t generation() const noexcept { return key_ & ~special; }

  /// True if an event of `generation` is its own.
  bool owns(std::uint32_t generation) const noexcept { return this->generation() == generation; }

  /// True if an event of `generation` is its own and only needs to be delivered. One comparison
  /// answers both questions, because they are asked for each event.
  bool is_watched_as(std::uint32_t generation) const noexcept { return key_ == generation; }

  /// The generation that comes after this one.
  std::uint32_t next_generation() const noexcept { return (key_ + 1) & ~special; }

  /// The token that events carry.
  token_word name() const noexcept { return name_; }
  interest wanted() const noexcept { return wanted_; }
  trigger how() const noexcept { return how_; }

  bool wants_writing() const noexcept { return (wanted_ & interest::writable) != interest::none; }
  bool wants_reading() const noexcept {
    return (wanted_ & (interest::readable | interest::priority)) != interest::none;
  }

  /// Begins a new generation; older events are stale from now on.
  void renew(std::uint32_t generation, registration_state state) noexcept {
    key_ = generation;
    set_state(state);
  }

  void vacate() noexcept { renew(next_generation(), registration_state::vacant); }

  /// Goes on to another state within its generation.
  void set_state(registration_state state) noexcept {
    key_ = state == registration_state::watched ? generation() : generation() | special;
    state_ = state;
  }

  void assign(token_word name, interest wanted, trigger how) noexcept {
    name_ = name;
    wanted_ = wanted;
    how_ = how;
  }

private:
  static constexpr std::uint32_t special = 0x80000000u; // set in every state but watched

  token_word name_;
  std::uint32_t key_; // the generation, and whether it is special
  registration_state state_;
  interest wanted_;
  trigger how_;
};

/// The registrations of a loop, by descriptor number. Descriptors are small numbers that are
/// reused, so an array is enough: 16 bytes for each, or at most 32 with the room to grow.
class registration_table {
public:
  using entry = registration;

  registration_table() noexcept : size_(0) {}

  /// The entry of `fd`, or null if none was ever made. make() invalidates the pointer.
  entry* find(std::uint32_t fd) noexcept { return fd < size_ ? &entries_[fd] : nullptr; }
  entry* find(int fd) noexcept { return find(static_cast<std::uint32_t>(fd)); }

  /// The entry of `fd`, which was made before.
  entry& at(int fd) noexcept { return entries_[static_cast<std::size_t>(fd)]; }

  /// The entry of `fd`, which must not be negative; makes the entry if there is none. If this
  /// throws std::bad_alloc, nothing has changed.
  entry& make(int fd) {
    std::size_t const index = static_cast<std::size_t>(fd);
    if (index >= size_) {
      grow(index + 1);
    }
    return entries_[index];
  }

  /// How many descriptors, counted from zero, have an entry.
  std::size_t size() const noexcept { return size_; }

private:
  void grow(std::size_t needed) {
    std::size_t const grown_size = std::max(needed, 2 * size_);
    std::unique_ptr<entry[]> grown(new entry[grown_size]);
    if (size_ != 0) {
      std::memcpy(static_cast<void*>(grown.get()), entries_.get(), size_ * sizeof(entry));
    }
    entries_ = std::move(grown);
    size_ = grown_size;
  }

  // Not a std::vector, whose size() needs a division: the size is checked for each event.
  std::unique_ptr<entry[]> entries_{};
  std::size_t size_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_REGISTRATION_TABLE_HPP
