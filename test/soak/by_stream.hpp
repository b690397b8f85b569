//
// test/soak/by_stream.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The two ends of the soak test as asynchronous operations on streams or sockets, in one context or in
// several, each of which has a thread of its own.
//

#ifndef TEST_SOAK_BY_STREAM_HPP
#define TEST_SOAK_BY_STREAM_HPP

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/write.hpp>

#include <mioext/tcp.hpp>

#include "objects.hpp"
#include "traffic.hpp"

namespace soak {

/// Sends back what it gets, and checks it. Owned by what it waits for.
template <class Objects>
class stream_session : public std::enable_shared_from_this<stream_session<Objects>> {
public:
  stream_session(typename Objects::context& context, typename Objects::accepted accepted,
                 tally& counted)
      : stream_(Objects::stream_of(context, std::move(accepted))), counted_(counted) {}

  void receive() {
    auto self = this->shared_from_this();
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
    auto self = this->shared_from_this();
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

  typename Objects::stream stream_;
  tally& counted_;
  arrived_bytes arrived_;
  std::array<char, 8192> buffer_{};
};

/// Accepts until it is told to end.
template <class Objects> class stream_server {
public:
  explicit stream_server(tally& counted) : counted_(counted) {}

  void accept_from(mioext::tcp_acceptor listening) {
    acceptors_.emplace_back(
        new typename Objects::acceptor(Objects::accept_in(context_, std::move(listening))));
    accept(*acceptors_.back());
  }

  /// Calls `handler` when `control` has something to read.
  template <class Handler> void wait_for_end(int control, Handler handler) {
    Objects::wait_for_end(context_, control, std::move(handler));
  }

  /// Accepts no more. May be called by any thread.
  void end() {
    boost::asio::post(context_, [this] {
      for (auto& each : acceptors_) {
        each->close();
      }
    });
  }

  void run() { context_.run(); }

private:
  using acceptor = typename Objects::acceptor;

  void accept(acceptor& from) {
    Objects::accept(
        context_, from, [this, &from](error_code const& ec, typename Objects::accepted accepted) {
          if (ec == boost::asio::error::operation_aborted) {
            return;
          }
          if (ec) {
            ++counted_.wrong;
            return;
          }
          ++counted_.opened;
          std::make_shared<stream_session<Objects>>(context_, std::move(accepted), counted_)
              ->receive();
          accept(from);
        });
  }

  typename Objects::context context_;
  tally& counted_;
  std::vector<std::unique_ptr<acceptor>> acceptors_;
};

template <class Objects> class stream_client;

/// One connection of the client's. Owned by what it waits for.
template <class Objects>
class stream_exchange : public std::enable_shared_from_this<stream_exchange<Objects>> {
public:
  stream_exchange(typename Objects::context& context, stream_client<Objects>& client,
                  plan const& planned)
      : client_(client), work_(planned), bytes_(planned.number), stream_(context), pause_(context) {
  }

  void connect(tcp::endpoint const& server);

private:
  using clock = std::chrono::steady_clock;

  void next_piece();
  void end();
  void finish();
  void fail();

  void exchange_piece(std::size_t size) {
    begun_ = clock::now();
    bytes_.fill(position_, sent_.data(), size);
    missing_ = 2;
    auto self = this->shared_from_this();
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
    if (--missing_ != 0) {
      return;
    }
    if (is_right_) {
      client_.counted().exchanged(piece_, begun_);
      next_piece();
    } else {
      fail();
    }
  }

  stream_client<Objects>& client_;
  plan const work_;
  byte_pattern const bytes_;
  typename Objects::stream stream_;
  typename Objects::timer pause_;
  clock::time_point begun_;
  std::size_t position_ = 0;
  std::size_t piece_ = 0;
  int missing_ = 0;
  bool is_right_ = true;
  std::array<char, largest_piece> sent_{};
  std::array<char, largest_piece> received_{};
};

/// Keeps so many connections open, until the time is over and each has come to its end.
template <class Objects> class stream_client {
public:
  using clock = std::chrono::steady_clock;

  stream_client(std::vector<tcp::endpoint> servers, settings const& wanted, std::uint64_t seed,
                tally& counted, report_function report)
      : servers_(std::move(servers)), wanted_(wanted), counted_(counted),
        report_(std::move(report)), end_(clock::now() + wanted.duration), chance_(seed, wanted),
        tick_(context_) {
    wait();
  }

  void run() { context_.run(); }

  bool is_over() const { return wanted_.are_met(counted_, end_); }
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
    std::make_shared<stream_exchange<Objects>>(context_, *this, chance_.next_plan())
        ->connect(servers_[next_server_++ % servers_.size()]);
  }

