//
// mioext/detail/async/scheduler_sources.hpp
// -----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a scheduler waits for beside the descriptors of its reactor: selectors of others, and points
// in time at which these want to be called.
//

#ifndef MIOEXT_DETAIL_ASYNC_SCHEDULER_SOURCES_HPP
#define MIOEXT_DETAIL_ASYNC_SCHEDULER_SOURCES_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <boost/system/error_code.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

// It is destroyed by its own type alone, which is final; -Wnon-virtual-dtor looks at the friend.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

/// One of them. It is itself what the scheduler queues, so that a wake-up allocates nothing.
class scheduler_source : public descriptor_operation {
public:
  using clock = std::chrono::steady_clock;

protected:
  scheduler_source() noexcept : descriptor_operation(interest::none) {}
  ~scheduler_source() = default;

  /// To be called first in complete() and destroy().
  void leave_queue() noexcept { is_queued_ = false; }

  bool is_queued() const noexcept { return is_queued_; }

  /// True if an event would put it into the queue.
  bool is_awaited() const noexcept { return is_awaited_; }

  /// True if it is in the queue, or if an event or the time will put it there.
  bool is_expected() const noexcept {
    return is_queued_ || is_awaited_ || due_ != clock::time_point::max();
  }

private:
  friend class scheduler_sources;

  io_status do_perform(int, boost::system::error_code&) noexcept override {
    return io_status::done;
  }

  int fd_ = -1;              // of its selector; negative if it is not among the sources
  std::uint32_t number_ = 0; // its place
  bool is_watched_ = false;
  bool is_awaited_ = false;
  bool is_queued_ = false;
  clock::time_point due_ = clock::time_point::max();
};

#pragma GCC diagnostic pop

/// The sources, each with a number that its events carry.
///
/// A source's selector is watched level-triggered, because then neither side has to be asked anew
/// after an event, and nothing that is left in it is missed. If it has an event that nobody awaits,
/// it is not watched any more until somebody does.
///
/// Used in the scheduler's thread only. Functions that return an int return an errno value.
class scheduler_sources {
public:
  using clock = scheduler_source::clock;

  /// @param first the number of the first source
  scheduler_sources(selector& watching, std::uint32_t first) noexcept
      : selector_(watching), first_(first) {}

  scheduler_sources(scheduler_sources const&) = delete;
  scheduler_sources& operator=(scheduler_sources const&) = delete;

  /// Adds `source`, whose selector has the descriptor `fd`. Throws std::bad_alloc, and has done nothing
  /// then.
  int add(scheduler_source& source, int fd) {
    std::size_t place = 0;
    while (place != sources_.size() && sources_[place]) {
      ++place;
    }
    if (place == sources_.size()) {
      sources_.push_back(nullptr);
    }
    source.fd_ = fd;
    source.number_ = first_ + static_cast<std::uint32_t>(place);
    int const error = watch(source);
    if (error == 0) {
      sources_[place] = &source;
    } else {
      source.fd_ = -1;
    }
    return error;
  }

  /// Removes it, if it was added. If it is in the queue, it stays there.
  ///
  /// @param is_shared true in a child process that still has its parent's selector, which is left
  /// alone.
  void remove(scheduler_source& source, bool is_shared) noexcept {
    if (source.fd_ < 0) {
      return;
    }
    call_off(source);
    if (source.is_watched_ && !is_shared) {
      selector_.remove(source.fd_);
    }
    source.is_watched_ = false;
    source.fd_ = -1;
    sources_[source.number_ - first_] = nullptr;
  }

  /// Queues it once when its selector has an event, which may be now.
  int await(scheduler_source& source) noexcept {
    int const error = source.is_watched_ ? 0 : watch(source);
    source.is_awaited_ = error == 0;
    return error;
  }

  /// Queues it once at `due`, in the place of any other time.
  void await_until(scheduler_source& source, clock::time_point due) noexcept {
    source.due_ = due;
    next_due_ = std::min(next_due_, due);
  }

  /// Does neither any more.
  void call_off(scheduler_source& source) noexcept {
    source.is_awaited_ = false;
    source.due_ = clock::time_point::max();
  }

  /// Marks it as queued. Returns false if it is in the queue already.
  static bool enter_queue(scheduler_source& source) noexcept {
    bool const was_queued = source.is_queued_;
    source.is_queued_ = true;
    return !was_queued;
  }

  // --- For the scheduler ---------------------------------------------------------------------------

  /// To be called when the source with that number has an event.
  void note_event(std::uint32_t number, operation_queue& queue) noexcept {
    std::size_t const place = number - first_;
    scheduler_source* const source = place < sources_.size() ? sources_[place] : nullptr;
    if (!source) {
      return;
    }
    if (source->is_awaited_) {
      source->is_awaited_ = false;
      push(*source, queue);
    } else if (source->is_watched_) {
      source->is_watched_ = false;
      selector_.remove(source->fd_);
    }
  }

  /// To be called when its owner has an event that does not come from its selector. Returns false if
  /// nobody awaits any.
  static bool note_event(scheduler_source& source, operation_queue& queue) noexcept {
    if (source.is_awaited_) {
      source.is_awaited_ = false;
      push(source, queue);
    }
    return source.is_queued_;
  }

  /// When the next one is due, or earlier; max() if none is.
  clock::time_point next_due() const noexcept { return next_due_; }

  /// Queues those that are due.
  void expire(clock::time_point now, operation_queue& queue) noexcept {
    next_due_ = clock::time_point::max();
    for (scheduler_source* const source : sources_) {
      if (source && source->due_ <= now) {
        source->due_ = clock::time_point::max();
        push(*source, queue);
      } else if (source) {
        next_due_ = std::min(next_due_, source->due_);
      }
    }
  }

private:
  int watch(scheduler_source& source) noexcept {
    int const error = selector_.add(source.fd_, interest::readable, trigger::level,
                                    selector::internal_data(source.number_));
    source.is_watched_ = error == 0;
    return error;
  }

  static void push(scheduler_source& source, operation_queue& queue) noexcept {
    if (enter_queue(source)) {
      queue.push(source);
    }
  }

  selector& selector_;
  std::uint32_t const first_;
  std::vector<scheduler_source*> sources_{}; // null where a number is free
  clock::time_point next_due_ = clock::time_point::max();
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_SCHEDULER_SOURCES_HPP
