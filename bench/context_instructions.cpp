//
// bench/context_instructions.cpp
// ------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many instructions, in the program, the work of a server costs in a selector_context, with mioext in
// an io_context, and with Asio's sockets in an io_context: round trips of four bytes with async_read and
// async_write at both ends of Unix sockets, waits for a bare descriptor, connections that are made, used
// once and closed, functions that are posted by functions and by another thread. And how many system calls
// such a connection costs.
//
// The program calls itself under valgrind: context_instructions do WORK CONTEXT
// CONNECTIONS REPETITIONS.
//

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/selector_service.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "harness.hpp"
#include "own_instructions.hpp"
#include "system_calls.hpp"

namespace {

using boost::asio::io_context;
using boost::asio::local::stream_protocol;
using boost::system::error_code;
using mioext::selector_context;
using tcp = boost::asio::ip::tcp;

void require(bool is_right) {
  if (!is_right) {
    throw std::runtime_error("the work went wrong");
  }
}

// --- What differs between the two --------------------------------------------------------------------

template <class Context, class Executor> struct contender;

template <class Executor> struct contender<io_context, Executor> {
  using unix_stream = boost::asio::basic_stream_socket<stream_protocol, Executor>;
  using tcp_stream = boost::asio::basic_stream_socket<tcp, Executor>;

  static std::pair<unix_stream, unix_stream> pair(io_context& context) {
    std::pair<unix_stream, unix_stream> made{unix_stream(context), unix_stream(context)};
    boost::asio::local::connect_pair(made.first, made.second);
    return made;
  }

  struct acceptor {
    explicit acceptor(io_context& context)
        : owned(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {}

    tcp::endpoint endpoint() const { return owned.local_endpoint(); }

    template <class Handler> void accept(io_context&, tcp_stream& peer, Handler handler) {
      owned.async_accept(peer, std::move(handler));
    }

    boost::asio::basic_socket_acceptor<tcp, Executor> owned;
  };

  struct descriptor {
    descriptor(io_context& context, int fd) : owned(context, fd) {}

    template <class Handler> void wait(io_context&, Handler handler) {
      owned.async_wait(boost::asio::posix::descriptor_base::wait_read, std::move(handler));
    }

    boost::asio::posix::basic_stream_descriptor<Executor> owned;
  };
};

// mioext's streams, in either context.
template <class Context, class Executor> struct mioext_contender {
  using unix_stream = mioext::stream<mioext::unix_socket, Executor>;
  using tcp_stream = mioext::stream<mioext::tcp_socket, Executor>;

  static std::pair<unix_stream, unix_stream> pair(Context& context) {
    auto made = mioext::unix_socket::pair();
    return {unix_stream(context, std::move(made.first)),
            unix_stream(context, std::move(made.second))};
  }

  struct acceptor {
    explicit acceptor(Context&)
        : owned(tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {}

    tcp::endpoint endpoint() const { return owned.local_endpoint(); }

    template <class Handler> void accept(Context& context, tcp_stream& peer, Handler handler) {
      mioext::async_accept(context, owned, peer, std::move(handler));
    }

    mioext::tcp_acceptor owned;
  };

  struct descriptor {
    descriptor(Context&, int fd) : owned(fd) {}
    ~descriptor() { ::close(owned); }

    template <class Handler> void wait(Context& context, Handler handler) {
      mioext::async_wait(context, owned, mioext::interest::readable, std::move(handler));
    }

    int owned;
  };
};

template <class Executor>
struct contender<selector_context, Executor> : mioext_contender<selector_context, Executor> {};

// An io_context whose work is done by mioext.
struct guest_context : io_context {};

template <class Executor>
struct contender<guest_context, Executor> : mioext_contender<guest_context, Executor> {};

// The same if one thread runs it, and mioext knows that.
struct guest_of_one : io_context {
  guest_of_one() : io_context(1) {
    boost::asio::make_service<mioext::selector_service>(*this, 128u, 1);
  }
};

template <class Executor>
struct contender<guest_of_one, Executor> : mioext_contender<guest_of_one, Executor> {};

// --- Round trips -------------------------------------------------------------------------------------

template <class Stream> class round_trips {
public:
  round_trips(std::pair<Stream, Stream> ends, std::uint64_t& left)
      : near_(std::move(ends.first)), far_(std::move(ends.second)), left_(left) {}

  void start() {
    echo();
    ask();
  }

private:
  void echo() {
    boost::asio::async_read(far_, boost::asio::buffer(echoed_), [this](error_code ec, std::size_t) {
      if (!ec) {
        boost::asio::async_write(far_, boost::asio::buffer(echoed_),
                                 [this](error_code, std::size_t) { echo(); });
      }
    });
  }

  void ask() {
    boost::asio::async_write(near_, boost::asio::buffer(asked_), [](error_code, std::size_t) {});
    boost::asio::async_read(near_, boost::asio::buffer(answered_),
                            [this](error_code ec, std::size_t) {
                              require(!ec);
                              if (left_ != 0) {
                                --left_;
                                ask();
                              } else {
                                near_.close();
                              }
                            });
  }

  Stream near_;
  Stream far_;
  std::uint64_t& left_;
  char asked_[4] = {'a', 'b', 'c', 'd'};
  char echoed_[4] = {};
  char answered_[4] = {};
};

template <class Context, class Executor>
void go_round(std::size_t connections, std::uint64_t repetitions) {
  using made_by = contender<Context, Executor>;
  using trips = round_trips<typename made_by::unix_stream>;
  Context context;
  std::vector<std::unique_ptr<trips>> all;
  for (std::size_t index = 0; index != connections; ++index) {
    all.emplace_back(new trips(made_by::pair(context), repetitions));
    all.back()->start();
  }
  context.run();
}

// --- Waits -------------------------------------------------------------------------------------------

template <class Context> class waits {
public:
  explicit waits(std::uint64_t left)
      : ends_(mioext::pipe()), watched_(context_, ::dup(ends_.first.native_handle())), left_(left) {
  }

  void run() {
    next();
    context_.run();
    require(left_ == 0);
  }

private:
  void next() {
    require(::write(ends_.second.native_handle(), "x", 1) == 1);
    watched_.wait(context_, [this](error_code const& ec) {
      char byte;
      require(!ec && ::read(ends_.first.native_handle(), &byte, 1) == 1);
      if (--left_ != 0) {
        next();
      }
    });
  }

  Context context_{};
  std::pair<mioext::pipe_reader, mioext::pipe_writer> ends_;
  typename contender<Context, typename Context::executor_type>::descriptor watched_;
  std::uint64_t left_;
};

template <class Context, class> void wait(std::size_t, std::uint64_t repetitions) {
  waits<Context>(repetitions).run();
}

// --- Connections -------------------------------------------------------------------------------------

template <class Context> class visits {
  using made_by = contender<Context, typename Context::executor_type>;
  using stream = typename made_by::tcp_stream;

public:
  explicit visits(std::uint64_t left) : left_(left) {}

  void run() {
    next();
    context_.run();
    require(left_ == 0);
  }

private:
  void next() {
    acceptor_.accept(context_, server_, [this](error_code const& ec) {
      require(!ec);
      boost::asio::async_read(server_, boost::asio::buffer(read_),
                              [this](error_code const& failed, std::size_t) {
                                require(!failed);
                                server_.close();
                                client_.close();
                                if (--left_ != 0) {
                                  next();
                                }
                              });
    });
    client_.async_connect(acceptor_.endpoint(), [this](error_code const& ec) {
      require(!ec);
      boost::asio::async_write(client_, boost::asio::buffer(written_),
                               [](error_code const&, std::size_t) {});
    });
  }

  Context context_{};
  typename made_by::acceptor acceptor_{context_};
  stream server_{context_};
  stream client_{context_};
  char written_[1] = {'x'};
  char read_[1] = {};
  std::uint64_t left_;
};

template <class Context, class> void visit(std::size_t, std::uint64_t repetitions) {
  visits<Context>(repetitions).run();
}

// --- Posting -----------------------------------------------------------------------------------------

// Posts itself until enough have been called.
template <class Executor> struct posted_again {
  Executor executor;
  std::uint64_t* left;

  void operator()() const {
    if (*left != 0) {
      --*left;
      boost::asio::post(executor, *this);
    }
  }
};

template <class Context, class> void post_inside(std::size_t functions, std::uint64_t repetitions) {
  using executor = typename Context::executor_type;
  Context context;
  for (std::size_t index = 0; index != functions; ++index) {
    boost::asio::post(context, posted_again<executor>{context.get_executor(), &repetitions});
  }
  context.run();
  require(repetitions == 0);
}

// The context does not sleep meanwhile, but calls nothing either, so that the count does not depend on how
// the threads take turns.
template <class Context, class>
void post_from_thread(std::size_t at_once, std::uint64_t repetitions) {
  Context context;
  std::uint64_t calls = 0;
  auto const work = boost::asio::make_work_guard(context);
  for (std::uint64_t posted = 0; posted != repetitions; posted += at_once) {
    std::thread([&context, &calls, at_once] {
      for (std::size_t index = 0; index != at_once; ++index) {
        boost::asio::post(context, [&calls] { ++calls; });
      }
    }).join();
    context.poll();
  }
  require(calls == repetitions);
}

// --- The program -------------------------------------------------------------------------------------

using work = void(std::size_t connections, std::uint64_t repetitions);

struct kind {
  char const* name;
  work* in_io_context;
  work* in_selector_context;
  work* as_guest;
  work* as_guest_of_one;
};

kind const kinds[] = {
    {"round_typed", go_round<io_context, io_context::executor_type>,
     go_round<selector_context, selector_context::executor_type>,
     go_round<guest_context, io_context::executor_type>,
     go_round<guest_of_one, io_context::executor_type>},
    {"round_any", go_round<io_context, boost::asio::any_io_executor>,
     go_round<selector_context, boost::asio::any_io_executor>,
     go_round<guest_context, boost::asio::any_io_executor>,
     go_round<guest_of_one, boost::asio::any_io_executor>},
    {"wait", wait<io_context, void>, wait<selector_context, void>, wait<guest_context, void>,
     wait<guest_of_one, void>},
    {"visit", visit<io_context, void>, visit<selector_context, void>, visit<guest_context, void>,
     visit<guest_of_one, void>},
    {"post", post_inside<io_context, void>, post_inside<selector_context, void>, nullptr, nullptr},
    {"post_from_thread", post_from_thread<io_context, void>,
     post_from_thread<selector_context, void>, nullptr, nullptr},
};

int do_work(std::string const& name, std::string const& context, std::string const& connections,
            std::string const& repetitions) {
  for (kind const& each : kinds) {
    if (name == each.name) {
      work* const chosen = context == "io"      ? each.in_io_context
                           : context == "guest" ? each.as_guest
                           : context == "one"   ? each.as_guest_of_one
                                                : each.in_selector_context;
      chosen(std::stoul(connections), std::stoull(repetitions));
      return 0;
    }
  }
  return 2;
}

void add_instructions(bench::comparison& all, std::string const& contender,
                      std::string const& done_as, std::string const& connections) {
  all.add(contender, [=] {
    return bench::own_instructions_each("do " + done_as + ' ' + connections, 2000, 6000);
  });
}

bench::comparison compare(std::string const& setting, std::string const& name,
                          std::string const& connections, bench::limit const& limit) {
  bench::comparison all(setting, "instructions", bench::better::less);
  add_instructions(all, "Asio, io_context", name + " io", connections);
  add_instructions(all, "mioext, selector_context", name + " selector", connections);
  return all.require("mioext, selector_context", limit).exact();
}

// The same beside mioext in an io_context, which is judged where the service knows that one thread runs it.
bench::comparison compare_guest(std::string const& setting, std::string const& name,
                                std::string const& connections, bench::limit const& limit,
                                bench::limit const& guest_limit) {
  bench::comparison all = compare(setting, name, connections, limit);
  add_instructions(all, "mioext, io_context", name + " guest", connections);
  add_instructions(all, "mioext, io_context, one thread", name + " one", connections);
  return all.require("mioext, io_context, one thread", guest_limit);
}

// --- System calls of a connection --------------------------------------------------------------------

// By what they are for, because Asio calls accept() where mioext calls accept4(), and the like.
std::vector<std::vector<int>> const call_kinds = {
    {SYS_epoll_ctl},
    {SYS_epoll_wait, SYS_epoll_pwait, SYS_epoll_pwait2},
    {SYS_read, SYS_readv, SYS_recvfrom, SYS_recvmsg},
    {SYS_accept, SYS_accept4},
    {SYS_fstat, SYS_newfstatat},
    {SYS_write, SYS_writev, SYS_sendto, SYS_sendmsg},
    {SYS_socket},
    {SYS_connect},
    {SYS_close},
    {SYS_poll, SYS_ppoll},
    {SYS_getsockopt},
    {SYS_getsockname},
    {SYS_ioctl, SYS_fcntl},
    {SYS_timerfd_settime},
    {SYS_brk, SYS_mmap, SYS_munmap},
};

double calls_of(bench::system_calls const& calls, std::vector<int> const& kind) {
  double sum = 0;
  for (int const number : kind) {
    sum += calls.of({number});
  }
  return sum;
}

// All of them, and then those of each kind.
std::vector<double> calls_each(work* visits) {
  bench::system_calls const less = bench::system_calls_of([visits] { visits(1, 100); });
  bench::system_calls const more = bench::system_calls_of([visits] { visits(1, 300); });
  std::vector<double> result = {(more.all() - less.all()) / 200};
  for (auto const& kind : call_kinds) {
    result.push_back((calls_of(more, kind) - calls_of(less, kind)) / 200);
  }
  return result;
}

std::vector<double> shown(std::vector<double> const& calls) {
  return {calls.begin(), calls.begin() + 6};
}

bench::comparison compare_system_calls() {
  bench::comparison all("accept, connect, one byte, close: system calls",
                        "system calls a connection", bench::better::less,
                        {"epoll_ctl", "epoll_wait", "recv", "accept", "fstat"});
  all.add("Asio, io_context", [] { return shown(calls_each(visit<io_context, void>)); });
  all.add("mioext, selector_context",
          [] { return shown(calls_each(visit<selector_context, void>)); });
  all.add("mioext, io_context", [] { return shown(calls_each(visit<guest_context, void>)); });
  all.add("mioext, io_context, one thread",
          [] { return shown(calls_each(visit<guest_of_one, void>)); });
  return all.require("mioext, selector_context", bench::at_most_ratio(1)).exact();
}

bench::comparison compare_kinds_of_system_calls() {
  bench::comparison all("the same: those of a kind that Asio makes less often",
                        "system calls a connection", bench::better::less);
  all.add("mioext, selector_context", [] {
    std::vector<double> const asio = calls_each(visit<io_context, void>);
    std::vector<double> const mioext = calls_each(visit<selector_context, void>);
    double surplus = 0;
    for (std::size_t index = 1; index != asio.size(); ++index) {
      surplus += std::max(0.0, mioext[index] - asio[index]);
    }
    return surplus;
  });
  return all.require("mioext, selector_context", bench::at_most(0.02)).exact();
}

// --- The time that posting takes, which is shown and not judged --------------------------------------

double nanoseconds_each(work* posts, std::size_t functions, std::uint64_t repetitions) {
  auto const begin = std::chrono::steady_clock::now();
  posts(functions, repetitions);
  std::chrono::duration<double, std::nano> const taken = std::chrono::steady_clock::now() - begin;
  return taken.count() / static_cast<double>(repetitions);
}

bench::comparison compare_time(std::string const& setting, work* in_io_context,
                               work* in_selector_context, std::size_t functions,
                               std::uint64_t repetitions) {
  bench::comparison all(setting, "ns", bench::better::less);
  all.add("Asio, io_context",
          [=] { return nanoseconds_each(in_io_context, functions, repetitions); });
  all.add("mioext, selector_context",
          [=] { return nanoseconds_each(in_selector_context, functions, repetitions); });
  return all;
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 6 && std::string(argv[1]) == "do") {
    return do_work(argv[2], argv[3], argv[4], argv[5]);
  }
  bench::run run("context_instructions", argc, argv);
  using bench::at_most_ratio;
  run.compare(compare_guest("round trip, 1 connection", "round_typed", "1", at_most_ratio(0.4),
                            at_most_ratio(1)));
  run.compare(compare_guest("round trip, 100 connections", "round_typed", "100", at_most_ratio(0.4),
                            at_most_ratio(1)));
  run.compare(
      compare("round trip, any_io_executor, 1 connection", "round_any", "1", at_most_ratio(0.55)));
  run.compare(compare("round trip, any_io_executor, 100 connections", "round_any", "100",
                      at_most_ratio(0.55)));
  run.compare(
      compare_guest("async_wait, an event", "wait", "1", at_most_ratio(0.6), at_most_ratio(1.6)));
  run.compare(compare_guest("accept, connect, one byte, close", "visit", "1", at_most_ratio(0.6),
                            at_most_ratio(1.15)));
  run.compare(compare_system_calls());
  run.compare(compare_kinds_of_system_calls());
  run.compare(compare("post from inside", "post", "1", at_most_ratio(1 / 3.0)));
  run.compare(compare("post from inside, 100 at a time", "post", "100", at_most_ratio(1 / 3.0)));
  run.compare(compare("post from another thread, 500 at a time", "post_from_thread", "500",
                      at_most_ratio(0.5)));
  std::uint64_t const posts = run.quick() ? 100000 : 5000000;
  run.compare(compare_time("post from inside: time", post_inside<io_context, void>,
                           post_inside<selector_context, void>, 100, posts));
  run.compare(compare_time("post from another thread, 500 at a time: time",
                           post_from_thread<io_context, void>,
                           post_from_thread<selector_context, void>, 500, posts));
  return run.finish();
}
