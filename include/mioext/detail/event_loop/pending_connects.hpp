//
// mioext/detail/event_loop/pending_connects.hpp
// ---------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The connects of an event loop, from connect(2) until the handler is told how each one ended.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_PENDING_CONNECTS_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_PENDING_CONNECTS_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <boost/config.hpp>

#include <mioext/detail/event_loop/connect_retries.hpp>
#include <mioext/detail/event_loop/registration_table.hpp>
#include <mioext/detail/event_loop/registrations.hpp>
#include <mioext/detail/event_loop/token_word.hpp>
#include <mioext/detail/file_identity.hpp>
#include <mioext/detail/polling/connection_ops.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A connect is in one of three places: in the selector, which will report its outcome; in
/// connect_retries, while the listener's backlog is full; or here, if it was made at once and the
/// selector has nothing to report.
class pending_connects {
public:
  using clock = std::chrono::steady_clock;
  using state = registration_state;

  explicit pending_connects(registrations& handles) noexcept : handles_(handles) {}

  pending_connects(pending_connects const&) = delete;
  pending_connects& operator=(pending_connects const&) = delete;

  /// Begins a connect. Returns an errno value; throws std::bad_alloc.
  int start(int fd, socket_address address, token_word name, interest wanted, trigger how);

  /// When something here must be done without an event; the clock's last point if there is nothing
  /// to do.
  clock::time_point next() const noexcept {
    return has_known_outcome() ? clock::now() : retries().next();
  }

  /// Retries the connects that are due at `now`.
  void retry(clock::time_point now) noexcept;

  // --- Outcomes that no event tells --------------------------------------------------------------

  bool has_known_outcome() const noexcept { return !known_outcomes_.empty(); }

  std::size_t known_outcome_count() const noexcept { return known_outcomes_.size(); }

  void drop_known_outcomes() noexcept { known_outcomes_.clear(); }

  /// Takes one known outcome out (there must be one), and prepares to tell the handler of it.
  /// Returns its entry, or null if there is nothing to tell, because the handle was deregistered
  /// meanwhile.
  registration* begin_telling_known_outcome() noexcept;

  // --- Telling the handler -----------------------------------------------------------------------

  /// To be called when the outcome of `connecting` is known. Registers the interest that was
  /// requested for the time after the connect, and keeps `error` for take_told_error() until
  /// end_telling(). `fired` is the state of a oneshot registration after this event. Returns false
  /// if there is nothing to tell, because the handle was closed.
  bool begin_telling(registration& connecting, int fd, int error, state fired) noexcept;

  /// To be called after the handler has returned. From then on nobody is told why the connect was
  /// refused, because the number may belong to another handle.
  void end_telling() noexcept { handles_.retries().tell(-1, 0); }

private:
  struct known_outcome {
    int fd;
    std::uint32_t generation;
  };

  connect_retries const& retries() const noexcept { return handles_.retries(); }

  int watch(int fd, token_word name, interest wanted, trigger how, connect_progress progress);
  int wait_for_room(int fd, socket_address address, token_word name, interest wanted, trigger how);
  connect_retries::verdict end_wait(int fd, connect_result tried) noexcept;

  registrations& handles_;
  std::vector<known_outcome> known_outcomes_{};
};

BOOST_NOINLINE inline int pending_connects::start(int fd, socket_address address, token_word name,
                                                  interest wanted, trigger how) {
  if (int const error = handles_.own_selector()) {
    return error;
  }
  connect_result const started = start_connect(fd, address);
  switch (started.progress) {
  case connect_progress::made:
  case connect_progress::started:
    return watch(fd, name, wanted, how, started.progress);
  case connect_progress::no_room:
    return wait_for_room(fd, address, name, wanted, how);
  case connect_progress::failed:
    break;
  }
  // A connect that failed leaves nothing registered. But it must not end an earlier connect of the
  // socket that is under way or has succeeded, nor a listener's registration.
  if (started.error != EALREADY && started.error != EISCONN && !is_in_use(fd)) {
    handles_.remove(fd);
  }
  return started.error;
}

