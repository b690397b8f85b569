//
// test/moves_by_type_names.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Programs that were written for an io_context and Asio's sockets run in a selector_context with
// mioext's streams when these type names change, and nothing else. (Their acceptors may stay Asio's, and
// then have Asio's reactor; the end of this file shows what changes with mioext's.)
//

#include "moved_programs.hpp"

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <tuple>
#include <utility>

#include <mioext/selector_context.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include "../example/test_certificate.hpp"
#include "contexts.hpp"
#include "support.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = boost::asio::ssl;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;

// --- The names -------------------------------------------------------------------------------------

struct before {
  using context = asio::io_context;
  using socket = tcp::socket;
  using acceptor = tcp::acceptor;
  using timer = asio::steady_timer;
};

struct after {
  using context = mioext::selector_context;
  using socket = mioext::stream<mioext::tcp_socket>;
  using acceptor = tcp::acceptor;
  using timer = mioext::steady_timer;
};

// The same with the context's own type of executor in the place of any_io_executor.
struct typed_before {
  using context = asio::io_context;
  using socket = asio::basic_stream_socket<tcp, context::executor_type>;
  using acceptor = asio::basic_socket_acceptor<tcp, context::executor_type>;
  using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>,
                                           context::executor_type>;
};

struct typed_after {
  using context = mioext::selector_context;
  using socket = mioext::stream<mioext::tcp_socket, context::executor_type>;
  using acceptor = asio::basic_socket_acceptor<tcp, context::executor_type>;
  using timer = mioext::basic_steady_timer<context::executor_type>;
};

// Half of the way.
struct only_the_context {
  using context = mioext::selector_context;
  using socket = tcp::socket;
  using acceptor = tcp::acceptor;
  using timer = asio::steady_timer;
};

struct only_the_objects {
  using context = asio::io_context;
  using socket = mioext::stream<mioext::tcp_socket>;
  using acceptor = tcp::acceptor;
  using timer = mioext::steady_timer;
};

using all_names =
    std::tuple<before, after, typed_before, typed_after, only_the_context, only_the_objects>;

// For what takes the compiler long.
using both_names = std::tuple<before, after>;

// --- Servers in threads of their own ---------------------------------------------------------------

milliseconds const long_limit(60 * 1000);

/// Runs a server until it has stopped and all its sessions have ended, as a program's main would.
template <class Context, class Server> class running {
public:
  template <class... Arguments>
  explicit running(Arguments&&... arguments)
      : server_(context_, std::forward<Arguments>(arguments)...), endpoint_(server_.endpoint()),
        thread_([this] { context_.run_for(support::patience); }) {}

  ~running() {
    if (thread_.joinable()) {
      context_.stop();
      thread_.join();
    }
  }

  tcp::endpoint endpoint() const { return endpoint_; }

  void finish() {
    asio::post(context_, [this] { server_.stop(); });
    thread_.join();
    BOOST_TEST(context_.stopped()); // nothing is pending any more
  }

private:
  Context context_;
  Server server_;
  tcp::endpoint const endpoint_;
  std::thread thread_;
};

// --- Their clients, which wait ---------------------------------------------------------------------

std::string ask(tcp::socket& socket, std::string const& line) {
  asio::write(socket, asio::buffer(line));
  std::string answer;
  asio::read_until(socket, asio::dynamic_buffer(answer), '\n');
  return answer;
}

template <class Server> void check_echo(Server& server) {
  asio::io_context context;
  tcp::socket first(context);
  tcp::socket second(context);
  first.connect(server.endpoint());
  second.connect(server.endpoint());
  std::string const longer = std::string(100000, 'x') + '\n';
  BOOST_TEST(ask(first, "hello\n") == "hello\n");
  BOOST_TEST((ask(second, longer) == longer));
  BOOST_TEST(ask(first, "again\n") == "again\n");
  first.shutdown(tcp::socket::shutdown_send);
  second.close();
  char byte;
  error_code ec;
  first.read_some(asio::buffer(&byte, 1), ec);
  BOOST_TEST(ec == asio::error::eof);
  server.finish();
}

} // namespace

BOOST_AUTO_TEST_SUITE(an_echo_server)

