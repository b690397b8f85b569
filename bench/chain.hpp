//
// bench/chain.hpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A chain of socket pairs in which bytes go round: the work whose cost per event is measured.
//

#ifndef BENCH_CHAIN_HPP
#define BENCH_CHAIN_HPP

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <mioext/detail/socket_ops.hpp>
#include <mioext/event_loop.hpp>

// In each unit one of its own, which the compiler treats as if it were the only one: so the counts of
// the one unit do not depend on what the other does.
namespace {

// As many socket pairs as were asked for; `active` bytes go round. A byte that is read from one
// pair is written to the next.
class chain {
public:
  chain(std::size_t pairs, std::size_t active, std::uint64_t events)
      : ends_(2 * pairs), left_(events) {
    for (std::size_t index = 0; index != pairs; ++index) {
      int pair[2];
      boost::system::error_code ec;
      mioext::detail::socket_ops::open_pair(AF_UNIX, SOCK_STREAM, 0, pair, ec);
      if (ec) {
        std::fprintf(stderr, "chain: socketpair: %s\n", ec.message().c_str());
        std::exit(1);
      }
      ends_[2 * index] = pair[0];
      ends_[2 * index + 1] = pair[1];
    }
    for (std::size_t index = 0; index != active; ++index) {
      write_to(index * (pairs / active));
    }
  }

  ~chain() {
    for (int fd : ends_) {
      ::close(fd);
    }
  }

  chain(chain const&) = delete;
  chain& operator=(chain const&) = delete;

  std::size_t pairs() const { return ends_.size() / 2; }
  int reader(std::size_t index) const { return ends_[2 * index]; }

  // Passes one byte on. False when the last event has been counted.
  bool pass_on(std::size_t index) {
    char byte;
    if (::read(reader(index), &byte, 1) != 1) {
      std::perror("chain: read");
      std::exit(1);
    }
    write_to(index + 1 == pairs() ? 0 : index + 1);
    return --left_ != 0;
  }

private:
  void write_to(std::size_t index) {
    if (::write(ends_[2 * index + 1], "x", 1) != 1) {
      std::perror("chain: write");
      std::exit(1);
    }
  }

  std::vector<int> ends_;
  std::uint64_t left_;
};

struct chain_handler final : mioext::handler {
  explicit chain_handler(chain& used) : bytes(used) {}

  void readable(loop_type& loop, mioext::token token, mioext::read_hint) override {
    if (!bytes.pass_on(token.value())) {
      loop.shutdown();
    }
  }

  chain& bytes;
};

} // namespace

// Each makes a chain and keeps it going in an io_context; in chain_in_context.cpp.
void run_async_event_loop(std::size_t pairs, std::size_t active, std::uint64_t events);
void run_asio_wait(std::size_t pairs, std::size_t active, std::uint64_t events);

#endif // BENCH_CHAIN_HPP
