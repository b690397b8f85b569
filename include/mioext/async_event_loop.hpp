//
// mioext/async_event_loop.hpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The event loop as an I/O object: driven by an execution context beside whatever else that does.
//

#ifndef MIOEXT_ASYNC_EVENT_LOOP_HPP
#define MIOEXT_ASYNC_EVENT_LOOP_HPP

#include <mioext/detail/system.hpp>

#include <memory>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_loop.hpp>
#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/cancellation.hpp>
#include <mioext/detail/async/selector_service_access.hpp>
#include <mioext/detail/async/wait_op.hpp>
#include <mioext/detail/event_loop/handler_traits.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/event_loop_config.hpp>
#include <mioext/handler.hpp>
#include <mioext/interest.hpp>
#include <mioext/selector_service.hpp>
#include <mioext/sender.hpp>
#include <mioext/timeout.hpp>
#include <mioext/token.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// A basic_event_loop inside an execution context: the same handlers, the same members and the same
/// promises, while the context does its other work as well. No thread is added.
///
/// Between construction and async_run() everything can be set up as with a blocking loop. Handlers
/// are called on the executor, never two at once, even if many threads run the context. They are
/// passed the inner loop, a basic_event_loop. After each turn of the loop the context's other work
/// gets its own. A turn begins with a batch of events (event_loop_config::event_capacity). In an
/// io_context, if its executor is the context's own or a strand of that, the loop may then look at its
/// selector again at once, as long as it finds something, which is cheaper than to ask the context to
/// wait. It does so 15 times at the most, and not once its handler was called 64 times in the turn or
/// the context was stopped. A selector_context waits for the loop's selector together with its own. If
/// nothing else is due there, the loop may look at its selector again at once; after 64 calls of its
/// handler at the most the context looks at its own.
///
/// Members other than those below are those of basic_event_loop, with its parameters, errors and
/// overloads; see there. (It has no run() and run_once(): async_run() takes their place.)
///
/// Changes of some kernel files, such as `/proc/self/mounts`, which other loops report as
/// interest::priority, are not reported in an io_context: the kernel reports each change only once,
/// and there two selectors ask for it. Use async_wait() or a blocking loop for such files, or a
/// selector_context: it watches all that is registered with interest::priority in its own selector.
/// (Except what an operation or another loop of the same context watches, too, and except while a
/// handler waits in run_once().)
///
/// The context's run(), run_one() and poll_one() count not the calls of the handler's members but
/// the loop's turns, each of which may make many calls or none. When a run ends, an io_context also
/// counts the waits that are cancelled. A selector_context counts one for a cancel() of another
/// thread; and its run() counts as one tick what the loop does in a row.
///
/// An exception that a handler throws leaves the context's run(), as with every handler of Asio's.
/// The run goes on when the context is run again, with what was due after the call that threw.
///
/// @par Thread safety
/// Distinct objects: safe. Shared objects: unsafe; and if several threads run the context, the
/// handler that is being called counts as a user of the object. So outside of handlers use the
/// object only before async_run(), or on its executor, which must then be a strand. From any
/// thread: shutdown(), cancel(), and the senders of channel(). In a selector_context the object
/// belongs to the thread that runs the context, but for these.
///
/// @tparam Token,Message as of basic_event_loop
/// @tparam Executor where handlers are called.
///
/// @par Example
/// @code
/// boost::asio::io_context context;
/// mioext::async_event_loop loop(context);
/// loop.listen(acceptor, 256, server);
/// loop.async_run(handler, boost::asio::detached);
/// context.run();
/// @endcode
///
/// @par Source
/// Boost.Asio's I/O objects, and basic_event_loop.
template <class Token = token, class Message = no_message,
          class Executor = boost::asio::any_io_executor>
class basic_async_event_loop {
  using async_loop = detail::async_loop_base<Token, Message>;
  using finished = void(boost::system::error_code);

  class initiate_run;

public:
  /// What events carry.
  using token_type = Token;
  /// What senders send.
  using message_type = Message;
  /// The type of get_executor().
  using executor_type = Executor;
  /// What handlers are given.
  using loop_type = basic_event_loop<Token, Message>;
  /// What async_run() calls: a class derived from this.
  using handler_type = basic_handler<Token, Message>;
  /// The clock of the timers.
  using clock_type = typename loop_type::clock_type;
  /// What now() returns and timer_at() takes.
  using time_point = typename loop_type::time_point;

