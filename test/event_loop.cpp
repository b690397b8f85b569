//
// test/event_loop.cpp
// -------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The event loop: registering, delivering, order, re-entrance, exceptions and running.
//

#include <mioext/event_loop.hpp>

#include <atomic>
#include <climits>
#include <csignal>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <thread>

#include <poll.h>
#include <sys/resource.h>
#include <sys/time.h>

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <mioext/pipe.hpp>
#include <mioext/poller.hpp>
#include <mioext/tcp.hpp>

#include "child.hpp"
#include "handles.hpp"
#include "support.hpp"
#include "systems.hpp"

BOOST_AUTO_TEST_SUITE(event_loop)

namespace {

namespace errc = boost::system::errc;
using boost::system::error_code;
using mioext::interest;
using mioext::read_hint;
using mioext::trigger;
using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace support;

constexpr interest both = interest::readable | interest::writable;

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
bool is_readable_now(int fd) {
  ::pollfd polled = {fd, POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}
#endif

} // namespace

// --- Registering and delivering ------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(data_is_reported_with_the_token_and_a_hint) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(7), interest::readable);
  pair.send();
  BOOST_TEST(loop.run_once(handler) == 1u);
  BOOST_TEST(handler.calls == strings{"readable token(7) data"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_is_ready_at_registration_is_reported) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  pair.send();
  loop.register_handle(pair.near.get(), token(1), both);
  run_all(loop, handler);
  BOOST_TEST(handler.calls == (strings{"readable token(1) data", "writable token(1)"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_end_of_a_stream_is_hinted_as_hup) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable);
  pair.far.reset();
  run_all(loop, handler);
  BOOST_TEST(handler.calls == strings{"readable token(1) hup"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_reset_connection_is_hinted_as_an_error) {
  loop_under_test<> loop;
  recorder<> handler;
  auto ends = test::tcp_pair();
  mioext::tcp_socket& client = ends.first;
  mioext::tcp_socket& server = ends.second;
  loop.register_handle(server, token(1), interest::readable);
  client.set_option(boost::asio::socket_base::linger(true, 0));
  client.close();
  BOOST_TEST(run_until(loop, handler, [&] { return !handler.calls.empty(); }));
  BOOST_TEST(handler.calls == strings{"readable token(1) error"}, boost::test_tools::per_element());
  if (!test::has_libkqueue) { // which takes SO_ERROR for itself
    BOOST_TEST(server.take_error() == errc::connection_reset);
  }
}

BOOST_AUTO_TEST_CASE(an_error_goes_to_the_writer_where_only_writing_is_of_interest) {
  loop_under_test<> loop;
  recorder<> handler;
  auto ends = mioext::pipe();
  char const block[4096] = {};
  error_code ec;
  while (!ec) {
    ends.second.write_some(boost::asio::buffer(block), ec);
  }
  loop.register_handle(ends.second, token(1), interest::writable);
  run_all(loop, handler);
  BOOST_TEST(handler.calls.empty());
  ends.first.close();
  run_all(loop, handler);
  BOOST_TEST(handler.calls == strings{"writable token(1)"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_hang_up_reaches_reader_and_writer_where_both_are_of_interest) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  fill(pair.near.get());
  loop.register_handle(pair.near.get(), token(1), both);
  pair.far.reset();
  run_all(loop, handler);
  BOOST_REQUIRE(handler.calls.size() == 2u);
  BOOST_TEST(handler.calls[0].substr(0, 17) == "readable token(1)");
  BOOST_TEST(handler.calls[1] == "writable token(1)");
}

BOOST_AUTO_TEST_CASE(priority_data_is_readable_with_an_unknown_hint,
                     *test::needs_epoll("kqueue has no priority")) {
  loop_under_test<> loop;
  recorder<> handler;
  auto ends = test::tcp_pair();
  mioext::tcp_socket& client = ends.first;
  mioext::tcp_socket& server = ends.second;
  loop.register_handle(server, token(1), interest::priority);
  client.send(boost::asio::buffer("!", 1), boost::asio::socket_base::message_out_of_band);
  BOOST_TEST(run_until(loop, handler, [&] { return !handler.calls.empty(); }));
  BOOST_TEST(handler.calls[0] == "readable token(1) unknown");
}

BOOST_AUTO_TEST_CASE(an_edge_is_reported_once_and_again_when_more_comes) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable);
  pair.send();
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 1u);
  pair.send();
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 2u);
}

BOOST_AUTO_TEST_CASE(a_level_is_reported_for_as_long_as_it_lasts) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
  pair.send();
  for (int tick = 0; tick != 3; ++tick) {
    BOOST_TEST(loop.run_once(handler, seconds(0)) == 1u);
  }
  drain(pair.near.get());
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
}

