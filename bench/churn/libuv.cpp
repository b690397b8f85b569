//
// bench/churn/libuv.cpp
// ---------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The connect churn of libuv. Its uv_tcp_close_reset() is what SO_LINGER 0 is elsewhere.
//

#include "contenders.hpp"

#include <array>
#include <stdexcept>
#include <string>

#include <uv.h>

#include "../system.hpp"

namespace {

void done(int status, char const* call) {
  if (status < 0) {
    throw std::runtime_error(std::string(call) + ": " + uv_strerror(status));
  }
}

union handle {
  uv_handle_t any;
  uv_stream_t stream;
  uv_tcp_t tcp;
  uv_pipe_t pipe;
};

void init(uv_loop_t& loop, churn::transport over, handle& made) {
  if (over == churn::transport::tcp) {
    done(uv_tcp_init(&loop, &made.tcp), "uv_tcp_init");
  } else {
    done(uv_pipe_init(&loop, &made.pipe, 0), "uv_pipe_init");
  }
}

struct server {
  uv_loop_t loop;
  handle listener;
  churn::transport over;
  std::size_t left;
  std::size_t bytes;
};

struct session {
  handle peer;
  server* owner;
  char byte;
};

void give_session_buffer(uv_handle_t* any, std::size_t, uv_buf_t* buffer) {
  *buffer = uv_buf_init(&static_cast<session*>(any->data)->byte, 1);
}

void on_session_closed(uv_handle_t* any) {
  session* const ended = static_cast<session*>(any->data);
  if (--ended->owner->left == 0) {
    uv_stop(&ended->owner->loop);
  }
  delete ended;
}

void on_byte(uv_stream_t* stream, ssize_t size, uv_buf_t const*) {
  session& ready = *static_cast<session*>(stream->data);
  if (size == 0) {
    return;
  }
  ready.owner->bytes += size == 1 ? 1 : 0;
  uv_close(&ready.peer.any, on_session_closed);
}

void on_connection(uv_stream_t* listener, int status) {
  done(status, "uv_listen");
  server& owner = *static_cast<server*>(listener->data);
  session* const made = new session;
  made->owner = &owner;
  init(owner.loop, owner.over, made->peer);
  made->peer.any.data = made;
  done(uv_accept(listener, &made->peer.stream), "uv_accept");
  done(uv_read_start(&made->peer.stream, give_session_buffer, on_byte), "uv_read_start");
}

struct client {
  uv_loop_t loop;
  churn::work const* work;
  ::sockaddr_in address;
  std::size_t begun;
  std::size_t ended;
};

struct connection {
  handle made;
  uv_connect_t request;
  client* owner;
  char byte;
};

void connect(connection& slot);

void on_connection_closed(uv_handle_t* any) {
  connection& slot = *static_cast<connection*>(any->data);
  ++slot.owner->ended;
  connect(slot);
}

void give_connection_buffer(uv_handle_t* any, std::size_t, uv_buf_t* buffer) {
  *buffer = uv_buf_init(&static_cast<connection*>(any->data)->byte, 1);
}

void on_end(uv_stream_t* stream, ssize_t size, uv_buf_t const*) {
  connection& slot = *static_cast<connection*>(stream->data);
  if (size == 0) {
    return;
  }
  bench::check(size == UV_EOF, "there is no end");
  if (slot.owner->work->over == churn::transport::tcp) {
    done(uv_tcp_close_reset(&slot.made.tcp, on_connection_closed), "uv_tcp_close_reset");
  } else {
    uv_close(&slot.made.any, on_connection_closed);
  }
}

void on_connected(uv_connect_t* request, int status) {
  done(status, "uv_connect");
  connection& slot = *static_cast<connection*>(request->data);
  char letter = 'c';
  uv_buf_t const byte = uv_buf_init(&letter, 1);
  bench::check(uv_try_write(&slot.made.stream, &byte, 1) == 1, "the byte was not taken");
  done(uv_read_start(&slot.made.stream, give_connection_buffer, on_end), "uv_read_start");
}

void connect(connection& slot) {
  client& owner = *slot.owner;
  if (owner.begun == owner.work->connections) {
    return;
  }
  ++owner.begun;
  init(owner.loop, owner.work->over, slot.made);
  slot.made.any.data = &slot;
  slot.request.data = &slot;
  if (owner.work->over == churn::transport::tcp) {
    done(uv_tcp_connect(&slot.request, &slot.made.tcp,
                        reinterpret_cast<::sockaddr const*>(&owner.address), on_connected),
         "uv_tcp_connect");
  } else {
    uv_pipe_connect(&slot.request, &slot.made.pipe, owner.work->path.c_str(), on_connected);
  }
}

} // namespace

std::size_t churn::serve_libuv(int listener, work const& wanted) {
  server owner;
  owner.over = wanted.over;
  owner.left = wanted.connections;
  owner.bytes = 0;
  done(uv_loop_init(&owner.loop), "uv_loop_init");
  init(owner.loop, owner.over, owner.listener);
  owner.listener.any.data = &owner;
  if (owner.over == transport::tcp) {
    done(uv_tcp_open(&owner.listener.tcp, listener), "uv_tcp_open");
  } else {
    done(uv_pipe_open(&owner.listener.pipe, listener), "uv_pipe_open");
  }
  done(uv_listen(&owner.listener.stream, 1024, on_connection), "uv_listen");
  uv_run(&owner.loop, UV_RUN_DEFAULT);
  return owner.bytes;
}

std::size_t churn::connect_libuv(work const& wanted) {
  client owner;
  owner.work = &wanted;
  owner.address = bench::loopback(wanted.port);
  owner.begun = 0;
  owner.ended = 0;
  done(uv_loop_init(&owner.loop), "uv_loop_init");
  std::array<connection, at_a_time> slots;
  for (connection& each : slots) {
    each.owner = &owner;
    connect(each);
  }
  uv_run(&owner.loop, UV_RUN_DEFAULT); // until there is no handle left
  return owner.ended;
}
