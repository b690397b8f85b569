# Reads the table of layers in CONTRIBUTING.md, and then lines `file:#include <header>` of include/. Says which of
# them go down or sideways, or to a part of Boost that the layer is not to know. Fails if there is one.
#
#   grep -rHE '^ *# *include' include | awk -f .ci/layers.awk CONTRIBUTING.md -

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

function complain(file, header, why) {
  print file ": " header ": " why
  faults++
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
    count = split(trimmed(cell[5]), parts, /, */)
    for (i = 1; i <= count; i++) {
      knows[layers, parts[i]] = 1
    }
  }
  next
}

{
  file = $0
  sub(/:.*/, "", file)
  header = $0
  sub(/^[^<"]*[<"]/, "", header)
  sub(/[>"].*/, "", header)
  path = file
  sub(/^include\/mioext\//, "", path)
  own = layer_of(path)
  if (file == "include/mioext.hpp") {
    next
  }
  includes++
  if (!own) {
    complain(file, header, "the file is in no layer of the table")
  } else if (header ~ /^mioext\//) {
    sub(/^mioext\//, "", header)
    other = layer_of(header)
    if (!other) {
      complain(file, header, "is in no layer of the table")
    } else if (other > own) {
      complain(file, header, "goes down, from \"" name[own] "\" to \"" name[other] "\"")
    } else if (barred[own] != "" && index(name[other], barred[own])) {
      complain(file, header, "goes sideways, from \"" name[own] "\" to \"" name[other] "\"")
    }
  } else if (header ~ /^boost\//) {
    part = header
    sub(/^boost\//, "", part)
    sub(/\.hpp$/, "", part)
    first = part
    sub(/\/.*/, "", first)
    second = part
    if (match(part, /^[^\/]*\/[^\/]*/)) {
      second = substr(part, 1, RLENGTH)
    }
    if (!((own, first) in knows) && !((own, second) in knows) && !((own, "all") in knows)) {
      complain(file, header, "is not for \"" name[own] "\"")
    }
  }
}

END {
  if (layers < 2 || includes == 0) {
    print "no table of layers, or nothing to look at"
    faults++
  }
  exit faults != 0
}
