//
// test/mio_counterparts.cpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// For every behaviour that the tests of mio's first event loop check (mio 0.5 and 0.6), a test of
// mioext's: those that no other file has, and a battery that does everything at once.
//
// | mio's test | here, or in which file |
// | --- | --- |
// | battery | everything_at_once |
// | broken_pipe | a_handle_closed_before_the_loop_ran_is_not_heard_of |
// | close_on_drop | a_dropped_connection_ends_the_stream_of_its_peer |
// | double_register | event_loop: each_mistake_in_registering_has_its_error_and_does_no_harm |
// | echo_server | a_tcp_echo_server_and_its_client_share_a_loop |
// | local_addr_ready | a_connection_knows_both_ends_when_it_is_reported |
// | multicast | a_datagram_to_a_group_reaches_the_loop |
// | notify | a_message_from_another_thread_is_answered_with_one_to_itself |
// | notify_capacity | a_send_finds_room_again_when_the_handler_has_taken_one |
// | notify_drop | a_message_is_destroyed_by_its_handler; sender: a_sender_outlives_its_loop... |
// | oneshot | a_oneshot_is_armed_again_for_what_is_left |
// | poll_channel (0.6) | sender; event_loop: in_one_tick_io_comes...; event_loop_threads |
// | register_deregister | a_deregistered_handle_is_silent_while_the_loop_goes_on |
// | register_multiple_event_loops | handles_may_be_watched_by_several_loops (mio refuses that) |
// | reregister_without_poll | reregistering_before_the_loop_ran_takes_back_what_was_ready |
// | smoke: add_then_drop | a_handle_closed_before_the_loop_ran_is_not_heard_of |
// | smoke: reregister_before_register | event_loop: each_mistake_in_registering... |
// | smoke: run_once_with_nothing | event_loop: run_once_ends_with_its_limit_and_never_before |
// | subprocess_pipe | a_child_is_talked_to_through_pipes |
// | tcp: accept | a_connection_from_another_thread_is_accepted |
// | tcp: connect | a_connection_knows_both_ends_when_it_is_reported |
// | tcp: connect_then_close | a_dropped_connection_ends_the_stream_of_its_peer |
// | tcp: listen_then_close | a_handle_closed_before_the_loop_ran_is_not_heard_of |
// | tcp: read, write | megabytes_are_read, megabytes_are_written |
// | tcp_level | a_level_triggered_acceptor_..., a_level_triggered_stream_... |
// | tick | a_tick_reports_each_ready_handle_once |
// | timer | a_timer_writes_to_a_connection_that_it_then_drops; timeout; detail_timer_wheel |
// | udp_level | a_level_triggered_udp_socket_is_reported_for_as_long_as_it_is_ready |
// | udp_socket | a_datagram_sent_when_writable_arrives_as_readable |
// | uds_shutdown | a_half_closed_unix_connection_ends_after_its_data |
// | unix_echo_server | a_unix_echo_server_and_its_client_share_a_loop |
// | unix_pass_fd | descriptors_are_passed_between_handlers |
// | write_then_drop | what_was_written_arrives_although_the_writer_is_gone |
//
// And for the tests of mio as it is (1.2.2), which has a Poll in the place of a loop. A name with * stands for
// all that are named so. What the interface has become is in the guide ("Porting", "From mio").
//
// | mio's test | here, or in which file |
// | --- | --- |
// | poll: run_once_with_nothing, zero_duration_polls_events | poller: zero_and_less_only_look |
// | | poller: a_poll_is_never_early |
// | | simulated_time: a_poll_of_months_is_never_early |
// | poll: add_then_drop, poll_closes_fd, close_on_drop | poller: closing_a_handle_deregisters_it |
// | | basic_socket: the_destructor_closes |
// | | here: a_handle_closed_before_the_loop_ran_is_not_heard_of |
// | poll: registry_*, register_during_poll | poller: a_registry_can_be_used_while_another_thread_polls |
// | poll: reregister_interest_token_usage | poller: a_reregistration_replaces_token_interest_and_trigger |
// | poll: double_register_different_token | poller: a_second_registration_is_refused_with_file_exists |
// | poll: reregister_without_register, deregister_without_register | poller: an_unknown_handle_is_refused_with_no_such_file_or_directory |
// | poll: poll_registration, poll_erroneous_registration | poller: anything_with_a_descriptor_is_a_handle |
// | | poller: anything_else_is_none |
// | poll: readiness_is_reregistered_after_would_block | event_loop: an_edge_is_reported_once_and_again_when_more_comes |
// | poll: drop_cancels_interest_and_shuts_down | here: a_dropped_connection_ends_the_stream_of_its_peer |
// | poll: poll_ok_after_cancelling_pending_ops | poller: a_deregistered_handle_is_not_reported |
// | registering: register_deregister, registering_after_deregistering | poller: a_deregistered_handle_is_not_reported |
// | | here: a_deregistered_handle_is_silent_while_the_loop_goes_on |
// | registering: reregister_different_interest_without_poll | here: reregistering_before_the_loop_ran_takes_back_what_was_ready |
// | registering: *_register_multiple_event_loops | here: handles_may_be_watched_by_several_loops |
// | regressions: issue_776 | tcp: nothing_to_read_would_block |
// | regressions: issue_1205 | poller: a_deregistered_handle_is_not_reported |
// | regressions: issue_1403 | unix: datagrams_say_who_sent_them_and_a_full_receiver_would_block |
// | events, interest | event: one_event_can_be_of_both_kinds |
// | | interest: the_operators_are_those_of_sets |
// | | interest: every_set_prints_its_names |
// | waker: waker, waker_multiple_wakeups_same_thread | waker: a_wake_before_the_poll_is_reported_by_it |
// | | waker: many_wakes_may_be_one_event |
// | waker: waker_*_different_thread | waker: no_wake_is_lost_when_many_threads_wake |
// | waker: using_multiple_wakers_panics* | waker: several_wakers_are_told_apart_by_their_tokens (mio refuses that) |
// | tcp, tcp_listener: accept, tcp_listener, *_two_streams | tcp: accept_says_who_it_is |
// | | here: a_level_triggered_acceptor_is_reported_until_all_are_accepted |
// | tcp: bind_twice_bad | tcp: an_acceptor_reuses_its_address_unless_told_otherwise |
// | tcp: peek; tcp_stream: peek_*, read_peek_would_block | tcp: a_peek_leaves_the_bytes |
// | | tcp: nothing_to_read_would_block |
// | tcp: multiple_writes_immediate_success, write_error | tcp: a_connection_carries_bytes_both_ways |
// | | tcp: writing_to_a_connection_that_ended_is_broken_pipe_without_the_signal |
// | tcp: connection_reset_by_peer; tcp_stream: tcp_reset_close_event | tcp: a_reset_by_the_peer_is_connection_reset |
// | | event: a_reset_tcp_connection_is_in_error_and_closed |
// | tcp: connect_error | event_loop_connect: a_refused_tcp_connect_is_reported_once_and_take_error_says_why |
// | tcp: write_shutdown; tcp_stream: shutdown_* | tcp: the_end_of_the_stream_is_eof_after_the_data_and_the_other_way_stays_open |
// | | event: a_half_close_is_read_closed |
// | tcp: write_then_deregister, write_then_drop | here: what_was_written_arrives_although_the_writer_is_gone |
// | tcp_stream: tcp_stream_ipv6; tcp_listener: tcp_listener_ipv6 | tcp: ipv6_works_like_ipv4 |
// | tcp_stream, tcp_listener, udp_socket: *_std, raw_fd | tcp: a_live_connection_goes_to_asio_and_back |
// | | basic_socket: a_released_descriptor_stays_open_and_can_be_adopted |
// | tcp_stream, tcp_listener, udp_socket: set_get_*, get_* | tcp, udp: options_of_ip_come_with_the_header |
// | | udp: broadcast_is_an_option |
// | tcp_stream: *_close_event, hup_event_on_disconnect | event: a_closed_peer_closes_both_directions |
// | | event: a_tcp_connection_that_is_shut_both_ways_is_write_closed |
// | tcp_stream: priority_event_on_oob_data | event: out_of_band_data_is_priority_and_readable |
// | udp_socket: empty_datagram | udp: an_empty_datagram_is_a_success_and_not_the_end |
// | udp_socket: unconnected_*, connected_*, reconnect_* | udp: a_datagram_arrives_with_its_senders_address |
// | | udp: connected_sockets_need_no_address |
// | | udp: send_needs_a_peer_and_a_closed_socket_is_a_bad_descriptor |
// | | event_loop_connect: a_datagram_socket_is_connected_again |
// | udp_socket: udp_socket_discard | udp: what_does_not_fit_is_cut_off_and_gone |
// | udp_socket: multicast | udp: a_multicast_group_is_joined_and_left |
// | | udp: a_multicast_group_of_ipv6_is_joined_and_left |
// | udp_socket: et_behavior_* | event_loop_triggers: edge_reports_each_time_that_something_comes |
// | unix_datagram: *_smoke_*, *_connect, *_pair | unix: datagrams_keep_their_boundaries_in_a_pair |
// | | unix: datagrams_say_who_sent_them_and_a_full_receiver_would_block |
// | | unix: datagrams_have_abstract_addresses_too |
// | unix_listener, unix_stream: smoke, *_local_addr, *_peer_addr | unix: a_path_is_listened_on_and_connected_to |
// | | unix: a_bound_clients_address_reaches_the_acceptor |
// | unix_listener: *_abstract_namespace | unix: an_abstract_address_works_and_leaves_no_file |
// | unix_stream: *_pair, *_shutdown_* | unix: a_pair_is_connected_non_blocking_and_close_on_exec |
// | | unix: shutdown_ends_one_direction |
// | unix_pipe: smoke, event_when_* | pipe: what_is_written_can_be_read |
// | | event: a_pipe_whose_writer_is_gone_is_read_closed |
// | | event: a_pipe_whose_reader_is_gone_is_in_error_or_write_closed |
// | unix_pipe: *_child_process_io | pipe: a_child_reads_and_writes_blocking_ends |
// | | here: a_child_is_talked_to_through_pipes |
// | *: register, reregister, deregister, no_events_after_deregister | event_loop: handles_of_every_kind_are_watched_and_never_closed |
// | | poller |
// | | as for poll |
// | *: is_send_and_sync, assert_size, fmt_debug | what the compiler checks in Rust: token |
// | | what the compiler checks in Rust: interest |
// | | what the compiler checks in Rust: event_loop_threads |
// | aio, win_named_pipe | none: neither is watched |
//

