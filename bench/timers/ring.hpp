//
// bench/timers/ring.hpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// I/O that goes on beside the timers: bytes that go round in a ring of socket pairs.
//

#ifndef BENCH_TIMERS_RING_HPP
#define BENCH_TIMERS_RING_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "../system.hpp"

namespace timers {

class ring {
public:
  ring(std::size_t pairs, std::size_t active, std::uint64_t events) : pairs_(pairs), left_(events) {
    for (std::array<int, 2>& pair : pairs_) {
      bench::checked(
          ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair.data()),
          "socketpair");
    }
    for (std::size_t index = 0; index != active; ++index) {
      write_to(index * (pairs / active));
    }
  }

  ~ring() {
    for (std::array<int, 2> const& pair : pairs_) {
      ::close(pair[0]);
      ::close(pair[1]);
    }
  }

  ring(ring const&) = delete;
  ring& operator=(ring const&) = delete;

  std::size_t size() const { return pairs_.size(); }

  /// What becomes readable when a byte has come to a pair.
  int reader(std::size_t index) const { return pairs_[index][0]; }

  /// Passes the byte on to the next pair. False when that was the last event.
  bool pass_on(std::size_t index) {
    char byte;
    bench::check(::read(reader(index), &byte, 1) == 1, "no byte has come");
    write_to(index + 1 == size() ? 0 : index + 1);
    return --left_ != 0;
  }

private:
  void write_to(std::size_t index) {
    bench::check(::write(pairs_[index][1], "x", 1) == 1, "a byte was not taken");
  }

  std::vector<std::array<int, 2>> pairs_;
  std::uint64_t left_;
};

} // namespace timers

#endif // BENCH_TIMERS_RING_HPP
