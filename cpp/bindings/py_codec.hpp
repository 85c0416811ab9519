// Batches of Python objects as bytes, for items that go to another process: one pickle a batch,
// with large buffers (NumPy, Arrow) beside it.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <vector>

#include "engine/base/guarded.hpp"
#include "engine/data/codec.hpp"

namespace cppwax::bindings {

namespace py = pybind11;

// Memory of Python objects that has been sent. The network's thread hands it back here; it is let
// go of by whoever holds the interpreter next. Thread-safe.
class ReleaseQueue {
 public:
  ReleaseQueue() = default;
  ReleaseQueue(const ReleaseQueue&) = delete;
  ReleaseQueue& operator=(const ReleaseQueue&) = delete;
  // REQUIRES: the interpreter is held.
  ~ReleaseQueue() { drain(); }

  void add(Py_buffer* view) {
    views_.with([&](auto& views) { views.push_back(view); });
  }
  // REQUIRES: the interpreter is held.
  void drain();

 private:
  Guarded<std::vector<Py_buffer*>> views_;
};

// Used by all workers of a run at once, each with the interpreter held; so it is made and
// destroyed. What it has encoded may outlive neither it nor the run's connections.
class PyCodec final : public data::PayloadCodec {
 public:
  // Errors: pybind11::error_already_set.
  PyCodec();

  // Errors: UserCodeError that names the type of the first item that cannot be pickled.
  data::Encoded encode(const data::Payload& payload) const override;
  data::PayloadPtr decode(data::Encoded encoded) const override;

 private:
  py::object dumps_;
  py::object loads_;
  py::object protocol_;
  py::object dumps_names_;  // of its keyword argument
  py::object loads_names_;
  std::shared_ptr<ReleaseQueue> sent_;
};

}  // namespace cppwax::bindings
