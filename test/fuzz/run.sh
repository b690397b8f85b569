#!/usr/bin/env bash
#
# test/fuzz/run.sh
# ----------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# Runs a fuzzer for a while, from the corpus in the tree and what it has found before.
#
# run.sh <program> <name> <directory of the corpora> <directory for what it finds> <seconds>
#

set -euo pipefail
readonly program=$1 name=$2 here=$3 found=$4/$2 seconds=$5

mkdir -p "$found/corpus"
log=$found/log
status=0
# A promise that is broken aborts; a step that hangs does so after a minute.
"$program" -max_total_time="$seconds" -max_len=500 -timeout=60 -print_final_stats=1 \
  -artifact_prefix="$found/" "$found/corpus" "$here/corpus/$name" 2> "$log" || status=$?
grep -E '^(broken promise|SUMMARY|==[0-9]+== *ERROR|stat::)|DONE' "$log" || true
if (( status != 0 )); then
  tail -n 40 "$log"
  echo "FAILED: $name: the input is in $found"
fi
exit "$status"