  /// The same loop with another type of executor, as Asio's I/O objects have it.
  template <class OtherExecutor> struct rebind_executor {
    /// That type.
    using other = basic_async_event_loop<Token, Message, OtherExecutor>;
  };

  /// Makes a loop whose handlers are called on `executor`.
  /// @throws boost::system::system_error as of basic_event_loop.
  explicit basic_async_event_loop(executor_type const& executor,
                                  event_loop_config const& config = event_loop_config())
      : executor_(executor), loop_(detail::make_async_loop<Token, Message>(executor, config)) {
    detail::selector_service_access::listeners(detail::context_of(executor)).add(loop_);
  }

  /// Makes a loop whose handlers are called on the executor of `context`.
  /// @throws boost::system::system_error as of basic_event_loop.
  template <class ExecutionContext,
            detail::enable_if<detail::is_execution_context<ExecutionContext>::value> = 0>
  explicit basic_async_event_loop(ExecutionContext& context,
                                  event_loop_config const& config = event_loop_config())
      : basic_async_event_loop(executor_type(context.get_executor()), config) {}

  /// Takes over `other` with all that is registered and pending. `other` can only be assigned to or
  /// destroyed then.
  basic_async_event_loop(basic_async_event_loop&& other) noexcept
      : executor_(other.executor_), loop_(std::move(other.loop_)) {}

  /// The same; what this one had goes as with the destructor.
  basic_async_event_loop& operator=(basic_async_event_loop&& other) noexcept {
    if (this != &other) {
      close();
      executor_ = other.executor_;
      loop_ = std::move(other.loop_);
    }
    return *this;
  }

  basic_async_event_loop(basic_async_event_loop const&) = delete;
  basic_async_event_loop& operator=(basic_async_event_loop const&) = delete;

  /// A pending run ends with operation_aborted. No handler is called any more, not even for events
  /// already fetched or messages already sent. Messages are destroyed; one that another thread is
  /// sending at this moment is destroyed when that send ends. May be called from inside a handler.
  /// Otherwise the same as ~basic_event_loop().
  ~basic_async_event_loop() { close(); }

  /// Where handlers are called.
  executor_type get_executor() const noexcept { return executor_; }

  // --- Running -----------------------------------------------------------------------------------

  /// Calls `receiver` for what happens, until shutdown(). Messages sent before that are delivered
  /// first; a shutdown() from before counts, as for basic_event_loop::run().
  ///
  /// @param receiver an object of a class derived from handler_type, called directly if it is
  /// `final`. It must live until completion.
  /// @param completion_token a completion token for `void(boost::system::error_code)`:
  /// | error | when |
  /// | --- | --- |
  /// | none | after shutdown() |
  /// | operation_aborted | after cancel(), the destructor, or cancellation (terminal or partial) through the slot: at the end of the tick that the loop may be in. Nothing is lost; another run goes on. |
  /// | already_started | a run is pending |
  /// | not_enough_memory | there is none to wait with. Nothing is lost; another run goes on. |
  /// | else | the system cannot wait |
  /// @throws std::bad_alloc if there is no memory for the run, which has not begun then.
  template <class Handler,
            class CompletionToken = typename boost::asio::default_completion_token<Executor>::type>
  auto async_run(Handler& receiver,
                 CompletionToken&& completion_token =
                     typename boost::asio::default_completion_token<Executor>::type())
      -> decltype(boost::asio::async_initiate<CompletionToken, finished>(
          std::declval<initiate_run>(), completion_token, &receiver)) {
    return boost::asio::async_initiate<CompletionToken, finished>(initiate_run(*this),
                                                                  completion_token, &receiver);
  }

  /// Ends the run that is pending with operation_aborted. Thread-safe.
  void cancel() { loop_->cancel(); }

  /// @copydoc cancel
  void cancel(boost::system::error_code& ec) {
    ec.clear();
    cancel();
  }

  // --- What the loop has -------------------------------------------------------------------------

