//
// doc/snippets/watched.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the guide shows of descriptors that can be watched, and of those that cannot, on every
// system, as test cases. The parts between `tag::` and `end::` are what is shown.
//

#include <mioext/event_loop.hpp>

#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include <boost/system/error_code.hpp>
#include <boost/test/unit_test.hpp>

#include <mioext/detail/file_descriptor.hpp>
#include <mioext/pipe.hpp>

#include "../../test/systems.hpp"

using boost::system::error_code;
using mioext::detail::file_descriptor;
using std::chrono::seconds;

BOOST_AUTO_TEST_SUITE(guide)

BOOST_AUTO_TEST_CASE(a_terminal_is_read_as_it_was_left) {
  file_descriptor const master(::posix_openpt(O_RDWR | O_NOCTTY));
  BOOST_REQUIRE(master);
  BOOST_REQUIRE(::grantpt(master.get()) == 0);
  BOOST_REQUIRE(::unlockpt(master.get()) == 0);
  file_descriptor program(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY));
  BOOST_REQUIRE(program);
  int const terminal = master.get();
  // tag::terminal[]
  struct reader final : mioext::handler {
    explicit reader(int fd) : terminal(fd) {}

    void readable(loop_type& loop, mioext::token, mioext::read_hint) override {
      char block[256];
      ssize_t const size = ::read(terminal, block, sizeof block); // once, so it does not wait
      if (size > 0) {
        text.append(block, static_cast<std::size_t>(size));
      } else { // a terminal without a program ends with EIO on Linux, and with 0 elsewhere
        has_ended = true;
        loop.deregister_handle(terminal);
      }
    }

    int terminal;
    std::string text;
    bool has_ended = false;
  };

  mioext::event_loop loop;
  reader handler(terminal);
  loop.watch(terminal, mioext::token(0), mioext::interest::readable);
  // end::terminal[]
  BOOST_REQUIRE(::write(program.get(), "prompt", 6) == 6);
  while (handler.text.size() != 6 && loop.run_once(handler, seconds(20)) != 0) {
  }
  BOOST_TEST(handler.text == "prompt");
  BOOST_TEST((::fcntl(terminal, F_GETFL) & O_NONBLOCK) == 0);
  program.reset();
  BOOST_TEST(loop.run_once(handler, seconds(20)) == 1u);
  BOOST_TEST(handler.has_ended);
}

namespace {

// Returns whether the input is watched from now on.
bool watches(mioext::event_loop& loop, int input, std::string& text) {
  // tag::refused[]
  error_code ec;
  loop.watch(input, mioext::token(0), mioext::interest::readable, ec);
  if (ec == boost::system::errc::operation_not_permitted) {
    char block[4096]; // nobody has to be waited for: read it to its end at once
    for (ssize_t size; (size = ::read(input, block, sizeof block)) > 0;) {
      text.append(block, static_cast<std::size_t>(size));
    }
  }
  // end::refused[]
  return !ec;
}

} // namespace

BOOST_AUTO_TEST_CASE(an_input_that_cannot_be_watched_is_read_at_once) {
  mioext::event_loop loop;
  std::string text;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(std::tmpfile(), &std::fclose);
  BOOST_REQUIRE(file);
  BOOST_REQUIRE(std::fputs("lines", file.get()) >= 0);
  std::rewind(file.get());
  BOOST_TEST(!watches(loop, ::fileno(file.get()), text));
  BOOST_TEST(text == "lines");

  auto ends = mioext::pipe();
  BOOST_TEST(watches(loop, ends.first.native_handle(), text));
}

BOOST_AUTO_TEST_CASE(devices_without_readiness_are_refused_as_files_are,
                     *test::needs_epoll("a kqueue says what the system thinks of each device")) {
  mioext::event_loop loop;
  for (char const* const path : {"/dev/null", "/dev/zero", "/"}) {
    file_descriptor const fd(::open(path, O_RDONLY | O_CLOEXEC));
    BOOST_REQUIRE(fd);
    error_code ec;
    loop.register_handle(fd.get(), mioext::token(0), mioext::interest::readable, ec);
    BOOST_TEST(ec == boost::system::errc::operation_not_permitted, path << ": " << ec.message());
  }
}

BOOST_AUTO_TEST_SUITE_END()
