//
// bench/proxy/servers.hpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The proxies, and the server behind them.
//

#ifndef BENCH_PROXY_SERVERS_HPP
#define BENCH_PROXY_SERVERS_HPP

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include "../system.hpp"
#include "client.hpp"
#include "programs.hpp"

namespace bench {

// --- Servers ---------------------------------------------------------------------------------------

// A port of the loopback interface that nobody else is given while this exists. Nobody listens there
// until a server of the same user does, with SO_REUSEPORT.
class free_port {
public:
  free_port() {
    int const on = 1;
    ::sockaddr_in const address = loopback(0);
    checked(::setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on), "SO_REUSEPORT");
    checked(::bind(fd_, reinterpret_cast<::sockaddr const*>(&address), sizeof address), "bind");
  }

  free_port(free_port const&) = delete;
  free_port& operator=(free_port const&) = delete;

  ~free_port() { ::close(fd_); }

  std::uint16_t number() const { return port_of(fd_); }

private:
  int fd_ = checked(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
};

enum class kind { haproxy, nginx, alone, in_context };

struct installed {
  std::string tcp_proxy;
  std::string nginx;
  std::string haproxy;
  std::string strace;
  bool has_stream = false;   // of nginx,
  std::string stream_module; // which may be in a file of its own
};

// What both of nginx's have in common. Without a master there is one process, which needs no other
// user than who has started it.
inline std::string nginx_configuration(temporary_directory const& files, std::string const& name) {
  return "daemon off;\nmaster_process off;\npid " + files.path(name + ".pid") + ";\nerror_log " +
         files.path(name + ".log") + " crit;\nevents { worker_connections 2048; }\n";
}

inline std::vector<std::string> nginx_command(installed const& programs,
                                              temporary_directory const& files,
                                              std::string const& name) {
  return {programs.nginx,           "-p", files.path(""), "-c", files.path(name + ".conf"), "-e",
          files.path(name + ".log")};
}

// The server behind the proxies. It keeps its connections.
class origin {
public:
  // Has "/small", and "/large" of that size.
  origin(installed const& programs, temporary_directory const& files, std::size_t size_of_large) {
    std::ofstream(files.path("large")).close();
    checked(::truncate(files.path("large").c_str(), static_cast<::off_t>(size_of_large)),
            "truncate");
    std::string text = nginx_configuration(files, "origin") + "http {\n  access_log off;\n";
    for (char const* user : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      text += std::string("  ") + user + "_temp_path " + files.path(user) + ";\n";
    }
    text +=
        "  keepalive_requests 1000000000;\n  keepalive_timeout 1h;\n  sendfile on;\n"
        "  server {\n    listen 127.0.0.1:" +
        std::to_string(port) +
        " reuseport;\n    location = /small { return 200 \"Hello from behind the proxy.\\n\"; }\n"
        "    location = /large { root " +
        files.path("") + "; }\n  }\n}\n";
    files.write("origin.conf", text);
    server_ = std::make_unique<program>(nginx_command(programs, files, "origin"),
                                        files.path("origin.log"), 1);
    wait_until([&] { return answers(port); },
               "nginx does not answer; " + content(files.path("origin.log")));
  }

private:
  free_port const reserved_;

public:
  std::uint16_t const port = reserved_.number();

private:
  std::unique_ptr<program> server_;
};

// One of the contenders, ready to pass on to `target`.
class proxy {
public:
  proxy(kind which, installed const& programs, temporary_directory const& files,
        std::uint16_t target) {
    std::string const log = files.path("proxy.log");
    ::unlink(log.c_str());
    std::string const to = "127.0.0.1:" + std::to_string(target);
    if (which == kind::alone || which == kind::in_context) {
      std::vector<std::string> command = {
          programs.tcp_proxy, "--connections", "1000", "--per-address", "1000", "127.0.0.1:0", to};
      if (which == kind::alone) {
        command.insert(command.begin() + 1, "--alone");
      }
      server_ = std::make_unique<program>(command, log, 0);
      wait_until(
          [&] {
            std::string const said = content(log);
            std::size_t const colon = said.rfind(':');
            port = static_cast<std::uint16_t>(colon == std::string::npos || said.back() != '\n'
                                                  ? 0
                                                  : std::atoi(&said[colon + 1]));
            return port != 0;
          },
          "tcp_proxy does not say where it listens");
    } else {
      port = reserved_.number();
      std::vector<std::string> command;
      if (which == kind::haproxy) {
        command = {programs.haproxy, "-db", "-f",
                   files.write("haproxy.cfg", "global\n  nbthread 1\n  maxconn 1000\n"
                                              "defaults\n  mode tcp\n  timeout connect 10s\n"
                                              "  timeout client 10m\n  timeout server 10m\n"
                                              "listen proxy\n  bind 127.0.0.1:" +
                                                  std::to_string(port) + "\n  server origin " + to +
                                                  "\n")};
      } else {
        std::string const module =
            programs.stream_module.empty() ? "" : "load_module " + programs.stream_module + ";\n";
        files.write("proxy.conf", module + nginx_configuration(files, "proxy") +
                                      "stream { server { listen 127.0.0.1:" + std::to_string(port) +
                                      " reuseport; proxy_pass " + to + "; } }\n");
        command = nginx_command(programs, files, "proxy");
      }
      server_ = std::make_unique<program>(command, log, 0);
    }
    wait_until([&] { return answers(port); }, "no answer comes through the proxy; " + content(log));
  }

  program const& server() const { return *server_; }

  std::uint16_t port = 0;

private:
  free_port const reserved_;
  std::unique_ptr<program> server_;
};

} // namespace bench

#endif // BENCH_PROXY_SERVERS_HPP
