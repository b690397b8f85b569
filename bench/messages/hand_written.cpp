//
// bench/messages/hand_written.cpp
// -------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Messages to a loop on epoll: a locked queue, and an eventfd to wake the loop.
//

#include "work.hpp"

#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "locked_queue.hpp"

double messages::hand_written(work const& wanted) {
  int const epoll = bench::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  int const bell = bench::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd");
  ::epoll_event wake_up;
  wake_up.events = EPOLLIN | EPOLLET; // each write is an edge: nothing needs to be read
  wake_up.data.fd = bell;
  bench::checked(::epoll_ctl(epoll, EPOLL_CTL_ADD, bell, &wake_up), "epoll_ctl");

  locked_queue queue;
  ledger received(wanted);
  auto const send = [&queue, bell](message const& sent) {
    if (queue.push(sent)) {
      std::uint64_t const one = 1;
      bench::checked(::write(bell, &one, sizeof one), "eventfd");
    }
  };
  auto const run = [&] {
    std::vector<message> taken;
    while (!received.is_complete()) {
      ::epoll_event event;
      ::epoll_wait(epoll, &event, 1, -1);
      queue.take_all(taken);
      for (message const& each : taken) {
        received.receive(each);
      }
      taken.clear();
    }
  };
  double const result = messages_per_second(wanted, received, send, run);
  ::close(bell);
  ::close(epoll);
  return result;
}
