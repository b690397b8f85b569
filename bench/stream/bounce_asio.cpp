//
// bench/stream/bounce_asio.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Messages that bounce between Boost.Asio's own sockets.
//

#include "bounce.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace {

template <class Executor> void bounce(std::size_t pairs, std::uint64_t round_trips) {
  using boost::asio::ip::tcp;
  using socket = boost::asio::basic_stream_socket<tcp, Executor>;
  stream::bounce<socket>(pairs, round_trips, [](boost::asio::io_context& context) {
    tcp::acceptor acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    std::pair<socket, socket> ends{socket(context), socket(context)};
    ends.first.connect(acceptor.local_endpoint());
    acceptor.accept(ends.second);
    return ends;
  });
}

} // namespace

void stream::asio_any_executor(std::size_t pairs, std::uint64_t round_trips) {
  ::bounce<boost::asio::any_io_executor>(pairs, round_trips);
}

void stream::asio_context_executor(std::size_t pairs, std::uint64_t round_trips) {
  ::bounce<boost::asio::io_context::executor_type>(pairs, round_trips);
}
