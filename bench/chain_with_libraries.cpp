//
// bench/chain_with_libraries.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// chain.cpp for a machine on which libuv, libevent and libev are installed.
//

#define BENCH_HAS_LIBRARIES
#include "chain.cpp" // NOLINT(bugprone-suspicious-include): the same program, defined otherwise
