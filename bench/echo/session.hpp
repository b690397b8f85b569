//
// bench/echo/session.hpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The echo of one connection with async_read_some and async_write, for every kind of stream.
//

#ifndef BENCH_ECHO_SESSION_HPP
#define BENCH_ECHO_SESSION_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>

#include "servers.hpp"

namespace echo {

/// What the sessions have in common.
struct tally {
  std::size_t clients;
  std::uint64_t bytes;
};

/// Owns itself, until its client has gone. The context then runs out of work when all have.
template <class Stream> class session {
public:
  static void start(Stream stream, tally& total) {
    (new session(std::move(stream), total))->read();
  }

private:
  session(Stream stream, tally& total) : stream_(std::move(stream)), tally_(total) {}

  void read() {
    stream_.async_read_some(boost::asio::buffer(buffer_),
                            [this](boost::system::error_code ec, std::size_t size) {
                              if (ec) {
                                delete this;
                              } else {
                                write(size);
                              }
                            });
  }

  void write(std::size_t size) {
    boost::asio::async_write(stream_, boost::asio::buffer(buffer_.data(), size),
                             [this](boost::system::error_code ec, std::size_t written) {
                               tally_.bytes += written;
                               if (ec) {
                                 delete this;
                               } else {
                                 read();
                               }
                             });
  }

  Stream stream_;
  tally& tally_;
  std::array<char, buffer_size> buffer_;
};

} // namespace echo

#endif // BENCH_ECHO_SESSION_HPP
