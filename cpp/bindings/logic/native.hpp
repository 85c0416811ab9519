// Native logic in place of the value objects that cppwax's own operators give to `flat_map_batch`:
// it crosses into Python for the user's callable alone. Which objects have one is decided here, by
// exact type: a subclass may mean something else and runs through Python.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "bindings/py_call.hpp"
#include "bindings/py_step.hpp"
#include "engine/operators/logic.hpp"

namespace cppwax::bindings {

// Whether the value is of just this class, which lies in a module of cppwax's own.
bool is_exactly(const py::object& value, const char* module, const char* name);

// A class that has a native form, and what makes that.
template <class Maker>
struct NativeForm {
  const char* type;
  const char* module;
  Maker make;
};

// The maker of the form for a value's class, null if there is none.
template <class Maker, std::size_t kCount>
Maker find_form(const std::array<NativeForm<Maker>, kCount>& forms, const py::object& value) {
  for (const NativeForm<Maker>& form : forms) {
    if (is_exactly(value, form.module, form.type)) return form.make;
  }
  return nullptr;
}

// The native logic of a `mapper`, null if there is none.
std::unique_ptr<operators::FlatMapBatchLogic> make_native(const py::object& mapper,
                                                          operators::Seat seat);

// A maker for each native logic; each takes the value object of its name in snake case.
using NativeMaker = std::unique_ptr<operators::FlatMapBatchLogic> (*)(const py::object& mapper);

namespace native {

std::unique_ptr<operators::FlatMapBatchLogic> make_map(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_filter(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_filter_map(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_key_on(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_count(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_label(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_enrich(const py::object& mapper);

std::unique_ptr<operators::FlatMapBatchLogic> make_map_value(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_filter_value(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_filter_map_value(const py::object& mapper);
// Of a filter_map_value that picks the events of a window step; no entry of its own.
bool is_unwrap(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_unwrap(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_key_rm(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_label_value(const py::object& mapper);

std::unique_ptr<operators::FlatMapBatchLogic> make_flat_map(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_flatten(const py::object& mapper);
std::unique_ptr<operators::FlatMapBatchLogic> make_flat_map_value(const py::object& mapper);

std::unique_ptr<operators::FlatMapBatchLogic> make_pre_reduce(const py::object& mapper,
                                                              operators::Seat seat);

}  // namespace native

}  // namespace cppwax::bindings
