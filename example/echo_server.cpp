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
//   echo_server [address [port]]   by default 127.0.0.1 and 0, which takes a free port
//   echo_server path               a path has a / in it
//
// Says on standard output where it listens, and serves until SIGINT or SIGTERM.
//

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <mioext.hpp>

namespace asio = boost::asio;
using boost::system::error_code;

// Asio's protocol for streams of any kind: once the acceptor is bound, TCP and Unix are the same.
using any_stream = asio::generic::stream_protocol;
using stream_socket = mioext::basic_stream_socket<any_stream>;
using stream_acceptor = mioext::basic_socket_acceptor<any_stream>;

// A client, and what it has sent and not got back yet. Nothing more is read from it before all of
// that is sent: so a client that does not read costs one buffer, and soon cannot send any more.
struct connection {
  explicit connection(stream_socket accepted) : socket(std::move(accepted)) {}

  stream_socket socket;
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
  echo_server(loop_type& loop, stream_acceptor acceptor) : acceptor_(std::move(acceptor)) {
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

  void timer(loop_type& loop, connection*) override { resume_accepting(loop); }

  void signal(loop_type& loop, mioext::signal_info const&) override { loop.shutdown(); }

private:
  void accept(loop_type& loop) {
    error_code ec;
    stream_socket socket = acceptor_.accept(ec);
    if (ec == asio::error::would_block) {
      return; // it gave up before we came
    }
    if (ec) {
      pause_accepting(loop, ec);
      return;
    }
    // Answers are small and complete: do not let the system wait for more. (No Unix socket knows
    // this.)
    error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);

    std::unique_ptr<connection> made(new connection(std::move(socket)));
    loop.register_handle(made->socket, made.get(), made->waits_for, mioext::trigger::level, ec);
    if (!ec) {
      connection* const name = made.get();
      connections_.emplace(name, std::move(made));
    }
  }

  // Most likely there is no descriptor left (EMFILE, ENFILE). The connection stays in the queue and
  // the acceptor readable, so the loop would call again and again. Rather try when a descriptor is
  // free.
  void pause_accepting(loop_type& loop, error_code const& reason) {
    if (!has_complained_) { // once is enough, this can happen for every client
      // Not reason.message(), which is virtual: to check such a call UndefinedBehaviorSanitizer
      // needs a descriptor, and there is none.
      std::cerr << "echo_server: cannot accept for now: " << std::strerror(reason.value())
                << std::endl;
      has_complained_ = true;
    }
    loop.deregister_handle(acceptor_);
    is_accepting_ = false;
    retry_ = loop.timer(std::chrono::seconds(1), nullptr);
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
      send(loop, from);
    } else if (ec != asio::error::would_block) {
      close(loop, from); // its end, and everything was sent back before; or an error
    }
  }

  void send(loop_type& loop, connection& to) {
    error_code ec;
    to.begin +=
        to.socket.write_some(asio::buffer(to.buffer.data() + to.begin, to.end - to.begin), ec);
    if (ec && ec != asio::error::would_block) {
      close(loop, to);
      return;
    }
    mioext::interest const needed =
        to.begin == to.end ? mioext::interest::readable : mioext::interest::writable;
    if (needed != to.waits_for) {
      loop.reregister_handle(to.socket, &to, needed, mioext::trigger::level);
      to.waits_for = needed;
    }
  }

  void close(loop_type& loop, connection& ended) {
    // The token points to it: after this the loop has no event of it any more.
    loop.deregister_handle(ended.socket);
    connections_.erase(&ended);
    resume_accepting(loop); // there is a free descriptor now
  }

  stream_acceptor acceptor_;
  std::unordered_map<connection*, std::unique_ptr<connection>> connections_;
  bool is_accepting_ = true;
  mioext::timeout retry_;
  bool has_complained_ = false;
};

// The file that binding to a Unix path makes. It would outlive the server.
class socket_file {
public:
  socket_file() = default;
  socket_file(socket_file const&) = delete;
  socket_file& operator=(socket_file const&) = delete;

  ~socket_file() {
    struct stat now;
    // Only our own: another server may have taken the path meanwhile.
    if (!path_.empty() && ::lstat(path_.c_str(), &now) == 0 && now.st_dev == made_.st_dev &&
        now.st_ino == made_.st_ino) {
      ::unlink(path_.c_str());
    }
  }

  stream_acceptor bind(std::string const& path) {
    asio::local::stream_protocol::endpoint const endpoint(path);
    remove_leftover(endpoint);
    ::umask(077); // from the beginning only this user may connect
    mioext::unix_acceptor acceptor(endpoint);
    if (::lstat(path.c_str(), &made_) == 0) {
      path_ = path;
    }
    return stream_acceptor(acceptor.release());
  }

private:
  // A server that was killed leaves its socket behind. Nobody listens to it, which connecting
  // tells. Anything else at that place is not ours to remove; bind will say that the address is in
  // use.
  static void remove_leftover(asio::local::stream_protocol::endpoint const& endpoint) {
    struct stat found;
    if (::lstat(endpoint.path().c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) {
      error_code ec;
      mioext::unix_socket().connect(endpoint, ec);
      if (ec == asio::error::connection_refused) {
        ::unlink(endpoint.path().c_str());
      }
    }
  }

  std::string path_;
  struct stat made_ = {};
};

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

asio::ip::tcp::endpoint tcp_endpoint(std::string const& address, std::string const& port) {
  error_code ec;
  asio::ip::address const parsed = asio::ip::make_address(address, ec);
  if (ec) {
    throw usage_error("not an IP address: " + address);
  }
  bool const is_number = !port.empty() && port.size() <= 5 &&
                         port.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number || std::stoul(port) > 65535) {
    throw usage_error("not a port: " + port);
  }
  return {parsed, static_cast<unsigned short>(std::stoul(port))};
}

stream_acceptor bind_tcp(asio::ip::tcp::endpoint const& endpoint) {
  mioext::tcp_acceptor acceptor(endpoint);
  std::cout << "listening on " << acceptor.local_endpoint() << std::endl;
  return stream_acceptor(acceptor.release());
}

stream_acceptor bind_unix(socket_file& file, std::string const& path) {
  stream_acceptor acceptor = file.bind(path);
  std::cout << "listening on " << path << std::endl;
  return acceptor;
}

int main(int argc, char* argv[]) {
  try {
    std::string const where = argc > 1 ? argv[1] : "127.0.0.1";
    bool const is_path = where.find('/') != std::string::npos;
    if (argc > (is_path ? 2 : 3)) {
      throw usage_error("too many arguments");
    }

    // Before it says that it is ready, it knows how to end.
    echo_server::loop_type loop;
    loop.register_signal(SIGINT);
    loop.register_signal(SIGTERM);

    socket_file file;
    echo_server server(loop, is_path ? bind_unix(file, where)
                                     : bind_tcp(tcp_endpoint(where, argc > 2 ? argv[2] : "0")));
    loop.run(server);
    return EXIT_SUCCESS;
  } catch (usage_error const& error) {
    std::cerr << "echo_server: " << error.what()
              << "\nusage: echo_server [address [port]]\n       echo_server path" << std::endl;
    return 2;
  } catch (std::exception const& error) {
    std::cerr << "echo_server: " << error.what() << std::endl;
    return EXIT_FAILURE;
  }
}
