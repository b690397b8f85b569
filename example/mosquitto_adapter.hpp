//
// example/mosquitto_adapter.hpp
// -----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Lets a client of libmosquitto wait in any context, by a watcher and a timer.
//

#ifndef EXAMPLE_MOSQUITTO_ADAPTER_HPP
#define EXAMPLE_MOSQUITTO_ADAPTER_HPP

#include <chrono>

#include <mosquitto.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/steady_timer.hpp>
#include <mioext/watcher.hpp>

// tag::adapter[]
// libmosquitto does not say what it waits for, and closes its socket without a word; it is asked after
// each call. A number that it has closed may be anybody's by then. To stop watching it leaves the next
// owner alone.
class mosquitto_adapter {
public:
  mosquitto_adapter(boost::asio::any_io_executor const& executor, ::mosquitto* client)
      : client_(client), socket_(executor), second_(executor) {
    pass_second();
  }

  // To be called after any function of libmosquitto that is called from elsewhere, and not by its callbacks.
  void update() {
    int const socket = ::mosquitto_socket(client_);
    mioext::interest const wanted =
        mioext::interest::readable |
        (::mosquitto_want_write(client_) ? mioext::interest::writable : mioext::interest::none);
    if (socket == -1) {
      socket_.stop();
    } else if (socket_.is_watching()) {
      socket_.watch(wanted);
    } else {
      socket_.watch(socket, wanted, [this](boost::system::error_code, mioext::interest ready) {
        // Not both: it may have closed its socket after the first.
        bool const writes = contains(ready, mioext::interest::writable);
        writes ? ::mosquitto_loop_write(client_, 1) : ::mosquitto_loop_read(client_, 1);
        update();
      });
    }
  }

  // Waits for nothing any more.
  void stop() {
    second_.cancel();
    socket_.stop();
  }

private:
  // What has to be done in time, such as to ask a server that says nothing whether it is still there.
  void pass_second() {
    second_.expires_after(std::chrono::seconds(1));
    second_.async_wait([this](boost::system::error_code ec) {
      if (!ec) {
        pass_second();
        ::mosquitto_loop_misc(client_);
        update();
      }
    });
  }

  ::mosquitto* client_;
  mioext::watcher socket_;
  mioext::steady_timer second_;
};
// end::adapter[]

#endif // EXAMPLE_MOSQUITTO_ADAPTER_HPP
