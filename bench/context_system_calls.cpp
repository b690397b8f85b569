//
// bench/context_system_calls.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many system calls the work of a server costs, which does not depend on the machine: connections that
// are made, used once and closed, round trips of four bytes, waits for a bare descriptor, and events of
// a loop; with Asio in an io_context, with mioext there and in a selector_context.
//

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <sys/syscall.h>

#include <boost/asio/io_context.hpp>

#include <mioext/selector_context.hpp>

#include "chain.hpp"
#include "context_work.hpp"
#include "harness.hpp"
#include "system_calls.hpp"

namespace {

// --- Counting ----------------------------------------------------------------------------------------

// By what they are for, because Asio calls accept() where mioext calls accept4(), and the like.
std::vector<std::vector<int>> const call_kinds = {
    {SYS_epoll_ctl},
    {SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_pwait2},
    {SYS_read, SYS_readv, SYS_recvfrom, SYS_recvmsg},
    {SYS_accept, SYS_accept4},
    {SYS_fstat, SYS_newfstatat},
    {SYS_write, SYS_writev, SYS_sendto, SYS_sendmsg},
    {SYS_socket},
    {SYS_connect},
    {SYS_close},
    {SYS_poll, SYS_ppoll},
    {SYS_getsockopt},
    {SYS_getsockname},
    {SYS_ioctl, SYS_fcntl},
    {SYS_timerfd_settime},
    {SYS_brk, SYS_mmap, SYS_munmap},
};

double calls_of(bench::system_calls const& calls, std::vector<int> const& kind) {
  double sum = 0;
  for (int const number : kind) {
    sum += calls.of({number});
  }
  return sum;
}

using counted_work = std::function<void(std::uint64_t repetitions)>;

counted_work worked(work* does, std::size_t connections) {
  return [=](std::uint64_t repetitions) { does(connections, repetitions); };
}

// All of them, and then those of each kind.
std::vector<double> calls_each(counted_work const& does) {
  constexpr std::uint64_t few = 100, many = 300;
  bench::system_calls const less = bench::system_calls_of([&] { does(few); });
  bench::system_calls const more = bench::system_calls_of([&] { does(many); });
  std::vector<double> result = {(more.all() - less.all()) / (many - few)};
  for (auto const& kind : call_kinds) {
    result.push_back((calls_of(more, kind) - calls_of(less, kind)) / (many - few));
  }
  return result;
}

// --- What is compared --------------------------------------------------------------------------------

class table {
public:
  table(std::string const& setting, std::string const& unit)
      : all_(setting, unit, bench::better::less,
             {"epoll_ctl", "epoll_wait", "recv", "accept", "fstat"}) {}

  table& add(std::string const& contender, counted_work const& does) {
    all_.add(contender, [does] {
      std::vector<double> const calls = calls_each(does);
      return std::vector<double>(calls.begin(), calls.begin() + 6);
    });
    return *this;
  }

  table& require(std::string const& contender, bench::limit const& limit) {
    all_.require(contender, limit);
    return *this;
  }

