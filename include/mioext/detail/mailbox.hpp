//
// mioext/detail/mailbox.hpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What other threads may touch of a loop: its messages, the request to shut down, and the bell
// that wakes it.
//

#ifndef MIOEXT_DETAIL_MAILBOX_HPP
#define MIOEXT_DETAIL_MAILBOX_HPP

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>

#include <boost/config.hpp>

#include <mioext/detail/fork_mark.hpp>
#include <mioext/detail/message_queue.hpp>
#include <mioext/detail/selector.hpp>

namespace mioext {
namespace detail {

/// Shared by a loop and its senders, so that a sender may outlive the loop.
///
/// The loop is asleep from the moment before it waits until the moment after, and while nobody runs
/// it (when another loop may be waiting for its descriptor). Whoever has something for it posts
/// that first and then looks whether it sleeps; the loop says that it sleeps first and then looks
/// whether something was posted. Both in the single order of sequentially consistent operations, so
/// one of them sees the other. The first to find it asleep rings; nobody else makes a system call.
template <class Message> class mailbox {
public:
  mailbox() noexcept : asleep_(true), shutdowns_(0), closed_(false), has_rung_in_vain_(false) {}

  mailbox(mailbox const&) = delete;
  mailbox& operator=(mailbox const&) = delete;

  // For the loop.

  int open(selector& where, selector::user_data data) noexcept { return bell_.open(where, data); }

  /// In a child after fork, whose parent has the bell: takes another. The threads that were posting
  /// do not exist here, so what they have not finished never will be. Whoever rang in this process is
  /// heard now.
  void settle_after_fork(selector_waker bell) noexcept {
    bell_ = std::move(bell);
    owner_ = fork_mark();
    if (messages_) {
      messages_->drop_unfilled();
    }
    if (has_rung_in_vain_.exchange(false)) {
      ring();
    }
  }

  /// Makes room for messages, once, before the first sender exists.
  void reserve(std::size_t capacity) {
    if (!messages_) {
      messages_.reset(new message_queue<Message>(capacity));
    }
  }

  /// No message is taken from now on, and those that were not delivered are dropped. At once, and
  /// not with the last sender: one of them may hold a sender of its own. (A post that is under way
  /// in another thread at this moment may leave its message until then all the same.)
  void close() {
    closed_.store(true);
    take_all([](Message&&) {});
  }

  bool has_messages() const noexcept { return messages_ && !messages_->empty(); }

  /// How often a shutdown was requested since the last one was heeded.
  unsigned shutdown_requests() const noexcept { return shutdowns_.load(); }
  bool shutdown_requested() const noexcept { return shutdown_requests() != 0; }

  /// The requests are heeded. False if there were more than `heeded` of them by now.
  bool forget_shutdown(unsigned heeded) noexcept {
    return shutdowns_.compare_exchange_strong(heeded, 0);
  }

  /// Says that the loop sleeps from now on. False if it must not, because something was posted. What
  /// is there before is reason enough to say nothing, for whoever posts more would ring in vain.
  bool fall_asleep() noexcept {
    if (has_messages() || shutdown_requested()) {
      return false;
    }
    asleep_.store(true);
    return !has_messages() && !shutdown_requested();
  }

  void stay_awake() noexcept { asleep_.store(false, std::memory_order_relaxed); }

  /// Makes the loop's descriptor readable.
  void wake() noexcept { ring(); }

  /// Nobody runs the loop any more: if something is there for it, its descriptor must show that.
  void leave() noexcept {
    if (!fall_asleep()) {
      ring();
    }
  }

  /// Calls `receive` with the next message. False if there is none.
  template <class Receive> bool take(Receive&& receive) {
    return messages_ && messages_->try_pop(std::forward<Receive>(receive));
  }

  /// Calls `receive` with all that was posted before this call. A post that is under way in another
  /// thread may be in front of one that is done; it is a few instructions from its end, and waited
  /// for.
  template <class Receive> void take_all(Receive&& receive) {
    if (messages_) {
      std::size_t const end = messages_->claimed();
      while (static_cast<std::ptrdiff_t>(end - messages_->taken()) > 0) {
        if (!messages_->try_pop(receive)) {
          std::this_thread::yield();
        }
      }
    }
  }

  // For any thread.

  /// Zero, ENOBUFS when full, EPIPE when the loop is gone; the message is taken only with zero.
  int post(Message&& message) noexcept {
    if (closed_.load(std::memory_order_acquire)) {
      return EPIPE;
    }
    if (!messages_->try_push(std::move(message))) {
      return ENOBUFS;
    }
    ring_if_asleep();
    return 0;
  }

  BOOST_NOINLINE void request_shutdown() noexcept {
    shutdowns_.fetch_add(1);
    ring_if_asleep();
  }

private:
  void ring_if_asleep() noexcept {
    if (asleep_.load() && asleep_.exchange(false)) {
      ring();
    }
  }

  /// The bell fails only if it was never made, and then there is no loop to wake. Not inlined, nor
  /// is request_shutdown(): they would make handlers too large to be inlined themselves. In a child
  /// whose loop has no bell of its own yet it would wake the parent's.
  BOOST_NOINLINE void ring() noexcept {
    if (owner_.is_left_behind()) {
      has_rung_in_vain_.store(true);
    } else {
      bell_.wake();
    }
  }

  std::atomic<bool> asleep_;
  std::atomic<unsigned> shutdowns_;
  std::atomic<bool> closed_;
  selector_waker bell_{};
  fork_mark owner_{}; // of the bell
  std::atomic<bool> has_rung_in_vain_;
  std::unique_ptr<message_queue<Message>> messages_{};
};

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_MAILBOX_HPP
