//
// example/test_certificate.hpp
// ----------------------------
//
// Copyright (c) 2026 the mioext authors
//
// Distributed under the Boost Software License, Version 1.0.
// (See accompanying file LICENSE_1_0.txt or copy at https://www.boost.org/LICENSE_1_0.txt)
//
// A key and a certificate for localhost, made when the program starts and gone when it ends: for
// trying out TLS, and for nothing else, because nobody can know whom to trust by it.
//

#ifndef EXAMPLE_TEST_CERTIFICATE_HPP
#define EXAMPLE_TEST_CERTIFICATE_HPP

#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace test_certificate {

template <class T, void (*Free)(T*)> struct deleter {
  void operator()(T* owned) const { Free(owned); }
};

using key = std::unique_ptr<EVP_PKEY, deleter<EVP_PKEY, EVP_PKEY_free>>;
using key_context = std::unique_ptr<EVP_PKEY_CTX, deleter<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using certificate = std::unique_ptr<X509, deleter<X509, X509_free>>;
using extension = std::unique_ptr<X509_EXTENSION, deleter<X509_EXTENSION, X509_EXTENSION_free>>;
using number = std::unique_ptr<BIGNUM, deleter<BIGNUM, BN_free>>;

// OpenSSL's functions return one, or an object, on success.
inline void expect(bool is_done, char const* what) {
  if (!is_done) {
    throw std::runtime_error(std::string("cannot make a test certificate: ") + what);
  }
}

inline key make_key() {
  key_context const context(EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nullptr));
  expect(context != nullptr, "no elliptic curves");
  expect(EVP_PKEY_keygen_init(context.get()) == 1, "EVP_PKEY_keygen_init");
  expect(EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context.get(), NID_X9_62_prime256v1) == 1,
         "no curve P-256");
  EVP_PKEY* made = nullptr;
  expect(EVP_PKEY_keygen(context.get(), &made) == 1, "EVP_PKEY_keygen");
  return key(made);
}

inline void add_extension(X509& to, int which, char const* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, &to, &to, nullptr, nullptr, 0);
  extension const made(X509V3_EXT_conf_nid(nullptr, &context, which, value));
  expect(made && X509_add_ext(&to, made.get(), -1) == 1, value);
}

inline certificate make_certificate(EVP_PKEY& of) {
  long const day = 24L * 60 * 60;
  certificate made(X509_new());
  expect(made != nullptr, "X509_new");
  expect(X509_set_version(made.get(), 2) == 1, "X509_set_version"); // that is version 3

  // No two of them alike, or browsers complain.
  number const serial(BN_new());
  expect(serial && BN_rand(serial.get(), 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
             BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(made.get())),
         "a serial number");
  // Clocks differ.
  expect(X509_gmtime_adj(X509_getm_notBefore(made.get()), -day) &&
             X509_gmtime_adj(X509_getm_notAfter(made.get()), 7 * day),
         "its time");

  X509_NAME* const name = X509_get_subject_name(made.get());
  expect(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                    reinterpret_cast<unsigned char const*>("localhost"), -1, -1,
                                    0) == 1 &&
             X509_set_issuer_name(made.get(), name) == 1,
         "its name");
  add_extension(*made, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");

  expect(X509_set_pubkey(made.get(), &of) == 1, "X509_set_pubkey");
  expect(X509_sign(made.get(), &of, EVP_sha256()) > 0, "X509_sign");
  return made;
}

/// Makes both and has `context` use them; `boost::asio::ssl::context::native_handle()` is such a one.
inline void use(SSL_CTX* context) {
  key const private_key = make_key();
  certificate const made = make_certificate(*private_key);
  expect(SSL_CTX_use_certificate(context, made.get()) == 1 &&
             SSL_CTX_use_PrivateKey(context, private_key.get()) == 1,
         "SSL_CTX_use");
}

} // namespace test_certificate

#endif // EXAMPLE_TEST_CERTIFICATE_HPP