  bench::comparison& compared() { return all_.exact(); }

private:
  bench::comparison all_;
};

char const* const by_asio = "Asio, io_context";
char const* const in_selector_context = "mioext, selector_context";
char const* const in_io_context = "mioext, io_context";
char const* const in_one_thread = "mioext, io_context, one thread";
char const* const as_bare_guest = "bare guest, io_context";
char const* const as_bare_guest_of_one = "bare guest, io_context, one thread";

// A look or two more in some hundred repetitions is none for each.
bench::limit as_asio_makes() { return bench::at_most_ratio(1.02); }

// The same work by each of them.
table by_all(std::string const& setting, std::string const& unit, std::size_t connections,
             work* as_asio, work* by_selector_context, work* as_guest, work* as_guest_of_one) {
  table all(setting, unit);
  all.add(by_asio, worked(as_asio, connections))
      .add(in_selector_context, worked(by_selector_context, connections))
      .add(in_io_context, worked(as_guest, connections))
      .add(in_one_thread, worked(as_guest_of_one, connections))
      .require(in_selector_context, as_asio_makes());
  return all;
}

table connections() {
  return by_all("accept, connect, one byte, close", "system calls a connection", 1,
                visit<io_context, void>, visit<selector_context, void>, visit<guest_context, void>,
                visit<guest_of_one, void>)
      .add(as_bare_guest, worked(bare_visit<bare_guest, void>, 1))
      .add(as_bare_guest_of_one, worked(bare_visit<bare_guest_of_one, void>, 1));
}

table round_trips_of(std::size_t connections) {
  return by_all("round trip, " + std::to_string(connections) +
                    (connections == 1 ? " connection" : " connections"),
                "system calls a round trip", connections,
                go_round<io_context, io_context::executor_type>,
                go_round<selector_context, selector_context::executor_type>,
                go_round<guest_context, io_context::executor_type>,
                go_round<guest_of_one, io_context::executor_type>);
}

table waits_of_one() {
  return by_all("async_wait, an event", "system calls an event", 1, wait<io_context, void>,
                wait<selector_context, void>, wait<guest_context, void>, wait<guest_of_one, void>)
      .add(as_bare_guest, worked(wait<bare_guest, void>, 1))
      .add(as_bare_guest_of_one, worked(wait<bare_guest_of_one, void>, 1));
}

bench::comparison compare_kinds_of_system_calls() {
  bench::comparison all("the same: those of a kind that Asio makes less often",
                        "system calls a connection", bench::better::less);
  all.add("mioext, selector_context", [] {
    std::vector<double> const asio = calls_each(worked(visit<io_context, void>, 1));
    std::vector<double> const mioext = calls_each(worked(visit<selector_context, void>, 1));
    double surplus = 0;
    for (std::size_t index = 1; index != asio.size(); ++index) {
      surplus += std::max(0.0, mioext[index] - asio[index]);
    }
    return surplus;
  });
  return all.require("mioext, selector_context", bench::at_most(0.02)).exact();
}

bench::comparison compare_calls_of_epoll() {
  bench::comparison all("the same: epoll_ctl and epoll_wait", "system calls a connection",
                        bench::better::less);
  auto const add = [&all](char const* contender, work* visits) {
    all.add(contender, [visits] {
      std::vector<double> const each = calls_each(worked(visits, 1));
      return each[1] + each[2];
    });
  };
  add(by_asio, visit<io_context, void>);
  add(in_selector_context, visit<selector_context, void>);
  add(in_io_context, visit<guest_context, void>);
  add(in_one_thread, visit<guest_of_one, void>);
  add(as_bare_guest, bare_visit<bare_guest, void>);
  add(as_bare_guest_of_one, bare_visit<bare_guest_of_one, void>);
  return all.require(in_selector_context, as_asio_makes())
      .require(in_one_thread, as_asio_makes())
      .exact();
}

// --- Loops -------------------------------------------------------------------------------------------

counted_work chained(double (*chain)(chain_work const&), std::size_t active) {
  return [=](std::uint64_t repetitions) {
    chain_work asked = {};
    asked.pairs = 200;
    asked.active = active;
    asked.events = 2 * repetitions;
    chain(asked);
  };
}

// For 2 events.
table loops(std::size_t active) {
  table all(std::to_string(active) + " of 200 descriptors active", "system calls for 2 events");
  all.add("hand-written", chained(run_hand_written, active))
      .add("event_loop", chained(run_event_loop, active))
      .add("async_event_loop, io_context", chained(run_async_event_loop, active))
      .add("async_event_loop, selector_context", chained(run_selector_context_loop, active))
      .add("async_wait, selector_context", chained(run_selector_context_wait, active))
      .add("async_wait, io_context", chained(run_mioext_wait, active))
      .add("Asio's async_wait", chained(run_asio_wait, active))
      .require("event_loop", bench::at_most_ratio(1))
      .require("async_event_loop, io_context", bench::at_most_ratio(1.06))
      .require("async_event_loop, selector_context", bench::at_most_ratio(1.06));
  return all;
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("context_system_calls", argc, argv);
  run.compare(connections().require(in_one_thread, as_asio_makes()).compared());
  run.compare(compare_kinds_of_system_calls());
  run.compare(compare_calls_of_epoll());
  run.compare(round_trips_of(1).compared());
  run.compare(round_trips_of(100)
                  .require(in_io_context, as_asio_makes())
                  .require(in_one_thread, as_asio_makes())
                  .compared());
  run.compare(waits_of_one().compared());
  for (std::size_t const active : {1, 10, 100}) {
    run.compare(loops(active).compared());
  }
  return run.finish();
}
