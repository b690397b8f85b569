//
// mioext/detail/event_loop/selector_lender.hpp
// --------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A second selector, which belongs to others and in which an event loop may have descriptors.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_SELECTOR_LENDER_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_SELECTOR_LENDER_HPP

#include <mioext/detail/system.hpp>

#include <sys/stat.h>

#include <mioext/detail/polling/selector.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// True for a file whose priority event only the first who looks is told of. Some of the kernel's are
/// such, as /proc/self/mounts (mounts_poll in Linux's fs/proc_namespace.c, proc_sys_poll in
/// fs/proc/proc_sysctl.c). They look like regular ones, which no selector takes otherwise.
inline bool is_told_once(int fd) noexcept {
  struct ::stat status;
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

/// The selector of an execution context, as one loop in it sees it. A loop whose own selector is nested
/// in that one has descriptors there whose readiness looking uses up: the outer selector would look at
/// the inner one, and the inner one at the descriptor, before the loop does.
///
/// A selector knows a descriptor once. So a descriptor there is this loop's, or somebody else's.
///
/// Functions that return an int return an errno value.
class selector_lender {
public:
  selector_lender(selector_lender const&) = delete;
  selector_lender& operator=(selector_lender const&) = delete;

  /// True if this loop has added `fd` and not removed it, and as far as is known nobody else has added
  /// another file with that number since.
  virtual bool has(int fd) const noexcept = 0;

  /// True if, in addition, the number still refers to the file that was added.
  virtual bool has_still(int fd) noexcept = 0;

  /// EEXIST if the file is there already, no matter whose it is.
  virtual int add(int fd, interest wanted, trigger how, selector::user_data data) noexcept = 0;

  /// These are for what it has.
  virtual int modify(int fd, interest wanted, trigger how, selector::user_data data) noexcept = 0;
  virtual int remove(int fd) noexcept = 0;

  /// In a child process that has its parent's selector: replaces it by one of its own, unless that has
  /// been done already.
  virtual int renew() noexcept = 0;

protected:
  selector_lender() noexcept = default;
  ~selector_lender() = default;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_SELECTOR_LENDER_HPP
