//
// test/hostile/address.hpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Where a server listens, and how one connects to it.
//

#ifndef MIOEXT_TEST_HOSTILE_ADDRESS_HPP
#define MIOEXT_TEST_HOSTILE_ADDRESS_HPP

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace hostile {

struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

inline void check_system(bool holds, char const* what) {
  if (!holds) {
    throw std::system_error(errno, std::generic_category(), what);
  }
}

/// A port of 127.0.0.1, or the path of a Unix socket. Who comes to a path has no address of its own.
class address {
public:
  address() = default;

  /// As the examples say it: ADDRESS:PORT, a path, or unix: and a path.
  explicit address(std::string const& text) {
    std::size_t const path = text.find('/');
    if (path != std::string::npos) {
      path_ = text.substr(path);
    } else {
      port_ = static_cast<std::uint16_t>(std::stoul(text.substr(text.rfind(':') + 1)));
    }
  }

  /// As a tcp_proxy is told it.
  std::string in_words() const {
    return path_.empty() ? "127.0.0.1:" + std::to_string(port_) : "unix:" + path_;
  }

  bool is_path() const { return !path_.empty(); }

  /// A socket for it. With a port, one of 127.0.0.`last`.
  int open(int flags, unsigned last) const {
    int const fd = ::socket(is_path() ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    check_system(fd >= 0, "socket");
    if (!is_path()) {
      int const yes = 1;
      ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
      ::sockaddr_in const own = loopback(last, 0);
      check_system(::bind(fd, generic(own), sizeof own) == 0, "bind");
    }
    return fd;
  }

  /// What connect(2) returns, with its errno.
  int connect(int fd) const {
    if (!is_path()) {
      ::sockaddr_in const server = loopback(1, port_);
      return ::connect(fd, generic(server), sizeof server);
    }
    ::sockaddr_un server = {};
    server.sun_family = AF_UNIX;
    std::strncpy(server.sun_path, path_.c_str(), sizeof server.sun_path - 1);
    return ::connect(fd, generic(server), sizeof server);
  }

private:
  static ::sockaddr_in loopback(unsigned last, std::uint16_t port) {
    ::sockaddr_in made = {};
    made.sin_family = AF_INET;
    made.sin_addr.s_addr = htonl(INADDR_LOOPBACK - 1 + last);
    made.sin_port = htons(port);
    return made;
  }

  template <class Address> static ::sockaddr const* generic(Address const& from) {
    return reinterpret_cast<::sockaddr const*>(&from);
  }

  std::string path_;
  std::uint16_t port_ = 0;
};

} // namespace hostile

#endif // MIOEXT_TEST_HOSTILE_ADDRESS_HPP
