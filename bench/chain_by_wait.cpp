//
// bench/chain_by_wait.cpp
// -----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The chain, kept going by mioext::async_wait, begun again after each event, in an io_context and in a
// selector_context.
//

#include "chain.hpp"

#include <cstddef>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/selector_context.hpp>

namespace {

template <class Context> struct mioext_wait {
  void wait() {
    mioext::async_wait(context, bytes.reader(index), mioext::interest::readable,
                       [this](boost::system::error_code) {
                         if (bytes.pass_on(index)) {
                           wait();
                         } else {
                           context.stop();
                         }
                       });
  }

  Context& context;
  chain& bytes;
  std::size_t index;
};

template <class Context> double run_in(Context& context, chain_work const& work) {
  chain bytes(work);
  std::vector<mioext_wait<Context>> waits;
  waits.reserve(bytes.size());
  for (std::size_t index = 0; index != bytes.size(); ++index) {
    waits.push_back({context, bytes, index});
    waits.back().wait();
  }
  context.run();
  return bytes.cost_of_event();
}

} // namespace

double run_mioext_wait(chain_work const& work) {
  boost::asio::io_context context(1);
  return run_in(context, work);
}

double run_selector_context_wait(chain_work const& work) {
  mioext::selector_context context;
  return run_in(context, work);
}
