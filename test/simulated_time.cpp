//
// test/simulated_time.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Timers, limits and the retries of a connect over months and years: on a clock that the test drives, which
// stands still, ends waits early, and goes on by hours and centuries while the machine sleeps. Times are
// compared here, because no time passes but what the test lets pass.
//

#include <mioext/event_loop.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <tuple>
#include <vector>

#include <sys/socket.h>

#include <mioext/async_connect.hpp>
#include <mioext/async_event_loop.hpp>
#include <mioext/cancel_after.hpp>
#include <mioext/poller.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/unix.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include "both_contexts.hpp"
#include "driven_clock.hpp"
#include "driven_loop.hpp"
#include "support.hpp"

extern "C" {
int __real_connect(int fd, ::sockaddr const* address, ::socklen_t size);
int __wrap_connect(int fd, ::sockaddr const* address, ::socklen_t size);
}

namespace {

using boost::system::error_code;
using clock = std::chrono::steady_clock;
using mioext::interest;
using mioext::selector_context;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using namespace support;

constexpr hours days(int count) { return hours(24 * count); }
constexpr hours years(int count) { return days(365 * count); }

template <class Context>
using driven_loop_in = driven_loop<mioext::token, mioext::no_message, Context>;

// An io_context that waits for an io_uring does that with calls that the clock is not asked for.
#ifdef BOOST_ASIO_HAS_EPOLL
using all_contexts = both_contexts;
using all_loops = std::tuple<mioext::event_loop, driven_loop_in<boost::asio::io_context>,
                             driven_loop_in<selector_context>>;
#else
using all_contexts = std::tuple<selector_context>;
using all_loops = std::tuple<mioext::event_loop, driven_loop_in<selector_context>>;
#endif

/// When connect(2) was called.
std::vector<nanoseconds>* connects = nullptr;

nanoseconds now() { return clock::now().time_since_epoch(); }

/// The driven clock as it is at the beginning, and again at the end.
struct driven {
  driven() { driven_clock::reset(); }
  ~driven() {
    driven_clock::reset();
    connects = nullptr;
  }
  driven(driven const&) = delete;
  driven& operator=(driven const&) = delete;

  nanoseconds const begin = now();

