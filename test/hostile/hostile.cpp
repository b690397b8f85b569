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
//   hostile [--seconds S] [--connections N] [--only WORDS] [--with WORD]... [--unix] ECHO_SERVER [SERVER]
//
// For each attack the server is started anew. A few clients are served before, during and after, and each
// answer is checked. The attack must cost no more memory for each of its connections than is allowed; after
// it the server must live, have as many descriptors as before, serve newcomers, and end cleanly. How long the
// clients wait is reported only: that says as much of the machine as of the server. ECHO_SERVER is what a
// tcp_proxy passes on to, and the server itself if there is no other. By default 5 seconds each, 5000
// connections, and all attacks; or those whose name has these words. The server's own options are
// given one word at a time, each after --with; with --unix it listens on a Unix socket.
//
// What a peer is that has only begun TCP's handshake, no server ever hears: that is the system's to bear.
// Who is there and says nothing, who has closed his half, and, with --tls, who has begun TLS's handshake, is
// the server's.
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
  std::vector<std::string> with;
  bool is_unix = false;
};

/// What a server is, and what it may cost.
struct kind {
  std::string name;
  protocol spoken;
  std::size_t
      kilobytes; // a connection may cost: what it reads into, what it keeps for a client, and some

  std::string endless; // what is never a whole word to it
  bool has_tls = false;

  kind(std::string called, protocol language, std::size_t cost, std::string text)
      : name(std::move(called)), spoken(language), kilobytes(cost), endless(std::move(text)) {}
};

/// The first message of TLS's handshake, as long as a record may be.
std::string endless_handshake() {
  std::string const record("\x16\x03\x01\x3f\xff", 5);
  std::string const hello("\x01\x00\x3f\xfb\x03\x03", 6);
  return record + hello + std::string(0x3fff - hello.size(), 'x');
}

kind kind_of(settings const& how) {
  std::string const name = how.server.substr(how.server.rfind('/') + 1);
  if (name == "echo_server" || name == "echo_cores") {
    return {name, protocol::echo, 20, "x"}; // a buffer of 16
  }
  if (name == "chat_server") {
    return {name, protocol::chat, 136,
            "x"}; // 64 that it has not read, in a string that may have twice that
  }
  if (name == "beast_http_server") {
    std::string const begin = "GET /hello HTTP/1.1\r\nHost: here\r\nX: ";
    kind plain(name, protocol::http, 20, begin + std::string(1000000, 'x')); // a header of 8
    if (std::find(how.with.begin(), how.with.end(), "--tls") == how.with.end()) {
      return plain;
    }
    // Asio's and OpenSSL's buffers, a record of 17 for each direction in three places, and the state of
    // a handshake. malloc uses all of that only as connections come and go.
    kind secure(name, protocol::http, 148, endless_handshake());
    secure.has_tls = true;
    return secure;
  }
  if (name == "tcp_proxy") {
    return {name, protocol::echo, 72, "x"}; // two buffers of 32
  }
  throw failure("no such server: " + name);
}

/// With its options.
std::string full_name(kind const& what, settings const& how) {
  std::string name = what.name;
  for (std::string const& each : how.with) {
    name += ' ' + each;
  }
  return how.is_unix ? name + " on a Unix socket" : name;
}

/// What any server may grow by whatever is done to it: code that ran for the first time, and what the
/// allocator keeps.
constexpr std::size_t free_kilobytes = 2 * 1024;

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

/// A directory with a file that HTTP's clients ask for, and room for a socket.
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
    ::unlink(socket().c_str());
    ::rmdir(path_.c_str());
  }

  std::string const& path() const { return path_; }
  std::string socket() const { return path_ + "/socket"; }

private:
  std::string path_ = "/tmp/mioext-hostile-XXXXXX";
};

std::vector<std::string> command_of(kind const& what, settings const& how, attack const& under,
                                    served_directory const& directory,
                                    server_process const* target) {
  std::string const idle = std::to_string(under.idle);
  std::string const limit = std::to_string(under.limit);
  std::vector<std::string> command = {how.server};
  command.insert(command.end(), how.with.begin(), how.with.end());
  if (what.spoken == protocol::chat) {
    command.insert(command.end(), {"--idle", idle}); // its other limits are its own
    return command;
  }
  command.insert(command.end(), {"--connections", limit, "--per-address", limit});
  if (what.spoken == protocol::http) {
    command.insert(command.end(), {"--timeout", idle, directory.path()});
    return command;
  }
  command.insert(command.end(), {"--idle", idle});
  if (target) {
    command.push_back(how.is_unix ? "unix:" + directory.socket() : "127.0.0.1:0");
    command.push_back(target->where().in_words());
  } else if (how.is_unix) {
    command.push_back(directory.socket());
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
  server_process server(command_of(what, how, under, directory, target.get()), most_descriptors);

  good_clients good(service{what.spoken, what.has_tls, server.where()});
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

  crowd them(server.where());
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
    if (used > 10) { // of what others have left it
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
    // By the server's descriptors, of which newcomers may have some: whom the queue had no room for may take
    // himself for connected, if his system was told so by a cookie (tcp_syncookies), and nobody knows of
    // him.
    wait_until([&] { return server.open_descriptors() < descriptors + 10; },
               "the server has ended them");
  }
  // Whoever waits for a descriptor gets one as soon as there is one, and not when the next client comes.
  std::unique_ptr<good_client> waiting(under.is_poor ? good.come() : nullptr);
  them.leave();
  if (waiting) {
    good.ask_first(*waiting, true); // of those before it some may be there still
    waiting.reset();
  }
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
  std::cout << "| " << full_name(what, how) << " | " << under.name << " | "
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
    } else if (arguments[index] == "--with") {
      how.with.push_back(arguments.at(++index));
    } else if (arguments[index] == "--unix") {
      how.is_unix = true;
    } else {
      programs.push_back(arguments[index]);
    }
  }
  if (programs.empty() || programs.size() > 2) {
    throw failure(
        "hostile [--seconds S] [--connections N] [--only WORDS] [--with WORD]... [--unix] "
        "ECHO_SERVER [SERVER]");
  }
  how.echo_server = programs.front();
  how.server = programs.back();
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
    hostile::kind const what = hostile::kind_of(how);
    bool has_failed = false;
    for (hostile::attack const& each : hostile::attacks_on(what, how)) {
      if (std::string(each.name).find(how.only) == std::string::npos) {
        continue;
      }
      try {
        hostile::run(what, how, each);
      } catch (std::exception const& error) {
        std::cout << "FAILED: " << full_name(what, how) << ": " << each.name << ": " << error.what()
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
