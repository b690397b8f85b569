#
# .ci/layers.awk
# --------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# Reads the table of layers in CONTRIBUTING.md, and then lines `file:#include <header>`, or `file:` for a file that
# may include nothing. Prints each include that the table does not allow, and each file that it does not have; fails if
# there is one.
#
#   awk -f .ci/layers.awk CONTRIBUTING.md INCLUDES
#

function trimmed(text) {
  gsub(/^[ `]+|[ `]+$/, "", text)
  return text
}

# The layer of a path under include/mioext/; 0 if the table has none for it.
function layer_of(path,  folder) {
  sub(/\.hpp$/, "", path)
  if (path in layer) {
    return layer[path]
  }
  folder = path
  sub(/[^\/]*$/, "", folder)
  return folder in layer ? layer[folder] : 0
}

function complain(why) {
  print file ": " header ": " why
  faults++
}

# What a cell allows: names, or any.
function allow(what, cell,  names, count, i) {
  count = split(trimmed(cell), names, /, */)
  for (i = 1; i <= count; i++) {
    knows[layers, what, names[i]] = 1
  }
}

function is_allowed(what, name) {
  return (own, what, name) in knows || (own, what, "any") in knows
}

FNR == NR {
  if ($0 ~ /^\| layer \|/) {
    in_table = 1
  } else if (in_table && $0 !~ /^\|/) {
    in_table = 0
  } else if (in_table && $0 !~ /^\|-/) {
    split($0, cell, "|")
    name[++layers] = trimmed(cell[2])
    count = split(trimmed(cell[3]), files, /[` ]+/)
    for (i = 1; i <= count; i++) {
      layer[files[i]] = layers
    }
    barred[layers] = trimmed(cell[4])
    allow("boost", cell[5])
    allow("system", cell[6])
  }
  next
}

{
  file = header = $0
  sub(/:.*/, "", file)
  sub(/^[^:]*:/, "", header)
  if (file == "include/mioext.hpp") {
    next
  }
  path = file
  sub(/^include\/mioext\//, "", path)
  own = layer_of(path)
  if (!own) {
    complain("the file is in no layer of the table")
    next
  }
  if (header == "") {
    next
  }
  includes++
  if (header !~ /<[^>]+>/) {
    complain("is not in angle brackets")
    next
  }
  gsub(/^[^<]*<|>.*$/, "", header)
  if (header ~ /^mioext\//) {
    path = header
    sub(/^mioext\//, "", path)
    other = layer_of(path)
    if (!other) {
      complain("is in no layer of the table")
    } else if (other > own) {
      complain("goes down, from \"" name[own] "\" to \"" name[other] "\"")
    } else if (barred[own] != "" && index(name[other], barred[own])) {
      complain("goes sideways, from \"" name[own] "\" to \"" name[other] "\"")
    }
  } else if (header ~ /^boost\//) {
    part = header
    gsub(/^boost\/|\.hpp$/, "", part)
    first = second = part
    sub(/\/.*/, "", first)
    if (match(part, /^[^\/]*\/[^\/]*/)) {
      second = substr(part, 1, RLENGTH)
    }
    if (!is_allowed("boost", first) && !is_allowed("boost", second)) {
      complain("of Boost, it is not for \"" name[own] "\"")
    }
  } else if (header ~ /^([a-z_]+|(sys|linux)\/[a-z_]+)\.h$/) {
    if (!is_allowed("system", header)) {
      complain("of the system, it is not for \"" name[own] "\"")
    }
  } else if (header !~ /^[a-z_]+$/) {
    complain("is of another library")
  }
}

END {
  if (!layers || !includes) {
    print "no table of layers, or no includes"
    faults++
  }
  for (i in barred) {
    if (barred[i] != "") {
      found = 0
      for (j in name) {
        found = found || index(name[j], barred[i])
      }
      if (!found) {
        print "no layer is named \"" barred[i] "\""
        faults++
      }
    }
  }
  exit faults != 0
}
