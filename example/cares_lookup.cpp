//
// example/cares_lookup.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Looks up the addresses of many names at a time, by c-ares in either kind of context, and prints a line
// `NAME ADDRESS` for each of them. c-ares makes, keeps and closes its descriptors and says what it waits
// for; a watcher_set watches them.
//
//   cares_lookup [--server ADDRESS[:PORT]] [--tcp] [--context io|selector] NAME...
//
// By default it asks the servers that the system asks. --tcp: over TCP, all of them.
//

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <ares.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>

#include <mioext/interest.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/watcher_set.hpp>

#include "arguments.hpp"
#include "watch_library.hpp"

namespace asio = boost::asio;
using boost::system::error_code;
using mioext::interest;

inline void check(int status, std::string const& what) {
  if (status != ARES_SUCCESS) {
    throw std::runtime_error(what + ": " + ::ares_strerror(status));
  }
}

class resolver {
public:
  // `on_end` is called when all names have been looked up.
  // tag::sockets[]
  resolver(asio::any_io_executor const& executor, std::string const& servers, bool only_tcp,
           std::function<void()> on_end)
      : on_end_(std::move(on_end)),
        sockets_(executor, [this](error_code const& ec, int socket,
                                  interest of) { be_ready(ec, socket, of); }),
        timer_(executor) {
    // end::sockets[]
    ::ares_options options = ::ares_options();
    options.flags = only_tcp ? ARES_FLAG_USEVC : 0;
    options.timeout = 1000; // milliseconds, and more at each further try
    options.tries = 3;
    options.sock_state_cb = &resolver::on_socket;
    options.sock_state_cb_data = this;
    ::ares_channel made = nullptr;
    check(::ares_init_options(&made, &options,
                              ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                  ARES_OPT_SOCK_STATE_CB),
          "ares_init_options");
    channel_.reset(made);
    if (!servers.empty()) {
      check(::ares_set_servers_ports_csv(made, servers.c_str()), "--server " + servers);
    }
  }

  resolver(resolver const&) = delete;
  resolver& operator=(resolver const&) = delete;

  void look_up(std::vector<std::string> const& names) {
    pending_ = names.size();
    for (std::string const& name : names) {
      ::ares_addrinfo_hints hints = ::ares_addrinfo_hints();
      hints.ai_family = AF_UNSPEC;
      hints.ai_flags = ARES_AI_NOSORT;
      std::unique_ptr<lookup> asked(new lookup{*this, name});
      ::ares_getaddrinfo(channel_.get(), name.c_str(), nullptr, &hints, &resolver::on_answer,
                         asked.release());
    }
    after_call();
  }

  // c-ares waits for nothing any more.
  void end() {
    has_ended_ = true;
    sockets_.stop();
    timer_.cancel();
  }

  std::size_t failed() const { return failed_; }

private:
  struct lookup {
    resolver& by;
    std::string name;
  };

  struct destroy {
    void operator()(::ares_channel channel) const { ::ares_destroy(channel); }
  };

  // tag::callbacks[]
  // c-ares waits for something else from now on; for nothing more, before it closes the
  // descriptor.
  static void on_socket(void* data, ares_socket_t socket, int readable, int writable) {
    resolver& self = *static_cast<resolver*>(data);
    self.thrown_.keep_from(
        [&] { self.sockets_.watch(socket, wanted(readable != 0, writable != 0)); });
  }

  void be_ready(error_code const& ec, int socket, interest ready) {
    if (ec) { // c-ares tells before it closes: there is no memory
      throw boost::system::system_error(ec, "watcher_set");
    }
    process(contains(ready, interest::readable) ? socket : ARES_SOCKET_BAD,
            contains(ready, interest::writable) ? socket : ARES_SOCKET_BAD);
  }

  void process(ares_socket_t readable, ares_socket_t writable) {
    if (!has_ended_) {
      ::ares_process_fd(channel_.get(), readable, writable);
      after_call();
    }
  }

  // When c-ares wants to be called next may be another time after each call.
  void after_call() {
    thrown_.rethrow();
    ::timeval left = ::timeval();
    if (!has_ended_ && ::ares_timeout(channel_.get(), nullptr, &left)) {
      timer_.expires_after(std::chrono::seconds(left.tv_sec) +
                           std::chrono::microseconds(left.tv_usec));
      timer_.async_wait([this](error_code const& ec) {
        if (!ec) {
          process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
        }
      });
    }
  }
  // end::callbacks[]

