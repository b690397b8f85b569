//
// mioext/detail/async/cancel_token.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The completion tokens of cancel_after() and cancel_at(), and how they begin operations.
//

#ifndef MIOEXT_DETAIL_ASYNC_CANCEL_TOKEN_HPP
#define MIOEXT_DETAIL_ASYNC_CANCEL_TOKEN_HPP

#include <mioext/detail/system.hpp>

#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <boost/asio/system_executor.hpp>
#include <boost/type_traits/is_detected.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/forwarding_handler.hpp>
#include <mioext/detail/async/handler_executor.hpp>
#include <mioext/detail/async/scheduler.hpp>
#include <mioext/detail/async/selector_service_access.hpp>
#include <mioext/detail/async/timed_operation.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// @tparam Limit a duration or a point in time
/// @tparam Timer a timer for any type of executor
template <class Token, class Limit, template <class> class Timer> struct cancel_token {
  Token token;
  Limit limit;
  boost::asio::cancellation_type_t type;
};

/// One that has yet to be told the token; without it, it stands for the default one of the operation.
template <class Limit, template <class> class Timer> struct partial_cancel_token {
  Limit limit;
  boost::asio::cancellation_type_t type;

  template <class Token>
  cancel_token<typename std::decay<Token>::type, Limit, Timer> operator()(Token&& token) const {
    return {std::forward<Token>(token), limit, type};
  }
};

template <class T> using io_executor_of = decltype(std::declval<T const&>().get_executor());

/// The executor for the timer: the operation's I/O executor, if the operation says which that is. Some
/// tokens that wrap others do not pass that on before Boost 1.86; then the handler's own executor,
/// such as that of a coroutine.
template <class Initiation, class Handler,
          bool IsSaid = boost::is_detected<io_executor_of, Initiation>::value>
struct executor_for_timer {
  using type = typename std::decay<io_executor_of<Initiation>>::type;
  static type get(Initiation const& initiation, Handler const&) {
    return initiation.get_executor();
  }
};

template <class Initiation, class Handler> struct executor_for_timer<Initiation, Handler, false> {
  using type = typename boost::asio::associated_executor<Handler>::type;
  static_assert(
      !std::is_same<type, boost::asio::system_executor>::value,
      "mioext: neither this operation nor its handler says which executor it has, so there "
      "is none for the timer of cancel_after and cancel_at. If another token is wrapped "
      "around this one, wrap this one around that one");
  static type get(Initiation const&, Handler const& completion_handler) {
    return boost::asio::get_associated_executor(completion_handler);
  }
};

/// What begins an operation with a limit. Like what begins the operation alone, it is known for the
/// executor that it has.
template <template <class> class Timer, class Initiation, class... Signatures>
class initiate_timed : public Initiation {
public:
  template <class Given>
  explicit initiate_timed(Given&& given) : Initiation(std::forward<Given>(given)) {}

  template <class Handler, class Limit, class... Arguments>
  void operator()(Handler&& completion_handler, Limit limit, boost::asio::cancellation_type_t type,
                  Arguments&&... arguments) && {
    start(static_cast<Initiation&&>(*this), std::forward<Handler>(completion_handler), limit, type,
          std::forward<Arguments>(arguments)...);
  }

  template <class Handler, class Limit, class... Arguments>
  void operator()(Handler&& completion_handler, Limit limit, boost::asio::cancellation_type_t type,
                  Arguments&&... arguments) const& {
    start(static_cast<Initiation const&>(*this), std::forward<Handler>(completion_handler), limit,
          type, std::forward<Arguments>(arguments)...);
  }

private:
  template <class Given, class Handler, class Limit, class... Arguments>
  static void start(Given&& initiation, Handler&& completion_handler, Limit const& limit,
                    boost::asio::cancellation_type_t type, Arguments&&... arguments) {
    using handler = typename std::decay<Handler>::type;
    using executor = executor_for_timer<Initiation, handler>;
    handler owned(std::forward<Handler>(completion_handler));
    typename executor::type const used = executor::get(initiation, owned);
    using may_go_elsewhere =
        std::integral_constant<bool,
                               has_own_executor<handler>::value &&
                                   may_be_of_selector_context<typename executor::type>::value>;
    start_in_context(may_go_elsewhere(), std::forward<Given>(initiation), owned, used, limit, type,
                     std::forward<Arguments>(arguments)...);
  }

