//
// doc/snippets/streams.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the guide shows of streams and of the layers above them, as test cases. The parts between
// `tag::` and `end::` are what is shown.
//

#include <mioext/stream.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <boost/system/error_code.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "../../example/test_certificate.hpp"

using boost::asio::buffer;
using boost::system::error_code;
using std::chrono::seconds;

BOOST_AUTO_TEST_SUITE(guide_streams)

BOOST_AUTO_TEST_CASE(a_line_over_a_stream) {
  auto ends = mioext::unix_socket::pair();
  // tag::stream[]
  boost::asio::io_context context;
  mioext::stream<mioext::unix_socket> stream(context, std::move(ends.first));
  mioext::stream<mioext::unix_socket> peer(context, std::move(ends.second));

  std::string line;
  boost::asio::async_read_until(stream, boost::asio::dynamic_buffer(line), '\n',
                                [&](error_code, std::size_t size) { line.resize(size); });
  boost::asio::async_write(peer, buffer("hello\nworld", 11), [](error_code, std::size_t) {});
  context.run();
  // end::stream[]
  BOOST_TEST(line == "hello\n");
}

BOOST_AUTO_TEST_CASE(a_pipe_as_a_stream) {
  // tag::pipe[]
  boost::asio::io_context context;
  auto ends = mioext::pipe();
  mioext::stream<mioext::pipe_reader> input(context, std::move(ends.first));
  mioext::stream<mioext::pipe_writer> output(context, std::move(ends.second));
  // end::pipe[]
  std::string received(3, '\0');
  boost::asio::async_read(input, buffer(&received[0], 3), [](error_code, std::size_t) {});
  boost::asio::async_write(output, buffer("abc", 3), [](error_code, std::size_t) {});
  context.run_for(seconds(20));
  BOOST_TEST(received == "abc");
}

BOOST_AUTO_TEST_CASE(tls_over_a_stream) {
  auto ends = mioext::unix_socket::pair();
  boost::asio::io_context context;
  boost::asio::ssl::context server_context(boost::asio::ssl::context::tls_server);
  boost::asio::ssl::context client_context(boost::asio::ssl::context::tls_client);
  test_certificate::use(server_context.native_handle());
  error_code served, connected;
  // tag::tls[]
  using tls_stream = boost::asio::ssl::stream<mioext::stream<mioext::unix_socket>>;

  tls_stream server(mioext::stream<mioext::unix_socket>(context, std::move(ends.first)),
                    server_context);
  tls_stream client(mioext::stream<mioext::unix_socket>(context, std::move(ends.second)),
                    client_context);
  server.async_handshake(tls_stream::server, [&](error_code ec) { served = ec; });
  client.async_handshake(tls_stream::client, [&](error_code ec) { connected = ec; });
  context.run();
  // end::tls[]
  BOOST_TEST(!served);
  BOOST_TEST(!connected);
}

BOOST_AUTO_TEST_CASE(http_over_a_stream) {
  auto ends = mioext::unix_socket::pair();
  boost::asio::io_context context;
  mioext::stream<mioext::unix_socket> client(context, std::move(ends.first));
  mioext::stream<mioext::unix_socket> server(context, std::move(ends.second));
  // tag::http[]
  namespace http = boost::beast::http;

  http::request<http::empty_body> const sent(http::verb::get, "/index.html", 11);
  http::async_write(client, sent, [](error_code, std::size_t) {});

  boost::beast::flat_buffer received;
  http::request<http::string_body> request;
  http::async_read(server, received, request, [](error_code, std::size_t) {});
  context.run();
  // end::http[]
  BOOST_TEST(std::string(request.target()) == "/index.html");
}

BOOST_AUTO_TEST_SUITE_END()
