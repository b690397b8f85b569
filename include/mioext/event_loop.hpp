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

#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/polling/selector.hpp> // before all that other systems have not

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include <boost/system/error_code.hpp>

#include <mioext/detail/duration.hpp>
#include <mioext/detail/event_loop/handle_ops.hpp>
#include <mioext/detail/event_loop/loop_core.hpp>
#include <mioext/detail/event_loop/mailbox.hpp>
#include <mioext/detail/event_loop/token_word.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/detail/polling/argument_checks.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/event_loop_config.hpp>
#include <mioext/handler.hpp>
#include <mioext/interest.hpp>
#include <mioext/sender.hpp>
#include <mioext/timeout.hpp>
#include <mioext/token.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
namespace detail {

template <class Token, class Message, class Executor> class async_loop;

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
///   handle. Where it closes a descriptor in another way (an Asio socket, close(2)), the loop
///   learns of it only when the number is registered again: deregister first, if events of the same
///   batch would hurt.
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
/// Closing a handle takes it out of the system's selector only when no other descriptor
/// refers to the same open file (after dup or fork). Where one does and the handle is closed
/// outside of a handler, deregister it first: the loop does not hear of the close, and what happens
/// to that file is told under the old token, until the number is registered again. Where memory
/// runs out, members that register a handle throw std::bad_alloc in either form, and nothing is
/// registered then.
///
/// @par Thread safety
/// The loop belongs to the thread that runs it. From other threads: shutdown(), and the senders of
/// channel().
///
/// @tparam Token what events carry: `token`, or any trivially copyable type no larger than a
/// pointer, such as an enum class, an index, or a `connection*`. (Deregister before the object that
/// a pointer token points to goes.)
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
  /// A temporary object that owns its descriptor (which has close() and cannot be copied) does not
  /// compile: it would be closed at once. Temporary objects that refer to somebody else's do.
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

  /// Gives a registered handle another token, interest and trigger; all three are replaced. Also
  /// what arms a `oneshot` again. Events fetched before are dropped, and readiness that exists at
  /// this moment is reported anew, by the next tick. While a connect is under way, its outcome is
  /// reported with the new token.
  ///
  /// Errors as of registry::reregister_handle(). When the handle turns out to have been closed
  /// (no_such_file_or_directory, bad_file_descriptor), its registration is gone.
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

  /// Stops watching `handle`, also one whose connect is under way. No event of it reaches the
  /// handler any more, whatever is returned.
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

  /// Connects `socket` to `endpoint` and says when it is known how that ended.
  ///
  /// After a return without error there is exactly one first `writable(name)`, from a later run(),
  /// and nothing is delivered for the handle before it: whether connect(2) succeeded at once, goes
  /// on, was interrupted, or found the backlog of a Unix listener full. In that last case the
  /// system reports nothing, so the loop tries again by itself, after a millisecond and then ever
  /// longer (64 milliseconds at the most), until the connection is made, is refused, or the socket
  /// is deregistered or closed. Then `socket.take_error()` (SO_ERROR) says whether it worked. For a
  /// connect that was refused after such a wait, it names the reason to a mioext socket inside the
  /// handler, and connection_reset to everyone else: the system has no other word for it. Such a
  /// socket can only be closed.
  ///
  /// After the outcome the socket is registered with `wanted` and `how`. With `oneshot`, the
  /// outcome is the one event if `writable` is among what was wanted (and if there is something to
  /// read already, `readable` follows as its second half).
  ///
  /// A socket that is closed and can open itself is opened for the endpoint's protocol, as in Asio.
  /// It is made non-blocking; one of Asio's sockets with non_blocking(true), because a handler
  /// reads and writes until its operations say would_block. A stream's synchronous
  /// operations wait or not as its own non_blocking() says, before and after. The socket may have been
  /// registered before: the new registration takes its place.
  ///
  /// With TCP_FASTOPEN_CONNECT (Linux) and a cookie of the peer's, the system has sent nothing before
  /// the first write, which is part of the connect: the notification then says that this write may be
  /// made, and take_error() knows nothing. The outcome is what the writes and reads after it report.
  ///
  /// @param socket an open stream or datagram socket.
  /// @param endpoint anything with data() and size() as Asio's endpoints have.
  ///
  /// Errors: what connect(2) says at once, for instance connection_refused by a Unix address where
  /// nobody listens. Then nothing is registered, not even what was before. But where the socket is
  /// connected already (already_connected), is connecting (connection_already_in_progress), or listens,
  /// its registration is left alone, because it is of another use. It makes no difference who
  /// connected it and how; a datagram socket may be connected again.
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

