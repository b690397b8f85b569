//
// bench/connect_churn.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many short connections a second, over TCP and over a Unix socket: connect, one byte, close.
// Client and server are two processes of the same contender, each on a core of its own; 16
// connections are under way at a time. See churn/contenders.hpp for the order of events.
//

#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "churn/contenders.hpp"
#include "harness.hpp"
#include "system.hpp"

namespace {

/// A directory for a socket, which goes with what is in it.
class socket_directory {
public:
  socket_directory() { bench::check(::mkdtemp(path_) != nullptr, "mkdtemp has failed"); }

  ~socket_directory() {
    ::unlink(socket().c_str());
    ::rmdir(path_);
  }

  socket_directory(socket_directory const&) = delete;
  socket_directory& operator=(socket_directory const&) = delete;

  std::string socket() const { return std::string(path_) + "/churn"; }

private:
  char path_[32] = "/tmp/mioext-churn-XXXXXX";
};

int listen_at(std::string const& path) {
  int const fd =
      bench::checked(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  ::sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  bench::checked(::bind(fd, reinterpret_cast<::sockaddr const*>(&address), sizeof address), "bind");
  bench::checked(::listen(fd, 1024), "listen");
  return fd;
}

double round(churn::accepting& server, churn::connecting& client, churn::work work) {
  socket_directory directory;
  int listener = -1;
  if (work.over == churn::transport::tcp) {
    listener = bench::listen_on_loopback();
    work.port = bench::port_of(listener);
  } else {
    work.path = directory.socket();
    listener = listen_at(work.path);
  }
  bench::helper_process other(20, [&] {
    ::close(listener);
    bench::pin_to_core(1);
    double const begin = bench::wall_seconds();
    std::size_t const ended = client(work);
    bench::check(ended == work.connections, "not all connections came to their end");
    return std::vector<double>{static_cast<double>(ended) / (bench::wall_seconds() - begin)};
  });
  bench::pin_to_core(0);
  std::size_t const bytes = server(listener, work);
  bench::check(bytes == work.connections, "the server has not got a byte of each");
  return other.numbers().at(0);
}

bench::comparison compare(std::string const& setting, churn::work const& work) {
  bench::comparison all(setting, "connections/s", bench::better::more);
  auto const add = [&](std::string const& name, churn::accepting& server,
                       churn::connecting& client) {
    all.add(name, [&server, &client, work] { return round(server, client, work); });
  };
  add("hand-written", churn::serve_hand_written, churn::connect_hand_written);
  add("mioext event_loop", churn::serve_event_loop, churn::connect_event_loop);
  add("mioext async_connect", churn::serve_mioext_async, churn::connect_mioext_async);
  add("mioext selector_context", churn::serve_selector_context, churn::connect_selector_context);
  add("Asio", churn::serve_asio, churn::connect_asio);
  add("libuv", churn::serve_libuv, churn::connect_libuv);
  for (char const* name :
       {"mioext event_loop", "mioext async_connect", "mioext selector_context"}) {
    all.require(name, bench::at_least_as("Asio")).require(name, bench::at_least_as("libuv"));
  }
  return all;
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("connect_churn", argc, argv);
  std::size_t const connections = run.quick() ? 2000 : 8000;
  run.compare(compare("TCP", churn::work{churn::transport::tcp, 0, "", connections}));
  run.compare(compare("Unix", churn::work{churn::transport::local, 0, "", connections}));
  return run.finish();
}
