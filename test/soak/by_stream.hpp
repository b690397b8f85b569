//
// test/soak/by_stream.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The two ends of the soak test as Asio operations on streams.
//

#ifndef TEST_SOAK_BY_STREAM_HPP
#define TEST_SOAK_BY_STREAM_HPP

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include "traffic.hpp"

namespace soak {

using boost::system::error_code;
using tcp = boost::asio::ip::tcp;
using tcp_stream = mioext::stream<mioext::tcp_socket>;

/// Sends back what it gets, and checks it. Owned by what it waits for.
class stream_session : public std::enable_shared_from_this<stream_session> {
public:
  stream_session(boost::asio::io_context& context, mioext::tcp_socket accepted, tally& counted)
      : stream_(context, std::move(accepted)), counted_(counted) {}

  void receive() {
    auto self = shared_from_this();
    stream_.async_read_some(boost::asio::buffer(buffer_),
                            [this, self](error_code const& ec, std::size_t size) {
                              if (!ec && !arrived_.check(buffer_.data(), size)) {
                                ++counted_.wrong;
                              }
                              ec ? end(ec) : send(size);
                            });
  }

private:
  void send(std::size_t size) {
    auto self = shared_from_this();
    boost::asio::async_write(
        stream_, boost::asio::buffer(buffer_.data(), size),
        [this, self](error_code const& ec, std::size_t) { ec ? end(ec) : receive(); });
  }

  void end(error_code const& ec) {
    if (ec == boost::asio::error::eof) {
      ++counted_.ended;
      counted_.bytes += arrived_.size();
    } else {
      ++counted_.aborted;
    }
  }

  tcp_stream stream_;
  tally& counted_;
  arrived_bytes arrived_;
  std::array<char, 8192> buffer_{};
};

/// Accepts until it is told to end.
class stream_server {
public:
  stream_server(std::vector<mioext::tcp_acceptor>& acceptors, int control, tally& counted)
      : acceptors_(acceptors), counted_(counted) {
    for (mioext::tcp_acceptor& each : acceptors_) {
      accept(each);
    }
    mioext::async_wait(context_, control, mioext::interest::readable, [this](error_code const&) {
      for (mioext::tcp_acceptor& each : acceptors_) {
        each.close();
      }
    });
  }

  void run() { context_.run(); }

private:
  void accept(mioext::tcp_acceptor& acceptor) {
    mioext::async_accept(
        context_, acceptor, [this, &acceptor](error_code const& ec, mioext::tcp_socket accepted) {
          if (ec == boost::asio::error::operation_aborted) {
            return;
          }
          if (ec) {
            ++counted_.wrong;
            return;
          }
          ++counted_.opened;
          std::make_shared<stream_session>(context_, std::move(accepted), counted_)->receive();
          accept(acceptor);
        });
  }

  boost::asio::io_context context_{1};
  std::vector<mioext::tcp_acceptor>& acceptors_;
  tally& counted_;
};

class stream_client;

/// One connection of the client's. Owned by what it waits for.
class stream_exchange : public std::enable_shared_from_this<stream_exchange> {
public:
  stream_exchange(boost::asio::io_context& context, stream_client& client, plan const& planned)
      : client_(client), work_(planned), bytes_(planned.number), stream_(context), pause_(context) {
  }

  inline void connect(tcp::endpoint const& server);

private:
  inline void next_piece();
  inline void end();
  inline void finish();
  inline void fail();

  void exchange_piece(std::size_t size) {
    bytes_.fill(position_, sent_.data(), size);
    missing_ = 2;
    auto self = shared_from_this();
    boost::asio::async_write(
        stream_, boost::asio::buffer(sent_.data(), size),
        [this, self](error_code const& ec, std::size_t) { exchanged(ec, true); });
    boost::asio::async_read(stream_, boost::asio::buffer(received_.data(), size),
                            [this, self, size](error_code const& ec, std::size_t) {
                              exchanged(ec, bytes_.matches(position_, received_.data(), size));
                            });
  }

  // Of one direction. When both are done, the piece is.
  void exchanged(error_code const& ec, bool is_right) {
    is_right_ = is_right_ && is_right && !ec;
    if (--missing_ == 0) {
      is_right_ ? next_piece() : fail();
    }
  }

