//
// test/soak/measures.hpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the soak test asks the system about its two processes: descriptors, memory, processor time.
//

#ifndef TEST_SOAK_MEASURES_HPP
#define TEST_SOAK_MEASURES_HPP

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <new>
#include <stdexcept>
#include <string>

#include <dirent.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "traffic.hpp"

// A sanitizer keeps freed memory for a while, so that its growth says nothing.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SOAK_MEMORY_SAYS_NOTHING
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SOAK_MEMORY_SAYS_NOTHING
#endif
#endif

namespace soak {

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* const directory = ::opendir("/dev/fd");
  while (::readdir(directory)) {
    ++count;
  }
  ::closedir(directory);
  return count;
}

/// What the process has in memory, in bytes; zero where the system does not tell.
inline std::uint64_t resident_memory(::pid_t process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// The processor time of this process, in microseconds.
struct processor_time {
  std::uint64_t in_program = 0;
  std::uint64_t in_system = 0;

  std::uint64_t all() const { return in_program + in_system; }
};

inline processor_time processor_time_so_far() {
  ::rusage used;
  ::getrusage(RUSAGE_SELF, &used);
  auto const microseconds = [](::timeval const& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1000000 +
           static_cast<std::uint64_t>(time.tv_usec);
  };
  processor_time result;
  result.in_program = microseconds(used.ru_utime);
  result.in_system = microseconds(used.ru_stime);
  return result;
}

/// What a process has used when it has done its part.
struct usage {
  std::uint64_t descriptors_before = 0;
  std::uint64_t descriptors_after = 0;
  processor_time processor;
};

/// Calls a function, and returns what it has used and left over. `others` descriptors are open before
/// that the function closes.
template <class Function> usage measured(std::size_t others, Function function) {
  usage result;
  result.descriptors_before = open_descriptors() - others;
  processor_time const before = processor_time_so_far();
  function();
  result.processor = processor_time_so_far();
  result.processor.in_program -= before.in_program;
  result.processor.in_system -= before.in_system;
  result.descriptors_after = open_descriptors();
  return result;
}

/// Lets one process see what another writes.
template <class Value> class shared {
public:
  shared()
      : memory_(::mmap(nullptr, sizeof(Value), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                       -1, 0)) {
    if (memory_ == MAP_FAILED) {
      throw std::runtime_error("no memory to share");
    }
    value_ = new (memory_) Value();
  }
  ~shared() { ::munmap(memory_, sizeof(Value)); }
  shared(shared const&) = delete;
  shared& operator=(shared const&) = delete;

  Value& operator*() { return *value_; }
  Value* operator->() { return value_; }

private:
  void* memory_;
  Value* value_;
};

/// The memory of both processes: said now and then, and compared between the beginning of the steady
/// state and the end of the time. It is steady when half of the time is over, nine connections in ten are
/// open, and as many exchanges are over as make five for each. Where the machine is too busy for
/// that, memory is not judged.
class memory_watch {
public:
  /// `share` connections are those that the counts tell of.
  memory_watch(settings const& wanted, std::size_t share, ::pid_t server)
      : begin_(clock::now()), steady_(begin_ + wanted.duration / 2), end_(begin_ + wanted.duration),
        share_(share), server_(server) {}

  void report(tally const& client) {
    auto const now = clock::now();
    if (when_steady_ == 0 && now >= steady_ && client.open() * 10 >= share_ * 9 &&
        client.exchanges >= share_ * 5) {
      when_steady_ = both();
    }
    if (at_the_end_ == 0 && when_steady_ != 0 && now >= end_) {
      at_the_end_ = both();
    }
    if (now < next_report_) {
      return;
    }
    next_report_ = now + report_interval;
    std::cout << std::setw(6)
              << std::chrono::duration_cast<std::chrono::seconds>(now - begin_).count()
              << " s: " << client.open() << " open, " << client.opened << " opened, "
              << client.ended << " ended, " << client.aborted << " reset, "
              << client.bytes / 1000000 << " MB there and back, " << client.wrong
              << " wrong; client " << resident_memory(::getpid()) / 1000000 << " MB, server "
              << resident_memory(server_) / 1000000 << " MB" << std::endl;
  }

  std::uint64_t when_steady() const { return when_steady_; }
  std::uint64_t at_the_end() const { return at_the_end_; }

  /// Whether there is something to compare, and it is the program's own.
  bool is_judged() const {
#ifdef SOAK_MEMORY_SAYS_NOTHING
    return false;
#else
    return at_the_end_ != 0;
#endif
  }

  /// An eighth and 1 MB may come: the connections that are still to be opened.
  bool is_flat() const {
    return !is_judged() || at_the_end_ <= when_steady_ + when_steady_ / 8 + 1000000;
  }

private:
  using clock = std::chrono::steady_clock;

  std::uint64_t both() const { return resident_memory(::getpid()) + resident_memory(server_); }

  clock::time_point const begin_;
  clock::time_point const steady_;
  clock::time_point const end_;
  std::size_t const share_;
  ::pid_t const server_;
  clock::time_point next_report_;
  std::uint64_t when_steady_ = 0;
  std::uint64_t at_the_end_ = 0;
};

} // namespace soak

#endif // TEST_SOAK_MEASURES_HPP
