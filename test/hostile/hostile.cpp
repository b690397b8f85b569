//
// test/hostile/hostile.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the example servers do while somebody means ill, and what the others see of it.
//
//   hostile [--seconds S] [--connections N] [--only WORDS] ECHO_SERVER SERVER
//
// For each attack the server is started anew. A few clients are served before, during and after, and each
// answer is checked. The attack must cost no more memory for each of its connections than is allowed; after
// it the server must live, have as many descriptors as before, serve newcomers, and end cleanly. How long the
// clients wait is reported only: that says as much of the machine as of the server. ECHO_SERVER is what a
// tcp_proxy passes on to. By default 5 seconds
// each, 5000 connections, and all attacks; or those whose name has these words.
//

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include "crowd.hpp"
#include "good_clients.hpp"
#include "server_process.hpp"

// A sanitizer's memory is not the server's.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HOSTILE_MEMORY_SAYS_NOTHING
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HOSTILE_MEMORY_SAYS_NOTHING
#endif
#endif

namespace hostile {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct settings {
  seconds duration{5};
  std::size_t connections = 5000;
  std::string only;
  std::string echo_server;
  std::string server;
};

/// What a server is, and what it may cost.
struct kind {
  std::string name;
  protocol spoken;
  std::size_t
      kilobytes; // a connection may cost: what it reads into, what it keeps for a client, and some

  std::string endless; // what is never a whole word to it
};

kind kind_of(std::string const& program) {
  std::string const name = program.substr(program.rfind('/') + 1);
  if (name == "echo_server") {
    return {name, protocol::echo, 20, "x"}; // a buffer of 16
  }
  if (name == "chat_server") {
    return {name, protocol::chat, 72, "x"}; // 64 that it has not read
  }
  if (name == "beast_http_server") {
    std::string const begin = "GET /hello HTTP/1.1\r\nHost: here\r\nX: ";
    return {name, protocol::http, 20, begin + std::string(1000000, 'x')}; // a header of 8
  }
  if (name == "tcp_proxy") {
    return {name, protocol::echo, 72, "x"}; // two buffers of 32
  }
  throw failure("no such server: " + name);
}

/// What any server may grow by whatever is done to it: code that ran for the first time, and what the
/// allocator keeps.
constexpr std::size_t free_kilobytes = 8 * 1024;

constexpr std::size_t most_descriptors = 12000;
constexpr std::size_t few_descriptors = 64;
constexpr unsigned an_hour = 3600;

struct attack {
  attack(char const* called, std::size_t count, std::size_t most, unsigned patience)
      : name(called), connections(count), limit(most), idle(patience) {}

  char const* name;
  std::size_t connections; // that come and stay
  std::size_t limit;       // of the server's connections
  unsigned idle;           // seconds that the server waits for a client's next step

  bool is_poor = false;        // the server has few descriptors from now on
  bool takes_newcomers = true; // while it lasts
  bool server_ends_it = false; // nobody of the crowd leaves by itself
  std::function<void(crowd&, std::atomic<bool> const&)> act;
};

std::vector<attack> attacks_on(kind const& what, settings const& how) {
  std::size_t const many = how.connections;
  auto const nothing = [](crowd&, std::atomic<bool> const&) {};
  std::vector<attack> all;

  attack silent("silent, half of them half-closed", many, many + 1000, 3);
  silent.server_ends_it = true;
  silent.act = [](crowd& them, std::atomic<bool> const&) { them.half_close_every_second(); };
  all.push_back(silent);

  attack drip("a byte a second of each", many, many + 1000, an_hour);
  drip.act = [what](crowd& them, std::atomic<bool> const& is_over) {
    them.drip(what.endless, false, is_over);
  };
  all.push_back(drip);

  if (what.spoken == protocol::http) {
    attack loris("slow loris, who comes back", many, many + 1000, 3);
    loris.server_ends_it = true;
    loris.act = [what](crowd& them, std::atomic<bool> const& is_over) {
      them.drip(what.endless, true, is_over);
    };
    all.push_back(loris);
  }

  attack resets("connects that reset, up to 10,000 a second", 0, many + 1000, an_hour);
  resets.act = [](crowd& them, std::atomic<bool> const& is_over) { them.reset(10000, is_over); };
  all.push_back(resets);

  if (what.spoken !=
      protocol::chat) { // which takes all who come, and tells those whom it has no room for
    attack queue("more than there is room for, and a full queue", 1000, 50, an_hour);
    queue.takes_newcomers = false;
    queue.act = nothing;
    all.push_back(queue);
  }

  attack poor("no descriptors left", 200, many + 1000, an_hour);
  poor.is_poor = true;
  poor.takes_newcomers = false;
  poor.act = nothing;
  all.push_back(poor);
  return all;
}

/// A directory with a file that HTTP's clients ask for.
class served_directory {
public:
  served_directory() {
    check_system(::mkdtemp(&path_[0]) != nullptr, "mkdtemp");
    std::ofstream(path_ + "/hello") << served_file();
  }
  served_directory(served_directory const&) = delete;
  served_directory& operator=(served_directory const&) = delete;
  ~served_directory() {
    ::unlink((path_ + "/hello").c_str());
    ::rmdir(path_.c_str());
  }

