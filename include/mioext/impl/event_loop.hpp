//
// mioext/impl/event_loop.hpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How the event loop calls its handler, in the order in which things happen in a tick.
//

#ifndef MIOEXT_IMPL_EVENT_LOOP_HPP
#define MIOEXT_IMPL_EVENT_LOOP_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <sys/socket.h>

#include <boost/config.hpp>

#include <mioext/detail/event_loop/handle_ops.hpp>
#include <mioext/detail/event_loop/handler_traits.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/detail/polling/connection_ops.hpp>
#include <mioext/detail/polling/registration_rules.hpp>
#include <mioext/detail/scope_exit.hpp>
#include <mioext/event_loop.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

// --- Connecting and listening --------------------------------------------------------------------

template <class Token, class Message>
template <class Socket, class Endpoint>
void basic_event_loop<Token, Message>::connect(Socket&& socket, Endpoint const& endpoint,
                                               Token name, interest wanted, trigger how,
                                               boost::system::error_code& ec) {
  MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Socket);
  ec = detail::system_error_code(detail::check_reregistration(wanted, how));
  if (!ec) {
    detail::open_if_closed(socket, endpoint, ec);
  }
  if (!ec) {
    detail::set_non_blocking(socket, ec);
  }
  if (!ec) {
    detail::socket_address const address = {reinterpret_cast<::sockaddr const*>(endpoint.data()),
                                            static_cast<::socklen_t>(endpoint.size())};
    ec = detail::system_error_code(
        core_.connect(detail::native_handle(socket), address, tokens::to_word(name), wanted, how));
  }
}

template <class Token, class Message>
template <class Acceptor>
void basic_event_loop<Token, Message>::listen(Acceptor&& acceptor, int backlog, Token name,
                                              trigger how, boost::system::error_code& ec) {
  MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Acceptor);
  detail::set_non_blocking(acceptor, ec);
  if (!ec) {
    ec = detail::system_error_code(
        core_.listen(detail::native_handle(acceptor), backlog, tokens::to_word(name), how));
  }
}

// --- Running -------------------------------------------------------------------------------------

template <class Token, class Message>
template <class Handler>
void basic_event_loop<Token, Message>::run(Handler&& receiver, boost::system::error_code& ec) {
  auto& called = detail::called_as<handler_type>(receiver);
  int error = EPERM;
  if (!core_.is_running()) {
    detail::loop_core::handler_scope const scope(core_);
    auto const undo = detail::make_scope_exit([this] { core_.mailbox()->renew_requests(); });
    do {
      error = tick(called, detail::loop_core::no_limit()).error;
    } while (error == 0 && !(core_.mailbox()->shutdown_requested() && finish_run(called)));
  }
  ec = detail::system_error_code(error);
}

/// To be called after a shutdown was requested: delivers the messages that were sent before it.
/// Returns false if the run must go on because another thread is in the middle of sending one.
template <class Token, class Message>
template <class Handler>
bool basic_event_loop<Token, Message>::finish_run(Handler& receiver) {
  return messages().finish([&](Message&& message) { receiver.notify(*this, std::move(message)); });
}

/// One step of a run that others drive: a tick that does not wait, and the end of the run if a
/// shutdown was requested. Returns true if the run is over.
///
/// @param repeat asked after each tick, with the number of calls that it made: true if another tick
/// is to follow in the same step
template <class Token, class Message>
template <class Handler, class Repeat>
bool basic_event_loop<Token, Message>::run_step(Handler& receiver, Repeat repeat,
                                                boost::system::error_code& ec) {
  detail::loop_core::handler_scope scope(core_);
  tick_result result = {0, 0};
  do {
    result = tick(receiver, detail::loop_core::at_once());
  } while (result.error == 0 && !core_.mailbox()->shutdown_requested() && repeat(result.calls));
  ec = detail::system_error_code(result.error);
  bool const is_over = !ec && core_.mailbox()->shutdown_requested() && finish_run(receiver);
  scope.is_asked_next();
  return is_over;
}

template <class Token, class Message>
template <class Handler>
std::size_t basic_event_loop<Token, Message>::run_one_tick(Handler& receiver,
                                                           std::chrono::nanoseconds limit,
                                                           boost::system::error_code& ec) {
  if (core_.is_closed()) {
    ec.clear();
    return 0;
  }
  detail::loop_core::handler_scope const scope(core_);
  core_.handles().take_all_back(); // it waits for its own selector alone
  // Here a shutdown keeps the loop awake, whatever run() waits for.
  core_.mailbox()->renew_requests();
  tick_result const result = tick(detail::called_as<handler_type>(receiver), limit);
  ec = detail::system_error_code(result.error);
  return result.calls;
}

/// Waits and delivers once. What an exception left over is delivered before anything new is
/// fetched.
template <class Token, class Message>
template <class Handler>
typename basic_event_loop<Token, Message>::tick_result
basic_event_loop<Token, Message>::tick(Handler& receiver, std::chrono::nanoseconds limit) {
  tick_result result = {0, 0};
  core_.begin_tick();
  if (core_.batch().empty()) {
    result.error = core_.fetch(limit);
  }
  if (result.error == 0) {
    result.calls = deliver_events(receiver);
    if (core_.connects().has_known_outcome()) {
      result.calls += deliver_known_outcomes(receiver);
    }
    result.calls += deliver_messages(receiver, core_.config().messages_per_tick);
    if (core_.has_deadlines()) {
      result.calls += deliver_timers(receiver);
    }
  }
  return result;
}

