//
// test/handles.hpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the tests of the handles share: waiting with poll(2), descriptor flags, connected sockets.
//

#ifndef MIOEXT_TEST_HANDLES_HPP
#define MIOEXT_TEST_HANDLES_HPP

#include <cerrno>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <boost/test/unit_test.hpp>

#include <mioext/detail/dispatch_scope.hpp>
#include <mioext/tcp.hpp>

namespace test {

/// Waits until poll(2) reports any of `events` (or an error, or a hang-up) and returns what it
/// said. The limit is only there for a broken build to fail instead of hanging.
template <class Handle> short wait_for(Handle const& handle, short events) {
  pollfd request = {handle.native_handle(), events, 0};
  int result;
  do {
    result = ::poll(&request, 1, 30000);
  } while (result < 0 && errno == EINTR);
  BOOST_REQUIRE_MESSAGE(result == 1, "nothing happened on the descriptor");
  return request.revents;
}

/// Waits for what the peer has sent last, where the system tells an end before it is read.
template <class Handle> void wait_for_end(Handle const& handle) {
#ifdef POLLRDHUP
  while ((wait_for(handle, POLLIN | POLLRDHUP) & POLLRDHUP) == 0) {
    std::this_thread::yield();
  }
#else
  static_cast<void>(handle);
#endif
}

inline bool is_descriptor(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

/// What the library promises of every descriptor that it makes.
inline bool is_prepared(int fd) {
  return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

/// How many descriptors this process has.
inline std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* const directory = ::opendir("/dev/fd");
  BOOST_REQUIRE(directory != nullptr);
  while (::readdir(directory)) {
    ++count;
  }
  ::closedir(directory);
  return count;
}

/// While it lives, no descriptor can be made: EMFILE. Throw nothing meanwhile: to look at an
/// exception, UndefinedBehaviorSanitizer makes a pipe.
class no_descriptors_left {
public:
  no_descriptors_left() {
    BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &saved_) == 0);
    rlimit none = saved_;
    none.rlim_cur = 0;
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~no_descriptors_left() { ::setrlimit(RLIMIT_NOFILE, &saved_); }

  no_descriptors_left(no_descriptors_left const&) = delete;
  no_descriptors_left& operator=(no_descriptors_left const&) = delete;

private:
  rlimit saved_;
};

/// A blocking pipe without close-on-exec, made behind the library's back.
class raw_pipe {
public:
  raw_pipe() { BOOST_REQUIRE(::pipe(fds_) == 0); }
  ~raw_pipe() {
    close_reader();
    close_writer();
  }

  raw_pipe(raw_pipe const&) = delete;
  raw_pipe& operator=(raw_pipe const&) = delete;

  int reader() const { return fds_[0]; }
  int writer() const { return fds_[1]; }
  int release_reader() { return release(fds_[0]); }
  int release_writer() { return release(fds_[1]); }
  void close_reader() { close(fds_[0]); }
  void close_writer() { close(fds_[1]); }

private:
  static int release(int& fd) {
    int const released = fd;
    fd = -1;
    return released;
  }
  static void close(int& fd) {
    if (fd >= 0) {
      ::close(fd);
    }
    fd = -1;
  }

  int fds_[2];
};

/// Stands for an event loop that is calling a handler, and notes what handles tell it.
class recording_scope : public mioext::detail::dispatch_scope {
public:
  void handle_closing(int fd) noexcept override {
    closed = fd;
    was_open = is_descriptor(fd);
    ++count;
  }

  int take_connect_error(int fd) noexcept override {
    int const error = fd == refused ? connect_error : 0;
    connect_error = 0;
    return error;
  }

  int closed = -1;       ///< The last descriptor that was announced,
  bool was_open = false; ///< whether it was still open then,
  int count = 0;         ///< and how many were.
  int refused = -1;
  int connect_error = 0;
};

inline boost::asio::ip::tcp::endpoint loopback() {
  return boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0);
}

/// Connects, and waits until that is done.
template <class Socket, class Endpoint> void connect(Socket& socket, Endpoint const& endpoint) {
  boost::system::error_code ec;
  socket.connect(endpoint, ec);
  if (ec == boost::asio::error::in_progress) {
    wait_for(socket, POLLOUT);
    ec = socket.take_error();
  }
  BOOST_REQUIRE_MESSAGE(!ec, "connect failed: " << ec.message());
}

/// A TCP listener with more connections than it has room for: the next connect goes on for as long as
/// nobody accepts.
struct full_tcp_listener {
  full_tcp_listener() : acceptor(boost::asio::ip::tcp::v4()) {
    acceptor.bind(loopback());
    acceptor.listen(0);
    endpoint = acceptor.local_endpoint();
    for (;;) {
      mioext::tcp_socket socket;
      boost::system::error_code ec;
      socket.connect(endpoint, ec);
      queued.push_back(std::move(socket));
      pollfd asked = {queued.back().native_handle(), POLLOUT, 0};
      if (::poll(&asked, 1, 200) == 0) {
        return; // its SYN was dropped
      }
      BOOST_REQUIRE(queued.size() < 100u);
    }
  }

  mioext::tcp_acceptor acceptor;
  boost::asio::ip::tcp::endpoint endpoint;
  std::vector<mioext::tcp_socket> queued;
};

/// Both ends of a connection.
inline std::pair<mioext::tcp_socket, mioext::tcp_socket> tcp_pair() {
  mioext::tcp_acceptor acceptor(loopback());
  std::pair<mioext::tcp_socket, mioext::tcp_socket> sockets;
  connect(sockets.first, acceptor.local_endpoint());
  wait_for(acceptor, POLLIN);
  acceptor.accept(sockets.second);
  return sockets;
}

/// The error_code of the system_error that `function` throws.
template <class Function> boost::system::error_code error_of(Function function) {
  try {
    function();
  } catch (boost::system::system_error const& error) {
    return error.code();
  }
  return boost::system::error_code();
}

inline std::string text(char const* data, std::size_t size) { return std::string(data, size); }

} // namespace test

#endif // MIOEXT_TEST_HANDLES_HPP
