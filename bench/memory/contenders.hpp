//
// bench/memory/contenders.hpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What holds memory: descriptors that are watched, on none of which anything comes, and timers that are
// far ahead. Each function makes a loop, and then measures how much the heap grows by the rest, objects
// that the program must keep for the library included. They return bytes for each.
//

#ifndef BENCH_MEMORY_CONTENDERS_HPP
#define BENCH_MEMORY_CONTENDERS_HPP

#include <cstddef>
#include <vector>

using descriptors = std::vector<int>;

double poller_descriptors(descriptors const& idle);
double event_loop_descriptors(descriptors const& idle);
double async_event_loop_descriptors(descriptors const& idle);
double async_wait_descriptors(descriptors const& idle); // one wait is pending for each
double stream_descriptors(descriptors const& idle);     // one read is pending for each
double asio_descriptors(descriptors const& idle);       // one read is pending for each
// Sockets, each with one read pending; with executors of any type, or of the context's.
double asio_sockets(descriptors const& connected);
double context_streams(descriptors const& connected);
double selector_context_streams(descriptors const& connected);
double typed_asio_sockets(descriptors const& connected);
double typed_context_streams(descriptors const& connected);
double typed_selector_context_streams(descriptors const& connected);
double libuv_descriptors(descriptors const& idle);
double libevent_descriptors(descriptors const& idle);
double libev_descriptors(descriptors const& idle);

double event_loop_timers(std::size_t count);
double asio_timers(std::size_t count);
double libuv_timers(std::size_t count);
double libevent_timers(std::size_t count);
double libev_timers(std::size_t count);

// Allocations for each of many messages that go to and fro between two streams.
double stream_allocations();
double asio_stream_allocations();

#endif // BENCH_MEMORY_CONTENDERS_HPP
