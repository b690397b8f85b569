//
// example/echo_cores.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Sends back to every client what it sends, with as many threads as there are cores. Each has a
// selector_context, an acceptor and clients of its own, and shares nothing with the others.
//
//   echo_cores [options] [ADDRESS [PORT]]   by default 127.0.0.1 and 0, which takes a free port
//     --threads NUMBER       by default one for each core
//     --connections NUMBER   of a thread at the same time, by default 1000; others wait
//     --per-address NUMBER   of these for one peer, by default 250; more are closed at once
//     --idle SECONDS         without a byte in either direction, by default 300; then it is closed
//
// All acceptors listen on one port (SO_REUSEPORT). Linux gives each of them its share of the connections,
// and a client stays with the thread that it was given to: if that has no room for it, it waits, whatever
// the others have. macOS knows the option, too, but does not share out connections: there one of the
// threads has nearly all of them. (FreeBSD does with SO_REUSEPORT_LB.)
//
// Says on standard output where it listens, and serves until SIGINT or SIGTERM.
//

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <mioext.hpp>

#include "arguments.hpp"
#include "client_limit.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::steady_clock;

// With the context's own type of executor, which costs less than one that may be any.
using core_executor = mioext::selector_context::executor_type;
using core_stream = mioext::stream<mioext::tcp_socket, core_executor>;
using core_timer = mioext::basic_steady_timer<core_executor>;

// tag::listen[]
// An option that Asio has no name for.
struct share_port {
  template <class Protocol> int level(Protocol const&) const { return SOL_SOCKET; }
  template <class Protocol> int name(Protocol const&) const {
#ifdef SO_REUSEPORT_LB
    return SO_REUSEPORT_LB;
#else
    return SO_REUSEPORT;
#endif
  }
  template <class Protocol> int const* data(Protocol const&) const { return &on; }
  template <class Protocol> std::size_t size(Protocol const&) const { return sizeof on; }

  int on = 1;
};

mioext::tcp_acceptor listen_at(tcp::endpoint const& endpoint) {
  mioext::tcp_acceptor acceptor;
  acceptor.open(endpoint.protocol());
  acceptor.set_option(tcp::acceptor::reuse_address(true));
  acceptor.set_option(share_port());
  acceptor.bind(endpoint);
  acceptor.listen();
  return acceptor;
}
// end::listen[]

class connection;

// What a thread has. It is used in that thread alone; only stop() is for others.
class core {
public:
  core(mioext::tcp_acceptor acceptor, client_limits const& allowed)
      : idle_limit_(allowed.idle), clients_(allowed.connections, allowed.of_an_address),
        retry_(context_.get_executor()), acceptor_(std::move(acceptor)) {
    accept();
  }

  core(core const&) = delete;
  core& operator=(core const&) = delete;

  // After an exception there are connections left, which go with the context.
  ~core() { is_stopped_ = true; }

  /// Serves until stop() is called, and then ends what it has begun.
  void run() { context_.run(); }

  void stop() {
    asio::post(context_, [this] { end(); });
  }

  std::chrono::seconds idle_limit() const { return idle_limit_; }

  void add(connection& made) { connections_.insert(&made); }

  void remove(connection& ended) {
    connections_.erase(&ended);
    accept(); // there is a free place now, and a descriptor
  }

private:
  void accept() {
    if (is_accepting_ || is_stopped_ || clients_.is_reached()) {
      return;
    }
    is_accepting_ = true;
    mioext::async_accept(context_, acceptor_, peer_,
                         [this](error_code const& ec, mioext::tcp_socket socket) {
                           on_accept(ec, std::move(socket));
                         });
  }

  void on_accept(error_code const& ec, mioext::tcp_socket socket);

  // Most likely there is no descriptor left (EMFILE, ENFILE). The connection stays in the queue, so
  // that the next attempt would fail at once, and the one after it. Rather wait a while.
  void pause_accepting(error_code const& reason) {
    if (!has_complained_) { // once is enough, this can happen for every client
      // Not reason.message(), which is virtual: to check such a call UndefinedBehaviorSanitizer
      // needs a descriptor, and there is none.
      std::cerr << "echo_cores: cannot accept for now: " +
                       std::string(std::strerror(reason.value())) + '\n';
      has_complained_ = true;
    }
    retry_.expires_after(std::chrono::milliseconds(200));
    retry_.async_wait([this](error_code const&) {
      is_accepting_ = false;
      accept();
    });
  }

  void end();

  std::chrono::seconds const idle_limit_;
  client_limit clients_;
  std::unordered_set<connection*> connections_;
  bool is_accepting_ = false; // or pausing
  bool is_stopped_ = false;
  bool has_complained_ = false;
  mioext::selector_context context_; // after what its connections use
  core_timer retry_;
  mioext::tcp_acceptor acceptor_;
  tcp::endpoint peer_;
};

// A client, and what it has sent and not got back yet. Nothing more is read from it before all of that
// is sent. Kept alive by what is pending: a read or a write, and the timer.
class connection : public std::enable_shared_from_this<connection> {
public:
  connection(core& owner, core_stream accepted, client_limit::place counted)
      : owner_(owner), place_(std::move(counted)), stream_(std::move(accepted)),
        timer_(stream_.get_executor()) {
    owner_.add(*this);
  }

  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;

  ~connection() {
    place_ = client_limit::place(); // before the owner looks whether there is one
    error_code ignored;
    stream_.close(ignored);
    owner_.remove(*this);
  }

  void start() {
    wait_for_next_byte();
    watch();
    receive();
  }

