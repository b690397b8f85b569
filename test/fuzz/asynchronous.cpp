//
// test/fuzz/asynchronous.cpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Streams, the asynchronous functions, timers, watchers and an asynchronous loop do what the input says, in
// an io_context, in one of which mioext knows that one thread runs it, and in a selector_context, from
// outside and from inside their handlers, and are cancelled, closed and destroyed in between. So does the
// context itself: functions are posted, throw, run it and stop it. An input that breaks a promise aborts,
// and says which.
//
// What is checked: each operation is completed once, and never from inside its initiating function, or
// dropped with the context and then not called; bytes arrive in order and none is lost, also by what was
// cancelled; an end by close or cancel is told as one, and there is none without one; a watcher tells what
// it watches for and nothing after it was stopped, keeps no callback then, and misses nothing, and so does a
// set of them; a timer's waits end in their order, never early, and as many are cancelled as it said; an
// operation with a limit ends by itself, and is not cancelled before; what is posted is called once and in
// its order; a context is stopped when it was told so or when nothing is pending, and calls nobody then;
// when nothing is pending, run() returns; no descriptor is left.
//

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/async_event_loop.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/cancel_after.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/selector_service.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/unix.hpp>
#include <mioext/watcher.hpp>
#include <mioext/watcher_set.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/defer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address_v4.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/asio/write.hpp>
#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
#include <boost/asio/cancellation_signal.hpp>
#endif

#include "model.hpp"

