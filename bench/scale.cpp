//
// bench/scale.cpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Does an event cost more where many other descriptors are idle? And do two loops on two threads, whose
// listeners share a port, serve twice as much as one?
//

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <mioext/event_loop.hpp>
#include <mioext/tcp.hpp>

#include "chain.hpp"
#include "echo/load.hpp"
#include "harness.hpp"
#include "system.hpp"

namespace {

// --- Idle descriptors -----------------------------------------------------------------------------

struct contender {
  char const* name;
  double (*run)(chain_work const&);
  bool judged;
};

constexpr contender contenders[] = {
    {"hand-written", run_hand_written, false},
    {"mioext poller", run_poller, true},
    {"mioext event_loop", run_event_loop, true},
    {"mioext async_event_loop", run_async_event_loop, true},
    {"Asio async_wait", run_asio_wait, false},
    {"libuv", run_libuv, false},
    {"libevent", run_libevent, false},
    {"libev", run_libev, false},
};

void compare_idle(bench::run& run) {
  std::size_t const most = 15000;
  if (!bench::allow_descriptors(most + 400)) {
    run.note("idle descriptors are left out: the system does not allow so many (ulimit -Hn)");
    return;
  }
  // Each contender is compared with itself.
  for (contender const& each : contenders) {
    bench::comparison comparison(std::string(each.name) + ", 100 active",
                                 "ns of processor time an event", bench::better::less);
    for (std::size_t idle : {std::size_t(100), std::size_t(1000), std::size_t(5000), most}) {
      chain_work work = {};
      work.pairs = 100;
      work.active = 100;
      work.idle = idle;
      work.warm_up = 1000;
      work.events = run.quick() ? 10000 : 60000;
      auto const measured = each.run;
      std::string const name = std::to_string(idle) + " idle";
      comparison.add(name, [measured, work] {
        bench::pin_to_core(1);
        return measured(work);
      });
      if (each.judged && idle != 100) {
        comparison.require(name, bench::at_most_ratio(1.10));
      }
    }
    run.compare(comparison);
  }
}

// --- Two loops ------------------------------------------------------------------------------------

struct connection {
  mioext::tcp_socket socket;
  std::array<char, 4096> buffer;
};

using echo_handler = mioext::basic_handler<connection*>;
using echo_loop = echo_handler::loop_type;

// What the servers of one process share. Which of them gets a connection is up to the system.
struct shared {
  std::vector<std::unique_ptr<echo_loop>> loops;
  std::atomic<std::size_t> clients;
};

// Messages are small, and each client waits for its answer: what is read can be written at once.
class echo_server final : public echo_handler {
public:
  echo_server(int listener, shared& with) : acceptor_(listener), shared_(with) {}

  void listen(echo_loop& loop) {
    loop.register_handle(acceptor_, nullptr, mioext::interest::readable);
  }

  void readable(loop_type& loop, connection* from, mioext::read_hint) override {
    if (!from) {
      accept(loop);
      return;
    }
    boost::system::error_code ec;
    std::size_t const size = from->socket.read_some(boost::asio::buffer(from->buffer), ec);
    if (ec == boost::asio::error::would_block) {
      return;
    }
    if (ec) {
      delete from;
      if (--shared_.clients == 0) {
        for (auto const& each : shared_.loops) {
          each->shutdown();
        }
      }
      return;
    }
    bench::check(from->socket.write_some(boost::asio::buffer(from->buffer, size)) == size,
                 "an answer was not sent at once");
  }

private:
  void accept(loop_type& loop) {
    for (;;) {
      boost::system::error_code ec;
      mioext::tcp_socket socket = acceptor_.accept(ec);
      if (ec) {
        return;
      }
      socket.set_option(boost::asio::ip::tcp::no_delay(true));
      connection* const made = new connection;
      made->socket = std::move(socket);
      loop.register_handle(made->socket, made, mioext::interest::readable);
    }
  }

  mioext::tcp_acceptor acceptor_;
  shared& shared_;
};

// Port 0 for a free one.
int listen_on_shared(std::uint16_t port) {
  int const fd =
      bench::checked(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
  int const on = 1;
  bench::checked(::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), "SO_REUSEPORT");
  ::sockaddr_in const address = bench::loopback(port);
  bench::checked(::bind(fd, reinterpret_cast<::sockaddr const*>(&address), sizeof address), "bind");
  bench::checked(::listen(fd, 1024), "listen");
  return fd;
}

// Requests per second, and what the servers' process needed of the processors for each.
std::vector<double> serve(std::size_t loops, double seconds) {
  constexpr std::size_t loads = 2, connections = 32, message_size = 64;
  std::vector<int> listeners = {listen_on_shared(0)};
  std::uint16_t const port = bench::port_of(listeners.front());
  while (listeners.size() != loops) {
    listeners.push_back(listen_on_shared(port));
  }
  std::vector<std::unique_ptr<bench::helper_process>> clients;
  for (std::size_t index = 0; index != loads; ++index) {
    clients.emplace_back(new bench::helper_process(20, [&] {
      for (int listener : listeners) {
        ::close(listener);
      }
      return echo::put_load(port, echo::load{connections, message_size, seconds});
    }));
  }

  double const begin = bench::cpu_seconds();
  shared common;
  common.clients = loads * connections;
  for (std::size_t index = 0; index != loops; ++index) {
    common.loops.emplace_back(new echo_loop);
  }
  std::vector<std::thread> threads;
  for (std::size_t index = 0; index != loops; ++index) {
    threads.emplace_back([&, index] {
      echo_server server(listeners[index], common);
      server.listen(*common.loops[index]);
      common.loops[index]->run(server);
    });
  }
  for (std::thread& each : threads) {
    each.join();
  }
  double const spent = bench::cpu_seconds() - begin;

  double per_second = 0, round_trips = 0;
  for (auto const& client : clients) {
    std::vector<double> const numbers = client->numbers();
    bench::check(numbers.size() == 6, "a client has not told all");
    bench::check(numbers[5] == numbers[4] * message_size, "a client has not got back what it sent");
    per_second += numbers[0];
    round_trips += numbers[4];
  }
  return {per_second, 1e6 * spent / round_trips};
}

void compare_loops(bench::run& run) {
  double const seconds = run.quick() ? 0.2 : 1;
  bench::comparison comparison("event_loop with SO_REUSEPORT, 64 connections, 64 B", "requests/s",
                               bench::better::more, {"server CPU us"});
  comparison.add("one loop", [seconds] { return serve(1, seconds); })
      .add("two loops, two threads", [seconds] { return serve(2, seconds); });
  unsigned const cores = std::thread::hardware_concurrency();
  if (cores >= 4) {
    comparison.require("two loops, two threads", bench::at_least_ratio(1.8));
  } else {
    run.note("two loops are not judged: here are " + std::to_string(cores) +
             " cores, for which the two processes that make the load compete; it needs 4");
  }
  run.compare(comparison);
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("scale", argc, argv);
  compare_idle(run);
  compare_loops(run);
  return run.finish();
}
