//
// test/fuzz/event_loop.cpp
// ------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An event loop does what the input says, from outside and from inside its handler, beside a model that
// knows what it has promised: an input that breaks a promise aborts, and says which.
//
// What is checked: nothing is delivered for a registration that has ended, nor for a direction that it
// did not ask for; what was written is reported, and in the end whatever poll(2) says is ready; a connect
// has one outcome, first of all, and it is true; timers fire once, never early, in the order of their
// times, and late by one tick at the most; the loop's clock stands still in a tick and never goes back;
// messages come in order; shutdown ends a run; no descriptor is left.
//

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/socket_base.hpp>

#include <mioext/event_loop.hpp>
#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>

#include "model.hpp"

namespace {

using namespace fuzz;
using boost::asio::generic::stream_protocol;
using boost::asio::ip::tcp;
using boost::system::error_code;
using local = boost::asio::local::stream_protocol;
using mioext::interest;
using mioext::trigger;
using clock = std::chrono::steady_clock;

/// A descriptor that the loop watches, or may, and what is at its other end.
struct slot {
  mioext::basic_stream_socket<stream_protocol> near;
  int far = -1;
  bool is_tcp = false;
  bool has_duplicate = false;

  // What the loop was told last; without a token nothing.
  std::size_t token = 0;
  interest wanted = interest::readable;
  trigger how = trigger::edge;
  bool is_armed = false;
  bool is_connecting = false;
  bool must_be_readable = false; // something was written, of which nothing is told yet
  bool must_be_writable = false; // there was room when that was asked for
  bool is_told = false;          // for the last check
};

struct listener {
  mioext::basic_socket_acceptor<stream_protocol> acceptor;
  stream_protocol::endpoint endpoint;
  int connects = 0;
  std::vector<int> queued; // what fills its backlog
};

struct timer_model {
  mioext::timeout set;
  clock::time_point due;     // at the earliest
  clock::time_point latest;  // so late the loop may take it to be due
  std::size_t place = 0;     // in the order in which they were set
  std::size_t old_place = 0; // the one before it was set anew, which it may have kept
  std::size_t reset_in = 0;  // the tick whose timers were being called when it was set anew
};

constexpr std::chrono::milliseconds timer_tick(1);

constexpr unsigned slot_count = 6;
constexpr std::size_t most_operations = 150;

class session final : public mioext::basic_handler<mioext::token, int> {
public:
  session(std::uint8_t const* data, std::size_t size) : input_(data, size), loop_(config()) {}

  ~session() override {
    for (slot& each : slots_) {
      close_far(each);
    }
    for (int const fd : kept_) {
      ::close(fd);
    }
    for (auto& each : listeners_) {
      for (int const fd : each->queued) {
        ::close(fd);
      }
    }
  }

  void run() {
    for (std::size_t count = 0; count != most_operations && !input_.empty(); ++count) {
      is_inside_ = false;
      operate(false);
    }
    finish();
  }

  // --- What the loop says

  void readable(loop_type&, mioext::token name, mioext::read_hint) override {
    trace("readable %zu\n", name.value());
    slot& told = registered(name);
    require(!told.is_connecting, "nothing comes before the outcome of a connect");
    require(contains(told.wanted, interest::readable), "only what was asked for is told");
    told.must_be_readable = false;
    told.is_told = true;
    fired(told);
    called();
  }

  void writable(loop_type&, mioext::token name) override {
    trace("writable %zu\n", name.value());
    slot& told = registered(name);
    told.is_told = true;
    told.must_be_writable = false;
    if (told.is_connecting) {
      told.is_connecting = false;
      if (!told.near.take_error()) {
        ::sockaddr_storage peer;
        ::socklen_t size = sizeof peer;
        require(::getpeername(told.near.native_handle(), reinterpret_cast<::sockaddr*>(&peer),
                              &size) == 0,
                "a connect that has worked has connected the socket");
      }
      if (contains(told.wanted, interest::writable)) {
        fired(told);
      }
    } else {
      require(contains(told.wanted, interest::writable), "only what was asked for is told");
      fired(told);
    }
    called();
  }