namespace {

using namespace fuzz;
namespace error = boost::asio::error;
using boost::asio::buffer;
using boost::asio::generic::stream_protocol;
using boost::asio::ip::tcp;
using boost::system::error_code;
using mioext::interest;
using any_socket = mioext::basic_stream_socket<stream_protocol>;
using any_stream = mioext::stream<any_socket>;

char byte_at(std::size_t position) {
  return static_cast<char>(static_cast<std::uint32_t>(position) * 2654435761u >> 24);
}

void fill(char* bytes, std::size_t size, std::size_t position) {
  for (std::size_t index = 0; index != size; ++index) {
    bytes[index] = byte_at(position + index);
  }
}

void require_bytes(char const* bytes, std::size_t size, std::size_t position) {
  for (std::size_t index = 0; index != size; ++index) {
    require(bytes[index] == byte_at(position + index), "each byte comes once and in its place");
  }
}

using clock = std::chrono::steady_clock;

/// One asynchronous operation.
struct operation {
  bool is_initiating = true;
  bool is_completed = false;
  bool is_cancelled = false; // through its slot
  bool is_of_loop =
      false; // its last turn may complete it, in which its handler may have stopped the context
  clock::time_point cancelled_at;
  clock::time_point limit = clock::time_point::max(); // of cancel_after and cancel_at
#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
  boost::asio::cancellation_signal cancellation;
#endif
};

/// A stream, and what went through it.
struct slot {
  std::shared_ptr<any_stream> stream; // shared with composed operations, which need it to their end
  int far = -1;
  bool is_reading = false;
  bool is_writing = false;
  bool is_connecting = false;
  bool is_broken = false; // reset, or closed with bytes under way: some may be lost with that
  std::size_t generation = 0;
  std::size_t cancels = 0; // how often its operations were cancelled
  std::size_t far_sent = 0;
  std::size_t received = 0;
  std::size_t sent = 0;
  std::size_t far_received = 0;
};

/// What a watcher was told to do. Its callback shares it.
struct watch {
  int fd = -1;
  interest wanted = interest::none;
  bool is_watched = false;     // until it is stopped, or its end is told
  bool is_called = false;      // now
  bool may_have_ended = false; // its descriptor was closed
  unsigned left = 20;          // so many calls, and then it is stopped: what is ready may stay so
  std::size_t calls = 0;
};

struct watching {
  mioext::watcher watcher;
  std::shared_ptr<watch> of;
};

/// The waits of a timer for one expiry time.
struct timer_waits {
  std::size_t cancelled = 0; // as the timer has said
  std::size_t aborted = 0;   // as they were told
  std::size_t last_told = 0;
  bool has_unsaid = false;  // it has cancelled without saying how many
  clock::time_point expiry; // of all of them
};

struct timer_wait {
  std::shared_ptr<operation> of;
  std::shared_ptr<timer_waits> with;
  std::size_t place = 0; // in the order in which they began
  bool began_before_expiry = false;
  bool must_abort = false; // it was cancelled before its time
  bool may_abort = false;
};

/// A timer, and those that wait for it, in their order.
struct timing {
  mioext::steady_timer timer;
  std::shared_ptr<timer_waits> with;
  std::deque<std::shared_ptr<timer_wait>> pending;
};

/// What a set of watchers watches.
struct member {
  interest wanted;
  bool may_have_ended;
  unsigned left;
};

struct thrown {};

constexpr unsigned timer_count = 3;
constexpr unsigned watcher_count = 3;
constexpr unsigned slot_count = 4;
constexpr std::size_t most_operations = 120;

using loop_type = mioext::basic_async_event_loop<mioext::token, int>;

/// One of which the service knows that one thread runs it, which looks again before it waits.
/// (Asio stops one that is run from inside a function that has posted others: it counts these too late.)
struct context_of_one_thread : boost::asio::io_context {
  context_of_one_thread() : boost::asio::io_context(1) {
    boost::asio::make_service<mioext::selector_service>(*this, 128u, 1);
  }
};

/// @tparam Context in which all of it happens
template <class Context> class session {
public:
  session(std::uint8_t const* data, std::size_t size) : input_(data, size), context_(new Context) {
    for (unsigned number = 0; number != watcher_count; ++number) {
      watchers_.push_back(watching{mioext::watcher(*context_), std::make_shared<watch>()});
    }
    for (unsigned number = 0; number != timer_count; ++number) {
      timers_.push_back(timing{mioext::steady_timer(*context_), nullptr, {}});
      begin_expiry(timers_.back(), clock::time_point());
    }
  }

  ~session() {
    is_destroying_ = true;
    guard_.reset();
    set_.reset();
    timers_.clear();
    watchers_.clear();
    for (slot& each : slots_) {
      each.stream.reset();
      close_far(each);
    }
    for (int const fd : kept_) {
      ::close(fd);
    }
  }

  void run() {
    for (std::size_t count = 0; count != most_operations && !input_.empty(); ++count) {
      operate();
    }
    if (input_.take() % 8 == 7) {
      destroy_context();
    } else {
      finish();
    }
  }

private:
  using work_guard = boost::asio::executor_work_guard<typename Context::executor_type>;

  // --- Handlers

  /// Calls `then(ec, bytes)`, after it has checked that it may be called.
  template <class Then> struct handler {
    void operator()(error_code const& ec, std::size_t bytes = 0) const {
      require(!of->is_initiating, "nothing is completed from inside its initiating function");
      require(!of->is_completed, "an operation is completed once");
      require(!owner->is_destroying_, "what is dropped with the context is not called");
      require(!owner->is_stopped_ || of->is_of_loop, "a context that was stopped calls nobody");
      of->is_completed = true;
      ++owner->calls_;
      then(ec, bytes);
      owner->called(true);
    }
    void operator()(error_code const& ec, mioext::tcp_socket accepted) const {
      if (!ec) {
        owner->kept_.push_back(accepted.release());
      }
      (*this)(ec);
    }

#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
    using cancellation_slot_type = boost::asio::cancellation_slot;
    cancellation_slot_type get_cancellation_slot() const noexcept {
      return of->cancellation.slot();
    }
#endif

    session* owner;
    std::shared_ptr<operation> of;
    Then then;
  };

  /// An operation that is about to begin; is_initiating until its initiating function has returned.
  std::shared_ptr<operation> begin() {
    operations_.push_back(std::make_shared<operation>());
    return operations_.back();
  }

  template <class Then> handler<Then> calls(std::shared_ptr<operation> const& of, Then then) {
    return handler<Then>{this, of, then};
  }

  template <class Then> struct keeper {
    void operator()(error_code const& ec, std::size_t bytes) const { then(ec, bytes); }
    std::shared_ptr<any_stream> kept;
    Then then;
  };

  template <class Then>
  static keeper<Then> keeping(std::shared_ptr<any_stream> const& kept, Then then) {
    return keeper<Then>{kept, then};
  }

  /// @param may_run whether what is called is a function of the context's, which may run it
  void called(bool may_run = false) {
    if (!is_finishing_ && !input_.empty() && operations_inside_ != 80) {
      ++operations_inside_;
      set_for_now<unsigned> const depth(depth_, depth_ + 1);
      set_for_now<bool> const running(may_run_, may_run && may_run_);
      operate();
    }
  }

  /// Gives a variable a value until the scope ends, by an exception, too.
  template <class Value> class set_for_now {
  public:
    set_for_now(Value& variable, Value value) : variable_(variable), before_(variable) {
      variable = value;
    }
    set_for_now(set_for_now const&) = delete;
    set_for_now& operator=(set_for_now const&) = delete;
    ~set_for_now() { variable_ = before_; }

  private:
    Value& variable_;
    Value const before_;
  };

  // --- What the input says

  void operate() {
    unsigned const chosen = input_.take();
    unsigned const what = chosen < 240 ? chosen % 24 : 24 + (chosen - 240) / 3;
    unsigned const number = input_.take() % slot_count;
    slot& on = slots_[number];
    trace("%soperation %u on slot %u (open %d)\n", depth_ ? "  " : "", what, number,
          on.stream ? int(on.stream->is_open()) : -1);
    switch (what) {
    case 0:
      make_pair(on, AF_UNIX);
      break;
    case 1:
      make_pair(on, AF_INET);
      break;
    case 2:
    case 3:
      read(on);
      break;
    case 4:
    case 5:
      write(on);
      break;
    case 6:
      wait(on);
      break;
    case 7:
    case 8:
      write_far(on);
      break;
    case 9:
      read_far(on);
      break;
    case 10:
      on.is_broken = on.is_broken || on.far_received != on.sent || on.is_writing;
      close_far(on);
      break;
    case 11:
      reset_far(on);
      break;
    case 12:
      if (on.far >= 0) {
        ::shutdown(on.far, SHUT_WR);
      }
      break;
    case 13:
      cancel_one();
      break;
    case 14:
      if (on.stream) {
        error_code ignored;
        ++on.cancels;
        on.stream->cancel(ignored);
      }
      break;
    case 15:
      if (on.stream) {
        close_near(on);
        on.is_broken = true;
      }
      break;
    case 16:
      leave(on);
      break;
    case 17:
      listen();
      break;
    case 18:
      connect(on);
      break;
    case 19:
      accept();
      break;
    case 20:
      use_loop();
      break;
    case 21:
      if (on.stream && on.stream->is_open()) {
        wait_by_number(on);
      }
      break;
    case 24:
    case 25:
      use_watcher(watchers_[chosen % watcher_count], on);
      break;
    case 26:
      use_timer(timers_[chosen % timer_count]);
      break;
    case 27:
      use_set(on);
      break;
    case 28:
      read(on, true);
      break;
    case 29:
      use_context();
      break;
    default:
      if (depth_ == 0 || (may_run_ && !std::is_same<Context, context_of_one_thread>::value)) {
        run_context(input_.take());
      }
    }
  }

  void leave(slot& on) {
    if (on.stream) {
      if (on.stream.use_count() != 1) {
        close_near(on);
      } else {
        note_closing(on.stream->native_handle());
      }
    }
    ++on.cancels;
    on.stream.reset(); // what is pending ends
    close_far(on);
    on.is_reading = on.is_writing = on.is_connecting = on.is_broken = false;
    on.far_sent = on.received = on.sent = on.far_received = 0;
    ++on.generation;
  }

  void make_pair(slot& on, int family) {
    leave(on);
    int near = -1;
    if (family == AF_UNIX) {
      int fds[2];
      had(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds));
      on.far = fds[1];
      near = fds[0];
    } else {
      mioext::tcp_acceptor acceptor(fuzz::any_port());
      mioext::tcp_socket socket;
      error_code ec;
      socket.connect(acceptor.local_endpoint(), ec);
      ::pollfd waiting = {acceptor.native_handle(), POLLIN, 0};
      had(::poll(&waiting, 1, 1000) - 1);
      on.far = acceptor.accept().release();
      near = socket.release();
    }
    on.stream.reset(new any_stream(*context_, stream_protocol(family, 0), near));
  }

