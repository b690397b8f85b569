//
// test/pipe.cpp
// -------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The two ends of a pipe.
//

#include <mioext/pipe.hpp>

#include <array>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <mioext/detail/polling/pending_signal.hpp>

#include "handles.hpp"

namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::system::error_code;

// Only has to compile: every overload, once.
namespace compile {

void every_overload_of_a_pipe();

void every_overload_of_a_pipe() {
  error_code ec;
  char data[8];
  boost::asio::mutable_buffer const in = buffer(data);
  boost::asio::const_buffer const out = buffer("x", 1);
  std::array<boost::asio::mutable_buffer, 2> const ins = {{in, in}};
  std::array<boost::asio::const_buffer, 2> const outs = {{out, out}};

  std::pair<mioext::pipe_reader, mioext::pipe_writer> ends = mioext::pipe();
  ends = mioext::pipe(ec);
  mioext::pipe_reader reader1;
  mioext::pipe_reader reader2(-1);
  mioext::pipe_reader reader3(std::move(reader1));
  reader1 = std::move(reader3);
  mioext::pipe_writer writer1;
  mioext::pipe_writer writer2(-1);
  mioext::pipe_writer writer3(std::move(writer1));
  writer1 = std::move(writer3);
  reader1.assign(-1);
  reader1.assign(-1, ec);
  writer1.assign(-1);
  static_cast<void>(reader1.native_non_blocking());
  reader1.native_non_blocking(false);
  reader1.native_non_blocking(false, ec);
  static_cast<void>(writer1.native_non_blocking());
  writer1.native_non_blocking(false);
  writer1.native_non_blocking(false, ec);
  writer1.assign(-1, ec);
  reader1.close();
  reader1.close(ec);
  mioext::pipe_reader::native_handle_type released = reader1.release();
  released = reader1.release(ec);
  released = reader1.native_handle();
  (void)released;
  bool const open = reader1.is_open();
  (void)open;
  std::size_t size = reader1.read_some(in);
  size = reader1.read_some(ins);
  size = reader1.read_some(in, ec);
  size = reader1.read_some(ins, ec);
  size = writer1.write_some(out);
  size = writer1.write_some(outs);
  size = writer1.write_some(out, ec);
  size = writer1.write_some(outs, ec);
  (void)size;
}

} // namespace compile

namespace {

/// SIGPIPE as a program finds it that did nothing about it, for as long as it lives.
class default_sigpipe {
public:
  default_sigpipe() {
    struct sigaction action = {};
    action.sa_handler = SIG_DFL;
    BOOST_REQUIRE(::sigaction(SIGPIPE, &action, &previous_) == 0);
  }
  ~default_sigpipe() { ::sigaction(SIGPIPE, &previous_, nullptr); }

  default_sigpipe(default_sigpipe const&) = delete;
  default_sigpipe& operator=(default_sigpipe const&) = delete;

private:
  struct sigaction previous_;
};

/// SIGPIPE blocked, for as long as it lives; what is pending at its end is dropped.
class blocked_sigpipe {
public:
  blocked_sigpipe() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGPIPE);
    BOOST_REQUIRE(::pthread_sigmask(SIG_BLOCK, &set_, &previous_) == 0);
  }
  ~blocked_sigpipe() {
    take();
    ::pthread_sigmask(SIG_SETMASK, &previous_, nullptr);
  }

  blocked_sigpipe(blocked_sigpipe const&) = delete;
  blocked_sigpipe& operator=(blocked_sigpipe const&) = delete;

  /// Whether one was pending, which it is no longer.
  bool take() {
    mioext::signal_info ignored;
    return mioext::detail::take_pending_signal(set_, ignored);
  }

private:
  sigset_t set_;
  sigset_t previous_;
};

bool sigpipe_is_blocked() {
  sigset_t mask;
  sigemptyset(&mask);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, SIGPIPE) == 1;
}

} // namespace

BOOST_AUTO_TEST_SUITE(pipe_handles)

