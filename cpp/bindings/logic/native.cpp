#include "bindings/logic/native.hpp"

#include "bindings/logic/modules.hpp"

#include <array>
#include <cstring>

namespace cppwax::bindings {

namespace {

struct Entry {
  const char* type;
  const char* module;
  NativeMaker make;
};

constexpr std::array kEntries{
    Entry{"MapBatch", modules::kBatchMappers, native::make_map},
    Entry{"FilterBatch", modules::kBatchMappers, native::make_filter},
    Entry{"FilterMapBatch", modules::kBatchMappers, native::make_filter_map},
    Entry{"FlatMapBatch", modules::kBatchMappers, native::make_flat_map},
    Entry{"FlattenBatch", modules::kBatchMappers, native::make_flatten},
    Entry{"KeyOnBatch", modules::kBatchMappers, native::make_key_on},
    Entry{"KeyRmBatch", modules::kBatchMappers, native::make_key_rm},
    Entry{"MapValueBatch", modules::kBatchMappers, native::make_map_value},
    Entry{"FilterValueBatch", modules::kBatchMappers, native::make_filter_value},
    Entry{"FilterMapValueBatch", modules::kBatchMappers, native::make_filter_map_value},
    Entry{"FlatMapValueBatch", modules::kBatchMappers, native::make_flat_map_value},
    Entry{"CountBatch", modules::kFinal, native::make_count},
    Entry{"EnrichBatch", modules::kEnrich, native::make_enrich},
    Entry{"LabelBatch", modules::kJoin, native::make_label},
    Entry{"LabelValueBatch", modules::kJoin, native::make_label_value},
};

}  // namespace

bool is_exactly(const py::object& value, const char* module, const char* name) {
  // The name alone tells nothing, but most types have another, and then no module is asked.
  PyTypeObject* type = Py_TYPE(value.ptr());
  if (std::strcmp(type->tp_name, name) != 0) return false;
  const py::object known = py::module_::import(module).attr(name);
  return known.ptr() == reinterpret_cast<PyObject*>(type);
}

std::unique_ptr<operators::FlatMapBatchLogic> make_native(const py::object& mapper,
                                                          operators::Seat seat) {
  for (const Entry& entry : kEntries) {
    if (is_exactly(mapper, entry.module, entry.type)) return entry.make(mapper);
  }
  if (is_exactly(mapper, modules::kFinal, "PreReduceBatch"))
    return native::make_pre_reduce(mapper, seat);
  return nullptr;
}

}  // namespace cppwax::bindings
