//
// bench/churn/event_loop.cpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The connect churn in an event loop: what connect promises spares the client every question but
// one.
//

#include "contenders.hpp"

#include <array>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <mioext/basic_socket_acceptor.hpp>
#include <mioext/basic_stream_socket.hpp>
#include <mioext/event_loop.hpp>

#include "../system.hpp"

namespace {

using boost::system::error_code;

template <class Protocol> class server final : public mioext::handler {
public:
  server(loop_type& loop, int listener, std::size_t connections)
      : acceptor_(listener), left_(connections), slots_(1) {
    loop.register_handle(acceptor_, mioext::token(0), mioext::interest::readable);
  }

  void readable(loop_type& loop, mioext::token name, mioext::read_hint) override {
    if (name.value() == 0) {
      accept(loop);
    } else {
      receive(loop, name.value());
    }
  }

  std::size_t bytes() const { return bytes_; }

private:
  using socket = mioext::basic_stream_socket<Protocol>;

  void accept(loop_type& loop) {
    for (;;) {
      error_code ec;
      socket peer = acceptor_.accept(ec);
      if (ec) {
        return;
      }
      if (free_.empty()) {
        free_.push_back(slots_.size());
        slots_.emplace_back();
      }
      std::size_t const slot = free_.back();
      free_.pop_back();
      slots_[slot] = std::move(peer);
      loop.register_handle(slots_[slot], mioext::token(slot), mioext::interest::readable);
    }
  }

  void receive(loop_type& loop, std::size_t slot) {
    char byte;
    error_code ec;
    bytes_ += slots_[slot].read_some(boost::asio::buffer(&byte, 1), ec);
    if (ec == boost::asio::error::would_block) {
      return;
    }
    slots_[slot].close();
    free_.push_back(slot);
    if (--left_ == 0) {
      loop.shutdown();
    }
  }

  mioext::basic_socket_acceptor<Protocol> acceptor_;
  std::size_t left_;
  std::vector<socket> slots_; // the first is the acceptor's, and empty
  std::vector<std::size_t> free_;
  std::size_t bytes_ = 0;
};

template <class Protocol> class client final : public mioext::handler {
public:
  explicit client(churn::work const& wanted)
      : work_(wanted), endpoint_(churn::endpoint_of<Protocol>(wanted)) {}

  void start(loop_type& loop) {
    for (std::size_t slot = 0; slot != churn::at_a_time; ++slot) {
      connect(loop, slot);
    }
  }

  void writable(loop_type&, mioext::token name) override {
    connection& ready = connections_[name.value()];
    if (ready.is_connecting) {
      ready.is_connecting = false;
      bench::check(!ready.socket.take_error(), "a connect has failed");
      ready.socket.write_some(boost::asio::buffer("c", 1));
    }
  }

  void readable(loop_type& loop, mioext::token name, mioext::read_hint) override {
    connection& ready = connections_[name.value()];
    char byte;
    error_code ec;
    ready.socket.read_some(boost::asio::buffer(&byte, 1), ec);
    if (ec != boost::asio::error::eof) {
      return;
    }
    ready.socket.close();
    ++ended_;
    connect(loop, name.value());
  }

  std::size_t ended() const { return ended_; }

private:
  struct connection {
    mioext::basic_stream_socket<Protocol> socket;
    bool is_connecting;
  };

  void connect(loop_type& loop, std::size_t slot) {
    if (begun_ == work_.connections) {
      if (ended_ == work_.connections) {
        loop.shutdown();
      }
      return;
    }
    ++begun_;
    connection& made = connections_[slot];
    made.is_connecting = true;
    made.socket.open(endpoint_.protocol());
    churn::set_ending(made.socket, endpoint_.protocol());
    loop.connect(made.socket, endpoint_, mioext::token(slot));
  }

  churn::work work_;
  typename Protocol::endpoint endpoint_;
  std::array<connection, churn::at_a_time> connections_;
  std::size_t begun_ = 0;
  std::size_t ended_ = 0;
};

template <class Protocol> std::size_t serve(int listener, churn::work const& wanted) {
  mioext::event_loop loop;
  server<Protocol> handler(loop, listener, wanted.connections);
  loop.run(handler);
  return handler.bytes();
}

template <class Protocol> std::size_t connect(churn::work const& wanted) {
  mioext::event_loop loop;
  client<Protocol> handler(wanted);
  handler.start(loop);
  loop.run(handler);
  return handler.ended();
}

} // namespace

std::size_t churn::serve_event_loop(int listener, work const& wanted) {
  return wanted.over == transport::tcp
             ? serve<boost::asio::ip::tcp>(listener, wanted)
             : serve<boost::asio::local::stream_protocol>(listener, wanted);
}

std::size_t churn::connect_event_loop(work const& wanted) {
  return wanted.over == transport::tcp ? connect<boost::asio::ip::tcp>(wanted)
                                       : connect<boost::asio::local::stream_protocol>(wanted);
}
