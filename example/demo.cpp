//
// example/demo.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Shows the event loop at work, alone, in an io_context and in a selector_context, and checks what it
// promises: `b2 demo`.
//

#include <array>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>

#include <mioext.hpp>

#include "command_line.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using local = asio::local::stream_protocol;
using std::chrono::milliseconds;

// --- What all parts need -------------------------------------------------------------------------

int broken_promises = 0;

void check(bool is_kept, std::string const& promise) {
  if (!is_kept) {
    ++broken_promises;
    std::cout << "  BROKEN PROMISE: " << promise << std::endl;
  }
}

class stopwatch {
public:
  std::chrono::steady_clock::duration elapsed() const {
    return std::chrono::steady_clock::now() - start_;
  }

private:
  std::chrono::steady_clock::time_point const start_ = std::chrono::steady_clock::now();
};

std::string in_milliseconds(std::chrono::steady_clock::duration time) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1)
       << std::chrono::duration<double, std::milli>(time).count() << " ms";
  return text.str();
}

// A new directory for Unix sockets, removed with all that is in it.
class socket_directory {
public:
  socket_directory() {
    char const* const parent = std::getenv("TMPDIR");
    name_ = std::string(parent && *parent ? parent : "/tmp") + "/mioext-demo-XXXXXX";
    if (!::mkdtemp(&name_[0])) {
      throw std::runtime_error("cannot make the directory " + name_);
    }
  }

  ~socket_directory() {
    for (std::string const& path : paths_) {
      ::unlink(path.c_str());
    }
    ::rmdir(name_.c_str());
  }

  socket_directory(socket_directory const&) = delete;
  socket_directory& operator=(socket_directory const&) = delete;

  local::endpoint endpoint(std::string const& file) {
    paths_.push_back(name_ + '/' + file);
    return local::endpoint(paths_.back());
  }

private:
  std::string name_;
  std::vector<std::string> paths_;
};

tcp::endpoint any_port() { return tcp::endpoint(asio::ip::address_v4::loopback(), 0); }

// What the events in this program are about.
enum class about : std::size_t { acceptor, server, client, alarm, time_is_up };

// --- Echo ----------------------------------------------------------------------------------------

// Both ends of a connection, in one loop. Only the endpoint knows whether it is TCP or Unix.
template <class Protocol> class echo final : public mioext::basic_handler<about> {
public:
  using loop_type = mioext::basic_event_loop<about>;

  explicit echo(typename Protocol::endpoint const& endpoint) : acceptor_(endpoint) {
    loop_.listen(acceptor_, 16, about::acceptor);
    loop_.connect(client_, acceptor_.local_endpoint(), about::client);
    loop_.timer(std::chrono::seconds(1), about::time_is_up);
  }

  void run() {
    loop_.run(*this);
    std::cout << "  " << std::left << std::setw(30) << acceptor_.local_endpoint() << "sent \""
              << sent_ << "\", received \"" << received_ << "\" in "
              << in_milliseconds(stopwatch_.elapsed()) << std::endl;
    check(received_ == sent_, "what the echo sends back is what was sent");
  }

  // Edge-triggered: read until there is no more, because only what is new is reported.
  void readable(loop_type& loop, about what, mioext::read_hint) override {
    error_code ec;
    switch (what) {
    case about::acceptor:
      server_ = acceptor_.accept();
      loop.register_handle(server_, about::server, mioext::interest::readable);
      break;
    case about::server:
      while (std::size_t const size = server_.read_some(asio::buffer(buffer_), ec)) {
        server_.write_some(asio::buffer(buffer_, size));
      }
      break;
    default:
      while (std::size_t const size = client_.read_some(asio::buffer(buffer_), ec)) {
        received_.append(buffer_.data(), size);
      }
      if (received_.size() >= sent_.size()) {
        loop.shutdown();
      }
    }
  }

  // The first one says that the connect has come to its end.
  void writable(loop_type&, about) override {
    if (!is_connected_) {
      error_code const ec = client_.take_error();
      check(!ec, "connect to a listening socket succeeds");
      is_connected_ = true;
      client_.write_some(asio::buffer(sent_));
    }
  }

  void timer(loop_type& loop, about) override { loop.shutdown(); }

private:
  loop_type loop_;
  stopwatch stopwatch_;
  mioext::basic_socket_acceptor<Protocol> acceptor_;
  mioext::basic_stream_socket<Protocol> server_;
  mioext::basic_stream_socket<Protocol> client_;
  std::array<char, 256> buffer_;
  bool is_connected_ = false;
  std::string const sent_ = "hello";
  std::string received_;
};

