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

#ifndef MIOEXT_EVENT_LOOP_HPP
#define MIOEXT_EVENT_LOOP_HPP

#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/polling/selector.hpp> // before all that other systems have not

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <boost/system/error_code.hpp>

#include <mioext/detail/dispatch_scope.hpp>
#include <mioext/detail/event_loop/connect_retries.hpp>
#include <mioext/detail/event_loop/handle_ops.hpp>
#include <mioext/detail/event_loop/mailbox.hpp>
#include <mioext/detail/event_loop/registration_table.hpp>
#include <mioext/detail/event_loop/timer_wheel.hpp>
#include <mioext/detail/fork_mark.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/detail/polling/argument_checks.hpp>
#include <mioext/detail/polling/connection_ops.hpp>
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
    detail::throw_error(detail::system_error_code(open()), "event_loop");
  }

  /// The same. After an error the loop can only be destroyed.
  basic_event_loop(event_loop_config const& config, boost::system::error_code& ec)
      : basic_event_loop(unopened{config}) {
    ec = detail::system_error_code(open());
  }

  /// Registered handles are left as they are; pending timers and messages are dropped; the signal
  /// mask is restored; senders report broken_pipe from now on. Not from inside a handler.
  ~basic_event_loop();

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
    ec = detail::system_error_code(add(detail::native_handle(handle), name, wanted, how));
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
    ec = detail::system_error_code(modify(detail::native_handle(handle), name, wanted, how));
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
    ec = detail::system_error_code(remove(detail::native_handle(handle)));
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
  timeout timer(std::chrono::duration<Rep, Period> after, Token name);

  /// The same, but where memory ran out `ec` is not_enough_memory and the timeout names no timer.
  template <class Rep, class Period>
  timeout timer(std::chrono::duration<Rep, Period> after, Token name,
                boost::system::error_code& ec);

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
  bool clear_timer(timeout set) noexcept { return timers_.erase(set.id_); }

  // --- Messages ----------------------------------------------------------------------------------

  /// A sender, with which any thread can send messages to the handler's `notify`. The first call
  /// takes the memory for the queue. To be called by the loop's thread, or before it runs.
  sender<Message> channel();

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
    int error = own_selector();
    if (error == 0) {
      error = signals_.add(selector_, signal_data(), number);
    }
    ec = detail::system_error_code(error);
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
    ec = detail::system_error_code(signals_.remove(number));
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
    return run_one_tick(receiver, no_limit(), ec);
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
                       boost::system::error_code& ec);

  /// Makes run() return after the tick that it is in. Thread-safe, also from inside a handler; not
  /// from a signal handler that interrupts the thread in the middle of something. Never blocks.
  void shutdown() noexcept { mailbox_->request_shutdown(); }

  /// True between shutdown() and the return of the run() that heeds it. Thread-safe.
  bool shutdown_requested() const noexcept { return mailbox_->shutdown_requested(); }

  // --- Inside another loop -----------------------------------------------------------------------

  /// The selector's own descriptor, to be waited on by another poll loop: it is readable when
  /// run_once() would find I/O, signals, messages or a shutdown, and when what
  /// time_to_next_timer() said holds no longer.
  int native_handle() const noexcept { return selector_.native_handle(); }

  /// How long the other loop may wait for native_handle() before it must call run_once() all the
  /// same, because a timer is due or something was left over: zero if at once, max() if never.
  std::chrono::nanoseconds time_to_next_timer() noexcept;

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
    ec = detail::system_error_code(event == ForkEvent::fork_child ? rebuild_selector() : 0);
  }

