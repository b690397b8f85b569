//
// bench/timers/waitable.hpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Timers in the shape of Asio's steady_timer, in a context. What differs between libraries is in
// `Kind`:
//
//   context                       default constructed
//   timer                         made from a context
//   descriptor(context&, int)     which has wait(handler) for readable, and release()
//

#ifndef BENCH_TIMERS_WAITABLE_HPP
#define BENCH_TIMERS_WAITABLE_HPP

#include "work.hpp"

#include <cstddef>
#include <vector>

#include <boost/system/error_code.hpp>

namespace timers {

template <class Kind> class waitable_timers {
public:
  explicit waitable_timers(std::size_t timers) {
    timers_.reserve(timers);
    for (std::size_t index = 0; index != timers; ++index) {
      timers_.emplace_back(context_);
    }
  }

  void set(std::size_t index, milliseconds after) {
    timers_[index].expires_after(after);
    timers_[index].async_wait([this](boost::system::error_code ec) {
      if (!ec) {
        ++fired;
      }
    });
  }

  void cancel(std::size_t index) { timers_[index].cancel(); }
  void run() { context_.run(); }

  void turn() {
    context_.poll();
    context_.restart();
  }

  template <class OnEvent> void run_io(ring& bytes, OnEvent on_event) {
    std::vector<waiter<OnEvent>> waiters;
    waiters.reserve(bytes.size());
    for (std::size_t index = 0; index != bytes.size(); ++index) {
      waiters.push_back({context_, bytes, on_event, index, {context_, bytes.reader(index)}});
      waiters.back().wait();
    }
    context_.run();
    for (waiter<OnEvent>& each : waiters) {
      each.descriptor.release();
    }
  }

  std::size_t fired = 0;

private:
  template <class OnEvent> struct waiter {
    void wait() {
      descriptor.wait([this](boost::system::error_code) {
        if (!bytes.pass_on(index)) {
          context.stop();
        }
        on_event(index);
        wait();
      });
    }

    typename Kind::context& context;
    ring& bytes;
    OnEvent& on_event;
    std::size_t index;
    typename Kind::descriptor descriptor;
  };

  typename Kind::context context_{};
  std::vector<typename Kind::timer> timers_;
};

} // namespace timers

#endif // BENCH_TIMERS_WAITABLE_HPP
