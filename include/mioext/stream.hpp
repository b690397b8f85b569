//
// mioext/stream.hpp
// -----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Makes any non-blocking handle a stream in Asio's sense, over which async_read, TLS and Beast run.
//

#ifndef MIOEXT_STREAM_HPP
#define MIOEXT_STREAM_HPP

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/config.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/async_connect.hpp>
#include <mioext/beast.hpp>
#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/stream_handle.hpp>
#include <mioext/detail/async/stream_io.hpp>
#include <mioext/detail/async/wait_op.hpp>
#include <mioext/detail/descriptor_ops.hpp>
#include <mioext/detail/event_loop/handle_ops.hpp>
#include <mioext/detail/polling/connection_ops.hpp>
#include <mioext/detail/polling/registration_rules.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/interest.hpp>
#include <mioext/selector_service.hpp>
#include <mioext/trigger.hpp>

namespace mioext {

/// A handle in an execution context: an I/O object that meets Asio's AsyncReadStream,
/// AsyncWriteStream, SyncReadStream and SyncWriteStream, to be used in the place of Asio's own
/// sockets. boost::asio::async_read, async_read_until and async_write, ssl::stream, Beast's HTTP and
/// WebSocket run over it.
///
/// `Handle` is any of mioext's stream sockets and pipes (`stream<tcp_socket>`, `stream<pipe_reader>`),
/// one of Asio's stream sockets of any protocol (TCP, local, generic), descriptors or pipes, any other
/// class with `native_handle()`, `close(error_code&)` and `release(error_code&)`; or `int`: then the
/// descriptor is somebody else's, and is never closed. (End such a stream before its owner closes the
/// descriptor: only the number tells whose it is. For the same reason close the stream, and not one of
/// Asio's handles, or a user's, inside it.) Sockets that keep messages apart, for datagrams or
/// sequenced packets, make no stream, and do not compile.
///
/// A stream of a socket has every member, constructor, type and constant of Asio's basic_stream_socket
/// but the deprecated ones, with its meaning and its errors; a stream of another handle those of Asio's
/// stream_descriptor that the handle can have. So a program that was written for one of them needs no
/// other change than of that name, except where Asio itself asks for its own type:
/// basic_socket_acceptor::accept and async_accept hand a connection over (`async_accept(handler)`), and
/// do not put it into a stream that is there; mioext::async_accept() does either.
///
/// Reads and writes are tried at once, and wait only where they would block. The descriptor is
/// registered when the first of them waits, for both directions and edge-triggered, and stays so
/// until the stream is closed: no further system call is spent on waiting.
///
/// Members that work on what is not a matter of streams (open(), bind(), endpoints, options, ...)
/// are those of the handle, with its parameters, errors and overloads; a handle that has none of that
/// name gives the stream none.
///
/// The descriptor is non-blocking from the beginning. That alone never changes what the synchronous
/// members do: they wait, unless non_blocking(true) was called.
///
/// @par Completion
/// Every asynchronous member takes any completion token, honours the handler's associated executor,
/// allocator, cancellation slot (all types) and immediate executor, never completes from inside
/// itself, and keeps the context's run() from returning until it has. close(), cancel(), release()
/// and the destructor end what is pending with operation_aborted. The stream may be moved while
/// operations are pending.
///
/// @par Thread safety
/// Distinct objects: safe. Shared objects: unsafe. As with Asio's sockets, the pending operations
/// themselves count as no use of the object.
///
/// @tparam Executor where handlers are called that have no executor of their own.
///
/// @par Example
/// @code
/// mioext::stream<mioext::tcp_socket> stream(context, std::move(socket));
/// boost::asio::async_read_until(stream, boost::asio::dynamic_buffer(line), '\n', handler);
/// @endcode
///
/// @par Source
/// Boost.Asio's basic_stream_socket, and its requirements on streams.
template <class Handle, class Executor = boost::asio::any_io_executor>
class stream : public detail::handle_types<Handle, detail::is_socket_handle<Handle>::value> {
  static_assert(
      !detail::keeps_messages_apart<Handle>::value,
      "mioext: a stream is made of a stream socket; this one keeps messages apart (datagrams, "
      "sequenced packets), of which a stream would lose what a read leaves");

  using io = detail::stream_io<Handle>;
  using stream_handle = detail::stream_handle<Handle>;
  using transferred = void(boost::system::error_code, std::size_t);

