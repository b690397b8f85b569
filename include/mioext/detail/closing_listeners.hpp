//
// mioext/detail/closing_listeners.hpp
// -----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The listeners in this process that are told when the handle with a certain number is about to be
// closed, whichever thread closes it.
//

#ifndef MIOEXT_DETAIL_CLOSING_LISTENERS_HPP
#define MIOEXT_DETAIL_CLOSING_LISTENERS_HPP

#include <mioext/detail/system.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <thread>

#include <stdlib.h>

#include <boost/config.hpp>
#include <boost/throw_exception.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Is told of the closing of the mioext handles that it is entered for, before their numbers are
/// free.
class BOOST_SYMBOL_VISIBLE closing_listener {
public:
  /// It is not entered for `fd` any more when this is called.
  virtual void handle_closing(int fd) noexcept = 0;

  /// Null when the listener is being destroyed.
  virtual std::shared_ptr<closing_listener> this_listener() noexcept = 0;

protected:
  closing_listener() noexcept = default;
  closing_listener(closing_listener const&) = default;
  closing_listener& operator=(closing_listener const&) = default;
  ~closing_listener() = default;
};

/// The entry of a listener for one number. The listener stores it, so that the entry itself needs
/// no allocation; only closing_listeners uses its content.
class closing_entry {
public:
  closing_entry() noexcept : listener_(nullptr), next_(nullptr) {}

  closing_entry(closing_entry const&) = delete;
  closing_entry& operator=(closing_entry const&) = delete;

private:
  friend class closing_listeners;

  closing_listener* listener_; // null while it is not entered
  closing_entry* next_;
};

/// The listeners of a process, by descriptor number: the selectors that are nested in contexts,
/// each for the numbers that it watches. (Blocking loops need not listen here; see
/// detail/dispatch_scope.hpp.) Thread-safe; visible, so that all shared libraries of the process
/// share them.
///
/// Each number has its own place, with its own lock in its own cache lines, so that threads that
/// use different descriptors write to nothing in common. Places are made when a number is first
/// entered, many at a time, and are never moved or freed: a context with static storage duration
/// may be destroyed later than any static object here, and descriptor numbers are used again.
class BOOST_SYMBOL_VISIBLE closing_listeners {
public:
  /// The instance of the process or, if shared libraries cannot share it, the instance of the
  /// library that calls this. So a listener must call this only once. It is initialised before any
  /// code runs, and never destroyed.
  static closing_listeners& instance() noexcept {
    static closing_listeners all;
    return all;
  }

  /// Has `listener` called once, when a handle of number `fd` is closed. `fd` must not be negative,
  /// and the listener must leave before it is destroyed. @throws std::bad_alloc
  void enter(int fd, closing_entry& entry, closing_listener& listener) {
    place& entered = make(fd);
    std::lock_guard<short_lock> const lock(entered.mutex);
    if (!entry.listener_) {
      entry.listener_ = &listener;
      entry.next_ = entered.first.load(std::memory_order_relaxed);
      entered.first.store(&entry, std::memory_order_release);
    }
  }

  /// Nothing happens if it is not entered.
  void leave(int fd, closing_entry& entry) noexcept {
    if (place* const left = find(fd)) {
      std::lock_guard<short_lock> const lock(left->mutex);
      if (entry.listener_) {
        remove(*left, entry);
      }
    }
  }

  /// Calls the listeners that are entered for `fd`, without holding a lock, because they may close
  /// handles, too. If nobody ever listened, a close only runs this small part, which is inlined.
  static void tell(int fd) noexcept {
    if (instance().root(static_cast<unsigned>(fd)).load(std::memory_order_relaxed)) {
      tell_those_of(fd);
    }
  }

private:
  /// For a few instructions in a row, which call nothing: cheaper than a mutex. Who finds it locked sleeps
  /// as short as can be, so that whoever has it gets on even if that one's priority is lower.
  class short_lock {
  public:
    short_lock() noexcept : is_locked_(false) {}

    BOOST_FORCEINLINE void lock() noexcept {
      while (is_locked_.exchange(true, std::memory_order_acquire)) {
        std::this_thread::sleep_for(std::chrono::microseconds(1));
      }
    }

