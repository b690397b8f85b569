#!/usr/bin/env bash
#
# test/beast_http_server.sh
# -------------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# beast_http_server as curl, wrk and a rude client see it, with and without TLS, in either kind of
# context.
#
# beast_http_server.sh <beast_http_server>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
readonly program=$1

for tool in curl wrk socat; do
  type "$tool" > /dev/null || fail "needs $tool"
done

# What is served, and what is beside it.
readonly root=$scratch/root
mkdir -p "$root/directory" "$root/closed"
echo '<p>hello</p>' > "$root/index.html"
echo 'plain' > "$root/plain.txt"
echo 'with a blank' > "$root/with a blank.txt"
echo 'percent' > "$root/%2e%2e"
echo '{}' > "$root/directory/data.json"
: > "$root/empty"
head -c 64M /dev/urandom > "$root/large"
echo 'secret' > "$scratch/secret"
ln -s ../secret "$root/link"
ln -s .. "$root/up"
ln -s "$scratch" "$root/directory/far"
mkfifo "$root/pipe"

# fetch <arguments of curl...>: the body goes to $scratch/body, the header to $scratch/header.
fetch() {
  timeout "$patience" curl --silent --show-error --insecure --path-as-is --globoff --noproxy '*' \
    --dump-header "$scratch/header" --output "$scratch/body" "$@" 2> "$scratch/curl.err"
}

# expect_response <status> <arguments of curl...>
expect_response() {
  local status
  status=$(fetch --write-out '%{http_code}' "${@:2}") || fail "curl ${*:2} fails"
  [[ $status == "$1" ]] || fail "the status is $status, not $1: ${*:2}"
}

# expect_field <name> <value>: of the response that came last.
expect_field() {
  tr -d '\r' < "$scratch/header" | grep -qix "$1: $2" || {
    cat "$scratch/header" >&2
    fail "no field '$1: $2'"
  }
}

# talk: sends the standard input to the server in one piece, and prints what comes back until the
# server closes.
talk() {
  timeout "$patience" socat -t 1000 - "$talk_to"
}

expect_secret_kept() {
  ! grep -q secret "$scratch/body" || fail 'it is out'
}

