//
// mioext/detail/async/context_handle.hpp
// --------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The members of a stream other than reading, writing and connecting: its handle, waiting, modes,
// closing, and the members that it takes from the handle.
//

#ifndef MIOEXT_DETAIL_ASYNC_CONTEXT_HANDLE_HPP
#define MIOEXT_DETAIL_ASYNC_CONTEXT_HANDLE_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/stream_core.hpp>
#include <mioext/detail/async/stream_handle.hpp>
#include <mioext/detail/async/stream_io.hpp>
#include <mioext/detail/async/wait_op.hpp>
#include <mioext/detail/descriptor_ops.hpp>
#include <mioext/detail/event_loop/handle_ops.hpp>
#include <mioext/detail/polling/registration_rules.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A handle in an execution context: the base of every stream, and all of its state.
template <class Handle, class Executor>
class context_handle : public handle_types<Handle, is_socket_handle<Handle>::value> {
public:
  /// The type of get_executor().
  using executor_type = Executor;
  /// The type of a descriptor.
  using native_handle_type = int;

  /// The handle.
  using next_layer_type = Handle;

  /// Tells an event loop's connect to change only the mode of the descriptor (O_NONBLOCK), not the
  /// stream's own non_blocking().
  using decides_itself_whether_to_wait = std::true_type;

  /// Where handlers are called by default.
  executor_type get_executor() const noexcept { return core_.executor(); }

  /// The handle.
  next_layer_type& next_layer() noexcept { return core_.handle(); }
  /// \overload
  next_layer_type const& next_layer() const noexcept { return core_.handle(); }

  /// The descriptor, or -1 if there is none.
  native_handle_type native_handle() const { return core_.fd(); }

  /// True if there is a descriptor.
  bool is_open() const { return core_.is_open(); }

  // --- Closing -----------------------------------------------------------------------------------

  /// Closes the handle. Pending operations end with operation_aborted. Closing a closed stream
  /// succeeds.
  void close() {
    boost::system::error_code ec;
    close(ec);
    throw_error(ec, "close");
  }

  /// @copydoc close
  void close(boost::system::error_code& ec) { core_.close(ec); }

  /// Ends pending operations with operation_aborted. Errors: bad_descriptor if closed.
  void cancel() {
    boost::system::error_code ec;
    cancel(ec);
    throw_error(ec, "cancel");
  }

  /// @copydoc cancel
  void cancel(boost::system::error_code& ec) { core_.cancel(ec); }

  /// Gives up the descriptor without closing it, and ends pending operations with
  /// operation_aborted. Errors: bad_descriptor if closed; the second form then returns -1.
  native_handle_type release() {
    boost::system::error_code ec;
    native_handle_type const fd = release(ec);
    throw_error(ec, "release");
    return fd;
  }

  /// @copydoc release
  native_handle_type release(boost::system::error_code& ec) { return core_.release(ec); }

  // --- Waiting -----------------------------------------------------------------------------------

  /// Blocks until the handle is ready or has an error or a hang-up. After non_blocking(true) it
  /// does not block, but fails with would_block if the handle is not ready now.
  /// @param wanted an interest, or a wait_type of Asio. `wait_error` stands for interest::priority.
  /// Such a wait also ends when the peer has shut down its sending side; with Asio it does not.
  ///
  /// Errors: bad_descriptor if closed, invalid_argument if nothing is wanted.
  void wait(awaited wanted) {
    boost::system::error_code ec;
    wait(wanted, ec);
    throw_error(ec, "wait");
  }

  /// @copydoc wait
  void wait(awaited wanted, boost::system::error_code& ec) {
    if (int const error = check_registration(wanted.wanted, trigger::edge)) {
      ec = system_error_code(error);
    } else {
      descriptor_ops::wait_for(native_handle(), wanted.events(), core_.blocks(), ec);
    }
  }

