//
// mioext/detail/handles/asio_conversions.hpp
// ------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Conversions from Asio's sockets and acceptors to mioext's, and back.
//

#ifndef MIOEXT_DETAIL_HANDLES_ASIO_CONVERSIONS_HPP
#define MIOEXT_DETAIL_HANDLES_ASIO_CONVERSIONS_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/descriptor_ops.hpp>
#include <mioext/detail/handles/basic_handle.hpp>
#include <mioext/detail/handles/is_execution_context.hpp>
#include <mioext/detail/throw_error.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A second base, without data, of a socket or acceptor: `Socket` is the class that derives from
/// it, and `AsioSocket` is Asio's class for the same thing.
template <class Socket, template <class, class> class AsioSocket, class Protocol>
class asio_conversions {
public:
  /// Adopts the descriptor of Asio's socket or acceptor, which must have no operation outstanding
  /// and is closed afterwards.
  ///
  /// Errors: `already_open` if this one is open; `bad_descriptor` if the other is closed; what its
  /// release() reports. After an error `other` still has the descriptor.
  template <class Executor> void assign(AsioSocket<Protocol, Executor>&& other) {
    boost::system::error_code ec;
    assign(std::move(other), ec);
    throw_error(ec, "assign");
  }

  /// \overload
  template <class Executor>
  void assign(AsioSocket<Protocol, Executor>&& other, boost::system::error_code& ec) {
    if (self().is_open()) {
      ec = boost::asio::error::already_open;
      return;
    }
    // The descriptor's flags are set first: if that fails, Asio's socket still holds the
    // descriptor.
    descriptor_ops::adopt(other.native_handle(), ec);
    if (ec) {
      return;
    }
    int const fd = other.release(ec);
    if (!ec) {
      handle_access::reset(self(), fd);
    }
  }

  /// Hands the descriptor over to a socket or acceptor of Asio's that uses `executor`; this one is
  /// closed afterwards. If it is registered with an event loop, deregister it first.
  ///
  /// Errors: `bad_descriptor` if closed; what the other's assign() reports. After an error the
  /// descriptor is still here, and the second form returns a closed object.
  template <class Executor>
  auto into_asio(Executor const& executor) ->
      typename std::enable_if<!is_execution_context<Executor>::value,
                              AsioSocket<Protocol, Executor>>::type {
    boost::system::error_code ec;
    auto socket = into_asio(executor, ec);
    throw_error(ec, "into_asio");
    return socket;
  }

  /// \overload
  template <class Executor>
  auto into_asio(Executor const& executor, boost::system::error_code& ec) ->
      typename std::enable_if<!is_execution_context<Executor>::value,
                              AsioSocket<Protocol, Executor>>::type {
    AsioSocket<Protocol, Executor> socket(executor);
    give_to(socket, ec);
    return socket;
  }

  /// The same with an execution context instead of an executor: returns what Asio calls
  /// `Protocol::socket` or `Protocol::acceptor`.
  template <class ExecutionContext>
  auto into_asio(ExecutionContext& context) ->
      typename std::enable_if<is_execution_context<ExecutionContext>::value,
                              AsioSocket<Protocol, boost::asio::any_io_executor>>::type {
    boost::system::error_code ec;
    auto socket = into_asio(context, ec);
    throw_error(ec, "into_asio");
    return socket;
  }

  /// \overload
  template <class ExecutionContext>
  auto into_asio(ExecutionContext& context, boost::system::error_code& ec) ->
      typename std::enable_if<is_execution_context<ExecutionContext>::value,
                              AsioSocket<Protocol, boost::asio::any_io_executor>>::type {
    AsioSocket<Protocol, boost::asio::any_io_executor> socket(context);
    give_to(socket, ec);
    return socket;
  }

protected:
  asio_conversions() noexcept = default;
  asio_conversions(asio_conversions&& other) noexcept = default;
  asio_conversions& operator=(asio_conversions&& other) noexcept = default;
  ~asio_conversions() = default;

private:
  Socket& self() noexcept { return static_cast<Socket&>(*this); }

  template <class Executor>
  void give_to(AsioSocket<Protocol, Executor>& socket, boost::system::error_code& ec) {
    Protocol const protocol = self().local_endpoint(ec).protocol();
    if (ec) {
      return;
    }
    socket.assign(protocol, self().native_handle(), ec);
    if (!ec) {
      boost::system::error_code released;
      self().release(released);
    }
  }
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLES_ASIO_CONVERSIONS_HPP
