//
// mioext/detail/handles/pipe_end.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What both ends of a pipe have in common.
//

#ifndef MIOEXT_DETAIL_HANDLES_PIPE_END_HPP
#define MIOEXT_DETAIL_HANDLES_PIPE_END_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>

#include <boost/system/error_code.hpp>

#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/handles/basic_handle.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A handle that can be made blocking.
class pipe_end : public basic_handle {
public:
  /// Tells stream and connect that this handle may be blocking. See native_non_blocking().
  using always_non_blocking = std::false_type;

  /// True unless native_non_blocking(false) was called, or the end is closed.
  bool native_non_blocking() const noexcept { return is_non_blocking(native_handle()); }

  /// With false, read_some() and write_some() wait as read(2) and write(2) do on an ordinary pipe.
  /// Use this for an end that becomes the standard input or output of a child process, or is used
  /// by a library that does not handle would_block. The other end is not affected, but every
  /// duplicate of this one is (fcntl(2), F_SETFL). Do not watch a blocking end.
  /// native_non_blocking(true) undoes this, and so does making a stream over the end.
  ///
  /// Errors: what fcntl(2) reports; `bad_descriptor` if closed.
  void native_non_blocking(bool mode) {
    boost::system::error_code ec;
    native_non_blocking(mode, ec);
    throw_error(ec, "native_non_blocking");
  }

  /// \overload
  void native_non_blocking(bool mode, boost::system::error_code& ec) noexcept {
    ec = system_error_code(set_non_blocking_mode(native_handle(), mode));
  }

protected:
  pipe_end() noexcept = default;
  explicit pipe_end(native_handle_type fd) : basic_handle(fd) {}
  pipe_end(pipe_end&& other) noexcept = default;
  pipe_end& operator=(pipe_end&& other) noexcept = default;
  ~pipe_end() = default;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLES_PIPE_END_HPP
