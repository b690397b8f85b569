//
// test/event_loop_triggers.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Every trigger on every kind of handle: the event loop reports as trigger.hpp says.
//

#include <mioext/event_loop.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>
#include <mioext/udp.hpp>
#include <mioext/unix.hpp>

#include "support.hpp"
#include "systems.hpp"

BOOST_AUTO_TEST_SUITE(event_loop_triggers)

namespace {

using boost::asio::buffer;
using boost::system::error_code;
using mioext::interest;
using mioext::trigger;
using std::chrono::milliseconds;
using namespace support;

/// A handle of one kind, how it becomes ready, and how it is made not ready again.
struct subject {
  std::string kind;
  int fd;
  interest wanted;
  std::function<void()> make_ready;
  std::function<void()> use_up;
};

struct every_kind {
  every_kind() {
    error_code ec;
    tcp_client.connect(tcp_listener.local_endpoint(), ec);
    while (!tcp_server.is_open()) {
      tcp_server = tcp_listener.accept(ec);
    }
    subjects.push_back({"tcp_socket", tcp_server.native_handle(), interest::readable,
                        [this] { send(tcp_client); }, [this] { receive(tcp_server); }});
    subjects.push_back({"tcp_acceptor", tcp_listener.native_handle(), interest::readable,
                        [this] { connect<mioext::tcp_socket>(tcp_listener); },
                        [this] { accept(tcp_listener); }});
    subjects.push_back(
        {"udp_socket", udp_receiver.native_handle(), interest::readable,
         [this] { udp_sender.send_to(buffer("x", 1), udp_receiver.local_endpoint()); },
         [this] { receive_datagrams(udp_receiver); }});
    subjects.push_back({"unix_socket", streams.first.native_handle(), interest::readable,
                        [this] { send(streams.second); }, [this] { receive(streams.first); }});
    bind_unix_listener();
    subjects.push_back({"unix_acceptor", unix_listener.native_handle(), interest::readable,
                        [this] { connect<mioext::unix_socket>(unix_listener); },
                        [this] { accept(unix_listener); }});
    subjects.push_back({"unix_datagram", datagrams.first.native_handle(), interest::readable,
                        [this] { datagrams.second.send(buffer("x", 1)); },
                        [this] { receive_datagrams(datagrams.first); }});
    subjects.push_back({"pipe_reader", ends.first.native_handle(), interest::readable,
                        [this] { send(ends.second); }, [this] { receive(ends.first); }});
    fill_pipe();
    subjects.push_back({"pipe_writer", full_ends.second.native_handle(), interest::writable,
                        [this] { receive(full_ends.first); }, [this] { fill_pipe(); }});
  }

  template <class Writer> static void send(Writer& writer) {
    BOOST_REQUIRE(writer.write_some(buffer("x", 1)) == 1u);
  }

  template <class Reader> static void receive(Reader& reader) {
    char block[4096];
    error_code ec;
    while (reader.read_some(buffer(block), ec) != 0) {
    }
    BOOST_REQUIRE(ec == boost::asio::error::would_block);
  }

  template <class Socket> static void receive_datagrams(Socket& socket) {
    char block[16];
    error_code ec;
    while (!ec) {
      socket.receive(buffer(block), 0, ec);
    }
    BOOST_REQUIRE(ec == boost::asio::error::would_block);
  }

  template <class Socket, class Acceptor> void connect(Acceptor& acceptor) {
    error_code ec;
    Socket socket;
    socket.connect(acceptor.local_endpoint(), ec);
    clients.emplace_back(socket.release());
  }

  template <class Acceptor> static void accept(Acceptor& acceptor) {
    error_code ec;
    while (!ec) {
      acceptor.accept(ec);
    }
    BOOST_REQUIRE(ec == boost::asio::error::would_block);
  }

  void bind_unix_listener() {
    unix_listener.open();
    bind_to_any(unix_listener);
    unix_listener.listen();
  }

  void fill_pipe() {
    char const block[4096] = {};
    error_code ec;
    while (!ec) {
      full_ends.second.write_some(buffer(block), ec);
    }
  }

