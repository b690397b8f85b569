//
// bench/harness.hpp
// -----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a benchmark is made of: comparisons of contenders that do the same work. Contenders take
// turns, round by round, so that what else the machine does meets them all alike; each round of each
// contender runs in a process of its own, so that none inherits another's heap or descriptors.
//
//   int main(int argc, char** argv) {
//     bench::run run("dispatch", argc, argv);
//     run.compare(bench::comparison("100 of 1000 active", "ns/event", bench::better::less)
//                     .add("hand-written", [] { return ...; })
//                     .add("mioext event_loop", [] { return ...; })
//                     .add("Asio", [] { return ...; })
//                     .require("mioext event_loop", bench::at_most_ratio(1.05))
//                     .require("mioext event_loop", bench::ahead_of_peers()));
//     return run.finish();
//   }
//

#ifndef BENCH_HARNESS_HPP
#define BENCH_HARNESS_HPP

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace bench {

enum class better { more, less };

// What a contender must reach. The ratio is its median divided by the reference's, whichever way is
// better.
class limit {
public:
  enum class kind {
    at_most_ratio,
    at_least_ratio,
    at_most,
    at_least_as,
    ahead_of,
    of_peers,
    of_all
  };

  limit(kind of_what, double bound, std::string const& contender)
      : kind_(of_what), bound_(bound), contender_(contender) {}

  kind of_what() const { return kind_; }
  double bound() const { return bound_; }
  std::string const& contender() const { return contender_; }

private:
  kind kind_;
  double bound_;
  std::string contender_;
};

// For a cost: at most that many times the reference's.
inline limit at_most_ratio(double bound) { return limit(limit::kind::at_most_ratio, bound, ""); }

// For a throughput: at least that part of the reference's.
inline limit at_least_ratio(double bound) { return limit(limit::kind::at_least_ratio, bound, ""); }

// The number itself.
inline limit at_most(double bound) { return limit(limit::kind::at_most, bound, ""); }

// As good as that contender, or better.
inline limit at_least_as(std::string const& contender) {
  return limit(limit::kind::at_least_as, 0, contender);
}

// Better than that contender.
inline limit ahead_of(std::string const& contender) {
  return limit(limit::kind::ahead_of, 0, contender);
}

// Better than every contender but the reference and those whose name begins with "mioext".
inline limit ahead_of_peers() { return limit(limit::kind::of_peers, 0, ""); }

// The same with the reference among them.
inline limit ahead_of_all() { return limit(limit::kind::of_all, 0, ""); }

// One setting of the work, and who does it: a group of rows in the table.
class comparison {
public:
  // A round's first number is in `unit` and is what is judged; `columns` names those after it,
  // which are only shown.
  comparison(std::string const& setting, std::string const& unit, better which,
             std::vector<std::string> const& columns = {})
      : setting_(setting), unit_(unit), better_(which), columns_(columns) {}

  // The first contender is the reference. A round that throws, exits or hangs is a failure, which
  // fails the whole run. Its number is that round's alone: warm up and clean up inside.
  comparison& add(std::string const& contender, std::function<double()> round) {
    return add(contender, several([round] { return std::vector<double>{round()}; }));
  }

  // For comparisons with columns.
  comparison& add(std::string const& contender, std::function<std::vector<double>()> round) {
    contenders_.emplace_back(contender, std::move(round));
    return *this;
  }

  // For a lambda, which would otherwise have to be converted to one of those by hand.
  template <class Round> comparison& add(std::string const& contender, Round round) {
    using result = decltype(round());
    return add(contender, std::function<result()>(std::move(round)));
  }

  // A contender may have several requirements. One that this comparison has not is an error.
  comparison& require(std::string const& contender, limit const& what) {
    limits_.emplace_back(contender, what);
    return *this;
  }

  // Counted instead of timed: it comes out the same each time. So one round is enough, and it can be
  // judged in the quick form too.
  comparison& exact(bool judged_when_quick = true) {
    exact_ = true;
    judged_when_quick_ = judged_when_quick;
    return *this;
  }

  // For the full form, where the usual number is not the best. (Not with --rounds.)
  comparison& rounds(std::size_t count) {
    rounds_ = count;
    return *this;
  }

  // How long one round may take before it counts as hanging.
  comparison& time_limit(unsigned seconds) {
    seconds_ = seconds;
    return *this;
  }

private:
  friend class run;

  using several = std::function<std::vector<double>()>;

  std::string setting_;
  std::string unit_;
  better better_;
  std::vector<std::string> columns_;
  std::vector<std::pair<std::string, several>> contenders_;
  std::vector<std::pair<std::string, limit>> limits_;
  bool exact_ = false;
  bool judged_when_quick_ = false;
  std::size_t rounds_ = 0;
  unsigned seconds_ = 30;
};

// A whole benchmark. Takes from the command line:
//
//   --quick         the short form: one round, and what is timed is shown but not judged
//   --rounds N      instead of 7 (or 1)
//   --out DIR       where NAME.csv and NAME.svg go; bin/bench if not said
//   --only TEXT     only settings that contain this text
//
// and Google Benchmark's own options, such as --benchmark_filter=REGEX over "setting/contender".
class run {
public:
  run(std::string const& name, int argc, char** argv);
  ~run();

  bool quick() const;

  // True if --only leaves it in: for those who would have to prepare much.
  bool selects(std::string const& setting) const;

  // Runs it now.
  void compare(comparison const& what);

  // A line below the table, for what a reader must know: what was left out, for instance.
  void note(std::string const& text);

  // Prints the tables, writes the files; returns what main returns.
  int finish();

private:
  struct state;
  std::unique_ptr<state> state_;
};

// For rounds that need a second process: it runs `body`, and ends when that returns, when the
// process that started it ends, or after so many seconds.
pid_t start_process(std::function<void()> const& body, unsigned seconds);

// Waits for such a process. Throws unless it ended well.
void wait_for_process(pid_t process);

// Keeps this process on one core, if the machine has that many.
void pin_to_core(unsigned core);

// Seconds since some time in the past, and the processor time that this process has used.
double wall_seconds();
double cpu_seconds();

// Makes room for so many descriptors. False if the system does not allow that many.
bool allow_descriptors(std::size_t count);

} // namespace bench

#endif // BENCH_HARNESS_HPP
