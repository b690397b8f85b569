//
// doc/snippets/event_loop.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the guide shows of polling, handles and the event loop, as test cases. The parts between `tag::`
// and `end::` are what is shown.
//

#include <mioext/event_loop.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/pipe.hpp>
#include <mioext/poller.hpp>
#include <mioext/read_readiness.hpp>
#include <mioext/tcp.hpp>
#include <mioext/udp.hpp>
#include <mioext/unix.hpp>
#include <mioext/waker.hpp>

#include "../../test/systems.hpp"

using boost::asio::buffer;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::seconds;

extern "C" char** environ; // POSIX leaves it to the program to declare it

BOOST_AUTO_TEST_SUITE(guide)

// --- Polling -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_poller_by_hand) {
  auto ends = mioext::pipe();
  ends.second.write_some(buffer("x", 1));
  std::size_t seen = 0;
  // tag::poller[]
  constexpr mioext::token input{7};

  mioext::poller poller;
  mioext::events events(128);
  poller.registry().register_handle(ends.first, input, mioext::interest::readable);

  poller.poll(events, milliseconds(100));
  for (mioext::event const& event : events) {
    switch (event.token()) {
    case input:
      seen += event.is_readable();
      break;
    }
  }
  // end::poller[]
  BOOST_TEST(seen == 1u);
}

BOOST_AUTO_TEST_CASE(both_forms_of_an_error) {
  auto ends = mioext::pipe();
  mioext::poller poller;
  // tag::errors[]
  error_code ec;
  poller.registry().deregister_handle(ends.first, ec); // it was never registered
  bool const is_unknown = ec == boost::system::errc::no_such_file_or_directory;

  bool has_thrown = false;
  try {
    poller.registry().deregister_handle(ends.first);
  } catch (boost::system::system_error const& error) {
    has_thrown = error.code() == ec;
  }
  // end::errors[]
  BOOST_TEST(is_unknown);
  BOOST_TEST(has_thrown);
}

BOOST_AUTO_TEST_CASE(a_waker_ends_a_poll) {
  // tag::waker[]
  constexpr mioext::token wake_up{0};

  mioext::poller poller;
  mioext::waker const waker(poller.registry(), wake_up);
  std::thread other([&] { waker.wake(); });

  mioext::events events(8);
  poller.poll(events); // without a limit
  bool const was_woken = events[0].token() == wake_up;
  // end::waker[]
  other.join();
  BOOST_TEST(was_woken);
}

BOOST_AUTO_TEST_CASE(a_registry_in_another_thread) {
  auto ends = mioext::pipe();
  ends.second.write_some(buffer("x", 1));
  mioext::poller poller;
  // tag::registry[]
  mioext::registry const registry = poller.registry(); // a copy, for another thread
  std::thread other([registry, &ends] {
    registry.register_handle(ends.first, mioext::token(1), mioext::interest::readable);
  });
  // end::registry[]
  mioext::events events(8);
  BOOST_TEST(poller.poll(events, seconds(20)) == 1u);
  other.join();
}

// --- Interest, triggers, tokens ------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(interests_are_sets) {
  // tag::interest[]
  mioext::interest wanted = mioext::interest::readable;
  wanted |= mioext::interest::writable;
  bool const both = contains(wanted, mioext::interest::readable | mioext::interest::writable);
  wanted = wanted & ~mioext::interest::writable;
  // end::interest[]
  BOOST_TEST(both);
  BOOST_TEST((wanted == mioext::interest::readable));
}

BOOST_AUTO_TEST_CASE(a_oneshot_is_armed_again) {
  auto ends = mioext::pipe();
  ends.second.write_some(buffer("x", 1));
  // tag::oneshot[]
  struct one_at_a_time final : mioext::handler {
    explicit one_at_a_time(mioext::pipe_reader& reader) : source(reader) {}

    void readable(loop_type& loop, mioext::token name, mioext::read_hint) override {
      ++calls;
      // Nothing more is reported before this:
      loop.reregister_handle(source, name, mioext::interest::readable, mioext::trigger::oneshot);
    }

    mioext::pipe_reader& source;
    int calls = 0;
  };

  mioext::event_loop loop;
  one_at_a_time handler(ends.first);
  loop.register_handle(ends.first, mioext::token(0), mioext::interest::readable,
                       mioext::trigger::oneshot);
  // end::oneshot[]
  loop.run_once(handler, seconds(20));
  BOOST_TEST(handler.calls == 1);
  loop.run_once(handler, seconds(20)); // what is there is reported anew
  BOOST_TEST(handler.calls == 2);
}

