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

#include <boost/system/error_code.hpp>

#include <mioext/detail/async/descriptor_operation.hpp>
#include <mioext/detail/async/operation_allocator.hpp>
#include <mioext/interest.hpp>

namespace mioext {
inline namespace MIOEXT_SYSTEM {
namespace detail {

/// A function in the scheduler's queue, in memory of its allocator.
///
/// @tparam Memory an operation_allocator
template <class Function, class Memory>
class function_operation final : public descriptor_operation {
  using given_allocator = typename Memory::type;

  /// To be used where the class is complete.
  template <class Operation>
  using memory_of = operation_memory<typename Memory::template rebind<Operation>>;

public:
  template <class Given>
  static function_operation& make(Given&& function, given_allocator const& given) {
    memory_of<function_operation> memory(given);
    return make_in(memory, given, std::forward<Given>(function));
  }

  /// The same for a thread that does not run the scheduler.
  ///
  /// @param kept what the scheduler keeps
  template <class Given>
  static function_operation& make_outside(Given&& function, given_allocator const& given,
                                          recycled_memory& kept) {
    memory_of<function_operation> memory(given, kept);
    return make_in(memory, given, std::forward<Given>(function));
  }

  void complete(completion) override {
    given_allocator const allocator(std::move(allocator_));
    Function function(std::move(function_));
    this->~function_operation();
    memory_of<function_operation>::give_back(allocator, this);
    std::move(function)();
  }

  void destroy() noexcept override {
    given_allocator const allocator(std::move(allocator_));
    Function const function(std::move(function_));
    static_cast<void>(function);
    this->~function_operation();
    memory_of<function_operation>::give_back(allocator, this);
  }

private:
  template <class OperationMemory, class Given>
  static function_operation& make_in(OperationMemory& memory, given_allocator const& given,
                                     Given&& function) {
    function_operation& made =
        *::new (memory.get()) function_operation(std::forward<Given>(function), given);
    memory.release();
    return made;
  }

  template <class Given>
  function_operation(Given&& function, given_allocator const& allocator)
      : descriptor_operation(interest::none), allocator_(allocator),
        function_(std::forward<Given>(function)) {}

  ~function_operation() = default;

  io_status do_perform(int, boost::system::error_code&) noexcept override {
    return io_status::done;
  }

  given_allocator allocator_;
  Function function_;
};

} // namespace detail
} // namespace MIOEXT_SYSTEM
} // namespace mioext

#endif // MIOEXT_DETAIL_ASYNC_FUNCTION_OPERATION_HPP
