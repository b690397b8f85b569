//
// test/precompiled_headers.hpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// What most tests include and mioext does not change: Jamfile has it compiled in advance where it is asked
// to. Nothing of mioext's, which is what the tests are about.
//

#ifndef MIOEXT_TEST_PRECOMPILED_HEADERS_HPP
#define MIOEXT_TEST_PRECOMPILED_HEADERS_HPP

#include <algorithm>
#include <boost/asio.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#endif // MIOEXT_TEST_PRECOMPILED_HEADERS_HPP
