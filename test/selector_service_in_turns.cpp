//
// test/selector_service_in_turns.cpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What holds where the service knows that one thread runs its io_context, and so looks at the selector
// again after a handler.
//

#define MIOEXT_TEST_ONE_THREAD

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/unix.hpp>

#include "child.hpp"
#include "contexts.hpp"
#include "handles.hpp"
#include "systems.hpp"

BOOST_AUTO_TEST_SUITE(selector_service_in_turns)

namespace {

using boost::system::error_code;
using contexts::run;
using mioext::async_wait;
using mioext::interest;
using support::socket_pair;
using support::tested_context;

/// Waits again and again for what is always ready, as often as it was told; calls `each` each time.
struct chain {
  chain(tested_context& used, int count, std::function<void()> function)
      : context(used), left(count), each(std::move(function)) {
    pair.send();
  }

  void go_on() {
    async_wait(context, pair.near.get(), interest::readable, [this](error_code const& ec) {
      BOOST_TEST(!ec);
      bool const goes_on = --left != 0;
      if (goes_on) {
        go_on();
      }
      each();
    });
  }

  tested_context& context;
  int left;
  std::function<void()> each;
  socket_pair pair{};
};

} // namespace

BOOST_AUTO_TEST_CASE(posts_and_timers_get_their_turn_between_handlers) {
  tested_context context;
  int calls = 0;
  int calls_at_post = 0;
  int most = 0;
  int posts = 0;
  int expiries = 0;
  bool is_over = false;
  std::function<void()> const post = [&] {
    most = std::max(most, calls - calls_at_post);
    calls_at_post = calls;
    ++posts;
    if (!is_over) {
      boost::asio::post(context, post);
    }
  };
  boost::asio::steady_timer asios(context);
  mioext::steady_timer own(context);
  std::function<void(error_code)> const expired = [&](error_code) {
    if (++expiries != 4) {
      asios.expires_after(std::chrono::milliseconds(1));
      asios.async_wait(expired);
    }
  };
  expired(error_code());
  own.expires_after(std::chrono::milliseconds(1));
  bool has_own_expired = false;
  own.async_wait([&](error_code const&) { has_own_expired = true; });
  chain waits(context, 1000000, [&] {
    ++calls;
    if (expiries == 4 && has_own_expired && posts > 100) {
      waits.left = 1;
      is_over = true;
    }
  });
  post();
  waits.go_on();
  run(context);
  BOOST_TEST(expiries == 4);
  BOOST_TEST(has_own_expired);
  BOOST_TEST(most <= 2);
}

BOOST_AUTO_TEST_CASE(each_handler_counts_as_one, *test::needs_asio_that_counts_handlers()) {
  tested_context context;
  int calls = 0;
  chain waits(context, 100, [&] { ++calls; });
  waits.go_on();
  for (int expected = 1; expected <= 100; ++expected) {
    BOOST_TEST(context.run_one_for(support::patience) == 1u);
    BOOST_TEST(calls == expected);
  }
  BOOST_TEST(context.poll() == 0u);
  BOOST_TEST(context.stopped());
}

BOOST_AUTO_TEST_CASE(an_exception_leaves_run_and_the_rest_follows) {
  for (int const thrower : {1, 2, 3, 4}) {
    tested_context context;
    int calls = 0;
    auto const each = [&] {
      if (++calls == thrower) {
        throw std::runtime_error("thrown");
      }
    };
    chain first(context, 3, each);
    chain second(context, 3, each);
    first.go_on();
    second.go_on();
    BOOST_CHECK_THROW(context.run_for(support::patience), std::runtime_error);
    BOOST_TEST(calls == thrower);
    run(context);
    BOOST_TEST(calls == 6);
  }
}

BOOST_AUTO_TEST_CASE(a_context_that_is_stopped_goes_on_when_it_is_run_again) {
  tested_context context;
  int calls = 0;
  chain waits(context, 10, [&] {
    ++calls;
    context.stop();
  });
  waits.go_on();
  for (int expected = 1; expected <= 10; ++expected) {
    context.restart();
    context.run_for(support::patience);
    BOOST_TEST(calls == expected);
  }
}

