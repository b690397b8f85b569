//
// bench/beast_http.cpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A small HTTP server on Boost.Beast under the load of wrk: the same source over Asio's socket in an
// io_context and over mioext's stream in an io_context and in a selector_context, with the executors
// that these types have by default. The server has one core, wrk the other.
//

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include "harness.hpp"
#include "system.hpp"
#include "wrk.hpp"

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// --- What differs ----------------------------------------------------------------------------------

struct single_threaded : asio::io_context {
  single_threaded() : asio::io_context(1) {}
};

struct asios {
  using context = single_threaded;
  using stream = tcp::socket;

  class acceptor {
  public:
    acceptor(context& used, int listener) : owned_(used, tcp::v4(), listener) {}

    template <class Handler> void accept(Handler handler) {
      owned_.async_accept([handler](error_code ec, stream peer) mutable {
        if (!ec) {
          peer.set_option(tcp::no_delay(true));
          handler(std::move(peer));
        }
      });
    }

  private:
    tcp::acceptor owned_;
  };
};

template <class Context> struct mioexts {
  using context = Context;
  using stream = mioext::stream<mioext::tcp_socket>;

  class acceptor {
  public:
    acceptor(context& used, int listener) : context_(used), owned_(listener) {}

    template <class Handler> void accept(Handler handler) {
      mioext::async_accept(context_, owned_,
                           [this, handler](error_code ec, mioext::tcp_socket peer) mutable {
                             if (!ec) {
                               peer.set_option(tcp::no_delay(true));
                               handler(stream(context_, std::move(peer)));
                             }
                           });
    }

  private:
    context& context_;
    mioext::tcp_acceptor owned_;
  };
};

// --- The server ------------------------------------------------------------------------------------

// Serves until it is asked for "/quit".
template <class Kind> class server {
public:
  explicit server(int listener) : acceptor_(context_, listener) {}

  // Returns how many requests there were.
  std::uint64_t run() {
    accept();
    context_.run();
    return requests_;
  }

private:
  class session : public std::enable_shared_from_this<session> {
  public:
    session(server& owner, typename Kind::stream stream)
        : owner_(owner), stream_(std::move(stream)) {}

    void read() {
      request_ = {};
      auto const self = this->shared_from_this();
      http::async_read(stream_, buffer_, request_, [self](error_code ec, std::size_t) {
        if (!ec) {
          self->respond();
        }
      });
    }

  private:
    void respond() {
      ++owner_.requests_;
      if (request_.target() == "/quit") {
        owner_.context_.stop();
        return;
      }
      response_ = {http::status::ok, request_.version()};
      response_.set(http::field::content_type, "text/plain");
      response_.keep_alive(request_.keep_alive());
      response_.body() = "Hello from the server.\n";
      response_.prepare_payload();
      auto const self = this->shared_from_this();
      http::async_write(stream_, response_, [self](error_code ec, std::size_t) {
        if (!ec && self->response_.keep_alive()) {
          self->read();
        }
      });
    }

    server& owner_;
    typename Kind::stream stream_;
    boost::beast::flat_buffer buffer_;
    http::request<http::string_body> request_;
    http::response<http::string_body> response_;
  };

  void accept() {
    acceptor_.accept([this](typename Kind::stream peer) {
      std::make_shared<session>(*this, std::move(peer))->read();
      accept();
    });
  }

  typename Kind::context context_{};
  typename Kind::acceptor acceptor_;
  std::uint64_t requests_ = 0;
};

// --- The load --------------------------------------------------------------------------------------

struct load {
  unsigned connections;
  unsigned seconds;
};

void ask_to_quit(std::uint16_t port) {
  std::string const request = "GET /quit HTTP/1.1\r\nHost: localhost\r\n\r\n";
  int const fd = bench::checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  ::sockaddr_in const address = bench::loopback(port);
  bench::checked(::connect(fd, reinterpret_cast<::sockaddr const*>(&address), sizeof address),
                 "connect");
  bench::checked(::write(fd, request.data(), request.size()), "write");
  ::close(fd);
}

// Requests a second; microseconds of processor time that the server took for each.
template <class Kind> std::vector<double> round(load const& wanted) {
  bench::check(bench::allow_descriptors(wanted.connections + 64), "too few descriptors");
  int const listener = bench::listen_on_loopback();
  std::uint16_t const port = bench::port_of(listener);
  bench::helper_process serving(30, [&] {
    bench::pin_to_core(0);
    double const begin = bench::cpu_seconds();
    double const requests = static_cast<double>(server<Kind>(listener).run());
    return std::vector<double>{1e6 * (bench::cpu_seconds() - begin) / requests};
  });
  ::close(listener);
  bench::pin_to_core(1);
  double const requests_per_second =
      bench::put_load(port, "/", wanted.connections, wanted.seconds).requests_per_second;
  ask_to_quit(port);
  return {requests_per_second, serving.numbers().at(0)};
}

bench::comparison compare(load const& wanted) {
  bench::comparison all(std::to_string(wanted.connections) +
                            (wanted.connections == 1 ? " connection" : " connections"),
                        "requests/s", bench::better::more, {"server CPU us"});
  return all.rounds(5)
      .add("Asio, io_context", [=] { return round<asios>(wanted); })
      .add("mioext, io_context", [=] { return round<mioexts<single_threaded>>(wanted); })
      .add("mioext, selector_context",
           [=] { return round<mioexts<mioext::selector_context>>(wanted); })
      .require("mioext, selector_context", bench::ahead_of("Asio, io_context"));
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("beast_http", argc, argv);
  if (std::system("command -v wrk > /dev/null") != 0) {
    run.note("left out: wrk is not installed");
    return run.finish();
  }
  for (unsigned connections : {1u, 50u, 400u}) {
    if (!run.quick() || connections == 50) { // wrk takes no less than a second
      run.compare(compare({connections, run.quick() ? 1u : 2u}));
    }
  }
  return run.finish();
}
