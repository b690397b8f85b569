//
// test/watcher.cpp
// ----------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <mioext/watcher.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/stream.hpp>
#include <mioext/unix.hpp>
#include <mioext/watcher_set.hpp>

#include "allocations.hpp"
#include "child.hpp"
#include "contexts.hpp"
#include "systems.hpp"

namespace {

namespace error = boost::asio::error;
using boost::system::error_code;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::poll_all;
using contexts::run;
using contexts::run_until;
using mioext::interest;
using mioext::watcher;
using mioext::detail::file_descriptor;
using support::drain;
using support::fill;
using support::socket_pair;
using support::strings;
using support::tested_context;

// What the callback was told, in the order in which it was.
struct reports {
  strings calls;

  std::function<void(error_code, interest)> callback() {
    return [this](error_code const& ec, interest ready) { note(ec, ready); };
  }

  void note(error_code const& ec, interest ready) {
    calls.push_back(ec ? ec == error::bad_descriptor ? "bad_descriptor" : ec.message()
                       : support::to_string(ready));
  }
};

strings const none;
strings const readable{"readable"};
strings const bad_descriptor{"bad_descriptor"};

// A read that takes one byte.
void take(int fd) {
  char byte;
  BOOST_TEST(::read(fd, &byte, 1) == 1);
}

// Closes it as a C library does, and gives the number to another file.
void replace(file_descriptor& closed, file_descriptor& other) {
  int const number = closed.release();
  BOOST_REQUIRE(::dup2(other.get(), number) == number);
  other.reset(number);
}

} // namespace

BOOST_AUTO_TEST_SUITE(watching)

BOOST_AUTO_TEST_CASE(the_callback_is_called_for_each_event_until_stopped) {
  tested_context context;
  socket_pair pair;
  reports told;
  watcher watching(context);
  BOOST_TEST(!watching.is_watching());
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    BOOST_TEST(drain(pair.near.get()) == "x");
    if (told.calls.size() == 3) {
      watching.stop();
    } else {
      pair.send();
    }
  });
  BOOST_TEST(watching.is_watching());
  BOOST_TEST(watching.native_handle() == pair.near.get());
  BOOST_TEST(watching.wanted() == interest::readable);
  BOOST_TEST(poll_all(context));
  BOOST_TEST(told.calls == none);
  pair.send();
  run(context);
  BOOST_TEST(told.calls == (strings{"readable", "readable", "readable"}));
  BOOST_TEST(!watching.is_watching());
  BOOST_TEST(watching.native_handle() == -1);
  BOOST_TEST(watching.wanted() == interest::none);
}

BOOST_AUTO_TEST_CASE(it_is_level_triggered) {
  tested_context context;
  socket_pair pair;
  reports told;
  pair.send("abc");
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    take(pair.near.get());
  });
  BOOST_TEST(told.calls == none); // not from inside
  run_until(context, [&] { return told.calls.size() == 3; });
  BOOST_TEST(poll_all(context));
  BOOST_TEST(told.calls.size() == 3u);
}

BOOST_AUTO_TEST_CASE(it_is_not_called_from_inside_a_thread_of_the_context_either) {
  tested_context context;
  socket_pair pair;
  pair.send();
  reports told;
  watcher watching(context);
  bool was_called_inside = false;
  boost::asio::post(context, [&] {
    watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
      told.note(ec, ready);
      watching.stop();
    });
    watching.watch(interest::writable);
    was_called_inside = !told.calls.empty();
  });
  run(context);
  BOOST_TEST(!was_called_inside);
  BOOST_TEST(told.calls == strings{"writable"});
}

BOOST_AUTO_TEST_CASE(the_interest_changes_while_it_waits) {
  tested_context context;
  socket_pair pair;
  reports told;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    watching.watch(interest::readable);
  });
  BOOST_TEST(poll_all(context));
  watching.watch(interest::readable); // nothing to change
  watching.watch(interest::writable);
  BOOST_TEST(watching.wanted() == interest::writable);
  run_until(context, [&] { return !told.calls.empty(); });
  BOOST_TEST(poll_all(context));
  BOOST_TEST(told.calls == strings{"writable"});
  BOOST_TEST(watching.wanted() == interest::readable);
  pair.send();
  run_until(context, [&] { return told.calls.size() == 2; });
  BOOST_TEST(told.calls.back() == "readable");
}