/// The fast path: everything from here to the handler is executed for each event.
template <class Token, class Message>
template <class Handler>
MIOEXT_DETAIL_FORCEINLINE std::size_t
basic_event_loop<Token, Message>::deliver_events(Handler& receiver) {
  using state = detail::registration_state;
  detail::event_batch& batch = core_.batch();
  std::size_t calls = 0;
  while (!batch.empty()) {
    selector::native_event& event = batch.front();
    registration* const found = core_.handles().find(selector::descriptor(event));
    if (!found) {
      calls += deliver_internal(receiver, event);
      continue;
    }
    if (!found->is_watched_as(selector::tag(event))) {
      if (!found->owns(selector::tag(event))) {
        batch.pop_front(); // of a registration that has ended
        continue;
      }
      if (found->state() == state::connecting) {
        calls += deliver_outcome(receiver, *found, event);
        continue;
      }
      if (found->state() == state::armed) {
        found->set_state(state::disarmed);
      }
    }
    ++calls;
    Token const name = tokens::to_token(found->name());
    // The system always reports errors and hang-ups. Without interest in writing they are delivered
    // as readable.
    bool const has_writer = found->wants_writing();
    if (has_writer && selector::is_only_writable(event)) {
      batch.pop_front();
      receiver.writable(*this, name);
    } else if (!has_writer || (found->wants_reading() && selector::concerns_reading(event))) {
      read_hint const hint = selector::hint(event);
      if (has_writer && selector::concerns_writing(event)) {
        selector::drop_reading(event); // comes round again, if it is not stale by then
      } else {
        batch.pop_front();
      }
      receiver.readable(*this, name, hint);
    } else {
      batch.pop_front();
      deliver_failing_write(receiver, *found, event);
    }
  }
  return calls;
}

/// Kept out of the fast path to make that smaller.
template <class Token, class Message>
template <class Handler>
BOOST_NOINLINE void basic_event_loop<Token, Message>::deliver_failing_write(
    Handler& receiver, registration const& watched, selector::native_event const& event) {
  receiver.write_failing(*this, tokens::to_token(watched.name()),
                         selector::failing_write_hint(event));
}

/// Delivers the first event after a connect: the handler gets `writable`, and nothing before that.
/// If the connection was made, whatever else the event reports follows as a separate event.
template <class Token, class Message>
template <class Handler>
std::size_t basic_event_loop<Token, Message>::deliver_outcome(Handler& receiver,
                                                              registration& connecting,
                                                              selector::native_event& event) {
  int const fd = static_cast<int>(selector::descriptor(event));
  int const error = selector::error(event);
  core_.take_outcome(connecting, event);
  if (!core_.connects().begin_telling(connecting, fd, error,
                                      detail::registration_state::disarmed)) {
    return 0;
  }
  tell_outcome(receiver, connecting);
  return 1;
}

/// Delivers the outcomes of connects for which no event comes.
template <class Token, class Message>
template <class Handler>
std::size_t basic_event_loop<Token, Message>::deliver_known_outcomes(Handler& receiver) {
  detail::pending_connects& connects = core_.connects();
  std::size_t calls = 0;
  for (std::size_t left = connects.known_outcome_count();
       left != 0 && connects.has_known_outcome() && !core_.is_closed(); --left) {
    if (registration const* const connected = connects.begin_telling_known_outcome()) {
      tell_outcome(receiver, *connected);
      ++calls;
    }
  }
  return calls;
}

template <class Token, class Message>
template <class Handler>
void basic_event_loop<Token, Message>::tell_outcome(Handler& receiver,
                                                    registration const& connected) {
  auto const end = detail::make_scope_exit([this] { core_.connects().end_telling(); });
  receiver.writable(*this, tokens::to_token(connected.name()));
}

/// Handles an event of the loop's own: of its waker, which has done its work by ending the wait, or
/// of its signals.
template <class Token, class Message>
template <class Handler>
std::size_t
basic_event_loop<Token, Message>::deliver_internal(Handler& receiver,
                                                   selector::native_event const& event) {
  bool const is_signal = selector::tag(event) == detail::registrations::signal_source;
  core_.batch().pop_front();
  return is_signal ? deliver_signals(receiver, event) : 0;
}

/// Signals that are left when the maximum number of calls is reached, or when a call throws, are
/// reported again. The event is a copy, because a call that enters the loop again overwrites it
/// with other events.
template <class Token, class Message>
template <class Handler>
BOOST_NOINLINE std::size_t
basic_event_loop<Token, Message>::deliver_signals(Handler& receiver, selector::native_event event) {
  detail::selector_signals& signals = core_.handles().signals();
  auto const end = detail::make_scope_exit([&signals, &event] { signals.put_back(event); });
  std::size_t calls = 0;
  signal_info info;
  while (calls != core_.config().event_capacity && !core_.is_closed() &&
         signals.read(event, info) == 0) {
    ++calls;
    receiver.signal(*this, info);
  }
  return calls;
}

template <class Token, class Message>
template <class Handler>
std::size_t basic_event_loop<Token, Message>::deliver_messages(Handler& receiver,
                                                               std::size_t most) {
  auto const notify = [&](Message&& message) { receiver.notify(*this, std::move(message)); };
  std::size_t calls = 0;
  while (calls != most && messages().take(notify)) {
    ++calls;
  }
  return calls;
}

template <class Token, class Message>
template <class Handler>
std::size_t basic_event_loop<Token, Message>::deliver_timers(Handler& receiver) {
  if (core_.is_closed()) {
    return 0;
  }
  auto const now = core_.now();
  core_.connects().retry(now);
  auto const fire = [this, &receiver](detail::token_word name) {
    receiver.timer(*this, tokens::to_token(name));
  };
  std::uint64_t const ticks = core_.ticks_until(now);
  std::size_t calls = 0;
  while (!core_.is_closed() && core_.timers().pop_due(ticks, fire)) {
    ++calls;
  }
  return calls;
}

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_IMPL_EVENT_LOOP_HPP
