//
// test/interrupted_context.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What interrupts a context of either kind while much is under way: stop() and an exception in the
// middle of a batch of events, and the end of the context.
//

#include <mioext.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/test/unit_test.hpp>
#ifdef BOOST_ASIO_HAS_CO_AWAIT
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#endif

#include "both_contexts.hpp"
#include "contexts.hpp"
#include "handles.hpp"
#include "support.hpp"

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using contexts::run;
using mioext::interest;
using support::both_contexts;
using tcp_stream = mioext::stream<mioext::tcp_socket>;
using unix_stream = mioext::stream<mioext::unix_socket>;

constexpr std::size_t reads = 10;

/// Streams that all become readable before the context looks.
template <class Context> class reading_streams {
public:
  /// @param each is called by each handler, with how many have been called by then
  reading_streams(Context& context, std::function<void(std::size_t)> each)
      : each_(std::move(each)) {
    for (std::size_t index = 0; index != reads; ++index) {
      auto ends = mioext::unix_socket::pair();
      streams_.emplace_back(new unix_stream(context, std::move(ends.first)));
      peers_.push_back(std::move(ends.second));
      auto const held = held_;
      streams_.back()->async_read_some(asio::buffer(&bytes_[index], 1),
                                       [this, held](error_code const& ec, std::size_t size) {
                                         failures_ += ec || size != 1;
                                         each_(++called_);
                                       });
    }
    BOOST_TEST(contexts::poll_all(context));
    for (mioext::unix_socket& peer : peers_) {
      peer.write_some(asio::buffer("x", 1));
    }
  }

  std::size_t called() const { return called_; }
  int failures() const { return failures_; }

  /// How many handlers there still are.
  long handlers() const { return held_.use_count() - 1; }

private:
  std::function<void(std::size_t)> each_;
  std::vector<std::unique_ptr<unix_stream>> streams_;
  std::vector<mioext::unix_socket> peers_;
  std::array<char, reads> bytes_{};
  std::shared_ptr<int> held_ = std::make_shared<int>(0);
  std::size_t called_ = 0;
  int failures_ = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(interrupted_context)

BOOST_AUTO_TEST_CASE_TEMPLATE(stop_in_the_middle_of_a_batch_leaves_the_rest, Context,
                              both_contexts) {
  Context context;
  reading_streams<Context> streams(context, [&context](std::size_t) { context.stop(); });
  for (std::size_t called = 1; called != reads + 1; ++called) {
    context.restart();
    context.run_for(support::patience);
    BOOST_TEST(context.stopped());
    BOOST_TEST(streams.called() == called);
  }
  BOOST_TEST(context.run_for(support::patience) == 0u); // as long as it is stopped
  run(context);
  BOOST_TEST(streams.called() == reads);
  BOOST_TEST(streams.failures() == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(what_is_begun_while_it_is_stopped_comes_after_the_rest, Context,
                              both_contexts) {
  Context context;
  reading_streams<Context> streams(context, [&context](std::size_t called) {
    if (called == 1) {
      context.stop();
    }
  });
  context.restart();
  context.run_for(support::patience);
  auto ends = mioext::unix_socket::pair();
  unix_stream late(context, std::move(ends.first));
  char byte = 0;
  std::size_t called_before = 0;
  ends.second.write_some(asio::buffer("x", 1));
  late.async_read_some(asio::buffer(&byte, 1), [&](error_code const& ec, std::size_t) {
    BOOST_TEST(!ec);
    called_before = streams.called();
  });
  BOOST_TEST(streams.called() == 1u);
  run(context);
  BOOST_TEST(called_before >= 1u);
  BOOST_TEST(streams.called() == reads);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(each_exception_of_a_batch_leaves_run_and_nothing_is_lost, Context,
                              both_contexts) {
  Context context;
  reading_streams<Context> streams(context, [](std::size_t called) { throw called; });
  context.restart();
  for (std::size_t called = 1; called != reads + 1; ++called) {
    std::size_t thrown = 0;
    try {
      context.run_for(support::patience);
    } catch (std::size_t caught) {
      thrown = caught;
    }
    BOOST_TEST(thrown == called);
    BOOST_TEST(streams.called() == called);
  }
  run(context);
  BOOST_TEST(streams.called() == reads);
  BOOST_TEST(streams.failures() == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_context_may_go_in_the_middle_of_a_batch, Context, both_contexts) {
  std::unique_ptr<Context> context(new Context);
  reading_streams<Context> streams(*context, [&context](std::size_t) { context->stop(); });
  context->restart();
  context->run_for(support::patience);
  BOOST_TEST(streams.called() == 1u);
  BOOST_TEST(streams.handlers() == static_cast<long>(reads) - 1);
  context.reset();
  BOOST_TEST(streams.called() == 1u);
  BOOST_TEST(streams.handlers() == 0);
}

namespace {

/// A handler for operations of every kind, which must not be called. (One type: each operation takes the
/// compiler long.)
struct never_called {
  template <class... Results> void operator()(Results&&...) const { ++*calls; }
  std::shared_ptr<int> calls;
  std::shared_ptr<void> owned;
};

/// What operations of every kind need, so that each of them waits.
template <class Context> struct waiting_operations {
  explicit waiting_operations(Context& context)
      : reading(context, std::move(pair.first)), writing(context), timer(context), loop(context) {
    auto ends = mioext::unix_socket::pair();
    writing = unix_stream(context, std::move(ends.first));
    peer = std::move(ends.second);
    support::fill(writing.native_handle());
    timer.expires_after(std::chrono::hours(1));
    endpoints.assign(1, silent.endpoint);
  }

  /// The handlers are temporary objects, because Asio moves what is bound out of others.
  template <class Handler> void begin(Context& context, Handler const& handler) {
    reading.async_read_some(asio::buffer(&byte, 1), Handler(handler));
    reading.async_wait(interest::readable, Handler(handler));
    writing.async_write_some(asio::buffer("x", 1), Handler(handler));
    mioext::async_wait(context, bare.near.get(), interest::readable, Handler(handler));
    mioext::async_accept(context, acceptor, Handler(handler));
    mioext::async_connect(context, one, silent.endpoint, Handler(handler));
    mioext::async_connect(context, each, endpoints, Handler(handler));
    mioext::async_connect(context, raced, endpoints, mioext::happy_eyeballs(), Handler(handler));
    mioext::async_connect(context, queueing, full.endpoint, Handler(handler));
    timer.async_wait(Handler(handler));
    loop.async_run(receiver, Handler(handler));
#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
    mioext::async_wait(context, bare.near.get(), interest::priority,
                       mioext::cancel_after(std::chrono::hours(1), Handler(handler)));
#endif
  }

  std::pair<mioext::tcp_socket, mioext::tcp_socket> pair = test::tcp_pair();
  support::socket_pair bare;
  test::full_tcp_listener silent;
  support::full_listener full;
  mioext::tcp_acceptor acceptor{test::loopback()};
  mioext::unix_socket peer;
  mioext::tcp_socket one;
  mioext::tcp_socket each;
  mioext::tcp_socket raced;
  mioext::unix_socket queueing;
  std::vector<asio::ip::tcp::endpoint> endpoints;
  mioext::handler receiver;
  tcp_stream reading;
  unix_stream writing;
  mioext::steady_timer timer;
  mioext::async_event_loop loop;
  char byte = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_context_that_goes_drops_operations_of_every_kind, Context,
                              both_contexts) {
  auto const calls = std::make_shared<int>(0);
  std::unique_ptr<Context> context(new Context);
  waiting_operations<Context> operations(*context);
  operations.begin(*context, never_called{calls, nullptr});
  BOOST_TEST(contexts::poll_all(*context));
  BOOST_TEST(calls.use_count() > 11);
  context.reset();
  BOOST_TEST(calls.use_count() == 1);
  BOOST_TEST(*calls == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(and_those_whose_handlers_have_a_strand, Context, both_contexts) {
  auto const calls = std::make_shared<int>(0);
  std::unique_ptr<Context> context(new Context);
  waiting_operations<Context> operations(*context);
  operations.begin(*context,
                   asio::bind_executor(asio::make_strand(*context), never_called{calls, nullptr}));
  BOOST_TEST(contexts::poll_all(*context));
  BOOST_TEST(calls.use_count() > 11);
  context.reset();
  BOOST_TEST(calls.use_count() == 1);
  BOOST_TEST(*calls == 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(and_those_that_handlers_own, Context, both_contexts) {
  auto const calls = std::make_shared<int>(0);
  {
    Context context;
    auto const operations = std::make_shared<waiting_operations<Context>>(context);
    operations->begin(context, never_called{calls, operations});
    BOOST_TEST(contexts::poll_all(context));
    BOOST_TEST(calls.use_count() > 11);
  }
  BOOST_TEST(calls.use_count() == 1);
  BOOST_TEST(*calls == 0);
}

#ifdef BOOST_ASIO_HAS_CO_AWAIT

BOOST_AUTO_TEST_CASE_TEMPLATE(and_coroutines_that_wait_for_them_and_own_them, Context,
                              both_contexts) {
  auto const calls = std::make_shared<int>(0);
  {
    Context context;
    auto const wait = [&context, &calls](auto begin) {
      asio::co_spawn(
          context,
          [](Context& used, std::shared_ptr<int> counted, auto started) -> asio::awaitable<void> {
            waiting_operations<Context> operations(used);
            co_await started(used, operations);
            ++*counted;
          }(context, calls, begin),
          asio::detached);
    };
    auto const token = asio::use_awaitable;
    wait([token](Context&, auto& all) {
      return all.reading.async_read_some(asio::buffer(&all.byte, 1), token);
    });
    wait([token](Context&, auto& all) {
      return all.writing.async_write_some(asio::buffer("x", 1), token);
    });
    wait([token](Context& used, auto& all) {
      return mioext::async_wait(used, all.bare.near.get(), interest::readable, token);
    });
    wait([token](Context& used, auto& all) {
      return mioext::async_accept(used, all.acceptor, token);
    });
    wait([token](Context& used, auto& all) {
      return mioext::async_connect(used, all.one, all.silent.endpoint, token);
    });
    wait([token](Context& used, auto& all) {
      return mioext::async_connect(used, all.each, all.endpoints, token);
    });
    wait([token](Context& used, auto& all) {
      return mioext::async_connect(used, all.raced, all.endpoints, mioext::happy_eyeballs(), token);
    });
    wait([token](Context& used, auto& all) {
      return mioext::async_connect(used, all.queueing, all.full.endpoint, token);
    });
    wait([token](Context&, auto& all) { return all.timer.async_wait(token); });
    wait([token](Context&, auto& all) { return all.loop.async_run(all.receiver, token); });
    BOOST_TEST(contexts::poll_all(context));
    BOOST_TEST(calls.use_count() == 11);
  }
  BOOST_TEST(calls.use_count() == 1);
  BOOST_TEST(*calls == 0);
}

#endif

BOOST_AUTO_TEST_SUITE_END()
