//
// example/beast_http_server.cpp
// -----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Serves the files below a directory over HTTP/1.1, with Boost.Beast on mioext's streams.
//
//   beast_http_server [options] DIRECTORY
//     --address ADDRESS      by default 127.0.0.1
//     --port PORT            by default 0, which takes a free one
//     --tls                  HTTPS, with a certificate for localhost that is made at the start
//     --connections NUMBER   at the same time, by default 1000; others wait
//     --per-address NUMBER   of these for one peer, by default 250; more are closed at once
//     --timeout SECONDS      how long a client may take for its next step, by default 30
//     --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
//
// Says on standard output where it listens, and serves until SIGINT or SIGTERM.
//

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mioext/async_accept.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/optional.hpp>

#include "arguments.hpp"
#include "client_limit.hpp"
#include "test_certificate.hpp"

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::seconds;

// --- Which file is meant -------------------------------------------------------------------------

// A path below the directory, name by name.
using names = std::vector<std::string>;

int hex_value(char digit) {
  static char const digits[] = "0123456789abcdef";
  char const lower = digit >= 'A' && digit <= 'F' ? static_cast<char>(digit - 'A' + 'a') : digit;
  char const* const found = lower == '\0' ? nullptr : std::strchr(digits, lower);
  return found ? static_cast<int>(found - digits) : -1;
}

// Undoes percent-encoding. Once: what comes out as %2e is a file's name and no dot.
bool decode(std::string const& encoded, std::string& decoded) {
  decoded.clear();
  for (std::size_t position = 0; position < encoded.size(); ++position) {
    if (encoded[position] != '%') {
      decoded += encoded[position];
      continue;
    }
    if (encoded.size() - position < 3) {
      return false;
    }
    int const high = hex_value(encoded[position + 1]);
    int const low = hex_value(encoded[position + 2]);
    if (high < 0 || low < 0) {
      return false;
    }
    decoded += static_cast<char>(high * 16 + low);
    position += 2;
  }
  return true;
}

// The path in a request's target. False for what is none, and for all that has no place in a name:
// the system would take a NUL for its end and a slash for the next one, and .. leads out.
bool parse_target(std::string target, names& path) {
  path.clear();
  for (char const* scheme : {"http://", "https://"}) { // as a proxy writes it (RFC 9112, 3.2.2)
    if (target.compare(0, std::strlen(scheme), scheme) == 0) {
      std::size_t const slash = target.find('/', std::strlen(scheme));
      target = slash == std::string::npos ? "/" : target.substr(slash);
    }
  }
  target.erase(std::min(target.find('?'), target.size()));
  if (target.empty() || target[0] != '/') {
    return false;
  }
  std::size_t begin = 1;
  while (begin <= target.size()) {
    std::size_t const end = std::min(target.find('/', begin), target.size());
    std::string name;
    if (!decode(target.substr(begin, end - begin), name) || name == ".." ||
        name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
      return false;
    }
    if (!name.empty() && name != ".") {
      path.push_back(name);
    }
    begin = end + 1;
  }
  if (target.back() == '/') {
    path.push_back("index.html");
  }
  return !path.empty();
}

// Opens files below a directory, and nothing that is not below it. It goes down from the directory
// name by name, with openat(2), and follows no symbolic link on that way. So it does not matter what
// the names are, nor what somebody changes in between, as it would if a path were examined first and
// opened then.
class document_root {
public:
  explicit document_root(std::string const& path)
      : directory_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    if (directory_ < 0) {
      throw std::system_error(errno, std::generic_category(), path);
    }
  }

  ~document_root() { ::close(directory_); }

  document_root(document_root const&) = delete;
  document_root& operator=(document_root const&) = delete;

  // Returns a descriptor, or -1 and sets `error`. Not for directories and devices.
  int open(names const& path, int& error) const {
    int current = directory_;
    for (std::size_t index = 0; index != path.size(); ++index) {
      int const kind = index + 1 == path.size() ? 0 : O_DIRECTORY;
      // O_NONBLOCK: a named pipe would make us wait for its other end.
      int const next = ::openat(current, path[index].c_str(),
                                O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | kind);
      error = errno;
      if (current != directory_) {
        ::close(current);
      }
      if (next < 0) {
        return -1;
      }
      current = next;
    }
    struct stat found;
    if (::fstat(current, &found) != 0 || !S_ISREG(found.st_mode)) {
      ::close(current);
      error = ENOENT;
      return -1;
    }
    return current;
  }

private:
  int directory_;
};

