//
// bench/system.hpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What benchmarks with several processes or threads need of the system besides the harness: cores,
// sockets of the loopback interface, and numbers from another process.
//

#ifndef BENCH_SYSTEM_HPP
#define BENCH_SYSTEM_HPP

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.hpp"

namespace bench {

/// `result`, of a system call that is not expected to fail.
template <class Result> Result checked(Result result, char const* call) {
  if (result < 0) {
    throw std::system_error(errno, std::generic_category(), call);
  }
  return result;
}

inline void check(bool holds, char const* what) {
  if (!holds) {
    throw std::runtime_error(what);
  }
}

// --- Cores --------------------------------------------------------------------------------------

/// Keeps the calling thread off the first core, where a loop is measured.
inline void pin_to_other_cores() {
  unsigned const cores = std::thread::hardware_concurrency();
  cpu_set_t set;
  CPU_ZERO(&set);
  for (unsigned core = 1; core < cores; ++core) {
    CPU_SET(core, &set);
  }
  if (cores > 1) {
    ::sched_setaffinity(0, sizeof set, &set);
  }
}

// --- Sockets ------------------------------------------------------------------------------------

inline ::sockaddr_in loopback(std::uint16_t port) {
  ::sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

inline int listen_on_loopback() {
  int const fd =
      checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  ::sockaddr_in const address = loopback(0);
  checked(::bind(fd, reinterpret_cast<::sockaddr const*>(&address), sizeof address), "bind");
  checked(::listen(fd, 1024), "listen");
  return fd;
}

inline std::uint16_t port_of(int fd) {
  ::sockaddr_in address = {};
  ::socklen_t size = sizeof address;
  checked(::getsockname(fd, reinterpret_cast<::sockaddr*>(&address), &size), "getsockname");
  return ntohs(address.sin_port);
}

/// Small messages are to leave at once.
inline void set_no_delay(int fd) {
  int const on = 1;
  checked(::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

// --- Processes ----------------------------------------------------------------------------------

/// A process beside this one that computes a few numbers.
class helper_process {
public:
  template <class Work> helper_process(unsigned longest_seconds, Work work) {
    checked(::pipe2(ends_, O_CLOEXEC), "pipe");
    process_ = start_process(
        [&] {
          ::close(ends_[0]);
          std::vector<double> const numbers = work();
          std::size_t const size = numbers.size() * sizeof(double);
          check(::write(ends_[1], numbers.data(), size) == static_cast<::ssize_t>(size),
                "the numbers of the process beside this one are lost");
        },
        longest_seconds);
    ::close(ends_[1]);
  }

  helper_process(helper_process const&) = delete;
  helper_process& operator=(helper_process const&) = delete;

  ~helper_process() { ::close(ends_[0]); }

  /// Waits for its end.
  std::vector<double> numbers() {
    std::vector<double> all;
    double number;
    while (::read(ends_[0], &number, sizeof number) == sizeof number) {
      all.push_back(number);
    }
    wait_for_process(process_);
    return all;
  }

private:
  int ends_[2];
  ::pid_t process_;
};

} // namespace bench

#endif // BENCH_SYSTEM_HPP
