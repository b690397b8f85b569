//
// mioext/selector_context.hpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// An execution context whose blocking wait is mioext's selector: one reactor in the place of two.
//

#ifndef MIOEXT_SELECTOR_CONTEXT_HPP
#define MIOEXT_SELECTOR_CONTEXT_HPP

#include <mioext/detail/system.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/config.hpp>
#include <boost/core/no_exceptions_support.hpp>

#include <mioext/detail/async/scheduler.hpp>
#include <mioext/detail/async/scheduler_executor.hpp>
#include <mioext/detail/duration.hpp>
#include <mioext/event_loop_config.hpp>
#include <mioext/selector_service.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {

class selector_context : public boost::asio::execution_context {
public:
  using executor_type = detail::scheduler_executor<std::allocator<void>, 0>;
  using count_type = std::size_t;

  selector_context() : selector_context(event_loop_config()) {}

  explicit selector_context(event_loop_config const& config)
      : scheduler_(std::make_shared<detail::scheduler>(*this, config)) {
    boost::asio::make_service<selector_service>(
        *this,
        detail::service_host{scheduler_, detail::scheduler::reactor_of(scheduler_), scheduler_});
  }

  ~selector_context() {
    shutdown();
    scheduler_->drop_queued();
    destroy();
  }

  executor_type get_executor() noexcept { return {*scheduler_, std::allocator<void>()}; }

  count_type run() { return scheduler_->run(all, clock::time_point::max()); }
  count_type run_one() { return scheduler_->run(1, clock::time_point::max()); }
  count_type poll() { return scheduler_->run(all, clock::time_point::min()); }
  count_type poll_one() { return scheduler_->run(1, clock::time_point::min()); }

  template <class Rep, class Period>
  count_type run_for(std::chrono::duration<Rep, Period> const& limit) {
    return scheduler_->run(all, after(limit));
  }
  template <class Rep, class Period>
  count_type run_one_for(std::chrono::duration<Rep, Period> const& limit) {
    return scheduler_->run(1, after(limit));
  }
  template <class Clock, class Duration>
  count_type run_until(std::chrono::time_point<Clock, Duration> const& point) {
    count_type calls = 0;
    while (run_one_until(point) != 0) {
      ++calls;
    }
    return calls;
  }
  template <class Clock, class Duration>
  count_type run_one_until(std::chrono::time_point<Clock, Duration> const& point) {
    // The point of a clock that may be set is looked at again, as in Asio.
    auto now = Clock::now();
    while (now < point) {
      auto const left = std::min<std::chrono::nanoseconds>(detail::ceil_nanoseconds(point - now),
                                                           std::chrono::seconds(1));
      if (count_type const calls =
              scheduler_->run(1, detail::saturated_sum<clock>(clock::now(), left))) {
        return calls;
      }
      if (stopped()) {
        return 0;
      }
      now = Clock::now();
    }
    return 0;
  }
  void stop() { scheduler_->stop(); }
  bool stopped() const { return scheduler_->is_stopped(); }
  void restart() { scheduler_->restart(); }

private:
  using clock = detail::scheduler::clock;
  static constexpr std::size_t all = static_cast<std::size_t>(-1);

  template <class Rep, class Period>
  static clock::time_point after(std::chrono::duration<Rep, Period> const& limit) {
    return detail::saturated_sum<clock>(clock::now(), detail::ceil_nanoseconds(limit));
  }

  std::shared_ptr<detail::scheduler> const scheduler_;
};

} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_SELECTOR_CONTEXT_HPP
