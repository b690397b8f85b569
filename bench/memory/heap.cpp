//
// bench/memory/heap.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// glibc lets a program have its own malloc, and keeps its own reachable by other names.
//

#include "heap.hpp"

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include <malloc.h>

extern "C" {

void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);

} // extern "C"

namespace {

// What is measured runs in one thread.
std::int64_t in_use = 0;
std::int64_t taken = 0;

void* count(void* block) {
  if (block) {
    in_use += static_cast<std::int64_t>(::malloc_usable_size(block));
    ++taken;
  }
  return block;
}

void discount(void* block) {
  if (block) {
    in_use -= static_cast<std::int64_t>(::malloc_usable_size(block));
  }
}

} // namespace

extern "C" {

void* malloc(std::size_t size) noexcept { return count(__libc_malloc(size)); }

void* calloc(std::size_t number, std::size_t size) noexcept {
  return count(__libc_calloc(number, size));
}

void* realloc(void* block, std::size_t size) noexcept {
  std::int64_t const before = in_use;
  discount(block);
  void* const moved = __libc_realloc(block, size);
  if (!moved && size != 0) {
    in_use = before; // the old one is still there
  }
  return count(moved);
}

void* memalign(std::size_t alignment, std::size_t size) noexcept {
  return count(__libc_memalign(alignment, size));
}

void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  return memalign(alignment, size);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t size) noexcept {
  *block = memalign(alignment, size);
  return *block ? 0 : ENOMEM;
}

void free(void* block) noexcept {
  discount(block);
  __libc_free(block);
}

} // extern "C"

namespace heap {

double bytes() { return static_cast<double>(in_use); }
double allocations() { return static_cast<double>(taken); }

} // namespace heap
