//
// test/driven_clock.hpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A std::chrono::steady_clock that moves only when a test says so, or when the program waits, and then by
// as much as the test says. A wait ends at once, whether it is one of epoll's or of a timerfd.
//
// For programs of one thread. The linker sends their waits to driven_clock.cpp (ld's --wrap), which takes
// the place of the standard library's clock, too.
//

#ifndef TEST_DRIVEN_CLOCK_HPP
#define TEST_DRIVEN_CLOCK_HPP

#include <chrono>
#include <cstddef>
#include <functional>

namespace driven_clock {

using clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

/// The clock stands where it does when the program begins, for which nothing may wait for it. From now on
/// a wait moves it by as long as it lasts, and none is counted yet.
void reset();

/// The clock goes on by that much while the program does something.
void advance(nanoseconds by) noexcept;

/// From now on a wait that lasts `asked` for the system moves the clock by `passes(asked)`: by nothing if
/// the clock stands still, by less if a wait ends early, by more if the machine sleeps meanwhile.
/// `passes` may do something that the wait is to find, which then ends where the clock is.
void on_wait(std::function<nanoseconds(nanoseconds asked)> passes);

/// How many waits have moved the clock, or were to, since reset().
std::size_t waits() noexcept;

} // namespace driven_clock

#endif // TEST_DRIVEN_CLOCK_HPP
