#include "bindings/py_codec.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "bindings/bind.hpp"
#include "bindings/py_call.hpp"
#include "bindings/py_payload.hpp"
#include "engine/base/error.hpp"

namespace cppwax::bindings {

namespace {

constexpr int kItemPickleProtocol = 5;
// Smaller buffers cost less within the pickle than beside it.
constexpr Py_ssize_t kLeastBeside = 16 * 1024;
// What the user may still write to is copied up to here. Above it the rule is not to change an item
// after emitting it.
constexpr Py_ssize_t kMostCopied = 1024 * 1024;

std::string pickling() {
  return "pickling items for another process";
}
std::string unpickling() {
  return "unpickling items from another process";
}

// `buffer_callback` of pickle.dumps; self is the list that takes what is to travel beside. Returns
// whether the buffer stays within the pickle.
PyObject* put_beside(PyObject* beside, PyObject* buffer) {
  Py_buffer view;
  // What does not lie in one piece has to be copied anyhow.
  if (PyObject_GetBuffer(buffer, &view, PyBUF_SIMPLE) < 0) {
    PyErr_Clear();
    Py_RETURN_TRUE;
  }
  const Py_ssize_t size = view.len;
  PyBuffer_Release(&view);
  const bool has_place =
      PyList_GET_SIZE(beside) < static_cast<Py_ssize_t>(data::PayloadCodec::kMaxBuffers) - 2;
  if (size < kLeastBeside || !has_place) Py_RETURN_TRUE;
  if (PyList_Append(beside, buffer) < 0) return nullptr;
  Py_RETURN_FALSE;
}

PyMethodDef put_beside_method{"put_beside", put_beside, METH_O, nullptr};

// The memory of an object, in place, until the last user of the result lets go of it.
data::Buffer in_place(PyObject* object, const std::shared_ptr<ReleaseQueue>& sent) {
  auto view = std::make_unique<Py_buffer>();
  if (PyObject_GetBuffer(object, view.get(), PyBUF_SIMPLE) < 0) throw_user_error(pickling());
  data::Buffer buffer;
  buffer.size = static_cast<std::size_t>(view->len);
  buffer.writable = view->readonly == 0;
  auto* memory = static_cast<std::byte*>(view->buf);
  buffer.data = std::shared_ptr<std::byte>(
      memory, [sent, held = view.release()](std::byte*) { sent->add(held); });
  if (!buffer.writable || static_cast<Py_ssize_t>(buffer.size) >= kMostCopied) return buffer;
  data::Buffer copy = data::allocate_buffer(buffer.size);
  std::memcpy(copy.data.get(), buffer.data.get(), buffer.size);
  copy.writable = true;
  return copy;
}

// How many items each part but the last has.
data::Buffer part_sizes(const PyPayload& payload) {
  std::vector<std::uint64_t> sizes;
  std::uint64_t size = 0;
  payload.each_item([&](PyObject*, bool starts) {
    if (starts) sizes.push_back(std::exchange(size, 0));
    ++size;
  });
  data::Buffer buffer = data::allocate_buffer(sizes.size() * sizeof(std::uint64_t));
  if (!sizes.empty()) std::memcpy(buffer.data.get(), sizes.data(), buffer.size);
  return buffer;
}

std::vector<std::uint64_t> sizes_in(const data::Buffer& buffer) {
  std::vector<std::uint64_t> sizes(buffer.size / sizeof(std::uint64_t));
  if (!sizes.empty()) {
    std::memcpy(sizes.data(), buffer.data.get(), sizes.size() * sizeof(std::uint64_t));
  }
  return sizes;
}

py::object list_of(const PyPayload& payload) {
  const auto items = payload.items();
  auto list = py::reinterpret_steal<py::object>(PyList_New(static_cast<Py_ssize_t>(items.size())));
  if (!list) throw_user_error(pickling());
  for (std::size_t i = 0; i < items.size(); ++i) {
    PyList_SET_ITEM(list.ptr(), static_cast<Py_ssize_t>(i), Py_NewRef(items[i]));
  }
  return list;
}

// Memory that came from another process, as Python's buffer protocol sees it.
struct Received {
  data::Buffer buffer;
};

}  // namespace

void ReleaseQueue::drain() {
  const auto views = views_.with([](auto& all) { return std::exchange(all, {}); });
  for (Py_buffer* view : views) {
    PyBuffer_Release(view);
    delete view;
  }
}

PyCodec::PyCodec()
    : protocol_(py::int_(kItemPickleProtocol)),
      dumps_names_(py::make_tuple("protocol", "buffer_callback")),
      loads_names_(py::make_tuple("buffers")),
      sent_(std::make_shared<ReleaseQueue>()) {
  const auto pickle = py::module_::import("pickle");
  dumps_ = pickle.attr("dumps");
  loads_ = pickle.attr("loads");
}

data::Encoded PyCodec::encode(const data::Payload& payload) const {
  sent_->drain();
  const PyPayload& batch = as_py(payload);
  const auto beside = py::reinterpret_steal<py::object>(PyList_New(0));
  if (!beside) throw_user_error(pickling());
  const auto callback =
      py::reinterpret_steal<py::object>(PyCFunction_New(&put_beside_method, beside.ptr()));
  if (!callback) throw_user_error(pickling());
  const py::object list = list_of(batch);
  const auto dump = [&](PyObject* value) {
    PyObject* arguments[] = {value, protocol_.ptr(), callback.ptr()};
    return surviving_exit(
        [&] { return PyObject_Vectorcall(dumps_.ptr(), arguments, 1, dumps_names_.ptr()); });
  };
  PyObject* pickled = dump(list.ptr());
  if (pickled == nullptr) {
    // Which one it is: the first that fails by itself.
    auto cause = take_python_error(Wrapped::kYes);
    for (PyObject* item : batch.items()) {
      const auto alone = py::reinterpret_steal<py::object>(dump(item));
      if (alone) continue;
      throw UserCodeError("pickling an item of type `" + type_name(item) + "` for another process",
                          take_python_error(Wrapped::kYes));
    }
    throw UserCodeError(pickling(), std::move(cause));
  }
  const py::object bytes = call_result(pickled, pickling);
  data::Encoded encoded{part_sizes(batch), in_place(bytes.ptr(), sent_)};
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(beside.ptr()); ++i) {
    encoded.push_back(in_place(PyList_GET_ITEM(beside.ptr(), i), sent_));
  }
  return encoded;
}

