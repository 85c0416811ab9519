#include "bindings/logic/native_keyed.hpp"

#include <array>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"

namespace cppwax::bindings {

namespace {

struct KeyedEntry {
  const char* type;
  const char* module;
  NativeKeyedMaker make;
};

constexpr std::array kKeyedEntries{
    KeyedEntry{"FoldFinalBuilder", modules::kFinal, native::make_fold_final},
    KeyedEntry{"CollectBuilder", modules::kCollect, native::make_collect},
    KeyedEntry{"JoinBuilder", modules::kJoin, native::make_join},
    KeyedEntry{"StatefulBuilder", modules::kStateful, native::make_stateful},
    KeyedEntry{"StatefulMapBuilder", modules::kStateful, native::make_stateful_map},
    KeyedEntry{"StatefulFlatMapBuilder", modules::kStateful, native::make_stateful_flat_map},
    KeyedEntry{"WindowBuilder", modules::kWindowDriver, native::make_window},
};

}  // namespace

std::unique_ptr<operators::KeyedBody> make_native_keyed(const KeyedSetup& setup) {
  for (const KeyedEntry& entry : kKeyedEntries) {
    if (is_exactly(setup.builder, entry.module, entry.type)) return entry.make(setup);
  }
  return nullptr;
}

}  // namespace cppwax::bindings