// In one call with epoll; kqueue tells of each by itself.
BOOST_AUTO_TEST_CASE(both_directions) {
  tested_context context;
  socket_pair pair;
  pair.send();
  interest seen = interest::none;
  reports told;
  watcher watching(context);
  watching.watch(
      pair.near.get(), interest::readable | interest::writable, [&](error_code ec, interest ready) {
        BOOST_TEST(!ec);
        seen = seen | ready;
        if (seen == (interest::readable | interest::writable)) {
          watching.watch(pair.near.get(), interest::writable, [&](error_code ec2, interest ready2) {
            told.note(ec2, ready2);
            watching.stop();
          });
        }
      });
  run(context);
  BOOST_TEST(told.calls == strings{"writable"});
}

BOOST_AUTO_TEST_CASE(no_interest_is_a_pause) {
  tested_context context;
  socket_pair pair;
  reports told;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::none, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    watching.watch(interest::none);
  });
  pair.send();
  run(context); // which nothing keeps
  BOOST_TEST(told.calls == none);
  BOOST_TEST(watching.is_watching());
  watching.watch(interest::readable);
  run(context);
  BOOST_TEST(told.calls == readable);
  BOOST_TEST(watching.wanted() == interest::none);
  watching.watch(interest::readable);
  watching.watch(interest::none);
  run(context);
  BOOST_TEST(told.calls == readable);
  watching.watch(interest::readable);
  run(context);
  BOOST_TEST(told.calls == (strings{"readable", "readable"}));
}

BOOST_AUTO_TEST_CASE(another_descriptor_takes_the_place_of_the_first) {
  tested_context context;
  socket_pair first;
  socket_pair second;
  reports of_first;
  reports of_second;
  first.send();
  watcher watching(context);
  watching.watch(first.near.get(), interest::readable, of_first.callback());
  watching.watch(second.near.get(), interest::readable, [&](error_code ec, interest ready) {
    of_second.note(ec, ready);
    watching.stop();
  });
  BOOST_TEST(watching.native_handle() == second.near.get());
  BOOST_TEST(poll_all(context));
  second.send();
  run(context);
  BOOST_TEST(of_first.calls == none);
  BOOST_TEST(of_second.calls == readable);
}

BOOST_AUTO_TEST_CASE(the_callback_watches_another_descriptor) {
  tested_context context;
  socket_pair first;
  socket_pair second;
  reports told;
  first.send();
  watcher watching(context);
  watching.watch(first.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    watching.watch(second.near.get(), interest::writable, [&](error_code ec2, interest ready2) {
      told.note(ec2, ready2);
      watching.stop();
    });
  });
  run(context);
  BOOST_TEST(told.calls == (strings{"readable", "writable"}));
}

BOOST_AUTO_TEST_CASE(the_callback_may_be_move_only) {
  tested_context context;
  socket_pair pair;
  struct move_only {
    std::unique_ptr<int> owned;
    reports* told;
    watcher* watching;

    void operator()(error_code ec, interest ready) {
      told->note(ec, ready);
      BOOST_TEST(*owned == 5);
      watching->stop();
      BOOST_TEST(*owned == 5); // it lives until it returns
    }
  };
  reports told;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::writable,
                 move_only{std::unique_ptr<int>(new int(5)), &told, &watching});
  run(context);
  BOOST_TEST(told.calls == strings{"writable"});
}

BOOST_AUTO_TEST_CASE(an_exception_leaves_the_run_and_the_watcher_goes_on) {
  tested_context context;
  socket_pair pair;
  pair.send();
  int calls = 0;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code, interest) {
    if (++calls == 1) {
      throw std::runtime_error("thrown");
    }
    watching.stop();
  });
  BOOST_CHECK_THROW(run(context), std::runtime_error);
  BOOST_TEST(watching.is_watching());
  run(context);
  BOOST_TEST(calls == 2);
}

BOOST_AUTO_TEST_CASE(a_hang_up_is_readiness) {
  tested_context context;
  socket_pair pair;
  reports told;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    char byte;
    BOOST_TEST(::read(pair.near.get(), &byte, 1) == 0);
    watching.stop();
  });
  pair.far.reset();
  run(context);
  BOOST_TEST(told.calls == readable);
}

