//
// mioext/watcher.hpp
// ------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Watches a descriptor that somebody else owns, and calls one callback whenever it is ready.
//

#ifndef MIOEXT_WATCHER_HPP
#define MIOEXT_WATCHER_HPP

#include <mioext/detail/system.hpp>

#include <memory>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/async/watch_operation.hpp>
#include <mioext/detail/handles/is_execution_context.hpp>
#include <mioext/detail/native_handle.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/interest.hpp>
#include <mioext/selector_service.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

template <class Executor> class basic_watcher_set;

/// Watches one descriptor that somebody else owns, such as a C library's, and calls one callback
/// whenever it is ready, until told to stop. It never closes it.
///
/// It is level-triggered: the callback is called again as long as the descriptor is ready for what is
/// watched for, so it need not read or write everything at once. What it must do is either make the
/// descriptor less ready or watch for less.
///
/// The callback is a function object for `void(boost::system::error_code ec, mioext::interest ready)`,
/// and may be move-only. It is called on the watcher's executor, one call at a time, never from inside
/// a function of the watcher. (An executor that is associated with it is not looked at.) Without an
/// error, `ready` says what the descriptor is ready for, of what is watched for; errors and hang-ups
/// count as readiness, and the next read or write tells them. With an error, nothing is watched any
/// more, and `ready` is interest::none:
/// | error | when |
/// | --- | --- |
/// | bad_descriptor | the descriptor was closed, or its owner released it, and nobody had called stop() |
/// | no_memory | in an io_context: there is none to wait in the context's reactor |
///
/// The callback may use the watcher as it likes: watch something else, stop, move it, destroy it. An
/// exception that it throws leaves the context's run(), and the watcher goes on watching.
///
/// **Who closes the descriptor.** Stop before it is closed. If that is not possible, because a library
/// closes first and tells afterwards: when a mioext handle is closed, the callback is told at once. The
/// system does not report that any other descriptor is closed; the callback is told within half a
/// second, and a file that gets the number next is not mistaken for the old one. (While such a
/// descriptor is watched, the context wakes up twice a second to check it, as for async_wait(), which
/// run_one() counts as a handler.) A duplicate of the descriptor keeps the file open, in a child process
/// for instance. Then the system goes on reporting what the file is ready for under the old number, and
/// nobody can tell it to stop: the context is woken in vain as long as it is ready. So where there may
/// be duplicates, stop before closing.
///
/// **What it costs.** `watch()` with a callback makes one allocation; changing what is watched for makes
/// one system call, or none where nothing changes. An event costs no allocation and, where the callback
/// is called by the thread that fetches events, no system call to watch again. Where it is not (a
/// strand; a context that several threads run), each event costs one, as async_wait() does. (With kqueue,
/// one more where reading and writing are watched for, because it reports them apart.)
///
/// While something is watched for, the context's run() does not return. When the context is destroyed,
/// the callback is destroyed without being called; the watcher may outlive the context, and does
/// nothing then.
///
/// Changes of files such as `/proc/self/mounts`, which the kernel reports once to whoever asks first, are
/// not reported where the selector is nested in a context's reactor; use async_wait() for those.
///
/// @par Thread safety
/// Distinct objects: safe in an io_context or a thread_pool; in a selector_context all of them are used
/// in the thread that runs it. Shared objects: unsafe, and the callback counts as a user of its watcher.
/// So where several threads run the context, the executor is a strand, and the watcher is used on it.
///
/// @tparam Executor where the callback is called.
///
/// @par Example
/// @code
/// mioext::watcher watcher(context);
/// watcher.watch(PQsocket(connection), mioext::interest::readable,
///               [&](boost::system::error_code ec, mioext::interest) {
///                 if (ec || !PQconsumeInput(connection)) { watcher.stop(); ... }
///               });
/// @endcode
///
/// @par Source
/// libev's ev_io and libuv's uv_poll_t, which do the same in their loops.
template <class Executor = boost::asio::any_io_executor> class basic_watcher {
public:
  /// The type of get_executor().
  using executor_type = Executor;
  /// The type of a descriptor.
  using native_handle_type = int;

  /// The same watcher with another type of executor, as Asio's I/O objects have it.
  template <class OtherExecutor> struct rebind_executor {
    /// That type.
    using other = basic_watcher<OtherExecutor>;
  };

  /// Makes a watcher that watches nothing, whose callbacks are called on `executor`.
  /// @throws boost::system::system_error when the context's service has to be made and cannot be.
  explicit basic_watcher(executor_type const& executor)
      : executor_(executor),
        reactor_(detail::selector_service_access::reactor(detail::context_of(executor_))) {}

  /// Makes a watcher whose callbacks are called on the executor of `context`.
  template <class ExecutionContext,
            detail::enable_if<detail::is_execution_context<ExecutionContext>::value> = 0>
  explicit basic_watcher(ExecutionContext& context)
      : basic_watcher(executor_type(context.get_executor())) {}

  /// Takes over what `other` watches, which goes on. `other` watches nothing then, and keeps its
  /// executor.
  basic_watcher(basic_watcher&& other) noexcept
      : executor_(other.executor_), reactor_(other.reactor_), watch_(other.watch_) {
    other.watch_ = nullptr;
  }

  /// The same; what this one watched is stopped.
  basic_watcher& operator=(basic_watcher&& other) {
    if (this != &other) {
      operation* const stopped = watch_;
      executor_ = other.executor_;
      reactor_ = other.reactor_;
      watch_ = other.watch_;
      other.watch_ = nullptr;
      abandon(stopped);
    }
    return *this;
  }

  basic_watcher(basic_watcher const&) = delete;
  basic_watcher& operator=(basic_watcher const&) = delete;

  /// Stops. May be called by the callback.
  ~basic_watcher() { stop(); }

  /// Where the callback is called.
  executor_type get_executor() const noexcept { return executor_; }

  /// Watches `handle` from now on, with this callback, instead of what was watched before. If it is
  /// ready already, the callback is called soon.
  ///
  /// @param handle a descriptor, or anything with `native_handle()`; only its number is kept.
  /// @param wanted what to watch for; interest::none for nothing until watch(interest) is called, which then
  ///   says what is wrong with the descriptor.
  /// @param callback for `void(boost::system::error_code, interest)`, see above; it is moved or copied.
  /// @throws boost::system::system_error; std::bad_alloc. After an error what was watched before still
  /// is:
  /// | error | when |
  /// | --- | --- |
  /// | bad_descriptor | it is no open descriptor |
  /// | operation_not_permitted | its kind cannot be watched, such as a regular file |
  /// | invalid_argument | `wanted` has an unknown bit |
  /// | operation_not_supported | interest::priority with kqueue |
  /// | operation_aborted | the context is gone |
  template <class Handle, class Callback>
  void watch(Handle&& handle, interest wanted, Callback&& callback) {
    boost::system::error_code ec;
    begin(handle_of(std::forward<Handle>(handle)), wanted, std::forward<Callback>(callback), ec);
    detail::throw_error(ec, "watch");
  }

  /// @copydoc watch
  template <class Handle, class Callback>
  void watch(Handle&& handle, interest wanted, Callback&& callback, boost::system::error_code& ec) {
    begin(handle_of(std::forward<Handle>(handle)), wanted, std::forward<Callback>(callback), ec);
  }

  /// Watches for that from now on. With interest::none the descriptor and the callback are kept, and
  /// nothing is watched for until the next call: the callback is not called, not even when the
  /// descriptor is closed. Nothing is known of it meanwhile: if another file gets its number, that is what
  /// the next call watches. If nothing is watched, interest::none asks for what is so already, which is no
  /// error: after an error that the callback was told, a library may still say that it wants nothing.
  ///
  /// @throws boost::system::system_error, as above. With bad_descriptor (nothing is watched, or the
  /// descriptor was closed) nothing is watched any more, and the callback is not called; after another
  /// error nothing has changed.
  void watch(interest wanted) {
    boost::system::error_code ec;
    watch(wanted, ec);
    detail::throw_error(ec, "watch");
  }

  /// @copydoc watch(interest)
  void watch(interest wanted, boost::system::error_code& ec) {
    if (wanted == interest::none && !is_watching()) {
      ec.clear();
    } else {
      ec = watch_ ? watch_->watch(wanted)
                  : boost::asio::error::make_error_code(boost::asio::error::bad_descriptor);
    }
  }

  /// Watches nothing any more. On the executor the callback is never called again, even if a call was on
  /// its way already. It is destroyed; if it is the caller, when it returns. Does nothing if nothing is
  /// watched.
  void stop() {
    operation* const stopped = watch_;
    watch_ = nullptr;
    abandon(stopped);
  }

  /// True from watch() with a callback until stop(), or until the callback is told an error.
  bool is_watching() const noexcept { return watch_ && !watch_->has_ended(); }

  /// The descriptor that is watched, or -1.
  native_handle_type native_handle() const noexcept { return is_watching() ? watch_->fd() : -1; }

  /// What is watched for.
  interest wanted() const noexcept { return is_watching() ? watch_->wanted_now() : interest::none; }

private:
  template <class> friend class basic_watcher_set;

  using operation = detail::watch_operation<Executor>;

  /// A number, and whether its handle says when it is closed.
  struct watched_handle {
    int fd;
    detail::watch_mode how;
  };

  template <class Handle> static watched_handle handle_of(Handle&& handle) {
    MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Handle);
    return {detail::native_handle(handle), detail::watch_mode_of<Handle>()};
  }

  template <class Callback>
  void begin(watched_handle handle, interest wanted, Callback&& callback,
             boost::system::error_code& ec) {
    using made_operation =
        detail::watch_operation_with<Executor, typename std::decay<Callback>::type>;
    basic_watcher fresh(*this, new made_operation(reactor_, executor_, handle.fd, handle.how,
                                                  std::forward<Callback>(callback)));
    ec = fresh.watch_->watch(wanted);
    if (!ec) {
      std::swap(watch_, fresh.watch_);
    }
  }

  /// One for the same executor, which is not asked for its context again.
  basic_watcher(basic_watcher const& other, operation* watch)
      : executor_(other.executor_), reactor_(other.reactor_), watch_(watch) {}

  static void abandon(operation* stopped) {
    if (stopped) {
      stopped->abandon();
    }
  }

  Executor executor_;
  std::shared_ptr<detail::selector_reactor> reactor_;
  operation* watch_ = nullptr;
};

/// A watcher for any executor.
using watcher = basic_watcher<>;

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_WATCHER_HPP