  nanoseconds passed() const { return now() - begin; }
};

/// What a clock may do while a program waits.
enum class habit { exact, ends_early, suspended };

void take_up(habit taken) {
  auto const random = std::make_shared<std::mt19937_64>(5);
  switch (taken) {
  case habit::exact:
    driven_clock::on_wait(nullptr);
    break;
  case habit::ends_early:
    driven_clock::on_wait([random](nanoseconds asked) {
      std::uint64_t const choice = (*random)() % 4;
      return choice == 0 ? nanoseconds::zero() : choice == 1 ? (asked + nanoseconds(1)) / 2 : asked;
    });
    break;
  case habit::suspended:
    driven_clock::on_wait([random](nanoseconds asked) {
      return (*random)() % 32 == 0
                 ? asked + nanoseconds(seconds(static_cast<long>((*random)() % 43200)))
                 : asked;
    });
  }
}

/// Timers of a loop that are set, reset and cleared at random for some months, and what each was told
/// last. As in detail_timer_wheel_month.cpp, that is all of the model.
template <class Loop> class calendar {
public:
  static constexpr std::size_t timers = 1000;

  explicit calendar(Loop& loop, bool is_exact)
      : loop_(loop), first_tick_(clock::now()), emptied_(clock::now()), is_exact_(is_exact),
        told_(timers) {
    handler_.on_timer = [this](mioext::event_loop&, mioext::token name) { take(name); };
    for (std::size_t index = 0; index != timers; ++index) {
      set(index);
    }
  }

  void run(clock::time_point end) {
    end_ = end;
    while (pending_ != 0) {
      handler_.calls.clear();
      loop_.run_once(handler_);
      emptied_ = now_;
    }
  }

  std::size_t came() const { return came_; }

private:
  struct told {
    std::uint64_t tick = 0;
    std::uint64_t order = 0;
    clock::time_point due{};
    mioext::timeout id{};
    bool is_pending = false;
  };

  static void require(bool condition, char const* what) {
    if (!condition) {
      BOOST_FAIL(what);
    }
  }

  /// Most in the next 52 days, some at any distance.
  clock::time_point any_time() {
    unsigned const shift = random_() % 16 == 0 ? 12 + static_cast<unsigned>(random_() % 40) : 12;
    return clock::now() + nanoseconds(1 + (random_() >> shift));
  }

  void note(std::size_t index, clock::time_point due) {
    told& noted = told_[index];
    noted.tick = static_cast<std::uint64_t>((due - first_tick_ - nanoseconds(1)) / milliseconds(1));
    noted.order = ++orders_;
    noted.due = due;
  }

  void set(std::size_t index) {
    clock::time_point const due = any_time();
    told_[index].id = loop_.timer_at(due, token(index));
    told_[index].is_pending = true;
    ++pending_;
    note(index, due);
  }

  void reset(std::size_t index) {
    clock::time_point const due = any_time();
    std::uint64_t const before = told_[index].tick;
    std::uint64_t const order = told_[index].order;
    require(loop_.reset_timer(told_[index].id, due), "a pending timer can be reset");
    note(index, due);
    if (told_[index].tick == before) {
      told_[index].order = order;
    }
  }

  void clear(std::size_t index) {
    require(loop_.clear_timer(told_[index].id), "a pending timer can be cleared");
    told_[index].is_pending = false;
    --pending_;
  }

  void take(mioext::token name) {
    told& taken = told_[name.value()];
    now_ = clock::now();
    require(taken.is_pending, "a timer comes once");
    require(taken.due <= now_, "no timer is early");
    require(taken.tick > last_tick_ || (taken.tick == last_tick_ && taken.order > last_order_),
            "timers come in order");
    require(!is_exact_ || now_ == first_tick_ + milliseconds(taken.tick + 1),
            "a timer comes with the first tick of the clock that is not before its time");
    require(now_ == emptied_ || taken.due > emptied_, "what is due comes at once");
    last_tick_ = taken.tick;
    last_order_ = taken.order;
    taken.is_pending = false;
    --pending_;
    ++came_;
    if (now_ >= end_) {
      return;
    }
    set(name.value());
    std::size_t const other = static_cast<std::size_t>(random_() % timers);
    if (told_[other].is_pending) {
      if (random_() % 4 == 0) {
        clear(other);
        set(other);
      } else {
        reset(other);
      }
    }
  }

  Loop& loop_;
  recorder<> handler_;
  std::mt19937_64 random_{11};
  clock::time_point const first_tick_;
  clock::time_point now_{};
  clock::time_point emptied_;
  clock::time_point end_{};
  bool const is_exact_;
  std::vector<told> told_;
  std::uint64_t orders_ = 0;
  std::uint64_t last_tick_ = 0;
  std::uint64_t last_order_ = 0;
  std::size_t pending_ = 0;
  std::size_t came_ = 0;
};

template <class Loop> constexpr std::size_t calendar<Loop>::timers;

} // namespace

int __wrap_connect(int fd, ::sockaddr const* address, ::socklen_t size) {
  if (connects) {
    connects->push_back(now());
  }
  return __real_connect(fd, address, size);
}

BOOST_AUTO_TEST_SUITE(simulated_time)