// tag::pointer_token[]
struct connection {
  mioext::unix_socket socket;
  std::size_t received = 0;
};

struct server final : mioext::basic_handler<connection*> {
  void readable(loop_type&, connection* from, mioext::read_hint) override {
    std::array<char, 4096> block;
    error_code ec;
    while (std::size_t const size = from->socket.read_some(buffer(block), ec)) {
      from->received += size;
    }
    if (ec == boost::asio::error::eof) {
      connections.erase(from); // closes it: no event of it is delivered any more
    }
  }

  std::unordered_map<connection*, std::unique_ptr<connection>> connections;
};
// end::pointer_token[]

BOOST_AUTO_TEST_CASE(a_token_may_be_a_pointer) {
  auto ends = mioext::unix_socket::pair();
  server handler;
  std::unique_ptr<connection> made(new connection);
  made->socket = std::move(ends.first);
  connection* const name = made.get();
  handler.connections.emplace(name, std::move(made));
  mioext::basic_event_loop<connection*> loop;
  loop.register_handle(name->socket, name, mioext::interest::readable);
  ends.second.write_some(buffer("hello", 5));
  loop.run_once(handler, seconds(20));
  BOOST_TEST(name->received == 5u);
  ends.second.close();
  loop.run_once(handler, seconds(20));
  BOOST_TEST(handler.connections.empty());
}

BOOST_AUTO_TEST_CASE(a_library_says_what_it_wants_to_know) {
  // tag::watch[]
  struct library_connection {}; // what the library has for each of its connections
  mioext::basic_event_loop<library_connection*> loop;

  // What the library wants to know of a descriptor from now on. Maybe nothing.
  auto const on_interest = [&](library_connection* of, int fd, bool reads, bool writes) {
    mioext::interest const nothing = mioext::interest::none;
    loop.watch(fd, of,
               (reads ? mioext::interest::readable : nothing) |
                   (writes ? mioext::interest::writable : nothing));
  };
  // It has closed a descriptor, whose number may be somebody else's by now.
  auto const on_closed = [&](library_connection* of, int fd) { loop.deregister_handle(fd, of); };
  // end::watch[]

  struct counter final : mioext::basic_handler<library_connection*> {
    void readable(loop_type&, library_connection* of, mioext::read_hint) override { last = of; }
    library_connection* last = nullptr;
  } handler;
  library_connection first;
  library_connection second;
  auto ends = mioext::pipe();
  ends.second.write_some(buffer("x", 1));
  int const fd = ends.first.native_handle();
  on_interest(&first, fd, true, false);
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 1u);
  BOOST_TEST(handler.last == &first);
  on_interest(&first, fd, false, false);
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
  on_interest(&second, fd, true, false);
  on_closed(&first, fd);
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 1u);
  BOOST_TEST(handler.last == &second);
}

// --- A handler -----------------------------------------------------------------------------------

// tag::echo[]
enum class id : std::size_t { acceptor, peer };

class echo final : public mioext::basic_handler<id> {
public:
  explicit echo(mioext::tcp_acceptor& listening) : acceptor_(listening) {}

  void readable(loop_type& loop, id what, mioext::read_hint hint) override {
    if (what == id::acceptor) {
      accept(loop);
    } else {
      can_read_.report(hint);
      pump(loop);
    }
  }

  void writable(loop_type& loop, id) override {
    can_write_ = true;
    pump(loop);
  }

private:
  void accept(loop_type& loop) { // one peer; a server goes on until would_block
    error_code ec;
    mioext::tcp_socket accepted = acceptor_.accept(ec);
    if (!ec) {
      peer_ = std::move(accepted);
      can_read_ = mioext::read_readiness(boost::asio::ip::tcp::v4());
      loop.register_handle(peer_, id::peer,
                           mioext::read_readiness::wanted() | mioext::interest::writable);
    }
  }

  void pump(loop_type& loop);

  mioext::tcp_acceptor& acceptor_;
  mioext::tcp_socket peer_;

  // What events have said, and no read or write has disproved.
  mioext::read_readiness can_read_;
  bool can_write_ = false;

