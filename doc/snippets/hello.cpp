//
// doc/snippets/hello.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The guide's first program: something is ready, a handler is called.
//

// tag::program[]
#include <iostream>
#include <string>
#include <utility>

#include <boost/asio/buffer.hpp>

#include <mioext/event_loop.hpp>
#include <mioext/pipe.hpp>

struct greeter final : mioext::handler {
  explicit greeter(mioext::pipe_reader reader) : source(std::move(reader)) {}

  void readable(loop_type& loop, mioext::token, mioext::read_hint) override {
    char text[64];
    std::size_t const size = source.read_some(boost::asio::buffer(text));
    std::cout << "read: " << std::string(text, size) << '\n';
    loop.shutdown();
  }

  mioext::pipe_reader source;
};

int main() {
  auto ends = mioext::pipe();
  greeter handler(std::move(ends.first));

  mioext::event_loop loop;
  loop.register_handle(handler.source, mioext::token(0), mioext::interest::readable);
  ends.second.write_some(boost::asio::buffer("hello", 5));
  loop.run(handler); // until shutdown()
}
// end::program[]
