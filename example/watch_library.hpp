//
// example/watch_library.hpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the examples have in common that watch the descriptors of a C library.
//

#ifndef EXAMPLE_WATCH_LIBRARY_HPP
#define EXAMPLE_WATCH_LIBRARY_HPP

#include <csignal>
#include <exception>

#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <mioext/interest.hpp>

// tag::wanted[]
// What the library wants to know of a descriptor, for the loop's watch().
inline mioext::interest wanted(bool readable, bool writable) {
  return (readable ? mioext::interest::readable : mioext::interest::none) |
         (writable ? mioext::interest::writable : mioext::interest::none);
}
// end::wanted[]

// tag::exception_keeper[]
// An exception must not go through the frames of a C library. A callback keeps it here,
// and who called the library lets it go on.
class exception_keeper {
public:
  // Returns whether `function` was left without an exception.
  template <class Function> bool keep_from(Function function) noexcept {
    try {
      function();
      return true;
    } catch (...) {
      kept_ = std::current_exception();
      return false;
    }
  }

  void rethrow() {
    if (kept_) {
      std::exception_ptr const kept = kept_;
      kept_ = nullptr;
      std::rethrow_exception(kept);
    }
  }

private:
  std::exception_ptr kept_;
};
// end::exception_keeper[]

// tag::run[]
// Runs `loop`, and what else is in `context`, until it is shut down, which SIGINT and SIGTERM do
// as well; calls `at_end` then. Returns whether a signal came.
template <class Context, class Loop, class Handler, class Function>
bool run_until_signal(Context& context, Loop& loop, Handler& handler, Function at_end) {
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  bool is_interrupted = false;
  signals.async_wait([&](boost::system::error_code const& ec, int) {
    if (!ec) {
      is_interrupted = true;
      loop.shutdown();
    }
  });
  loop.async_run(handler, [&](boost::system::error_code const& ec) {
    if (ec) {
      throw boost::system::system_error(ec, "async_run");
    }
    at_end();
    signals.cancel();
  });
  context.run();
  return is_interrupted;
}
// end::run[]

#endif // EXAMPLE_WATCH_LIBRARY_HPP
