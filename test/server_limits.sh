#!/usr/bin/env bash
#
# test/server_limits.sh
# ---------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# What nobody may do to the example servers: be let in from elsewhere unasked, take all connections,
# stay for ever without a word.
#
# server_limits.sh <chat_server> <echo_cores> <echo_server> <tcp_proxy>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
for program in "$@"; do # in whichever order
  case ${program##*/} in
    chat_server) readonly chat_server=$program ;;
    echo_cores) readonly echo_cores=$program ;;
    echo_server) readonly echo_server=$program ;;
    tcp_proxy) readonly proxy=$program ;;
  esac
done

type socat > /dev/null || fail 'needs socat'

# connect <name> <socat address>: a client whose words are written to ${to[name]}, and what it gets is
# read from ${from[name]}.
declare -A to from
connect() {
  local in out
  mkfifo "$scratch/$1.in" "$scratch/$1.out"
  (
    # Not for this one: those of the others. Or they would not end when this script closes them.
    for fd in "${to[@]}" "${from[@]}"; do
      exec {fd}>&-
    done
    exec socat -t 0.1 - "$2" < "$scratch/$1.in" > "$scratch/$1.out" 2> "$scratch/$1.socat"
  ) &
  background+=("$!")
  exec {in}> "$scratch/$1.in" {out}< "$scratch/$1.out"
  rm "$scratch/$1.in" "$scratch/$1.out"
  to[$1]=$in from[$1]=$out
}

leave() {
  local in=${to[$1]} out=${from[$1]}
  exec {in}>&- {out}<&-
  unset "to[$1]" "from[$1]"
}

leave_all() {
  local name
  for name in "${!to[@]}"; do
    leave "$name"
  done
}

say() { echo "$2" >&"${to[$1]}"; }

# is_served <name>: what it says comes back.
is_served() {
  local line=
  say "$1" "hello from $1"
  IFS= read -r -t "$patience" -u "${from[$1]}" line || fail "$1 is not served"
  [[ $line == "hello from $1" ]] || fail "$1 gets '$line'"
}

# is_closed <name>: the server has closed it, without a word.
is_closed() {
  local line status=0
  IFS= read -r -t "$patience" -u "${from[$1]}" line || status=$?
  (( status > 0 && status < 128 )) || fail "$1 is not closed: $status '$line'"
}