// --- Loops ---------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(timers_of_a_month_come_in_order_and_none_early, Loop, all_loops) {
  for (habit each : {habit::exact, habit::ends_early, habit::suspended}) {
    driven const time;
    Loop loop;
    take_up(each);
    calendar<Loop> months(loop, each == habit::exact);
    months.run(clock::now() + days(31));
    BOOST_TEST(months.came() > calendar<Loop>::timers);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timer_of_a_century_survives_what_the_clock_does, Loop, all_loops) {
  driven const time;
  Loop loop;
  recorder<> handler;
  loop.timer(years(100), token(1));
  loop.timer(years(250), token(2));
  loop.timer(std::chrono::duration<double>(1e300), token(3));
  loop.timer(hours::max(), token(4));
  // Each wait is one year of sleep, and ends one of them.
  std::vector<nanoseconds> called;
  handler.on_timer = [&](mioext::event_loop&, mioext::token) { called.push_back(time.passed()); };
  driven_clock::on_wait([](nanoseconds asked) { return std::max<nanoseconds>(asked, years(1)); });
  loop.run_once(handler);
  loop.run_once(handler);
  BOOST_TEST(handler.calls == (strings{"timer token(1)", "timer token(2)"}),
             boost::test_tools::per_element());
  BOOST_REQUIRE(called.size() == 2u);
  BOOST_TEST((called[0] == years(100)));
  BOOST_TEST((called[1] == years(250)));
  // 42 years before the end of the clock. What lies behind that is never.
  loop.timer(years(60), token(5));
  driven_clock::advance(years(30));
  loop.run_once(handler, milliseconds(1));
  BOOST_TEST(handler.calls.size() == 2u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(timers_of_all_years_that_were_slept_through_come_in_order, Loop,
                              all_loops) {
  driven const time;
  Loop loop;
  recorder<> handler;
  strings expected;
  for (int year = 100; year != 0; --year) {
    loop.timer(years(year), token(static_cast<std::size_t>(year)));
    expected.insert(expected.begin(), "timer token(" + std::to_string(year) + ')');
  }
  driven_clock::on_wait([](nanoseconds) -> nanoseconds { return years(101); });
  while (handler.calls.size() != expected.size()) {
    loop.run_once(handler);
  }
  BOOST_TEST(handler.calls == expected, boost::test_tools::per_element());
  BOOST_TEST((time.passed() == years(101))); // one sleep for all
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_clock_that_stands_still_keeps_no_io_waiting, Loop, all_loops) {
  driven const time;
  Loop loop;
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable);
  loop.timer(milliseconds(20), token(2));
  int stood = 0;
  driven_clock::on_wait([&](nanoseconds asked) {
    ++stood;
    if (stood == 500) {
      pair.send();
    }
    return stood < 1000 ? nanoseconds::zero() : asked;
  });
  handler.on_readable = [&](mioext::event_loop&, mioext::token, mioext::read_hint) {
    BOOST_TEST((time.passed() == nanoseconds::zero()));
    BOOST_TEST(stood == 500);
    BOOST_TEST(drain(pair.near.get()) == "x");
  };
  while (handler.calls.size() != 2) {
    loop.run_once(handler);
  }
  BOOST_TEST(handler.calls == (strings{"readable token(1) data", "timer token(2)"}),
             boost::test_tools::per_element());
  BOOST_TEST((time.passed() == milliseconds(20)));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_timer_set_by_each_of_its_calls_starves_nobody_when_time_stands,
                              Loop, all_loops) {
  driven const time;
  Loop loop;
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable);
  int called = 0;
  handler.on_timer = [&](mioext::event_loop& in, mioext::token) {
    in.timer(seconds(0), token(2)); // for ever
    if (++called == 10) {
      pair.send();
    }
  };
  handler.on_readable = [&](mioext::event_loop&, mioext::token, mioext::read_hint) {
    BOOST_TEST(called == 10);
    drain(pair.near.get());
    called = 100;
  };
  loop.timer(seconds(0), token(2));
  while (called < 20) {
    loop.run_once(handler);
  }
  BOOST_TEST(called == 100);
}

BOOST_AUTO_TEST_CASE(a_limit_of_months_is_kept_to_whatever_a_wait_may_last) {
  for (habit each : {habit::exact, habit::ends_early}) {
    driven const time;
    mioext::event_loop loop;
    recorder<> handler;
    loop.timer(days(200), token(1));
    take_up(each);
    BOOST_TEST(loop.run_once(handler, days(90)) == 0u);
    BOOST_TEST((time.passed() == days(90)));
    BOOST_TEST(driven_clock::waits() >= 4u); // 24.8 days are the longest that epoll can wait
    BOOST_TEST(loop.run_once(handler) == 1u);
    BOOST_TEST((time.passed() == days(200)));
  }
}

BOOST_AUTO_TEST_CASE(a_poll_of_months_is_never_early) {
  for (habit each : {habit::exact, habit::ends_early}) {
    driven const time;
    mioext::poller poller;
    mioext::events ready(4);
    take_up(each);
    BOOST_TEST(poller.poll(ready, days(90)) == 0u);
    BOOST_TEST((time.passed() == days(90)));
    BOOST_TEST(driven_clock::waits() >= 4u);
  }
}

