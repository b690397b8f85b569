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
//   soak all|KIND... [--connections N] [--seconds S] [--longest-pause MILLISECONDS]
//
//   event_loop                   handlers in the blocking loop
//   async_event_loop             handlers in the asynchronous loop
//   stream                       streams in an io_context
//   stream_in_selector_context   the same in a selector_context
//   four_contexts                the same in four selector_contexts on four threads
//   asio                         Asio's own objects in an io_context, which do the very same
//   asio_four_contexts           the same in four io_contexts on four threads
//
// A client and a server, a process each, both of the kind that is named. By default 10,000 connections at
// a time, or as many as there may be open files, for 20 seconds. Several kinds run one after the other,
// and a table of them ends it. What they took is said and not judged. A connection pauses before half of
// what it sends, for 2 seconds at the most: that keeps two processors busy, so that latencies are those
// of a queue. Longer pauses show those of a machine that keeps up.
//

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <mioext/tcp.hpp>

#include "by_handler.hpp"
#include "by_stream.hpp"
#include "measures.hpp"
#include "objects.hpp"
#include "traffic.hpp"

namespace soak {

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

using serve_function = void (*)(std::vector<mioext::tcp_acceptor>&, int, tally&);
using load_function = void (*)(std::vector<tcp::endpoint> const&, settings const&, tally&,
                               report_function const&);

/// What can be run, and in how many contexts.
struct kind {
  char const* name;
  serve_function serve;
  load_function load;
  std::size_t contexts;
};

template <class Ends> kind kind_of(char const* name, std::size_t contexts = 1) {
  return kind{name, Ends::serve, Ends::load, contexts};
}

std::vector<kind> all_kinds() {
  using in_selector_context = mioext_objects<mioext::selector_context>;
  return {kind_of<by_handler<blocking>>("event_loop"),
          kind_of<by_handler<asynchronous>>("async_event_loop"),
          kind_of<by_stream<mioext_objects<io_context_of_a_thread>>>("stream"),
          kind_of<by_stream<in_selector_context>>("stream_in_selector_context"),
          kind_of<by_stream<in_selector_context, 4>>("four_contexts", 4),
          kind_of<by_stream<asio_objects>>("asio"),
          kind_of<by_stream<asio_objects, 4>>("asio_four_contexts", 4)};
}

/// What one run has shown.
struct figures {
  tally client;
  tally server;
  usage of_client;
  usage of_server;
  std::uint64_t memory_when_steady = 0;
  std::uint64_t memory_at_the_end = 0;
  bool is_memory_judged = false;
  bool is_good = false;

  /// In nanoseconds for each byte that went there and back.
  static double per_byte(std::uint64_t microseconds, tally const& client) {
    return client.exchanged_bytes == 0 ? 0
                                       : static_cast<double>(microseconds) * 1000 /
                                             static_cast<double>(client.exchanged_bytes);
  }
  double server_per_byte() const { return per_byte(of_server.processor.all(), client); }
  double server_program_per_byte() const {
    return per_byte(of_server.processor.in_program, client);
  }
  double client_per_byte() const { return per_byte(of_client.processor.all(), client); }
  double client_program_per_byte() const {
    return per_byte(of_client.processor.in_program, client);
  }
  double milliseconds(std::uint64_t per_thousand) const {
    return static_cast<double>(client.latencies.not_exceeded_by(per_thousand)) / 1000;
  }
  std::uint64_t wrong() const { return client.wrong + server.wrong; }

  /// When steady and at the end, in MB.
  std::string memory() const {
    if (!is_memory_judged) {
      return "not judged";
    }
    std::ostringstream words;
    words << std::fixed << std::setprecision(2) << static_cast<double>(memory_when_steady) / 1e6
          << ", " << static_cast<double>(memory_at_the_end) / 1e6;
    return words.str();
  }
};

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
  std::vector<mioext::tcp_acceptor> acceptors;
  for (unsigned number = 1; number <= 4; ++number) {
#ifdef __linux__
    boost::asio::ip::address_v4 const address((127u << 24) + number);
#else
    boost::asio::ip::address_v4 const address((127u << 24) + 1); // the only one there unasked
#endif
    acceptors.emplace_back(tcp::endpoint(address, 0));
    acceptors.back().listen(4096);
  }
  return acceptors;
}