  /// As of basic_event_loop. Here and in the members below, a token must be given with its type,
  /// not as `{}`.
  template <class... Arguments>
  auto register_handle(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().register_handle(
          std::forward<Arguments>(arguments)...)) {
    return loop_->loop.register_handle(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop.
  template <class... Arguments>
  auto reregister_handle(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().reregister_handle(
          std::forward<Arguments>(arguments)...)) {
    return loop_->loop.reregister_handle(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop.
  template <class... Arguments>
  auto deregister_handle(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().deregister_handle(
          std::forward<Arguments>(arguments)...)) {
    return loop_->loop.deregister_handle(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop.
  template <class... Arguments>
  auto watch(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().watch(std::forward<Arguments>(arguments)...)) {
    return loop_->loop.watch(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop.
  template <class... Arguments>
  auto connect(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().connect(std::forward<Arguments>(arguments)...)) {
    return loop_->loop.connect(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop.
  template <class... Arguments>
  auto listen(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().listen(std::forward<Arguments>(arguments)...)) {
    return loop_->loop.listen(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop.
  template <class... Arguments>
  auto timer(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().timer(std::forward<Arguments>(arguments)...)) {
    return loop_->loop.timer(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop.
  template <class... Arguments>
  auto timer_at(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().timer_at(std::forward<Arguments>(arguments)...)) {
    return loop_->loop.timer_at(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop. What the context calls beside the loop is outside of the loop's
  /// handlers.
  time_point now() const noexcept { return loop_->loop.now(); }

  /// As of basic_event_loop.
  template <class... Arguments>
  auto reset_timer(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().reset_timer(std::forward<Arguments>(arguments)...)) {
    return loop_->loop.reset_timer(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop.
  template <class... Arguments>
  auto clear_timer(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().clear_timer(std::forward<Arguments>(arguments)...)) {
    return loop_->loop.clear_timer(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop.
  template <class... Arguments>
  auto register_signal(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().register_signal(
          std::forward<Arguments>(arguments)...)) {
    return loop_->loop.register_signal(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop.
  template <class... Arguments>
  auto deregister_signal(Arguments&&... arguments)
      -> decltype(std::declval<loop_type&>().deregister_signal(
          std::forward<Arguments>(arguments)...)) {
    return loop_->loop.deregister_signal(std::forward<Arguments>(arguments)...);
  }

  /// As of basic_event_loop.
  sender<Message> channel() { return loop_->loop.channel(); }

  /// Makes async_run() complete after the tick that it is in. Thread-safe.
  void shutdown() noexcept { loop_->loop.shutdown(); }

  /// As of basic_event_loop.
  bool shutdown_requested() const noexcept { return loop_->loop.shutdown_requested(); }

private:
  /// Calls a receiver as the type that it had before it became a void pointer.
  template <class Receiver> struct calls {
    static bool step(loop_type& loop, void* receiver, detail::step_repetition repeat,
                     boost::system::error_code& ec) {
      return loop.run_step(detail::called_as<handler_type>(*static_cast<Receiver*>(receiver)),
                           repeat, ec);
    }
  };

  struct cancel_run {
    void operator()() const {
      if (std::shared_ptr<async_loop> const cancelled = loop.lock()) {
        cancelled->cancel(run);
      }
    }

    std::weak_ptr<async_loop> loop;
    unsigned run;
  };

  class initiate_run {
  public:
    using executor_type = Executor;

    explicit initiate_run(basic_async_event_loop& run) noexcept : run_(run) {}

    executor_type get_executor() const noexcept { return run_.executor_; }

    template <class CompletionHandler, class Receiver>
    void operator()(CompletionHandler&& completion_handler, Receiver* receiver) const {
      using owned_handler = typename std::decay<CompletionHandler>::type;
      owned_handler owned(std::forward<CompletionHandler>(completion_handler));
      unsigned const number = run_.loop_->next_run();
      if (number == 0) {
        return;
      }
      // Handlers may have been called before it is cancelled.
      detail::install_cancellation<detail::partial_cancellation, cancel_run>(
          detail::get_cancellation_slot(owned), run_.loop_, number);
      run_.loop_->start(
          number,
          detail::handler_operation<detail::wait_action, owned_handler, Executor>::make(
              interest::none, detail::wait_action(), owned, run_.executor_),
          detail::handler_calls<loop_type>{&calls<Receiver>::step, receiver});
    }

  private:
    basic_async_event_loop& run_;
  };

  void close() noexcept {
    if (loop_) {
      loop_->close();
    }
  }

  Executor executor_;
  std::shared_ptr<async_loop> loop_;
};

/// The asynchronous event loop whose tokens are `token`, without messages.
using async_event_loop = basic_async_event_loop<>;

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_ASYNC_EVENT_LOOP_HPP
