//
// mioext/timeout.hpp
// ------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What names one timer of an event loop.
//

#ifndef MIOEXT_TIMEOUT_HPP
#define MIOEXT_TIMEOUT_HPP

#include <mioext/detail/system.hpp>

#include <mioext/detail/event_loop/timer_wheel.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

template <class Token, class Message> class basic_event_loop;

/// Names a timer that was set with a loop's timer() or timer_at(), for clear_timer() and
/// reset_timer().
///
/// A small value to copy and keep. The loop recognises a timeout whose timer has fired or was
/// cleared, even if another timer has taken its place. A timer that is reset is the same timer:
/// every copy still names it. It is valid only for the loop that made it.
/// A default-constructed one names no timer.
///
/// @par Source
/// mio's first `Timeout`.
class timeout {
public:
  timeout() noexcept = default;

private:
  template <class, class> friend class basic_event_loop;

  explicit timeout(detail::timer_id id) noexcept : id_(id) {}

  detail::timer_id id_{};
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_TIMEOUT_HPP
