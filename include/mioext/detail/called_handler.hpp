//
// mioext/detail/called_handler.hpp
// --------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// As what a handler is called: as its own class if that saves the virtual call, else as the base
// that it derives from.
//

#ifndef MIOEXT_DETAIL_CALLED_HANDLER_HPP
#define MIOEXT_DETAIL_CALLED_HANDLER_HPP

#include <type_traits>
#include <utility>

#include <boost/type_traits/is_final.hpp>

#include <mioext/handler.hpp>

namespace mioext {
namespace detail {

/// True if all members can be called on a Handler by their plain names: not if it made one private,
/// or has something else of that name (a data member `timer`, for instance), which hides them.
template <class Handler, class Base> struct has_plain_members {
  template <class H, class B>
  static auto test(int)
      -> decltype(std::declval<H&>().readable(std::declval<typename B::loop_type&>(),
                                              std::declval<typename B::token_type>(),
                                              read_hint::data),
                  std::declval<H&>().writable(std::declval<typename B::loop_type&>(),
                                              std::declval<typename B::token_type>()),
                  std::declval<H&>().write_failing(std::declval<typename B::loop_type&>(),
                                                   std::declval<typename B::token_type>(),
                                                   write_hint::hup),
                  std::declval<H&>().timer(std::declval<typename B::loop_type&>(),
                                           std::declval<typename B::token_type>()),
                  std::declval<H&>().notify(std::declval<typename B::loop_type&>(),
                                            std::declval<typename B::message_type>()),
                  std::declval<H&>().signal(std::declval<typename B::loop_type&>(),
                                            std::declval<signal_info const&>()),
                  std::true_type());
  template <class, class> static std::false_type test(...);

  static constexpr bool value = decltype(test<Handler, Base>(0))::value;
};

/// What the loop calls: a final class directly, which lets the compiler inline it; any other
/// through its base, so that it may arrange its own members as it likes.
template <class Base, class Handler>
using called_type = typename std::conditional<boost::is_final<Handler>::value &&
                                                  has_plain_members<Handler, Base>::value,
                                              Handler, Base>::type;

template <class Base, class Handler>
called_type<Base, Handler>& called_as(Handler& receiver) noexcept {
  static_assert(std::is_convertible<Handler*, Base*>::value,
                "mioext: run() takes an object of a class that publicly derives from "
                "basic_handler<Token, Message>, with the Token and Message of the loop");
  return receiver;
}

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_CALLED_HANDLER_HPP
