// Any bytes as a hello. One that is taken must come back equal, and compare without a crash.
#include <span>

#include "engine/transport/hello.hpp"
#include "fuzz/target.hpp"

namespace cppwax::fuzz {
namespace {

using namespace transport;

Hello hello_of(Role role) {
  Hello hello;
  hello.facts = {"0.1.0", "3.11", 3, 2, true, "flow", "fingerprint", 30'000};
  hello.role = role;
  hello.dialler = ProcessIndex(2);
  hello.listener = ProcessIndex(1);
  hello.run[3] = std::byte{7};
  return hello;
}

std::variant<Hello, HelloError> read(std::span<const std::byte> bytes) {
  if (bytes.size() < HelloPrefix::kBytes) return HelloError::kMalformed;
  const auto prefix = HelloPrefix::read(bytes.first(HelloPrefix::kBytes));
  if (const auto* error = std::get_if<HelloError>(&prefix)) return *error;
  return read_hello_body(std::get<HelloPrefix>(prefix), bytes.subspan(HelloPrefix::kBytes));
}

}  // namespace

std::vector<Input> seeds() {
  std::vector<Input> found;
  for (const std::uint16_t wire_version : {kOurWireVersion, std::uint16_t{9}}) {
    for (const Role role : {Role::kDialler, Role::kListener}) {
      Hello hello = hello_of(role);
      hello.wire_version = wire_version;
      Input input;
      for (const std::byte byte : hello.write()) {
        input.push_back(std::to_integer<std::uint8_t>(byte));
      }
      found.push_back(std::move(input));
    }
  }
  return found;
}

}  // namespace cppwax::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cppwax::fuzz;
  const auto heard = read(std::as_bytes(std::span(data, size)));
  const auto* hello = std::get_if<Hello>(&heard);
  if (hello == nullptr) return 0;
  for (const Role role : {Role::kDialler, Role::kListener}) {
    const auto mismatch = compare(hello_of(role), *hello, "host:1");
    require(!mismatch || !mismatch->message.empty());
  }
  if (hello->wire_version != kOurWireVersion) return 0;
  const WireBytes bytes = hello->write();
  const auto again = read(bytes);
  require(std::holds_alternative<Hello>(again));
  require(std::get<Hello>(again).write() == bytes);
  return 0;
}
