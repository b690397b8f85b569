//
// test/completion_rules.cpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Asio's rules of completion, for every asynchronous operation and beside one of Asio's own: where the
// handler is called, and when its memory is its own again.
//

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/async_event_loop.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/stream.hpp>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/happy_eyeballs.hpp>
#include <mioext/tcp.hpp>

#include "contexts.hpp"
#include "handles.hpp"
#include "support.hpp"

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/cancellation_signal.hpp>
#endif
#ifdef MIOEXT_DETAIL_HAS_IMMEDIATE_EXECUTORS
#include <boost/asio/bind_immediate_executor.hpp>
#endif
// Boost 1.81: handlers whose type is erased.
#if BOOST_ASIO_VERSION >= 102600
#define TEST_HAS_ANY_COMPLETION_HANDLER
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#endif
// Boost 1.86: time limits.
#if BOOST_ASIO_VERSION >= 103200
#define TEST_HAS_CANCEL_AFTER
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/cancel_after.hpp>
#endif

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using contexts::counting_allocator;
using contexts::counts;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::run;
using mioext::interest;
using support::tested_context;

/// A handler that is told the error alone, whatever else the operation has to tell. (An object like a
/// socket cannot be passed to C's ellipsis: clang compiles that, and the program ends there.) It has one
/// type whatever it does, because all of an operation is instantiated anew for each type of a handler.
struct of_error {
  explicit of_error(std::function<void(error_code const&)> done) : function(std::move(done)) {}

  template <class... Results> void operator()(error_code const& ec, Results&&...) { function(ec); }

  std::function<void(error_code const&)> function;
};

// --- Operations ------------------------------------------------------------------------------------

// Each of them can be begun with a handler, waits, and is then cancelled in its own way.

struct stream_pair {
  explicit stream_pair(tested_context& context,
                       std::pair<mioext::tcp_socket, mioext::tcp_socket> ends)
      : near(context, std::move(ends.first)), far(std::move(ends.second)) {}
  explicit stream_pair(tested_context& context) : stream_pair(context, test::tcp_pair()) {}

  mioext::stream<mioext::tcp_socket> near;
  mioext::tcp_socket far;
};

struct asio_read {
  explicit asio_read(tested_context& context) : socket(context), ends(test::tcp_pair()) {
    socket.assign(tcp::v4(), ends.first.release());
  }
  template <class Handler> void begin(Handler handler) {
    socket.async_read_some(asio::buffer(data), std::move(handler));
  }
  void cancel() { socket.cancel(); }

  tcp::socket socket;
  std::pair<mioext::tcp_socket, mioext::tcp_socket> ends;
  char data[4];
};

struct stream_read {
  explicit stream_read(tested_context& context) : pair(context) {}
  template <class Handler> void begin(Handler handler) {
    pair.near.async_read_some(asio::buffer(data), std::move(handler));
  }
  void cancel() { pair.near.cancel(); }

  stream_pair pair;
  char data[4];
};

struct stream_write {
  explicit stream_write(tested_context& context) : pair(context) {
    support::fill(pair.near.native_handle());
  }
  template <class Handler> void begin(Handler handler) {
    pair.near.async_write_some(asio::buffer("x", 1), std::move(handler));
  }
  void cancel() { pair.near.cancel(); }

  stream_pair pair;
};

struct wait_for_a_handle {
  explicit wait_for_a_handle(tested_context& used) : context(used), acceptor(test::loopback()) {}
  template <class Handler> void begin(Handler handler) {
    mioext::async_wait(context, acceptor, interest::readable, std::move(handler));
  }
  void cancel() { acceptor.close(); }

  tested_context& context;
  mioext::tcp_acceptor acceptor;
};

struct accept_of_a_handle : wait_for_a_handle {
  using wait_for_a_handle::wait_for_a_handle;
  template <class Handler> void begin(Handler handler) {
    mioext::async_accept(context, acceptor, std::move(handler));
  }
};

struct connect_of_a_handle {
  explicit connect_of_a_handle(tested_context& used) : context(used) {}
  template <class Handler> void begin(Handler handler) {
    mioext::async_connect(context, socket, listener.endpoint, std::move(handler));
  }
  void cancel() { socket.close(); }

  tested_context& context;
  test::full_tcp_listener listener;
  mioext::tcp_socket socket;
};

