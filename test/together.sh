#!/bin/sh
#
# test/together.sh
# ----------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# together.sh SOURCE...: prints one unit of these tests, each in a suite (so, a namespace) of its name: token_cpp
# for token.cpp. What they include comes before all of them, under the conditions under which they include it: every preprocessor
# directive of theirs, without what is between.
#

exec awk '
  # directives(file): a source that it includes is a part of it.
  function directives(file,    line, continued, folder) {
    folder = file
    sub(/[^\/]*$/, "", folder)
    while ((getline line < file) > 0) {
      if (line ~ /^[ \t]*#[ \t]*include[ \t]*"[^"]*\.cpp"/) {
        sub(/^[^"]*"/, "", line)
        sub(/".*/, "", line)
        directives(folder line)
      } else if (continued || line ~ /^[ \t]*#/) {
        print line
        continued = line ~ /\\$/
      }
    }
    close(file)
  }

  BEGIN {
    for (i = 1; i < ARGC; i++) {
      directives(ARGV[i])
    }
    for (i = 1; i < ARGC; i++) {
      source = ARGV[i]
      sub(/^.*\//, "", source)
      suite = source
      sub(/\.cpp$/, "_cpp", suite)
      printf "\nBOOST_AUTO_TEST_SUITE(%s)\n#include \"%s\"\nBOOST_AUTO_TEST_SUITE_END()\n", suite, source
    }
  }
' "$@"
