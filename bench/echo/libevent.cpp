//
// bench/echo/libevent.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The echo server of libevent: plain persistent, edge-triggered events, which cost less than
// bufferevents; without locks.
//

#include "servers.hpp"

#include <array>

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../system.hpp"

namespace {

struct server {
  event_base* base;
  std::size_t clients;
  std::uint64_t bytes;
};

struct connection {
  ::event reading;
  ::event writing;
  server* owner;
  int fd;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::array<char, echo::buffer_size> buffer;
};

// False if there is no room for all of it.
bool send(connection& to) {
  ::ssize_t const size =
      ::send(to.fd, to.buffer.data() + to.begin, to.end - to.begin, MSG_NOSIGNAL);
  if (size > 0) {
    to.owner->bytes += static_cast<std::uint64_t>(size);
    to.begin += static_cast<std::size_t>(size);
  }
  return to.begin == to.end;
}

void close(connection& ended) {
  event_del(&ended.reading);
  event_del(&ended.writing);
  ::close(ended.fd);
  if (--ended.owner->clients == 0) {
    event_base_loopbreak(ended.owner->base);
  }
  delete &ended;
}

void on_readable(evutil_socket_t fd, short what, void* data) {
  connection& from = *static_cast<connection*>(data);
  for (;;) {
    ::ssize_t const size = ::recv(fd, from.buffer.data(), from.buffer.size(), 0);
    if (size < 0 && errno == EAGAIN) {
      return;
    }
    if (size <= 0) {
      close(from);
      return;
    }
    from.begin = 0;
    from.end = static_cast<std::size_t>(size);
    if (!send(from)) {
      event_del(&from.reading);
      event_add(&from.writing, nullptr);
      return;
    }
    if (from.end < from.buffer.size() && (what & EV_CLOSED) == 0) {
      return;
    }
  }
}

void on_writable(evutil_socket_t, short, void* data) {
  connection& to = *static_cast<connection*>(data);
  if (send(to)) {
    event_del(&to.writing);
    event_add(&to.reading, nullptr);
  }
}

void on_connection(evutil_socket_t listener, short, void* data) {
  server& owner = *static_cast<server*>(data);
  for (;;) {
    int const fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      return;
    }
    bench::set_no_delay(fd);
    connection* const made = new connection;
    made->owner = &owner;
    made->fd = fd;
    event_assign(&made->reading, owner.base, fd, EV_READ | EV_CLOSED | EV_PERSIST | EV_ET,
                 on_readable, made);
    event_assign(&made->writing, owner.base, fd, EV_WRITE | EV_PERSIST | EV_ET, on_writable, made);
    event_add(&made->reading, nullptr);
  }
}

} // namespace

std::uint64_t echo::libevent(int listener, std::size_t clients) {
  event_config* const config = event_config_new();
  event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
  server owner = {event_base_new_with_config(config), clients, 0};
  event_config_free(config);
  event* const accepting =
      event_new(owner.base, listener, EV_READ | EV_PERSIST, on_connection, &owner);
  event_add(accepting, nullptr);
  event_base_dispatch(owner.base);
  event_free(accepting);
  event_base_free(owner.base);
  ::close(listener);
  return owner.bytes;
}
