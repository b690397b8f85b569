//
// bench/timers/asio.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Boost.Asio's steady_timer in an io_context.
//

#include "waitable.hpp"

#include <utility>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

namespace {

using executor = boost::asio::io_context::executor_type;

struct asios {
  struct context : boost::asio::io_context {
    context() : boost::asio::io_context(1) {}
  };

  using timer = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, executor>;

  class descriptor {
  public:
    descriptor(context& used, int fd) : owned_(used, fd) {}

    template <class Handler> void wait(Handler handler) {
      owned_.async_wait(boost::asio::posix::descriptor_base::wait_read, std::move(handler));
    }

    void release() { owned_.release(); } // the ring closes it

  private:
    boost::asio::posix::basic_stream_descriptor<executor> owned_;
  };
};

} // namespace

timers::contender timers::asio() { return contender_of<waitable_timers<asios>>(); }
