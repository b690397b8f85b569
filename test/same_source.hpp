//
// test/same_source.hpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An echo server, a chat server and a client for them in the style that Boost.Asio's documentation
// teaches. `Socket` is the only name in them that changes; nothing here knows of mioext.
//

#ifndef TEST_SAME_SOURCE_HPP
#define TEST_SAME_SOURCE_HPP

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>

namespace same_source {

using boost::asio::ip::tcp;
using boost::system::error_code;

inline tcp::endpoint loopback() {
  return tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0);
}

// --- Echo ----------------------------------------------------------------------------------------

template <class Socket>
class echo_session : public std::enable_shared_from_this<echo_session<Socket>> {
public:
  explicit echo_session(Socket socket) : socket_(std::move(socket)) {}

  void start() {
    socket_.set_option(tcp::no_delay(true));
    read();
  }

private:
  void read() {
    auto const self = this->shared_from_this();
    socket_.async_read_some(boost::asio::buffer(data_),
                            [this, self](error_code const& ec, std::size_t size) {
                              if (!ec) {
                                write(size);
                              } else {
                                error_code ignored;
                                socket_.shutdown(Socket::shutdown_both, ignored);
                                socket_.close(ignored);
                              }
                            });
  }

  void write(std::size_t size) {
    auto const self = this->shared_from_this();
    boost::asio::async_write(socket_, boost::asio::buffer(data_, size),
                             [this, self](error_code const& ec, std::size_t) {
                               if (!ec) {
                                 read();
                               }
                             });
  }

  Socket socket_;
  std::array<char, 1000> data_;
};

template <class Socket> class echo_server {
public:
  template <class Context> explicit echo_server(Context& context) : acceptor_(context, loopback()) {
    accept();
  }

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  void stop() { acceptor_.close(); }

private:
  void accept() {
    acceptor_.async_accept([this](error_code const& ec, Socket socket) {
      if (!ec) {
        std::make_shared<echo_session<Socket>>(std::move(socket))->start();
      }
      if (acceptor_.is_open()) {
        accept();
      }
    });
  }

  tcp::acceptor acceptor_;
};

// --- Echo, one at a time and waiting -----------------------------------------------------------------

/// Takes a client, and sends back what it sends until it has ended.
template <class Socket> void serve_one(tcp::acceptor& acceptor) {
  Socket socket = acceptor.accept();
  socket.set_option(typename Socket::keep_alive(true));
  std::array<char, 64> data;
  error_code ec;
  for (;;) {
    socket.wait(Socket::wait_read);
    std::size_t const size = socket.receive(boost::asio::buffer(data), 0, ec);
    if (ec) {
      break;
    }
    for (std::size_t sent = 0; sent != size;) {
      sent += socket.send(boost::asio::buffer(data.data() + sent, size - sent));
    }
  }
  socket.shutdown(Socket::shutdown_both, ec);
  socket.close();
}

/// Sends `text`, and returns what comes back.
template <class Socket, class Context>
std::string ask(Context& context, tcp::endpoint const& server, std::string const& text) {
  Socket socket(context);
  socket.connect(server);
  boost::asio::write(socket, boost::asio::buffer(text));
  char first = 0;
  typename Socket::message_flags const flags = Socket::message_peek;
  socket.receive(boost::asio::buffer(&first, 1), flags);
  socket.shutdown(Socket::shutdown_send);
  std::string answer;
  std::array<char, 16> data;
  error_code ec;
  while (!ec) {
    std::size_t const size = socket.read_some(boost::asio::buffer(data), ec);
    answer.append(data.data(), size);
  }
  return answer;
}

// --- Chat ----------------------------------------------------------------------------------------

class participant {
public:
  virtual ~participant() = default;
  virtual void deliver(std::string const& line) = 0;
};

class room {
public:
  void join(std::shared_ptr<participant> const& who) {
    participants_.insert(who);
    for (std::string const& line : recent_) {
      who->deliver(line);
    }
  }

