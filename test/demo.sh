#!/usr/bin/env bash
#
# test/demo.sh
# ------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# The demo as a program: it finds all promises kept, and leaves nothing behind.
#
# demo.sh <demo>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
readonly demo=$1

case_of 'the demo finds all promises kept'
mkdir "$scratch/directory"
TMPDIR=$scratch/directory timeout "$patience" "$demo" | tee "$scratch/demo.log"
grep -qx 'mioext has kept all its promises.' "$scratch/demo.log"

case_of 'the same handler runs alone and in both kinds of context'
grep -q '^  in a loop of its own  *[1-9][0-9]* round trips' "$scratch/demo.log"
grep -q '^  in an io_context, .*steady_timer  *[1-9][0-9]* round trips' "$scratch/demo.log"
grep -q '^  in a selector_context, .*timer  *[1-9][0-9]* round trips' "$scratch/demo.log"

case_of 'the demo leaves nothing behind'
[[ -z $(ls -A "$scratch/directory") ]]
