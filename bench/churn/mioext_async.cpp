//
// bench/churn/mioext_async.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The connect churn of mioext in an io_context and in a selector_context: async_accept, async_connect,
// and streams.
//

#include "contenders.hpp"

#include <boost/asio/io_context.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/basic_socket_acceptor.hpp>
#include <mioext/basic_stream_socket.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/stream.hpp>

#include "asynchronous.hpp"

namespace {

using boost::asio::ip::tcp;
using boost::asio::local::stream_protocol;

struct io_context : boost::asio::io_context {
  io_context() : boost::asio::io_context(1) {}
};

template <class Protocol> using socket = mioext::basic_stream_socket<Protocol>;

template <class Context, class Protocol> struct accept {
  using stream_type = mioext::stream<socket<Protocol>, typename Context::executor_type>;

  template <class Handler> void operator()(Handler handler) {
    Context* const used = &context;
    mioext::async_accept(context.get_executor(), acceptor,
                         [handler, used](boost::system::error_code ec, socket<Protocol> peer) {
                           handler(ec, stream_type(*used, std::move(peer)));
                         });
  }

  Context& context;
  mioext::basic_socket_acceptor<Protocol> acceptor;
};

template <class Context, class Protocol>
std::size_t serve(int listener, churn::work const& wanted) {
  Context context;
  return churn::run_async_server(
      context,
      accept<Context, Protocol>{context, mioext::basic_socket_acceptor<Protocol>(listener)},
      wanted);
}

template <class Context> std::size_t serve_in(int listener, churn::work const& wanted) {
  return wanted.over == churn::transport::tcp ? serve<Context, tcp>(listener, wanted)
                                              : serve<Context, stream_protocol>(listener, wanted);
}

template <class Context, class Protocol> std::size_t connect(churn::work const& wanted) {
  Context context;
  using stream = mioext::stream<socket<Protocol>, typename Context::executor_type>;
  return churn::run_async_client<stream, Protocol>(context, wanted);
}

template <class Context> std::size_t connect_in(churn::work const& wanted) {
  return wanted.over == churn::transport::tcp ? connect<Context, tcp>(wanted)
                                              : connect<Context, stream_protocol>(wanted);
}

} // namespace

std::size_t churn::serve_mioext_async(int listener, work const& wanted) {
  return serve_in<io_context>(listener, wanted);
}

std::size_t churn::connect_mioext_async(work const& wanted) {
  return connect_in<io_context>(wanted);
}

std::size_t churn::serve_selector_context(int listener, work const& wanted) {
  return serve_in<mioext::selector_context>(listener, wanted);
}

std::size_t churn::connect_selector_context(work const& wanted) {
  return connect_in<mioext::selector_context>(wanted);
}