/// After connect(2) the selector reports nothing until the outcome is known: a TCP socket in
/// SYN_SENT has neither EPOLLOUT nor EPOLLHUP. A socket that was connected at once is usually
/// writable, and the selector reports that at registration. So the first event of this generation
/// is the outcome.
///
/// The exception is a datagram socket whose peer's queue is full: it is connected and not writable.
/// Then the next tick tells the outcome without an event.
inline int pending_connects::watch(int fd, token_word name, interest wanted, trigger how,
                                   connect_progress progress) {
  std::uint32_t const generation = handles_.next_generation(fd);
  bool const needs_telling = progress == connect_progress::made && !is_writable_now(fd);
  if (needs_telling) {
    known_outcomes_.reserve(known_outcomes_.size() + 1);
  }
  int const error =
      handles_.replace(fd, wanted | interest::writable, how, selector::tag_data(fd, generation));
  if (error != 0) {
    return error;
  }
  handles_.enter(fd, generation, name, wanted, how, state::connecting);
  if (needs_telling) {
    known_outcomes_.push_back(known_outcome{fd, generation});
  }
  return 0;
}

/// The socket must not be in the selector while it waits: the selector would report a hang-up
/// (EPOLLHUP), as it does for any Unix socket that is not connected.
inline int pending_connects::wait_for_room(int fd, socket_address address, token_word name,
                                           interest wanted, trigger how) {
  file_identity identity;
  if (int const error = identify(fd, identity)) {
    return error;
  }
  handles_.retries().reserve_one();
  std::uint32_t const generation = handles_.make(fd).next_generation();
  handles_.remove_from_selector(fd); // if it was registered before
  handles_.enter(fd, generation, name, wanted, how, state::waiting);
  handles_.retries().add(fd, identity, address, clock::now());
  return 0;
}

BOOST_NOINLINE inline void pending_connects::retry(clock::time_point now) noexcept {
  if (!retries().empty() && handles_.own_selector() == 0) {
    handles_.retries().retry(
        now, [this](int fd, connect_result tried) { return end_wait(fd, tried); },
        [this](int fd) { handles_.at(fd).vacate(); });
  }
}

/// Called after a waiting connect was tried again. Unless it has to wait longer, the selector
/// watches it from now on.
inline connect_retries::verdict pending_connects::end_wait(int fd, connect_result tried) noexcept {
  using verdict = connect_retries::verdict;
  if (tried.progress == connect_progress::no_room) {
    return verdict::wait;
  }
  bool const failed = tried.progress == connect_progress::failed;
  // If there is no descriptor or no memory for this mark, the failure cannot be reported truthfully
  // yet.
  if (failed && is_shortage(mark_connect_failed(fd))) {
    return verdict::wait;
  }
  registration& waiting = handles_.at(fd);
  if (handles_.add_to_selector(fd, waiting.wanted() | interest::writable, waiting.how(),
                               selector::tag_data(fd, waiting.generation())) != 0) {
    return verdict::wait;
  }
  waiting.set_state(state::connecting);
  if (failed) {
    handles_.retries().set_refusal(fd, tried.error);
  }
  return verdict::done;
}

BOOST_NOINLINE inline registration* pending_connects::begin_telling_known_outcome() noexcept {
  known_outcome const told = known_outcomes_.front();
  known_outcomes_.erase(known_outcomes_.begin());
  registration& known = handles_.at(told.fd);
  if (!known.owns(told.generation) || known.state() != state::connecting) {
    return nullptr;
  }
  if (known.wants_writing() && contains(known.how(), trigger::oneshot) &&
      !handles_.is_left_behind()) {
    // This is the registration's one event, of which the selector does not know.
    handles_.remove_from_selector(told.fd);
  }
  return begin_telling(known, told.fd, 0, state::unlisted) ? &known : nullptr;
}

BOOST_NOINLINE inline bool pending_connects::begin_telling(registration& connecting, int fd,
                                                           int error, state fired) noexcept {
  if (connecting.wants_writing()) {
    connecting.set_state(contains(connecting.how(), trigger::oneshot) ? fired : state::watched);
  } else {
    // The selector was asked for writability only because of the outcome. Changing the registration
    // makes it report anew everything else that is ready.
    connecting.renew(connecting.next_generation(), registrations::armed_state(connecting.how()));
    // (A child that has no selector of its own yet registers this when it makes one.)
    if (!handles_.is_left_behind() &&
        handles_.modify_in_selector(fd, connecting.wanted(), connecting.how(),
                                    selector::tag_data(fd, connecting.generation())) != 0) {
      handles_.forget(fd); // closed meanwhile
      return false;
    }
  }
  int const refusal = handles_.retries().take_refusal(fd);
  handles_.retries().tell(fd, refusal != 0 ? refusal : error);
  return true;
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_PENDING_CONNECTS_HPP
