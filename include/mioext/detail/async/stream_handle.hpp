//
// mioext/detail/async/stream_handle.hpp
// -------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a stream needs of the handle that it holds, for every kind of handle: an object that owns
// its descriptor, or the bare number of a descriptor that somebody else owns.
//

#ifndef MIOEXT_DETAIL_ASYNC_STREAM_HANDLE_HPP
#define MIOEXT_DETAIL_ASYNC_STREAM_HANDLE_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/posix/descriptor_base.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>
#include <boost/type_traits/is_detected.hpp>

#include <mioext/detail/descriptor_flags.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The member types and constants that users of a socket, or of another descriptor, expect in its
/// class, as in Asio's classes.
template <class Handle, bool IsSocket> struct handle_types : boost::asio::posix::descriptor_base {};

template <class Handle> struct handle_types<Handle, true> : boost::asio::socket_base {
  /// The handle's protocol.
  using protocol_type = typename Handle::protocol_type;
  /// The handle's endpoint.
  using endpoint_type = typename Handle::endpoint_type;
};

template <class Handle>
using release_with_error_result =
    decltype(std::declval<Handle&>().release(std::declval<boost::system::error_code&>()));

/// True for a handle that has release(ec), as sockets do. Asio's descriptors only have release(),
/// which cannot fail.
template <class Handle>
using has_release_with_error =
    std::integral_constant<bool, boost::is_detected<release_with_error_result, Handle>::value>;

/// Holds a handle, and holds a closed one after it was moved from. Asio's handles are made with an
/// executor or a context, and others without.
template <class Handle> class stream_handle {
public:
  /// Constructs the handle from the arguments alone, if that is possible.
  template <
      class ExecutorOrContext, class... Arguments,
      typename std::enable_if<std::is_constructible<Handle, Arguments&&...>::value, int>::type = 0>
  explicit stream_handle(ExecutorOrContext&, Arguments&&... arguments)
      : handle_(std::forward<Arguments>(arguments)...) {}

  template <class ExecutorOrContext, class... Arguments,
            typename std::enable_if<
                !std::is_constructible<Handle, Arguments&&...>::value &&
                    std::is_constructible<Handle, ExecutorOrContext&, Arguments&&...>::value,
                int>::type = 0>
  explicit stream_handle(ExecutorOrContext& executor, Arguments&&... arguments)
      : handle_(executor, std::forward<Arguments>(arguments)...) {}

  /// Takes over the handle of another stream_handle, converted to this type.
  template <class OtherHandle>
  explicit stream_handle(stream_handle<OtherHandle>&& other) : handle_(std::move(other.get())) {}

  stream_handle(stream_handle&& other) noexcept(std::is_nothrow_move_constructible<Handle>::value)
      : handle_(std::move(other.handle_)) {
    other.forget(std::is_trivially_copyable<Handle>());
  }

  stream_handle&
  operator=(stream_handle&& other) noexcept(std::is_nothrow_move_assignable<Handle>::value) {
    handle_ = std::move(other.handle_);
    other.forget(std::is_trivially_copyable<Handle>());
    return *this;
  }

  Handle& get() noexcept { return handle_; }
  Handle const& get() const noexcept { return handle_; }

  int native_handle() const {
    // Asio's native_handle() is not const.
    return const_cast<Handle&>(handle_).native_handle();
  }

  void close(boost::system::error_code& ec) { handle_.close(ec); }

  int release(boost::system::error_code& ec) {
    return release(ec, has_release_with_error<Handle>());
  }

  // This is a template, because not every handle has assign().
  template <class H = Handle, class... Arguments>
  auto assign(Arguments&&... arguments)
      -> decltype(std::declval<H&>().assign(std::forward<Arguments>(arguments)...)) {
    return handle_.assign(std::forward<Arguments>(arguments)...);
  }

private:
  /// A trivially copyable handle still has its descriptor after it was moved from, so it is
  /// released here.
  void forget(std::true_type) {
    boost::system::error_code ignored;
    release(ignored);
  }

  void forget(std::false_type) noexcept {}

  int release(boost::system::error_code& ec, std::true_type) { return handle_.release(ec); }

  int release(boost::system::error_code& ec, std::false_type) {
    if (native_handle() < 0) {
      ec = boost::asio::error::bad_descriptor;
      return -1;
    }
    ec.clear();
    return handle_.release();
  }

  Handle handle_;
};

template <> class stream_handle<int> {
public:
  template <class ExecutorOrContext>
  explicit stream_handle(ExecutorOrContext&) noexcept : fd_(-1) {}
  template <class ExecutorOrContext>
  explicit stream_handle(ExecutorOrContext&, int fd) noexcept : fd_(fd) {}
  stream_handle(stream_handle&& other) noexcept : fd_(other.exchange(-1)) {}

  stream_handle& operator=(stream_handle&& other) noexcept {
    fd_ = other.exchange(-1);
    return *this;
  }

  int& get() noexcept { return fd_; }
  int const& get() const noexcept { return fd_; }
  int native_handle() const noexcept { return fd_; }

  /// Only forgets the descriptor, because somebody else owns it.
  void close(boost::system::error_code& ec) noexcept {
    ec.clear();
    fd_ = -1;
  }

  int release(boost::system::error_code& ec) noexcept {
    ec = fd_ < 0 ? boost::asio::error::make_error_code(boost::asio::error::bad_descriptor)
                 : boost::system::error_code();
    return exchange(-1);
  }

  void assign(int fd, boost::system::error_code& ec) noexcept {
    if (fd_ >= 0) {
      ec = boost::asio::error::already_open;
    } else if (!is_open_descriptor(fd)) {
      ec = boost::asio::error::bad_descriptor;
    } else {
      ec.clear();
      fd_ = fd;
    }
  }

private:
  int exchange(int fd) noexcept {
    int const old = fd_;
    fd_ = fd;
    return old;
  }

  int fd_;
};

/// Has no member `type` if the handle cannot be constructed from these arguments, alone or after an
/// executor or a context. (The compiler shows the name of this struct in its message.)
template <bool IsConstructible> struct the_handle_can_be_made_of_these {};

template <> struct the_handle_can_be_made_of_these<true> { using type = int; };

template <class Handle, class ExecutorOrContext, class... Arguments>
using if_makes_handle = typename the_handle_can_be_made_of_these<
    std::is_constructible<stream_handle<Handle>, ExecutorOrContext&, Arguments&&...>::value>::type;

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_STREAM_HANDLE_HPP
