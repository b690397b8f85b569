//
// bench/harness.cpp
// -----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Runs contenders by Google Benchmark, each round in a process of its own, and judges them.
//

#include "harness.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <benchmark/benchmark.h>

namespace bench {
namespace {

using numbers = std::vector<double>;

[[noreturn]] void throw_errno(char const* what) {
  throw std::system_error(errno, std::system_category(), what);
}

// --- A round in a process of its own --------------------------------------------------------------

void write_all(int fd, void const* data, std::size_t size) {
  char const* next = static_cast<char const*>(data);
  while (size != 0) {
    ssize_t const written = ::write(fd, next, size);
    if (written < 0) {
      ::_exit(1); // nobody is there to tell
    }
    next += written;
    size -= static_cast<std::size_t>(written);
  }
}

// Ends this process with the one that made it. (It may have ended already.)
void end_with(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(1);
  }
}

// What a round sends home: one letter, and then numbers or what was wrong.
[[noreturn]] void run_round(std::function<numbers()> const& round, int result) {
  int status = 0;
  try {
    numbers const values = round();
    write_all(result, "n", 1);
    write_all(result, values.data(), values.size() * sizeof(double));
  } catch (std::exception const& error) {
    write_all(result, "e", 1);
    write_all(result, error.what(), std::strlen(error.what()));
    status = 1;
  }
  // Not exit: whatever the round leaves to be destroyed at the end is of no interest, and what the
  // parent had not yet written must not be written twice.
  std::cout.flush();
  std::fflush(nullptr);
  ::_exit(status);
}

// Everything that comes until the other end is closed; false if that takes too long.
bool read_all(int fd, double seconds, std::string& received) {
  double const deadline = wall_seconds() + seconds;
  for (;;) {
    double const left = deadline - wall_seconds();
    ::pollfd ready = {fd, POLLIN, 0};
    int const count = left <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(left * 1000) + 1);
    if (count == 0) {
      return false;
    }
    char buffer[4096];
    ssize_t const size = count < 0 ? -1 : ::read(fd, buffer, sizeof buffer);
    if (size == 0) {
      return true;
    }
    if (size > 0) {
      received.append(buffer, static_cast<std::size_t>(size));
    } else if (errno != EINTR) {
      throw_errno("read");
    }
  }
}

numbers in_child(std::function<numbers()> const& round, unsigned seconds) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw_errno("pipe2");
  }
  std::cout.flush();
  std::fflush(nullptr);
  pid_t const parent = ::getpid();
  pid_t const child = ::fork();
  if (child < 0) {
    throw_errno("fork");
  }
  if (child == 0) {
    end_with(parent);
    ::setpgid(0, 0);
    ::alarm(seconds);
    ::close(ends[0]);
    run_round(round, ends[1]);
  }
  ::setpgid(child, child); // whoever of the two comes first
  ::close(ends[1]);

  std::string received;
  // A process that the round started and left behind keeps the pipe open, so that the watchdog is
  // here as well.
  bool const in_time = read_all(ends[0], seconds + 1, received);
  ::close(ends[0]);
  ::kill(-child, SIGKILL); // with all that it started
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }

  if (!received.empty() && received[0] == 'e') {
    throw std::runtime_error(received.substr(1));
  }
  if (!in_time || (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)) {
    throw std::runtime_error("took longer than " + std::to_string(seconds) + " s");
  }
  if (received.empty() || (received.size() - 1) % sizeof(double) != 0) {
    std::ostringstream text;
    if (WIFSIGNALED(status)) {
      text << "ended by signal " << WTERMSIG(status);
    } else {
      text << "exited with " << WEXITSTATUS(status);
    }
    throw std::runtime_error(text.str());
  }
  numbers values((received.size() - 1) / sizeof(double));
  std::memcpy(values.data(), received.data() + 1, values.size() * sizeof(double));
  return values;
}

// --- What came out --------------------------------------------------------------------------------

struct row {
  std::string contender;
  std::vector<numbers> rounds; // for each round all its numbers
  std::string failure;

  double median = 0;
  double spread = 0; // a part of the median
  numbers columns;   // their medians
  double ratio = 0;
  std::string required;
  std::string verdict;
};

struct group {
  std::string setting;
  std::string unit;
  better which;
  bool exact;
  std::vector<std::string> columns;
  std::size_t rounds = 0;
  std::vector<row> rows;
};

