//
// mioext/detail/event_loop/registrations.hpp
// ------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What an event loop has in the system's selector: the handles of the program, the signals, and the
// loop's own waker.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_REGISTRATIONS_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_REGISTRATIONS_HPP

#include <mioext/detail/system.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <boost/config.hpp>

#include <mioext/detail/descriptor_flags.hpp>
#include <mioext/detail/event_loop/connect_retries.hpp>
#include <mioext/detail/event_loop/mailbox.hpp>
#include <mioext/detail/event_loop/registration_table.hpp>
#include <mioext/detail/event_loop/selector_lender.hpp>
#include <mioext/detail/event_loop/token_word.hpp>
#include <mioext/detail/fork_mark.hpp>
#include <mioext/detail/polling/registration_rules.hpp>
#include <mioext/detail/polling/selector.hpp>
#include <mioext/detail/scope_exit.hpp>
#include <mioext/interest.hpp>
#include <mioext/trigger.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The selector and the table of what is registered in it; this class keeps the two consistent.
/// Functions that can fail return an errno value.
///
/// After a fork the child shares the system's selector with its parent and must leave it alone:
/// whatever the child removed from it would be removed for the parent, too. The child gets a
/// selector of its own by own_selector(). Closing and deregistering do not ask for one, because a
/// child that only gives everything up needs no selector.
class registrations {
public:
  using state = registration_state;

  /// The numbers of the loop's own sources, which their events carry.
  enum : std::uint32_t { waker_source = 1, signal_source = 2, probe_source = 3 };

  explicit registrations(mailbox_base& mailbox) noexcept : mailbox_(mailbox) {}

  registrations(registrations const&) = delete;
  registrations& operator=(registrations const&) = delete;

  int open() noexcept;

  selector& system_selector() noexcept { return selector_; }
  selector const& system_selector() const noexcept { return selector_; }
  selector_signals& signals() noexcept { return signals_; }
  connect_retries& retries() noexcept { return retries_; }
  connect_retries const& retries() const noexcept { return retries_; }

  // --- Handles -----------------------------------------------------------------------------------

  /// The entry of `fd`, or null if none was ever made. A call that makes an entry invalidates the
  /// pointer.
  registration* find(std::uint32_t fd) noexcept { return table_.find(fd); }
  registration* find(int fd) noexcept { return table_.find(fd); }

  /// The entry of `fd`, which was made before.
  registration& at(int fd) noexcept { return table_.at(fd); }

  /// The entry of `fd`, made if need be. Throws std::bad_alloc, and then nothing has changed.
  registration& make(int fd) { return table_.make(fd); }

  /// The generation of the next registration of `fd`.
  std::uint32_t next_generation(int fd) noexcept {
    registration const* const known = table_.find(fd);
    return known ? known->next_generation() : 1;
  }

  int add(int fd, token_word name, interest wanted, trigger how);
  int modify(int fd, token_word name, interest wanted, trigger how);
  int remove(int fd) noexcept;

  /// Adds `fd` to the selector in the place of an earlier registration. enter() then does so in the
  /// table.
  int replace(int fd, interest wanted, trigger how, selector::user_data data) noexcept;

  /// Makes an entry for a descriptor that the selector has accepted. If this throws std::bad_alloc,
  /// the descriptor has been removed from the selector again.
  void enter(int fd, std::uint32_t generation, token_word name, interest wanted, trigger how,
             state entered);

  /// Drops what the loop knows of `fd`, which the selector does not know any more or is about to
  /// forget.
  void forget(int fd) noexcept;

  /// Forgets `fd` if it is not in the selector any more.
  void forget_if_closed(int fd) noexcept {
    if (!is_in_selector(fd)) {
      forget(fd);
    }
  }

  static state armed_state(trigger how) noexcept {
    return contains(how, trigger::oneshot) ? state::armed : state::watched;
  }

  /// The selector alone is asked or changed, and not the table.
  int add_to_selector(int fd, interest wanted, trigger how, selector::user_data data) noexcept;
  int modify_in_selector(int fd, interest wanted, trigger how, selector::user_data data) noexcept;
  int remove_from_selector(int fd) noexcept {
    return is_borrowed(fd) ? lender_->remove(fd) : selector_.remove(fd);
  }

