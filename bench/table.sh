#!/usr/bin/env bash
#
# bench/table.sh
# --------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# table.sh [DIR]: puts the tables of the newest run into bench/README.md, between the two comments there.
# DIR is where `b2 bench` left its CSV files, bin/bench if not said. With --print it only prints them.
#

set -euo pipefail
cd "$(dirname "$0")/.."

print=
if [[ ${1-} == --print ]]; then
  print=yes
  shift
fi
readonly directory=${1-bin/bench}
readonly readme=bench/README.md

# In the order of the issue that asked for them; what has not been run is left out.
readonly names=(dispatch instructions echo stream stream_instructions context_instructions timer_instructions
  context_allocations beast_http proxy closing_instructions wait_instructions connect_churn messages timers memory scale
  headers)

# table <name>: a benchmark's CSV in Markdown.
table() {
  awk -v name="$1" '
    # The fields of a line; one in quotation marks may have commas.
    function split_line(line, fields,   count, field) {
      count = 0
      while (line != "") {
        if (substr(line, 1, 1) == "\"") {
          match(line, /^"([^"]|"")*"/)
          field = substr(line, 2, RLENGTH - 2)
          gsub(/""/, "\"", field)
          line = substr(line, RLENGTH + 2)
        } else {
          match(line, /^[^,]*/)
          field = substr(line, 1, RLENGTH)
          line = substr(line, RLENGTH + 2)
        }
        fields[++count] = field
      }
      return count
    }
    function readable(number) {
      number += 0
      return sprintf((number >= 1000) ? "%.0f" : (number >= 100) ? "%.1f" : "%.2f", number)
    }
    NR == 1 {
      columns = split_line($0, heads)
      printf "\n#### %s\n\n", name
      print "| setting | contender | median | spread | ratio | required | verdict |"
      print "|---|---|--:|--:|--:|---|---|"
      next
    }
    {
      delete fields
      count = split_line($0, fields)
      setting = fields[1] == last ? "" : fields[1] " (" fields[3] ")"
      last = fields[1]
      also = ""
      for (column = 11; column <= count; ++column) {
        if (fields[column] != "") {
          also = also (also == "" ? " (" : ", ") heads[column] " " readable(fields[column])
        }
      }
      printf("| %s | %s | %s%s | %s | %s | %s | %s |\n", setting, fields[2],
        (fields[10] + 0 > 0) ? readable(fields[5]) : "-", (also == "") ? "" : also ")",
        (fields[6] + 0 > 0) ? sprintf("%.1f%%", fields[6] * 100) : "-",
        (fields[7] + 0 > 0) ? sprintf("%.2f", fields[7]) : "-", fields[8], fields[9])
    }
  ' "$directory/$1.csv"
}

tables() {
  local name
  echo "On $(cat "$directory/machine.txt"); $(git log -1 --format='commit %h of %cs')"
  for name in "${names[@]}"; do
    if [[ -f $directory/$name.csv ]]; then
      table "$name"
    fi
  done
}

if [[ -n $print ]]; then
  tables
  exit
fi
written=$(mktemp)
trap 'rm -f "$written" "$written.tables"' EXIT
tables > "$written.tables"
awk -v tables="$written.tables" '
  /^<!-- newest table -->$/ {
    print
    print ""
    while ((getline line < tables) > 0) print line
    print ""
    inside = 1
  }
  /^<!-- end of the newest table -->$/ { inside = 0; ended = 1 }
  !inside && !/^<!-- newest table -->$/ { print }
  END { exit !ended }
' "$readme" > "$written"
cat "$written" > "$readme"
