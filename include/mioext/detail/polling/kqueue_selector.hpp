//
// mioext/detail/polling/kqueue_selector.hpp
// -----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The selector of macOS and the BSDs: kqueue. See detail/polling/selector_contract.hpp for what its
// members promise.
//

#ifndef MIOEXT_DETAIL_POLLING_KQUEUE_SELECTOR_HPP
#define MIOEXT_DETAIL_POLLING_KQUEUE_SELECTOR_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include <sys/event.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>

#include <mioext/detail/assign_integer.hpp>
#include <mioext/detail/file_identity.hpp>
#include <mioext/detail/kqueue_event_ops.hpp>
#include <mioext/detail/polling/kernel_queue.hpp>
#include <mioext/detail/polling/kernel_queue_changes.hpp>
#include <mioext/interest.hpp>
#include <mioext/read_hint.hpp>
#include <mioext/trigger.hpp>
#include <mioext/write_hint.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Reading and writing are two filters of a descriptor, and two events.
///
/// Registrations are recorded here, because kqueue cannot answer two questions: whether a
/// descriptor is registered already (adding it again changes what is there), and, after fork, what
/// was registered.
class kqueue_selector : public kqueue_event_ops {
public:
  static read_hint hint(native_event const& event) noexcept {
    if (event.flags & EV_EOF) {
      return event.fflags != 0 ? read_hint::error : read_hint::hup;
    }
    return is_of(event, EVFILT_READ) ? read_hint::data : read_hint::unknown;
  }

  static write_hint failing_write_hint(native_event const& event) noexcept {
    return event.fflags != 0 ? write_hint::error : write_hint::hup;
  }

  static constexpr interest all_interests() noexcept {
    return interest::readable | interest::writable;
  }

  static constexpr bool reports_together() noexcept { return false; }

  static constexpr std::size_t most_events() noexcept { return INT_MAX / sizeof(native_event); }

  /// Some of the systems refuse more than 100,000,000 seconds (OpenBSD's kern_event.c, XNU's
  /// itimerfix), and libkqueue counts milliseconds in an int. A day is below all of that.
  static std::chrono::nanoseconds longest_wait() noexcept { return std::chrono::hours(24); }

  int open() noexcept {
    BOOST_TRY {
      std::shared_ptr<kernel_queue> made = std::make_shared<kernel_queue>();
      if (!made->is_open()) {
        return errno;
      }
      queue_ = std::move(made);
      return 0;
    }
    BOOST_CATCH(std::bad_alloc const&) {}
    BOOST_CATCH_END
    return ENOMEM;
  }

  void close() noexcept { queue_.reset(); }

