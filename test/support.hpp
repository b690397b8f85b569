//
// test/support.hpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the tests of the event loop share: a handler that writes down what it is told, descriptors
// that close themselves, and a Unix listener whose backlog is full.
//

#ifndef TEST_SUPPORT_HPP
#define TEST_SUPPORT_HPP

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/detail/file_descriptor.hpp>
#include <mioext/detail/handles/socket_ops.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/unix.hpp>

#ifdef MIOEXT_TEST_ASYNC_EVENT_LOOP
#include "driven_loop.hpp"
#endif

namespace support {

/// The longest that a test waits for something that should come at once. Long, because the machine
/// may be busy; reached only by a test that fails.
constexpr std::chrono::seconds patience{20};

using mioext::detail::socket_ops::no_sigpipe;
using strings = std::vector<std::string>;

template <class Printed> std::string to_string(Printed const& printed) {
  std::ostringstream stream;
  stream << printed;
  return stream.str();
}

/// Two connected sockets that close themselves; non-blocking.
struct socket_pair {
  socket_pair() {
    int fds[2];
    boost::system::error_code ec;
    mioext::detail::socket_ops::open_pair(AF_UNIX, SOCK_STREAM, 0, fds, ec);
    BOOST_REQUIRE(!ec);
    near.reset(fds[0]);
    far.reset(fds[1]);
  }

  void send(char const* text = "x") const {
    std::string const sent = text;
    BOOST_REQUIRE(::send(far.get(), sent.data(), sent.size(), no_sigpipe) ==
                  static_cast<::ssize_t>(sent.size()));
  }

  mioext::detail::file_descriptor near;
  mioext::detail::file_descriptor far;
};

/// Reads all that is there.
inline std::string drain(int fd) {
  std::string result;
  char buffer[256];
  for (;;) {
    ::ssize_t const size = ::read(fd, buffer, sizeof buffer);
    if (size <= 0) {
      return result;
    }
    result.append(buffer, static_cast<std::size_t>(size));
  }
}

/// Writes until the buffers are full.
inline void fill(int fd) {
  char const block[4096] = {};
  while (::send(fd, block, sizeof block, no_sigpipe) > 0) {
  }
}

/// Writes down each call as a line, such as "readable token(1) data", and then does what the test
/// asks.
template <class Token = mioext::token, class Message = mioext::no_message>
class recorder final : public mioext::basic_handler<Token, Message> {
public:
  using loop_type = typename mioext::basic_handler<Token, Message>::loop_type;

  strings calls;
  std::function<void(loop_type&, Token, mioext::read_hint)> on_readable;
  std::function<void(loop_type&, Token)> on_writable;
  std::function<void(loop_type&, Token)> on_timer;
  std::function<void(loop_type&, Message)> on_notify;
  std::function<void(loop_type&, mioext::signal_info const&)> on_signal;

  void readable(loop_type& loop, Token token, mioext::read_hint hint) override {
    calls.push_back("readable " + to_string(token) + ' ' + to_string(hint));
    if (on_readable) {
      on_readable(loop, token, hint);
    }
  }

  void writable(loop_type& loop, Token token) override {
    calls.push_back("writable " + to_string(token));
    if (on_writable) {
      on_writable(loop, token);
    }
  }

  void timer(loop_type& loop, Token token) override {
    calls.push_back("timer " + to_string(token));
    if (on_timer) {
      on_timer(loop, token);
    }
  }

  void notify(loop_type& loop, Message message) override {
    calls.push_back("notify");
    if (on_notify) {
      on_notify(loop, std::move(message));
    }
  }