  void close_near(slot& on) {
    note_closing(on.stream->native_handle());
    error_code ignored;
    ++on.cancels;
    on.stream->close(ignored);
  }

  void close_far(slot& on) {
    if (on.far >= 0) {
      note_closing(on.far);
      ::close(on.far);
      on.far = -1;
    }
  }

  /// The slot that `of` was begun on, or null if that is another one by now.
  slot* still(slot& of, std::size_t generation) {
    return of.generation == generation ? &of : nullptr;
  }

  static bool is_usable(slot const& on) {
    return on.stream && on.stream->is_open() && !on.is_connecting;
  }

  /// What is cancelled was cancelled by somebody.
  static void require_cancelled(error_code const& ec, operation const& of, bool is_cancelled) {
    require(ec != error::operation_aborted || of.is_cancelled || is_cancelled ||
                clock::now() >= of.limit,
            "nothing is cancelled that nobody has cancelled, nor before its limit");
  }

  std::chrono::microseconds any_delay() { return std::chrono::microseconds(input_.take() * 16); }

  void read(slot& on, bool has_limit = false) {
    if (!is_usable(on) || on.is_reading) {
      return;
    }
    on.is_reading = true;
    std::size_t const size = 1 + input_.take() * 2;
    std::size_t const generation = on.generation;
    std::size_t const cancels = on.cancels;
    auto const of = begin();
    operation const* const begun = of.get();
    auto const bytes = std::make_shared<std::array<char, 600>>(); // it may outlive the stream
    auto const then = [this, &on, generation, cancels, begun, bytes](error_code const& ec,
                                                                     std::size_t count) {
      require_cancelled(ec, *begun, on.cancels != cancels);
      if (slot* const current = still(on, generation)) {
        current->is_reading = false;
        require_bytes(bytes->data(), count, current->received);
        current->received += count;
        require(current->received <= current->far_sent, "nothing comes that was not sent");
        require(ec != error::eof || current->is_broken || current->received == current->far_sent,
                "the end comes after the last byte");
      }
    };
    bool const is_some = input_.take() % 2 != 0;
#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
    if (has_limit) {
      auto const limit = any_delay();
      of->limit = clock::now() + limit;
      if (is_some) {
        on.stream->async_read_some(buffer(bytes->data(), size),
                                   mioext::cancel_after(limit, calls(of, then)));
      } else {
        boost::asio::async_read(*on.stream, buffer(bytes->data(), size),
                                mioext::cancel_at(of->limit, calls(of, keeping(on.stream, then))));
      }
      of->is_initiating = false;
      return;
    }
#endif
    static_cast<void>(has_limit);
    if (is_some) {
      on.stream->async_read_some(buffer(bytes->data(), size), calls(of, then));
    } else {
      boost::asio::async_read(*on.stream, buffer(bytes->data(), size),
                              calls(of, keeping(on.stream, then)));
    }
    of->is_initiating = false;
  }

  void write(slot& on) {
    if (!is_usable(on) || on.is_writing) {
      return;
    }
    on.is_writing = true;
    std::size_t const size = 1 + input_.take() * 20;
    std::size_t const generation = on.generation;
    std::size_t const cancels = on.cancels;
    auto const of = begin();
    operation const* const begun = of.get();
    auto const bytes = std::make_shared<std::array<char, 6000>>();
    fill(bytes->data(), size, on.sent);
    auto const then = [this, &on, generation, cancels, begun, bytes](error_code const& ec,
                                                                     std::size_t count) {
      require_cancelled(ec, *begun, on.cancels != cancels);
      if (slot* const current = still(on, generation)) {
        current->is_writing = false;
        current->sent += count;
      }
    };
    if (input_.take() % 2) {
      on.stream->async_write_some(buffer(bytes->data(), size), calls(of, then));
    } else {
      boost::asio::async_write(*on.stream, buffer(bytes->data(), size),
                               calls(of, keeping(on.stream, then)));
    }
    of->is_initiating = false;
  }

  void wait(slot& on) {
    if (is_usable(on)) {
      auto const of = begin();
      operation const* const begun = of.get();
      std::size_t const cancels = on.cancels;
      on.stream->async_wait(input_.take() % 2 ? interest::readable : interest::writable,
                            calls(of, [&on, begun, cancels](error_code const& ec, std::size_t) {
                              require_cancelled(ec, *begun, on.cancels != cancels);
                            }));
      of->is_initiating = false;
    }
  }