  // --- A selector of others, for those whose readiness looking uses up ------------------------------

  /// @param lender null for none; then nothing may be in the earlier one's.
  void borrow_from(selector_lender* lender) noexcept { lender_ = lender; }

  /// Takes `fd` out of the other selector into the loop's own, which reports anew what is ready.
  int take_back(int fd) noexcept;
  void take_all_back() noexcept {
    if (lender_) {
      take_each_back();
    }
  }

  /// In a child: adds `fd`, which is in the other selector, to the one that is to replace that.
  int copy_borrowed(selector& fresh, int fd) noexcept;

  // --- Signals -----------------------------------------------------------------------------------

  int add_signal(int number) {
    int const error = own_selector();
    return error ? error : signals_.add(selector_, signal_data(), number);
  }

  // --- Fork --------------------------------------------------------------------------------------

  /// True in a child whose selector is its parent's.
  bool is_left_behind() const noexcept { return owner_.is_left_behind(); }

  /// Makes sure that the selector is this process's own.
  int own_selector() noexcept { return owner_.is_left_behind() ? rebuild_selector() : 0; }

  int rebuild_selector() noexcept;

  /// For a child that has no selector of its own and needs none: closes its descriptor of the
  /// parent's selector.
  void close_inherited_selector() noexcept {
    if (owner_.is_left_behind()) {
      selector_.close();
    }
  }

private:
  static selector::user_data waker_data() noexcept { return selector::internal_data(waker_source); }
  static selector::user_data signal_data() noexcept {
    return selector::internal_data(signal_source);
  }

  bool is_in_selector(int fd) noexcept {
    selector_lender* const lender = lender_;
    return lender && lender->has(fd) ? lender->has_still(fd) : is_in_own_selector(fd);
  }

  bool is_in_own_selector(int fd) noexcept {
    return selector_.has(fd, selector::internal_data(probe_source));
  }

  bool is_borrowed(int fd) const noexcept { return lender_ && lender_->has(fd); }

  /// Whether the other selector is to have it. What is there is not fetched from the own one, so that only
  /// what has to be is there.
  bool is_to_be_borrowed(int fd, interest wanted) const noexcept {
    return lender_ && contains(wanted, interest::priority) && is_told_once(fd);
  }

  static int removal_error(int fd, registration const* known) noexcept;
  int rebuild_registration(int fd, selector& fresh) noexcept;
  int add_anew(int fd, selector& where) noexcept;
  void take_each_back() noexcept;

  selector selector_{};
  selector_lender* lender_ = nullptr;
  fork_mark owner_{}; // of the selector, the waker and the signals
  mailbox_base& mailbox_;
  selector_signals signals_{};
  registration_table table_{};
  connect_retries retries_{};
};

BOOST_NOINLINE inline int registrations::open() noexcept {
  int error = fork_count::begin();
  if (error == 0) {
    error = selector_.open();
  }
  return error ? error : mailbox_.open(selector_, waker_data());
}

BOOST_NOINLINE inline int registrations::add(int fd, token_word name, interest wanted,
                                             trigger how) {
  if (int const error = check_registration(wanted, how)) {
    return error;
  }
  if (int const error = own_selector()) {
    return error;
  }
  registration* const known = table_.find(fd);
  if (known && known->state() == state::waiting && retries_.is_waiting(fd)) {
    return EEXIST;
  }
  std::uint32_t const generation = next_generation(fd);
  selector::user_data const data = selector::tag_data(fd, generation);
  int error = add_to_selector(fd, wanted, how, data);
  if (error == EEXIST && known && known->is_vacant()) {
    // The handle was closed while another descriptor kept its file open, and that file has its old
    // number again: the selector still has the old registration.
    error = modify_in_selector(fd, wanted, how, data);
  }
  if (error == 0) {
    // The selector has accepted the descriptor, so any entry that the table has for its number is
    // that of a closed handle.
    enter(fd, generation, name, wanted, how, armed_state(how));
  }
  return error;
}

BOOST_NOINLINE inline void registrations::enter(int fd, std::uint32_t generation, token_word name,
                                                interest wanted, trigger how, state entered) {
  auto undo = make_scope_exit([this, fd] { remove_from_selector(fd); });
  registration& made = table_.make(fd);
  undo.release();
  retries_.remove(fd);
  made.renew(generation, entered);
  made.assign(name, wanted, how);
}

