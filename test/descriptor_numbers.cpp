//
// test/descriptor_numbers.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Numbers that are no descriptors, and large ones that are: what a table with an entry for each number
// below would cost.
//

#include <mioext.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <fcntl.h>
#include <sys/resource.h>

#include <boost/test/unit_test.hpp>

#include "both_contexts.hpp"
#include "contexts.hpp"
#include "handles.hpp"
#include "support.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
// clang's sanitizers bring an operator new of their own, which cannot be replaced; what is shown
// here is shown by every other build.
#define MIOEXT_TEST_CANNOT_COUNT
#endif
#endif

namespace {
std::size_t largest_allocation = 0;
}

#ifndef MIOEXT_TEST_CANNOT_COUNT
[[gnu::noinline]] void* operator new(std::size_t size) {
  largest_allocation = std::max(largest_allocation, size);
  if (void* const memory = std::malloc(size ? size : 1)) {
    return memory;
  }
  throw std::bad_alloc();
}

[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace {

namespace error = boost::asio::error;
using boost::system::error_code;
using contexts::ended;
using contexts::into;
using contexts::outcome;
using contexts::poll_all;
using contexts::run;
using mioext::interest;
using mioext::trigger;
using mioext::detail::file_descriptor;
using support::socket_pair;
using support::token;

constexpr std::size_t little = 1000000;

/// Calls `function` with numbers that no descriptor of this process has.
template <class Function> void for_each_garbage(Function function) {
  largest_allocation = 0;
  for (int bits = 24; bits != 31; ++bits) {
    function(1 << bits);
  }
  BOOST_TEST(largest_allocation < little);
}

/// Of a pair of sockets, the near one has the largest number that the system allows, if that is large.
class large_number {
public:
  large_number() {
    ::rlimit limit;
    BOOST_REQUIRE(::getrlimit(RLIMIT_NOFILE, &saved_) == 0);
    limit = saved_;
    limit.rlim_cur = std::min<::rlim_t>(limit.rlim_max, 1048576);
    BOOST_REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    duplicate_.reset(
        ::fcntl(pair.near.get(), F_DUPFD_CLOEXEC, static_cast<int>(limit.rlim_cur) - 1));
    BOOST_REQUIRE(fd() >= 0);
    BOOST_TEST_MESSAGE("the number is " << fd());
  }

  ~large_number() {
    duplicate_.reset();
    ::setrlimit(RLIMIT_NOFILE, &saved_);
  }

  int fd() const { return duplicate_.get(); }

  socket_pair pair;

private:
  ::rlimit saved_;
  file_descriptor duplicate_;
};

} // namespace

BOOST_AUTO_TEST_SUITE(of_no_descriptor)

BOOST_AUTO_TEST_CASE_TEMPLATE(waiting_for_it_takes_no_memory, Context, support::both_contexts) {
  Context context;
  for_each_garbage([&context](int fd) {
    outcome waited;
    mioext::async_wait(context, fd, interest::readable, into(waited));
    BOOST_TEST(!poll_all(context));
    BOOST_TEST(waited == ended(error::bad_descriptor));
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(connecting_it_takes_no_memory, Context, support::both_contexts) {
  Context context;
  for_each_garbage([&context](int fd) {
    outcome connected;
    mioext::async_connect(context, fd, test::loopback(), into(connected));
    BOOST_TEST(!poll_all(context));
    BOOST_TEST(connected == ended(error::bad_descriptor));
  });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_stream_of_it_takes_no_memory, Context, support::both_contexts) {
  Context context;
  mioext::stream<int> numbered(context);
  for_each_garbage([&](int fd) {
    BOOST_CHECK_THROW(mioext::stream<int>(context, fd), boost::system::system_error);
    outcome read;
    outcome waited;
    char byte = 0;
    numbered.next_layer() = fd;
    numbered.async_read_some(boost::asio::buffer(&byte, 1), into(read));
    numbered.async_wait(interest::readable, into(waited));
    BOOST_TEST(!poll_all(context));
    numbered.next_layer() = -1;
    BOOST_TEST(read == ended(error::bad_descriptor));
    BOOST_TEST(waited == ended(error::bad_descriptor));
  });
}

BOOST_AUTO_TEST_CASE(registering_it_takes_no_memory) {
  mioext::poller poller;
  mioext::event_loop loop;
  support::full_listener listener;
  for_each_garbage([&](int fd) {
    error_code ec;
    poller.registry().register_handle(fd, token(1), interest::readable, trigger::edge, ec);
    BOOST_TEST((ec == error::bad_descriptor));
    poller.registry().reregister_handle(fd, token(1), interest::readable, trigger::edge, ec);
    BOOST_TEST((ec == error::bad_descriptor));
    loop.register_handle(fd, token(1), interest::readable, trigger::edge, ec);
    BOOST_TEST((ec == error::bad_descriptor));
    loop.reregister_handle(fd, token(1), interest::readable, trigger::edge, ec);
    BOOST_TEST((ec == error::bad_descriptor));
    loop.deregister_handle(fd, ec);
    BOOST_TEST((ec == error::bad_descriptor));
    loop.connect(fd, listener.endpoint, token(1), ec);
    BOOST_TEST((ec == error::bad_descriptor));
    loop.listen(fd, 1, token(1), ec);
    BOOST_TEST((ec == error::bad_descriptor));
  });
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(a_large_one)

BOOST_AUTO_TEST_CASE_TEMPLATE(takes_little_memory_to_wait_for, Context, support::both_contexts) {
  large_number large;
  Context context;
  mioext::stream<int> stream(context, large.fd());
  outcome waited;
  outcome read;
  char byte = 0;
  largest_allocation = 0;
  mioext::async_wait(context, large.fd(), interest::readable, into(waited));
  stream.async_read_some(boost::asio::buffer(&byte, 1), into(read));
  BOOST_TEST(poll_all(context));
  BOOST_TEST(waited.calls + read.calls == 0);
  large.pair.send();
  run(context);
  BOOST_TEST(waited == ended());
  BOOST_TEST(read == ended());
  BOOST_TEST(byte == 'x');
  BOOST_TEST(largest_allocation < little);
}

BOOST_AUTO_TEST_SUITE_END()