  /// Puts `fresh` in the place of this queue, under the old descriptor number, so that nobody who
  /// waits on that number need be told. If something else has that number by now, `fresh` keeps its
  /// own.
  int replace_with(kqueue_selector& fresh) noexcept {
    if (!queue_ || !fresh.queue_) {
      return EBADF;
    }
    if (int const error = fresh.queue_->take_number_of(*queue_)) {
      return error;
    }
    queue_ = std::move(fresh.queue_);
    watches_.swap(fresh.watches_);
    has_pairs_.store(fresh.has_pairs_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    return 0;
  }

  /// True if `fd`, whose number may have been closed and used again, is still what was added. In a
  /// child after fork there is no queue to ask, and it must be enough that the file looks the same.
  bool has(int fd, user_data) noexcept {
    std::lock_guard<std::mutex> const lock(mutex_);
    watch* const known = find(fd);
    return queue_ && known && is_watched(fd, *known);
  }

  int native_handle() const noexcept { return queue_ ? queue_->get() : -1; }

  int add(int fd, interest wanted, trigger how, user_data data) noexcept {
    watch added = {data, wanted, how, true, file_identity()};
    if (int const error = check(fd, added)) {
      return error;
    }
    std::lock_guard<std::mutex> const lock(mutex_);
    if (watch* const known = find(fd)) {
      if (is_watched(fd, *known)) {
        return EEXIST;
      }
      take_out(fd); // of a closed descriptor
    }
    return put_in(fd, added);
  }

  /// The filters are deleted and added again, not changed, because a filter keeps its EV_CLEAR and
  /// EV_DISPATCH for life (kqueue_register in the BSDs' kern_event.c: an existing filter gets only
  /// new user data). So existing readiness is reported again, too. After an error the old filters
  /// are restored.
  int modify(int fd, interest wanted, trigger how, user_data data) noexcept {
    watch changed = {data, wanted, how, true, file_identity()};
    if (int const error = check(fd, changed)) {
      return error;
    }
    std::lock_guard<std::mutex> const lock(mutex_);
    watch* const known = find(fd);
    if (!known) {
      return why_not(fd);
    }
    note_pair(changed);
    kernel_queue_changes changes;
    push(changes, fd, known->wanted, EV_DELETE, known->data);
    std::size_t const deleted = changes.size();
    push(changes, fd, wanted, EV_ADD | flags(wanted, how), data);
    bool const is_another = is_another_by_now(fd, *known);
    int error = changes.apply(*queue_);
    if (error != 0) {
      return error;
    }
    if (is_another || !changes.any_done(deleted)) {
      apply_all(fd, wanted, EV_DELETE, data);
      known->is_registered = false;
      return why_not(fd);
    }
    error = changes.first_error(deleted);
    if (error == 0) {
      *known = changed;
    } else {
      apply_all(fd, wanted, EV_DELETE, data);
      put_back(fd, *known);
    }
    return error;
  }

  int remove(int fd) noexcept {
    if (!queue_) {
      return EBADF;
    }
    std::lock_guard<std::mutex> const lock(mutex_);
    return take_out(fd);
  }

  int wait(native_event* events, std::size_t capacity, std::chrono::nanoseconds timeout) noexcept {
    ::timespec limit;
    ::timespec const* end = nullptr;
    if (timeout >= std::chrono::nanoseconds::zero()) {
      std::int64_t const length = std::min(timeout, longest_wait()).count();
      assign_integer(limit.tv_sec, length / 1000000000);
      assign_integer(limit.tv_nsec, length % 1000000000);
      end = &limit;
    }
    if (capacity == 0) {
      return -EINVAL; // as epoll says; kevent(2) would not wait then, and fetch nothing
    }
    int const fd = native_handle();
    int const count = ::kevent(fd, nullptr, 0, events, static_cast<int>(capacity), end);
    if (count < 0) {
      return fd < 0 ? -EBADF : -errno;
    }
    if (has_pairs_.load(std::memory_order_relaxed)) {
      silence_pairs(events, count);
    }
    return count;
  }

  /// For the waker and the signals.
  std::shared_ptr<kernel_queue> const& queue() const noexcept { return queue_; }

private:
  /// What is registered of a descriptor.
  struct watch {
    user_data data;
    interest wanted;
    trigger how;
    bool is_registered;
    file_identity file;
  };

  static bool is_both(interest wanted) noexcept {
    return contains(wanted, interest::readable | interest::writable);
  }

  /// A oneshot filter is disabled by its event and not deleted (EV_DISPATCH and not EV_ONESHOT), so
  /// that the descriptor stays registered. If there are two oneshot filters, an event of one
  /// requires that the other be disabled. Such filters are added without EV_CLEAR, which makes
  /// their events recognisable, because events carry the flags of their filter. For a filter that
  /// reports only once, EV_CLEAR makes no difference.
  static int flags(interest wanted, trigger how) noexcept {
    if (contains(how, trigger::oneshot)) {
      return is_both(wanted) ? EV_DISPATCH : EV_DISPATCH | EV_CLEAR;
    }
    return contains(how, trigger::level) ? 0 : EV_CLEAR;
  }

  static bool is_one_of_two(native_event const& event) noexcept {
    return (event.flags & (EV_DISPATCH | EV_CLEAR)) == EV_DISPATCH;
  }

  static void push(kernel_queue_changes& changes, int fd, interest wanted, int flags,
                   user_data data) noexcept {
    if (contains(wanted, interest::readable)) {
      changes.push(static_cast<std::uintptr_t>(fd), EVFILT_READ, flags, data);
    }
    if (contains(wanted, interest::writable)) {
      changes.push(static_cast<std::uintptr_t>(fd), EVFILT_WRITE, flags, data);
    }
  }

  /// Checks whether `fd` can be watched, and stores which file it is. EOPNOTSUPP for what kqueue
  /// does not have: waking only some of several queues, and out-of-band data (for which Apple,
  /// OpenBSD and DragonFly have EVFILT_EXCEPT, FreeBSD and NetBSD nothing).
  int check(int fd, watch& watched) const noexcept {
    if (!queue_ || fd < 0) {
      return EBADF;
    }
    if (contains(watched.how, trigger::exclusive) || contains(watched.wanted, interest::priority)) {
      return EOPNOTSUPP;
    }
    return look_at(fd, watched.file);
  }

  /// What is written down of `fd`, or null.
  watch* find(int fd) noexcept {
    std::size_t const index = static_cast<std::size_t>(fd);
    return fd >= 0 && index < watches_.size() && watches_[index].is_registered ? &watches_[index]
                                                                               : nullptr;
  }

  /// Stores which file a descriptor refers to. EPERM for files and directories, as with epoll:
  /// EVFILT_READ accepts them, but reports nothing at the end of a file (kqueue(2)), so that a wait
  /// would never end.
  static int look_at(int fd, file_identity& file) noexcept {
    struct ::stat status;
    if (::fstat(fd, &status) != 0) {
      return errno;
    }
    file.device = status.st_dev;
    file.inode = status.st_ino;
    return S_ISREG(status.st_mode) || S_ISDIR(status.st_mode) ? EPERM : 0;
  }

  /// Why `fd` is not watched, whatever is recorded.
  static int why_not(int fd) noexcept {
    file_identity file;
    int const error = look_at(fd, file);
    return error ? error : ENOENT;
  }

  /// Whether what is recorded is still true: closing a descriptor deletes its filters (kqueue(2)),
  /// and its number may belong to another file by now. If the file looks the same (Internet sockets
  /// have no inode on macOS), the kernel is asked by a change that changes nothing.
  bool is_watched(int fd, watch const& known) noexcept {
    file_identity now;
    if (look_at(fd, now) != 0 || !(now == known.file)) {
      return false;
    }
#ifndef LIBKQUEUE // which does not hear of a close (its BUGS.md), and runs where all have inodes
    if (!queue_->is_left_behind()) {
      kernel_queue_changes question;
      push(question, fd, known.wanted, 0, known.data);
      return question.apply(*queue_) == 0 && question.any_done();
    }
#endif
    return true;
  }

  /// Adds all filters or none. An error may be EPIPE: FreeBSD and others refuse to watch a pipe for
  /// writing whose reader is gone (sys_pipe.c, pipe_kqfilter), where epoll and macOS report it.
  int put_in(int fd, watch const& added) noexcept {
    note_pair(added);
    int error = apply_all(fd, added.wanted, EV_ADD | flags(added.wanted, added.how), added.data);
    if (error == 0) {
      error = write_down(fd, added);
    }
    if (error != 0) {
      apply_all(fd, added.wanted, EV_DELETE, added.data);
    }
    return error;
  }

  void note_pair(watch const& added) noexcept {
    if (is_both(added.wanted) && contains(added.how, trigger::oneshot)) {
      has_pairs_.store(true, std::memory_order_relaxed);
    }
  }

  /// The first error of all the filters.
  int apply_all(int fd, interest wanted, int flags, user_data data) noexcept {
    kernel_queue_changes changes;
    push(changes, fd, wanted, flags, data);
    int const error = changes.apply(*queue_);
    return error ? error : changes.first_error();
  }

  /// Restores the old filters. Existing readiness is reported again, and a oneshot that has already
  /// reported is armed again, because this is not recorded and an additional event does no harm. If
  /// even this fails, the registration is lost: for a pipe whose readers are gone, some kernels
  /// keep an existing filter but add none.
  void put_back(int fd, watch& known) noexcept {
    if (apply_all(fd, known.wanted, EV_ADD | flags(known.wanted, known.how), known.data) != 0) {
      apply_all(fd, known.wanted, EV_DELETE, known.data);
      known.is_registered = false;
    }
  }

  /// True if `fd` is another file by now. Only libkqueue needs this test, because it does not
  /// notice a close; a kernel answers that there are no filters.
  bool is_another_by_now(int fd, watch const& known) noexcept {
#ifdef LIBKQUEUE
    return !is_watched(fd, known);
#else
    static_cast<void>(fd);
    static_cast<void>(known);
    return false;
#endif
  }

  int write_down(int fd, watch const& made) noexcept {
    std::size_t const index = static_cast<std::size_t>(fd);
    BOOST_TRY {
      if (index >= watches_.size()) {
        watches_.resize(std::max(index + 1, 2 * watches_.size()));
      }
    }
    BOOST_CATCH(std::bad_alloc const&) { return ENOMEM; }
    BOOST_CATCH_END
    watches_[index] = made;
    return 0;
  }

  /// Deletes the filters of `fd`. An error if nothing was watched.
  int take_out(int fd) noexcept {
    watch* const known = find(fd);
    if (!known) {
      return why_not(fd);
    }
    bool const is_another = is_another_by_now(fd, *known);
    known->is_registered = false;
    kernel_queue_changes changes;
    push(changes, fd, known->wanted, EV_DELETE, known->data);
    if (int const error = changes.apply(*queue_)) {
      return error;
    }
    return changes.any_done() && !is_another ? 0 : why_not(fd);
  }

  /// A oneshot registration reports only once. If it has two filters and not both of their events
  /// were fetched here, the other filter must be silent from now on. (Another thread that polls at
  /// this moment may still get its event: kqueue has no registration of two filters.)
  BOOST_NOINLINE void silence_pairs(native_event const* events, int count) noexcept {
    kernel_queue_changes changes;
    for (int index = 0; index != count; ++index) {
      native_event const& event = events[index];
      if (is_one_of_two(event)) {
        changes.push(event.ident, is_of(event, EVFILT_READ) ? EVFILT_WRITE : EVFILT_READ,
                     EV_DISABLE, token(event));
      }
      if (changes.is_full() || index + 1 == count) {
        changes.apply(*queue_);
        changes.clear();
      }
    }
  }

  std::shared_ptr<kernel_queue> queue_;
  std::mutex mutex_; // for what is below; the queue needs none
  std::vector<watch> watches_;
  std::atomic<bool> has_pairs_{false};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_KQUEUE_SELECTOR_HPP
