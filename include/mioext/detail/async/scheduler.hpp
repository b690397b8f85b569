//
// mioext/detail/async/scheduler.hpp
// ---------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a selector_context runs: functions from any thread, and the operations that its selector ends.
//

#ifndef MIOEXT_DETAIL_ASYNC_SCHEDULER_HPP
#define MIOEXT_DETAIL_ASYNC_SCHEDULER_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <thread>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/multiple_exceptions.hpp>
#include <boost/asio/post.hpp>
#include <boost/assert.hpp>
#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/function_memory.hpp>
#include <mioext/detail/async/lent_selector.hpp>
#include <mioext/detail/async/reactor_host.hpp>
#include <mioext/detail/async/scheduler_frame.hpp>
#include <mioext/detail/async/scheduler_sources.hpp>
#include <mioext/detail/async/selector_reactor.hpp>
#include <mioext/detail/duration.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/detail/scope_exit.hpp>
#include <mioext/detail/throw_error.hpp>
#include <mioext/event_loop_config.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// One thread at a time runs it; any thread may post to it, count work up and down, and stop it.
///
/// It is asleep from the moment before it waits until the moment after. Whoever has posted something
/// looks afterwards whether it sleeps. The scheduler says first that it sleeps, and looks afterwards
/// whether something was posted. All of that is sequentially consistent, so one of them sees the other.
/// The first to find it asleep wakes it; nobody else makes a system call.
///
/// Functions and operations that have ended share one queue. After `round_size` of them the selector is
/// looked at, without waiting, and what it reports goes to the end of the queue. So a function waits for
/// what was queued before it and no longer, and a descriptor or a timer for `round_size` calls and what
/// was queued by then.
///
/// A function is work for as long as it is queued and called, as in an io_context. So what runs the
/// scheduler inside such a function does not stop it when nothing else is left.
///
/// Work that begins and ends in its thread is counted without an atomic. While it waits, all of the
/// count is where other threads see it.
class scheduler final : public reactor_host {
public:
  using clock = std::chrono::steady_clock;

  static constexpr std::size_t round_size = 64;
  static constexpr std::size_t all = static_cast<std::size_t>(-1);

  scheduler(boost::asio::execution_context& context, event_loop_config const& config)
      : context_(context), reactor_(*this, config.event_capacity, false, config),
        sources_(reactor_.native_selector(), alarm_source + 1), lent_(reactor_),
        outstanding_work_(0), posted_(nullptr), is_stopped_(false), is_asleep_(false),
        is_run_(false) {
    throw_error(system_error_code(waker_.open(reactor_.native_selector(), waker_data())),
                "selector_context");
    reactor_.set_listening(true);
  }

  scheduler(scheduler const&) = delete;
  scheduler& operator=(scheduler const&) = delete;
  ~scheduler() { drop_queued(); }

  /// The reactor of `host`, which it keeps alive.
  static std::shared_ptr<selector_reactor> reactor_of(std::shared_ptr<scheduler> const& host) {
    std::shared_ptr<selector_reactor> const reactor(host, &host->reactor_);
    reactor->become_shared(reactor);
    return reactor;
  }

  boost::asio::execution_context& context() const noexcept { return context_; }

  /// The pointer to its reactor that the context's service has; null after the service is gone.
  std::shared_ptr<selector_reactor> const* reactor() const noexcept { return shared_reactor_; }
  void set_reactor(std::shared_ptr<selector_reactor> const* shared) noexcept {
    shared_reactor_ = shared;
  }

  // --- From any thread -----------------------------------------------------------------------------

  /// True in a function that it is calling in this thread.
  bool is_running_here() const noexcept override { return calls_this_thread(); }

  /// The same, for the compiler to inline.
  MIOEXT_DETAIL_FORCEINLINE bool calls_this_thread() const noexcept {
    scheduler_frame const* const running = scheduler_frame::innermost();
    return running && (running->owner == this || find_frame(running->outer));
  }

