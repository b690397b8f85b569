//
// example/tcp_proxy.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Passes connections on to another address, over TCP, Unix sockets, or from one to the other.
//
//   tcp_proxy [options] LISTEN TARGET
//     --alone                in a loop of its own
//     --connections NUMBER   at the same time, by default 1000; others wait
//     --per-address NUMBER   of these for one peer, by default 250; more are closed at once
//     --idle SECONDS         without a byte in either direction, by default 600; then it is reset
//
// Both are ADDRESS:PORT (127.0.0.1:80, [::1]:80; port 0 takes a free one) or unix:PATH. Runs in an
// io_context, as it would beside an Asio program's other work; with --alone in a loop of its own. The
// handler is the same.
//
// Says on standard output where it listens, and runs until SIGINT or SIGTERM.
//

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/system_error.hpp>

#include <mioext.hpp>

#include "arguments.hpp"
#include "client_limit.hpp"
#include "socket_file.hpp"

namespace asio = boost::asio;
using boost::system::error_code;

// Asio's protocol for streams of any kind: once there is an endpoint, TCP and Unix are the same.
using any_stream = asio::generic::stream_protocol;
using stream_socket = mioext::basic_stream_socket<any_stream>;
using stream_acceptor = mioext::basic_socket_acceptor<any_stream>;

struct relay;

// What every side is registered for, all the time.
constexpr mioext::interest both = mioext::read_readiness::wanted() | mioext::interest::writable;

// One of the two sockets of a relay, and what was read from it and not written to the other one yet.
// While there is any of that, nothing more is read: so a relay costs two buffers, whatever either side
// does, and who sends faster than the other one reads soon cannot send any more.
struct side {
  relay* of = nullptr;
  side* other = nullptr;
  stream_socket socket;

  // What the events have said and no read or write has disproved.
  mioext::read_readiness can_read;
  bool can_write = false;

  bool has_ended = false;  // nothing more comes from it,
  bool was_passed = false; // which the other side has been told
  bool is_deaf = false;    // it takes nothing more; what comes for it is thrown away

  std::size_t begin = 0;
  std::size_t end = 0;
  std::array<char, 32768> buffer;

  bool is_empty() const { return begin == end; }
};

struct relay {
  relay(stream_socket accepted, any_stream const& of_client, stream_socket opened,
        any_stream const& of_target, client_limit::place counted)
      : place(std::move(counted)) {
    client.can_read = mioext::read_readiness(of_client);
    target.can_read = mioext::read_readiness(of_target);
    client.socket = std::move(accepted);
    target.socket = std::move(opened);
    client.of = target.of = this;
    client.other = &target;
    target.other = &client;
  }

  client_limit::place place;
  side client;
  side target;
  bool is_connected = false;
  bool is_lingering = false; // for the side that is left
  mioext::timeout
      patience; // with a connect, with both when they are idle, with the side that is left
};

// An event's token says whom it concerns: one side of a relay, or with a null pointer the acceptor.
//
// A relay is destroyed as soon as it is over, by the handler that finds so, although the loop may have
// fetched events with pointers to it already. That is safe because its sockets are mioext's: where a
// handler closes such a one, the loop hears of it and delivers no more events of it, not even the
// second half of the one that it is at. (With handles that are not mioext's, deregister_handle() before
// closing them does the same.)
class tcp_proxy final : public mioext::basic_handler<side*> {
public:
  tcp_proxy(stream_acceptor acceptor, any_stream::endpoint const& target,
            client_limits const& allowed)
      : acceptor_(std::move(acceptor)), target_(target), idle_limit_(allowed.idle),
        clients_(allowed.connections, allowed.of_an_address) {}

  // Loop is a basic_event_loop or a basic_async_event_loop.
  template <class Loop> void start(Loop& loop) {
    loop.listen(acceptor_, 1024, nullptr, mioext::trigger::level);
  }

  void readable(loop_type& loop, side* from, mioext::read_hint hint) override {
    if (!from) {
      accept(loop);
      return;
    }
    from->can_read.report(hint);
    if (from->of->is_connected) {
      pump(loop, *from);
    } else if (hint == mioext::read_hint::error) {
      abort(loop, *from->of); // the client did not wait for the outcome
    }
  }

