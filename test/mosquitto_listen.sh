#!/usr/bin/env bash
#
# test/mosquitto_listen.sh
# ------------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# mosquitto_listen, with a broker that ends, is stopped and comes back.
#
# mosquitto_listen.sh <mosquitto_listen>
#

# shellcheck source-path=SCRIPTDIR source=program_tests.bash
source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
mosquitto_listen=$(realpath "$1")
readonly mosquitto_listen
PATH=$PATH:/usr/sbin

type mosquitto > /dev/null || fail 'needs mosquitto'

# serve <port>: `started` and `broker` are its process.
serve() {
  {
    if (( EUID == 0 )); then
      echo 'user root' # or it could not read its configuration in $scratch
    fi
    printf '%s\n' "listener $1 127.0.0.1" 'allow_anonymous true' 'max_queued_messages 0'
  } > "$scratch/mosquitto.conf"
  mosquitto -c "$scratch/mosquitto.conf" > "$scratch/mosquitto.log" 2>&1 < /dev/null &
  started=$!
  background+=("$started")
  broker=$started
}
answers() {
  timeout "$patience" "$mosquitto_listen" --server "127.0.0.1:$1" --count 1 test/answers yes > "$scratch/answers.log" 2>&1 &&
    kill -0 "$broker"
}
say() {
  timeout "$patience" "$mosquitto_listen" --server "127.0.0.1:$port" --count $(( $# - 1 )) "$@" > "$scratch/said.log" 2> "$scratch/said.err" ||
    fail "cannot publish: $*"
}

# serve_again: where the other one was, which ends.
serve_again() {
  local listener=$started
  wait_until has_gone "$broker"
  serve "$port"
  started=$listener
}

has_gone() { ! kill -0 "$1" 2> /dev/null; }

# listen <arguments...>: in the background, as `started`.
listen() {
  begin_listening "$@"
  wait_until is_listening
}
is_listening() { grep -q '^listening on' "$scratch/listener.log" 2> /dev/null; }
# begin_listening <arguments...>: the same, while there is no broker.
begin_listening() {
  rm -f "$scratch"/listener.*
  "$mosquitto_listen" --context "$context" --server "127.0.0.1:$port" "$@" > "$scratch/listener.log" \
    2> "$scratch/listener.err" < /dev/null &
  started=$!
  background+=("$started")
}

# prints <line...>: these and no others.
prints() { wait_until has_printed "$@"; }
has_printed() { diff <(printf '%s\n' "$@") "$scratch/listener.log" > /dev/null 2>&1; }
says() { wait_until has_said "$1"; }
has_said() { grep -q "$1" "$scratch/listener.err" 2> /dev/null; }
says_nothing() { [[ ! -s $scratch/listener.err ]] || fail 'there are messages'; }

long=$(head -c 100000 /dev/zero | tr '\0' x)

at_some_port serve answers
for context in io selector; do
  echo "--context $context"
  case_of 'its own messages, and those of others'
  listen --count 3 news/here one two
  say news/here three
  expect_end "$started" 0
  prints 'listening on news/here' 'news/here: one' 'news/here: two' 'news/here: three'
  says_nothing

  case_of 'two thousand messages at once, in their order'
  begin_listening --count 2000 news/here {1..2000}
  expect_end "$started" 0
  prints 'listening on news/here' 'news/here: '{1..2000}
  says_nothing

  case_of 'more than the socket takes at once'
  begin_listening --count 10 news/here "$long"{,,,,,,,,,}
  expect_end "$started" 0
  prints 'listening on news/here' "news/here: $long"{,,,,,,,,,}
  says_nothing

  case_of 'the broker is killed, and is there again'
  listen --count 2 news/here before
  prints 'listening on news/here' 'news/here: before'
  kill -KILL "$broker"
  says '^no connection: .'
  serve_again
  prints 'listening on news/here' 'news/here: before' 'listening on news/here'
  say news/here after
  expect_end "$started" 0
  prints 'listening on news/here' 'news/here: before' 'listening on news/here' 'news/here: after'

  case_of 'it begins while there is no broker, and publishes when there is one'
  kill "$broker"
  wait_until has_gone "$broker"
  begin_listening --count 1 news/here hello
  says '^no connection: Connection refused'
  serve_again
  expect_end "$started" 0
  prints 'listening on news/here' 'news/here: hello'

  case_of 'a signal, with a connection and without'
  listen news/here
  stop "$started" INT
  listen news/here
  kill "$broker"
  says '^no connection: .'
  stop "$started"
  serve_again
  answers "$port" || fail 'the broker does not answer' # or who comes next would say that there is none
done

# Both at a time, because libmosquitto is patient for ten seconds.
case_of 'the broker is stopped, and goes on'
listeners=()
for context in io selector; do
  start "$context" 'listening on ' "$mosquitto_listen" --context "$context" --server "127.0.0.1:$port" --count 1 news/here
  listeners+=("$started")
done
kill -STOP "$broker"
for context in io selector; do
  wait_until grep -q '^no connection: ' "$scratch/$context.err"
done
kill -CONT "$broker"
for context in io selector; do
  wait_until grep -q '^listening on' "$scratch/$context.log"
done
say news/here hello
for context in io selector; do
  wait_until grep -q '^news/here: hello$' "$scratch/$context.log"
done
expect_end "${listeners[0]}" 0
expect_end "${listeners[1]}" 0

case_of 'bad arguments'
expect_status 2 "$mosquitto_listen"
expect_status 2 "$mosquitto_listen" --count 0 news
expect_status 2 "$mosquitto_listen" --server 127.0.0.1 news
expect_status 2 "$mosquitto_listen" --context other news