  mioext::tcp_acceptor tcp_listener{
      mioext::tcp_acceptor::endpoint_type(boost::asio::ip::address_v4::loopback(), 0)};
  mioext::tcp_socket tcp_client;
  mioext::tcp_socket tcp_server;
  mioext::udp_socket udp_receiver{
      mioext::udp_socket::endpoint_type(boost::asio::ip::address_v4::loopback(), 0)};
  mioext::udp_socket udp_sender{boost::asio::ip::udp::v4()};
  std::pair<mioext::unix_socket, mioext::unix_socket> streams = mioext::unix_socket::pair();
  mioext::unix_acceptor unix_listener;
  std::pair<mioext::unix_datagram, mioext::unix_datagram> datagrams = mioext::unix_datagram::pair();
  std::pair<mioext::pipe_reader, mioext::pipe_writer> ends = mioext::pipe();
  std::pair<mioext::pipe_reader, mioext::pipe_writer> full_ends = mioext::pipe();
  std::vector<mioext::detail::file_descriptor> clients;
  std::vector<subject> subjects;
};

/// A loop that watches one subject, and counts what it reports.
struct watched {
  watched(subject const& watched_subject, trigger watched_how)
      : what(watched_subject), how(watched_how) {
    loop.register_handle(what.fd, token(1), what.wanted, how);
  }

  ~watched() { loop.deregister_handle(what.fd); }

  /// Waits for the first report, and then looks for more without waiting, three ticks at the most.
  std::size_t reports(bool is_expected) {
    std::size_t const before = handler.calls.size();
    if (is_expected) {
      run_until(loop, handler, [&] { return handler.calls.size() != before; });
    }
    for (int tick = 0; tick != 3; ++tick) {
      loop.run_once(handler, milliseconds(0));
    }
    return handler.calls.size() - before;
  }

  subject const& what;
  trigger const how;
  loop_under_test<> loop;
  recorder<> handler;
};

} // namespace

BOOST_AUTO_TEST_CASE(edge_reports_each_time_that_something_comes) {
  every_kind kinds;
  for (subject const& each : kinds.subjects) {
    BOOST_TEST_CONTEXT(each.kind) {
      for (trigger how : {trigger(), trigger::edge}) {
        watched test(each, how);
        BOOST_TEST(test.reports(false) == 0u);
        each.make_ready();
        BOOST_TEST(test.reports(true) == 1u);
        each.use_up();
        BOOST_TEST(test.reports(false) == 0u);
        each.make_ready();
        BOOST_TEST(test.reports(true) == 1u);
        each.use_up();
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(level_reports_until_it_is_used_up) {
  every_kind kinds;
  for (subject const& each : kinds.subjects) {
    BOOST_TEST_CONTEXT(each.kind) {
      watched test(each, trigger::level);
      BOOST_TEST(test.reports(false) == 0u);
      each.make_ready();
      BOOST_TEST(test.reports(true) == 4u); // the first, and one a tick
      each.use_up();
      BOOST_TEST(test.reports(false) == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(oneshot_reports_once_until_it_is_armed_again) {
  every_kind kinds;
  for (subject const& each : kinds.subjects) {
    BOOST_TEST_CONTEXT(each.kind) {
      for (trigger how : {trigger::oneshot, trigger::oneshot | trigger::edge,
                          trigger::oneshot | trigger::level}) {
        watched test(each, how);
        each.make_ready();
        BOOST_TEST(test.reports(true) == 1u);
        each.make_ready();
        BOOST_TEST(test.reports(false) == 0u);
        test.loop.reregister_handle(each.fd, token(2), each.wanted, how);
        BOOST_TEST(test.reports(true) == 1u); // what is there is reported anew
        each.use_up();
        test.loop.reregister_handle(each.fd, token(2), each.wanted, how);
        BOOST_TEST(test.reports(false) == 0u);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(exclusive_reports_as_edge_or_level_do,
                     *test::needs_epoll("kqueue has no exclusive")) {
  every_kind kinds;
  for (subject const& each : kinds.subjects) {
    BOOST_TEST_CONTEXT(each.kind) {
      {
        watched test(each, trigger::exclusive);
        each.make_ready();
        BOOST_TEST(test.reports(true) == 1u);
        each.use_up();
      }
      watched test(each, trigger::exclusive | trigger::level);
      each.make_ready();
      BOOST_TEST(test.reports(true) == 4u);
      each.use_up();
      BOOST_TEST(test.reports(false) == 0u);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
