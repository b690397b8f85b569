//
// test/fuzz/corpus.cpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Gives a fuzz target each input that is kept in the tree, with any compiler.
//
// corpus <directories...>
//

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <dirent.h>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);

namespace {

std::vector<std::string> files_in(std::string const& directory) {
  std::vector<std::string> files;
  DIR* const opened = ::opendir(directory.c_str());
  if (opened) {
    while (::dirent const* const entry = ::readdir(opened)) {
      if (entry->d_name[0] != '.') {
        files.push_back(directory + '/' + entry->d_name);
      }
    }
    ::closedir(opened);
  }
  std::sort(files.begin(), files.end());
  return files;
}

} // namespace

int main(int argc, char* argv[]) {
  std::size_t count = 0;
  for (int index = 1; index < argc; ++index) {
    for (std::string const& name : files_in(argv[index])) {
      std::cout << name << std::endl; // so that the last one is the one that failed
      std::ifstream file(name, std::ios::binary);
      std::vector<char> const bytes((std::istreambuf_iterator<char>(file)),
                                    std::istreambuf_iterator<char>());
      LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
      ++count;
    }
  }
  std::cout << count << " inputs" << std::endl;
  return count != 0 ? 0 : 1;
}