  /// As for a descriptor that somebody else owns.
  void wait_by_number(slot& on) {
    auto const of = begin();
    mioext::async_wait(*context_, on.stream->native_handle(),
                       input_.take() % 2 ? interest::readable : interest::writable,
                       calls(of, ignore()));
    of->is_initiating = false;
  }

  void write_far(slot& on) {
    char bytes[4096];
    std::size_t const size = 1 + input_.take() * 16;
    if (on.far >= 0) {
      fill(bytes, size, on.far_sent);
      ::ssize_t const written = ::send(on.far, bytes, size, MSG_NOSIGNAL);
      on.far_sent += written > 0 ? static_cast<std::size_t>(written) : 0;
    }
  }

  void read_far(slot& on) {
    char bytes[4096];
    if (on.far >= 0) {
      ::ssize_t const size = ::recv(on.far, bytes, sizeof bytes, 0);
      if (size > 0) {
        require_bytes(bytes, static_cast<std::size_t>(size), on.far_received);
        on.far_received += static_cast<std::size_t>(size);
      }
    }
  }

  void reset_far(slot& on) {
    if (on.far >= 0) {
      note_closing(on.far);
      reset(on.far);
      on.far = -1;
    }
    on.is_broken = true;
  }

  void cancel_one() {
#ifdef MIOEXT_DETAIL_HAS_CANCELLATION_SLOTS
    if (!operations_.empty()) {
      auto const of = operations_[input_.take() % operations_.size()];
      if (!of->is_completed) {
        of->is_cancelled = true;
        of->cancelled_at = clock::now();
        of->cancellation.emit(boost::asio::cancellation_type::all);
      }
    }
#endif
  }

  // --- Timers

  /// Soon, or not in the time of this input.
  clock::duration any_expiry() {
    unsigned const value = input_.take();
    return value < 224 ? clock::duration(std::chrono::microseconds(value * 16))
                       : clock::duration(std::chrono::hours(1));
  }

  void use_timer(timing& on) {
    unsigned const how = input_.take();
    switch (how % 8) {
    case 0:
    case 1:
      wait_for(on);
      break;
    case 2: {
      clock::duration const after = any_expiry();
      clock::time_point const before = clock::now();
      has_cancelled(on, on.timer.expires_after(after), all);
      begin_expiry(on, on.timer.expiry());
      require(on.with->expiry >= before + after && on.with->expiry <= clock::now() + after,
              "a timer expires after the time that it was given");
      break;
    }
    case 3: {
      clock::time_point const expiry =
          how < 200 ? clock::now() + any_expiry() : clock::now() - any_expiry();
      has_cancelled(on, on.timer.expires_at(expiry), all);
      begin_expiry(on, expiry);
      break;
    }
    case 4:
      has_cancelled(on, on.timer.cancel(), all);
      break;
    case 5:
      has_cancelled(on, on.timer.cancel_one(), 1);
      break;
    case 6:
      move(on, timers_[how / 8 % timer_count]);
      break;
    default: {
      clock::duration const after = any_expiry();
      cancels_all(on, [&] { on.timer = mioext::steady_timer(*context_, after); });
      begin_expiry(on, on.timer.expiry());
    }
    }
    require(on.timer.expiry() == on.with->expiry, "a timer knows when it expires");
  }

  static constexpr std::size_t all = static_cast<std::size_t>(-1);

  void begin_expiry(timing& on, clock::time_point expiry) {
    on.with = std::make_shared<timer_waits>();
    on.with->expiry = expiry;
    expiries_.push_back(on.with);
    on.pending.clear();
  }

  void wait_for(timing& on) {
    auto const made = std::make_shared<timer_wait>();
    made->of = begin();
    made->with = on.with;
    made->began_before_expiry = clock::now() < on.with->expiry;
    made->place = ++last_wait_;
    on.pending.push_back(made);
    on.timer.async_wait(calls(made->of, timer_told{made}));
    made->of->is_initiating = false;
  }

  struct timer_told {
    void operator()(error_code const& ec, std::size_t) const {
      timer_waits& with = *wait->with;
      operation const& of = *wait->of;
      if (!ec) {
        require(clock::now() >= with.expiry, "a timer is never early");
        require(!wait->must_abort, "what was cancelled before its time is told so");
        require(!of.is_cancelled || of.cancelled_at >= with.expiry,
                "what was cancelled before its time is told so");
        if (wait->began_before_expiry) {
          require(wait->place > with.last_told, "the waits of a timer end in their order");
          with.last_told = wait->place;
        }
      } else {
        require(ec == error::operation_aborted, "a timer's wait can only be cancelled");
        require(of.is_cancelled || wait->may_abort,
                "nothing is cancelled that nobody has cancelled");
        bool const is_by_slot = of.is_cancelled && !wait->must_abort;
        with.has_unsaid = with.has_unsaid || (is_by_slot && wait->may_abort);
        with.aborted += is_by_slot ? 0 : 1;
        require(with.has_unsaid || with.aborted <= with.cancelled,
                "so many waits are cancelled as a timer says");
      }
    }

    std::shared_ptr<timer_wait> wait;
  };

  /// Those that have not ended and were not cancelled.
  static void forget_ended(timing& on) {
    on.pending.erase(std::remove_if(on.pending.begin(), on.pending.end(),
                                    [](std::shared_ptr<timer_wait> const& each) {
                                      return each->of->is_completed || each->of->is_cancelled ||
                                             each->must_abort;
                                    }),
                     on.pending.end());
  }

