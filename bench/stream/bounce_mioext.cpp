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
#include <boost/asio/ip/tcp.hpp>

#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

namespace {

template <class Executor> void bounce(std::size_t pairs, std::uint64_t round_trips) {
  using tcp_stream = mioext::stream<mioext::tcp_socket, Executor>;
  stream::bounce<tcp_stream>(pairs, round_trips, [](boost::asio::io_context& context) {
    using boost::asio::ip::tcp;
    tcp::acceptor acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    tcp::socket near(context);
    tcp::socket far(context);
    near.connect(acceptor.local_endpoint());
    acceptor.accept(far);
    return std::pair<tcp_stream, tcp_stream>(
        tcp_stream(context, mioext::tcp_socket(std::move(near))),
        tcp_stream(context, mioext::tcp_socket(std::move(far))));
  });
}

} // namespace

void stream::mioext_any_executor(std::size_t pairs, std::uint64_t round_trips) {
  ::bounce<boost::asio::any_io_executor>(pairs, round_trips);
}

void stream::mioext_context_executor(std::size_t pairs, std::uint64_t round_trips) {
  ::bounce<boost::asio::io_context::executor_type>(pairs, round_trips);
}
