//
// test/async_event_loop_priority_lent.cpp
// ---------------------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// The tests of async_event_loop_priority.cpp with sockets that the selector_context lends its selector to,
// as it does to files of the kernel's that tell a change once: they look like regular files here.
//

#define MIOEXT_TEST_SELECTOR_CONTEXT
#define MIOEXT_TEST_LENDS_SOCKETS

#include "async_event_loop_priority.cpp"

#include <sys/stat.h>

extern "C" {
int __real_fstat(int fd, struct ::stat* status);
int __wrap_fstat(int fd, struct ::stat* status);

int __wrap_fstat(int fd, struct ::stat* status) {
  int const result = __real_fstat(fd, status);
  if (result == 0 && S_ISSOCK(status->st_mode)) {
    status->st_mode =
        static_cast<::mode_t>((status->st_mode & ~static_cast<unsigned>(S_IFMT)) | S_IFREG);
  }
  return result;
}
}
