//
// mioext/detail/async/connect_race.hpp
// ------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Connecting to several endpoints at the same time, with a head start for each: RFC 8305.
//

#ifndef MIOEXT_DETAIL_ASYNC_CONNECT_RACE_HPP
#define MIOEXT_DETAIL_ASYNC_CONNECT_RACE_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/async_operation.hpp>
#include <mioext/detail/async/cancellation.hpp>
#include <mioext/detail/async/connect_delay.hpp>
#include <mioext/detail/async/connect_op.hpp>
#include <mioext/detail/async/handler_executor.hpp>
#include <mioext/detail/async/handler_operation.hpp>
#include <mioext/happy_eyeballs.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// The order in which a race tries endpoints: address families alternate, and the endpoints of one
/// family stay in their order (RFC 8305, section 4).
template <class Endpoint>
std::vector<Endpoint> interleaved(std::vector<Endpoint> const& endpoints,
                                  std::size_t first_family_count) {
  std::vector<int> families;
  for (Endpoint const& endpoint : endpoints) {
    int const family = endpoint.protocol().family();
    if (std::find(families.begin(), families.end(), family) == families.end()) {
      families.push_back(family);
    }
  }
  std::vector<std::size_t> places(families.size(), 0); // how far each family has got
  std::vector<Endpoint> ordered;
  std::size_t turn = std::max<std::size_t>(first_family_count, 1);
  while (ordered.size() != endpoints.size()) {
    for (std::size_t index = 0; index != families.size(); ++index) {
      for (std::size_t& place = places[index]; turn != 0 && place != endpoints.size(); ++place) {
        if (endpoints[place].protocol().family() == families[index]) {
          ordered.push_back(endpoints[place]);
          --turn;
        }
      }
      turn = 1;
    }
  }
  return ordered;
}

/// A closed socket, made with the executor if it has one.
template <class Socket, class Executor>
typename std::enable_if<std::is_constructible<Socket, Executor const&>::value, Socket>::type
another_socket(Executor const& executor) {
  return Socket(executor);
}

template <class Socket, class Executor>
typename std::enable_if<!std::is_constructible<Socket, Executor const&>::value, Socket>::type
another_socket(Executor const&) {
  return Socket();
}

/// A race is owned by its pending steps, which run one at a time, on a strand. It completes when no
/// step is pending any more: by then the losers are closed. Its memory is released before the
/// handler is called.
template <class Socket, class Executor, class Handler>
class connect_race : public std::enable_shared_from_this<connect_race<Socket, Executor, Handler>> {
  using endpoint_type = typename Socket::endpoint_type;
  using strand = boost::asio::strand<Executor>;
  using pointer = std::shared_ptr<connect_race>;

public:
  connect_race(Socket& socket, std::vector<endpoint_type> endpoints, happy_eyeballs const& how,
               Executor const& executor, Handler& completion_handler)
      : socket_(socket), endpoints_(std::move(endpoints)), executor_(executor), strand_(executor),
        timer_(selector_service_access::reactor(context_of(executor))),
        delay_(std::max<std::chrono::steady_clock::duration>(how.connection_attempt_delay,
                                                             std::chrono::milliseconds(10))),
        handler_executor_(boost::asio::get_associated_executor(completion_handler, executor)),
        handler_(std::move(completion_handler)) {
    attempts_.reserve(endpoints_.size());
  }

  ~connect_race() { leave_slot_for_good(); }

  connect_race(connect_race const&) = delete;
  connect_race& operator=(connect_race const&) = delete;

  static void start(Socket& socket, std::vector<endpoint_type> const& endpoints,
                    happy_eyeballs const& how, Executor const& executor,
                    Handler& completion_handler) {
    auto const allocator =
        operation_allocator<typename boost::asio::associated_allocator<Handler>::type>::get(
            boost::asio::get_associated_allocator(completion_handler));
    // A copy, because the slot goes with the handler.
    auto const slot = get_cancellation_slot(completion_handler);
    pointer race = std::allocate_shared<connect_race>(
        allocator, socket, interleaved(endpoints, how.first_address_family_count), how, executor,
        completion_handler);
    race->enter_slot(slot);
    race->socket_.close(race->outcome_);
    race->outcome_ = boost::asio::error::not_found;
    strand const where = race->strand_;
    boost::asio::post(where, step<&connect_race::begin>{std::move(race)});
  }

private:
  struct attempt {
    attempt(Socket socket_used, endpoint_type const& endpoint_used)
        : socket(std::move(socket_used)), endpoint(endpoint_used) {}

