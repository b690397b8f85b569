//
// mioext/event_loop.hpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The event loop: it waits for data, room, timers, messages and signals at once, and calls a
// handler.
//
// The file is long because it documents one class, and everything that the class promises.
//

#ifndef MIOEXT_EVENT_LOOP_HPP
#define MIOEXT_EVENT_LOOP_HPP

#include <mioext/detail/system.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include <boost/system/error_code.hpp>

#include <mioext/detail/duration.hpp>
#include <mioext/detail/event_loop/loop_core.hpp>
#include <mioext/detail/event_loop/mailbox.hpp>
#include <mioext/detail/event_loop/token_word.hpp>
#include <mioext/detail/event_loop/watch.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/detail/polling/argument_checks.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/event_loop_config.hpp>
#include <mioext/handler.hpp>
#include <mioext/interest.hpp>
#include <mioext/sender.hpp>
#include <mioext/timeout.hpp>
#include <mioext/token.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

template <class Token, class Message, class Executor, template <class, class, class> class Nesting>
class async_loop;

} // namespace detail

template <class Token, class Message, class Executor> class basic_async_event_loop;

/// Waits for any combination of data, writability, timers, messages from other threads and signals,
/// and calls a handler for each, one at a time.
///
/// The program registers its handles with tokens of its own and does the I/O itself. The loop owns
/// and closes no handle. A handle is a descriptor (`int`) or anything with `native_handle()`: every
/// Asio socket and descriptor, every mioext handle.
///
/// @par What is promised
/// - **Connect**: after connect() without error there is exactly one first `writable`, from run(),
///   once the outcome is known; see there.
/// - **Listen**: a connection that arrives while listen() registers is reported.
/// - **No stale event**: once deregister_handle() or reregister_handle() returned, or a handle was
///   closed and its number registered again, no event of the old registration reaches the handler,
///   not even one that was fetched before. The same holds as soon as a handler closes a mioext
///   handle. If it closes a descriptor in another way (an Asio socket, close(2)), the loop learns
///   of that only when the number is registered again; deregister it first if later events of the
///   same batch would do harm.
/// - **Nothing swallowed**: errors and hang-ups arrive as `readable` or `writable`, according to
///   interest.
/// - **Order**: for one event `readable` comes before `writable` (kqueue has an event for each, in
///   an order of its own); in one tick, I/O and signals, then messages, then timers.
/// - **Re-entrance**: a handler may call every member but run(), and may close any handle.
/// - **Exceptions**: one thrown by a handler leaves run() or run_once(). The loop stays usable, and
///   the next run delivers what was due after the one that threw.
/// - **Economy**: no allocation in steady state, no wake-up while nothing happens, no system call
///   but waiting.
///
/// @par Limits
/// Closing a handle takes it out of the system's selector only when no other descriptor refers to
/// the same open file (after dup or fork). If another descriptor does and the handle is closed
/// outside of a handler, deregister the handle first. Otherwise the loop does not learn of the
/// close, and reports events of that file under the old token until the number is registered again.
/// If memory runs out, both forms of the members that register a handle throw std::bad_alloc, and
/// nothing is registered.
///
/// @par Thread safety
/// The loop belongs to the thread that runs it. From other threads: shutdown(), and the senders of
/// channel().
///
/// @tparam Token what events carry: `token`, or any trivially copyable type no larger than a
/// pointer, such as an enum class, an index, or a `connection*`. (If the token is a pointer,
/// deregister the handle, and clear the timers that carry it, before the object that it points to
/// is destroyed.)
/// @tparam Message what senders send; nothrow move constructible.
///
/// @par Example
/// @code
/// struct greeter final : mioext::handler {
///   void readable(loop_type& loop, mioext::token, mioext::read_hint) override {
///     while (mioext::tcp_socket peer = accept_next()) ...
///   }
/// };
/// mioext::event_loop loop;
/// mioext::tcp_acceptor acceptor(endpoint);
/// loop.listen(acceptor, 256, mioext::token(0));
/// greeter handler;
/// loop.run(handler);
/// @endcode
///
/// @par Source
/// mio's first `EventLoop` (2014), and what later versions of mio learned.
template <class Token = token, class Message = no_message> class basic_event_loop {
  static_assert(detail::fits_token_word<Token>::value,
                "mioext: a token is a trivially copyable type no larger than a pointer: "
                "mioext::token, an enumeration, an index, or a pointer to your connection");

public:
  /// What events carry.
  using token_type = Token;
  /// What senders send.
  using message_type = Message;
  /// What run() calls: a class derived from this.
  using handler_type = basic_handler<Token, Message>;
  /// The clock of the timers.
  using clock_type = std::chrono::steady_clock;
  /// What now() returns and timer_at() takes.
  using time_point = clock_type::time_point;

  /// Makes a loop of default sizes.
  /// @throws boost::system::system_error when the system has no descriptor left, for instance.
  basic_event_loop() : basic_event_loop(event_loop_config()) {}

  /// The same. After an error the loop can only be destroyed.
  explicit basic_event_loop(boost::system::error_code& ec)
      : basic_event_loop(event_loop_config(), ec) {}

  /// Makes a loop as `config` says.
  /// @throws boost::system::system_error invalid_argument for a capacity, a number of messages per
  /// tick or a longest sleep that is not positive, or a tick below a millisecond; what the system
  /// says when it has no descriptor left.
  explicit basic_event_loop(event_loop_config const& config) : basic_event_loop(unopened{config}) {
    detail::throw_error(detail::system_error_code(core_.open()), "event_loop");
  }

  /// The same. After an error the loop can only be destroyed.
  basic_event_loop(event_loop_config const& config, boost::system::error_code& ec)
      : basic_event_loop(unopened{config}) {
    ec = detail::system_error_code(core_.open());
  }

  /// Registered handles are left as they are; pending timers and messages are dropped; the signal
  /// mask is restored; senders report broken_pipe from now on. Not from inside a handler.
  ~basic_event_loop() = default;

  basic_event_loop(basic_event_loop const&) = delete;
  basic_event_loop& operator=(basic_event_loop const&) = delete;

  // --- Handles -----------------------------------------------------------------------------------

  /// Starts watching `handle`; its events come with `name`.
  ///
  /// A temporary object that owns its descriptor (that is, has close() and cannot be copied) does
  /// not compile, because it would be closed at once. A temporary object that refers to somebody
  /// else's descriptor does compile.
  ///
  /// If it is ready already, the next tick reports that. The errors are those of
  /// registry::register_handle(); after one nothing has changed.
  /// Complexity: one system call; constant time but for growth of a table indexed by descriptor.
  template <class Handle>
  void register_handle(Handle&& handle, Token name, interest wanted, trigger how = trigger::edge) {
    boost::system::error_code ec;
    register_handle(std::forward<Handle>(handle), name, wanted, how, ec);
    detail::throw_error(ec, "register_handle");
  }

  /// @copydoc register_handle
  template <class Handle>
  void register_handle(Handle&& handle, Token name, interest wanted, trigger how,
                       boost::system::error_code& ec) {
    MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Handle);
    ec = detail::system_error_code(
        core_.handles().add(detail::native_handle(handle), tokens::to_word(name), wanted, how));
  }

  /// The same, edge-triggered.
  template <class Handle>
  void register_handle(Handle&& handle, Token name, interest wanted,
                       boost::system::error_code& ec) {
    register_handle(std::forward<Handle>(handle), name, wanted, trigger::edge, ec);
  }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class Handle, class Given, class... Rest,
            class Arguments = detail::registering_arguments<Token, Given, Rest...>,
            detail::if_wrong<Arguments> = 0>
  void register_handle(Handle&&, Given&&, Rest&&...) {
    MIOEXT_DETAIL_CHECK_TOKEN(Arguments::have_token);
    MIOEXT_DETAIL_CHECK_INTEREST(Arguments::have_interest);
  }

  /// Replaces the token, interest and trigger of a registered handle. This also arms a `oneshot`
  /// again. Events already fetched are dropped, and the next tick reports readiness that exists at
  /// this moment again. If a connect is in progress, its outcome is reported with the new token.
  ///
  /// Errors as of registry::reregister_handle(). When the handle turns out to have been closed
  /// (no_such_file_or_directory, bad_file_descriptor, or operation_not_permitted if its number is
  /// that of a regular file by now), its registration is gone.
  template <class Handle>
  void reregister_handle(Handle&& handle, Token name, interest wanted,
                         trigger how = trigger::edge) {
    boost::system::error_code ec;
    reregister_handle(std::forward<Handle>(handle), name, wanted, how, ec);
    detail::throw_error(ec, "reregister_handle");
  }

  /// @copydoc reregister_handle
  template <class Handle>
  void reregister_handle(Handle&& handle, Token name, interest wanted, trigger how,
                         boost::system::error_code& ec) {
    MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Handle);
    ec = detail::system_error_code(
        core_.handles().modify(detail::native_handle(handle), tokens::to_word(name), wanted, how));
  }

  /// The same, edge-triggered.
  template <class Handle>
  void reregister_handle(Handle&& handle, Token name, interest wanted,
                         boost::system::error_code& ec) {
    reregister_handle(std::forward<Handle>(handle), name, wanted, trigger::edge, ec);
  }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class Handle, class Given, class... Rest,
            class Arguments = detail::registering_arguments<Token, Given, Rest...>,
            detail::if_wrong<Arguments> = 0>
  void reregister_handle(Handle&&, Given&&, Rest&&...) {
    MIOEXT_DETAIL_CHECK_TOKEN(Arguments::have_token);
    MIOEXT_DETAIL_CHECK_INTEREST(Arguments::have_interest);
  }

  /// Stops watching `handle`, even while its connect is in progress. After that, none of its events
  /// reaches the handler, even if an error is returned. Timers that were set with the token of the
  /// handle stay: the loop does not know whether they belong together. clear_timer() ends them.
  ///
  /// Errors: no_such_file_or_directory if it is not registered, bad_file_descriptor if it is
  /// closed.
  template <class Handle> void deregister_handle(Handle&& handle) {
    boost::system::error_code ec;
    deregister_handle(handle, ec);
    detail::throw_error(ec, "deregister_handle");
  }

  /// @copydoc deregister_handle
  template <class Handle> void deregister_handle(Handle&& handle, boost::system::error_code& ec) {
    MIOEXT_DETAIL_CHECK_HANDLE(Handle);
    ec = detail::system_error_code(core_.handles().remove(detail::native_handle(handle)));
  }

  /// Stops watching `handle` if it is registered with the token `name`; otherwise does nothing.
  /// For those who are told of a close only afterwards, when the number may already be registered
  /// again for somebody else, with another token. It does not matter whether the handle is still
  /// open: this form has no errors. Tokens are compared by their bytes, so the type of the token
  /// should have no padding.
  ///
  /// @returns true if it was registered with that token and is no more.
  /// Complexity: constant; a system call only if the result is true.
  template <class Handle> bool deregister_handle(Handle&& handle, Token name) {
    MIOEXT_DETAIL_CHECK_HANDLE(Handle);
    return detail::forget_as(core_.handles(), detail::native_handle(handle), tokens::to_word(name));
  }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class Handle, class Given, detail::if_no_token<Token, Given> = 0>
  bool deregister_handle(Handle&&, Given&&) {
    MIOEXT_DETAIL_CHECK_TOKEN((detail::is_token_argument<Token, Given>::value));
    return false;
  }

  /// From now on, `handle` is watched for `wanted`, whatever was before: registers it, changes its
  /// registration, or, with interest::none, ends it. This is what a C library says of the
  /// descriptors that it opens and closes itself, and such libraries read what they like, so the
  /// trigger is `level` unless another one is given.
  ///
  /// If the handle is registered like that already, nothing happens: no system call is made, and
  /// events already fetched are delivered. (A `oneshot` whose event has come is armed again.)
  /// Otherwise this is register_handle() or reregister_handle(). A connect() or a listener made by
  /// listen() may be changed as by reregister_handle(): a connect's outcome is reported with the new
  /// token.
  ///
  /// A token other than that of the registration means another owner: with an interest, it takes the
  /// handle over; with interest::none, nothing happens, as with deregister_handle(handle, name).
  /// interest::none has no errors, even if the handle is closed.
  ///
  /// If the handle was closed and its number now refers to another file, each change notices that,
  /// and the other file is registered. But if token, interest and trigger are the same as before, the
  /// loop does not ask the system and cannot notice it, so nobody watches the other file. Libraries
  /// that tell of each descriptor before they close it (libcurl, c-ares) are not concerned. For
  /// others, give each connection a token of its own, such as a count (a pointer may come again, too),
  /// or watch the old number for interest::none first. (mioext handles closed in a handler are not
  /// concerned either: the loop hears of these.)
  ///
  /// Errors: those of register_handle() but file_exists. After an error of a change the handle is
  /// registered as before, or, if it has been closed or either trigger is `exclusive`, not at all.
  /// `exclusive` is refused (invalid_argument) while a connect is in progress.
  /// Complexity: as of register_handle().
  template <class Handle>
  void watch(Handle&& handle, Token name, interest wanted, trigger how = trigger::level) {
    boost::system::error_code ec;
    watch(std::forward<Handle>(handle), name, wanted, how, ec);
    detail::throw_error(ec, "watch");
  }

  /// @copydoc watch
  template <class Handle>
  void watch(Handle&& handle, Token name, interest wanted, trigger how,
             boost::system::error_code& ec) {
    MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Handle);
    ec = detail::system_error_code(detail::watch(core_.handles(), detail::native_handle(handle),
                                                 tokens::to_word(name), wanted, how));
  }

  /// The same, level-triggered.
  template <class Handle>
  void watch(Handle&& handle, Token name, interest wanted, boost::system::error_code& ec) {
    watch(std::forward<Handle>(handle), name, wanted, trigger::level, ec);
  }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class Handle, class Given, class... Rest,
            class Arguments = detail::registering_arguments<Token, Given, Rest...>,
            detail::if_wrong<Arguments> = 0>
  void watch(Handle&&, Given&&, Rest&&...) {
    MIOEXT_DETAIL_CHECK_TOKEN(Arguments::have_token);
    MIOEXT_DETAIL_CHECK_INTEREST(Arguments::have_interest);
  }

  /// Connects `socket` to `endpoint` and says when it is known how that ended.
  ///
  /// If connect() returns without error, a later run() calls `writable(name)` exactly once to
  /// report the outcome, and nothing is delivered for the handle before that. This holds whether
  /// connect(2) succeeded at once, is in progress, was interrupted, or found the backlog of a Unix
  /// listener full. In the last case the system reports nothing, so the loop itself tries again,
  /// first after a millisecond and then at growing intervals (at most 64 milliseconds), until the
  /// connection is made or refused, or the socket is deregistered or closed. When the outcome is
  /// reported, `socket.take_error()` (SO_ERROR) says whether the connect succeeded. If it was
  /// refused after such retries, take_error() of a mioext socket returns the actual reason during
  /// that call of the handler; all other code sees connection_reset, because the system offers no
  /// way to store another error. Such a socket can only be closed.
  ///
  /// After the outcome the socket is registered with `wanted` and `how`. With `oneshot`, the
  /// outcome counts as the one event if `wanted` includes `writable`. (If there is already
  /// something to read, `readable` follows as part of the same event.)
  ///
  /// A closed socket that has open() is opened for the endpoint's protocol, as in Asio. The socket
  /// is made non-blocking, an Asio socket by non_blocking(true), because a handler reads and writes
  /// until an operation fails with would_block. Whether the synchronous operations of a stream wait
  /// is decided by its own non_blocking() alone, which is not changed. If the socket is registered
  /// already, the new registration replaces the old one.
  ///
  /// With TCP_FASTOPEN_CONNECT (Linux) and a cookie from the peer, the first write is part of the
  /// connect, and the system sends nothing before it. In this case `writable` means only that this
  /// write can be made, and take_error() returns no error; the first write and the I/O after it
  /// report the outcome.
  ///
  /// @param socket an open stream or datagram socket.
  /// @param endpoint anything with data() and size() as Asio's endpoints have.
  ///
  /// Errors: those that connect(2) returns at once, for instance connection_refused for a Unix
  /// address where nobody listens. After such an error the socket is not registered, even if it was
  /// before. But if the socket is already connected (already_connected), is connecting
  /// (connection_already_in_progress) or is listening, its registration is kept, because it belongs
  /// to that other use. It does not matter who connected the socket, or how. A datagram socket may
  /// be connected again.
  template <class Socket, class Endpoint>
  void connect(Socket&& socket, Endpoint const& endpoint, Token name,
               interest wanted = interest::readable | interest::writable,
               trigger how = trigger::edge) {
    boost::system::error_code ec;
    connect(std::forward<Socket>(socket), endpoint, name, wanted, how, ec);
    detail::throw_error(ec, "connect");
  }

  /// @copydoc connect
  template <class Socket, class Endpoint>
  void connect(Socket&& socket, Endpoint const& endpoint, Token name, interest wanted, trigger how,
               boost::system::error_code& ec);

  /// The same, interested in reading and writing, edge-triggered.
  template <class Socket, class Endpoint>
  void connect(Socket&& socket, Endpoint const& endpoint, Token name,
               boost::system::error_code& ec) {
    connect(std::forward<Socket>(socket), endpoint, name, interest::readable | interest::writable,
            trigger::edge, ec);
  }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class Socket, class Endpoint, class Given, class... Rest,
            detail::if_no_token<Token, Given> = 0>
  void connect(Socket&&, Endpoint const&, Given&&, Rest&&...) {
    MIOEXT_DETAIL_CHECK_TOKEN((detail::is_token_argument<Token, Given>::value));
  }

  /// Makes `acceptor`, which must be open and bound, listen, and calls `readable(name)` when there
  /// is a connection to accept, including one that arrives between listening and registering. With
  /// an edge trigger, accept until would_block.
  ///
  /// The acceptor is made non-blocking, an Asio acceptor by non_blocking(true). If it is already
  /// listening or registered, the new backlog and the new registration replace the old ones.
  ///
  /// @param backlog how many connections may wait to be accepted (listen(2)).
  ///
  /// Errors: those of listen(2) and of register_handle().
  template <class Acceptor>
  void listen(Acceptor&& acceptor, int backlog, Token name, trigger how = trigger::edge) {
    boost::system::error_code ec;
    listen(std::forward<Acceptor>(acceptor), backlog, name, how, ec);
    detail::throw_error(ec, "listen");
  }

  /// @copydoc listen
  template <class Acceptor>
  void listen(Acceptor&& acceptor, int backlog, Token name, trigger how,
              boost::system::error_code& ec);

  /// The same, edge-triggered.
  template <class Acceptor>
  void listen(Acceptor&& acceptor, int backlog, Token name, boost::system::error_code& ec) {
    listen(std::forward<Acceptor>(acceptor), backlog, name, trigger::edge, ec);
  }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class Acceptor, class Given, class... Rest, detail::if_no_token<Token, Given> = 0>
  void listen(Acceptor&&, int, Given&&, Rest&&...) {
    MIOEXT_DETAIL_CHECK_TOKEN((detail::is_token_argument<Token, Given>::value));
  }

  // --- Timers ------------------------------------------------------------------------------------

  /// Calls `timer(name)` once, when `after` has passed: never before; at most one tick later than
  /// that on an idle machine. Zero and less mean the next tick of the clock. Any std::chrono
  /// duration will do; some 292 years and more mean never.
  ///
  /// Up to the configured capacity, memory is allocated only with the first timer; beyond that, it
  /// grows. Complexity: constant. @throws std::bad_alloc
  template <class Rep, class Period>
  timeout timer(std::chrono::duration<Rep, Period> after, Token name) {
    return timeout(core_.set_timer(detail::loop_core::from_now(after), tokens::to_word(name)));
  }

  /// The same, but if memory runs out, `ec` is set to not_enough_memory and the returned timeout
  /// names no timer.
  template <class Rep, class Period>
  timeout timer(std::chrono::duration<Rep, Period> after, Token name,
                boost::system::error_code& ec) {
    return timeout(core_.set_timer(detail::loop_core::from_now(after), tokens::to_word(name), ec));
  }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class After, class Given, class... Rest,
            class Arguments = detail::timer_arguments<Token, After, Given>,
            detail::if_wrong<Arguments> = 0>
  timeout timer(After&&, Given&&, Rest&&...) {
    MIOEXT_DETAIL_CHECK_DURATION(Arguments::have_duration);
    MIOEXT_DETAIL_CHECK_TOKEN(Arguments::have_token);
    return timeout();
  }

  /// Calls `timer(name)` once, when the clock has reached `due`: otherwise the same as timer(), but
  /// reads no clock. With now() it is the cheapest way to set a timer inside a handler:
  /// `loop.timer_at(loop.now() + std::chrono::seconds(5), name)`. As now() may lie back by as long
  /// as the tick lasts, the timer may be early by that, counted from the call; counted from `due`
  /// it never is.
  ///
  /// A point in the past means that the timer fires as soon as the loop looks at its timers, as zero
  /// does for timer(). Timers fire in the order of their points of time, and in the order in which
  /// they were set where these fall into one tick of the clock, or lie before the last one in which
  /// the loop has looked at its timers. time_point::max() means never. Points of another unit are
  /// rounded up, and what lies beyond the clock's last one means never; but the sum `now() +
  /// duration` is the program's own, and may overflow if the duration is near duration::max().
  ///
  /// Memory and complexity as of timer(). @throws std::bad_alloc
  ///
  /// @par Source
  /// ev_timer of libev, whose timeouts count from ev_now().
  template <class Duration>
  timeout timer_at(std::chrono::time_point<clock_type, Duration> due, Token name) {
    return timeout(core_.set_timer(detail::ceil_time_point(due), tokens::to_word(name)));
  }

  /// The same, but if memory runs out, `ec` is set to not_enough_memory and the returned timeout
  /// names no timer.
  template <class Duration>
  timeout timer_at(std::chrono::time_point<clock_type, Duration> due, Token name,
                   boost::system::error_code& ec) {
    return timeout(core_.set_timer(detail::ceil_time_point(due), tokens::to_word(name), ec));
  }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class Due, class Given, class... Rest,
            class Arguments = detail::timer_at_arguments<Token, Due, Given>,
            detail::if_wrong<Arguments> = 0>
  timeout timer_at(Due&&, Given&&, Rest&&...) {
    MIOEXT_DETAIL_CHECK_TIME_POINT(Arguments::have_time_point);
    MIOEXT_DETAIL_CHECK_TOKEN(Arguments::have_token);
    return timeout();
  }

  /// The clock as this tick of the loop has read it. Inside a handler it is the same in all calls of
  /// one tick, whichever of the handler's members asks: the first call in a tick reads the clock,
  /// after the loop has waited. So it lies back by as long as the tick's handlers have run since,
  /// and never by the time that the loop slept. It never goes back. The loop finds the timers that
  /// are due by the same reading: in the call of a timer it is not before the time of that timer.
  /// After run_once() inside a handler it is what the inner tick has read, or is read anew.
  ///
  /// Outside of handlers, before the first tick, too, every call reads the clock. A tick in which
  /// nobody asks and no timer is pending reads none.
  ///
  /// @par Source
  /// ev_now() of libev, uv_now() of libuv.
  time_point now() const noexcept { return core_.now(); }

  /// Sets a pending timer anew: it fires when `after` has passed from this call, with the token
  /// that it has, in the place of the time that it had. The timer stays the same: `set` and its
  /// copies go on naming it. Durations as of timer().
  ///
  /// A timer that is due in the tick that is under way, but has not been called yet, is not called
  /// in that tick any more. Among timers of one tick of the clock it comes last, as if it were set
  /// now; only if that is the tick for which it was set before, it keeps its place.
  ///
  /// @returns true if it was pending. Otherwise nothing is done, and false returned: it has fired,
  /// which it also has inside its own call, or was cleared, or `set` names none. Then timer() sets
  /// another one.
  ///
  /// Needs no memory and cannot fail. Complexity: constant; one reading of the clock.
  ///
  /// @par Source
  /// ev_timer_again() of libev, uv_timer_again() of libuv.
  template <class Rep, class Period>
  bool reset_timer(timeout const& set, std::chrono::duration<Rep, Period> after) noexcept {
    return core_.reset_timer(set.id_, detail::loop_core::from_now(after));
  }

  /// The same for a point of time as of timer_at(): `loop.reset_timer(set, loop.now() + limit)`.
  /// Reads no clock.
  template <class Duration>
  bool reset_timer(timeout const& set, std::chrono::time_point<clock_type, Duration> due) noexcept {
    return core_.reset_timer(set.id_, detail::ceil_time_point(due));
  }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class When, detail::if_wrong<detail::reset_arguments<When>> = 0>
  bool reset_timer(timeout const&, When&&) {
    MIOEXT_DETAIL_CHECK_DURATION(detail::reset_arguments<When>::are_right);
    return false;
  }

  /// Clears a timer. @returns true if it was pending; false if it has fired or was cleared before.
  /// Complexity: constant.
  bool clear_timer(timeout set) noexcept { return core_.timers().erase(set.id_); }

  // --- Messages ----------------------------------------------------------------------------------

  /// A sender, with which any thread can send messages to the handler's `notify`. The first call
  /// takes the memory for the queue. To be called by the loop's thread, or before it runs.
  sender<Message> channel() {
    messages().reserve(core_.config().message_capacity);
    return sender<Message>(std::static_pointer_cast<mailbox>(core_.mailbox()));
  }

  // --- Signals -----------------------------------------------------------------------------------

  /// Calls `signal(info)` when signal `number` arrives, in the place of its usual effect.
  ///
  /// The signal is blocked in the calling thread. If it was not blocked before, deregister_signal()
  /// and the loop's destructor unblock it in the thread that calls them; signals that are pending
  /// and not yet delivered are then dropped. Threads made later inherit the mask. Threads made
  /// earlier do not: a signal sent to the process may reach one of them, with its usual effect, so
  /// register signals before starting threads.
  ///
  /// Only one loop of the process can register a signal. As usual, several signals of the same
  /// number may be reported as one; real-time signals are reported one by one.
  ///
  /// Errors: invalid_argument for SIGKILL, SIGSTOP and numbers that are no signal; file_exists if
  /// the signal is already registered with this loop; device_or_resource_busy if it is registered
  /// with another loop.
  ///
  /// @par Source
  /// signalfd(2), signal(7), kqueue(2) for EVFILT_SIGNAL.
  void register_signal(int number) {
    boost::system::error_code ec;
    register_signal(number, ec);
    detail::throw_error(ec, "register_signal");
  }

  /// @copydoc register_signal
  void register_signal(int number, boost::system::error_code& ec) {
    ec = detail::system_error_code(core_.handles().add_signal(number));
  }

  /// Gives signal `number` back to its usual course.
  ///
  /// Errors: invalid_argument for what is no signal, no_such_file_or_directory if it is not
  /// registered.
  void deregister_signal(int number) {
    boost::system::error_code ec;
    deregister_signal(number, ec);
    detail::throw_error(ec, "deregister_signal");
  }

  /// @copydoc deregister_signal
  void deregister_signal(int number, boost::system::error_code& ec) {
    ec = detail::system_error_code(core_.handles().signals().remove(number));
  }

  // --- Running -----------------------------------------------------------------------------------

  /// Waits and calls the handler, until shutdown(). Messages sent before that are delivered first.
  /// A shutdown() from before run() counts: then what was sent is delivered and run() returns.
  ///
  /// Such a message may be queued behind one whose sender was suspended by the system in the middle
  /// of send(). The loop then continues to run normally until that send is complete. It sleeps
  /// while nothing happens and never spins, so that the sender can finish even if the loop's thread
  /// has a higher priority and runs on the same processor.
  ///
  /// Interruptions by signal handlers (EINTR) are passed over.
  ///
  /// @param receiver an object of a class derived from handler_type; called directly if it is
  /// `final`.
  /// @throws boost::system::system_error operation_not_permitted from inside a handler; what the
  /// system says if it cannot wait; and whatever the handler throws.
  template <class Handler> void run(Handler&& receiver) {
    boost::system::error_code ec;
    run(receiver, ec);
    detail::throw_error(ec, "run");
  }

  /// The same, but errors are stored in `ec`; exceptions thrown by the handler still leave run().
  template <class Handler> void run(Handler&& receiver, boost::system::error_code& ec);

  /// Runs one tick: waits until there is something to do, calls the handler for all of it, and
  /// returns the number of calls. If shutdown was requested, it does not wait; it does not consume
  /// that request.
  template <class Handler> std::size_t run_once(Handler&& receiver) {
    boost::system::error_code ec;
    std::size_t const calls = run_once(receiver, ec);
    detail::throw_error(ec, "run_once");
    return calls;
  }

  /// @copydoc run_once
  template <class Handler> std::size_t run_once(Handler&& receiver, boost::system::error_code& ec) {
    return run_one_tick(receiver, detail::loop_core::no_limit(), ec);
  }

  /// The same, waiting no longer than `limit`, rounded up as by poller::poll(); zero only looks.
  template <class Handler, class Rep, class Period>
  std::size_t run_once(Handler&& receiver, std::chrono::duration<Rep, Period> limit) {
    boost::system::error_code ec;
    std::size_t const calls = run_once(receiver, limit, ec);
    detail::throw_error(ec, "run_once");
    return calls;
  }

  /// @copydoc run_once
  template <class Handler, class Rep, class Period>
  std::size_t run_once(Handler&& receiver, std::chrono::duration<Rep, Period> limit,
                       boost::system::error_code& ec) {
    return run_one_tick(receiver, detail::ceil_nanoseconds(limit), ec);
  }

  /// Makes run() return after the current tick. May be called from any thread and from inside a
  /// handler, but not from a signal handler installed with sigaction(2), which may interrupt the
  /// thread at any point. Never blocks.
  void shutdown() noexcept { core_.mailbox()->request_shutdown(); }

  /// True between shutdown() and the return of the run() that heeds it. Thread-safe.
  bool shutdown_requested() const noexcept { return core_.mailbox()->shutdown_requested(); }

  // --- Inside another loop -----------------------------------------------------------------------

  /// The selector's own descriptor, for another poll loop to wait on. It is readable when
  /// run_once() would find I/O, signals, messages or a shutdown, and when the last result of
  /// time_to_next_timer() is no longer valid.
  int native_handle() const noexcept { return core_.handles().system_selector().native_handle(); }

  /// How long the other loop may wait for native_handle() before it must call run_once() all the
  /// same, because a timer is due or something was left over: zero if at once, max() if never.
  std::chrono::nanoseconds time_to_next_timer() noexcept { return core_.time_to_next_timer(); }

  /// Call this in the child after fork() if the child goes on using the loop. After a fork, parent
  /// and child share an epoll instance, and a kqueue does not exist in the child. This call gives
  /// the child a selector of its own, with everything that is registered, under the same descriptor
  /// number (another one if, with kqueue, something else has been opened under that number). Before
  /// the fork and in the parent this call does nothing.
  ///
  /// Nothing that the child does with the loop before this call affects the parent: the child may
  /// close handles, deregister, destroy the loop and exit without it. Members that need the
  /// selector (to register, to connect, to run) make this call themselves, and report its errors.
  /// This holds after fork() and the C library functions that use it (daemon(), forkpty()). The
  /// child of vfork() must not touch the loop. After a bare clone() or _Fork(), which run no fork
  /// handlers, the child must make this call before it uses the loop in any other way. Other
  /// threads that the child starts must not use the loop or its senders until then.
  ///
  /// @param event boost::asio::execution_context::fork_event, or an enumeration of the program's
  /// own with a fork_child.
  /// @throws boost::system::system_error when the system has no descriptor left, for instance; the
  /// call can be repeated.
  ///
  /// Senders copied before the fork send to the loop of their own process; a message that another
  /// thread was sending at that moment exists in the parent only. Handles that both
  /// processes read are shared between them, as always.
  template <class ForkEvent> void notify_fork(ForkEvent event) {
    boost::system::error_code ec;
    notify_fork(event, ec);
    detail::throw_error(ec, "notify_fork");
  }

  /// @copydoc notify_fork
  template <class ForkEvent> void notify_fork(ForkEvent event, boost::system::error_code& ec) {
    ec = detail::system_error_code(
        event == ForkEvent::fork_child ? core_.handles().rebuild_selector() : 0);
  }

