//
// bench/churn/asio.cpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The connect churn of Boost.Asio.
//

#include "contenders.hpp"

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>

#include "asynchronous.hpp"

namespace {

using boost::asio::ip::tcp;
using boost::asio::local::stream_protocol;
using executor = boost::asio::io_context::executor_type;

template <class Protocol> struct accept {
  using stream_type = boost::asio::basic_stream_socket<Protocol, executor>;

  template <class Handler> void operator()(Handler handler) {
    acceptor.async_accept(std::move(handler));
  }

  boost::asio::basic_socket_acceptor<Protocol, executor> acceptor;
};

template <class Protocol>
std::size_t serve(Protocol protocol, int listener, churn::work const& wanted) {
  boost::asio::io_context context(1);
  return churn::run_async_server(context, accept<Protocol>{{context, protocol, listener}}, wanted);
}

template <class Protocol> std::size_t connect(churn::work const& wanted) {
  boost::asio::io_context context(1);
  return churn::run_async_client<boost::asio::basic_stream_socket<Protocol, executor>, Protocol>(
      context, wanted);
}

} // namespace

std::size_t churn::serve_asio(int listener, work const& wanted) {
  return wanted.over == transport::tcp ? serve(tcp::v4(), listener, wanted)
                                       : serve(stream_protocol(), listener, wanted);
}

std::size_t churn::connect_asio(work const& wanted) {
  return wanted.over == transport::tcp ? connect<tcp>(wanted) : connect<stream_protocol>(wanted);
}
