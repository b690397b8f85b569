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

# shellcheck source-path=SCRIPTDIR source=program_tests.bash
source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
source_directory=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly source_directory

for tool in b2 cmake pkg-config g++; do
  type "$tool" > /dev/null || fail "needs $tool"
done

# project <name>: an empty directory with $program; goes there.
project() {
  mkdir "$scratch/$1"
  cd "$scratch/$1"
  "$program" > program.cpp
}

# What needs threads and Boost.
whole_program() {
  # What mioext forbids itself (-Wconversion) is nothing to its users.
  cat << 'END'
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

# What is compiled quickly, where the question is only whether the headers are found: mioext's and Boost's.
small_program() {
  cat << 'END'
#include <mioext/poller.hpp>

int main() {
  mioext::poller poller;
  mioext::events events(1);
  poller.poll(events, std::chrono::milliseconds(0));
  return events.empty() ? 0 : 1;
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
  b2 -d+2 cxxstd=11 > "$scratch/$1.log"
  "$(find bin -type f -name program)"
}

# cmake_lists <line...>: CMakeLists.txt.
cmake_lists() {
  printf '%s\n' 'cmake_minimum_required(VERSION 3.15)' 'project(program CXX)' "$@" > CMakeLists.txt
}

# cmake_project <name> <line that brings mioext::mioext> <arguments of cmake...>
cmake_project() {
  project "$1"
  cmake_lists "$2" 'add_executable(program program.cpp)' 'target_link_libraries(program mioext::mioext)' \
    'install(TARGETS program DESTINATION bin)'
  cmake -S . -B build "${@:3}" > "$scratch/$1.log"
  cmake --build build >> "$scratch/$1.log"
  build/program
}

# pkg_config_project <name> <where mioext is installed>
pkg_config_project() {
  project "$1"
  export PKG_CONFIG_PATH=$2/share/pkgconfig
  [[ $(pkg-config --modversion mioext) == "$version" ]]
  # shellcheck disable=SC2046 # several words
  g++ -std=c++11 $(pkg-config --cflags mioext) program.cpp $(pkg-config --libs mioext) -o program
  ./program
}

# finds_nothing <name> <line>: CMake says that there is no such package.
finds_nothing() {
  project "$1"
  cmake_lists "$2"
  ! cmake -S . -B build "${@:3}" > "$scratch/$1.log" 2> "$scratch/out" || fail "there is '$2'"
}

# finds <name> <line>: CMake says that there is.
finds() {
  project "$1"
  cmake_lists "$2" 'get_target_property(found mioext::mioext INTERFACE_INCLUDE_DIRECTORIES)'
  cmake -S . -B build "${@:3}" > "$scratch/$1.log"
}

# files <directory>: what is in it.
files() { (cd "$1" && find . -type f | sort); }

version=$(sed -n 's/.*MIOEXT_VERSION_STRING "\(.*\)".*/\1/p' "$source_directory/include/mioext/version.hpp")
IFS=. read -r major minor patch <<< "$version"

# As a source tree

program=whole_program

case_of 'b2 with the source tree'
b2_project b2_source "$source_directory"

case_of 'CMake with the source tree'
cmake_project cmake_source "add_subdirectory(\"$source_directory\" mioext)"

program=small_program

case_of 'a project that has mioext in its tree installs its own files'
cmake --install build --prefix "$scratch/own_files" > "$scratch/own_files.log"
diff <(files "$scratch/own_files") <(echo ./bin/program)

case_of 'and mioext with them if it says so'
cmake -S . -B build -DMIOEXT_INSTALL=ON > "$scratch/with_mioext.log"
cmake --install build --prefix "$scratch/with_mioext" >> "$scratch/with_mioext.log"
[[ -x $scratch/with_mioext/bin/program ]]
rm -r "$scratch/with_mioext/bin"

case_of 'FetchContent'
cmake_project fetch_content "include(FetchContent)
FetchContent_Declare(mioext SOURCE_DIR \"$source_directory\")
FetchContent_MakeAvailable(mioext)"

case_of 'a library that uses mioext from its tree is exported'
project library
cat > library.cpp << 'END'
#include <mioext/poller.hpp>

int count_events() {
  mioext::poller poller;
  mioext::events events(1);
  return static_cast<int>(poller.poll(events, std::chrono::milliseconds(0)));
}
END
echo 'int count_events();' > library.hpp
cat > libraryConfig.cmake << 'END'
include(CMakeFindDependencyMacro)
find_dependency(mioext)
include("${CMAKE_CURRENT_LIST_DIR}/libraryTargets.cmake")
END
cmake_lists "add_subdirectory(\"$source_directory\" mioext)" \
  'add_library(library STATIC library.cpp)' \
  'target_link_libraries(library PUBLIC mioext::mioext)' \
  'target_include_directories(library INTERFACE "$<INSTALL_INTERFACE:include>")' \
  'install(TARGETS library EXPORT library ARCHIVE DESTINATION lib)' \
  'install(EXPORT library NAMESPACE library:: FILE libraryTargets.cmake DESTINATION lib/cmake/library)' \
  'export(EXPORT library NAMESPACE library::)' \
  'install(FILES library.hpp DESTINATION include)' \
  'install(FILES libraryConfig.cmake DESTINATION lib/cmake/library)'
cmake -S . -B build > "$scratch/library.log"
cmake --build build >> "$scratch/library.log"
cmake --install build --prefix "$scratch/library_installed" >> "$scratch/library.log"
[[ ! -e $scratch/library_installed/include/mioext ]]
project library_user
printf '#include <library.hpp>\n#include <mioext/poller.hpp>\nint main() { return count_events(); }\n' > program.cpp
cmake_lists 'find_package(library REQUIRED)' 'add_executable(program program.cpp)' \
  'target_link_libraries(program library::library)'
cmake -S . -B build -DCMAKE_PREFIX_PATH="$scratch/library_installed;$scratch/with_mioext" \
  > "$scratch/library_user.log"
cmake --build build >> "$scratch/library_user.log"
build/program

# Installed: by b2, by CMake to another prefix than was said when it was configured, and for a package.

case_of 'b2 install'
(cd "$source_directory" && b2 --build-dir="$scratch/build" install --prefix="$scratch/by_b2" > "$scratch/install.log")

case_of 'cmake --install'
cmake -S "$source_directory" -B "$scratch/cmake" -DCMAKE_INSTALL_PREFIX="$scratch/not_there" > "$scratch/cmake.log"
cmake --install "$scratch/cmake" --prefix "$scratch/by_cmake" >> "$scratch/cmake.log"

case_of 'DESTDIR'
(cd "$source_directory" && DESTDIR=$scratch/staged_by_b2 \
  b2 --build-dir="$scratch/build" install --prefix=/opt/mioext > "$scratch/staged_by_b2.log")
DESTDIR=$scratch/staged_by_cmake cmake --install "$scratch/cmake" --prefix /opt/mioext > "$scratch/staged.log"
mv "$scratch/staged_by_b2/opt/mioext" "$scratch/by_b2_with_destdir"
mv "$scratch/staged_by_cmake/opt/mioext" "$scratch/by_cmake_with_destdir"

case_of 'all install the same files, which do not know where they are'
for how in by_cmake by_b2_with_destdir by_cmake_with_destdir with_mioext; do
  diff -r "$scratch/by_b2" "$scratch/$how"
done
diff <(cd "$source_directory/include" && find . -name '*.hpp' | sort) <(files "$scratch/by_b2/include")
[[ -s $scratch/by_b2/share/doc/mioext/LICENSE_1_0.txt ]]
[[ ! -e $scratch/not_there ]]
grep -rF -e "$scratch" -e /opt/mioext -e /usr/local "$scratch/by_b2/lib" "$scratch/by_b2/share" &&
  fail 'a path is written into a file'

# They are the same, so one is enough.
program=whole_program

case_of 'find_package'
cmake_project find_package "find_package(mioext $version REQUIRED)" -DCMAKE_PREFIX_PATH="$scratch/by_b2"

case_of 'pkg-config'
pkg_config_project pkg_config "$scratch/by_b2"

case_of 'b2'
b2_project b2 "$scratch/by_b2/share/mioext"

program=small_program

case_of 'an installation may be moved'
mkdir "$scratch/moved to"
mv "$scratch/by_b2" "$scratch/moved to/here"
mv "$scratch/moved to" "$scratch/moved"
cmake_project moved_cmake "find_package(mioext $major.$minor REQUIRED)" -DCMAKE_PREFIX_PATH="$scratch/moved/here"
pkg_config_project moved_pkg_config "$scratch/moved/here"
b2_project moved_b2 "$scratch/moved/here/share/mioext"

case_of 'the installed b2 project takes Boost from BOOST_ROOT'
boost=$(echo '#include <boost/version.hpp>' | g++ -x c++ -M - | tr ' ' '\n' | sed -n 's|/boost/version.hpp$||p')
mkdir -p "$scratch/boost/include"
ln -s "$boost/boost" "$scratch/boost/include/boost"
BOOST_ROOT=$scratch/boost b2_project boost_root "$scratch/moved/here/share/mioext"
grep -qF -e "-isystem \"$scratch/boost/include\"" "$scratch/boost_root.log"
mkdir "$scratch/no_boost"
BOOST_ROOT=$scratch/no_boost b2 -a > "$scratch/no_boost.out" 2>&1 && fail 'b2 does not look into BOOST_ROOT'
grep -qF 'there is no boost/version.hpp below it' "$scratch/no_boost.out"

case_of 'the version that is asked for is found, and no other'
number=0
while read -r answer line; do
  number=$((number + 1))
  "$answer" "version_$number" "find_package(mioext $line REQUIRED)" -DCMAKE_PREFIX_PATH="$scratch/moved/here"
done << END
finds $major.$minor
finds $version EXACT
finds $version OPTIONAL_COMPONENTS asio
finds $version...$major.$((minor + 1))
finds 0.0.1...<$major.$((minor + 1))
finds_nothing $major.$minor.$((patch + 1))
finds_nothing $major.$((minor + 1))
finds_nothing $((major + 1)).0
finds_nothing 0.0.1
finds_nothing $major.$minor.$((patch + 1)) EXACT
finds_nothing 0.0.1...<$version
finds_nothing $version COMPONENTS asio
END

case_of 'the changes and the README name the version'
[[ $(grep -m 1 '^## ' "$source_directory/CHANGELOG.md") == "## $version, "* ]]
grep -qxF "find_package(mioext $major.$minor REQUIRED)" "$source_directory/README.md"

case_of 'MIOEXT_VERSION is the version'
grep -qx "#define MIOEXT_VERSION $(( major * 100000 + minor * 100 + patch ))" \
  "$source_directory/include/mioext/version.hpp"
