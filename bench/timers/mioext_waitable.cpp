//
// bench/timers/mioext_waitable.cpp
// --------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// mioext's steady_timer, in an io_context and in a selector_context.
//

#include "waitable.hpp"

#include <utility>

#include <boost/asio/io_context.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>

namespace {

template <class Context> struct mioexts {
  using context = Context;
  using timer = mioext::basic_steady_timer<typename Context::executor_type>;

  struct descriptor {
    template <class Handler> void wait(Handler handler) {
      mioext::async_wait(used, fd, mioext::interest::readable, std::move(handler));
    }

    void release() {}

    Context& used;
    int fd;
  };
};

struct io_context : boost::asio::io_context {
  io_context() : boost::asio::io_context(1) {}
};

} // namespace

timers::contender timers::mioext_in_io_context() {
  return contender_of<waitable_timers<mioexts<io_context>>>();
}

timers::contender timers::mioext_in_selector_context() {
  return contender_of<waitable_timers<mioexts<mioext::selector_context>>>();
}
