//
// mioext/detail/event_loop/message_queue.hpp
// ------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Hands messages from any number of threads to one, without a lock and without allocation.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_MESSAGE_QUEUE_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_MESSAGE_QUEUE_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The end of a message_queue at which its one consumer takes messages out. It tells whether there
/// are any, and does not depend on their type.
class message_queue_front {
public:
  message_queue_front(message_queue_front const&) = delete;
  message_queue_front& operator=(message_queue_front const&) = delete;

  /// True if there is nothing that try_pop() could take. Only the consumer may call it.
  ///
  /// While a producer has claimed the next position but not yet filled it, the queue counts as
  /// empty, even if others have filled later positions. So the consumer never waits for a producer;
  /// but when it goes to sleep, it relies on every producer to check after try_push() whether it
  /// sleeps. For that, the last operation of try_push() and the one in empty() are sequentially
  /// consistent. With a flag
  ///
  ///   producer: try_push(); if (sleeping.exchange(false)) wake the consumer   (or load first)
  ///   consumer: sleeping.store(true); if (empty()) sleep
  ///
  /// whose operations are sequentially consistent too, either the producer sees the flag or the
  /// consumer sees the message. No fence is needed (ThreadSanitizer does not understand fences).
  bool empty() const noexcept {
    return head_.cell->sequence.load(std::memory_order_seq_cst) != head_.position + 1;
  }

  /// True if the next message to take has a position before `end`. Only the consumer may call it.
  bool is_before(std::size_t end) const noexcept { return is_before(head_.position, end); }

protected:
  // What the cells of all types begin with.
  struct numbered_cell {
    std::atomic<std::size_t> sequence{};
  };

  message_queue_front() noexcept = default;
  ~message_queue_front() = default;

  // Compares positions that may have wrapped around.
  static bool is_before(std::size_t left, std::size_t right) noexcept {
    return left - right > std::numeric_limits<std::size_t>::max() / 2;
  }

  std::size_t head() const noexcept { return head_.position; }

  numbered_cell& head_cell() const noexcept { return *head_.cell; }

  // Moves the head to `position`, whose cell is this one.
  void set_head(std::size_t position, numbered_cell& of_position) noexcept {
    head_.position = position;
    head_.cell = &of_position;
  }

  // Separates members that different threads write, against false sharing. This is padding instead
  // of alignas, because before C++17 new ignores the alignment of an object with such a member. The
  // size is that of two cache lines of 64 bytes: x86 fetches these in pairs, and some ARM and POWER
  // processors have lines of 128 bytes.
  struct padding {
    char bytes[128];
  };

private:
  struct separated_head {
    padding before{};
    std::size_t position = 0;      // the next one to take, by the consumer
    numbered_cell* cell = nullptr; // of that position
    padding after{};
  };

  separated_head head_{};
};

