//
// bench/proxy/programs.hpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Programs that run beside this one, and the files that they need.
//

#ifndef BENCH_PROXY_PROGRAMS_HPP
#define BENCH_PROXY_PROGRAMS_HPP

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../harness.hpp"
#include "../system.hpp"

namespace bench {

// --- Files and programs ----------------------------------------------------------------------------

// A directory for what the servers need. A process of its own removes it when this program and all
// its rounds have ended, however they did.
class temporary_directory {
public:
  temporary_directory() {
    char name[] = "/tmp/mioext-proxy-XXXXXX";
    check(::mkdtemp(name) != nullptr, "mkdtemp");
    name_ = name;
    checked(::pipe2(lives_, O_CLOEXEC), "pipe");
    remover_ = checked(::fork(), "fork");
    if (remover_ == 0) {
      ::setpgid(0, 0); // out of reach of the terminal's signals
      ::close(lives_[1]);
      char none;
      while (::read(lives_[0], &none, 1) < 0 && errno == EINTR) {
      }
      ::execlp("rm", "rm", "-rf", name, static_cast<char*>(nullptr));
      ::_exit(1);
    }
    ::close(lives_[0]);
  }

  temporary_directory(temporary_directory const&) = delete;
  temporary_directory& operator=(temporary_directory const&) = delete;

  ~temporary_directory() {
    ::close(lives_[1]);
    ::waitpid(remover_, nullptr, 0);
  }

  std::string path(std::string const& file) const { return name_ + "/" + file; }

  std::string write(std::string const& file, std::string const& text) const {
    std::ofstream(path(file)) << text;
    return path(file);
  }

private:
  std::string name_;
  int lives_[2];
  ::pid_t remover_;
};

inline std::string content(std::string const& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The path of a program, or nothing. (Servers are where other users than root do not look.)
inline std::string find_program(std::string const& name) {
  char const* const path = std::getenv("PATH");
  std::istringstream places(std::string(path ? path : "") + ":/usr/local/sbin:/usr/sbin:/sbin");
  for (std::string place; std::getline(places, place, ':');) {
    std::string const found = place + "/" + name;
    if (::access(found.c_str(), X_OK) == 0) {
      return found;
    }
  }
  return {};
}

// A program that runs until this object is destroyed, or the process that made it ends.
class program {
public:
  // What it says goes to `log`.
  program(std::vector<std::string> arguments, std::string const& log, unsigned core) {
    process_ = start_process(
        [&] {
          pin_to_core(core);
          int const output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
          ::dup2(output, STDOUT_FILENO);
          ::dup2(output, STDERR_FILENO);
          ::close(output);
          // strace is not among its ancestors.
          ::prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
          std::vector<char*> pointers;
          for (std::string& argument : arguments) {
            pointers.push_back(&argument[0]);
          }
          pointers.push_back(nullptr);
          ::execv(pointers[0], pointers.data());
          throw std::runtime_error(arguments[0] + " cannot be started");
        },
        3600);
  }

  program(program const&) = delete;
  program& operator=(program const&) = delete;

  ~program() { end(SIGKILL); }

  ::pid_t process() const { return process_; }

  // Waits until it has ended.
  void end(int signal) {
    if (process_ > 0) {
      ::kill(process_, signal);
      while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
      }
      process_ = 0;
    }
  }

  // Microseconds of processor time that it has used.
  double processor_time() const {
    ::clockid_t clock;
    ::timespec used;
    check(::clock_getcpuclockid(process_, &clock) == 0 && ::clock_gettime(clock, &used) == 0,
          "the proxy has ended");
    return 1e6 * static_cast<double>(used.tv_sec) + 1e-3 * static_cast<double>(used.tv_nsec);
  }

private:
  ::pid_t process_;
};

// Waits until `is_so`, for five seconds.
template <class Condition> void wait_until(Condition is_so, std::string const& what) {
  for (int tries = 0; !is_so(); ++tries) {
    check(tries < 500, what.c_str());
    ::poll(nullptr, 0, 10);
  }
}

// --- System calls ----------------------------------------------------------------------------------

// Those of a program while `work` is done: all, and those for receiving, sending, waiting, epoll_ctl.
template <class Work>
std::vector<double> calls_of(program const& counted, std::string const& strace_path,
                             temporary_directory const& files, Work work) {
  std::string const table = files.path("strace");
  std::string const process = std::to_string(counted.process());
  program strace({strace_path, "-f", "-c", "-o", table, "-p", process}, files.path("strace.log"),
                 0);
  wait_until(
      [&] {
        return content("/proc/" + process + "/status").find("TracerPid:\t0\n") == std::string::npos;
      },
      "strace is not allowed to trace the proxy");
  double const times = work();
  strace.end(SIGINT);

  static std::map<std::string, std::size_t> const groups = {
      {"read", 1},        {"readv", 1},        {"recvfrom", 1}, {"recvmsg", 1}, {"write", 2},
      {"writev", 2},      {"sendto", 2},       {"sendmsg", 2},  {"splice", 2},  {"epoll_wait", 3},
      {"epoll_pwait", 3}, {"epoll_pwait2", 3}, {"epoll_ctl", 4}};
  std::vector<double> numbers(5);
  std::ifstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    // Per cent, seconds, microseconds a call, calls, perhaps errors, name.
    std::istringstream words(line);
    double share, seconds, each, calls;
    std::string name;
    if (words >> share >> seconds >> each >> calls) {
      for (std::string word; words >> word;) {
        name = word;
      }
      auto const group = groups.find(name);
      if (name != "total") {
        numbers[0] += calls / times;
        numbers[group == groups.end() ? 0 : group->second] +=
            group == groups.end() ? 0 : calls / times;
      }
    }
  }
  check(numbers[0] > 0, "strace has counted nothing");
  return numbers;
}

} // namespace bench

#endif // BENCH_PROXY_PROGRAMS_HPP
