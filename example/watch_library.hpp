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

#include <exception>

#include <boost/system/error_code.hpp>

#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

// tag::watch[]
// What the library wants to know of its descriptor `fd` from now on; nothing more, if
// `wanted` is empty. Level: it may leave something unread, and expects to be called again.
template <class Loop> void watch(Loop& loop, int fd, mioext::interest wanted) {
  boost::system::error_code ec;
  if (wanted == mioext::interest()) {
    loop.deregister_handle(fd, ec); // no matter if the library has closed it already
    return;
  }
  loop.reregister_handle(fd, fd, wanted, mioext::trigger::level, ec);
  if (ec) { // is new, or another file with a number that was used before
    loop.register_handle(fd, fd, wanted, mioext::trigger::level);
  }
}
// end::watch[]

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

#endif // EXAMPLE_WATCH_LIBRARY_HPP
