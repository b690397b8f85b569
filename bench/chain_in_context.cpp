//
// bench/chain_in_context.cpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The chain in an io_context and in a selector_context: by mioext's loop, and, for comparison, by Asio's
// own async_wait.
//

#include "chain.hpp"

#include <cstddef>
#include <vector>

#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/async_event_loop.hpp>
#include <mioext/selector_context.hpp>

namespace {

template <class Context> double run_in(Context& context, chain_work const& work) {
  chain bytes(work);
  mioext::async_event_loop loop(context);
  for (std::size_t index = 0; index != bytes.size(); ++index) {
    loop.register_handle(bytes.reader(index), mioext::token(index), mioext::interest::readable);
  }
  chain_handler handler(bytes);
  loop.async_run(handler, boost::asio::detached);
  context.run();
  return bytes.cost_of_event();
}

} // namespace

double run_async_event_loop(chain_work const& work) {
  boost::asio::io_context context(1);
  return run_in(context, work);
}

double run_selector_context_loop(chain_work const& work) {
  mioext::selector_context context;
  return run_in(context, work);
}

namespace {

// One of Asio's waits, begun again after each event.
struct asio_wait {
  void wait() {
    descriptor.async_wait(boost::asio::posix::descriptor_base::wait_read,
                          [this](boost::system::error_code) {
                            if (bytes.pass_on(index)) {
                              wait();
                            } else {
                              context.stop();
                            }
                          });
  }

  boost::asio::io_context& context;
  chain& bytes;
  std::size_t index;
  boost::asio::posix::stream_descriptor descriptor;
};

} // namespace

double run_asio_wait(chain_work const& work) {
  chain bytes(work);
  boost::asio::io_context context(1);
  std::vector<asio_wait> waits;
  waits.reserve(bytes.size());
  for (std::size_t index = 0; index != bytes.size(); ++index) {
    waits.push_back({context, bytes, index,
                     boost::asio::posix::stream_descriptor(context, bytes.reader(index))});
    waits.back().wait();
  }
  context.run();
  for (asio_wait& each : waits) {
    each.descriptor.release(); // the chain closes it
  }
  return bytes.cost_of_event();
}
