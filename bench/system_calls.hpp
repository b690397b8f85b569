//
// bench/system_calls.hpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Counts the system calls of a process, as strace -c does.
//

#ifndef BENCH_SYSTEM_CALLS_HPP
#define BENCH_SYSTEM_CALLS_HPP

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <map>

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system.hpp"

namespace bench {

/// How often each system call was made, by its number.
class system_calls {
public:
  void add(std::uint64_t number) { ++counts_[number]; }

  double of(std::initializer_list<int> numbers) const {
    double sum = 0;
    for (int number : numbers) {
      auto const found = counts_.find(static_cast<std::uint64_t>(number));
      sum += found == counts_.end() ? 0 : static_cast<double>(found->second);
    }
    return sum;
  }

  double all() const {
    double sum = 0;
    for (auto const& each : counts_) {
      sum += static_cast<double>(each.second);
    }
    return sum;
  }

private:
  std::map<std::uint64_t, std::uint64_t> counts_;
};

/// False where no process may trace another one, as in some containers.
inline bool may_count_system_calls() {
  ::pid_t const traced = checked(::fork(), "fork");
  if (traced == 0) {
    ::_exit(::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 ? 0 : 1);
  }
  int status = 0;
  while (::waitpid(traced, &status, 0) < 0) {
    check(errno == EINTR, "waitpid");
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/// Those of a process with one thread that runs `body` and ends. Throws if it does not end well.
template <class Body> system_calls system_calls_of(Body body) {
  ::pid_t const traced = checked(::fork(), "fork");
  if (traced == 0) {
    int status = 1;
    try {
      if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0 && ::raise(SIGSTOP) == 0) {
        body();
        status = 0;
      }
    } catch (std::exception const&) {
    }
    ::_exit(status);
  }

  constexpr int stopped_by_call = SIGTRAP | 0x80; // what PTRACE_O_TRACESYSGOOD makes of it
  system_calls counted;
  bool has_options = false;
  for (;;) {
    int status = 0;
    while (::waitpid(traced, &status, 0) < 0) {
      check(errno == EINTR, "waitpid");
    }
    if (!WIFSTOPPED(status)) {
      check(WIFEXITED(status) && WEXITSTATUS(status) == 0,
            "the process whose system calls are counted has failed (or must not be traced here)");
      return counted;
    }
    std::uintptr_t signal = 0;
    if (!has_options) {
      checked(
          ::ptrace(PTRACE_SETOPTIONS, traced, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL),
          "PTRACE_SETOPTIONS");
      has_options = true;
    } else if (WSTOPSIG(status) == stopped_by_call) {
      __ptrace_syscall_info call = {};
      checked(::ptrace(PTRACE_GET_SYSCALL_INFO, traced, sizeof call, &call),
              "PTRACE_GET_SYSCALL_INFO");
      if (call.op == PTRACE_SYSCALL_INFO_ENTRY) {
        counted.add(call.entry.nr);
      }
    } else {
      signal = static_cast<std::uintptr_t>(WSTOPSIG(status));
    }
    checked(::ptrace(PTRACE_SYSCALL, traced, nullptr, signal), "PTRACE_SYSCALL");
  }
}

} // namespace bench

#endif // BENCH_SYSTEM_CALLS_HPP
