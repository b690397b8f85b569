//
// mioext/detail/polling/registration_rules.hpp
// --------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Which combinations of interest and trigger a registration may have, checked before the system is
// asked.
//

#ifndef MIOEXT_DETAIL_POLLING_REGISTRATION_RULES_HPP
#define MIOEXT_DETAIL_POLLING_REGISTRATION_RULES_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>

#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Zero if the registration is allowed. EINVAL if it asks for nothing, contradicts itself or
/// contains unknown bits. For `exclusive`, the rules are those of epoll_ctl(2) for EPOLLEXCLUSIVE.
inline int check_registration(interest wanted, trigger how) noexcept {
  bool const is_known = contains(~interest::none, wanted) && contains(~trigger(), how);
  if (!is_known || wanted == interest::none || contains(how, trigger::edge | trigger::level)) {
    return EINVAL;
  }
  if (contains(how, trigger::exclusive) &&
      (contains(how, trigger::oneshot) || contains(wanted, interest::priority))) {
    return EINVAL;
  }
  return 0;
}

/// The same for changing an existing registration, which cannot be made `exclusive`.
inline int check_reregistration(interest wanted, trigger how) noexcept {
  return contains(how, trigger::exclusive) ? EINVAL : check_registration(wanted, how);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_REGISTRATION_RULES_HPP