  /// The timer says that it has cancelled `said`, of `most` at the most. What has expired, but is not told
  /// yet, it may or may not know to have come.
  static void has_cancelled(timing& on, std::size_t said, std::size_t most) {
    forget_ended(on);
    std::size_t const pending = std::min(on.pending.size(), most);
    require(said <= pending, "no more is cancelled than is pending");
    bool const is_sure = clock::now() < on.with->expiry;
    require(!is_sure || said == pending, "all that is pending is cancelled");
    on.with->cancelled += said;
    std::size_t const concerned = is_sure ? said : said != 0 ? on.pending.size() : 0;
    for (std::size_t index = 0; index != concerned; ++index) {
      on.pending[index]->may_abort = true;
      on.pending[index]->must_abort = is_sure;
    }
  }

  /// The same for those who do not say how many.
  template <class Cancel> static void cancels_all(timing& on, Cancel cancel) {
    cancel();
    forget_ended(on);
    bool const is_sure = clock::now() < on.with->expiry;
    on.with->has_unsaid = on.with->has_unsaid || !is_sure;
    has_cancelled(on, on.pending.size(), all);
  }

  void move(timing& to, timing& from) {
    if (&to != &from) {
      cancels_all(to, [&] { to.timer = std::move(from.timer); });
      to.with = from.with;
      to.pending = std::move(from.pending);
      begin_expiry(from, clock::time_point());
      require(from.timer.expiry() == clock::time_point(), "a timer that was moved is as new");
    }
  }

  void finish_timers() {
    for (timing& each : timers_) {
      if (each.with->expiry > clock::now() + std::chrono::minutes(1)) {
        has_cancelled(each, each.timer.cancel(), all);
      }
    }
  }

  // --- The context

  void use_context() {
    unsigned const how = input_.take();
    switch (how % 8) {
    case 0:
    case 1:
      submit([&](function const& made) { boost::asio::post(*context_, made); }, false);
      break;
    case 2:
      submit([&](function const& made) { boost::asio::defer(*context_, made); }, false);
      break;
    case 3:
      submit([&](function const& made) { boost::asio::dispatch(*context_, made); }, depth_ != 0);
      break;
    case 4:
      context_->stop();
      is_stopped_ = true;
      require(context_->stopped(), "a context that was stopped says so");
      break;
    case 5:
      guard_.reset(new work_guard(context_->get_executor()));
      break;
    case 6:
      guard_.reset();
      break;
    default:
      submit([&](function const& made) { boost::asio::post(*context_, made); }, false, true);
    }
  }

  /// A function for the context.
  struct function {
    void operator()() const {
      require(!of->is_completed, "what is posted is called once");
      require(!owner->is_destroying_, "what is dropped with the context is not called");
      require(of->is_initiating == is_inline, "only what is dispatched is called at once");
      of->is_completed = true;
      if (is_inline) {
        return;
      }
      require(!owner->is_stopped_, "a context that was stopped calls nobody");
      require(is_any_order || place > owner->last_called_, "what is posted is called in its order");
      owner->last_called_ = place;
      ++owner->calls_;
      owner->called(true);
      if (throws && !owner->is_finishing_) {
        owner->is_throwing_ = true;
        throw thrown();
      }
    }

    session* owner;
    std::shared_ptr<operation> of;
    std::size_t place;
    bool is_inline;
    bool throws;
  };

  /// (An io_context promises no order for what is deferred among what is posted.)
  static constexpr bool is_any_order = !std::is_same<Context, mioext::selector_context>::value;

  template <class Submit> void submit(Submit submit, bool is_inline, bool throws = false) {
    auto const of = begin();
    submit(function{this, of, ++last_submitted_, is_inline, throws});
    require(of->is_completed == is_inline, "what is dispatched inside is called at once");
    of->is_initiating = false;
  }

  /// Runs the context, also from inside what it calls.
  void run_context(unsigned how) {
    if (is_stopped_) {
      require(context_->poll() == 0 && context_->run_one() == 0 && context_->stopped(),
              "a context that was stopped calls nobody");
    }
    if (depth_ == 0) {
      context_->restart();
      is_stopped_ = false;
    }
    set_for_now<std::size_t> const calls(calls_, 0);
    try {
      run_context_as(how);
    } catch (thrown const&) {
      require(is_throwing_, "an exception leaves the context once");
      if (depth_ != 0) {
        throw;
      }
      is_throwing_ = false;
    }
  }

  void run_context_as(unsigned how) {
    std::size_t counted = 0;
    switch (how % 6) {
    case 0:
    case 2:
      counted = context_->poll_one();
      require(counted <= 1, "one function is called at the most");
      break;
    case 4:
      counted = context_->run_one_for(std::chrono::microseconds(how * 4));
      require(counted <= 1, "one function is called at the most");
      break;
    default:
      counted = context_->poll();
    }
    require(!is_throwing_, "an exception leaves the context");
    require(counted >= calls_, "what is called is counted");
    require(is_stopped_ == context_->stopped() || (!is_stopped_ && !has_work()),
            "a context is stopped when it was told so or has no work");
  }

  bool has_work() const {
    return depth_ != 0 || guard_ ||
           std::any_of(operations_.begin(), operations_.end(),
                       [](std::shared_ptr<operation> const& each) { return !each->is_completed; });
  }

  // --- A set of watchers

  struct set_callback {
    void operator()(error_code const& ec, int fd, interest ready) const {
      owner->tell_of_set(ec, fd, ready);
    }

    session* owner;
  };

