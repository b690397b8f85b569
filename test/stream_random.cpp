//
// test/stream_random.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Random walks: reads, writes, cancellations and the peer's doings in any order. Whatever they are, each
// byte comes once and in its place, and the end after the last one. The seed of a walk that fails is told.
//

#include <mioext/stream.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "contexts.hpp"
#include "handles.hpp"
#include "systems.hpp"

namespace {

namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::system::error_code;
using support::tested_context;

char byte_at(std::size_t position) {
  return static_cast<char>(static_cast<std::uint32_t>(position) * 2654435761u >> 24);
}

std::vector<char> bytes_from(std::size_t position, std::size_t size) {
  std::vector<char> made(size);
  for (char& each : made) {
    each = byte_at(position++);
  }
  return made;
}

/// True if they are the bytes that belong there.
bool are_bytes_at(std::size_t position, char const* bytes, std::size_t size) {
  for (std::size_t index = 0; index != size; ++index) {
    if (bytes[index] != byte_at(position + index)) {
      return false;
    }
  }
  return true;
}

class random_numbers {
public:
  explicit random_numbers(unsigned seed) : engine_(seed) {}

  /// Up to `most`; small ones are as frequent as large ones.
  std::size_t size(std::size_t most) {
    std::size_t const limit = most >> below(8);
    return 1 + below(limit == 0 ? 1 : limit);
  }

  std::size_t below(std::size_t count) {
    return std::uniform_int_distribution<std::size_t>(0, count - 1)(engine_);
  }

private:
  std::minstd_rand engine_;
};

std::pair<mioext::tcp_socket, mioext::tcp_socket> make_pair(mioext::tcp_socket const*) {
  return test::tcp_pair();
}

std::pair<mioext::unix_socket, mioext::unix_socket> make_pair(mioext::unix_socket const*) {
  return mioext::unix_socket::pair();
}

/// One thread does everything, so that a seed always means the same walk.
template <class Socket> class walk {
public:
  explicit walk(unsigned seed) : walk(seed, make_pair(static_cast<Socket const*>(nullptr))) {}

  void step() {
    switch (random_.below(9)) {
    case 0:
    case 1:
      peer_writes();
      break;
    case 2:
      peer_reads();
      break;
    case 3:
      peer_sends_urgent_byte();
      break;
    case 4:
      begin_read();
      break;
    case 5:
      read_without_waiting();
      break;
    case 6:
      begin_write();
      break;
    case 7:
      if (random_.below(4) == 0) {
        stream_.cancel();
      }
      break;
    default:
      contexts::poll_all(context_);
      break;
    }
  }

  /// All that is under way arrives, and then the end.
  void finish() {
    if (is_writing_) {
      peer_reads_until([this] { return !is_writing_; });
    }
    peer_reads_until([this] { return seen_ == written_; });
    peer_.shutdown(boost::asio::socket_base::shutdown_send);
    while (!has_ended_) {
      begin_read();
      contexts::run_until(context_, [this] { return !is_reading_; });
    }
    BOOST_TEST(received_ == sent_);
    contexts::run(context_); // nothing is left to wait for
  }

private:
  walk(unsigned seed, std::pair<Socket, Socket> sockets)
      : random_(seed), stream_(context_, std::move(sockets.first)),
        peer_(std::move(sockets.second)) {
    stream_.non_blocking(true);
  }

  void peer_writes() {
    std::vector<char> const bytes = bytes_from(sent_, random_.size(20000));
    error_code ec;
    sent_ += peer_.write_some(buffer(bytes), ec);
    BOOST_REQUIRE_MESSAGE(!ec || ec == error::would_block,
                          "the peer cannot write: " << ec.message());
  }

  /// It is not part of the stream, but a read stops where it was. (A second one before the first is
  /// passed would become part of the stream.)
  void peer_sends_urgent_byte() {
    if (std::is_same<Socket, mioext::tcp_socket>::value && !has_sent_urgent_byte_) {
      has_sent_urgent_byte_ = ::send(peer_.native_handle(), "!", 1, MSG_OOB | MSG_DONTWAIT) == 1;
    }
  }

  void peer_reads() {
    std::array<char, 20000> bytes;
    error_code ec;
    std::size_t const size = peer_.read_some(buffer(bytes.data(), random_.size(bytes.size())), ec);
    BOOST_REQUIRE_MESSAGE(!ec || ec == error::would_block,
                          "the peer cannot read: " << ec.message());
    BOOST_REQUIRE(are_bytes_at(seen_, bytes.data(), size));
    seen_ += size;
  }

  template <class Condition> void peer_reads_until(Condition is_done) {
    auto const deadline = std::chrono::steady_clock::now() + support::patience;
    while (!is_done()) {
      BOOST_REQUIRE_MESSAGE(std::chrono::steady_clock::now() < deadline,
                            "only " << seen_ << " of " << written_ << " bytes have arrived");
      peer_reads();
      contexts::poll_all(context_);
    }
  }

  void begin_read() {
    if (!is_reading_ && !has_ended_) {
      is_reading_ = true;
      stream_.async_read_some(buffer(input_.data(), random_.size(input_.size())),
                              [this](error_code const& ec, std::size_t size) {
                                is_reading_ = false;
                                take(ec, size);
                              });
    }
  }

  void read_without_waiting() {
    if (!is_reading_ && !has_ended_) {
      error_code ec;
      std::size_t const size =
          stream_.read_some(buffer(input_.data(), random_.size(input_.size())), ec);
      take(ec, size);
    }
  }

  void take(error_code const& ec, std::size_t size) {
    has_ended_ = ec == error::eof;
    BOOST_REQUIRE_MESSAGE(!ec || has_ended_ || ec == error::operation_aborted ||
                              ec == error::would_block,
                          "a read failed: " << ec.message());
    BOOST_REQUIRE(are_bytes_at(received_, input_.data(), size));
    received_ += size;
  }

  void begin_write() {
    if (!is_writing_) {
      is_writing_ = true;
      output_ = bytes_from(written_, random_.size(200000));
      stream_.async_write_some(buffer(output_), [this](error_code const& ec, std::size_t size) {
        is_writing_ = false;
        BOOST_REQUIRE_MESSAGE(!ec || ec == error::operation_aborted,
                              "a write failed: " << ec.message());
        written_ += size;
      });
    }
  }

  random_numbers random_;
  tested_context context_;
  mioext::stream<Socket> stream_;
  Socket peer_;
  std::array<char, 5000> input_;
  std::vector<char> output_;
  std::size_t sent_ = 0; // by the peer
  std::size_t received_ = 0;
  std::size_t written_ = 0; // to the peer
  std::size_t seen_ = 0;
  bool has_sent_urgent_byte_ = false;
  bool is_reading_ = false;
  bool is_writing_ = false;
  bool has_ended_ = false;
};

template <class Socket> void check_walks() {
  for (unsigned seed = 1; seed != 101; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      walk<Socket> made(seed);
      for (int count = 0; count != 300; ++count) {
        made.step();
      }
      made.finish();
    }
  }
}

