//
// mioext/detail/async/cancellation.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Cancellation of single operations, through the slot of their handler. With a Boost.Asio that has
// no slots yet, the same names exist, but nothing is ever cancelled.
//

#ifndef MIOEXT_DETAIL_ASYNC_CANCELLATION_HPP
#define MIOEXT_DETAIL_ASYNC_CANCELLATION_HPP

#include <mioext/detail/system.hpp>

#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/cancellation_type.hpp>
#endif

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

/// For an operation whose effect nobody else sees before it has completed: every type cancels it.
using total_cancellation = boost::asio::enable_total_cancellation;

/// For an operation whose effect others may see before it has completed: it ignores total
/// cancellation, which promises that nothing has happened.
using partial_cancellation = boost::asio::enable_partial_cancellation;

/// The slot of a handler. It stays valid when the handler is moved.
template <class Handler>
using cancellation_slot_of = typename boost::asio::associated_cancellation_slot<Handler>::type;

template <class Handler>
cancellation_slot_of<Handler> get_cancellation_slot(Handler const& completion_handler) {
  return boost::asio::get_associated_cancellation_slot(completion_handler);
}

/// The function object that a slot calls. It calls `Cancel` for the types of cancellation that
/// `Supported` lets pass.
template <class Supported, class Cancel> class cancellation_handler {
public:
  template <class... Arguments>
  explicit cancellation_handler(Arguments&&... arguments)
      : cancel_{std::forward<Arguments>(arguments)...} {}

  void operator()(boost::asio::cancellation_type_t type) {
    if (Supported()(type) != boost::asio::cancellation_type_t()) {
      cancel_();
    }
  }

  Cancel const* cancel() const noexcept { return &cancel_; }

private:
  Cancel cancel_;
};

/// Constructs a `Cancel` from the arguments in `slot`. The slot calls it for the types of
/// cancellation that are supported, and may destroy it during the call.
/// @return the address of the `Cancel`; null if the slot is not connected, so that nobody can
/// cancel through it and none was made.
template <class Supported, class Cancel, class Slot, class... Arguments>
Cancel const* install_cancellation(Slot slot, Arguments&&... arguments) {
  using installed = cancellation_handler<Supported, Cancel>;
  return slot.is_connected()
             ? slot.template emplace<installed>(std::forward<Arguments>(arguments)...).cancel()
             : nullptr;
}

// --- In composed operations ----------------------------------------------------------------------

template <class Self> bool is_cancelled(Self& self) {
  return self.cancelled() != boost::asio::cancellation_type::none;
}

/// A composed operation of Asio supports only terminal cancellation until it calls this.
template <class Supported, class Self> void enable_cancellation(Self& self) {
  self.reset_cancellation_state(Supported());
}

#else

struct total_cancellation {};
struct partial_cancellation {};

struct no_cancellation_slot {
  bool is_connected() const noexcept { return false; }
};

template <class Handler> using cancellation_slot_of = no_cancellation_slot;

template <class Handler> no_cancellation_slot get_cancellation_slot(Handler const&) {
  return no_cancellation_slot();
}

template <class Supported, class Cancel, class... Arguments>
Cancel const* install_cancellation(no_cancellation_slot, Arguments&&...) {
  return nullptr;
}

template <class Self> bool is_cancelled(Self&) { return false; }
template <class Supported, class Self> void enable_cancellation(Self&) {}

#endif

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_CANCELLATION_HPP
