//
// bench/memory/heap.hpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Counts what is taken from the heap, by taking the place of malloc and its kin for the whole program,
// the libraries that it uses included.
//

#ifndef BENCH_MEMORY_HEAP_HPP
#define BENCH_MEMORY_HEAP_HPP

namespace heap {

// In use now: what the blocks can hold (malloc_usable_size), without what malloc itself keeps of them.
double bytes();

// How many blocks were taken so far. One that grows or moves is taken again.
double allocations();

} // namespace heap

#endif // BENCH_MEMORY_HEAP_HPP
