//
// example/hiredis_listen.cpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Subscribes to a channel of a Redis server, by hiredis in either kind of context: a pipeline of commands,
// messages, and a new connection whenever one is lost or the server says nothing any more.
//
//   hiredis_listen [options] CHANNEL [COMMAND...]
//     --server ADDRESS:PORT  by default 127.0.0.1:6379
//     --socket PATH          a Unix socket instead
//     --count NUMBER         of messages, after which it ends
//     --timeout SECONDS      how long the server may say nothing, by default 5
//     --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
//
// Sends the commands (words with spaces between) in one go and prints what is answered; then prints each
// message of the channel, until there were so many or a signal comes. Its status tells whether all commands
// were answered, and none with an error.
//

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/watcher.hpp>

#include "arguments.hpp"
#include "hiredis_adapter.hpp"

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

struct settings {
  std::string address = "127.0.0.1";
  int port = 6379;
  std::string path;        // of a Unix socket, if it is not empty
  unsigned long count = 0; // messages; 0 means without end
  std::chrono::seconds patience = std::chrono::seconds(5);
  bool has_selector_context = false;
  std::string channel;
  std::vector<std::string> commands;
};

void print(redisReply const& reply) {
  switch (reply.type) {
  case REDIS_REPLY_INTEGER:
    std::cout << reply.integer << std::endl;
    return;
  case REDIS_REPLY_NIL:
    std::cout << "(nil)" << std::endl;
    return;
  case REDIS_REPLY_ARRAY:
    std::for_each(reply.element, reply.element + reply.elements,
                  [](redisReply const* element) { print(*element); });
    return;
  default:
    std::cout.write(reply.str, static_cast<std::streamsize>(reply.len)) << std::endl;
  }
}

// What hiredis calls are its callbacks, which are noexcept: an exception must not go through its frames.
class channel_listener {
public:
  // `on_end` is called after the last message.
  channel_listener(asio::any_io_executor const& executor, settings how,
                   std::function<void()> on_end)
      : how_(std::move(how)), on_end_(std::move(on_end)), left_(how_.count), socket_(executor),
        timer_(executor) {}

  channel_listener(channel_listener const&) = delete;
  channel_listener& operator=(channel_listener const&) = delete;

  ~channel_listener() { end(); }

  void connect() {
    redis_ = how_.path.empty() ? ::redisAsyncConnect(how_.address.c_str(), how_.port)
                               : ::redisAsyncConnectUnix(how_.path.c_str());
    if (!redis_ || redis_->err != 0) {
      return give_up(redis_ ? redis_->errstr : "no memory");
    }
    redis_->data = this;
    watch_redis(socket_, redis_);
    ::redisAsyncSetConnectCallback(redis_, &channel_listener::on_connect);
    ::redisAsyncSetDisconnectCallback(redis_, &channel_listener::on_disconnect);
    expect_something();
  }

  void end() {
    ++turn_;
    timer_.cancel();
    drop();
  }

  bool has_failed() const { return has_failed_ || answered_ != how_.commands.size(); }

private:
  static channel_listener& self_of(redisAsyncContext const* redis) {
    return *static_cast<channel_listener*>(redis->data);
  }

  // NOLINTNEXTLINE(bugprone-exception-escape): the program ends then
  static void on_connect(redisAsyncContext const* redis, int status) noexcept {
    channel_listener& self = self_of(redis);
    if (status != REDIS_OK) {
      return self.lost(redis->errstr);
    }
    // hiredis collects all of it, and sends it when the socket is writable. What a lost
    // connection has not answered may have been done, and is not sent again.
    if (!self.has_sent_) {
      self.has_sent_ = true;
      for (std::string const& command : self.how_.commands) {
        self.send(command);
      }
    }
    self.subscribe();
  }

  void send(std::string const& command) {
    std::istringstream stream(command);
    std::vector<std::string> const words{std::istream_iterator<std::string>(stream), {}};
    std::vector<char const*> texts;
    std::vector<std::size_t> sizes;
    for (std::string const& word : words) {
      texts.push_back(word.data());
      sizes.push_back(word.size());
    }
    ::redisAsyncCommandArgv(redis_, &channel_listener::on_reply, nullptr,
                            static_cast<int>(words.size()), texts.data(), sizes.data());
  }

  // Answers come in the order of the commands; without a reply the connection is lost.
  static void on_reply(redisAsyncContext* redis, void* reply, void*) noexcept {
    channel_listener& self = self_of(redis);
    self.is_heard_ = true;
    if (reply) {
      ++self.answered_;
      self.has_failed_ |= static_cast<redisReply*>(reply)->type == REDIS_REPLY_ERROR;
      print(*static_cast<redisReply*>(reply));
    }
  }

  // To subscribe again changes nothing and is answered. So it serves for asking whether the server
  // is still there.
  void subscribe() {
    ::redisAsyncCommand(redis_, &channel_listener::on_message, nullptr, "SUBSCRIBE %b",
                        how_.channel.data(), how_.channel.size());
  }

