//
// test/hostile/server_process.hpp
// -------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A server that runs as a child, and what the system says of it.
//

#ifndef MIOEXT_TEST_HOSTILE_SERVER_PROCESS_HPP
#define MIOEXT_TEST_HOSTILE_SERVER_PROCESS_HPP

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "address.hpp"

namespace hostile {

/// Started with a command; says first where it listens, as all the examples do. It has so many
/// descriptors, and is ended with this object if it was not before.
class server_process {
public:
  server_process(std::vector<std::string> command, std::size_t descriptors) {
    int output[2];
    check_system(::pipe2(output, O_CLOEXEC) == 0, "pipe2");
    std::vector<char*> arguments;
    for (std::string& each : command) {
      arguments.push_back(&each[0]);
    }
    arguments.push_back(nullptr);
    int const nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    id_ = ::fork();
    check_system(id_ >= 0, "fork");
    if (id_ == 0) {
      ::dup2(nothing, STDIN_FILENO);
      ::dup2(output[1], STDOUT_FILENO);
      ::rlimit const limit = {descriptors, descriptors};
      ::setrlimit(RLIMIT_NOFILE, &limit);
      ::execv(arguments[0], arguments.data());
      ::_exit(127);
    }
    ::close(output[1]);
    ::close(nothing);
    std::string line;
    char next = 0;
    while (::read(output[0], &next, 1) == 1 && next != '\n') {
      line += next;
    }
    std::string const first_words = "listening on ";
    if (line.compare(0, first_words.size(), first_words) != 0) {
      ::close(output[0]);
      throw failure(command[0] + " says '" + line + "'");
    }
    where_ = address(line.substr(first_words.size()));
    // A chat is told to the operator, too, who must not be what it waits for.
    int const from = output[0];
    reader_ = std::thread([from] {
      char ignored[65536];
      while (::read(from, ignored, sizeof ignored) > 0) {
      }
      ::close(from);
    });
  }

  server_process(server_process const&) = delete;
  server_process& operator=(server_process const&) = delete;

  ~server_process() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, nullptr, 0);
    }
    if (reader_.joinable()) {
      reader_.join();
    }
  }

  address const& where() const { return where_; }

  /// From now on. What it has already stays.
  void allow_descriptors(std::size_t count) {
    ::rlimit const limit = {count, count};
    check_system(::prlimit(id_, RLIMIT_NOFILE, &limit, nullptr) == 0, "prlimit");
  }

  bool is_alive() const { return ::waitpid(id_, nullptr, WNOHANG) == 0; }

  /// Asks it to end, as its operator would. Throws if that was no clean end.
  void stop() {
    ::kill(id_, SIGTERM);
    int status = 0;
    ::pid_t const ended = id_;
    id_ = -1;
    check_system(::waitpid(ended, &status, 0) > 0, "waitpid");
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
      throw failure("the server's status is " + std::to_string(status));
    }
  }

  /// In kilobytes.
  std::size_t resident_memory() const {
    std::ifstream file(directory() + "/statm");
    std::size_t total = 0;
    std::size_t resident = 0;
    file >> total >> resident;
    return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)) / 1024;
  }

  std::size_t open_descriptors() const {
    std::size_t count = 0;
    DIR* const listed = ::opendir((directory() + "/fd").c_str());
    check_system(listed != nullptr, "opendir");
    while (::dirent const* const entry = ::readdir(listed)) {
      count += entry->d_name[0] != '.';
    }
    ::closedir(listed);
    return count;
  }

  /// What it has spent on the processor, in seconds.
  double processor_time() const {
    std::ifstream file(directory() + "/stat");
    std::string word;
    unsigned long long ticks = 0;
    for (int field = 1; field <= 15; ++field) { // no example has a blank in its name
      file >> word;
      if (field >= 14) {
        ticks += std::stoull(word);
      }
    }
    return static_cast<double>(ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }

private:
  std::string directory() const { return "/proc/" + std::to_string(id_); }

  ::pid_t id_ = -1;
  address where_;
  std::thread reader_;
};

} // namespace hostile

#endif // MIOEXT_TEST_HOSTILE_SERVER_PROCESS_HPP
