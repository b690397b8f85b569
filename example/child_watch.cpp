//
// example/child_watch.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Starts a command and says how it ends (SIGCHLD). On SIGINT or SIGTERM it ends the command, and
// itself when that is done.
//
//   child_watch [COMMAND [ARGUMENT...]]   by default `sleep 60`
//

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <vector>

#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>

#include <boost/system/system_error.hpp>

#include <mioext/event_loop.hpp>

#include "command_line.hpp"

extern char** environ; // NOLINT: POSIX leaves this declaration to the program

// Starts `command` with the signal mask `mask`, and returns its process id.
pid_t start(std::vector<char*> command, sigset_t const& mask) {
  command.push_back(nullptr);
  ::posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  ::posix_spawnattr_setsigmask(&attributes, &mask);
  pid_t child = 0;
  int const error =
      ::posix_spawnp(&child, command[0], nullptr, &attributes, command.data(), environ);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    throw boost::system::system_error(error, boost::system::system_category(), command[0]);
  }
  return child;
}

class child_watch final : public mioext::handler {
public:
  explicit child_watch(pid_t child) : child_(child) {}

  void signal(loop_type& loop, mioext::signal_info const& info) override {
    if (info.number == SIGCHLD) {
      reap(loop);
    } else if (!loop.shutdown_requested()) {
      std::cout << ::strsignal(info.number);
      if (info.pid != 0) { // not every system tells
        std::cout << " from process " << info.pid << " of user " << info.uid;
      }
      std::cout << ": ending the child" << std::endl;
      ::kill(child_, SIGTERM);
      loop.timer(std::chrono::seconds(5), mioext::token());
    }
  }

  void timer(loop_type&, mioext::token) override {
    std::cout << "child " << child_ << " does not end: killing it" << std::endl;
    ::kill(child_, SIGKILL);
  }

private:
  // The signal only says that there is something to ask for: of several SIGCHLD at the same time
  // one arrives, so what it carries (info.pid, info.status) may not be all there is.
  void reap(loop_type& loop) {
    int status = 0;
    while (::waitpid(child_, &status, WNOHANG | WUNTRACED | WCONTINUED) == child_) {
      std::cout << "child " << child_;
      if (WIFEXITED(status)) {
        std::cout << " exited with status " << WEXITSTATUS(status) << std::endl;
        loop.shutdown();
        return; // its number may soon be that of another process
      }
      if (WIFSIGNALED(status)) {
        std::cout << " was ended by signal " << WTERMSIG(status) << " ("
                  << ::strsignal(WTERMSIG(status)) << ')' << std::endl;
        loop.shutdown();
        return;
      }
      std::cout << (WIFSTOPPED(status) ? " was stopped" : " goes on") << std::endl;
    }
  }

  pid_t const child_;
};

int run(std::vector<std::string> words) {
  if (words.empty()) {
    words = {"sleep", "60"};
  } else if (words[0].compare(0, 1, "-") == 0) {
    throw usage_error("no such option: " + words[0]);
  }

  // A registered signal is blocked, and children inherit that. This one shall have what we had.
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);

  // Signals first, then the child: it may end at once.
  mioext::event_loop loop;
  for (int const number : {SIGCHLD, SIGINT, SIGTERM}) {
    loop.register_signal(number);
  }

  std::vector<char*> command;
  for (std::string& word : words) {
    command.push_back(&word[0]);
  }
  pid_t const child = start(command, mask);
  std::cout << "child " << child << " runs " << command[0] << std::endl;

  child_watch handler(child);
  loop.run(handler);
  return EXIT_SUCCESS;
}

char const* const usage = R"(child_watch [COMMAND [ARGUMENT...]]
Starts the command, by default `sleep 60`, and says how it ends.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