BOOST_AUTO_TEST_CASE(an_end_is_a_descriptor_and_nothing_else) {
  static_assert(sizeof(mioext::pipe_reader) == sizeof(int), "");
  static_assert(sizeof(mioext::pipe_writer) == sizeof(int), "");
  static_assert(!std::is_copy_constructible<mioext::pipe_reader>::value, "handles own");
  static_assert(!std::is_copy_assignable<mioext::pipe_writer>::value, "handles own");
  static_assert(std::is_nothrow_move_constructible<mioext::pipe_reader>::value, "");
  static_assert(std::is_nothrow_move_assignable<mioext::pipe_writer>::value, "");
  static_assert(!std::is_convertible<int, mioext::pipe_reader>::value, "adopting is written out");
  mioext::pipe_reader reader;
  BOOST_TEST(!reader.is_open());
  BOOST_TEST(reader.native_handle() == -1);
}

BOOST_AUTO_TEST_CASE(what_is_written_can_be_read) {
  auto ends = mioext::pipe();
  BOOST_TEST(test::is_prepared(ends.first.native_handle()));
  BOOST_TEST(test::is_prepared(ends.second.native_handle()));
  BOOST_TEST(boost::asio::write(ends.second, buffer("hello", 5)) == 5u);
  char data[5];
  BOOST_TEST(boost::asio::read(ends.first, buffer(data)) == 5u);
  BOOST_TEST(test::text(data, 5) == "hello");
}

BOOST_AUTO_TEST_CASE(nothing_to_read_and_no_room_would_block) {
  auto ends = mioext::pipe();
  std::vector<char> data(1 << 20);
  error_code ec;
  BOOST_TEST(ends.first.read_some(buffer(data), ec) == 0u);
  BOOST_TEST(ec == error::would_block);
  BOOST_TEST(test::error_of([&] { ends.first.read_some(buffer(data)); }) == error::would_block);
  std::size_t written = 0;
  ec.clear();
  while (!ec) {
    written += ends.second.write_some(buffer(data), ec);
  }
  BOOST_TEST(ec == error::would_block);
  BOOST_TEST(test::error_of([&] { ends.second.write_some(buffer(data)); }) == error::would_block);
  std::size_t read = 0;
  while (read < written) {
    read += ends.first.read_some(buffer(data), ec);
    BOOST_REQUIRE(!ec);
  }
  BOOST_TEST(read == written);
}

BOOST_AUTO_TEST_CASE(the_end_is_eof_after_the_data) {
  auto ends = mioext::pipe();
  ends.second.write_some(buffer("abc", 3));
  ends.second.close();
  char data[8];
  error_code ec;
  BOOST_TEST(ends.first.read_some(buffer(data), ec) == 3u);
  BOOST_TEST(!ec);
  BOOST_TEST(ends.first.read_some(buffer(data), ec) == 0u);
  BOOST_TEST(ec == error::eof);
  BOOST_TEST(test::error_of([&] { ends.first.read_some(buffer(data)); }) == error::eof);
}

BOOST_AUTO_TEST_CASE(many_buffers_are_gathered_and_scattered) {
  auto ends = mioext::pipe();
  std::string const source(200, 'x');
  std::vector<boost::asio::const_buffer> out(70); // more empty ones than one call takes
  for (char const& byte : source) {
    out.push_back(buffer(&byte, 1));
  }
  BOOST_TEST(ends.second.write_some(out) == 64u);
  BOOST_TEST(boost::asio::write(ends.second, out) == 200u);
  std::string sink(264, ' ');
  std::vector<boost::asio::mutable_buffer> in(70);
  for (char& byte : sink) {
    in.push_back(buffer(&byte, 1));
  }
  BOOST_TEST(boost::asio::read(ends.first, in) == 264u);
  BOOST_TEST(sink == std::string(264, 'x'));
}

BOOST_AUTO_TEST_CASE(a_sequence_without_a_byte_transfers_nothing_with_success) {
  auto ends = mioext::pipe();
  std::vector<boost::asio::mutable_buffer> const empty(3);
  error_code ec = error::fault;
  BOOST_TEST(ends.first.read_some(empty, ec) == 0u);
  BOOST_TEST(!ec);
  BOOST_TEST(ends.second.write_some(empty) == 0u);
  ends.second.close();
  BOOST_TEST(ends.first.read_some(empty, ec) == 0u);
  BOOST_TEST(!ec);
  ends.second.write_some(empty, ec);
  BOOST_TEST(ec == error::bad_descriptor);
}