  template <template <class, class> class Action, interest Wanted> class initiate_transfer;
  template <template <class, class> class Action, interest Wanted> class initiate_with_flags;

  template <class ExecutorOrContext, class... Arguments>
  using if_makes_handle = detail::if_makes_handle<Handle, ExecutorOrContext, Arguments...>;

  template <class Context, class... Arguments>
  using if_context_makes_handle =
      typename std::enable_if<detail::is_execution_context<Context>::value,
                              if_makes_handle<Context, Arguments...>>::type;

public:
  /// The type of get_executor().
  using executor_type = Executor;
  /// What the system calls a descriptor.
  using native_handle_type = int;

  /// The handle.
  using next_layer_type = Handle;

  /// A stream is the lowest layer that has pending operations, so that what a layer above does to
  /// its lowest layer (close, cancel, shutdown, options) is done properly.
  using lowest_layer_type = stream;

  /// Tells an event loop's connect that the descriptor's mode alone is its business.
  using decides_itself_whether_to_wait = std::true_type;

  /// The same stream with another type of executor, as Asio's sockets have it.
  template <class OtherExecutor> struct rebind_executor {
    /// That type.
    using other = stream<Handle, OtherExecutor>;
  };

  /// A closed stream; of a handle that is never closed when it is new, what that is.
  /// @throws boost::system::system_error no_descriptors and the like when the context's selector_service
  /// has to be made.
  template <class E = executor_type, if_makes_handle<E const> = 0>
  explicit stream(executor_type const& executor) : stream(made_of(), executor, executor) {}

  /// A stream whose handle is made of the arguments: another handle that is moved here, a protocol or
  /// an endpoint to open a socket with, a protocol and a descriptor, or a descriptor to adopt. The handle
  /// is made non-blocking.
  /// @throws boost::system::system_error what the handle's constructor throws; and as above.
  template <class First, class... Others,
            if_makes_handle<executor_type const, First, Others...> = 0>
  stream(executor_type const& executor, First&& first, Others&&... others)
      : stream(made_of(), executor, executor, std::forward<First>(first),
               std::forward<Others>(others)...) {}

  /// The same with the executor of `context`.
  template <class Context, if_context_makes_handle<Context> = 0>
  explicit stream(Context& context)
      : stream(made_of(), executor_type(context.get_executor()), context) {}

  /// \overload
  template <class Context, class First, class... Others,
            if_context_makes_handle<Context, First, Others...> = 0>
  stream(Context& context, First&& first, Others&&... others)
      : stream(made_of(), executor_type(context.get_executor()), context,
               std::forward<First>(first), std::forward<Others>(others)...) {}

  /// Takes over one of Asio's sockets, with its executor: a stream can stand where such a socket is
  /// handed over, as in a handler of async_accept. The socket must have no operation outstanding,
  /// and is closed afterwards. Of a closed one, a closed stream is made.
  /// @throws boost::system::system_error as the handle's constructor; `socket` has then kept it.
  template <class Socket,
            typename std::enable_if<
                !std::is_lvalue_reference<Socket>::value &&
                    std::is_constructible<Handle, Socket&&>::value &&
                    std::is_convertible<typename Socket::executor_type, Executor>::value,
                int>::type = 0>
  stream(Socket&& socket)
      : stream(executor_type(socket.get_executor()),
               taken_from(executor_type(socket.get_executor()), std::move(socket),
                          std::is_default_constructible<Handle>())) {}

  /// `other` is closed afterwards, and keeps its executor. Pending operations go on.
  stream(stream&& other) noexcept(std::is_nothrow_move_constructible<stream_handle>::value&&
                                      std::is_nothrow_copy_constructible<Executor>::value)
      : executor_(other.executor_), reactor_(other.reactor_), handle_(std::move(other.handle_)),
        state_(other.state_), state_fd_(other.state_fd_), blocks_(other.blocks_),
        native_blocks_(other.native_blocks_) {
    other.wait_again();
  }

