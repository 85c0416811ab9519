// TLS contexts: the only place that knows how OpenSSL is told who may join.
#pragma once

#include <memory>
#include <string>

#include "engine/transport/asio.hpp"
#include "engine/transport/security.hpp"

namespace cppwax::transport {

// Null for plain TCP. Immutable once made; may be shared by streams of one thread.
// Errors: ConfigError for a short secret, or files that cannot be used (named).
std::shared_ptr<net::ssl::context> make_tls_context(const Security& security);

// Whether the peer proved that it belongs to the cluster. Needed beside a good handshake: who holds
// the key could otherwise be made to accept a certificate instead.
bool peer_is_proved(SSL* ssl);

// Why a handshake failed, as a clause about the peer.
std::string describe_handshake_failure(const ErrorCode& error, const Security& security);

}  // namespace cppwax::transport