BOOST_AUTO_TEST_CASE(two_watch_one_descriptor) {
  tested_context context;
  socket_pair pair;
  reports reads;
  reports writes;
  watcher reader(context);
  watcher writer(context);
  reader.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    reads.note(ec, ready);
    take(pair.near.get());
    if (reads.calls.size() == 2) {
      reader.stop();
    }
  });
  writer.watch(pair.near.get(), interest::writable, [&](error_code ec, interest ready) {
    writes.note(ec, ready);
    if (writes.calls.size() == 2) {
      writer.stop();
    }
  });
  run_until(context, [&] { return writes.calls.size() == 2; });
  BOOST_TEST(poll_all(context));
  BOOST_TEST(reads.calls == none);
  pair.send("ab");
  run(context);
  BOOST_TEST(reads.calls == (strings{"readable", "readable"}));
  BOOST_TEST(writes.calls == (strings{"writable", "writable"}));
}

BOOST_AUTO_TEST_CASE(beside_async_wait_and_in_a_callback_of_its_own) {
  tested_context context;
  socket_pair pair;
  reports told;
  outcome writable;
  outcome waited;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    if (told.calls.size() == 1) {
      mioext::async_wait(context, pair.near.get(), interest::readable, into(waited));
    } else if (waited.calls != 0) {
      watching.stop();
    }
  });
  mioext::async_wait(context, pair.near.get(), interest::writable, into(writable));
  run_until(context, [&] { return writable.calls != 0; });
  BOOST_TEST(told.calls == none);
  pair.send();
  run(context);
  BOOST_TEST(writable == ended());
  BOOST_TEST(waited == ended());
  BOOST_TEST(told.calls.size() >= 2u);
}

BOOST_AUTO_TEST_CASE(beside_a_stream_of_the_same_descriptor) {
  tested_context context;
  auto ends = mioext::unix_socket::pair();
  mioext::stream<mioext::unix_socket> stream(context, std::move(ends.first));
  reports told;
  outcome read;
  char byte;
  stream.async_read_some(boost::asio::buffer(&byte, 1), into(read));
  watcher watching(context);
  watching.watch(stream, interest::writable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    if (told.calls.size() == 3) {
      watching.stop();
    }
  });
  run_until(context, [&] { return told.calls.size() == 3; });
  ends.second.write_some(boost::asio::buffer("x", 1));
  run(context);
  BOOST_TEST(read == ended());
  BOOST_TEST(told.calls == (strings{"writable", "writable", "writable"}));
}

BOOST_AUTO_TEST_CASE(who_cancels_a_stream_of_the_same_descriptor_does_not_mean_it) {
  tested_context context;
  auto ends = mioext::unix_socket::pair();
  mioext::stream<mioext::unix_socket> stream(context, std::move(ends.first));
  reports told;
  outcome read;
  char byte;
  stream.async_read_some(boost::asio::buffer(&byte, 1), into(read));
  watcher watching(context);
  watching.watch(stream, interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    watching.stop();
  });
  stream.cancel();
  run_until(context, [&] { return read.calls != 0; });
  BOOST_TEST(read == ended(error::operation_aborted));
  BOOST_TEST(told.calls == none);
  ends.second.write_some(boost::asio::buffer("x", 1));
  run(context);
  BOOST_TEST(told.calls == readable);
}

BOOST_AUTO_TEST_CASE(in_steady_state_nothing_is_allocated) {
#ifndef MIOEXT_TEST_CANNOT_COUNT
  tested_context context;
  socket_pair pair;
  int calls = 0;
  std::size_t before = 0;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code, interest) {
    ++calls;
    take(pair.near.get());
    if (calls == 20) {
      before = allocations;
    } else if (calls == 100) {
      watching.watch(interest::readable | interest::writable);
    } else if (calls == 101) {
      watching.watch(interest::readable);
    } else if (calls == 200) {
      before = allocations - before;
      watching.stop();
      return;
    }
    ::send(pair.far.get(), "x", 1, support::no_sigpipe);
  });
  pair.send();
  run(context);
  BOOST_TEST(calls == 200);
  BOOST_TEST(before == 0u);
#endif
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(refused)