  /// The same from a stream with another type of executor, or with a handle that converts to this one, as
  /// that of TCP does to that of boost::asio::generic::stream_protocol.
  template <
      class OtherHandle, class OtherExecutor,
      typename std::enable_if<!std::is_same<stream<OtherHandle, OtherExecutor>, stream>::value &&
                                  std::is_convertible<OtherHandle&&, Handle>::value &&
                                  (std::is_same<OtherHandle, Handle>::value ||
                                   (detail::is_socket_handle<Handle>::value &&
                                    detail::is_socket_handle<OtherHandle>::value)) &&
                                  std::is_convertible<OtherExecutor, Executor>::value,
                              int>::type = 0>
  stream(stream<OtherHandle, OtherExecutor>&& other)
      : executor_(other.executor_), reactor_(other.reactor_), handle_(std::move(other.handle_)),
        state_(other.state_), state_fd_(other.state_fd_), blocks_(other.blocks_),
        native_blocks_(other.native_blocks_) {
    other.wait_again();
  }

  /// Closes what this one held, as close() does.
  stream& operator=(stream&& other) noexcept(std::is_nothrow_move_assignable<stream_handle>::value&&
                                                 std::is_nothrow_copy_assignable<Executor>::value) {
    if (this != &other) {
      forget();
      executor_ = other.executor_;
      handle_ = std::move(other.handle_);
      reactor_ = other.reactor_;
      state_ = other.state_;
      state_fd_ = other.state_fd_;
      blocks_ = other.blocks_;
      native_blocks_ = other.native_blocks_;
      other.wait_again();
    }
    return *this;
  }

  stream(stream const&) = delete;
  stream& operator=(stream const&) = delete;

  /// Closes the handle. Pending operations end with operation_aborted.
  ~stream() { forget(); }

  /// Where handlers are called by default.
  executor_type get_executor() const noexcept { return executor_; }

  /// The handle.
  next_layer_type& next_layer() noexcept { return handle_.get(); }
  /// \overload
  next_layer_type const& next_layer() const noexcept { return handle_.get(); }

  /// This stream; see lowest_layer_type.
  lowest_layer_type& lowest_layer() noexcept { return *this; }
  /// \overload
  lowest_layer_type const& lowest_layer() const noexcept { return *this; }

  /// The descriptor, -1 if there is none.
  native_handle_type native_handle() const { return handle_.native_handle(); }

  /// Whether there is a descriptor.
  bool is_open() const { return native_handle() >= 0; }

  // --- Its end ------------------------------------------------------------------------------------

  /// Closes the handle. Pending operations end with operation_aborted. Success if it is closed.
  void close() {
    boost::system::error_code ec;
    close(ec);
    detail::throw_error(ec, "close");
  }

  /// @copydoc close
  void close(boost::system::error_code& ec) {
    forget();
    handle_.close(ec);
  }

  /// Ends pending operations with operation_aborted. Errors: bad_descriptor if closed.
  void cancel() {
    boost::system::error_code ec;
    cancel(ec);
    detail::throw_error(ec, "cancel");
  }

  /// @copydoc cancel
  void cancel(boost::system::error_code& ec) {
    ec = is_open() ? boost::system::error_code()
                   : boost::asio::error::make_error_code(boost::asio::error::bad_descriptor);
    if (is_open()) {
      reactor_->cancel(native_handle());
    }
  }

  /// Gives up the descriptor without closing it, and ends pending operations with
  /// operation_aborted. Errors: bad_descriptor if closed; the second form then returns -1.
  native_handle_type release() {
    boost::system::error_code ec;
    native_handle_type const fd = release(ec);
    detail::throw_error(ec, "release");
    return fd;
  }

  /// @copydoc release
  native_handle_type release(boost::system::error_code& ec) {
    forget();
    return handle_.release(ec);
  }

  // --- Reading and writing -------------------------------------------------------------------------

  /// Reads what is there into `buffers`, at least a byte. If nothing is, waits for it as Asio's
  /// sockets do, unless non_blocking(true) was called: then the error is would_block.
  ///
  /// Errors: eof at the end, what the system reports, bad_descriptor if closed.
  template <class MutableBufferSequence>
  std::size_t read_some(MutableBufferSequence const& buffers) {
    boost::system::error_code ec;
    std::size_t const bytes = read_some(buffers, ec);
    detail::throw_error(ec, "read_some");
    return bytes;
  }

  /// @copydoc read_some
  template <class MutableBufferSequence>
  std::size_t read_some(MutableBufferSequence const& buffers, boost::system::error_code& ec) {
    std::size_t bytes = 0;
    do {
      bytes = io::read_some(native_handle(), buffers, ec);
    } while (must_wait(ec) && detail::descriptor_ops::wait_readable(native_handle(), ec));
    return bytes;
  }