BOOST_NOINLINE inline int registrations::modify(int fd, token_word name, interest wanted,
                                                trigger how) {
  if (int const error = check_reregistration(wanted, how)) {
    return error;
  }
  if (int const error = own_selector()) {
    return error;
  }
  registration* const known = table_.find(fd);
  if (!known || known->is_vacant()) {
    return not_registered_error(fd);
  }
  if (known->state() == state::waiting) {
    if (!retries_.is_waiting(fd)) {
      forget(fd);
      return not_registered_error(fd);
    }
  } else {
    bool const is_connecting = known->state() == state::connecting;
    interest const watched = is_connecting ? wanted | interest::writable : wanted;
    selector::user_data const data = selector::tag_data(fd, known->next_generation());
    int const error = known->state() == state::unlisted
                          ? add_to_selector(fd, watched, how, data)
                          : modify_in_selector(fd, watched, how, data);
    bool const may_be_gone = error == EPIPE || error == EPERM;
    if (error == ENOENT || error == EBADF || (may_be_gone && !is_in_selector(fd))) {
      // Closed (EPERM: and the number is that of a regular file by now), or a pipe that kqueue could
      // not leave as it was.
      forget(fd);
    }
    if (error != 0) {
      return error;
    }
    known->renew(known->next_generation(), is_connecting ? state::connecting : armed_state(how));
  }
  known->assign(name, wanted, how);
  return 0;
}

BOOST_NOINLINE inline int registrations::remove(int fd) noexcept {
  registration* const known = table_.find(fd);
  int error = 0;
  state const current = known ? known->state() : state::vacant;
  if (current == state::waiting) {
    error = retries_.is_waiting(fd) ? 0 : not_registered_error(fd);
  } else if (current != state::unlisted) {
    bool const is_left = owner_.is_left_behind();
    if (is_left && is_borrowed(fd)) {
      lender_->remove(fd); // which may have left the parent already
    }
    error = is_left ? removal_error(fd, known) : remove_from_selector(fd);
  }
  forget(fd);
  return error;
}

/// The error that the selector would return for the removal. The selector is not called, because it
/// is the parent's.
inline int registrations::removal_error(int fd, registration const* known) noexcept {
  int const error = not_registered_error(fd);
  bool const is_registered = known && !known->is_vacant();
  return is_registered && error == ENOENT ? 0 : error;
}

/// An earlier registration is removed instead of changed, because an exclusive one cannot be
/// changed.
BOOST_NOINLINE inline int registrations::replace(int fd, interest wanted, trigger how,
                                                 selector::user_data data) noexcept {
  int error = add_to_selector(fd, wanted, how, data);
  if (error == EEXIST) {
    remove_from_selector(fd);
    error = add_to_selector(fd, wanted, how, data);
  }
  return error;
}

/// In the other selector the file may be there for somebody else. Then the own one has it.
BOOST_NOINLINE inline int registrations::add_to_selector(int fd, interest wanted, trigger how,
                                                         selector::user_data data) noexcept {
  if (is_borrowed(fd)) {
    if (lender_->has_still(fd)) {
      return EEXIST;
    }
    lender_->remove(fd); // it was closed
  }
  if (is_to_be_borrowed(fd, wanted)) {
    int const error = is_in_own_selector(fd) ? EEXIST : lender_->add(fd, wanted, how, data);
    if (error != EEXIST) {
      return error;
    }
  }
  return selector_.add(fd, wanted, how, data);
}

/// Another interest may mean the other selector.
BOOST_NOINLINE inline int registrations::modify_in_selector(int fd, interest wanted, trigger how,
                                                            selector::user_data data) noexcept {
  selector_lender* const lender = lender_;
  if (!lender) {
    return selector_.modify(fd, wanted, how, data);
  }
  bool const is_there = lender->has(fd);
  if (is_there == is_to_be_borrowed(fd, wanted)) {
    return is_there ? lender->modify(fd, wanted, how, data)
                    : selector_.modify(fd, wanted, how, data);
  }
  if (is_there) {
    int const error = lender->remove(fd);
    return error ? error : selector_.add(fd, wanted, how, data);
  }
  int error = lender->add(fd, wanted, how, data);
  if (error != 0) {
    return error == EEXIST ? selector_.modify(fd, wanted, how, data) : error;
  }
  error = selector_.remove(fd);
  if (error != 0) {
    lender->remove(fd); // another file than the one that was registered
  }
  return error;
}

