//
// example/dbus_listen.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Listens to an interface's signals on a D-Bus and sends such signals, by libdbus in either kind of
// context: method calls with a limit of time, signals, and a new connection whenever one is lost or the bus
// says nothing any more.
//
//   dbus_listen [options] INTERFACE [MESSAGE...]
//     --address ADDRESS      of the bus, by default the session's
//     --count NUMBER         of signals, after which it ends
//     --timeout SECONDS      how long the bus may say nothing, by default 5
//     --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
//
// Sends each message as a signal `Message` once it listens, and prints such signals, its own ones too, until
// there were so many or a signal of the system's comes.
//

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <dbus/dbus.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>

#include "arguments.hpp"
#include "dbus_adapter.hpp"

namespace asio = boost::asio;
using boost::system::error_code;
using std::chrono::milliseconds;

struct settings {
  std::string address;
  unsigned long count = 0; // signals; 0 means without end
  std::chrono::seconds patience = std::chrono::seconds(5);
  bool has_selector_context = false;
  std::string interface;
  std::vector<std::string> messages;
};

struct unref_message {
  void operator()(DBusMessage* message) const { ::dbus_message_unref(message); }
};
using message_pointer = std::unique_ptr<DBusMessage, unref_message>;

// libdbus answers 0 if there is no memory. Then the program ends: from a callback nothing may be thrown.
template <class Result> Result checked(Result result) noexcept {
  if (!result) {
    std::terminate();
  }
  return result;
}

// The only argument, if it is a text.
inline char const* text_of(DBusMessage* message) {
  char const* text = nullptr;
  return ::dbus_message_get_args(message, nullptr, DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID)
             ? text
             : "";
}

// What libdbus calls are its callbacks, which are noexcept: an exception must not go through its frames.
class signal_listener {
public:
  // `on_end` is called after the last signal.
  signal_listener(asio::any_io_executor const& executor, settings how, std::function<void()> on_end)
      : executor_(executor), how_(std::move(how)), on_end_(std::move(on_end)), left_(how_.count),
        timer_(executor) {}

  signal_listener(signal_listener const&) = delete;
  signal_listener& operator=(signal_listener const&) = delete;

  ~signal_listener() { close(); }

  void connect() {
    DBusError error = DBUS_ERROR_INIT;
    connection_ = ::dbus_connection_open_private(how_.address.c_str(), &error);
    if (!connection_) {
      std::string const why = error.message;
      ::dbus_error_free(&error);
      return lost(why);
    }
    adapter_.reset(new dbus_adapter(executor_, connection_));
    checked(::dbus_connection_add_filter(connection_, &signal_listener::on_message, this, nullptr));
    // As dbus_bus_register does, which would wait for the answer.
    call(DBUS_INTERFACE_DBUS, "Hello", nullptr, &signal_listener::on_hello);
  }

  // From now on nothing is printed, and soon nothing is left.
  void end() {
    if (!is_over_) {
      is_over_ = true;
      timer_.cancel();
      asio::post(executor_, [this] { // not from inside of libdbus
        close();
        on_end_();
      });
    }
  }

private:
  static signal_listener& self_of(void* self) { return *static_cast<signal_listener*>(self); }

