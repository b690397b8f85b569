//
// example/hiredis_adapter.hpp
// ---------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// Lets a connection of hiredis wait in any context, by a watcher.
//

#ifndef EXAMPLE_HIREDIS_ADAPTER_HPP
#define EXAMPLE_HIREDIS_ADAPTER_HPP

#include <hiredis/async.h>

#include <boost/system/error_code.hpp>

#include <mioext/watcher.hpp>

// tag::adapter[]
// What hiredis calls when it waits for something else. An exception must not go through its frames.
template <mioext::interest Wanted> void watch_redis_for(void* watcher) noexcept {
  static_cast<mioext::watcher*>(watcher)->watch(Wanted);
}

// Lets `redis`, which has just been made, be called when its socket is ready. The watcher serves no
// other one meanwhile, and lives at least as long. What can be read is always watched for.
inline void watch_redis(mioext::watcher& watcher, redisAsyncContext* redis) {
  using mioext::interest;
  redis->ev.data = &watcher;
  redis->ev.addWrite = &watch_redis_for<interest::readable | interest::writable>;
  redis->ev.delWrite = &watch_redis_for<interest::readable>;
  redis->ev.cleanup = [](void* ended) { static_cast<mioext::watcher*>(ended)->stop(); };
  // Not both, for there may be no `redis` after the first. What is still ready is reported again;
  // what has become of the socket, reading tells.
  watcher.watch(redis->c.fd, interest::readable, [redis](boost::system::error_code, interest now) {
    (contains(now, interest::writable) ? ::redisAsyncHandleWrite : ::redisAsyncHandleRead)(redis);
  });
}
// end::adapter[]

#endif // EXAMPLE_HIREDIS_ADAPTER_HPP
