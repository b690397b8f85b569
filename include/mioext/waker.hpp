//
// mioext/waker.hpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Wakes a thread that is waiting in a poll, from any other.
//

#ifndef MIOEXT_WAKER_HPP
#define MIOEXT_WAKER_HPP

#include <mioext/detail/system.hpp>

#include <boost/system/error_code.hpp>

#include <mioext/detail/polling/argument_checks.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/poller.hpp>
#include <mioext/token.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// Makes a poll return an event of its token, readable, from any thread.
///
/// Several wakes before the poll may be reported as one; none is lost. The event needs no reading
/// and no re-arming. What a thread wrote before wake() is visible to the thread that sees the
/// event. ThreadSanitizer does not know this; it needs to see an atomic or a mutex.
///
/// Thread safety: wake() may be called from any number of threads at once. Destroying it
/// deregisters it.
///
/// @par Example
/// @code
/// mioext::waker waker(poller.registry(), mioext::token(10));
/// std::thread worker([&] { waker.wake(); });
/// @endcode
///
/// @par Source
/// mio's `Waker`; eventfd(2), kqueue(2) for EVFILT_USER.
class waker {
public:
  /// Makes a waker that is watched by the poller of `where`.
  /// @throws boost::system::system_error too_many_files_open and the like.
  waker(registry const& where, token name) {
    boost::system::error_code ec;
    open(where, name, ec);
    detail::throw_error(ec, "waker");
  }

  /// The same; after an error, wake() answers bad_file_descriptor.
  waker(registry const& where, token name, boost::system::error_code& ec) { open(where, name, ec); }

  /// For arguments that are none of the above, so that the compiler says what is wrong.
  template <class Given, class... Rest, detail::if_no_token<token, Given> = 0>
  waker(registry const&, Given&&, Rest&&...) {
    MIOEXT_DETAIL_CHECK_TOKEN((detail::is_token_argument<token, Given>::value));
  }

  /// Takes over the registration of the other waker, which then answers bad_file_descriptor.
  waker(waker&&) noexcept = default;
  /// The same; what this one was is deregistered.
  waker& operator=(waker&&) noexcept = default;
  waker(waker const&) = delete;
  waker& operator=(waker const&) = delete;

  /// Wakes the poller. Never blocks. Complexity: one system call.
  void wake() const {
    boost::system::error_code ec;
    wake(ec);
    detail::throw_error(ec, "wake");
  }

  /// @copydoc wake
  void wake(boost::system::error_code& ec) const { ec = detail::system_error_code(native_.wake()); }

private:
  void open(registry const& where, token name, boost::system::error_code& ec) {
    ec = detail::system_error_code(
        native_.open(*where.selector_, detail::selector::token_data(name.value())));
  }

  detail::selector_waker native_{};
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_WAKER_HPP
