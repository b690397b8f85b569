//
// example/postgres_listen.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Listens to a channel of a PostgreSQL server, by libpq in either kind of context: connecting, queries and
// notifications, with nothing that blocks. (But for looking up a host's name, which libpq does as it
// does; name an address by `hostaddr`.)
//
//   postgres_listen [options] CHANNEL [QUERY...]
//     --connection STRING    libpq's, by default what the environment says
//     --count NUMBER         of notifications, after which it ends
//     --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
//
// Begins to listen, sends the queries one after the other and prints their rows; then prints each
// notification, until there were so many or a signal comes.
//

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <libpq-fe.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/system_error.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>

#include "arguments.hpp"

namespace asio = boost::asio;
using boost::system::error_code;

template <class Object, void (*Function)(Object*)> struct freed_by {
  void operator()(Object* object) const { Function(object); }
};

// What goes wrong is thrown, and leaves the context's run.
class channel_listener {
public:
  channel_listener(asio::any_io_executor executor, std::string channel,
                   std::vector<std::string> queries)
      : executor_(std::move(executor)), deadline_(executor_), channel_(std::move(channel)),
        queries_(std::move(queries)) {}

  // `on_end` is called after `count` notifications, unless it is 0.
  void start(std::string const& connection, unsigned long count, std::function<void()> on_end) {
    left_ = count;
    on_end_ = std::move(on_end);
    connection_.reset(::PQconnectStart(connection.c_str()));
    if (!connection_) {
      throw std::bad_alloc();
    }
    require(::PQstatus(connection_.get()) != CONNECTION_BAD, "connecting");
    deadline_.expires_after(std::chrono::seconds(30));
    deadline_.async_wait([](error_code const& ec) {
      if (!ec) {
        throw std::runtime_error("connecting: no connection after 30 seconds");
      }
    });
    // As libpq's manual says: at the beginning, as if PQconnectPoll had said this.
    wait(mioext::interest::writable, &channel_listener::connect);
  }

private:
  // tag::wait[]
  // Calls `next` when libpq's socket is ready. Which one that is, is asked each time: while it
  // tries one address after another, libpq closes a socket and opens the next, maybe with the
  // same number.
  void wait(mioext::interest wanted, void (channel_listener::*next)()) {
    mioext::async_wait(executor_, ::PQsocket(connection_.get()), wanted,
                       [this, next](error_code const& ec) {
                         if (ec) {
                           throw boost::system::system_error(ec, "waiting for the server");
                         }
                         (this->*next)();
                       });
  }
  // end::wait[]

  // tag::connect[]
  void connect() {
    switch (::PQconnectPoll(connection_.get())) {
    case PGRES_POLLING_READING:
      return wait(mioext::interest::readable, &channel_listener::connect);
    case PGRES_POLLING_WRITING:
      return wait(mioext::interest::writable, &channel_listener::connect);
    case PGRES_POLLING_OK:
      return listen();
    default:
      throw_error("connecting");
    }
  }
  // end::connect[]

  void listen() {
    deadline_.cancel();
    require(::PQsetnonblocking(connection_.get(), 1) == 0, "connecting");
    std::unique_ptr<char, freed_by<void, &::PQfreemem>> const quoted(
        ::PQescapeIdentifier(connection_.get(), channel_.data(), channel_.size()));
    require(quoted != nullptr, "the channel's name");
    send(std::string("LISTEN ") + quoted.get());
  }

  // tag::query[]
  void send(std::string const& query) {
    require(::PQsendQuery(connection_.get(), query.c_str()) == 1, "sending a query");
    flush();
  }

  // A long query goes out in parts. Meanwhile the server may have something to say, and wait for
  // us to read it: so both directions, and PQconsumeInput before the next part.
  void flush() {
    int const is_left = ::PQflush(connection_.get());
    require(is_left >= 0, "sending a query");
    if (is_left == 1) {
      wait(mioext::interest::readable | mioext::interest::writable,
           &channel_listener::consume_and_flush);
    } else {
      receive();
    }
  }

  void consume_and_flush() {
    consume();
    flush();
  }

  void receive() {
    while (!::PQisBusy(connection_.get())) {
      result const next(::PQgetResult(connection_.get()));
      if (!next) {
        return answered();
      }
      show(next.get());
    }
    wait(mioext::interest::readable, &channel_listener::consume_and_receive);
  }