// --- A timer, and a message from another thread --------------------------------------------------

class timer_and_message final : public mioext::basic_handler<about, std::string> {
public:
  void run() {
    loop_type loop;
    loop.timer(delay_, about::alarm);
    loop.timer(std::chrono::seconds(1), about::time_is_up);

    mioext::sender<std::string> const sender = loop.channel();
    std::thread thread([sender] { sender.send("hello from another thread"); });
    loop.run(*this);
    thread.join();

    check(has_message_, "a message that was sent arrives");
    check(has_timer_, "a timer fires");
  }

  void notify(loop_type& loop, std::string message) override {
    std::cout << "  message         \"" << message << "\" after "
              << in_milliseconds(stopwatch_.elapsed()) << std::endl;
    has_message_ = true;
    finish(loop);
  }

  void timer(loop_type& loop, about what) override {
    if (what == about::time_is_up) {
      loop.shutdown();
      return;
    }
    std::chrono::steady_clock::duration const elapsed = stopwatch_.elapsed();
    std::cout << "  timer of " << delay_.count() << " ms  fired after " << in_milliseconds(elapsed)
              << std::endl;
    check(elapsed >= delay_, "a timer is never early");
    has_timer_ = true;
    finish(loop);
  }

private:
  void finish(loop_type& loop) {
    if (has_message_ && has_timer_) {
      loop.shutdown();
    }
  }

  milliseconds const delay_{20};
  stopwatch stopwatch_;
  bool has_message_ = false;
  bool has_timer_ = false;
};

// --- One handler, alone and in both kinds of context ---------------------------------------------

// Sends a byte to and fro over a connection with itself. Who drives the loop is no concern of it.
class to_and_fro final : public mioext::basic_handler<about> {
public:
  int round_trips = 0;

  // A basic_event_loop or a basic_async_event_loop.
  template <class Loop> void start(Loop& loop) {
    server_.close();
    client_.close();
    round_trips = 0;
    loop.listen(acceptor_, 16, about::acceptor);
    loop.connect(client_, acceptor_.local_endpoint(), about::client, mioext::interest::readable);
  }

  void writable(loop_type&, about) override {
    check(!client_.take_error(), "connect to a listening socket succeeds");
    send(client_);
  }

  void readable(loop_type& loop, about what, mioext::read_hint) override {
    switch (what) {
    case about::acceptor:
      server_ = acceptor_.accept();
      loop.register_handle(server_, about::server, mioext::interest::readable);
      break;
    case about::server:
      receive(server_);
      send(server_);
      break;
    default:
      receive(client_);
      ++round_trips;
      send(client_);
    }
  }

  void timer(loop_type& loop, about) override { loop.shutdown(); }

private:
  void send(mioext::tcp_socket& socket) { socket.write_some(asio::buffer(&byte_, 1)); }
  void receive(mioext::tcp_socket& socket) { socket.read_some(asio::buffer(&byte_, 1)); }

  mioext::tcp_acceptor acceptor_{any_port()};
  mioext::tcp_socket server_;
  mioext::tcp_socket client_;
  char byte_ = 'x';
};

milliseconds const playing_time{50};

// The loop's own timer ends it.
void run_alone(to_and_fro& handler) {
  mioext::basic_event_loop<about> loop;
  handler.start(loop);
  loop.timer(playing_time, about::time_is_up);
  loop.run(handler);
}

// One of the context's other guests, a timer, ends it.
template <class Context, class Timer> void run_in_context(to_and_fro& handler) {
  Context context;
  mioext::basic_async_event_loop<about> loop(context);
  handler.start(loop);
  bool is_complete = false;
  loop.async_run(handler, [&](error_code const& ec) { is_complete = !ec; });
  Timer timer(context, playing_time);
  timer.async_wait([&](error_code const&) { loop.shutdown(); });
  context.run();
  check(is_complete, "async_run completes with success after a shutdown");
}

template <class Run>
void count_round_trips(std::string const& where, to_and_fro& handler, Run run) {
  stopwatch const since;
  run(handler);
  std::cout << "  " << std::left << std::setw(42) << where << handler.round_trips
            << " round trips in " << in_milliseconds(since.elapsed()) << std::endl;
  check(handler.round_trips != 0, "what was sent arrives, " + where);
}

// --- Connect -------------------------------------------------------------------------------------

// What a program that connects is told, and what it then finds when it writes to the socket.
struct outcome {
  bool was_told = false;
  error_code connect;
  error_code write;
  std::chrono::steady_clock::duration after{};

