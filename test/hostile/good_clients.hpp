//
// test/hostile/good_clients.hpp
// -----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Those whom a server is there for: what they ask, whether the answer is right, and how long it took.
// On the system's own interface, so that nothing of mioext is on both sides.
//

#ifndef MIOEXT_TEST_HOSTILE_GOOD_CLIENTS_HPP
#define MIOEXT_TEST_HOSTILE_GOOD_CLIENTS_HPP

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.hpp"
#include "tls_session.hpp"

namespace hostile {

using steady_clock = std::chrono::steady_clock;

/// What the servers speak. One of a chat hears what another one says.
enum class protocol { echo, chat, http };

/// What is to be had, and where.
struct service {
  protocol spoken;
  bool has_tls;
  address where;
};

/// One connection, which waits half a minute for what shall come.
class good_client {
public:
  explicit good_client(service const& wanted)
      : has_tls_(wanted.has_tls), socket_(wanted.where.open(0, 1)) {
    ::timeval const patience = {30, 0};
    int const yes = 1;
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (wanted.where.connect(socket_) != 0) {
      int const error = errno;
      ::close(socket_);
      throw std::system_error(error, std::generic_category(), "a good client cannot connect");
    }
  }

  good_client(good_client&& other) noexcept
      : has_tls_(other.has_tls_), socket_(other.socket_), tls_(std::move(other.tls_)),
        received_(std::move(other.received_)) {
    other.socket_ = -1;
  }
  good_client& operator=(good_client&&) = delete;

  ~good_client() {
    if (socket_ >= 0) {
      ::close(socket_);
    }
  }

  void say(std::string const& text) {
    if (has_tls_ && !tls_) {
      tls_.reset(new tls_session(socket_));
    }
    bool const is_sent = tls_ ? tls_->write(text)
                              : ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) ==
                                    static_cast<ssize_t>(text.size());
    check_system(is_sent, "a good client cannot send");
  }

  /// What comes until `end` has come, with that.
  std::string hear_until(std::string const& end) {
    for (;;) {
      std::size_t const found = received_.find(end);
      if (found != std::string::npos) {
        return take(found + end.size());
      }
      receive();
    }
  }

  std::string hear(std::size_t size) {
    while (received_.size() < size) {
      receive();
    }
    return take(size);
  }

private:
  std::string take(std::size_t size) {
    std::string taken = received_.substr(0, size);
    received_.erase(0, size);
    return taken;
  }

  void receive() {
    char buffer[65536];
    ssize_t const size =
        tls_ ? tls_->read(buffer, sizeof buffer) : ::recv(socket_, buffer, sizeof buffer, 0);
    check_system(size >= 0, "a good client is not answered");
    if (size == 0) {
      throw failure("a good client is sent away");
    }
    received_.append(buffer, static_cast<std::size_t>(size));
  }

  bool has_tls_;
  int socket_;
  std::unique_ptr<tls_session> tls_; // from what is said first on
  std::string received_;
};

/// What HTTP's clients ask for, and must get.
inline std::string served_file() { return std::string(2000, 'm') + '\n'; }

/// How long things took, in microseconds.
class latencies {
public:
  void add(steady_clock::duration took) {
    all_.push_back(static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  }

  std::size_t size() const { return all_.size(); }

  /// Zero if there are none.
  std::uint64_t at_percent(double percent) {
    if (all_.empty()) {
      return 0;
    }
    std::sort(all_.begin(), all_.end());
    return all_[static_cast<std::size_t>(static_cast<double>(all_.size() - 1) * percent / 100)];
  }

private:
  std::vector<std::uint64_t> all_;
};

/// A few who stay, and newcomers who ask once. Each failure to serve one of them is thrown.
class good_clients {
public:
  explicit good_clients(service const& wanted) : service_(wanted) {
    for (int count = 0; count != 4; ++count) {
      staying_.emplace_back(wanted);
      if (wanted.spoken == protocol::chat) {
        greet(staying_.back());
      }
    }
  }

  /// Those who stay ask until told to stop. An answer of HTTP's may be that it is unavailable only if that
  /// is said.
  void ask(std::atomic<bool> const& is_over, bool may_be_unavailable, latencies& took) {
    for (std::size_t turn = 0; !is_over; ++turn) {
      steady_clock::time_point const start = steady_clock::now();
      ask_as(turn, may_be_unavailable);
      took.add(steady_clock::now() - start);
      ::usleep(500);
    }
  }

  /// Newcomers come and ask until told to stop. May be called while ask() is.
  void ask_as_newcomers(std::atomic<bool> const& is_over, latencies& took) {
    while (!is_over) {
      steady_clock::time_point const start = steady_clock::now();
      ask_as_newcomer();
      took.add(steady_clock::now() - start);
      ::usleep(20000);
    }
  }

  void ask_as_newcomer() { ask_first(*come(), false); }

  /// A newcomer, who has a place in the server's queue at least.
  std::unique_ptr<good_client> come() const {
    return std::unique_ptr<good_client>(new good_client(service_));
  }

  void ask_first(good_client& newcomer, bool may_be_unavailable) {
    if (service_.spoken == protocol::chat) {
      greet(newcomer);
    } else {
      ask_one(newcomer, may_be_unavailable);
    }
  }

  void ask_as(std::size_t turn, bool may_be_unavailable) {
    good_client& client = staying_[turn % staying_.size()];
    if (service_.spoken != protocol::chat) {
      ask_one(client, may_be_unavailable);
      return;
    }
    // All the others hear it, and the one who says it does not.
    std::string const line = "this is number " + std::to_string(++number_) + '\n';
    client.say(line);
    for (good_client& each : staying_) {
      if (&each != &client) {
        each.hear_until(": " + line);
      }
    }
  }

  std::size_t unavailable() const { return unavailable_; }

private:
  // Its own coming is the first of what it hears.
  static void greet(good_client& newcomer) {
    std::string const line = newcomer.hear_until("\n");
    if (line.find(" joined\n") == std::string::npos) {
      throw failure("a newcomer to the chat hears " + line);
    }
  }

  void ask_one(good_client& client, bool may_be_unavailable) {
    if (service_.spoken == protocol::echo) {
      std::size_t const number = ++number_;
      std::string text = "number " + std::to_string(number) + ' ';
      text.resize(64, static_cast<char>('a' + number % 26));
      client.say(text);
      if (client.hear(text.size()) != text) {
        throw failure("an echo is not what was said");
      }
      return;
    }
    client.say("GET /hello HTTP/1.1\r\nHost: here\r\n\r\n");
    std::string const header = client.hear_until("\r\n\r\n");
    if (may_be_unavailable && header.compare(0, 13, "HTTP/1.1 503 ") == 0) {
      client.hear_until("\n");
      ++unavailable_;
    } else if (header.compare(0, 13, "HTTP/1.1 200 ") != 0) {
      throw failure("a good client is answered " + header.substr(0, header.find('\r')));
    } else if (client.hear(served_file().size()) != served_file()) {
      throw failure("a file is not what it is");
    }
  }

  service const service_;
  std::vector<good_client> staying_;
  std::atomic<std::size_t> number_{0};
  std::atomic<std::size_t> unavailable_{0};
};

} // namespace hostile

#endif // MIOEXT_TEST_HOSTILE_GOOD_CLIENTS_HPP
