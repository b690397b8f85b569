//
// bench/coroutine_instructions.cpp
// --------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many instructions, in the program, an echo costs whose two ends are coroutines, started with co_spawn:
// mioext's streams in a selector_context, and Asio's sockets in an io_context. Both have any_io_executor,
// the executor of coroutines.
//
// The program calls itself under valgrind: coroutine_instructions do CONTEXT CONNECTIONS REPETITIONS.
//

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/connect_pair.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <mioext/selector_context.hpp>
#include <mioext/stream.hpp>
#include <mioext/unix.hpp>

#include "harness.hpp"
#include "own_instructions.hpp"

namespace {

using boost::asio::awaitable;
using boost::asio::io_context;
using boost::asio::use_awaitable;
using boost::asio::local::stream_protocol;
using mioext::selector_context;

std::pair<stream_protocol::socket, stream_protocol::socket> make_pair(io_context& context) {
  std::pair<stream_protocol::socket, stream_protocol::socket> made{
      stream_protocol::socket(context), stream_protocol::socket(context)};
  boost::asio::local::connect_pair(made.first, made.second);
  return made;
}

using unix_stream = mioext::stream<mioext::unix_socket>;

std::pair<unix_stream, unix_stream> make_pair(selector_context& context) {
  auto made = mioext::unix_socket::pair();
  return {unix_stream(context, std::move(made.first)),
          unix_stream(context, std::move(made.second))};
}

template <class Stream> awaitable<void> echo(Stream stream) {
  char message[4];
  for (;;) {
    co_await boost::asio::async_read(stream, boost::asio::buffer(message), use_awaitable);
    co_await boost::asio::async_write(stream, boost::asio::buffer(message), use_awaitable);
  }
}

template <class Stream> awaitable<void> ask(Stream stream, std::uint64_t& left) {
  char message[4] = {'a', 'b', 'c', 'd'};
  while (left != 0) {
    --left;
    co_await boost::asio::async_write(stream, boost::asio::buffer(message), use_awaitable);
    co_await boost::asio::async_read(stream, boost::asio::buffer(message), use_awaitable);
  }
}

template <class Context> void go_round(std::size_t connections, std::uint64_t repetitions) {
  Context context;
  for (std::size_t index = 0; index != connections; ++index) {
    auto ends = make_pair(context);
    boost::asio::co_spawn(context, echo(std::move(ends.first)), boost::asio::detached);
    boost::asio::co_spawn(context, ask(std::move(ends.second), repetitions), boost::asio::detached);
  }
  context.run();
}

bench::comparison compare(std::string const& setting, std::string const& connections,
                          bench::limit const& limit) {
  bench::comparison all(setting, "instructions", bench::better::less);
  for (std::string const context : {"io", "selector"}) {
    all.add(context == "io" ? "Asio, io_context" : "mioext, selector_context", [=] {
      return bench::own_instructions_each("do " + context + ' ' + connections, 2000, 6000);
    });
  }
  return all.require("mioext, selector_context", limit).exact();
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::string(argv[1]) == "do") {
    auto* const chosen =
        std::string(argv[2]) == "io" ? go_round<io_context> : go_round<selector_context>;
    chosen(std::stoul(argv[3]), std::stoull(argv[4]));
    return 0;
  }
  bench::run run("coroutine_instructions", argc, argv);
  run.compare(compare("co_spawn'ed echo, 1 connection", "1", bench::at_most_ratio(0.6)));
  run.compare(compare("co_spawn'ed echo, 100 connections", "100", bench::at_most_ratio(0.6)));
  return run.finish();
}
