//
// test/moved_programs.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Three programs in the style that Boost.Asio's and Boost.Beast's documentation teach: an echo server
// with limits of time, a WebSocket server, a TLS client. `Names` holds the only names in them that
// change: `context`, `socket`, `acceptor` and `timer`. Nothing here knows of mioext.
//

#ifndef TEST_MOVED_PROGRAMS_HPP
#define TEST_MOVED_PROGRAMS_HPP

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/system/error_code.hpp>

namespace moved_programs {

using boost::asio::ip::tcp;
using boost::system::error_code;

inline tcp::endpoint loopback() {
  return tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0);
}

// --- An echo server --------------------------------------------------------------------------------

/// One client. Who says nothing for too long is sent away.
template <class Names>
class echo_session : public std::enable_shared_from_this<echo_session<Names>> {
public:
  using socket = typename Names::socket;
  using timer = typename Names::timer;

  echo_session(socket accepted, std::chrono::milliseconds limit)
      : socket_(std::move(accepted)), timer_(socket_.get_executor()), limit_(limit) {}

  void start() {
    socket_.set_option(tcp::no_delay(true));
    read();
  }

private:
  void read() {
    auto const self = this->shared_from_this();
    timer_.expires_after(limit_);
    timer_.async_wait([self](error_code const& ec) {
      if (!ec) {
        self->socket_.cancel();
      }
    });
    socket_.async_read_some(boost::asio::buffer(data_),
                            [self](error_code const& ec, std::size_t size) {
                              self->timer_.cancel();
                              if (!ec) {
                                self->write(size);
                              } else {
                                self->close();
                              }
                            });
  }

  void write(std::size_t size) {
    auto const self = this->shared_from_this();
    boost::asio::async_write(socket_, boost::asio::buffer(data_, size),
                             [self](error_code const& ec, std::size_t) {
                               if (!ec) {
                                 self->read();
                               }
                             });
  }

  void close() {
    error_code ignored;
    socket_.shutdown(socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

  socket socket_;
  timer timer_;
  std::chrono::milliseconds const limit_;
  std::array<char, 1000> data_;
};

template <class Names> class echo_server {
public:
  using context = typename Names::context;
  using acceptor = typename Names::acceptor;

  echo_server(context& where, std::chrono::milliseconds limit)
      : acceptor_(where, loopback()), limit_(limit) {
    accept();
  }

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  void stop() { acceptor_.close(); }

private:
  void accept() {
    acceptor_.async_accept([this](error_code const& ec, typename Names::socket socket) {
      if (!ec) {
        std::make_shared<echo_session<Names>>(std::move(socket), limit_)->start();
      }
      if (acceptor_.is_open()) {
        accept();
      }
    });
  }

  acceptor acceptor_;
  std::chrono::milliseconds const limit_;
};

// --- A WebSocket server ----------------------------------------------------------------------------

namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

/// Sends each message back as it came, text as text, and answers when the client closes.
template <class Names>
class websocket_session : public std::enable_shared_from_this<websocket_session<Names>> {
public:
  explicit websocket_session(typename Names::socket socket) : stream_(std::move(socket)) {}

  void start() {
    // Beast's own limits of time: for the handshake, and with pings for the peer's silence.
    stream_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    stream_.set_option(websocket::stream_base::decorator(
        [](websocket::response_type& answer) { answer.set(beast::http::field::server, "moved"); }));
    auto const self = this->shared_from_this();
    stream_.async_accept([self](error_code const& ec) {
      if (!ec) {
        self->read();
      }
    });
  }

private:
  void read() {
    auto const self = this->shared_from_this();
    stream_.async_read(buffer_, [self](error_code const& ec, std::size_t) {
      if (!ec) { // websocket::error::closed, if the client has gone
        self->write();
      }
    });
  }

  void write() {
    auto const self = this->shared_from_this();
    stream_.text(stream_.got_text());
    stream_.async_write(buffer_.data(), [self](error_code const& ec, std::size_t size) {
      if (!ec) {
        self->buffer_.consume(size);
        self->read();
      }
    });
  }

  websocket::stream<typename Names::socket> stream_;
  beast::flat_buffer buffer_;
};

template <class Names> class websocket_server {
public:
  explicit websocket_server(typename Names::context& where) : acceptor_(where, loopback()) {
    accept();
  }

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  void stop() { acceptor_.close(); }

private:
  void accept() {
    acceptor_.async_accept([this](error_code const& ec, typename Names::socket socket) {
      if (!ec) {
        std::make_shared<websocket_session<Names>>(std::move(socket))->start();
      }
      if (acceptor_.is_open()) {
        accept();
      }
    });
  }

  typename Names::acceptor acceptor_;
};

// --- A TLS client ----------------------------------------------------------------------------------

namespace ssl = boost::asio::ssl;

/// Connects, looks at the server's certificate, sends a text, reads as much, and says goodbye.
template <class Names> class tls_client {
public:
  tls_client(typename Names::context& context, ssl::context& tls,
             tcp::resolver::results_type const& endpoints, std::string host, std::string text)
      : stream_(context, tls), text_(std::move(text)) {
    stream_.set_verify_mode(ssl::verify_peer);
    stream_.set_verify_callback(ssl::host_name_verification(host));
    // Not boost::asio::async_connect: that takes Asio's sockets alone. Without a namespace it is found
    // beside the socket, whosever that is.
    async_connect(stream_.lowest_layer(), endpoints, [this](error_code const& ec, tcp::endpoint) {
      if (!failed(ec)) {
        handshake();
      }
    });
  }

  error_code how_it_ended;
  std::string answer;

private:
  bool failed(error_code const& ec) {
    how_it_ended = ec;
    return static_cast<bool>(ec);
  }

  void handshake() {
    stream_.async_handshake(ssl::stream_base::client, [this](error_code const& ec) {
      if (!failed(ec)) {
        write();
      }
    });
  }

  void write() {
    boost::asio::async_write(stream_, boost::asio::buffer(text_),
                             [this](error_code const& ec, std::size_t) {
                               if (!failed(ec)) {
                                 read();
                               }
                             });
  }

  void read() {
    answer.resize(text_.size());
    boost::asio::async_read(stream_, boost::asio::buffer(&answer[0], answer.size()),
                            [this](error_code const& ec, std::size_t) {
                              if (!failed(ec)) {
                                shut_down();
                              }
                            });
  }

  void shut_down() {
    stream_.async_shutdown([this](error_code const& ec) {
      failed(ec);
      stream_.lowest_layer().close();
    });
  }

  ssl::stream<typename Names::socket> stream_;
  std::string const text_;
};

} // namespace moved_programs

#endif // TEST_MOVED_PROGRAMS_HPP
