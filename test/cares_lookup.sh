#!/usr/bin/env bash
#
# test/cares_lookup.sh
# --------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# cares_lookup, which asks a dnsmasq.
#
# cares_lookup.sh <cares_lookup>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
readonly cares_lookup=$1
PATH=$PATH:/usr/sbin

type dnsmasq > /dev/null || fail 'needs dnsmasq'

for (( number = 1; number != 201; ++number )); do
  printf '10.1.2.%d host%d.test\nfd00::%x host%d.test\n' "$number" "$number" "$number" "$number"
done > "$scratch/hosts"
names=()
for (( number = 1; number != 201; ++number )); do
  names+=("host$number.test")
done
awk '{ print $2, $1 }' "$scratch/hosts" | sort > "$scratch/wanted"

serve() {
  dnsmasq --conf-file=/dev/null --keep-in-foreground --pid-file= --user="$(id -un)" --no-resolv \
    --no-hosts --addn-hosts="$scratch/hosts" --local=/test/ --listen-address=127.0.0.1 \
    --bind-interfaces --port="$1" --log-facility=- > "$scratch/dnsmasq.log" 2>&1 < /dev/null &
  started=$!
  background+=("$started")
}

look_up() { run_sorted_in_both "$1" "$cares_lookup" "${@:2}"; }

answers() {
  timeout "$patience" "$cares_lookup" --server "127.0.0.1:$1" host1.test > "$scratch/answers.log" 2>&1
}
at_some_port serve answers
readonly server=127.0.0.1:$port dnsmasq=$started

case_of 'one name'
look_up 0 --server "$server" host7.test
diff <(grep '^host7.test ' "$scratch/wanted") "$scratch/out" || fail 'the addresses are others'

case_of 'two hundred names at a time, over UDP'
look_up 0 --server "$server" "${names[@]}"
diff "$scratch/wanted" "$scratch/out" || fail 'the addresses are others'

case_of 'and over TCP, on which dnsmasq answers a hundred questions and no more'
look_up 0 --tcp --server "$server" "${names[@]:0:50}"
diff <(grep -E '^host([1-4]?[0-9]|50).test ' "$scratch/wanted") "$scratch/out" || fail 'the addresses are others'

case_of 'a name that there is not; the others are found'
look_up 1 --server "$server" host1.test missing.test host2.test
diff <(grep -E '^host[12].test ' "$scratch/wanted") "$scratch/out" || fail 'the addresses are others'
grep -q '^missing.test: ' "$scratch/said" || fail "it says $(cat "$scratch/said")"

case_of 'a server that refuses'
look_up 1 --tcp --server 127.0.0.1:1 host1.test
grep -q '^host1.test: ' "$scratch/said" || fail "it says $(cat "$scratch/said")"

case_of 'a server that says nothing: the next one is asked in time'
at_some_port serve answers
readonly silent=$port silent_server=$started
kill -STOP "$silent_server"
look_up 0 --server "127.0.0.1:$silent,$server" host1.test host2.test host3.test
diff <(grep -E '^host[123].test ' "$scratch/wanted") "$scratch/out" || fail 'the addresses are others'

case_of 'there is no other: it gives up'
look_up 1 --server "127.0.0.1:$silent" host1.test
grep -q '^host1.test: ' "$scratch/said" || fail "it says $(cat "$scratch/said")"

case_of 'a signal, while it waits'
"$cares_lookup" --server "127.0.0.1:$silent" host1.test > "$scratch/stopped.log" 2> "$scratch/stopped.err" &
stopped=$!
background+=("$stopped")
catches_sigterm() {
  local caught
  [[ /proc/$stopped/exe -ef $cares_lookup ]] || return # is a copy of this shell yet, which catches it too
  caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$stopped/status")
  (( 0x$caught >> 14 & 1 ))
}
wait_until catches_sigterm
kill -TERM "$stopped"
expect_end "$stopped" 1
kill -KILL "$silent_server" "$dnsmasq"

case_of 'bad arguments'
expect_status 2 "$cares_lookup"
expect_status 1 "$cares_lookup" --server nonsense host1.test
expect_status 2 "$cares_lookup" --wrong 1 host1.test
