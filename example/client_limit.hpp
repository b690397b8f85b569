//
// example/client_limit.hpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many connections a server has, and each of its peers: nobody may take all of them.
//

#ifndef EXAMPLE_CLIENT_LIMIT_HPP
#define EXAMPLE_CLIENT_LIMIT_HPP

#include <chrono>
#include <cstddef>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

#include "arguments.hpp"

/// Counts the connections of all and of each address. One that is over an address's limit is to be
/// closed at once; when there are as many as all may be, none is to be accepted.
///
/// An IPv6 address counts as its first 64 bits, for that much a single household has. Those who come
/// over a Unix socket have no address: they are one peer, whom the path's permissions let in.
class client_limit {
public:
  client_limit(std::size_t most, std::size_t most_of_an_address)
      : most_(most), most_of_an_address_(most_of_an_address) {}

  client_limit(client_limit const&) = delete;
  client_limit& operator=(client_limit const&) = delete;

  /// A connection's place. Given back when this goes; must not outlive the limit.
  class place {
  public:
    place() = default;
    place(place&& other) noexcept : limit_(other.limit_), counted_(other.counted_) {
      other.limit_ = nullptr;
    }
    place& operator=(place&& other) noexcept {
      std::swap(limit_, other.limit_);
      std::swap(counted_, other.counted_);
      return *this;
    }
    ~place() {
      if (limit_) {
        limit_->give_back(counted_);
      }
    }

    /// False if there was none.
    explicit operator bool() const { return limit_ != nullptr; }

  private:
    friend class client_limit;
    using counter = std::map<std::string, std::size_t>::iterator;

    place(client_limit& limit, counter counted) : limit_(&limit), counted_(counted) {}

    client_limit* limit_ = nullptr;
    counter counted_;
  };

  bool is_reached() const { return count_ >= most_; }

  /// A place for a connection from there, if that peer may have another one.
  template <class Endpoint> place admit(Endpoint const& peer) {
    auto const counted = of_address_.emplace(name(peer.data(), peer.size()), 0).first;
    if (counted->second >= most_of_an_address_) {
      return place();
    }
    ++counted->second;
    ++count_;
    return place(*this, counted);
  }

private:
  void give_back(place::counter counted) {
    --count_;
    if (--counted->second == 0) {
      of_address_.erase(counted);
    }
  }

  // The bytes of the address that count.
  static std::string name(::sockaddr const* address, std::size_t size) {
    if (size >= sizeof(::sockaddr_in) && address->sa_family == AF_INET) {
      ::sockaddr_in v4;
      std::memcpy(&v4, address, sizeof v4);
      return std::string(reinterpret_cast<char const*>(&v4.sin_addr), sizeof v4.sin_addr);
    }
    if (size >= sizeof(::sockaddr_in6) && address->sa_family == AF_INET6) {
      ::sockaddr_in6 v6;
      std::memcpy(&v6, address, sizeof v6);
      char const* const bytes = reinterpret_cast<char const*>(&v6.sin6_addr);
      return IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) ? std::string(bytes + 12, 4)
                                                 : std::string(bytes, 8);
    }
    return std::string();
  }

  std::size_t const most_;
  std::size_t const most_of_an_address_;
  std::size_t count_ = 0;
  std::map<std::string, std::size_t> of_address_;
};

/// The same as options of a program.
struct client_limits {
  std::size_t connections = 1000;
  std::size_t of_an_address = 250;
  std::chrono::seconds idle{300};

  /// False if `name` is none of them.
  bool take_option(std::string const& name, std::string const& value) {
    if (name == "--connections") {
      connections = parse_number(value, 1, 1000000);
    } else if (name == "--per-address") {
      of_an_address = parse_number(value, 1, 1000000);
    } else if (name == "--idle") {
      idle = std::chrono::seconds(parse_number(value, 1, 86400));
    } else {
      return false;
    }
    return true;
  }
};

#endif // EXAMPLE_CLIENT_LIMIT_HPP
