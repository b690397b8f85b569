#!/usr/bin/env bash
#
# test/dbus_listen.sh
# -------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# dbus_listen, with a bus of its own that ends, is stopped and comes back.
#
# dbus_listen.sh <dbus_listen>
#

# shellcheck source-path=SCRIPTDIR source=program_tests.bash
source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
dbus_listen=$(realpath "$1")
readonly dbus_listen

type dbus-daemon > /dev/null || fail 'needs dbus-daemon'

readonly address=unix:path=$scratch/bus
cat > "$scratch/bus.conf" << END
<busconfig>
  <type>session</type>
  <listen>$address</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
    <allow own="*"/>
  </policy>
</busconfig>
END

# serve: waits until the bus is there; `bus` is its process.
serve() {
  rm -f "$scratch/bus"
  dbus-daemon --config-file="$scratch/bus.conf" --nofork --nopidfile --nosyslog > "$scratch/bus.log" 2>&1 < /dev/null &
  bus=$!
  background+=("$bus")
  say test.Ready yes
}
has_gone() { ! kill -0 "$1" 2> /dev/null; }
say() {
  timeout "$patience" "$dbus_listen" --address "$address" --count $(( $# - 1 )) "$@" > "$scratch/said.log" 2> "$scratch/said.err" ||
    fail "cannot send: $*"
}

# begin_listening <arguments...>: in the background, as `started`.
begin_listening() {
  rm -f "$scratch"/listener.*
  "$dbus_listen" --context "$context" --address "$address" "$@" > "$scratch/listener.log" \
    2> "$scratch/listener.err" < /dev/null &
  started=$!
  background+=("$started")
}
listen() {
  begin_listening "$@"
  wait_until is_listening
}
is_listening() { grep -q '^listening on' "$scratch/listener.log" 2> /dev/null; }

# prints <line...>: these and no others.
prints() { wait_until has_printed "$@"; }
has_printed() { diff <(printf '%s\n' "$@") "$scratch/listener.log" > /dev/null 2>&1; }
says() { wait_until has_said "$1"; }
has_said() { grep -q "$1" "$scratch/listener.err" 2> /dev/null; }
says_nothing() { [[ ! -s $scratch/listener.err ]] || fail 'there are messages'; }

# It may take the bus for a silent one once more, where the machine has much to do.
has_ended_when_told() {
  say test.News hello
  has_gone "$started"
}

long=$(head -c 100000 /dev/zero | tr '\0' x)

serve
for context in io selector; do
  echo "--context $context"
  case_of 'its own signals, and those of others'
  listen --count 3 test.News one two
  say test.News three
  expect_end "$started" 0
  prints 'listening on test.News' 'message: one' 'message: two' 'message: three'
  says_nothing

  case_of 'two thousand signals at once, in their order'
  begin_listening --count 2000 test.News {1..2000}
  expect_end "$started" 0
  prints 'listening on test.News' 'message: '{1..2000}
  says_nothing

  case_of 'more than the socket takes at once'
  begin_listening --count 10 test.News "$long"{,,,,,,,,,}
  expect_end "$started" 0
  prints 'listening on test.News' "message: $long"{,,,,,,,,,}
  says_nothing

  case_of 'the bus is killed, and is there again'
  listen --count 2 test.News before
  prints 'listening on test.News' 'message: before'
  kill -KILL "$bus"
  says '^no connection: the bus has closed it$'
  wait_until has_gone "$bus"
  says '^no connection: Failed to connect'
  serve
  prints 'listening on test.News' 'message: before' 'listening on test.News'
  say test.News after
  expect_end "$started" 0
  prints 'listening on test.News' 'message: before' 'listening on test.News' 'message: after'

  case_of 'it begins while there is no bus, and sends when there is one'
  kill "$bus"
  wait_until has_gone "$bus"
  begin_listening --count 1 test.News hello
  says '^no connection: Failed to connect'
  serve
  expect_end "$started" 0
  prints 'listening on test.News' 'message: hello'

  case_of 'the bus is stopped, and goes on'
  listen --timeout 1 --count 1 test.News
  kill -STOP "$bus"
  says '^no connection: Did not receive a reply'
  expect_idle sleep 2
  kill -CONT "$bus"
  wait_until has_ended_when_told
  expect_end "$started" 0
  [[ $(tail -n 2 "$scratch/listener.log") == $'listening on test.News\nmessage: hello' ]] ||
    fail 'it prints something else'

  case_of 'a signal of the system, with a connection and without'
  listen test.News
  stop "$started" INT
  listen test.News
  kill "$bus"
  says '^no connection: '
  stop "$started"
  wait_until has_gone "$bus"
  serve
done

case_of 'bad arguments'
expect_status 2 "$dbus_listen" --address "$address"
expect_status 2 "$dbus_listen" --address "$address" 'no interface'
expect_status 2 "$dbus_listen" --address "$address" test.News $'\xff'
expect_status 2 "$dbus_listen" --address "$address" --count 0 test.News
expect_status 2 "$dbus_listen" --address '' test.News
expect_status 2 "$dbus_listen" --context other test.News
