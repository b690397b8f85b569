//
// example/echo_server.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Sends back to every client what it sends, over TCP or over a Unix socket.
//
//   echo_server [options] [ADDRESS [PORT]]   by default 127.0.0.1 and 0, which takes a free port
//   echo_server [options] PATH               a path has a / in it
//     --connections NUMBER   at the same time, by default 1000; others wait
//     --per-address NUMBER   of these for one peer, by default 250; more are closed at once
//     --idle SECONDS         without a byte in either direction, by default 300; then it is closed
//
// Says on standard output where it listens, and serves until SIGINT or SIGTERM.
//

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <mioext.hpp>

#include "arguments.hpp"
#include "client_limit.hpp"
#include "socket_file.hpp"

namespace asio = boost::asio;
using boost::system::error_code;

// Asio's protocol for streams of any kind: once the acceptor is bound, TCP and Unix are the same.
using any_stream = asio::generic::stream_protocol;
using stream_socket = mioext::basic_stream_socket<any_stream>;
using stream_acceptor = mioext::basic_socket_acceptor<any_stream>;

// A client, and what it has sent and not got back yet. Nothing more is read from it before all of
// that is sent: so a client that does not read costs one buffer, and soon cannot send any more.
struct connection {
  connection(stream_socket accepted, client_limit::place counted)
      : place(std::move(counted)), socket(std::move(accepted)) {}

  client_limit::place place;
  stream_socket socket;
  mioext::timeout idle;
  mioext::interest waits_for = mioext::interest::readable;
  std::array<char, 16384> buffer;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// An event's token says whom it concerns: a connection, or with a null pointer the acceptor.
//
// All is level-triggered: for each event one connection is accepted, or one buffer is moved, and as
// long as there is more the loop comes back to it, after everybody else had their turn.
class echo_server final : public mioext::basic_handler<connection*> {
public:
  echo_server(loop_type& loop, stream_acceptor acceptor, client_limits const& allowed)
      : acceptor_(std::move(acceptor)), idle_limit_(allowed.idle),
        clients_(allowed.connections, allowed.of_an_address) {
    loop.listen(acceptor_, 256, nullptr, mioext::trigger::level);
  }

  void readable(loop_type& loop, connection* from, mioext::read_hint) override {
    if (from) {
      receive(loop, *from);
    } else {
      accept(loop);
    }
  }

  void writable(loop_type& loop, connection* to) override { send(loop, *to); }

  void timer(loop_type& loop, connection* idle) override {
    if (idle) {
      close(loop, *idle);
    } else {
      resume_accepting(loop);
    }
  }

  void signal(loop_type& loop, mioext::signal_info const&) override { loop.shutdown(); }

private:
  void accept(loop_type& loop) {
    error_code ec;
    any_stream::endpoint peer;
    stream_socket socket = acceptor_.accept(peer, ec);
    if (ec == asio::error::would_block) {
      return; // it gave up before we came
    }
    if (ec) {
      complain(ec);
      pause_accepting(loop);
      retry_ = loop.timer(std::chrono::seconds(1), nullptr);
      return;
    }
    client_limit::place place = clients_.admit(peer);
    if (!place) {
      return; // which closes it
    }
    // Answers are small and complete: do not let the system wait for more. (No Unix socket knows
    // this.)
    error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);

    std::unique_ptr<connection> made(new connection(std::move(socket), std::move(place)));
    loop.register_handle(made->socket, made.get(), made->waits_for, mioext::trigger::level, ec);
    if (!ec) {
      connection* const name = made.get();
      connections_.emplace(name, std::move(made));
      wait_for_next_byte(loop, *name);
    }
    if (clients_.is_reached()) {
      pause_accepting(loop);
    }
  }

  void complain(error_code const& reason) {
    if (!has_complained_) { // once is enough, this can happen for every client
      // Not reason.message(), which is virtual: to check such a call UndefinedBehaviorSanitizer
      // needs a descriptor, and there is none.
      std::cerr << "echo_server: cannot accept for now: " << std::strerror(reason.value())
                << std::endl;
      has_complained_ = true;
    }
  }

  // There is no room for another one, or no descriptor (EMFILE, ENFILE). Those who come stay in the
  // queue and the acceptor readable, so the loop would call again and again. Rather try when one has
  // left.
  void pause_accepting(loop_type& loop) {
    loop.deregister_handle(acceptor_);
    is_accepting_ = false;
  }

