//
// bench/wrk.hpp
// -------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Load by wrk, on one thread, and what it says of it.
//

#ifndef BENCH_WRK_HPP
#define BENCH_WRK_HPP

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "system.hpp"

namespace bench {

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

// @param document what is asked for, all the time
inline load_result put_load(std::uint16_t port, std::string const& document, unsigned connections,
                            unsigned seconds) {
  std::string const command = "wrk --latency -t1 -c" + std::to_string(connections) + " -d" +
                              std::to_string(seconds) +
                              "s http://127.0.0.1:" + std::to_string(port) + document + " 2>&1";
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

} // namespace bench

#endif // BENCH_WRK_HPP