BOOST_AUTO_TEST_CASE(a_oneshot_is_reported_once_until_reregistered) {
  for (trigger how : {trigger::oneshot, trigger::oneshot | trigger::level}) {
    loop_under_test<> loop;
    recorder<> handler;
    socket_pair pair;
    loop.register_handle(pair.near.get(), token(1), both, how);
    pair.send();
    run_all(loop, handler);
    BOOST_TEST(handler.calls == (strings{"readable token(1) data", "writable token(1)"}),
               boost::test_tools::per_element());
    pair.send();
    run_all(loop, handler);
    BOOST_TEST(handler.calls.size() == 2u);
    error_code ec;
    loop.register_handle(pair.near.get(), token(2), both, how, ec);
    BOOST_TEST(ec == errc::file_exists);
    loop.reregister_handle(pair.near.get(), token(2), interest::readable, how);
    run_all(loop, handler);
    BOOST_REQUIRE(handler.calls.size() == 3u);
    BOOST_TEST(handler.calls[2] == "readable token(2) data");
    loop.deregister_handle(pair.near.get());
  }
}

BOOST_AUTO_TEST_CASE(exclusive_works_and_cannot_be_changed,
                     *test::needs_epoll("kqueue has no exclusive")) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable, trigger::exclusive);
  error_code ec;
  loop.reregister_handle(pair.near.get(), token(2), interest::readable, trigger::edge, ec);
  BOOST_TEST(ec == errc::invalid_argument);
  loop.reregister_handle(pair.near.get(), token(2), interest::readable, trigger::exclusive, ec);
  BOOST_TEST(ec == errc::invalid_argument);
  pair.send();
  run_all(loop, handler);
  BOOST_TEST(handler.calls == strings{"readable token(1) data"}, boost::test_tools::per_element());
  loop.deregister_handle(pair.near.get());
}

BOOST_AUTO_TEST_CASE(more_handles_than_one_batch_holds_are_all_reported) {
  mioext::event_loop_config config;
  config.event_capacity = 3;
  loop_under_test<> loop(config);
  recorder<> handler;
  std::vector<socket_pair> pairs(10);
  for (std::size_t index = 0; index != pairs.size(); ++index) {
    loop.register_handle(pairs[index].near.get(), token(index), interest::readable);
    pairs[index].send();
  }
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == pairs.size());
}

BOOST_AUTO_TEST_CASE(handles_of_every_kind_are_watched_and_never_closed) {
  boost::asio::io_context context;
  socket_pair pair;
  boost::asio::posix::stream_descriptor descriptor(context, ::dup(pair.near.get()));
  boost::asio::ip::udp::socket udp(context, {boost::asio::ip::address_v4::loopback(), 0});
  auto ends = mioext::pipe();
  int const number = pair.near.get();
  {
    loop_under_test<> loop;
    loop.register_handle(descriptor, token(1), interest::readable);
    loop.register_handle(udp, token(2), interest::readable);
    loop.register_handle(ends.first, token(3), interest::readable);
    loop.register_handle(number, token(4), interest::readable);
    loop.register_handle(pair.far.get(), token(5), interest::readable);
  }
  for (int fd : {descriptor.native_handle(), udp.native_handle(), ends.first.native_handle(),
                 number, pair.far.get()}) {
    BOOST_TEST(::fcntl(fd, F_GETFD) >= 0);
  }
}

enum class id : std::size_t { server, client };

std::ostream& operator<<(std::ostream& stream, id printed) {
  return stream << static_cast<std::size_t>(printed);
}

template <class Token> void check_token_type(Token value) {
  loop_under_test<Token> loop;
  recorder<Token> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), value, interest::readable);
  pair.send();
  bool is_same = false;
  handler.on_readable = [&](mioext::basic_event_loop<Token>&, Token got, read_hint) {
    is_same = got == value;
  };
  run_all(loop, handler);
  BOOST_TEST(is_same);
}

BOOST_AUTO_TEST_CASE(any_small_trivially_copyable_type_serves_as_token) {
  int anything = 0;
  check_token_type<int*>(&anything);
  check_token_type<std::size_t>(SIZE_MAX);
  check_token_type<std::uint8_t>(200);
  check_token_type<id>(id::client);
  check_token_type<mioext::token>(token(SIZE_MAX));
}