  stream_client& client_;
  plan const work_;
  byte_pattern const bytes_;
  tcp_stream stream_;
  boost::asio::steady_timer pause_;
  std::size_t position_ = 0;
  std::size_t piece_ = 0;
  int missing_ = 0;
  bool is_right_ = true;
  std::array<char, largest_piece> sent_{};
  std::array<char, largest_piece> received_{};
};

/// Keeps so many connections open, until the time is over and each has come to its end.
class stream_client {
public:
  using clock = std::chrono::steady_clock;

  stream_client(std::vector<tcp::endpoint> servers, settings const& wanted, tally& counted,
                std::function<void()> report)
      : servers_(std::move(servers)), wanted_(wanted), counted_(counted),
        report_(std::move(report)), end_(clock::now() + wanted.duration), tick_(context_) {
    wait();
  }

  void run() { context_.run(); }

  bool is_over() const { return clock::now() >= end_; }
  tally& counted() { return counted_; }
  chance& luck() { return chance_; }

  void replace() {
    --open_;
    if (wants_more()) {
      open();
    }
  }

private:
  bool wants_more() const { return open_ < wanted_.connections && !is_over(); }

  void open() {
    ++open_;
    std::make_shared<stream_exchange>(context_, *this, chance_.next_plan())
        ->connect(servers_[next_server_++ % servers_.size()]);
  }

  void wait() {
    tick_.expires_after(opening_interval);
    tick_.async_wait([this](error_code const&) {
      report_();
      for (std::size_t count = 0; count != opened_at_a_time && wants_more(); ++count) {
        open();
      }
      if (!is_over() || open_ != 0) {
        wait();
      }
    });
  }

  std::vector<tcp::endpoint> const servers_;
  settings const wanted_;
  tally& counted_;
  std::function<void()> const report_;
  clock::time_point const end_;
  chance chance_{1};
  boost::asio::io_context context_{1};
  boost::asio::steady_timer tick_;
  std::size_t next_server_ = 0;
  std::size_t open_ = 0;
};

void stream_exchange::connect(tcp::endpoint const& server) {
  auto self = shared_from_this();
  mioext::async_connect(stream_, server, [this, self](error_code const& ec) {
    if (ec) {
      fail();
      return;
    }
    ++client_.counted().opened;
    next_piece();
  });
}

void stream_exchange::next_piece() {
  position_ += piece_;
  piece_ = client_.luck().next_piece(work_.total - position_);
  if (piece_ == 0) {
    end();
    return;
  }
  std::chrono::milliseconds const pause = client_.luck().next_pause();
  if (position_ == 0 || pause.count() == 0 || client_.is_over()) {
    exchange_piece(piece_);
    return;
  }
  auto self = shared_from_this();
  pause_.expires_after(pause);
  pause_.async_wait([this, self](error_code const&) { exchange_piece(piece_); });
}

void stream_exchange::end() {
  if (work_.ends_with_reset) {
    stream_.set_option(boost::asio::socket_base::linger(true, 0));
    stream_.close();
    ++client_.counted().aborted;
    client_.replace();
    return;
  }
  stream_.shutdown(boost::asio::socket_base::shutdown_send);
  auto self = shared_from_this();
  stream_.async_read_some(boost::asio::buffer(received_),
                          [this, self](error_code const& ec, std::size_t) {
                            ec == boost::asio::error::eof ? finish() : fail();
                          });
}

void stream_exchange::finish() {
  ++client_.counted().ended;
  client_.counted().bytes += work_.total;
  stream_.close();
  client_.replace();
}

void stream_exchange::fail() {
  ++client_.counted().wrong;
  stream_.close();
  client_.replace();
}

/// Streams, accepted and connected by the asynchronous functions.
struct by_stream {
  static void serve(std::vector<mioext::tcp_acceptor>& acceptors, int control, tally& counted) {
    stream_server(acceptors, control, counted).run();
  }

  static void load(std::vector<tcp::endpoint> const& servers, settings const& wanted,
                   tally& counted, std::function<void()> report) {
    stream_client(servers, wanted, counted, std::move(report)).run();
  }
};

} // namespace soak

#endif // TEST_SOAK_BY_STREAM_HPP