    BOOST_FORCEINLINE void unlock() noexcept { is_locked_.store(false, std::memory_order_release); }

  private:
    std::atomic<bool> is_locked_;
  };

  struct place_content {
    std::atomic<closing_entry*> first{nullptr};
    short_lock mutex{};
  };

  /// Two cache lines of most processors, which fetch lines in pairs, and one cache line of some.
  static constexpr std::size_t place_size = 128;

  struct place : place_content {
    unsigned char padding[place_size - sizeof(place_content)];
  };
  static_assert(sizeof(place) == place_size, "a place fills its cache lines");

  // A number in three parts: which branch, which leaf of that, which place of that.
  static constexpr unsigned leaf_bits = 6;
  static constexpr unsigned branch_bits = 12;
  static constexpr unsigned root_bits = 31 - branch_bits - leaf_bits;

  struct leaf {
    place places[1u << leaf_bits];
  };

  struct branch {
    std::atomic<leaf*> leaves[1u << branch_bits];
  };

  closing_listeners() = default;

  std::atomic<branch*>& root(unsigned number) noexcept {
    return branches_[number >> (branch_bits + leaf_bits)];
  }

  static std::atomic<leaf*>& in(branch& of, unsigned number) noexcept {
    return of.leaves[(number >> leaf_bits) & ((1u << branch_bits) - 1)];
  }

  static place& in(leaf& of, unsigned number) noexcept {
    return of.places[number & ((1u << leaf_bits) - 1)];
  }

  place* find(int fd) noexcept {
    unsigned const number = static_cast<unsigned>(fd);
    branch* const found_branch = root(number).load(std::memory_order_acquire);
    if (!found_branch) {
      return nullptr;
    }
    leaf* const found_leaf = in(*found_branch, number).load(std::memory_order_acquire);
    return found_leaf ? &in(*found_leaf, number) : nullptr;
  }

  place& make(int fd) {
    unsigned const number = static_cast<unsigned>(fd);
    return in(made(in(made(root(number)), number)), number);
  }

  template <class Node> static Node& made(std::atomic<Node*>& where) {
    Node* const found = where.load(std::memory_order_acquire);
    return found ? *found : make(where);
  }

  /// The first of several threads that come here at once provides the node.
  template <class Node> BOOST_NOINLINE static Node& make(std::atomic<Node*>& where) {
    void* memory = nullptr;
    // C++11's new does not align what wants more than the usual.
    if (::posix_memalign(&memory, place_size, sizeof(Node)) != 0) {
      boost::throw_exception(std::bad_alloc());
    }
    Node* const fresh = ::new (memory) Node();
    Node* first = nullptr;
    if (where.compare_exchange_strong(first, fresh, std::memory_order_acq_rel)) {
      return *fresh;
    }
    fresh->~Node();
    ::free(memory);
    return *first;
  }

  /// With the lock held.
  static void remove(place& from, closing_entry& entry) noexcept {
    closing_entry* const first = from.first.load(std::memory_order_relaxed);
    if (first == &entry) {
      from.first.store(entry.next_, std::memory_order_relaxed);
    } else {
      closing_entry* before = first;
      while (before->next_ != &entry) {
        before = before->next_;
      }
      before->next_ = entry.next_;
    }
    entry.listener_ = nullptr;
  }

  BOOST_NOINLINE static void tell_those_of(int fd) noexcept {
    place* const told = instance().find(fd);
    if (told && told->first.load(std::memory_order_acquire)) {
      tell_all(fd, *told);
    }
  }

  BOOST_NOINLINE static void tell_all(int fd, place& told) noexcept {
    while (told.first.load(std::memory_order_acquire)) {
      std::shared_ptr<closing_listener> listener;
      {
        std::lock_guard<short_lock> const lock(told.mutex);
        if (closing_entry* const entry = told.first.load(std::memory_order_relaxed)) {
          // One that is being destroyed waits for the lock, in order to leave.
          listener = entry->listener_->this_listener();
          remove(told, *entry);
        }
      }
      if (listener) {
        listener->handle_closing(fd);
      }
    }
  }

  std::atomic<branch*> branches_[1u << root_bits]{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_CLOSING_LISTENERS_HPP
