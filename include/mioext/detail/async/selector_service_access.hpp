//
// mioext/detail/async/selector_service_access.hpp
// -----------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the operations of a context need from its selector_service. Their headers come before the
// service's, so these functions are only declared here; selector_service.hpp defines them, and
// every public header that begins operations includes it.
//

#ifndef MIOEXT_DETAIL_ASYNC_SELECTOR_SERVICE_ACCESS_HPP
#define MIOEXT_DETAIL_ASYNC_SELECTOR_SERVICE_ACCESS_HPP

#include <mioext/detail/system.hpp>

#include <memory>

#include <boost/asio/execution_context.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

class selector_reactor;
class context_listeners;
class scheduler;
struct known_reactor;

/// Makes the context's selector_service if there is none yet.
struct selector_service_access {
  static std::shared_ptr<selector_reactor> const& reactor(boost::asio::execution_context& context);

  /// The part of it that is seldom needed.
  static void look_up_reactor(boost::asio::execution_context& context, known_reactor& known);

  /// The same for a caller that knows the context's scheduler, if it has one. It knows the reactor, so
  /// that the service is not looked up, which takes a lock of the context.
  static std::shared_ptr<selector_reactor> const& reactor(boost::asio::execution_context& context,
                                                          scheduler* native);

  static context_listeners& listeners(boost::asio::execution_context& context);

  /// The scheduler of a selector_context; null for every other context.
  static std::shared_ptr<scheduler> const&
  native_scheduler(boost::asio::execution_context& context);
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_SELECTOR_SERVICE_ACCESS_HPP
