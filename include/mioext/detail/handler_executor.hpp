//
// mioext/detail/handler_executor.hpp
// ----------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Where a completion handler is called, and what keeps that place from running out of work
// meanwhile.
//

#ifndef MIOEXT_DETAIL_HANDLER_EXECUTOR_HPP
#define MIOEXT_DETAIL_HANDLER_EXECUTOR_HPP

#include <type_traits>
#include <utility>

#include <mioext/detail/asio_features.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/optional/optional.hpp>

namespace mioext {
namespace detail {

/// An executor, and outstanding work with it for as long as this lives.
template <class Executor, bool IsStandard = boost::asio::execution::is_executor<Executor>::value>
class tracked_executor {
public:
  explicit tracked_executor(Executor const& executor)
      : executor_(executor),
        work_(boost::asio::prefer(executor, boost::asio::execution::outstanding_work.tracked)) {}

  Executor const& get() const noexcept { return executor_; }

private:
  using work = typename std::decay<decltype(boost::asio::prefer(
      std::declval<Executor const&>(), boost::asio::execution::outstanding_work.tracked))>::type;

  Executor executor_;
  work work_;
};

#ifndef BOOST_ASIO_NO_TS_EXECUTORS
/// The same for executors of the Networking TS, which Asio can be told to do without.
template <class Executor> class tracked_executor<Executor, false> {
public:
  explicit tracked_executor(Executor const& executor) : work_(executor) {}

  Executor get() const noexcept { return work_.get_executor(); }

private:
  boost::asio::executor_work_guard<Executor> work_;
};
#endif

/// Where a handler is called.
template <class Executor> class handler_executor {
public:
  explicit handler_executor(Executor const& executor) : executor_(executor) {}

  // The executor is copied first: what is posted may run at once in another thread, and this be gone.

  template <class Function> void post(Function&& function) const {
    Executor const executor = executor_.get();
    boost::asio::post(executor, std::forward<Function>(function));
  }

  template <class Function> void dispatch(Function&& function) const {
    Executor const executor = executor_.get();
    boost::asio::dispatch(executor, std::forward<Function>(function));
  }

private:
  tracked_executor<Executor> executor_;
};

/// What an executor of any type is in most programs: an io_context's own. That one is cheap to copy,
/// and takes a function with its allocator, while type erasure allocates in a way of its own.
template <> class handler_executor<boost::asio::any_io_executor> {
public:
  explicit handler_executor(boost::asio::any_io_executor const& executor) {
    if (native const* const known = executor.target<native>()) {
      native_.emplace(*known);
    } else {
      any_.emplace(executor);
    }
  }

  template <class Function> void post(Function&& function) const {
    if (native_) {
      native_->post(std::forward<Function>(function));
    } else {
      boost::asio::any_io_executor const executor = any_->get();
      boost::asio::post(executor, std::forward<Function>(function));
    }
  }

  template <class Function> void dispatch(Function&& function) const {
    if (native_) {
      native_->dispatch(std::forward<Function>(function));
    } else {
      boost::asio::any_io_executor const executor = any_->get();
      boost::asio::dispatch(executor, std::forward<Function>(function));
    }
  }

private:
  using native = boost::asio::io_context::executor_type;

  boost::optional<handler_executor<native>> native_{};
  boost::optional<tracked_executor<boost::asio::any_io_executor>> any_{};
};

} // namespace detail
} // namespace mioext

#endif // MIOEXT_DETAIL_HANDLER_EXECUTOR_HPP