  std::array<char, 4096> block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};
// end::echo[]

// tag::usage[]
void echo::pump(loop_type& loop) {
  error_code ec;
  for (;;) {
    if (begin_ != end_) { // first get rid of what is there
      if (!can_write_) {
        return;
      }
      begin_ += peer_.write_some(buffer(&block_[begin_], end_ - begin_), ec);
      can_write_ = ec != boost::asio::error::would_block;
    } else {
      if (!can_read_) {
        return;
      }
      begin_ = 0;
      end_ = can_read_.read_some(peer_, buffer(block_), ec);
    }
    if (ec && ec != boost::asio::error::would_block) { // the end, or an error
      peer_.close();
      loop.shutdown();
      return;
    }
  }
}
// end::usage[]

BOOST_AUTO_TEST_CASE(an_echo_server) {
  mioext::tcp_acceptor acceptor(
      boost::asio::ip::tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  std::string answer;
  std::thread client([&] {
    boost::asio::ip::tcp::endpoint const there = acceptor.local_endpoint();
    mioext::tcp_socket socket;
    error_code ec;
    socket.connect(there, ec);
    pollfd polled = {socket.native_handle(), POLLOUT, 0};
    ::poll(&polled, 1, 20000);
    socket.write_some(buffer("hello", 5), ec);
    polled.events = POLLIN;
    ::poll(&polled, 1, 20000);
    char text[16];
    answer.assign(text, socket.read_some(buffer(text), ec));
  });
  mioext::basic_event_loop<id> loop;
  echo handler(acceptor);
  loop.listen(acceptor, 16, id::acceptor);
  loop.run(handler);
  client.join();
  BOOST_TEST(answer == "hello");
}

BOOST_AUTO_TEST_CASE(a_hint_says_what_a_read_is_likely_to_find) {
  auto ends = mioext::pipe();
  ends.second.write_some(buffer("x", 1));
  ends.second.close();
  // tag::hint[]
  struct reader final : mioext::handler {
    explicit reader(mioext::pipe_reader& from) : source(from) {}

    void readable(loop_type& loop, mioext::token, mioext::read_hint hint) override {
      was_hup = hint == mioext::read_hint::hup; // the writer has gone,
      error_code ec;
      char block[16];
      while (std::size_t const size = source.read_some(buffer(block), ec)) {
        received += size; // but what it wrote is still there
      }
      has_ended = ec == boost::asio::error::eof;
      loop.shutdown();
    }

    mioext::pipe_reader& source;
    std::size_t received = 0;
    bool was_hup = false;
    bool has_ended = false;
  };
  // end::hint[]
  mioext::event_loop loop;
  reader handler(ends.first);
  loop.register_handle(ends.first, mioext::token(0), mioext::interest::readable);
  loop.run(handler);
  BOOST_TEST(handler.was_hup);
  BOOST_TEST(handler.received == 1u);
  BOOST_TEST(handler.has_ended);
}

// --- The loop ------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_configuration) {
  // tag::config[]
  mioext::event_loop_config config;
  config.event_capacity = 1024;                 // events a system call, at the most
  config.message_capacity = 64 * 1024;          // messages under way, at the most
  config.timer_tick = milliseconds(10);         // what timers are rounded up to
  config.longest_sleep = std::chrono::hours(1); // for a program that looks around now and then
  mioext::basic_event_loop<std::size_t, std::string> loop(config);
  // end::config[]
  BOOST_TEST(!loop.shutdown_requested());
}

BOOST_AUTO_TEST_CASE(timers_are_set_and_cleared) {
  // tag::timers[]
  enum class due { idle, tick };

  struct watchdog final : mioext::basic_handler<due> {
    void timer(loop_type& loop, due which) override {
      if (which == due::idle) {
        loop.shutdown();
        return;
      }
      if (++ticks == 3) { // no more of them
        return;
      }
      loop.timer(milliseconds(1), due::tick); // a timer fires once
      loop.clear_timer(idle);                 // something happened, so begin anew
      idle = loop.timer(milliseconds(20), due::idle);
    }

    mioext::timeout idle;
    int ticks = 0;
  };

  mioext::basic_event_loop<due> loop;
  watchdog handler;
  handler.idle = loop.timer(milliseconds(20), due::idle);
  loop.timer(milliseconds(1), due::tick);
  loop.run(handler);
  // end::timers[]
  BOOST_TEST(handler.ticks >= 1); // all three, unless the machine was very busy
}

