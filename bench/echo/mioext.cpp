//
// bench/echo/mioext.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The same server as a handler: in an event loop of its own, and in an io_context.
//

#include "servers.hpp"

#include <array>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <mioext/async_event_loop.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/tcp.hpp>

namespace {

using boost::system::error_code;

struct connection {
  mioext::tcp_socket socket;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::array<char, echo::buffer_size> buffer;
};

class echo_server final : public mioext::basic_handler<connection*> {
public:
  echo_server(int listener, std::size_t clients) : acceptor_(listener), clients_(clients) {}

  template <class Loop> void listen(Loop& loop) {
    loop.register_handle(acceptor_, nullptr, mioext::interest::readable);
  }

  std::uint64_t bytes() const { return bytes_; }

  void readable(loop_type& loop, connection* from, mioext::read_hint hint) override {
    if (!from) {
      accept(loop);
      return;
    }
    for (;;) {
      error_code ec;
      from->begin = 0;
      from->end = from->socket.read_some(boost::asio::buffer(from->buffer), ec);
      if (ec == boost::asio::error::would_block) {
        return;
      }
      if (ec) {
        close(loop, *from);
        return;
      }
      if (!send(*from)) {
        loop.reregister_handle(from->socket, from, mioext::interest::writable);
        return;
      }
      if (from->end < from->buffer.size() && hint == mioext::read_hint::data) {
        return;
      }
    }
  }

  void writable(loop_type& loop, connection* to) override {
    if (send(*to)) {
      loop.reregister_handle(to->socket, to, mioext::interest::readable);
    }
  }

private:
  void accept(loop_type& loop) {
    for (;;) {
      error_code ec;
      mioext::tcp_socket socket = acceptor_.accept(ec);
      if (ec) {
        return;
      }
      socket.set_option(boost::asio::ip::tcp::no_delay(true));
      connection* const made = new connection;
      made->socket = std::move(socket);
      loop.register_handle(made->socket, made, mioext::interest::readable);
    }
  }

  // False if there is no room for all of it.
  bool send(connection& to) {
    error_code ec;
    std::size_t const size = to.socket.write_some(
        boost::asio::buffer(to.buffer.data() + to.begin, to.end - to.begin), ec);
    bytes_ += size;
    to.begin += size;
    return to.begin == to.end;
  }

  void close(loop_type& loop, connection& ended) {
    delete &ended;
    if (--clients_ == 0) {
      loop.shutdown();
    }
  }

  mioext::tcp_acceptor acceptor_;
  std::size_t clients_;
  std::uint64_t bytes_ = 0;
};

} // namespace

std::uint64_t echo::event_loop(int listener, std::size_t clients) {
  echo_server::loop_type loop;
  echo_server server(listener, clients);
  server.listen(loop);
  loop.run(server);
  return server.bytes();
}

std::uint64_t echo::async_event_loop(int listener, std::size_t clients) {
  boost::asio::io_context context(1);
  mioext::basic_async_event_loop<connection*, mioext::no_message,
                                 boost::asio::io_context::executor_type>
      loop(context);
  echo_server server(listener, clients);
  server.listen(loop);
  loop.async_run(server, boost::asio::detached);
  context.run();
  return server.bytes();
}