  void writable(loop_type& loop, side* to) override {
    to->can_write = true;
    relay& of = *to->of;
    if (!of.is_connected && to == &of.target) {
      connected(loop, of);
    } else if (of.is_connected) {
      pump(loop, *to->other);
    }
  }

  // Without a side: time to accept again. With one, that took too long.
  void timer(loop_type& loop, side* about) override {
    if (!about) {
      resume_accepting(loop);
      return;
    }
    if (!about->of->is_connected) {
      complain_about_target(asio::error::timed_out);
    }
    abort(loop, *about->of);
  }

  void signal(loop_type& loop, mioext::signal_info const&) override { loop.shutdown(); }

private:
  // --- How a relay begins

  // The target's socket first: if there is no descriptor for that, it is better to leave the client
  // in the queue than to take it out and send it away.
  void accept(loop_type& loop) {
    error_code ec;
    if (!opened_.is_open()) {
      opened_.open(target_.protocol(), ec);
    }
    stream_socket client;
    any_stream::endpoint peer;
    if (!ec) {
      client = acceptor_.accept(peer, ec);
    }
    if (ec == asio::error::would_block) {
      return; // it gave up before we came
    }
    if (ec) {
      complain_about_accepting(ec);
      pause_accepting(loop);
      retry_ = loop.timer(std::chrono::seconds(1), nullptr);
      return;
    }
    client_limit::place place = clients_.admit(peer);
    if (!place) {
      return; // which closes it
    }
    connect(loop,
            std::unique_ptr<relay>(new relay(std::move(client), peer.protocol(), std::move(opened_),
                                             target_.protocol(), std::move(place))));
    if (clients_.is_reached()) {
      pause_accepting(loop);
    }
  }

  // One registration for each socket, edge-triggered and for good: while there is something to do,
  // reading and writing tell what is possible.
  void connect(loop_type& loop, std::unique_ptr<relay> made) {
    relay& of = *made;
    relays_.emplace(&of, std::move(made));
    // What is complete shall not wait for more. (No Unix socket knows this.)
    error_code ec;
    of.client.socket.set_option(asio::ip::tcp::no_delay(true), ec);
    of.target.socket.set_option(asio::ip::tcp::no_delay(true), ec);

    loop.connect(of.target.socket, target_, &of.target, both, mioext::trigger::edge, ec);
    if (!ec) {
      loop.register_handle(of.client.socket, &of.client, both, mioext::trigger::edge, ec);
    }
    if (ec) {
      complain_about_target(ec);
      abort(loop, of);
      return;
    }
    of.patience = loop.timer(std::chrono::seconds(10), &of.target);
  }

  void connected(loop_type& loop, relay& of) {
    loop.clear_timer(of.patience);
    if (error_code const ec = of.target.socket.take_error()) {
      complain_about_target(ec);
      abort(loop, of);
      return;
    }
    of.is_connected = true;
    last_complaint_.clear();
    wait_for_next_byte(loop, of);
    pump(loop, of.client); // what it has sent so far, or that it has sent all
  }

  void complain_about_target(error_code const& ec) {
    if (ec != last_complaint_) { // not for each client
      std::cerr << "tcp_proxy: cannot connect to the target: " << std::strerror(ec.value())
                << std::endl;
      last_complaint_ = ec;
    }
  }

  void complain_about_accepting(error_code const& reason) {
    if (!has_complained_) {
      // Not reason.message(), which is virtual: to check such a call UndefinedBehaviorSanitizer
      // needs a descriptor, and there is none.
      std::cerr << "tcp_proxy: cannot accept for now: " << std::strerror(reason.value())
                << std::endl;
      has_complained_ = true;
    }
  }

  // There is no room for another one, or no descriptor (EMFILE, ENFILE). Those who come stay in the
  // queue and the acceptor readable, so the loop would call again and again. Rather try when one has
  // left.
  void pause_accepting(loop_type& loop) {
    loop.deregister_handle(acceptor_);
    is_accepting_ = false;
  }

  void resume_accepting(loop_type& loop) {
    if (!is_accepting_) {
      loop.clear_timer(retry_);
      loop.register_handle(acceptor_, nullptr, mioext::interest::readable, mioext::trigger::level);
      is_accepting_ = true;
    }
  }