// tag::pointer_timer[]
struct peer {
  mioext::unix_socket socket;
  mioext::timeout silence; // of the timer that carries a pointer to this object
};

struct peers final : mioext::basic_handler<peer*> {
  void readable(loop_type& loop, peer* from, mioext::read_hint) override {
    std::array<char, 4096> block;
    error_code ec;
    while (from->socket.read_some(buffer(block), ec) != 0) {
    }
    if (ec == boost::asio::error::would_block) {
      loop.clear_timer(from->silence); // it has said something
      from->silence = loop.timer(seconds(30), from);
    } else {
      end(loop, from);
    }
  }

  void timer(loop_type& loop, peer* silent) override { end(loop, silent); }

  // The only place where a peer ends.
  void end(loop_type& loop, peer* ended) {
    loop.clear_timer(ended->silence); // if it has fired, nothing happens
    all.erase(ended);                 // closes the socket: no event of it is delivered any more
  }

  std::unordered_map<peer*, std::unique_ptr<peer>> all;
};
// end::pointer_timer[]

BOOST_AUTO_TEST_CASE(a_timer_ends_before_what_its_token_points_to) {
  auto ends = mioext::unix_socket::pair();
  mioext::basic_event_loop<peer*> loop;
  peers handler;
  std::unique_ptr<peer> made(new peer);
  made->socket = std::move(ends.first);
  peer* const name = made.get();
  handler.all.emplace(name, std::move(made));
  loop.register_handle(name->socket, name, mioext::interest::readable);
  ends.second.write_some(buffer("x", 1));
  loop.run_once(handler, seconds(20));
  BOOST_TEST((loop.time_to_next_timer() <= seconds(31)));
  ends.second.close();
  loop.run_once(handler, seconds(20));
  BOOST_TEST(handler.all.empty());
  BOOST_TEST((loop.time_to_next_timer() == std::chrono::nanoseconds::max())); // no timer is left
}

BOOST_AUTO_TEST_CASE(an_idle_limit_is_set_anew_without_reading_the_clock) {
  std::pair<mioext::pipe_reader, mioext::pipe_writer> ends = mioext::pipe();
  mioext::event_loop loop;
  // tag::timers_at[]
  struct limited_connection final : mioext::handler {
    void readable(loop_type& loop, mioext::token, mioext::read_hint) override {
      was_pending = loop.reset_timer(idle, loop.now() + std::chrono::minutes(1));
      // and what else is to be done
    }

    void timer(loop_type& loop, mioext::token) override { loop.shutdown(); }

    mioext::timeout idle;
    bool was_pending = false;
  };

  limited_connection handler;
  handler.idle = loop.timer_at(loop.now() + std::chrono::minutes(1), mioext::token(1));
  // end::timers_at[]
  ends.second.write_some(buffer("x", 1));
  loop.register_handle(ends.first, mioext::token(0), mioext::interest::readable);
  loop.timer_at(loop.now(), mioext::token(2));
  loop.run(handler);
  BOOST_TEST(handler.was_pending);
}

BOOST_AUTO_TEST_CASE(a_signal_arrives_as_a_call) {
  // tag::signals[]
  struct until_terminated final : mioext::handler {
    void signal(loop_type& loop, mioext::signal_info const& info) override {
      number = info.number;
      sender = info.pid; // where the system tells
      loop.shutdown();
    }

    int number = 0;
    pid_t sender = 0;
  };

  mioext::event_loop loop;
  loop.register_signal(SIGTERM); // before threads are started: they inherit the mask
  until_terminated handler;
  ::kill(::getpid(), SIGTERM);
  loop.run(handler);
  // end::signals[]
  BOOST_TEST(handler.number == SIGTERM);
}

