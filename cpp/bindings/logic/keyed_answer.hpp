// What the callbacks of users' logics give: values to emit and whether to forget the key, and due
// times.
#pragma once

#include <optional>
#include <string>

#include "bindings/logic/key_table.hpp"
#include "bindings/py_payload.hpp"
#include "bindings/py_types.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/ids.hpp"

namespace cppwax::bindings {

// What a callback of a key gave.
struct Answer {
  PyPayload values;
  bool discard = false;
};

// For errors: "calling `on_eof` for key 'a'".
std::string calling(const char* method, const KeySlot& slot);

// Reads the results of callbacks of one step. The step and the types outlive it.
class AnswerReader {
 public:
  AnswerReader(const StepId& step, const PyTypes& types) : step_(step), types_(types) {}

  // Errors of both: UserCodeError, for results of wrong types too.
  // Of `on_batch`, `on_notify`, `on_eof`.
  Answer read(const py::object& result, const char* method, const KeySlot& slot) const;
  // Calls `notify_at`. nullopt: None.
  std::optional<WallTime> ask_notify_at(const py::object& logic, const KeySlot& slot) const;

 private:
  const StepId& step_;
  const PyTypes& types_;
};

}  // namespace cppwax::bindings
