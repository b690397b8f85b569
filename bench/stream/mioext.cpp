//
// bench/stream/mioext.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The sessions over mioext's stream, in an io_context and in a selector_context.
//

#include "servers.hpp"

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include "../echo/session.hpp"

namespace {

struct io_context : boost::asio::io_context {
  io_context() : boost::asio::io_context(1) {}
};

template <class Context, class Executor> class echo_server {
public:
  echo_server(int listener, std::size_t clients) : acceptor_(listener), tally_{clients, 0} {}

  std::uint64_t run() {
    accept();
    context_.run();
    return tally_.bytes;
  }

private:
  using stream = mioext::stream<mioext::tcp_socket, Executor>;

  void accept() {
    mioext::async_accept(Executor(context_.get_executor()), acceptor_,
                         [this](boost::system::error_code ec, mioext::tcp_socket peer) {
                           if (ec) {
                             return;
                           }
                           peer.set_option(boost::asio::ip::tcp::no_delay(true));
                           echo::session<stream>::start(stream(context_, std::move(peer)), tally_);
                           if (--tally_.clients != 0) {
                             accept();
                           }
                         });
  }

  Context context_{};
  mioext::tcp_acceptor acceptor_;
  echo::tally tally_;
};

} // namespace

std::uint64_t echo::mioext_any_executor(int listener, std::size_t clients) {
  return echo_server<io_context, boost::asio::any_io_executor>(listener, clients).run();
}

std::uint64_t echo::mioext_context_executor(int listener, std::size_t clients) {
  return echo_server<io_context, io_context::executor_type>(listener, clients).run();
}

std::uint64_t echo::selector_any_executor(int listener, std::size_t clients) {
  return echo_server<mioext::selector_context, boost::asio::any_io_executor>(listener, clients)
      .run();
}

std::uint64_t echo::selector_context_executor(int listener, std::size_t clients) {
  return echo_server<mioext::selector_context, mioext::selector_context::executor_type>(listener,
                                                                                        clients)
      .run();
}