// Between the two nearest, where there is none at that place.
double quantile(numbers const& sorted, double part) {
  double const place = part * static_cast<double>(sorted.size() - 1);
  std::size_t const below = static_cast<std::size_t>(place);
  std::size_t const above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - static_cast<double>(below));
}

void summarize(row& of) {
  for (std::size_t column = 0; column != of.rounds.front().size(); ++column) {
    numbers sorted;
    for (numbers const& round : of.rounds) {
      sorted.push_back(round.at(column));
    }
    std::sort(sorted.begin(), sorted.end());
    double const median = quantile(sorted, 0.5);
    if (column == 0) {
      of.median = median;
      // With few rounds, quartiles would be only a guess.
      double const distance = sorted.size() < 4 ? sorted.back() - sorted.front()
                                                : quantile(sorted, 0.75) - quantile(sorted, 0.25);
      of.spread = median != 0 ? distance / median : 0;
    } else {
      of.columns.push_back(median);
    }
  }
}

std::string formatted(char const* format, double value) {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

std::string readable(double value) {
  double const size = std::fabs(value);
  return formatted(size >= 1000 ? "%.0f" : size >= 100 ? "%.1f" : "%.2f", value);
}

bool is_own(std::string const& contender) { return contender.compare(0, 6, "mioext") == 0; }

row const& find(group const& in, std::string const& contender) {
  for (row const& each : in.rows) {
    if (each.contender == contender) {
      return each;
    }
  }
  throw std::invalid_argument(in.setting + " has no contender '" + contender + "'");
}

enum class outcome { ok, noise, loss };

// `actual` is to be at most `bound`; what is missed by less than the numbers vary cannot be told
// from chance.
outcome judge(double actual, double bound, bool equal_will_do, double spread) {
  if (actual < bound || (equal_will_do && actual <= bound)) {
    return outcome::ok;
  }
  return bound > 0 && actual / bound - 1 <= spread ? outcome::noise : outcome::loss;
}

// `own` against another contender.
outcome judge_against(group const& in, row const& own, row const& other, bool equal_will_do) {
  double const spread = std::max(own.spread, other.spread);
  return in.which == better::less ? judge(own.median, other.median, equal_will_do, spread)
                                  : judge(other.median, own.median, equal_will_do, spread);
}

outcome judge_limit(group const& in, row const& own, limit const& what) {
  row const& reference = in.rows.front();
  double const spread = std::max(own.spread, reference.spread);
  switch (what.of_what()) {
  case limit::kind::at_most_ratio:
    return judge(own.median, what.bound() * reference.median, true, spread);
  case limit::kind::at_least_ratio:
    return judge(what.bound() * reference.median, own.median, true, spread);
  case limit::kind::at_most:
    return judge(own.median, what.bound(), true, in.exact ? 0 : own.spread);
  case limit::kind::at_least_as:
    return judge_against(in, own, find(in, what.contender()), true);
  case limit::kind::ahead_of:
    return judge_against(in, own, find(in, what.contender()), false);
  case limit::kind::of_peers:
  case limit::kind::of_all:
    break;
  }
  outcome worst = outcome::ok;
  for (row const& other : in.rows) {
    bool const counts = !is_own(other.contender) && !other.rounds.empty() &&
                        (&other != &reference || what.of_what() == limit::kind::of_all);
    if (counts) {
      worst = std::max(worst, judge_against(in, own, other, false));
    }
  }
  return worst;
}

std::string text_of(limit const& what) {
  switch (what.of_what()) {
  case limit::kind::at_most_ratio:
    return formatted("ratio <= %.2f", what.bound());
  case limit::kind::at_least_ratio:
    return formatted("ratio >= %.2f", what.bound());
  case limit::kind::at_most:
    return "<= " + readable(what.bound());
  case limit::kind::at_least_as:
    return "as good as " + what.contender();
  case limit::kind::ahead_of:
    return "ahead of " + what.contender();
  case limit::kind::of_peers:
    return "ahead of peers";
  case limit::kind::of_all:
    break;
  }
  return "ahead of all";
}

std::string text_of(outcome of) {
  return of == outcome::ok ? "ok" : of == outcome::noise ? "noise" : "LOSS";
}

// Takes the runs' counters, and says nothing: the table comes at the end.
class collector : public benchmark::BenchmarkReporter {
public:
  bool ReportContext(Context const&) override { return true; }

  void ReportRuns(std::vector<Run> const& reports) override {
    for (Run const& each : reports) {
      runs.push_back(each);
    }
  }

  std::vector<Run> runs;
};

// --- The tables -----------------------------------------------------------------------------------

using cells = std::vector<std::string>;

// The first column is set to the left, as are the last `texts`; numbers in between to the right.
void print_cells(std::vector<cells> const& lines, std::size_t texts) {
  std::vector<std::size_t> widths;
  for (cells const& line : lines) {
    widths.resize(std::max(widths.size(), line.size()));
    for (std::size_t column = 0; column != line.size(); ++column) {
      widths[column] = std::max(widths[column], line[column].size());
    }
  }
  for (cells const& line : lines) {
    std::string text = " ";
    for (std::size_t column = 0; column != line.size(); ++column) {
      std::string const padding(widths[column] - line[column].size(), ' ');
      bool const left = column == 0 || column + texts >= line.size();
      text += " " + (left ? line[column] + padding : padding + line[column]) + " ";
    }
    text.erase(text.find_last_not_of(' ') + 1);
    std::cout << text << '\n';
  }
}

void print(group const& of) {
  std::cout << '\n'
            << of.setting << " (" << of.unit << ", " << (of.which == better::less ? "less" : "more")
            << " is better)\n";
  std::vector<cells> lines;
  cells head = {"", "median", "spread", "ratio"};
  head.insert(head.end(), of.columns.begin(), of.columns.end());
  head.insert(head.end(), {"required", "verdict"});
  lines.push_back(head);
  for (row const& each : of.rows) {
    bool const has = !each.rounds.empty();
    cells line = {each.contender, has ? readable(each.median) : "-",
                  has && !of.exact ? formatted("%.1f%%", each.spread * 100) : "-",
                  has && each.ratio > 0 ? formatted("%.2f", each.ratio) : "-"};
    for (std::size_t column = 0; column != of.columns.size(); ++column) {
      line.push_back(column < each.columns.size() ? readable(each.columns[column]) : "-");
    }
    line.insert(line.end(), {each.required, each.verdict});
    lines.push_back(line);
  }
  print_cells(lines, 2);
}

// What is missed, in a line that says all of it, because tables are long: .ci/run looks for these.
std::string lost_line(std::string const& benchmark, group const& in, row const& own) {
  std::string const where = benchmark + ": " + in.setting + ": " + own.contender + ": ";
  if (!own.failure.empty()) {
    return "FAILED: " + where + own.failure;
  }
  return "LOSS: " + where + readable(own.median) + " " + in.unit + ", ratio " +
         formatted("%.2f", own.ratio) + ", required " + own.required;
}

// A field for CSV, in which a comma or a quotation mark would end it.
std::string field(std::string const& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) {
    return text;
  }
  std::string quoted = "\"";
  for (char letter : text) {
    quoted += letter == '"' ? "\"\"" : std::string(1, letter);
  }
  return quoted + '"';
}