  /// Waits until the handle is ready; see mioext::async_wait(). Closing the stream ends the wait at
  /// once.
  /// @param wanted an interest, or a wait_type of Asio, as for wait().
  template <class Token = default_token<Executor>>
  auto async_wait(awaited wanted, Token&& token = default_token<Executor>())
      -> decltype(start_async_wait<Token>(std::declval<Executor const&>(), 0,
                                          watch_mode::per_operation, wanted.wanted, token)) {
    return start_async_wait<Token>(get_executor(), native_handle(), watch_mode::per_operation,
                                   wanted.wanted, token);
  }

  // --- What the handle has -----------------------------------------------------------------------

  /// True if synchronous reads, writes and waits fail with would_block instead of waiting. By
  /// default they wait, and they do so again after the stream was closed.
  bool non_blocking() const noexcept { return !core_.blocks(); }

  /// Sets that. Errors: bad_descriptor if closed.
  void non_blocking(bool mode) {
    boost::system::error_code ec;
    non_blocking(mode, ec);
    throw_error(ec, "non_blocking");
  }

  /// @copydoc non_blocking
  void non_blocking(bool mode, boost::system::error_code& ec) { core_.set_blocks(!mode, ec); }

  /// Whether the descriptor itself is non-blocking (O_NONBLOCK). Unlike that of an Asio socket, a
  /// stream's descriptor is non-blocking from the beginning. This does not decide whether the
  /// synchronous members wait.
  bool native_non_blocking() const noexcept { return is_open() && !core_.native_blocks(); }

  /// Sets that, for somebody else who uses the descriptor. No operation may be pending. The next
  /// asynchronous operation makes the descriptor non-blocking again.
  ///
  /// Errors: bad_descriptor if closed; invalid_argument for false after non_blocking(true).
  void native_non_blocking(bool mode) {
    boost::system::error_code ec;
    native_non_blocking(mode, ec);
    throw_error(ec, "native_non_blocking");
  }

  /// @copydoc native_non_blocking
  void native_non_blocking(bool mode, boost::system::error_code& ec) {
    ec = core_.error_if_closed();
    if (!ec && !mode && !core_.blocks()) {
      ec = boost::asio::error::invalid_argument;
    }
    if (!ec && (!mode || core_.native_blocks() || !is_always_non_blocking<Handle>::value)) {
      core_.set_native_blocks(!mode, ec);
    }
  }

  /// Calls the handle's open(). Likewise, all members below call the handle's members of the same
  /// name.
  template <class H = Handle, class Protocol>
  auto open(Protocol const& protocol) -> decltype(static_cast<void>(
      std::declval<H&>().open(protocol, std::declval<boost::system::error_code&>()))) {
    boost::system::error_code ec;
    open(protocol, ec);
    throw_error(ec, "open");
  }

  /// The same for a protocol type with a default constructor, such as a local one.
  template <class H = Handle>
  auto open() -> decltype(static_cast<void>(std::declval<H&>().open(
      typename H::protocol_type(), std::declval<boost::system::error_code&>()))) {
    open(typename H::protocol_type());
  }

  /// @copydoc open
  template <class H = Handle, class Protocol>
  auto open(Protocol const& protocol, boost::system::error_code& ec)
      -> decltype(static_cast<void>(std::declval<H&>().open(protocol, ec))) {
    core_.open(protocol, ec);
  }

  /// Calls the handle's assign() with a descriptor or another handle.
  template <class Assigned, class H = Handle>
  auto assign(Assigned&& assigned)
      -> decltype(static_cast<void>(std::declval<stream_handle<H>&>().assign(
          std::forward<Assigned>(assigned), std::declval<boost::system::error_code&>()))) {
    boost::system::error_code ec;
    assign(std::forward<Assigned>(assigned), ec);
    throw_error(ec, "assign");
  }

  /// @copydoc assign
  template <class Assigned, class H = Handle>
  auto assign(Assigned&& assigned, boost::system::error_code& ec) -> decltype(static_cast<void>(
      std::declval<stream_handle<H>&>().assign(std::forward<Assigned>(assigned), ec))) {
    core_.assign(ec, std::forward<Assigned>(assigned));
  }

  /// Calls the handle's assign() with a protocol and a descriptor.
  template <class H = Handle>
  void assign(typename H::protocol_type const& protocol, native_handle_type fd) {
    boost::system::error_code ec;
    assign(protocol, fd, ec);
    throw_error(ec, "assign");
  }

