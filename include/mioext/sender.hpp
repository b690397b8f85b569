//
// mioext/sender.hpp
// -----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How other threads send messages into an event loop.
//

#ifndef MIOEXT_SENDER_HPP
#define MIOEXT_SENDER_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <memory>
#include <utility>

#include <boost/system/error_code.hpp>

#include <mioext/detail/event_loop/mailbox.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

template <class Token, class Message> class basic_event_loop;

/// Sends messages to the loop whose channel() it came from.
///
/// Copies are cheap and send to the same loop. A sender may outlive the loop: sending then reports
/// broken_pipe.
///
/// Thread safety: any number of threads may send at the same time, through distinct senders or the
/// same one; assigning to a sender that other threads use is not safe. Messages of one thread
/// arrive in the order in which it sent them.
///
/// Sending allocates nothing and takes no lock. It makes a system call only if the loop sleeps: a
/// single one, made by the first sender that finds the loop asleep.
///
/// @tparam Message nothrow move constructible; need not be copyable.
///
/// @par Source
/// mio's first `Sender`.
template <class Message> class sender {
public:
  /// A sender to no loop: sending reports broken_pipe.
  sender() noexcept = default;

  /// Sends `message`. When it throws, `message` is as it was.
  /// @throws boost::system::system_error no_buffer_space when as many messages are under way as the
  /// loop's configuration allows; broken_pipe when the loop is gone.
  void send(Message&& message) const {
    boost::system::error_code ec;
    send(std::move(message), ec);
    detail::throw_error(ec, "send");
  }

  /// The same. @returns true if the message was taken; else `ec` is set, and `message` is as it
  /// was.
  bool send(Message&& message, boost::system::error_code& ec) const {
    ec = detail::system_error_code(mailbox_ ? mailbox_->post(std::move(message)) : EPIPE);
    return !ec;
  }

  /// Sends a copy.
  void send(Message const& message) const { send(Message(message)); }

  /// Sends a copy.
  bool send(Message const& message, boost::system::error_code& ec) const {
    return send(Message(message), ec);
  }

private:
  template <class, class> friend class basic_event_loop;

  explicit sender(std::shared_ptr<detail::mailbox<Message>> mailbox) noexcept
      : mailbox_(std::move(mailbox)) {}

  std::shared_ptr<detail::mailbox<Message>> mailbox_;
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_SENDER_HPP
