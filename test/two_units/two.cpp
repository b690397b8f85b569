//
// test/two_units/two.cpp
// ----------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The other unit; see one.cpp.
//

#include <mioext.hpp>

mioext::token token_made_elsewhere(std::size_t value);

mioext::token token_made_elsewhere(std::size_t value) { return mioext::token(value); }