exercise() {
  case_of "$1: files, their types and lengths"
  expect_response 200 "$url/"
  cmp "$scratch/body" "$root/index.html"
  expect_field Content-Type 'text/html; charset=utf-8'
  expect_field Content-Length 13
  expect_response 200 "$url/plain.txt?query=/../x"
  cmp "$scratch/body" "$root/plain.txt"
  expect_field Content-Type 'text/plain; charset=utf-8'
  expect_response 200 "$url/directory/data.json"
  expect_field Content-Type application/json
  expect_response 200 "$url//directory/./data.json"
  expect_response 200 "$url/with%20a%20blank.txt"
  cmp "$scratch/body" "$root/with a blank.txt"
  expect_response 200 "$url/empty"
  [[ ! -s $scratch/body ]] || fail 'it is not empty'
  expect_field Content-Length 0
  expect_field Content-Type application/octet-stream

  case_of "$1: HEAD"
  expect_response 200 --head "$url/large"
  expect_field Content-Length "$(stat -c %s "$root/large")"
  expect_response 404 --head "$url/nothing"

  case_of "$1: what is not there, and what is no file"
  expect_response 404 "$url/nothing"
  expect_response 404 "$url/nothing/at/all"
  expect_response 404 "$url/index.html/more"
  expect_response 404 "$url/directory"
  expect_response 404 "$url/directory/"
  expect_response 404 "$url/pipe"
  expect_response 404 "$url/$(printf 'a%.0s' {1..300})"

  case_of "$1: other methods"
  expect_response 405 --request DELETE "$url/plain.txt"
  expect_field Allow 'GET, HEAD'
  expect_response 405 --data something "$url/plain.txt"
  expect_response 405 --request PUT --data-binary "@$root/large" --header 'Expect:' "$url/large"
  [[ -e $root/plain.txt ]]

  case_of "$1: no way out of the directory"
  local path
  for path in /../secret /../../secret /directory/../../secret /%2e%2e/secret /%2E./secret \
    /.%2e/secret /directory/%2e%2e/%2e%2e/secret /..%2fsecret /%2e%2e%2fsecret '/..\secret' \
    /link /up/secret /up/root/plain.txt /directory/far/secret /%252e%252e/secret /..%00/secret \
    /../root/plain.txt "$scratch/secret" "/$scratch/secret"; do
    local status
    status=$(fetch --write-out '%{http_code}' "$url$path") || fail "curl $path fails"
    [[ $status == 400 || $status == 404 ]] || fail "the status is $status: $path"
    expect_secret_kept
  done
  expect_response 400 "$url/plain.txt%00.html"
  expect_response 400 "$url/%"
  expect_response 400 "$url/%4"
  expect_response 400 "$url/%zz"
  expect_response 200 "$url/%252e%252e" # a file of that name: decoded once

  case_of "$1: a large file"
  expect_response 200 "$url/large"
  cmp "$scratch/body" "$root/large"

  case_of "$1: several large files at the same time, in bounded memory"
  local number downloads=() before
  before=$(memory)
  for number in {1..4}; do
    timeout "$patience" curl --silent --insecure --noproxy '*' --limit-rate 40M "$url/large" |
      cmp - "$root/large" &
    downloads+=("$!")
  done
  background+=("${downloads[@]}")
  for number in "${downloads[@]}"; do
    expect_end "$number" 0
  done
  (( $(memory) - before < 32 * 1024 )) || fail "it has grown from $before kB to $(memory) kB"

  case_of "$1: one connection for several requests"
  local connections
  connections=$(fetch --write-out '%{num_connects}\n' "$url/plain.txt" --next --silent --insecure \
    --noproxy '*' --output /dev/null --write-out '%{num_connects}\n' "$url/" --next --silent \
    --insecure --noproxy '*' --output /dev/null --write-out '%{num_connects}\n' "$url/nothing")
  [[ $connections == $'1\n0\n0' ]] || fail "connections made: $connections"

  case_of "$1: pipelining"
  printf '%s\r\n' 'GET /plain.txt HTTP/1.1' 'Host: a' '' 'HEAD /plain.txt HTTP/1.1' 'Host: a' '' \
    'GET /nothing HTTP/1.1' 'Host: a' '' 'GET /directory/data.json HTTP/1.1' 'Host: a' \
    'Connection: close' '' 'GET /plain.txt HTTP/1.1' 'Host: a' '' > "$scratch/requests"
  talk < "$scratch/requests" | tr -d '\r' > "$scratch/responses"
  [[ $(grep '^HTTP' "$scratch/responses" | cut -d ' ' -f 2 | xargs) == '200 200 404 200' ]] ||
    fail "the answers are $(cat "$scratch/responses")"
  [[ $(grep -c '^plain$' "$scratch/responses") == 1 ]] || fail 'it is not once in them'
  [[ $(tail -n 1 "$scratch/responses") == '{}' ]] || fail 'the last one is not last'

  case_of "$1: what is no request"
  local request
  for request in 'nonsense' 'GET /' 'GET plain.txt HTTP/1.1\r\nHost: a' \
    'GET / HTTP/1.1' 'GET / HTTP/1.1\r\nHost: a\r\nHost: b' 'GET / HTTP/1.1\r\nHost : a' \
    'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x'; do
    printf "$request\r\nConnection: close\r\n\r\n" | talk > "$scratch/responses"
    [[ $(head -c 12 "$scratch/responses") == 'HTTP/1.1 400' ]] ||
      fail "the answer to '$request' is '$(head -n 1 "$scratch/responses")'"
  done
  printf 'GET / HTTP/2.0\r\nHost: a\r\n\r\n' | talk > "$scratch/responses"
  grep -q '^HTTP/1.1 505' "$scratch/responses" || fail 'there is another version'
  printf 'GET http://a/plain.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n' | talk \
    > "$scratch/responses"
  grep -q '^plain$' "$scratch/responses" || fail 'a target with its scheme is one'
  printf 'GET /plain.txt HTTP/1.0\r\n\r\n' | talk > "$scratch/responses"
  grep -q '^plain$' "$scratch/responses" || fail 'a request of HTTP/1.0 needs no host'

  case_of "$1: a header that is too large"
  expect_response 431 --header "X: $(head -c 20000 /dev/zero | tr '\0' x)" "$url/"

  case_of "$1: wrk"
  timeout "$patience" wrk --threads 2 --connections 20 --duration 2s --timeout 30s "$url/plain.txt" \
    > "$scratch/wrk.log" || fail 'wrk fails'
  grep 'Requests/sec' "$scratch/wrk.log"
  ! grep -q 'Socket errors\|Non-2xx' "$scratch/wrk.log" || fail "$(cat "$scratch/wrk.log")"
  (( $(awk '/requests in/ { print $1 }' "$scratch/wrk.log") > 20 )) || fail 'nothing was done'
}