BOOST_AUTO_TEST_CASE(what_cannot_be_watched) {
  tested_context context;
  watcher watching(context);
  reports told;
  error_code ec;
  watching.watch(-1, interest::readable, told.callback(), ec);
  BOOST_TEST(ec == error::bad_descriptor);
  int const closed = ::fcntl(0, F_DUPFD_CLOEXEC, 500);
  ::close(closed);
  watching.watch(closed, interest::readable, told.callback(), ec);
  BOOST_TEST(ec == error::bad_descriptor);
  file_descriptor const file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  if (file.get() >= 0) {
    watching.watch(file.get(), interest::readable, told.callback(), ec);
    BOOST_TEST(ec == error::no_permission);
  }
  socket_pair pair;
  watching.watch(pair.near.get(), static_cast<interest>(64), told.callback(), ec);
  BOOST_TEST(ec == error::invalid_argument);
  BOOST_CHECK_THROW(watching.watch(-1, interest::readable, told.callback()),
                    boost::system::system_error);
  BOOST_TEST(!watching.is_watching());
  run(context);
  BOOST_TEST(told.calls == none);
}

BOOST_AUTO_TEST_CASE(after_an_error_the_old_descriptor_is_still_watched) {
  tested_context context;
  socket_pair pair;
  reports told;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    watching.stop();
  });
  error_code ec;
  watching.watch(-1, interest::readable, reports().callback(), ec);
  BOOST_TEST(ec == error::bad_descriptor);
  watching.watch(static_cast<interest>(64), ec);
  BOOST_TEST(ec == error::invalid_argument);
  pair.send();
  run(context);
  BOOST_TEST(told.calls == readable);
}

BOOST_AUTO_TEST_CASE(an_interest_when_nothing_is_watched) {
  tested_context context;
  socket_pair pair;
  watcher watching(context);
  error_code ec;
  watching.watch(interest::readable, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  watching.watch(pair.near.get(), interest::readable, reports().callback());
  watching.stop();
  watching.stop();
  BOOST_CHECK_THROW(watching.watch(interest::readable), boost::system::system_error);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(the_end)

BOOST_AUTO_TEST_CASE(it_is_never_called_after_stop_even_if_a_call_was_on_its_way) {
  tested_context context;
  socket_pair pairs[3];
  reports told;
  std::vector<watcher> watchers;
  for (socket_pair& pair : pairs) {
    pair.send();
    watchers.emplace_back(context);
    watchers.back().watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
      told.note(ec, ready);
      for (watcher& one : watchers) { // all of them were ready, and two were on their way
        one.stop();
      }
    });
  }
  run(context);
  BOOST_TEST(told.calls == readable);
}

BOOST_AUTO_TEST_CASE(what_is_on_its_way_is_watched_for_something_else) {
  tested_context context;
  socket_pair pairs[2];
  reports told;
  std::vector<watcher> watchers;
  for (socket_pair& pair : pairs) {
    pair.send();
    watchers.emplace_back(context);
    watchers.back().watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
      told.note(ec, ready);
      for (watcher& one : watchers) {
        one.watch(ready == interest::readable ? interest::writable : interest::none);
      }
    });
  }
  run(context);
  BOOST_TEST(told.calls == (strings{"readable", "writable"}));
  BOOST_TEST(watchers[0].is_watching());
  BOOST_TEST(watchers[1].is_watching());
}

BOOST_AUTO_TEST_CASE(the_callback_is_destroyed_by_stop) {
  tested_context context;
  socket_pair pair;
  auto const owned = std::make_shared<int>();
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [owned](error_code, interest) {});
  BOOST_TEST(owned.use_count() == 2);
  watching.stop();
  BOOST_TEST(owned.use_count() == 1);
  run(context);
}

BOOST_AUTO_TEST_CASE(a_callback_that_owns_its_watcher_destroys_it) {
  tested_context context;
  socket_pair pair;
  struct session {
    explicit session(tested_context& context) : watching(context) {}
    watcher watching;
    std::shared_ptr<int> alive = std::make_shared<int>();
  };
  auto made = std::make_shared<session>(context);
  std::weak_ptr<int> const alive = made->alive;
  made->watching.watch(pair.near.get(), interest::readable,
                       [made](error_code, interest) { made->watching.stop(); });
  made.reset();
  BOOST_TEST(!alive.expired());
  pair.send();
  run(context);
  BOOST_TEST(alive.expired());
}