  /// @copydoc assign
  template <class H = Handle>
  void assign(typename H::protocol_type const& protocol, native_handle_type fd,
              boost::system::error_code& ec) {
    core_.assign(ec, protocol, fd);
  }

  /// The handle's bind().
  template <class H = Handle, class... Arguments>
  auto bind(Arguments&&... arguments)
      -> decltype(std::declval<H&>().bind(std::forward<Arguments>(arguments)...)) {
    return next_layer().bind(std::forward<Arguments>(arguments)...);
  }

  /// The handle's shutdown().
  template <class H = Handle, class... Arguments>
  auto shutdown(Arguments&&... arguments)
      -> decltype(std::declval<H&>().shutdown(std::forward<Arguments>(arguments)...)) {
    return next_layer().shutdown(std::forward<Arguments>(arguments)...);
  }

  /// The handle's set_option().
  template <class H = Handle, class... Arguments>
  auto set_option(Arguments&&... arguments)
      -> decltype(std::declval<H&>().set_option(std::forward<Arguments>(arguments)...)) {
    return next_layer().set_option(std::forward<Arguments>(arguments)...);
  }

  /// The handle's get_option().
  template <class H = Handle, class... Arguments>
  auto get_option(Arguments&&... arguments) const
      -> decltype(std::declval<H const&>().get_option(std::forward<Arguments>(arguments)...)) {
    return next_layer().get_option(std::forward<Arguments>(arguments)...);
  }

  /// The handle's io_control().
  template <class H = Handle, class... Arguments>
  auto io_control(Arguments&&... arguments)
      -> decltype(std::declval<H&>().io_control(std::forward<Arguments>(arguments)...)) {
    return next_layer().io_control(std::forward<Arguments>(arguments)...);
  }

  /// The handle's local_endpoint().
  template <class H = Handle, class... Arguments>
  auto local_endpoint(Arguments&&... arguments) const
      -> decltype(std::declval<H const&>().local_endpoint(std::forward<Arguments>(arguments)...)) {
    return next_layer().local_endpoint(std::forward<Arguments>(arguments)...);
  }

  /// The handle's remote_endpoint().
  template <class H = Handle, class... Arguments>
  auto remote_endpoint(Arguments&&... arguments) const
      -> decltype(std::declval<H const&>().remote_endpoint(std::forward<Arguments>(arguments)...)) {
    return next_layer().remote_endpoint(std::forward<Arguments>(arguments)...);
  }

  /// The handle's available().
  template <class H = Handle, class... Arguments>
  auto available(Arguments&&... arguments) const
      -> decltype(std::declval<H const&>().available(std::forward<Arguments>(arguments)...)) {
    return next_layer().available(std::forward<Arguments>(arguments)...);
  }

  /// The handle's at_mark().
  template <class H = Handle, class... Arguments>
  auto at_mark(Arguments&&... arguments) const
      -> decltype(std::declval<H const&>().at_mark(std::forward<Arguments>(arguments)...)) {
    return next_layer().at_mark(std::forward<Arguments>(arguments)...);
  }

  /// The handle's take_error().
  template <class H = Handle, class... Arguments>
  auto take_error(Arguments&&... arguments)
      -> decltype(std::declval<H&>().take_error(std::forward<Arguments>(arguments)...)) {
    return next_layer().take_error(std::forward<Arguments>(arguments)...);
  }

protected:
  template <class ExecutorOrContext, class... Arguments>
  context_handle(made_of tag, Executor const& executor, ExecutorOrContext& source,
                 Arguments&&... arguments)
      : core_(tag, executor, source, std::forward<Arguments>(arguments)...) {}

  context_handle(context_handle&&) = default;

  template <class OtherHandle, class OtherExecutor>
  explicit context_handle(context_handle<OtherHandle, OtherExecutor>&& other)
      : core_(std::move(other.core_)) {}

  context_handle& operator=(context_handle&&) = default;

  ~context_handle() = default;

  stream_core<Handle, Executor> core_;

private:
  template <class, class> friend class context_handle;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_CONTEXT_HANDLE_HPP
