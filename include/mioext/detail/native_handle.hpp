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

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <boost/type_traits/detected.hpp>
#include <boost/type_traits/is_detected.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// True for a descriptor number as it is: int, and nothing that merely converts to it, so that a
/// bool, a double or a token in the handle's place does not compile.
template <class Handle> struct is_descriptor_number {
  static constexpr bool value = std::is_same<typename std::remove_cv<Handle>::type, int>::value;
};

template <class Handle>
using native_handle_result =
    typename std::remove_reference<decltype(std::declval<Handle&>().native_handle())>::type;

/// Only an int counts: other types that `native_handle()` may return are no descriptors, even if
/// they are numbers, like that of std::thread.
template <class Handle>
using has_native_handle = is_descriptor_number<boost::detected_t<native_handle_result, Handle>>;

template <class Handle> struct is_handle {
  using type = typename std::remove_reference<Handle>::type;
  static constexpr bool value = is_descriptor_number<type>::value || has_native_handle<type>::value;
};

template <class Handle> using close_result = decltype(std::declval<Handle&>().close());

/// True for an object that closes its descriptor when it is destroyed. It is recognised by having
/// close() and not being copyable, as is true for every mioext handle and for Asio's sockets and
/// descriptors. An object that can be copied refers to somebody else's descriptor, and so does an
/// int.
template <class Handle> struct is_owner {
  using type = typename std::remove_cv<Handle>::type;
  static constexpr bool value =
      boost::is_detected<close_result, type>::value && !std::is_copy_constructible<type>::value;
};

/// For a handle that is passed by forwarding reference, with Handle as it was deduced: false if the
/// handle owns a descriptor and is a temporary object or was passed with std::move.
template <class Handle> struct is_kept {
  static constexpr bool value = std::is_lvalue_reference<Handle>::value || !is_owner<Handle>::value;
};

inline int native_handle(int fd) noexcept { return fd; }

template <class Handle>
typename std::enable_if<has_native_handle<Handle>::value, int>::type
native_handle(Handle& handle) noexcept(noexcept(handle.native_handle())) {
  return handle.native_handle();
}

/// Never called, because MIOEXT_DETAIL_CHECK_HANDLE has already failed. It exists so that the
/// compiler reports only that, and no errors that follow from it.
template <class NoHandle>
typename std::enable_if<!is_handle<NoHandle>::value, int>::type native_handle(NoHandle&);

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

/// The compiler's message for a likely mistake: passing something that is no handle.
#define MIOEXT_DETAIL_CHECK_HANDLE(Handle)                                                         \
  static_assert(::mioext::detail::is_handle<Handle>::value,                                        \
                "mioext: a handle is an int or an object whose native_handle() yields a "          \
                "descriptor (any Asio socket or descriptor, any mioext handle)")

/// The compiler's message for another likely mistake: passing a handle that will be closed at the
/// end of the same line.
#define MIOEXT_DETAIL_CHECK_KEPT_HANDLE(Handle)                                                    \
  MIOEXT_DETAIL_CHECK_HANDLE(Handle);                                                              \
  static_assert(::mioext::detail::is_kept<Handle>::value,                                          \
                "mioext: this handle owns its descriptor and is a temporary object, or moved "     \
                "from: mioext only watches it, so it would be closed at once; keep the handle in " \
                "a variable, and pass that")

#endif // MIOEXT_DETAIL_NATIVE_HANDLE_HPP