BOOST_AUTO_TEST_CASE(a_strand_that_queues_handlers_is_served) {
  tested_context context;
  auto const strand = boost::asio::make_strand(context.get_executor());
  std::vector<socket_pair> pairs(5);
  int told = 0;
  std::function<void(std::size_t)> const wait = [&](std::size_t index) {
    async_wait(strand, pairs[index].near.get(), interest::readable, [&, index](error_code const&) {
      if (++told < 50) {
        wait(index);
      }
    });
    // Whose executor is the context's own, and whose handler's is the strand.
    async_wait(context, pairs[index].near.get(), interest::writable,
               boost::asio::bind_executor(strand, [&](error_code const&) { ++told; }));
  };
  for (std::size_t index = 0; index != pairs.size(); ++index) {
    pairs[index].send();
    wait(index);
  }
  run(context);
  BOOST_TEST(told >= 50);
}

// Its operation begins while the selector is not waited for in the context.
BOOST_AUTO_TEST_CASE(an_operation_that_another_thread_begins_during_a_handler_is_served) {
  tested_context context;
  socket_pair other;
  bool is_told = false;
  chain waits(context, 20, [&] {
    if (waits.left == 10) {
      std::thread([&] {
        async_wait(context, other.near.get(), interest::readable, [&](error_code const& ec) {
          BOOST_TEST(!ec);
          is_told = true;
        });
      }).join();
    } else if (waits.left == 0) {
      other.send();
    }
  });
  waits.go_on();
  run(context);
  BOOST_TEST(is_told);
}

BOOST_AUTO_TEST_CASE(what_a_handler_cancels_and_closes_ends) {
  tested_context context;
  auto pair = mioext::unix_socket::pair();
  mioext::unix_socket& held = pair.first;
  int ended = 0;
  chain waits(context, 3, [&] {
    if (waits.left == 1) {
      held.close();
    }
  });
  for (int count = 0; count != 2; ++count) {
    async_wait(context, held, interest::readable, [&](error_code const& ec) {
      BOOST_TEST(ec == boost::asio::error::operation_aborted);
      ++ended;
    });
  }
  waits.go_on();
  run(context);
  BOOST_TEST(ended == 2);
  // The same where nothing else waits then.
  chain last(context, 1, [&] { held.close(); });
  pair = mioext::unix_socket::pair();
  async_wait(context, held, interest::readable, [&](error_code const&) { ++ended; });
  last.go_on();
  run(context);
  BOOST_TEST(ended == 3);
}

BOOST_AUTO_TEST_CASE(a_handler_may_fork, *test::needs_asio_that_forks()) {
  tested_context context;
  ::pid_t child = -1;
  int status = -1;
  int calls = 0;
  chain waits(context, 6, [&] {
    if (++calls != 3) {
      return;
    }
    context.notify_fork(tested_context::fork_prepare);
    child = ::fork();
    context.notify_fork(child == 0 ? tested_context::fork_child : tested_context::fork_parent);
    if (child > 0) {
      ::waitpid(child, &status, 0);
    }
  });
  waits.go_on();
  run(context);
  if (child == 0) {
    test::exit_child(calls == 6 ? 0 : 1);
  }
  BOOST_TEST(calls == 6);
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(a_context_that_goes_with_a_handler_queued_destroys_it) {
  auto const owned = std::make_shared<int>(0);
  {
    tested_context context;
    std::vector<socket_pair> pairs(3);
    for (socket_pair const& each : pairs) {
      each.send();
      async_wait(context, each.near.get(), interest::readable,
                 [owned](error_code const&) { ++*owned; });
    }
    contexts::run_until(context, [&] { return *owned != 0; });
  }
  BOOST_TEST(*owned == 1);
  BOOST_TEST(owned.use_count() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
