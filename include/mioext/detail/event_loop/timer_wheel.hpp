//
// mioext/detail/event_loop/timer_wheel.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Keeps any number of timers in order of their deadlines, at constant cost to set and to cancel.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_TIMER_WHEEL_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_TIMER_WHEEL_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/config.hpp>
#include <boost/throw_exception.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Position of the lowest set bit of `word`, which is not zero.
inline unsigned lowest_bit(std::uint64_t word) noexcept {
  return static_cast<unsigned>(__builtin_ctzll(word));
}

/// Position of the highest set bit of `word`, which is not zero.
inline unsigned highest_bit(std::uint64_t word) noexcept {
  return 63u - static_cast<unsigned>(__builtin_clzll(word));
}

/// Names one timer of a timer_wheel, also after it is gone: a wheel recognises that the timer has
/// fired or was erased, even when its place was given to another. (A place must be given away 2^32
/// times before an id can be mistaken.) A default-constructed id names no timer.
struct timer_id {
  timer_id() noexcept : index(std::numeric_limits<std::uint32_t>::max()), generation(0) {}
  timer_id(std::uint32_t i, std::uint32_t g) noexcept : index(i), generation(g) {}

  std::uint32_t index;
  std::uint32_t generation;
};

/// A hierarchical timing wheel (Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987;
/// levels chosen as in tokio's time driver) of values of type T, each with a deadline in ticks.
///
/// There is no clock in it: whoever owns it decides what a tick is and passes the current one.
/// Ticks count from zero and use all 64 bits. The last one, max(), is never reached: a timer set
/// for it waits for ever, and next_deadline() says max() when there is nothing to wait for.
///
/// How it works. A tick is read as a number with one digit per level; a digit has as many values as
/// a level has slots. A timer is kept at the level of the highest digit in which its deadline
/// differs from elapsed(); the deadline's digit at that level is the number of its slot. It follows
/// that
///  - at each level only slots after elapsed()'s own digit are in use, so none ever wraps around;
///  - everything at a lower level is earlier than everything at a higher one, so the earliest
///    occupied slot is the first one of the lowest occupied level;
///  - the slot is a function of the deadline and elapsed(), so timers with equal deadlines are
///    always in the same one. (It is stored all the same, where a node has room for it.)
/// When elapsed() reaches the start of a slot at a higher level, the slot's timers are dealt out,
/// in order, to the lower levels. These are empty at that moment, and whatever comes later is put
/// behind: timers with equal deadlines stay first-in, first-out, at whichever level they started.
/// A timer is moved at most once per level in its life.
///
/// Memory: none until the first timer is set, so that a wheel without timers costs nothing. The
/// first timer allocates 16 bytes per slot (32 KiB for 256 slots per level, 320 KiB for 4096) and
/// one node for each of `capacity` timers (32 bytes when T is no larger than a pointer). With up to
/// `capacity` timers at the same time nothing more is allocated; beyond that the array of nodes
/// grows geometrically.
///
/// Not thread-safe.
template <class T> class timer_wheel {
  static_assert(std::is_trivially_copyable<T>::value && std::is_copy_assignable<T>::value,
                "timer_wheel<T>: T must be trivially copyable and assignable");

public:
  /// @param slots_per_level Rounded up to a power of two from 64 to 4096. More slots mean fewer
  ///   moves of a timer between levels, and more memory.
  /// @param capacity How many timers to reserve memory for when the first one is set.
  timer_wheel(std::size_t slots_per_level, std::size_t capacity) noexcept
      : digit_bits_(digit_bits_for(slots_per_level)),
        digit_mask_((std::uint64_t(1) << digit_bits_) - 1), elapsed_(0), size_(0),
        capacity_(capacity), free_(none), occupied_words_(), occupied_levels_(0), level_of_bit_() {
    for (unsigned bit = 0; bit != 64; ++bit) {
      level_of_bit_[bit] = static_cast<unsigned char>(bit / digit_bits_);
    }
  }

  timer_wheel(timer_wheel const&) = delete;
  timer_wheel& operator=(timer_wheel const&) = delete;

  /// How many timers are pending.
  std::size_t size() const noexcept { return size_; }

  /// True if no timer is pending.
  bool empty() const noexcept { return size_ == 0; }

  /// The tick that the wheel has reached: the latest one passed to pop_due().
  std::uint64_t elapsed() const noexcept { return elapsed_; }

  /// Sets a timer, in constant time.
  ///
  /// If elapsed() has already reached the deadline, the deadline is moved to the tick after
  /// elapsed(). So a timer that is set while the due ones are being taken out is never one of them,
  /// and a clock that stands still cannot keep the owner in that loop. Timers are ordered by the
  /// moved deadline.
  ///
  /// @throws std::bad_alloc or std::length_error (more than 2^32 - 1 timers) when the nodes cannot
  ///   grow; the wheel is as it was before.
  timer_id insert(std::uint64_t deadline, T const& value) {
    if (deadline <= elapsed_) {
      deadline = elapsed_ + 1; // elapsed_ is never the last tick
    }
    std::uint32_t const index = acquire(deadline, value);
    put(index);
    ++size_;
    return timer_id(index, nodes_[index].generation);
  }

  /// Sets a timer whose time has come at `now`, in constant time apart from what is due: the same
  /// call of pop_due() that takes out what is due at `now` takes it out behind that. For owners
  /// that call nothing of the program while they take timers out; for others insert() puts it off.
  ///
  /// @throws as insert()
  timer_id insert_due(std::uint64_t now, T const& value) {
    std::uint32_t const index = acquire(elapsed_, value);
    if (now > elapsed_) {
      advance(now);
    }
    nodes_[index].deadline = elapsed_;
    append(due_, index);
    ++size_;
    return timer_id(index, nodes_[index].generation);
  }

  /// The value of a pending timer; null if the id names none.
  T* find(timer_id id) noexcept {
    return id.index < nodes_.size() && nodes_[id.index].generation == id.generation
               ? &nodes_[id.index].value
               : nullptr;
  }

  /// Removes a timer before it fires, in constant time. Returns false if the id names no pending
  /// timer, because it was taken out or erased before.
  bool erase(timer_id id) noexcept {
    if (!find(id)) {
      return false;
    }
    take_out(id.index, nodes_[id.index].deadline);
    release(id.index);
    return true;
  }

  /// Moves a pending timer to another deadline, in constant time and without memory; its id stays.
  /// Returns false if the id names no pending timer.
  ///
  /// The timer comes behind those that were set for the new deadline before, as if it were set now;
  /// but if its deadline is that one already, nothing is done, and it keeps its place. A deadline
  /// that elapsed() has reached is moved as by insert(). So a timer that is due and was not taken
  /// out yet is late again.
  bool move(timer_id id, std::uint64_t deadline) noexcept {
    if (!find(id)) {
      return false;
    }
    if (deadline <= elapsed_) {
      deadline = elapsed_ + 1;
    }
    std::uint64_t const before = nodes_[id.index].deadline;
    if (deadline == before) {
      return true;
    }
    position const where = position_of(deadline);
    if (before > elapsed_ && nodes_[id.index].slot_index == where.slot) {
      move_within(slots_[where.slot], id.index, deadline);
    } else {
      take_out(id.index, before);
      nodes_[id.index].deadline = deadline;
      put(id.index, where);
    }
    return true;
  }

  /// Takes out one timer whose deadline is at or before `now` and then calls `receive` with its
  /// value. The earliest deadline comes first, and of equal ones the timer that was set first.
  ///
  /// The owner calls it with the same `now` until it returns false. elapsed() becomes `now` in the
  /// first call, so timers that are set in between are later than `now` and stay. The wheel is in a
  /// consistent state before `receive` runs, so `receive` may insert, erase, throw, and call
  /// pop_due() itself, even with a later `now`. A timer that is due and was not taken out is found
  /// by the next call.
  ///
  /// A `now` before elapsed() does not turn the wheel back: the call only takes out a timer that is
  /// left over from earlier calls.
  ///
  /// @return Whether there was such a timer.
  template <class Receive> bool pop_due(std::uint64_t now, Receive&& receive) {
    if (now > elapsed_) {
      advance(now);
    }
    std::uint32_t const index = due_.head;
    if (index == none || nodes_[index].deadline > now) {
      return false;
    }
    T const value = nodes_[index].value;
    unlink(due_, index);
    release(index);
    std::forward<Receive>(receive)(value);
    return true;
  }

  /// Removes all timers, whenever they are due, and calls `receive`, which must not use the wheel,
  /// with the value of each. Takes as long as there are timers and slots.
  template <class Receive> void take_all(Receive receive) {
    take_list(due_, receive);
    for (slot& list : slots_) {
      take_list(list, receive);
    }
    std::fill(occupied_slots_.begin(), occupied_slots_.end(), 0);
    occupied_words_.fill(0);
    occupied_levels_ = 0;
  }

  /// The earliest deadline, until which the owner may sleep, or max() when no timer is pending. The
  /// result is at or before elapsed() if some timers are due that pop_due() has not taken out yet.
  ///
  /// The result is exact except in one case: when the earliest timer of a slot at a higher level
  /// was erased and more than 64 share that slot, the result is the slot's start. That is no later
  /// than the earliest of them. The owner wakes early once, and pop_due() then distributes the
  /// slot's timers to the lower levels.
  ///
  /// Constant time; at most 64 timers are looked at, once per erased one.
  std::uint64_t next_deadline() noexcept {
    if (due_.head != none) {
      return nodes_[due_.head].deadline;
    }
    if (occupied_levels_ == 0) {
      return std::numeric_limits<std::uint64_t>::max();
    }
    position const first = first_occupied();
    if (first.level == 0) {
      return start_of(first);
    }
    slot& list = slots_[first.slot];
    if (list.earliest == unknown) {
      list.earliest = find_earliest(list, start_of(first));
    }
    return list.earliest;
  }

private:
  // The index of no node.
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  // In slot::earliest: the earliest timer was erased. No deadline is ever zero.
  static constexpr std::uint64_t unknown = 0;

  // How many timers next_deadline() looks at to find the earliest one of a slot.
  static constexpr unsigned search_limit = 64;

  // 64 bits in digits of at least 6 bits.
  static constexpr std::size_t max_levels = 11;

  // A timer; its neighbours in the slot, or the next one of the free nodes.
  struct node {
    node(std::uint64_t d, T const& v) noexcept
        : deadline(d), previous(none), next(none), generation(0), slot_index(0), value(v) {}

    std::uint64_t deadline;
    std::uint32_t previous;
    std::uint32_t next;
    std::uint32_t generation; // grows when the timer goes, which makes its ids stale
    std::uint32_t slot_index; // in which it is while its deadline is after elapsed_
    T value;
  };

  // A list of timers, first-in, first-out. None of them is before `earliest` (unless unknown).
  // Level 0 and the due timers have no use for `earliest`.
  struct slot {
    slot() noexcept : earliest(unknown), head(none), tail(none) {}

    std::uint64_t earliest;
    std::uint32_t head;
    std::uint32_t tail;
  };

  // A slot, by its index in slots_, and the level to which it belongs.
  struct position {
    unsigned level;
    std::size_t slot;
  };

  static unsigned digit_bits_for(std::size_t slots_per_level) noexcept {
    unsigned bits = 6;
    while (bits != 12 && (std::size_t(1) << bits) < slots_per_level) {
      ++bits;
    }
    return bits;
  }

  // Where a deadline after elapsed_ belongs.
  position position_of(std::uint64_t deadline) const noexcept {
    unsigned const level = level_of_bit_[highest_bit(elapsed_ ^ deadline)];
    std::uint64_t const digit = (deadline >> (level * digit_bits_)) & digit_mask_;
    return position{level, slot_index(level, static_cast<std::size_t>(digit))};
  }

  std::size_t slot_index(unsigned level, std::size_t digit) const noexcept {
    return (static_cast<std::size_t>(level) << digit_bits_) + digit;
  }

  // The first tick of an occupied slot; at level 0 the only one.
  std::uint64_t start_of(position where) const noexcept {
    unsigned const shift = where.level * digit_bits_;
    return (((elapsed_ >> shift) & ~digit_mask_) | (where.slot & digit_mask_)) << shift;
  }

  // The earliest occupied slot. There is one.
  position first_occupied() const noexcept {
    unsigned const level = lowest_bit(occupied_levels_);
    std::size_t const word = lowest_bit(occupied_words_[level]);
    std::size_t const bit = lowest_bit(occupied_slots_[slot_index(level, word * 64) / 64]);
    return position{level, slot_index(level, word * 64 + bit)};
  }

  void mark_occupied(position where) noexcept {
    std::size_t const word = where.slot / 64;
    occupied_slots_[word] |= std::uint64_t(1) << (where.slot % 64);
    occupied_words_[where.level] |= std::uint64_t(1) << (word - slot_index(where.level, 0) / 64);
    occupied_levels_ |= std::uint64_t(1) << where.level;
  }

  void mark_empty(position where) noexcept {
    std::size_t const word = where.slot / 64;
    occupied_slots_[word] &= ~(std::uint64_t(1) << (where.slot % 64));
    if (occupied_slots_[word] == 0) {
      std::size_t const first_word = slot_index(where.level, 0) / 64;
      occupied_words_[where.level] &= ~(std::uint64_t(1) << (word - first_word));
      if (occupied_words_[where.level] == 0) {
        occupied_levels_ &= ~(std::uint64_t(1) << where.level);
      }
    }
  }

  // Puts a timer whose deadline is after elapsed_ into its slot.
  void put(std::uint32_t index) noexcept { put(index, position_of(nodes_[index].deadline)); }

  // What append() does, together with what an empty list needs, which saves some instructions.
  void put(std::uint32_t index, position where) noexcept {
    node& added = nodes_[index];
    slot& list = slots_[where.slot];
    std::uint32_t const last = list.tail;
    added.slot_index = static_cast<std::uint32_t>(where.slot);
    added.previous = last;
    added.next = none;
    list.tail = index;
    if (last == none) {
      list.head = index;
      list.earliest = added.deadline;
      mark_occupied(where);
    } else {
      nodes_[last].next = index;
      list.earliest = std::min(list.earliest, added.deadline);
    }
  }

  // Gives a timer another deadline of the slot that it is in.
  void move_within(slot& list, std::uint32_t index, std::uint64_t deadline) noexcept {
    std::uint64_t const before = nodes_[index].deadline;
    nodes_[index].deadline = deadline;
    if (list.tail != index) {
      unlink(list, index);
      append(list, index);
    }
    if (deadline < list.earliest || list.head == index) {
      list.earliest = deadline;
    } else if (list.earliest == before) {
      list.earliest = unknown;
    }
  }

  // Takes a timer out of the list that it is in.
  void take_out(std::uint32_t index, std::uint64_t deadline) noexcept {
    if (deadline <= elapsed_) {
      unlink(due_, index);
      return;
    }
    slot& list = slots_[nodes_[index].slot_index];
    unlink(list, index);
    if (list.head == none) {
      mark_empty(position_of(deadline));
    } else if (list.earliest == deadline) {
      list.earliest = unknown;
    }
  }

  // Turns the wheel to `now`, which is after elapsed_, and collects what is due by then, in order.
  void advance(std::uint64_t now) noexcept {
    if (now == std::numeric_limits<std::uint64_t>::max()) {
      --now;
    }
    while (occupied_levels_ != 0) {
      position const first = first_occupied();
      std::uint64_t const start = start_of(first);
      if (start > now) {
        break;
      }
      elapsed_ = start;
      enter(first);
    }
    elapsed_ = now;
  }

  // Empties the slot whose start elapsed_ has just reached, the earliest one of all.
  void enter(position where) noexcept {
    slot& list = slots_[where.slot];
    std::uint32_t index = list.head;
    if (where.level == 0) {
      append_all(due_, list);
    } else {
      while (index != none) {
        std::uint32_t const next = nodes_[index].next;
        if (nodes_[index].deadline == elapsed_) {
          append(due_, index);
        } else {
          put(index);
        }
        index = next;
      }
    }
    list = slot();
    mark_empty(where);
  }

  template <class Receive> void take_list(slot& list, Receive& receive) {
    std::uint32_t index = list.head;
    list = slot();
    while (index != none) {
      std::uint32_t const next = nodes_[index].next;
      T const value = nodes_[index].value;
      release(index);
      receive(value);
      index = next;
    }
  }

  // The earliest deadline in a slot, or `start` if that would take too long.
  std::uint64_t find_earliest(slot const& list, std::uint64_t start) const noexcept {
    std::uint64_t earliest = std::numeric_limits<std::uint64_t>::max();
    unsigned searched = 0;
    for (std::uint32_t index = list.head; index != none; index = nodes_[index].next) {
      if (++searched > search_limit) {
        return start;
      }
      if (nodes_[index].deadline < earliest) {
        earliest = nodes_[index].deadline;
      }
    }
    return earliest;
  }

  void append(slot& list, std::uint32_t index) noexcept {
    nodes_[index].previous = list.tail;
    nodes_[index].next = none;
    if (list.tail == none) {
      list.head = index;
    } else {
      nodes_[list.tail].next = index;
    }
    list.tail = index;
  }

  // Appends a list that is not empty.
  void append_all(slot& list, slot const& other) noexcept {
    nodes_[other.head].previous = list.tail;
    if (list.tail == none) {
      list.head = other.head;
    } else {
      nodes_[list.tail].next = other.head;
    }
    list.tail = other.tail;
  }

  void unlink(slot& list, std::uint32_t index) noexcept {
    std::uint32_t const previous = nodes_[index].previous;
    std::uint32_t const next = nodes_[index].next;
    if (previous == none) {
      list.head = next;
    } else {
      nodes_[previous].next = next;
    }
    if (next == none) {
      list.tail = previous;
    } else {
      nodes_[next].previous = previous;
    }
  }

  // A node for a new timer.
  std::uint32_t acquire(std::uint64_t deadline, T const& value) {
    if (free_ == none) {
      return add_node(deadline, value);
    }
    std::uint32_t const index = free_;
    free_ = nodes_[index].next;
    nodes_[index].deadline = deadline;
    nodes_[index].value = value;
    return index;
  }

  // The node of a timer that is in no list any more.
  void release(std::uint32_t index) noexcept {
    ++nodes_[index].generation;
    nodes_[index].next = free_;
    free_ = index;
    --size_;
  }

  // Not inlined, because it would make setting a timer dearer where a node is free.
  BOOST_NOINLINE std::uint32_t add_node(std::uint64_t deadline, T const& value) {
    if (slots_.empty()) {
      allocate();
    }
    if (nodes_.size() == none) {
      boost::throw_exception(std::length_error("mioext: too many timers"));
    }
    nodes_.push_back(node(deadline, value));
    return static_cast<std::uint32_t>(nodes_.size() - 1);
  }

  // The slots are allocated last: if there are any, everything has been allocated.
  void allocate() {
    static_assert(sizeof(T) > sizeof(void*) || sizeof(node) <= 32, "a node must not waste memory");
    unsigned const levels = (64 + digit_bits_ - 1) / digit_bits_;
    unsigned const top_digit_bits = 64 - (levels - 1) * digit_bits_;
    std::size_t const slots = slot_index(levels - 1, std::size_t(1) << top_digit_bits);
    nodes_.reserve(capacity_);
    occupied_slots_.assign((slots + 63) / 64, 0);
    slots_.resize(slots);
  }

  unsigned digit_bits_;
  std::uint64_t digit_mask_;
  std::uint64_t elapsed_;
  std::size_t size_;
  std::size_t capacity_;

  std::vector<node> nodes_{};
  std::uint32_t free_; // the node that was released last; they are linked by `next`

  slot due_{};                // deadline <= elapsed_, not taken out yet
  std::vector<slot> slots_{}; // level by level, the lowest first

  // Bitmaps that show where there are timers, at three scales: a bit per slot; for each level, a
  // bit per word of these bits; and a bit per level.
  std::vector<std::uint64_t> occupied_slots_{};
  std::array<std::uint64_t, max_levels> occupied_words_;
  std::uint64_t occupied_levels_;

  std::array<unsigned char, 64> level_of_bit_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_TIMER_WHEEL_HPP
