//
// mioext/detail/async/scheduler_frame.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a thread knows of the scheduler that it runs: which one that is, and where memory for
// operations is kept.
//

#ifndef MIOEXT_DETAIL_ASYNC_SCHEDULER_FRAME_HPP
#define MIOEXT_DETAIL_ASYNC_SCHEDULER_FRAME_HPP

#include <mioext/detail/inlining.hpp>
#include <mioext/detail/system.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <new>
#include <type_traits>

#include <boost/align/aligned_allocator.hpp>
#include <boost/config.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

class scheduler;

/// Keeps blocks of memory that were given back, for the next operations of their size: as many as
/// were in use at the same time, up to 1 MiB of each size. That is enough for some thousand connections
/// which all end to read and begin to write in the same turn. For one thread at a time; what comes from
/// other threads goes back to them, from a store that they share.
class recycled_memory {
public:
  recycled_memory() noexcept {
    for (std::size_t index = 0; index != class_count; ++index) {
      classes_[index].more = kept_of_each_class / ((index + 1) * class_width);
      shared_[index].room = shared_of_each_class / ((index + 1) * class_width);
    }
  }

  recycled_memory(recycled_memory const&) = delete;
  recycled_memory& operator=(recycled_memory const&) = delete;

  ~recycled_memory() {
    for (std::size_t index = 0; index != class_count; ++index) {
      delete_all(classes_[index].first);
      delete_all(shared_[index].first);
    }
  }

  /// True for objects that have a place in such a block.
  template <class T> static constexpr bool fits() noexcept {
    return sizeof(T) <= class_count * class_width && alignof(T) <= alignof(std::max_align_t);
  }

  /// How many bytes a block for a `T` has.
  template <class T> static constexpr std::size_t block_size() noexcept {
    return (class_of<T>() + 1) * class_width;
  }

  /// A block for a `T`, or null if there is none.
  template <class T> void* take() noexcept {
    size_class& own = classes_[class_of<T>()];
    block* const taken = own.first;
    if (BOOST_UNLIKELY(!taken)) {
      return find(class_of<T>());
    }
    own.first = taken->next;
    ++own.room;
    return taken;
  }

  /// False if there are enough of them: the block is still the caller's then.
  template <class T> bool give_back(void* memory) noexcept {
    size_class& own = classes_[class_of<T>()];
    if (own.room == 0) {
      return share(class_of<T>(), memory);
    }
    --own.room;
    own.first = ::new (memory) block{own.first};
    return true;
  }

  /// A block for a `T` from any thread, for an operation that is to end in the thread that has this.
  template <class T> void* take_from_outside() {
    void* const taken = take_shared(class_of<T>());
    return taken ? taken : ::operator new(block_size<T>());
  }

private:
  static constexpr std::size_t class_width = 64;
  static constexpr std::size_t class_count = 16;
  static constexpr std::size_t kept_of_each_class = 1048576;  // bytes
  static constexpr std::size_t shared_of_each_class = 262144; // bytes

  struct block {
    block* next;
  };

  struct size_class {
    block* first = nullptr;
    std::size_t room = 0; // for how many more: as many as are in use
    std::size_t more = 0; // how many may be in use beside those
  };

  // For one that has no place it is not used; clang only wants an index that there is.
  template <class T> static constexpr std::size_t class_of() noexcept {
    return fits<T>() ? (sizeof(T) - 1) / class_width : 0;
  }

  /// What threads that only post would otherwise allocate anew, each time. Nobody waits for a lock: who
  /// finds it locked does without, as does a child process in which it stays so.
  struct shared_class : size_class {
    std::atomic<bool> is_locked{false};
  };

  /// For an operation of the thread that has this, when it has too few.
  BOOST_NOINLINE void* find(std::size_t index) noexcept {
    size_class& own = classes_[index];
    if (own.more != 0) {
      --own.more;
      ++own.room;
    }
    return take_shared(index);
  }

  BOOST_NOINLINE void* take_shared(std::size_t index) noexcept {
    shared_class& from = shared_[index];
    if (from.is_locked.exchange(true, std::memory_order_acquire)) {
      return nullptr;
    }
    block* const taken = from.first;
    if (taken) {
      from.first = taken->next;
      ++from.room;
    }
    from.is_locked.store(false, std::memory_order_release);
    return taken;
  }

  BOOST_NOINLINE bool share(std::size_t index, void* memory) noexcept {
    shared_class& to = shared_[index];
    if (to.is_locked.exchange(true, std::memory_order_acquire)) {
      return false;
    }
    bool const has_room = to.room != 0;
    if (has_room) {
      --to.room;
      to.first = ::new (memory) block{to.first};
    }
    to.is_locked.store(false, std::memory_order_release);
    return has_room;
  }

  static void delete_all(block* first) noexcept {
    while (first) {
      block* const next = first->next;
      ::operator delete(first);
      first = next;
    }
  }

  size_class classes_[class_count];
  shared_class shared_[class_count];
};

/// On the stack of a thread that runs a scheduler, while it does. Visible, so that all shared
/// libraries of the process share the list of them.
struct BOOST_SYMBOL_VISIBLE scheduler_frame {
  scheduler_frame(scheduler const& runs, recycled_memory& kept) noexcept
      : owner(&runs), memory(kept), outer(innermost()) {
    innermost() = this;
  }

  ~scheduler_frame() { innermost() = outer; }

  scheduler_frame(scheduler_frame const&) = delete;
  scheduler_frame& operator=(scheduler_frame const&) = delete;

  /// The one of this thread that began last; null outside of every scheduler.
  static scheduler_frame*& innermost() noexcept {
    static thread_local scheduler_frame* running = nullptr;
    return running;
  }

  scheduler const* const owner;
  recycled_memory& memory;
  scheduler_frame* const outer;
  std::exception_ptr thrown{};
  bool has_thrown_several = false;
};

/// Allocates from what the scheduler keeps that this thread runs; outside of every scheduler, anew.
template <class T> class recycled_allocator {
  // Before C++17 std::allocator does not align what is over-aligned.
  using other_allocator =
      typename std::conditional<alignof(T) <= alignof(std::max_align_t), std::allocator<T>,
                                boost::alignment::aligned_allocator<T, alignof(T)>>::type;

public:
  using value_type = T;

  recycled_allocator() noexcept = default;
  template <class U> recycled_allocator(recycled_allocator<U> const&) noexcept {}

  MIOEXT_DETAIL_FORCEINLINE T* allocate(std::size_t count) {
    if (count != 1 || !recycled_memory::fits<T>()) {
      return other_allocator().allocate(count);
    }
    scheduler_frame* const here = scheduler_frame::innermost();
    void* const kept = here ? here->memory.take<T>() : nullptr;
    return static_cast<T*>(kept ? kept : ::operator new(recycled_memory::block_size<T>()));
  }

  MIOEXT_DETAIL_FORCEINLINE void deallocate(T* pointer, std::size_t count) noexcept {
    if (count != 1 || !recycled_memory::fits<T>()) {
      other_allocator().deallocate(pointer, count);
      return;
    }
    scheduler_frame* const here = scheduler_frame::innermost();
    if (!here || !here->memory.give_back<T>(pointer)) {
      ::operator delete(pointer);
    }
  }

  template <class U> bool operator==(recycled_allocator<U> const&) const noexcept { return true; }
  template <class U> bool operator!=(recycled_allocator<U> const&) const noexcept { return false; }
};

template <> class recycled_allocator<void> {
public:
  using value_type = void;
  template <class U> struct rebind { using other = recycled_allocator<U>; };
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_SCHEDULER_FRAME_HPP