  void wait() {
    tick_.expires_after(opening_interval);
    tick_.async_wait([this](error_code const&) {
      report_(counted_);
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
  report_function const report_;
  clock::time_point const end_;
  chance chance_;
  typename Objects::context context_;
  typename Objects::timer tick_;
  std::size_t next_server_ = 0;
  std::size_t open_ = 0;
};

template <class Objects> void stream_exchange<Objects>::connect(tcp::endpoint const& server) {
  auto self = this->shared_from_this();
  Objects::connect(stream_, server, [this, self](error_code const& ec) {
    if (ec) {
      fail();
      return;
    }
    ++client_.counted().opened;
    next_piece();
  });
}

template <class Objects> void stream_exchange<Objects>::next_piece() {
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
  auto self = this->shared_from_this();
  pause_.expires_after(pause);
  pause_.async_wait([this, self](error_code const&) { exchange_piece(piece_); });
}

template <class Objects> void stream_exchange<Objects>::end() {
  if (work_.ends_with_reset) {
    stream_.set_option(boost::asio::socket_base::linger(true, 0));
    stream_.close();
    ++client_.counted().aborted;
    client_.replace();
    return;
  }
  stream_.shutdown(boost::asio::socket_base::shutdown_send);
  auto self = this->shared_from_this();
  stream_.async_read_some(boost::asio::buffer(received_),
                          [this, self](error_code const& ec, std::size_t) {
                            ec == boost::asio::error::eof ? finish() : fail();
                          });
}

template <class Objects> void stream_exchange<Objects>::finish() {
  ++client_.counted().ended;
  client_.counted().bytes += work_.total;
  stream_.close();
  client_.replace();
}

template <class Objects> void stream_exchange<Objects>::fail() {
  ++client_.counted().wrong;
  stream_.close();
  client_.replace();
}

/// The two ends by `Objects`, in so many contexts on as many threads.
template <class Objects, std::size_t Contexts = 1> struct by_stream {
  static void serve(std::vector<mioext::tcp_acceptor>& acceptors, int control, tally& counted) {
    std::vector<tally> counts(Contexts);
    std::vector<std::unique_ptr<stream_server<Objects>>> servers;
    for (tally& each : counts) {
      servers.emplace_back(new stream_server<Objects>(each));
    }
    for (std::size_t index = 0; index != acceptors.size(); ++index) {
      servers[index % Contexts]->accept_from(std::move(acceptors[index]));
    }
    servers[0]->wait_for_end(control, [&servers](error_code const&) {
      for (auto& each : servers) {
        each->end();
      }
    });
    run(servers);
    add(counts, counted);
  }

  /// What is reported meanwhile is what the first context counts.
  static void load(std::vector<tcp::endpoint> const& servers, settings const& wanted,
                   tally& counted, report_function const& report) {
    std::vector<tally> counts(Contexts);
    std::vector<std::unique_ptr<stream_client<Objects>>> clients;
    for (std::size_t index = 0; index != Contexts; ++index) {
      settings share = wanted;
      share.connections = (wanted.connections + index) / Contexts;
      clients.emplace_back(
          new stream_client<Objects>(servers, share, 1 + index, counts[index],
                                     index == 0 ? report : report_function([](tally const&) {})));
    }
    run(clients);
    add(counts, counted);
  }

private:
  template <class Ends> static void run(Ends& ends) {
    std::vector<std::thread> others;
    for (std::size_t index = 1; index != ends.size(); ++index) {
      auto& end = *ends[index];
      others.emplace_back([&end] { end.run(); });
    }
    ends[0]->run();
    for (std::thread& each : others) {
      each.join();
    }
  }

  static void add(std::vector<tally> const& counts, tally& counted) {
    for (tally const& each : counts) {
      counted.add(each);
    }
  }
};

} // namespace soak

#endif // TEST_SOAK_BY_STREAM_HPP
