//
// bench/proxy/client.hpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Asks for a document through a proxy.
//

#ifndef BENCH_PROXY_CLIENT_HPP
#define BENCH_PROXY_CLIENT_HPP

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "../system.hpp"

namespace bench {

// Gets a document, and returns how many bytes it has.
inline std::size_t get(std::uint16_t port, std::string const& document) {
  int const fd = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  std::unique_ptr<int const, void (*)(int const*)> const closing(
      &fd, [](int const* owned) { ::close(*owned); });
  ::sockaddr_in const address = loopback(port);
  checked(::connect(fd, reinterpret_cast<::sockaddr const*>(&address), sizeof address), "connect");
  std::string const request =
      "GET " + document + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  checked(::send(fd, request.data(), request.size(), MSG_NOSIGNAL), "send");
  std::vector<char> buffer(1 << 18);
  std::string head;
  std::size_t size = 0;
  while (std::size_t const count = static_cast<std::size_t>(
             checked(::recv(fd, buffer.data(), buffer.size(), 0), "recv"))) {
    size += count;
    if (head.find("\r\n\r\n") == std::string::npos) {
      head.append(buffer.data(), count);
    }
  }
  std::size_t const end_of_head = head.find("\r\n\r\n");
  check(head.compare(0, 12, "HTTP/1.1 200") == 0 && end_of_head != std::string::npos,
        "it was not answered with 200");
  return size - (end_of_head + 4);
}

inline bool answers(std::uint16_t port) {
  try {
    return get(port, "/small") != 0;
  } catch (std::exception const&) {
    return false;
  }
}

} // namespace bench

#endif // BENCH_PROXY_CLIENT_HPP
