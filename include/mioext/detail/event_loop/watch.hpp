//
// mioext/detail/event_loop/watch.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a registration is to be from now on, whatever it was before: for those who are told only that.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_WATCH_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_WATCH_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>

#include <boost/config.hpp>

#include <mioext/detail/event_loop/registration_table.hpp>
#include <mioext/detail/event_loop/registrations.hpp>
#include <mioext/detail/event_loop/token_word.hpp>
#include <mioext/detail/polling/registration_rules.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// True if nothing has to be done to have `known` watched like that. A oneshot whose event has come
/// must be armed again.
inline bool is_watched_like(registration const& known, token_word name, interest wanted,
                            trigger how) noexcept {
  return known.name() == name && known.wanted() == wanted && known.how() == how &&
         known.state() != registration_state::disarmed &&
         known.state() != registration_state::unlisted;
}

/// Ends the registration of `fd` if it is registered as `name`. Returns whether it was. It does not
/// matter what the selector says: if the descriptor was closed, there is nothing left to remove.
BOOST_NOINLINE inline bool forget_as(registrations& handles, int fd, token_word name) noexcept {
  registration const* const known = handles.find(fd);
  if (!known || known->is_vacant() || known->name() != name) {
    return false;
  }
  handles.remove(fd);
  return true;
}

/// Has `fd` watched, registered before or not. Returns an errno value; throws std::bad_alloc.
///
/// The number may have been closed and refer to another file by now, which nobody has registered. The
/// selector says so when it is asked to change the registration, and forgets the old one.
BOOST_NOINLINE inline int watch(registrations& handles, int fd, token_word name, interest wanted,
                                trigger how) {
  if (wanted == interest::none) {
    forget_as(handles, fd, name);
    return 0;
  }
  if (int const error = check_registration(wanted, how)) {
    return error;
  }
  registration const* const known = handles.find(fd);
  if (known && !known->is_vacant()) {
    if (is_watched_like(*known, name, wanted, how)) {
      return 0;
    }
    bool const is_connecting = known->state() == registration_state::connecting ||
                               known->state() == registration_state::waiting;
    if (!is_connecting && contains(how | known->how(), trigger::exclusive)) {
      // The kernel changes nothing that is exclusive or is to be.
      int const error = handles.remove(fd);
      if (error != 0 && error != ENOENT && error != EBADF) {
        return error;
      }
    } else {
      int const error = handles.modify(fd, name, wanted, how);
      if (error != ENOENT) {
        return error;
      }
    }
  }
  return handles.add(fd, name, wanted, how);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_WATCH_HPP
