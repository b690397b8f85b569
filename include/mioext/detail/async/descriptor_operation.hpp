//
// mioext/detail/async/descriptor_operation.hpp
// --------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An asynchronous operation on a descriptor, as the reactor sees it, and the queue in which it
// waits.
//

#ifndef MIOEXT_DETAIL_ASYNC_DESCRIPTOR_OPERATION_HPP
#define MIOEXT_DETAIL_ASYNC_DESCRIPTOR_OPERATION_HPP

#include <mioext/detail/inlining.hpp>
#include <mioext/detail/system.hpp>

#include <cstddef>
#include <new>

#include <boost/config.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// How the outcome of an operation reaches its handler.
enum class completion {
  /// Queued to the I/O executor, behind what is there; it continues from there as if dispatched.
  posted,
  /// At once if the handler's executor allows it. For functions that run in the context and have
  /// nothing left to do.
  dispatched,
  /// By the function that started it: queued, or through the handler's immediate executor.
  immediate
};

/// What came of an attempt at an operation's I/O.
enum class io_status : unsigned char {
  /// The system says: not now.
  must_wait,
  done,
  /// Done, and nothing is left: the next attempt would have to wait until something new comes.
  done_and_drained
};

/// What an I/O executor does with what a thread of its context dispatches to it.
enum class on_dispatch : unsigned char {
  /// Queues it.
  queues,
  /// Calls it on the spot.
  calls,
  /// The same, and it is certain to be an io_context's own.
  calls_in_io_context
};

class descriptor_operation;

/// What only an operation has that waits, in a reactor or in a queue. When it has been passed to its executor
/// it waits no more, and what the executor queues is made in the same memory. So none has to be kept for that
/// by each operation that waits, and yet an io_context needs no other: there it is this large.
///
/// Not polymorphic, because an executor may give the memory back when the operation has been destroyed: then
/// only addresses are compared, and nothing may look at the operation's type.
class posting_place {
public:
  posting_place(posting_place const&) = delete;
  posting_place& operator=(posting_place const&) = delete;

  /// Serves one allocation of what an executor queues, with the place, if that is not used.
  template <std::size_t Size, std::size_t Alignment>
  MIOEXT_DETAIL_FORCEINLINE void* allocate_posting() {
    constexpr bool fits = Size <= sizeof(storage) && Alignment <= alignof(storage);
    if (BOOST_LIKELY(fits && place_use_ == place_use::none)) {
      place_use_ = place_use::posting;
      return storage_.posting;
    }
    return allocate(Size);
  }

  /// Reads no member.
  MIOEXT_DETAIL_FORCEINLINE void deallocate_posting(void* memory) noexcept {
    if (BOOST_UNLIKELY(memory != storage_.posting)) {
      deallocate(memory);
    }
  }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Weffc++" // next_in_queue is set where it is put into a queue

protected:
  posting_place() noexcept = default;
  ~posting_place() = default;

  struct waiting_state {
    void const* cancellation_key;
    descriptor_operation* next_in_queue;
    /// Room for a small executor: the one that it is to be passed to.
    alignas(void*) unsigned char executor[3 * sizeof(void*)];
  };

  union storage {
    storage() noexcept { waiting.cancellation_key = nullptr; }

    waiting_state waiting;
    alignas(void*) unsigned char posting[sizeof(waiting_state)];
  };

#pragma GCC diagnostic pop

  /// What the place is used for, apart from the links. Of two bytes, which with the operation's flags make
  /// eight, so that one instruction initialises them all.
  enum class place_use : unsigned short {
    /// For an executor, perhaps.
    waiting,
    /// For nothing: it may be allocated.
    none,
    /// Allocated.
    posting
  };

  storage storage_{};
  place_use place_use_ = place_use::waiting;

private:
  // Not inlined, so that what calls them is.
  BOOST_NOINLINE static void* allocate(std::size_t size) { return ::operator new(size); }
  BOOST_NOINLINE static void deallocate(void* memory) noexcept { ::operator delete(memory); }
};

/// Owned by whoever holds it, until complete() or destroy() is called, which end its life.
class descriptor_operation : public posting_place {
public:
  descriptor_operation(descriptor_operation const&) = delete;
  descriptor_operation& operator=(descriptor_operation const&) = delete;

  /// What it waits for.
  interest wanted() const noexcept { return wanted_; }

  /// Changes that, for an operation that does not wait now.
  void want(interest wanted) noexcept { wanted_ = wanted; }

  /// Tries the I/O on `fd`.
  io_status perform(int fd) noexcept { return do_perform(fd, ec_); }

  /// Sets its outcome, whatever its I/O would have returned.
  void end_with(boost::system::error_code const& outcome) noexcept { ec_ = outcome; }

  /// Hands the outcome to the handler.
  virtual void complete(completion how) = 0;

  /// Drops the handler.
  virtual void destroy() noexcept = 0;

