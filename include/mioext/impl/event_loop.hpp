//
// mioext/impl/event_loop.hpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How the event loop works: registering first, then the tick, in the order in which things happen.
//

#ifndef MIOEXT_IMPL_EVENT_LOOP_HPP
#define MIOEXT_IMPL_EVENT_LOOP_HPP

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>
#include <stdexcept>
#include <utility>

#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>

#include <mioext/detail/duration.hpp>
#include <mioext/detail/event_loop/handler_traits.hpp>
#include <mioext/detail/file_identity.hpp>
#include <mioext/detail/polling/registration_rules.hpp>
#include <mioext/detail/scope_exit.hpp>
#include <mioext/event_loop.hpp>

namespace mioext {

// --- Life ----------------------------------------------------------------------------------------

/// On the stack while the loop runs: keeps run() from being entered twice, and hears of the handles
/// that the handler closes.
template <class Token, class Message>
class basic_event_loop<Token, Message>::handler_scope final : public detail::dispatch_scope {
public:
  explicit handler_scope(basic_event_loop& loop) noexcept
      : loop_(loop), is_nested_(loop.is_running_) {
    loop_.is_running_ = true;
    loop_.outer_wake_up_ = clock::time_point::min();
    if (!is_nested_ && loop_.batch_next_ != loop_.batch_end_) {
      loop_.forget_closed();
    }
  }

  ~handler_scope() {
    if (!is_nested_) {
      loop_.is_running_ = false;
      loop_.mailbox_->leave();
    }
  }

  /// Deregistered, and not only forgotten: while a duplicate keeps the file open, closing takes
  /// nothing out of the selector, which would report events of a number that nobody can name any
  /// more.
  void handle_closing(int fd) noexcept override {
    entry const* const known = loop_.table_.find(fd);
    if (known && !known->is_vacant()) {
      loop_.remove(fd);
    }
  }

