//
// test/watcher_set_in_selector_context.cpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The tests of watcher_set.cpp in a selector_context.
//

#define MIOEXT_TEST_SELECTOR_CONTEXT

#include "watcher_set.cpp"
