//
// bench/messages/mioext.cpp
// -------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Messages through the channel of an event loop. Its queue is bounded: a producer that finds it
// full lets others run and tries again.
//

#include "work.hpp"

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <mioext/async_event_loop.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/selector_context.hpp>

namespace {

using messages::message;

class receiver final : public mioext::basic_handler<mioext::token, message> {
public:
  explicit receiver(messages::ledger& received) : received_(received) {}

  void notify(loop_type& loop, message sent) override {
    received_.receive(sent);
    if (received_.is_complete()) {
      loop.shutdown();
    }
  }

private:
  messages::ledger& received_;
};

struct sending {
  void operator()(message const& sent) const {
    boost::system::error_code ec;
    while (!to.send(sent, ec)) {
      std::this_thread::yield();
    }
  }

  mioext::sender<message> to;
};

class circling final : public mioext::basic_handler<mioext::token, message> {
public:
  circling(messages::circle& all, sending to) : all_(all), to_(to) { all_.start(to_); }

  void notify(loop_type& loop, message sent) override {
    all_.receive(sent, to_);
    if (all_.is_complete()) {
      loop.shutdown();
    }
  }

private:
  messages::circle& all_;
  sending const to_;
};

} // namespace

double messages::event_loop(work const& wanted) {
  receiver::loop_type loop;
  ledger received(wanted);
  receiver handler(received);
  return messages_per_second(wanted, received, sending{loop.channel()}, [&] { loop.run(handler); });
}

void messages::event_loop_circle(std::uint64_t count) {
  circling::loop_type loop;
  circle all(count);
  circling handler(all, sending{loop.channel()});
  loop.run(handler);
}

namespace {

template <class Context>
using loop_in =
    mioext::basic_async_event_loop<mioext::token, message, typename Context::executor_type>;

template <class Context> double messages_in(Context& context, messages::work const& wanted) {
  loop_in<Context> loop(context);
  messages::ledger received(wanted);
  receiver handler(received);
  return messages_per_second(wanted, received, sending{loop.channel()}, [&] {
    loop.async_run(handler, boost::asio::detached);
    context.run();
  });
}

template <class Context> void circle_in(Context& context, std::uint64_t count) {
  loop_in<Context> loop(context);
  messages::circle all(count);
  circling handler(all, sending{loop.channel()});
  loop.async_run(handler, boost::asio::detached);
  context.run();
}

} // namespace

double messages::async_event_loop(work const& wanted) {
  boost::asio::io_context context(1);
  return messages_in(context, wanted);
}

double messages::selector_context_loop(work const& wanted) {
  mioext::selector_context context;
  return messages_in(context, wanted);
}

void messages::async_event_loop_circle(std::uint64_t count) {
  boost::asio::io_context context(1);
  circle_in(context, count);
}

void messages::selector_context_circle(std::uint64_t count) {
  mioext::selector_context context;
  circle_in(context, count);
}
