//
// bench/chain_alone.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The chain, kept going by a hand-written epoll loop, by a poller and by an event loop, alone in a
// thread. Where there is no epoll, the latter two can be run all the same.
//

#include "chain.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

#include <unistd.h>

#include <mioext/event_loop.hpp>
#include <mioext/poller.hpp>

#ifdef MIOEXT_USE_EPOLL
#include <sys/epoll.h>
#endif

namespace {

constexpr int batch_size = 256; // the event loop's own, too

#ifdef MIOEXT_USE_EPOLL
void keep_going_by_hand_written(chain& bytes) {
  int const epoll = ::epoll_create1(EPOLL_CLOEXEC);
  for (std::size_t index = 0; index != bytes.size(); ++index) {
    ::epoll_event event;
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    event.data.u64 = index;
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, bytes.reader(index), &event);
  }
  std::vector<::epoll_event> events(batch_size);
  for (;;) {
    int const count = ::epoll_wait(epoll, events.data(), batch_size, -1);
    for (int i = 0; i < count; ++i) {
      if (events[static_cast<std::size_t>(i)].events & EPOLLIN) {
        if (!bytes.pass_on(events[static_cast<std::size_t>(i)].data.u64)) {
          ::close(epoll);
          return;
        }
      }
    }
  }
}
#endif

void keep_going_by_poller(chain& bytes) {
  mioext::poller poller;
  for (std::size_t index = 0; index != bytes.size(); ++index) {
    poller.registry().register_handle(bytes.reader(index), mioext::token(index),
                                      mioext::interest::readable);
  }
  mioext::events events(batch_size);
  for (;;) {
    poller.poll(events);
    for (mioext::event const& event : events) {
      if (event.is_readable()) {
        if (!bytes.pass_on(event.token().value())) {
          return;
        }
      }
    }
  }
}

void keep_going_by_event_loop(chain& bytes) {
  mioext::event_loop loop;
  for (std::size_t index = 0; index != bytes.size(); ++index) {
    loop.register_handle(bytes.reader(index), mioext::token(index), mioext::interest::readable);
  }
  chain_handler handler(bytes);
  loop.run(handler);
}

} // namespace

#ifdef MIOEXT_USE_EPOLL
double run_hand_written(chain_work const& work) {
  chain bytes(work);
  keep_going_by_hand_written(bytes);
  return bytes.cost_of_event();
}
#endif

double run_poller(chain_work const& work) {
  chain bytes(work);
  keep_going_by_poller(bytes);
  return bytes.cost_of_event();
}

double run_event_loop(chain_work const& work) {
  chain bytes(work);
  keep_going_by_event_loop(bytes);
  return bytes.cost_of_event();
}
