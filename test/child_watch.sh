#!/usr/bin/env bash
#
# test/child_watch.sh
# -------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# child_watch as a program: what it says of its child, and how both end.
#
# child_watch.sh <child_watch>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
readonly watch=$1

# start_watch <name> <command...>: `child` is the process of the command.
start_watch() {
  start "$1" 'child ' "$watch" "${@:2}"
  child=${said%% *}
  [[ $said == "$child runs $2" ]] || fail "says '$said'"
}

says() { grep -qxF "$2" "$scratch/$1.log"; }

is_gone() { ! kill -0 "$1" 2> /dev/null; }

# What a signal is told to come from: nothing by macOS and OpenBSD, nor by libkqueue.
from=" from process $$ of user $UID"
case $(uname):$watch in
Darwin:* | OpenBSD:* | Linux:*mioext-selector-kqueue*) from= ;;
esac

case_of 'a child that exits'
start_watch exits sh -c 'exit 3'
expect_end "$started" 0
wait_until says exits "child $child exited with status 3"

case_of 'a child that is ended by a signal, which is not blocked in it'
start_watch signalled sh -c 'kill -TERM $$; exit 3'
expect_end "$started" 0
wait_until says signalled "child $child was ended by signal 15 (Terminated)"

case_of 'a child that stops and goes on'
start_watch stops sleep 1000
kill -STOP "$child"
wait_until says stops "child $child was stopped"
kill -CONT "$child"
wait_until says stops "child $child goes on"

case_of 'SIGTERM ends both'
stop "$started"
wait_until says stops "Terminated$from: ending the child"
wait_until says stops "child $child was ended by signal 15 (Terminated)"
is_gone "$child" || fail 'the child is still there'

case_of 'SIGINT ends both, also with the default command'
start interrupted 'child ' "$watch"
child=${said%% *}
stop "$started" INT
wait_until says interrupted "Interrupt$from: ending the child"
is_gone "$child" || fail 'the child is still there'

case_of 'a child that ignores SIGTERM is killed'
mkfifo "$scratch/never"
exec {never}<> "$scratch/never"
input=$scratch/never
start_watch ignores sh -c 'trap "" TERM; echo ready > "$0"; read line' "$scratch/ready"
wait_until test -s "$scratch/ready"
stop "$started"
wait_until says ignores "child $child was ended by signal 9 (Killed)"
is_gone "$child" || fail 'the child is still there'

case_of 'a command that does not exist'
expect_status 1 "$watch" "$scratch/nothing"