struct connect_of_a_stream {
  explicit connect_of_a_stream(tested_context& context) : stream(context) {}
  template <class Handler> void begin(Handler handler) {
    stream.async_connect(listener.endpoint, std::move(handler));
  }
  void cancel() { stream.close(); }

  test::full_tcp_listener listener;
  mioext::stream<mioext::tcp_socket> stream;
};

struct connect_of_asio {
  explicit connect_of_asio(tested_context& context) : socket(context) {}
  template <class Handler> void begin(Handler handler) {
    mioext::async_connect(socket, listener.endpoint, std::move(handler));
  }
  void cancel() { socket.close(); }

  test::full_tcp_listener listener;
  tcp::socket socket;
};

struct connect_that_waits_for_room {
  explicit connect_that_waits_for_room(tested_context& used) : context(used) {}
  template <class Handler> void begin(Handler handler) {
    mioext::async_connect(context, socket, listener.endpoint, std::move(handler));
  }
  void cancel() { socket.close(); }

  tested_context& context;
  support::full_listener listener;
  mioext::unix_socket socket;
};

struct sequence_connect : connect_of_a_handle {
  using connect_of_a_handle::connect_of_a_handle;
  template <class Handler> void begin(Handler handler) {
    mioext::async_connect(context, socket, std::vector<tcp::endpoint>(2, listener.endpoint),
                          std::move(handler));
  }
};

struct loop_run {
  explicit loop_run(tested_context& context) : loop(context) {}
  template <class Handler> void begin(Handler handler) {
    loop.async_run(receiver, std::move(handler));
  }
  void cancel() { loop.cancel(); }

  mioext::async_event_loop loop;
  mioext::handler receiver;
};

using operations =
    std::tuple<asio_read, stream_read, stream_write, wait_for_a_handle, accept_of_a_handle,
               connect_of_a_handle, connect_of_a_stream, connect_of_asio,
               connect_that_waits_for_room, sequence_connect, loop_run>;

/// Those of which the context itself is told. In a selector_context Asio's own objects have a reactor
/// with a thread of its own, which goes straight to the handler's executor: if that one calls on the
/// spot, the handler is called there, and not by run(). So it is with Asio's objects in a thread_pool.
using operations_of_the_context =
#ifdef MIOEXT_TEST_SELECTOR_CONTEXT
    std::tuple<stream_read, stream_write, wait_for_a_handle, accept_of_a_handle,
               connect_of_a_handle, connect_of_a_stream, connect_that_waits_for_room,
               sequence_connect, loop_run>;
#else
    operations;
#endif

} // namespace

namespace completion_rules {

/// An executor that can call and nothing else: it has no context, and cannot queue.
struct on_the_spot {
  template <class Function> void execute(Function&& function) const {
    typename std::decay<Function>::type called(std::forward<Function>(function));
    called();
  }

  friend bool operator==(on_the_spot const&, on_the_spot const&) noexcept { return true; }
  friend bool operator!=(on_the_spot const&, on_the_spot const&) noexcept { return false; }
};

} // namespace completion_rules

using completion_rules::on_the_spot;

// --- Where the handler is called ---------------------------------------------------------------------

BOOST_AUTO_TEST_SUITE(where)

namespace {

/// How and in which thread a handler was called.
struct call {
  outcome told;
  std::thread::id thread;
};

/// A handler that comes too late harms nobody.
of_error note_in(std::shared_ptr<call> const& noted) {
  return of_error([noted](error_code const& ec) {
    noted->thread = std::this_thread::get_id();
    into{noted->told}(ec);
  });
}

using context_strand = asio::strand<tested_context::executor_type>;

of_error note_in(outcome& told, context_strand const& strand, bool& was_inside) {
  return of_error([&told, &strand, &was_inside](error_code const& ec) {
    was_inside = strand.running_in_this_thread();
    into{told}(ec);
  });
}

of_error fail(std::promise<void>& promise) {
  return of_error([&promise](error_code const& ec) {
    promise.set_exception(std::make_exception_ptr(boost::system::system_error(ec)));
  });
}

} // namespace

