//
// test/system_call_faults.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Every system call that mioext makes fails, each time that it is made, with each error that its manual
// lists: the error is told, or the work is done all the same; nothing leaks, nothing hangs, and what was
// there before goes on.
//

#include <mioext.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/system_error.hpp>

#include <boost/test/unit_test.hpp>

#include "faults.hpp"
#include "handles.hpp"
#include "support.hpp"

namespace {

namespace asio = boost::asio;
using boost::asio::buffer;
using boost::asio::io_context;
using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using boost::system::error_code;
using mioext::interest;
using mioext::trigger;
using std::chrono::milliseconds;
using support::token;

// --- What can go wrong with a call -----------------------------------------------------------------

/// The errors that the manual lists and that a correct program can meet. Not among them: EAGAIN of
/// calls that the kernel has just said would not wait, for it keeps its word.
std::vector<int> errors_of(faults::call of) {
  using faults::call;
  switch (of) {
  case call::accept4:
    return {EINTR, EAGAIN, ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM, EPROTO};
  case call::bind:
    return {EACCES, EADDRINUSE, ENOMEM};
  case call::close:
    return {EINTR, EIO};
  case call::connect:
    return {EINTR, EACCES, EADDRNOTAVAIL, ECONNREFUSED, ENETUNREACH, EPERM, ETIMEDOUT};
  case call::dup3:
    return {EBUSY, EINTR, EMFILE};
  case call::epoll_create1:
  case call::eventfd:
  case call::pipe2:
  case call::signalfd:
  case call::socket:
  case call::socketpair:
    return {EMFILE, ENFILE, ENOMEM};
  case call::epoll_ctl: // EPERM is for what is no socket, no pipe and the like
    return {ENOMEM, ENOSPC};
  case call::epoll_pwait2:
  case call::epoll_wait:
    return {EINTR};
  case call::fcntl:
    return {EINVAL, EPERM};
  case call::fstat:
    return {ENOMEM, EOVERFLOW};
  case call::getpeername:
  case call::getsockname:
    return {ENOBUFS, ENOTCONN};
  case call::getsockopt:
  case call::setsockopt:
    return {ENOMEM, ENOPROTOOPT, ENOBUFS};
  case call::ioctl:
    return {EINVAL};
  case call::listen:
    return {EADDRINUSE};
  case call::poll:
    return {EINTR, ENOMEM};
  case call::pthread_sigmask: // EINVAL alone, for an argument that is none
    return {};
  case call::read:
  case call::readv:
  case call::recv:
  case call::recvmsg:
    return {EINTR, ECONNREFUSED, ECONNRESET, ENOMEM, ENOTCONN, EIO};
  case call::send:
  case call::sendmsg:
  case call::write:
  case call::writev:
    return {EINTR, ECONNRESET, ENOBUFS, ENOMEM, ENOTCONN, EPIPE, EIO};
  case call::shutdown:
    return {ENOTCONN};
  case call::count:
    break;
  }
  return {};
}

/// What stays so until somebody gives something back.
bool can_last(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS ||
         error == ENOSPC;
}

// --- What is done ----------------------------------------------------------------------------------

/// Something did not come about, and no error said so.
struct broken_promise : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool holds, char const* what) {
  if (!holds) {
    throw broken_promise(what);
  }
}

/// How long something may take that comes at once; only a failure takes so long.
constexpr std::chrono::seconds limit{5};

/// How long a shortage lasts. What can wait for its end does so.
constexpr milliseconds shortage{150};

/// Ticks until it is so.
template <class Loop, class Handler, class Condition>
void run_until(Loop& loop, Handler& handler, Condition condition, char const* what) {
  auto const begin = std::chrono::steady_clock::now();
  while (!condition()) {
    auto const passed = std::chrono::steady_clock::now() - begin;
    require(passed < limit, what);
    if (passed > shortage) {
      faults::end();
    }
    loop.run_once(handler, milliseconds(10));
  }
}

/// Until the context has nothing left to do, and no longer than it may take.
template <class Context> void run(Context& context) {
  context.restart();
  context.run_for(shortage);
  if (!context.stopped()) {
    faults::end();
    context.run_for(limit);
  }
  require(context.stopped(), "the context comes to its end");
}

