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

namespace {

using messages::message;

class waking_loop {
public:
  waking_loop()
      : epoll_(bench::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
        bell_(bench::checked(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")) {
    ::epoll_event wake_up;
    wake_up.events = EPOLLIN | EPOLLET; // each write is an edge: nothing needs to be read
    wake_up.data.fd = bell_;
    bench::checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, bell_, &wake_up), "epoll_ctl");
  }

  ~waking_loop() {
    ::close(bell_);
    ::close(epoll_);
  }

  waking_loop(waking_loop const&) = delete;
  waking_loop& operator=(waking_loop const&) = delete;

  void send(message const& sent) {
    if (queue_.push(sent)) {
      std::uint64_t const one = 1;
      bench::checked(::write(bell_, &one, sizeof one), "eventfd");
    }
  }

  template <class Receive, class IsComplete> void run(Receive receive, IsComplete is_complete) {
    std::vector<message> taken;
    while (!is_complete()) {
      ::epoll_event event;
      ::epoll_wait(epoll_, &event, 1, -1);
      queue_.take_all(taken);
      for (message const& each : taken) {
        receive(each);
      }
      taken.clear();
    }
  }

private:
  int const epoll_;
  int const bell_;
  messages::locked_queue queue_{};
};

} // namespace

double messages::hand_written(work const& wanted) {
  waking_loop loop;
  ledger received(wanted);
  return messages_per_second(
      wanted, received, [&loop](message const& sent) { loop.send(sent); },
      [&] {
        loop.run([&received](message const& each) { received.receive(each); },
                 [&received] { return received.is_complete(); });
      });
}

void messages::hand_written_circle(std::uint64_t count) {
  waking_loop loop;
  circle all(count);
  auto const send = [&loop](message const& sent) { loop.send(sent); };
  all.start(send);
  loop.run([&](message const& each) { all.receive(each, send); },
           [&all] { return all.is_complete(); });
}
