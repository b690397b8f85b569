//
// bench/wait_instructions.cpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// How many instructions, in the program, it costs to wait in an io_context for a descriptor that somebody
// else owns and that is ready: one with a small number, and one with a large number. (Each such wait may
// have to be looked for now and then, because its descriptor can be closed unheard; it must not cost a
// look at all numbers below.)
//
// And what an event costs of a descriptor that is read for a long time: a byte is written, waited for and
// read, again and again, by waits of Asio's and of mioext's, and by a watcher.
//
// The program calls itself under valgrind: wait_instructions wait NUMBER WAITS, and wait_instructions
// event WORK EVENTS.
//

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <mioext/async_wait.hpp>
#include <mioext/pipe.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/watcher.hpp>

#include "harness.hpp"
#include "own_instructions.hpp"

namespace {

using boost::system::error_code;

int wait_often(std::string const& number, std::string const& waits) {
  auto const ends = mioext::pipe();
  int const fd = ::fcntl(ends.second.native_handle(), F_DUPFD_CLOEXEC, std::stoi(number));
  if (fd < 0) {
    throw std::runtime_error("there is no such descriptor to be had");
  }
  boost::asio::io_context context(1);
  std::uint64_t const count = std::stoull(waits);
  std::uint64_t ready = 0;
  for (std::uint64_t begun = 0; begun != count; ++begun) {
    mioext::async_wait(context, fd, mioext::interest::writable,
                       [&ready](error_code const& ec) { ready += !ec; });
    context.run();
    context.restart();
  }
  ::close(fd);
  if (ready != count) {
    throw std::runtime_error("a wait for what is ready did not end");
  }
  return 0;
}

// --- Events of one descriptor ------------------------------------------------------------------------

using mioext::selector_context;

/// As one thread runs it.
struct io_context : boost::asio::io_context {
  io_context() : boost::asio::io_context(1) {}
};

/// A pipe through which a byte goes so often.
class bytes {
public:
  explicit bytes(std::uint64_t count) : left_(count) { write(); }

  int fd() const { return ends_.first.native_handle(); }

  /// Reads the byte, and writes the next one. Returns false after the last one.
  bool next(error_code const& ec) {
    char byte;
    if (ec || ::read(fd(), &byte, 1) != 1) {
      throw std::runtime_error("what was reported is not there");
    }
    if (--left_ == 0) {
      return false;
    }
    write();
    return true;
  }

  bool have_come() const { return left_ == 0; }

private:
  void write() {
    if (::write(ends_.second.native_handle(), "x", 1) != 1) {
      throw std::runtime_error("a byte has no room");
    }
  }

  std::pair<mioext::pipe_reader, mioext::pipe_writer> ends_ = mioext::pipe();
  std::uint64_t left_;
};

/// By Asio's descriptor.
template <class Context> class asio_waits {
public:
  asio_waits(Context& context, bytes& read) : read_(read), descriptor_(context, ::dup(read.fd())) {
    next();
  }

private:
  void next() {
    descriptor_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                           [this](error_code const& ec) {
                             if (read_.next(ec)) {
                               next();
                             }
                           });
  }

  bytes& read_;
  boost::asio::posix::basic_stream_descriptor<typename Context::executor_type> descriptor_;
};

template <class Context> class waits {
public:
  waits(Context& context, bytes& read) : context_(context), read_(read) { next(); }

private:
  void next() {
    mioext::async_wait(context_, read_.fd(), mioext::interest::readable,
                       [this](error_code const& ec) {
                         if (read_.next(ec)) {
                           next();
                         }
                       });
  }

  Context& context_;
  bytes& read_;
};

template <class Context> class watch {
public:
  watch(Context& context, bytes& read) : read_(read), watcher_(context) {
    watcher_.watch(read.fd(), mioext::interest::readable,
                   [this](error_code const& ec, mioext::interest) {
                     if (!read_.next(ec)) {
                       watcher_.stop();
                     }
                   });
  }

private:
  bytes& read_;
  mioext::basic_watcher<typename Context::executor_type> watcher_;
};

template <class Context, template <class> class Work> void read_all(std::uint64_t count) {
  bytes read(count);
  Context context;
  Work<Context> const work(context, read);
  context.run();
  if (!read.have_come()) {
    throw std::runtime_error("an event did not come");
  }
}

struct work {
  char const* name;
  void (*function)(std::uint64_t);
};

work const works[] = {
    {"Asio's async_wait", read_all<io_context, asio_waits>},
    {"async_wait, io_context", read_all<io_context, waits>},
    {"watcher, io_context", read_all<io_context, watch>},
    {"async_wait, selector_context", read_all<selector_context, waits>},
    {"watcher, selector_context", read_all<selector_context, watch>},
};

bench::comparison compare_events() {
  bench::comparison all("events of a descriptor that is read for a long time", "instructions/event",
                        bench::better::less);
  std::string number = "0";
  for (work const& each : works) {
    all.add(each.name,
            [number] { return bench::own_instructions_each("event " + number, 2000, 6000); });
    ++number[0];
  }
  all.require("watcher, io_context", bench::ahead_of("async_wait, io_context"));
  all.require("watcher, selector_context", bench::at_most_ratio(0.65));
  return all;
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string(argv[1]) == "wait") {
    return wait_often(argv[2], argv[3]);
  }
  if (argc == 4 && std::string(argv[1]) == "event") {
    works[std::stoul(argv[2])].function(std::stoull(argv[3]));
    return 0;
  }
  bench::run run("wait_instructions", argc, argv);
  bench::comparison all("waits for a descriptor that is ready", "instructions/wait",
                        bench::better::less);
  for (std::string const number : {"20", "900"}) {
    all.add("descriptor " + number,
            [=] { return bench::own_instructions_each("wait " + number, 2000, 6000); });
  }
  all.require("descriptor 900", bench::at_most_ratio(1.05));
  run.compare(all.exact());
  run.compare(compare_events().exact());
  return run.finish();
}
