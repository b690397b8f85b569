//
// bench/context_work.hpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The work of a server in each kind of context, whose costs are counted: with Asio's objects in an
// io_context, with mioext's there and in a selector_context.
//

#ifndef BENCH_CONTEXT_WORK_HPP
#define BENCH_CONTEXT_WORK_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

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

#include "bare_guest.hpp"

// In each unit one of its own, as in chain.hpp: so the counts of the one do not depend on the other.
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

// The least that a guest costs, in waits alone.
template <int Hint, std::size_t Looks, class Executor>
struct contender<bench::bare_guest<Hint, Looks>, Executor> {
  struct descriptor {
    descriptor(io_context&, int fd) : owned(fd) {}
    ~descriptor() { ::close(owned); }

    template <class Handler> void wait(bench::bare_guest<Hint, Looks>& context, Handler handler) {
      waiting.keep(std::move(handler));
      context.wait_for(owned, is_new, waiting);
      is_new = false;
    }

    int owned;
    bool is_new = true;
    bench::bare_wait waiting{};
  };
};

using bare_guest = bench::bare_guest<BOOST_ASIO_CONCURRENCY_HINT_DEFAULT, 1>;
using bare_guest_of_one = bench::bare_guest<1, 64>;

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

// Waits for so many descriptors at once, of which some are ready again and again.
template <class Context> class waits {
  using descriptor = typename contender<Context, typename Context::executor_type>::descriptor;

public:
  waits(std::size_t active, std::size_t all, std::uint64_t events) : left_(events) {
    for (std::size_t index = 0; index != all; ++index) {
      all_.emplace_back(new one(context_));
      if (index < active) {
        next(*all_.back());
      } else {
        all_.back()->watched.wait(context_, [](error_code const&) { require(false); });
      }
    }
  }

  void run() {
    context_.run();
    require(left_ == 0);
  }

private:
  struct one {
    explicit one(Context& context) : watched(context, ::dup(pipe.first.native_handle())) {}

    std::pair<mioext::pipe_reader, mioext::pipe_writer> pipe = mioext::pipe();
    descriptor watched;
  };

  void next(one& waiting) {
    require(::write(waiting.pipe.second.native_handle(), "x", 1) == 1);
    waiting.watched.wait(context_, [this, &waiting](error_code const& ec) {
      char byte;
      require(!ec && ::read(waiting.pipe.first.native_handle(), &byte, 1) == 1);
      if (--left_ != 0) {
        next(waiting);
      } else {
        context_.stop();
      }
    });
  }

  Context context_{};
  std::vector<std::unique_ptr<one>> all_{};
  std::uint64_t left_;
};

template <class Context, class> void wait(std::size_t active, std::uint64_t repetitions) {
  waits<Context>(active, active, repetitions).run();
}

template <class Context, class>
void wait_among_thousand(std::size_t active, std::uint64_t repetitions) {
  waits<Context>(active, 1000, repetitions).run();
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

// The same by hand, for a guest that does nothing but what it must.
template <class Context> class bare_visits {
public:
  explicit bare_visits(std::uint64_t left) : left_(left) {}

  void run() {
    context_.watch(acceptor_.native_handle(), accepting_);
    next();
    context_.run();
    require(left_ == 0);
  }

private:
  void next() {
    accepting_.keep([this](error_code const&) { accept(); });
    context_.wait_again();
    error_code ec;
    client_.open(tcp::v4());
    client_.connect(acceptor_.local_endpoint(), ec);
    connecting_.keep([this](error_code const&) {
      require(!client_.take_error() && ::write(client_.native_handle(), "x", 1) == 1);
    });
    context_.wait_for(client_.native_handle(), true, connecting_, EPOLLOUT);
  }

  void accept() {
    server_ = acceptor_.accept();
    reading_.keep([this](error_code const&) {
      char byte;
      require(::read(server_.native_handle(), &byte, 1) == 1);
      server_.close();
      client_.close();
      if (--left_ != 0) {
        next();
      }
    });
    context_.wait_for(server_.native_handle(), true, reading_);
  }

  Context context_{};
  mioext::tcp_acceptor acceptor_{tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)};
  mioext::tcp_socket server_{};
  mioext::tcp_socket client_{};
  bench::bare_wait accepting_{};
  bench::bare_wait connecting_{};
  bench::bare_wait reading_{};
  std::uint64_t left_;
};

template <class Context, class> void bare_visit(std::size_t, std::uint64_t repetitions) {
  bare_visits<Context>(repetitions).run();
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

using work = void(std::size_t connections, std::uint64_t repetitions);

} // namespace

#endif // BENCH_CONTEXT_WORK_HPP
