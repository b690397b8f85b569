//
// test/async_connect.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// async_connect: the truth about every kind of connect, for every kind of socket, to one endpoint,
// to the first of several, and to whichever is first.
//

#include <mioext/async_connect.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <mioext/pipe.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/udp.hpp>
#include <mioext/unix.hpp>

#include "contexts.hpp"
#include "handles.hpp"
#include "support.hpp"
#include "systems.hpp"

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#endif
#ifdef BOOST_ASIO_HAS_CO_AWAIT
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#endif

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using support::tested_context;
using local = asio::local::stream_protocol;
using test::full_tcp_listener;

// What a completion handler was told, and that it was told once.
struct outcome {
  int calls = 0;
  error_code error;
};

struct store {
  void operator()(error_code const& ec) const {
    ++told->calls;
    told->error = ec;
  }
  outcome* told;
};

template <class Result> struct store_with {
  void operator()(error_code const& ec, Result const& given) const {
    ++told->calls;
    told->error = ec;
    *result = given;
  }
  outcome* told;
  Result* result;
};

// Tells another thread.
struct hand_over {
  void operator()(error_code const& ec) const { promise->set_value(ec); }
  std::promise<error_code>* promise;
};

// Notes how much of its allocator's memory is in use when it is called.
struct allocating_handler {
  using allocator_type = contexts::counting_allocator<void>;
  allocator_type get_allocator() const { return allocator_type(*memory); }
  void operator()(error_code const&) const { seen->push_back(memory->outstanding); }
  void operator()(error_code const& ec, tcp::endpoint const&) const { (*this)(ec); }
  contexts::counts* memory;
  std::vector<std::size_t>* seen;
  std::shared_ptr<void> alive;
};

// One type for all conditions, because all of a connect is instantiated anew for each.
using condition = std::function<bool(error_code const&, tcp::endpoint const&)>;

// A TCP listener on a port that the kernel picks.
struct tcp_listener {
  tcp_listener() : acceptor(test::loopback()), endpoint(acceptor.local_endpoint()) {}

  mioext::tcp_acceptor acceptor;
  tcp::endpoint endpoint;
};

// Where nobody listens.
tcp::endpoint refusing_endpoint() {
  tcp_listener gone;
  return gone.endpoint;
}

bool is_connected(int fd) {
  sockaddr_storage address;
  socklen_t size = sizeof address;
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
}

// The kinds of socket, with one way to use them.

template <class Protocol> struct asio_socket {
  using endpoint_type = typename Protocol::endpoint;
  explicit asio_socket(tested_context& context) : socket(context) {}
  template <class... Arguments> void connect(Arguments&&... arguments) {
    mioext::async_connect(socket, std::forward<Arguments>(arguments)...);
  }
  typename Protocol::socket socket;
};

template <class Protocol> struct native_executor_socket {
  using endpoint_type = typename Protocol::endpoint;
  explicit native_executor_socket(tested_context& context) : socket(context) {}
  template <class... Arguments> void connect(Arguments&&... arguments) {
    mioext::async_connect(socket, std::forward<Arguments>(arguments)...);
  }
  asio::basic_stream_socket<Protocol, tested_context::executor_type> socket;
};

template <class Protocol> struct mioext_socket {
  using endpoint_type = typename Protocol::endpoint;
  explicit mioext_socket(tested_context& used) : context(used) {}
  template <class... Arguments> void connect(Arguments&&... arguments) {
    mioext::async_connect(context, socket, std::forward<Arguments>(arguments)...);
  }
  tested_context& context;
  mioext::basic_stream_socket<Protocol> socket;
};

template <class Protocol> struct mioext_stream {
  using endpoint_type = typename Protocol::endpoint;
  explicit mioext_stream(tested_context& context) : socket(context) {}
  template <class... Arguments> void connect(Arguments&&... arguments) {
    mioext::async_connect(socket, std::forward<Arguments>(arguments)...);
  }
  mioext::stream<mioext::basic_stream_socket<Protocol>> socket;
};

template <class Protocol> struct stream_of_asio {
  explicit stream_of_asio(tested_context& context) : socket(context) {}
  template <class... Arguments> void connect(Arguments&&... arguments) {
    mioext::async_connect(socket, std::forward<Arguments>(arguments)...);
  }
  mioext::stream<typename Protocol::socket> socket;
};

using tcp_kinds = std::tuple<asio_socket<tcp>, native_executor_socket<tcp>, mioext_socket<tcp>,
                             mioext_stream<tcp>>;
// Whose synchronous reads wait.
using io_object_kinds = std::tuple<asio_socket<tcp>, native_executor_socket<tcp>,
                                   mioext_stream<tcp>, stream_of_asio<tcp>>;
using local_kinds = std::tuple<asio_socket<local>, mioext_socket<local>, mioext_stream<local>>;
// With an executor of their own and without: what is above one connect does not look further.
using two_kinds = std::tuple<asio_socket<tcp>, mioext_socket<tcp>>;

// The peer writes when the read has begun, or is about to: a read that does not wait is there before.
template <class Socket> void check_that_reads_wait(Socket& socket, mioext::tcp_socket peer) {
  std::atomic<bool> is_reading{false};
  std::thread writer([&] {
    while (!is_reading.load()) {
      std::this_thread::yield();
    }
    peer.write_some(asio::buffer("x", 1));
  });
  char byte = 0;
  error_code ec;
  is_reading.store(true);
  BOOST_TEST(socket.read_some(asio::buffer(&byte, 1), ec) == 1u);
  BOOST_TEST(ec == error_code());
  writer.join();
}

