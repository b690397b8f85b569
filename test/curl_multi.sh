#!/usr/bin/env bash
#
# test/curl_multi.sh
# ------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# curl_multi, which downloads from an nginx.
#
# curl_multi.sh <curl_multi>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
readonly curl_multi=$1
export no_proxy='*'
PATH=$PATH:/usr/sbin

for tool in nginx gzip curl; do
  type "$tool" > /dev/null || fail "needs $tool"
done

# line_of <file below www> <where it is fetched from>: what curl_multi prints of it. gzip ends with the
# CRC-32 of what it has packed.
line_of() {
  local sum
  sum=$(gzip -1c "$scratch/www/$1" | tail -c 8 | od -An -tx4 -N4 --endian=little | tr -d ' ')
  echo "$sum $(stat -c %s "$scratch/www/$1") $2/$1"
}

download() { run_sorted_in_both "$1" "$curl_multi" "${@:2}"; }

mkdir -p "$scratch/www/slow"
for (( file = 0; file != 200; ++file )); do
  head -c "$(( file % 10 ? RANDOM * 3 : RANDOM * 40 ))" /dev/urandom > "$scratch/www/$file"
done
: > "$scratch/www/0" # an empty one, too
head -c 150000 /dev/urandom > "$scratch/www/slow/short" # three seconds
head -c 20M /dev/urandom > "$scratch/www/slow/long"

serve() { start_nginx "127.0.0.1:$1"; }
answers() { curl --silent --fail "http://127.0.0.1:$1/0" 2> "$scratch/curl.log"; }
at_some_port serve answers
readonly server=http://127.0.0.1:$port nginx=$started

case_of 'two hundred files, sixteen at a time'
urls=()
for (( file = 0; file != 200; ++file )); do
  urls+=("$server/$file")
  line_of "$file" "$server" >> "$scratch/lines"
done
sort "$scratch/lines" > "$scratch/wanted"
download 0 "${urls[@]}"
diff "$scratch/wanted" "$scratch/out" || fail 'what arrives is something else'
grep -q '^200 of 200 files, 0 failed' "$scratch/said" || fail 'it does not say how far it is'

case_of 'one at a time, and all at once'
download 0 --parallel 1 "${urls[@]}"
diff "$scratch/wanted" "$scratch/out" || fail 'what arrives is something else'
download 0 --parallel 1000 "${urls[@]}"
diff "$scratch/wanted" "$scratch/out" || fail 'what arrives is something else'

case_of 'from a host that has a name: curl looks it up in a thread, and waits for that at a descriptor'
download 0 "http://localhost:$port/1" "http://localhost:$port/2"
{ line_of 1 "http://localhost:$port"; line_of 2 "http://localhost:$port"; } | sort > "$scratch/few"
diff "$scratch/few" "$scratch/out" || fail 'what arrives is something else'

case_of 'a slow one; meanwhile it says how far it is'
download 0 "$server/slow/short" "$server/1"
{ line_of slow/short "$server"; line_of 1 "$server"; } | sort > "$scratch/few"
diff "$scratch/few" "$scratch/out" || fail 'what arrives is something else'
grep -q '^1 of 2 files' "$scratch/said" || fail 'it does not say that one of two has arrived'

case_of 'one that has moved'
download 0 "$server/moved/3"
[[ $(cut -d ' ' -f 1,2 "$scratch/out") == "$(line_of 3 '' | cut -d ' ' -f 1,2)" ]] ||
  fail 'what arrives is something else'

case_of 'what is not there; the others arrive'
download 1 "$server/1" "$server/missing" "http://127.0.0.1:1/" 'http://no-such-host.invalid/' \
  'no-such-scheme://x' "$server/2"
{ line_of 1 "$server"; line_of 2 "$server"; } | sort > "$scratch/few"
diff "$scratch/few" "$scratch/out" || fail 'what arrives is something else'
for url in "$server/missing" http://127.0.0.1:1/ http://no-such-host.invalid/ no-such-scheme://x; do
  grep -qF "$url: " "$scratch/said" || fail "it does not say why $url does not arrive"
done

case_of 'a signal, while there is something under way'
for context in selector io; do
  "$curl_multi" --context "$context" "$server/slow/long" "$server/slow/long" > "$scratch/stopped.log" \
    2> "$scratch/stopped.$context.err" &
  stopped=$!
  background+=("$stopped")
  wait_until grep -q '^0 of 2 files, 0 failed, [1-9]' "$scratch/stopped.$context.err"
  kill -TERM "$stopped"
  expect_end "$stopped" 1
done

case_of 'a server that ends meanwhile'
"$curl_multi" "$server/slow/long" > "$scratch/ended.log" 2> "$scratch/ended.err" &
stopped=$!
background+=("$stopped")
wait_until grep -q '^0 of 1 files, 0 failed, [1-9]' "$scratch/ended.err"
kill -KILL "$nginx"
expect_end "$stopped" 1
grep -qF "$server/slow/long: " "$scratch/ended.err" || fail 'it does not say why'

case_of 'bad arguments'
expect_status 2 "$curl_multi"
expect_status 2 "$curl_multi" --parallel 0 http://127.0.0.1/
expect_status 2 "$curl_multi" --wrong 1 http://127.0.0.1/
expect_status 2 "$curl_multi" --context other http://127.0.0.1/
