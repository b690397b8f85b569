//
// test/fuzz/model.hpp
// -------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the fuzz targets share: how a broken promise is told, and how an input decides.
//

#ifndef TEST_FUZZ_MODEL_HPP
#define TEST_FUZZ_MODEL_HPP

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <dirent.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace fuzz {

[[noreturn]] inline void broken(char const* promise) {
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

inline void require(bool holds, char const* promise) {
  if (!holds) {
    broken(promise);
  }
}

/// With MIOEXT_FUZZ_TRACE in the environment each step is said, to see what a crash is about.
template <class... Values> void trace(char const* format, Values... values) {
  static bool const is_wanted = std::getenv("MIOEXT_FUZZ_TRACE") != nullptr;
  if (is_wanted) {
    std::fprintf(stderr, format, values...);
  }
}

/// What the test needs and the system does not give: nothing is shown then.
struct no_such_luck {};

inline int had(int result) {
  if (result < 0) {
    throw no_such_luck();
  }
  return result;
}

/// Any port of a loopback address that was not taken lately. Closed connections keep their ports for a
/// minute, in which two fuzzers would use up all those of a single address.
inline boost::asio::ip::tcp::endpoint any_port() {
  static std::uint32_t taken = static_cast<std::uint32_t>(::getpid()) * 4096;
  std::uint32_t const host = ++taken % 0xfffffc + 1; // neither 127.0.0.0 nor 127.255.255.255
  return {boost::asio::ip::address_v4(0x7f000000 + host), 0};
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* const directory = ::opendir("/dev/fd");
  if (directory) {
    while (::readdir(directory)) {
      ++count;
    }
    ::closedir(directory);
  }
  return count;
}

/// Closes a connection with a reset.
inline void reset(int fd) {
  ::linger const at_once = {1, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(fd);
}

/// Connects to a Unix listener until there is no room; what fills it is put into `kept`.
template <class Endpoint> void fill_backlog(Endpoint const& endpoint, std::vector<int>& kept) {
  for (int result = 0; result == 0;) {
    int const fd = had(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    kept.push_back(fd);
    result = ::connect(fd, endpoint.data(), static_cast<::socklen_t>(endpoint.size()));
  }
}

/// The bytes of the input, one decision each.
class decisions {
public:
  decisions(std::uint8_t const* data, std::size_t size) : next_(data), end_(data + size) {}

  bool empty() const { return next_ == end_; }
  unsigned take() { return empty() ? 0 : *next_++; }

private:
  std::uint8_t const* next_;
  std::uint8_t const* end_;
};

/// What a target does with an input: a Session, which must leave no descriptor behind.
template <class Session> int run(std::uint8_t const* data, std::size_t size) {
  std::signal(SIGPIPE, SIG_IGN); // which the model's own writes would raise
  std::size_t const before = open_descriptors();
  try {
    Session(data, size).run();
  } catch (no_such_luck const&) {
  }
  require(open_descriptors() == before, "no descriptor is left");
  return 0;
}

} // namespace fuzz

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

#endif // TEST_FUZZ_MODEL_HPP
