//
// mioext/detail/event_loop/connect_retries.hpp
// --------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The connects of Unix sockets whose listener's backlog was full: when each is tried again, and
// how it ended.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_CONNECT_RETRIES_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_CONNECT_RETRIES_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/un.h>

#include <mioext/detail/file_identity.hpp>
#include <mioext/detail/polling/connect_backoff.hpp>
#include <mioext/detail/polling/connection_ops.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The time of each retry is decided by the connect's connect_backoff. When one connect succeeds,
/// the listener is accepting, and all others start with the shortest delay again.
///
/// The entries are in arrays that are searched linearly, because waiting connects are few and rare.
class connect_retries {
public:
  using clock = std::chrono::steady_clock;

  enum class verdict {
    /// The connect goes on waiting.
    wait,
    /// The connect is taken out: its outcome is known, or nobody wants it any more.
    done
  };

  bool empty() const noexcept { return waiting_.empty(); }

  /// When the next one is due; the clock's last point if there is none.
  clock::time_point next() const noexcept {
    clock::time_point earliest = clock::time_point::max();
    for (waiting_connect const& waiting : waiting_) {
      earliest = std::min(earliest, waiting.due);
    }
    return earliest;
  }

  /// Makes sure that the next add() needs no memory. Throws std::bad_alloc.
  void reserve_one() {
    if (waiting_.size() == waiting_.capacity()) {
      waiting_.reserve(waiting_.size() * 2 + 1);
    }
    refusals_.reserve(waiting_.size() + refusals_.size() + 1);
  }

  /// Schedules the first retry for `fd`. reserve_one() must have been called before.
  void add(int fd, file_identity identity, socket_address address, clock::time_point now) noexcept {
    // The address is filled with zeros first, so that a path is terminated even if the endpoint's
    // size does not include the terminator.
    waiting_connect added;
    added.fd = fd;
    added.identity = identity;
    // An address that the kernel has accepted as a Unix address is no longer than this.
    added.address_size = std::min<::socklen_t>(address.size, sizeof added.address);
    std::memcpy(&added.address, address.data, added.address_size);
    added.last = {connect_progress::no_room, EAGAIN};
    added.due = now + added.backoff.next();
    waiting_.push_back(added);
  }

  /// Forgets `fd`, and how its connect ended.
  void remove(int fd) noexcept {
    auto const is_it = [fd](waiting_connect const& waiting) { return waiting.fd == fd; };
    waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), is_it), waiting_.end());
    take_refusal(fd);
  }

  /// True if `fd` waits here and its number still stands for the same file.
  bool is_waiting(int fd) const noexcept {
    for (waiting_connect const& waiting : waiting_) {
      if (waiting.fd == fd) {
        return is_still(waiting.fd, waiting.identity);
      }
    }
    return false;
  }

  /// Retries every connect that is due at `now`. Passes each result to `conclude(fd, attempt)`,
  /// which returns whether the connect goes on waiting; if it does although its outcome is known,
  /// it is not retried, and the next time `conclude` is called with the same outcome. A descriptor
  /// that was closed meanwhile is passed to `forget(fd)` instead and is not touched, because its
  /// number may refer to another file by now.
  template <class Conclude, class Forget>
  void retry(clock::time_point now, Conclude conclude, Forget forget) noexcept {
    std::size_t kept = 0;
    bool is_moving = false;
    for (std::size_t index = 0; index != waiting_.size(); ++index) {
      waiting_connect waiting = waiting_[index];
      if (waiting.due <= now) {
        if (try_again(waiting, conclude, forget) == verdict::done) {
          is_moving = is_moving || waiting.last.progress == connect_progress::made;
          continue;
        }
        waiting.due = now + waiting.backoff.next();
      }
      waiting_[kept++] = waiting;
    }
    waiting_.resize(kept);
    if (is_moving) {
      for (waiting_connect& waiting : waiting_) {
        waiting.backoff = connect_backoff();
        waiting.due = std::min(waiting.due, now + waiting.backoff.next());
      }
    }
  }

  /// Keeps the errno with which the connect of `fd` was refused, for take_refusal().
  void set_refusal(int fd, int error) noexcept {
    take_refusal(fd);
    refusals_.push_back(refusal{fd, error});
  }

  /// Returns that errno and forgets it; zero if there is none.
  int take_refusal(int fd) noexcept {
    for (std::size_t index = 0; index != refusals_.size(); ++index) {
      if (refusals_[index].fd == fd) {
        int const error = refusals_[index].error;
        refusals_[index] = refusals_.back();
        refusals_.pop_back();
        return error;
      }
    }
    return 0;
  }

  /// While the handler is told how the connect of `fd` ended, take_told_error() answers `error`.
  void tell(int fd, int error) noexcept { told_ = refusal{fd, error}; }

  /// Returns that errno and forgets it; zero if there is none.
  int take_told_error(int fd) noexcept {
    int error = 0;
    if (told_.fd == fd) {
      std::swap(error, told_.error);
    }
    return error;
  }

private:
  struct waiting_connect {
    int fd = -1;
    file_identity identity{};
    ::sockaddr_un address{};
    ::socklen_t address_size = 0;
    connect_result last{}; // what connect(2) said
    connect_backoff backoff{};
    clock::time_point due{};
  };

  struct refusal {
    int fd;
    int error;
  };

  /// A connect whose outcome is known, and which waits only because the loop could not process that
  /// yet, is not retried: even for a connected socket the system checks the listener first, and
  /// would report that its backlog is full or that it is gone.
  template <class Conclude, class Forget>
  static verdict try_again(waiting_connect& waiting, Conclude conclude, Forget forget) noexcept {
    if (!is_still(waiting.fd, waiting.identity)) {
      forget(waiting.fd);
      return verdict::done;
    }
    if (waiting.last.progress == connect_progress::no_room) {
      socket_address const address = {reinterpret_cast<::sockaddr const*>(&waiting.address),
                                      waiting.address_size};
      waiting.last = start_connect(waiting.fd, address);
    }
    return conclude(waiting.fd, waiting.last);
  }

  std::vector<waiting_connect> waiting_{};
  std::vector<refusal> refusals_{};
  refusal told_ = refusal{-1, 0};
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_CONNECT_RETRIES_HPP
