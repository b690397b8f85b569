//
// bench/proxy.cpp
// ---------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// proxy TCP_PROXY [options]: example/tcp_proxy, which is the program given, beside haproxy and nginx's
// stream module. Each passes on, in one thread, what wrk asks of one nginx, and a download of 100 MB.
// All have the sizes of buffers that they have by default. The proxy has one core; wrk and that nginx
// share the other.
//
// What is not installed is left out, and said so.
//

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include <unistd.h>

#include "proxy/client.hpp"
#include "proxy/programs.hpp"
#include "proxy/servers.hpp"

#include "harness.hpp"
#include "system.hpp"
#include "wrk.hpp"

namespace {

using bench::installed;
using bench::kind;
using bench::origin;
using bench::proxy;
using bench::temporary_directory;

constexpr std::size_t download_size = 100'000'000;
constexpr unsigned longest_round = 60; // seconds; a download under strace takes the longest

// --- What is compared ------------------------------------------------------------------------------

struct comparisons {
  installed const& programs;
  temporary_directory const& files;
  std::uint16_t target;

  // Adds all that are there; `round` gets the proxy of each. The goal: no worse than either of the
  // others.
  template <class Round> bench::comparison& among(bench::comparison& all, Round round) const {
    std::vector<std::string> others;
    auto const add = [&](std::string const& name, kind which) {
      comparisons const self = *this;
      all.add(name, [=] {
        bench::check(bench::allow_descriptors(2048), "too few descriptors");
        proxy const started(which, self.programs, self.files, self.target);
        bench::pin_to_core(1);
        return round(started);
      });
    };
    if (!programs.haproxy.empty()) {
      add("haproxy", kind::haproxy);
      others.push_back("haproxy");
    }
    if (programs.has_stream) {
      add("nginx stream", kind::nginx);
      others.push_back("nginx stream");
    }
    add("mioext tcp_proxy --alone", kind::alone);
    add("mioext tcp_proxy", kind::in_context);
    for (std::string const& other : others) {
      all.require("mioext tcp_proxy --alone", bench::at_least_as(other));
      all.require("mioext tcp_proxy", bench::at_least_as(other));
    }
    return all.time_limit(longest_round);
  }

  bench::comparison load(unsigned connections, unsigned seconds) const {
    bench::comparison all(named(connections), "us of the proxy's processor time a request",
                          bench::better::less, {"requests/s", "median us", "99% us"});
    return among(all.rounds(5), [=](proxy const& through) {
      double const begin = through.server().processor_time();
      bench::load_result const result =
          bench::put_load(through.port, "/small", connections, seconds);
      return std::vector<double>{(through.server().processor_time() - begin) / result.requests,
                                 result.requests_per_second, result.median_latency,
                                 result.latency_99};
    });
  }

  bench::comparison download() const {
    bench::comparison all("download of 100 MB", "ms of the proxy's processor time",
                          bench::better::less, {"MB/s"});
    return among(all.rounds(5), [](proxy const& through) {
      double const begin = through.server().processor_time();
      double const seconds = time_of_download(through);
      return std::vector<double>{1e-3 * (through.server().processor_time() - begin),
                                 1e-6 * download_size / seconds};
    });
  }

  bench::comparison calls(unsigned connections) const {
    bench::comparison all("system calls, " + named(connections), "a request", bench::better::less,
                          groups());
    comparisons const self = *this;
    return among(all.exact(false), [=](proxy const& through) {
      return bench::calls_of(through.server(), self.programs.strace, self.files, [&] {
        return bench::put_load(through.port, "/small", connections, 1).requests;
      });
    });
  }

  bench::comparison calls_of_download() const {
    bench::comparison all("system calls, download of 100 MB", "a MB", bench::better::less,
                          groups());
    comparisons const self = *this;
    return among(all.exact(false), [=](proxy const& through) {
      return bench::calls_of(through.server(), self.programs.strace, self.files, [&] {
        time_of_download(through);
        return 1e-6 * download_size;
      });
    });
  }

private:
  static std::vector<std::string> groups() {
    return {"receiving", "sending", "waiting", "epoll_ctl"};
  }

  static std::string named(unsigned connections) {
    return std::to_string(connections) + (connections == 1 ? " connection" : " connections");
  }

  static double time_of_download(proxy const& through) {
    double const begin = bench::wall_seconds();
    bench::check(bench::get(through.port, "/large") == download_size,
                 "bytes of the download are missing");
    return bench::wall_seconds() - begin;
  }
};

// --- What is there ---------------------------------------------------------------------------------

installed look_around(std::string const& tcp_proxy) {
  installed found;
  found.tcp_proxy = tcp_proxy;
  found.nginx = bench::find_program("nginx");
  found.haproxy = bench::find_program("haproxy");
  found.strace = bench::find_program("strace");
  for (char const* place : {"/usr/lib/nginx/modules", "/usr/lib64/nginx/modules",
                            "/usr/local/libexec/nginx", "/etc/nginx/modules"}) {
    std::string const module = std::string(place) + "/ngx_stream_module.so";
    if (!found.nginx.empty() && found.stream_module.empty() &&
        ::access(module.c_str(), R_OK) == 0) {
      found.stream_module = module;
    }
  }
  std::string const is_built_in = found.nginx + " -V 2>&1 | grep -Eq -e '--with-stream( |$)'";
  found.has_stream = !found.stream_module.empty() ||
                     (!found.nginx.empty() && std::system(is_built_in.c_str()) == 0);
  return found;
}

} // namespace

int main(int argc, char** argv) try {
  if (argc < 2 || argv[1][0] == '-') {
    std::fputs("proxy TCP_PROXY [options]\n", stderr);
    return EXIT_FAILURE;
  }
  installed const programs = look_around(argv[1]);
  argv[1] = argv[0];
  bench::run run("proxy", argc - 1, argv + 1);
  if (bench::find_program("wrk").empty() || programs.nginx.empty()) {
    run.note(
        "left out: wrk and nginx, which are the load and what is behind the proxies, are not both "
        "installed");
    return run.finish();
  }
  if (programs.haproxy.empty()) {
    run.note("haproxy is left out: it is not installed");
  }
  if (!programs.has_stream) {
    run.note("nginx stream is left out: the module is not installed (libnginx-mod-stream)");
  }
  if (programs.strace.empty()) {
    run.note("system calls are not counted: strace is not installed");
  }

  temporary_directory const files;
  origin const behind(programs, files, download_size);
  comparisons const all{programs, files, behind.port};
  for (unsigned connections : {1u, 50u, 400u}) {
    if (!run.quick() || connections == 50) { // wrk takes no less than a second
      run.compare(all.load(connections, run.quick() ? 1 : 2));
      if (!programs.strace.empty()) {
        run.compare(all.calls(connections));
      }
    }
  }
  run.compare(all.download());
  if (!programs.strace.empty() && !run.quick()) {
    run.compare(all.calls_of_download());
  }
  return run.finish();
} catch (std::exception const& error) {
  std::fprintf(stderr, "proxy: %s\n", error.what());
  return EXIT_FAILURE;
}
