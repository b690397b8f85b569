#!/usr/bin/env bash
#
# test/echo_cores.sh
# ------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# echo_cores: its threads share the clients of one port, and end together. (server_limits.sh has the
# limits of one of them.)
#
# echo_cores.sh <echo_cores>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
readonly server=$1

type socat > /dev/null || fail 'needs socat'
head -c 20M /dev/urandom > "$scratch/data"

# listeners: how many sockets listen on the port, as the system sees it.
listeners() {
  awk -v port=":$(printf '%04X' "$port")" '
    $4 == "0A" && index($2, port) && !seen[$10]++ { ++count } END { print count + 0 }' /proc/net/tcp
}

# waits: how often each thread of the server has waited for something, a line for each.
waits() { awk '/^voluntary_ctxt_switches/ { print FILENAME, $2 }' /proc/"$started"/task/*/status; }

case_of 'each thread listens on the port, and gets its share of the clients'
start_server shared "$server" --threads 4
[[ $address == 127.0.0.1 ]] || fail "listens on $address"
(( $(listeners) == 4 )) || fail "$(listeners) sockets listen"
# With the one that waits for signals. (ThreadSanitizer has one of its own.)
(( $(waits | wc -l) == 5 )) || grep -q __tsan_init "$server" || fail "there are other threads: $(waits)"
waits > "$scratch/before"
connect_many 64
expect_answers 0 64
waits > "$scratch/after"
busy=$(comm -13 "$scratch/before" "$scratch/after" | wc -l)
(( busy >= 4 )) || fail "$busy threads have done something"

case_of 'much, half-closed, to several of them'
for number in {1..4}; do
  echo_through "TCP:$address:$port"
done

case_of 'a port that is taken is not shared with another program'
expect_status 1 "$server" "$address" "$port"
grep -q 'in use' "$scratch/expected.err" || fail 'it does not say why'

case_of 'SIGTERM ends all of them, also in the middle of something'
exec {deaf}<> "/dev/tcp/$address/$port"
head -c 50M /dev/zero 1>&"$deaf" 2> /dev/null &
sender=$!
background+=("$sender")
stop "$started"
for client in "${clients[@]}"; do
  ! IFS= read -r -t "$patience" -u "$client" line || fail "a client gets '$line'"
done
wait "$sender" || true # which was told, or was sent a signal
exec {deaf}>&-
disconnect 0 "${#clients[@]}"

case_of 'SIGINT does, too, and the port that was given is free afterwards'
start_server given "$server" --threads 2 127.0.0.1 "$port"
connect_many 8
expect_answers 0 8
stop "$started" INT
disconnect 0 "${#clients[@]}"
start_server again "$server" 127.0.0.1 "$port"
echo_through "TCP:$address:$port"
stop "$started"

case_of 'IPv6'
if [[ -e /proc/net/if_inet6 ]] && grep -q '^0\{31\}1' /proc/net/if_inet6; then
  start_server ipv6 "$server" --threads 2 ::1
  [[ $address == '[::1]' ]] || fail "the address is $address"
  echo_through "TCP6:$address:$port"
  stop "$started"
else
  echo 'this system has none'
fi

case_of 'more clients than descriptors: the others wait, and the server does not spin'
start_server poor "$server" --threads 2
connect_many 8 # what is done only once is done, before nothing can be opened any more
expect_answers 0 8
disconnect 0 "${#clients[@]}"
prlimit --pid="$started" --nofile=40:
connect_many 60
wait_until grep -q 'cannot accept' "$scratch/poor.err"
expect_idle sleep 2

case_of 'descriptors become free, and those who waited are served'
prlimit --pid="$started" --nofile=200:
expect_answers 0 60
disconnect 0 "${#clients[@]}"
stop "$started"
(( $(grep -c 'cannot accept' "$scratch/poor.err") <= 2 )) || fail 'it complains again and again'

case_of 'bad arguments'
expect_status 2 "$server" --threads
expect_status 2 "$server" --threads 0
expect_status 2 "$server" --threads nonsense
expect_status 2 "$server" --nonsense 1
expect_status 2 "$server" nonsense
expect_status 2 "$server" 127.0.0.1 65536
expect_status 2 "$server" 127.0.0.1 0 more
expect_status 1 "$server" 192.0.2.1
