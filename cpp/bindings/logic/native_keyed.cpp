#include "bindings/logic/native_keyed.hpp"

#include <array>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"

namespace cppwax::bindings {

namespace {

using KeyedForm = NativeForm<NativeKeyedMaker>;

constexpr std::array kKeyedForms{
    KeyedForm{"FoldFinalBuilder", modules::kFinal, native::make_fold_final},
    KeyedForm{"CollectBuilder", modules::kCollect, native::make_collect},
    KeyedForm{"JoinBuilder", modules::kJoin, native::make_join},
    KeyedForm{"StatefulBuilder", modules::kStateful, native::make_stateful},
    KeyedForm{"StatefulMapBuilder", modules::kStateful, native::make_stateful_map},
    KeyedForm{"StatefulFlatMapBuilder", modules::kStateful, native::make_stateful_flat_map},
    KeyedForm{"WindowBuilder", modules::kWindowDriver, native::make_window},
};

}  // namespace

std::unique_ptr<operators::KeyedBody> make_native_keyed(const KeyedSetup& setup) {
  const NativeKeyedMaker make = find_form(kKeyedForms, setup.builder);
  return make == nullptr ? nullptr : make(setup);
}

}  // namespace cppwax::bindings