private:
  template <class, class, class> friend class detail::async_loop;
  template <class, class, class> friend class basic_async_event_loop;

  using clock = std::chrono::steady_clock;
  using selector = detail::selector;
  using entry = detail::registration<Token>;
  using state = detail::registration_state;

  class handler_scope;

  struct unopened {
    event_loop_config const& config;
  };

  struct known_outcome {
    int fd;
    std::uint32_t generation;
  };

  struct connect_refusal {
    int take() noexcept {
      int const taken = error;
      error = 0;
      return taken;
    }

    int fd;
    int error;
  };

  struct tick_result {
    std::size_t calls;
    int error;
  };

  explicit basic_event_loop(unopened made);

  // The loop's own sources, as their events name them.
  enum : std::uint32_t { waker_source = 1, signal_source = 2, probe_source = 3 };

  static selector::user_data waker_data() noexcept { return selector::internal_data(waker_source); }
  static selector::user_data signal_data() noexcept {
    return selector::internal_data(signal_source);
  }

  static std::chrono::nanoseconds no_limit() noexcept { return std::chrono::nanoseconds(-1); }
  static std::chrono::nanoseconds at_once() noexcept { return std::chrono::nanoseconds(0); }

  static state armed_state(trigger how) noexcept {
    return contains(how, trigger::oneshot) ? state::armed : state::watched;
  }

  int open();

  int add(int fd, Token name, interest wanted, trigger how);
  int modify(int fd, Token name, interest wanted, trigger how);
  int remove(int fd) noexcept;
  static int removal_error(int fd, entry const* known) noexcept;
  int start_connecting(int fd, detail::socket_address address, Token name, interest wanted,
                       trigger how);
  int watch_connecting(int fd, Token name, interest wanted, trigger how,
                       detail::connect_progress progress);
  int wait_for_room(int fd, detail::socket_address address, Token name, interest wanted,
                    trigger how);
  detail::connect_retries::verdict conclude_connect(int fd, detail::connect_result tried) noexcept;
  int enter(int fd, std::uint32_t generation, Token name, interest wanted, trigger how,
            state entered);
  int replace(int fd, interest wanted, trigger how, selector::user_data data) noexcept;
  void forget(int fd) noexcept;
  void forget_closed() noexcept;
  int own_selector() noexcept { return owner_.is_left_behind() ? rebuild_selector() : 0; }
  int rebuild_selector() noexcept;
  int rebuild_registration(int fd, selector& fresh) noexcept;

  std::uint64_t ticks_until(clock::time_point point) const noexcept;
  clock::time_point next_wake_up() noexcept;
  void wake_outer_loop(clock::time_point wake_up) noexcept;
  void retire() noexcept;
  void close_inherited_selector() noexcept;

  template <class Handler> bool finish_run(Handler& receiver);
  template <class Handler> bool run_step(Handler& receiver, boost::system::error_code& ec);
  template <class Handler>
  std::size_t run_one_tick(Handler& receiver, std::chrono::nanoseconds limit,
                           boost::system::error_code& ec);
  template <class Handler> tick_result tick(Handler& receiver, std::chrono::nanoseconds limit);
  int fetch(std::chrono::nanoseconds limit) noexcept;
  clock::time_point sleep_deadline(std::chrono::nanoseconds limit) noexcept;
  int wait_until_due(std::chrono::nanoseconds limit) noexcept;
  bool sleeps_without_limit() const noexcept {
    return timers_.empty() && retries_.empty() && outcomes_.empty() &&
           config_.longest_sleep == std::chrono::nanoseconds::max();
  }
  int wait(std::chrono::nanoseconds timeout) noexcept {
    return selector_.wait(batch_.get(), config_.event_capacity, timeout);
  }
  template <class Handler> std::size_t deliver_events(Handler& receiver);
  template <class Handler>
  void deliver_failing_write(Handler& receiver, entry const& watched,
                             selector::native_event const& event);
  template <class Handler>
  std::size_t deliver_outcome(Handler& receiver, entry& connecting, selector::native_event& event);
  void drop_second_outcome(selector::native_event const& first) noexcept;
  template <class Handler> std::size_t deliver_known_outcomes(Handler& receiver);
  template <class Handler>
  std::size_t tell_outcome(Handler& receiver, entry& connecting, int fd, int error, state fired);
  template <class Handler>
  std::size_t deliver_internal(Handler& receiver, selector::native_event const& event);
  template <class Handler>
  std::size_t deliver_signals(Handler& receiver, selector::native_event event);
  template <class Handler> std::size_t deliver_messages(Handler& receiver, std::size_t most);
  template <class Handler> std::size_t deliver_timers(Handler& receiver);

  event_loop_config const config_;
  selector selector_{};
  detail::fork_mark owner_{}; // of the selector, the waker and the signals
  std::shared_ptr<detail::mailbox<Message>> mailbox_;
  detail::selector_signals signals_{};
  detail::registration_table<Token> table_{};
  detail::connect_retries retries_{};
  detail::timer_wheel<Token> timers_;
  clock::time_point const first_tick_;

  // The batch of events fetched last; what lies between the two pointers is still to be delivered.
  std::unique_ptr<selector::native_event[]> batch_{};
  selector::native_event* batch_next_;
  selector::native_event* batch_end_;

  // Connects that are made, of which the selector has nothing to report.
  std::vector<known_outcome> outcomes_{};

  // Why the connect was refused whose outcome the handler is being told at this moment.
  connect_refusal refusal_ = connect_refusal{-1, 0};

  // Until when the loop around this one may sleep, as it was told; min() if it was not, or if it was
  // woken since.
  clock::time_point outer_wake_up_ = clock::time_point::min();

  bool is_running_ = false;
  bool is_retired_ = false;
};

/// The event loop whose tokens are `token`, without messages.
using event_loop = basic_event_loop<>;

} // namespace mioext

#include <mioext/impl/event_loop.hpp>

#endif // MIOEXT_EVENT_LOOP_HPP