  void timer(loop_type&, mioext::token name) override {
    auto const known = timers_.find(name.value());
    require(known != timers_.end(), "a timer fires once, and not after it was cleared");
    timer_model const fired = known->second;
    require(clock::now() >= fired.due, "a timer is never early");
    require(ask_now() >= fired.due, "the loop knows a timer to be due by its own clock");
    require(fired.reset_in != tick_ || is_in_run_,
            "a timer that is set anew waits for the next tick");
    timers_.erase(known);
    for (auto const& each : timers_) {
      require(!comes_before(each.second, fired), "timers fire in the order of their times");
    }
    has_ended(fired);
    is_in_timers_ = true;
    called();
    is_in_timers_ = false;
  }

  void notify(loop_type&, int message) override {
    require(!messages_.empty() && messages_.front() == message, "messages come in order");
    messages_.pop_front();
    called();
  }

private:
  struct thrown_by_handler {};

  static mioext::event_loop_config config() {
    mioext::event_loop_config made;
    made.event_capacity = 3; // so that batches are full
    made.message_capacity = 8;
    made.messages_per_tick = 3;
    made.timer_wheel_size = 4;
    made.timer_capacity = 4;
    made.timer_tick = timer_tick;
    return made;
  }

  slot& registered(mioext::token name) {
    for (slot& each : slots_) {
      if (each.token != 0 && each.token == name.value()) {
        return each;
      }
    }
    broken("nothing is told of a registration that has ended");
  }

  void fired(slot& told) {
    if (contains(told.how, trigger::oneshot)) {
      told.is_armed = false;
    }
  }

  /// The handler was called: it does something, too.
  void called() {
    if (is_finishing_) {
      return;
    }
    if (throws_next_) {
      throws_next_ = false;
      throw thrown_by_handler();
    }
    if (!input_.empty() && operations_inside_ != 60) {
      ++operations_inside_;
      is_inside_ = true;
      operate(true);
      is_inside_ = depth_ != 0;
    }
  }

  // --- What the input says

  void operate(bool is_inside) {
    unsigned const first = input_.take();
    unsigned const what = first < 240 ? first % 24 : first % 8 + 24;
    bool const is_watching = first >= 120; // the same by watch(), or under the token
    unsigned const number = input_.take() % slot_count;
    slot& on = slots_[number];
    trace("%soperation %u on slot %u (descriptor %d, token %zu)\n", is_inside ? "  " : "", what,
          number, on.near.native_handle(), on.token);
    switch (what) {
    case 0:
      make_pair(on);
      break;
    case 1:
      make_tcp_pair(on);
      break;
    case 2:
      make_pipe(on);
      break;
    case 3:
    case 4:
      is_watching ? watch(on) : register_slot(on);
      break;
    case 5:
      is_watching ? watch_again(on) : reregister(on);
      break;
    case 6:
      is_watching ? deregister_token(on) : deregister(on);
      break;
    case 7:
      close_near(on);
      break;
    case 8:
      close_far(on);
      break;
    case 9:
    case 10:
      write_far(on);
      break;
    case 11:
      read_near(on);
      break;
    case 12:
      read_far(on);
      break;
    case 13:
      if (on.far >= 0) {
        ::shutdown(on.far, SHUT_WR);
      }
      break;
    case 14:
      reset_far(on);
      break;
    case 15:
      keep_a_duplicate(on);
      break;
    case 16:
      listen();
      break;
    case 17:
      connect(on);
      break;
    case 18:
      accept();
      break;
    case 19:
      set_timer();
      break;
    case 20:
      clear_timer();
      break;
    case 21:
      send();
      break;
    case 22:
      if (is_inside) {
        throws_next_ = true;
      } else {
        tick();
      }
      break;
    case 23:
      if (is_inside) {
        loop_.shutdown(); // for a run that comes later
        is_shutting_down_ = true;
      } else if (input_.take() % 4 == 0) {
        run_to_shutdown();
      } else {
        settle();
      }
      break;
    case 24:
      set_timer_at();
      break;
    case 25:
      reset_timer();
      break;
    case 26:
      use_ended_timer();
      break;
    case 27:
      ask_now();
      break;
    case 28:
      watch_for_nothing(on);
      break;
    case 29:
      watch_for_nothing_as_another(on);
      break;
    default:
      is_inside ? run_inside() : ask_for_next_timer();
    }
  }

