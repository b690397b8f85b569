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

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/async_connect.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/beast.hpp>
#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/connect_op.hpp>
#include <mioext/detail/async/context_handle.hpp>
#include <mioext/detail/async/selector_service_access.hpp>
#include <mioext/detail/async/stream_core.hpp>
#include <mioext/detail/async/stream_handle.hpp>
#include <mioext/detail/async/stream_io.hpp>
#include <mioext/detail/async/transfer_op.hpp>
#include <mioext/detail/event_loop/handle_ops.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/selector_service.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// A handle in an execution context: an I/O object that meets Asio's AsyncReadStream,
/// AsyncWriteStream, SyncReadStream and SyncWriteStream, to be used in the place of Asio's own
/// sockets. boost::asio::async_read, async_read_until and async_write, ssl::stream, Beast's HTTP
/// and WebSocket run over it.
///
/// `Handle` is any of mioext's stream sockets and pipes (`stream<tcp_socket>`,
/// `stream<pipe_reader>`), one of Asio's stream sockets of any protocol (TCP, local, generic),
/// descriptors or pipes, any other class with `native_handle()`, `close(error_code&)` and
/// `release(error_code&)`; or `int`: then the descriptor is somebody else's, and is never closed.
/// (Close or destroy such a stream before the owner closes the descriptor, because the stream
/// identifies it only by its number. For the same reason close the stream itself, and not the
/// handle inside it, if that is a handle of Asio's or of the program's.) Sockets that preserve
/// message boundaries (datagrams, sequenced packets) are no streams, and do not compile.
///
/// A stream of a socket has all members, constructors, types and constants of Asio's
/// basic_stream_socket except the deprecated ones, with the same meaning and errors. A stream of
/// another handle has those of Asio's stream_descriptor that the handle supports. So a program
/// written for one of these classes needs to change only that name, except where Asio itself
/// requires its own type: basic_socket_acceptor::accept and async_accept can hand over a new
/// connection (`async_accept(handler)`), but cannot accept into an existing stream;
/// mioext::async_accept() can do both.
///
/// Reads and writes are tried at once, and wait only where they would block. The descriptor is
/// registered when the first of them waits, for both directions and edge-triggered, and stays so
/// until the stream is closed: no further system call is spent on waiting. (As with Asio's sockets, in an
/// io_context its close is all that ends that: while a duplicate which the program has made keeps the file
/// open, what comes for it wakes the context in vain. After release() it does not, nor does what comes
/// for a forked child.)
///
/// Members that do not concern reading and writing (open(), bind(), endpoints, options, ...) call
/// the handle's members of the same name, with their parameters, errors and overloads. If the
/// handle has no such member, the stream has none either.
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
class stream : public detail::context_handle<Handle, Executor> {
  static_assert(
      !detail::keeps_messages_apart<Handle>::value,
      "mioext: a stream is made of a stream socket; this one keeps messages apart (datagrams, "
      "sequenced packets), of which a stream would lose what a read leaves");

  using base = detail::context_handle<Handle, Executor>;
  using core = detail::stream_core<Handle, Executor>;
  using io = detail::stream_io<Handle>;

  template <class ExecutorOrContext, class... Arguments>
  using if_makes_handle = detail::if_makes_handle<Handle, ExecutorOrContext, Arguments...>;

  template <class Context, class... Arguments>
  using if_context_makes_handle =
      typename std::enable_if<detail::is_execution_context<Context>::value,
                              if_makes_handle<Context, Arguments...>>::type;

public:
  using typename base::executor_type;

  /// The stream itself, because it is the lowest layer that has pending operations. So what a layer
  /// above does to its lowest layer (close, cancel, shutdown, options) takes these operations into
  /// account.
  using lowest_layer_type = stream;

  /// The same stream with another type of executor, as Asio's sockets have it.
  template <class OtherExecutor> struct rebind_executor {
    /// That type.
    using other = stream<Handle, OtherExecutor>;
  };

  /// Makes a closed stream, unless a newly made handle of this type is open.
  /// @throws boost::system::system_error no_descriptors and the like, if the context's
  /// selector_service has to be made for this and cannot be.
  template <class E = executor_type, if_makes_handle<E const> = 0>
  explicit stream(executor_type const& executor) : base(detail::made_of(), executor, executor) {}

  /// Makes a stream whose handle is constructed from the arguments: another handle that is moved
  /// here, a protocol or an endpoint to open a socket with, a protocol and a descriptor, or a
  /// descriptor to adopt. The handle is made non-blocking.
  /// @throws boost::system::system_error what the handle's constructor throws, and the same as
  /// above.
  template <class First, class... Others,
            if_makes_handle<executor_type const, First, Others...> = 0>
  stream(executor_type const& executor, First&& first, Others&&... others)
      : base(detail::made_of(), executor, executor, std::forward<First>(first),
             std::forward<Others>(others)...) {}