/// Into the outcome, of which the first error counts.
struct into {
  void operator()(error_code const& ec) const {
    ++*calls;
    if (ec && !*outcome) {
      *outcome = ec;
    }
  }
  template <class Result> void operator()(error_code const& ec, Result&&) const { (*this)(ec); }

  error_code* outcome;
  int* calls;
};

/// Asynchronous operations, and how they ended.
struct operations {
  into started() {
    ++pending;
    return into{&outcome, &calls};
  }

  /// Throws what they were told.
  template <class Context> void finish(Context& context) {
    run(context);
    require(calls == pending, "each operation is completed once");
    if (outcome) {
      throw boost::system::system_error(outcome);
    }
  }

  error_code outcome;
  int pending = 0;
  int calls = 0;
};

/// What a test needs and is not about.
template <class Made> Made made_without_faults(Made (*make)()) {
  faults::pause const pause;
  return make();
}

std::unique_ptr<support::full_listener> full_listener() {
  return made_without_faults<std::unique_ptr<support::full_listener>>(
      [] { return std::unique_ptr<support::full_listener>(new support::full_listener); });
}

void drain(support::full_listener& listener) {
  faults::pause const pause;
  listener.drain();
}

// Each scenario does something with a part of the library, and throws what it is told.

void poller_and_waker() {
  mioext::poller poller;
  mioext::waker waker(poller.registry(), token(1));
  auto pair = mioext::unix_socket::pair();
  poller.registry().register_handle(pair.first, token(2), interest::readable);
  poller.registry().reregister_handle(pair.first, token(3), interest::readable);
  pair.second.write_some(buffer("x", 1));
  waker.wake();
  mioext::events events(4);
  std::size_t seen = 0;
  auto const deadline = std::chrono::steady_clock::now() + limit;
  while (seen != 2) {
    require(std::chrono::steady_clock::now() < deadline, "a waker and data are reported");
    poller.poll(events, milliseconds(100));
    for (mioext::event const& each : events) {
      require(each.token() == token(1) || each.token() == token(3), "with their tokens");
      ++seen;
    }
  }
  poller.registry().deregister_handle(pair.first);
}

void loop_registrations() {
  mioext::event_loop loop;
  support::recorder<> handler;
  auto pair = mioext::unix_socket::pair();
  loop.register_handle(pair.first, token(1), interest::readable);
  pair.second.write_some(buffer("x", 1));
  run_until(
      loop, handler, [&] { return !handler.calls.empty(); }, "data is reported");
  require(handler.calls.back() == "readable token(1) data", "with its token");
  loop.reregister_handle(pair.first, token(2), interest::writable, trigger::level);
  run_until(
      loop, handler, [&] { return handler.calls.size() > 1; }, "room is reported");
  require(handler.calls.back() == "writable token(2)", "with its token");
  loop.deregister_handle(pair.first);
}

/// The same, by saying what it is to be.
void loop_watches() {
  mioext::event_loop loop;
  support::recorder<> handler;
  auto pair = mioext::unix_socket::pair();
  loop.watch(pair.first, token(1), interest::readable);
  pair.second.write_some(buffer("x", 1));
  run_until(
      loop, handler, [&] { return !handler.calls.empty(); }, "data is reported");
  require(handler.calls.back() == "readable token(1) data", "with its token");
  loop.watch(pair.first, token(2), interest::writable, trigger::exclusive);
  handler.calls.clear();
  run_until(
      loop, handler, [&] { return !handler.calls.empty(); }, "room is reported");
  require(handler.calls.back() == "writable token(2)", "with its token");
  require(!loop.deregister_handle(pair.first, token(1)), "another token's is left");
  require(loop.deregister_handle(pair.first, token(2)), "its own is gone");
}

