//
// example/curl_multi.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Many downloads at a time, by libcurl's multi-socket interface in either kind of context. curl makes, keeps
// and closes its descriptors and says what it waits for; the loop watches them. Of each file that has arrived
// its CRC-32, its size and its URL are printed; of one that has not, the reason, as an error.
//
//   curl_multi [options] URL...
//     --parallel NUMBER      of downloads at a time, by default 16
//     --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
//

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include <curl/curl.h>

#include <boost/asio/io_context.hpp>
#include <boost/crc.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/async_event_loop.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/steady_timer.hpp>

#include "arguments.hpp"
#include "watch_library.hpp"

namespace asio = boost::asio;
using boost::system::error_code;

// One file on its way.
class transfer {
public:
  explicit transfer(std::string url) : url_(std::move(url)), easy_(::curl_easy_init()) {
    if (!easy_) {
      throw std::bad_alloc();
    }
    ::curl_easy_setopt(easy_.get(), CURLOPT_URL, url_.c_str());
    ::curl_easy_setopt(easy_.get(), CURLOPT_WRITEFUNCTION, &transfer::receive);
    ::curl_easy_setopt(easy_.get(), CURLOPT_WRITEDATA, this);
    ::curl_easy_setopt(easy_.get(), CURLOPT_FAILONERROR, 1L);
    ::curl_easy_setopt(easy_.get(), CURLOPT_FOLLOWLOCATION, 1L);
    ::curl_easy_setopt(easy_.get(), CURLOPT_MAXREDIRS, 10L);
    ::curl_easy_setopt(easy_.get(), CURLOPT_CONNECTTIMEOUT, 30L);
    ::curl_easy_setopt(easy_.get(), CURLOPT_LOW_SPEED_LIMIT, 1L); // byte a second,
    ::curl_easy_setopt(easy_.get(), CURLOPT_LOW_SPEED_TIME, 60L); // for so many seconds: given up
    ::curl_easy_setopt(easy_.get(), CURLOPT_NOSIGNAL, 1L);
  }

  CURL* easy() const { return easy_.get(); }
  std::string const& url() const { return url_; }
  std::uint64_t size() const { return size_; }
  std::uint32_t sum() const { return sum_.checksum(); }

private:
  struct clean_up {
    void operator()(CURL* easy) const { ::curl_easy_cleanup(easy); }
  };

  static std::size_t receive(char* data, std::size_t, std::size_t size, void* self) {
    static_cast<transfer*>(self)->sum_.process_bytes(data, size);
    static_cast<transfer*>(self)->size_ += size;
    return size;
  }

  std::string url_;
  std::uint64_t size_ = 0;
  boost::crc_32_type sum_;
  std::unique_ptr<CURL, clean_up> easy_;
};

// tag::handler[]
// The token of a descriptor is its number, that of curl's timer CURL_SOCKET_TIMEOUT.
class downloads final : public mioext::basic_handler<curl_socket_t> {
public:
  using loop = mioext::basic_async_event_loop<curl_socket_t>;

  void readable(loop_type&, curl_socket_t socket, mioext::read_hint) override {
    act(socket, CURL_CSELECT_IN);
  }
  void writable(loop_type&, curl_socket_t socket) override { act(socket, CURL_CSELECT_OUT); }
  void timer(loop_type&, curl_socket_t) override { act(CURL_SOCKET_TIMEOUT, 0); }
  // end::handler[]

  downloads(loop& watching, std::vector<std::string> urls, std::size_t most_at_a_time)
      : loop_(watching), urls_(std::move(urls)), most_at_a_time_(most_at_a_time),
        multi_(::curl_multi_init()) {
    if (!multi_) {
      throw std::bad_alloc();
    }
    ::curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &downloads::on_socket);
    ::curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
    ::curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &downloads::on_timer);
    ::curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
    begin_more();
  }

  downloads(downloads const&) = delete;
  downloads& operator=(downloads const&) = delete;

  ~downloads() override {
    for (auto const& running : running_) {
      ::curl_multi_remove_handle(multi_.get(), running.first);
    }
  }

  std::size_t arrived() const { return arrived_; }
  std::size_t failed() const { return failed_; }
  std::size_t total() const { return urls_.size(); }

  std::uint64_t bytes() const {
    std::uint64_t sum = bytes_;
    for (auto const& running : running_) {
      sum += running.second->size();
    }
    return sum;
  }

