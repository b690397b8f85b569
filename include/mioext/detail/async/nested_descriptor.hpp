//
// mioext/detail/async/nested_descriptor.hpp
// -----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A descriptor that somebody else owns, watched by the reactor of an execution context: what nests
// a selector in a context.
//

#ifndef MIOEXT_DETAIL_ASYNC_NESTED_DESCRIPTOR_HPP
#define MIOEXT_DETAIL_ASYNC_NESTED_DESCRIPTOR_HPP

#include <mioext/detail/system.hpp>

#include <utility>

#include <unistd.h>

#include <mioext/detail/async/asio_features.hpp>
#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/descriptor_ops.hpp>
#include <mioext/detail/fork_mark.hpp>
#include <mioext/detail/handles/pipe_ops.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/detail/throw_error.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/posix/descriptor_base.hpp>
#include <boost/system/error_code.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

namespace nesting {

#if defined(MIOEXT_USE_EPOLL) || defined(LIBKQUEUE) // which runs where Asio's reactor is epoll's

template <class Descriptor>
void add(Descriptor& descriptor, int fd, boost::system::error_code& ec) {
  descriptor.assign(fd, ec);
}

template <class Descriptor> void remove(Descriptor& descriptor, bool) { descriptor.release(); }

#else

/// Before its first wait Asio makes a descriptor non-blocking, which a kqueue refuses: ioctl and
/// F_SETFL fail with ENOTTY (kqueue_ioctl in kern_event.c of FreeBSD and of XNU). Asio does not do
/// this again for a descriptor that it has already made non-blocking. So Asio is given one end of a
/// pipe and told to make that non-blocking, and then a duplicate of the queue takes the number of
/// the pipe's end. The reactor does not notice: kqueue_reactor and select_reactor, which Asio uses
/// on systems with kqueues, tell the system of a descriptor only when it is first waited for. This
/// follows from the sources; it has not been run on such a system.
template <class Descriptor>
void add(Descriptor& descriptor, int queue, boost::system::error_code& ec) {
  int ends[2];
  pipe_ops::open(ends, ec);
  if (ec) {
    return;
  }
  ::close(ends[1]);
  int const number = ends[0];
  descriptor.assign(number, ec);
  if (ec) {
    ::close(number);
    return;
  }
  descriptor.native_non_blocking(true, ec);
  if (!ec) {
    checked(::dup2(queue, number), ec);
  }
  if (!ec) {
    ec = system_error_code(make_close_on_exec(number));
  }
  if (ec) {
    ::close(descriptor.release());
  }
}

/// In a child of the process that added the queue, the number is free or belongs to another file,
/// so it is not closed.
template <class Descriptor> void remove(Descriptor& descriptor, bool is_left_behind) {
  int const number = descriptor.release();
  if (!is_left_behind) {
    ::close(number);
  }
}

#endif

} // namespace nesting

/// A selector's own descriptor is readable while the selector has events, so Asio can wait for it
/// as for any other descriptor. Each wait asks the reactor anew (epoll_reactor with EPOLL_CTL_MOD,
/// kqueue_reactor with EV_ADD), and the reactor then reports what is ready already. So events that
/// were left in the selector are never missed, although Asio's reactors are edge-triggered.
///
/// Asio owns, and would close, the descriptors that it waits for. This class takes the descriptor
/// back before it is destroyed.
template <class Executor> class nested_descriptor {
public:
  explicit nested_descriptor(Executor const& executor) : descriptor_(executor) {}

  ~nested_descriptor() { remove(); }

  nested_descriptor(nested_descriptor const&) = delete;
  nested_descriptor& operator=(nested_descriptor const&) = delete;

  /// Adds `fd`, a selector's descriptor, to the reactor. After an error it is not in the reactor.
  void add(int fd, boost::system::error_code& ec) {
    nesting::add(descriptor_, fd, ec);
    added_in_.renew();
  }

  /// Takes it out of the reactor again; a wait completes with operation_aborted.
  void remove() {
    if (descriptor_.is_open()) {
      nesting::remove(descriptor_, is_left_behind());
    }
  }

  /// True in a child of the process that added it to the reactor.
  MIOEXT_DETAIL_FORCEINLINE bool is_left_behind() const noexcept {
    return added_in_.is_left_behind();
  }

  /// Calls `handler(error_code)` when it is readable.
  template <class Handler> void async_wait(Handler&& completion_handler) {
    descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                           std::forward<Handler>(completion_handler));
  }

  /// A wait completes with operation_aborted.
  void cancel() {
    boost::system::error_code ignored;
    descriptor_.cancel(ignored);
  }

private:
  boost::asio::posix::basic_stream_descriptor<Executor> descriptor_;
  fork_mark added_in_{};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_NESTED_DESCRIPTOR_HPP
