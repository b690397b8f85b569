#!/usr/bin/env bash
#
# test/tcp_proxy.sh
# -----------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# tcp_proxy in front of nginx and of others, in an io_context and alone, over TCP and Unix sockets.
#
# tcp_proxy.sh <tcp_proxy>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
readonly proxy=$1
PATH=$PATH:/usr/sbin

for tool in curl wrk nginx socat; do
  type "$tool" > /dev/null || fail "needs $tool"
done

# --- nginx, on a Unix socket

readonly nginx_socket=$scratch/nginx.socket
mkdir "$scratch/www"
echo 'small' > "$scratch/www/small"
head -c 64M /dev/urandom > "$scratch/www/large"
start_nginx "unix:$nginx_socket"

# fetch <curl's arguments...>
fetch() {
  timeout "$patience" curl --silent --show-error --fail --noproxy '*' "$@"
}
nginx_answers() {
  fetch --unix-socket "$nginx_socket" http://nginx/small > "$scratch/out" 2> "$scratch/out.err"
}
wait_until nginx_answers

# --- Others, each on a Unix socket: what socat runs for each connection

# serve <name> <command>
serve() {
  socat "UNIX-LISTEN:$scratch/$1.socket,fork,backlog=64" "SYSTEM:$2,pipes" \
    > /dev/null 2> "$scratch/$1.err" < /dev/null &
  background+=("$!")
  wait_until test -S "$scratch/$1.socket"
}
serve checksum 'sha256sum'

# One that ends its half at once. (What socat runs cannot: socat keeps a copy of the descriptor.)
perl -MSocket -e '
  my ($path, $received) = @ARGV;
  socket(my $listener, AF_UNIX, SOCK_STREAM, 0) || die $!;
  bind($listener, sockaddr_un($path)) && listen($listener, 8) || die $!;
  while (accept(my $connection, $listener)) {
    syswrite($connection, "first\n");
    shutdown($connection, 1);
    open(my $file, ">", $received) || die $!;
    syswrite($file, $_) while sysread($connection, $_, 4096);
    close($file);
    close($connection);
  }' "$scratch/farewell.socket" "$scratch/received" < /dev/null &
background+=("$!")
wait_until test -S "$scratch/farewell.socket"

descriptors() { ls "/proc/$started/fd" | wc -l; }
has_descriptors() { (( $(descriptors) == $1 )); }

readonly large_sum=$(sha256sum < "$scratch/www/large")

expect_large() {
  [[ $(fetch "$@" | sha256sum) == "$large_sum" ]] || fail "it is not what nginx has: $*"
}

