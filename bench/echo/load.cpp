//
// bench/echo/load.cpp
// -------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The load of the echo benchmarks, on epoll.
//

#include "load.hpp"

#include <algorithm>
#include <chrono>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../system.hpp"

namespace {

using bench::checked;
using clock = std::chrono::steady_clock;

struct connection {
  int fd;
  std::size_t sent = 0; // of the message under way
  std::size_t received = 0;
  clock::time_point begin;
};

class client {
public:
  client(std::uint16_t port, echo::load const& wanted)
      : load_(wanted), message_(wanted.message_size, 'm'), arrival_(wanted.message_size),
        epoll_(checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {
    latencies_.reserve(4000000);
    connections_.resize(load_.connections);
    ::sockaddr_in const address = bench::loopback(port);
    for (connection& each : connections_) {
      each.fd = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
      checked(::connect(each.fd, reinterpret_cast<::sockaddr const*>(&address), sizeof address),
              "connect");
      bench::set_no_delay(each.fd);
      watch(EPOLL_CTL_ADD, each, EPOLLIN);
    }
  }

  std::vector<double> run() {
    begin_ = clock::now();
    measured_from_ = begin_ + seconds(load_.seconds / 5);
    end_ =
        load_.round_trips != 0 ? clock::time_point::max() : measured_from_ + seconds(load_.seconds);
    under_way_ = connections_.size();
    for (connection& each : connections_) {
      begin_round_trip(each, begin_);
    }
    std::vector<::epoll_event> events(256);
    while (under_way_ != 0) {
      int const count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < count; ++i) {
        ::epoll_event const& event = events[static_cast<std::size_t>(i)];
        serve(*static_cast<connection*>(event.data.ptr), event.events);
      }
    }
    for (connection& each : connections_) {
      ::close(each.fd);
    }
    return result();
  }

private:
  static clock::duration seconds(double count) {
    return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(count));
  }

  void watch(int operation, connection& watched, std::uint32_t wanted) {
    ::epoll_event event;
    event.events = wanted;
    event.data.ptr = &watched;
    checked(::epoll_ctl(epoll_, operation, watched.fd, &event), "epoll_ctl");
  }

  void begin_round_trip(connection& each, clock::time_point now) {
    each.begin = now;
    each.sent = 0;
    each.received = 0;
    if (!send(each)) {
      watch(EPOLL_CTL_MOD, each, EPOLLIN | EPOLLOUT);
    }
  }

  // False if there is no room for all of it.
  bool send(connection& to) {
    ::ssize_t const size = ::send(to.fd, message_.data() + to.sent, message_.size() - to.sent,
                                  MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && errno != EAGAIN) {
      checked(size, "send");
    }
    to.sent += size > 0 ? static_cast<std::size_t>(size) : 0;
    return to.sent == message_.size();
  }

  void serve(connection& ready, std::uint32_t events) {
    if ((events & EPOLLOUT) && send(ready)) {
      watch(EPOLL_CTL_MOD, ready, EPOLLIN);
    }
    if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) {
      return;
    }
    ::ssize_t const size = ::recv(ready.fd, arrival_.data(), arrival_.size(), MSG_DONTWAIT);
    if (size < 0 && errno == EAGAIN) {
      return;
    }
    checked(size, "recv");
    bench::check(size != 0, "the server has closed a connection");
    ready.received += static_cast<std::size_t>(size);
    bytes_ += static_cast<std::uint64_t>(size);
    bench::check(ready.received <= message_.size(), "more came back than was sent");
    if (ready.received == message_.size()) {
      end_round_trip(ready);
    }
  }

  void end_round_trip(connection& ended) {
    clock::time_point const now = clock::now();
    ++round_trips_;
    if (load_.round_trips != 0 && round_trips_ == load_.round_trips) {
      end_ = now;
    } else if (now >= end_ && latencies_.empty()) {
      end_ = now + seconds(load_.seconds); // this process did not run meanwhile
    }
    if (now >= end_) {
      --under_way_;
      return;
    }
    if (ended.begin >= measured_from_ && latencies_.size() < latencies_.capacity()) {
      latencies_.push_back(std::chrono::duration<float, std::micro>(now - ended.begin).count());
    }
    measured_ += now >= measured_from_ ? 1 : 0;
    begin_round_trip(ended, now);
  }

  std::vector<double> result() {
    bench::check(!latencies_.empty(), "no round trip was measured");
    return {static_cast<double>(measured_) /
                std::chrono::duration<double>(end_ - measured_from_).count(),
            percentile(0.5),
            percentile(0.99),
            percentile(0.999),
            static_cast<double>(round_trips_),
            static_cast<double>(bytes_)};
  }

  double percentile(double part) {
    auto const at = latencies_.begin() +
                    static_cast<std::ptrdiff_t>(part * static_cast<double>(latencies_.size() - 1));
    std::nth_element(latencies_.begin(), at, latencies_.end());
    return static_cast<double>(*at);
  }

  echo::load load_;
  std::vector<char> message_;
  std::vector<char> arrival_;
  int epoll_;
  std::vector<connection> connections_;
  std::size_t under_way_ = 0;
  clock::time_point begin_;
  clock::time_point measured_from_;
  clock::time_point end_;
  std::uint64_t round_trips_ = 0;
  std::uint64_t measured_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<float> latencies_;
};

} // namespace

std::vector<double> echo::put_load(std::uint16_t port, load const& wanted) {
  return client(port, wanted).run();
}