  int take_connect_error(int fd) noexcept override {
    return loop_.refusal_.fd == fd ? loop_.refusal_.take() : 0;
  }

private:
  basic_event_loop& loop_;
  bool const is_nested_;
};

template <class Token, class Message>
basic_event_loop<Token, Message>::basic_event_loop(unopened made)
    : config_(made.config), mailbox_(std::make_shared<detail::mailbox<Message>>()),
      timers_(config_.timer_wheel_size, config_.timer_capacity), first_tick_(clock::now()),
      batch_next_(nullptr), batch_end_(nullptr) {}

template <class Token, class Message> basic_event_loop<Token, Message>::~basic_event_loop() {
  mailbox_->close();
}

template <class Token, class Message> int basic_event_loop<Token, Message>::open() {
  if (config_.event_capacity == 0 || config_.event_capacity > selector::most_events() ||
      config_.message_capacity == 0 || config_.messages_per_tick == 0 ||
      config_.timer_tick < std::chrono::milliseconds(1) ||
      config_.longest_sleep <= std::chrono::nanoseconds::zero()) {
    return EINVAL;
  }
  batch_.reset(new selector::native_event[config_.event_capacity]);
  batch_next_ = batch_end_ = batch_.get();
  int error = detail::fork_count::begin();
  if (error == 0) {
    error = selector_.open();
  }
  return error ? error : mailbox_->open(selector_, waker_data());
}

/// The program has done with the loop, maybe from inside a handler: nothing more is delivered, and
/// what is not the loop's alone is given back. The handler still has the loop, and may call its
/// members until it returns; so everything that delivers looks whether this has happened.
template <class Token, class Message> void basic_event_loop<Token, Message>::retire() noexcept {
  is_retired_ = true;
  batch_next_ = batch_end_;
  outcomes_.clear();
  signals_.clear();
  mailbox_->close();
}

/// In a child that has no selector of its own, and wants none: its number must not name the parent's
/// any more.
template <class Token, class Message>
void basic_event_loop<Token, Message>::close_inherited_selector() noexcept {
  if (owner_.is_left_behind()) {
    selector_.close();
  }
}

/// After fork the child shares the system's selector with its parent, and must leave it alone: what it
/// takes out there, the parent hears no more of. It gets a new one, with all that the old one really
/// watches: a number that was closed, and means another file by now, is forgotten. The old one is given
/// up at the end, so that a failure can be repeated. What was fetched from it and not delivered yet is
/// delivered still.
///
/// The program asks for that with notify_fork(); where it did not, the first member does that needs the
/// selector. Closing and deregistering do not: a child that only gives everything up needs none.
template <class Token, class Message>
int basic_event_loop<Token, Message>::rebuild_selector() noexcept {
  selector fresh;
  detail::selector_waker waker;
  int error = fresh.open();
  for (std::size_t index = 0; error == 0 && index != table_.size(); ++index) {
    error = rebuild_registration(static_cast<int>(index), fresh);
  }
  if (error == 0) {
    error = waker.open(fresh, waker_data());
  }
  if (error == 0) {
    error = signals_.reopen(fresh, signal_data());
  }
  if (error == 0) {
    error = selector_.replace_with(fresh);
  }
  if (error != 0) {
    return error;
  }
  owner_.renew();
  mailbox_->settle_after_fork(std::move(waker));
  for (std::size_t index = 0; index != table_.size(); ++index) {
    entry& rebuilt = table_.at(static_cast<int>(index));
    if (rebuilt.state() == state::disarmed) {
      rebuilt.set_state(state::unlisted);
    }
  }
  return 0;
}

template <class Token, class Message>
int basic_event_loop<Token, Message>::rebuild_registration(int fd, selector& fresh) noexcept {
  entry& rebuilt = table_.at(fd);
  // The selector does not know a connect that waits; its retry adds it.
  if (rebuilt.is_vacant() || rebuilt.state() == state::waiting ||
      rebuilt.state() == state::unlisted) {
    return 0;
  }
  if (!selector_.has(fd, selector::internal_data(probe_source))) {
    forget(fd);
    return 0;
  }
  if (rebuilt.state() == state::disarmed) {
    return 0; // added when it is armed again
  }
  if (rebuilt.state() == state::armed) {
    // Its one event may be in the batch, and is reported anew.
    rebuilt.renew(rebuilt.next_generation(), state::armed);
  }
  interest const wanted = rebuilt.state() == state::connecting
                              ? rebuilt.wanted() | interest::writable
                              : rebuilt.wanted();
  return fresh.add(fd, wanted, rebuilt.how(), selector::tag_data(fd, rebuilt.generation()));
}

// --- Registering ---------------------------------------------------------------------------------

template <class Token, class Message>
int basic_event_loop<Token, Message>::add(int fd, Token name, interest wanted, trigger how) {
  if (int const error = detail::check_registration(wanted, how)) {
    return error;
  }
  if (int const error = own_selector()) {
    return error;
  }
  entry* const known = table_.find(fd);
  if (known && known->state() == state::waiting && retries_.is_waiting(fd)) {
    return EEXIST;
  }
  std::uint32_t const generation = known ? known->next_generation() : 1;
  selector::user_data const data = selector::tag_data(fd, generation);
  int error = selector_.add(fd, wanted, how, data);
  if (error == EEXIST && known && known->is_vacant()) {
    // The handle was closed while another descriptor kept its file open, and that file has its old
    // number again: the selector never knew that it was gone.
    error = selector_.modify(fd, wanted, how, data);
  }
  if (error != 0) {
    return error;
  }
  // The selector has taken it, so whatever the table said of this number is of a closed handle.
  return enter(fd, generation, name, wanted, how, armed_state(how));
}

template <class Token, class Message>
int basic_event_loop<Token, Message>::enter(int fd, std::uint32_t generation, Token name,
                                            interest wanted, trigger how, state entered) {
  // Here memory can run out. Then the descriptor must not stay in the selector alone.
  auto undo = detail::make_scope_exit([this, fd] { selector_.remove(fd); });
  entry& made = table_.make(fd);
  undo.release();
  retries_.remove(fd);
  made.renew(generation, entered);
  made.assign(name, wanted, how);
  return 0;
}

template <class Token, class Message>
int basic_event_loop<Token, Message>::modify(int fd, Token name, interest wanted, trigger how) {
  if (int const error = detail::check_reregistration(wanted, how)) {
    return error;
  }
  if (int const error = own_selector()) {
    return error;
  }
  entry* const known = table_.find(fd);
  if (!known || known->is_vacant()) {
    return detail::not_registered_error(fd);
  }
  if (known->state() == state::waiting) {
    if (!retries_.is_waiting(fd)) {
      forget(fd);
      return detail::not_registered_error(fd);
    }
  } else {
    bool const is_connecting = known->state() == state::connecting;
    interest const watched = is_connecting ? wanted | interest::writable : wanted;
    selector::user_data const data = selector::tag_data(fd, known->next_generation());
    int const error = known->state() == state::unlisted ? selector_.add(fd, watched, how, data)
                                                        : selector_.modify(fd, watched, how, data);
    if (error == ENOENT || error == EBADF ||
        (error == EPIPE && !selector_.has(fd, selector::internal_data(probe_source)))) {
      forget(fd); // closed, or a pipe that kqueue could not leave as it was
    }
    if (error != 0) {
      return error;
    }
    known->renew(known->next_generation(), is_connecting ? state::connecting : armed_state(how));
  }
  known->assign(name, wanted, how);
  return 0;
}

template <class Token, class Message>
int basic_event_loop<Token, Message>::remove(int fd) noexcept {
  entry* const known = table_.find(fd);
  int error = 0;
  state const current = known ? known->state() : state::vacant;
  if (current == state::waiting) {
    error = retries_.is_waiting(fd) ? 0 : detail::not_registered_error(fd);
  } else if (current != state::unlisted) {
    error = owner_.is_left_behind() ? removal_error(fd, known) : selector_.remove(fd);
  }
  forget(fd);
  return error;
}

/// What the selector would say, which is not asked because it is the parent's.
template <class Token, class Message>
int basic_event_loop<Token, Message>::removal_error(int fd, entry const* known) noexcept {
  int const error = detail::not_registered_error(fd);
  bool const is_registered = known && !known->is_vacant();
  return is_registered && error == ENOENT ? 0 : error;
}

/// Adds `fd` to the selector, in the place of an earlier registration. Not by changing that one,
/// which an exclusive one would not allow.
template <class Token, class Message>
int basic_event_loop<Token, Message>::replace(int fd, interest wanted, trigger how,
                                              detail::selector::user_data data) noexcept {
  int error = selector_.add(fd, wanted, how, data);
  if (error == EEXIST) {
    selector_.remove(fd);
    error = selector_.add(fd, wanted, how, data);
  }
  return error;
}

/// Drops what the loop knows of `fd`, which the selector does not know or is about to forget.
template <class Token, class Message>
void basic_event_loop<Token, Message>::forget(int fd) noexcept {
  entry* const known = table_.find(fd);
  if (known && !known->is_vacant()) {
    retries_.remove(fd);
    known->vacate();
    if (refusal_.fd == fd) {
      refusal_.take();
    }
  }
}

/// There are events that an exception has left over, and between two runs nobody hears of handles that
/// are closed: what is not in the selector any more is not told.
template <class Token, class Message>
void basic_event_loop<Token, Message>::forget_closed() noexcept {
  if (own_selector() != 0) {
    return; // the tick says so
  }
  for (selector::native_event const* left = batch_next_; left != batch_end_; ++left) {
    int const fd = static_cast<int>(selector::descriptor(*left));
    entry const* const known = table_.find(fd);
    if (known && known->owns(selector::tag(*left)) &&
        !selector_.has(fd, selector::internal_data(probe_source))) {
      forget(fd);
    }
  }
}

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
        start_connecting(detail::native_handle(socket), address, name, wanted, how));
  }
}

