//
// example/chat_server.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A chat over TCP: what one client sends, all others get, line by line. Try it with `nc`.
//
//   chat_server [--idle SECONDS] [ADDRESS [PORT]]   by default 300, 127.0.0.1 and 0, any free port
//
// The operator's lines, from standard input, go to all; /quit ends the server, as SIGINT and
// SIGTERM do.
//

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>

#include <mioext.hpp>

#include "arguments.hpp"
#include "client_limit.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

// What clients can cost at the most.
constexpr std::size_t max_clients = 1000;
constexpr std::size_t max_of_an_address = 100;
constexpr std::size_t max_line = 1000;          // characters
constexpr int max_unsent = 64 * 1024;           // bytes that a client should have read
constexpr std::size_t max_reads_at_a_time = 16; // before it is somebody else's turn
constexpr std::size_t max_accepts_at_a_time = 16;

// Clients are numbered, and no number is used again. The acceptor has the zero.
using client_id = std::size_t;
constexpr client_id acceptor_id = 0;

// What every client is registered for, all the time.
constexpr mioext::interest wanted = mioext::read_readiness::wanted() | mioext::interest::writable;

struct client {
  client_limit::place place;
  mioext::tcp_socket socket;
  mioext::timeout idle;
  std::string line;   // received, and not complete yet
  std::string unsent; // what the system has not taken yet
  mioext::read_readiness can_receive;
  bool can_send = true;
  bool is_leaving = false;
};

std::string name(client_id id) { return "client-" + std::to_string(id); }

// What strangers send goes to other people's terminals, which must not take it for commands.
std::string printable(std::string text) {
  for (char& c : text) {
    bool const is_control = static_cast<unsigned char>(c) < ' ' || c == '\x7f';
    c = is_control && c != '\t' ? '?' : c;
  }
  return text;
}

// Tokens are the numbers of clients, messages are the operator's lines.
class chat_server final : public mioext::basic_handler<client_id, std::string> {
public:
  using seconds = std::chrono::duration<double>;

  chat_server(loop_type& loop, tcp::endpoint const& endpoint, seconds idle_limit)
      : acceptor_(endpoint), idle_limit_(idle_limit) {
    loop.listen(acceptor_, 256, acceptor_id);
  }

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

  void readable(loop_type& loop, client_id id, mioext::read_hint hint) override {
    if (id == acceptor_id) {
      accept_all(loop);
    } else {
      clients_.at(id).can_receive.report(hint);
      receive(loop, id);
    }
    remove_leaving(loop);
  }

  void writable(loop_type& loop, client_id id) override {
    clients_.at(id).can_send = true;
    send(id, clients_.at(id));
    remove_leaving(loop);
  }

  void timer(loop_type& loop, client_id id) override {
    if (id == acceptor_id) {
      is_retrying_ = false;
      accept_all(loop);
    } else {
      leave(id, "was idle for too long");
    }
    remove_leaving(loop);
  }

  void notify(loop_type& loop, std::string line) override {
    if (line == "/quit") {
      loop.shutdown();
    } else {
      tell_all("operator: " + printable(std::move(line)));
      remove_leaving(loop);
    }
  }

  void signal(loop_type& loop, mioext::signal_info const&) override { loop.shutdown(); }

  void say_goodbye() { tell_all("* the server is going down"); }

private:
  // Edge-triggered: accept until there is nobody left, but let those who are here have their turn: who
  // connects and leaves at once, again and again, can come as fast as they are accepted.
  void accept_all(loop_type& loop) {
    for (std::size_t accepts = 0;; ++accepts) {
      if (accepts == max_accepts_at_a_time) {
        // The next tick reports what is still there, as in receive().
        loop.reregister_handle(acceptor_, acceptor_id, mioext::interest::readable);
        return;
      }
      error_code ec;
      tcp::endpoint peer;
      mioext::tcp_socket socket = acceptor_.accept(peer, ec);
      if (ec) {
        // Most likely there is no descriptor left (EMFILE). Whoever waits stays in the queue, and
        // is not reported again: come back later.
        if (ec != asio::error::would_block && !is_retrying_) {
          loop.timer(std::chrono::seconds(1), acceptor_id);
          is_retrying_ = true;
        }
        return;
      }
      client_limit::place place = limit_.is_reached() ? client_limit::place() : limit_.admit(peer);
      if (place) {
        join(loop, std::move(socket), peer, std::move(place));
      } else {
        socket.write_some(asio::buffer(std::string("* the server is full\n")), ec);
      }
    }
  }