  /// What is pending completes with an error, and then it is gone.
  void end() {
    is_over_ = true;
    timer_.cancel();
    error_code ignored;
    stream_.close(ignored);
  }

private:
  void receive() {
    auto const self = shared_from_this();
    stream_.async_read_some(asio::buffer(buffer_), [self](error_code const& ec, std::size_t size) {
      if (ec) {
        self->end(); // its end, and everything was sent back before; or an error
        return;
      }
      self->wait_for_next_byte();
      self->send(asio::buffer(self->buffer_, size));
    });
  }

  // Not async_write: each byte that goes out gives the client time for the next one.
  void send(asio::const_buffer rest) {
    auto const self = shared_from_this();
    stream_.async_write_some(rest, [self, rest](error_code const& ec, std::size_t size) {
      if (ec) {
        self->end();
        return;
      }
      self->wait_for_next_byte();
      if (size != rest.size()) {
        self->send(rest + size);
      } else {
        self->receive();
      }
    });
  }

  void wait_for_next_byte() { deadline_ = steady_clock::now() + owner_.idle_limit(); }

  // Whoever neither sends nor reads for too long makes room for others. One timer that is set again
  // when it has fired, and not for every byte.
  void watch() {
    timer_.expires_at(deadline_);
    auto const self = shared_from_this();
    timer_.async_wait([self](error_code const& ec) {
      if (ec || self->is_over_) {
        return;
      }
      if (steady_clock::now() >= self->deadline_) {
        self->end();
      } else {
        self->watch();
      }
    });
  }

  core& owner_;
  client_limit::place place_;
  core_stream stream_;
  core_timer timer_;
  steady_clock::time_point deadline_;
  bool is_over_ = false;
  std::array<char, 16384> buffer_;
};

void core::on_accept(error_code const& ec, mioext::tcp_socket socket) {
  if (is_stopped_) {
    return;
  }
  if (ec) {
    pause_accepting(ec);
    return;
  }
  is_accepting_ = false;
  if (client_limit::place place = clients_.admit(peer_)) {
    // Answers are small and complete: do not let the system wait for more.
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    std::make_shared<connection>(*this, core_stream(context_.get_executor(), std::move(socket)),
                                 std::move(place))
        ->start();
  } // or the socket is closed
  accept();
}

void core::end() {
  is_stopped_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  retry_.cancel();
  for (connection* const each : connections_) {
    each->end();
  }
}

// The first thread of the program serves nobody. It waits for a signal, and for a thread that fails.
struct ending final : mioext::handler {
  void signal(loop_type& loop, mioext::signal_info const&) override { loop.shutdown(); }
};

int serve(tcp::endpoint const& endpoint, std::size_t count, client_limits const& allowed) {
  // Before there are threads: they inherit that these signals are for the loop.
  mioext::event_loop loop;
  loop.register_signal(SIGINT);
  loop.register_signal(SIGTERM);

  if (endpoint.port() != 0) {
    // Somebody else may have it: with what listen_at does, two of these programs would share it.
    mioext::tcp_acceptor const alone(endpoint);
  }
  mioext::tcp_acceptor first = listen_at(endpoint);
  tcp::endpoint const listening = first.local_endpoint(); // with the port that was free
  std::vector<std::unique_ptr<core>> cores;
  cores.emplace_back(new core(std::move(first), allowed));
  while (cores.size() != count) {
    cores.emplace_back(new core(listen_at(listening), allowed));
  }

  std::vector<std::exception_ptr> errors(count);
  std::vector<std::thread> threads;
  auto const finish = [&] {
    for (std::size_t index = 0; index != threads.size(); ++index) {
      cores[index]->stop();
    }
    for (std::thread& thread : threads) {
      thread.join();
    }
  };
  try {
    for (std::size_t index = 0; index != count; ++index) {
      core& own = *cores[index];
      std::exception_ptr& error = errors[index];
      threads.emplace_back([&loop, &own, &error] {
        try {
          own.run();
        } catch (...) {
          error = std::current_exception();
          loop.shutdown();
        }
      });
    }
    std::cout << "listening on " << listening << std::endl;
    ending handler;
    loop.run(handler);
  } catch (...) { // the system has no more threads, perhaps
    finish();
    throw;
  }
  finish();
  for (std::exception_ptr const& error : errors) {
    if (error) {
      std::rethrow_exception(error);
    }
  }
  return EXIT_SUCCESS;
}

int run(std::vector<std::string> const& given) {
  client_limits allowed;
  std::size_t threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::string> const arguments =
      parse_options(given, {}, [&](std::string const& name, std::string const& value) {
        if (name == "--threads") {
          threads = parse_number(value, 1, 1024);
          return true;
        }
        return allowed.take_option(name, value);
      });
  if (arguments.size() > 2) {
    throw usage_error("too many arguments");
  }
  std::string const address = !arguments.empty() ? arguments[0] : "127.0.0.1";
  return serve(parse_endpoint(address, arguments.size() > 1 ? arguments[1] : "0"), threads,
               allowed);
}

char const* const usage =
    R"(echo_cores [options] [ADDRESS [PORT]]   by default 127.0.0.1 and 0, which takes a free port
  --threads NUMBER       by default one for each core
  --connections NUMBER   of a thread at the same time, by default 1000; others wait
  --per-address NUMBER   of these for one peer, by default 250; more are closed at once
  --idle SECONDS         without a byte in either direction, by default 300; then it is closed
Sends back to every client what it sends; each thread has a context and a share of the clients.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