// --- Errors of registering -----------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(each_mistake_in_registering_has_its_error_and_does_no_harm) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable);
  error_code ec;

  loop.register_handle(pair.near.get(), token(2), interest::readable, ec);
  BOOST_TEST(ec == errc::file_exists);
  BOOST_CHECK_THROW(loop.register_handle(pair.near.get(), token(2), interest::readable),
                    boost::system::system_error);
  loop.reregister_handle(pair.far.get(), token(2), interest::readable, ec);
  BOOST_TEST(ec == errc::no_such_file_or_directory);
  loop.deregister_handle(pair.far.get(), ec);
  BOOST_TEST(ec == errc::no_such_file_or_directory);

  mioext::detail::file_descriptor file(::open("/bin/sh", O_RDONLY | O_CLOEXEC));
  loop.register_handle(file.get(), token(2), interest::readable, ec);
  BOOST_TEST(ec == errc::operation_not_permitted);

  int const closed = file.get();
  file.reset();
  for (int fd : {closed, -1, INT_MAX, INT_MIN}) {
    loop.register_handle(fd, token(2), interest::readable, ec);
    BOOST_TEST(ec == errc::bad_file_descriptor);
    loop.reregister_handle(fd, token(2), interest::readable, ec);
    BOOST_TEST(ec == errc::bad_file_descriptor);
    loop.deregister_handle(fd, ec);
    BOOST_TEST(ec == errc::bad_file_descriptor);
  }

  loop.register_handle(pair.far.get(), token(2), interest::none, ec);
  BOOST_TEST(ec == errc::invalid_argument);
  loop.register_handle(pair.far.get(), token(2), interest::readable, trigger::edge | trigger::level,
                       ec);
  BOOST_TEST(ec == errc::invalid_argument);
  loop.register_handle(pair.far.get(), token(2), interest::readable,
                       trigger::exclusive | trigger::oneshot, ec);
  BOOST_TEST(ec == errc::invalid_argument);

  loop.register_handle(pair.far.get(), token(2), static_cast<interest>(8), ec);
  BOOST_TEST(ec == errc::invalid_argument);
  loop.register_handle(pair.far.get(), token(2), interest::readable, static_cast<trigger>(16), ec);
  BOOST_TEST(ec == errc::invalid_argument);

  pair.send();
  run_all(loop, handler);
  BOOST_TEST(handler.calls == strings{"readable token(1) data"}, boost::test_tools::per_element());
  loop.deregister_handle(pair.near.get(), ec);
  BOOST_TEST(!ec);
}

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
BOOST_AUTO_TEST_CASE(sizes_that_make_no_sense_are_refused) {
  mioext::event_loop_config config;
  auto const refused = [](mioext::event_loop_config const& tried) {
    error_code ec;
    mioext::event_loop loop(tried, ec);
    BOOST_CHECK_THROW(mioext::event_loop{tried}, boost::system::system_error);
    return ec == errc::invalid_argument;
  };
  config.event_capacity = 0;
  BOOST_TEST(refused(config));
  config = mioext::event_loop_config();
  config.message_capacity = 0;
  BOOST_TEST(refused(config));
  config = mioext::event_loop_config();
  config.messages_per_tick = 0;
  BOOST_TEST(refused(config));
  config = mioext::event_loop_config();
  config.timer_tick = std::chrono::microseconds(999);
  BOOST_TEST(refused(config));
  config = mioext::event_loop_config();
  config.longest_sleep = seconds(0);
  BOOST_TEST(refused(config));
}
#endif

// --- No stale event ------------------------------------------------------------------------------

// Two handles are ready in one batch; the first that is called does something to the other.
struct same_batch {
  same_batch() {
    loop.register_handle(pairs[0].near.get(), token(0), interest::readable);
    loop.register_handle(pairs[1].near.get(), token(1), interest::readable);
    pairs[0].send();
    pairs[1].send();
  }

  // Runs `action` with the index of the other one in the first call.
  void run(std::function<void(std::size_t)> action) {
    handler.on_readable = [this, action](mioext::event_loop&, mioext::token called, read_hint) {
      if (handler.calls.size() == 1) {
        other = 1 - called.value();
        action(other);
      }
    };
    run_all(loop, handler);
  }

  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pairs[2];
  std::size_t other = 2;
};

BOOST_AUTO_TEST_CASE(deregistering_another_handle_takes_back_its_fetched_event) {
  same_batch batch;
  batch.run(
      [&](std::size_t other) { batch.loop.deregister_handle(batch.pairs[other].near.get()); });
  BOOST_TEST(batch.handler.calls.size() == 1u);
}

