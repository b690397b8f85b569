#
# doc/check.awk
# -------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# Fails where a block of C++ in the guide's sources is anything but an include of a tagged part of
# doc/snippets/ or example/, which the tests compile and run. Any other block has to name its language.
#

FNR == 1 { language = ""; inside = 0 }

/^```/ || /^\.\.\.\.$/ { complain("write ---- with a language before it") }

/^\[source,/ { language = $0; gsub(/^\[source,|[],].*$/, "", language); next }

/^----$/ {
  inside = !inside
  if (inside && language == "") {
    complain("a block without a language")
  }
  if (inside) {
    lines = 0
    next
  }
  if (language == "cpp" && (lines != 1 || last !~ /^include::\.\.\/(snippets|\.\.\/example)\/[a-z_]+\.[ch]pp\[tag=[a-z_]+\]$/)) {
    complain("C++ that is not included from a file that the tests run")
  }
  language = ""
  next
}

inside { ++lines; last = $0; next }

/^include::/ && !/^include::(guide\/[a-z_]+\.adoc|\{[a-z]+\}\/[a-z_]+\.adoc)\[\]$/ {
  complain("an include that is neither a chapter nor made by the build")
}

function complain(about) {
  print FILENAME ":" FNR ": " about > "/dev/stderr"
  status = 1
}

END { exit status }