private:
  template <class, class, class, template <class, class, class> class>
  friend class detail::async_loop;
  template <class, class, class> friend class basic_async_event_loop;

  using tokens = detail::token_conversion<Token>;
  using mailbox = detail::mailbox<Message>;
  using selector = detail::selector;
  using registration = detail::registration;

  struct unopened {
    event_loop_config const& config;
  };

  struct tick_result {
    std::size_t calls;
    int error;
  };

  explicit basic_event_loop(unopened made) : core_(made.config, std::make_shared<mailbox>()) {}

  mailbox& messages() noexcept { return static_cast<mailbox&>(*core_.mailbox()); }

  template <class Handler> bool finish_run(Handler& receiver);
  template <class Handler, class Repeat>
  bool run_step(Handler& receiver, Repeat repeat, boost::system::error_code& ec);
  template <class Handler>
  std::size_t run_one_tick(Handler& receiver, std::chrono::nanoseconds limit,
                           boost::system::error_code& ec);
  template <class Handler> tick_result tick(Handler& receiver, std::chrono::nanoseconds limit);
  template <class Handler> std::size_t deliver_events(Handler& receiver);
  template <class Handler>
  void deliver_failing_write(Handler& receiver, registration const& watched,
                             selector::native_event const& event);
  template <class Handler>
  std::size_t deliver_outcome(Handler& receiver, registration& connecting,
                              selector::native_event& event);
  template <class Handler> std::size_t deliver_known_outcomes(Handler& receiver);
  template <class Handler> void tell_outcome(Handler& receiver, registration const& connected);
  template <class Handler>
  std::size_t deliver_internal(Handler& receiver, selector::native_event const& event);
  template <class Handler>
  std::size_t deliver_signals(Handler& receiver, selector::native_event event);
  template <class Handler> std::size_t deliver_messages(Handler& receiver, std::size_t most);
  template <class Handler> std::size_t deliver_timers(Handler& receiver);

  detail::loop_core core_;
};

/// The event loop whose tokens are `token`, without messages.
using event_loop = basic_event_loop<>;

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#include <mioext/impl/event_loop.hpp>

#endif // MIOEXT_EVENT_LOOP_HPP
