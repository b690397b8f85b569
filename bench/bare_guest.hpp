//
// bench/bare_guest.hpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What waits for a bare descriptor cost at the least in an io_context if it is not Asio's own reactor that
// waits: an epoll instance that the context waits for, written by hand for the benchmarks alone. No
// locks, no errors, no closing, no end: what is above its costs is mioext's, the rest is that of any guest.
//

#ifndef BENCH_BARE_GUEST_HPP
#define BENCH_BARE_GUEST_HPP

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include <sys/epoll.h>
#include <unistd.h>

#include <boost/asio/execution.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/require.hpp>
#include <boost/system/error_code.hpp>

namespace bench {

// One wait, with room for its handler.
struct bare_wait {
  template <class Handler> void keep(Handler handler) {
    static_assert(sizeof(Handler) <= sizeof handler_, "there is room for the benchmarks' handlers");
    ::new (static_cast<void*>(handler_)) Handler(handler);
    call_ = [](bare_wait& kept) {
      Handler called(*reinterpret_cast<Handler*>(kept.handler_));
      called(boost::system::error_code());
    };
  }

  void call() { call_(*this); }

  bool is_last = false; // of those that were found together

private:
  void (*call_)(bare_wait&) = nullptr;
  alignas(void*) unsigned char handler_[4 * sizeof(void*)] = {};
};

// An io_context with such a guest, which looks again after a handler, up to so many times, before it has the
// context wait.
template <int Hint, std::size_t Looks> class bare_guest : public boost::asio::io_context {
  using descriptor = boost::asio::posix::basic_stream_descriptor<executor_type>;

public:
  bare_guest()
      : boost::asio::io_context(Hint), epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        nested_(get_executor(), epoll_) {}

  void wait_for(int fd, bool is_first, bare_wait& waiting, std::uint32_t events = EPOLLIN) {
    ::epoll_event wanted = {};
    wanted.events = events | EPOLLET | EPOLLONESHOT;
    wanted.data.ptr = &waiting;
    ::epoll_ctl(epoll_, is_first ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &wanted);
    wait_again();
  }

  // For what is watched all the time.
  void watch(int fd, bare_wait& waiting) {
    ::epoll_event wanted = {};
    wanted.events = EPOLLIN | EPOLLET;
    wanted.data.ptr = &waiting;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &wanted);
  }

  void wait_again() {
    ++pending_;
    if (!is_listening_) {
      listen();
    }
  }

private:
  // The context calls it. (Without an allocator of its own, so Asio keeps its memory for the next.)
  struct posted {
    void operator()() const { guest->arrive(*waiting); }
    bare_guest* guest;
    bare_wait* waiting;
  };

  struct woken {
    void operator()(boost::system::error_code const& ec) const {
      if (!ec) {
        guest->wake();
      }
    }
    bare_guest* guest;
  };

  void listen() {
    is_listening_ = true;
    nested_.async_wait(descriptor::wait_read, woken{this});
  }

  std::size_t fetch() {
    int const found = ::epoll_wait(epoll_, events_, 128, 0);
    pending_ -= static_cast<std::size_t>(found);
    return static_cast<std::size_t>(found);
  }

  void listen_again() {
    is_listening_ = false;
    if (pending_ != 0) {
      listen();
    }
  }

  bare_wait& found(std::size_t index) const {
    return *static_cast<bare_wait*>(events_[index].data.ptr);
  }

  // The first of them is called by the handler that the context has called anyway.
  void wake() {
    std::size_t const count = fetch();
    looks_ = 1;
    if (Looks == 1 || count == 0) {
      listen_again();
    }
    bare_wait* const first = count == 0 ? nullptr : &found(0);
    post_from(1, count);
    if (first) {
      first->is_last = Looks != 1 && count == 1;
      arrive(*first);
    }
  }

  void post_from(std::size_t index, std::size_t count) {
    auto const executor = boost::asio::prefer(
        boost::asio::require(get_executor(), boost::asio::execution::blocking.never),
        boost::asio::execution::relationship.continuation);
    for (; index < count; ++index) {
      found(index).is_last = Looks != 1 && index + 1 == count;
      executor.execute(posted{this, &found(index)});
    }
  }

  void arrive(bare_wait& waiting) {
    bool const is_last = waiting.is_last;
    waiting.call();
    if (is_last) {
      look_again();
    }
  }

  void look_again() {
    std::size_t const count = looks_++ < Looks ? fetch() : 0;
    if (count == 0) {
      listen_again();
    }
    post_from(0, count);
  }

  int epoll_;
  descriptor nested_; // closes it
  std::size_t pending_ = 0;
  std::size_t looks_ = 0;
  bool is_listening_ = false;
  ::epoll_event events_[128];
};

} // namespace bench

#endif // BENCH_BARE_GUEST_HPP
