//
// mioext/detail/async/function_operation.hpp
// ------------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A function object in the queue of a scheduler.
//

#ifndef MIOEXT_DETAIL_ASYNC_FUNCTION_OPERATION_HPP
#define MIOEXT_DETAIL_ASYNC_FUNCTION_OPERATION_HPP

#include <mioext/detail/system.hpp>

#include <memory>
#include <new>
#include <utility>

#include <mioext/detail/async/asio_features.hpp>

#include <boost/core/no_exceptions_support.hpp>
#include <boost/system/error_code.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/operation_allocator.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A function in the scheduler's queue, in memory of its allocator.
template <class Function, class Allocator>
class function_operation final : public descriptor_operation {
  using allocator_type =
      typename std::allocator_traits<Allocator>::template rebind_alloc<function_operation>;
  using traits = std::allocator_traits<allocator_type>;

public:
  template <class Given> static function_operation& make(Given&& function, Allocator const& given) {
    allocator_type allocator(given);
    return make_in(traits::allocate(allocator, 1), allocator, std::forward<Given>(function));
  }

  /// The same for a thread that does not run the scheduler.
  ///
  /// @param kept what the scheduler keeps
  template <class Given>
  static function_operation& make_outside(Given&& function, Allocator const& given,
                                          recycled_memory& kept) {
    allocator_type allocator(given);
    return make_in(allocate_outside(allocator, kept), allocator, std::forward<Given>(function));
  }
  void complete(completion) override {
    allocator_type allocator(std::move(allocator_));
    Function function(std::move(function_));
    this->~function_operation();
    traits::deallocate(allocator, this, 1);
    std::move(function)();
  }

  void destroy() noexcept override {
    allocator_type allocator(std::move(allocator_));
    Function const function(std::move(function_));
    static_cast<void>(function);
    this->~function_operation();
    traits::deallocate(allocator, this, 1);
  }

private:
  template <class Given>
  static function_operation& make_in(function_operation* memory, allocator_type& allocator,
                                     Given&& function) {
    BOOST_TRY {
      return *::new (static_cast<void*>(memory))
          function_operation(std::forward<Given>(function), allocator);
    }
    BOOST_CATCH(...) {
      traits::deallocate(allocator, memory, 1);
      BOOST_RETHROW
    }
    BOOST_CATCH_END
  }

  template <class Any>
  static function_operation* allocate_outside(Any& allocator, recycled_memory&) {
    return traits::allocate(allocator, 1);
  }

  static function_operation* allocate_outside(recycled_allocator<function_operation>& allocator,
                                              recycled_memory& kept) {
    return recycled_memory::fits<function_operation>()
               ? static_cast<function_operation*>(kept.take_from_outside<function_operation>())
               : allocator.allocate(1);
  }

  template <class Given>
  function_operation(Given&& function, allocator_type const& allocator)
      : descriptor_operation(interest::none), allocator_(allocator),
        function_(std::forward<Given>(function)) {}

  ~function_operation() = default;

  io_status do_perform(int, boost::system::error_code&) noexcept override {
    return io_status::done;
  }

  allocator_type allocator_;
  Function function_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_FUNCTION_OPERATION_HPP