  void join(loop_type& loop, mioext::tcp_socket socket, tcp::endpoint const& peer,
            client_limit::place place) {
    error_code ec;
    socket.set_option(tcp::no_delay(true), ec); // lines are short; send them at once
    // What the system keeps for a client that does not read shall be bounded as well.
    socket.set_option(asio::socket_base::send_buffer_size(max_unsent), ec);
    client_id const id = ++last_id_;
    loop.register_handle(socket, id, wanted, ec);
    if (!ec) {
      client& joined = clients_[id];
      joined.place = std::move(place);
      joined.socket = std::move(socket);
      joined.can_receive = mioext::read_readiness(peer.protocol());
      joined.idle = loop.timer(idle_limit_, id);
      tell_all("* " + name(id) + " joined");
    }
  }

  void receive(loop_type& loop, client_id id) {
    client& from = clients_.at(id);
    for (std::size_t reads = 0; from.can_receive; ++reads) {
      if (reads == max_reads_at_a_time) {
        // There may be more, which would not be reported by itself because it is not new. This makes
        // the next tick report it.
        loop.reregister_handle(from.socket, id, wanted);
        return;
      }
      std::array<char, 4096> buffer;
      error_code ec;
      std::size_t const size = from.can_receive.read_some(from.socket, asio::buffer(buffer), ec);
      if (ec == asio::error::would_block) {
        return;
      }
      if (ec) {
        leave(id, ec == asio::error::eof ? "left" : "was lost: " + ec.message());
        return;
      }
      loop.clear_timer(from.idle);
      from.idle = loop.timer(idle_limit_, id);
      take_lines(id, from, buffer.data(), size);
      if (from.is_leaving) {
        return;
      }
    }
  }

  void take_lines(client_id id, client& from, char const* data, std::size_t size) {
    for (char const* c = data; c != data + size; ++c) {
      if (*c == '\n') {
        if (!from.line.empty() && from.line.back() == '\r') {
          from.line.pop_back();
        }
        tell_all(name(id) + ": " + printable(std::move(from.line)), id);
        from.line.clear();
      } else if (from.line.size() == max_line) {
        leave(id, "sent too long a line");
        return;
      } else {
        from.line += *c;
      }
    }
  }

  void tell_all(std::string const& text, client_id except = acceptor_id) {
    std::cout << text << std::endl;
    for (auto& each : clients_) {
      if (each.first != except && !each.second.is_leaving) {
        each.second.unsent += text + '\n';
        send(each.first, each.second);
      }
    }
  }

  void send(client_id id, client& to) {
    while (to.can_send && !to.unsent.empty()) {
      error_code ec;
      to.unsent.erase(0, to.socket.write_some(asio::buffer(to.unsent), ec));
      if (ec == asio::error::would_block) {
        to.can_send = false; // writable() says when it can again
      } else if (ec) {
        leave(id, "was lost: " + ec.message());
        return;
      }
    }
    if (to.unsent.size() > std::size_t(max_unsent)) {
      leave(id, "was dropped because it does not read");
    }
  }

  // Only marks it: the caller may be in the middle of a walk through all clients.
  void leave(client_id id, std::string const& reason) {
    client& leaving = clients_.at(id);
    if (!leaving.is_leaving) {
      leaving.is_leaving = true;
      leaving_.emplace_back(id, reason);
    }
  }

  // To tell the others can be too much for one of them, which then leaves as well.
  void remove_leaving(loop_type& loop) {
    for (std::size_t next = 0; next != leaving_.size(); ++next) {
      client_id const id = leaving_[next].first;
      loop.clear_timer(clients_.at(id).idle);
      clients_.erase(id); // closes the socket, which ends its registration
      tell_all("* " + name(id) + ' ' + leaving_[next].second);
    }
    leaving_.clear();
  }

