//
// bench/memory/mioext.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// mioext and Boost.Asio.
//

#include "contenders.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>

#include <mioext.hpp>

#include "heap.hpp"

namespace asio = boost::asio;

namespace {

double each(double before, std::size_t count) {
  return (heap::bytes() - before) / static_cast<double>(count);
}

template <class Loop> double registered(Loop& loop, descriptors const& idle) {
  double const before = heap::bytes();
  for (std::size_t index = 0; index != idle.size(); ++index) {
    loop.register_handle(idle[index], mioext::token(index), mioext::interest::readable);
  }
  return each(before, idle.size());
}

// A read from each, into a number that all share, for none ever arrives.
template <class Stream, class Context, class Adopt>
double reading(Context& context, descriptors const& idle, Adopt adopt) {
  std::uint64_t number;
  double const before = heap::bytes();
  std::vector<Stream> streams;
  streams.reserve(idle.size());
  for (int fd : idle) {
    streams.push_back(adopt(context, fd));
    streams.back().async_read_some(asio::buffer(&number, sizeof number),
                                   [](boost::system::error_code, std::size_t) {});
  }
  context.poll(); // what is begun is pending now
  return each(before, idle.size());
}

// One end of a pair: it sends back what it gets, as long as there is something left.
template <class Stream> struct player {
  player(Stream& used, std::uint64_t& shared) : stream(used), left(shared) {}

  void play() {
    stream.async_read_some(asio::buffer(&byte, 1),
                           [this](boost::system::error_code ec, std::size_t) {
                             if (ec) {
                               throw boost::system::system_error(ec);
                             }
                             if (left != 0) {
                               --left;
                               send();
                             }
                           });
  }

  void send() {
    stream.async_write_some(asio::buffer(&byte, 1),
                            [this](boost::system::error_code ec, std::size_t) {
                              if (ec) {
                                throw boost::system::system_error(ec);
                              }
                              play();
                            });
  }

  Stream& stream;
  std::uint64_t& left;
  char byte = 'x';
};

// Of the messages, the last one is taken and not answered: then both ends are idle, and the next stage
// begins with one more.
template <class Stream> double playing(asio::io_context& context, Stream& one, Stream& other) {
  constexpr std::uint64_t warm_up = 1000, counted = 10000;
  std::uint64_t left = warm_up;
  player<Stream> first(one, left), second(other, left);
  second.play();
  first.send();
  while (left != 0 && context.run_one() != 0) {
  }
  double const before = heap::allocations();
  left = counted;
  while (left != 0 && context.run_one() != 0) {
  }
  if (left != 0) {
    throw std::runtime_error("the messages got lost");
  }
  double const after = heap::allocations();
  context.stop();
  return (after - before) / static_cast<double>(counted);
}

} // namespace

double poller_descriptors(descriptors const& idle) {
  mioext::poller poller;
  mioext::registry registry = poller.registry();
  return registered(registry, idle);
}

double event_loop_descriptors(descriptors const& idle) {
  mioext::event_loop loop;
  return registered(loop, idle);
}

double async_event_loop_descriptors(descriptors const& idle) {
  asio::io_context context(1);
  mioext::async_event_loop loop(context);
  return registered(loop, idle);
}

double async_wait_descriptors(descriptors const& idle) {
  asio::io_context context(1);
  double const before = heap::bytes();
  for (int fd : idle) {
    mioext::async_wait(context, fd, mioext::interest::readable, [](boost::system::error_code) {});
  }
  context.poll();
  return each(before, idle.size());
}

double stream_descriptors(descriptors const& idle) {
  asio::io_context context(1);
  return reading<mioext::stream<mioext::pipe_reader>>(
      context, idle,
      [](asio::io_context& in, int fd) { return mioext::stream<mioext::pipe_reader>(in, fd); });
}

double asio_descriptors(descriptors const& idle) {
  asio::io_context context(1);
  return reading<asio::posix::stream_descriptor>(context, idle, [](asio::io_context& in, int fd) {
    return asio::posix::stream_descriptor(in, fd);
  });
}

namespace {

template <class Executor> double sockets_of_asio(descriptors const& connected) {
  using protocol = asio::local::stream_protocol;
  using socket = asio::basic_stream_socket<protocol, Executor>;
  asio::io_context context(1);
  return reading<socket>(context, connected,
                         [](asio::io_context& in, int fd) { return socket(in, protocol(), fd); });
}

template <class Context, class Executor>
double streams_in(Context& context, descriptors const& connected) {
  using stream = mioext::stream<mioext::unix_socket, Executor>;
  return reading<stream>(context, connected,
                         [](Context& in, int fd) { return stream(in, mioext::unix_socket(fd)); });
}

} // namespace

double asio_sockets(descriptors const& connected) {
  return sockets_of_asio<asio::any_io_executor>(connected);
}

double typed_asio_sockets(descriptors const& connected) {
  return sockets_of_asio<asio::io_context::executor_type>(connected);
}

double context_streams(descriptors const& connected) {
  asio::io_context context(1);
  return streams_in<asio::io_context, asio::any_io_executor>(context, connected);
}

double typed_context_streams(descriptors const& connected) {
  asio::io_context context(1);
  return streams_in<asio::io_context, asio::io_context::executor_type>(context, connected);
}

double selector_context_streams(descriptors const& connected) {
  mioext::selector_context context;
  return streams_in<mioext::selector_context, asio::any_io_executor>(context, connected);
}

double typed_selector_context_streams(descriptors const& connected) {
  mioext::selector_context context;
  return streams_in<mioext::selector_context, mioext::selector_context::executor_type>(context,
                                                                                       connected);
}

double event_loop_timers(std::size_t count) {
  mioext::event_loop loop;
  double const before = heap::bytes();
  std::vector<mioext::timeout> timers(count);
  for (std::size_t index = 0; index != count; ++index) {
    timers[index] = loop.timer(std::chrono::seconds(3600 + index % 1000), mioext::token(index));
  }
  return each(before, count);
}

double asio_timers(std::size_t count) {
  asio::io_context context(1);
  double const before = heap::bytes();
  std::vector<asio::steady_timer> timers;
  timers.reserve(count);
  for (std::size_t index = 0; index != count; ++index) {
    timers.emplace_back(context, std::chrono::seconds(3600 + index % 1000));
    timers.back().async_wait([](boost::system::error_code) {});
  }
  return each(before, count);
}

double stream_allocations() {
  asio::io_context context(1);
  asio::local::stream_protocol::socket one(context), other(context);
  asio::local::connect_pair(one, other);
  using stream = mioext::stream<mioext::unix_socket>;
  stream own(context, mioext::unix_socket(one.release()));
  stream others(context, mioext::unix_socket(other.release()));
  return playing(context, own, others);
}

double asio_stream_allocations() {
  asio::io_context context(1);
  asio::local::stream_protocol::socket one(context), other(context);
  asio::local::connect_pair(one, other);
  return playing(context, one, other);
}