# What is asked of a proxy, whichever loop it is in: exercise <name> [--alone]
exercise() {
  local name=$1 mode=("${@:2}") before number line
  local processes=()

  case_of "$name: from TCP to Unix, from TCP to TCP, from Unix to TCP"
  start_server first "$proxy" "${mode[@]}" 127.0.0.1:0 "unix:$nginx_socket"
  processes+=("$started")
  [[ $address == 127.0.0.1 && $port != 0 ]] || fail "listens on $said"
  start_server second "$proxy" "${mode[@]}" 127.0.0.1:0 "$address:$port"
  processes+=("$started")
  local url=http://$address:$port
  start_server third "$proxy" "${mode[@]}" "unix:$scratch/front" "$address:$port"
  processes+=("$started")
  [[ $said == "unix:$scratch/front" ]] || fail "listens on $said"
  [[ $(stat -c %A "$scratch/front") == srwx------ ]] || fail 'others may connect'
  [[ $(fetch "$url/small") == small ]] || fail 'nothing comes through'
  [[ $(fetch --unix-socket "$scratch/front" http://nginx/small) == small ]] ||
    fail 'nothing comes through'

  case_of "$name: a large download"
  expect_large "$url/large"
  expect_large --unix-socket "$scratch/front" http://nginx/large

  case_of "$name: several at the same time"
  local downloads=()
  for number in {1..4}; do
    fetch "$url/large" | cmp - "$scratch/www/large" &
    downloads+=("$!")
  done
  background+=("${downloads[@]}")
  for number in "${downloads[@]}"; do
    expect_end "$number" 0
  done

  case_of "$name: a server that answers before it has read everything"
  [[ $(timeout "$patience" curl --silent --noproxy '*' --header 'Expect:' --output /dev/null \
    --write-out '%{http_code}' --data-binary "@$scratch/www/large" "$url/small") == 413 ]] ||
    fail 'its answer does not come through'

  case_of "$name: wrk"
  timeout "$patience" wrk --threads 2 --connections 20 --duration 2s --timeout 30s "$url/small" \
    > "$scratch/wrk.log" || fail 'wrk fails'
  grep 'Requests/sec' "$scratch/wrk.log"
  ! grep -q 'Socket errors\|Non-2xx' "$scratch/wrk.log" || fail "$(cat "$scratch/wrk.log")"
  (( $(awk '/requests in/ { print $1 }' "$scratch/wrk.log") > 20 )) || fail 'nothing was done'

  case_of "$name: SIGTERM and SIGINT end it"
  stop "${processes[2]}"
  [[ ! -e $scratch/front ]] || fail 'the path is still there'
  stop "${processes[1]}" INT
  stop "${processes[0]}"

  case_of "$name: the client ends its half, and gets the answer to all of it"
  start_server checksum-proxy "$proxy" "${mode[@]}" 127.0.0.1:0 "unix:$scratch/checksum.socket"
  before=$(descriptors)
  # -t: how long to wait for the other direction. If no end is passed on, that is too long.
  [[ $(timeout "$patience" socat -t 1000 - "TCP:$address:$port" < "$scratch/www/large") == \
    "$large_sum" ]] || fail 'the answer is another'
  wait_until has_descriptors "$before"
  stop "$started"

  case_of "$name: the server ends its half, and gets what still comes"
  start_server farewell-proxy "$proxy" "${mode[@]}" 127.0.0.1:0 "unix:$scratch/farewell.socket"
  before=$(descriptors)
  exec {client}<> "/dev/tcp/$address/$port"
  answer=$(timeout "$patience" cat <&"$client") || fail 'the end does not come through'
  [[ $answer == first ]] || fail "it is not what the server has sent: $answer"
  echo 'last words' >&"$client"
  exec {client}>&-
  wait_until grep -q 'last words' "$scratch/received"
  wait_until has_descriptors "$before"
  stop "$started"

  case_of "$name: clients that reset, in the middle of a download"
  start_server reset "$proxy" "${mode[@]}" 127.0.0.1:0 "unix:$nginx_socket"
  url=http://$address:$port
  before=$(descriptors)
  for number in {1..20}; do
    exec {rude}<> "/dev/tcp/$address/$port"
    printf 'GET /large HTTP/1.0\r\n\r\n' >&"$rude"
    IFS= read -r -t "$patience" -N 1 -u "$rude" line || fail 'nothing comes'
    exec {rude}>&- # closed with unread data: the system sends a reset
  done
  wait_until has_descriptors "$before"
  [[ $(fetch "$url/small") == small ]] || fail 'nothing comes through any more'

  case_of "$name: a client that does not read costs two buffers and stalls nobody"
  before=$(memory)
  exec {deaf}<> "/dev/tcp/$address/$port"
  printf 'GET /large HTTP/1.0\r\n\r\n' >&"$deaf"
  expect_large "$url/large"
  echo "the proxy has grown by $(( $(memory) - before )) kB"
  (( $(memory) - before < 16 * 1024 )) || fail 'the proxy has grown too much'
  timeout "$patience" cat <&"$deaf" > "$scratch/late"
  exec {deaf}>&-
  [[ $(tail -c "$(stat -c %s "$scratch/www/large")" "$scratch/late" | sha256sum) == \
    "$large_sum" ]] || fail 'it is not what nginx has'

  case_of "$name: no descriptors left: the others wait, and the proxy does not spin"
  prlimit --pid="$started" --nofile=30:
  local clients=() client
  for number in {1..40}; do
    exec {client}<> "/dev/tcp/$address/$port"
    clients+=("$client")
  done
  wait_until grep -q 'cannot accept' "$scratch/reset.err"
  expect_idle sleep 2
  # As soon as the first ones go, the last one is served.
  printf 'GET /small HTTP/1.0\r\n\r\n' >&"${clients[39]}"
  for client in "${clients[@]:0:39}"; do
    exec {client}>&-
  done
  client=${clients[39]}
  timeout "$patience" cat <&"$client" > "$scratch/out"
  grep -q '^small$' "$scratch/out" || fail 'the last one is not served'
  exec {client}>&-
  stop "$started"

  case_of "$name: a target that refuses"
  local refusing
  for refusing in "$address:$port" "unix:$scratch/nothing"; do
    start_server refused "$proxy" "${mode[@]}" 127.0.0.1:0 "$refusing"
    before=$(descriptors)
    ! fetch "http://$address:$port/" 2> "$scratch/out.err" || fail 'there is an answer'
    wait_until grep -q 'cannot connect' "$scratch/refused.err"
    # One socket is ready for the next client.
    wait_until has_descriptors "$before"
    stop "$started"
  done
}

exercise 'in an io_context'
exercise 'alone' --alone

case_of 'IPv6'
if [[ -e /proc/net/if_inet6 ]] && grep -q '^0\{31\}1' /proc/net/if_inet6; then
  start_server ipv6 "$proxy" '[::1]:0' "unix:$nginx_socket"
  [[ $address == '[::1]' ]] || fail "listens on $said"
  start_server ipv6-target "$proxy" 127.0.0.1:0 "$said"
  [[ $(fetch "http://$address:$port/small") == small ]] || fail 'nothing comes through'
  stop "$started"
else
  echo 'this system has none'
fi

case_of 'a path that is no socket is left alone'
echo precious > "$scratch/precious"
ln -s precious "$scratch/link"
expect_status 1 "$proxy" "unix:$scratch/precious" "unix:$nginx_socket"
expect_status 1 "$proxy" "unix:$scratch/link" "unix:$nginx_socket"
expect_status 1 "$proxy" "unix:$scratch/no/such/directory" "unix:$nginx_socket"
[[ $(cat "$scratch/precious") == precious && -L $scratch/link ]]

case_of 'a socket that somebody listens to is left alone'
expect_status 1 "$proxy" "unix:$nginx_socket" 127.0.0.1:1
nginx_answers || fail 'nginx does not answer any more'

case_of 'a socket that was left behind is replaced'
start_server killed "$proxy" "unix:$scratch/front" "unix:$nginx_socket"
kill -KILL "$started"
wait "$started" 2> /dev/null || true
[[ -S $scratch/front ]]
start_server next "$proxy" --alone "unix:$scratch/front" "unix:$nginx_socket"
[[ $(fetch --unix-socket "$scratch/front" http://nginx/small) == small ]]
stop "$started"

case_of 'bad arguments'
expect_status 2 "$proxy"
expect_status 2 "$proxy" 127.0.0.1:0
expect_status 2 "$proxy" --alone 127.0.0.1:0
expect_status 2 "$proxy" 127.0.0.1:0 127.0.0.1:1 more
expect_status 2 "$proxy" nonsense 127.0.0.1:1
expect_status 2 "$proxy" 127.0.0.1:0 nonsense:1
expect_status 2 "$proxy" 127.0.0.1:65536 127.0.0.1:1
expect_status 2 "$proxy" 127.0.0.1: 127.0.0.1:1
expect_status 2 "$proxy" ::1:0 127.0.0.1:1
expect_status 2 "$proxy" '[127.0.0.1]:0' 127.0.0.1:1
expect_status 2 "$proxy" unix: 127.0.0.1:1
expect_status 2 "$proxy" 127.0.0.1:0 unix:
