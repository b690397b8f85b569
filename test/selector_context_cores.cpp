//
// test/selector_context_cores.cpp
// -------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// One selector_context a thread: what the threads lock while they accept, connect, exchange, set timers
// and close. No lock is ever taken by two of them. (The linker has pthread_mutex_lock go through here;
// see the Jamfile.)
//

#include <mioext/selector_context.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>

#include "handles.hpp"
#include "support.hpp"
#include "systems.hpp"

namespace {

/// What a thread has locked since it was asked to write that down. Memory for it is there before.
class locked_here {
public:
  static constexpr std::size_t most = 1u << 16;

  locked_here() { locks_.reserve(most); }

  void begin() { current() = this; }
  void end() { current() = nullptr; }

  static void add(pthread_mutex_t* lock) noexcept {
    locked_here* const here = current();
    if (!here) {
      return;
    }
    ++here->count_;
    if (here->locks_.size() != most) {
      here->locks_.push_back(lock);
    }
  }

  /// False if there was no room for all.
  bool is_complete() const { return count_ == locks_.size(); }

  /// Each of them once.
  std::vector<pthread_mutex_t*> locks() const {
    std::vector<pthread_mutex_t*> result(locks_);
    std::sort(result.begin(), result.end());
    result.erase(std::unique(result.begin(), result.end()), result.end());
    return result;
  }

private:
  static locked_here*& current() noexcept {
    static thread_local locked_here* here = nullptr;
    return here;
  }

  std::vector<pthread_mutex_t*> locks_;
  std::size_t count_ = 0;
};

} // namespace

extern "C" {
int __real_pthread_mutex_lock(pthread_mutex_t* lock);
int __wrap_pthread_mutex_lock(pthread_mutex_t* lock);

int __wrap_pthread_mutex_lock(pthread_mutex_t* lock) {
  locked_here::add(lock);
  return __real_pthread_mutex_lock(lock);
}
}

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using core_executor = mioext::selector_context::executor_type;
using core_stream = mioext::stream<mioext::tcp_socket, core_executor>;
using core_timer = mioext::basic_steady_timer<core_executor>;

/// A context, and a server and a client in it: one connection after the other, each of which sends a
/// byte there and back under a limit of time.
///
/// The system gives a number that one thread has closed to any other. Then that number's lock is the
/// other thread's, and a test could not tell that from a lock that both have. So all descriptors of a
/// core get numbers of its own.
class core {
public:
  explicit core(int first_number)
      : first_number_(first_number), acceptor_(moved(listening())), server_(context_),
        client_(context_), timer_(context_.get_executor()) {}

  /// Makes so many connections.
  void run(int connections) {
    left_ = connections;
    accept();
    connect();
    context_.restart();
    context_.run_for(support::patience);
  }

  int left() const { return left_; }

private:
  static mioext::tcp_acceptor listening() { return mioext::tcp_acceptor(test::loopback()); }

  int renumber(int fd) const {
    int const number = ::fcntl(fd, F_DUPFD_CLOEXEC, first_number_);
    ::close(fd);
    return number;
  }

  mioext::tcp_acceptor moved(mioext::tcp_acceptor acceptor) const {
    return mioext::tcp_acceptor(renumber(acceptor.release()));
  }

  mioext::tcp_socket moved(mioext::tcp_socket socket) const {
    return mioext::tcp_socket(renumber(socket.release()));
  }

  void accept() {
    mioext::async_accept(context_, acceptor_,
                         [this](error_code const& ec, mioext::tcp_socket peer) {
                           if (!ec) {
                             server_ = core_stream(context_, moved(std::move(peer)));
                             echo();
                           }
                         });
  }

  void echo() {
    server_.async_read_some(asio::buffer(&echoed_, 1), [this](error_code const& ec, std::size_t) {
      if (ec) {
        server_.close();
        next();
        return;
      }
      asio::async_write(server_, asio::buffer(&echoed_, 1),
                        [this](error_code const&, std::size_t) { echo(); });
    });
  }

