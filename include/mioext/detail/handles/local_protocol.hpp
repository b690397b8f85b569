//
// mioext/detail/handles/local_protocol.hpp
// ----------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Which protocols are local, and therefore have socketpair(2).
//

#ifndef MIOEXT_DETAIL_HANDLES_LOCAL_PROTOCOL_HPP
#define MIOEXT_DETAIL_HANDLES_LOCAL_PROTOCOL_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>

#include <boost/asio/local/basic_endpoint.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// Asio's local protocols: those that use its local endpoint.
template <class Protocol>
using is_local_protocol =
    std::is_same<typename Protocol::endpoint, boost::asio::local::basic_endpoint<Protocol>>;

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLES_LOCAL_PROTOCOL_HPP
