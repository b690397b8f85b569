//
// test/async_event_loop_promises.cpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The asynchronous loop keeps the promises of the blocking one: the same tests, run against it. What
// is about run_once() itself, the native handle and fork is left out there; for what only the
// asynchronous loop has, see async_event_loop.cpp.
//

#define MIOEXT_TEST_ASYNC_EVENT_LOOP

#include "ends_and_errors.cpp"
#include "event_loop.cpp"
#include "event_loop_connect.cpp"
#include "event_loop_hostile.cpp"
#include "event_loop_signals.cpp"
#include "event_loop_threads.cpp"
#include "event_loop_triggers.cpp"
#include "event_loop_watch.cpp"
#include "fork_child.cpp"
#include "read_readiness.cpp"
#include "sender.cpp"
#include "timeout.cpp"
