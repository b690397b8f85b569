//
// test/hostile/crowd.hpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Those who mean ill: many connections of one address, and what they do with them.
//

#ifndef MIOEXT_TEST_HOSTILE_CROWD_HPP
#define MIOEXT_TEST_HOSTILE_CROWD_HPP

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.hpp"
#include "good_clients.hpp"

namespace hostile {

/// Not thread-safe. They come from 127.0.0.2, so that limits of an address do not concern the good ones. (A
/// Unix socket knows no such difference. There it is at once that whoever finds the queue full is refused.)
class crowd {
public:
  explicit crowd(address const& server) : server_(server) {}

  crowd(crowd const&) = delete;
  crowd& operator=(crowd const&) = delete;

  ~crowd() { leave(); }

  /// So many more, a thousand in a tenth of a second.
  void come(std::size_t count, std::atomic<bool> const& is_over) {
    for (std::size_t made = 0; made != count && !is_over; ++made) {
      members_.push_back(connect());
      if (made % 50 == 49) {
        ::usleep(5000);
      }
    }
  }

  /// Every second one says that it will say nothing.
  void half_close_every_second() {
    for (std::size_t index = 0; index < members_.size(); index += 2) {
      ::shutdown(members_[index], SHUT_WR);
    }
  }

  /// Each says the next byte of the text, over and over again, one in a second. With `comes_back`, whoever is
  /// sent away is there again.
  void drip(std::string const& text, bool comes_back, std::atomic<bool> const& is_over) {
    constexpr std::size_t slices = 20;
    for (std::size_t round = 0; !is_over; ++round) {
      for (std::size_t slice = 0; slice != slices && !is_over; ++slice) {
        steady_clock::time_point const next =
            steady_clock::now() + std::chrono::milliseconds(1000 / slices);
        for (std::size_t index = slice; index < members_.size(); index += slices) {
          ssize_t const sent =
              ::send(members_[index], &text[round % text.size()], 1, MSG_NOSIGNAL | MSG_DONTWAIT);
          said_ += sent == 1;
          if (comes_back && sent < 0 && (errno == EPIPE || errno == ECONNRESET)) {
            ::close(members_[index]);
            members_[index] = connect();
            ++came_back_;
          }
        }
        std::this_thread::sleep_until(next);
      }
    }
  }

  /// So many a second, as far as this process can: each one connects and resets, every second one with a byte
  /// on the way.
  void reset(std::size_t a_second, std::atomic<bool> const& is_over) {
    constexpr std::size_t slices = 100;
    steady_clock::time_point next = steady_clock::now();
    while (!is_over) {
      next += std::chrono::milliseconds(1000 / slices);
      for (std::size_t count = 0; count != a_second / slices; ++count) {
        int const fd = connect();
        if (count % 2 == 0) {
          ::send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        ::sockaddr_storage peer;
        ::socklen_t size = sizeof peer;
        resets_ += ::getpeername(fd, reinterpret_cast<::sockaddr*>(&peer), &size) == 0;
        ::linger const at_once = {1, 0};
        ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        ::close(fd);
      }
      // What a busy machine has missed is not made up for.
      next = (std::max)(next, steady_clock::now());
      std::this_thread::sleep_until(next);
    }
  }

  void leave() {
    for (int const each : members_) {
      ::close(each);
    }
    members_.clear();
  }

  std::size_t resets() const { return resets_; }
  std::size_t said() const { return said_; }
  std::size_t came_back() const { return came_back_; }

private:
  // Begun: whether the server takes it is seen later.
  int connect() const {
    int const fd = server_.open(SOCK_NONBLOCK, 2);
    if (server_.connect(fd) != 0 && errno != EINPROGRESS && errno != EAGAIN) {
      int const error = errno;
      ::close(fd);
      throw std::system_error(error, std::generic_category(), "the crowd cannot connect");
    }
    return fd;
  }

  address const server_;
  std::vector<int> members_;
  std::size_t resets_ = 0;
  std::size_t said_ = 0;
  std::size_t came_back_ = 0;
};

} // namespace hostile

#endif // MIOEXT_TEST_HOSTILE_CROWD_HPP
