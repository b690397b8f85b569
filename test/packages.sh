#!/usr/bin/env bash
#
# test/packages.sh
# ----------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# mioext as other projects find it: installed by b2 and by CMake, and as a source tree; by CMake,
# pkg-config and b2. Each builds a small program in a directory of its own. Needs cmake and pkg-config.
#
# packages.sh
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
source_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly source_directory

for tool in b2 cmake pkg-config g++; do
  type "$tool" > /dev/null || fail "needs $tool"
done

# project <name>: an empty directory with a program that needs threads and Boost; goes there.
project() {
  mkdir "$scratch/$1"
  cd "$scratch/$1"
  # What mioext forbids itself (-Wconversion) is nothing to its users.
  cat > program.cpp << 'END'
#include <mioext.hpp>

#include <thread>

struct handler final : mioext::basic_handler<mioext::token, int> {
  void notify(loop_type& loop, int message) override {
    short narrowed = message;
    received = narrowed;
    loop.shutdown();
  }
  int received = 0;
};

int main() {
  mioext::basic_event_loop<mioext::token, int> loop;
  auto const channel = loop.channel();
  std::thread sender([&] { channel.send(MIOEXT_VERSION); });
  handler receiver;
  loop.run(receiver);
  sender.join();
  return receiver.received == MIOEXT_VERSION ? 0 : 1;
}
END
}

# b2_project <name> <where mioext is>
b2_project() {
  project "$1"
  cat > Jamroot << END
use-project /mioext : $2 ;
exe program : program.cpp : <library>/mioext//mioext ;
END
  b2 cxxstd=11 > "$scratch/$1.log"
  "$(find bin -type f -name program)"
}

# cmake_project <name> <line that brings mioext::mioext> <arguments of cmake...>
cmake_project() {
  project "$1"
  cat > CMakeLists.txt << END
cmake_minimum_required(VERSION 3.15)
project(program CXX)
$2
add_executable(program program.cpp)
target_link_libraries(program mioext::mioext)
END
  cmake -S . -B build "${@:3}" > "$scratch/$1.log"
  cmake --build build >> "$scratch/$1.log"
  build/program
}

# finds_nothing <name> <line>: CMake says that there is no such package.
finds_nothing() {
  project "$1"
  printf '%s\n' 'cmake_minimum_required(VERSION 3.15)' 'project(program CXX)' "$2" > CMakeLists.txt
  ! cmake -S . -B build "${@:3}" > "$scratch/$1.log" 2> "$scratch/out" || fail "there is '$2'"
}

case_of 'b2 with the source tree'
b2_project b2_source "$source_directory"

case_of 'CMake with the source tree'
cmake_project cmake_source "add_subdirectory(\"$source_directory\" mioext)"

case_of 'b2 install'
(cd "$source_directory" && b2 --build-dir="$scratch/build" install --prefix="$scratch/by_b2" > "$scratch/install.log")

case_of 'cmake --install'
cmake -S "$source_directory" -B "$scratch/cmake" -DCMAKE_INSTALL_PREFIX="$scratch/by_cmake" > "$scratch/cmake.log"
cmake --install "$scratch/cmake" >> "$scratch/cmake.log"

case_of 'both install the same files'
list() { (cd "$scratch/$1" && find . -type f | sort); }
diff <(list by_b2) <(list by_cmake)
diff <(cd "$source_directory/include" && find . -name '*.hpp' | sort) \
  <(cd "$scratch/by_b2/include" && find . -type f | sort)
diff -r "$scratch/by_b2/lib" "$scratch/by_cmake/lib"
[[ -s $scratch/by_b2/share/doc/mioext/LICENSE_1_0.txt ]]

version=$(sed -n 's/.*MIOEXT_VERSION_STRING "\(.*\)".*/\1/p' "$source_directory/include/mioext/version.hpp")
for how in by_b2 by_cmake; do
  installed=$scratch/$how
  case_of "$how: find_package"
  cmake_project "find_$how" "find_package(mioext $version REQUIRED)" -DCMAKE_PREFIX_PATH="$installed"

  case_of "$how: pkg-config"
  project "pkg_config_$how"
  export PKG_CONFIG_PATH=$installed/share/pkgconfig
  [[ $(pkg-config --modversion mioext) == "$version" ]]
  # shellcheck disable=SC2046 # several words
  g++ -std=c++11 $(pkg-config --cflags mioext) program.cpp $(pkg-config --libs mioext) -o program
  ./program

  case_of "$how: b2"
  b2_project "b2_$how" "$installed/share/mioext"
done

case_of 'a version that is not there is not found'
finds_nothing too_new 'find_package(mioext 0.1.99 REQUIRED)' -DCMAKE_PREFIX_PATH="$scratch/by_b2"
finds_nothing other 'find_package(mioext 1.0 REQUIRED)' -DCMAKE_PREFIX_PATH="$scratch/by_b2"

case_of 'an installation may be moved'
mv "$scratch/by_b2" "$scratch/moved"
cmake_project find_moved 'find_package(mioext 0.1 REQUIRED)' -DCMAKE_PREFIX_PATH="$scratch/moved"

case_of 'MIOEXT_VERSION is the version'
IFS=. read -r major minor patch <<< "$version"
grep -qx "#define MIOEXT_VERSION $(( major * 100000 + minor * 100 + patch ))" \
  "$source_directory/include/mioext/version.hpp"