BOOST_AUTO_TEST_CASE(the_watcher_is_destroyed_in_its_own_callback) {
  tested_context context;
  socket_pair pair;
  pair.send();
  reports told;
  std::unique_ptr<watcher> watching(new watcher(context));
  std::string const kept(100, 'k');
  watching->watch(pair.near.get(), interest::readable, [&, kept](error_code ec, interest ready) {
    watching.reset();
    told.note(ec, ready);
    BOOST_TEST(kept == std::string(100, 'k'));
  });
  run(context);
  BOOST_TEST(told.calls == readable);
}

BOOST_AUTO_TEST_CASE(the_watcher_is_destroyed_in_a_callback_that_throws) {
  tested_context context;
  socket_pair pair;
  pair.send();
  std::unique_ptr<watcher> watching(new watcher(context));
  watching->watch(pair.near.get(), interest::readable, [&](error_code, interest) {
    watching.reset();
    throw std::runtime_error("thrown");
  });
  BOOST_CHECK_THROW(run(context), std::runtime_error);
  run(context);
}

BOOST_AUTO_TEST_CASE(moving_takes_the_watch_along) {
  tested_context context;
  socket_pair pair;
  socket_pair other;
  reports told;
  reports of_other;
  watcher first(context);
  watcher second(context);
  first.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    if (told.calls.size() == 1) {
      first = std::move(second); // in the callback
      take(pair.near.get());
      pair.send();
    } else {
      first.stop();
    }
  });
  second.watch(other.near.get(), interest::readable, of_other.callback());
  BOOST_TEST(poll_all(context));
  second = std::move(first);
  BOOST_TEST(!first.is_watching());
  BOOST_TEST(second.is_watching());
  other.send();
  pair.send();
  run(context);
  BOOST_TEST(told.calls == (strings{"readable", "readable"}));
  BOOST_TEST(of_other.calls == none);
  watcher third(std::move(first));
  BOOST_TEST(!third.is_watching());
}

BOOST_AUTO_TEST_CASE(the_context_goes_first) {
  auto const owned = std::make_shared<int>();
  socket_pair pair;
  std::unique_ptr<tested_context> context(new tested_context);
  watcher watching(*context);
  watcher idle(*context);
  watcher ready(*context);
  ready.watch(pair.near.get(), interest::writable, [owned](error_code, interest) {});
  watching.watch(pair.near.get(), interest::readable, [owned](error_code, interest) {});
  idle.watch(pair.near.get(), interest::none, [owned](error_code, interest) {});
  BOOST_TEST(owned.use_count() == 4);
  context.reset();
  BOOST_TEST(owned.use_count() == 2); // the one that was idle keeps it
  BOOST_TEST(!watching.is_watching());
  error_code ec;
  watching.watch(interest::readable, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  watching.watch(pair.near.get(), interest::readable, reports().callback(), ec);
  BOOST_TEST(ec == error::operation_aborted);
  watching.stop();
}

BOOST_AUTO_TEST_CASE(the_context_goes_and_with_it_what_owns_its_watcher) {
  socket_pair pair;
  std::unique_ptr<tested_context> context(new tested_context);
  auto made = std::make_shared<watcher>(*context);
  std::weak_ptr<watcher> const alive = made;
  made->watch(pair.near.get(), interest::readable, [made](error_code, interest) {});
  made.reset();
  context.reset();
  BOOST_TEST(alive.expired());
}

BOOST_AUTO_TEST_CASE(run_returns_when_the_last_one_stops) {
  tested_context context;
  socket_pair pair;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, reports().callback());
  boost::asio::post(context, [&] { watching.stop(); });
  run(context);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(closed_behind_its_back)

BOOST_AUTO_TEST_CASE(a_descriptor_of_somebody_else) {
  tested_context context;
  socket_pair pair;
  reports told;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    BOOST_TEST(!watching.is_watching());
    error_code refused;
    watching.watch(interest::readable, refused);
    BOOST_TEST(refused == error::bad_descriptor);
    watching.watch(interest::none); // nothing is what it is watched for
    BOOST_TEST(!watching.is_watching());
  });
  BOOST_TEST(poll_all(context));
  pair.near.reset();
  run(context);
  BOOST_TEST(told.calls == bad_descriptor);
}

BOOST_AUTO_TEST_CASE(a_mioext_handle) {
  tested_context context;
  auto ends = mioext::pipe();
  reports told;
  watcher watching(context);
  watching.watch(ends.first, interest::readable, told.callback());
  BOOST_TEST(poll_all(context));
  ends.first.close();
  run(context);
  BOOST_TEST(told.calls == bad_descriptor);
  BOOST_TEST(!watching.is_watching());
}