void write_csv(std::string const& path, std::vector<group> const& groups) {
  std::ofstream file(path);
  std::vector<std::string> columns;
  for (group const& each : groups) {
    for (std::string const& name : each.columns) {
      if (std::find(columns.begin(), columns.end(), name) == columns.end()) {
        columns.push_back(name);
      }
    }
  }
  file << "setting,contender,unit,better,median,spread,ratio,required,verdict,rounds";
  for (std::string const& name : columns) {
    file << ',' << field(name);
  }
  file << '\n';
  file.precision(8);
  for (group const& in : groups) {
    for (row const& each : in.rows) {
      file << field(in.setting) << ',' << field(each.contender) << ',' << field(in.unit) << ','
           << (in.which == better::less ? "less" : "more") << ',' << each.median << ','
           << each.spread << ',' << each.ratio << ',' << field(each.required) << ','
           << field(each.verdict) << ',' << each.rounds.size();
      for (std::string const& name : columns) {
        auto const place = std::find(in.columns.begin(), in.columns.end(), name);
        std::size_t const index = static_cast<std::size_t>(place - in.columns.begin());
        file << ',';
        if (index < each.columns.size()) {
          file << each.columns[index];
        }
      }
      file << '\n';
    }
  }
  file.close();
  if (!file) {
    throw std::runtime_error("cannot write " + path);
  }
}