  void resume_accepting(loop_type& loop) {
    if (!is_accepting_) {
      loop.clear_timer(retry_);
      loop.register_handle(acceptor_, nullptr, mioext::interest::readable, mioext::trigger::level);
      is_accepting_ = true;
    }
  }

  void receive(loop_type& loop, connection& from) {
    error_code ec;
    from.begin = 0;
    from.end = from.socket.read_some(asio::buffer(from.buffer), ec);
    if (!ec) {
      wait_for_next_byte(loop, from);
      send(loop, from);
    } else if (ec != asio::error::would_block) {
      close(loop, from); // its end, and everything was sent back before; or an error
    }
  }

  void send(loop_type& loop, connection& to) {
    error_code ec;
    std::size_t const sent =
        to.socket.write_some(asio::buffer(to.buffer.data() + to.begin, to.end - to.begin), ec);
    if (ec && ec != asio::error::would_block) {
      close(loop, to);
      return;
    }
    to.begin += sent;
    if (sent != 0) {
      wait_for_next_byte(loop, to);
    }
    mioext::interest const needed =
        to.begin == to.end ? mioext::interest::readable : mioext::interest::writable;
    if (needed != to.waits_for) {
      loop.reregister_handle(to.socket, &to, needed, mioext::trigger::level);
      to.waits_for = needed;
    }
  }

  // Whoever neither sends nor reads for too long makes room for others.
  void wait_for_next_byte(loop_type& loop, connection& from) {
    loop.clear_timer(from.idle);
    from.idle = loop.timer(idle_limit_, &from);
  }

  void close(loop_type& loop, connection& ended) {
    loop.clear_timer(ended.idle);
    // The token points to it: after this the loop has no event of it any more.
    loop.deregister_handle(ended.socket);
    connections_.erase(&ended);
    resume_accepting(loop); // there is a free descriptor now
  }

  stream_acceptor acceptor_;
  std::chrono::seconds const idle_limit_;
  client_limit clients_; // before the connections, which have their places in it
  std::unordered_map<connection*, std::unique_ptr<connection>> connections_;
  bool is_accepting_ = true;
  mioext::timeout retry_;
  bool has_complained_ = false;
};

stream_acceptor bind_tcp(asio::ip::tcp::endpoint const& endpoint) {
  mioext::tcp_acceptor acceptor(endpoint);
  std::cout << "listening on " << acceptor.local_endpoint() << std::endl;
  return stream_acceptor(acceptor.release());
}

stream_acceptor bind_unix(socket_file& file, std::string const& path) {
  mioext::unix_acceptor acceptor = file.bind(path);
  std::cout << "listening on " << path << std::endl;
  return stream_acceptor(acceptor.release());
}

int run(std::vector<std::string> const& given) {
  client_limits allowed;
  std::vector<std::string> const arguments =
      parse_options(given, {}, [&](std::string const& name, std::string const& value) {
        return allowed.take_option(name, value);
      });
  std::string const where = !arguments.empty() ? arguments[0] : "127.0.0.1";
  bool const is_path = where.find('/') != std::string::npos;
  if (arguments.size() > (is_path ? 1u : 2u)) {
    throw usage_error("too many arguments");
  }

  // Before it says that it is ready, it knows how to end.
  echo_server::loop_type loop;
  loop.register_signal(SIGINT);
  loop.register_signal(SIGTERM);

  socket_file file;
  echo_server server(
      loop,
      is_path ? bind_unix(file, where)
              : bind_tcp(parse_endpoint(where, arguments.size() > 1 ? arguments[1] : "0")),
      allowed);
  loop.run(server);
  return EXIT_SUCCESS;
}

char const* const usage =
    R"(echo_server [options] [ADDRESS [PORT]]   by default 127.0.0.1 and 0, which takes a free port
       echo_server [options] PATH               a Unix socket; a path has a / in it
  --connections NUMBER   at the same time, by default 1000; others wait
  --per-address NUMBER   of these for one peer, by default 250; more are closed at once
  --idle SECONDS         without a byte in either direction, by default 300; then it is closed
Sends back to every client what it sends.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