  bool is_success() const { return was_told && !connect && !write; }
  bool is_refusal() const { return was_told && connect == asio::error::connection_refused; }
  bool is_false_success() const { return was_told && !connect && write; }

  template <class Socket> void tell(error_code const& ec, Socket& socket, stopwatch const& since) {
    was_told = true;
    after = since.elapsed();
    connect = ec;
    if (!ec) {
      socket.write_some(asio::buffer("hello", 5), write);
    }
  }

  void print(std::string const& who) const {
    std::string const told =
        was_told ? connect.message() + " after " + in_milliseconds(after) : "nothing";
    std::cout << "    " << std::left << std::setw(12) << who;
    if (was_told && !connect) {
      std::cout << std::setw(28) << told
                << "first write: " << (write ? write.message() : "5 bytes");
    } else {
      std::cout << told;
    }
    std::cout << std::endl;
  }
};

// Something happens to the peer a while after the connect.
milliseconds const later{50};
milliseconds const patience{500};
using callback = std::function<void()>;

template <class Protocol> class connect_with_mioext final : public mioext::basic_handler<about> {
public:
  outcome run(typename Protocol::endpoint const& endpoint, callback const& happens_later) {
    happens_later_ = happens_later;
    error_code ec;
    is_inside_connect_ = true;
    // Not interested in writing: so the outcome is the only notification of that kind.
    loop_.connect(socket_, endpoint, about::client, mioext::interest::readable,
                  mioext::trigger::edge, ec);
    is_inside_connect_ = false;
    if (ec) { // known at once
      tell(loop_, ec);
    }
    if (happens_later_) {
      loop_.timer(later, about::alarm);
    }
    loop_.timer(patience, about::time_is_up);
    loop_.run(*this);
    check(result_.was_told, "after connect there is a notification");
    check(notifications_ == (ec ? 0 : 1), "there is exactly one notification");
    check(!result_.is_false_success(), "success means that there is a connection");
    return result_;
  }

  void writable(loop_type& loop, about) override {
    check(!is_inside_connect_, "the notification does not come from inside connect");
    if (++notifications_ == 1) {
      tell(loop, socket_.take_error());
    }
  }

  void readable(loop_type&, about, mioext::read_hint) override {
    check(notifications_ != 0, "nothing is told before the outcome");
  }

  void timer(loop_type& loop, about what) override {
    if (what == about::time_is_up) {
      loop.shutdown();
    } else {
      happens_later_();
    }
  }

private:
  // Goes on for a while, to see that this was all.
  void tell(loop_type& loop, error_code const& ec) {
    result_.tell(ec, socket_, stopwatch_);
    loop.timer(milliseconds(20), about::time_is_up);
  }

  loop_type loop_;
  mioext::basic_stream_socket<Protocol> socket_;
  callback happens_later_;
  stopwatch stopwatch_;
  bool is_inside_connect_ = false;
  int notifications_ = 0;
  outcome result_;
};

template <class Protocol>
outcome connect_with_asio(typename Protocol::endpoint const& endpoint,
                          callback const& happens_later) {
  outcome result;
  stopwatch const since;
  asio::io_context context;
  typename Protocol::socket socket(context);
  socket.async_connect(endpoint, [&](error_code const& ec) { result.tell(ec, socket, since); });
  asio::steady_timer timer(context, later);
  if (happens_later) {
    timer.async_wait([&](error_code const&) { happens_later(); });
  }
  context.run_for(patience);
  return result;
}

// Prints both, and returns what mioext told.
outcome compare(std::string const& peer, outcome const& with_mioext, outcome const& with_asio) {
  std::cout << "  " << peer << std::endl;
  with_mioext.print("mioext");
  with_asio.print("Boost.Asio");
  if (with_asio.is_false_success()) {
    std::cout << "                ^ told success, but there is no connection" << std::endl;
  }
  return with_mioext;
}

// A Unix socket that listens, with as many connections waiting for it as its queue has room for.
class full_listener {
public:
  explicit full_listener(local::endpoint const& endpoint) {
    acceptor_.open();
    acceptor_.bind(endpoint);
    acceptor_.listen(1);
    error_code ec;
    do {
      waiting_.emplace_back();
      waiting_.back().connect(endpoint, ec);
    } while (!ec);
    if (ec != asio::error::would_block) {
      throw boost::system::system_error(ec, "full_listener");
    }
  }

  void accept_all() {
    error_code ec;
    do {
      accepted_.push_back(acceptor_.accept(ec));
    } while (!ec);
  }

