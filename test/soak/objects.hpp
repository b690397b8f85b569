//
// test/soak/objects.hpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The objects of which by_stream.hpp makes the two ends: mioext's in either kind of context, or Asio's
// own, which do the very same work for comparison.
//

#ifndef TEST_SOAK_OBJECTS_HPP
#define TEST_SOAK_OBJECTS_HPP

#include <memory>
#include <utility>

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

namespace soak {

using boost::system::error_code;
using tcp = boost::asio::ip::tcp;

/// An io_context that knows that one thread runs it.
struct io_context_of_a_thread : boost::asio::io_context {
  io_context_of_a_thread() : boost::asio::io_context(1) {}
};

/// mioext's streams, timers and functions in a context.
template <class Context> struct mioext_objects {
  using context = Context;
  using stream = mioext::stream<mioext::tcp_socket>;
  using timer = mioext::steady_timer;
  using acceptor = mioext::tcp_acceptor;
  using accepted = mioext::tcp_socket;

  static acceptor accept_in(context&, mioext::tcp_acceptor listening) { return listening; }

  template <class Handler> static void accept(context& in, acceptor& from, Handler handler) {
    mioext::async_accept(in, from, std::move(handler));
  }

  static stream stream_of(context& in, accepted from) { return stream(in, std::move(from)); }

  template <class Handler>
  static void connect(stream& from, tcp::endpoint const& to, Handler handler) {
    mioext::async_connect(from, to, std::move(handler));
  }

  template <class Handler> static void wait_for_end(context& in, int control, Handler handler) {
    mioext::async_wait(in, control, mioext::interest::readable, std::move(handler));
  }
};

/// Asio's own sockets, timers and acceptors in an io_context.
struct asio_objects {
  using context = io_context_of_a_thread;
  using stream = tcp::socket;
  using timer = boost::asio::steady_timer;
  using acceptor = tcp::acceptor;
  using accepted = tcp::socket;

  static acceptor accept_in(context& in, mioext::tcp_acceptor listening) {
    return acceptor(in, tcp::v4(), listening.release());
  }

  template <class Handler> static void accept(context&, acceptor& from, Handler handler) {
    from.async_accept(std::move(handler));
  }

  static stream stream_of(context&, accepted from) { return from; }

  template <class Handler>
  static void connect(stream& from, tcp::endpoint const& to, Handler handler) {
    from.async_connect(to, std::move(handler));
  }

  template <class Handler> static void wait_for_end(context& in, int control, Handler handler) {
    using descriptor = boost::asio::posix::stream_descriptor;
    auto const own = std::make_shared<descriptor>(in, ::dup(control));
    own->async_wait(descriptor::wait_read,
                    [own, handler](error_code const& ec) mutable { handler(ec); });
  }
};

} // namespace soak

#endif // TEST_SOAK_OBJECTS_HPP
