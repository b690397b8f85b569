#!/usr/bin/env bash
#
# test/coroutine_client.sh
# ------------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# coroutine_client, in either kind of context, in an exchange with echo_server and with a server of a few
# words.
#
# coroutine_client.sh <coroutine_client> <echo_server>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
readonly client=$1 echo_server=$2

type socat > /dev/null || fail 'needs socat'

# run <status> <arguments...>: in a $context; what it prints goes to $scratch/out, its messages to
# client.err.
run() {
  local status=0
  timeout "$patience" "$client" --context "$context" "${@:2}" > "$scratch/out" \
    2> "$scratch/client.err" || status=$?
  (( status == $1 )) || fail "the status is $status, not $1: ${*:2}"
}

if [[ $("$client" 2>&1) == *'no coroutines'* ]]; then
  echo 'this compiler has none'
  exit
fi

# serve <answer>: to every request; sets `port`.
serve() {
  printf "$1" > "$scratch/answer"
  rm -f "$scratch/socat.err" # of the one before, which names its port
  socat -d -d "TCP-LISTEN:0,bind=127.0.0.1,fork" \
    "SYSTEM:sed /^.\$/q > $scratch/request; cat $scratch/answer" > "$scratch/socat.log" \
    2> "$scratch/socat.err" < /dev/null &
  background+=("$!")
  wait_until grep -qs 'listening on .*:[0-9]' "$scratch/socat.err"
  port=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' "$scratch/socat.err")
}

for context in io selector; do
  case_of "$context: echo, at an address and at a name"
  start_server echo "$echo_server"
  for host in 127.0.0.1 localhost; do
    run 0 "$host" "$port" echo 'hello, world'
    [[ $(cat "$scratch/out") == 'hello, world' ]] || fail "it prints $(cat "$scratch/out")"
  done
  grep -q "^connected to $address:$port$" "$scratch/client.err" ||
    fail "it says $(cat "$scratch/client.err")"
  long=$(head -c 100000 /dev/zero | tr '\0' x)
  run 0 127.0.0.1 "$port" echo "$long"
  [[ $(cat "$scratch/out") == "$long" ]] || fail 'a long text comes back as another'

  case_of "$context: a server that refuses"
  stop "$started"
  run 1 127.0.0.1 "$port" echo hello
  grep -q 'refused' "$scratch/client.err" || fail "it says $(cat "$scratch/client.err")"
  run 1 localhost "$port" echo hello

  case_of "$context: get"
  serve 'HTTP/1.1 200 OK\r\nServer: few words\r\n\r\nthis\nand that'
  run 0 127.0.0.1 "$port" get '/some/path?x=y'
  [[ $(cat "$scratch/out") == $'this\nand that' ]] || fail "it prints $(cat "$scratch/out")"
  [[ $(tr -d '\r' < "$scratch/request") == $'GET /some/path?x=y HTTP/1.0\nHost: 127.0.0.1' ]] ||
    fail "the request is $(cat "$scratch/request")"
  grep -q 'Server: few words' "$scratch/client.err" || fail 'it does not show the header'

  case_of "$context: get what is not there"
  serve 'HTTP/1.1 404 Not Found\r\n\r\nnothing'
  run 1 127.0.0.1 "$port" get /
  [[ $(cat "$scratch/out") == nothing ]] || fail "it prints $(cat "$scratch/out")"

  case_of "$context: an answer that is none"
  serve 'nonsense'
  run 1 127.0.0.1 "$port" get /
  [[ -s $scratch/client.err ]] || fail 'no message'

  case_of "$context: a host that there is not"
  run 1 no-such-host.invalid 1 echo hello
done

case_of 'bad arguments'
expect_status 2 "$client"
expect_status 2 "$client" 127.0.0.1 1 echo
expect_status 2 "$client" 127.0.0.1 1 shout hello
expect_status 2 "$client" 127.0.0.1 1 get '/ HTTP/1.1'
expect_status 2 "$client" 127.0.0.1 1 echo hello more
expect_status 2 "$client" --context
expect_status 2 "$client" --context other 127.0.0.1 1 echo hello
expect_status 2 "$client" --nonsense io 127.0.0.1 1 echo hello
