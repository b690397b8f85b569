//
// bench/stream/bounce_mioext.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Messages that bounce between mioext's streams.
//

#include "bounce.hpp"

#include <boost/asio/any_io_executor.hpp>

#include <mioext/stream.hpp>
#include <mioext/unix.hpp>

namespace {

template <class Executor> void bounce(std::size_t pairs, std::uint64_t round_trips) {
  using unix_stream = mioext::stream<mioext::unix_socket, Executor>;
  stream::bounce<unix_stream>(pairs, round_trips, [](boost::asio::io_context& context) {
    auto ends = mioext::unix_socket::pair();
    return std::pair<unix_stream, unix_stream>(unix_stream(context, std::move(ends.first)),
                                               unix_stream(context, std::move(ends.second)));
  });
}

} // namespace

void stream::mioext_any_executor(std::size_t pairs, std::uint64_t round_trips) {
  ::bounce<boost::asio::any_io_executor>(pairs, round_trips);
}

void stream::mioext_context_executor(std::size_t pairs, std::uint64_t round_trips) {
  ::bounce<boost::asio::io_context::executor_type>(pairs, round_trips);
}
