#!/usr/bin/env bash
#
# test/example_usage.sh
# ---------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# Every example says how it is used: when it is asked, and when it is used otherwise.
#
# example_usage.sh <example...>
#

# shellcheck source-path=SCRIPTDIR source=program_tests.bash
source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1

for example in "$@"; do
  name=${example##*/}

  for option in --help -h; do
    case_of "$name $option"
    timeout "$patience" "$example" "$option" > "$scratch/usage.log" 2> "$scratch/usage.err" < /dev/null
    [[ ! -s $scratch/usage.err ]] || fail 'there are messages'
    [[ $(head -n 1 "$scratch/usage.log") == "usage: $name"* ]] || fail 'the first line is not the usage'
    (( $(wc -l < "$scratch/usage.log") > 1 )) || fail 'nothing says what it is for'
  done

  case_of "$name with an option that it does not know"
  expect_status 2 "$example" --no-such-option
  [[ $(head -n 1 "$scratch/expected.err") == "$name: "* ]] || fail 'it does not say what is wrong'
  diff "$scratch/usage.log" <(tail -n +2 "$scratch/expected.err") || fail 'the usage is not repeated'
done
