//
// mioext/detail/nested_descriptor.hpp
// -----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A descriptor that somebody else owns, watched by the reactor of an execution context: what nests
// a selector in a context.
//

#ifndef MIOEXT_DETAIL_NESTED_DESCRIPTOR_HPP
#define MIOEXT_DETAIL_NESTED_DESCRIPTOR_HPP

#include <utility>

#include <mioext/detail/asio_features.hpp>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/posix/descriptor_base.hpp>
#include <boost/system/error_code.hpp>

namespace mioext {
namespace detail {

/// A selector's own descriptor is readable while it has events, and Asio can wait for that as for
/// any descriptor. Each wait asks the reactor anew (in epoll_reactor with EPOLL_CTL_MOD, in
/// kqueue_reactor with EV_ADD), which reports what is ready already; so events that were left in
/// the selector are never forgotten, although Asio's reactors are edge-triggered.
///
/// Before it waits, Asio makes the descriptor non-blocking (ioctl FIONBIO, then F_SETFL). A kqueue of
/// macOS and FreeBSD has no such mode and refuses both with ENOTTY, as far as their sources tell: then
/// the wait ends at once with that error, which is passed on. This has not been tried there.
///
/// Asio owns the descriptors that it waits for. This one takes it back before it goes.
template <class Executor> class nested_descriptor {
public:
  explicit nested_descriptor(Executor const& executor) : descriptor_(executor) {}

  ~nested_descriptor() { remove(); }

  nested_descriptor(nested_descriptor const&) = delete;
  nested_descriptor& operator=(nested_descriptor const&) = delete;

  /// Shows `fd` to the reactor.
  void add(int fd, boost::system::error_code& ec) { descriptor_.assign(fd, ec); }

  /// Takes it out of the reactor again; a wait completes with operation_aborted.
  void remove() {
    if (descriptor_.is_open()) {
      descriptor_.release();
    }
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
};

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_NESTED_DESCRIPTOR_HPP
