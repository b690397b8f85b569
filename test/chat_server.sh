#!/usr/bin/env bash
#
# test/chat_server.sh
# -------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# chat_server as a program: who is told what, who is dropped, and how it ends.
#
# chat_server.sh <chat_server>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
readonly server=$1

# join <variable>: connects a client to the server; the variable is its descriptor.
join() {
  local -n joined=$1
  exec {joined}<> "/dev/tcp/$address/$port"
}

# expect <client> <line>: this is the next line that the client gets.
expect() {
  local line=
  IFS= read -r -t "$patience" -u "$1" line || fail "there is no '$2'"
  [[ $line == "$2" ]] || fail "there is '$line', not '$2'"
}

# expect_closed <client>: the server has closed the connection; what came before does not matter.
expect_closed() {
  timeout "$patience" cat <&"$1" > "$scratch/rest" 2> "$scratch/rest.err" ||
    grep -q 'reset by peer' "$scratch/rest.err" || fail 'the connection is still there'
}

# What the operator types.
mkfifo "$scratch/operator"
exec {operator}<> "$scratch/operator"

case_of 'what one sends all others get, and only they'
input=$scratch/operator
start_server chat "$server"
readonly chat=$started
join ann
expect "$ann" '* client-1 joined'
join bob
expect "$ann" '* client-2 joined'
expect "$bob" '* client-2 joined'
echo 'hello' >&"$ann"
expect "$bob" 'client-1: hello'
printf 'how are ' >&"$bob"
printf 'you?\r\n\nwell\n' >&"$bob"
expect "$ann" 'client-2: how are you?'
expect "$ann" 'client-2: '
expect "$ann" 'client-2: well'

case_of 'what the operator says all get'
echo 'good evening' >&"$operator"
expect "$ann" 'operator: good evening'
expect "$bob" 'operator: good evening'

case_of 'a terminal is not sent commands'
printf 'red \e[31m and bell \a\n' >&"$ann"
expect "$bob" 'client-1: red ?[31m and bell ?'

case_of 'who leaves is missed'
join eve
expect "$ann" '* client-3 joined'
expect "$bob" '* client-3 joined'
expect "$eve" '* client-3 joined'
exec {eve}>&-
expect "$ann" '* client-3 left'
expect "$bob" '* client-3 left'

case_of 'too long a line'
join long
expect "$ann" '* client-4 joined'
expect "$bob" '* client-4 joined'
head -c 1000 /dev/zero | tr '\0' x >&"$long"
echo >&"$long"
expect "$ann" "client-4: $(head -c 1000 /dev/zero | tr '\0' x)"
head -c 1001 /dev/zero | tr '\0' x >&"$long"
expect "$ann" '* client-4 sent too long a line'
expect_closed "$long"
exec {long}>&-
expect "$bob" "client-4: $(head -c 1000 /dev/zero | tr '\0' x)"
expect "$bob" '* client-4 sent too long a line'

case_of 'who does not read is dropped, and stalls nobody'
join deaf
expect "$ann" '* client-5 joined'
expect "$bob" '* client-5 joined'
text=$(head -c 900 /dev/zero | tr '\0' x)
page=$(for number in {1..40}; do echo "$text"; done)
# Bob reads each page before the next is sent: so he is never behind by more than the server keeps.
dropped=no
for (( pages = 0; pages != 2000; ++pages )); do
  printf '%s\nend of page\n' "$page" >&"$ann"
  while IFS= read -r -t "$patience" -u "$bob" line || fail 'bob is not served'; do
    if [[ $line == '* client-5 was dropped because it does not read' ]]; then
      dropped=yes
    elif [[ $line == 'client-1: end of page' ]]; then
      break
    else
      [[ $line == "client-1: $text" ]] || fail "bob gets '$line'"
    fi
  done
  [[ $dropped == no ]] || break
done
[[ $dropped == yes ]] || fail 'it is not dropped'
echo "dropped in page $pages"
expect "$ann" '* client-5 was dropped because it does not read'
expect_closed "$deaf"
exec {deaf}>&-

case_of 'bad arguments'
expect_status 2 "$server" nonsense
expect_status 2 "$server" 127.0.0.1 nonsense
expect_status 2 "$server" 127.0.0.1 0 more
expect_status 2 "$server" --idle
expect_status 2 "$server" --idle nonsense
expect_status 2 "$server" --idle -1

case_of 'an address that is taken'
expect_status 1 "$server" "$address" "$port"

case_of 'SIGTERM ends the server, while the operator types nothing'
stop "$chat"
expect "$ann" '* the server is going down'
expect "$bob" '* the server is going down'
expect_closed "$ann"
expect_closed "$bob"
exec {ann}>&- {bob}>&-
grep -qx 'client-1: hello' "$scratch/chat.log" || fail 'the operator does not see what is said'

case_of 'SIGINT ends it as well'
start_server interrupted "$server"
stop "$started" INT

case_of 'the operator ends it'
start_server quit "$server"
join ann
expect "$ann" '* client-1 joined'
printf 'closing time\n/quit\n' >&"$operator"
expect "$ann" 'operator: closing time'
expect "$ann" '* the server is going down'
expect_end "$started" 0
exec {ann}>&-

case_of 'those who come in a crowd do not keep those who are here waiting until all are in'
input=/dev/null
start_server crowded "$server"
join ann
expect "$ann" '* client-1 joined'
join bob
expect "$ann" '* client-2 joined'
# When it goes on, both are there for it: the crowd, which came first, and what Ann says.
kill -STOP "$started"
crowd=()
for number in {3..62}; do
  join one
  crowd+=("$one")
done
echo 'hello' >&"$ann"
kill -CONT "$started"
heard=
for number in {2..61}; do
  IFS= read -r -t "$patience" -u "$bob" line || fail 'bob is not served'
  if [[ $line == 'client-1: hello' ]]; then
    heard=$number
    break
  fi
done
[[ -n $heard ]] || fail 'bob hears nothing before all are in'
for one in "${crowd[@]}"; do
  exec {one}>&-
done
exec {ann}>&- {bob}>&-
stop "$started"

case_of 'the operator is a file'
printf 'good morning\n/quit\n' > "$scratch/script"
input=$scratch/script
start_server scripted "$server"
expect_end "$started" 0
wait_until grep -qx 'operator: good morning' "$scratch/scripted.log"

case_of 'there is no operator'
input=/dev/null
start_server alone "$server" --idle 2

case_of 'who is silent for too long is dropped, who is not stays'
join ann
expect "$ann" '* client-1 joined'
join bob
expect "$ann" '* client-2 joined'
line= part=
while [[ $line != '* client-2 was idle for too long' ]]; do
  echo 'still here' >&"$ann"
  # When its time is up, read has taken what there was of the line.
  IFS= read -r -t 0.1 -u "$ann" part || (( $? > 128 )) || fail 'ann is gone'
  line+=$part
done
expect_closed "$bob"
exec {ann}>&- {bob}>&-
stop "$started"
