//
// mioext/detail/async/stream_core.hpp
// -----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// All of a stream's state: the handle, its executor, where its operations wait, and whether its
// synchronous members wait.
//

#ifndef MIOEXT_DETAIL_ASYNC_STREAM_CORE_HPP
#define MIOEXT_DETAIL_ASYNC_STREAM_CORE_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/config.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/async/selector_service_access.hpp>
#include <mioext/detail/async/stream_handle.hpp>
#include <mioext/detail/async/stream_io.hpp>
#include <mioext/detail/descriptor_ops.hpp>
#include <mioext/detail/event_loop/handle_ops.hpp>
#include <mioext/detail/polling/connection_ops.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The tag of the constructor that constructs the handle from its arguments.
struct made_of {};

template <class Handle, class Executor> class stream_core {
  using handle_holder = stream_handle<Handle>;

public:
  using executor_type = Executor;

  /// How the handle's descriptor is read and written.
  using io = stream_io<Handle>;

  /// @param source the executor or its context, for a handle whose constructor needs one.
  template <class ExecutorOrContext, class... Arguments>
  stream_core(made_of, Executor const& executor, ExecutorOrContext& source,
              Arguments&&... arguments)
      : executor_(executor), native_(executor_),
        reactor_(selector_service_access::reactor(context_of(executor_), native())),
        handle_(source, std::forward<Arguments>(arguments)...) {
    boost::system::error_code ec;
    make_non_blocking(ec);
    throw_error(ec, "stream");
  }

  /// `other` is closed afterwards, and keeps its executor. Pending operations go on.
  stream_core(stream_core&& other) noexcept(
      std::is_nothrow_move_constructible<handle_holder>::value&&
          std::is_nothrow_copy_constructible<Executor>::value)
      : executor_(other.executor_), native_(executor_), reactor_(other.reactor_),
        handle_(std::move(other.handle_)), state_(other.state_), state_fd_(other.state_fd_),
        blocks_(other.blocks_), native_blocks_(other.native_blocks_) {
    other.reset_modes();
  }

  /// The same for another stream_core whose handle and executor convert to these types.
  template <class OtherHandle, class OtherExecutor>
  explicit stream_core(stream_core<OtherHandle, OtherExecutor>&& other)
      : executor_(other.executor_), native_(executor_), reactor_(other.reactor_),
        handle_(std::move(other.handle_)), state_(other.state_), state_fd_(other.state_fd_),
        blocks_(other.blocks_), native_blocks_(other.native_blocks_) {
    other.reset_modes();
  }

  stream_core&
  operator=(stream_core&& other) noexcept(std::is_nothrow_move_assignable<handle_holder>::value&&
                                              std::is_nothrow_copy_assignable<Executor>::value) {
    if (this != &other) {
      end_pending();
      executor_ = other.executor_;
      native_ = known_native<Executor>(executor_);
      handle_ = std::move(other.handle_);
      reactor_ = other.reactor_;
      state_ = other.state_;
      state_fd_ = other.state_fd_;
      blocks_ = other.blocks_;
      native_blocks_ = other.native_blocks_;
      other.reset_modes();
    }
    return *this;
  }

  stream_core(stream_core const&) = delete;
  stream_core& operator=(stream_core const&) = delete;

  ~stream_core() { end_pending(); }

  Executor const& executor() const noexcept { return executor_; }

  /// The scheduler whose executor that is; null for all others.
  scheduler* native() const noexcept { return native_.get(executor_); }

  Handle& handle() noexcept { return handle_.get(); }
  Handle const& handle() const noexcept { return handle_.get(); }
  int fd() const { return handle_.native_handle(); }
  bool is_open() const { return fd() >= 0; }

  // --- Beginning and end -------------------------------------------------------------------------

  template <class Protocol> void open(Protocol const& protocol, boost::system::error_code& ec) {
    open_handle(handle(), protocol, ec);
    if (!ec) {
      make_non_blocking(ec);
    }
  }

  /// After an error the descriptor still belongs to the caller.
  template <class... Assigned> void assign(boost::system::error_code& ec, Assigned&&... assigned) {
    handle_.assign(std::forward<Assigned>(assigned)..., ec);
    if (ec) {
      return;
    }
    make_non_blocking(ec);
    if (ec) {
      boost::system::error_code ignored;
      handle_.release(ignored);
    }
  }

  void close(boost::system::error_code& ec) {
    end_pending();
    handle_.close(ec);
  }

  int release(boost::system::error_code& ec) {
    end_pending(false);
    return handle_.release(ec);
  }

  void cancel(boost::system::error_code& ec) {
    ec = error_if_closed();
    if (!ec) {
      reactor_->cancel(fd());
    }
  }

  // --- Modes -------------------------------------------------------------------------------------

  /// True if the synchronous members wait.
  bool blocks() const noexcept { return blocks_; }

  void set_blocks(bool blocks, boost::system::error_code& ec) {
    ec = error_if_closed();
    if (!ec && !blocks && native_blocks_) {
      set_native_blocks(false, ec);
    }
    if (!ec) {
      blocks_ = blocks;
    }
  }

  /// True if the descriptor itself was made blocking, for somebody else who uses it.
  bool native_blocks() const noexcept { return native_blocks_; }

  void set_native_blocks(bool blocks, boost::system::error_code& ec) {
    set_native_non_blocking(handle(), !blocks, ec);
    if (!ec) {
      native_blocks_ = blocks;
      state_ = nullptr;
      state_fd_ = -1; // so that place() looks it up again
    }
  }

  boost::system::error_code error_if_closed() const {
    return is_open() ? boost::system::error_code()
                     : boost::asio::error::make_error_code(boost::asio::error::bad_descriptor);
  }

  // --- Operations --------------------------------------------------------------------------------

  /// Where this stream's operations wait. The state is looked up once for each descriptor.
  operation_place place() {
    int const number = fd();
    if (number != state_fd_) {
      look_up(number);
    }
    return operation_place{reactor_, number, state_, watch_mode::persistent};
  }

  /// Calls `read(fd, ec)`. If the stream blocks, waits and calls it again until it does not fail
  /// with would_block.
  template <class Read> std::size_t read(boost::system::error_code& ec, Read read) const {
    std::size_t bytes = 0;
    do {
      bytes = read(fd(), ec);
    } while (must_wait(ec) && descriptor_ops::wait_readable(fd(), ec));
    return bytes;
  }

  /// Does the same with `write(fd, ec)`.
  template <class Write> std::size_t write(boost::system::error_code& ec, Write write) const {
    std::size_t bytes = 0;
    do {
      bytes = write(fd(), ec);
    } while (must_wait(ec) && descriptor_ops::wait_writable(fd(), ec));
    return bytes;
  }

  /// Connects the socket, and blocks until the outcome is known.
  void connect(socket_address const& address, boost::system::error_code& ec) {
    bool const blocked = native_blocks_;
    if (blocked) {
      set_native_blocks(false, ec);
    }
    ec = system_error_code(connect_and_wait(fd(), address));
    if (blocked) {
      boost::system::error_code ignored;
      set_native_blocks(true, ignored);
    }
  }

private:
  template <class, class> friend class stream_core;

  /// Makes the descriptor non-blocking and resets the modes, as for a handle that has just been
  /// opened.
  void make_non_blocking(boost::system::error_code& ec) {
    ec.clear();
    reset_modes();
    if (is_open()) {
      set_native_non_blocking(handle(), ec);
    }
  }

  void reset_modes() noexcept {
    blocks_ = true;
    native_blocks_ = false;
  }

  bool must_wait(boost::system::error_code const& ec) const noexcept {
    return blocks_ && would_block(ec);
  }

  /// Not inlined, because it is rarely called.
  BOOST_NOINLINE void look_up(int number) {
    if (native_blocks_) {
      boost::system::error_code ignored;
      set_native_blocks(false, ignored);
    }
    state_ = reactor_->state_of(number);
    state_fd_ = number;
  }

  /// Ends pending operations and makes the reactor forget the descriptor, which is about to be
  /// closed or given away.
  void end_pending(bool is_closed_next = true) {
    int const number = fd();
    if (number >= 0) {
      // Another class of handle may only have been shown the descriptor.
      reactor_->remove(number, is_closed_next && is_heard_closing<Handle>::value);
    }
    reset_modes();
  }

  Executor executor_;
  known_native<Executor> native_;
  // Declared before the handle: if it cannot be obtained, the handle still belongs to the caller.
  std::shared_ptr<selector_reactor> reactor_;
  handle_holder handle_;
  descriptor_state* state_ = nullptr;
  int state_fd_ = -1; // the descriptor to which that state belongs
  bool blocks_ = true;
  bool native_blocks_ = false;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_STREAM_CORE_HPP
