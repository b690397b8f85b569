#!/usr/bin/env bash
#
# test/postgres_listen.sh
# -----------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# postgres_listen, with a PostgreSQL server on a Unix socket.
#
# postgres_listen.sh <postgres_listen>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
postgres_listen=$(realpath "$1")
readonly postgres_listen
for directory in /usr/lib/postgresql/*/bin; do # where Debian has the server's programs
  PATH=$PATH:$directory
done
unset "${!PG@}"

for tool in initdb postgres; do
  type "$tool" > /dev/null || fail "needs $tool"
done

# The server refuses to be root's.
as_user=()
readonly place=$scratch/server
mkdir "$place"
if (( EUID == 0 )); then
  as_user=(runuser -u postgres --)
  chmod 755 "$scratch"
  chown postgres "$place"
fi
cd "$place"
"${as_user[@]}" env PATH="$PATH" initdb --pgdata="$place/data" --username=postgres --auth=trust --no-sync \
  --no-locale --encoding=UTF8 > "$scratch/initdb.log" 2>&1

start_postgres() {
  "${as_user[@]}" env PATH="$PATH" postgres -D "$place/data" -k "$place" -c listen_addresses= -c fsync=off \
    > "$scratch/postgres.log" 2>&1 < /dev/null &
  background+=("$!")
  wait_until answers
  postgres=$(head -n 1 "$place/data/postmaster.pid")
  background+=("$postgres")
}
readonly connection="host=$place user=postgres dbname=postgres"
answers() {
  timeout "$patience" "$postgres_listen" --connection "$connection" --count 1 here "NOTIFY here" \
    > "$scratch/answers.log" 2>&1
}
start_postgres

# run <status> <arguments...>: in both kinds of context; what it prints goes to $scratch/out, its messages
# to run.err.
run() {
  local status context
  for context in selector io; do
    status=0
    timeout "$patience" "$postgres_listen" --context "$context" --connection "$connection" "${@:2}" \
      > "$scratch/out.$context" 2> "$scratch/run.err" < /dev/null || status=$?
    (( status == $1 )) || fail "the status is $status, not $1: --context $context ${*:2}"
  done
  mv "$scratch/out.io" "$scratch/out"
  diff <(sed 's/^notification from [0-9]*/notification/' "$scratch/out.selector") \
    <(sed 's/^notification from [0-9]*/notification/' "$scratch/out") ||
    fail 'in a selector_context it prints something else'
}

# prints <lines>: but for the processes that have sent notifications.
prints() {
  diff <(echo "$1") <(sed 's/^notification from [0-9]*/notification/' "$scratch/out") ||
    fail 'it prints something else'
}

case_of 'queries, and the notification of one of them'
run 0 --count 1 news "select 1, null, 'two'" "notify news, 'hello'"
prints $'listening on news\n1\t\\N\ttwo\nnotification: hello'

case_of 'a channel whose name needs quotes'
run 0 --count 1 'The "News"' 'notify "The ""News""", '"'quoted'"
prints $'listening on The "News"\nnotification: quoted'

case_of 'a long answer and a long query'
long=$(head -c 100000 /dev/zero | tr '\0' x)
run 0 --count 1 news 'select generate_series(1, 200000)' "select length('$long')" 'notify news'
prints "listening on news
$(seq 1 200000)
100000
notification: "

case_of 'five thousand notifications at once, in their order'
run 0 --count 5000 news "select count(pg_notify('news', n::text)) from generate_series(1, 5000) n"
prints "listening on news
5000
$(seq -f 'notification: %.0f' 1 5000)"

case_of 'what another client sends; and a signal'
start listener 'listening on ' "$postgres_listen" --connection "$connection" news
[[ $said == news ]] || fail "it listens on $said"
run 0 --count 1 other "notify news, 'from outside'" 'notify other'
wait_until grep -q '^notification from [0-9]*: from outside$' "$scratch/listener.log"
run 0 --count 1 other "notify news, 'again'" 'notify other'
wait_until grep -q '^notification from [0-9]*: again$' "$scratch/listener.log"
stop "$started"

case_of 'the descriptor changes while it connects: the first address refuses'
run 0 --connection "host=127.0.0.1,$place,127.0.0.1 port=1,5432,2 user=postgres dbname=postgres" \
  --count 1 news "notify news, 'second'"
prints $'listening on news\nnotification: second'

case_of 'no server there'
run 1 --connection "host=127.0.0.1,$scratch port=1,1 user=postgres dbname=postgres" news
grep -q 'refused' "$scratch/run.err" || fail "it says $(cat "$scratch/run.err")"

case_of 'no such database, and a connection string that is none'
run 1 --connection "host=$place user=postgres dbname=nowhere" news
grep -q '"nowhere" does not exist' "$scratch/run.err" || fail "it says $(cat "$scratch/run.err")"
run 1 --connection 'nonsense' news
[[ -s $scratch/run.err ]] || fail 'no message'

case_of 'a query that fails'
run 1 news 'select wrong'
grep -q 'column "wrong" does not exist' "$scratch/run.err" || fail "it says $(cat "$scratch/run.err")"
run 1 news 'copy pg_class to stdout'
grep -q 'COPY' "$scratch/run.err" || fail "it says $(cat "$scratch/run.err")"

case_of 'a server that ends'
start listener 'listening on ' "$postgres_listen" --connection "$connection" news
kill -INT "$postgres"
expect_end "$started" 1
grep -q 'the connection is lost' "$scratch/listener.err" || fail "it says $(cat "$scratch/listener.err")"

case_of 'bad arguments'
expect_status 2 "$postgres_listen"
expect_status 2 "$postgres_listen" --count 0 news
expect_status 2 "$postgres_listen" --wrong 1 news