BOOST_AUTO_TEST_CASE(in_the_callback_itself) {
  tested_context context;
  socket_pair pair;
  pair.send();
  auto ends = mioext::pipe();
  reports told;
  reports of_ours;
  watcher watching(context);
  watcher ours(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    pair.near.reset();
  });
  ours.watch(ends.second, interest::writable, [&](error_code ec, interest ready) {
    of_ours.note(ec, ready);
    ends.second.close();
  });
  run(context);
  BOOST_TEST(told.calls == (strings{"readable", "bad_descriptor"}));
  BOOST_TEST(of_ours.calls == (strings{"writable", "bad_descriptor"}));
}

BOOST_AUTO_TEST_CASE(the_next_file_with_the_number_is_not_mistaken_for_it) {
  tested_context context;
  socket_pair pair;
  socket_pair next;
  reports told;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, told.callback());
  BOOST_TEST(poll_all(context));
  replace(pair.near, next.near);
  next.send();
  run(context);
  BOOST_TEST(told.calls == bad_descriptor);
}

BOOST_AUTO_TEST_CASE(nor_when_that_happens_in_the_callback) {
  tested_context context;
  socket_pair pair;
  socket_pair next;
  pair.send();
  next.send();
  reports told;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    if (!ec) {
      replace(pair.near, next.near);
    }
  });
  run(context);
  BOOST_TEST(told.calls == (strings{"readable", "bad_descriptor"}));
}

BOOST_AUTO_TEST_CASE(nor_when_somebody_waits_for_that_one) {
  tested_context context;
  socket_pair pair;
  socket_pair next;
  pair.send();
  reports told;
  outcome waited;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    if (!ec) {
      replace(pair.near, next.near);
      mioext::async_wait(context, next.near.get(), interest::readable, into(waited));
      next.send();
    }
  });
  run(context);
  BOOST_TEST(told.calls == (strings{"readable", "bad_descriptor"}));
  BOOST_TEST(waited == ended());
}

BOOST_AUTO_TEST_CASE(changing_the_interest_says_so_at_once) {
  tested_context context;
  socket_pair pair;
  socket_pair next;
  reports told;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, told.callback());
  replace(pair.near, next.near);
  error_code ec;
  watching.watch(interest::writable, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  BOOST_TEST(!watching.is_watching());
  run(context);
  BOOST_TEST(told.calls == none);
}

// mosquitto tells after it has closed, and somebody else may have the number by then.
BOOST_AUTO_TEST_CASE(stopping_afterwards_leaves_the_next_owner_alone) {
  tested_context context;
  socket_pair pair;
  socket_pair next;
  reports told;
  reports of_next;
  watcher watching(context);
  watcher another(context);
  watching.watch(pair.near.get(), interest::readable, told.callback());
  replace(pair.near, next.near);
  another.watch(next.near.get(), interest::readable, [&](error_code ec, interest ready) {
    of_next.note(ec, ready);
    another.stop();
  });
  watching.stop();
  next.send();
  run(context);
  BOOST_TEST(told.calls == none);
  BOOST_TEST(of_next.calls == readable);
}

BOOST_AUTO_TEST_CASE(watching_another_one_after_the_error) {
  tested_context context;
  socket_pair pair;
  socket_pair next;
  reports told;
  watcher watching(context);
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    watching.watch(next.near.get(), interest::writable, [&](error_code ec2, interest ready2) {
      told.note(ec2, ready2);
      watching.stop();
    });
  });
  pair.near.reset();
  run(context);
  BOOST_TEST(told.calls == (strings{"bad_descriptor", "writable"}));
}

BOOST_AUTO_TEST_CASE(the_watcher_is_destroyed_when_it_is_told) {
  tested_context context;
  socket_pair pair;
  reports told;
  std::unique_ptr<watcher> watching(new watcher(context));
  watching->watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    watching.reset();
    told.note(ec, ready);
  });
  pair.near.reset();
  run(context);
  BOOST_TEST(told.calls == bad_descriptor);
}