BOOST_AUTO_TEST_CASE(reregistering_another_handle_turns_its_fetched_event_into_a_new_one) {
  same_batch batch;
  batch.run([&](std::size_t other) {
    batch.loop.reregister_handle(batch.pairs[other].near.get(), token(9), interest::readable);
  });
  BOOST_REQUIRE(batch.handler.calls.size() == 2u);
  BOOST_TEST(batch.handler.calls[1] == "readable token(9) data");
}

BOOST_AUTO_TEST_CASE(a_number_closed_and_registered_again_in_one_batch_gets_no_old_event) {
  same_batch batch;
  socket_pair fresh;
  batch.run([&](std::size_t other) {
    int const number = batch.pairs[other].near.release();
    BOOST_REQUIRE(::close(number) == 0);
    BOOST_REQUIRE(::dup2(fresh.near.get(), number) == number);
    batch.pairs[other].near.reset(number);
    batch.loop.register_handle(number, token(9), interest::readable);
  });
  BOOST_TEST(batch.handler.calls.size() == 1u);
  fresh.send();
  run_all(batch.loop, batch.handler);
  BOOST_REQUIRE(batch.handler.calls.size() == 2u);
  BOOST_TEST(batch.handler.calls[1] == "readable token(9) data");
}

BOOST_AUTO_TEST_CASE(a_mioext_handle_closed_by_a_handler_is_heard_of_no_more) {
  loop_under_test<> loop;
  recorder<> handler;
  std::vector<std::pair<mioext::unix_socket, mioext::unix_socket>> pairs;
  for (std::size_t index = 0; index != 3; ++index) {
    pairs.push_back(mioext::unix_socket::pair());
    loop.register_handle(pairs[index].first, token(index), both);
    pairs[index].second.write_some(boost::asio::buffer("x", 1));
  }
  // Three ways for a handle to go: closed, destroyed, assigned to. The first handle that is called
  // closes all three, itself included: not even its own writable may follow.
  handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) {
    pairs[0].first.close();
    pairs[1].first = mioext::unix_socket();
    pairs.pop_back();
  };
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 1u);
}

BOOST_AUTO_TEST_CASE(deregistering_itself_in_readable_prevents_its_writable) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), both);
  pair.send();
  handler.on_readable = [&](mioext::event_loop& in, mioext::token, read_hint) {
    in.deregister_handle(pair.near.get());
  };
  run_all(loop, handler);
  BOOST_TEST(handler.calls == strings{"readable token(1) data"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_closed_handle_is_gone_and_its_number_can_be_registered) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair first;
  int const number = first.near.get();
  loop.register_handle(number, token(1), interest::readable);
  first.near.reset();
  error_code ec;
  socket_pair second;
  BOOST_REQUIRE(::dup2(second.near.get(), number) == number);
  first.near.reset(number);
  loop.reregister_handle(number, token(2), interest::readable, ec);
  BOOST_TEST(ec == errc::no_such_file_or_directory);
  loop.register_handle(number, token(3), interest::readable);
  second.send();
  run_all(loop, handler);
  BOOST_TEST(handler.calls == strings{"readable token(3) data"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_handle_closed_while_a_duplicate_lives_reports_nothing_under_its_old_token,
                     *test::needs_kernel("libkqueue does not hear of a close")) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair old;
  socket_pair fresh;
  int const number = old.near.release();
  mioext::detail::file_descriptor const duplicate(::fcntl(number, F_DUPFD_CLOEXEC, 0));
  loop.register_handle(number, token(1), interest::readable);
  BOOST_REQUIRE(::dup2(fresh.near.get(), number) == number); // closes it; the selector is not told
  old.near.reset(number);
  loop.register_handle(number, token(2), interest::readable);
  old.send(); // for the duplicate, which nobody registered
  fresh.send();
  run_all(loop, handler);
  BOOST_TEST(handler.calls == strings{"readable token(2) data"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(
    closing_a_handle_whose_file_stays_open_leaves_nothing_that_keeps_the_loop_awake) {
  loop_under_test<> loop;
  recorder<> handler;
  auto ends = mioext::unix_socket::pair();
  mioext::detail::file_descriptor const duplicate(
      ::fcntl(ends.first.native_handle(), F_DUPFD_CLOEXEC, 0));
  loop.register_handle(ends.first, token(1), interest::readable, trigger::level);
  ends.second.write_some(boost::asio::buffer("x", 1));
  handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) { ends.first.close(); };
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 1u);
  BOOST_TEST(is_idle(loop));
}

BOOST_AUTO_TEST_CASE(a_oneshot_that_has_fired_is_gone_with_its_handle) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair old;
  socket_pair fresh;
  int const number = old.near.release();
  loop.register_handle(number, token(1), interest::readable, trigger::oneshot);
  old.send();
  run_all(loop, handler);
  BOOST_REQUIRE(::dup2(fresh.near.get(), number) == number); // closed behind the loop's back
  old.near.reset(number);
  error_code ec;
  loop.reregister_handle(number, token(2), interest::readable, trigger::oneshot, ec);
  BOOST_TEST(ec == errc::no_such_file_or_directory);
  loop.deregister_handle(number, ec);
  BOOST_TEST(ec == errc::no_such_file_or_directory);
}

// --- Order, re-entrance, exceptions --------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_handler_may_register_deregister_and_close_anything) {
  loop_under_test<> loop;
  recorder<> handler;
  std::vector<socket_pair> pairs(50);
  std::size_t next = 1;
  loop.register_handle(pairs[0].near.get(), token(0), interest::readable);
  pairs[0].send();
  handler.on_readable = [&](mioext::event_loop& in, mioext::token called, read_hint) {
    in.deregister_handle(pairs[called.value()].near.get());
    pairs[called.value()].near.reset();
    if (next != pairs.size()) {
      pairs[next].send();
      in.register_handle(pairs[next].near.get(), token(next), interest::readable);
      ++next;
    }
  };
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == pairs.size());
}

