//
// mioext/detail/throw_error.hpp
// -----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Turns an errno value into an error_code, and an error_code into an exception.
//

#ifndef MIOEXT_DETAIL_THROW_ERROR_HPP
#define MIOEXT_DETAIL_THROW_ERROR_HPP

#include <mioext/detail/system.hpp>

#include <boost/system/error_code.hpp>
#include <boost/system/system_error.hpp>
#include <boost/throw_exception.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The error_code of an errno value. Zero is success, for which no category is looked up.
inline boost::system::error_code system_error_code(int error) noexcept {
  return error == 0 ? boost::system::error_code()
                    : boost::system::error_code(error, boost::system::system_category());
}

/// Throws system_error if `ec` holds an error; `where` names the public function that failed.
/// Goes through boost::throw_exception, so that programs without exceptions can supply their own.
inline void throw_error(boost::system::error_code const& ec, char const* where) {
  if (ec) {
    boost::throw_exception(boost::system::system_error(ec, where));
  }
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_THROW_ERROR_HPP