/// From connect to close, over TCP.
void loop_connects() {
  mioext::event_loop loop;
  support::recorder<> handler;
  mioext::tcp_acceptor acceptor(test::loopback());
  loop.listen(acceptor, 16, token(1));
  mioext::tcp_socket socket;
  loop.connect(socket, acceptor.local_endpoint(), token(2));
  bool is_connected = false;
  mioext::tcp_socket accepted;
  error_code refused;
  handler.on_writable = [&](mioext::event_loop&, mioext::token) {
    refused = socket.take_error();
    is_connected = true;
  };
  handler.on_readable = [&](mioext::event_loop&, mioext::token from, mioext::read_hint) {
    if (from == token(1)) {
      accepted = acceptor.accept();
    }
  };
  run_until(
      loop, handler, [&] { return is_connected && (refused || accepted.is_open()); },
      "the outcome of a connect is told, and a connection reported");
  if (refused) {
    throw boost::system::system_error(refused);
  }
  socket.write_some(buffer("hello", 5));
  test::wait_for(accepted, POLLIN);
  char data[16];
  require(accepted.read_some(buffer(data)) == 5, "what was sent arrives");
  socket.shutdown(asio::socket_base::shutdown_send);
  accepted.close();
}

/// A listener without room; then it has some.
void loop_waits_for_room() {
  auto const listener = full_listener();
  mioext::event_loop loop;
  support::recorder<> handler;
  mioext::unix_socket socket;
  loop.connect(socket, listener->endpoint, token(1));
  loop.timer(milliseconds(5), token(2));
  handler.on_timer = [&](mioext::event_loop&, mioext::token) { drain(*listener); };
  bool is_told = false;
  error_code refused;
  handler.on_writable = [&](mioext::event_loop&, mioext::token) {
    is_told = true;
    refused = socket.take_error();
  };
  run_until(
      loop, handler, [&] { return is_told; }, "who waits for room is told");
  if (refused) {
    throw boost::system::system_error(refused);
  }
}

/// Without room for long enough to be tried again.
void loop_tries_again() {
  auto const listener = full_listener();
  mioext::event_loop loop;
  support::recorder<> handler;
  mioext::unix_socket socket;
  loop.connect(socket, listener->endpoint, token(1));
  loop.timer(milliseconds(20), token(2));
  bool is_over = false;
  handler.on_timer = [&](mioext::event_loop&, mioext::token) { is_over = true; };
  error_code refused;
  handler.on_writable = [&](mioext::event_loop&, mioext::token) {
    refused = socket.take_error();
    require(!!refused, "nobody is connected where there is no room");
  };
  run_until(
      loop, handler, [&] { return is_over; }, "a timer fires");
  if (refused) {
    throw boost::system::system_error(refused);
  }
}

/// A listener without room, which goes.
void loop_is_refused() {
  auto const listener = full_listener();
  mioext::event_loop loop;
  support::recorder<> handler;
  mioext::unix_socket socket;
  loop.connect(socket, listener->endpoint, token(1));
  listener->acceptor.close();
  bool is_told = false;
  error_code refused;
  handler.on_writable = [&](mioext::event_loop&, mioext::token) {
    is_told = true;
    refused = socket.take_error();
  };
  run_until(
      loop, handler, [&] { return is_told; }, "a refusal is told");
  require(!!refused, "and is one");
  if (refused != asio::error::connection_refused) {
    throw boost::system::system_error(refused);
  }
}

/// Messages of another thread, timers, shutdown.
void loop_is_woken() {
  mioext::basic_event_loop<mioext::token, int> loop;
  support::recorder<mioext::token, int> handler;
  auto const channel = loop.channel();
  loop.timer(milliseconds(1), token(1));
  int last = 0;
  handler.on_notify = [&](mioext::basic_event_loop<mioext::token, int>&, int message) {
    last = message;
  };
  std::exception_ptr thrown;
  std::thread sender([&] {
    for (int number = 1; number <= 3; ++number) {
      std::this_thread::sleep_for(milliseconds(2)); // so that the loop has to be woken
      try {
        channel.send(number);
      } catch (...) {
        thrown = std::current_exception();
        return;
      }
    }
  });
  struct join {
    ~join() { joined.join(); }
    std::thread& joined;
  };
  {
    join const joined{sender};
    run_until(
        loop, handler, [&] { return last == 3 || thrown; }, "messages arrive");
  }
  if (thrown) {
    std::rethrow_exception(thrown);
  }
  loop.shutdown();
  loop.run(handler);
}