data::PayloadPtr PyCodec::decode(data::Encoded encoded) const {
  if (encoded.size() < 2) {
    throw TransportError("a peer sent a batch without items; it runs another cppwax");
  }
  const std::vector<std::uint64_t> parts = sizes_in(encoded[0]);
  py::list beside;
  for (std::size_t i = 2; i < encoded.size(); ++i) {
    const py::object received =
        py::cast(std::make_unique<Received>(Received{std::move(encoded[i])}));
    // As pickle itself would give it: with a length, items and slices.
    auto view = py::reinterpret_steal<py::object>(PyMemoryView_FromObject(received.ptr()));
    if (!view) throw_user_error(unpickling());
    beside.append(std::move(view));
  }
  const auto view = py::reinterpret_steal<py::object>(
      PyMemoryView_FromMemory(reinterpret_cast<char*>(encoded[1].data.get()),
                              static_cast<Py_ssize_t>(encoded[1].size), PyBUF_READ));
  if (!view) throw_user_error(unpickling());
  PyObject* arguments[] = {view.ptr(), beside.ptr()};
  const py::object list =
      call_result(surviving_exit([&] {
                    return PyObject_Vectorcall(loads_.ptr(), arguments, 1, loads_names_.ptr());
                  }),
                  unpickling);
  PyPayload all;
  if (!all.append_if_listlike(list.ptr())) {
    throw TransportError("a peer sent a batch that is no list; it runs another cppwax");
  }
  auto payload = std::make_unique<PyPayload>();
  payload->reserve(all.size());
  std::size_t part = 0;
  std::uint64_t left = parts.empty() ? all.size() : parts[0];
  for (PyObject* item : all.release()) {
    if (left == 0) {
      payload->start_part();
      left = ++part < parts.size() ? parts[part] : SIZE_MAX;
    }
    --left;
    payload->push(item);
  }
  return payload;
}

void bind_codec(py::module_& module) {
  py::class_<Received>(module, "_Received", py::buffer_protocol(), py::module_local())
      .def_buffer([](Received& received) {
        return py::buffer_info(reinterpret_cast<std::uint8_t*>(received.buffer.data.get()),
                               static_cast<py::ssize_t>(received.buffer.size),
                               !received.buffer.writable);
      });
}

}  // namespace cppwax::bindings