template <class Token, class Message>
int basic_event_loop<Token, Message>::start_connecting(int fd, detail::socket_address address,
                                                       Token name, interest wanted, trigger how) {
  if (int const error = own_selector()) {
    return error;
  }
  detail::connect_result const attempt = detail::start_connect(fd, address);
  switch (attempt.progress) {
  case detail::connect_progress::made:
  case detail::connect_progress::started:
    return watch_connecting(fd, name, wanted, how, attempt.progress);
  case detail::connect_progress::no_room:
    return wait_for_room(fd, address, name, wanted, how);
  case detail::connect_progress::failed:
    break;
  }
  // Nothing stays registered for a connect that failed; but an earlier one that is under way, or
  // has been made, is not this one's to end, and no listener is.
  if (attempt.error != EALREADY && attempt.error != EISCONN && !detail::is_in_use(fd)) {
    remove(fd);
  }
  return attempt.error;
}

/// From connect(2) on, the selector reports nothing until the outcome is known: a TCP socket in
/// SYN_SENT has neither EPOLLOUT nor EPOLLHUP. One that connected at once is writable as a rule,
/// which the selector reports at registration. So the first event of this generation is the
/// outcome.
///
/// Not as a rule, but when its peer's queue is full, a datagram socket is connected and not
/// writable. Then the next tick tells the outcome without an event.
template <class Token, class Message>
int basic_event_loop<Token, Message>::watch_connecting(int fd, Token name, interest wanted,
                                                       trigger how,
                                                       detail::connect_progress progress) {
  entry* const known = table_.find(fd);
  std::uint32_t const generation = known ? known->next_generation() : 1;
  bool const needs_telling =
      progress == detail::connect_progress::made && !detail::is_writable_now(fd);
  if (needs_telling) {
    outcomes_.reserve(outcomes_.size() + 1);
  }
  int const error =
      replace(fd, wanted | interest::writable, how, selector::tag_data(fd, generation));
  if (error != 0) {
    return error;
  }
  enter(fd, generation, name, wanted, how, state::connecting);
  if (needs_telling) {
    outcomes_.push_back(known_outcome{fd, generation});
    wake_outer_loop(clock::now());
  }
  return 0;
}

