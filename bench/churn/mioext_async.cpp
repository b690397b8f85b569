//
// bench/churn/mioext_async.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The connect churn of mioext in an io_context: async_accept, async_connect, and streams.
//

#include "contenders.hpp"

#include <boost/asio/io_context.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/basic_socket_acceptor.hpp>
#include <mioext/basic_stream_socket.hpp>
#include <mioext/stream.hpp>

#include "asynchronous.hpp"

namespace {

using boost::asio::ip::tcp;
using boost::asio::local::stream_protocol;
using executor = boost::asio::io_context::executor_type;

template <class Protocol> using socket = mioext::basic_stream_socket<Protocol>;

template <class Protocol> struct accept {
  using stream_type = mioext::stream<socket<Protocol>, executor>;

  template <class Handler> void operator()(Handler handler) {
    boost::asio::io_context* const used = &context;
    mioext::async_accept(context.get_executor(), acceptor,
                         [handler, used](boost::system::error_code ec, socket<Protocol> peer) {
                           handler(ec, stream_type(*used, std::move(peer)));
                         });
  }

  boost::asio::io_context& context;
  mioext::basic_socket_acceptor<Protocol> acceptor;
};

template <class Protocol> std::size_t serve(int listener, churn::work const& wanted) {
  boost::asio::io_context context(1);
  return churn::run_async_server(
      context, accept<Protocol>{context, mioext::basic_socket_acceptor<Protocol>(listener)},
      wanted);
}

template <class Protocol> std::size_t connect(churn::work const& wanted) {
  return churn::run_async_client<mioext::stream<socket<Protocol>, executor>, Protocol>(wanted);
}

} // namespace

std::size_t churn::serve_mioext_async(int listener, work const& wanted) {
  return wanted.over == transport::tcp ? serve<tcp>(listener, wanted)
                                       : serve<stream_protocol>(listener, wanted);
}

std::size_t churn::connect_mioext_async(work const& wanted) {
  return wanted.over == transport::tcp ? connect<tcp>(wanted) : connect<stream_protocol>(wanted);
}
