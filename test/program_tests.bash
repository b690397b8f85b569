#!/usr/bin/env bash
#
# test/program_tests.bash
# -----------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# What the tests of whole programs share; to be sourced. Each test is bounded as a whole by the
# Jamfile's timeout, which ends the processes in the background too.
#

set -eEuo pipefail
export LC_ALL=C

# How long something may take that takes no time, on a machine that is busy with other things.
readonly patience=60

scratch=$(mktemp -d)
readonly scratch
background=()

clean_up() {
  local status=$?
  trap - EXIT
  if (( status != 0 )); then
    # What the programs said helps to see why.
    local file
    for file in "$scratch"/*.log "$scratch"/*.err; do
      if [[ -s $file ]]; then
        printf '%s:\n' "${file##*/}" >&2
        tail -n 20 "$file" >&2
      fi
    done
  fi
  if (( ${#background[@]} )); then
    kill -KILL "${background[@]}" 2> /dev/null || true
    wait "${background[@]}" 2> /dev/null || true
  fi
  rm -rf "$scratch"
  exit "$status"
}
trap clean_up EXIT
trap 'exit 1' TERM INT

current_case='before the first case'

# case_of <name>: the following is about this.
case_of() {
  current_case=$1
  printf '%s\n' "$current_case"
}

fail() {
  printf 'FAILED: %s: %s\n' "$current_case" "$*" >&2
  exit 1
}
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR

# start <name> <first words of its first line> <command...>: runs the command in the background and
# waits for that line. Then `started` is its process, `said` is the rest of the line. What else it
# says goes to $scratch/<name>.log and .err. Its standard input is the file or fifo $input.
input=/dev/null
start() {
  local name=$1 expected=$2 fd line=
  shift 2
  rm -f "$scratch/$name.fifo"
  mkfifo "$scratch/$name.fifo"
  "$@" < "$input" > "$scratch/$name.fifo" 2> "$scratch/$name.err" &
  started=$!
  background+=("$started")
  exec {fd}< "$scratch/$name.fifo"
  IFS= read -r -t "$patience" -u "$fd" line || fail "$name says nothing"
  [[ $line == "$expected"* ]] || fail "$name says '$line', not '$expected...'"
  said=${line#"$expected"}
  cat <&"$fd" > "$scratch/$name.log" &
  background+=("$!")
  exec {fd}<&-
}

# start_server <name> <command...>: the same for a server; sets `address` and `port` if it is TCP.
start_server() {
  start "$1" 'listening on ' "${@:2}"
  address=${said%:*}
  port=${said##*:}
}

# expect_end <process> <status>: waits until the process has ended, with this status.
expect_end() {
  local status=0
  timeout "$patience" tail --pid="$1" -s 0.02 -f /dev/null || fail "process $1 does not end"
  wait "$1" || status=$?
  (( status == $2 )) || fail "the status is $status, not $2"
}

# stop <process> [signal]: the program ends, cleanly.
stop() {
  kill -s "${2:-TERM}" "$1"
  expect_end "$1" 0
}

# expect_status <status> <command...>: and it says on standard error why, and nothing else.
expect_status() {
  local wanted=$1 status=0
  shift
  timeout "$patience" "$@" > "$scratch/out" 2> "$scratch/expected.err" < /dev/null || status=$?
  (( status == wanted )) || fail "the status is $status, not $wanted: ${*##*/}"
  [[ -s $scratch/expected.err ]] || fail "no message: ${*##*/}"
  [[ ! -s $scratch/out ]] || fail "there is output: ${*##*/}"
}

# run_sorted <status> <command...>: its lines go to $scratch/out, sorted, its messages to $scratch/said.
run_sorted() {
  local status=0
  timeout "$patience" "${@:2}" > "$scratch/unsorted" 2> "$scratch/said" < /dev/null || status=$?
  (( status == $1 )) || fail "the status is $status, not $1: $(tail -n 5 "$scratch/said")"
  sort "$scratch/unsorted" > "$scratch/out"
}

# run_sorted_in_both <status> <program> <arguments...>: the same in each kind of context, with the same result.
run_sorted_in_both() {
  run_sorted "$1" "$2" --context selector "${@:3}"
  mv "$scratch/out" "$scratch/selector.out"
  run_sorted "$@"
  diff "$scratch/selector.out" "$scratch/out" || fail 'in a selector_context it prints something else'
}

# wait_until <command...>: tries it again and again until it succeeds.
wait_until() {
  local tries
  for (( tries = 0; tries != patience * 20; ++tries )); do
    if "$@"; then
      return
    fi
    sleep 0.05
  done
  fail "does not become true: $*"
}

# Of the program that was started last: its resident memory in kilobytes, and its time on the processor in
# ticks.
memory() { awk '/^VmRSS:/ { print $2 }' "/proc/$started/status"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$started/stat"; }

# expect_idle <command...>: the program hardly uses the processor meanwhile, which is two seconds.
expect_idle() {
  local before spent
  before=$(ticks)
  "$@"
  spent=$(( $(ticks) - before ))
  echo "the program has spent $spent ticks in two seconds"
  (( spent < $(getconf CLK_TCK) / 4 )) || fail "the program has spent $spent ticks while it waited"
}

# Clients of an echo server, at $address and $port

# echo_through <socat address>: $scratch/data comes back. -t: how long to wait for the other direction after
# the end of the input. If the server does not close when it has sent everything back, that is too long.
echo_through() {
  timeout "$patience" socat -t 1000 - "$1" < "$scratch/data" > "$scratch/back" ||
    fail "socat $1 does not end"
  cmp "$scratch/data" "$scratch/back" || fail 'what came back is not what was sent'
}

# connect_many <number>: as many `clients`, each of which says a word of its own.
clients=()
connect_many() {
  local number client
  clients=()
  for (( number = 0; number != $1; ++number )); do
    exec {client}<> "/dev/tcp/$address/$port"
    echo "word $number" >&"$client"
    clients+=("$client")
  done
}

# expect_answers <from> <to>: these clients are served.
expect_answers() {
  local number line
  for (( number = $1; number != $2; ++number )); do
    IFS= read -r -t "$patience" -u "${clients[number]}" line || fail "client $number is not served"
    [[ $line == "word $number" ]] || fail "client $number gets '$line'"
  done
}

# disconnect <from> <to>
disconnect() {
  local number client
  for (( number = $1; number != $2; ++number )); do
    client=${clients[number]}
    exec {client}>&-
  done
}

# start_nginx <address>: serves $scratch/www at `address`; `started` is its process. Whoever needs it
# waits until it answers.
start_nginx() {
  mkdir -p "$scratch/www" "$scratch/temporary"
  {
    if (( EUID == 0 )); then
      echo 'user root;' # or it could not enter $scratch
    fi
    cat << END
daemon off;
master_process off;
pid $scratch/nginx.pid;
error_log stderr;
events { worker_connections 512; }
http {
  access_log off;
  keepalive_requests 1000000;
  client_max_body_size 1k;
  client_body_temp_path $scratch/temporary/body;
  proxy_temp_path $scratch/temporary/proxy;
  fastcgi_temp_path $scratch/temporary/fastcgi;
  uwsgi_temp_path $scratch/temporary/uwsgi;
  scgi_temp_path $scratch/temporary/scgi;
  server {
    listen $1;
    root $scratch/www;
    location /slow/ { limit_rate 50k; }
    location /moved/ { rewrite ^/moved/(.*)$ /\$1 redirect; }
  }
}
END
  } > "$scratch/nginx.conf"
  nginx -p "$scratch" -c "$scratch/nginx.conf" -e stderr > "$scratch/nginx.log" 2>&1 < /dev/null &
  started=$!
  background+=("$started")
}

# at_some_port <start> <is it there>: for a server that must be told its port. Calls <start> with one
# after the other, until the second command says that the server (process `started`) is there. `port`
# is what it listens on.
at_some_port() {
  local tries
  for (( tries = 0; tries != 20; ++tries )); do
    port=$(( 10000 + RANDOM % 20000 )) # below those that the system gives away
    "$1" "$port"
    while kill -0 "$started" 2> /dev/null; do
      if "$2" "$port"; then
        return
      fi
      sleep 0.05
    done
  done
  fail "no port for $1"
}
