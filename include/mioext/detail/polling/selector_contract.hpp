//
// mioext/detail/polling/selector_contract.hpp
// -------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What a selector, its waker, its alarm and its signals must offer: each member, with a check of
// its type.
//

#ifndef MIOEXT_DETAIL_POLLING_SELECTOR_CONTRACT_HPP
#define MIOEXT_DETAIL_POLLING_SELECTOR_CONTRACT_HPP

#include <mioext/detail/system.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <type_traits>
#include <utility>

#include <mioext/interest.hpp>
#include <mioext/read_hint.hpp>
#include <mioext/signal_info.hpp>
#include <mioext/trigger.hpp>
#include <mioext/write_hint.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

// Members report errors as errno values (zero for success) and throw nothing, so that the selectors
// need nothing but the standard library.

/// An argument that converts to T and to nothing else. So the checks find a parameter of another
/// type, even one to which a T converts. The functions here are only named by the checks and never
/// defined.
template <class T> struct exactly {
  operator T() const noexcept;
  template <class Other, typename std::enable_if<!std::is_same<Other, T>::value, int>::type = 0>
  operator Other() const = delete;
};

template <class Selector> typename Selector::native_event const& event_of() noexcept;
template <class Selector> typename Selector::native_event& changeable_event_of() noexcept;