/// The selector must not know the socket while it waits: it would report a hang-up (EPOLLHUP),
/// which is how it sees a Unix socket that is not connected.
template <class Token, class Message>
int basic_event_loop<Token, Message>::wait_for_room(int fd, detail::socket_address address,
                                                    Token name, interest wanted, trigger how) {
  detail::file_identity identity;
  if (int const error = detail::identify(fd, identity)) {
    return error;
  }
  retries_.reserve_one();
  std::uint32_t const generation = table_.make(fd).next_generation();
  selector_.remove(fd); // if it was registered before
  enter(fd, generation, name, wanted, how, state::waiting);
  retries_.add(fd, identity, address, clock::now());
  wake_outer_loop(retries_.next());
  return 0;
}

/// A connect that waited was tried again.
template <class Token, class Message>
detail::connect_retries::verdict
basic_event_loop<Token, Message>::conclude_connect(int fd, detail::connect_result tried) noexcept {
  using verdict = detail::connect_retries::verdict;
  if (tried.progress == detail::connect_progress::no_room) {
    return verdict::wait;
  }
  bool const failed = tried.progress == detail::connect_progress::failed;
  // Without a descriptor for this, the truth could not be told yet.
  if (failed && detail::is_shortage(detail::mark_connect_failed(fd))) {
    return verdict::wait;
  }
  entry& waiting = table_.at(fd);
  if (selector_.add(fd, waiting.wanted() | interest::writable, waiting.how(),
                    selector::tag_data(fd, waiting.generation())) != 0) {
    return verdict::wait;
  }
  waiting.set_state(state::connecting);
  if (failed) {
    retries_.set_refusal(fd, tried.error);
  }
  return verdict::done;
}

