//
// example/mosquitto_listen.cpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Subscribes to a topic of an MQTT broker and publishes to it, by libmosquitto in either kind of context;
// with a new connection whenever one is lost or the broker says nothing any more.
//
//   mosquitto_listen [options] TOPIC [MESSAGE...]
//     --server ADDRESS:PORT  by default 127.0.0.1:1883
//     --count NUMBER         of messages, after which it ends
//     --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
//
// Publishes the messages once it has subscribed, and prints each message of the topic, its own ones too,
// until there were so many or a signal comes.
//

#include <algorithm>
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

#include <mosquitto.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>

#include "arguments.hpp"
#include "mosquitto_adapter.hpp"

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

struct settings {
  std::string address = "127.0.0.1";
  int port = 1883;
  unsigned long count = 0; // messages; 0 means without end
  bool has_selector_context = false;
  std::string topic;
  std::vector<std::string> messages;
};

// What libmosquitto calls are its callbacks, which are noexcept: an exception must not go through its
// frames.
class topic_listener {
public:
  // `on_end` is called after the last message.
  topic_listener(asio::any_io_executor const& executor, settings how, std::function<void()> on_end)
      : how_(std::move(how)), on_end_(std::move(on_end)), left_(how_.count),
        client_(::mosquitto_new(nullptr, true, this)), adapter_(executor, client_.get()),
        retry_(executor) {
    if (!client_) {
      throw std::bad_alloc();
    }
    ::mosquitto_connect_callback_set(client_.get(), &topic_listener::on_connect);
    ::mosquitto_disconnect_callback_set(client_.get(), &topic_listener::on_disconnect);
    ::mosquitto_subscribe_callback_set(client_.get(), &topic_listener::on_subscribe);
    ::mosquitto_message_callback_set(client_.get(), &topic_listener::on_message);
  }

  void connect() {
    int const seconds_of_silence = 5; // the least that it takes
    int const error = ::mosquitto_connect_async(client_.get(), how_.address.c_str(), how_.port,
                                                seconds_of_silence);
    adapter_.update();
    if (error != MOSQ_ERR_SUCCESS) {
      lost(error);
    }
  }

  // Says farewell to the broker, if there is one.
  void end() {
    is_over_ = true;
    if (::mosquitto_disconnect(client_.get()) == MOSQ_ERR_NO_CONN) {
      ended();
    }
    adapter_.update();
  }

private:
  static topic_listener& self_of(void* self) { return *static_cast<topic_listener*>(self); }

  // NOLINTNEXTLINE(bugprone-exception-escape): the program ends then
  static void on_connect(::mosquitto* client, void* self, int refused) noexcept {
    if (refused == 0) { // or it is disconnected next
      ::mosquitto_subscribe(client, nullptr, self_of(self).how_.topic.c_str(), 1);
    }
  }

  // What the broker has not acknowledged when a connection is lost, libmosquitto sends again.
  // NOLINTNEXTLINE(bugprone-exception-escape): the program ends then
  static void on_subscribe(::mosquitto* client, void* data, int, int, int const*) noexcept {
    topic_listener& self = self_of(data);
    std::cout << "listening on " << self.how_.topic << std::endl;
    self.pause_ = milliseconds(100);
    for (std::string const& message : self.how_.messages) {
      ::mosquitto_publish(client, nullptr, self.how_.topic.c_str(),
                          static_cast<int>(message.size()), message.data(), 1, false);
    }
    self.how_.messages.clear();
  }

  // NOLINTNEXTLINE(bugprone-exception-escape): the program ends then
  static void on_message(::mosquitto*, void* data, ::mosquitto_message const* message) noexcept {
    topic_listener& self = self_of(data);
    if (self.is_over_) {
      return;
    }
    std::cout << message->topic << ": ";
    std::cout.write(static_cast<char const*>(message->payload), message->payloadlen) << std::endl;
    if (self.left_ != 0 && --self.left_ == 0) {
      self.end();
    }
  }

  // NOLINTNEXTLINE(bugprone-exception-escape): the program ends then
  static void on_disconnect(::mosquitto*, void* data, int error) noexcept {
    topic_listener& self = self_of(data);
    if (self.is_over_) {
      self.ended();
    } else {
      self.lost(error);
    }
  }

  // Not from here: a new socket with the old one's number would be taken for the old one.
  void lost(int error) {
    std::cerr << "no connection: " << ::mosquitto_strerror(error) << std::endl;
    retry_.expires_after(pause_);
    retry_.async_wait([this](error_code const& ec) {
      if (!ec && !is_over_) {
        connect();
      }
    });
    pause_ = std::min(2 * pause_, milliseconds(5000));
  }

  void ended() {
    retry_.cancel();
    adapter_.stop();
    on_end_();
  }

  struct destroy {
    void operator()(::mosquitto* client) const { ::mosquitto_destroy(client); }
  };

  settings how_;
  std::function<void()> on_end_;
  unsigned long left_;
  bool is_over_ = false;
  milliseconds pause_ = milliseconds(100);
  std::unique_ptr<::mosquitto, destroy> client_;
  mosquitto_adapter adapter_; // stops before the socket is closed
  mioext::steady_timer retry_;
};

// libmosquitto's own state, for as long as the program uses it.
struct mosquitto_library {
  mosquitto_library() { ::mosquitto_lib_init(); }
  ~mosquitto_library() { ::mosquitto_lib_cleanup(); }
  mosquitto_library(mosquitto_library const&) = delete;
  mosquitto_library& operator=(mosquitto_library const&) = delete;
};

template <class Context> void listen(Context& context, settings const& how) {
  asio::signal_set signals(context, SIGINT, SIGTERM);
  topic_listener listener(context.get_executor(), how, [&] { signals.cancel(); });
  signals.async_wait([&](error_code const& ec, int) {
    if (!ec) {
      listener.end();
    }
  });
  listener.connect();
  context.run();
}

settings parse_arguments(std::vector<std::string> const& given) {
  settings result;
  result.messages =
      parse_options(given, {}, [&](std::string const& name, std::string const& value) {
        if (name == "--server") {
          parse_server(value, result.address, result.port);
        } else if (name == "--count") {
          result.count = parse_number(value, 1, 999999999);
        } else if (name == "--context") {
          result.has_selector_context = parse_is_selector_context(value);
        } else {
          return false;
        }
        return true;
      });
  if (result.messages.empty()) {
    throw usage_error("no topic");
  }
  result.topic = result.messages.front();
  result.messages.erase(result.messages.begin());
  return result;
}

int run(std::vector<std::string> const& given) {
  settings const how = parse_arguments(given);
  std::signal(SIGPIPE, SIG_IGN); // libmosquitto writes to a connection that the broker has closed
  mosquitto_library library;
  if (how.has_selector_context) {
    mioext::selector_context context;
    listen(context, how);
  } else {
    asio::io_context context(1);
    listen(context, how);
  }
  return EXIT_SUCCESS;
}

char const* const usage = R"(mosquitto_listen [options] TOPIC [MESSAGE...]
  --server ADDRESS:PORT  by default 127.0.0.1:1883
  --count NUMBER         of messages, after which it ends
  --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
Publishes the messages to the topic, and prints each message of the topic.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