http::status status_of(int error) {
  switch (error) {
  case ENOENT:
  case ENOTDIR:
  case ENAMETOOLONG:
  case ELOOP:  // a symbolic link
  case EMLINK: // the same, on FreeBSD
    return http::status::not_found;
  case EACCES:
    return http::status::forbidden;
  case EMFILE:
  case ENFILE:
    return http::status::service_unavailable;
  default:
    return http::status::internal_server_error;
  }
}

char const* content_type(std::string const& name) {
  struct known {
    char const* extension;
    char const* type;
  };
  static known const all[] = {{".html", "text/html; charset=utf-8"},
                              {".htm", "text/html; charset=utf-8"},
                              {".css", "text/css; charset=utf-8"},
                              {".txt", "text/plain; charset=utf-8"},
                              {".md", "text/markdown; charset=utf-8"},
                              {".csv", "text/csv; charset=utf-8"},
                              {".js", "text/javascript; charset=utf-8"},
                              {".json", "application/json"},
                              {".xml", "application/xml"},
                              {".pdf", "application/pdf"},
                              {".wasm", "application/wasm"},
                              {".gz", "application/gzip"},
                              {".zip", "application/zip"},
                              {".svg", "image/svg+xml"},
                              {".png", "image/png"},
                              {".jpg", "image/jpeg"},
                              {".jpeg", "image/jpeg"},
                              {".gif", "image/gif"},
                              {".webp", "image/webp"},
                              {".ico", "image/x-icon"},
                              {".woff2", "font/woff2"},
                              {".mp4", "video/mp4"}};
  std::size_t const dot = name.rfind('.');
  std::string const extension = dot == std::string::npos ? std::string() : name.substr(dot);
  for (known const& candidate : all) {
    if (beast::iequals(extension, candidate.extension)) {
      return candidate.type;
    }
  }
  return "application/octet-stream";
}

// --- What is answered ------------------------------------------------------------------------------

std::string http_date() {
  std::time_t const now = std::time(nullptr);
  std::tm utc = {};
  ::gmtime_r(&now, &utc);
  char text[64];
  std::size_t const size = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &utc);
  return std::string(text, size);
}

template <class Body>
http::response<Body> make_response(http::status status, unsigned version, bool keep_alive) {
  http::response<Body> response(status, version);
  response.set(http::field::server, "beast_http_server");
  response.set(http::field::date, http_date());
  response.keep_alive(keep_alive);
  return response;
}

// A file to be sent, piece by piece: never more of it in memory than one buffer.
using file_response = http::response<http::file_body>;

// All others. To HEAD, one without a body, whose Content-Length is the file's.
using short_response = http::response<http::string_body>;

short_response make_error(http::status status, unsigned version, bool keep_alive, bool has_body) {
  short_response response = make_response<http::string_body>(status, version, keep_alive);
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  if (status == http::status::method_not_allowed) {
    response.set(http::field::allow, "GET, HEAD");
  }
  beast::string_view const reason = http::obsolete_reason(status);
  response.body() = std::string(reason.data(), reason.size()) + '\n';
  response.content_length(response.body().size());
  if (!has_body) {
    response.body().clear();
  }
  return response;
}

template <class Body> struct outgoing {
  explicit outgoing(http::response<Body>&& sent) : message(std::move(sent)), serializer(message) {}

  http::response<Body> message;
  http::response_serializer<Body> serializer;
};

// --- A connection ----------------------------------------------------------------------------------

using plain_stream = mioext::stream<mioext::tcp_socket>;
using tls_stream = ssl::stream<plain_stream>;

class server;

class connection {
public:
  virtual ~connection() = default;

  /// Ends it at once. What is pending completes with an error, and then it is gone.
  virtual void end() = 0;
};

// One client. Kept alive by what is pending: always a step of the conversation, and the timer.
template <class Stream>
class session final : public connection, public std::enable_shared_from_this<session<Stream>> {
public:
  template <class... Arguments>
  session(std::shared_ptr<server> owner, client_limit::place place, Arguments&&... arguments);
  ~session() override;

  void start() {
    watch();
    handshake(stream_);
  }

  void end() override {
    is_over_ = true;
    timer_.cancel();
    error_code ignored;
    lowest_layer().close(ignored);
  }

private:
  plain_stream& lowest_layer() { return stream_.lowest_layer(); }

  // --- The time that a client may take

