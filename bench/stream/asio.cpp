//
// bench/stream/asio.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The sessions over Boost.Asio's own socket.
//

#include "servers.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "../echo/session.hpp"

namespace {

using boost::asio::ip::tcp;

template <class Executor> class echo_server {
public:
  echo_server(int listener, std::size_t clients)
      : acceptor_(context_, tcp::v4(), listener), tally_{clients, 0} {}

  std::uint64_t run() {
    accept();
    context_.run();
    return tally_.bytes;
  }

private:
  using socket = boost::asio::basic_stream_socket<tcp, Executor>;

  void accept() {
    // Asio gives the peer the executor of its acceptor.
    acceptor_.async_accept([this](boost::system::error_code ec, socket peer) {
      if (ec) {
        return;
      }
      peer.set_option(tcp::no_delay(true));
      echo::session<socket>::start(std::move(peer), tally_);
      if (--tally_.clients != 0) {
        accept();
      }
    });
  }

  boost::asio::io_context context_{1};
  boost::asio::basic_socket_acceptor<tcp, Executor> acceptor_;
  echo::tally tally_;
};

} // namespace

std::uint64_t echo::asio_any_executor(int listener, std::size_t clients) {
  return echo_server<boost::asio::any_io_executor>(listener, clients).run();
}

std::uint64_t echo::asio_context_executor(int listener, std::size_t clients) {
  return echo_server<boost::asio::io_context::executor_type>(listener, clients).run();
}
