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

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <new>

#include <boost/config.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

class scheduler;

/// Keeps blocks of memory that were given back, for the next operations of their size: as many as
/// were in use at the same time, up to 1 MiB of each size. That is enough for some thousand connections
/// which all end to read and begin to write in the same turn. For one thread at a time.
class recycled_memory {
public:
  recycled_memory() noexcept {
    for (std::size_t index = 0; index != class_count; ++index) {
      classes_[index].room = kept_of_each_class / ((index + 1) * class_width);
    }
  }

  recycled_memory(recycled_memory const&) = delete;
  recycled_memory& operator=(recycled_memory const&) = delete;

  ~recycled_memory() {
    for (size_class& each : classes_) {
      while (block* const last = each.first) {
        each.first = last->next;
        ::operator delete(last);
      }
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
    if (taken) {
      own.first = taken->next;
      ++own.room;
    }
    return taken;
  }

  /// False if there are enough of them: the block is still the caller's then.
  template <class T> bool give_back(void* memory) noexcept {
    size_class& own = classes_[class_of<T>()];
    if (own.room == 0) {
      return false;
    }
    --own.room;
    own.first = ::new (memory) block{own.first};
    return true;
  }

private:
  static constexpr std::size_t class_width = 64;
  static constexpr std::size_t class_count = 16;
  static constexpr std::size_t kept_of_each_class = 1048576; // bytes

  struct block {
    block* next;
  };

  struct size_class {
    block* first = nullptr;
    std::size_t room = 0; // for how many more
  };

  // For one that has no place it is not used; clang only wants an index that there is.
  template <class T> static constexpr std::size_t class_of() noexcept {
    return fits<T>() ? (sizeof(T) - 1) / class_width : 0;
  }

  size_class classes_[class_count];
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
public:
  using value_type = T;

  recycled_allocator() noexcept = default;
  template <class U> recycled_allocator(recycled_allocator<U> const&) noexcept {}

  T* allocate(std::size_t count) {
    if (count != 1 || !recycled_memory::fits<T>()) {
      return std::allocator<T>().allocate(count);
    }
    scheduler_frame* const here = scheduler_frame::innermost();
    void* const kept = here ? here->memory.take<T>() : nullptr;
    return static_cast<T*>(kept ? kept : ::operator new(recycled_memory::block_size<T>()));
  }

  void deallocate(T* pointer, std::size_t count) noexcept {
    if (count != 1 || !recycled_memory::fits<T>()) {
      std::allocator<T>().deallocate(pointer, count);
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