  // From now on. A client that sends its request byte by byte gets no more time for that, but one
  // that receives a large file gets it for each piece.
  void allow(std::chrono::steady_clock::duration time) {
    deadline_ = std::chrono::steady_clock::now() + time;
  }

  // One timer that is set again when it has fired, and not for every step.
  void watch() {
    timer_.expires_at(deadline_);
    auto const self = this->shared_from_this();
    timer_.async_wait([self](error_code const& ec) {
      if (ec || self->is_over_) {
        return;
      }
      if (std::chrono::steady_clock::now() >= self->deadline_) {
        self->end();
      } else {
        self->watch();
      }
    });
  }

  // --- The conversation

  void handshake(plain_stream&) { read(); }

  void handshake(tls_stream& stream) {
    auto const self = this->shared_from_this();
    stream.async_handshake(ssl::stream_base::server, [self](error_code const& ec) {
      if (ec) {
        self->end();
      } else {
        self->read();
      }
    });
  }

  // The body of a request is never read.
  void read() {
    allow(patience_);
    parser_.emplace();
    parser_->header_limit(header_limit);
    // It is not for that that it is refused. (Beast of Boost 1.74 takes boost::none for nothing at all.)
    parser_->body_limit((std::numeric_limits<std::uint64_t>::max)());
    auto const self = this->shared_from_this();
    http::async_read_header(stream_, buffer_, *parser_,
                            [self](error_code const& ec, std::size_t) { self->on_read(ec); });
  }

  void on_read(error_code const& ec) {
    static boost::system::error_category const& http_errors =
        http::make_error_code(http::error::end_of_stream).category();
    if (!ec) {
      answer();
    } else if (ec == http::error::end_of_stream) {
      finish();
    } else if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
      refuse(http::status::request_header_fields_too_large);
    } else if (ec == http::error::bad_version) {
      refuse(http::status::http_version_not_supported);
    } else if (ec != http::error::partial_message && ec.category() == http_errors) {
      refuse(http::status::bad_request);
    } else {
      end();
    }
  }

  // What came is no request that we understand, so it is not known where the next one begins.
  void refuse(http::status status) { send(make_error(status, 11, false, true)); }

  void answer();
  void answer_with_file(int fd, std::string const& name, bool keep_alive, bool has_body);

  template <class Body> void send(http::response<Body>&& response) {
    write(std::make_shared<outgoing<Body>>(std::move(response)));
  }

  template <class Body> void write(std::shared_ptr<outgoing<Body>> const& response) {
    allow(patience_);
    auto const self = this->shared_from_this();
    http::async_write_some(stream_, response->serializer,
                           [self, response](error_code const& ec, std::size_t) {
                             if (ec) {
                               self->end();
                             } else if (!response->serializer.is_done()) {
                               self->write(response);
                             } else if (response->message.keep_alive()) {
                               self->read(); // what the client has sent meanwhile is in the buffer
                             } else {
                               self->finish();
                             }
                           });
  }

  // --- The end

  void finish() {
    allow(std::min(patience_, seconds(2)));
    watch();
    shut_down(stream_);
  }

  void shut_down(plain_stream& stream) {
    error_code ignored;
    stream.shutdown(mioext::tcp_socket::shutdown_send, ignored);
    receive_rest();
  }

  void shut_down(tls_stream& stream) {
    auto const self = this->shared_from_this();
    stream.async_shutdown([self](error_code const&) { self->shut_down(self->lowest_layer()); });
  }

  // If the client is still sending and we closed now, the system would send a reset, and that may
  // reach the client before it has read our answer.
  void receive_rest() {
    auto const self = this->shared_from_this();
    lowest_layer().async_read_some(asio::buffer(rest_), [self](error_code const& ec, std::size_t) {
      if (ec) {
        self->end();
      } else {
        self->receive_rest();
      }
    });
  }

  static constexpr std::uint32_t header_limit = 8 * 1024;

  std::shared_ptr<server> const server_;
  Stream stream_;
  mioext::steady_timer timer_;
  seconds const patience_;
  std::chrono::steady_clock::time_point deadline_;
  bool is_over_ = false;
  beast::flat_buffer buffer_{4 * header_limit};
  boost::optional<http::request_parser<http::empty_body>> parser_;
  char rest_[1024];
};

// --- The server ------------------------------------------------------------------------------------

struct settings {
  bool has_selector_context = false;
  std::string directory;
  std::string address = "127.0.0.1";
  unsigned short port = 0;
  bool uses_tls = false;
  std::size_t most_connections = 1000;
  std::size_t most_of_an_address = 250;
  seconds patience = seconds(30);
};