BOOST_AUTO_TEST_CASE(a_closed_end_says_bad_descriptor_and_closes_with_success) {
  mioext::pipe_reader reader;
  mioext::pipe_writer writer;
  char data[4] = {};
  error_code ec;
  reader.read_some(buffer(data), ec);
  BOOST_TEST(ec == error::bad_descriptor);
  writer.write_some(buffer(data), ec);
  BOOST_TEST(ec == error::bad_descriptor);
  BOOST_TEST(reader.release(ec) == -1);
  BOOST_TEST(ec == error::bad_descriptor);
  reader.close(ec);
  BOOST_TEST(!ec);
  reader.close();
}

BOOST_AUTO_TEST_CASE(the_wrong_end_is_a_bad_descriptor) {
  auto ends = mioext::pipe();
  mioext::pipe_reader wrong(ends.second.release());
  char data[4];
  error_code ec;
  wrong.read_some(buffer(data), ec);
  BOOST_TEST(ec == error::bad_descriptor);
}

BOOST_AUTO_TEST_CASE(a_pipe_without_descriptors_says_so_and_is_closed) {
  error_code ec;
  {
    test::no_descriptors_left limit;
    auto ends = mioext::pipe(ec);
    BOOST_TEST(!ends.first.is_open());
    BOOST_TEST(!ends.second.is_open());
  }
  BOOST_TEST(ec == error::no_descriptors);
}

BOOST_AUTO_TEST_CASE(an_end_moves_closes_releases_and_adopts) {
  test::recording_scope scope;
  auto ends = mioext::pipe();
  int const fd = ends.first.native_handle();
  mioext::pipe_reader moved(std::move(ends.first));
  BOOST_TEST(!ends.first.is_open());
  BOOST_TEST(moved.native_handle() == fd);
  mioext::pipe_reader& same = moved;
  moved = std::move(same);
  BOOST_TEST(moved.native_handle() == fd);
  ends.first.assign(moved.release());
  BOOST_TEST(ends.first.native_handle() == fd);
  BOOST_TEST(scope.count == 0);
  ends.first = mioext::pipe_reader();
  BOOST_TEST(!test::is_descriptor(fd));
  BOOST_TEST(scope.closed == fd);
  BOOST_TEST(scope.was_open);
  BOOST_TEST(scope.count == 1);
}

BOOST_AUTO_TEST_CASE(an_adopted_descriptor_becomes_non_blocking_and_close_on_exec) {
  test::raw_pipe raw;
  BOOST_TEST(!test::is_prepared(raw.reader()));
  mioext::pipe_reader reader(raw.release_reader());
  mioext::pipe_writer writer;
  error_code ec = error::fault;
  int const fd = raw.writer();
  writer.assign(fd, ec);
  BOOST_TEST(!ec);
  raw.release_writer();
  BOOST_TEST(test::is_prepared(reader.native_handle()));
  BOOST_TEST(test::is_prepared(writer.native_handle()));

  test::raw_pipe other;
  reader.assign(other.reader(), ec);
  BOOST_TEST(ec == error::already_open);
  BOOST_TEST(!test::is_prepared(other.reader()));
  BOOST_TEST(test::error_of([] { mioext::pipe_writer none(-1); }) == error::bad_descriptor);
}

BOOST_AUTO_TEST_CASE(an_end_can_be_made_blocking_and_the_other_one_stays_as_it_is) {
  auto ends = mioext::pipe();
  auto const is_blocking = [](int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0; };
  BOOST_TEST(ends.first.native_non_blocking());
  BOOST_TEST(ends.second.native_non_blocking());
  ends.first.native_non_blocking(false);
  BOOST_TEST(!ends.first.native_non_blocking());
  BOOST_TEST(is_blocking(ends.first.native_handle()));
  BOOST_TEST(!is_blocking(ends.second.native_handle()));
  error_code ec = error::fault;
  ends.first.native_non_blocking(true, ec);
  BOOST_TEST(!ec);
  BOOST_TEST(test::is_prepared(ends.first.native_handle()));
  ends.second.native_non_blocking(false, ec);
  BOOST_TEST(!ec);
  BOOST_TEST(is_blocking(ends.second.native_handle()));
  BOOST_TEST((::fcntl(ends.second.native_handle(), F_GETFD) & FD_CLOEXEC) != 0); // still
  BOOST_TEST(test::is_prepared(ends.first.native_handle()));
}

