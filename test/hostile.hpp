//
// test/hostile.hpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Peers as nobody wishes them: that reset, vanish, do not read, die while one waits for them.
//

#ifndef TEST_HOSTILE_HPP
#define TEST_HOSTILE_HPP

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/tcp.hpp>

#include "handles.hpp"
#include "support.hpp"

namespace hostile {

using boost::asio::ip::tcp;
using boost::system::error_code;

/// Closes the connection with a reset, whatever is still under way.
inline void reset(mioext::tcp_socket& socket) {
  socket.set_option(boost::asio::socket_base::linger(true, 0));
  socket.close();
}

/// Gone without a word, as a machine whose power failed: neither an end nor a reset is sent. False
/// if that cannot be had, for it takes a right that root has (tcp_repair in Linux).
inline bool vanish(mioext::tcp_socket& socket) {
#ifdef TCP_REPAIR
  int const on = 1;
  if (::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof on) == 0) {
    socket.close();
    return true;
  }
#endif
  static_cast<void>(socket);
  return false;
}

/// Sends until nothing more goes out, and returns how much that was. What the system takes and what
/// the peer's system takes then are full: the window is zero.
template <class Socket> std::size_t fill(Socket& socket) {
  char const block[16384] = {};
  std::size_t sent = 0;
  int refusals = 0;
  // It may take a moment until the peer's system has taken what it will take.
  while (refusals != 50) {
    error_code ec;
    std::size_t const size = socket.write_some(boost::asio::buffer(block), ec);
    sent += size;
    if (ec) {
      BOOST_REQUIRE(ec == boost::asio::error::would_block);
      ++refusals;
      ::usleep(200);
    } else {
      refusals = 0;
    }
  }
  return sent;
}

/// Another process, which has what this one has open, and does nothing. Only ever killed.
class sleeping_process {
public:
  sleeping_process() : process_(::fork()) {
    BOOST_REQUIRE(process_ >= 0);
    if (process_ == 0) {
      ::alarm(60); // should nobody kill it
      for (;;) {
        ::pause();
      }
    }
  }
  ~sleeping_process() { kill(); }

  sleeping_process(sleeping_process const&) = delete;
  sleeping_process& operator=(sleeping_process const&) = delete;

  void kill() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
      }
      process_ = -1;
    }
  }

private:
  ::pid_t process_;
};

/// A Unix listener with a full backlog that lives in another process.
class listener_elsewhere {
public:
  listener_elsewhere() { listener_.acceptor.close(); }

  boost::asio::local::stream_protocol::endpoint endpoint() const { return listener_.endpoint; }

  void kill() { process_.kill(); }

private:
  support::full_listener listener_;
  sleeping_process process_;
};

/// Of the connections to a listener there is room for one: there are no more ports to come from. (The
/// sockets are bound to one and the same, which leaves the system as little choice.)
class last_port {
public:
  explicit last_port(tcp::endpoint const& listener) : listener_(listener) {
    taken_ = socket();
    test::connect(taken_, listener_);
  }

  /// One that finds no port.
  mioext::tcp_socket socket() {
    mioext::tcp_socket made;
    made.open(tcp::v4());
    made.set_option(boost::asio::socket_base::reuse_address(true));
    made.bind(local_);
    local_ = made.local_endpoint();
    return made;
  }

  void give_back() { reset(taken_); }

private:
  tcp::endpoint const listener_;
  tcp::endpoint local_ = test::loopback();
  mioext::tcp_socket taken_;
};

/// As many descriptors as the system lets this process have. False if that is less than needed.
inline bool allow_descriptors(std::size_t needed) {
  ::rlimit limit;
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_cur < needed) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  return limit.rlim_cur >= needed;
}

} // namespace hostile

#endif // TEST_HOSTILE_HPP
