//
// test/soak/soak.cpp
// ------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Thousands of connections, opened and closed all the time, with pauses, resets and sizes that chance
// picks. Each byte is checked by both ends, and in the end nothing may be lost and nothing left.
//
//   soak event_loop|async_event_loop|stream [--connections N] [--seconds S]
//
// A client and a server, a process each, both on the kind of loop that is named. By default 10,000
// connections at a time, or as many as there may be open files, for 20 seconds.
//

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <mioext/tcp.hpp>

#include "by_handler.hpp"
#include "by_stream.hpp"
#include "traffic.hpp"

// A sanitizer keeps freed memory for a while, so that its growth says nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SOAK_MEMORY_SAYS_NOTHING
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SOAK_MEMORY_SAYS_NOTHING
#endif
#endif

namespace soak {

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using serve_function = void (*)(std::vector<mioext::tcp_acceptor>&, int, tally&);
using load_function = void (*)(std::vector<tcp::endpoint> const&, settings const&, tally&,
                               std::function<void()>);

std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* const directory = ::opendir("/dev/fd");
  while (::readdir(directory)) {
    ++count;
  }
  ::closedir(directory);
  return count;
}

/// What the process has in memory, in bytes; zero where the system does not tell.
std::uint64_t resident_memory(::pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// As many as wanted, or as there may be in a process beside a few others.
std::size_t possible_connections(std::size_t wanted) {
  ::rlimit limit;
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  std::size_t const possible = static_cast<std::size_t>(limit.rlim_cur) - 50;
  if (possible < wanted) {
    std::cout << "soak: " << possible << " connections instead of " << wanted
              << ": no more files may be open (ulimit -Hn)" << std::endl;
    return possible;
  }
  return wanted;
}

/// Several addresses, because an address has only so many ports to connect from.
std::vector<mioext::tcp_acceptor> listen_on_loopback() {
#ifdef __linux__
  constexpr unsigned last = 4;
#else
  constexpr unsigned last = 1; // the only one that is there unasked
#endif
  std::vector<mioext::tcp_acceptor> acceptors;
  for (unsigned number = 1; number <= last; ++number) {
    boost::asio::ip::address_v4 const address((127u << 24) + number);
    acceptors.emplace_back(tcp::endpoint(address, 0));
    acceptors.back().listen(4096);
  }
  return acceptors;
}

/// Lets one process see what the other counts.
class shared_tally {
public:
  shared_tally()
      : memory_(::mmap(nullptr, sizeof(tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                       -1, 0)) {
    if (memory_ == MAP_FAILED) {
      throw std::runtime_error("no memory to share");
    }
    tally_ = new (memory_) tally;
  }
  ~shared_tally() { ::munmap(memory_, sizeof(tally)); }
  shared_tally(shared_tally const&) = delete;
  shared_tally& operator=(shared_tally const&) = delete;

  tally& operator*() { return *tally_; }

private:
  void* memory_;
  tally* tally_;
};

/// The memory of both processes: said now and then, and compared between the middle and the end.
class memory_watch {
public:
  memory_watch(settings const& wanted, ::pid_t server)
      : begin_(clock::now()), middle_(begin_ + wanted.duration / 2), end_(begin_ + wanted.duration),
        server_(server) {}

  void report(tally const& client) {
    auto const now = clock::now();
    if (in_the_middle_ == 0 && now >= middle_) {
      in_the_middle_ = both();
    }
    if (at_the_end_ == 0 && now >= end_) {
      at_the_end_ = both();
    }
    if (now < next_report_) {
      return;
    }
    next_report_ = now + report_interval;
    std::cout << std::setw(6)
              << std::chrono::duration_cast<std::chrono::seconds>(now - begin_).count()
              << " s: " << client.open() << " open, " << client.opened << " opened, "
              << client.ended << " ended, " << client.aborted << " reset, "
              << client.bytes / 1000000 << " MB there and back, " << client.wrong
              << " wrong; client " << resident_memory(::getpid()) / 1000000 << " MB, server "
              << resident_memory(server_) / 1000000 << " MB" << std::endl;
  }

  std::uint64_t in_the_middle() const { return in_the_middle_; }
  std::uint64_t at_the_end() const { return at_the_end_; }

  bool is_flat() const {
#ifdef SOAK_MEMORY_SAYS_NOTHING
    return true;
#else
    return at_the_end_ <= in_the_middle_ + in_the_middle_ / 100 + 1000000;
#endif
  }

private:
  using clock = std::chrono::steady_clock;

  std::uint64_t both() const { return resident_memory(::getpid()) + resident_memory(server_); }

  clock::time_point const begin_;
  clock::time_point const middle_;
  clock::time_point const end_;
  ::pid_t const server_;
  clock::time_point next_report_;
  std::uint64_t in_the_middle_ = 0;
  std::uint64_t at_the_end_ = 0;
};

/// Counts the descriptors that are left over.
template <class Function> void without_leak(tally& counted, Function function) {
  std::size_t const before = open_descriptors();
  function();
  std::size_t const after = open_descriptors();
  counted.leaked_descriptors = after > before ? after - before : 0;
}

/// A process that does not end fails.
void limit_time(settings const& wanted) {
  std::signal(SIGALRM, [](int) {
    char const message[] = "soak: FAILED: a process did not come to its end in time\n";
    ::write(STDERR_FILENO, message, sizeof message - 1) < 0 ? std::_Exit(2) : std::_Exit(1);
  });
  ::alarm(static_cast<unsigned>(wanted.duration.count()) + 120);
}

int serve(serve_function function, std::vector<mioext::tcp_acceptor>& acceptors, int control,
          settings const& wanted, tally& counted) {
  limit_time(wanted);
  try {
    without_leak(counted, [&] { function(acceptors, control, counted); });
    return EXIT_SUCCESS;
  } catch (std::exception const& error) {
    std::cerr << "soak: the server: " << error.what() << std::endl;
    return EXIT_FAILURE;
  }
}

/// Says what is not as it must be, and counts it.
class judgement {
public:
  template <class What> void require(bool holds, What const& what) {
    if (!holds) {
      std::cout << "soak: FAILED: " << what << std::endl;
      ++failures_;
    }
  }

  int failures() const { return failures_; }

private:
  int failures_ = 0;
};

int run(serve_function server_function, load_function client_function, settings wanted) {
  wanted.connections = possible_connections(wanted.connections);
  std::vector<mioext::tcp_acceptor> acceptors = listen_on_loopback();
  std::vector<tcp::endpoint> servers;
  servers.reserve(acceptors.size());
  for (mioext::tcp_acceptor const& each : acceptors) {
    servers.push_back(each.local_endpoint());
  }
  shared_tally of_server;
  int control[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, control) != 0) {
    throw std::runtime_error("no socket pair");
  }
  std::cout.flush();
  ::pid_t const child = ::fork();
  if (child < 0) {
    throw std::runtime_error("no process");
  }
  if (child == 0) {
    ::close(control[0]);
    std::exit(serve(server_function, acceptors, control[1], wanted, *of_server));
  }
  ::close(control[1]);
  acceptors.clear();
  limit_time(wanted);

  tally client;
  memory_watch memory(wanted, child);
  without_leak(client,
               [&] { client_function(servers, wanted, client, [&] { memory.report(client); }); });
  ::close(control[0]); // which ends the server
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }

  tally const& server = *of_server;
  std::cout << "soak: " << client.opened << " connections, " << client.ended << " ended in order, "
            << client.aborted << " reset; " << client.bytes << " bytes there and "
            << "back, " << client.wrong + server.wrong << " wrong; memory "
            << memory.in_the_middle() / 1000 << " kB in the middle, " << memory.at_the_end() / 1000
            << " kB at the end" << std::endl;
  judgement judged;
  judged.require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the server ends well");
  judged.require(client.opened >= wanted.connections, "all connections were opened");
  judged.require(client.wrong == 0, "the client's bytes are right, and no connection broke");
  judged.require(server.wrong == 0, "the server's bytes are right");
  judged.require(client.open() == 0 && server.open() == 0, "each connection came to its end");
  judged.require(server.opened == client.opened, "the server accepted each connection");
  judged.require(server.ended == client.ended, "the server saw each end");
  judged.require(server.aborted == client.aborted, "the server saw each reset");
  judged.require(server.bytes == client.bytes, "the server got each byte");
  judged.require(client.leaked_descriptors == 0, "the client keeps no descriptor");
  judged.require(server.leaked_descriptors == 0, "the server keeps no descriptor");
  judged.require(memory.is_flat(), "memory is flat");
  return judged.failures() == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

std::size_t number(std::string const& name, std::string const& text) {
  if (text.empty() || text.size() > 9 ||
      text.find_first_not_of("0123456789") != std::string::npos || std::stoul(text) == 0) {
    throw usage_error(name + " needs a number above zero");
  }
  return std::stoul(text);
}

int run_as_told(std::vector<std::string> const& arguments) {
  if (arguments.empty()) {
    throw usage_error("which kind?");
  }
  settings wanted;
  for (std::size_t at = 1; at < arguments.size(); at += 2) {
    std::string const value = at + 1 < arguments.size() ? arguments[at + 1] : "";
    if (arguments[at] == "--connections") {
      wanted.connections = number(arguments[at], value);
    } else if (arguments[at] == "--seconds") {
      wanted.duration = std::chrono::seconds(number(arguments[at], value));
    } else {
      throw usage_error("no such option: " + arguments[at]);
    }
  }
  std::string const& kind = arguments[0];
  if (kind == "event_loop") {
    return run(by_handler<blocking>::serve, by_handler<blocking>::load, wanted);
  }
  if (kind == "async_event_loop") {
    return run(by_handler<asynchronous>::serve, by_handler<asynchronous>::load, wanted);
  }
  if (kind == "stream") {
    return run(by_stream::serve, by_stream::load, wanted);
  }
  throw usage_error("no such kind: " + kind);
}

} // namespace soak

int main(int argc, char* argv[]) {
  try {
    return soak::run_as_told(std::vector<std::string>(argv + 1, argv + argc));
  } catch (soak::usage_error const& error) {
    std::cerr << "soak: " << error.what()
              << "\nusage: soak event_loop|async_event_loop|stream [--connections N] [--seconds S]"
              << std::endl;
    return 2;
  } catch (std::exception const& error) {
    std::cerr << "soak: " << error.what() << std::endl;
    return EXIT_FAILURE;
  }
}