// A group of bars for each setting, one bar for each contender. Where a reference is zero there is
// no ratio; then the number itself is drawn.
bool draw_svg(std::string const& path, std::string const& name, std::vector<group> const& groups) {
  if (std::system("command -v gnuplot > /dev/null 2>&1") != 0) {
    return false;
  }
  std::vector<std::string> contenders;
  bool ratios = true;
  std::string unit = groups.front().unit;
  for (group const& in : groups) {
    if (in.unit != unit) {
      unit = "in the unit of each setting";
    }
    for (row const& each : in.rows) {
      ratios = ratios && (each.rounds.empty() || each.ratio > 0);
      if (std::find(contenders.begin(), contenders.end(), each.contender) == contenders.end()) {
        contenders.push_back(each.contender);
      }
    }
  }
  std::FILE* const gnuplot = ::popen("gnuplot", "w");
  if (!gnuplot) {
    return false;
  }
  std::ostringstream script;
  script << "set terminal svg size " << 400 + 30 * contenders.size() * groups.size()
         << ",500 noenhanced background 'white'\n"
         << "set output '" << path << "'\n"
         << "set title '" << name << "'\n"
         << "set style data histograms\nset style histogram clustered gap 1\n"
         << "set style fill solid 0.8 border -1\nset yrange [0:*]\nset grid ytics\n"
         << "set key outside right top\nset xtics rotate by -15\n"
         << "set datafile missing '?'\n"
         << "set ylabel '" << (ratios ? "ratio to " + groups.front().rows.front().contender : unit)
         << "'\n$data << END\nsetting";
  for (std::string const& contender : contenders) {
    script << " \"" << contender << '"';
  }
  script << '\n';
  for (group const& in : groups) {
    script << '"' << in.setting << '"';
    for (std::string const& contender : contenders) {
      auto const found = std::find_if(in.rows.begin(), in.rows.end(), [&](row const& each) {
        return each.contender == contender && !each.rounds.empty();
      });
      if (found == in.rows.end()) {
        script << " ?";
      } else {
        script << ' ' << (ratios ? found->ratio : found->median);
      }
    }
    script << '\n';
  }
  script << "END\nplot for [column=2:" << contenders.size() + 1
         << "] $data using column:xtic(1) title columnheader\n";
  std::fputs(script.str().c_str(), gnuplot);
  return ::pclose(gnuplot) == 0;
}

// mkdir -p
void make_directories(std::string const& path) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    if (::mkdir(path.substr(0, end).c_str(), 0777) != 0 && errno != EEXIST) {
      throw_errno(path.c_str());
    }
  }
}

std::string model_of_processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.compare(0, 10, "model name") == 0 && line.find(": ") != std::string::npos) {
      return line.substr(line.find(": ") + 2);
    }
  }
  return "unknown processor";
}

std::string machine() {
  benchmark::CPUInfo const& processor = benchmark::CPUInfo::Get();
  ::utsname system = {};
  ::uname(&system);
  std::ostringstream text;
  text << processor.num_cpus << " x " << model_of_processor() << ", "
       << std::lround(processor.cycles_per_second / 1e6) << " MHz";
  if (processor.scaling == benchmark::CPUInfo::ENABLED) {
    text << " (frequency scaling is on)";
  }
  for (benchmark::CPUInfo::CacheInfo const& cache : processor.caches) {
    text << ", L" << cache.level
         << (cache.type == "Unified" ? ""
             : cache.type == "Data"  ? "d"
                                     : "i")
         << ' ' << cache.size / 1024 << " KiB";
  }
  text << "; " << system.sysname << ' ' << system.release << "; load average";
  for (double load : processor.load_avg) {
    text << ' ' << formatted("%.2f", load);
  }
  return text.str();
}

} // namespace

// --- The run --------------------------------------------------------------------------------------

struct run::state {
  std::string name;
  bool quick = false;
  std::size_t rounds = 0; // if it was said
  std::string out = "bin/bench";
  std::string only;
  std::vector<group> groups;
  std::vector<std::string> notes;
  double begin = wall_seconds();

  std::size_t rounds_of(comparison const& what) const;
  void run_round(comparison const& what, group& made, std::size_t round);
  void run_turn(comparison const& what, std::size_t place, benchmark::State& turn);
  void evaluate(comparison const& what, group& made) const;
};

