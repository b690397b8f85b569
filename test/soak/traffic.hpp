//
// test/soak/traffic.hpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What goes over a connection of the soak test, how each end checks it, and what is counted.
//
// A client opens a connection, sends so many bytes in so many pieces, each after the one before came
// back, and ends it in order or by a reset. The bytes follow from a number that the first eight of
// them are, so that the server can check what it gets and the client what comes back.
//

#ifndef TEST_SOAK_TRAFFIC_HPP
#define TEST_SOAK_TRAFFIC_HPP

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>

namespace soak {

/// What one end of all connections has seen. Sent from one process to the other as it is.
struct tally {
  std::uint64_t opened = 0;  ///< connected or accepted
  std::uint64_t ended = 0;   ///< in order: each byte came back, then the end
  std::uint64_t aborted = 0; ///< by a reset
  std::uint64_t bytes = 0;   ///< that went around over those that ended in order
  std::uint64_t wrong =
      0; ///< bytes that are not what was sent, connections that broke or ended early
  std::uint64_t leaked_descriptors = 0;

  std::uint64_t open() const { return opened - ended - aborted; }
};

struct settings {
  std::size_t connections = 10000;
  std::chrono::seconds duration{20};
};

/// The bytes of one connection, of which each is known by its position.
class byte_pattern {
public:
  byte_pattern() = default;
  explicit byte_pattern(std::uint64_t number) : number_(number) {}

  void fill(std::size_t position, char* data, std::size_t size) const {
    for (std::size_t done = 0; done != size;) {
      done += each_of_word(position + done, size - done, [&](char const* word, std::size_t bytes) {
        std::memcpy(data + done, word, bytes);
        return true;
      });
    }
  }

  bool matches(std::size_t position, char const* data, std::size_t size) const {
    for (std::size_t done = 0; done != size;) {
      bool is_equal = false;
      done += each_of_word(position + done, size - done, [&](char const* word, std::size_t bytes) {
        return is_equal = std::memcmp(data + done, word, bytes) == 0;
      });
      if (!is_equal) {
        return false;
      }
    }
    return true;
  }

private:
  // Calls `use` with what of the word at `position` is wanted, and returns how many bytes that is.
  template <class Use>
  std::size_t each_of_word(std::size_t position, std::size_t wanted, Use use) const {
    std::uint64_t const word = this->word(position / sizeof word);
    char bytes[sizeof word];
    std::memcpy(bytes, &word, sizeof word);
    std::size_t const first = position % sizeof word;
    std::size_t const size = std::min(wanted, sizeof word - first);
    use(bytes + first, size);
    return size;
  }

  // The number itself, and then what does not repeat: multiplied, and the high bits folded down.
  std::uint64_t word(std::uint64_t index) const {
    if (index == 0) {
      return number_;
    }
    std::uint64_t mixed = (number_ + index) * 0x9fb21c651e98df25u;
    mixed ^= mixed >> 32;
    mixed *= 0xd6e8feb86659fd93u;
    return mixed ^ (mixed >> 32);
  }

  std::uint64_t number_ = 0;
};

/// The server's check: learns the number from the first bytes, and checks those after them.
class arrived_bytes {
public:
  bool check(char const* data, std::size_t size) {
    std::size_t const of_number =
        std::min(size, size_ < sizeof number_ ? sizeof number_ - size_ : 0);
    std::memcpy(reinterpret_cast<char*>(&number_) + std::min(size_, sizeof number_), data,
                of_number);
    bool const is_right =
        byte_pattern(number_).matches(size_ + of_number, data + of_number, size - of_number);
    size_ += size;
    return is_right;
  }

  std::size_t size() const { return size_; }

private:
  std::uint64_t number_ = 0;
  std::size_t size_ = 0;
};

/// In bytes.
constexpr std::size_t largest_piece = 8192;

/// What a client does on one connection.
struct plan {
  std::uint64_t number;
  std::size_t total;    ///< bytes to send
  bool ends_with_reset; ///< and not in order
};

/// Plans, pieces and pauses. With the same seed the same ones.
class chance {
public:
  explicit chance(std::uint64_t seed) : engine_(seed) {}

  plan next_plan() {
    std::size_t const kind = below(100);
    std::size_t const most = kind < 10 ? 1 : kind < 60 ? 4096 : kind < 95 ? 65536 : 524288;
    std::size_t const total = below(most);
    return plan{engine_(), total, below(8) == 0};
  }

  std::size_t next_piece(std::size_t left) { return std::min(left, 1 + below(largest_piece)); }

  /// Zero as often as not.
  std::chrono::milliseconds next_pause() {
    return std::chrono::milliseconds(below(2) == 0 ? 0 : below(2000));
  }

private:
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(engine_);
  }

  std::mt19937_64 engine_;
};

/// How fast connections are opened at the beginning: so many each time.
constexpr std::size_t opened_at_a_time = 200;
constexpr std::chrono::milliseconds opening_interval{20};

/// How often something is said.
constexpr std::chrono::seconds report_interval{5};

} // namespace soak

#endif // TEST_SOAK_TRAFFIC_HPP
