//
// example/echo_client.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Sends its standard input to a server, and writes what comes back to its standard output.
//
//   echo_client ADDRESS PORT   connects over TCP
//   echo_client PATH           connects to a Unix socket; a path has a / in it
//
// Says to the server when the input has ended, and ends when the server closes the connection.
//

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <mioext.hpp>

#include "arguments.hpp"

namespace asio = boost::asio;
using boost::system::error_code;
using boost::system::system_error;

// Asio's protocol for streams of any kind: TCP and Unix are the same to this program.
using any_stream = asio::generic::stream_protocol;
using stream_socket = mioext::basic_stream_socket<any_stream>;

enum class source : std::size_t { input, output, server };

// Standard input or output. Other processes use it as well, so it must not be made non-blocking:
// that would be so for all of them. Instead the loop says, once each time that it is asked
// (`oneshot`), that one read or one small write will not wait.
class standard_stream {
public:
  using loop_type = mioext::basic_event_loop<source>;

  standard_stream(int fd, source name, mioext::interest wanted)
      : fd_(fd), name_(name), wanted_(wanted) {}

  bool is_ready() const { return is_ready_; }
  void set_ready() { is_ready_ = true; }

  // Asks to be told when it is ready, for the first time.
  void open(loop_type& loop) {
    error_code ec;
    loop.register_handle(fd_, name_, wanted_, mioext::trigger::oneshot, ec);
    // What never waits, a regular file for instance, cannot be registered.
    is_always_ready_ = is_ready_ = ec == boost::system::errc::operation_not_permitted;
    if (ec && !is_always_ready_) {
      throw system_error(ec, name_ == source::input ? "standard input" : "standard output");
    }
  }

  // Reads what is there; zero at the end. If there was nothing after all, is_ready() is false then.
  std::size_t read(loop_type& loop, char* data, std::size_t size) {
    ssize_t result;
    do {
      result = ::read(fd_, data, size);
    } while (result < 0 && errno == EINTR);
    return done(loop, result, "standard input");
  }

  // Writes what is sure not to wait: a pipe that is ready has room for PIPE_BUF bytes.
  std::size_t write(loop_type& loop, char const* data, std::size_t size) {
    std::size_t const at_once = is_always_ready_ ? size : std::min<std::size_t>(size, PIPE_BUF);
    ssize_t result;
    do {
      result = ::write(fd_, data, at_once);
    } while (result < 0 && errno == EINTR);
    return done(loop, result, "standard output");
  }

private:
  // Asks anew to be told when it is ready, unless this was the end.
  std::size_t done(loop_type& loop, ssize_t result, char const* what) {
    bool const would_block = result < 0 && errno == EAGAIN; // another process made it non-blocking
    if (result < 0 && !would_block) {
      throw system_error(errno, boost::system::system_category(), what);
    }
    if (!is_always_ready_ && result != 0) {
      is_ready_ = false;
      loop.reregister_handle(fd_, name_, wanted_, mioext::trigger::oneshot);
    }
    return would_block ? 0 : static_cast<std::size_t>(result);
  }

  int const fd_;
  source const name_;
  mioext::interest const wanted_;
  bool is_ready_ = false;
  bool is_always_ready_ = false;
};

// What was read at one side and is still to be written at the other. More is read only when it is
// empty: so whoever is slow slows down the rest, and memory stays as it is.
struct transfer {
  std::array<char, 65536> buffer;
  std::size_t begin = 0;
  std::size_t end = 0;
  bool source_ended = false;

  bool is_empty() const { return begin == end; }
  char const* data() const { return buffer.data() + begin; }
  std::size_t size() const { return end - begin; }

  void filled(std::size_t bytes) {
    begin = 0;
    end = bytes;
  }
};

// The socket is edge-triggered: once told that it is ready, we remember that until it would block.
class echo_client final : public mioext::basic_handler<source> {
public:
  echo_client(loop_type& loop, any_stream::endpoint const& server) {
    loop.connect(socket_, server, source::server);
  }