BOOST_AUTO_TEST_CASE(a_closed_end_is_neither_blocking_nor_not) {
  mioext::pipe_reader reader;
  mioext::pipe_writer writer;
  error_code ec;
  for (bool mode : {false, true}) {
    reader.native_non_blocking(mode, ec);
    BOOST_TEST(ec == error::bad_descriptor);
    writer.native_non_blocking(mode, ec);
    BOOST_TEST(ec == error::bad_descriptor);
    BOOST_TEST(test::error_of([&] { reader.native_non_blocking(mode); }) == error::bad_descriptor);
    BOOST_TEST(test::error_of([&] { writer.native_non_blocking(mode); }) == error::bad_descriptor);
  }
  BOOST_TEST(!reader.native_non_blocking());
  BOOST_TEST(!writer.native_non_blocking());
}

// cat takes EAGAIN for an error: "Resource temporarily unavailable".
BOOST_AUTO_TEST_CASE(a_child_reads_and_writes_blocking_ends) {
  auto input = mioext::pipe();
  auto output = mioext::pipe();
  input.first.native_non_blocking(false);
  output.second.native_non_blocking(false);
  ::pid_t const child = ::fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(input.first.native_handle(), STDIN_FILENO); // which is not closed by exec
    ::dup2(output.second.native_handle(), STDOUT_FILENO);
    ::execlp("cat", "cat", static_cast<char*>(nullptr));
    ::_exit(127);
  }
  input.first.close();
  output.second.close();
  std::string text;
  auto const take = [&] {
    char block[64];
    error_code ec;
    test::wait_for(output.first, POLLIN);
    std::size_t const size = output.first.read_some(buffer(block), ec);
    text.append(block, size);
    return size;
  };
  BOOST_TEST(input.second.write_some(buffer("one ", 4)) == 4u);
  while (text.size() < 4 && take() != 0) {
  }
  BOOST_TEST(text == "one "); // it has waited, and goes on to wait
  BOOST_TEST(input.second.write_some(buffer("two", 3)) == 3u);
  input.second.close();
  while (take() != 0) {
  }
  BOOST_TEST(text == "one two");
  int status = -1;
  BOOST_TEST(::waitpid(child, &status, 0) == child);
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_CASE(a_pipe_without_reader_is_broken_and_raises_no_signal) {
  default_sigpipe const disposition;
  auto ends = mioext::pipe();
  ends.first.close();
  std::array<boost::asio::const_buffer, 2> const two = {{buffer("x", 1), buffer("y", 1)}};
  error_code ec;
  BOOST_TEST(!sigpipe_is_blocked());
  BOOST_TEST(ends.second.write_some(buffer("x", 1), ec) == 0u);
  BOOST_TEST(ec == error::broken_pipe);
  BOOST_TEST(ends.second.write_some(two, ec) == 0u);
  BOOST_TEST(ec == error::broken_pipe);
  BOOST_TEST(test::error_of([&] { ends.second.write_some(two); }) == error::broken_pipe);
  BOOST_TEST(!sigpipe_is_blocked());
}

BOOST_AUTO_TEST_CASE(a_blocked_sigpipe_stays_blocked_and_does_not_become_pending) {
  default_sigpipe const disposition;
  blocked_sigpipe blocked;
  auto ends = mioext::pipe();
  ends.first.close();
  error_code ec;
  ends.second.write_some(buffer("x", 1), ec);
  BOOST_TEST(ec == error::broken_pipe);
  BOOST_TEST(sigpipe_is_blocked());
  BOOST_TEST(!blocked.take());
}

BOOST_AUTO_TEST_CASE(a_sigpipe_that_was_pending_before_stays_pending) {
  default_sigpipe const disposition;
  blocked_sigpipe blocked;
  BOOST_REQUIRE(::pthread_kill(::pthread_self(), SIGPIPE) == 0);
  auto ends = mioext::pipe();
  ends.first.close();
  error_code ec;
  ends.second.write_some(buffer("x", 1), ec);
  BOOST_TEST(ec == error::broken_pipe);
  BOOST_TEST(sigpipe_is_blocked());
  BOOST_TEST(blocked.take());
  BOOST_TEST(!blocked.take());
}

BOOST_AUTO_TEST_CASE(a_successful_write_leaves_the_signal_mask_alone) {
  auto ends = mioext::pipe();
  BOOST_TEST(!sigpipe_is_blocked());
  ends.second.write_some(buffer("x", 1));
  BOOST_TEST(!sigpipe_is_blocked());
}

BOOST_AUTO_TEST_SUITE_END()
