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

#include <mioext/detail/inlining.hpp>
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

/// The listeners of a process, by descriptor number: the selectors that are nested in contexts,
/// each for the numbers that it watches. (Blocking loops need not listen here; see
/// detail/dispatch_scope.hpp.) Thread-safe; visible, so that all shared libraries of the process
/// share them.
///
/// Each number has its own place, with its own lock in its own cache line, so that threads that
/// use different descriptors write to nothing in common. There is room for one listener in it, which is
/// what a number has in most programs. Places are made when a number is first
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

  /// Has `listener` called once, when a handle of number `fd` is closed. Nothing happens if it is entered
  /// already. `fd` must not be negative, and the listener must leave before it is destroyed.
  /// @throws std::bad_alloc
  void enter(int fd, closing_listener& listener) {
    place& entered = make(fd);
    {
      std::lock_guard<short_lock> const lock(entered.mutex);
      if (BOOST_LIKELY(enter_alone(entered, listener)) || is_among_others(entered, listener)) {
        return;
      }
    }
    enter_beside_others(entered, listener);
  }

  /// Nothing happens if it is not entered.
  void leave(int fd, closing_listener& listener) noexcept {
    if (place* const left = find(fd)) {
      std::unique_ptr<other_listener> unused;
      std::lock_guard<short_lock> const lock(left->mutex);
      if (left->first.load(std::memory_order_relaxed) == &listener) {
        remove_first(*left, unused);
      } else if (BOOST_UNLIKELY(left->others != nullptr)) {
        remove_other(*left, listener, unused);
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

    MIOEXT_DETAIL_FORCEINLINE void lock() noexcept {
      while (is_locked_.exchange(true, std::memory_order_acquire)) {
        std::this_thread::sleep_for(std::chrono::microseconds(1));
      }
    }

    MIOEXT_DETAIL_FORCEINLINE void unlock() noexcept {
      is_locked_.store(false, std::memory_order_release);
    }

  private:
    std::atomic<bool> is_locked_;
  };

  /// One more of a number.
  struct other_listener {
    closing_listener* listener;
    other_listener* next;
  };

  struct place_content {
    std::atomic<closing_listener*> first{nullptr}; // null only if there are no others
    other_listener* others = nullptr;
    short_lock mutex{};
  };

  /// A cache line. (Some of the processors with the smaller ones fetch two of them at once, but a write
  /// takes away from others only the one that is written.)
#if defined(__x86_64__) || defined(__i386__) || defined(__riscv) || defined(__arm__)
  static constexpr std::size_t place_size = 64;
#else
  static constexpr std::size_t place_size = 128;
#endif

  struct place : place_content {
    unsigned char padding[place_size - sizeof(place_content)];
  };
  static_assert(sizeof(place) == place_size, "a place fills its cache line");

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

  // --- With the lock held --------------------------------------------------------------------------

  /// Returns false if the place belongs to another listener.
  MIOEXT_DETAIL_FORCEINLINE static bool enter_alone(place& entered,
                                                    closing_listener& listener) noexcept {
    closing_listener* const first = entered.first.load(std::memory_order_relaxed);
    if (!first) {
      entered.first.store(&listener, std::memory_order_release);
    }
    return !first || first == &listener;
  }

  /// What points to that one of the others, or to the end of them.
  static other_listener** link_to(place& of, closing_listener const& listener) noexcept {
    other_listener** link = &of.others;
    while (*link && (*link)->listener != &listener) {
      link = &(*link)->next;
    }
    return link;
  }

  static bool is_among_others(place& entered, closing_listener const& listener) noexcept {
    return *link_to(entered, listener) != nullptr;
  }

  /// What is freed without the lock is left in `unused`.
  MIOEXT_DETAIL_FORCEINLINE static void
  remove_first(place& from, std::unique_ptr<other_listener>& unused) noexcept {
    unused.reset(from.others);
    if (BOOST_UNLIKELY(unused != nullptr)) {
      from.others = unused->next;
      from.first.store(unused->listener, std::memory_order_release);
    } else {
      from.first.store(nullptr, std::memory_order_relaxed);
    }
  }

  BOOST_NOINLINE static void remove_other(place& from, closing_listener const& listener,
                                          std::unique_ptr<other_listener>& unused) noexcept {
    other_listener** const link = link_to(from, listener);
    unused.reset(*link);
    if (unused) {
      *link = unused->next;
    }
  }

  // --- Without it ----------------------------------------------------------------------------------

  BOOST_NOINLINE static void enter_beside_others(place& entered, closing_listener& listener) {
    std::unique_ptr<other_listener> fresh(new other_listener{&listener, nullptr});
    std::lock_guard<short_lock> const lock(entered.mutex);
    if (!enter_alone(entered, listener) && !is_among_others(entered, listener)) {
      fresh->next = entered.others;
      entered.others = fresh.release();
    }
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
        std::unique_ptr<other_listener> unused;
        std::lock_guard<short_lock> const lock(told.mutex);
        if (closing_listener* const first = told.first.load(std::memory_order_relaxed)) {
          // One that is being destroyed waits for the lock, in order to leave.
          listener = first->this_listener();
          remove_first(told, unused);
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