  mioext::tcp_acceptor acceptor_;
  seconds const idle_limit_;
  bool is_retrying_ = false;
  client_id last_id_ = 0;
  client_limit limit_{max_clients, max_of_an_address};
  std::map<client_id, client> clients_;
  std::vector<std::pair<client_id, std::string>> leaving_;
};

// The operator: a thread that reads standard input and sends the lines into the loop.
//
// A read that waits for the operator could not be ended when the server ends. So the thread waits
// with a poller, and a waker ends that.
class operator_console {
public:
  explicit operator_console(mioext::sender<std::string> lines)
      : lines_(std::move(lines)), waker_(poller_.registry(), wake_up()),
        thread_([this] { run(); }) {}

  ~operator_console() {
    is_stopping_ = true;
    error_code ignored;
    waker_.wake(ignored);
    thread_.join();
  }

private:
  static constexpr mioext::token input() { return mioext::token(0); }
  static constexpr mioext::token wake_up() { return mioext::token(1); }

  void run() {
    error_code ec;
    poller_.registry().register_handle(STDIN_FILENO, input(), mioext::interest::readable,
                                       mioext::trigger::level, ec);
    // What never waits, a regular file for instance, cannot be registered.
    bool const never_waits = ec == boost::system::errc::operation_not_permitted;
    if (ec && !never_waits) {
      return; // there is no standard input
    }
    mioext::events events(2);
    std::string line;
    for (;;) {
      if (!never_waits) {
        poller_.poll(events, ec);
      }
      if (is_stopping_) {
        return;
      }
      if (!never_waits && events.empty()) {
        continue; // interrupted
      }
      std::array<char, 4096> buffer;
      ssize_t const size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (size < 0 && (errno == EINTR || errno == EAGAIN)) {
        continue;
      }
      if (size <= 0) {
        return; // the operator has gone, the server goes on
      }
      for (char const* c = buffer.data(); c != buffer.data() + size; ++c) {
        if (*c != '\n') {
          line += *c;
        }
        if (*c == '\n' || line.size() == max_line) {
          send(line);
          line.clear();
        }
      }
    }
  }

  // When the queue is full, the message is not moved but stays here: wait until the loop has caught
  // up.
  void send(std::string& line) {
    error_code ec;
    // NOLINTNEXTLINE(bugprone-use-after-move)
    while (!lines_.send(std::move(line), ec) && ec == asio::error::no_buffer_space &&
           !is_stopping_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  mioext::sender<std::string> lines_;
  std::atomic<bool> is_stopping_{false};
  mioext::poller poller_;
  mioext::waker waker_;
  std::thread thread_; // last, because it uses the others
};

chat_server::seconds idle_limit(std::string const& text) {
  char* end = nullptr;
  double const seconds = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(seconds > 0)) {
    throw usage_error("not a number of seconds: " + text);
  }
  return chat_server::seconds(seconds);
}

int run(std::vector<std::string> arguments) {
  chat_server::seconds idle(300);
  if (!arguments.empty() && arguments[0] == "--idle") {
    idle = idle_limit(arguments.size() > 1 ? arguments[1] : "");
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  if (arguments.size() > 2) {
    throw usage_error("too many arguments");
  }
  tcp::endpoint const endpoint = parse_endpoint(!arguments.empty() ? arguments[0] : "127.0.0.1",
                                                arguments.size() > 1 ? arguments[1] : "0");

  // Signals before threads: a thread that is started later has them blocked, as it must.
  chat_server::loop_type loop;
  loop.register_signal(SIGINT);
  loop.register_signal(SIGTERM);

  chat_server server(loop, endpoint, idle);
  std::cout << "listening on " << server.endpoint() << std::endl;
  operator_console console(loop.channel());
  loop.run(server);
  server.say_goodbye();
  return EXIT_SUCCESS;
}

char const* const usage = R"(chat_server [--idle SECONDS] [ADDRESS [PORT]]
By default 300, 127.0.0.1 and 0, which takes a free port.
What one client sends, all others get; so with the lines of standard input, where /quit ends
the server.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
