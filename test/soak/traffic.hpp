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
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <random>

namespace soak {

/// How long exchanges took, counted by microseconds, and above 64 of them in steps of 3 % at the most.
/// Takes the same memory however many there are.
class latency_counts {
public:
  void add(std::chrono::steady_clock::duration taken) {
    auto const units = std::chrono::duration_cast<std::chrono::microseconds>(taken).count();
    auto const microseconds = static_cast<std::uint64_t>(std::max<decltype(units)>(units, 0));
    std::size_t shift = 0;
    while (microseconds >> shift >= 2 * steps) {
      ++shift;
    }
    std::size_t const place = shift * steps + static_cast<std::size_t>(microseconds >> shift);
    ++counts_[std::min(place, counts_.size() - 1)];
  }

  void add(latency_counts const& others) {
    for (std::size_t place = 0; place != counts_.size(); ++place) {
      counts_[place] += others.counts_[place];
    }
  }

  /// What so many in a thousand did not exceed, in microseconds.
  std::uint64_t not_exceeded_by(std::uint64_t per_thousand) const {
    std::uint64_t all = 0;
    for (std::uint64_t each : counts_) {
      all += each;
    }
    std::uint64_t seen = 0;
    for (std::size_t place = 0; place != counts_.size(); ++place) {
      seen += counts_[place];
      if (seen != 0 && seen * 1000 >= all * per_thousand) {
        return first_of(place + 1);
      }
    }
    return 0;
  }

private:
  static constexpr std::size_t steps = 32;

  static std::uint64_t first_of(std::size_t place) {
    std::size_t const shift = place < 2 * steps ? 0 : place / steps - 1;
    return static_cast<std::uint64_t>(place - shift * steps) << shift;
  }

  std::array<std::uint64_t, 32 * steps> counts_{};
};

/// What one end of all connections has seen. Sent from one process to the other as it is.
struct tally {
  std::uint64_t opened = 0;  ///< connected or accepted
  std::uint64_t ended = 0;   ///< in order: each byte came back, then the end
  std::uint64_t aborted = 0; ///< by a reset
  std::uint64_t bytes = 0;   ///< that went around over those that ended in order
  std::uint64_t wrong =
      0; ///< bytes that are not what was sent, connections that broke or ended early

  // Only of the client's:
  std::uint64_t exchanges = 0;       ///< pieces that came back
  std::uint64_t exchanged_bytes = 0; ///< of these, also on connections that were reset later
  latency_counts latencies;          ///< from a piece's first byte sent to its last one back

  void exchanged(std::size_t size, std::chrono::steady_clock::time_point begun) {
    ++exchanges;
    exchanged_bytes += size;
    latencies.add(std::chrono::steady_clock::now() - begun);
  }

  /// Of another thread, which has ended.
  void add(tally const& other) {
    opened += other.opened;
    ended += other.ended;
    aborted += other.aborted;
    bytes += other.bytes;
    wrong += other.wrong;
    exchanges += other.exchanges;
    exchanged_bytes += other.exchanged_bytes;
    latencies.add(other.latencies);
  }

  std::uint64_t open() const { return opened - ended - aborted; }
};

struct settings {
  std::size_t connections = 10000;
  std::chrono::seconds duration{20};
  std::chrono::milliseconds longest_pause{2000};

  /// Whether a client that has counted this need not open more. However busy the machine is, not
  /// before as many as wanted were open once.
  bool are_met(tally const& client, std::chrono::steady_clock::time_point end) const {
    return std::chrono::steady_clock::now() >= end && client.opened + client.wrong >= connections;
  }
};

/// Called by a client now and then with what it has counted.
using report_function = std::function<void(tally const&)>;

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
  chance(std::uint64_t seed, settings const& wanted)
      : engine_(seed), longest_pause_(static_cast<std::size_t>(wanted.longest_pause.count())) {}

  plan next_plan() {
    std::size_t const kind = below(100);
    std::size_t const most = kind < 10 ? 1 : kind < 60 ? 4096 : kind < 95 ? 65536 : 524288;
    std::size_t const total = below(most);
    return plan{engine_(), total, below(8) == 0};
  }

  std::size_t next_piece(std::size_t left) { return std::min(left, 1 + below(largest_piece)); }

  /// Zero as often as not.
  std::chrono::milliseconds next_pause() {
    return std::chrono::milliseconds(below(2) == 0 ? 0 : below(longest_pause_));
  }

private:
  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(engine_);
  }

  std::mt19937_64 engine_;
  std::size_t const longest_pause_;
};

/// How fast connections are opened at the beginning: so many each time.
constexpr std::size_t opened_at_a_time = 200;
constexpr std::chrono::milliseconds opening_interval{20};

/// How often something is said.
constexpr std::chrono::seconds report_interval{5};

} // namespace soak

#endif // TEST_SOAK_TRAFFIC_HPP