  /// True if no other thread runs it.
  bool is_usable_here() const noexcept override {
    return !is_run_.load(std::memory_order_relaxed) || is_running_here() ||
           reactor_.is_left_behind();
  }

  /// Queues it, and owns it from now on.
  MIOEXT_DETAIL_FORCEINLINE void post(descriptor_operation& operation) noexcept {
    if (calls_this_thread()) {
      post_here(operation);
    } else {
      post_from_outside(operation);
    }
  }

  /// The same in a function that it calls.
  void post_here(descriptor_operation& operation) noexcept { queue_.push(operation); }

  /// The same in any other.
  BOOST_NOINLINE void post_from_outside(descriptor_operation& operation) noexcept {
    visit const visits(visitors_);
    descriptor_operation* last = posted_.load(std::memory_order_relaxed);
    do {
      operation.next_in_queue() = last;
    } while (!posted_.compare_exchange_weak(last, &operation));
    wake();
  }

  /// What it keeps for operations. Other threads may take from it what is there for them.
  recycled_memory& memory() noexcept { return memory_; }

  /// What is counted up in one thread may be counted down in another: the work is the sum.
  void start_work() noexcept {
    if (calls_this_thread()) {
      start_work_here();
    } else {
      outstanding_work_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  MIOEXT_DETAIL_FORCEINLINE void finish_work() noexcept {
    if (calls_this_thread()) {
      finish_work_here();
    } else {
      finish_work_outside();
    }
  }

  /// The same for an I/O object, which only the thread uses that runs it, or that is going to.
  void start_work_here() noexcept { ++work_here_; }

  /// The same for a function that it has called.
  void finish_work_here() noexcept { --work_here_; }

  void stop() noexcept {
    visit const visits(visitors_);
    is_stopped_.store(true);
    wake();
  }

  /// What was written before stop() can be read after it is true.
  bool is_stopped() const noexcept { return is_stopped_.load(std::memory_order_acquire); }

  void restart() noexcept { is_stopped_.store(false); }

  /// In a function that it calls, perhaps through a function of another scheduler: what a call on the
  /// spot has thrown leaves the run and not its caller. Several ones leave as one, as in Asio.
  void capture_exception() noexcept {
#ifndef BOOST_NO_EXCEPTIONS
    scheduler_frame& throws = *find_frame(scheduler_frame::innermost());
    if (!throws.thrown) {
      throws.thrown = std::current_exception();
    } else if (!throws.has_thrown_several) {
      throws.has_thrown_several = true;
      throws.thrown = std::make_exception_ptr(boost::asio::multiple_exceptions(throws.thrown));
    }
#endif
  }

  // --- In the thread that runs it ------------------------------------------------------------------

  /// Calls what is queued and what comes, up to `most` of them, and waits until `deadline` at the most:
  /// max() for a wait without end, min() for none. Returns how many it has called. An exception of
  /// theirs leaves it; the next call goes on with what comes after that.
  std::size_t run(std::size_t most, clock::time_point deadline) {
    if (is_running_here()) {
      return run_here(most, deadline);
    }
    BOOST_ASSERT_MSG(is_usable_here(), "only one thread at a time may run a selector_context");
    is_run_.store(true, std::memory_order_relaxed);
    auto const ends = make_scope_exit([this] { is_run_.store(false, std::memory_order_relaxed); });
    return run_in_asio(most, deadline);
  }

  /// Waits for the threads that are on their way out of post(), finish_work() and stop(). What they
  /// came for may have been done already, and may be why the context is destroyed. (In a child process
  /// there are none of them.)
  void wait_for_visitors() const noexcept {
    while (visitors_.load(std::memory_order_acquire) != 0 && !is_left_behind()) {
      std::this_thread::yield();
    }
  }

  /// Drops what is queued, and what that queues when it is dropped, without calling it.
  void drop_queued() noexcept {
    do {
      take_posted();
      while (descriptor_operation* const dropped = queue_.pop()) {
        dropped->destroy();
      }
    } while (posted_.load() != nullptr);
  }

  /// Selectors of others, which it waits for beside its own.
  scheduler_sources& sources() noexcept { return sources_; }

  /// Its selector, for those who have descriptors of their own in it.
  lent_selector& lent() noexcept { return lent_; }

  /// Queues it, unless it is in the queue.
  void queue(scheduler_source& source) noexcept {
    if (scheduler_sources::enter_queue(source)) {
      post(source);
    }
  }

  /// For a function that it calls, which has made that many calls of its own: whether it may go on
  /// with others, as if it had been queued anew. Not if something else is due, nor if the calls
  /// would be more than a round, nor if the run has a limit.
  bool may_go_on(std::size_t calls) noexcept { return has_no_limit_ && goes_on(calls); }

  /// The same for one that was allowed to go on before.
  MIOEXT_DETAIL_FORCEINLINE bool goes_on(std::size_t calls) noexcept {
    if (round_left_ <= calls || !queue_.empty() || posted_.load(std::memory_order_relaxed) ||
        is_stopped_.load(std::memory_order_relaxed) || reactor_.has_closed_elsewhere()) {
      return false;
    }
    round_left_ -= calls;
    return true;
  }

  /// True in a child process that still has its parent's selector.
  bool is_left_behind() const noexcept { return reactor_.is_left_behind(); }

  // --- For the reactor -----------------------------------------------------------------------------

  /// Never called: whenever it has nothing to do, it waits for the selector.
  void listen() override {}

  void notice_closed() noexcept override { wake(); }

  void finish(operation_queue& ended) override {
    while (descriptor_operation* const operation = ended.pop()) {
      post(*operation);
    }
  }

  /// Through an alarm, so that the time is not asked for with each wait. Without a descriptor for that,
  /// it is asked for.
  void wake_in(std::chrono::milliseconds time) noexcept override {
    if (!has_alarm_) {
      has_alarm_ = alarm_.open(reactor_.native_selector(), alarm_data()) == 0;
    }
    if (!has_alarm_ || alarm_.set(time) != 0) {
      next_look_ = clock::now() + time;
    }
  }

  /// It asks the timers itself whenever it waits.
  void wake_at(clock::time_point) noexcept override {}

  void note_event(selector::native_event const& event, operation_queue& done) noexcept override {
    if (is_left_behind()) {
      return;
    }
    std::uint32_t const fd = selector::descriptor(event);
    if (fd > static_cast<std::uint32_t>(std::numeric_limits<int>::max())) {
      std::uint32_t const source = selector::tag(event);
      if (source == alarm_source) {
        reactor_.look_for_closed(done);
      } else if (source != waker_source) {
        sources_.note_event(source, done);
      }
    } else if (lodger* const owner = lent_.owner(static_cast<int>(fd))) {
      owner->take_event(event, done);
    }
  }

  bool give_way(int fd) noexcept override {
    lodger* const owner = lent_.owner(fd);
    if (owner) {
      owner->give_way(fd);
    }
    return owner != nullptr;
  }

  /// The sources are not added to the new selector: each is, when its owner has made it anew.
  int renew_selector() override {
    if (!reactor_.is_left_behind()) {
      return 0;
    }
    selector fresh;
    selector_waker waker;
    int error = reactor_.copy_selector_to(fresh);
    if (error == 0) {
      error = lent_.copy_to(fresh);
    }
    if (error == 0) {
      error = waker.open(fresh, waker_data());
    }
    if (error == 0) {
      error = reactor_.native_selector().replace_with(fresh);
    }
    if (error == 0) {
      waker_ = std::move(waker);
      alarm_ = selector_alarm();
      has_alarm_ = false;
      next_look_ = clock::time_point::max();
      reactor_.selector_was_replaced(queue_);
      // The thread that the parent ran it in does not exist here, unless it is this one.
      is_asleep_.store(false);
      runs_ = count_frames();
      is_run_.store(runs_ != 0, std::memory_order_relaxed);
      visitors_.store(0);
    }
    return error;
  }

  void shutdown() override {
    reactor_.close();
    operation_queue dropped;
    reactor_.drop_all(dropped);
  }

  void notify_fork(boost::asio::execution_context::fork_event event) override {
    if (event == boost::asio::execution_context::fork_child) {
      throw_error(system_error_code(renew_selector()), "notify_fork");
    }
  }

private:
  static constexpr std::uint32_t waker_source = selector_reactor::first_free_source;
  static constexpr std::uint32_t alarm_source = waker_source + 1;

  static selector::user_data waker_data() noexcept { return selector::internal_data(waker_source); }
  static selector::user_data alarm_data() noexcept { return selector::internal_data(alarm_source); }

  /// Another thread is here.
  class visit {
  public:
    explicit visit(std::atomic<std::size_t>& count) noexcept : count_(count) {
      count_.fetch_add(1, std::memory_order_relaxed);
    }
    ~visit() { count_.fetch_sub(1, std::memory_order_release); }
    visit(visit const&) = delete;
    visit& operator=(visit const&) = delete;

  private:
    std::atomic<std::size_t>& count_;
  };

  BOOST_NOINLINE void finish_work_outside() noexcept {
    visit const visits(visitors_);
    if (outstanding_work_.fetch_sub(1) == 1) {
      wake();
    }
  }

  BOOST_NOINLINE scheduler_frame* find_frame(scheduler_frame* found) const noexcept {
    while (found && found->owner != this) {
      found = found->outer;
    }
    return found;
  }

  /// How often this thread runs it, each time inside a function that it calls.
  std::size_t count_frames() const noexcept {
    std::size_t count = 0;
    scheduler_frame const* found = find_frame(scheduler_frame::innermost());
    for (; found; found = find_frame(found->outer)) {
      ++count;
    }
    return count;
  }

  /// What the context of Asio's calls, in memory of the thread that runs it.
  struct run_request {
    using allocator_type = function_allocator<void, 96>;

    allocator_type get_allocator() const noexcept { return allocator_type(*memory); }

    void operator()() const { *calls = runs->run_here(most, deadline); }

    scheduler* runs;
    std::size_t most;
    clock::time_point deadline;
    std::size_t* calls;
    function_memory<96>* memory;
  };

  /// Asio recycles memory (of operations, of coroutines) in threads that run a context of its own, and
  /// allocates anew in all others. So this thread runs one, which calls nothing but this. It takes no
  /// lock, because nobody else knows it, no memory, and no descriptor, because it has no reactor.
  std::size_t run_in_asio(std::size_t most, clock::time_point deadline) {
    std::size_t calls = 0;
    function_memory<96> memory;
    asio_context_.restart();
    boost::asio::post(asio_context_, run_request{this, most, deadline, &calls, &memory});
    asio_context_.run_one();
    return calls;
  }

  BOOST_NOINLINE std::size_t run_here(std::size_t most, clock::time_point deadline) {
    scheduler_frame running(*this, memory_);
    ++runs_;
    bool const outer_has_no_limit = has_no_limit_;
    has_no_limit_ = most == all && deadline == clock::time_point::max();
    std::size_t calls = 0;
    // What this thread has posted before it ran this comes before what it posts from now on.
    take_posted();
    auto const ends = make_scope_exit([this, outer_has_no_limit, &calls] {
      has_no_limit_ = outer_has_no_limit;
      // A run whose time was over before it began has looked at nothing.
      if (calls != 0 && queue_.empty()) {
        stop_without_work();
      }
      --runs_;
    });
    while (calls != most) {
      descriptor_operation* const next = next_operation(deadline);
      if (!next) {
        break;
      }
      ++calls;
      next->complete(completion::dispatched);
#ifndef BOOST_NO_EXCEPTIONS
      if (running.thrown) {
        std::exception_ptr const thrown = std::move(running.thrown);
        running.thrown = nullptr;
        running.has_thrown_several = false;
        std::rethrow_exception(thrown);
      }
#endif
    }
    return calls;
  }

  /// The next one in the queue, for which it waits; null when it is stopped, when the deadline is over,
  /// or when there is no work left, which stops it.
  MIOEXT_DETAIL_FORCEINLINE descriptor_operation* next_operation(clock::time_point deadline) {
    if (is_stopped() || (is_limited(deadline) && is_over(deadline))) {
      return nullptr;
    }
    if (round_left_ == 0) {
      look();
    }
    descriptor_operation* const next = pop();
    return next ? next : wait_for_operation(deadline);
  }

  descriptor_operation* pop() noexcept {
    descriptor_operation* const next = queue_.pop();
    if (next) {
      --round_left_;
    }
    return next;
  }

  /// The same when the queue is empty.
  MIOEXT_DETAIL_FORCEINLINE descriptor_operation* wait_for_operation(clock::time_point deadline) {
    if (deadline == clock::time_point::min()) {
      return look_for_operation();
    }
    for (;;) {
      wait(deadline);
      if (is_stopped()) {
        return nullptr;
      }
      if (descriptor_operation* const next = pop()) {
        return next;
      }
      if (is_limited(deadline) && is_over(deadline)) {
        return nullptr;
      }
    }
  }

  /// The same without waiting.
  BOOST_NOINLINE descriptor_operation* look_for_operation() {
    take_posted();
    if (queue_.empty() && !stop_without_work()) {
      look();
      if (queue_.empty()) {
        stop_without_work();
      }
    }
    return is_stopped() ? nullptr : pop();
  }

  static bool is_limited(clock::time_point deadline) noexcept {
    return deadline != clock::time_point::max() && deadline != clock::time_point::min();
  }

  static bool is_over(clock::time_point deadline) { return deadline <= clock::now(); }

  /// Whether a function that it has called runs it: that function is work, too.
  bool is_nested() const noexcept { return runs_ > 1; }

  bool has_work() const noexcept {
    return is_nested() || static_cast<std::ptrdiff_t>(outstanding_work_.load()) + work_here_ != 0;
  }

  /// When the queue is empty.
  bool stop_without_work() noexcept {
    if (has_work() || posted_.load()) {
      return false;
    }
    is_stopped_.store(true);
    return true;
  }

  void look() {
    round_left_ = round_size;
    take_posted();
    fetch(std::chrono::nanoseconds::zero());
    take_due_timers();
  }

  void take_due_timers() noexcept {
    if (!reactor_.timers().empty()) {
      reactor_.timers().take_due(queue_);
    }
  }

  /// Negative for a wait without end.
  static std::chrono::nanoseconds time_left(clock::time_point deadline) {
    if (deadline == clock::time_point::max()) {
      return std::chrono::nanoseconds(-1);
    }
    return std::max<std::chrono::nanoseconds>(std::chrono::nanoseconds::zero(),
                                              deadline - clock::now());
  }

  /// Until something is in the queue, or something else has changed. Stops it if no work is left.
  MIOEXT_DETAIL_FORCEINLINE void wait(clock::time_point deadline) {
    is_asleep_.store(true);
    auto const wakes =
        make_scope_exit([this] { is_asleep_.store(false, std::memory_order_relaxed); });
    // From here on others see by their number alone whether any work is left.
    std::size_t const here = static_cast<std::size_t>(work_here_);
    work_here_ = 0;
    bool const has_work = outstanding_work_.fetch_add(here) + here != 0;
    if (has_posted()) {
      take_posted();
    } else if (is_stopped_.load()) {
      return;
    } else if (has_work || is_nested()) {
      round_left_ = round_size;
      fetch(reactor_.timers().empty() ? time_left(deadline) : until_timer(time_left(deadline)));
      take_due_timers();
    } else {
      is_stopped_.store(true);
    }
  }

  BOOST_NOINLINE std::chrono::nanoseconds until_timer(std::chrono::nanoseconds limit) noexcept {
    std::chrono::nanoseconds const zero = std::chrono::nanoseconds::zero();
    std::chrono::nanoseconds const left = time_left(reactor_.timers().next_deadline());
    return limit < zero ? left : left < zero ? limit : std::min(limit, left);
  }

  MIOEXT_DETAIL_FORCEINLINE void fetch(std::chrono::nanoseconds limit) {
    if (reactor_.is_left_behind()) { // the parent's events are not for this process
      throw_error(system_error_code(renew_selector()), "run");
      // What others have to know of this thread was reset, so it does not sleep this time.
      limit = std::chrono::nanoseconds::zero();
    }
    if (BOOST_UNLIKELY(next_wake_up() != clock::time_point::max())) {
      fetch_until_due(limit);
      return;
    }
    reactor_.fetch(limit, queue_);
  }

  clock::time_point next_wake_up() const noexcept {
    return std::min(next_look_, sources_.next_due());
  }

  BOOST_NOINLINE void fetch_until_due(std::chrono::nanoseconds limit) {
    if (limit != std::chrono::nanoseconds::zero()) {
      std::chrono::nanoseconds const left = time_left(next_wake_up());
      limit = limit < std::chrono::nanoseconds::zero() ? left : std::min(limit, left);
    }
    reactor_.fetch(limit, queue_);
    clock::time_point const now = clock::now();
    if (now >= sources_.next_due()) {
      sources_.expire(now, queue_);
    }
    if (now >= next_look_) {
      next_look_ = clock::time_point::max();
      reactor_.look_for_closed(queue_);
    }
  }

  void wake() noexcept {
    if (is_asleep_.load() && is_asleep_.exchange(false) && !reactor_.is_left_behind()) {
      waker_.wake();
    }
  }

  bool has_posted() const noexcept { return posted_.load() || reactor_.has_closed_elsewhere(); }

  /// What other threads have posted goes to the end of the queue, in their order, and what they have
  /// ended by closing its handle.
  BOOST_NOINLINE void take_posted() noexcept {
    if (reactor_.has_closed_elsewhere()) {
      reactor_.end_closed_elsewhere(queue_);
    }
    descriptor_operation* last = posted_.load(std::memory_order_relaxed);
    if (!last) {
      return;
    }
    last = posted_.exchange(nullptr, std::memory_order_acquire);
    descriptor_operation* first = nullptr;
    while (last) {
      descriptor_operation* const before = last->next_in_queue();
      last->next_in_queue() = first;
      first = last;
      last = before;
    }
    while (first) {
      descriptor_operation* const next = first->next_in_queue();
      queue_.push(*first);
      first = next;
    }
  }

  operation_queue queue_{};
  std::size_t round_left_ = round_size;
  recycled_memory memory_{};
  std::ptrdiff_t work_here_ = 0; // counted by functions that it calls
  std::size_t runs_ = 0;         // more than one when a function that it calls runs it
  bool has_alarm_ = false;
  bool has_no_limit_ = false; // of the calls of the run that is under way
  boost::asio::io_context asio_context_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE};
  boost::asio::execution_context& context_;
  selector_reactor reactor_;
  std::shared_ptr<selector_reactor> const* shared_reactor_ = nullptr;
  scheduler_sources sources_;
  lent_selector lent_;
  selector_waker waker_{};
  selector_alarm alarm_{}; // for looks, if it was opened
  clock::time_point next_look_ = clock::time_point::max();

  std::atomic<std::size_t> outstanding_work_; // counted by all others, and all of it in a wait
  std::atomic<descriptor_operation*> posted_; // by other threads, the last one first
  std::atomic<std::size_t> visitors_{0};
  std::atomic<bool> is_stopped_;
  std::atomic<bool> is_asleep_;
  std::atomic<bool> is_run_; // by whichever thread
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_SCHEDULER_HPP
