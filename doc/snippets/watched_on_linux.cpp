//
// doc/snippets/watched_on_linux.cpp
// ---------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the guide shows of the kinds of descriptors that only Linux has, as test cases. The parts
// between `tag::` and `end::` are what is shown.
//

#include <mioext/async_wait.hpp>
#include <mioext/event_loop.hpp>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <string>
#include <vector>

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/system/error_code.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/detail/file_descriptor.hpp>

using boost::system::error_code;
using mioext::detail::file_descriptor;
using std::chrono::seconds;

extern char** environ; // POSIX leaves it to the program to declare it

BOOST_AUTO_TEST_SUITE(guide)

BOOST_AUTO_TEST_CASE(changes_of_files) {
  std::string directory = "/tmp/mioext_watched_XXXXXX";
  BOOST_REQUIRE(::mkdtemp(&directory[0]));
  // tag::inotify[]
  struct file_changes final : mioext::handler {
    void readable(loop_type&, mioext::token, mioext::read_hint) override {
      alignas(inotify_event) char block[4096];
      ssize_t const size = ::read(fd, block, sizeof block); // as many events as fit
      for (ssize_t at = 0; at < size;) {
        auto const& event = *reinterpret_cast<inotify_event const*>(block + at);
        if (event.mask & IN_Q_OVERFLOW) {
          has_lost_some = true; // look through the directory
        } else if (event.len != 0) {
          names.push_back(event.name);
        }
        at += static_cast<ssize_t>(sizeof event + event.len);
      }
    }

    int const fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    std::vector<std::string> names;
    bool has_lost_some = false;
  };

  file_changes handler;
  ::inotify_add_watch(handler.fd, directory.c_str(), IN_CLOSE_WRITE);

  mioext::event_loop loop;
  loop.watch(handler.fd, mioext::token(0), mioext::interest::readable);
  // end::inotify[]
  file_descriptor const owner(handler.fd);
  std::string const path = directory + "/written";
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
  file_descriptor(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)).reset();
  BOOST_TEST(loop.run_once(handler, seconds(20)) == 1u);
  BOOST_TEST(handler.names == std::vector<std::string>(1, "written"),
             boost::test_tools::per_element());
  BOOST_TEST(!handler.has_lost_some);
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u); // all is read
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}

BOOST_AUTO_TEST_CASE(a_time_of_day) {
  boost::asio::io_context context;
  std::uint64_t times = 0;
  bool has_come = false;
  bool was_changed = false;
  auto const appointment = std::time(nullptr) - 1;
  // tag::timerfd[]
  int const alarm = ::timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  itimerspec when = {};
  when.it_value.tv_sec = appointment; // by the clock on the wall
  ::timerfd_settime(alarm, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, nullptr);

  mioext::async_wait(context, alarm, mioext::interest::readable, [&](error_code ec) {
    if (!ec && ::read(alarm, &times, sizeof times) == sizeof times) {
      has_come = true;
    } else if (!ec && errno == ECANCELED) {
      was_changed = true; // somebody has set the clock: settime and wait again
    }
  });
  // end::timerfd[]
  file_descriptor const owner(alarm);
  context.run_for(seconds(20));
  BOOST_TEST((has_come || was_changed));
  BOOST_TEST(times == (has_come ? 1u : 0u));
}

BOOST_AUTO_TEST_CASE(a_counter_of_a_library) {
  // tag::eventfd[]
  struct results final : mioext::handler {
    void readable(loop_type&, mioext::token, mioext::read_hint) override {
      std::uint64_t count = 0; // the sum of what was written since the last read
      if (::read(fd, &count, sizeof count) == sizeof count) {
        finished += count;
      }
    }

    int const fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); // for the library to write to
    std::uint64_t finished = 0;
  };

  results handler;
  mioext::event_loop loop;
  loop.watch(handler.fd, mioext::token(0), mioext::interest::readable);
  // end::eventfd[]
  file_descriptor const owner(handler.fd);
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
  BOOST_TEST(::eventfd_write(handler.fd, 1) == 0);
  BOOST_TEST(::eventfd_write(handler.fd, 2) == 0);
  BOOST_TEST(loop.run_once(handler, seconds(20)) == 1u);
  BOOST_TEST(handler.finished == 3u);
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
}

BOOST_AUTO_TEST_CASE(the_end_of_a_process) {
  boost::asio::io_context context;
  char program[] = "sh";
  char option[] = "-c";
  char command[] = "exit 3";
  char* const arguments[] = {program, option, command, nullptr};
  pid_t child = -1;
  BOOST_REQUIRE(::posix_spawnp(&child, program, nullptr, nullptr, arguments, environ) == 0);
  int status = -1;
  // tag::pidfd[]
  int const process = static_cast<int>(::syscall(SYS_pidfd_open, child, 0)); // Linux 5.3
  mioext::async_wait(context, process, mioext::interest::readable, [&, process](error_code ec) {
    if (!ec) {
      ::waitpid(child, &status, 0); // does not wait: it has ended
    }
    ::close(process);
  });
  // end::pidfd[]
  BOOST_REQUIRE(process >= 0);
  context.run_for(seconds(20));
  BOOST_TEST(WIFEXITED(status));
  BOOST_TEST(WEXITSTATUS(status) == 3);
}

