//
// bench/echo/libev.cpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The echo server of libev. It knows level-triggered events only: one read for each.
//

#include "servers.hpp"

#include <array>

#include <ev.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../system.hpp"

namespace {

struct server {
  std::size_t clients;
  std::uint64_t bytes;
};

struct connection {
  ev_io watcher;
  server* owner;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::array<char, echo::buffer_size> buffer;
};

void wait_for(struct ev_loop* loop, connection& waiting, int events) {
  ev_io_stop(loop, &waiting.watcher);
  ev_io_set(&waiting.watcher, waiting.watcher.fd, events);
  ev_io_start(loop, &waiting.watcher);
}

// False if there is no room for all of it.
bool send(connection& to) {
  ::ssize_t const size =
      ::send(to.watcher.fd, to.buffer.data() + to.begin, to.end - to.begin, MSG_NOSIGNAL);
  if (size > 0) {
    to.owner->bytes += static_cast<std::uint64_t>(size);
    to.begin += static_cast<std::size_t>(size);
  }
  return to.begin == to.end;
}

void close(struct ev_loop* loop, connection& ended) {
  ev_io_stop(loop, &ended.watcher);
  ::close(ended.watcher.fd);
  if (--ended.owner->clients == 0) {
    ev_break(loop, EVBREAK_ALL);
  }
  delete &ended;
}

void on_ready(struct ev_loop* loop, ev_io* watcher, int events) {
  connection& ready = *static_cast<connection*>(watcher->data);
  if (events & EV_WRITE) {
    if (send(ready)) {
      wait_for(loop, ready, EV_READ);
    }
    return;
  }
  ::ssize_t const size = ::recv(watcher->fd, ready.buffer.data(), ready.buffer.size(), 0);
  if (size < 0 && errno == EAGAIN) {
    return;
  }
  if (size <= 0) {
    close(loop, ready);
    return;
  }
  ready.begin = 0;
  ready.end = static_cast<std::size_t>(size);
  if (!send(ready)) {
    wait_for(loop, ready, EV_WRITE);
  }
}

void on_connection(struct ev_loop* loop, ev_io* watcher, int) {
  for (;;) {
    int const fd = ::accept4(watcher->fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    bench::set_no_delay(fd);
    connection* const made = new connection;
    made->owner = static_cast<server*>(watcher->data);
    ev_io_init(&made->watcher, on_ready, fd, EV_READ);
    made->watcher.data = made;
    ev_io_start(loop, &made->watcher);
  }
}

} // namespace

std::uint64_t echo::libev(int listener, std::size_t clients) {
  struct ev_loop* const loop = ev_loop_new(EVBACKEND_EPOLL);
  server owner = {clients, 0};
  ev_io accepting;
  ev_io_init(&accepting, on_connection, listener, EV_READ);
  accepting.data = &owner;
  ev_io_start(loop, &accepting);
  ev_run(loop, 0);
  ev_io_stop(loop, &accepting);
  ev_loop_destroy(loop);
  ::close(listener);
  return owner.bytes;
}