// --- A connect that finds no room ----------------------------------------------------------------

/// When the tries come, counted from the first one.
std::vector<nanoseconds> since_first(std::vector<nanoseconds> const& tries) {
  std::vector<nanoseconds> result;
  for (nanoseconds const& each : tries) {
    result.push_back(each - tries.front());
  }
  return result;
}

std::vector<nanoseconds> first_tries() {
  std::vector<nanoseconds> result;
  for (int at : {0, 1, 3, 7, 15, 31, 63, 127, 191, 255}) {
    result.push_back(milliseconds(at));
  }
  return result;
}

/// The longest that a connect waits between two tries.
constexpr milliseconds longest_delay(64);

/// @param go_on runs the program until something happens, for no longer than the longest delay
/// @param is_made whether the connect has completed
void check_retries(full_listener& listener, std::function<void()> const& go_on,
                   std::function<bool()> const& is_made) {
  std::vector<nanoseconds>& tries = *connects;
  auto const go_on_to = [&](std::size_t count) {
    while (tries.size() < count) {
      go_on();
    }
  };
  std::vector<nanoseconds> const expected = first_tries();
  go_on_to(expected.size());
  std::vector<nanoseconds> first = since_first(tries);
  first.resize(expected.size());
  BOOST_TEST((first == expected));

  // One try for all that were slept through, and the next one as late as ever.
  std::size_t const before = tries.size();
  bool has_slept = false;
  driven_clock::on_wait([&](nanoseconds asked) {
    nanoseconds const slept = has_slept ? nanoseconds::zero() : nanoseconds(hours(5));
    has_slept = true;
    return asked + slept;
  });
  go_on_to(before + 2);
  BOOST_TEST((tries[before] - tries[before - 1] >= hours(5)));
  BOOST_TEST((tries[before] - tries[before - 1] <= hours(5) + longest_delay));
  BOOST_TEST((tries[before + 1] - tries[before] == longest_delay));

  // Ten minutes of that.
  go_on_to(before + 2 + 9375);
  BOOST_TEST((tries[before + 1 + 9375] - tries[before + 1] == std::chrono::minutes(10)));

  // A clock that stands still brings no try.
  std::size_t const still = tries.size();
  std::size_t const waits = driven_clock::waits();
  driven_clock::on_wait([waits](nanoseconds asked) {
    return driven_clock::waits() < waits + 100 ? nanoseconds::zero() : asked;
  });
  go_on_to(still + 1);
  BOOST_TEST(driven_clock::waits() >= waits + 100);
  BOOST_TEST((tries[still] - tries[still - 1] == longest_delay));

  BOOST_TEST(!is_made());
  std::size_t const last = tries.size();
  listener.drain();
  while (!is_made()) {
    go_on();
  }
  BOOST_TEST(tries.size() == last + 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_loop_retries_a_connect_at_its_intervals, Loop, all_loops) {
  driven const time;
  full_listener listener;
  Loop loop;
  recorder<> handler;
  mioext::unix_socket socket;
  std::vector<nanoseconds> tries;
  connects = &tries;
  loop.connect(socket, listener.endpoint, token(1));
  check_retries(
      listener, [&] { loop.run_once(handler, longest_delay); },
      [&] { return !handler.calls.empty(); });
  BOOST_TEST(handler.calls == strings{"writable token(1)"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(async_connect_retries_at_the_same_intervals, Context, all_contexts) {
  driven const time;
  full_listener listener;
  Context context;
  mioext::unix_socket socket;
  std::vector<nanoseconds> tries;
  connects = &tries;
  bool is_made = false;
  mioext::async_connect(context, socket, listener.endpoint, [&](error_code const& error) {
    BOOST_TEST(!error);
    is_made = true;
  });
  check_retries(
      listener,
      [&] {
        context.restart();
        context.run_one_for(longest_delay);
      },
      [&] { return is_made; });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(when_one_connect_is_made_the_others_begin_anew, Loop, all_loops) {
  driven const time;
  full_listener listener;
  Loop loop;
  recorder<> handler;
  mioext::unix_socket first;
  mioext::unix_socket second;
  loop.connect(first, listener.endpoint, token(1));
  loop.connect(second, listener.endpoint, token(2));
  loop.run_once(handler, seconds(10));
  BOOST_TEST(handler.calls.empty());
  listener.accepted.push_back(listener.acceptor.accept()); // room for one
  std::vector<nanoseconds> tries;
  connects = &tries;
  while (tries.size() < 7) {
    loop.run_once(handler, milliseconds(1));
  }
  BOOST_TEST(handler.calls.size() == 1u);
  // Both were due at the same time; one was made.
  std::vector<nanoseconds> expected;
  for (int at : {0, 0, 1, 3, 7, 15, 31}) {
    expected.push_back(milliseconds(at));
  }
  BOOST_TEST((since_first(tries) == expected));
}

// --- In a context --------------------------------------------------------------------------------

/// (An io_context wakes up every second when there is a limit.)
BOOST_AUTO_TEST_CASE(a_context_runs_for_months_and_no_less) {
  for (habit each : {habit::exact, habit::ends_early}) {
    for (nanoseconds expiry : {nanoseconds(years(1)), nanoseconds::max() - now()}) {
      driven const time;
      selector_context context;
      mioext::steady_timer timer(context, expiry);
      timer.async_wait([](error_code const&) { BOOST_ERROR("it was too early"); });
      take_up(each);
      BOOST_TEST(context.run_for(days(90)) == 0u);
      BOOST_TEST((time.passed() == days(90)));
      BOOST_TEST(driven_clock::waits() >= 4u);
    }
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(waits_of_months_end_in_order_and_none_early, Context, all_contexts) {
  for (habit each : {habit::exact, habit::ends_early, habit::suspended}) {
    driven const time;
    Context context;
    take_up(each);
    std::mt19937_64 random(3);
    std::vector<std::unique_ptr<mioext::steady_timer>> timers;
    std::vector<clock::time_point> ended;
    for (int index = 0; index != 1000; ++index) {
      timers.emplace_back(new mioext::steady_timer(context));
      mioext::steady_timer& timer = *timers.back();
      timer.expires_after(milliseconds(1 + (random() >> (32 + random() % 31))));
      timer.async_wait([&](error_code const& error) {
        BOOST_TEST(!error);
        BOOST_TEST((timer.expiry() <= clock::now()));
        BOOST_TEST((each != habit::exact || timer.expiry() == clock::now()));
        ended.push_back(timer.expiry());
      });
    }
    context.run();
    BOOST_TEST(ended.size() == timers.size());
    BOOST_TEST(std::is_sorted(ended.begin(), ended.end()));
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_wait_of_centuries_ends_when_the_machine_has_slept_so_long, Context,
                              all_contexts) {
  driven const time;
  Context context;
  mioext::steady_timer far(context, years(200));
  mioext::steady_timer never(context, clock::time_point::max());
  std::vector<int> ended;
  far.async_wait([&](error_code const& error) {
    BOOST_TEST(!error);
    BOOST_TEST((time.passed() == years(200)));
    ended.push_back(1);
    driven_clock::advance(years(80));
    never.cancel();
  });
  never.async_wait([&](error_code const& error) {
    BOOST_TEST(error == boost::asio::error::operation_aborted);
    ended.push_back(2);
  });
  driven_clock::on_wait([](nanoseconds asked) { return std::max<nanoseconds>(asked, years(1)); });
  context.run();
  BOOST_TEST(ended == (std::vector<int>{1, 2}), boost::test_tools::per_element());
}

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
BOOST_AUTO_TEST_CASE_TEMPLATE(a_limit_of_months_ends_an_operation_at_its_time, Context,
                              all_contexts) {
  for (habit each : {habit::exact, habit::ends_early}) {
    driven const time;
    Context context;
    take_up(each);
    mioext::steady_timer never(context, clock::time_point::max());
    bool has_ended = false;
    never.async_wait(mioext::cancel_after(days(90), [&](error_code const& error) {
      BOOST_TEST(error == boost::asio::error::operation_aborted);
      BOOST_TEST((time.passed() == days(90)));
      has_ended = true;
    }));
    context.run();
    BOOST_TEST(has_ended);
  }
}
#endif // MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

BOOST_AUTO_TEST_SUITE_END()
