//
// test/accepted_arguments.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What looks like a mistake and is none: arguments and handlers that must compile, and work. For what
// is refused see diagnostics.sh.
//

#include <mioext/event_loop.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include <mioext/poller.hpp>
#include <mioext/tcp.hpp>
#include <mioext/waker.hpp>

#include "support.hpp"

BOOST_AUTO_TEST_SUITE(accepted_arguments)

namespace {

using boost::system::error_code;
using mioext::interest;
using mioext::read_hint;
using std::chrono::seconds;
using namespace support;

/// Runs a loop, with the handler called as what it is, until one of its tokens was readable.
template <class Loop, class Handler> void run_with_something_to_read(Loop& loop, Handler& handler) {
  socket_pair pair;
  pair.send();
  loop.register_handle(pair.near.get(), typename Loop::token_type(), interest::readable);
  BOOST_TEST(loop.run_once(handler, patience) == 1u);
  loop.deregister_handle(pair.near.get());
}

} // namespace

// --- Handlers ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_handler_may_keep_its_members_to_itself) {
  struct reader : mioext::handler {
    int reads = 0;

  private:
    void readable(loop_type&, mioext::token, read_hint) override { ++reads; }
  };
  mioext::event_loop loop;
  reader handler;
  run_with_something_to_read(loop, handler);
  BOOST_TEST(handler.reads == 1);
}

BOOST_AUTO_TEST_CASE(a_handler_may_have_a_virtual_base) {
  struct counter : virtual mioext::handler {
    int reads = 0;
    void readable(loop_type&, mioext::token, read_hint) noexcept override { ++reads; }
  };
  struct reader final : counter {};
  mioext::event_loop loop;
  counter first;
  reader second;
  run_with_something_to_read(loop, first);
  run_with_something_to_read(loop, second);
  BOOST_TEST(first.reads == 1);
  BOOST_TEST(second.reads == 1);
}

BOOST_AUTO_TEST_CASE(a_handler_may_be_run_as_its_base) {
  struct reader final : mioext::handler {
    int reads = 0;
    void readable(loop_type&, mioext::token, read_hint) override { ++reads; }
  };
  mioext::event_loop loop;
  reader handler;
  mioext::handler& base = handler;
  run_with_something_to_read(loop, base);
  BOOST_TEST(handler.reads == 1);
}

#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Woverloaded-virtual"
#elif defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverloaded-virtual"
#endif

BOOST_AUTO_TEST_CASE(a_final_handlers_members_may_take_what_converts) {
  struct reader final : mioext::basic_handler<int, std::string> {
    long reads = 0;
    std::string sent;
    void readable(loop_type&, long, read_hint) { ++reads; }
    void notify(loop_type&, std::string const& message) { sent = message; }
  };
  mioext::basic_event_loop<int, std::string> loop;
  reader handler;
  run_with_something_to_read(loop, handler);
  BOOST_TEST(handler.reads == 1);
  loop.channel().send("text");
  loop.run_once(handler);
  BOOST_TEST(handler.sent == "text");
}

BOOST_AUTO_TEST_CASE(a_handler_may_have_members_of_these_names_for_itself) {
  struct server : mioext::handler {
    bool readable() const { return reads == 0; }
    bool writable(std::size_t index) const { return index == 0; }
    void notify(std::string const& who) { last = who; }
    static int signal(int number, int value) { return number + value; }
    int timer = 0;
    int reads = 0;
    std::string last;
  };
  mioext::event_loop loop;
  server handler;
  run_with_something_to_read(loop, handler); // the base's, which does nothing
  handler.notify("nobody");
  BOOST_TEST((handler.readable() && handler.writable(0) && server::signal(1, 1) == 2));
  BOOST_TEST(handler.timer == 0);
}

