//
// example/coroutine_client.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A client written as C++20 coroutines: resolve, connect to whichever address answers first, exchange.
//
//   coroutine_client [options] HOST PORT echo TEXT   sends the text and prints what comes back
//   coroutine_client [options] HOST PORT get PATH    prints what an HTTP server has under that path
//     --context io|selector   Boost.Asio's io_context, by default, or mioext's selector_context
//
// The exit status is 0 if all went well (for get: a status 200 to 299), and else 1, or 2 for wrong
// arguments.
//

// First of all: Boost 1.74 uses std::exchange in C++20 without including this.
#include <utility>

#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <mioext/async_connect.hpp>
#include <mioext/happy_eyeballs.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "arguments.hpp"
#include "command_line.hpp"

#ifndef BOOST_ASIO_HAS_CO_AWAIT

int main() {
  std::cerr << "coroutine_client: this compiler has no coroutines that Boost.Asio could use"
            << std::endl;
  return EXIT_FAILURE;
}

#else

namespace asio = boost::asio;
using asio::use_awaitable;
using asio::ip::tcp;
using boost::system::error_code;
using tcp_stream = mioext::stream<mioext::tcp_socket>;

// Sends the text, and reads as much as that.
asio::awaitable<bool> echo(tcp_stream& stream, std::string_view text) {
  co_await asio::async_write(stream, asio::buffer(text), use_awaitable);
  std::string back(text.size(), '\0');
  co_await asio::async_read(stream, asio::buffer(back), use_awaitable);
  std::cout << back << std::endl;
  co_return back == text;
}

// One request on a connection that ends with the answer: then its length is no concern of ours.
asio::awaitable<bool> get(tcp_stream& stream, std::string_view host, std::string_view path) {
  std::string request = "GET ";
  request.append(path).append(" HTTP/1.0\r\nHost: ").append(host).append("\r\n\r\n");
  co_await asio::async_write(stream, asio::buffer(request), use_awaitable);

  // Throws if the header is larger than any that is meant well.
  std::string received;
  std::size_t const header_size = co_await asio::async_read_until(
      stream, asio::dynamic_buffer(received, 65536), "\r\n\r\n", use_awaitable);
  std::cerr << received.substr(0, header_size);
  bool const is_success = received.compare(0, 7, "HTTP/1.") == 0 && received.size() > 9 &&
                          received.compare(8, 2, " 2") == 0;
  received.erase(0, header_size);

  for (error_code ec; !ec || !received.empty();) {
    std::cout << received;
    received.resize(16384);
    received.resize(co_await stream.async_read_some(asio::buffer(received),
                                                    asio::redirect_error(use_awaitable, ec)));
    if (ec && ec != asio::error::eof) {
      throw boost::system::system_error(ec, "read");
    }
  }
  std::cout.flush();
  co_return is_success;
}

asio::awaitable<bool> talk(std::vector<std::string> arguments) {
  std::string const& host = arguments[0];
  auto const shared = std::make_shared<tcp_stream>(co_await asio::this_coro::executor);
  tcp_stream& stream = *shared;

  // Whatever hangs then, closing the stream ends it. (Shared, because this may be under way when the
  // coroutine ends.)
  mioext::steady_timer patience(stream.get_executor(), std::chrono::seconds(30));
  patience.async_wait([shared](error_code const& ec) {
    if (!ec) {
      std::cerr << "coroutine_client: this takes too long" << std::endl;
      shared->close();
    }
  });

  tcp::resolver resolver(stream.get_executor());
  auto const endpoints = co_await resolver.async_resolve(host, arguments[1], use_awaitable);
  tcp::endpoint const connected =
      co_await mioext::async_connect(stream, endpoints, mioext::happy_eyeballs(), use_awaitable);
  std::cerr << "connected to " << connected << std::endl;

  bool const is_success = arguments[2] == "get" ? co_await get(stream, host, arguments[3])
                                                : co_await echo(stream, arguments[3]);
  patience.cancel();
  co_return is_success;
}

// Nothing above knows what kind of context it is.
template <class Context> bool talk_in(Context& context, std::vector<std::string> const& arguments) {
  bool is_success = false;
  std::exception_ptr error;
  asio::co_spawn(context, talk(arguments), [&](std::exception_ptr thrown, bool result) {
    error = std::move(thrown);
    is_success = result;
  });
  context.run();
  if (error) {
    std::rethrow_exception(error);
  }
  return is_success;
}

int run(std::vector<std::string> const& given) {
  bool has_selector_context = false;
  std::vector<std::string> const arguments =
      parse_options(given, {}, [&](std::string const& name, std::string const& value) {
        if (name != "--context") {
          return false;
        }
        has_selector_context = parse_is_selector_context(value);
        return true;
      });
  if (arguments.size() != 4 || (arguments[2] != "get" && arguments[2] != "echo")) {
    throw usage_error(arguments.size() == 4 ? "neither echo nor get: " + arguments[2]
                                            : "four arguments are needed");
  }
  if (arguments[3].find_first_of("\r\n ") != std::string::npos && arguments[2] == "get") {
    throw usage_error("not a path: " + arguments[3]);
  }

  bool is_success = false;
  if (has_selector_context) {
    mioext::selector_context context;
    is_success = talk_in(context, arguments);
  } else {
    asio::io_context context(1);
    is_success = talk_in(context, arguments);
  }
  return is_success ? EXIT_SUCCESS : EXIT_FAILURE;
}

char const* const usage = R"(coroutine_client [options] HOST PORT echo TEXT
       coroutine_client [options] HOST PORT get PATH
  --context io|selector   Boost.Asio's io_context, by default, or mioext's selector_context
Sends the text and prints what comes back, or prints what an HTTP server has under the path.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }

#endif
