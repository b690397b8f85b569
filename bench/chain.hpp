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
#include <ctime>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <mioext/detail/handles/socket_ops.hpp>
#include <mioext/event_loop.hpp>

struct chain_work {
  std::size_t pairs;     // in which bytes go round
  std::size_t active;    // how many bytes
  std::uint64_t events;  // that are counted
  std::uint64_t warm_up; // events before those
  std::size_t idle;      // descriptors beside them, on which nothing ever comes
  double (*meter)();     // what is measured; the processor time, in nanoseconds, if null
};

// Each makes a chain and keeps it going. They return what each event costs by the meter, if compiled
// with BENCH_MEASURES_CHAIN. (A chain never sleeps. So processor time differs from that on the clock only
// by what the machine does for others.)
double run_hand_written(chain_work const& work); // in chain_alone.cpp
double run_poller(chain_work const& work);
double run_event_loop(chain_work const& work);
double run_async_event_loop(chain_work const& work); // in chain_in_context.cpp
double run_selector_context_loop(chain_work const& work);
double run_asio_wait(chain_work const& work);
double run_mioext_wait(chain_work const& work); // in chain_by_wait.cpp
double run_selector_context_wait(chain_work const& work);
double run_libuv(chain_work const& work); // in chain_in_libraries.cpp
double run_libevent(chain_work const& work);
double run_libev(chain_work const& work); // in chain_by_libev.cpp

// In each unit one of its own, which the compiler treats as if it were the only one: so the counts of
// the one unit do not depend on what the other does.
namespace {

// As many socket pairs as were asked for; `active` bytes go round. A byte that is read from one
// pair is written to the next.
class chain {
public:
  explicit chain(chain_work const& work)
      : pairs_(work.pairs), ends_(2 * work.pairs), left_(work.warm_up), events_(work.events),
        meter_(work.meter ? work.meter : processor_time) {
    for (std::size_t index = 0; index != work.pairs; ++index) {
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
    for (std::size_t index = 0; index != work.idle; ++index) {
      idle_.push_back(::socket(AF_UNIX, SOCK_DGRAM, 0));
      if (idle_.back() < 0) {
        std::perror("chain: socket");
        std::exit(1);
      }
    }
    for (std::size_t index = 0; index != work.active; ++index) {
      write_to(index * (work.pairs / work.active));
    }
    if (left_ == 0) {
      next_stage();
    }
  }

  ~chain() {
    for (int fd : ends_) {
      ::close(fd);
    }
    for (int fd : idle_) {
      ::close(fd);
    }
  }

  chain(chain const&) = delete;
  chain& operator=(chain const&) = delete;

  // What is to be watched: each reads from one pair, but for the last ones, which are idle.
  std::size_t size() const { return pairs() + idle_.size(); }
  int reader(std::size_t index) const {
    return index < pairs() ? ends_[2 * index] : idle_[index - pairs()];
  }

  // Passes one byte on. False when the last event has been counted.
  bool pass_on(std::size_t index) {
    char byte;
    if (::read(ends_[2 * index], &byte, 1) != 1) {
      std::perror("chain: read");
      std::exit(1);
    }
    write_to(index + 1 == pairs() ? 0 : index + 1);
#ifdef BENCH_MEASURES_CHAIN
    return --left_ != 0 || next_stage();
#else
    // Where instructions are counted: to have a next stage would cost some, though it is not taken.
    return --left_ != 0;
#endif
  }

  double cost_of_event() const { return cost_ / static_cast<double>(events_); }

private:
  std::size_t pairs() const { return pairs_; }

  void write_to(std::size_t index) {
    if (::write(ends_[2 * index + 1], "x", 1) != 1) {
      std::perror("chain: write");
      std::exit(1);
    }
  }

  // From warming up to counting, and from there to the end.
  bool next_stage() {
    cost_ = meter_() - cost_;
    counts_ = !counts_;
    left_ = events_;
    return counts_;
  }

  static double processor_time() {
    ::timespec used = {};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) * 1e9 + static_cast<double>(used.tv_nsec);
  }

  std::size_t pairs_;
  std::vector<int> ends_;
  std::uint64_t left_;
  std::uint64_t events_;
  double (*meter_)();
  std::vector<int> idle_;
  bool counts_ = false;
  double cost_ = 0; // the meter when counting began; and then by how much it went on
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

#endif // BENCH_CHAIN_HPP