  /// The same with the executor of `context`.
  template <class Context, if_context_makes_handle<Context> = 0>
  explicit stream(Context& context)
      : base(detail::made_of(), executor_type(context.get_executor()), context) {}

  /// \overload
  template <class Context, class First, class... Others,
            if_context_makes_handle<Context, First, Others...> = 0>
  stream(Context& context, First&& first, Others&&... others)
      : base(detail::made_of(), executor_type(context.get_executor()), context,
             std::forward<First>(first), std::forward<Others>(others)...) {}

  /// Takes over one of Asio's sockets, with its executor, so that a stream can be used where such a
  /// socket is passed, as in a handler of async_accept. The socket must have no outstanding
  /// operation, and is closed afterwards. A closed socket makes a closed stream.
  /// @throws boost::system::system_error what the handle's constructor throws; `socket` then still
  /// has its descriptor.
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
  stream(stream&& other) = default;

  /// The same from a stream with another type of executor, or with a handle that converts to this
  /// one, as a TCP socket converts to one of boost::asio::generic::stream_protocol.
  template <
      class OtherHandle, class OtherExecutor,
      typename std::enable_if<!std::is_same<stream<OtherHandle, OtherExecutor>, stream>::value &&
                                  std::is_convertible<OtherHandle&&, Handle>::value &&
                                  (std::is_same<OtherHandle, Handle>::value ||
                                   (detail::is_socket_handle<Handle>::value &&
                                    detail::is_socket_handle<OtherHandle>::value)) &&
                                  std::is_convertible<OtherExecutor, Executor>::value,
                              int>::type = 0>
  stream(stream<OtherHandle, OtherExecutor>&& other) : base(std::move(other)) {}

  /// Closes what this one held, as close() does.
  stream& operator=(stream&& other) = default;

  /// Closes the handle. Pending operations end with operation_aborted.
  ~stream() = default;

  /// This stream; see lowest_layer_type.
  lowest_layer_type& lowest_layer() noexcept { return *this; }
  /// \overload
  lowest_layer_type const& lowest_layer() const noexcept { return *this; }

  // --- Reading and writing -----------------------------------------------------------------------

