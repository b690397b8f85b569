//
// test/watcher_set.cpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <mioext/watcher_set.hpp>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <unistd.h>

#include <boost/asio/post.hpp>

#include "contexts.hpp"

namespace {

namespace error = boost::asio::error;
using boost::system::error_code;
using contexts::poll_all;
using contexts::run;
using contexts::run_until;
using mioext::interest;
using mioext::watcher_set;
using mioext::detail::file_descriptor;
using support::drain;
using support::socket_pair;
using support::strings;
using support::tested_context;

strings const none;

// Writes down each call, with a name instead of a number, and does what the test wants then.
struct reports {
  strings calls;
  int first = -1;
  std::function<void(int, interest)> then = [](int, interest) {};

  struct callback {
    reports* self;

    void operator()(error_code const& ec, int fd, interest ready) const {
      std::string const name = fd == self->first ? "first " : "second ";
      self->calls.push_back(name +
                            (ec ? ec == error::bad_descriptor ? "bad_descriptor" : ec.message()
                                : support::to_string(ready)));
      self->then(fd, ready);
    }
  };

  callback to() { return callback{this}; }
};

} // namespace

BOOST_AUTO_TEST_CASE(one_callback_is_told_which_descriptor_is_ready) {
  tested_context context;
  socket_pair first;
  socket_pair second;
  reports told;
  told.first = first.near.get();
  watcher_set set(context, told.to());
  told.then = [&](int fd, interest) {
    drain(fd);
    set.watch(fd, interest::none);
  };
  set.watch(first.near.get(), interest::readable);
  set.watch(second.near.get(), interest::readable | interest::writable);
  BOOST_TEST(set.size() == 2u);
  BOOST_TEST(told.calls == none); // not from inside
  run_until(context, [&] { return told.calls.size() == 1; });
  BOOST_TEST(told.calls.back() == "second writable");
  BOOST_TEST(set.wanted(second.near.get()) == interest::none);
  BOOST_TEST(set.wanted(first.near.get()) == interest::readable);
  BOOST_TEST(poll_all(context));
  second.send();
  first.send();
  run(context);
  BOOST_TEST(told.calls.size() == 2u);
  BOOST_TEST(told.calls.back() == "first readable");
  BOOST_TEST(set.empty());
}

BOOST_AUTO_TEST_CASE(what_was_said_last_holds) {
  tested_context context;
  socket_pair pair;
  reports told;
  told.first = pair.near.get();
  watcher_set set(context, told.to());
  told.then = [&](int, interest) { set.stop(); };
  set.watch(pair.near.get(), interest::readable);
  set.watch(pair.near.get(), interest::readable);
  BOOST_TEST(set.size() == 1u);
  set.watch(pair.near.get(), interest::none);
  set.watch(pair.near.get(), interest::none); // it is forgotten already
  BOOST_TEST(set.empty());
  set.watch(pair.near.get(), interest::readable);
  set.watch(pair.near.get(), interest::writable);
  pair.send();
  run(context);
  BOOST_TEST(told.calls == strings{"first writable"});
}

BOOST_AUTO_TEST_CASE(it_is_level_triggered) {
  tested_context context;
  socket_pair pair;
  pair.send("ab");
  reports told;
  told.first = pair.near.get();
  watcher_set set(context, told.to());
  told.then = [&](int fd, interest) {
    char byte;
    BOOST_TEST(::read(fd, &byte, 1) == 1);
  };
  set.watch(pair.near.get(), interest::readable);
  run_until(context, [&] { return told.calls.size() == 2; });
  BOOST_TEST(poll_all(context));
  BOOST_TEST(told.calls == (strings{"first readable", "first readable"}));
}

