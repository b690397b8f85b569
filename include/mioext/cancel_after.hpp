//
// mioext/cancel_after.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Completion tokens that cancel an operation when it takes too long. From Boost 1.77 on; with older
// versions, whose operations cannot be cancelled one by one, this header declares nothing.
//

#ifndef MIOEXT_CANCEL_AFTER_HPP
#define MIOEXT_CANCEL_AFTER_HPP

#include <mioext/detail/system.hpp>

#include <mioext/detail/async/asio_features.hpp>

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

#include <chrono>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>

#include <mioext/detail/async/cancel_token.hpp>
#include <mioext/detail/duration.hpp>
#include <mioext/steady_timer.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

/// Makes a completion token from another one: it cancels the operation, through its cancellation
/// slot, if it has not completed after `limit`. The operation then completes as it does when it is
/// cancelled, for the most part with operation_aborted; one that does not support `type` goes on.
///
/// The time is counted from the start of the operation, by a steady_timer on the operation's I/O
/// executor. It need not be an operation of mioext's. A cancellation slot of `token` works as without
/// the limit. When the operation completes in time, the timer costs no function of the context.
///
/// As with Asio's token of this name, the operation and its limit are two things that go on at the
/// same time. So if several threads run the context, the handler's executor must be a strand.
///
/// In a selector_context the operation and its limit stay in the context's thread, wherever the
/// handler is called: in another context's, or in a thread_pool.
///
/// Before Boost 1.86 some of Asio's tokens that wrap another one, such as as_tuple, do not tell it
/// which I/O executor the operation has. There write `cancel_after(limit, as_tuple(token))`, and not
/// the other way round, unless the token has an executor itself, as a coroutine's has: then the timer is
/// on that one. If that is another one's than the operation's selector_context, it must not be written
/// so, because the operation would be cancelled in the other one's thread.
///
/// @param limit any duration; if it is not positive, the operation is cancelled as soon as the context
/// runs.
/// @param token any completion token; it may be left out where the operation has a default one.
/// @param type what to cancel with
///
/// @par Example
/// @code
/// stream.async_read_some(buffer, mioext::cancel_after(std::chrono::seconds(10), handler));
/// std::size_t n = co_await stream.async_read_some(
///     buffer, mioext::cancel_after(10s, boost::asio::use_awaitable));
/// @endcode
///
/// @par Source
/// Boost.Asio's cancel_after (since Boost 1.86).
template <class Rep, class Period, class Token,
          typename std::enable_if<
              !std::is_convertible<Token, boost::asio::cancellation_type_t>::value, int>::type = 0>
detail::cancel_token<typename std::decay<Token>::type, std::chrono::nanoseconds, basic_steady_timer>
cancel_after(std::chrono::duration<Rep, Period> const& limit, Token&& token) {
  return {std::forward<Token>(token), detail::ceil_nanoseconds(limit),
          boost::asio::cancellation_type::terminal};
}

/// \overload
template <class Rep, class Period, class Token>
detail::cancel_token<typename std::decay<Token>::type, std::chrono::nanoseconds, basic_steady_timer>
cancel_after(std::chrono::duration<Rep, Period> const& limit, boost::asio::cancellation_type_t type,
             Token&& token) {
  return {std::forward<Token>(token), detail::ceil_nanoseconds(limit), type};
}

/// \overload
template <class Rep, class Period>
detail::partial_cancel_token<std::chrono::nanoseconds, basic_steady_timer>
cancel_after(std::chrono::duration<Rep, Period> const& limit,
             boost::asio::cancellation_type_t type = boost::asio::cancellation_type::terminal) {
  return {detail::ceil_nanoseconds(limit), type};
}

/// The same with a point in time.
template <class Token,
          typename std::enable_if<
              !std::is_convertible<Token, boost::asio::cancellation_type_t>::value, int>::type = 0>
detail::cancel_token<typename std::decay<Token>::type, steady_timer::time_point, basic_steady_timer>
cancel_at(steady_timer::time_point const& limit, Token&& token) {
  return {std::forward<Token>(token), limit, boost::asio::cancellation_type::terminal};
}

/// \overload
template <class Token>
detail::cancel_token<typename std::decay<Token>::type, steady_timer::time_point, basic_steady_timer>
cancel_at(steady_timer::time_point const& limit, boost::asio::cancellation_type_t type,
          Token&& token) {
  return {std::forward<Token>(token), limit, type};
}

/// \overload
inline detail::partial_cancel_token<steady_timer::time_point, basic_steady_timer>
cancel_at(steady_timer::time_point const& limit,
          boost::asio::cancellation_type_t type = boost::asio::cancellation_type::terminal) {
  return {limit, type};
}

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

#endif // MIOEXT_CANCEL_AFTER_HPP