  std::string const& path() const { return path_; }

private:
  std::string path_ = "/tmp/mioext-hostile-XXXXXX";
};

std::vector<std::string> command_of(kind const& what, settings const& how, attack const& under,
                                    std::string const& directory, std::uint16_t target) {
  std::string const idle = std::to_string(under.idle);
  std::string const limit = std::to_string(under.limit);
  if (what.spoken == protocol::chat) {
    return {how.server, "--idle", idle}; // its other limits are its own
  }
  std::vector<std::string> command = {how.server, "--connections", limit, "--per-address", limit};
  if (what.spoken == protocol::http) {
    command.insert(command.end(), {"--timeout", idle, directory});
  } else {
    command.insert(command.end(), {"--idle", idle});
    if (what.name == "tcp_proxy") {
      command.insert(command.end(), {"127.0.0.1:0", "127.0.0.1:" + std::to_string(target)});
    }
  }
  return command;
}

/// Does it in a thread of its own until the end of this; what it throws is thrown by join().
class in_background {
public:
  explicit in_background(std::function<void(std::atomic<bool> const&)> action)
      : thread_([this, action] {
          try {
            action(is_over_);
          } catch (...) {
            thrown_ = std::current_exception();
          }
        }) {}
  in_background(in_background const&) = delete;
  in_background& operator=(in_background const&) = delete;
  ~in_background() { end(); }

  void join() {
    end();
    if (thrown_) {
      std::rethrow_exception(thrown_);
    }
  }

private:
  void end() {
    is_over_ = true;
    if (thread_.joinable()) {
      thread_.join();
    }
  }

