//
// example/dbus_adapter.hpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Lets a connection of libdbus wait in any context, by watchers and timers.
//

#ifndef EXAMPLE_DBUS_ADAPTER_HPP
#define EXAMPLE_DBUS_ADAPTER_HPP

#include <chrono>
#include <memory>
#include <new>

#include <dbus/dbus.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>
#include <boost/throw_exception.hpp>

#include <mioext/steady_timer.hpp>
#include <mioext/watcher.hpp>

// libdbus has a DBusWatch for each direction of a socket and a DBusTimeout for each answer that it waits
// for, and keeps a pointer of ours with each: to a watcher, and to a timer. No exception goes through its
// frames; where one of these functions answers FALSE, there is no memory.
class dbus_adapter {
public:
  // From now on `connection` is called when it is to read, to write or to give up waiting, and messages
  // that have arrived are dispatched.
  dbus_adapter(boost::asio::any_io_executor const& executor, DBusConnection* connection)
      : executor_(executor), connection_(connection) {
    if (!::dbus_connection_set_watch_functions(connection, &add_watch, &remove_watch, &change_watch,
                                               this, nullptr) ||
        !::dbus_connection_set_timeout_functions(connection, &add_timeout, &remove_timeout,
                                                 &change_timeout, this, nullptr)) {
      detach();
      boost::throw_exception(std::bad_alloc());
    }
    ::dbus_connection_set_dispatch_status_function(connection, &dispatch_later, this, nullptr);
    dispatch_later(connection, ::dbus_connection_get_dispatch_status(connection), this);
  }

  // To be destroyed before the connection is closed.
  ~dbus_adapter() { detach(); }

  dbus_adapter(dbus_adapter const&) = delete;
  dbus_adapter& operator=(dbus_adapter const&) = delete;

private:
  struct alarm {
    explicit alarm(boost::asio::any_io_executor const& executor) : timer(executor) {}
    mioext::steady_timer timer;
    std::shared_ptr<void> turn; // a call that is on its way already is of a turn that is over
  };

  static mioext::interest wanted(DBusWatch* watch) {
    unsigned const flags = ::dbus_watch_get_enabled(watch) ? ::dbus_watch_get_flags(watch) : 0U;
    return (flags & DBUS_WATCH_READABLE ? mioext::interest::readable : mioext::interest::none) |
           (flags & DBUS_WATCH_WRITABLE ? mioext::interest::writable : mioext::interest::none);
  }

  // tag::watches[]
  static dbus_bool_t add_watch(DBusWatch* watch, void* self) noexcept {
    auto const ready = [watch](boost::system::error_code ec, mioext::interest now) {
      unsigned flags = 0;
      flags |= ec ? unsigned{DBUS_WATCH_ERROR} : 0U;
      flags |= contains(now, mioext::interest::readable) ? unsigned{DBUS_WATCH_READABLE} : 0U;
      flags |= contains(now, mioext::interest::writable) ? unsigned{DBUS_WATCH_WRITABLE} : 0U;
      ::dbus_watch_handle(watch, flags);
    };
    try {
      std::unique_ptr<mioext::watcher> made(new mioext::watcher(executor_of(self)));
      made->watch(::dbus_watch_get_unix_fd(watch), wanted(watch), ready);
      ::dbus_watch_set_data(watch, made.release(),
                            [](void* gone) { delete static_cast<mioext::watcher*>(gone); });
      return TRUE;
    } catch (...) {
      return FALSE;
    }
  }

  static void change_watch(DBusWatch* watch, void*) noexcept {
    static_cast<mioext::watcher*>(::dbus_watch_get_data(watch))->watch(wanted(watch));
  }

  static void remove_watch(DBusWatch* watch, void*) noexcept {
    ::dbus_watch_set_data(watch, nullptr, nullptr); // which deletes the watcher
  }
  // end::watches[]

  static dbus_bool_t add_timeout(DBusTimeout* timeout, void* self) noexcept {
    try {
      std::unique_ptr<alarm> made(new alarm(executor_of(self)));
      ::dbus_timeout_set_data(timeout, made.release(),
                              [](void* gone) { delete static_cast<alarm*>(gone); });
      set_alarm(timeout);
      return TRUE;
    } catch (...) {
      return FALSE;
    }
  }

  static void change_timeout(DBusTimeout* timeout, void*) noexcept { set_alarm(timeout); }

  static void remove_timeout(DBusTimeout* timeout, void*) noexcept {
    ::dbus_timeout_set_data(timeout, nullptr, nullptr); // which deletes the timer
  }

  // A DBusTimeout is over again and again until it is removed.
  static void set_alarm(DBusTimeout* timeout) {
    alarm& set = *static_cast<alarm*>(::dbus_timeout_get_data(timeout));
    set.turn = std::make_shared<char>();
    set.timer.cancel();
    if (::dbus_timeout_get_enabled(timeout)) {
      std::weak_ptr<void> const turn = set.turn;
      set.timer.expires_after(std::chrono::milliseconds(::dbus_timeout_get_interval(timeout)));
      set.timer.async_wait([timeout, turn](boost::system::error_code) {
        if (!turn.expired()) {
          set_alarm(timeout);
          ::dbus_timeout_handle(timeout);
        }
      });
    }
  }

  // Not from inside of libdbus, and for as long as there are messages.
  static void dispatch_later(DBusConnection* connection, DBusDispatchStatus status,
                             void* self) noexcept {
    if (status == DBUS_DISPATCH_DATA_REMAINS) {
      std::shared_ptr<DBusConnection> const kept(::dbus_connection_ref(connection),
                                                 &::dbus_connection_unref);
      boost::asio::post(executor_of(self), [kept] {
        while (::dbus_connection_dispatch(kept.get()) == DBUS_DISPATCH_DATA_REMAINS) {
        }
      });
    }
  }

  void detach() {
    ::dbus_connection_set_dispatch_status_function(connection_, nullptr, nullptr, nullptr);
    ::dbus_connection_set_timeout_functions(connection_, nullptr, nullptr, nullptr, nullptr,
                                            nullptr);
    ::dbus_connection_set_watch_functions(connection_, nullptr, nullptr, nullptr, nullptr, nullptr);
  }

  static boost::asio::any_io_executor const& executor_of(void* self) {
    return static_cast<dbus_adapter*>(self)->executor_;
  }

  boost::asio::any_io_executor executor_;
  DBusConnection* connection_;
};

#endif // EXAMPLE_DBUS_ADAPTER_HPP
