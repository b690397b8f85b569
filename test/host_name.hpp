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

#include <boost/test/unit_test.hpp>

#include <mioext/detail/file_descriptor.hpp>

#include "child.hpp"

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

/// Runs `act` with a host name of its own, in a child. It returns zero if all is well.
template <class Act> void check_with_own_host_name(Act act) {
  constexpr int no_right = 77;
  int const result = in_child([&act]() -> int {
    own_host_name const name;
    return name.is_usable() ? act() : no_right;
  });
  if (result == no_right) {
    BOOST_TEST_MESSAGE("nothing is tested: this process may not set a host name of its own");
  } else {
    BOOST_TEST(result == 0);
  }
}

} // namespace test

#endif // MIOEXT_TEST_HOST_NAME_HPP