void loop_gets_signals() {
  mioext::event_loop loop;
  support::recorder<> handler;
  loop.register_signal(SIGUSR1);
  loop.register_signal(SIGUSR2);
  ::raise(SIGUSR2);
  run_until(
      loop, handler, [&] { return !handler.calls.empty(); }, "a signal is reported");
  require(handler.calls.back() == "signal " + std::to_string(SIGUSR2), "with its number");
  loop.deregister_signal(SIGUSR2);
  loop.deregister_signal(SIGUSR1);
}

/// What a child does after fork.
void loop_is_rebuilt() {
  mioext::event_loop loop;
  support::recorder<> handler;
  auto pair = mioext::unix_socket::pair();
  auto other = mioext::unix_socket::pair();
  loop.register_handle(pair.first, token(1), interest::readable);
  loop.register_handle(other.first, token(2), interest::readable, trigger::edge | trigger::oneshot);
  loop.register_signal(SIGUSR1);
  std::exception_ptr thrown;
  try {
    loop.notify_fork(asio::execution_context::fork_child);
  } catch (boost::system::system_error const&) {
    thrown = std::current_exception();
    faults::end();
    loop.notify_fork(asio::execution_context::fork_child); // it can be repeated
  }
  pair.second.write_some(buffer("x", 1));
  other.second.write_some(buffer("x", 1));
  ::raise(SIGUSR1);
  run_until(
      loop, handler, [&] { return handler.calls.size() == 3; }, "all is still registered");
  if (thrown) {
    std::rethrow_exception(thrown);
  }
}

void pipes() {
  mioext::pipe_reader reader;
  mioext::pipe_writer writer;
  std::tie(reader, writer) = mioext::pipe();
  require(writer.write_some(buffer("hello", 5)) == 5, "a pipe takes what fits");
  char data[16];
  require(reader.read_some(buffer(data)) == 5, "and has it");
  test::raw_pipe raw;
  mioext::pipe_reader adopted(raw.reader());
  raw.release_reader();
  ::close(adopted.release());
}

void datagrams() {
  udp::endpoint const any(asio::ip::address_v4::loopback(), 0);
  mioext::udp_socket one(any);
  mioext::udp_socket two(any);
  one.send_to(buffer("hello", 5), two.local_endpoint());
  test::wait_for(two, POLLIN);
  char data[16];
  udp::endpoint from;
  require(two.receive_from(buffer(data), from) == 5, "a datagram arrives");
  require(from == one.local_endpoint(), "from where it was sent");
  two.connect(from);
  two.send(buffer("x", 1));
  test::wait_for(one, POLLIN);
  require(one.receive(buffer(data)) == 1, "an answer arrives");
  auto local = mioext::unix_datagram::pair();
  local.first.send(buffer("x", 1));
  require(local.second.receive(buffer(data)) == 1, "over a Unix socket, too");
}

void options() {
  auto sockets = made_without_faults(test::tcp_pair);
  sockets.first.set_option(tcp::no_delay(true));
  tcp::no_delay no_delay;
  sockets.first.get_option(no_delay);
  require(no_delay.value(), "an option is what it was set to");
  require(sockets.first.remote_endpoint() == sockets.second.local_endpoint(), "endpoints match");
  std::vector<asio::const_buffer> const parts = {buffer("ab", 2), buffer("c", 1)};
  require(sockets.first.write_some(parts) == 3, "several buffers are written");
  test::wait_for(sockets.second, POLLIN);
  require(sockets.second.available() == 3, "and are there");
  char one[2];
  char two[2];
  std::vector<asio::mutable_buffer> const into_parts = {buffer(one), buffer(two)};
  require(sockets.second.read_some(into_parts) == 3, "and are read into several");
  if (error_code const pending = sockets.first.take_error()) {
    throw boost::system::system_error(pending);
  }
}

// Inside a context, of either kind.

template <class Context> void waits() {
  Context context;
  operations all;
  auto pair = mioext::unix_socket::pair();
  mioext::async_wait(context, pair.first, interest::readable, all.started());
  mioext::async_wait(context, pair.second.native_handle(), interest::writable, all.started());
  pair.second.write_some(buffer("x", 1));
  all.finish(context);
}

