//
// bench/churn/hand_written.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The connect churn on epoll.
//

#include "contenders.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../system.hpp"

namespace {

using bench::checked;

class epoll {
public:
  epoll() : fd_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")), events_(256) {}
  ~epoll() { ::close(fd_); }

  epoll(epoll const&) = delete;
  epoll& operator=(epoll const&) = delete;

  void add(int fd, std::uint32_t wanted, std::uint64_t name) {
    ::epoll_event event;
    event.events = wanted | EPOLLET;
    event.data.u64 = name;
    checked(::epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
  }

  template <class Handle> void wait(Handle handle) {
    int const count = ::epoll_wait(fd_, events_.data(), static_cast<int>(events_.size()), -1);
    for (int i = 0; i < count; ++i) {
      ::epoll_event const& event = events_[static_cast<std::size_t>(i)];
      handle(event.data.u64, event.events);
    }
  }

private:
  int fd_;
  std::vector<::epoll_event> events_;
};

class server {
public:
  server(int listener, std::size_t connections) : listener_(listener), left_(connections) {
    epoll_.add(listener, EPOLLIN, static_cast<std::uint64_t>(listener));
  }

  std::size_t run() {
    while (left_ != 0) {
      epoll_.wait([this](std::uint64_t fd, std::uint32_t) {
        if (static_cast<int>(fd) == listener_) {
          accept();
        } else {
          receive(static_cast<int>(fd));
        }
      });
    }
    ::close(listener_);
    return bytes_;
  }

private:
  void accept() {
    for (;;) {
      int const fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) {
        return;
      }
      epoll_.add(fd, EPOLLIN | EPOLLRDHUP, static_cast<std::uint64_t>(fd));
    }
  }

  void receive(int fd) {
    char byte;
    ::ssize_t const size = ::recv(fd, &byte, 1, 0);
    if (size < 0 && errno == EAGAIN) {
      return;
    }
    bytes_ += size == 1 ? 1 : 0;
    ::close(fd);
    --left_;
  }

  epoll epoll_;
  int listener_;
  std::size_t left_;
  std::size_t bytes_ = 0;
};

class client {
public:
  explicit client(churn::work const& wanted) : work_(wanted) {
    if (work_.over == churn::transport::tcp) {
      ::sockaddr_in const address = bench::loopback(work_.port);
      std::memcpy(&address_, &address, sizeof address);
      address_size_ = sizeof address;
    } else {
      ::sockaddr_un address = {};
      address.sun_family = AF_UNIX;
      bench::check(work_.path.size() < sizeof address.sun_path, "the path is too long");
      std::memcpy(address.sun_path, work_.path.c_str(), work_.path.size() + 1);
      std::memcpy(&address_, &address, sizeof address);
      address_size_ = sizeof address;
    }
  }

  std::size_t run() {
    for (std::size_t slot = 0; slot != churn::at_a_time; ++slot) {
      connect(slot);
    }
    while (ended_ != work_.connections) {
      epoll_.wait([this](std::uint64_t slot, std::uint32_t events) { serve(slot, events); });
    }
    return ended_;
  }

private:
  struct connection {
    int fd;
    bool is_connecting;
  };

  void connect(std::size_t slot) {
    if (begun_ == work_.connections) {
      return;
    }
    ++begun_;
    connection& made = connections_[slot];
    made.fd = checked(::socket(address_.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
                      "socket");
    if (work_.over == churn::transport::tcp) {
      ::linger const reset = {1, 0};
      checked(::setsockopt(made.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset), "SO_LINGER");
    }
    int const result =
        ::connect(made.fd, reinterpret_cast<::sockaddr const*>(&address_), address_size_);
    made.is_connecting = result < 0 && errno == EINPROGRESS;
    if (made.is_connecting) {
      epoll_.add(made.fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP, slot);
    } else {
      checked(result, "connect");
      epoll_.add(made.fd, EPOLLIN | EPOLLRDHUP, slot);
      send(made);
    }
  }

  void send(connection& to) {
    bench::check(::send(to.fd, "c", 1, MSG_NOSIGNAL) == 1, "the byte was not taken");
  }

  void serve(std::size_t slot, std::uint32_t events) {
    connection& ready = connections_[slot];
    if (ready.is_connecting) {
      int error = 0;
      ::socklen_t size = sizeof error;
      checked(::getsockopt(ready.fd, SOL_SOCKET, SO_ERROR, &error, &size), "SO_ERROR");
      bench::check(error == 0, "a connect has failed");
      ready.is_connecting = false;
      send(ready);
      return;
    }
    char byte;
    if ((events & EPOLLIN) && ::recv(ready.fd, &byte, 1, 0) == 0) {
      ::close(ready.fd);
      ++ended_;
      connect(slot);
    }
  }

  churn::work work_;
  epoll epoll_;
  ::sockaddr_storage address_ = {};
  ::socklen_t address_size_ = 0;
  std::array<connection, churn::at_a_time> connections_;
  std::size_t begun_ = 0;
  std::size_t ended_ = 0;
};

} // namespace

std::size_t churn::serve_hand_written(int listener, work const& wanted) {
  return server(listener, wanted.connections).run();
}

std::size_t churn::connect_hand_written(work const& wanted) { return client(wanted).run(); }
