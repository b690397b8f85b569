//
// bench/echo/hand_written.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The echo server as one would write it on epoll: edge-triggered; a read that leaves room in the
// buffer was the last one, unless the other side has closed.
//

#include "servers.hpp"

#include <array>
#include <vector>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../system.hpp"

namespace {

struct connection {
  int fd;
  std::size_t begin = 0; // what lies between has been read and not sent yet
  std::size_t end = 0;
  std::array<char, echo::buffer_size> buffer;
};

class echo_server {
public:
  echo_server(int listener, std::size_t clients)
      : epoll_(bench::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        listener_(listener), clients_(clients) {
    watch(EPOLL_CTL_ADD, listener_, EPOLLIN, nullptr);
  }

  ~echo_server() {
    ::close(listener_);
    ::close(epoll_);
  }

  echo_server(echo_server const&) = delete;
  echo_server& operator=(echo_server const&) = delete;

  std::uint64_t run() {
    std::vector<::epoll_event> events(256);
    while (clients_ != 0) {
      int const count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        ::epoll_event const& event = events[static_cast<std::size_t>(i)];
        if (!event.data.ptr) {
          accept();
        } else {
          serve(*static_cast<connection*>(event.data.ptr), event.events);
        }
      }
    }
    return bytes_;
  }

private:
  void watch(int operation, int fd, std::uint32_t wanted, connection* name) {
    ::epoll_event event;
    event.events = wanted | EPOLLET;
    event.data.ptr = name;
    bench::checked(::epoll_ctl(epoll_, operation, fd, &event), "epoll_ctl");
  }

  void accept() {
    for (;;) {
      int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        return;
      }
      bench::set_no_delay(fd);
      connection* const made = new connection;
      made->fd = fd;
      watch(EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLRDHUP, made);
    }
  }

  void serve(connection& from, std::uint32_t events) {
    if (from.begin != from.end) {
      if (!send(from)) {
        return;
      }
      watch(EPOLL_CTL_MOD, from.fd, EPOLLIN | EPOLLRDHUP, &from);
      return; // what came meanwhile is reported anew
    }
    bool const is_ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    for (;;) {
      ::ssize_t const size = ::recv(from.fd, from.buffer.data(), from.buffer.size(), 0);
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
        watch(EPOLL_CTL_MOD, from.fd, EPOLLOUT, &from);
        return;
      }
      if (from.end < from.buffer.size() && !is_ending) {
        return;
      }
    }
  }

  // False if there is no room for all of it.
  bool send(connection& to) {
    ::ssize_t const size =
        ::send(to.fd, to.buffer.data() + to.begin, to.end - to.begin, MSG_NOSIGNAL);
    if (size > 0) {
      bytes_ += static_cast<std::uint64_t>(size);
      to.begin += static_cast<std::size_t>(size);
    }
    return to.begin == to.end;
  }

  void close(connection& ended) {
    ::close(ended.fd);
    delete &ended;
    --clients_;
  }

  int epoll_;
  int listener_;
  std::size_t clients_;
  std::uint64_t bytes_ = 0;
};

} // namespace

std::uint64_t echo::hand_written(int listener, std::size_t clients) {
  return echo_server(listener, clients).run();
}