  void use_set(slot& on) {
    unsigned const how = input_.take();
    int const fd = how / 15 % 2 == 0 ? on.far : is_usable(on) ? on.stream->native_handle() : -1;
    if (how / 3 % 5 == 0) {
      is_in_watcher_ = true;
      if (set_ && how / 15 % 2 == 0) {
        set_->stop();
      } else {
        set_.reset();
      }
      is_in_watcher_ = false;
      members_.clear();
    } else if (fd >= 0) {
      watch_in_set(fd, how / 3 % 5 == 1 ? interest::none : any_of(how));
    }
    require_set_as_said();
  }

  void watch_in_set(int fd, interest wanted) {
    is_in_watcher_ = true;
    if (!set_) {
      set_.reset(new mioext::watcher_set(*context_, set_callback{this}));
    }
    error_code ec;
    set_->watch(fd, wanted, ec);
    is_in_watcher_ = false;
    require(!ec, "what is open can be watched");
    if (wanted == interest::none) {
      members_.erase(fd);
    } else {
      members_.emplace(fd, member{wanted, false, 20}).first->second.wanted = wanted;
    }
    require(set_->wanted(fd) == wanted, "a set knows for what it watches");
  }

  void require_set_as_said() const {
    require(!set_ || set_->size() == members_.size(), "a set knows what it watches");
    for (auto const& each : members_) {
      require(set_->wanted(each.first) == each.second.wanted, "a set knows for what it watches");
    }
  }

  void tell_of_set(error_code const& ec, int fd, interest ready) {
    require(!is_in_watcher_, "no callback is called from inside a set's function");
    require(!is_destroying_, "what is dropped with the context is not called");
    auto const known = members_.find(fd);
    require(known != members_.end(), "what is not in a set is not told of");
    member& of = known->second;
    if (ec) {
      require(ec == error::bad_descriptor && of.may_have_ended && ready == interest::none,
              "an end is told when there is one");
      members_.erase(known);
    } else {
      require(ready != interest::none && contains(of.wanted, ready), "what is wanted is told");
      if (is_finishing_ || --of.left == 0) {
        watch_in_set(fd, interest::none);
      }
    }
    require_set_as_said();
    called();
  }

  void finish_set() {
    while (!members_.empty()) {
      auto const first = *members_.begin();
      if (!first.second.may_have_ended && !is_shared(first.first) &&
          is_ready(first.first, first.second.wanted)) {
        context_->restart();
        for (int rounds = 0; rounds != 1000 && members_.count(first.first) != 0; ++rounds) {
          context_->run_one_for(std::chrono::milliseconds(20));
        }
        require(members_.count(first.first) == 0, "what is ready is told");
      } else {
        watch_in_set(first.first, interest::none);
      }
    }
    require_set_as_said();
  }

  // --- Watchers

  /// The callback of one.
  struct watch_callback {
    void operator()(error_code const& ec, interest ready) const { owner->tell(*of, ec, ready); }

    session* owner;
    std::shared_ptr<watch> of;
  };

  static interest any_of(unsigned how) {
    return how % 3 == 0   ? interest::readable
           : how % 3 == 1 ? interest::writable
                          : interest::readable | interest::writable;
  }

  void use_watcher(watching& used, slot& on) {
    unsigned const how = input_.take();
    interest const wanted = any_of(how);
    switch (how / 3 % 8) {
    case 0:
      stop(used);
      break;
    case 1:
      change(used, interest::none);
      break;
    case 2:
    case 3:
      change(used, wanted);
      break;
    case 4:
      move(used, watchers_[how / 24 % watcher_count]);
      break;
    case 5:
      if (on.far >= 0) {
        begin_watching(used, on.far, on.far, wanted);
      }
      break;
    case 6:
      if (is_usable(on)) {
        begin_watching(used, on.stream->native_handle(), on.stream->native_handle(), wanted);
      }
      break;
    default:
      if (is_usable(on)) {
        begin_watching(used, on.stream->native_handle(), *on.stream, wanted);
      }
    }
  }

  template <class Handle>
  void begin_watching(watching& used, int fd, Handle&& handle, interest wanted) {
    auto const made = std::make_shared<watch>();
    made->fd = fd;
    made->wanted = wanted;
    made->is_watched = true;
    is_in_watcher_ = true;
    used.watcher.watch(handle, wanted, watch_callback{this, made});
    is_in_watcher_ = false;
    auto const before = used.of;
    used.of = made;
    has_stopped(before);
    require_as_said(used);
  }

  void stop(watching& used) {
    is_in_watcher_ = true;
    used.watcher.stop();
    is_in_watcher_ = false;
    has_stopped(used.of);
    require_as_said(used);
  }

  void change(watching& used, interest wanted) {
    error_code ec;
    is_in_watcher_ = true;
    used.watcher.watch(wanted, ec);
    is_in_watcher_ = false;
    if (!ec) {
      require(used.of->is_watched || wanted == interest::none,
              "what was stopped is not watched for something else");
      used.of->wanted = wanted;
    } else {
      require(ec == error::bad_descriptor, "only what is not watched cannot be changed");
      require(!used.of->is_watched || used.of->may_have_ended, "what is open is still watched");
      has_stopped(used.of);
    }
    require_as_said(used);
  }

  void move(watching& to, watching& from) {
    if (&to != &from) {
      is_in_watcher_ = true;
      to.watcher = std::move(from.watcher);
      is_in_watcher_ = false;
      auto const before = to.of;
      to.of = from.of;
      from.of = std::make_shared<watch>();
      has_stopped(before);
      require_as_said(to);
      require_as_said(from);
    }
  }

  /// The callback is destroyed at the latest when it returns.
  static void has_stopped(std::shared_ptr<watch> const& of) {
    of->is_watched = false;
    of->wanted = interest::none;
  }

