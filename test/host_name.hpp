//
// test/host_name.hpp
// ------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A file of the kernel's that tells changes by its priority: Linux's host name.
//

#ifndef MIOEXT_TEST_HOST_NAME_HPP
#define MIOEXT_TEST_HOST_NAME_HPP

#include <cstring>

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <unistd.h>

#include <mioext/detail/file_descriptor.hpp>

namespace test {

/// A host name of this process alone. The kernel counts the changes of all together, so only one process
/// has one at a time: the others wait.
class own_host_name {
public:
  own_host_name() : lock_(open()) {
    is_usable_ = ::flock(lock_.get(), LOCK_EX) == 0 &&
                 (::unshare(CLONE_NEWUTS) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWUTS) == 0) &&
                 change();
  }

  /// False if this process may not have one.
  bool is_usable() const { return is_usable_; }

  static int open() { return ::open("/proc/sys/kernel/hostname", O_RDONLY | O_CLOEXEC); }

  /// Says that it has changed, which it has not.
  static bool change() {
    char name[256] = {};
    return ::gethostname(name, sizeof name - 1) == 0 && ::sethostname(name, std::strlen(name)) == 0;
  }

private:
  mioext::detail::file_descriptor lock_;
  bool is_usable_ = false;
};

} // namespace test

#endif // MIOEXT_TEST_HOST_NAME_HPP