#include <mioext/event_loop.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>
#include <mioext/udp.hpp>
#include <mioext/unix.hpp>

#include "support.hpp"
#include "systems.hpp"

namespace {

namespace error = boost::asio::error;
namespace errc = boost::system::errc;
using boost::asio::buffer;
using boost::asio::ip::tcp;
using boost::asio::ip::udp;
using boost::system::error_code;
using local = boost::asio::local::stream_protocol;
using mioext::interest;
using mioext::read_hint;
using mioext::trigger;
using std::chrono::milliseconds;
using std::chrono::seconds;
using namespace support;

constexpr interest both = interest::readable | interest::writable;

tcp::endpoint any_port() { return {boost::asio::ip::address_v4::loopback(), 0}; }
udp::endpoint any_udp_port() { return {boost::asio::ip::address_v4::loopback(), 0}; }

/// Where an acceptor listens whose address the system chooses.
template <class Acceptor> typename Acceptor::endpoint_type somewhere();
template <> tcp::endpoint somewhere<mioext::tcp_acceptor>() { return any_port(); }
template <> local::endpoint somewhere<mioext::unix_acceptor>() { return any_unix_address(); }

/// run(), but a handler that never asks for the shutdown fails the test instead of hanging it.
template <class Loop, class Handler> void run_to_shutdown(Loop& loop, Handler& handler) {
  BOOST_REQUIRE(run_until(loop, handler, [&] { return loop.shutdown_requested(); }));
  loop.run(handler);
}

/// Reads what there is; what ended that is in `ec`: would_block, eof or an error.
template <class Stream> std::string read_available(Stream& stream, error_code& ec) {
  std::string result;
  char data[2048];
  for (;;) {
    std::size_t const size = stream.read_some(buffer(data), ec);
    if (ec) {
      return result;
    }
    result.append(data, size);
  }
}

/// Writes the front of `pending` for as long as there is room, and removes what was written.
template <class Stream> void write_available(Stream& stream, std::string& pending, error_code& ec) {
  std::size_t written = 0;
  ec.clear();
  while (written != pending.size() && !ec) {
    written += stream.write_some(buffer(pending.data() + written, pending.size() - written), ec);
  }
  pending.erase(0, written);
}

/// Ticks, at least once, until there is a call of `name`, and returns all calls that came.
strings next_calls(mioext::event_loop& loop, recorder<>& handler, std::string const& name) {
  handler.calls.clear();
  BOOST_REQUIRE(run_until(loop, handler, [&] {
    return std::any_of(handler.calls.begin(), handler.calls.end(), [&](std::string const& call) {
      return call.find(name) != std::string::npos;
    });
  }));
  return handler.calls;
}

/// Both ends of a TCP connection.
struct tcp_connection {
  tcp_connection() {
    mioext::tcp_acceptor acceptor(any_port());
    boost::asio::io_context context;
    tcp::socket connecting(context); // waits, as ours does not
    connecting.connect(acceptor.local_endpoint());
    near = mioext::tcp_socket(std::move(connecting));
    error_code ec;
    while (!far.is_open()) {
      far = acceptor.accept(ec);
    }
  }

  mioext::tcp_socket near;
  mioext::tcp_socket far;
};

enum class id : std::size_t { server, client, connection };

using id_handler = mioext::basic_handler<id>;
using id_loop = mioext::basic_event_loop<id>;

} // namespace

BOOST_AUTO_TEST_SUITE(mio_counterparts)

// --- Connections ---------------------------------------------------------------------------------

