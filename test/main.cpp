//
// test/main.cpp
// -------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The main function of every test: Boost.Test itself, compiled once a build variant, so that the
// tests need no built library and work with any Boost, standard library and sanitizer.
//

#define BOOST_TEST_MODULE mioext
#include <boost/test/included/unit_test.hpp>
