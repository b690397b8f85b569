//
// mioext/detail/async/descriptor_table.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A table with a value for each descriptor number. Values are found without a lock and never moved.
//

#ifndef MIOEXT_DETAIL_ASYNC_DESCRIPTOR_TABLE_HPP
#define MIOEXT_DETAIL_ASYNC_DESCRIPTOR_TABLE_HPP

#include <mioext/detail/inlining.hpp>
#include <mioext/detail/system.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Neighbouring numbers share a block, which is made when the first of them is used. So a
/// descriptor with the number one million costs one block, and an index with a pointer for each
/// block that could come before it. Blocks stay until the table is destroyed, because descriptor
/// numbers are reused.
///
/// Thread-safe. The values are not protected by the table.
template <class Value> class descriptor_table {
public:
  /// @param prepare is called for each value when it is made.
  explicit descriptor_table(void (*prepare)(int fd, Value&)) : prepare_(prepare) {
    use(new_index(16));
  }

  descriptor_table(descriptor_table const&) = delete;
  descriptor_table& operator=(descriptor_table const&) = delete;

  ~descriptor_table() {
    index& last = *index_.load(std::memory_order_relaxed);
    for (std::size_t number = 0; number != last.size; ++number) {
      delete last.blocks[number].load(std::memory_order_relaxed);
    }
  }

  /// The same for the values that are made from now on.
  void prepare_by(void (*prepare)(int fd, Value&)) noexcept { prepare_ = prepare; }

  /// The value for `fd`, or null if its block was never made.
  MIOEXT_DETAIL_FORCEINLINE Value* find(std::uint32_t fd) const noexcept {
    index const& used = *index_.load(std::memory_order_acquire);
    std::size_t const number = fd / block_size;
    if (number >= used.size) {
      return nullptr;
    }
    block* const found = used.blocks[number].load(std::memory_order_acquire);
    return found ? &found->values[fd % block_size] : nullptr;
  }

  MIOEXT_DETAIL_FORCEINLINE Value* find(int fd) const noexcept {
    return find(static_cast<std::uint32_t>(fd));
  }

  /// The value for `fd`, which must be an open descriptor; makes its block if need be. If this
  /// throws std::bad_alloc, nothing has changed.
  Value& make(int fd) {
    if (Value* const found = find(fd)) {
      return *found;
    }
    std::size_t const number = static_cast<std::size_t>(fd) / block_size;
    std::lock_guard<std::mutex> const lock(mutex_);
    if (number >= index_.load(std::memory_order_relaxed)->size) {
      grow(number + 1);
    }
    std::atomic<block*>& place = index_.load(std::memory_order_relaxed)->blocks[number];
    if (!place.load(std::memory_order_relaxed)) {
      place.store(new_block(number), std::memory_order_release);
    }
    return place.load(std::memory_order_relaxed)->values[static_cast<std::size_t>(fd) % block_size];
  }

  /// Calls `function(fd, value)` for all that are there.
  template <class Function> void for_each(Function function) const {
    index const& used = *index_.load(std::memory_order_acquire);
    for (std::size_t number = 0; number != used.size; ++number) {
      if (block* const found = used.blocks[number].load(std::memory_order_acquire)) {
        for (std::size_t place = 0; place != block_size; ++place) {
          function(static_cast<int>(number * block_size + place), found->values[place]);
        }
      }
    }
  }

private:
  static constexpr std::size_t block_size = 32;

  struct block {
    Value values[block_size];
  };

  struct index {
    explicit index(std::size_t count) : size(count), blocks(new std::atomic<block*>[count]()) {}

    std::size_t const size;
    std::unique_ptr<std::atomic<block*>[]> const blocks;
  };

  static std::unique_ptr<index> new_index(std::size_t size) {
    return std::unique_ptr<index>(new index(size));
  }

  block* new_block(std::size_t number) const {
    block* const made = new block;
    for (std::size_t place = 0; place != block_size; ++place) {
      prepare_(static_cast<int>(number * block_size + place), made->values[place]);
    }
    return made;
  }

  void use(std::unique_ptr<index> used) {
    indices_.reserve(indices_.size() + 1);
    index_.store(used.get(), std::memory_order_release);
    indices_.push_back(std::move(used));
  }

  /// Other threads may still use an earlier index for a look-up, so all of them are kept. Together
  /// the earlier ones are no larger than the last one.
  void grow(std::size_t needed) {
    index const& full = *index_.load(std::memory_order_relaxed);
    std::unique_ptr<index> grown = new_index(std::max(needed, 2 * full.size));
    for (std::size_t number = 0; number != full.size; ++number) {
      grown->blocks[number].store(full.blocks[number].load(std::memory_order_relaxed),
                                  std::memory_order_relaxed);
    }
    use(std::move(grown));
  }

  void (*prepare_)(int fd, Value&);
  std::atomic<index*> index_{nullptr};
  std::mutex mutex_{}; // for those who make something
  std::vector<std::unique_ptr<index>> indices_{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_DESCRIPTOR_TABLE_HPP