  /// Writes what fits of `buffers`, at least a byte; waits for room as Asio's sockets do, unless
  /// non_blocking(true) was called.
  ///
  /// Errors: broken_pipe after the end (SIGPIPE is never raised), what the system reports,
  /// bad_descriptor if closed.
  template <class ConstBufferSequence> std::size_t write_some(ConstBufferSequence const& buffers) {
    boost::system::error_code ec;
    std::size_t const bytes = write_some(buffers, ec);
    detail::throw_error(ec, "write_some");
    return bytes;
  }

  /// @copydoc write_some
  template <class ConstBufferSequence>
  std::size_t write_some(ConstBufferSequence const& buffers, boost::system::error_code& ec) {
    std::size_t bytes = 0;
    do {
      bytes = io::write_some(native_handle(), buffers, ec);
    } while (must_wait(ec) && detail::descriptor_ops::wait_writable(native_handle(), ec));
    return bytes;
  }

  /// Reads what is there, as soon as there is something; buffers without room for a byte complete at
  /// once. Several reads are served in the order in which they began. After one that filled less than
  /// its buffer, the next one on a TCP socket waits until the system reports more, and spares a call
  /// that would find nothing.
  ///
  /// @param buffers must stay valid until completion.
  /// @param token for `void(boost::system::error_code, std::size_t bytes_transferred)`; the errors
  /// are those of read_some(), and operation_aborted.
  template <class MutableBufferSequence,
            class Token = typename boost::asio::default_completion_token<Executor>::type>
  auto
  async_read_some(MutableBufferSequence const& buffers,
                  Token&& token = typename boost::asio::default_completion_token<Executor>::type())
      -> decltype(boost::asio::async_initiate<Token, transferred>(
          std::declval<initiate_transfer<detail::read_action, interest::readable>>(), token,
          buffers)) {
    return boost::asio::async_initiate<Token, transferred>(
        initiate_transfer<detail::read_action, interest::readable>(*this), token, buffers);
  }

  /// Writes what fits, as soon as there is room.
  ///
  /// @param buffers must stay valid until completion.
  /// @param token for `void(boost::system::error_code, std::size_t bytes_transferred)`; the errors
  /// are those of write_some(), and operation_aborted.
  template <class ConstBufferSequence,
            class Token = typename boost::asio::default_completion_token<Executor>::type>
  auto
  async_write_some(ConstBufferSequence const& buffers,
                   Token&& token = typename boost::asio::default_completion_token<Executor>::type())
      -> decltype(boost::asio::async_initiate<Token, transferred>(
          std::declval<initiate_transfer<detail::write_action, interest::writable>>(), token,
          buffers)) {
    return boost::asio::async_initiate<Token, transferred>(
        initiate_transfer<detail::write_action, interest::writable>(*this), token, buffers);
  }

  /// The same as write_some(), with flags: those of boost::asio::socket_base, and what else send(2) knows.
  /// Sockets only.
  template <class ConstBufferSequence, class H = Handle, detail::only_for_sockets<H> = 0>
  std::size_t send(ConstBufferSequence const& buffers,
                   boost::asio::socket_base::message_flags flags = 0) {
    boost::system::error_code ec;
    std::size_t const bytes = send(buffers, flags, ec);
    detail::throw_error(ec, "send");
    return bytes;
  }

  /// @copydoc send
  template <class ConstBufferSequence, class H = Handle, detail::only_for_sockets<H> = 0>
  std::size_t send(ConstBufferSequence const& buffers,
                   boost::asio::socket_base::message_flags flags, boost::system::error_code& ec) {
    std::size_t bytes = 0;
    do {
      bytes = io::send(native_handle(), buffers, flags, ec);
    } while (must_wait(ec) && detail::descriptor_ops::wait_writable(native_handle(), ec));
    return bytes;
  }

  /// The same as read_some(), with flags: those of boost::asio::socket_base, and what else recv(2) knows.
  /// With `message_peek` the next call finds the same bytes again. Sockets only.
  template <class MutableBufferSequence, class H = Handle, detail::only_for_sockets<H> = 0>
  std::size_t receive(MutableBufferSequence const& buffers,
                      boost::asio::socket_base::message_flags flags = 0) {
    boost::system::error_code ec;
    std::size_t const bytes = receive(buffers, flags, ec);
    detail::throw_error(ec, "receive");
    return bytes;
  }

