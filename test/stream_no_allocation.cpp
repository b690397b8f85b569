//
// test/stream_no_allocation.cpp
// -----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// In steady state, operations whose handlers lend them memory allocate nothing, and neither does
// what brings their events. In a selector_context that is so for connections that come and go, too.
//

#include <mioext/stream.hpp>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <new>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/unix.hpp>

#include "allocations.hpp"
#include "both_contexts.hpp"
#include "contexts.hpp"

namespace {

using boost::asio::buffer;
using boost::system::error_code;

/// Room for one operation, which is used again and again.
class block {
public:
  void* allocate(std::size_t size) {
    if (is_used_ || size > sizeof bytes_) {
      ++misses;
      return ::operator new(size);
    }
    is_used_ = true;
    return bytes_;
  }

  void deallocate(void* memory) noexcept {
    if (memory == bytes_) {
      is_used_ = false;
    } else {
      ::operator delete(memory);
    }
  }

  int misses = 0;

private:
  alignas(std::max_align_t) unsigned char bytes_[1024];
  bool is_used_ = false;
};

template <class T> class block_allocator {
public:
  using value_type = T;

  explicit block_allocator(block& memory) noexcept : memory_(&memory) {}
  template <class U>
  block_allocator(block_allocator<U> const& other) noexcept : memory_(other.memory_) {}

  T* allocate(std::size_t count) { return static_cast<T*>(memory_->allocate(count * sizeof(T))); }
  void deallocate(T* pointer, std::size_t) noexcept { memory_->deallocate(pointer); }

  template <class U> bool operator==(block_allocator<U> const& other) const noexcept {
    return memory_ == other.memory_;
  }
  template <class U> bool operator!=(block_allocator<U> const& other) const noexcept {
    return memory_ != other.memory_;
  }

private:
  template <class> friend class block_allocator;

  block* memory_;
};

/// Throws a byte back. Every fourth time it waits for readiness first.
template <class Stream> struct player {
  struct step {
    using allocator_type = block_allocator<char>;
    allocator_type get_allocator() const noexcept { return allocator_type(self->memory); }

    void operator()(error_code const& ec) const { (*this)(ec, 1); }
    void operator()(error_code const& ec, std::size_t bytes) const {
      (self->*next)(!ec && bytes == 1);
    }

    player* self;
    void (player::*next)(bool);
  };

  explicit player(Stream made) : stream(std::move(made)) {}

  void wait(bool was_right) {
    if (count(was_right)) {
      mioext::async_wait(stream, mioext::interest::readable, step{this, &player::read});
    }
  }

  void read(bool was_right) {
    if (count(was_right)) {
      stream.async_read_some(buffer(&byte, 1), step{this, &player::write});
    }
  }

  void write(bool was_right) {
    if (count(was_right)) {
      stream.async_write_some(buffer(&byte, 1),
                              step{this, steps % 4 == 0 ? &player::wait : &player::read});
    }
  }

  bool count(bool was_right) {
    failures += !was_right;
    return ++steps < wanted && was_right;
  }

  Stream stream;
  block memory;
  char byte = 'x';
  int steps = 0;
  int wanted = 0;
  int failures = 0;
};

template <class Context, class Stream> void check_ping_pong() {
  Context context;
  auto sockets = mioext::unix_socket::pair();
  player<Stream> first(Stream(context.get_executor(), std::move(sockets.first)));
  player<Stream> second(Stream(context.get_executor(), std::move(sockets.second)));
  first.wanted = second.wanted = 100000;
  second.read(true);
  first.write(true);
  auto const play_until = [&](int steps) {
    while (first.steps < steps && context.run_one_for(support::patience) != 0) {
    }
  };
  play_until(100);
#ifndef MIOEXT_TEST_CANNOT_COUNT
  std::size_t const before = allocations;
  play_until(10000);
  std::size_t const after = allocations;
  BOOST_TEST(after == before);
  BOOST_TEST(before > 0u); // the counter counts
#else
  play_until(10000);
#endif
  BOOST_TEST(first.steps >= 10000);
  BOOST_TEST(first.failures + second.failures == 0);
  BOOST_TEST(first.memory.misses + second.memory.misses == 0);
  // What is pending lives in the players' memory.
  first.stream.close();
  second.stream.close();
  context.restart();
  context.run_for(support::patience);
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(a_ping_pong_allocates_nothing, Context, support::both_contexts) {
  check_ping_pong<Context, mioext::stream<mioext::unix_socket, typename Context::executor_type>>();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_ping_pong_with_an_executor_of_any_type_allocates_nothing, Context,
                              support::both_contexts) {
  check_ping_pong<Context, mioext::stream<mioext::unix_socket>>();
}

#ifdef MIOEXT_DETAIL_HAS_RECYCLING_ALLOCATOR
namespace {

/// The same without an allocator: the one that Asio's own operations use keeps memory for reuse, as
/// long as run() has not returned.
struct plain_player {
  void read() {
    stream.async_read_some(buffer(&byte, 1), [this](error_code const& ec, std::size_t) {
      if (!ec) {
        write();
      }
    });
  }

  void write() {
    stream.async_write_some(buffer(&byte, 1), [this](error_code const& ec, std::size_t) {
      on_write(++writes);
      if (!ec) {
        read();
      }
    });
  }

  mioext::stream<mioext::unix_socket> stream;
  std::function<void(int)> on_write;
  char byte;
  int writes;
};

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(nor_does_one_whose_handlers_have_no_allocator, Context,
                              support::both_contexts) {
  using stream_type = mioext::stream<mioext::unix_socket>;
  Context context;
  auto sockets = mioext::unix_socket::pair();
  std::size_t before = 0;
  std::size_t after = 1;
  auto const count = [&](int writes) {
#ifndef MIOEXT_TEST_CANNOT_COUNT
    std::size_t const now = allocations;
#else
    std::size_t const now = 0;
#endif
    if (writes == 100) {
      before = now;
    } else if (writes == 10000) {
      after = now;
      context.stop();
    }
  };
  plain_player first = {stream_type(context, std::move(sockets.first)), count, 'x', 0};
  plain_player second = {stream_type(context, std::move(sockets.second)), [](int) {}, 'x', 0};
  second.read();
  first.write();
  context.run_for(support::patience);
  BOOST_TEST(first.writes == 10000);
  BOOST_TEST(after == before);
}
#endif

#ifndef MIOEXT_TEST_CANNOT_COUNT
namespace {

/// Connections that are made, accepted, and closed, one after the other.
struct visitors {
  explicit visitors(mioext::selector_context& used) : context(used) {
    acceptor.open();
    support::bind_to_any(acceptor);
    acceptor.listen();
    endpoint = acceptor.local_endpoint();
  }

  void next() {
    missing = 2;
    mioext::async_accept(context, acceptor, accepted, [this](error_code const& ec) { made(ec); });
    mioext::async_connect(context, socket, endpoint, [this](error_code const& ec) { made(ec); });
  }

  void made(error_code const& ec) {
    failures += !!ec;
    if (--missing != 0) {
      return;
    }
    accepted.close();
    socket.close();
    ++visits;
    // The next one comes by way of the queue.
    boost::asio::post(context, [this] { next(); });
  }

  mioext::selector_context& context;
  mioext::unix_acceptor acceptor;
  boost::asio::local::stream_protocol::endpoint endpoint;
  mioext::unix_socket accepted;
  mioext::unix_socket socket;
  int missing = 0;
  int visits = 0;
  int failures = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(nor_do_connections_that_come_and_go_in_a_selector_context) {
  mioext::selector_context context;
  visitors all(context);
  all.next();
  auto const run_until = [&](int visits) {
    while (all.visits < visits && context.run_one_for(support::patience) != 0) {
    }
  };
  run_until(100);
  std::size_t const before = allocations;
  run_until(1000);
  BOOST_TEST(allocations == before);
  BOOST_TEST(all.visits == 1000);
  BOOST_TEST(all.failures == 0);
}

/// The two threads take turns, because whoever finds the store locked allocates and does not wait.
BOOST_AUTO_TEST_CASE(nor_do_functions_that_another_thread_posts_to_a_selector_context) {
  constexpr int rounds = 50;
  constexpr int warm_up = 10;
  mioext::selector_context context;
  auto const work = boost::asio::make_work_guard(context);
  int calls = 0;
  std::atomic<int> turn{0};
  auto const wait_for = [&turn](int wanted) {
    while (turn != wanted) {
      std::this_thread::yield();
    }
  };
  std::thread other([&] {
    for (int round = 0; round != rounds; ++round) {
      wait_for(2 * round);
      for (int index = 0; index != 100; ++index) {
        boost::asio::post(context, [&calls] { ++calls; });
      }
      turn = 2 * round + 1;
    }
  });
  std::size_t before = 0;
  for (int round = 0; round != rounds; ++round) {
    wait_for(2 * round + 1);
    if (round == warm_up) {
      before = allocations;
    }
    context.poll();
    turn = 2 * round + 2;
  }
  std::size_t const after = allocations;
  other.join();
  BOOST_TEST(after == before);
  BOOST_TEST(calls == rounds * 100);
}
#endif
