//
// bench/context_allocations.cpp
// -----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How often does the work of a server allocate memory, in steady state? Round trips, connections, waits,
// timers, functions that are posted, and echoes in coroutines; with Asio's objects in an io_context, and
// with mioext's in an io_context and in a selector_context. Each does its work a few hundred times before
// it is counted.
//

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "harness.hpp"
#include "memory/heap.hpp"
#include "system.hpp"

namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;
using tcp = asio::ip::tcp;

// --- What differs ----------------------------------------------------------------------------------

struct single_threaded : asio::io_context {
  single_threaded() : asio::io_context(1) {}
};

template <class Executor> struct asios {
  using context = single_threaded;
  using executor = Executor;
  using unix_stream = asio::basic_stream_socket<stream_protocol, Executor>;
  using tcp_stream = asio::basic_stream_socket<tcp, Executor>;
  using timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                           asio::wait_traits<std::chrono::steady_clock>, Executor>;

  static std::pair<unix_stream, unix_stream> pair(context& used) {
    std::pair<unix_stream, unix_stream> made{unix_stream(used), unix_stream(used)};
    asio::local::connect_pair(made.first, made.second);
    return made;
  }

  struct acceptor {
    explicit acceptor(context& used)
        : owned(used, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

    tcp::endpoint endpoint() const { return owned.local_endpoint(); }

    template <class Handler> void accept(context&, tcp_stream& peer, Handler handler) {
      owned.async_accept(peer, std::move(handler));
    }

    asio::basic_socket_acceptor<tcp, Executor> owned;
  };

  struct descriptor {
    descriptor(context& used, int fd) : owned(used, ::dup(fd)) {}

    template <class Handler> void wait(context&, Handler handler) {
      owned.async_wait(asio::posix::descriptor_base::wait_read, std::move(handler));
    }

    asio::posix::basic_stream_descriptor<Executor> owned;
  };
};

template <class Context, class Executor> struct mioexts {
  using context = Context;
  using executor = Executor;
  using unix_stream = mioext::stream<mioext::unix_socket, Executor>;
  using tcp_stream = mioext::stream<mioext::tcp_socket, Executor>;
  using timer = mioext::basic_steady_timer<Executor>;

  static std::pair<unix_stream, unix_stream> pair(context& used) {
    auto made = mioext::unix_socket::pair();
    return {unix_stream(used, std::move(made.first)), unix_stream(used, std::move(made.second))};
  }

  struct acceptor {
    explicit acceptor(context&) : owned(tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {}

    tcp::endpoint endpoint() const { return owned.local_endpoint(); }

    template <class Handler> void accept(context& used, tcp_stream& peer, Handler handler) {
      mioext::async_accept(Executor(used.get_executor()), owned, peer, std::move(handler));
    }

    mioext::tcp_acceptor owned;
  };

  struct descriptor {
    descriptor(context&, int watched) : fd(watched) {}

    template <class Handler> void wait(context& used, Handler handler) {
      mioext::async_wait(Executor(used.get_executor()), fd, mioext::interest::readable,
                         std::move(handler));
    }

    int fd;
  };
};

// --- Counting --------------------------------------------------------------------------------------

// First for getting warm, and then the same number again, which is counted.
class repetitions {
public:
  explicit repetitions(std::uint64_t count) : count_(count), left_(2 * count) {}

  // False after the last one.
  bool next() {
    --left_;
    if (left_ == count_) {
      before_ = heap::allocations();
    } else if (left_ == 0) {
      after_ = heap::allocations();
    }
    return left_ != 0;
  }

  bool are_left() const { return left_ != 0; }

  double allocations_each() const {
    bench::check(left_ == 0, "the work came to an early end");
    return (after_ - before_) / static_cast<double>(count_);
  }

private:
  std::uint64_t count_;
  std::uint64_t left_;
  double before_ = 0;
  double after_ = 0;
};

template <class Work> double run() {
  typename Work::context context;
  repetitions left(1000);
  Work work(context, left);
  work.next();
  context.run();
  return left.allocations_each();
}

// --- The work --------------------------------------------------------------------------------------

template <class Kind> struct round_trips {
  using context = typename Kind::context;
  using stream = typename Kind::unix_stream;

  round_trips(context& used, repetitions& wanted)
      : context_(used), left_(wanted), ends_(Kind::pair(used)) {
    echo();
  }

  void next() {
    asio::async_write(ends_.first, asio::buffer(asked_), [](error_code, std::size_t) {});
    asio::async_read(ends_.first, asio::buffer(answered_), [this](error_code ec, std::size_t) {
      bench::check(!ec, "there is no answer");
      left_.next() ? next() : context_.stop();
    });
  }

private:
  void echo() {
    asio::async_read(ends_.second, asio::buffer(echoed_), [this](error_code ec, std::size_t) {
      bench::check(!ec, "there is no question");
      asio::async_write(ends_.second, asio::buffer(echoed_),
                        [this](error_code, std::size_t) { echo(); });
    });
  }

  context& context_;
  repetitions& left_;
  std::pair<stream, stream> ends_;
  char asked_[4] = {'a', 'b', 'c', 'd'};
  char echoed_[4] = {};
  char answered_[4] = {};
};

template <class Kind> struct many_round_trips {
  using context = typename Kind::context;

  many_round_trips(context& used, repetitions& wanted) {
    for (int count = 0; count != 100; ++count) {
      all_.emplace_back(new round_trips<Kind>(used, wanted));
    }
  }

  void next() {
    for (auto const& each : all_) {
      each->next();
    }
  }

private:
  std::vector<std::unique_ptr<round_trips<Kind>>> all_;
};

template <class Kind> struct visits {
  using context = typename Kind::context;

  visits(context& used, repetitions& wanted)
      : context_(used), left_(wanted), acceptor_(used), server_(used), client_(used) {}

  void next() {
    acceptor_.accept(context_, server_, [this](error_code ec) {
      bench::check(!ec, "accepting has failed");
      asio::async_read(server_, asio::buffer(&byte_, 1), [this](error_code failed, std::size_t) {
        bench::check(!failed, "the byte has not come");
        server_.close();
        client_.close();
        left_.next() ? next() : context_.stop();
      });
    });
    client_.async_connect(acceptor_.endpoint(), [this](error_code ec) {
      bench::check(!ec, "connecting has failed");
      asio::async_write(client_, asio::buffer("x", 1), [](error_code, std::size_t) {});
    });
  }

private:
  context& context_;
  repetitions& left_;
  typename Kind::acceptor acceptor_;
  typename Kind::tcp_stream server_;
  typename Kind::tcp_stream client_;
  char byte_ = 0;
};

template <class Kind> struct waits {
  using context = typename Kind::context;

  waits(context& used, repetitions& wanted)
      : context_(used), left_(wanted), ends_(mioext::pipe()),
        watched_(used, ends_.first.native_handle()) {}

  void next() {
    bench::check(::write(ends_.second.native_handle(), "x", 1) == 1, "write");
    watched_.wait(context_, [this](error_code ec) {
      char byte;
      bench::check(!ec && ::read(ends_.first.native_handle(), &byte, 1) == 1, "read");
      left_.next() ? next() : context_.stop();
    });
  }

private:
  context& context_;
  repetitions& left_;
  std::pair<mioext::pipe_reader, mioext::pipe_writer> ends_;
  typename Kind::descriptor watched_;
};

template <class Kind> struct cancelled_timers {
  using context = typename Kind::context;

  cancelled_timers(context& used, repetitions& wanted)
      : context_(used), left_(wanted), timer_(used) {}

  void next() {
    timer_.expires_after(std::chrono::seconds(60));
    timer_.async_wait([this](error_code) { left_.next() ? next() : context_.stop(); });
    timer_.cancel();
  }

private:
  context& context_;
  repetitions& left_;
  typename Kind::timer timer_;
};

template <class Kind> struct fired_timers {
  using context = typename Kind::context;

  fired_timers(context& used, repetitions& wanted) : context_(used), left_(wanted) {
    for (int count = 0; count != 20; ++count) {
      all_.emplace_back(used);
    }
  }

  void next() {
    for (auto& each : all_) {
      set(each);
    }
  }

private:
  void set(typename Kind::timer& used) {
    used.expires_after(std::chrono::milliseconds(1 + (&used - all_.data()) % 4));
    used.async_wait([this, &used](error_code) {
      if (left_.are_left()) {
        left_.next() ? set(used) : context_.stop();
      }
    });
  }

  context& context_;
  repetitions& left_;
  std::vector<typename Kind::timer> all_;
};

template <class Kind> struct posts {
  using context = typename Kind::context;

  posts(context& used, repetitions& wanted)
      : context_(used), left_(wanted), executor_(used.get_executor()) {}

  void next() {
    asio::post(executor_, [this] { left_.next() ? next() : context_.stop(); });
  }

private:
  context& context_;
  repetitions& left_;
  typename Kind::executor executor_;
};

template <class Kind> struct coroutines {
  using context = typename Kind::context;
  using executor = typename Kind::executor;
  using stream = typename Kind::unix_stream;
  static constexpr asio::use_awaitable_t<executor> token{};

  coroutines(context& used, repetitions& wanted)
      : context_(used), left_(wanted), ends_(Kind::pair(used)) {}

  void next() {
    executor const used(context_.get_executor());
    asio::co_spawn(used, echo(), asio::detached);
    asio::co_spawn(used, ask(), asio::detached);
  }

private:
  asio::awaitable<void, executor> echo() {
    char data[64];
    for (;;) {
      std::size_t const size = co_await ends_.second.async_read_some(asio::buffer(data), token);
      co_await asio::async_write(ends_.second, asio::buffer(data, size), token);
    }
  }

  asio::awaitable<void, executor> ask() {
    char data[4] = {'a', 'b', 'c', 'd'};
    do {
      co_await asio::async_write(ends_.first, asio::buffer(data), token);
      co_await asio::async_read(ends_.first, asio::buffer(data), token);
    } while (left_.next());
    context_.stop();
  }

  context& context_;
  repetitions& left_;
  std::pair<stream, stream> ends_;
};

// --- The program -----------------------------------------------------------------------------------

using io_executor = asio::io_context::executor_type;
using selector_executor = mioext::selector_context::executor_type;

template <template <class> class Work> bench::comparison compare(std::string const& setting) {
  bench::comparison all(setting, "allocations", bench::better::less);
  return all.exact()
      .add("Asio, io_context", run<Work<asios<io_executor>>>)
      .add("Asio, io_context, any_io_executor", run<Work<asios<asio::any_io_executor>>>)
      .add("mioext, io_context", run<Work<mioexts<single_threaded, io_executor>>>)
      .add("mioext, io_context, any_io_executor",
           run<Work<mioexts<single_threaded, asio::any_io_executor>>>)
      .add("mioext, selector_context",
           run<Work<mioexts<mioext::selector_context, selector_executor>>>)
      .add("mioext, selector_context, any_io_executor",
           run<Work<mioexts<mioext::selector_context, asio::any_io_executor>>>)
      .require("mioext, io_context", bench::at_least_as("Asio, io_context"))
      .require("mioext, io_context, any_io_executor",
               bench::at_least_as("Asio, io_context, any_io_executor"))
      .require("mioext, selector_context", bench::at_most(0))
      .require("mioext, selector_context, any_io_executor", bench::at_most(0));
}

} // namespace

int main(int argc, char** argv) {
  bench::run run("context_allocations", argc, argv);
  run.compare(compare<round_trips>("round trip"));
  run.compare(compare<many_round_trips>("round trip, 100 connections"));
  run.compare(compare<visits>("accept, connect, one byte, close"));
  run.compare(compare<waits>("async_wait, an event"));
  run.compare(compare<cancelled_timers>("timer set and cancelled"));
  run.compare(compare<fired_timers>("timer set and fired"));
  run.compare(compare<posts>("post from inside"));
  run.compare(compare<coroutines>("coroutine's echo"));
  return run.finish();
}