BOOST_AUTO_TEST_CASE_TEMPLATE(serves_several_clients, Names, all_names) {
  running<typename Names::context, moved_programs::echo_server<Names>> server(long_limit);
  check_echo(server);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(sends_away_who_says_nothing, Names, all_names) {
  running<typename Names::context, moved_programs::echo_server<Names>> server(milliseconds(1));
  asio::io_context context;
  tcp::socket silent(context);
  silent.connect(server.endpoint());
  char byte;
  error_code ec;
  silent.read_some(asio::buffer(&byte, 1), ec);
  BOOST_TEST(ec == asio::error::eof);
  server.finish();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_websocket_server)

BOOST_AUTO_TEST_CASE_TEMPLATE(sends_messages_back_and_answers_the_close, Names, both_names) {
  running<typename Names::context, moved_programs::websocket_server<Names>> server;
  asio::io_context context;
  websocket::stream<tcp::socket> client(context);
  client.next_layer().connect(server.endpoint());
  websocket::response_type answer;
  client.handshake(answer, "localhost", "/");
  BOOST_TEST(answer[beast::http::field::server] == "moved");
  for (std::string const& sent : {std::string("hello"), std::string(100000, 'x')}) {
    beast::flat_buffer received;
    client.text(sent.size() == 5);
    client.write(asio::buffer(sent));
    client.read(received);
    BOOST_TEST((beast::buffers_to_string(received.data()) == sent));
    BOOST_TEST(client.got_text() == (sent.size() == 5));
  }
  error_code ec;
  client.close(websocket::close_code::going_away, ec);
  BOOST_TEST(!ec);
  BOOST_TEST(client.reason().code == websocket::close_code::going_away); // the answer
  server.finish();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_tls_client)

namespace {

/// Serves one client with what is Asio's, waiting, in a thread; says how that client ended.
class tls_server {
public:
  tls_server() : tls_(ssl::context::tls_server), acceptor_(context_, moved_programs::loopback()) {
    test_certificate::use(tls_.native_handle());
    // A ticket that the client has not read when it closes would make the system send a reset.
    SSL_CTX_set_num_tickets(tls_.native_handle(), 0);
    thread_ = std::thread([this] { serve(); });
  }

  ~tls_server() { thread_.join(); }

  /// Makes a client trust this server's certificate.
  void be_trusted_by(ssl::context& client) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(client.native_handle()),
                        SSL_CTX_get0_certificate(tls_.native_handle()));
  }

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

private:
  void serve() {
    error_code ec;
    ssl::stream<tcp::socket> stream(acceptor_.accept(), tls_);
    stream.handshake(ssl::stream_base::server, ec);
    std::array<char, 5000> data;
    while (!ec) {
      std::size_t const size = stream.read_some(asio::buffer(data), ec);
      if (!ec) {
        asio::write(stream, asio::buffer(data, size), ec);
      }
    }
    stream.shutdown(ec);
  }

  asio::io_context context_;
  ssl::context tls_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

template <class Names> void check_client(bool is_trusted, std::string const& host) {
  tls_server server;
  ssl::context tls(ssl::context::tls_client);
  if (is_trusted) {
    server.be_trusted_by(tls);
  }
  std::string const text(50000, 'x');
  tcp::resolver::results_type const endpoints =
      tcp::resolver::results_type::create(server.endpoint(), host, "");
  typename Names::context context;
  {
    moved_programs::tls_client<Names> client(context, tls, endpoints, host, text);
    contexts::run(context);
    if (is_trusted && host == "localhost") {
      BOOST_TEST(client.how_it_ended == error_code());
      BOOST_TEST((client.answer == text));
    } else {
      BOOST_TEST((client.how_it_ended.category() == asio::error::get_ssl_category()));
      BOOST_TEST(client.answer.empty());
    }
  }
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(talks_and_says_goodbye, Names, both_names) {
  check_client<Names>(true, "localhost");
}

BOOST_AUTO_TEST_CASE_TEMPLATE(refuses_a_certificate_that_it_does_not_trust, Names, both_names) {
  check_client<Names>(false, "localhost");
  check_client<Names>(true, "elsewhere.example");
}

BOOST_AUTO_TEST_SUITE_END()

// --- With mioext's acceptor ------------------------------------------------------------------------

// It belongs to no context, so the context stands in front where one accepts: what differs from the
// echo server in moved_programs.hpp are the two lines of that, and Asio's reactor has nothing to do.
BOOST_AUTO_TEST_SUITE(an_echo_server_with_the_acceptor_of_mioext)

namespace {

template <class Names> class echo_server {
public:
  using context = typename Names::context;

  echo_server(context& where, milliseconds limit)
      : context_(where), acceptor_(moved_programs::loopback()), limit_(limit) {
    accept();
  }

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  void stop() { acceptor_.close(); }

private:
  void accept() {
    mioext::async_accept(
        context_, acceptor_, [this](error_code const& ec, mioext::tcp_socket made) {
          if (!ec) {
            typename Names::socket socket(context_, std::move(made));
            std::make_shared<moved_programs::echo_session<Names>>(std::move(socket), limit_)
                ->start();
          }
          if (acceptor_.is_open()) {
            accept();
          }
        });
  }

  context& context_;
  mioext::tcp_acceptor acceptor_;
  milliseconds const limit_;
};

using names_of_mioext = std::tuple<after, typed_after>;

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(takes_the_context_where_it_accepts, Names, names_of_mioext) {
  running<typename Names::context, echo_server<Names>> server(long_limit);
  check_echo(server);
}

BOOST_AUTO_TEST_SUITE_END()