run::run(std::string const& name, int argc, char** argv) : state_(new state) {
  state_->name = name;
  std::string const usage = "usage: " + name +
                            " [--quick] [--rounds N] [--out DIR] [--only TEXT] "
                            "[--benchmark_filter=REGEX]\n";
  if (argc > 1 && (std::string(argv[1]) == "--help" || std::string(argv[1]) == "-h")) {
    std::cout << usage;
    std::exit(0);
  }
  // Google Benchmark takes its own out of the arguments.
  benchmark::Initialize(&argc, argv, [] {});
  for (int index = 1; index < argc; ++index) {
    std::string const option = argv[index];
    std::string const value = index + 1 < argc ? argv[index + 1] : "";
    if (option == "--quick") {
      state_->quick = true;
    } else if (option == "--rounds" && std::atoi(value.c_str()) > 0) {
      state_->rounds = std::strtoul(value.c_str(), nullptr, 10);
      ++index;
    } else if (option == "--out" && !value.empty()) {
      state_->out = value;
      ++index;
    } else if (option == "--only" && !value.empty()) {
      state_->only = value;
      ++index;
    } else {
      std::cerr << name << ": '" << option << "'?\n" << usage;
      std::exit(2);
    }
  }
}

run::~run() = default;

bool run::quick() const { return state_->quick; }

bool run::selects(std::string const& setting) const {
  return setting.find(state_->only) != std::string::npos;
}

void run::note(std::string const& text) { state_->notes.push_back(text); }

void run::compare(comparison const& what) {
  if (!selects(what.setting_)) {
    return;
  }
  group made{what.setting_, what.unit_, what.better_, what.exact_, what.columns_, 0, {}};
  for (auto const& each : what.contenders_) {
    row begun;
    begun.contender = each.first;
    made.rows.push_back(begun);
  }
  for (auto const& each : what.limits_) {
    find(made, each.first); // a misspelt name is noticed before the work, not after it
  }

  made.rounds = state_->rounds_of(what);
  for (std::size_t round = 0; round != made.rounds; ++round) {
    state_->run_round(what, made, round);
  }
  // What the filter left out has neither numbers nor a failure.
  made.rows.erase(
      std::remove_if(made.rows.begin(), made.rows.end(),
                     [](row const& each) { return each.rounds.empty() && each.failure.empty(); }),
      made.rows.end());
  if (!made.rows.empty()) {
    state_->evaluate(what, made);
    state_->groups.push_back(std::move(made));
  }
}

std::size_t run::state::rounds_of(comparison const& what) const {
  if (what.exact_) {
    return 1;
  }
  if (rounds != 0) {
    return rounds;
  }
  if (quick) {
    return 1;
  }
  return what.rounds_ != 0 ? what.rounds_ : 7;
}

// Each contender once. Google Benchmark can interleave repetitions by itself, but shuffles them over the
// whole run: A A B A B B is possible. In rounds, those that are compared are neighbours in time.
void run::state::run_round(comparison const& what, group& made, std::size_t round) {
  benchmark::ClearRegisteredBenchmarks();
  std::map<std::string, std::size_t> places;
  for (std::size_t place = 0; place != made.rows.size(); ++place) {
    if (made.rows[place].failure.empty()) { // once is enough, above all if it hangs
      std::string const title = what.setting_ + "/" + made.rows[place].contender;
      places[title] = place;
      benchmark::RegisterBenchmark(title.c_str(),
                                   [&, place, title, round](benchmark::State& turn) {
                                     std::cerr << name << ": " << title << ", round " << round + 1
                                               << " of " << made.rounds << ", "
                                               << static_cast<int>(wall_seconds() - begin) << " s"
                                               << std::endl;
                                     run_turn(what, place, turn);
                                   })
          ->Iterations(1)
          ->UseManualTime();
    }
  }
  if (places.empty()) {
    return;
  }
  collector reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  for (auto const& each : reporter.runs) {
    row& current = made.rows[places.at(each.run_name.function_name)];
    if (each.error_occurred) {
      current.failure = each.error_message;
      std::cerr << name << ": " << each.run_name.function_name << " failed: " << current.failure
                << std::endl;
      continue;
    }
    numbers values(each.counters.size());
    for (auto const& counter : each.counters) {
      values.at(std::stoul(counter.first)) = counter.second.value;
    }
    current.rounds.push_back(values);
  }
}

// The numbers go through Google Benchmark as counters, by their place.
void run::state::run_turn(comparison const& what, std::size_t place, benchmark::State& turn) {
  for (auto _ : turn) {
    double const turn_begin = wall_seconds();
    try {
      numbers const values = in_child(what.contenders_[place].second, what.seconds_);
      if (values.size() != 1 + what.columns_.size()) {
        throw std::runtime_error("returned " + std::to_string(values.size()) + " numbers");
      }
      for (std::size_t column = 0; column != values.size(); ++column) {
        turn.counters[std::to_string(column)] = values[column];
      }
    } catch (std::exception const& error) {
      turn.SkipWithError(error.what());
      break;
    }
    turn.SetIterationTime(wall_seconds() - turn_begin);
  }
}