// Lets the context work until the handler was called, or until it has nothing to do.
void run_until_told(tested_context& context, outcome const& told) {
  context.restart();
  while (told.calls == 0 && context.run_one() != 0) {
  }
}

} // namespace

// --- One endpoint -----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(tcp_connect_opens_the_socket_and_connects_it, Kind, tcp_kinds) {
  tested_context context;
  tcp_listener listener;
  Kind client(context);
  outcome told;
  client.connect(listener.endpoint, store{&told});
  BOOST_TEST(told.calls == 0); // never from inside
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(is_connected(client.socket.native_handle()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(tcp_connect_that_is_refused_says_so, Kind, tcp_kinds) {
  tested_context context;
  Kind client(context);
  outcome told;
  client.connect(refusing_endpoint(), store{&told});
  BOOST_TEST(told.calls == 0);
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::connection_refused);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(unix_connect_completes_later_although_it_succeeds_at_once, Kind,
                              local_kinds) {
  tested_context context;
  mioext::unix_acceptor acceptor;
  acceptor.open();
  support::bind_to_any(acceptor);
  acceptor.listen(4);
  Kind client(context);
  outcome told;
  client.connect(acceptor.local_endpoint(), store{&told});
  BOOST_TEST(told.calls == 0);
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(is_connected(client.socket.native_handle()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(unix_connect_to_a_missing_path_says_so, Kind, local_kinds) {
  tested_context context;
  Kind client(context);
  outcome told;
  client.connect(local::endpoint("/no/such/directory/socket"), store{&told});
  BOOST_TEST(told.calls == 0);
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == boost::system::errc::no_such_file_or_directory);
}

BOOST_AUTO_TEST_CASE(udp_connect_of_an_asio_and_of_a_mioext_socket) {
  tested_context context;
  mioext::udp_socket peer(asio::ip::udp::endpoint(asio::ip::address_v4::loopback(), 0));
  asio::ip::udp::socket asio_socket(context);
  mioext::udp_socket socket;
  outcome told;
  mioext::async_connect(asio_socket, peer.local_endpoint(), store{&told});
  mioext::async_connect(context, socket, peer.local_endpoint(), store{&told});
  context.run();
  BOOST_TEST(told.calls == 2);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(asio_socket.remote_endpoint() == peer.local_endpoint());
  BOOST_TEST(socket.remote_endpoint() == peer.local_endpoint());
}

BOOST_AUTO_TEST_CASE(a_bare_descriptor_is_connected_and_never_closed) {
  tested_context context;
  tcp_listener listener;
  mioext::detail::file_descriptor const fd(::socket(AF_INET, SOCK_STREAM, 0));
  outcome told;
  mioext::async_connect(context, fd.get(), listener.endpoint, store{&told});
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(is_connected(fd.get()));
}

BOOST_AUTO_TEST_CASE(a_closed_descriptor_is_refused) {
  tested_context context;
  outcome told;
  mioext::async_connect(context, -1, test::loopback(), store{&told});
  BOOST_TEST(told.calls == 0);
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::bad_descriptor);
}

// Linux answers the first connect(2) after one that went on with success, and so does Asio.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_connected_socket_is_not_connected_again, Kind, tcp_kinds) {
  tested_context context;
  tcp_listener listener;
  Kind client(context);
  tcp::socket of_asio(context);
  outcome told;
  outcome asio_told;
  client.connect(listener.endpoint, store{&told});
  of_asio.async_connect(listener.endpoint, store{&asio_told});
  context.run();
  BOOST_REQUIRE(told.error == error_code());
  BOOST_REQUIRE(asio_told.error == error_code());
  context.restart();
  client.connect(refusing_endpoint(), store{&told});
  of_asio.async_connect(listener.endpoint, store{&asio_told});
  context.run();
  BOOST_TEST(told.calls == 2);
  BOOST_TEST(told.error == asio::error::already_connected);
  BOOST_TEST((!asio_told.error || asio_told.error == asio::error::already_connected));
  context.restart();
  client.connect(listener.endpoint, store{&told});
  of_asio.async_connect(listener.endpoint, store{&asio_told});
  context.run();
  BOOST_TEST(told.error == asio::error::already_connected);
  BOOST_TEST(asio_told.error == asio::error::already_connected);
  BOOST_TEST(is_connected(client.socket.native_handle()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_connected_unix_socket_is_not_connected_again, Kind, local_kinds) {
  tested_context context;
  mioext::unix_acceptor acceptor;
  acceptor.open();
  support::bind_to_any(acceptor);
  acceptor.listen(4);
  Kind client(context);
  outcome told;
  client.connect(acceptor.local_endpoint(), store{&told});
  context.run();
  BOOST_REQUIRE(told.error == error_code());
  std::vector<local::endpoint> peers = {acceptor.local_endpoint(),
                                        local::endpoint("/no/such/directory/socket")};
#ifdef __linux__
  support::full_listener const full;
  peers.push_back(full.endpoint);
#endif
  for (local::endpoint const& peer : peers) {
    context.restart();
    client.connect(peer, store{&told});
    context.run();
    BOOST_TEST(told.error == asio::error::already_connected);
  }
  BOOST_TEST(told.calls == static_cast<int>(1 + peers.size()));
}

BOOST_AUTO_TEST_CASE(a_connect_beside_one_that_goes_on_is_already_started) {
  tested_context context;
  full_tcp_listener listener;
  tcp::socket of_asio(context);
  mioext::stream<mioext::tcp_socket> stream(context);
  outcome first;
  outcome asio_first;
  outcome second;
  outcome asio_second;
  stream.async_connect(listener.endpoint, store{&first});
  of_asio.async_connect(listener.endpoint, store{&asio_first});
  stream.async_connect(listener.endpoint, store{&second});
  of_asio.async_connect(listener.endpoint, store{&asio_second});
  run_until_told(context, second);
  BOOST_TEST(second.error == asio::error::already_started);
  if (!test::is_asio_over_io_uring) { // where Asio's connects wait for one another
    run_until_told(context, asio_second);
    BOOST_TEST(asio_second.error == asio::error::already_started);
  }
  BOOST_TEST(first.calls + asio_first.calls == 0);
}

// The descriptor becomes non-blocking, and that is nobody's business but the system's.
BOOST_AUTO_TEST_CASE_TEMPLATE(synchronous_reads_wait_after_every_form_of_connect, Kind,
                              io_object_kinds) {
  tested_context context;
  tcp_listener listener;
  std::vector<tcp::endpoint> const endpoints = {listener.endpoint};
  // Of the type that stands for no condition, so that no other one is instantiated for each kind.
  mioext::detail::any_endpoint const anything;
  using iterator = std::vector<tcp::endpoint>::const_iterator;
  enum { one, member, range, range_if, iterators, iterators_if, race, forms };
  for (int form = one; form != forms; ++form) {
    Kind client(context);
    tcp::endpoint endpoint;
    iterator position;
    outcome told;
    store_with<tcp::endpoint> const with_endpoint{&told, &endpoint};
    store_with<iterator> const with_iterator{&told, &position};
    switch (form) {
    case one:
      client.connect(listener.endpoint, store{&told});
      break;
    case member:
      client.socket.async_connect(listener.endpoint, store{&told});
      break;
    case range:
      client.connect(endpoints, with_endpoint);
      break;
    case range_if:
      client.connect(endpoints, anything, with_endpoint);
      break;
    case iterators:
      client.connect(endpoints.begin(), endpoints.end(), with_iterator);
      break;
    case iterators_if:
      client.connect(endpoints.begin(), endpoints.end(), anything, with_iterator);
      break;
    default:
      client.connect(endpoints, mioext::happy_eyeballs(), with_endpoint);
    }
    context.restart();
    context.run();
    BOOST_REQUIRE(told.error == error_code());
    BOOST_TEST(!client.socket.non_blocking());
    test::wait_for(listener.acceptor, POLLIN);
    check_that_reads_wait(client.socket, listener.acceptor.accept());
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(non_blocking_that_was_asked_for_stays, Kind, io_object_kinds) {
  tested_context context;
  tcp_listener listener;
  Kind client(context);
  outcome told;
  client.socket.open(tcp::v4());
  client.socket.non_blocking(true);
  client.connect(listener.endpoint, store{&told});
  context.run();
  BOOST_REQUIRE(told.error == error_code());
  BOOST_TEST(client.socket.non_blocking());
  char byte = 0;
  error_code ec;
  client.socket.read_some(asio::buffer(&byte, 1), ec);
  BOOST_TEST(ec == asio::error::would_block);
}

// --- A connect that goes on ---------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(closing_the_socket_ends_a_connect_that_goes_on, Kind, tcp_kinds) {
  tested_context context;
  full_tcp_listener listener;
  Kind client(context);
  outcome told;
  client.connect(listener.endpoint, store{&told});
  context.poll();
  BOOST_REQUIRE(told.calls == 0);
  client.socket.close();
  run_until_told(context, told);
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::operation_aborted);
  context.run();
  BOOST_TEST(told.calls == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(destroying_the_socket_ends_a_connect_that_goes_on, Kind, tcp_kinds) {
  tested_context context;
  full_tcp_listener listener;
  outcome told;
  {
    Kind client(context);
    client.connect(listener.endpoint, store{&told});
    context.poll();
    BOOST_REQUIRE(told.calls == 0);
  }
  run_until_told(context, told);
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::operation_aborted);
}

// As closing one of Asio's sockets does; of a bare descriptor the system says nothing.
BOOST_AUTO_TEST_CASE(closing_a_bare_descriptor_ends_a_connect_that_goes_on) {
  tested_context context;
  full_tcp_listener listener;
  mioext::detail::file_descriptor closed(mioext::tcp_socket(tcp::v4()).release());
  mioext::detail::file_descriptor reused(mioext::tcp_socket(tcp::v4()).release());
  outcome of_closed;
  outcome of_reused;
  mioext::async_connect(context, closed.get(), listener.endpoint, store{&of_closed});
  mioext::async_connect(context, reused.get(), listener.endpoint, store{&of_reused});
  context.poll();
  BOOST_REQUIRE(of_closed.calls + of_reused.calls == 0);
  auto const ends = mioext::pipe();
  closed.reset();
  BOOST_REQUIRE(::dup2(ends.first.native_handle(), reused.get()) == reused.get());
  run_until_told(context, of_closed);
  run_until_told(context, of_reused);
  BOOST_TEST(of_closed.error == asio::error::operation_aborted);
  BOOST_TEST(of_reused.error == asio::error::operation_aborted);
  context.run();
  BOOST_TEST(of_closed.calls + of_reused.calls == 2);
}

BOOST_AUTO_TEST_CASE(asio_cancel_ends_a_connect_that_goes_on) {
  tested_context context;
  full_tcp_listener listener;
  tcp::socket socket(context);
  outcome told;
  mioext::async_connect(socket, listener.endpoint, store{&told});
  socket.cancel();
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(a_socket_may_be_moved_while_its_connect_goes_on) {
  tested_context context;
  full_tcp_listener listener;
  tcp::socket first(context);
  outcome told;
  mioext::async_connect(first, listener.endpoint, store{&told});
  context.poll();
  BOOST_REQUIRE(told.calls == 0);
  tcp::socket second(std::move(first));
  // Room in the queue; the kernel sends the next SYN by itself.
  listener.queued.clear();
  error_code ec;
  for (mioext::tcp_socket accepted = listener.acceptor.accept(ec); !ec;) {
    accepted = listener.acceptor.accept(ec);
  }
  run_until_told(context, told);
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(is_connected(second.native_handle()));
}

BOOST_AUTO_TEST_CASE(a_context_that_goes_drops_connects_of_all_kinds) {
  auto const alive = std::make_shared<int>();
  full_tcp_listener listener;
  support::full_listener unix_listener;
  auto context = std::make_shared<tested_context>();
  mioext::tcp_socket tcp_socket;
  mioext::unix_socket unix_socket;
  contexts::counts memory;
  std::vector<std::size_t> seen;
  allocating_handler const never_called = {&memory, &seen, alive};
  mioext::async_connect(*context, tcp_socket, listener.endpoint, never_called);
  mioext::async_connect(*context, unix_socket, unix_listener.endpoint, never_called);
  std::vector<tcp::endpoint> const endpoints(2, listener.endpoint);
  mioext::tcp_socket racing;
  mioext::async_connect(*context, racing, endpoints, mioext::happy_eyeballs(), never_called);
  context->poll();
  context.reset();
  BOOST_TEST(seen.empty());
  BOOST_TEST(memory.outstanding == 0u);
  // `never_called` has one, this has one.
  BOOST_TEST(alive.use_count() == 2);
}

// --- A full backlog ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(unix_connect_with_full_backlog_completes_when_connected, Kind,
                              local_kinds) {
  tested_context context;
  support::full_listener listener;
  Kind client(context);
  outcome told;
  client.connect(listener.endpoint, store{&told});
  // Three tries of its own, each a handler of the context.
  for (int tries = 0; tries != 3; ++tries) {
    context.run_one();
    BOOST_REQUIRE_MESSAGE(told.calls == 0,
                          "told of " << told.error.message() << " while the backlog is full");
  }
  BOOST_TEST(!is_connected(client.socket.native_handle()));
  listener.drain();
  run_until_told(context, told);
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(is_connected(client.socket.native_handle()));
  BOOST_TEST(client.socket.write_some(asio::buffer("x", 1)) == 1u);
}

// The steps are called in the handler's thread, but a selector_context belongs to its own.
BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_of_another_thread_may_wait_for_room, Kind, local_kinds) {
  tested_context context;
  asio::thread_pool pool(1);
  support::full_listener listener;
  Kind client(context);
  std::promise<error_code> promise;
  auto told = promise.get_future();
  client.connect(listener.endpoint, asio::bind_executor(pool, hand_over{&promise}));
  context.run_one_for(support::patience);
  context.run_one_for(support::patience);
  context.run_one_for(support::patience);
  BOOST_TEST((told.wait_for(std::chrono::seconds(0)) == std::future_status::timeout));
  listener.drain();
  context.run_for(support::patience);
  BOOST_TEST(context.stopped());
  pool.join();
  BOOST_TEST(told.get() == error_code());
  BOOST_TEST(is_connected(client.socket.native_handle()));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(unix_connect_with_full_backlog_tells_of_the_refusal, Kind,
                              local_kinds) {
  tested_context context;
  support::full_listener listener;
  Kind client(context);
  outcome told;
  client.connect(listener.endpoint, store{&told});
  context.run_one();
  BOOST_REQUIRE(told.calls == 0);
  listener.acceptor.close();
  run_until_told(context, told);
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::connection_refused);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(closing_a_socket_that_waits_for_room_ends_its_connect, Kind,
                              local_kinds) {
  tested_context context;
  support::full_listener listener;
  Kind client(context);
  outcome told;
  client.connect(listener.endpoint, store{&told});
  context.run_one();
  client.socket.close();
  // Another file gets the number at once.
  mioext::unix_socket other;
  other.open();
  run_until_told(context, told);
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::operation_aborted);
  BOOST_TEST(!is_connected(other.native_handle()));
}

BOOST_AUTO_TEST_CASE(a_socket_may_be_moved_while_it_waits_for_room) {
  tested_context context;
  support::full_listener listener;
  outcome told;
  std::unique_ptr<local::socket> first(new local::socket(context));
  mioext::async_connect(*first, listener.endpoint, store{&told});
  context.run_one();
  local::socket second(std::move(*first));
  first.reset();
  listener.drain();
  run_until_told(context, told);
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(is_connected(second.native_handle()));
}

// --- Several endpoints --------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(the_first_endpoint_that_accepts_is_taken, Kind, two_kinds) {
  tested_context context;
  tcp_listener listener;
  tcp_listener unused;
  std::vector<tcp::endpoint> const endpoints = {refusing_endpoint(), listener.endpoint,
                                                unused.endpoint};
  Kind client(context);
  outcome told;
  tcp::endpoint connected;
  client.connect(endpoints, store_with<tcp::endpoint>{&told, &connected});
  BOOST_TEST(told.calls == 0);
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(connected == listener.endpoint);
  BOOST_TEST(client.socket.remote_endpoint() == listener.endpoint);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_last_error_is_told_when_none_accepts, Kind, two_kinds) {
  tested_context context;
  std::vector<tcp::endpoint> const endpoints = {refusing_endpoint(), refusing_endpoint()};
  Kind client(context);
  outcome told;
  tcp::endpoint connected = test::loopback();
  client.connect(endpoints, store_with<tcp::endpoint>{&told, &connected});
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::connection_refused);
  BOOST_TEST(connected == tcp::endpoint());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(no_endpoint_at_all_is_not_found, Kind, two_kinds) {
  tested_context context;
  Kind client(context);
  outcome told;
  tcp::endpoint connected;
  client.connect(std::vector<tcp::endpoint>(), store_with<tcp::endpoint>{&told, &connected});
  BOOST_TEST(told.calls == 0);
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::not_found);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(iterators_are_answered_with_an_iterator, Kind, two_kinds) {
  tested_context context;
  tcp_listener listener;
  std::vector<tcp::endpoint> const endpoints = {refusing_endpoint(), listener.endpoint};
  using iterator = std::vector<tcp::endpoint>::const_iterator;
  Kind client(context);
  outcome told;
  iterator connected;
  client.connect(endpoints.begin(), endpoints.end(), store_with<iterator>{&told, &connected});
  context.run();
  BOOST_TEST(told.error == error_code());
  BOOST_TEST((connected == endpoints.begin() + 1));

  context.restart();
  client.connect(endpoints.begin(), endpoints.begin() + 1, store_with<iterator>{&told, &connected});
  context.run();
  BOOST_TEST(told.error == asio::error::connection_refused);
  BOOST_TEST((connected == endpoints.begin() + 1)); // the end of what was given
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_condition_is_asked_with_the_last_error_and_the_next_endpoint, Kind,
                              two_kinds) {
  tested_context context;
  tcp_listener skipped;
  tcp_listener listener;
  tcp::endpoint const refusing = refusing_endpoint();
  std::vector<tcp::endpoint> const endpoints = {skipped.endpoint, refusing, listener.endpoint};
  std::vector<std::pair<error_code, tcp::endpoint>> asked;
  condition const takes = [&](error_code const& last, tcp::endpoint const& next) {
    asked.emplace_back(last, next);
    return next != skipped.endpoint;
  };
  Kind client(context);
  outcome told;
  tcp::endpoint connected;
  client.connect(endpoints, takes, store_with<tcp::endpoint>{&told, &connected});
  context.run();
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(connected == listener.endpoint);
  BOOST_REQUIRE(asked.size() == 3u);
  BOOST_TEST(asked[0].first == error_code());
  BOOST_TEST(asked[1].first == error_code());
  BOOST_TEST(asked[1].second == refusing);
  BOOST_TEST(asked[2].first == asio::error::connection_refused);

  using iterator = std::vector<tcp::endpoint>::const_iterator;
  iterator place;
  context.restart();
  client.connect(endpoints.begin(), endpoints.end(), takes, store_with<iterator>{&told, &place});
  context.run();
  BOOST_TEST((place == endpoints.begin() + 2));
}

BOOST_AUTO_TEST_CASE(a_condition_that_takes_nothing_is_not_found) {
  tested_context context;
  tcp_listener listener;
  tcp::socket socket(context);
  outcome told;
  tcp::endpoint connected;
  condition const takes_nothing = [](error_code const&, tcp::endpoint const&) { return false; };
  mioext::async_connect(socket, std::vector<tcp::endpoint>(1, listener.endpoint), takes_nothing,
                        store_with<tcp::endpoint>{&told, &connected});
  context.run();
  BOOST_TEST(told.error == asio::error::not_found);
}

BOOST_AUTO_TEST_CASE(resolver_results_are_a_sequence_of_endpoints) {
  tested_context context;
  tcp_listener listener;
  auto const results = tcp::resolver::results_type::create(listener.endpoint, "host", "service");
  tcp::socket socket(context);
  outcome told;
  tcp::endpoint connected;
  mioext::async_connect(socket, results, store_with<tcp::endpoint>{&told, &connected});
  context.run();
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(connected == listener.endpoint);
}

BOOST_AUTO_TEST_CASE(closing_the_socket_ends_the_whole_sequence) {
  tested_context context;
  full_tcp_listener full;
  tcp_listener listener;
  std::vector<tcp::endpoint> const endpoints = {full.endpoint, listener.endpoint};
  tcp::socket socket(context);
  outcome told;
  tcp::endpoint connected;
  mioext::async_connect(socket, endpoints, store_with<tcp::endpoint>{&told, &connected});
  context.poll();
  BOOST_REQUIRE(told.calls == 0);
  socket.close();
  context.restart();
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::operation_aborted);
  BOOST_TEST(!socket.is_open());
}

/// A family that the system has not: as IPv6 where it is switched off.
template <class Connect>
void check_that_a_family_is_passed_over(tested_context& context, Connect connect) {
  using protocol = asio::generic::stream_protocol;
  sockaddr unknown = sockaddr();
  unknown.sa_family = AF_MAX - 1;
  tcp_listener listener;
  protocol::endpoint const unsupported(&unknown, sizeof unknown);
  protocol::endpoint const supported(listener.endpoint);
  outcome told;
  protocol::endpoint connected;
  connect(std::vector<protocol::endpoint>{unsupported, supported},
          store_with<protocol::endpoint>{&told, &connected});
  context.restart();
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST((connected == supported));
  connect(std::vector<protocol::endpoint>(2, unsupported),
          store_with<protocol::endpoint>{&told, &connected});
  context.restart();
  context.run();
  BOOST_TEST(told.calls == 2);
  BOOST_TEST(told.error == asio::error::address_family_not_supported);
}

BOOST_AUTO_TEST_CASE(an_endpoint_that_no_socket_can_be_opened_for_is_passed_over) {
  using protocol = asio::generic::stream_protocol;
  using endpoints = std::vector<protocol::endpoint>;
  using store = store_with<protocol::endpoint>;
  tested_context context;
  protocol::socket socket(context);
  mioext::basic_stream_socket<protocol> handle;
  check_that_a_family_is_passed_over(context, [&](endpoints const& all, store stored) {
    mioext::async_connect(socket, all, stored);
  });
  check_that_a_family_is_passed_over(context, [&](endpoints const& all, store stored) {
    mioext::async_connect(context, handle, all, stored);
  });
  check_that_a_family_is_passed_over(context, [&](endpoints const& all, store stored) {
    mioext::async_connect(socket, all, mioext::happy_eyeballs(), stored);
  });
  check_that_a_family_is_passed_over(context, [&](endpoints const& all, store stored) {
    mioext::async_connect(context, handle, all, mioext::happy_eyeballs(), stored);
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_sequence_goes_on_when_there_are_descriptors_again, Kind,
                              two_kinds) {
  tested_context context;
  tcp_listener listener;
  std::vector<tcp::endpoint> const endpoints(2, listener.endpoint);
  Kind client(context);
  outcome told;
  tcp::endpoint connected;
  std::unique_ptr<test::no_descriptors_left> shortage(new test::no_descriptors_left);
  error_code last;
  condition const ends_shortage = [&](error_code const& ec, tcp::endpoint const&) {
    if (ec) {
      last = ec;
      shortage.reset();
    }
    return true;
  };
  client.connect(endpoints, ends_shortage, store_with<tcp::endpoint>{&told, &connected});
  shortage.reset();
  context.run();
  BOOST_TEST(last == asio::error::no_descriptors);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(connected == listener.endpoint);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_sequence_without_descriptors_says_so, Kind, two_kinds) {
  tested_context context;
  tcp_listener listener;
  Kind client(context);
  outcome told;
  tcp::endpoint connected;
  {
    test::no_descriptors_left const shortage;
    client.connect(std::vector<tcp::endpoint>(3, listener.endpoint),
                   store_with<tcp::endpoint>{&told, &connected});
  }
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::no_descriptors);
}

BOOST_AUTO_TEST_CASE(a_sequence_of_unix_endpoints_waits_for_room_in_each) {
  tested_context context;
  support::full_listener listener;
  std::vector<local::endpoint> const endpoints = {local::endpoint("/no/such/directory/socket"),
                                                  listener.endpoint};
  local::socket socket(context);
  outcome told;
  local::endpoint connected;
  mioext::async_connect(socket, endpoints, store_with<local::endpoint>{&told, &connected});
  for (int handlers = 0; handlers != 4; ++handlers) {
    context.run_one();
    BOOST_REQUIRE(told.calls == 0);
  }
  listener.drain();
  run_until_told(context, told);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(is_connected(socket.native_handle()));
}

// --- A race -------------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(families_take_turns_in_a_race) {
  auto const v4 = [](unsigned short port) {
    return tcp::endpoint(asio::ip::address_v4::loopback(), port);
  };
  auto const v6 = [](unsigned short port) {
    return tcp::endpoint(asio::ip::address_v6::loopback(), port);
  };
  std::vector<tcp::endpoint> const given = {v6(1), v6(2), v6(3), v4(4), v4(5)};
  using endpoints = std::vector<tcp::endpoint>;
  BOOST_TEST(
      (mioext::detail::interleaved(given, 1) == endpoints{v6(1), v4(4), v6(2), v4(5), v6(3)}));
  BOOST_TEST(
      (mioext::detail::interleaved(given, 2) == endpoints{v6(1), v6(2), v4(4), v6(3), v4(5)}));
  BOOST_TEST(
      (mioext::detail::interleaved(given, 0) == endpoints{v6(1), v4(4), v6(2), v4(5), v6(3)}));
  BOOST_TEST((mioext::detail::interleaved(given, 9) == given));
  BOOST_TEST(mioext::detail::interleaved(endpoints(), 1).empty());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_race_is_won_by_the_endpoint_that_answers, Kind, two_kinds) {
  std::size_t const before = test::open_descriptors();
  {
    tested_context context;
    full_tcp_listener silent;
    tcp_listener listener;
    std::vector<tcp::endpoint> const endpoints = {silent.endpoint, listener.endpoint};
    mioext::happy_eyeballs how;
    how.connection_attempt_delay = std::chrono::milliseconds(20);
    Kind client(context);
    asio::use_service<mioext::selector_service>(context);
    outcome told;
    tcp::endpoint connected;
    std::size_t const idle = test::open_descriptors();
    client.connect(endpoints, how, store_with<tcp::endpoint>{&told, &connected});
    BOOST_TEST(told.calls == 0);
    context.run();
    BOOST_TEST(told.calls == 1);
    BOOST_TEST(told.error == error_code());
    BOOST_TEST(connected == listener.endpoint);
    BOOST_TEST(client.socket.remote_endpoint() == listener.endpoint);
    BOOST_TEST(test::open_descriptors() == idle + 1);
  }
  BOOST_TEST(test::open_descriptors() == before);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(an_attempt_that_fails_is_followed_at_once, Kind, two_kinds) {
  tested_context context;
  tcp_listener listener;
  std::vector<tcp::endpoint> const endpoints = {refusing_endpoint(), refusing_endpoint(),
                                                listener.endpoint};
  mioext::happy_eyeballs how;
  how.connection_attempt_delay = std::chrono::hours(1);
  Kind client(context);
  outcome told;
  tcp::endpoint connected;
  client.connect(endpoints, how, store_with<tcp::endpoint>{&told, &connected});
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == error_code());
  BOOST_TEST(connected == listener.endpoint);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_race_that_nobody_wins_tells_the_last_error, Kind, two_kinds) {
  tested_context context;
  std::vector<tcp::endpoint> const endpoints = {refusing_endpoint(), refusing_endpoint()};
  Kind client(context);
  outcome told;
  tcp::endpoint connected = test::loopback();
  client.connect(endpoints, mioext::happy_eyeballs(), store_with<tcp::endpoint>{&told, &connected});
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::connection_refused);
  BOOST_TEST(connected == tcp::endpoint());
  told = outcome();
  context.restart();
  client.connect(std::vector<tcp::endpoint>(), mioext::happy_eyeballs(),
                 store_with<tcp::endpoint>{&told, &connected});
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::not_found);
}