  /// @copydoc receive
  template <class MutableBufferSequence, class H = Handle, detail::only_for_sockets<H> = 0>
  std::size_t receive(MutableBufferSequence const& buffers,
                      boost::asio::socket_base::message_flags flags,
                      boost::system::error_code& ec) {
    std::size_t bytes = 0;
    do {
      bytes = io::receive(native_handle(), buffers, flags, ec);
    } while (must_wait(ec) && detail::descriptor_ops::wait_readable(native_handle(), ec));
    return bytes;
  }

  /// async_write_some() by the name that it has where there are flags. Sockets only.
  template <class ConstBufferSequence,
            class Token = typename boost::asio::default_completion_token<Executor>::type,
            class H = Handle, detail::only_for_sockets<H> = 0>
  auto async_send(ConstBufferSequence const& buffers,
                  Token&& token = typename boost::asio::default_completion_token<Executor>::type())
      -> decltype(boost::asio::async_initiate<Token, transferred>(
          std::declval<initiate_transfer<detail::write_action, interest::writable>>(), token,
          buffers)) {
    return boost::asio::async_initiate<Token, transferred>(
        initiate_transfer<detail::write_action, interest::writable>(*this), token, buffers);
  }

  /// The same with flags, as for send().
  template <class ConstBufferSequence,
            class Token = typename boost::asio::default_completion_token<Executor>::type,
            class H = Handle, detail::only_for_sockets<H> = 0>
  auto async_send(ConstBufferSequence const& buffers, boost::asio::socket_base::message_flags flags,
                  Token&& token = typename boost::asio::default_completion_token<Executor>::type())
      -> decltype(boost::asio::async_initiate<Token, transferred>(
          std::declval<initiate_with_flags<detail::send_action, interest::writable>>(), token,
          buffers, flags)) {
    return boost::asio::async_initiate<Token, transferred>(
        initiate_with_flags<detail::send_action, interest::writable>(*this), token, buffers, flags);
  }

  /// async_read_some() by the name that it has where there are flags. Sockets only.
  template <class MutableBufferSequence,
            class Token = typename boost::asio::default_completion_token<Executor>::type,
            class H = Handle, detail::only_for_sockets<H> = 0>
  auto
  async_receive(MutableBufferSequence const& buffers,
                Token&& token = typename boost::asio::default_completion_token<Executor>::type())
      -> decltype(boost::asio::async_initiate<Token, transferred>(
          std::declval<initiate_transfer<detail::read_action, interest::readable>>(), token,
          buffers)) {
    return boost::asio::async_initiate<Token, transferred>(
        initiate_transfer<detail::read_action, interest::readable>(*this), token, buffers);
  }

  /// The same with flags, as for receive(). With `message_out_of_band` it waits for urgent data.
  template <class MutableBufferSequence,
            class Token = typename boost::asio::default_completion_token<Executor>::type,
            class H = Handle, detail::only_for_sockets<H> = 0>
  auto
  async_receive(MutableBufferSequence const& buffers, boost::asio::socket_base::message_flags flags,
                Token&& token = typename boost::asio::default_completion_token<Executor>::type())
      -> decltype(boost::asio::async_initiate<Token, transferred>(
          std::declval<initiate_with_flags<detail::receive_action, interest::readable>>(), token,
          buffers, flags)) {
    return boost::asio::async_initiate<Token, transferred>(
        initiate_with_flags<detail::receive_action, interest::readable>(*this), token, buffers,
        flags);
  }

  // --- Waiting and connecting ----------------------------------------------------------------------

  /// Blocks until the handle is ready, has an error or a hang-up; unless non_blocking(true) was called:
  /// then the error is would_block if it is not ready now.
  /// @param wanted an interest, or a wait_type of Asio's. `wait_error` is interest::priority, which
  /// ends when the peer has written its last, too; with Asio it does not.
  ///
  /// Errors: bad_descriptor if closed, invalid_argument if nothing is wanted.
  void wait(detail::awaited wanted) {
    boost::system::error_code ec;
    wait(wanted, ec);
    detail::throw_error(ec, "wait");
  }

