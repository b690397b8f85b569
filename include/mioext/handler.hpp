//
// mioext/handler.hpp
// ------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a program writes: one object whose members are called when something happens.
//

#ifndef MIOEXT_HANDLER_HPP
#define MIOEXT_HANDLER_HPP

#include <mioext/detail/system.hpp>
#include <mioext/read_hint.hpp>
#include <mioext/signal_info.hpp>
#include <mioext/token.hpp>
#include <mioext/write_hint.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

template <class Token, class Message> class basic_event_loop;

/// The message type of a loop that is sent none.
struct no_message {};

/// The base of a program's handler. It has one member for each kind of event. Each does nothing, so
/// that a handler overrides only what it needs. Write `override`, which catches a misspelt name.
/// Without it, run() does not compile if the handler has a member of one of these names with other
/// parameters (a `Message const&`, for instance), because that member would never be called. In a
/// `final` handler such a member may take any parameters that the arguments convert to. (Members
/// that are private or overloaded cannot be checked.)
///
/// Each member gets the loop, and may call all members of it but run(), close any handle, and
/// throw: the exception leaves run(). They are called by the thread that runs the loop, never two
/// at once. Mark the handler `final`, and run() calls it directly.
///
/// @tparam Token the type of the tokens, see basic_event_loop
/// @tparam Message the type of the messages
///
/// @par Example
/// @code
/// struct echo final : mioext::handler {
///   void readable(loop_type& loop, mioext::token token, mioext::read_hint) override;
/// };
/// @endcode
///
/// @par Source
/// mio's first `Handler` trait.
template <class Token = token, class Message = no_message> class basic_handler {
public:
  /// What events carry.
  using token_type = Token;
  /// What notify() is given.
  using message_type = Message;
  /// The loop that calls this handler.
  using loop_type = basic_event_loop<Token, Message>;

  virtual ~basic_handler() = default;

  /// A read (or an accept) of the handle registered with `token` is likely to find something;
  /// `hint` says what. With an edge trigger, go on until would_block. Errors and hang-ups come here
  /// where the registration is interested in reading.
  virtual void readable(loop_type& loop, Token token, read_hint hint) {
    static_cast<void>(loop);
    static_cast<void>(token);
    static_cast<void>(hint);
  }

  /// A write to the handle is likely to succeed. The first call after connect() means that the
  /// outcome is known; take_error() returns it. Errors and hang-ups are reported here if the
  /// registration is interested in writing.
  virtual void writable(loop_type& loop, Token token) {
    static_cast<void>(loop);
    static_cast<void>(token);
  }

  /// Called instead of writable() when the event also says that a write is likely to fail: the
  /// other side has closed, or there is an error. Unless overridden, it calls writable(), where the
  /// write then fails. It uses up a oneshot or an edge as writable() does. The outcome of a
  /// connect() is always reported by writable(), even if the connect failed.
  ///
  /// It has a name of its own, so that a handler that overrides only writable() hides no overload.
  virtual void write_failing(loop_type& loop, Token token, write_hint hint) {
    static_cast<void>(hint);
    writable(loop, token);
  }

  /// The time of a timer has come.
  virtual void timer(loop_type& loop, Token token) {
    static_cast<void>(loop);
    static_cast<void>(token);
  }

  /// A message was sent through a sender of the loop's channel(). It is the handler's now.
  virtual void notify(loop_type& loop, Message message) {
    static_cast<void>(loop);
    static_cast<void>(message);
  }

  /// A registered signal has arrived.
  virtual void signal(loop_type& loop, signal_info const& info) {
    static_cast<void>(loop);
    static_cast<void>(info);
  }
};

/// The handler of an event_loop: tokens are `token`, and there are no messages.
using handler = basic_handler<>;

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_HANDLER_HPP