BOOST_AUTO_TEST_CASE(messages_from_other_threads) {
  // tag::messages[]
  struct job {
    std::unique_ptr<std::string> text; // may be move-only
  };

  struct worker final : mioext::basic_handler<mioext::token, job> {
    void notify(loop_type& loop, job message) override {
      done.push_back(std::move(*message.text));
      if (done.size() == 2) {
        loop.shutdown();
      }
    }

    std::vector<std::string> done;
  };

  mioext::basic_event_loop<mioext::token, job> loop;
  mioext::sender<job> const sender = loop.channel();
  std::thread other([sender] { // a copy: it may outlive the loop
    for (char const* text : {"one", "two"}) {
      job made{std::unique_ptr<std::string>(new std::string(text))};
      error_code ec;
      while (!sender.send(std::move(made), ec)) { // full: `made` is as it was
        if (ec == boost::system::errc::broken_pipe) {
          return; // the loop is gone
        }
        std::this_thread::yield();
      }
    }
  });

  worker handler;
  loop.run(handler);
  // end::messages[]
  other.join();
  BOOST_TEST(handler.done.size() == 2u);
}

BOOST_AUTO_TEST_CASE(shutdown_from_another_thread) {
  mioext::handler handler;
  // tag::shutdown[]
  mioext::event_loop loop;
  std::thread other([&loop] { loop.shutdown(); }); // may come before run(): it is not lost
  loop.run(handler);
  other.join();
  // end::shutdown[]
  BOOST_TEST(!loop.shutdown_requested());
}

BOOST_AUTO_TEST_CASE(an_exception_leaves_run) {
  // tag::exception[]
  struct thrower final : mioext::handler {
    void timer(loop_type& loop, mioext::token name) override {
      if (name == mioext::token(1)) {
        throw std::runtime_error("from a handler");
      }
      was_called = true;
      loop.shutdown();
    }

    bool was_called = false;
  };

  mioext::event_loop loop;
  thrower handler;
  loop.timer(milliseconds(1), mioext::token(1));
  loop.timer(milliseconds(2), mioext::token(2));
  bool has_thrown = false;
  try {
    loop.run(handler);
  } catch (std::runtime_error const&) {
    has_thrown = true;
  }
  loop.run(handler); // goes on with what was due
  // end::exception[]
  BOOST_TEST(has_thrown);
  BOOST_TEST(handler.was_called);
}

// --- Handles -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(sockets_of_all_kinds) {
  // tag::sockets[]
  auto const loopback = boost::asio::ip::address_v4::loopback();

  mioext::tcp_acceptor acceptor(boost::asio::ip::tcp::endpoint(loopback, 0));
  boost::asio::ip::tcp::endpoint const where = acceptor.local_endpoint(); // which port it got

  mioext::udp_socket datagrams(boost::asio::ip::udp::endpoint(loopback, 0));
  datagrams.set_option(boost::asio::socket_base::receive_buffer_size(64 * 1024));

  error_code ec;
  mioext::tcp_socket peer = acceptor.accept(ec); // nobody is there: would_block
  // end::sockets[]
  BOOST_TEST(where.port() != 0);
  BOOST_TEST((ec == boost::asio::error::would_block));
  BOOST_TEST(!peer.is_open());
}

BOOST_AUTO_TEST_CASE(pipes_and_pairs) {
  // tag::pipes[]
  auto pipe = mioext::pipe();                // reader and writer
  auto pair = mioext::unix_socket::pair();   // two connected sockets
  pipe.second.write_some(buffer("data", 4)); // takes what fits

  error_code ec;
  std::array<char, 2> first;
  std::array<char, 8> rest;
  std::array<boost::asio::mutable_buffer, 2> const pieces = {{buffer(first), buffer(rest)}};
  std::size_t const size = pipe.first.read_some(pieces, ec); // scattered over both
  pipe.first.read_some(pieces, ec);                          // would_block: that was all
  // end::pipes[]
  BOOST_TEST(size == 4u);
  BOOST_TEST((ec == boost::asio::error::would_block));
  BOOST_TEST(pair.first.is_open());
}