  /// @copydoc wait
  void wait(detail::awaited wanted, boost::system::error_code& ec) {
    if (int const error = detail::check_registration(wanted.wanted, trigger::edge)) {
      ec = detail::system_error_code(error);
    } else {
      detail::descriptor_ops::wait_for(native_handle(), wanted.events(), blocks_, ec);
    }
  }

  /// Waits until the handle is ready; see mioext::async_wait(). What closes the stream ends it at once.
  /// @param wanted an interest, or a wait_type of Asio's, as of wait().
  template <class Token = typename boost::asio::default_completion_token<Executor>::type>
  auto async_wait(detail::awaited wanted,
                  Token&& token = typename boost::asio::default_completion_token<Executor>::type())
      -> decltype(detail::start_async_wait<Token>(std::declval<Executor const&>(), 0,
                                                  detail::watch_mode::per_operation, wanted.wanted,
                                                  token)) {
    return detail::start_async_wait<Token>(executor_, native_handle(),
                                           detail::watch_mode::per_operation, wanted.wanted, token);
  }

  /// Connects a socket, and blocks until it is known how that ended, also after non_blocking(true). One
  /// that is closed is opened for the endpoint's protocol, and stays open after an error.
  ///
  /// Unlike Asio's, it waits where a Unix listener has no room, and does not say that a socket was
  /// connected that had been before; see mioext::async_connect().
  ///
  /// Errors: what connect(2) or SO_ERROR says; already_connected, already_started; those of open().
  template <class H = Handle> void connect(typename H::endpoint_type const& endpoint) {
    boost::system::error_code ec;
    connect(endpoint, ec);
    detail::throw_error(ec, "connect");
  }

  /// @copydoc connect
  template <class H = Handle>
  void connect(typename H::endpoint_type const& endpoint, boost::system::error_code& ec) {
    detail::open_if_closed(*this, endpoint, ec);
    if (ec) {
      return;
    }
    bool const blocked = native_blocks_;
    if (blocked) {
      set_native_mode(true, ec);
    }
    ec = detail::system_error_code(detail::connect_and_wait(
        native_handle(),
        detail::socket_address{reinterpret_cast<::sockaddr const*>(endpoint.data()),
                               static_cast<::socklen_t>(endpoint.size())}));
    if (blocked) {
      boost::system::error_code ignored;
      set_native_mode(false, ignored);
    }
  }

  /// Connects the handle; see mioext::async_connect(), which also takes a stream and a sequence of
  /// endpoints.
  template <class Token = typename boost::asio::default_completion_token<Executor>::type,
            class H = Handle>
  auto
  async_connect(typename H::endpoint_type const& endpoint,
                Token&& token = typename boost::asio::default_completion_token<Executor>::type())
      -> decltype(detail::start_connect_one<Token>(std::declval<stream&>(), endpoint,
                                                   std::declval<Executor const&>(), token)) {
    return detail::start_connect_one<Token>(*this, endpoint, executor_, token);
  }

  /// The same to an endpoint of another type, or of a handle that knows no type of them.
  template <class Endpoint,
            class Token = typename boost::asio::default_completion_token<Executor>::type,
            detail::enable_if<detail::is_endpoint<Endpoint>::value> = 0>
  auto
  async_connect(Endpoint const& endpoint,
                Token&& token = typename boost::asio::default_completion_token<Executor>::type())
      -> decltype(detail::start_connect_one<Token>(std::declval<stream&>(), endpoint,
                                                   std::declval<Executor const&>(), token)) {
    return detail::start_connect_one<Token>(*this, endpoint, executor_, token);
  }

  // --- What the handle has --------------------------------------------------------------------------

  /// True if synchronous reads, writes and waits say would_block instead of waiting. Not from the start;
  /// and not any more after the stream was closed.
  bool non_blocking() const noexcept { return !blocks_; }

  /// Sets that. Errors: bad_descriptor if closed.
  void non_blocking(bool mode) {
    boost::system::error_code ec;
    non_blocking(mode, ec);
    detail::throw_error(ec, "non_blocking");
  }

  /// @copydoc non_blocking
  void non_blocking(bool mode, boost::system::error_code& ec) {
    ec = closed_error();
    if (!ec && mode && native_blocks_) {
      set_native_mode(true, ec);
    }
    if (!ec) {
      blocks_ = !mode;
    }
  }

