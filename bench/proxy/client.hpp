//
// bench/proxy/client.hpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What is asked through a proxy: a document, and what wrk asks.
//

#ifndef BENCH_PROXY_CLIENT_HPP
#define BENCH_PROXY_CLIENT_HPP

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "../system.hpp"

namespace bench {

// --- A client --------------------------------------------------------------------------------------

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

struct load_result {
  double requests = 0;
  double requests_per_second = 0;
  double median_latency = 0; // microseconds
  double latency_99 = 0;
};

// Microseconds of what wrk says in its own units.
inline double microseconds(double number, char const* unit) {
  return number * (std::strncmp(unit, "us", 2) == 0   ? 1
                   : std::strncmp(unit, "ms", 2) == 0 ? 1e3
                                                      : 1e6);
}

inline load_result put_load(std::uint16_t port, unsigned connections, unsigned seconds) {
  std::string const command = "wrk --latency -t1 -c" + std::to_string(connections) + " -d" +
                              std::to_string(seconds) +
                              "s http://127.0.0.1:" + std::to_string(port) + "/small 2>&1";
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  check(output != nullptr, "wrk cannot be started");
  load_result result;
  std::array<char, 1024> line;
  while (std::fgets(line.data(), static_cast<int>(line.size()), output.get())) {
    std::string const text = line.data();
    check(text.find("Socket errors") == std::string::npos &&
              text.find("Non-2xx") == std::string::npos,
          "wrk has seen errors");
    double number;
    char unit[3];
    if (std::sscanf(line.data(), " 50%% %lf%2[a-z]", &number, unit) == 2) {
      result.median_latency = microseconds(number, unit);
    } else if (std::sscanf(line.data(), " 99%% %lf%2[a-z]", &number, unit) == 2) {
      result.latency_99 = microseconds(number, unit);
    } else if (text.find(" requests in ") != std::string::npos) {
      result.requests = std::atof(line.data());
    }
    std::sscanf(line.data(), "Requests/sec: %lf", &result.requests_per_second);
  }
  check(result.requests > 0 && result.requests_per_second > 0, "wrk has measured nothing");
  return result;
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