BOOST_AUTO_TEST_CASE(races_in_four_threads_end_with_one_connection_each) {
  constexpr int races = 50;
  asio::thread_pool pool(4);
  full_tcp_listener silent;
  tcp_listener one;
  tcp_listener other;
  std::vector<tcp::endpoint> const endpoints = {silent.endpoint, one.endpoint, other.endpoint};
  mioext::happy_eyeballs how;
  how.connection_attempt_delay = std::chrono::milliseconds(10);
  struct race {
    explicit race(asio::thread_pool& threads) : socket(threads) {}

    tcp::socket socket;
    outcome told;
    tcp::endpoint connected;
  };
  std::vector<std::unique_ptr<race>> begun;
  for (int index = 0; index != races; ++index) {
    begun.emplace_back(new race(pool));
    race& one_of_them = *begun.back();
    mioext::async_connect(one_of_them.socket, endpoints, how,
                          store_with<tcp::endpoint>{&one_of_them.told, &one_of_them.connected});
  }
  pool.join();
  for (auto const& ended : begun) {
    BOOST_TEST(ended->told.calls == 1);
    BOOST_TEST(ended->told.error == error_code());
    BOOST_TEST(is_connected(ended->socket.native_handle()));
  }
}

// --- What completion handlers bring with them ---------------------------------------------------------

