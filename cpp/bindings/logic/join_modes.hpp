// What the joins of all kinds have in common: which values of a side they keep, when they emit, and
// the rows that these values make.
#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "bindings/py_call.hpp"

namespace cppwax::bindings {

enum class InsertMode { kFirst, kLast, kProduct };
enum class EmitMode { kComplete, kFinal, kRunning };

// Of a value object that is a join's builder; Python has checked the modes.
inline InsertMode insert_mode_of(const py::object& builder) {
  const auto mode = attribute_of(builder.ptr(), "insert_mode").cast<std::string>();
  if (mode == "first") return InsertMode::kFirst;
  return mode == "product" ? InsertMode::kProduct : InsertMode::kLast;
}

inline EmitMode emit_mode_of(const py::object& builder) {
  const auto mode = attribute_of(builder.ptr(), "emit_mode").cast<std::string>();
  if (mode == "complete") return EmitMode::kComplete;
  return mode == "running" ? EmitMode::kRunning : EmitMode::kFinal;
}

// Calls `emit(row)` with each tuple of one value of each side, the last side varying fastest, as
// itertools.product does. `sides` has
//   count()                  of the sides
//   values_of(side)          how many values a side has; one without any counts as one None
//   value_at(side, index)    borrowed
template <class Sides, class Doing, class Emit>
void each_row(const Sides& sides, Doing&& doing, Emit&& emit) {
  const std::size_t count = sides.count();
  const auto row_of = [&](auto&& index_of) {
    py::object row = made(doing, PyTuple_New(static_cast<Py_ssize_t>(count)));
    for (std::size_t side = 0; side < count; ++side) {
      PyTuple_SET_ITEM(row.ptr(), static_cast<Py_ssize_t>(side),
                       Py_NewRef(sides.value_at(side, index_of(side))));
    }
    return row;
  };
  bool is_one_row = true;
  for (std::size_t side = 0; side < count; ++side) is_one_row &= sides.values_of(side) == 1;
  if (is_one_row) return emit(row_of([](std::size_t) { return std::size_t{0}; }));
  std::vector<std::size_t> at(count, 0);
  std::size_t varied = 0;
  do {
    emit(row_of([&](std::size_t side) { return at[side]; }));
    varied = at.size();
    while (varied > 0 && ++at[varied - 1] == sides.values_of(varied - 1)) at[--varied] = 0;
  } while (varied > 0);
}

}  // namespace cppwax::bindings