/// A server that returns what it gets, and a client that sends one message after another, each when
/// the one before has come back. Every registration is a oneshot, armed for the next step only.
template <class Acceptor> class conversation final : public id_handler {
public:
  using socket_type = typename Acceptor::socket_type;

  conversation(id_loop& loop, std::deque<std::string> messages)
      : unsent_(std::move(messages)), current_(unsent_.front()) {
    acceptor_.open(somewhere<Acceptor>().protocol());
    acceptor_.bind(somewhere<Acceptor>());
    loop.listen(acceptor_, 16, id::server, once);
    loop.connect(client_, acceptor_.local_endpoint(), id::client, interest::writable, once);
  }

  void readable(id_loop& loop, id name, read_hint) override {
    error_code ec;
    switch (name) {
    case id::server:
      connection_ = acceptor_.accept();
      loop.register_handle(connection_, id::connection, interest::readable, once);
      break;
    case id::connection:
      echo_ += read_available(connection_, ec);
      loop.reregister_handle(connection_, name, interest::writable, once);
      break;
    case id::client:
      received_ += read_available(client_, ec);
      if (received_.size() < unsent_.front().size()) {
        loop.reregister_handle(client_, name, wanted_with(current_), once);
      } else {
        next(loop);
      }
    }
    is_blocked_ = is_blocked_ && (!ec || ec == error::would_block);
  }

  void writable(id_loop& loop, id name) override {
    error_code ec;
    bool const is_client = name == id::client;
    socket_type& socket = is_client ? client_ : connection_;
    std::string& pending = is_client ? current_ : echo_;
    write_available(socket, pending, ec);
    is_blocked_ = is_blocked_ && (!ec || ec == error::would_block);
    loop.reregister_handle(socket, name, wanted_with(pending), once);
  }

  std::size_t echoed = 0;
  bool is_intact() const { return is_blocked_ && is_equal_; }

private:
  static constexpr trigger once = trigger::edge | trigger::oneshot;

  /// Whoever has more to write reads meanwhile, or each would wait for the other to read.
  static interest wanted_with(std::string const& pending) {
    return pending.empty() ? interest::readable : both;
  }

  void next(id_loop& loop) {
    is_equal_ = is_equal_ && received_ == unsent_.front();
    ++echoed;
    received_.clear();
    unsent_.pop_front();
    if (unsent_.empty()) {
      loop.shutdown();
    } else {
      current_ = unsent_.front();
      loop.reregister_handle(client_, id::client, interest::writable, once);
    }
  }

  Acceptor acceptor_;
  socket_type client_;
  socket_type connection_;
  std::deque<std::string> unsent_; // the first is under way
  std::string current_;            // what is still to be written of it,
  std::string received_;           // and what has come back
  std::string echo_;
  bool is_blocked_ = true;
  bool is_equal_ = true;
};

template <class Acceptor> constexpr trigger conversation<Acceptor>::once;

template <class Acceptor> void check_conversation() {
  id_loop loop;
  std::deque<std::string> messages = {"foo", "bar"};
  for (std::size_t size : {1u, 2047u, 2048u, 2049u, 100000u, 1000000u}) {
    messages.emplace_back(size, static_cast<char>('a' + size % 26));
  }
  std::size_t const count = messages.size();
  conversation<Acceptor> handler(loop, std::move(messages));
  run_to_shutdown(loop, handler);
  BOOST_TEST(handler.echoed == count);
  BOOST_TEST(handler.is_intact());
}

BOOST_AUTO_TEST_CASE(a_tcp_echo_server_and_its_client_share_a_loop) {
  check_conversation<mioext::tcp_acceptor>();
}

BOOST_AUTO_TEST_CASE(a_unix_echo_server_and_its_client_share_a_loop) {
  check_conversation<mioext::unix_acceptor>();
}

BOOST_AUTO_TEST_CASE(a_connection_from_another_thread_is_accepted) {
  mioext::event_loop loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(any_port());
  loop.listen(acceptor, 16, token(1));
  mioext::tcp_socket peer;
  handler.on_readable = [&](mioext::event_loop& in, mioext::token, read_hint) {
    peer = acceptor.accept();
    in.shutdown();
  };
  tcp::endpoint const endpoint = acceptor.local_endpoint();
  std::thread other([endpoint] {
    boost::asio::io_context context;
    tcp::socket(context).connect(endpoint);
  });
  bool const was_reported = run_until(loop, handler, [&] { return loop.shutdown_requested(); });
  other.join();
  BOOST_REQUIRE(was_reported);
  loop.run(handler);
  BOOST_TEST(handler.calls == strings{"readable token(1) data"}, boost::test_tools::per_element());
  BOOST_TEST(peer.is_open());
  error_code ec;
  acceptor.accept(ec);
  BOOST_TEST(ec == error::would_block);
}

BOOST_AUTO_TEST_CASE(a_connection_knows_both_ends_when_it_is_reported) {
  mioext::event_loop loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(any_port());
  mioext::tcp_socket client;
  mioext::tcp_socket peer;
  tcp::endpoint near;
  tcp::endpoint far;
  handler.on_readable = [&](mioext::event_loop&, mioext::token name, read_hint) {
    if (name == token(0)) {
      peer = acceptor.accept();
    }
  };
  handler.on_writable = [&](mioext::event_loop&, mioext::token) {
    near = client.local_endpoint();
    far = client.remote_endpoint();
  };
  loop.listen(acceptor, 16, token(0));
  loop.connect(client, acceptor.local_endpoint(), token(1));
  BOOST_REQUIRE(
      run_until(loop, handler, [&] { return peer.is_open() && handler.calls.size() == 2; }));
  BOOST_TEST(near == peer.remote_endpoint());
  BOOST_TEST(far == peer.local_endpoint());

  // And the hang-up is told when the other end goes.
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
  peer.close();
  BOOST_TEST(next_calls(loop, handler, "token(1)").front() == "readable token(1) hup");
}

BOOST_AUTO_TEST_CASE(a_dropped_connection_ends_the_stream_of_its_peer) {
  id_loop loop;
  struct dropper final : id_handler {
    void readable(id_loop& in, id name, read_hint hint) override {
      error_code ec;
      if (name == id::server) {
        mioext::tcp_socket dropped = acceptor.accept();
        in.register_handle(dropped, id::connection, both);
      } else if (name == id::client) {
        saw_hup = hint == read_hint::hup;
        left_over = read_available(client, ec);
        saw_end = ec == error::eof;
        in.shutdown();
      } else {
        saw_dropped = true;
      }
    }
    void writable(id_loop&, id name) override { saw_dropped = name == id::connection; }

    mioext::tcp_acceptor acceptor{any_port()};
    mioext::tcp_socket client;
    std::string left_over;
    bool saw_hup = false;
    bool saw_end = false;
    bool saw_dropped = false;
  };
  dropper handler;
  loop.listen(handler.acceptor, 16, id::server);
  loop.connect(handler.client, handler.acceptor.local_endpoint(), id::client, interest::readable);
  run_to_shutdown(loop, handler);
  BOOST_TEST(handler.saw_hup);
  BOOST_TEST(handler.saw_end);
  BOOST_TEST(handler.left_over.empty());
  BOOST_TEST(!handler.saw_dropped);
}

BOOST_AUTO_TEST_CASE(
    what_was_written_arrives_although_the_writer_is_gone,
    *test::needs_epoll("kqueue has no priority, which is what nothing can be there of")) {
  for (bool is_closed : {true, false}) {
    mioext::event_loop loop;
    recorder<> handler;
    tcp_connection connection;
    // Nothing is asked for yet that could be there.
    loop.register_handle(connection.near, token(1), interest::priority);
    loop.register_handle(connection.far, token(2), interest::writable);
    BOOST_TEST(next_calls(loop, handler, "token(2)") == strings{"writable token(2)"},
               boost::test_tools::per_element());
    connection.far.write_some(buffer("1234", 4));
    if (is_closed) {
      connection.far.close();
    } else {
      loop.deregister_handle(connection.far);
    }
    loop.reregister_handle(connection.near, token(3), interest::readable);
    for (std::string const& call : next_calls(loop, handler, "token(3)")) {
      BOOST_TEST(call.substr(0, 17) == "readable token(3)");
    }
    char data[10];
    BOOST_TEST(connection.near.read_some(buffer(data)) == 4u);
    BOOST_TEST(std::string(data, 4) == "1234");
  }
}

