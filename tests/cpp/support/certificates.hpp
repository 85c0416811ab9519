// TLS certificates for tests, made when they are needed.
#pragma once

#include <string>

#include "engine/transport/security.hpp"

namespace cppwax::test {

// In a folder of its own, removed at the end: a CA, a node's certificate for `host` that it signed,
// and a stranger's that another CA signed, for the same host.
class TestCertificates {
 public:
  explicit TestCertificates(const std::string& host);
  ~TestCertificates();
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  transport::Certificates node() const { return of("node"); }
  transport::Certificates stranger() const { return of("stranger"); }

 private:
  transport::Certificates of(const std::string& name) const {
    return {folder_ + "/" + name + ".pem", folder_ + "/" + name + ".key", folder_ + "/ca.pem"};
  }
  std::string folder_;
};

}  // namespace cppwax::test