// Accepts, and knows who is there. Kept alive by what is pending and by its sessions. Of the context it
// knows an executor, so it may be either. (The signals are Asio's, whose reactor has a thread of its own
// in a selector_context; that sleeps until one comes.)
class server final : public std::enable_shared_from_this<server> {
public:
  server(asio::any_io_executor const& executor, settings const& how)
      : executor_(executor), settings_(how), root_(how.directory), tls_(ssl::context::tls_server),
        signals_(executor, SIGINT, SIGTERM), timer_(executor),
        acceptor_(tcp::endpoint(asio::ip::make_address(how.address), how.port)),
        clients_(how.most_connections, how.most_of_an_address) {
    if (settings_.uses_tls) {
      tls_.set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 |
                       ssl::context::no_sslv3 | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
      test_certificate::use(tls_.native_handle());
    }
  }

  tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }
  document_root const& root() const { return root_; }
  seconds patience() const { return settings_.patience; }

  void start() {
    auto const self = shared_from_this();
    signals_.async_wait([self](error_code const& ec, int) {
      if (!ec) {
        self->stop();
      }
    });
    accept();
  }

  void add(connection& made, client_limit::place place) {
    connections_.emplace(&made, std::move(place));
  }

  void remove(connection& ended) {
    connections_.erase(&ended);
    accept();
  }

private:
  void accept() {
    if (is_accepting_ || is_stopped_ || clients_.is_reached()) {
      return;
    }
    is_accepting_ = true;
    auto const self = shared_from_this();
    mioext::async_accept(executor_, acceptor_, peer_,
                         [self](error_code const& ec, mioext::tcp_socket socket) {
                           self->on_accept(ec, std::move(socket));
                         });
  }

  void on_accept(error_code const& ec, mioext::tcp_socket socket) {
    if (is_stopped_) {
      return;
    }
    if (ec) {
      pause_accepting(ec);
      return;
    }
    is_accepting_ = false;
    if (client_limit::place place = clients_.admit(peer_)) {
      serve(std::move(socket), std::move(place));
    } // or the socket is closed
    accept();
  }

  void serve(mioext::tcp_socket socket, client_limit::place place) {
    // Answers are complete when they are sent: do not let the system wait for more.
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (settings_.uses_tls) {
      std::make_shared<session<tls_stream>>(shared_from_this(), std::move(place),
                                            plain_stream(executor_, std::move(socket)), tls_)
          ->start();
    } else {
      std::make_shared<session<plain_stream>>(shared_from_this(), std::move(place), executor_,
                                              std::move(socket))
          ->start();
    }
  }

  // Most likely there is no descriptor left (EMFILE, ENFILE). The connection stays in the queue, so
  // that the next attempt would fail at once, and the one after it. Rather wait a while.
  void pause_accepting(error_code const& reason) {
    if (!has_complained_) { // once is enough, this can happen for every client
      // Not reason.message(), which is virtual: to check such a call UndefinedBehaviorSanitizer
      // needs a descriptor, and there is none.
      std::cerr << "beast_http_server: cannot accept for now: " << std::strerror(reason.value())
                << std::endl;
      has_complained_ = true;
    }
    auto const self = shared_from_this();
    timer_.expires_after(std::chrono::milliseconds(200));
    timer_.async_wait([self](error_code const&) {
      self->is_accepting_ = false;
      self->accept();
    });
  }

  void stop() {
    is_stopped_ = true;
    error_code ignored;
    acceptor_.close(ignored);
    timer_.cancel();
    for (auto const& each : connections_) {
      each.first->end();
    }
  }

  asio::any_io_executor const executor_;
  settings const settings_;
  document_root const root_;
  ssl::context tls_;
  asio::signal_set signals_;
  mioext::steady_timer timer_;
  mioext::tcp_acceptor acceptor_;
  tcp::endpoint peer_;
  client_limit clients_;
  std::map<connection*, client_limit::place> connections_;
  bool is_accepting_ = false; // or pausing
  bool is_stopped_ = false;
  bool has_complained_ = false;
};

template <class Stream>
template <class... Arguments>
session<Stream>::session(std::shared_ptr<server> owner, client_limit::place place,
                         Arguments&&... arguments)
    : server_(std::move(owner)), stream_(std::forward<Arguments>(arguments)...),
      timer_(stream_.get_executor()), patience_(server_->patience()) {
  allow(patience_);
  server_->add(*this, std::move(place));
}

template <class Stream> session<Stream>::~session() { server_->remove(*this); }