  /// Whether the descriptor is non-blocking as far as the system is concerned. Unlike an Asio socket's,
  /// a stream's is so from the beginning. It says nothing of what the synchronous members do.
  bool native_non_blocking() const noexcept { return is_open() && !native_blocks_; }

  /// Sets that, for somebody else who uses the descriptor, while nothing is pending. The next asynchronous
  /// operation makes it non-blocking again.
  ///
  /// Errors: bad_descriptor if closed; invalid_argument for false after non_blocking(true).
  void native_non_blocking(bool mode) {
    boost::system::error_code ec;
    native_non_blocking(mode, ec);
    detail::throw_error(ec, "native_non_blocking");
  }

  /// @copydoc native_non_blocking
  void native_non_blocking(bool mode, boost::system::error_code& ec) {
    ec = closed_error();
    if (!ec && !mode && !blocks_) {
      ec = boost::asio::error::invalid_argument;
    }
    if (!ec && (!mode || native_blocks_ || !detail::is_always_non_blocking<Handle>::value)) {
      set_native_mode(mode, ec);
    }
  }

  /// The handle's open(), as are all that follow the handle's members of their name.
  template <class H = Handle, class Protocol>
  auto open(Protocol const& protocol) -> decltype(static_cast<void>(
      std::declval<H&>().open(protocol, std::declval<boost::system::error_code&>()))) {
    boost::system::error_code ec;
    open(protocol, ec);
    detail::throw_error(ec, "open");
  }

  /// For a protocol that is one and not several, as a local one.
  template <class H = Handle>
  auto open() -> decltype(static_cast<void>(std::declval<H&>().open(
      typename H::protocol_type(), std::declval<boost::system::error_code&>()))) {
    open(typename H::protocol_type());
  }

  /// @copydoc open
  template <class H = Handle, class Protocol>
  auto open(Protocol const& protocol, boost::system::error_code& ec)
      -> decltype(static_cast<void>(std::declval<H&>().open(protocol, ec))) {
    detail::open_handle(next_layer(), protocol, ec);
    if (!ec) {
      prepare(ec);
    }
  }

  /// The handle's assign(), of a descriptor, or of another handle.
  template <class Assigned, class H = Handle>
  auto assign(Assigned&& assigned)
      -> decltype(static_cast<void>(std::declval<detail::stream_handle<H>&>().assign(
          std::forward<Assigned>(assigned), std::declval<boost::system::error_code&>()))) {
    boost::system::error_code ec;
    assign(std::forward<Assigned>(assigned), ec);
    detail::throw_error(ec, "assign");
  }

  /// @copydoc assign
  template <class Assigned, class H = Handle>
  auto assign(Assigned&& assigned, boost::system::error_code& ec) -> decltype(static_cast<void>(
      std::declval<detail::stream_handle<H>&>().assign(std::forward<Assigned>(assigned), ec))) {
    handle_.assign(std::forward<Assigned>(assigned), ec);
    prepare_assigned(ec);
  }

  /// The handle's assign(), of a descriptor with its protocol.
  template <class H = Handle>
  void assign(typename H::protocol_type const& protocol, native_handle_type fd) {
    boost::system::error_code ec;
    assign(protocol, fd, ec);
    detail::throw_error(ec, "assign");
  }