/// What is watched for is changed from outside and in a callback. A change that is refused changes nothing.
template <class Context> void watches() {
  Context context;
  auto pair = mioext::unix_socket::pair();
  error_code told;
  int calls = 0;
  mioext::watcher near(context);
  near.watch(pair.first, interest::readable, [&](error_code const& ec, interest ready) {
    ++calls;
    if (ec) {
      told = ec;
    } else {
      near.watch(ready == interest::readable ? interest::writable : interest::none);
    }
  });
  mioext::watcher_set set(context, [&](error_code const& ec, int descriptor, interest) {
    ++calls;
    told = ec;
    set.watch(descriptor, interest::none);
  });
  int const far = pair.second.native_handle();
  set.watch(far, interest::readable);
  error_code refused;
  set.watch(far, interest::readable | interest::writable, refused);
  if (refused) {
    require(set.wanted(far) == interest::readable, "what is refused changes nothing");
    throw boost::system::system_error(refused);
  }
  pair.second.write_some(buffer("x", 1));
  run(context);
  if (told) {
    throw boost::system::system_error(told);
  }
  require(calls == 3 && set.empty(), "each of them is told what it watches for");
}

/// Connect, accept, exchange.
template <class Context, class Socket>
void exchange(Context& context, operations& all, Socket& socket) {
  mioext::tcp_acceptor acceptor(test::loopback());
  mioext::tcp_socket accepted;
  mioext::async_connect(socket, acceptor.local_endpoint(), all.started());
  operations of_accept;
  mioext::async_accept(context, acceptor, accepted, of_accept.started());
  // Whoever fails leaves the other one waiting.
  context.restart();
  auto const begin = std::chrono::steady_clock::now();
  while (all.calls == 0 || (of_accept.calls == 0 && !all.outcome)) {
    auto const passed = std::chrono::steady_clock::now() - begin;
    require(passed < limit, "connect and accept are completed");
    if (passed > shortage) {
      faults::end();
    }
    context.run_one_for(milliseconds(10));
    context.restart();
  }
  acceptor.close();
  run(context);
  if (of_accept.outcome && !all.outcome) {
    throw boost::system::system_error(of_accept.outcome);
  }
  all.finish(context);
  mioext::stream<mioext::tcp_socket> peer(context, std::move(accepted));
  char sent[] = "hello";
  char received[sizeof sent];
  asio::async_write(peer, buffer(sent), all.started());
  all.finish(context);
  asio::async_read(socket, buffer(received), all.started());
  all.finish(context);
  require(std::memcmp(sent, received, sizeof sent) == 0, "what was sent arrives");
}

template <class Context> void streams_connect() {
  Context context;
  operations all;
  mioext::stream<mioext::tcp_socket> stream(context);
  exchange(context, all, stream);
}

template <class Context> void sockets_of_asio_connect() {
  Context context;
  operations all;
  tcp::socket socket(context);
  exchange(context, all, socket);
}

template <class Context> void streams_wait_for_room() {
  auto const listener = full_listener();
  Context context;
  operations all;
  mioext::stream<mioext::unix_socket> stream(context);
  mioext::async_connect(stream, listener->endpoint, all.started());
  context.run_for(milliseconds(20));
  if (all.calls == 0) {
    drain(*listener);
  }
  all.finish(context);
}

template <class Context> void loop_in_context() {
  Context context;
  mioext::basic_async_event_loop<mioext::token, int> loop(context);
  support::recorder<mioext::token, int> handler;
  auto pair = mioext::unix_socket::pair();
  loop.register_handle(pair.first, token(1), interest::readable);
  loop.timer(milliseconds(1), token(2));
  handler.on_timer = [&](mioext::basic_event_loop<mioext::token, int>&, mioext::token) {
    pair.second.write_some(buffer("x", 1));
  };
  handler.on_readable = [&](mioext::basic_event_loop<mioext::token, int>& called, mioext::token,
                            mioext::read_hint) { called.channel().send(3); };
  handler.on_notify = [&](mioext::basic_event_loop<mioext::token, int>& called, int) {
    called.shutdown();
  };
  operations all;
  loop.async_run(handler, all.started());
  all.finish(context);
  require(handler.calls.size() == 3, "timer, data and message are reported");
}