BOOST_AUTO_TEST_CASE(the_handlers_own_executor_is_used) {
  tested_context context;
  tested_context other;
  tcp_listener listener;
  std::vector<tcp::endpoint> const endpoints(1, listener.endpoint);
  int calls = 0;
  auto const check = [&] {
    ++calls;
    BOOST_TEST(other.get_executor().running_in_this_thread());
  };
  tcp::socket one(context);
  tcp::socket each(context);
  tcp::socket race(context);
  mioext::async_connect(one, listener.endpoint,
                        asio::bind_executor(other, [&](error_code const&) { check(); }));
  auto checks_range =
      asio::bind_executor(other, [&](error_code const&, tcp::endpoint const&) { check(); });
  mioext::async_connect(each, endpoints, checks_range);
  mioext::async_connect(race, endpoints, mioext::happy_eyeballs(), checks_range);
  // Work is tracked in both contexts: neither returns before.
  while (calls != 3) {
    context.poll();
    other.poll();
    BOOST_REQUIRE((calls == 3 || !other.stopped()));
  }
}

BOOST_AUTO_TEST_CASE(futures_and_lvalue_handlers_are_completion_tokens) {
  asio::thread_pool pool(1);
  tcp_listener listener;
  tcp::socket socket(pool);
  std::future<void> done = mioext::async_connect(socket, listener.endpoint, asio::use_future);
  done.get();
  std::vector<tcp::endpoint> const endpoints(1, listener.endpoint);
  BOOST_TEST(mioext::async_connect(socket, endpoints, asio::use_future).get() == listener.endpoint);
  std::function<void(error_code, tcp::endpoint)> const handler = [](error_code, tcp::endpoint) {};
  mioext::async_connect(socket, endpoints, handler);
  pool.join();
  BOOST_TEST(static_cast<bool>(handler)); // copied, not moved from
}