for context in io selector; do
  server=("$program" --context "$context")
  start_server plain "${server[@]}" "$root"
  [[ $address == 127.0.0.1 ]] || fail "listens on $address"
  plain=$started plain_port=$port
  url=http://$address:$port talk_to=TCP:$address:$port
  exercise "$context: HTTP"

  start_server tls "${server[@]}" --tls "$root"
  url=https://$address:$port talk_to=OPENSSL:$address:$port,verify=0
  exercise "$context: HTTPS"

  case_of "$context: the certificate is for localhost"
  fetch --verbose "$url/"
  grep -qi 'subject: CN *= *localhost' "$scratch/curl.err" || fail "$(cat "$scratch/curl.err")"

  case_of "$context: who speaks no TLS is sent away"
  ! timeout "$patience" curl --silent --http0.9 --noproxy '*' "http://$address:$port/" > /dev/null
  expect_response 200 "$url/"

  case_of "$context: SIGINT ends the server"
  stop "$started" INT

  case_of "$context: SIGTERM ends the server, also in the middle of something"
  exec {busy}<> "/dev/tcp/127.0.0.1/$plain_port"
  printf 'GET /large HTTP/1.1\r\nHost: a\r\n\r\nGET' >&"$busy"
  IFS= read -r -t "$patience" -u "$busy" line || fail 'no answer'
  stop "$plain"
  exec {busy}>&-

  case_of "$context: a client that takes too long is sent away, and one that is in time is not"
  start_server impatient "${server[@]}" --timeout 1 "$root"
  url=http://$address:$port
  exec {slow}<> "/dev/tcp/$address/$port"
  printf 'GET /plain.txt HT' >&"$slow"
  timeout "$patience" cat <&"$slow" > "$scratch/out" || fail 'it may stay'
  [[ ! -s $scratch/out ]] || fail 'it got an answer'
  exec {slow}>&-
  expect_response 200 --limit-rate 24M "$url/large" # longer than a second, and something all the time
  cmp "$scratch/body" "$root/large"
  stop "$started"

  case_of "$context: more clients than allowed wait"
  start_server small "${server[@]}" --connections 2 "$root"
  url=http://$address:$port
  exec {one}<> "/dev/tcp/$address/$port" {two}<> "/dev/tcp/$address/$port"
  for client in "$one" "$two"; do
    printf 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n' >&"$client"
    IFS= read -r -t "$patience" -u "$client" line || fail 'it is not served'
  done
  exec {three}<> "/dev/tcp/$address/$port"
  printf 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n' >&"$three"
  ! IFS= read -r -t 1 -u "$three" line || fail 'the third one is served'
  exec {one}>&-
  IFS= read -r -t "$patience" -u "$three" line || fail 'the third one is never served'
  exec {two}>&- {three}>&-
  stop "$started"

  case_of "$context: an address has only so many connections"
  start_server per_address "${server[@]}" --per-address 2 "$root"
  exec {one}<> "/dev/tcp/$address/$port" {two}<> "/dev/tcp/$address/$port"
  exec {three}<> "/dev/tcp/$address/$port"
  status=0
  IFS= read -r -t "$patience" -u "$three" line || status=$?
  (( status > 0 && status < 128 )) || fail "the third one is not closed: $status"
  timeout "$patience" curl --silent --interface 127.0.0.2 --noproxy '*' \
    "http://$address:$port/plain.txt" | grep -qx plain || fail 'another address is not served'
  exec {one}>&- {two}>&- {three}>&-
  is_served_again() { [[ $(fetch --write-out '%{http_code}' "http://$address:$port/plain.txt") == 200 ]]; }
  wait_until is_served_again
  stop "$started"

  case_of "$context: no descriptors left: the others wait, and the server does not spin"
  start_server poor "${server[@]}" "$root"
  url=http://$address:$port
  expect_response 200 "$url/plain.txt"
  prlimit --pid="$started" --nofile=20:
  clients=()
  for number in {1..30}; do
    exec {client}<> "/dev/tcp/$address/$port"
    clients+=("$client")
  done
  wait_until grep -q 'cannot accept' "$scratch/poor.err"
  expect_idle sleep 2
  for client in "${clients[@]}"; do
    exec {client}>&-
  done
  expect_response 200 "$url/plain.txt"
  stop "$started"

  case_of "$context: IPv6"
  if [[ -e /proc/net/if_inet6 ]] && grep -q '^0\{31\}1' /proc/net/if_inet6; then
    start_server ipv6 "${server[@]}" --address ::1 "$root"
    expect_response 200 "http://$address:$port/"
    stop "$started"
  else
    echo 'this system has none'
  fi
done

case_of 'bad arguments'
expect_status 2 "$program"
expect_status 2 "$program" "$root" more
expect_status 2 "$program" --nonsense "$root"
expect_status 2 "$program" --port "$root"
expect_status 2 "$program" --port 65536 "$root"
expect_status 2 "$program" --port -1 "$root"
expect_status 2 "$program" --address nonsense "$root"
expect_status 2 "$program" --timeout 0 "$root"
expect_status 2 "$program" --connections 0 "$root"
expect_status 2 "$program" "$root" --port
expect_status 1 "$program" "$scratch/nothing"
expect_status 1 "$program" "$scratch/secret"
expect_status 2 "$program" "$root" --context
expect_status 2 "$program" --context other "$root"