  void make_pair(slot& on) {
    close_all(on);
    int fds[2];
    had(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
    on.far = fds[1];
    on.near.assign(stream_protocol(AF_UNIX, 0), fds[0]);
  }

  void make_tcp_pair(slot& on) {
    close_all(on);
    on.is_tcp = true;
    mioext::tcp_acceptor acceptor(fuzz::any_port());
    mioext::tcp_socket near;
    error_code ec;
    near.connect(acceptor.local_endpoint(), ec);
    ::pollfd waiting = {acceptor.native_handle(), POLLIN, 0};
    had(::poll(&waiting, 1, 1000) - 1);
    on.far = acceptor.accept().release();
    on.near.assign(stream_protocol(AF_INET, 0), near.release());
  }

  /// Its reading end. (The library's socket serves as an owner here, which reads nothing itself.)
  void make_pipe(slot& on) {
    close_all(on);
    int fds[2];
    had(::pipe2(fds, O_NONBLOCK | O_CLOEXEC));
    on.far = fds[1];
    on.near.assign(stream_protocol(AF_UNIX, 0), fds[0]);
  }

  interest any_interest() {
    switch (input_.take() % 3) {
    case 0:
      return interest::readable;
    case 1:
      return interest::writable;
    default:
      return interest::readable | interest::writable;
    }
  }

  trigger any_trigger() {
    switch (input_.take() % 4) {
    case 0:
      return trigger::edge;
    case 1:
      return trigger::level;
    case 2:
      return trigger::edge | trigger::oneshot;
    default:
      return trigger::level | trigger::oneshot;
    }
  }

  void register_slot(slot& on) {
    interest const wanted = any_interest();
    trigger const how = any_trigger();
    std::size_t const name = ++last_token_;
    error_code ec;
    loop_.register_handle(on.near, mioext::token(name), wanted, how, ec);
    require(!ec == (on.near.is_open() && on.token == 0),
            "what can be registered is, and nothing else");
    if (!ec) {
      enter(on, name, wanted, how);
      on.is_connecting = false;
      on.must_be_readable =
          false; // it may have been read by somebody meanwhile: see the last check
    }
  }

  void reregister(slot& on) {
    interest const wanted = any_interest();
    trigger const how = any_trigger();
    std::size_t const name = ++last_token_;
    error_code ec;
    loop_.reregister_handle(on.near, mioext::token(name), wanted, how, ec);
    require(!ec == (on.token != 0),
            "what is registered can be registered otherwise, and nothing else");
    if (!ec) {
      enter(on, name, wanted, how);
      on.must_be_readable = on.must_be_readable && contains(wanted, interest::readable);
    }
  }

  static void enter(slot& on, std::size_t name, interest wanted, trigger how) {
    on.token = name;
    on.wanted = wanted;
    on.how = how;
    on.is_armed = true;
    on.is_told = false;
    ::pollfd polled = {on.near.native_handle(), POLLOUT, 0};
    on.must_be_writable = contains(wanted, interest::writable) && ::poll(&polled, 1, 0) == 1 &&
                          (polled.revents & POLLOUT) != 0;
  }

  static void leave(slot& on) {
    on.token = 0;
    on.is_armed = on.is_connecting = on.must_be_readable = on.must_be_writable = false;
  }

  void deregister(slot& on) {
    error_code ec;
    loop_.deregister_handle(on.near, ec);
    require(!ec == (on.token != 0), "what is registered can be deregistered, and nothing else");
    leave(on);
  }

  void watch(slot& on) {
    interest const wanted = any_interest();
    trigger const how = any_trigger();
    std::size_t const name = ++last_token_;
    error_code ec;
    loop_.watch(on.near, mioext::token(name), wanted, how, ec);
    require(!ec == on.near.is_open(), "what is open can be watched, and nothing else");
    if (!ec) {
      on.is_connecting = on.is_connecting && on.token != 0;
      on.must_be_readable =
          on.must_be_readable && on.token != 0 && contains(wanted, interest::readable);
      enter(on, name, wanted, how);
    }
  }

  void watch_again(slot& on) {
    if (on.token != 0 && on.is_armed) {
      error_code ec;
      loop_.watch(on.near, mioext::token(on.token), on.wanted, on.how, ec);
      require(!ec, "nothing is to be changed");
    }
  }

  void watch_for_nothing(slot& on) {
    std::size_t const name = on.token != 0 ? on.token : last_token_ + 1;
    error_code ec;
    loop_.watch(on.near, mioext::token(name), interest::none, any_trigger(), ec);
    require(!ec, "to watch for nothing has no errors");
    leave(on);
  }

  void watch_for_nothing_as_another(slot& on) {
    error_code ec;
    loop_.watch(on.near, mioext::token(last_token_ + 1), interest::none, any_trigger(), ec);
    require(!ec, "to watch for nothing has no errors");
  }

  void deregister_token(slot& on) {
    require(!loop_.deregister_handle(on.near, mioext::token(last_token_ + 1)),
            "what has another token stays registered");
    if (on.token != 0) {
      require(loop_.deregister_handle(on.near, mioext::token(on.token)),
              "what is registered can be deregistered under its token");
      leave(on);
    }
  }

  void close_near(slot& on) {
    // A handler that closes a handle tells the loop so. Outside of one, a handle whose file a duplicate
    // keeps open is to be deregistered first (see event_loop.hpp, Limits).
    if (on.token != 0 && on.has_duplicate && !is_inside_) {
      deregister(on);
    }
    error_code ignored;
    on.near.close(ignored);
    leave(on);
    on.has_duplicate = false;
  }

  static void close_far(slot& on) {
    if (on.far >= 0) {
      ::close(on.far);
      on.far = -1;
    }
  }

  void close_all(slot& on) {
    close_far(on);
    close_near(on);
    on.is_tcp = false;
  }

  void write_far(slot& on) {
    static char const bytes[4096] = {};
    std::size_t const size = 1 + input_.take() * 16;
    if (on.far >= 0 && ::write(on.far, bytes, size) > 0 && on.is_armed && !on.is_connecting &&
        contains(on.wanted, interest::readable)) {
      // That a connection over TCP has been reset can make it unreadable in between.
      on.must_be_readable = !on.is_tcp;
    }
  }

  void read_near(slot& on) {
    char bytes[4096];
    std::size_t const size = 1 + input_.take() * 16;
    // (Of a connect that has failed, a read would take the error.)
    if (on.near.is_open() && !on.is_connecting &&
        ::read(on.near.native_handle(), bytes, size) >= 0) {
      on.must_be_readable = false;
    }
  }

  static void read_far(slot& on) {
    char bytes[4096];
    if (on.far >= 0) {
      static_cast<void>(::read(on.far, bytes, sizeof bytes) < 0);
    }
  }

  static void reset_far(slot& on) {
    if (on.far >= 0) {
      reset(on.far);
      on.far = -1;
    }
  }

  void keep_a_duplicate(slot& on) {
    if (on.near.is_open() && kept_.size() < 20) {
      kept_.push_back(had(::fcntl(on.near.native_handle(), F_DUPFD_CLOEXEC, 0)));
      on.has_duplicate = true;
    }
  }

  /// A listener over TCP, or a Unix one that may have no room, or an address where nobody listens.
  void listen() {
    if (listeners_.size() == 4) {
      return;
    }
    unsigned const kind = input_.take() % 4;
    std::unique_ptr<listener> made(new listener);
    if (kind % 2 == 0) {
      mioext::tcp_acceptor acceptor(tcp::v4());
      acceptor.bind(fuzz::any_port());
      made->endpoint = acceptor.local_endpoint();
      made->acceptor.assign(stream_protocol(AF_INET, 0), acceptor.release());
      if (kind == 0) {
        made->acceptor.listen(32);
      }
    } else {
      mioext::unix_acceptor acceptor;
      acceptor.open();
      ::sockaddr any = {};
      any.sa_family = AF_UNIX;
      had(::bind(acceptor.native_handle(), &any, sizeof any.sa_family));
      acceptor.listen(kind == 1 ? 0 : 8);
      made->endpoint = acceptor.local_endpoint();
      made->acceptor.assign(stream_protocol(AF_UNIX, 0), acceptor.release());
      if (kind == 1) {
        fill_backlog(made->endpoint, made->queued);
      }
    }
    listeners_.push_back(std::move(made));
  }

  void connect(slot& on) {
    if (listeners_.empty()) {
      return;
    }
    listener& to = *listeners_[input_.take() % listeners_.size()];
    if (to.connects == 24) {
      return; // over TCP, one for which there is no room would wait for seconds
    }
    ++to.connects;
    close_all(on);
    interest const wanted = any_interest();
    trigger const how = any_trigger();
    std::size_t const name = ++last_token_;
    error_code ec;
    loop_.connect(on.near, to.endpoint, mioext::token(name), wanted, how, ec);
    if (!ec) {
      enter(on, name, wanted, how);
      on.is_connecting = true;
    } else {
      loop_.deregister_handle(on.near, ec);
      require(!!ec, "a connect that fails at once leaves nothing registered");
    }
  }

  void accept() {
    if (listeners_.empty() || kept_.size() > 40) {
      return;
    }
    accept_from(*listeners_[input_.take() % listeners_.size()]);
  }

  void accept_from(listener& from) {
    error_code ec;
    int const fd = from.acceptor.accept(ec).release(ec);
    if (fd >= 0) {
      kept_.push_back(fd);
    }
  }

  // --- Timers

  std::chrono::microseconds any_delay() { return std::chrono::microseconds(input_.take() * 16); }

  /// Before or after the loop's own clock, or never.
  clock::time_point any_time() {
    unsigned const kind = input_.take() % 8;
    auto const delay = any_delay();
    return kind == 7 ? clock::time_point::max() : kind == 6 ? ask_now() - delay : ask_now() + delay;
  }

  void set_timer() {
    if (timers_.size() < 20) {
      std::size_t const name = ++last_token_;
      auto const delay = any_delay();
      clock::time_point const now = clock::now();
      is_set(name, loop_.timer(delay, mioext::token(name)), now + delay, clock::now() + delay);
    }
  }

  void set_timer_at() {
    if (timers_.size() < 20) {
      std::size_t const name = ++last_token_;
      clock::time_point const due = any_time();
      is_set(name, loop_.timer_at(due, mioext::token(name)), due, due);
    }
  }

  void is_set(std::size_t name, mioext::timeout set, clock::time_point due,
              clock::time_point latest) {
    timer_model& made = timers_[name];
    made.set = set;
    made.due = due;
    made.latest = std::max(latest, clock::now());
    made.place = made.old_place = ++last_place_;
  }

  std::map<std::size_t, timer_model>::iterator any_timer() {
    return std::next(timers_.begin(), static_cast<std::ptrdiff_t>(input_.take() % timers_.size()));
  }

  void reset_timer() {
    if (!timers_.empty()) {
      timer_model& changed = any_timer()->second;
      if (input_.take() % 2) {
        auto const delay = any_delay();
        changed.due = clock::now() + delay;
        require(loop_.reset_timer(changed.set, delay), "a timer that is pending can be set anew");
        changed.latest = clock::now() + delay;
      } else {
        changed.due = any_time();
        require(loop_.reset_timer(changed.set, changed.due),
                "a timer that is pending can be set anew");
        changed.latest = std::max(changed.due, clock::now());
      }
      changed.old_place = std::min(changed.old_place, changed.place);
      changed.place = ++last_place_;
      changed.reset_in = is_in_timers_ ? tick_ : 0;
    }
  }

  void clear_timer() {
    if (!timers_.empty()) {
      auto const cleared = any_timer();
      require(loop_.clear_timer(cleared->second.set), "a timer that has not fired can be cleared");
      has_ended(cleared->second);
      timers_.erase(cleared);
    }
  }

  void has_ended(timer_model const& ended) {
    ended_timers_[ended.place % ended_timers_.size()] = ended.set;
  }

  void use_ended_timer() {
    mioext::timeout const ended = ended_timers_[input_.take() % ended_timers_.size()];
    require(!loop_.reset_timer(ended, std::chrono::seconds(0)), "what has ended is not set anew");
    require(!loop_.reset_timer(ended, clock::now()), "what has ended is not set anew");
    require(!loop_.clear_timer(ended), "what has ended is not cleared");
  }

  /// Whether `first` has to fire before `second`. Where both fall into one tick of the clock, or are past
  /// when they are set, they fire in the order in which they were set.
  bool comes_before(timer_model const& first, timer_model const& second) const {
    return first.latest <= second.due && first.place < second.old_place;
  }

  /// What the loop says, which is the same in all calls of a tick.
  clock::time_point ask_now() {
    clock::time_point const before = clock::now();
    clock::time_point const said = loop_.now();
    require(said <= clock::now(), "the loop's clock is not ahead");
    require(said >= last_now_, "the loop's clock never goes back");
    require(is_inside_handler_ || said >= before, "outside of handlers the clock is read");
    require(!is_inside_handler_ || is_in_run_ || asked_in_ != tick_ || said == last_now_,
            "the loop's clock stands still in a tick");
    asked_in_ = is_inside_handler_ ? tick_ : 0;
    last_now_ = said;
    return said;
  }

  void ask_for_next_timer() {
    clock::time_point const before = clock::now();
    std::chrono::nanoseconds const time = loop_.time_to_next_timer();
    for (auto const& each : timers_) {
      if (each.second.due != clock::time_point::max()) {
        require(time <= std::max<std::chrono::nanoseconds>(each.second.latest + timer_tick - before,
                                                           timer_tick * 0),
                "another loop is told of the next timer");
      }
    }
  }

  void send() {
    error_code ec;
    bool const was_sent = loop_.channel().send(++last_message_, ec);
    require(was_sent || messages_.size() >= 8, "a message is refused only if the queue is full");
    if (was_sent) {
      messages_.push_back(last_message_);
    }
  }

  // --- Running

  std::size_t tick() {
    ++tick_;
    clock::time_point const before = clock::now();
    is_inside_handler_ = true; // whoever asks
    std::size_t calls = 1;
    try {
      calls = loop_.run_once(*this, std::chrono::seconds(0));
    } catch (thrown_by_handler const&) {
    }
    is_inside_handler_ = is_in_timers_ = false;
    for (auto const& each : timers_) {
      clock::time_point const due = each.second.due;
      require(calls != 0 || due == clock::time_point::max() ||
                  each.second.latest + timer_tick > before,
              "a timer is late by one tick at the most");
    }
    return calls;
  }

  /// A handler that runs a tick of its own.
  void run_inside() {
    if (depth_ == 2) {
      return;
    }
    bool const was_in_timers = is_in_timers_;
    ++depth_;
    tick();
    --depth_;
    is_inside_ = is_inside_handler_ = true;
    is_in_timers_ = was_in_timers;
    ++tick_; // whose clock may be another one
  }

  void settle() {
    for (int ticks = 0; ticks != 60; ++ticks) {
      if (tick() == 0) {
        break;
      }
    }
    if (is_quiet()) {
      for (slot const& each : slots_) {
        require(!each.must_be_readable, "what was written is told");
        require(!each.must_be_writable || each.is_connecting, "that there is room is told");
      }
    }
  }

  /// The loop has nothing more to say: nothing is level-triggered, and a tick calls nobody.
  bool is_quiet() { return tick() == 0; }

  void run_to_shutdown() {
    loop_.shutdown();
    is_shutting_down_ = true;
    for (int tries = 0; is_shutting_down_; ++tries) {
      require(tries != 100, "a shutdown ends a run");
      try {
        is_in_run_ = is_inside_handler_ = true;
        loop_.run(*this);
        is_shutting_down_ = false;
      } catch (thrown_by_handler const&) {
      }
      is_in_run_ = is_inside_handler_ = is_in_timers_ = false;
    }
  }

  // --- The end: what has to have come, comes now

  template <class Condition> void run_until(Condition condition, char const* promise) {
    clock::time_point const deadline = clock::now() + std::chrono::seconds(10);
    while (!condition()) {
      require(clock::now() < deadline, promise);
      ++tick_;
      is_inside_handler_ = true;
      loop_.run_once(*this, std::chrono::milliseconds(1));
      is_inside_handler_ = is_in_timers_ = false;
    }
  }

  bool is_connecting() const {
    for (slot const& each : slots_) {
      if (each.is_connecting) {
        return true;
      }
    }
    return false;
  }

  void finish() {
    throws_next_ = false;
    is_finishing_ = true;
    run_until(
        [this] {
          for (auto& each : listeners_) {
            accept_from(*each);
          }
          return !is_connecting();
        },
        "every connect has an outcome");
    for (auto each = timers_.begin(); each != timers_.end();) {
      bool const is_never = each->second.due == clock::time_point::max();
      require(!is_never || loop_.clear_timer(each->second.set),
              "a timer that has not fired can be cleared");
      each = is_never ? timers_.erase(each) : std::next(each);
    }
    run_until([this] { return timers_.empty(); }, "every timer fires");
    run_until([this] { return messages_.empty(); }, "every message comes");

    // Asked anew, the loop tells whatever is ready.
    std::vector<slot*> watched;
    for (slot& each : slots_) {
      if (each.token != 0) {
        std::size_t const name = ++last_token_;
        loop_.reregister_handle(each.near, mioext::token(name), each.wanted, each.how);
        enter(each, name, each.wanted, each.how);
        watched.push_back(&each);
      }
    }
    for (slot* const each : watched) {
      short const asked =
          static_cast<short>((contains(each->wanted, interest::readable) ? POLLIN : 0) |
                             (contains(each->wanted, interest::writable) ? POLLOUT : 0));
      ::pollfd polled = {each->near.native_handle(), asked, 0};
      if (::poll(&polled, 1, 0) == 1 && (polled.revents & asked) != 0) {
        run_until([each] { return each->is_told; }, "what is ready is told");
      }
    }
  }

  decisions input_;
  mioext::basic_event_loop<mioext::token, int> loop_;
  std::array<slot, slot_count> slots_;
  std::vector<std::unique_ptr<listener>> listeners_;
  std::vector<int> kept_;
  std::map<std::size_t, timer_model> timers_;
  std::array<mioext::timeout, 4> ended_timers_;
  std::size_t last_place_ = 0;
  std::size_t tick_ = 0;
  std::size_t asked_in_ = 0; // the tick in whose handlers the loop's clock was asked for last
  clock::time_point last_now_;
  std::deque<int> messages_;
  std::size_t last_token_ = 0;
  int last_message_ = 0;
  unsigned operations_inside_ = 0;
  unsigned depth_ = 0;
  bool is_inside_ = false;         // what the input says is done by the handler
  bool is_inside_handler_ = false; // a tick is under way
  bool is_in_timers_ = false;
  bool is_in_run_ = false;
  bool throws_next_ = false;
  bool is_shutting_down_ = false;
  bool is_finishing_ = false;
};

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  return fuzz::run<session>(data, size);
}