template <class Context> void service_is_rebuilt() {
  Context context;
  operations all;
  auto pair = mioext::unix_socket::pair();
  mioext::async_wait(context, pair.first, interest::readable, all.started());
  context.poll();
  std::exception_ptr thrown;
  context.notify_fork(asio::execution_context::fork_prepare);
  try {
    context.notify_fork(asio::execution_context::fork_child);
  } catch (boost::system::system_error const&) {
    thrown = std::current_exception();
    faults::end();
    context.notify_fork(asio::execution_context::fork_child); // it can be repeated
  }
  pair.second.write_some(buffer("x", 1));
  all.finish(context);
  if (thrown) {
    std::rethrow_exception(thrown);
  }
}

/// Operations, a timer and functions of another thread.
template <class Context> void context_is_woken() {
  Context context;
  operations all;
  auto pair = mioext::unix_socket::pair();
  mioext::stream<mioext::unix_socket> stream(context, std::move(pair.first));
  char byte = 0;
  stream.async_read_some(buffer(&byte, 1), all.started());
  mioext::steady_timer timer(context, milliseconds(1));
  timer.async_wait(all.started());
  int posted = 0;
  std::thread sender([&] {
    for (int number = 0; number != 3; ++number) {
      std::this_thread::sleep_for(milliseconds(2)); // so that the context has to be woken
      asio::post(context, [&] { ++posted; });
    }
  });
  struct join {
    ~join() { joined.join(); }
    std::thread& joined;
  };
  {
    join const joined{sender};
    auto const begin = std::chrono::steady_clock::now();
    while (posted != 3) {
      auto const passed = std::chrono::steady_clock::now() - begin;
      require(passed < limit, "functions of another thread are called");
      if (passed > shortage) {
        faults::end();
      }
      context.run_one_for(milliseconds(10));
      context.restart();
    }
  }
  pair.second.write_some(buffer("x", 1));
  all.finish(context);
}

struct scenario {
  char const* name;
  void (*function)();
};

// --- What must hold --------------------------------------------------------------------------------

std::size_t total = 0;

/// A loop that is there before and after.
class bystander {
public:
  bystander() { loop_.register_handle(pair_.first, token(1), interest::readable); }

  bool still_works() {
    support::recorder<> handler;
    pair_.second.write_some(buffer("x", 1));
    bool const works = support::run_until(loop_, handler, [&] { return !handler.calls.empty(); });
    char byte;
    error_code ignored;
    pair_.first.read_some(buffer(&byte, 1), ignored);
    return works;
  }

private:
  mioext::event_loop loop_;
  std::pair<mioext::unix_socket, mioext::unix_socket> pair_ = mioext::unix_socket::pair();
};

void check_with(scenario const& done, faults::fault const& planned, bystander& other) {
  std::string const what = std::string(done.name) + ": " + faults::name(planned.of) + " number " +
                           std::to_string(planned.index) + " fails with " +
                           std::strerror(planned.error) +
                           (planned.from_then_on ? ", from then on" : "");
  std::size_t const before = test::open_descriptors();
  faults::begin(&planned);
  try {
    done.function();
    faults::end();
  } catch (boost::system::system_error const& error) {
    faults::end();
    BOOST_CHECK_MESSAGE(error.code() == error_code(planned.error, boost::system::system_category()),
                        what << ": told is " << error.what());
  } catch (std::exception const& error) {
    faults::end();
    BOOST_ERROR(what << ": broken is: " << error.what());
  }
  total += faults::injected() != 0; // one that lasts is one
  // It may be that the call was not made this time, as of a thread that was not needed.
  std::size_t const after = test::open_descriptors();
  BOOST_CHECK_MESSAGE(after == before, what << ": leaked are " << after - before << " descriptors");
  BOOST_CHECK_MESSAGE(other.still_works(), what << ": another loop does not work any more");
}