# listens_on_loopback: as the system sees it, which may list a socket twice while others come and go.
listens_on_loopback() {
  local addresses
  addresses=$(awk -v port="$(printf '%04X' "$port")" '
    $4 == "0A" && $2 ~ ":" port "$" { print $2 }' /proc/net/tcp /proc/net/tcp6 2> /dev/null | sort -u)
  [[ $addresses == "0100007F:$(printf '%04X' "$port")" ]] || fail "listens on $addresses"
}

# keeps_its_limits <server's command...>: an echo, of its own or somebody's behind it. Its limits: three
# connections, two of them for an address.
keeps_its_limits() {
  leave_all
  start_server limited "$@"
  listens_on_loopback
  connect one "TCP:$address:$port,bind=127.0.0.1"
  is_served one
  connect two "TCP:$address:$port,bind=127.0.0.1"
  is_served two

  connect three "TCP:$address:$port,bind=127.0.0.1"
  is_closed three
  is_served one

  # Another address may; and then there are as many as may be.
  connect four "TCP:$address:$port,bind=127.0.0.2"
  is_served four
  connect five "TCP:$address:$port,bind=127.0.0.3"
  say five waiting
  local line status=0
  IFS= read -r -t 0.5 -u "${from[five]}" line || status=$?
  (( status > 128 )) || fail "the fourth connection is not left waiting: $status '$line'"
  leave two
  IFS= read -r -t "$patience" -u "${from[five]}" line || fail 'who waited is not served'
  [[ $line == waiting ]]

  # Who left has left a place.
  leave four
  leave five
  connect six "TCP:$address:$port,bind=127.0.0.1"
  is_served six
  stop "$started"
}

case_of 'echo_server: so many connections, and so many for an address'
keeps_its_limits "$echo_server" --connections 3 --per-address 2

# Each of its threads has these limits, so here there is one.
case_of 'echo_cores: so many connections, and so many for an address'
keeps_its_limits "$echo_cores" --threads 1 --connections 3 --per-address 2

for server in "$echo_server" "$echo_cores"; do
  case_of "${server##*/}: who is silent for too long is sent away, and nobody else"
  leave_all
  start_server idle "$server" --idle 3
  connect silent "TCP:$address:$port"
  connect talking "TCP:$address:$port"
  for number in {1..20}; do
    is_served talking
    sleep 0.2
  done
  is_closed silent
  is_served talking
  stop "$started"

  case_of "${server##*/}: who does not read for too long is sent away"
  start_server deaf "$server" --idle 2
  exec {deaf}<> "/dev/tcp/$address/$port"
  cat /dev/zero 1>&"$deaf" 2> /dev/null &
  sender=$!
  background+=("$sender")
  expect_end "$sender" 1
  exec {deaf}>&-
  stop "$started"
done

case_of 'echo_server: only this user may use its Unix socket'
start_server unix "$echo_server" --per-address 2 "$scratch/socket"
[[ $(stat -c %A "$scratch/socket") == srwx------ ]] || fail "$(stat -c %A "$scratch/socket")"
connect first "UNIX-CONNECT:$scratch/socket"
connect second "UNIX-CONNECT:$scratch/socket"
is_served first
is_served second
connect third "UNIX-CONNECT:$scratch/socket"
is_closed third
stop "$started"

start_server behind "$echo_server"
behind=$started behind_port=$port
for alone in '' --alone; do
  case_of "tcp_proxy $alone: so many connections, and so many for an address"
  keeps_its_limits "$proxy" $alone --connections 3 --per-address 2 127.0.0.1:0 \
    "127.0.0.1:$behind_port"

  case_of "tcp_proxy $alone: what is silent for too long is ended, and nothing else"
  start_server idle "$proxy" $alone --idle 3 127.0.0.1:0 "127.0.0.1:$behind_port"
  connect silent "TCP:$address:$port"
  is_served silent
  connect talking "TCP:$address:$port"
  for number in {1..20}; do
    is_served talking
    sleep 0.2
  done
  is_closed silent
  is_served talking
  stop "$started"
done
case_of 'tcp_proxy: only this user may use its Unix socket'
start_server unix "$proxy" "unix:$scratch/proxy" "127.0.0.1:$behind_port"
[[ $(stat -c %A "$scratch/proxy") == srwx------ ]] || fail "$(stat -c %A "$scratch/proxy")"
stop "$started"
stop "$behind"

case_of 'chat_server: an address has a hundred connections, and not one more'
start_server chat "$chat_server"
listens_on_loopback
clients=()
for number in {1..100}; do
  exec {client}<> "/dev/tcp/$address/$port"
  clients+=("$client")
done
# It has joined when somebody hears of it.
IFS= read -r -t "$patience" -u "${clients[98]}" line
[[ $line == '* client-99 joined' || $line == '* client-100 joined' ]] || fail "there is '$line'"
exec {client}<> "/dev/tcp/$address/$port"
IFS= read -r -t "$patience" -u "$client" line || fail 'no word'
[[ $line == '* the server is full' ]] || fail "there is '$line'"
exec {client}>&-
connect elsewhere "TCP:$address:$port,bind=127.0.0.2"
IFS= read -r -t "$patience" -u "${from[elsewhere]}" line || fail 'another address is not let in'
[[ $line == '* client-101 joined' ]] || fail "there is '$line'"
stop "$started"

case_of 'bad arguments'
for server in "$echo_server" "$echo_cores" "$proxy"; do
  for option in --idle --connections --per-address; do
    expect_status 2 "$server" "$option"
    expect_status 2 "$server" "$option" 0 127.0.0.1:0 127.0.0.1:1
    expect_status 2 "$server" "$option" nonsense 127.0.0.1:0 127.0.0.1:1
  done
  expect_status 2 "$server" --nonsense 1 127.0.0.1:0 127.0.0.1:1
done