BOOST_AUTO_TEST_CASE(a_child_gets_a_pipe) {
  std::string text;
  // tag::child[]
  auto input = mioext::pipe();
  auto output = mioext::pipe();
  input.first.native_non_blocking(false); // the child's ends: cat expects to wait
  output.second.native_non_blocking(false);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.first.native_handle(),
                                   0); // inherited: the copies
  posix_spawn_file_actions_adddup2(&actions, output.second.native_handle(), 1);
  char program[] = "cat";
  char* const arguments[] = {program, nullptr};
  pid_t child = -1;
  int const error = posix_spawnp(&child, program, &actions, nullptr, arguments, environ);
  posix_spawn_file_actions_destroy(&actions);
  input.first.close(); // else there would never be an end
  output.second.close();

  // input.second and output.first are non-blocking, and can be registered.
  // end::child[]
  BOOST_TEST_REQUIRE(error == 0);
  struct copier final : mioext::handler {
    copier(mioext::pipe_reader& from, std::string& to) : from_(from), to_(to) {}
    void readable(loop_type& loop, mioext::token, mioext::read_hint) override {
      std::array<char, 16> block;
      error_code ec;
      while (std::size_t const size = from_.read_some(buffer(block), ec)) {
        to_.append(block.data(), size);
      }
      if (ec != boost::asio::error::would_block) {
        loop.shutdown();
      }
    }
    mioext::pipe_reader& from_;
    std::string& to_;
  } handler(output.first, text);
  mioext::event_loop loop;
  loop.register_handle(output.first, mioext::token(1), mioext::interest::readable);
  input.second.write_some(buffer("data", 4));
  input.second.close();
  loop.run(handler);
  BOOST_TEST(text == "data");
  int status = -1;
  BOOST_TEST(::waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
}

namespace {

// tag::source[]
class two_pipes { // one source, two descriptors, one token
public:
  // `where` is a registry, an event loop, or what stands for one.
  template <class Registrar> void start(Registrar& where, mioext::token name, error_code& ec) {
    using mioext::trigger;
    where.register_handle(commands.first, name, mioext::interest::readable, trigger::edge, ec);
    if (ec) {
      return;
    }
    where.register_handle(answers.second, name, mioext::interest::writable, trigger::edge, ec);
    if (ec) {
      error_code ignored;
      where.deregister_handle(commands.first, ignored); // both or none
    }
  }

  template <class Registrar> void stop(Registrar& where, error_code& ec) {
    error_code second;
    where.deregister_handle(commands.first, ec);
    where.deregister_handle(answers.second, second);
    ec = ec ? ec : second;
  }

  std::pair<mioext::pipe_reader, mioext::pipe_writer> commands = mioext::pipe();
  std::pair<mioext::pipe_reader, mioext::pipe_writer> answers = mioext::pipe();
};
// end::source[]

// tag::refusing[]
class limited_registry { // stands for a registry: counts, and refuses
public:
  limited_registry(mioext::registry const& target, std::size_t most)
      : target_(target), left_(most) {}

  template <class Handle>
  void register_handle(Handle&& handle, mioext::token name, mioext::interest wanted,
                       mioext::trigger how, error_code& ec) {
    if (left_ == 0) {
      ec = boost::asio::error::no_buffer_space;
      return;
    }
    target_.register_handle(handle, name, wanted, how, ec);
    left_ -= ec ? 0 : 1;
  }

  template <class Handle> void deregister_handle(Handle&& handle, error_code& ec) {
    target_.deregister_handle(handle, ec);
    left_ += ec ? 0 : 1;
  }

private:
  mioext::registry target_;
  std::size_t left_;
};
// end::refusing[]

} // namespace