  template <class Given, class Handler, class Executor, class Limit, class... Arguments>
  static void start_in_context(std::false_type, Given&& initiation, Handler& completion_handler,
                               Executor const& executor, Limit const& limit,
                               boost::asio::cancellation_type_t type, Arguments&&... arguments) {
    timed_operation<Handler, Timer<Executor>, Signatures...>::start(
        completion_handler, executor, limit, type, std::forward<Given>(initiation),
        std::forward<Arguments>(arguments)...);
  }

  /// In a selector_context, a handler that is called elsewhere is kept away from the operation and its
  /// limit, which only the context's thread may touch.
  template <class Given, class Handler, class Executor, class Limit, class... Arguments>
  static void start_in_context(std::true_type, Given&& initiation, Handler& completion_handler,
                               Executor const& executor, Limit const& limit,
                               boost::asio::cancellation_type_t type, Arguments&&... arguments) {
    if (is_called_elsewhere(completion_handler, executor)) {
      forwarding_handler<Handler, Executor, Signatures...> forwarding(completion_handler, executor);
      start_in_context(std::false_type(), std::forward<Given>(initiation), forwarding, executor,
                       limit, type, std::forward<Arguments>(arguments)...);
    } else {
      start_in_context(std::false_type(), std::forward<Given>(initiation), completion_handler,
                       executor, limit, type, std::forward<Arguments>(arguments)...);
    }
  }

  /// Whether it is in a selector_context, and not all of it is called there as it comes.
  template <class Handler, class Executor>
  static bool is_called_elsewhere(Handler const& completion_handler, Executor const& executor) {
    scheduler const* native = native_scheduler_of(executor);
    if (!native) { // but it may be a strand
      native = selector_service_access::native_scheduler(context_of(executor)).get();
    }
    return native && native_scheduler_of(boost::asio::get_associated_executor(completion_handler,
                                                                              executor)) != native;
  }
};

template <class Initiation>
using default_token_for = typename boost::asio::default_completion_token<
    typename std::decay<io_executor_of<typename std::decay<Initiation>::type>>::type>::type;

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

namespace boost {
namespace asio {

template <class Token, class Limit, template <class> class Timer, class... Signatures>
struct async_result<mioext::detail::cancel_token<Token, Limit, Timer>, Signatures...>
    : async_result<Token, Signatures...> {
  template <class Initiation, class Given, class... Arguments>
  static auto initiate(Initiation&& initiation, Given&& given, Arguments&&... arguments)
      -> decltype(async_initiate<Token, Signatures...>(
          std::declval<mioext::detail::initiate_timed<Timer, typename std::decay<Initiation>::type,
                                                      Signatures...>>(),
          std::declval<Token&>(), std::declval<Limit const&>(),
          std::declval<cancellation_type_t const&>(), std::forward<Arguments>(arguments)...)) {
    Limit const limit = given.limit;
    cancellation_type_t const type = given.type;
    Token token(std::forward<Given>(given).token);
    return async_initiate<Token, Signatures...>(
        mioext::detail::initiate_timed<Timer, typename std::decay<Initiation>::type, Signatures...>(
            std::forward<Initiation>(initiation)),
        token, limit, type, std::forward<Arguments>(arguments)...);
  }
};

template <class Limit, template <class> class Timer, class... Signatures>
struct async_result<mioext::detail::partial_cancel_token<Limit, Timer>, Signatures...> {
  template <class Initiation, class Given, class... Arguments>
  static auto initiate(Initiation&& initiation, Given&& given, Arguments&&... arguments)
      -> decltype(async_initiate<mioext::detail::cancel_token<
                                     mioext::detail::default_token_for<Initiation>, Limit, Timer>,
                                 Signatures...>(
          std::forward<Initiation>(initiation),
          std::declval<mioext::detail::cancel_token<mioext::detail::default_token_for<Initiation>,
                                                    Limit, Timer>&>(),
          std::forward<Arguments>(arguments)...)) {
    using token = mioext::detail::default_token_for<Initiation>;
    mioext::detail::cancel_token<token, Limit, Timer> whole = given(token());
    return async_initiate<mioext::detail::cancel_token<token, Limit, Timer>, Signatures...>(
        std::forward<Initiation>(initiation), whole, std::forward<Arguments>(arguments)...);
  }
};

} // namespace asio
} // namespace boost

#endif // MIOEXT_DETAIL_ASYNC_CANCEL_TOKEN_HPP