/// A bounded queue of messages with many producers and one consumer, after Dmitry Vyukov's bounded
/// queue ("Bounded MPMC queue", 1024cores.net), with an exact capacity. Messages of one producer
/// arrive in the order in which it pushed them.
///
/// Every message gets a position, counted from zero. Its cell is the position modulo the number of
/// cells, which is a power of two. The cell's sequence number tells whose turn it is:
///  - sequence == position: free, the producer that claims this position may fill it;
///  - sequence == position + 1: filled, the consumer may take the message.
///
/// In Vyukov's queue the consumer of position p frees the same cell for its next use, position p +
/// cells, so as many messages fit as there are cells. Here it frees position p + capacity, usually
/// in another cell. So position q becomes free exactly when position q - capacity is consumed
/// (positions before `capacity` are free from the start), and the queue holds exactly `capacity`
/// messages. This also works if capacity < cells: the last message in the cell of p + capacity had
/// position p + capacity - cells, which is before p, so the single consumer has emptied that cell
/// already. Until the cell is freed for its next position q, its number still says "filled" for the
/// old position q - cells. This number, q + 1 - cells, is before q if there are at least two cells,
/// so it means neither free nor filled for q. (With one cell, "filled at p" and "free at p + 1"
/// would be the same number.)
template <class Message> class message_queue final : public message_queue_front {
  static_assert(std::is_nothrow_move_constructible<Message>::value,
                "A message must be nothrow move constructible: it has to be moved into and out of "
                "the queue while other threads wait for its place");
  static_assert(std::is_nothrow_destructible<Message>::value,
                "A message's destructor must not throw");
  static_assert(alignof(Message) <= alignof(std::max_align_t),
                "A message must not be over-aligned: before C++17 new cannot allocate such a type");

public:
  /// Allocates all the memory that the queue will ever use.
  ///
  /// @param capacity How many messages fit; zero counts as one.
  /// @throws std::bad_alloc
  explicit message_queue(std::size_t capacity)
      : capacity_(capacity == 0 ? 1 : capacity), mask_(cells_for(capacity_) - 1),
        cells_(new cell[mask_ + 1]), tail_(0) {
    for (std::size_t index = 0; index <= mask_; ++index) {
      // A cell beyond the capacity looks as if it had been filled and emptied in the previous
      // round, but not freed yet.
      std::size_t const sequence = index < capacity_ ? index : index - mask_;
      cells_[index].sequence.store(sequence, std::memory_order_relaxed);
    }
    set_head(0, cells_[0]);
  }

  message_queue(message_queue const&) = delete;
  message_queue& operator=(message_queue const&) = delete;

  /// Destroys the messages that nobody has taken. No other thread may use the queue any more.
  ~message_queue() {
    while (try_pop([](Message&&) noexcept {})) {
    }
  }

  /// How many messages fit.
  std::size_t capacity() const noexcept { return capacity_; }

  /// Moves a message into the queue; any thread may call it. Lock-free.
  ///
  /// The message is visible to the consumer when the call returns, unless an earlier position is
  /// still being filled by another producer; then as soon as that one has returned (see empty()).
  ///
  /// @return False if the queue is full; the message is then untouched.
  bool try_push(Message&& message) noexcept {
    std::size_t position = tail_.load(std::memory_order_relaxed);
    for (;;) {
      cell& target = cells_[position & mask_];
      std::size_t const sequence = target.sequence.load(std::memory_order_acquire);
      if (sequence == position) {
        if (tail_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed,
                                        std::memory_order_relaxed)) {
          ::new (static_cast<void*>(target.storage)) Message(std::move(message));
          target.sequence.store(position + 1, std::memory_order_seq_cst);
          return true;
        }
      } else if (is_before(sequence, position)) {
        return false;
      } else {
        position = tail_.load(std::memory_order_relaxed);
      }
    }
  }

  /// Takes the oldest message out and then calls `receive` with it as an rvalue. Only the consumer
  /// may call it. The place is free again before `receive` runs: it may throw, push, and pop.
  ///
  /// @return False if there was no message, in the sense of empty().
  template <class Receive> bool try_pop(Receive&& receive) {
    std::size_t const position = head();
    cell& source = static_cast<cell&>(head_cell());
    if (source.sequence.load(std::memory_order_acquire) != position + 1) {
      return false;
    }
    Message* const stored = source.message();
    Message message(std::move(*stored));
    stored->~Message(); // NOLINT(clang-analyzer-cplusplus.Move): what was moved from is destroyed
    std::size_t const freed = position + capacity_;
    set_head(position + 1, cells_[(position + 1) & mask_]);
    cells_[freed & mask_].sequence.store(freed, std::memory_order_release);
    std::forward<Receive>(receive)(std::move(message));
    return true;
  }

  /// How many places have been claimed so far: the position after the last message that was pushed
  /// or is being pushed at this moment. The number wraps around.
  std::size_t claimed() const noexcept { return tail_.load(std::memory_order_seq_cst); }

  /// True if the queue holds a message with a position before `end`, even if it cannot be taken
  /// yet. Only the consumer may call it.
  bool has_any_before(std::size_t end) const noexcept {
    for (std::size_t position = head(); is_before(position, end); ++position) {
      if (cells_[position & mask_].sequence.load(std::memory_order_seq_cst) == position + 1) {
        return true;
      }
    }
    return false;
  }

  /// For a child after fork: removes the places that were claimed but never filled, because the
  /// threads that claimed them do not exist in the child. Nobody may push or pop meanwhile.
  void drop_unfilled() noexcept {
    std::size_t const end = tail_.load(std::memory_order_relaxed);
    std::size_t kept = head();
    for (std::size_t position = head(); position != end; ++position) {
      cell& from = cells_[position & mask_];
      if (from.sequence.load(std::memory_order_relaxed) == position + 1) {
        if (kept != position) {
          ::new (static_cast<void*>(cells_[kept & mask_].storage))
              Message(std::move(*from.message()));
          from.message()->~Message();
        }
        ++kept;
      }
    }
    for (std::size_t offset = 0; offset <= mask_; ++offset) {
      std::size_t const position = head() + offset;
      std::size_t sequence = position - mask_; // beyond the capacity, as in the constructor
      if (offset < kept - head()) {
        sequence = position + 1;
      } else if (offset < capacity_) {
        sequence = position;
      }
      cells_[position & mask_].sequence.store(sequence, std::memory_order_relaxed);
    }
    tail_.store(kept, std::memory_order_relaxed);
  }

private:
  struct cell : message_queue_front::numbered_cell {
    alignas(Message) unsigned char storage[sizeof(Message)];

    Message* message() noexcept { return static_cast<Message*>(static_cast<void*>(storage)); }
  };

  // The smallest power of two that is at least two and not less than the capacity; if there is
  // none, the largest power of two.
  static std::size_t cells_for(std::size_t capacity) noexcept {
    std::size_t cells = 2;
    while (cells < capacity && cells <= std::numeric_limits<std::size_t>::max() / 2) {
      cells *= 2;
    }
    return cells;
  }

  std::size_t const capacity_;
  std::size_t const mask_;
  std::unique_ptr<cell[]> const cells_;
  padding before_tail_{};
  std::atomic<std::size_t> tail_; // the next position to claim, by any producer
  padding after_tail_{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_MESSAGE_QUEUE_HPP