namespace {

struct overloading_reader : mioext::handler {
  using mioext::handler::writable;
  void writable(mioext::token) {}
  void readable(mioext::token) { ++reads; }
  void readable(loop_type&, mioext::token name, read_hint) override { readable(name); }
  template <class Anything> void timer(Anything const&, mioext::token) {}
  int reads = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_handler_may_overload_what_it_overrides_or_uses) {
  mioext::event_loop loop;
  overloading_reader handler;
  run_with_something_to_read(loop, handler);
  BOOST_TEST(handler.reads == 1);
}

#ifdef __clang__
#pragma clang diagnostic pop
#elif defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

// --- Tokens --------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(whatever_converts_to_a_token_is_one) {
  struct names_one {
    operator mioext::token() const { return mioext::token(1); }
  };
  struct base {};
  struct derived : base {};
  socket_pair pair;
  int const fd = pair.near.get();
  mioext::event_loop loop;
  loop.register_handle(fd, {}, interest::readable);
  loop.reregister_handle(fd, names_one(), interest::readable, mioext::trigger::level);
  error_code ec;
  loop.reregister_handle(fd, mioext::token(1), interest::readable, ec);
  BOOST_TEST(!ec);
  loop.watch(fd, names_one(), interest::readable);
  BOOST_TEST(loop.deregister_handle(fd, names_one()));
  loop.watch(fd, {}, interest::readable);
  BOOST_TEST(loop.deregister_handle(fd, {}));
  BOOST_TEST(loop.clear_timer(loop.timer(seconds(1), names_one())));
  std::chrono::minutes const minutes(1);
  BOOST_TEST(loop.clear_timer(loop.timer(minutes, mioext::token(), ec)));
  mioext::timeout set = loop.timer_at(loop.now() + minutes, names_one());
  auto const in_hours = std::chrono::time_point_cast<std::chrono::hours>(loop.now());
  BOOST_TEST(loop.clear_timer(loop.timer_at(in_hours + minutes, mioext::token(), ec)));
  BOOST_TEST(loop.reset_timer(set, minutes));
  BOOST_TEST(loop.reset_timer(set, in_hours + minutes));
  BOOST_TEST(loop.reset_timer(set, std::chrono::duration<float>(60)));

  mioext::basic_event_loop<int> of_numbers;
  short const number = 1;
  of_numbers.register_handle(fd, number, interest::readable);
  BOOST_TEST(of_numbers.clear_timer(of_numbers.timer(seconds(1), 'x')));

  mioext::basic_event_loop<base*> of_pointers;
  derived object;
  of_pointers.register_handle(fd, &object, interest::readable);
  of_pointers.reregister_handle(fd, nullptr, interest::readable);
  of_pointers.reregister_handle(fd, 0, interest::readable);
  of_pointers.watch(fd, 0, interest::writable, ec);
  BOOST_TEST(!of_pointers.deregister_handle(fd, &object));
  BOOST_TEST(of_pointers.deregister_handle(fd, nullptr));
  of_pointers.deregister_handle(fd, ec);
  BOOST_TEST(ec == boost::system::errc::no_such_file_or_directory);
  BOOST_TEST(of_pointers.clear_timer(of_pointers.timer(seconds(1), nullptr)));

  mioext::poller poller;
  poller.registry().register_handle(fd, names_one(), interest::readable);
  mioext::waker const waker(poller.registry(), names_one());
  waker.wake();
}

// --- Handles -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_temporary_object_that_does_not_own_its_descriptor_is_a_handle) {
  struct reference {
    int native_handle() const { return fd; }
    void close() {} // nothing that its destructor does
    int fd;
  };
  struct lease { // given back to whoever has it when it goes; not closed
    explicit lease(int leased) : fd(leased) {}
    lease(lease const&) = delete;
    int native_handle() const { return fd; }
    int fd;
  };
  socket_pair pair;
  int const fd = pair.near.get();
  mioext::event_loop loop;
  loop.register_handle(reference{fd}, mioext::token(1), interest::readable);
  loop.reregister_handle(lease(fd), mioext::token(1), interest::readable);
  loop.deregister_handle(int(fd));

  boost::asio::io_context context;
  boost::asio::local::stream_protocol::socket socket(context, boost::asio::local::stream_protocol(),
                                                     pair.near.release());
  loop.register_handle(socket.native_handle(), mioext::token(1), interest::readable);
  loop.reregister_handle(std::ref(socket).get(), mioext::token(1), interest::readable);
  loop.watch(reference{socket.native_handle()}, mioext::token(1), interest::readable);
  BOOST_TEST(!loop.deregister_handle(std::move(socket), mioext::token(2)));
  loop.deregister_handle(std::move(socket)); // may be closed after that
}

BOOST_AUTO_TEST_CASE(what_is_an_owner_is_known_by_its_type) {
  using mioext::detail::is_kept;
  struct view {
    int native_handle() const { return 0; }
    void close() {}
  };
  using asio_socket = boost::asio::ip::tcp::socket;
  static_assert(is_kept<int>::value, "");
  static_assert(is_kept<int const&>::value, "");
  static_assert(is_kept<view>::value, "");
  static_assert(is_kept<asio_socket&>::value, "");
  static_assert(is_kept<std::reference_wrapper<asio_socket>>::value, "");
  static_assert(!is_kept<asio_socket>::value, "");
  static_assert(!is_kept<asio_socket const>::value, "");
  static_assert(!is_kept<mioext::tcp_acceptor>::value, "");
  BOOST_TEST(true);
}

BOOST_AUTO_TEST_SUITE_END()