void check(scenario const& done) {
  faults::begin(nullptr);
  done.function(); // for what is made once and for all
  faults::begin(nullptr);
  BOOST_REQUIRE_NO_THROW(done.function());
  faults::end();
  std::map<faults::call, std::size_t> made;
  for (std::size_t of = 0; of != static_cast<std::size_t>(faults::call::count); ++of) {
    made[static_cast<faults::call>(of)] = faults::calls(static_cast<faults::call>(of));
  }
  bystander other;
  std::size_t const before = total;
  for (auto const& each : made) {
    // Those that are made again and again are made for the same reason.
    std::size_t const most = std::min<std::size_t>(each.second, 24);
    for (std::size_t index = 0; index != most; ++index) {
      for (int const error : errors_of(each.first)) {
        check_with(done, faults::fault{each.first, index, error, false}, other);
        if (can_last(error)) {
          check_with(done, faults::fault{each.first, index, error, true}, other);
        }
      }
    }
  }
  BOOST_TEST(total > before, "no fault was injected: whose calls are counted?");
  std::cout << done.name << ": " << total - before << " faults" << std::endl;
}

} // namespace

BOOST_AUTO_TEST_SUITE(system_call_faults)

#define CHECK_SCENARIO(function)                                                                   \
  BOOST_AUTO_TEST_CASE(in_##function) { check(scenario{#function, function}); }

#define CHECK_IN_BOTH_CONTEXTS(function)                                                           \
  BOOST_AUTO_TEST_CASE(in_##function) { check(scenario{#function, function<io_context>}); }        \
  BOOST_AUTO_TEST_CASE(in_##function##_in_selector_context) {                                      \
    check(scenario{#function " in a selector_context", function<mioext::selector_context>});       \
  }

CHECK_SCENARIO(poller_and_waker)
CHECK_SCENARIO(loop_registrations)
CHECK_SCENARIO(loop_watches)
CHECK_SCENARIO(loop_connects)
CHECK_SCENARIO(loop_waits_for_room)
CHECK_SCENARIO(loop_tries_again)
CHECK_SCENARIO(loop_is_refused)
CHECK_SCENARIO(loop_is_woken)
CHECK_SCENARIO(loop_gets_signals)
CHECK_SCENARIO(loop_is_rebuilt)
CHECK_SCENARIO(pipes)
CHECK_SCENARIO(datagrams)
CHECK_SCENARIO(options)
CHECK_IN_BOTH_CONTEXTS(waits)
CHECK_IN_BOTH_CONTEXTS(watches)
CHECK_IN_BOTH_CONTEXTS(streams_connect)
CHECK_IN_BOTH_CONTEXTS(sockets_of_asio_connect)
CHECK_IN_BOTH_CONTEXTS(streams_wait_for_room)
CHECK_IN_BOTH_CONTEXTS(loop_in_context)
CHECK_IN_BOTH_CONTEXTS(service_is_rebuilt)
CHECK_IN_BOTH_CONTEXTS(context_is_woken)

BOOST_AUTO_TEST_CASE(messages_to_a_loop_that_is_awake_make_no_system_call) {
  struct receiver final : mioext::basic_handler<mioext::token, int> {
    void notify(loop_type& loop, int message) override {
      if (message == 0) {
        auto const channel = loop.channel();
        faults::begin(nullptr);
        for (int next = 1; next <= last; ++next) {
          channel.send(next);
        }
        faults::end();
        for (std::size_t of = 0; of != static_cast<std::size_t>(faults::call::count); ++of) {
          made += faults::calls(static_cast<faults::call>(of));
        }
      } else if (message == last) {
        loop.shutdown();
      }
    }

    int const last = 10;
    std::size_t made = 0;
  };

  mioext::basic_event_loop<mioext::token, int> loop;
  receiver handler;
  loop.channel().send(0);
  loop.run(handler);
  BOOST_TEST(handler.made == 0u);
}

namespace {

/// How many system calls `function` makes.
template <class Function> std::size_t system_calls_of(Function function) {
  faults::begin(nullptr);
  function();
  faults::end();
  std::size_t made = 0;
  for (std::size_t of = 0; of != static_cast<std::size_t>(faults::call::count); ++of) {
    made += faults::calls(static_cast<faults::call>(of));
  }
  return made;
}

/// Watches again what is watched already, in all the states that it can be in.
template <class Loop> void watch_again(Loop& loop) {
  auto const listener = full_listener();
  mioext::tcp_acceptor acceptor(test::loopback());
  auto pair = mioext::unix_socket::pair();
  mioext::unix_socket unknown;
  unknown.open();
  mioext::unix_socket waiting;
  mioext::tcp_socket connecting;
  interest const both = interest::readable | interest::writable;
  BOOST_TEST(system_calls_of([&] { loop.watch(pair.first, token(1), interest::readable); }) ==
             1u); // or those below show nothing
  loop.register_handle(pair.second, token(2), both, trigger::oneshot);
  loop.listen(acceptor, 16, token(3));
  loop.connect(connecting, acceptor.local_endpoint(), token(4), both, trigger::edge);
  loop.connect(waiting, listener->endpoint, token(5), both, trigger::edge);
  BOOST_TEST(system_calls_of([&] {
               loop.watch(pair.first, token(1), interest::readable);
               loop.watch(pair.first, token(1), interest::readable, trigger::level);
               loop.watch(pair.second, token(2), both, trigger::oneshot);
               loop.watch(acceptor, token(3), interest::readable, trigger::edge);
               loop.watch(connecting, token(4), both, trigger::edge);
               loop.watch(waiting, token(5), both, trigger::edge);
               loop.watch(pair.first, token(9), interest::none);
               loop.watch(unknown, token(1), interest::none);
               loop.watch(-1, token(1), interest::none);
               BOOST_TEST(!loop.deregister_handle(pair.first, token(9)));
               BOOST_TEST(!loop.deregister_handle(unknown, token(1)));
             }) == 0u);
  BOOST_TEST(system_calls_of([&] {
               loop.watch(pair.first, token(1), interest::readable, trigger::edge);
               loop.watch(pair.first, token(2), interest::readable, trigger::edge);
               BOOST_TEST(loop.deregister_handle(pair.first, token(2)));
             }) == 3u);
}

} // namespace

BOOST_AUTO_TEST_CASE(watching_what_is_watched_already_makes_no_system_call) {
  mioext::event_loop loop;
  watch_again(loop);
}

BOOST_AUTO_TEST_CASE(watching_what_is_watched_already_makes_no_system_call_in_a_context) {
  io_context context;
  mioext::async_event_loop loop(context);
  watch_again(loop);
  mioext::selector_context own_context;
  mioext::async_event_loop own_loop(own_context);
  watch_again(own_loop);
}

namespace {

/// How many system calls a watcher makes for ten events, beside those of the context for each round: to
/// the selector, for a handle that says itself when it is closed, so that nobody checks it.
template <class Context> std::size_t registrations_of_a_watcher(Context& context, int& calls) {
  auto pair = mioext::unix_socket::pair();
  mioext::watcher watching(context);
  watching.watch(pair.first, interest::readable, [&](boost::system::error_code, interest) {
    char byte;
    pair.first.read_some(boost::asio::buffer(&byte, 1));
    if (++calls == 10) {
      watching.stop();
    } else {
      pair.second.write_some(boost::asio::buffer("x", 1));
    }
  });
  pair.second.write_some(boost::asio::buffer("x", 1));
  faults::begin(nullptr);
  context.run_for(support::patience);
  faults::end();
  return faults::calls(faults::call::epoll_ctl);
}

} // namespace

BOOST_AUTO_TEST_CASE(a_watcher_watches_on_without_a_system_call) {
  int calls = 0;
  io_context context;
  BOOST_TEST(registrations_of_a_watcher(context, calls) == 1u); // to stop
  BOOST_TEST(calls == 10);
  calls = 0;
  mioext::selector_context own_context;
  BOOST_TEST(registrations_of_a_watcher(own_context, calls) == 1u);
  BOOST_TEST(calls == 10);
}

BOOST_AUTO_TEST_CASE(the_number_of_faults_is_told) {
  std::cout << total << " faults injected" << std::endl;
  BOOST_TEST(total > 500u);
}

BOOST_AUTO_TEST_SUITE_END()