BOOST_AUTO_TEST_CASE(memory_is_the_handlers_and_is_released_before_it_is_called) {
  tested_context context;
  support::full_listener full;
  tcp_listener listener;
  std::vector<tcp::endpoint> const endpoints = {refusing_endpoint(), listener.endpoint};
  contexts::counts memory;
  std::vector<std::size_t> seen;
  allocating_handler const checked = {&memory, &seen, nullptr};
  {
    mioext::tcp_socket one;
    mioext::async_connect(context, one, listener.endpoint, checked);
    BOOST_TEST(memory.outstanding > 0u);
    context.run();
  }
  {
    context.restart();
    mioext::unix_socket waiting;
    mioext::async_connect(context, waiting, full.endpoint, checked);
    context.run_one();
    full.drain();
    context.run();
  }
  {
    context.restart();
    mioext::tcp_socket each;
    mioext::async_connect(context, each, endpoints, checked);
    context.run();
  }
  {
    context.restart();
    mioext::tcp_socket race;
    mioext::async_connect(context, race, endpoints, mioext::happy_eyeballs(), checked);
    BOOST_TEST(memory.outstanding > 0u);
    context.run();
  }
  BOOST_TEST(seen == std::vector<std::size_t>(4, 0), boost::test_tools::per_element());
  BOOST_TEST(memory.outstanding == 0u);
}

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS

BOOST_AUTO_TEST_CASE(cancellation_of_every_type_ends_a_connect_that_goes_on) {
  full_tcp_listener listener;
  for (auto const type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                          asio::cancellation_type::total}) {
    tested_context context;
    asio::cancellation_signal signal;
    mioext::tcp_socket socket;
    outcome told;
    mioext::async_connect(context, socket, listener.endpoint,
                          asio::bind_cancellation_slot(signal.slot(), store{&told}));
    context.poll();
    BOOST_REQUIRE(told.calls == 0);
    signal.emit(type);
    context.restart();
    context.run();
    BOOST_TEST(told.calls == 1);
    BOOST_TEST(told.error == asio::error::operation_aborted);
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(cancellation_while_waiting_for_room_works_at_once, Kind,
                              local_kinds) {
  tested_context context;
  support::full_listener listener;
  asio::cancellation_signal signal;
  Kind client(context);
  outcome told;
  client.connect(listener.endpoint, asio::bind_cancellation_slot(signal.slot(), store{&told}));
  context.run_one();
  BOOST_REQUIRE(told.calls == 0);
  signal.emit(asio::cancellation_type::terminal);
  context.poll(); // without waiting for the next try
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(cancellation_between_two_tries_is_told_where_the_handler_is_called) {
  tested_context context;
  tested_context other;
  support::full_listener listener;
  asio::cancellation_signal signal;
  mioext::unix_socket socket;
  outcome told;
  mioext::async_connect(
      context, socket, listener.endpoint,
      asio::bind_cancellation_slot(signal.slot(),
                                   asio::bind_executor(other.get_executor(), store{&told})));
  do { // the first try, which is the handler's context's, too
    context.restart();
    context.run_one_for(support::patience);
  } while (other.poll_one() == 0);
  BOOST_TEST(told.calls == 0);
  signal.emit(asio::cancellation_type::terminal);
  context.restart();
  context.poll();
  BOOST_TEST(told.calls == 0);
  other.restart();
  other.poll();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == asio::error::operation_aborted);
}

BOOST_AUTO_TEST_CASE(cancellation_ends_a_sequence_and_a_race) {
  full_tcp_listener silent;
  tcp_listener listener;
  std::vector<tcp::endpoint> const endpoints = {silent.endpoint, listener.endpoint};
  for (auto const type : {asio::cancellation_type::terminal, asio::cancellation_type::partial}) {
    tested_context context;
    asio::cancellation_signal first;
    asio::cancellation_signal second;
    mioext::tcp_socket each;
    mioext::tcp_socket race;
    outcome told;
    tcp::endpoint connected;
    mioext::happy_eyeballs how;
    how.connection_attempt_delay = std::chrono::hours(1);
    store_with<tcp::endpoint> const stores = {&told, &connected};
    mioext::async_connect(context, each, endpoints,
                          asio::bind_cancellation_slot(first.slot(), stores));
    mioext::async_connect(context, race, endpoints, how,
                          asio::bind_cancellation_slot(second.slot(), stores));
    context.poll();
    BOOST_REQUIRE(told.calls == 0);
    first.emit(type);
    context.poll();
    BOOST_TEST(told.calls == 1);
    BOOST_TEST(told.error == asio::error::operation_aborted);
    told.error = error_code();
    second.emit(type);
    context.run();
    BOOST_TEST(told.calls == 2);
    BOOST_TEST(told.error == asio::error::operation_aborted);
  }
}

BOOST_AUTO_TEST_CASE(a_slot_of_a_race_that_has_ended_does_no_harm) {
  tested_context context;
  tcp_listener listener;
  asio::cancellation_signal signal;
  mioext::tcp_socket socket;
  outcome told;
  tcp::endpoint connected;
  mioext::async_connect(
      context, socket, std::vector<tcp::endpoint>(1, listener.endpoint), mioext::happy_eyeballs(),
      asio::bind_cancellation_slot(signal.slot(), store_with<tcp::endpoint>{&told, &connected}));
  context.run();
  signal.emit(asio::cancellation_type::terminal);
  context.restart();
  context.run();
  BOOST_TEST(told.calls == 1);
  BOOST_TEST(told.error == error_code());
}

#endif

#ifdef BOOST_ASIO_HAS_CO_AWAIT

BOOST_AUTO_TEST_CASE(a_coroutine_awaits_every_form) {
  tested_context context;
  tcp_listener listener;
  std::vector<tcp::endpoint> const endpoints = {refusing_endpoint(), listener.endpoint};
  bool has_ended = false;
  asio::co_spawn(
      context,
      [&]() -> asio::awaitable<void> {
        tcp::socket socket(context);
        co_await mioext::async_connect(socket, listener.endpoint, asio::use_awaitable);
        BOOST_TEST((co_await mioext::async_connect(socket, endpoints, asio::use_awaitable)) ==
                   listener.endpoint);
        BOOST_TEST((co_await mioext::async_connect(socket, endpoints, mioext::happy_eyeballs(),
                                                   asio::use_awaitable)) == listener.endpoint);
        mioext::stream<mioext::tcp_socket> stream(context);
        co_await stream.async_connect(listener.endpoint, asio::use_awaitable);
        has_ended = true;
      },
      asio::detached);
  context.run();
  BOOST_TEST(has_ended);
}

#endif
