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

struct receiver {
  messages::locked_queue queue;
  messages::ledger* received;
  std::vector<messages::message> taken;
};

void on_wake_up(uv_async_t* bell) {
  receiver& woken = *static_cast<receiver*>(bell->data);
  woken.queue.take_all(woken.taken);
  for (messages::message const& each : woken.taken) {
    woken.received->receive(each);
  }
  woken.taken.clear();
  if (woken.received->is_complete()) {
    uv_close(reinterpret_cast<uv_handle_t*>(bell), nullptr);
  }
}

} // namespace

double messages::libuv(work const& wanted) {
  uv_loop_t loop;
  uv_async_t bell;
  ledger received(wanted);
  receiver woken;
  woken.received = &received;
  bench::check(uv_loop_init(&loop) == 0, "uv_loop_init");
  bench::check(uv_async_init(&loop, &bell, on_wake_up) == 0, "uv_async_init");
  bell.data = &woken;
  auto const send = [&](message const& sent) {
    if (woken.queue.push(sent)) {
      uv_async_send(&bell);
    }
  };
  double const result =
      messages_per_second(wanted, received, send, [&] { uv_run(&loop, UV_RUN_DEFAULT); });
  uv_loop_close(&loop);
  return result;
}