  void connect() {
    mioext::tcp_socket socket;
    socket.open(tcp::v4());
    client_ = core_stream(context_, moved(std::move(socket)));
    client_.async_connect(acceptor_.local_endpoint(), [this](error_code const& ec) {
      if (!ec) {
        send();
      }
    });
  }

  void send() {
    timer_.expires_after(std::chrono::minutes(5));
    timer_.async_wait([](error_code const&) {});
    asio::async_write(client_, asio::buffer("x", 1), [this](error_code const& ec, std::size_t) {
      if (!ec) {
        asio::async_read(client_, asio::buffer(&received_, 1),
                         [this](error_code const&, std::size_t) {
                           timer_.cancel();
                           client_.close();
                         });
      }
    });
  }

  void next() {
    if (--left_ != 0) {
      asio::post(context_, [this] {
        accept();
        connect();
      });
    }
  }

  int const first_number_;
  int left_ = 0;
  mioext::selector_context context_;
  mioext::tcp_acceptor acceptor_;
  core_stream server_;
  core_stream client_;
  core_timer timer_;
  char echoed_ = 0;
  char received_ = 0;
};

/// What each thread locks, while all of them are at it.
std::vector<std::vector<pthread_mutex_t*>> locks_of(std::size_t threads,
                                                    std::function<void()> const& also) {
  constexpr int connections = 200;
  std::vector<std::unique_ptr<core>> cores;
  std::vector<std::unique_ptr<locked_here>> locked;
  for (std::size_t index = 0; index != threads; ++index) {
    cores.emplace_back(new core(200 + 100 * static_cast<int>(index)));
    locked.emplace_back(new locked_here());
  }
  std::vector<std::thread> running;
  for (std::size_t index = 0; index != threads; ++index) {
    core& own = *cores[index];
    locked_here& here = *locked[index];
    running.emplace_back([&own, &here, &also] {
      own.run(10); // tables grow, and what is made once is made
      here.begin();
      own.run(connections);
      also();
      here.end();
    });
  }
  std::vector<std::vector<pthread_mutex_t*>> result;
  for (std::size_t index = 0; index != threads; ++index) {
    running[index].join();
    BOOST_TEST(cores[index]->left() == 0);
    BOOST_TEST(locked[index]->is_complete());
    result.push_back(locked[index]->locks());
  }
  return result;
}

/// Not where std::mutex is a part of a shared library, as libc++'s is.
boost::unit_test::precondition needs_locks() {
  locked_here here;
  std::mutex seen;
  here.begin();
  seen.lock();
  seen.unlock();
  here.end();
  return test::needs(!here.locks().empty(), "this library's mutex is locked out of sight");
}

std::size_t common(std::vector<std::vector<pthread_mutex_t*>> const& locks) {
  std::vector<pthread_mutex_t*> all;
  for (auto const& each : locks) {
    all.insert(all.end(), each.begin(), each.end());
  }
  std::sort(all.begin(), all.end());
  auto const end = std::unique(all.begin(), all.end());
  return static_cast<std::size_t>(all.end() - end);
}

} // namespace

BOOST_AUTO_TEST_CASE(no_lock_is_taken_by_two_threads_while_they_serve_and_close, *needs_locks()) {
  auto const locks = locks_of(4, [] {});
  BOOST_TEST(common(locks) == 0u);
}

BOOST_AUTO_TEST_CASE(one_that_is_would_be_found, *needs_locks()) {
  std::mutex shared;
  auto const locks = locks_of(2, [&shared] { std::lock_guard<std::mutex> const lock(shared); });
  BOOST_TEST(common(locks) == 1u);
}

BOOST_AUTO_TEST_CASE(a_thread_locks_nothing_but_what_stands_for_closing_from_elsewhere,
                     *needs_locks()) {
  auto const locks = locks_of(1, [] {});
  // The one of the context's reactor. The places of descriptors have locks of their own, which are not seen
  // here, and no more are those of the C library's size that are not: see optional_mutex, which a
  // selector_context disables.
  BOOST_TEST(locks[0].size() <= 1u);
}
