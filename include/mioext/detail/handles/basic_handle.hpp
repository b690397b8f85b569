//
// mioext/detail/handles/basic_handle.hpp
// --------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What all handles have in common: one owned descriptor.
//

#ifndef MIOEXT_DETAIL_HANDLES_BASIC_HANDLE_HPP
#define MIOEXT_DETAIL_HANDLES_BASIC_HANDLE_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <type_traits>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/closing_listeners.hpp>
#include <mioext/detail/descriptor_ops.hpp>
#include <mioext/detail/dispatch_scope.hpp>
#include <mioext/detail/file_descriptor.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The base of every mioext handle, and all of its state: `sizeof` a handle is that of an int.
///
/// A handle that was moved from is closed, and can be opened again.
class basic_handle {
public:
  /// The system's name of the handle.
  using native_handle_type = int;

  /// Tells the event loop's connect and listen that there is nothing to set.
  using always_non_blocking = std::true_type;

  basic_handle(basic_handle const&) = delete;
  basic_handle& operator=(basic_handle const&) = delete;

  /// Takes ownership of a descriptor that was opened elsewhere, and makes it close-on-exec and
  /// non-blocking. The non-blocking mode belongs to the open file description, not to the
  /// descriptor: every duplicate of the descriptor, in other processes as well, becomes
  /// non-blocking (fcntl(2), F_SETFL).
  ///
  /// Errors: `already_open` if this handle holds a descriptor; `bad_descriptor` if `fd` is not an
  /// open descriptor. After an error `fd` still belongs to the caller.
  void assign(native_handle_type fd) {
    boost::system::error_code ec;
    assign(fd, ec);
    throw_error(ec, "assign");
  }

  /// \overload
  void assign(native_handle_type fd, boost::system::error_code& ec) noexcept {
    if (is_open()) {
      ec = boost::asio::error::already_open;
      return;
    }
    descriptor_ops::adopt(fd, ec);
    if (!ec) {
      descriptor_.reset(fd);
    }
  }

  /// Whether it holds a descriptor.
  bool is_open() const noexcept { return static_cast<bool>(descriptor_); }

  /// Closes the descriptor; succeeds if there is none. If an event loop is calling a handler on
  /// this thread, it forgets the descriptor's registration and delivers no further event of it.
  ///
  /// Errors: what close(2) reports. The handle is closed in any case.
  void close() {
    boost::system::error_code ec;
    close(ec);
    throw_error(ec, "close");
  }

  /// \overload
  void close(boost::system::error_code& ec) noexcept { ec = system_error_code(reset()); }

  /// Releases the descriptor without closing it: the caller owns it from now on. Its registrations
  /// with a poller or a loop stay; asynchronous operations that wait for it end with
  /// operation_aborted, as with Asio's sockets.
  ///
  /// Errors: `bad_descriptor` if there is none; the second form then returns -1.
  native_handle_type release() {
    boost::system::error_code ec;
    native_handle_type const fd = release(ec);
    throw_error(ec, "release");
    return fd;
  }

  /// \overload
  native_handle_type release(boost::system::error_code& ec) noexcept {
    if (is_open()) {
      ec.clear();
      // Nobody will be notified when the new owner closes it, so the listeners are told now.
      closing_listeners::tell(native_handle());
    } else {
      ec = boost::asio::error::bad_descriptor;
    }
    return descriptor_.release();
  }

  /// The descriptor, still owned by the handle; -1 if there is none.
  native_handle_type native_handle() const noexcept { return descriptor_.get(); }

protected:
  basic_handle() noexcept = default;

  explicit basic_handle(native_handle_type fd) { assign(fd); }

  basic_handle(basic_handle&& other) noexcept = default;

  basic_handle& operator=(basic_handle&& other) noexcept {
    if (this != &other) {
      if (is_open()) {
        reset();
      }
      descriptor_ = std::move(other.descriptor_);
    }
    return *this;
  }

  ~basic_handle() {
    if (is_open()) {
      reset();
    }
  }

private:
  friend struct handle_access;

  /// Closes what is held and takes `fd` instead; returns an errno value.
  int reset(int fd = -1) noexcept {
    if (is_open()) {
      handle_closing(descriptor_.get());
    }
    int const error = descriptor_.reset(fd);
    // The descriptor is closed even after EINTR, and a caller that saw this error would try again.
    return error == EINTR ? 0 : error;
  }

  file_descriptor descriptor_{};
};

/// Lets the library's own functions put a descriptor that they made into a handle. Such a
/// descriptor is already non-blocking and close-on-exec; assign() would ask the kernel about that.
struct handle_access {
  static void reset(basic_handle& handle, int fd) noexcept { handle.reset(fd); }
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLES_BASIC_HANDLE_HPP