BOOST_AUTO_TEST_CASE(run_inside_a_handler_is_refused_and_run_once_is_not) {
  loop_under_test<> loop;
  recorder<> handler;
  std::vector<socket_pair> pairs(4);
  for (std::size_t index = 0; index != pairs.size(); ++index) {
    loop.register_handle(pairs[index].near.get(), token(index), both);
    pairs[index].send();
  }
  error_code ec;
  handler.on_readable = [&](mioext::event_loop& in, mioext::token, read_hint) {
    in.run(handler, ec);
    BOOST_TEST(ec == errc::operation_not_permitted);
    in.run_once(handler, seconds(0)); // delivers what the outer one has not
  };
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 2 * pairs.size());
}

// Found by test/fuzz/event_loop.cpp.
BOOST_AUTO_TEST_CASE(what_is_closed_after_an_exception_is_not_told_of_by_the_next_run) {
  loop_under_test<> loop;
  recorder<> handler;
  std::vector<socket_pair> pairs(3);
  for (std::size_t index = 0; index != pairs.size(); ++index) {
    loop.register_handle(pairs[index].near.get(), token(index), interest::readable);
    pairs[index].send();
  }
  handler.on_readable = [](mioext::event_loop&, mioext::token, read_hint) {
    throw std::runtime_error("readable");
  };
  BOOST_CHECK_THROW(loop.run(handler), std::runtime_error);
  handler.on_readable = nullptr;
  std::string const first = handler.calls.at(0).substr(9, 8);
  for (std::size_t index = 0; index != pairs.size(); ++index) {
    if (to_string(token(index)) != first) {
      pairs[index].near.reset();
      break;
    }
  }
  handler.calls.clear();
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 1u); // of the one that is left
}

BOOST_AUTO_TEST_CASE(an_exception_leaves_run_and_the_rest_of_the_batch_is_kept) {
  loop_under_test<> loop;
  recorder<> handler;
  std::vector<socket_pair> pairs(5);
  for (std::size_t index = 0; index != pairs.size(); ++index) {
    loop.register_handle(pairs[index].near.get(), token(index), both);
    pairs[index].send();
  }
  handler.on_readable = [](mioext::event_loop&, mioext::token, read_hint) {
    throw std::runtime_error("readable");
  };
  handler.on_writable = [](mioext::event_loop&, mioext::token) {
    throw std::runtime_error("writable");
  };
  for (std::size_t index = 0; index != pairs.size(); ++index) {
    BOOST_CHECK_THROW(loop.run(handler), std::runtime_error);
    BOOST_CHECK_THROW(loop.run(handler), std::runtime_error);
  }
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 2 * pairs.size());
  for (std::size_t index = 0; index != handler.calls.size(); index += 2) {
    std::string const name = handler.calls[index].substr(9, 8);
    BOOST_TEST(handler.calls[index] == "readable " + name + " data");
    BOOST_TEST(handler.calls[index + 1] == "writable " + name);
  }
}