/// Reads to the end, with buffers of all sizes.
class reader {
public:
  reader(tested_context& context, mioext::tcp_socket socket, unsigned seed)
      : random_(seed), stream_(context, std::move(socket)) {}

  void read() {
    stream_.async_read_some(buffer(bytes_.data(), random_.size(bytes_.size())),
                            [this](error_code const& ec, std::size_t size) {
                              is_right = is_right && are_bytes_at(received, bytes_.data(), size);
                              received += size;
                              if (!ec) {
                                read();
                              }
                            });
  }

  std::size_t received = 0;
  bool is_right = true;

private:
  random_numbers random_;
  mioext::stream<mioext::tcp_socket> stream_;
  std::array<char, 5000> bytes_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(a_random_walk)

BOOST_AUTO_TEST_CASE(over_tcp) { check_walks<mioext::tcp_socket>(); }
BOOST_AUTO_TEST_CASE(over_unix_sockets) { check_walks<mioext::unix_socket>(); }

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(four_threads_read_what_another_one_writes_in_pieces,
                     *test::needs_ring_that_may_wrap()) {
  tested_context context;
  std::vector<std::unique_ptr<reader>> readers;
  std::vector<mioext::tcp_socket> peers;
  for (unsigned index = 0; index != 8; ++index) {
    auto sockets = test::tcp_pair();
    readers.emplace_back(new reader(context, std::move(sockets.first), index));
    peers.push_back(std::move(sockets.second));
    readers.back()->read();
  }
  std::vector<std::size_t> sent(peers.size());
  std::thread writer([&] {
    random_numbers random(100);
    for (int count = 0; count != 20000; ++count) {
      std::size_t const index = random.below(peers.size());
      std::vector<char> const bytes = bytes_from(sent[index], random.size(3000));
      error_code ec;
      sent[index] += peers[index].write_some(buffer(bytes), ec);
      if (random.below(8) == 0) {
        std::this_thread::yield(); // and let the readers come to an end of what is there
      }
    }
    peers.clear();
  });
  contexts::run(context, 4);
  writer.join();
  for (std::size_t index = 0; index != readers.size(); ++index) {
    BOOST_TEST(readers[index]->received == sent[index]);
    BOOST_TEST(readers[index]->is_right);
  }
}
