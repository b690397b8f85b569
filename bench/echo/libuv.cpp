//
// bench/echo/libuv.cpp
// --------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The echo server of libuv: one buffer for each connection, and a request to write only where
// uv_try_write leaves something.
//

#include "servers.hpp"

#include <array>

#include <uv.h>

#include "../system.hpp"

namespace {

struct server {
  uv_loop_t loop;
  uv_tcp_t listener;
  std::size_t clients;
  std::uint64_t bytes;
};

struct connection {
  uv_tcp_t handle;
  uv_write_t request;
  server* owner;
  std::array<char, echo::buffer_size> buffer;
};

void done(int status, char const* call) {
  if (status < 0) {
    throw std::runtime_error(std::string(call) + ": " + uv_strerror(status));
  }
}

void on_read(uv_stream_t* stream, ssize_t size, uv_buf_t const* buffer);

void give_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
  connection& reader = *static_cast<connection*>(handle->data);
  *buffer = uv_buf_init(reader.buffer.data(), static_cast<unsigned>(reader.buffer.size()));
}

uv_stream_t* stream_of(uv_tcp_t& handle) { return reinterpret_cast<uv_stream_t*>(&handle); }
uv_handle_t* handle_of(uv_tcp_t& handle) { return reinterpret_cast<uv_handle_t*>(&handle); }

void on_closed(uv_handle_t* handle) {
  connection* const ended = static_cast<connection*>(handle->data);
  if (--ended->owner->clients == 0) {
    uv_stop(&ended->owner->loop);
  }
  delete ended;
}

void on_written(uv_write_t* request, int status) {
  connection& writer = *static_cast<connection*>(request->data);
  if (status < 0) {
    uv_close(handle_of(writer.handle), on_closed);
  } else {
    uv_read_start(stream_of(writer.handle), give_buffer, on_read);
  }
}

void write_rest(connection& writer, std::size_t begin, std::size_t end) {
  // The one buffer is in use until all is sent.
  uv_read_stop(stream_of(writer.handle));
  writer.request.data = &writer;
  writer.owner->bytes += end - begin;
  uv_buf_t rest = uv_buf_init(writer.buffer.data() + begin, static_cast<unsigned>(end - begin));
  done(uv_write(&writer.request, stream_of(writer.handle), &rest, 1, on_written), "uv_write");
}

void on_read(uv_stream_t* stream, ssize_t size, uv_buf_t const* buffer) {
  connection& reader = *static_cast<connection*>(stream->data);
  if (size < 0) {
    uv_close(handle_of(reader.handle), on_closed);
    return;
  }
  if (size == 0) {
    return; // nothing was there after all
  }
  uv_buf_t const all = uv_buf_init(buffer->base, static_cast<unsigned>(size));
  int const written = uv_try_write(stream, &all, 1);
  std::size_t const sent = written > 0 ? static_cast<std::size_t>(written) : 0;
  reader.owner->bytes += sent;
  if (sent != static_cast<std::size_t>(size)) {
    write_rest(reader, sent, static_cast<std::size_t>(size));
  }
}

void on_connection(uv_stream_t* listener, int status) {
  done(status, "uv_listen");
  server& owner = *static_cast<server*>(listener->data);
  connection* const made = new connection;
  made->owner = &owner;
  made->handle.data = made;
  done(uv_tcp_init(&owner.loop, &made->handle), "uv_tcp_init");
  done(uv_accept(listener, stream_of(made->handle)), "uv_accept");
  done(uv_tcp_nodelay(&made->handle, 1), "uv_tcp_nodelay");
  done(uv_read_start(stream_of(made->handle), give_buffer, on_read), "uv_read_start");
}

} // namespace

std::uint64_t echo::libuv(int listener, std::size_t clients) {
  server owner;
  owner.clients = clients;
  owner.bytes = 0;
  done(uv_loop_init(&owner.loop), "uv_loop_init");
  done(uv_tcp_init(&owner.loop, &owner.listener), "uv_tcp_init");
  owner.listener.data = &owner;
  done(uv_tcp_open(&owner.listener, listener), "uv_tcp_open");
  done(uv_listen(stream_of(owner.listener), 1024, on_connection), "uv_listen");
  uv_run(&owner.loop, UV_RUN_DEFAULT);
  return owner.bytes;
}
