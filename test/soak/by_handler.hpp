//
// test/soak/by_handler.hpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The two ends of the soak test as handlers, for the blocking loop and for the asynchronous one.
//

#ifndef TEST_SOAK_BY_HANDLER_HPP
#define TEST_SOAK_BY_HANDLER_HPP

#include <array>
#include <cstddef>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/system_error.hpp>

#include <mioext/async_event_loop.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/tcp.hpp>

#include "traffic.hpp"

namespace soak {

using boost::system::error_code;
using tcp = boost::asio::ip::tcp;

constexpr mioext::interest both_directions =
    mioext::interest::readable | mioext::interest::writable;

/// A connection of the server's, or, without a socket that is open, an acceptor or what tells the
/// server to end.
struct session {
  mioext::tcp_socket socket;
  mioext::tcp_acceptor* acceptor = nullptr;
  arrived_bytes arrived;
  std::array<char, 8192> buffer{};
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Sends back what it gets, and checks it. Ends when `control` has something to read and the last
/// connection is closed.
class handler_server final : public mioext::basic_handler<session*> {
public:
  handler_server(std::vector<mioext::tcp_acceptor>& acceptors, int control, tally& counted)
      : acceptors_(acceptors), control_(control), counted_(counted) {}

  template <class Loop> void start(Loop& loop) {
    loop.register_handle(control_, nullptr, mioext::interest::readable);
    for (mioext::tcp_acceptor& each : acceptors_) {
      listeners_.emplace_back(new session);
      listeners_.back()->acceptor = &each;
      loop.register_handle(each, listeners_.back().get(), mioext::interest::readable);
    }
  }

  void readable(loop_type& loop, session* about, mioext::read_hint) override {
    if (!about) {
      loop.deregister_handle(control_);
      is_ending_ = true;
      end_if_nobody_is_left(loop);
    } else if (about->acceptor) {
      accept_all(loop, *about->acceptor);
    } else {
      send_back(loop, *about);
    }
  }

  void writable(loop_type& loop, session* about) override { send_back(loop, *about); }

private:
  void accept_all(loop_type& loop, mioext::tcp_acceptor& acceptor) {
    for (;;) {
      error_code ec;
      std::unique_ptr<session> made(new session);
      made->socket = acceptor.accept(ec);
      if (ec == boost::asio::error::would_block) {
        return;
      }
      if (ec) {
        ++counted_.wrong;
        return;
      }
      ++counted_.opened;
      session* const name = made.get();
      sessions_.emplace(name, std::move(made));
      loop.register_handle(name->socket, name, both_directions);
    }
  }

  // Edge-triggered: until it would have to wait, but no longer than others want to be served.
  void send_back(loop_type& loop, session& on) {
    for (int turns = 0; turns != 16; ++turns) {
      error_code ec;
      if (on.begin == on.end) {
        on.begin = 0;
        on.end = on.socket.read_some(boost::asio::buffer(on.buffer), ec);
        if (ec == boost::asio::error::eof) {
          ++counted_.ended;
          counted_.bytes += on.arrived.size();
          remove(loop, on);
          return;
        }
        if (!ec && !on.arrived.check(on.buffer.data(), on.end)) {
          ++counted_.wrong;
        }
      }
      if (!ec) {
        on.begin += on.socket.write_some(
            boost::asio::buffer(on.buffer.data() + on.begin, on.end - on.begin), ec);
      }
      if (ec == boost::asio::error::would_block) {
        return;
      }
      if (ec) {
        ++counted_.aborted;
        remove(loop, on);
        return;
      }
    }
    loop.reregister_handle(on.socket, &on, both_directions);
  }

  void remove(loop_type& loop, session& ended) {
    sessions_.erase(&ended);
    end_if_nobody_is_left(loop);
  }

  void end_if_nobody_is_left(loop_type& loop) {
    if (is_ending_ && sessions_.empty()) {
      loop.shutdown();
    }
  }

  std::vector<mioext::tcp_acceptor>& acceptors_;
  int const control_;
  tally& counted_;
  std::vector<std::unique_ptr<session>> listeners_;
  std::unordered_map<session*, std::unique_ptr<session>> sessions_;
  bool is_ending_ = false;
};

/// A connection of the client's.
struct exchange {
  explicit exchange(plan const& planned) : work(planned), bytes(planned.number) {}

  mioext::tcp_socket socket;
  plan const work;
  byte_pattern const bytes;
  std::size_t sent = 0;
  std::size_t received = 0;
  std::size_t piece_end = 0; // what may be sent so far
  std::size_t piece_size = 0;
  std::chrono::steady_clock::time_point piece_begun;
  mioext::timeout pause;
  bool is_connected = false;
  bool is_pausing = false;
  bool has_shut_down = false;
};

/// Keeps so many connections open, until the time is over and each has come to its end.
class handler_client final : public mioext::basic_handler<exchange*> {
public:
  using clock = std::chrono::steady_clock;

  handler_client(std::vector<tcp::endpoint> servers, settings const& wanted, tally& counted,
                 report_function report)
      : servers_(std::move(servers)), wanted_(wanted), counted_(counted),
        report_(std::move(report)), end_(clock::now() + wanted.duration), chance_(1, wanted) {}

  template <class Loop> void start(Loop& loop) { loop.timer(opening_interval, nullptr); }

  void readable(loop_type& loop, exchange* about, mioext::read_hint) override {
    receive(loop, *about);
  }

  void writable(loop_type& loop, exchange* about) override {
    if (!about->is_connected) {
      if (about->socket.take_error()) {
        fail(loop, *about);
        return;
      }
      about->is_connected = true;
      ++counted_.opened;
    }
    go_on(loop, *about);
  }

