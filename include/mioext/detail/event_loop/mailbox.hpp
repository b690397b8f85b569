//
// mioext/detail/event_loop/mailbox.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The parts of a loop that other threads may use: its messages, the request to shut down, and the
// waker that wakes it.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_MAILBOX_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_MAILBOX_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <utility>

#include <boost/config.hpp>

#include <mioext/detail/event_loop/message_queue.hpp>
#include <mioext/detail/fork_mark.hpp>
#include <mioext/detail/polling/selector.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The part of a mailbox that does not depend on the type of its messages: everything but the
/// messages themselves.
///
/// The loop is asleep from the moment before it waits until the moment after, and while nobody runs
/// it (when another loop may be waiting for its descriptor). Whoever has something for it posts
/// that first and then looks whether it sleeps; the loop says that it sleeps first and then looks
/// whether something was posted. Both do so in the single order of sequentially consistent
/// operations, so one of them sees the other. The first to find it asleep wakes it; nobody else
/// makes a system call.
///
/// Closing works the same way: the loop first marks itself closed and then drops what was posted,
/// and a sender that finds it closed after posting drops what was posted, too.
///
/// Neither side ever waits for the other. The system may stop a thread in the middle of a post for
/// any length of time. If a loop in a thread of higher priority on the same processor waited for
/// that post without sleeping, it would wait for ever.
class mailbox_base {
public:
  mailbox_base(mailbox_base const&) = delete;
  mailbox_base& operator=(mailbox_base const&) = delete;

  // For the loop.

  int open(selector& where, selector::user_data data) noexcept { return waker_.open(where, data); }

  /// To be called in a child after a fork: takes a waker of the child's own, because the old one is
  /// the parent's. The threads that were posting do not exist in the child, so what they have not
  /// finished is dropped. A wake-up that the child has missed meanwhile is made up for.
  void settle_after_fork(selector_waker waker) noexcept {
    waker_ = std::move(waker);
    owner_.renew();
    if (inbox_) {
      drop_unfilled();
    }
    renew_requests();
    if (has_missed_wake_up_.exchange(false) || has_news()) {
      wake();
    }
  }

  /// Accepts no message from now on, and drops those that were not delivered. This happens at once
  /// and not when the last sender is destroyed, because a message may itself hold a sender. A
  /// message that another thread is just posting is dropped by that thread. The loop may still look
  /// into the mailbox, and finds nothing.
  void close() noexcept {
    inbox_ = nullptr;
    state_.store(state::closed);
    drop_all();
  }

  bool has_messages() const noexcept { return inbox_ && !inbox_->empty(); }

  /// True if there is something to do at once: messages, or a request to shut down that finish()
  /// has not put off.
  bool has_news() const noexcept { return has_messages() || shutdowns_.load() != heeded_; }

  bool shutdown_requested() const noexcept { return shutdowns_.load() != 0; }

  /// Marks the loop as asleep. Returns false if it must not sleep, because something was posted. If
  /// that was posted before this call, the loop is not even marked as asleep, because whoever posts
  /// more would then wake it for nothing.
  bool fall_asleep() noexcept {
    if (has_news()) {
      return false;
    }
    state_.store(state::asleep);
    return !has_news();
  }

  void stay_awake() noexcept { state_.store(state::awake, std::memory_order_relaxed); }

  /// Makes the loop's descriptor readable. The waker fails only if it was never opened, and then
  /// there is no loop to wake. In a child whose loop has no waker of its own yet, it would wake the
  /// parent's loop, so the wake-up is only noted.
  BOOST_NOINLINE void wake() noexcept {
    if (owner_.is_left_behind()) {
      has_missed_wake_up_.store(true);
    } else {
      waker_.wake();
    }
  }

  /// To be called when nobody runs the loop any more: if there is something for it to do, its
  /// descriptor becomes readable.
  void leave() noexcept {
    if (state_.load(std::memory_order_relaxed) != state::closed && !fall_asleep()) {
      wake();
    }
  }

  /// The same if whoever drives the loop asks next whether there is something to do, so that its
  /// descriptor need not tell.
  void leave_to_driver() noexcept {
    if (state_.load(std::memory_order_relaxed) != state::closed && !fall_asleep()) {
      stay_awake();
    }
  }

  /// Makes the requests that finish() has put off count as new ones.
  void renew_requests() noexcept { heeded_ = 0; }

  // For any thread.

  BOOST_NOINLINE void request_shutdown() noexcept {
    shutdowns_.fetch_add(1);
    tell();
  }

protected:
  mailbox_base() noexcept
      : state_(state::asleep), shutdowns_(0), has_missed_wake_up_(false), inbox_(nullptr),
        heeded_(0) {}
  ~mailbox_base() = default;

  /// Sets the queue, which does not exist before.
  void set_inbox(message_queue_front& inbox) noexcept { inbox_ = &inbox; }

  /// Where the loop finds messages; null before there are any, and when the loop is gone.
  message_queue_front* inbox() const noexcept { return inbox_; }

