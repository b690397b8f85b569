//
// mioext/detail/event_loop/handler_traits.hpp
// -------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The type through which a handler is called: its own class if that saves the virtual call, else
// the base that it derives from.
//

#ifndef MIOEXT_DETAIL_EVENT_LOOP_HANDLER_TRAITS_HPP
#define MIOEXT_DETAIL_EVENT_LOOP_HANDLER_TRAITS_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <boost/type_traits/detected_or.hpp>
#include <boost/type_traits/is_detected.hpp>
#include <boost/type_traits/is_final.hpp>

#include <mioext/handler.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

template <class Token, class Message, class Executor> class basic_async_event_loop;

namespace detail {

template <class Handler, class Base>
using calls_by_plain_names =
    decltype(std::declval<Handler&>().readable(std::declval<typename Base::loop_type&>(),
                                               std::declval<typename Base::token_type>(),
                                               read_hint::data),
             std::declval<Handler&>().writable(std::declval<typename Base::loop_type&>(),
                                               std::declval<typename Base::token_type>()),
             std::declval<Handler&>().write_failing(std::declval<typename Base::loop_type&>(),
                                                    std::declval<typename Base::token_type>(),
                                                    write_hint::hup),
             std::declval<Handler&>().timer(std::declval<typename Base::loop_type&>(),
                                            std::declval<typename Base::token_type>()),
             std::declval<Handler&>().notify(std::declval<typename Base::loop_type&>(),
                                             std::declval<typename Base::message_type>()),
             std::declval<Handler&>().signal(std::declval<typename Base::loop_type&>(),
                                             std::declval<signal_info const&>()));

/// True if all members can be called on a Handler by their plain names. False if it has made one
/// private, or hides one by something else of that name (a data member `timer`, for instance).
template <class Handler, class Base>
using has_plain_members = boost::is_detected<calls_by_plain_names, Handler, Base>;

/// The type through which the loop calls a handler. A final class is called directly, so that the
/// compiler can inline the calls; any other class is called through its base, so that it may
/// declare its own members as it likes.
template <class Base, class Handler>
using called_type = typename std::conditional<boost::is_final<Handler>::value &&
                                                  has_plain_members<Handler, Base>::value,
                                              Handler, Base>::type;

/// True for a type of parameter that only a handler's member has: a loop, a token (unless tokens
/// are numbers), a hint, the information on a signal.
template <class Base, class Parameter> struct is_handlers_parameter {
  using given = typename std::remove_cv<typename std::remove_reference<Parameter>::type>::type;
  using token_type = typename Base::token_type;

  template <class T, class M> static std::true_type test(basic_event_loop<T, M> const*);
  template <class T, class M, class E>
  static std::true_type test(basic_async_event_loop<T, M, E> const*);
  static std::true_type test(read_hint const*);
  static std::true_type test(write_hint const*);
  static std::true_type test(signal_info const*);
  static std::false_type test(...);

  static constexpr bool value =
      (std::is_same<given, token_type>::value && !std::is_arithmetic<token_type>::value) ||
      decltype(test(static_cast<typename std::remove_pointer<given>::type*>(nullptr)))::value;
};

template <class Base, class... Parameters> struct has_handlers_parameter : std::false_type {};

template <class Base, class First, class... Rest>
struct has_handlers_parameter<Base, First, Rest...>
    : std::integral_constant<bool, is_handlers_parameter<Base, First>::value ||
                                       has_handlers_parameter<Base, Rest...>::value> {};

template <class... Conditions> struct is_any : std::false_type {};

template <class First, class... Rest>
struct is_any<First, Rest...>
    : std::integral_constant<bool, First::value || is_any<Rest...>::value> {};

/// Examines a member of the handler that has the name of one of the base's members. True if the
/// member looks as if the loop should call it, but the loop does not, because it calls the base's.
/// `Pointer` is the type of a pointer to the member, and `Called` are the types of the base's
/// functions of that name.
///
/// Only a public function without overloads can be examined. A function with other parameters than
/// a handler's is not a mistake, and neither is a data member.
template <class Base, class Pointer, class... Called> struct is_missed {
  template <class R, class C, class... P>
  static has_handlers_parameter<Base, P...> has_parameters(R (C::*)(P...));
  template <class R, class C, class... P>
  static has_handlers_parameter<Base, P...> has_parameters(R (C::*)(P...) const);
  template <class R, class C, class... P>
  static has_handlers_parameter<Base, P...> has_parameters(R (C::*)(P...) &);
  template <class R, class C, class... P>
  static has_handlers_parameter<Base, P...> has_parameters(R (C::*)(P...) const&);
  template <class R, class... P>
  static has_handlers_parameter<Base, P...> has_parameters(R (*)(P...));
  static std::false_type has_parameters(...);

  template <class F, class C>
  static is_any<std::is_convertible<F C::*, Called C::*>...> overrides(F C::*);
  static std::false_type overrides(...);

  static constexpr bool value = decltype(has_parameters(std::declval<Pointer>()))::value &&
                                !decltype(overrides(std::declval<Pointer>()))::value;
};

#define MIOEXT_DETAIL_MISSED_MEMBER(name)                                                          \
  template <class Handler> using pointer_to_##name = decltype(&Handler::name);                     \
  template <class Base, class Handler, class... Called>                                            \
  using misses_##name =                                                                            \
      is_missed<Base, boost::detected_or_t<int, pointer_to_##name, Handler>, Called...>

MIOEXT_DETAIL_MISSED_MEMBER(readable);
MIOEXT_DETAIL_MISSED_MEMBER(writable);
MIOEXT_DETAIL_MISSED_MEMBER(write_failing);
MIOEXT_DETAIL_MISSED_MEMBER(timer);
MIOEXT_DETAIL_MISSED_MEMBER(notify);
MIOEXT_DETAIL_MISSED_MEMBER(signal);

#undef MIOEXT_DETAIL_MISSED_MEMBER

#define MIOEXT_DETAIL_CHECK_MEMBER(name, ...)                                                      \
  static_assert(                                                                                   \
      !misses_##name<Base, Handler, __VA_ARGS__>::value,                                           \
      "mioext: this handler's " #name "() does not have the parameters of "                        \
      "basic_handler's, so it hides that and is never called; `override` after it tells "          \
      "them apart; if it is meant to be another function, add "                                    \
      "`using mioext::basic_handler<Token, Message>::" #name ";`")

/// The compile-time checks for handlers that are called through their base.
template <class Base, class Handler> struct check_members {
  using loop_type = typename Base::loop_type;
  using token_type = typename Base::token_type;

  MIOEXT_DETAIL_CHECK_MEMBER(readable, void(loop_type&, token_type, read_hint));
  MIOEXT_DETAIL_CHECK_MEMBER(writable, void(loop_type&, token_type));
  MIOEXT_DETAIL_CHECK_MEMBER(write_failing, void(loop_type&, token_type, write_hint));
  MIOEXT_DETAIL_CHECK_MEMBER(timer, void(loop_type&, token_type));
  MIOEXT_DETAIL_CHECK_MEMBER(notify, void(loop_type&, typename Base::message_type));
  MIOEXT_DETAIL_CHECK_MEMBER(signal, void(loop_type&, signal_info const&));
};

#undef MIOEXT_DETAIL_CHECK_MEMBER

template <class Base> struct check_members<Base, Base> {};

/// Returns `receiver` as the type through which run() and similar functions call it. Also checks
/// its members.
template <class Base, class Handler>
typename std::enable_if<std::is_convertible<Handler*, Base*>::value,
                        called_type<Base, Handler>&>::type
called_as(Handler& receiver) noexcept {
  using called = called_type<Base, Handler>;
  static_assert(
      sizeof(check_members<Base, typename std::conditional<std::is_same<called, Base>::value,
                                                           Handler, Base>::type>) != 0,
      "");
  return receiver;
}

/// Never called: the only function that uses it does not compile.
template <class Base> Base& in_place_of_a_handler() noexcept;

template <class Base, class NoHandler>
typename std::enable_if<!std::is_convertible<NoHandler*, Base*>::value, Base&>::type
called_as(NoHandler&) noexcept {
  static_assert(std::is_convertible<NoHandler*, Base*>::value,
                "mioext: run() takes an object of a class that publicly derives from "
                "basic_handler<Token, Message>, with the Token and Message of the loop");
  return in_place_of_a_handler<Base>();
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_EVENT_LOOP_HANDLER_TRAITS_HPP
