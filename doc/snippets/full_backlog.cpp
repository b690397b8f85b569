//
// doc/snippets/full_backlog.cpp
// -----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a program is told that connects to a Unix listener whose backlog is full: by Boost.Asio, and by
// mioext. Linux only, because elsewhere such a connect is refused.
//

// tag::program[]
#include <chrono>
#include <iostream>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <mioext/event_loop.hpp>
#include <mioext/unix.hpp>

using boost::system::error_code;
using local = boost::asio::local::stream_protocol;

// Listens, and has as many connections waiting as there is room for.
struct busy_server {
  busy_server() {
    acceptor.open();
    acceptor.bind(local::endpoint()); // Linux picks an abstract address
    acceptor.listen(1);
    error_code ec;
    while (!ec) {
      waiting.emplace_back();
      waiting.back().connect(acceptor.local_endpoint(), ec);
    }
    std::cout << "connect(2): " << ec.message() << '\n';
  }

  mioext::unix_acceptor acceptor;
  std::vector<mioext::unix_socket> waiting;
};

void try_asio() {
  busy_server server;
  boost::asio::io_context context;
  local::socket socket(context);
  socket.async_connect(server.acceptor.local_endpoint(), [&](error_code connected) {
    error_code written;
    socket.write_some(boost::asio::buffer("x", 1), written);
    std::cout << "Boost.Asio: " << connected.message() << "; then the write: " << written.message()
              << '\n';
  });
  context.run_for(std::chrono::seconds(1));
}

enum class id { client, room };

struct client final : mioext::basic_handler<id> {
  void writable(loop_type& loop, id) override {
    error_code const connected = socket.take_error();
    error_code written;
    socket.write_some(boost::asio::buffer("x", 1), written);
    std::cout << "mioext:     " << connected.message() << "; then the write: " << written.message()
              << '\n';
    is_true = has_room && !connected && !written;
    loop.shutdown();
  }

  void timer(loop_type&, id) override { // somebody accepts at last
    has_room = true;
    server.acceptor.accept();
  }

  busy_server server;
  mioext::unix_socket socket;
  bool has_room = false;
  bool is_true = false;
};

int main() {
  try_asio();

  mioext::basic_event_loop<id> loop;
  client handler;
  loop.connect(handler.socket, handler.server.acceptor.local_endpoint(), id::client,
               mioext::interest::readable);
  loop.timer(std::chrono::milliseconds(100), id::room);
  loop.run(handler);
  return handler.is_true ? 0 : 1;
}
// end::program[]
