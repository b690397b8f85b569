#!/usr/bin/env bash
#
# test/echo_independent.sh
# ------------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# echo_server as clients see it that are not of mioext: socat, and what goes wrong on the network.
#
# echo_independent.sh <echo_server>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
readonly server=$1

type socat > /dev/null || fail 'needs socat'
head -c 20M /dev/urandom > "$scratch/data"

case_of 'socat over a Unix socket: half-close, then everything and the end'
start_server unix "$server" "$scratch/socket"
echo_through "UNIX-CONNECT:$scratch/socket"
stop "$started"

case_of 'socat over TCP: half-close, then everything and the end'
start_server tcp "$server" 127.0.0.1 0
echo_through "TCP:$address:$port"

case_of 'IPv6'
if [[ -e /proc/net/if_inet6 ]] && grep -q '^0\{31\}1' /proc/net/if_inet6; then
  tcp_server=$started tcp_address=$address tcp_port=$port
  start_server ipv6 "$server" ::1
  [[ $address == '[::1]' ]] || fail "the address is $address"
  echo_through "TCP6:$address:$port"
  stop "$started"
  started=$tcp_server address=$tcp_address port=$tcp_port
else
  echo 'this system has none'
fi

case_of 'a client that does not read costs one buffer and stalls nobody'
head -c 100M /dev/zero > "$scratch/much"
before=$(memory)
exec {deaf}<> "/dev/tcp/$address/$port"
cat "$scratch/much" 1>&"$deaf" &
sender=$!
background+=("$sender")

# How much of it was read by cat, which stops when what it has written is not taken any more.
position() {
  cat "/proc/$sender/fdinfo/"* 2> /dev/null |
    awk '/^pos:/ && $2 > most { most = $2 } END { print most + 0 }'
}
is_stuck() {
  local previous now
  previous=$(position)
  sleep 0.5
  now=$(position)
  (( previous > 0 && previous == now ))
}
wait_until is_stuck
(( $(position) < 100 * 1024 * 1024 )) || fail 'all of it was taken'
echo_through "TCP:$address:$port"
growth=$(( $(memory) - before ))
echo "the server has grown by $growth kB"
(( growth < 16 * 1024 )) || fail "the server has grown by $growth kB"

case_of 'it reads at last, and gets everything'
timeout "$patience" head -c 100M <&"$deaf" | cmp - "$scratch/much" || fail 'it is not what was sent'
expect_end "$sender" 0
exec {deaf}>&-

case_of 'connections that are reset'
for number in {1..20}; do
  # Closed with unread data: the system sends a reset.
  exec {rude}<> "/dev/tcp/$address/$port"
  echo "$number" >&"$rude"
  IFS= read -r -t "$patience" -N 1 -u "$rude"
  head -c 100000 /dev/zero >&"$rude"
  exec {rude}>&-
done
echo_through "TCP:$address:$port"

# --- No descriptors left (EMFILE)

# The server is the one that did all of the above. UndefinedBehaviorSanitizer opens a pipe when it
# sees a type for the first time, and takes the object for a bad one where there is no descriptor for
# that (compiler-rt, IsAccessibleMemoryRange).

nobody_more_is_served() {
  local line
  ! IFS= read -r -t 2 -u "${clients[59]}" line || fail 'there is no shortage'
}

expect_shortage() {
  wait_until grep -q 'cannot accept' "$scratch/tcp.err"
  expect_idle nobody_more_is_served
}

case_of 'more clients than descriptors: the others wait, and the server does not spin'
prlimit --pid="$started" --nofile=40:
connect_many 60
expect_answers 0 5
expect_shortage

case_of 'some leave, and those who waited are served'
disconnect 0 50
expect_answers 50 60
disconnect 50 60

case_of 'descriptors become free elsewhere, and those who waited are served'
connect_many 60
expect_answers 0 5
expect_shortage
prlimit --pid="$started" --nofile=100:
expect_answers 5 60
stop "$started"