  static void require_as_said(watching const& used) {
    require(used.watcher.is_watching() == used.of->is_watched &&
                used.watcher.wanted() == used.of->wanted,
            "a watcher knows what it watches");
    require(used.of->is_watched || used.of->is_called || used.of.use_count() == 1,
            "a watcher that has stopped keeps no callback");
  }

  void tell(watch& of, error_code const& ec, interest ready) {
    require(!is_in_watcher_, "no callback is called from inside a watcher's function");
    require(!is_destroying_, "what is dropped with the context is not called");
    require(of.is_watched, "a watcher that has stopped calls nobody");
    require(!of.is_called, "a callback is called once at a time");
    ++of.calls;
    if (ec) {
      require(ec == error::bad_descriptor && of.may_have_ended && ready == interest::none,
              "an end is told when there is one");
      of.is_watched = false;
      of.wanted = interest::none;
    } else {
      require(ready != interest::none && contains(of.wanted, ready), "what is wanted is told");
    }
    if (is_finishing_ || --of.left == 0) {
      for (watching& each : watchers_) {
        if (each.of.get() == &of && of.is_watched) {
          each.watcher.stop();
          has_stopped(each.of);
        }
      }
    }
    of.is_called = true;
    called();
    of.is_called = false;
  }

  /// Whoever has the number next is not told of what was, but one that pauses may go on with it.
  void note_closing(int fd) {
    for (watching& each : watchers_) {
      each.of->may_have_ended = each.of->may_have_ended || (fd >= 0 && each.of->fd == fd);
    }
    auto const known = members_.find(fd);
    if (known != members_.end()) {
      known->second.may_have_ended = true;
    }
  }

  /// What is ready is told, if nobody else may take it.
  void finish_watching() {
    for (watching& each : watchers_) {
      if (each.of->wanted != interest::none && !each.of->may_have_ended &&
          !is_shared(each.of->fd) && is_ready(each.of->fd, each.of->wanted)) {
        auto const of = each.of;
        of->calls = 0;
        context_->restart();
        for (int rounds = 0; rounds != 1000 && of->calls == 0; ++rounds) {
          context_->run_one_for(std::chrono::milliseconds(20));
        }
        require(of->calls != 0, "what is ready is told");
      }
      stop(each);
    }
  }

  bool is_shared(int fd) const {
    return std::any_of(slots_.begin(), slots_.end(), [fd](slot const& of) {
      return of.stream && of.stream->native_handle() == fd && (of.is_reading || of.is_writing);
    });
  }

  static bool is_ready(int fd, interest wanted) {
    short const events = static_cast<short>((contains(wanted, interest::readable) ? POLLIN : 0) |
                                            (contains(wanted, interest::writable) ? POLLOUT : 0));
    ::pollfd polled = {fd, events, 0};
    return ::poll(&polled, 1, 0) == 1;
  }

  // --- Connecting and accepting