BOOST_AUTO_TEST_CASE(a_half_closed_unix_connection_ends_after_its_data) {
  id_loop loop;
  // The server answers once and ends its direction; the client's stays open.
  struct half_closer final : id_handler {
    void readable(id_loop& in, id name, read_hint) override {
      error_code ec;
      if (name == id::server) {
        connection = acceptor.accept();
        in.register_handle(connection, id::connection, interest::readable);
      } else if (name == id::connection) {
        std::string const request = read_available(connection, ec);
        if (requests.empty()) {
          connection.write_some(buffer("answer to " + request));
          connection.shutdown(boost::asio::socket_base::shutdown_send);
        }
        requests += request;
      } else {
        answer += read_available(client, ec);
        if (ec == error::eof && !is_ended) {
          is_ended = true;
          client.write_some(buffer(", thanks", 8));
          client.close();
        }
      }
      if (is_ended && requests == "foo, thanks") {
        in.shutdown();
      }
    }
    void writable(id_loop& in, id name) override {
      client.write_some(buffer("foo", 3));
      in.reregister_handle(client, name, interest::readable);
    }

    mioext::unix_acceptor acceptor{somewhere<mioext::unix_acceptor>()};
    mioext::unix_socket client;
    mioext::unix_socket connection;
    std::string requests;
    std::string answer;
    bool is_ended = false;
  };
  half_closer handler;
  loop.listen(handler.acceptor, 16, id::server);
  loop.connect(handler.client, handler.acceptor.local_endpoint(), id::client, interest::writable);
  run_to_shutdown(loop, handler);
  BOOST_TEST(handler.answer == "answer to foo");
}

constexpr std::size_t megabytes = 4 * 1024 * 1024;

/// Byte `position` of what is sent where much is: not the same in each buffer.
char pattern(std::size_t position) { return static_cast<char>(position % 251); }

BOOST_AUTO_TEST_CASE(megabytes_are_read) {
  mioext::event_loop loop;
  recorder<> handler;
  tcp_connection connection;
  boost::asio::io_context context;
  tcp::socket writer = connection.far.into_asio(context);
  writer.non_blocking(false);
  std::thread other([&writer] {
    std::string data;
    for (std::size_t position = 0; position != megabytes; ++position) {
      data.push_back(pattern(position));
    }
    error_code ignored; // the reader counts
    boost::asio::write(writer, buffer(data), ignored);
  });
  std::size_t size = 0;
  std::size_t wrong = 0;
  handler.on_readable = [&](mioext::event_loop&, mioext::token, read_hint) {
    error_code ec;
    for (char byte : read_available(connection.near, ec)) {
      wrong += byte == pattern(size++) ? 0u : 1u;
    }
  };
  loop.register_handle(connection.near, token(1), interest::readable);
  BOOST_TEST(run_until(loop, handler, [&] { return size >= megabytes; }));
  connection.near.close();
  other.join();
  BOOST_TEST(size == megabytes);
  BOOST_TEST(wrong == 0u);
}

BOOST_AUTO_TEST_CASE(megabytes_are_written) {
  mioext::event_loop loop;
  recorder<> handler;
  tcp_connection connection;
  boost::asio::io_context context;
  tcp::socket reader = connection.far.into_asio(context);
  reader.non_blocking(false);
  std::size_t size = 0;
  std::size_t wrong = 0;
  std::thread other([&] {
    error_code ec;
    char data[4096];
    while (!ec) {
      std::size_t const count = reader.read_some(buffer(data), ec);
      for (std::size_t index = 0; index != count; ++index) {
        wrong += data[index] == pattern(size++) ? 0u : 1u;
      }
    }
  });
  std::string pending;
  for (std::size_t position = 0; position != megabytes; ++position) {
    pending.push_back(pattern(position));
  }
  std::size_t written = 0;
  handler.on_writable = [&](mioext::event_loop&, mioext::token) {
    error_code ec;
    while (!ec && written != megabytes) {
      written += connection.near.write_some(
          buffer(pending.data() + written, pending.size() - written), ec);
    }
  };
  loop.register_handle(connection.near, token(1), interest::writable);
  BOOST_TEST(run_until(loop, handler, [&] { return written == megabytes; }));
  connection.near.close();
  other.join();
  BOOST_TEST(size == megabytes);
  BOOST_TEST(wrong == 0u);
}

// --- Registering ---------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_handle_closed_before_the_loop_ran_is_not_heard_of) {
  mioext::event_loop loop;
  recorder<> handler;
  {
    mioext::tcp_acceptor acceptor(any_port());
    loop.register_handle(acceptor, token(1), both);
    auto ends = mioext::pipe();
    ends.second.close(); // so that there is a hang-up to report
    loop.register_handle(ends.first, token(2), both);
    auto other_ends = mioext::pipe();
    other_ends.first.close();
    loop.register_handle(other_ends.second, token(3), both);
  }
  BOOST_TEST(loop.run_once(handler, milliseconds(1)) == 0u);
  BOOST_TEST(handler.calls.empty());
}

BOOST_AUTO_TEST_CASE(a_deregistered_handle_is_silent_while_the_loop_goes_on) {
  id_loop loop;
  // Data comes, then room is asked for, level-triggered, and at the first report of that all is
  // ended: there is room, and more data, until the timer.
  struct deregisterer final : id_handler {
    void readable(id_loop& in, id name, read_hint) override {
      if (name == id::server) {
        connection = acceptor.accept();
        connection.write_some(buffer("foobar", 6));
      } else {
        steps += "readable ";
        in.reregister_handle(client, id::client, interest::writable, trigger::level);
      }
    }
    void writable(id_loop& in, id) override {
      steps += "writable ";
      if (!is_connected) {
        is_connected = true;
        in.reregister_handle(client, id::client, interest::readable, trigger::level);
        return;
      }
      in.deregister_handle(client);
      connection.write_some(buffer("more", 4));
      in.timer(milliseconds(20), id::client);
    }
    void timer(id_loop& in, id) override {
      steps += "timer";
      in.shutdown();
    }

    mioext::tcp_acceptor acceptor{any_port()};
    mioext::tcp_socket client;
    mioext::tcp_socket connection;
    bool is_connected = false;
    std::string steps;
  };
  deregisterer handler;
  loop.listen(handler.acceptor, 16, id::server);
  loop.connect(handler.client, handler.acceptor.local_endpoint(), id::client, interest::readable,
               trigger::level);
  run_to_shutdown(loop, handler);
  BOOST_TEST(handler.steps == "writable readable writable timer");
}

