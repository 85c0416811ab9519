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

std::string StateCodec::snapshot_of(const py::object& logic, const std::string& whose) const {
  return stored_form_of(
      call_method([&] { return "calling `snapshot`" + whose; }, logic.ptr(), snapshot_), whose);
}

std::string StateCodec::stored_form_of(const py::object& state, const std::string& whose) const {
  const auto doing = [&] { return "pickling the state" + whose; };
  const py::object bytes = call_user(doing, dumps_.ptr(), state.ptr(), protocol_.ptr());
  return {PyBytes_AS_STRING(bytes.ptr()), static_cast<std::size_t>(PyBytes_GET_SIZE(bytes.ptr()))};
}

py::object StateCodec::restore(const std::string& state, const std::string& whose) const {
  const py::bytes bytes(state.data(), state.size());
  const auto doing = [&] { return "unpickling the stored state" + whose; };
  return call_user(doing, loads_.ptr(), bytes.ptr());
}

}  // namespace cppwax::bindings
