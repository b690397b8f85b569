//
// mioext/detail/own_handle.hpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a stream asks of a handle that it holds, for handles of every kind: an object that closes
// itself, or the bare number of a descriptor that is somebody else's.
//

#ifndef MIOEXT_DETAIL_OWN_HANDLE_HPP
#define MIOEXT_DETAIL_OWN_HANDLE_HPP

#include <utility>

#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

namespace mioext {
namespace detail {

/// The types that a socket's users expect beside it; of another handle, none.
template <class Handle, bool IsSocket> struct handle_types {};

template <class Handle> struct handle_types<Handle, true> {
  using protocol_type = typename Handle::protocol_type;
  using endpoint_type = typename Handle::endpoint_type;
};

/// A handle and nothing else; closed once it was moved from.
template <class Handle> class own_handle {
public:
  template <class... Arguments>
  explicit own_handle(Arguments&&... arguments) : handle_(std::forward<Arguments>(arguments)...) {}

  Handle& get() noexcept { return handle_; }
  Handle const& get() const noexcept { return handle_; }

  int native_handle() const {
    // Asio's native_handle() is not const.
    return const_cast<Handle&>(handle_).native_handle();
  }

  void close(boost::system::error_code& ec) { handle_.close(ec); }
  int release(boost::system::error_code& ec) { return handle_.release(ec); }

private:
  Handle handle_;
};

template <> class own_handle<int> {
public:
  own_handle() noexcept : fd_(-1) {}
  explicit own_handle(int fd) noexcept : fd_(fd) {}
  own_handle(own_handle&& other) noexcept : fd_(other.exchange(-1)) {}

  own_handle& operator=(own_handle&& other) noexcept {
    fd_ = other.exchange(-1);
    return *this;
  }

  int& get() noexcept { return fd_; }
  int const& get() const noexcept { return fd_; }
  int native_handle() const noexcept { return fd_; }

  /// It was only shown, so it is only forgotten.
  void close(boost::system::error_code& ec) noexcept {
    ec.clear();
    fd_ = -1;
  }

  int release(boost::system::error_code& ec) noexcept {
    ec = fd_ < 0 ? boost::asio::error::make_error_code(boost::asio::error::bad_descriptor)
                 : boost::system::error_code();
    return exchange(-1);
  }

private:
  int exchange(int fd) noexcept {
    int const old = fd_;
    fd_ = fd;
    return old;
  }

  int fd_;
};

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_OWN_HANDLE_HPP
