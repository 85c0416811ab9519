#include "bindings/logic/native_keyed.hpp"

#include <array>

#include "bindings/logic/native.hpp"

namespace cppwax::bindings {

namespace {

struct Entry {
  const char* type;
  const char* module;
  NativeKeyedMaker make;
};

constexpr const char* kCollect = "cppwax.operators._collect";
constexpr const char* kFinal = "cppwax.operators._final";
constexpr const char* kJoin = "cppwax.operators._join";
constexpr const char* kStateful = "cppwax.operators._stateful";
constexpr const char* kWindowing = "cppwax.operators.windowing._driver";

constexpr std::array kEntries{
    Entry{"FoldFinalBuilder", kFinal, native::make_fold_final},
    Entry{"CollectBuilder", kCollect, native::make_collect},
    Entry{"JoinBuilder", kJoin, native::make_join},
    Entry{"StatefulBuilder", kStateful, native::make_stateful},
    Entry{"StatefulMapBuilder", kStateful, native::make_stateful_map},
    Entry{"StatefulFlatMapBuilder", kStateful, native::make_stateful_flat_map},
    Entry{"WindowBuilder", kWindowing, native::make_window},
};

}  // namespace

std::unique_ptr<operators::KeyedBody> make_native_keyed(const KeyedSetup& setup) {
  for (const Entry& entry : kEntries) {
    if (is_exactly(setup.builder, entry.module, entry.type)) return entry.make(setup);
  }
  return nullptr;
}

}  // namespace cppwax::bindings
