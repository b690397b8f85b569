#
# mioextConfig.cmake
# ------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# find_package(mioext) defines the target mioext::mioext. Installed as it is, by CMake or by b2, in
# <prefix>/lib/cmake/mioext: so the prefix may be moved.
#

include(CMakeFindDependencyMacro)
if(NOT TARGET Boost::headers)
  find_dependency(Boost 1.74)
endif()
find_dependency(Threads)

# There are no components.
foreach(_mioext_component IN LISTS mioext_FIND_COMPONENTS)
  set(mioext_${_mioext_component}_FOUND FALSE)
  if(mioext_FIND_REQUIRED_${_mioext_component})
    set(mioext_FOUND FALSE)
    set(mioext_NOT_FOUND_MESSAGE "mioext has no components, so no \"${_mioext_component}\".")
    unset(_mioext_component)
    return()
  endif()
endforeach()
unset(_mioext_component)

if(NOT TARGET mioext::mioext)
  get_filename_component(_mioext_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
  add_library(mioext::mioext INTERFACE IMPORTED)
  set_target_properties(mioext::mioext PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${_mioext_prefix}/include"
    INTERFACE_LINK_LIBRARIES "Boost::headers;Threads::Threads"
    INTERFACE_COMPILE_FEATURES cxx_std_11)
  unset(_mioext_prefix)
endif()