  void signal(loop_type& loop, mioext::signal_info const& info) override {
    calls.push_back("signal " + to_string(info.number));
    if (on_signal) {
      on_signal(loop, info);
    }
  }
};

inline mioext::token token(std::size_t value) { return mioext::token(value); }

/// The loop that the tests of the event loop are about: the blocking one, or, in
/// async_event_loop_promises.cpp, the asynchronous one, driven like it.
#ifdef MIOEXT_TEST_ASYNC_EVENT_LOOP
template <class Token = mioext::token, class Message = mioext::no_message>
using loop_under_test = driven_loop<Token, Message>;
#else
template <class Token = mioext::token, class Message = mioext::no_message>
using loop_under_test = mioext::basic_event_loop<Token, Message>;
#endif

/// Ticks until `condition` holds or patience ends. True if it holds.
template <class Loop, class Handler, class Condition>
bool run_until(Loop& loop, Handler& handler, Condition condition) {
  auto const deadline = std::chrono::steady_clock::now() + patience;
  while (!condition()) {
    auto const left = deadline - std::chrono::steady_clock::now();
    if (left <= left.zero()) {
      return false;
    }
    loop.run_once(handler, left);
  }
  return true;
}

/// Ticks until there is nothing to deliver at once.
template <class Loop, class Handler> void run_all(Loop& loop, Handler& handler) {
  while (loop.run_once(handler, std::chrono::seconds(0)) != 0) {
  }
}

/// True if nothing keeps the loop from sleeping.
#ifdef MIOEXT_TEST_ASYNC_EVENT_LOOP
template <class Loop> bool is_idle(Loop& loop) { return loop.is_idle(); }
#else
template <class Loop> bool is_idle(Loop const& loop) {
  ::pollfd polled = {loop.native_handle(), POLLIN, 0};
  return ::poll(&polled, 1, 0) == 0;
}
#endif

/// An address that a Unix socket can be bound to and that nobody else has. On Linux it is none, for
/// which the kernel picks an abstract one (unix(7), autobind); elsewhere it is a path in a directory
/// that goes when the program ends.
inline boost::asio::local::stream_protocol::endpoint any_unix_address() {
#ifdef __linux__
  return boost::asio::local::stream_protocol::endpoint();
#else
  struct addresses {
    addresses() { BOOST_REQUIRE(::mkdtemp(directory) != nullptr); }
    ~addresses() {
      while (count != 0) {
        ::unlink(path(count--).c_str());
      }
      ::rmdir(directory);
    }
    std::string path(int number) { return directory + ('/' + std::to_string(number)); }

    char directory[20] = "/tmp/mioext.XXXXXX";
    int count = 0;
  };
  static addresses used;
  return boost::asio::local::stream_protocol::endpoint(used.path(++used.count));
#endif
}

/// Binds a Unix socket, a stream or a datagram one, to such an address.
template <class Handle> void bind_to_any(Handle const& handle) {
  auto const address = any_unix_address();
  BOOST_REQUIRE(::bind(handle.native_handle(), address.data(),
                       static_cast<::socklen_t>(address.size())) == 0);
}

/// A Unix listener, at an address that the kernel picks, with more connections than it has room
/// for: the next connect finds no room (EAGAIN).
class full_listener {
public:
  full_listener() {
    acceptor.open();
    bind_to_any(acceptor);
    acceptor.listen(0);
    endpoint = acceptor.local_endpoint();
    for (;;) {
      mioext::unix_socket socket;
      boost::system::error_code ec;
      socket.connect(endpoint, ec);
      if (ec) {
        BOOST_REQUIRE(ec == boost::system::errc::resource_unavailable_try_again);
        break;
      }
      queued.push_back(std::move(socket));
      BOOST_REQUIRE(queued.size() < 1000u);
    }
  }

  /// Accepts all that wait, and returns how many.
  std::size_t drain() {
    std::size_t count = 0;
    boost::system::error_code ec;
    for (;;) {
      mioext::unix_socket peer = acceptor.accept(ec);
      if (ec) {
        return count;
      }
      ++count;
      accepted.push_back(std::move(peer));
    }
  }

  mioext::unix_acceptor acceptor;
  boost::asio::local::stream_protocol::endpoint endpoint;
  std::vector<mioext::unix_socket> queued;
  std::vector<mioext::unix_socket> accepted;
};

/// A Unix datagram socket, at an address that the kernel picks, whose queue is full.
struct full_datagram_peer {
  full_datagram_peer() {
    socket.open();
    bind_to_any(socket);
    mioext::unix_datagram filler;
    filler.connect(socket.local_endpoint());
    boost::system::error_code ec;
    while (!ec) {
      filler.send(boost::asio::buffer("x", 1), 0, ec);
    }
  }

  void make_room() {
    char block[16];
    BOOST_TEST(socket.receive(boost::asio::buffer(block)) == 1u);
  }

  mioext::unix_datagram socket;
};

} // namespace support

#endif // TEST_SUPPORT_HPP