template <class Stream> void session<Stream>::answer() {
  auto const& request = parser_->get();
  // A body that we do not read is in the way of the next request.
  bool const keep_alive = request.keep_alive() && parser_->is_done();
  bool const is_head = request.method() == http::verb::head;
  auto const fail = [&](http::status status) {
    send(make_error(status, request.version(), keep_alive, !is_head));
  };
  names path;
  if (request.method() != http::verb::get && !is_head) {
    fail(http::status::method_not_allowed);
  } else if (request.version() >= 11 && request.count(http::field::host) != 1) {
    fail(http::status::bad_request); // RFC 9112, section 3.2
  } else if (!parse_target(std::string(request.target().data(), request.target().size()), path)) {
    fail(http::status::bad_request);
  } else {
    int error = 0;
    int const fd = server_->root().open(path, error);
    if (fd < 0) {
      fail(status_of(error));
    } else {
      answer_with_file(fd, path.back(), keep_alive, !is_head);
    }
  }
}

template <class Stream>
void session<Stream>::answer_with_file(int fd, std::string const& name, bool keep_alive,
                                       bool has_body) {
  unsigned const version = parser_->get().version();
  beast::file file;
  file.native_handle(fd);
  http::file_body::value_type body;
  error_code ec;
  body.reset(std::move(file), ec);
  if (ec) {
    send(make_error(status_of(ec.value()), version, keep_alive, has_body));
    return;
  }
  auto const describe = [&](http::fields& fields) {
    fields.set(http::field::content_type, content_type(name));
    fields.set("X-Content-Type-Options", "nosniff");
  };
  if (has_body) {
    file_response response = make_response<http::file_body>(http::status::ok, version, keep_alive);
    describe(response);
    response.content_length(body.size());
    response.body() = std::move(body);
    send(std::move(response));
  } else {
    short_response response =
        make_response<http::string_body>(http::status::ok, version, keep_alive);
    describe(response);
    response.content_length(body.size());
    send(std::move(response));
  }
}

// --- The program -----------------------------------------------------------------------------------

settings parse_arguments(std::vector<std::string> const& arguments) {
  settings result;
  bool has_directory = false;
  for (std::size_t index = 0; index != arguments.size(); ++index) {
    std::string const& argument = arguments[index];
    auto const value = [&]() -> std::string const& {
      if (index + 1 == arguments.size()) {
        throw usage_error(argument + " needs a value");
      }
      return arguments[++index];
    };
    if (argument == "--address") {
      result.address = parse_address(value()).to_string();
    } else if (argument == "--port") {
      result.port = static_cast<unsigned short>(parse_number(value(), 0, 65535));
    } else if (argument == "--tls") {
      result.uses_tls = true;
    } else if (argument == "--connections") {
      result.most_connections = parse_number(value(), 1, 1000000);
    } else if (argument == "--per-address") {
      result.most_of_an_address = parse_number(value(), 1, 1000000);
    } else if (argument == "--timeout") {
      result.patience = seconds(parse_number(value(), 1, 86400));
    } else if (argument == "--context") {
      result.has_selector_context = parse_is_selector_context(value());
    } else if (argument.compare(0, 1, "-") == 0) {
      throw usage_error("no such option: " + argument);
    } else if (has_directory) {
      throw usage_error("too many arguments");
    } else {
      result.directory = argument;
      has_directory = true;
    }
  }
  if (!has_directory) {
    throw usage_error("no directory");
  }
  return result;
}

template <class Context> int serve(Context& context, settings const& how) {
  auto const serving = std::make_shared<server>(context.get_executor(), how);
  serving->start();
  std::cout << "listening on " << serving->endpoint() << std::endl;
  context.run();
  return EXIT_SUCCESS;
}

int run(std::vector<std::string> const& given) {
  settings const how = parse_arguments(given);
  if (how.has_selector_context) {
    mioext::selector_context context;
    return serve(context, how);
  }
  asio::io_context context(1);
  return serve(context, how);
}

char const* const usage = R"(beast_http_server [options] DIRECTORY
  --address ADDRESS      by default 127.0.0.1
  --port PORT            by default 0, which takes a free one
  --tls                  HTTPS, with a certificate for localhost that is made at the start
  --connections NUMBER   at the same time, by default 1000; others wait
  --per-address NUMBER   of these for one peer, by default 250; more are closed at once
  --timeout SECONDS      how long a client may take for its next step, by default 30
  --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
Serves the files below the directory over HTTP/1.1.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
