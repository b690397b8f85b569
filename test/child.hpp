//
// test/child.hpp
// --------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A child process that does one thing of a test, and how that ended.
//

#ifndef MIOEXT_TEST_CHILD_HPP
#define MIOEXT_TEST_CHILD_HPP

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

// Of a compiler that counts what is executed: writes it down, as the end of a process would.
extern "C" int __llvm_profile_write_file(void) __attribute__((weak));

namespace test {

/// Ends a child. Nothing of the test program's is called there.
[[noreturn]] inline void exit_child(int status) {
#ifdef __ELF__ // elsewhere a weak function must be there
  if (__llvm_profile_write_file) {
    __llvm_profile_write_file();
  }
#endif
  ::_exit(status);
}

/// Runs `act` in a child, which exits with what it returns; after an exception with 100. Returns that
/// status, or 101 if there was no child or it ended otherwise. `meanwhile` is what this process does
/// before it waits. In the child there is no Boost.Test, which would report to the same place.
template <class Act, class Meanwhile> int in_child(Act act, Meanwhile meanwhile) {
  ::pid_t const child = ::fork();
  if (child == 0) {
    int result = 100;
    try {
      result = act();
    } catch (...) {
    }
    exit_child(result);
  }
  if (child < 0) {
    return 101;
  }
  meanwhile();
  int status = -1;
  if (::waitpid(child, &status, 0) != child) {
    return 101;
  }
  if (WIFSIGNALED(status)) {
    BOOST_TEST_MESSAGE("the child ended by signal " << WTERMSIG(status));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 101;
}

template <class Act> int in_child(Act act) {
  return in_child(act, [] {});
}

} // namespace test

#endif // MIOEXT_TEST_CHILD_HPP