BOOST_AUTO_TEST_CASE(not_while_it_pauses) {
  tested_context context;
  auto ends = mioext::pipe();
  reports told;
  watcher watching(context);
  watching.watch(ends.first, interest::readable, told.callback());
  watching.watch(interest::none);
  ends.first.close();
  run(context);
  BOOST_TEST(told.calls == none);
  error_code ec;
  watching.watch(interest::readable, ec);
  BOOST_TEST(ec == error::bad_descriptor);
  BOOST_TEST(!watching.is_watching());
  watching.watch(interest::none, ec);
  BOOST_TEST(ec == error_code()); // as for one that was never told to watch
}

BOOST_AUTO_TEST_SUITE_END()

// (libkqueue's queues cannot be nested in another context.)
BOOST_AUTO_TEST_SUITE(executors)

BOOST_AUTO_TEST_CASE(the_callback_is_called_on_a_strand) {
  tested_context context;
  socket_pair pair;
  auto const strand = boost::asio::make_strand(context.get_executor());
  reports told;
  mioext::basic_watcher<boost::asio::strand<tested_context::executor_type>> watching(strand);
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    BOOST_TEST(strand.running_in_this_thread());
    told.note(ec, ready);
    take(pair.near.get());
    if (told.calls.size() == 3) {
      watching.stop();
    }
  });
  pair.send("abc");
  run(context);
  BOOST_TEST(told.calls == (strings{"readable", "readable", "readable"}));
}

BOOST_AUTO_TEST_CASE(stopped_on_the_strand_while_a_call_is_on_its_way_to_it) {
  tested_context context;
  socket_pair pair;
  auto const strand = boost::asio::make_strand(context.get_executor());
  reports told;
  watcher watching(strand);
  watching.watch(pair.near.get(), interest::readable, told.callback());
  int rounds = 0;
  std::function<void()> const next = [&] {
    if (rounds == 0) {
      pair.send();
    }
    if (++rounds == 10) {
      watching.stop();
    } else if (told.calls.empty()) {
      boost::asio::post(strand, next);
    }
  };
  boost::asio::post(strand, next);
  contexts::run_until(context, [&] { return rounds == 10 || !told.calls.empty(); });
  watching.stop();
  std::size_t const before = told.calls.size();
  run(context);
  BOOST_TEST(told.calls.size() == before);
}

// What is on its way to a strand that is taken must not be reported again and again meanwhile.
BOOST_AUTO_TEST_CASE(no_busy_loop_while_another_thread_has_the_strand,
                     *boost::unit_test::enable_if<!test::has_libkqueue>()) {
  boost::asio::io_context context; // which several threads may run
  socket_pair pair;
  socket_pair idle_pair;
  reports told;
  contexts::gate taken;
  contexts::gate given_back;
  auto const strand = boost::asio::make_strand(context.get_executor());
  watcher watching(strand);
  watcher idle(strand); // so that the context goes on waiting for events
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    watching.stop();
  });
  idle.watch(idle_pair.near.get(), interest::readable, reports().callback());
  bool has_strand = false;
  boost::asio::post(strand, [&] {
    has_strand = true;
    taken.open();
    given_back.wait();
  });
  std::thread other([&] {
    while (!has_strand && context.run_one() != 0) { // which may do something of Asio's first
    }
  });
  BOOST_TEST(taken.wait());
  pair.send();
  std::size_t calls = context.run_one_for(support::patience);
  while (calls != 1000 && context.poll_one() != 0) {
    ++calls;
  }
  given_back.open();
  other.join();
  BOOST_TEST(calls != 0u);
  BOOST_TEST(calls < 1000u);
  BOOST_TEST(told.calls == none);
  idle.stop();
  run(context);
  BOOST_TEST(told.calls == readable);
}

BOOST_AUTO_TEST_CASE(in_a_thread_pool_on_strands,
                     *boost::unit_test::enable_if<!test::has_libkqueue>()) {
  boost::asio::thread_pool pool(3);
  constexpr int count = 8;
  socket_pair pairs[count];
  std::vector<std::unique_ptr<watcher>> watchers;
  std::atomic<int> stopped(0);
  int calls[count] = {};
  for (int index = 0; index != count; ++index) {
    auto const strand = boost::asio::make_strand(pool.get_executor());
    watchers.emplace_back(new watcher(strand));
    watcher& watching = *watchers.back();
    int const near = pairs[index].near.get();
    int const far = pairs[index].far.get();
    int& own_calls = calls[index];
    boost::asio::post(strand, [&watching, near, far, &own_calls, &stopped] {
      watching.watch(near, interest::readable, [&, near, far](error_code, interest) {
        char byte;
        ::ssize_t const taken = ::read(near, &byte, 1);
        if (taken != 1) {
          return; // the hint was an old one
        }
        if (++own_calls == 200) {
          watching.stop();
          ++stopped;
        } else {
          ::send(far, "x", 1, support::no_sigpipe);
        }
      });
    });
    pairs[index].send();
  }
  pool.join();
  BOOST_TEST(stopped == count);
}

