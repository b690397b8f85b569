#!/usr/bin/env bash
#
# test/diagnostics.sh
# -------------------
#
# Copyright (c) 2026 the mioext authors
#
# Distributed under the Boost Software License, Version 1.0.
# (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
#
# Likely mistakes do not compile, and the compiler's one error says what is wrong. What looks similar
# and is right is compiled by accepted_arguments.cpp, the program that this is given.
#
# diagnostics.sh <accepted_arguments>
#

source "$(dirname "${BASH_SOURCE[0]}")/program_tests.bash" || exit 1
include=$(cd "$(dirname "${BASH_SOURCE[0]}")/../include" && pwd)
readonly include

compilers=()
for compiler in g++ clang++ clang++-14; do
  if [[ -n $(type -P "$compiler") ]] &&
    "$compiler" -std=c++11 -I"$include" -fsyntax-only -x c++ - <<< '#include <mioext/poller.hpp>'; then
    compilers+=("$compiler")
    if [[ $compiler == clang++ ]]; then
      break
    fi
  fi
done
(( ${#compilers[@]} )) || fail 'there is no compiler'

# Mistakes that need the same headers are in one file, because headers take longer than anything else.

# begin_file <header>...
begin_file() {
  {
    printf '#include <%s.hpp>\n' "$@"
    cat << 'END'
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <mioext/pipe.hpp>
#include <mioext/tcp.hpp>
#include <chrono>
#include <string>
#include <utility>
using boost::asio::ip::tcp;
using boost::system::error_code;
using mioext::interest;
using mioext::token;
using std::chrono::seconds;
error_code ec;
boost::asio::io_context context;
mioext::tcp_socket socket_of_mioext;
void ignore(error_code) {}
void ignore_endpoint(error_code, tcp::endpoint) {}
END
  } > "$scratch/mistakes.cpp"
  : > "$scratch/expected"
  count=0
}

# refused <message> <statement> [<declarations>]
refused() {
  count=$((count + 1))
  printf 'namespace case_%d {\n%s\nvoid mistake() { %s }\n}\n' "$count" "${3-}" "$2" >> "$scratch/mistakes.cpp"
  printf '%s\n' "$1" >> "$scratch/expected"
}

# end_file: each of them is one error of each compiler, which says that.
end_file() {
  local compiler all_errors
  sort "$scratch/expected" > "$scratch/sorted"
  for compiler in "${compilers[@]}"; do
    case_of "$1: $count mistakes, $compiler"
    all_errors=-fmax-errors=0
    [[ $compiler != clang* ]] || all_errors=-ferror-limit=0
    ! "$compiler" -std=c++11 -I"$include" -fsyntax-only "$all_errors" "$scratch/mistakes.cpp" 2> "$scratch/said" ||
      fail 'it is accepted'
    # What follows `mioext: ` up to the first comma, semicolon or end is enough to know it by.
    sed -nE '/error:/ { s/.*(mioext: [^,;"]*).*/\1/; p }' "$scratch/said" | sort > "$scratch/errors"
    diff "$scratch/sorted" "$scratch/errors" >&2 || {
      head -n 100 "$scratch/said" >&2
      fail 'these are not the errors that are due (<)'
    }
  done
}

readonly no_token='mioext: this is no token'
readonly no_interest='mioext: after handle and token comes the interest'
readonly no_duration='mioext: how long a timer takes is a std::chrono::duration'
readonly no_time_point='mioext: when a timer is due is a std::chrono::steady_clock::time_point'
readonly not_kept='mioext: this handle owns its descriptor and is a temporary object'
readonly no_handle='mioext: a handle is an int or an object whose native_handle() yields a descriptor (any Asio socket or descriptor'
readonly no_handler='mioext: run() takes an object of a class that publicly derives from basic_handler<Token'
readonly no_executor='mioext: this handle has no executor of its own'

begin_file mioext/poller mioext/waker
readonly registry='mioext::poller().registry()'
refused "$no_token" "$registry.register_handle(0, 7, interest::readable);"
refused "$no_token" "$registry.reregister_handle(0, 7, interest::readable, ec);"
refused "$no_token" "mioext::waker waker($registry, 7);"
refused "$no_token" "mioext::waker waker($registry, 7, ec);"
refused "$no_token" "$registry.register_handle(0, interest::readable, token(1));"
refused "$no_interest" "$registry.register_handle(0, token(1));"
refused "$no_interest" "$registry.reregister_handle(0, token(1), mioext::trigger::level);"
refused "$not_kept" "$registry.register_handle(mioext::pipe().first, token(1), interest::readable);"
refused "$not_kept" "$registry.register_handle(std::move(socket_of_mioext), token(1), interest::readable, ec);"
refused "$not_kept" "$registry.reregister_handle(tcp::socket(context), token(1), interest::readable);"
refused "$no_handle" "$registry.register_handle(\"7\", token(1), interest::readable);"
refused "$no_handle" "$registry.register_handle(7u, token(1), interest::readable);"
end_file 'the poller'

begin_file mioext/event_loop
readonly a_loop='mioext::event_loop loop;'
refused "$no_token" 'loop.register_handle(0, 7, interest::readable);' "$a_loop"
refused "$no_token" 'loop.reregister_handle(0, 7, interest::readable, mioext::trigger::level);' "$a_loop"
refused "$no_token" 'loop.connect(socket_of_mioext, tcp::endpoint(), 7);' "$a_loop"
refused "$no_token" 'loop.listen(0, 256, 7);' "$a_loop"
refused "$no_token" 'loop.timer(seconds(1), 7);' "$a_loop"
refused "$no_token" 'loop.timer(seconds(1), 7, ec);' "$a_loop"
refused "$no_token" 'loop.register_handle(0, token(1), interest::readable);' \
  'enum class id { server }; mioext::basic_event_loop<id> loop;'
refused "$no_token" 'loop.register_handle(0, interest::readable, token(1));' "$a_loop"
refused "$no_interest" 'loop.register_handle(0, token(1), mioext::trigger::level);' "$a_loop"
refused "$no_interest" 'loop.reregister_handle(0, token(1), ec);' "$a_loop"
refused "$no_duration" 'loop.timer(100, token(1));' "$a_loop"
refused "$no_duration" 'loop.timer(100, 1);' "$a_loop"
refused "$no_duration" 'loop.timer(token(1), seconds(1));' "$a_loop"
refused "$no_duration" 'loop.reset_timer(mioext::timeout(), 100);' "$a_loop"
refused "$no_time_point" 'loop.timer_at(seconds(1), token(1));' "$a_loop"
refused "$no_time_point" 'loop.timer_at(std::chrono::system_clock::now(), token(1), ec);' "$a_loop"
refused "$no_token" 'loop.timer_at(loop.now(), 7);' "$a_loop"
refused "$not_kept" 'loop.register_handle(mioext::pipe().first, token(1), interest::readable);' "$a_loop"
refused "$not_kept" 'loop.register_handle(std::move(socket_of_mioext), token(1), interest::readable, ec);' "$a_loop"
refused "$not_kept" 'loop.reregister_handle(tcp::socket(context), token(1), interest::readable);' "$a_loop"
refused "$not_kept" 'loop.connect(mioext::tcp_socket(), tcp::endpoint(), token(1));' "$a_loop"
refused "$not_kept" 'loop.listen(mioext::tcp_acceptor(), 256, token(1));' "$a_loop"
refused "$no_token" 'loop.watch(0, 7, interest::readable);' "$a_loop"
refused "$no_token" 'loop.deregister_handle(0, 7);' "$a_loop"
refused "$no_interest" 'loop.watch(0, token(1), mioext::trigger::level);' "$a_loop"
refused "$not_kept" 'loop.watch(mioext::pipe().first, token(1), interest::readable);' "$a_loop"
refused "$no_handle" 'loop.register_handle(7u, token(1), interest::readable);' "$a_loop"

# missed <name> <member> [<base>]
missed() {
  local base=${3-mioext::handler}
  refused "mioext: this handler's $1() does not have the parameters of basic_handler's" \
    "server handler; $base::loop_type loop; loop.run(handler);" "struct server : $base { $2 };"
}
readonly of_strings='mioext::basic_handler<token, std::string>'
missed readable 'void readable(loop_type&, token) {}'
missed readable 'void readable(loop_type&, token, mioext::read_hint) const {}'
missed readable 'void readable(token, mioext::read_hint) {}'
missed writable 'void writable(loop_type&, token, mioext::write_hint) {}'
missed writable 'void writable(loop_type&, int) {}'
missed write_failing 'void write_failing(loop_type&, token) {}'
missed timer 'void timer(loop_type&) {}'
missed timer 'static void timer(loop_type&, int) {}'
missed notify 'void notify(loop_type&, std::string const&) {}' "$of_strings"
missed notify 'void notify(loop_type const&, std::string) noexcept {}' "$of_strings"
missed signal 'void signal(loop_type&, mioext::signal_info) {}'
missed signal 'void signal(loop_type&, int) {}'
refused "mioext: this handler's notify() does not have the parameters of basic_handler's" \
  'server handler; server::loop_type loop; loop.run_once(handler);' \
  'struct server final : mioext::basic_handler<token, int> { void notify(loop_type&, int*) {} };'
refused "$no_handler" 'server handler; loop.run(handler);' "$a_loop struct server {};"
refused "$no_handler" 'loop.run(server());' "$a_loop struct server : private mioext::handler {};"
refused "$no_handler" 'server handler; loop.run_once(handler, seconds(1));' \
  "$a_loop struct server : mioext::basic_handler<int> {};"
end_file 'the event loop'

begin_file mioext/async_event_loop mioext/async_connect mioext/async_accept
readonly an_async_loop='mioext::async_event_loop loop(context);'
refused "$no_token" 'loop.register_handle(0, 7, interest::readable);' "$an_async_loop"
refused "$no_token" 'loop.connect(socket_of_mioext, tcp::endpoint(), 7);' "$an_async_loop"
refused "$no_token" 'loop.timer(seconds(1), 7);' "$an_async_loop"
refused "$no_token" 'loop.watch(0, 7, interest::readable);' "$an_async_loop"
refused "$no_token" 'loop.deregister_handle(0, 7);' "$an_async_loop"
refused "$no_interest" 'loop.register_handle(0, token(1));' "$an_async_loop"
refused "$no_duration" 'loop.timer(100, token(1));' "$an_async_loop"
refused "$no_duration" 'loop.reset_timer(mioext::timeout(), 100);' "$an_async_loop"
refused "$no_time_point" 'loop.timer_at(seconds(1), token(1));' "$an_async_loop"
refused "$not_kept" 'loop.register_handle(mioext::pipe().first, token(1), interest::readable);' "$an_async_loop"
refused "$not_kept" 'loop.listen(tcp::acceptor(context), 256, token(1));' "$an_async_loop"
refused "$not_kept" 'mioext::async_wait(context, mioext::tcp_socket(), interest::readable, &ignore);'
refused "$not_kept" 'mioext::async_wait(context, tcp::socket(context), interest::readable, &ignore);'
refused "$not_kept" 'mioext::async_connect(context, mioext::tcp_socket(), tcp::endpoint(), &ignore);'
refused "$not_kept" \
  'mioext::async_connect(context, mioext::tcp_socket(), tcp::resolver::results_type(), &ignore_endpoint);'
refused "$no_executor" 'mioext::async_wait(socket_of_mioext, interest::readable, &ignore);'
refused "$no_executor" 'mioext::async_connect(socket_of_mioext, tcp::endpoint(), &ignore);'
refused "mioext: this handler's readable() does not have the parameters of basic_handler's" \
  'server handler; loop.async_run(handler, &ignore);' \
  "$an_async_loop struct server : mioext::handler { void readable(mioext::async_event_loop&, token, mioext::read_hint) {} };"
readonly no_peer="mioext: a connection is accepted into a socket or stream of mioext's of the acceptor's protocol"
refused "$no_peer" 'mioext::async_accept(context, acceptor, number, &ignore);' 'mioext::tcp_acceptor acceptor; int number;'
refused "$no_peer" 'mioext::async_accept(context, acceptor, asios, from, &ignore);' \
  'mioext::tcp_acceptor acceptor; tcp::socket asios(context); tcp::endpoint from;'
refused "$no_handler" 'server handler; loop.async_run(handler, &ignore);' \
  "$an_async_loop struct server : mioext::basic_handler<token, int> {};"
end_file 'in a context'

case_of 'what is right is accepted'
"$1" > "$scratch/accepted.log"