  bool is_closed() const noexcept {
    return state_.load(std::memory_order_acquire) == state::closed;
  }

  /// To be called after something was posted.
  void tell() noexcept {
    if (state_.load() != state::awake) {
      wake_or_drop();
    }
  }

  /// Determines the requests that finish() heeds: those that exist when it begins. Returns true if
  /// it begins now, and false if it has put them off before.
  bool heed_requests() noexcept {
    if (heeded_ != 0) {
      return false;
    }
    heeded_ = shutdowns_.load();
    return true;
  }

  /// Puts off the requests that came meanwhile, too, so that none of them keeps the loop awake.
  /// Returns true if there are any.
  bool put_off_later_requests() noexcept {
    unsigned const requested = shutdowns_.load();
    bool const has_later = requested != heeded_;
    heeded_ = requested;
    return has_later;
  }

  /// Forgets the requests that were heeded. Returns false if there are others.
  bool forget_requests() noexcept {
    unsigned heeded = heeded_;
    heeded_ = 0;
    return shutdowns_.compare_exchange_strong(heeded, 0);
  }

private:
  enum class state : int { awake, asleep, closed };

  /// See message_queue::drop_unfilled().
  virtual void drop_unfilled() noexcept = 0;

  /// Drops all messages when the loop is gone.
  virtual void drop_all() noexcept = 0;

  /// Not inlined, nor is request_shutdown(): they would make handlers too large to be inlined
  /// themselves.
  BOOST_NOINLINE void wake_or_drop() noexcept {
    state found = state::asleep;
    if (state_.compare_exchange_strong(found, state::awake)) {
      wake();
    } else if (found == state::closed) {
      drop_all();
    }
  }

  std::atomic<state> state_;
  std::atomic<unsigned> shutdowns_; // how often one was requested since the last one was done
  selector_waker waker_{};
  fork_mark owner_{}; // of the waker
  std::atomic<bool> has_missed_wake_up_;

  // Used only by the loop.
  message_queue_front* inbox_;
  unsigned heeded_; // the requests that finish() has put off; zero if it has not
};

/// Shared by a loop and its senders, so that a sender may outlive the loop.
template <class Message> class mailbox final : public mailbox_base {
public:
  mailbox() noexcept : droppers_(0), end_(0) {}

  // For the loop.

  /// Makes room for messages, once, before the first sender exists.
  void reserve(std::size_t capacity) {
    if (!messages_) {
      messages_.reset(new message_queue<Message>(capacity));
      set_inbox(*messages_);
    }
  }

  /// Calls `receive` with the next message. False if there is none.
  template <class Receive> bool take(Receive&& receive) {
    return inbox() && messages_->try_pop(std::forward<Receive>(receive));
  }

  /// To be called after a shutdown was requested: calls `receive` with every message that was
  /// posted before the request, and then clears the request. If another request came meanwhile,
  /// does the same for that one.
  ///
  /// Returns false if a message that was posted cannot be taken yet, because another thread is
  /// still in the middle of posting to an earlier place. The request is then put off, which means
  /// that it no longer keeps the loop from sleeping. The end of that post, or another request,
  /// wakes the loop, which must then call finish() again.
  template <class Receive> bool finish(Receive&& receive) {
    do {
      if (heed_requests()) {
        end_ = posted(); // after heed_requests(), so that all that came before is included
      }
      while (inbox() && messages_->is_before(end_) && messages_->try_pop(receive)) {
      }
      if (inbox() && messages_->has_any_before(end_)) {
        if (put_off_later_requests()) {
          end_ = posted();
        }
        return false;
      }
    } while (!forget_requests());
    return true;
  }

  // For any thread.

  /// Returns zero, ENOBUFS if the queue is full, or EPIPE if the loop is gone. The message is moved
  /// from only if the result is zero.
  int post(Message&& message) noexcept {
    if (is_closed()) {
      return EPIPE;
    }
    if (!messages_->try_push(std::move(message))) {
      return ENOBUFS;
    }
    tell();
    return 0;
  }

private:
  /// The position after the last message that was posted.
  std::size_t posted() const noexcept { return inbox() ? messages_->claimed() : 0; }

  void drop_unfilled() noexcept override { messages_->drop_unfilled(); }

  /// Only one thread at a time takes messages out. A thread that comes meanwhile leaves its message
  /// to that one, which then checks once more.
  void drop_all() noexcept override {
    if (!messages_ || droppers_.fetch_add(1) != 0) {
      return;
    }
    unsigned seen = 1;
    do {
      while (!messages_->empty() && messages_->try_pop([](Message&&) noexcept {})) {
      }
    } while (!droppers_.compare_exchange_strong(seen, 0));
  }

  std::atomic<unsigned> droppers_;
  std::unique_ptr<message_queue<Message>> messages_{};
  // Used only by the loop: the end of what was posted before the requests that finish() heeds.
  std::size_t end_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_MAILBOX_HPP