BOOST_AUTO_TEST_CASE(in_a_thread_pool_without_one,
                     *boost::unit_test::enable_if<!test::has_libkqueue>()) {
  boost::asio::thread_pool pool(3);
  constexpr int count = 8;
  socket_pair pairs[count];
  std::vector<std::unique_ptr<mioext::basic_watcher<boost::asio::thread_pool::executor_type>>> made;
  std::atomic<int> stopped(0);
  for (socket_pair& pair : pairs) {
    made.emplace_back(
        new mioext::basic_watcher<boost::asio::thread_pool::executor_type>(pool.get_executor()));
    auto& watching = *made.back();
    int const near = pair.near.get();
    int const far = pair.far.get();
    auto const calls = std::make_shared<int>(0);
    // Only the callback uses the watcher from now on.
    watching.watch(near, interest::readable,
                   [&watching, &stopped, near, far, calls](error_code, interest) {
                     char byte;
                     if (::read(near, &byte, 1) == 1 && ++*calls == 200) {
                       watching.stop();
                       ++stopped;
                     } else {
                       ::send(far, "x", 1, support::no_sigpipe);
                     }
                   });
    pair.send();
  }
  pool.join();
  BOOST_TEST(stopped == count);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(forks, *test::needs_asio_that_forks())

BOOST_AUTO_TEST_CASE(a_watch_goes_on_in_the_child_and_in_the_parent) {
  tested_context context;
  socket_pair pair;
  socket_pair childs;
  reports told;
  watcher watching(context);
  watcher childs_own(context);
  auto const take_and_stop = [&](int fd, watcher& stopped) {
    return [&, fd](error_code ec, interest ready) {
      told.note(ec, ready);
      take(fd);
      if (told.calls.size() == 2) {
        stopped.stop();
      }
    };
  };
  watching.watch(pair.near.get(), interest::readable, take_and_stop(pair.near.get(), watching));
  childs_own.watch(childs.near.get(), interest::readable,
                   take_and_stop(childs.near.get(), childs_own));
  BOOST_TEST(poll_all(context));
  context.notify_fork(boost::asio::execution_context::fork_prepare);
  int const status = test::in_child([&] {
    context.notify_fork(boost::asio::execution_context::fork_child);
    watching.stop();
    ::send(childs.far.get(), "ab", 2, support::no_sigpipe);
    context.restart();
    context.run_for(support::patience);
    return told.calls == strings{"readable", "readable"} ? 0 : 1;
  });
  BOOST_TEST(status == 0);
  context.notify_fork(boost::asio::execution_context::fork_parent);
  childs_own.stop();
  pair.send("ab");
  run(context);
  BOOST_TEST(told.calls == (strings{"readable", "readable"}));
}

// Where every event is asked for anew, the descriptor is watched by nobody meanwhile.
BOOST_AUTO_TEST_CASE(a_child_that_is_born_while_the_callback_is_called_is_called_there_too) {
  tested_context context;
  socket_pair pair;
  reports told;
  ::pid_t child = -1;
  int status = -1;
  watcher watching(boost::asio::make_strand(context.get_executor()));
  watching.watch(pair.near.get(), interest::readable, [&](error_code ec, interest ready) {
    told.note(ec, ready);
    if (told.calls.size() != 1) {
      watching.stop();
      return;
    }
    context.notify_fork(boost::asio::execution_context::fork_prepare);
    child = ::fork();
    if (child > 0) {
      ::waitpid(child, &status, 0);
    }
    context.notify_fork(child == 0 ? boost::asio::execution_context::fork_child
                                   : boost::asio::execution_context::fork_parent);
  });
  pair.send();
  context.run_for(support::patience);
  bool const is_told_twice = told.calls == strings{"readable", "readable"};
  if (child == 0) {
    test::exit_child(is_told_twice ? 0 : 1);
  }
  BOOST_TEST(is_told_twice);
  BOOST_TEST((WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

BOOST_AUTO_TEST_SUITE_END()
