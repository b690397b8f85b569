//
// mioext/version.hpp
// ------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Which mioext this is, for the preprocessor. CMake, pkg-config and b2 read it from here.
//

#ifndef MIOEXT_VERSION_HPP
#define MIOEXT_VERSION_HPP

/// The version as one number, in the form of BOOST_VERSION: major * 100000 + minor * 100 + patch.
///
/// Versions follow Semantic Versioning 2.0.0 (semver.org): what is documented in the headers
/// outside of detail/ keeps its meaning as long as the first number is the same or, while that is
/// 0, as long as the second is the same.
#define MIOEXT_VERSION 200

/// The same as text, "major.minor.patch".
#define MIOEXT_VERSION_STRING "0.2.0"

#endif // MIOEXT_VERSION_HPP
