//
// bench/chain.cpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The chain of chain.hpp, kept going by a hand-written epoll loop, by a poller and by an event loop,
// and, in chain_in_context.cpp, in an io_context. Where there is no epoll,
// the others can be run all the same.
//

#include "chain.hpp"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <unistd.h>

#include <mioext/detail/socket_ops.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/poller.hpp>

#ifdef MIOEXT_USE_EPOLL
#include <sys/epoll.h>
#endif

namespace {

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
    std::fprintf(stderr, "usage: chain hand_written|poller|event_loop|async_event_loop|asio_wait "
                         "PAIRS ACTIVE EVENTS\n");
    return 2;
  }
  if (kind == "async_event_loop") {
    run_async_event_loop(pairs, active, events);
    return 0;
  }
  if (kind == "asio_wait") {
    run_asio_wait(pairs, active, events);
    return 0;
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
