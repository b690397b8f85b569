//
// test/kqueue_faults.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Changes of a registration that kqueue refuses: what was registered before goes on. The linker sends
// each call of kevent(2) here (ld's --wrap), and single changes fail when a test says so.
//

#include <mioext/detail/polling/selector.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>
#include <vector>

#include <sys/event.h>
#include <time.h>

#include <boost/asio/buffer.hpp>

#include <mioext/event_loop.hpp>
#include <mioext/pipe.hpp>
#include <mioext/poller.hpp>
#include <mioext/unix.hpp>

#include "support.hpp"

namespace {

/// Which additions of a filter are to fail, counted from zero, and how.
struct plan {
  int filter = 0;
  int first = 0;
  int last = -1; ///< none, if less than the first
  int error = 0;
};

plan planned;
int additions = 0;

bool is_to_fail(struct kevent const& change) {
  if (!(change.flags & EV_ADD) || change.filter != planned.filter) {
    return false;
  }
  int const index = additions++;
  return index >= planned.first && index <= planned.last;
}

} // namespace

extern "C" int __real_kevent(int, struct kevent const*, int, struct kevent*, int,
                             struct timespec const*);
extern "C" int __wrap_kevent(int, struct kevent const*, int, struct kevent*, int,
                             struct timespec const*);

/// Changes one by one, with an answer for each; what waits goes through.
int __wrap_kevent(int queue, struct kevent const* changes, int count, struct kevent* events,
                  int capacity, struct timespec const* limit) {
  for (int index = 0; index != count; ++index) {
    struct kevent change = changes[index];
    if (is_to_fail(change)) {
      change.flags = static_cast<decltype(change.flags)>(change.flags | EV_ERROR);
      change.data = planned.error;
    } else {
      errno = 0;
      if (__real_kevent(queue, &change, 1, &change, 1, nullptr) < 0) {
        return -1;
      }
    }
    events[index] = change;
  }
  return count != 0 ? count : __real_kevent(queue, changes, 0, events, capacity, limit);
}

BOOST_AUTO_TEST_SUITE(kqueue_faults)

namespace {

using mioext::interest;
using mioext::trigger;
using namespace support;

interest const reading = interest::readable;
interest const writing = interest::writable;

struct failing {
  failing(int filter, int first, int last, int error) {
    planned.filter = filter;
    planned.first = first;
    planned.last = last;
    planned.error = error;
    additions = 0;
  }
  ~failing() { planned = plan(); }
  failing(failing const&) = delete;
  failing& operator=(failing const&) = delete;
};

/// A connected socket with something to read and room to write, watched by a poller.
struct watched {
  watched(interest wanted, trigger how) {
    pair.send();
    poller.registry().register_handle(pair.near.get(), token(1), wanted, how);
  }

  /// Token and direction of what is reported at once.
  std::vector<std::pair<std::size_t, char>> reported() {
    poller.poll(events, std::chrono::seconds(0));
    std::vector<std::pair<std::size_t, char>> result;
    for (mioext::event const& event : events) {
      result.emplace_back(event.token().value(), event.is_readable() ? 'r' : 'w');
    }
    std::sort(result.begin(), result.end());
    return result;
  }

  boost::system::error_code reregister(interest wanted, trigger how) {
    boost::system::error_code ec;
    poller.registry().reregister_handle(pair.near.get(), token(2), wanted, how, ec);
    return ec;
  }

  socket_pair pair;
  mioext::poller poller;
  mioext::events events{8};
};

using reports = std::vector<std::pair<std::size_t, char>>;

} // namespace

