#include "bindings/logic/state_codec.hpp"

namespace cppwax::bindings {

namespace {

// Of all supported versions of Python.
constexpr int kPickleProtocol = 5;

}  // namespace

StateCodec::StateCodec() : protocol_(py::int_(kPickleProtocol)), snapshot_(py::str("snapshot")) {
  const auto pickle = py::module_::import("pickle");
  dumps_ = pickle.attr("dumps");
  loads_ = pickle.attr("loads");
}

std::string StateCodec::bytes_of(const py::object& bytes) {
  return {PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr()))};
}

}  // namespace cppwax::bindings
