//
// mioext.hpp
// ----------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Everything of mioext.
//

#ifndef MIOEXT_HPP
#define MIOEXT_HPP

#include <mioext/async_accept.hpp>
#include <mioext/async_connect.hpp>
#include <mioext/async_event_loop.hpp>
#include <mioext/async_wait.hpp>
#include <mioext/basic_datagram_socket.hpp>
#include <mioext/basic_socket.hpp>
#include <mioext/basic_socket_acceptor.hpp>
#include <mioext/basic_stream_socket.hpp>
#include <mioext/beast.hpp>
#include <mioext/cancel_after.hpp>
#include <mioext/event.hpp>
#include <mioext/event_loop.hpp>
#include <mioext/event_loop_config.hpp>
#include <mioext/handler.hpp>
#include <mioext/happy_eyeballs.hpp>
#include <mioext/interest.hpp>
#include <mioext/pipe.hpp>
#include <mioext/poller.hpp>
#include <mioext/read_hint.hpp>
#include <mioext/read_readiness.hpp>
#include <mioext/selector_context.hpp>
#include <mioext/selector_service.hpp>
#include <mioext/sender.hpp>
#include <mioext/signal_info.hpp>
#include <mioext/steady_timer.hpp>
#include <mioext/stream.hpp>
#include <mioext/tcp.hpp>
#include <mioext/timeout.hpp>
#include <mioext/token.hpp>
#include <mioext/trigger.hpp>
#include <mioext/udp.hpp>
#include <mioext/unix.hpp>
#include <mioext/version.hpp>
#include <mioext/waker.hpp>
#include <mioext/watcher.hpp>
#include <mioext/watcher_set.hpp>
#include <mioext/write_hint.hpp>

#endif // MIOEXT_HPP
