//
// bench/timers/asio.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Boost.Asio's steady_timer.
//

#include "work.hpp"

#include <utility>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

namespace {

using executor = boost::asio::io_context::executor_type;
using boost::system::error_code;

template <class OnEvent> struct waiter {
  void wait() {
    descriptor.async_wait(boost::asio::posix::descriptor_base::wait_read, [this](error_code) {
      if (!bytes.pass_on(index)) {
        context.stop();
      }
      on_event(index);
      wait();
    });
  }

  boost::asio::io_context& context;
  timers::ring& bytes;
  OnEvent& on_event;
  std::size_t index;
  boost::asio::posix::basic_stream_descriptor<executor> descriptor;
};

class loop {
public:
  explicit loop(std::size_t timers) {
    timers_.reserve(timers);
    for (std::size_t index = 0; index != timers; ++index) {
      timers_.emplace_back(context_);
    }
  }

  void set(std::size_t index, timers::milliseconds after) {
    timers_[index].expires_after(after);
    timers_[index].async_wait([this](error_code ec) {
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

  template <class OnEvent> void run_io(timers::ring& bytes, OnEvent on_event) {
    std::vector<waiter<OnEvent>> waiters;
    waiters.reserve(bytes.size());
    for (std::size_t index = 0; index != bytes.size(); ++index) {
      waiters.push_back({context_, bytes, on_event, index, {context_, bytes.reader(index)}});
      waiters.back().wait();
    }
    context_.run();
    for (waiter<OnEvent>& each : waiters) {
      each.descriptor.release(); // the ring closes it
    }
  }

  std::size_t fired = 0;

private:
  boost::asio::io_context context_{1};
  std::vector<boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, executor>>
      timers_;
};

} // namespace

timers::contender timers::asio() { return contender_of<loop>(); }
