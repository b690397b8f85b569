//
// test/watcher_in_one_thread.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The tests of watcher.cpp in an io_context of which the service knows that one thread runs it.
//

#define MIOEXT_TEST_ONE_THREAD

#include "watcher.cpp"
