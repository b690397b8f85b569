//
// test/allocations.hpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Counts what a program allocates with operator new. To be included by its one unit.
//

#ifndef MIOEXT_TEST_ALLOCATIONS_HPP
#define MIOEXT_TEST_ALLOCATIONS_HPP

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
// clang's sanitizers bring an operator new of their own, which cannot be replaced; what is shown
// here is shown by every other build.
#define MIOEXT_TEST_CANNOT_COUNT
#endif
#endif

#ifndef MIOEXT_TEST_CANNOT_COUNT
namespace {
std::atomic<std::size_t> allocations{0};
}

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const memory = std::malloc(size ? size : 1)) {
    return memory;
  }
  throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

#endif // MIOEXT_TEST_ALLOCATIONS_HPP
