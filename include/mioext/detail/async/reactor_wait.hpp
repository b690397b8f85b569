//
// mioext/detail/async/reactor_wait.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Waits through the context's own reactor for events that a nested selector cannot report.
//

#ifndef MIOEXT_DETAIL_ASYNC_REACTOR_WAIT_HPP
#define MIOEXT_DETAIL_ASYNC_REACTOR_WAIT_HPP

#include <mioext/detail/system.hpp>

#include <memory>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/posix/descriptor_base.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/cancellation.hpp>
#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/descriptor_ops.hpp>
#include <mioext/detail/event_loop/selector_lender.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// True for a wait whose event a nested selector would miss. It asks twice: first when the selector
/// around it checks whether there are events, and again when the events are fetched. Files that are
/// told once are always readable; the context's reactor can wait for their priority events.
inline bool is_missed_by_nested(int fd, interest wanted) noexcept {
  return wanted == interest::priority && contains(selector::all_interests(), interest::priority) &&
         is_told_once(fd);
}

/// Whether such a file has an event already: that would be lost when the file is added to a
/// selector.
inline bool has_priority_now(int fd) noexcept {
  ::pollfd asked = {fd, POLLPRI, 0};
  return ::poll(&asked, 1, 0) == 1;
}

/// Owns a duplicate of the descriptor, which the reactor closes in the end.
template <class Executor> class reactor_wait_op {
public:
  using descriptor = boost::asio::posix::basic_stream_descriptor<Executor>;

  explicit reactor_wait_op(std::unique_ptr<descriptor> watched) : watched_(std::move(watched)) {}

  template <class Self> void operator()(Self& self) {
    enable_cancellation<total_cancellation>(self);
    descriptor& watched = *watched_;
    watched.async_wait(boost::asio::posix::descriptor_base::wait_error, std::move(self));
  }

  template <class Self> void operator()(Self& self, boost::system::error_code const& ec) {
    watched_.reset();
    self.complete(is_refusal(ec)
                      ? boost::asio::error::make_error_code(boost::asio::error::no_permission)
                      : ec);
  }

private:
  /// Asio completes with the first of these if epoll refuses the file, and with the second if io_uring does.
  static bool is_refusal(boost::system::error_code const& ec) {
    return ec == boost::asio::error::operation_not_supported ||
           ec == boost::asio::error::invalid_argument;
  }

  std::unique_ptr<descriptor> watched_;
};

/// Begins the wait. After an error it has not begun, and the handler is unchanged.
template <class Executor, class Handler>
void start_reactor_wait(Executor const& executor, int fd, Handler& completion_handler,
                        boost::system::error_code& ec) {
  using operation = reactor_wait_op<Executor>;
  std::unique_ptr<typename operation::descriptor> watched(new
                                                          typename operation::descriptor(executor));
  int const duplicate = checked(::fcntl(fd, F_DUPFD_CLOEXEC, 0), ec);
  if (ec) {
    return;
  }
  watched->assign(duplicate, ec);
  if (ec) {
    ::close(duplicate);
    return;
  }
  // Asio makes the duplicate non-blocking, and with it the original, so the mode is restored below.
  bool const was_blocking = !is_non_blocking(fd);
  boost::asio::async_compose<Handler, void(boost::system::error_code)>(
      operation(std::move(watched)), completion_handler, executor);
  if (was_blocking) {
    set_non_blocking_mode(fd, false);
  }
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_REACTOR_WAIT_HPP