  // Calls a method of the bus, with a text or nothing for arguments. The answer is an error if there is none
  // in time.
  void call(char const* interface, char const* method, char const* argument,
            DBusPendingCallNotifyFunction on_answer) {
    message_pointer const question(checked(
        ::dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, interface, method)));
    if (argument) {
      checked(::dbus_message_append_args(question.get(), DBUS_TYPE_STRING, &argument,
                                         DBUS_TYPE_INVALID));
    }
    DBusPendingCall* pending = nullptr;
    checked(
        ::dbus_connection_send_with_reply(connection_, question.get(), &pending,
                                          static_cast<int>(milliseconds(how_.patience).count())));
    if (pending) { // or the connection is lost already
      checked(::dbus_pending_call_set_notify(pending, on_answer, this, nullptr));
      ::dbus_pending_call_unref(pending);
    }
  }

  // Returns the answer, or nothing after it has given up the connection because of it.
  message_pointer answer_of(DBusPendingCall* pending) {
    message_pointer answer(::dbus_pending_call_steal_reply(pending));
    if (is_over_ || is_lost_) {
      return nullptr;
    }
    if (::dbus_message_get_type(answer.get()) == DBUS_MESSAGE_TYPE_ERROR) {
      lost(text_of(answer.get()));
      return nullptr;
    }
    return answer;
  }

  // NOLINTNEXTLINE(bugprone-exception-escape): the program ends then
  static void on_hello(DBusPendingCall* pending, void* data) noexcept {
    signal_listener& self = self_of(data);
    if (message_pointer const answer = self.answer_of(pending)) {
      checked(::dbus_bus_set_unique_name(self.connection_, text_of(answer.get())));
      std::string const rule = "type='signal',interface='" + self.how_.interface + "'";
      self.call(DBUS_INTERFACE_DBUS, "AddMatch", rule.c_str(), &signal_listener::on_match);
    }
  }

  // NOLINTNEXTLINE(bugprone-exception-escape): the program ends then
  static void on_match(DBusPendingCall* pending, void* data) noexcept {
    signal_listener& self = self_of(data);
    if (self.answer_of(pending)) {
      std::cout << "listening on " << self.how_.interface << std::endl;
      self.pause_ = milliseconds(100);
      for (std::string const& message : self.how_.messages) {
        self.send(message.c_str());
      }
      self.how_.messages.clear();
      self.ask_later();
    }
  }

  void send(char const* text) {
    message_pointer const sent(
        checked(::dbus_message_new_signal("/example", how_.interface.c_str(), "Message")));
    checked(::dbus_message_append_args(sent.get(), DBUS_TYPE_STRING, &text, DBUS_TYPE_INVALID));
    checked(::dbus_connection_send(connection_, sent.get(), nullptr));
  }

  // A bus that is stopped is silent.
  void ask_later() {
    after(how_.patience,
          [this] { call(DBUS_INTERFACE_PEER, "Ping", nullptr, &signal_listener::on_pong); });
  }

  // NOLINTNEXTLINE(bugprone-exception-escape): the program ends then
  static void on_pong(DBusPendingCall* pending, void* data) noexcept {
    if (self_of(data).answer_of(pending)) {
      self_of(data).ask_later();
    }
  }

  static DBusHandlerResult
  // NOLINTNEXTLINE(bugprone-exception-escape): the program ends then
  on_message(DBusConnection* connection, DBusMessage* message, void* data) noexcept {
    signal_listener& self = self_of(data);
    if (self.is_over_ || self.is_lost_ || connection != self.connection_) {
      return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
    }
    if (::dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected")) {
      self.lost("the bus has closed it");
    } else if (::dbus_message_is_signal(message, self.how_.interface.c_str(), "Message")) {
      std::cout << "message: " << text_of(message) << std::endl;
      if (self.left_ != 0 && --self.left_ == 0) {
        self.end();
      }
      return DBUS_HANDLER_RESULT_HANDLED;
    }
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
  }

  void lost(std::string const& why) {
    std::cerr << "no connection: " << why << std::endl;
    is_lost_ = true;
    after(pause_, [this] {
      close();
      is_lost_ = false;
      connect();
    });
    pause_ = std::min(2 * pause_, milliseconds(5000));
  }

  void close() {
    adapter_.reset();
    if (connection_) {
      ::dbus_connection_close(connection_);
      ::dbus_connection_unref(connection_);
      connection_ = nullptr;
    }
  }

  // Calls the function instead of the one before. (That may be about to be called already.)
  template <class Function> void after(milliseconds pause, Function function) {
    unsigned const turn = ++turn_;
    timer_.expires_after(pause);
    timer_.async_wait([this, turn, function](error_code const& ec) {
      if (!ec && turn == turn_ && !is_over_) {
        function();
      }
    });
  }

  asio::any_io_executor executor_;
  settings how_;
  std::function<void()> on_end_;
  unsigned long left_;
  unsigned turn_ = 0;
  bool is_over_ = false;
  bool is_lost_ = false;
  milliseconds pause_ = milliseconds(100);
  mioext::steady_timer timer_;
  DBusConnection* connection_ = nullptr;
  std::unique_ptr<dbus_adapter> adapter_;
};

template <class Context> void listen(Context& context, settings const& how) {
  asio::signal_set signals(context, SIGINT, SIGTERM);
  signal_listener listener(context.get_executor(), how, [&] { signals.cancel(); });
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
  char const* const session = std::getenv("DBUS_SESSION_BUS_ADDRESS");
  result.address = session ? session : "";
  result.messages =
      parse_options(given, {}, [&](std::string const& name, std::string const& value) {
        if (name == "--address") {
          result.address = value;
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
  if (result.messages.empty()) {
    throw usage_error("no interface");
  }
  result.interface = result.messages.front();
  result.messages.erase(result.messages.begin());
  if (!::dbus_validate_interface(result.interface.c_str(), nullptr)) {
    throw usage_error("no name of an interface: " + result.interface);
  }
  for (std::string const& message : result.messages) {
    if (!::dbus_validate_utf8(message.c_str(), nullptr)) {
      throw usage_error("not in UTF-8: " + message);
    }
  }
  if (result.address.empty()) {
    throw usage_error("no address, and no session");
  }
  return result;
}

int run(std::vector<std::string> const& given) {
  settings const how = parse_arguments(given);
  if (how.has_selector_context) {
    mioext::selector_context context;
    listen(context, how);
  } else {
    asio::io_context context(1);
    listen(context, how);
  }
  return EXIT_SUCCESS;
}

char const* const usage = R"(dbus_listen [options] INTERFACE [MESSAGE...]
  --address ADDRESS      of the bus, by default the session's
  --count NUMBER         of signals, after which it ends
  --timeout SECONDS      how long the bus may say nothing, by default 5
  --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
Sends each message as a signal of the interface, and prints such signals.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