// Medians, ratios and verdicts. Where a contender is missing, there is nothing to judge by.
void run::state::evaluate(comparison const& what, group& made) const {
  bool complete = made.rows.size() == what.contenders_.size();
  for (row& each : made.rows) {
    if (each.failure.empty()) {
      summarize(each);
    } else {
      each.rounds.clear();
      each.verdict = "FAILED: " + each.failure;
      complete = false;
    }
  }
  row const& reference = made.rows.front();
  bool const has_reference =
      reference.contender == what.contenders_.front().first && reference.median != 0;
  for (row& each : made.rows) {
    each.ratio = has_reference ? each.median / reference.median : 0;
  }
  for (row& each : made.rows) {
    outcome worst = outcome::ok;
    for (auto const& requirement : what.limits_) {
      if (requirement.first == each.contender) {
        each.required += (each.required.empty() ? "" : ", ") + text_of(requirement.second);
        worst = complete ? std::max(worst, judge_limit(made, each, requirement.second)) : worst;
      }
    }
    if (!each.required.empty() && each.failure.empty()) {
      bool const counts = complete && (!quick || what.judged_when_quick_);
      each.verdict = counts ? text_of(worst) : "not judged";
    }
  }
}

int run::finish() {
  std::cout << "\n== " << state_->name << (state_->quick ? " (quick, " : " (")
            << static_cast<int>(wall_seconds() - state_->begin) << " s)\n"
            << machine() << '\n';
  std::vector<std::string> lost;
  for (group const& each : state_->groups) {
    print(each);
    for (row const& in : each.rows) {
      if (!in.failure.empty() || in.verdict == "LOSS") {
        lost.push_back(lost_line(state_->name, each, in));
      }
    }
  }
  for (std::string const& text : state_->notes) {
    std::cout << "note: " << text << '\n';
  }
  if (state_->groups.empty()) {
    std::cout << "nothing was measured\n";
    return 1;
  }
  make_directories(state_->out);
  std::string const file = state_->out + "/" + state_->name;
  write_csv(file + ".csv", state_->groups);
  std::ofstream(state_->out + "/machine.txt") << machine() << '\n';
  if (draw_svg(file + ".svg", state_->name, state_->groups)) {
    std::cout << "written: " << file << ".csv, " << file << ".svg\n";
  } else {
    std::cout << "written: " << file << ".csv (no SVG: gnuplot is not installed, or failed)\n";
  }
  for (std::string const& line : lost) {
    std::cout << line << '\n';
  }
  std::cout.flush();
  return lost.empty() ? 0 : 1;
}

// --- For rounds -----------------------------------------------------------------------------------

pid_t start_process(std::function<void()> const& body, unsigned seconds) {
  std::cout.flush();
  std::fflush(nullptr);
  pid_t const parent = ::getpid();
  pid_t const child = ::fork();
  if (child < 0) {
    throw_errno("fork");
  }
  if (child == 0) {
    end_with(parent);
    ::alarm(seconds);
    int status = 0;
    try {
      body();
    } catch (std::exception const& error) {
      std::cerr << "second process: " << error.what() << std::endl;
      status = 1;
    }
    std::fflush(nullptr);
    ::_exit(status);
  }
  return child;
}

void wait_for_process(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) {
      throw_errno("waitpid");
    }
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    throw std::runtime_error("the second process failed");
  }
}

void pin_to_core(unsigned core) {
  ::cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  ::sched_setaffinity(0, sizeof cores, &cores); // may fail where there is only one: as good
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double cpu_seconds() {
  ::timespec used = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

bool allow_descriptors(std::size_t count) {
  ::rlimit allowed = {};
  if (::getrlimit(RLIMIT_NOFILE, &allowed) != 0) {
    return false;
  }
  if (allowed.rlim_cur >= count) {
    return true;
  }
  allowed.rlim_cur = count;
  if (allowed.rlim_max < count) {
    allowed.rlim_max = count; // root may
  }
  return ::setrlimit(RLIMIT_NOFILE, &allowed) == 0;
}

} // namespace bench