template <class Token, class Message>
template <class Acceptor>
void basic_event_loop<Token, Message>::listen(Acceptor&& acceptor, int backlog, Token name,
                                              trigger how, boost::system::error_code& ec) {
  MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Acceptor);
  detail::set_non_blocking(acceptor, ec);
  if (ec) {
    return;
  }
  int const fd = detail::native_handle(acceptor);
  int error = detail::check_registration(interest::readable, how);
  if (error == 0) {
    error = detail::start_listen(fd, backlog);
  }
  if (error == 0) {
    // Listening first: a selector reports at registration what is ready already, while a socket
    // that does not listen yet would be reported as hung up.
    error = add(fd, name, interest::readable, how);
    if (error == EEXIST) {
      remove(fd);
      error = add(fd, name, interest::readable, how);
    }
  }
  ec = detail::system_error_code(error);
}

// --- Timers and messages -------------------------------------------------------------------------

/// Whole ticks from the first one to `point`.
template <class Token, class Message>
std::uint64_t
basic_event_loop<Token, Message>::ticks_until(clock::time_point point) const noexcept {
  return static_cast<std::uint64_t>((point - first_tick_) / config_.timer_tick);
}

template <class Token, class Message>
template <class Rep, class Period>
timeout basic_event_loop<Token, Message>::timer(std::chrono::duration<Rep, Period> after,
                                                Token name) {
  clock::time_point const due =
      detail::saturated_sum<clock>(clock::now(), detail::ceil_nanoseconds(after));
  std::uint64_t const deadline = due == clock::time_point::max()
                                     ? std::numeric_limits<std::uint64_t>::max()
                                     : ticks_until(due - clock::duration(1)) + 1; // rounded up
  timeout const set(timers_.insert(deadline, name));
  wake_outer_loop(due);
  return set;
}

template <class Token, class Message>
template <class Rep, class Period>
timeout basic_event_loop<Token, Message>::timer(std::chrono::duration<Rep, Period> after,
                                                Token name, boost::system::error_code& ec) {
  ec.clear();
  BOOST_TRY { return timer(after, name); }
  BOOST_CATCH(std::bad_alloc const&) {}
  BOOST_CATCH(std::length_error const&) {}
  BOOST_CATCH_END
  ec = detail::system_error_code(ENOMEM);
  return timeout();
}

/// When the loop must wake up for something of its own.
template <class Token, class Message>
typename basic_event_loop<Token, Message>::clock::time_point
basic_event_loop<Token, Message>::next_wake_up() noexcept {
  clock::time_point const retry = retries_.next();
  std::uint64_t const deadline = timers_.next_deadline();
  if (deadline >= ticks_until(clock::time_point::max())) {
    return retry; // no timer, or one that is for never
  }
  return std::min(retry, first_tick_ + config_.timer_tick * static_cast<std::int64_t>(deadline));
}

template <class Token, class Message>
std::chrono::nanoseconds basic_event_loop<Token, Message>::time_to_next_timer() noexcept {
  if (batch_next_ != batch_end_ || !outcomes_.empty() || mailbox_->has_news()) {
    return std::chrono::nanoseconds::zero();
  }
  clock::time_point const wake_up = next_wake_up();
  outer_wake_up_ = wake_up;
  if (wake_up == clock::time_point::max()) {
    return std::chrono::nanoseconds::max();
  }
  return std::max(clock::duration::zero(), wake_up - clock::now());
}

/// Another loop waits for this one, until a point in time that it was told. If there is to be an
/// earlier one, it must come and ask again.
template <class Token, class Message>
void basic_event_loop<Token, Message>::wake_outer_loop(clock::time_point wake_up) noexcept {
  if (!is_running_ && wake_up < outer_wake_up_) {
    outer_wake_up_ = clock::time_point::min();
    mailbox_->wake();
  }
}

template <class Token, class Message> sender<Message> basic_event_loop<Token, Message>::channel() {
  mailbox_->reserve(config_.message_capacity);
  return sender<Message>(mailbox_);
}

// --- Running -------------------------------------------------------------------------------------

template <class Token, class Message>
template <class Handler>
void basic_event_loop<Token, Message>::run(Handler&& receiver, boost::system::error_code& ec) {
  auto& called = detail::called_as<handler_type>(receiver);
  int error = EPERM;
  if (!is_running_) {
    handler_scope const scope(*this);
    auto const undo = detail::make_scope_exit([this] { mailbox_->postpone_nothing(); });
    do {
      error = tick(called, no_limit()).error;
    } while (error == 0 && !(mailbox_->shutdown_requested() && finish_run(called)));
  }
  ec = detail::system_error_code(error);
}