  void timer(loop_type& loop, exchange* about) override {
    if (about) {
      about->is_pausing = false;
      about->piece_begun = clock::now();
      go_on(loop, *about);
      return;
    }
    report_(counted_);
    for (std::size_t count = 0; count != opened_at_a_time && wants_more(); ++count) {
      open(loop);
    }
    if (!is_over() || !exchanges_.empty()) {
      loop.timer(opening_interval, nullptr);
    } else {
      loop.shutdown();
    }
  }

private:
  bool is_over() const { return wanted_.are_met(counted_, end_); }
  bool wants_more() const { return exchanges_.size() < wanted_.connections && !is_over(); }

  void open(loop_type& loop) {
    std::unique_ptr<exchange> made(new exchange(chance_.next_plan()));
    exchange* const name = made.get();
    exchanges_.emplace(name, std::move(made));
    error_code ec;
    name->socket.open(tcp::v4(), ec);
    if (!ec) {
      loop.connect(name->socket, servers_[next_server_++ % servers_.size()], name, both_directions,
                   mioext::trigger::edge, ec);
    }
    if (ec) {
      ++counted_.wrong;
      exchanges_.erase(name);
    }
  }

  void receive(loop_type& loop, exchange& on) {
    std::array<char, 8192> buffer;
    for (;;) {
      error_code ec;
      std::size_t const size = on.socket.read_some(boost::asio::buffer(buffer), ec);
      if (ec == boost::asio::error::would_block) {
        break;
      }
      if (ec == boost::asio::error::eof && on.has_shut_down && on.received == on.work.total) {
        ++counted_.ended;
        counted_.bytes += on.work.total;
        replace(loop, on);
        return;
      }
      if (ec || on.received + size > on.sent ||
          !on.bytes.matches(on.received, buffer.data(), size)) {
        fail(loop, on);
        return;
      }
      on.received += size;
      if (on.received == on.piece_end) {
        counted_.exchanged(on.piece_size, on.piece_begun);
      }
    }
    go_on(loop, on);
  }

  void go_on(loop_type& loop, exchange& on) {
    while (on.is_connected && !on.is_pausing) {
      if (on.sent == on.piece_end) {
        if (on.received != on.sent || on.has_shut_down || !begin_next_piece(loop, on)) {
          return;
        }
      }
      std::array<char, 8192> buffer;
      std::size_t const size = std::min(buffer.size(), on.piece_end - on.sent);
      on.bytes.fill(on.sent, buffer.data(), size);
      error_code ec;
      on.sent += on.socket.write_some(boost::asio::buffer(buffer.data(), size), ec);
      if (ec == boost::asio::error::would_block) {
        return;
      }
      if (ec) {
        fail(loop, on);
        return;
      }
    }
  }

  // False if there is none, or not yet.
  bool begin_next_piece(loop_type& loop, exchange& on) {
    if (on.sent == on.work.total) {
      end(loop, on);
      return false;
    }
    bool const is_first = on.sent == 0;
    on.piece_size = chance_.next_piece(on.work.total - on.sent);
    on.piece_end = on.sent + on.piece_size;
    std::chrono::milliseconds const pause = chance_.next_pause();
    if (is_first || pause.count() == 0 || is_over()) {
      on.piece_begun = clock::now();
      return true;
    }
    on.is_pausing = true;
    on.pause = loop.timer(pause, &on);
    return false;
  }

  void end(loop_type& loop, exchange& on) {
    error_code ec;
    if (on.work.ends_with_reset) {
      on.socket.set_option(boost::asio::socket_base::linger(true, 0), ec);
      ++counted_.aborted;
      replace(loop, on);
      return;
    }
    on.socket.shutdown(boost::asio::socket_base::shutdown_send, ec);
    on.has_shut_down = true;
    if (ec) {
      fail(loop, on);
    }
  }

  void fail(loop_type& loop, exchange& on) {
    ++counted_.wrong;
    replace(loop, on);
  }

  void replace(loop_type& loop, exchange& gone) {
    loop.clear_timer(gone.pause);
    exchanges_.erase(&gone);
    if (wants_more()) {
      open(loop);
    }
  }

  std::vector<tcp::endpoint> const servers_;
  settings const wanted_;
  tally& counted_;
  report_function const report_;
  clock::time_point const end_;
  chance chance_;
  std::size_t next_server_ = 0;
  std::unordered_map<exchange*, std::unique_ptr<exchange>> exchanges_;
};

/// How the blocking loop runs a handler.
struct blocking {
  template <class Token, class Handler> static void drive(Handler& handler) {
    mioext::basic_event_loop<Token> loop;
    handler.start(loop);
    loop.run(handler);
  }
};

/// How the asynchronous loop does.
struct asynchronous {
  template <class Token, class Handler> static void drive(Handler& handler) {
    boost::asio::io_context context(1);
    mioext::basic_async_event_loop<Token> loop(context);
    handler.start(loop);
    error_code outcome;
    loop.async_run(handler, [&outcome](error_code const& ec) { outcome = ec; });
    context.run();
    if (outcome) {
      throw boost::system::system_error(outcome, "async_run");
    }
  }
};

/// The two ends by a loop of either kind.
template <class Driver> struct by_handler {
  static void serve(std::vector<mioext::tcp_acceptor>& acceptors, int control, tally& counted) {
    handler_server handler(acceptors, control, counted);
    Driver::template drive<session*>(handler);
  }

  static void load(std::vector<tcp::endpoint> const& servers, settings const& wanted,
                   tally& counted, report_function const& report) {
    handler_client handler(servers, wanted, counted, report);
    Driver::template drive<exchange*>(handler);
  }
};

} // namespace soak

#endif // TEST_SOAK_BY_HANDLER_HPP