  // --- What a relay does

  // Moves what there is from one side to the other, until one of them would have to wait.
  void pump(loop_type& loop, side& from) {
    side& to = *from.other;
    // After this much it is somebody else's turn.
    for (int turns = 0; turns != 16; ++turns) {
      if (from.is_empty() && from.can_read && !from.has_ended && !receive(loop, from)) {
        return;
      }
      if (!from.is_empty() && to.can_write && !to.is_deaf) {
        send(loop, from);
      }
      if (to.is_deaf) {
        from.begin = from.end = 0;
      }
      if (from.is_empty() && from.has_ended) {
        pass_end(loop, from);
        return;
      }
      if (from.is_empty() ? !from.can_read : !to.can_write) {
        return;
      }
    }
    // No new event would come for what is left: ask for it.
    loop.reregister_handle(from.is_empty() ? from.socket : to.socket, from.is_empty() ? &from : &to,
                           both);
  }

  // False if the relay is gone.
  bool receive(loop_type& loop, side& from) {
    error_code ec;
    from.begin = 0;
    from.end = from.can_read.read_some(from.socket, asio::buffer(from.buffer), ec);
    if (ec == asio::error::would_block) {
      return true;
    }
    if (ec == asio::error::eof || (ec && from.is_deaf)) { // that it has closed is known then
      from.has_ended = true;
      linger_if_one_is_left(loop, from);
    } else if (ec) {
      abort(loop, *from.of);
      return false;
    } else {
      wait_for_next_byte(loop, *from.of);
    }
    return true;
  }

  void send(loop_type& loop, side& from) {
    side& to = *from.other;
    error_code ec;
    std::size_t const sent = to.socket.write_some(
        asio::buffer(from.buffer.data() + from.begin, from.end - from.begin), ec);
    from.begin += sent;
    if (sent != 0) {
      wait_for_next_byte(loop, *from.of);
    }
    if (ec == asio::error::would_block) {
      to.can_write = false;
    } else if (ec) {
      // It does not want any more, and may all the same have answered: a server that refuses a large
      // request, for instance. So that is passed on. And the rest of the request is read and thrown
      // away, for closing a socket with something unread makes the system send a reset, which may
      // reach the client before it has seen the answer.
      to.is_deaf = true;
      linger_if_one_is_left(loop, to);
    }
  }

  // A connection over which nothing goes for too long makes room for others.
  void wait_for_next_byte(loop_type& loop, relay& of) {
    if (!of.is_lingering) {
      loop.clear_timer(of.patience);
      of.patience = loop.timer(idle_limit_, &of.client);
    }
  }

  // One side is gone, in both directions. The other one gets what came from there, and a while to
  // read it and to come to its end.
  void linger_if_one_is_left(loop_type& loop, side& gone) {
    if (gone.is_deaf && gone.has_ended) {
      loop.clear_timer(gone.of->patience);
      gone.of->patience = loop.timer(std::chrono::seconds(2), &gone);
      gone.of->is_lingering = true;
    }
  }

  // The end of one direction is not the end of the other.
  void pass_end(loop_type& loop, side& from) {
    if (!from.was_passed) {
      from.was_passed = true;
      error_code ignored; // it may be gone; then reading from it tells
      from.other->socket.shutdown(stream_socket::shutdown_send, ignored);
    }
    if (from.other->was_passed) {
      destroy(loop, *from.of);
    }
  }

  // --- How a relay ends

  // Not in good order: whoever is still there must not take it for that, so it gets a reset and no
  // end of the stream. (Unix sockets know no such thing.)
  void abort(loop_type& loop, relay& of) {
    for (side* const left : {&of.client, &of.target}) {
      error_code ignored;
      left->socket.set_option(asio::socket_base::linger(true, 0), ignored);
    }
    destroy(loop, of);
  }

  void destroy(loop_type& loop, relay& of) {
    loop.clear_timer(of.patience);
    relays_.erase(&of);
    resume_accepting(loop); // there are free descriptors now
  }

