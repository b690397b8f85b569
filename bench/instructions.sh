#!/usr/bin/env bash
#
# bench/instructions.sh
# ---------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# instructions.sh [--out DIR] [--quick] CHAIN [CHAIN_WITH_LIBRARIES]: counts the user-space instructions
# that one event costs in the chain of bench/chain.cpp, by callgrind, as the difference of two lengths of
# run, and judges them: `poller` may cost 5 more than the hand-written loop; where there are more events
# than one at a time, `event_loop` must stay under 80, and `async_event_loop` under 120, or under 240 where
# a batch is only 10 events, which share what a turn in the context costs. In a selector_context
# (`selector_context_loop`) it may cost 15 more than `event_loop`, whatever the size of a batch. The others
# are there to compare with, and the short form leaves them out.
# Unlike times, these counts do not depend on what else the machine does.
#

set -euo pipefail

csv=/dev/null
quick=
while [[ ${1-} == --* ]]; do
  if [[ $1 == --out ]]; then
    mkdir -p "$2"
    csv=$2/instructions.csv
    shift
  elif [[ $1 == --quick ]]; then
    quick=yes
  fi
  shift
done

readonly chain=$1 chain_with_libraries=${2-} pairs=1000
# Each goes round often enough that what happens once has happened.
if [[ -n $quick ]]; then
  readonly short=10000 long=20000
else
  readonly short=20000 long=60000
fi

# counted <program> <kind> <events>: the instructions of a whole run.
counted() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$1" "$2" $pairs "$active" "$3" 2>&1 |
    awk '/Collected/ { print $4 }'
}

# per_event <kind> [<program>]: hundredths of an instruction.
per_event() {
  local program=${2-$chain} from to
  echo "instructions: $active of $pairs/$1" >&2
  from=$(counted "$program" "$1" $short)
  to=$(counted "$program" "$1" $long)
  if [[ -z $from || -z $to ]]; then
    echo "instructions: $program $1 was not counted: it failed, or there is no valgrind" >&2
    return 1
  fi
  echo $(((to - from) * 100 / (long - short)))
}

losses=()

# row <name> <hundredths> [<limit in hundredths>]
row() {
  local verdict=
  if [[ -n ${3-} ]]; then
    verdict=ok
    if (($2 > $3)); then
      verdict=LOSS
      losses+=("LOSS: instructions: $active of $pairs descriptors active: $1: hundredths $2, at most $3")
    fi
  fi
  awk -v name="$1" -v count="$2" -v reference="$hand_written" -v limit="${3-}" -v verdict="$verdict" \
    -v setting="$active of $pairs descriptors active" -v csv="$csv" 'BEGIN {
      line = sprintf("  %-22s %8.2f %6.2f %10s  %s", name, count / 100, count / reference,
        limit == "" ? "" : sprintf("%.2f", limit / 100), verdict)
      sub(/ +$/, "", line)
      print line
      # The columns of harness.cpp.
      printf "%s,%s,instructions an event,less,%.2f,0,%.4f,%s,%s,1\n", setting, name, count / 100,
        count / reference, limit == "" ? "" : sprintf("<= %.2f", limit / 100), verdict >> csv
    }'
}

# measure <kind> [<limit>] [<program>]
measure() {
  local count
  count=$(per_event "$1" "${3-$chain}")
  row "$1" "$count" "${2-}"
}

if [[ $csv != /dev/null ]]; then
  echo setting,contender,unit,better,median,spread,ratio,required,verdict,rounds > "$csv"
fi
echo '== instructions (user space, by callgrind)'
for active in 1 10 100; do
  printf '\n%s of %s descriptors active\n' "$active" "$pairs"
  printf '  %-22s %8s %6s %10s\n' '' 'an event' ratio 'at most'
  hand_written=$(per_event hand_written)
  row hand_written "$hand_written"
  measure poller $((hand_written + 500))
  event_loop=$(per_event event_loop)
  event_loop_limit=7999 async_event_loop_limit=$((active == 100 ? 11999 : 23999))
  if ((active == 1)); then
    event_loop_limit='' async_event_loop_limit='' # an event pays for a whole turn
  fi
  row event_loop "$event_loop" $event_loop_limit
  measure async_event_loop $async_event_loop_limit
  measure selector_context_loop $((event_loop + 1500))
  if [[ -n $quick ]]; then
    continue
  fi
  measure mioext_wait
  measure asio_wait
  if [[ -n $chain_with_libraries ]]; then
    for library in libuv libevent libev; do
      measure "$library" '' "$chain_with_libraries"
    done
  fi
done
if [[ -z $quick$chain_with_libraries ]]; then
  echo 'libuv, libevent and libev are left out: not all three are installed.'
fi
# In lines that say all of it: .ci/run looks for these.
((${#losses[@]} == 0)) || printf '%s\n' "${losses[@]}"
((${#losses[@]} == 0))