  /// Makes `acceptor`, which is open and bound, listen, and calls `readable(name)` when there is
  /// someone to accept: also for a connection that arrives between listening and registering. With
  /// an edge trigger accept until would_block.
  ///
  /// The acceptor is made non-blocking; one of Asio's with non_blocking(true). It may listen already,
  /// or be registered: the new backlog and the new registration take the place of the old.
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
  /// Up to the configured capacity no memory is taken; past it, it grows.
  /// Complexity: constant. @throws std::bad_alloc
  template <class Rep, class Period>
  timeout timer(std::chrono::duration<Rep, Period> after, Token name) {
    return timeout(core_.set_timer(detail::ceil_nanoseconds(after), tokens::to_word(name)));
  }

  /// The same, but where memory ran out `ec` is not_enough_memory and the timeout names no timer.
  template <class Rep, class Period>
  timeout timer(std::chrono::duration<Rep, Period> after, Token name,
                boost::system::error_code& ec) {
    return timeout(core_.set_timer(detail::ceil_nanoseconds(after), tokens::to_word(name), ec));
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
  /// The signal is blocked in the calling thread, and unblocked by deregister_signal() and the
  /// loop's destructor (in the thread that calls them) if it was not blocked before; one that has
  /// come and was not delivered yet is dropped then. Threads made later inherit the mask. Threads
  /// made earlier do not: a signal sent to the process may reach one of them, with its usual
  /// effect, so register signals before starting threads.
  ///
  /// A signal goes to one loop of the process only. Several of the same kind may arrive as one, as
  /// always; real-time signals are counted.
  ///
  /// Errors: invalid_argument for what is no signal, SIGKILL and SIGSTOP; file_exists if it is
  /// registered with this loop; device_or_resource_busy if with another.
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
  /// Such a message may stand behind another one whose sender the system has stopped in the middle
  /// of send(). The loop goes on as before then, until that send is done: asleep where nothing
  /// happens, never spinning, so that also a thread of higher priority on the same processor lets
  /// the sender finish.
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

  /// The same; exceptions of the handler come through all the same.
  template <class Handler> void run(Handler&& receiver, boost::system::error_code& ec);

  /// One tick: waits until there is something to do, calls the handler for what there is, and
  /// returns how often that was. Does not wait if shutdown was requested, nor consume that request.
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

  /// Makes run() return after the tick that it is in. Thread-safe, also from inside a handler; not
  /// from a signal handler that interrupts the thread in the middle of something. Never blocks.
  void shutdown() noexcept { core_.mailbox()->request_shutdown(); }

  /// True between shutdown() and the return of the run() that heeds it. Thread-safe.
  bool shutdown_requested() const noexcept { return core_.mailbox()->shutdown_requested(); }

  // --- Inside another loop -----------------------------------------------------------------------

  /// The selector's own descriptor, to be waited on by another poll loop: it is readable when
  /// run_once() would find I/O, signals, messages or a shutdown, and when what
  /// time_to_next_timer() said holds no longer.
  int native_handle() const noexcept { return core_.handles().system_selector().native_handle(); }

  /// How long the other loop may wait for native_handle() before it must call run_once() all the
  /// same, because a timer is due or something was left over: zero if at once, max() if never.
  std::chrono::nanoseconds time_to_next_timer() noexcept { return core_.time_to_next_timer(); }

  /// To be called in the child after fork() if it goes on with the loop: parent and child share the
  /// system's selector then, and this gives the child one of its own, under the same descriptor number
  /// (unless, with kqueue, which no child inherits, something else was opened under it), with all that
  /// is registered. Before the fork and in the parent there is nothing to do; the call is allowed.
  ///
  /// What the child does with the loop before that does not reach the parent: it may close handles,
  /// deregister, destroy the loop and exit without this call. Members that need the selector (to
  /// register, to connect, to run) make the call themselves, and report its errors. That holds for
  /// fork(), and what the C library makes of it (daemon(), forkpty()). The child of vfork() must not
  /// touch the loop; after a bare clone() or _Fork(), of which nobody is told, this call comes first.
  /// Other threads that the child starts leave the loop and its senders alone until then.
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
  template <class, class, class> friend class detail::async_loop;
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
  template <class Handler> bool run_step(Handler& receiver, boost::system::error_code& ec);
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

} // namespace mioext

#include <mioext/impl/event_loop.hpp>

#endif // MIOEXT_EVENT_LOOP_HPP
