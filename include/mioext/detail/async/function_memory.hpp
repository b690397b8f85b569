//
// mioext/detail/async/function_memory.hpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Room for one function object that Asio keeps until it calls it, so that handing it over allocates
// nothing.
//

#ifndef MIOEXT_DETAIL_ASYNC_FUNCTION_MEMORY_HPP
#define MIOEXT_DETAIL_ASYNC_FUNCTION_MEMORY_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <new>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Serves one allocation; later ones, and those that do not fit, use operator new. Not thread-safe:
/// its owner passes one function at a time to Asio.
///
/// @tparam Size the size of the function object together with what Asio adds, with something to
/// spare: 48 bytes for a function object that is one pointer and is posted to an io_context; 152
/// for a wait with two pointers and an any_io_executor.
template <std::size_t Size> class function_memory {
public:
  function_memory() noexcept : is_used_(false) {}

  /// Makes the memory available for another allocation. To be called when the last function has
  /// been called or dropped.
  void reuse() noexcept { is_used_ = false; }

  function_memory(function_memory const&) = delete;
  function_memory& operator=(function_memory const&) = delete;

  void* allocate(std::size_t size) {
    if (is_used_ || size > sizeof bytes_) {
      return ::operator new(size);
    }
    is_used_ = true;
    return bytes_;
  }

  /// Only compares addresses and reads no member, because this object may have been destroyed by
  /// now.
  void deallocate(void* memory) const noexcept {
    if (memory != bytes_) {
      ::operator delete(memory);
    }
  }

private:
  alignas(std::max_align_t) unsigned char bytes_[Size];
  bool is_used_;
};

/// For functions that are seldom passed to Asio.
template <> class function_memory<0> {
public:
  void reuse() noexcept {}
  void* allocate(std::size_t size) { return ::operator new(size); }
  void deallocate(void* memory) const noexcept { ::operator delete(memory); }
};

/// The associated allocator of such a function object.
template <class T, std::size_t Size> class function_allocator {
public:
  using value_type = T;

  explicit function_allocator(function_memory<Size>& memory) noexcept : memory_(&memory) {}

  template <class U> struct rebind { using other = function_allocator<U, Size>; };

  template <class U>
  function_allocator(function_allocator<U, Size> const& other) noexcept : memory_(other.memory_) {}

  T* allocate(std::size_t count) {
    static_assert(alignof(T) <= alignof(std::max_align_t), "no room for over-aligned types");
    return static_cast<T*>(memory_->allocate(count * sizeof(T)));
  }

  void deallocate(T* pointer, std::size_t) noexcept { memory_->deallocate(pointer); }

  template <class U> bool operator==(function_allocator<U, Size> const& other) const noexcept {
    return memory_ == other.memory_;
  }
  template <class U> bool operator!=(function_allocator<U, Size> const& other) const noexcept {
    return memory_ != other.memory_;
  }

private:
  template <class, std::size_t> friend class function_allocator;

  function_memory<Size>* memory_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_FUNCTION_MEMORY_HPP