  void leave(std::shared_ptr<participant> const& who) { participants_.erase(who); }

  void deliver(std::string const& line) {
    recent_.push_back(line);
    if (recent_.size() > 3) {
      recent_.pop_front();
    }
    for (std::shared_ptr<participant> const& who : participants_) {
      who->deliver(line);
    }
  }

  std::size_t size() const { return participants_.size(); }

private:
  std::set<std::shared_ptr<participant>> participants_;
  std::deque<std::string> recent_;
};

template <class Socket>
class chat_session : public participant, public std::enable_shared_from_this<chat_session<Socket>> {
public:
  chat_session(Socket socket, room& joined) : socket_(std::move(socket)), room_(joined) {}

  void start() {
    room_.join(this->shared_from_this());
    read();
  }

  void deliver(std::string const& line) override {
    bool const is_writing = !lines_.empty();
    lines_.push_back(line);
    if (!is_writing) {
      write();
    }
  }

private:
  void read() {
    auto const self = this->shared_from_this();
    boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(input_, 1000), '\n',
                                  [this, self](error_code const& ec, std::size_t size) {
                                    if (ec) {
                                      room_.leave(self);
                                      return;
                                    }
                                    room_.deliver(input_.substr(0, size));
                                    input_.erase(0, size);
                                    read();
                                  });
  }

  void write() {
    auto const self = this->shared_from_this();
    boost::asio::async_write(socket_, boost::asio::buffer(lines_.front()),
                             [this, self](error_code const& ec, std::size_t) {
                               if (ec) {
                                 room_.leave(self);
                                 return;
                               }
                               lines_.pop_front();
                               if (!lines_.empty()) {
                                 write();
                               }
                             });
  }

  Socket socket_;
  room& room_;
  std::string input_;
  std::deque<std::string> lines_;
};

template <class Socket> class chat_server {
public:
  template <class Context>
  explicit chat_server(Context& context) : acceptor_(context, loopback()), next_(context) {
    accept();
  }

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  std::size_t participants() const { return room_.size(); }
  void stop() { acceptor_.close(); }

private:
  void accept() {
    acceptor_.async_accept([this](error_code const& ec, Socket socket) {
      if (!ec) {
        next_ = std::move(socket);
        std::make_shared<chat_session<Socket>>(std::move(next_), room_)->start();
      }
      if (acceptor_.is_open()) {
        accept();
      }
    });
  }

  room room_;
  tcp::acceptor acceptor_;
  Socket next_;
};

// --- A client --------------------------------------------------------------------------------------

/// Sends lines, and writes down those that come.
template <class Socket> class client {
public:
  template <class Context>
  client(Context& context, tcp::endpoint const& server) : socket_(context) {
    socket_.async_connect(server, [this](error_code const& ec) {
      how_it_connected = ec;
      if (!ec) {
        is_connected = true;
        read();
      }
    });
  }

  void send(std::string line) {
    auto const sent = std::make_shared<std::string>(std::move(line));
    boost::asio::async_write(socket_, boost::asio::buffer(*sent),
                             [sent](error_code const&, std::size_t) {});
  }

  void shut_down() { socket_.shutdown(Socket::shutdown_send); }
  void close() { socket_.close(); }

  bool is_connected = false;
  error_code how_it_connected;
  std::vector<std::string> lines;
  error_code how_it_ended;

private:
  void read() {
    boost::asio::async_read_until(socket_, boost::asio::dynamic_buffer(input_), '\n',
                                  [this](error_code const& ec, std::size_t size) {
                                    if (ec) {
                                      how_it_ended = ec;
                                      return;
                                    }
                                    lines.push_back(input_.substr(0, size));
                                    input_.erase(0, size);
                                    read();
                                  });
  }

  Socket socket_;
  std::string input_;
};

} // namespace same_source

#endif // TEST_SAME_SOURCE_HPP
