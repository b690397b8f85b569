//
// mioext/detail/handles/is_execution_context.hpp
// ----------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Tells a context from an executor, either of which a function may be given.
//

#ifndef MIOEXT_DETAIL_HANDLES_IS_EXECUTION_CONTEXT_HPP
#define MIOEXT_DETAIL_HANDLES_IS_EXECUTION_CONTEXT_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>

#include <boost/asio/execution_context.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

template <class T>
using is_execution_context = std::is_convertible<T&, boost::asio::execution_context&>;

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLES_IS_EXECUTION_CONTEXT_HPP
