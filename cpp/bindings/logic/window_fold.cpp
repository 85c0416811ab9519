// `fold_window` and all steps made of it: the content of a window is the user's state. What a
// folder of cppwax's own does with a plain list, set, dict or int is done here; anything else it is
// called for.
#include <array>
#include <memory>
#include <utility>

#include "bindings/logic/modules.hpp"
#include "bindings/logic/native.hpp"
#include "bindings/logic/native_reducer.hpp"
#include "bindings/logic/native_state.hpp"
#include "bindings/logic/window_contents.hpp"

namespace cppwax::bindings::windows {

namespace {

// Each `Folding` folds a value in and returns true, or returns false to have the folder called.
// kIsOurs: whether only it ever changes a state.

struct ByFolder {
  static constexpr bool kIsOurs = false;
  explicit ByFolder(const py::object&) {}
  bool operator()(const Call&, py::object&, PyObject*) const { return false; }
};

class Counting {
 public:
  static constexpr bool kIsOurs = true;
  explicit Counting(const py::object&) : one_(py::int_(1)) {}
  bool operator()(const Call& call, py::object& count, PyObject*) const {
    if (!PyLong_CheckExact(count.ptr())) return false;
    count = made(call, PyNumber_Add(count.ptr(), one_.ptr()));
    return true;
  }

 private:
  py::object one_;
};

// Of containers, where equality and hashes may be the user's.
template <class Add>
void add_to(const Call& call, Add&& add) {
  if (surviving_exit(add) != 0) throw_user_error(call());
  user_call_ended();
}

struct Listing {
  static constexpr bool kIsOurs = true;
  explicit Listing(const py::object&) {}
  bool operator()(const Call& call, py::object& values, PyObject* value) const {
    if (!PyList_CheckExact(values.ptr())) return false;
    if (PyList_Append(values.ptr(), value) != 0) throw_user_error(call());
    return true;
  }
};

struct SettingIn {
  static constexpr bool kIsOurs = true;
  explicit SettingIn(const py::object&) {}
  bool operator()(const Call& call, py::object& values, PyObject* value) const {
    if (!PySet_CheckExact(values.ptr())) return false;
    add_to(call, [&] { return PySet_Add(values.ptr(), value); });
    return true;
  }
};

struct Mapping {
  static constexpr bool kIsOurs = true;
  explicit Mapping(const py::object&) {}
  bool operator()(const Call& call, py::object& values, PyObject* value) const {
    if (!PyDict_CheckExact(values.ptr())) return false;
    if (!PyTuple_CheckExact(value) || PyTuple_GET_SIZE(value) != 2) return false;
    PyObject* const k = PyTuple_GET_ITEM(value, 0);
    PyObject* const v = PyTuple_GET_ITEM(value, 1);
    add_to(call, [&] { return PyDict_SetItem(values.ptr(), k, v); });
    return true;
  }
};

class Reducing {
 public:
  static constexpr bool kIsOurs = false;
  explicit Reducing(const py::object& folder) : reducer_(callable_of(folder.ptr(), "reducer")) {}
  bool operator()(const Call& call, py::object& state, PyObject* value) const {
    if (state.is_none()) {
      state = py::reinterpret_borrow<py::object>(value);
    } else {
      state = reducer_(call, state.ptr(), value);
    }
    return true;
  }

 private:
  native::Reducer reducer_;
};

template <class Folding>
class FoldContents final : public Contents {
 public:
  explicit FoldContents(const py::object& builder)
      : builder_(callable_of(builder.ptr(), "builder")),
        folder_(callable_of(builder.ptr(), "folder")),
        merger_(callable_of(builder.ptr(), "merger")),
        folding_(folder_) {}

  py::object make(const Call& call) override { return call_user(call, builder_.ptr()); }

  py::object resume(const Call& call, const py::object& state) override {
    return state.is_none() ? make(call) : state;
  }

  void value(const Call& call, py::object& content, PyObject* value, Emitted) override {
    if (folding_(call, content, value)) return;
    content = call_user(call, folder_.ptr(), content.ptr(), value);
  }

  void merge(const Call& call, py::object from, py::object& into, Emitted) override {
    into = call_user(call, merger_.ptr(), into.ptr(), from.ptr());
  }

  void close(const Call&, py::object content, Emitted out) override { out.add(std::move(content)); }

  // Later values may change the state in place.
  void early(const Call& call, const py::object& content, Emitted out) override {
    out.add(copies_.deep_copy(call, content));
  }

  // A container of this file's own filling is pickled as it is.
  py::object snapshot(const SnapshotCall& call, const py::object& content) override {
    return Folding::kIsOurs ? content : copies_.deep_copy(call, content);
  }

 private:
  py::object builder_;
  py::object folder_;
  py::object merger_;
  Folding folding_;
  native::StateCopies copies_;
};

template <class Folding>
std::unique_ptr<Contents> make_with(const py::object& builder) {
  return std::make_unique<FoldContents<Folding>>(builder);
}

using FolderForm = NativeForm<std::unique_ptr<Contents> (*)(const py::object& builder)>;

constexpr std::array kFolders{
    FolderForm{"CountFolder", modules::kFoldWindow, make_with<Counting>},
    FolderForm{"ListFolder", modules::kCollectWindow, make_with<Listing>},
    FolderForm{"SetFolder", modules::kCollectWindow, make_with<SettingIn>},
    FolderForm{"DictFolder", modules::kCollectWindow, make_with<Mapping>},
    FolderForm{"ReduceFolder", modules::kFinal, make_with<Reducing>},
};

}  // namespace

std::unique_ptr<Contents> make_fold_contents(const py::object& builder) {
  const auto make = find_form(kFolders, attribute_of(builder.ptr(), "folder"));
  return make == nullptr ? make_with<ByFolder>(builder) : make(builder);
}

}  // namespace cppwax::bindings::windows