BOOST_AUTO_TEST_CASE(in_one_tick_io_comes_before_messages_and_messages_before_timers) {
  loop_under_test<mioext::token, int> loop;
  recorder<mioext::token, int> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable);
  loop.timer(seconds(0), token(2));
  auto const start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - start < milliseconds(5)) {
  }
  pair.send();
  loop.channel().send(5);
  loop.run_once(handler, seconds(0));
  BOOST_TEST(handler.calls == (strings{"readable token(1) data", "notify", "timer token(2)"}),
             boost::test_tools::per_element());
}

// --- Running -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(shutdown_in_a_handler_ends_run_after_the_tick) {
  same_batch batch;
  batch.handler.on_readable = [](mioext::event_loop& loop, mioext::token, read_hint) {
    loop.shutdown();
  };
  batch.loop.run(batch.handler);
  BOOST_TEST(batch.handler.calls.size() == 2u);
  BOOST_TEST(!batch.loop.shutdown_requested());
}

BOOST_AUTO_TEST_CASE(shutdown_before_run_is_not_lost_and_counts_once) {
  loop_under_test<> loop;
  recorder<> handler;
  loop.shutdown();
  BOOST_TEST(loop.shutdown_requested());
#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
  BOOST_TEST(loop.run_once(handler) == 0u); // does not wait, and leaves the request to run()
#endif
  loop.run(handler);
  BOOST_TEST(!loop.shutdown_requested());
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable);
  handler.on_readable = [](mioext::event_loop& in, mioext::token, read_hint) { in.shutdown(); };
  pair.send();
  loop.run(handler);
  BOOST_TEST(handler.calls.size() == 1u);
}

BOOST_AUTO_TEST_CASE(shutdown_from_another_thread_wakes_the_loop) {
  loop_under_test<> loop;
  recorder<> handler;
  for (int round = 0; round != 200; ++round) {
    std::thread other([&] { loop.shutdown(); });
    loop.run(handler);
    other.join();
  }
  BOOST_TEST(handler.calls.empty());
}

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
BOOST_AUTO_TEST_CASE(run_once_ends_with_its_limit_and_never_before) {
  loop_under_test<> loop;
  recorder<> handler;
  for (auto limit : {std::chrono::microseconds(0), std::chrono::microseconds(1),
                     std::chrono::microseconds(1500), std::chrono::microseconds(20000)}) {
    auto const start = std::chrono::steady_clock::now();
    BOOST_TEST(loop.run_once(handler, limit) == 0u);
    BOOST_TEST((std::chrono::steady_clock::now() - start >= limit));
  }
  BOOST_TEST(loop.run_once(handler, seconds(-5)) == 0u);
}

BOOST_AUTO_TEST_CASE(limits_of_any_length_do_not_overflow) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable, trigger::level);
  pair.send();
  BOOST_TEST(loop.run_once(handler, std::chrono::hours::max()) == 1u);
  BOOST_TEST(loop.run_once(handler, std::chrono::nanoseconds::max()) == 1u);
  BOOST_TEST(loop.run_once(handler, std::chrono::hours(24 * 365 * 50)) == 1u);
  BOOST_TEST(loop.run_once(handler, std::chrono::duration<double>(1e300)) == 1u);
}
#endif

std::atomic<int> interruptions{0};

BOOST_AUTO_TEST_CASE(interruptions_by_signal_handlers_are_passed_over) {
  struct ::sigaction action = {};
  action.sa_handler = [](int) { ++interruptions; };
  BOOST_REQUIRE(::sigaction(SIGALRM, &action, nullptr) == 0);
  ::itimerval const often = {{0, 2000}, {0, 2000}};
  ::itimerval const never = {{0, 0}, {0, 0}};
  loop_under_test<> loop;
  recorder<> handler;
  handler.on_timer = [](mioext::event_loop& in, mioext::token) { in.shutdown(); };
  loop.timer(milliseconds(50), token(1));
  BOOST_REQUIRE(::setitimer(ITIMER_REAL, &often, nullptr) == 0);
  BOOST_TEST(loop.run_once(handler, milliseconds(20)) == 0u);
  loop.run(handler);
  BOOST_REQUIRE(::setitimer(ITIMER_REAL, &never, nullptr) == 0);
  std::signal(SIGALRM, SIG_IGN); // valgrind may still have one, of which the program would die
  BOOST_TEST(handler.calls == strings{"timer token(1)"}, boost::test_tools::per_element());
  BOOST_TEST(interruptions > 0);
}