    Socket socket;
    endpoint_type endpoint;
  };

  /// A step that is posted to the strand. It keeps the race alive and passes its pointer to Member.
  template <void (*Member)(pointer)> struct step {
    using executor_type = strand;
    executor_type get_executor() const noexcept { return race->strand_; }
    void operator()() { Member(std::move(race)); }
    pointer race;
  };

  struct attempt_handler {
    using executor_type = strand;
    executor_type get_executor() const noexcept { return race->strand_; }
    void operator()(boost::system::error_code const& ec) { ended(std::move(race), index, ec); }
    pointer race;
    std::size_t index;
  };

  struct timer_handler {
    using executor_type = strand;
    executor_type get_executor() const noexcept { return race->strand_; }
    void operator()(boost::system::error_code const& ec) { time_is_up(std::move(race), ec); }
    pointer race;
  };

  static void begin(pointer race) {
    if (!race->is_over_) {
      race->start_next(race);
    }
    --race->running_;
    complete_if_alone(std::move(race));
  }

  /// Starts the next attempt. If there is no memory for it, the race is over.
  void start_next(pointer const& self) {
    BOOST_TRY {
      std::size_t const index = attempts_.size();
      attempts_.emplace_back(new attempt(another_socket<Socket>(executor_), endpoints_[index]));
      attempt& started = *attempts_.back();
      attempt_handler completion_handler = {self, index};
      connect_one(started.socket, started.endpoint, executor_, completion_handler);
      ++running_;
      if (attempts_.size() != endpoints_.size()) {
        timer_.cancel();
        timer_.async_wait(delay_, executor_, timer_handler{self});
        ++timing_;
      }
    }
    BOOST_CATCH(std::bad_alloc const&) {
      outcome_ = boost::asio::error::no_memory;
      stop();
    }
    BOOST_CATCH_END
  }

  static void ended(pointer race, std::size_t index, boost::system::error_code const& ec) {
    --race->running_;
    attempt& one = *race->attempts_[index];
    if (race->is_over_) {
      close(one); // too late
    } else if (!ec) {
      race->outcome_ = ec;
      race->connected_ = one.endpoint;
      race->socket_ = std::move(one.socket);
      race->stop();
    } else {
      race->outcome_ = ec;
      close(one);
      if (race->attempts_.size() != race->endpoints_.size()) {
        race->timer_.cancel();
        race->start_next(race);
      }
    }
    complete_if_alone(std::move(race));
  }

  static void time_is_up(pointer race, boost::system::error_code const& ec) {
    --race->timing_;
    // If the timer was cancelled too late to stop this wait, the next wait is pending already. A timer
    // that fails cannot hold up the others.
    if (ec != boost::asio::error::operation_aborted && !race->is_over_ && race->timing_ == 0 &&
        race->attempts_.size() != race->endpoints_.size()) {
      race->start_next(race);
    }
    complete_if_alone(std::move(race));
  }

  static void cancelled(pointer race) {
    race->end_of_cancel();
    if (!race->is_over_) {
      race->outcome_ = boost::asio::error::operation_aborted;
      race->stop();
    }
    complete_if_alone(std::move(race));
  }

  /// The race is decided.
  void stop() {
    is_over_ = true;
    timer_.cancel();
    for (std::unique_ptr<attempt> const& other : attempts_) {
      close(*other);
    }
  }

  static void close(attempt& closed) {
    boost::system::error_code ignored;
    closed.socket.close(ignored);
  }

  static void complete_if_alone(pointer race) {
    if (race->running_ == 0 && race->timing_ == 0 && race->leave_slot()) {
      complete(std::move(race));
    }
  }

  struct caller {
    void operator()() {
      std::move(completion_handler)(static_cast<boost::system::error_code const&>(outcome),
                                    static_cast<endpoint_type const&>(connected));
    }
    Handler completion_handler;
    boost::system::error_code outcome;
    endpoint_type connected;
  };

  static void complete(pointer race) {
    auto const executor = std::move(race->handler_executor_);
    caller called = {std::move(race->handler_), race->outcome_, race->connected_};
    race.reset();
    executor.dispatch(std::move(called));
  }

  /// Connects the race with the handler's cancellation slot, which may outlive the race. The link
  /// must not be a weak_ptr to the race: that would delay the release of the race's memory, which
  /// belongs to the handler's allocator.
  struct slot_link {
    std::mutex mutex{};
    connect_race* race = nullptr; // when it has completed, and nobody can cancel it
    std::size_t cancelling = 0;   // steps of cancelled() that are on their way
  };