/// A shutdown was requested: delivers what was sent before. False if the run must go on, until
/// another thread has finished what it is in the middle of sending.
template <class Token, class Message>
template <class Handler>
bool basic_event_loop<Token, Message>::finish_run(Handler& receiver) {
  return mailbox_->finish([&](Message&& message) { receiver.notify(*this, std::move(message)); });
}

/// A part of a run that others drive: a tick that does not wait, and the end if a shutdown was
/// requested. True if the run is over.
template <class Token, class Message>
template <class Handler>
bool basic_event_loop<Token, Message>::run_step(Handler& receiver, boost::system::error_code& ec) {
  handler_scope const scope(*this);
  ec = detail::system_error_code(tick(receiver, at_once()).error);
  return !ec && mailbox_->shutdown_requested() && finish_run(receiver);
}

template <class Token, class Message>
template <class Handler, class Rep, class Period>
std::size_t basic_event_loop<Token, Message>::run_once(Handler&& receiver,
                                                       std::chrono::duration<Rep, Period> limit,
                                                       boost::system::error_code& ec) {
  return run_one_tick(receiver, detail::ceil_nanoseconds(limit), ec);
}

template <class Token, class Message>
template <class Handler>
std::size_t basic_event_loop<Token, Message>::run_one_tick(Handler& receiver,
                                                           std::chrono::nanoseconds limit,
                                                           boost::system::error_code& ec) {
  if (is_retired_) {
    ec.clear();
    return 0;
  }
  handler_scope const scope(*this);
  mailbox_->postpone_nothing(); // here a shutdown keeps the loop awake, whatever run() waits for
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
  if (batch_next_ == batch_end_) {
    result.error = fetch(limit);
  }
  if (result.error == 0) {
    result.calls = deliver_events(receiver);
    if (!outcomes_.empty()) {
      result.calls += deliver_known_outcomes(receiver);
    }
    result.calls += deliver_messages(receiver, config_.messages_per_tick);
    if (!timers_.empty() || !retries_.empty()) {
      result.calls += deliver_timers(receiver);
    }
  }
  return result;
}

/// Waits for events: not at all if something else is there, else until `limit` or the next timer,
/// without end if there is neither (a negative limit stands for none).
template <class Token, class Message>
BOOST_FORCEINLINE int
basic_event_loop<Token, Message>::fetch(std::chrono::nanoseconds limit) noexcept {
  if (int const error = own_selector()) {
    return error;
  }
  int count = -EINTR;
  if (limit < std::chrono::nanoseconds::zero() && sleeps_without_limit()) {
    count = wait(mailbox_->fall_asleep() ? no_limit() : at_once());
  }
  if (count == -EINTR) {
    count = wait_until_due(limit);
  }
  mailbox_->stay_awake();
  batch_next_ = batch_end_ = batch_.get();
  if (count < 0) {
    return count == -EINTR ? 0 : -count;
  }
  batch_end_ += count;
  return 0;
}

/// The part of fetch() for loops that have something to wake up for, and for what a signal handler
/// has interrupted.
template <class Token, class Message>
BOOST_NOINLINE int
basic_event_loop<Token, Message>::wait_until_due(std::chrono::nanoseconds limit) noexcept {
  if (limit == at_once() || !outcomes_.empty() || !mailbox_->fall_asleep()) {
    return wait(at_once());
  }
  clock::time_point const deadline = sleep_deadline(limit);
  bool const is_limited = deadline != clock::time_point::max();
  // Again when the system ends a wait too early: because a signal handler ran, or because it cannot
  // wait so long in one go.
  for (;;) {
    std::chrono::nanoseconds remaining = no_limit();
    if (is_limited) {
      remaining = std::max(clock::duration::zero(), deadline - clock::now());
    }
    int const count = wait(remaining);
    if (count != 0 && count != -EINTR) {
      return count;
    }
    if (is_limited && clock::now() >= deadline) {
      return 0;
    }
  }
}