BOOST_AUTO_TEST_CASE(an_idle_loop_is_not_woken) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair pair;
  loop.register_handle(pair.near.get(), token(1), interest::readable);
  loop.timer(std::chrono::hours(1), token(2));
  mioext::timeout const cleared = loop.timer(milliseconds(10), token(3));
  BOOST_TEST(loop.clear_timer(cleared));
  ::rusage before;
  ::rusage after;
  ::getrusage(RUSAGE_SELF, &before);
  BOOST_TEST(loop.run_once(handler, milliseconds(300)) == 0u);
  ::getrusage(RUSAGE_SELF, &after);
  // One sleep; a few more, because the machine may take the processor away for its own reasons. A
  // wake-up a tick would be 300.
  BOOST_TEST(after.ru_nvcsw - before.ru_nvcsw <= 10);
}

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
BOOST_AUTO_TEST_CASE(a_loop_that_wakes_after_its_longest_sleep_calls_nobody) {
  mioext::event_loop_config config;
  config.longest_sleep = milliseconds(1);
  loop_under_test<> loop(config);
  recorder<> handler;
  for (int tick = 0; tick != 5; ++tick) {
    BOOST_TEST(loop.run_once(handler) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(
    a_loop_can_be_waited_for_by_another,
    *test::needs_kernel("libkqueue's queue is a pipe's writing end, which nobody can wait for")) {
  using loop_type = mioext::basic_event_loop<mioext::token, int>;
  loop_type inner;
  recorder<mioext::token, int> handler;
  socket_pair pair;
  BOOST_TEST(!is_readable_now(inner.native_handle()));
  BOOST_TEST((inner.time_to_next_timer() == std::chrono::nanoseconds::max()));

  inner.register_handle(pair.near.get(), token(1), interest::readable);
  pair.send();
  BOOST_TEST(is_readable_now(inner.native_handle()));
  inner.run_once(handler, seconds(0));
  BOOST_TEST(!is_readable_now(inner.native_handle()));

  // More messages than a tick takes: the descriptor stays readable until they are gone.
  std::size_t const most = mioext::event_loop_config().messages_per_tick;
  std::size_t const sent = most + 36;
  auto const sender = inner.channel();
  for (std::size_t message = 0; message != sent; ++message) {
    sender.send(static_cast<int>(message));
  }
  BOOST_TEST(is_readable_now(inner.native_handle()));
  BOOST_TEST((inner.time_to_next_timer() == std::chrono::nanoseconds::zero()));
  handler.calls.clear();
  inner.run_once(handler, seconds(0));
  BOOST_TEST(handler.calls.size() == most);
  BOOST_TEST(is_readable_now(inner.native_handle()));
  inner.run_once(handler, seconds(0));
  BOOST_TEST(handler.calls.size() == sent);
  inner.run_once(handler, seconds(0));
  BOOST_TEST(!is_readable_now(inner.native_handle()));

  inner.shutdown();
  BOOST_TEST(is_readable_now(inner.native_handle()));
  inner.run(handler);
  BOOST_TEST(!is_readable_now(inner.native_handle()));

  inner.timer(milliseconds(500), token(2));
  BOOST_TEST((inner.time_to_next_timer() > std::chrono::nanoseconds::zero()));
  BOOST_TEST((inner.time_to_next_timer() <= milliseconds(502)));

  // And really by another loop.
  mioext::event_loop outer;
  recorder<> outer_handler;
  outer.register_handle(inner.native_handle(), token(3), interest::readable, trigger::level);
  pair.send();
  BOOST_TEST(outer.run_once(outer_handler) == 1u);
}
#endif

BOOST_AUTO_TEST_CASE(loops_live_beside_and_inside_each_other) {
  loop_under_test<> first;
  loop_under_test<> second;
  recorder<> first_handler;
  recorder<> second_handler;
  socket_pair pair;
  first.register_handle(pair.near.get(), token(1), interest::readable);
  second.register_handle(pair.near.get(), token(2), interest::readable);
  first_handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) {
    second.run_once(second_handler, seconds(0));
  };
  pair.send();
  run_all(first, first_handler);
  BOOST_TEST(first_handler.calls == strings{"readable token(1) data"},
             boost::test_tools::per_element());
  BOOST_TEST(second_handler.calls == strings{"readable token(2) data"},
             boost::test_tools::per_element());
}

#ifndef MIOEXT_TEST_ASYNC_EVENT_LOOP
BOOST_AUTO_TEST_CASE(
    a_loop_leaves_no_descriptor_behind_and_each_is_close_on_exec,
    *test::needs_kernel("libkqueue closes its descriptors later, in a thread of its own")) {
  std::size_t const before = test::open_descriptors();
  int highest = 0;
  {
    mioext::detail::file_descriptor const probe(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    highest = probe.get() + 16;
  }
  std::vector<bool> was_open;
  for (int fd = 0; fd != highest; ++fd) {
    was_open.push_back(::fcntl(fd, F_GETFD) >= 0);
  }
  {
    loop_under_test<> loop;
    loop.register_signal(SIGUSR1);
    std::size_t made = 0;
    for (int fd = 0; fd != highest; ++fd) {
      int const flags = ::fcntl(fd, F_GETFD);
      if (flags >= 0 && !was_open[static_cast<std::size_t>(fd)]) {
        ++made;
        BOOST_TEST((flags & FD_CLOEXEC) != 0);
      }
    }
    BOOST_TEST(made == (test::has_epoll ? 3u : 1u)); // the selector; epoll's waker and signals
  }
  BOOST_TEST(test::open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE(a_loop_without_descriptors_reports_too_many_open_files) {
  ::rlimit before;
  BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  ::rlimit none = before;
  none.rlim_cur = 0;
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  error_code ec;
  { mioext::event_loop loop(ec); }
  BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
  BOOST_TEST(ec == errc::too_many_files_open);
}

// --- fork ----------------------------------------------------------------------------------------

// What the child finds, as its exit status; zero if all is well. No Boost.Test in the child, which
// would report to the same place.
int child_of_fork(mioext::event_loop& loop, socket_pair& watched, socket_pair& fired) {
  recorder<> handler;
  loop.notify_fork(boost::asio::execution_context::fork_child);
  loop.run_once(handler, seconds(0));
  if (!handler.calls.empty()) {
    return 1; // nothing is ready yet, and what has fired once is not armed
  }
  socket_pair own;
  loop.register_handle(own.near.get(), mioext::token(5), interest::readable);
  if (::write(own.far.get(), "x", 1) != 1 || loop.run_once(handler, patience) != 1) {
    return 2;
  }
  if (::write(watched.far.get(), "x", 1) != 1 || loop.run_once(handler, patience) != 1 ||
      handler.calls.back() != "readable token(1) data" || drain(watched.near.get()) != "x") {
    return 3;
  }
  loop.reregister_handle(fired.near.get(), mioext::token(6), interest::readable, trigger::oneshot);
  if (loop.run_once(handler, patience) != 1 || handler.calls.back() != "readable token(6) data") {
    return 4;
  }
  loop.deregister_handle(watched.near.get());
  loop.shutdown();
  loop.run(handler);
  return 0;
}

BOOST_AUTO_TEST_CASE(a_child_does_not_take_what_got_the_number_of_a_closed_handle,
                     *test::needs_kernel("libkqueue supports no child that goes on without exec")) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair old;
  socket_pair stranger;
  int const number = old.near.release();
  loop.register_handle(number, token(1), interest::readable);
  BOOST_REQUIRE(::dup2(stranger.near.get(), number) == number);
  old.near.reset(number);
  stranger.send();
  BOOST_TEST(test::in_child([&] {
               loop.notify_fork(boost::asio::execution_context::fork_child);
               loop.run_once(handler, seconds(0));
               return handler.calls.empty() ? 0 : 1;
             }) == 0);
  run_all(loop, handler);
  BOOST_TEST(handler.calls.empty());
}

BOOST_AUTO_TEST_CASE(after_fork_parent_and_child_have_a_loop_each,
                     *test::needs_kernel("libkqueue supports no child that goes on without exec")) {
  loop_under_test<> loop;
  recorder<> handler;
  socket_pair watched;
  socket_pair fired;
  loop.register_handle(watched.near.get(), token(1), interest::readable);
  loop.register_handle(fired.near.get(), token(2), interest::readable, trigger::oneshot);
  fired.send();
  run_all(loop, handler);
  BOOST_TEST(handler.calls.size() == 1u);

  loop.notify_fork(boost::asio::execution_context::fork_prepare);
  BOOST_TEST(
      test::in_child([&] { return child_of_fork(loop, watched, fired); },
                     [&] { loop.notify_fork(boost::asio::execution_context::fork_parent); }) == 0);

  // The child took away nothing of the parent's.
  handler.calls.clear();
  run_all(loop, handler);
  handler.calls.clear();
  watched.send();
  run_all(loop, handler);
  BOOST_TEST(handler.calls == strings{"readable token(1) data"}, boost::test_tools::per_element());
}
#endif

BOOST_AUTO_TEST_SUITE_END()
