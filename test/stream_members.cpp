//
// test/stream_members.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Member by member: what Asio's socket answers, closed, open, connected and at its end, a stream
// answers as well. Each line is written down for both, by the same source.
//

#include <mioext/stream.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/seq_packet_protocol.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/local/datagram_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/write.hpp>

#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>
#include <mioext/udp.hpp>
#include <mioext/unix.hpp>

#include "contexts.hpp"
#include "handles.hpp"
#include "systems.hpp"

namespace {

namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::asio::socket_base;
using boost::asio::ip::tcp;
using boost::system::error_code;
using contexts::into;
using contexts::outcome;
using contexts::poll_all;
using contexts::run;
using support::strings;
using support::tested_context;
using generic = boost::asio::generic::stream_protocol;
using local = boost::asio::local::stream_protocol;

// --- Whom they talk to -----------------------------------------------------------------------------

template <class Protocol> struct listener;

template <> struct listener<tcp> {
  explicit listener(tested_context& context) : acceptor(context, test::loopback()) {}
  static tcp protocol() { return tcp::v4(); }
  static tcp::endpoint any() { return test::loopback(); }
  /// Nobody else has it, and nobody listens.
  static tcp::endpoint refusing() {
    static mioext::tcp_socket const silent(test::loopback());
    return silent.local_endpoint();
  }
  tcp::acceptor acceptor;
};

template <> struct listener<local> {
  explicit listener(tested_context& context) : acceptor(context, local()) {
    support::bind_to_any(native);
    native.listen(16);
    acceptor.close();
    acceptor.assign(local(), native.release());
  }
  static local protocol() { return local(); }
  static local::endpoint any() { return support::any_unix_address(); }
  static local::endpoint refusing() { return local::endpoint("/no/such/directory/socket"); }
  mioext::unix_acceptor native{mioext::unix_acceptor::protocol_type()};
  local::acceptor acceptor;
};

// --- What is written down --------------------------------------------------------------------------

class record {
public:
  /// Clears `ec`, which Asio 1.18 does not always do after a success.
  void write(char const* what, error_code& ec, std::string const& value = std::string()) {
    lines.push_back(std::string(what) + ": " + ec.message() + ' ' + value);
    ec = error_code();
  }
  void write(char const* what, bool value) {
    lines.push_back(std::string(what) + ": " + (value ? "true" : "false"));
  }
  void write(char const* what, outcome const& told) {
    lines.push_back(std::string(what) + ": " + std::to_string(told.calls) + ' ' +
                    told.error.message() + ' ' + std::to_string(told.bytes));
  }
  template <class Function> void thrown(char const* what, Function function) {
    error_code ec = test::error_of(function);
    write(what, ec);
  }