BOOST_AUTO_TEST_CASE(reregistering_before_the_loop_ran_takes_back_what_was_ready) {
  mioext::event_loop loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(any_port());
  loop.register_handle(acceptor, token(1), interest::readable, trigger::edge | trigger::oneshot);
  boost::asio::io_context context;
  tcp::socket client(context);
  client.connect(acceptor.local_endpoint()); // after that there is someone to accept
  loop.reregister_handle(acceptor, token(1), interest::writable, trigger::edge | trigger::oneshot);
  BOOST_TEST(loop.run_once(handler, milliseconds(1)) == 0u);
  loop.reregister_handle(acceptor, token(2), interest::readable, trigger::edge | trigger::oneshot);
  BOOST_TEST(loop.run_once(handler, patience) == 1u);
  BOOST_TEST(handler.calls == strings{"readable token(2) data"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(handles_may_be_watched_by_several_loops) {
  mioext::event_loop loops[2];
  recorder<> handlers[2];
  mioext::tcp_acceptor acceptor(any_port());
  mioext::udp_socket socket(any_udp_port());
  for (mioext::event_loop& each : loops) {
    each.register_handle(acceptor, token(1), interest::readable);
    each.register_handle(socket, token(2), interest::readable);
  }
  boost::asio::io_context context;
  tcp::socket client(context);
  client.connect(acceptor.local_endpoint());
  mioext::udp_socket sender(any_udp_port());
  sender.send_to(buffer("x", 1), socket.local_endpoint());
  for (int index = 0; index != 2; ++index) {
    recorder<>& handler = handlers[index];
    BOOST_REQUIRE(run_until(loops[index], handler, [&] { return handler.calls.size() >= 2; }));
    std::sort(handler.calls.begin(), handler.calls.end());
    BOOST_TEST(handler.calls == (strings{"readable token(1) data", "readable token(2) data"}),
               boost::test_tools::per_element());
    loops[index].deregister_handle(acceptor); // of this loop only
    handler.calls.clear();
  }
  loops[0].register_handle(acceptor, token(3), interest::readable);
  BOOST_TEST(loops[0].run_once(handlers[0], patience) == 1u);
  BOOST_TEST(loops[1].run_once(handlers[1], milliseconds(1)) == 0u);
}

BOOST_AUTO_TEST_CASE(a_oneshot_is_armed_again_for_what_is_left) {
  mioext::event_loop loop;
  recorder<> handler;
  tcp_connection connection;
  loop.register_handle(connection.near, token(1), interest::readable,
                       trigger::edge | trigger::oneshot);
  connection.far.write_some(buffer("foo", 3));
  std::string got;
  for (int byte = 0; byte != 3; ++byte) {
    BOOST_TEST(next_calls(loop, handler, "token(1)") == strings{"readable token(1) data"},
               boost::test_tools::per_element());
    BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u); // disarmed, although more is there
    char data = 0;
    connection.near.read_some(buffer(&data, 1));
    got += data;
    loop.reregister_handle(connection.near, token(1), interest::readable,
                           trigger::edge | trigger::oneshot);
    loop.reregister_handle(connection.near, token(1), interest::readable,
                           trigger::edge | trigger::oneshot); // as good as once
  }
  BOOST_TEST(got == "foo");
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
}

// --- Level-triggered -----------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_level_triggered_acceptor_is_reported_until_all_are_accepted) {
  mioext::event_loop loop;
  recorder<> handler;
  mioext::tcp_acceptor acceptor(any_port());
  loop.listen(acceptor, 16, token(1), trigger::level);
  boost::asio::io_context context;
  tcp::socket clients[3] = {tcp::socket(context), tcp::socket(context), tcp::socket(context)};
  auto const arrived = [&](strings::size_type ticks) {
    handler.calls.clear();
    BOOST_TEST(run_until(loop, handler, [&] { return handler.calls.size() >= ticks; }));
    return handler.calls == strings(ticks, "readable token(1) data");
  };
  clients[0].connect(acceptor.local_endpoint());
  clients[1].connect(acceptor.local_endpoint());
  BOOST_TEST(arrived(3));
  acceptor.accept();
  BOOST_TEST(arrived(3)); // the other one
  acceptor.accept();
  BOOST_TEST(loop.run_once(handler, milliseconds(1)) == 0u);
  clients[2].connect(acceptor.local_endpoint());
  BOOST_TEST(arrived(2));
  acceptor.close();
  BOOST_TEST(loop.run_once(handler, milliseconds(1)) == 0u);
}

/// What comes in one tick with a level-triggered handle for which both is asked.
strings one_tick(mioext::event_loop& loop, recorder<>& handler) {
  handler.calls.clear();
  loop.run_once(handler, seconds(0));
  return handler.calls;
}

strings const level_room{"writable token(1)"};
strings const level_data_and_room{"readable token(1) data", "writable token(1)"};

BOOST_AUTO_TEST_CASE(a_level_triggered_stream_is_reported_for_as_long_as_it_is_ready) {
  mioext::event_loop loop;
  recorder<> handler;
  tcp_connection connection;
  loop.register_handle(connection.near, token(1), both, trigger::level);
  BOOST_TEST(one_tick(loop, handler) == level_room, boost::test_tools::per_element());
  BOOST_TEST(one_tick(loop, handler) == level_room, boost::test_tools::per_element());
  connection.far.write_some(buffer("hello world!", 12));
  next_calls(loop, handler, "readable");
  BOOST_TEST(one_tick(loop, handler) == level_data_and_room, boost::test_tools::per_element());
  error_code ec;
  BOOST_TEST(read_available(connection.near, ec) == "hello world!");
  BOOST_TEST(one_tick(loop, handler) == level_room, boost::test_tools::per_element());
  connection.near.close();
  BOOST_TEST(one_tick(loop, handler).empty());
}

BOOST_AUTO_TEST_CASE(a_level_triggered_udp_socket_is_reported_for_as_long_as_it_is_ready) {
  mioext::event_loop loop;
  recorder<> handler;
  mioext::udp_socket sender(any_udp_port());
  mioext::udp_socket receiver(any_udp_port());
  loop.register_handle(receiver, token(1), both, trigger::level);
  for (int round = 0; round != 2; ++round) {
    BOOST_TEST(one_tick(loop, handler) == level_room, boost::test_tools::per_element());
    BOOST_TEST(one_tick(loop, handler) == level_room, boost::test_tools::per_element());
    sender.send_to(buffer("hello world!", 12), receiver.local_endpoint());
    next_calls(loop, handler, "readable");
    BOOST_TEST(one_tick(loop, handler) == level_data_and_room, boost::test_tools::per_element());
    char data[32];
    BOOST_TEST(receiver.receive(buffer(data)) == 12u);
  }
  sender.send_to(buffer("hello world!", 12), receiver.local_endpoint());
  next_calls(loop, handler, "readable");
  receiver.close();
  BOOST_TEST(one_tick(loop, handler).empty());
}

BOOST_AUTO_TEST_CASE(a_tick_reports_each_ready_handle_once) {
  mioext::event_loop loop;
  recorder<> handler;
  socket_pair pairs[2];
  for (std::size_t index = 0; index != 2; ++index) {
    loop.register_handle(pairs[index].near.get(), token(index), interest::readable,
                         index == 0 ? trigger::level : trigger::edge);
    pairs[index].send();
  }
  BOOST_TEST(loop.run_once(handler) == 2u);
  BOOST_TEST(loop.run_once(handler) == 1u);
  BOOST_REQUIRE(handler.calls.size() == 3u);
  BOOST_TEST(handler.calls[2] == "readable token(0) data");
}

// --- Datagrams -----------------------------------------------------------------------------------

/// Sends a datagram when there is room, receives it when it is there.
struct datagram_handler final : id_handler {
  explicit datagram_handler(udp::endpoint const& receive_at) : receiver(receive_at) {}

  void readable(id_loop& loop, id, read_hint) override {
    char data[64];
    std::size_t const size = receiver.receive_from(buffer(data), from);
    received.assign(data, size);
    loop.shutdown();
  }

  void writable(id_loop&, id) override { sender.send_to(buffer("hello world", 11), destination); }

  mioext::udp_socket sender{any_udp_port()};
  mioext::udp_socket receiver;
  udp::endpoint destination;
  udp::endpoint from;
  std::string received;
};

BOOST_AUTO_TEST_CASE(a_datagram_sent_when_writable_arrives_as_readable) {
  id_loop loop;
  datagram_handler handler(any_udp_port());
  handler.destination = handler.receiver.local_endpoint();
  char data[1];
  error_code ec;
  handler.receiver.receive(buffer(data), 0, ec);
  BOOST_TEST(ec == error::would_block);
  loop.register_handle(handler.sender, id::client, interest::writable);
  loop.register_handle(handler.receiver, id::server, interest::readable);
  run_to_shutdown(loop, handler);
  BOOST_TEST(handler.received == "hello world");
  BOOST_TEST(handler.from == handler.sender.local_endpoint());
}

BOOST_AUTO_TEST_CASE(a_datagram_to_a_group_reaches_the_loop) {
  namespace multicast = boost::asio::ip::multicast;
  auto const loopback = boost::asio::ip::address_v4::loopback();
  auto const group = boost::asio::ip::address_v4(0xefff0103u);       // 239.255.1.3, of local scope
  auto const other_group = boost::asio::ip::address_v4(0xefff0104u); // 239.255.1.4
  id_loop loop;
  datagram_handler handler(udp::endpoint(udp::v4(), 0));
  error_code ec;
  handler.receiver.set_option(multicast::join_group(group, loopback), ec);
  if (!ec) {
    handler.receiver.set_option(multicast::join_group(other_group, loopback));
    handler.sender.set_option(multicast::outbound_interface(loopback));
    handler.sender.set_option(multicast::hops(0)); // stays on this machine
    mioext::udp_socket probe(any_udp_port());
    probe.set_option(multicast::outbound_interface(loopback));
    probe.connect(udp::endpoint(group, 9), ec); // is there a route?
  }
  if (ec) {
    BOOST_TEST_MESSAGE("not tested: no multicast on the loopback interface: " << ec.message());
    return;
  }
  loop.register_handle(handler.receiver, id::server, interest::readable);
  loop.register_handle(handler.sender, id::client, interest::writable);
  for (auto const& address : {group, other_group}) {
    handler.received.clear();
    handler.destination = udp::endpoint(address, handler.receiver.local_endpoint().port());
    loop.reregister_handle(handler.sender, id::client, interest::writable);
    run_to_shutdown(loop, handler);
    BOOST_TEST(handler.received == "hello world");
    BOOST_TEST(handler.from == handler.sender.local_endpoint());
  }
}

// --- Timers and messages -------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(a_timer_writes_to_a_connection_that_it_then_drops) {
  id_loop loop;
  struct delayed_writer final : id_handler {
    void readable(id_loop& in, id name, read_hint) override {
      error_code ec;
      if (name == id::server) {
        connection = acceptor.accept();
        in.register_handle(connection, id::connection, both);
        in.timer(delay, id::connection);
        set = std::chrono::steady_clock::now();
      } else if (name == id::client) {
        received += read_available(client, ec);
        if (ec == error::eof) {
          in.shutdown();
        }
      }
    }
    void timer(id_loop&, id) override {
      is_early = std::chrono::steady_clock::now() - set < delay;
      is_silent_before = received.empty();
      connection.write_some(buffer("zomg", 4));
      connection.close();
    }

    std::chrono::milliseconds const delay{30};
    std::chrono::steady_clock::time_point set;
    mioext::tcp_acceptor acceptor{any_port()};
    mioext::tcp_socket client;
    mioext::tcp_socket connection;
    std::string received;
    bool is_early = true;
    bool is_silent_before = false;
  };
  delayed_writer handler;
  loop.listen(handler.acceptor, 16, id::server);
  loop.connect(handler.client, handler.acceptor.local_endpoint(), id::client);
  run_to_shutdown(loop, handler);
  BOOST_TEST(handler.received == "zomg");
  BOOST_TEST(handler.is_silent_before);
  BOOST_TEST(!handler.is_early);
}