template <class Token, class Message>
typename basic_event_loop<Token, Message>::clock::time_point
basic_event_loop<Token, Message>::sleep_deadline(std::chrono::nanoseconds limit) noexcept {
  if (limit < std::chrono::nanoseconds::zero() || limit > config_.longest_sleep) {
    limit = config_.longest_sleep;
  }
  clock::time_point const next = next_wake_up();
  return limit == std::chrono::nanoseconds::max()
             ? next
             : std::min(next, detail::saturated_sum<clock>(clock::now(), limit));
}

/// The fast path: everything from here to the handler is executed for each event. An event is done
/// when batch_next_ is counted up, which happens before its last call; so a call that throws, or
/// that enters the loop again, finds exactly the rest.
template <class Token, class Message>
template <class Handler>
BOOST_FORCEINLINE std::size_t basic_event_loop<Token, Message>::deliver_events(Handler& receiver) {
  std::size_t calls = 0;
  while (batch_next_ != batch_end_) {
    selector::native_event& event = *batch_next_;
    entry* const found = table_.find(selector::descriptor(event));
    if (!found) {
      calls += deliver_internal(receiver, event);
      continue;
    }
    if (!found->is_watched_as(selector::tag(event))) {
      if (!found->owns(selector::tag(event))) {
        ++batch_next_; // of a registration that has ended
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
    Token const name = found->token();
    // Where nobody writes, errors and hang-ups, which the system reports always, are the reader's.
    bool const has_writer = found->wants_writing();
    if (has_writer && selector::is_only_writable(event)) {
      ++batch_next_;
      receiver.writable(*this, name);
    } else if (!has_writer || (found->wants_reading() && selector::concerns_reading(event))) {
      read_hint const hint = selector::hint(event);
      if (has_writer && selector::concerns_writing(event)) {
        selector::drop_reading(event); // comes round again, if it is not stale by then
      } else {
        ++batch_next_;
      }
      receiver.readable(*this, name, hint);
    } else {
      ++batch_next_;
      deliver_failing_write(receiver, *found, event);
    }
  }
  return calls;
}

/// Apart from the fast path, which is smaller thereby.
template <class Token, class Message>
template <class Handler>
BOOST_NOINLINE void
basic_event_loop<Token, Message>::deliver_failing_write(Handler& receiver, entry const& watched,
                                                        selector::native_event const& event) {
  receiver.write_failing(*this, watched.token(), selector::failing_write_hint(event));
}

/// The first event after a connect: it says `writable`, and nothing before that. Whatever else the
/// event reports of a connection that was made follows as an event of its own.
template <class Token, class Message>
template <class Handler>
std::size_t basic_event_loop<Token, Message>::deliver_outcome(Handler& receiver, entry& connecting,
                                                              selector::native_event& event) {
  bool const is_more = connecting.wants_writing() && connecting.wants_reading() &&
                       !selector::is_error(event) && selector::concerns_reading(event);
  int const fd = static_cast<int>(selector::descriptor(event));
  int const error = selector::error(event);
  if (!selector::concerns_writing(event)) {
    drop_second_outcome(event);
  }
  if (is_more) {
    selector::drop_writing(event);
  } else {
    ++batch_next_;
  }
  return tell_outcome(receiver, connecting, fd, error, state::disarmed);
}

/// A selector that has events of their own for reading and writing may fetch both at once. Where
/// the one about reading is the first and tells the outcome, the other would tell it again.
template <class Token, class Message>
void basic_event_loop<Token, Message>::drop_second_outcome(
    selector::native_event const& first) noexcept {
  batch_end_ =
      std::remove_if(batch_next_ + 1, batch_end_, [&first](selector::native_event const& other) {
        return selector::descriptor(other) == selector::descriptor(first) &&
               selector::tag(other) == selector::tag(first) && selector::concerns_writing(other);
      });
}

/// Outcomes of which no event has come.
template <class Token, class Message>
template <class Handler>
std::size_t basic_event_loop<Token, Message>::deliver_known_outcomes(Handler& receiver) {
  std::size_t calls = 0;
  for (std::size_t left = outcomes_.size(); left != 0 && !outcomes_.empty() && !is_retired_;
       --left) {
    known_outcome const told = outcomes_.front();
    outcomes_.erase(outcomes_.begin());
    entry& known = table_.at(told.fd);
    if (known.owns(told.generation) && known.state() == state::connecting) {
      if (known.wants_writing() && contains(known.how(), trigger::oneshot) &&
          !owner_.is_left_behind()) {
        selector_.remove(told.fd); // its one event is this, of which the selector does not know
      }
      calls += tell_outcome(receiver, known, told.fd, 0, state::unlisted);
    }
  }
  return calls;
}

template <class Token, class Message>
template <class Handler>
std::size_t basic_event_loop<Token, Message>::tell_outcome(Handler& receiver, entry& connecting,
                                                           int fd, int error, state fired) {
  Token const name = connecting.token();
  if (connecting.wants_writing()) {
    connecting.set_state(contains(connecting.how(), trigger::oneshot) ? fired : state::watched);
  } else {
    // Writability was asked of the selector for the outcome only. Changing that makes it report
    // anew whatever else there is.
    connecting.renew(connecting.next_generation(), armed_state(connecting.how()));
    // (In a child without a selector of its own, that is yet to be made.)
    if (!owner_.is_left_behind() &&
        selector_.modify(fd, connecting.wanted(), connecting.how(),
                         selector::tag_data(fd, connecting.generation())) != 0) {
      forget(fd); // closed meanwhile
      return 0;
    }
  }
  // Why it was refused is told while the handler is called, and to nobody later: the number may be
  // someone else's by then.
  auto const end = detail::make_scope_exit([this] { refusal_ = connect_refusal{-1, 0}; });
  int const refusal = retries_.take_refusal(fd);
  refusal_ = connect_refusal{fd, refusal != 0 ? refusal : error};
  receiver.writable(*this, name);
  return 1;
}

/// An event of the loop's own: its waker, which has done its work by ending the wait, or its
/// signals.
template <class Token, class Message>
template <class Handler>
std::size_t
basic_event_loop<Token, Message>::deliver_internal(Handler& receiver,
                                                   selector::native_event const& event) {
  bool const is_signal = selector::tag(event) == signal_source;
  ++batch_next_;
  return is_signal ? deliver_signals(receiver, event) : 0;
}

/// Signals that are left when the most is reached, or when a call throws, are reported again. The
/// event is a copy, because a call that enters the loop again fetches others in its place.
template <class Token, class Message>
template <class Handler>
BOOST_NOINLINE std::size_t
basic_event_loop<Token, Message>::deliver_signals(Handler& receiver, selector::native_event event) {
  auto const end = detail::make_scope_exit([this, &event] { signals_.put_back(event); });
  std::size_t calls = 0;
  signal_info info;
  while (calls != config_.event_capacity && !is_retired_ && signals_.read(event, info) == 0) {
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
  while (calls != most && mailbox_->take(notify)) {
    ++calls;
  }
  return calls;
}

template <class Token, class Message>
template <class Handler>
std::size_t basic_event_loop<Token, Message>::deliver_timers(Handler& receiver) {
  if (is_retired_) {
    return 0;
  }
  clock::time_point const now = clock::now();
  if (!retries_.empty() && own_selector() == 0) {
    retries_.retry(
        now, [this](int fd, detail::connect_result tried) { return conclude_connect(fd, tried); },
        [this](int fd) { table_.at(fd).vacate(); });
  }
  auto const fire = [&](Token name) { receiver.timer(*this, name); };
  std::uint64_t const ticks = ticks_until(now);
  std::size_t calls = 0;
  while (!is_retired_ && timers_.pop_due(ticks, fire)) {
    ++calls;
  }
  return calls;
}

} // namespace mioext

#endif // MIOEXT_IMPL_EVENT_LOOP_HPP