/// Through the I/O executor first: not straight from cancel(), in a thread of the system's.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancelled_handler_of_the_system_executor_is_called_by_run,
                              Operation, operations_of_the_context) {
  auto const called = std::make_shared<call>();
  tested_context context;
  Operation operation(context);
  operation.begin(asio::bind_executor(asio::system_executor(), note_in(called)));
  context.poll();
  BOOST_TEST(called->told.calls == 0);
  operation.cancel();
  BOOST_TEST(called->told.calls == 0);
  run(context);
  BOOST_TEST(called->told == ended(asio::error::operation_aborted));
  BOOST_TEST((called->thread == std::this_thread::get_id()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_may_have_an_executor_that_cannot_queue, Operation,
                              operations_of_the_context) {
  tested_context context;
  Operation operation(context);
  outcome told;
  operation.begin(asio::bind_executor(on_the_spot(), into(told)));
  context.poll();
  operation.cancel();
  BOOST_TEST(told.calls == 0);
  run(context);
  BOOST_TEST(told == ended(asio::error::operation_aborted));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_of_another_context_is_called_there, Operation, operations) {
  tested_context context;
  tested_context other;
  Operation operation(context);
  outcome told;
  operation.begin(asio::bind_executor(other.get_executor(), into(told)));
  context.poll();
  BOOST_TEST(contexts::poll_all(other)); // it has work
  operation.cancel();
  // In turns, because a composed operation's steps are the other's, too.
  auto const deadline = std::chrono::steady_clock::now() + support::patience;
  while (told.calls == 0 && std::chrono::steady_clock::now() < deadline) {
    context.restart();
    context.poll();
    BOOST_REQUIRE(told.calls == 0);
    other.restart();
    other.poll();
  }
  BOOST_TEST(told == ended(asio::error::operation_aborted));
  run(context);
  run(other);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_of_a_strand_is_called_in_it, Operation, operations) {
  tested_context context;
  context_strand const strand(context.get_executor());
  Operation operation(context);
  outcome told;
  bool was_inside = false;
  operation.begin(asio::bind_executor(strand, note_in(told, strand, was_inside)));
  context.poll();
  operation.cancel();
  run(context);
  BOOST_TEST(told == ended(asio::error::operation_aborted));
  BOOST_TEST(was_inside);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_future_hears_of_cancellation, Operation, operations) {
  tested_context context;
  Operation operation(context);
  std::promise<void> promise;
  auto future = promise.get_future();
  operation.begin(asio::bind_executor(asio::system_executor(), fail(promise)));
  context.poll();
  operation.cancel();
  run(context);
  BOOST_REQUIRE(future.wait_for(std::chrono::seconds(0)) == std::future_status::ready);
  BOOST_CHECK_EXCEPTION(future.get(), boost::system::system_error,
                        [](boost::system::system_error const& error) {
                          return error.code() == asio::error::operation_aborted;
                        });
}

/// As Asio's documentation has it: posted to the I/O executor, and then dispatched.
BOOST_AUTO_TEST_CASE(what_is_complete_at_once_goes_through_the_io_executor) {
  tested_context context;
  context_strand const strand(context.get_executor());
  auto ends = test::tcp_pair();
  mioext::stream<mioext::tcp_socket, context_strand> stream(strand, std::move(ends.first));
  outcome told;
  bool was_inside = false;
  stream.async_write_some(asio::buffer("x", 1),
                          asio::bind_executor(on_the_spot(), note_in(told, strand, was_inside)));
  BOOST_TEST(told.calls == 0);
  run(context);
  BOOST_TEST(told == ended());
  BOOST_TEST(was_inside);
}

/// One event serves several reads: their handlers are called in the order of the reads, as Asio's are,
/// whichever kind of queue is between.
template <class Executor, class Socket>
void check_order(tested_context& context, Executor executor) {
  auto ends = test::tcp_pair();
  Socket socket(executor, tcp::v4(), ends.first.release());
  char data[3];
  std::vector<char> order;
  for (char& one : data) {
    socket.async_read_some(asio::buffer(&one, 1), [&order, &one](error_code const&, std::size_t) {
      order.push_back(one);
    });
  }
  context.poll();
  BOOST_TEST(order.empty());
  ends.second.write_some(asio::buffer("abc", 3));
  run(context);
  BOOST_TEST(std::string(order.begin(), order.end()) == "abc");
}

BOOST_AUTO_TEST_CASE(several_that_end_by_one_event_are_called_in_their_order) {
  using native = tested_context::executor_type;
  using strand = asio::strand<native>;
  using any = asio::any_io_executor;
  tested_context context;
  native const executor = context.get_executor();
  check_order<strand, asio::basic_stream_socket<tcp, strand>>(context, strand(executor));
  check_order<native, mioext::stream<mioext::tcp_socket, native>>(context, executor);
  check_order<strand, mioext::stream<mioext::tcp_socket, strand>>(context, strand(executor));
  check_order<any, mioext::stream<mioext::tcp_socket>>(context, executor);
  check_order<any, mioext::stream<mioext::tcp_socket>>(context, strand(executor));
}

BOOST_AUTO_TEST_SUITE_END()

#ifdef TEST_HAS_ANY_COMPLETION_HANDLER

BOOST_AUTO_TEST_CASE(a_handler_whose_type_is_erased_takes_every_operation) {
  using any_handler = asio::any_completion_handler<void(error_code)>;
  using any_transfer = asio::any_completion_handler<void(error_code, std::size_t)>;
  using any_endpoint = asio::any_completion_handler<void(error_code, tcp::endpoint)>;
  using any_peer = asio::any_completion_handler<void(error_code, mioext::tcp_socket)>;
  tested_context context;
  stream_pair pair(context);
  mioext::tcp_acceptor acceptor(test::loopback());
  std::vector<tcp::endpoint> const endpoints(1, acceptor.local_endpoint());
  mioext::async_event_loop loop(context);
  mioext::handler receiver;
  char data[4];
  outcome told[8];

  pair.near.async_read_some(asio::buffer(data), any_transfer(into(told[0])));
  pair.near.async_write_some(asio::buffer("x", 1), any_transfer(into(told[1])));
  pair.near.async_wait(interest::readable, any_handler(into(told[2])));
  mioext::async_accept(context, acceptor, any_peer(into(told[3])));
  mioext::stream<mioext::tcp_socket> one(context);
  one.async_connect(endpoints.front(), any_handler(into(told[4])));
  mioext::stream<mioext::tcp_socket> each(context);
  mioext::async_connect(each, endpoints, any_endpoint(into(told[5])));
  tcp::socket race(context);
  mioext::async_connect(race, endpoints, mioext::happy_eyeballs(), any_endpoint(into(told[6])));
  loop.async_run(receiver, any_handler(into(told[7])));
  loop.shutdown();
  pair.far.write_some(asio::buffer("x", 1));
  run(context);
  for (outcome const& one_of_them : told) {
    BOOST_TEST(one_of_them == ended());
  }
}

/// A group of operations whose number is known at run time gives each a handler with an executor that
/// cannot queue.
BOOST_AUTO_TEST_CASE(a_group_of_reads_is_waited_for) {
  tested_context context;
  stream_pair first(context);
  stream_pair second(context);
  char data[2][4];
  using read = decltype(first.near.async_read_some(asio::buffer(data[0]), asio::deferred));
  std::vector<read> reads;
  reads.push_back(first.near.async_read_some(asio::buffer(data[0]), asio::deferred));
  reads.push_back(second.near.async_read_some(asio::buffer(data[1]), asio::deferred));
  outcome told[2];
  asio::experimental::make_parallel_group(std::move(reads))
      .async_wait(asio::experimental::wait_for_one(),
                  [&told](std::vector<std::size_t> const& order,
                          std::vector<error_code> const& ended,
                          std::vector<std::size_t> const& bytes) {
                    for (std::size_t const index : order) {
                      into{told[index]}(ended[index], bytes[index]);
                    }
                  });
  second.far.write_some(asio::buffer("x", 1));
  run(context);
  BOOST_TEST(told[0] == ended(asio::error::operation_aborted));
  BOOST_TEST(told[1] == ended());
  BOOST_TEST(told[1].bytes == 1u);
}

#endif

#ifdef TEST_HAS_CANCEL_AFTER

BOOST_AUTO_TEST_CASE(a_time_limit_is_what_a_future_hears_of) {
  tested_context context;
  stream_pair pair(context);
  asio_read asio(context);
  mioext::tcp_acceptor acceptor(test::loopback());
  char data[4];
  auto const limit = std::chrono::milliseconds(1);
  auto const is_aborted = [](boost::system::system_error const& error) {
    return error.code() == asio::error::operation_aborted;
  };
  auto by_asio =
      asio.socket.async_read_some(asio::buffer(data), asio::cancel_after(limit, asio::use_future));
  auto read =
      pair.near.async_read_some(asio::buffer(data), asio::cancel_after(limit, asio::use_future));
  auto waited = mioext::async_wait(context, acceptor, interest::readable,
                                   asio::cancel_after(limit, asio::use_future));
  auto accepted =
      mioext::async_accept(context, acceptor, asio::cancel_after(limit, asio::use_future));
  run(context);
  BOOST_CHECK_EXCEPTION(by_asio.get(), boost::system::system_error, is_aborted);
  BOOST_CHECK_EXCEPTION(read.get(), boost::system::system_error, is_aborted);
  BOOST_CHECK_EXCEPTION(waited.get(), boost::system::system_error, is_aborted);
  BOOST_CHECK_EXCEPTION(accepted.get(), boost::system::system_error, is_aborted);
}

#endif

#ifdef MIOEXT_DETAIL_HAS_IMMEDIATE_EXECUTORS

/// A stream does as Asio's socket in each of these: true if the handler was called before the
/// initiating function returned.
BOOST_AUTO_TEST_CASE(a_connect_that_ends_at_once_honours_the_immediate_executor) {
  tested_context context;
  tcp::endpoint const wrong(asio::ip::address_v6::loopback(), 1); // for a socket of IPv4
  std::vector<tcp::endpoint> const none;
  outcome told;
  auto const handler = asio::bind_immediate_executor(asio::system_executor(), into(told));
  auto const was_called_at_once = [&](error_code const& expected) {
    bool const was_called = told.calls == 1;
    run(context);
    BOOST_TEST(told == ended(expected));
    told = outcome();
    return was_called;
  };
  error_code const wrong_family = asio::error::address_family_not_supported;

  tcp::socket socket(context, tcp::v4());
  socket.async_connect(wrong, handler);
  BOOST_TEST(was_called_at_once(wrong_family));
  mioext::stream<mioext::tcp_socket> stream(context, tcp::v4());
  stream.async_connect(wrong, handler);
  BOOST_TEST(was_called_at_once(wrong_family));
  mioext::async_connect(socket, wrong, handler);
  BOOST_TEST(was_called_at_once(wrong_family));
  mioext::tcp_socket handle(tcp::v4());
  mioext::async_connect(context, handle, wrong, handler);
  BOOST_TEST(was_called_at_once(wrong_family));

  error_code const not_found = asio::error::not_found;
  mioext::async_connect(socket, none, handler);
  BOOST_TEST(was_called_at_once(not_found));
  mioext::async_connect(stream, none, handler);
  BOOST_TEST(was_called_at_once(not_found));
  mioext::async_connect(stream, none.begin(), none.end(), handler);
  BOOST_TEST(was_called_at_once(not_found));
  mioext::async_connect(stream, none, mioext::happy_eyeballs(), handler);
  BOOST_TEST(was_called_at_once(not_found));
  mioext::async_wait(context, handle, interest::none, handler);
  BOOST_TEST(was_called_at_once(asio::error::invalid_argument));
}

BOOST_AUTO_TEST_CASE(an_executor_of_its_own_comes_after_the_immediate_one) {
  tested_context context;
  tcp::endpoint const wrong(asio::ip::address_v6::loopback(), 1);
  auto const strand = asio::make_strand(context);
  outcome told;
  bool was_inside = false;
  auto const handler = asio::bind_executor(
      strand, asio::bind_immediate_executor(asio::system_executor(), [&](error_code const& ec) {
        was_inside = strand.running_in_this_thread();
        into{told}(ec);
      }));
  mioext::stream<mioext::tcp_socket> stream(context, tcp::v4());
  stream.async_connect(wrong, handler);
  BOOST_TEST(told.calls == 0);
  run(context);
  BOOST_TEST(told == ended(asio::error::address_family_not_supported));
  BOOST_TEST(was_inside);
}

#endif

// --- Memory ------------------------------------------------------------------------------------------

namespace {

/// Notes how much of its allocator's memory is in use when it is called.
struct lending_handler {
  using allocator_type = counting_allocator<char>;
  allocator_type get_allocator() const noexcept { return allocator_type(*used); }

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
  using cancellation_slot_type = asio::cancellation_slot;
  cancellation_slot_type get_cancellation_slot() const noexcept { return slot; }
  asio::cancellation_slot slot;
#endif

  void operator()(error_code const& ec) const {
    *outstanding = used->outstanding;
    into{*told}(ec);
  }
  template <class Result> void operator()(error_code const& ec, Result&&) const { (*this)(ec); }

  counts* used;
  std::size_t* outstanding;
  outcome* told;
};

/// What a program has that lends memory to an operation, and takes it away afterwards.
struct lender {
  lending_handler handler() {
    lending_handler made = lending_handler();
    made.used = &used;
    made.outstanding = &outstanding;
    made.told = &told;
    return made;
  }

  counts used;
  std::size_t outstanding = 1000;
  outcome told;
};

} // namespace

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE_TEMPLATE(is_given_back_before_the_handler_is_called, Operation, operations) {
  lender lent;
  tested_context context;
  Operation operation(context);
  operation.begin(lent.handler());
  context.poll();
  BOOST_TEST(lent.used.outstanding > 0u);
  operation.cancel();
  run(context);
  BOOST_TEST(lent.told == ended(asio::error::operation_aborted));
  BOOST_TEST(lent.outstanding == 0u);
  BOOST_TEST(lent.used.outstanding == 0u);
}

BOOST_AUTO_TEST_CASE(of_a_race_is_given_back_before_the_handler_is_called) {
  lender lent;
  tested_context context;
  mioext::tcp_acceptor acceptor(test::loopback());
  tcp::socket socket(context);
  mioext::async_connect(socket, std::vector<tcp::endpoint>(2, acceptor.local_endpoint()),
                        mioext::happy_eyeballs(), lent.handler());
  run(context);
  BOOST_TEST(lent.told == ended());
  BOOST_TEST(lent.outstanding == 0u);
}

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

/// The slot stays when the operation has gone; what it keeps must not be memory of the handler's.
BOOST_AUTO_TEST_CASE_TEMPLATE(is_given_back_although_a_slot_remains, Operation, operations) {
  asio::cancellation_signal signal;
  lender lent;
  tested_context context;
  Operation operation(context);
  lending_handler handler = lent.handler();
  handler.slot = signal.slot();
  operation.begin(handler);
  context.poll();
  signal.emit(asio::cancellation_type::terminal);
  run(context);
  BOOST_TEST(lent.told == ended(asio::error::operation_aborted));
  BOOST_TEST(lent.outstanding == 0u);
  BOOST_TEST(lent.used.outstanding == 0u);
  signal.emit(asio::cancellation_type::terminal); // there is nothing to cancel any more
  run(context);
  BOOST_TEST(lent.told.calls == 1);
}

BOOST_AUTO_TEST_CASE(of_a_race_is_given_back_although_a_slot_remains) {
  for (bool const is_cancelled : {false, true}) {
    asio::cancellation_signal signal;
    std::unique_ptr<lender> lent(new lender);
    tested_context context;
    test::full_tcp_listener full;
    mioext::tcp_acceptor acceptor(test::loopback());
    mioext::stream<mioext::tcp_socket> stream(context);
    lending_handler handler = lent->handler();
    handler.slot = signal.slot();
    mioext::async_connect(
        stream,
        std::vector<tcp::endpoint>(1, is_cancelled ? full.endpoint : acceptor.local_endpoint()),
        mioext::happy_eyeballs(), handler);
    context.poll();
    if (is_cancelled) {
      signal.emit(asio::cancellation_type::terminal);
    }
    run(context);
    BOOST_TEST(lent->told ==
               (is_cancelled ? ended(asio::error::operation_aborted) : ended(error_code())));
    BOOST_TEST(lent->outstanding == 0u);
    lent.reset(); // and now the slot goes
    signal.emit(asio::cancellation_type::terminal);
  }
}

BOOST_AUTO_TEST_CASE(of_a_race_is_left_alone_by_a_slot_that_outlives_its_context) {
  asio::cancellation_signal signal;
  std::unique_ptr<lender> lent(new lender);
  {
    test::full_tcp_listener full;
    mioext::tcp_socket socket;
    tested_context context;
    lending_handler handler = lent->handler();
    handler.slot = signal.slot();
    mioext::async_connect(context, socket, std::vector<tcp::endpoint>(1, full.endpoint),
                          mioext::happy_eyeballs(), handler);
    context.poll();
  }
  BOOST_TEST(lent->told.calls == 0);
  BOOST_TEST(lent->used.outstanding == 0u);
  lent.reset();
  signal.emit(asio::cancellation_type::terminal); // finds nothing
}

#endif

BOOST_AUTO_TEST_SUITE_END()
