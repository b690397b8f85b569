//
// bench/chain.cpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A chain of socket pairs in which bytes go round: the work whose cost per event is measured, done
// by a hand-written epoll loop, by a poller and by an event loop. Where there is no epoll, the two
// others can be run all the same.
//

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <mioext/detail/socket_ops.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/poller.hpp>

#ifdef MIOEXT_USE_EPOLL
#include <sys/epoll.h>
#endif

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
        std::perror("chain: socketpair");
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

constexpr int batch_size = 256;

#ifdef MIOEXT_USE_EPOLL
void run_hand_written(chain& chain) {
  int const epoll = ::epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t index = 0; index != chain.pairs(); ++index) {
    ::epoll_event event;
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    event.data.u64 = index;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, chain.reader(index), &event);
  }
  std::vector<::epoll_event> events(batch_size);
  for (;;) {
    int const count = ::epoll_wait(epoll, events.data(), batch_size, -1);
    for (int i = 0; i < count; ++i) {
      if (events[static_cast<std::size_t>(i)].events & EPOLLIN) {
        if (!chain.pass_on(events[static_cast<std::size_t>(i)].data.u64)) {
          ::close(epoll);
          return;
        }
      }
    }
  }
}
#endif

void run_poller(chain& chain) {
  mioext::poller poller;
  for (std::size_t index = 0; index != chain.pairs(); ++index) {
    poller.registry().register_handle(chain.reader(index), mioext::token(index),
                                      mioext::interest::readable);
  }
  mioext::events events(batch_size);
  for (;;) {
    poller.poll(events);
    for (mioext::event const& event : events) {
      if (event.is_readable()) {
        if (!chain.pass_on(event.token().value())) {
          return;
        }
      }
    }
  }
}

struct chain_handler final : mioext::handler {
  explicit chain_handler(chain& used) : bytes(used) {}

  void readable(loop_type& loop, mioext::token token, mioext::read_hint) override {
    if (!bytes.pass_on(token.value())) {
      loop.shutdown();
    }
  }

  chain& bytes;
};

void run_event_loop(chain& chain) {
  mioext::event_loop loop;
  for (std::size_t index = 0; index != chain.pairs(); ++index) {
    loop.register_handle(chain.reader(index), mioext::token(index), mioext::interest::readable);
  }
  chain_handler handler(chain);
  loop.run(handler);
}

} // namespace

int main(int argc, char** argv) {
  std::string const kind = argc > 4 ? argv[1] : "";
  std::size_t const pairs = argc > 4 ? std::strtoul(argv[2], nullptr, 10) : 0;
  std::size_t const active = argc > 4 ? std::strtoul(argv[3], nullptr, 10) : 0;
  std::uint64_t const events = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 0;
  if (active == 0 || active > pairs || events == 0) {
    std::fprintf(stderr, "usage: chain hand_written|poller|event_loop PAIRS ACTIVE EVENTS\n");
    return 2;
  }
  chain bytes(pairs, active, events);
  if (kind == "poller") {
    run_poller(bytes);
#ifdef MIOEXT_USE_EPOLL
  } else if (kind == "hand_written") {
    run_hand_written(bytes);
#endif
  } else if (kind == "event_loop") {
    run_event_loop(bytes);
  } else {
    std::fprintf(stderr, "chain: unknown kind of loop '%s'\n", kind.c_str());
    return 2;
  }
}