  static void on_message(redisAsyncContext* redis, void* data, void*) noexcept {
    channel_listener& self = self_of(redis);
    auto const* const reply = static_cast<redisReply const*>(data);
    self.is_heard_ = true;
    if (!reply || reply->type != REDIS_REPLY_ARRAY || reply->elements != 3) {
      return;
    }
    if (std::strcmp(reply->element[0]->str, "message") == 0) {
      std::cout << "message: ";
      print(*reply->element[2]);
      if (self.left_ != 0 && --self.left_ == 0) {
        self.end();
        self.on_end_();
      }
    } else if (!self.is_subscribed_) {
      self.is_subscribed_ = true;
      self.pause_ = milliseconds(100);
      std::cout << "listening on " << self.how_.channel << std::endl;
    }
  }

  // Whether it is lost while it connects or later, and whoever has noticed it.
  void lost(std::string const& why) {
    std::cerr << "no connection: " << why << std::endl;
    redis_ = nullptr;
    is_subscribed_ = false;
    after(pause_, [this] { connect(); });
    pause_ = std::min(2 * pause_, milliseconds(5000));
  }

  // NOLINTNEXTLINE(bugprone-exception-escape): the program ends then
  static void on_disconnect(redisAsyncContext const* redis, int) noexcept {
    channel_listener& self = self_of(redis);
    if (self.redis_ == redis) { // and it is not this program that gives it up
      self.lost(redis->errstr);
    }
  }

  void give_up(std::string const& why) {
    drop();
    lost(why);
  }

  void drop() {
    redisAsyncContext* const dropped = redis_;
    redis_ = nullptr;
    if (dropped) {
      ::redisAsyncFree(dropped);
    }
  }

  // A server that is stopped, or whose network is gone, is silent.
  void expect_something() {
    is_heard_ = false;
    after(how_.patience, [this] {
      if (!is_heard_) {
        return give_up("the server says nothing");
      }
      subscribe();
      expect_something();
    });
  }

  // Calls the function instead of the one before. (That may be about to be called already.)
  template <class Function> void after(milliseconds pause, Function function) {
    std::size_t const turn = ++turn_;
    timer_.expires_after(pause);
    timer_.async_wait([this, turn, function](error_code const& ec) {
      if (!ec && turn == turn_) {
        function();
      }
    });
  }

  settings const how_;
  std::function<void()> on_end_;
  std::size_t answered_ = 0;
  unsigned long left_;
  bool has_failed_ = false;
  bool has_sent_ = false;
  bool is_subscribed_ = false;
  bool is_heard_ = false;
  std::size_t turn_ = 0;
  milliseconds pause_ = milliseconds(100);
  mioext::watcher socket_;
  mioext::steady_timer timer_;
  redisAsyncContext* redis_ = nullptr;
};

// tag::run[]
template <class Context> int listen(Context& context, settings const& how) {
  asio::signal_set signals(context, SIGINT, SIGTERM);
  channel_listener listener(context.get_executor(), how, [&] { signals.cancel(); });
  signals.async_wait([&](error_code const& ec, int) {
    if (!ec) {
      listener.end();
    }
  });
  listener.connect();
  context.run();
  return listener.has_failed() ? EXIT_FAILURE : EXIT_SUCCESS;
}
// end::run[]

settings parse_arguments(std::vector<std::string> const& given) {
  settings result;
  result.commands =
      parse_options(given, {}, [&](std::string const& name, std::string const& value) {
        if (name == "--server") {
          parse_server(value, result.address, result.port);
        } else if (name == "--socket") {
          result.path = value;
        } else if (name == "--count") {
          result.count = parse_number(value, 1, 999999999);
        } else if (name == "--timeout") {
          result.patience = std::chrono::seconds(parse_number(value, 1, 86400));
        } else if (name == "--context") {
          result.has_selector_context = parse_is_selector_context(value);
        } else {
          return false;
        }
        return true;
      });
  if (result.commands.empty()) {
    throw usage_error("no channel");
  }
  result.channel = result.commands.front();
  result.commands.erase(result.commands.begin());
  return result;
}

int run(std::vector<std::string> const& given) {
  settings const how = parse_arguments(given);
  std::signal(SIGPIPE, SIG_IGN); // hiredis writes to a connection that the server has closed
  if (how.has_selector_context) {
    mioext::selector_context context;
    return listen(context, how);
  }
  asio::io_context context(1);
  return listen(context, how);
}

char const* const usage = R"(hiredis_listen [options] CHANNEL [COMMAND...]
  --server ADDRESS:PORT  by default 127.0.0.1:6379
  --socket PATH          a Unix socket instead
  --count NUMBER         of messages, after which it ends
  --timeout SECONDS      how long the server may say nothing, by default 5
  --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
Sends the commands and prints what is answered, then prints each message of the channel.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
