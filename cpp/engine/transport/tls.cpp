#include "engine/transport/tls.hpp"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/kdf.h>

#include <array>
#include <cstring>
#include <string_view>
#include <utility>

#include "engine/base/error.hpp"

namespace cppwax::transport {

namespace {

using TlsContext = net::ssl::context;

constexpr std::string_view kIdentity = "cppwax-cluster-1";
// TLS_AES_128_GCM_SHA256: a pre-shared key belongs to one hash, so no other suite is offered.
constexpr std::array<unsigned char, 2> kSuite{0x13, 0x01};
// Any value, the same here and in the session, or verify_peer refuses every key.
constexpr std::array<unsigned char, 1> kSessionContext{1};

struct PresharedKey {
  std::array<unsigned char, 32> bytes{};
  ~PresharedKey() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
};

std::unique_ptr<PresharedKey> derive_key(const std::string& secret) {
  auto key = std::make_unique<PresharedKey>();
  std::string digest = "SHA256";
  std::string input = secret;
  std::string salt = "cppwax";
  std::string info = "external psk 1";
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(
      EVP_KDF_fetch(nullptr, "HKDF", nullptr), EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
      kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr, EVP_KDF_CTX_free);
  const std::array parameters{
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, input.data(), input.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt.data(), salt.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
      OSSL_PARAM_construct_end()};
  const int done = context ? EVP_KDF_derive(context.get(), key->bytes.data(), key->bytes.size(),
                                            parameters.data())
                           : 0;
  OPENSSL_cleanse(input.data(), input.size());
  if (done != 1) throw ConfigError("this OpenSSL offers no HKDF: use another build of it");
  return key;
}

// The key is owned by the SSL_CTX, which every SSL keeps alive. Not in its "app data": Asio deletes
// what lies there.
int key_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(
      0, nullptr, nullptr, nullptr, [](void*, void* key, CRYPTO_EX_DATA*, int, long, void*) {
        delete static_cast<PresharedKey*>(key);
      });
  return slot;
}

const PresharedKey* key_of(SSL* ssl) {
  return static_cast<const PresharedKey*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), key_slot()));
}

// A fresh one for each handshake: OpenSSL takes it over.
SSL_SESSION* session_of_key(SSL* ssl) noexcept {
  const PresharedKey* key = key_of(ssl);
  const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, kSuite.data());
  SSL_SESSION* session = SSL_SESSION_new();
  if (key && cipher && session &&
      SSL_SESSION_set1_master_key(session, key->bytes.data(), key->bytes.size()) &&
      SSL_SESSION_set_cipher(session, cipher) &&
      SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) &&
      SSL_SESSION_set1_id_context(session, kSessionContext.data(), kSessionContext.size())) {
    return session;
  }
  SSL_SESSION_free(session);
  return nullptr;
}

int offer_key(SSL* ssl, const EVP_MD*, const unsigned char** identity, std::size_t* size,
              SSL_SESSION** session) noexcept {
  *identity = reinterpret_cast<const unsigned char*>(kIdentity.data());
  *size = kIdentity.size();
  *session = session_of_key(ssl);
  return *session != nullptr;
}

int find_key(SSL* ssl, const unsigned char* identity, std::size_t size,
             SSL_SESSION** session) noexcept {
  *session = nullptr;
  // An unknown identity is no error: OpenSSL then looks for a certificate, and there is none.
  if (std::string_view(reinterpret_cast<const char*>(identity), size) != kIdentity) return 1;
  *session = session_of_key(ssl);
  return *session != nullptr;
}

std::shared_ptr<TlsContext> bare_context() {
  auto context = std::make_shared<TlsContext>(TlsContext::tlsv13);
  SSL_CTX* native = context->native_handle();
  // No resumption: a ticket would outlive a changed secret.
  SSL_CTX_set_num_tickets(native, 0);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(native, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  const bool set =
      SSL_CTX_set_ciphersuites(native, "TLS_AES_128_GCM_SHA256") == 1 &&
      SSL_CTX_set_session_id_context(native, kSessionContext.data(), kSessionContext.size()) == 1;
  if (!set) throw ConfigError("this OpenSSL lacks TLS_AES_128_GCM_SHA256: use another build of it");
  return context;
}

std::shared_ptr<TlsContext> make_context(const ListedAddresses&) {
  return nullptr;
}

std::shared_ptr<TlsContext> make_context(const SharedSecret& secret) {
  if (secret.text.size() < SharedSecret::kLeastCharacters) {
    throw ConfigError("the cluster secret has " + std::to_string(secret.text.size()) +
                      " characters; it must have at least " +
                      std::to_string(SharedSecret::kLeastCharacters) +
                      " (`cppwax secret` makes a random one)");
  }
  auto context = bare_context();
  SSL_CTX* native = context->native_handle();
  SSL_CTX_set_ex_data(native, key_slot(), derive_key(secret.text).release());
  SSL_CTX_set_psk_use_session_callback(native, offer_key);
  SSL_CTX_set_psk_find_session_callback(native, find_key);
  // No CA is known, so a certificate instead of the key never passes.
  context->set_verify_mode(net::ssl::verify_peer);
  return context;
}

void check_file(const ErrorCode& error, const std::string& what, const std::string& file) {
  if (!error) return;
  throw ConfigError("cannot use " + what + " \"" + file + "\": " + error.message());
}

std::shared_ptr<TlsContext> make_context(const Certificates& files) {
  auto context = bare_context();
  ErrorCode error;
  context->use_certificate_chain_file(files.certificate_file, error);
  check_file(error, "the TLS certificate", files.certificate_file);
  context->use_private_key_file(files.key_file, TlsContext::pem, error);
  check_file(error, "the TLS key", files.key_file);
  context->load_verify_file(files.ca_file, error);
  check_file(error, "the TLS CA", files.ca_file);
  context->set_verify_mode(net::ssl::verify_peer | net::ssl::verify_fail_if_no_peer_cert);
  return context;
}

}  // namespace

std::shared_ptr<net::ssl::context> make_tls_context(const Security& security) {
  return std::visit([](const auto& kind) { return make_context(kind); }, security);
}

bool peer_is_proved(SSL* ssl) {
  if (key_of(ssl) != nullptr) return SSL_session_reused(ssl) == 1;
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl),
                                                                X509_free);
  return certificate != nullptr && SSL_get_verify_result(ssl) == X509_V_OK;
}

std::string describe_handshake_failure(const ErrorCode& error, const Security& security) {
  const bool secret = std::holds_alternative<SharedSecret>(security);
  const std::string wrong_certificate =
      secret ? "has a certificate instead of the cluster secret"
             : "has a certificate that the CA has not signed, or for another name";
  if (error.category() != net::error::get_ssl_category()) {
    return "broke off the TLS handshake (" + error.message() + ")";
  }
  const auto code = static_cast<unsigned long>(error.value());
  // Other parts of OpenSSL than the protocol look at certificates alone.
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return wrong_certificate;
  switch (ERR_GET_REASON(code)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return secret ? "does not speak TLS: one process has a cluster secret, the other has none"
                    : "does not speak TLS: one process has TLS certificates, the other has none";
    case SSL_R_BINDER_DOES_NOT_VERIFY:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
    case SSL_R_SSLV3_ALERT_ILLEGAL_PARAMETER:
      if (secret) return "has another cluster secret";
      break;
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return wrong_certificate;
    default:
      break;
  }
  return (secret ? "did not prove that it has the cluster secret ("
                 : "did not prove itself by a certificate (") +
         error.message() + ")";
}

}  // namespace cppwax::transport
