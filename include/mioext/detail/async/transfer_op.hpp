//
// mioext/detail/async/transfer_op.hpp
// -----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Reading and writing as asynchronous operations of a stream: the initiations of async_read_some
// and similar functions.
//

#ifndef MIOEXT_DETAIL_ASYNC_TRANSFER_OP_HPP
#define MIOEXT_DETAIL_ASYNC_TRANSFER_OP_HPP

#include <mioext/detail/system.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/socket_base.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/inlining.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

// --- Actions -------------------------------------------------------------------------------------

/// What all transfers have in common.
template <class Buffers> struct transfer_action {
  explicit transfer_action(Buffers const& used) : buffers(used) {}

  bool may_wait() const noexcept { return boost::asio::buffer_size(buffers) != 0; }

  template <class Handler>
  void call(Handler& completion_handler, boost::system::error_code const& ec) {
    std::move(completion_handler)(ec, bytes);
  }

  Buffers buffers;
  std::size_t bytes = 0;
};

/// Reads what is there into `Buffers`.
template <class Io, class Buffers> struct read_action : transfer_action<Buffers> {
  explicit read_action(Buffers const& used) : transfer_action<Buffers>(used) {}

  MIOEXT_DETAIL_FORCEINLINE io_status perform(int fd, boost::system::error_code& ec) noexcept {
    return Io::try_read(fd, this->buffers, this->bytes, ec);
  }
};

/// A peer seldom writes before the connection is known here, and almost never before it was asked.
template <class Io, class Buffers>
struct is_likely_in_vain_at_first<read_action<Io, Buffers>>
    : std::integral_constant<bool, Io::is_of_tcp> {};

/// Writes what fits.
template <class Io, class Buffers> struct write_action : transfer_action<Buffers> {
  explicit write_action(Buffers const& used) : transfer_action<Buffers>(used) {}

  MIOEXT_DETAIL_FORCEINLINE io_status perform(int fd, boost::system::error_code& ec) noexcept {
    return Io::try_write(fd, this->buffers, this->bytes, ec);
  }
};

/// Receives with flags. It is not known whether anything is left to read: depending on the flags,
/// it may only have peeked, or have taken the urgent byte.
template <class Io, class Buffers> struct receive_action : transfer_action<Buffers> {
  receive_action(Buffers const& used, int flags_used)
      : transfer_action<Buffers>(used), flags(flags_used) {}

  io_status perform(int fd, boost::system::error_code& ec) noexcept {
    this->bytes = Io::receive(fd, this->buffers, flags, ec);
    return Io::outcome(ec, false);
  }

  int flags;
};

/// Sends with flags.
template <class Io, class Buffers> struct send_action : transfer_action<Buffers> {
  send_action(Buffers const& used, int flags_used)
      : transfer_action<Buffers>(used), flags(flags_used) {}

  io_status perform(int fd, boost::system::error_code& ec) noexcept {
    this->bytes = Io::send(fd, this->buffers, flags, ec);
    return Io::outcome(ec, false);
  }

  int flags;
};

// --- Initiations ---------------------------------------------------------------------------------

/// Begins `Action` on a stream. `Core` is a stream_core.
template <class Core, template <class, class> class Action, interest Wanted>
class initiate_transfer {
public:
  using executor_type = typename Core::executor_type;

  explicit initiate_transfer(Core& core) noexcept : core_(core) {}

  executor_type get_executor() const noexcept { return core_.executor(); }

  template <class Handler, class Buffers>
  void operator()(Handler&& completion_handler, Buffers const& buffers) const {
    movable_handler<Handler> owned(completion_handler);
    start_operation(core_.place(), core_.executor(), core_.native(), Wanted, true,
                    Action<typename Core::io, Buffers>(buffers), owned);
  }

private:
  Core& core_;
};

/// The same with flags.
template <class Core, template <class, class> class Action, interest Wanted>
class initiate_with_flags {
public:
  using executor_type = typename Core::executor_type;

  explicit initiate_with_flags(Core& core) noexcept : core_(core) {}

  executor_type get_executor() const noexcept { return core_.executor(); }

  template <class Handler, class Buffers>
  void operator()(Handler&& completion_handler, Buffers const& buffers, int flags) const {
    movable_handler<Handler> owned(completion_handler);
    Action<typename Core::io, Buffers> action(buffers, flags);
    // Without urgent data the system does not answer that the call would block, but that it is
    // invalid. So the call is not tried before the selector reports urgent data.
    bool const is_urgent = Wanted == interest::readable && action.may_wait() &&
                           (flags & boost::asio::socket_base::message_out_of_band) != 0;
    start_operation(core_.place(), core_.executor(), core_.native(),
                    is_urgent ? interest::priority : Wanted, !is_urgent, std::move(action), owned);
  }

private:
  Core& core_;
};

template <class Core>
using initiate_read = initiate_transfer<Core, read_action, interest::readable>;
template <class Core>
using initiate_write = initiate_transfer<Core, write_action, interest::writable>;
template <class Core>
using initiate_receive = initiate_with_flags<Core, receive_action, interest::readable>;
template <class Core>
using initiate_send = initiate_with_flags<Core, send_action, interest::writable>;

/// Starts the operation of `Initiate` with `arguments`. `token` is passed on as it was given: it is
/// moved if it was a temporary object.
template <template <class> class Initiate, class Token, class Core, class... Arguments>
auto start_transfer(Core& core, typename std::remove_reference<Token>::type& token,
                    Arguments const&... arguments)
    -> decltype(boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
        std::declval<Initiate<Core>>(), token, arguments...)) {
  return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(
      Initiate<Core>(core), token, arguments...);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_TRANSFER_OP_HPP
