//
// bench/echo/asio.cpp
// -------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The echo server of Boost.Asio, in a context that knows that one thread runs it, and without the
// indirection of any_io_executor.
//

#include "servers.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "session.hpp"

namespace {

using executor_type = boost::asio::io_context::executor_type;
using tcp_socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, executor_type>;
using tcp_acceptor = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, executor_type>;

void accept(tcp_acceptor& acceptor, echo::tally& total) {
  acceptor.async_accept([&](boost::system::error_code ec, tcp_socket socket) {
    if (ec) {
      return;
    }
    socket.set_option(boost::asio::ip::tcp::no_delay(true));
    echo::session<tcp_socket>::start(std::move(socket), total);
    if (--total.clients != 0) {
      accept(acceptor, total);
    }
  });
}

} // namespace

std::uint64_t echo::asio(int listener, std::size_t clients) {
  boost::asio::io_context context(1);
  tcp_acceptor acceptor(context, boost::asio::ip::tcp::v4(), listener);
  tally total = {clients, 0};
  accept(acceptor, total);
  context.run();
  return total.bytes;
}