  /// @copydoc assign
  template <class H = Handle>
  void assign(typename H::protocol_type const& protocol, native_handle_type fd,
              boost::system::error_code& ec) {
    handle_.assign(protocol, fd, ec);
    prepare_assigned(ec);
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

private:
  template <class, class> friend class stream;

  template <template <class, class> class Action, interest Wanted> class initiate_transfer {
  public:
    using executor_type = Executor;

    explicit initiate_transfer(stream& used) noexcept : stream_(used) {}

    executor_type get_executor() const noexcept { return stream_.executor_; }

    template <class Handler, class Buffers>
    void operator()(Handler&& completion_handler, Buffers const& buffers) const {
      typename std::decay<Handler>::type owned(std::forward<Handler>(completion_handler));
      detail::start_operation(stream_.place(), stream_.executor_, Wanted, true,
                              Action<io, Buffers>(buffers), owned);
    }

  private:
    stream& stream_;
  };

  template <template <class, class> class Action, interest Wanted> class initiate_with_flags {
  public:
    using executor_type = Executor;

    explicit initiate_with_flags(stream& used) noexcept : stream_(used) {}

    executor_type get_executor() const noexcept { return stream_.executor_; }

    template <class Handler, class Buffers>
    void operator()(Handler&& completion_handler, Buffers const& buffers, int flags) const {
      typename std::decay<Handler>::type owned(std::forward<Handler>(completion_handler));
      Action<io, Buffers> action(buffers, flags);
      // Without urgent data the system does not say "not now", but that the question is wrong.
      bool const is_urgent = Wanted == interest::readable && action.may_wait() &&
                             (flags & boost::asio::socket_base::message_out_of_band) != 0;
      detail::start_operation(stream_.place(), stream_.executor_,
                              is_urgent ? interest::priority : Wanted, !is_urgent, action, owned);
    }

  private:
    stream& stream_;
  };

  struct made_of {};

  template <class ExecutorOrContext, class... Arguments>
  stream(made_of, executor_type const& executor, ExecutorOrContext& source,
         Arguments&&... arguments)
      : executor_(executor),
        reactor_(detail::selector_service_access::reactor(detail::context_of(executor_))),
        handle_(source, std::forward<Arguments>(arguments)...) {
    prepare();
  }

  // Not before it is sure that there is what the stream needs besides.
  template <class Socket, class Kind>
  static Handle taken_from(executor_type const& executor, Socket&& socket, Kind kind) {
    detail::selector_service_access::reactor(detail::context_of(executor));
    return taken_from(std::move(socket), kind);
  }

  template <class Socket> static Handle taken_from(Socket&& socket, std::true_type) {
    return socket.is_open() ? Handle(std::move(socket)) : Handle();
  }

  template <class Socket> static Handle taken_from(Socket&& socket, std::false_type) {
    return Handle(std::move(socket));
  }

  boost::system::error_code closed_error() const {
    return is_open() ? boost::system::error_code()
                     : boost::asio::error::make_error_code(boost::asio::error::bad_descriptor);
  }

  void prepare(boost::system::error_code& ec) {
    ec.clear();
    wait_again();
    if (is_open()) {
      detail::set_native_non_blocking(next_layer(), ec);
    }
  }

  void prepare_assigned(boost::system::error_code& ec) {
    if (ec) {
      return;
    }
    prepare(ec);
    if (ec) {
      boost::system::error_code ignored;
      handle_.release(ignored);
    }
  }

  void prepare() {
    boost::system::error_code ec;
    prepare(ec);
    detail::throw_error(ec, "stream");
  }

  bool must_wait(boost::system::error_code const& ec) const noexcept {
    return blocks_ && detail::would_block(ec);
  }

  /// As a stream is that has just been opened.
  void wait_again() noexcept {
    blocks_ = true;
    native_blocks_ = false;
  }

  void set_native_mode(bool mode, boost::system::error_code& ec) {
    detail::set_native_non_blocking(next_layer(), mode, ec);
    if (!ec) {
      native_blocks_ = !mode;
      state_ = nullptr;
      state_fd_ = -1; // place() is to look
    }
  }

  /// Where this stream's operations wait. The state is looked up once for a descriptor.
  detail::operation_place place() {
    int const fd = native_handle();
    if (fd != state_fd_) {
      look_up(fd);
    }
    return detail::operation_place{reactor_, fd, state_, detail::watch_mode::persistent};
  }

  /// Not inlined, because it is rare.
  BOOST_NOINLINE void look_up(int fd) {
    if (native_blocks_) {
      boost::system::error_code ignored;
      set_native_mode(true, ignored);
    }
    state_ = reactor_->state_of(fd);
    state_fd_ = fd;
  }

  /// Ends what is pending. The reactor does not know the descriptor any more, which is about to go.
  void forget() {
    int const fd = native_handle();
    if (fd >= 0) {
      reactor_->remove(fd);
    }
    wait_again();
  }

  Executor executor_;
  // Before the handle: if there is none to be had, the handle is still the caller's.
  std::shared_ptr<detail::selector_reactor> reactor_;
  stream_handle handle_;
  detail::descriptor_state* state_ = nullptr;
  int state_fd_ = -1; // whose state that is
  bool blocks_ = true;
  bool native_blocks_ = false;
};

namespace detail {

/// Whatever its handle is: the stream itself says so.
template <class Handle, class Executor>
struct is_heard_closing<stream<Handle, Executor>> : std::true_type {};

} // namespace detail
} // namespace mioext

#endif // MIOEXT_STREAM_HPP