  stream_acceptor acceptor_;
  any_stream::endpoint const target_;
  std::chrono::seconds const idle_limit_;
  client_limit clients_; // before the relays, which have their places in it
  stream_socket opened_; // for the next client
  std::unordered_map<relay*, std::unique_ptr<relay>> relays_;
  bool is_accepting_ = true;
  mioext::timeout retry_;
  bool has_complained_ = false;
  error_code last_complaint_;
};

// --- Addresses -------------------------------------------------------------------------------------

char const unix_prefix[] = "unix:";

bool is_path(std::string const& address) {
  return address.compare(0, sizeof unix_prefix - 1, unix_prefix) == 0;
}

std::string path_of(std::string const& address) {
  std::string path = address.substr(sizeof unix_prefix - 1);
  if (path.empty()) {
    throw usage_error("not a path: " + address);
  }
  return path;
}

asio::ip::tcp::endpoint tcp_endpoint(std::string const& address) {
  std::size_t const colon = address.rfind(':');
  if (colon == std::string::npos) {
    throw usage_error("neither ADDRESS:PORT nor unix:PATH: " + address);
  }
  std::string host = address.substr(0, colon);
  std::string const port = address.substr(colon + 1);
  bool const has_brackets = host.size() > 2 && host[0] == '[' && host.back() == ']';
  if (has_brackets) {
    host = host.substr(1, host.size() - 2);
  }
  if (parse_address(host).is_v6() != has_brackets) {
    throw usage_error("not an IP address: " + address.substr(0, colon));
  }
  return parse_endpoint(host, port);
}

any_stream::endpoint target_endpoint(std::string const& address) {
  if (is_path(address)) {
    return asio::local::stream_protocol::endpoint(path_of(address));
  }
  return tcp_endpoint(address);
}

// Makes `address` what it really is: the port may have been left to the system.
stream_acceptor bind(socket_file& file, std::string& address) {
  if (is_path(address)) {
    return stream_acceptor(file.bind(path_of(address)).release());
  }
  mioext::tcp_acceptor acceptor(tcp_endpoint(address));
  std::ostringstream bound;
  bound << acceptor.local_endpoint();
  address = bound.str();
  return stream_acceptor(acceptor.release());
}

// --- The program -----------------------------------------------------------------------------------

template <class Loop> void start(Loop& loop, tcp_proxy& handler, std::string const& address) {
  // Before it says that it is ready, it knows how to end.
  loop.register_signal(SIGINT);
  loop.register_signal(SIGTERM);
  handler.start(loop);
  std::cout << "listening on " << address << std::endl;
}

int run(std::vector<std::string> const& given) {
  bool is_alone = false;
  client_limits allowed;
  allowed.idle = std::chrono::seconds(600);
  std::vector<std::string> const arguments =
      parse_options(given, {"--alone"}, [&](std::string const& name, std::string const& value) {
        is_alone = is_alone || name == "--alone";
        return name == "--alone" || allowed.take_option(name, value);
      });
  if (arguments.size() != 2) {
    throw usage_error(arguments.size() < 2 ? "too few arguments" : "too many arguments");
  }
  std::string address = arguments[0];
  any_stream::endpoint const target = target_endpoint(arguments[1]);

  socket_file file;
  stream_acceptor acceptor = bind(file, address);
  tcp_proxy handler(std::move(acceptor), target, allowed);

  if (is_alone) {
    tcp_proxy::loop_type loop;
    start(loop, handler, address);
    loop.run(handler);
  } else {
    asio::io_context context(1);
    mioext::basic_async_event_loop<side*> loop(context);
    start(loop, handler, address);
    error_code outcome;
    loop.async_run(handler, [&outcome](error_code const& ec) { outcome = ec; });
    context.run();
    if (outcome) {
      throw boost::system::system_error(outcome, "async_run");
    }
  }
  return EXIT_SUCCESS;
}

char const* const usage = R"(tcp_proxy [options] LISTEN TARGET
  --alone                in a loop of its own
  --connections NUMBER   at the same time, by default 1000; others wait
  --per-address NUMBER   of these for one peer, by default 250; more are closed at once
  --idle SECONDS         without a byte in either direction, by default 600; then it is reset
Passes connections on. Both are ADDRESS:PORT (port 0 takes a free one) or unix:PATH.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