  // Called by any of c-ares's functions, the one that asked and ares_destroy among them.
  static void on_answer(void* data, int status, int, ::ares_addrinfo* found) {
    struct free_addresses {
      void operator()(::ares_addrinfo* addresses) const { ::ares_freeaddrinfo(addresses); }
    };
    std::unique_ptr<::ares_addrinfo, free_addresses> const addresses(found);
    std::unique_ptr<lookup> const asked(static_cast<lookup*>(data));
    if (status == ARES_EDESTRUCTION) {
      return;
    }
    resolver& self = asked->by;
    self.thrown_.keep_from([&] { self.show(asked->name, status, addresses.get()); });
    if (--self.pending_ == 0) {
      self.end();
      self.on_end_();
    }
  }

  void show(std::string const& name, int status, ::ares_addrinfo const* addresses) {
    if (status != ARES_SUCCESS) {
      ++failed_;
      std::cerr << name << ": " << ::ares_strerror(status) << std::endl;
      return;
    }
    for (::ares_addrinfo_node const* node = addresses->nodes; node; node = node->ai_next) {
      char text[INET6_ADDRSTRLEN] = "";
      void const* const address =
          node->ai_family == AF_INET
              ? static_cast<void const*>(
                    &reinterpret_cast<::sockaddr_in const*>(node->ai_addr)->sin_addr)
              : &reinterpret_cast<::sockaddr_in6 const*>(node->ai_addr)->sin6_addr;
      ::inet_ntop(node->ai_family, address, text, sizeof text);
      std::cout << name << ' ' << text << std::endl;
    }
  }

  std::function<void()> on_end_;
  mioext::watcher_set sockets_; // outlives c-ares, which takes its descriptors back when it ends
  mioext::steady_timer timer_;
  exception_keeper thrown_;
  bool has_ended_ = false;
  std::size_t pending_ = 0;
  std::size_t failed_ = 0;
  std::unique_ptr<std::remove_pointer<::ares_channel>::type, destroy> channel_;
};

// c-ares's own state, for as long as the program uses it.
struct cares_library {
  cares_library() { check(::ares_library_init(ARES_LIB_INIT_ALL), "ares_library_init"); }
  ~cares_library() { ::ares_library_cleanup(); }
  cares_library(cares_library const&) = delete;
  cares_library& operator=(cares_library const&) = delete;
};

struct settings {
  std::string servers;
  bool only_tcp = false;
  std::vector<std::string> names;
};

// tag::run[]
template <class Context> int look_up(Context& context, settings const& how) {
  asio::signal_set signals(context, SIGINT, SIGTERM);
  resolver by_cares(context.get_executor(), how.servers, how.only_tcp,
                    [&signals] { signals.cancel(); });
  bool is_interrupted = false;
  signals.async_wait([&](error_code const& ec, int) {
    if (!ec) {
      is_interrupted = true;
      by_cares.end();
    }
  });
  by_cares.look_up(how.names);
  context.run();
  return is_interrupted || by_cares.failed() != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
// end::run[]

int run(std::vector<std::string> const& given) {
  settings how;
  bool has_selector_context = false;
  how.names =
      parse_options(given, {"--tcp"}, [&](std::string const& name, std::string const& value) {
        if (name == "--server") {
          how.servers = value;
        } else if (name == "--tcp") {
          how.only_tcp = true;
        } else if (name == "--context") {
          has_selector_context = parse_is_selector_context(value);
        } else {
          return false;
        }
        return true;
      });
  if (how.names.empty()) {
    throw usage_error("no name");
  }

  cares_library library;
  if (has_selector_context) {
    mioext::selector_context context;
    return look_up(context, how);
  }
  asio::io_context context(1);
  return look_up(context, how);
}

char const* const usage = R"(cares_lookup [options] NAME...
  --server ADDRESS[:PORT]   by default the servers that the system asks
  --tcp                     over TCP, all of them
  --context io|selector     Boost.Asio's io_context, by default, or mioext's selector_context
Looks up the names, and prints a line `NAME ADDRESS` for each address.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