  /// A listener over TCP, a Unix one that has no room, or an address where nobody listens.
  void listen() {
    if (listeners_.size() == 3) {
      return;
    }
    unsigned const kind = input_.take() % 3;
    std::unique_ptr<listener> made(new listener);
    if (kind != 1) {
      made->over_tcp.open(tcp::v4());
      made->over_tcp.bind(fuzz::any_port());
      made->endpoint = made->over_tcp.local_endpoint();
      if (kind == 0) {
        made->over_tcp.listen(64);
      }
    } else {
      made->over_unix.open();
      ::sockaddr any = {};
      any.sa_family = AF_UNIX;
      had(::bind(made->over_unix.native_handle(), &any, sizeof any.sa_family));
      made->over_unix.listen(0);
      made->endpoint = made->over_unix.local_endpoint();
      fill_backlog(made->endpoint, kept_);
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
    leave(on);
    on.stream.reset(new any_stream(*context_));
    on.is_connecting = true;
    std::size_t const generation = on.generation;
    auto const of = begin();
    auto const then = [this, &on, generation, &to](error_code const& ec, std::size_t) {
      if (slot* const current = still(on, generation)) {
        current->is_connecting = false;
        if (!ec && current->stream->is_open()) {
          error_code named;
          current->stream->remote_endpoint(named);
          // A listener that is closed resets what it has not accepted, maybe just before this.
          require(!named || (!to.over_tcp.is_open() && !to.over_unix.is_open()),
                  "a connect that has worked has connected the socket");
        }
      }
    };
    mioext::async_connect(*on.stream, to.endpoint, calls(of, then));
    of->is_initiating = false;
  }

  void accept() {
    if (listeners_.empty()) {
      return;
    }
    listener& from = *listeners_[input_.take() % listeners_.size()];
    if (!from.over_tcp.is_open()) {
      error_code ec;
      int const fd = from.over_unix.accept(ec).release(ec);
      if (fd >= 0) {
        kept_.push_back(fd);
      }
      return;
    }
    if (input_.take() % 8 == 0) {
      from.over_tcp.close(); // which ends what waits for it
      return;
    }
    auto const of = begin();
    mioext::async_accept(*context_, from.over_tcp, calls(of, ignore()));
    of->is_initiating = false;
  }

  // --- A loop in the context

  struct loop_handler final : mioext::basic_handler<mioext::token, int> {
    void timer(loop_type&, mioext::token) override { owner->called(); }
    void notify(loop_type&, int message) override {
      require(message > last, "messages come once and in order");
      last = message;
      owner->called();
    }
    session* owner = nullptr;
    int last = 0;
  };

  void use_loop() {
    if (!loop_) {
      loop_.reset(new loop_type(*context_));
      loop_handler_.owner = this;
    }
    switch (input_.take() % 6) {
    case 0:
    case 1: {
      auto const of = begin();
      of->is_of_loop = true;
      loop_->async_run(loop_handler_, calls(of, ignore()));
      of->is_initiating = false;
      break;
    }
    case 2:
      loop_->timer(std::chrono::microseconds(input_.take() * 8), mioext::token(1));
      break;
    case 3: {
      error_code ignored; // the queue may be full
      loop_->channel().send(++last_message_, ignored);
      break;
    }
    case 4:
      loop_->cancel();
      break;
    default:
      loop_->shutdown();
    }
  }

  // --- The end

  struct ignore {
    void operator()(error_code const&, std::size_t) const {}
  };

  /// With all that is pending, which is dropped.
  void destroy_context() {
    is_destroying_ = true;
    guard_.reset();
    for (timing& each : timers_) {
      each.pending.clear(); // whose operations are shared with nobody then
    }
    context_.reset();
    for (auto const& each : operations_) {
      require(each->is_completed || each.use_count() == 1,
              "what is pending is dropped with the context");
    }
    for (watching& each : watchers_) {
      require(each.of->wanted == interest::none || each.of.use_count() == 1,
              "what is watched for is dropped with the context");
      error_code ec;
      each.watcher.watch(interest::readable, ec);
      require(ec.failed(), "a watcher without its context watches nothing");
    }
    for (timing& each : timers_) {
      require(each.timer.cancel() == 0, "what waits for a timer is dropped with the context");
    }
  }

  /// Reads what is there, and what is still on its way, as it may be over TCP.
  static void drain(slot& on) {
    char bytes[4096];
    for (;;) {
      ::ssize_t const size = ::recv(on.stream->native_handle(), bytes, sizeof bytes, 0);
      if (size > 0) {
        require_bytes(bytes, static_cast<std::size_t>(size), on.received);
        on.received += static_cast<std::size_t>(size);
        continue;
      }
      if (size == 0 || errno != EAGAIN || on.received == on.far_sent ||
          !becomes_readable(on.stream->native_handle())) {
        return;
      }
    }
  }

  /// What was sent over TCP may still be on its way. (The fuzzer's alarm interrupts poll.)
  static bool becomes_readable(int fd) {
    ::pollfd polled = {fd, POLLIN, 0};
    int ready = 0;
    do {
      ready = ::poll(&polled, 1, 20000);
    } while (ready < 0 && errno == EINTR);
    return ready == 1;
  }

  /// Operations with a limit end by themselves.
  void run_until_limits() {
    clock::time_point const deadline = clock::now() + std::chrono::seconds(20);
    for (auto const& each : operations_) {
      while (each->limit != clock::time_point::max() && !each->is_completed) {
        require(clock::now() < deadline, "an operation with a limit ends");
        context_->restart();
        context_->run_one_for(std::chrono::milliseconds(20));
      }
    }
  }

  void finish() {
    is_finishing_ = true;
    is_stopped_ = false;
    finish_timers();
    finish_set();
    finish_watching();
    run_until_limits();
    // What came and was not cancelled is there still.
    for (slot& each : slots_) {
      if (is_usable(each) && !each.is_reading && !each.is_broken) {
        drain(each);
        ::pollfd polled = {each.stream->native_handle(), POLLERR, 0};
        bool const is_whole = ::poll(&polled, 1, 0) == 0 || !(polled.revents & POLLERR);
        require(!is_whole || each.received == each.far_sent, "no byte is lost");
      }
    }
    for (slot& each : slots_) {
      leave(each);
    }
    for (auto& each : listeners_) {
      error_code ignored;
      each->over_tcp.close(ignored);
    }
    if (loop_) {
      loop_->cancel();
    }
    guard_.reset();
    context_->restart();
    context_->run_for(std::chrono::seconds(20));
    require(context_->stopped(), "when nothing is pending, run() returns");
    for (auto const& each : operations_) {
      require(each->is_completed, "each operation is completed");
    }
    for (auto const& each : expiries_) {
      require(each->has_unsaid || each->aborted == each->cancelled,
              "so many waits are cancelled as a timer says");
    }
  }

  struct listener {
    mioext::tcp_acceptor over_tcp;
    mioext::unix_acceptor over_unix;
    stream_protocol::endpoint endpoint;
    int connects = 0;
  };

  decisions input_;
  std::unique_ptr<Context> context_;
  std::array<slot, slot_count> slots_;
  std::vector<std::unique_ptr<listener>> listeners_;
  std::vector<std::shared_ptr<operation>> operations_;
  std::vector<watching> watchers_;
  std::vector<timing> timers_;
  std::vector<std::shared_ptr<timer_waits>> expiries_;
  std::map<int, member> members_; // of the set
  std::unique_ptr<mioext::watcher_set> set_;
  std::unique_ptr<work_guard> guard_;
  std::vector<int> kept_;
  loop_handler loop_handler_;
  std::unique_ptr<loop_type> loop_;
  int last_message_ = 0;
  std::size_t last_submitted_ = 0;
  std::size_t last_called_ = 0;
  std::size_t last_wait_ = 0;
  std::size_t calls_ = 0; // since the context was run
  unsigned operations_inside_ = 0;
  unsigned depth_ = 0;
  bool may_run_ = true;
  bool is_stopped_ = false;
  bool is_throwing_ = false;
  bool is_finishing_ = false;
  bool is_destroying_ = false;
  bool is_in_watcher_ = false;
};

} // namespace

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  fuzz::run<session<boost::asio::io_context>>(data, size);
  fuzz::run<session<context_of_one_thread>>(data, size);
  return fuzz::run<session<mioext::selector_context>>(data, size);
}
