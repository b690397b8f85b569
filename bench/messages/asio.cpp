//
// bench/messages/asio.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Messages by boost::asio::post.
//

#include "work.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

double messages::asio(work const& wanted) {
  boost::asio::io_context context(1);
  auto guard = boost::asio::make_work_guard(context);
  ledger received(wanted);
  auto const send = [&](message const& sent) {
    boost::asio::post(context, [&received, &guard, sent] {
      received.receive(sent);
      if (received.is_complete()) {
        guard.reset();
      }
    });
  };
  return messages_per_second(wanted, received, send, [&] { context.run(); });
}
