//
// bench/messages/libuv.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Messages to libuv's loop: a locked queue, and uv_async_send to wake the loop.
//

#include "work.hpp"

#include <vector>

#include <uv.h>

#include "locked_queue.hpp"

namespace {

using messages::message;

template <class Receive> class waking_loop {
public:
  /// @param receive takes a message, and returns true if it was the last one.
  explicit waking_loop(Receive receive) : receive_(receive) {
    bench::check(uv_loop_init(&loop_) == 0, "uv_loop_init");
    bench::check(uv_async_init(&loop_, &bell_, on_wake_up) == 0, "uv_async_init");
    bell_.data = this;
  }

  ~waking_loop() { uv_loop_close(&loop_); }

  waking_loop(waking_loop const&) = delete;
  waking_loop& operator=(waking_loop const&) = delete;

  void send(message const& sent) {
    if (queue_.push(sent)) {
      uv_async_send(&bell_);
    }
  }

  void run() { uv_run(&loop_, UV_RUN_DEFAULT); }

  Receive& receiver() { return receive_; }

private:
  static void on_wake_up(uv_async_t* bell) {
    waking_loop& woken = *static_cast<waking_loop*>(bell->data);
    woken.queue_.take_all(woken.taken_);
    bool was_last = false;
    for (message const& each : woken.taken_) {
      was_last = woken.receive_(each);
    }
    woken.taken_.clear();
    if (was_last) {
      uv_close(reinterpret_cast<uv_handle_t*>(bell), nullptr);
    }
  }

  Receive receive_;
  uv_loop_t loop_{};
  uv_async_t bell_{};
  messages::locked_queue queue_{};
  std::vector<message> taken_{};
};

} // namespace

double messages::libuv(work const& wanted) {
  ledger received(wanted);
  auto const receive = [&received](message const& each) {
    received.receive(each);
    return received.is_complete();
  };
  waking_loop<decltype(receive)> loop(receive);
  return messages_per_second(
      wanted, received, [&loop](message const& sent) { loop.send(sent); }, [&loop] { loop.run(); });
}

namespace {

struct circling {
  bool operator()(message const& each) {
    all->receive(each, [this](message const& sent) { loop->send(sent); });
    return all->is_complete();
  }

  messages::circle* all;
  waking_loop<circling>* loop;
};

} // namespace

void messages::libuv_circle(std::uint64_t count) {
  circle all(count);
  waking_loop<circling> loop(circling{&all, nullptr});
  loop.receiver().loop = &loop;
  all.start([&loop](message const& sent) { loop.send(sent); });
  loop.run();
}