BOOST_AUTO_TEST_CASE(a_source_of_two_descriptors) {
  error_code ec;
  two_pipes source;
  mioext::poller poller;
  mioext::events events(8);
  limited_registry too_small(poller.registry(), 1);
  source.start(too_small, mioext::token(1), ec);
  BOOST_TEST((ec == boost::asio::error::no_buffer_space));
  source.commands.second.write_some(buffer("x", 1));
  BOOST_TEST(poller.poll(events, seconds(0)) == 0u);

  limited_registry limited(poller.registry(), 2);
  source.start(limited, mioext::token(1), ec);
  BOOST_TEST(!ec);
  BOOST_TEST(poller.poll(events, seconds(0)) == 2u);
  BOOST_TEST((events[0].token() == mioext::token(1)));
  BOOST_TEST((events[1].token() == mioext::token(1)));
  source.stop(limited, ec);
  BOOST_TEST(!ec);

  source.start(poller.registry(), mioext::token(2), ec);
  BOOST_TEST(!ec);
  mioext::event_loop loop;
  source.start(loop, mioext::token(3), ec);
  BOOST_TEST(!ec);
  mioext::handler nothing;
  BOOST_TEST(loop.run_once(nothing, seconds(0)) == 2u);
  source.stop(loop, ec);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(a_descriptor_is_passed_on) {
  auto sockets = mioext::unix_socket::pair();
  auto pipe = mioext::pipe();
  // tag::passing[]
  mioext::send_with_descriptor(sockets.first, buffer("here", 4), pipe.first);

  int fd = -1;
  std::array<char, 16> text;
  mioext::receive_with_descriptor(sockets.second, buffer(text), fd);
  mioext::pipe_reader adopted(fd); // owns it, and makes it non-blocking
  // end::passing[]
  pipe.second.write_some(buffer("x", 1));
  BOOST_TEST(adopted.read_some(buffer(text)) == 1u);
}

// --- Descriptors of others, loops of others ------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_descriptor_of_somebody_else) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  mioext::handler handler;
  // tag::raw[]
  int const fd = ends[0]; // a library has opened it, and will close it
  mioext::event_loop loop;
  loop.register_handle(fd, mioext::token(3), mioext::interest::readable);
  loop.run_once(handler, milliseconds(1));
  loop.deregister_handle(fd); // before it is closed
  // end::raw[]
  BOOST_TEST((::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0); // as it was
  ::close(ends[0]);
  ::close(ends[1]);
}

BOOST_AUTO_TEST_CASE(
    a_loop_inside_another,
    *test::needs_kernel("libkqueue's queue is a pipe's writing end, which nobody can wait for")) {
  struct handler_type final : mioext::handler {
    void timer(loop_type&, mioext::token) override { ++calls; }
    int calls = 0;
  } handler;
  mioext::event_loop loop;
  loop.timer(milliseconds(1), mioext::token(0));
  // tag::outer[]
  while (handler.calls == 0) { // the other loop, whatever it is: here poll(2)
    auto const next = loop.time_to_next_timer();
    int const limit = next == std::chrono::nanoseconds::max()
                          ? -1
                          : static_cast<int>((next + milliseconds(1)) / milliseconds(1));
    pollfd polled = {loop.native_handle(), POLLIN, 0};
    ::poll(&polled, 1, limit);
    loop.run_once(handler, seconds(0)); // only looks
  }
  // end::outer[]
  BOOST_TEST(handler.calls == 1);
}

BOOST_AUTO_TEST_CASE(
    a_nearer_timer_shows_on_the_descriptor,
    *test::needs_kernel("libkqueue's queue is a pipe's writing end, which nobody can wait for")) {
  mioext::event_loop loop;
  pollfd polled = {loop.native_handle(), POLLIN, 0};
  loop.timer(std::chrono::hours(1), mioext::token(0));
  BOOST_TEST((loop.time_to_next_timer() > std::chrono::minutes(59)));
  BOOST_TEST(::poll(&polled, 1, 0) == 0);
  loop.timer(milliseconds(1), mioext::token(1));
  BOOST_TEST(::poll(&polled, 1, 20000) == 1); // the outer loop learns that an hour is too long
}

BOOST_AUTO_TEST_CASE(the_standard_library) {
  auto ends = mioext::pipe();
  mioext::poller poller;
  // tag::standard[]
  std::unordered_map<mioext::token, std::string> names; // tokens have a hash
  names[mioext::token(1)] = "input";

  error_code ec;
  poller.registry().deregister_handle(ends.first, ec);
  std::error_code const same = ec; // Boost's error codes convert to the standard ones
  bool const is_same = same == std::errc::no_such_file_or_directory;

  mioext::events events(8);
  poller.poll(events, std::chrono::duration<double>(0.001)); // any duration, rounded up
  // end::standard[]
  BOOST_TEST(is_same);
  BOOST_TEST(events.empty());
}

BOOST_AUTO_TEST_CASE(a_loop_after_fork, *test::needs_kernel("libkqueue does not survive a fork")) {
  // tag::fork[]
  enum class fork_event { fork_prepare, fork_parent, fork_child }; // or execution_context's

  struct ender final : mioext::handler {
    void timer(loop_type& loop, mioext::token) override { loop.shutdown(); }
  } handler;

  mioext::event_loop loop;
  loop.timer(milliseconds(1), mioext::token(0));
  pid_t const child = ::fork();
  if (child == 0) {
    loop.notify_fork(fork_event::fork_child);
    loop.run(handler);
    ::_exit(0);
  }
  loop.run(handler); // there is nothing to do in the parent
  // end::fork[]
  int status = -1;
  BOOST_TEST(::waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_SUITE_END()
