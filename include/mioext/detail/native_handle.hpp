//
// mioext/detail/native_handle.hpp
// -------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What counts as a handle, and how its descriptor is read: a plain int, or anything with
// native_handle().
//

#ifndef MIOEXT_DETAIL_NATIVE_HANDLE_HPP
#define MIOEXT_DETAIL_NATIVE_HANDLE_HPP

#include <type_traits>
#include <utility>

namespace mioext {
namespace detail {

/// A descriptor number as it is: int, and nothing that merely converts to it, so that a bool, a
/// double or a token in the handle's place does not compile.
template <class Handle> struct is_descriptor_number {
  static constexpr bool value = std::is_same<typename std::remove_cv<Handle>::type, int>::value;
};

/// Anything else that `native_handle()` may yield is no descriptor: std::thread's is a number, too.
template <class Handle> struct has_native_handle {
  template <class H>
  static auto test(int) -> is_descriptor_number<
      typename std::remove_reference<decltype(std::declval<H&>().native_handle())>::type>;
  template <class> static std::false_type test(...);

  static constexpr bool value = decltype(test<Handle>(0))::value;
};

template <class Handle> struct is_handle {
  using type = typename std::remove_reference<Handle>::type;
  static constexpr bool value = is_descriptor_number<type>::value || has_native_handle<type>::value;
};

/// True of an object that closes its descriptor when it goes: it can be closed and cannot be copied,
/// as every mioext handle and every socket and descriptor of Asio's. What can be copied refers to
/// somebody else's descriptor, and so does an int.
template <class Handle> struct is_owner {
  template <class H>
  static auto test(int)
      -> decltype(std::declval<H&>().close(),
                  std::integral_constant<bool, !std::is_copy_constructible<H>::value>());
  template <class> static std::false_type test(...);

  static constexpr bool value = decltype(test<typename std::remove_cv<Handle>::type>(0))::value;
};

/// Of a handle that is passed by a forwarding reference, as which Handle was deduced: false if it
/// owns a descriptor and is a temporary object, or has been given away by std::move.
template <class Handle> struct is_kept {
  static constexpr bool value = std::is_lvalue_reference<Handle>::value || !is_owner<Handle>::value;
};

inline int native_handle(int fd) noexcept { return fd; }

template <class Handle>
typename std::enable_if<has_native_handle<Handle>::value, int>::type
native_handle(Handle& handle) noexcept(noexcept(handle.native_handle())) {
  return handle.native_handle();
}

/// Never called, for MIOEXT_DETAIL_CHECK_HANDLE has failed by then: so that the compiler says that,
/// and nothing that follows from it.
template <class NoHandle>
typename std::enable_if<!is_handle<NoHandle>::value, int>::type native_handle(NoHandle&);

} // namespace detail
} // namespace mioext

/// The compiler's messages for likely mistakes: passing something that is no handle;
#define MIOEXT_DETAIL_CHECK_HANDLE(Handle)                                                         \
  static_assert(::mioext::detail::is_handle<Handle>::value,                                        \
                "mioext: a handle is an int or an object whose native_handle() yields a "          \
                "descriptor (any Asio socket or descriptor, any mioext handle)")

/// and passing a handle that will be closed at the end of the same line.
#define MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Handle)                                                    \
  MIOEXT_DETAIL_CHECK_HANDLE(Handle);                                                              \
  static_assert(::mioext::detail::is_kept<Handle>::value,                                          \
                "mioext: this handle owns its descriptor and is a temporary object, or moved "     \
                "from: mioext only watches it, so it would be closed at once; keep the handle in " \
                "a variable, and pass that")

#endif // MIOEXT_DETAIL_NATIVE_HANDLE_HPP