private:
  struct clean_up {
    void operator()(CURLM* multi) const { ::curl_multi_cleanup(multi); }
  };

  // tag::callbacks[]
  // curl waits for something else from now on. Called from inside curl's functions, so from
  // inside the loop's events as well, for the descriptor of the event or another.
  static int on_socket(CURL*, curl_socket_t socket, int what, void* data, void*) {
    downloads& self = *static_cast<downloads*>(data);
    bool const reads = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
    bool const writes = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
    return self.thrown_.keep_from([&] { self.loop_.watch(socket, socket, wanted(reads, writes)); })
               ? 0
               : -1;
  }

  // curl wants to be called after some time, and only then; with -1, not any more. (Not from
  // here: at 0, too, the timer is called by the loop.)
  static int on_timer(CURLM*, long milliseconds, void* data) {
    downloads& self = *static_cast<downloads*>(data);
    self.loop_.clear_timer(self.timeout_);
    bool const is_set = milliseconds < 0 || self.thrown_.keep_from([&] {
      self.timeout_ =
          self.loop_.timer(std::chrono::milliseconds(milliseconds), CURL_SOCKET_TIMEOUT);
    });
    return is_set ? 0 : -1;
  }

  void act(curl_socket_t socket, int ready) {
    int running = 0;
    check(::curl_multi_socket_action(multi_.get(), socket, ready, &running));
    collect();
  }
  // end::callbacks[]

  void check(CURLMcode code) {
    thrown_.rethrow();
    if (code != CURLM_OK) {
      throw std::runtime_error(::curl_multi_strerror(code));
    }
  }

  // Takes what has ended, and begins as many again.
  void collect() {
    int left = 0;
    while (CURLMsg const* const message = ::curl_multi_info_read(multi_.get(), &left)) {
      if (message->msg == CURLMSG_DONE) {
        // The message is gone with the handle.
        CURL* const easy = message->easy_handle;
        CURLcode const outcome = message->data.result;
        check(::curl_multi_remove_handle(multi_.get(), easy));
        auto const found = running_.find(easy);
        report(*found->second, outcome);
        running_.erase(found);
      }
    }
    begin_more();
  }

  void report(transfer const& ended, CURLcode outcome) {
    bytes_ += ended.size();
    if (outcome == CURLE_OK) {
      ++arrived_;
      std::cout << std::hex << std::setw(8) << std::setfill('0') << ended.sum() << std::dec << ' '
                << ended.size() << ' ' << ended.url() << std::endl;
    } else {
      ++failed_;
      std::cerr << ended.url() << ": " << ::curl_easy_strerror(outcome) << std::endl;
    }
  }

  void begin_more() {
    while (begun_ != urls_.size() && running_.size() < most_at_a_time_) {
      std::unique_ptr<transfer> next(new transfer(urls_[begun_++]));
      CURL* const easy = next->easy();
      running_.emplace(easy, std::move(next));
      check(::curl_multi_add_handle(multi_.get(), easy));
    }
    if (running_.empty()) {
      loop_.shutdown();
    }
  }

  loop& loop_; // outlives curl, which takes its descriptors back when it ends
  std::vector<std::string> const urls_;
  std::size_t const most_at_a_time_;
  std::size_t begun_ = 0;
  std::size_t arrived_ = 0;
  std::size_t failed_ = 0;
  std::uint64_t bytes_ = 0; // of what has ended
  mioext::timeout timeout_;
  exception_keeper thrown_;
  std::unique_ptr<CURLM, clean_up> multi_;
  std::map<CURL*, std::unique_ptr<transfer>> running_;
};

// Says five times a second how far it is, on one line of a terminal or else on lines.
class progress {
public:
  template <class Context>
  progress(Context& context, downloads const& shown) : timer_(context), shown_(shown) {
    wait();
  }

  void end() {
    timer_.cancel();
    has_ended_ = true;
    show('\n');
  }

private:
  void wait() {
    timer_.expires_after(std::chrono::milliseconds(200));
    timer_.async_wait([this](error_code const& ec) {
      if (!ec && !has_ended_) {
        show(::isatty(STDERR_FILENO) ? '\r' : '\n');
        wait();
      }
    });
  }

  void show(char end) const {
    std::cerr << shown_.arrived() << " of " << shown_.total() << " files, " << shown_.failed()
              << " failed, " << shown_.bytes() << " bytes" << end << std::flush;
  }

  mioext::steady_timer timer_;
  downloads const& shown_;
  bool has_ended_ = false;
};

// curl's own state, for as long as the program uses it.
struct curl_library {
  curl_library() {
    if (::curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
      throw std::runtime_error("curl_global_init failed");
    }
  }
  ~curl_library() { ::curl_global_cleanup(); }
  curl_library(curl_library const&) = delete;
  curl_library& operator=(curl_library const&) = delete;
};

// tag::download[]
template <class Context>
int download(Context& context, std::vector<std::string> const& urls, std::size_t most_at_a_time) {
  downloads::loop loop(context);
  downloads handler(loop, urls, most_at_a_time);
  progress shown(context, handler);
  bool const is_interrupted = run_until_signal(context, loop, handler, [&] { shown.end(); });
  return is_interrupted || handler.failed() != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
// end::download[]

int run(std::vector<std::string> const& given) {
  unsigned long parallel = 16;
  bool has_selector_context = false;
  std::vector<std::string> const urls =
      parse_options(given, {}, [&](std::string const& name, std::string const& value) {
        if (name == "--parallel") {
          parallel = parse_number(value, 1, 1000);
        } else if (name == "--context") {
          has_selector_context = parse_is_selector_context(value);
        } else {
          return false;
        }
        return true;
      });
  if (urls.empty()) {
    throw usage_error("no URL");
  }

  std::signal(SIGPIPE, SIG_IGN); // which curl leaves to the program with CURLOPT_NOSIGNAL
  curl_library library;
  if (has_selector_context) {
    mioext::selector_context context;
    return download(context, urls, parallel);
  }
  asio::io_context context(1);
  return download(context, urls, parallel);
}

char const* const usage = R"(curl_multi [options] URL...
  --parallel NUMBER      of downloads at a time, by default 16
  --context io|selector  Boost.Asio's io_context, by default, or mioext's selector_context
Downloads the files, and prints of each its CRC-32, its size and its URL.)";

int main(int argc, char* argv[]) { return run_program(argc, argv, usage, run); }