BOOST_AUTO_TEST_CASE(a_message_from_another_thread_is_answered_with_one_to_itself) {
  using loop_type = mioext::basic_event_loop<mioext::token, std::string>;
  loop_type loop;
  mioext::tcp_acceptor acceptor(any_port());
  loop.listen(acceptor, 16, token(1)); // something that could happen, and does not
  recorder<mioext::token, std::string> handler;
  auto const sender = loop.channel();
  strings got;
  handler.on_notify = [&](loop_type& in, std::string message) {
    got.push_back(message);
    if (got.size() == 1) {
      sender.send("Second");
    } else {
      in.shutdown();
    }
  };
  std::thread other([sender] { sender.send("First"); });
  bool const has_ended = run_until(loop, handler, [&] { return loop.shutdown_requested(); });
  other.join();
  BOOST_REQUIRE(has_ended);
  loop.run(handler);
  BOOST_TEST(got == (strings{"First", "Second"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_send_finds_room_again_when_the_handler_has_taken_one) {
  using loop_type = mioext::basic_event_loop<mioext::token, int>;
  mioext::event_loop_config config;
  config.message_capacity = 1;
  loop_type loop(config);
  auto const sender = loop.channel();
  std::atomic<bool> may_go_on(false);
  std::thread running([&] {
    recorder<mioext::token, int> handler;
    handler.on_notify = [&](loop_type& in, int message) {
      while (message == 1 && !may_go_on) {
        std::this_thread::yield();
      }
      if (message == 3) {
        in.shutdown();
      }
    };
    loop.run(handler);
  });
  // While the first is with the handler, there is room for one.
  error_code ec;
  BOOST_TEST(sender.send(1, ec));
  while (sender.send(2, ec)) {
  }
  BOOST_TEST(ec == errc::no_buffer_space);
  may_go_on = true;
  while (!sender.send(3, ec)) {
    std::this_thread::yield();
  }
  running.join();
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_CASE(a_message_is_destroyed_by_its_handler) {
  using message = std::shared_ptr<int>;
  using loop_type = mioext::basic_event_loop<mioext::token, message>;
  message const payload = std::make_shared<int>(1);
  {
    loop_type loop;
    recorder<mioext::token, message> handler;
    auto const sender = loop.channel();
    handler.on_notify = [](loop_type& in, message) { in.shutdown(); };
    sender.send(payload);
    run_to_shutdown(loop, handler);
    BOOST_TEST(payload.use_count() == 1);
    sender.send(payload); // after the end: waits for another run
    BOOST_TEST(payload.use_count() == 2);
  }
  BOOST_TEST(payload.use_count() == 1);
}

// --- Descriptors and children --------------------------------------------------------------------

BOOST_AUTO_TEST_CASE(descriptors_are_passed_between_handlers) {
  id_loop loop;
  // The server answers each request with a pipe in which the request is.
  struct passer final : id_handler {
    void readable(id_loop& in, id name, read_hint) override {
      error_code ec;
      if (name == id::server) {
        connection = acceptor.accept();
        in.register_handle(connection, id::connection, interest::readable);
      } else if (name == id::connection) {
        auto ends = mioext::pipe();
        ends.second.write_some(buffer(read_available(connection, ec)));
        mioext::send_with_descriptor(connection, buffer("x", 1), ends.first);
      } else {
        char data[2];
        int fd = -1;
        BOOST_TEST(mioext::receive_with_descriptor(client, buffer(data), fd) == 1u);
        BOOST_TEST(data[0] == 'x');
        mioext::pipe_reader received(fd);
        passed.push_back(read_available(received, ec));
        BOOST_TEST(ec == error::eof);
        ask(in);
      }
    }
    void writable(id_loop& in, id) override {
      if (passed.empty()) { // the outcome of connect
        ask(in);
      }
    }
    void ask(id_loop& in) {
      if (passed.size() == 3) {
        in.shutdown();
      } else {
        client.write_some(buffer("request " + std::to_string(passed.size())));
      }
    }

    mioext::unix_acceptor acceptor{somewhere<mioext::unix_acceptor>()};
    mioext::unix_socket client;
    mioext::unix_socket connection;
    strings passed;
  };
  passer handler;
  loop.listen(handler.acceptor, 16, id::server);
  loop.connect(handler.client, handler.acceptor.local_endpoint(), id::client, interest::readable);
  run_to_shutdown(loop, handler);
  BOOST_TEST(handler.passed == (strings{"request 0", "request 1", "request 2"}),
             boost::test_tools::per_element());
}

/// A child that copies what it gets. It is this program, and not `cat`: that would need one.
/// After fork() it only calls what may be called then.
class copying_child {
public:
  copying_child() {
    auto in = mioext::pipe();
    auto out = mioext::pipe();
    auto err = mioext::pipe();
    pid_ = ::fork();
    BOOST_REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      in.second.close();
      out.first.close();
      copy(in.first.native_handle(), out.second.native_handle());
    }
    input = std::move(in.second);
    output = std::move(out.first);
    errors = std::move(err.first);
  }
  ~copying_child() {
    input.close();
    output.close();
    ::waitpid(pid_, nullptr, 0);
  }

  copying_child(copying_child const&) = delete;
  copying_child& operator=(copying_child const&) = delete;

  mioext::pipe_writer input;
  mioext::pipe_reader output;
  mioext::pipe_reader errors;

private:
  [[noreturn]] static void copy(int from, int to) noexcept {
    ::fcntl(from, F_SETFL, 0); // waits
    ::fcntl(to, F_SETFL, 0);
    char data[16384];
    for (;;) {
      ::ssize_t const size = ::read(from, data, sizeof data);
      if (size <= 0) {
        ::_exit(size == 0 ? 0 : 1);
      }
      for (::ssize_t written = 0; written != size;) {
        ::ssize_t const more =
            ::write(to, data + written, static_cast<std::size_t>(size - written));
        if (more < 0) {
          ::_exit(2);
        }
        written += more;
      }
    }
  }

  ::pid_t pid_;
};

BOOST_AUTO_TEST_CASE(a_child_is_talked_to_through_pipes) {
  id_loop loop;
  struct communicator final : id_handler {
    void readable(id_loop& in, id name, read_hint) override {
      error_code ec;
      bool const is_output = name == id::server;
      mioext::pipe_reader& pipe = is_output ? child.output : child.errors;
      (is_output ? received : complaints) += read_available(pipe, ec);
      if (ec != error::would_block) {
        BOOST_TEST(ec == error::eof);
        pipe.close();
      }
      if (!child.output.is_open() && !child.errors.is_open()) {
        in.shutdown();
      }
    }
    void writable(id_loop&, id) override {
      error_code ec;
      while (!ec && written != sent.size()) {
        written += child.input.write_some(buffer(sent.data() + written, sent.size() - written), ec);
      }
      if (written == sent.size()) {
        child.input.close();
      }
    }

    copying_child child;
    std::string sent;
    std::size_t written = 0;
    std::string received;
    std::string complaints;
  };
  communicator handler;
  for (std::size_t position = 0; position != megabytes / 4; ++position) {
    handler.sent.push_back(pattern(position));
  }
  loop.register_handle(handler.child.input, id::client, interest::writable, trigger::level);
  loop.register_handle(handler.child.output, id::server, interest::readable, trigger::level);
  loop.register_handle(handler.child.errors, id::connection, interest::readable, trigger::level);
  run_to_shutdown(loop, handler);
  BOOST_TEST((handler.received == handler.sent));
  BOOST_TEST(handler.complaints.empty());
}

// --- The battery ---------------------------------------------------------------------------------

/// What was sent or received so far, as a number: the 64-bit FNV-1a hash.
class checksum {
public:
  void add(std::string const& data) {
    for (char byte : data) {
      value_ = (value_ ^ static_cast<unsigned char>(byte)) * 1099511628211u;
    }
    size_ += data.size();
  }
  std::size_t size() const { return size_; }
  bool operator==(checksum const& other) const {
    return value_ == other.value_ && size_ == other.size_;
  }

private:
  std::uint64_t value_ = 14695981039346656037u;
  std::size_t size_ = 0;
};

enum class source : std::uint32_t {
  tcp_acceptor,
  tcp_client,
  tcp_connection,
  unix_acceptor,
  unix_client,
  unix_connection,
  udp_asking,
  udp_answering,
  alarm,
  watchdog
};

/// The battery's tokens: two numbers in the place of one.
struct place {
  source what;
  std::uint32_t index;
};

/// The battery's messages: a number of one sender, and the sender's sum up to it.
struct parcel {
  std::uint32_t sender;
  std::uint32_t number;
  std::uint64_t sum;
};

using battery_handler = mioext::basic_handler<place, parcel>;
using battery_loop = mioext::basic_event_loop<place, parcel>;

/// Clients that each send a stream of random bytes, at random lengths, and check what comes back.
template <class Acceptor> class echo_streams {
public:
  using socket_type = typename Acceptor::socket_type;

  /// The sources follow one another: acceptor, client, connection.
  echo_streams(source first, int backlog, std::uint32_t clients, std::size_t bytes)
      : client_(static_cast<source>(static_cast<std::uint32_t>(first) + 1)),
        connection_(static_cast<source>(static_cast<std::uint32_t>(first) + 2)), first_(first),
        backlog_(backlog), bytes_(bytes), clients_(clients) {}

  void start(battery_loop& loop) {
    acceptor_.open(somewhere<Acceptor>().protocol());
    acceptor_.bind(somewhere<Acceptor>());
    loop.listen(acceptor_, backlog_, place{first_, 0});
    for (std::uint32_t index = 0; index != clients_.size(); ++index) {
      clients_[index].random.seed(index + 1);
      loop.connect(clients_[index].socket, acceptor_.local_endpoint(), place{client_, index});
    }
  }

  bool is_done() const { return done_ == clients_.size(); }
  std::size_t intact() const { return intact_; }

  void accept(battery_loop& loop) {
    error_code ec;
    for (;;) {
      socket_type peer = acceptor_.accept(ec);
      if (ec) {
        return;
      }
      connections_.emplace_back();
      connections_.back().socket = std::move(peer);
      auto const index = static_cast<std::uint32_t>(connections_.size() - 1);
      loop.register_handle(connections_.back().socket, place{connection_, index}, both);
    }
  }

  /// A server's connection: everything that is read is written back.
  void serve(std::uint32_t index) {
    connection& served = connections_[index];
    error_code ec;
    if (served.socket.is_open()) {
      served.pending += read_available(served.socket, ec);
      error_code write_error;
      write_available(served.socket, served.pending, write_error);
      if (ec == error::eof && served.pending.empty()) {
        served.socket.close();
      }
    }
  }

  void send(std::uint32_t index) {
    client& sending = clients_[index];
    error_code ec;
    while (!ec && sending.socket.is_open()) {
      if (sending.pending.empty()) {
        if (sending.sent.size() == bytes_) {
          return;
        }
        std::size_t const size =
            std::min<std::size_t>(1 + sending.random() % 5000, bytes_ - sending.sent.size());
        while (sending.pending.size() != size) {
          sending.pending.push_back(static_cast<char>(sending.random() % 256));
        }
        sending.sent.add(sending.pending);
      }
      write_available(sending.socket, sending.pending, ec);
    }
  }

  void receive(std::uint32_t index) {
    client& receiving = clients_[index];
    error_code ec;
    receiving.received.add(read_available(receiving.socket, ec));
    if (receiving.received.size() >= bytes_ || ec != error::would_block) {
      intact_ += receiving.sent == receiving.received ? 1u : 0u;
      ++done_;
      receiving.socket.close();
    }
  }

private:
  struct client {
    socket_type socket;
    std::mt19937 random;
    std::string pending;
    checksum sent;
    checksum received;
  };

  struct connection {
    socket_type socket;
    std::string pending;
  };

  source const client_;
  source const connection_;
  source const first_;
  int const backlog_;
  std::size_t const bytes_;
  Acceptor acceptor_;
  std::vector<client> clients_;
  std::deque<connection> connections_;
  std::size_t done_ = 0;
  std::size_t intact_ = 0;
};

class battery final : public battery_handler {
public:
  static constexpr std::uint32_t senders = 4;
  static constexpr std::uint32_t messages = 2000;
  static constexpr std::uint32_t signals = 25; // of each sender
  /// libkqueue takes the signals, and their values, for itself.
  static constexpr bool tells_signals = test::has_real_time_signals && !test::has_libkqueue;
  static constexpr std::uint32_t datagrams = 500;
  static constexpr std::uint32_t timers = 300;

  echo_streams<mioext::tcp_acceptor> tcp_streams{source::tcp_acceptor, 128, 64, 30000};
  // With a backlog of four, most of the clients have to wait for room. (TCP would reset them.)
  echo_streams<mioext::unix_acceptor> unix_streams{source::unix_acceptor, 4, 32, 30000};
  std::uint32_t answers = 0;
  std::uint32_t parcels = 0;
  std::uint32_t alarms = 0;
  std::uint32_t signals_taken = 0;
  int signal_sum = 0;
  std::uint32_t faults = 0; // of any kind
  bool is_overdue = false;

  explicit battery(battery_loop& loop) {
    tcp_streams.start(loop);
    unix_streams.start(loop);
    loop.register_handle(asking_, place{source::udp_asking, 0}, both);
    loop.register_handle(answering_, place{source::udp_answering, 0}, interest::readable);
    due_.resize(timers);
    for (std::uint32_t index = 0; index != timers; ++index) {
      set_timer(loop, index);
    }
    loop.timer(patience, place{source::watchdog, 0});
  }

  void readable(battery_loop& loop, place name, read_hint) override {
    switch (name.what) {
    case source::tcp_acceptor:
      tcp_streams.accept(loop);
      break;
    case source::tcp_client:
      tcp_streams.receive(name.index);
      break;
    case source::tcp_connection:
      tcp_streams.serve(name.index);
      break;
    case source::unix_acceptor:
      unix_streams.accept(loop);
      break;
    case source::unix_client:
      unix_streams.receive(name.index);
      break;
    case source::unix_connection:
      unix_streams.serve(name.index);
      break;
    case source::udp_asking:
      take_answer();
      break;
    case source::udp_answering:
      answer();
      break;
    case source::alarm:
    case source::watchdog:
      ++faults;
    }
    end_if_done(loop);
  }

  void writable(battery_loop&, place name) override {
    switch (name.what) {
    case source::tcp_client:
      tcp_streams.send(name.index);
      break;
    case source::tcp_connection:
      tcp_streams.serve(name.index);
      break;
    case source::unix_client:
      unix_streams.send(name.index);
      break;
    case source::unix_connection:
      unix_streams.serve(name.index);
      break;
    case source::udp_asking:
      if (!has_asked_) { // room is reported again when a datagram has left
        has_asked_ = true;
        ask();
      }
      break;
    case source::tcp_acceptor:
    case source::unix_acceptor:
    case source::udp_answering:
    case source::alarm:
    case source::watchdog:
      ++faults;
    }
  }

  /// Each time comes twice: set at the beginning, and again by its first call.
  void timer(battery_loop& loop, place name) override {
    if (name.what == source::watchdog) {
      is_overdue = true;
      loop.shutdown();
      return;
    }
    faults += std::chrono::steady_clock::now() < due_[name.index] ? 1u : 0u;
    // In between one more, which is cleared again and must not come.
    faults += loop.clear_timer(loop.timer(milliseconds(1), place{source::udp_asking, 0})) ? 0u : 1u;
    if (++alarms <= timers) {
      set_timer(loop, name.index);
    }
    end_if_done(loop);
  }

  void notify(battery_loop& loop, parcel message) override {
    parcel& last = last_[message.sender];
    faults += message.number == last.number + 1 ? 0u : 1u;
    faults += message.sum == last.sum + message.number ? 0u : 1u;
    last = message;
    ++parcels;
    end_if_done(loop);
  }

  void signal(battery_loop& loop, mioext::signal_info const& info) override {
    faults += !tells_signals || (info.code == SI_QUEUE && info.pid == ::getpid()) ? 0u : 1u;
    signal_sum += info.status;
    ++signals_taken;
    end_if_done(loop);
  }

private:
  void set_timer(battery_loop& loop, std::uint32_t index) {
    std::chrono::microseconds const after(random_() % 100000);
    due_[index] = std::chrono::steady_clock::now() + after;
    loop.timer(after, place{source::alarm, index});
  }

  /// One datagram is under way at a time, so none gets lost.
  void ask() {
    std::string const text = "question " + std::to_string(answers);
    asking_.send_to(buffer(text), answering_.local_endpoint());
  }

  void answer() {
    char data[64];
    udp::endpoint from;
    std::size_t const size = answering_.receive_from(buffer(data), from);
    answering_.send_to(buffer("re: " + std::string(data, size)), from);
  }

  void take_answer() {
    char data[64];
    std::size_t const size = asking_.receive(buffer(data));
    std::string const expected = "re: question " + std::to_string(answers);
    faults += std::string(data, size) == expected ? 0u : 1u;
    if (++answers != datagrams) {
      ask();
    }
  }

  void end_if_done(battery_loop& loop) {
    if (tcp_streams.is_done() && unix_streams.is_done() && answers == datagrams &&
        alarms == 2 * timers && parcels == senders * messages &&
        signals_taken == senders * signals) {
      loop.shutdown();
    }
  }

  mioext::udp_socket asking_{any_udp_port()};
  mioext::udp_socket answering_{any_udp_port()};
  bool has_asked_ = false;
  std::mt19937 random_{7};
  std::vector<std::chrono::steady_clock::time_point> due_;
  std::array<parcel, senders> last_{};
};

constexpr std::uint32_t battery::senders;
constexpr std::uint32_t battery::messages;
constexpr std::uint32_t battery::signals;
constexpr std::uint32_t battery::datagrams;
constexpr std::uint32_t battery::timers;

BOOST_AUTO_TEST_CASE(everything_at_once) {
  battery_loop loop;
  int const number = test::real_time_signal(1);
  loop.register_signal(number); // before the threads begin: they inherit the mask
  battery handler(loop);
  std::vector<std::thread> threads;
  std::atomic<int> signals_refused(0);
  std::atomic<bool> is_over(false);
  auto const sender = loop.channel();
  for (std::uint32_t thread = 0; thread != battery::senders; ++thread) {
    threads.emplace_back([&is_over, &signals_refused, number, sender, thread] {
      parcel sent = {thread, 0, 0};
      for (;;) {
        if (sent.number % (battery::messages / battery::signals) == 0) {
          if (sent.number == battery::messages) {
            return;
          }
          int const value = static_cast<int>(sent.number);
          signals_refused += test::send_value(number, value) ? 0 : 1;
        }
        ++sent.number;
        sent.sum += sent.number;
        error_code ec;
        while (!sender.send(sent, ec) && !is_over) {
          std::this_thread::yield();
        }
      }
    });
  }
  loop.run(handler);
  is_over = true;
  for (std::thread& each : threads) {
    each.join();
  }
  BOOST_TEST(!handler.is_overdue);
  BOOST_TEST(signals_refused == 0);
  BOOST_TEST(handler.faults == 0u);
  BOOST_TEST(handler.tcp_streams.intact() == 64u);
  BOOST_TEST(handler.unix_streams.intact() == 32u);
  BOOST_TEST(handler.answers == battery::datagrams);
  BOOST_TEST(handler.parcels == battery::senders * battery::messages);
  BOOST_TEST(handler.alarms == 2 * battery::timers);
  BOOST_TEST(handler.signals_taken == battery::senders * battery::signals);
  constexpr int step = battery::messages / battery::signals;
  constexpr int each_sum = step * int(battery::signals) * (int(battery::signals) - 1) / 2;
  bool const tells_signals = battery::tells_signals;
  BOOST_TEST((!tells_signals || handler.signal_sum == int(battery::senders) * each_sum));
}

BOOST_AUTO_TEST_SUITE_END()