  /// Reads available data into `buffers`, at least one byte. If there is none, it waits as Asio's
  /// sockets do; after non_blocking(true) it fails with would_block instead.
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
    return this->core_.read(ec, [&buffers](int fd, boost::system::error_code& error) {
      return io::read_some(fd, buffers, error);
    });
  }

  /// Writes as much of `buffers` as fits, at least one byte. If there is no room, it waits as
  /// Asio's sockets do; after non_blocking(true) it fails with would_block instead.
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
    return this->core_.write(ec, [&buffers](int fd, boost::system::error_code& error) {
      return io::write_some(fd, buffers, error);
    });
  }

  /// Reads available data as soon as there is any. A read into buffers without room for a byte
  /// completes at once. Several reads are served in the order in which they were started. On a TCP
  /// socket, after a read that did not fill its buffers, the next one waits until the system
  /// reports more data, which saves a system call that would find nothing.
  ///
  /// @param buffers must stay valid until completion.
  /// @param token for `void(boost::system::error_code, std::size_t bytes_transferred)`; the errors
  /// are those of read_some(), and operation_aborted.
  template <class MutableBufferSequence, class Token = detail::default_token<Executor>>
  auto async_read_some(MutableBufferSequence const& buffers,
                       Token&& token = detail::default_token<Executor>())
      -> decltype(detail::start_transfer<detail::initiate_read, Token>(std::declval<core&>(), token,
                                                                       buffers)) {
    return detail::start_transfer<detail::initiate_read, Token>(this->core_, token, buffers);
  }

  /// Writes as much as fits, as soon as there is room.
  ///
  /// @param buffers must stay valid until completion.
  /// @param token for `void(boost::system::error_code, std::size_t bytes_transferred)`; the errors
  /// are those of write_some(), and operation_aborted.
  template <class ConstBufferSequence, class Token = detail::default_token<Executor>>
  auto async_write_some(ConstBufferSequence const& buffers,
                        Token&& token = detail::default_token<Executor>())
      -> decltype(detail::start_transfer<detail::initiate_write, Token>(std::declval<core&>(),
                                                                        token, buffers)) {
    return detail::start_transfer<detail::initiate_write, Token>(this->core_, token, buffers);
  }

  /// The same as write_some(), with flags: those of boost::asio::socket_base, and all others that
  /// send(2) knows. Sockets only.
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
    return this->core_.write(ec, [&buffers, flags](int fd, boost::system::error_code& error) {
      return io::send(fd, buffers, flags, error);
    });
  }

  /// The same as read_some(), with flags: those of boost::asio::socket_base, and all others that
  /// recv(2) knows. With `message_peek` the next call finds the same bytes again. Sockets only.
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
    return this->core_.read(ec, [&buffers, flags](int fd, boost::system::error_code& error) {
      return io::receive(fd, buffers, flags, error);
    });
  }

  /// The same as async_write_some(), under the name of the form that takes flags. Sockets only.
  template <class ConstBufferSequence, class Token = detail::default_token<Executor>,
            class H = Handle, detail::only_for_sockets<H> = 0>
  auto async_send(ConstBufferSequence const& buffers,
                  Token&& token = detail::default_token<Executor>())
      -> decltype(detail::start_transfer<detail::initiate_write, Token>(std::declval<core&>(),
                                                                        token, buffers)) {
    return detail::start_transfer<detail::initiate_write, Token>(this->core_, token, buffers);
  }

  /// The same with flags, as for send().
  template <class ConstBufferSequence, class Token = detail::default_token<Executor>,
            class H = Handle, detail::only_for_sockets<H> = 0>
  auto async_send(ConstBufferSequence const& buffers, boost::asio::socket_base::message_flags flags,
                  Token&& token = detail::default_token<Executor>())
      -> decltype(detail::start_transfer<detail::initiate_send, Token>(std::declval<core&>(), token,
                                                                       buffers, flags)) {
    return detail::start_transfer<detail::initiate_send, Token>(this->core_, token, buffers, flags);
  }

  /// The same as async_read_some(), under the name of the form that takes flags. Sockets only.
  template <class MutableBufferSequence, class Token = detail::default_token<Executor>,
            class H = Handle, detail::only_for_sockets<H> = 0>
  auto async_receive(MutableBufferSequence const& buffers,
                     Token&& token = detail::default_token<Executor>())
      -> decltype(detail::start_transfer<detail::initiate_read, Token>(std::declval<core&>(), token,
                                                                       buffers)) {
    return detail::start_transfer<detail::initiate_read, Token>(this->core_, token, buffers);
  }

  /// The same with flags, as for receive(). With `message_out_of_band` it waits for urgent data.
  template <class MutableBufferSequence, class Token = detail::default_token<Executor>,
            class H = Handle, detail::only_for_sockets<H> = 0>
  auto async_receive(MutableBufferSequence const& buffers,
                     boost::asio::socket_base::message_flags flags,
                     Token&& token = detail::default_token<Executor>())
      -> decltype(detail::start_transfer<detail::initiate_receive, Token>(std::declval<core&>(),
                                                                          token, buffers, flags)) {
    return detail::start_transfer<detail::initiate_receive, Token>(this->core_, token, buffers,
                                                                   flags);
  }

  // --- Connecting --------------------------------------------------------------------------------

  /// Connects a socket, and blocks until the outcome is known, even after non_blocking(true). A
  /// closed socket is opened for the endpoint's protocol, and stays open after an error.
  ///
  /// Unlike Asio's connect(), it waits if the backlog of a Unix listener is full, and does not
  /// report success for a socket that was connected before; see mioext::async_connect().
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
    if (!ec) {
      this->core_.connect(detail::address_of(endpoint), ec);
    }
  }

  /// Connects the handle; see mioext::async_connect(), which also takes a stream and a sequence of
  /// endpoints.
  template <class Token = detail::default_token<Executor>, class H = Handle>
  auto async_connect(typename H::endpoint_type const& endpoint,
                     Token&& token = detail::default_token<Executor>())
      -> decltype(detail::start_connect_one<Token>(std::declval<stream&>(), endpoint,
                                                   std::declval<Executor const&>(), token)) {
    return detail::start_connect_one<Token>(*this, endpoint, this->get_executor(), token);
  }

  /// The same for an endpoint of another type, or for a handle that has no endpoint_type.
  template <class Endpoint, class Token = detail::default_token<Executor>,
            detail::enable_if<detail::is_endpoint<Endpoint>::value> = 0>
  auto async_connect(Endpoint const& endpoint, Token&& token = detail::default_token<Executor>())
      -> decltype(detail::start_connect_one<Token>(std::declval<stream&>(), endpoint,
                                                   std::declval<Executor const&>(), token)) {
    return detail::start_connect_one<Token>(*this, endpoint, this->get_executor(), token);
  }

private:
  // Takes the socket only after the reactor was obtained. Without a reactor there is no stream that
  // could keep the socket.
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
};

namespace detail {

/// True for every handle, because the stream itself announces that it is closed.
template <class Handle, class Executor>
struct is_heard_closing<stream<Handle, Executor>> : std::true_type {};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_STREAM_HPP
