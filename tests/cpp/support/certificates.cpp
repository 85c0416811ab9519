#include "support/certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "engine/base/error.hpp"

namespace cppwax::test {

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

struct Party {
  Key key;
  Certificate certificate;
};

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, kind, value.c_str());
  ENGINE_ASSERT(extension != nullptr, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// Signed by `issuer`, or by itself.
Party make_party(const std::string& name, const Party* issuer, const std::string& host) {
  Party party{Key(EVP_EC_gen("P-256"), EVP_PKEY_free), Certificate(X509_new(), X509_free)};
  X509* certificate = party.certificate.get();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24 * 3600);
  X509_set_pubkey(certificate, party.key.get());
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  const Party& signer = issuer ? *issuer : party;
  X509_set_issuer_name(certificate, X509_get_subject_name(signer.certificate.get()));
  add_extension(certificate, NID_basic_constraints, issuer ? "CA:FALSE" : "critical,CA:TRUE");
  if (!host.empty()) add_extension(certificate, NID_subject_alt_name, "IP:" + host);
  ENGINE_ASSERT(X509_sign(certificate, signer.key.get(), EVP_sha256()) > 0);
  return party;
}

void write(const Party& party, const std::string& certificate_file, const std::string& key_file) {
  FILE* file = std::fopen(certificate_file.c_str(), "w");
  PEM_write_X509(file, party.certificate.get());
  std::fclose(file);
  if (key_file.empty()) return;
  file = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(file, party.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
}

}  // namespace

TestCertificates::TestCertificates(const std::string& host) {
  std::string pattern = std::filesystem::temp_directory_path() / "cppwax-tls-XXXXXX";
  ENGINE_ASSERT(::mkdtemp(pattern.data()) != nullptr, pattern);
  folder_ = pattern;
  const Party ca = make_party("ca", nullptr, "");
  const Party other_ca = make_party("ca", nullptr, "");
  write(ca, folder_ + "/ca.pem", "");
  write(make_party("node", &ca, host), folder_ + "/node.pem", folder_ + "/node.key");
  write(make_party("node", &other_ca, host), folder_ + "/stranger.pem", folder_ + "/stranger.key");
}

TestCertificates::~TestCertificates() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace cppwax::test
