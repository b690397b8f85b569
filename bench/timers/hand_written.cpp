//
// bench/timers/hand_written.cpp
// -----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Timers of a loop on epoll, as one would write them: a tree, ordered by time.
//

#include "work.hpp"

#include <array>
#include <map>

#include <sys/epoll.h>
#include <unistd.h>

namespace {

class loop {
  using clock = std::chrono::steady_clock;
  using tree = std::multimap<clock::time_point, std::size_t>;

public:
  explicit loop(std::size_t timers)
      : places_(timers), epoll_(bench::checked(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

  ~loop() { ::close(epoll_); }

  loop(loop const&) = delete;
  loop& operator=(loop const&) = delete;

  void set(std::size_t index, timers::milliseconds after) {
    places_[index] = tree_.emplace(clock::now() + after, index);
  }

  void cancel(std::size_t index) { tree_.erase(places_[index]); }

  void run() {
    while (fired != places_.size()) {
      wait([](std::uint64_t) {});
    }
  }

  void turn() {
    ::epoll_event event;
    ::epoll_wait(epoll_, &event, 1, 0);
    fire();
  }

  template <class OnEvent> void run_io(timers::ring& bytes, OnEvent on_event) {
    for (std::size_t index = 0; index != bytes.size(); ++index) {
      ::epoll_event event;
      event.events = EPOLLIN | EPOLLET;
      event.data.u64 = index;
      bench::checked(::epoll_ctl(epoll_, EPOLL_CTL_ADD, bytes.reader(index), &event), "epoll_ctl");
    }
    bool goes_on = true;
    while (goes_on) {
      wait([&](std::uint64_t index) {
        goes_on = bytes.pass_on(index) && goes_on;
        on_event(index);
      });
    }
  }

  std::size_t fired = 0;

private:
  template <class OnReady> void wait(OnReady on_ready) {
    int limit = -1;
    if (!tree_.empty()) {
      // Rounded up: not to wake up too early, and again at once.
      auto const remaining = tree_.begin()->first - clock::now() + std::chrono::nanoseconds(999999);
      limit = static_cast<int>(std::chrono::duration_cast<timers::milliseconds>(remaining).count());
      limit = limit < 0 ? 0 : limit;
    }
    int const count = ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), limit);
    for (int i = 0; i < count; ++i) {
      on_ready(events_[static_cast<std::size_t>(i)].data.u64);
    }
    fire();
  }

  void fire() {
    clock::time_point const now = clock::now();
    while (!tree_.empty() && tree_.begin()->first <= now) {
      tree_.erase(tree_.begin());
      ++fired;
    }
  }

  tree tree_;
  std::vector<tree::iterator> places_;
  int epoll_;
  std::array<::epoll_event, 256> events_;
};

} // namespace

timers::contender timers::hand_written() { return contender_of<loop>(); }
