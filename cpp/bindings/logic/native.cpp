#include "bindings/logic/native.hpp"

#include <array>
#include <cstring>

#include "bindings/logic/modules.hpp"

namespace cppwax::bindings {

namespace {

using MapperForm = NativeForm<NativeMaker>;

constexpr std::array kMapperForms{
    MapperForm{"MapBatch", modules::kBatchMappers, native::make_map},
    MapperForm{"FilterBatch", modules::kBatchMappers, native::make_filter},
    MapperForm{"FilterMapBatch", modules::kBatchMappers, native::make_filter_map},
    MapperForm{"FlatMapBatch", modules::kBatchMappers, native::make_flat_map},
    MapperForm{"FlattenBatch", modules::kBatchMappers, native::make_flatten},
    MapperForm{"KeyOnBatch", modules::kBatchMappers, native::make_key_on},
    MapperForm{"KeyRmBatch", modules::kBatchMappers, native::make_key_rm},
    MapperForm{"MapValueBatch", modules::kBatchMappers, native::make_map_value},
    MapperForm{"FilterValueBatch", modules::kBatchMappers, native::make_filter_value},
    MapperForm{"FilterMapValueBatch", modules::kBatchMappers, native::make_filter_map_value},
    MapperForm{"FlatMapValueBatch", modules::kBatchMappers, native::make_flat_map_value},
    MapperForm{"CountBatch", modules::kFinal, native::make_count},
    MapperForm{"EnrichBatch", modules::kEnrich, native::make_enrich},
    MapperForm{"LabelBatch", modules::kJoin, native::make_label},
    MapperForm{"LabelValueBatch", modules::kJoin, native::make_label_value},
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
  if (const NativeMaker make = find_form(kMapperForms, mapper)) return make(mapper);
  if (is_exactly(mapper, modules::kFinal, "PreReduceBatch"))
    return native::make_pre_reduce(mapper, seat);
  return nullptr;
}

}  // namespace cppwax::bindings
