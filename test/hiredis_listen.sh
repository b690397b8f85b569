#!/usr/bin/env bash
#
# test/hiredis_listen.sh
# ----------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# hiredis_listen, with a Redis server that ends, is stopped and comes back.
#
# hiredis_listen.sh <hiredis_listen>
#

# shellcheck source-path=SCRIPTDIR source=program_tests.bash
source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
hiredis_listen=$(realpath "$1")
readonly hiredis_listen

for tool in redis-cli redis-server; do
  type "$tool" > /dev/null || fail "needs $tool"
done

readonly socket=$scratch/redis.sock

# serve <port>: with nothing on the disk; `started` and `redis` are its process.
serve() {
  redis-server --port "$1" --bind 127.0.0.1 --unixsocket "$socket" --dir "$scratch" --save '' \
    --appendonly no --daemonize no > "$scratch/redis.log" 2>&1 < /dev/null &
  started=$!
  background+=("$started")
  redis=$started
}
answers() { [[ $(redis-cli -p "$1" info server 2> /dev/null) == *"process_id:$redis"* ]]; }
say() { redis-cli -s "$socket" "$@" > /dev/null; }

# serve_again: where the other one was, which ends.
serve_again() {
  local listener=$started
  wait_until has_gone "$redis"
  serve "$port"
  wait_until answers "$port"
  started=$listener
}

has_gone() { ! kill -0 "$1" 2> /dev/null; }

# listen <first line> <arguments...>: in the background, as `started`.
listen() {
  rm -f "$scratch"/listener.*
  start listener "$1" "$hiredis_listen" --context "$context" "${@:2}"
  [[ -z $said ]] || fail "it says '$1$said'"
}

# begin_listening <arguments...>: the same, while it says nothing on its output.
begin_listening() {
  rm -f "$scratch"/listener.*
  "$hiredis_listen" --context "$context" "$@" > "$scratch/listener.log" 2> "$scratch/listener.err" < /dev/null &
  started=$!
  background+=("$started")
}

# prints <line...>: these after the first, and no others.
prints() { wait_until has_printed "$@"; }
has_printed() { diff <(printf '%s\n' "$@") "$scratch/listener.log" > /dev/null 2>&1; }
says() { wait_until has_said "$1"; }
has_said() { grep -q "$1" "$scratch/listener.err" 2> /dev/null; }
says_nothing() { [[ ! -s $scratch/listener.err ]] || fail 'there are messages'; }

asked_again() { redis-cli -s "$socket" info commandstats | grep -q '^cmdstat_subscribe:calls=[2-9]'; }

# It may take the server for a silent one once more, where the machine has much to do.
has_ended_when_told() {
  say publish news hello
  ! kill -0 "$started" 2> /dev/null
}

increments=()
for (( number = 1; number != 5001; ++number )); do
  increments+=('incr number')
done
long=$(head -c 100000 /dev/zero | tr '\0' x)

at_some_port serve answers
for context in io selector; do
  echo "--context $context"
  case_of 'a pipeline of commands, and a message'
  say flushall
  listen 0 --socket "$socket" --count 1 news 'del list' 'rpush list one two' 'lrange list 0 -1' 'get it' ping
  prints 2 one two '(nil)' PONG 'listening on news'
  say publish news hello
  expect_end "$started" 0
  prints 2 one two '(nil)' PONG 'listening on news' 'message: hello'
  says_nothing

  case_of 'five thousand commands at once, and as many messages, in their order'
  listen 1 --socket "$socket" --count 5000 news "${increments[@]}"
  prints {2..5000} 'listening on news'
  say eval 'for n = 1, 5000 do redis.call("publish", "news", n) end' 0
  expect_end "$started" 0
  prints {2..5000} 'listening on news' 'message: '{1..5000}
  says_nothing

  case_of 'more than the socket takes at once, over TCP'
  listen PONG --server "127.0.0.1:$port" news ping "echo $long"{,,,,,,,,,}
  prints "$long"{,,,,,,,,,} 'listening on news'
  stop "$started"
  says_nothing

  case_of 'a command that fails'
  listen OK --socket "$socket" --count 1 news 'set it 1' 'lrange it 0 1' ping
  prints 'WRONGTYPE Operation against a key holding the wrong kind of value' PONG 'listening on news'
  say publish news hello
  expect_end "$started" 1
  says_nothing

  case_of 'the server is killed, and is there again'
  listen 'listening on news' --socket "$socket" --count 2 news
  say publish news before
  prints 'message: before'
  kill -KILL "$redis"
  says '^no connection: '
  serve_again
  prints 'message: before' 'listening on news'
  say publish news after
  expect_end "$started" 0
  prints 'message: before' 'listening on news' 'message: after'

  case_of 'the same over TCP, with a command that no server answers: it is not sent again'
  begin_listening --server "127.0.0.1:$port" news 'shutdown nosave'
  says '^no connection: Connection refused$'
  serve_again
  prints 'listening on news'
  answers "$port" || fail 'the server has ended again'
  kill "$started"
  expect_end "$started" 1

  case_of 'the server is stopped, and goes on'
  listen 'listening on news' --socket "$socket" --timeout 1 --count 1 news
  kill -STOP "$redis"
  says '^no connection: the server says nothing$'
  expect_idle sleep 2
  kill -CONT "$redis"
  wait_until has_ended_when_told
  expect_end "$started" 0
  [[ $(tail -n 2 "$scratch/listener.log") == $'listening on news\nmessage: hello' ]] || fail 'it prints something else'

  case_of 'a server that has nothing to say is asked whether it is there, and is'
  say config resetstat
  listen 'listening on news' --socket "$socket" --timeout 2 --count 1 news
  wait_until asked_again
  say publish news hello
  expect_end "$started" 0
  prints 'message: hello'
  says_nothing

  case_of 'no server there; and a signal'
  begin_listening --socket "$scratch/none" news
  says '^no connection: No such file'
  stop "$started" INT
done

case_of 'bad arguments'
expect_status 2 "$hiredis_listen"
expect_status 2 "$hiredis_listen" --count 0 news
expect_status 2 "$hiredis_listen" --server 127.0.0.1 news
expect_status 2 "$hiredis_listen" --server 127.0.0.1: news
expect_status 2 "$hiredis_listen" --context other news
