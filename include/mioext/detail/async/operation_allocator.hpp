//
// mioext/detail/async/operation_allocator.hpp
// -------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Which allocator an operation takes its memory from.
//

#ifndef MIOEXT_DETAIL_ASYNC_OPERATION_ALLOCATOR_HPP
#define MIOEXT_DETAIL_ASYNC_OPERATION_ALLOCATOR_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>

#include <mioext/detail/async/asio_features.hpp>

#ifdef MIOEXT_DETAIL_HAS_RECYCLING_ALLOCATOR
#include <boost/asio/recycling_allocator.hpp>
#endif

#include <mioext/detail/async/scheduler_frame.hpp>
#include <mioext/detail/inlining.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// What an operation of at most that size is allocated as, so that an allocator is instantiated for a few
/// sizes and not for each type of operation.
template <std::size_t Size, std::size_t Alignment = alignof(std::max_align_t)>
struct alignas(Alignment) operation_block {
  unsigned char bytes[Size];
};

constexpr std::size_t round_up(std::size_t size, std::size_t unit) noexcept {
  return (size + unit - 1) / unit * unit;
}

/// In a scheduler.
template <class Operation>
using block_for =
    typename std::conditional<alignof(Operation) <= alignof(std::max_align_t),
                              operation_block<round_up(sizeof(Operation), 64)>, Operation>::type;

/// In other contexts. Asio adds a byte to each block, and then rounds it up: room is left for that.
template <class Operation>
using asio_block_for = typename std::conditional<
    alignof(Operation) <= alignof(void*),
    operation_block<round_up(sizeof(Operation) + sizeof(void*), 32) - sizeof(void*),
                    alignof(void*)>,
    typename std::conditional<alignof(Operation) <= alignof(std::max_align_t),
                              operation_block<round_up(sizeof(Operation), 32)>,
                              Operation>::type>::type;

/// The allocator for an operation: the handler's own. For a handler that has none: the one of the
/// scheduler, in whose thread the operation ends; in other contexts the one that Asio's own
/// operations use.
template <class Allocator, bool IsOfScheduler = false> struct operation_allocator {
  using type = Allocator;
  template <class Operation>
  using rebind = typename std::allocator_traits<Allocator>::template rebind_alloc<Operation>;
  static type const& get(Allocator const& allocator) noexcept { return allocator; }
};

template <class T> struct operation_allocator<std::allocator<T>, true> {
  using type = recycled_allocator<void>;
  template <class Operation> using rebind = recycled_allocator<block_for<Operation>>;
  static type get(std::allocator<T> const&) noexcept { return type(); }
};

#ifdef MIOEXT_DETAIL_HAS_RECYCLING_ALLOCATOR
template <class T> struct operation_allocator<std::allocator<T>, false> {
  using type = boost::asio::recycling_allocator<void>;
  template <class Operation>
  using rebind = boost::asio::recycling_allocator<asio_block_for<Operation>>;
  static type get(std::allocator<T> const&) noexcept { return type(); }
};
#endif

/// Memory for one operation, which goes back unless it is released.
template <class Allocator> class operation_memory {
  using traits = std::allocator_traits<Allocator>;

public:
  /// @param given one that can be rebound to this
  template <class Given>
  MIOEXT_DETAIL_FORCEINLINE explicit operation_memory(Given const& given)
      : allocator_(given), memory_(traits::allocate(allocator_, 1)) {}

  /// For a thread that does not run the scheduler, which keeps `kept`.
  template <class Given>
  operation_memory(Given const& given, recycled_memory& kept)
      : allocator_(given), memory_(allocate_outside(allocator_, kept)) {}

  operation_memory(operation_memory const&) = delete;
  operation_memory& operator=(operation_memory const&) = delete;

  MIOEXT_DETAIL_FORCEINLINE ~operation_memory() {
    if (memory_) {
      traits::deallocate(allocator_, memory_, 1);
    }
  }

  void* get() const noexcept { return memory_; }
  void release() noexcept { memory_ = nullptr; }

  /// What was released, when the operation in it has ended.
  template <class Given>
  MIOEXT_DETAIL_FORCEINLINE static void give_back(Given const& given, void* memory) noexcept {
    Allocator allocator(given);
    traits::deallocate(allocator, static_cast<typename traits::value_type*>(memory), 1);
  }

  /// The same, inlined for certain: where std::allocator_traits lies between, it often is not.
  template <class Given>
  MIOEXT_DETAIL_FORCEINLINE static void give_back_inlined(Given const& given,
                                                          void* memory) noexcept {
    Allocator allocator(given);
    allocator.deallocate(static_cast<typename traits::value_type*>(memory), 1);
  }

private:
  template <class Any>
  static typename traits::value_type* allocate_outside(Any& allocator, recycled_memory&) {
    return traits::allocate(allocator, 1);
  }

  template <class Block>
  static Block* allocate_outside(recycled_allocator<Block>& allocator, recycled_memory& kept) {
    return recycled_memory::fits<Block>() ? static_cast<Block*>(kept.take_from_outside<Block>())
                                          : allocator.allocate(1);
  }

  Allocator allocator_;
  typename traits::value_type* memory_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_OPERATION_ALLOCATOR_HPP
