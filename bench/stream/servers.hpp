//
// bench/stream/servers.hpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The echo server of echo/session.hpp over each kind of stream.
//

#ifndef BENCH_STREAM_SERVERS_HPP
#define BENCH_STREAM_SERVERS_HPP

#include "../echo/servers.hpp"

namespace echo {

serve asio_any_executor; // Asio's default
serve asio_context_executor;
serve mioext_any_executor;
serve mioext_context_executor;
serve selector_any_executor; // mioext's, in a selector_context
serve selector_context_executor;

} // namespace echo

#endif // BENCH_STREAM_SERVERS_HPP