// It was removed before the change was made, and gone after an error.
BOOST_AUTO_TEST_CASE(a_change_that_fails_leaves_the_registration_as_it_was) {
  for (interest before : {reading, writing, reading | writing}) {
    for (interest after : {reading, writing, reading | writing}) {
      for (trigger how : {trigger::level, trigger::edge, trigger::oneshot}) {
        for (int filter : {EVFILT_READ, EVFILT_WRITE}) {
          if (!contains(after, filter == EVFILT_READ ? reading : writing)) {
            continue;
          }
          watched test(before, trigger::level);
          {
            failing const once(filter, 0, 0, ENOMEM);
            BOOST_TEST(test.reregister(after, how) == boost::system::errc::not_enough_memory);
          }
          reports expected;
          if (contains(before, reading)) {
            expected.emplace_back(1, 'r');
          }
          if (contains(before, writing)) {
            expected.emplace_back(1, 'w');
          }
          BOOST_TEST((test.reported() == expected));
          BOOST_TEST((test.reported() == expected)); // level-triggered still
          boost::system::error_code ec;
          test.poller.registry().register_handle(test.pair.near.get(), token(3), reading, ec);
          BOOST_TEST(ec == boost::system::errc::file_exists);
          BOOST_TEST(!test.reregister(after, trigger::level));
          for (auto const& each : test.reported()) {
            BOOST_TEST(each.first == 2u);
            BOOST_TEST(contains(after, each.second == 'r' ? reading : writing));
          }
          test.poller.registry().deregister_handle(test.pair.near.get());
          BOOST_TEST((test.reported() == reports()));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(an_edge_goes_on_as_an_edge_after_a_change_that_failed) {
  watched test(reading, trigger::edge);
  BOOST_TEST((test.reported() == reports{{1, 'r'}}));
  {
    failing const once(EVFILT_WRITE, 0, 0, ENOMEM);
    BOOST_TEST(test.reregister(reading | writing, trigger::level) ==
               boost::system::errc::not_enough_memory);
  }
  BOOST_TEST((test.reported() == reports{{1, 'r'}})); // once more, by being put back
  BOOST_TEST((test.reported() == reports()));
  test.pair.send();
  BOOST_TEST((test.reported() == reports{{1, 'r'}}));
  BOOST_TEST((test.reported() == reports()));
}

// Some kernels refuse to watch a pipe for writing whose readers are gone, and so to put it back.
BOOST_AUTO_TEST_CASE(what_cannot_be_put_back_is_registered_no_more) {
  watched test(reading | writing, trigger::level);
  {
    failing const all(EVFILT_WRITE, 0, 9, EPIPE);
    BOOST_TEST(test.reregister(writing, trigger::edge) == boost::system::errc::broken_pipe);
  }
  BOOST_TEST((test.reported() == reports()));
  BOOST_TEST(test.reregister(reading, trigger::level) ==
             boost::system::errc::no_such_file_or_directory);
  test.poller.registry().register_handle(test.pair.near.get(), token(3), reading, trigger::level);
  BOOST_TEST((test.reported() == reports{{3, 'r'}}));
}

BOOST_AUTO_TEST_CASE(a_loop_goes_on_with_what_was_registered_before_a_change_that_failed) {
  for (int error : {ENOMEM, EPIPE}) {
    socket_pair pair;
    pair.send();
    mioext::event_loop loop;
    recorder<> handler;
    loop.register_handle(pair.near.get(), token(1), reading, trigger::level);
    boost::system::error_code ec;
    {
      failing const once(EVFILT_WRITE, 0, 0, error);
      loop.reregister_handle(pair.near.get(), token(2), reading | writing, trigger::level, ec);
    }
    BOOST_TEST(ec.value() == error);
    loop.run_once(handler, std::chrono::seconds(0));
    BOOST_TEST(handler.calls == strings{"readable token(1) data"},
               boost::test_tools::per_element());
    loop.deregister_handle(pair.near.get());
  }
}

BOOST_AUTO_TEST_CASE(a_loop_forgets_what_cannot_be_put_back) {
  socket_pair pair;
  mioext::event_loop loop;
  recorder<> handler;
  loop.register_handle(pair.near.get(), token(1), writing, trigger::level);
  boost::system::error_code ec;
  {
    failing const all(EVFILT_WRITE, 0, 9, EPIPE);
    loop.reregister_handle(pair.near.get(), token(2), writing, trigger::edge, ec);
  }
  BOOST_TEST(ec == boost::system::errc::broken_pipe);
  BOOST_TEST(loop.run_once(handler, std::chrono::seconds(0)) == 0u);
  loop.register_handle(pair.near.get(), token(3), writing, trigger::level);
  loop.run_once(handler, std::chrono::seconds(0));
  BOOST_TEST(handler.calls == strings{"writable token(3)"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
