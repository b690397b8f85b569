//
// mioext/detail/inlining.hpp
// --------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What the optimiser is told to inline, where there is an optimiser.
//

#ifndef MIOEXT_DETAIL_INLINING_HPP
#define MIOEXT_DETAIL_INLINING_HPP

#include <boost/config.hpp>

// MIOEXT_DETAIL_FORCEINLINE: this function is inlined, whatever the compiler takes it to cost.
// MIOEXT_DETAIL_FLATTEN: so is whatever this function calls.
//
// Without optimisation neither says anything: there it would multiply what is compiled for each type of handler,
// for code that is no faster, and hide functions from who debugs.

#if defined(__OPTIMIZE__)
#define MIOEXT_DETAIL_FORCEINLINE BOOST_FORCEINLINE
#define MIOEXT_DETAIL_FLATTEN __attribute__((flatten))
#else
#define MIOEXT_DETAIL_FORCEINLINE inline
#define MIOEXT_DETAIL_FLATTEN
#endif

#endif // MIOEXT_DETAIL_INLINING_HPP
