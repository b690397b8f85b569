//
// test/async_wait.cpp
// -------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//

#include <mioext/async_wait.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <future>
#include <memory>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#endif

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#endif

#include <mioext/async_accept.hpp>
#include <mioext/pipe.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "contexts.hpp"
#include "handles.hpp"
#include "systems.hpp"
#ifdef __linux__
#include "host_name.hpp"
#endif

namespace {

namespace error = boost::asio::error;
using boost::system::error_code;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::poll_all;
using contexts::run;
using contexts::run_until;
using mioext::async_wait;
using mioext::interest;
using mioext::detail::file_descriptor;
using support::drain;
using support::fill;
using support::socket_pair;
using support::tested_context;

// A descriptor that is readable while it is raised.
class flag {
public:
  flag() : ends_(mioext::pipe()) {}

  int fd() const { return ends_.first.native_handle(); }

  bool raise() {
    error_code ec;
    return ends_.second.write_some(boost::asio::buffer("x", 1), ec) == 1;
  }

  bool take() {
    char taken[2];
    error_code ec;
    return ends_.first.read_some(boost::asio::buffer(taken), ec) == 1;
  }

private:
  std::pair<mioext::pipe_reader, mioext::pipe_writer> ends_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(every_kind_of_handle)

BOOST_AUTO_TEST_CASE(a_number_is_waited_for_until_it_is_ready) {
  tested_context context;
  socket_pair pair;
  outcome readable;
  async_wait(context, pair.near.get(), interest::readable, into(readable));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(readable.calls == 0);
  pair.send();
  run(context);
  BOOST_TEST(readable == ended());
  BOOST_TEST(drain(pair.near.get()) == "x"); // nobody has read it
}

BOOST_AUTO_TEST_CASE(one_that_is_ready_completes_at_once_but_not_from_inside) {
  tested_context context;
  socket_pair pair;
  pair.send();
  outcome readable;
  outcome writable;
  outcome either;
  async_wait(context, pair.near.get(), interest::readable, into(readable));
  async_wait(context, pair.near.get(), interest::writable, into(writable));
  async_wait(context, pair.near.get(), interest::readable | interest::writable, into(either));
  BOOST_TEST(readable.calls + writable.calls + either.calls == 0);
  run(context);
  BOOST_TEST(readable == ended());
  BOOST_TEST(writable == ended());
  BOOST_TEST(either == ended());
}

BOOST_AUTO_TEST_CASE(it_does_not_complete_from_inside_a_thread_of_the_context_either) {
  tested_context context;
  socket_pair pair;
  outcome writable;
  outcome refused;
  bool was_called_inside = false;
  boost::asio::post(context, [&] {
    async_wait(context, pair.near.get(), interest::writable, into(writable));
    async_wait(context, -1, interest::writable, into(refused));
    was_called_inside = writable.calls + refused.calls != 0;
  });
  run(context);
  BOOST_TEST(!was_called_inside);
  BOOST_TEST(writable == ended());
  BOOST_TEST(refused == ended(error::bad_descriptor));
}

BOOST_AUTO_TEST_CASE(the_ends_of_a_pipe) {
  tested_context context;
  auto ends = mioext::pipe();
  outcome readable;
  outcome writable;
  async_wait(context, ends.first, interest::readable, into(readable));
  async_wait(context, ends.second, interest::writable, into(writable));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(readable.calls == 0);
  BOOST_TEST(writable == ended());
  ends.second.write_some(boost::asio::buffer("x", 1));
  run(context);
  BOOST_TEST(readable == ended());
}

BOOST_AUTO_TEST_CASE(the_sockets_of_asio_with_their_own_executor) {
  tested_context context;
  boost::asio::local::stream_protocol::socket near(context);
  boost::asio::local::stream_protocol::socket far(context);
  boost::asio::local::connect_pair(near, far);
  outcome own;
  outcome given;
  tested_context other;
  async_wait(near, interest::readable, into(own));
  async_wait(other, near, interest::readable, into(given));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(poll_all(other));
  far.write_some(boost::asio::buffer("x", 1));
  run(context);
  BOOST_TEST(own == ended());
  BOOST_TEST(given.calls == 0);
  run(other);
  BOOST_TEST(given == ended());
  BOOST_TEST(near.available() == 1u); // and it still works
}

BOOST_AUTO_TEST_CASE(a_stream_descriptor_of_asio_beside_its_own_wait) {
  tested_context context;
  socket_pair pair;
  boost::asio::posix::stream_descriptor descriptor(context, pair.near.release());
  outcome through_mioext;
  outcome through_asio;
  async_wait(descriptor, interest::readable, into(through_mioext));
  descriptor.async_wait(boost::asio::posix::descriptor_base::wait_read, into(through_asio));
  BOOST_TEST(poll_all(context));
  pair.send();
  run(context);
  BOOST_TEST(through_mioext == ended());
  BOOST_TEST(through_asio == ended());
}

#ifdef __linux__
BOOST_AUTO_TEST_CASE(counters_and_timers_of_the_system) {
  tested_context context;
  file_descriptor const counter(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  file_descriptor const timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  outcome counted;
  outcome timed;
  async_wait(context, counter.get(), interest::readable, into(counted));
  async_wait(context, timer.get(), interest::readable, into(timed));
  BOOST_TEST(poll_all(context));
  ::itimerspec const soon = {{0, 0}, {0, 1000000}};
  BOOST_REQUIRE(::timerfd_settime(timer.get(), 0, &soon, nullptr) == 0);
  std::uint64_t const one = 1;
  BOOST_REQUIRE(::write(counter.get(), &one, sizeof one) == sizeof one);
  run(context);
  BOOST_TEST(counted == ended());
  BOOST_TEST(timed == ended());
}
#endif

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(several_waiters)

BOOST_AUTO_TEST_CASE(all_waiters_of_a_direction_complete_and_none_of_the_other) {
  tested_context context;
  socket_pair pair;
  fill(pair.near.get());
  std::array<outcome, 3> readable;
  std::array<outcome, 3> writable;
  for (std::size_t index = 0; index != readable.size(); ++index) {
    async_wait(context, pair.near.get(), interest::readable, into(readable[index]));
    async_wait(context, pair.near.get(), interest::writable, into(writable[index]));
  }
  BOOST_TEST(poll_all(context));
  pair.send();
  BOOST_TEST(poll_all(context));
  for (std::size_t index = 0; index != readable.size(); ++index) {
    BOOST_TEST(readable[index] == ended());
    BOOST_TEST(writable[index].calls == 0);
  }
  drain(pair.far.get());
  run(context);
  for (outcome const& each : writable) {
    BOOST_TEST(each == ended());
  }
}

BOOST_AUTO_TEST_CASE(one_that_comes_later_hears_of_what_is_there_and_wakes_nobody_else) {
  tested_context context;
  socket_pair pair;
  outcome first;
  outcome later;
  async_wait(context, pair.near.get(), interest::readable, into(first));
  BOOST_TEST(poll_all(context));
  async_wait(context, pair.near.get(), interest::writable, into(later));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(later == ended());
  BOOST_TEST(first.calls == 0);
  pair.send();
  run(context);
  BOOST_TEST(first == ended());
}

BOOST_AUTO_TEST_CASE(it_can_be_waited_for_again_at_once_from_the_handler) {
  tested_context context;
  flag waited_for;
  struct session {
    void wait() {
      async_wait(context, raised.fd(), interest::readable, [this](error_code const& ec) {
        BOOST_REQUIRE(!ec);
        BOOST_REQUIRE(raised.take()); // it was told the truth
        if (++count != 1000) {
          wait();
          BOOST_REQUIRE(raised.raise());
        }
      });
    }
    tested_context& context;
    flag& raised;
    int count;
  } waiting = {context, waited_for, 0};
  waiting.wait();
  BOOST_REQUIRE(waited_for.raise());
  run(context);
  BOOST_TEST(waiting.count == 1000);
}

BOOST_AUTO_TEST_CASE(what_is_not_read_is_still_there_for_the_next_wait) {
  tested_context context;
  socket_pair pair;
  pair.send();
  for (int round = 0; round != 100; ++round) {
    outcome readable;
    async_wait(context, pair.near.get(), interest::readable, into(readable));
    run(context);
    BOOST_REQUIRE(readable == ended());
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(closed_while_pending)

BOOST_AUTO_TEST_CASE(by_its_owner_with_close) {
  tested_context context;
  std::array<socket_pair, 3> pairs;
  std::array<outcome, 3> readable;
  for (std::size_t index = 0; index != pairs.size(); ++index) {
    async_wait(context, pairs[index].near.get(), interest::readable, into(readable[index]));
  }
  BOOST_TEST(poll_all(context));
  pairs[0].near.reset();
  pairs[2].near.reset();
  run_until(context, [&] { return readable[0].calls != 0 && readable[2].calls != 0; });
  BOOST_TEST(readable[0] == ended(error::bad_descriptor));
  BOOST_TEST(readable[2] == ended(error::bad_descriptor));
  BOOST_TEST(readable[1].calls == 0);
  pairs[1].send();
  run(context);
  BOOST_TEST(readable[1] == ended());
}

BOOST_AUTO_TEST_CASE(of_a_mioext_handle_it_is_told_at_once) {
  tested_context context;
  auto sockets = mioext::unix_socket::pair();
  outcome readable;
  outcome priority;
  async_wait(context, sockets.first, interest::readable, into(readable));
  async_wait(context, sockets.first, interest::priority, into(priority));
  BOOST_TEST(poll_all(context));
  sockets.first.close();
  BOOST_TEST(readable.calls == 0); // not from inside close()
  BOOST_TEST(!poll_all(context));
  BOOST_TEST(readable == ended(error::operation_aborted));
  BOOST_TEST(priority == ended(error::operation_aborted));
}

// Nobody hears of what its next owner does with it.
BOOST_AUTO_TEST_CASE(a_mioext_handle_that_is_released_ends_what_waits_for_it_as_asios_do) {
  tested_context context;
  boost::asio::io_context context_of_asio;
  auto sockets = mioext::unix_socket::pair();
  boost::asio::local::stream_protocol::socket asios(context_of_asio);
  asios.assign(boost::asio::local::stream_protocol(), sockets.second.release());
  outcome ours;
  outcome of_asio;
  async_wait(context, sockets.first, interest::readable, into(ours));
  asios.async_wait(boost::asio::socket_base::wait_read, into(of_asio));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(poll_all(context_of_asio));
  file_descriptor const near(sockets.first.release());
  file_descriptor const far(asios.release());
  BOOST_TEST(ours.calls + of_asio.calls == 0);
  BOOST_TEST(!poll_all(context));
  BOOST_TEST(!poll_all(context_of_asio));
  BOOST_TEST(ours == ended(error::operation_aborted));
  BOOST_TEST(of_asio == ended(error::operation_aborted));
}

// Two wait for different things of a number that means another file by the time at which the event
// of the first one is fetched: nobody may wait on with the new file.
BOOST_AUTO_TEST_CASE(those_who_wait_on_after_an_event_are_told_that_the_number_was_reused) {
  tested_context context;
  socket_pair old;
  socket_pair reused;
  fill(old.near.get());
  outcome readable;
  outcome writable;
  int const number = old.near.get();
  file_descriptor const duplicate(::fcntl(number, F_DUPFD_CLOEXEC, 0));
  async_wait(context, number, interest::readable, into(readable));
  async_wait(context, number, interest::writable, into(writable));
  BOOST_TEST(poll_all(context));
  BOOST_REQUIRE(::dup2(reused.near.get(), number) == number);
  old.send();
  BOOST_TEST(!poll_all(context));
  BOOST_TEST(readable == ended());
  BOOST_TEST(writable == ended(error::bad_descriptor));
}

BOOST_AUTO_TEST_CASE(nobody_looks_for_what_is_always_heard) {
  tested_context context;
  auto sockets = mioext::unix_socket::pair();
  auto ends = mioext::pipe();
  mioext::tcp_acceptor acceptor(test::loopback());
  mioext::stream<mioext::unix_socket> stream(context, std::move(sockets.first));
  auto of_asio = test::tcp_pair();
  mioext::stream<boost::asio::ip::tcp::socket> asios(context, boost::asio::ip::tcp::v4(),
                                                     of_asio.first.release());
  mioext::stream<int> number(context, ends.first.native_handle());
  std::array<outcome, 7> waits;
  async_wait(context, ends.first, interest::readable, into(waits[0]));
  mioext::async_accept(context, acceptor, into(waits[1]));
  stream.async_wait(interest::readable, into(waits[2]));
  async_wait(stream, interest::readable, into(waits[3]));
  asios.async_wait(interest::readable, into(waits[4]));
  async_wait(asios, interest::readable, into(waits[5]));
  number.async_wait(interest::readable, into(waits[6]));
  BOOST_TEST(poll_all(context));
  // Longer than it takes until somebody would have looked.
  BOOST_TEST(context.run_one_for(std::chrono::milliseconds(700)) == 0u);
  for (outcome const& each : waits) {
    BOOST_TEST(each.calls == 0);
  }
}

BOOST_AUTO_TEST_CASE(by_the_destructor_of_a_mioext_handle_and_by_its_assignment) {
  tested_context context;
  outcome destroyed;
  outcome assigned;
  auto kept = mioext::pipe();
  {
    auto ends = mioext::pipe();
    async_wait(context, ends.first, interest::readable, into(destroyed));
  }
  async_wait(context, kept.first, interest::readable, into(assigned));
  kept.first = mioext::pipe_reader();
  BOOST_TEST(!poll_all(context));
  BOOST_TEST(destroyed == ended(error::operation_aborted));
  BOOST_TEST(assigned == ended(error::operation_aborted));
}

BOOST_AUTO_TEST_CASE(of_a_mioext_handle_by_another_thread) {
  tested_context context;
  for (int round = 0; round != 200; ++round) {
    auto ends = mioext::pipe();
    outcome readable;
    async_wait(context, ends.first, interest::readable, into(readable));
    std::thread closing([&ends] { ends.first.close(); });
    context.restart();
    context.run_for(support::patience);
    closing.join();
    BOOST_REQUIRE(readable == ended(error::operation_aborted));
  }
}

BOOST_AUTO_TEST_CASE(a_reused_number_wakes_nobody_who_waited_for_the_old_file) {
  tested_context context;
  socket_pair old;
  socket_pair reused;
  outcome readable;
  int const number = old.near.get();
  async_wait(context, number, interest::readable, into(readable));
  BOOST_TEST(poll_all(context));
  BOOST_REQUIRE(::dup2(reused.near.get(), number) == number); // closes the old one
  reused.send();
  run(context);
  BOOST_TEST(readable == ended(error::bad_descriptor));
}

BOOST_AUTO_TEST_CASE(a_new_wait_for_a_reused_number_ends_the_old_one_and_hears_of_its_own_file) {
  tested_context context;
  socket_pair old;
  socket_pair reused;
  outcome before;
  outcome after;
  int const number = old.near.get();
  async_wait(context, number, interest::readable, into(before));
  BOOST_TEST(poll_all(context));
  BOOST_REQUIRE(::dup2(reused.near.get(), number) == number);
  async_wait(context, number, interest::readable, into(after));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(before == ended(error::bad_descriptor)); // at once, as it is known now
  BOOST_TEST(after.calls == 0);
  reused.send();
  run(context);
  BOOST_TEST(after == ended());
}

BOOST_AUTO_TEST_CASE(events_of_a_file_that_a_duplicate_keeps_open_do_not_reach_the_new_one) {
  tested_context context;
  socket_pair old;
  socket_pair reused;
  outcome before;
  outcome after;
  int const number = old.near.get();
  file_descriptor const duplicate(::fcntl(number, F_DUPFD_CLOEXEC, 0));
  async_wait(context, number, interest::readable, into(before));
  BOOST_TEST(poll_all(context));
  BOOST_REQUIRE(::dup2(reused.near.get(), number) == number);
  async_wait(context, number, interest::readable, into(after));
  old.send(); // the selector still has the old file, under the same number
  BOOST_TEST(poll_all(context));
  BOOST_TEST(before == ended(error::bad_descriptor));
  BOOST_TEST(after.calls == 0);
  reused.send();
  run(context);
  BOOST_TEST(after == ended());
}

BOOST_AUTO_TEST_CASE(a_number_that_gets_its_file_back_can_be_waited_for) {
  tested_context context;
  socket_pair pair;
  outcome before;
  outcome after;
  int const number = pair.near.get();
  file_descriptor const duplicate(::fcntl(number, F_DUPFD_CLOEXEC, 0));
  async_wait(context, number, interest::readable, into(before));
  BOOST_TEST(poll_all(context));
  pair.near.reset();
  run(context);
  BOOST_TEST(before == ended(error::bad_descriptor));
  BOOST_REQUIRE(::dup2(duplicate.get(), number) == number);
  pair.near.reset(number);
  async_wait(context, number, interest::readable, into(after));
  BOOST_TEST(poll_all(context));
  pair.send();
  run(context);
  BOOST_TEST(after == ended());
}

BOOST_AUTO_TEST_CASE(a_closed_duplicate_is_of_no_concern) {
  tested_context context;
  socket_pair pair;
  outcome readable;
  {
    file_descriptor const duplicate(::fcntl(pair.near.get(), F_DUPFD_CLOEXEC, 0));
    async_wait(context, pair.near.get(), interest::readable, into(readable));
    BOOST_TEST(poll_all(context));
  }
  pair.send();
  run(context);
  BOOST_TEST(readable == ended());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(refused)

BOOST_AUTO_TEST_CASE(what_cannot_be_waited_for_says_so_later) {
  tested_context context;
  file_descriptor const file(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  BOOST_REQUIRE(file.get() >= 0);
  int const closed_number = ::fcntl(file.get(), F_DUPFD_CLOEXEC, 500); // nobody gets it meanwhile
  BOOST_REQUIRE(::close(closed_number) == 0);
  socket_pair pair;
  outcome regular;
  outcome urgent;
  outcome closed;
  outcome negative;
  outcome nothing;
  outcome unknown;
  async_wait(context, file.get(), interest::readable, into(regular));
  async_wait(context, file.get(), interest::priority, into(urgent));
  async_wait(context, closed_number, interest::readable, into(closed));
  async_wait(context, -1, interest::writable, into(negative));
  async_wait(context, pair.near.get(), interest::none, into(nothing));
  async_wait(context, pair.near.get(), static_cast<interest>(64), into(unknown));
  BOOST_TEST(regular.calls + closed.calls + negative.calls + nothing.calls + unknown.calls == 0);
  BOOST_TEST(!poll_all(context));
  BOOST_TEST(regular == ended(error::no_permission));
  BOOST_TEST((urgent == ended(error::no_permission) ||
              (!test::has_epoll && urgent.error == boost::system::errc::operation_not_supported)),
             urgent);
  BOOST_TEST(closed == ended(error::bad_descriptor));
  BOOST_TEST(negative == ended(error::bad_descriptor));
  BOOST_TEST(nothing == ended(error::invalid_argument));
  BOOST_TEST(unknown == ended(error::invalid_argument));
}

BOOST_AUTO_TEST_CASE(a_closed_handle) {
  tested_context context;
  mioext::tcp_socket closed;
  boost::asio::ip::tcp::socket closed_asio(context);
  outcome ours;
  outcome asios;
  async_wait(context, closed, interest::readable, into(ours));
  async_wait(closed_asio, interest::readable, into(asios));
  BOOST_TEST(!poll_all(context));
  BOOST_TEST(ours == ended(error::bad_descriptor));
  BOOST_TEST(asios == ended(error::bad_descriptor));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(what_wakes)

BOOST_AUTO_TEST_CASE(a_hang_up_wakes_every_direction) {
  tested_context context;
  socket_pair pair;
  fill(pair.near.get());
  outcome readable;
  outcome writable;
  outcome priority;
  async_wait(context, pair.near.get(), interest::readable, into(readable));
  async_wait(context, pair.near.get(), interest::writable, into(writable));
  async_wait(context, pair.near.get(), interest::priority, into(priority));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(readable.calls + writable.calls + priority.calls == 0);
  pair.far.reset();
  run(context);
  BOOST_TEST(readable == ended());
  BOOST_TEST(writable == ended());
  BOOST_TEST(priority == ended());
}

BOOST_AUTO_TEST_CASE(an_error_of_a_pipe_wakes_its_writer) {
  tested_context context;
  auto ends = mioext::pipe();
  char const block[4096] = {};
  while (::write(ends.second.native_handle(), block, sizeof block) > 0) {
  }
  outcome writable;
  outcome readable;
  async_wait(context, ends.second, interest::writable, into(writable));
  async_wait(context, ends.second, interest::readable, into(readable)); // which it never is
  BOOST_TEST(poll_all(context));
  BOOST_TEST(writable.calls + readable.calls == 0);
  ends.first.close();
  run(context);
  BOOST_TEST(writable == ended());
  BOOST_TEST(readable == ended());
}

BOOST_AUTO_TEST_CASE(the_end_of_a_pipe_wakes_its_reader) {
  tested_context context;
  auto ends = mioext::pipe();
  outcome readable;
  async_wait(context, ends.first, interest::readable, into(readable));
  BOOST_TEST(poll_all(context));
  ends.second.close();
  run(context);
  BOOST_TEST(readable == ended());
}

// Asio's wait_error does not see that a peer has written its last; where it ends, ours does.
template <class Socket, class End>
void ends_waits_for_priority(std::pair<Socket, Socket> sockets, End end, char const* what) {
  outcome ours;
  outcome of_asio;
  tested_context context;
  boost::asio::posix::stream_descriptor asios(context, ::dup(sockets.first.native_handle()));
  async_wait(context, sockets.first, interest::priority, into(ours));
  asios.async_wait(boost::asio::posix::descriptor_base::wait_error, into(of_asio));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(ours.calls + of_asio.calls == 0, what);
  end(sockets.second);
  run_until(context, [&] { return ours.calls != 0; });
  poll_all(context);
  BOOST_TEST(ours == ended(), what);
  BOOST_TEST((of_asio.calls == 0 || of_asio == ended()), what);
}

BOOST_AUTO_TEST_CASE(the_end_of_the_peer_wakes_those_who_wait_for_priority,
                     *test::needs_epoll("kqueue has no priority")) {
  tested_context context;
  ends_waits_for_priority(
      test::tcp_pair(),
      [](mioext::tcp_socket& peer) { peer.shutdown(boost::asio::socket_base::shutdown_send); },
      "TCP, one direction");
  ends_waits_for_priority(
      test::tcp_pair(), [](mioext::tcp_socket& peer) { peer.close(); }, "TCP, closed");
  ends_waits_for_priority(
      mioext::unix_socket::pair(),
      [](mioext::unix_socket& peer) { peer.shutdown(boost::asio::socket_base::shutdown_send); },
      "Unix, one direction");
  ends_waits_for_priority(
      mioext::unix_socket::pair(), [](mioext::unix_socket& peer) { peer.close(); }, "Unix, closed");
  auto ends = mioext::pipe();
  auto others = mioext::pipe();
  outcome reader;
  outcome writer;
  async_wait(context, ends.first, interest::priority, into(reader));
  async_wait(context, others.second, interest::priority, into(writer));
  BOOST_TEST(poll_all(context));
  ends.second.close();
  others.first.close();
  run(context);
  BOOST_TEST(reader == ended());
  BOOST_TEST(writer == ended());
}

#ifdef __linux__

namespace {

/// Returns the number of what is wrong.
int wait_for_host_name() {
  tested_context context;
  file_descriptor const file(test::own_host_name::open());
  boost::asio::posix::stream_descriptor asios(context, test::own_host_name::open());
  for (int round = 0; round != 3; ++round) {
    outcome ours;
    outcome of_asio;
    async_wait(context, file.get(), interest::priority, into(ours));
    asios.async_wait(boost::asio::posix::descriptor_base::wait_error, into(of_asio));
    if (!poll_all(context) || ours.calls + of_asio.calls != 0) {
      return 1;
    }
    test::own_host_name::change();
    context.restart();
    context.run_for(support::patience);
    if (!(of_asio == ended())) {
      return 2;
    }
    if (!(ours == ended())) {
      return 3;
    }
  }
  outcome changed_before;
  test::own_host_name::change();
  async_wait(context, file.get(), interest::priority, into(changed_before));
  if (changed_before.calls != 0 || poll_all(context) || !(changed_before == ended())) {
    return 4;
  }
  if (::fcntl(file.get(), F_GETFL) & O_NONBLOCK) {
    return 5;
  }
#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
  outcome cancelled;
  boost::asio::cancellation_signal signal;
  async_wait(context, file.get(), interest::priority,
             boost::asio::bind_cancellation_slot(signal.slot(), into(cancelled)));
  poll_all(context);
  signal.emit(boost::asio::cancellation_type::total);
  if (cancelled.calls != 0 || poll_all(context) ||
      !(cancelled == ended(error::operation_aborted))) {
    return 6;
  }
#endif
  bool was_called = false;
  auto const owned = std::make_shared<int>();
  {
    tested_context another;
    async_wait(another, file.get(), interest::priority,
               [owned, &was_called](error_code const&) { was_called = true; });
    poll_all(another);
  }
  return was_called || owned.use_count() != 1 ? 7 : 0;
}

} // namespace

// The kernel tells it to whoever asks first, which was the selector around the one that waits.
BOOST_AUTO_TEST_CASE(a_change_of_a_file_of_the_kernels_wakes_those_who_wait_for_priority,
                     *test::needs_epoll("kqueue has no priority")) {
  test::check_with_own_host_name(wait_for_host_name);
}

#endif

BOOST_AUTO_TEST_CASE(urgent_data_wakes_those_who_wait_for_priority) {
  tested_context context;
  auto sockets = test::tcp_pair();
  outcome priority;
  outcome readable;
  async_wait(context, sockets.first, interest::priority, into(priority));
  async_wait(context, sockets.first, interest::readable, into(readable));
  BOOST_TEST(poll_all(context));
  sockets.second.send(boost::asio::buffer("!", 1), MSG_OOB);
  run_until(context, [&] { return priority.calls != 0; });
  BOOST_TEST(priority == ended());
  BOOST_TEST(readable.calls == 0);
  char urgent = 0;
  sockets.first.receive(boost::asio::buffer(&urgent, 1), MSG_OOB);
  BOOST_TEST(urgent == '!');
  sockets.second.send(boost::asio::buffer("x", 1));
  run(context);
  BOOST_TEST(readable == ended());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(where_handlers_are_called)

BOOST_AUTO_TEST_CASE(on_a_strand_that_the_handler_is_bound_to) {
  tested_context context;
  auto const strand = boost::asio::make_strand(context);
  socket_pair pair;
  bool was_on_strand = false;
  async_wait(context, pair.near.get(), interest::writable,
             boost::asio::bind_executor(strand, [&](error_code const& ec) {
               was_on_strand = !ec && strand.running_in_this_thread();
             }));
  run(context);
  BOOST_TEST(was_on_strand);
}

BOOST_AUTO_TEST_CASE(on_a_strand_that_the_wait_was_given) {
  tested_context context;
  auto const strand = boost::asio::make_strand(context);
  socket_pair pair;
  bool was_on_strand = false;
  async_wait(strand, pair.near.get(), interest::writable,
             [&](error_code const& ec) { was_on_strand = !ec && strand.running_in_this_thread(); });
  run(context);
  BOOST_TEST(was_on_strand);
}

BOOST_AUTO_TEST_CASE(through_executors_of_every_type) {
  tested_context context;
  socket_pair pair;
  outcome native;
  outcome erased;
  outcome asked;
  tested_context::executor_type const executor = context.get_executor();
  boost::asio::any_io_executor const any = executor;
  async_wait(executor, pair.near.get(), interest::writable, into(native));
  async_wait(any, pair.near.get(), interest::writable, into(erased));
  async_wait(boost::asio::any_io_executor(boost::asio::make_strand(any)), pair.near.get(),
             interest::writable, into(asked));
  run(context);
  BOOST_TEST(native == ended());
  BOOST_TEST(erased == ended());
  BOOST_TEST(asked == ended());
}

BOOST_AUTO_TEST_CASE(in_a_thread_pool) {
  boost::asio::thread_pool pool(2);
  socket_pair pair;
  std::future<void> readable =
      async_wait(pool, pair.near.get(), interest::readable, boost::asio::use_future);
  std::future<void> writable =
      async_wait(pool.get_executor(), pair.near.get(), interest::writable, boost::asio::use_future);
  BOOST_REQUIRE(writable.wait_for(support::patience) == std::future_status::ready);
  writable.get();
  BOOST_TEST((readable.wait_for(std::chrono::seconds(0)) == std::future_status::timeout));
  pair.send();
  BOOST_REQUIRE(readable.wait_for(support::patience) == std::future_status::ready);
  readable.get();
  pool.join();
}

BOOST_AUTO_TEST_CASE(a_wait_is_work_for_the_context_of_its_handler_too) {
  tested_context waiting;
  tested_context called;
  socket_pair pair;
  outcome readable;
  async_wait(waiting, pair.near.get(), interest::readable,
             boost::asio::bind_executor(called.get_executor(), into(readable)));
  BOOST_TEST(poll_all(waiting));
  BOOST_TEST(poll_all(called)); // it has something to wait for
  pair.send();
  run(waiting);
  BOOST_TEST(readable.calls == 0);
  run(called);
  BOOST_TEST(readable == ended());
}

BOOST_AUTO_TEST_SUITE_END()

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

BOOST_AUTO_TEST_SUITE(cancelled)

BOOST_AUTO_TEST_CASE(by_every_type_of_cancellation) {
  using types = boost::asio::cancellation_type;
  for (auto const type : {types::terminal, types::partial, types::total, types::all}) {
    tested_context context;
    socket_pair pair;
    boost::asio::cancellation_signal signal;
    outcome readable;
    async_wait(context, pair.near.get(), interest::readable,
               boost::asio::bind_cancellation_slot(signal.slot(), into(readable)));
    BOOST_TEST(poll_all(context));
    signal.emit(types::none);
    BOOST_TEST(poll_all(context));
    signal.emit(type);
    BOOST_TEST(readable.calls == 0); // not from inside emit()
    BOOST_TEST(!poll_all(context));
    BOOST_TEST(readable == ended(error::operation_aborted));
  }
}

BOOST_AUTO_TEST_CASE(one_of_several_waiters_alone) {
  tested_context context;
  socket_pair pair;
  boost::asio::cancellation_signal signal;
  outcome first;
  outcome cancelled;
  outcome last;
  async_wait(context, pair.near.get(), interest::readable, into(first));
  async_wait(context, pair.near.get(), interest::readable,
             boost::asio::bind_cancellation_slot(signal.slot(), into(cancelled)));
  async_wait(context, pair.near.get(), interest::readable, into(last));
  signal.emit(boost::asio::cancellation_type::total);
  BOOST_TEST(poll_all(context));
  BOOST_TEST(cancelled == ended(error::operation_aborted));
  BOOST_TEST(first.calls + last.calls == 0);
  pair.send();
  run(context);
  BOOST_TEST(first == ended());
  BOOST_TEST(last == ended());
}

BOOST_AUTO_TEST_CASE(too_late_to_matter) {
  tested_context context;
  socket_pair pair;
  boost::asio::cancellation_signal signal;
  outcome done;
  outcome next;
  async_wait(context, pair.near.get(), interest::writable,
             boost::asio::bind_cancellation_slot(signal.slot(), into(done)));
  run(context);
  BOOST_TEST(done == ended());
  async_wait(context, pair.near.get(), interest::readable, into(next));
  signal.emit(boost::asio::cancellation_type::terminal);
  BOOST_TEST(poll_all(context));
  BOOST_TEST(next.calls == 0);
  pair.send();
  run(context);
  BOOST_TEST(next == ended());
}

BOOST_AUTO_TEST_CASE(and_waited_for_again_from_the_handler) {
  tested_context context;
  socket_pair pair;
  boost::asio::cancellation_signal signal;
  outcome again;
  async_wait(context, pair.near.get(), interest::readable,
             boost::asio::bind_cancellation_slot(signal.slot(), [&](error_code const& ec) {
               BOOST_TEST((ec == error::operation_aborted));
               async_wait(context, pair.near.get(), interest::readable,
                          boost::asio::bind_cancellation_slot(signal.slot(), into(again)));
             }));
  signal.emit(boost::asio::cancellation_type::terminal);
  BOOST_TEST(poll_all(context));
  BOOST_TEST(again.calls == 0);
  pair.send();
  run(context);
  BOOST_TEST(again == ended());
}

BOOST_AUTO_TEST_SUITE_END()

#endif

BOOST_AUTO_TEST_SUITE(in_four_threads, *test::needs_ring_that_may_wrap())

// Each goes round: whoever is told that the flag is raised takes that, waits again and raises it once
// more. A wake-up that is lost ends the round, and the test.
BOOST_AUTO_TEST_CASE(no_wake_up_is_lost_and_none_is_made_up) {
  tested_context context;
  struct counter {
    void wait() {
      async_wait(*context, raised.fd(), interest::readable, [this](error_code const& ec) {
        if (ec || !raised.take()) {
          ++*failures;
          return;
        }
        if (++count != 2000) {
          wait();
          failures->fetch_add(!raised.raise());
        }
      });
    }
    tested_context* context;
    std::atomic<int>* failures;
    flag raised;
    int count;
  };
  std::atomic<int> failures(0);
  std::vector<counter> counters(8);
  for (counter& each : counters) {
    each.context = &context;
    each.failures = &failures;
    each.count = 0;
    each.wait();
    BOOST_REQUIRE(each.raised.raise());
  }
  run(context, 4);
  BOOST_TEST(failures == 0);
  for (counter const& each : counters) {
    BOOST_TEST(each.count == 2000);
  }
}

BOOST_AUTO_TEST_CASE(many_wait_for_one_descriptor_while_others_stop_doing_so) {
  tested_context context;
  auto ends = mioext::pipe();
  int const fd = ends.first.native_handle();
  std::atomic<int> told(0);
  std::atomic<int> aborted(0);
  std::atomic<int> others(0);
  int const waiters = 2000;
  for (int index = 0; index != waiters; ++index) {
    boost::asio::post(context, [&] {
      async_wait(context, fd, interest::readable, [&](error_code const& ec) {
        ++(!ec ? told : ec == error::operation_aborted ? aborted : others);
      });
    });
  }
  boost::asio::post(context, [&] { ends.second.write_some(boost::asio::buffer("x", 1)); });
  run(context, 4);
  BOOST_TEST(told == waiters);
  BOOST_TEST(aborted == 0);
  BOOST_TEST(others == 0);
}

// It becomes ready and is closed at the same time: each of those who wait is told one of the two.
BOOST_AUTO_TEST_CASE(a_mioext_handle_is_closed_while_its_events_are_delivered) {
  for (int round = 0; round != 100; ++round) {
    tested_context context;
    auto ends = mioext::pipe();
    std::atomic<int> told(0);
    std::atomic<int> wrong(0);
    int const waiters = 20;
    for (int index = 0; index != waiters; ++index) {
      async_wait(context, ends.first, interest::readable, [&](error_code const& ec) {
        ++told;
        wrong += ec && ec != error::operation_aborted;
      });
      async_wait(context, ends.first, interest::priority, [&](error_code const& ec) {
        ++told;
        wrong += ec != error::operation_aborted;
      });
    }
    ends.second.write_some(boost::asio::buffer("x", 1));
    boost::asio::post(context, [&] { ends.first.close(); });
    run(context, 4);
    BOOST_TEST(told == 2 * waiters);
    BOOST_TEST(wrong == 0);
  }
}

BOOST_AUTO_TEST_SUITE_END()
