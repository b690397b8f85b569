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
# instructions.sh [OPTION...] CHAIN: counts the user-space instructions that one event costs in the chain of
# bench/chain.cpp, by callgrind, as the difference of two lengths of run, and judges them: `poller` may
# cost 5 more than the hand-written loop, `event_loop` must stay under 80, and `async_event_loop` under
# 120, or under 240 where a batch is only 10 events, which share what a turn in the context costs.
# `asio_wait` is there to compare with. Unlike times, these counts do not depend on what else the
# machine does.
#

set -euo pipefail

readonly chain=${!#} pairs=1000 short=20000 long=60000

# counted <kind> <events>: the instructions of a whole run.
counted() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$chain" "$1" $pairs "$active" "$2" 2>&1 |
    awk '/Collected/ { print $4 }'
}

# per_event <kind>: hundredths of an instruction.
per_event() {
  local from to
  from=$(counted "$1" $short)
  to=$(counted "$1" $long)
  echo $(((to - from) * 100 / (long - short)))
}

failures=0

# row <name> <hundredths> <limit in hundredths>
row() {
  local verdict=ok
  if (($2 > $3)); then
    verdict='too many'
    failures=$((failures + 1))
  fi
  awk -v name="$1" -v count="$2" -v limit="$3" -v verdict="$verdict" \
    'BEGIN { printf "%-16s %8.2f %10.2f  %s\n", name, count / 100, limit / 100, verdict }'
}

for active in 10 100; do
  printf '%-16s %8s %10s\n' "$active of $pairs" 'an event' 'at most'
  hand_written=$(per_event hand_written)
  row hand_written "$hand_written" "$hand_written"
  row poller "$(per_event poller)" $((hand_written + 500))
  row event_loop "$(per_event event_loop)" 7999
  row async_event_loop "$(per_event async_event_loop)" $((active == 100 ? 11999 : 23999))
  printf '%-16s %8.2f\n' asio_wait "$(per_event asio_wait)e-2"
done
((failures == 0))