  /// Identifies who may cancel it, while it waits: an address that is only compared and never
  /// dereferenced; null if nobody may.
  void const* cancellation_key() const noexcept { return storage_.waiting.cancellation_key; }
  void set_cancellation_key(void const* key) noexcept { storage_.waiting.cancellation_key = key; }

  /// The one after it in its operation_queue, and nothing while it is in none.
  descriptor_operation*& next_in_queue() noexcept { return storage_.waiting.next_in_queue; }
  descriptor_operation* next_in_queue() const noexcept { return storage_.waiting.next_in_queue; }

  bool is_called_on_the_spot() const noexcept { return io_on_dispatch != on_dispatch::queues; }

  /// What its I/O executor does.
  on_dispatch io_on_dispatch;

  /// True if its I/O executor is a scheduler's.
  bool const is_of_scheduler;

  /// True if perform() does nothing, so that it need not be called.
  bool const is_only_wait;

  /// Set by the reactor if it would not be notified when the descriptor is closed.
  bool may_end_unheard = false;

  /// True if it waits again after each event, until its owner ends that: whoever cancels what waits for
  /// the descriptor does not mean it.
  bool is_lasting = false;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Weffc++" // next_in_queue is set where it is put into a queue

protected:
  explicit descriptor_operation(interest wanted, on_dispatch io_executors = on_dispatch::calls,
                                bool is_schedulers = false, bool only_waits = false) noexcept
      : io_on_dispatch(io_executors), is_of_scheduler(is_schedulers), is_only_wait(only_waits),
        wanted_(wanted) {}
  ~descriptor_operation() = default;

#pragma GCC diagnostic pop

private:
  virtual io_status do_perform(int fd, boost::system::error_code& ec) noexcept = 0;

  interest wanted_;

protected:
  boost::system::error_code ec_{};
};

/// Operations in the order in which they came. Owns them.
class operation_queue {
public:
  operation_queue() noexcept : front_(nullptr), back_(&front_) {}

  ~operation_queue() {
    while (descriptor_operation* const operation = pop()) {
      operation->destroy();
    }
  }

  operation_queue(operation_queue const&) = delete;
  operation_queue& operator=(operation_queue const&) = delete;

  bool empty() const noexcept { return front_ == nullptr; }

  /// The only one, which stays; null if there are more, or none.
  descriptor_operation* only() const noexcept {
    return front_ && !front_->next_in_queue() ? front_ : nullptr;
  }

  /// The first one. There must be one.
  descriptor_operation const& front() const noexcept { return *front_; }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnull-dereference" // an executor that was moved from is not used

  void push(descriptor_operation& operation) noexcept {
    operation.next_in_queue() = nullptr;
    *back_ = &operation;
    back_ = &operation.next_in_queue();
  }

#pragma GCC diagnostic pop

  /// The first one, which is the caller's then; null if there is none.
  descriptor_operation* pop() noexcept {
    descriptor_operation* const first = front_;
    if (first) {
      front_ = first->next_in_queue();
      if (!front_) {
        back_ = &front_;
      }
    }
    return first;
  }

  /// Forgets them: they are somebody else's.
  void clear() noexcept {
    front_ = nullptr;
    back_ = &front_;
  }

  /// Moves each operation for which `is_chosen(operation)` holds to the end of `chosen`; returns
  /// how many those were.
  template <class Predicate>
  std::size_t move_if(operation_queue& chosen, Predicate is_chosen) noexcept {
    std::size_t count = 0;
    descriptor_operation** link = &front_;
    while (descriptor_operation* const operation = *link) {
      if (is_chosen(*operation)) {
        *link = operation->next_in_queue();
        chosen.push(*operation);
        ++count;
      } else {
        link = &operation->next_in_queue();
      }
    }
    back_ = link;
    return count;
  }

  /// What all of them wait for.
  interest wanted() const noexcept {
    interest all = interest::none;
    for (descriptor_operation const* operation = front_; operation;
         operation = operation->next_in_queue()) {
      all = all | operation->wanted();
    }
    return all;
  }

  /// Takes all that `other` has.
  void append(operation_queue& other) noexcept {
    if (other.front_) {
      *back_ = other.front_;
      back_ = other.back_;
      other.front_ = nullptr;
      other.back_ = &other.front_;
    }
  }

  /// Whether there is an operation whose descriptor may be closed without notification.
  bool any_may_end_unheard() const noexcept {
    descriptor_operation const* operation = front_;
    while (operation && !operation->may_end_unheard) {
      operation = operation->next_in_queue();
    }
    return operation != nullptr;
  }

  std::size_t count() const noexcept {
    std::size_t operations = 0;
    for (descriptor_operation const* operation = front_; operation;
         operation = operation->next_in_queue()) {
      ++operations;
    }
    return operations;
  }

  /// Hands all outcomes to their handlers.
  MIOEXT_DETAIL_FORCEINLINE void complete_all(completion how) {
    while (descriptor_operation* const operation = pop()) {
      operation->complete(how);
    }
  }

private:
  descriptor_operation* front_;
  descriptor_operation** back_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_DESCRIPTOR_OPERATION_HPP
