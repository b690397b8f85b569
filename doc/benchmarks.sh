#!/usr/bin/env bash
#
# doc/benchmarks.sh
# -----------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# What the guide shows of the benchmarks, from the newest table in bench/README.md, so that it cannot
# say anything else than that: pictures, numbers in the text, what was lost, and on what machine.
#
# usage: benchmarks.sh TABLE DIRECTORY WORK
#

set -euo pipefail
readonly table=$1 directory=$2 work=$3

# Each row of the table: benchmark, setting, unit, contender, median, spread, ratio, required, verdict.
awk -F ' *[|] *' -v OFS='\t' '
  /^<!-- newest table -->/ { inside = 1 }
  inside && /^#### / { benchmark = substr($0, 6) }
  inside && /^\|/ && $4 ~ /^[0-9]/ {
    if ($2 != "") {
      setting = $2
      unit = setting
      sub(/^.* \(/, "", unit)
      sub(/\)$/, "", unit)
      sub(/ \([^(]*\)$/, "", setting)
    }
    sub(/ .*/, "", $4)
    print benchmark, setting, unit, $3, $4, $5, $6, $7, $8
  }
' "$table" > "$work/rows"

# picture NAME BENCHMARK SETTING: bars, mioext's in another colour; a line across the end of a bar is as
# long as the spread.
picture() {
  local name=$1 benchmark=$2 setting=$3
  awk -F '\t' -v benchmark="$benchmark" -v setting="$setting" '
    $1 == benchmark && $2 == setting {
      ours = $4 ~ /mioext|^(poller|event_loop|async_event_loop)$/
      printf "\"%s\"\t%s\t%s\t%s\n", $4, $5, $6 + 0, ours ? "0x2f6ea5" : "0xb4bec8"
    }
  ' "$work/rows" > "$work/$name.bars"
  local count unit format
  count=$(wc -l < "$work/$name.bars")
  unit=$(awk -F '\t' -v benchmark="$benchmark" -v setting="$setting" \
    '$1 == benchmark && $2 == setting { print $3; exit }' "$work/rows")
  if (( count == 0 )); then
    echo "$table has no setting \"$setting\" of $benchmark" >&2
    return 1
  fi
  format=$(awk -F '\t' '$2 >= 10000 { many = 1 } END { print many ? "%.0s%c" : "%g" }' "$work/$name.bars")
  gnuplot << END
set terminal svg size 540,$((70 + 26 * count)) noenhanced font "sans-serif,12"
set output "$directory/$name.svg"
set title "$setting"
set xlabel "$unit"
set yrange [$count - 0.4 : -0.6]
set format x "$format"
set xrange [0 : *]
set lmargin 21
set xtics nomirror
set ytics nomirror scale 0
set border 3
set grid xtics lc rgb "#dddddd"
set style fill solid
unset key
plot "$work/$name.bars" using (\$2 / 2) : 0 : (\$2 / 2) : (0.36) : 4 : ytic(1) \
       with boxxyerror lc rgb variable, \
     "" using (\$3 > 0 ? \$2 : NaN) : 0 : (\$2 * \$3 / 200) with xerrorbars pt 0 lc rgb "#333333"
END
}

picture instructions instructions '100 of 1000 descriptors active'
picture dispatch dispatch '100 of 1000 descriptors active'
picture dispatch_single dispatch '1 of 1000 descriptors active'
picture echo echo '64 B, 50 connections'
picture messages messages 'busy, 2 producers'
picture timers_set timers '1,000,000 set'
picture timers_cancelled timers '1,000,000 cancelled'
picture memory memory '10000 descriptors watched'

# number NAME BENCHMARK SETTING CONTENDER: an attribute with the median, for the text.
number() {
  awk -F '\t' -v name="$1" -v benchmark="$2" -v setting="$3" -v contender="$4" '
    $1 == benchmark && $2 == setting && $4 == contender {
      value = $5 >= 1e6 ? sprintf("%.0f million", $5 / 1e6) : $5 >= 10 ? sprintf("%.0f", $5) : sprintf("%.2f", $5)
      print ":" name ": " value
      found = 1
    }
    END { exit !found }
  ' "$work/rows" || {
    echo "$table has no $4 in setting \"$3\" of $2" >&2
    return 1
  }
}

{
  number n_poller instructions '100 of 1000 descriptors active' poller
  number n_hand_written instructions '100 of 1000 descriptors active' hand_written
  number n_loop instructions '100 of 1000 descriptors active' event_loop
  number n_nested instructions '100 of 1000 descriptors active' async_event_loop
  number n_asio_wait instructions '100 of 1000 descriptors active' asio_wait
  number n_libuv instructions '100 of 1000 descriptors active' libuv
  number n_libev instructions '100 of 1000 descriptors active' libev
  number n_libevent instructions '100 of 1000 descriptors active' libevent
  number n_nested_single dispatch '1 of 1000 descriptors active' 'mioext async_event_loop'
  number n_asio_single dispatch '1 of 1000 descriptors active' 'Asio async_wait'
  number n_cancel_wheel timers '1,000,000 cancelled' 'mioext event_loop'
  number n_cancel_asio timers '1,000,000 cancelled' Asio
  number n_cancel_libuv timers '1,000,000 cancelled' libuv
  number n_cancel_libev timers '1,000,000 cancelled' libev
  number n_set_wheel timers '1,000,000 set' 'mioext event_loop'
  number n_set_libev timers '1,000,000 set' libev
  number n_queue messages 'busy, 2 producers' 'mioext event_loop'
  number n_locked messages 'busy, 2 producers' 'eventfd, locked queue'
  number n_post messages 'busy, 2 producers' 'asio::post'
  number n_stream_1 stream_instructions '1 connection' 'mioext, io_context'
  number n_socket_1 stream_instructions '1 connection' 'Asio, io_context'
  number n_stream_100 stream_instructions '100 connections' 'mioext, io_context'
  number n_socket_100 stream_instructions '100 connections' 'Asio, io_context'
  number n_compile_asio headers 'time to compile' boost/asio.hpp
  number n_compile_poller headers 'time to compile' mioext/poller.hpp
  number n_compile_all headers 'time to compile' mioext.hpp
} > "$work/numbers.adoc"

{
  echo '[%autowidth.stretch,cols="1,2,2,1,2"]'
  echo '|==='
  echo '|benchmark |setting |contender |ratio |required'
  awk -F '\t' '$9 == "LOSS" { printf "\n|%s\n|%s\n|%s\n|%s\n|`+%s+`\n", $1, $2, $4, $7, $8 }' "$work/rows"
  echo '|==='
} > "$work/losses.adoc"

sed -n '/^<!-- newest table -->/,$ s/^On \(.*\)$/Measured on \1./p' "$table" | head -1 > "$work/machine.adoc"
test -s "$work/machine.adoc"