  void consume_and_receive() {
    consume();
    receive();
  }

  void consume() { require(::PQconsumeInput(connection_.get()) == 1, "the connection is lost"); }
  // end::query[]

  void answered() {
    if (next_query_ == 0) {
      std::cout << "listening on " << channel_ << std::endl;
    }
    if (next_query_ != queries_.size()) {
      send(queries_[next_query_++]);
    } else {
      take_notifications();
    }
  }

  // tag::notifications[]
  // Notifications come with answers to queries, too: what there is, is taken before waiting.
  void take_notifications() {
    while (notification const next{::PQnotifies(connection_.get())}) {
      std::cout << "notification from " << next->be_pid << ": " << next->extra << std::endl;
      if (left_ != 0 && --left_ == 0) {
        connection_.reset();
        return on_end_();
      }
    }
    wait(mioext::interest::readable, &channel_listener::consume_and_take);
  }

  void consume_and_take() {
    consume();
    take_notifications();
  }
  // end::notifications[]

  using result = std::unique_ptr<PGresult, freed_by<PGresult, &::PQclear>>;
  using notification = std::unique_ptr<PGnotify, freed_by<void, &::PQfreemem>>;

  void show(PGresult* answer) {
    switch (::PQresultStatus(answer)) {
    case PGRES_TUPLES_OK:
      for (int row = 0; row != ::PQntuples(answer); ++row) {
        for (int field = 0; field != ::PQnfields(answer); ++field) {
          std::cout << (field == 0 ? "" : "\t")
                    << (::PQgetisnull(answer, row, field) ? "\\N"
                                                          : ::PQgetvalue(answer, row, field));
        }
        std::cout << '\n';
      }
      std::cout << std::flush;
      return;
    case PGRES_COMMAND_OK:
    case PGRES_EMPTY_QUERY:
      return;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      throw std::runtime_error("COPY is more than this program can do");
    default:
      throw std::runtime_error(::PQresultErrorMessage(answer));
    }
  }

  void require(bool holds, char const* what) const {
    if (!holds) {
      throw_error(what);
    }
  }

  [[noreturn]] void throw_error(char const* what) const {
    throw std::runtime_error(std::string(what) + ": " + ::PQerrorMessage(connection_.get()));
  }

  asio::any_io_executor const executor_;
  mioext::steady_timer deadline_;
  std::unique_ptr<PGconn, freed_by<PGconn, &::PQfinish>> connection_;
  std::string channel_;
  std::vector<std::string> queries_;
  std::size_t next_query_ = 0;
  unsigned long left_ = 0; // notifications; 0 means without end
  std::function<void()> on_end_;
};

struct settings {
  std::string connection;
  unsigned long count = 0;
  bool has_selector_context = false;
  std::string channel;
  std::vector<std::string> queries;
};

template <class Context> int listen(Context& context, settings const& how) {
  channel_listener listener(context.get_executor(), how.channel, how.queries);
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&](error_code const& ec, int) {
    if (!ec) {
      context.stop();
    }
  });
  listener.start(how.connection, how.count, [&] { signals.cancel(); });
  context.run();
  return EXIT_SUCCESS;
}

int run(std::vector<std::string> const& given) {
  settings how;
  how.queries = parse_options(given, {}, [&](std::string const& name, std::string const& value) {
    if (name == "--connection") {
      how.connection = value;
    } else if (name == "--count") {
      how.count = parse_number(value, 1, 999999999);
    } else if (name == "--context") {
      how.has_selector_context = parse_is_selector_context(value);
    } else {
      return false;
    }
    return true;
  });
  if (how.queries.empty()) {
    throw usage_error("no channel");
  }
  how.channel = how.queries.front();
  how.queries.erase(how.queries.begin());

  if (how.has_selector_context) {
    mioext::selector_context context;
    return listen(context, how);
  }
  asio::io_context context(1);
  return listen(context, how);
}

char const* const usage = R"(postgres_listen [options] CHANNEL [QUERY...]
  --connection STRING    libpq's, by default what the environment says
  --count NUMBER         of notifications, after which it ends
  --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
Listens to the channel, sends the queries and prints their rows, then prints each notification.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