  struct cancel {
    void operator()() const {
      pointer race;
      auto const used = link; // the handler may take the slot for something else
      {
        std::lock_guard<std::mutex> const lock(used->mutex);
        if (!used->race) {
          return;
        }
        race = used->race->shared_from_this();
        ++used->cancelling;
      }
      strand const where = race->strand_;
      BOOST_TRY { boost::asio::dispatch(where, step<&connect_race::cancelled>{std::move(race)}); }
      BOOST_CATCH(...) {
        std::lock_guard<std::mutex> const lock(used->mutex);
        --used->cancelling;
        BOOST_RETHROW
      }
      BOOST_CATCH_END
    }
    std::shared_ptr<slot_link> link;
  };

  /// Between two endpoints a connection may have been made and closed: others have seen that.
  void enter_slot(cancellation_slot_of<Handler> const& slot) {
    if (slot.is_connected()) {
      link_ = std::make_shared<slot_link>();
      link_->race = this;
      install_cancellation<partial_cancellation, cancel>(slot, link_);
    }
  }

  void end_of_cancel() noexcept {
    std::lock_guard<std::mutex> const lock(link_->mutex);
    --link_->cancelling;
  }

  /// Ensures that nobody can cancel the race any more. Returns false if a cancellation is under
  /// way; its step will call this function again.
  bool leave_slot() noexcept {
    if (!link_) {
      return true;
    }
    std::lock_guard<std::mutex> const lock(link_->mutex);
    if (link_->cancelling != 0) {
      return false;
    }
    link_->race = nullptr;
    return true;
  }

  /// The same when the race is destroyed without having completed, for instance with its context.
  void leave_slot_for_good() noexcept {
    if (link_) {
      std::lock_guard<std::mutex> const lock(link_->mutex);
      link_->race = nullptr;
    }
  }

  std::shared_ptr<slot_link> link_{}; // if there is a slot
  Socket& socket_;
  std::vector<endpoint_type> endpoints_;
  Executor executor_;
  strand strand_;
  connect_delay timer_;
  std::chrono::steady_clock::duration delay_;
  std::vector<std::unique_ptr<attempt>> attempts_{};
  std::size_t running_ = 1; // attempts that have not ended, and begin()
  std::size_t timing_ = 0;  // waits for the timer that have not ended
  bool is_over_ = false;
  boost::system::error_code outcome_{};
  endpoint_type connected_{};
  tracked_executor<typename boost::asio::associated_executor<Handler, Executor>::type>
      handler_executor_;
  Handler handler_;
};

template <class Socket, class Executor> class initiate_connect_race {
public:
  using executor_type = Executor;

  initiate_connect_race(Socket& socket, Executor const& executor)
      : socket_(socket), executor_(executor) {}

  executor_type get_executor() const noexcept { return executor_; }

  template <class Handler, class Endpoint>
  void operator()(Handler&& completion_handler, std::vector<Endpoint> const& endpoints,
                  happy_eyeballs const& how) const {
    typename std::decay<Handler>::type owned(std::forward<Handler>(completion_handler));
    if (endpoints.empty()) {
      complete_at_once(
          executor_,
          outcome_action<Endpoint>{
              boost::asio::error::make_error_code(boost::asio::error::not_found), Endpoint()},
          owned);
      return;
    }
    connect_race<Socket, Executor, typename std::decay<Handler>::type>::start(
        socket_, endpoints, how, executor_, owned);
  }

private:
  Socket& socket_;
  Executor executor_;
};

template <class Token, class Socket, class Range, class Executor>
auto start_connect_race(Socket& socket, Range const& range, happy_eyeballs const& how,
                        Executor const& executor,
                        typename std::remove_reference<Token>::type& token)
    -> decltype(boost::asio::async_initiate<Token, void(boost::system::error_code,
                                                        typename Socket::endpoint_type)>(
        std::declval<initiate_connect_race<Socket, Executor>>(), token,
        std::declval<std::vector<typename Socket::endpoint_type>>(), how)) {
  using endpoint_type = typename Socket::endpoint_type;
  std::vector<endpoint_type> endpoints;
  for (auto const& entry : range) { // an endpoint, or what a resolver has found
    endpoints.push_back(entry);
  }
  return boost::asio::async_initiate<Token, void(boost::system::error_code, endpoint_type)>(
      initiate_connect_race<Socket, Executor>(socket, executor), token, std::move(endpoints), how);
}

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_CONNECT_RACE_HPP
