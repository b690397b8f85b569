#!/usr/bin/env bash
#
# test/echo_programs.sh
# ---------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# echo_server and echo_client, as programs: all the bytes, in both directions, and how they end.
#
# echo_programs.sh <echo_client> <echo_server>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
readonly client=$1 server=$2

readonly data=$scratch/data
head -c 100M /dev/urandom > "$data"
checksum=$(sha256sum < "$data")
readonly checksum

expect_checksum() {
  [[ $1 == "$checksum" ]] || fail 'what came back is not what was sent'
}

case_of '100 MB over TCP, from a file to a pipe'
start_server tcp "$server"
readonly tcp_server=$started tcp_address=$address tcp_port=$port
expect_checksum "$(timeout 300 "$client" "$address" "$port" < "$data" | sha256sum)"

case_of '100 MB over a Unix socket, from a pipe to a file'
readonly path=$scratch/socket
start_server unix "$server" "$path"
readonly unix_server=$started
[[ $said == "$path" ]] || fail "listens on $said"
cat "$data" | timeout 300 "$client" "$path" > "$scratch/out"
expect_checksum "$(sha256sum < "$scratch/out")"

case_of 'a socket is for its user only'
[[ $(stat -c %A "$path") == srwx------ ]] || fail "it is $(stat -c %A "$path")"

case_of 'nothing is sent, nothing comes back'
timeout "$patience" "$client" "$tcp_address" "$tcp_port" < /dev/null > "$scratch/out"
[[ ! -s $scratch/out ]] || fail 'something came back'

case_of 'who reads the output slowly gets all of it'
small=$(head -c 20M "$data" | sha256sum)
slow=$(head -c 20M "$data" | timeout 300 "$client" "$path" |
  while dd bs=1M count=1 iflag=fullblock status=none | tee "$scratch/chunk" &&
    [[ -s $scratch/chunk ]]; do sleep 0.01; done | sha256sum)
[[ $slow == "$small" ]] || fail 'what came back is not what was sent'

# talk <command...>: starts a client that a user types to. Then `talking` is its process, `keyboard`
# and `screen` are the other ends of its input and output.
talk() {
  rm -f "$scratch/keyboard" "$scratch/screen"
  mkfifo "$scratch/keyboard" "$scratch/screen"
  timeout 300 "$@" < "$scratch/keyboard" > "$scratch/screen" 2> "$scratch/talk.err" &
  talking=$!
  background+=("$talking")
  exec {keyboard}> "$scratch/keyboard" {screen}< "$scratch/screen"
}

expect_echo() {
  local line=
  echo "$1" >&"$keyboard"
  IFS= read -r -t "$patience" -u "$screen" line || fail "'$1' does not come back"
  [[ $line == "$1" ]] || fail "'$line' comes back, not '$1'"
}

case_of 'what is typed comes back before the end of the input'
talk "$client" "$tcp_address" "$tcp_port"
expect_echo one
expect_echo two
exec {keyboard}>&- {screen}<&-
expect_end "$talking" 0

case_of 'several clients at the same time'
clients=()
for number in {1..8}; do
  head -c "${number}M" "$data" > "$scratch/part-$number"
  timeout 300 "$client" "$tcp_address" "$tcp_port" \
    < "$scratch/part-$number" > "$scratch/back-$number" &
  clients+=("$!")
  timeout 300 "$client" "$path" < "$scratch/part-$number" > "$scratch/unix-back-$number" &
  clients+=("$!")
done
background+=("${clients[@]}")
for process in "${clients[@]}"; do
  expect_end "$process" 0
done
for number in {1..8}; do
  cmp "$scratch/part-$number" "$scratch/back-$number" || fail "client $number over TCP"
  cmp "$scratch/part-$number" "$scratch/unix-back-$number" || fail "client $number over Unix"
done

case_of 'bad arguments'
expect_status 2 "$server" nonsense
expect_status 2 "$server" 127.0.0.1 nonsense
expect_status 2 "$server" 127.0.0.1 65536
expect_status 2 "$server" 127.0.0.1 -1
expect_status 2 "$server" 127.0.0.1 ''
expect_status 2 "$server" 127.0.0.1 0 more
expect_status 2 "$server" "$scratch/other" more
expect_status 2 "$client"
expect_status 2 "$client" 127.0.0.1
expect_status 2 "$client" 127.0.0.1 nonsense
expect_status 2 "$client" 127.0.0.1 0
expect_status 2 "$client" nonsense 1
expect_status 2 "$client" "$scratch/other" more arguments

case_of 'an address that is taken'
expect_status 1 "$server" "$tcp_address" "$tcp_port"
expect_status 1 "$server" "$path"
[[ $(echo still here | timeout "$patience" "$client" "$path") == 'still here' ]]

case_of 'a path that is no socket is left alone'
echo precious > "$scratch/precious"
ln -s precious "$scratch/link"
expect_status 1 "$server" "$scratch/precious"
expect_status 1 "$server" "$scratch/link"
expect_status 1 "$server" "$scratch/no/such/directory"
[[ $(cat "$scratch/precious") == precious && -L $scratch/link ]]
expect_status 1 "$client" "$scratch/precious"
expect_status 1 "$client" "$scratch/nothing"

case_of 'a client whose server ends before its input says so'
talk "$client" "$path"
expect_echo one
stop "$unix_server"
expect_end "$talking" 1
exec {keyboard}>&- {screen}<&-
[[ -s $scratch/talk.err ]] || fail 'no message'

case_of 'SIGTERM ends the server, and removes its path'
[[ ! -e $path ]] || fail 'the path is still there'
expect_status 1 "$client" "$path"

case_of 'SIGINT ends the server'
stop "$tcp_server" INT
expect_status 1 "$client" "$tcp_address" "$tcp_port"
grep -q 'Connection refused' "$scratch/expected.err" || fail 'does not say that it was refused'

case_of 'a socket that was left behind is replaced'
start_server killed "$server" "$path"
kill -KILL "$started"
wait "$started" 2> /dev/null || true
[[ -S $path ]]
expect_status 1 "$client" "$path"
grep -q 'Connection refused' "$scratch/expected.err" || fail 'does not say that it was refused'
start_server next "$server" "$path"
[[ $(echo here again | timeout "$patience" "$client" "$path") == 'here again' ]]

case_of 'a path that is no longer its own is left alone'
rm "$path"
echo mine > "$path"
stop "$started"
[[ $(cat "$path") == mine ]]
