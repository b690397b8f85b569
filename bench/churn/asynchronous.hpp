//
// bench/churn/asynchronous.hpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The connect churn with async_accept, async_connect, async_read_some and async_write, for
// Boost.Asio's sockets and for mioext's streams.
//

#ifndef BENCH_CHURN_ASYNCHRONOUS_HPP
#define BENCH_CHURN_ASYNCHRONOUS_HPP

#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>

#include "../system.hpp"
#include "contenders.hpp"

namespace churn {

/// `Accept` has `stream_type` and `operator()(handler)`, which accepts one and calls
/// `handler(error_code, stream_type)`.
template <class Accept> class async_server {
public:
  async_server(Accept accept, std::size_t connections)
      : accept_(std::move(accept)), left_(connections) {}

  void start() {
    accept_([this](boost::system::error_code ec, typename Accept::stream_type stream) {
      bench::check(!ec, "accepting has failed");
      (new session(std::move(stream), bytes_))->read();
      if (--left_ != 0) {
        start();
      }
    });
  }

  std::size_t bytes() const { return bytes_; }

private:
  /// Owns itself.
  class session {
  public:
    session(typename Accept::stream_type stream, std::size_t& bytes)
        : stream_(std::move(stream)), bytes_(bytes) {}

    void read() {
      stream_.async_read_some(boost::asio::buffer(&byte_, 1),
                              [this](boost::system::error_code, std::size_t size) {
                                bytes_ += size;
                                delete this;
                              });
    }

  private:
    typename Accept::stream_type stream_;
    std::size_t& bytes_;
    char byte_;
  };

  Accept accept_;
  std::size_t left_;
  std::size_t bytes_ = 0;
};

template <class Stream, class Protocol> class async_client {
public:
  template <class Context>
  async_client(Context& context, work const& wanted)
      : endpoint_(endpoint_of<Protocol>(wanted)), left_(wanted.connections) {
    for (std::size_t slot = 0; slot != at_a_time; ++slot) {
      sessions_.emplace_back(new session(*this, Stream(context)));
    }
  }

  void start() {
    for (auto const& each : sessions_) {
      each->connect();
    }
  }

  std::size_t ended() const { return ended_; }

private:
  class session {
  public:
    session(async_client& owner, Stream stream) : owner_(owner), stream_(std::move(stream)) {}

    void connect() {
      if (owner_.left_ == 0) {
        return;
      }
      --owner_.left_;
      stream_.open(owner_.endpoint_.protocol());
      set_ending(stream_, owner_.endpoint_.protocol());
      stream_.async_connect(owner_.endpoint_, [this](boost::system::error_code ec) {
        bench::check(!ec, "a connect has failed");
        write();
      });
    }

  private:
    void write() {
      boost::asio::async_write(stream_, boost::asio::buffer("c", 1),
                               [this](boost::system::error_code ec, std::size_t) {
                                 bench::check(!ec, "the byte was not taken");
                                 read();
                               });
    }

    void read() {
      stream_.async_read_some(boost::asio::buffer(&byte_, 1),
                              [this](boost::system::error_code ec, std::size_t) {
                                bench::check(ec == boost::asio::error::eof, "there is no end");
                                stream_.close();
                                ++owner_.ended_;
                                connect();
                              });
    }

    async_client& owner_;
    Stream stream_;
    char byte_;
  };

  typename Protocol::endpoint endpoint_;
  std::size_t left_;
  std::size_t ended_ = 0;
  std::vector<std::unique_ptr<session>> sessions_;
};

template <class Context, class Accept>
std::size_t run_async_server(Context& context, Accept accept, work const& wanted) {
  async_server<Accept> server(std::move(accept), wanted.connections);
  server.start();
  context.run();
  return server.bytes();
}

template <class Stream, class Protocol, class Context>
std::size_t run_async_client(Context& context, work const& wanted) {
  async_client<Stream, Protocol> client(context, wanted);
  client.start();
  context.run();
  return client.ended();
}

} // namespace churn

#endif // BENCH_CHURN_ASYNCHRONOUS_HPP