  std::atomic<bool> is_over_{false};
  std::exception_ptr thrown_;
  std::thread thread_; // last, because it uses the others
};

void wait_until(std::function<bool()> const& holds, std::string const& what) {
  for (int tries = 0; !holds(); ++tries) {
    if (tries == 60 * 50) {
      throw failure("it does not come to that " + what);
    }
    std::this_thread::sleep_for(milliseconds(20));
  }
}

/// In milliseconds: the half, and ninety-nine of a hundred, are as fast; and the same of newcomers.
std::string in_words(latencies& staying, latencies& newcomers) {
  std::string words;
  for (std::uint64_t const microseconds : {staying.at_percent(50), staying.at_percent(99),
                                           newcomers.at_percent(50), newcomers.at_percent(99)}) {
    char text[32];
    std::snprintf(text, sizeof text, "%s%.2f", words.empty() ? "" : ", ",
                  static_cast<double>(microseconds) / 1000);
    words += microseconds == 0 ? ", -" : text;
  }
  return words;
}

std::string megabytes(std::size_t kilobytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", static_cast<double>(kilobytes) / 1024);
  return text;
}

void run(kind const& what, settings const& how, attack const& under) {
  served_directory directory;
  std::unique_ptr<server_process> target;
  if (what.name == "tcp_proxy") {
    std::string const all = std::to_string(most_descriptors);
    target.reset(new server_process({how.echo_server, "--connections", all, "--per-address", all,
                                     "--idle", std::to_string(an_hour)},
                                    most_descriptors));
  }
  server_process server(command_of(what, how, under, directory.path(), target ? target->port() : 0),
                        most_descriptors);

  good_clients good(what.spoken, server.port());
  latencies before;
  latencies newcomers_before;
  {
    in_background staying(
        [&](std::atomic<bool> const& is_over) { good.ask(is_over, false, before); });
    in_background coming([&](std::atomic<bool> const& is_over) {
      good.ask_as_newcomers(is_over, newcomers_before);
    });
    std::this_thread::sleep_for((std::min)(milliseconds(how.duration) / 4, milliseconds(5000)));
    coming.join();
    staying.join();
  }
  // Its newcomers have left, or will have in a moment: these are the descriptors that do not change.
  std::size_t descriptors = server.open_descriptors();
  wait_until(
      [&] {
        std::this_thread::sleep_for(milliseconds(100));
        std::size_t const earlier = descriptors;
        descriptors = server.open_descriptors();
        return descriptors == earlier;
      },
      "the server's descriptors stay as many as they are");
  std::size_t const memory = server.resident_memory();
  std::atomic<std::size_t> peak{memory};
  std::atomic<std::size_t> most{descriptors};
  if (under.is_poor) {
    server.allow_descriptors(few_descriptors);
  }

  crowd them(server.port());
  in_background attacking([&](std::atomic<bool> const& is_over) {
    them.come(under.connections, is_over);
    under.act(them, is_over);
  });
  in_background watching([&](std::atomic<bool> const& is_over) {
    while (!is_over) {
      peak = (std::max)(peak.load(), server.resident_memory());
      most = (std::max)(most.load(), server.open_descriptors());
      std::this_thread::sleep_for(milliseconds(20));
    }
  });
  std::string spent;
  steady_clock::time_point const end = steady_clock::now() + how.duration;
  if (under.is_poor) {
    // Nobody asks anything in the first half: what it does then, it does for nothing.
    wait_until([&] { return server.open_descriptors() + 1 >= few_descriptors; },
               "no descriptors are left");
    double const earlier = server.processor_time();
    steady_clock::time_point const start = steady_clock::now();
    std::this_thread::sleep_until(start + (end - start) / 2);
    double const elapsed = std::chrono::duration<double>(steady_clock::now() - start).count();
    double const used = (server.processor_time() - earlier) / elapsed * 100;
    if (used > 50) {
      throw failure("it uses " + std::to_string(used) +
                    " % of a processor while it can accept nobody");
    }
    spent = "processor " + std::to_string(static_cast<int>(used + 0.5)) + " %";
  }
  latencies during;
  latencies newcomers_during;
  in_background asking(
      [&](std::atomic<bool> const& is_over) { good.ask(is_over, under.is_poor, during); });
  in_background coming([&](std::atomic<bool> const& is_over) {
    if (under.takes_newcomers) {
      good.ask_as_newcomers(is_over, newcomers_during);
    }
  });
  std::this_thread::sleep_until(end);
  attacking.join();
  if (under.server_ends_it) {
    wait_until([&] { return them.count_remaining() == 0; }, "the server has ended them");
  }
  them.leave();
  coming.join();
  asking.join();
  watching.join();

  if (!server.is_alive()) {
    throw failure("the server is dead");
  }
  wait_until([&] { return server.open_descriptors() <= descriptors; },
             "all descriptors are closed");
  good.ask_as_newcomer();
  for (std::size_t turn = 0; turn != 4; ++turn) {
    good.ask_as(turn, false);
  }
  std::size_t const after = server.resident_memory();
  server.stop();

  std::size_t const allowed =
      memory + free_kilobytes + what.kilobytes * (most > descriptors ? most - descriptors : 0);
  std::string rest = megabytes(memory) + ", " + megabytes(peak) + ", " + megabytes(after) + " | " +
                     std::to_string(descriptors) + ", " + std::to_string(most) + " | ";
  if (them.resets() != 0) {
    rest += std::to_string(them.resets()) + " resets ";
  }
  if (them.came_back() != 0) {
    rest += std::to_string(them.came_back()) + " came back ";
  }
  if (good.unavailable() != 0) {
    rest += std::to_string(good.unavailable()) + " of " + std::to_string(during.size()) +
            " answers are 503 ";
  }
  std::cout << "| " << what.name << " | " << under.name << " | "
            << in_words(before, newcomers_before) << " | " << in_words(during, newcomers_during)
            << " | " << rest << spent << " |" << std::endl;
#ifndef HOSTILE_MEMORY_SAYS_NOTHING
  if (peak > allowed) {
    throw failure("it has had " + megabytes(peak) + " MiB, which is more than " +
                  megabytes(allowed));
  }
#endif
}

settings parse(std::vector<std::string> const& arguments) {
  settings how;
  std::vector<std::string> programs;
  for (std::size_t index = 0; index != arguments.size(); ++index) {
    if (arguments[index] == "--seconds") {
      how.duration = seconds(std::stoul(arguments.at(++index)));
    } else if (arguments[index] == "--connections") {
      how.connections = std::stoul(arguments.at(++index));
    } else if (arguments[index] == "--only") {
      how.only = arguments.at(++index);
    } else {
      programs.push_back(arguments[index]);
    }
  }
  if (programs.size() != 2) {
    throw failure("hostile [--seconds S] [--connections N] [--only WORDS] ECHO_SERVER SERVER");
  }
  how.echo_server = programs[0];
  how.server = programs[1];
  return how;
}

/// A proxy has two descriptors for a connection, and there are some for others.
void allow_descriptors(settings& how) {
  ::rlimit limit;
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_max < most_descriptors) {
    how.connections =
        (std::min)(how.connections, static_cast<std::size_t>(limit.rlim_max) / 2 - 200);
    std::cout << "hostile: " << how.connections
              << " connections: no more files may be open (ulimit -Hn)" << std::endl;
  }
}

} // namespace hostile

int main(int argc, char* argv[]) {
  try {
    ::signal(SIGPIPE, SIG_IGN);
    hostile::settings how = hostile::parse(std::vector<std::string>(argv + 1, argv + argc));
    hostile::allow_descriptors(how);
    hostile::kind const what = hostile::kind_of(how.server);
    bool has_failed = false;
    for (hostile::attack const& each : hostile::attacks_on(what, how)) {
      if (std::string(each.name).find(how.only) == std::string::npos) {
        continue;
      }
      try {
        hostile::run(what, how, each);
      } catch (std::exception const& error) {
        std::cout << "FAILED: " << what.name << ": " << each.name << ": " << error.what()
                  << std::endl;
        has_failed = true;
      }
    }
    return has_failed ? EXIT_FAILURE : EXIT_SUCCESS;
  } catch (std::exception const& error) {
    std::cerr << error.what() << std::endl;
    return EXIT_FAILURE;
  }
}
