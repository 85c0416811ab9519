#include "bindings/logic/native.hpp"

#include <array>
#include <cstring>

namespace cppwax::bindings {

namespace {

struct Entry {
  const char* type;
  const char* module;
  NativeMaker make;
};

constexpr const char* kMappers = "cppwax.operators._batch_mappers";
constexpr const char* kEnrich = "cppwax.operators._enrich";
constexpr const char* kFinal = "cppwax.operators._final";
constexpr const char* kJoin = "cppwax.operators._join";

constexpr std::array kEntries{
    Entry{"MapBatch", kMappers, native::make_map},
    Entry{"FilterBatch", kMappers, native::make_filter},
    Entry{"FilterMapBatch", kMappers, native::make_filter_map},
    Entry{"FlatMapBatch", kMappers, native::make_flat_map},
    Entry{"FlattenBatch", kMappers, native::make_flatten},
    Entry{"KeyOnBatch", kMappers, native::make_key_on},
    Entry{"KeyRmBatch", kMappers, native::make_key_rm},
    Entry{"MapValueBatch", kMappers, native::make_map_value},
    Entry{"FilterValueBatch", kMappers, native::make_filter_value},
    Entry{"FilterMapValueBatch", kMappers, native::make_filter_map_value},
    Entry{"FlatMapValueBatch", kMappers, native::make_flat_map_value},
    Entry{"CountBatch", kFinal, native::make_count},
    Entry{"EnrichBatch", kEnrich, native::make_enrich},
    Entry{"LabelBatch", kJoin, native::make_label},
    Entry{"LabelValueBatch", kJoin, native::make_label_value},
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
  if (is_exactly(mapper, kFinal, "PreReduceBatch")) return native::make_pre_reduce(mapper, seat);
  return nullptr;
}

}  // namespace cppwax::bindings