/// A process that does not end fails.
void limit_time(settings const& wanted) {
  std::signal(SIGALRM, [](int) {
    char const message[] = "soak: FAILED: a process did not come to its end in time\n";
    ::write(STDERR_FILENO, message, sizeof message - 1) < 0 ? std::_Exit(2) : std::_Exit(1);
  });
  ::alarm(static_cast<unsigned>(wanted.duration.count()) + 300);
}

int serve(serve_function function, std::vector<mioext::tcp_acceptor>& acceptors, int control,
          settings const& wanted, figures& seen) {
  limit_time(wanted);
  try {
    seen.of_server = measured(acceptors.size(), [&] {
      function(acceptors, control, seen.server);
      acceptors.clear();
    });
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

void say(kind const& which, figures const& seen, settings const& wanted) {
  std::cout << std::fixed << std::setprecision(2) << "soak: " << which.name << ": "
            << wanted.connections << " connections at a time, " << seen.client.opened << " in all, "
            << seen.client.ended << " ended in order, " << seen.client.aborted << " reset; "
            << seen.client.exchanges << " exchanges, " << seen.client.exchanged_bytes
            << " bytes there and back, " << seen.wrong()
            << " wrong; processor time per byte: server " << seen.server_per_byte() << " ns ("
            << seen.server_program_per_byte() << " not in the system), client "
            << seen.client_per_byte() << " ns (" << seen.client_program_per_byte()
            << "); latency: p50 " << seen.milliseconds(500) << " ms, p99 " << seen.milliseconds(990)
            << " ms, p99.9 " << seen.milliseconds(999)
            << " ms; memory of both when steady and at the end, MB: " << seen.memory()
            << "; descriptors before and after: server " << seen.of_server.descriptors_before
            << ", " << seen.of_server.descriptors_after << ", client "
            << seen.of_client.descriptors_before << ", " << seen.of_client.descriptors_after
            << std::endl;
}

void judge(figures& seen, int server_status, settings const& wanted, memory_watch const& memory) {
  tally const& client = seen.client;
  tally const& server = seen.server;
  judgement judged;
  judged.require(WIFEXITED(server_status) && WEXITSTATUS(server_status) == 0,
                 "the server ends well");
  judged.require(client.opened >= wanted.connections, "all connections were opened");
  judged.require(client.wrong == 0, "the client's bytes are right, and no connection broke");
  judged.require(server.wrong == 0, "the server's bytes are right");
  judged.require(client.open() == 0 && server.open() == 0, "each connection came to its end");
  judged.require(server.opened == client.opened, "the server accepted each connection");
  judged.require(server.ended == client.ended, "the server saw each end");
  judged.require(server.aborted == client.aborted, "the server saw each reset");
  judged.require(server.bytes == client.bytes, "the server got each byte");
  judged.require(seen.of_client.descriptors_after == seen.of_client.descriptors_before,
                 "the client has the descriptors that it had");
  judged.require(seen.of_server.descriptors_after == seen.of_server.descriptors_before,
                 "the server has the descriptors that it had");
  judged.require(memory.is_flat(), "memory is flat");
  seen.is_good = judged.failures() == 0;
}

void run(kind const& which, settings const& wanted, figures& result) {
  shared<figures> seen;
  std::vector<mioext::tcp_acceptor> acceptors = listen_on_loopback();
  std::vector<tcp::endpoint> servers;
  servers.reserve(acceptors.size());
  for (mioext::tcp_acceptor const& each : acceptors) {
    servers.push_back(each.local_endpoint());
  }
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
    std::exit(serve(which.serve, acceptors, control[1], wanted, *seen));
  }
  ::close(control[1]);
  acceptors.clear();
  limit_time(wanted);

  memory_watch memory(wanted, wanted.connections / which.contexts, child);
  seen->of_client = measured(0, [&] {
    which.load(servers, wanted, seen->client,
               [&memory](tally const& client) { memory.report(client); });
  });
  ::close(control[0]); // which ends the server
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  seen->memory_when_steady = memory.when_steady();
  seen->memory_at_the_end = memory.at_the_end();
  seen->is_memory_judged = memory.is_judged();
  say(which, *seen, wanted);
  judge(*seen, status, wanted, memory);
  result = *seen;
}

/// In a process of its own, so that none begins with the memory that the one before has left.
bool run_apart(kind const& which, settings const& wanted, figures& result) {
  shared<figures> seen;
  std::cout << "soak: " << which.name << std::endl;
  ::pid_t const child = ::fork();
  if (child < 0) {
    throw std::runtime_error("no process");
  }
  if (child == 0) {
    try {
      run(which, wanted, *seen);
    } catch (std::exception const& error) {
      std::cerr << "soak: " << which.name << ": " << error.what() << std::endl;
    }
    std::exit(seen->is_good ? EXIT_SUCCESS : EXIT_FAILURE);
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result = *seen;
  return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}

/// In Markdown. Processor time is in nanoseconds for a byte that goes there and back, that of the program
/// without the system in brackets.
void print_table(std::vector<std::pair<kind, figures>> const& runs) {
  std::cout
      << std::fixed << std::setprecision(2)
      << "\n| kind | connections | exchanges | MB | wrong | server, ns/byte | client, ns/byte "
         "| p50, ms | p99, ms | p99.9, ms | memory when steady, at the end, MB |\n"
         "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
  for (auto const& each : runs) {
    figures const& seen = each.second;
    std::cout << "| " << each.first.name << " | " << seen.client.opened << " | "
              << seen.client.exchanges << " | " << seen.client.exchanged_bytes / 1000000 << " | "
              << seen.wrong() << " | " << seen.server_per_byte() << " ("
              << seen.server_program_per_byte() << ") | " << seen.client_per_byte() << " ("
              << seen.client_program_per_byte() << ") | " << seen.milliseconds(500) << " | "
              << seen.milliseconds(990) << " | " << seen.milliseconds(999) << " | " << seen.memory()
              << " |\n";
  }
  std::cout << std::endl;
}

int run_all(std::vector<kind> const& kinds, settings wanted) {
  wanted.connections = possible_connections(wanted.connections);
  bool is_good = true;
  std::vector<std::pair<kind, figures>> runs;
  for (kind const& each : kinds) {
    runs.emplace_back(each, figures());
    is_good = run_apart(each, wanted, runs.back().second) && is_good;
  }
  print_table(runs);
  return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}

std::size_t number(std::string const& name, std::string const& text) {
  if (text.empty() || text.size() > 9 ||
      text.find_first_not_of("0123456789") != std::string::npos || std::stoul(text) == 0) {
    throw usage_error(name + " needs a number above zero");
  }
  return std::stoul(text);
}

int run_as_told(std::vector<std::string> const& arguments) {
  settings wanted;
  std::vector<kind> const known = all_kinds();
  std::vector<kind> chosen;
  for (std::size_t at = 0; at < arguments.size(); ++at) {
    std::string const& name = arguments[at];
    std::string const value = at + 1 < arguments.size() ? arguments[at + 1] : "";
    if (name == "--connections") {
      wanted.connections = number(name, value);
      ++at;
    } else if (name == "--seconds") {
      wanted.duration = std::chrono::seconds(number(name, value));
      ++at;
    } else if (name == "--longest-pause") {
      wanted.longest_pause = std::chrono::milliseconds(number(name, value));
      ++at;
    } else if (name == "all") {
      chosen = known;
    } else {
      auto const found = std::find_if(known.begin(), known.end(),
                                      [&name](kind const& each) { return each.name == name; });
      if (found == known.end()) {
        throw usage_error("no such kind or option: " + name);
      }
      chosen.push_back(*found);
    }
  }
  if (chosen.empty()) {
    throw usage_error("which kind?");
  }
  return run_all(chosen, wanted);
}

} // namespace soak

int main(int argc, char* argv[]) {
  try {
    return soak::run_as_told(std::vector<std::string>(argv + 1, argv + argc));
  } catch (soak::usage_error const& error) {
    std::cerr << "soak: " << error.what()
              << "\nusage: soak all|KIND... [--connections N] [--seconds S] [--longest-pause "
                 "MILLISECONDS]\nkinds:";
    for (soak::kind const& each : soak::all_kinds()) {
      std::cerr << ' ' << each.name;
    }
    std::cerr << std::endl;
    return 2;
  } catch (std::exception const& error) {
    std::cerr << "soak: " << error.what() << std::endl;
    return EXIT_FAILURE;
  }
}
