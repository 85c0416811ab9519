// How processes of a cluster prove that they belong to it. Where a secret comes from (environment,
// file, a key of the user) is decided by whoever fills this in.
#pragma once

#include <cstddef>
#include <string>
#include <variant>

namespace cppwax::transport {

// Plain TCP, and only from addresses that the address list resolves to.
struct ListedAddresses {};

// TLS 1.3 with a key derived from a secret that all processes have.
struct SharedSecret {
  std::string text;  // at least kLeastCharacters

  static constexpr std::size_t kLeastCharacters = 32;
};

// TLS 1.3 with a certificate on both sides, of a CA of the cluster's own. Files in PEM.
struct Certificates {
  std::string certificate_file;
  std::string key_file;
  std::string ca_file;
};

using Security = std::variant<ListedAddresses, SharedSecret, Certificates>;

}  // namespace cppwax::transport
