//
// test/hostile/tls_session.hpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A client's side of TLS on a socket that waits, by OpenSSL itself.
//

#ifndef MIOEXT_TEST_HOSTILE_TLS_SESSION_HPP
#define MIOEXT_TEST_HOSTILE_TLS_SESSION_HPP

#include <cstddef>
#include <memory>
#include <string>

#include "address.hpp"

#ifdef HOSTILE_HAS_TLS
#include <openssl/ssl.h>
#endif

namespace hostile {

#ifdef HOSTILE_HAS_TLS

/// Believes any certificate: who the server is, is not the question here.
class tls_session {
public:
  /// Shakes hands. The socket stays the caller's.
  explicit tls_session(int socket) : ssl_(::SSL_new(context()), ::SSL_free) {
    ::SSL_set_fd(ssl_.get(), socket);
    if (::SSL_connect(ssl_.get()) != 1) {
      throw failure("a good client comes to no handshake");
    }
  }

  /// False if not all of it could be sent.
  bool write(std::string const& text) {
    int const size = static_cast<int>(text.size());
    return ::SSL_write(ssl_.get(), text.data(), size) == size;
  }

  /// Zero at the end, and negative after an error, errno's or TLS's own.
  int read(char* data, std::size_t size) {
    int const received = ::SSL_read(ssl_.get(), data, static_cast<int>(size));
    bool const has_ended = ::SSL_get_error(ssl_.get(), received) == SSL_ERROR_ZERO_RETURN;
    return received > 0 ? received : has_ended ? 0 : -1;
  }

private:
  // One for all: it is what takes long to make.
  static ::SSL_CTX* context() {
    static std::unique_ptr<::SSL_CTX, void (*)(::SSL_CTX*)> const made(
        ::SSL_CTX_new(::TLS_client_method()), ::SSL_CTX_free);
    return made.get();
  }

  std::unique_ptr<::SSL, void (*)(::SSL*)> ssl_;
};

#else

class tls_session {
public:
  explicit tls_session(int) { throw failure("built without OpenSSL"); }
  bool write(std::string const&) { return false; }
  int read(char*, std::size_t) { return -1; }
};

#endif

} // namespace hostile

#endif // MIOEXT_TEST_HOSTILE_TLS_SESSION_HPP