BOOST_NOINLINE inline int registrations::take_back(int fd) noexcept {
  bool const was_there = lender_->remove(fd) == 0;
  registration* const known = table_.find(fd);
  if (!was_there || !known || known->is_vacant()) {
    forget(fd); // it was closed
    return 0;
  }
  if (known->state() == state::disarmed) {
    known->set_state(state::unlisted);
    return 0;
  }
  return add_anew(fd, selector_);
}

BOOST_NOINLINE inline void registrations::take_each_back() noexcept {
  for (std::size_t index = 0; index != table_.size(); ++index) {
    int const fd = static_cast<int>(index);
    if (lender_->has(fd)) {
      take_back(fd);
    }
  }
}

BOOST_NOINLINE inline int registrations::copy_borrowed(selector& fresh, int fd) noexcept {
  if (!lender_->has_still(fd)) {
    lender_->remove(fd);
    forget(fd);
    return 0;
  }
  if (table_.at(fd).state() == state::disarmed) {
    lender_->remove(fd);
    table_.at(fd).set_state(state::unlisted);
    return 0;
  }
  return add_anew(fd, fresh);
}

BOOST_NOINLINE inline void registrations::forget(int fd) noexcept {
  registration* const known = table_.find(fd);
  if (known && !known->is_vacant()) {
    retries_.remove(fd);
    retries_.take_told_error(fd);
    known->vacate();
  }
}

/// Gives the child a new selector that watches everything that the old one really watches. A
/// descriptor that was closed, and whose number may refer to another file by now, is forgotten. The
/// old selector is given up last, so that the call can be repeated after a failure. Events that
/// were fetched from it and not delivered yet are still delivered.
BOOST_NOINLINE inline int registrations::rebuild_selector() noexcept {
  selector fresh;
  selector_waker waker;
  int error = lender_ ? lender_->renew() : 0;
  if (error == 0) {
    error = fresh.open();
  }
  for (std::size_t index = 0; error == 0 && index != table_.size(); ++index) {
    error = rebuild_registration(static_cast<int>(index), fresh);
  }
  if (error == 0) {
    error = waker.open(fresh, waker_data());
  }
  if (error == 0) {
    error = signals_.reopen(fresh, signal_data());
  }
  if (error == 0) {
    error = selector_.replace_with(fresh);
  }
  if (error != 0) {
    return error;
  }
  owner_.renew();
  mailbox_.settle_after_fork(std::move(waker));
  for (std::size_t index = 0; index != table_.size(); ++index) {
    registration& rebuilt = table_.at(static_cast<int>(index));
    if (rebuilt.state() == state::disarmed) {
      rebuilt.set_state(state::unlisted);
    }
  }
  return 0;
}

inline int registrations::rebuild_registration(int fd, selector& fresh) noexcept {
  registration& rebuilt = table_.at(fd);
  // The selector does not know a connect that waits; its retry adds it.
  if (rebuilt.is_vacant() || rebuilt.state() == state::waiting ||
      rebuilt.state() == state::unlisted || is_borrowed(fd)) {
    return 0;
  }
  if (!is_in_selector(fd)) {
    forget(fd);
    return 0;
  }
  if (rebuilt.state() == state::disarmed) {
    return 0; // added when it is armed again
  }
  return add_anew(fd, fresh);
}

inline int registrations::add_anew(int fd, selector& where) noexcept {
  registration& rebuilt = table_.at(fd);
  if (rebuilt.state() == state::armed) {
    // Its one event may be in the batch. That one becomes stale, because the event is reported
    // anew.
    rebuilt.renew(rebuilt.next_generation(), state::armed);
  }
  interest const watched = rebuilt.state() == state::connecting
                               ? rebuilt.wanted() | interest::writable
                               : rebuilt.wanted();
  return where.add(fd, watched, rebuilt.how(), selector::tag_data(fd, rebuilt.generation()));
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_REGISTRATIONS_HPP
