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

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MIOEXT_TEST_THREAD_SANITIZER
#endif
#elif defined(__SANITIZE_THREAD__)
#define MIOEXT_TEST_THREAD_SANITIZER
#endif

#ifdef MIOEXT_TEST_THREAD_SANITIZER
// An exception that a std::future hands over is freed by whoever has it last, which the standard library
// counts where ThreadSanitizer does not see it: libstdc++.so was not compiled with it.
extern "C" char const* __tsan_default_suppressions();

char const* __tsan_default_suppressions() {
  return "race:std::__exception_ptr::exception_ptr::_M_release\n";
}
#endif