BOOST_AUTO_TEST_CASE(signals_of_a_library) {
  sigset_t before;
  BOOST_REQUIRE(::pthread_sigmask(SIG_SETMASK, nullptr, &before) == 0);
  // tag::signalfd[]
  struct library_signals final : mioext::handler {
    void readable(loop_type&, mioext::token, mioext::read_hint) override {
      signalfd_siginfo info;
      if (::read(fd, &info, sizeof info) == sizeof info) {
        number = static_cast<int>(info.ssi_signo);
      }
    }

    int fd = -1;
    int number = 0;
  };

  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr); // before threads are started

  library_signals handler;
  handler.fd = ::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);

  mioext::event_loop loop;
  loop.watch(handler.fd, mioext::token(0), mioext::interest::readable);
  // end::signalfd[]
  file_descriptor const owner(handler.fd);
  BOOST_TEST(loop.run_once(handler, seconds(0)) == 0u);
  BOOST_REQUIRE(::kill(::getpid(), SIGUSR1) == 0);
  BOOST_TEST(loop.run_once(handler, seconds(20)) == 1u);
  BOOST_TEST(handler.number == SIGUSR1);
  BOOST_TEST(::pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
}

BOOST_AUTO_TEST_CASE(network_interfaces) {
  // tag::netlink[]
  struct interfaces final : mioext::handler {
    void readable(loop_type&, mioext::token, mioext::read_hint) override {
      alignas(nlmsghdr) char block[32768];
      ssize_t size = ::recv(fd, block, sizeof block, 0);
      if (size < 0 && errno == ENOBUFS) {
        ask(); // there was more news than the socket had room for
      }
      auto const* message = reinterpret_cast<nlmsghdr const*>(block);
      for (; size > 0 && NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
        known += message->nlmsg_type == RTM_NEWLINK;
        gone += message->nlmsg_type == RTM_DELLINK;
        is_complete = is_complete || message->nlmsg_type == NLMSG_DONE;
      }
    }

    // For all that there are; what changes is told unasked.
    bool ask() {
      struct {
        nlmsghdr header;
        ifinfomsg about;
      } question = {};
      question.header.nlmsg_len = sizeof question;
      question.header.nlmsg_type = RTM_GETLINK;
      question.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
      return ::send(fd, &question, sizeof question, 0) == sizeof question;
    }

    int const fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    int known = 0;
    int gone = 0;
    bool is_complete = false;
  };

  interfaces handler;
  sockaddr_nl address = {};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_LINK;
  ::bind(handler.fd, reinterpret_cast<sockaddr*>(&address), sizeof address);

  mioext::event_loop loop;
  loop.watch(handler.fd, mioext::token(0), mioext::interest::readable);
  handler.ask();
  // end::netlink[]
  file_descriptor const owner(handler.fd);
  while (!handler.is_complete && loop.run_once(handler, seconds(20)) != 0) {
  }
  BOOST_TEST(handler.is_complete);
  BOOST_TEST(handler.known >= 1); // the loopback interface
}

BOOST_AUTO_TEST_CASE(what_epoll_refuses) {
  std::string directory = "/tmp/mioext_watched_XXXXXX";
  BOOST_REQUIRE(::mkdtemp(&directory[0]));
  file_descriptor const without_content(::open(directory.c_str(), O_PATH | O_CLOEXEC));
  file_descriptor const in_memory(static_cast<int>(::syscall(SYS_memfd_create, "mioext", 0)));
  file_descriptor const full(::open("/dev/full", O_RDONLY | O_CLOEXEC));
  file_descriptor const random(::open("/dev/urandom", O_RDONLY | O_CLOEXEC));
  ::rmdir(directory.c_str());
  struct refusal {
    file_descriptor const& of;
    int with;
  };
  for (refusal const& each : {refusal{without_content, EBADF}, refusal{in_memory, EPERM},
                              refusal{full, EPERM}, refusal{random, EPERM}}) {
    BOOST_REQUIRE(each.of);
    mioext::event_loop loop;
    error_code refused;
    loop.watch(each.of.get(), mioext::token(0), mioext::interest::readable, refused);
    BOOST_TEST(refused.value() == each.with);

    boost::asio::io_context context;
    error_code waited;
    mioext::async_wait(context, each.of.get(), mioext::interest::readable,
                       [&](error_code ec) { waited = ec; });
    context.run_for(seconds(20));
    BOOST_TEST(waited.value() == each.with);
  }
}

BOOST_AUTO_TEST_SUITE_END()