/// Defines `has_NAME`: true if `call`, in which T is the Subject, compiles, yields a Result and
/// cannot throw. If that is asserted and false, the compiler's message shows the call.
#define MIOEXT_DETAIL_MEMBER(name, Result, call)                                                   \
  template <class T>                                                                               \
  static std::integral_constant<bool,                                                              \
                                std::is_same<decltype(call), Result>::value&& noexcept(call)>      \
      test_##name(T*);                                                                             \
  static std::false_type test_##name(...);                                                         \
  static constexpr bool has_##name = decltype(test_##name(static_cast<Subject*>(nullptr)))::value; \
  static_assert(has_##name || !IsAsserted,                                                         \
                "mioext: " #name " is not as selector_contract.hpp asks for it: a call of it is, " \
                "without exceptions, " #Result " " #call)

/// The contract of a selector. Where it is not asserted, a test can ask for each member.
template <class Subject, bool IsAsserted = false> struct selector_contract {
  /// What the system fills in for one event.
  MIOEXT_DETAIL_MEMBER(native_event, typename T::native_event, typename T::native_event());

  /// A number that the system hands back with an event.
  MIOEXT_DETAIL_MEMBER(user_data, typename T::user_data, typename T::user_data());

  /// User data that carries a token.
  MIOEXT_DETAIL_MEMBER(token_data, typename T::user_data, T::token_data(exactly<std::size_t>()));

  /// User data that carries a descriptor and a tag of 31 bits.
  MIOEXT_DETAIL_MEMBER(tag_data, typename T::user_data,
                       T::tag_data(exactly<int>(), exactly<std::uint32_t>()));

  /// User data for a source of the owner's own, with a number of 31 bits that is not zero.
  MIOEXT_DETAIL_MEMBER(internal_data, typename T::user_data,
                       T::internal_data(exactly<std::uint32_t>()));

  /// What token_data() was given.
  MIOEXT_DETAIL_MEMBER(token, std::size_t, T::token(event_of<T>()));

  /// The descriptor that tag_data() was given. For internal_data() it is a number larger than any
  /// descriptor.
  MIOEXT_DETAIL_MEMBER(descriptor, std::uint32_t, T::descriptor(event_of<T>()));

  /// The tag that tag_data() was given. For internal_data() it is the number of the source.
  MIOEXT_DETAIL_MEMBER(tag, std::uint32_t, T::tag(event_of<T>()));

  /// What event::is_readable() says, and so on.
  MIOEXT_DETAIL_MEMBER(is_readable, bool, T::is_readable(event_of<T>()));
  MIOEXT_DETAIL_MEMBER(is_writable, bool, T::is_writable(event_of<T>()));
  MIOEXT_DETAIL_MEMBER(is_error, bool, T::is_error(event_of<T>()));
  MIOEXT_DETAIL_MEMBER(is_read_closed, bool, T::is_read_closed(event_of<T>()));
  MIOEXT_DETAIL_MEMBER(is_write_closed, bool, T::is_write_closed(event_of<T>()));
  MIOEXT_DETAIL_MEMBER(is_priority, bool, T::is_priority(event_of<T>()));

  /// An ordinary read would find nothing, because all there is to read is urgent data.
  MIOEXT_DETAIL_MEMBER(is_only_priority, bool, T::is_only_priority(event_of<T>()));

  /// There is something that a reader would want to hear of.
  MIOEXT_DETAIL_MEMBER(concerns_reading, bool, T::concerns_reading(event_of<T>()));

  /// There is something that a writer would want to hear of.
  MIOEXT_DETAIL_MEMBER(concerns_writing, bool, T::concerns_writing(event_of<T>()));

  /// There is room for a write and nothing else. An end or an error makes this false, even one that
  /// drop_reading() has kept for the writer.
  MIOEXT_DETAIL_MEMBER(is_only_writable, bool, T::is_only_writable(event_of<T>()));

  /// Reduces an event that concerns both directions to what concerns writing.
  MIOEXT_DETAIL_MEMBER(drop_reading, void, T::drop_reading(changeable_event_of<T>()));

  /// Reduces an event that concerns both directions to what concerns reading.
  MIOEXT_DETAIL_MEMBER(drop_writing, void, T::drop_writing(changeable_event_of<T>()));

  /// What a read is likely to find.
  MIOEXT_DETAIL_MEMBER(hint, read_hint, T::hint(event_of<T>()));

  /// Why a write is likely to fail. The event concerns writing, and is_only_writable() is false for
  /// it.
  MIOEXT_DETAIL_MEMBER(failing_write_hint, write_hint, T::failing_write_hint(event_of<T>()));

  /// Prints the system's flags of an event. This is the only member that may throw.
  MIOEXT_DETAIL_MEMBER(
      print_details, std::is_void<void>,
      std::is_void<decltype(T::print_details(std::declval<std::ostream&>(), event_of<T>()))>());

  /// The errno value that an event carries, or zero if it carries none. The system may have taken
  /// it off the socket in order to report it.
  MIOEXT_DETAIL_MEMBER(error, int, T::error(event_of<T>()));

  /// All interests that can be watched.
  MIOEXT_DETAIL_MEMBER(all_interests, interest, T::all_interests());

  /// True if one event reports all that a descriptor is ready for; false if reading and writing come in
  /// two.
  MIOEXT_DETAIL_MEMBER(reports_together, bool, T::reports_together());

  /// The largest number of events that can be fetched in one call.
  MIOEXT_DETAIL_MEMBER(most_events, std::size_t, T::most_events());

  /// The longest timeout. A longer one is shortened to this.
  MIOEXT_DETAIL_MEMBER(longest_wait, std::chrono::nanoseconds, T::longest_wait());

  /// Makes the selector, with close-on-exec set.
  MIOEXT_DETAIL_MEMBER(open, int, std::declval<T&>().open());

  /// Closes the selector. After that only close() and open() may be called.
  MIOEXT_DETAIL_MEMBER(close, void, std::declval<T&>().close());

  /// Puts another selector in the place of this one, under this one's descriptor number. For a
  /// child after fork(2).
  MIOEXT_DETAIL_MEMBER(replace_with, int, std::declval<T&>().replace_with(std::declval<T&>()));

  /// True if the number still refers to the file that was added under it. The user data is for a
  /// probe, and nothing else uses it.
  MIOEXT_DETAIL_MEMBER(has, bool,
                       std::declval<T&>().has(exactly<int>(), exactly<typename T::user_data>()));

  /// A descriptor that is readable when there are events; -1 if the selector is not open.
  MIOEXT_DETAIL_MEMBER(native_handle, int, std::declval<T const&>().native_handle());

  /// Watches a descriptor. EEXIST if it is watched already.
  MIOEXT_DETAIL_MEMBER(add, int,
                       std::declval<T&>().add(exactly<int>(), interest::none, trigger(),
                                              exactly<typename T::user_data>()));

  /// Watches it with another interest, trigger and user data, and reports readiness anew. ENOENT if
  /// it is not watched.
  MIOEXT_DETAIL_MEMBER(modify, int,
                       std::declval<T&>().modify(exactly<int>(), interest::none, trigger(),
                                                 exactly<typename T::user_data>()));

  /// Stops watching it. ENOENT if it is not watched.
  MIOEXT_DETAIL_MEMBER(remove, int, std::declval<T&>().remove(exactly<int>()));

  /// Waits for events and returns how many there are, or a negated errno value. With a negative
  /// timeout it waits without limit. The capacity is from 1 to most_events().
  MIOEXT_DETAIL_MEMBER(wait, int,
                       std::declval<T&>().wait(std::declval<typename T::native_event*>(),
                                               exactly<std::size_t>(),
                                               exactly<std::chrono::nanoseconds>()));

  /// True if all members are there.
  static constexpr bool is_met =
      has_native_event && has_user_data && has_token_data && has_tag_data && has_internal_data &&
      has_token && has_descriptor && has_tag && has_is_readable && has_is_writable &&
      has_is_error && has_is_read_closed && has_is_write_closed && has_is_priority &&
      has_is_only_priority && has_concerns_reading && has_concerns_writing &&
      has_is_only_writable && has_drop_reading && has_drop_writing && has_hint &&
      has_failing_write_hint && has_print_details && has_error && has_all_interests &&
      has_reports_together && has_most_events && has_longest_wait && has_open && has_close &&
      has_replace_with && has_has && has_native_handle && has_add && has_modify && has_remove &&
      has_wait;
};

/// The contract of a waker, which wakes whoever waits for a selector.
template <class Subject, class Selector, bool IsAsserted = false> struct waker_contract {
  /// It can be moved. A waker that was moved from wakes nobody.
  MIOEXT_DETAIL_MEMBER(move, T, T(std::declval<T>()));

  /// Makes it, or makes it anew, for a selector that is open.
  MIOEXT_DETAIL_MEMBER(open, int,
                       std::declval<T&>().open(std::declval<Selector&>(),
                                               exactly<typename Selector::user_data>()));

  /// Makes the selector report one readable event. May be called by any thread.
  MIOEXT_DETAIL_MEMBER(wake, int, std::declval<T const&>().wake());

  /// True if all members are there.
  static constexpr bool is_met = has_move && has_open && has_wake;
};

/// The contract of an alarm, which wakes whoever waits for a selector after a certain time.
template <class Subject, class Selector, bool IsAsserted = false> struct alarm_contract {
  /// Makes it, or makes it anew, for a selector that is open.
  MIOEXT_DETAIL_MEMBER(open, int,
                       std::declval<T&>().open(std::declval<Selector&>(),
                                               exactly<typename Selector::user_data>()));

  /// Makes the selector report one readable event after that time, at once if it is not positive,
  /// and never early. May be called by any thread.
  MIOEXT_DETAIL_MEMBER(set, int, std::declval<T const&>().set(exactly<std::chrono::nanoseconds>()));

  /// True if all members are there.
  static constexpr bool is_met = has_open && has_set;
};

/// The contract of signals, which wake whoever waits for a selector when they arrive.
template <class Subject, class Selector, bool IsAsserted = false> struct signals_contract {
  /// Starts taking a signal.
  MIOEXT_DETAIL_MEMBER(add, int,
                       std::declval<T&>().add(std::declval<Selector&>(),
                                              exactly<typename Selector::user_data>(),
                                              exactly<int>()));

  /// Stops taking a signal, as the destructor does for all of them.
  MIOEXT_DETAIL_MEMBER(remove, int, std::declval<T&>().remove(exactly<int>()));

  /// Stops taking all signals.
  MIOEXT_DETAIL_MEMBER(clear, void, std::declval<T&>().clear());

  /// Reads the next signal of an event; EAGAIN if there is none.
  MIOEXT_DETAIL_MEMBER(read, int,
                       std::declval<T&>().read(changeable_event_of<Selector>(),
                                               std::declval<signal_info&>()));

  /// Makes the selector report the signals of an event again that were not read.
  MIOEXT_DETAIL_MEMBER(put_back, void, std::declval<T&>().put_back(event_of<Selector>()));

  /// Takes the same signals in a child after fork(2), with the child's own selector.
  MIOEXT_DETAIL_MEMBER(reopen, int,
                       std::declval<T&>().reopen(std::declval<Selector&>(),
                                                 exactly<typename Selector::user_data>()));

  /// True if all members are there.
  static constexpr bool is_met =
      has_add && has_remove && has_clear && has_read && has_put_back && has_reopen;
};

#undef MIOEXT_DETAIL_MEMBER

/// Can be instantiated only if the four classes meet their contracts.
template <class Selector, class Waker, class Alarm, class Signals>
struct check_selector : selector_contract<Selector, true>,
                        waker_contract<Waker, Selector, true>,
                        alarm_contract<Alarm, Selector, true>,
                        signals_contract<Signals, Selector, true> {};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_POLLING_SELECTOR_CONTRACT_HPP