BOOST_AUTO_TEST_CASE(what_cannot_be_watched_is_refused_and_not_in_the_set) {
  tested_context context;
  reports told;
  watcher_set set(context, told.to());
  error_code ec;
  set.watch(-1, interest::readable, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  BOOST_CHECK_THROW(set.watch(-1, interest::readable), boost::system::system_error);
  socket_pair pair;
  set.watch(pair.near.get(), static_cast<interest>(64), ec);
  BOOST_TEST(ec == error::invalid_argument);
  BOOST_TEST(set.empty());
  set.watch(pair.near.get(), interest::readable, ec);
  BOOST_TEST(!ec);
  set.watch(pair.near.get(), static_cast<interest>(64), ec);
  BOOST_TEST(ec == error::invalid_argument);
  BOOST_TEST(set.wanted(pair.near.get()) == interest::readable);
}

BOOST_AUTO_TEST_CASE(one_that_was_closed_has_left_the_set_when_the_callback_is_told) {
  tested_context context;
  socket_pair pair;
  reports told;
  told.first = pair.near.get();
  watcher_set set(context, told.to());
  told.then = [&](int, interest) { BOOST_TEST(set.empty()); };
  set.watch(pair.near.get(), interest::readable);
  pair.near.reset();
  run(context);
  BOOST_TEST(told.calls == strings{"first bad_descriptor"});
}

BOOST_AUTO_TEST_CASE(a_number_that_was_closed_and_used_again_is_watched_anew) {
  tested_context context;
  socket_pair pair;
  socket_pair next;
  reports told;
  told.first = pair.near.get();
  watcher_set set(context, told.to());
  told.then = [&](int, interest) { set.stop(); };
  set.watch(pair.near.get(), interest::readable);
  int const number = pair.near.release();
  BOOST_REQUIRE(::dup2(next.near.get(), number) == number);
  next.near.reset(number);
  set.watch(number, interest::readable | interest::writable);
  run(context);
  BOOST_TEST(told.calls == strings{"first writable"});
}

BOOST_AUTO_TEST_CASE(those_on_their_way_are_not_told_after_stop) {
  tested_context context;
  socket_pair first;
  socket_pair second;
  reports told;
  told.first = first.near.get();
  watcher_set set(context, told.to());
  told.then = [&](int, interest) { set.stop(); };
  set.watch(first.near.get(), interest::writable);
  set.watch(second.near.get(), interest::writable);
  run(context);
  BOOST_TEST(told.calls.size() == 1u);
}

BOOST_AUTO_TEST_CASE(it_is_destroyed_in_its_own_callback) {
  tested_context context;
  socket_pair first;
  socket_pair second;
  auto const owned = std::make_shared<int>();
  int calls = 0;
  std::unique_ptr<watcher_set> set;
  set.reset(new watcher_set(context, [&calls, &set, owned](error_code, int, interest) {
    set.reset();
    ++calls;
    BOOST_TEST(owned.use_count() == 2);
  }));
  set->watch(first.near.get(), interest::writable);
  set->watch(second.near.get(), interest::writable);
  run(context);
  BOOST_TEST(calls == 1);
  BOOST_TEST(owned.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(it_is_destroyed_when_it_is_told_an_error) {
  tested_context context;
  socket_pair pair;
  std::unique_ptr<watcher_set> set;
  error_code told;
  set.reset(new watcher_set(context, [&](error_code ec, int, interest) {
    set.reset();
    told = ec;
  }));
  set->watch(pair.near.get(), interest::readable);
  pair.near.reset();
  run(context);
  BOOST_TEST(told == error::bad_descriptor);
}

BOOST_AUTO_TEST_CASE(moving_takes_everything_along) {
  tested_context context;
  socket_pair pair;
  reports told;
  reports dropped;
  told.first = pair.near.get();
  watcher_set first(context, told.to());
  watcher_set second(context, dropped.to());
  first.watch(pair.near.get(), interest::writable);
  second.watch(pair.near.get(), interest::writable);
  second = std::move(first);
  watcher_set third(std::move(second));
  told.then = [&](int, interest) { third.stop(); };
  run(context);
  BOOST_TEST(told.calls == strings{"first writable"});
  BOOST_TEST(dropped.calls == none);
}

BOOST_AUTO_TEST_CASE(the_context_goes_first) {
  socket_pair pair;
  auto const owned = std::make_shared<int>();
  std::unique_ptr<tested_context> context(new tested_context);
  std::unique_ptr<watcher_set> set(
      new watcher_set(*context, [owned](error_code, int, interest) {}));
  set->watch(pair.near.get(), interest::writable);
  context.reset();
  error_code ec;
  set->watch(pair.near.get(), interest::readable, ec);
  BOOST_TEST(ec == error::operation_aborted);
  set.reset();
  BOOST_TEST(owned.use_count() == 1);
}

// libcurl's socket callback comes from inside the function that the set's callback calls.
BOOST_AUTO_TEST_CASE(a_library_changes_others_in_the_callback) {
  tested_context context;
  socket_pair first;
  socket_pair second;
  reports told;
  told.first = first.near.get();
  watcher_set set(context, told.to());
  told.then = [&](int fd, interest) {
    if (fd == first.near.get()) {
      set.watch(first.near.get(), interest::none);
      for (int number = 0; number != 100; ++number) { // the table moves
        set.watch(second.near.get(), number % 2 == 0 ? interest::readable : interest::writable);
      }
    } else {
      set.watch(fd, interest::none);
    }
  };
  set.watch(first.near.get(), interest::writable);
  run(context);
  BOOST_TEST(told.calls == (strings{"first writable", "second writable"}));
}