  strings lines;
};

// --- The members -----------------------------------------------------------------------------------

/// What needs nothing but the object.
template <class Socket, class Listener>
void ask_everything(Socket& socket, Listener&, record& told) {
  using endpoint_type = typename Socket::endpoint_type;
  error_code ec;
  std::array<char, 4> bytes = {{}};
  Socket const& constant = socket;
  told.write("is_open", constant.is_open());
  told.write("native_handle", socket.native_handle() >= 0);
  told.write("non_blocking", constant.non_blocking());
  bool const is_at_mark = constant.at_mark(ec);
  told.write("at_mark", ec, std::to_string(is_at_mark));
  std::size_t const available = constant.available(ec);
  told.write("available", ec, std::to_string(available));
  socket.set_option(typename Socket::keep_alive(true), ec);
  told.write("set_option", ec);
  typename Socket::keep_alive keep_alive;
  constant.get_option(keep_alive, ec);
  told.write("get_option", ec, std::to_string(keep_alive.value()));
  typename Socket::bytes_readable readable;
  socket.io_control(readable, ec);
  told.write("io_control", ec, std::to_string(readable.get()));
  endpoint_type const here = constant.local_endpoint(ec);
  told.write("local_endpoint", ec, std::to_string(here.size()));
  endpoint_type const there = constant.remote_endpoint(ec);
  told.write("remote_endpoint", ec, std::to_string(there.size()));
  socket.cancel(ec);
  told.write("cancel", ec);
  told.thrown("at_mark", [&] { constant.at_mark(); });
  told.thrown("available", [&] { constant.available(); });
  told.thrown("set_option", [&] { socket.set_option(socket_base::keep_alive(true)); });
  told.thrown("get_option", [&] { constant.get_option(keep_alive); });
  told.thrown("io_control", [&] { socket.io_control(readable); });
  told.thrown("local_endpoint", [&] { constant.local_endpoint(); });
  told.thrown("remote_endpoint", [&] { constant.remote_endpoint(); });
  told.thrown("cancel", [&] { socket.cancel(); });
  // Nothing of no bytes.
  told.write("read nothing", ec, std::to_string(socket.read_some(buffer(bytes, 0), ec)));
  told.write("receive nothing", ec, std::to_string(socket.receive(buffer(bytes, 0), 0, ec)));
  told.write("write nothing", ec, std::to_string(socket.write_some(buffer(bytes, 0), ec)));
  told.write("send nothing", ec, std::to_string(socket.send(buffer(bytes, 0), 0, ec)));
}

template <class Socket> bool is_non_blocking(Socket& socket) {
  int const flags = ::fcntl(socket.native_handle(), F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

template <class Socket> void ask_modes(Socket& socket, record& told) {
  error_code ec;
  Socket const& constant = socket;
  socket.native_non_blocking(true, ec);
  told.write("native_non_blocking(true)", ec);
  told.write("native_non_blocking", constant.native_non_blocking());
  told.write("non_blocking is as it was", constant.non_blocking());
  told.write("as the system sees it", is_non_blocking(socket));
  socket.native_non_blocking(false, ec);
  told.write("native_non_blocking(false)", ec);
  told.write("native_non_blocking", constant.native_non_blocking());
  told.write("as the system sees it", is_non_blocking(socket));
  socket.non_blocking(true, ec);
  told.write("non_blocking(true)", ec);
  told.write("non_blocking", constant.non_blocking());
  told.write("as the system sees it", is_non_blocking(socket));
  socket.native_non_blocking(false, ec);
  told.write("native_non_blocking(false) against it", ec);
  told.thrown("native_non_blocking(false)", [&] { socket.native_non_blocking(false); });
  told.thrown("native_non_blocking(true)", [&] { socket.native_non_blocking(true); });
  told.thrown("non_blocking(true)", [&] { socket.non_blocking(true); });
  told.thrown("non_blocking(false)", [&] { socket.non_blocking(false); });
  told.write("non_blocking", constant.non_blocking());
}

/// Reads that end at once.
template <class Socket> void read(Socket& socket, record& told) {
  error_code ec;
  std::array<char, 4> bytes = {{}};
  std::size_t count = socket.read_some(buffer(bytes), ec);
  told.write("read_some", ec, std::to_string(count));
  count = socket.receive(buffer(bytes), 0, ec);
  told.write("receive", ec, std::to_string(count));
  count = socket.receive(buffer(bytes), Socket::message_peek, ec);
  told.write("receive, peeking", ec, std::to_string(count));
  told.thrown("read_some", [&] { socket.read_some(buffer(bytes)); });
  told.thrown("receive", [&] { socket.receive(buffer(bytes)); });
  told.thrown("receive with flags", [&] { socket.receive(buffer(bytes), 0); });
}

constexpr int ways = 3;

template <class Socket>
void receive(int way, tested_context& context, Socket& socket, record& told) {
  std::array<char, 4> bytes = {{}};
  outcome received;
  if (way == 0) {
    socket.async_read_some(buffer(bytes), into(received));
  } else if (way == 1) {
    socket.async_receive(buffer(bytes), into(received));
  } else {
    socket.async_receive(buffer(bytes), Socket::message_peek, into(received));
  }
  run(context);
  told.write("received in one way or another", received);
}

template <class Socket> void write(Socket& socket, record& told) {
  error_code ec;
  std::array<char, 4> const bytes = {{'d', 'a', 't', 'a'}};
  std::size_t count = socket.write_some(buffer(bytes), ec);
  told.write("write_some", ec, std::to_string(count));
  count = socket.send(buffer(bytes), 0, ec);
  told.write("send", ec, std::to_string(count));
  count = socket.send(buffer(bytes), Socket::message_do_not_route, ec);
  told.write("send with flags", ec, std::to_string(count));
  told.thrown("write_some", [&] { socket.write_some(buffer(bytes)); });
  told.thrown("send", [&] { socket.send(buffer(bytes)); });
  told.thrown("send with flags", [&] { socket.send(buffer(bytes), 0); });
}

template <class Socket> void send(int way, tested_context& context, Socket& socket, record& told) {
  std::array<char, 4> const bytes = {{'d', 'a', 't', 'a'}};
  outcome sent;
  if (way == 0) {
    socket.async_write_some(buffer(bytes), into(sent));
  } else if (way == 1) {
    socket.async_send(buffer(bytes), into(sent));
  } else {
    socket.async_send(buffer(bytes), Socket::message_do_not_route, into(sent));
  }
  run(context);
  told.write("sent in one way or another", sent);
}

template <class Socket> void wait_for_all(tested_context& context, Socket& socket, record& told) {
  error_code ec;
  socket.wait(Socket::wait_read, ec);
  told.write("wait for reading", ec);
  socket.wait(Socket::wait_write, ec);
  told.write("wait for writing", ec);
  told.thrown("wait for reading", [&] { socket.wait(Socket::wait_read); });
  outcome readable;
  outcome writable;
  socket.async_wait(Socket::wait_read, into(readable));
  run(context);
  socket.async_wait(Socket::wait_write, into(writable));
  run(context);
  told.write("async_wait for reading", readable);
  told.write("async_wait for writing", writable);
}

template <class Socket> strings closed() {
  record told;
  tested_context context;
  listener<typename Socket::protocol_type> other(context);
  Socket socket(context);
  ask_everything(socket, other, told);
  ask_modes(socket, told);
  read(socket, told);
  for (int way = 0; way != ways; ++way) {
    receive(way, context, socket, told);
    send(way, context, socket, told);
  }
  write(socket, told);
  wait_for_all(context, socket, told);
  error_code ec;
  socket.bind(other.any(), ec);
  told.write("bind", ec);
  socket.shutdown(Socket::shutdown_both, ec);
  told.write("shutdown", ec);
  told.write("release", ec, std::to_string(socket.release(ec)));
  told.write("release", ec);
  socket.close(ec);
  told.write("close", ec);
  if (!test::is_asio_over_io_uring) { // see the_number_of_no_descriptor_is_refused
    socket.assign(other.protocol(), -1, ec);
    told.write("assign nothing", ec);
  }
  told.write("is_open", socket.is_open());
  told.thrown("bind", [&] { socket.bind(other.any()); });
  told.thrown("shutdown", [&] { socket.shutdown(Socket::shutdown_send); });
  told.thrown("release", [&] { socket.release(); });
  told.thrown("close", [&] { socket.close(); });
  return told.lines;
}

template <class Socket> strings open_and_unconnected() {
  record told;
  tested_context context;
  listener<typename Socket::protocol_type> other(context);
  Socket socket(context);
  error_code ec;
  socket.open(other.protocol(), ec);
  told.write("open", ec);
  socket.open(other.protocol(), ec);
  told.write("open again", ec);
  socket.assign(other.protocol(), 0, ec);
  told.write("assign to it", ec);
  ask_everything(socket, other, told);
  read(socket, told);
  // One each, because a second one after an error waits with Asio (1.24).
  for (int way = 0; way != ways; ++way) {
    Socket reader(context, other.protocol());
    receive(way, context, reader, told);
    Socket writer(context, other.protocol());
    send(way, context, writer, told);
  }
  write(socket, told);
  wait_for_all(context, socket, told);
  ask_modes(socket, told);
  socket.shutdown(Socket::shutdown_both, ec);
  told.write("shutdown", ec);
  socket.bind(other.any(), ec);
  told.write("bind", ec);
  socket.bind(other.any(), ec);
  told.write("bind again", ec);
  socket.connect(other.refusing(), ec);
  told.write("connect to nobody", ec);
  told.write("is_open", socket.is_open());
  // A mode is of the socket that was opened.
  socket.non_blocking(true, ec);
  socket.close(ec);
  told.write("close", ec);
  told.write("non_blocking", socket.non_blocking());
  socket.connect(other.refusing(), ec);
  told.write("connect a closed one to nobody", ec);
  told.write("is_open", socket.is_open());
  socket.close();
  outcome connected;
  socket.async_connect(other.refusing(), into(connected));
  run(context);
  told.write("async_connect to nobody", connected);
  told.write("is_open", socket.is_open());
  told.thrown("open again", [&] { socket.open(other.protocol()); });
  told.thrown("connect to nobody", [&] { socket.connect(other.refusing()); });
  return told.lines;
}

template <class Socket> strings connected() {
  record told;
  tested_context context;
  listener<typename Socket::protocol_type> other(context);
  Socket socket(context);
  error_code ec;
  socket.connect(other.acceptor.local_endpoint(), ec);
  told.write("connect", ec);
  auto peer = other.acceptor.accept();
  socket.connect(other.acceptor.local_endpoint(), ec);
  told.write("connect again", ec);
  told.write("it is the peer's", socket.remote_endpoint() == peer.local_endpoint());
  ask_everything(socket, other, told);
  write(socket, told);
  for (int way = 0; way != ways; ++way) {
    send(way, context, socket, told);
  }
  std::array<char, 36> from_peer;
  told.write("all of it", boost::asio::read(peer, buffer(from_peer)) == from_peer.size());
  // Seven transfers take four bytes each, and two leave them where they are.
  std::string const sent(8 * 4, 'x');
  boost::asio::write(peer, buffer(sent));
  socket.wait(Socket::wait_read);
  while (socket.available() < sent.size()) {
  }
  read(socket, told);
  for (int way = 0; way != ways; ++way) {
    receive(way, context, socket, told);
  }
  std::array<char, 4> rest;
  told.write("left",
             socket.available() == rest.size() && boost::asio::read(socket, buffer(rest)) == 4);
  boost::asio::write(peer, buffer("y", 1));
  wait_for_all(context, socket, told);
  // With nothing to read: what is pending is cancelled, and the next operation goes on.
  char byte = 0;
  told.write("read", socket.receive(buffer(&byte, 1)) == 1 && byte == 'y');
  outcome pending;
  outcome received;
  outcome waited;
  socket.async_read_some(buffer(&byte, 1), into(pending));
  socket.async_receive(buffer(&byte, 1), Socket::message_peek, into(received));
  socket.async_wait(Socket::wait_read, into(waited));
  told.write("they wait", poll_all(context));
  socket.cancel();
  run(context);
  told.write("async_read_some, cancelled", pending);
  told.write("async_receive, cancelled", received);
  told.write("async_wait, cancelled", waited);
  ask_modes(socket, told);
  // Blocking for the system: an asynchronous operation waits all the same.
  socket.native_non_blocking(false);
  outcome late;
  socket.async_receive(buffer(&byte, 1), 0, into(late));
  told.write("it waits", poll_all(context));
  if (!test::is_asio_over_io_uring) { // see an_asynchronous_operation_makes_non_blocking
    told.write("native_non_blocking", socket.native_non_blocking());
  }
  boost::asio::write(peer, buffer("z", 1));
  run(context);
  told.write("async_receive", late);
  socket.non_blocking(true);
  told.write("would block", ec, std::to_string(socket.receive(buffer(&byte, 1), 0, ec)));
  told.write("would block", ec);
  socket.wait(Socket::wait_read, ec);
  told.write("wait for what is not there", ec);
  socket.wait(Socket::wait_write, ec);
  told.write("wait for what is there", ec);
  // From hand to hand.
  Socket moved(std::move(socket));
  told.write("non_blocking", moved.non_blocking());
  told.write("moved from", socket.is_open() || socket.non_blocking());
  int const fd = moved.release(ec);
  told.write("release", ec, std::to_string(fd >= 0));
  told.write("released", moved.is_open() || moved.non_blocking());
  moved.assign(other.protocol(), fd, ec);
  told.write("assign", ec);
  told.write("assigned", moved.is_open() && !moved.non_blocking());
  told.write("send", moved.send(buffer("w", 1)) == 1);
  moved.shutdown(Socket::shutdown_send, ec);
  told.write("shutdown", ec);
  told.write("write after it", ec, std::to_string(moved.write_some(buffer("v", 1), ec)));
  told.write("write after it", ec);
  moved.close(ec);
  told.write("close", ec);
  told.write("is_open", moved.is_open());
  return told.lines;
}

template <class Socket> strings at_its_end() {
  record told;
  tested_context context;
  listener<typename Socket::protocol_type> other(context);
  for (int way = 0; way != ways; ++way) {
    Socket socket(context);
    outcome connected;
    socket.async_connect(other.acceptor.local_endpoint(), into(connected));
    run(context);
    told.write("async_connect", connected);
    told.write("non_blocking", socket.non_blocking());
    auto peer = other.acceptor.accept();
    peer.shutdown(socket_base::shutdown_send);
    wait_for_all(context, socket, told);
    receive(way, context, socket, told);
    read(socket, told);
    ask_everything(socket, other, told);
    socket.shutdown(Socket::shutdown_receive);
    read(socket, told);
  }
  return told.lines;
}

template <class Socket> strings closed_while_pending() {
  record told;
  tested_context context;
  listener<typename Socket::protocol_type> other(context);
  char byte = 0;
  outcome ends[3];
  for (int way = 0; way != 3; ++way) {
    Socket socket(context);
    socket.connect(other.acceptor.local_endpoint());
    auto const peer = other.acceptor.accept();
    socket.async_receive(buffer(&byte, 1), Socket::message_peek, into(ends[way]));
    told.write("it waits", poll_all(context));
    if (way == 0) {
      socket.close();
    } else if (way == 1) {
      socket = Socket(context);
    } else {
      Socket const destroyed(std::move(socket));
    }
    run(context);
    told.write("async_receive", ends[way]);
  }
  return told.lines;
}

template <class Socket> strings of_every_state() {
  strings all = {"closed"};
  for (auto part : {closed<Socket>, open_and_unconnected<Socket>, connected<Socket>,
                    at_its_end<Socket>, closed_while_pending<Socket>}) {
    strings const lines = part();
    all.insert(all.end(), lines.begin(), lines.end());
    all.push_back("--");
  }
  return all;
}

/// Urgent data, which only TCP has everywhere.
template <class Socket> strings urgent() {
  record told;
  tested_context context;
  listener<tcp> other(context);
  Socket socket(context);
  socket.connect(other.acceptor.local_endpoint());
  auto peer = other.acceptor.accept();
  std::array<char, 8> bytes = {{}};
  error_code ec;
  outcome received;
  outcome waited;
  socket.async_receive(buffer(bytes), Socket::message_out_of_band, into(received));
  socket.async_wait(Socket::wait_error, into(waited));
  told.write("they wait", poll_all(context));
  peer.send(buffer("abU", 3), socket_base::message_out_of_band);
  run(context);
  told.write("async_receive, out of band", received);
  told.write("async_wait", waited);
  told.write("it is the urgent byte", bytes[0] == 'U');
  std::size_t const count = socket.receive(buffer(bytes), Socket::message_out_of_band, ec);
  told.write("receive, out of band", ec, std::to_string(count)); // taken
  told.write("at_mark", socket.at_mark());
  told.write("before it", socket.receive(buffer(bytes)) == 2);
  told.write("at_mark", socket.at_mark());
  // After ordinary data has come, with what is urgent behind it.
  outcome read;
  peer.send(buffer("cdV", 3), socket_base::message_out_of_band);
  socket.async_read_some(buffer(bytes), into(read));
  run(context);
  told.write("async_read_some", read);
  peer.send(buffer("e", 1), 0);
  peer.shutdown(socket_base::shutdown_send);
  outcome rest;
  boost::asio::async_read(socket, buffer(bytes), into(rest));
  run(context);
  told.write("the rest", rest);
  return told.lines;
}

/// What it can be made of.
template <class Socket, class OtherExecutorSocket> strings made() {
  using protocol_type = typename Socket::protocol_type;
  record told;
  tested_context context;
  listener<protocol_type> other(context);
  auto const executor = context.get_executor();
  auto const protocol = other.protocol();
  told.write("executor", Socket(executor).is_open());
  told.write("context", Socket(context).is_open());
  told.write("executor, protocol", Socket(executor, protocol).is_open());
  told.write("context, protocol", Socket(context, protocol).is_open());
  told.write("executor, endpoint", Socket(executor, other.any()).is_open());
  told.write("context, endpoint", Socket(context, other.any()).is_open());
  int const first = ::socket(protocol.family(), protocol.type(), 0);
  int const second = ::socket(protocol.family(), protocol.type(), 0);
  Socket one(executor, protocol, first);
  told.write("executor, protocol, descriptor", one.native_handle() == first);
  Socket two(context, protocol, second);
  told.write("context, protocol, descriptor", two.native_handle() == second);
  if (!test::is_asio_over_io_uring) { // see the_number_of_no_descriptor_is_refused
    told.thrown("no descriptor", [&] { Socket(context, protocol, -1); });
  }
  Socket three = {context, protocol};
  told.write("it is not explicit", three.is_open());
  three = std::move(one);
  told.write("move assignment", three.native_handle() == first && !one.is_open());
  Socket four = std::move(three);
  told.write("move", four.native_handle() == first && !three.is_open());
  OtherExecutorSocket native(context, protocol);
  int const third = native.native_handle();
  Socket five(std::move(native));
  told.write("another executor", five.native_handle() == third && !native.is_open());
  native = OtherExecutorSocket(context, protocol);
  five = std::move(native);
  told.write("assigned from another executor", five.is_open() && !native.is_open());
  told.write("get_executor", five.get_executor() == executor);
  told.write("lowest_layer", five.lowest_layer().is_open());
  told.write("lowest_layer", static_cast<Socket const&>(five).lowest_layer().is_open());
  return told.lines;
}

// --- The names -------------------------------------------------------------------------------------

template <class Left, class Right> constexpr bool same() {
  return std::is_same<Left, Right>::value;
}

/// Every type and constant that Asio's socket has, but its executor and its layers.
template <class Socket, class Asio> void check_names() {
  static_assert(same<typename Socket::protocol_type, typename Asio::protocol_type>(), "");
  static_assert(same<typename Socket::endpoint_type, typename Asio::endpoint_type>(), "");
  static_assert(same<typename Socket::native_handle_type, typename Asio::native_handle_type>(), "");
  static_assert(same<typename Socket::executor_type, typename Asio::executor_type>(), "");
  static_assert(same<typename Socket::lowest_layer_type, Socket>(), "");
  static_assert(same<typename Socket::message_flags, typename Asio::message_flags>(), "");
  static_assert(same<typename Socket::shutdown_type, typename Asio::shutdown_type>(), "");
  static_assert(same<typename Socket::wait_type, typename Asio::wait_type>(), "");
  static_assert(same<typename Socket::broadcast, typename Asio::broadcast>(), "");
  static_assert(same<typename Socket::debug, typename Asio::debug>(), "");
  static_assert(same<typename Socket::do_not_route, typename Asio::do_not_route>(), "");
  static_assert(same<typename Socket::keep_alive, typename Asio::keep_alive>(), "");
  static_assert(same<typename Socket::send_buffer_size, typename Asio::send_buffer_size>(), "");
  static_assert(same<typename Socket::send_low_watermark, typename Asio::send_low_watermark>(), "");
  static_assert(same<typename Socket::receive_buffer_size, typename Asio::receive_buffer_size>(),
                "");
  static_assert(
      same<typename Socket::receive_low_watermark, typename Asio::receive_low_watermark>(), "");
  static_assert(same<typename Socket::reuse_address, typename Asio::reuse_address>(), "");
  static_assert(same<typename Socket::linger, typename Asio::linger>(), "");
  static_assert(same<typename Socket::out_of_band_inline, typename Asio::out_of_band_inline>(), "");
  static_assert(
      same<typename Socket::enable_connection_aborted, typename Asio::enable_connection_aborted>(),
      "");
  static_assert(same<typename Socket::bytes_readable, typename Asio::bytes_readable>(), "");
  static_assert(Socket::shutdown_receive == Asio::shutdown_receive, "");
  static_assert(Socket::shutdown_send == Asio::shutdown_send, "");
  static_assert(Socket::shutdown_both == Asio::shutdown_both, "");
  static_assert(Socket::wait_read == Asio::wait_read, "");
  static_assert(Socket::wait_write == Asio::wait_write, "");
  static_assert(Socket::wait_error == Asio::wait_error, "");
  static_assert(Socket::message_peek == Asio::message_peek, "");
  static_assert(Socket::message_out_of_band == Asio::message_out_of_band, "");
  static_assert(Socket::message_do_not_route == Asio::message_do_not_route, "");
  static_assert(Socket::message_end_of_record == Asio::message_end_of_record, "");
  static_assert(Socket::max_listen_connections == Asio::max_listen_connections, "");
}

using tcp_stream = mioext::stream<mioext::tcp_socket>;
using unix_stream = mioext::stream<mioext::unix_socket>;
using over_tcp = mioext::stream<tcp::socket>;
using over_local = mioext::stream<local::socket>;
using over_generic = mioext::stream<generic::socket>;

template <class Stream, class Asio> struct pair_of {
  using stream = Stream;
  using asio = Asio;
};

// What keeps messages apart is no stream.
static_assert(!mioext::detail::keeps_messages_apart<mioext::tcp_socket>::value, "");
static_assert(!mioext::detail::keeps_messages_apart<local::socket>::value, "");
static_assert(!mioext::detail::keeps_messages_apart<generic::socket>::value, "");
static_assert(!mioext::detail::keeps_messages_apart<mioext::pipe_reader>::value, "");
static_assert(!mioext::detail::keeps_messages_apart<int>::value, "");
static_assert(mioext::detail::keeps_messages_apart<mioext::udp_socket>::value, "");
static_assert(mioext::detail::keeps_messages_apart<boost::asio::ip::udp::socket>::value, "");
static_assert(
    mioext::detail::keeps_messages_apart<boost::asio::generic::seq_packet_protocol::socket>::value,
    "");

// A handle cannot have what is a socket's only, and what it cannot be made of is refused before it is
// tried.
template <class Stream> struct has {
  template <class S>
  static auto connect(int)
      -> decltype(std::declval<S&>().connect(std::declval<tcp::endpoint>()), std::true_type());
  template <class> static std::false_type connect(...);
  template <class S>
  static auto send(int)
      -> decltype(std::declval<S&>().send(std::declval<boost::asio::const_buffer>()),
                  std::true_type());
  template <class> static std::false_type send(...);
  template <class S>
  static auto receive(int)
      -> decltype(std::declval<S&>().async_receive(std::declval<boost::asio::mutable_buffer>(), 0,
                                                   std::declval<into>()),
                  std::true_type());
  template <class> static std::false_type receive(...);
  template <class S>
  static auto bind(int)
      -> decltype(std::declval<S&>().bind(std::declval<tcp::endpoint>()), std::true_type());
  template <class> static std::false_type bind(...);
  template <class S> static auto open(int) -> decltype(std::declval<S&>().open(), std::true_type());
  template <class> static std::false_type open(...);
  template <class S>
  static auto at_mark(int) -> decltype(std::declval<S&>().at_mark(), std::true_type());
  template <class> static std::false_type at_mark(...);

  static constexpr bool of_a_socket =
      decltype(connect<Stream>(0))::value && decltype(send<Stream>(0))::value &&
      decltype(receive<Stream>(0))::value && decltype(bind<Stream>(0))::value &&
      decltype(at_mark<Stream>(0))::value;
  static constexpr bool nothing_of_a_socket =
      !decltype(connect<Stream>(0))::value && !decltype(send<Stream>(0))::value &&
      !decltype(receive<Stream>(0))::value && !decltype(bind<Stream>(0))::value &&
      !decltype(at_mark<Stream>(0))::value && !decltype(open<Stream>(0))::value;
  static constexpr bool open_without_protocol = decltype(open<Stream>(0))::value;
};

using reader_stream = mioext::stream<mioext::pipe_reader>;
using descriptor_stream = mioext::stream<boost::asio::posix::stream_descriptor>;

static_assert(has<tcp_stream>::of_a_socket, "");
static_assert(has<over_tcp>::of_a_socket, "");
static_assert(has<reader_stream>::nothing_of_a_socket, "");
static_assert(has<descriptor_stream>::nothing_of_a_socket, "");
static_assert(has<mioext::stream<int>>::nothing_of_a_socket, "");
static_assert(!has<tcp_stream>::open_without_protocol, "");
static_assert(has<unix_stream>::open_without_protocol, "");
static_assert(!std::is_constructible<tcp_stream, tested_context&, std::string>::value, "");
static_assert(!std::is_constructible<tcp_stream, tested_context&, local>::value, "");
static_assert(!std::is_constructible<reader_stream, tested_context&, tcp>::value, "");
static_assert(!std::is_constructible<tcp_stream, mioext::stream<int>>::value,
              "what is somebody else's does not become one's own");
static_assert(!std::is_convertible<over_local, over_tcp>::value, "");

// --- Descriptors that are no sockets ---------------------------------------------------------------

template <class Descriptor> strings of_a_descriptor() {
  record told;
  tested_context context;
  test::raw_pipe pipe;
  error_code ec;
  char byte = 0;
  Descriptor reader(context);
  told.write("is_open", reader.is_open());
  reader.cancel(ec);
  told.write("cancel", ec);
  reader.non_blocking(true, ec);
  told.write("non_blocking(true)", ec);
  reader.native_non_blocking(true, ec);
  told.write("native_non_blocking(true)", ec);
  reader.wait(Descriptor::wait_read, ec);
  told.write("wait", ec);
  told.write("read_some", ec, std::to_string(reader.read_some(buffer(&byte, 1), ec)));
  reader.close(ec);
  told.write("close", ec);
  if (!test::is_asio_over_io_uring) { // see the_number_of_no_descriptor_is_refused
    reader.assign(-1, ec);
    told.write("assign nothing", ec);
  }
  reader.assign(pipe.release_reader(), ec);
  told.write("assign", ec);
  reader.assign(pipe.writer(), ec);
  told.write("assign again", ec);
  told.thrown("assign again", [&] { reader.assign(pipe.writer()); });
  Descriptor writer(context.get_executor(), pipe.release_writer());
  outcome readable;
  outcome written;
  outcome read;
  reader.async_wait(Descriptor::wait_read, into(readable));
  reader.async_read_some(buffer(&byte, 1), into(read));
  told.write("they wait", poll_all(context));
  writer.wait(Descriptor::wait_write, ec);
  told.write("wait", ec);
  writer.async_write_some(buffer("x", 1), into(written));
  run(context);
  told.write("async_wait", readable);
  told.write("async_write_some", written);
  told.write("async_read_some", read);
  reader.non_blocking(true);
  told.write("read_some", ec, std::to_string(reader.read_some(buffer(&byte, 1), ec)));
  reader.wait(Descriptor::wait_read, ec);
  told.write("wait for what is not there", ec);
  reader.non_blocking(false);
  told.write("write_some", ec, std::to_string(writer.write_some(buffer("y", 1), ec)));
  told.write("read_some", ec, std::to_string(reader.read_some(buffer(&byte, 1), ec)));
  Descriptor moved(std::move(writer));
  told.write("moved", moved.is_open() && !writer.is_open());
  writer = std::move(moved);
  told.write("moved back", writer.is_open() && !moved.is_open());
  int const fd = writer.release();
  told.write("release", fd >= 0 && !writer.is_open());
  writer.assign(fd);
  writer.close();
  told.write("at the end", ec, std::to_string(reader.read_some(buffer(&byte, 1), ec)));
  outcome at_end;
  reader.async_read_some(buffer(&byte, 1), into(at_end));
  run(context);
  told.write("at the end", at_end);
  return told.lines;
}

using descriptors = std::tuple<descriptor_stream, mioext::stream<mioext::pipe_reader>>;

using pairs = std::tuple<pair_of<tcp_stream, tcp::socket>, pair_of<over_tcp, tcp::socket>,
                         pair_of<unix_stream, local::socket>, pair_of<over_local, local::socket>>;

template <class Socket>
using with_native_executor =
    typename Socket::template rebind_executor<tested_context::executor_type>::other;

} // namespace

BOOST_AUTO_TEST_SUITE(member_by_member)

BOOST_AUTO_TEST_CASE_TEMPLATE(a_stream_answers_what_the_socket_of_asio_answers, Pair, pairs) {
  check_names<typename Pair::stream, typename Pair::asio>();
  BOOST_TEST(of_every_state<typename Pair::stream>() == of_every_state<typename Pair::asio>(),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(urgent_data_is_received_as_by_the_socket_of_asio,
                     *test::needs_epoll("kqueue tells of no urgent data")) {
  strings const expected = {"they wait: true",
                            "async_receive, out of band: 1 Success 1",
                            "async_wait: 1 Success 0",
                            "it is the urgent byte: true",
                            "receive, out of band: Invalid argument 0",
                            "at_mark: false",
                            "before it: true",
                            "at_mark: true",
                            "async_read_some: 1 Success 2",
                            "the rest: 1 End of file 1"};
  if (!test::is_asio_over_io_uring) { // see asio_hears_of_no_urgent_data
    BOOST_TEST(urgent<tcp::socket>() == expected, boost::test_tools::per_element());
  }
  BOOST_TEST(urgent<tcp_stream>() == expected, boost::test_tools::per_element());
  BOOST_TEST(urgent<over_tcp>() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(it_is_made_of_what_the_socket_of_asio_is_made_of) {
  auto const of_tcp = made<tcp::socket, with_native_executor<tcp::socket>>();
  auto const of_local = made<local::socket, with_native_executor<local::socket>>();
  BOOST_TEST((made<tcp_stream, with_native_executor<tcp_stream>>() == of_tcp));
  BOOST_TEST((made<over_tcp, with_native_executor<over_tcp>>() == of_tcp));
  BOOST_TEST((made<over_tcp, with_native_executor<tcp::socket>>() == of_tcp));
  BOOST_TEST((made<tcp_stream, with_native_executor<tcp::socket>>() == of_tcp));
  BOOST_TEST((made<unix_stream, with_native_executor<unix_stream>>() == of_local));
  BOOST_TEST((made<over_local, with_native_executor<over_local>>() == of_local));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_descriptor_is_a_stream_as_in_asio, Descriptor, descriptors) {
  BOOST_TEST(of_a_descriptor<Descriptor>() ==
                 of_a_descriptor<boost::asio::posix::stream_descriptor>(),
             boost::test_tools::per_element());
}

// Its socket cannot be made without an executor, nor opened without a protocol.
BOOST_AUTO_TEST_CASE(sockets_of_any_protocol) {
  tested_context context;
  listener<tcp> tcp_listener(context);
  listener<local> local_listener(context);
  over_generic stream(context);
  BOOST_TEST(!stream.is_open());
  stream.connect(tcp_listener.acceptor.local_endpoint());
  BOOST_TEST(
      (stream.remote_endpoint() == generic::endpoint(tcp_listener.acceptor.local_endpoint())));
  stream.close();
  outcome connected;
  stream.async_connect(local_listener.acceptor.local_endpoint(), into(connected));
  run(context);
  BOOST_TEST(connected == contexts::ended());
  auto peer = local_listener.acceptor.accept();
  BOOST_TEST(stream.send(buffer("x", 1)) == 1u);
  char byte = 0;
  BOOST_TEST(boost::asio::read(peer, buffer(&byte, 1)) == 1u);
  // As in Asio, a socket of one protocol becomes one of any.
  stream = tcp::socket(context, tcp::v4());
  BOOST_TEST(stream.is_open());
  stream = over_tcp(context, tcp::v6());
  BOOST_TEST(stream.local_endpoint().protocol().family() == tcp::v6().family());
  mioext::stream<mioext::basic_stream_socket<generic>> other(tcp_stream(context, tcp::v4()));
  BOOST_TEST(other.local_endpoint().protocol().family() == tcp::v4().family());
  other.close();
  other.open(tcp::v4());
  other.assign(tcp::v4(), other.release());
  BOOST_TEST(other.is_open());
}

BOOST_AUTO_TEST_CASE(an_endpoint_may_come_from_a_resolver) {
  tested_context context;
  listener<tcp> other(context);
  auto const found = tcp::resolver::results_type::create(other.acceptor.local_endpoint(), "", "");
  tcp_stream stream(context);
  outcome connected;
  stream.async_connect(*found.begin(), into(connected));
  run(context);
  BOOST_TEST(connected == contexts::ended());
  stream.close();
  stream.connect(*found.begin());
  BOOST_TEST((stream.remote_endpoint() == other.acceptor.local_endpoint()));
}

// A Unix listener without room: Asio says that it is connected.
BOOST_AUTO_TEST_CASE(connecting_waits_for_room,
                     *test::needs_linux("only there does a Unix socket wait for room")) {
  tested_context context;
  support::full_listener listener;
  unix_stream stream(context);
  contexts::gate may_accept;
  std::thread accepting([&] {
    BOOST_TEST(may_accept.wait());
    while (listener.accepted.size() <= listener.queued.size()) {
      listener.drain();
    }
  });
  may_accept.open();
  error_code ec;
  stream.connect(listener.endpoint, ec);
  accepting.join();
  BOOST_TEST(!ec);
  BOOST_TEST(stream.send(buffer("x", 1)) == 1u);
  stream.connect(listener.endpoint, ec);
  BOOST_TEST((ec == error::already_connected));
  stream.close();
  listener.acceptor.close();
  stream.connect(listener.endpoint, ec);
  BOOST_TEST((ec == error::connection_refused));
}

// Asio's wait_error goes on then. Of a stream both kinds of wait do the same.
BOOST_AUTO_TEST_CASE(waiting_for_an_error_ends_when_the_peer_has_written_its_last,
                     *test::needs_epoll("kqueue has no priority")) {
  tested_context context;
  auto sockets = mioext::unix_socket::pair();
  unix_stream stream(context, std::move(sockets.first));
  outcome waited;
  error_code ec;
  stream.non_blocking(true);
  stream.wait(unix_stream::wait_error, ec);
  BOOST_TEST((ec == error::would_block));
  stream.async_wait(unix_stream::wait_error, into(waited));
  BOOST_TEST(poll_all(context));
  sockets.second.shutdown(socket_base::shutdown_send);
  run(context);
  BOOST_TEST(waited == contexts::ended());
  stream.wait(unix_stream::wait_error, ec);
  BOOST_TEST(!ec);
}

BOOST_AUTO_TEST_SUITE_END()

// What Asio's objects answer otherwise where they wait in io_uring, so that the lines above leave it out
// there. mioext's answer as everywhere.
BOOST_AUTO_TEST_SUITE(where_asio_is_over_io_uring, *test::needs_io_uring_of_asio())

// No reactor is asked to take it, so nobody finds out.
BOOST_AUTO_TEST_CASE(the_number_of_no_descriptor_is_refused) {
  tested_context context;
  error_code ec = error::eof;
  tcp::socket(context).assign(tcp::v4(), -1, ec);
  BOOST_TEST(!ec, "Asio's socket: " << ec.message());
  ec = error::eof;
  boost::asio::posix::stream_descriptor(context).assign(-1, ec);
  BOOST_TEST(!ec, "Asio's descriptor: " << ec.message());
  BOOST_TEST((test::error_of([&] { tcp::socket(context, tcp::v4(), -1); }) == error_code()));

  tcp_stream(context).assign(tcp::v4(), -1, ec);
  BOOST_TEST((ec == error::bad_descriptor));
  unix_stream(context).assign(local(), -1, ec);
  BOOST_TEST((ec == error::bad_descriptor));
  reader_stream(context).assign(-1, ec);
  BOOST_TEST((ec == error::bad_descriptor));
  BOOST_TEST(
      (test::error_of([&] { tcp_stream(context, tcp::v4(), -1); }) == error::bad_descriptor));
}

// The kernel waits for Asio, which leaves the mode alone. A stream makes its attempts itself.
BOOST_AUTO_TEST_CASE(an_asynchronous_operation_makes_non_blocking) {
  tested_context context;
  listener<tcp> other(context);
  tcp::socket of_asio(context);
  over_tcp of_both(context);
  tcp_stream stream(context);
  outcome outcomes[3];
  char bytes[3] = {};
  of_asio.connect(other.acceptor.local_endpoint());
  auto peer_of_asio = other.acceptor.accept();
  of_both.connect(other.acceptor.local_endpoint());
  auto peer_of_both = other.acceptor.accept();
  stream.connect(other.acceptor.local_endpoint());
  auto peer = other.acceptor.accept();
  of_asio.native_non_blocking(false);
  of_both.native_non_blocking(false);
  stream.native_non_blocking(false);
  of_asio.async_receive(buffer(&bytes[0], 1), into(outcomes[0]));
  of_both.async_receive(buffer(&bytes[1], 1), into(outcomes[1]));
  stream.async_receive(buffer(&bytes[2], 1), into(outcomes[2]));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(!of_asio.native_non_blocking());
  BOOST_TEST(of_both.native_non_blocking());
  BOOST_TEST(stream.native_non_blocking());
  boost::asio::write(peer_of_asio, buffer("x", 1));
  boost::asio::write(peer_of_both, buffer("y", 1));
  boost::asio::write(peer, buffer("z", 1));
  run(context);
  for (outcome const& received : outcomes) {
    BOOST_TEST(received == contexts::ended());
  }
  BOOST_TEST(std::string(bytes, 3) == "xyz");
}

// To receive it before it is there is refused at once, because the kernel is asked to receive and not to wait.
// And a poll of a ring that asks for errors and urgent data is not woken by urgent data (Linux 6.18: to its
// io_poll_wake() POLLPRI alone is no reason).
BOOST_AUTO_TEST_CASE(asio_hears_of_no_urgent_data) {
  tested_context context;
  listener<tcp> other(context);
  tcp::socket socket(context);
  socket.connect(other.acceptor.local_endpoint());
  auto peer = other.acceptor.accept();
  char byte = 0;
  outcome received;
  socket.async_receive(buffer(&byte, 1), socket_base::message_out_of_band, into(received));
  run(context);
  BOOST_TEST(received == contexts::ended(error::invalid_argument));
  outcome waited;
  socket.async_wait(socket_base::wait_error, into(waited));
  BOOST_TEST(poll_all(context));
  peer.send(buffer("U", 1), socket_base::message_out_of_band);
  ::pollfd asked = {socket.native_handle(), POLLPRI, 0};
  BOOST_TEST(::poll(&asked, 1, -1) == 1); // it is there
  BOOST_WARN_MESSAGE(poll_all(context), "this kernel tells of urgent data");
  socket.cancel();
  run(context);
  BOOST_TEST(waited.calls == 1);
}

BOOST_AUTO_TEST_SUITE_END()