  bool everything_was_sent() const { return upload_.source_ended && upload_.is_empty(); }

  void readable(loop_type& loop, source name, mioext::read_hint) override {
    if (name == source::input) {
      input_.set_ready();
    } else {
      can_receive_ = true;
    }
    transfer_all(loop);
  }

  void writable(loop_type& loop, source name) override {
    if (name == source::output) {
      output_.set_ready();
    } else {
      if (!is_connected_) {
        finish_connecting(loop);
      }
      can_send_ = true;
    }
    transfer_all(loop);
  }

private:
  // The first writable() of a socket after connect() says that the outcome is known.
  void finish_connecting(loop_type& loop) {
    if (error_code const ec = socket_.take_error()) {
      throw system_error(ec, "connect");
    }
    is_connected_ = true;
    input_.open(loop);
    output_.open(loop);
  }

  // Both directions in turn, as far as it goes without waiting.
  void transfer_all(loop_type& loop) {
    bool moved = true;
    while (moved && !loop.shutdown_requested()) {
      moved = upload(loop);
      moved = download(loop) || moved;
    }
  }

  // One step from standard input to the server. False if it has to wait.
  bool upload(loop_type& loop) {
    if (upload_.is_empty()) {
      if (upload_.source_ended || !input_.is_ready()) {
        return false;
      }
      upload_.filled(input_.read(loop, upload_.buffer.data(), upload_.buffer.size()));
      if (upload_.is_empty() && input_.is_ready()) {
        upload_.source_ended = true;
        error_code ignored; // if the connection is broken, receiving says so
        socket_.shutdown(stream_socket::shutdown_send, ignored);
      }
      return !upload_.is_empty();
    }
    if (!can_send_) {
      return false;
    }
    error_code ec;
    upload_.begin += socket_.write_some(asio::buffer(upload_.data(), upload_.size()), ec);
    if (ec == asio::error::would_block) {
      can_send_ = false;
    } else if (ec) {
      throw system_error(ec, "send");
    }
    return can_send_;
  }

  // One step from the server to standard output. False if it has to wait, or is at the end.
  bool download(loop_type& loop) {
    if (download_.is_empty()) {
      if (!can_receive_) {
        return false;
      }
      error_code ec;
      download_.filled(socket_.read_some(asio::buffer(download_.buffer), ec));
      if (ec == asio::error::would_block) {
        can_receive_ = false;
      } else if (ec == asio::error::eof) {
        loop.shutdown();
      } else if (ec) {
        throw system_error(ec, "receive");
      }
      return !ec;
    }
    if (!output_.is_ready()) {
      return false;
    }
    download_.begin += output_.write(loop, download_.data(), download_.size());
    return true;
  }

  stream_socket socket_;
  bool is_connected_ = false;
  bool can_send_ = false;
  bool can_receive_ = false;
  standard_stream input_{STDIN_FILENO, source::input, mioext::interest::readable};
  standard_stream output_{STDOUT_FILENO, source::output, mioext::interest::writable};
  transfer upload_;
  transfer download_;
};

any_stream::endpoint server_endpoint(std::vector<std::string> const& arguments) {
  if (arguments.size() == 1 && arguments[0].find('/') != std::string::npos) {
    return asio::local::stream_protocol::endpoint(arguments[0]);
  }
  if (arguments.size() == 2) {
    return parse_endpoint(arguments[0], arguments[1], 1);
  }
  throw usage_error("an address and a port, or a path with a / in it, must be given");
}

int run(std::vector<std::string> const& given) {
  echo_client::loop_type loop;
  echo_client client(loop, server_endpoint(given));
  loop.run(client);
  if (!client.everything_was_sent()) {
    throw std::runtime_error("the server closed the connection before the input's end");
  }
  return EXIT_SUCCESS;
}

char const* const usage = R"(echo_client ADDRESS PORT
       echo_client PATH   a Unix socket; a path has a / in it
Sends its standard input to the server, and writes what comes back to its standard output.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