  void close() { acceptor_.close(); }

private:
  mioext::unix_acceptor acceptor_;
  std::vector<mioext::unix_socket> waiting_;
  std::vector<mioext::unix_socket> accepted_;
};

void connect_over_tcp() {
  mioext::tcp_acceptor const acceptor(any_port());
  tcp::endpoint const listening = acceptor.local_endpoint();
  outcome const welcome =
      compare("TCP port that listens", connect_with_mioext<tcp>().run(listening, nullptr),
              connect_with_asio<tcp>(listening, nullptr));
  check(welcome.is_success(), "connect to a listening port succeeds");

  mioext::tcp_socket const deaf(any_port()); // has an address, and does not listen
  tcp::endpoint const refusing = deaf.local_endpoint();
  outcome const refused =
      compare("TCP port where nobody listens", connect_with_mioext<tcp>().run(refusing, nullptr),
              connect_with_asio<tcp>(refusing, nullptr));
  check(refused.is_refusal(), "connect to a port where nobody listens is refused");
}

void connect_over_unix(socket_directory& directory) {
  local::endpoint const listening = directory.endpoint("listening");
  mioext::unix_acceptor const acceptor(listening);
  outcome const welcome =
      compare("Unix socket that listens", connect_with_mioext<local>().run(listening, nullptr),
              connect_with_asio<local>(listening, nullptr));
  check(welcome.is_success(), "connect to a listening Unix socket succeeds");

  local::endpoint const refusing = directory.endpoint("refusing");
  mioext::unix_socket const deaf(refusing); // has an address, and does not listen
  outcome const refused = compare("Unix socket where nobody listens",
                                  connect_with_mioext<local>().run(refusing, nullptr),
                                  connect_with_asio<local>(refusing, nullptr));
  check(refused.is_refusal(), "connect to a Unix socket where nobody listens is refused");
}

// The system then says EAGAIN, and never says when it is worth trying again.
void connect_to_full_listeners(socket_directory& directory) {
  local::endpoint const here = directory.endpoint("busy-1");
  local::endpoint const there = directory.endpoint("busy-2");
  full_listener first(here);
  full_listener second(there);
  outcome const late = compare("Unix socket with a full queue, which is emptied 50 ms later",
                               connect_with_mioext<local>().run(here, [&] { first.accept_all(); }),
                               connect_with_asio<local>(there, [&] { second.accept_all(); }));
  check(late.is_success() && late.after >= later,
        "connect succeeds when there is room, not before");

  local::endpoint const closing_here = directory.endpoint("closing-1");
  local::endpoint const closing_there = directory.endpoint("closing-2");
  full_listener third(closing_here);
  full_listener fourth(closing_there);
  outcome const refused =
      compare("Unix socket with a full queue, which is closed 50 ms later",
              connect_with_mioext<local>().run(closing_here, [&] { third.close(); }),
              connect_with_asio<local>(closing_there, [&] { fourth.close(); }));
  check(refused.is_refusal() && refused.after >= later,
        "connect is refused when the listener goes");
}

int run(std::vector<std::string> const& given) {
  if (!given.empty()) {
    throw usage_error("no arguments are needed");
  }
  socket_directory directory;

  std::cout << "Echo: server and client in one loop" << std::endl;
  echo<tcp>(any_port()).run();
  echo<local>(directory.endpoint("echo")).run();

  std::cout << "\nA timer, and a message from another thread" << std::endl;
  timer_and_message().run();

  std::cout << "\nOne handler, alone and in both kinds of context" << std::endl;
  to_and_fro handler;
  count_round_trips("in a loop of its own", handler, run_alone);
  count_round_trips("in an io_context, beside a steady_timer", handler,
                    run_in_context<asio::io_context, asio::steady_timer>);
  count_round_trips("in a selector_context, beside a timer", handler,
                    run_in_context<mioext::selector_context, mioext::steady_timer>);

  std::cout << "\nConnect: what is told, and whether it is true" << std::endl;
  connect_over_tcp();
  connect_over_unix(directory);
  connect_to_full_listeners(directory);

  if (broken_promises != 0) {
    std::cout << "\nmioext has broken " << broken_promises << " of its promises." << std::endl;
    return EXIT_FAILURE;
  }
  std::cout << "\nmioext has kept all its promises." << std::endl;
  return EXIT_SUCCESS;
}

char const* const usage = R"(demo
Shows the event loop at work, alone, in an io_context and in a selector_context, and checks what it promises.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
