//
// mioext/detail/async/operation_results.hpp
// -----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The results of an operation, to be kept until its handler is called.
//

#ifndef MIOEXT_DETAIL_ASYNC_OPERATION_RESULTS_HPP
#define MIOEXT_DETAIL_ASYNC_OPERATION_RESULTS_HPP

#include <mioext/detail/system.hpp>

#include <tuple>
#include <type_traits>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

template <class Signature> struct results_of_signature;
template <class Result, class... Results> struct results_of_signature<Result(Results...)> {
  using type = std::tuple<typename std::decay<Results>::type...>;
};

/// The first of the tuples that can be made of the arguments.
template <class Given, class... Tuples> struct first_constructible;
template <class... Given, class Tuple, class... Others>
struct first_constructible<std::tuple<Given...>, Tuple, Others...>
    : std::conditional<sizeof...(Given) == std::tuple_size<Tuple>::value &&
                           std::is_constructible<Tuple, Given...>::value,
                       std::common_type<Tuple>,
                       first_constructible<std::tuple<Given...>, Others...>>::type {};
template <class... Given> struct first_constructible<std::tuple<Given...>> {};

/// The tuple for results of these types, of an operation with these signatures. What an operation passes
/// may be less than what its signature says, such as a view of a string, and be gone when it has returned.
template <class Results, class... Signatures>
using kept_results =
    typename first_constructible<Results, typename results_of_signature<Signatures>::type...>::type;

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_OPERATION_RESULTS_HPP
